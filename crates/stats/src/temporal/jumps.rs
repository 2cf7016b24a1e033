//! Jumps of a price: how much of the variance they make, and which returns are jumps.

use core::f64::consts::{FRAC_2_PI, PI};

use super::volatility::{bipower, returns};
use super::{Undefined, scaled};
use crate::special::{gamma, normal_sf};

/// Fewest returns of a test for jumps.
const RETURNS_MIN: usize = 8;

/// Whether a stretch has jumps.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct JumpTest {
    /// `1 - BV / RV`: the share of the variance that jumps make.
    pub share: f64,
    /// The share over its standard error, normal without jumps.
    pub z: f64,
    /// P of a larger z without jumps.
    pub p_value: f64,
}

/// Tests log prices at equal steps for jumps: `z = (1 - BV/RV) / sqrt(((pi/2)^2 + pi - 5) / n max(1, TP/BV^2))`, TP the tripower
/// quarticity.
///
/// # Errors
/// [`Undefined`] for fewer than 8 returns, prices that are not finite, or where no two neighbouring returns move.
///
/// # Source
/// Barndorff-Nielsen and Shephard (2006), the ratio statistic as in Huang and Tauchen (2005), equations 4 to 9.
pub fn bns_test(log_prices: &[f64]) -> Result<JumpTest, Undefined> {
    let (r, _) = scaled(&returns(log_prices, RETURNS_MIN)?)?;
    let n = r.len() as f64;
    let realised: f64 = r.iter().map(|r| r * r).sum();
    let bipower = bipower(&r);
    if bipower <= 0.0 {
        return Err(Undefined("no two neighbouring returns move"));
    }
    // E |Z|^(4/3) of a standard normal Z.
    let mu = libm::pow(2.0, 2.0 / 3.0) * gamma(7.0 / 6.0) / libm::sqrt(PI);
    let power = |r: f64| libm::pow(r.abs(), 4.0 / 3.0);
    let products: f64 = r.windows(3).map(|t| power(t[0]) * power(t[1]) * power(t[2])).sum();
    let tripower = n / (mu * mu * mu) * (n / (n - 2.0)) * products;
    let variance = (PI * PI / 4.0 + PI - 5.0) / n * (tripower / (bipower * bipower)).max(1.0);
    let share = 1.0 - bipower / realised;
    let z = share / libm::sqrt(variance);
    Ok(JumpTest { share, z, p_value: normal_sf(z) })
}

/// A return that is a jump.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jump {
    /// Which return: from price `at` to price `at + 1`.
    pub at: usize,
    /// The return.
    pub size: f64,
    /// The return over the local standard deviation of one step.
    pub statistic: f64,
}

/// The returns of log prices at equal steps that are too large for the local volatility, which the bipower variation of the `window - 1`
/// returns before tells. With probability `1 - alpha` a stretch without jumps has none. A return before which nothing moved is not
/// tested.
///
/// # Errors
/// [`Undefined`] for fewer than 20 returns that can be tested, a window below 4, an alpha outside (0, 1), prices that are not finite.
///
/// # Source
/// Lee and Mykland (2008), Review of Financial Studies 21, equations 7, 8 and 12: `(|L| - C) / S` is compared with the quantile of a
/// Gumbel law.
pub fn lee_mykland(log_prices: &[f64], window: usize, alpha: f64) -> Result<Vec<Jump>, Undefined> {
    if window < 4 {
        return Err(Undefined("a window below 4"));
    }
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(Undefined("an alpha outside (0, 1)"));
    }
    let (r, size) = scaled(&returns(log_prices, window)?)?;
    let products: Vec<f64> = r.windows(2).map(|pair| pair[0].abs() * pair[1].abs()).collect();
    let mut tested = Vec::new();
    for at in window - 1..r.len() {
        // Pairs (at - window + 1, at - window + 2) to (at - 2, at - 1).
        let local: f64 = products[at + 1 - window..at - 1].iter().sum::<f64>() / (window - 2) as f64;
        if local > 0.0 {
            tested.push(Jump { at, size: r[at] * size, statistic: r[at] / libm::sqrt(local) });
        }
    }
    if tested.len() < 20 {
        return Err(Undefined("too few returns can be tested for jumps"));
    }
    let n = tested.len() as f64;
    let (root, c) = (libm::sqrt(2.0 * libm::log(n)), libm::sqrt(FRAC_2_PI));
    let centre = root / c - (libm::log(PI) + libm::log(libm::log(n))) / (2.0 * c * root);
    let scale = 1.0 / (c * root);
    let critical = -libm::log(-libm::log1p(-alpha));
    tested.retain(|jump| (jump.statistic.abs() - centre) / scale > critical);
    Ok(tested)
}
