//! Reads the files of one symbol as one sequence of rows.

use std::sync::Arc;

use verismo_market::event::{Event, Kind, NO_ID, Side, flags};

use super::chunk::{Chunk, RowKind};
use super::columns;
use super::cursor::Cursor;
use super::values::{BAD, NULL};
use crate::batch;
use crate::block::{BLOCK_EVENTS, Block, EventReader, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::epoch::EpochUnit;
use crate::error::FeedError;
use crate::inventory::{Source, UNKNOWN_SYMBOL};
use crate::json::scan::Scanner;
use crate::outbox::Outbox;

/// Rows of one update held until it ends; a longer one is handed out in parts, marked as ended only at its end.
const UPDATE_ROWS_MAX: usize = 1 << 16;

/// Reads an ordered group of event files of one symbol.
///
/// Files that overlap in time are merged row by row, each opened when its first row is due, so rows may be cut into files anywhere.
pub struct ParquetReader {
    sources: Vec<Source>,
    labels: Vec<Arc<str>>,
    next: usize,
    cursors: Vec<Cursor>,
    names: Vec<StreamName>,
    outbox: Outbox,
    counters: FeedCounters,
    unit: Option<EpochUnit>,
    open: Option<OpenUpdate>,
    key: i64,
    rows: u64,
    bytes: u64,
    bytes_reported: u64,
    done: bool,
    bids: Vec<(i64, i64)>,
    asks: Vec<(i64, i64)>,
}

/// A book update whose last row is not known yet.
#[derive(Debug, Clone, Copy)]
struct OpenUpdate {
    id: i64,
    t_ns: i64,
    /// Its first row in the buffer.
    start: usize,
}

impl ParquetReader {
    /// A reader of `sources`, which must be ordered as [`crate::Inventory`] orders them; `symbol` replaces the one of their paths.
    pub fn new(sources: Vec<Source>, symbol: Option<&str>) -> Self {
        let from_path = sources.iter().find_map(|s| s.symbol.as_deref());
        let symbol = symbol.or(from_path).unwrap_or(UNKNOWN_SYMBOL).to_owned();
        let mut outbox = Outbox::default();
        outbox.add_stream();
        Self {
            labels: sources.iter().map(|s| Arc::from(s.path.display().to_string())).collect(),
            sources,
            next: 0,
            cursors: Vec::new(),
            names: vec![StreamName { venue: String::new(), symbol }],
            outbox,
            counters: FeedCounters::default(),
            unit: None,
            open: None,
            key: i64::MIN,
            rows: 0,
            bytes: 0,
            bytes_reported: 0,
            done: false,
            bids: Vec::new(),
            asks: Vec::new(),
        }
    }

    /// Opens the next file if its first row is due at `key`, or unconditionally; `false` if none was opened.
    fn open_due(&mut self, key: Option<i64>) -> bool {
        let Some(source) = self.sources.get(self.next) else {
            return false;
        };
        if key.is_some_and(|key| source.first.order_key() > key) {
            return false;
        }
        let index = self.next as u32;
        self.next += 1;
        self.bytes += source.bytes;
        let opened = match &source.problem {
            Some(problem) => Err(problem.clone()),
            None => Cursor::open(&source.path, index, self.unit, self.key),
        };
        match opened {
            Ok(Some(cursor)) => {
                self.unit.get_or_insert(cursor.chunk.unit);
                self.report_units(&cursor);
                self.cursors.push(cursor);
            }
            Ok(None) => {}
            Err(error) => self.broken(index, 0, &error),
        }
        true
    }

    fn broken(&mut self, source: u32, position: u64, error: &FeedError) {
        self.counters.hit(checks::TRUNCATED_FILE, &self.labels[source as usize], position, || error.to_string());
    }

    fn report_units(&mut self, cursor: &Cursor) {
        let first = self.unit.unwrap_or(cursor.chunk.unit);
        for &(row, unit) in &cursor.chunk.odd_units {
            let position = cursor.rows_before + row as u64 + 1;
            self.counters.hit(checks::TIME_UNIT, &self.labels[cursor.source as usize], position, || {
                let value = cursor.chunk.shown(columns::TIME, row);
                format!("event_timestamp {value} is in another unit ({unit:?}) than the first ({first:?})")
            });
        }
    }

    /// Handles one run of rows; `false` at the end of all files.
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
        let others = self.cursors.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, c)| c.key());
        let unopened = self.sources.get(self.next).map(|s| s.first.order_key());
        let bound = others.chain(unopened).min();
        let mut cursor = self.cursors.swap_remove(at);
        let end = match bound {
            // On a tie single rows go, and the choice is made anew.
            Some(bound) => cursor.chunk.run_end(cursor.row, bound).max(cursor.row + 1),
            None => cursor.chunk.len(),
        };
        self.push_rows(&mut cursor, end);
        let path = &self.sources[cursor.source as usize].path;
        let rows_before = cursor.rows_before;
        match cursor.refill(path) {
            Ok(true) => {
                if cursor.rows_before != rows_before {
                    self.report_units(&cursor);
                }
                self.cursors.push(cursor);
                let last = self.cursors.len() - 1;
                self.cursors.swap(at, last);
            }
            Ok(false) => {}
            Err(error) => self.broken(cursor.source, cursor.position(), &error),
        }
        true
    }

    /// The cursor whose row comes next: smallest time; on ties the open update goes on, then the earlier file, then among rows of one kind
    /// the smaller id.
    fn earliest(&self) -> usize {
        let key = self.cursors.iter().map(Cursor::key).min().unwrap_or(i64::MIN);
        let mut best: Option<usize> = None;
        for (i, cursor) in self.cursors.iter().enumerate() {
            if cursor.key() == key && best.is_none_or(|b| self.precedes(cursor, &self.cursors[b])) {
                best = Some(i);
            }
        }
        best.unwrap_or(0)
    }

    fn precedes(&self, a: &Cursor, b: &Cursor) -> bool {
        let (goes_on_a, goes_on_b) = (self.continues_open(a), self.continues_open(b));
        if goes_on_a != goes_on_b {
            return goes_on_a;
        }
        let same_kind = a.chunk.kind[a.row] == b.chunk.kind[b.row];
        let ids = (a.chunk.id(a.row), b.chunk.id(b.row));
        if same_kind && ids.0 != ids.1 {
            return ids.0 < ids.1;
        }
        a.source < b.source
    }

    fn continues_open(&self, cursor: &Cursor) -> bool {
        let (chunk, row) = (&cursor.chunk, cursor.row);
        chunk.kind[row] == RowKind::Delta
            && self.open.is_some_and(|open| open.id == chunk.id(row) && open.t_ns == chunk.t_ns[row])
    }

    fn push_rows(&mut self, cursor: &mut Cursor, end: usize) {
        let source = cursor.source;
        for row in cursor.row..end {
            let position = cursor.rows_before + row as u64 + 1;
            self.outbox.buffer(0).begin_message(source);
            match cursor.chunk.kind[row] {
                RowKind::Delta => self.delta(&cursor.chunk, row, source, position),
                RowKind::Trade => self.trade(&cursor.chunk, row, source, position),
                RowKind::Snapshot => self.snapshot(&cursor.chunk, row, source, position),
                RowKind::Unknown => {
                    self.counters.hit(checks::UNREADABLE, &self.labels[source as usize], position, || {
                        format!(
                            "event_type {:?} is none of TRADE, BOOK_SNAPSHOT, BOOK_DELTA",
                            cursor.chunk.shown(columns::TYPE, row)
                        )
                    });
                }
            }
        }
        self.rows += (end - cursor.row) as u64;
        self.key = cursor.chunk.key(end - 1);
        cursor.row = end;
        self.flush_if_full();
    }

    #[inline]
    fn delta(&mut self, chunk: &Chunk, row: usize, source: u32, position: u64) {
        let (price, qty) = chunk.price_qty(row);
        let (Some(side), false) = (chunk.side(row), price <= BAD || qty <= BAD) else {
            return self.invalid_row(chunk, row, source, position);
        };
        let (id, t_ns) = (chunk.id(row), chunk.t_ns[row]);
        let goes_on = self.open.is_some_and(|open| open.id == id && open.t_ns == t_ns);
        if !goes_on {
            self.close_update();
            self.open = Some(OpenUpdate { id, t_ns, start: self.outbox.buffer(0).batch.len() });
        }
        let flags = if goes_on { 0 } else { flags::FIRST_OF_MESSAGE };
        let event = Event { kind: Kind::LevelSet, side, flags, price, qty, ..blank(id, t_ns, position) };
        self.outbox.buffer(0).batch.push(event);
    }

    fn trade(&mut self, chunk: &Chunk, row: usize, source: u32, position: u64) {
        self.close_update();
        let (price, qty) = chunk.price_qty(row);
        if price <= BAD || qty <= BAD {
            return self.invalid_row(chunk, row, source, position);
        }
        // A trade without a known aggressor is still a trade.
        let side = chunk.side(row).unwrap_or_else(|| {
            self.invalid_value(chunk, columns::TRADE_SIDE, row, source, position);
            Side::None
        });
        let event = Event {
            kind: Kind::Trade,
            side,
            flags: flags::FIRST_OF_MESSAGE,
            price,
            qty,
            ..blank(chunk.id(row), chunk.t_ns[row], position)
        };
        self.outbox.buffer(0).batch.push(event);
    }

    fn snapshot(&mut self, chunk: &Chunk, row: usize, source: u32, position: u64) {
        self.close_update();
        let mut bids = std::mem::take(&mut self.bids);
        let mut asks = std::mem::take(&mut self.asks);
        let [bids_text, asks_text] = chunk.snapshot(row);
        let readable = self.side_levels(bids_text, &mut bids, columns::BIDS, source, position)
            && self.side_levels(asks_text, &mut asks, columns::ASKS, source, position);
        if readable {
            let event = blank(chunk.id(row), chunk.t_ns[row], position);
            batch::push_snapshot(event, &bids, &asks, &mut self.outbox.buffer(0).batch);
        }
        (self.bids, self.asks) = (bids, asks);
    }

    /// The levels of one side; `false` if the text is not JSON, so that the snapshot cannot be used.
    fn side_levels(
        &mut self,
        text: &[u8],
        levels: &mut Vec<(i64, i64)>,
        name: &str,
        source: u32,
        position: u64,
    ) -> bool {
        levels.clear();
        if text.is_empty() {
            return true;
        }
        let label = &self.labels[source as usize];
        let mut bad = Vec::new();
        let mut scanner = Scanner::new(text, 0);
        if let Err(error) = scanner.levels(levels, &mut bad).and_then(|()| scanner.end()) {
            self.counters
                .hit(checks::UNREADABLE, label, position, || format!("{name}: byte {}: {}", error.at + 1, error.what));
            return false;
        }
        for (text, reason) in bad {
            self.counters.hit(checks::INVALID_VALUE, label, position, || {
                format!("{name}: {:?}: {reason}", String::from_utf8_lossy(text))
            });
        }
        true
    }

    /// Marks the end of the update that was open.
    #[inline]
    fn close_update(&mut self) {
        if self.open.take().is_some()
            && let Some(last) = self.outbox.buffer(0).batch.flags.last_mut()
        {
            *last |= flags::LAST_OF_UPDATE;
        }
    }

    /// Hands out all rows but those of the open update.
    fn flush_if_full(&mut self) {
        let len = self.outbox.buffer(0).batch.len();
        if len < BLOCK_EVENTS {
            return;
        }
        let n = match &mut self.open {
            None => len,
            Some(open) => {
                // The last row of an endless update stays, so that its end can still be marked.
                let n = if len - open.start > UPDATE_ROWS_MAX { len - 1 } else { open.start };
                open.start -= n.min(open.start);
                n
            }
        };
        self.outbox.flush(0, n);
    }

    fn invalid_row(&mut self, chunk: &Chunk, row: usize, source: u32, position: u64) {
        let names = if chunk.kind[row] == RowKind::Trade {
            [columns::TRADE_PRICE, columns::TRADE_QTY, columns::TRADE_SIDE]
        } else {
            [columns::DELTA_PRICE, columns::DELTA_QTY, columns::DELTA_SIDE]
        };
        let (price, qty) = chunk.price_qty(row);
        let at = usize::from(price > BAD) + usize::from(price > BAD && qty > BAD);
        self.invalid_value(chunk, names[at], row, source, position);
    }

    fn invalid_value(&mut self, chunk: &Chunk, name: &str, row: usize, source: u32, position: u64) {
        self.counters.hit(checks::INVALID_VALUE, &self.labels[source as usize], position, || {
            format!("{name} is {}", chunk.shown(name, row))
        });
    }
}

/// A row without anything but its place.
fn blank(id: i64, t_exchange_ns: i64, position: u64) -> Event {
    Event {
        kind: Kind::Trade,
        side: Side::None,
        flags: 0,
        t_exchange_ns,
        t_receive_ns: verismo_market::event::NO_TIME,
        price: 0,
        qty: 0,
        id,
        first_id: NO_ID,
        prev_id: NO_ID,
        position,
    }
}

// The two marks stand below every real value, so one comparison finds both.
const _: () = assert!(NULL < BAD);

impl EventReader for ParquetReader {
    fn streams(&self) -> &[StreamName] {
        &self.names
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        block.clear();
        // Bounded by the number of rows.
        while !self.outbox.is_ready() && !self.done {
            if !self.step() {
                self.done = true;
                self.close_update();
                self.outbox.flush_all();
            }
        }
        for check in [checks::UNREADABLE, checks::INVALID_VALUE] {
            self.counters.set_total(check, self.rows);
        }
        for check in [checks::TRUNCATED_FILE, checks::TIME_UNIT] {
            if self.counters.count(check) > 0 {
                self.counters.set_total(check, self.rows);
            }
        }
        let more = self.outbox.pop(block, &self.labels);
        block.bytes = self.bytes - self.bytes_reported;
        self.bytes_reported = self.bytes;
        Ok(more)
    }

    fn counters(&self) -> &FeedCounters {
        &self.counters
    }

    fn messages(&self) -> u64 {
        self.rows
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}
