//! The two-sample Berk-Jones statistic.

use super::bins::kl_term;
use super::{Gap, TestError, check_pair, difference, steps};
use crate::histogram::Histogram;

/// The largest likelihood ratio between two distribution functions.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BerkJones {
    /// The largest of `n K(F, H) + m K(G, H)` over the edges of the cells, H the pooled distribution function; over all values on an
    /// exact lattice.
    pub statistic: f64,
    /// The statistic of the raw values lies in this interval for sure.
    pub certified: (f64, f64),
    /// The smallest value at which it is attained.
    pub location: f64,
    /// The key of that value.
    pub location_key: i64,
    /// P-value for independent observations, for reference, as [`exact_berk_jones_sf`] finds it: exact without ties, conservative with
    /// them; `None` for samples too large to count.
    pub p_value: Option<f64>,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// Two-sample Berk-Jones statistic: unlike Kolmogorov-Smirnov's, it weighs a difference of distribution functions by how unlikely it is
/// where it stands, so that it sees the tails.
///
/// `K(p, q) = p ln(p / q) + (1 - p) ln((1 - p) / (1 - q))`. At each value, `n K(F, H) + m K(G, H)` is half of the likelihood-ratio
/// statistic of the table of (sample, below or above); with m much larger than n it becomes the one-sample `n K(F, G)`.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample.
///
/// # Source
/// Berk and Jones (1979), "Goodness-of-fit test statistics that dominate the Kolmogorov statistics", for one sample and a known law;
/// here each sample against the pooled one, as Jager and Wellner (2007) take the supremum of phi-divergences. SciPy has none: checked
/// against mpmath (`vectors/berk_jones.csv`). The certified interval: the statistic is convex in both counts, so that inside a cell it is
/// at most its value where all of one sample comes before all of the other.
pub fn berk_jones(first: &Histogram, second: &Histogram) -> Result<BerkJones, TestError> {
    check_pair(first, second, 1)?;
    let (ratio, lattice) = (Ratio::of(Gap::of(first, second)), first.lattice());
    let (mut statistic, mut location_key, mut inside) = (-1.0, 0, 0.0_f64);
    for step in steps(first, second) {
        let (i, j) = step.through;
        let here = ratio.at(i, j);
        if here > statistic {
            (statistic, location_key) = (here, step.key);
        }
        let is_mixed = i > step.below.0 && j > step.below.1;
        if is_mixed && !lattice.is_point(step.key) {
            inside = inside.max(ratio.at(i, step.below.1)).max(ratio.at(step.below.0, j));
        }
    }
    let Gap { n, m, .. } = ratio.gap;
    Ok(BerkJones {
        statistic,
        certified: (statistic, statistic.max(inside)),
        location: lattice.value(location_key),
        location_key,
        p_value: exact_berk_jones_sf(n, m, statistic),
        n,
        m,
    })
}

/// `n K(F, H) + m K(G, H)` as a function of the counts below.
#[derive(Clone, Copy)]
struct Ratio {
    gap: Gap,
    total: u128,
}

impl Ratio {
    fn of(gap: Gap) -> Self {
        Self { gap, total: u128::from(gap.n) + u128::from(gap.m) }
    }

    /// A sum of positive terms, one a cell of the table: nothing cancels where the samples agree.
    fn at(self, i: u64, j: u64) -> f64 {
        let below = u128::from(i) + u128::from(j);
        let above = self.total - below;
        if below == 0 || above == 0 {
            return 0.0;
        }
        let Gap { n, m, .. } = self.gap;
        let apart = difference(u128::from(i) * u128::from(m), u128::from(j) * u128::from(n));
        let (n, m, total) = (n as f64, m as f64, self.total as f64);
        let (below, above) = (below as f64, above as f64);
        let of = |size: f64, apart: f64| {
            let terms = kl_term(below / total, apart / size / below) + kl_term(above / total, -apart / size / above);
            size * terms
        };
        of(n, apart) + of(m, -apart)
    }
}

/// Lattice points visited by the exact count, at most: about 100 ms.
const STEPS_MAX: u64 = 1 << 24;
/// Largest size of a sample for the exact count.
const SIZE_MAX: u64 = 1 << 18;
/// Two tables of one likelihood ratio are one value, however their logarithms are rounded.
const TIE: f64 = 1e-11;

/// P(BJ >= statistic) for two independent samples of sizes `n` and `m` from one continuous distribution; `None` where that takes too long
/// to count: for samples of more than some 30,000 values each. 1 for a statistic of 0 or below, and for NaN.
///
/// Counts monotone lattice paths from (0, 0) to (n, m) as [`super::exact_ks_sf`] does. The points at which the ratio stays below the
/// statistic are those between two rising curves, since it is convex: only they are visited.
///
/// # Source
/// Hodges (1958), "The significance probability of the Smirnov two-sample test", inside method, with another boundary.
#[must_use]
pub fn exact_berk_jones_sf(n: u64, m: u64, statistic: f64) -> Option<f64> {
    if statistic.is_nan() || statistic <= 0.0 {
        return Some(1.0);
    }
    if n.max(m) > SIZE_MAX {
        return None;
    }
    let ratio = Ratio::of(Gap { n, m, denominator: 1.0 });
    let is_inside = |i: u64, j: u64| ratio.at(i, j) < statistic * (1.0 - TIE);
    // Shares of paths that were outside, of the points of the row before from `from_before` on, and of this row from `from` on.
    let (mut before, mut row): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let (mut from_before, mut from, mut to) = (0, 0, 0);
    let mut n_steps = 0;
    for i in 0..=n {
        // The ratio falls from either side to the middle of the row, which lies between these two points.
        let middle = (i * m).checked_div(n).unwrap_or(0);
        let end = (middle + 1).min(m);
        while from <= end && !is_inside(i, from) {
            from += 1;
        }
        if from > end {
            return Some(1.0);
        }
        to = to.max(from);
        while to < m && is_inside(i, to + 1) {
            to += 1;
        }
        n_steps += to - from + 1;
        if n_steps > STEPS_MAX {
            return None;
        }
        row.clear();
        let mut left = 1.0;
        for j in from..=to {
            let above = j.checked_sub(from_before).and_then(|at| before.get(at as usize)).copied().unwrap_or(1.0);
            left = if i + j == 0 { 0.0 } else { (above * i as f64 + left * j as f64) / (i + j) as f64 };
            row.push(left);
        }
        std::mem::swap(&mut before, &mut row);
        from_before = from;
    }
    // The last point of the last row is (n, m), which is inside.
    before.last().copied()
}
