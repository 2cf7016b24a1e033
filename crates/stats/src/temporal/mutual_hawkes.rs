//! Excitation within and between two kinds of events, between two sides.

use super::means::empty_reading;
use super::mutual_hawkes_fit::{BRANCHING, MutualStream, PARAMETERS, branching, eigenvalues, steps};
use super::newton::solve;
use super::{CARRYING_MIN, Undefined, on_both};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};

/// Standard errors that one of the branching numbers must be away from 0: without excitation its decay means nothing, nor do they.
const CLEAR: f64 = 3.0;
/// Standard errors that the square of the distance of the eigenvalues must be away from 0: where they meet, the larger has no slope.
const APART: f64 = 2.0;

/// Which numbers of a mutually exciting process are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MutualHawkesNumber {
    /// Events of the first kind that one of the first excites, and one of the second; then those of the second kind. The effect is the
    /// largest difference.
    Branching,
    /// The larger eigenvalue of the matrix of those: by what the generations of events shrink.
    SpectralRadius,
}

/// Numbers of the process of two kinds of events that excite themselves and each other with one exponential kernel. A row is an event
/// of a kind if its column of that kind is defined.
///
/// # Source
/// As [`super::fit_mutual_hawkes`]; influences as [`super::Hawkes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutualHawkes {
    columns: [usize; 2],
    gap_ns_max: i64,
    number: MutualHawkesNumber,
}

impl MutualHawkes {
    /// Of events of these two columns. `gap_ns_max` as in [`super::Hawkes::new`].
    pub fn new(columns: [usize; 2], gap_ns_max: i64, number: MutualHawkesNumber) -> Self {
        Self { columns, gap_ns_max, number }
    }

    fn of_side(&self, rows: &Rows) -> Result<Reading, Undefined> {
        let is_of = |i: usize| self.columns.map(|c| rows.row(i).get(c).is_some_and(|v| v.is_finite()));
        let steps = steps(&rows.t_ns, is_of, self.gap_ns_max);
        let share: f64 = steps.iter().map(|step| rows.weights[step.at]).sum();
        if share <= 0.0 || share.is_nan() {
            return Err(Undefined(super::mutual_hawkes_fit::TOO_FEW));
        }
        let stream = MutualStream::new(&steps, |i| rows.weights[steps[i].at] / share);
        let theta = stream.maximum()?;
        let curvature = stream.local(&theta).hessian;
        let mut directions = [[0.0; PARAMETERS]; 4];
        for (k, direction) in directions.iter_mut().enumerate() {
            let mut gradient = [0.0; PARAMETERS];
            gradient[BRANCHING + k] = 1.0;
            let flat = Undefined("the likelihood of a mutual Hawkes process is flat");
            *direction = solve(&curvature, &gradient).ok_or(flat)?;
        }
        let influences = stream.influences(&theta, &directions);
        let error = |gradient: [f64; 4]| stream.standard_error(influences.iter().map(|own| along(own, &gradient)));
        let unit = |k: usize| core::array::from_fn(|j| f64::from(u8::from(j == k)));
        if (0..4).all(|k| theta[BRANCHING + k] < CLEAR * error(unit(k))) {
            return Err(Undefined(
                "its events do not clearly excite others: every branching number is within 3 standard errors of 0",
            ));
        }
        let matrix = branching(&theta);
        let (values, gradients) = match self.number {
            MutualHawkesNumber::Branching => (matrix.as_flattened().to_vec(), (0..4).map(unit).collect::<Vec<_>>()),
            MutualHawkesNumber::SpectralRadius => {
                let (middle, square) = eigenvalues(matrix);
                let [[a, b], [c, d]] = matrix;
                let of_square = [0.5 * (a - d), c, b, -0.5 * (a - d)];
                if square.is_nan() || square <= APART * error(of_square) {
                    return Err(Undefined("the eigenvalues of the branching matrix are not clearly apart"));
                }
                let root = libm::sqrt(square);
                let of_middle = [0.5, 0.0, 0.0, 0.5];
                (vec![middle + root], vec![core::array::from_fn(|k| of_middle[k] + 0.5 * of_square[k] / root)])
            }
        };
        let mut reading = empty_reading(rows, values);
        for (step, own) in steps.iter().zip(&influences) {
            for (k, gradient) in gradients.iter().enumerate() {
                reading.scores[step.at * gradients.len() + k] = along(own, gradient) / share;
            }
        }
        Ok(reading)
    }
}

fn along(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl PanelStatistic for MutualHawkes {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        on_both(golden, candidate, |rows| self.of_side(rows))
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        match self.number {
            MutualHawkesNumber::Branching => PanelNorm::Largest,
            MutualHawkesNumber::SpectralRadius => PanelNorm::Signed,
        }
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        173 + self.number as u64
    }

    fn carrying_min(&self) -> f64 {
        CARRYING_MIN
    }
}
