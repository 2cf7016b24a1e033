//! One product: which orders rest, what the sequence says, and the rows of a message.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use verismo_market::event::{Event, EventBatch, Kind, NO_ID, Side, flags};
use verismo_stats::state::{Carry, DecodeError, Reader, put_u64};

use super::book::{Book, Order};

/// Orders that were received and neither open nor done, at most; matching takes microseconds, so that real streams hold a few.
const RECEIVED_MAX: usize = 1 << 16;

/// A product's state.
#[derive(Debug, Default)]
pub(super) struct Product {
    /// Sequence of the latest message, or of the book that the stream began with.
    pub(super) last: Option<i64>,
    /// Time of the latest message.
    pub(super) time_ns: i64,
    /// Messages up to this sequence are in the book that the stream began with.
    pub(super) in_book: Option<i64>,
    /// Sequence of the latest message or book that gave rows, and the ids missing among the messages since they last gave rows.
    emitted: Option<i64>,
    missing: i64,
    resting: FxHashMap<i64, Order>,
    received: BTreeSet<i64>,
}

/// Orders by their ids.
impl Carry for Product {
    fn save(&self, out: &mut Vec<u8>) {
        self.last.save(out);
        self.time_ns.save(out);
        self.in_book.save(out);
        self.emitted.save(out);
        self.missing.save(out);
        let mut resting: Vec<&Order> = self.resting.values().collect();
        resting.sort_unstable_by_key(|order| order.id);
        put_u64(out, resting.len() as u64);
        for &&Order { side, price, qty, id } in &resting {
            (side as u32).save(out);
            [price, qty, id].save(out);
        }
        self.received.iter().copied().collect::<Vec<_>>().save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.last.load(input)?;
        self.time_ns.load(input)?;
        self.in_book.load(input)?;
        self.emitted.load(input)?;
        self.missing.load(input)?;
        for _ in 0..input.length("resting orders", 4)? {
            let (mut side, mut values) = (0u32, [0i64; 3]);
            side.load(input)?;
            values.load(input)?;
            let side = [Side::Bid, Side::Ask, Side::None].into_iter().find(|known| *known as u32 == side);
            let (side, [price, qty, id]) = (side.ok_or_else(|| input.invalid("the side of an order"))?, values);
            self.resting.insert(id, Order { side, price, qty, id });
        }
        let mut received = Vec::new();
        received.load(input)?;
        self.received = received.into_iter().collect();
        Ok(())
    }
}

/// What a message says, its numbers checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::enum_variant_names, reason = "`change` is the word of the feed")]
pub(super) enum Change {
    /// Accepted by the venue; rests only if an `Open` follows.
    Received { id: i64 },
    /// Rests.
    Open(Order),
    /// Is gone; price and quantity as the message says, if it does.
    Done { id: i64, side: Side, price: Option<i64>, qty: Option<i64>, is_canceled: bool },
    /// The maker `order` loses `order.qty`.
    Match { order: Order, trade_id: i64 },
    /// Has another size or price; the old size as the message says, if it does.
    Amend { id: i64, side: Side, price: Option<i64>, new_qty: i64, old_qty: Option<i64> },
}

/// One row to be.
#[derive(Debug, Clone, Copy)]
struct Row(Kind, Order);

impl Product {
    /// Notes the sequence of a message; whether it is the first time that it or a later one is seen.
    pub(super) fn see(&mut self, sequence: i64, time_ns: i64) -> bool {
        self.time_ns = time_ns;
        let Some(last) = self.last else {
            self.last = Some(sequence);
            return true;
        };
        if sequence <= last {
            return false;
        }
        self.missing = self.missing.saturating_add(sequence.saturating_sub(last) - 1);
        self.last = Some(sequence);
        true
    }

    /// Applies a change and appends its rows, marked as one message. A change that was seen before leaves the orders as they are.
    pub(super) fn apply(&mut self, change: Change, sequence: i64, is_new: bool, base: Event, out: &mut EventBatch) {
        let mut rows = [None, None];
        if is_new {
            self.rows(change, &mut rows);
        } else {
            rows_of_old(change, &mut rows);
        }
        if rows[0].is_none() {
            return;
        }
        let prev_id = match (is_new, self.emitted) {
            (true, Some(emitted)) => emitted.saturating_add(self.missing),
            _ => sequence.saturating_sub(1),
        };
        if is_new {
            (self.emitted, self.missing) = (Some(sequence), 0);
        }
        let start = out.len();
        let base = Event { first_id: sequence, prev_id, ..base };
        if let Change::Match { order, trade_id } = change {
            let side = order.side.opposite();
            out.push(Event { kind: Kind::Trade, side, price: order.price, qty: order.qty, id: trade_id, ..base });
        }
        for Row(kind, Order { side, price, qty, id }) in rows.into_iter().flatten() {
            out.push(Event { kind, side, price, qty, id, ..base });
        }
        crate::batch::mark_message(start, out);
    }

    fn rows(&mut self, change: Change, rows: &mut [Option<Row>; 2]) {
        match change {
            Change::Received { id } => {
                if self.received.len() >= RECEIVED_MAX {
                    self.received.pop_first();
                }
                self.received.insert(id);
            }
            Change::Open(order) => {
                self.received.remove(&order.id);
                self.resting.insert(order.id, order);
                rows[0] = Some(Row(Kind::OrderAdd, order));
            }
            Change::Match { order, .. } => {
                if let Some(resting) = self.resting.get_mut(&order.id) {
                    resting.qty = resting.qty.saturating_sub(order.qty);
                    if resting.qty <= 0 {
                        self.resting.remove(&order.id);
                    }
                }
                rows[0] = Some(Row(Kind::OrderExec, order));
            }
            Change::Done { id, .. } => {
                let never_rested = self.received.remove(&id);
                match self.resting.remove(&id) {
                    Some(order) => rows[0] = Some(Row(Kind::OrderDelete, order)),
                    None if never_rested => {}
                    None => rows_of_old(change, rows),
                }
            }
            Change::Amend { id, price, new_qty, .. } => match self.resting.get_mut(&id) {
                Some(resting) => change_rows(resting, price, new_qty, rows),
                None if self.received.contains(&id) => {}
                None => rows_of_old(change, rows),
            },
        }
    }

    /// Starts from a book: its orders are all that rest. Messages that were missing before it are missing still.
    pub(super) fn start_from(&mut self, book: &Book, base: Event, out: &mut EventBatch) {
        self.resting = book.orders.iter().map(|order| (order.id, *order)).collect();
        self.last.get_or_insert(book.sequence);
        self.emitted = Some(book.sequence);
        let start = out.len();
        out.push(Event { kind: Kind::SnapshotStart, flags: flags::SNAPSHOT, id: book.sequence, ..base });
        for &Order { side, price, qty, id } in &book.orders {
            out.push(Event { kind: Kind::OrderAdd, flags: flags::SNAPSHOT, side, price, qty, id, ..base });
        }
        crate::batch::mark_message(start, out);
    }
}

/// A smaller size keeps the place in the queue; a larger one or another price does not.
fn change_rows(resting: &mut Order, price: Option<i64>, new_qty: i64, rows: &mut [Option<Row>; 2]) {
    let before = *resting;
    *resting = Order { price: price.unwrap_or(before.price), qty: new_qty, ..before };
    let keeps_place = resting.price == before.price && new_qty <= before.qty;
    if *resting == before {
        return;
    }
    if keeps_place {
        rows[0] = Some(Row(Kind::OrderReduce, Order { qty: before.qty - new_qty, ..before }));
    } else {
        *rows = [Some(Row(Kind::OrderDelete, before)), Some(Row(Kind::OrderAdd, *resting))];
    }
}

/// The rows of a change by what it says itself, where the order is not known or the change not new.
fn rows_of_old(change: Change, rows: &mut [Option<Row>; 2]) {
    rows[0] = match change {
        Change::Received { .. } => None,
        Change::Open(order) => Some(Row(Kind::OrderAdd, order)),
        Change::Match { order, .. } => Some(Row(Kind::OrderExec, order)),
        Change::Done { id, side, price: Some(price), qty: Some(qty), is_canceled: true } if qty > 0 => {
            Some(Row(Kind::OrderDelete, Order { side, price, qty, id }))
        }
        Change::Done { .. } => None,
        Change::Amend { id, side, price: Some(price), new_qty, old_qty: Some(old_qty) } if old_qty > new_qty => {
            Some(Row(Kind::OrderReduce, Order { side, price, qty: old_qty.saturating_sub(new_qty), id }))
        }
        Change::Amend { .. } => None,
    };
}

/// A row without kind and content.
pub(super) fn base(time_ns: i64, position: u64) -> Event {
    Event {
        kind: Kind::OrderAdd,
        side: Side::None,
        flags: 0,
        t_exchange_ns: time_ns,
        t_receive_ns: verismo_market::event::NO_TIME,
        price: 0,
        qty: 0,
        id: NO_ID,
        first_id: NO_ID,
        prev_id: NO_ID,
        position,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: i64, qty: i64) -> Order {
        Order { side: Side::Bid, price: 100, qty, id }
    }

    fn done(id: i64, is_canceled: bool) -> Change {
        Change::Done { id, side: Side::Bid, price: Some(100), qty: Some(0), is_canceled }
    }

    /// Rows as (kind, id, quantity, first id, previous id).
    fn rows_of(changes: &[(i64, Change)]) -> Vec<(Kind, i64, i64, i64, i64)> {
        let (mut product, mut out) = (Product::default(), EventBatch::default());
        for &(sequence, change) in changes {
            let is_new = product.see(sequence, 5);
            product.apply(change, sequence, is_new, base(5, 1), &mut out);
        }
        (0..out.len()).map(|i| out.row(i)).map(|e| (e.kind, e.id, e.qty, e.first_id, e.prev_id)).collect()
    }

    #[test]
    fn a_filled_order_goes_with_its_last_match_and_a_taker_never_rests() {
        let rows = rows_of(&[
            (10, Change::Open(order(1, 5))),
            (11, Change::Received { id: 2 }),
            (12, Change::Match { order: order(1, 5), trade_id: 77 }),
            (13, done(1, false)),
            (14, done(2, false)),
            (15, Change::Open(order(3, 4))),
            (16, done(3, true)),
        ]);
        let want = [
            (Kind::OrderAdd, 1, 5, 10, 9),
            (Kind::Trade, 77, 5, 12, 10),
            (Kind::OrderExec, 1, 5, 12, 10),
            (Kind::OrderAdd, 3, 4, 15, 12),
            (Kind::OrderDelete, 3, 4, 16, 15),
        ];
        assert_eq!(rows, want);
    }

    #[test]
    fn missing_sequences_show_in_the_previous_id_and_old_ones_change_nothing() {
        let rows = rows_of(&[
            (10, Change::Open(order(1, 5))),
            (14, Change::Received { id: 2 }),
            (16, Change::Open(order(2, 6))),
            (10, Change::Open(order(1, 5))),
            (17, done(1, true)),
        ]);
        let want = [
            (Kind::OrderAdd, 1, 5, 10, 9),
            // 11, 12, 13 and 15 are missing.
            (Kind::OrderAdd, 2, 6, 16, 14),
            (Kind::OrderAdd, 1, 5, 10, 9),
            (Kind::OrderDelete, 1, 5, 17, 16),
        ];
        assert_eq!(rows, want);
    }

    #[test]
    fn a_book_between_messages_heals_the_orders_and_not_the_count() {
        // A book at the first of the pair before the message of the second; ids 101 to 199 are missing, or none.
        for (book, sequence, missing) in [(100, 101, 0), (100, 200, 99), (150, 200, 99), (199, 200, 99)] {
            let (mut product, mut out) = (Product::default(), EventBatch::default());
            for (sequence, change) in [(99, Change::Open(order(1, 5))), (100, Change::Received { id: 2 })] {
                let is_new = product.see(sequence, 5);
                product.apply(change, sequence, is_new, base(5, 1), &mut out);
            }
            product.start_from(&Book { sequence: book, ..Book::default() }, base(5, 1), &mut out);
            let is_new = product.see(sequence, 6);
            product.apply(Change::Open(order(3, 4)), sequence, is_new, base(6, 1), &mut out);
            let last = out.row(out.len() - 1);
            assert_eq!((last.first_id, last.prev_id - book), (sequence, missing), "book at {book}");
        }
    }

    #[test]
    fn a_trade_of_an_unknown_side_has_none() {
        let (mut product, mut out) = (Product::default(), EventBatch::default());
        let is_new = product.see(1, 5);
        let change = Change::Match { order: Order { side: Side::None, ..order(1, 5) }, trade_id: 7 };
        product.apply(change, 1, is_new, base(5, 1), &mut out);
        assert_eq!((out.row(0).kind, out.row(0).side), (Kind::Trade, Side::None));
    }

    #[test]
    fn changes_of_size_and_price() {
        let change = |price, new_qty| Change::Amend { id: 1, side: Side::Bid, price, new_qty, old_qty: Some(9) };
        let rows = rows_of(&[
            (1, Change::Open(order(1, 5))),
            (2, change(None, 3)),
            (3, change(Some(100), 3)),
            (4, change(Some(101), 3)),
            (5, change(Some(101), 8)),
            (6, Change::Amend { id: 9, side: Side::Ask, price: Some(7), new_qty: 2, old_qty: Some(3) }),
        ]);
        let kinds: Vec<_> = rows.iter().map(|r| (r.0, r.2, r.3)).collect();
        let want = [
            (Kind::OrderAdd, 5, 1),
            (Kind::OrderReduce, 2, 2),
            (Kind::OrderDelete, 3, 4),
            (Kind::OrderAdd, 3, 4),
            (Kind::OrderDelete, 3, 5),
            (Kind::OrderAdd, 8, 5),
            (Kind::OrderReduce, 1, 6),
        ];
        assert_eq!(kinds, want);
    }
}
