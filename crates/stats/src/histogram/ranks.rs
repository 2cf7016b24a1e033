//! Distinct keys of many packed histograms in ascending order: near ones are marked in a bit each, far ones are listed.

use super::cells::Cells;
use super::positions::Positions;
use crate::divisor::gcd;

/// Positions that have a bit: all cells of a float lattice of 10 bits, whose values on both sides of zero are far from each other. With
/// their ranks 2 MiB at most, of which little is touched. Keys beyond are few: the tail of a law.
const NEAR: usize = 1 << 23;

/// The distinct keys, and the place of each among them.
#[derive(Debug, Clone)]
pub(crate) struct Ranks {
    positions: Positions,
    near: Vec<Word>,
    far: Far,
    /// Whether far keys lie below near ones.
    is_mixed: bool,
    keys: Vec<i64>,
}

/// The keys seen of sixty-four positions, and how many near ones lie before.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    bits: u64,
    before: u32,
}

/// A grid for the keys of `parts`.
fn grid_over<'a>(parts: impl Iterator<Item = &'a Cells>) -> Positions {
    let (mut base, mut step, mut anchor) = (i64::MAX, 0_u64, None);
    let mut sticky_shift = u32::MAX;
    for (first, shift, own_step) in parts.filter_map(Cells::grid) {
        base = base.min(first);
        step = gcd(gcd(step, own_step), first.abs_diff(*anchor.get_or_insert(first)));
        if shift > 0 {
            sticky_shift = sticky_shift.min(u32::from(shift));
        }
    }
    let is_sticky = sticky_shift < u32::MAX;
    let step = if is_sticky { 1 << sticky_shift } else { step.max(1) };
    Positions::new(if anchor.is_none() { 0 } else { base }, step, is_sticky, NEAR as u64)
}

/// Ascending keys that have no position, found by their distance from the first.
#[derive(Debug, Clone, Default)]
struct Far {
    keys: Vec<i64>,
    shift: u32,
    /// How many keys lie before each multiple of 2^shift from the first key on.
    starts: Vec<u32>,
    /// How many near keys lie below each.
    near: Vec<u32>,
}

impl Far {
    fn new(keys: Vec<i64>, near: &[i64]) -> Self {
        let (Some(&first), Some(&last)) = (keys.first(), keys.last()) else { return Self::default() };
        let span = last.abs_diff(first);
        // As many places as keys, or twice as many.
        let shift = (64 - span.leading_zeros()).saturating_sub(keys.len().ilog2() + 1);
        let mut starts = vec![0; (span >> shift) as usize + 2];
        for key in &keys {
            starts[(key.abs_diff(first) >> shift) as usize + 1] += 1;
        }
        let mut before = 0;
        for start in &mut starts {
            before += *start;
            *start = before;
        }
        let below = keys.iter().map(|key| match near.last() {
            // Mostly the tail of a law.
            Some(last) if last < key => near.len() as u32,
            _ => near.partition_point(|k| k < key) as u32,
        });
        Self { near: below.collect(), shift, starts, keys }
    }

    /// How many keys, near ones too, lie below this far one.
    #[inline]
    fn rank(&self, key: i64) -> usize {
        let place = self.keys.first().map_or(0, |first| (key.abs_diff(*first) >> self.shift) as usize);
        let Some(&[from, to]) = self.starts.get(place..place + 2) else { return 0 };
        let index = from as usize + self.keys[from as usize..to as usize].partition_point(|k| *k < key);
        self.near.get(index).map_or(0, |near| index + *near as usize)
    }
}

/// Cells of keys that have no position, in any order.
#[derive(Default)]
struct FarCells {
    cells: Vec<(i64, u64)>,
    /// So many at most before equal keys are joined.
    most: usize,
}

impl FarCells {
    #[inline]
    fn add(&mut self, key: i64, count: u64) {
        if self.cells.len() >= self.most {
            self.join();
        }
        self.cells.push((key, count));
    }

    /// Sorts by key and joins equal keys; the next time is when there are twice as many.
    #[cold]
    fn join(&mut self) {
        // Keys come in ascending runs, window by window, which this sort merges as they are.
        self.cells.sort();
        self.cells.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
        self.most = (2 * self.cells.len()).max(1 << 16);
    }

    fn sorted(mut self) -> Vec<(i64, u64)> {
        self.join();
        self.cells
    }
}

/// Positions that have a counter: 16 MiB at most.
const COUNTED: usize = 1 << 21;

impl Ranks {
    /// The keys of all `parts`.
    pub(crate) fn over<'a>(parts: impl Iterator<Item = &'a Cells> + Clone) -> Self {
        let positions = grid_over(parts.clone());
        let mut near: Vec<Word> = Vec::new();
        let mut far = FarCells::default();
        for (key, _) in parts.flat_map(Cells::iter) {
            let Some(position) = positions.of(key) else {
                far.add(key, 0);
                continue;
            };
            if position / 64 >= near.len() {
                near.resize((position / 64 + 1).next_power_of_two(), Word::default());
            }
            near[position / 64].bits |= 1 << (position % 64);
        }
        let mut keys = Vec::new();
        for (i, word) in near.iter_mut().enumerate() {
            // Fewer than 2^22.
            word.before = keys.len() as u32;
            let mut bits = word.bits;
            while bits != 0 {
                keys.push(positions.key(64 * i + bits.trailing_zeros() as usize));
                bits &= bits - 1;
            }
        }
        // Ranks stay below 2^32: that many keys would take 32 GiB.
        let far = Far::new(far.sorted().into_iter().map(|(key, _)| key).collect(), &keys);
        let is_mixed = far.keys.first().zip(keys.last()).is_some_and(|(far, near)| far < near);
        keys.extend(&far.keys);
        if is_mixed {
            keys.sort_unstable();
        }
        Self { positions, near, far, is_mixed, keys }
    }

    /// Ascending (key, count) of what all `parts` hold together, read once.
    pub(crate) fn count<'a>(parts: impl Iterator<Item = &'a Cells> + Clone) -> Vec<(i64, u64)> {
        let positions = grid_over(parts.clone());
        let mut near: Vec<u64> = Vec::new();
        let mut far = FarCells::default();
        for (key, count) in parts.flat_map(Cells::iter) {
            let Some(position) = positions.of(key).filter(|position| *position < COUNTED) else {
                far.add(key, count);
                continue;
            };
            if position >= near.len() {
                near.resize((position + 1).next_power_of_two(), 0);
            }
            near[position] = near[position].saturating_add(count);
        }
        let seen = near.iter().enumerate().filter(|(_, count)| **count > 0);
        let mut cells: Vec<(i64, u64)> = seen.map(|(position, count)| (positions.key(position), *count)).collect();
        cells.extend(far.sorted());
        if !cells.is_sorted() {
            cells.sort_unstable();
        }
        cells
    }

    /// The keys, ascending.
    pub(crate) fn keys(&self) -> &[i64] {
        &self.keys
    }

    /// The keys, ascending.
    pub(crate) fn into_keys(self) -> Vec<i64> {
        self.keys
    }

    /// How many keys lie below this one, which is one of them.
    #[inline(always)]
    pub(crate) fn rank(&self, key: i64) -> usize {
        let word = self.positions.of(key).and_then(|position| Some((position, self.near.get(position / 64)?)));
        let Some((position, word)) = word else { return self.far.rank(key) };
        let below = word.bits & ((1 << (position % 64)) - 1);
        let near = word.before as usize + below.count_ones() as usize;
        if self.is_mixed { near + self.far.keys.partition_point(|k| *k < key) } else { near }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn key() -> impl Strategy<Value = i64> {
        prop_oneof![
            any::<i64>(),
            -500_i64..500,
            (-50_i64..50).prop_map(|k| k << 40 | 1),
            (-50_i64..50).prop_map(|k| k << 40),
            (-90_i64..90).prop_map(|k| k * 7_000),
        ]
    }

    /// Keys on one grid: of steps that take up all of the range, too, as open cells of float lattices do.
    fn keys_on_a_grid() -> impl Strategy<Value = Vec<BTreeSet<i64>>> {
        let step = prop_oneof![Just(1_i64 << 42), Just(1 << 62), Just(i64::MAX), Just(3 << 41), 1_i64..5_000];
        (step, any::<i64>()).prop_flat_map(|(step, base)| {
            let key = any::<i64>().prop_map(move |k| base.wrapping_add(k.wrapping_mul(step)));
            let near = (-40_i64..40).prop_map(move |k| base.saturating_add(k.saturating_mul(step)));
            proptest::collection::vec(proptest::collection::btree_set(prop_oneof![key, near], 0..40), 0..6)
        })
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_the_sorted_keys(
            parts in prop_oneof![
                proptest::collection::vec(proptest::collection::btree_set(key(), 0..40), 0..6),
                keys_on_a_grid(),
            ],
        ) {
            let pack = |keys: &BTreeSet<i64>| Cells::pack(&keys.iter().map(|k| (*k, 1)).collect::<Vec<_>>());
            let packed: Vec<Cells> = parts.iter().map(pack).collect();
            let ranks = Ranks::over(packed.iter());
            let all: Vec<i64> = parts.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
            prop_assert_eq!(ranks.keys(), &all[..]);
            for (rank, key) in all.iter().enumerate() {
                prop_assert_eq!(ranks.rank(*key), rank);
            }
            let times = |key: &i64| parts.iter().filter(|part| part.contains(key)).count() as u64;
            prop_assert_eq!(Ranks::count(packed.iter()), all.iter().map(|key| (*key, times(key))).collect::<Vec<_>>());
        }
    }
}
