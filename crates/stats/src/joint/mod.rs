//! Statistics of joint laws: panels of several numbers a row, judged through [`crate::judging::compare_panels`].

mod aligned;
mod by_number;
mod classifier;
mod copula;
mod correlation;
mod directions;
mod eigen;
mod energy;
mod lead_lag;
mod logistic;
mod mean_correlation;
mod mmd;
mod pairwise;
mod rank_dependence;
mod ranks;
mod scale;
mod signature;
mod sliced_anderson;
mod spectrum;
mod squared_correlation;
mod tail_dependence;

pub use aligned::{PointCorrelation, PointMismatch, PointRatioError, PointRmse};
pub use classifier::Classifier;
pub use copula::{Copula, CopulaDistance, copula_exact};
pub use correlation::Correlation;
pub use energy::SlicedEnergy;
pub use lead_lag::LeadLag;
pub use logistic::{LogisticRows, logistic_ridge};
pub use mean_correlation::MeanCorrelation;
pub use mmd::Mmd;
pub use pairwise::{PairwiseDistance, energy_exact, mmd_exact};
pub use rank_dependence::{RankCorrelation, RankDependence};
pub use signature::{PathOf, Signature};
pub use sliced_anderson::SlicedAndersonDarling;
pub use spectrum::{CorrelationDistance, CorrelationSpectrum};
pub use squared_correlation::SquaredCorrelation;
pub use tail_dependence::TailDependence;

use crate::judging::{JudgingError, Rows, Side};

#[cfg(test)]
mod influence_tests;
#[cfg(test)]
pub(crate) mod tests;

/// Rows of a side in which all numbers are defined, with weights that sum to 1.
pub(crate) struct Complete {
    /// Their places among the rows of the side.
    pub(crate) places: Vec<usize>,
    /// Share of the side's weight that they hold.
    pub(crate) share: f64,
}

impl Complete {
    /// At least `least` rows of `columns`.
    pub(crate) fn of(rows: &Rows, columns: &[usize], least: usize, side: Side) -> Result<Self, JudgingError> {
        let defined = |i: &usize| columns.iter().all(|c| rows.row(*i).get(*c).is_some_and(|v| v.is_finite()));
        let places: Vec<usize> = (0..rows.len()).filter(defined).collect();
        if places.len() < least.max(1) {
            return Err(JudgingError::Undefined { side, reason: "too few rows define all numbers" });
        }
        let share = places.iter().map(|i| rows.weights[*i]).sum();
        Ok(Self { places, share })
    }

    /// Keeps every row, every second, third, .. one, so that at most `most` are left; weights count no more.
    pub(crate) fn thin(&mut self, most: usize) {
        let step = self.places.len().div_ceil(most.max(1)).max(1);
        self.places = self.places.iter().copied().step_by(step).collect();
        self.share = self.places.len() as f64;
    }

    /// The weighted mean over the rows.
    pub(crate) fn mean(&self, rows: &Rows, of: impl Fn(usize) -> f64) -> f64 {
        self.places.iter().map(|i| rows.weights[*i] * of(*i)).sum::<f64>() / self.share
    }
}
