//! What must be known of a golden column to choose its lattice.

mod choose;
mod profiler;

pub use choose::choose_lattice;
pub use profiler::{ColumnProfiler, time_hash};

use crate::lattice::{Ticks, ordered, unordered};
use crate::sample::mix64;
use crate::state::{Carry, DecodeError, MergeError, Reader, State, put_i64, put_u64};
use std::collections::BTreeMap;

/// The largest decimal scale that is tried.
pub const SCALE_MAX: u8 = 9;
/// A bit per scale 0..=9: all values seen are integers of 10^-scale.
const ALL_SCALES: u16 = (1 << (SCALE_MAX + 1)) - 1;

/// The decimal grids that all finite values of a column lie on: all that its lattice depends on where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecimalGrid {
    n_finite: u64,
    scales: u16,
}

impl Default for DecimalGrid {
    fn default() -> Self {
        Self { n_finite: 0, scales: ALL_SCALES }
    }
}

impl DecimalGrid {
    /// The number of finite values.
    #[must_use]
    pub fn n_finite(&self) -> u64 {
        self.n_finite
    }

    /// The smallest k in 0..=9 such that every finite value is an integer of 10^-k with a magnitude below 2^53 of them;
    /// `None` when there is no such k or no value.
    #[must_use]
    pub fn scale(&self) -> Option<u8> {
        let is_known = self.n_finite > 0 && self.scales != 0;
        is_known.then(|| self.scales.trailing_zeros() as u8)
    }

    /// Adds values.
    pub fn extend(&mut self, values: &[f64]) {
        self.n_finite += values.iter().filter(|value| value.is_finite()).count() as u64;
        // A column that is no decimal shows it soon, and this ends.
        for &value in values.iter().filter(|value| value.is_finite()) {
            if self.scales == 0 {
                break;
            }
            self.scales &= scales_of(value, self.scales);
        }
    }

    /// Adds the values of another part of the column.
    pub fn join(&mut self, other: Self) {
        self.n_finite = self.n_finite.saturating_add(other.n_finite);
        self.scales &= other.scales;
    }
}

impl Carry for DecimalGrid {
    fn save(&self, out: &mut Vec<u8>) {
        (self.n_finite, u64::from(self.scales)).save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut found = (0_u64, 0_u64);
        found.load(input)?;
        let scales = u16::try_from(found.1).ok().filter(|scales| scales & !ALL_SCALES == 0);
        *self = Self { n_finite: found.0, scales: scales.ok_or_else(|| input.invalid("scales"))? };
        Ok(())
    }
}

/// A bottom-k-by-hash sample of a column with its multiplicities, the decimal grids it lies on, and what is not a number.
///
/// Nothing in it depends on how the column is cut or in which order its parts are merged: an entry is sampled by its hash,
/// and equal entries are counted. Why the multiplicities are exact: an entry that leaves has `capacity` smaller ones before
/// it, which stay, so an entry that is in the end sampled was in every part's sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnProfile {
    capacity: u32,
    grid: DecimalGrid,
    n_null: u64,
    n_non_finite: u64,
    /// (hash, ordered value) to multiplicity, the `capacity` smallest.
    sample: BTreeMap<(u64, i64), u64>,
    /// The largest of a full sample: what ranks behind it is left out at once.
    last: Option<(u64, i64)>,
}

impl ColumnProfile {
    /// The default number of entries: a cell of 2^-12 of the column holds about 16 of them.
    pub const DEFAULT_CAPACITY: u32 = 1 << 16;

    /// An empty profile of at most `capacity` sampled entries.
    ///
    /// # Panics
    /// When `capacity` is zero.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        assert!(capacity > 0, "a sample keeps at least one value");
        let sample = BTreeMap::new();
        Self { capacity, grid: DecimalGrid::default(), n_null: 0, n_non_finite: 0, sample, last: None }
    }

    /// Adds one observation. `hash` says whether it is sampled and must come from its content, see [`value_hash`].
    pub fn push(&mut self, hash: u64, value: f64) {
        if !value.is_finite() {
            self.n_non_finite += 1;
            return;
        }
        self.grid.n_finite += 1;
        if self.grid.scales != 0 {
            self.grid.scales &= scales_of(value, self.grid.scales);
        }
        self.offer((hash, ordered(value)), 1);
    }

    /// Adds one missing observation.
    pub fn push_null(&mut self) {
        self.n_null += 1;
    }

    /// The number of nulls.
    #[must_use]
    pub fn n_null(&self) -> u64 {
        self.n_null
    }

    /// The number of NaN and infinities.
    #[must_use]
    pub fn n_non_finite(&self) -> u64 {
        self.n_non_finite
    }

    /// Their number of decimal places, see [`DecimalGrid::scale`].
    #[must_use]
    pub fn decimal_scale(&self) -> Option<u8> {
        self.grid.scale()
    }

    /// The sampled values with their multiplicities, ascending by value; equal values are added up.
    #[must_use]
    pub fn sampled_values(&self) -> Vec<(f64, u64)> {
        self.sampled_ordered().into_iter().map(|(key, count)| (unordered(key), count)).collect()
    }

    fn sampled_ordered(&self) -> Vec<(i64, u64)> {
        let mut values: Vec<(i64, u64)> = self.sample.iter().map(|(&(_, key), &count)| (key, count)).collect();
        values.sort_unstable();
        values.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        values
    }

    /// Adds an entry unless it ranks behind a full sample.
    fn offer(&mut self, entry: (u64, i64), count: u64) {
        if self.last.is_some_and(|last| entry > last) {
            return;
        }
        // Counts cannot overflow: they add up to at most n_finite.
        *self.sample.entry(entry).or_insert(0) += count;
        if self.sample.len() > self.capacity as usize {
            self.sample.pop_last();
        }
        self.note_last();
    }

    fn note_last(&mut self) {
        let is_full = self.sample.len() == self.capacity as usize;
        self.last = self.sample.last_key_value().map(|(&last, _)| last).filter(|_| is_full);
    }
}

/// The hash that samples a value of a column with times: equal observations (same time, same value) share it and are
/// counted together. For a column without times use one constant time.
#[must_use]
pub fn value_hash(time_ns: i64, value: f64) -> u64 {
    mix64(time_hash(time_ns).wrapping_add(ordered(value) as u64))
}

/// The scales among `candidates` on whose grid the value lies.
fn scales_of(value: f64, candidates: u16) -> u16 {
    let on_grid = |scale: u8| candidates & (1 << scale) != 0 && Ticks::new(scale).key(value).is_some();
    (0..=SCALE_MAX).filter(|&scale| on_grid(scale)).fold(0, |scales, scale| scales | 1 << scale)
}

impl State for ColumnProfile {
    const FORMAT: &'static str = "column-profile/1";

    /// The number of finite values.
    fn count(&self) -> u64 {
        self.grid.n_finite
    }

    fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if self.capacity != other.capacity {
            return Err(MergeError::ParameterMismatch {
                state: Self::FORMAT,
                parameter: "capacity",
                left: self.capacity.to_string(),
                right: other.capacity.to_string(),
            });
        }
        let add = |a: u64, b: u64| {
            a.checked_add(b).ok_or(MergeError::Overflow { state: Self::FORMAT, quantity: "a number of observations" })
        };
        let n_finite = add(self.grid.n_finite, other.grid.n_finite)?;
        let n_null = add(self.n_null, other.n_null)?;
        let n_non_finite = add(self.n_non_finite, other.n_non_finite)?;
        (self.grid.n_finite, self.n_null, self.n_non_finite) = (n_finite, n_null, n_non_finite);
        self.grid.scales &= other.grid.scales;
        for (&entry, &count) in &other.sample {
            self.offer(entry, count);
        }
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, u64::from(self.capacity));
        for count in
            [self.grid.n_finite, self.n_null, self.n_non_finite, u64::from(self.grid.scales), self.sample.len() as u64]
        {
            put_u64(out, count);
        }
        let mut last = 0;
        for (&(hash, key), &count) in &self.sample {
            put_u64(out, hash - last);
            put_i64(out, key);
            put_u64(out, count);
            last = hash;
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(Self::FORMAT, bytes);
        let capacity = u32::try_from(reader.u64("capacity")?).ok().filter(|&capacity| capacity > 0);
        let mut profile = Self::new(capacity.ok_or_else(|| reader.invalid("capacity"))?);
        profile.grid.n_finite = reader.u64("number of finite values")?;
        profile.n_null = reader.u64("number of nulls")?;
        profile.n_non_finite = reader.u64("number of non-finite values")?;
        let scales = u16::try_from(reader.u64("scales")?).ok().filter(|scales| scales & !ALL_SCALES == 0);
        profile.grid.scales = scales.ok_or_else(|| reader.invalid("scales"))?;
        let n_entries = reader.length("sample", 3)?;
        let (mut hash, mut n_sampled) = (0_u64, 0_u64);
        for _ in 0..n_entries {
            hash = hash.checked_add(reader.u64("hash")?).ok_or_else(|| reader.invalid("hash"))?;
            let entry = (hash, reader.i64("value")?);
            let count = reader.u64("multiplicity")?;
            let is_ordered = profile.sample.last_key_value().is_none_or(|(&last, _)| last < entry);
            let is_value = ordered(unordered(entry.1)) == entry.1;
            if !is_ordered || !is_value || count == 0 {
                return Err(reader.invalid("sample"));
            }
            n_sampled = n_sampled.checked_add(count).ok_or_else(|| reader.invalid("multiplicity"))?;
            profile.sample.insert(entry, count);
        }
        // A sample that is not full holds everything.
        let is_full = n_entries == profile.capacity as usize;
        let is_complete = n_sampled == profile.grid.n_finite || (is_full && n_sampled < profile.grid.n_finite);
        let scales_known = profile.grid.n_finite > 0 || profile.grid.scales == ALL_SCALES;
        if n_entries > profile.capacity as usize || !is_complete || !scales_known {
            return Err(reader.invalid("sample"));
        }
        reader.finish()?;
        profile.note_last();
        Ok(profile)
    }
}
