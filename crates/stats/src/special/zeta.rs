//! The Hurwitz zeta function.

/// `B_2j / (2j)!` for j = 1..=8.
const BERNOULLI: [f64; 8] = [
    8.333_333_333_333_333e-2,
    -1.388_888_888_888_888_9e-3,
    3.306_878_306_878_307e-5,
    -8.267_195_767_195_767e-7,
    2.087_675_698_786_81e-8,
    -5.284_190_138_687_493e-10,
    1.338_253_653_068_467_9e-11,
    -3.389_680_296_322_582_7e-13,
];

/// `zeta(s, a) = sum over k >= 0 of (a + k)^-s` for `1 < s <= 1000` and `a > 0`; NaN outside.
pub fn hurwitz_zeta(s: f64, a: f64) -> f64 {
    let (logarithm, _) = ln_hurwitz_zeta(s, a);
    libm::exp(logarithm)
}

/// `ln zeta(s, a)` and its derivative with s, `zeta'(s, a) / zeta(s, a)`; NaN outside `1 < s <= 1000`, `a > 0`.
///
/// Euler and Maclaurin's formula with eight terms from `N >= 12 + s/2` on, so that at most 512 powers are summed: the next term is
/// below 1e-17 of the whole. Powers are of `(a + k)/a`, which neither overflow nor vanish.
pub fn ln_hurwitz_zeta(s: f64, a: f64) -> (f64, f64) {
    if !(s > 1.0 && s <= 1000.0 && a > 0.0 && a.is_finite()) {
        return (f64::NAN, f64::NAN);
    }
    let terms = libm::ceil((12.0 + 0.5 * s - a).max(1.0)) as usize;
    let (mut sum, mut slope) = (0.0, 0.0);
    // From the last one, the smallest, on.
    for k in (0..terms).rev() {
        let log = libm::log1p(k as f64 / a);
        let power = libm::exp(-s * log);
        sum += power;
        slope -= log * power;
    }
    let ratio = 1.0 + terms as f64 / a;
    let (log, from) = (libm::log1p(terms as f64 / a), a * ratio);
    let power = libm::exp(-s * log);
    // The integral, half of the first term, and the derivatives there.
    let integral = from * power / (s - 1.0);
    let (mut rest, mut rest_slope) = (integral + 0.5 * power, -integral * (log + 1.0 / (s - 1.0)) - 0.5 * log * power);
    let (mut rising, mut rising_slope) = (s, 1.0 / s);
    for (j, coefficient) in BERNOULLI.iter().enumerate() {
        let order = (2 * j + 1) as f64;
        let term = coefficient * rising * power * libm::pow(from, -order);
        rest += term;
        rest_slope += term * (rising_slope - log);
        // s (s + 1) .. (s + 2j): two factors more for the next.
        rising *= (s + order) * (s + order + 1.0);
        rising_slope += 1.0 / (s + order) + 1.0 / (s + order + 1.0);
    }
    let total = sum + rest;
    (libm::log(total) - s * libm::log(a), (slope + rest_slope) / total - libm::log(a))
}
