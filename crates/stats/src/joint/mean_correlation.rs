//! The mean correlation of all pairs of columns.

use super::Correlation;
use super::scale::check_columns;
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};

/// The mean of Pearson's correlations of all pairs of columns, over the rows that define both columns of a pair; the effect is the
/// candidate's less the golden's: whether all columns move together more, or less.
///
/// Pesaran's statistic of cross-section dependence of N columns is `sqrt(T N (N - 1) / 2)` times this, T the rows; it takes rows to be
/// independent, the interval does not.
///
/// # Source
/// Pesaran (2004), "General diagnostic tests for cross section dependence in panels".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeanCorrelation {
    pairs: Correlation,
}

impl MeanCorrelation {
    /// Of these columns.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for fewer than 2 columns or one twice.
    pub fn new(columns: &[usize]) -> Result<Self, JudgingError> {
        check_columns(columns, 2)?;
        let pairs = columns.iter().enumerate().flat_map(|(k, x)| columns[k + 1..].iter().map(|y| (*x, *y)));
        Ok(Self { pairs: Correlation::new(pairs.collect()) })
    }
}

impl PanelStatistic for MeanCorrelation {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
        let readings = self.pairs.read(golden, candidate)?;
        let count = self.pairs.pairs().len();
        Ok(readings.map(|pairs| Reading {
            values: vec![mean(&pairs.values)],
            scores: pairs.scores.chunks_exact(count).map(mean).collect(),
        }))
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Signed
    }

    fn domain(&self) -> u64 {
        112
    }
}
