//! Smooth functions of window sums: means, standard deviations, autocorrelations and dispersion of counts.

use super::arrange::{Arm, Tag, arrange};
use super::effect::{check_margin, exact_zero};
use super::functional::{own_models, residual_series};
use super::noise::{Matrix, NoiseModel};
use super::scalar::{ScalarNoise, judge_beyond, sum_of_squares};
use super::{Design, JudgingError, Options, Outcome, Side, WINDOWS_MIN};
use crate::special::ln;

/// Sums of one window. Which sums depends on the [`Functional`]; take values relative to one origin near their mean, the
/// same on both sides, where squares or products are summed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MomentWindow {
    /// As in [`super::Window`].
    pub id: i64,
    /// As in [`super::Window`].
    pub stratum: u32,
    /// As in [`super::Window`].
    pub block: u32,
    /// Observations in the window.
    pub count: u64,
    /// Sums over the observations.
    pub sums: [f64; 3],
}

/// A smooth function of the two laws' moments, compared as candidate minus golden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Functional {
    /// Difference of means. Sums: `x`. Any other statistic can be judged by its influence values in place of `x`, as
    /// [`super::LawFunctional`] does for those of one law.
    Mean,
    /// Difference of `ln sd`, the log ratio of standard deviations. Sums: `x`, `x^2`.
    LnStd,
    /// Difference of an autocorrelation, centred with the mean of all observations. Sums over the pairs `(x, y)` of the lag:
    /// `(x + y)/2`, `(x^2 + y^2)/2`, `x y`.
    Autocorrelation,
    /// Difference of `ln(variance / mean)` of counts in equal intervals, the log ratio of Fano factors. One observation is one
    /// interval; sums: its count and the square of it.
    LnFano,
}

impl Functional {
    /// The value at moments `m` and its gradient; `None` where it is not defined (no variance, no counts).
    fn at(self, m: [f64; 3]) -> Option<(f64, [f64; 3])> {
        let variance = m[1] - m[0] * m[0];
        match self {
            Functional::Mean => Some((m[0], [1.0, 0.0, 0.0])),
            Functional::LnStd => {
                (variance > 0.0).then(|| (0.5 * ln(variance), [-m[0] / variance, 0.5 / variance, 0.0]))
            }
            Functional::Autocorrelation => (variance > 0.0).then(|| {
                let value = (m[2] - m[0] * m[0]) / variance;
                (value, [2.0 * m[0] * (value - 1.0) / variance, -value / variance, 1.0 / variance])
            }),
            Functional::LnFano => (variance > 0.0 && m[0] > 0.0)
                .then(|| (ln(variance / m[0]), [-2.0 * m[0] / variance - 1.0 / m[0], 1.0 / variance, 0.0])),
        }
    }
}

/// Judges the difference of a functional between two sides of window sums, with a two-sided t interval.
///
/// The noise is that of the window sums of the linearised functional, estimated as for histograms but from this one series.
///
/// # Errors
/// As [`super::Comparison::new`]; [`JudgingError::Parameter`] for sums that are not finite or a bad margin;
/// [`JudgingError::NoVariance`] for a functional that is undefined on a side.
pub fn compare_moments(
    golden: &[MomentWindow],
    candidate: &[MomentWindow],
    functional: Functional,
    design: Design,
    margin: f64,
    options: &Options,
) -> Result<Outcome, JudgingError> {
    check_margin(margin)?;
    super::comparison::check_options(options)?;
    let arrangement = arrange(&tags(golden, Side::Golden)?, &tags(candidate, Side::Candidate)?, design)?;
    let (value_g, influence_g) = linearise(golden, &arrangement.golden, functional, Side::Golden)?;
    let (value_c, influence_c) = linearise(candidate, &arrangement.candidate, functional, Side::Candidate)?;
    let same = |(g, c): (&super::arrange::Placed, &super::arrange::Placed)| {
        let bits = |window: &MomentWindow| (window.count, window.sums.map(f64::to_bits));
        bits(&golden[g.source]) == bits(&candidate[c.source])
    };
    if arrangement.paired && arrangement.golden.windows.iter().zip(&arrangement.candidate.windows).all(same) {
        return Ok(Outcome::Judged(Box::new(exact_zero(margin, true))));
    }
    let estimate = value_c - value_g;
    let (windows_g, windows_c) = (arrangement.golden.windows.len(), arrangement.candidate.windows.len());
    let needed = (WINDOWS_MIN.saturating_sub(windows_g), WINDOWS_MIN.saturating_sub(windows_c));
    if needed != (0, 0) {
        return Ok(Outcome::TooFewWindows { estimate, golden_needed: needed.0, candidate_needed: needed.1 });
    }
    let series = residual_series(&arrangement, &[influence_g, influence_c]);
    let models = own_models(&arrangement, &series, options);
    let beyond = models.iter().fold(1.0_f64, |most, model| most.max(model.beyond));
    let part = |((_, s), model): (&(_, Matrix), &NoiseModel)| (sum_of_squares(&model.project(s)), model.degrees);
    let parts = series.iter().zip(&models).map(part).collect();
    let scalar = ScalarNoise { estimate, parts, windows: windows_c };
    Ok(Outcome::Judged(Box::new(judge_beyond(&scalar, options.alpha, margin, beyond))))
}

fn tags(windows: &[MomentWindow], side: Side) -> Result<Vec<Tag>, JudgingError> {
    let mut total = 0_u64;
    windows
        .iter()
        .map(|window| {
            if window.sums.iter().any(|sum| !sum.is_finite()) {
                let value = format!("{:?} in window {}", window.sums, window.id);
                return Err(JudgingError::Parameter { parameter: "sums", value, domain: "finite" });
            }
            total = total
                .checked_add(window.count)
                .filter(|n| *n <= 1 << 53)
                .ok_or(JudgingError::TooManyMessages { side })?;
            Ok(Tag { id: window.id, stratum: window.stratum, block: window.block, count: window.count })
        })
        .collect()
}

/// The functional of a side's standardised moments, and each window's sum of influence values.
fn linearise(
    windows: &[MomentWindow],
    arm: &Arm,
    functional: Functional,
    side: Side,
) -> Result<(f64, Matrix), JudgingError> {
    let mut moments = [0.0; 3];
    for placed in &arm.windows {
        for (moment, sum) in moments.iter_mut().zip(windows[placed.source].sums) {
            *moment += placed.omega * sum;
        }
    }
    let Some((value, gradient)) = functional.at(moments) else {
        return Err(JudgingError::NoVariance { side });
    };
    let mut influence = Matrix::zeros(arm.windows.len(), 1);
    for (w, placed) in arm.windows.iter().enumerate() {
        let sums = windows[placed.source].sums;
        let n = placed.count as f64;
        // Sums about the side's moments: the gradient multiplies differences, not the large raw sums.
        influence.data[w] =
            gradient.iter().zip(sums).zip(moments).map(|((slope, sum), moment)| slope * (sum - moment * n)).sum();
    }
    Ok((value, influence))
}
