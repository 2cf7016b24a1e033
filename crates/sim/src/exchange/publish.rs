//! The public feed: what changed since the last depth message, and the book as published.

use verismo_market::event::Side;
use verismo_market::message::{Body, Level};

use super::book::OrderBook;

/// Period of depth messages: the venue aggregates book changes over 100 ms, on the absolute grid of the epoch.
pub const GRID_NS: i64 = 100_000_000;

/// Keeps the book as subscribers know it, and makes the messages that move it on.
///
/// Quantities are signed: positive for a bid, negative for an ask.
#[derive(Debug, Clone)]
pub(super) struct Publisher {
    published: Vec<i64>,
    touched: Vec<u64>,
    touched_count: usize,
    operations: i64,
    last_update_id: i64,
    base_tick: i64,
    tick: i64,
    lot: i64,
}

impl Publisher {
    /// `base_tick` is the price of the book's tick 0 in ticks of `tick` units; `last_update_id` the id before the first.
    pub(super) fn new(width: usize, base_tick: i64, tick: i64, lot: i64, last_update_id: i64) -> Self {
        Self {
            published: vec![0; width],
            touched: vec![0; width.div_ceil(64)],
            touched_count: 0,
            operations: 0,
            last_update_id,
            base_tick,
            tick,
            lot,
        }
    }

    /// Price of tick number `tick` of the book, units of 10^-8.
    #[inline]
    pub(super) fn price(&self, tick: usize) -> i64 {
        (self.base_tick + tick as i64) * self.tick
    }

    /// Notes that an operation may have changed the level at `tick`.
    #[inline]
    pub(super) fn touch(&mut self, tick: usize) {
        let (word, bit) = (tick / 64, 1u64 << (tick % 64));
        self.touched_count += usize::from(self.touched[word] & bit == 0);
        self.touched[word] |= bit;
        self.operations += 1;
    }

    /// Number of distinct levels touched since the last message.
    #[inline]
    pub(super) fn touched_count(&self) -> usize {
        self.touched_count
    }

    /// The depth message of the interval that ends now, or nothing if no level differs from its published quantity.
    ///
    /// As at Binance, each operation on the book since the last message takes one update id, so `first_id..=last_id` are
    /// several, and the next message begins right after. Bids and asks are listed best first.
    pub(super) fn publish(&mut self, book: &OrderBook) -> Option<Body> {
        let mut bids = Vec::with_capacity(self.touched_count);
        let mut asks = Vec::with_capacity(self.touched_count);
        for (word, bits) in self.touched.iter_mut().enumerate() {
            let mut left = core::mem::take(bits);
            while left != 0 {
                let tick = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let level = book.level(tick);
                let now = if level.side() == Side::Bid { level.total() } else { -level.total() };
                let before = core::mem::replace(&mut self.published[tick], now);
                let price = (self.base_tick + tick as i64) * self.tick;
                if before != now {
                    push_change(before, now, price, self.lot, &mut bids, &mut asks);
                }
            }
        }
        self.touched_count = 0;
        if bids.is_empty() && asks.is_empty() {
            return None;
        }
        bids.reverse();
        let first_id = self.last_update_id + 1;
        self.last_update_id += self.operations;
        self.operations = 0;
        Some(Body::Depth { first_id, last_id: self.last_update_id, bids, asks })
    }

    /// The whole book as of the last depth message.
    pub(super) fn snapshot(&self) -> Body {
        let level = |(tick, &lots): (usize, &i64)| (self.price(tick), lots.abs() * self.lot);
        let levels = || self.published.iter().enumerate();
        Body::Snapshot {
            last_id: self.last_update_id,
            bids: levels().rev().filter(|l| *l.1 > 0).map(level).collect(),
            asks: levels().filter(|l| *l.1 < 0).map(level).collect(),
        }
    }
}

/// Says that a level went from `before` to `now` (signed lots): a removal on the side it left, the new quantity on the side it
/// is on.
#[inline]
fn push_change(before: i64, now: i64, price: i64, lot: i64, bids: &mut Vec<Level>, asks: &mut Vec<Level>) {
    if now > 0 || before > 0 {
        bids.push((price, now.max(0) * lot));
    }
    if now < 0 || before < 0 {
        asks.push((price, (-now).max(0) * lot));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_final_quantities_on_the_right_side() {
        let mut book = OrderBook::new(100, 1);
        let mut publisher = Publisher::new(100, 1_000, 10, 5, 7);
        assert_eq!(publisher.publish(&book), None);
        for (side, tick, lots) in [(Side::Bid, 70, 4), (Side::Bid, 69, 1), (Side::Ask, 72, 2)] {
            assert!(book.place(side, tick, lots).is_some());
            publisher.touch(tick);
        }
        let first =
            Body::Depth { first_id: 8, last_id: 10, bids: vec![(10_700, 20), (10_690, 5)], asks: vec![(10_720, 10)] };
        assert_eq!(publisher.publish(&book), Some(first));
        // A level that changes side leaves one side and joins the other.
        let mut cancelled = Vec::new();
        book.cancel_all(70, &mut cancelled);
        assert_eq!(cancelled.iter().map(|order| order.lots).sum::<i64>(), 4);
        assert!(book.place(Side::Ask, 70, 3).is_some());
        publisher.touch(70);
        let second = Body::Depth { first_id: 11, last_id: 11, bids: vec![(10_700, 0)], asks: vec![(10_700, 15)] };
        assert_eq!(publisher.publish(&book), Some(second));
        // A change that is undone within the interval is not published, and its ids go to the next message.
        assert!(book.place(Side::Bid, 10, 1).is_some());
        publisher.touch(10);
        assert_eq!(book.cancel(10, 0).map(|order| order.lots), Some(1));
        publisher.touch(10);
        assert_eq!(publisher.publish(&book), None);
        assert!(book.place(Side::Bid, 11, 1).is_some());
        publisher.touch(11);
        let third = Body::Depth { first_id: 12, last_id: 14, bids: vec![(10_110, 5)], asks: vec![] };
        assert_eq!(publisher.publish(&book), Some(third));
        let bids = vec![(10_690, 5), (10_110, 5)];
        assert_eq!(publisher.snapshot(), Body::Snapshot { last_id: 14, bids, asks: vec![(10_700, 15), (10_720, 10)] });
    }
}
