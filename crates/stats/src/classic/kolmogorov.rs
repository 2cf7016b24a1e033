//! Tails of the null distribution of the Kolmogorov-Smirnov statistic.

use std::f64::consts::PI;

/// Lattice points visited by the exact count: about 4 ms.
pub(super) const EXACT_STEPS_MAX: u128 = 1 << 20;

/// Terms of either series: the first one left out is below 1e-70 of the sum on its side of [`CROSSOVER`].
const TERMS: u32 = 6;
const CROSSOVER: f64 = 1.18;
/// exp(-2 x^2) underflows to zero from 19.4 on.
const ZERO_ABOVE: f64 = 20.0;

/// P(K > x) of Kolmogorov's limit law, K = lim sqrt(nm/(n+m)) D. 1 for x <= 0 and for NaN, so that a missing
/// statistic never looks significant.
///
/// # Source
/// Kolmogorov (1933): 2 sum (-1)^(k-1) exp(-2 k^2 x^2); below 1.18 its Jacobi transform, 1 - sqrt(2 pi)/x sum
/// exp(-(2k-1)^2 pi^2 / (8 x^2)), which converges there. Checked against mpmath (`vectors/kolmogorov_sf.csv`).
#[must_use]
pub fn kolmogorov_sf(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return 1.0;
    }
    if x < CROSSOVER {
        let step = -PI * PI / (8.0 * x * x);
        let sum: f64 = (0..TERMS).rev().map(|k| libm::exp(f64::from((2 * k + 1) * (2 * k + 1)) * step)).sum();
        // Clamped because x near 0 gives 0 * infinity in the factor: the sum is 0 then.
        return if sum > 0.0 { 1.0 - (2.0 * PI).sqrt() / x * sum } else { 1.0 };
    }
    if x > ZERO_ABOVE {
        return 0.0;
    }
    let first = exp_minus_two_squares(x);
    // Powers first^(k^2) of the rounded first term would multiply its error: each is taken anew, small ones matter less.
    let rest: f64 = (2..=TERMS)
        .rev()
        .map(|k| {
            let sign = if k % 2 == 0 { -1.0 } else { 1.0 };
            sign * exp_minus_two_squares(f64::from(k) * x)
        })
        .sum();
    2.0 * (first + rest)
}

/// exp(-2 x^2) with the square split, so that the rounding of a large exponent does not become a relative error.
pub(super) fn exp_minus_two_squares(x: f64) -> f64 {
    // The high part has 26 bits or less: its square is exact.
    let hi = f64::from_bits(x.to_bits() & 0xffff_ffff_f800_0000);
    libm::exp(-2.0 * hi * hi) * libm::exp(-2.0 * (x - hi) * (x + hi))
}

/// P(D >= numerator / (n m)) for two independent samples of sizes `n` and `m` from one continuous distribution.
///
/// Counts monotone lattice paths from (0, 0) to (n, m) that reach |i/n - j/m| >= D: `outside(i, j)`, the share of the paths
/// to (i, j) that did, is the mean of its two predecessors weighted by i and j. All terms are positive: no cancellation.
/// Takes n * m steps; callers bound that.
///
/// # Source
/// Hodges (1958), "The significance probability of the Smirnov two-sample test", inside method.
#[must_use]
pub fn exact_ks_sf(n: u64, m: u64, numerator: u128) -> f64 {
    if numerator == 0 {
        return 1.0;
    }
    let is_outside =
        |i: u64, j: u64| (u128::from(i) * u128::from(m)).abs_diff(u128::from(j) * u128::from(n)) >= numerator;
    let mut outside: Vec<f64> = Vec::new();
    // The first column has one path to each point: outside once it has crossed.
    outside.extend((0..=m).map(|j| f64::from(u8::from(is_outside(0, j)))));
    for i in 1..=n {
        let mut before = 0.0;
        for (j, share) in outside.iter_mut().enumerate() {
            let j = j as u64;
            *share = if is_outside(i, j) { 1.0 } else { (*share * i as f64 + before * j as f64) / (i + j) as f64 };
            before = *share;
        }
    }
    outside.last().copied().unwrap_or(1.0)
}
