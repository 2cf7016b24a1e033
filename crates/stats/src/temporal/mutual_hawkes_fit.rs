//! The likelihood of two kinds of events that excite themselves and each other, its derivatives and its maximum.

use super::Undefined;
use super::hawkes_fit::distance_from_exponential;
use super::newton::{Local, Parameters, minimise};
use crate::classic::kolmogorov_sf;

/// Parameters: both base rates, the branching numbers (of the first kind by the first and by the second, then of the second kind), decay.
pub(super) const PARAMETERS: usize = 7;
/// Where the branching numbers stand among the parameters.
pub(super) const BRANCHING: usize = 2;
const DECAY: usize = 6;
/// Events of a kind below which nothing is fitted.
pub const MUTUAL_HAWKES_EVENTS_MIN: usize = 250;
pub(super) const TOO_FEW: &str = "fewer than 250 events of a kind";

/// Decays, per mean gap, and branching ratios at which the search begins.
const DECAYS: [f64; 10] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0];
const RATIOS: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];
/// Starts that are followed to their maximum.
const FOLLOWED: usize = 3;
/// The logarithm of the decay is searched within this, and every other parameter too.
const REACH: f64 = 16.0;
/// Beyond this the process does not survive.
const RADIUS_MAX: f64 = 0.9999;

/// Two kinds of events that excite themselves and each other, fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MutualHawkesFit {
    /// Intensity of each kind without excitation, per second.
    pub base_rates: [f64; 2],
    /// Events of kind `i` that an event of kind `j` excites, on the mean, in place `[i][j]`; negative where it holds them back.
    pub branching: [[f64; 2]; 2],
    /// By what every excitation decays, per second.
    pub decay: f64,
    /// The largest size of an eigenvalue of `branching`: below 1 the process survives.
    pub spectral_radius: f64,
    /// Of times in seconds.
    pub log_likelihood: f64,
    /// Events of each kind that the likelihood knows.
    pub events: [u64; 2],
    /// Kolmogorov-Smirnov distance of the residuals of each kind from the exponential law of mean 1.
    pub ks_distance: [f64; 2],
    /// P of larger distances if the process is such a one; that parameters were fitted makes them too large.
    pub ks_p_value: [f64; 2],
}

/// Fits the intensities `mu_i + sum_j sum_(t_k of kind j < t) n_ij b exp(-b (t - t_k))` to times of events of two kinds by the largest
/// likelihood, `sum over kinds of sum ln intensity_i(t_i) - integral of intensity_i`. Events of one kind at one time are one, events of
/// both do not excite each other. A gap above `gap_ns_max` ends a session: the next begins with events that are given, and without
/// excitation from before.
///
/// Given the decay the likelihood is concave in all other parameters. Branching numbers are free to be negative: the estimate of one
/// that is 0 then scatters around it.
///
/// # Arguments
/// * `t_ns`: ascending; descending times begin a session.
/// * `kinds`: for each time whether an event of the first and of the second kind happens.
///
/// # Errors
/// [`Undefined`] for fewer than [`MUTUAL_HAWKES_EVENTS_MIN`] events of a kind, kinds that are not as many as times, or where the
/// likelihood has no maximum with base rates above 0 and a spectral radius below 1.
///
/// # Source
/// Hawkes (1971), "Spectra of some self-exciting and mutually exciting point processes"; Ogata (1978, 1981).
pub fn fit_mutual_hawkes(t_ns: &[i64], kinds: &[[bool; 2]], gap_ns_max: i64) -> Result<MutualHawkesFit, Undefined> {
    if t_ns.len() != kinds.len() {
        return Err(Undefined("it needs a kind for each time"));
    }
    let steps = steps(t_ns, |i| kinds[i], gap_ns_max);
    let n = steps.len() as f64;
    let stream = MutualStream::new(&steps, |_| 1.0 / n);
    let theta = stream.maximum()?;
    let events = stream.events();
    let unit = stream.unit_s;
    let mut fit = MutualHawkesFit {
        base_rates: [theta[0] / unit, theta[1] / unit],
        branching: branching(&theta),
        decay: theta[DECAY] / unit,
        spectral_radius: spectral_radius(branching(&theta)),
        log_likelihood: -n * stream.local(&theta).value - (events[0] + events[1]) as f64 * libm::log(unit),
        events,
        ks_distance: [0.0; 2],
        ks_p_value: [0.0; 2],
    };
    for (kind, mut residuals) in stream.residuals(&theta).into_iter().enumerate() {
        let root = libm::sqrt(residuals.len() as f64);
        fit.ks_distance[kind] = distance_from_exponential(&mut residuals);
        fit.ks_p_value[kind] = kolmogorov_sf(root * fit.ks_distance[kind]);
    }
    Ok(fit)
}

/// The branching numbers among the parameters.
pub(super) fn branching(theta: &[f64; PARAMETERS]) -> [[f64; 2]; 2] {
    [[theta[BRANCHING], theta[BRANCHING + 1]], [theta[BRANCHING + 2], theta[BRANCHING + 3]]]
}

/// Half the sum of the eigenvalues of a matrix of two, and the square of half their difference.
pub(super) fn eigenvalues([[a, b], [c, d]]: [[f64; 2]; 2]) -> (f64, f64) {
    (0.5 * (a + d), 0.25 * (a - d) * (a - d) + b * c)
}

fn spectral_radius(matrix: [[f64; 2]; 2]) -> f64 {
    let (middle, square) = eigenvalues(matrix);
    // A pair of complex ones has the size of the root of the determinant.
    if square >= 0.0 { middle.abs() + libm::sqrt(square) } else { libm::sqrt(middle * middle - square) }
}

/// From the events at one time to those at the next: the place of the first of the later ones, nanoseconds, whether a session begins
/// with the earlier ones, and the kinds of both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    pub(super) at: usize,
    ns: u64,
    is_start: bool,
    begins: [bool; 2],
    ends: [bool; 2],
}

/// The steps between times at which something of a kind happens.
pub(super) fn steps(t_ns: &[i64], kinds: impl Fn(usize) -> [bool; 2], gap_ns_max: i64) -> Vec<Step> {
    let mut times: Vec<(usize, i64, [bool; 2])> = Vec::new();
    for (i, &t) in t_ns.iter().enumerate() {
        let [first, second] = kinds(i);
        match times.last_mut() {
            _ if !(first || second) => {}
            Some((_, last, kinds)) if *last == t => *kinds = [kinds[0] || first, kinds[1] || second],
            _ => times.push((i, t, [first, second])),
        }
    }
    let mut out = Vec::with_capacity(times.len());
    let mut is_start = true;
    for pair in times.windows(2) {
        let [(_, from, begins), (at, to, ends)] = [pair[0], pair[1]];
        let ns = i128::from(to) - i128::from(from);
        if ns < 0 || ns > i128::from(gap_ns_max) {
            is_start = true;
            continue;
        }
        out.push(Step { at, ns: ns as u64, is_start, begins, ends });
        is_start = false;
    }
    out
}

/// What is left of the excitation by each kind, `sum exp(-b (t - t_k))`, with its first and second derivative to b.
#[derive(Clone, Copy, Default)]
struct Excitation {
    s: [f64; 2],
    d: [f64; 2],
    dd: [f64; 2],
}

impl Excitation {
    /// Just after events, and when the gap has passed.
    fn step(mut self, begins: [bool; 2], decay: f64, gap: f64) -> (Self, Self) {
        let e = libm::exp(-decay * gap);
        let mut end = Self::default();
        for (j, begins) in begins.into_iter().enumerate() {
            self.s[j] += f64::from(u8::from(begins));
            end.s[j] = self.s[j] * e;
            end.d[j] = self.d[j] * e - gap * end.s[j];
            end.dd[j] = self.dd[j] * e - gap * (self.d[j] * e + end.d[j]);
        }
        (self, end)
    }
}

/// Steps in order of time, in units of their mean.
pub(super) struct MutualStream<'a> {
    steps: &'a [Step],
    gaps: Vec<f64>,
    weights: Vec<f64>,
    unit_s: f64,
}

/// What one step adds to the log-likelihood of one kind, with its derivatives to base rate, both branching numbers and decay.
struct Term {
    value: f64,
    score: [f64; 4],
    curvature: [[f64; 4]; 4],
}

/// Where the parameters of a kind stand among all.
const fn places(kind: usize) -> [usize; 4] {
    [kind, BRANCHING + 2 * kind, BRANCHING + 2 * kind + 1, DECAY]
}

impl<'a> MutualStream<'a> {
    /// Steps with a weight for each, by its number.
    pub(super) fn new(steps: &'a [Step], weight: impl Fn(usize) -> f64) -> Self {
        let total: f64 = steps.iter().map(|step| step.ns as f64).sum();
        let unit = if steps.is_empty() { 1.0 } else { total / steps.len() as f64 };
        Self {
            steps,
            gaps: steps.iter().map(|step| step.ns as f64 / unit).collect(),
            weights: (0..steps.len()).map(weight).collect(),
            unit_s: unit * 1e-9,
        }
    }

    /// Events of each kind.
    fn events(&self) -> [u64; 2] {
        [0, 1].map(|kind| self.steps.iter().filter(|step| step.ends[kind]).count() as u64)
    }

    /// Each step with what is left of excitation at its begin (that of its first events counted) and at its end.
    fn excitations(&self, decay: f64, mut visit: impl FnMut(usize, &Excitation, &Excitation)) {
        let mut left = Excitation::default();
        for (i, (step, gap)) in self.steps.iter().zip(&self.gaps).enumerate() {
            let before = if step.is_start { Excitation::default() } else { left };
            let (begin, end) = before.step(step.begins, decay, *gap);
            visit(i, &begin, &end);
            left = end;
        }
    }

    /// The integrals of the fitted intensity of each kind between its neighbouring events.
    fn residuals(&self, theta: &[f64; PARAMETERS]) -> [Vec<f64>; 2] {
        let mut out = [Vec::new(), Vec::new()];
        let mut open = [0.0; 2];
        self.excitations(theta[DECAY], |i, begin, end| {
            let step = &self.steps[i];
            if step.is_start {
                open = [0.0; 2];
            }
            for kind in 0..2 {
                let [mu, first, second] = [0, 1, 2].map(|k| theta[places(kind)[k]]);
                open[kind] += mu * self.gaps[i] + first * (begin.s[0] - end.s[0]) + second * (begin.s[1] - end.s[1]);
                if step.ends[kind] {
                    out[kind].push(std::mem::take(&mut open[kind]));
                }
            }
        });
        out
    }

    /// Each step's term of each kind at a place.
    fn each(&self, theta: &[f64; PARAMETERS], mut visit: impl FnMut(usize, usize, &Term)) {
        self.excitations(theta[DECAY], |i, begin, end| {
            for kind in 0..2 {
                let own = places(kind).map(|at| theta[at]);
                visit(i, kind, &term(own, self.gaps[i], (begin, end), self.steps[i].ends[kind]));
            }
        });
    }

    /// The influences of each step on numbers whose gradients are `curvature * direction`; `theta` is the maximum.
    pub(super) fn influences<const N: usize>(
        &self,
        theta: &[f64; PARAMETERS],
        directions: &[[f64; PARAMETERS]; N],
    ) -> Vec<[f64; N]> {
        let mut out = vec![[0.0; N]; self.steps.len()];
        self.each(theta, |i, kind, term| {
            for (out, direction) in out[i].iter_mut().zip(directions) {
                *out += places(kind).iter().zip(&term.score).map(|(at, score)| direction[*at] * score).sum::<f64>();
            }
        });
        out
    }

    /// The standard error of a number with these influences, whose terms do not predict each other.
    pub(super) fn standard_error(&self, influences: impl Iterator<Item = f64>) -> f64 {
        libm::sqrt(influences.zip(&self.weights).map(|(v, weight)| (v * weight) * (v * weight)).sum())
    }

    /// Minus the mean log-likelihood with its derivatives.
    pub(super) fn local(&self, theta: &[f64; PARAMETERS]) -> Local<PARAMETERS> {
        let mut out = Local::zero();
        self.each(theta, |i, kind, term| {
            let weight = self.weights[i];
            out.value -= weight * term.value;
            for (a, at) in places(kind).into_iter().enumerate() {
                out.gradient[at] -= weight * term.score[a];
                for (b, other) in places(kind).into_iter().enumerate() {
                    out.hessian[at][other] -= weight * term.curvature[a][b];
                }
            }
        });
        out
    }

    /// The parameters of the largest likelihood, per mean gap.
    pub(super) fn maximum(&self) -> Result<[f64; PARAMETERS], Undefined> {
        if self.events().iter().any(|events| *events < MUTUAL_HAWKES_EVENTS_MIN as u64) {
            return Err(Undefined(TOO_FEW));
        }
        let mut starts = self.starts();
        starts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let of = |u: &[f64; PARAMETERS]| {
            let parameters = parameters(*u);
            self.local(&parameters.theta).through(&parameters)
        };
        let found = starts.iter().take(FOLLOWED).filter_map(|(_, start)| minimise(*start, REACH, of));
        let best = found.min_by(|a, b| a.1.value.total_cmp(&b.1.value));
        let Some((u, _)) = best else {
            return Err(Undefined("the likelihood of a mutual Hawkes process has no maximum"));
        };
        let theta = parameters(u).theta;
        let is_inside = u.iter().all(|x| x.abs() < REACH) && theta[0] > 0.0 && theta[1] > 0.0;
        if is_inside && spectral_radius(branching(&theta)) < RADIUS_MAX {
            return Ok(theta);
        }
        Err(Undefined(
            "the likelihood of a mutual Hawkes process is largest where it is none: excitation without decay, or more than it survives",
        ))
    }

    /// Where the search may begin, with the value there: each kind by itself, or both alike. Excitation is summed once for each decay.
    fn starts(&self) -> Vec<(f64, [f64; PARAMETERS])> {
        let weighted = |of: &dyn Fn(usize) -> f64| -> f64 {
            self.weights.iter().enumerate().map(|(i, weight)| weight * of(i)).sum()
        };
        let time = weighted(&|i| self.gaps[i]);
        let rates = [0, 1].map(|kind| weighted(&|i| f64::from(u8::from(self.steps[i].ends[kind]))) / time);
        let shares = rates.map(|rate| rate / (rates[0] + rates[1]));
        let own = |r: f64| [r, 0.0, 0.0, r];
        let even = |r: f64| [r * shares[0], r * shares[0], r * shares[1], r * shares[1]];
        let kinds = RATIOS.map(|r| [own(r), even(r)].map(|n| ([rates[0] * (1.0 - r), rates[1] * (1.0 - r)], n)));
        let tried = kinds.as_flattened();
        let mut out = Vec::with_capacity(DECAYS.len() * tried.len());
        for decay in DECAYS {
            let mut sums = vec![0.0; tried.len()];
            self.excitations(decay, |i, begin, end| {
                let gone = [begin.s[0] - end.s[0], begin.s[1] - end.s[1]];
                for (sum, (mu, n)) in sums.iter_mut().zip(tried) {
                    for kind in 0..2 {
                        let of = |s: [f64; 2]| n[2 * kind] * s[0] + n[2 * kind + 1] * s[1];
                        let value = mu[kind] * self.gaps[i] + of(gone);
                        let ln = if self.steps[i].ends[kind] { libm::log(mu[kind] + decay * of(end.s)) } else { 0.0 };
                        *sum += self.weights[i] * (value - ln);
                    }
                }
            });
            for (sum, (mu, n)) in sums.into_iter().zip(tried) {
                out.push((sum, [mu[0], mu[1], n[0], n[1], n[2], n[3], libm::log(decay)]));
            }
        }
        out
    }
}

/// `ln intensity` of a kind at the end of a step, if one of its events is there, less its integral over the step.
fn term([mu, n0, n1, decay]: [f64; 4], gap: f64, (begin, end): (&Excitation, &Excitation), is_event: bool) -> Term {
    let n = [n0, n1];
    let gone = |of: fn(&Excitation) -> [f64; 2]| [of(begin)[0] - of(end)[0], of(begin)[1] - of(end)[1]];
    let sum = |v: [f64; 2]| n[0] * v[0] + n[1] * v[1];
    let (s, d, dd) = (gone(|e| e.s), gone(|e| e.d), gone(|e| e.dd));
    let mut out = Term {
        value: -mu * gap - sum(s),
        score: [-gap, -s[0], -s[1], -sum(d)],
        curvature: with_decay([-d[0], -d[1]], -sum(dd)),
    };
    if is_event {
        let intensity = mu + decay * sum(end.s);
        // Derivatives of the intensity; to base rate and branching numbers it is linear.
        let cross = [0, 1].map(|j| end.s[j] + decay * end.d[j]);
        let slope = [1.0, decay * end.s[0], decay * end.s[1], sum(cross)];
        let second = with_decay(cross, sum([0, 1].map(|j| 2.0 * end.d[j] + decay * end.dd[j])));
        out.value += libm::log(intensity);
        for a in 0..4 {
            out.score[a] += slope[a] / intensity;
            for b in 0..4 {
                out.curvature[a][b] += second[a][b] / intensity - slope[a] * slope[b] / (intensity * intensity);
            }
        }
    }
    out
}

/// Second derivatives that all have to do with the decay: with each branching number, and with itself.
fn with_decay([first, second]: [f64; 2], own: f64) -> [[f64; 4]; 4] {
    [[0.0; 4], [0.0, 0.0, 0.0, first], [0.0, 0.0, 0.0, second], [0.0, first, second, own]]
}

/// Parameters from variables: the decay from its logarithm, the others as they are.
fn parameters(mut u: [f64; PARAMETERS]) -> Parameters<PARAMETERS> {
    let decay = libm::exp(u[DECAY]);
    u[DECAY] = decay;
    let mut out = Parameters {
        theta: u,
        jacobian: [[0.0; PARAMETERS]; PARAMETERS],
        curve: [[[0.0; PARAMETERS]; PARAMETERS]; PARAMETERS],
    };
    (0..PARAMETERS).for_each(|i| out.jacobian[i][i] = if i == DECAY { decay } else { 1.0 });
    out.curve[DECAY][DECAY][DECAY] = decay;
    out
}
