//! The likelihood of GARCH(1,1), its derivatives and its maximum.

use core::f64::consts::PI;

use super::newton::{Local, Parameters, minimise};
use super::{Undefined, scaled};

/// Persistences at which the search begins, and the shares of alpha in them.
const PERSISTENCES: [f64; 6] = [0.3, 0.7, 0.9, 0.95, 0.98, 0.995];
const SHARES: [f64; 5] = [0.03, 0.08, 0.15, 0.3, 0.6];
/// Starts that are followed to their maximum.
const FOLLOWED: usize = 2;
/// Log-odds and logarithms are searched within this.
const REACH: f64 = 14.0;
/// Returns of a fit at least.
const RETURNS_MIN: usize = 100;
/// Beyond these the maximum lies on the boundary.
const PERSISTENCE_MAX: f64 = 0.9999;
const ALPHA_MIN: f64 = 1e-4;
const BETA_MIN: f64 = 1e-4;

/// GARCH(1,1), fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GarchFit {
    /// Constant of the variance, in squares of the returns' unit.
    pub omega: f64,
    /// Weight of the last squared return.
    pub alpha: f64,
    /// Weight of the last variance.
    pub beta: f64,
    /// Gaussian, with its constant.
    pub log_likelihood: f64,
    /// Steps in which a shock to the variance halves, `ln (1/2) / ln (alpha + beta)`.
    pub half_life: f64,
}

/// Fits `h_t = omega + alpha r_(t-1)^2 + beta h_(t-1)` to returns in order of time by the largest Gaussian likelihood
/// `-1/2 sum (ln 2 pi + ln h_t + r_t^2 / h_t)`, mean 0. Before the first return both `r^2` and `h` are the mean of all `r^2`; NaN is a
/// hole, after which they are so again.
///
/// # Errors
/// [`Undefined`] for fewer than 100 returns, if none moves, or if the maximum has `alpha + beta` of 1, or no
/// alpha or no beta: then nothing tells the others.
///
/// # Source
/// Bollerslev (1986); quasi-likelihood Bollerslev and Wooldridge (1992). As `arch_model(r, mean="Zero").fit(backcast=mean of r^2)` of
/// the Python package arch.
pub fn fit_garch(returns: &[f64]) -> Result<GarchFit, Undefined> {
    let count = returns.iter().filter(|r| !r.is_nan()).count();
    if count < RETURNS_MIN {
        return Err(Undefined("fewer than 100 returns"));
    }
    let (scaled, size) = scaled(returns)?;
    let mut path = Path::default();
    let mut is_start = true;
    for r in scaled {
        if !r.is_nan() {
            path.push(r, 1.0 / count as f64, is_start);
        }
        is_start = r.is_nan();
    }
    path.finish();
    let [omega, alpha, beta] = path.maximum()?;
    let value = path.value([omega, alpha, beta]);
    // The likelihood of returns in units of `unit` has that of the unit taken off.
    let unit = size * libm::sqrt(path.unit);
    let n = count as f64;
    Ok(GarchFit {
        omega: omega * unit * unit,
        alpha,
        beta,
        log_likelihood: n * (-0.5 * libm::log(2.0 * PI) - value - libm::log(size) - 0.5 * libm::log(path.unit)),
        half_life: libm::log(0.5) / libm::log(alpha + beta),
    })
}

/// Squared returns in order of time, in stretches without holes.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// In units of their unweighted mean.
    squares: Vec<f64>,
    /// Sum to 1.
    weights: Vec<f64>,
    starts: Vec<bool>,
    /// The unweighted mean of the squares given.
    unit: f64,
    /// Weighted mean of `squares`: what the first variance of a stretch comes from.
    initial: f64,
}

/// The variance of one return and its derivatives to omega, alpha, beta and the initial variance.
#[derive(Clone, Copy)]
struct Variance {
    h: f64,
    d: [f64; 4],
    /// Second derivatives: omega-beta, alpha-beta, beta-beta, alpha-initial, beta-initial. All others are 0.
    dd: [f64; 5],
}

/// What one return adds to the log-likelihood: its score and its part of the curvature.
struct Term {
    /// Derivatives to omega, alpha and beta.
    score: [f64; 3],
    curvature: [[f64; 3]; 3],
    /// Derivatives of the score to the initial variance.
    initial: [f64; 3],
}

impl Path {
    /// The next return, scaled so that its square is in range.
    pub(super) fn push(&mut self, r: f64, weight: f64, is_start: bool) {
        self.squares.push(r * r);
        self.weights.push(weight);
        self.starts.push(is_start);
    }

    /// To be called once after all returns, one of which moves.
    pub(super) fn finish(&mut self) {
        self.unit = self.squares.iter().sum::<f64>() / self.squares.len() as f64;
        self.squares.iter_mut().for_each(|square| *square /= self.unit);
        self.initial = self.squares.iter().zip(&self.weights).map(|(square, w)| square * w).sum();
    }

    /// Minus the mean log-likelihood, without its constant.
    fn value(&self, [omega, alpha, beta]: [f64; 3]) -> f64 {
        let (mut h, mut last, mut sum) = (self.initial, self.initial, 0.0);
        for ((square, weight), is_start) in self.squares.iter().zip(&self.weights).zip(&self.starts) {
            if *is_start {
                (h, last) = (self.initial, self.initial);
            }
            h = omega + alpha * last + beta * h;
            last = *square;
            sum += weight * 0.5 * (libm::log(h) + square / h);
        }
        sum
    }

    /// Each return's term at a place, with its weight.
    fn each(&self, theta: [f64; 3], mut visit: impl FnMut(usize, f64, &Term)) -> f64 {
        let mut variance = Variance::initial(self.initial);
        let (mut last, mut sum) = (self.initial, 0.0);
        for (t, ((square, weight), is_start)) in self.squares.iter().zip(&self.weights).zip(&self.starts).enumerate() {
            variance = if *is_start { Variance::initial(self.initial) } else { variance };
            variance.step(theta, if *is_start { self.initial } else { last }, *is_start);
            last = *square;
            sum += weight * 0.5 * (libm::log(variance.h) + square / variance.h);
            visit(t, *weight, &variance.term(*square));
        }
        sum
    }

    /// Minus the mean log-likelihood with its derivatives to omega, alpha and beta.
    pub(super) fn local(&self, theta: [f64; 3]) -> Local<3> {
        let mut out = Local::zero();
        let value = self.each(theta, |_, weight, term| out.subtract(weight, &term.score, &term.curvature));
        Local { value, ..out }
    }

    /// The influence of each return on a number whose gradient is `curvature * direction`; `theta` is the maximum.
    pub(super) fn influences(&self, theta: [f64; 3], direction: &[f64; 3]) -> Vec<f64> {
        let along = |v: &[f64; 3]| direction.iter().zip(v).map(|(a, b)| a * b).sum::<f64>();
        let (mut own, mut through_initial) = (vec![0.0; self.squares.len()], 0.0);
        self.each(theta, |t, weight, term| {
            own[t] = along(&term.score);
            through_initial += weight * along(&term.initial);
        });
        own.iter().zip(&self.squares).map(|(own, square)| own + through_initial * (square - self.initial)).collect()
    }

    /// The standard error of a number with these influences, whose terms do not predict each other.
    pub(super) fn standard_error(&self, influences: &[f64]) -> f64 {
        let square = |(v, weight): (&f64, &f64)| (v * weight) * (v * weight);
        libm::sqrt(influences.iter().zip(&self.weights).map(square).sum())
    }

    /// Omega, alpha and beta of the largest likelihood.
    pub(super) fn maximum(&self) -> Result<[f64; 3], Undefined> {
        let mut starts: Vec<(f64, [f64; 3])> = Vec::new();
        for p in PERSISTENCES {
            for s in SHARES {
                let at = [libm::log(self.initial), log_odds(p), log_odds(s)];
                starts.push((self.value(parameters(at).theta), at));
            }
        }
        starts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let of = |u: &[f64; 3]| {
            let parameters = parameters(*u);
            self.local(parameters.theta).through(&parameters)
        };
        let found = starts.iter().take(FOLLOWED).filter_map(|(_, start)| minimise(*start, REACH, of));
        let best = found.min_by(|a, b| a.1.value.total_cmp(&b.1.value));
        let Some((u, _)) = best else { return Err(Undefined("the likelihood of GARCH(1,1) has no maximum")) };
        let theta = parameters(u).theta;
        let [_, alpha, beta] = theta;
        let inside = u.iter().all(|x| x.abs() < REACH) && alpha + beta < PERSISTENCE_MAX;
        if inside && alpha > ALPHA_MIN && beta > BETA_MIN {
            return Ok(theta);
        }
        Err(Undefined("the likelihood of GARCH(1,1) is largest on the boundary: no clustering, or a persistence of 1"))
    }
}

impl Variance {
    fn initial(initial: f64) -> Self {
        Self { h: initial, d: [0.0, 0.0, 0.0, 1.0], dd: [0.0; 5] }
    }

    /// On to the next return.
    fn step(&mut self, [omega, alpha, beta]: [f64; 3], last: f64, is_start: bool) {
        // Before a stretch the squared return is the initial variance too.
        let through_last = if is_start { 1.0 } else { 0.0 };
        let Self { h, d, dd } = *self;
        self.dd = [
            d[0] + beta * dd[0],
            d[1] + beta * dd[1],
            2.0 * d[2] + beta * dd[2],
            through_last + beta * dd[3],
            d[3] + beta * dd[4],
        ];
        self.d = [1.0 + beta * d[0], last + beta * d[1], h + beta * d[2], alpha * through_last + beta * d[3]];
        self.h = omega + alpha * last + beta * h;
    }

    fn term(&self, square: f64) -> Term {
        let h = self.h;
        let slope = 0.5 * (square / h - 1.0) / h;
        let curve = (0.5 - square / h) / (h * h);
        let [d0, d1, d2, d3] = self.d;
        let d = [d0, d1, d2];
        let [omega_beta, alpha_beta, beta_beta, alpha_initial, beta_initial] = self.dd;
        let second = [[0.0, 0.0, omega_beta], [0.0, 0.0, alpha_beta], [omega_beta, alpha_beta, beta_beta]];
        let second_initial = [0.0, alpha_initial, beta_initial];
        let of = |i: usize, j: usize| curve * d[i] * d[j] + slope * second[i][j];
        Term {
            score: d.map(|d| slope * d),
            curvature: [0, 1, 2].map(|i| [0, 1, 2].map(|j| of(i, j))),
            initial: [0, 1, 2].map(|i| curve * d[i] * d3 + slope * second_initial[i]),
        }
    }
}

fn log_odds(p: f64) -> f64 {
    libm::log(p / (1.0 - p))
}

/// Omega, alpha and beta from the logarithm of the variance, the log-odds of the persistence and those of alpha's share in it, with
/// first and second derivatives.
fn parameters([a, b, c]: [f64; 3]) -> Parameters<3> {
    let logistic = |x: f64| 1.0 / (1.0 + libm::exp(-x));
    let (v, p, s) = (libm::exp(a), logistic(b), logistic(c));
    // Both directly, for the digits of what is small.
    let (p_not, s_not) = (logistic(-b), logistic(-c));
    let (dp, ds) = (p * p_not, s * s_not);
    let (ddp, dds) = (dp * (p_not - p), ds * (s_not - s));
    let theta = [v * p_not, p * s, p * s_not];
    let jacobian = [[v * p_not, -v * dp, 0.0], [0.0, dp * s, p * ds], [0.0, dp * s_not, -p * ds]];
    let curve = [
        [[v * p_not, -v * dp, 0.0], [-v * dp, -v * ddp, 0.0], [0.0, 0.0, 0.0]],
        [[0.0, 0.0, 0.0], [0.0, ddp * s, dp * ds], [0.0, dp * ds, p * dds]],
        [[0.0, 0.0, 0.0], [0.0, ddp * s_not, -dp * ds], [0.0, -dp * ds, -p * dds]],
    ];
    Parameters { theta, jacobian, curve }
}
