//! Self-excitation of events between two sides.

use super::hawkes_fit::{Stream, gaps};
use super::means::empty_reading;
use super::newton::solve;
use super::{CARRYING_MIN, Undefined, on_both};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};

/// Gaps between events below which nothing is fitted.
pub const HAWKES_EVENTS_MIN: usize = 250;
pub(super) const TOO_FEW: &str = "fewer than 250 gaps between events";
/// Standard errors that the branching ratio must be away from 0: without excitation its decay means nothing.
const CLEAR: f64 = 2.0;

/// Which number of a self-exciting process is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HawkesNumber {
    /// Events that an event excites, on the mean.
    BranchingRatio,
    /// `ln` of the rate at which excitation decays, per second.
    LnDecay,
    /// `ln` of the intensity without excitation, per second.
    LnBaseRate,
}

/// A number of the self-exciting process with an exponential kernel whose events are the rows.
///
/// # Source
/// As [`super::fit_hawkes`]. The log-likelihood is a sum over gaps, whose scores are differences of a martingale; an event has that of
/// the gap it ends, and its influence is `-H^-1 score` with H the curvature of the mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hawkes {
    gap_ns_max: i64,
    number: HawkesNumber,
}

impl Hawkes {
    /// A longer gap than `gap_ns_max` between rows ends a session (a hole in the data, a window left out): take it so long that no
    /// gap of a session reaches it.
    pub fn new(gap_ns_max: i64, number: HawkesNumber) -> Self {
        Self { gap_ns_max, number }
    }

    fn of_side(&self, rows: &Rows) -> Result<Reading, Undefined> {
        let gaps = gaps(&rows.t_ns, self.gap_ns_max);
        let share: f64 = gaps.iter().map(|gap| rows.weights[gap.at]).sum();
        if gaps.len() < HAWKES_EVENTS_MIN || share <= 0.0 || share.is_nan() {
            return Err(Undefined(TOO_FEW));
        }
        let stream = Stream::new(&gaps, |i| rows.weights[gaps[i].at] / share);
        let theta = stream.maximum()?;
        let ln_unit = libm::log(stream.unit_s());
        let (value, gradient) = match self.number {
            HawkesNumber::BranchingRatio => (theta[1], [0.0, 1.0, 0.0]),
            HawkesNumber::LnDecay => (libm::log(theta[2]) - ln_unit, [0.0, 0.0, 1.0 / theta[2]]),
            HawkesNumber::LnBaseRate => (libm::log(theta[0]) - ln_unit, [1.0 / theta[0], 0.0, 0.0]),
        };
        let curvature = stream.local(theta).hessian;
        let influences = |gradient: &[f64; 3]| {
            let flat = Undefined("the likelihood of a Hawkes process is flat");
            Ok(stream.influences(theta, &solve(&curvature, gradient).ok_or(flat)?))
        };
        let ratios = influences(&[0.0, 1.0, 0.0])?;
        if theta[1] < CLEAR * stream.standard_error(&ratios) {
            return Err(Undefined(
                "its events do not clearly excite others: the branching ratio is within 2 standard errors of 0",
            ));
        }
        let mut reading = empty_reading(rows, vec![value]);
        for (gap, influence) in gaps.iter().zip(influences(&gradient)?) {
            reading.scores[gap.at] = influence / share;
        }
        Ok(reading)
    }
}

impl PanelStatistic for Hawkes {
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
        170 + self.number as u64
    }

    fn carrying_min(&self) -> f64 {
        CARRYING_MIN
    }
}
