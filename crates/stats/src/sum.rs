//! Sums of floats with twice the working precision (Dekker 1971, Knuth 1969), without fused multiply-add.

/// An unevaluated sum `hi + lo`, about 106 bits. Adding in a fixed order gives the same bits on every machine.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct DoubleSum {
    hi: f64,
    lo: f64,
}

impl DoubleSum {
    pub(crate) fn add(&mut self, x: f64) {
        if x == 0.0 {
            return;
        }
        let (sum, error) = two_sum(self.hi, x);
        let (hi, lo) = two_sum(sum, self.lo + error);
        (self.hi, self.lo) = (hi, lo);
    }

    /// Adds `x * count` without rounding the product.
    pub(crate) fn add_product(&mut self, x: f64, count: u64) {
        // Adding a zero changes nothing, since the pair is normalised: what is none is left out, which is most of it.
        if count == 1 {
            return self.add(x);
        }
        if x == 0.0 {
            return;
        }
        // Two halves of 32 bits are exact in f64 and so is each product's error term.
        for half in [(count >> 32) as f64 * 4_294_967_296.0, (count & 0xffff_ffff) as f64] {
            if half > 0.0 {
                let (product, error) = two_product(x, half);
                self.add(product);
                if error != 0.0 {
                    self.add(error);
                }
            }
        }
    }

    pub(crate) fn value(self) -> f64 {
        self.hi + self.lo
    }

    /// The sum divided by `n`, again as a pair.
    pub(crate) fn divided_by(self, n: f64) -> Self {
        let quotient = self.hi / n;
        let (product, error) = two_product(quotient, n);
        let remainder = (self.hi - product) - error + self.lo;
        let (hi, lo) = two_sum(quotient, remainder / n);
        Self { hi, lo }
    }

    /// `self - other`.
    pub(crate) fn minus(self, other: Self) -> f64 {
        (self.hi - other.hi) + (self.lo - other.lo)
    }

    /// `x - self`, rounded once or twice.
    pub(crate) fn residual_of(self, x: f64) -> f64 {
        (x - self.hi) - self.lo
    }
}

fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

/// Product and its rounding error; the error is taken as 0 where splitting would overflow.
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let ((a_hi, a_lo), (b_hi, b_lo)) = (split(a), split(b));
    let error = ((a_hi * b_hi - product) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo;
    (product, if error.is_finite() { error } else { 0.0 })
}

/// Veltkamp's splitting into two halves of 26 bits.
fn split(a: f64) -> (f64, f64) {
    let scaled = a * 134_217_729.0;
    let hi = scaled - (scaled - a);
    (hi, a - hi)
}
