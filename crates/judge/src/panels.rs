//! Statistics of rows of several numbers: joint laws, and errors point by point.

use verismo_stats::joint::{Correlation, PointCorrelation, PointMismatch, PointRatioError, PointRmse};
use verismo_stats::judging::{
    JudgingError, Outcome, PanelNorm, PanelOutcome, PanelStatistic, PanelWindow, Reading, compare_panels,
};
use verismo_stats::panel::Panel;
use verismo_suite::catalogue::{self, Kind, ObservableInfo, PanelColumn, PanelPlan, Reads, TestId};
use verismo_suite::verdict::FindingVerdict;

use crate::draft::{Draft, Open, short};
use crate::observe::{Task, keys_per_unit};
use crate::policy;
use crate::select::Placed;

/// One unit of a column in the integers of a panel.
const ONE: f64 = 1e-8;

/// A statistic made ready for the columns of an observable.
struct Plan {
    statistic: Box<dyn PanelStatistic>,
    /// What each number is called.
    names: Vec<String>,
    /// Whether it says something only where both sides saw the same market.
    needs_alignment: bool,
}

impl Plan {
    fn new(statistic: impl PanelStatistic + 'static, names: Vec<String>) -> Option<Self> {
        Some(Self { statistic: Box::new(statistic), names, needs_alignment: false })
    }

    /// Of errors point by point.
    fn aligned(statistic: impl PanelStatistic + 'static, names: Vec<String>) -> Option<Self> {
        Some(Self { statistic: Box::new(statistic), names, needs_alignment: true })
    }

    /// The statistic of a test on these columns; `None` where they lack what it needs.
    fn of(test: TestId, columns: &[PanelColumn]) -> Option<Self> {
        let name = |i: usize| columns.get(i).map_or("", |column| column.name).to_owned();
        let place = |name: &str| columns.iter().position(|column| column.name == name);
        let named = |is: &dyn Fn(&str) -> bool| -> Vec<usize> {
            (0..columns.len()).filter(|&i| columns.get(i).is_some_and(|column| is(column.name))).collect()
        };
        match test {
            TestId::Correlation => {
                let statistic = Correlation::of_all(columns.len());
                let names = statistic.pairs().iter().map(|&(x, y)| format!("{} and {}", name(x), name(y))).collect();
                Self::new(statistic, names)
            }
            TestId::QuoteRmse => {
                let columns = named(&|name| matches!(name, "bid" | "ask"));
                let names = columns.iter().map(|&i| name(i)).collect();
                Self::aligned(PointRmse { columns }, names)
            }
            TestId::DepthCorrelation => {
                let columns = named(&|name| name.contains("_size") || name.contains("_depth"));
                let names = columns.iter().map(|&i| name(i)).collect();
                Self::aligned(PointCorrelation { columns }, names)
            }
            TestId::BarMismatch => Self::aligned(PointMismatch, vec!["bars".to_owned()]),
            TestId::VwapError => {
                let statistic = PointRatioError { above: place("notional")?, below: place("volume")? };
                Self::aligned(statistic, vec!["vwap".to_owned()])
            }
            _ => match catalogue::metric(test)?.reads {
                Reads::Panel(plan) => plan(columns).map(|PanelPlan { statistic, names }| Self {
                    statistic,
                    names,
                    needs_alignment: false,
                }),
                Reads::Law(_) => None,
            },
        }
    }
}

/// The finding of one test.
pub(crate) fn judge(
    task: &Task<'_>,
    golden: &[(i64, Panel)],
    candidate: &[(i64, Panel)],
    info: Option<&ObservableInfo>,
    test: TestId,
) -> Draft {
    let mut finding = task.blank(test);
    let columns = match info.map(|info| info.kind) {
        Some(Kind::Panel(columns)) => columns,
        _ => &[],
    };
    let (Some(margin), Some(plan)) = (task.rule.margins.get(&test).copied(), Plan::of(test, columns)) else {
        return Draft::error(finding, "the suite gives no margin, or the columns are not those of the test");
    };
    finding.margin = Some(margin);
    for (key, reason) in [
        ("p_value", "classical tests of joint laws assume independent rows"),
        ("heterogeneity", "only distances between laws have one"),
        ("n_eff", "only laws have one"),
    ] {
        finding.undefined.insert(key.to_owned(), reason.to_owned());
    }
    if plan.needs_alignment && !task.pair.aligned {
        let reason = "errors point by point need two sides that saw the same market";
        return Draft::settled(finding, FindingVerdict::NotApplicable, reason);
    }
    let tick = keys_per_unit(task.pair, info).map_or(1.0, |tick| tick as f64);
    let scale: Vec<f64> = columns.iter().map(|c| if c.unit == "ticks" { 1.0 / tick } else { ONE }).collect();
    let (golden, candidate) = (placed(&task.selection.golden, golden), placed(&task.selection.candidate, candidate));
    let design = (task.selection.design, policy::margin_of_p(finding.policy, margin), &task.options);
    let outcome = compare_panels(&golden, &candidate, &scale, plan.statistic.as_ref(), design);
    let PanelOutcome { values, rows, is_identical, outcome } = match outcome {
        Ok(outcome) => outcome,
        // The data do not have the number, or too few windows tell its noise.
        Err(error @ (JudgingError::Undefined { .. } | JudgingError::NoVariance { .. })) => {
            return Draft::settled(finding, FindingVerdict::Inconclusive, error.to_string());
        }
        Err(error) => return Draft::error(finding, error),
    };
    [finding.n_golden, finding.n_candidate] = rows;
    finding.notes.extend(worst(&plan, &values));
    match outcome {
        Outcome::TooFewWindows { estimate, golden_needed, candidate_needed } => {
            finding.effect = Some(estimate);
            crate::histogram::too_few(finding, golden_needed, candidate_needed)
        }
        Outcome::Judged(judged) => {
            finding.statistic = Some(judged.estimate);
            finding.certified = Some([judged.estimate; 2]);
            finding.effect = Some(judged.estimate);
            finding.interval = Some([judged.lower, judged.upper]);
            if !is_identical {
                finding.resolution = Some(judged.resolution.resolvable_margin).filter(|v| v.is_finite());
                finding.mde = Some(judged.resolution.detectable).filter(|v| v.is_finite());
                finding.p_fail_raw = Some(policy::p_fail(finding.policy, &judged));
            }
            let open = Open { judged: *judged, slack: (0.0, 0.0), identical: is_identical };
            Draft { finding, open: Some(open) }
        }
    }
}

fn placed<'a>(chosen: &[Placed], side: &'a [(i64, Panel)]) -> Vec<PanelWindow<'a>> {
    let window = |p: &Placed| {
        let (_, panel) = side.get(p.at)?;
        Some(PanelWindow { id: p.id, stratum: p.stratum, block: p.block, panel })
    };
    chosen.iter().filter_map(window).collect()
}

/// The number that differs most, in words, where numbers mean something one by one.
fn worst(plan: &Plan, [golden, candidate]: &[Vec<f64>; 2]) -> Option<String> {
    let reading = Reading { values: golden.clone(), scores: Vec::new() };
    if matches!(plan.statistic.norm(&reading), PanelNorm::Root(_)) {
        return None;
    }
    let gaps = golden.iter().zip(candidate).map(|(g, c)| (c - g).abs()).enumerate();
    let (k, _) = gaps.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let (name, g, c) = (plan.names.get(k)?, golden.get(k)?, candidate.get(k)?);
    Some(if plan.needs_alignment {
        format!("worst: {name}, {}", short(*c))
    } else if plan.names.len() > 1 {
        format!("farthest apart: {name}, golden {}, candidate {}", short(*g), short(*c))
    } else {
        format!("golden {}, candidate {}", short(*g), short(*c))
    })
}
