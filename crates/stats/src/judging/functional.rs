//! Numbers of one law, compared between two: each is judged by its influence values.
//!
//! To first order an estimate `T(F^)` moves away from `T(F)` by the mean of the influence function over the sample (von Mises 1947,
//! Hampel 1974): what one more observation at x does to T. The sums of the influence values in each window are then a series like
//! that of any mean, whose noise the cosines tell. Each side's influence is taken at its own law, so nothing is assumed about the
//! two being equal.

use super::arrange::Arrangement;
use super::comparison::{Comparison, Source, noise_models};
use super::effect::{exact_zero, suffix_sums};
use super::noise::{DEGREES_CAP, Matrix, NoiseModel, t_value};
use super::scalar::{ScalarNoise, judge_beyond, sum_of_squares};
use super::table::{paired_residuals, residuals};
use super::{JudgingError, Options, Outcome, Side};
use crate::classic::{ParetoEquations, TAIL_MIN, Tail};

/// A number of one law. The effect is the candidate's minus the golden's.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum LawFunctional {
    /// Skewness, `m3 / m2^1.5`: [`crate::classic::skewness`].
    Skewness,
    /// `ln (m4 / m2^2)`, whose difference is the log ratio of kurtoses: [`crate::classic::kurtosis`]'s effect.
    LnKurtosis,
    /// `ln` of the second L-moment, whose difference is a log ratio: [`crate::classic::l_scale`].
    LnLScale,
    /// Third over second L-moment: [`crate::classic::l_skew`].
    LSkew,
    /// Fourth over second L-moment: [`crate::classic::l_kurtosis`].
    LKurtosis,
    /// Shape of the generalised Pareto law of what lies beyond one threshold for both sides: [`crate::classic::pareto`].
    ParetoShape {
        /// Which tail.
        tail: Tail,
        /// The key beyond which it begins.
        threshold: i64,
        /// The value from which excesses are taken, as `value_of` would have it.
        from: f64,
    },
    /// Exponent of the power law from one start on for both sides: [`crate::classic::power_law`].
    PowerLaw {
        /// Which tail.
        tail: Tail,
        /// The first key in it.
        start: i64,
        /// The smallest value, as `value_of` would have it.
        from: f64,
    },
    /// A user's.
    Custom(CustomLaw),
}

/// A number of one law that a user defines.
pub trait LawStatistic: Sync {
    /// Its name.
    fn id(&self) -> &'static str;

    /// The number, and the influence of each value on it: what one more observation there does to it, per unit of mass, with mean 0 over
    /// the law.
    ///
    /// # Errors
    /// Why the law has no such number, in words.
    fn read(&self, law: &ValueLaw<'_>) -> Result<(f64, Vec<f64>), &'static str>;

    /// Windows, as many as equal ones would be, that must carry the noise: 2 or more where extremes move the number much.
    fn carrying_min(&self) -> f64 {
        0.0
    }
}

/// The law of one side, at the values that either side has.
#[derive(Debug, Clone, Copy)]
pub struct ValueLaw<'a> {
    /// Ascending, in the observable's unit.
    pub values: &'a [f64],
    /// The share of each value; they sum to 1.
    pub masses: &'a [f64],
    /// How often each value was seen.
    pub counts: &'a [u64],
}

/// A [`LawStatistic`] by reference; two are equal if their names are.
#[derive(Clone, Copy)]
pub struct CustomLaw(pub &'static dyn LawStatistic);

impl core::fmt::Debug for CustomLaw {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "CustomLaw({})", self.0.id())
    }
}

impl PartialEq for CustomLaw {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

/// A side's law: values, masses and cumulated masses per column.
pub(crate) struct SideLaw<'a> {
    side: Side,
    keys: &'a [i64],
    counts: &'a [u64],
    values: &'a [f64],
    /// At every edge but the last.
    law: &'a [f64],
    masses: Vec<f64>,
}

/// A number of a law, and the influence of each column on it.
type Influence = Result<(f64, Vec<f64>), JudgingError>;

impl LawFunctional {
    /// Windows, as many as equal ones would be, that must carry the noise ([`carrying_windows`]). Skewness has noise of finite size
    /// only where the law has six moments, kurtosis eight and L-moments two. With fewer it grows with the data, an estimate falls
    /// short of its truth as long as no extreme was seen, and few windows carry what scatter there is. Tails are fitted whatever
    /// their weight.
    fn carrying_min(self) -> f64 {
        match self {
            Self::Skewness => 5.0,
            Self::LnKurtosis => 8.0,
            Self::LnLScale | Self::LSkew | Self::LKurtosis => 2.0,
            Self::ParetoShape { .. } | Self::PowerLaw { .. } => 0.0,
            Self::Custom(statistic) => statistic.0.carrying_min(),
        }
    }

    /// By how much the first order falls short of a part's variance, given the values of golden and candidate.
    ///
    /// The most likely shape of few values scatters more than its influence says. Of independent ones the variance would be
    /// `(1 + shape)^2 / k`: what was found tells how many independent values the tail is worth, and thirty of them double it.
    /// The start of a power law is chosen on the golden for its exponent to fit, which its influence does not know: twice the
    /// variance holds the rate that was measured (`calibration_functionals`).
    fn shortfall(self, source: Source, variance: f64, (golden, candidate): (f64, f64)) -> f64 {
        match (self, source) {
            (Self::ParetoShape { .. }, _) => {
                let scale = |shape: f64| (1.0 + shape) * (1.0 + shape);
                let single = match source {
                    Source::Golden => scale(golden),
                    Source::Candidate => scale(candidate),
                    Source::Pairs => scale(golden) + scale(candidate),
                };
                1.0 + 30.0 * variance / single
            }
            (Self::PowerLaw { .. }, Source::Golden) => 2.0,
            (Self::PowerLaw { .. }, Source::Pairs) => 1.5,
            _ => 1.0,
        }
    }

    fn at(self, law: &SideLaw<'_>) -> Influence {
        let (value, scores) = match self {
            Self::Skewness => law.standardised()?.skewness(),
            Self::LnKurtosis => law.standardised()?.ln_kurtosis(),
            Self::LnLScale | Self::LSkew | Self::LKurtosis => law.l_moment(self)?,
            Self::ParetoShape { tail, threshold, from } => law.pareto(tail, threshold, from)?,
            Self::PowerLaw { tail, start, from } => law.power_law(tail, start, from)?,
            Self::Custom(statistic) => law.custom(statistic)?,
        };
        let is_finite = value.is_finite() && scores.iter().all(|score| score.is_finite());
        if is_finite { Ok((value, scores)) } else { Err(law.undefined("the statistic exceeds the range of f64")) }
    }
}

impl Comparison {
    /// The difference of a number of both laws, with a two-sided t interval.
    pub(crate) fn judge_functional(
        &self,
        functional: LawFunctional,
        margin: f64,
        value_of: &dyn Fn(i64) -> f64,
    ) -> Result<Outcome, JudgingError> {
        if self.identical {
            return Ok(Outcome::Judged(Box::new(exact_zero(margin, true))));
        }
        // Refuses values that are not finite.
        self.gaps(value_of)?;
        let values: Vec<f64> = self.keys.iter().map(|key| value_of(*key)).collect();
        let (golden, golden_scores) = functional.at(&self.law_of(Side::Golden, &values))?;
        let (candidate, candidate_scores) = functional.at(&self.law_of(Side::Candidate, &values))?;
        let estimate = candidate - golden;
        let Some(noise) = &self.noise else { return Ok(self.without_noise(estimate, margin, true)) };
        let influence = [(&self.golden, &golden_scores), (&self.candidate, &candidate_scores)]
            .map(|(table, scores)| table.weighted(scores, 0..table.windows()));
        let series = residual_series(&self.arrangement, &influence);
        let least = functional.carrying_min();
        if let Some((source, _)) = series.iter().find(|(_, series)| carrying_windows(series) < least) {
            let side = if *source == Source::Golden { Side::Golden } else { Side::Candidate };
            return Err(JudgingError::Undefined { side, reason: FEW_CARRY });
        }
        // The series of a rare event hides memory that the law's middle shows, and that of extremes shows memory which the middle
        // hides: the wider noise counts.
        let alpha = self.options.alpha;
        let width = |(variance, degrees): (f64, usize)| t_value(alpha, degrees.min(DEGREES_CAP)) * libm::sqrt(variance);
        let own = own_noise(&self.arrangement, &series, &self.options);
        let wider = own.into_iter().zip(&series).map(|(own, (source, series))| {
            let part = noise.parts.iter().find(|part| part.source == *source);
            let law = part.map(|part| (sum_of_squares(&part.model.project(series)), part.model.degrees));
            let (variance, degrees) = law.filter(|law| width(*law) > width(own)).unwrap_or(own);
            (variance * functional.shortfall(*source, variance, (golden, candidate)), degrees)
        });
        let scalar = ScalarNoise { estimate, parts: wider.collect(), windows: self.windows().1 };
        Ok(Outcome::Judged(Box::new(judge_beyond(&scalar, alpha, margin, noise.beyond))))
    }

    fn law_of<'a>(&'a self, side: Side, values: &'a [f64]) -> SideLaw<'a> {
        let law = if side == Side::Golden { &self.golden_law } else { &self.candidate_law };
        let mut below = 0.0;
        let closed = law.iter().copied().chain([1.0]);
        let masses = closed.map(|f| (f - core::mem::replace(&mut below, f)).max(0.0)).collect();
        SideLaw { side, keys: &self.keys, counts: &self.counts[side as usize], values, law, masses }
    }
}

/// What is said of a statistic that too few windows carry.
pub(crate) const FEW_CARRY: &str = "a few windows carry the statistic (too heavy a tail for it, or too few windows), so that their scatter \
                         does not tell its noise";

/// `(sum r^2)^2 / sum r^4`: the number of windows, if all residuals are equally large; a third of it, if they are normal; about 1,
/// if one outweighs the others.
pub(crate) fn carrying_windows(series: &Matrix) -> f64 {
    let most = series.data.iter().fold(0.0_f64, |most, r| most.max(r.abs()));
    if most <= 0.0 {
        return f64::INFINITY;
    }
    let (mut squares, mut fourths) = (0.0, 0.0);
    for r in &series.data {
        let square = (r / most) * (r / most);
        squares += square;
        fourths += square * square;
    }
    squares * squares / fourths
}

/// The residuals of both sides, or of their pairs; golden first.
pub(crate) fn residual_series(arrangement: &Arrangement, influence: &[Matrix; 2]) -> Vec<(Source, Matrix)> {
    let golden = residuals(&influence[0], &arrangement.golden);
    let candidate = residuals(&influence[1], &arrangement.candidate);
    if arrangement.paired {
        vec![(Source::Pairs, paired_residuals(&golden, &candidate))]
    } else {
        vec![(Source::Golden, golden), (Source::Candidate, candidate)]
    }
}

/// Variance and degrees of freedom of each series of residuals of influence values, from this one series alone.
pub(crate) fn own_noise(
    arrangement: &Arrangement,
    series: &[(Source, Matrix)],
    options: &Options,
) -> Vec<(f64, usize)> {
    // What lies beyond strata is told by the whole law.
    let options = Options { memory_guard: options.memory_guard && !arrangement.stratified, ..options.clone() };
    let models = own_models(arrangement, series, &options);
    series.iter().zip(models).map(|((_, s), model)| (sum_of_squares(&model.project(s)), model.degrees)).collect()
}

/// The noise of each series of residuals, from this one series alone.
pub(crate) fn own_models(arrangement: &Arrangement, series: &[(Source, Matrix)], options: &Options) -> Vec<NoiseModel> {
    noise_models(arrangement, series, options)
}

/// A law about its mean, in its standard deviations.
struct Standardised {
    z: Vec<f64>,
    /// Third and fourth moment of z.
    skewness: f64,
    kurtosis: f64,
}

impl Standardised {
    fn skewness(&self) -> (f64, Vec<f64>) {
        let g = self.skewness;
        (g, self.z.iter().map(|z| z * (z * z - 3.0) - g - 1.5 * g * (z * z - 1.0)).collect())
    }

    fn ln_kurtosis(&self) -> (f64, Vec<f64>) {
        let (g, k) = (self.skewness, self.kurtosis);
        let score = |z: &f64| (z * z * z * z - k - 4.0 * g * z) / k - 2.0 * (z * z - 1.0);
        (libm::log(k), self.z.iter().map(score).collect())
    }
}

impl SideLaw<'_> {
    fn undefined(&self, reason: &'static str) -> JudgingError {
        JudgingError::Undefined { side: self.side, reason }
    }

    fn custom(&self, statistic: CustomLaw) -> Influence {
        let law = ValueLaw { values: self.values, masses: &self.masses, counts: self.counts };
        let (value, scores) = statistic.0.read(&law).map_err(|reason| self.undefined(reason))?;
        if scores.len() != self.values.len() {
            return Err(self.undefined("the statistic gives no influence for each value"));
        }
        Ok((value, scores))
    }

    fn standardised(&self) -> Result<Standardised, JudgingError> {
        let none = || self.undefined("its values have no spread");
        // About a value of its own and over its reach: neither an offset nor a unit costs digits or range.
        let own = |x: &usize| self.masses[*x] > 0.0;
        let ends = (0..self.values.len()).find(own).zip((0..self.values.len()).rev().find(own));
        let (low, high) = ends.map(|(a, b)| (self.values[a], self.values[b])).ok_or_else(none)?;
        let (origin, reach) = (0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low);
        let weighted = |of: &dyn Fn(f64) -> f64| -> f64 {
            self.values.iter().zip(&self.masses).filter(|(_, p)| **p > 0.0).map(|(v, p)| p * of(*v)).sum()
        };
        let mean = weighted(&|v| (v - origin) / reach);
        let variance = weighted(&|v| {
            let d = (v - origin) / reach - mean;
            d * d
        });
        if !(reach > 0.0 && variance > 0.0) {
            return Err(none());
        }
        let deviation = libm::sqrt(variance);
        let z: Vec<f64> = self.values.iter().map(|v| ((v - origin) / reach - mean) / deviation).collect();
        let moment = |of: &dyn Fn(f64) -> f64| -> f64 {
            z.iter().zip(&self.masses).filter(|(_, p)| **p > 0.0).map(|(z, p)| p * of(*z)).sum()
        };
        let (skewness, kurtosis) = (moment(&|z| z * z * z), moment(&|z| z * z * z * z));
        // Values of the other side alone have no weight here, and may be far out.
        let z = z.into_iter().zip(&self.masses).map(|(z, p)| if *p > 0.0 { z } else { 0.0 }).collect();
        Ok(Standardised { z, skewness, kurtosis })
    }

    /// L-moments are integrals of polynomials of the law: `F (1 - F)` times 1, `2F - 1` or `1 - 5 F (1 - F)`. A point at x lifts the
    /// law from x on, so its influence is the integral of the polynomial's derivative from x on.
    fn l_moment(&self, functional: LawFunctional) -> Influence {
        // The law is 0 below its own values and 1 above them, wherever the other side's lie.
        let gaps: Vec<f64> = self.values.windows(2).map(|pair| (pair[1] - pair[0]).max(0.0)).collect();
        let inside = |f: f64| f > 0.0 && f < 1.0 - f64::EPSILON;
        let sum = |polynomial: &dyn Fn(f64) -> f64| -> f64 {
            let terms = self.law.iter().zip(&gaps).filter(|(f, _)| inside(**f));
            terms.map(|(f, gap)| polynomial(*f) * gap).sum()
        };
        let scores = |slope: &dyn Fn(f64) -> f64| {
            let terms = self.law.iter().zip(&gaps).map(|(f, gap)| if inside(*f) { slope(*f) * gap } else { 0.0 });
            suffix_sums(terms, self.values.len())
        };
        let scale = sum(&|f| f * (1.0 - f));
        if scale <= 0.0 || scale.is_nan() {
            return Err(self.undefined("its values have no spread"));
        }
        let mut scale_scores = scores(&|f| 1.0 - 2.0 * f);
        let (ratio, own) = match functional {
            LawFunctional::LSkew => {
                (sum(&|f| f * (1.0 - f) * (2.0 * f - 1.0)) / scale, scores(&|f| 6.0 * f * (1.0 - f) - 1.0))
            }
            LawFunctional::LKurtosis => (
                sum(&|f| f * (1.0 - f) * (1.0 - 5.0 * f * (1.0 - f))) / scale,
                scores(&|f| (1.0 - 2.0 * f) * (1.0 - 10.0 * f * (1.0 - f))),
            ),
            _ => {
                self.centre(&mut scale_scores);
                return Ok((libm::log(scale), scale_scores.into_iter().map(|s| s / scale).collect()));
            }
        };
        let mut moved: Vec<f64> = own.iter().zip(&scale_scores).map(|(own, s)| (own - ratio * s) / scale).collect();
        self.centre(&mut moved);
        Ok((ratio, moved))
    }

    /// Takes the mean over the law off.
    fn centre(&self, scores: &mut [f64]) {
        let mean: f64 = scores.iter().zip(&self.masses).map(|(score, p)| score * p).sum();
        scores.iter_mut().for_each(|score| *score -= mean);
    }

    /// The columns of a tail, checked to hold enough values, with their sizes beyond `from`.
    fn tail(&self, tail: Tail, is_in: impl Fn(i64) -> bool) -> Result<Vec<usize>, JudgingError> {
        let columns: Vec<usize> =
            (0..self.keys.len()).filter(|x| self.counts[*x] > 0 && is_in(self.keys[*x])).collect();
        if columns.iter().map(|x| self.counts[*x]).sum::<u64>() >= TAIL_MIN {
            return Ok(columns);
        }
        Err(self.undefined(match tail {
            Tail::Upper => "its upper tail holds fewer than 50 values",
            Tail::Lower => "its lower tail holds fewer than 50 values",
        }))
    }

    fn pareto(&self, tail: Tail, threshold: i64, from: f64) -> Influence {
        let upper = tail == Tail::Upper;
        let columns = self.tail(tail, |key| if upper { key > threshold } else { key < threshold })?;
        let excess = |x: usize| if upper { self.values[x] - from } else { from - self.values[x] };
        let share: f64 = columns.iter().map(|x| self.masses[*x]).sum();
        // Every column has counts, so a mass above zero: the points keep its place.
        let points = columns.iter().map(|x| (excess(*x), self.masses[*x].max(f64::MIN_POSITIVE)));
        let none = || self.undefined("no generalised Pareto law is the most likely one for its tail");
        let equations = ParetoEquations::of(points).ok_or_else(none)?;
        let theta = equations.maximum().ok_or_else(none)?;
        let mut scores = vec![0.0; self.keys.len()];
        for (x, influence) in columns.iter().zip(equations.influence(theta)) {
            scores[*x] = influence / share;
        }
        Ok((theta * equations.at(theta).b, scores))
    }

    fn power_law(&self, tail: Tail, start: i64, from: f64) -> Influence {
        let upper = tail == Tail::Upper;
        let columns = self.tail(tail, |key| if upper { key >= start } else { key <= start })?;
        // Sizes of the lower tail are those of negative values: the quotient has no sign.
        let log = |x: usize| libm::log((self.values[x] / from).max(1.0));
        let share: f64 = columns.iter().map(|x| self.masses[*x]).sum();
        let sum: f64 = columns.iter().map(|x| self.masses[*x] * log(*x)).sum();
        let exponent = share / sum;
        if !(sum > 0.0 && exponent.is_finite()) {
            return Err(self.undefined("its tail lies on its start: no power law is the most likely one"));
        }
        let mut scores = vec![0.0; self.keys.len()];
        for x in columns {
            scores[x] = exponent * (1.0 - exponent * log(x)) / share;
        }
        Ok((1.0 + exponent, scores))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A law of its own with 40 uneven values; counts large enough for tails.
    fn at(functional: LawFunctional, masses: &[f64], values: &[f64]) -> (f64, Vec<f64>) {
        let keys: Vec<i64> = (0..values.len() as i64).collect();
        let counts = vec![100; values.len()];
        let total: f64 = masses.iter().sum();
        let masses: Vec<f64> = masses.iter().map(|p| p / total).collect();
        let mut sum = 0.0;
        let mut law: Vec<f64> = masses
            .iter()
            .map(|p| {
                sum += p;
                sum
            })
            .collect();
        law.pop();
        let law = SideLaw { side: Side::Golden, keys: &keys, counts: &counts, values, law: &law, masses };
        functional.at(&law).unwrap()
    }

    /// The influence of each value is what a little more of it does: for every functional, at a law that follows no model.
    #[test]
    fn influences_are_derivatives() {
        let place = |i: i32| f64::from(i) - 19.3;
        let values: Vec<f64> = (0..40).map(|i| place(i) + 0.004 * place(i) * place(i) * place(i)).collect();
        let masses: Vec<f64> =
            (0..40).map(|i| libm::exp(-0.2 * place(i).abs()) * (1.0 + 0.2 * f64::from(i % 3))).collect();
        let total: f64 = masses.iter().sum();
        let functionals = [
            LawFunctional::Skewness,
            LawFunctional::LnKurtosis,
            LawFunctional::LnLScale,
            LawFunctional::LSkew,
            LawFunctional::LKurtosis,
            LawFunctional::ParetoShape { tail: Tail::Upper, threshold: 24, from: values[24] },
            LawFunctional::ParetoShape { tail: Tail::Lower, threshold: 15, from: values[15] },
            LawFunctional::PowerLaw { tail: Tail::Upper, start: 23, from: values[23] },
            LawFunctional::PowerLaw { tail: Tail::Lower, start: 14, from: values[14] },
        ];
        for functional in functionals {
            let (_, scores) = at(functional, &masses, &values);
            let mean: f64 = scores.iter().zip(&masses).map(|(s, p)| s * p / total).sum();
            assert!(mean.abs() < 1e-10, "{functional:?}: influences have mean {mean}");
            for x in [0, 3, 12, 25, 39] {
                let moved = |by: f64| {
                    let mut masses: Vec<f64> = masses.iter().map(|p| p / total * (1.0 - by)).collect();
                    masses[x] += by;
                    at(functional, &masses, &values).0
                };
                let step = 1e-5;
                let slope = (moved(step) - moved(-step)) / (2.0 * step);
                let error = (slope - scores[x]).abs();
                assert!(error <= 1e-5 * (1.0 + slope.abs()), "{functional:?} at {x}: {slope} against {}", scores[x]);
            }
        }
    }

    #[test]
    fn carrying_windows_count_equal_ones() {
        let matrix = |data: Vec<f64>| Matrix { columns: 1, data };
        assert!((carrying_windows(&matrix(vec![1.0, -1.0, 1.0, -1.0])) - 4.0).abs() < 1e-12);
        assert!((carrying_windows(&matrix(vec![1e200, 1.0, -1.0])) - 1.0).abs() < 1e-12);
        assert!(carrying_windows(&matrix(vec![0.0; 3])).is_infinite());
    }
}
