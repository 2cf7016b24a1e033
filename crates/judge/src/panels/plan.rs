//! Which statistic a test is, on the columns of an observable.

use verismo_stats::classic::Tail;
use verismo_stats::joint::{
    Classifier, Copula, Correlation, CorrelationDistance, CorrelationSpectrum, LeadLag, MeanCorrelation, Mmd, PathOf,
    PointCorrelation, PointMismatch, PointRatioError, PointRmse, RankCorrelation, RankDependence, Signature,
    SlicedAndersonDarling, SlicedEnergy, SquaredCorrelation, TailDependence,
};
use verismo_stats::judging::PanelStatistic;
use verismo_stats::temporal::{
    Garch, GarchNumber, Hawkes, HawkesNumber, JumpShare, MutualHawkes, MutualHawkesNumber, RealisedVariance,
    Regression, RegressionNumber, Series, SignChanges, Spacing, TwoScales, TwoScalesNumber, UpCurve,
};
use verismo_suite::catalogue::{self, PanelColumn, PanelPlan, Reads, TestId};

use crate::input::SECOND_NS;

/// Rows of panels on the grid lie a second apart.
const SECOND: Spacing = Spacing::Time(SECOND_NS);
/// Tail probability of the quantiles beyond which columns are looked at together.
const TAIL: f64 = 0.95;
/// Steps to either side at which columns are compared in time.
const LEADS: usize = 5;
/// Rows of a path.
const PATH_ROWS: usize = 6;
/// Seconds over which returns make a GARCH.
const GARCH_STEP_S: i64 = 60;
/// A longer gap between trades is a hole in the data, s.
const HOLE_S: i64 = 300;

/// A statistic made ready for the columns of an observable.
pub(super) struct Plan {
    pub(super) statistic: Box<dyn PanelStatistic>,
    /// What each number is called; empty where they mean nothing one by one.
    pub(super) names: Vec<String>,
    /// Whether it says something only where both sides saw the same market.
    pub(super) needs_alignment: bool,
}

impl Plan {
    fn new(statistic: impl PanelStatistic + 'static, names: Vec<String>) -> Option<Self> {
        Some(Self { statistic: Box::new(statistic), names, needs_alignment: false })
    }

    /// Of one number, or of numbers without names.
    fn unnamed(statistic: impl PanelStatistic + 'static) -> Option<Self> {
        Self::new(statistic, Vec::new())
    }

    /// Of errors point by point.
    fn aligned(statistic: impl PanelStatistic + 'static, names: Vec<String>) -> Option<Self> {
        Some(Self { statistic: Box::new(statistic), names, needs_alignment: true })
    }

    /// The statistic of a test on these columns; `None` where they lack what it needs.
    pub(super) fn of(test: TestId, columns: &[PanelColumn]) -> Option<Self> {
        joint(test, columns)
            .or_else(|| temporal(test, columns))
            .or_else(|| points(test, columns))
            .or_else(|| added(test, columns))
    }
}

fn place(columns: &[PanelColumn], name: &str) -> Option<usize> {
    columns.iter().position(|column| column.name == name)
}

fn name(columns: &[PanelColumn], i: usize) -> &'static str {
    columns.get(i).map_or("", |column| column.name)
}

/// Names of pairs, in order of the first and then of the second.
fn pair_names(columns: &[PanelColumn], pairs: &[(usize, usize)]) -> Vec<String> {
    pairs.iter().map(|&(x, y)| format!("{} and {}", name(columns, x), name(columns, y))).collect()
}

/// Statistics of joint laws, and of what follows what.
fn joint(test: TestId, columns: &[PanelColumn]) -> Option<Plan> {
    let all: Vec<usize> = (0..columns.len()).collect();
    let pairs: Vec<(usize, usize)> = Correlation::of_all(columns.len()).pairs().to_vec();
    let named = || pair_names(columns, &pairs);
    match test {
        TestId::Correlation => Plan::new(Correlation::new(pairs.clone()), named()),
        TestId::RankCorrelation => {
            Plan::new(RankDependence::new(RankCorrelation::Spearman, pairs.clone()).ok()?, named())
        }
        TestId::Kendall => Plan::new(RankDependence::new(RankCorrelation::KendallTauB, pairs.clone()).ok()?, named()),
        TestId::TailDependence => {
            let tails = vec![(Tail::Lower, TAIL), (Tail::Upper, TAIL)];
            let names = named()
                .iter()
                .flat_map(|pair| ["lower", "upper"].map(|tail| format!("{pair}, {tail} tails")))
                .collect();
            Plan::new(TailDependence::new(pairs.clone(), tails).ok()?, names)
        }
        TestId::Spectrum => Plan::unnamed(CorrelationSpectrum::new(all).ok()?),
        TestId::CorrelationDistance => Plan::unnamed(CorrelationDistance::new(&all).ok()?),
        TestId::MeanCorrelation => Plan::unnamed(MeanCorrelation::new(&all).ok()?),
        TestId::SquaredCorrelation => Plan::unnamed(SquaredCorrelation::new(&all).ok()?),
        TestId::LeadLag => {
            let moved = place(columns, "return")?;
            let others: Vec<(usize, usize)> = ["ofi", "signed_volume", "imbalance"]
                .iter()
                .filter_map(|name| Some((place(columns, name)?, moved)))
                .collect();
            let statistic = LeadLag::new(others.clone(), LEADS, SECOND_NS).ok()?;
            let steps: Vec<i64> = statistic.steps().collect();
            let names = pair_names(columns, &others);
            let names =
                names.iter().flat_map(|pair| steps.iter().map(move |step| format!("{pair} {step} s later"))).collect();
            Plan::new(statistic, names)
        }
        TestId::JointEnergy => {
            Plan::unnamed(SlicedEnergy::new(all, SlicedEnergy::DIRECTIONS, SlicedEnergy::CELLS).ok()?)
        }
        TestId::SlicedAd => {
            let (directions, cells) = (SlicedAndersonDarling::DIRECTIONS, SlicedAndersonDarling::CELLS);
            Plan::unnamed(SlicedAndersonDarling::new(all, directions, cells).ok()?)
        }
        TestId::Mmd => Plan::unnamed(Mmd::new(all, Mmd::FREQUENCIES).ok()?),
        TestId::Copula => {
            // As many pairs as its numbers allow, the first columns first.
            let few = pairs.into_iter().take(256 / (Copula::CELLS * Copula::CELLS)).collect();
            Plan::unnamed(Copula::new(few, Copula::CELLS).ok()?)
        }
        TestId::Signature => Plan::unnamed(Signature::new(all, PathOf::Values, PATH_ROWS, SECOND_NS, 2).ok()?),
        TestId::Classifier => Plan::unnamed(Classifier::new(all).ok()?),
        _ => None,
    }
}

/// Statistics in order of time.
fn temporal(test: TestId, columns: &[PanelColumn]) -> Option<Plan> {
    let price = place(columns, "log_mid");
    let regression = |x: &str, lead: usize, number: RegressionNumber| {
        Plan::unnamed(Regression::new(price?, place(columns, x)?, SECOND, lead, number))
    };
    let up_curve = |x: &str| {
        let statistic = UpCurve::new(price?, place(columns, x)?, SECOND, 1, UpCurve::BINS);
        let fifths = ["lowest", "second", "third", "fourth", "highest"];
        Plan::new(statistic, fifths.map(|fifth| format!("a rise after the {fifth} fifth of {x}")).to_vec())
    };
    let mutual = |number: MutualHawkesNumber, names: &[&str]| {
        let sides = [place(columns, "buy")?, place(columns, "sell")?];
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Plan::new(MutualHawkes::new(sides, HOLE_S * SECOND_NS, number), names)
    };
    match test {
        TestId::KyleLambda => regression("signed_volume", 0, RegressionNumber::RelativeSlope),
        TestId::FlowImpact => regression("ofi", 0, RegressionNumber::RelativeSlope),
        TestId::FlowPrediction => regression("ofi", 1, RegressionNumber::Correlation),
        TestId::ImbalancePrediction => regression("imbalance", 1, RegressionNumber::Correlation),
        TestId::SignaturePlot => {
            let statistic = RealisedVariance::new(price?, SECOND, vec![1, 5, 10, 30, 60]);
            let names = statistic.ratios().iter().map(|(short, long)| format!("{short} s against {long} s")).collect();
            Plan::new(statistic, names)
        }
        TestId::NoiseToSignal => Plan::unnamed(TwoScales::new(price?, SECOND, 30, TwoScalesNumber::LnNoiseToSignal)),
        TestId::JumpShare => Plan::unnamed(JumpShare::new(price?, SECOND, 10)),
        TestId::GarchHalfLife => Plan::unnamed(Garch::new(price?, GARCH_STEP_S * SECOND_NS, GarchNumber::LnHalfLife)),
        TestId::GarchAlpha => Plan::unnamed(Garch::new(price?, GARCH_STEP_S * SECOND_NS, GarchNumber::Alpha)),
        TestId::SignChanges => Plan::unnamed(SignChanges::new(price?, Series::Difference, SECOND)),
        TestId::HawkesBranching => Plan::unnamed(Hawkes::new(HOLE_S * SECOND_NS, HawkesNumber::BranchingRatio)),
        TestId::HawkesDecay => Plan::unnamed(Hawkes::new(HOLE_S * SECOND_NS, HawkesNumber::LnDecay)),
        TestId::HawkesMatrix => mutual(
            MutualHawkesNumber::Branching,
            &[
                "buys that a buy excites",
                "buys that a sell excites",
                "sells that a buy excites",
                "sells that a sell excites",
            ],
        ),
        TestId::HawkesRadius => mutual(MutualHawkesNumber::SpectralRadius, &[]),
        TestId::UpGivenFlow => up_curve("ofi"),
        TestId::UpGivenImbalance => up_curve("imbalance"),
        _ => None,
    }
}

/// Errors point by point.
fn points(test: TestId, columns: &[PanelColumn]) -> Option<Plan> {
    let those =
        |is: &dyn Fn(&str) -> bool| -> Vec<usize> { (0..columns.len()).filter(|&i| is(name(columns, i))).collect() };
    let names = |places: &[usize]| places.iter().map(|&i| name(columns, i).to_owned()).collect();
    match test {
        TestId::QuoteRmse => {
            let places = those(&|name| matches!(name, "bid" | "ask"));
            let names = names(&places);
            Plan::aligned(PointRmse { columns: places }, names)
        }
        TestId::DepthCorrelation => {
            let places = those(&|name| name.contains("_size") || name.contains("_depth"));
            let names = names(&places);
            Plan::aligned(PointCorrelation { columns: places }, names)
        }
        TestId::BarMismatch => Plan::aligned(PointMismatch, vec!["bars".to_owned()]),
        TestId::VwapError => {
            let statistic = PointRatioError { above: place(columns, "notional")?, below: place(columns, "volume")? };
            Plan::aligned(statistic, vec!["vwap".to_owned()])
        }
        _ => None,
    }
}

/// What a plug-in defines.
fn added(test: TestId, columns: &[PanelColumn]) -> Option<Plan> {
    match catalogue::metric(test)?.reads {
        Reads::Panel(plan) => {
            plan(columns).map(|PanelPlan { statistic, names }| Plan { statistic, names, needs_alignment: false })
        }
        Reads::Law(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use verismo_suite::catalogue::{Kind, OBSERVABLES};

    /// Every test that the catalogue gives to a panel is one of its columns, and no two statistics share their replicates.
    #[test]
    fn every_test_of_a_panel_has_its_statistic() {
        let mut domains = std::collections::BTreeMap::new();
        for o in OBSERVABLES {
            let Kind::Panel(columns) = o.kind else { continue };
            for &test in o.tests {
                let Some(plan) = Plan::of(test, columns) else { panic!("{test} has no statistic on {}", o.id) };
                assert!(plan.statistic.domain() >= 100, "{test}");
                let other = *domains.entry(plan.statistic.domain()).or_insert(test);
                assert!(other == test || plan.names.is_empty(), "{test} and {other} share replicates");
            }
        }
        assert!(domains.len() > 15);
    }
}
