//! Integrity, what the data can resolve, streams, inputs, how numbers are computed, provenance.

use std::fmt::Write as _;

use verismo_suite::FindingVerdict;
use verismo_suite::catalogue::{MarginUnit, all_tests, check};
use verismo_suite::report::{IntegrityRow, Report};

use super::page::{chip, escape, folded, paragraph, prose_table, section};
use crate::number::{bytes, count, duration, measured, optional, percent, utc};
use crate::outline;
use crate::text::parent;

/// Rows that are inside their limits, shown at most.
const QUIET_MAX: usize = 400;
/// Places shown before the rest is folded away.
const EXAMPLES_FIRST: usize = 2;
/// Rows over a limit, shown at most.
const NOTABLE_MAX: usize = 200;

/// The integrity checks: what says something first, with the places where it was seen.
pub(super) fn integrity(report: &Report) -> String {
    let notable = outline::notable_rows(report);
    let mut body = String::new();
    if notable.is_empty() {
        body.push_str(&paragraph("Nothing was counted over a limit."));
    } else {
        body.push_str(&rows(&notable[..notable.len().min(NOTABLE_MAX)], "Checks that counted something"));
        body.push_str(&left_out(notable.len(), NOTABLE_MAX));
    }
    let quiet = outline::other_rows(report, &notable);
    if !quiet.is_empty() {
        let mut list = rows(&quiet[..quiet.len().min(QUIET_MAX)], "Checks that counted nothing");
        list.push_str(&left_out(quiet.len(), QUIET_MAX));
        body.push_str(&folded(&format!("{} checks that counted nothing, or do not apply", quiet.len()), &list, false));
    }
    section("integrity", "Integrity", &body)
}

fn left_out(all: usize, shown: usize) -> String {
    let more = all.saturating_sub(shown);
    if more == 0 { String::new() } else { paragraph(&format!("{more} more are in report.json.")) }
}

/// A table of integrity rows, with where each was seen.
pub(super) fn rows(rows: &[&IntegrityRow], label: &str) -> String {
    let several = rows.iter().any(|r| rows.first().is_some_and(|first| first.stream != r.stream));
    let cells: Vec<Vec<String>> = rows.iter().map(|r| row(r, several)).collect();
    prose_table(
        label,
        &["check", "verdict", "side", ">count", ">of", ">ratio", "limit", "what, and where first"],
        &cells,
    )
}

fn row(r: &IntegrityRow, with_stream: bool) -> Vec<String> {
    let label = outline::row_label(r);
    let verdict = match label.as_str() {
        "info" => chip(FindingVerdict::NotApplicable, "info"),
        _ => chip(r.verdict, &label),
    };
    let mut what = String::new();
    if let Some(info) = check(&r.check) {
        let _ = write!(what, "<span class=\"mut\">{}.</span>", escape(info.description));
    }
    if !r.reason.is_empty() {
        let _ = write!(what, " {}", escape(&outline::ended(&r.reason)));
    }
    if let Some(worst) = r.worst.filter(|w| *w != 0 && r.count > 0) {
        let _ = write!(what, " Worst: {worst}.");
    }
    let mut places = r.examples.iter().map(|e| format!("<br><code>{}</code>", escape(&outline::position(e))));
    what.extend(places.by_ref().take(EXAMPLES_FIRST));
    let rest: String = places.collect();
    if !rest.is_empty() {
        let more = r.examples.len() - EXAMPLES_FIRST;
        let _ = write!(what, "<details class=\"in\"><summary>{more} more places</summary><div>{rest}</div></details>");
    }
    let stream = if with_stream && !r.stream.is_empty() { format!(" {}", escape(&r.stream)) } else { String::new() };
    vec![
        format!("<b>{}</b>", escape(&r.check)),
        verdict,
        format!("{}{stream}", r.side.as_str()),
        count(r.count),
        if r.total > 0 { count(r.total) } else { "-".to_owned() },
        r.ratio.map_or_else(|| "-".to_owned(), percent),
        format!("<span class=\"nw\">{}</span>", escape(&r.limit)),
        what,
    ]
}

/// What a golden of this length can resolve.
pub(super) fn resolution(report: &Report) -> String {
    if report.mde.is_empty() {
        return String::new();
    }
    const MOST: usize = 200;
    let several = report.streams.len() > 1;
    let cells: Vec<Vec<String>> = report
        .mde
        .iter()
        .take(MOST)
        .map(|m| {
            let reach = if m.out_of_reach { "<b>Out of reach.</b> " } else { "" };
            let stream = if several { format!(" <small>{}</small>", escape(&m.stream)) } else { String::new() };
            vec![
                format!("{}{stream}", escape(&m.observable)),
                m.test.to_string(),
                measured(m.margin),
                optional(m.resolvable_margin),
                optional(m.mde),
                format!("{reach}{}", escape(&outline::ended(&m.text))),
            ]
        })
        .collect();
    let intro = "A faithful candidate passes at the resolvable margin in about four runs of five, and an effect of the size in \
                 the next column fails in about four runs of five. A margin below the resolvable one stays open whatever the candidate.";
    let list = prose_table(
        "What these data can resolve",
        &["observable", "test", ">margin", ">resolvable", ">smallest FAIL", "in words"],
        &cells,
    );
    let body = format!(
        "{}{}",
        paragraph(intro),
        folded("Observable by observable", &(list + &left_out(report.mde.len(), MOST)), false)
    );
    section("resolution", "What these data can resolve", &body)
}

/// Streams and how they were paired, and what was read.
pub(super) fn inputs(report: &Report) -> String {
    let side = |name: &Option<String>| name.as_deref().map_or_else(|| "absent".to_owned(), escape);
    let span = |ns: Option<(i64, i64)>| {
        ns.map_or_else(
            || "-".to_owned(),
            |(from, to)| format!("{}<br>{}", utc(from), duration(to.saturating_sub(from) as f64 / 1e9)),
        )
    };
    let streams: Vec<Vec<String>> = report
        .streams
        .iter()
        .map(|s| {
            vec![
                format!("{}<br>{}", side(&s.golden), side(&s.candidate)),
                format!("{}: {}", s.pairing.as_str(), escape(&outline::ended(&s.pairing_reason))),
                duration(s.window_s),
                format!("{}<br>{}", count(s.golden_events), count(s.candidate_events)),
                s.overlap.map_or_else(|| "-".to_owned(), percent),
                span(s.golden_span_ns),
                span(s.candidate_span_ns),
            ]
        })
        .collect();
    let mut body = String::new();
    if !streams.is_empty() {
        body.push_str(&prose_table(
            "Streams",
            &["golden, candidate", "matched", ">window", ">events", ">overlap", "golden span", "candidate span"],
            &streams,
        ));
    }
    let files: Vec<Vec<String>> = report
        .inputs
        .iter()
        .map(|i| {
            let paths: Vec<String> = i.paths.iter().map(|p| format!("<code>{}</code>", escape(p))).collect();
            vec![
                i.side.as_str().to_owned(),
                paths.join("<br>"),
                escape(&i.format),
                count(i.files),
                bytes(i.bytes),
                count(i.messages),
                count(i.events),
                format!("<code>{}</code>", escape(&i.digest)),
            ]
        })
        .collect();
    body.push_str(&prose_table(
        "Inputs",
        &["side", "paths", "format", ">files", ">size", ">messages", ">events", "digest of the states"],
        &files,
    ));
    for input in report.inputs.iter().filter(|i| !i.ignored.is_empty()) {
        const MOST: usize = 100;
        let items: String = input
            .ignored
            .iter()
            .take(MOST)
            .map(|i| format!("<li><code>{}</code>: {}</li>", escape(&i.path), escape(&i.reason)))
            .collect();
        let n = input.ignored.len();
        let (files, were) = if n == 1 { ("file", "was") } else { ("files", "were") };
        let title = format!("{n} {files} of the {} {were} not read", input.side.as_str());
        let list = format!("<ul>{items}</ul>{}", left_out(input.ignored.len(), MOST));
        body.push_str(&folded(&title, &list, false));
    }
    section("inputs", "Inputs", &body)
}

/// How the numbers were computed.
pub(super) fn method(report: &Report) -> String {
    let mut body = String::from(
        "<p>Every finding is an <b>effect</b> with an <b>interval</b> and a <b>margin</b>: PASS when the whole interval lies inside \
         the margin, FAIL when it lies outside, otherwise INCONCLUSIVE. The interval comes from how windows of time scatter, so it \
         knows that messages depend on each other; a classical p-value (<b>p</b>) takes them for independent, stands beside it \
         for reference and decides nothing. A test in parentheses informs.</p>\n<dl>\n",
    );
    for (word, text) in [
        ("certified", "where the exact statistic lies, given the cells in which values are counted"),
        ("resolution", "margin at which a faithful candidate would pass in about four runs of five"),
        (
            "heterogeneity",
            "by how much the golden differs from itself over time, noise removed; raises the bar for FAIL only",
        ),
        ("smallest FAIL", "smallest effect that these data call FAIL in about four runs of five"),
        ("n eff", "what the observations are worth as independent ones, of the smaller side"),
        (
            "p of FAIL",
            "probability of such data if the effect were at most the margin, Holm-adjusted for the number of findings",
        ),
    ] {
        let _ = writeln!(body, "<dt>{}</dt><dd>{}</dd>", escape(word), escape(text));
    }
    body.push_str("</dl>\n<h3>Tests</h3>\n<dl>\n");
    for test in all_tests().filter(|t| report.findings.iter().any(|f| f.test == t.id)) {
        let unit = match test.margin_unit {
            MarginUnit::Effect => "a number without unit",
            MarginUnit::GoldenScale => "interquartile ranges of the golden in the suite, here in the observable's unit",
        };
        let _ = writeln!(
            body,
            "<dt id=\"t-{}\">{}</dt><dd>{}: {}. Margin: {unit}. <span class=\"mut\">{}</span></dd>",
            test.id,
            test.id,
            escape(test.title),
            escape(test.formula),
            escape(test.reference)
        );
    }
    body.push_str("</dl>\n");
    section("method", "How the numbers were computed", &body)
}

/// Versions, settings, digests and times.
pub(super) fn provenance(report: &Report) -> String {
    let p = &report.provenance;
    let t = &report.timing;
    let mut body = String::from("<dl>\n");
    let mut entry = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(body, "<dt>{}</dt><dd>{value}</dd>", escape(name));
        }
    };
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("<code>{}</code>", escape(text)) };
    entry("digest of the run", code(&report.digest));
    entry("suite", escape(&report.suite));
    entry("digest of the suite", code(&report.suite_digest));
    entry("scope", report.scope.as_str().to_owned());
    entry("verismo", escape(&p.version));
    entry("judging recipe", escape(&p.recipe));
    entry("judged again from the states of run", code(parent(report).unwrap_or_default()));
    for (name, value) in &p.settings {
        entry(&format!("setting {name}"), escape(value));
    }
    entry("read", format!("{} messages, {} events, {}", count(t.messages), count(t.events), bytes(t.bytes_read)));
    let stages: Vec<String> = t.stages.iter().map(|(stage, s)| format!("{} {}", escape(stage), duration(*s))).collect();
    let rate = count(t.messages_per_second.max(0.0) as u64);
    let stages = if stages.is_empty() { String::new() } else { format!(" ({})", stages.join(", ")) };
    entry("time", format!("{}{stages}: {rate} messages/s", duration(t.seconds)));
    body.push_str("</dl>\n<p class=\"mut\">Equal content and suite give equal digests, on every machine. The same numbers, without figures, are in report.json.</p>\n");
    section("provenance", "Provenance", &body)
}
