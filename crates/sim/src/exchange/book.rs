//! A limit order book with price-time priority on a fixed range of ticks.

use verismo_market::event::Side;

/// Part of a resting order that an aggressor took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// Tick of the resting order.
    pub tick: usize,
    /// Quantity, lots.
    pub lots: i64,
    /// Id of the resting order.
    pub id: i64,
}

/// An order that rested and was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled {
    /// Its side.
    pub side: Side,
    /// Its tick.
    pub tick: usize,
    /// What was left of it, lots.
    pub lots: i64,
    /// Its id.
    pub id: i64,
}

/// The orders resting at one tick, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resting {
    side: Side,
    total: i64,
    orders: Vec<i64>,
    ids: Vec<i64>,
}

impl Resting {
    /// Quantities of the orders in priority order, lots, each positive.
    pub fn orders(&self) -> &[i64] {
        &self.orders
    }

    /// Ids of [`Resting::orders`].
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// Sum of [`Resting::orders`], lots.
    pub fn total(&self) -> i64 {
        self.total
    }

    /// Side of the orders; [`Side::None`] if there are none.
    pub fn side(&self) -> Side {
        self.side
    }
}

/// A book over ticks `0..width`. A tick holds orders of one side only, and the best bid is always below the best ask.
#[derive(Debug, Clone)]
pub struct OrderBook {
    levels: Vec<Resting>,
    best_bid: Option<usize>,
    best_ask: Option<usize>,
    next_id: i64,
}

impl OrderBook {
    /// An empty book over `width` ticks; its orders get ids from `first_id` up.
    pub fn new(width: usize, first_id: i64) -> Self {
        Self { levels: vec![Resting::default(); width], best_bid: None, best_ask: None, next_id: first_id }
    }

    /// Number of ticks.
    pub fn width(&self) -> usize {
        self.levels.len()
    }

    /// Highest tick with a bid.
    #[inline]
    pub fn best_bid(&self) -> Option<usize> {
        self.best_bid
    }

    /// Lowest tick with an ask.
    #[inline]
    pub fn best_ask(&self) -> Option<usize> {
        self.best_ask
    }

    /// The orders at `tick`; panics beyond the width, like a slice.
    #[inline]
    pub fn level(&self, tick: usize) -> &Resting {
        &self.levels[tick]
    }

    /// Rests an order of `lots` at `tick`, behind those already there; returns its id.
    ///
    /// Nothing changes if the order would meet the other side, lies outside the book, or `lots <= 0`.
    #[inline]
    pub fn place(&mut self, side: Side, tick: usize, lots: i64) -> Option<i64> {
        if lots <= 0 || tick >= self.levels.len() {
            return None;
        }
        match side {
            Side::Bid if self.best_ask.is_none_or(|ask| tick < ask) => {
                self.best_bid = Some(self.best_bid.map_or(tick, |bid| bid.max(tick)));
            }
            Side::Ask if self.best_bid.is_none_or(|bid| tick > bid) => {
                self.best_ask = Some(self.best_ask.map_or(tick, |ask| ask.min(tick)));
            }
            _ => return None,
        }
        let id = self.next_id;
        self.next_id += 1;
        let level = &mut self.levels[tick];
        level.side = side;
        level.total += lots;
        level.orders.push(lots);
        level.ids.push(id);
        Some(id)
    }

    /// Cancels the order that is number `ordinal` in the queue at `tick`, if there is one.
    #[inline]
    pub fn cancel(&mut self, tick: usize, ordinal: usize) -> Option<Cancelled> {
        let level = self.levels.get_mut(tick)?;
        if ordinal >= level.orders.len() {
            return None;
        }
        let (lots, id, side) = (level.orders.remove(ordinal), level.ids.remove(ordinal), level.side);
        level.total -= lots;
        self.forget_if_empty(tick);
        Some(Cancelled { side, tick, lots, id })
    }

    /// Cancels all orders at `tick`, oldest first; appends them to `cancelled`.
    pub fn cancel_all(&mut self, tick: usize, cancelled: &mut Vec<Cancelled>) {
        let Some(level) = self.levels.get_mut(tick) else { return };
        let side = level.side;
        let orders = level.orders.drain(..).zip(level.ids.drain(..));
        cancelled.extend(orders.map(|(lots, id)| Cancelled { side, tick, lots, id }));
        level.total = 0;
        self.forget_if_empty(tick);
    }

    /// Executes an immediate-or-cancel order of `lots` against the other side, best price first, oldest order first, down to
    /// `limit` (the worst tick it accepts). Appends one fill per resting order touched; returns the lots left unfilled.
    pub fn execute(&mut self, aggressor: Side, lots: i64, limit: usize, fills: &mut Vec<Fill>) -> i64 {
        let mut left = lots;
        // Each turn empties a level or ends: at most `width` turns.
        while left > 0 {
            let tick = match aggressor {
                Side::Bid => self.best_ask.filter(|&ask| ask <= limit),
                Side::Ask => self.best_bid.filter(|&bid| bid >= limit),
                Side::None => None,
            };
            let Some(tick) = tick else { break };
            left = self.take(tick, left, fills);
            self.forget_if_empty(tick);
        }
        left
    }

    /// Takes up to `lots` from the front of the queue at `tick`; returns what is left.
    fn take(&mut self, tick: usize, lots: i64, fills: &mut Vec<Fill>) -> i64 {
        let level = &mut self.levels[tick];
        let (mut left, mut done) = (lots, 0);
        for (order, &id) in level.orders.iter_mut().zip(&level.ids) {
            let lots = left.min(*order);
            if lots <= 0 {
                break;
            }
            fills.push(Fill { tick, lots, id });
            left -= lots;
            *order -= lots;
            if *order > 0 {
                break;
            }
            done += 1;
        }
        level.orders.drain(..done);
        level.ids.drain(..done);
        level.total -= lots - left;
        left
    }

    /// If `tick` has become empty, clears its side and moves the best price to the next tick with orders.
    #[inline]
    fn forget_if_empty(&mut self, tick: usize) {
        let level = &mut self.levels[tick];
        if !level.orders.is_empty() {
            return;
        }
        level.side = Side::None;
        if self.best_bid == Some(tick) {
            self.best_bid = self.levels[..tick].iter().rposition(|l| l.side == Side::Bid);
        }
        if self.best_ask == Some(tick) {
            let above = tick + 1;
            self.best_ask = self.levels[above..].iter().position(|l| l.side == Side::Ask).map(|i| above + i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rules of price-time priority, written as plainly as possible: a list of orders in arrival order.
    #[derive(Default)]
    struct Naive {
        orders: Vec<(Side, usize, i64, i64)>,
    }

    impl Naive {
        fn best(&self, side: Side) -> Option<usize> {
            let ticks = self.orders.iter().filter(|o| o.0 == side).map(|o| o.1);
            if side == Side::Bid { ticks.max() } else { ticks.min() }
        }

        fn execute(&mut self, aggressor: Side, lots: i64, limit: usize) -> Vec<Fill> {
            let (mut left, mut fills) = (lots, Vec::new());
            let other = if aggressor == Side::Bid { Side::Ask } else { Side::Bid };
            while left > 0 {
                let Some(tick) = self.best(other) else { break };
                if (aggressor == Side::Bid && tick > limit) || (aggressor == Side::Ask && tick < limit) {
                    break;
                }
                let first = self.orders.iter().position(|o| o.0 == other && o.1 == tick).unwrap();
                let lots = left.min(self.orders[first].2);
                fills.push(Fill { tick, lots, id: self.orders[first].3 });
                left -= lots;
                self.orders[first].2 -= lots;
                if self.orders[first].2 == 0 {
                    self.orders.remove(first);
                }
            }
            fills
        }
    }

    fn side_of(is_bid: bool) -> Side {
        if is_bid { Side::Bid } else { Side::Ask }
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_rules(ops in prop::collection::vec((0..4u8, any::<bool>(), 0..20usize, 1..9i64), 1..300)) {
            let (mut book, mut naive) = (OrderBook::new(20, 100), Naive::default());
            let mut next_id = 100;
            for (op, is_bid, tick, lots) in ops {
                let side = side_of(is_bid);
                match op {
                    0 | 1 => {
                        let other = naive.best(side_of(!is_bid));
                        let rests = other.is_none_or(|o| if is_bid { tick < o } else { tick > o });
                        prop_assert_eq!(book.place(side, tick, lots), rests.then_some(next_id));
                        if rests {
                            naive.orders.push((side, tick, lots, next_id));
                            next_id += 1;
                        }
                    }
                    2 => {
                        let here: Vec<usize> = (0..naive.orders.len()).filter(|&i| naive.orders[i].1 == tick).collect();
                        let gone = here.get(lots as usize - 1).map(|&i| naive.orders.remove(i));
                        let gone = gone.map(|(side, tick, lots, id)| Cancelled { side, tick, lots, id });
                        prop_assert_eq!(book.cancel(tick, lots as usize - 1), gone);
                    }
                    3 if lots == 1 => {
                        let (gone, left): (Vec<_>, Vec<_>) = naive.orders.iter().partition(|o| o.1 == tick);
                        naive.orders = left;
                        let mut cancelled = Vec::new();
                        book.cancel_all(tick, &mut cancelled);
                        let gone = gone.into_iter().map(|(side, tick, lots, id)| Cancelled { side, tick, lots, id });
                        prop_assert_eq!(cancelled, gone.collect::<Vec<_>>());
                    }
                    _ => {
                        let mut fills = Vec::new();
                        book.execute(side, 2 * lots, tick, &mut fills);
                        prop_assert_eq!(fills, naive.execute(side, 2 * lots, tick));
                    }
                }
                prop_assert_eq!(book.best_bid(), naive.best(Side::Bid));
                prop_assert_eq!(book.best_ask(), naive.best(Side::Ask));
                for t in 0..20 {
                    let here = || naive.orders.iter().filter(|o| o.1 == t);
                    let queue: Vec<i64> = here().map(|o| o.2).collect();
                    prop_assert_eq!(book.level(t).orders(), &queue[..]);
                    prop_assert_eq!(book.level(t).ids(), &here().map(|o| o.3).collect::<Vec<_>>()[..]);
                    prop_assert_eq!(book.level(t).total(), queue.iter().sum::<i64>());
                }
            }
        }
    }

    #[test]
    fn fills_go_best_price_first_and_oldest_first() {
        let mut book = OrderBook::new(10, 1);
        for (tick, lots) in [(6, 5), (5, 2), (5, 3)] {
            assert!(book.place(Side::Ask, tick, lots).is_some());
        }
        assert!(book.place(Side::Bid, 5, 1).is_none(), "a resting order never meets the other side");
        let mut fills = Vec::new();
        let left = book.execute(Side::Bid, 8, 6, &mut fills);
        let want = [(5, 2, 2), (5, 3, 3), (6, 3, 1)].map(|(tick, lots, id)| Fill { tick, lots, id });
        assert_eq!((left, &fills[..]), (0, &want[..]));
        assert_eq!(book.best_ask(), Some(6));
    }
}
