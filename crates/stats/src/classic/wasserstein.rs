//! The first Wasserstein distance.

use super::position::{extent, unit};
use super::{Gap, TestError, are_equal, check_pair, steps};
use crate::histogram::Histogram;
use crate::sum::DoubleSum;

/// The area between two distribution functions, in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Wasserstein {
    /// The distance with the values of every cell at its middle; exact on an exact lattice.
    pub statistic: f64,
    /// The distance of the raw values lies in this interval for sure.
    pub certified: (f64, f64),
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// Relative rounding of a sum of positive terms taken with [`DoubleSum`], generously.
const ROUNDING: f64 = 16.0 * f64::EPSILON;

/// First Wasserstein (earth mover's) distance, the integral of |F - G|; SciPy's `wasserstein_distance`.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample, [`TestError::Overflow`].
///
/// # Source
/// Vallender (1974). The certified interval: between cells |F - G| is known; inside a cell with left and right values
/// F_l, F_r, G_l, G_r it lies between max(0, F_l - G_r, G_l - F_r) and max(F_r - G_l, G_r - F_l).
pub fn w1(first: &Histogram, second: &Histogram) -> Result<Wasserstein, TestError> {
    check_pair(first, second, 1)?;
    let (gap, lattice) = (Gap::of(first, second), first.lattice());
    let (mut middle, mut lower, mut upper) = (DoubleSum::default(), DoubleSum::default(), DoubleSum::default());
    let mut is_exact = true;
    let mut end = None;
    // Points that are the same on both sides are no area apart.
    let n_steps = if lattice.is_exact() && are_equal(first, second) { 0 } else { usize::MAX };
    for step in steps(first, second).take(n_steps) {
        let cell = extent(lattice, step.key);
        let ((f_left, g_left), (f_right, g_right)) = (step.below, step.through);
        let between = end.map_or(0.0, |end| cell.lower.minus(end));
        end = Some(cell.upper);
        let area = |sum: &mut DoubleSum, numerator: u128, width: f64| {
            // A zero difference over an infinite width is no area.
            if numerator > 0 {
                sum.add(gap.quotient(numerator) * width);
            }
        };
        for sum in [&mut middle, &mut lower, &mut upper] {
            area(sum, gap.absolute(f_left, g_left), between);
        }
        let width = cell.upper.minus(cell.lower);
        if width > 0.0 {
            is_exact = false;
            area(&mut middle, gap.absolute(f_left, g_left), cell.middle.minus(cell.lower));
            area(&mut middle, gap.absolute(f_right, g_right), cell.upper.minus(cell.middle));
            area(&mut lower, gap.above(f_left, g_right).max(gap.under(f_right, g_left)), width);
            area(&mut upper, gap.above(f_right, g_left).max(gap.under(f_left, g_right)), width);
        }
    }
    let unit = unit(lattice);
    let (statistic, lower, upper) = (middle.value() / unit, lower.value() / unit, upper.value() / unit);
    if !(statistic.is_finite() && lower.is_finite() && upper.is_finite()) {
        return Err(TestError::Overflow { statistic: "the Wasserstein distance" });
    }
    let certified =
        if is_exact { (statistic, statistic) } else { (lower - lower * ROUNDING, upper + upper * ROUNDING) };
    Ok(Wasserstein { statistic, certified, n: gap.n, m: gap.m })
}
