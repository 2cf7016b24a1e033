//! Differences that are means of scores to first order: the Mann-Whitney probability and Hill's tail index.
//!
//! Each side's estimate moves by the mean of a score over its own error, so that noise and interval are those of a scalar with
//! the cosines of the observable's coarse edges, as for the mean.

use super::comparison::{Comparison, Source};
use super::effect::exact_zero;
use super::scalar::{ScalarNoise, judge_beyond, sum_of_squares};
use super::{JudgingError, Outcome, Side};
use crate::classic::Tail;

impl Comparison {
    /// `P(X < Y) + P(X = Y)/2 - 1/2` for x of the golden's and y of the candidate's law: the integral of `-Delta` over the mean
    /// of both laws, exactly 0 for equal laws. An error of the candidate moves it by the mean of the golden's mid-law over that
    /// error, an error of the golden by minus the mean of the candidate's.
    pub(crate) fn judge_mann_whitney(&self, margin: f64) -> Outcome {
        let middle = |law: &[f64]| {
            let mut below = 0.0;
            let closed = law.iter().copied().chain([1.0]);
            closed.map(|f| 0.5 * (f + core::mem::replace(&mut below, f))).collect::<Vec<f64>>()
        };
        let mut estimate = 0.0;
        let (mut height, mut delta) = (0.0, 0.0);
        // The trapezoidal rule is exact for mid-laws.
        let laws = self.golden_law.iter().zip(&self.candidate_law).chain([(&1.0, &1.0)]);
        for ((g, c), next) in laws.zip(self.delta.iter().chain([&0.0])) {
            let mean = 0.5 * (g + c);
            estimate -= 0.5 * (delta + next) * (mean - height);
            (height, delta) = (mean, *next);
        }
        self.judge_scores(estimate, &middle(&self.candidate_law), &middle(&self.golden_law), margin)
    }

    /// Difference of Hill's indices, each `k / sum ln(x / u)` over its own values beyond its own threshold `u`, the 95 % quantile
    /// (5 % for the lower tail). Under a power law the threshold's own error cancels to first order (Hsing 1991, "On tail index
    /// estimation using dependent data"), which leaves the score `(1 - index ln(x/u)) / mean of ln(x/u)` beyond `u`.
    pub(crate) fn judge_hill(
        &self,
        tail: Tail,
        margin: f64,
        value_of: &dyn Fn(i64) -> f64,
    ) -> Result<Outcome, JudgingError> {
        self.gaps(value_of)?;
        let (golden, golden_scores) = self.hill_scores(Side::Golden, tail, value_of)?;
        let (candidate, candidate_scores) = self.hill_scores(Side::Candidate, tail, value_of)?;
        Ok(self.judge_scores(candidate - golden, &golden_scores, &candidate_scores, margin))
    }

    fn hill_scores(
        &self,
        side: Side,
        tail: Tail,
        value_of: &dyn Fn(i64) -> f64,
    ) -> Result<(f64, Vec<f64>), JudgingError> {
        let law = if side == Side::Golden { &self.golden_law } else { &self.candidate_law };
        let size = |column: usize| match tail {
            Tail::Upper => value_of(self.keys[column]),
            Tail::Lower => -value_of(self.keys[column]),
        };
        let (p, _) = tail.probabilities();
        let at = law.partition_point(|f| *f < p);
        let threshold = size(at);
        let beyond = if tail == Tail::Upper { at + 1..self.keys.len() } else { 0..at };
        let mass = |x: usize| {
            let (below, here) = (if x == 0 { 0.0 } else { law[x - 1] }, law.get(x).copied().unwrap_or(1.0));
            (here - below).max(0.0)
        };
        let (mut share, mut sum) = (0.0, 0.0);
        if threshold > 0.0 {
            for x in beyond.clone() {
                share += mass(x);
                sum += mass(x) * libm::log(size(x) / threshold);
            }
        }
        if !(share > 0.0 && sum > 0.0 && sum.is_finite()) {
            return Err(JudgingError::NoTail { side, tail });
        }
        let index = share / sum;
        let mut scores = vec![0.0; self.keys.len()];
        for x in beyond {
            scores[x] = (1.0 - index * libm::log(size(x) / threshold)) / sum;
        }
        Ok((index, scores))
    }

    /// A difference `estimate` that an error of the candidate moves by the mean of `candidate` over it, and an error of the
    /// golden by minus the mean of `golden`. Scores are per key.
    fn judge_scores(&self, estimate: f64, golden: &[f64], candidate: &[f64], margin: f64) -> Outcome {
        let Some(noise) = &self.noise else {
            return if self.identical {
                Outcome::Judged(Box::new(exact_zero(margin, true)))
            } else {
                self.without_noise(estimate, margin, true)
            };
        };
        let features = |side, windows| {
            let scores = if side == Side::Golden { golden } else { candidate };
            self.side(side).0.weighted(scores, windows)
        };
        let mut parts: Vec<(Source, f64, usize)> = noise
            .parts
            .iter()
            .map(|part| (part.source, sum_of_squares(&self.project(part, 1, features)), part.model.degrees))
            .collect();
        parts.sort_by_key(|(source, ..)| *source != Source::Golden);
        let parts = parts.into_iter().map(|(_, variance, degrees)| (variance, degrees)).collect();
        let scalar = ScalarNoise { estimate, parts, windows: self.windows().1 };
        Outcome::Judged(Box::new(judge_beyond(&scalar, self.options.alpha, margin, noise.beyond)))
    }
}
