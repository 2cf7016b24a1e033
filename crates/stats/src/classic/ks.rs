//! The two-sample Kolmogorov-Smirnov statistic.

use super::kolmogorov::{EXACT_STEPS_MAX, exact_ks_sf, kolmogorov_sf};
use super::{Gap, TestError, are_equal, check_pair, steps};
use crate::histogram::Histogram;

/// The largest difference between two distribution functions.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Ks {
    /// D = max |F - G| over the edges of the cells; over all values on an exact lattice.
    pub statistic: f64,
    /// D of the raw values lies in this interval for sure.
    pub certified: (f64, f64),
    /// The smallest value at which D is attained; where both signs attain it, the positive one counts (as in SciPy).
    pub location: f64,
    /// The key of that value.
    pub location_key: i64,
    /// +1 when the first sample's distribution function is the larger one there, else -1.
    pub sign: i8,
    /// Two-sided p-value for independent observations, for reference.
    pub p_value: f64,
    /// How the p-value was found.
    pub method: KsMethod,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// How a Kolmogorov-Smirnov p-value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KsMethod {
    /// By counting lattice paths: exact without ties, conservative with them.
    Exact,
    /// By Kolmogorov's limit law.
    Asymptotic,
}

/// Two-sample, two-sided Kolmogorov-Smirnov statistic of `first` against `second`.
///
/// The p-value is exact while n * m is at most 2^20, else Kolmogorov's limit law at sqrt(nm/(n+m)) D. DIFFERENCE:
/// SciPy's `auto` counts paths up to 10,000 observations and its `asymp` uses the one-sample law at round(nm/(n+m)).
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample.
///
/// # Source
/// Smirnov (1939). The certified interval: F and G are exact at every edge of a cell; inside a cell with masses on both
/// sides, F - G is at most F at its right end minus G at its left, and the other way round.
pub fn ks(first: &Histogram, second: &Histogram) -> Result<Ks, TestError> {
    check_pair(first, second, 1)?;
    let (gap, lattice) = (Gap::of(first, second), first.lattice());
    // Samples of points that are the same differ by nothing, and that from the first key on.
    let differ = if lattice.is_exact() && are_equal(first, second) { 1 } else { usize::MAX };
    // (numerator, key) of the largest positive and negative difference; the first of equal ones stays.
    let mut above: Option<(u128, i64)> = None;
    let mut under: Option<(u128, i64)> = None;
    let mut inside = 0;
    for step in steps(first, second).take(differ) {
        let (i, j) = step.through;
        let larger = |best: Option<(u128, i64)>, numerator: u128| match best {
            Some((most, _)) if most >= numerator => best,
            _ => Some((numerator, step.key)),
        };
        // A difference of zero counts as positive: SciPy reports sign +1 for equal samples.
        if gap.under(i, j) == 0 {
            above = larger(above, gap.above(i, j));
        } else {
            under = larger(under, gap.under(i, j));
        }
        let is_mixed = i > step.below.0 && j > step.below.1;
        if is_mixed && !lattice.is_point(step.key) {
            inside = inside.max(gap.above(i, step.below.1)).max(gap.under(step.below.0, j));
        }
    }
    // The last step has F = G = 1, hence `above` is never empty.
    let (most_above, key_above) = above.unwrap_or_default();
    let (numerator, location_key, sign) = match under {
        Some((most_under, key_under)) if most_under > most_above => (most_under, key_under, -1),
        _ => (most_above, key_above, 1),
    };
    let statistic = gap.quotient(numerator);
    let (n, m) = (gap.n, gap.m);
    let steps_exact = u128::from(n) * u128::from(m);
    let (p_value, method) = if steps_exact <= EXACT_STEPS_MAX {
        (exact_ks_sf(n, m, numerator), KsMethod::Exact)
    } else {
        let (n, m) = (n as f64, m as f64);
        (kolmogorov_sf((n * (m / (n + m))).sqrt() * statistic), KsMethod::Asymptotic)
    };
    Ok(Ks {
        statistic,
        certified: (statistic, statistic.max(gap.quotient(inside))),
        location: lattice.value(location_key),
        location_key,
        sign,
        p_value,
        method,
        n,
        m,
    })
}
