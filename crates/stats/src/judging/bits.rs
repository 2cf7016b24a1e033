//! A judgement as integers, to be kept where it is not computed again: every number bit by bit, whatever it is.

use super::{Judged, Needs, Resolution};

impl Judged {
    /// Integers in [`Self::bits`].
    pub const BITS: usize = 12;

    /// The numbers of this judgement, as their bits.
    pub fn bits(&self) -> [u64; Self::BITS] {
        let (kind, needed) = match self.needs {
            Needs::Nothing => (0, 0),
            Needs::Windows(windows) => (1, windows),
            Needs::BothSidesTimes(times) => (2, times.to_bits()),
            Needs::NotResolvable => (3, 0),
        };
        let Resolution { detectable, resolvable_margin } = self.resolution;
        let numbers = [self.estimate, self.lower, self.upper, self.margin, self.p_fail, self.p_pass, self.half_width];
        let [estimate, lower, upper, margin, p_fail, p_pass, half_width] = numbers.map(f64::to_bits);
        let [detectable, resolvable] = [detectable, resolvable_margin].map(f64::to_bits);
        let signed = u64::from(self.signed);
        [estimate, lower, upper, margin, p_fail, p_pass, half_width, detectable, resolvable, signed, kind, needed]
    }

    /// The judgement of these bits; `None` if there is none.
    pub fn of_bits(bits: &[u64]) -> Option<Self> {
        let &[estimate, lower, upper, margin, p_fail, p_pass, half_width, detectable, resolvable, signed, kind, needed] =
            bits
        else {
            return None;
        };
        let needs = match (kind, needed) {
            (0, 0) => Needs::Nothing,
            (1, windows) => Needs::Windows(windows),
            (2, times) => Needs::BothSidesTimes(f64::from_bits(times)),
            (3, 0) => Needs::NotResolvable,
            _ => return None,
        };
        let [detectable, resolvable_margin] = [detectable, resolvable].map(f64::from_bits);
        Some(Self {
            estimate: f64::from_bits(estimate),
            lower: f64::from_bits(lower),
            upper: f64::from_bits(upper),
            signed: match signed {
                0 => false,
                1 => true,
                _ => return None,
            },
            margin: f64::from_bits(margin),
            p_fail: f64::from_bits(p_fail),
            p_pass: f64::from_bits(p_pass),
            needs,
            resolution: Resolution { detectable, resolvable_margin },
            half_width: f64::from_bits(half_width),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judgement_comes_back_bit_by_bit() {
        let judged = Judged {
            estimate: 0.1,
            lower: -0.0,
            upper: f64::INFINITY,
            signed: true,
            margin: 0.25,
            p_fail: 1.0 / 3.0,
            p_pass: 0.7,
            needs: Needs::Nothing,
            resolution: Resolution { detectable: 2.5, resolvable_margin: f64::MAX },
            half_width: 0.3,
        };
        let needs = [Needs::Nothing, Needs::Windows(u64::MAX), Needs::BothSidesTimes(1.1), Needs::NotResolvable];
        for needs in needs {
            let judged = Judged { needs, ..judged.clone() };
            let again = Judged::of_bits(&judged.bits()).unwrap();
            assert_eq!((again.bits(), &again), (judged.bits(), &judged));
        }
        let distinct: std::collections::BTreeSet<u64> = judged.bits()[..10].iter().copied().collect();
        assert_eq!(distinct.len(), 10, "every number has a place of its own");
    }

    #[test]
    fn what_is_no_judgement_is_refused() {
        let bits = Judged::of_bits(&[0; Judged::BITS]).unwrap().bits();
        assert_eq!(bits, [0; Judged::BITS]);
        assert_eq!(Judged::of_bits(&bits[1..]), None);
        for (at, value) in [(9, 2), (10, 4), (11, 1)] {
            let mut damaged = bits;
            damaged[at] = value;
            assert_eq!(Judged::of_bits(&damaged), None, "place {at}");
        }
    }
}
