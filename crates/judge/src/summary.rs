//! The run's verdict and its sentences.

use verismo_suite::report::{Finding, IntegrityRow, Side};
use verismo_suite::suite::{Scope, Suite};
use verismo_suite::verdict::{FindingVerdict, Severity, Verdict};

/// Verdict of a run: the worst of the critical deciding findings and the critical integrity rows. Without any critical
/// deciding finding that says something there is nothing to pass on, and the run is an ERROR; a suite of checks alone, which
/// compares no law, is decided by the rows.
pub fn run_verdict(findings: &[Finding], integrity: &[IntegrityRow], checks_alone: bool) -> Verdict {
    let deciding = findings.iter().filter(|f| f.deciding && f.severity == Severity::Critical);
    let found = Verdict::worst_of(deciding.filter_map(|f| f.verdict.as_run_verdict()));
    let rows = integrity.iter().filter(|r| r.severity == Severity::Critical);
    let rows = Verdict::worst_of(rows.filter_map(|r| r.verdict.as_run_verdict()));
    match (found, rows) {
        (Some(found), Some(rows)) => found.worst(rows),
        (Some(found), None) => found,
        // A stream that is missing fails; an empty comparison does not pass.
        (None, Some(Verdict::Fail)) => Verdict::Fail,
        (None, Some(rows)) if checks_alone => rows,
        (None, _) => Verdict::Error,
    }
}

/// Sentences for people; the first names the scope.
pub(crate) fn summary(verdict: Verdict, suite: &Suite, findings: &[Finding], integrity: &[IntegrityRow]) -> String {
    let deciding: Vec<&Finding> = findings.iter().filter(|f| f.deciding && f.severity == Severity::Critical).collect();
    let rows: Vec<&IntegrityRow> = integrity.iter().filter(|r| r.severity == Severity::Critical).collect();
    let judged = deciding.iter().filter(|f| f.verdict != FindingVerdict::NotApplicable).count();
    let first = match (suite.scope, verdict) {
        _ if suite.is_checks_alone() => checks_alone(verdict, &rows),
        (Scope::TheseStretches, Verdict::Pass) => format!(
            "On these stretches of data, and nothing is said about others, the candidate agrees with the golden: {judged} of {judged} deciding findings lie inside their margins."
        ),
        (Scope::TheseStretches, Verdict::Fail) => {
            "On these stretches of data, and nothing is said about others, the candidate differs from the golden."
                .to_owned()
        }
        (Scope::TheseStretches, Verdict::Inconclusive) => {
            "On these stretches of data, and nothing is said about others, the data do not decide.".to_owned()
        }
        (Scope::Population, Verdict::Pass) => format!(
            "For the population these data stand for, other days included, the candidate agrees with the golden: {judged} of {judged} deciding findings lie inside their margins."
        ),
        (Scope::Population, Verdict::Fail) => {
            "For the population these data stand for, other days included, the candidate differs from the golden."
                .to_owned()
        }
        (Scope::Population, Verdict::Inconclusive) => {
            "For the population these data stand for, other days included, the data do not decide.".to_owned()
        }
        (Scope::TheseStretches, Verdict::Error) => "On these stretches of data no verdict is possible.".to_owned(),
        (Scope::Population, Verdict::Error) => {
            "For the population these data stand for no verdict is possible.".to_owned()
        }
    };
    let mut sentences = vec![first];
    for wanted in [FindingVerdict::Error, FindingVerdict::Fail, FindingVerdict::Inconclusive] {
        let names: Vec<String> = rows
            .iter()
            .filter(|r| r.verdict == wanted)
            .map(|r| row_name(r))
            .chain(deciding.iter().filter(|f| f.verdict == wanted).map(|f| finding_name(f)))
            .collect();
        if !names.is_empty() {
            sentences.push(format!("{wanted}: {}.", listed(names)));
        }
    }
    if judged == 0 && !suite.is_checks_alone() {
        sentences.push("No deciding observable could be compared.".to_owned());
    }
    sentences.join(" ")
}

/// What checks alone can say.
fn checks_alone(verdict: Verdict, rows: &[&IntegrityRow]) -> String {
    let broken =
        rows.iter().filter(|r| r.verdict != FindingVerdict::Pass && r.verdict != FindingVerdict::NotApplicable).count();
    match verdict {
        Verdict::Pass => format!("All {} critical checks lie inside their limits; no law was compared.", rows.len()),
        Verdict::Error => "No verdict is possible.".to_owned(),
        _ => format!("{broken} of {} critical checks are over their limits; no law was compared.", rows.len()),
    }
}

fn row_name(row: &IntegrityRow) -> String {
    match row.side {
        Side::Golden => format!("{} of the golden", row.check),
        _ => row.check.clone(),
    }
}

fn finding_name(finding: &Finding) -> String {
    let parameter = finding.parameter.as_ref().map_or(String::new(), |p| format!(" at {p}"));
    format!("{}{parameter}", finding.observable)
}

/// At most six names, each once.
fn listed(mut names: Vec<String>) -> String {
    const MOST: usize = 6;
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    let list = names.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}
