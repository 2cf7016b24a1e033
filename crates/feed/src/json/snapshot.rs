//! REST snapshots: where in its stream a whole book goes that came beside it, often without saying whose it is.

use verismo_market::event::{Event, EventBatch, Kind, NO_ID, NO_TIME, flags};

use super::frame::{Levels, Scratch};
use super::message::Place;
use super::reader::JsonReader;
use crate::batch;

/// The stream of a snapshot that does not say whose it is.
pub(super) const NAMELESS: usize = usize::MAX;

/// Snapshots without a name that wait at most; a capture begins with one of each of its symbols.
const NAMELESS_MAX: usize = 256;
/// Their levels together at most.
const NAMELESS_LEVELS_MAX: usize = 1 << 20;

/// A snapshot that waits for its place.
#[derive(Debug)]
pub(crate) struct PendingSnapshot {
    event: Event,
    bids: Levels,
    asks: Levels,
    source: u32,
}

impl PendingSnapshot {
    fn n_levels(&self) -> usize {
        self.bids.len() + self.asks.len()
    }
}

impl JsonReader {
    /// A whole book. Changes that came before it but are newer than it must be applied after it, so it is moved before the first of them.
    pub(super) fn snapshot(&mut self, event: Event, scratch: &Scratch, place: Place) {
        let (bids, asks) = (scratch.bids.clone(), scratch.asks.clone());
        let pending = PendingSnapshot { event, bids, asks, source: place.source };
        if place.stream == NAMELESS {
            return self.nameless_snapshot(pending);
        }
        let state = &mut self.states[place.stream];
        if (state.book_id, state.exchange_ns, event.t_exchange_ns) != (NO_ID, NO_TIME, NO_TIME) {
            self.place_pending(&event, place.stream);
            return self.place_snapshot(place.stream, pending);
        }
        if let Some(earlier) = state.pending.replace(Box::new(pending)) {
            self.leave_out("depth snapshot before another one, with nothing between them", &earlier);
        }
    }

    /// Its id tells whose it is: the stream's whose updates are around it. While the start of a stream is held back, it can wait for them.
    fn nameless_snapshot(&mut self, pending: PendingSnapshot) {
        let id = pending.event.id;
        let around = (0..self.states.len()).filter(|&i| self.states[i].has_around(id));
        let around = around.min_by_key(|&i| self.states[i].book_id.abs_diff(id));
        let can_wait = self.states.iter().any(|state| state.held.is_some());
        if let Some(stream) = around.or_else(|| if can_wait { None } else { self.nearest_stream(id) }) {
            return self.place_snapshot(stream, pending);
        }
        let n_levels: usize = self.nameless.iter().map(PendingSnapshot::n_levels).sum();
        if self.nameless.len() >= NAMELESS_MAX || n_levels + pending.n_levels() > NAMELESS_LEVELS_MAX {
            return self.leave_out("depth snapshot of no known symbol, one of too many", &pending);
        }
        self.nameless.push(pending);
    }

    /// The stream whose latest book id is nearest, or the only one.
    fn nearest_stream(&self, id: i64) -> Option<usize> {
        let with_book = (0..self.states.len()).filter(|&i| id != NO_ID && self.states[i].book_id != NO_ID);
        let nearest = with_book.min_by_key(|&i| self.states[i].book_id.abs_diff(id));
        nearest.or((self.states.len() == 1).then_some(0))
    }

    /// Places what has no name and fits between the stream's updates so far and `update`, its next one.
    pub(super) fn place_nameless_before(&mut self, update: &Event, stream: usize) {
        let first_id = match self.states[stream].first_book_id {
            NO_ID if update.first_id == NO_ID => update.id,
            NO_ID => update.first_id,
            first_id => first_id,
        };
        let fits = |pending: &PendingSnapshot| {
            let id = pending.event.id;
            first_id <= id.saturating_add(1) && id < update.id
        };
        // Bounded: every turn takes one away.
        while let Some(i) = self.nameless.iter().position(fits) {
            let mut pending = self.nameless.remove(i);
            if pending.event.t_exchange_ns == NO_TIME {
                pending.event.t_exchange_ns = update.t_exchange_ns;
            }
            self.place_snapshot(stream, pending);
        }
    }

    /// The first message of the stream with a time tells the time of the snapshot that waits for it.
    pub(super) fn place_pending(&mut self, event: &Event, stream: usize) {
        if event.t_exchange_ns == NO_TIME {
            return;
        }
        if let Some(mut pending) = self.states[stream].pending.take() {
            pending.event.t_exchange_ns = event.t_exchange_ns;
            self.push_snapshot(stream, *pending);
        }
    }

    /// The start of the stream is held back no longer: what has no name and is nearest to it goes into it now.
    pub(super) fn end_hold(&mut self, stream: usize) {
        let mut i = 0;
        // Bounded: every turn takes one away, or goes on to the next.
        while i < self.nameless.len() {
            if self.nearest_stream(self.nameless[i].event.id) == Some(stream) {
                let pending = self.nameless.remove(i);
                self.place_snapshot(stream, pending);
            } else {
                i += 1;
            }
        }
        self.states[stream].held = None;
    }

    /// Places everything that still waits.
    pub(super) fn place_all_snapshots(&mut self) {
        for stream in 0..self.states.len() {
            if let Some(pending) = self.states[stream].pending.take() {
                self.push_snapshot(stream, *pending);
            }
        }
        for pending in std::mem::take(&mut self.nameless) {
            match self.nearest_stream(pending.event.id) {
                Some(stream) => self.place_snapshot(stream, pending),
                None => self.leave_out("depth snapshot of no known symbol", &pending),
            }
        }
    }

    fn place_snapshot(&mut self, stream: usize, pending: PendingSnapshot) {
        let state = &self.states[stream];
        if state.held.is_none() && state.book_id > pending.event.id {
            return self.leave_out("depth snapshot older than the changes before it", &pending);
        }
        self.push_snapshot(stream, pending);
    }

    /// Puts a snapshot before the first held change that is newer than it, or at the end.
    fn push_snapshot(&mut self, stream: usize, pending: PendingSnapshot) {
        let PendingSnapshot { mut event, bids, asks, source } = pending;
        let state = &mut self.states[stream];
        let buffer = self.outbox.buffer(stream);
        let at = match (state.held, state.book_id) {
            (None, _) => buffer.batch.len(),
            (_, NO_ID) => first_later(&buffer.batch, event.t_receive_ns),
            _ => first_newer(&buffer.batch, event.id),
        };
        let before = buffer.batch.t_exchange_ns[..at].iter().rev().copied().find(|t| *t != NO_TIME);
        let after = buffer.batch.t_exchange_ns[at..].iter().copied().find(|t| *t != NO_TIME);
        let before = before.or((state.exchange_ns != NO_TIME && after.is_none()).then_some(state.exchange_ns));
        event.t_exchange_ns = between(event.t_exchange_ns, before, after);
        let receive_after = buffer.batch.t_receive_ns.get(at).copied().filter(|t| *t != NO_TIME);
        event.t_receive_ns = between(event.t_receive_ns, None, receive_after);
        buffer.insert_message(at, source, |out| batch::push_snapshot(event, &bids, &asks, out));
        if state.starts_session && at == 0 {
            // The flag moves to the row that is now first; rows held before were given it when they came.
            buffer.batch.flags[0] |= flags::NEW_SESSION;
            state.starts_session = false;
        }
        state.has_events = true;
        state.held = None;
        state.book_id = state.book_id.max(event.id);
        state.see_time(event.t_exchange_ns);
        self.outbox.flush_if_full(stream);
    }

    fn leave_out(&mut self, what: &str, pending: &PendingSnapshot) {
        let label = self.labels[pending.source as usize].clone();
        self.counters.unknown_stream(what, &label, pending.event.position);
    }
}

/// Row of the first book change newer than `id`; the length if there is none.
fn first_newer(batch: &EventBatch, id: i64) -> usize {
    (0..batch.len())
        .find(|&i| {
            batch.kind[i] == Kind::LevelSet
                && batch.flags[i] & flags::SNAPSHOT == 0
                && batch.flags[i] & flags::FIRST_OF_MESSAGE != 0
                && batch.id[i] > id
        })
        .unwrap_or(batch.len())
}

/// Row of the first message received later; the length if there is none.
fn first_later(batch: &EventBatch, receive_ns: i64) -> usize {
    let is_later = |&i: &usize| batch.flags[i] & flags::FIRST_OF_MESSAGE != 0 && batch.t_receive_ns[i] > receive_ns;
    (0..batch.len()).find(|i| receive_ns != NO_TIME && is_later(i)).unwrap_or(batch.len())
}

/// `own` moved into the interval of its neighbours; without an own time, that of the neighbour before, else after.
fn between(own: i64, before: Option<i64>, after: Option<i64>) -> i64 {
    let own = if own == NO_TIME { before.or(after).unwrap_or(NO_TIME) } else { own };
    let own = before.map_or(own, |b| own.max(b));
    after.map_or(own, |a| own.min(a))
}
