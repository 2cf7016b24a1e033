//! Exact division by one number, many times, without dividing: a division takes longer than all else done to a value.
//!
//! Source: Granlund and Montgomery (1994), Division by invariant integers using multiplication, section 9.

/// A number to divide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Divisor {
    value: u64,
    shift: u32,
    /// Inverse modulo 2^64 of the odd part.
    inverse: u64,
    /// The largest quotient of a multiple of 64 bits.
    largest: u64,
}

impl Default for Divisor {
    /// Zero, of which only zero is a multiple.
    fn default() -> Self {
        Self { value: 0, shift: 63, inverse: 1, largest: 0 }
    }
}

impl Divisor {
    /// A divisor of this value.
    #[must_use]
    pub fn new(value: u64) -> Self {
        if value == 0 {
            return Self::default();
        }
        let shift = value.trailing_zeros();
        let odd = value >> shift;
        // Newton: each step doubles the bits that are right, of three at first.
        let step = |x: u64| x.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(x)));
        let inverse = (0..5).fold(odd.wrapping_mul(3) ^ 2, |x, _| step(x));
        Self { value, shift, inverse, largest: u64::MAX / value }
    }

    /// The divisor itself.
    #[inline]
    #[must_use]
    pub fn value(self) -> u64 {
        self.value
    }

    /// Whether the divisor divides `value`.
    #[inline]
    #[must_use]
    pub fn divides(self, value: u64) -> bool {
        self.quotient(value) <= self.largest
    }

    /// The quotient of a multiple; of anything else a number above that of every multiple.
    ///
    /// Let the divisor be o * 2^s, o odd. A number that is no multiple of 2^s is at least 2^(64 - s) when it is rotated by s. Multiplied by the
    /// inverse of o, multiples of o become their quotients, and all others numbers that times o are 2^64 or more.
    #[inline]
    #[must_use]
    pub fn quotient(self, multiple: u64) -> u64 {
        multiple.rotate_right(self.shift).wrapping_mul(self.inverse)
    }

    /// The greatest common divisor of this and `value`.
    #[inline]
    #[must_use]
    pub fn gcd(self, value: u64) -> Self {
        if self.divides(value) { self } else { Self::new(gcd(self.value, value)) }
    }
}

/// Euclid; at most 92 steps for 64 bits (Lamé 1844).
#[must_use]
pub fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![any::<u64>(), 0_u64..100, (0_u32..64, 0_u64..9).prop_map(|(shift, n)| n << shift)]
    }

    proptest! {
        #[test]
        fn agrees_with_division(divisor in number(), value in number(), factor in number()) {
            let by = Divisor::new(divisor);
            for value in [value, divisor.wrapping_mul(factor), divisor, 0, u64::MAX] {
                prop_assert_eq!(by.divides(value), value.is_multiple_of(divisor), "{} by {}", value, divisor);
                if divisor > 0 && value % divisor == 0 {
                    prop_assert_eq!(by.quotient(value), value / divisor);
                }
                prop_assert_eq!(by.gcd(value).value(), gcd(divisor, value));
            }
        }
    }
}
