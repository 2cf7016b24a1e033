//! Intervals and verdict numbers for effects between two sides, from per-window histograms alone.
//!
//! Messages of one stream depend on each other, inside a window and across windows. The noise of an effect is therefore
//! taken from how the *windows* of a side scatter about their own law: the residuals are projected on a few cosines (an
//! orthonormal-series long-run variance), inflated for the autocorrelation the cosines cannot see, and mixed with a
//! chi-square for the small number of cosines (fixed-smoothing asymptotics). The lower end of an effect is the estimate
//! minus a quantile of the norm of the simulated error, valid for every seminorm and every true effect, 0 included; the
//! upper end is pointwise, an intersection-union test.
//!
//! [`Comparison::new`] arranges two sides under a [`Design`]; [`Comparison::judge`] gives one effect its interval and the
//! numbers beside it; [`compare_moments`] does the same for means and smooth functions of window sums. A verdict over many
//! findings needs [`holm`].
//!
//! ```
//! use verismo_stats::judging::{Comparison, Design, Effect, Options, Outcome, Window};
//! use verismo_stats::histogram::Cells;
//! let cells: Vec<Cells> = (0..40_u64).map(|w| Cells::pack(&[(1, 50 + w % 3), (2, 50), (5, 20 + w % 5)])).collect();
//! let side: Vec<Window> = cells.iter().enumerate().map(|(w, cells)| Window::new(w as i64, cells)).collect();
//! let comparison = Comparison::new(&side, &side, Design::Independent, &Options::default())?;
//! let Outcome::Judged(judged) = comparison.judge(Effect::Ks, 0.05, &|key| key as f64)? else { panic!("40 windows are enough") };
//! assert!(judged.lower <= 0.0 && judged.upper < 0.05 && judged.is_inside(0.05));
//! # Ok::<(), verismo_stats::judging::JudgingError>(())
//! ```

mod arrange;
mod binned;
mod bits;
mod blame;
mod coarse;
mod comparison;
mod curve;
mod edges;
mod effect;
mod ends;
mod functional;
mod gram;
mod heterogeneity;
pub mod laws;
mod memory;
mod moments;
mod multiplicity;
mod noise;
mod online;
mod panels;
mod quantile;
mod random;
mod rare;
mod replicate;
mod resolution;
mod scalar;
mod scores;
#[cfg(test)]
mod shortcut_tests;
mod stretches;
mod table;
#[cfg(test)]
mod vector_tests;

pub use blame::{Blame, Excess, Gap, StratumBlame, WindowBlame};
pub use comparison::{Comparison, NoiseSummary, SideNoise};
pub use curve::{CurvePoint, Law};
pub use ends::Ends;
pub use functional::{CustomLaw, LawFunctional, LawStatistic, ValueLaw};
pub use heterogeneity::Heterogeneity;
pub use moments::{Functional, MomentWindow, compare_moments};
pub use multiplicity::{benjamini_hochberg, benjamini_yekutieli, holm, replicates_for};
pub use online::{OnlineDetector, OnlineOptions, OnlineStatus};
pub use panels::{PanelNorm, PanelOutcome, PanelStatistic, PanelWindow, Reading, Rows, compare_panels};
pub use rare::compare_occurrence;
pub use stretches::{PooledStretch, StretchDistance};

use crate::classic::Tail;
use crate::histogram::Cells;
use std::borrow::Cow;

/// Windows needed on a side (pairs, when paired) before an interval is given.
pub const WINDOWS_MIN: usize = 12;

/// Name of the recipe; part of the content every replicate weight depends on.
pub const RECIPE: &str = "cosines/3";

/// One window of one side: its place in time and its histogram.
#[derive(Debug, Clone)]
pub struct Window<'a> {
    /// Order in time and identity across sides, for example the start of the window in nanoseconds. Unique within a side.
    pub id: i64,
    /// The label that matches golden and candidate (hour of day, regime).
    pub stratum: u32,
    /// Tells apart recurrences of a stratum (days): another noise block, the same matching label.
    pub block: u32,
    /// Count per key of the observable's lattice.
    pub cells: Cow<'a, Cells>,
}

impl<'a> Window<'a> {
    /// A window without stratum.
    pub fn new(id: i64, cells: &'a Cells) -> Self {
        Self { id, stratum: 0, block: 0, cells: Cow::Borrowed(cells) }
    }
}

/// What is compared with what, and which noise the claim has to survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// Two independent sides, one noise block each: what another stretch of the same process would show.
    Independent,
    /// Windows present on both sides, as pairs; one noise block.
    Paired,
    /// Strata matched by label and weighted to the golden's mix, noise inside strata only: a claim about these stretches. Sides that share no label are compared as pooled laws.
    Strata,
    /// Pairs inside strata: a claim about these stretches.
    PairedStrata,
}

/// How to judge.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Error rate of each end, `0 < alpha < 0.5`.
    pub alpha: f64,
    /// Replicates of the simulated error. Holm over `G` findings needs at least `2 G / alpha - 1`.
    pub replicates: u32,
    /// Whether to guard against long memory: [`Design::Independent`] and [`Design::Paired`] with noise of what they are believed to
    /// remember, strata with a p-value of FAIL that also asks whether memory beyond them explains the effect, their intervals as they are.
    pub memory_guard: bool,
    /// Slowest cosines of each side whose noise [`Design::Independent`] tells from the faster ones: what varies so slowly is
    /// common to both sides, as the hours of the day are where both cover the same ones. At most a twelfth of the windows.
    pub slow_cosines: usize,
    /// Content the replicate weights depend on: a digest of recipe, both states and the observable.
    pub seed: [u8; 32],
    /// Most edges the noise is told from and lower ends rest on; at least 8. Any subset of edges bounds an effect from below, and a
    /// smaller one has a smaller error: 63 and 255 find the same shift equally well.
    pub coarse_edges_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { alpha: 0.05, replicates: 1999, memory_guard: true, slow_cosines: 0, seed: [0; 32], coarse_edges_max: 63 }
    }
}

/// A distance or difference between the two laws. All are 0 for equal laws.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// Kolmogorov-Smirnov distance `max |F - G|`.
    Ks,
    /// Kuiper's `max (F - G) + max (G - F)`.
    Kuiper,
    /// Wasserstein-1 distance, in the observable's unit.
    W1,
    /// `sqrt(integral of (F - G)^2 dG)`.
    Cvm,
    /// `sqrt(integral of (F - G)^2 / (H (1 - H)) dH)`, `H` the pooled law, over `0.01 < H < 0.99`.
    Ad,
    /// Total variation over at most this many equal-mass bins of the golden (at least 2).
    TotalVariation {
        /// Number of bins.
        bins: u16,
    },
    /// Difference of means, candidate minus golden, in the observable's unit (signed).
    Mean,
    /// Difference of the quantiles at `p`, candidate minus golden, in the observable's unit (signed).
    Quantile {
        /// Probability, `0 < p < 1`.
        p: f64,
    },
    /// `integral of (F - G)^2 dH`, `H` the pooled law: [`crate::classic::cvm`]'s effect.
    SquaredCvm,
    /// A quarter of the integral of `(F - G)^2 / (H (1 - H)) dH` over `0.01 < H < 0.99`, `H = (F + G)/2`:
    /// [`crate::classic::ad`]'s effect.
    SquaredAd,
    /// Cramer's V of equally large sides, over bins of the golden ([`crate::classic::bin_edges`]): [`crate::classic::chi2`]'s
    /// effect.
    CramersV {
        /// Number of equal-mass bins, at least 2.
        bins: u16,
    },
    /// Population stability index over bins of the golden: [`crate::classic::psi`].
    Psi {
        /// Number of equal-mass bins, at least 2.
        bins: u16,
    },
    /// Jensen-Shannon distance (base 2) over bins of the golden: [`crate::classic::js`].
    JensenShannon {
        /// Number of equal-mass bins, at least 2.
        bins: u16,
    },
    /// `P(X < Y) + P(X = Y)/2 - 1/2`, x of the golden's and y of the candidate's law: [`crate::classic::mwu`]'s effect (signed).
    MannWhitney,
    /// Energy distance over the golden's own spread: [`crate::classic::energy`]'s effect.
    Energy,
    /// Kullback-Leibler divergence of the candidate from the golden over bins of the golden: [`crate::classic::kl`].
    KullbackLeibler {
        /// Number of equal-mass bins, at least 2.
        bins: u16,
    },
    /// Difference of a number of each law, candidate minus golden (signed).
    Functional(LawFunctional),
    /// Difference of Hill's tail indices, candidate minus golden: [`crate::classic::hill`] (signed).
    Hill {
        /// Which tail.
        tail: Tail,
    },
    /// Log ratio of far to near quantiles, candidate over golden: [`crate::classic::tail_quantile`] (signed).
    TailRatio {
        /// Which tail.
        tail: Tail,
    },
}

/// The two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The reference capture.
    Golden,
    /// The data under test.
    Candidate,
}

/// Why a comparison could not be made at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum JudgingError {
    /// No messages on a side.
    #[error("the {side:?} side has no messages")]
    EmptySide {
        /// The side.
        side: Side,
    },
    /// Two windows of a side have the same id.
    #[error("the {side:?} side has two windows with id {id}")]
    DuplicateWindow {
        /// The side.
        side: Side,
        /// The id.
        id: i64,
    },
    /// More messages than a double counts exactly.
    #[error("the {side:?} side has more than 2^53 messages")]
    TooManyMessages {
        /// The side.
        side: Side,
    },
    /// A paired design without a common window.
    #[error("no window is present on both sides")]
    NoPairs,
    /// A side has no tail there: its threshold does not lie beyond zero, or nothing lies beyond it.
    #[error("the {side:?} side has no {tail} tail")]
    NoTail {
        /// The side.
        side: Side,
        /// The tail.
        tail: Tail,
    },
    /// The windows of a side do not tell a variance, or a mean, above zero: a functional of moments has no value there.
    #[error("the windows of the {side:?} side tell no variance or mean above zero")]
    NoVariance {
        /// The side.
        side: Side,
    },
    /// A number of a side's law is not defined, or its noise cannot be told.
    #[error("no interval for the {side:?} side: {reason}")]
    Undefined {
        /// The side.
        side: Side,
        /// Why.
        reason: &'static str,
    },
    /// A parameter outside its domain.
    #[error("{parameter} is {value}, outside {domain}")]
    Parameter {
        /// Which one.
        parameter: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        domain: &'static str,
    },
}

/// An effect with its interval, or why there is none yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Enough windows.
    Judged(Box<Judged>),
    /// Fewer than [`WINDOWS_MIN`] windows on a side: no noise can be estimated, so there is no interval.
    TooFewWindows {
        /// The effect's estimate, without interval.
        estimate: f64,
        /// Windows the golden still needs.
        golden_needed: usize,
        /// Windows the candidate still needs.
        candidate_needed: usize,
    },
}

/// One effect, judged.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Judged {
    /// The estimate over all edges.
    pub estimate: f64,
    /// Lower end, error rate alpha. At least 0 for distances.
    pub lower: f64,
    /// Upper end, error rate alpha.
    pub upper: f64,
    /// Whether the effect has a sign (means, quantiles, tails): both ends then count against the margin.
    pub signed: bool,
    /// The margin the p-values and needs are about.
    pub margin: f64,
    /// p-value of "the effect is at most the margin", before any correction for multiplicity.
    pub p_fail: f64,
    /// p-value of "the effect is at least the margin".
    pub p_pass: f64,
    /// What would turn an undecided finding into a decided one.
    pub needs: Needs,
    /// What this much data can resolve.
    pub resolution: Resolution,
    /// Half-width of the band in which the simulated error stays with probability 1 - alpha. For [`Effect::Ks`] the true
    /// difference of the laws lies within it of the estimate at every edge at once, and `lower` is the estimate minus it.
    pub half_width: f64,
}

impl Judged {
    /// The same judgement of the square of this effect, a distance; `margin` is the square's.
    fn squared(self, margin: f64) -> Self {
        let square = |x: f64| x * x;
        Self {
            estimate: square(self.estimate),
            lower: square(self.lower),
            upper: square(self.upper),
            margin,
            resolution: Resolution {
                detectable: square(self.resolution.detectable),
                resolvable_margin: square(self.resolution.resolvable_margin),
            },
            ..self
        }
    }

    /// Whether the whole interval lies inside `margin`: the condition of PASS.
    pub fn is_inside(&self, margin: f64) -> bool {
        self.upper < margin && (!self.signed || self.lower > -margin)
    }

    /// Whether the whole interval lies beyond `bar` (the larger of margin and heterogeneity): the condition of FAIL, which
    /// also needs the Holm-adjusted `p_fail` to be at most alpha.
    pub fn is_outside(&self, bar: f64) -> bool {
        self.lower > bar || (self.signed && self.upper < -bar)
    }
}

/// What more data would decide the finding at the given margin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Needs {
    /// It is decided.
    Nothing,
    /// About this many more windows of the candidate (more pairs, when paired).
    Windows(u64),
    /// The golden is the limit: both sides need about this many times their windows.
    BothSidesTimes(f64),
    /// The estimate lies on the margin.
    NotResolvable,
}

/// What a comparison of this size can resolve; never a margin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution {
    /// The effect that FAILs at the margin with a power of about 60 to 85 %.
    pub detectable: f64,
    /// The margin at which a faithful candidate PASSes with that probability.
    pub resolvable_margin: f64,
}
