//! The discrete power law of integers.

use super::tail::Tail;
use super::{Side, TAIL_MIN, TestError};
use crate::histogram::Histogram;
use crate::special::ln_hurwitz_zeta;
use crate::sum::DoubleSum;

/// Exponents that are looked at.
const ALPHA_MIN: f64 = 1.0 + 1e-6;
const ALPHA_MAX: f64 = 50.0;

/// A discrete power law: `P(x) = x^-alpha / zeta(alpha, x_min)` for integers `x >= x_min`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DiscretePowerLaw {
    /// The exponent.
    pub alpha: f64,
    /// The logarithm of the likelihood at the maximum.
    pub log_likelihood: f64,
    /// Values at or above the start.
    pub k: u64,
}

/// Maximum likelihood of the discrete power law for the keys at or above `start`, taken as integers: steps of a tick lattice.
///
/// # Errors
/// [`TestError::NoTail`] for a start below 1; [`TestError::TooFewInTail`] for fewer than [`TAIL_MIN`] values; [`TestError::NoFit`]
/// where no exponent between 1 and 50 is the most likely one (all values on the start).
///
/// # Source
/// Clauset, Shalizi and Newman (2009), equation 3.5: the mean of `ln x` equals `-zeta'(alpha, x_min) / zeta(alpha, x_min)`, which
/// falls with alpha; found by halving, at most 200 times.
pub fn fit_power_law_discrete(histogram: &Histogram, start: i64) -> Result<DiscretePowerLaw, TestError> {
    let (side, tail) = (Side::First, Tail::Upper);
    if start < 1 {
        return Err(TestError::NoTail { side, tail, reason: "a discrete power law starts at 1 or above" });
    }
    let (mut k, mut sum) = (0_u64, DoubleSum::default());
    for &(key, count) in histogram.cells().iter().filter(|(key, _)| *key >= start) {
        k += count;
        // Over the start, so that nothing is lost where all values are large.
        sum.add_product(libm::log1p((key - start) as f64 / start as f64), count);
    }
    if k < TAIL_MIN {
        return Err(TestError::TooFewInTail { side, tail, n: k, n_min: TAIL_MIN });
    }
    let mean = sum.value() / k as f64;
    let from = start as f64;
    // Positive below the maximum.
    let slope = |alpha: f64| -ln_hurwitz_zeta(alpha, from).1 - libm::log(from) - mean;
    let (mut low, mut high) = (ALPHA_MIN, ALPHA_MAX);
    if !(slope(low) > 0.0 && slope(high) < 0.0) {
        return Err(TestError::NoFit { side, tail, reason: "no exponent between 1 and 50 is the most likely one" });
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if slope(middle) > 0.0 {
            low = middle
        } else {
            high = middle
        }
        if high - low <= 2.0 * f64::EPSILON * high {
            break;
        }
    }
    let alpha = 0.5 * (low + high);
    let log_likelihood = -(k as f64) * (ln_hurwitz_zeta(alpha, from).0 + alpha * (libm::log(from) + mean));
    Ok(DiscretePowerLaw { alpha, log_likelihood, k })
}
