//! The deciding test of an observable, stratum by stratum: one finding for each division of time, its worst stratum.

use std::collections::BTreeMap;

use verismo_stats::judging::{WINDOWS_MIN, replicates_for};
use verismo_suite::report::{Finding, StratumResult};
use verismo_suite::suite::{Strata, StrataBy, Suite};
use verismo_suite::verdict::{FindingVerdict, Severity};

use crate::draft::{Draft, settle};
use crate::input::{SECOND_NS, SeriesWindows, StreamStates};
use crate::observe::{Pair, Task};
use crate::select::{DAY_NS, Selection, select};

/// Replicates at most: they cost in proportion.
const REPLICATES_MAX: u32 = 19_999;
/// Edges that replicates run on, in one stratum: fewer windows resolve less.
const COARSE_EDGES: usize = 63;
/// Strata a division has at most: hours of the day, or as many sessions.
const STRATA_MAX: usize = 64;
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const THIRDS: [&str; 3] = ["low", "middle", "high"];

/// (position, index) of the windows of golden and candidate that hold values, ascending.
pub(crate) type Occupied<'a> = [&'a [(usize, i64)]; 2];

/// Which stratum a window belongs to, by its index; none for a window outside all.
type Labels = BTreeMap<i64, usize>;

/// A division of time into named strata.
struct Division {
    by: StrataBy,
    names: Vec<String>,
    golden: Labels,
    candidate: Labels,
}

/// The findings of one observable by strata; `given` is its comparison over all time, `judge` runs the deciding test on a task.
pub(crate) fn findings(
    given: &Task<'_>,
    suite: &Suite,
    occupied: Occupied<'_>,
    judge: &dyn Fn(&Task<'_>) -> Vec<Draft>,
) -> Vec<Draft> {
    let Some(strata) = &suite.strata else { return Vec::new() };
    let mut out = Vec::new();
    for &by in &strata.by {
        match division(by, strata, given.pair, given.window_ns) {
            Ok(division) => out.extend(by_division(given, suite, &division, occupied, judge)),
            Err(reason) => {
                let mut finding = given.blank(given.rule.decide);
                finding.parameter = Some(format!("by={}", by.as_str()));
                out.push(Draft::settled(finding, FindingVerdict::NotApplicable, reason));
            }
        }
    }
    for draft in &mut out {
        draft.finding.severity = strata.severity.min(given.rule.severity);
        draft.finding.deciding = draft.finding.severity == Severity::Critical;
    }
    out
}

fn by_division(
    given: &Task<'_>,
    suite: &Suite,
    division: &Division,
    occupied: Occupied<'_>,
    judge: &dyn Fn(&Task<'_>) -> Vec<Draft>,
) -> Vec<Draft> {
    let mut judged: BTreeMap<Option<String>, Vec<(String, Draft)>> = BTreeMap::new();
    let mut left_out = Vec::new();
    let replicates = replicates_for(division.names.len() * suite.observables.len().max(1), suite.alpha);
    for (number, name) in division.names.iter().enumerate() {
        let label = format!("{}={name}", division.by.as_str());
        let of = |windows: &[(usize, i64)], labels: &Labels| -> Vec<(usize, i64)> {
            windows.iter().copied().filter(|(_, id)| labels.get(id) == Some(&number)).collect()
        };
        let golden = of(occupied[0], &division.golden);
        // Pairs have one stratum, the golden's.
        let labels = if given.pair.aligned { &division.golden } else { &division.candidate };
        let candidate = of(occupied[1], labels);
        let selection = select(&golden, &candidate, given.window_ns, given.pair.aligned, suite.scope);
        let fewest = selection.golden.len().min(selection.candidate.len());
        if fewest < WINDOWS_MIN {
            if !golden.is_empty() || !candidate.is_empty() {
                left_out.push(format!("{label} ({} and {} windows)", golden.len(), candidate.len()));
            }
            continue;
        }
        let task = task(given, selection, replicates);
        for mut draft in judge(&task) {
            draft.finding.stratum.clone_from(&label);
            judged.entry(draft.finding.parameter.clone()).or_default().push((label.clone(), draft));
        }
    }
    if judged.is_empty() {
        let mut finding = given.blank(given.rule.decide);
        finding.parameter = Some(format!("by={}", division.by.as_str()));
        let reason = format!("no stratum by {} has {WINDOWS_MIN} windows on both sides", division.by.as_str());
        return vec![Draft::settled(finding, FindingVerdict::Inconclusive, reason)];
    }
    let worst = |(parameter, drafts)| worst(parameter, drafts, division.by, suite, &left_out);
    judged.into_iter().filter_map(worst).collect()
}

/// The same observable on fewer windows.
fn task<'a>(given: &Task<'a>, selection: Selection, replicates: u32) -> Task<'a> {
    let mut options = given.options.clone();
    options.replicates = replicates.clamp(options.replicates, REPLICATES_MAX.max(options.replicates));
    options.coarse_edges_max = options.coarse_edges_max.min(COARSE_EDGES);
    Task {
        pair: given.pair,
        rule: given.rule,
        unit: given.unit.clone(),
        options,
        selection,
        window_ns: given.window_ns,
        seconds_a_window: given.seconds_a_window,
    }
}

/// The stratum that says most against the candidate, with what all of them say. It FAILs if its p-value does so times their number
/// (Bonferroni, which is Holm's first step); all have to PASS for it to pass.
fn worst(
    parameter: Option<String>,
    drafts: Vec<(String, Draft)>,
    by: StrataBy,
    suite: &Suite,
    left_out: &[String],
) -> Option<Draft> {
    let number = drafts.len() as f64;
    let alone = |(label, draft): &(String, Draft)| -> Option<StratumResult> {
        let finding = settle(vec![draft.clone()], suite.alpha, suite.multiplicity).pop()?;
        let Finding { windows, effect, interval, verdict, .. } = finding;
        Some(StratumResult { label: label.clone(), windows, effect, interval, verdict })
    };
    let results: Vec<StratumResult> = drafts.iter().filter_map(alone).collect();
    let passing = results.iter().filter(|r| r.verdict == FindingVerdict::Pass).count();
    // The verdict first; among FAILs the least p-value, among the others the interval that reaches furthest.
    let weight = |(_, draft): &(String, Draft), result: &StratumResult| {
        let reach = result.interval.map_or(0.0, |[low, high]| high.max(-low));
        (gravity(result.verdict), -draft.finding.p_fail_raw.unwrap_or(1.0), reach)
    };
    let weights: Vec<(u8, f64, f64)> = drafts.iter().zip(&results).map(|(d, r)| weight(d, r)).collect();
    let heavier =
        |a: &(u8, f64, f64), b: &(u8, f64, f64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2));
    // Of equals the first in time.
    let at = (0..weights.len()).rev().max_by(|&a, &b| heavier(&weights[a], &weights[b]))?;
    let (_, mut draft) = drafts.into_iter().nth(at)?;
    let finding = &mut draft.finding;
    finding.p_fail_raw = finding.p_fail_raw.map(|p| (p * number).min(1.0));
    let by = format!("by={}", by.as_str());
    finding.parameter = Some(parameter.map_or_else(|| by.clone(), |p| format!("{p} {by}")));
    finding.notes.push(format!("worst of {} strata, of which {passing} pass by themselves", results.len()));
    if !left_out.is_empty() {
        finding.notes.push(format!("not judged, too few windows: {}", left_out.join(", ")));
    }
    finding.strata = results;
    Some(draft)
}

/// How much a stratum says against the candidate.
fn gravity(verdict: FindingVerdict) -> u8 {
    match verdict {
        FindingVerdict::NotApplicable => 0,
        FindingVerdict::Pass => 1,
        FindingVerdict::Inconclusive => 2,
        FindingVerdict::Fail => 3,
        FindingVerdict::Error => 4,
    }
}

/// The strata of both sides' windows.
///
/// # Errors
/// Why time cannot be divided so, in words.
fn division(by: StrataBy, strata: &Strata, pair: &Pair<'_>, window_ns: i64) -> Result<Division, String> {
    if window_ns >= DAY_NS {
        return Err(format!("windows are days: there are no strata by {} in them", by.as_str()));
    }
    let minute = |id: i64| id.saturating_mul(window_ns).rem_euclid(DAY_NS) / (60 * SECOND_NS);
    let day = |id: i64| id.saturating_mul(window_ns).div_euclid(DAY_NS);
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let by_clock = |names: Vec<String>, label: &dyn Fn(i64) -> Option<usize>| {
        let of = |stream: &StreamStates| windows_of(stream).filter_map(|id| Some((id, label(id)?))).collect();
        Ok(Division { by, names, golden: of(pair.golden), candidate: of(pair.candidate) })
    };
    match by {
        StrataBy::Hour => {
            let names = (0..24).map(|hour| format!("{hour:02}")).collect();
            by_clock(names, &|id| usize::try_from(minute(id) / 60).ok())
        }
        // The epoch began on a Thursday.
        StrataBy::Weekday => by_clock(named(&WEEKDAYS), &|id| usize::try_from((day(id) + 3).rem_euclid(7)).ok()),
        StrataBy::Sessions => {
            let sessions = &strata.sessions[..strata.sessions.len().min(STRATA_MAX)];
            let names = sessions.iter().map(|s| s.name.clone()).collect();
            by_clock(names, &|id| {
                let minute = u32::try_from(minute(id)).ok()?;
                sessions.iter().position(|s| s.holds(minute))
            })
        }
        StrataBy::Volatility | StrataBy::Activity => {
            let id = by.observable().unwrap_or_default();
            let moment = if by == StrataBy::Volatility { 2 } else { 1 };
            let (golden, candidate) = (levels(pair.golden, id, moment), levels(pair.candidate, id, moment));
            let bounds = thirds(golden.iter().map(|(_, level)| *level).collect())
                .ok_or_else(|| format!("the golden has too few windows of {id} to tell strata by {}", by.as_str()))?;
            let label = |level: f64| usize::from(level > bounds[0]) + usize::from(level > bounds[1]);
            let of = |levels: Vec<(i64, f64)>| levels.into_iter().map(|(id, level)| (id, label(level))).collect();
            Ok(Division { by, names: named(&THIRDS), golden: of(golden), candidate: of(candidate) })
        }
    }
}

/// Indices of the windows of a stream in which anything was seen.
fn windows_of(stream: &StreamStates) -> impl Iterator<Item = i64> + '_ {
    let ids: std::collections::BTreeSet<i64> = stream
        .series
        .values()
        .flat_map(|series| match &series.windows {
            SeriesWindows::Cells(w) => w.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            SeriesWindows::Lags(w) => w.iter().map(|(id, _)| *id).collect(),
        })
        .collect();
    ids.into_iter()
}

/// Of each window of an observable, the sum of its values or of their squares.
fn levels(stream: &StreamStates, id: &str, moment: u8) -> Vec<(i64, f64)> {
    let Some(series) = stream.series.get(id) else { return Vec::new() };
    let SeriesWindows::Cells(windows) = &series.windows else { return Vec::new() };
    let level = |cells: &crate::input::Cells| {
        let of = |key: i64| {
            let value = series.lattice.value(key);
            if moment == 2 { value * value } else { value }
        };
        cells.iter().map(|(key, n)| n as f64 * of(key)).sum()
    };
    windows.iter().filter(|(_, cells)| !cells.is_empty()).map(|(id, cells)| (*id, level(cells))).collect()
}

/// The bounds of the lower and the middle third.
fn thirds(mut levels: Vec<f64>) -> Option<[f64; 2]> {
    levels.sort_by(f64::total_cmp);
    let at = |part: usize| levels.get((part * levels.len()).div_ceil(3).checked_sub(1)?).copied();
    (levels.len() >= 3 * WINDOWS_MIN).then_some(())?;
    Some([at(1)?, at(2)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_are_of_equal_size() {
        let bounds = thirds((0..90).map(f64::from).collect()).unwrap();
        assert_eq!(bounds.map(|b| b as usize), [29, 59]);
        assert!(thirds(vec![1.0; 35]).is_none());
        assert_eq!(thirds(vec![1.0; 36]).unwrap().map(|b| b as usize), [1, 1]);
    }
}
