//! A comparison of two reports as text and as Markdown.

use anstyle::Style;
use verismo_suite::FindingVerdict;
use verismo_suite::catalogue::TestId;
use verismo_suite::comparison::{Change, Comparison, FindingChange, FindingState, IntegrityChange, IntegrityState};

use crate::layout::{Align, Cell, Column, Row, clean, paint, table, wrap};
use crate::number::{count, interval, measured, optional, percent};
use crate::text::{TextStyle, verdict_style};

/// Rows shown of one kind of change; the others are in the other formats.
const ROWS_MAX: usize = 20;

const fn column(title: &'static str, align: Align, width_min: usize, expendable: u8) -> Column {
    Column { title, align, width_min, expendable }
}

const FINDING_COLUMNS: [Column; 7] = [
    column("observable", Align::Left, 18, 0),
    column("test", Align::Left, 0, 0),
    column("verdict", Align::Left, 0, 0),
    column("effect before", Align::Right, 0, 2),
    column("effect now", Align::Right, 0, 1),
    column("margin", Align::Right, 0, 3),
    column("stream", Align::Left, 10, 4),
];

const INTEGRITY_COLUMNS: [Column; 6] = [
    column("check", Align::Left, 17, 0),
    column("side", Align::Left, 0, 0),
    column("verdict", Align::Left, 0, 0),
    column("count before", Align::Right, 0, 1),
    column("count now", Align::Right, 0, 1),
    column("stream", Align::Left, 10, 4),
];

/// The comparison for a terminal: the verdicts, what warns, then by kind of change what decides the run and the rest.
pub fn compare_text(comparison: &Comparison, style: &TextStyle) -> String {
    let mut out = String::new();
    let (before, after) = (&comparison.before, &comparison.after);
    let words = [before.verdict, after.verdict]
        .map(|verdict| paint(verdict.as_str(), verdict_style(verdict.into()).bold(), style.colour));
    let tendency = match (comparison.is_worse, after.verdict < before.verdict) {
        (true, _) => "worse",
        (false, true) => "better",
        (false, false) => "not worse",
    };
    out.push_str(&format!("{} -> {}  {tendency}\n", words[0], words[1]));
    out.push_str(&wrap(&clean(&comparison.summary), "", style.width));
    out.push_str(&wrap(&clean(&before.name), "  before  ", style.width));
    out.push_str(&wrap(&clean(&after.name), "  now     ", style.width));
    for warning in &comparison.warnings {
        out.push_str(&wrap(&clean(warning), "Warning: ", style.width));
    }
    for change in Change::ALL.into_iter().filter(|c| *c != Change::Unchanged) {
        push_change(&mut out, comparison, change, style);
    }
    push_rest(&mut out, comparison, style);
    out
}

fn push_change(out: &mut String, comparison: &Comparison, change: Change, style: &TextStyle) {
    let (findings, informing): (Vec<&FindingChange>, Vec<&FindingChange>) =
        comparison.findings.iter().filter(|f| f.change == change).partition(|f| f.decides);
    let rows: Vec<&IntegrityChange> = comparison.integrity.iter().filter(|r| r.change == change && r.decides).collect();
    let silent = comparison.integrity.iter().filter(|r| r.change == change && !r.decides).count();
    if findings.is_empty() && rows.is_empty() && matches!(change, Change::Moved | Change::New) {
        return;
    }
    if findings.is_empty() && rows.is_empty() && informing.is_empty() && silent == 0 {
        return;
    }
    out.push_str(&format!("\n{}\n", paint(title(change), Style::new().bold(), style.colour)));
    let several = streams(comparison) > 1;
    if !findings.is_empty() {
        let cells: Vec<Row> = findings.iter().take(ROWS_MAX).map(|f| finding_row(f, several)).collect();
        out.push_str(&table(&FINDING_COLUMNS, &cells, style.width, style.colour));
        push_more(out, findings.len(), "findings");
    }
    if !rows.is_empty() {
        let cells: Vec<Row> = rows.iter().take(ROWS_MAX).map(|r| integrity_row(r, several)).collect();
        out.push_str(&table(&INTEGRITY_COLUMNS, &cells, style.width, style.colour));
        push_more(out, rows.len(), "checks");
    }
    let more = [(informing.len(), "informing finding"), (silent, "informing check")];
    let more: Vec<String> = more.into_iter().filter(|(n, _)| *n > 0).map(|(n, noun)| plural(n, noun)).collect();
    if !more.is_empty() {
        out.push_str(&wrap(&format!("and {}: `--format md` names them", more.join(", ")), "  ", style.width));
    }
}

/// `1 check`, `2 checks`.
fn plural(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn title(change: Change) -> &'static str {
    match change {
        Change::Worse => "Worse",
        Change::Gone => "Gone: judged before, not now",
        Change::Better => "Better",
        Change::New => "Newly covered",
        Change::Moved => "Same verdict, other numbers",
        Change::Unchanged => "Unchanged",
    }
}

fn push_more(out: &mut String, n: usize, noun: &str) {
    if let Some(more @ 1..) = n.checked_sub(ROWS_MAX) {
        out.push_str(&format!("  and {more} more {noun}\n"));
    }
}

fn push_rest(out: &mut String, comparison: &Comparison, style: &TextStyle) {
    let findings = |change: Change| comparison.findings.iter().filter(move |f| f.change == change);
    let rows = |change: Change| comparison.integrity.iter().filter(move |r| r.change == change);
    let others = [Change::Moved, Change::New];
    let silent = others.into_iter().flat_map(findings).filter(|f| !f.decides).count()
        + others.into_iter().flat_map(rows).filter(|r| !r.decides).count();
    let mut text = format!(
        "{} and {} are unchanged.",
        plural(findings(Change::Unchanged).count(), "finding"),
        plural(rows(Change::Unchanged).count(), "check")
    );
    let is_named = others.into_iter().any(|c| findings(c).any(|f| f.decides) || rows(c).any(|r| r.decides));
    if silent > 0 && !is_named {
        text.push_str(&format!(" {silent} that decide nothing have other numbers or are new."));
    }
    out.push('\n');
    out.push_str(&wrap(&text, "", style.width));
}

fn streams(comparison: &Comparison) -> usize {
    let mut streams: Vec<&str> = comparison.findings.iter().map(|f| f.stream.as_str()).collect();
    streams.sort_unstable();
    streams.dedup();
    streams.len()
}

fn test_name(change: &FindingChange) -> String {
    match &change.parameter {
        Some(parameter) => format!("{} {}", change.test, clean(parameter)),
        None => change.test.to_string(),
    }
}

/// `PASS -> FAIL`, or the one verdict there is; in brackets where it decides nothing.
fn verdicts(before: Option<FindingVerdict>, after: Option<FindingVerdict>, decides: bool) -> String {
    let text = match (before, after) {
        (Some(a), Some(b)) if a == b => a.to_string(),
        (Some(a), Some(b)) => format!("{a} -> {b}"),
        (Some(a), None) => format!("{a} -> -"),
        (None, Some(b)) => format!("- -> {b}"),
        (None, None) => "-".to_owned(),
    };
    if decides { text } else { format!("({text})") }
}

fn effect(change: &FindingChange, state: Option<&FindingState>) -> String {
    let Some(effect) = state.and_then(|s| s.effect) else { return "-".to_owned() };
    let unit = state.map_or("", |s| s.unit.as_str());
    match change.test {
        TestId::W1 | TestId::Mean | TestId::Quantile if !unit.is_empty() => {
            format!("{} {}", measured(effect), clean(unit))
        }
        _ => measured(effect),
    }
}

fn finding_row(change: &FindingChange, several_streams: bool) -> Row {
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    let verdict = after.or(before).map_or(FindingVerdict::NotApplicable, |s| s.verdict);
    let style = if change.decides { verdict_style(verdict) } else { Style::new().dimmed() };
    Row::Cells(vec![
        Cell::new(clean(&change.observable)),
        Cell::new(test_name(change)),
        Cell::styled(verdicts(before.map(|s| s.verdict), after.map(|s| s.verdict), change.decides), style),
        Cell::new(effect(change, before)),
        Cell::new(effect(change, after)),
        Cell::new(optional(after.or(before).and_then(|s| s.margin))),
        Cell::new(if several_streams { clean(&change.stream) } else { String::new() }),
    ])
}

fn counted(state: Option<&IntegrityState>) -> String {
    match state {
        Some(s) if s.total > 0 && s.count > 0 => {
            format!("{} ({})", count(s.count), percent(s.count as f64 / s.total as f64))
        }
        Some(s) => count(s.count),
        None => "-".to_owned(),
    }
}

fn integrity_row(change: &IntegrityChange, several_streams: bool) -> Row {
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    let verdict = after.or(before).map_or(FindingVerdict::NotApplicable, |s| s.verdict);
    let style = if change.decides { verdict_style(verdict) } else { Style::new().dimmed() };
    Row::Cells(vec![
        Cell::new(clean(&change.check)),
        Cell::new(change.side.as_str()),
        Cell::styled(verdicts(before.map(|s| s.verdict), after.map(|s| s.verdict), change.decides), style),
        Cell::new(counted(before)),
        Cell::new(counted(after)),
        Cell::new(if several_streams { clean(&change.stream) } else { String::new() }),
    ])
}

/// The comparison as Markdown, for a pull request: everything that changed, and how much did not.
pub fn compare_markdown(comparison: &Comparison) -> String {
    let (before, after) = (&comparison.before, &comparison.after);
    let mut out = format!(
        "# {} → {}{}\n\n{}\n\n",
        before.verdict,
        after.verdict,
        if comparison.is_worse { ": worse" } else { "" },
        escape(&comparison.summary)
    );
    out.push_str("| | before | now |\n|---|---|---|\n");
    let facts: [(&str, &str, &str); 4] = [
        ("report", &before.name, &after.name),
        ("suite", &before.suite, &after.suite),
        ("digest", &before.digest, &after.digest),
        ("version", &before.version, &after.version),
    ];
    for (name, one, other) in facts {
        out.push_str(&format!("| {name} | {} | {} |\n", escape(one), escape(other)));
    }
    for warning in &comparison.warnings {
        out.push_str(&format!("\n> **Warning:** {}\n", escape(warning)));
    }
    for change in Change::ALL.into_iter().filter(|c| *c != Change::Unchanged) {
        push_markdown_change(&mut out, comparison, change);
    }
    let unchanged = (
        comparison.findings.iter().filter(|f| f.change == Change::Unchanged).count(),
        comparison.integrity.iter().filter(|r| r.change == Change::Unchanged).count(),
    );
    out.push_str(&format!("\n{} findings and {} checks are unchanged.\n", unchanged.0, unchanged.1));
    out
}

fn push_markdown_change(out: &mut String, comparison: &Comparison, change: Change) {
    let findings: Vec<&FindingChange> = comparison.findings.iter().filter(|f| f.change == change).collect();
    let rows: Vec<&IntegrityChange> = comparison.integrity.iter().filter(|r| r.change == change).collect();
    if findings.is_empty() && rows.is_empty() {
        return;
    }
    out.push_str(&format!("\n## {}\n", title(change)));
    if !findings.is_empty() {
        out.push_str(
            "\n| stream | observable | test | verdict | before | now | margin |\n|---|---|---|---|---|---|---|\n",
        );
    }
    for f in findings {
        let (before, after) = (f.before.as_ref(), f.after.as_ref());
        let whole = |state: Option<&FindingState>| match state.and_then(|s| s.interval) {
            Some(ends) => format!("{} {}", effect(f, state), interval(ends)),
            None => effect(f, state),
        };
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            escape(&f.stream),
            escape(&f.observable),
            escape(&test_name(f)),
            verdicts(before.map(|s| s.verdict), after.map(|s| s.verdict), f.decides),
            escape(&whole(before)),
            escape(&whole(after)),
            optional(after.or(before).and_then(|s| s.margin))
        ));
    }
    if !rows.is_empty() {
        out.push_str("\n| check | side | stream | verdict | before | now |\n|---|---|---|---|---|---|\n");
    }
    for r in rows {
        let (before, after) = (r.before.as_ref(), r.after.as_ref());
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            escape(&r.check),
            r.side.as_str(),
            escape(&r.stream),
            verdicts(before.map(|s| s.verdict), after.map(|s| s.verdict), r.decides),
            counted(before),
            counted(after)
        ));
    }
}

/// Text from the data in a cell of a Markdown table.
fn escape(text: &str) -> String {
    crate::markdown::prose(text)
}
