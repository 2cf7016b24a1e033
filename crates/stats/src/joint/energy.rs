//! Energy distance of joint laws, by slices.

use super::directions::{Features, orthogonal_directions, projected};
use super::scale::{Points, check_columns, parameter};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};

/// Rows below which nothing is said.
const ROWS_MIN: usize = 8;
const NUMBERS_MAX: usize = 512;
/// Beyond so many golden deviations along a direction the distance counts no more.
const REACH: f64 = 8.0;
/// How much finer the cells are in the middle.
const BEND: f64 = 3.5;
/// E|Z - Z'| of two standard normal values, twice.
const NORMAL_SPREAD: f64 = 2.256_758_334_191_025;

/// Energy distance of several columns on the golden's scale, by slices, over twice the spread of standard normal values: `e` with
/// `e^2 = mean over directions of 2 integral (F - G)^2 dv / (2 E|Z - Z'|)`, F and G the laws of one projection.
///
/// The energy distance of vectors, `2 E|X - Y| - E|X - X'| - E|Y - Y'|`, is [`SlicedEnergy::slices_to_vectors`] times the mean over all
/// directions of that of projections, and `e^2` is near `D^2 / (2 E|X - Y|)`, which lies in [0, 1]. Directions are a fixed set, in
/// orthogonal blocks; each law is a mean over cells, which are finer in the middle and end at 8 golden deviations. So the number is the
/// distance of laws blurred by those cells, from below. It has a bias of the size of its noise, which the lower end of an interval
/// subtracts.
///
/// # Source
/// Szekely and Rizzo (2004, 2013); slices: Baringhaus and Franz (2004), Bonneel et al. (2015).
#[derive(Debug, Clone, PartialEq)]
pub struct SlicedEnergy {
    columns: Vec<usize>,
    directions: Vec<Vec<f64>>,
    cells: Cells,
}

impl SlicedEnergy {
    /// Directions and cells of the form with default sizes: 96 numbers.
    pub const DIRECTIONS: usize = 8;
    /// See [`Self::DIRECTIONS`].
    pub const CELLS: usize = 12;

    /// Of these columns, along so many directions in so many cells; one column has one direction.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for no column, one twice, fewer than 2 cells, no direction, or more than 512 numbers.
    pub fn new(columns: Vec<usize>, directions: usize, cells: usize) -> Result<Self, JudgingError> {
        let (directions, cells) = slices(&columns, directions, cells)?;
        Ok(Self { columns, directions, cells })
    }

    /// `sqrt(pi) Gamma((d + 1) / 2) / Gamma(d / 2)`: the length of a vector of d numbers over its mean absolute projection.
    pub fn slices_to_vectors(dims: usize) -> f64 {
        let half = 0.5 * dims as f64;
        libm::exp(0.5 * libm::log(core::f64::consts::PI) + libm::lgamma(half + 0.5) - libm::lgamma(half))
    }

    /// The squared energy distance of vectors, in golden deviations, of an effect `e`.
    pub fn squared_distance(effect: f64, dims: usize) -> f64 {
        effect * effect * NORMAL_SPREAD * Self::slices_to_vectors(dims)
    }
}

impl PanelStatistic for SlicedEnergy {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let points = Points::both(golden, candidate, &self.columns, ROWS_MIN)?;
        projected((golden, candidate), &points, &self.directions, &self.cells)
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        let scale = 2.0 / (NORMAL_SPREAD * self.directions.len() as f64);
        let widths = self.cells.edges.windows(2).map(|edge| scale * (edge[1] - edge[0]));
        let widths: Vec<f64> = widths.collect();
        PanelNorm::Root(self.directions.iter().flat_map(|_| widths.iter().copied()).collect())
    }

    fn domain(&self) -> u64 {
        108
    }
}

/// So many directions in the space of these columns, one where there is one column, and the cells along each.
pub(super) fn slices(
    columns: &[usize],
    directions: usize,
    cells: usize,
) -> Result<(Vec<Vec<f64>>, Cells), JudgingError> {
    check_columns(columns, 1)?;
    let directions = if columns.len() == 1 { directions.min(1) } else { directions };
    if directions == 0 || cells < 2 || directions.saturating_mul(cells) > NUMBERS_MAX {
        let value = format!("{directions} directions, {cells} cells");
        return Err(parameter("directions", value, "at least 1 direction and 2 cells, at most 512 numbers"));
    }
    Ok((orthogonal_directions(directions, columns.len(), 1), Cells::new(cells)))
}

/// The law of a projection, averaged over each cell: 1 for a row below it, falling to 0 at its upper end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cells {
    edges: Vec<f64>,
}

impl Cells {
    pub(super) fn new(cells: usize) -> Self {
        let at = |k: usize| 2.0 * k as f64 / cells as f64 - 1.0;
        let edge = |k: usize| REACH * libm::sinh(BEND * at(k)) / libm::sinh(BEND);
        Self { edges: (0..=cells).map(edge).collect() }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.edges.len() - 1
    }
}

impl Features for Cells {
    fn count(&self) -> usize {
        self.len()
    }

    fn at(&self, v: f64, values: &mut [f64], slope: &mut dyn FnMut(usize, f64)) {
        // The first edge beyond v.
        let beyond = self.edges.partition_point(|edge| *edge <= v);
        for (k, value) in values.iter_mut().enumerate() {
            *value = if k + 1 < beyond { 0.0 } else { 1.0 };
        }
        if beyond >= 1 && beyond < self.edges.len() {
            let width = self.edges[beyond] - self.edges[beyond - 1];
            values[beyond - 1] = (self.edges[beyond] - v) / width;
            slope(beyond - 1, -1.0 / width);
        }
    }
}
