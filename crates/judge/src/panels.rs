//! Statistics of rows of several numbers: joint laws, order in time, and errors point by point.

use std::borrow::Cow;

use verismo_stats::judging::{JudgingError, Outcome, PanelNorm, PanelOutcome, PanelWindow, Reading, compare_panels};
use verismo_stats::panel::{Panel, PanelRows};
use verismo_stats::state::State;
use verismo_suite::catalogue::{Kind, ObservableInfo, TestId};
use verismo_suite::verdict::FindingVerdict;

use crate::draft::{Draft, Open, short};
use crate::input::SECOND_NS;
use crate::observe::{Task, keys_per_unit};
use crate::policy;
use crate::select::Placed;

mod classical;
mod plan;

use plan::Plan;

/// One unit of a column in the integers of a panel.
const ONE: f64 = 1e-8;

/// Whether a test follows events from one to the next: windows picked from here and there, as those of a regime are, would make long
/// gaps of what is left out.
pub(crate) fn needs_unbroken_time(test: TestId) -> bool {
    let follows = [TestId::HawkesBranching, TestId::HawkesDecay, TestId::HawkesMatrix, TestId::HawkesRadius];
    follows.contains(&test)
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
    let chosen: [Chosen<'_>; 2] = [(&task.selection.golden, golden), (&task.selection.candidate, candidate)];
    // Errors point by point are few numbers a row, and a point left out would be an error unseen.
    let every =
        if plan.needs_alignment { 1 } else { chosen.iter().map(|(c, side)| stretches(c, side)).max().unwrap_or(1) };
    if every > 1 {
        finding
            .notes
            .push(format!("judged on one in {every} stretches of five minutes: there are more rows than it takes"));
    }
    let [golden, candidate] = chosen.map(|(chosen, side)| thinned(chosen, side, task.window_ns, every));
    let (golden, candidate) = (placed(&golden), placed(&candidate));
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
    if is_identical && every > 1 && !are_equal(chosen) {
        let reason = "what is judged is equal, and what is left out differs: only all of it could tell by how much";
        return Draft::settled(finding, FindingVerdict::Inconclusive, reason);
    }
    finding.notes.extend(worst(&plan, &values));
    finding.notes.extend(classical::notes(test, &golden, &candidate));
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

/// The windows of a side that are judged, and all that the side has.
type Chosen<'a> = (&'a [Placed], &'a [(i64, Panel)]);

/// The most rows of a side that are judged at once: a few days of seconds, or a busy hour of trades.
const ROWS_MAX: u64 = 200_000;
/// Time that stays together where there are more rows: a multiple of every window but days.
const STRETCH_NS: i64 = 300 * SECOND_NS;

/// One in so many stretches of time holds about as many rows as are taken.
fn stretches(chosen: &[Placed], side: &[(i64, Panel)]) -> i64 {
    let rows: u64 = chosen.iter().filter_map(|p| side.get(p.at)).map(|(_, panel)| State::count(panel)).sum();
    i64::try_from(rows.div_ceil(ROWS_MAX)).unwrap_or(i64::MAX).max(1)
}

/// The rows of one in `every` stretches of absolute time, the same on both sides.
fn thinned<'a>(
    chosen: &[Placed],
    side: &'a [(i64, Panel)],
    window_ns: i64,
    every: i64,
) -> Vec<(Placed, Cow<'a, Panel>)> {
    let is_kept = |t_ns: i64| t_ns.div_euclid(STRETCH_NS).rem_euclid(every) == 0;
    let of_window = |p: &Placed| {
        let (_, panel) = side.get(p.at)?;
        if every == 1 || window_ns <= STRETCH_NS {
            return is_kept(p.id.saturating_mul(window_ns)).then_some((*p, Cow::Borrowed(panel)));
        }
        let rows = panel.rows();
        let mut kept = PanelRows::new(panel.columns());
        for i in (0..rows.len()).filter(|i| is_kept(rows.t_ns[*i])) {
            kept.push(rows.t_ns[i], rows.row(i));
        }
        Some((*p, Cow::Owned(Panel::pack(kept))))
    };
    chosen.iter().filter_map(of_window).collect()
}

/// Whether all chosen windows are equal, one by one.
fn are_equal([golden, candidate]: [Chosen<'_>; 2]) -> bool {
    fn panels<'a>((windows, side): Chosen<'a>) -> impl Iterator<Item = Option<&'a Panel>> {
        windows.iter().map(|p| side.get(p.at).map(|(_, panel)| panel))
    }
    panels(golden).eq(panels(candidate))
}

fn placed<'a>(windows: &'a [(Placed, Cow<'_, Panel>)]) -> Vec<PanelWindow<'a>> {
    let window =
        |(p, panel): &'a (Placed, Cow<'_, Panel>)| PanelWindow { id: p.id, stratum: p.stratum, block: p.block, panel };
    windows.iter().map(window).collect()
}

/// The number that differs most, in words, where numbers mean something one by one.
fn worst(plan: &Plan, [golden, candidate]: &[Vec<f64>; 2]) -> Option<String> {
    let reading = Reading { values: golden.clone(), scores: Vec::new() };
    let norm = plan.statistic.norm(&reading);
    if matches!(norm, PanelNorm::Root(_)) || (plan.names.is_empty() && golden.len() > 1) {
        return None;
    }
    let gaps = golden.iter().zip(candidate).map(|(g, c)| (c - g).abs()).enumerate();
    let (k, _) = gaps.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let (name, g, c) = (plan.names.get(k).map_or("", String::as_str), golden.get(k)?, candidate.get(k)?);
    Some(if plan.needs_alignment {
        format!("worst: {name}, {}", short(*c))
    } else if plan.names.len() > 1 {
        format!("farthest apart: {name}, golden {}, candidate {}", short(*g), short(*c))
    } else {
        format!("golden {}, candidate {}", short(*g), short(*c))
    })
}
