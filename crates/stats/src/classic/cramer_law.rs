//! Null laws of the Cramer-von Mises statistic.

use std::f64::consts::PI;

use crate::special::gamma_q;

/// P(W > x) of the limit law of the Cramer-von Mises statistic, W = integral of a squared Brownian bridge. 1 for x <= 0 and
/// for NaN.
///
/// # Source
/// From 0.1 on Smirnov (1936): 2/pi sum_k (-1)^(k+1) integral from (2k-1)pi to 2k pi of exp(-x u^2/2) / sqrt(-u sin u) du, by
/// Gauss-Chebyshev quadrature; below, the complement of Anderson and Darling's (1952) series in Bessel functions K_1/4.
/// Checked against mpmath (`vectors/tails.csv`). DIFFERENCE: SciPy stops the series at terms of 1e-7 and subtracts from 1, so
/// its small p-values lose all digits.
#[must_use]
pub fn cramer_von_mises_sf(x: f64) -> f64 {
    // Below 0.002 the complement is exp(-60) at most.
    if x.is_nan() || x < 0.002 {
        return 1.0;
    }
    if x < CROSSOVER { (1.0 - bessel_series(x)).clamp(0.0, 1.0) } else { smirnov(x) }
}

const CROSSOVER: f64 = 0.1;
/// Terms of Smirnov's series: at 0.1 the one left out is below exp(-0.05 (15 pi)^2) = 1e-48.
const INTERVALS: u32 = 7;
/// Nodes of each integral.
const NODES: u32 = 64;

fn smirnov(x: f64) -> f64 {
    let mut sum = 0.0;
    for k in (1..=INTERVALS).rev() {
        let mut integral = 0.0;
        for i in 0..NODES {
            let cosine = libm::cos(PI * (f64::from(i) + 0.5) / f64::from(NODES));
            // Distances of the node from both ends of the interval; -sin u is the sine of either.
            let (left, right) = (0.5 * PI * (1.0 + cosine), 0.5 * PI * (1.0 - cosine));
            let u = f64::from(2 * k - 1) * PI + left;
            // The weight function of the rule cancels the poles of 1/sqrt(-sin u) at both ends.
            let smooth = left * right / (u * libm::sin(left.min(right)));
            integral += libm::exp(-0.5 * x * u * u) * smooth.sqrt();
        }
        sum = integral * PI / f64::from(NODES) - sum;
    }
    (2.0 / PI * sum).clamp(0.0, 1.0)
}

/// P(W <= x) = 1/(pi sqrt x) sum_k (-1)^k binomial(-1/2, k) sqrt(4k+1) exp(-q) K_1/4(q), q = (4k+1)^2/(16 x).
fn bessel_series(x: f64) -> f64 {
    const TERMS: u32 = 8;
    let mut sum = 0.0;
    let mut coefficient = 1.0;
    for k in 0..TERMS {
        let y = f64::from(4 * k + 1);
        let q = y * y / (16.0 * x);
        sum += coefficient * y.sqrt() * libm::exp(-2.0 * q) * scaled_bessel(q);
        coefficient *= (f64::from(k) + 0.5) / (f64::from(k) + 1.0);
    }
    sum / (PI * x.sqrt())
}

/// `e^q K_1/4(q)`, the integral of exp(-q (cosh t - 1)) cosh(t/4) over t > 0, for q >= 1/2. The integrand is analytic, so the
/// trapezoidal rule converges exponentially; its width falls like 1/sqrt(q) and so does the step. 256 steps reach the t at which
/// the integrand is below the smallest number.
fn scaled_bessel(q: f64) -> f64 {
    let step = 0.25 / (1.0 + q.sqrt());
    let mut sum = 0.5;
    for i in 1..=256 {
        let t = f64::from(i) * step;
        let half = libm::sinh(0.5 * t);
        let exponent = 2.0 * q * half * half;
        if exponent > 745.0 {
            break;
        }
        sum += libm::exp(-exponent) * libm::cosh(0.25 * t);
    }
    sum * step
}

/// P(T >= t) for samples of at most some tens of values without ties, by counting lattice paths: `excess` is the sum over the
/// pooled values of (i m - j n)^2, of which T = excess / (n m N^2) is a multiple.
///
/// # Source
/// Xiao, Gordon and Yakovlev (2006); Anderson (1962).
pub(super) fn exact_cvm_sf(n: u64, m: u64, excess: u128) -> f64 {
    let square = |i: u64, j: u64| {
        let gap = (u128::from(i) * u128::from(m)).abs_diff(u128::from(j) * u128::from(n));
        gap * gap
    };
    // For each j at the current i: (sum so far, number of paths), ascending sums.
    let mut column: Vec<Vec<(u128, u64)>> = Vec::new();
    for i in 0..=n {
        let mut next: Vec<Vec<(u128, u64)>> = Vec::new();
        for j in 0..=m {
            let from_below = (j > 0).then(|| next.last()).flatten();
            let from_left = column.get(j as usize);
            let mut paths = match (from_below, from_left) {
                (Some(a), Some(b)) => merged(a, b),
                (Some(a), None) | (None, Some(a)) => a.clone(),
                (None, None) => vec![(0, 1)],
            };
            let step = square(i, j);
            for (sum, _) in &mut paths {
                *sum += step;
            }
            next.push(paths);
        }
        column = next;
    }
    let Some(paths) = column.last() else { return 1.0 };
    let total: u64 = paths.iter().map(|(_, count)| count).sum();
    let tail: u64 = paths.iter().filter(|(sum, _)| *sum >= excess).map(|(_, count)| count).sum();
    tail as f64 / total as f64
}

/// Two ascending lists of (sum, count) as one, equal sums added up.
fn merged(a: &[(u128, u64)], b: &[(u128, u64)]) -> Vec<(u128, u64)> {
    let mut out: Vec<(u128, u64)> = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    // One entry leaves the lists in each round.
    while let Some(&&(x, _)) = a.peek() {
        while let Some(&(y, count)) = b.next_if(|&&(y, _)| y < x) {
            out.push((y, count));
        }
        let equal = b.next_if(|&&(y, _)| y == x).map_or(0, |(_, count)| *count);
        if let Some(&(x, count)) = a.next() {
            out.push((x, count + equal));
        }
    }
    out.extend(b.copied());
    out
}

/// The law of the tie-corrected statistic, from what the pooled sample's ties leave of the Brownian bridge.
///
/// With shares p_j of tied values around heights H_j, sum p_j ((B(H_j - p_j/2) + B(H_j + p_j/2)) / 2)^2 is a weighted sum of
/// chi-squares. Its first three cumulants are 2^(r-1) (r-1)! tr((W K)^r); K(i, j) = H_i (1 - H_j) for i < j and H_i (1 - H_i) -
/// p_i/4 for i = j, so that the traces factorise into prefix sums.
#[derive(Default)]
pub(super) struct TiedLaw {
    trace_one: f64,
    trace_two: f64,
    trace_three: f64,
    /// Over the groups so far: sum p H^2; sum of p H (1 - H) times that sum before; sum of p^2 H^2 K(i, i).
    squares: f64,
    products: f64,
    cubes: f64,
}

impl TiedLaw {
    /// The next group of tied values, of share `p`, with its mid-height.
    pub(super) fn add(&mut self, p: f64, height: f64) {
        let (h, rest) = (height, 1.0 - height);
        let own = p * (h * rest - 0.25 * p);
        let weight = p * rest * rest;
        self.trace_one += own;
        // Pairs i < j count twice, i = j once.
        self.trace_two += own * own + 2.0 * weight * self.squares;
        // Triples i < j < k count six times, two equal ones three times, all equal once.
        self.trace_three += own * own * own
            + 6.0 * weight * self.products
            + 3.0 * weight * self.cubes
            + 3.0 * weight * own * self.squares;
        self.products += p * h * rest * self.squares;
        self.cubes += own * p * h * h;
        self.squares += p * h * h;
    }

    /// P(W > x) by the chi-square with the same mean, variance and skewness; 1 where nothing varies.
    ///
    /// # Source
    /// Pearson (1959) and Imhof (1961), "Computing the distribution of quadratic forms in normal variables".
    pub(super) fn sf(&self, x: f64) -> f64 {
        let (c1, c2, c3) = (self.trace_one, self.trace_two, self.trace_three);
        if c2 <= 0.0 || c3 <= 0.0 {
            return 1.0;
        }
        let degrees = c2 * c2 * c2 / (c3 * c3);
        let argument = degrees + (x - c1) * (degrees / c2).sqrt();
        if argument <= 0.0 { 1.0 } else { gamma_q(0.5 * degrees, 0.5 * argument) }
    }
}
