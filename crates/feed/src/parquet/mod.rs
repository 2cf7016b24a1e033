//! The unified market event Parquet tree: schema 1.2, one row per trade, level change or snapshot.

mod chunk;
mod cursor;
mod direct;
pub(crate) mod footer;
mod reader;
mod rows;
pub(crate) mod values;

pub(crate) use footer::Footer;
pub use reader::ParquetReader;
pub use rows::parquet_rows;
pub(crate) use values::shown;

use std::path::Path;

use verismo_market::event::NO_TIME;

use crate::inventory::{FirstKey, Match, Probe, Source};

/// Column names of schema 1.2.
pub(crate) mod columns {
    pub(crate) const TIME: &str = "event_timestamp";
    pub(crate) const TYPE: &str = "event_type";
    pub(crate) const UPDATE_ID: &str = "update_id";
    pub(crate) const TRADE_ID: &str = "trade_id";
    pub(crate) const TRADE_PRICE: &str = "trade_price";
    pub(crate) const TRADE_QTY: &str = "trade_quantity";
    pub(crate) const TRADE_SIDE: &str = "trade_side";
    pub(crate) const BIDS: &str = "bids";
    pub(crate) const ASKS: &str = "asks";
    pub(crate) const IS_SNAPSHOT: &str = "is_snapshot";
    pub(crate) const DELTA_SIDE: &str = "delta_side";
    pub(crate) const DELTA_PRICE: &str = "delta_price";
    pub(crate) const DELTA_QTY: &str = "delta_quantity";
}

/// A Parquet file with the columns of the event schema; any Parquet file where it was asked for.
pub(crate) fn sniff(probe: &Probe<'_>, source: &mut Source) -> Match {
    let Some(footer) = probe.footer().filter(|f| probe.is_wished || f.is_events()) else {
        return Match::No;
    };
    if footer.rows == 0 {
        return Match::Ignored("no rows".to_owned());
    }
    source.symbol = symbol_of_path(probe.path);
    match footer.first_row(probe.path) {
        Ok(first) => {
            source.clock_ns = first.clock_ns;
            source.first = FirstKey { t_receive_ns: NO_TIME, t_exchange_ns: first.t_exchange_ns, id: first.id };
        }
        Err(problem) => source.problem = Some(problem),
    }
    Match::Yes
}

/// The symbol in `{root}/{SYMBOL}/YYYY/MM/DD/HH/events_*.parquet`.
pub(crate) fn symbol_of_path(path: &Path) -> Option<String> {
    let mut up = path.parent()?;
    for digits in [2, 2, 2, 4] {
        let name = up.file_name()?.to_str()?;
        if name.len() != digits || !name.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        up = up.parent()?;
    }
    Some(up.file_name()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_before_the_date_is_the_symbol() {
        let symbol = |p: &str| symbol_of_path(Path::new(p));
        assert_eq!(symbol("out/BTCUSDT/2025/07/20/13/events_1.parquet").as_deref(), Some("BTCUSDT"));
        assert_eq!(symbol("out/BTCUSDT/BTC-USDT/2025/07/20/13/events_1.parquet").as_deref(), Some("BTC-USDT"));
        assert_eq!(symbol("events_1.parquet"), None);
        assert_eq!(symbol("out/BTCUSDT/2025/7/20/13/events_1.parquet"), None);
    }
}
