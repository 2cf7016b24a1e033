//! Realised volatility between two sides: how it depends on the step, how much of it is noise, how much jumps.

use core::f64::consts::FRAC_PI_2;

use super::means::{Means, empty_reading};
use super::spacing::{Spacing, column_of, differences};
use super::{CARRYING_MIN, Undefined, on_both, scaled};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};

/// Returns below which nothing is said.
const RETURNS_MIN: usize = 50;
const TOO_FEW: &str = "fewer than 50 returns";

/// Squares of the changes of a column over a number of steps, in squares of `size`.
fn squares(rows: &Rows, column: usize, spacing: Spacing, steps: usize, size: f64) -> Result<Means<1>, Undefined> {
    let moves = differences(rows, column, spacing, steps);
    Means::of(rows, RETURNS_MIN, TOO_FEW, |i| {
        let move_ = moves[i] / size;
        [move_ * move_]
    })
}

/// The largest change over one step, or over `steps` where single ones do not move.
fn size_of(rows: &Rows, column: usize, spacing: Spacing, steps: usize) -> Result<f64, Undefined> {
    let moves = differences(rows, column, spacing, steps);
    if moves.iter().all(|m| m.is_nan()) {
        return Err(Undefined(TOO_FEW));
    }
    Ok(scaled(&moves)?.1)
}

fn above_zero(value: f64, reason: &'static str) -> Result<f64, Undefined> {
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(Undefined(reason)) }
}

/// The signature plot's shape: for every step but the last, `ln` of the variance per time of returns over it, less that of returns
/// over the last step. The effect is the largest difference: a log ratio of variance ratios. All overlapping returns are used.
///
/// # Source
/// As [`super::signature`]; its ratios are the variance ratios of Lo and MacKinlay (1988), inverted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealisedVariance {
    column: usize,
    spacing: Spacing,
    steps: Vec<usize>,
}

impl RealisedVariance {
    /// Of a column of log prices, over these numbers of steps of the spacing, the longest last.
    pub fn new(column: usize, spacing: Spacing, steps: Vec<usize>) -> Self {
        Self { column, spacing, steps }
    }

    /// `(numerator, denominator)` in steps, in order of the numbers read.
    pub fn ratios(&self) -> Vec<(usize, usize)> {
        let Some((last, rest)) = self.steps.split_last() else { return Vec::new() };
        rest.iter().map(|step| (*step, *last)).collect()
    }

    fn of_side(&self, rows: &Rows) -> Result<Reading, Undefined> {
        let Some((last, rest)) = self.steps.split_last().filter(|(last, rest)| !rest.is_empty() && **last > 0) else {
            return Err(Undefined("it needs two steps"));
        };
        let size = size_of(rows, self.column, self.spacing, *last)?;
        let per_step = |steps: usize| {
            let means = squares(rows, self.column, self.spacing, steps, size)?;
            let mean = above_zero(means.values[0], "nothing moves over a step")?;
            Ok((libm::log(mean / steps as f64), 1.0 / mean, means))
        };
        let (base, base_slope, base_means) = per_step(*last)?;
        let parts = rest.iter().map(|steps| per_step(*steps)).collect::<Result<Vec<_>, _>>()?;
        let mut reading = empty_reading(rows, parts.iter().map(|(value, ..)| value - base).collect());
        for (k, (_, slope, means)) in parts.iter().enumerate() {
            means.add_influence(&mut reading, k, [*slope]);
            base_means.add_influence(&mut reading, k, [-base_slope]);
        }
        Ok(reading)
    }
}

impl PanelStatistic for RealisedVariance {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        on_both(golden, candidate, |rows| self.of_side(rows))
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        150
    }
}

/// A number of the two-scales decomposition, per step of the spacing. With `A(k)` the mean square of returns over k steps, the variance
/// of the price per step is `(A(slow) - A(1)) / (slow - 1)` and that of the noise `A(1) / 2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwoScalesNumber {
    /// `ln` of the variance of the price without noise.
    LnVariance,
    /// `ln (A(1) / 2)`: [`super::noise_variance`], half the variance of one step included.
    LnNoise,
    /// The second less the first: `ln` of the noise-to-signal ratio.
    LnNoiseToSignal,
}

/// Two-scales realised variance and noise of a column of log prices, compared by a log ratio.
///
/// # Source
/// As [`super::two_scales_variance`], which this equals up to the ends of the stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwoScales {
    column: usize,
    spacing: Spacing,
    slow: usize,
    number: TwoScalesNumber,
}

impl TwoScales {
    /// Of a column of log prices; `slow` steps make the slow scale, at least 2.
    pub fn new(column: usize, spacing: Spacing, slow: usize, number: TwoScalesNumber) -> Self {
        Self { column, spacing, slow, number }
    }

    fn of_side(&self, rows: &Rows) -> Result<Reading, Undefined> {
        let size = size_of(rows, self.column, self.spacing, 1)?;
        let ln_unit = 2.0 * libm::log(size);
        let fast = squares(rows, self.column, self.spacing, 1, size)?;
        let a_fast = above_zero(fast.values[0], "nothing moves")?;
        let ln_noise = libm::log(0.5 * a_fast);
        if self.number == TwoScalesNumber::LnNoise {
            return Ok(fast.reading(rows, ln_noise + ln_unit, [1.0 / a_fast]));
        }
        if self.slow < 2 {
            return Err(Undefined("a slow scale below 2"));
        }
        let slow = squares(rows, self.column, self.spacing, self.slow, size)?;
        let gap = above_zero(slow.values[0] - a_fast, "noise hides the variance of the price")?;
        let ln_variance = libm::log(gap / (self.slow - 1) as f64);
        let ratio = self.number == TwoScalesNumber::LnNoiseToSignal;
        let value = if ratio { ln_noise - ln_variance } else { ln_variance + ln_unit };
        let sign = if ratio { -1.0 } else { 1.0 };
        let mut reading = empty_reading(rows, vec![value]);
        slow.add_influence(&mut reading, 0, [sign / gap]);
        fast.add_influence(&mut reading, 0, [-sign / gap + if ratio { 1.0 / a_fast } else { 0.0 }]);
        Ok(reading)
    }
}

impl PanelStatistic for TwoScales {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        on_both(golden, candidate, |rows| self.of_side(rows))
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Signed
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        151 + self.number as u64
    }

    fn carrying_min(&self) -> f64 {
        CARRYING_MIN
    }
}

/// The share of jumps in the variance, `1 - BV / RV`, of a column of log prices; the effect is its difference.
///
/// # Source
/// As [`super::bns_test`], over all pairs of neighbouring returns that have no hole: `BV = pi/2 mean |r_t| |r_{t-1}|`, `RV` the mean
/// of `(r_t^2 + r_{t-1}^2) / 2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JumpShare {
    column: usize,
    spacing: Spacing,
    steps: usize,
}

impl JumpShare {
    /// Of returns over this many steps of the spacing; overlapping ones are all used.
    pub fn new(column: usize, spacing: Spacing, steps: usize) -> Self {
        Self { column, spacing, steps }
    }

    fn of_side(&self, rows: &Rows) -> Result<Reading, Undefined> {
        if self.steps == 0 {
            return Err(Undefined("a step of 0"));
        }
        let size = size_of(rows, self.column, self.spacing, self.steps)?;
        let prices = column_of(rows, self.column);
        let back = self.spacing.back(rows, self.steps);
        let means = Means::of(rows, RETURNS_MIN, TOO_FEW, |i| {
            let Some((middle, first)) = back[i].and_then(|j| back[j].map(|k| (j, k))) else { return [f64::NAN; 2] };
            let (b, a) = ((prices[i] - prices[middle]) / size, (prices[middle] - prices[first]) / size);
            [FRAC_PI_2 * a.abs() * b.abs(), 0.5 * (a * a + b * b)]
        })?;
        let [bipower, variance] = means.values;
        let variance = above_zero(variance, "nothing moves")?;
        Ok(means.reading(rows, 1.0 - bipower / variance, [-1.0 / variance, bipower / (variance * variance)]))
    }
}

impl PanelStatistic for JumpShare {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        on_both(golden, candidate, |rows| self.of_side(rows))
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Signed
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        154
    }

    fn carrying_min(&self) -> f64 {
        CARRYING_MIN
    }
}
