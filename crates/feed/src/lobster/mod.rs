//! LOBSTER: messages of single orders of NASDAQ, and the best levels after each of them, as two CSV files without headers.
//!
//! # Files
//! `SYMBOL_YYYY-MM-DD_STARTms_ENDms_message_L.csv`, plain, `.gz` or `.zst`, and beside it the `orderbook` file of the same name: its row k is
//! the book after message k. The order book is optional. A message file of any other name is read too; its symbol is then its name
//! without `_message`, its date the one told to the reader, else 2000-01-01 (times before 1990 are out of range). The date stands nowhere but in the name, so several days can
//! only be put in order by their names; files of one day are put in order by their first messages.
//!
//! # Fields
//! Messages: `time,type,order id,size,price,direction[,more]`. The time is in seconds after midnight of the exchange's time zone (New York
//! unless told otherwise), with up to nine decimals; digits beyond are cut off. Prices are in 10^-4 dollars, sizes in shares; `direction` is
//! the side of the resting order, 1 buy and -1 sell, so the aggressor of an execution is the other one.
//!
//! | type | rows |
//! |---|---|
//! | 1 new order | `OrderAdd` |
//! | 2 partial cancellation | `OrderReduce` |
//! | 3 deletion | `OrderDelete` |
//! | 4 execution of a visible order | `Trade`, `OrderExec` |
//! | 5 execution of a hidden order (id 0) | `Trade`, `OrderExecHidden` |
//! | 6 cross trade | `Trade` |
//! | 7 trading status | `Status`, its price is the code as written: -1 halted, 0 quoting, 1 trading |
//!
//! Order book: `ask price, ask size, bid price, bid size` of level 1, then of level 2, and so on. A level that is not there has price
//! 9999999999 (ask) or -9999999999 (bid) and size 0.
//!
//! # How the order book is used
//! * The book before the first message, its first row with the message undone, is the snapshot that the stream starts with.
//! * The messages tell only what happens within the best L levels. When a level goes, a deeper one comes into view, and what happened to it
//!   out of sight is not known: a `LevelSet` row of the same message says what it holds, where the replay does not say so already.
//! * Levels that fall out of view stay in the book as they were last seen.
//! * All else in a row follows from the row before it and the message. A row that does not is counted as `sequence_gap` (messages are missing,
//!   or one of the files was changed); the book then follows the row.
//!
//! Without an order book file the book starts empty.
//!
//! # One day in several files
//! A day cut in pieces is read piece by piece. A day that is there twice, with another number of levels or packed otherwise, is read once, with the
//! most levels: of a file whose first messages lie before the end of what was read, the messages up to there are counted as
//! `session_overlap` and left out.
//!
//! # Traps
//! * Orders that rest at the start have no type 1 message; their quantity is in the snapshot of levels.
//! * One aggressor against several resting orders is several messages of one time.
//! * The direction of a cross trade says nothing; it is taken as written.

mod columns;
mod reader;
mod row;
mod sequence;
mod sniff;
mod view;

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::inventory::file_name;

pub use reader::LobsterReader;
pub(crate) use row::{EMPTY_ASK, PRICE_UNIT};
pub use sequence::{SequenceFiles, SequenceReader, sequences};
pub(crate) use sniff::{add_books, sniff};

/// Where the exchange is.
pub(crate) const TIME_ZONE: &str = "America/New_York";

/// What the name of a message file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) symbol: String,
    pub(crate) date: Option<Date>,
}

/// The name without its folder and endings.
fn stem(path: &Path) -> String {
    let mut name = file_name(path);
    for ending in [".gz", ".zst", ".csv"] {
        if name.len() > ending.len() && name.to_ascii_lowercase().ends_with(ending) {
            name.truncate(name.len() - ending.len());
        }
    }
    name
}

/// What the names of messages and of order books have in place of each other.
const KINDS: [&str; 2] = ["message", "orderbook"];

/// The date that the name of a message file, or of an order book, tells.
pub(crate) fn date_of(path: &Path) -> Option<Date> {
    Name::with(path, &KINDS).date
}

impl Name {
    pub(crate) fn of(path: &Path) -> Self {
        Self::with(path, &KINDS[..1])
    }

    fn with(path: &Path, kinds: &[&str]) -> Self {
        let stem = stem(path);
        let parts: Vec<&str> = stem.split('_').collect();
        let is_kind = |part: &&str| kinds.iter().any(|kind| part.eq_ignore_ascii_case(kind));
        let Some(at) = parts.iter().rposition(is_kind).filter(|at| *at > 0) else {
            return Self { symbol: stem, date: None };
        };
        if let [symbol @ .., date, start, end] = &parts[..at]
            && !symbol.is_empty()
            && [start, end].iter().all(|ms| !ms.is_empty() && ms.bytes().all(|b| b.is_ascii_digit()))
            && let Ok(date) = date.parse()
        {
            return Self { symbol: symbol.join("_"), date: Some(date) };
        }
        Self { symbol: parts[..at].join("_"), date: None }
    }
}

/// Where the order book of a message file can be: the same name with `orderbook` for `message`, packed alike or otherwise.
pub(crate) fn book_paths(path: &Path) -> Vec<PathBuf> {
    const MESSAGE: &str = "message";
    let name = file_name(path);
    let Some(at) = name.to_ascii_lowercase().rfind(MESSAGE) else { return Vec::new() };
    // Lower case keeps the length of ASCII only; elsewhere the place may be inside a character.
    let (Some(before), Some(after)) = (name.get(..at), name.get(at + MESSAGE.len()..)) else { return Vec::new() };
    let own = [".gz", ".zst"].into_iter().find(|ending| after.ends_with(ending)).unwrap_or_default();
    let after = &after[..after.len() - own.len()];
    let endings = [own].into_iter().chain(["", ".gz", ".zst"].into_iter().filter(|ending| *ending != own));
    endings.map(|ending| path.with_file_name(format!("{before}orderbook{after}{ending}"))).collect()
}

/// Midnight of a date, ns since the Unix epoch; `None` beyond the range of times.
pub(crate) fn midnight_ns(date: Date, zone: &TimeZone) -> Option<i64> {
    let midnight = zone.to_ambiguous_timestamp(date.to_datetime(jiff::civil::Time::midnight())).compatible().ok()?;
    i64::try_from(midnight.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_symbol_and_date_or_only_a_symbol() {
        let date = |y, m, d| Some(jiff::civil::date(y, m, d));
        for (name, symbol, want) in [
            ("AMZN_2012-06-21_34200000_57600000_message_5.csv.zst", "AMZN", date(2012, 6, 21)),
            ("x/BRK_B_2012-06-21_34200000_57600000_message_10.csv", "BRK_B", date(2012, 6, 21)),
            ("AMZN_2012-06-21_1_2_message_5_001.csv.gz", "AMZN", date(2012, 6, 21)),
            ("rmsc04_seed1_message.csv.gz", "rmsc04_seed1", None),
            ("AMZN_2012-13-21_34200000_57600000_message_5.csv", "AMZN_2012-13-21_34200000_57600000", None),
            ("message_5.csv", "message_5", None),
            ("a", "a", None),
        ] {
            assert_eq!(Name::of(Path::new(name)), Name { symbol: symbol.to_owned(), date: want }, "{name}");
        }
        let books = book_paths(Path::new("d/A_message_5.csv.gz"));
        let want = ["d/A_orderbook_5.csv.gz", "d/A_orderbook_5.csv", "d/A_orderbook_5.csv.zst"];
        assert!(books.iter().map(PathBuf::as_path).eq(want.iter().map(Path::new)), "{books:?}");
        assert!(book_paths(Path::new("d/a.csv")).is_empty());
    }

    #[test]
    fn midnight_of_the_exchange() {
        let zone = TimeZone::get(TIME_ZONE).unwrap();
        // Summer and winter: four and five hours behind UTC.
        assert_eq!(midnight_ns(jiff::civil::date(2012, 6, 21), &zone), Some(1_340_251_200_000_000_000));
        assert_eq!(midnight_ns(jiff::civil::date(2012, 1, 3), &zone), Some(1_325_566_800_000_000_000));
        assert_eq!(midnight_ns(jiff::civil::date(9000, 1, 1), &zone), None);
    }
}
