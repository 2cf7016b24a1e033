//! The likelihood of a self-exciting process with an exponential kernel, its derivatives and its maximum.

use super::Undefined;
use super::newton::{Local, Parameters, minimise};
use crate::classic::kolmogorov_sf;

/// Decays, per mean gap, and branching ratios at which the search begins.
const DECAYS: [f64; 10] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0];
const RATIOS: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];
/// Starts that are followed to their maximum.
const FOLLOWED: usize = 3;
/// Logarithms and log-odds are searched within this.
const REACH: f64 = 16.0;
/// Beyond these the maximum lies on the boundary.
const RATIO_MIN: f64 = 1e-3;
const RATIO_MAX: f64 = 0.9999;

/// A self-exciting process, fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct HawkesFit {
    /// Intensity without excitation, per second.
    pub base_rate: f64,
    /// Events that an event excites, on the mean: the integral of the kernel.
    pub branching_ratio: f64,
    /// By what an excitation decays, per second.
    pub decay: f64,
    /// Of times in seconds.
    pub log_likelihood: f64,
    /// Gaps between events that the likelihood knows.
    pub gaps: u64,
    /// Kolmogorov-Smirnov distance of [`hawkes_residuals`] from the exponential law of mean 1.
    pub ks_distance: f64,
    /// P of a larger distance if the process is such a one; that three parameters were fitted makes it too large.
    pub ks_p_value: f64,
}

/// Fits the intensity `mu + sum_(t_j < t) n b exp(-b (t - t_j))` to times of events by the largest likelihood
/// `sum ln intensity(t_i) - integral of the intensity`. Events at one time are one. A gap above `gap_ns_max` ends a session: the next
/// begins with an event that is given, and without excitation from before.
///
/// # Arguments
/// * `t_ns`: ascending; descending times begin a session.
///
/// # Errors
/// [`Undefined`] for fewer than [`super::HAWKES_EVENTS_MIN`] gaps, or where the likelihood has no maximum with a branching ratio
/// inside (0, 1): no excitation, or more than the process survives.
///
/// # Source
/// Hawkes (1971), Ogata (1978), the recursion of Ogata (1981).
pub fn fit_hawkes(t_ns: &[i64], gap_ns_max: i64) -> Result<HawkesFit, Undefined> {
    let gaps = gaps(t_ns, gap_ns_max);
    if gaps.len() < super::HAWKES_EVENTS_MIN {
        return Err(Undefined(super::hawkes::TOO_FEW));
    }
    let n = gaps.len() as f64;
    let stream = Stream::new(&gaps, |_| 1.0 / n);
    let theta = stream.maximum()?;
    let unit = stream.unit_s;
    let log_likelihood = n * (-stream.value(theta) - libm::log(unit));
    let mut residuals = stream.residuals(theta);
    let ks_distance = distance_from_exponential(&mut residuals);
    let [mu, branching_ratio, decay] = theta;
    Ok(HawkesFit {
        base_rate: mu / unit,
        branching_ratio,
        decay: decay / unit,
        log_likelihood,
        gaps: gaps.len() as u64,
        ks_distance,
        ks_p_value: kolmogorov_sf(libm::sqrt(n) * ks_distance),
    })
}

/// The integrals of a fitted intensity between neighbouring events, session after session: independent and exponential with mean 1, if
/// the process is such a one.
///
/// # Source
/// Time rescaling: Ogata (1988), Brown et al. (2002).
pub fn hawkes_residuals(t_ns: &[i64], gap_ns_max: i64, fit: &HawkesFit) -> Vec<f64> {
    let gaps = gaps(t_ns, gap_ns_max);
    let stream = Stream::new(&gaps, |_| 1.0);
    let unit = stream.unit_s;
    stream.residuals([fit.base_rate * unit, fit.branching_ratio, fit.decay * unit])
}

/// The branching ratio from the dispersion of counts in long windows: `1 - sqrt(mean / variance)` (n - 1 in the variance).
///
/// # Errors
/// [`Undefined`] for fewer than 2 counts, or where they scatter no more than a Poisson law's.
///
/// # Source
/// Hardiman and Bouchaud (2014): the variance of counts over a time that is long against the kernel is `mean / (1 - n)^2`.
pub fn branching_ratio_of_dispersion(counts: &[u64]) -> Result<f64, Undefined> {
    let n = counts.len() as f64;
    let mean = counts.iter().map(|c| *c as f64).sum::<f64>() / n;
    let square = |c: &u64| (*c as f64 - mean) * (*c as f64 - mean);
    let variance = counts.iter().map(square).sum::<f64>() / (n - 1.0);
    if variance > mean && variance.is_finite() {
        return Ok(1.0 - libm::sqrt(mean / variance));
    }
    Err(Undefined("the counts scatter no more than those of a Poisson law"))
}

/// A gap between two events: the place of the later one, nanoseconds, and whether a session begins with the earlier one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gap {
    pub(super) at: usize,
    ns: u64,
    is_start: bool,
}

pub(super) fn gaps(t_ns: &[i64], gap_ns_max: i64) -> Vec<Gap> {
    let mut out = Vec::new();
    let mut is_start = true;
    for (i, pair) in t_ns.windows(2).enumerate() {
        let ns = i128::from(pair[1]) - i128::from(pair[0]);
        if ns == 0 {
            continue;
        }
        if ns < 0 || ns > i128::from(gap_ns_max) {
            is_start = true;
            continue;
        }
        out.push(Gap { at: i + 1, ns: ns as u64, is_start });
        is_start = false;
    }
    out
}

/// Gaps in order of time, in units of their mean.
pub(super) struct Stream {
    gaps: Vec<f64>,
    weights: Vec<f64>,
    starts: Vec<bool>,
    unit_s: f64,
}

/// What one gap adds to the log-likelihood, with its derivatives to base rate, branching ratio and decay.
struct Term {
    value: f64,
    score: [f64; 3],
    curvature: [[f64; 3]; 3],
}

/// What is left of earlier excitation, `sum exp(-b (t - t_j))`, with its first and second derivative to b.
#[derive(Clone, Copy, Default)]
struct Excitation {
    s: f64,
    d: f64,
    dd: f64,
}

impl Excitation {
    /// Just after an event, and when the gap has passed.
    fn step(self, decay: f64, gap: f64) -> (Self, Self) {
        let begin = Self { s: self.s + 1.0, ..self };
        let e = libm::exp(-decay * gap);
        let s = begin.s * e;
        let d = begin.d * e - gap * s;
        let dd = begin.dd * e - gap * (begin.d * e + d);
        (begin, Self { s, d, dd })
    }
}

impl Stream {
    /// Gaps with a weight for each, by its number.
    pub(super) fn new(gaps: &[Gap], weight: impl Fn(usize) -> f64) -> Self {
        let total: f64 = gaps.iter().map(|gap| gap.ns as f64).sum();
        let unit = if gaps.is_empty() { 1.0 } else { total / gaps.len() as f64 };
        Self {
            gaps: gaps.iter().map(|gap| gap.ns as f64 / unit).collect(),
            weights: (0..gaps.len()).map(weight).collect(),
            starts: gaps.iter().map(|gap| gap.is_start).collect(),
            unit_s: unit * 1e-9,
        }
    }

    /// The mean gap, seconds.
    pub(super) fn unit_s(&self) -> f64 {
        self.unit_s
    }

    /// Each gap with what is left of excitation at its begin (that of its first event counted) and at its end.
    fn excitations(&self, decay: f64, mut visit: impl FnMut(usize, &Excitation, &Excitation)) {
        let mut left = Excitation::default();
        for (i, (gap, is_start)) in self.gaps.iter().zip(&self.starts).enumerate() {
            let before = if *is_start { Excitation::default() } else { left };
            let (begin, end) = before.step(decay, *gap);
            visit(i, &begin, &end);
            left = end;
        }
    }

    /// Minus the mean log-likelihood.
    fn value(&self, [mu, ratio, decay]: [f64; 3]) -> f64 {
        let mut sum = 0.0;
        self.excitations(decay, |i, begin, end| {
            let integral = mu * self.gaps[i] + ratio * (begin.s - end.s);
            sum += self.weights[i] * (integral - libm::log(mu + ratio * decay * end.s));
        });
        sum
    }

    fn residuals(&self, [mu, ratio, decay]: [f64; 3]) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.gaps.len());
        self.excitations(decay, |i, begin, end| out.push(mu * self.gaps[i] + ratio * (begin.s - end.s)));
        out
    }

    /// Each gap's term at a place, with its weight.
    fn each(&self, theta: [f64; 3], mut visit: impl FnMut(usize, f64, &Term)) {
        self.excitations(theta[2], |i, begin, end| visit(i, self.weights[i], &term(theta, self.gaps[i], begin, end)));
    }

    /// The influence of each gap on a number whose gradient is `curvature * direction`; `theta` is the maximum.
    pub(super) fn influences(&self, theta: [f64; 3], direction: &[f64; 3]) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.gaps.len());
        self.each(theta, |_, _, term| out.push(direction.iter().zip(&term.score).map(|(a, b)| a * b).sum()));
        out
    }

    /// The standard error of a number with these influences, whose terms do not predict each other.
    pub(super) fn standard_error(&self, influences: &[f64]) -> f64 {
        let square = |(v, weight): (&f64, &f64)| (v * weight) * (v * weight);
        libm::sqrt(influences.iter().zip(&self.weights).map(square).sum())
    }

    /// Minus the mean log-likelihood with its derivatives.
    pub(super) fn local(&self, theta: [f64; 3]) -> Local<3> {
        let mut out = Local::zero();
        self.each(theta, |_, weight, term| {
            out.value -= weight * term.value;
            out.subtract(weight, &term.score, &term.curvature);
        });
        out
    }

    /// Base rate and decay, per mean gap, and branching ratio of the largest likelihood.
    pub(super) fn maximum(&self) -> Result<[f64; 3], Undefined> {
        let mut starts = self.starts();
        starts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let of = |u: &[f64; 3]| {
            let parameters = parameters(*u);
            self.local(parameters.theta).through(&parameters)
        };
        let found = starts.iter().take(FOLLOWED).filter_map(|(_, start)| minimise(*start, REACH, of));
        let best = found.min_by(|a, b| a.1.value.total_cmp(&b.1.value));
        let Some((u, _)) = best else { return Err(Undefined("the likelihood of a Hawkes process has no maximum")) };
        let theta = parameters(u).theta;
        if u.iter().all(|x| x.abs() < REACH) && theta[1] > RATIO_MIN && theta[1] < RATIO_MAX {
            return Ok(theta);
        }
        Err(Undefined(
            "the likelihood of a Hawkes process is largest on the boundary: no excitation, or more than it survives",
        ))
    }

    /// Where the search may begin, with the value there. Excitation is summed once for each decay.
    fn starts(&self) -> Vec<(f64, [f64; 3])> {
        let mut out = Vec::new();
        for decay in DECAYS {
            let mut sums = [0.0; RATIOS.len()];
            self.excitations(decay, |i, begin, end| {
                for (sum, ratio) in sums.iter_mut().zip(RATIOS) {
                    let mu = 1.0 - ratio;
                    let integral = mu * self.gaps[i] + ratio * (begin.s - end.s);
                    *sum += self.weights[i] * (integral - libm::log(mu + ratio * decay * end.s));
                }
            });
            for (sum, ratio) in sums.into_iter().zip(RATIOS) {
                out.push((sum, [libm::log(1.0 - ratio), libm::log(ratio / (1.0 - ratio)), libm::log(decay)]));
            }
        }
        out
    }
}

/// `ln intensity` at the end of a gap less its integral over the gap.
fn term([mu, ratio, decay]: [f64; 3], gap: f64, begin: &Excitation, end: &Excitation) -> Term {
    let intensity = mu + ratio * decay * end.s;
    let gone = (begin.s - end.s, begin.d - end.d, begin.dd - end.dd);
    // Derivatives of the intensity; to base rate and ratio it is linear.
    let cross = end.s + decay * end.d;
    let d = [1.0, decay * end.s, ratio * cross];
    let dd = [[0.0, 0.0, 0.0], [0.0, 0.0, cross], [0.0, cross, ratio * (2.0 * end.d + decay * end.dd)]];
    let integral_d = [gap, gone.0, ratio * gone.1];
    let integral_dd = [[0.0, 0.0, 0.0], [0.0, 0.0, gone.1], [0.0, gone.1, ratio * gone.2]];
    let of = |i: usize, j: usize| dd[i][j] / intensity - d[i] * d[j] / (intensity * intensity) - integral_dd[i][j];
    Term {
        value: libm::log(intensity) - mu * gap - ratio * gone.0,
        score: core::array::from_fn(|i| d[i] / intensity - integral_d[i]),
        curvature: core::array::from_fn(|i| core::array::from_fn(|j| of(i, j))),
    }
}

/// Base rate, ratio and decay from logarithm, log-odds and logarithm, with first and second derivatives, each of its own.
fn parameters([a, b, c]: [f64; 3]) -> Parameters<3> {
    let (mu, decay) = (libm::exp(a), libm::exp(c));
    let (ratio, rest) = (1.0 / (1.0 + libm::exp(-b)), 1.0 / (1.0 + libm::exp(b)));
    let slope = ratio * rest;
    let diagonal = |v: [f64; 3]| [[v[0], 0.0, 0.0], [0.0, v[1], 0.0], [0.0, 0.0, v[2]]];
    let (first, second) = ([mu, slope, decay], [mu, slope * (rest - ratio), decay]);
    let only = |i: usize| diagonal(core::array::from_fn(|j| if i == j { second[i] } else { 0.0 }));
    Parameters { theta: [mu, ratio, decay], jacobian: diagonal(first), curve: core::array::from_fn(only) }
}

/// `max |F_n - F|` from the exponential law of mean 1.
pub(super) fn distance_from_exponential(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let gap = |(i, v): (usize, &f64)| {
        let law = -libm::expm1(-v);
        (law - i as f64 / n).max((i + 1) as f64 / n - law)
    };
    values.iter().enumerate().map(gap).fold(0.0, f64::max)
}
