//! Tails: Hill's index and ratios of far quantiles.

use super::{Side, TestError, check_pair};
use crate::histogram::Histogram;
use crate::lattice::Lattice;
use crate::sum::DoubleSum;

/// Share of a sample beyond the threshold of its tail.
pub const TAIL_SHARE: f64 = 0.05;
/// The far quantile of [`tail_quantile`] has this share beyond it.
const FAR_SHARE: f64 = 0.01;

/// One of the two tails of a law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Large positive values.
    Upper,
    /// Large negative values.
    Lower,
}

impl Tail {
    /// The probabilities of the threshold and of the far quantile.
    #[must_use]
    pub fn probabilities(self) -> (f64, f64) {
        match self {
            Self::Upper => (1.0 - TAIL_SHARE, 1.0 - FAR_SHARE),
            Self::Lower => (TAIL_SHARE, FAR_SHARE),
        }
    }

    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upper => "upper",
            Self::Lower => "lower",
        }
    }
}

impl std::fmt::Display for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The difference of two Hill tail indices.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct HillDifference {
    /// Second index minus first index; also the effect: negative where the second tail is the heavier.
    pub statistic: f64,
    /// The difference of the raw values' indices lies in this interval for sure.
    pub certified: (f64, f64),
    /// Index of the first sample.
    pub index_first: f64,
    /// Index of the second sample.
    pub index_second: f64,
    /// Observations beyond the threshold, in (first, second).
    pub k: (u64, u64),
}

/// The log ratio of two ratios of quantiles.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TailRatio {
    /// ln of (q.99/q.95 of the second) over (q.99/q.95 of the first), q.01/q.05 for the lower tail; also the effect: positive
    /// where the second tail is the longer.
    pub statistic: f64,
    /// The value for the raw samples lies in this interval for sure.
    pub certified: (f64, f64),
    /// q.99/q.95 (q.01/q.05) of the first sample.
    pub ratio_first: f64,
    /// The same of the second sample.
    pub ratio_second: f64,
}

/// Hill's index of `second` minus that of `first`, each `k / sum ln(x_(i) / u)` over its k values beyond its own threshold u.
///
/// The rule for k: u is the sample's 95 % quantile (5 % for the lower tail; inverse of the distribution function), and the k
/// values strictly beyond it enter, at most 5 % of the sample. Without ties at u that is the estimator of Hill with k =
/// floor(0.05 n). On a lattice with cells each value stands at the middle of its cell; the certified interval moves every
/// value and the threshold to the ends of their cells, and counts the values of the threshold's own cell in or out.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample, [`TestError::NoTail`] when the
/// threshold is not beyond zero on the tail's side or no value lies beyond it.
///
/// # Source
/// Hill (1975), "A simple general approach to inference about the tail of a distribution".
pub fn hill(first: &Histogram, second: &Histogram, tail: Tail) -> Result<HillDifference, TestError> {
    check_pair(first, second, 1)?;
    let (x, y) = (Excess::of(first, tail, Side::First)?, Excess::of(second, tail, Side::Second)?);
    let statistic = y.index - x.index;
    let certified =
        if first.lattice().is_exact() { (statistic, statistic) } else { (y.least - x.most, y.most - x.least) };
    Ok(HillDifference { statistic, certified, index_first: x.index, index_second: y.index, k: (x.k, y.k) })
}

/// Rounding of an index on a lattice with cells, relative and generous.
const ROUNDING: f64 = 1e-12;

struct Excess {
    k: u64,
    index: f64,
    least: f64,
    most: f64,
}

impl Excess {
    fn of(histogram: &Histogram, tail: Tail, side: Side) -> Result<Self, TestError> {
        let no_tail = |reason| TestError::NoTail { side, tail, reason };
        let (p, _) = tail.probabilities();
        let key = histogram.quantile_key(p).ok_or(no_tail("it is empty"))?;
        let lattice = histogram.lattice();
        let threshold = Sizes::of(lattice, key, tail).ok_or(no_tail("its threshold does not lie beyond zero"))?;
        let beyond = |k: i64| if tail == Tail::Upper { k > key } else { k < key };
        let (mut k, mut up_to) = (0_u64, 0_u64);
        let (mut sum, mut least, mut most) = (DoubleSum::default(), DoubleSum::default(), DoubleSum::default());
        for &(at, count) in histogram.cells() {
            if !beyond(at) {
                up_to += count;
                continue;
            }
            // Beyond a threshold of the tail's sign, so of that sign too.
            let Some(value) = Sizes::of(lattice, at, tail) else { continue };
            k += count;
            sum.add_product(log_ratio(value.middle, threshold.middle), count);
            least.add_product(log_ratio(value.inner, threshold.outer).max(0.0), count);
            most.add_product(log_ratio(value.outer, threshold.inner), count);
        }
        let total = sum.value();
        if k == 0 || total <= 0.0 {
            return Err(no_tail("no value lies beyond its threshold"));
        }
        // Values of the threshold's own cell that may lie beyond the raw threshold: those not needed to reach its rank.
        let reached = crate::histogram::rank(p, histogram.count());
        let within = match tail {
            Tail::Upper => up_to.saturating_sub(reached),
            Tail::Lower => reached.saturating_sub(1).saturating_sub(k),
        };
        let own = if lattice.is_point(key) { 0 } else { within } as f64;
        let width = log_ratio(threshold.outer, threshold.inner);
        let n = k as f64;
        let mean_least = least.value() / (n + own);
        let mean_most = (most.value() / n).max((most.value() + own * width) / (n + own));
        Ok(Self {
            k,
            index: n / total,
            least: (1.0 - ROUNDING) / mean_most,
            most: if mean_least > 0.0 { (1.0 + ROUNDING) / mean_least } else { f64::INFINITY },
        })
    }
}

/// The size of a key's values: at their middle, at the end near zero, at the end far from it.
pub(super) struct Sizes {
    pub(super) middle: f64,
    pub(super) inner: f64,
    pub(super) outer: f64,
}

impl Sizes {
    /// `None` where the key's values are not all on the tail's side of zero.
    pub(super) fn of(lattice: &Lattice, key: i64, tail: Tail) -> Option<Self> {
        let ((lower, upper), middle) = (lattice.bounds(key), lattice.value(key));
        let sizes = match tail {
            Tail::Upper => Self { middle, inner: lower, outer: upper },
            Tail::Lower => Self { middle: -middle, inner: -upper, outer: -lower },
        };
        (sizes.inner > 0.0 && sizes.outer.is_finite()).then_some(sizes)
    }
}

/// ln(x / y) for positive values; near 1 without the rounding of the quotient.
pub(super) fn log_ratio(x: f64, y: f64) -> f64 {
    let excess = (x - y) / y;
    if excess > -0.5 && excess < 1.0 { libm::log1p(excess) } else { libm::log(x) - libm::log(y) }
}

/// How much longer the tail of `second` is: the log ratio of q.99/q.95 (lower tail: q.01/q.05) of both samples; quantiles are the
/// inverse of the distribution function.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample, [`TestError::NoTail`] when the near
/// quantile is not beyond zero on the tail's side.
pub fn tail_quantile(first: &Histogram, second: &Histogram, tail: Tail) -> Result<TailRatio, TestError> {
    check_pair(first, second, 1)?;
    let length = |histogram: &Histogram, side: Side| {
        let no_tail = |reason| TestError::NoTail { side, tail, reason };
        let (near, far) = tail.probabilities();
        let sizes = |p: f64| histogram.quantile_key(p).and_then(|key| Sizes::of(histogram.lattice(), key, tail));
        let near = sizes(near).ok_or(no_tail("its threshold does not lie beyond zero"))?;
        let far = sizes(far).ok_or(no_tail("its far quantile does not lie beyond zero"))?;
        Ok((
            log_ratio(far.middle, near.middle),
            log_ratio(far.inner, near.outer).max(0.0),
            log_ratio(far.outer, near.inner),
        ))
    };
    let (x, x_least, x_most) = length(first, Side::First)?;
    let (y, y_least, y_most) = length(second, Side::Second)?;
    let statistic = y - x;
    let certified =
        if first.lattice().is_exact() { (statistic, statistic) } else { (y_least - x_most, y_most - x_least) };
    Ok(TailRatio { statistic, certified, ratio_first: libm::exp(x), ratio_second: libm::exp(y) })
}
