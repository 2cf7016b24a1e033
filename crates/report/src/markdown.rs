//! The report as Markdown: everything the JSON says that a person would read.

use std::fmt::Write as _;

use verismo_suite::report::{Finding, Input, IntegrityRow, Report, StreamPair};
use verismo_suite::{FindingVerdict, Verdict};

use crate::layout::clean;
use crate::number::{bytes, count, duration, interval, measured, optional, p_value, percent};
use crate::outline;
use crate::text::parent;

/// The report as a Markdown document (tables in the notation of GitHub).
pub fn markdown(report: &Report) -> String {
    let mut out = format!("# {}: candidate against golden\n\n{}\n", report.verdict, prose(&report.summary));
    push_reasons(&mut out, report);
    push_findings(&mut out, report);
    push_integrity(&mut out, report);
    push_resolution(&mut out, report);
    push_streams(&mut out, report);
    push_inputs(&mut out, report);
    push_provenance(&mut out, report);
    out
}

/// Text from the data or the suite, safe as prose and in a table.
///
/// An underscore inside a word and a `>` inside a line mean nothing to Markdown and stay as they are, so that names can be
/// searched for.
pub(crate) fn prose(text: &str) -> String {
    let letters: Vec<char> = clean(text).chars().collect();
    let is_word = |at: Option<usize>| at.and_then(|i| letters.get(i)).is_some_and(|c| c.is_alphanumeric());
    let mut escaped = String::with_capacity(text.len() + 8);
    for (i, &c) in letters.iter().enumerate() {
        match c {
            '_' if is_word(i.checked_sub(1)) && is_word(Some(i + 1)) => escaped.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '>' if i == 0 => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    escaped
}

pub(crate) fn row(out: &mut String, cells: &[String]) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

/// A header line; titles that start with `>` are set to the right.
pub(crate) fn header(out: &mut String, titles: &[&str]) {
    let names: Vec<String> = titles.iter().map(|t| t.trim_start_matches('>').to_owned()).collect();
    let rules: Vec<String> =
        titles.iter().map(|t| if t.starts_with('>') { "---:" } else { "---" }.to_owned()).collect();
    row(out, &names);
    row(out, &rules);
}

fn push_reasons(out: &mut String, report: &Report) {
    let reasons = outline::reasons(report);
    if !reasons.is_empty() {
        out.push_str("\n## Why\n\n");
    }
    for reason in &reasons {
        let evidence = if reason.evidence.is_empty() { String::new() } else { format!(" {}", prose(&reason.evidence)) };
        let (subject, sentence) = (prose(&reason.subject), prose(&reason.sentence));
        let _ = writeln!(out, "1. **{}** {subject}: {sentence}{evidence}", reason.verdict);
    }
    if report.verdict != Verdict::Pass
        && let Some(next) = outline::next_step(report)
    {
        let _ = writeln!(out, "\nNext: {}", prose(&next));
    }
}

fn push_findings(out: &mut String, report: &Report) {
    out.push_str("\n## Findings\n\n");
    if report.findings.is_empty() {
        out.push_str("None.\n");
        return;
    }
    out.push_str(
        "One row per observable and test; a verdict in parentheses only informs. The interval is that of the effect; \
         the certified interval says where the exact statistic lies.\n\n",
    );
    header(
        out,
        &[
            "stream",
            "observable",
            "test",
            ">effect",
            "interval",
            ">margin",
            "unit",
            "certified",
            ">resolution",
            ">heterogeneity",
            ">n golden",
            ">n candidate",
            ">n eff",
            ">p",
            ">p of FAIL",
            "windows",
            "verdict",
        ],
    );
    for finding in &report.findings {
        push_finding(out, finding);
    }
    push_evidence(out, report);
}

fn push_finding(out: &mut String, f: &Finding) {
    let pair = |bounds: Option<[f64; 2]>| bounds.map_or_else(|| "-".to_owned(), interval);
    let label = outline::verdict_label(f);
    let is_loud = f.deciding && !matches!(f.verdict, FindingVerdict::Pass | FindingVerdict::NotApplicable);
    row(
        out,
        &[
            prose(&f.stream),
            prose(&f.observable),
            prose(&outline::test_name(f)),
            optional(f.effect),
            pair(f.interval),
            optional(f.margin),
            prose(outline::effect_unit(f)),
            pair(f.certified),
            optional(f.resolution),
            optional(f.heterogeneity),
            count(f.n_golden),
            count(f.n_candidate),
            optional(f.n_eff),
            f.p_value.map_or_else(|| "-".to_owned(), p_value),
            f.p_fail.map_or_else(|| "-".to_owned(), p_value),
            format!("{} {}", prose(&f.stratum), f.windows.map(count).join(" / ")),
            if is_loud { format!("**{}**", prose(&label)) } else { prose(&label) },
        ],
    );
}

/// The sentence of every deciding finding that is not PASS, with where the difference sits.
fn push_evidence(out: &mut String, report: &Report) {
    let open: Vec<&Finding> =
        report.findings.iter().filter(|f| f.deciding && f.verdict != FindingVerdict::Pass).collect();
    if open.is_empty() {
        return;
    }
    out.push_str("\n### Where the differences sit\n\n");
    for f in open {
        let _ = writeln!(
            out,
            "- **{}** ({}, {}): {}, {}",
            prose(&f.observable),
            prose(&outline::test_name(f)),
            prose(&f.stream),
            f.verdict,
            prose(&outline::ended(&f.reason))
        );
        if let Some(gap) = &f.evidence.largest_gap {
            let shares = [gap.golden_share, gap.candidate_share].map(percent);
            let _ = writeln!(
                out,
                "  - The laws are farthest apart at {}: {} of the golden and {} of the candidate are at most that.",
                measured(gap.at),
                shares[0],
                shares[1]
            );
        }
        let range = f.evidence.worst_range.iter().map(|r| &r.text);
        let needs = f.needs.iter().map(|n| &n.text);
        for remark in range.chain(f.evidence.blame.iter().map(|b| &b.text)).chain(needs).chain(&f.notes) {
            if !remark.is_empty() {
                let _ = writeln!(out, "  - {}", prose(&outline::ended(remark)));
            }
        }
    }
}

fn push_integrity(out: &mut String, report: &Report) {
    out.push_str("\n## Integrity\n\n");
    if report.integrity.is_empty() {
        out.push_str("None.\n");
        return;
    }
    header(out, &["check", "side", "stream", ">count", ">of", ">ratio", "limit", "severity", "verdict", "first seen"]);
    let notable = outline::notable_rows(report);
    for r in &notable {
        push_row(out, r);
    }
    for r in outline::other_rows(report, &notable) {
        push_row(out, r);
    }
}

fn push_row(out: &mut String, r: &IntegrityRow) {
    let examples: Vec<String> = r.examples.iter().map(|e| prose(&outline::position(e))).collect();
    let note = if r.reason.is_empty() || !examples.is_empty() { examples.join("<br>") } else { prose(&r.reason) };
    row(
        out,
        &[
            prose(&r.check),
            r.side.as_str().to_owned(),
            prose(&r.stream),
            count(r.count),
            if r.total > 0 { count(r.total) } else { "-".to_owned() },
            r.ratio.map_or_else(|| "-".to_owned(), percent),
            prose(&r.limit),
            r.severity.as_str().to_owned(),
            prose(&outline::row_label(r)),
            note,
        ],
    );
}

fn push_resolution(out: &mut String, report: &Report) {
    if report.mde.is_empty() {
        return;
    }
    out.push_str("\n## What these data can resolve\n\n");
    header(out, &["stream", "observable", "test", ">margin", ">resolvable margin", ">smallest FAIL", "unit", "remark"]);
    for m in &report.mde {
        let remark = if m.out_of_reach { format!("**out of reach.** {}", prose(&m.text)) } else { prose(&m.text) };
        row(
            out,
            &[
                prose(&m.stream),
                prose(&m.observable),
                m.test.to_string(),
                measured(m.margin),
                optional(m.resolvable_margin),
                optional(m.mde),
                prose(&m.unit),
                remark,
            ],
        );
    }
}

fn push_streams(out: &mut String, report: &Report) {
    if report.streams.is_empty() {
        return;
    }
    out.push_str("\n## Streams\n\n");
    header(
        out,
        &[
            "stream",
            "golden",
            "candidate",
            "pairing",
            "window",
            ">golden events",
            ">candidate events",
            ">overlap",
            "golden span",
            "candidate span",
        ],
    );
    for s in &report.streams {
        push_stream(out, s);
    }
}

fn push_stream(out: &mut String, s: &StreamPair) {
    let side = |name: &Option<String>| name.as_deref().map_or_else(|| "absent".to_owned(), prose);
    let span = |ns: Option<(i64, i64)>| {
        ns.map_or_else(
            || "-".to_owned(),
            |(from, to)| {
                let length = (to.saturating_sub(from)) as f64 / 1e9;
                format!("{} + {}", crate::number::utc(from), duration(length))
            },
        )
    };
    row(
        out,
        &[
            prose(&s.name),
            side(&s.golden),
            side(&s.candidate),
            format!("{}: {}", s.pairing.as_str(), prose(&s.pairing_reason)),
            duration(s.window_s),
            count(s.golden_events),
            count(s.candidate_events),
            s.overlap.map_or_else(|| "-".to_owned(), percent),
            span(s.golden_span_ns),
            span(s.candidate_span_ns),
        ],
    );
}

fn push_inputs(out: &mut String, report: &Report) {
    out.push_str("\n## Inputs\n\n");
    header(out, &["side", "paths", "format", ">files", ">size", ">messages", ">events", "digest"]);
    for input in &report.inputs {
        let Input { side, paths, format, files, bytes: size, messages, events, digest, .. } = input;
        let paths: Vec<String> = paths.iter().map(|p| prose(p)).collect();
        let cells = [count(*files), bytes(*size), count(*messages), count(*events), short_digest(digest)];
        let first = [side.as_str().to_owned(), paths.join("<br>"), prose(format)];
        row(out, &[first.as_slice(), cells.as_slice()].concat());
    }
    for input in report.inputs.iter().filter(|i| !i.ignored.is_empty()) {
        let _ = writeln!(out, "\nNot read in the {}:\n", input.side.as_str());
        for ignored in &input.ignored {
            let _ = writeln!(out, "- {}: {}", prose(&ignored.path), prose(&ignored.reason));
        }
    }
}

fn short_digest(digest: &str) -> String {
    let digest = clean(digest);
    if digest.is_empty() { "-".to_owned() } else { format!("`{}`", digest.chars().take(16).collect::<String>()) }
}

fn push_provenance(out: &mut String, report: &Report) {
    let t = &report.timing;
    out.push_str("\n## Provenance\n\n");
    let _ = writeln!(out, "- digest {}", code(&report.digest));
    let _ = writeln!(out, "- suite {} {}", prose(&report.suite), code(&report.suite_digest));
    let _ = writeln!(out, "- scope {}", report.scope.as_str());
    let version = prose(&report.provenance.version);
    let recipe = &report.provenance.recipe;
    let recipe = if recipe.is_empty() { String::new() } else { format!(", judging recipe {}", prose(recipe)) };
    let _ = writeln!(out, "- verismo {version}{recipe}");
    if let Some(parent) = parent(report) {
        let _ = writeln!(out, "- judged again from the states of run {}", code(parent));
    }
    for (name, value) in &report.provenance.settings {
        let _ = writeln!(out, "- setting {}: {}", prose(name), prose(value));
    }
    let _ = writeln!(
        out,
        "- {} messages ({}), {} events in {}: {} messages/s",
        count(t.messages),
        bytes(t.bytes_read),
        count(t.events),
        duration(t.seconds),
        count(t.messages_per_second.max(0.0) as u64)
    );
    for (stage, seconds) in &t.stages {
        let _ = writeln!(out, "  - {}: {}", prose(stage), duration(*seconds));
    }
}

pub(crate) fn code(text: &str) -> String {
    let text = clean(text).replace('`', "'");
    if text.is_empty() { "-".to_owned() } else { format!("`{text}`") }
}
