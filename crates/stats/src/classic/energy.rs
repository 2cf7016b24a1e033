//! The energy distance.

use super::position::{Extent, extent, unit};
use super::{Gap, Side, TestError, check_pair, steps};
use crate::histogram::Histogram;
use crate::sum::DoubleSum;

/// The energy distance of two samples, and what makes it free of units.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Energy {
    /// `D = sqrt(2 integral of (F - G)^2)`, in the root of the values' unit, with the values of every cell at its middle; exact on
    /// an exact lattice. SciPy's `energy_distance`.
    pub statistic: f64,
    /// The coefficient of inhomogeneity, `H = D^2 / (2 E|X - Y|)`: 0 for equal laws, 1 for two different constants.
    pub coefficient: f64,
    /// The coefficient of the raw values lies in this interval for sure.
    pub coefficient_certified: (f64, f64),
    /// `D / sqrt(2 E|X - X'|)`, X and X' of the first sample: `sqrt(integral of (F - G)^2 / (2 integral of F (1 - F)))`, 0 for equal
    /// laws.
    pub effect: f64,
    /// The effect of the raw values lies in this interval for sure; the upper end is infinite when one cell could hold all of the
    /// first sample's spread.
    pub effect_certified: (f64, f64),
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// Relative rounding of the effect and the coefficient, generously.
const ROUNDING: f64 = 32.0 * f64::EPSILON;

/// Energy distance `sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|)` of the two empirical laws.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample, [`TestError::NoSpread`] when the first
/// sample is one value (the effect has no scale then), [`TestError::Overflow`].
///
/// # Source
/// Szekely and Rizzo (2013), "Energy statistics"; in one dimension twice the integral of the squared difference of the distribution
/// functions (Szekely 2003). The certified interval is taken cell by cell as in [`super::w1`].
pub fn energy(first: &Histogram, second: &Histogram) -> Result<Energy, TestError> {
    check_pair(first, second, 1)?;
    if first.cells().len() < 2 {
        return Err(TestError::NoSpread { side: Side::First });
    }
    let lattice = first.lattice();
    let mut areas = Areas { gap: Gap::of(first, second), middle: Integrals::default(), ends: Default::default() };
    let mut end: Option<Extent> = None;
    for step in steps(first, second) {
        let cell = extent(lattice, step.key);
        if let Some(end) = end {
            areas.add_between(step.below, cell.lower.minus(end.upper));
        }
        let halves = (cell.middle.minus(cell.lower), cell.upper.minus(cell.middle));
        if halves.0 + halves.1 > 0.0 {
            areas.add_cell(step.below, step.through, halves);
        }
        end = Some(cell);
    }
    areas.energy(unit(lattice))
}

/// Integrals of `(F - G)^2`, of `F (1 - G) + G (1 - F)` and of `F (1 - F)`.
#[derive(Default)]
struct Integrals {
    squares: DoubleSum,
    across: DoubleSum,
    within: DoubleSum,
}

impl Integrals {
    fn add(&mut self, [square, across, within]: [f64; 3], width: f64) {
        // Nothing over an infinite width is nothing.
        for (sum, height) in [(&mut self.squares, square), (&mut self.across, across), (&mut self.within, within)] {
            if height > 0.0 {
                sum.add(height * width);
            }
        }
    }

    fn effect(&self) -> f64 {
        (self.squares.value() / (2.0 * self.within.value())).sqrt()
    }

    fn coefficient(&self) -> f64 {
        // D^2 / (2 E|X - Y|), both doubled integrals; no distance at all where everything is one value.
        if self.squares.value() > 0.0 { (self.squares.value() / self.across.value()).min(1.0) } else { 0.0 }
    }
}

struct Areas {
    gap: Gap,
    middle: Integrals,
    /// The smallest and the largest the raw values can make each integral.
    ends: [Integrals; 2],
}

impl Areas {
    /// Heights of the integrands where F and G are known.
    fn heights(&self, (i, j): (u64, u64)) -> [f64; 3] {
        let Gap { n, m, .. } = self.gap;
        let distance = self.gap.quotient(self.gap.absolute(i, j));
        // Both products are exact; their sum may exceed u128 by one bit.
        let (x_first, y_first) = (u128::from(i) * u128::from(m - j), u128::from(j) * u128::from(n - i));
        let across = self.gap.quotient(x_first) + self.gap.quotient(y_first);
        let within = (u128::from(i) * u128::from(n - i)) as f64 / (n as f64 * n as f64);
        [distance * distance, across, within]
    }

    fn add_between(&mut self, at: (u64, u64), width: f64) {
        if width > 0.0 {
            let heights = self.heights(at);
            self.middle.add(heights, width);
            self.ends.iter_mut().for_each(|sums| sums.add(heights, width));
        }
    }

    fn add_cell(&mut self, left: (u64, u64), right: (u64, u64), halves: (f64, f64)) {
        let [at_left, at_right] = [self.heights(left), self.heights(right)];
        self.middle.add(at_left, halves.0);
        self.middle.add(at_right, halves.1);
        let (least, most) = self.gap.between(left, right);
        // The second integrand is linear in F and in G: its ends are at corners. The third is concave.
        let corners = [at_left[1], at_right[1], self.heights((left.0, right.1))[1], self.heights((right.0, left.1))[1]];
        let low = corners.into_iter().fold(f64::INFINITY, f64::min);
        let high = corners.into_iter().fold(0.0, f64::max);
        let half = u128::from(self.gap.n);
        let spans_half = 2 * u128::from(left.0) <= half && half <= 2 * u128::from(right.0);
        let top = if spans_half { 0.25 } else { at_left[2].max(at_right[2]) };
        let width = halves.0 + halves.1;
        self.ends[0].add([least * least, low, at_left[2].min(at_right[2])], width);
        self.ends[1].add([most * most, high, top], width);
    }

    fn energy(self, unit: f64) -> Result<Energy, TestError> {
        let Self { gap, middle, ends: [low, high] } = self;
        let (effect, coefficient) = (middle.effect(), middle.coefficient());
        let statistic = (2.0 * middle.squares.value() / unit).sqrt();
        let finite = [&middle, &low, &high].into_iter().flat_map(|sums| [sums.squares, sums.across, sums.within]);
        if !(finite.map(DoubleSum::value).all(f64::is_finite) && effect.is_finite() && statistic.is_finite()) {
            return Err(TestError::Overflow { statistic: "the energy distance" });
        }
        let is_exact = low.squares == high.squares && low.within == high.within && low.across == high.across;
        let (effect_certified, coefficient_certified) = if is_exact {
            ((effect, effect), (coefficient, coefficient))
        } else {
            let ratio =
                |squares: &DoubleSum, over: f64| if over > 0.0 { squares.value() / over } else { f64::INFINITY };
            let widened = |low: f64, high: f64| (low * (1.0 - ROUNDING), high * (1.0 + ROUNDING));
            (
                widened(
                    ratio(&low.squares, 2.0 * high.within.value()).sqrt(),
                    ratio(&high.squares, 2.0 * low.within.value()).sqrt(),
                ),
                widened(
                    ratio(&low.squares, high.across.value()).min(1.0),
                    ratio(&high.squares, low.across.value()).min(1.0),
                ),
            )
        };
        Ok(Energy { statistic, coefficient, coefficient_certified, effect, effect_certified, n: gap.n, m: gap.m })
    }
}
