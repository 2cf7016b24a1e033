//! The order book: quantity by price on two sides, fast near the touch.
//!
//! Each side is an array of slots around the touch and, beyond it, a list of small sorted blocks, best block first. A change near the
//! touch costs a few nanoseconds; one far off a binary search over the blocks, and moves at most 64 levels, so neither a deep
//! book nor a deep change is slow. Memory is bounded by a cap on the levels of a side; what the cap drops is counted.

mod ladder;
mod levels;

use crate::event::Side;
use levels::Levels;
use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// Levels a side holds unless told otherwise: several times the deepest public book we know (about 44 thousand orders on
/// far fewer prices), and still only some MiB.
pub const MAX_LEVELS: usize = 65_536;

/// A price level: price and quantity, both in units of 10^-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BookLevel {
    /// Price.
    pub price: i64,
    /// Quantity, above zero.
    pub qty: i64,
}

/// The best levels of both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Touch {
    /// The highest bid.
    pub bid: BookLevel,
    /// The lowest ask.
    pub ask: BookLevel,
}

impl Touch {
    /// The best bid is above the best ask.
    #[inline]
    pub fn is_crossed(&self) -> bool {
        self.bid.price > self.ask.price
    }

    /// The best bid equals the best ask.
    #[inline]
    pub fn is_locked(&self) -> bool {
        self.bid.price == self.ask.price
    }
}

/// Most levels of a side that observables look at.
pub const TOP_LEVELS: usize = 20;

/// The best levels of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Top {
    levels: [(i64, i64); TOP_LEVELS],
    n: usize,
}

impl Top {
    /// Price and quantity of each, best first.
    #[inline]
    pub fn levels(&self) -> &[(i64, i64)] {
        &self.levels[..self.n]
    }
}

/// How deep one side of a book is, over its best [`TOP_LEVELS`] levels. Sums saturate at `i64::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depths {
    /// Levels there are, counted up to twenty.
    pub n_levels: usize,
    /// Price of the fifth level, 10^-8; 0 if there are fewer.
    pub price_5: i64,
    /// Price of the tenth level, 10^-8; 0 if there are fewer.
    pub price_10: i64,
    /// Quantity of the best five levels (fewer if there are fewer), 10^-8.
    pub qty_5: i64,
    /// Quantity of the best ten levels (fewer if there are fewer), 10^-8.
    pub qty_10: i64,
    /// Quantity of the best twenty levels (fewer if there are fewer), 10^-8.
    pub qty_20: i64,
}

/// How far a side of the book reaches behind its best price, in 10^-8.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reach {
    /// Mean distance of the quantity of the best five levels.
    pub mean_5: f64,
    /// Mean distance paid by an order for half the quantity of the best ten levels.
    pub walk_half_10: f64,
}

impl Top {
    /// How far the levels reach behind the best; fewer levels count as they are.
    pub fn reach(&self) -> Reach {
        let levels = self.levels();
        let sum = |n: usize| levels.iter().take(n).map(|&(_, qty)| i128::from(qty)).sum::<i128>();
        Reach { mean_5: self.mean_distance(sum(5)), walk_half_10: self.mean_distance(sum(10) / 2) }
    }

    /// The mean distance from the best price of the first `qty` of the levels. Quantities and distances are below 2^62, so that the
    /// sum over twenty of them stays below 2^127.
    fn mean_distance(&self, qty: i128) -> f64 {
        let best = self.levels().first().map_or(0, |level| level.0);
        let (mut left, mut paid) = (qty, 0i128);
        for &(price, level_qty) in self.levels() {
            if left == 0 {
                break;
            }
            let taken = left.min(i128::from(level_qty));
            paid = paid.saturating_add(taken * i128::from(price.abs_diff(best)));
            left -= taken;
        }
        if qty > 0 { paid as f64 / qty as f64 } else { 0.0 }
    }
}

/// Both sides of one instrument's book.
#[derive(Debug, Clone)]
pub struct Book {
    bids: Levels,
    asks: Levels,
    levels_max: usize,
    levels_dropped: u64,
}

impl Default for Book {
    fn default() -> Self {
        Self::new(MAX_LEVELS)
    }
}

impl Book {
    /// An empty book that holds at most `levels_max` levels a side (at least one).
    pub fn new(levels_max: usize) -> Self {
        Self { bids: Levels::default(), asks: Levels::default(), levels_max: levels_max.max(1), levels_dropped: 0 }
    }

    /// Removes all levels, keeps the memory and the count of dropped levels.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// The level at `price` now holds `qty`; zero or less removes it. Returns the quantity before, 0 if there was no such level.
    /// `Side::None` changes nothing.
    #[inline]
    pub fn set(&mut self, side: Side, price: i64, qty: i64) -> i64 {
        // Bitwise not reverses the order of all i64 without overflow, so that on both sides a smaller key is a better price.
        let (ladder, key) = match side {
            Side::Bid => (&mut self.bids, !price),
            Side::Ask => (&mut self.asks, price),
            Side::None => return 0,
        };
        let before = ladder.set(key, qty.max(0));
        if ladder.len() > self.levels_max {
            ladder.remove_worst();
            self.levels_dropped += 1;
        }
        before
    }

    /// Sets many levels of one side, as [`Self::set`] does one after the other; `changed` hears the quantity before and after of each.
    #[inline]
    pub fn set_many(&mut self, side: Side, prices: &[i64], qtys: &[i64], mut changed: impl FnMut(i64, i64)) {
        let levels = prices.iter().zip(qtys);
        let (ladder, flip) = match side {
            Side::Bid => (&mut self.bids, !0),
            Side::Ask => (&mut self.asks, 0),
            Side::None => return,
        };
        if ladder.len() + prices.len() > self.levels_max {
            levels.for_each(|(&price, &qty)| changed(self.set(side, price, qty), qty.max(0)));
            return;
        }
        for (&price, &qty) in levels {
            changed(ladder.set(price ^ flip, qty.max(0)), qty.max(0));
        }
    }

    /// The level at `price` gains `delta` (loses, below zero); what falls to zero or below is removed. Returns the quantity
    /// before, 0 if there was no such level. `Side::None` changes nothing.
    #[inline]
    pub fn change(&mut self, side: Side, price: i64, delta: i64) -> i64 {
        let (ladder, key) = match side {
            Side::Bid => (&mut self.bids, !price),
            Side::Ask => (&mut self.asks, price),
            Side::None => return 0,
        };
        let before = ladder.change(key, delta);
        if ladder.len() > self.levels_max {
            ladder.remove_worst();
            self.levels_dropped += 1;
        }
        before
    }

    /// The quantity at `price`, 0 if there is no such level.
    pub fn qty_at(&self, side: Side, price: i64) -> i64 {
        match side {
            Side::Bid => self.bids.get(!price),
            Side::Ask => self.asks.get(price),
            Side::None => 0,
        }
    }

    /// The best bid.
    #[inline]
    pub fn best_bid(&self) -> Option<BookLevel> {
        self.bids.first().map(|(key, qty)| BookLevel { price: !key, qty })
    }

    /// The best ask.
    #[inline]
    pub fn best_ask(&self) -> Option<BookLevel> {
        self.asks.first().map(|(price, qty)| BookLevel { price, qty })
    }

    /// The best levels, if both sides have one.
    #[inline]
    pub fn touch(&self) -> Option<Touch> {
        Some(Touch { bid: self.best_bid()?, ask: self.best_ask()? })
    }

    /// The best levels of a side, best first, at most [`TOP_LEVELS`].
    #[inline]
    pub fn top(&self, side: Side) -> Top {
        let mut levels = [(0, 0); TOP_LEVELS];
        let (n, is_bid) = match side {
            Side::Bid => (self.bids.top(&mut levels), true),
            Side::Ask => (self.asks.top(&mut levels), false),
            Side::None => (0, false),
        };
        if is_bid {
            for level in &mut levels[..n] {
                level.0 = !level.0;
            }
        }
        Top { levels, n }
    }

    /// How deep a side is: one pass over its best levels.
    #[inline]
    pub fn depths(&self, side: Side) -> Depths {
        match side {
            Side::Bid => {
                let depths = self.bids.depths();
                let price = |key: i64, n: usize| if depths.n_levels >= n { !key } else { 0 };
                Depths { price_5: price(depths.price_5, 5), price_10: price(depths.price_10, 10), ..depths }
            }
            Side::Ask => self.asks.depths(),
            Side::None => Depths::default(),
        }
    }

    /// The number of levels of a side.
    pub fn len(&self, side: Side) -> usize {
        match side {
            Side::Bid => self.bids.len(),
            Side::Ask => self.asks.len(),
            Side::None => 0,
        }
    }

    /// Whether both sides are empty.
    pub fn is_empty(&self) -> bool {
        self.bids.len() == 0 && self.asks.len() == 0
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = BookLevel> + '_ {
        let (bids, asks) = match side {
            Side::Bid => (Some(&self.bids), None),
            Side::Ask => (None, Some(&self.asks)),
            Side::None => (None, None),
        };
        let bids = bids.into_iter().flat_map(Levels::iter).map(|(key, qty)| BookLevel { price: !key, qty });
        let asks = asks.into_iter().flat_map(Levels::iter).map(|(price, qty)| BookLevel { price, qty });
        bids.chain(asks)
    }

    /// Takes the number of levels that the cap dropped.
    pub(crate) fn take_levels_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.levels_dropped)
    }

    /// How often the cap made a side forget its worst level.
    pub fn levels_dropped(&self) -> u64 {
        self.levels_dropped
    }
}

/// Its levels, bids and asks, best first; how they lie in memory goes not on, and makes no difference.
impl Carry for Book {
    fn save(&self, out: &mut Vec<u8>) {
        for side in [Side::Bid, Side::Ask] {
            self.len(side).save(out);
            for level in self.levels(side) {
                level.save(out);
            }
        }
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.clear();
        for side in [Side::Bid, Side::Ask] {
            for _ in 0..input.length("levels of a book", 2)? {
                let mut level = BookLevel::default();
                level.load(input)?;
                self.set(side, level.price, level.qty);
            }
        }
        Ok(())
    }
}

carry!(BookLevel: price, qty);
carry!(Touch: bid, ask);
carry!(Knowledge: has_snapshot, two_sided_since_ns);

/// Since when a book may be taken for the whole book.
///
/// After a snapshot it is exactly the snapshot. Without one, diffs alone build it: it counts as known once a warm-up has
/// passed since the first update that left both sides non-empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knowledge {
    warmup_ns: i64,
    has_snapshot: bool,
    two_sided_since_ns: Option<i64>,
}

impl Knowledge {
    /// Nothing is known yet.
    pub fn new(warmup_ns: i64) -> Self {
        Self { warmup_ns, has_snapshot: false, two_sided_since_ns: None }
    }

    /// Forgets everything: the updates after a break may have missed changes.
    pub fn reset(&mut self) {
        *self = Self::new(self.warmup_ns);
    }

    /// A snapshot was applied.
    pub fn on_snapshot(&mut self) {
        self.has_snapshot = true;
    }

    /// An update was applied at `t_ns`, after which both sides held levels or not.
    #[inline]
    pub fn on_update(&mut self, t_ns: i64, is_two_sided: bool) {
        if is_two_sided && self.two_sided_since_ns.is_none() {
            self.two_sided_since_ns = Some(t_ns);
        }
    }

    /// Whether the book is known at `t_ns`.
    #[inline]
    pub fn is_known(&self, t_ns: i64) -> bool {
        self.has_snapshot || self.two_sided_since_ns.is_some_and(|since| t_ns.saturating_sub(since) >= self.warmup_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn check(book: &Book, side: Side, model: &BTreeMap<i64, i64>) {
        let mut want: Vec<BookLevel> = model.iter().map(|(&price, &qty)| BookLevel { price, qty }).collect();
        if side == Side::Bid {
            want.reverse();
        }
        assert_eq!(book.levels(side).collect::<Vec<_>>(), want);
        assert_eq!(book.len(side), want.len());
        let best = if side == Side::Bid { book.best_bid() } else { book.best_ask() };
        assert_eq!(best, want.first().copied());
        let top: Vec<_> = want.iter().take(TOP_LEVELS).map(|level| (level.price, level.qty)).collect();
        assert_eq!(book.top(side).levels(), top);
        let sum = |n: usize| want.iter().take(n).map(|level| level.qty).sum();
        let price = |n: usize| want.get(n - 1).map_or(0, |level| level.price);
        let depths = Depths {
            n_levels: want.len().min(TOP_LEVELS),
            price_5: price(5),
            price_10: price(10),
            qty_5: sum(5),
            qty_10: sum(10),
            qty_20: sum(20),
        };
        assert_eq!(book.depths(side), depths);
    }

    /// Prices around a touch that drifts and jumps, on a grid or off it, and any others.
    fn operations() -> impl Strategy<Value = Vec<(bool, i64, i64)>> {
        let qty = || prop_oneof![Just(0i64), 1i64..9];
        let near = (any::<bool>(), 0i64..200, qty());
        let any_price = (any::<bool>(), any::<i64>(), qty());
        let drifting = (any::<bool>(), -40i64..40, qty());
        let one = prop_oneof![
            12 => near.prop_map(|(is_bid, price, qty)| (false, is_bid, price, qty)),
            12 => drifting.prop_map(|(is_bid, price, qty)| (true, is_bid, price, qty)),
            1 => any_price.prop_map(|(is_bid, price, qty)| (false, is_bid, price, qty)),
        ];
        let drift = prop_oneof![Just(0i64), -30i64..30, Just(700i64)];
        (proptest::collection::vec(one, 0..1500), prop_oneof![Just(1i64), Just(10), Just(6_000)], drift).prop_map(
            |(ops, tick, drift)| {
                let mut middle = 100_000i64;
                let at = |(drifts, is_bid, price, qty): (bool, bool, i64, i64)| {
                    middle += drift;
                    (is_bid, if drifts { (middle + price) * tick } else { price }, qty)
                };
                ops.into_iter().map(at).collect()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_a_sorted_map(ops in operations()) {
            let mut book = Book::default();
            let mut model = [BTreeMap::new(), BTreeMap::new()];
            for (i, &(is_bid, price, qty)) in ops.iter().enumerate() {
                let side = if is_bid { Side::Bid } else { Side::Ask };
                // Setting and changing by the difference are the same.
                let before = model[usize::from(is_bid)].get(&price).copied().unwrap_or(0);
                if i % 3 == 0 {
                    prop_assert_eq!(book.change(side, price, qty - before), before);
                } else {
                    book.set(side, price, qty);
                }
                let map = &mut model[usize::from(is_bid)];
                if qty == 0 { map.remove(&price); } else { map.insert(price, qty); }
                prop_assert_eq!(book.qty_at(side, price), qty);
                if i % 97 == 0 {
                    check(&book, side, &model[usize::from(is_bid)]);
                }
            }
            check(&book, Side::Bid, &model[1]);
            check(&book, Side::Ask, &model[0]);
        }
    }

    #[test]
    fn a_run_of_levels_is_set_as_one_by_one() {
        let prices = [10, 12, 11, 13, 12, 9, 14, 11, 10];
        let qtys = [1, 2, 3, 4, 0, 5, 6, 0, -7];
        for levels_max in [3, 1_000] {
            for side in [Side::Bid, Side::Ask, Side::None] {
                let (mut run, mut single) = (Book::new(levels_max), Book::new(levels_max));
                let (mut heard, mut want) = (Vec::new(), Vec::new());
                for _ in 0..2 {
                    run.set_many(side, &prices, &qtys, |before, after| heard.push((before, after)));
                    for (price, qty) in prices.into_iter().zip(qtys) {
                        want.push((single.set(side, price, qty), qty.max(0)));
                    }
                }
                if side == Side::None {
                    assert!(heard.is_empty());
                } else {
                    assert_eq!(heard, want, "{side:?}, at most {levels_max}");
                }
                assert!(run.levels(side).eq(single.levels(side)), "{side:?}, at most {levels_max}");
                assert_eq!(run.levels_dropped(), single.levels_dropped());
                assert_eq!(run.levels_dropped() > 0, levels_max == 3 && side != Side::None);
            }
        }
    }

    #[test]
    fn the_ends_of_all_prices_are_not_neighbours() {
        let mut book = Book::default();
        for price in [i64::MAX - 5, i64::MAX - 3, i64::MIN + 2, i64::MIN] {
            assert_eq!(book.set(Side::Ask, price, 1), 0);
        }
        let prices: Vec<i64> = book.levels(Side::Ask).map(|level| level.price).collect();
        assert_eq!(prices, [i64::MIN, i64::MIN + 2, i64::MAX - 5, i64::MAX - 3]);
    }

    #[test]
    fn the_cap_drops_the_worst_level_and_counts_it() {
        let mut book = Book::new(3);
        for price in [10, 12, 11, 13] {
            book.set(Side::Bid, price, 1);
            book.set(Side::Ask, price + 100, 1);
        }
        let prices = |side| book.levels(side).map(|l| l.price).collect::<Vec<_>>();
        assert_eq!(prices(Side::Bid), [13, 12, 11]);
        assert_eq!(prices(Side::Ask), [110, 111, 112]);
        assert_eq!(book.levels_dropped(), 2);
    }

    #[test]
    fn extreme_prices_keep_their_order() {
        let mut book = Book::default();
        for price in [i64::MIN, -1, 0, 1, i64::MAX] {
            book.set(Side::Bid, price, 1);
            book.set(Side::Ask, price, 1);
        }
        assert_eq!(book.best_bid().unwrap().price, i64::MAX);
        assert_eq!(book.best_ask().unwrap().price, i64::MIN);
        assert!(book.touch().unwrap().is_crossed());
    }

    #[test]
    fn quantities_saturate_instead_of_wrapping() {
        let mut book = Book::default();
        book.set(Side::Ask, 1, i64::MAX);
        book.set(Side::Ask, 2, 5);
        assert_eq!(book.depths(Side::Ask).qty_5, i64::MAX);
    }

    #[test]
    fn a_book_is_known_after_a_snapshot_or_the_warm_up() {
        let mut known = Knowledge::new(60);
        known.on_update(0, false);
        known.on_update(100, true);
        known.on_update(150, true);
        assert!(!known.is_known(159));
        assert!(known.is_known(160), "warm-up counts from the first two-sided update");
        known.reset();
        assert!(!known.is_known(1_000));
        known.on_snapshot();
        assert!(known.is_known(0));
    }
}
