//! Differences of quantiles.

use super::position::{extent, unit};
use super::{TestError, check_pair};
use crate::histogram::Histogram;

/// The difference of two quantiles, in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct QuantileDifference {
    /// Second quantile minus first quantile, with cells at their middle; exact on an exact lattice.
    pub statistic: f64,
    /// The difference of the raw values' quantiles lies in this interval for sure.
    pub certified: (f64, f64),
    /// The quantile of the first sample.
    pub quantile_first: f64,
    /// The quantile of the second sample.
    pub quantile_second: f64,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// The `p`-quantile of `second` minus that of `first`; definition: the inverse of the empirical distribution function
/// (NumPy's `inverted_cdf`), see [`Histogram::quantile_key`].
///
/// # Errors
/// [`TestError::InvalidProbability`], [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty
/// sample, [`TestError::Overflow`].
pub fn quantile(first: &Histogram, second: &Histogram, p: f64) -> Result<QuantileDifference, TestError> {
    check_pair(first, second, 1)?;
    let keys = first.quantile_key(p).zip(second.quantile_key(p));
    let (key_first, key_second) = keys.ok_or(TestError::InvalidProbability)?;
    let lattice = first.lattice();
    let (x, y, unit) = (extent(lattice, key_first), extent(lattice, key_second), unit(lattice));
    let statistic = y.middle.minus(x.middle) / unit;
    let certified = (y.lower.minus(x.upper) / unit, y.upper.minus(x.lower) / unit);
    if !(certified.0.is_finite() && certified.1.is_finite()) {
        return Err(TestError::Overflow { statistic: "the difference of quantiles" });
    }
    Ok(QuantileDifference {
        statistic,
        certified,
        quantile_first: lattice.value(key_first),
        quantile_second: lattice.value(key_second),
        n: first.count(),
        m: second.count(),
    })
}
