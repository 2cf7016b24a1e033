//! Reads message files one after the other, each with its order book.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use verismo_market::event::{Event, EventBatch, Kind, NO_ID, NO_TIME, Side, flags};
use verismo_stats::state::{Carry, DecodeError, Reader};

use super::row::{self, MessageRow, Type, View};
use super::sniff::no_date;
use super::view::{self, Follow};
use super::{Name, TIME_ZONE, book_paths, date_of, midnight_ns};
use crate::batch;
use crate::block::{Block, EventReader, Rest, Spot, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::error::FeedError;
use crate::input::{self, Line, LineReader};
use crate::inventory::{Head, ReaderOptions, Source, UNKNOWN_SYMBOL};
use crate::json::reader_sample;
use crate::outbox::Outbox;

/// Reads the files of one symbol. See the module for what becomes of each row.
pub struct LobsterReader {
    parts: std::vec::IntoIter<Part>,
    /// Whether it rests between days, and whether it does.
    rests: bool,
    is_resting: bool,
    /// Lines read before the last rest.
    lines_before: u64,
    sources: Vec<Source>,
    labels: Vec<Arc<str>>,
    zone: TimeZone,
    /// Of files whose name tells none.
    date: Date,
    open: Option<Open>,
    /// Date of the rows so far.
    day: Option<Date>,
    /// Up to when the files of the day have told its messages, ns since midnight, and the last of them.
    told: Option<(i64, u32)>,
    follow: Follow,
    view: View,
    changes: Vec<(Side, i64, i64)>,
    /// The next row starts a new day, which nothing connects with the day before.
    starts_session: bool,
    /// The book of the day is not known yet.
    needs_snapshot: bool,
    has_events: bool,
    name: Vec<StreamName>,
    outbox: Outbox,
    counters: FeedCounters,
    lines: u64,
    consumed: Arc<AtomicU64>,
    bytes_reported: u64,
    done: bool,
}

/// A message file and its order book, as indices of sources.
struct Part {
    messages: usize,
    book: Option<usize>,
    /// Median of its first times, ns since midnight: one wrong stamp does not move it.
    typical_ns: Option<i64>,
}

struct Open {
    source: u32,
    lines: LineReader,
    position: u64,
    midnight_ns: i64,
    book: Option<BookFile>,
    /// Other files have told the messages up to here, ns since midnight.
    told_ns: Option<i64>,
    /// Of the last message, ns since midnight.
    last_ns: Option<i64>,
}

struct BookFile {
    source: u32,
    lines: LineReader,
    position: u64,
}

impl LobsterReader {
    /// A reader of the message files of one symbol and their order books, ordered as [`crate::Inventory`] orders them. Of the options, the
    /// symbol replaces the sources', time zone and date say what the rows do not.
    ///
    /// # Errors
    /// [`FeedError::Option`] for a time zone or date that there is not.
    pub fn new(sources: Vec<Source>, options: &ReaderOptions) -> Result<Self, FeedError> {
        let zone_name = options.tz.as_deref().unwrap_or(TIME_ZONE);
        let zone = TimeZone::get(zone_name).map_err(|_| FeedError::Option {
            option: "--tz",
            value: zone_name.to_owned(),
            expected: "the name of a time zone, such as America/New_York",
        })?;
        let date = match &options.date {
            None => no_date(),
            Some(text) => text.parse().map_err(|_| FeedError::Option {
                option: "--date",
                value: text.clone(),
                expected: "a date, such as 2012-06-21",
            })?,
        };
        let symbol = options.symbol.clone().or_else(|| sources.iter().find_map(|s| s.symbol.clone()));
        let mut outbox = Outbox::default();
        outbox.add_stream();
        Ok(Self {
            parts: parts(&sources).into_iter(),
            rests: false,
            is_resting: false,
            lines_before: 0,
            labels: sources.iter().map(|s| Arc::from(s.path.display().to_string())).collect(),
            sources,
            zone,
            date,
            open: None,
            day: None,
            told: None,
            follow: Follow::default(),
            view: View::default(),
            changes: Vec::new(),
            starts_session: false,
            needs_snapshot: true,
            has_events: false,
            name: vec![StreamName {
                venue: String::new(),
                symbol: symbol.unwrap_or_else(|| UNKNOWN_SYMBOL.to_owned()),
            }],
            outbox,
            counters: FeedCounters::default(),
            lines: 0,
            consumed: Arc::default(),
            bytes_reported: 0,
            done: false,
        })
    }

    /// The same, resting between days, and going on at the rest before file `next`.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that no such reader has handed on.
    pub fn resting(mut self, next: usize, carry: &[u8]) -> Result<Self, DecodeError> {
        self.rests = true;
        if next > 0 {
            let mut input = Reader::new("carry of a LOBSTER reader/1", carry);
            self.has_events.load(&mut input)?;
            input.finish()?;
            let left = self.parts.filter(|part| part.messages >= next);
            self.parts = left.collect::<Vec<_>>().into_iter();
        }
        Ok(self)
    }

    /// Whether a reader of these sources may rest before source `next`: a day ends there, and nothing connects it with the next one.
    pub(crate) fn rests_before(sources: &[Source], next: usize) -> bool {
        let day = |source: &Source| date_of(&source.path);
        let Some((before, after)) = sources.split_at_checked(next).filter(|(_, after)| !after.is_empty()) else {
            return true;
        };
        // Names that tell no day are all of one.
        let Some((last, first)) = before.iter().map(day).max().zip(after.iter().map(day).min()) else { return false };
        last < first && before.iter().all(|source| day(source).is_some())
    }

    /// The source that the next part begins with, if it rests before that one.
    fn rest_at(&self) -> Option<usize> {
        if !self.rests || self.open.is_some() {
            return None;
        }
        let left = self.parts.as_slice().iter().flat_map(|part| std::iter::once(part.messages).chain(part.book));
        let next = left.min().unwrap_or(self.sources.len());
        Self::rests_before(&self.sources, next).then_some(next)
    }

    fn lines_of(&mut self, index: usize) -> Option<LineReader> {
        let source = &self.sources[index];
        let label = &self.labels[index];
        if let Some(problem) = &source.problem {
            self.counters.hit(checks::TRUNCATED_FILE, label, 0, || problem.to_string());
            return None;
        }
        match input::open_source(source, self.consumed.clone()) {
            Ok(bytes) => Some(LineReader::new(bytes, source.limits.line_bytes)),
            Err(error) => {
                self.counters.hit(checks::TRUNCATED_FILE, label, 0, || format!("cannot be opened: {error}"));
                None
            }
        }
    }

    /// Opens the next file that can be; `false` if there is none.
    fn open_next(&mut self) -> bool {
        // Bounded by the number of files.
        while let Some(part) = self.parts.next() {
            let date = Name::of(&self.sources[part.messages].path).date.unwrap_or(self.date);
            let Some(midnight_ns) = midnight_ns(date, &self.zone) else {
                let label = &self.labels[part.messages];
                self.counters.hit(checks::INVALID_VALUE, label, 0, || format!("the date {date} is beyond the range"));
                continue;
            };
            let Some(lines) = self.lines_of(part.messages) else { continue };
            let book = part
                .book
                .and_then(|index| Some(BookFile { source: index as u32, lines: self.lines_of(index)?, position: 0 }));
            if self.day.replace(date) != Some(date) {
                self.follow.clear();
                self.starts_session = self.has_events;
                self.needs_snapshot = true;
                self.told = None;
            }
            let is_early = |until: &i64| part.typical_ns.is_some_and(|t| t < *until);
            let told_ns = self.told.map(|(until, _)| until).filter(is_early);
            let source = part.messages as u32;
            self.open = Some(Open { source, lines, position: 0, midnight_ns, book, told_ns, last_ns: None });
            return true;
        }
        false
    }

    /// Handles one line; `false` at the end of all files.
    fn step(&mut self) -> bool {
        let Some(mut open) = self.open.take() else { return self.open_next() };
        let line = open.lines.next_line();
        open.position += 1;
        let label = self.labels[open.source as usize].clone();
        let row = match line {
            Line::Whole(range) | Line::Unterminated(range) => {
                let bytes = &open.lines.bytes()[range.clone()];
                if bytes.trim_ascii().is_empty() {
                    self.open = Some(open);
                    return true;
                }
                row::message(bytes).map_err(|bad| {
                    let check =
                        if matches!(bad, row::Bad::Fields(_)) { checks::UNREADABLE } else { checks::INVALID_VALUE };
                    (check, format!("{bad}: {}", reader_sample(bytes)))
                })
            }
            Line::TooLong(bytes) => Err((checks::UNREADABLE, open.lines.too_long(bytes))),
            Line::Broken(detail) => {
                let place = open.position;
                self.counters.hit(checks::TRUNCATED_FILE, &label, place, || {
                    format!("recovered up to line {}: {detail}", place - 1)
                });
                self.note_told(&open);
                return true;
            }
            Line::End => {
                self.note_told(&open);
                self.close_book(open);
                return true;
            }
        };
        self.lines += 1;
        let has_view = self.next_view(&mut open);
        let row = row.map_err(|(check, detail)| self.counters.hit(check, &label, open.position, || detail)).ok();
        open.last_ns = row.as_ref().map(|row| row.since_midnight_ns).or(open.last_ns);
        if row.as_ref().is_some_and(|row| self.is_told(&open, row)) {
            self.follow.forget_view();
        } else {
            self.message(&open, row.as_ref(), has_view);
        }
        self.open = Some(open);
        self.outbox.flush_if_full(0);
        true
    }

    /// Whether another file has told this message; it is then counted.
    fn is_told(&mut self, open: &Open, row: &MessageRow) -> bool {
        let Some((_, other)) = self.told.filter(|_| open.told_ns.is_some_and(|until| row.since_midnight_ns <= until))
        else {
            return false;
        };
        let label = &self.labels[open.source as usize];
        self.counters.hit(checks::SESSION_OVERLAP, label, open.position, || {
            format!("{} tells this part of the day as well", self.labels[other as usize])
        });
        true
    }

    /// Notes how far a file has told the day when it ends.
    fn note_told(&mut self, open: &Open) {
        self.told = self.told.max(open.last_ns.map(|last| (last, open.source)));
    }

    /// Reads the row of the order book that belongs to the message just read; whether there is a good one.
    fn next_view(&mut self, open: &mut Open) -> bool {
        let Some(book) = &mut open.book else { return false };
        let label = &self.labels[book.source as usize];
        // Bounded: every turn consumes a line or ends.
        loop {
            let line = book.lines.next_line();
            book.position += 1;
            let detail = match line {
                Line::Whole(range) | Line::Unterminated(range) => {
                    let bytes = &book.lines.bytes()[range];
                    if bytes.trim_ascii().is_empty() {
                        continue;
                    }
                    match self.view.read(bytes) {
                        Ok(()) => return true,
                        Err(bad) => format!("{bad}: {}", reader_sample(bytes)),
                    }
                }
                Line::TooLong(bytes) => book.lines.too_long(bytes),
                Line::Broken(_) | Line::End => {
                    let place = book.position;
                    let detail = if let Line::Broken(detail) = line { detail } else { "it ends".to_owned() };
                    self.counters.hit(checks::TRUNCATED_FILE, label, place, || {
                        format!("no order book from message {} on: {detail}", open.position)
                    });
                    open.book = None;
                    return false;
                }
            };
            self.counters.hit(checks::INVALID_VALUE, label, book.position, || detail);
            return false;
        }
    }

    /// An order book that goes on says that messages are missing.
    fn close_book(&mut self, open: Open) {
        let Some(mut book) = open.book else { return };
        // Bounded: every turn consumes a line or ends.
        loop {
            book.position += 1;
            match book.lines.next_line() {
                Line::Whole(range) | Line::Unterminated(range)
                    if book.lines.bytes()[range.clone()].trim_ascii().is_empty() => {}
                Line::End => return,
                _ => {
                    let label = &self.labels[open.source as usize];
                    self.counters.hit(checks::TRUNCATED_FILE, label, open.position, || {
                        format!("the messages end before line {} of their order book", book.position)
                    });
                    return;
                }
            }
        }
    }

    /// Pushes the rows of a message; one that cannot be read has none, but its view is kept for the next.
    fn message(&mut self, open: &Open, row: Option<&MessageRow>, has_view: bool) {
        if !has_view {
            self.follow.forget_view();
        } else if !self.follow.follows(row, &self.view)
            && let Some(book) = &open.book
        {
            self.counters.hit(checks::SEQUENCE_GAP, &self.labels[book.source as usize], book.position, || {
                "the order book does not follow from its row before and the message".to_owned()
            });
        }
        let Some(row) = row else { return };
        let base = Event {
            kind: Kind::Trade,
            side: Side::None,
            flags: 0,
            t_exchange_ns: open.midnight_ns.saturating_add(row.since_midnight_ns),
            t_receive_ns: NO_TIME,
            price: row.price,
            qty: row.qty,
            id: NO_ID,
            first_id: NO_ID,
            prev_id: NO_ID,
            position: open.position,
        };
        let buffer = self.outbox.buffer(0);
        buffer.begin_message(open.source);
        let start = buffer.batch.len();
        if has_view && std::mem::take(&mut self.needs_snapshot) {
            let before = view::undone(&self.view, row);
            self.follow.snapshot(&before);
            batch::push_snapshot(base, &before.bids, &before.asks, &mut buffer.batch);
        }
        self.follow.apply(row);
        self.changes.clear();
        if has_view {
            self.follow.correct(&self.view, &mut self.changes);
        }
        push(row, base, &self.changes, &mut buffer.batch);
        if std::mem::take(&mut self.starts_session) {
            buffer.batch.flags[start] |= flags::NEW_SESSION;
        }
        self.has_events = true;
    }
}

/// Pushes the rows of a message and the levels that it cannot tell.
fn push(row: &MessageRow, base: Event, changes: &[(Side, i64, i64)], out: &mut EventBatch) {
    let start = out.len();
    let order = |kind| Event { kind, side: row.side, id: row.id, ..base };
    let trade = Event { side: row.side.opposite(), ..base };
    let mut changes_book = true;
    match row.kind {
        Type::Add => out.push(order(Kind::OrderAdd)),
        Type::Reduce => out.push(order(Kind::OrderReduce)),
        Type::Delete => out.push(order(Kind::OrderDelete)),
        Type::Exec => {
            out.push(trade);
            out.push(order(Kind::OrderExec));
        }
        Type::ExecHidden => {
            out.push(trade);
            out.push(order(Kind::OrderExecHidden));
        }
        Type::Cross | Type::Status => {
            let kind = if row.kind == Type::Cross { Kind::Trade } else { Kind::Status };
            out.push(Event { kind, ..trade });
            changes_book = !changes.is_empty();
        }
    }
    for &(side, price, qty) in changes {
        out.push(Event { kind: Kind::LevelSet, side, price, qty, ..base });
    }
    if changes_book {
        batch::mark_message(start, out);
    } else if let Some(first) = out.flags.get_mut(start) {
        *first |= flags::FIRST_OF_MESSAGE;
    }
}

/// Message files in their order, each with the order book that is among the sources. Of files that start alike one of a single instant goes
/// first, as a cut inside it leaves it, then the one that shows most levels.
fn parts(sources: &[Source]) -> Vec<Part> {
    let find = |source: &Source| {
        let paths = book_paths(&source.path);
        paths.iter().find_map(|path| sources.iter().position(|other| other.path == *path))
    };
    let books: Vec<Option<usize>> = sources.iter().map(find).collect();
    let messages = (0..sources.len()).filter(|i| !books.contains(&Some(*i)));
    let mut keyed: Vec<_> = messages
        .map(|i| {
            let (typical_ns, is_instant) = start(&sources[i]);
            let depth = books[i].map_or(0, |book| depth(&sources[book]));
            ((sources[i].first, !is_instant, Reverse(depth)), Part { messages: i, book: books[i], typical_ns })
        })
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, part)| part).collect()
}

/// The first lines of a source, none where it cannot be read.
fn head(source: &Source) -> Head {
    let head = if source.problem.is_none() { Head::read(source).ok() } else { None };
    head.unwrap_or_default()
}

/// Median time of the first messages, ns since midnight, and whether they are all there is and of one instant.
fn start(source: &Source) -> (Option<i64>, bool) {
    let head = head(source);
    let times = head.lines().filter_map(|line| row::message(line).ok()).map(|row| row.since_midnight_ns);
    let mut times: Vec<i64> = times.collect();
    times.sort_unstable();
    (times.get(times.len() / 2).copied(), head.is_whole && times.first() == times.last())
}

/// Levels a side of an order book.
fn depth(book: &Source) -> usize {
    let mut view = View::default();
    head(book).lines().find_map(|line| view.read(line).ok().map(|()| view.depth)).unwrap_or(0)
}

impl EventReader for LobsterReader {
    fn streams(&self) -> &[StreamName] {
        &self.name
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        block.clear();
        // Bounded by the number of lines and files.
        while !self.outbox.is_ready() && !self.done && !self.is_resting {
            if !self.step() {
                self.done = true;
                self.outbox.flush_all();
            } else if self.rest_at().is_some() {
                self.is_resting = true;
                self.outbox.flush_all();
            }
        }
        self.counters.set_totals(self.lines - self.lines_before);
        let more = self.outbox.pop(block, &self.labels);
        let bytes = self.bytes();
        block.bytes = bytes - self.bytes_reported;
        self.bytes_reported = bytes;
        Ok(more)
    }

    fn counters(&self) -> &FeedCounters {
        &self.counters
    }

    fn messages(&self) -> u64 {
        self.lines
    }

    fn bytes(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    fn rest(&mut self) -> Option<Rest> {
        if !self.is_resting {
            return None;
        }
        let next = self.rest_at()?;
        (self.is_resting, self.lines_before) = (false, self.lines);
        let mut carry = Vec::new();
        self.has_events.save(&mut carry);
        Some(Rest { spot: Spot::before(next), carry, counters: std::mem::take(&mut self.counters) })
    }
}
