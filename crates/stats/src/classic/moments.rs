//! Means and standard deviations of two samples.

use super::position::{extent, unit};
use super::{Side, TestError, are_equal, check_pair};
use crate::histogram::Histogram;
use crate::special::student_t_sf;
use crate::sum::DoubleSum;

/// The divisor of a variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ddof {
    /// n: the variance of these values (ddof = 0, NumPy's default).
    Population,
    /// n - 1: the unbiased estimate from a sample (ddof = 1).
    Sample,
}

impl Ddof {
    fn divisor(self, n: u64) -> f64 {
        match self {
            Self::Population => n as f64,
            Self::Sample => (n - 1) as f64,
        }
    }
}

/// The difference of two means, in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MeanDifference {
    /// Second mean minus first mean, with the values of every cell at its middle; exact on an exact lattice.
    pub statistic: f64,
    /// The difference of the raw values' means lies in this interval for sure.
    pub certified: (f64, f64),
    /// Mean of the first sample.
    pub mean_first: f64,
    /// Mean of the second sample.
    pub mean_second: f64,
    /// Welch's t, second against first, with its degrees of freedom; `None` with a sample of one or without any spread.
    pub welch_t: Option<(f64, f64)>,
    /// Two-sided p-value of Welch's t for independent observations, for reference.
    pub p_value: Option<f64>,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// The ratio of two standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct StdRatio {
    /// ln(second / first): 0 for equal spread.
    pub statistic: f64,
    /// The statistic of the raw values lies in this interval for sure; an end is infinite when a cell alone could hold all
    /// the spread.
    pub certified: (f64, f64),
    /// Standard deviation of the first sample, in the unit of the values.
    pub std_first: f64,
    /// Standard deviation of the second sample, in the unit of the values.
    pub std_second: f64,
    /// The divisor used.
    pub ddof: Ddof,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// The mean of `second` minus the mean of `first`, with Welch's t test.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample, [`TestError::Overflow`].
///
/// # Source
/// Welch (1947); degrees of freedom of Satterthwaite (1946). SciPy's `ttest_ind(second, first, equal_var=False)`.
pub fn mean(first: &Histogram, second: &Histogram) -> Result<MeanDifference, TestError> {
    mean_from(first, second, &Moments::of_both(first, second))
}

/// [`mean`] with the moments of both samples at hand.
///
/// # Errors
/// As [`mean`].
pub fn mean_from(first: &Histogram, second: &Histogram, [x, y]: &[Moments; 2]) -> Result<MeanDifference, TestError> {
    check_pair(first, second, 1)?;
    let unit = unit(first.lattice());
    let statistic = y.mean.minus(x.mean) / unit;
    let certified = if first.lattice().is_exact() {
        (statistic, statistic)
    } else {
        let rounding = 4.0 * f64::EPSILON * (x.mean.value().abs() + y.mean.value().abs());
        let (down, up) = (x.above_mean + y.below_mean + rounding, x.below_mean + y.above_mean + rounding);
        (statistic - down / unit, statistic + up / unit)
    };
    let welch_t = welch(x, y);
    let difference = MeanDifference {
        statistic,
        certified,
        mean_first: x.mean.value() / unit,
        mean_second: y.mean.value() / unit,
        welch_t,
        p_value: welch_t.map(|(t, degrees)| (2.0 * student_t_sf(t.abs(), degrees)).min(1.0)),
        n: x.n,
        m: y.n,
    };
    let is_finite = statistic.is_finite() && certified.0.is_finite() && certified.1.is_finite();
    if is_finite { Ok(difference) } else { Err(TestError::Overflow { statistic: "the mean" }) }
}

/// ln of the standard deviation of `second` over that of `first`.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for fewer than two observations,
/// [`TestError::NoSpread`] when all values of a sample share a key, [`TestError::Overflow`].
///
/// # Source
/// The certified interval: a standard deviation is a seminorm, so moving every value within its cell changes it by at most
/// the root mean square of the moves.
pub fn std(first: &Histogram, second: &Histogram, ddof: Ddof) -> Result<StdRatio, TestError> {
    std_from(first, second, &Moments::of_both(first, second), ddof)
}

/// [`std()`] with the moments of both samples at hand.
///
/// # Errors
/// As [`std()`].
pub fn std_from(
    first: &Histogram,
    second: &Histogram,
    [x, y]: &[Moments; 2],
    ddof: Ddof,
) -> Result<StdRatio, TestError> {
    check_pair(first, second, 2)?;
    let unit = unit(first.lattice());
    let spread = |side: Side, moments: &Moments| {
        let divisor = ddof.divisor(moments.n);
        let root = |squares: f64| (squares / divisor).sqrt() * (moments.scale / unit);
        let (std, slack) = (root(moments.sum_squares), root(moments.moves));
        if !(std.is_finite() && slack.is_finite()) {
            return Err(TestError::Overflow { statistic: "the standard deviation" });
        }
        if std > 0.0 { Ok((std, slack)) } else { Err(TestError::NoSpread { side }) }
    };
    let (std_first, slack_first) = spread(Side::First, x)?;
    let (std_second, slack_second) = spread(Side::Second, y)?;
    let statistic = log_ratio(std_second, std_first);
    let certified = if first.lattice().is_exact() {
        (statistic, statistic)
    } else {
        let lower = log_ratio(std_second - slack_second, std_first + slack_first);
        let upper = log_ratio(std_second + slack_second, std_first - slack_first);
        (lower - ROUNDING, upper + ROUNDING)
    };
    Ok(StdRatio { statistic, certified, std_first, std_second, ddof, n: first.count(), m: second.count() })
}

/// ln(numerator / denominator), infinite when one of them is not positive.
pub(super) fn log_ratio(numerator: f64, denominator: f64) -> f64 {
    if numerator <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if denominator <= 0.0 {
        return f64::INFINITY;
    }
    // Near 1 the difference is exact, while the quotient would be rounded to a multiple of 1e-16.
    let excess = (numerator - denominator) / denominator;
    if (-0.5..1.0).contains(&excess) { libm::log1p(excess) } else { libm::log(numerator) - libm::log(denominator) }
}

/// Absolute rounding of a logarithm of a ratio of standard deviations, generously.
const ROUNDING: f64 = 1e-12;

/// Mean and spread of one sample, in positions (not yet divided by the unit).
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    n: u64,
    mean: DoubleSum,
    /// A power of two near the largest deviation: squares are taken of deviations over it, so that they neither underflow
    /// nor overflow.
    scale: f64,
    /// The sum of squared deviations from the mean, over scale^2.
    sum_squares: f64,
    /// How far the raw mean may lie below and above `mean`.
    below_mean: f64,
    above_mean: f64,
    /// The sum of squared largest moves within the cells, over scale^2.
    moves: f64,
}

impl Moments {
    /// Of two samples, once where they are equal.
    pub fn of_both(first: &Histogram, second: &Histogram) -> [Self; 2] {
        let x = Self::of(first);
        let is_same = first.lattice() == second.lattice() && are_equal(first, second);
        [x, if is_same { x } else { Self::of(second) }]
    }

    /// Two passes: the mean first, then deviations from it, so that a large offset costs no digits.
    fn of(histogram: &Histogram) -> Self {
        let (n, lattice) = (histogram.count(), histogram.lattice());
        let is_exact = lattice.is_exact();
        let mut sum = DoubleSum::default();
        for &(key, count) in histogram.cells() {
            extent(lattice, key).middle.add_to(&mut sum, count);
        }
        let mean = sum.divided_by(n as f64);
        // Deviations grow towards both ends of the ascending cells.
        let ends = [histogram.cells().first(), histogram.cells().last()];
        let reach = ends.into_iter().flatten().fold(0.0, |most: f64, &(key, _)| {
            let cell = extent(lattice, key);
            most.max(cell.middle.minus_sum(mean).abs()).max(cell.upper.minus(cell.lower))
        });
        let scale = power_of_two_below(reach);
        let mut squares = DoubleSum::default();
        let (mut moves, mut below, mut above) = (DoubleSum::default(), DoubleSum::default(), DoubleSum::default());
        for &(key, count) in histogram.cells() {
            let cell = extent(lattice, key);
            let deviation = cell.middle.minus_sum(mean) / scale;
            squares.add_product(deviation * deviation, count);
            if is_exact {
                // The cell is a point.
                continue;
            }
            let (down, up) = (cell.middle.minus(cell.lower), cell.upper.minus(cell.middle));
            below.add_product(down, count);
            above.add_product(up, count);
            let most = down.max(up) / scale;
            moves.add_product(most * most, count);
        }
        Self {
            n,
            mean,
            scale,
            sum_squares: squares.value(),
            below_mean: below.value() / n as f64,
            above_mean: above.value() / n as f64,
            moves: moves.value(),
        }
    }

    /// The squared standard error of the mean over `unit`^2, from the unbiased variance.
    fn error_squared(&self, unit: f64) -> f64 {
        let ratio = self.scale / unit;
        self.sum_squares / (self.n - 1) as f64 / self.n as f64 * (ratio * ratio)
    }
}

/// The largest power of two not above a positive normal `x`; the smallest normal number for the others.
pub(super) fn power_of_two_below(x: f64) -> f64 {
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    f64::from_bits(x.to_bits() & EXPONENT).clamp(f64::MIN_POSITIVE, f64::MAX)
}

/// Welch's t and its degrees of freedom.
fn welch(x: &Moments, y: &Moments) -> Option<(f64, f64)> {
    if x.n < 2 || y.n < 2 {
        return None;
    }
    let unit = x.scale.max(y.scale);
    let (vx, vy) = (x.error_squared(unit), y.error_squared(unit));
    let total = vx + vy;
    // Shares instead of squares: the squares of tiny variances would underflow.
    let (share_x, share_y) = (vx / total, vy / total);
    let degrees = 1.0 / (share_x * share_x / (x.n - 1) as f64 + share_y * share_y / (y.n - 1) as f64);
    let t = y.mean.minus(x.mean) / unit / total.sqrt();
    (total > 0.0 && t.is_finite() && degrees.is_finite()).then_some((t, degrees))
}
