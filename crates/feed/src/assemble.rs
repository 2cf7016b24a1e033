//! From rows to events: the rows of one update become one message, streams are told apart, blocks are handed out.

use std::collections::BTreeMap;
use std::sync::Arc;

use verismo_market::event::{Event, EventBatch, Kind, NO_ID, NO_TIME, Side, flags};
use verismo_stats::state::{Carry, DecodeError, Reader};

use crate::block::{BLOCK_EVENTS, Block, StreamName};
use crate::inventory::Source;
use crate::limits::streams_max;
use crate::outbox::{Buffer, Outbox};

/// Longest symbol or venue in bytes.
const NAME_BYTES_MAX: usize = 64;
/// Rows of one update held until it ends; a longer one is handed out in parts, marked as ended only at its end.
const UPDATE_ROWS_MAX: usize = 1 << 16;

/// What the rows of one book update have in common; a row with anything else starts another update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) is_snapshot: bool,
    pub(crate) t_exchange_ns: i64,
    pub(crate) t_receive_ns: i64,
    pub(crate) first_id: i64,
    pub(crate) last_id: i64,
    pub(crate) prev_id: i64,
    /// Where it is given, rows that share it are one update, whatever their times and ids.
    pub(crate) group: Option<i64>,
}

impl Update {
    fn goes_on_with(&self, next: &Self) -> bool {
        match (self.group, next.group) {
            (Some(ours), Some(theirs)) => ours == theirs && self.is_snapshot == next.is_snapshot,
            _ => self == next,
        }
    }

    /// A row of it, without its level.
    fn event(&self, position: u64) -> Event {
        Event {
            kind: Kind::LevelSet,
            t_exchange_ns: self.t_exchange_ns,
            t_receive_ns: self.t_receive_ns,
            id: self.last_id,
            first_id: self.first_id,
            prev_id: self.prev_id,
            ..blank(position)
        }
    }
}

/// Whether the row says what the last one of the batch says, of an update that its id tells from others.
#[inline]
fn repeats_last(batch: &EventBatch, update: &Update, level: (Side, i64, i64)) -> bool {
    let Some(last) = batch.len().checked_sub(1) else { return false };
    update.last_id != NO_ID
        && (batch.side[last], batch.price[last], batch.qty[last]) == level
        && batch.id[last] == update.last_id
        && (batch.t_exchange_ns[last], batch.t_receive_ns[last]) == (update.t_exchange_ns, update.t_receive_ns)
        && (batch.first_id[last], batch.prev_id[last]) == (update.first_id, update.prev_id)
}

/// Where a row comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) stream: usize,
    pub(crate) source: u32,
    pub(crate) position: u64,
}

/// The streams of a reader and their events.
#[derive(Debug)]
pub(crate) struct Assembler {
    /// A hostile file may name a new symbol on every line.
    streams_max: usize,
    names: Vec<StreamName>,
    by_name: BTreeMap<String, BTreeMap<String, usize>>,
    open: Vec<Option<Open>>,
    /// Rows of each stream's open update that said again what the row before them said.
    again: Vec<Vec<Again>>,
    outbox: Outbox,
}

/// A book update whose last row is not known yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open {
    pub(crate) update: Update,
    /// Its first row in the buffer.
    pub(crate) start: usize,
    /// Side and price of its first level: no message has a level twice, so its return starts another update.
    pub(crate) first: Option<(Side, i64)>,
}

/// A row that says again what the row just before it said.
#[derive(Debug, Clone, Copy)]
struct Again {
    source: u32,
    position: u64,
    level: (Side, i64, i64),
}

impl Assembler {
    /// Without streams; takes up the limit of `sources`.
    pub(crate) fn new(sources: &[Source]) -> Self {
        Self {
            streams_max: streams_max(sources),
            names: Vec::new(),
            by_name: BTreeMap::new(),
            open: Vec::new(),
            again: Vec::new(),
            outbox: Outbox::default(),
        }
    }

    /// The stream of that name; `None` if it is no name (empty, too long, control characters) or there are too many.
    pub(crate) fn stream(&mut self, venue: &str, symbol: &str) -> Option<usize> {
        if let Some(&index) = self.by_name.get(venue).and_then(|symbols| symbols.get(symbol)) {
            return Some(index);
        }
        let is_name = |name: &str| name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
        if symbol.is_empty() || !is_name(symbol) || !is_name(venue) || self.names.len() >= self.streams_max {
            return None;
        }
        Some(self.add_stream(venue, symbol))
    }

    /// Adds a stream, whatever its name is.
    pub(crate) fn add_stream(&mut self, venue: &str, symbol: &str) -> usize {
        let index = self.names.len();
        self.names.push(StreamName { venue: venue.to_owned(), symbol: symbol.to_owned() });
        self.by_name.entry(venue.to_owned()).or_default().insert(symbol.to_owned(), index);
        self.open.push(None);
        self.again.push(Vec::new());
        self.outbox.add_stream();
        index
    }

    pub(crate) fn names(&self) -> &[StreamName] {
        &self.names
    }

    /// Saves the names of the streams, and nothing else: no update is open at a rest.
    pub(crate) fn save_names(&self, out: &mut Vec<u8>) {
        let names = self.names.iter().map(|name| (name.venue.clone(), name.symbol.clone()));
        names.collect::<Vec<_>>().save(out);
    }

    /// Adds the streams whose names were saved.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub(crate) fn load_names(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut names = Vec::<(String, String)>::new();
        names.load(input)?;
        for (venue, symbol) in &names {
            self.add_stream(venue, symbol);
        }
        Ok(())
    }

    /// The stream's update whose last row is not known yet.
    pub(crate) fn open_update(&self, stream: usize) -> Option<&Update> {
        self.open[stream].as_ref().map(|open| &open.update)
    }

    /// Whether rows wait for the end of the stream's open update.
    pub(crate) fn has_repeats(&self, stream: usize) -> bool {
        !self.again[stream].is_empty()
    }

    /// The stream's open update, and its events that were not handed out.
    pub(crate) fn parts(&mut self, stream: usize) -> (&mut Option<Open>, &mut Buffer) {
        (&mut self.open[stream], self.outbox.buffer(stream))
    }

    /// Appends one level of an update; `None` says that the update is there but changes nothing (or, of a snapshot, that a side is empty).
    ///
    /// The first level of an update said again starts another one with its ids, to be counted as a duplicate. A row that only repeats the
    /// row just before it does not end the update: it becomes a duplicate of its own behind it.
    pub(crate) fn level(&mut self, place: Place, update: Update, level: Option<(Side, i64, i64)>) {
        let at = level.map(|(side, price, _)| (side, price));
        let mut goes_on = self.open[place.stream].as_ref().is_some_and(|open| open.update.goes_on_with(&update));
        if goes_on
            && let Some(level) = level
            && self.again[place.stream].len() < UPDATE_ROWS_MAX
            && repeats_last(&self.outbox.buffer(place.stream).batch, &update, level)
        {
            let Place { source, position, .. } = place;
            return self.again[place.stream].push(Again { source, position, level });
        }
        goes_on &= self.open[place.stream].as_ref().is_some_and(|open| open.first != at || open.update != update);
        if !goes_on {
            self.close(place.stream);
        }
        let buffer = self.outbox.buffer(place.stream);
        buffer.begin_message(place.source);
        let mut event = update.event(place.position);
        event.flags = if update.is_snapshot { flags::SNAPSHOT } else { 0 };
        if !goes_on {
            self.open[place.stream] = Some(Open { update, start: buffer.batch.len(), first: at });
            event.flags |= flags::FIRST_OF_MESSAGE;
            if update.is_snapshot {
                buffer.batch.push(Event { kind: Kind::SnapshotStart, ..event });
                event.flags &= !flags::FIRST_OF_MESSAGE;
            }
        }
        match level {
            Some((side, price, qty)) => buffer.batch.push(Event { side, price, qty, ..event }),
            // One row stands for an update without levels; a snapshot has its start.
            None if !goes_on && !update.is_snapshot => buffer.batch.push(event),
            None => {}
        }
    }

    /// Appends a whole message that is no update of levels, such as a trade; `push` sets its flags.
    pub(crate) fn message(&mut self, place: Place, push: impl FnOnce(&mut EventBatch)) {
        self.close(place.stream);
        let buffer = self.outbox.buffer(place.stream);
        buffer.begin_message(place.source);
        push(&mut buffer.batch);
    }

    /// Appends a trade; the time, ids, price, quantity and side of `event` count.
    pub(crate) fn trade(&mut self, place: Place, event: Event) {
        self.message(place, |out| out.push(Event { kind: Kind::Trade, flags: flags::FIRST_OF_MESSAGE, ..event }));
    }

    /// Marks the end of the stream's open update; what was repeated in it follows as updates of one level with its ids.
    pub(crate) fn close(&mut self, stream: usize) {
        let Some(Open { update, .. }) = self.open[stream].take() else { return };
        let buffer = self.outbox.buffer(stream);
        if let Some(last) = buffer.batch.flags.last_mut() {
            *last |= flags::LAST_OF_UPDATE;
        }
        for Again { source, position, level: (side, price, qty) } in self.again[stream].drain(..) {
            buffer.begin_message(source);
            let flags = flags::FIRST_OF_MESSAGE | flags::LAST_OF_UPDATE;
            buffer.batch.push(Event { side, price, qty, flags, ..update.event(position) });
        }
    }

    /// Hands out all rows of the stream but those of the open update, once there are many.
    #[inline]
    pub(crate) fn flush_if_full(&mut self, stream: usize) {
        let len = self.outbox.buffer(stream).batch.len();
        if len < BLOCK_EVENTS {
            return;
        }
        let n = match &mut self.open[stream] {
            None => len,
            Some(open) => {
                // The last row of an endless update stays, so that its end can still be marked.
                let n = if len - open.start > UPDATE_ROWS_MAX { len - 1 } else { open.start };
                open.start -= n.min(open.start);
                n
            }
        };
        self.outbox.flush(stream, n);
    }

    /// Ends every update and makes blocks of everything.
    pub(crate) fn finish(&mut self) {
        for stream in 0..self.open.len() {
            self.close(stream);
        }
        self.outbox.flush_all();
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.outbox.is_ready()
    }

    /// Moves the oldest block into `block`; `false` if there is none.
    pub(crate) fn pop(&mut self, block: &mut Block, labels: &[Arc<str>]) -> bool {
        self.outbox.pop(block, labels)
    }
}

/// A row without anything but its place.
pub(crate) fn blank(position: u64) -> Event {
    Event {
        kind: Kind::Trade,
        side: Side::None,
        flags: 0,
        t_exchange_ns: NO_TIME,
        t_receive_ns: NO_TIME,
        price: 0,
        qty: 0,
        id: NO_ID,
        first_id: NO_ID,
        prev_id: NO_ID,
        position,
    }
}
