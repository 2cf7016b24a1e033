//! Reads DBN files as one sequence of records.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use verismo_market::event::{Event, Kind, NO_ID, NO_TIME, Side};
use verismo_stats::state::{Carry, DecodeError, put_u64};

use super::file::{DbnFile, NO_RECORD, Next, Record};
use super::instrument::{After, Instrument, day_of};
use super::layout::F_MAYBE_BAD_BOOK;
use crate::batch;
use crate::block::{Block, EventReader, Rest, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::error::FeedError;
use crate::input;
use crate::inventory::Source;
use crate::limits::streams_max;
use crate::outbox::Outbox;
use crate::rests::Rests;

/// Reads an ordered group of DBN files, merged by receive time.
pub struct DbnReader {
    sources: Vec<Source>,
    labels: Vec<Arc<str>>,
    next: usize,
    cursors: Vec<Cursor>,
    streams_max: usize,
    names: Vec<StreamName>,
    instruments: Vec<Instrument>,
    by_name: BTreeMap<StreamName, usize>,
    outbox: Outbox,
    counters: FeedCounters,
    records: u64,
    consumed: Arc<AtomicU64>,
    bytes_reported: u64,
    done: bool,
    rests: Rests,
}

/// One open file with its current record.
struct Cursor {
    source: u32,
    file: DbnFile,
    record: Box<Record>,
    position: u64,
    /// UTC day of the record; one without a time is of the day of the record before.
    day: i32,
    /// Streams of (publisher, instrument), and the days on which that holds.
    streams: BTreeMap<(u16, u32), (usize, Range<i32>)>,
}

impl Cursor {
    fn key(&self) -> i64 {
        if self.record.t_receive_ns == NO_TIME { self.record.t_event_ns } else { self.record.t_receive_ns }
    }
}

impl DbnReader {
    /// A reader of `sources`, ordered as [`crate::Inventory`] orders them.
    pub fn new(sources: Vec<Source>) -> Self {
        Self {
            labels: sources.iter().map(|s| Arc::from(s.path.display().to_string())).collect(),
            streams_max: streams_max(&sources),
            sources,
            next: 0,
            cursors: Vec::new(),
            names: Vec::new(),
            instruments: Vec::new(),
            by_name: BTreeMap::new(),
            outbox: Outbox::default(),
            counters: FeedCounters::default(),
            records: 0,
            consumed: Arc::default(),
            bytes_reported: 0,
            done: false,
            rests: Rests::new(),
        }
    }

    /// The same, resting between files, and going on at the rest before file `next`.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that no such reader has handed on.
    pub fn resting(mut self, next: usize, carry: &[u8]) -> Result<Self, DecodeError> {
        self.next = next;
        let mut streams = Vec::<((String, String), Instrument)>::new();
        self.rests.go_on(next, carry, &mut self.counters, |input| streams.load(input))?;
        for ((venue, symbol), instrument) in streams {
            self.add_stream(StreamName { venue, symbol }, instrument);
        }
        Ok(self)
    }

    /// Whether a reader that rested with this carry rests before source `next` of these.
    pub(crate) fn rests_before(sources: &[Source], next: usize, carry: &[u8]) -> bool {
        sources.get(next).is_none_or(|source| Rests::was_over_before(carry, source.first.order_key()))
    }

    /// Whether the next file starts after all that was read, and no event waits for its end.
    fn is_between(&self) -> bool {
        let is_after = |source: &Source| self.rests.is_over_before(source.first.order_key());
        self.cursors.is_empty()
            && self.sources.get(self.next).is_none_or(is_after)
            && self.instruments.iter().all(|instrument| instrument.rows.is_empty())
    }

    /// Handles one record; `false` at the end of all files.
    fn step(&mut self) -> bool {
        // Bounded by the number of files.
        while self.cursors.is_empty() {
            if !self.open_due(None) {
                return false;
            }
        }
        let mut at = self.earliest();
        while self.open_due(Some(self.cursors[at].key())) {
            at = self.earliest();
        }
        let mut cursor = self.cursors.swap_remove(at);
        self.rests.see(cursor.key());
        self.handle(&mut cursor);
        if self.advance(&mut cursor) {
            self.cursors.push(cursor);
        }
        true
    }

    /// Of records of one time those of the richest schema come first, so that it is known when the poorer ones come.
    fn earliest(&self) -> usize {
        let keys = self.cursors.iter().enumerate().map(|(i, c)| (c.key(), c.record.body.schema(), c.source, i));
        keys.min().map_or(0, |(.., i)| i)
    }

    fn open_due(&mut self, key: Option<i64>) -> bool {
        let Some(source) = self.sources.get(self.next) else { return false };
        if key.is_some_and(|key| source.first.order_key() > key) {
            return false;
        }
        let index = self.next as u32;
        self.next += 1;
        let label = &self.labels[index as usize];
        if let Some(problem) = &source.problem {
            self.counters.hit(checks::TRUNCATED_FILE, label, 0, || problem.to_string());
            return true;
        }
        let opened = input::open_source(source, self.consumed.clone()).map_err(|e| format!("cannot be opened: {e}"));
        match opened.and_then(DbnFile::open) {
            Ok(file) => {
                let record = Box::new(NO_RECORD);
                let day = day_of(source.first.order_key());
                let mut cursor = Cursor { source: index, file, record, position: 0, day, streams: BTreeMap::new() };
                if self.advance(&mut cursor) {
                    self.cursors.push(cursor);
                }
            }
            Err(why) => self.counters.hit(checks::TRUNCATED_FILE, label, 0, || why),
        }
        true
    }

    /// Moves the cursor to its next record of a schema that is read; `false` at the end of the file.
    fn advance(&mut self, cursor: &mut Cursor) -> bool {
        let label = &self.labels[cursor.source as usize];
        // Bounded: every turn consumes a record or ends.
        loop {
            cursor.position += 1;
            match cursor.file.next() {
                Next::Record(record) => {
                    self.records += 1;
                    cursor.record = record;
                    if cursor.key() != NO_TIME {
                        cursor.day = day_of(cursor.key());
                    }
                    return true;
                }
                Next::Other(rtype) => {
                    self.records += 1;
                    self.counters.unknown_stream(&format!("record type {rtype:#04x}"), label, cursor.position);
                }
                Next::Broken(detail) => {
                    self.counters.hit(checks::TRUNCATED_FILE, label, cursor.position, || {
                        format!("recovered up to record {}: {detail}", cursor.position - 1)
                    });
                    return false;
                }
                Next::End => return false,
            }
        }
    }

    fn handle(&mut self, cursor: &mut Cursor) {
        let Some(stream) = self.stream_of(cursor) else { return };
        let (schema, t_ns) = (cursor.record.body.schema(), cursor.key());
        if !self.instruments[stream].reads(schema, t_ns) {
            let label = &self.labels[cursor.source as usize];
            self.counters.unknown_stream(schema.as_poorer(), label, cursor.position);
            return;
        }
        let Cursor { source, record, position, .. } = cursor;
        let (source, position) = (*source, *position);
        let label = &self.labels[source as usize];
        if record.flags & F_MAYBE_BAD_BOOK != 0 {
            self.counters.hit(checks::SEQUENCE_GAP, label, position, || {
                "the record says that messages of its channel were lost before it".to_owned()
            });
        }
        let is_other_book = self.instruments[stream].is_other_book(record);
        if is_other_book || self.instruments[stream].starts_event(record) {
            self.close(stream, source);
        }
        let base = Event {
            kind: Kind::Trade,
            side: Side::None,
            flags: 0,
            t_exchange_ns: record.t_event_ns,
            t_receive_ns: record.t_receive_ns,
            price: 0,
            qty: 0,
            id: NO_ID,
            first_id: NO_ID,
            prev_id: NO_ID,
            position,
        };
        if is_other_book {
            self.instruments[stream].forget_book(record, base);
        }
        let (after, bad) = self.instruments[stream].record(record, base);
        if let Some(why) = bad {
            self.counters.hit(checks::INVALID_VALUE, &self.labels[source as usize], position, || why);
        }
        if after == After::Close {
            self.close(stream, source);
        }
    }

    fn stream_of(&mut self, cursor: &mut Cursor) -> Option<usize> {
        let key = (cursor.record.publisher, cursor.record.instrument);
        if let Some((stream, days)) = cursor.streams.get(&key)
            && days.contains(&cursor.day)
        {
            return Some(*stream);
        }
        let header = cursor.file.header();
        let venue = match key.0 {
            0 => header.dataset.clone(),
            publisher => format!("{}.{publisher}", header.dataset),
        };
        let (symbol, days) = header.symbol(key.1, cursor.day);
        let name = StreamName { venue, symbol };
        let stream = match self.by_name.get(&name) {
            Some(&stream) => stream,
            None if self.names.len() >= self.streams_max => {
                let label = &self.labels[cursor.source as usize];
                self.counters.hit(checks::INVALID_VALUE, label, cursor.position, || {
                    format!("instrument {} is one more than --max-streams allows", key.1)
                });
                return None;
            }
            None => self.add_stream(name, Instrument::default()),
        };
        cursor.streams.insert(key, (stream, days));
        Some(stream)
    }

    fn add_stream(&mut self, name: StreamName, instrument: Instrument) -> usize {
        self.names.push(name.clone());
        self.instruments.push(instrument);
        self.outbox.add_stream();
        self.by_name.insert(name, self.names.len() - 1);
        self.names.len() - 1
    }

    /// Hands out the rows of the open event as one message.
    fn close(&mut self, stream: usize, source: u32) {
        let rows = &mut self.instruments[stream].rows;
        if rows.is_empty() {
            return;
        }
        let buffer = self.outbox.buffer(stream);
        buffer.begin_message(source);
        let start = buffer.batch.len();
        // Trades alone are no book update.
        let is_update = rows.iter().any(|row| row.kind != Kind::Trade);
        rows.drain(..).for_each(|row| buffer.batch.push(row));
        batch::mark_message(start, &mut buffer.batch);
        if !is_update && let Some(last) = buffer.batch.flags.last_mut() {
            *last &= !verismo_market::event::flags::LAST_OF_UPDATE;
        }
        self.outbox.flush_if_full(stream);
    }
}

impl EventReader for DbnReader {
    fn streams(&self) -> &[StreamName] {
        &self.names
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        block.clear();
        // Bounded by the number of records.
        while !self.outbox.is_ready() && !self.done && !self.rests.is_resting() {
            if !self.step() {
                self.done = true;
                // An event that has no end in any file ends with the last of them.
                let source = self.sources.len().saturating_sub(1) as u32;
                (0..self.instruments.len()).for_each(|stream| self.close(stream, source));
                self.outbox.flush_all();
            } else if self.is_between() {
                self.rests.pause();
                if self.rests.is_resting() {
                    self.outbox.flush_all();
                }
            }
        }
        self.counters.set_totals(self.rests.since(self.records));
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
        self.records
    }

    fn bytes(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    fn rest(&mut self) -> Option<Rest> {
        let Self { rests, counters, names, instruments, .. } = self;
        rests.rest((self.next, self.records), counters, |carry| {
            put_u64(carry, names.len() as u64);
            for (StreamName { venue, symbol }, instrument) in names.iter().zip(instruments) {
                venue.save(carry);
                symbol.save(carry);
                instrument.save(carry);
            }
        })
    }
}
