//! How far the golden is from itself, with the noise removed.

use core::ops::Range;
use std::borrow::Cow;

use super::arrange::Placed;
use super::comparison::Comparison;
use super::effect::{Shape, thin};
use super::noise::{
    Block, LagOne, Matrix, NoiseModel, choose_cosines_within, inflation, pessimistic_rho, rows_of_blocks,
};
use super::random::{Counter, LANES, Lanes, Stream, Weights, chi_squares, fill};
use super::replicate::{Norm, Simulation, batches, fewer_rows, larger, upper_index, upper_quantile};
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
        let Some(sliced) = self.sliced(effect, value_of)? else { return Ok(None) };
        let (shape, distance) = (&sliced.shape, sliced.distance);
        let mut norms = sliced.norms(&Counter::new(&self.options.seed, DOMAIN), usize::MAX);
        norms.sort_by(f64::total_cmp);
        let critical = upper_quantile(&norms, self.options.alpha);
        Ok(Some(Heterogeneity {
            h: shape.effect_of((distance - critical).max(0.0)),
            distance: shape.effect_of(distance),
            critical: shape.effect_of(critical),
            blocks: SLICES,
        }))
    }

    /// [`Heterogeneity::h`] alone, of a golden that is mostly like itself in a tenth of the time: the replicates end when so
    /// many reach the distance that their quantile must.
    ///
    /// # Errors
    /// As [`Comparison::judge`].
    pub fn heterogeneity_beyond_noise(
        &self,
        effect: Effect,
        value_of: &dyn Fn(i64) -> f64,
    ) -> Result<Option<f64>, JudgingError> {
        let Some(sliced) = self.sliced(effect, value_of)? else { return Ok(None) };
        if sliced.distance <= 0.0 {
            return Ok(Some(0.0));
        }
        let count = sliced.replicates as usize;
        let enough = count - upper_index(count, self.options.alpha);
        let mut norms = sliced.norms(&Counter::new(&self.options.seed, DOMAIN), enough);
        if norms.len() < count {
            return Ok(Some(0.0));
        }
        norms.sort_by(f64::total_cmp);
        let critical = upper_quantile(&norms, self.options.alpha);
        Ok(Some(sliced.shape.effect_of((sliced.distance - critical).max(0.0))))
    }

    /// The golden in slices, with the noise of each against the rest; `None` with too few windows.
    fn sliced(&self, effect: Effect, value_of: &dyn Fn(i64) -> f64) -> Result<Option<Sliced>, JudgingError> {
        let edges = thin(&self.coarse, EDGES_MAX);
        let shape = self.shape_on(effect, value_of, &edges)?;
        let stretches = self.stretches();
        let windows: usize = stretches.iter().map(|stretch| stretch.windows.len()).sum();
        if windows < WINDOWS_MIN {
            return Ok(None);
        }
        let distance = self.largest_distance(&shape, &edges, &stretches);
        let model = self.slice_noise(&stretches, &edges);
        let total = self.messages_in(&stretches);
        let mut slices = stretches.iter().flat_map(|stretch| stretch.slices.iter().cloned());
        let rows = model.project_by(shape.features.columns(&edges), |block| {
            let slice = slices.next().unwrap_or_else(|| block.clone());
            let features = shape.features.of(&self.golden, &edges, slice.clone());
            let residuals = self.slice_residuals(features, slice, total);
            let windows = 0..residuals.rows();
            (Cow::Owned(residuals), windows)
        });
        let replicates = self.options.replicates.min(REPLICATES_MAX);
        let rows = fewer_rows(&rows).into_owned();
        Ok(Some(Sliced { shape, distance, rows, degrees: model.degrees, replicates }))
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

    fn messages_in(&self, stretches: &[Stretch]) -> u64 {
        let placed = self.golden_windows();
        stretches.iter().flat_map(|s| s.windows.clone()).map(|w| placed[w].count).sum()
    }

    /// `max_i norm(sum over stretches of share * (slice law - law of the rest))`; one guard window on each side of a slice
    /// belongs to neither.
    fn largest_distance(&self, shape: &Shape, edges: &[usize], stretches: &[Stretch]) -> f64 {
        let placed = self.golden_windows();
        let total = self.messages_in(stretches);
        let mut differences = vec![vec![0.0; shape.features.columns(edges)]; SLICES];
        for stretch in stretches {
            let windows = &stretch.windows;
            let features = shape.features.of(&self.golden, edges, windows.clone());
            let law = |of: &mut dyn Iterator<Item = usize>| law(&features, windows.start, placed, of);
            let count: u64 = windows.clone().map(|w| placed[w].count).sum();
            let share = count as f64 / total as f64;
            for (slice, difference) in stretch.slices.iter().zip(&mut differences) {
                let guarded = slice.start.saturating_sub(1)..slice.end + 1;
                let inside = law(&mut slice.clone());
                let rest = law(&mut windows.clone().filter(|w| !guarded.contains(w)));
                for ((d, a), b) in difference.iter_mut().zip(inside).zip(rest) {
                    *d += share * (a - b);
                }
            }
        }
        differences.iter().map(|difference| shape.norm.of(difference)).fold(0.0, f64::max)
    }

    /// `(f_w - slice law * n_w) / N` for the windows of a slice, from their features.
    fn slice_residuals(&self, mut features: Matrix, slice: Range<usize>, total: u64) -> Matrix {
        let placed = self.golden_windows();
        let centre = law(&features, slice.start, placed, &mut slice.clone());
        for (i, w) in slice.enumerate() {
            let n = placed[w].count as f64;
            for (value, c) in features.row_mut(i).iter_mut().zip(&centre) {
                *value = (*value - c * n) / total as f64;
            }
        }
        features
    }

    /// Section 7: one autocorrelation, the same number of cosines in every slice where its length allows.
    fn slice_noise(&self, stretches: &[Stretch], edges: &[usize]) -> NoiseModel {
        let total = self.messages_in(stretches);
        let (mut blocks, mut products) = (Vec::new(), LagOne::default());
        let mut windows = 0;
        for slice in stretches.iter().flat_map(|s| &s.slices) {
            let features = self.golden.cumulative(edges, slice.clone());
            products.add(&self.slice_residuals(features, slice.clone(), total), &(0..slice.len()));
            blocks.push(windows..windows + slice.len());
            windows += slice.len();
        }
        let length = windows / blocks.len().max(1);
        let r1 = products.ratio();
        let (rho, rho_up) = pessimistic_rho(r1, length as f64, windows as f64);
        let shared = choose_cosines_within(length, rho_up, 0, (length / 2).max(1), blocks.len()).cosines;
        let blocks: Vec<_> = blocks
            .into_iter()
            .map(|range| {
                let cosines = shared.min(range.len() / 2).max(1);
                let kappa = inflation(range.len(), rho_up, 0, cosines);
                Block::even(range, cosines, kappa)
            })
            .collect();
        let cosines: usize = blocks.iter().map(|block: &Block| block.scales.len()).sum();
        let degrees = rows_of_blocks(cosines);
        NoiseModel { r1, rho, rho_up, own_d_percent: 0, d_percent: 0, blocks, degrees, mixed_d: None, beyond: 1.0 }
    }
}

/// Ratio law of additive features, which begin with those of window `first`, over some windows.
fn law(features: &Matrix, first: usize, placed: &[Placed], windows: &mut dyn Iterator<Item = usize>) -> Vec<f64> {
    let mut sums = vec![0.0; features.columns];
    let mut count = 0.0;
    for w in windows {
        for (sum, f) in sums.iter_mut().zip(features.row(w - first)) {
            *sum += f;
        }
        count += placed[w].count as f64;
    }
    for sum in &mut sums {
        *sum /= count;
    }
    sums
}

/// The golden against itself: the largest distance of a slice, and the rows of the error of every slice.
struct Sliced {
    shape: Shape,
    distance: f64,
    rows: Matrix,
    degrees: usize,
    replicates: u32,
}

impl Sliced {
    /// `max_i norm(P_i)` for each replicate: one shared spread, fresh normals for each slice. A slice's variance is `J^2` times
    /// `1/J` of the mean over slices, and the rest adds `1/(J - 1)` of it. Ends early when `enough` of them reach the distance.
    fn norms(&self, weights: &impl Weights, enough: usize) -> Vec<f64> {
        let slices = SLICES as f64;
        // The rows of each block are scaled by sqrt(kappa/K); the mean over the J slices takes another sqrt(1/J).
        let scale = slices * libm::sqrt(1.0 + 1.0 / (slices - 1.0)) / libm::sqrt(slices);
        let degrees = self.degrees as f64;
        let norm: &Norm = &self.shape.norm;
        let simulation = Simulation::new(&[&self.rows], norm);
        let mut z = vec![[0.0; LANES]; self.rows.rows()];
        let (mut norms, mut reached) = (Vec::with_capacity(self.replicates as usize), 0);
        for (first, wanted) in batches(self.replicates) {
            let spreads = chi_squares(weights, first, self.degrees, Stream::GoldenSpread);
            let factors = spreads.map(|spread| scale * (degrees / spread).sqrt());
            let mut largest: Lanes = [0.0; LANES];
            for slice in 0..SLICES {
                let cosine = (slice * z.len() + 1) as u32;
                fill(weights, (first, cosine), Stream::GoldenNormal, &mut z);
                for z in &mut z {
                    for lane in 0..LANES {
                        z[lane] *= factors[lane];
                    }
                }
                let norms = simulation.norms(&z);
                for lane in 0..LANES {
                    largest[lane] = larger(largest[lane], norms[lane]);
                }
            }
            reached += largest[..wanted].iter().filter(|norm| **norm >= self.distance).count();
            norms.extend_from_slice(&largest[..wanted]);
            if reached >= enough {
                break;
            }
        }
        norms
    }
}
