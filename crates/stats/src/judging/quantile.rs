//! Difference of quantiles from per-side inverse intervals.

use super::comparison::Comparison;
use super::effect::exact_zero;
use super::noise::t_value;
use super::resolution::needs;
use super::{Judged, JudgingError, Needs, Outcome, Resolution, Side};
use crate::classic::Tail;
use crate::special::{student_t_quantile, student_t_sf};

/// One side's law at every edge, with what an inverse interval needs.
struct InverseSide<'a> {
    law: &'a [f64],
    variance: &'a [f64],
    deviation_max: f64,
    degrees: usize,
}

/// A side's law about one of its quantiles.
struct About<'a> {
    law: &'a [f64],
    p: f64,
    deviation: Vec<f64>,
    /// The key of the quantile.
    middle: usize,
    /// The smallest `|F - p| / s` from an edge to the middle: of the edges up to it, and of those from it on.
    nearest: Vec<f64>,
}

/// Positions (indices of keys) of the quantile and of its interval.
struct Located {
    low: usize,
    middle: usize,
    high: usize,
}

impl<'a> About<'a> {
    fn new(side: &InverseSide<'a>, p: f64) -> Self {
        let law = side.law;
        let middle = law.partition_point(|f| *f < p);
        let deviation: Vec<f64> = side.variance.iter().map(|v| v.sqrt()).collect();
        let ratio = |(f, s): (&f64, &f64)| {
            let gap = (f - p).abs();
            if gap > 0.0 { gap / s } else { 0.0 }
        };
        let mut nearest: Vec<f64> = law.iter().zip(&deviation).map(ratio).collect();
        let (left, right) = nearest.split_at_mut(middle);
        let mut least = f64::INFINITY;
        for ratio in left.iter_mut() {
            least = least.min(*ratio);
            *ratio = least;
        }
        least = f64::INFINITY;
        for ratio in right.iter_mut().rev() {
            least = least.min(*ratio);
            *ratio = least;
        }
        Self { law, p, deviation, middle, nearest }
    }

    /// `{x: |F(x) - p| <= t s(x)}`, widened by one cell to both sides.
    fn locate(&self, t: f64) -> Located {
        let middle = self.middle;
        let inside = |x: &usize| (self.law[*x] - self.p).abs() <= t * self.deviation[*x];
        // Where a ratio says no by more than rounding, the product does.
        let limit = t * (1.0 + 1e-12);
        let (left, right) = self.nearest.split_at(middle);
        let first = left.partition_point(|ratio| *ratio > limit);
        let low = (first..middle).find(inside).unwrap_or(middle);
        let end = middle + right.partition_point(|ratio| *ratio <= limit);
        let high = (middle..end).rfind(inside).unwrap_or(middle);
        Located { low: low.saturating_sub(1), middle, high: (high + 1).min(self.law.len()) }
    }
}

/// Squared distances to both ends of the log length of a tail, from those of its near and far quantile.
fn length_slack([near, far]: &[About<'_>; 2], degrees: usize, logs: &[f64], alpha: f64) -> (f64, f64) {
    let t = t_value(alpha, degrees);
    let range = |about: &About<'_>| {
        let located = about.locate(t);
        let (a, b) = (logs[located.low], logs[located.high]);
        (logs[located.middle] - a.min(b), a.max(b) - logs[located.middle])
    };
    let (near, far) = (range(near), range(far));
    let sum = |a: f64, b: f64| a * a + b * b;
    (sum(far.0, near.1), sum(far.1, near.0))
}

/// ln of the size of a value on the tail's side of zero; minus infinity elsewhere.
fn tail_log(tail: Tail, value: f64) -> f64 {
    let size = if tail == Tail::Upper { value } else { -value };
    if size > 0.0 { libm::log(size) } else { f64::NEG_INFINITY }
}

impl Comparison {
    pub(crate) fn judge_quantile(
        &self,
        p: f64,
        margin: f64,
        value_of: &dyn Fn(i64) -> f64,
    ) -> Result<Outcome, JudgingError> {
        if !(p > 0.0 && p < 1.0) {
            return Err(JudgingError::Parameter { parameter: "p", value: p.to_string(), domain: "(0, 1)" });
        }
        if self.identical {
            self.check_values(value_of)?;
            return Ok(Outcome::Judged(Box::new(exact_zero(margin, true))));
        }
        self.gaps(value_of)?;
        let values: Vec<f64> = self.keys.iter().map(|key| value_of(*key)).collect();
        let at = |law: &[f64]| values[law.partition_point(|f| *f < p)];
        let estimate = at(&self.candidate_law) - at(&self.golden_law);
        if self.noise.is_none() {
            return Ok(self.without_noise(estimate, margin, true));
        }
        let golden = self.inverse_side(Side::Golden);
        let candidate = self.inverse_side(Side::Candidate);
        let (g, c) = (About::new(&golden, p), About::new(&candidate, p));
        let ends = |alpha: f64| {
            let t = t_value(alpha, golden.degrees);
            let of_candidate = if candidate.degrees == golden.degrees { t } else { t_value(alpha, candidate.degrees) };
            ends(&g.locate(t), &c.locate(of_candidate), &values)
        };
        Ok(self.judge_ends(estimate, margin, (&golden, &candidate), &ends))
    }

    /// Log ratio of far to near quantiles of a tail, candidate over golden. Each quantile has its inverse interval; their
    /// distances from the estimate are added in quadrature, as if the four were independent. The two of a side move together,
    /// so this is conservative for their ratio (Zou and Donner 2008, "Construction of confidence limits about effect measures").
    pub(crate) fn judge_tail_ratio(
        &self,
        tail: Tail,
        margin: f64,
        value_of: &dyn Fn(i64) -> f64,
    ) -> Result<Outcome, JudgingError> {
        self.gaps(value_of)?;
        let logs: Vec<f64> = self.keys.iter().map(|key| tail_log(tail, value_of(*key))).collect();
        let (near, far) = tail.probabilities();
        let length = |side: Side, law: &[f64]| {
            let at = |p: f64| logs[law.partition_point(|f| *f < p)];
            let length = at(far) - at(near);
            if length.is_finite() { Ok(length) } else { Err(JudgingError::NoTail { side, tail }) }
        };
        let estimate = length(Side::Candidate, &self.candidate_law)? - length(Side::Golden, &self.golden_law)?;
        if self.noise.is_none() {
            return Ok(if self.identical {
                Outcome::Judged(Box::new(exact_zero(margin, true)))
            } else {
                self.without_noise(estimate, margin, true)
            });
        }
        let golden = self.inverse_side(Side::Golden);
        let candidate = self.inverse_side(Side::Candidate);
        let [g, c] = [&golden, &candidate].map(|side| [near, far].map(|p| About::new(side, p)));
        let ends = |alpha: f64| {
            let (g_below, g_above) = length_slack(&g, golden.degrees, &logs, alpha);
            let (c_below, c_above) = length_slack(&c, candidate.degrees, &logs, alpha);
            let root = |a: f64, b: f64| libm::sqrt(a + b);
            (estimate - root(c_below, g_above), estimate + root(c_above, g_below))
        };
        Ok(self.judge_ends(estimate, margin, (&golden, &candidate), &ends))
    }

    /// A signed difference with an interval for each error rate.
    fn judge_ends(
        &self,
        estimate: f64,
        margin: f64,
        (golden, candidate): (&InverseSide<'_>, &InverseSide<'_>),
        ends: &dyn Fn(f64) -> (f64, f64),
    ) -> Outcome {
        let (lower, upper) = ends(self.options.alpha);
        let size = estimate.abs();
        let half_width = (upper - estimate).max(estimate - lower);
        let is_inside = |alpha| {
            let (lower, upper) = ends(alpha);
            upper < margin && lower > -margin
        };
        let is_outside = |alpha| {
            let (lower, upper) = ends(alpha);
            lower > margin || upper < -margin
        };
        let decided = is_inside(self.options.alpha) || is_outside(self.options.alpha);
        // A margin within the noise leaves both directions open to chance.
        let directions = if margin < half_width { 2.0 } else { 1.0 };
        let spread = |side: &InverseSide<'_>| side.deviation_max * side.deviation_max;
        Outcome::Judged(Box::new(Judged {
            estimate,
            lower,
            upper,
            signed: true,
            margin,
            p_fail: (directions * smallest_alpha(is_outside))
                .max(self.beyond(ends, golden.degrees.min(candidate.degrees)))
                .min(1.0),
            p_pass: smallest_alpha(is_inside),
            needs: if decided {
                Needs::Nothing
            } else {
                let gap = (margin - size).abs();
                needs(self.windows().1, spread(golden), spread(candidate), half_width, gap)
            },
            // One end's half-width stands for c, and half of it for one standard deviation (t is about 1.7 to 2.4).
            resolution: Resolution { detectable: margin + 1.5 * half_width, resolvable_margin: 1.9 * half_width },
            half_width,
        }))
    }

    /// The p-value of "there is no effect" under noise as wide as memory beyond the strata makes it; 0 where there is none.
    fn beyond(&self, ends: &dyn Fn(f64) -> (f64, f64), degrees: usize) -> f64 {
        let beyond = self.noise.as_ref().map_or(1.0, |noise| noise.beyond);
        if beyond <= 1.0 {
            return 0.0;
        }
        let differs = |alpha| {
            let (lower, upper) = ends(alpha);
            lower > 0.0 || upper < 0.0
        };
        let (p, degrees) = (smallest_alpha(differs), degrees as f64);
        if p >= 0.5 { 1.0 } else { 2.0 * student_t_sf(student_t_quantile(1.0 - p, degrees) / beyond, degrees) }
    }

    fn inverse_side(&self, side: Side) -> InverseSide<'_> {
        let part = self.part_of(side);
        let law = if side == Side::Golden { &self.golden_law } else { &self.candidate_law };
        InverseSide {
            law,
            variance: &part.variance,
            deviation_max: part.variance_max.sqrt(),
            degrees: part.model.degrees,
        }
    }
}

fn ends(g: &Located, c: &Located, values: &[f64]) -> (f64, f64) {
    let difference = values[c.middle] - values[g.middle];
    let root = |a: f64, b: f64| libm::sqrt(a * a + b * b);
    let below = root(values[c.middle] - values[c.low], values[g.high] - values[g.middle]);
    let above = root(values[c.high] - values[c.middle], values[g.middle] - values[g.low]);
    (difference - below, difference + above)
}

/// The smallest error rate in (0, 1/2] at which `holds` is true, by 30 bisections; 1 if it is not even at 1/2.
pub(crate) fn smallest_alpha(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 0.499_999);
    if !holds(high) {
        return 1.0;
    }
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}
