//! Reads order and trade files of one instrument, instant by instant.

use std::sync::Arc;

use verismo_market::event::{Event, Kind, NO_ID, NO_TIME, Side, flags};
use verismo_stats::state::{Carry, DecodeError};

use super::VENUE;
use super::instant::{Cell, Instant, Place, Sink, State};
use super::resting::Order;
use super::row::{self, Columns, Row, Stamps};
use crate::batch;
use crate::block::{Block, EventReader, Rest, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::epoch::EpochUnit;
use crate::error::FeedError;
use crate::inventory::{Source, UNKNOWN_SYMBOL};
use crate::json::reader_sample;
use crate::merge::{Keyed, LineMerge};
use crate::outbox::Outbox;
use crate::rests::Rests;

/// Rows of one instant at most; a file with one time in all rows must not fill the memory.
const INSTANT_ROWS_MAX: usize = 1 << 20;

/// Reads an ordered group of files, merged by exchange time and then receive time.
pub struct BitstampReader {
    merge: LineMerge,
    labels: Vec<Arc<str>>,
    /// Columns of each source, once its header was seen.
    columns: Vec<Option<Columns>>,
    instant: Instant,
    instant_ns: i64,
    /// The latest time that a line of a trades file has, of the lines seen so far: each file's up to its next one.
    traded_until_ns: i64,
    state: State,
    unit: Option<EpochUnit>,
    name: Vec<StreamName>,
    outbox: Outbox,
    counters: FeedCounters,
    bytes_reported: u64,
    done: bool,
}

impl BitstampReader {
    /// A reader of the files of one instrument, ordered as [`crate::Inventory`] orders them. The symbol is the given one, else the sources'.
    pub fn new(sources: Vec<Source>, symbol: Option<&str>) -> Self {
        let symbol = symbol.map(str::to_owned).or_else(|| sources.iter().find_map(|s| s.symbol.clone()));
        let symbol = symbol.unwrap_or_else(|| UNKNOWN_SYMBOL.to_owned()).to_uppercase();
        let columns = vec![None; sources.len()];
        let merge = LineMerge::new(sources);
        let mut outbox = Outbox::default();
        outbox.add_stream();
        Self {
            labels: merge.labels().to_vec(),
            merge,
            columns,
            instant: Instant::default(),
            instant_ns: NO_TIME,
            traded_until_ns: NO_TIME,
            state: State::default(),
            unit: None,
            name: vec![StreamName { venue: VENUE.to_owned(), symbol }],
            outbox,
            counters: FeedCounters::default(),
            bytes_reported: 0,
            done: false,
        }
    }

    /// The same, resting between files, and going on at the rest before file `next`.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that no such reader has handed on.
    pub fn resting(mut self, next: usize, carry: &[u8]) -> Result<Self, DecodeError> {
        let Self { merge, counters, traded_until_ns, unit, state, .. } = &mut self;
        merge.resting(next, carry, counters, |input| {
            traded_until_ns.load(input)?;
            unit.load(input)?;
            state.load(input)
        })?;
        Ok(self)
    }

    /// Whether a reader that rested with this carry rests before source `next` of these.
    pub(crate) fn rests_before(sources: &[Source], next: usize, carry: &[u8]) -> bool {
        sources.get(next).is_none_or(|source| Rests::was_over_before(carry, source.first.t_exchange_ns))
    }

    /// Handles one line; `false` at the end of all files.
    fn step(&mut self) -> bool {
        let keys = keys(&mut self.columns, &mut self.traded_until_ns);
        let Some(at) = self.merge.next_line(&mut self.counters, &mut { keys }) else {
            return false;
        };
        let place = Place { source: at.source, position: at.position };
        let read = self.columns[at.source as usize].as_ref().map(|columns| columns.row(at.line));
        let label = &self.labels[place.source as usize];
        let row = match read {
            Some(Ok(row)) => row,
            Some(Err(bad)) => {
                let half = if at.is_terminated { "" } else { ", and the file ends inside this line" };
                let what = if bad.reason == "is missing" { checks::UNREADABLE } else { checks::INVALID_VALUE };
                self.counters.hit(what, label, place.position, || {
                    format!("{} {:?} {}{half}: {}", bad.field, bad.text, bad.reason, reader_sample(at.line))
                });
                return true;
            }
            None => {
                let line = reader_sample(at.line);
                self.counters.hit(checks::UNREADABLE, label, place.position, || format!("no header before: {line}"));
                return true;
            }
        };
        let stamps = match &row {
            Row::Order(order) => order.stamps,
            Row::Trade(trade) => trade.stamps,
        };
        let first = *self.unit.get_or_insert(stamps.unit);
        if first != stamps.unit {
            self.counters.hit(checks::TIME_UNIT, label, place.position, || {
                format!("exchange time in another unit ({:?}) than the first ({first:?})", stamps.unit)
            });
        }
        if stamps.exchange_ns != self.instant_ns || self.instant.orders.len() >= INSTANT_ROWS_MAX {
            self.close_instant();
            self.instant_ns = stamps.exchange_ns;
            // A file is opened at its first time and its next line is seen before its turn: what has begun and not ended covers this.
            self.state.has_trades = self.traded_until_ns >= self.instant_ns;
        }
        match row {
            Row::Order(order) => self.instant.orders.push((order, place)),
            Row::Trade(trade) => self.instant.trades.push((trade, place)),
        }
        true
    }

    /// Whether it stands between two files that do not overlap, or behind all.
    fn is_between(&mut self) -> bool {
        let mut keys = keys(&mut self.columns, &mut self.traded_until_ns);
        self.merge.is_between(&mut self.counters, &mut keys)
    }

    fn close_instant(&mut self) {
        if self.instant.is_empty() {
            return;
        }
        let mut rows = Rows { labels: &self.labels, outbox: &mut self.outbox, counters: &mut self.counters };
        self.state.apply(&mut self.instant, &mut rows);
        self.outbox.flush_if_full(0);
    }
}

/// Says where lines of files go, and until when trades are told.
fn keys<'a>(columns: &'a mut [Option<Columns>], traded_until_ns: &'a mut i64) -> impl FnMut(u32, &[u8]) -> Keyed + 'a {
    |source, line| {
        let slot = &mut columns[source as usize];
        let Some(columns) = slot else {
            *slot = row::columns(line);
            // Without a header nothing of the file can be read; each of its lines is then counted.
            return if slot.is_some() { Keyed::Header } else { Keyed::WithLineBefore };
        };
        let Some(key) = columns.key(line) else { return Keyed::WithLineBefore };
        if matches!(columns, Columns::Trades { .. }) {
            *traded_until_ns = key.0.max(*traded_until_ns);
        }
        Keyed::At(key)
    }
}

/// Writes messages to the outbox and counts what is none.
struct Rows<'a> {
    labels: &'a [Arc<str>],
    outbox: &'a mut Outbox,
    counters: &'a mut FeedCounters,
}

fn event(kind: Kind, order: &Order, stamps: Stamps, position: u64) -> Event {
    Event {
        kind,
        side: order.side,
        flags: 0,
        t_exchange_ns: stamps.exchange_ns,
        t_receive_ns: stamps.receive_ns,
        price: order.price,
        qty: order.qty,
        id: order.id,
        first_id: NO_ID,
        prev_id: NO_ID,
        position,
    }
}

impl Sink for Rows<'_> {
    fn message(&mut self, rows: &[Cell], stamps: Stamps, place: Place) {
        let buffer = self.outbox.buffer(0);
        buffer.begin_message(place.source);
        let start = buffer.batch.len();
        for (kind, order) in rows {
            buffer.batch.push(event(*kind, order, stamps, place.position));
        }
        if matches!(rows, [(Kind::Trade, _)]) {
            buffer.batch.flags[start] |= flags::FIRST_OF_MESSAGE;
        } else {
            batch::mark_message(start, &mut buffer.batch);
        }
    }

    fn book(&mut self, orders: &[Order], stamps: Stamps, place: Place) {
        let buffer = self.outbox.buffer(0);
        buffer.begin_message(place.source);
        let start = buffer.batch.len();
        let nothing = Order { id: NO_ID, side: Side::None, price: 0, qty: 0 };
        let row = |kind, order| Event { flags: flags::SNAPSHOT, ..event(kind, order, stamps, place.position) };
        buffer.batch.push(row(Kind::SnapshotStart, &nothing));
        for order in orders {
            buffer.batch.push(row(Kind::OrderAdd, order));
        }
        batch::mark_message(start, &mut buffer.batch);
    }

    fn not_an_event(&mut self, what: &'static str, place: Place) {
        self.counters.unknown_stream(what, &self.labels[place.source as usize], place.position);
    }
}

impl EventReader for BitstampReader {
    fn streams(&self) -> &[StreamName] {
        &self.name
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        block.clear();
        // Bounded by the number of lines.
        while !self.outbox.is_ready() && !self.done && !self.merge.is_resting() {
            let is_over = !self.step();
            if is_over || self.is_between() {
                // An instant ends with the files that tell of it, whether somebody rests there or not.
                self.close_instant();
                (self.instant_ns, self.state.has_trades) = (NO_TIME, false);
                self.outbox.flush_all();
                self.done = is_over;
                if !is_over {
                    self.merge.pause();
                }
            }
        }
        self.counters.set_totals(self.merge.lines_since_rest());
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
        self.merge.lines()
    }

    fn bytes(&self) -> u64 {
        self.merge.bytes()
    }

    fn rest(&mut self) -> Option<Rest> {
        let Self { merge, counters, traded_until_ns, unit, state, .. } = self;
        merge.rest(counters, |carry| {
            traded_until_ns.save(carry);
            unit.save(carry);
            state.save(carry);
        })
    }
}
