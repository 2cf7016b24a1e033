//! Resting orders by id, and what each of their changes does to a [`Book`].
//!
//! The book holds quantities of levels; the table says which orders they are made of. What a level holds beyond its known
//! orders is anonymous: it came from a snapshot of levels, from orders that rested before the stream began, or from orders
//! beyond the table's limit. Changes of unknown orders take from it. Memory is bounded by the limit; nothing is allocated
//! per event but the growth of the table.

use crate::book::Book;
use crate::event::{NO_ID, NO_TIME, Side};
use crate::message::{OrderAction, OrderEvent, RestingOrder};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// Orders that are told apart unless told otherwise: seven times the deepest public order book we know (67 thousand),
/// some 30 MB.
pub const MAX_ORDERS: usize = 458_752;

/// A known order at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The side it rests on.
    pub side: Side,
    /// Its price, 10^-8.
    pub price: i64,
    /// What is left of it, 10^-8, above zero.
    pub remaining: i64,
    /// When it was added, ns; [`NO_TIME`] if that was not seen (it came in a snapshot, or without time).
    pub t_added_ns: i64,
    /// Quantity that stood at its price when it was added, 10^-8.
    pub queue_ahead: i64,
    /// Its owner took part of it away before.
    pub is_cut: bool,
    /// The clock that `t_added_ns` is of.
    clock: u32,
    /// Its number among all orders the table has seen: the order of the queue at a price.
    arrival: u64,
}

/// What a change of an order came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// An order rests.
    Added {
        /// Quantity at its price before it, 10^-8.
        queue_ahead: i64,
        /// An order of the same id, which left the book for it.
        replaced: Option<Order>,
    },
    /// A known order became smaller, or is gone.
    Taken {
        /// The order before.
        before: Order,
        /// What was taken, 10^-8.
        taken: i64,
        /// How much more was to be taken than was left, 10^-8.
        excess: i64,
        /// Nothing is left of it.
        is_gone: bool,
    },
    /// The order is not known; anonymous quantity became smaller.
    Unknown,
    /// No visible order changes.
    Nothing,
}

/// The table of known orders.
#[derive(Debug, Clone)]
pub struct Orders {
    table: FxHashMap<i64, Order>,
    /// The orders before the snapshot that is being read.
    before: FxHashMap<i64, Order>,
    /// The sum of the known orders at each price.
    known: Book,
    orders_max: usize,
    n_arrived: u64,
    /// Raised whenever the clock is set back: times of different clocks cannot be compared.
    clock: u32,
    n_untracked: u64,
}

/// The orders in the order of their arrival, which they go on from: how often orders arrived before, or clocks were set back, makes no
/// difference.
impl Carry for Orders {
    fn save(&self, out: &mut Vec<u8>) {
        for table in [&self.table, &self.before] {
            let mut all: Vec<(&i64, &Order)> = table.iter().collect();
            all.sort_unstable_by_key(|(_, order)| order.arrival);
            all.len().save(out);
            for (id, order) in all {
                out.push(match order.side {
                    Side::None => 0,
                    Side::Bid => 1,
                    Side::Ask => 2,
                });
                [*id, order.price, order.remaining, order.t_added_ns, order.queue_ahead].save(out);
                [order.is_cut, order.clock == self.clock].save(out);
            }
        }
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.clear();
        (self.clock, self.n_arrived) = (1, 0);
        for is_before in [false, true] {
            for _ in 0..input.length("resting orders", 8)? {
                let side = match input.u8("the side of an order")? {
                    0 => Side::None,
                    1 => Side::Bid,
                    2 => Side::Ask,
                    _ => return Err(input.invalid("the side of an order")),
                };
                let (mut numbers, mut flags) = ([0; 5], [false; 2]);
                numbers.load(input)?;
                flags.load(input)?;
                let [id, price, remaining, t_added_ns, queue_ahead] = numbers;
                let [is_cut, is_this_clock] = flags;
                self.n_arrived += 1;
                let (clock, arrival) = (u32::from(is_this_clock), self.n_arrived);
                let order = Order { side, price, remaining, t_added_ns, queue_ahead, is_cut, clock, arrival };
                if is_before {
                    self.before.insert(id, order);
                } else {
                    self.table.insert(id, order);
                    self.known.change(side, price, remaining);
                }
            }
        }
        Ok(())
    }
}

impl Default for Orders {
    fn default() -> Self {
        Self::new(MAX_ORDERS)
    }
}

impl Orders {
    /// No orders; at most `orders_max` will be told apart.
    pub fn new(orders_max: usize) -> Self {
        Self {
            table: FxHashMap::default(),
            before: FxHashMap::default(),
            // There are no more levels of known orders than known orders.
            known: Book::new(orders_max),
            orders_max,
            n_arrived: 0,
            clock: 0,
            n_untracked: 0,
        }
    }

    /// Forgets all orders, keeps the memory and the count of untracked ones.
    pub fn clear(&mut self) {
        self.table.clear();
        self.before.clear();
        self.known.clear();
    }

    /// A snapshot begins: no order rests, but those that it shows again at their place keep their beginning.
    pub fn begin_snapshot(&mut self) {
        std::mem::swap(&mut self.table, &mut self.before);
        self.table.clear();
        self.known.clear();
    }

    /// The snapshot is complete: what it did not show is gone.
    pub fn end_snapshot(&mut self) {
        self.before.clear();
    }

    /// The times of the orders known by now cannot be compared with those to come: the clock was set back.
    pub fn forget_times(&mut self) {
        self.clock = self.clock.wrapping_add(1);
    }

    /// Takes the number of orders that were not told apart.
    pub(crate) fn take_untracked(&mut self) -> u64 {
        std::mem::take(&mut self.n_untracked)
    }

    /// Number of known orders.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no order is known.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The order of that id.
    pub fn get(&self, id: i64) -> Option<&Order> {
        self.table.get(&id)
    }

    /// Orders that were not told apart because the table was full, or that had no id: their quantity is anonymous.
    pub fn n_untracked(&self) -> u64 {
        self.n_untracked
    }

    /// All known orders: bids then asks, best price first, in the order of their arrival at each price.
    pub fn resting(&self) -> Vec<RestingOrder> {
        let mut all: Vec<(i64, Order)> = self.table.iter().map(|(&id, &order)| (id, order)).collect();
        all.sort_unstable_by_key(|(_, order)| {
            let best_first = if order.side == Side::Bid { !order.price } else { order.price };
            (order.side, best_first, order.arrival)
        });
        let resting = |(id, order): (i64, Order)| {
            let Order { side, price, remaining: qty, .. } = order;
            RestingOrder { id, side, price, qty }
        };
        all.into_iter().map(resting).collect()
    }

    /// How long the order had rested at `t_ns`, if its beginning was seen on the same clock.
    #[inline]
    pub fn age_ns(&self, order: &Order, t_ns: i64) -> Option<i64> {
        let is_timed = order.t_added_ns != NO_TIME && order.clock == self.clock && t_ns != NO_TIME;
        is_timed.then(|| t_ns - order.t_added_ns)
    }

    /// Applies a change to the table and to the book. `t_ns` is the time of an addition, or [`NO_TIME`] where it is not one
    /// that was seen to happen, as in snapshots.
    ///
    /// Quantities below zero count as zero. An order that is known changes where it rests, whatever side and price the
    /// event says. An addition of a known id replaces that order.
    #[inline]
    pub fn apply(&mut self, book: &mut Book, event: &OrderEvent, t_ns: i64) -> Applied {
        match event.action {
            OrderAction::Add => self.add(book, event, t_ns),
            OrderAction::Reduce | OrderAction::Delete | OrderAction::Exec => self.take(book, event),
            OrderAction::ExecHidden => Applied::Nothing,
        }
    }

    fn add(&mut self, book: &mut Book, event: &OrderEvent, t_ns: i64) -> Applied {
        let &OrderEvent { id, side, price, qty, .. } = event;
        if qty <= 0 {
            return Applied::Nothing;
        }
        self.n_arrived += 1;
        let (clock, arrival) = (self.clock, self.n_arrived);
        let mut order =
            Order { clock, side, price, remaining: qty, t_added_ns: t_ns, queue_ahead: 0, is_cut: false, arrival };
        let is_full = self.table.len() >= self.orders_max;
        if id == NO_ID || (is_full && !self.table.contains_key(&id)) {
            self.n_untracked += 1;
            return Applied::Added { queue_ahead: book.change(side, price, qty), replaced: None };
        }
        let entry = self.table.entry(id);
        let replaced = if let Entry::Occupied(entry) = &entry { Some(*entry.get()) } else { None };
        if let Some(old) = &replaced {
            book.change(old.side, old.price, -old.remaining);
            self.known.change(old.side, old.price, -old.remaining);
        }
        order.queue_ahead = book.change(side, price, qty);
        if let Some(old) = self.before.get(&id).filter(|old| (old.side, old.price) == (side, price)) {
            order = Order { remaining: qty, arrival, ..*old };
        }
        self.known.change(side, price, qty);
        entry.insert_entry(order);
        Applied::Added { queue_ahead: order.queue_ahead, replaced }
    }

    fn take(&mut self, book: &mut Book, event: &OrderEvent) -> Applied {
        let wanted = event.qty.max(0);
        let Entry::Occupied(mut entry) = self.table.entry(event.id) else {
            let of_others = self.known.qty_at(event.side, event.price);
            let anonymous = book.qty_at(event.side, event.price).saturating_sub(of_others).max(0);
            book.change(event.side, event.price, -wanted.min(anonymous));
            return Applied::Unknown;
        };
        let order = entry.get_mut();
        let before = *order;
        let is_delete = event.action == OrderAction::Delete;
        let taken = if is_delete { before.remaining } else { wanted.min(before.remaining) };
        order.remaining -= taken;
        order.is_cut |= event.action == OrderAction::Reduce && taken > 0;
        let is_gone = order.remaining == 0;
        if is_gone {
            entry.remove();
        }
        book.change(before.side, before.price, -taken);
        self.known.change(before.side, before.price, -taken);
        Applied::Taken { before, taken, excess: (wanted - before.remaining).max(0), is_gone }
    }
}
