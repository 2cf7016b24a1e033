//! From a frame to events: streams, sessions, snapshots, and what cannot be used.

use verismo_market::event::{Event, EventBatch, Kind, NO_ID, NO_TIME, Side, flags};
use verismo_stats::carry;

use super::cursor::Cursor;
use super::frame::{Class, Field, Frame, Scratch};
use super::reader::JsonReader;
use super::scan::Num;
use super::snapshot::NAMELESS;
use super::stream::{HOLD_MESSAGES_MAX, HOLD_ROWS_MAX, Sequence, StreamState};
use crate::batch;
use crate::block::StreamName;
use crate::counters::checks;
use crate::epoch;

/// Names of streams kept for every stream: a hostile file may name one in a new way on every line.
const NAMES_PER_STREAM: usize = 4;
/// Longest symbol in bytes.
const SYMBOL_BYTES_MAX: usize = 64;
/// Longest stream name that is kept, in bytes; what follows the symbol has no end of its own.
const STREAM_BYTES_MAX: usize = 2 * SYMBOL_BYTES_MAX;

/// The receive clock of the current session, as its distance from exchange time.
#[derive(Debug, Default)]
pub(super) struct Clock {
    offset_ns: Option<i64>,
    receive_ns: Option<i64>,
}

carry!(Clock: offset_ns, receive_ns);

/// Receive clocks this far apart are different clocks: a restart moves a monotonic clock by the time since the last boot, while network
/// delay and drift stay within seconds.
pub(crate) const CLOCK_TOLERANCE_NS: i64 = 60_000_000_000;

impl Clock {
    /// Whether a file with this clock offset belongs to another session than the messages so far.
    pub(super) fn is_other_session(&self, offset_ns: Option<i64>) -> bool {
        match (self.offset_ns, offset_ns) {
            (Some(ours), Some(theirs)) => ours.saturating_sub(theirs).saturating_abs() > CLOCK_TOLERANCE_NS,
            _ => false,
        }
    }

    /// Notes a message; `true` if the receive clock has jumped against exchange time, so that a new session has begun.
    ///
    /// Both the receive stamp and the offset must jump: an exchange stamp that is wrong by itself moves only the offset, and a pause of
    /// the capture only the receive stamp.
    #[inline]
    fn see(&mut self, receive_ns: i64, exchange_ns: i64) -> bool {
        if receive_ns == NO_TIME || exchange_ns == NO_TIME {
            return false;
        }
        let offset_ns = exchange_ns.saturating_sub(receive_ns);
        let jumped = self.is_other_session(Some(offset_ns));
        let receive_jumped =
            self.receive_ns.is_some_and(|last| receive_ns.saturating_sub(last).saturating_abs() > CLOCK_TOLERANCE_NS);
        if !jumped || receive_jumped {
            self.offset_ns = Some(offset_ns);
            self.receive_ns = Some(receive_ns);
        }
        jumped && receive_jumped
    }
}

/// Where a message stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) stream: usize,
    pub(super) source: u32,
    lineage: u32,
    position: u64,
}

impl JsonReader {
    /// Turns the frame of the cursor's line into events.
    pub(super) fn message(&mut self, frame: &Frame<'_>, scratch: &Scratch, cursor: &Cursor) {
        let (source, lineage, position) = (cursor.source, cursor.lineage, cursor.at.position);
        let class = frame.class();
        if class == Class::Unknown {
            let name = frame.stream.as_deref().or(frame.event.as_deref()).unwrap_or(b"no stream name");
            let name = String::from_utf8_lossy(&name[..name.len().min(2 * SYMBOL_BYTES_MAX)]).into_owned();
            self.counters.unknown_stream(&name, &self.labels[source as usize], position);
            return;
        }
        let receive_ns = self.integer(frame[Field::Receive], "receive stamp", source, position, NO_TIME);
        let stamp =
            self.integer(frame.exchange_stamp(class == Class::Trade), "exchange time", source, position, NO_TIME);
        let (exchange_ns, unit) = if stamp == NO_TIME { (NO_TIME, None) } else { with_unit(stamp) };
        if self.clock.see(receive_ns, exchange_ns) {
            self.start_session();
        }
        let Some(stream) = self.stream_of(frame, class, source, position) else {
            return;
        };
        let place = Place { stream, source, lineage, position };
        if let Some(unit) = unit {
            self.check_unit(unit, stamp, place);
        }
        let event = Event {
            kind: Kind::Trade,
            side: Side::None,
            flags: 0,
            t_exchange_ns: exchange_ns,
            t_receive_ns: receive_ns,
            price: 0,
            qty: 0,
            id: NO_ID,
            first_id: NO_ID,
            prev_id: NO_ID,
            position,
        };
        self.report_bad_levels(frame, place);
        match class {
            Class::Trade => self.trade(frame, event, place),
            Class::Depth => self.depth(frame, scratch, event, place),
            Class::BestQuote => self.best_quote(frame, event, place),
            Class::PartialBook => self.partial_book(frame, scratch, event, place),
            Class::Snapshot => {
                let id = self.integer(frame[Field::SnapshotId], "lastUpdateId", source, position, NO_ID);
                self.snapshot(Event { id, ..event }, scratch, place);
            }
            Class::Unknown => {}
        }
    }

    /// Everything that was held is let go, every stream starts afresh.
    pub(super) fn start_session(&mut self) {
        self.finish();
        self.outbox.flush_all();
        self.clock = Clock::default();
        for state in &mut self.states {
            state.start_session();
        }
    }

    /// Lets go of what still waits for a snapshot.
    pub(super) fn finish(&mut self) {
        self.place_all_snapshots();
        for state in &mut self.states {
            state.held = None;
        }
    }

    fn stream_of(&mut self, frame: &Frame<'_>, class: Class, source: u32, position: u64) -> Option<usize> {
        if let Some(&index) = frame.stream.as_deref().and_then(|stream| self.by_stream.get(stream)) {
            return Some(index);
        }
        let from_stream = frame.stream.as_deref().map(|s| s.split(|b| *b == b'@').next().unwrap_or(s));
        let symbol = match from_stream.or(frame.symbol.as_deref()) {
            Some(symbol) => symbol,
            // A REST snapshot does not say whose it is: its id will.
            None if class == Class::Snapshot => return Some(NAMELESS),
            None => b"",
        };
        let Some(index) = self.symbol_index(symbol) else {
            self.counters.hit(checks::INVALID_VALUE, &self.labels[source as usize], position, || {
                format!(
                    "symbol {:?} is empty, too long, not text, or one more than --max-streams allows",
                    String::from_utf8_lossy(&symbol[..symbol.len().min(80)])
                )
            });
            return None;
        };
        if let Some(stream) = frame.stream.as_deref()
            && stream.len() <= STREAM_BYTES_MAX
            && self.by_stream.len() < self.streams_max.saturating_mul(NAMES_PER_STREAM)
        {
            self.by_stream.insert(stream.to_vec(), index);
        }
        Some(index)
    }

    fn symbol_index(&mut self, symbol: &[u8]) -> Option<usize> {
        let symbol = std::str::from_utf8(symbol).ok()?.trim().to_uppercase();
        if symbol.is_empty() || symbol.len() > SYMBOL_BYTES_MAX || symbol.chars().any(char::is_control) {
            return None;
        }
        if let Some(&index) = self.by_symbol.get(&symbol) {
            return Some(index);
        }
        if self.names.len() >= self.streams_max {
            return None;
        }
        let index = self.names.len();
        self.names.push(StreamName { venue: String::new(), symbol: symbol.clone() });
        self.states.push(StreamState::new());
        self.outbox.add_stream();
        self.by_symbol.insert(symbol, index);
        Some(index)
    }

    fn trade(&mut self, frame: &Frame<'_>, event: Event, place: Place) {
        let (Some(price), Some(qty)) =
            (self.needed(frame[Field::Price], "price p", place), self.needed(frame[Field::Qty], "quantity q", place))
        else {
            return;
        };
        let id = self.integer(frame[Field::TradeId], "trade id t", place.source, place.position, NO_ID);
        let side = match frame.buyer_is_maker {
            Some(true) => Side::Ask,
            Some(false) => Side::Bid,
            None => Side::None,
        };
        if self.is_delivered(Sequence::Trades, id, &event, place) {
            return;
        }
        let event = Event { kind: Kind::Trade, side, price, qty, id, flags: flags::FIRST_OF_MESSAGE, ..event };
        self.push(event, place, |event, out| out.push(event));
    }

    fn depth(&mut self, frame: &Frame<'_>, scratch: &Scratch, event: Event, place: Place) {
        if !frame.has_bids && !frame.has_asks {
            self.invalid(place, || "a depth message without b and a".to_owned());
            return;
        }
        let Place { source, position, .. } = place;
        let event = Event {
            id: self.integer(frame[Field::LastId], "last id u", source, position, NO_ID),
            first_id: self.integer(frame[Field::FirstId], "first id U", source, position, NO_ID),
            prev_id: self.integer(frame[Field::PrevId], "previous id pu", source, position, NO_ID),
            ..event
        };
        if self.is_delivered(Sequence::Depth, event.id, &event, place) {
            return;
        }
        if !self.nameless.is_empty() {
            self.place_nameless_before(&event, place.stream);
        }
        let state = &mut self.states[place.stream];
        state.has_diffs = true;
        state.see_update(event.first_id, event.id);
        self.push(event, place, |event, out| batch::push_depth(event, &scratch.bids, &scratch.asks, out));
    }

    fn best_quote(&mut self, frame: &Frame<'_>, event: Event, place: Place) {
        let [bid_price, bid_qty] =
            [Field::BidPrice, Field::BidQty].map(|f| self.needed(frame[f], "best bid b, B", place));
        let [ask_price, ask_qty] =
            [Field::AskPrice, Field::AskQty].map(|f| self.needed(frame[f], "best ask a, A", place));
        let (Some(bp), Some(bq), Some(ap), Some(aq)) = (bid_price, bid_qty, ask_price, ask_qty) else {
            return;
        };
        let id = self.integer(frame[Field::LastId], "update id u", place.source, place.position, NO_ID);
        if self.is_delivered(Sequence::Quotes, id, &event, place) {
            return;
        }
        self.push(Event { id, ..event }, place, |event, out| batch::push_quotes(event, (bp, bq), (ap, aq), out));
    }

    /// The first levels as a whole: the book itself while there is nothing better, else a best quote to check the book against.
    fn partial_book(&mut self, frame: &Frame<'_>, scratch: &Scratch, event: Event, place: Place) {
        let id = if frame[Field::SnapshotId] == Num::Absent { frame[Field::LastId] } else { frame[Field::SnapshotId] };
        let id = self.integer(id, "last update id", place.source, place.position, NO_ID);
        let event = Event { id, ..event };
        if self.is_delivered(Sequence::Quotes, id, &event, place) {
            return;
        }
        if self.states[place.stream].has_diffs {
            match (scratch.bids.first(), scratch.asks.first()) {
                (Some(&bid), Some(&ask)) => {
                    self.push(event, place, |event, out| batch::push_quotes(event, bid, ask, out))
                }
                _ => self.invalid(place, || "a partial book with an empty side".to_owned()),
            }
            return;
        }
        self.push(event, place, |event, out| batch::push_snapshot(event, &scratch.bids, &scratch.asks, out));
    }

    /// Appends a message's events to its stream.
    #[inline]
    fn push(&mut self, event: Event, place: Place, rows: impl FnOnce(Event, &mut EventBatch)) {
        if self.states[place.stream].pending.is_some() {
            self.place_pending(&event, place.stream);
        }
        let state = &mut self.states[place.stream];
        let buffer = self.outbox.buffer(place.stream);
        buffer.begin_message(place.source);
        let start = buffer.batch.len();
        rows(event, &mut buffer.batch);
        if std::mem::take(&mut state.starts_session)
            && let Some(first) = buffer.batch.flags.get_mut(start)
        {
            *first |= flags::NEW_SESSION;
        }
        state.has_events = true;
        state.see_time(event.t_exchange_ns);
        if let Some(held) = &mut state.held {
            *held += 1;
            if *held <= HOLD_MESSAGES_MAX && buffer.batch.len() <= HOLD_ROWS_MAX {
                return;
            }
            self.end_hold(place.stream);
        }
        self.outbox.flush_if_full(place.stream);
    }

    #[inline]
    fn is_delivered(&mut self, which: Sequence, id: i64, event: &Event, place: Place) -> bool {
        // What follows a rest may be a capture beside this one.
        let remember = self.sources.len() > 1 || self.rest.is_wanted;
        let delivered = self.states[place.stream].is_delivered(
            which,
            id,
            event.t_exchange_ns,
            event.t_receive_ns,
            place.lineage,
            remember,
        );
        if delivered {
            self.counters.hit(checks::SESSION_OVERLAP, &self.labels[place.source as usize], place.position, || {
                format!("id {id} came from an overlapping capture before")
            });
        }
        delivered
    }

    fn check_unit(&mut self, unit: epoch::EpochUnit, stamp: i64, place: Place) {
        let Some(state) = self.states.get_mut(place.stream) else {
            return;
        };
        let first = *state.unit.get_or_insert(unit);
        if first != unit {
            self.counters.hit(checks::TIME_UNIT, &self.labels[place.source as usize], place.position, || {
                format!("exchange time {stamp} is in another unit ({unit:?}) than the first ({first:?})")
            });
        }
    }

    fn report_bad_levels(&mut self, frame: &Frame<'_>, place: Place) {
        for (text, reason) in &frame.bad_levels {
            self.invalid(place, || format!("level {:?}: {reason}", super::reader::sample(text)));
        }
    }

    /// A number that the message cannot do without.
    #[inline]
    fn needed(&mut self, number: Num<'_>, what: &'static str, place: Place) -> Option<i64> {
        match number {
            Num::Value(value) => return Some(value),
            Num::Absent => self.invalid(place, || format!("{what} is missing")),
            Num::Bad(text, reason) => {
                self.invalid(place, || format!("{what} {:?}: {reason}", super::reader::sample(text)))
            }
        }
        None
    }

    /// A number that may be absent; a bad one is counted and taken as absent.
    #[inline]
    fn integer(&mut self, number: Num<'_>, what: &'static str, source: u32, position: u64, absent: i64) -> i64 {
        match number {
            Num::Value(value) => value,
            Num::Absent => absent,
            Num::Bad(text, reason) => {
                self.counters.hit(checks::INVALID_VALUE, &self.labels[source as usize], position, || {
                    format!("{what} {:?}: {reason}", super::reader::sample(text))
                });
                absent
            }
        }
    }

    fn invalid(&mut self, place: Place, detail: impl FnOnce() -> String) {
        self.counters.hit(checks::INVALID_VALUE, &self.labels[place.source as usize], place.position, detail);
    }
}

fn with_unit(stamp: i64) -> (i64, Option<epoch::EpochUnit>) {
    let (ns, unit) = epoch::to_ns(stamp);
    (ns, Some(unit))
}
