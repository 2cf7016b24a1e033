//! What changed between two reports.

mod show;

use std::collections::BTreeMap;

use verismo_suite::catalogue::TestId;
use verismo_suite::comparison::{
    Change, Comparison, Facts, FindingChange, FindingState, IntegrityChange, IntegrityState, SCHEMA,
};
use verismo_suite::report::{Finding, IntegrityRow, Report, Side};
use verismo_suite::{FindingVerdict, Severity};

use crate::outline;

pub use show::{compare_markdown, compare_text};

/// Compares two reports; the names are what they are called in the result.
///
/// Findings are matched by stream, observable, test and parameter, integrity rows by side, stream and check. The second report
/// is worse if its verdict is; with the same verdict, if something that decides the run is worse, a deciding finding is gone or
/// a deciding check is new and fails.
pub fn compare(before: &Report, before_name: &str, after: &Report, after_name: &str) -> Comparison {
    let findings = findings(before, after);
    let integrity = integrity(before, after);
    let lost = findings.iter().any(|f| f.decides && matches!(f.change, Change::Worse | Change::Gone));
    let damaged = integrity.iter().any(|r| r.decides && is_damage(r));
    let is_worse = after.verdict > before.verdict || (after.verdict == before.verdict && (lost || damaged));
    let mut comparison = Comparison {
        schema: SCHEMA.to_owned(),
        is_worse,
        summary: String::new(),
        before: facts(before, before_name),
        after: facts(after, after_name),
        warnings: warnings(before, after),
        findings,
        integrity,
    };
    comparison.summary = summary(&comparison);
    comparison
}

/// A check that got worse, or that fails and was not there before: a stream that went missing has no row until it does.
fn is_damage(row: &IntegrityChange) -> bool {
    let fails = row.after.as_ref().is_some_and(|s| matches!(s.verdict, FindingVerdict::Fail | FindingVerdict::Error));
    row.change == Change::Worse || (row.change == Change::New && fails)
}

fn facts(report: &Report, name: &str) -> Facts {
    Facts {
        name: name.to_owned(),
        verdict: report.verdict,
        digest: report.digest.clone(),
        suite: report.suite.clone(),
        suite_digest: report.suite_digest.clone(),
        version: report.provenance.version.clone(),
    }
}

fn warnings(before: &Report, after: &Report) -> Vec<String> {
    let mut warnings = Vec::new();
    if before.suite_digest != after.suite_digest {
        warnings.push(format!(
            "the suites differ ({} and {}): a changed verdict may come from another margin",
            name_or(&before.suite, "unnamed"),
            name_or(&after.suite, "unnamed")
        ));
    }
    if before.scope != after.scope {
        warnings.push(format!("the scopes differ: {} and {}", before.scope.as_str(), after.scope.as_str()));
    }
    let golden = |report: &Report| {
        let digests = report.inputs.iter().filter(|i| i.side == Side::Golden).map(|i| i.digest.clone());
        digests.filter(|d| !d.is_empty()).collect::<Vec<_>>()
    };
    let (one, other) = (golden(before), golden(after));
    if !one.is_empty() && !other.is_empty() && one != other {
        warnings.push("the goldens differ: the two candidates were held against other data".to_owned());
    }
    if before.provenance.recipe != after.provenance.recipe {
        warnings.push(format!(
            "the judging recipes differ: {} and {}",
            name_or(&before.provenance.recipe, "unknown"),
            name_or(&after.provenance.recipe, "unknown")
        ));
    }
    warnings
}

fn name_or<'a>(name: &'a str, other: &'a str) -> &'a str {
    if name.is_empty() { other } else { name }
}

/// A row's place in either report.
type Places = (Option<usize>, Option<usize>);

/// Merges two maps of places into one list, in the order of the second report, then what only the first has.
fn joined<K: Ord + Clone>(before: BTreeMap<K, usize>, after: BTreeMap<K, usize>) -> Vec<(K, Places)> {
    let gone =
        before.iter().filter(|(key, _)| !after.contains_key(key)).map(|(key, at)| (key.clone(), (Some(*at), None)));
    let kept = after.iter().map(|(key, at)| (key.clone(), (before.get(key).copied(), Some(*at))));
    let mut all: Vec<(K, Places)> = kept.chain(gone).collect();
    all.sort_by_key(|(_, (before, after))| (after.is_none(), after.or(*before)));
    all
}

type FindingKey = (String, String, TestId, Option<String>);

fn findings(before: &Report, after: &Report) -> Vec<FindingChange> {
    let by_key = |report: &'_ Report| -> BTreeMap<FindingKey, usize> {
        let keys = report.findings.iter().enumerate();
        keys.map(|(at, f)| ((f.stream.clone(), f.observable.clone(), f.test, f.parameter.clone()), at)).collect()
    };
    let mut changes: Vec<FindingChange> = joined(by_key(before), by_key(after))
        .into_iter()
        .map(|((stream, observable, test, parameter), (one, other))| {
            let one = one.map(|at| &before.findings[at]);
            let other = other.map(|at| &after.findings[at]);
            let same = one.zip(other).is_some_and(|(a, b)| a.effect == b.effect && a.interval == b.interval);
            FindingChange {
                change: change(one.map(|f| f.verdict), other.map(|f| f.verdict), same),
                stream,
                observable,
                test,
                parameter,
                decides: [one, other].into_iter().flatten().any(outline::decides_run),
                before: one.map(finding_state),
                after: other.map(finding_state),
            }
        })
        .collect();
    changes.sort_by_key(|c| (position(c.change), !c.decides, std::cmp::Reverse(worst(&c.before, &c.after))));
    changes
}

/// How bad the worse of two verdicts is.
fn worst(before: &Option<FindingState>, after: &Option<FindingState>) -> u8 {
    [before, after].into_iter().flatten().map(|state| rank(state.verdict)).max().unwrap_or(0)
}

fn integrity(before: &Report, after: &Report) -> Vec<IntegrityChange> {
    let by_key = |report: &'_ Report| -> BTreeMap<(String, String, Side), usize> {
        let keys = report.integrity.iter().enumerate();
        // A check may have several rows of one side and stream, of trades and of book updates: the worst stands for them.
        let mut by_key: BTreeMap<(String, String, Side), usize> = BTreeMap::new();
        for (at, row) in keys {
            let entry = by_key.entry((row.stream.clone(), row.check.clone(), row.side)).or_insert(at);
            if rank(row.verdict) > rank(report.integrity[*entry].verdict) {
                *entry = at;
            }
        }
        by_key
    };
    let mut changes: Vec<IntegrityChange> = joined(by_key(before), by_key(after))
        .into_iter()
        .map(|((stream, check, side), (one, other))| {
            let one = one.map(|at| &before.integrity[at]);
            let other = other.map(|at| &after.integrity[at]);
            // Nothing of more or fewer rows is still nothing.
            let same = one.zip(other).is_some_and(|(a, b)| a.count == b.count && (a.count == 0 || a.total == b.total));
            IntegrityChange {
                change: change(one.map(|r| r.verdict), other.map(|r| r.verdict), same),
                side,
                stream,
                check,
                decides: [one, other].into_iter().flatten().any(|r| r.severity == Severity::Critical),
                before: one.map(integrity_state),
                after: other.map(integrity_state),
            }
        })
        .collect();
    changes.sort_by_key(|c| (position(c.change), !c.decides));
    changes
}

fn position(change: Change) -> usize {
    Change::ALL.iter().position(|c| *c == change).unwrap_or(Change::ALL.len())
}

fn finding_state(finding: &Finding) -> FindingState {
    FindingState {
        verdict: finding.verdict,
        effect: finding.effect,
        interval: finding.interval,
        margin: finding.margin,
        unit: finding.unit.clone(),
        reason: finding.reason.clone(),
    }
}

fn integrity_state(row: &IntegrityRow) -> IntegrityState {
    IntegrityState { verdict: row.verdict, severity: row.severity, count: row.count, total: row.total }
}

/// PASS is best; what does not apply was not judged.
fn rank(verdict: FindingVerdict) -> u8 {
    match verdict {
        FindingVerdict::Pass => 1,
        FindingVerdict::Inconclusive => 2,
        FindingVerdict::Fail => 3,
        FindingVerdict::Error => 4,
        _ => 0,
    }
}

fn change(before: Option<FindingVerdict>, after: Option<FindingVerdict>, same_numbers: bool) -> Change {
    let judged = |verdict: Option<FindingVerdict>| verdict.map_or(0, rank);
    match (judged(before), judged(after)) {
        (0, 0) => Change::Unchanged,
        (0, _) => Change::New,
        (_, 0) => Change::Gone,
        (a, b) if b > a => Change::Worse,
        (a, b) if b < a => Change::Better,
        _ if same_numbers => Change::Unchanged,
        _ => Change::Moved,
    }
}

/// Changes by kind, of findings and rows that decide the run.
fn counts(comparison: &Comparison) -> BTreeMap<Change, usize> {
    let findings = comparison.findings.iter().filter(|f| f.decides).map(|f| f.change);
    let rows = comparison.integrity.iter().filter(|r| r.decides).map(|r| r.change);
    let mut counts = BTreeMap::new();
    for change in findings.chain(rows) {
        *counts.entry(change).or_default() += 1;
    }
    counts
}

fn in_words(change: Change) -> &'static str {
    match change {
        Change::Moved => "with other numbers",
        other => other.as_str(),
    }
}

fn summary(comparison: &Comparison) -> String {
    let counts = counts(comparison);
    let parts: Vec<String> = Change::ALL
        .iter()
        .filter(|change| **change != Change::Unchanged)
        .filter_map(|change| counts.get(change).map(|n| format!("{n} {}", in_words(*change))))
        .collect();
    let (before, after) = (comparison.before.verdict, comparison.after.verdict);
    let verdict =
        if before == after { format!("The verdict stays {after}") } else { format!("{before} became {after}") };
    if parts.is_empty() {
        return format!("{verdict}; nothing that decides it has changed.");
    }
    format!("{verdict}; of what decides it, {}.", parts.join(", "))
}
