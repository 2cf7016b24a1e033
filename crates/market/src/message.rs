//! Messages as rows of owned data: what simulators, fault injectors and writers exchange.
//!
//! The hot path never makes these; it reads [`crate::event::EventBatch`].

use crate::event::{Event, EventBatch, Kind, NO_ID, NO_TIME, Side, flags};

/// One message of a capture, in normal form.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Exchange time, ns since the Unix epoch.
    pub t_exchange_ns: i64,
    /// Receive time (`capture_ns`), ns of a session clock, or [`NO_TIME`].
    pub t_receive_ns: i64,
    /// Symbol as the venue writes it, upper case, e.g. `BTCUSDT`.
    pub symbol: String,
    /// What happened.
    pub body: Body,
}

/// Price and quantity of a level, in units of 10^-8; quantity 0 removes the level.
pub type Level = (i64, i64);

/// The content of a [`Message`].
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A trade.
    Trade {
        /// Trade id.
        id: i64,
        /// Price, 10^-8.
        price: i64,
        /// Quantity, 10^-8.
        qty: i64,
        /// The aggressor's side.
        side: Side,
    },
    /// Levels that changed, with their new quantities.
    Depth {
        /// First update id, or [`NO_ID`] where the format has none.
        first_id: i64,
        /// Last update id.
        last_id: i64,
        /// Changed bid levels.
        bids: Vec<Level>,
        /// Changed ask levels.
        asks: Vec<Level>,
    },
    /// The whole book.
    Snapshot {
        /// Update id the snapshot is valid at.
        last_id: i64,
        /// All bid levels, best first.
        bids: Vec<Level>,
        /// All ask levels, best first.
        asks: Vec<Level>,
    },
}

impl Message {
    /// Appends the message's events to `out`; `position` is its ordinal in the source, from 1.
    pub fn push_events(&self, position: u64, out: &mut EventBatch) {
        let base = Event {
            kind: Kind::Trade,
            side: Side::None,
            flags: flags::FIRST_OF_MESSAGE,
            t_exchange_ns: self.t_exchange_ns,
            t_receive_ns: self.t_receive_ns,
            price: 0,
            qty: 0,
            id: NO_ID,
            first_id: NO_ID,
            prev_id: NO_ID,
            position,
        };
        match &self.body {
            Body::Trade { id, price, qty, side } => {
                out.push(Event { side: *side, price: *price, qty: *qty, id: *id, ..base });
            }
            Body::Depth { first_id, last_id, bids, asks } => {
                let base = Event { kind: Kind::LevelSet, id: *last_id, first_id: *first_id, ..base };
                push_levels(base, bids, asks, out);
            }
            Body::Snapshot { last_id, bids, asks } => {
                let start =
                    Event { kind: Kind::SnapshotStart, id: *last_id, flags: base.flags | flags::SNAPSHOT, ..base };
                out.push(start);
                let level = Event { kind: Kind::LevelSet, flags: flags::SNAPSHOT, ..start };
                push_levels(level, bids, asks, out);
                if bids.is_empty()
                    && asks.is_empty()
                    && let Some(last) = out.flags.last_mut()
                {
                    *last |= flags::LAST_OF_UPDATE;
                }
            }
        }
    }

    /// Whether the receive time is known.
    pub fn has_receive_time(&self) -> bool {
        self.t_receive_ns != NO_TIME
    }
}

/// Pushes level rows; only the first keeps FIRST_OF_MESSAGE, the last gets LAST_OF_UPDATE.
///
/// A depth message without any level is one `LevelSet` row with price 0 and quantity 0 on no side: an update that changes
/// nothing still moves the ids and the clock.
fn push_levels(first: Event, bids: &[Level], asks: &[Level], out: &mut EventBatch) {
    let is_snapshot = first.flags & flags::SNAPSHOT != 0;
    let n = bids.len() + asks.len();
    let mut event = first;
    if n == 0 && !is_snapshot {
        event.flags |= flags::LAST_OF_UPDATE;
        out.push(event);
        return;
    }
    let sides = bids.iter().map(|l| (Side::Bid, l)).chain(asks.iter().map(|l| (Side::Ask, l)));
    for (i, (side, &(price, qty))) in sides.enumerate() {
        if i + 1 == n {
            event.flags |= flags::LAST_OF_UPDATE;
        }
        out.push(Event { side, price, qty, ..event });
        event.flags &= !flags::FIRST_OF_MESSAGE;
    }
}
