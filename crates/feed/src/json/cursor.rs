//! One open capture file and its current line.

use std::collections::VecDeque;
use std::sync::Arc;

use verismo_stats::carry;

use super::frame;
use crate::counters::{FeedCounters, checks};
use crate::input::{Line, LineReader};

/// Lines read ahead to see whether two files overlap.
pub(super) const AHEAD_LINES: usize = 1_024;
/// Bytes read ahead in the same search.
const AHEAD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A line on its own.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    mark: Mark,
}

/// What is known of a line besides its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    /// Line number, from 1.
    pub(super) position: u64,
    /// The stamp that it is merged by.
    pub(super) key: i64,
    /// Whether a line end was found.
    pub(super) terminated: bool,
}

/// One open file.
pub(super) struct Cursor {
    pub(super) source: u32,
    /// Which of the captures that run side by side it belongs to; a file that follows another at its end belongs to the same.
    pub(super) lineage: u32,
    /// Where the current line stands.
    pub(super) at: Mark,
    lines: LineReader,
    line: std::ops::Range<usize>,
    /// The current line, once the reader has gone on behind it.
    held: Option<Held>,
    ahead: VecDeque<Held>,
    read: Mark,
    /// What was known before the latest line that was read, and the bytes of the file up to its start and to its end.
    before: Mark,
    span: (u64, u64),
    ended: bool,
    /// Current lines still to pass until it is worth reading ahead again.
    patience: usize,
}

/// Counts what is wrong with lines.
pub(super) struct LineCounts<'a> {
    pub(super) label: &'a Arc<str>,
    pub(super) counters: &'a mut FeedCounters,
    pub(super) lines: &'a mut u64,
}

/// What another cursor needs to go on with the current line of one.
#[derive(Debug, Default)]
pub(super) struct Bookmark {
    lineage: u32,
    /// Lines before it, and the stamp that they leave to lines without one.
    lines: u64,
    key: i64,
}

carry!(Bookmark: lineage, lines, key);

impl Cursor {
    /// Before its first line; `key` is that of lines before the first stamp.
    pub(super) fn new(source: u32, lineage: u32, lines: LineReader, key: i64) -> Self {
        Self::before(source, lineage, lines, Mark { position: 0, key, terminated: true })
    }

    /// Before the line that a bookmark was put at, where `lines` begin.
    pub(super) fn at_bookmark(source: u32, bookmark: &Bookmark, lines: LineReader) -> Self {
        let Bookmark { lineage, lines: position, key } = *bookmark;
        Self::before(source, lineage, lines, Mark { position, key, terminated: true })
    }

    /// Where the current line begins, if nothing was read ahead of it.
    pub(super) fn bookmark(&self) -> Option<(u64, Bookmark)> {
        let is_latest = self.held.is_none() && self.ahead.is_empty() && self.patience == 0 && !self.ended;
        let Mark { position, key, .. } = self.before;
        is_latest.then_some((self.span.0, Bookmark { lineage: self.lineage, lines: position, key }))
    }

    /// Bytes of the file up to the end of the latest line that was read.
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.span.1
    }

    fn before(source: u32, lineage: u32, lines: LineReader, read: Mark) -> Self {
        Self {
            source,
            lineage,
            at: read,
            lines,
            line: 0..0,
            held: None,
            ahead: VecDeque::new(),
            read,
            before: read,
            span: (0, 0),
            ended: false,
            patience: 0,
        }
    }

    /// The current line.
    pub(super) fn line(&self) -> &[u8] {
        match &self.held {
            Some(held) => &held.bytes,
            None => &self.lines.bytes()[self.line.clone()],
        }
    }

    /// Moves on to the next line that is not blank; `false` at the end of the file.
    pub(super) fn advance(&mut self, counts: &mut LineCounts<'_>) -> bool {
        self.patience = self.patience.saturating_sub(1);
        self.held = self.ahead.pop_front();
        if let Some(held) = &self.held {
            self.at = held.mark;
            return true;
        }
        let is_there = self.read(counts);
        self.at = self.read;
        is_there
    }

    /// Whether most of the lines to come, and at least `lines_min`, were received at `from_ns` or later.
    ///
    /// Asked when another file may be due. The answer `false` stands for half of the lines looked at.
    pub(super) fn goes_on_from(&mut self, from_ns: i64, lines_min: usize, counts: &mut LineCounts<'_>) -> bool {
        if self.patience > 0 {
            return false;
        }
        if self.held.is_none() {
            self.held = Some(Held { bytes: self.lines.bytes()[self.line.clone()].to_vec(), mark: self.at });
        }
        let mut bytes: usize = self.ahead.iter().map(|h| h.bytes.len()).sum();
        while self.ahead.len() < AHEAD_LINES && bytes < AHEAD_BYTES_MAX && self.read(counts) {
            let line = self.lines.bytes()[self.line.clone()].to_vec();
            bytes += line.len();
            self.ahead.push_back(Held { bytes: line, mark: self.read });
        }
        let later = self.ahead.iter().filter(|h| h.mark.key >= from_ns).count();
        let is_overlap = later >= lines_min && 4 * later >= 3 * self.ahead.len();
        self.patience = if is_overlap { 0 } else { self.ahead.len() / 2 };
        is_overlap
    }

    /// Reads the next line that is not blank; `false` at the end of the file.
    fn read(&mut self, counts: &mut LineCounts<'_>) -> bool {
        // Bounded: every turn consumes a line or ends.
        while !self.ended {
            let (start, before) = (self.lines.offset(), self.read);
            let line = self.lines.next_line();
            self.read.position += 1;
            let position = self.read.position;
            self.read.terminated = matches!(line, Line::Whole(_));
            let range = match line {
                Line::Whole(range) | Line::Unterminated(range) => range,
                Line::TooLong(bytes) => {
                    *counts.lines += 1;
                    let lines = &self.lines;
                    counts.counters.hit(checks::UNREADABLE, counts.label, position, || lines.too_long(bytes));
                    continue;
                }
                Line::Broken(detail) => {
                    counts.counters.hit(checks::TRUNCATED_FILE, counts.label, position, || {
                        format!("recovered up to line {}: {detail}", position - 1)
                    });
                    self.ended = true;
                    break;
                }
                Line::End => {
                    self.ended = true;
                    break;
                }
            };
            let bytes = &self.lines.bytes()[range.clone()];
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            // A line without a readable stamp stays with the line before it.
            if let Some(key) = frame::peek_key(bytes) {
                self.read.key = key;
            }
            self.line = range;
            self.before = before;
            self.span = (start, self.lines.offset());
            return true;
        }
        false
    }
}
