//! One side of the book: a list of small sorted blocks.

use super::{Depths, TOP_LEVELS};

/// Levels in a block: 64 prices and 64 quantities are 1 KiB, and moving half of that costs about 10 ns.
const BLOCK: usize = 64;

/// One side: ascending keys, in blocks.
#[derive(Debug, Clone, Default)]
pub(super) struct Ladder {
    /// Largest key of each block, in order; the search index.
    last: Vec<i64>,
    /// Where each block lies in `blocks`, in order.
    order: Vec<u32>,
    blocks: Vec<Block>,
    free: Vec<u32>,
    pub(super) len: usize,
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
    pub(super) fn clear(&mut self) {
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

    pub(super) fn get(&self, key: i64) -> i64 {
        let Some(&slot) = self.order.get(self.block_for(key)) else { return 0 };
        let block = &self.blocks[slot as usize];
        block.search(key).map_or(0, |at| block.qtys[at])
    }

    #[inline]
    pub(super) fn first(&self) -> Option<(i64, i64)> {
        let block = &self.blocks[*self.order.first()? as usize];
        Some((block.keys[0], block.qtys[0]))
    }

    /// Key and quantity of the best levels, best first, into `out`; returns how many there are.
    #[inline]
    pub(super) fn top(&self, out: &mut [(i64, i64)]) -> usize {
        let mut n = 0;
        for &slot in &self.order {
            let block = &self.blocks[slot as usize];
            let take = (out.len() - n).min(block.len);
            for (i, level) in out[n..n + take].iter_mut().enumerate() {
                *level = (block.keys[i], block.qtys[i]);
            }
            n += take;
            if n == out.len() {
                break;
            }
        }
        n
    }

    /// How deep the side is, with keys for prices.
    #[inline]
    pub(super) fn depths(&self) -> Depths {
        let Some(&slot) = self.order.first() else { return Depths::default() };
        let first = &self.blocks[slot as usize];
        if first.len < TOP_LEVELS {
            return self.depths_over_blocks();
        }
        // All twenty in one block, the usual case: sums of known length.
        let add = |sum: i64, qtys: &[i64]| qtys.iter().fold(sum, |sum, &qty| sum.saturating_add(qty));
        let qty_5 = add(0, &first.qtys[..5]);
        let qty_10 = add(qty_5, &first.qtys[5..10]);
        let qty_20 = add(qty_10, &first.qtys[10..TOP_LEVELS]);
        Depths { n_levels: TOP_LEVELS, price_5: first.keys[4], price_10: first.keys[9], qty_5, qty_10, qty_20 }
    }

    fn depths_over_blocks(&self) -> Depths {
        let (mut depths, mut n, mut sum) = (Depths::default(), 0, 0_i64);
        for &slot in &self.order {
            let block = &self.blocks[slot as usize];
            let take = (TOP_LEVELS - n).min(block.len);
            for (&key, &qty) in block.keys[..take].iter().zip(&block.qtys[..take]) {
                sum = sum.saturating_add(qty);
                n += 1;
                match n {
                    5 => (depths.price_5, depths.qty_5) = (key, sum),
                    10 => (depths.price_10, depths.qty_10) = (key, sum),
                    _ => {}
                }
            }
            if n == TOP_LEVELS {
                break;
            }
        }
        (depths.n_levels, depths.qty_20) = (n, sum);
        if n < 10 {
            depths.qty_10 = sum;
        }
        if n < 5 {
            depths.qty_5 = sum;
        }
        depths
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.order.iter().flat_map(|&slot| {
            let block = &self.blocks[slot as usize];
            block.keys[..block.len].iter().copied().zip(block.qtys[..block.len].iter().copied())
        })
    }

    /// Sets the quantity at `key`, above zero. Returns the quantity before, 0 if there was no such level.
    #[inline]
    pub(super) fn insert(&mut self, key: i64, qty: i64) -> i64 {
        let mut index = self.block_for(key);
        if index == self.order.len() {
            self.append(key, qty);
            return 0;
        }
        let slot = self.order[index] as usize;
        let block = &mut self.blocks[slot];
        match block.search(key) {
            Ok(at) => return std::mem::replace(&mut block.qtys[at], qty),
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
        0
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

    /// Adds to the quantity at `key`; what falls to zero or below is removed. Returns the quantity before.
    #[inline]
    pub(super) fn change(&mut self, key: i64, delta: i64) -> i64 {
        let index = self.block_for(key);
        if let Some(&slot) = self.order.get(index) {
            let block = &mut self.blocks[slot as usize];
            if let Ok(at) = block.search(key) {
                let before = block.qtys[at];
                let after = before.saturating_add(delta);
                block.qtys[at] = after;
                if after <= 0 {
                    self.remove_at(index, at);
                }
                return before;
            }
        }
        if delta > 0 {
            self.insert(key, delta);
        }
        0
    }

    /// Removes the level at `key`. Returns the quantity it had, 0 if there was no such level.
    #[inline]
    pub(super) fn remove(&mut self, key: i64) -> i64 {
        let index = self.block_for(key);
        let Some(&slot) = self.order.get(index) else { return 0 };
        let block = &self.blocks[slot as usize];
        let Ok(at) = block.search(key) else { return 0 };
        let before = block.qtys[at];
        self.remove_at(index, at);
        before
    }

    /// Removes level `at` of the block at `index`.
    #[inline]
    fn remove_at(&mut self, index: usize, at: usize) {
        let block = &mut self.blocks[self.order[index] as usize];
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

    pub(super) fn remove_worst(&mut self) {
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

    /// (blocks in use, blocks allocated)
    #[cfg(test)]
    pub(super) fn n_blocks(&self) -> (usize, usize) {
        (self.order.len(), self.blocks.len())
    }
}
