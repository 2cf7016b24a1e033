//! Differences of autocorrelations, from lag states.

use verismo_stats::judging::{Functional, JudgingError, MomentWindow, Outcome, compare_moments};
use verismo_stats::lags::LagMoments;
use verismo_stats::state::State;
use verismo_suite::catalogue::TestId;
use verismo_suite::verdict::FindingVerdict;

use crate::draft::{Draft, Open, settle_identical};
use crate::observe::Task;
use crate::policy;
use crate::select::Placed;

/// One finding per lag.
pub(crate) fn judge(
    task: &Task<'_>,
    golden: &[(i64, LagMoments)],
    candidate: &[(i64, LagMoments)],
    test: TestId,
) -> Vec<Draft> {
    if test != TestId::Acf {
        return vec![Draft::error(task.blank(test), "lag states only hold autocorrelations")];
    }
    let lags = |side: &[(i64, LagMoments)]| -> Vec<u32> {
        side.first().map_or(Vec::new(), |(_, m)| m.pairs().iter().map(|p| p.lag).collect())
    };
    let shared = lags(golden);
    if shared.is_empty() || shared != lags(candidate) {
        return vec![Draft::error(task.blank(test), "the sides hold different lags")];
    }
    shared.into_iter().map(|lag| one(task, golden, candidate, lag)).collect()
}

fn one(task: &Task<'_>, golden: &[(i64, LagMoments)], candidate: &[(i64, LagMoments)], lag: u32) -> Draft {
    let mut finding = task.blank(TestId::Acf);
    finding.parameter = Some(format!("lag={lag}"));
    let Some(margin) = task.rule.margins.get(&TestId::Acf).copied() else {
        return Draft::error(finding, "the suite gives no margin");
    };
    finding.margin = Some(margin);
    for (key, reason) in [
        ("p_value", "classical tests of autocorrelations assume independence"),
        ("heterogeneity", "only distances between laws have one"),
        ("n_eff", "only laws have one"),
    ] {
        finding.undefined.insert(key.to_owned(), reason.to_owned());
    }
    let (golden, candidate) = (chosen(&task.selection.golden, golden), chosen(&task.selection.candidate, candidate));
    let sum = |side: &[(Placed, &LagMoments)]| total(side.iter().map(|(_, m)| *m));
    let (Some(golden_total), Some(candidate_total)) = (sum(&golden), sum(&candidate)) else {
        return Draft::error(finding, "sums of windows overflow");
    };
    finding.n_golden = golden_total.count();
    finding.n_candidate = candidate_total.count();
    let identical = matches!(task.selection.stratum, "paired")
        && golden.iter().map(|(_, m)| m).eq(candidate.iter().map(|(_, m)| m));
    let value = |m: &LagMoments| m.autocorrelation(lag);
    match (value(&golden_total), value(&candidate_total)) {
        (Some(g), Some(c)) => {
            finding.statistic = Some(c - g);
            finding.certified = Some([c - g, c - g]);
            finding.notes.push(format!("golden {}, candidate {}", crate::draft::short(g), crate::draft::short(c)));
        }
        _ if identical => {
            finding.undefined.insert("statistic".to_owned(), "the series does not vary".to_owned());
        }
        (None, None) => {
            let reason = "neither side varies, or neither has pairs at this lag";
            return Draft::settled(finding, FindingVerdict::NotApplicable, reason);
        }
        (g, _) => {
            let side = if g.is_none() { "golden" } else { "candidate" };
            let reason = format!("the {side} does not vary, or has no pairs at this lag; the other side does");
            return Draft::settled(finding, FindingVerdict::Inconclusive, reason);
        }
    }
    // One origin for both sides, near the mean, so that squares and products lose no digits.
    let origin = golden_total.sum() / i128::from(golden_total.count().max(1));
    let sums = |side: &[(Placed, &LagMoments)]| {
        side.iter().map(|(placed, m)| sums(placed, m, lag, origin)).collect::<Option<Vec<_>>>()
    };
    let (Some(golden), Some(candidate)) = (sums(&golden), sums(&candidate)) else {
        return Draft::error(finding, "sums of products overflow");
    };
    let margin = policy::margin_of_p(finding.policy, margin);
    let outcome =
        compare_moments(&golden, &candidate, Functional::Autocorrelation, task.selection.design, margin, &task.options);
    match outcome {
        Err(_) if identical => {
            finding.effect = Some(0.0);
            finding.interval = Some([0.0, 0.0]);
            settle_identical(&mut finding);
            Draft { finding, open: None }
        }
        // Both sides vary as a whole: it is the windows that are too few or too much alike to say how much.
        Err(error @ JudgingError::NoVariance { .. }) => {
            Draft::settled(finding, FindingVerdict::Inconclusive, error.to_string())
        }
        Err(error) => Draft::error(finding, error),
        Ok(Outcome::TooFewWindows { estimate, golden_needed, candidate_needed }) => {
            finding.effect = Some(estimate);
            crate::histogram::too_few(finding, golden_needed, candidate_needed)
        }
        Ok(Outcome::Judged(judged)) => {
            finding.effect = Some(judged.estimate);
            finding.interval = Some([judged.lower, judged.upper]);
            if !identical {
                finding.resolution = Some(judged.resolution.resolvable_margin).filter(|v| v.is_finite());
                finding.mde = Some(judged.resolution.detectable).filter(|v| v.is_finite());
                finding.p_fail_raw = Some(policy::p_fail(finding.policy, &judged));
            }
            let open = Open { judged: *judged, slack: (0.0, 0.0), identical };
            Draft { finding, open: Some(open) }
        }
    }
}

fn chosen<'a>(placed: &[Placed], side: &'a [(i64, LagMoments)]) -> Vec<(Placed, &'a LagMoments)> {
    placed.iter().filter_map(|p| side.get(p.at).map(|(_, m)| (*p, m))).collect()
}

/// The state of several windows together; `None` for no window, or where sums overflow.
pub(crate) fn total<'a>(mut windows: impl Iterator<Item = &'a LagMoments>) -> Option<LagMoments> {
    let mut total = windows.next()?.clone();
    for moments in windows {
        total.merge(moments).ok()?;
    }
    Some(total)
}

/// Sums over the pairs of one window about the origin: (x + y) / 2, (x^2 + y^2) / 2, x y. States hold the squares of values,
/// not of pairs; they are taken in proportion, which differs by the squares of a few values at the window's ends.
fn sums(placed: &Placed, moments: &LagMoments, lag: u32, origin: i128) -> Option<MomentWindow> {
    let pairs = moments.pairs().iter().find(|p| p.lag == lag)?;
    let (n, n_pairs) = (i128::from(moments.count()), i128::from(pairs.n_pairs));
    let ends = pairs.sum_lead.checked_add(pairs.sum_lagged)?;
    let square = origin.checked_mul(origin)?;
    let product =
        pairs.sum_product.checked_sub(origin.checked_mul(ends)?)?.checked_add(square.checked_mul(n_pairs)?)?;
    let squares = i128::try_from(moments.sum_squares())
        .ok()?
        .checked_sub(origin.checked_mul(2)?.checked_mul(moments.sum())?)?
        .checked_add(square.checked_mul(n)?)?;
    let half_sum = 0.5 * ends.checked_sub(origin.checked_mul(2)?.checked_mul(n_pairs)?)? as f64;
    let share = if n > 0 { n_pairs as f64 / n as f64 } else { 0.0 };
    Some(MomentWindow {
        id: placed.id,
        stratum: placed.stratum,
        block: placed.block,
        count: pairs.n_pairs,
        sums: [half_sum, share * squares as f64, product as f64],
    })
}
