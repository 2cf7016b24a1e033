//! Whether a power law describes a tail better than an exponential or a log-normal law.

use core::f64::consts::{FRAC_1_SQRT_2, SQRT_2, TAU};

use super::tail::{Sizes, Tail, log_ratio};
use super::{Side, TestError, fit_power_law};
use crate::histogram::Histogram;
use crate::sum::DoubleSum;

/// A power law against another law of the same tail.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LikelihoodRatio {
    /// Log-likelihood of the power law minus that of the other: positive where the power law is the better one.
    pub ratio: f64,
    /// The ratio over its standard error, from independent observations.
    pub z: f64,
    /// Two-sided p-value of z: small where one of the two is better beyond chance.
    pub p_value: f64,
}

/// The other laws.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Rivals {
    /// Against the exponential law from the same start.
    pub exponential: LikelihoodRatio,
    /// Against the log-normal law cut at the same start; `None` where that is most likely in its limit, the power law itself.
    pub log_normal: Option<LikelihoodRatio>,
}

/// Likelihood ratios of the power law fitted at or beyond the key `start` against an exponential and a log-normal law fitted there.
///
/// # Errors
/// Those of [`fit_power_law`].
///
/// # Source
/// Vuong (1989), "Likelihood ratio tests for model selection and non-nested hypotheses"; Clauset, Shalizi and Newman (2009), section
/// 5; the `powerlaw` package. The cut log-normal is a normal law of `ln(x / x_min)` cut at 0, whose most likely parameters solve one
/// equation between two moments (Cohen 1950); it has a solution where the deviation of the logarithms is below their mean, else the
/// likelihood rises towards the power law.
pub fn power_law_rivals(histogram: &Histogram, tail: Tail, start: i64) -> Result<Rivals, TestError> {
    let fit = fit_power_law(histogram, tail, start)?;
    let points = Points::of(histogram, tail, start, fit.x_min);
    let k = fit.k as f64;
    let [mean, mean_log, mean_square] = points.means(k);
    // Densities in u = x / x_min, whose factor is common to all: alpha - 1 over u^alpha, rate exp(-rate (u - 1)).
    let alpha = fit.alpha;
    let power = |_: f64, log: f64| libm::log(alpha - 1.0) - alpha * log;
    let rate = 1.0 / mean;
    if !(rate > 0.0 && rate.is_finite()) {
        return Err(TestError::NoFit { side: Side::First, tail, reason: "its mean is beyond the range of f64" });
    }
    let exponential = points.ratio(k, |excess, log| power(excess, log) - (libm::log(rate) - rate * excess));
    let log_normal = cut_normal(mean_log, mean_square).map(|(h, sigma)| {
        let constant = -libm::log(sigma) - 0.5 * libm::log(TAU) - log_tail(h);
        points.ratio(k, |excess, log| {
            let z = log / sigma + h;
            power(excess, log) - (constant - log - 0.5 * z * z)
        })
    });
    Ok(Rivals { exponential, log_normal })
}

/// (x / x_min - 1, ln(x / x_min), count) of a tail.
struct Points(Vec<(f64, f64, u64)>);

impl Points {
    fn of(histogram: &Histogram, tail: Tail, start: i64, x_min: f64) -> Self {
        let point = |&(key, count): &(i64, u64)| {
            let is_beyond = if tail == Tail::Upper { key >= start } else { key <= start };
            let size = Sizes::of(histogram.lattice(), key, tail).filter(|_| is_beyond)?;
            Some(((size.middle - x_min) / x_min, log_ratio(size.middle, x_min), count))
        };
        Self(histogram.cells().iter().filter_map(point).collect())
    }

    /// The means of the excess, of the logarithm and of its square.
    fn means(&self, k: f64) -> [f64; 3] {
        let mut sums = [DoubleSum::default(); 3];
        for &(excess, log, count) in &self.0 {
            for (sum, value) in sums.iter_mut().zip([excess, log, log * log]) {
                sum.add_product(value, count);
            }
        }
        sums.map(|sum| sum.value() / k)
    }

    /// From the difference of the log-densities of each value.
    fn ratio(&self, k: f64, difference: impl Fn(f64, f64) -> f64) -> LikelihoodRatio {
        let differences: Vec<f64> = self.0.iter().map(|(excess, log, _)| difference(*excess, *log)).collect();
        let total = |of: &dyn Fn(f64) -> f64| {
            let mut sum = DoubleSum::default();
            for (value, (.., count)) in differences.iter().zip(&self.0) {
                sum.add_product(of(*value), *count);
            }
            sum.value()
        };
        let ratio = total(&|d| d);
        let mean = ratio / k;
        let variance = total(&|d| (d - mean) * (d - mean)) / k;
        let z = if variance > 0.0 { ratio / libm::sqrt(k * variance) } else { 0.0 };
        LikelihoodRatio { ratio, z, p_value: libm::erfc(z.abs() / SQRT_2) }
    }
}

/// Where the cut of the normal law lies, in deviations above its middle: beyond these no tail of any length tells.
const CUT_MIN: f64 = -40.0;
const CUT_MAX: f64 = 1_000.0;

/// The cut `h = -mu / sigma` and `sigma` of the most likely normal law cut at 0, from the first two moments.
fn cut_normal(mean: f64, mean_square: f64) -> Option<(f64, f64)> {
    let wanted = mean_square / (mean * mean);
    // The ratio of moments rises with h from 1 to 2.
    let ratio = |h: f64| excess(h).1;
    let (mut low, mut high) = (CUT_MIN, CUT_MAX);
    if !(ratio(low) < wanted && wanted < ratio(high)) {
        return None;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if ratio(middle) < wanted { low = middle } else { high = middle }
    }
    let h = 0.5 * (low + high);
    Some((h, mean / excess(h).0))
}

/// From here on the continued fraction is taken: 80 terms of it leave less than 1e-17.
const FAR: f64 = 3.0;

/// Of a standard normal law cut at h, above h: the mean excess over h, and the mean squared excess over the square of that.
fn excess(h: f64) -> (f64, f64) {
    if h < FAR {
        let hazard = libm::exp(-0.5 * h * h) / libm::sqrt(TAU) / (0.5 * libm::erfc(h * FRAC_1_SQRT_2));
        let mean = hazard - h;
        return (mean, (1.0 - h * mean) / (mean * mean));
    }
    // hazard = h + 1/(h + 2/(h + 3/(h + ..))): the mean excess d is 1/(h + e), and 1 - h d = e d.
    let e = (2..=80).rev().fold(0.0, |tail, k| f64::from(k) / (h + tail));
    let mean = 1.0 / (h + e);
    (mean, e / mean)
}

/// `ln P(Z > h)`.
fn log_tail(h: f64) -> f64 {
    if h < FAR {
        return libm::log(0.5 * libm::erfc(h * FRAC_1_SQRT_2));
    }
    let hazard = h + excess(h).0;
    -0.5 * h * h - 0.5 * libm::log(TAU) - libm::log(hazard)
}
