//! The order book: quantity by price on two sides, fast near the touch.
//!
//! Each side is a list of small sorted blocks, best block first. A change inside a block moves at most 64 levels, and
//! a change far from the touch costs a binary search over the blocks, so neither a deep book nor a deep change is slow.
//! Memory is bounded by a cap on the levels of a side; what the cap drops is counted.

use crate::event::Side;

/// Levels in a block: 64 prices and 64 quantities are 1 KiB, and moving half of that costs about 10 ns.
const BLOCK: usize = 64;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Both sides of one instrument's book.
#[derive(Debug, Clone)]
pub struct Book {
    bids: Ladder,
    asks: Ladder,
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
        Self { bids: Ladder::default(), asks: Ladder::default(), levels_max: levels_max.max(1), levels_dropped: 0 }
    }

    /// Removes all levels, keeps the memory and the count of dropped levels.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// The level at `price` now holds `qty`; zero or less removes it. `Side::None` changes nothing.
    #[inline]
    pub fn set(&mut self, side: Side, price: i64, qty: i64) {
        // Bitwise not reverses the order of all i64 without overflow, so that on both sides a smaller key is a better price.
        let (ladder, key) = match side {
            Side::Bid => (&mut self.bids, !price),
            Side::Ask => (&mut self.asks, price),
            Side::None => return,
        };
        if qty <= 0 {
            ladder.remove(key);
        } else {
            ladder.insert(key, qty);
            if ladder.len > self.levels_max {
                ladder.remove_worst();
                self.levels_dropped += 1;
            }
        }
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

    /// The sum of the quantities of the best `n` levels (fewer if there are fewer), saturating at `i64::MAX`.
    #[inline]
    pub fn top_qty(&self, side: Side, n: usize) -> i64 {
        match side {
            Side::Bid => self.bids.top_qty(n),
            Side::Ask => self.asks.top_qty(n),
            Side::None => 0,
        }
    }

    /// The number of levels of a side.
    pub fn len(&self, side: Side) -> usize {
        match side {
            Side::Bid => self.bids.len,
            Side::Ask => self.asks.len,
            Side::None => 0,
        }
    }

    /// Whether both sides are empty.
    pub fn is_empty(&self) -> bool {
        self.bids.len == 0 && self.asks.len == 0
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = BookLevel> + '_ {
        let (bids, asks) = match side {
            Side::Bid => (Some(&self.bids), None),
            Side::Ask => (None, Some(&self.asks)),
            Side::None => (None, None),
        };
        let bids = bids.into_iter().flat_map(Ladder::iter).map(|(key, qty)| BookLevel { price: !key, qty });
        let asks = asks.into_iter().flat_map(Ladder::iter).map(|(price, qty)| BookLevel { price, qty });
        bids.chain(asks)
    }

    /// How often the cap made a side forget its worst level.
    pub fn levels_dropped(&self) -> u64 {
        self.levels_dropped
    }
}

/// One side: ascending keys, in blocks.
#[derive(Debug, Clone, Default)]
struct Ladder {
    /// Largest key of each block, in order; the search index.
    last: Vec<i64>,
    /// Where each block lies in `blocks`, in order.
    order: Vec<u32>,
    blocks: Vec<Block>,
    free: Vec<u32>,
    len: usize,
}

#[derive(Debug, Clone)]
struct Block {
    len: usize,
    keys: [i64; BLOCK],
    qtys: [i64; BLOCK],
}

impl Block {
    const EMPTY: Self = Self { len: 0, keys: [0; BLOCK], qtys: [0; BLOCK] };

    #[inline]
    fn search(&self, key: i64) -> Result<usize, usize> {
        let at = self.keys[..self.len].partition_point(|&k| k < key);
        if at < self.len && self.keys[at] == key { Ok(at) } else { Err(at) }
    }

    #[inline]
    fn insert(&mut self, at: usize, key: i64, qty: i64) {
        self.keys.copy_within(at..self.len, at + 1);
        self.qtys.copy_within(at..self.len, at + 1);
        self.keys[at] = key;
        self.qtys[at] = qty;
        self.len += 1;
    }

    #[inline]
    fn remove(&mut self, at: usize) {
        self.keys.copy_within(at + 1..self.len, at);
        self.qtys.copy_within(at + 1..self.len, at);
        self.len -= 1;
    }
}

impl Ladder {
    fn clear(&mut self) {
        self.free.append(&mut self.order);
        self.last.clear();
        self.len = 0;
    }

    /// The index of the first block whose largest key is not below `key`; the number of blocks if there is none.
    #[inline]
    fn block_for(&self, key: i64) -> usize {
        match self.last.first() {
            Some(&last) if key <= last => 0,
            _ => self.last.partition_point(|&last| last < key),
        }
    }

    fn get(&self, key: i64) -> i64 {
        let Some(&slot) = self.order.get(self.block_for(key)) else { return 0 };
        let block = &self.blocks[slot as usize];
        block.search(key).map_or(0, |at| block.qtys[at])
    }

    #[inline]
    fn first(&self) -> Option<(i64, i64)> {
        let block = &self.blocks[*self.order.first()? as usize];
        Some((block.keys[0], block.qtys[0]))
    }

    #[inline]
    fn top_qty(&self, n: usize) -> i64 {
        let (mut sum, mut left) = (0i64, n);
        for &slot in &self.order {
            let block = &self.blocks[slot as usize];
            let take = left.min(block.len);
            sum = block.qtys[..take].iter().fold(sum, |sum, &qty| sum.saturating_add(qty));
            left -= take;
            if left == 0 {
                break;
            }
        }
        sum
    }

    fn iter(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.order.iter().flat_map(|&slot| {
            let block = &self.blocks[slot as usize];
            block.keys[..block.len].iter().copied().zip(block.qtys[..block.len].iter().copied())
        })
    }

    #[inline]
    fn insert(&mut self, key: i64, qty: i64) {
        let mut index = self.block_for(key);
        if index == self.order.len() {
            return self.append(key, qty);
        }
        let slot = self.order[index] as usize;
        let block = &mut self.blocks[slot];
        match block.search(key) {
            Ok(at) => block.qtys[at] = qty,
            Err(at) if block.len < BLOCK => {
                block.insert(at, key, qty);
                self.len += 1;
            }
            Err(_) => {
                self.split(index);
                if key > self.last[index] {
                    index += 1;
                }
                let block = &mut self.blocks[self.order[index] as usize];
                let at = block.keys[..block.len].partition_point(|&k| k < key);
                block.insert(at, key, qty);
                self.len += 1;
            }
        }
    }

    /// Adds a key above all others. A full last block is left full: snapshots arrive best first.
    fn append(&mut self, key: i64, qty: i64) {
        let n_blocks = self.order.len();
        let has_room = n_blocks > 0 && self.blocks[self.order[n_blocks - 1] as usize].len < BLOCK;
        if !has_room {
            let slot = self.new_block();
            self.order.push(slot);
            self.last.push(key);
        }
        let index = self.order.len() - 1;
        let block = &mut self.blocks[self.order[index] as usize];
        block.insert(block.len, key, qty);
        self.last[index] = key;
        self.len += 1;
    }

    #[inline]
    fn remove(&mut self, key: i64) {
        let index = self.block_for(key);
        let Some(&slot) = self.order.get(index) else { return };
        let block = &mut self.blocks[slot as usize];
        let Ok(at) = block.search(key) else { return };
        block.remove(at);
        self.len -= 1;
        if block.len == 0 {
            self.drop_block(index);
        } else {
            self.last[index] = block.keys[block.len - 1];
            if block.len < BLOCK / 4 {
                self.join_next(index);
            }
        }
    }

    fn remove_worst(&mut self) {
        if let Some(&key) = self.last.last() {
            self.remove(key);
        }
    }

    /// Moves the upper half of a full block to a new one behind it.
    fn split(&mut self, index: usize) {
        let slot = self.new_block();
        let mut upper = Block::EMPTY;
        let lower = &mut self.blocks[self.order[index] as usize];
        let keep = lower.len / 2;
        upper.len = lower.len - keep;
        upper.keys[..upper.len].copy_from_slice(&lower.keys[keep..lower.len]);
        upper.qtys[..upper.len].copy_from_slice(&lower.qtys[keep..lower.len]);
        lower.len = keep;
        let last_lower = lower.keys[keep - 1];
        self.blocks[slot as usize] = upper;
        self.order.insert(index + 1, slot);
        self.last.insert(index, last_lower);
    }

    /// Joins a small block with the next one if both fit with room to spare, so that blocks stay few.
    fn join_next(&mut self, index: usize) {
        let Some(&next_slot) = self.order.get(index + 1) else { return };
        let slot = self.order[index] as usize;
        let (n, n_next) = (self.blocks[slot].len, self.blocks[next_slot as usize].len);
        if n + n_next > BLOCK * 3 / 4 {
            return;
        }
        let next = std::mem::replace(&mut self.blocks[next_slot as usize], Block::EMPTY);
        let block = &mut self.blocks[slot];
        block.keys[n..n + n_next].copy_from_slice(&next.keys[..n_next]);
        block.qtys[n..n + n_next].copy_from_slice(&next.qtys[..n_next]);
        block.len = n + n_next;
        self.last[index] = block.keys[block.len - 1];
        self.drop_block(index + 1);
    }

    fn drop_block(&mut self, index: usize) {
        self.free.push(self.order.remove(index));
        self.last.remove(index);
    }

    /// The slot of an empty block.
    fn new_block(&mut self) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.blocks[slot as usize].len = 0;
            return slot;
        }
        self.blocks.push(Block::EMPTY);
        // At most one block a level, and levels are capped far below 2^32.
        (self.blocks.len() - 1) as u32
    }
}

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
        let sum5: i64 = want.iter().take(5).map(|l| l.qty).sum();
        assert_eq!(book.top_qty(side, 5), sum5);
    }

    fn operations() -> impl Strategy<Value = Vec<(bool, i64, i64)>> {
        let near = (any::<bool>(), 0i64..200, prop_oneof![Just(0i64), 1i64..9]);
        let any_price = (any::<bool>(), any::<i64>(), prop_oneof![Just(0i64), 1i64..9]);
        proptest::collection::vec(prop_oneof![8 => near, 1 => any_price], 0..1500)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_a_sorted_map(ops in operations()) {
            let mut book = Book::default();
            let mut model = [BTreeMap::new(), BTreeMap::new()];
            for (i, &(is_bid, price, qty)) in ops.iter().enumerate() {
                let side = if is_bid { Side::Bid } else { Side::Ask };
                book.set(side, price, qty);
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
    fn a_deep_snapshot_then_emptying_it_reuses_blocks() {
        let mut book = Book::default();
        for round in 0..3 {
            for price in 0..5_000 {
                book.set(Side::Ask, price, price + 1);
            }
            assert_eq!(book.len(Side::Ask), 5_000);
            assert_eq!(book.top_qty(Side::Ask, 3), 6);
            if round < 2 {
                for price in (0..5_000).rev() {
                    book.set(Side::Ask, (price * 7) % 5_000, 0);
                }
                assert!(book.is_empty());
            }
        }
        let n_blocks = book.asks.blocks.len();
        assert!(n_blocks <= 5_000 / BLOCK + 2, "{n_blocks} blocks for 5,000 levels");
    }

    #[test]
    fn sparse_blocks_are_joined() {
        let mut book = Book::default();
        for price in 0..6_400 {
            book.set(Side::Bid, price, 1);
        }
        for price in (0..6_400).filter(|p| p % 64 != 0) {
            book.set(Side::Bid, price, 0);
        }
        assert_eq!(book.len(Side::Bid), 100);
        assert!(book.bids.order.len() <= 10, "{} blocks for 100 levels", book.bids.order.len());
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
        assert_eq!(book.top_qty(Side::Ask, 5), i64::MAX);
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
