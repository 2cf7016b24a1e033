//! Pearson's correlation of every pair of columns.

use super::Complete;
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
            let (x, y) = (standardised(rows, &complete, x, side)?, standardised(rows, &complete, y, side)?);
            let (x, y) = (|i: usize| x.at(rows, i), |i: usize| y.at(rows, i));
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
        Ok([self.of_side(golden, Side::Golden)?, self.of_side(candidate, Side::Candidate)?])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn domain(&self) -> u64 {
        100
    }
}

/// A column about its mean, in standard deviations.
struct Standardised {
    column: usize,
    mean: f64,
    deviation: f64,
}

impl Standardised {
    fn at(&self, rows: &Rows, i: usize) -> f64 {
        (rows.row(i)[self.column] - self.mean) / self.deviation
    }
}

fn standardised(rows: &Rows, complete: &Complete, column: usize, side: Side) -> Result<Standardised, JudgingError> {
    let value = |i: usize| rows.row(i)[column];
    let mean = complete.mean(rows, value);
    let variance = complete.mean(rows, |i| (value(i) - mean) * (value(i) - mean));
    // Rounding of the mean leaves a little where all values are equal.
    let floor = 1e-24 * mean * mean;
    if variance > floor && variance.is_finite() {
        return Ok(Standardised { column, mean, deviation: libm::sqrt(variance) });
    }
    Err(JudgingError::Undefined { side, reason: "a column has no spread" })
}
