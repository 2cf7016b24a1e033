//! Skewness and kurtosis of two samples.

use super::moments::{log_ratio, power_of_two_below};
use super::position::extent;
use super::{Contrast, Side, TestError, check_pair};
use crate::histogram::Histogram;
use crate::sum::DoubleSum;

/// Relative rounding of a ratio of central moments on a lattice with cells, generously.
const ROUNDING: f64 = 1e-12;

/// Skewness `m3 / m2^1.5` of `second` minus that of `first`, of central moments of the samples as they are (divisor n).
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample, [`TestError::NoSpread`] when all values
/// of a sample share a key, [`TestError::Overflow`].
///
/// # Source
/// Pearson (1895); SciPy's `skew(bias=True)`. The certified interval moves every value within its cell, and the mean with them, to
/// the worst of each power.
pub fn skewness(first: &Histogram, second: &Histogram) -> Result<Contrast, TestError> {
    let (x, y) = both(first, second)?;
    Ok(Contrast::of_differences(x.skewness(), y.skewness()))
}

/// Excess kurtosis `m4 / m2^2 - 3` of `second` minus that of `first`, of central moments of the samples as they are (divisor n). The
/// effect is `ln` of the ratio of `m4 / m2^2`, which is at least 1: kurtosis is estimated with an error that grows with it.
///
/// # Errors
/// As [`skewness`].
///
/// # Source
/// Pearson (1905); SciPy's `kurtosis(fisher=True, bias=True)`.
pub fn kurtosis(first: &Histogram, second: &Histogram) -> Result<Contrast, TestError> {
    let (x, y) = both(first, second)?;
    let (x, y) = (x.kurtosis(), y.kurtosis());
    let excess = |(value, (low, high)): Sure| (value - 3.0, (low - 3.0, high - 3.0));
    let effect = log_ratio(y.0, x.0);
    let effect_certified = if y.1.0 < y.1.1 || x.1.0 < x.1.1 {
        (log_ratio(y.1.0, x.1.1) - ROUNDING, log_ratio(y.1.1, x.1.0) + ROUNDING)
    } else {
        (effect, effect)
    };
    Ok(Contrast { effect, effect_certified, ..Contrast::of_differences(excess(x), excess(y)) })
}

/// A number and where that of the raw values lies for sure.
pub(super) type Sure = (f64, (f64, f64));

fn both(first: &Histogram, second: &Histogram) -> Result<(Central, Central), TestError> {
    check_pair(first, second, 1)?;
    let x = Central::of(first, Side::First)?;
    let y = if second == first { x } else { Central::of(second, Side::Second)? };
    Ok((x, y))
}

/// Central moments over powers of a scale, and by how much cells may hide another one.
#[derive(Clone, Copy)]
struct Central {
    /// Means of the second, third and fourth powers of deviations.
    moments: [f64; 3],
    slack: [f64; 3],
}

impl Central {
    /// Two passes, the mean first, then powers of deviations over a power of two near the largest, so that neither offset nor size
    /// costs digits.
    fn of(histogram: &Histogram, side: Side) -> Result<Self, TestError> {
        let (n, lattice) = (histogram.count() as f64, histogram.lattice());
        let mut sum = DoubleSum::default();
        for &(key, count) in histogram.cells() {
            extent(lattice, key).middle.add_to(&mut sum, count);
        }
        let mean = sum.divided_by(n);
        let ends = [histogram.cells().first(), histogram.cells().last()];
        let reach = ends.into_iter().flatten().fold(0.0, |most: f64, &(key, _)| {
            let cell = extent(lattice, key);
            most.max(cell.middle.minus_sum(mean).abs()).max(cell.upper.minus(cell.lower))
        });
        let scale = power_of_two_below(reach);
        let is_exact = lattice.is_exact();
        let mut powers = [DoubleSum::default(); 3];
        let mut moves = DoubleSum::default();
        for &(key, count) in histogram.cells() {
            let cell = extent(lattice, key);
            let d = cell.middle.minus_sum(mean) / scale;
            let square = d * d;
            for (power, value) in powers.iter_mut().zip([square, square * d, square * square]) {
                power.add_product(value, count);
            }
            if !is_exact {
                moves.add_product(cell.middle.minus(cell.lower).max(cell.upper.minus(cell.middle)) / scale, count);
            }
        }
        let moments = powers.map(|power| power.value() / n);
        let slack = if is_exact { [0.0; 3] } else { slack(histogram, mean, scale, moves.value() / n) };
        if !moments.iter().chain(&slack).all(|v| v.is_finite()) {
            return Err(TestError::Overflow { statistic: "a central moment" });
        }
        if moments[0] > 0.0 && histogram.cells().len() > 1 {
            Ok(Self { moments, slack })
        } else {
            Err(TestError::NoSpread { side })
        }
    }

    /// The second moment's ends.
    fn square_ends(&self) -> (f64, f64) {
        (self.moments[0] - self.slack[0], self.moments[0] + self.slack[0])
    }

    fn skewness(&self) -> Sure {
        let [m2, m3, _] = self.moments;
        let value = m3 / (m2 * m2.sqrt());
        if self.slack[0] <= 0.0 {
            return (value, (value, value));
        }
        let (low, high) = self.square_ends();
        let over = |m3: f64, outwards: bool| {
            let m2 = if outwards { low } else { high };
            if m2 > 0.0 { m3 / (m2 * m2.sqrt()) } else { m3.signum() * f64::INFINITY }
        };
        let (least, most) = (m3 - self.slack[1], m3 + self.slack[1]);
        (value, (over(least, least < 0.0) - ROUNDING, over(most, most > 0.0) + ROUNDING))
    }

    fn kurtosis(&self) -> Sure {
        let [m2, _, m4] = self.moments;
        let value = m4 / (m2 * m2);
        if self.slack[0] <= 0.0 {
            return (value, (value, value));
        }
        let (low, high) = self.square_ends();
        let least = ((m4 - self.slack[2]) / (high * high)).max(1.0);
        let most = if low > 0.0 { (m4 + self.slack[2]) / (low * low) } else { f64::INFINITY };
        (value, (least * (1.0 - ROUNDING), most * (1.0 + ROUNDING)))
    }
}

/// The largest change of the mean second, third and fourth power when every value moves within its cell and the mean follows.
fn slack(histogram: &Histogram, mean: DoubleSum, scale: f64, mean_move: f64) -> [f64; 3] {
    let mut sums = [DoubleSum::default(); 3];
    for &(key, count) in histogram.cells() {
        let cell = extent(histogram.lattice(), key);
        let d = cell.middle.minus_sum(mean).abs() / scale;
        let e = cell.middle.minus(cell.lower).max(cell.upper.minus(cell.middle)) / scale + mean_move;
        let square = e * (2.0 * d + e);
        let cube = e * (3.0 * d * d + e * (3.0 * d + e));
        let fourth = e * (4.0 * d * d * d + e * (6.0 * d * d + e * (4.0 * d + e)));
        for (sum, value) in sums.iter_mut().zip([square, cube, fourth]) {
            sum.add_product(value, count);
        }
    }
    sums.map(|sum| sum.value() / histogram.count() as f64)
}
