//! Maximum mean discrepancy with a Gaussian kernel, by random features.

use super::directions::{Features, normal, orthogonal_directions, projected};
use super::scale::{Points, check_columns, parameter};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Rows below which nothing is said.
const ROWS_MIN: usize = 8;
const FREQUENCIES_MAX: usize = 256;
/// Golden rows whose distances from each other tell the median one.
const MEDIAN_SAMPLE: usize = 512;

/// Maximum mean discrepancy of several columns on the golden's scale: the root of
/// `E k(X, X') + E k(Y, Y') - 2 E k(X, Y)`, k the mean of Gaussian kernels `exp(-|x - y|^2 / (2 s^2))` of three widths `s`: half, once
/// and twice the golden's median distance.
///
/// The kernel is the mean of `cos(w'(x - y))` over frequencies w, normal with deviation `1 / s`; a fixed set of them, in orthogonal
/// blocks, stands for all. The numbers are the means of `cos w'z` and `sin w'z`, and the effect is the root of the mean over frequencies of
/// the squared differences. It lies in [0, 1.42), and has a bias of the size of its noise, which the lower end of an interval subtracts.
///
/// The median distance is that of the golden's rows, every so many of them, 512 at most; it is rounded to a power of `sqrt 2`, so that
/// noise of the golden does not move it. Where half of the rows are equal it is `sqrt(2 D)`, the root of the mean square.
///
/// # Source
/// Gretton et al. (2012), with the biased estimate; features: Rahimi and Recht (2007); orthogonal ones: Yu et al. (2016).
#[derive(Debug, Clone, PartialEq)]
pub struct Mmd {
    columns: Vec<usize>,
    /// In units of one over the median distance.
    frequencies: Vec<Vec<f64>>,
}

/// Widths over the median distance.
pub(crate) const WIDTHS: [f64; 3] = [0.5, 1.0, 2.0];

impl Mmd {
    /// Frequencies of the form with default size: 66 numbers.
    pub const FREQUENCIES: usize = 33;

    /// Of these columns, by so many frequencies.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for no column, one twice, or a number of frequencies outside 3 to 256.
    pub fn new(columns: Vec<usize>, frequencies: usize) -> Result<Self, JudgingError> {
        check_columns(&columns, 1)?;
        if !(WIDTHS.len()..=FREQUENCIES_MAX).contains(&frequencies) {
            return Err(parameter("frequencies", frequencies, "3 to 256"));
        }
        let dims = columns.len();
        let stretched = |(at, direction): (usize, Vec<f64>)| -> Vec<f64> {
            let square: f64 = (0..dims).map(|k| normal(3, (at * dims + k) as u64)).map(|z| z * z).sum();
            let length = libm::sqrt(square) / WIDTHS[at % WIDTHS.len()];
            direction.into_iter().map(|v| length * v).collect()
        };
        let frequencies = orthogonal_directions(frequencies, dims, 2).into_iter().enumerate().map(stretched).collect();
        Ok(Self { columns, frequencies })
    }
}

impl PanelStatistic for Mmd {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let points = Points::both(golden, candidate, &self.columns, ROWS_MIN)?;
        let median = median_distance(&points[0]);
        if !(median > 0.0 && median.is_finite()) {
            return Err(JudgingError::Undefined { side: Side::Golden, reason: super::scale::BEYOND });
        }
        let scaled = |w: &Vec<f64>| -> Vec<f64> { w.iter().map(|w| w / median).collect() };
        let directions: Vec<Vec<f64>> = self.frequencies.iter().map(scaled).collect();
        projected((golden, candidate), &points, &directions, &Waves)
    }

    fn norm(&self, golden: &Reading) -> PanelNorm {
        PanelNorm::Root(vec![1.0 / self.frequencies.len() as f64; golden.values.len()])
    }

    fn domain(&self) -> u64 {
        109
    }
}

/// The median distance of a bounded sample of points, rounded to a power of `sqrt 2`.
pub(crate) fn median_distance(points: &Points) -> f64 {
    let step = points.len().div_ceil(MEDIAN_SAMPLE).max(1);
    let sample: Vec<&[f64]> = (0..points.len()).step_by(step).map(|at| points.row(at)).collect();
    let mut squares = Vec::with_capacity(sample.len() * sample.len() / 2);
    for (at, x) in sample.iter().enumerate() {
        squares.extend(sample[..at].iter().map(|y| x.iter().zip(*y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>()));
    }
    let middle = squares.len() / 2;
    let median = if squares.is_empty() { 0.0 } else { *squares.select_nth_unstable_by(middle, f64::total_cmp).1 };
    let square = if median > 0.0 { median } else { 2.0 * points.dims as f64 };
    libm::exp2(0.5 * libm::round(libm::log2(square)))
}

/// Cosine and sine.
struct Waves;

impl Features for Waves {
    fn count(&self) -> usize {
        2
    }

    fn at(&self, v: f64, values: &mut [f64], slope: &mut dyn FnMut(usize, f64)) {
        let (sin, cos) = libm::sincos(v);
        values[0] = cos;
        values[1] = sin;
        slope(0, -sin);
        slope(1, cos);
    }
}
