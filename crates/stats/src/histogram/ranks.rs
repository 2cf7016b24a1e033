//! Distinct keys of many packed histograms in ascending order: near ones are marked in a bit each, far ones are listed.

use super::cells::Cells;
use super::positions::Positions;
use crate::divisor::gcd;

/// Positions that have a bit: all cells of a float lattice of 10 bits, whose values on both sides of zero are far from each other. With
/// their ranks 2 MiB at most, of which little is touched. Keys beyond are few: the tail of a law.
const NEAR: usize = 1 << 23;

/// The keys seen so far.
pub(crate) struct Marks {
    positions: Positions,
    near: Vec<Word>,
    far: FarCells<i64>,
}

/// Where a key is marked.
pub(crate) enum Place {
    /// At its position.
    Near(usize),
    /// In the list of those that have none.
    Far(i64),
}

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

/// Keys that have no position, or their cells, in any order.
struct FarCells<C> {
    cells: Vec<C>,
    /// So many at most before equal keys are joined.
    most: usize,
}

/// What is held of a far key.
trait FarCell: Copy + Default {
    fn key(&self) -> i64;

    /// Takes up what else was seen of its key.
    fn join(&mut self, other: &Self);
}

impl FarCell for i64 {
    #[inline]
    fn key(&self) -> i64 {
        *self
    }

    #[inline]
    fn join(&mut self, _: &Self) {}
}

impl FarCell for (i64, u64) {
    #[inline]
    fn key(&self) -> i64 {
        self.0
    }

    #[inline]
    fn join(&mut self, other: &Self) {
        self.1 = self.1.saturating_add(other.1);
    }
}

/// Cells that are joined at first.
const JOINED: usize = 1 << 17;

impl<C: FarCell> FarCells<C> {
    fn new() -> Self {
        Self { cells: Vec::new(), most: JOINED }
    }

    #[inline]
    fn add(&mut self, cell: C) {
        if self.cells.len() >= self.most {
            self.join();
        }
        self.cells.push(cell);
    }

    /// Sorts by key and joins equal keys; the next time is when there are twice as many.
    #[cold]
    fn join(&mut self) {
        sort(&mut self.cells);
        self.cells.dedup_by(|next, kept| {
            let same = next.key() == kept.key();
            if same {
                kept.join(next);
            }
            same
        });
        self.most = (2 * self.cells.len()).max(JOINED);
    }

    fn sorted(mut self) -> Vec<C> {
        self.join();
        self.cells
    }
}

/// Bits of keys that are sorted by at once.
const DIGIT: u32 = 11;
/// Fewer cells are sorted by comparing them.
const FEW: usize = 1 << 12;

/// Sorts by key. Keys are whole numbers, mostly of a small range: digit after digit, from the lowest that differ on.
fn sort<C: FarCell>(cells: &mut Vec<C>) {
    let (mut least, mut most, mut used) = (i64::MAX, i64::MIN, 0_u64);
    let first = cells.first().map_or(0, C::key);
    for cell in cells.iter() {
        let key = cell.key();
        (least, most) = (least.min(key), most.max(key));
        used |= (key ^ first) as u64;
    }
    if cells.len() < FEW {
        cells.sort_unstable_by_key(C::key);
        return;
    }
    // Keys agree in the bits below: so do their distances from the least.
    let shift = used.trailing_zeros().min(63);
    let bits = 64 - (most.wrapping_sub(least) as u64 >> shift).leading_zeros();
    let mut sorted = vec![C::default(); cells.len()];
    for low in (0..bits).step_by(DIGIT as usize) {
        let digit = |cell: &C| (cell.key().wrapping_sub(least) as u64 >> shift >> low) as usize & ((1 << DIGIT) - 1);
        let mut places = [0_usize; 1 << DIGIT];
        for cell in cells.iter() {
            places[digit(cell)] += 1;
        }
        let mut before = 0;
        for place in &mut places {
            before += core::mem::replace(place, before);
        }
        for cell in cells.iter() {
            let place = &mut places[digit(cell)];
            sorted[*place] = *cell;
            *place += 1;
        }
        core::mem::swap(cells, &mut sorted);
    }
}

/// Positions that have a counter: 16 MiB at most.
const COUNTED: usize = 1 << 21;

impl Marks {
    /// Nothing seen yet, on a grid for the keys of `parts`.
    pub(crate) fn on_grid_of<'a>(parts: impl Iterator<Item = &'a Cells>) -> Self {
        Self { positions: grid_over(parts), near: Vec::new(), far: FarCells::new() }
    }

    /// Marks the keys of a histogram, and hands out each with its count, ascending.
    #[inline(always)]
    pub(crate) fn visit(&mut self, cells: &Cells, mut visit: impl FnMut(Place, u64)) {
        let Self { positions, near, far } = self;
        cells.visit_on(positions, |place, count| {
            match place {
                Place::Near(position) => {
                    if position / 64 >= near.len() {
                        near.resize((position / 64 + 1).next_power_of_two(), Word::default());
                    }
                    near[position / 64].bits |= 1 << (position % 64);
                }
                Place::Far(key) => far.add(key),
            }
            visit(place, count);
        });
    }

    /// The places of what was marked.
    pub(crate) fn ranks(self) -> Ranks {
        let Self { positions, mut near, far } = self;
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
        let far = Far::new(far.sorted(), &keys);
        let is_mixed = far.keys.first().zip(keys.last()).is_some_and(|(far, near)| far < near);
        keys.extend(&far.keys);
        if is_mixed {
            keys.sort_unstable();
        }
        Ranks { positions, near, far, is_mixed, keys }
    }
}

impl Ranks {
    /// Ascending (key, count) of what all `parts` hold together, read once.
    pub(crate) fn count<'a>(parts: impl Iterator<Item = &'a Cells> + Clone) -> Vec<(i64, u64)> {
        let positions = grid_over(parts.clone());
        let mut near: Vec<u64> = Vec::new();
        let mut far = FarCells::new();
        let positions = positions.at_most(COUNTED as u64);
        for part in parts {
            part.visit_on(&positions, |place, count| match place {
                Place::Near(position) => {
                    if position >= near.len() {
                        near.resize((position + 1).next_power_of_two(), 0);
                    }
                    near[position] = near[position].saturating_add(count);
                }
                Place::Far(key) => far.add((key, count)),
            });
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
    pub(crate) fn into_keys(self) -> Vec<i64> {
        self.keys
    }

    /// How many keys lie below the one at this position, which is marked.
    #[inline(always)]
    pub(crate) fn of_near(&self, position: usize) -> usize {
        let Some(word) = self.near.get(position / 64) else { return 0 };
        let below = word.bits & ((1 << (position % 64)) - 1);
        let near = word.before as usize + below.count_ones() as usize;
        if !self.is_mixed {
            return near;
        }
        let key = self.positions.key(position);
        near + self.far.keys.partition_point(|k| *k < key)
    }

    /// How many keys lie below this one, which is marked and has no position.
    pub(crate) fn of_far(&self, key: i64) -> usize {
        self.far.rank(key)
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
        fn far_cells_are_sorted_and_joined(
            keys in proptest::collection::vec((key(), 1_u64..9), 0..300),
            times in 1_usize..40,
        ) {
            // Often more than are sorted by comparing them.
            let (mut cells, mut alone) = (FarCells::<(i64, u64)>::new(), FarCells::<i64>::new());
            let mut want = std::collections::BTreeMap::new();
            for (key, count) in keys.iter().cycle().take(keys.len() * times) {
                cells.add((*key, *count));
                alone.add(*key);
                *want.entry(*key).or_insert(0) += count;
            }
            prop_assert_eq!(alone.sorted(), want.keys().copied().collect::<Vec<_>>());
            prop_assert_eq!(cells.sorted(), want.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn ranks_are_those_of_the_sorted_keys(
            parts in prop_oneof![
                proptest::collection::vec(proptest::collection::btree_set(key(), 0..40), 0..6),
                keys_on_a_grid(),
            ],
        ) {
            let pack = |keys: &BTreeSet<i64>| Cells::pack(&keys.iter().map(|k| (*k, 1)).collect::<Vec<_>>());
            let packed: Vec<Cells> = parts.iter().map(pack).collect();
            let mut marks = Marks::on_grid_of(packed.iter());
            let mut seen: Vec<(i64, Option<usize>)> = Vec::new();
            for (cells, part) in packed.iter().zip(&parts) {
                let mut keys = part.iter();
                marks.visit(cells, |place, _| {
                    let position = if let Place::Near(position) = place { Some(position) } else { None };
                    seen.extend(keys.next().map(|key| (*key, position)));
                });
                prop_assert_eq!(keys.next(), None);
            }
            let ranks = marks.ranks();
            let all: Vec<i64> = parts.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
            for (key, position) in seen {
                let rank = position.map_or_else(|| ranks.of_far(key), |position| ranks.of_near(position));
                prop_assert_eq!(all.get(rank), Some(&key));
            }
            prop_assert_eq!(ranks.into_keys(), all.clone());
            let times = |key: &i64| parts.iter().filter(|part| part.contains(key)).count() as u64;
            prop_assert_eq!(Ranks::count(packed.iter()), all.iter().map(|key| (*key, times(key))).collect::<Vec<_>>());
        }
    }
}
