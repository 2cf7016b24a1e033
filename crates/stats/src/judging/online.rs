//! Watching a stream window by window: an e-detector on prewhitened window laws.
//!
//! At nine deciles of the golden, the share of a window's values at or below the decile is held against the golden's law. Its
//! innovations drive Shiryaev-Roberts sums of likelihood ratios, two directions and five step sizes each; their mean less the number
//! of windows is a supermartingale while the law stays within the margin, so the probability of an alarm within the horizon is at
//! most alpha, whenever one looks or stops (Shin, Ramdas and Rinaldo 2024, "E-detectors").

use super::arrange::{Tag, arrange};
use super::coarse::coarse_edges;
use super::noise::{Matrix, Memory, NoiseModel, memory_constant, t_value};
use super::table::residuals;
use super::{Design, JudgingError, WINDOWS_MIN, Window};
use crate::histogram::{Cells, Ranks};
use crate::special::gamma_q;

/// Deciles that are watched.
const DECILES: usize = 9;
/// Step sizes of the likelihood ratios.
const STEPS: [f64; 5] = [0.125, 0.25, 0.5, 1.0, 2.0];
/// Where a sum stops growing: beyond any threshold, and far from overflow.
const CAP: f64 = 1e280;
/// How much larger innovations may be than the golden showed.
const SPREAD: f64 = 1.15;
/// Edges by which the golden's noise is estimated.
const EDGES_MAX: usize = 255;

/// What a detector watches for, and how often it may be wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnlineOptions {
    /// Distance of the window law from the golden's that is no change, as a Kolmogorov-Smirnov distance.
    pub margin: f64,
    /// Probability of a false alarm within the horizon, over all streams that are watched together.
    pub alpha: f64,
    /// Windows within which that holds.
    pub horizon: u64,
    /// Streams and observables that are watched together.
    pub streams: u64,
}

impl Default for OnlineOptions {
    fn default() -> Self {
        Self { margin: 0.02, alpha: 0.05, horizon: 10_000, streams: 1 }
    }
}

/// What a detector says after a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnlineStatus {
    /// Evidence of a change, at most [`OnlineStatus::limit`] without alarm.
    pub evidence: f64,
    /// The evidence of an alarm: streams times horizon over alpha.
    pub limit: f64,
    /// Whether the evidence has reached the limit, now or before.
    pub is_alarm: bool,
    /// The decile with most evidence, 1 to 9, and whether its share of values has risen.
    pub decile: u8,
    /// Whether more values than in the golden lie at or below that decile.
    pub is_share_up: bool,
}

/// One threshold of the window law.
#[derive(Debug, Clone, PartialEq)]
struct Threshold {
    /// The largest key that counts as below.
    key: i64,
    decile: u8,
    /// The golden's share of values at or below the key.
    law: f64,
    /// Standard deviation of innovations in windows of the golden's usual size.
    sigma: f64,
    /// Drift that is no change: margin and the golden's own uncertainty.
    null: f64,
    /// Deviation of the window before.
    last: f64,
    /// Sums by direction (up, down) and step.
    sums: [[f64; 5]; 2],
}

impl Threshold {
    /// Takes the deviation of one window; `ratio` is the golden's usual window size over this window's.
    fn step(&mut self, deviation: f64, rho: f64, ratio: f64) {
        let innovation = (deviation - rho * self.last) / (1.0 - rho);
        self.last = deviation;
        let sigma = self.sigma * libm::sqrt(ratio.max(1.0));
        let e = if sigma > 0.0 { innovation.clamp(-4.0 * sigma, 4.0 * sigma) } else { innovation };
        for (sums, sign) in self.sums.iter_mut().zip([1.0, -1.0]) {
            let excess = sign * e - self.null;
            for (sum, step) in sums.iter_mut().zip(STEPS) {
                // A golden that never varies at this key lets any excess be infinitely unlikely.
                let log = match sigma > 0.0 {
                    true => step * excess / sigma - 0.5 * step * step,
                    false if excess > 0.0 => f64::INFINITY,
                    false => f64::NEG_INFINITY,
                };
                *sum = ((1.0 + *sum) * libm::exp(log)).min(CAP);
            }
        }
    }

    fn mean(&self) -> f64 {
        self.sums.iter().flatten().sum::<f64>() / (2 * STEPS.len()) as f64
    }
}

/// Watches one observable of one stream. A clone is a checkpoint: late windows are replayed from one.
#[derive(Debug, Clone, PartialEq)]
pub struct OnlineDetector {
    thresholds: Vec<Threshold>,
    rho_up: f64,
    d_percent: u32,
    /// Values in a window of the golden, on average.
    size: f64,
    limit: f64,
    alarmed: bool,
}

impl OnlineDetector {
    /// A detector of changes from what the golden's windows hold, in order of their ids.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for options outside their range or fewer than twelve windows with values, and what
    /// [`super::Comparison::new`] says of windows.
    pub fn new(golden: &[Window<'_>], options: &OnlineOptions) -> Result<Self, JudgingError> {
        check(options)?;
        let tag = |w: &Window<'_>| Tag { id: w.id, stratum: 0, block: 0, count: w.cells.count() };
        let tags: Vec<Tag> = golden.iter().map(tag).collect();
        let arm = arrange(&tags, &tags, Design::Independent)?.golden;
        if arm.windows.len() < WINDOWS_MIN {
            let value = arm.windows.len().to_string();
            return Err(JudgingError::Parameter {
                parameter: "golden windows",
                value,
                domain: "at least 12 with values",
            });
        }
        let pooled = Ranks::count(arm.windows.iter().map(|placed| &*golden[placed.source].cells));
        let total: u64 = pooled.iter().map(|(_, n)| n).sum();
        let features = |edges: &[i64]| {
            let mut features = Matrix::zeros(arm.windows.len(), edges.len());
            for (w, placed) in arm.windows.iter().enumerate() {
                below(&golden[placed.source].cells, edges, features.row_mut(w));
            }
            features
        };
        let noise = NoiseModel::single(&residuals(&features(&coarse_edges(&pooled, EDGES_MAX)), &arm), Memory::Whittle);
        let (keys, deciles) = deciles(&pooled, total);
        let at_deciles = features(&keys);
        let rows = noise.project(&residuals(&at_deciles, &arm));
        let t = t_value(0.05 / (2 * DECILES) as f64, noise.degrees);
        let spread = spread(arm.windows.len(), noise.d_percent, noise.degrees);
        let thresholds = keys.iter().zip(deciles).enumerate().map(|(j, (&key, decile))| {
            let law = (0..at_deciles.rows()).map(|w| at_deciles.row(w)[j]).sum::<f64>() / total as f64;
            let deviations = arm.windows.iter().enumerate();
            let deviations = deviations.map(|(w, placed)| at_deciles.row(w)[j] / placed.count as f64 - law);
            let deviations: Vec<f64> = deviations.collect();
            let error = libm::sqrt((0..rows.rows()).map(|k| rows.row(k)[j] * rows.row(k)[j]).sum::<f64>());
            Threshold {
                key,
                decile,
                law,
                sigma: innovation_sd(&deviations, noise.rho_up) * spread,
                null: options.margin + t * error,
                last: deviations.last().copied().unwrap_or(0.0),
                sums: [[0.0; 5]; 2],
            }
        });
        Ok(Self {
            thresholds: thresholds.collect(),
            rho_up: noise.rho_up,
            d_percent: noise.d_percent,
            size: total as f64 / arm.windows.len() as f64,
            limit: options.streams as f64 * options.horizon as f64 / options.alpha,
            alarmed: false,
        })
    }

    /// Takes the next window; one without values is skipped.
    pub fn observe(&mut self, window: &Cells) -> OnlineStatus {
        let count = window.count();
        if count > 0 && !self.thresholds.is_empty() {
            let keys: Vec<i64> = self.thresholds.iter().map(|t| t.key).collect();
            let mut shares = [0.0; DECILES];
            below(window, &keys, &mut shares);
            let ratio = self.size / count as f64;
            for (threshold, share) in self.thresholds.iter_mut().zip(shares) {
                let deviation = share / count as f64 - threshold.law;
                threshold.step(deviation, self.rho_up, ratio);
            }
        }
        let status = self.status();
        self.alarmed = status.is_alarm;
        status
    }

    /// What it said last.
    pub fn status(&self) -> OnlineStatus {
        let evidence = self.thresholds.iter().map(Threshold::mean).sum::<f64>() / self.thresholds.len().max(1) as f64;
        let worst = self.thresholds.iter().max_by(|a, b| a.mean().total_cmp(&b.mean()));
        let sum = |direction: usize| worst.map_or(0.0, |t| t.sums[direction].iter().sum::<f64>());
        OnlineStatus {
            evidence,
            limit: self.limit,
            is_alarm: self.alarmed || evidence >= self.limit,
            decile: worst.map_or(0, |t| t.decile),
            is_share_up: sum(0) > sum(1),
        }
    }

    /// Forgets all evidence, after an alarm was dealt with.
    pub fn restart(&mut self) {
        self.alarmed = false;
        for threshold in &mut self.thresholds {
            threshold.sums = [[0.0; 5]; 2];
        }
    }

    /// Whether the golden is too short or too much like a slow process for the promise about false alarms: autocorrelation of its
    /// windows above .7, or long memory.
    pub fn is_advisory(&self) -> bool {
        self.rho_up > 0.7 || self.d_percent > 0
    }
}

fn check(options: &OnlineOptions) -> Result<(), JudgingError> {
    let bad =
        |parameter, value: f64, domain| Err(JudgingError::Parameter { parameter, value: value.to_string(), domain });
    match options {
        o if !(0.0..1.0).contains(&o.margin) => bad("margin", o.margin, "[0, 1)"),
        o if !(o.alpha > 0.0 && o.alpha < 0.5) => bad("alpha", o.alpha, "(0, 0.5)"),
        o if o.horizon == 0 => bad("horizon", 0.0, "at least 1"),
        o if o.streams == 0 => bad("streams", 0.0, "at least 1"),
        _ => Ok(()),
    }
}

/// How many values of a window lie at or below each ascending key.
fn below(cells: &Cells, keys: &[i64], out: &mut [f64]) {
    let (mut next, mut count) = (0, 0_u64);
    for (key, n) in cells {
        while next < keys.len() && keys[next] < key {
            out[next] = count as f64;
            next += 1;
        }
        count += n;
    }
    out[next.min(keys.len())..keys.len()].fill(count as f64);
}

/// The keys at the golden's deciles, ascending, and which deciles they are; the largest key of all is none, for nothing lies above it.
fn deciles(pooled: &[(i64, u64)], total: u64) -> (Vec<i64>, Vec<u8>) {
    let (mut keys, mut deciles) = (Vec::new(), Vec::new());
    let mut count = 0_u64;
    let mut next = 1_u8;
    for &(key, n) in pooled.iter().take(pooled.len().saturating_sub(1)) {
        count += n;
        let reached = u128::from(count) * 10 / u128::from(total.max(1));
        if reached >= u128::from(next) {
            keys.push(key);
            deciles.push(next);
            next = u8::try_from(reached + 1).unwrap_or(u8::MAX);
        }
    }
    (keys, deciles)
}

/// Standard deviation of the innovations of successive deviations.
fn innovation_sd(deviations: &[f64], rho: f64) -> f64 {
    let innovations: Vec<f64> = deviations.windows(2).map(|pair| (pair[1] - rho * pair[0]) / (1.0 - rho)).collect();
    let n = innovations.len() as f64;
    let mean = innovations.iter().sum::<f64>() / n;
    libm::sqrt(innovations.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>() / (n - 1.0))
}

/// By how much the golden may have shown too little of the innovations: the lower end of its variance, memory, and a reserve.
fn spread(windows: usize, d_percent: u32, cosines: usize) -> f64 {
    let degrees = (windows - 1) as f64;
    let d = f64::from(d_percent) / 100.0;
    let constant = memory_constant(d_percent);
    let memory = (1..=cosines).map(|k| constant * libm::pow(k as f64, -2.0 * d)).sum::<f64>();
    let kappa = if d_percent > 0 { cosines as f64 / memory } else { 1.0 };
    libm::sqrt(degrees / chi_square_lower(degrees) * kappa) * SPREAD
}

/// The 5 % quantile of a chi-square law. Halving ends when the ends are neighbours.
fn chi_square_lower(degrees: f64) -> f64 {
    let (mut low, mut high) = (0.0, degrees);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if gamma_q(0.5 * degrees, 0.5 * middle) > 0.95 { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_likelihood_ratios_are_those_of_the_recipe() {
        let mut threshold =
            Threshold { key: 0, decile: 5, law: 0.5, sigma: 0.04, null: 0.01, last: 0.0, sums: [[0.0; 5]; 2] };
        let deviations = [0.02, -0.01, 0.03, 0.05, 0.08, 0.06, 0.09, 0.30, 0.11, 0.10];
        // Vector V4 of the recipe, ten digits.
        let want = [
            0.6916980033,
            1.1881145606,
            1.8170683456,
            3.0816748318,
            9.7545410241,
            14.8026960806,
            86.3090382995,
            10567.0248873465,
            9576.0129940860,
            91318.0537095346,
        ];
        for (deviation, want) in deviations.into_iter().zip(want) {
            threshold.step(deviation, 0.25, 1.0);
            assert!((threshold.mean() - want).abs() <= 1e-10 * want.max(1.0), "{} {want}", threshold.mean());
        }
    }

    #[test]
    fn quantiles_of_chi_square() {
        // SciPy 1.17.1, stats.chi2.ppf(.05, k).
        for (degrees, want) in
            [(11.0, 4.574_813_079_322_224), (59.0, 42.339_307_730_113_46), (239.0, 204.210_608_154_271_9)]
        {
            assert!((chi_square_lower(degrees) - want).abs() < 1e-9 * want, "{}", chi_square_lower(degrees));
        }
    }

    #[test]
    fn atoms_make_fewer_thresholds_and_the_last_key_is_none() {
        assert_eq!(deciles(&[(1, 5), (2, 90), (3, 5)], 100), (vec![2], vec![1]));
        let even: Vec<(i64, u64)> = (0..10).map(|k| (k, 1)).collect();
        assert_eq!(deciles(&even, 10), ((0..9).collect(), (1..=9).collect()));
        assert_eq!(deciles(&[(7, 4)], 4), (vec![], vec![]));
    }
}
