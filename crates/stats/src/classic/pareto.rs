//! The generalised Pareto law of peaks over a threshold.

use super::position::{extent, unit};
use super::tail::Tail;
use super::{Side, TAIL_MIN, TestError, check_pair};
use crate::histogram::Histogram;

/// Share of the first sample beyond the threshold of [`pareto_threshold`].
pub const PARETO_SHARE: f64 = 0.01;
/// Shapes at or below this have no regular likelihood (Smith 1985): the law ends abruptly.
const SHAPE_MIN: f64 = -0.5;
/// Shapes beyond this are no fit.
const SHAPE_MAX: f64 = 10.0;
/// Steps outwards from 0 until the derivative changes its sign; each halves the distance to the end of the law, or doubles theta.
const STEPS_MAX: usize = 60;
/// Halvings of the bracket, at most.
const ROOT_STEPS_MAX: usize = 200;

/// A generalised Pareto law fitted to a tail.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ParetoFit {
    /// The shape xi: 0 for exponential tails, positive for heavy ones (1 / tail index), negative for tails that end.
    pub shape: f64,
    /// The scale, in the unit of the values.
    pub scale: f64,
    /// The logarithm of the likelihood at the maximum.
    pub log_likelihood: f64,
    /// Values strictly beyond the threshold.
    pub k: u64,
}

impl ParetoFit {
    /// How far beyond the threshold the share `share` of all `n` values begins by the fit, in the unit of the values: 0.001 for the 99.9 %
    /// quantile. `None` where the threshold itself lies beyond that, or the result beyond the range of f64.
    #[must_use]
    pub fn excess_of(&self, n: u64, share: f64) -> Option<f64> {
        let beyond = self.k as f64 / n as f64;
        let excess = self.scale * pareto_isf(share / beyond, self.shape);
        (share > 0.0 && share <= beyond && excess.is_finite()).then_some(excess)
    }
}

/// Where the share `share` of a generalised Pareto law of scale 1 lies beyond, `(share^-shape - 1) / shape`; `-ln share` for shape 0. NaN
/// for a share that is not above 0 and at most 1.
///
/// # Source
/// Pickands (1975); checked against mpmath (`vectors/tails.csv`).
#[must_use]
pub fn pareto_isf(share: f64, shape: f64) -> f64 {
    if !(share > 0.0 && share <= 1.0) {
        return f64::NAN;
    }
    let length = -libm::log(share);
    let v = shape * length;
    if v == 0.0 { length } else { length * (libm::expm1(v) / v) }
}

/// The fits of both tails beyond one threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TailContrast<F> {
    /// The parameter of the second tail minus that of the first; also the effect.
    pub statistic: f64,
    /// The fit of the first sample's tail.
    pub first: F,
    /// The fit of the second sample's tail.
    pub second: F,
}

/// The key beyond which [`pareto`] looks: the sample's 99 % quantile (1 % for the lower tail), inverse of the distribution
/// function; `None` for an empty sample.
#[must_use]
pub fn pareto_threshold(histogram: &Histogram, tail: Tail) -> Option<i64> {
    histogram.quantile_key(match tail {
        Tail::Upper => 1.0 - PARETO_SHARE,
        Tail::Lower => PARETO_SHARE,
    })
}

/// Difference of the shapes of generalised Pareto laws fitted to what of either sample lies beyond one threshold.
///
/// # Errors
/// [`TestError::DifferentLattices`], and those of [`fit_pareto`] for either sample.
pub fn pareto(
    first: &Histogram,
    second: &Histogram,
    tail: Tail,
    threshold: i64,
) -> Result<TailContrast<ParetoFit>, TestError> {
    check_pair(first, second, 0)?;
    let x = fit(first, tail, threshold, Side::First)?;
    let y = if second == first { x } else { fit(second, tail, threshold, Side::Second)? };
    Ok(TailContrast { statistic: y.shape - x.shape, first: x, second: y })
}

/// Maximum likelihood of the generalised Pareto law for the values strictly beyond the key `threshold`, as distances from the far
/// end of its cell. The values of a cell stand at its middle.
///
/// # Errors
/// [`TestError::TooFewInTail`] for fewer than [`TAIL_MIN`] values beyond; [`TestError::NoFit`] where the likelihood has no maximum
/// with a shape between -1/2 and 10 (all values equal, or a law that ends abruptly); [`TestError::Overflow`].
///
/// # Source
/// Grimshaw (1993), "Computing maximum likelihood estimates for the generalized Pareto distribution": one parameter theta = shape /
/// scale is left. With `B = mean of y ln(1 + theta y)/(theta y)`, `A = -dB/dtheta` and `C = mean of y/(1 + theta y)` the shape is
/// `theta B`, the scale `B`, the mean log-likelihood `-ln B - theta B - 1`, and its derivative `A/B - C`: none of them is singular
/// at theta = 0, the exponential law. The maximum found is the one reached from there uphill.
pub fn fit_pareto(histogram: &Histogram, tail: Tail, threshold: i64) -> Result<ParetoFit, TestError> {
    fit(histogram, tail, threshold, Side::First)
}

fn fit(histogram: &Histogram, tail: Tail, threshold: i64, side: Side) -> Result<ParetoFit, TestError> {
    let lattice = histogram.lattice();
    let at = extent(lattice, threshold);
    let unit = unit(lattice);
    let excess = |&(key, count): &(i64, u64)| {
        let middle = extent(lattice, key).middle;
        let y = match tail {
            Tail::Upper if key > threshold => middle.minus(at.upper),
            Tail::Lower if key < threshold => at.lower.minus(middle),
            _ => return None,
        };
        Some((y / unit, count))
    };
    let beyond: Vec<(f64, u64)> = histogram.cells().iter().filter_map(excess).collect();
    let k: u64 = beyond.iter().map(|(_, count)| count).sum();
    if k < TAIL_MIN {
        return Err(TestError::TooFewInTail { side, tail, n: k, n_min: TAIL_MIN });
    }
    let equations = ParetoEquations::of(beyond.into_iter().map(|(y, count)| (y, count as f64)));
    let Some(equations) = equations else { return Err(TestError::Overflow { statistic: "the tail's mean excess" }) };
    let Some(theta) = equations.maximum() else {
        let reason = "no shape between -1/2 and 10 is the most likely one";
        return Err(TestError::NoFit { side, tail, reason });
    };
    let at = equations.at(theta);
    let scale = at.b * equations.mean;
    let log_likelihood = -(k as f64) * (libm::log(at.b) + libm::log(equations.mean) + theta * at.b + 1.0);
    Ok(ParetoFit { shape: theta * at.b, scale, log_likelihood, k })
}

/// The likelihood equation of excesses over their mean.
pub(crate) struct ParetoEquations {
    /// (excess over the mean, share), the shares summing to 1.
    points: Vec<(f64, f64)>,
    /// The mean excess.
    pub(crate) mean: f64,
    largest: f64,
}

/// The sums of [`fit_pareto`] at one theta.
pub(crate) struct ParetoSums {
    pub(crate) a: f64,
    pub(crate) b: f64,
    pub(crate) c: f64,
}

impl ParetoEquations {
    /// From (excess, weight); `None` without a finite positive mean.
    pub(crate) fn of(points: impl Iterator<Item = (f64, f64)>) -> Option<Self> {
        let mut points: Vec<(f64, f64)> = points.filter(|(_, weight)| *weight > 0.0).collect();
        let total: f64 = points.iter().map(|(_, weight)| weight).sum();
        let mean: f64 = points.iter().map(|(y, weight)| y * (weight / total)).sum();
        if !(mean > 0.0 && mean.is_finite()) {
            return None;
        }
        let mut largest: f64 = 0.0;
        for (y, weight) in &mut points {
            *y /= mean;
            *weight /= total;
            largest = largest.max(*y);
        }
        largest.is_finite().then_some(Self { points, mean, largest })
    }

    pub(crate) fn at(&self, theta: f64) -> ParetoSums {
        let mut sums = ParetoSums { a: 0.0, b: 0.0, c: 0.0 };
        for (y, weight) in &self.points {
            let v = theta * y;
            let logarithm = log_share(v);
            sums.a += weight * y * y * log_fall(v, logarithm);
            sums.b += weight * y * logarithm;
            sums.c += weight * y / (1.0 + v);
        }
        sums
    }

    fn derivative(&self, theta: f64) -> f64 {
        let ParetoSums { a, b, c } = self.at(theta);
        a / b - c
    }

    /// The theta of the largest likelihood, for excesses over their mean; `None` where there is none.
    pub(crate) fn maximum(&self) -> Option<f64> {
        let uphill = self.derivative(0.0) > 0.0;
        let mut inner = 0.0;
        for step in 1..=STEPS_MAX {
            let outer = if uphill {
                0.0625 * libm::ldexp(1.0, step as i32)
            } else {
                (libm::ldexp(1.0, -(step as i32)) - 1.0) / self.largest
            };
            let ParetoSums { a, b, c } = self.at(outer);
            let slope = a / b - c;
            if !slope.is_finite() {
                return None;
            }
            if (slope > 0.0) != uphill || slope == 0.0 {
                let theta = self.root(inner, outer, uphill);
                let shape = theta * self.at(theta).b;
                return (shape > SHAPE_MIN && shape < SHAPE_MAX).then_some(theta);
            }
            let shape = outer * b;
            if shape <= SHAPE_MIN || shape >= SHAPE_MAX {
                return None;
            }
            inner = outer;
        }
        None
    }

    /// Where the derivative vanishes between a place where it has the sign of `uphill` and one where it has not: secants, kept
    /// inside the bracket by halving it (the Illinois rule).
    fn root(&self, from: f64, to: f64, uphill: bool) -> f64 {
        let (mut a, mut b) = (from, to);
        let (mut at_a, mut at_b) = (self.derivative(a), self.derivative(b));
        for step in 0..ROOT_STEPS_MAX {
            let secant = b - at_b * (b - a) / (at_b - at_a);
            let inside = secant > a.min(b) && secant < a.max(b);
            let middle = if inside && step % 4 != 3 { secant } else { 0.5 * (a + b) };
            let slope = self.derivative(middle);
            if slope == 0.0 {
                return middle;
            }
            if (slope > 0.0) == uphill {
                (a, at_a) = (middle, slope);
                at_b *= 0.5;
            } else {
                (b, at_b) = (middle, slope);
                at_a *= 0.5;
            }
            if (b - a).abs() <= 4.0 * f64::EPSILON * a.abs().max(b.abs()) {
                break;
            }
        }
        0.5 * (a + b)
    }

    /// The influence of each excess on the shape, at the maximum `theta`: the derivative of the shape with the share of a value,
    /// whatever the law. In the order of the points that [`ParetoEquations::of`] kept.
    pub(crate) fn influence(&self, theta: f64) -> Vec<f64> {
        let ParetoSums { a, b, c } = self.at(theta);
        let (mut a_slope, mut c_slope) = (0.0, 0.0);
        for (y, weight) in &self.points {
            let v = theta * y;
            a_slope += weight * y * y * y * log_bend(v, log_fall(v, log_share(v)));
            c_slope -= weight * (y / (1.0 + v)) * (y / (1.0 + v));
        }
        // The equation A - B C = 0 moves by (a(y) - A) - C (b(y) - B) - B (c(y) - C), and theta answers.
        let bend = a_slope + a * c - b * c_slope;
        let moved = |(y, _): &(f64, f64)| {
            let v = theta * y;
            let logarithm = log_share(v);
            let own = (y * y * log_fall(v, logarithm), y * logarithm, y / (1.0 + v));
            let theta_moves = -((own.0 - a) - c * (own.1 - b) - b * (own.2 - c)) / bend;
            b * theta_moves + theta * (own.1 - b - a * theta_moves)
        };
        self.points.iter().map(moved).collect()
    }
}

/// Below this the closed forms lose digits, and ten to sixteen terms of a series suffice.
const SMALL: f64 = 0.05;

/// `ln(1 + v) / v`.
fn log_share(v: f64) -> f64 {
    if v == 0.0 { 1.0 } else { libm::log1p(v) / v }
}

/// Minus its derivative, `(ln(1 + v)/v - 1/(1 + v)) / v = sum over k >= 2 of (-v)^(k - 2) (k - 1)/k`.
fn log_fall(v: f64, log_share: f64) -> f64 {
    if v.abs() < SMALL {
        (2..=16).rev().fold(0.0, |tail, k| f64::from(k - 1) / f64::from(k) - v * tail)
    } else {
        (log_share - 1.0 / (1.0 + v)) / v
    }
}

/// The derivative of [`log_fall`], `(1/(1 + v)^2 - 2 log_fall) / v = -sum over k >= 3 of (-v)^(k - 3) (k - 1)(k - 2)/k`.
fn log_bend(v: f64, log_fall: f64) -> f64 {
    if v.abs() < SMALL {
        -(3..=17).rev().fold(0.0, |tail, k| f64::from((k - 1) * (k - 2)) / f64::from(k) - v * tail)
    } else {
        (1.0 / ((1.0 + v) * (1.0 + v)) - 2.0 * log_fall) / v
    }
}
