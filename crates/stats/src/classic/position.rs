//! Positions on the value axis with more precision than one f64, so that differences of large keys are exact.

use crate::lattice::{Lattice, middle};
use crate::sum::DoubleSum;

/// `hi + lo`, in the unit of [`unit`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    hi: f64,
    lo: f64,
}

/// Where the values of a key lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) lower: Position,
    pub(super) middle: Position,
    pub(super) upper: Position,
}

impl Position {
    fn of_integer(key: i64) -> Self {
        let hi = key as f64;
        if key.unsigned_abs() <= 1 << 53 {
            return Self { hi, lo: 0.0 };
        }
        // i64::MAX rounds up to 2^63, which i64 does not hold: i128 does.
        let lo = (i128::from(key) - hi as i128) as f64;
        Self { hi, lo }
    }

    fn of_value(x: f64) -> Self {
        Self { hi: x, lo: 0.0 }
    }

    /// `self - other`.
    pub(super) fn minus(self, other: Self) -> f64 {
        (self.hi - other.hi) + (self.lo - other.lo)
    }

    /// `self - mean`.
    pub(super) fn minus_sum(self, mean: DoubleSum) -> f64 {
        mean.residual_of(self.hi) + self.lo
    }

    pub(super) fn add_to(self, sum: &mut DoubleSum, count: u64) {
        sum.add_product(self.hi, count);
        sum.add_product(self.lo, count);
    }
}

/// What positions of this lattice are divided by to become values: 10^scale for ticks.
pub(super) fn unit(lattice: &Lattice) -> f64 {
    match lattice {
        Lattice::Ticks(ticks) => ticks.power(),
        Lattice::Float(_) => 1.0,
    }
}

/// The extent of a key.
pub(super) fn extent(lattice: &Lattice, key: i64) -> Extent {
    match lattice {
        Lattice::Ticks(_) => {
            let position = Position::of_integer(key);
            Extent { lower: position, middle: position, upper: position }
        }
        Lattice::Float(_) => {
            let (lower, upper) = lattice.bounds(key);
            Extent {
                lower: Position::of_value(lower),
                middle: Position::of_value(middle((lower, upper))),
                upper: Position::of_value(upper),
            }
        }
    }
}
