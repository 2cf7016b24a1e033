//! A test for noise in prices.

use super::volatility::returns;
use super::{Undefined, scaled};
use crate::special::normal_sf;

/// Whether returns over one step tell another variance than those over several.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Hausman {
    /// `(RV_dense - RV_sparse)^2 / V`.
    pub statistic: f64,
    /// P of a larger one without noise: chi-square of one degree of freedom.
    pub p_value: f64,
    /// `RV_dense / RV_sparse`: above 1 for noise, below 1 for prices that lag.
    pub ratio: f64,
}

/// Hausman's test of "no noise": without it the realised variances of returns over one step and over `sparse` steps (one after
/// another from the first price) estimate the same number, the dense one efficiently, so that the variance of their difference is the
/// difference of their variances, `V = 2 (sparse - 1) Q` with the quarticity `Q = sum r_sparse^4 / (3 sparse)` per step. A remainder of
/// fewer than `sparse` steps at the end is left out.
///
/// # Errors
/// [`Undefined`] for fewer than 8 sparse returns, `sparse` below 2, prices that are not finite, or where no sparse return moves.
///
/// # Source
/// Hausman (1978); Ait-Sahalia and Xiu (2019), "A Hausman test for the presence of market microstructure noise in high frequency
/// data", Journal of Econometrics 211, here with realised variances in place of the quasi-likelihood.
pub fn hausman(log_prices: &[f64], sparse: usize) -> Result<Hausman, Undefined> {
    if sparse < 2 {
        return Err(Undefined("a sparse step below 2"));
    }
    let count = log_prices.len().saturating_sub(1) / sparse;
    if count < 8 {
        return Err(Undefined("fewer than 8 sparse returns"));
    }
    let used = &log_prices[..count * sparse + 1];
    let (dense, _) = scaled(&returns(used, 1)?)?;
    let sparse_returns: Vec<f64> = dense.chunks_exact(sparse).map(|chunk| chunk.iter().sum()).collect();
    let (mut rv_sparse, mut fourth) = (0.0, 0.0);
    for r in sparse_returns {
        rv_sparse += r * r;
        fourth += r * r * r * r;
    }
    let rv_dense: f64 = dense.iter().map(|r| r * r).sum();
    let step = sparse as f64;
    let variance = 2.0 * (step - 1.0) * fourth / (3.0 * step);
    if variance <= 0.0 || variance.is_nan() {
        return Err(Undefined("no sparse return moves"));
    }
    let difference = rv_dense - rv_sparse;
    let statistic = difference * difference / variance;
    Ok(Hausman { statistic, p_value: 2.0 * normal_sf(libm::sqrt(statistic)), ratio: rv_dense / rv_sparse })
}
