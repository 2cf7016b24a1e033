//! Recognises the two files by their rows, and finds the order books of messages.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use verismo_market::event::{NO_ID, NO_TIME};

use super::row::{self, View};
use super::{Name, TIME_ZONE, book_paths, midnight_ns};
use crate::input::{self, Compression, LINE_BYTES_MAX, Line, LineReader};
use crate::inventory::{FirstKey, Ignored, Match, Probe, Source};

/// Why an order book is not read by itself.
const BOOK_ALONE: &str = "a LOBSTER order book without its messages";

/// The date of files that tell none and of readers that are told none.
pub(super) fn no_date() -> Date {
    Date::constant(2000, 1, 1)
}

/// Rows of six or seven numbers that are messages, most of them; or rows that are levels.
pub(crate) fn sniff(probe: &Probe<'_>, source: &mut Source) -> Match {
    let Some(head) = probe.head() else { return Match::No };
    let mut view = View::default();
    let (mut n_lines, mut n_books, mut messages) = (0, 0, Vec::new());
    for line in head.lines() {
        n_lines += 1;
        match row::message(line) {
            Ok(message) => messages.push(message),
            Err(_) => n_books += usize::from(view.read(line).is_ok()),
        }
    }
    // A damaged row may stand anywhere, also first.
    if n_books * 2 > n_lines {
        return Match::Ignored(BOOK_ALONE.to_owned());
    }
    let Some(first) = messages.first().filter(|_| messages.len() * 2 > n_lines) else { return Match::No };
    let name = Name::of(probe.path);
    source.symbol = Some(name.symbol);
    let midnight = TimeZone::get(TIME_ZONE).ok().and_then(|zone| midnight_ns(name.date.unwrap_or(no_date()), &zone));
    let t_exchange_ns = midnight.and_then(|t| t.checked_add(first.since_midnight_ns)).unwrap_or(NO_TIME);
    // One order can have several messages of one time, so that its id does not tell files apart.
    source.first = FirstKey { t_receive_ns: NO_TIME, t_exchange_ns, id: NO_ID };
    source.guess_clock("messages", &[1_000_000_000, 1_000_000, 1_000], messages.iter().map(|m| m.since_midnight_ns));
    Match::Yes
}

/// Adds to each message file the order book beside it; such a file is then not ignored.
pub(crate) fn add_books(sources: &mut Vec<Source>, ignored: &mut Vec<Ignored>) {
    let mut books = Vec::new();
    for source in sources.iter() {
        let found = book_paths(&source.path).into_iter().find_map(|path| Some((book_compression(&path)?, path)));
        let Some((compression, path)) = found else { continue };
        let Ok(metadata) = fs::metadata(&path) else { continue };
        ignored.retain(|i| i.path != path);
        if books.iter().any(|book: &Source| book.path == path) {
            continue;
        }
        let (bytes, modified) = (metadata.len(), metadata.modified().ok());
        books.push(Source { path, compression, bytes, modified, problem: None, ..source.clone() });
    }
    sources.extend(books);
}

/// How an order book is packed; `None` if the file is absent or is none.
fn book_compression(path: &Path) -> Option<Compression> {
    const LINES: usize = 9;
    let mut magic = Vec::new();
    fs::File::open(path).and_then(|f| f.take(4).read_to_end(&mut magic)).ok()?;
    let compression = Compression::of(&magic);
    let mut lines = LineReader::new(input::open(path, compression, Arc::default()).ok()?, LINE_BYTES_MAX);
    let mut view = View::default();
    let (mut n_lines, mut n_books) = (0, 0);
    for _ in 0..LINES {
        let (Line::Whole(range) | Line::Unterminated(range)) = lines.next_line() else { break };
        let line = &lines.bytes()[range];
        if !line.trim_ascii().is_empty() {
            n_lines += 1;
            n_books += usize::from(view.read(line).is_ok());
        }
    }
    // A damaged row may stand anywhere, also first.
    (n_books * 2 > n_lines).then_some(compression)
}
