//! The verdict, why, and what next.

use std::fmt::Write as _;

use verismo_suite::report::{Report, Side};
use verismo_suite::suite::Scope;
use verismo_suite::{FindingVerdict, Severity, Verdict};

use super::overview::Subject;
use super::page::{banner, chip, escape, folded, paragraph, prose};
use crate::number::{bytes, count, duration, percent};
use crate::outline::{self, Reason};

/// Reasons shown before the rest is folded away.
const REASONS_FIRST: usize = 3;
/// Reasons listed at most.
const REASONS_MAX: usize = 60;

/// Verdict, reasons, next step and figures of the run.
pub(super) fn head(report: &Report, subjects: &[Subject<'_>]) -> String {
    let mut out = banner(report.verdict, sentence(report.verdict));
    out.push_str(&paragraph(&report.summary));
    out.push_str(&why(report, subjects));
    out.push_str(&next(report));
    out.push_str(&facts(report, subjects));
    out
}

fn sentence(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "The candidate agrees with the golden.",
        Verdict::Fail => "The candidate differs from the golden.",
        Verdict::Inconclusive => "These data do not decide.",
        Verdict::Error => "No verdict is possible on these data.",
    }
}

fn why(report: &Report, subjects: &[Subject<'_>]) -> String {
    let reasons = outline::reasons(report);
    if reasons.is_empty() {
        return nearest(report);
    }
    let items = |reasons: &[Reason]| -> String { reasons.iter().map(|r| item(r, subjects)).collect() };
    let first = reasons.len().min(REASONS_FIRST);
    let title = if first == 1 { "Why" } else { "Why, most important first" };
    let mut out = format!("<h2 id=\"why\">{title}</h2>\n<ol class=\"why\">{}</ol>\n", items(&reasons[..first]));
    let rest = &reasons[first..reasons.len().min(REASONS_MAX)];
    if !rest.is_empty() {
        let left = reasons.len() - first - rest.len();
        let more = if left > 0 { format!("<p>And {left} more below.</p>") } else { String::new() };
        let list = format!("<ol class=\"why\" start=\"{}\">{}</ol>{more}", first + 1, items(rest));
        out.push_str(&folded(
            &format!("{} more reason{}", reasons.len() - first, if reasons.len() - first == 1 { "" } else { "s" }),
            &list,
            false,
        ));
    }
    out
}

/// A reason, with a link to the part that shows it.
fn item(reason: &Reason, subjects: &[Subject<'_>]) -> String {
    let name = reason.subject.split_whitespace().next().unwrap_or_default();
    let shown = subjects.iter().find(|s| {
        let f = s.deciding();
        f.observable == name && f.verdict == reason.verdict && outline::ended(&f.reason) == reason.sentence
    });
    let place = shown.map_or_else(|| "integrity".to_owned(), |s| format!("o{}", s.number));
    let evidence = if reason.evidence.is_empty() {
        String::new()
    } else {
        format!("<span class=\"ev\">{}</span>", escape(&reason.evidence))
    };
    format!(
        "<li>{} <a href=\"#{place}\">{}</a>: {}{evidence}</li>\n",
        chip(reason.verdict, reason.verdict.as_str()),
        escape(&reason.subject),
        escape(&reason.sentence)
    )
}

/// For a PASS: how near it was.
fn nearest(report: &Report) -> String {
    let Some((finding, share)) = outline::nearest_to_margin(report) else { return String::new() };
    let text = if share > 0.0 {
        format!(
            "Nearest to its margin: {} ({}), whose interval uses {} of it.",
            finding.observable,
            outline::test_name(finding),
            percent(share)
        )
    } else {
        "Every deciding observable is exactly equal.".to_owned()
    };
    paragraph(&text)
}

fn next(report: &Report) -> String {
    let Some(step) = outline::next_step(report) else { return String::new() };
    let mut letters = step.chars();
    let step: String = letters.next().map_or(String::new(), |c| c.to_uppercase().chain(letters).collect());
    let mut out = format!("<div class=\"next\"><p><b>Next.</b> {}</p>", prose(&step));
    let open: Vec<_> = report
        .findings
        .iter()
        .filter(|f| f.verdict == FindingVerdict::Inconclusive && outline::decides_run(f) && f.needs.is_some())
        .collect();
    if report.verdict == Verdict::Inconclusive && open.len() > 1 {
        out.push_str("<p>What each open observable needs:</p><ul>");
        for f in open.iter().take(20) {
            let needs = f.needs.as_ref().map(|n| outline::ended(&n.text)).unwrap_or_default();
            let _ = write!(
                out,
                "<li>{} ({}): {}</li>",
                escape(&f.observable),
                escape(&outline::test_name(f)),
                escape(&needs)
            );
        }
        out.push_str("</ul>");
        if open.len() > 20 {
            let _ = write!(out, "<p>And {} more below.</p>", open.len() - 20);
        }
    }
    out.push_str("</div>\n");
    out
}

/// What was compared, in numbers.
fn facts(report: &Report, subjects: &[Subject<'_>]) -> String {
    let mut items: Vec<(String, String)> = Vec::new();
    let tally = |verdict: FindingVerdict| subjects.iter().filter(|s| s.deciding().verdict == verdict).count();
    let words = [
        (FindingVerdict::Error, "ERROR"),
        (FindingVerdict::Fail, "FAIL"),
        (FindingVerdict::Inconclusive, "INCONCLUSIVE"),
        (FindingVerdict::Pass, "PASS"),
        (FindingVerdict::NotApplicable, "not applicable"),
    ];
    let counted: Vec<String> = words
        .iter()
        .map(|(v, word)| (tally(*v), word))
        .filter(|(n, _)| *n > 0)
        .map(|(n, w)| format!("{n} {w}"))
        .collect();
    if !counted.is_empty() {
        items.push((counted.join(", "), format!("of {} observables", subjects.len())));
    }
    let over = report.integrity.iter().filter(|r| matches!(r.verdict, FindingVerdict::Fail | FindingVerdict::Error));
    let (over, shown) = over.fold((0, 0), |(over, shown), r| match r.severity {
        Severity::Critical => (over + 1, shown),
        _ => (over, shown + 1),
    });
    let checks = report.integrity.iter().filter(|r| r.verdict != FindingVerdict::NotApplicable).count();
    items.push((
        match (over, shown) {
            (0, 0) => "all inside".to_owned(),
            (0, shown) => format!("{shown} over, as a warning"),
            (over, 0) => format!("{over} over"),
            (over, shown) => format!("{over} over, {shown} as a warning"),
        },
        format!("limits of {checks} integrity checks"),
    ));
    for side in [Side::Golden, Side::Candidate] {
        let inputs = report.inputs.iter().filter(|i| i.side == side);
        let (messages, size) =
            inputs.fold((0_u64, 0_u64), |(m, b), i| (m.saturating_add(i.messages), b.saturating_add(i.bytes)));
        items.push((count(messages), format!("messages of the {} ({})", side.as_str(), bytes(size))));
    }
    if let Some(span) = report.streams.iter().filter_map(|s| s.golden_span_ns).map(|(a, b)| b.saturating_sub(a)).max() {
        items.push((duration(span as f64 / 1e9), "of the golden, longest stream".to_owned()));
    }
    let scope = match report.scope {
        Scope::TheseStretches => "says nothing about other days",
        Scope::Population => "other days included",
    };
    items.push((report.scope.as_str().to_owned(), scope.to_owned()));
    if !report.suite.is_empty() {
        items.push((report.suite.clone(), "suite".to_owned()));
    }
    let list: String = items
        .iter()
        .map(|(value, what)| format!("<li><b>{}</b><span>{}</span></li>", escape(value), escape(what)))
        .collect();
    format!("<ul class=\"facts\">{list}</ul>\n")
}
