//! Signed differences with a two-sided t interval: the mean from histograms, and smooth functions of window sums.

use super::comparison::{Comparison, Source};
use super::effect::{exact_zero, suffix_sums};
use super::noise::{Matrix, t_value, welch_degrees};
use super::resolution::needs;
use super::{Judged, JudgingError, Needs, Outcome, Resolution};
use crate::special::{student_t_quantile, student_t_sf};

/// A signed difference and its noise.
pub(crate) struct ScalarNoise {
    pub(crate) estimate: f64,
    /// Variance and degrees of freedom of each part; golden first, candidate (or pairs) last.
    pub(crate) parts: Vec<(f64, usize)>,
    pub(crate) windows: usize,
}

/// Interval, p-values and resolution of a signed difference.
pub(crate) fn judge_scalar(noise: &ScalarNoise, alpha: f64, margin: f64) -> Judged {
    let variance: f64 = noise.parts.iter().map(|(v, _)| v).sum();
    let error = libm::sqrt(variance);
    let nu = welch_degrees(&noise.parts);
    let t = t_value(alpha, nu);
    let (estimate, size) = (noise.estimate, noise.estimate.abs());
    let half_width = t * error;
    let (lower, upper) = (estimate - half_width, estimate + half_width);
    let tail = |excess: f64| match (error > 0.0, excess > 0.0) {
        (true, _) => student_t_sf(excess / error, nu as f64),
        (false, true) => 0.0,
        (false, false) => 1.0,
    };
    let decided = size + half_width < margin || size - half_width > margin;
    let golden = if noise.parts.len() > 1 { noise.parts[0].0 } else { 0.0 };
    Judged {
        estimate,
        lower,
        upper,
        signed: true,
        margin,
        // Both directions lie beyond the margin: the worst law of the null is at the margin itself.
        p_fail: (tail(size - margin) + tail(size + margin)).min(1.0),
        p_pass: tail(margin - size),
        needs: if decided {
            Needs::Nothing
        } else {
            needs(noise.windows, golden, variance - golden, half_width, (margin - size).abs())
        },
        resolution: Resolution {
            detectable: margin + half_width + error,
            resolvable_margin: (student_t_quantile(0.925, nu as f64) + t) * error,
        },
        half_width,
    }
}

/// The same where memory beyond the strata makes the noise of the whole `beyond` times theirs. The interval stays; the p-value is at least
/// that of "there is no effect" under the wider noise ([`super::effect::beyond_memory`]).
pub(crate) fn judge_beyond(noise: &ScalarNoise, alpha: f64, margin: f64, beyond: f64) -> Judged {
    let judged = judge_scalar(noise, alpha, margin);
    if beyond <= 1.0 {
        return judged;
    }
    let parts = noise.parts.iter().map(|(variance, degrees)| (beyond * beyond * variance, *degrees)).collect();
    let wider = ScalarNoise { parts, ..*noise };
    Judged { p_fail: judged.p_fail.max(judge_scalar(&wider, alpha, 0.0).p_fail), ..judged }
}

impl Comparison {
    /// Mean difference `-sum Delta gap`, with the cosines of the observable's coarse edges.
    pub(crate) fn judge_mean(&self, margin: f64, value_of: &dyn Fn(i64) -> f64) -> Result<Outcome, JudgingError> {
        let gaps = self.gaps(value_of)?;
        let estimate = -self.delta.iter().zip(&gaps).map(|(d, gap)| d * gap).sum::<f64>();
        let Some(noise) = &self.noise else {
            return Ok(if self.identical {
                Outcome::Judged(Box::new(exact_zero(margin, true)))
            } else {
                self.without_noise(estimate, margin, true)
            });
        };
        // The integral of `S_w` weighs each value with the gaps from its edge on.
        let weights = suffix_sums(gaps.iter().copied(), self.keys.len());
        let features = |side, windows| self.side(side).0.weighted(&weights, windows);
        let rows: Vec<Matrix> = noise.parts.iter().map(|part| self.project(part, 1, features)).collect();
        let mut parts: Vec<(Source, f64, usize)> = noise
            .parts
            .iter()
            .zip(&rows)
            .map(|(part, rows)| (part.source, sum_of_squares(rows), part.model.degrees))
            .collect();
        parts.sort_by_key(|(source, ..)| *source != Source::Golden);
        let parts = parts.into_iter().map(|(_, variance, degrees)| (variance, degrees)).collect();
        let scalar = ScalarNoise { estimate, parts, windows: self.windows().1 };
        Ok(Outcome::Judged(Box::new(judge_beyond(&scalar, self.options.alpha, margin, noise.beyond))))
    }
}

pub(crate) fn sum_of_squares(rows: &Matrix) -> f64 {
    rows.data.iter().map(|e| e * e).sum()
}
