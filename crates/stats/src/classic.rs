//! Two-sample statistics of two histograms on one lattice, each in one pass over their cells.
//!
//! On an exact lattice (ticks, or 52 mantissa bits) a statistic is the field's number, equal to SciPy's. On a coarser one
//! it comes with a certified interval that holds the number of the raw values for sure. Differences are second minus
//! first. What is undefined is an error with its reason, never NaN. P-values take observations as independent, which
//! market messages are not: they are for reference.

mod anderson;
mod berk_jones;
mod binomial;
mod bins;
mod cramer;
mod cramer_law;
mod energy;
mod kolmogorov;
mod ks;
mod kuiper;
mod lmoments;
mod moments;
mod mwu;
mod pareto;
mod position;
mod power_law;
mod power_law_discrete;
mod power_law_rivals;
mod quantile;
mod shape;
mod tail;
mod wasserstein;

pub(crate) use anderson::TRIM;
pub use anderson::{AdMethod, AndersonDarling, ad};
pub use berk_jones::{BerkJones, berk_jones, exact_berk_jones_sf};
pub use binomial::{binomial_sf, clopper_pearson};
pub use bins::{BINS, ChiSquare, Divergence, PSI_BINS, bin_edges, chi2, js, kl, psi};
pub(crate) use bins::{bin_edges_of, js_term, kl_term};
pub use cramer::{CramerVonMises, CvmMethod, cvm};
pub use cramer_law::cramer_von_mises_sf;
pub use energy::{Energy, energy};
pub use kolmogorov::{exact_ks_sf, kolmogorov_sf};
pub use ks::{Ks, KsMethod, ks};
pub use kuiper::{Kuiper, kuiper, kuiper_sf};
pub use lmoments::{LMoments, l_kurtosis, l_moments, l_scale, l_skew};
pub use moments::{Ddof, MeanDifference, Moments, StdRatio, mean, mean_from, std, std_from};
pub use mwu::{MannWhitney, MwuMethod, mwu};
pub(crate) use pareto::ParetoEquations;
pub use pareto::{PARETO_SHARE, ParetoFit, TailContrast, fit_pareto, pareto, pareto_isf, pareto_threshold};
pub use power_law::{PowerLawFit, fit_power_law, power_law, power_law_start};
pub use power_law_discrete::{DiscretePowerLaw, fit_power_law_discrete};
pub use power_law_rivals::{LikelihoodRatio, Rivals, power_law_rivals};
pub use quantile::{QuantileDifference, quantile};
pub use shape::{kurtosis, skewness};
pub use tail::{HillDifference, TAIL_SHARE, Tail, TailRatio, hill, tail_quantile};
pub use wasserstein::{Wasserstein, w1};

use crate::histogram::Histogram;

/// Which of the two samples an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first argument, usually the golden.
    First,
    /// The second argument, usually the candidate.
    Second,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::Second => "second",
        })
    }
}

/// Why a statistic is undefined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TestError {
    /// The histograms have different lattices, so their keys mean different values.
    #[error("the samples lie on different lattices: {first} and {second}")]
    DifferentLattices {
        /// The first lattice's id.
        first: String,
        /// The second lattice's id.
        second: String,
    },
    /// A sample is too small for the statistic.
    #[error("the {side} sample has {n} observations, the statistic needs {n_min}")]
    TooFewObservations {
        /// The sample.
        side: Side,
        /// Its size.
        n: u64,
        /// The smallest size that would do.
        n_min: u64,
    },
    /// All values of a sample are equal, or lie in one cell, where a spread is needed.
    #[error("the {side} sample has no spread")]
    NoSpread {
        /// The sample.
        side: Side,
    },
    /// A probability outside 0..=1.
    #[error("a quantile needs a probability between 0 and 1")]
    InvalidProbability,
    /// All of a sample falls into one bin, where shares of bins are compared.
    #[error("the {side} sample falls into one bin")]
    OneBin {
        /// The sample.
        side: Side,
    },
    /// A sample has no tail on that side: its threshold has the wrong sign, or nothing lies beyond it.
    #[error("the {side} sample has no {tail} tail: {reason}")]
    NoTail {
        /// The sample.
        side: Side,
        /// Which tail.
        tail: Tail,
        /// What is missing.
        reason: &'static str,
    },
    /// A sample has too few values beyond a threshold for a fit of its tail.
    #[error("the {side} sample has {n} values in its {tail} tail, the statistic needs {n_min}")]
    TooFewInTail {
        /// The sample.
        side: Side,
        /// Which tail.
        tail: Tail,
        /// Values beyond the threshold.
        n: u64,
        /// The smallest number that would do.
        n_min: u64,
    },
    /// The likelihood of a model has no maximum for the tail of a sample.
    #[error("the {side} sample's {tail} tail has no fit: {reason}")]
    NoFit {
        /// The sample.
        side: Side,
        /// Which tail.
        tail: Tail,
        /// Why.
        reason: &'static str,
    },
    /// The result exceeds the range of f64.
    #[error("{statistic} exceeds the range of f64")]
    Overflow {
        /// The statistic.
        statistic: &'static str,
    },
}

/// Values that a model needs in a tail before it is fitted there.
pub const TAIL_MIN: u64 = 50;

/// A number of each sample, compared.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Contrast {
    /// The field's number of the second sample minus that of the first, or as the function says.
    pub statistic: f64,
    /// The statistic of the raw values lies in this interval for sure; an end is infinite where cells hide too much.
    pub certified: (f64, f64),
    /// 0 for equal samples; the statistic itself, or as the function says.
    pub effect: f64,
    /// The effect of the raw values lies in this interval for sure.
    pub effect_certified: (f64, f64),
    /// The number of the first sample.
    pub first: f64,
    /// The number of the second sample.
    pub second: f64,
}

impl Contrast {
    /// Second minus first, each with the ends of what its cells may hide.
    fn of_differences(first: (f64, (f64, f64)), second: (f64, (f64, f64))) -> Self {
        let statistic = second.0 - first.0;
        let certified = (second.1.0 - first.1.1, second.1.1 - first.1.0);
        Self { statistic, certified, effect: statistic, effect_certified: certified, first: first.0, second: second.0 }
    }
}

/// Checks that two histograms can be compared and that each has at least `n_min` observations.
fn check_pair(first: &Histogram, second: &Histogram, n_min: u64) -> Result<(), TestError> {
    if first.lattice() != second.lattice() {
        return Err(TestError::DifferentLattices { first: first.lattice().id(), second: second.lattice().id() });
    }
    for (side, histogram) in [(Side::First, first), (Side::Second, second)] {
        if histogram.count() < n_min {
            return Err(TestError::TooFewObservations { side, n: histogram.count(), n_min });
        }
    }
    Ok(())
}

/// Whether two samples of one lattice are the same: what their laws differ by is then known to be nothing.
fn are_equal(first: &Histogram, second: &Histogram) -> bool {
    std::ptr::eq(first, second) || first.cells() == second.cells()
}

/// Cumulative counts of both samples around one key that at least one of them has.
struct Step {
    key: i64,
    /// Observations of (first, second) with a smaller key.
    below: (u64, u64),
    /// Observations of (first, second) with at most this key.
    through: (u64, u64),
}

/// The keys of both histograms in ascending order with the cumulative counts.
fn steps<'a>(first: &'a Histogram, second: &'a Histogram) -> impl Iterator<Item = Step> + 'a {
    let (mut xs, mut ys) = (first.cells().iter().peekable(), second.cells().iter().peekable());
    let mut below = (0, 0);
    std::iter::from_fn(move || {
        let key = match (xs.peek(), ys.peek()) {
            (Some(&&(x, _)), Some(&&(y, _))) => x.min(y),
            (Some(&&(x, _)), None) => x,
            (None, Some(&&(y, _))) => y,
            (None, None) => return None,
        };
        let mut through = below;
        if let Some(&(_, count)) = xs.next_if(|&&(x, _)| x == key) {
            through.0 += count;
        }
        if let Some(&(_, count)) = ys.next_if(|&&(y, _)| y == key) {
            through.1 += count;
        }
        let step = Step { key, below, through };
        below = through;
        Some(step)
    })
}

/// `x - y`, rounded once.
fn difference(x: u128, y: u128) -> f64 {
    if x >= y { (x - y) as f64 } else { -((y - x) as f64) }
}

/// i/n - j/m as a fraction of integers: its sign and the numerator over n * m.
///
/// Comparing numerators instead of quotients keeps ties exact; a product of two u64 fits u128.
#[derive(Clone, Copy)]
struct Gap {
    n: u64,
    m: u64,
    denominator: f64,
}

impl Gap {
    fn of(first: &Histogram, second: &Histogram) -> Self {
        let (n, m) = (first.count(), second.count());
        Self { n, m, denominator: (u128::from(n) * u128::from(m)) as f64 }
    }

    /// Numerator of i/n - j/m where positive, else 0.
    fn above(self, i: u64, j: u64) -> u128 {
        (u128::from(i) * u128::from(self.m)).saturating_sub(u128::from(j) * u128::from(self.n))
    }

    /// Numerator of j/m - i/n where positive, else 0.
    fn under(self, i: u64, j: u64) -> u128 {
        (u128::from(j) * u128::from(self.n)).saturating_sub(u128::from(i) * u128::from(self.m))
    }

    fn absolute(self, i: u64, j: u64) -> u128 {
        self.above(i, j).max(self.under(i, j))
    }

    /// i/n - j/m, rounded once in its numerator.
    fn signed(self, i: u64, j: u64) -> f64 {
        let (first, second) = (u128::from(i) * u128::from(self.m), u128::from(j) * u128::from(self.n));
        if first >= second { self.quotient(first - second) } else { -self.quotient(second - first) }
    }

    /// The least and largest |F - G| that raw values between two edges can show: F and G rise from their values at the left
    /// edge to those at the right one, in any order.
    fn between(self, left: (u64, u64), right: (u64, u64)) -> (f64, f64) {
        let least = self.above(left.0, right.1).max(self.under(right.0, left.1));
        let most = self.above(right.0, left.1).max(self.under(left.0, right.1));
        (self.quotient(least), self.quotient(most))
    }

    /// The quotient, the only place that rounds.
    fn quotient(self, numerator: u128) -> f64 {
        // Most numerators fit u64, whose conversion is one instruction; both conversions round alike.
        let numerator = u64::try_from(numerator).map_or_else(|_| numerator as f64, |small| small as f64);
        numerator / self.denominator
    }
}
