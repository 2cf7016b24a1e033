//! The tests of a number of each law: skewness, kurtosis, L-moments, fits of tails. Each is judged by its influence values.

use verismo_stats::classic::{self, Contrast, LikelihoodRatio, ParetoFit, Rivals, Tail, TailContrast, TestError};
use verismo_stats::histogram::Histogram;
use verismo_stats::judging::{CustomLaw, Effect, JudgingError, LawFunctional, LawStatistic, Outcome, ValueLaw};
use verismo_suite::catalogue::{self, Reads, TestId};

use super::battery::{Samples, Statistic, TwoSampleTest, tails};
use super::{Display, Laws};
use crate::draft::short;
use crate::observe::Task;

/// The tests a name stands for; none for tests that are no number of a law.
pub(super) fn tests(test: TestId, laws: &Laws<'_>) -> Vec<Box<dyn TwoSampleTest>> {
    let of_law = |functional, contrast| -> Vec<Box<dyn TwoSampleTest>> {
        vec![Box::new(OfLaw { id: test, functional, contrast })]
    };
    match test {
        TestId::Skewness => of_law(LawFunctional::Skewness, classic::skewness),
        TestId::Kurtosis => of_law(LawFunctional::LnKurtosis, classic::kurtosis),
        TestId::LScale => of_law(LawFunctional::LnLScale, classic::l_scale),
        TestId::LSkew => of_law(LawFunctional::LSkew, classic::l_skew),
        TestId::LKurtosis => of_law(LawFunctional::LKurtosis, classic::l_kurtosis),
        TestId::Gpd => {
            tails(laws).into_iter().map(|tail| -> Box<dyn TwoSampleTest> { Box::new(Peaks::new(tail, laws)) }).collect()
        }
        TestId::PowerLaw => {
            tails(laws).into_iter().map(|tail| -> Box<dyn TwoSampleTest> { Box::new(Power::new(tail, laws)) }).collect()
        }
        _ => match catalogue::metric(test).map(|metric| metric.reads) {
            Some(Reads::Law(statistic)) => vec![Box::new(Custom { id: test, statistic })],
            _ => Vec::new(),
        },
    }
}

/// A number that a plug-in defines.
struct Custom {
    id: TestId,
    statistic: &'static dyn LawStatistic,
}

impl Custom {
    /// Of one sample, as it is.
    fn of(&self, histogram: &Histogram, display: Display, side: classic::Side) -> Result<f64, TestError> {
        let total = histogram.count().max(1) as f64;
        let value = |key: i64| display.value(histogram.lattice(), key);
        let values: Vec<f64> = histogram.cells().iter().map(|(key, _)| value(*key)).collect();
        let counts: Vec<u64> = histogram.cells().iter().map(|(_, count)| *count).collect();
        let masses: Vec<f64> = counts.iter().map(|count| *count as f64 / total).collect();
        let law = ValueLaw { values: &values, masses: &masses, counts: &counts };
        // Its reason stands in the finding, where the judged number has none.
        self.statistic.read(&law).map(|(number, _)| number).map_err(|_| TestError::NoSpread { side })
    }
}

impl TwoSampleTest for Custom {
    fn id(&self) -> TestId {
        self.id
    }

    fn statistic(&self, samples: Samples<'_>) -> Result<Statistic, TestError> {
        let golden = self.of(samples.golden, samples.display, classic::Side::First)?;
        let candidate = self.of(samples.candidate, samples.display, classic::Side::Second)?;
        let difference = candidate - golden;
        let certified = if samples.golden.lattice().is_exact() {
            (difference, difference)
        } else {
            (f64::NEG_INFINITY, f64::INFINITY)
        };
        Ok(Statistic {
            notes: vec![sides(golden, candidate)],
            uncertified: "how far cells may move a metric of a plug-in is not known",
            ..Statistic::of_effect(difference, certified, None)
        })
    }

    fn judge(&self, _task: &Task<'_>, laws: &Laws<'_>, margin: f64) -> Result<Outcome, JudgingError> {
        let functional = LawFunctional::Custom(CustomLaw(self.statistic));
        laws.comparison.judge(Effect::Functional(functional), margin, &laws.values())
    }
}

/// The field's number of two samples.
type Compare = fn(&Histogram, &Histogram) -> Result<Contrast, TestError>;

/// A number of the whole law.
struct OfLaw {
    id: TestId,
    functional: LawFunctional,
    contrast: Compare,
}

impl TwoSampleTest for OfLaw {
    fn id(&self) -> TestId {
        self.id
    }

    fn statistic(&self, samples: Samples<'_>) -> Result<Statistic, TestError> {
        let found = (self.contrast)(samples.golden, samples.candidate)?;
        let in_unit = |x: f64| if self.id == TestId::LScale { samples.display.scaled(x) } else { x };
        let notes = vec![sides(in_unit(found.first), in_unit(found.second))];
        let effect = (found.effect, found.effect_certified);
        Ok(Statistic { notes, ..Statistic::beside(found.statistic, found.certified, effect, None) })
    }

    fn judge(&self, _task: &Task<'_>, laws: &Laws<'_>, margin: f64) -> Result<Outcome, JudgingError> {
        laws.comparison.judge(Effect::Functional(self.functional), margin, &laws.values())
    }
}

/// Both numbers, for people.
fn sides(golden: f64, candidate: f64) -> String {
    format!("golden {}, candidate {}", short(golden), short(candidate))
}

fn parameter(tail: Tail) -> Option<String> {
    Some(format!("tail={tail}"))
}

/// The ends of a key's cell in units of display: the one near zero and the far one, for a tail.
fn ends(laws: &Laws<'_>, key: i64, tail: Tail) -> (f64, f64) {
    if laws.display.keys_per_unit.is_some() {
        // Ticks are points.
        return (laws.value(key), laws.value(key));
    }
    let (lower, upper) = laws.golden.lattice().bounds(key);
    if tail == Tail::Upper { (lower, upper) } else { (upper, lower) }
}

/// Why fits on a lattice with cells have no certified interval.
const NO_BOUND: &str = "how far cells may move a fitted shape has no bound";

/// Shapes of generalised Pareto laws beyond the golden's threshold.
struct Peaks {
    tail: Tail,
    /// The key, and the value from which excesses are taken.
    threshold: Option<(i64, f64)>,
}

impl Peaks {
    fn new(tail: Tail, laws: &Laws<'_>) -> Self {
        let key = classic::pareto_threshold(&laws.golden, tail);
        Self { tail, threshold: key.map(|key| (key, ends(laws, key, tail).1)) }
    }
}

impl TwoSampleTest for Peaks {
    fn id(&self) -> TestId {
        TestId::Gpd
    }

    fn parameter(&self) -> Option<String> {
        parameter(self.tail)
    }

    fn statistic(&self, samples: Samples<'_>) -> Result<Statistic, TestError> {
        let missing = TestError::TooFewObservations { side: classic::Side::First, n: 0, n_min: 1 };
        let (key, from) = self.threshold.ok_or(missing)?;
        let fits = classic::pareto(samples.golden, samples.candidate, self.tail, key)?;
        let certified = if samples.golden.lattice().is_exact() {
            (fits.statistic, fits.statistic)
        } else {
            (f64::NEG_INFINITY, f64::INFINITY)
        };
        let counts = format!("{} and {} values beyond the golden's threshold", fits.first.k, fits.second.k);
        Ok(Statistic {
            notes: vec![sides(fits.first.shape, fits.second.shape), counts, self.extremes(&fits, from, samples)],
            uncertified: NO_BOUND,
            ..Statistic::of_effect(fits.statistic, certified, None)
        })
    }

    fn judge(&self, _task: &Task<'_>, laws: &Laws<'_>, margin: f64) -> Result<Outcome, JudgingError> {
        let (threshold, from) = self.threshold.unwrap_or((i64::MAX, f64::INFINITY));
        let functional = LawFunctional::ParetoShape { tail: self.tail, threshold, from };
        laws.comparison.judge(Effect::Functional(functional), margin, &laws.values())
    }
}

/// The share of values beyond the quantile that the fits are asked for.
const EXTREME_SHARE: f64 = 0.001;

impl Peaks {
    /// The extreme quantile of both sides by their fits, beyond the threshold `from`.
    fn extremes(&self, fits: &TailContrast<ParetoFit>, from: f64, samples: Samples<'_>) -> String {
        let of = |fit: &ParetoFit, side: &Histogram| {
            let excess = fit.excess_of(side.count(), EXTREME_SHARE).map(|excess| samples.display.scaled(excess));
            let value = excess.map(|excess| if self.tail == Tail::Upper { from + excess } else { from - excess });
            // A side with fewer values than that beyond the threshold has its quantile before it, where no fit is.
            value.map_or_else(|| "before the threshold".to_owned(), short)
        };
        let name = if self.tail == Tail::Upper { "P99.9" } else { "P0.1" };
        let (golden, candidate) = (of(&fits.first, samples.golden), of(&fits.second, samples.candidate));
        format!("{name} by the fits: golden {golden}, candidate {candidate}")
    }
}

/// Exponents of power laws from the golden's start on.
struct Power {
    tail: Tail,
    /// The key, and the smallest value; or why the golden has none.
    start: Result<(i64, f64), TestError>,
}

impl Power {
    fn new(tail: Tail, laws: &Laws<'_>) -> Self {
        let key = classic::power_law_start(&laws.golden, tail);
        Self { tail, start: key.map(|key| (key, ends(laws, key, tail).0)) }
    }
}

impl TwoSampleTest for Power {
    fn id(&self) -> TestId {
        TestId::PowerLaw
    }

    fn parameter(&self) -> Option<String> {
        parameter(self.tail)
    }

    fn statistic(&self, samples: Samples<'_>) -> Result<Statistic, TestError> {
        let key = match &self.start {
            Ok((key, _)) => *key,
            // The golden lacks it; whether the candidate does too is asked of it alone.
            Err(_) => classic::power_law_start(samples.golden, self.tail)?,
        };
        let fits = classic::power_law(samples.golden, samples.candidate, self.tail, key)?;
        let (first, second) = (fits.first, fits.second);
        let certified = (second.certified.0 - first.certified.1, second.certified.1 - first.certified.0);
        let mut notes = vec![
            sides(first.alpha, second.alpha),
            format!("{} and {} values from {} on", first.k, second.k, short(samples.display.scaled(first.x_min))),
        ];
        for (name, side) in [("golden", samples.golden), ("candidate", samples.candidate)] {
            notes.extend(classic::power_law_rivals(side, self.tail, key).ok().map(|rivals| against(name, &rivals)));
        }
        Ok(Statistic { notes, ..Statistic::of_effect(fits.statistic, certified, None) })
    }

    fn judge(&self, _task: &Task<'_>, laws: &Laws<'_>, margin: f64) -> Result<Outcome, JudgingError> {
        let (start, from) = self.start.clone().unwrap_or((i64::MAX, f64::INFINITY));
        let functional = LawFunctional::PowerLaw { tail: self.tail, start, from };
        laws.comparison.judge(Effect::Functional(functional), margin, &laws.values())
    }
}

/// The likelihood ratios of one side, in words. Their p-values take values as independent.
fn against(side: &str, rivals: &Rivals) -> String {
    let one = |ratio: &LikelihoodRatio| format!("z = {}, p = {}", short(ratio.z), short(ratio.p_value));
    let log_normal = match &rivals.log_normal {
        Some(ratio) => one(ratio),
        None => "which is no better than its limit, the power law".to_owned(),
    };
    format!(
        "{side}: power law (positive z) against an exponential law {}, against a log-normal law {log_normal}",
        one(&rivals.exponential)
    )
}
