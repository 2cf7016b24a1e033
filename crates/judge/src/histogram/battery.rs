//! The tests of two laws, each in one place: its field number, its effect with an interval, and what it is blamed by.
//!
//! A new test is one implementation of [`TwoSampleTest`] and one line of [`tests`], beside its entry in the catalogue.

use std::sync::OnceLock;

use verismo_stats::classic::{self, BINS, PSI_BINS, Tail, TestError};
use verismo_stats::histogram::Histogram;
use verismo_stats::judging::{Effect, JudgingError, Outcome};
use verismo_suite::catalogue::TestId;

use super::{Display, Laws, QUANTILES, functionals, moments};
use crate::observe::Task;

/// Both samples and how their values are shown.
#[derive(Clone, Copy)]
pub(super) struct Samples<'a> {
    pub(super) golden: &'a Histogram,
    pub(super) candidate: &'a Histogram,
    pub(super) display: Display,
    /// Of both, made when first asked for.
    pub(super) moments: &'a OnceLock<[classic::Moments; 2]>,
}

impl Samples<'_> {
    fn moments(&self) -> &[classic::Moments; 2] {
        self.moments.get_or_init(|| classic::Moments::of_both(self.golden, self.candidate))
    }
}

/// The field's number of a test, for reference.
pub(super) struct Statistic {
    /// In units of display where the test measures in the observable's unit.
    pub(super) value: f64,
    /// Where the number of the raw values lies for sure.
    pub(super) certified: (f64, f64),
    /// By how much the effect of the raw values may lie below and above that of the cells.
    pub(super) slack: (f64, f64),
    /// Classical p-value, where the test has one.
    pub(super) p_value: Option<f64>,
    /// Remarks for people.
    pub(super) notes: Vec<String>,
    /// Why nothing is sure of the raw values, where an end of `certified` is not finite.
    pub(super) uncertified: &'static str,
}

/// What is said of most statistics then.
const UNCERTIFIED: &str = "a single cell could hold all the spread";

impl Statistic {
    /// A number that is the effect itself.
    pub(super) fn of_effect(value: f64, certified: (f64, f64), p_value: Option<f64>) -> Self {
        Self::beside(value, certified, (value, certified), p_value)
    }

    /// A number beside the effect.
    pub(super) fn beside(value: f64, certified: (f64, f64), effect: (f64, (f64, f64)), p_value: Option<f64>) -> Self {
        let slack = slack(effect.0, effect.1);
        Self { value, certified, slack, p_value, notes: Vec::new(), uncertified: UNCERTIFIED }
    }
}

fn slack(value: f64, (low, high): (f64, f64)) -> (f64, f64) {
    // An end that is not finite is shown as undefined and widens nothing.
    if low.is_finite() && high.is_finite() { ((value - low).max(0.0), (high - value).max(0.0)) } else { (0.0, 0.0) }
}

/// One test of two laws.
pub(super) trait TwoSampleTest {
    /// Which test it is in suites and reports.
    fn id(&self) -> TestId;

    /// What it is taken at, `p=0.95`; most tests take nothing.
    fn parameter(&self) -> Option<String> {
        None
    }

    /// The field's number for the pooled samples.
    fn statistic(&self, samples: Samples<'_>) -> Result<Statistic, TestError>;

    /// The effect with its interval, for dependent windows.
    fn judge(&self, task: &Task<'_>, laws: &Laws<'_>, margin: f64) -> Result<Outcome, JudgingError>;

    /// The distance of laws behind the effect, for blame and for how far the golden is from itself; `None` for differences
    /// that are no distance.
    fn distance(&self) -> Option<Effect> {
        None
    }

    /// Whether equal windows pass although the effect itself has no number.
    fn passes_identical(&self) -> bool {
        false
    }
}

/// Reads the field's number of the pooled samples.
type Measure = fn(Samples<'_>, Effect) -> Result<Statistic, TestError>;

/// The tests whose effect is one of two laws; of several quantiles the middle one, of two tails the upper one.
fn by_effect(test: TestId) -> Option<(Effect, Measure)> {
    Some(match test {
        TestId::Ks => (Effect::Ks, ks),
        TestId::W1 => (Effect::W1, w1),
        TestId::Mean => (Effect::Mean, mean),
        TestId::Quantile => (Effect::Quantile { p: 0.5 }, quantile),
        TestId::Kuiper => (Effect::Kuiper, kuiper),
        TestId::Cvm => (Effect::SquaredCvm, cvm),
        TestId::Ad => (Effect::SquaredAd, ad),
        TestId::Mwu => (Effect::MannWhitney, mwu),
        TestId::Chi2 => (Effect::CramersV { bins: BINS }, chi2),
        TestId::Psi => (Effect::Psi { bins: PSI_BINS }, psi),
        TestId::Js => (Effect::JensenShannon { bins: BINS }, js),
        TestId::Hill => (Effect::Hill { tail: Tail::Upper }, hill),
        TestId::TailQuantile => (Effect::TailRatio { tail: Tail::Upper }, tail_quantile),
        TestId::Energy => (Effect::Energy, energy),
        TestId::Kl => (Effect::KullbackLeibler { bins: BINS }, kl),
        // From window sums, from lag states, and from the influence of values on a number of each law.
        TestId::Std | TestId::Fano | TestId::Acf => return None,
        TestId::Skewness
        | TestId::Kurtosis
        | TestId::LScale
        | TestId::LSkew
        | TestId::LKurtosis
        | TestId::Gpd
        | TestId::PowerLaw => return None,
        // From rows of several numbers, and what users define.
        _ => return None,
    })
}

/// The effect by which margins are proposed; `None` for tests that are none of two laws.
pub(crate) fn effect_of(test: TestId) -> Option<Effect> {
    by_effect(test).map(|(effect, _)| effect)
}

/// The tests a name stands for, one for each finding; none for tests of lag states.
pub(super) fn tests(test: TestId, laws: &Laws<'_>) -> Vec<Box<dyn TwoSampleTest>> {
    let boxed = |effect, parameter, statistic| -> Box<dyn TwoSampleTest> {
        Box::new(ByEffect { id: test, effect, parameter, statistic })
    };
    match (test, by_effect(test)) {
        (TestId::Std, _) => vec![Box::new(Std)],
        (TestId::Fano, _) => vec![Box::new(Fano)],
        (_, None) => functionals::tests(test, laws),
        (_, Some((Effect::Quantile { .. }, measure))) => {
            QUANTILES.iter().map(|&p| boxed(Effect::Quantile { p }, Some(format!("p={p}")), measure)).collect()
        }
        (_, Some((effect @ (Effect::Hill { .. } | Effect::TailRatio { .. }), measure))) => tails(laws)
            .into_iter()
            .map(|tail| {
                let effect = match effect {
                    Effect::Hill { .. } => Effect::Hill { tail },
                    _ => Effect::TailRatio { tail },
                };
                boxed(effect, Some(format!("tail={tail}")), measure)
            })
            .collect(),
        (_, Some((effect, measure))) => vec![boxed(effect, None, measure)],
    }
}

/// Both tails of the golden that lie beyond zero; the upper one where none does, so that its absence is said.
pub(super) fn tails(laws: &Laws<'_>) -> Vec<Tail> {
    let has = |tail: &Tail| {
        let threshold = laws.golden.quantile_key(tail.probabilities().0).map(|key| laws.value(key));
        threshold.is_some_and(|v| if *tail == Tail::Upper { v > 0.0 } else { v < 0.0 })
    };
    let found: Vec<Tail> = [Tail::Lower, Tail::Upper].into_iter().filter(has).collect();
    if found.is_empty() { vec![Tail::Upper] } else { found }
}

/// A test whose effect the comparison of laws judges.
struct ByEffect {
    id: TestId,
    effect: Effect,
    parameter: Option<String>,
    statistic: Measure,
}

impl TwoSampleTest for ByEffect {
    fn id(&self) -> TestId {
        self.id
    }

    fn parameter(&self) -> Option<String> {
        self.parameter.clone()
    }

    fn statistic(&self, samples: Samples<'_>) -> Result<Statistic, TestError> {
        (self.statistic)(samples, self.effect)
    }

    fn judge(&self, _task: &Task<'_>, laws: &Laws<'_>, margin: f64) -> Result<Outcome, JudgingError> {
        laws.comparison.judge(self.effect, margin, &laws.values())
    }

    fn distance(&self) -> Option<Effect> {
        (!self.id.info().signed).then_some(self.effect)
    }
}

/// Log ratio of standard deviations, from window sums.
struct Std;

impl TwoSampleTest for Std {
    fn id(&self) -> TestId {
        TestId::Std
    }

    fn statistic(&self, samples: Samples<'_>) -> Result<Statistic, TestError> {
        let std = classic::std_from(samples.golden, samples.candidate, samples.moments(), classic::Ddof::Sample)?;
        Ok(Statistic::of_effect(std.statistic, std.certified, None))
    }

    fn judge(&self, task: &Task<'_>, laws: &Laws<'_>, margin: f64) -> Result<Outcome, JudgingError> {
        moments::judge(task, laws, TestId::Std, margin)
    }

    fn passes_identical(&self) -> bool {
        true
    }
}

/// Log ratio of Fano factors, from window sums.
struct Fano;

impl TwoSampleTest for Fano {
    fn id(&self) -> TestId {
        TestId::Fano
    }

    fn statistic(&self, samples: Samples<'_>) -> Result<Statistic, TestError> {
        let ratio = moments::log_fano(samples.candidate).zip(moments::log_fano(samples.golden)).map(|(c, g)| c - g);
        let ratio = ratio.ok_or(TestError::NoSpread { side: classic::Side::First })?;
        Ok(Statistic::of_effect(ratio, (ratio, ratio), None))
    }

    fn judge(&self, task: &Task<'_>, laws: &Laws<'_>, margin: f64) -> Result<Outcome, JudgingError> {
        moments::judge(task, laws, TestId::Fano, margin)
    }

    fn passes_identical(&self) -> bool {
        true
    }
}

fn ks(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let ks = classic::ks(samples.golden, samples.candidate)?;
    Ok(Statistic::of_effect(ks.statistic, ks.certified, Some(ks.p_value)))
}

fn w1(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let w1 = classic::w1(samples.golden, samples.candidate)?;
    Ok(scaled(samples, w1.statistic, w1.certified, None))
}

fn mean(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let mean = classic::mean_from(samples.golden, samples.candidate, samples.moments())?;
    Ok(scaled(samples, mean.statistic, mean.certified, mean.p_value))
}

fn quantile(samples: Samples<'_>, effect: Effect) -> Result<Statistic, TestError> {
    let p = if let Effect::Quantile { p } = effect { p } else { 0.5 };
    let q = classic::quantile(samples.golden, samples.candidate, p)?;
    Ok(scaled(samples, q.statistic, q.certified, None))
}

/// A number in the observable's unit.
fn scaled(samples: Samples<'_>, value: f64, certified: (f64, f64), p_value: Option<f64>) -> Statistic {
    let scaled = |x: f64| samples.display.scaled(x);
    Statistic::of_effect(scaled(value), (scaled(certified.0), scaled(certified.1)), p_value)
}

fn kuiper(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let kuiper = classic::kuiper(samples.golden, samples.candidate)?;
    Ok(Statistic::of_effect(kuiper.statistic, kuiper.certified, Some(kuiper.p_value)))
}

fn cvm(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let cvm = classic::cvm(samples.golden, samples.candidate)?;
    let effect = (cvm.effect, cvm.effect_certified);
    let note = (cvm.method == classic::CvmMethod::Ties).then_some("p-value corrected for ties, the statistic is not");
    let notes = note.map(str::to_owned).into_iter().collect();
    Ok(Statistic { notes, ..Statistic::beside(cvm.statistic, cvm.certified, effect, Some(cvm.p_value)) })
}

fn ad(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let ad = classic::ad(samples.golden, samples.candidate)?;
    let note = match ad.method {
        classic::AdMethod::Capped => Some("the p-value is at least the one given"),
        classic::AdMethod::Floored => Some("the p-value is at most the one given"),
        _ => None,
    };
    let effect = (ad.effect, ad.effect_certified);
    let notes = note.map(str::to_owned).into_iter().collect();
    Ok(Statistic { notes, ..Statistic::beside(ad.statistic, ad.certified, effect, Some(ad.p_value)) })
}

fn mwu(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let mwu = classic::mwu(samples.golden, samples.candidate)?;
    Ok(Statistic::beside(mwu.statistic, mwu.certified, (mwu.effect, mwu.effect_certified), Some(mwu.p_value)))
}

fn chi2(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let chi2 = classic::chi2(samples.golden, samples.candidate)?;
    let (value, effect) = (chi2.statistic, chi2.effect);
    Ok(Statistic::beside(value, (value, value), (effect, (effect, effect)), Some(chi2.p_value)))
}

fn psi(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let psi = classic::psi(samples.golden, samples.candidate)?.statistic;
    Ok(Statistic::of_effect(psi, (psi, psi), None))
}

fn js(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let js = classic::js(samples.golden, samples.candidate)?.statistic;
    Ok(Statistic::of_effect(js, (js, js), None))
}

fn kl(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let kl = classic::kl(samples.golden, samples.candidate)?.statistic;
    Ok(Statistic::of_effect(kl, (kl, kl), None))
}

fn energy(samples: Samples<'_>, _: Effect) -> Result<Statistic, TestError> {
    let energy = classic::energy(samples.golden, samples.candidate)?;
    let effect = (energy.effect, energy.effect_certified);
    Ok(Statistic::beside(energy.coefficient, energy.coefficient_certified, effect, None))
}

fn tail_of(effect: Effect) -> Tail {
    match effect {
        Effect::Hill { tail } | Effect::TailRatio { tail } => tail,
        _ => Tail::Upper,
    }
}

fn hill(samples: Samples<'_>, effect: Effect) -> Result<Statistic, TestError> {
    let hill = classic::hill(samples.golden, samples.candidate, tail_of(effect))?;
    Ok(Statistic::of_effect(hill.statistic, hill.certified, None))
}

fn tail_quantile(samples: Samples<'_>, effect: Effect) -> Result<Statistic, TestError> {
    let ratio = classic::tail_quantile(samples.golden, samples.candidate, tail_of(effect))?;
    Ok(Statistic::of_effect(ratio.statistic, ratio.certified, None))
}
