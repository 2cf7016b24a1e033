//! The report for a terminal.

use anstyle::{AnsiColor, Style};
use verismo_suite::report::{Finding, IntegrityRow, Report};
use verismo_suite::{FindingVerdict, Verdict};

use crate::layout::{Align, Cell, Column, Row, clean, paint, table, wrap};
use crate::number::{bytes, count, duration, interval, measured, optional, percent, short_count};
use crate::outline;
use crate::strata::{is_of_strata, strata_text};

/// Reasons shown before the table.
const REASONS_MAX: usize = 3;
/// Observables named in one remark.
const NAMES_MAX: usize = 4;
/// Integrity rows shown; the others are in the other formats.
const INTEGRITY_ROWS_MAX: usize = 12;

/// How the text looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextStyle {
    /// Whether to use ANSI colours.
    pub colour: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Whether to show every test, also the informing ones that agree.
    pub all_tests: bool,
    /// Where the full reports are, for the last line; empty if nowhere.
    pub reports: Vec<String>,
    /// What a command calls the report, for commands that can be copied; where the first of `reports` is if empty.
    pub name: String,
}

impl Default for TextStyle {
    /// Plain, 100 columns, the tests that matter.
    fn default() -> Self {
        Self { colour: false, width: 100, all_tests: false, reports: Vec::new(), name: String::new() }
    }
}

/// The colour of a verdict.
pub fn verdict_style(verdict: FindingVerdict) -> Style {
    let colour = |c: AnsiColor| Style::new().fg_color(Some(c.into()));
    match verdict {
        FindingVerdict::Pass => colour(AnsiColor::Green),
        FindingVerdict::Fail => colour(AnsiColor::Red).bold(),
        FindingVerdict::Inconclusive => colour(AnsiColor::Yellow).bold(),
        FindingVerdict::Error => colour(AnsiColor::Magenta).bold(),
        _ => Style::new().dimmed(),
    }
}

/// The report for a terminal: verdict and scope, the reasons, the findings by observable, the integrity rows that say
/// something, what to do next.
pub fn text(report: &Report, style: &TextStyle) -> String {
    let mut out = String::new();
    push_verdict(&mut out, report, style);
    push_reasons(&mut out, report, style);
    push_findings(&mut out, report, style);
    if report.findings.iter().any(is_of_strata) {
        heading(&mut out, "By stratum", style);
        out.push_str(&strata_text(report, style));
    }
    push_integrity(&mut out, report, style);
    push_end(&mut out, report, style);
    out
}

fn push_verdict(out: &mut String, report: &Report, style: &TextStyle) {
    let word = outline::verdict_word(report.verdict);
    let rest = clean(&report.summary);
    // The judge may start its summary with the verdict; it is said once.
    let rest = rest.strip_prefix(word).map_or(rest.as_str(), |r| r.trim_start_matches([':', ',', '.', ' ']));
    let paragraph = wrap(rest, &format!("{word}  "), style.width);
    let painted = paint(word, verdict_style(report.verdict.into()).bold(), style.colour);
    out.push_str(&paragraph.replacen(word, &painted, 1));
}

fn push_reasons(out: &mut String, report: &Report, style: &TextStyle) {
    let reasons = outline::reasons(report);
    if reasons.is_empty() {
        if report.verdict == Verdict::Pass
            && let Some((finding, share)) = outline::nearest_to_margin(report)
        {
            out.push('\n');
            out.push_str(&wrap(&nearest(finding, share), "", style.width));
        }
        return;
    }
    heading(out, "Why", style);
    for (i, reason) in reasons.iter().take(REASONS_MAX).enumerate() {
        let label = format!("{}, {}: {}", reason.verdict, reason.subject, reason.sentence);
        let paragraph = wrap(&label, &format!("  {}. ", i + 1), style.width);
        let verdict = reason.verdict.as_str();
        out.push_str(&paragraph.replacen(verdict, &paint(verdict, verdict_style(reason.verdict), style.colour), 1));
        if !reason.evidence.is_empty() {
            out.push_str(&wrap(&reason.evidence, "     ", style.width));
        }
    }
    if let Some(more @ 1..) = reasons.len().checked_sub(REASONS_MAX) {
        out.push_str(&format!("     and {more} more below\n"));
    }
}

/// How near a PASS came to its margin.
fn nearest(finding: &Finding, share: f64) -> String {
    if share <= 0.0 {
        return "Every interval is [0, 0]: both sides hold the same values.".to_owned();
    }
    format!(
        "Nearest to its margin: {} ({}), whose interval {} uses {} of {}.",
        clean(&finding.observable),
        outline::test_name(finding),
        finding.interval.map_or_else(|| "-".to_owned(), interval),
        percent(share),
        optional(finding.margin)
    )
}

fn heading(out: &mut String, title: &str, style: &TextStyle) {
    out.push_str(&format!("\n{}\n", paint(title, Style::new().bold(), style.colour)));
}

const fn column(title: &'static str, align: Align, width_min: usize, expendable: u8) -> Column {
    Column { title, align, width_min, expendable }
}

const FINDING_COLUMNS: [Column; 10] = [
    column("observable", Align::Left, 18, 0),
    column("test", Align::Left, 0, 0),
    column("effect", Align::Right, 0, 0),
    column("interval", Align::Left, 0, 1),
    column("margin", Align::Right, 0, 0),
    column("resolves", Align::Right, 0, 4),
    column("unit", Align::Left, 0, 2),
    column("golden", Align::Right, 0, 5),
    column("candidate", Align::Right, 0, 5),
    column("verdict", Align::Left, 0, 0),
];

fn push_findings(out: &mut String, report: &Report, style: &TextStyle) {
    if report.findings.is_empty() {
        return;
    }
    heading(out, "Findings", style);
    let mut rows = Vec::new();
    let mut informing_hidden = 0;
    let streams = outline::by_stream(&report.findings);
    for (stream, findings) in &streams {
        if streams.len() > 1 {
            rows.push(Row::Heading(clean(stream)));
        }
        let mut observable_before = None;
        for finding in findings {
            if is_of_strata(finding) {
                continue;
            }
            if !is_shown(finding, style) {
                informing_hidden += 1;
                continue;
            }
            // Named below with the reason.
            if finding.deciding && finding.verdict == FindingVerdict::NotApplicable {
                continue;
            }
            let is_repeated = observable_before == Some(&finding.observable);
            observable_before = Some(&finding.observable);
            rows.push(finding_row(finding, is_repeated));
        }
    }
    out.push_str(&table(&FINDING_COLUMNS, &rows, style.width, style.colour));
    if rows.iter().any(|r| matches!(r, Row::Cells(c) if c.iter().any(|c| c.text.starts_with('(')))) {
        out.push_str("  (...) informs and decides nothing\n");
    }
    for (reason, observables) in not_applicable(report) {
        let text = format!("NOT_APPLICABLE {}: {reason}", observables.join(", "));
        out.push_str(&wrap(&text, "  ", style.width));
    }
    if informing_hidden > 0 {
        let text = format!("{} that do not fail: see report.md", plural(informing_hidden, "informing test"));
        out.push_str(&format!("  {text}\n"));
    }
}

fn is_shown(finding: &Finding, style: &TextStyle) -> bool {
    finding.deciding || style.all_tests || matches!(finding.verdict, FindingVerdict::Fail | FindingVerdict::Error)
}

fn finding_row(finding: &Finding, is_repeated: bool) -> Row {
    let name = if is_repeated { String::new() } else { clean(&finding.observable) };
    let style = if finding.deciding { verdict_style(finding.verdict) } else { Style::new().dimmed() };
    Row::Cells(vec![
        Cell::new(name),
        Cell::new(outline::test_name(finding)),
        Cell::new(optional(finding.effect)),
        Cell::new(finding.interval.map_or_else(|| "-".to_owned(), interval)),
        Cell::new(optional(finding.margin)),
        Cell::new(finding.resolution.map(measured).unwrap_or_default()),
        Cell::new(clean(outline::effect_unit(finding))),
        Cell::new(short_count(finding.n_golden)),
        Cell::new(short_count(finding.n_candidate)),
        Cell::styled(outline::verdict_label(finding), style),
    ])
}

/// The reasons for NOT_APPLICABLE, each with its observables.
fn not_applicable(report: &Report) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for finding in report.findings.iter().filter(|f| f.deciding && f.verdict == FindingVerdict::NotApplicable) {
        let (reason, observable) = (clean(&finding.reason), clean(&finding.observable));
        match groups.iter_mut().find(|(r, _)| *r == reason) {
            Some((_, observables)) if observables.contains(&observable) => {}
            Some((_, observables)) => observables.push(observable),
            None => groups.push((reason, vec![observable])),
        }
    }
    groups
}

const INTEGRITY_COLUMNS: [Column; 8] = [
    column("check", Align::Left, 17, 0),
    column("side", Align::Left, 0, 0),
    column("stream", Align::Left, 12, 3),
    column("count", Align::Right, 0, 0),
    column("ratio", Align::Right, 0, 2),
    column("limit", Align::Left, 0, 0),
    column("verdict", Align::Left, 0, 0),
    column("first at", Align::Left, 24, 4),
];

fn push_integrity(out: &mut String, report: &Report, style: &TextStyle) {
    let notable = outline::notable_rows(report);
    let clean_rows = report.integrity.iter().filter(|r| r.verdict == FindingVerdict::Pass && r.count == 0).count();
    if report.integrity.is_empty() {
        return;
    }
    heading(out, "Integrity", style);
    if !notable.is_empty() {
        let several_streams = report.streams.len() > 1;
        let rows: Vec<Row> =
            notable.iter().take(INTEGRITY_ROWS_MAX).map(|r| integrity_row(r, several_streams)).collect();
        out.push_str(&table(&INTEGRITY_COLUMNS, &rows, style.width, style.colour));
    }
    let mut last = format!("{} counted nothing", plural(clean_rows, "check"));
    if let Some(more @ 1..) = notable.len().checked_sub(INTEGRITY_ROWS_MAX) {
        last = format!("and {more} more rows; {last}");
    }
    out.push_str(&format!("  {last}\n"));
}

fn integrity_row(row: &IntegrityRow, several_streams: bool) -> Row {
    let style = if row.severity == verismo_suite::Severity::Critical || row.verdict == FindingVerdict::Pass {
        verdict_style(row.verdict)
    } else {
        verdict_style(FindingVerdict::Inconclusive)
    };
    Row::Cells(vec![
        Cell::new(clean(&row.check)),
        Cell::new(row.side.as_str()),
        // One stream needs no name; its column is empty then, and left out.
        Cell::new(if several_streams { clean(&row.stream) } else { String::new() }),
        Cell::new(count(row.count)),
        Cell::new(row.ratio.map_or_else(|| "-".to_owned(), percent)),
        Cell::new(clean(&row.limit)),
        Cell::styled(outline::row_label(row), style),
        Cell::new(row.examples.first().map(outline::position).unwrap_or_default()),
    ])
}

/// `1 check`, `2 checks`.
fn plural(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn push_end(out: &mut String, report: &Report, style: &TextStyle) {
    out.push('\n');
    // The commands can be copied where it is known what the report is called.
    let directory = style.reports.first().and_then(|path| path.rsplit_once('/')).map(|(directory, _)| directory);
    let name = Some(style.name.as_str()).filter(|name| !name.is_empty()).or(directory);
    let steps = outline::next_steps(report, name.unwrap_or("REPORT"));
    for (i, step) in steps.iter().enumerate() {
        out.push_str(&wrap(step, if i == 0 { "Next: " } else { "      " }, style.width));
    }
    let mut unreachable: Vec<String> = Vec::new();
    for name in report.mde.iter().filter(|m| m.out_of_reach).map(|m| clean(&m.observable)) {
        if !unreachable.contains(&name) {
            unreachable.push(name);
        }
    }
    if !unreachable.is_empty() {
        let mut names = unreachable.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = unreachable.len().checked_sub(NAMES_MAX) {
            names.push_str(&format!(" and {more} more"));
        }
        let text = format!("{names}: the suite's margin is finer than this much data can resolve; see report.md.");
        out.push_str(&wrap(&text, "Note: ", style.width));
    }
    out.push_str(&wrap(&what_was_read(report), "", style.width));
    if !style.reports.is_empty() {
        out.push_str(&wrap(&style.reports.join(", "), "Reports: ", style.width));
    }
}
/// What a run read; a rate is one of reading.
fn what_was_read(report: &Report) -> String {
    let timing = &report.timing;
    let (messages, time) = (count(timing.messages), duration(timing.seconds));
    match &report.cache {
        Some(cache) if cache.is_report_reused => {
            format!(
                "Nothing changed since an earlier run: this is its report, of {messages} messages, found in {time}."
            )
        }
        Some(_) if timing.bytes_read == 0 => match parent(report) {
            Some(parent) => {
                let parent = clean(parent);
                format!(
                    "Read nothing: judged again from the states of run {parent}, of {messages} messages, in {time}."
                )
            }
            None => format!("Read nothing: the states of {messages} messages were kept; judged in {time}."),
        },
        _ => {
            let rate = short_count(timing.messages_per_second.max(0.0) as u64);
            format!("Read {messages} messages ({}) in {time}, {rate} messages/s.", bytes(timing.bytes_read))
        }
    }
}

/// The run that was judged again.
pub(crate) fn parent(report: &Report) -> Option<&str> {
    report.provenance.run.as_ref()?.parent.as_deref()
}
