//! Collects events per stream and hands them out as blocks of one source each.

use std::collections::VecDeque;
use std::sync::Arc;

use verismo_market::event::EventBatch;

use crate::batch;
use crate::block::{BLOCK_EVENTS, Block};

/// Rows of one source inside a buffer.
#[derive(Debug, Clone, Copy)]
struct Segment {
    start: usize,
    source: u32,
    messages: u64,
}

/// Events of one stream that have not been handed out yet.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) batch: EventBatch,
    segments: Vec<Segment>,
}

impl Buffer {
    /// The rows pushed from now on come from `source`; counts one message of it.
    #[inline]
    pub(crate) fn begin_message(&mut self, source: u32) {
        self.begin_messages(source, 1);
    }

    /// The rows pushed from now on come from `source`; counts `n` messages of it, which all have rows if they are several.
    #[inline]
    pub(crate) fn begin_messages(&mut self, source: u32, n: u64) {
        match self.segments.last_mut() {
            Some(segment) if segment.source == source => segment.messages += n,
            // A segment whose messages gave no rows makes no block.
            Some(segment) if segment.start == self.batch.len() => {
                *segment = Segment { start: segment.start, source, messages: n }
            }
            _ => self.segments.push(Segment { start: self.batch.len(), source, messages: n }),
        }
    }

    /// Inserts the rows and the message pushed by `push` before row `at`, as rows of `source`.
    pub(crate) fn insert_message(&mut self, at: usize, source: u32, push: impl FnOnce(&mut EventBatch)) {
        let mut tail = EventBatch::default();
        batch::append(&self.batch, at..self.batch.len(), &mut tail);
        let split = self.segments.partition_point(|s| s.start < at);
        let tail_segments = self.segments.split_off(split);
        let straddling = self.segments.last().copied();
        batch::truncate(&mut self.batch, at);
        self.begin_message(source);
        push(&mut self.batch);
        let shift = self.batch.len() - at;
        // The segment cut in two goes on behind the inserted rows; its messages stay counted in its first part.
        let goes_on = tail_segments.first().is_none_or(|s| s.start > at);
        if let Some(before) = straddling.filter(|s| goes_on && s.source != source && !tail.is_empty()) {
            self.segments.push(Segment { start: self.batch.len(), source: before.source, messages: 0 });
        }
        self.segments.extend(tail_segments.into_iter().map(|s| Segment { start: s.start + shift, ..s }));
        batch::append(&tail, 0..tail.len(), &mut self.batch);
    }
}

#[derive(Debug)]
struct Ready {
    stream: usize,
    source: u32,
    messages: u64,
    batch: EventBatch,
}

/// The buffers of all streams of a reader and the blocks ready to go.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    buffers: Vec<Buffer>,
    ready: VecDeque<Ready>,
    spare: Vec<EventBatch>,
}

/// Spare batches kept; more would only hold memory.
const SPARE_MAX: usize = 4;

impl Outbox {
    /// Makes room for stream `stream`.
    pub(crate) fn add_stream(&mut self) {
        self.buffers.push(Buffer::default());
    }

    #[inline]
    pub(crate) fn buffer(&mut self, stream: usize) -> &mut Buffer {
        &mut self.buffers[stream]
    }

    /// Makes blocks of the buffer once it is full.
    #[inline]
    pub(crate) fn flush_if_full(&mut self, stream: usize) {
        if self.buffers[stream].batch.len() >= BLOCK_EVENTS {
            let n = self.buffers[stream].batch.len();
            self.flush(stream, n);
        }
    }

    /// Makes blocks of the first `n` rows of the buffer.
    pub(crate) fn flush(&mut self, stream: usize, n: usize) {
        let buffer = &mut self.buffers[stream];
        if n == 0 {
            return;
        }
        if n == buffer.batch.len() && buffer.segments.len() == 1 {
            let spare = self.spare.pop().unwrap_or_default();
            let batch = std::mem::replace(&mut buffer.batch, spare);
            let segment = buffer.segments[0];
            buffer.segments.clear();
            self.ready.push_back(Ready { stream, source: segment.source, messages: segment.messages, batch });
            return;
        }
        if buffer.segments.len() == 1 {
            // The common case of an update that goes on: only its few rows are copied.
            let mut rest = self.spare.pop().unwrap_or_default();
            batch::append(&buffer.batch, n..buffer.batch.len(), &mut rest);
            let mut batch = std::mem::replace(&mut buffer.batch, rest);
            batch::truncate(&mut batch, n);
            let Segment { source, messages, .. } = buffer.segments[0];
            buffer.segments[0] = Segment { start: 0, source, messages: 0 };
            self.ready.push_back(Ready { stream, source, messages, batch });
            return;
        }
        let segments = std::mem::take(&mut buffer.segments);
        let mut kept = Vec::new();
        for (i, segment) in segments.iter().enumerate() {
            let end = segments.get(i + 1).map_or(buffer.batch.len(), |s| s.start);
            if segment.start < n.min(end) {
                let mut part = self.spare.pop().unwrap_or_default();
                batch::append(&buffer.batch, segment.start..end.min(n), &mut part);
                self.ready.push_back(Ready { stream, source: segment.source, messages: segment.messages, batch: part });
            }
            if end > n {
                // The messages of a segment cut in two are counted with its first part.
                let messages = if segment.start < n { 0 } else { segment.messages };
                kept.push(Segment { start: segment.start.max(n) - n, source: segment.source, messages });
            }
        }
        let mut rest = self.spare.pop().unwrap_or_default();
        batch::append(&buffer.batch, n..buffer.batch.len(), &mut rest);
        let mut old = std::mem::replace(&mut buffer.batch, rest);
        buffer.segments = kept;
        if self.spare.len() < SPARE_MAX {
            old.clear();
            self.spare.push(old);
        }
    }

    /// Whether no row of the stream waits.
    pub(crate) fn is_empty(&self, stream: usize) -> bool {
        self.buffers[stream].batch.is_empty()
    }

    /// Makes blocks of everything, stream by stream.
    pub(crate) fn flush_all(&mut self) {
        for stream in 0..self.buffers.len() {
            let n = self.buffers[stream].batch.len();
            self.flush(stream, n);
        }
    }

    /// Whether a block can be taken.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Moves the oldest block into `block`; `false` if there is none.
    pub(crate) fn pop(&mut self, block: &mut Block, labels: &[Arc<str>]) -> bool {
        let Some(ready) = self.ready.pop_front() else {
            return false;
        };
        let mut old = std::mem::replace(&mut block.batch, ready.batch);
        if self.spare.len() < SPARE_MAX {
            old.clear();
            self.spare.push(old);
        }
        block.stream = ready.stream;
        block.source = labels[ready.source as usize].clone();
        block.messages = ready.messages;
        block.bytes = 0;
        true
    }
}
