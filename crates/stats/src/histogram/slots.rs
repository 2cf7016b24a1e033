//! Distinct keys of many packed histograms, numbered: near ones by their position, far ones by a hash.

use super::cells::Cells;
use crate::divisor::{Divisor, gcd};
use rustc_hash::FxHashMap;

/// Positions that are numbered by an array: 16 MiB of numbers at most. Keys beyond are few: the tail of a law.
const NEAR: usize = 1 << 22;
const NONE: u32 = u32::MAX;

/// A number for each distinct key, from 0 in the order in which keys are first seen.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    base: i64,
    grid: Grid,
    near: Vec<u32>,
    far: FxHashMap<i64, u32>,
    keys: Vec<i64>,
}

/// How distances from the base become positions.
#[derive(Debug, Clone, Copy)]
enum Grid {
    Steps(Divisor),
    /// `distance / 2^shift` with the lowest bit appended.
    Sticky(u32),
}

impl Slots {
    /// No key yet; the array is laid out for the keys of `parts`, any others work too.
    pub(crate) fn over<'a>(parts: impl IntoIterator<Item = &'a Cells>) -> Self {
        let (mut base, mut step, mut anchor) = (i64::MAX, 0_u64, None);
        let mut sticky_shift = u32::MAX;
        for (first, shift, own_step) in parts.into_iter().filter_map(Cells::grid) {
            base = base.min(first);
            step = gcd(gcd(step, own_step), first.abs_diff(*anchor.get_or_insert(first)));
            if shift > 0 {
                sticky_shift = sticky_shift.min(u32::from(shift));
            }
        }
        let base = if anchor.is_none() { 0 } else { base };
        let (base, grid) = match sticky_shift {
            // Where positions could wrap, every key is one.
            u32::MAX if step > u64::MAX / NEAR as u64 => (base, Grid::Steps(Divisor::new(1))),
            u32::MAX => (base, Grid::Steps(Divisor::new(step.max(1)))),
            shift => (base & !1, Grid::Sticky(shift)),
        };
        Self { base, grid, near: Vec::new(), far: FxHashMap::default(), keys: Vec::new() }
    }

    /// The number of a key.
    #[inline]
    pub(crate) fn slot(&mut self, key: i64) -> usize {
        match self.position(key) {
            Some(position) => {
                if position >= self.near.len() {
                    self.grow(position);
                }
                let slot = self.near[position];
                if slot != NONE {
                    return slot as usize;
                }
                self.near[position] = self.keys.len() as u32;
            }
            None => {
                if let Some(&slot) = self.far.get(&key) {
                    return slot as usize;
                }
                self.far.insert(key, self.keys.len() as u32);
            }
        }
        // Numbers stay below 2^32: that many keys would take 32 GiB.
        self.keys.push(key);
        self.keys.len() - 1
    }

    /// The number of a key that has one; 0 for any other.
    #[inline]
    pub(crate) fn known(&self, key: i64) -> usize {
        let near = self.position(key).and_then(|position| self.near.get(position));
        near.or_else(|| self.far.get(&key)).map_or(0, |slot| *slot as usize)
    }

    /// The keys in the order of their numbers.
    pub(crate) fn keys(&self) -> &[i64] {
        &self.keys
    }

    /// Renumbers by ascending key; returns the keys, and the former number of each.
    pub(crate) fn sort(&mut self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.keys.len() as u32).collect();
        order.sort_unstable_by_key(|&slot| self.keys[slot as usize]);
        let mut rank = vec![0_u32; order.len()];
        for (new, &old) in (0_u32..).zip(&order) {
            rank[old as usize] = new;
        }
        for slot in self.near.iter_mut().chain(self.far.values_mut()).filter(|slot| **slot != NONE) {
            *slot = rank[*slot as usize];
        }
        self.keys.sort_unstable();
        order
    }

    /// Where the array has a key, if it does.
    #[inline]
    fn position(&self, key: i64) -> Option<usize> {
        let distance = key.wrapping_sub(self.base) as u64;
        let position = match self.grid {
            Grid::Steps(divisor) => Some(divisor.quotient(distance)).filter(|_| divisor.divides(distance))?,
            Grid::Sticky(shift) => {
                let steps = distance >> shift;
                Some(steps << 1 | distance & 1).filter(|_| steps << shift | distance & 1 == distance)?
            }
        };
        (position < NEAR as u64 && key >= self.base).then_some(position as usize)
    }

    #[cold]
    fn grow(&mut self, position: usize) {
        self.near.resize((position + 1).next_power_of_two().min(NEAR), NONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_distinct_and_sorting_orders_them(
            keys in proptest::collection::vec(prop_oneof![any::<i64>(), -500_i64..500, (-50_i64..50).prop_map(|k| k << 40 | 1), (-90_i64..90).prop_map(|k| k * 7_000)], 1..200),
            laid_out in proptest::collection::btree_set(prop_oneof![-500_i64..500, (-50_i64..50).prop_map(|k| k << 40), (-9_i64..9).prop_map(|k| k * 7_000)], 0..9),
        ) {
            let cells: Vec<(i64, u64)> = laid_out.into_iter().map(|k| (k, 1)).collect();
            let mut slots = Slots::over([&Cells::pack(&cells), &Cells::pack(&[(keys[0], 2)])]);
            let numbers: Vec<usize> = keys.iter().map(|&key| slots.slot(key)).collect();
            for (key, number) in keys.iter().zip(&numbers) {
                prop_assert_eq!(slots.keys()[*number], *key);
            }
            let order = slots.sort();
            prop_assert!(slots.keys().is_sorted());
            prop_assert_eq!(order.len(), slots.keys().len());
            let sorted = slots.keys().to_vec();
            for key in keys {
                prop_assert_eq!(sorted[slots.slot(key)], key);
            }
        }
    }
}
