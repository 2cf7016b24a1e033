//! One side of the book: an array around the touch, a [`Ladder`] beyond it.
//!
//! Nearly every change lies within a few hundred ticks of the best price. There a level is a slot of an array, found by one
//! multiplication, and the occupied slots are bits, so that a change and the best level cost a few nanoseconds. The
//! grid is learned: the greatest common divisor of the distances seen. What lies further out, the ladder holds.

use super::ladder::Ladder;
use super::{Depths, TOP_LEVELS};
use verismo_stats::divisor::{Divisor, gcd};

/// Slots of the array: 32 KiB of quantities.
const SLOTS: usize = 4096;
const WORDS: usize = SLOTS / 64;
/// Slots left free before the best level when the array is laid anew, for prices to improve into.
const MARGIN: u64 = SLOTS as u64 / 4;

/// One side: ascending keys, the smallest is the best.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    /// Key of slot 0. No level has a smaller key; those at or beyond the last slot's are in `far`.
    base: i64,
    /// The distance of neighbouring slots; 0 while there is one level only.
    tick: Divisor,
    /// Distance of the slot behind the last one.
    width: u64,
    /// Slots of the grid: none while there is one level only.
    n_slots: u64,
    /// Quantity of each slot, 0 where there is no level; empty before the first level.
    qtys: Vec<i64>,
    /// A bit per slot with a level.
    bits: [u64; WORDS],
    /// A bit per word of `bits` that is not zero.
    summary: u64,
    n_near: usize,
    far: Ladder,
}

/// Where a key belongs.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Slot(usize),
    /// Beyond the last slot.
    Far,
    /// Before the first slot.
    Before,
    /// Among the slots, but between two.
    OffGrid,
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            base: 0,
            tick: Divisor::default(),
            width: u64::MAX,
            n_slots: 0,
            qtys: Vec::new(),
            bits: [0; WORDS],
            summary: 0,
            n_near: 0,
            far: Ladder::default(),
        }
    }
}

impl Levels {
    /// Number of levels.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.n_near + self.far.len
    }

    /// Removes all levels, and forgets the grid.
    pub(super) fn clear(&mut self) {
        for slot in self.occupied() {
            self.qtys[slot] = 0;
        }
        self.bits = [0; WORDS];
        self.summary = 0;
        self.n_near = 0;
        self.set_tick(0);
        self.far.clear();
    }

    #[inline]
    fn place(&self, key: i64) -> Place {
        let distance = key.wrapping_sub(self.base) as u64;
        let slot = self.tick.quotient(distance);
        if key < self.base {
            Place::Before
        } else if distance >= self.width {
            Place::Far
        } else if slot < SLOTS as u64 && slot * self.tick.value() == distance {
            Place::Slot(slot as usize)
        } else {
            Place::OffGrid
        }
    }

    /// The quantity at `key`, 0 if there is no such level.
    pub(super) fn get(&self, key: i64) -> i64 {
        match self.place(key) {
            Place::Slot(slot) => self.qtys.get(slot).copied().unwrap_or(0),
            Place::Far => self.far.get(key),
            Place::Before | Place::OffGrid => 0,
        }
    }

    /// The best level.
    #[inline]
    pub(super) fn first(&self) -> Option<(i64, i64)> {
        if self.summary == 0 {
            return self.far.first();
        }
        let word = self.summary.trailing_zeros() as usize;
        let slot = word * 64 + self.bits[word].trailing_zeros() as usize;
        Some((self.key_of(slot), self.qtys[slot]))
    }

    /// Sets the quantity at `key`, at least zero; zero removes the level. Returns the quantity before, 0 if there was no such level.
    #[inline]
    pub(super) fn set(&mut self, key: i64, qty: i64) -> i64 {
        // Ticks are at most 2^50, so that nothing but the distance of a slot has such a quotient.
        let slot = self.tick.quotient(key.wrapping_sub(self.base) as u64);
        if slot < self.n_slots
            && key >= self.base
            && let Some(at) = self.qtys.get_mut(slot as usize)
        {
            let slot = slot as usize;
            let before = std::mem::replace(at, qty);
            if (before == 0) != (qty == 0) {
                self.flip(slot, qty != 0);
            }
            return before;
        }
        if qty == 0 { self.remove_elsewhere(key) } else { self.insert_elsewhere(key, qty) }
    }

    /// Marks a slot whose level came, or unmarks one whose level went.
    #[inline]
    fn flip(&mut self, slot: usize, is_level: bool) {
        if is_level { self.mark(slot) } else { self.unmark(slot) }
    }

    #[cold]
    fn remove_elsewhere(&mut self, key: i64) -> i64 {
        match self.place(key) {
            Place::Slot(slot) => {
                let before = self.qtys.get_mut(slot).map_or(0, std::mem::take);
                if before != 0 {
                    self.unmark(slot);
                }
                before
            }
            Place::Far => self.far.remove(key),
            Place::Before | Place::OffGrid => 0,
        }
    }

    /// Adds to the quantity at `key`; what falls to zero or below is removed. Returns the quantity before.
    #[inline]
    pub(super) fn change(&mut self, key: i64, delta: i64) -> i64 {
        let before = self.get(key);
        let after = before.saturating_add(delta);
        if after > 0 {
            self.set(key, after);
        } else if before != 0 {
            self.set(key, 0);
        }
        before
    }

    pub(super) fn remove_worst(&mut self) {
        if self.far.len > 0 {
            self.far.remove_worst();
        } else if self.summary != 0 {
            let word = 63 - self.summary.leading_zeros() as usize;
            let slot = word * 64 + 63 - self.bits[word].leading_zeros() as usize;
            self.qtys[slot] = 0;
            self.unmark(slot);
        }
    }

    /// Key and quantity of the best levels, best first, into `out`; returns how many there are.
    #[inline]
    pub(super) fn top(&self, out: &mut [(i64, i64)]) -> usize {
        let mut n = 0;
        for (level, slot) in out.iter_mut().zip(self.occupied()) {
            *level = (self.key_of(slot), self.qtys[slot]);
            n += 1;
        }
        n + self.far.top(&mut out[n..])
    }

    /// How deep the side is, with keys for prices.
    pub(super) fn depths(&self) -> Depths {
        let mut levels = [(0, 0); TOP_LEVELS];
        let n = self.top(&mut levels);
        let sum = |sum: i64, levels: &[(i64, i64)]| levels.iter().fold(sum, |sum, level| sum.saturating_add(level.1));
        // Levels that there are not hold nothing.
        let qty_5 = sum(0, &levels[..5]);
        let qty_10 = sum(qty_5, &levels[5..10]);
        let qty_20 = sum(qty_10, &levels[10..]);
        let price = |at: usize| if n > at { levels[at].0 } else { 0 };
        Depths { n_levels: n, price_5: price(4), price_10: price(9), qty_5, qty_10, qty_20 }
    }

    /// Key and quantity of every level, best first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.occupied().map(|slot| (self.key_of(slot), self.qtys[slot])).chain(self.far.iter())
    }

    #[inline]
    fn key_of(&self, slot: usize) -> i64 {
        self.base.wrapping_add((slot as u64 * self.tick.value()) as i64)
    }

    /// Slots with a level, ascending.
    #[inline]
    fn occupied(&self) -> impl Iterator<Item = usize> + use<> {
        let (mut summary, bits) = (self.summary, self.bits);
        let mut word = 0;
        let mut rest = 0_u64;
        core::iter::from_fn(move || {
            if rest == 0 {
                if summary == 0 {
                    return None;
                }
                word = summary.trailing_zeros() as usize;
                summary &= summary - 1;
                rest = bits[word];
            }
            let slot = word * 64 + rest.trailing_zeros() as usize;
            rest &= rest - 1;
            Some(slot)
        })
    }

    #[inline]
    fn mark(&mut self, slot: usize) {
        self.bits[slot / 64] |= 1 << (slot % 64);
        self.summary |= 1 << (slot / 64);
        self.n_near += 1;
    }

    #[inline]
    fn unmark(&mut self, slot: usize) {
        let word = &mut self.bits[slot / 64];
        *word &= !(1 << (slot % 64));
        if *word == 0 {
            self.summary &= !(1 << (slot / 64));
        }
        self.n_near -= 1;
        if self.n_near == 0
            && let Some((best, _)) = self.far.first()
        {
            self.lay(best, self.tick.value());
        }
    }

    /// Adds a level that no slot waits for, or finds it in the ladder.
    #[cold]
    fn insert_elsewhere(&mut self, key: i64, qty: i64) -> i64 {
        if self.len() == 0 {
            // The grid of one level is unknown: the widest one will shrink with the next level.
            self.qtys.resize(SLOTS, 0);
            self.base = key;
        }
        let reach = self.first().map_or(0, |(best, _)| best.wrapping_sub(self.base) as u64);
        if let Place::Far = self.place(key)
            && reach > self.width / 2
        {
            self.lay(self.first().map_or(key, |(best, _)| best), self.tick.value());
        }
        match self.place(key) {
            Place::Before => self.lay(key, self.tick.value()),
            Place::OffGrid => {
                let tick = gcd(self.tick.value(), key.wrapping_sub(self.base) as u64);
                self.lay(self.first().map_or(key, |(best, _)| best.min(key)), tick);
            }
            Place::Slot(_) | Place::Far => {}
        }
        self.put(key, qty)
    }

    /// Lays the array anew: slots of this grid or a finer one, so that `best` and all near levels lie on it, with room before `best`.
    #[cold]
    fn lay(&mut self, best: i64, tick: u64) {
        let near: Vec<(i64, i64)> = self.occupied().map(|slot| (self.key_of(slot), self.qtys[slot])).collect();
        for slot in self.occupied() {
            self.qtys[slot] = 0;
        }
        self.bits = [0; WORDS];
        self.summary = 0;
        self.n_near = 0;
        let tick = near.iter().fold(tick, |tick, (key, _)| gcd(tick, key.abs_diff(best)));
        self.set_tick(tick);
        // Keys may lie at the end of their range: then there is less room.
        let room = best.abs_diff(i64::MIN).checked_div(self.tick.value()).unwrap_or(0);
        self.base = best.wrapping_sub((self.tick.value() * room.min(MARGIN)) as i64);
        for (key, qty) in near {
            self.put(key, qty);
        }
        // What the ladder holds before the last slot comes in. A level between two slots makes the grid finer, which lays
        // the array again: at most 50 times, each time half the tick or less.
        for _ in 0..SLOTS {
            let Some((key, qty)) = self.far.first() else { break };
            match self.place(key) {
                Place::Far => break,
                Place::Slot(_) => {
                    self.far.remove(key);
                    self.put(key, qty);
                }
                Place::Before | Place::OffGrid => {
                    self.far.remove(key);
                    self.insert_elsewhere(key, qty);
                    break;
                }
            }
        }
    }

    fn set_tick(&mut self, tick: u64) {
        // Slots of a larger tick would leave the range of keys; of the finest grid all are multiples.
        self.tick = Divisor::new(if tick > 1 << 50 { 1 } else { tick });
        self.n_slots = if tick == 0 { 0 } else { SLOTS as u64 };
        self.width = if tick == 0 { u64::MAX } else { self.tick.value() * SLOTS as u64 };
    }

    /// Sets a level where the grid has a place for it, else in the ladder. Returns the quantity before.
    fn put(&mut self, key: i64, qty: i64) -> i64 {
        let Place::Slot(slot) = self.place(key) else { return self.far.insert(key, qty) };
        let before = std::mem::replace(&mut self.qtys[slot], qty);
        if before == 0 {
            self.mark(slot);
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A side whose best price walks, with levels beyond the slots that come into them and leave again, and now and then one off the
    /// grid: always the levels of a map.
    #[test]
    fn a_walking_market_brings_far_levels_near() {
        for (step, off_grid_every) in [(1, 0), (37, 0), (900, 0), (-37, 0), (37, 400), (-900, 250)] {
            let (mut levels, mut map) = (Levels::default(), BTreeMap::new());
            let mut best = 5_000_000_i64;
            for i in 0..2_000_i64 {
                best += step * 10;
                // What the market has walked through is gone.
                while let Some((&key, _)) = map.first_key_value().filter(|(key, _)| **key < best) {
                    assert_eq!(levels.set(key, 0), map.remove(&key).unwrap());
                }
                for away in [0, 3, 700 + i % 50, 4_500, 9_000 + i % 700] {
                    let off_grid = i64::from(off_grid_every > 0 && i % off_grid_every == 1) * 7;
                    let (key, qty) = (best + away * 10 + off_grid, 1 + i % 9);
                    assert_eq!(levels.set(key, qty), map.insert(key, qty).unwrap_or(0));
                }
                if i % 50 == 0 {
                    assert_eq!(levels.len(), map.len(), "step {step}, turn {i}");
                    assert!(levels.iter().eq(map.iter().map(|(key, qty)| (*key, *qty))), "step {step}, turn {i}");
                }
                assert_eq!(levels.first(), map.first_key_value().map(|(key, qty)| (*key, *qty)));
            }
            if off_grid_every == 0 {
                assert_eq!(levels.place(best + 700 * 10), levels.place(best).after(700), "the array has come along");
            }
        }
    }

    impl Place {
        /// The slot so many behind this one.
        fn after(self, n: usize) -> Self {
            match self {
                Self::Slot(slot) => Self::Slot(slot + n),
                other => panic!("{other:?} is no slot"),
            }
        }
    }
}
