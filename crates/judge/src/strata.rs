//! The deciding test of an observable, stratum by stratum: one finding for each division of time, its worst stratum.

use std::collections::BTreeMap;

use verismo_stats::judging::{WINDOWS_MIN, replicates_for};
use verismo_suite::report::{Finding, StratumResult};
use verismo_suite::suite::{Session, Strata, StrataBy, Suite};
use verismo_suite::verdict::{FindingVerdict, Severity};

use crate::draft::{Draft, settle};
use crate::input::{SECOND_NS, SeriesWindows, StreamStates};
use crate::observe::Task;
use crate::select::{DAY_NS, Selection, select, slow_cosines};

/// Replicates at most: they cost in proportion. A p-value is at least one over them, so where strata, observables and streams multiply
/// to more than a thousand a FAIL may not survive the correction, and is called suspect.
const REPLICATES_MAX: u32 = 19_999;
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const THIRDS: [&str; 3] = ["low", "middle", "high"];

/// (position, index) of the windows of golden and candidate that hold values, ascending.
pub(crate) type Occupied<'a> = [&'a [(usize, i64)]; 2];

/// A division of time into named strata; a window may belong to several sessions.
#[derive(Debug)]
pub(crate) struct Division {
    by: StrataBy,
    names: Vec<String>,
    /// Which windows belong to them, or why time cannot be divided so.
    members: Result<Members, String>,
}

/// How the stratum of a window is told.
#[derive(Debug)]
enum Members {
    Hour,
    Weekday,
    Sessions(Vec<Session>),
    /// The third of each window, by its index: golden's and candidate's.
    Thirds([BTreeMap<i64, usize>; 2]),
}

impl Division {
    fn new(by: StrataBy, strata: &Strata, golden: &StreamStates, candidate: &StreamStates) -> Self {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (names, members) = match by {
            StrataBy::Hour => ((0..24).map(|hour| format!("{hour:02}")).collect(), Ok(Members::Hour)),
            StrataBy::Weekday => (named(&WEEKDAYS), Ok(Members::Weekday)),
            StrataBy::Sessions => {
                let names = strata.sessions.iter().map(|s| s.name.clone()).collect();
                (names, Ok(Members::Sessions(strata.sessions.clone())))
            }
            StrataBy::Volatility | StrataBy::Activity => (named(&THIRDS), thirds_of(by, golden, candidate)),
        };
        Self { by, names, members }
    }

    /// Whether a window of a side (0 golden, 1 candidate) belongs to a stratum.
    fn holds(members: &Members, side: usize, id: i64, window_ns: i64, number: usize) -> bool {
        let start_ns = id.saturating_mul(window_ns);
        let minute = start_ns.rem_euclid(DAY_NS) / (60 * SECOND_NS);
        match members {
            Members::Hour => usize::try_from(minute / 60) == Ok(number),
            // The epoch began on a Thursday.
            Members::Weekday => usize::try_from((start_ns.div_euclid(DAY_NS) + 3).rem_euclid(7)) == Ok(number),
            Members::Sessions(sessions) => {
                sessions.get(number).zip(u32::try_from(minute).ok()).is_some_and(|(s, minute)| s.holds(minute))
            }
            Members::Thirds(thirds) => thirds[side].get(&id) == Some(&number),
        }
    }
}

/// The divisions that the suite asks for, of one pair of streams.
pub(crate) fn divisions(suite: &Suite, golden: &StreamStates, candidate: &StreamStates) -> Vec<Division> {
    let divide = |strata: &Strata| -> Vec<Division> {
        strata.by.iter().map(|by| Division::new(*by, strata, golden, candidate)).collect()
    };
    suite.strata.as_ref().map(divide).unwrap_or_default()
}

/// Thirds of the golden's windows, and where the candidate's lie among them.
fn thirds_of(by: StrataBy, golden: &StreamStates, candidate: &StreamStates) -> Result<Members, String> {
    let id = by.observable().unwrap_or_default();
    let moment = if by == StrataBy::Volatility { 2 } else { 1 };
    let sides = [levels(golden, id, moment), levels(candidate, id, moment)];
    let bounds = thirds(sides[0].iter().map(|(_, level)| *level).collect())
        .ok_or_else(|| format!("the golden has too few windows of {id} to tell strata by {}", by.as_str()))?;
    let third = |level: f64| usize::from(level > bounds[0]) + usize::from(level > bounds[1]);
    Ok(Members::Thirds(sides.map(|levels| levels.into_iter().map(|(id, level)| (id, third(level))).collect())))
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
    for division in &given.pair.divisions {
        let by = division.by.as_str();
        let members = match &division.members {
            _ if given.window_ns >= DAY_NS => Err(format!("windows are days: there are no strata by {by} in them")),
            members => members.as_ref().map_err(Clone::clone),
        };
        match members {
            Ok(members) => out.extend(by_division(given, suite, (division, members), occupied, judge)),
            Err(reason) => {
                let mut finding = given.blank(given.rule.decide);
                finding.parameter = Some(format!("by={by}"));
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
    (division, members): (&Division, &Members),
    occupied: Occupied<'_>,
    judge: &dyn Fn(&Task<'_>) -> Vec<Draft>,
) -> Vec<Draft> {
    let mut judged: BTreeMap<Option<String>, Vec<(String, Draft)>> = BTreeMap::new();
    let (mut left_out, mut unknown) = (Vec::new(), Vec::new());
    let replicates =
        replicates_for(division.names.len() * suite.observables.len().max(1) * given.pair.pairs, suite.alpha);
    for (number, name) in division.names.iter().enumerate() {
        let label = format!("{}={name}", division.by.as_str());
        let of = |side: usize, as_side: usize| -> Vec<(usize, i64)> {
            let is_member = |(_, id): &(usize, i64)| Division::holds(members, as_side, *id, given.window_ns, number);
            occupied[side].iter().copied().filter(is_member).collect()
        };
        // Pairs have one stratum, the golden's.
        let (golden, candidate) = (of(0, 0), of(1, usize::from(!given.pair.aligned)));
        let selection = select(&golden, &candidate, given.window_ns, given.pair.aligned, suite.scope);
        let fewest = selection.golden.len().min(selection.candidate.len());
        if fewest < WINDOWS_MIN {
            // A regime that the candidate hardly knows is no hour that it does not cover: all cannot pass without it.
            if division.by.observable().is_some() && golden.len() >= WINDOWS_MIN {
                unknown.push(label.clone());
            }
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
    let mut worst: Vec<Draft> = judged.into_iter().filter_map(worst).collect();
    for draft in &mut worst {
        if !unknown.is_empty() && draft.finding.strata.iter().all(|s| s.verdict == FindingVerdict::Pass) {
            draft.finding.verdict = FindingVerdict::Inconclusive;
            draft.finding.reason =
                format!("the candidate has fewer than {WINDOWS_MIN} windows in {}", unknown.join(", "));
            draft.open = None;
        }
    }
    worst
}

/// The same observable on fewer windows.
fn task<'a>(given: &Task<'a>, selection: Selection, replicates: u32) -> Task<'a> {
    let mut options = given.options.clone();
    options.replicates = replicates.clamp(options.replicates, REPLICATES_MAX.max(options.replicates));
    options.slow_cosines = slow_cosines(&selection, given.window_ns);
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
