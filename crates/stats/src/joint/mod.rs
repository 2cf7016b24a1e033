//! Statistics of joint laws: panels of several numbers a row, judged through [`crate::judging::compare_panels`].

mod aligned;
mod correlation;

pub use aligned::{PointCorrelation, PointMismatch, PointRatioError, PointRmse};
pub use correlation::Correlation;

use crate::judging::{JudgingError, Rows, Side};

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

    /// The weighted mean over the rows.
    pub(crate) fn mean(&self, rows: &Rows, of: impl Fn(usize) -> f64) -> f64 {
        self.places.iter().map(|i| rows.weights[*i] * of(*i)).sum::<f64>() / self.share
    }
}
