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
    /// One change of one order, of a feed that shows orders.
    Order(OrderEvent),
    /// All resting orders.
    OrderSnapshot {
        /// Sequence number the snapshot is valid at, or [`NO_ID`].
        last_id: i64,
        /// The orders of both sides, oldest first at each price.
        orders: Vec<RestingOrder>,
    },
}

impl Body {
    /// Whether it sets the whole book: such a message is the recorder's own doing and no event of the market.
    pub fn is_snapshot(&self) -> bool {
        matches!(self, Self::Snapshot { .. } | Self::OrderSnapshot { .. })
    }

    /// Whether it speaks of single orders, which formats of levels cannot express.
    pub fn is_order_level(&self) -> bool {
        matches!(self, Self::Order(_) | Self::OrderSnapshot { .. })
    }
}

/// What happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderAction {
    /// It begins to rest.
    Add,
    /// Part of it was taken away by its owner; it keeps its place in the queue.
    Reduce,
    /// It is gone without trading.
    Delete,
    /// An aggressor took part or all of it.
    Exec,
    /// An aggressor traded with a hidden order: no visible order changes.
    ExecHidden,
}

/// One change of one order.
///
/// A change of price, or a growth that costs the place in the queue, is two messages: Delete, then Add with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderEvent {
    /// What happened.
    pub action: OrderAction,
    /// The order's id; [`NO_ID`] if the feed names none (hidden orders).
    pub id: i64,
    /// The side of the order, which for an execution is opposite to the aggressor's.
    pub side: Side,
    /// The order's price, 10^-8.
    pub price: i64,
    /// Quantity, 10^-8: of the new order, taken away, left at the deletion (0 if the feed does not say), or executed.
    pub qty: i64,
    /// Id of the trade that an execution is, or [`NO_ID`].
    pub trade_id: i64,
}

/// An order at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestingOrder {
    /// The order's id.
    pub id: i64,
    /// The side it rests on.
    pub side: Side,
    /// Its price, 10^-8.
    pub price: i64,
    /// What is left of it, 10^-8.
    pub qty: i64,
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
            Body::Order(order) => push_order(base, order, out),
            Body::OrderSnapshot { last_id, orders } => {
                let start =
                    Event { kind: Kind::SnapshotStart, id: *last_id, flags: base.flags | flags::SNAPSHOT, ..base };
                out.push(start);
                for &RestingOrder { id, side, price, qty } in orders {
                    out.push(Event { kind: Kind::OrderAdd, flags: flags::SNAPSHOT, id, side, price, qty, ..base });
                }
                if let Some(last) = out.flags.last_mut() {
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

/// Pushes the row of an order's change; an execution is the trade's row and then the order's.
fn push_order(first: Event, order: &OrderEvent, out: &mut EventBatch) {
    let &OrderEvent { action, id, side, price, qty, trade_id } = order;
    let mut event = Event { id, side, price, qty, ..first };
    event.kind = match action {
        OrderAction::Add => Kind::OrderAdd,
        OrderAction::Reduce => Kind::OrderReduce,
        OrderAction::Delete => Kind::OrderDelete,
        OrderAction::Exec => Kind::OrderExec,
        OrderAction::ExecHidden => Kind::OrderExecHidden,
    };
    if matches!(action, OrderAction::Exec | OrderAction::ExecHidden) {
        out.push(Event { kind: Kind::Trade, id: trade_id, side: side.opposite(), ..event });
        event.flags &= !flags::FIRST_OF_MESSAGE;
    }
    event.flags |= flags::LAST_OF_UPDATE;
    out.push(event);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn events(body: Body) -> Vec<Event> {
        let mut batch = EventBatch::default();
        let message = Message { t_exchange_ns: 5, t_receive_ns: 6, symbol: "X".to_owned(), body };
        message.push_events(3, &mut batch);
        batch.assert_rectangular();
        (0..batch.len()).map(|i| batch.row(i)).collect()
    }

    #[test]
    fn an_execution_is_the_aggressors_trade_and_then_the_orders_loss() {
        let order = |action| {
            events(Body::Order(OrderEvent { action, id: 7, side: Side::Ask, price: 100, qty: 4, trade_id: 9 }))
        };
        for (action, kind) in [
            (OrderAction::Add, Kind::OrderAdd),
            (OrderAction::Reduce, Kind::OrderReduce),
            (OrderAction::Delete, Kind::OrderDelete),
        ] {
            let rows = order(action);
            let [row] = rows[..] else { panic!("{} rows", rows.len()) };
            assert_eq!((row.kind, row.side, row.id, row.price, row.qty), (kind, Side::Ask, 7, 100, 4));
            assert_eq!(row.flags, flags::FIRST_OF_MESSAGE | flags::LAST_OF_UPDATE);
        }
        for (action, kind) in [(OrderAction::Exec, Kind::OrderExec), (OrderAction::ExecHidden, Kind::OrderExecHidden)] {
            let rows = order(action);
            let [trade, exec] = rows[..] else { panic!("{} rows", rows.len()) };
            assert_eq!((trade.kind, trade.side, trade.id, trade.qty), (Kind::Trade, Side::Bid, 9, 4));
            assert_eq!(trade.flags, flags::FIRST_OF_MESSAGE);
            assert_eq!((exec.kind, exec.side, exec.id, exec.qty), (kind, Side::Ask, 7, 4));
            assert_eq!(exec.flags, flags::LAST_OF_UPDATE);
        }
    }

    #[test]
    fn a_snapshot_of_orders_ends_with_its_last_row_even_if_it_is_empty() {
        let orders = vec![
            RestingOrder { id: 1, side: Side::Bid, price: 99, qty: 5 },
            RestingOrder { id: 2, side: Side::Ask, price: 101, qty: 6 },
        ];
        let rows = events(Body::OrderSnapshot { last_id: 77, orders });
        let kinds: Vec<Kind> = rows.iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [Kind::SnapshotStart, Kind::OrderAdd, Kind::OrderAdd]);
        assert_eq!(rows[0].flags, flags::FIRST_OF_MESSAGE | flags::SNAPSHOT);
        assert_eq!((rows[0].id, rows[1].flags, rows[1].id), (77, flags::SNAPSHOT, 1));
        assert_eq!((rows[2].flags, rows[2].side), (flags::SNAPSHOT | flags::LAST_OF_UPDATE, Side::Ask));
        let empty = events(Body::OrderSnapshot { last_id: NO_ID, orders: Vec::new() });
        assert_eq!(empty[0].flags, flags::FIRST_OF_MESSAGE | flags::SNAPSHOT | flags::LAST_OF_UPDATE);
    }
}
