//! The decimal grid: integers of 10^-scale.

/// All powers of ten up to here are exact in f64.
const POWERS: [f64; 19] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

/// Beyond this magnitude neighbouring integers are not distinct in f64.
const KEY_LIMIT: f64 = 9_007_199_254_740_992.0;
/// Up to this magnitude a value on the grid times 10^scale is less than half away from its integer.
const NEIGHBOURS_FROM: f64 = 2_251_799_813_685_248.0;

/// The values key / 10^scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticks {
    scale: u8,
}

impl Ticks {
    /// The largest scale.
    pub const SCALE_MAX: u8 = 18;

    /// The grid of 10^-`scale`.
    ///
    /// # Panics
    /// When `scale` is above [`Ticks::SCALE_MAX`].
    #[must_use]
    pub fn new(scale: u8) -> Self {
        assert!(scale <= Self::SCALE_MAX, "a tick scale is at most {}, not {scale}", Self::SCALE_MAX);
        Self { scale }
    }

    /// The number of decimals.
    #[must_use]
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// The integer r, |r| < 2^53, with r / 10^scale == `x` in f64; `None` when there is none.
    ///
    /// Division rounds monotonically, so keys keep the order of the values.
    #[inline]
    #[must_use]
    pub fn key(self, x: f64) -> Option<i64> {
        let rounded = (x * POWERS[usize::from(self.scale)]).round_ties_even();
        if self.is_at(rounded, x) {
            return Some(rounded as i64);
        }
        // Above 2^51 the product may round to a neighbour of the integer.
        if rounded.abs() < NEIGHBOURS_FROM {
            return None;
        }
        [rounded - 1.0, rounded + 1.0].into_iter().find(|&near| self.is_at(near, x)).map(|near| near as i64)
    }

    /// True when `integer` is in range and its value is exactly `x`; false for NaN.
    #[inline]
    #[expect(clippy::float_cmp, reason = "equality of bits is the definition of being on the grid")]
    fn is_at(self, integer: f64, x: f64) -> bool {
        integer.abs() < KEY_LIMIT && integer / POWERS[usize::from(self.scale)] == x
    }

    /// 10^scale, exact.
    pub(crate) fn power(self) -> f64 {
        POWERS[usize::from(self.scale)]
    }

    /// The value of a key.
    #[inline]
    #[must_use]
    pub fn value(self, key: i64) -> f64 {
        key as f64 / POWERS[usize::from(self.scale)]
    }
}
