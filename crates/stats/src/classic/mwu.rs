//! The Mann-Whitney U statistic.

use super::{TestError, are_equal, check_pair, steps};
use crate::histogram::Histogram;
use crate::special::normal_sf;
use crate::sum::DoubleSum;

/// How often a value of the second sample exceeds one of the first.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MannWhitney {
    /// U of the second sample: pairs (x, y) with x < y, ties counting half; SciPy's `mannwhitneyu(second, first).statistic`.
    pub statistic: f64,
    /// U of the raw values lies in this interval for sure.
    pub certified: (f64, f64),
    /// P(X < Y) + P(X = Y)/2 - 1/2 for x of the first and y of the second sample: 0 for equal laws, between -1/2 and 1/2,
    /// positive where the second sample is the larger.
    pub effect: f64,
    /// The effect of the raw values lies in this interval for sure.
    pub effect_certified: (f64, f64),
    /// Two-sided p-value for independent observations, for reference.
    pub p_value: f64,
    /// How the p-value was found.
    pub method: MwuMethod,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// How a Mann-Whitney p-value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MwuMethod {
    /// From the exact law of U, without ties and with at most 8 observations on a side.
    Exact,
    /// From the normal law, with continuity and tie correction.
    Asymptotic,
}

/// The exact law is taken up to this many observations of the smaller sample, as SciPy's `method='auto'` does.
const EXACT_SIDE_MAX: u64 = 8;
/// And up to this many pairs: some milliseconds, and all counts fit u128.
const EXACT_PAIRS_MAX: u128 = 1 << 20;

/// Mann-Whitney U test of `second` against `first`, two-sided.
///
/// DIFFERENCE: SciPy's `auto` takes the exact law whenever a sample has at most 8 values and nothing ties; here the two sizes
/// must also multiply to at most 2^20, beyond which SciPy's own recursion takes hours.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample.
///
/// # Source
/// Mann and Whitney (1947); tie correction of Lehmann (1975), as in SciPy's `mannwhitneyu(use_continuity=True)`. The certified
/// interval: pairs inside a cell that is not a point may lie either way.
pub fn mwu(first: &Histogram, second: &Histogram) -> Result<MannWhitney, TestError> {
    check_pair(first, second, 1)?;
    let (n, m, lattice) = (first.count(), second.count(), first.lattice());
    if are_equal(first, second) {
        return Ok(equal(first));
    }
    // Pairs with x < y, pairs in one key, and those of them whose key is not a point: each at most nm, so u128 holds them.
    let (mut less, mut equal, mut unsure) = (0_u128, 0_u128, 0_u128);
    let mut ties = DoubleSum::default();
    let mut has_ties = false;
    for step in steps(first, second) {
        let (a, b) = (step.through.0 - step.below.0, step.through.1 - step.below.1);
        less += u128::from(b) * u128::from(step.below.0);
        let pairs = u128::from(a) * u128::from(b);
        equal += pairs;
        if !lattice.is_point(step.key) {
            unsure += pairs;
        }
        let l = a as f64 + b as f64;
        has_ties |= l > 1.5;
        ties.add(l * (l - 1.0) * (l + 1.0));
    }
    let pairs = u128::from(n) * u128::from(m);
    let greater = pairs - less - equal;
    let statistic = less as f64 + 0.5 * equal as f64;
    let slack = 0.5 * unsure as f64;
    let denominator = pairs as f64;
    // (less - greater) / 2nm: exactly 0 for equal samples, and one rounding elsewhere.
    let effect = 0.5 * super::difference(less, greater) / denominator;
    let is_exact = n.min(m) <= EXACT_SIDE_MAX && !has_ties && pairs <= EXACT_PAIRS_MAX;
    let (p_value, method) = if is_exact {
        (exact_two_sided(n, m, less.max(greater)), MwuMethod::Exact)
    } else {
        (
            asymptotic_two_sided(n as f64, m as f64, super::difference(less, greater), ties.value()),
            MwuMethod::Asymptotic,
        )
    };
    Ok(MannWhitney {
        statistic,
        certified: (statistic - slack, statistic + slack),
        effect,
        effect_certified: (effect - slack / denominator, effect + slack / denominator),
        p_value,
        method,
        n,
        m,
    })
}

/// The statistic of a sample against itself. Every value ties with one, so there is no exact law, and nothing is more usual.
fn equal(sample: &Histogram) -> MannWhitney {
    let (n, lattice) = (sample.count(), sample.lattice());
    let pairs = u128::from(n) * u128::from(n);
    let (mut equal, mut unsure) = (0_u128, 0_u128);
    for &(key, count) in sample.cells() {
        let own = u128::from(count) * u128::from(count);
        equal += own;
        unsure += if lattice.is_point(key) { 0 } else { own };
    }
    let less = (pairs - equal) / 2;
    let statistic = less as f64 + 0.5 * equal as f64;
    let slack = 0.5 * unsure as f64;
    let reach = slack / pairs as f64;
    MannWhitney {
        statistic,
        certified: (statistic - slack, statistic + slack),
        effect: 0.0,
        effect_certified: (0.0 - reach, 0.0 + reach),
        p_value: 1.0,
        method: MwuMethod::Asymptotic,
        n,
        m: n,
    }
}

/// `2 P(U >= u)`, at most 1, from the number of lattice paths with each U.
///
/// The counts are the coefficients of the Gaussian binomial prod_{i <= k} (1 - q^(l+i)) / (1 - q^i) with k the smaller size.
/// Intermediate coefficients may be negative or large; modulo 2^128 they are exact, and the final ones fit.
fn exact_two_sided(n: u64, m: u64, u: u128) -> f64 {
    let (small, large) = (n.min(m) as usize, n.max(m) as usize);
    let top = small * large;
    let mut counts = vec![0_u128; top + 1];
    counts[0] = 1;
    for i in 1..=small {
        let power = large + i;
        for at in (power..=top).rev() {
            counts[at] = counts[at].wrapping_sub(counts[at - power]);
        }
        for at in i..=top {
            counts[at] = counts[at].wrapping_add(counts[at - i]);
        }
    }
    // U is symmetric about half of `top`: the upper tail is the lower one, of the small counts.
    let from = usize::try_from(u).unwrap_or(top + 1);
    let tail: u128 = counts.iter().take((top + 1).saturating_sub(from)).sum();
    let total: u128 = counts.iter().sum();
    (2.0 * (tail as f64 / total as f64)).min(1.0)
}

/// `twice` is U of one sample minus U of the other, twice the distance of U from its mean.
fn asymptotic_two_sided(n: f64, m: f64, twice: f64, ties: f64) -> f64 {
    let total = n + m;
    let variance = n * m / 12.0 * ((total + 1.0) - ties / (total * (total - 1.0)));
    let distance = 0.5 * twice.abs() - 0.5;
    if distance <= 0.0 || variance <= 0.0 {
        return 1.0;
    }
    (2.0 * normal_sf(distance / variance.sqrt())).min(1.0)
}
