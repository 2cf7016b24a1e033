//! The mean square of the correlations of all pairs of columns.

use super::Correlation;
use super::scale::{check_columns, finite};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};

/// The mean square of Pearson's correlations of all pairs of columns, over the rows that define both columns of a pair; the effect is the
/// candidate's less the golden's: whether columns move together more, or less, whichever way. Correlations of both signs, which cancel in
/// [`super::MeanCorrelation`], add up here.
///
/// Breusch and Pagan's statistic of N columns is `T N (N - 1) / 2` times the mean square, T the rows; it takes rows to be independent. The
/// square of an estimate is too large by its variance, by more the fewer rows a side has: what windows tell of that variance is taken off.
/// A side of one window tells nothing of it, and its number is the mean square itself.
///
/// # Source
/// Breusch and Pagan (1980), "The Lagrange multiplier test and its applications to model specification in econometrics". The influence of
/// a row is that on the correlations, times twice each; the variance that is taken off, of the order of one over the rows, is held fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SquaredCorrelation {
    pairs: Correlation,
}

impl SquaredCorrelation {
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

/// The variances of numbers, windows taken as independent.
fn variances(rows: &Rows, reading: &Reading) -> Vec<f64> {
    let numbers = reading.values.len();
    let windows = rows.window.iter().max().map_or(0, |last| last + 1);
    let mut sums = vec![0.0; windows * numbers];
    for (i, scores) in reading.scores.chunks_exact(numbers).enumerate() {
        let sums = &mut sums[rows.window[i] * numbers..(rows.window[i] + 1) * numbers];
        sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += rows.weights[i] * score);
    }
    (0..numbers).map(|k| sums.iter().skip(k).step_by(numbers).map(|sum| sum * sum).sum()).collect()
}

impl PanelStatistic for SquaredCorrelation {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let [g, c] = self.pairs.read(golden, candidate)?;
        let count = self.pairs.pairs().len() as f64;
        let squared = |rows: &Rows, pairs: &Reading| {
            let variances = variances(rows, pairs);
            let value = pairs.values.iter().zip(&variances).map(|(r, variance)| r * r - variance).sum::<f64>() / count;
            let slope =
                |scores: &[f64]| scores.iter().zip(&pairs.values).map(|(s, r)| 2.0 * r * s).sum::<f64>() / count;
            Reading { values: vec![value], scores: pairs.scores.chunks_exact(pairs.values.len()).map(slope).collect() }
        };
        finite([squared(golden, &g), squared(candidate, &c)])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Signed
    }

    fn domain(&self) -> u64 {
        113
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::joint::tests::check_influences;

    /// Two columns of numbers in (-1, 1), the second with a share of the first; ten rows a window.
    fn rows(n: usize, share: f64, seed: u64) -> Rows {
        let mut state = seed;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        };
        let pairs = (0..n).flat_map(|_| {
            let (a, b) = (uniform(), uniform());
            [a, share * a + libm::sqrt(1.0 - share * share) * b]
        });
        let mut rows = Rows::of_values(2, pairs.collect(), 1);
        (0..n).for_each(|i| rows.window[i] = i / 10);
        rows
    }

    /// Without the variance taken off, samples of fifty rows would have 1/50 on the mean, and of r = .5 as much more than .25.
    #[test]
    fn a_small_sample_finds_what_a_large_one_does() {
        let statistic = SquaredCorrelation::new(&[0, 1]).unwrap();
        for (share, want) in [(0.0, 0.0), (0.5, 0.25)] {
            let of = |seed| statistic.read(&rows(50, share, seed), &rows(50, share, seed + 9_999)).unwrap();
            let found: f64 = (0..2_000).flat_map(|seed| of(seed).map(|reading| reading.values[0])).sum();
            assert!((found / 4_000.0 - want).abs() < 0.005, "{share}: {}", found / 4_000.0);
        }
        let one = Rows { window: vec![0; 50], ..rows(50, 0.0, 3) };
        let [raw, _] = statistic.read(&one, &one).unwrap();
        assert!(raw.values[0] > 0.0 && rows(50, 0.0, 3).window[49] == 4);
    }

    #[test]
    fn influences_hold_the_variance_fixed() {
        let statistic = SquaredCorrelation::new(&[0, 1]).unwrap();
        check_influences(&statistic, &rows(4_000, 0.5, 1), &rows(5_000, 0.3, 2), 0.02);
    }
}
