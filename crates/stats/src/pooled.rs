//! Distances of two samples on bins that both make together, as LOB-Bench and NumPy define them.
//!
//! A sample is a list of [`Cell`]s, its distinct finite values with their counts; [`Pooled`] holds two of them side by side. Bins
//! follow from both samples at once ([`Bins`]), so that a distance changes with either of them in more than one way. What is
//! undefined is an error with its reason, never NaN.

mod bins;
mod cells;
mod summary;

pub use bins::{Bins, EqualBins};
pub use cells::{Cell, count, merge};
pub use summary::{Summary, summary};

use crate::sum::DoubleSum;

/// Why a distance on pooled bins is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PooledError {
    /// A sample without finite values.
    #[error("the {0} sample has no values")]
    Empty(&'static str),
    /// The pooled sample has no spread to standardise by.
    #[error("all values of both samples are equal: there is nothing to standardise by")]
    NoSpread,
    /// The bins would be narrower than neighbouring floats, or more than 2^32.
    #[error("the middle half of the values is so narrow beside their range that there are too many bins")]
    TooManyBins,
    /// Values whose differences are beyond the range of f64.
    #[error("the values are beyond the range of f64")]
    Overflow,
}

/// Two samples at the distinct values of both.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    values: Vec<f64>,
    counts: [Vec<u64>; 2],
    totals: [u64; 2],
}

impl Pooled {
    /// Two samples of ascending cells.
    ///
    /// # Errors
    /// [`PooledError::Empty`] where one has none.
    pub fn new(first: &[Cell], second: &[Cell]) -> Result<Self, PooledError> {
        let mut pooled = Self { values: Vec::new(), counts: Default::default(), totals: [0; 2] };
        pooled.values.reserve(first.len().max(second.len()));
        let (mut xs, mut ys) = (first.iter().peekable(), second.iter().peekable());
        loop {
            let value = match (xs.peek(), ys.peek()) {
                (Some(x), Some(y)) => x.0.min(y.0),
                (Some(x), None) => x.0,
                (None, Some(y)) => y.0,
                (None, None) => break,
            };
            pooled.values.push(value);
            for (side, cells) in [&mut xs, &mut ys].into_iter().enumerate() {
                let here = cells.next_if(|cell| cell.0 <= value).map_or(0, |cell| cell.1);
                pooled.counts[side].push(here);
                pooled.totals[side] += here;
            }
        }
        match pooled.totals {
            [0, _] => Err(PooledError::Empty("first")),
            [_, 0] => Err(PooledError::Empty("second")),
            _ => Ok(pooled),
        }
    }

    /// The distinct values of both, ascending.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Values of (first, second).
    pub fn totals(&self) -> (u64, u64) {
        (self.totals[0], self.totals[1])
    }

    /// Both counts together at each distinct value.
    fn both(&self) -> impl Iterator<Item = u64> + '_ {
        self.counts[0].iter().zip(&self.counts[1]).map(|(x, y)| x + y)
    }

    /// Quantiles of both samples together at ascending probabilities in 0..=1, interpolated between neighbours as NumPy does by
    /// default (`method="linear"`).
    pub fn quantiles(&self, probabilities: &[f64]) -> Vec<f64> {
        let last = self.totals[0] + self.totals[1] - 1;
        let places = probabilities.iter().map(|p| last as f64 * p.clamp(0.0, 1.0));
        let lows = || places.clone().map(|place| (libm::floor(place) as u64).min(last));
        let below = self.at(lows());
        let above = self.at(lows().map(|low| (low + 1).min(last)));
        let weights = places.clone().zip(lows()).map(|(place, low)| place - low as f64);
        below.into_iter().zip(above).zip(weights).map(|((a, b), weight)| between(a, b, weight)).collect()
    }

    /// The values at ascending places of both samples together, counted from 0.
    fn at(&self, places: impl Iterator<Item = u64>) -> Vec<f64> {
        let mut cells = self.values.iter().zip(self.both());
        let (mut value, mut through) = (0.0, 0_u64);
        let mut of_place = |place| {
            // Ends with the cells, whatever is asked for.
            while through <= place {
                let Some((next, count)) = cells.next() else { break };
                value = *next;
                through += count;
            }
            value
        };
        places.map(&mut of_place).collect()
    }

    /// Mean and standard deviation (ddof 1) of both samples together.
    ///
    /// # Errors
    /// [`PooledError::NoSpread`] where all values are equal, [`PooledError::Overflow`].
    pub fn moments(&self) -> Result<(f64, f64), PooledError> {
        if self.values.len() < 2 {
            return Err(PooledError::NoSpread);
        }
        let n = (self.totals[0] + self.totals[1]) as f64;
        let mut sum = DoubleSum::default();
        for (value, count) in self.values.iter().zip(self.both()) {
            sum.add_product(*value, count);
        }
        let mean = sum.divided_by(n);
        let mut squares = DoubleSum::default();
        for (value, count) in self.values.iter().zip(self.both()) {
            let residual = mean.residual_of(*value);
            squares.add_product(residual * residual, count);
        }
        let std = libm::sqrt(squares.value() / (n - 1.0));
        if !(std.is_finite() && mean.value().is_finite()) {
            return Err(PooledError::Overflow);
        }
        if std > 0.0 { Ok((mean.value(), std)) } else { Err(PooledError::NoSpread) }
    }

    /// Half the sum over bins of the difference of shares; `bin_of` holds the bin of each distinct value, ascending. As
    /// LOB-Bench's `l1`.
    pub fn total_variation(&self, bin_of: &[u64]) -> f64 {
        let [n, m] = self.totals.map(u128::from);
        let mut sum = DoubleSum::default();
        let mut here = [0_u64; 2];
        let mut close = |here: [u64; 2]| {
            let difference = (u128::from(here[0]) * m).abs_diff(u128::from(here[1]) * n);
            sum.add(difference as f64);
        };
        let mut bin = None;
        for ((own, x), y) in bin_of.iter().zip(&self.counts[0]).zip(&self.counts[1]) {
            if bin.replace(*own) != Some(*own) {
                close(core::mem::take(&mut here));
            }
            here = [here[0] + x, here[1] + y];
        }
        close(here);
        0.5 * sum.value() / (n * m) as f64
    }

    /// The first Wasserstein distance, in the unit of the values.
    pub fn w1(&self) -> f64 {
        let [n, m] = self.totals.map(u128::from);
        let (mut sum, mut below) = (DoubleSum::default(), [0_u64; 2]);
        for (i, pair) in self.values.windows(2).enumerate() {
            below = [below[0] + self.counts[0][i], below[1] + self.counts[1][i]];
            let gap = (u128::from(below[0]) * m).abs_diff(u128::from(below[1]) * n);
            if gap > 0 {
                sum.add(gap as f64 * (pair[1] - pair[0]));
            }
        }
        sum.value() / (n * m) as f64
    }
}

/// The point at `weight` between two values, rounded as NumPy rounds it.
fn between(below: f64, above: f64, weight: f64) -> f64 {
    let difference = above - below;
    if weight >= 0.5 { above - difference * (1.0 - weight) } else { below + difference * weight }
}

#[cfg(test)]
mod tests;
