//! The decimal grid: integers of 10^-scale.

/// All powers of ten up to here are exact in f64.
const POWERS: [f64; 19] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18,
];

/// Beyond this magnitude neighbouring integers are not distinct in f64.
const KEY_LIMIT: f64 = 9_007_199_254_740_992.0;

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
        assert!(
            scale <= Self::SCALE_MAX,
            "a tick scale is at most {}, not {scale}",
            Self::SCALE_MAX
        );
        Self { scale }
    }

    /// The number of decimals.
    #[must_use]
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// The integer r with r / 10^scale == `x` in f64, when x * 10^scale rounds to such an integer below 2^53.
    #[inline]
    #[must_use]
    pub fn key(self, x: f64) -> Option<i64> {
        let power = POWERS[usize::from(self.scale)];
        let rounded = (x * power).round_ties_even();
        // NaN fails the first comparison. The grid is exact by definition: a value is on it or it is not.
        #[expect(
            clippy::float_cmp,
            reason = "equality of bits is the definition of being on the grid"
        )]
        let on_grid = rounded.abs() < KEY_LIMIT && rounded / power == x;
        on_grid.then_some(rounded as i64)
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
