//! Reads the files of one symbol as one sequence of rows.

use std::sync::Arc;

use verismo_market::event::{Event, NO_ID, NO_TIME, Side};
use verismo_stats::state::{Carry, DecodeError, Reader};

use super::chunk::{Chunk, RowKind};
use super::columns;
use super::cursor::Cursor;
use super::values::{BAD, NULL};
use crate::assemble::{Assembler, Place, Update, blank};
use crate::batch;
use crate::block::{Block, EventReader, Rest, Spot, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::epoch::EpochUnit;
use crate::error::FeedError;
use crate::inventory::{Source, UNKNOWN_SYMBOL};
use crate::json::scan::Scanner;

/// The only stream.
const STREAM: usize = 0;

/// Reads an ordered group of event files of one symbol.
///
/// Files that overlap in time are merged row by row, each opened when its first row is due, so rows may be cut into files anywhere.
pub struct ParquetReader {
    sources: Vec<Source>,
    labels: Vec<Arc<str>>,
    next: usize,
    cursors: Vec<Cursor>,
    assembler: Assembler,
    counters: FeedCounters,
    unit: Option<EpochUnit>,
    key: i64,
    rows: u64,
    bytes: u64,
    bytes_reported: u64,
    done: bool,
    /// Whether it rests between files that do not overlap, and whether it does.
    rests: bool,
    is_resting: bool,
    /// Rows read before the last rest.
    rows_before: u64,
    bids: Vec<(i64, i64)>,
    asks: Vec<(i64, i64)>,
}

impl ParquetReader {
    /// A reader of `sources`, which must be ordered as [`crate::Inventory`] orders them; `symbol` replaces the one of their paths.
    pub fn new(sources: Vec<Source>, symbol: Option<&str>) -> Self {
        let from_path = sources.iter().find_map(|s| s.symbol.as_deref());
        let mut assembler = Assembler::new(&sources);
        assembler.add_stream("", symbol.or(from_path).unwrap_or(UNKNOWN_SYMBOL));
        Self {
            labels: sources.iter().map(|s| Arc::from(s.path.display().to_string())).collect(),
            sources,
            next: 0,
            cursors: Vec::new(),
            assembler,
            counters: FeedCounters::default(),
            unit: None,
            key: i64::MIN,
            rows: 0,
            bytes: 0,
            bytes_reported: 0,
            done: false,
            rests: false,
            is_resting: false,
            rows_before: 0,
            bids: Vec::new(),
            asks: Vec::new(),
        }
    }

    /// The same, resting between files, and going on at the rest before file `next`.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that no such reader has handed on.
    pub fn resting(self, next: usize, carry: &[u8]) -> Result<Self, DecodeError> {
        let (unit, key) = if next > 0 { loaded(carry)? } else { (None, i64::MIN) };
        Ok(Self { next, unit, key, rests: true, ..self })
    }

    /// Whether a reader that rested with this carry rests before source `next` of these.
    pub(crate) fn rests_before(sources: &[Source], next: usize, carry: &[u8]) -> bool {
        let is_after = |source: &Source| loaded(carry).is_ok_and(|(_, key)| key < source.first.order_key());
        sources.get(next).is_none_or(is_after)
    }

    /// Whether the next file starts after all that was read: then nothing of it belongs to an update before.
    fn is_between(&self) -> bool {
        let is_after = |source: &Source| self.key < source.first.order_key();
        self.rests && self.cursors.is_empty() && self.sources.get(self.next).is_none_or(is_after)
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
                self.report_stamps_and_ids(&cursor);
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

    /// Counts what is odd about the stamps and ids of the rows that were decoded last.
    fn report_stamps_and_ids(&mut self, cursor: &Cursor) {
        let first = self.unit.unwrap_or(cursor.chunk.unit);
        for &(row, unit) in &cursor.chunk.odd_units {
            let position = cursor.rows_before + row as u64 + 1;
            self.counters.hit(checks::TIME_UNIT, &self.labels[cursor.source as usize], position, || {
                let value = cursor.chunk.shown(columns::TIME, row);
                format!("event_timestamp {value} is in another unit ({unit:?}) than the first ({first:?})")
            });
        }
        for &(row, name) in &cursor.chunk.bad_ids {
            let position = cursor.rows_before + row as u64 + 1;
            self.invalid_value(&cursor.chunk, name, row, Place { stream: STREAM, source: cursor.source, position });
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
                    self.report_stamps_and_ids(&cursor);
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
        let ids = (a.chunk.id[a.row], b.chunk.id[b.row]);
        if same_kind && ids.0 != ids.1 {
            return ids.0 < ids.1;
        }
        a.source < b.source
    }

    fn continues_open(&self, cursor: &Cursor) -> bool {
        let (chunk, row) = (&cursor.chunk, cursor.row);
        let open = self.assembler.open_update(STREAM);
        chunk.kind[row] == RowKind::Delta
            && open.is_some_and(|open| open.last_id == chunk.id[row] && open.t_exchange_ns == chunk.t_ns[row])
    }

    fn push_rows(&mut self, cursor: &mut Cursor, end: usize) {
        let source = cursor.source;
        let mut row = cursor.row;
        // Bounded: every turn takes a row.
        while row < end {
            row += self.assembler.rows(STREAM, &cursor.chunk.rows(row..end, source, cursor.rows_before));
            if row == end {
                break;
            }
            let place = Place { stream: STREAM, source, position: cursor.rows_before + row as u64 + 1 };
            match cursor.chunk.kind[row] {
                RowKind::Delta => self.delta(&cursor.chunk, row, place),
                RowKind::Trade => self.trade(&cursor.chunk, row, place),
                RowKind::Snapshot => self.snapshot(&cursor.chunk, row, place),
                RowKind::Unknown => {
                    self.counters.hit(checks::UNREADABLE, &self.labels[source as usize], place.position, || {
                        format!(
                            "event_type {:?} is none of TRADE, BOOK_SNAPSHOT, BOOK_DELTA",
                            cursor.chunk.shown(columns::TYPE, row)
                        )
                    });
                }
            }
            row += 1;
        }
        self.rows += (end - cursor.row) as u64;
        self.key = cursor.chunk.key(end - 1);
        cursor.row = end;
        self.assembler.flush_if_full(STREAM);
    }

    #[inline]
    fn delta(&mut self, chunk: &Chunk, row: usize, place: Place) {
        let (price, qty) = (chunk.price[row], chunk.qty[row]);
        let (Some(side), false) = (chunk.side[row], price <= BAD || qty <= BAD) else {
            return self.invalid_row(chunk, row, place);
        };
        let update = Update {
            is_snapshot: false,
            t_exchange_ns: chunk.t_ns[row],
            t_receive_ns: NO_TIME,
            first_id: NO_ID,
            last_id: chunk.id[row],
            prev_id: NO_ID,
            group: None,
        };
        self.assembler.level(place, update, Some((side, price, qty)));
    }

    fn trade(&mut self, chunk: &Chunk, row: usize, place: Place) {
        let (price, qty) = (chunk.price[row], chunk.qty[row]);
        if price <= BAD || qty <= BAD {
            self.assembler.close(STREAM);
            return self.invalid_row(chunk, row, place);
        }
        // A trade without a known aggressor is still a trade.
        let side = chunk.side[row].unwrap_or_else(|| {
            self.invalid_value(chunk, columns::TRADE_SIDE, row, place);
            Side::None
        });
        self.assembler.trade(place, Event { side, price, qty, ..event(chunk, row, place) });
    }

    fn snapshot(&mut self, chunk: &Chunk, row: usize, place: Place) {
        self.assembler.close(STREAM);
        let mut bids = std::mem::take(&mut self.bids);
        let mut asks = std::mem::take(&mut self.asks);
        let [bids_text, asks_text] = chunk.snapshot(row);
        let readable = self.side_levels(&bids_text, &mut bids, columns::BIDS, place)
            && self.side_levels(&asks_text, &mut asks, columns::ASKS, place);
        if readable {
            let event = event(chunk, row, place);
            self.assembler.message(place, |out| batch::push_snapshot(event, &bids, &asks, out));
        }
        (self.bids, self.asks) = (bids, asks);
    }

    /// The levels of one side; `false` if the text is not JSON, so that the snapshot cannot be used.
    fn side_levels(&mut self, text: &[u8], levels: &mut Vec<(i64, i64)>, name: &str, place: Place) -> bool {
        levels.clear();
        if text.is_empty() {
            return true;
        }
        let Place { source, position, .. } = place;
        let label = &self.labels[source as usize];
        let mut bad = Vec::new();
        let mut scanner = Scanner::new(text, 0);
        if let Err(error) = scanner.levels(&mut None, levels, &mut bad).and_then(|()| scanner.end()) {
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

    fn invalid_row(&mut self, chunk: &Chunk, row: usize, place: Place) {
        let names = if chunk.kind[row] == RowKind::Trade {
            [columns::TRADE_PRICE, columns::TRADE_QTY, columns::TRADE_SIDE]
        } else {
            [columns::DELTA_PRICE, columns::DELTA_QTY, columns::DELTA_SIDE]
        };
        let (price, qty) = (chunk.price[row], chunk.qty[row]);
        let at = usize::from(price > BAD) + usize::from(price > BAD && qty > BAD);
        self.invalid_value(chunk, names[at], row, place);
    }

    fn invalid_value(&mut self, chunk: &Chunk, name: &str, row: usize, place: Place) {
        self.counters.hit(checks::INVALID_VALUE, &self.labels[place.source as usize], place.position, || {
            format!("{name} is {}", chunk.shown(name, row))
        });
    }
}

/// The unit of the first file and the time of the last row.
fn loaded(carry: &[u8]) -> Result<(Option<EpochUnit>, i64), DecodeError> {
    let mut input = Reader::new("carry of events/1", carry);
    let mut fields = (None, 0);
    fields.load(&mut input)?;
    input.finish()?;
    Ok(fields)
}

/// The row's time and id.
fn event(chunk: &Chunk, row: usize, place: Place) -> Event {
    Event { id: chunk.id[row], t_exchange_ns: chunk.t_ns[row], ..blank(place.position) }
}

// The two marks stand below every real value, so one comparison finds both.
const _: () = assert!(NULL < BAD);

impl EventReader for ParquetReader {
    fn streams(&self) -> &[StreamName] {
        self.assembler.names()
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        block.clear();
        // Bounded by the number of rows.
        while !self.assembler.is_ready() && !self.done && !self.is_resting {
            if !self.step() {
                self.done = true;
                self.assembler.finish();
            } else if self.is_between() {
                self.is_resting = true;
                self.assembler.finish();
            }
        }
        self.counters.set_totals(self.rows - self.rows_before);
        let more = self.assembler.pop(block, &self.labels);
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

    fn rest(&mut self) -> Option<Rest> {
        if !self.is_resting {
            return None;
        }
        (self.is_resting, self.rows_before) = (false, self.rows);
        let mut carry = Vec::new();
        (self.unit, self.key).save(&mut carry);
        Some(Rest { spot: Spot::before(self.next), carry, counters: std::mem::take(&mut self.counters) })
    }
}
