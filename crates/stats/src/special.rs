//! Special functions: gamma, incomplete beta, Student's t and the normal quantile.
//!
//! Every transcendental goes through the pinned `libm`, every loop has a constant bound, and nothing uses a fused
//! multiply-add, so the same input gives the same bits on every platform. Reference values (mpmath, 50 digits) are in
//! `vectors/special.csv`; the tests state the relative error that is attained where it is not 4e-14.

// Coefficients keep the digits of their sources.
#![allow(clippy::excessive_precision)]

mod incomplete_gamma;
mod zeta;

use core::f64::consts::{FRAC_1_SQRT_2, PI};

pub use incomplete_gamma::gamma_q;
pub use zeta::{hurwitz_zeta, ln_hurwitz_zeta};

/// Natural logarithm (the pinned implementation; `-inf` at 0, NaN below 0).
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// `ln |Gamma(x)|`. Poles (0, -1, -2, ...) give `+inf`.
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// `Gamma(x)`; overflows to `+inf` above 171.6.
pub fn gamma(x: f64) -> f64 {
    libm::tgamma(x)
}

/// `ln B(a, b)` for `a, b > 0`, NaN otherwise.
///
/// The difference of two large `ln Gamma` loses `ln Gamma` times the machine epsilon; above 10 the leading terms are
/// therefore cancelled by hand and only Stirling's remainders are subtracted (DiDonato and Morris, 1992, ALGDIV).
pub fn ln_beta(a: f64, b: f64) -> f64 {
    if !(a > 0.0 && b > 0.0) {
        return f64::NAN;
    }
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    let sum = small + large;
    if large < 10.0 {
        return ln_gamma(small) + ln_gamma(large) - ln_gamma(sum);
    }
    let remainder = stirling_remainder(large) - stirling_remainder(sum);
    if small < 10.0 {
        return ln_gamma(small) - (large - 0.5) * libm::log1p(small / large) - small * ln(sum) + small + remainder;
    }
    let half_ln_two_pi = 0.918_938_533_204_672_8;
    -0.5 * ln(large) + half_ln_two_pi + stirling_remainder(small) + remainder
        - (small - 0.5) * libm::log1p(large / small)
        - large * libm::log1p(small / large)
}

/// `ln Gamma(x) - ((x - 1/2) ln x - x + ln(2 pi)/2)` for `x >= 10`: nine terms of Stirling's series leave less than 1e-17.
fn stirling_remainder(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 9] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
        -3617.0 / 122_400.0,
        43_867.0 / 244_188.0,
    ];
    let inverse_square = 1.0 / (x * x);
    let mut sum = 0.0;
    for &c in COEFFICIENTS.iter().rev() {
        sum = sum * inverse_square + c;
    }
    sum / x
}

/// Iterations of the continued fraction; it needs about the square root of the larger parameter, so 2,000 covers
/// parameters of some millions.
const FRACTION_TERMS: usize = 2_000;

/// Regularised incomplete beta function `I_x(a, b)` for `a, b > 0` and `0 <= x <= 1`; NaN outside.
///
/// Lentz's evaluation of the continued fraction (Numerical Recipes 6.4; DLMF 8.17.22), on the side where it converges fast.
pub fn beta_inc(a: f64, b: f64, x: f64) -> f64 {
    beta_inc_with_complement(a, b, x, 1.0 - x)
}

/// `I_x(a, b)` where the caller knows `y = 1 - x` to full precision.
fn beta_inc_with_complement(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y)) {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let ln_x = if x > 0.5 { libm::log1p(-y) } else { ln(x) };
    let ln_y = if y > 0.5 { libm::log1p(-x) } else { ln(y) };
    let front = libm::exp(a * ln_x + b * ln_y - ln_beta(a, b));
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, y) / b
    }
}

/// The continued fraction of `I_x(a, b)` by the modified Lentz method.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let nonzero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for i in 1..=FRACTION_TERMS {
        let m = i as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / nonzero(1.0 + even * d);
        c = nonzero(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / nonzero(1.0 + odd * d);
        c = nonzero(1.0 + odd / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

/// `P(T > t)` for Student's t with `nu > 0` degrees of freedom: a tail, so it keeps its relative precision far out.
pub fn student_t_sf(t: f64, nu: f64) -> f64 {
    if t.is_nan() || nu.is_nan() || nu <= 0.0 {
        return f64::NAN;
    }
    if t < 0.0 {
        return 1.0 - student_t_sf(-t, nu);
    }
    if t.is_infinite() {
        return 0.0;
    }
    // Both x = nu/(nu + t^2) and its complement are formed without subtraction.
    let square = t * t;
    let (x, y) = if square.is_infinite() { ((nu / t) / t, 1.0) } else { (nu / (nu + square), square / (nu + square)) };
    0.5 * beta_inc_with_complement(0.5 * nu, 0.5, x, y)
}

/// `P(T <= t)` for Student's t with `nu > 0` degrees of freedom.
pub fn student_t_cdf(t: f64, nu: f64) -> f64 {
    student_t_sf(-t, nu)
}

/// One-sided quantile of Student's t: the `t` with `P(T <= t) = p`, for `0 < p < 1`, `nu > 0`; NaN outside.
///
/// Newton steps on the tail, kept inside a bracket by bisection; at most 200 steps.
pub fn student_t_quantile(p: f64, nu: f64) -> f64 {
    if !(p > 0.0 && p < 1.0 && nu > 0.0) {
        return f64::NAN;
    }
    if p < 0.5 {
        return -student_t_upper_quantile(p, nu);
    }
    student_t_upper_quantile(1.0 - p, nu)
}

/// The `t >= 0` with `P(T > t) = tail`, `0 < tail <= 1/2`.
fn student_t_upper_quantile(tail: f64, nu: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..1_100 {
        // Doubling reaches the largest float in 1,024 steps.
        if student_t_sf(high, nu) <= tail {
            break;
        }
        low = high;
        high *= 2.0;
    }
    let ln_scale = -ln_beta(0.5 * nu, 0.5) - 0.5 * ln(nu);
    let mut t = 0.5 * (low + high);
    for _ in 0..200 {
        let excess = student_t_sf(t, nu) - tail;
        if excess > 0.0 {
            low = t;
        } else {
            high = t;
        }
        let density = libm::exp(ln_scale - 0.5 * (nu + 1.0) * libm::log1p(t * t / nu));
        let newton = t + excess / density;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        let step = (next - t).abs();
        t = next;
        if step <= 2.0 * f64::EPSILON * t {
            break;
        }
    }
    t
}

/// `P(Z > z)` of the standard normal.
pub fn normal_sf(z: f64) -> f64 {
    0.5 * libm::erfc(z * FRAC_1_SQRT_2)
}

/// `P(Z <= z)` of the standard normal.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Density of the standard normal.
pub fn normal_pdf(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) / libm::sqrt(2.0 * PI)
}

/// Standard normal quantile: the `z` with `P(Z <= z) = p`, for `0 < p < 1`; NaN outside.
///
/// # Source
/// Wichura (1988), Algorithm AS 241, PPND16: rational approximations with a relative error of about 1e-16.
pub fn normal_quantile(p: f64) -> f64 {
    if !(p > 0.0 && p < 1.0) {
        return f64::NAN;
    }
    let q = p - 0.5;
    if q.abs() <= CENTRE { normal_quantile_centre(q) } else { normal_quantile_tail(p) }
}

/// Replaces each of `values`, all in (0, 1), by its [`normal_quantile`]: the same bits, in a fraction of the time.
///
/// The centre is computed for all, without a branch, and the tails are mended afterwards.
#[inline(always)]
pub(crate) fn normal_quantiles<const N: usize>(values: &mut [f64; N]) {
    let mut tails = [(0.0, 0); N];
    let mut n_tails = 0;
    for (i, p) in values.iter().enumerate() {
        // Written always, kept if it is one: so far there are at most `i` tails.
        tails[n_tails] = (*p, i);
        n_tails += usize::from((*p - 0.5).abs() > CENTRE);
    }
    for p in values.iter_mut() {
        *p = normal_quantile_centre(*p - 0.5);
    }
    let tails = &tails[..n_tails];
    let mut roots = [0.0; N];
    for (r, (p, _)) in roots.iter_mut().zip(tails) {
        *r = tail_root(*p);
    }
    let mut sizes = roots;
    for z in &mut sizes[..n_tails] {
        *z = near_tail(*z);
    }
    for (((p, i), r), z) in tails.iter().zip(roots).zip(sizes) {
        let z = if r <= NEAR { z } else { far_tail(r) };
        values[*i] = if *p < 0.5 { -z } else { z };
    }
}

/// Where the rational approximation of the centre ends, as a distance from 1/2.
const CENTRE: f64 = 0.425;

#[inline(always)]
fn normal_quantile_centre(q: f64) -> f64 {
    let r = 0.180_625 - q * q;
    q * horner(&CENTRE_TOP, r) / horner(&CENTRE_BOTTOM, r)
}

fn normal_quantile_tail(p: f64) -> f64 {
    let r = tail_root(p);
    let z = if r <= NEAR { near_tail(r) } else { far_tail(r) };
    if p < 0.5 { -z } else { z }
}

/// Where the approximation of the near tail ends, in roots of the log of the tail's mass: a mass of 1e-11.
const NEAR: f64 = 5.0;

/// A square root is correctly rounded on every platform.
#[inline(always)]
fn tail_root(p: f64) -> f64 {
    (-ln(if p < 0.5 { p } else { 1.0 - p })).sqrt()
}

#[inline(always)]
fn near_tail(r: f64) -> f64 {
    horner(&NEAR_TOP, r - 1.6) / horner(&NEAR_BOTTOM, r - 1.6)
}

#[inline(always)]
fn far_tail(r: f64) -> f64 {
    horner(&FAR_TOP, r - 5.0) / horner(&FAR_BOTTOM, r - 5.0)
}

/// A polynomial with the constant term first.
#[inline(always)]
fn horner(coefficients: &[f64; 8], x: f64) -> f64 {
    let mut value = coefficients[7];
    for i in (0..7).rev() {
        value = value * x + coefficients[i];
    }
    value
}

const CENTRE_TOP: [f64; 8] = [
    3.387_132_872_796_366_608,
    133.141_667_891_784_377_45,
    1_971.590_950_306_551_442_7,
    13_731.693_765_509_461_125,
    45_921.953_931_549_871_457,
    67_265.770_927_008_700_853,
    33_430.575_583_588_128_105,
    2_509.080_928_730_122_672_7,
];
const CENTRE_BOTTOM: [f64; 8] = [
    1.0,
    42.313_330_701_600_911_252,
    687.187_007_492_057_908_3,
    5_394.196_021_424_751_107_7,
    21_213.794_301_586_595_867,
    39_307.895_800_092_710_61,
    28_729.085_735_721_942_674,
    5_226.495_278_852_854_561,
];
const NEAR_TOP: [f64; 8] = [
    1.423_437_110_749_683_577_34,
    4.630_337_846_156_545_295_9,
    5.769_497_221_460_691_405_5,
    3.647_848_324_763_204_605_04,
    1.270_458_252_452_368_382_58,
    0.241_780_725_177_450_611_77,
    0.022_723_844_989_269_184_583_3,
    7.745_450_142_783_414_076_4e-4,
];
const NEAR_BOTTOM: [f64; 8] = [
    1.0,
    2.053_191_626_637_758_821_87,
    1.676_384_830_183_803_849_4,
    0.689_767_334_985_100_004_55,
    0.148_103_976_427_480_074_59,
    0.015_198_666_563_616_457_196_6,
    5.475_938_084_995_344_946e-4,
    1.050_750_071_644_416_843_24e-9,
];
const FAR_TOP: [f64; 8] = [
    6.657_904_643_501_103_777_2,
    5.463_784_911_164_114_369_9,
    1.784_826_539_917_291_335_8,
    0.296_560_571_828_504_891_23,
    0.026_532_189_526_576_123_093,
    0.001_242_660_947_388_078_438_6,
    2.711_555_568_743_487_578_15e-5,
    2.010_334_399_292_288_132_65e-7,
];
const FAR_BOTTOM: [f64; 8] = [
    1.0,
    0.599_832_206_555_887_937_69,
    0.136_929_880_922_735_805_31,
    0.014_875_361_290_850_615_025,
    7.868_691_311_456_132_591e-4,
    1.846_318_317_510_054_681_8e-5,
    1.421_511_758_316_445_888_7e-7,
    2.044_263_103_389_939_785_64e-15,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_many_are_those_of_each() {
        const N: usize = 64;
        for round in 0..200_u32 {
            let p: [f64; N] = core::array::from_fn(|i| match (round, i) {
                (0, 0) => f64::MIN_POSITIVE,
                (0, 1) => 1.0 - f64::EPSILON / 2.0,
                (0, 2) => 0.075,
                (0, 3) => 0.925,
                // All in the tails, then all in the centre, then both.
                (1, i) => 1e-9 * (i + 1) as f64,
                (2, i) => 0.2 + 0.005 * i as f64,
                _ => (f64::from(round) * 0.618_034 + i as f64 * 0.414_214 + 1e-4).fract().max(1e-12),
            });
            let mut z = p;
            normal_quantiles(&mut z);
            for (p, z) in p.iter().zip(z) {
                assert_eq!(z.to_bits(), normal_quantile(*p).to_bits(), "at {p}");
            }
        }
    }
}
