//! Bins that follow from both samples.

use super::{Pooled, PooledError};

/// How the values of two samples are put into bins; a value belongs to the bin of the last edge at or below it.
#[derive(Debug, Clone, PartialEq)]
pub enum Bins {
    /// A bin for each distinct value.
    Values,
    /// Equally wide bins by the rule of Freedman and Diaconis (1981), as NumPy's `histogram_bin_edges(..., "fd")` has them.
    FreedmanDiaconis,
    /// Bins between the pooled deciles: of more than two equal deciles two are kept, and the second is moved up by 0.01.
    Deciles,
    /// Bins between these ascending edges.
    Edges(Vec<f64>),
}

/// Equally wide bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EqualBins {
    /// Lower end of the first.
    pub first: f64,
    /// Upper end of the last.
    pub last: f64,
    /// How many there are.
    pub bins: u64,
}

/// Bins at most: NumPy would need 32 GiB for the edges of as many.
const BINS_MAX: f64 = 4_294_967_296.0;
/// By how much the second of two equal deciles is moved up.
const APART: f64 = 1e-2;

impl EqualBins {
    /// Edge `i`, 0 to `bins`, rounded as NumPy's `linspace` rounds it.
    pub fn edge(&self, i: u64) -> f64 {
        if i >= self.bins { self.last } else { i as f64 * self.step() + self.first }
    }

    fn step(&self) -> f64 {
        (self.last - self.first) / self.bins as f64
    }

    /// Edges at or below a value from `first` to `last`: its bin.
    pub fn bin_of(&self, x: f64) -> u64 {
        let guess = libm::floor((x - self.first) / self.step()).clamp(0.0, self.bins as f64) as u64;
        let mut below = guess;
        // The quotient is off by one at most; two more steps are tried, since nothing is lost by them.
        for _ in 0..3 {
            if below < self.bins && self.edge(below + 1) <= x {
                below += 1;
            } else if below > 0 && self.edge(below) > x {
                below -= 1;
            }
        }
        below + 1
    }
}

impl Pooled {
    /// The bin of each distinct value.
    ///
    /// # Errors
    /// [`PooledError::TooManyBins`], [`PooledError::Overflow`].
    pub fn bins(&self, bins: &Bins) -> Result<Vec<u64>, PooledError> {
        Ok(match bins {
            Bins::Values => (0..self.values().len() as u64).collect(),
            Bins::FreedmanDiaconis => {
                let bins = self.freedman_diaconis()?;
                self.values().iter().map(|x| bins.bin_of(*x)).collect()
            }
            Bins::Deciles => self.between(&self.deciles()),
            Bins::Edges(edges) => self.between(edges),
        })
    }

    /// Equally wide bins of twice the pooled interquartile range over the cube root of the number of values, from the smallest
    /// value to the largest.
    ///
    /// # Errors
    /// [`PooledError::TooManyBins`] where NumPy refuses too, or needs more memory than there is; [`PooledError::Overflow`].
    pub fn freedman_diaconis(&self) -> Result<EqualBins, PooledError> {
        let (n, m) = self.totals();
        let (Some(&first), Some(&last)) = (self.values().first(), self.values().last()) else {
            return Err(PooledError::Empty("pooled"));
        };
        if first >= last {
            // NumPy gives a single value a bin of width 1.
            return Ok(EqualBins { first: first - 0.5, last: last + 0.5, bins: 1 });
        }
        if !(last - first).is_finite() {
            return Err(PooledError::Overflow);
        }
        let quartiles = self.quantiles(&[0.25, 0.75]);
        let width = 2.0 * (quartiles[1] - quartiles[0]) * libm::pow((n + m) as f64, -1.0 / 3.0);
        if width <= 0.0 {
            return Ok(EqualBins { first, last, bins: 1 });
        }
        let bins = libm::ceil((last - first) / width);
        let smallest_step = first.abs().max(last.abs()) * f64::EPSILON;
        if bins > BINS_MAX || (last - first) / bins <= smallest_step {
            return Err(PooledError::TooManyBins);
        }
        Ok(EqualBins { first, last, bins: bins as u64 })
    }

    /// The pooled deciles as edges, ascending.
    pub fn deciles(&self) -> Vec<f64> {
        // As NumPy's `arange(0.1, 1.0, 0.1)` has them.
        let probabilities: Vec<f64> = (0..9).map(|i| 0.1 + f64::from(i) * 0.1).collect();
        let mut edges: Vec<f64> = Vec::new();
        let mut equal = 0;
        let mut last = f64::NAN;
        for x in self.quantiles(&probabilities) {
            equal = if x.to_bits() == last.to_bits() { equal + 1 } else { 0 };
            last = x;
            match equal {
                0 => edges.push(x),
                1 => edges.push(x + APART),
                _ => {}
            }
        }
        edges.sort_by(f64::total_cmp);
        edges
    }

    /// How many of the ascending edges are at or below each distinct value.
    fn between(&self, edges: &[f64]) -> Vec<u64> {
        let mut below = 0;
        let of_value = |x: &f64| {
            while edges.get(below).is_some_and(|edge| edge <= x) {
                below += 1;
            }
            below as u64
        };
        self.values().iter().map(of_value).collect()
    }
}
