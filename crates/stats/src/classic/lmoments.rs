//! L-moments: scale, skewness and kurtosis from linear combinations of order statistics, defined wherever a mean is.

use super::moments::log_ratio;
use super::position::{Extent, extent, unit};
use super::shape::Sure;
use super::{Contrast, Side, TestError, check_pair};
use crate::histogram::Histogram;
use crate::sum::DoubleSum;

/// Relative rounding on a lattice with cells, generously.
const ROUNDING: f64 = 1e-12;

/// Sample L-moments (unbiased) of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LMoments {
    /// The second L-moment, half of Gini's mean difference, in the unit of the values.
    pub l_scale: f64,
    /// Third over second, from -1 to 1; `None` with fewer than three observations.
    pub l_skew: Option<f64>,
    /// Fourth over second, from -1/4 to 1 for laws; `None` with fewer than four observations.
    pub l_kurtosis: Option<f64>,
    /// Observations.
    pub n: u64,
}

/// The L-moments of a sample, from unbiased probability-weighted moments.
///
/// # Errors
/// [`TestError::TooFewObservations`] for fewer than two, [`TestError::NoSpread`] when all share a key, [`TestError::Overflow`].
///
/// # Source
/// Hosking (1990), "L-moments: analysis and estimation of distributions using linear combinations of order statistics". With
/// `t` observations at or below a gap between neighbouring values the r-th L-moment is a sum over the gaps: of `t (n - t)` for r = 2,
/// times `2t - n` for r = 3, times `n^2 + 1 - 5 t (n - t)` for r = 4, over `n (n - 1) .. (n - r + 1)`. The terms hold no large
/// values that cancel, unlike the weighted moments themselves.
pub fn l_moments(histogram: &Histogram) -> Result<LMoments, TestError> {
    let sums = LSums::of(histogram, Side::First, 2)?;
    let l_scale = sums.lambda[0].value() / unit(histogram.lattice());
    let ratio = |r: usize| (sums.n > r as u64 + 1).then(|| sums.ratio(r).0);
    let found = LMoments { l_scale, l_skew: ratio(1), l_kurtosis: ratio(2), n: sums.n };
    if l_scale.is_finite() { Ok(found) } else { Err(TestError::Overflow { statistic: "the L-scale" }) }
}

/// `ln` of the L-scale of `second` over that of `first`.
///
/// # Errors
/// [`TestError::DifferentLattices`], else as [`l_moments`].
pub fn l_scale(first: &Histogram, second: &Histogram) -> Result<Contrast, TestError> {
    let (x, y) = both(first, second, 2)?;
    let unit = unit(first.lattice());
    let [lx, ly] = [&x, &y].map(|sums| sums.lambda[0].value());
    let statistic = log_ratio(ly, lx);
    let certified = if x.moves <= 0.0 && y.moves <= 0.0 {
        (statistic, statistic)
    } else {
        (log_ratio(ly - y.moves, lx + x.moves) - ROUNDING, log_ratio(ly + y.moves, lx - x.moves) + ROUNDING)
    };
    Ok(Contrast {
        statistic,
        certified,
        effect: statistic,
        effect_certified: certified,
        first: lx / unit,
        second: ly / unit,
    })
}

/// L-skewness of `second` minus that of `first`.
///
/// # Errors
/// As [`l_scale`]; it needs three observations a sample.
pub fn l_skew(first: &Histogram, second: &Histogram) -> Result<Contrast, TestError> {
    let (x, y) = both(first, second, 3)?;
    Ok(Contrast::of_differences(x.ratio(1), y.ratio(1)))
}

/// L-kurtosis of `second` minus that of `first`.
///
/// # Errors
/// As [`l_scale`]; it needs four observations a sample.
pub fn l_kurtosis(first: &Histogram, second: &Histogram) -> Result<Contrast, TestError> {
    let (x, y) = both(first, second, 4)?;
    Ok(Contrast::of_differences(x.ratio(2), y.ratio(2)))
}

fn both(first: &Histogram, second: &Histogram, n_min: u64) -> Result<(LSums, LSums), TestError> {
    check_pair(first, second, n_min)?;
    let x = LSums::of(first, Side::First, n_min)?;
    let y = if second == first { x } else { LSums::of(second, Side::Second, n_min)? };
    Ok((x, y))
}

/// The second to fourth L-moment, in positions, and the mean largest move of a value within its cell.
#[derive(Clone, Copy)]
struct LSums {
    n: u64,
    lambda: [DoubleSum; 3],
    moves: f64,
}

impl LSums {
    fn of(histogram: &Histogram, side: Side, n_min: u64) -> Result<Self, TestError> {
        let (n, lattice) = (histogram.count(), histogram.lattice());
        if n < n_min {
            return Err(TestError::TooFewObservations { side, n, n_min });
        }
        let (mut lambda, mut moves) = ([DoubleSum::default(); 3], DoubleSum::default());
        let mut through = 0;
        let mut before: Option<Extent> = None;
        for &(key, count) in histogram.cells() {
            let cell = extent(lattice, key);
            if let Some(before) = before {
                let gap = cell.middle.minus(before.middle);
                for (sum, weight) in lambda.iter_mut().zip(gap_weights(through, n)) {
                    sum.add(gap * weight);
                }
            }
            moves.add_product(cell.middle.minus(cell.lower).max(cell.upper.minus(cell.middle)), count);
            through += count;
            before = Some(cell);
        }
        let moves = if lattice.is_exact() { 0.0 } else { moves.value() / n as f64 };
        if !lambda.iter().all(|sum| sum.value().is_finite()) || !moves.is_finite() {
            return Err(TestError::Overflow { statistic: "an L-moment" });
        }
        if lambda[0].value() > 0.0 { Ok(Self { n, lambda, moves }) } else { Err(TestError::NoSpread { side }) }
    }

    /// The third (`r` = 1) or fourth (`r` = 2) L-moment over the second. An L-moment is a mean of order statistics with weights
    /// between -w and w, and an order statistic stays in its cell: it moves by at most w times the mean move.
    fn ratio(&self, r: usize) -> Sure {
        let (lambda, scale) = (self.lambda[r].value(), self.lambda[0].value());
        let value = lambda / scale;
        if self.moves <= 0.0 {
            return (value, (value, value));
        }
        let widest = match (r, self.n) {
            (1, 3) => 2.0,
            (2, 4) => 3.0,
            (2, 5) => 2.0,
            (2, 6) => 1.4,
            _ => 1.0,
        };
        let (low, high) = (scale - self.moves, scale + self.moves);
        let over = |lambda: f64, outwards: bool| {
            let scale = if outwards { low } else { high };
            if scale > 0.0 { lambda / scale } else { lambda.signum() * f64::INFINITY }
        };
        let (least, most) = (lambda - widest * self.moves, lambda + widest * self.moves);
        (value, (over(least, least < 0.0) - ROUNDING, over(most, most > 0.0) + ROUNDING))
    }
}

/// The weights of a gap with `t` of `n` observations below it. Those that the sample is too small for are 0.
fn gap_weights(t: u64, n: u64) -> [f64; 3] {
    let (below, above, size) = (u128::from(t), u128::from(n - t), u128::from(n));
    let product = below * above;
    let n_f = n as f64;
    let second = product as f64 / (n_f * (n_f - 1.0));
    if n < 3 {
        return [second, 0.0, 0.0];
    }
    let lean = if below >= above { (below - above) as f64 } else { -((above - below) as f64) };
    let third = second * (lean / (n_f - 2.0));
    if n < 4 {
        return [second, third, 0.0];
    }
    // n^2 + 1 - 5 t (n - t), whose terms cancel: in integers where they fit.
    let bend = match (size * size).checked_add(1).zip(product.checked_mul(5)) {
        Some((plus, minus)) if plus >= minus => (plus - minus) as f64,
        Some((plus, minus)) => -((minus - plus) as f64),
        None => n_f * n_f + 1.0 - 5.0 * product as f64,
    };
    [second, third, second * (bend / ((n_f - 2.0) * (n_f - 3.0)))]
}
