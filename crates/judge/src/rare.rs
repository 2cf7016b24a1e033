//! What is seen in too few windows for a law is judged by the share of windows in which it is seen.

use std::collections::BTreeSet;

use verismo_stats::judging::{WINDOWS_MIN, compare_occurrence};
use verismo_suite::catalogue::TestId;
use verismo_suite::verdict::FindingVerdict;

use crate::draft::{Draft, Open};
use crate::input::{Series, StreamStates};
use crate::observe::{Task, occupied};

/// The deciding finding of an observable that a side shows in fewer than twelve windows: a FAIL where that alone is beyond the margin, a
/// difference of shares like that of a distribution function. It never passes, for nothing is known of the values.
pub(crate) fn judge(drafts: &mut [Draft], task: &Task<'_>, golden: &Series, candidate: &Series) {
    for draft in drafts.iter_mut().filter(|d| is_open_for_lack_of_windows(d, task)) {
        let sides = [(task.pair.golden, golden), (task.pair.candidate, candidate)].map(|(s, series)| seen(s, series));
        if sides.iter().any(|seen| seen.len() < WINDOWS_MIN) {
            continue;
        }
        let margin = draft.finding.margin.unwrap_or(0.0);
        let Ok(judged) = compare_occurrence(&sides[0], &sides[1], margin, task.options.alpha) else { continue };
        let count = |seen: &[bool]| format!("{} of {} windows", seen.iter().filter(|s| **s).count(), seen.len());
        let finding = &mut draft.finding;
        finding.notes.push(format!(
            "seen in {} of the golden, {} of the candidate",
            count(&sides[0]),
            count(&sides[1])
        ));
        if !judged.is_outside(margin) {
            continue;
        }
        finding.notes.push("judged by the share of windows in which it is seen".to_owned());
        finding.effect = Some(judged.estimate);
        finding.interval = Some([judged.lower, judged.upper]);
        finding.p_fail_raw = Some(judged.p_fail);
        finding.needs = None;
        for key in ["interval", "p_fail"] {
            finding.undefined.remove(key);
        }
        draft.open = Some(Open { judged, slack: (0.0, 0.0), identical: false });
    }
}

fn is_open_for_lack_of_windows(draft: &Draft, task: &Task<'_>) -> bool {
    let finding = &draft.finding;
    let fewest = task.selection.golden.len().min(task.selection.candidate.len());
    finding.deciding
        && finding.test == TestId::Ks
        && draft.open.is_none()
        && finding.verdict == FindingVerdict::Inconclusive
        && fewest < WINDOWS_MIN
}

/// Whether each window of a stream holds a value of a series.
fn seen(stream: &StreamStates, series: &Series) -> Vec<bool> {
    let with: BTreeSet<i64> = occupied(series).into_iter().map(|(_, id)| id).collect();
    stream.window_indices(&[]).into_iter().map(|id| with.contains(&id)).collect()
}
