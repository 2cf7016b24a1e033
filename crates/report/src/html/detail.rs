//! One observable: verdict in words, figures, numbers, and how they were computed.

use std::fmt::Write as _;

use verismo_suite::catalogue;
use verismo_suite::report::Finding;
use verismo_suite::{FindingVerdict, Severity};

use super::figures;
use super::overview::Subject;
use super::page::{chip, escape, paragraph, table, verdict_class};
use crate::number::{count, interval, measured, optional, p_value, percent};
use crate::outline;

/// How much of an observable is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// The numbers.
    Numbers,
    /// The numbers and the figure that shows the verdict.
    Essential,
    /// Everything.
    Full,
}

/// The part of one observable, folded away where it has nothing to say.
pub(super) fn detail(subject: &Subject<'_>, depth: Depth, several_streams: bool) -> String {
    let f = subject.deciding();
    let is_loud = !matches!(f.verdict, FindingVerdict::Pass | FindingVerdict::NotApplicable);
    let is_open = is_loud && f.severity == Severity::Critical && depth > Depth::Numbers;
    let stream = if several_streams { format!("<small>{}</small>", escape(&f.stream)) } else { String::new() };
    let mut out = format!(
        "<details class=\"obs\" data-v=\"{}\" data-n=\"{}\"{}><summary>{}<span class=\"ob\">{}</span>{stream}<small>{}</small></summary>\n<div id=\"o{}\">\n",
        verdict_class(f.verdict),
        escape(&f.observable),
        if is_open { " open" } else { "" },
        chip(f.verdict, &outline::verdict_label(f)),
        escape(&f.observable),
        escape(&outline::ended(&f.reason)),
        subject.number,
    );
    if depth > Depth::Numbers {
        out.push_str(&definition(f));
        out.push_str(&evidence(f));
    }
    if let Some(picture) = subject.picture {
        match depth {
            Depth::Full => out.push_str(&figures::all(picture)),
            Depth::Essential => out.push_str(&figures::essential(picture)),
            Depth::Numbers => {}
        }
    }
    out.push_str(&numbers(subject, depth));
    if let Some(text) = subject.picture.filter(|_| depth == Depth::Full).and_then(figures::usual_range) {
        let _ = writeln!(out, "<p class=\"mut\">{}</p>", escape(&text));
    }
    out.push_str("</div></details>\n");
    out
}

/// What the observable is.
fn definition(f: &Finding) -> String {
    let Some(info) = catalogue::observable(&f.observable) else { return String::new() };
    format!(
        "<p>{} <span class=\"mut\">{}. Source: {}.</span></p>\n",
        escape(info.description),
        escape(info.formula),
        escape(info.reference)
    )
}

/// Where the difference sits, what more data would do, and remarks on the noise.
fn evidence(f: &Finding) -> String {
    let mut items: Vec<String> = Vec::new();
    if let Some(gap) = &f.evidence.largest_gap {
        items.push(format!(
            "The laws are farthest apart at {}: {} of the golden and {} of the candidate are at most that.",
            measured(gap.at),
            percent(gap.golden_share),
            percent(gap.candidate_share)
        ));
    }
    items
        .extend(f.evidence.worst_range.iter().map(|r| outline::ended(&format!("Share that differs most: {}", r.text))));
    items.extend(f.evidence.blame.iter().map(|b| capital(&outline::ended(&b.text))));
    items.extend(f.needs.iter().map(|n| outline::ended(&format!("To decide: {}", n.text))));
    items.extend(f.notes.iter().map(|n| capital(&outline::ended(n))));
    items.retain(|i| !i.is_empty());
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.iter().map(|i| format!("<li>{}</li>", escape(i))).collect();
    format!("<ul>{items}</ul>\n")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

const COLUMNS: [&str; 13] = [
    "test",
    "verdict",
    ">effect",
    ">interval",
    ">margin",
    ">statistic",
    ">certified",
    ">resolution",
    ">heterogeneity",
    ">smallest FAIL",
    ">n eff",
    ">p",
    ">p of FAIL",
];

/// Every test of the observable with every number, and the reasons of the tests that only inform.
fn numbers(subject: &Subject<'_>, depth: Depth) -> String {
    let f = subject.deciding();
    let pair = |bounds: Option<[f64; 2]>| bounds.map_or_else(|| "-".to_owned(), interval);
    let rows: Vec<Vec<String>> = subject
        .findings
        .iter()
        .map(|f| {
            vec![
                match depth {
                    Depth::Numbers => escape(&outline::test_name(f)),
                    _ => format!("<a href=\"#t-{}\">{}</a>", f.test, escape(&outline::test_name(f))),
                },
                chip(f.verdict, &outline::verdict_label(f)),
                optional(f.effect),
                pair(f.interval),
                optional(f.margin),
                optional(f.statistic),
                pair(f.certified),
                optional(f.resolution),
                optional(f.heterogeneity),
                optional(f.mde),
                optional(f.n_eff),
                f.p_value.map_or_else(|| "-".to_owned(), p_value),
                f.p_fail.map_or_else(|| "-".to_owned(), p_value),
            ]
        })
        .collect();
    let unit = if f.unit.is_empty() { String::new() } else { format!(" Unit: {}.", f.unit) };
    let coverage = f.coverage.map_or(String::new(), |c| format!(", {} of the golden's windows", percent(c)));
    let base = format!(
        "{} golden and {} candidate observations in {} and {} windows{coverage}, {}.{unit}",
        count(f.n_golden),
        count(f.n_candidate),
        count(f.windows[0]),
        count(f.windows[1]),
        matched(&f.stratum),
    );
    let mut out = table(&format!("Tests of {}", f.observable), &COLUMNS, &rows);
    out.push_str(&paragraph(&base));
    if depth == Depth::Full {
        out.push_str(&in_words(subject));
    }
    out
}

fn matched(stratum: &str) -> String {
    match stratum {
        "paired" => "compared pair by pair".to_owned(),
        "half-hours" => "compared within equal half hours of the day".to_owned(),
        "unmatched" => "compared as whole laws: no half hour of the day is shared".to_owned(),
        "population" => "compared as whole laws".to_owned(),
        "" => "not matched".to_owned(),
        other => format!("matched by {other}"),
    }
}

/// Sentences of the tests that only inform, and why numbers are missing.
fn in_words(subject: &Subject<'_>) -> String {
    let mut items = String::new();
    for f in subject.findings.iter().filter(|f| !f.deciding && !f.reason.is_empty()) {
        let _ = write!(items, "<li>{}: {}</li>", escape(&outline::test_name(f)), escape(&outline::ended(&f.reason)));
    }
    let mut missing: Vec<(String, Vec<String>)> = Vec::new();
    for f in subject.findings {
        for (key, reason) in &f.undefined {
            let name = format!("{} of {}", key.replace('_', " "), outline::test_name(f));
            match missing.iter_mut().find(|(r, _)| r == reason) {
                Some((_, names)) => names.push(name),
                None => missing.push((reason.clone(), vec![name])),
            }
        }
    }
    for (reason, names) in &missing {
        let _ = write!(items, "<li>No {}: {}</li>", escape(&names.join(", ")), escape(&outline::ended(reason)));
    }
    if items.is_empty() {
        return String::new();
    }
    super::page::folded("In words", &format!("<ul>{items}</ul>"), false)
}
