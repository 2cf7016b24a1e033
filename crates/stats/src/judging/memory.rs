//! How long a series of window residuals remembers: how likely each exponent is, and what noise that leaves a mean with.
//!
//! A mean of windows with memory scatters more than cosines of them show, for the cosines lie at frequencies above 0. How much more
//! depends on the exponent d of the memory, which a series tells vaguely. So no single exponent is taken: the Whittle likelihood of
//! the lowest cosines weighs a grid of spectra, `k^-2d` times the shape of an AR(1), and the noise is the mixture over them. A
//! negative AR coefficient stands for spectra that are flatter above than memory alone would have them, as where a slow level
//! lies under noise of its own in each window.

use core::ops::Range;
use std::borrow::Cow;
use std::sync::OnceLock;

use super::effect::thin;
use super::noise::{Block, Cosines, Matrix, cos_ratio, memory_constant, rows_of_blocks, t95};
use crate::special::{ln, student_t_sf};

/// Exponents looked at: 0, 2, .. hundredths.
const EXPONENTS: usize = 25;
/// AR(1) coefficients looked at.
const COEFFICIENTS: [f64; 13] = [-0.6, -0.4, -0.2, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const POINTS: usize = EXPONENTS * COEFFICIENTS.len();
/// Before the data are seen an exponent weighs `(0.52 - d)^-1.2`: one too large costs width, one too small the promise.
const POLE: f64 = 0.52;
const POLE_POWER: f64 = 1.2;
/// Most cosines of a block that are asked for its memory.
const ASKED_MAX: usize = 256;
/// Most of them that tell how many independent series the columns are worth, and what they are worth at most.
const COMPARED_MAX: usize = 64;
const WORTH_MAX: f64 = 4.0;
/// Columns that are asked: more of a law say the same.
const COLUMNS_MAX: usize = 24;
/// Numbers of cosines that the noise is taken from.
const CHOICES: [usize; 11] = [2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24];
/// Spectra less likely than this are left out of the mixture.
const NEGLIGIBLE: f64 = 1e-4;
/// Spectra whose noise differs by less than this factor (its logarithm) count as one.
const ALIKE: f64 = 0.02;
/// Rate at which inflations are computed, as the choice of cosines without memory has it.
const RATE: f64 = 0.05;

/// The exponent at a place of the grid, in hundredths.
fn exponent_percent(i: usize) -> u32 {
    2 * i as u32
}

fn exponent(i: usize) -> f64 {
    f64::from(exponent_percent(i)) / 100.0
}

/// Constants of each exponent: logarithms of its weight before the data and of `c_d`.
fn constants() -> &'static [(f64, f64)] {
    static TABLE: OnceLock<Vec<(f64, f64)>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let weights: Vec<f64> = (0..EXPONENTS).map(|i| libm::pow(POLE - exponent(i), -POLE_POWER)).collect();
        let total: f64 = weights.iter().sum();
        let constant = |(i, w): (usize, &f64)| (ln(w / total), ln(memory_constant(exponent_percent(i))));
        weights.iter().enumerate().map(constant).collect()
    })
}

/// `ln` of `k^-2d (1 - leak / k)`. The spectrum of cosines is below that of the process at the lowest frequencies, for their
/// ends leak: by `(d - 1.2 d^2) / k`, a fit to exact values that is good to .01 for all d and k.
fn ln_memory(d: f64, k: usize) -> f64 {
    let k = k as f64;
    -2.0 * d * ln(k) + ln(1.0 - (d - 1.2 * d * d) / k)
}

/// `ln` of the shape of an AR(1), 1 at frequency 0.
fn ln_short(rho: f64, k: usize, windows: usize) -> f64 {
    let top = (1.0 - rho) * (1.0 - rho);
    ln(top / (1.0 - 2.0 * rho * cos_ratio(k, windows) + rho * rho))
}

/// Cosines of a block that are asked.
fn asked(windows: usize) -> usize {
    let w = windows as f64;
    let most = (libm::floor(libm::pow(w, 0.8) + 1e-9) as usize).max(4);
    most.min(libm::floor(4.0 * libm::sqrt(w)) as usize).min(ASKED_MAX).min(windows.saturating_sub(1))
}

/// Slow cosines that are left out of a block: at most a twelfth of its windows.
fn left_out(skip: usize, windows: usize) -> usize {
    skip.min(windows / 12)
}

/// The log-likelihood of each spectrum of the grid, but for a number that all have: exponents, and within each its coefficients.
#[derive(Debug, Clone)]
pub(crate) struct Likelihood(Vec<f64>);

impl Likelihood {
    /// Of the residuals in some blocks, each with a level of its own; the `skip` slowest cosines of each say nothing.
    pub(crate) fn of(residuals: &Matrix, blocks: &[Range<usize>], skip: usize) -> Self {
        let mut log = vec![0.0; POINTS];
        let (mut likeness, mut pairs) = (0.0, 0.0);
        let thinned = thinned(residuals);
        let mut spectra: Option<Spectra> = None;
        for range in blocks {
            let first = left_out(skip, range.len());
            let projected = lowest(&thinned, range, first, asked(range.len()));
            let energies: Vec<f64> = (0..projected.rows()).map(|k| dot(projected.row(k), projected.row(k))).collect();
            if energies.iter().all(|e| *e <= 0.0) {
                continue;
            }
            let of = (first, range.len(), energies.len());
            if spectra.as_ref().is_none_or(|s| s.of != of) {
                let before = spectra.replace(Spectra::new(of.0, of.1, of.2));
                before.into_iter().for_each(|mut before| before.close(&mut log));
            }
            if let Some(spectra) = &mut spectra {
                spectra.whittle(&energies, &mut log);
            }
            let (sum, count) = likeness_of(&projected, &energies);
            likeness += sum;
            pairs += count;
        }
        spectra.into_iter().for_each(|mut spectra| spectra.close(&mut log));
        // Columns that move together are one series; the likelihood is that of one, times how many they are worth.
        let worth = if likeness > 0.0 { (pairs / likeness).clamp(1.0, WORTH_MAX) } else { 1.0 };
        log.iter_mut().for_each(|value| *value *= worth);
        Self(log)
    }

    fn largest(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    fn plus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a + b).collect())
    }
}

/// Evenly spaced columns, few enough.
fn thinned(residuals: &Matrix) -> Cow<'_, Matrix> {
    if residuals.columns <= COLUMNS_MAX {
        return Cow::Borrowed(residuals);
    }
    Cow::Owned(residuals.of_columns(&thinned_columns(residuals.columns)))
}

/// Those of so many columns that are asked.
pub(crate) fn thinned_columns(columns: usize) -> Vec<usize> {
    thin(&(0..columns).collect::<Vec<_>>(), COLUMNS_MAX)
}

/// The lowest cosines of a block, from the one after `first` on, as rows.
fn lowest(residuals: &Matrix, range: &Range<usize>, first: usize, last: usize) -> Matrix {
    let mut out = Matrix::zeros(last.saturating_sub(first), residuals.columns);
    let table = Cosines::new(range.len());
    for k in first + 1..=last {
        table.project(k, residuals, range, out.row_mut(k - first - 1));
    }
    out
}

/// The spectra of the grid at the cosines of blocks of one length.
struct Spectra {
    /// Cosines left out, windows and cosines of such a block.
    of: (usize, usize, usize),
    /// One over each shape, and the sum of its logarithms: of coefficients, and of exponents.
    short: Vec<(Vec<f64>, f64)>,
    memory: Vec<(Vec<f64>, f64)>,
    /// Of each spectrum the product of the levels of blocks that are held back, and how many these are.
    levels: Vec<f64>,
    blocks: usize,
}

impl Spectra {
    fn new(first: usize, windows: usize, count: usize) -> Self {
        let cosines = || (first + 1..).take(count);
        let inverse = |logs: Vec<f64>| (logs.iter().map(|v| libm::exp(-v)).collect(), logs.iter().sum());
        let short = |rho: &f64| inverse(cosines().map(|k| ln_short(*rho, k, windows)).collect());
        let memory = |i| inverse(cosines().map(|k| ln_memory(exponent(i), k)).collect());
        Self {
            of: (first, windows, count),
            short: COEFFICIENTS.iter().map(short).collect(),
            memory: (0..EXPONENTS).map(memory).collect(),
            levels: vec![1.0; POINTS],
            blocks: 0,
        }
    }

    /// Adds a block's Whittle log-likelihood, the level taken at its best.
    ///
    /// The logarithm of a level is that of a product over some blocks. Energies are in units of their mean, so that a level is the mean
    /// of one over a shape: between 1e-2 and 1e5 on this grid.
    fn whittle(&mut self, energies: &[f64], log: &mut [f64]) {
        let total: f64 = energies.iter().sum();
        for (levels, (memory, _)) in self.levels.chunks_exact_mut(COEFFICIENTS.len()).zip(&self.memory) {
            let scaled: Vec<f64> = memory.iter().zip(energies).map(|(m, e)| m * (e / total)).collect();
            for (level, (weights, _)) in levels.iter_mut().zip(&self.short) {
                *level *= dot(weights, &scaled);
            }
        }
        self.blocks += 1;
        if self.blocks == LEVELS_MAX {
            self.close(log);
        }
    }

    /// Adds what is held back.
    fn close(&mut self, log: &mut [f64]) {
        let (count, blocks) = (self.of.2 as f64, self.blocks as f64);
        let levels = self.levels.chunks_exact_mut(COEFFICIENTS.len());
        for ((points, levels), (_, sum)) in log.chunks_exact_mut(COEFFICIENTS.len()).zip(levels).zip(&self.memory) {
            for ((value, level), (_, short)) in points.iter_mut().zip(levels).zip(&self.short) {
                *value -= 0.5 * (count * ln(*level) + blocks * (sum + short));
                *level = 1.0;
            }
        }
        self.blocks = 0;
    }
}

/// Blocks whose levels are multiplied before a logarithm.
const LEVELS_MAX: usize = 16;

/// Sum of the squared cosines of the angles between rows, and the number of pairs: one over the first and the second is what
/// the columns are worth in independent series of equal weight.
fn likeness_of(projected: &Matrix, energies: &[f64]) -> (f64, f64) {
    let count = energies.len().min(COMPARED_MAX);
    let (mut sum, mut pairs) = (0.0, 0.0);
    for a in 0..count {
        for b in 0..a {
            let scale = energies[a] * energies[b];
            if scale > 0.0 {
                let product = dot(projected.row(a), projected.row(b));
                sum += product * product / scale;
                pairs += 1.0;
            }
        }
    }
    (sum, pairs)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// What is believed of a side's memory.
#[derive(Debug, Clone)]
pub(crate) struct Belief {
    /// Of each spectrum of the grid; they sum to 1.
    weights: Vec<f64>,
    /// Means over them.
    pub(crate) d: f64,
    rho: f64,
}

/// Both sides share their memory unless the logarithm of their likelihoods apart exceeds that of both together by this.
const APART: f64 = 1.5;

/// The belief about each of several series: all are asked together, unless they plainly disagree.
pub(crate) fn beliefs(series: &[Likelihood]) -> Vec<Belief> {
    if let [a, b] = series {
        let both = a.plus(b);
        if a.largest() + b.largest() - both.largest() <= APART {
            let belief = Belief::of(&both);
            return vec![belief.clone(), belief];
        }
    }
    series.iter().map(Belief::of).collect()
}

impl Belief {
    pub(crate) fn of(likelihood: &Likelihood) -> Self {
        let prior = constants();
        let at = |(p, log): (usize, &f64)| prior[p / COEFFICIENTS.len()].0 + log;
        let logs: Vec<f64> = likelihood.0.iter().enumerate().map(at).collect();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut weights: Vec<f64> = logs.iter().map(|log| libm::exp(log - largest)).collect();
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        let mean = |of: &dyn Fn(usize) -> f64| weights.iter().enumerate().map(|(p, w)| w * of(p)).sum::<f64>();
        let d = mean(&|p| exponent(p / COEFFICIENTS.len()));
        let rho = mean(&|p| COEFFICIENTS[p % COEFFICIENTS.len()]);
        Self { weights, d, rho }
    }

    /// Weight, exponent's place and coefficient of the spectra that count.
    fn likely(&self) -> impl Iterator<Item = (f64, usize, f64)> + '_ {
        let points = self.weights.iter().enumerate().filter(|(_, w)| **w > NEGLIGIBLE);
        points.map(|(p, w)| (*w, p / COEFFICIENTS.len(), COEFFICIENTS[p % COEFFICIENTS.len()]))
    }

    /// The noise of a mean of `windows` windows: which cosines it is taken from and how each counts.
    ///
    /// Each is divided by the spectrum at the mean of the belief, so that all are worth the same degrees of freedom, and all are
    /// raised until the t interval holds at the rate in the mixture over the spectra. Their number is the one that needs least.
    pub(crate) fn block(&self, windows: usize, skip: usize) -> Block {
        let first = left_out(skip, windows);
        let most = (windows / 2).clamp(2, CHOICES[CHOICES.len() - 1]);
        let cosines: Vec<usize> = (first + 1..).take(most).collect();
        let constant = {
            // Between two places of the grid.
            let place = self.d * 50.0;
            let (low, part) = (libm::floor(place) as usize, place - libm::floor(place));
            let at = |i: usize| constants()[i.min(EXPONENTS - 1)].1;
            at(low) + part * (at(low + 1) - at(low))
        };
        let mean: Vec<f64> =
            cosines.iter().map(|k| constant + ln_memory(self.d, *k) + ln_short(self.rho, *k, windows)).collect();
        let memory: Vec<Vec<f64>> =
            (0..EXPONENTS).map(|i| cosines.iter().map(|k| ln_memory(exponent(i), *k)).collect()).collect();
        let short: Vec<Vec<f64>> =
            COEFFICIENTS.iter().map(|rho| cosines.iter().map(|k| ln_short(*rho, *k, windows)).collect()).collect();
        // By how much the mean model's noise falls short of each spectrum's, in deviations, for each number of cosines.
        let choices: Vec<usize> = CHOICES.iter().copied().filter(|k| *k <= most).collect();
        let mut mixtures = vec![Vec::new(); choices.len()];
        for (p, weight) in self.weights.iter().enumerate().filter(|(_, w)| **w > NEGLIGIBLE) {
            let (i, j) = (p / COEFFICIENTS.len(), p % COEFFICIENTS.len());
            let (mut sum, mut next) = (0.0, 0);
            for k in 0..most {
                sum += libm::exp(constants()[i].1 + memory[i][k] + short[j][k] - mean[k]);
                if choices.get(next) == Some(&(k + 1)) {
                    mixtures[next].push((-0.5 * ln(sum / (k + 1) as f64), *weight));
                    next += 1;
                }
            }
        }
        let mut best = (f64::INFINITY, 2);
        for (mixture, k) in mixtures.into_iter().zip(choices) {
            let quantile = mixture_quantile(mixture, k);
            if quantile < best.0 {
                best = (quantile, k);
            }
        }
        let (quantile, count) = best;
        let raise = quantile / t95(count) / libm::sqrt(count as f64);
        let scales = mean[..count].iter().map(|g| raise * libm::exp(-0.5 * g)).collect();
        Block { windows: 0..windows, first: first + 1, scales, kappa: 1.0 }
    }

    /// How much wider the noise of a mean of `blocks` neighbouring blocks of `windows` windows is than their `cosines` lowest cosines
    /// say, raised by `kappa` and taken for independent of each other.
    pub(crate) fn beyond_blocks(&self, (windows, blocks): (usize, usize), cosines: usize, kappa: f64) -> f64 {
        let of = |(weight, i, rho): (f64, usize, f64)| {
            let shape = |k: usize| libm::exp(constants()[i].1 + ln_memory(exponent(i), k) + ln_short(rho, k, windows));
            let seen = kappa * (1..=cosines).map(shape).sum::<f64>() / cosines as f64;
            (exponent(i) * ln(blocks as f64) - 0.5 * ln(seen), weight)
        };
        let degrees = rows_of_blocks(blocks * cosines).max(1);
        (mixture_quantile(self.likely().map(of).collect(), degrees) / t95(degrees)).max(1.0)
    }

    /// The memory exponent in hundredths, as a report has it.
    pub(crate) fn percent(&self) -> u32 {
        libm::round(100.0 * self.d) as u32
    }
}

/// The value that `s t` exceeds at the rate, `ln s` drawn from (`ln s`, weight) and `t` from Student's law.
fn mixture_quantile(mut mixture: Vec<(f64, f64)>, degrees: usize) -> f64 {
    mixture.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Spectra with nearly the same noise are taken together.
    let mut merged: Vec<(f64, f64)> = Vec::new();
    let mut start = f64::NEG_INFINITY;
    for (log, weight) in mixture {
        match merged.last_mut() {
            Some((sum, total)) if log - start < ALIKE => {
                *sum += weight * log;
                *total += weight;
            }
            _ => {
                start = log;
                merged.push((weight * log, weight));
            }
        }
    }
    let all: f64 = merged.iter().map(|(_, w)| w).sum();
    let scales: Vec<(f64, f64)> = merged.iter().map(|(sum, w)| (libm::exp(-sum / w), w / all)).collect();
    let (Some(widest), Some(narrowest)) = (scales.last(), scales.first()) else { return t95(degrees) };
    let excess = |q: f64| -> f64 {
        scales.iter().map(|(over, w)| w * student_t_sf(q * over, degrees as f64)).sum::<f64>() - RATE
    };
    let (mut low, mut high) = (t95(degrees) / narrowest.0, t95(degrees) / widest.0);
    let (mut at_low, mut at_high) = (excess(low), excess(high));
    // Regula falsi, the end that stays halved (Illinois): sixteen steps reach six digits.
    for _ in 0..16 {
        if at_low - at_high < 1e-12 || high - low < 1e-9 * high {
            break;
        }
        let middle = low + (high - low) * at_low / (at_low - at_high);
        let value = excess(middle);
        if value > 0.0 {
            (low, at_low, at_high) = (middle, value, 0.5 * at_high);
        } else {
            (high, at_high, at_low) = (middle, value, 0.5 * at_low);
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written from the definitions with NumPy and SciPy. Regenerate: `python3 vectors/gen/memory.py > vectors/memory.csv`.
    const VECTORS: &str = include_str!("../../vectors/memory.csv");

    /// Rows that wander, lifted by `slow` for a while in the first two columns, about their means.
    fn residuals(windows: usize, columns: usize, slow: usize) -> Matrix {
        let mut out = Matrix::zeros(windows, columns);
        for w in 0..windows {
            for x in 0..columns {
                let is_slow = w >= windows / 4 && w < 3 * windows / 5 && x <= 1;
                let raw = (5 * w + 3 * x + 2 * w * x * x) % 17 + if is_slow { slow } else { 0 };
                out.row_mut(w)[x] = raw as f64;
            }
        }
        for x in 0..columns {
            let mean = (0..windows).map(|w| out.row(w)[x]).sum::<f64>() / windows as f64;
            (0..windows).for_each(|w| out.row_mut(w)[x] -= mean);
        }
        out
    }

    fn likelihood(windows: usize, columns: usize, slow: usize, skip: usize) -> Likelihood {
        Likelihood::of(&residuals(windows, columns, slow), core::slice::from_ref(&(0..windows)), skip)
    }

    /// Blocks are looked at one after the other, in lengths that change, some many in a row: as if each were asked alone. Of one column
    /// nothing counts as several series.
    #[test]
    fn the_likelihood_of_blocks_is_the_sum_of_theirs() {
        let lengths = [vec![30; 37], vec![41; 5], vec![30; 3]].concat();
        let mut start = 0;
        let blocks: Vec<Range<usize>> = lengths
            .into_iter()
            .map(|length| {
                start += length;
                start - length..start
            })
            .collect();
        let series = residuals(start, 1, 9);
        let together = Likelihood::of(&series, &blocks, 0);
        let alone: Vec<Likelihood> =
            blocks.iter().map(|block| Likelihood::of(&series, core::slice::from_ref(block), 0)).collect();
        for p in 1..POINTS {
            let want: f64 = alone.iter().map(|one| one.0[p] - one.0[0]).sum();
            let got = together.0[p] - together.0[0];
            assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "spectrum {p}: {got} {want}");
        }
    }

    #[test]
    fn beliefs_and_noise_are_those_of_the_definitions() {
        let mut rows = 0;
        for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split(',').collect();
            let whole = |i: usize| fields[i].parse::<usize>().unwrap();
            let near = |got: f64, i: usize, most: f64| {
                let want: f64 = fields[i].parse().unwrap();
                assert!((got - want).abs() <= most * want.abs().max(1e-3), "{line}: field {i} is {got}");
            };
            let belief = Belief::of(&likelihood(whole(0), whole(1), whole(2), whole(3)));
            near(belief.d, 4, 1e-9);
            near(belief.rho, 5, 1e-9);
            let block = belief.block(whole(0), whole(3));
            assert_eq!(block.scales.len(), whole(6), "{line}");
            // Like spectra are taken together.
            near(block.scales[0], 7, 1e-3);
            near(block.scales[block.scales.len() - 1], 8, 1e-3);
            near(belief.beyond_blocks((30, 13), 4, 1.2), 9, 1e-3);
            rows += 1;
        }
        assert!(rows >= 6, "vector file too short: {rows} rows");
    }

    #[test]
    fn a_mixture_of_one_is_students_law() {
        for degrees in [1, 4, 24, 400] {
            let got = mixture_quantile(vec![(ln(3.0), 0.7)], degrees);
            assert!((got - 3.0 * t95(degrees)).abs() < 1e-9 * got, "{degrees}: {got}");
        }
        let got = mixture_quantile(vec![(0.0, 0.5), (ln(100.0), 0.5)], 8);
        let rate = 0.5 * student_t_sf(got, 8.0) + 0.5 * student_t_sf(got / 100.0, 8.0);
        assert!((rate - RATE).abs() < 1e-5, "{rate}");
    }

    #[test]
    fn sides_that_plainly_disagree_are_believed_by_themselves() {
        let (short, long) = (likelihood(400, 4, 0, 0), likelihood(400, 4, 30, 0));
        let apart = beliefs(&[short.clone(), long.clone()]);
        assert!((apart[0].d - Belief::of(&short).d).abs() < 1e-15 && (apart[1].d - Belief::of(&long).d).abs() < 1e-15);
        let together = beliefs(&[short.clone(), short.clone()]);
        assert!((together[0].d - together[1].d).abs() < 1e-15);
        assert!(together[0].d < Belief::of(&short).d, "two say it louder than one");
    }

    #[test]
    fn a_series_that_never_varies_says_nothing() {
        let likelihood = Likelihood::of(&Matrix::zeros(40, 3), core::slice::from_ref(&(0..40)), 0);
        let belief = Belief::of(&likelihood);
        assert!(belief.d > 0.2 && belief.d < 0.4, "{}", belief.d);
        assert!(belief.block(40, 0).scales.iter().all(|scale| scale.is_finite()));
        assert!(belief.beyond_blocks((1, 1), 1, 1.0).is_finite());
    }
}
