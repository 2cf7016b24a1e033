//! How far the golden is from itself, with the noise removed.

use core::ops::Range;

use super::arrange::Placed;
use super::comparison::Comparison;
use super::effect::{Features, Shape, thin};
use super::noise::{DEGREES_CAP, Matrix, NoiseModel, choose_cosines_within, inflation, lag_one, pessimistic_rho};
use super::random::{Counter, Stream, Weights};
use super::replicate::upper_quantile;
use super::{Effect, JudgingError};

/// The golden against itself: block against the rest, noise removed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Heterogeneity {
    /// `max(0, distance - critical)`: raises the bar of FAIL, never the margin.
    pub h: f64,
    /// The largest effect between one of the blocks and the rest.
    pub distance: f64,
    /// What that maximum reaches by noise alone, at error rate alpha.
    pub critical: f64,
    /// The blocks compared.
    pub blocks: usize,
}

/// Blocks the golden is cut into.
const SLICES: usize = 6;
/// Fewer windows leave blocks too short for two cosines and a guard.
const WINDOWS_MIN: usize = 36;
/// A stratum takes part if each of its slices has two windows.
const STRATUM_MIN: usize = 2 * SLICES;
/// Six slices of every stratum make many rows: fewer edges keep the cost of one finding, and are as valid as all of them.
const EDGES_MAX: usize = 63;
/// The bar of FAIL needs no tail probabilities, so fewer replicates do.
const REPLICATES_MAX: u32 = 999;
const DOMAIN: u64 = 1 << 33;

/// One contiguous stretch of the golden, cut into slices: the whole golden, or one noise block of a stratified design.
struct Stretch {
    windows: Range<usize>,
    slices: [Range<usize>; SLICES],
}

impl Comparison {
    /// Heterogeneity of the golden for an effect (means and quantiles: for the distance of the laws, [`Effect::Ks`]). In
    /// stratified designs slice `i` is the `i`-th sixth of every stratum, so that it measures what is left inside strata, at
    /// the scale of the judged effect. `None` with fewer than 36 golden windows.
    ///
    /// # Errors
    /// As [`Comparison::judge`].
    pub fn heterogeneity(
        &self,
        effect: Effect,
        value_of: &dyn Fn(i64) -> f64,
    ) -> Result<Option<Heterogeneity>, JudgingError> {
        let edges = thin(&self.coarse, EDGES_MAX);
        let shape = self.shape_on(effect, value_of, &edges)?;
        let stretches = self.stretches();
        let windows: usize = stretches.iter().map(|stretch| stretch.windows.len()).sum();
        if windows < WINDOWS_MIN {
            return Ok(None);
        }
        let features = shape.features.of(&self.golden, &edges);
        let distance = self.largest_distance(&shape, &features, &stretches);
        let noise = self.slice_noise(&stretches, &edges);
        let norms = slice_norms(
            &noise,
            &shape,
            &Counter::new(&self.options.seed, DOMAIN),
            self.options.replicates.min(REPLICATES_MAX),
            |model| model.project(&self.slice_residuals(&features, &stretches)),
        );
        let critical = upper_quantile(&norms, self.options.alpha);
        Ok(Some(Heterogeneity {
            h: shape.effect_of((distance - critical).max(0.0)),
            distance: shape.effect_of(distance),
            critical: shape.effect_of(critical),
            blocks: SLICES,
        }))
    }

    fn stretches(&self) -> Vec<Stretch> {
        let golden = &self.arrangement.golden;
        let whole = core::iter::once(0..golden.windows.len()).collect();
        let ranges: Vec<Range<usize>> = if self.arrangement.stratified { golden.blocks.clone() } else { whole };
        ranges
            .into_iter()
            .filter(|range| range.len() >= STRATUM_MIN)
            .map(|windows| {
                let cut = |i: usize| windows.start + i * windows.len() / SLICES;
                Stretch { slices: core::array::from_fn(|i| cut(i)..cut(i + 1)), windows }
            })
            .collect()
    }

    fn golden_windows(&self) -> &[Placed] {
        &self.arrangement.golden.windows
    }

    /// `max_i norm(sum over stretches of share * (slice law - law of the rest))`; one guard window on each side of a slice
    /// belongs to neither.
    fn largest_distance(&self, shape: &Shape, features: &Matrix, stretches: &[Stretch]) -> f64 {
        let placed = self.golden_windows();
        let total: u64 = stretches.iter().flat_map(|s| s.windows.clone()).map(|w| placed[w].count).sum();
        let mut largest = 0.0_f64;
        for i in 0..SLICES {
            let mut difference = vec![0.0; features.columns];
            for stretch in stretches {
                let slice = &stretch.slices[i];
                let guarded = slice.start.saturating_sub(1)..slice.end + 1;
                let count: u64 = stretch.windows.clone().map(|w| placed[w].count).sum();
                let share = count as f64 / total as f64;
                let inside = law(features, placed, slice.clone());
                let rest = law(features, placed, stretch.windows.clone().filter(|w| !guarded.contains(w)));
                for ((d, a), b) in difference.iter_mut().zip(inside).zip(rest) {
                    *d += share * (a - b);
                }
            }
            largest = largest.max(shape.norm.of(&difference));
        }
        largest
    }

    /// `(f_w - slice law * n_w) / N` for the windows of all stretches, slice after slice.
    fn slice_residuals(&self, features: &Matrix, stretches: &[Stretch]) -> Matrix {
        let placed = self.golden_windows();
        let total: u64 = stretches.iter().flat_map(|s| s.windows.clone()).map(|w| placed[w].count).sum();
        let rows = stretches.iter().map(|s| s.windows.len()).sum();
        let mut out = Matrix::zeros(rows, features.columns);
        let mut next = 0;
        for slice in stretches.iter().flat_map(|s| &s.slices) {
            let centre = law(features, placed, slice.clone());
            for w in slice.clone() {
                let n = placed[w].count as f64;
                for ((r, f), c) in out.row_mut(next).iter_mut().zip(features.row(w)).zip(&centre) {
                    *r = (f - c * n) / total as f64;
                }
                next += 1;
            }
        }
        out
    }

    /// Section 7: one autocorrelation, the same number of cosines in every slice where its length allows.
    fn slice_noise(&self, stretches: &[Stretch], edges: &[usize]) -> NoiseModel {
        let features = Features::CoarseEdges.of(&self.golden, edges);
        let residuals = self.slice_residuals(&features, stretches);
        let mut blocks = Vec::new();
        let mut start = 0;
        for slice in stretches.iter().flat_map(|s| &s.slices) {
            blocks.push(start..start + slice.len());
            start += slice.len();
        }
        let length = residuals.rows() / blocks.len().max(1);
        let r1 = lag_one(&residuals, &blocks);
        let (rho, rho_up) = pessimistic_rho(r1, length as f64, residuals.rows() as f64);
        let shared = choose_cosines_within(length, rho_up, 0, (length / 2).max(1), blocks.len()).cosines;
        let blocks: Vec<_> = blocks
            .into_iter()
            .map(|range| {
                let cosines = shared.min(range.len() / 2).max(1);
                let kappa = inflation(range.len(), rho_up, 0, cosines);
                (range, cosines, kappa)
            })
            .collect();
        let degrees = blocks.iter().map(|(_, k, _)| k).sum();
        NoiseModel { r1, rho, rho_up, own_d_percent: 0, d_percent: 0, blocks, degrees }
    }
}

/// Ratio law of additive features over some windows.
fn law(features: &Matrix, placed: &[Placed], windows: impl Iterator<Item = usize>) -> Vec<f64> {
    let mut sums = vec![0.0; features.columns];
    let mut count = 0.0;
    for w in windows {
        for (sum, f) in sums.iter_mut().zip(features.row(w)) {
            *sum += f;
        }
        count += placed[w].count as f64;
    }
    for sum in &mut sums {
        *sum /= count;
    }
    sums
}

/// `max_i norm(P_i)` for each replicate: one shared spread, fresh normals for each slice. A slice's variance is `J^2` times
/// `1/J` of the mean over slices, and the rest adds `1/(J - 1)` of it.
fn slice_norms(
    model: &NoiseModel,
    shape: &Shape,
    weights: &impl Weights,
    replicates: u32,
    project: impl Fn(&NoiseModel) -> Matrix,
) -> Vec<f64> {
    let rows = project(model);
    let slices = SLICES as f64;
    // `project` scales each block by sqrt(kappa/K); the mean over the J slices takes another sqrt(1/J).
    let scale = slices * libm::sqrt(1.0 + 1.0 / (slices - 1.0)) / libm::sqrt(slices);
    let degrees = model.degrees.min(DEGREES_CAP);
    let mut error = vec![0.0; rows.columns];
    let mut norms: Vec<f64> = (1..=replicates)
        .map(|b| {
            let spread = weights.chi_square(b, degrees, Stream::GoldenSpread);
            let factor = scale * libm::sqrt(degrees as f64 / spread);
            let mut largest = 0.0_f64;
            for slice in 0..SLICES {
                error.fill(0.0);
                for k in 0..rows.rows() {
                    let address = (slice * rows.rows() + k + 1) as u32;
                    let z = factor * weights.normal(b, address, Stream::GoldenNormal);
                    for (e, v) in error.iter_mut().zip(rows.row(k)) {
                        *e += z * v;
                    }
                }
                largest = largest.max(shape.norm.of(&error));
            }
            largest
        })
        .collect();
    norms.sort_by(f64::total_cmp);
    norms
}
