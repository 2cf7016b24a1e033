//! Recognises the tables by their columns.

use std::path::Path;

use verismo_market::event::NO_TIME;

use super::chunk::{Chunk, text_at};
use super::tables::{Columns, EXCHANGE, SYMBOL, Table};
use crate::error::FeedError;
use crate::inventory::{FirstKey, Match, Probe, Source, file_name};
use crate::parquet::footer::{self, guarded};
use crate::parquet::values;

/// Rows read at a time; those of the start tell the clock.
const ROWS: usize = 1024;

/// A Parquet file with the columns of one of the tables.
pub(crate) fn sniff(probe: &Probe<'_>, source: &mut Source) -> Match {
    let Some(columns) = probe.footer().and_then(|f| Columns::of(&f.schema).map(|c| (f.rows, c))) else {
        return Match::No;
    };
    let (rows, columns) = columns;
    if rows == 0 {
        return Match::Ignored("no rows".to_owned());
    }
    source.symbol = names_of_file(probe.path, columns.table).map(|(_, symbol)| symbol);
    match start(probe.path, &columns) {
        Ok(chunk) => note(&chunk, &columns, source),
        Err(problem) => source.problem = Some(problem),
    }
    Match::Yes
}

fn start(path: &Path, columns: &Columns) -> Result<Chunk, FeedError> {
    guarded(path, "the first rows", || {
        let mut reader = footer::open(path, &columns.wanted(), ROWS, Some(ROWS))?;
        match reader.next() {
            Some(Ok(batch)) => Chunk::decode(path, columns, batch, None),
            Some(Err(error)) => Err(FeedError::corrupt(path, "the first rows", error)),
            None => Err(FeedError::corrupt(path, "the first rows", "the footer counts rows, but there are none")),
        }
    })
}

/// The exchange times of the first rows that have any; none where they cannot be read, which the reader will count.
fn later_stamps(path: &Path, origin: &str) -> Vec<i64> {
    let stamps = guarded(path, "the times", || {
        // Bounded by the rows of the file.
        for batch in footer::open(path, &[origin], ROWS, None)? {
            let batch = batch.map_err(|e| FeedError::corrupt(path, "the times", e))?;
            let times = values::times(path, &batch, origin, None)?.ns;
            if times.iter().any(|t| *t != NO_TIME) {
                return Ok(times);
            }
        }
        Ok(Vec::new())
    });
    stamps.unwrap_or_default()
}

fn note(chunk: &Chunk, columns: &Columns, source: &mut Source) {
    let smallest = |times: &[i64]| times.iter().copied().filter(|t| *t != NO_TIME).min().unwrap_or(NO_TIME);
    // A clock is as fine as its stamps: columns are declared in ns whatever the venue sends.
    let kind = columns.table.name();
    let units = [1_000_000, 1_000];
    source.guess_clock(kind, &units, chunk.t_exchange_ns.iter().copied());
    if source.clock_kind.is_none() {
        source.guess_clock(kind, &units, later_stamps(&source.path, &columns.origin).into_iter());
    }
    source.first = FirstKey {
        t_receive_ns: smallest(&chunk.t_receive_ns),
        t_exchange_ns: smallest(&chunk.t_exchange_ns),
        id: chunk.ids.first().copied().unwrap_or(i64::MIN),
    };
    if let Some(symbol) = chunk.symbol(0) {
        source.symbol = Some(symbol.to_owned());
    }
}

/// Exchange and symbol in `BINANCE_FUTURES_BTC-USDT-PERP_trades_20240808_20240808.parquet`.
pub(super) fn names_of_file(path: &Path, table: Table) -> Option<(String, String)> {
    let word = match table {
        Table::Trades => "_trades_",
        Table::Book => "_book_",
        Table::Delta => "_book_delta_v2_",
    };
    let name = file_name(path);
    let (names, _) = name.split_once(word)?;
    let (exchange, symbol) = names.rsplit_once('_')?;
    (!exchange.is_empty() && !symbol.is_empty()).then(|| (exchange.to_owned(), symbol.to_owned()))
}

/// Exchange and symbol of the file's rows as far as the rows tell them, each at least once.
pub(super) fn each_name(path: &Path, mut found: impl FnMut(Option<&str>, Option<&str>)) -> Result<(), FeedError> {
    guarded(path, "the names", || {
        if let Some([venue, symbol]) = footer::same_texts(path, [EXCHANGE, SYMBOL])? {
            found(venue.as_deref(), symbol.as_deref());
            return Ok(());
        }
        let mut last: Option<(Option<String>, Option<String>)> = None;
        for batch in footer::open(path, &[EXCHANGE, SYMBOL], ROWS, None)? {
            let batch = batch.map_err(|error| FeedError::corrupt(path, "the names", error))?;
            let names = [values::texts(path, &batch, EXCHANGE)?, values::texts(path, &batch, SYMBOL)?];
            for row in 0..batch.num_rows() {
                let [venue, symbol] =
                    names.each_ref().map(|texts| texts.as_ref().map(|_| text_at(texts.as_ref(), row)));
                let [venue, symbol] = [venue, symbol].map(|text| text.map(Option::unwrap_or_default));
                if last.as_ref().is_none_or(|(v, s)| (v.as_deref(), s.as_deref()) != (venue, symbol)) {
                    found(venue, symbol);
                    last = Some((venue.map(str::to_owned), symbol.map(str::to_owned)));
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_name_tells_exchange_and_symbol() {
        let names = |name: &str, table| {
            names_of_file(Path::new(name), table).map(|(exchange, symbol)| format!("{exchange} {symbol}"))
        };
        let day = "20240808_20240809.parquet";
        assert_eq!(
            names(&format!("BINANCE_BTC-USDT_trades_{day}"), Table::Trades).as_deref(),
            Some("BINANCE BTC-USDT")
        );
        assert_eq!(
            names(&format!("BINANCE_FUTURES_BTC-USDT-PERP_book_delta_v2_{day}"), Table::Delta).as_deref(),
            Some("BINANCE_FUTURES BTC-USDT-PERP")
        );
        assert_eq!(names("part-0.parquet", Table::Book), None);
        assert_eq!(names("_x_book_1.parquet", Table::Book), None);
    }
}
