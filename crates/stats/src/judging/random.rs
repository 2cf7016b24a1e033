//! Replicate weights: a pure function of a seed and counters, so no order of evaluation can change a verdict.

use crate::special::{ln, normal_quantile, normal_quantiles};
use fearless_simd::{Level, dispatch};

/// Replicates that are drawn and computed side by side.
pub(crate) const LANES: usize = 8;
/// A number for each of a few replicates that follow each other.
pub(crate) type Lanes = [f64; LANES];

/// What a draw is used for; part of the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    CandidateNormal = 1,
    GoldenNormal = 2,
    CandidateSpread = 3,
    GoldenSpread = 4,
}

/// Standard normal weights addressed by replicate (from 1), cosine (from 1) and use.
pub(crate) trait Weights {
    fn normal(&self, replicate: u32, cosine: u32, stream: Stream) -> f64;

    /// The normals of eight cosines from `cosine` on, each for the replicates from `replicate` on.
    fn normals(&self, replicate: u32, cosine: u32, stream: Stream) -> [Lanes; COSINES] {
        core::array::from_fn(|k| {
            core::array::from_fn(|lane| self.normal(replicate + lane as u32, cosine + k as u32, stream))
        })
    }

    /// Writes the normals of the cosines from `cosine` on, one entry a cosine.
    #[inline(always)]
    fn fill(&self, replicate: u32, cosine: u32, stream: Stream, out: &mut [Lanes]) {
        for (first, chunk) in (cosine..).step_by(COSINES).zip(out.chunks_mut(COSINES)) {
            let normals = self.normals(replicate, first, stream);
            chunk.copy_from_slice(&normals[..chunk.len()]);
        }
    }

    /// Chi-square draws: the law of a sum of `degrees` squared normals, and where nothing faster is known that sum, in order.
    #[inline(always)]
    fn chi_squares(&self, replicate: u32, degrees: usize, stream: Stream) -> Lanes {
        let mut sums = [0.0; LANES];
        for first in (0..degrees).step_by(COSINES) {
            let normals = self.normals(replicate, first as u32 + 1, stream);
            for z in normals.iter().take(degrees - first) {
                for lane in 0..LANES {
                    sums[lane] += z[lane] * z[lane];
                }
            }
        }
        sums
    }
}

/// [`Weights::fill`], compiled for the machine it runs on.
pub(crate) fn fill(weights: &impl Weights, (replicate, cosine): (u32, u32), stream: Stream, out: &mut [Lanes]) {
    dispatch!(Level::new(), _ => weights.fill(replicate, cosine, stream, out));
}

/// [`Weights::chi_squares`], compiled for the machine it runs on.
pub(crate) fn chi_squares(weights: &impl Weights, replicate: u32, degrees: usize, stream: Stream) -> Lanes {
    dispatch!(Level::new(), _ => weights.chi_squares(replicate, degrees, stream))
}

/// Cosines whose normals are drawn in one go.
const COSINES: usize = 8;

/// Counter-based generator: SplitMix64 (Steele, Lea and Flood, 2014) evaluated at an arbitrary position, one key per stream.
pub(crate) struct Counter {
    keys: [u64; 5],
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline(always)]
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Counter {
    /// `domain` separates effects judged with the same seed.
    pub(crate) fn new(seed: &[u8; 32], domain: u64) -> Self {
        let mut state = mix(domain.wrapping_add(GAMMA));
        for chunk in seed.chunks_exact(8) {
            let mut word = [0_u8; 8];
            word.copy_from_slice(chunk);
            state = mix(state.wrapping_add(GAMMA) ^ u64::from_le_bytes(word));
        }
        let mut keys = [0; 5];
        for (i, key) in keys.iter_mut().enumerate() {
            *key = mix(state.wrapping_add(GAMMA.wrapping_mul(i as u64 + 1)));
        }
        Self { keys }
    }

    #[inline(always)]
    fn bits(&self, replicate: u32, cosine: u32, stream: Stream) -> u64 {
        let counter = (u64::from(replicate) << 32) | u64::from(cosine);
        mix(self.keys[stream as usize].wrapping_add(counter.wrapping_mul(GAMMA)))
    }
}

/// A number in (0, 1) from the upper 52 bits `j`: `(j + 1/2) / 2^52`. With 53 bits the largest would round to 1.
#[inline(always)]
fn uniform(bits: u64) -> f64 {
    const TWO_52: f64 = (1_u64 << 52) as f64;
    // The bits as the mantissa of a number from 2^52 on: exact, and a matter of one addition.
    let j = f64::from_bits((bits >> 12) | 0x4330_0000_0000_0000) - TWO_52;
    (j + 0.5) / TWO_52
}

impl Weights for Counter {
    fn normal(&self, replicate: u32, cosine: u32, stream: Stream) -> f64 {
        normal_quantile(uniform(self.bits(replicate, cosine, stream)))
    }

    #[inline(always)]
    fn normals(&self, replicate: u32, cosine: u32, stream: Stream) -> [Lanes; COSINES] {
        let mut values = [0.0; COSINES * LANES];
        for (i, value) in values.iter_mut().enumerate() {
            let (k, lane) = ((i / LANES) as u32, (i % LANES) as u32);
            *value = uniform(self.bits(replicate.wrapping_add(lane), cosine.wrapping_add(k), stream));
        }
        normal_quantiles(&mut values);
        let (lanes, _) = values.as_chunks::<LANES>();
        core::array::from_fn(|k| lanes[k])
    }

    /// Two squared normals have the sum of an exponential, `-2 ln u`: a logarithm of a product of uniforms stands for twice as many
    /// normals as it has factors.
    #[inline(always)]
    fn chi_squares(&self, replicate: u32, degrees: usize, stream: Stream) -> Lanes {
        let mut sums = [0.0; LANES];
        for first in (0..degrees / 2).step_by(FACTORS) {
            let mut products = [1.0; LANES];
            for k in first..(first + FACTORS).min(degrees / 2) {
                for (lane, product) in products.iter_mut().enumerate() {
                    *product *= uniform(self.bits(replicate.wrapping_add(lane as u32), k as u32 + 1, stream));
                }
            }
            for (sum, product) in sums.iter_mut().zip(products) {
                *sum -= 2.0 * ln(product);
            }
        }
        if degrees % 2 == 1 {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let z = self.normal(replicate.wrapping_add(lane as u32), (degrees / 2) as u32 + 1, stream);
                *sum += z * z;
            }
        }
        sums
    }
}

/// Uniforms that are multiplied before a logarithm: none is below 2^-53, so that so many do not underflow.
const FACTORS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::special::gamma_q;

    #[test]
    fn moments_of_the_normals() {
        let counter = Counter::new(&[7; 32], 1);
        let (mut sum, mut square, mut fourth, mut lag) = (0.0, 0.0, 0.0, 0.0);
        let (replicates, cosines) = (2_000_u32, 50_u32);
        for b in 1..=replicates {
            let mut previous = 0.0;
            for k in 1..=cosines {
                let z = counter.normal(b, k, Stream::CandidateNormal);
                sum += z;
                square += z * z;
                fourth += z * z * z * z;
                lag += z * previous;
                previous = z;
            }
        }
        let n = f64::from(replicates * cosines);
        assert!((sum / n).abs() < 0.015, "mean {}", sum / n);
        assert!((square / n - 1.0).abs() < 0.02, "variance {}", square / n);
        assert!((fourth / n - 3.0).abs() < 0.15, "fourth moment {}", fourth / n);
        assert!((lag / n).abs() < 0.015, "lag covariance {}", lag / n);
    }

    #[test]
    fn draws_of_many_are_those_of_each() {
        let counter = Counter::new(&[3; 32], 9);
        let mut rows = [[0.0; LANES]; 19];
        counter.fill(40, 5, Stream::GoldenNormal, &mut rows);
        for lane in 0..LANES {
            let b = 40 + lane as u32;
            for (k, row) in (5..).zip(&rows) {
                assert_eq!(row[lane].to_bits(), counter.normal(b, k, Stream::GoldenNormal).to_bits());
            }
        }
        for bits in [0, u64::MAX, 1 << 12, 0x0123_4567_89ab_cdef] {
            let plain = ((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
            assert!(uniform(bits).to_bits() == plain.to_bits() && plain > 0.0 && plain < 1.0);
        }
    }

    /// Kolmogorov-Smirnov of four thousand draws against the law; 1.95 is exceeded once in a thousand.
    #[test]
    fn spreads_follow_the_chi_square_law() {
        let counter = Counter::new(&[11; 32], 2);
        for degrees in [1, 2, 3, 5, 31, 32, 33, 64, 192, 401] {
            let draws =
                (1..=4_000_u32).step_by(LANES).flat_map(|b| counter.chi_squares(b, degrees, Stream::GoldenSpread));
            let mut below: Vec<f64> = draws.map(|x| 1.0 - gamma_q(degrees as f64 / 2.0, x / 2.0)).collect();
            below.sort_by(f64::total_cmp);
            let n = below.len() as f64;
            let gap = |(i, p): (usize, &f64)| (p - i as f64 / n).abs().max((p - (i + 1) as f64 / n).abs());
            let distance = below.iter().enumerate().map(gap).fold(0.0, f64::max) * n.sqrt();
            assert!(distance < 1.95, "{degrees} degrees of freedom: {distance}");
        }
    }

    #[test]
    fn draws_are_a_frozen_function_of_their_address() {
        let z = |domain, b, k, s| Counter::new(&[1; 32], domain).normal(b, k, s);
        assert_eq!(z(1, 5, 2, Stream::GoldenNormal).to_bits(), z(1, 5, 2, Stream::GoldenNormal).to_bits());
        assert_ne!(z(1, 5, 2, Stream::GoldenNormal).to_bits(), z(2, 5, 2, Stream::GoldenNormal).to_bits());
        assert_ne!(z(1, 5, 2, Stream::GoldenNormal).to_bits(), z(1, 5, 2, Stream::GoldenSpread).to_bits());
        assert_ne!(z(1, 5, 2, Stream::GoldenNormal).to_bits(), z(1, 2, 5, Stream::GoldenNormal).to_bits());
    }
}
