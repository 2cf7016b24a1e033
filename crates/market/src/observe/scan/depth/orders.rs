//! Order-level rows: each becomes a change of the book's levels.

use super::{Depth, Open, Row, Shared, VALUE_MAX};
use crate::book::{Book, Knowledge};
use crate::event::{Kind, NO_ID, NO_TIME, Side, flags};
use crate::message::{OrderAction, OrderEvent};
use crate::observe::counters::Check;
use crate::observe::frame::{Frame, QueueRow};
use crate::observe::part::OrdersPart;
use crate::observe::scan::quotes::Quotes;
use crate::orders::{Applied, Orders};
use verismo_stats::carry;

/// The orders of a stream, and how many rows spoke of them.
pub(in crate::observe::scan) struct OrderRows {
    pub(super) orders: Orders,
    /// Whether what happens to queues is asked for.
    tells_queues: bool,
    n_rows: u64,
    n_added: u64,
    n_taken: u64,
}

impl OrderRows {
    pub(super) fn new(orders_max: usize, tells_queues: bool) -> Self {
        Self { orders: Orders::new(orders_max), tells_queues, n_rows: 0, n_added: 0, n_taken: 0 }
    }

    /// A snapshot begins: see [`Orders::begin_snapshot`].
    pub(super) fn begin_snapshot(&mut self, frame: &mut Frame) {
        self.orders.begin_snapshot();
        self.lose_queues(frame);
    }

    /// Nothing is known any more.
    pub(super) fn clear(&mut self, frame: &mut Frame) {
        self.orders.clear();
        self.lose_queues(frame);
    }

    fn lose_queues(&self, frame: &mut Frame) {
        if self.tells_queues {
            frame.orders.queues.push(QueueRow::Lost);
        }
    }

    /// Takes out what was counted since the last cut.
    pub(super) fn cut(&mut self) -> OrdersPart {
        OrdersPart {
            n_rows: std::mem::take(&mut self.n_rows),
            n_added: std::mem::take(&mut self.n_added),
            n_taken: std::mem::take(&mut self.n_taken),
            n_untracked: self.orders.take_untracked(),
        }
    }

    /// The orders at rest.
    pub(in crate::observe::scan) fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Applies one row at `t_ns`, which is [`NO_TIME`] where orders begin or end unseen: in snapshots, or without time. Returns what it
    /// took from a level while the book was known.
    fn apply(
        &mut self,
        row: Row<'_>,
        t_ns: i64,
        book: &mut Book,
        known: &Knowledge,
        shared: &mut Shared,
        frame: &mut Frame,
    ) -> i64 {
        self.n_rows += 1;
        let Some(event) = event(row, shared) else { return 0 };
        let mut decreased = 0;
        let stood = if self.tells_queues { book.qty_at(event.side, event.price) } else { 0 };
        let applied = self.orders.apply(book, &event, t_ns);
        if self.tells_queues {
            let t_ns = if t_ns != NO_TIME && known.is_known(t_ns) { t_ns } else { NO_TIME };
            // Orders beyond the table's limit have no place: nothing will say that they are gone.
            let id = if self.orders.get(event.id).is_some() { event.id } else { NO_ID };
            tell_queues((id, &event), &applied, stood, t_ns, book, &mut frame.orders.queues);
        }
        match applied {
            Applied::Added { queue_ahead, replaced } => {
                self.n_added += 1;
                shared.tick.add(event.price);
                shared.lot.add(event.qty);
                if let Some(old) = replaced {
                    let text = || format!("order {} again, the first one had {} left", event.id, old.remaining);
                    shared.counters.note(Check::DuplicateOrder, 0, row.place, text);
                }
                if t_ns != NO_TIME {
                    frame.orders.size.push(t_ns, event.qty);
                    if known.is_known(t_ns) {
                        frame.orders.queue_ahead.push(t_ns, queue_ahead);
                        frame.level_changes.value.push(event.qty);
                        frame.level_changes.close(t_ns);
                    }
                }
            }
            Applied::Taken { before, taken, excess, is_gone } => {
                self.n_taken += 1;
                if excess > 0 {
                    let text = || format!("{} of order {}, which had {} left", event.qty, event.id, before.remaining);
                    shared.counters.note(Check::OrderOverdrawn, excess, row.place, text);
                }
                if t_ns != NO_TIME && taken > 0 && known.is_known(t_ns) {
                    frame.level_changes.value.push(taken);
                    frame.level_changes.close(t_ns);
                    decreased = taken;
                }
                if let Some(age_ns) = self.orders.age_ns(&before, t_ns) {
                    if event.action != OrderAction::Exec && taken > 0 && !before.is_cut {
                        frame.orders.time_to_cancel.push(t_ns, age_ns);
                    }
                    if is_gone {
                        frame.orders.lifetime.push(t_ns, age_ns);
                    }
                }
            }
            Applied::Unknown => {
                self.n_taken += 1;
                let text = || format!("{:?} of order {}, which was never added", event.action, event.id);
                shared.counters.note(Check::UnknownOrder, 0, row.place, text);
            }
            Applied::Nothing => {}
        }
        decreased
    }
}

/// What a change of orders does to the queues; `stood` is what was at the event's price before.
fn tell_queues(
    (id, event): (i64, &OrderEvent),
    applied: &Applied,
    stood: i64,
    t_ns: i64,
    book: &Book,
    queues: &mut Vec<QueueRow>,
) {
    let left = |id, level: (Side, i64), own, qty, by_trade, is_gone| QueueRow::Left {
        t_ns,
        id,
        level,
        qty,
        rest: book.qty_at(level.0, level.1) - own,
        by_trade,
        is_gone,
    };
    let by_trade = event.action == OrderAction::Exec;
    match *applied {
        Applied::Added { queue_ahead: ahead, replaced } => {
            if let Some(old) = replaced {
                let level = (old.side, old.price);
                // The order that came in its place has no part in what was left.
                let own = if level == (event.side, event.price) { event.qty } else { 0 };
                queues.push(left(event.id, level, own, old.remaining, false, true));
            }
            queues.push(QueueRow::Joined { t_ns, id, level: (event.side, event.price), ahead });
        }
        Applied::Taken { before, taken, is_gone, .. } => {
            queues.push(left(event.id, (before.side, before.price), 0, taken, by_trade, is_gone));
        }
        Applied::Unknown => {
            let level = (event.side, event.price);
            queues.push(left(NO_ID, level, 0, stood - book.qty_at(level.0, level.1), by_trade, false));
        }
        Applied::Nothing => {}
    }
}

carry!(OrderRows: orders);

impl Depth {
    /// Reads an order-level row.
    #[inline]
    pub(in crate::observe::scan) fn order_row(
        &mut self,
        row: Row<'_>,
        shared: &mut Shared,
        quotes: &mut Quotes,
        frame: &mut Frame,
    ) {
        if row.batch.kind[row.i] == Kind::OrderExecHidden {
            // The trade row before it said everything; the book stands.
            self.order_rows.n_rows += 1;
            return self.close(row, shared, quotes, frame);
        }
        self.n_rows += 1;
        if self.open == Open::No {
            self.begin_orders(row, shared, frame);
        }
        if let Open::Apply { is_snapshot, t_ns, .. } = self.open {
            let is_seen = !is_snapshot && row.batch.flags[row.i] & flags::SNAPSHOT == 0;
            let t_ns = t_ns.filter(|_| is_seen).unwrap_or(NO_TIME);
            let decreased = self.order_rows.apply(row, t_ns, &mut self.book, &self.known, shared, frame);
            self.decreased = self.decreased.saturating_add(decreased);
        }
        self.close(row, shared, quotes, frame);
    }

    /// Where the feed numbers its messages, the number of an order-level one stands in `first_id`: `id` is the order's. Without numbers
    /// nothing says that a new session continues the one before.
    fn begin_orders(&mut self, row: Row<'_>, shared: &mut Shared, frame: &mut Frame) {
        self.n_begun += 1;
        let number = row.batch.first_id[row.i];
        if number != NO_ID {
            self.n_with_id += 1;
            if self.is_old(number, false, row, shared, frame) {
                self.open = Open::Skip;
                return;
            }
            self.check_sequence(row, shared, frame);
            self.open_at(false, number, row, shared, frame);
            return;
        }
        self.in_overlap = false;
        if std::mem::take(&mut self.in_new_session) {
            self.break_off(frame);
            shared.break_session(frame);
        }
        self.open_at(false, NO_ID, row, shared, frame);
    }
}

/// What an order-level row says, if a market could mean it.
#[inline]
fn event(row: Row<'_>, shared: &mut Shared) -> Option<OrderEvent> {
    let (batch, i) = (row.batch, row.i);
    let (id, side, price, mut qty) = (batch.id[i], batch.side[i], batch.price[i], batch.qty[i]);
    let (action, is_valid) = match batch.kind[i] {
        Kind::OrderAdd => {
            let is_placed = (1..=VALUE_MAX).contains(&price) && side != Side::None;
            (OrderAction::Add, is_placed && (1..=VALUE_MAX).contains(&qty))
        }
        Kind::OrderReduce => (OrderAction::Reduce, (0..=VALUE_MAX).contains(&qty)),
        Kind::OrderExec => (OrderAction::Exec, (1..=VALUE_MAX).contains(&qty)),
        Kind::OrderDelete => (OrderAction::Delete, (0..=VALUE_MAX).contains(&qty)),
        _ => return None,
    };
    if !is_valid || (action == OrderAction::Add && id == NO_ID) {
        let text = || format!("{action:?} of {qty} at {price} (10^-8) on side {side:?}, order id {id}");
        shared.counters.note(Check::InvalidValue, 0, row.place, text);
    }
    match action {
        // Gone is gone, however much the feed says was left.
        OrderAction::Delete if !is_valid => qty = 0,
        _ if !is_valid => return None,
        _ => {}
    }
    Some(OrderEvent { action, id, side, price, qty, trade_id: NO_ID })
}
