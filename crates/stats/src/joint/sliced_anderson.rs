//! Anderson-Darling distance of joint laws, by slices.

use super::directions::projected;
use super::energy::{Cells, slices};
use super::scale::Points;
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};

/// Rows below which nothing is said.
const ROWS_MIN: usize = 8;
/// Shares of the golden beyond which the distance does not look: further out a few rows would be all of it.
const TRIM: (f64, f64) = (0.01, 0.99);

/// Anderson-Darling distance of several columns on the golden's scale, by slices: `e` with
/// `e^2 = mean over directions of 1/4 integral (F - G)^2 / (G (1 - G)) dG`, G the golden's law of one projection and F the candidate's,
/// over 1 % to 99 % of G. Where [`super::SlicedEnergy`] looks at all of a law alike, this looks at its ends as closely as their own noise
/// allows. 0 to about 1.
///
/// Directions and cells are those of [`super::SlicedEnergy`]: a fixed set, and laws that are means over cells. It has a bias of the size
/// of its noise, which the lower end of an interval subtracts. The weights are the golden's own and are held fixed: they multiply squares
/// of differences, so that for equal laws they add nothing to first order.
///
/// # Source
/// Anderson and Darling (1952), Pettitt (1976), "A two-sample Anderson-Darling rank statistic"; slices as [`super::SlicedEnergy`].
#[derive(Debug, Clone, PartialEq)]
pub struct SlicedAndersonDarling {
    columns: Vec<usize>,
    directions: Vec<Vec<f64>>,
    cells: Cells,
}

impl SlicedAndersonDarling {
    /// Directions and cells of the form with default sizes: 160 numbers.
    pub const DIRECTIONS: usize = 8;
    /// See [`Self::DIRECTIONS`].
    pub const CELLS: usize = 20;

    /// Of these columns, along so many directions in so many cells; one column has one direction.
    ///
    /// # Errors
    /// As [`super::SlicedEnergy::new`].
    pub fn new(columns: Vec<usize>, directions: usize, cells: usize) -> Result<Self, JudgingError> {
        let (directions, cells) = slices(&columns, directions, cells)?;
        Ok(Self { columns, directions, cells })
    }
}

impl PanelStatistic for SlicedAndersonDarling {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let points = Points::both(golden, candidate, &self.columns, ROWS_MIN)?;
        projected((golden, candidate), &points, &self.directions, &self.cells)
    }

    /// A cell has the mass between the middles of its neighbours.
    fn norm(&self, golden: &Reading) -> PanelNorm {
        let scale = 0.25 / self.directions.len() as f64;
        let weights = golden.values.chunks(self.cells.len()).flat_map(|law| {
            (0..law.len()).map(move |k| {
                let before = k.checked_sub(1).map_or(0.0, |k| law[k]);
                let mass = 0.5 * (law.get(k + 1).copied().unwrap_or(1.0) - before);
                let is_inside = law[k] > TRIM.0 && law[k] < TRIM.1;
                if is_inside { scale * mass / (law[k] * (1.0 - law[k])) } else { 0.0 }
            })
        });
        PanelNorm::Root(weights.collect())
    }

    fn domain(&self) -> u64 {
        114
    }
}
