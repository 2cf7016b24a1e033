//! Realised measures of variance from log prices on a grid.
//!
//! Log prices are at equal steps, `n + 1` of them for `n` returns `r`. Every sum is the variance of the whole stretch.

use core::f64::consts::FRAC_PI_2;

use super::{Undefined, scaled};

/// Returns over one step; all prices are finite, at least `least` returns.
pub(super) fn returns(log_prices: &[f64], least: usize) -> Result<Vec<f64>, Undefined> {
    if log_prices.iter().any(|x| !x.is_finite()) {
        return Err(Undefined("a price is not finite"));
    }
    let returns: Vec<f64> = log_prices.windows(2).map(|pair| pair[1] - pair[0]).collect();
    if returns.len() < least.max(1) { Err(Undefined("too few prices")) } else { Ok(returns) }
}

/// A sum of squares, undone of the scale of its terms.
fn unscaled(sum: f64, size: f64) -> Result<f64, Undefined> {
    let value = sum * size * size;
    if value.is_finite() { Ok(value) } else { Err(Undefined("the variance exceeds the range of f64")) }
}

/// `RV = sum r^2` of returns over `step` grid steps, averaged over the `step` grids on which they may begin: `1/step` times the sum of
/// squares of all (overlapping) returns.
///
/// # Errors
/// [`Undefined`] for fewer than `step + 1` prices, prices that are not finite, a step of 0, or where nothing moves.
///
/// # Source
/// Andersen, Bollerslev, Diebold and Labys (2001); the average over grids is that of Zhang, Mykland and Ait-Sahalia (2005).
pub fn realised_variance(log_prices: &[f64], step: usize) -> Result<f64, Undefined> {
    returns(log_prices, step)?;
    if step == 0 {
        return Err(Undefined("a step of 0"));
    }
    let moves: Vec<f64> = log_prices.iter().zip(log_prices.iter().skip(step)).map(|(a, b)| b - a).collect();
    let (moves, size) = scaled(&moves)?;
    unscaled(moves.iter().map(|r| r * r).sum::<f64>() / step as f64, size)
}

/// The signature plot: [`realised_variance`] at each step. Without noise it is flat; noise that is independent of the price lifts it by
/// `2 n / step` noise variances.
///
/// # Errors
/// As [`realised_variance`].
///
/// # Source
/// Andersen, Bollerslev, Diebold and Labys (2000), "Great realizations".
pub fn signature(log_prices: &[f64], steps: &[usize]) -> Result<Vec<f64>, Undefined> {
    steps.iter().map(|step| realised_variance(log_prices, *step)).collect()
}

/// Two-scales realised variance `RV(slow) - (m / n) RV(1)` with `m = (n - slow + 1) / slow`: what is left without noise. It may be
/// negative. Divided by `1 - m / n` it has no small-sample bias.
///
/// # Errors
/// As [`realised_variance`]; a slow scale below 2.
///
/// # Source
/// Zhang, Mykland and Ait-Sahalia (2005), "A tale of two time scales", JASA 100.
pub fn two_scales_variance(log_prices: &[f64], slow: usize) -> Result<f64, Undefined> {
    if slow < 2 {
        return Err(Undefined("a slow scale below 2"));
    }
    let (all, sparse) = (realised_variance(log_prices, 1)?, realised_variance(log_prices, slow)?);
    let n = (log_prices.len() - 1) as f64;
    let m = (n - slow as f64 + 1.0) / slow as f64;
    Ok(sparse - m / n * all)
}

/// Variance of noise that is independent of the price: `RV(1) / (2 n)`, above it by half the variance of one step.
///
/// # Errors
/// As [`realised_variance`].
///
/// # Source
/// Zhang, Mykland and Ait-Sahalia (2005); Bandi and Russell (2006).
pub fn noise_variance(log_prices: &[f64]) -> Result<f64, Undefined> {
    Ok(realised_variance(log_prices, 1)? / (2.0 * (log_prices.len() - 1) as f64))
}

/// Bipower variation `pi/2 n/(n-1) sum |r_i| |r_{i-1}|`: the part of the variance that is not from jumps.
///
/// # Errors
/// [`Undefined`] for fewer than 3 prices, prices that are not finite, or where nothing moves.
///
/// # Source
/// Barndorff-Nielsen and Shephard (2004); the factor `n/(n-1)` as Huang and Tauchen (2005).
pub fn bipower_variation(log_prices: &[f64]) -> Result<f64, Undefined> {
    let (r, size) = scaled(&returns(log_prices, 2)?)?;
    unscaled(bipower(&r), size)
}

/// Bipower variation of returns.
pub(super) fn bipower(r: &[f64]) -> f64 {
    let n = r.len() as f64;
    let sum: f64 = r.windows(2).map(|pair| pair[0].abs() * pair[1].abs()).sum();
    FRAC_PI_2 * n / (n - 1.0) * sum
}
