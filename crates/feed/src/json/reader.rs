//! Reads the files of a capture as one sequence of messages.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::frame::{self, Scratch};
use super::stream::StreamState;
use crate::block::{Block, EventReader, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::error::FeedError;
use crate::input::{self, LINE_BYTES_MAX, Line, LineReader};
use crate::inventory::Source;
use crate::json::message::{Clock, PendingSnapshot};
use crate::outbox::Outbox;

/// Reads an ordered group of capture files.
///
/// Files of one session are merged by receive time, each opened when its first stamp is due, so a capture may be cut into files at any
/// line. Within one file the order of the lines is the order of the messages.
pub struct JsonReader {
    pub(super) sources: Vec<Source>,
    pub(super) labels: Vec<Arc<str>>,
    next: usize,
    cursors: Vec<Cursor>,
    session: u32,
    pub(super) names: Vec<StreamName>,
    pub(super) states: Vec<StreamState>,
    pub(super) by_symbol: BTreeMap<String, usize>,
    /// Stream name as written -> index of its symbol.
    pub(super) by_stream: BTreeMap<Vec<u8>, usize>,
    pub(super) outbox: Outbox,
    pub(super) counters: FeedCounters,
    pub(super) clock: Clock,
    pub(super) pending_snapshot: Option<Box<PendingSnapshot>>,
    scratch: Scratch,
    lines: u64,
    consumed: Arc<AtomicU64>,
    consumed_reported: u64,
    done: bool,
}

/// One open file with its current line.
struct Cursor {
    source: u32,
    lines: LineReader,
    line: Range<usize>,
    terminated: bool,
    position: u64,
    key: i64,
}

impl JsonReader {
    /// A reader of `sources`, which must be ordered as [`crate::Inventory`] orders them.
    pub fn new(sources: Vec<Source>) -> Self {
        let labels = sources.iter().map(|s| Arc::from(s.path.display().to_string())).collect();
        Self {
            sources,
            labels,
            next: 0,
            cursors: Vec::new(),
            session: 0,
            names: Vec::new(),
            states: Vec::new(),
            by_symbol: BTreeMap::new(),
            by_stream: BTreeMap::new(),
            outbox: Outbox::default(),
            counters: FeedCounters::default(),
            clock: Clock::default(),
            pending_snapshot: None,
            scratch: Scratch::default(),
            lines: 0,
            consumed: Arc::default(),
            consumed_reported: 0,
            done: false,
        }
    }

    /// Opens the next file if it is due before `key`, or unconditionally when nothing is open; `false` if none was opened.
    fn open_due(&mut self, key: Option<i64>) -> bool {
        let Some(source) = self.sources.get(self.next) else {
            return false;
        };
        if let Some(key) = key
            && (source.session != self.session || source.first.order_key() > key)
        {
            return false;
        }
        let index = self.next as u32;
        self.next += 1;
        if let Some(problem) = &source.problem {
            let detail = problem.to_string();
            self.counters.hit(checks::TRUNCATED_FILE, &self.labels[index as usize], 0, || detail);
            return true;
        }
        self.session = source.session;
        let first_key = source.first.order_key();
        let offset = source.clock_offset_ns;
        match input::open(&source.path, source.compression, self.consumed.clone()) {
            Ok(bytes) => {
                let lines = LineReader::new(bytes, LINE_BYTES_MAX);
                let mut cursor =
                    Cursor { source: index, lines, line: 0..0, terminated: true, position: 0, key: first_key };
                if self.advance(&mut cursor) {
                    if self.clock.is_other_session(offset) {
                        self.start_session();
                    }
                    self.cursors.push(cursor);
                }
            }
            Err(error) => {
                let detail = format!("cannot be opened: {error}");
                self.counters.hit(checks::TRUNCATED_FILE, &self.labels[index as usize], 0, || detail);
            }
        }
        true
    }

    /// Moves the cursor to its next line that is not blank; `false` at the end of the file.
    fn advance(&mut self, cursor: &mut Cursor) -> bool {
        let label = &self.labels[cursor.source as usize];
        // Bounded: every turn consumes a line or ends.
        loop {
            let line = cursor.lines.next_line();
            cursor.position += 1;
            let range = match line {
                Line::Whole(range) => {
                    cursor.terminated = true;
                    range
                }
                Line::Unterminated(range) => {
                    cursor.terminated = false;
                    range
                }
                Line::TooLong(bytes) => {
                    self.lines += 1;
                    self.counters.hit(checks::UNREADABLE, label, cursor.position, || {
                        format!("a line of {bytes} bytes; the limit is {LINE_BYTES_MAX}")
                    });
                    continue;
                }
                Line::Broken(detail) => {
                    self.counters.hit(checks::TRUNCATED_FILE, label, cursor.position, || {
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
            // A line without a readable stamp stays with the line before it.
            if let Some(key) = frame::peek_key(bytes) {
                cursor.key = key;
            }
            cursor.line = range;
            return true;
        }
    }

    /// Handles one line; `false` at the end of all files.
    fn step(&mut self) -> bool {
        if self.cursors.is_empty() {
            // Bounded by the number of files.
            while self.cursors.is_empty() {
                if !self.open_due(None) {
                    return false;
                }
            }
        }
        let mut at = self.earliest();
        while self.open_due(Some(self.cursors[at].key)) {
            at = self.earliest();
        }
        let mut cursor = self.cursors.swap_remove(at);
        self.lines += 1;
        self.handle(&cursor);
        if self.advance(&mut cursor) {
            self.cursors.push(cursor);
            let last = self.cursors.len() - 1;
            self.cursors.swap(at, last);
        }
        true
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

    fn handle(&mut self, cursor: &Cursor) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let line = &cursor.lines.bytes()[cursor.line.clone()];
        match frame::parse(line, &mut scratch) {
            Ok(frame) => self.message(&frame, &scratch, cursor.source, cursor.position),
            Err(error) => {
                let half = if cursor.terminated { "" } else { ", and the file ends inside this line" };
                self.counters.hit(checks::UNREADABLE, &self.labels[cursor.source as usize], cursor.position, || {
                    format!("byte {}: {}{half}: {}", error.at + 1, error.what, sample(line))
                });
            }
        }
        self.scratch = scratch;
    }
}

/// The start of a line, for a person to see.
pub(crate) fn sample(line: &[u8]) -> String {
    const SAMPLE_BYTES: usize = 80;
    let start = String::from_utf8_lossy(&line[..line.len().min(SAMPLE_BYTES)]).into_owned();
    if line.len() > SAMPLE_BYTES { format!("{start}...") } else { start }
}

impl EventReader for JsonReader {
    fn streams(&self) -> &[StreamName] {
        &self.names
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        block.clear();
        // Bounded by the number of lines.
        while !self.outbox.is_ready() && !self.done {
            if !self.step() {
                self.done = true;
                self.finish();
                self.outbox.flush_all();
            }
        }
        for check in [checks::UNREADABLE, checks::INVALID_VALUE] {
            self.counters.set_total(check, self.lines);
        }
        for check in [checks::TRUNCATED_FILE, checks::UNKNOWN_STREAM, checks::SESSION_OVERLAP, checks::TIME_UNIT] {
            if self.counters.count(check) > 0 {
                self.counters.set_total(check, self.lines);
            }
        }
        let more = self.outbox.pop(block, &self.labels);
        let consumed = self.bytes();
        block.bytes = consumed - self.consumed_reported;
        self.consumed_reported = consumed;
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
}
