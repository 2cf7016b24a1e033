//! The state behind every distributional test: how often each key of a lattice was seen.

mod cells;
mod grid;
mod pages;
mod positions;
mod ranks;
mod rows;
mod tally;
mod values;

pub use cells::{Cells, Iter};
pub(crate) use ranks::Ranks;
pub(crate) use rows::Rows;
pub use tally::Tally;
pub use values::ValueTally;

use crate::lattice::{Lattice, middle};
use crate::state::{DecodeError, Group, MergeError, Reader, State};
use crate::sum::DoubleSum;

/// Counts per key of one lattice: a commutative group under merging, exact.
///
/// It never mentions what it will be compared with, so any golden can be judged later against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    lattice: Lattice,
    /// Ascending keys, positive counts.
    cells: Vec<(i64, u64)>,
    count: u64,
}

/// A sum of values, with the interval that the true sum lies in when cells have a width.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ValueSum {
    /// The sum with every cell at its middle; the exact sum, rounded once, on an exact lattice.
    pub sum: f64,
    /// The sum with every cell at its lower end.
    pub lower: f64,
    /// The sum with every cell at its upper end.
    pub upper: f64,
}

impl Histogram {
    /// No observations.
    #[must_use]
    pub fn new(lattice: Lattice) -> Self {
        Self { lattice, cells: Vec::new(), count: 0 }
    }

    /// Counts `keys`, which are sorted in place.
    #[must_use]
    pub fn from_keys(lattice: Lattice, keys: &mut [i64]) -> Self {
        let mut cells = Vec::new();
        tally::sort_into_runs(keys, &mut cells);
        Self { lattice, cells, count: keys.len() as u64 }
    }

    /// Counts the values that have a key; the caller counts the others by [`Lattice::keys`].
    #[must_use]
    pub fn from_values(lattice: Lattice, values: &[f64]) -> Self {
        let mut keys = Vec::new();
        lattice.keys(values, &mut keys);
        Self::from_keys(lattice, &mut keys)
    }

    /// A histogram of (key, count) in any order; equal keys are added up, zero counts are dropped.
    ///
    /// # Errors
    /// [`MergeError::Overflow`] when the counts exceed u64.
    pub fn from_cells(lattice: Lattice, mut cells: Vec<(i64, u64)>) -> Result<Self, MergeError> {
        if !cells.is_sorted_by_key(|&(key, _)| key) {
            cells.sort_unstable_by_key(|&(key, _)| key);
        }
        let count = total(cells.iter().map(|&(_, count)| count)).ok_or(OVERFLOW)?;
        cells.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        cells.retain(|&(_, count)| count > 0);
        Ok(Self { lattice, cells, count })
    }

    /// The lattice of the keys.
    #[must_use]
    pub fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    /// (key, count), ascending keys, positive counts.
    #[must_use]
    pub fn cells(&self) -> &[(i64, u64)] {
        &self.cells
    }

    /// The number of observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// True without observations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// For each edge, how many observations have a key at or below it.
    ///
    /// # Panics
    /// When `edges` is not ascending.
    #[must_use]
    pub fn cumulative(&self, edges: &[i64]) -> Vec<u64> {
        assert!(edges.is_sorted(), "the edges of a cumulative count are ascending");
        let mut cells = self.cells.iter().peekable();
        let mut n_below = 0;
        edges
            .iter()
            .map(|&edge| {
                while let Some((_, count)) = cells.next_if(|&&(key, _)| key <= edge) {
                    n_below += count;
                }
                n_below
            })
            .collect()
    }

    /// The smallest key at which the cumulative count reaches `p` of all (the inverse of the empirical distribution
    /// function; SciPy's and NumPy's `inverted_cdf`, type 1 of Hyndman and Fan). `None` when empty or `p` is not in 0..=1.
    #[must_use]
    pub fn quantile_key(&self, p: f64) -> Option<i64> {
        if self.is_empty() || !(0.0..=1.0).contains(&p) {
            return None;
        }
        let rank = rank(p, self.count);
        let mut n_below = 0;
        let reached = self.cells.iter().find(|&&(_, count)| {
            n_below += count;
            n_below >= rank
        });
        reached.map(|&(key, _)| key)
    }

    /// The sum of all values with its certified interval, in the unit of the values.
    #[must_use]
    pub fn value_sum(&self) -> ValueSum {
        if let Some(sum) = self.exact_tick_sum() {
            return ValueSum { sum, lower: sum, upper: sum };
        }
        let (mut sum, mut lower, mut upper) = (DoubleSum::default(), DoubleSum::default(), DoubleSum::default());
        for &(key, count) in &self.cells {
            let bounds = self.lattice.bounds(key);
            sum.add_product(middle(bounds), count);
            lower.add_product(bounds.0, count);
            upper.add_product(bounds.1, count);
        }
        ValueSum { sum: sum.value(), lower: lower.value(), upper: upper.value() }
    }

    /// The sum of key * count in i128; `None` when it overflows.
    #[must_use]
    pub fn key_sum(&self) -> Option<i128> {
        self.cells.iter().try_fold(0_i128, |sum, &(key, count)| {
            i128::from(key).checked_mul(i128::from(count)).and_then(|term| sum.checked_add(term))
        })
    }

    fn exact_tick_sum(&self) -> Option<f64> {
        let Lattice::Ticks(ticks) = self.lattice else {
            return None;
        };
        // A sum beyond 2^53 is rounded once by the cast and once by the division.
        self.key_sum().map(|sum| sum as f64 / ticks.power())
    }

    /// Counts what many packed histograms hold together.
    ///
    /// # Errors
    /// [`MergeError::Overflow`] when the counts exceed u64.
    pub fn pooled<'a, I>(lattice: Lattice, parts: I) -> Result<Self, MergeError>
    where
        I: IntoIterator<Item = &'a Cells> + Clone,
        I::IntoIter: Clone,
    {
        let parts = || parts.clone().into_iter();
        let count = parts().try_fold(0_u64, |sum, part| sum.checked_add(part.count())).ok_or(OVERFLOW)?;
        Ok(Self { lattice, cells: Ranks::count(parts()), count })
    }

    /// Appends the cells without the lattice, for containers that store a lattice once for many histograms: the bytes of
    /// [`Cells`].
    pub fn encode_cells(&self, out: &mut Vec<u8>) {
        cells::encode(&self.cells, out);
    }

    /// Reads what [`Histogram::encode_cells`] wrote and nothing else.
    ///
    /// # Errors
    /// [`DecodeError`] for any other bytes, also for keys that the lattice does not have.
    pub fn decode_cells(lattice: Lattice, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(Self::FORMAT, bytes);
        let histogram = Self::read_cells(lattice, &mut reader)?;
        reader.finish()?;
        Ok(histogram)
    }

    fn read_cells(lattice: Lattice, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let cells = cells::read(reader)?;
        if cells.iter().any(|&(key, _)| !lattice.is_key(key)) {
            return Err(reader.invalid("key"));
        }
        let count = cells.iter().map(|&(_, count)| count).sum();
        Ok(Self { lattice, cells, count })
    }

    fn check_lattice(&self, other: &Self) -> Result<(), MergeError> {
        if self.lattice == other.lattice {
            return Ok(());
        }
        Err(MergeError::ParameterMismatch {
            state: Self::FORMAT,
            parameter: "lattice",
            left: self.lattice.id(),
            right: other.lattice.id(),
        })
    }
}

impl State for Histogram {
    const FORMAT: &'static str = "histogram/2";

    fn count(&self) -> u64 {
        self.count
    }

    fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        self.check_lattice(other)?;
        self.count = self.count.checked_add(other.count).ok_or(OVERFLOW)?;
        merge_cells(&mut self.cells, &other.cells);
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.lattice.encode(out);
        self.encode_cells(out);
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(Self::FORMAT, bytes);
        let lattice = Lattice::read(&mut reader)?;
        let histogram = Self::read_cells(lattice, &mut reader)?;
        reader.finish()?;
        Ok(histogram)
    }
}

impl Group for Histogram {
    fn subtract(&mut self, other: &Self) -> Result<(), MergeError> {
        self.check_lattice(other)?;
        let not_contained = MergeError::NotContained { state: Self::FORMAT, quantity: "a count" };
        let mut at = 0;
        for &(key, count) in &other.cells {
            at += self.cells[at..].partition_point(|&(own, _)| own < key);
            if self.cells.get(at).is_none_or(|&(own, own_count)| own != key || own_count < count) {
                return Err(not_contained);
            }
        }
        at = 0;
        for &(key, count) in &other.cells {
            at += self.cells[at..].partition_point(|&(own, _)| own < key);
            self.cells[at].1 -= count;
        }
        self.cells.retain(|&(_, count)| count > 0);
        self.count -= other.count;
        Ok(())
    }
}

/// The rank, from 1, of the `p`-quantile of `count` values, `count` positive.
pub(crate) fn rank(p: f64, count: u64) -> u64 {
    ((p * count as f64).ceil() as u64).clamp(1, count)
}

const OVERFLOW: MergeError = MergeError::Overflow { state: Histogram::FORMAT, quantity: "the number of observations" };

fn total(mut counts: impl Iterator<Item = u64>) -> Option<u64> {
    counts.try_fold(0_u64, u64::checked_add)
}

/// Adds sorted runs into sorted runs, in place: new keys are counted first, then both lists are merged from the back.
fn merge_cells(into: &mut Vec<(i64, u64)>, from: &[(i64, u64)]) {
    if into.last().is_none_or(|&(last, _)| from.first().is_some_and(|&(first, _)| last < first)) {
        into.extend_from_slice(from);
        return;
    }
    let mut at = 0;
    let n_new = from
        .iter()
        .filter(|&&(key, _)| {
            at += into[at..].iter().take_while(|&&(own, _)| own < key).count();
            into.get(at).is_none_or(|&(own, _)| own != key)
        })
        .count();
    let (mut left, mut right) = (into.len(), from.len());
    into.resize(left + n_new, (0, 0));
    for write in (0..into.len()).rev() {
        let Some(&(key, count)) = right.checked_sub(1).map(|i| &from[i]) else {
            break;
        };
        let own = left.checked_sub(1).map(|i| into[i]);
        into[write] = match own {
            Some((own_key, own_count)) if own_key > key => {
                left -= 1;
                (own_key, own_count)
            }
            Some((own_key, own_count)) if own_key == key => {
                (left, right) = (left - 1, right - 1);
                (key, own_count + count)
            }
            _ => {
                right -= 1;
                (key, count)
            }
        };
    }
}
