//! Random numbers that never change: a counter and a mixing function, no platform libm.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): output
//! `i` is the finaliser of `start + i * GOLDEN`. It is counter-based, so a state is one number, and it is fixed forever: a
//! change here would change every simulated market and every injected fault.

/// 2^64 divided by the golden ratio, odd: the step of the counter.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The SplitMix64 finaliser: a bijection of 64-bit words whose output bits all depend on all input bits.
pub fn mix(word: u64) -> u64 {
    let mut z = word;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A seeded stream of random numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng {
    counter: u64,
}

impl Rng {
    /// The stream number `stream` of `seed`. Streams of one seed start at unrelated places of one cycle of 2^64 numbers.
    pub fn new(seed: u64, stream: u64) -> Self {
        let offset = mix(stream.wrapping_mul(GOLDEN).wrapping_add(GOLDEN));
        Self { counter: mix(seed.wrapping_add(offset)) }
    }

    /// 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(GOLDEN);
        mix(self.counter)
    }

    /// Uniform on the open interval (0, 1): a multiple of 2^-53, never 0 nor 1, so its logarithm is finite.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        ((self.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    /// True with probability `p`; never for `p <= 0`, always for `p >= 1`.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Uniform on `0..n` by multiply and shift (bias below n / 2^64); 0 if `n` is 0.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Exponential with mean 1.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// Standard normal, by Box and Muller (one variate of the pair).
    #[inline]
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(core::f64::consts::TAU * self.uniform())
    }

    /// Pareto with minimum 1 and tail exponent `alpha > 0`: P(X > x) = x^-alpha.
    #[inline]
    pub fn pareto(&mut self, alpha: f64) -> f64 {
        libm::exp(self.exponential() / alpha)
    }

    /// Puts `items` in a uniformly random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_splitmix64_vector() {
        let mut rng = Rng { counter: 1_234_567 };
        let got: Vec<u64> = (0..5).map(|_| rng.next_u64()).collect();
        let want = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn streams_and_seeds_differ() {
        let mut firsts: Vec<u64> = (0..40).flat_map(|seed| (0..5).map(move |s| Rng::new(seed, s).next_u64())).collect();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 200);
    }

    /// Mean and variance within five standard errors of the law.
    fn check_moments(draws: &[f64], mean: f64, variance: f64) {
        let n = draws.len() as f64;
        let m = draws.iter().sum::<f64>() / n;
        let v = draws.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / n;
        assert!((m - mean).abs() < 5.0 * (variance / n).sqrt(), "mean {m} for {mean}");
        assert!((v / variance - 1.0).abs() < 0.05, "variance {v} for {variance}");
    }

    #[test]
    fn laws_have_their_moments() {
        let mut rng = Rng::new(7, 0);
        let n = 200_000;
        let draws: Vec<f64> = (0..n).map(|_| rng.uniform()).collect();
        assert!(draws.iter().all(|&u| 0.0 < u && u < 1.0));
        check_moments(&draws, 0.5, 1.0 / 12.0);
        let draws: Vec<f64> = (0..n).map(|_| rng.exponential()).collect();
        check_moments(&draws, 1.0, 1.0);
        let draws: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        check_moments(&draws, 0.0, 1.0);
        let draws: Vec<f64> = (0..n).map(|_| libm::log(rng.pareto(2.5))).collect();
        check_moments(&draws, 1.0 / 2.5, 1.0 / 6.25);
        let draws: Vec<f64> = (0..n).map(|_| rng.below(10) as f64).collect();
        check_moments(&draws, 4.5, 99.0 / 12.0);
    }

    #[test]
    fn shuffle_keeps_the_items_and_reaches_every_order() {
        let mut rng = Rng::new(1, 1);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let mut items = [1, 2, 3];
            rng.shuffle(&mut items);
            assert_eq!(items.iter().sum::<i32>(), 6);
            seen.insert(items);
        }
        assert_eq!(seen.len(), 6);
    }
}
