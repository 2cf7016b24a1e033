//! The eigenvalues of the correlation matrix, and the matrix itself by one number.

use super::directions::dot;
use super::eigen::{Eigen, symmetric_eigen};
use super::scale::{Axis, Points, check_columns, parameter};
use super::{Complete, Correlation};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Rows below which nothing is said.
const ROWS_MIN: usize = 8;
/// The most columns.
const SPECTRUM_DIMS_MAX: usize = 16;

/// The eigenvalues of the correlation matrix of several columns, in descending order, over the rows that define all; the effect is
/// `sqrt(sum of differences^2 / (D (D - 1)))`: 0 to about 1, and for two columns the difference of their correlations.
///
/// To first order an eigenvalue moves with its own direction only, and that fails where eigenvalues are near each other: they then
/// repel, and lie apart in any sample. But the squares of all differences never sum to more than the squares of the differences of
/// the entries (Hoffman and Wielandt 1953). So behind the D eigenvalues one more number stands for what lies between directions: it is
/// 0 on both sides and adds nothing to the effect, but its influence, `sum over k < l of u_k' dR u_l`, brings the noise of the whole
/// matrix into both ends of the interval, which therefore hold for near eigenvalues too.
///
/// # Source
/// First-order perturbation: Anderson (1963); the influence of a row on eigenvalue `l` is `(u'z)^2 - l sum of u_a^2 z_a^2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelationSpectrum {
    columns: Vec<usize>,
}

impl CorrelationSpectrum {
    /// Of these columns.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for fewer than 2 columns, more than 16, or one twice.
    pub fn new(columns: Vec<usize>) -> Result<Self, JudgingError> {
        check_columns(&columns, 2)?;
        if columns.len() > SPECTRUM_DIMS_MAX {
            return Err(parameter("columns", columns.len(), "at most 16"));
        }
        Ok(Self { columns })
    }

    fn of_side(&self, rows: &Rows, like: Option<&Eigen>, side: Side) -> Result<(Reading, Eigen), JudgingError> {
        let dims = self.columns.len();
        let complete = Complete::of(rows, &self.columns, ROWS_MIN, side)?;
        let axes = Axis::of_all(rows, &complete, &self.columns, side)?;
        let points = Points::of(rows, complete, &axes);
        let mut eigen = symmetric_eigen(&correlations(rows, &points), dims);
        // An eigenvector has no sign: that of the golden's, so that what pairs of windows share cancels.
        for (own, other) in eigen.vectors.iter_mut().zip(like.iter().flat_map(|like| &like.vectors)) {
            if own.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() < 0.0 {
                own.iter_mut().for_each(|v| *v = -*v);
            }
        }
        let numbers = dims + 1;
        let mut values = eigen.values.clone();
        values.push(0.0);
        let mut scores = vec![0.0; rows.len() * numbers];
        let mut along = vec![0.0; dims];
        for (i, z) in points.rows() {
            along.iter_mut().zip(&eigen.vectors).for_each(|(along, u)| *along = dot(u, z));
            let out = &mut scores[i * numbers..(i + 1) * numbers];
            for (k, u) in eigen.vectors.iter().enumerate() {
                let squares = |v: &[f64]| u.iter().zip(v).zip(z).map(|((u, v), z)| u * v * z * z).sum::<f64>();
                out[k] = (along[k] * along[k] - eigen.values[k] * squares(u)) / points.complete.share;
                for (l, v) in eigen.vectors.iter().enumerate().skip(k + 1) {
                    let mean = 0.5 * (eigen.values[k] + eigen.values[l]);
                    out[dims] += (along[k] * along[l] - mean * squares(v)) / points.complete.share;
                }
            }
        }
        Ok((Reading { values, scores }, eigen))
    }
}

/// Row-major.
fn correlations(rows: &Rows, points: &Points) -> Vec<f64> {
    let dims = points.dims;
    let mut out = vec![0.0; dims * dims];
    for (i, z) in points.rows() {
        for k in 0..dims {
            for l in k..dims {
                out[k * dims + l] += rows.weights[i] * z[k] * z[l];
            }
        }
    }
    for k in 0..dims {
        for l in k..dims {
            let mean = out[k * dims + l] / points.complete.share;
            out[k * dims + l] = mean;
            out[l * dims + k] = mean;
        }
    }
    out
}

impl PanelStatistic for CorrelationSpectrum {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let (reading, eigen) = self.of_side(golden, None, Side::Golden)?;
        let (other, _) = self.of_side(candidate, Some(&eigen), Side::Candidate)?;
        super::scale::finite([reading, other])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        let dims = self.columns.len();
        let scale = 1.0 / (dims * (dims - 1)) as f64;
        let mut weights = vec![scale; dims];
        // Each entry beside the diagonal is there twice.
        weights.push(2.0 * scale);
        PanelNorm::Root(weights)
    }

    fn domain(&self) -> u64 {
        105
    }
}

/// Pearson's correlations of every pair of columns; the effect is the root of the mean square difference: the Frobenius distance of the
/// correlation matrices over `sqrt(D (D - 1))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelationDistance {
    pairs: Correlation,
}

impl CorrelationDistance {
    /// Of these columns. Numbers are read in order of the first column of a pair and then of the second.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for fewer than 2 columns, more than 16, or one twice.
    pub fn new(columns: &[usize]) -> Result<Self, JudgingError> {
        CorrelationSpectrum::new(columns.to_vec())?;
        let pairs = columns.iter().enumerate().flat_map(|(k, x)| columns[k + 1..].iter().map(|y| (*x, *y)));
        Ok(Self { pairs: Correlation::new(pairs.collect()) })
    }
}

impl PanelStatistic for CorrelationDistance {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        self.pairs.read(golden, candidate)
    }

    fn norm(&self, golden: &Reading) -> PanelNorm {
        PanelNorm::Root(vec![1.0 / golden.values.len() as f64; golden.values.len()])
    }

    fn domain(&self) -> u64 {
        106
    }
}
