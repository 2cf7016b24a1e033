//! Reads the files of a capture as one sequence of messages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustc_hash::FxHashMap;

use super::cursor::{Cursor, LineCounts};
use super::frame::{Frame, Scratch};
use super::rest::{Inside, Resting};
use super::shape::Shapes;
use super::stream::StreamState;
use crate::ahead::read_ahead;
use crate::block::{Block, EventReader, Rest, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::error::FeedError;
use crate::input::{self, Compression, LineReader};
use crate::inventory::{ReaderOptions, Source};
use crate::json::message::Clock;
use crate::json::snapshot::PendingSnapshot;
use crate::limits::streams_max;
use crate::outbox::Outbox;

/// Reads an ordered group of capture files.
///
/// Files of one session that overlap are merged by receive time. Files that follow each other are read one after the other, whatever the
/// stamps near the cut say: within one capture the order of the lines is the order of the messages, and a cut must not change it.
pub struct JsonReader {
    pub(super) sources: Vec<Source>,
    pub(super) labels: Vec<Arc<str>>,
    /// The earliest stamp at the starts of this source and those after it in its session.
    pub(super) earliest_ns: Vec<i64>,
    pub(super) next: usize,
    pub(super) cursors: Vec<Cursor>,
    pub(super) session: u32,
    pub(super) streams_max: usize,
    pub(super) names: Vec<StreamName>,
    pub(super) states: Vec<StreamState>,
    pub(super) by_symbol: BTreeMap<String, usize>,
    /// Stream name as written -> index of its symbol.
    pub(super) by_stream: FxHashMap<Vec<u8>, usize>,
    pub(super) outbox: Outbox,
    pub(super) counters: FeedCounters,
    pub(super) clock: Clock,
    /// Snapshots of no known stream, in the order in which they came.
    pub(super) nameless: Vec<PendingSnapshot>,
    scratch: Scratch,
    shapes: Shapes,
    pub(super) lines: u64,
    pub(super) consumed: Arc<AtomicU64>,
    consumed_reported: u64,
    pub(super) done: bool,
    unpacks_ahead: bool,
    pub(super) rest: Resting,
    pub(super) inside: Inside,
}

/// An overlap of fewer lines than this is taken for a cut through lines that are slightly out of order.
const OVERLAP_LINES_MIN: usize = 32;

/// Packed bytes from which a file is worth a thread.
const AHEAD_BYTES_MIN: u64 = 256 * 1024;
/// Open files up to which each has a thread; a capture may be dealt to hundreds of files that overlap.
const AHEAD_FILES_MAX: usize = 4;

impl JsonReader {
    /// A reader of `sources`, which must be ordered as [`crate::Inventory`] orders them.
    pub fn new(sources: Vec<Source>) -> Self {
        let labels = sources.iter().map(|s| Arc::from(s.path.display().to_string())).collect();
        Self {
            earliest_ns: earliest_stamps(&sources),
            streams_max: streams_max(&sources),
            sources,
            labels,
            next: 0,
            cursors: Vec::new(),
            session: 0,
            names: Vec::new(),
            states: Vec::new(),
            by_symbol: BTreeMap::new(),
            by_stream: FxHashMap::default(),
            outbox: Outbox::default(),
            counters: FeedCounters::default(),
            clock: Clock::default(),
            nameless: Vec::new(),
            scratch: Scratch::default(),
            shapes: Shapes::default(),
            lines: 0,
            consumed: Arc::default(),
            consumed_reported: 0,
            done: false,
            unpacks_ahead: false,
            rest: Resting::default(),
            inside: Inside::default(),
        }
    }

    /// The same under options.
    pub(crate) fn of(sources: Vec<Source>, options: &ReaderOptions) -> Self {
        let inside = Inside::every(options.segment_bytes);
        Self { unpacks_ahead: options.unpacks_ahead, inside, ..Self::new(sources) }
    }

    /// Opens the next file if it overlaps with what is open, or unconditionally when nothing is open; `false` if none was opened.
    fn open_due(&mut self, earliest: Option<usize>) -> bool {
        if self.next >= self.sources.len() || earliest.is_some_and(|at| !self.is_due(at)) {
            return false;
        }
        let index = self.next as u32;
        self.next += 1;
        let source = &self.sources[index as usize];
        if let Some(problem) = &source.problem {
            let detail = problem.to_string();
            self.counters.hit(checks::TRUNCATED_FILE, &self.labels[index as usize], 0, || detail);
            return true;
        }
        self.session = source.session;
        let (first_key, offset) = (source.first.order_key(), source.clock_offset_ns);
        match input::open_source(source, self.consumed.clone()) {
            Ok(bytes) => {
                let is_worth_it = source.compression != Compression::Plain && source.bytes >= AHEAD_BYTES_MIN;
                let may_have_thread = self.unpacks_ahead && self.cursors.len() < AHEAD_FILES_MAX;
                let bytes = if is_worth_it && may_have_thread { read_ahead(bytes) } else { bytes };
                let lines = LineReader::new(bytes, source.limits.line_bytes);
                let mut cursor = Cursor::new(index, self.free_lineage(), lines, first_key);
                self.inside.begins(source, 0);
                if cursor.advance(&mut self.counts(index)) {
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

    /// Whether the next file is to be merged with the open ones now, of which the one at `earliest` comes next.
    fn is_due(&mut self, earliest: usize) -> bool {
        let source = &self.sources[self.next];
        if source.session != self.session || self.earliest_ns[self.next] > self.cursors[earliest].at.key {
            return false;
        }
        // Beside several captures one more is opened by its stamps alone.
        if self.cursors.len() > 1 || source.problem.is_some() {
            return true;
        }
        let typical_ns = source.onset().typical_ns;
        let mut cursor = self.cursors.swap_remove(earliest);
        let is_due = cursor.goes_on_from(typical_ns, OVERLAP_LINES_MIN, &mut self.counts(cursor.source));
        self.cursors.push(cursor);
        is_due
    }

    /// The smallest number that no open file has.
    fn free_lineage(&self) -> u32 {
        let is_free = |n: &u32| self.cursors.iter().all(|c| c.lineage != *n);
        (0..=self.cursors.len() as u32).find(is_free).unwrap_or_default()
    }

    pub(super) fn counts(&mut self, source: u32) -> LineCounts<'_> {
        LineCounts { label: &self.labels[source as usize], counters: &mut self.counters, lines: &mut self.lines }
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
        while self.open_due(Some(at)) {
            at = self.earliest();
        }
        // Handling a line opens and closes no file; the cursors stay where they are, for they are large.
        let mut cursors = std::mem::take(&mut self.cursors);
        if let Some(cursor) = cursors.get_mut(at) {
            self.lines += 1;
            self.rest.key_max = self.rest.key_max.max(Some(cursor.at.key));
            self.handle(cursor);
            if !cursor.advance(&mut self.counts(cursor.source)) {
                cursors.swap_remove(at);
            }
        }
        self.cursors = cursors;
        true
    }

    /// Index of the cursor with the smallest key; the earlier file on ties.
    fn earliest(&self) -> usize {
        let mut best = 0;
        for (i, cursor) in self.cursors.iter().enumerate().skip(1) {
            let leader = &self.cursors[best];
            if (cursor.at.key, cursor.source) < (leader.at.key, leader.source) {
                best = i;
            }
        }
        best
    }

    fn handle(&mut self, cursor: &Cursor) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let line = cursor.line();
        let mut frame = Frame::default();
        match self.shapes.parse(line, &mut frame, &mut scratch) {
            Ok(()) => self.message(&frame, &scratch, cursor),
            Err(error) => {
                let half = if cursor.at.terminated { "" } else { ", and the file ends inside this line" };
                self.counters.hit(checks::UNREADABLE, &self.labels[cursor.source as usize], cursor.at.position, || {
                    format!("byte {}: {}{half}: {}", error.at + 1, error.what, sample(line))
                });
            }
        }
        self.scratch = scratch;
    }
}

/// Of each source the earliest stamp at its start, or at that of one behind it in its session.
pub(super) fn earliest_stamps(sources: &[Source]) -> Vec<i64> {
    let mut earliest: Vec<i64> = sources.iter().map(|s| s.onset().earliest_ns).collect();
    for i in (1..sources.len()).rev() {
        if sources[i - 1].session == sources[i].session {
            earliest[i - 1] = earliest[i - 1].min(earliest[i]);
        }
    }
    earliest
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
        while !self.outbox.is_ready() && !self.done && !self.is_resting() {
            let goes_on = self.step();
            if goes_on && self.cursors.is_empty() {
                self.states.iter_mut().for_each(StreamState::forget_most);
                self.rest_if_due();
            } else if let [cursor] = &self.cursors[..]
                && self.inside.is_due(cursor.end())
            {
                self.stop_inside_if_may();
            }
            if !goes_on {
                self.done = true;
                self.finish();
                self.outbox.flush_all();
            }
        }
        let lines = self.lines_since();
        for check in [checks::UNREADABLE, checks::INVALID_VALUE] {
            self.counters.set_total(check, lines);
        }
        for check in [checks::TRUNCATED_FILE, checks::UNKNOWN_STREAM, checks::SESSION_OVERLAP, checks::TIME_UNIT] {
            if self.counters.count(check) > 0 {
                self.counters.set_total(check, lines);
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

    fn rest(&mut self) -> Option<Rest> {
        self.take_rest()
    }
}
