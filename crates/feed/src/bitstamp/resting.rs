//! The orders that rest, and the best of them.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use verismo_market::event::Side;
use verismo_stats::state::{Carry, DecodeError, Reader, put_u64};

/// An order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) id: i64,
    pub(super) side: Side,
    pub(super) price: i64,
    pub(super) qty: i64,
}

/// All resting orders of one instrument.
#[derive(Debug, Default)]
pub(super) struct Resting {
    by_id: FxHashMap<i64, Order>,
    /// (price key, id); a smaller key is a better price on both sides.
    bids: BTreeSet<(i64, i64)>,
    asks: BTreeSet<(i64, i64)>,
}

/// Both sides, each from its best order on.
impl Carry for Resting {
    fn save(&self, out: &mut Vec<u8>) {
        for side in [&self.bids, &self.asks] {
            put_u64(out, side.len() as u64);
            for order in side.iter().filter_map(|(_, id)| self.get(*id)) {
                [order.id, order.price, order.qty].iter().for_each(|value| value.save(out));
            }
        }
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        for side in [Side::Bid, Side::Ask] {
            for _ in 0..input.length("resting orders", 3)? {
                let mut values = [0i64; 3];
                values.iter_mut().try_for_each(|value| value.load(input))?;
                let [id, price, qty] = values;
                self.insert(Order { id, side, price, qty });
            }
        }
        Ok(())
    }
}

fn key(order: &Order) -> (i64, i64) {
    (if order.side == Side::Bid { !order.price } else { order.price }, order.id)
}

impl Resting {
    pub(super) fn get(&self, id: i64) -> Option<Order> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds an order, in the place of the one with its id if there is one.
    pub(super) fn insert(&mut self, order: Order) {
        self.remove(order.id);
        self.side(order.side).insert(key(&order));
        self.by_id.insert(order.id, order);
    }

    pub(super) fn remove(&mut self, id: i64) -> Option<Order> {
        let order = self.by_id.remove(&id)?;
        self.side(order.side).remove(&key(&order));
        Some(order)
    }

    fn side(&mut self, side: Side) -> &mut BTreeSet<(i64, i64)> {
        if side == Side::Bid { &mut self.bids } else { &mut self.asks }
    }

    /// The best order on the other side, if `order` could trade with it.
    pub(super) fn crossed_by(&self, order: &Order) -> Option<Order> {
        let opposite = if order.side == Side::Bid { &self.asks } else { &self.bids };
        let best = opposite.first().and_then(|(_, id)| self.get(*id))?;
        let crosses = match order.side {
            Side::Bid => best.price <= order.price,
            _ => best.price >= order.price,
        };
        crosses.then_some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_the_other_side_is_what_is_crossed() {
        let mut resting = Resting::default();
        let order = |id, side, price| Order { id, side, price, qty: 1 };
        resting.insert(order(1, Side::Ask, 101));
        resting.insert(order(2, Side::Ask, 100));
        resting.insert(order(3, Side::Bid, 98));
        assert_eq!(resting.crossed_by(&order(9, Side::Bid, 99)), None);
        assert_eq!(resting.crossed_by(&order(9, Side::Bid, 100)).unwrap().id, 2);
        assert_eq!(resting.crossed_by(&order(9, Side::Ask, 98)).unwrap().id, 3);
        resting.insert(order(2, Side::Ask, 105));
        assert_eq!(resting.crossed_by(&order(9, Side::Bid, 200)).unwrap().id, 1);
        assert_eq!((resting.remove(2).unwrap().price, resting.len()), (105, 2));
    }
}
