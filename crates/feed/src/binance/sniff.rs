//! Recognises the files and what they are of.

use std::path::Path;

use verismo_market::event::NO_TIME;

use super::fields::{Row, RowKind};
use super::layout::{Column, Layout, LayoutKind};
use crate::epoch::EpochUnit;
use crate::inventory::{FirstKey, Match, Probe, Source, file_name};

/// Lines looked at for a layout where there is no header, and for the first stamps: a few of them may be damaged.
const LINES: usize = 64;

/// A CSV file in one of the layouts.
pub(crate) fn sniff(probe: &Probe<'_>, source: &mut Source) -> Match {
    let Some(head) = probe.head() else { return Match::No };
    if head.bytes.starts_with(b"PK\x03\x04") {
        return Match::Ignored("a zip archive: unpack it first".to_owned());
    }
    let Some(layout) = layout_of(head.lines()) else { return Match::No };
    let rows = || head.lines().take(LINES).map(|line| Row::new(&layout, line));
    let exchange = |row: &Row<'_>| {
        let kind = row.kind();
        let is_trade = matches!(kind, RowKind::Trade | RowKind::AggTrade);
        row.exchange_ns(is_trade).ok().flatten().filter(|(ns, ..)| *ns != NO_TIME)
    };
    // The smallest stamp of the first rows: a file that is opened too early costs nothing.
    let first = rows().filter_map(|row| exchange(&row).map(|t| (t.0, t.2, row))).min_by_key(|(ns, ..)| *ns);
    let receive = rows().filter_map(|row| row.receive_ns().ok()).filter(|ns| *ns != NO_TIME).min();
    let id = |row: &Row<'_>| row.id(Column::LastId).ok().filter(|_| layout.has(Column::LastId));
    source.first = FirstKey {
        t_receive_ns: receive.unwrap_or(NO_TIME),
        t_exchange_ns: first.as_ref().map_or(NO_TIME, |(ns, ..)| *ns),
        id: first.as_ref().and_then(|(.., row)| id(row).or_else(|| row.id(Column::TradeId).ok())).unwrap_or(i64::MIN),
    };
    source.clock_ns = first.map_or(1, |(_, unit, _)| if unit == EpochUnit::Second { 1 } else { unit.ns() });
    // Rows that name their symbol may be of several.
    let names_symbol = layout.has(Column::Symbol) || layout.has(Column::Stream);
    source.symbol = if names_symbol { None } else { symbol_of_name(probe.path, layout.kind) };
    Match::Yes
}

/// The layout of a file that starts with these lines.
pub(super) fn layout_of<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Layout> {
    let mut lines = lines.filter(|line| !is_comment(line)).take(LINES).peekable();
    if let Some(layout) = lines.peek().and_then(|line| Layout::of_header(line)) {
        return Some(layout);
    }
    lines.find_map(Layout::of_row)
}

/// Lines before a header may be comments.
pub(super) fn is_comment(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"#")
}

/// `BTCUSDT` in `BTCUSDT-trades-2024-08-08.csv`.
fn symbol_of_name(path: &Path, kind: LayoutKind) -> Option<String> {
    let name = file_name(path);
    let word = match kind {
        LayoutKind::Trades => "-trades",
        LayoutKind::AggTrades => "-aggTrades",
        LayoutKind::Quotes => "-bookTicker",
        LayoutKind::Stream | LayoutKind::Levels => return None,
    };
    let (symbol, rest) = name.split_once(word)?;
    (!symbol.is_empty() && rest.starts_with(['-', '.'])).then(|| symbol.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_archive_file_tells_the_symbol() {
        let symbol = |name: &str, kind| symbol_of_name(Path::new(name), kind);
        assert_eq!(symbol("x/BTCUSDT-trades-2024-08-08.csv", LayoutKind::Trades).as_deref(), Some("BTCUSDT"));
        assert_eq!(
            symbol("ETHUSD_PERP-aggTrades-2024-08.csv.gz", LayoutKind::AggTrades).as_deref(),
            Some("ETHUSD_PERP")
        );
        assert_eq!(symbol("btcusdt-bookTicker.csv", LayoutKind::Quotes).as_deref(), Some("BTCUSDT"));
        assert_eq!(symbol("BTCUSDT-trades-2024-08-08.csv", LayoutKind::AggTrades), None);
        assert_eq!(symbol("x.csv", LayoutKind::Trades), None);
    }

    #[test]
    fn layouts_are_told_by_header_or_by_the_forms_of_the_values() {
        let kind = |lines: &[&str]| layout_of(lines.iter().map(|l| l.as_bytes())).map(|l| l.kind);
        for (line, want) in [
            ("28457,16795.00,0.1,1679.5,1672531200000,True,True", LayoutKind::Trades),
            ("28457,16795.00,0.1,1679.5,1672531200000,false", LayoutKind::Trades),
            ("28457,16795.00,0.1,100,102,1735689600000123,True,True", LayoutKind::AggTrades),
            ("28457,16795.00,0.1,100,102,1672531200000,true", LayoutKind::AggTrades),
            ("28457,16795.00,0.1,16796,2,1672531200000,1672531200001", LayoutKind::Quotes),
        ] {
            assert_eq!(kind(&[line]), Some(want), "{line}");
            assert_eq!(kind(&["\u{1}damaged,", line]), Some(want), "{line}");
        }
        for (header, want) in [
            ("id,price,qty,quote_qty,time,is_buyer_maker", LayoutKind::Trades),
            (
                "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
                LayoutKind::AggTrades,
            ),
            (
                "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time",
                LayoutKind::Quotes,
            ),
            ("symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu", LayoutKind::Levels),
            (
                "TimestampOfReceive,Stream,EventType,EventTime,Symbol,TradeId,Price,Quantity,IsBuyerMarketMaker",
                LayoutKind::Stream,
            ),
        ] {
            assert_eq!(kind(&["# recorded somewhere", header]), Some(want), "{header}");
        }
        // Candles, LOBSTER messages, a table.
        for line in [
            "1499040000000,0.1,0.8,0.2,0.4,148976,1499644799999,2434.1,308,1756.87,28.46,0",
            "34200.017459617,5,0,1,2238200,-1",
            "time,price,size",
            "id,price,qty",
        ] {
            assert_eq!(kind(&[line]), None, "{line}");
        }
    }
}
