//! Statistics in order of time: volatility, its clustering and jumps, self-excitation, serial dependence, regressions, changes.
//!
//! Each comes as a function of numbers in order of time, for reference and for a person, and, where two sides can be compared by it,
//! as a [`crate::judging::PanelStatistic`]. Rows of a panel may have holes: neighbours count only if they are one step apart
//! ([`Spacing`]). What belongs to several rows (a return, a pair) has the weight and the influence of the last of them.

mod autocorrelation;
mod change;
mod garch;
mod garch_fit;
mod hausman;
mod hawkes;
mod hawkes_fit;
mod jumps;
mod means;
mod mutual_hawkes;
mod mutual_hawkes_fit;
mod newton;
mod regression;
mod runs;
mod spacing;
mod up_curve;
mod volatility;
mod volatility_panel;

#[cfg(test)]
mod tests;

pub use autocorrelation::{Autocorrelations, LjungBox, autocorrelations, ljung_box};
pub use change::{ChangePoint, PageHinkley, cusum, page_hinkley};
pub use garch::{GARCH_RETURNS_MIN, Garch, GarchNumber};
pub use garch_fit::{GarchFit, fit_garch};
pub use hausman::{Hausman, hausman};
pub use hawkes::{HAWKES_EVENTS_MIN, Hawkes, HawkesNumber};
pub use hawkes_fit::{HawkesFit, branching_ratio_of_dispersion, fit_hawkes, hawkes_residuals};
pub use jumps::{Jump, JumpTest, bns_test, lee_mykland};
pub use mutual_hawkes::{MutualHawkes, MutualHawkesNumber};
pub use mutual_hawkes_fit::{MUTUAL_HAWKES_EVENTS_MIN, MutualHawkesFit, fit_mutual_hawkes};
pub use regression::{OlsFit, Regression, RegressionNumber, ols_hac};
pub use runs::{RunsTest, SignChanges, wald_wolfowitz};
pub use spacing::{Series, Spacing};
pub use up_curve::UpCurve;
pub use volatility::{bipower_variation, noise_variance, realised_variance, signature, two_scales_variance};
pub use volatility_panel::{JumpShare, RealisedVariance, TwoScales, TwoScalesNumber};

use crate::judging::{JudgingError, Reading, Rows, Side};

/// Why a statistic has no value: what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("undefined: {0}")]
pub struct Undefined(pub &'static str);

/// Windows, as many as equal ones would be, that must carry the noise of a number made of squares and products: where few hold the
/// variance of a side, their scatter tells no interval. Such a number needs four moments; skewness, which needs six, asks for five.
const CARRYING_MIN: f64 = 3.0;

/// Refuses numbers that are not finite.
fn finite(reading: Reading) -> Result<Reading, Undefined> {
    let is_finite = reading.values.iter().chain(&reading.scores).all(|v| v.is_finite());
    if is_finite { Ok(reading) } else { Err(Undefined("the statistic exceeds the range of f64")) }
}

/// What a statistic of one law reads on each side.
fn on_both(
    golden: &Rows,
    candidate: &Rows,
    read: impl Fn(&Rows) -> Result<Reading, Undefined>,
) -> Result<[Reading; 2], JudgingError> {
    let of =
        |rows, side| read(rows).and_then(finite).map_err(|Undefined(reason)| JudgingError::Undefined { side, reason });
    Ok([of(golden, Side::Golden)?, of(candidate, Side::Candidate)?])
}

/// The values over their largest size, and that size: squares neither overflow nor vanish.
fn scaled(values: &[f64]) -> Result<(Vec<f64>, f64), Undefined> {
    let size = values.iter().filter(|v| !v.is_nan()).fold(0.0_f64, |most, v| most.max(v.abs()));
    if size <= 0.0 {
        return Err(Undefined("nothing moves"));
    }
    if !size.is_finite() {
        return Err(Undefined("a value exceeds the range of f64"));
    }
    Ok((values.iter().map(|v| v / size).collect(), size))
}
