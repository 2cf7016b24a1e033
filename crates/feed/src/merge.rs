//! Lines of several files as one sequence, by a key that the lines carry.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use verismo_market::event::NO_TIME;
use verismo_stats::state::{DecodeError, Reader};

use crate::block::Rest;
use crate::counters::{FeedCounters, checks};
use crate::input::{self, Line, LineReader};
use crate::inventory::Source;
use crate::rests::Rests;

/// What lines are merged by: a time in ns, then whatever orders lines of one time.
pub(crate) type Key = (i64, i64);

/// By which times files are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Receive,
    Exchange,
    /// By exchange time, though some have a receive time.
    ExchangeOfSome,
}

impl By {
    pub(crate) fn of(sources: &[Source]) -> Self {
        let mut readable = sources.iter().filter(|s| s.problem.is_none()).map(|s| s.first.t_receive_ns != NO_TIME);
        match (readable.clone().all(|has| has), readable.any(|has| has)) {
            (true, _) => Self::Receive,
            (false, false) => Self::Exchange,
            (false, true) => Self::ExchangeOfSome,
        }
    }

    pub(crate) fn is_receive(self) -> bool {
        self == Self::Receive
    }

    /// Whether files in the order of their times are in the order of the inventory, too.
    pub(crate) fn rests(self) -> bool {
        self != Self::ExchangeOfSome
    }

    pub(crate) fn start_ns(self, source: &Source) -> i64 {
        if self.is_receive() { source.first.t_receive_ns } else { source.first.t_exchange_ns }
    }
}

/// What a line says of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyed {
    /// It has a key.
    At(Key),
    /// It stays with the line before it in its file.
    WithLineBefore,
    /// It is a header, not a message.
    Header,
}

/// Merges the lines of files that are ordered by content; each file is opened when its first key is due.
///
/// Within one file the order of the lines is kept, whatever their keys. Of equal keys the earlier file's line goes first.
pub(crate) struct LineMerge {
    sources: Arc<[Source]>,
    labels: Vec<Arc<str>>,
    next: usize,
    cursors: Vec<Cursor>,
    /// The cursor whose line is being looked at.
    current: Option<usize>,
    lines: u64,
    consumed: Arc<AtomicU64>,
    rests: Rests,
}

struct Cursor {
    source: u32,
    lines: LineReader,
    line: Range<usize>,
    is_terminated: bool,
    position: u64,
    key: Key,
}

/// A line and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub(crate) line: &'a [u8],
    pub(crate) source: u32,
    pub(crate) position: u64,
    /// Whether the line has its end; the last of a file that was cut has none.
    pub(crate) is_terminated: bool,
}

impl LineMerge {
    pub(crate) fn new(sources: Vec<Source>) -> Self {
        let labels = sources.iter().map(|s| Arc::from(s.path.display().to_string())).collect();
        Self {
            sources: sources.into(),
            labels,
            next: 0,
            cursors: Vec::new(),
            current: None,
            lines: 0,
            consumed: Arc::default(),
            rests: Rests::new(),
        }
    }

    /// Rests between files from now on, and goes on at the rest before file `next`; `load` takes up what the reader saved there.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that [`Self::rest`] has not given.
    pub(crate) fn resting(
        &mut self,
        next: usize,
        carry: &[u8],
        counters: &mut FeedCounters,
        load: impl FnOnce(&mut Reader<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.next = next;
        self.rests.go_on(next, carry, counters, load)
    }

    /// The files that were opened are over: rests, if it rests at all.
    pub(crate) fn pause(&mut self) {
        self.rests.pause();
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.rests.is_resting()
    }

    /// Takes the rest that it stands at; `save` appends what the reader goes on with.
    pub(crate) fn rest(&mut self, counters: &mut FeedCounters, save: impl FnOnce(&mut Vec<u8>)) -> Option<Rest> {
        self.rests.rest((self.next, self.lines), counters, save)
    }

    /// Lines since the last rest.
    pub(crate) fn lines_since_rest(&self) -> u64 {
        self.rests.since(self.lines)
    }

    /// Whether all files were opened.
    pub(crate) fn has_opened_all(&self) -> bool {
        self.next == self.sources.len()
    }

    /// Whether every file that was opened is read to its end, and the next one starts later than all that was read. The line delivered
    /// last is gone then.
    pub(crate) fn is_between(
        &mut self,
        counters: &mut FeedCounters,
        key: &mut impl FnMut(u32, &[u8]) -> Keyed,
    ) -> bool {
        self.leave_current(counters, key);
        self.cursors.is_empty()
            && self.sources.get(self.next).is_none_or(|s| self.rests.is_over_before(s.first.t_exchange_ns))
    }

    /// Goes on behind the line delivered last.
    fn leave_current(&mut self, counters: &mut FeedCounters, key: &mut impl FnMut(u32, &[u8]) -> Keyed) {
        if let Some(at) = self.current.take() {
            let mut cursor = self.cursors.swap_remove(at);
            if self.advance(&mut cursor, counters, key) {
                self.cursors.push(cursor);
            }
        }
    }

    pub(crate) fn sources(&self) -> &Arc<[Source]> {
        &self.sources
    }

    pub(crate) fn labels(&self) -> &[Arc<str>] {
        &self.labels
    }

    /// Lines delivered or counted as unreadable so far.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Packed bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// The next line; `key` reads the key of a line of a source, headers it is shown first.
    pub(crate) fn next_line(
        &mut self,
        counters: &mut FeedCounters,
        key: &mut impl FnMut(u32, &[u8]) -> Keyed,
    ) -> Option<At<'_>> {
        self.leave_current(counters, key);
        // Bounded by the number of files.
        while self.cursors.is_empty() {
            if !self.open_due(None, counters, key) {
                return None;
            }
        }
        let mut at = self.earliest();
        while self.open_due(Some(self.cursors[at].key.0), counters, key) {
            at = self.earliest();
        }
        self.current = Some(at);
        self.lines += 1;
        let Cursor { source, lines, line, is_terminated, position, key } = &self.cursors[at];
        self.rests.see(key.0);
        let line = &lines.bytes()[line.clone()];
        Some(At { line, source: *source, position: *position, is_terminated: *is_terminated })
    }

    /// Opens the next file if it is due at `time_ns`, or unconditionally when nothing is open; `false` if none was opened.
    fn open_due(
        &mut self,
        time_ns: Option<i64>,
        counters: &mut FeedCounters,
        key: &mut impl FnMut(u32, &[u8]) -> Keyed,
    ) -> bool {
        let Some(source) = self.sources.get(self.next) else { return false };
        if time_ns.is_some_and(|time_ns| source.first.t_exchange_ns > time_ns) {
            return false;
        }
        let index = self.next as u32;
        self.next += 1;
        let label = &self.labels[index as usize];
        if let Some(problem) = &source.problem {
            counters.hit(checks::TRUNCATED_FILE, label, 0, || problem.to_string());
            return true;
        }
        match input::open_source(source, self.consumed.clone()) {
            Ok(bytes) => {
                let mut cursor = Cursor {
                    source: index,
                    lines: LineReader::new(bytes, source.limits.line_bytes),
                    line: 0..0,
                    is_terminated: true,
                    position: 0,
                    key: (source.first.t_exchange_ns, i64::MIN),
                };
                if self.advance(&mut cursor, counters, key) {
                    self.cursors.push(cursor);
                }
            }
            Err(error) => counters.hit(checks::TRUNCATED_FILE, label, 0, || format!("cannot be opened: {error}")),
        }
        true
    }

    /// Moves the cursor to its next line that is neither blank nor a header; `false` at the end of the file.
    fn advance(
        &mut self,
        cursor: &mut Cursor,
        counters: &mut FeedCounters,
        key: &mut impl FnMut(u32, &[u8]) -> Keyed,
    ) -> bool {
        let label = &self.labels[cursor.source as usize];
        // Bounded: every turn consumes a line or ends.
        loop {
            let line = cursor.lines.next_line();
            cursor.position += 1;
            cursor.is_terminated = !matches!(line, Line::Unterminated(_));
            let range = match line {
                Line::Whole(range) | Line::Unterminated(range) => range,
                Line::TooLong(bytes) => {
                    self.lines += 1;
                    counters.hit(checks::UNREADABLE, label, cursor.position, || cursor.lines.too_long(bytes));
                    continue;
                }
                Line::Broken(detail) => {
                    counters.hit(checks::TRUNCATED_FILE, label, cursor.position, || {
                        format!("recovered up to line {}: {detail}", cursor.position - 1)
                    });
                    return false;
                }
                Line::End => return false,
            };
            let bytes = &cursor.lines.bytes()[range.clone()];
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            match key(cursor.source, bytes) {
                Keyed::At(key) => cursor.key = key,
                Keyed::WithLineBefore => {}
                Keyed::Header => continue,
            }
            cursor.line = range;
            return true;
        }
    }

    /// Index of the cursor with the smallest key; the earlier file on ties.
    fn earliest(&self) -> usize {
        let mut best = 0;
        for (i, cursor) in self.cursors.iter().enumerate().skip(1) {
            let leader = &self.cursors[best];
            if (cursor.key, cursor.source) < (leader.key, leader.source) {
                best = i;
            }
        }
        best
    }
}
