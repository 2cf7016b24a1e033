//! Replicate weights: a pure function of a seed and counters, so no order of evaluation can change a verdict.

use crate::special::normal_quantile;

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

    /// A chi-square draw as a sum of `degrees` fresh squared normals, in order.
    fn chi_square(&self, replicate: u32, degrees: usize, stream: Stream) -> f64 {
        let mut sum = 0.0;
        for k in 1..=degrees as u32 {
            let z = self.normal(replicate, k, stream);
            sum += z * z;
        }
        sum
    }
}

/// Counter-based generator: SplitMix64 (Steele, Lea and Flood, 2014) evaluated at an arbitrary position, one key per stream.
pub(crate) struct Counter {
    keys: [u64; 5],
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

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
}

impl Weights for Counter {
    fn normal(&self, replicate: u32, cosine: u32, stream: Stream) -> f64 {
        let counter = (u64::from(replicate) << 32) | u64::from(cosine);
        let bits = mix(self.keys[stream as usize].wrapping_add(counter.wrapping_mul(GAMMA)));
        // 52 bits: with 53 the largest j + 1/2 would round to 2^53 and the uniform to 1.
        let uniform = ((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
        normal_quantile(uniform)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn draws_are_a_frozen_function_of_their_address() {
        let z = |domain, b, k, s| Counter::new(&[1; 32], domain).normal(b, k, s);
        assert_eq!(z(1, 5, 2, Stream::GoldenNormal).to_bits(), z(1, 5, 2, Stream::GoldenNormal).to_bits());
        assert_ne!(z(1, 5, 2, Stream::GoldenNormal).to_bits(), z(2, 5, 2, Stream::GoldenNormal).to_bits());
        assert_ne!(z(1, 5, 2, Stream::GoldenNormal).to_bits(), z(1, 5, 2, Stream::GoldenSpread).to_bits());
        assert_ne!(z(1, 5, 2, Stream::GoldenNormal).to_bits(), z(1, 2, 5, Stream::GoldenNormal).to_bits());
    }
}
