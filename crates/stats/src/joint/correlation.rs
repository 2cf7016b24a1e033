//! Pearson's correlation of every pair of columns.

use super::Complete;
use super::by_number::ByNumber;
use super::scale::{Axis, finite};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Rows below which nothing is said.
const ROWS_MIN: usize = 8;

/// Correlations of pairs of columns, over the rows that define both; the effect is the largest difference.
///
/// # Source
/// Pearson (1896). With `z` standardised the influence of a row is `z_x z_y - r (z_x^2 + z_y^2) / 2` (Devlin, Gnanadesikan and
/// Kettenring 1975).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correlation {
    pairs: Vec<(usize, usize)>,
}

impl Correlation {
    /// Of these pairs of columns.
    pub fn new(pairs: Vec<(usize, usize)>) -> Self {
        Self { pairs }
    }

    /// Of every pair of columns, in order of the first and then of the second.
    pub fn of_all(columns: usize) -> Self {
        Self { pairs: (0..columns).flat_map(|x| (x + 1..columns).map(move |y| (x, y))).collect() }
    }

    /// The pairs, in order of the numbers read.
    pub fn pairs(&self) -> &[(usize, usize)] {
        &self.pairs
    }

    fn of_side(&self, rows: &Rows, side: Side) -> Result<Reading, JudgingError> {
        let mut reading = ByNumber::new(rows.len(), self.pairs.len());
        for &(x, y) in &self.pairs {
            let complete = Complete::of(rows, &[x, y], ROWS_MIN, side)?;
            let (first, second) = (Axis::of(rows, &complete, x, side)?, Axis::of(rows, &complete, y, side)?);
            let at = |i: usize| (first.at(rows.row(i)[x]), second.at(rows.row(i)[y]));
            let z: Vec<(f64, f64)> = complete.places.iter().map(|i| at(*i)).collect();
            let r = complete.mean(rows, |i| {
                let (x, y) = at(i);
                x * y
            });
            reading.push(|scores| {
                for (i, (x, y)) in complete.places.iter().zip(&z) {
                    scores[*i] = (x * y - 0.5 * r * (x * x + y * y)) / complete.share;
                }
                Ok(r)
            })?;
        }
        Ok(reading.finish())
    }
}

impl PanelStatistic for Correlation {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        finite([self.of_side(golden, Side::Golden)?, self.of_side(candidate, Side::Candidate)?])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn domain(&self) -> u64 {
        100
    }
}
