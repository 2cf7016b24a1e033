//! What matters most in a report, in order: the same for every format.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use verismo_suite::catalogue::TestId;
use verismo_suite::report::{Finding, IntegrityRow, Needs, Report, Side};
use verismo_suite::{FindingVerdict, Severity, Verdict};

use crate::layout::clean;
use crate::number;

/// Why a run got its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The verdict of the row it comes from.
    pub verdict: FindingVerdict,
    /// The observable or the check.
    pub subject: String,
    /// A sentence, without subject and stream.
    pub sentence: String,
    /// Where the difference sits, or where it was seen first; may be empty.
    pub evidence: String,
}

/// The rows that decide the run and are not PASS, most important first: ERROR, then FAIL, then INCONCLUSIVE; findings by how
/// far they are outside. The two first integrity rows of a verdict come before its findings, the others after, so that
/// damage which explains a difference is named first and cannot hide it either.
pub fn reasons(report: &Report) -> Vec<Reason> {
    let several_streams = report.streams.len() > 1;
    let mut ordered = Vec::new();
    for verdict in [FindingVerdict::Error, FindingVerdict::Fail, FindingVerdict::Inconclusive] {
        let mut findings: Vec<&Finding> =
            report.findings.iter().filter(|f| f.verdict == verdict && decides_run(f)).collect();
        findings.sort_by(|a, b| excess(b).partial_cmp(&excess(a)).unwrap_or(Ordering::Equal));
        let rows = report.integrity.iter().filter(|r| r.verdict == verdict && r.severity == Severity::Critical);
        let rows: Vec<Reason> = rows.map(|r| integrity_reason(r, several_streams)).collect();
        let (first, others) = rows.split_at(rows.len().min(2));
        ordered.extend_from_slice(first);
        ordered.extend(findings.into_iter().map(|f| finding_reason(f, several_streams)));
        ordered.extend_from_slice(others);
    }
    ordered
}

/// Whether the verdict of this finding reaches the verdict of the run.
pub fn decides_run(finding: &Finding) -> bool {
    finding.deciding && finding.severity == Severity::Critical
}

/// How far the effect lies outside its margin, as a ratio; for an open finding, how far its interval reaches over it.
pub(crate) fn excess(finding: &Finding) -> f64 {
    let margin = finding.margin.unwrap_or(f64::MIN_POSITIVE).abs().max(f64::MIN_POSITIVE);
    match (finding.interval, finding.effect) {
        (Some([low, high]), _) if finding.verdict == FindingVerdict::Inconclusive => low.abs().max(high.abs()) / margin,
        (Some([low, high]), _) => low.max(-high).max(0.0) / margin,
        (None, Some(effect)) => effect.abs() / margin,
        (None, None) => f64::MAX,
    }
}

fn on_stream(stream: &str, several_streams: bool) -> String {
    if several_streams && !stream.is_empty() { format!(" on {}", clean(stream)) } else { String::new() }
}

fn finding_reason(finding: &Finding, several_streams: bool) -> Reason {
    let range = finding.evidence.worst_range.iter().map(|r| &r.text);
    let blame = finding.evidence.blame.iter().take(1).map(|b| &b.text);
    Reason {
        verdict: finding.verdict,
        subject: format!(
            "{} ({}){}",
            clean(&finding.observable),
            test_name(finding),
            on_stream(&finding.stream, several_streams)
        ),
        sentence: ended(&finding.reason),
        evidence: sentences(range.chain(blame)),
    }
}

fn integrity_reason(row: &IntegrityRow, several_streams: bool) -> Reason {
    let side = match row.side {
        Side::Both => String::new(),
        side => format!(" in the {}", side.as_str()),
    };
    let sentence = if row.reason.is_empty() { ended(&counted(row)) } else { ended(&row.reason) };
    Reason {
        verdict: row.verdict,
        subject: format!("{}{side}{}", clean(&row.check), on_stream(&row.stream, several_streams)),
        sentence,
        evidence: row.examples.first().map(|e| format!("First at {}.", position(e))).unwrap_or_default(),
    }
}

/// `12 of 3,400 (0.353 %), limit ratio <= 0.001`.
pub fn counted(row: &IntegrityRow) -> String {
    let mut text = number::count(row.count);
    if row.total > 0 {
        text.push_str(&format!(" of {}", number::count(row.total)));
    }
    if let Some(ratio) = row.ratio {
        text.push_str(&format!(" ({})", number::percent(ratio)));
    }
    format!("{text}, limit {}", clean(&row.limit))
}

/// Findings by stream, streams in the order in which findings name them.
pub fn by_stream(findings: &[Finding]) -> Vec<(&str, Vec<&Finding>)> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut streams: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in findings {
        let stream = finding.stream.as_str();
        let place = *places.entry(stream).or_insert(streams.len());
        match streams.get_mut(place) {
            Some((_, findings)) => findings.push(finding),
            None => streams.push((stream, vec![finding])),
        }
    }
    streams
}

/// The rows that are not among `rows`.
pub fn other_rows<'a>(report: &'a Report, rows: &[&IntegrityRow]) -> Vec<&'a IntegrityRow> {
    let among: std::collections::BTreeSet<*const IntegrityRow> = rows.iter().map(|r| std::ptr::from_ref(*r)).collect();
    report.integrity.iter().filter(|r| !among.contains(&std::ptr::from_ref(*r))).collect()
}

/// `file:line: what was found`.
pub fn position(example: &verismo_suite::report::Example) -> String {
    let place = match (example.source.is_empty(), example.position) {
        (true, 0) => String::new(),
        (true, n) => format!("row {n}"),
        (false, 0) => clean(&example.source),
        (false, n) => format!("{}:{n}", clean(&example.source)),
    };
    match (place.is_empty(), example.detail.is_empty()) {
        (true, _) => clean(&example.detail),
        (false, true) => place,
        (false, false) => format!("{place}: {}", clean(&example.detail)),
    }
}

/// `text`, cleaned, with a full stop at its end.
pub fn ended(text: &str) -> String {
    let mut text = clean(text.trim_end());
    if !text.is_empty() && !text.ends_with(['.', '!', '?', ':']) {
        text.push('.');
    }
    text
}

/// Joins remarks into sentences.
fn sentences<'a>(parts: impl Iterator<Item = &'a String>) -> String {
    let mut text = String::new();
    for part in parts.filter(|p| !p.is_empty()) {
        if !text.is_empty() {
            text.push(' ');
        }
        let part = ended(part);
        let mut letters = part.chars();
        if let Some(first) = letters.next() {
            text.extend(first.to_uppercase());
            text.push_str(letters.as_str());
        }
    }
    text
}

/// `ks`, `acf lag=5`.
pub fn test_name(finding: &Finding) -> String {
    match &finding.parameter {
        Some(parameter) => format!("{} {}", finding.test, clean(parameter)),
        None => finding.test.to_string(),
    }
}

/// The unit of the effect: that of the observable where the test measures in it, none for pure numbers.
pub fn effect_unit(finding: &Finding) -> &str {
    match finding.test {
        TestId::W1 | TestId::Mean | TestId::Quantile => &finding.unit,
        _ => "",
    }
}

/// The word for the verdict of a finding, with its weight where that matters: `PASS`, `FAIL`, `FAIL, warn`, and `(FAIL)` for a test
/// that only informs.
pub fn verdict_label(finding: &Finding) -> String {
    match (finding.deciding, finding.severity) {
        (false, _) => format!("({})", finding.verdict),
        (true, Severity::Critical) => finding.verdict.to_string(),
        (true, _) if matches!(finding.verdict, FindingVerdict::Pass | FindingVerdict::NotApplicable) => {
            finding.verdict.to_string()
        }
        (true, severity) => format!("{}, {severity}", finding.verdict),
    }
}

/// What would decide an open run: of the findings that keep it open, the one that needs most.
pub fn most_needed(report: &Report) -> Option<(&Finding, &Needs)> {
    let open = report.findings.iter().filter(|f| f.verdict == FindingVerdict::Inconclusive && decides_run(f));
    let needed = |needs: &Needs| needs.candidate_windows.max(needs.golden_windows).unwrap_or(u64::MAX);
    open.filter_map(|f| Some((f, f.needs.as_ref()?))).max_by_key(|(_, needs)| needed(needs))
}

/// The deciding finding that is nearest to its margin, with the share of the margin that its interval uses.
pub fn nearest_to_margin(report: &Report) -> Option<(&Finding, f64)> {
    let passed = report.findings.iter().filter(|f| f.verdict == FindingVerdict::Pass && decides_run(f));
    // Under a policy of one direction an interval may reach as far as it likes on the other side.
    let share = |f: &Finding| {
        f.policy.is_usual().then_some(())?;
        let (margin, [low, high]) = (f.margin?, f.interval?);
        (margin > 0.0).then(|| low.abs().max(high.abs()) / margin)
    };
    passed.filter_map(|f| Some((f, share(f)?))).max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The integrity rows that say something: over a limit, or counted at all; worst first.
pub fn notable_rows(report: &Report) -> Vec<&IntegrityRow> {
    let rank = |row: &IntegrityRow| match (row.verdict, row.severity) {
        (FindingVerdict::Error, Severity::Critical) => 0,
        (FindingVerdict::Fail, Severity::Critical) => 1,
        (FindingVerdict::Inconclusive, Severity::Critical) => 2,
        (FindingVerdict::Error | FindingVerdict::Fail | FindingVerdict::Inconclusive, _) => 3,
        _ => 4,
    };
    let says_something = |r: &&IntegrityRow| rank(r) < 4 || (r.count > 0 && r.verdict != FindingVerdict::NotApplicable);
    let mut rows: Vec<&IntegrityRow> = report.integrity.iter().filter(says_something).collect();
    rows.sort_by_key(|r| rank(r));
    rows
}

/// The verdict in words, as the first word of a sentence that the scope completes.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::Error => "ERROR",
    }
}

/// The word for the verdict of an integrity row, with its weight: `FAIL`, `FAIL, warn`; `info` for a count that only informs.
pub fn row_label(row: &IntegrityRow) -> String {
    match (row.verdict, row.severity) {
        (FindingVerdict::Pass, Severity::Info) => "info".to_owned(),
        (FindingVerdict::Fail | FindingVerdict::Error, severity) if severity != Severity::Critical => {
            format!("{}, {severity}", row.verdict)
        }
        (verdict, _) => verdict.to_string(),
    }
}

/// What to do next, in a sentence or two; none where nothing is to be done.
pub fn next_step(report: &Report) -> Option<String> {
    let steps = next_steps(report, "REPORT");
    (!steps.is_empty()).then(|| steps.join(" "))
}

/// What to do next, a sentence each, the first one first; `name` is what a command calls the report.
pub fn next_steps(report: &Report, name: &str) -> Vec<String> {
    match report.verdict {
        Verdict::Pass => Vec::new(),
        Verdict::Inconclusive => {
            let Some((finding, needs)) = most_needed(report) else { return Vec::new() };
            let subject = format!("{} ({})", clean(&finding.observable), test_name(finding));
            let id = clean(&finding.observable);
            vec![
                format!("to decide {subject}: {}", ended(&needs.text)),
                format!("`verismo explain {name} {id}` tells what keeps it open."),
            ]
        }
        Verdict::Fail | Verdict::Error => {
            let Some(first) = reasons(report).into_iter().next() else { return Vec::new() };
            let id = first.subject.split_whitespace().next().unwrap_or_default().to_owned();
            let what = if report.verdict == Verdict::Error {
                "clear the first reason, nothing else counts before"
            } else {
                "start with the first reason"
            };
            let mut steps = vec![format!("{what}: `verismo explain {name} {id}` tells its story.")];
            steps.extend(stretch_to_look_at(report));
            steps
        }
    }
}

/// The stretch of time without which a failing finding would pass, of the finding that is farthest outside.
fn stretch_to_look_at(report: &Report) -> Option<String> {
    let mut failing: Vec<&Finding> =
        report.findings.iter().filter(|f| f.verdict == FindingVerdict::Fail && decides_run(f)).collect();
    failing.sort_by(|a, b| excess(b).partial_cmp(&excess(a)).unwrap_or(Ordering::Equal));
    failing.into_iter().find_map(|finding| {
        let blame = finding.evidence.blame.iter().find(|b| b.inside_margin_without)?;
        let when = crate::explain::stretch(blame.from_ns, blame.to_ns);
        Some(format!("Look at {when}: without it {} would pass.", clean(&finding.observable)))
    })
}
