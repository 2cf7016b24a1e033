//! Profiles of many values at a time.

use super::ColumnProfile;
use crate::lattice::ordered;
use crate::sample::mix64;

/// An entry of a sample, see [`ColumnProfile`].
type Entry = (u64, i64);

/// Fills a [`ColumnProfile`], batch by batch: nearly every value of a long column costs a hash and a comparison.
#[derive(Debug, Clone)]
pub struct ColumnProfiler {
    /// All but the sample.
    profile: ColumnProfile,
    /// The sample of what has been sorted in, ascending.
    sample: Vec<(Entry, u64)>,
    /// Entries that may belong to it.
    pending: Vec<Entry>,
    /// The largest hash that may.
    hash_max: u64,
}

impl ColumnProfiler {
    /// An empty profile of at most `capacity` sampled entries.
    ///
    /// # Panics
    /// When `capacity` is zero.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        let profile = ColumnProfile::new(capacity);
        Self { profile, sample: Vec::new(), pending: Vec::new(), hash_max: u64::MAX }
    }

    /// Adds observations: values with the hashes of their times, see [`time_hash`].
    pub fn extend(&mut self, time_hashes: &[u64], values: &[f64]) {
        let capacity = self.profile.capacity as usize;
        let mut n_finite = 0;
        for (&time_hash, &value) in time_hashes.iter().zip(values) {
            let key = ordered(value);
            let hash = mix64(time_hash.wrapping_add(key as u64));
            n_finite += u64::from(value.is_finite());
            if hash <= self.hash_max && value.is_finite() {
                self.pending.push((hash, key));
                if self.pending.len() >= capacity {
                    self.sort_in();
                }
            }
        }
        self.profile.n_non_finite += values.len().min(time_hashes.len()) as u64 - n_finite;
        self.profile.grid.extend(values);
    }

    /// Adds missing observations.
    pub fn extend_nulls(&mut self, n: u64) {
        self.profile.n_null += n;
    }

    /// The profile.
    #[must_use]
    pub fn finish(mut self) -> ColumnProfile {
        self.sort_in();
        self.profile.sample = self.sample.into_iter().collect();
        self.profile.note_last();
        self.profile
    }

    /// Merges what is pending into the sample, and cuts it to its capacity.
    fn sort_in(&mut self) {
        let capacity = self.profile.capacity as usize;
        self.pending.sort_unstable_by_key(|&(hash, _)| hash);
        self.sample.extend(self.pending.drain(..).map(|entry| (entry, 1)));
        // The stable sort finds the two ascending runs and merges them.
        self.sample.sort_by_key(|&((hash, _), _)| hash);
        // Comparing hashes alone is faster, and equal ones are rare.
        for equal in self.sample.chunk_by_mut(|a, b| a.0.0 == b.0.0).filter(|equal| equal.len() > 1) {
            equal.sort_unstable_by_key(|&(entry, _)| entry);
        }
        self.sample.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        self.sample.truncate(capacity);
        if let Some(&((hash, _), _)) = self.sample.last().filter(|_| self.sample.len() == capacity) {
            self.hash_max = hash;
        }
    }
}

/// What [`ColumnProfiler::extend`] takes for a time; with it an observation is sampled by [`super::value_hash`].
#[inline]
#[must_use]
pub fn time_hash(time_ns: i64) -> u64 {
    mix64(time_ns as u64)
}
