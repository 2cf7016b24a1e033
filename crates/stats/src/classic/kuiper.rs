//! The two-sample Kuiper statistic.

use std::f64::consts::PI;

use super::{Gap, TestError, check_pair, steps};
use crate::histogram::Histogram;

/// The sum of the largest differences of two distribution functions in both directions.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Kuiper {
    /// V = max (F - G) + max (G - F) over the edges of the cells; over all values on an exact lattice. Also the effect: 0 for
    /// equal laws, at most 1.
    pub statistic: f64,
    /// V of the raw values lies in this interval for sure.
    pub certified: (f64, f64),
    /// P-value of Kuiper's limit law at sqrt(nm/(n+m)) V for independent observations, for reference; conservative with ties
    /// and for few observations.
    pub p_value: f64,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// Two-sample Kuiper statistic: unlike Kolmogorov-Smirnov's it sees a change of spread as well as one of location, and it does
/// not depend on where a circle (a time of day) is cut.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample.
///
/// # Source
/// Kuiper (1960), "Tests concerning random points on a circle". SciPy has no such test; the statistic is checked against
/// `max(F - G) + max(G - F)` from SciPy's one-sided `ks_2samp`. The certified interval is that of [`super::ks`], direction by
/// direction.
pub fn kuiper(first: &Histogram, second: &Histogram) -> Result<Kuiper, TestError> {
    check_pair(first, second, 1)?;
    let (gap, lattice) = (Gap::of(first, second), first.lattice());
    let (mut above, mut under) = (0, 0);
    let (mut above_inside, mut under_inside) = (0, 0);
    for step in steps(first, second) {
        let (i, j) = step.through;
        above = above.max(gap.above(i, j));
        under = under.max(gap.under(i, j));
        let is_mixed = i > step.below.0 && j > step.below.1;
        if is_mixed && !lattice.is_point(step.key) {
            above_inside = above_inside.max(gap.above(i, step.below.1));
            under_inside = under_inside.max(gap.under(step.below.0, j));
        }
    }
    let sum = |a: u128, b: u128| (gap.quotient(a) + gap.quotient(b)).min(1.0);
    let statistic = sum(above, under);
    let (n, m) = (gap.n as f64, gap.m as f64);
    Ok(Kuiper {
        statistic,
        certified: (statistic, sum(above.max(above_inside), under.max(under_inside))),
        p_value: kuiper_sf((n * (m / (n + m))).sqrt() * statistic),
        n: gap.n,
        m: gap.m,
    })
}

/// Terms of either series: the first one left out is below 1e-60 of the sum on its side of [`CROSSOVER`].
const TERMS: u32 = 8;
const CROSSOVER: f64 = 1.2;
/// exp(-2 x^2) underflows to zero from 19.4 on.
const ZERO_ABOVE: f64 = 20.0;

/// P(K > x) of Kuiper's limit law, K = lim sqrt(nm/(n+m)) V. 1 for x <= 0 and for NaN.
///
/// # Source
/// Kuiper (1960): 2 sum (4 k^2 x^2 - 1) exp(-2 k^2 x^2); below 1.2 its Jacobi transform, 1 - sqrt(2 pi) pi^2 / x^3 sum k^2
/// exp(-k^2 pi^2 / (2 x^2)). Checked against mpmath (`vectors/tails.csv`).
#[must_use]
pub fn kuiper_sf(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return 1.0;
    }
    if x < CROSSOVER {
        let step = -PI * PI / (2.0 * x * x);
        let sum: f64 = (1..=TERMS).rev().map(|k| f64::from(k * k) * libm::exp(f64::from(k * k) * step)).sum();
        // The sum is 0 where the factor overflows.
        return if sum > 0.0 { (1.0 - (2.0 * PI).sqrt() * PI * PI / (x * x * x) * sum).max(0.0) } else { 1.0 };
    }
    if x > ZERO_ABOVE {
        return 0.0;
    }
    let terms = (1..=TERMS).rev().map(|k| {
        let kx = f64::from(k) * x;
        (4.0 * kx * kx - 1.0) * super::kolmogorov::exp_minus_two_squares(kx)
    });
    (2.0 * terms.sum::<f64>()).min(1.0)
}
