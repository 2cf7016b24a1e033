//! Recognises the two CSV files by their headers.

use std::path::Path;

use verismo_market::event::NO_TIME;

use super::row::{self, Row};
use crate::inventory::{FirstKey, Match, Probe, Source, file_name};

/// A CSV whose header names the columns of order events or of trades.
pub(crate) fn sniff(probe: &Probe<'_>, source: &mut Source) -> Match {
    let Some(head) = probe.head() else { return Match::No };
    let mut lines = head.lines();
    let Some(columns) = lines.next().and_then(row::columns) else { return Match::No };
    source.symbol = symbol_of(probe.path);
    for row in lines.filter_map(|line| columns.row(line).ok()) {
        let (stamps, id) = match row {
            Row::Order(order) => (order.stamps, order.id),
            Row::Trade(trade) => (trade.stamps, trade.id),
        };
        if stamps.exchange_ns != NO_TIME {
            source.first = FirstKey { t_receive_ns: NO_TIME, t_exchange_ns: stamps.exchange_ns, id };
            source.clock_ns = stamps.unit.ns();
            return Match::Yes;
        }
    }
    Match::Ignored("a header without rows".to_owned())
}

/// The instrument that recorders put at the start of the name: `btcusd_2026-05-02_orders.csv.gz`.
fn symbol_of(path: &Path) -> Option<String> {
    let name = file_name(path);
    let (symbol, _) = name.split_once('_')?;
    let is_symbol = (5..=12).contains(&symbol.len()) && symbol.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_word = ["orders", "trades"].iter().any(|word| symbol.eq_ignore_ascii_case(word));
    (is_symbol && !is_word && symbol.bytes().any(|b| b.is_ascii_alphabetic())).then(|| symbol.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_of_names() {
        for (name, want) in [
            ("btcusd_2026-05-02_orders.csv.gz", Some("BTCUSD")),
            ("orders_2026.csv", None),
            ("00000000_x.csv", None),
            ("x.csv", None),
        ] {
            assert_eq!(symbol_of(Path::new(name)).as_deref(), want, "{name}");
        }
    }
}
