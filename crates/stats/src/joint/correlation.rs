//! Pearson's correlation of every pair of columns.

use super::Complete;
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
        let numbers = self.pairs.len();
        let mut reading = Reading { values: Vec::with_capacity(numbers), scores: vec![0.0; rows.len() * numbers] };
        for (k, &(x, y)) in self.pairs.iter().enumerate() {
            let complete = Complete::of(rows, &[x, y], ROWS_MIN, side)?;
            let (first, second) = (Axis::of(rows, &complete, x, side)?, Axis::of(rows, &complete, y, side)?);
            let (x, y) = (|i: usize| first.at(rows.row(i)[x]), |i: usize| second.at(rows.row(i)[y]));
            let r = complete.mean(rows, |i| x(i) * y(i));
            for &i in &complete.places {
                let score = x(i) * y(i) - 0.5 * r * (x(i) * x(i) + y(i) * y(i));
                reading.scores[i * numbers + k] = score / complete.share;
            }
            reading.values.push(r);
        }
        Ok(reading)
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
