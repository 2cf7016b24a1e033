//! One side of the book: a list of small sorted blocks.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filling_and_emptying_reuses_blocks() {
        let mut ladder = Ladder::default();
        for round in 0..3 {
            for key in 0..5_000 {
                ladder.insert(key, key + 1);
            }
            assert_eq!(ladder.len, 5_000);
            if round < 2 {
                for key in (0..5_000).rev() {
                    ladder.remove((key * 7) % 5_000);
                }
                assert_eq!(ladder.first(), None);
            }
        }
        let n_blocks = ladder.n_blocks().1;
        assert!(n_blocks <= 5_000 / 64 + 2, "{n_blocks} blocks for 5,000 levels");
    }

    #[test]
    fn sparse_blocks_are_joined() {
        let mut ladder = Ladder::default();
        for key in 0..6_400 {
            ladder.insert(key, 1);
        }
        for key in (0..6_400).rev().filter(|key| key % 64 != 0) {
            ladder.remove(key);
        }
        assert_eq!(ladder.len, 100);
        assert!(ladder.n_blocks().0 <= 10, "{} blocks for 100 levels", ladder.n_blocks().0);
    }
}
