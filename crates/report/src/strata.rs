//! Strata for a terminal: the worst one of every observable, where it is no PASS.

use verismo_suite::FindingVerdict;
use verismo_suite::report::{Finding, Report};

use crate::layout::{Align, Cell, Column, Row, clean, table};
use crate::number::{interval, optional};
use crate::outline;
use crate::text::{TextStyle, verdict_style};

/// Rows shown; the others are in the other formats.
const ROWS_MAX: usize = 12;

const COLUMNS: [Column; 7] = [
    Column { title: "observable", align: Align::Left, width_min: 18, expendable: 0 },
    Column { title: "test", align: Align::Left, width_min: 0, expendable: 1 },
    Column { title: "worst in", align: Align::Left, width_min: 0, expendable: 0 },
    Column { title: "effect", align: Align::Right, width_min: 0, expendable: 0 },
    Column { title: "interval", align: Align::Left, width_min: 0, expendable: 2 },
    Column { title: "margin", align: Align::Right, width_min: 0, expendable: 0 },
    Column { title: "verdict", align: Align::Left, width_min: 0, expendable: 0 },
];

/// Whether a finding is the worst of strata, or says why there are none.
pub(crate) fn is_of_strata(finding: &Finding) -> bool {
    !finding.strata.is_empty() || finding.parameter.as_ref().is_some_and(|p| division(p).is_some())
}

/// `hour` of `lag=1 by=hour`.
pub(crate) fn division(parameter: &str) -> Option<&str> {
    parameter.rsplit(' ').next().and_then(|last| last.strip_prefix("by="))
}

/// `acf lag=1` of a test by hour: its division is told elsewhere.
pub(crate) fn test(finding: &Finding) -> String {
    let name = outline::test_name(finding);
    name.rsplit_once(" by=").map_or_else(|| name.clone(), |(test, _)| test.to_owned())
}

/// The divisions of time in a report, in the order of its findings.
pub(crate) fn divisions(report: &Report) -> Vec<(&str, Vec<&Finding>)> {
    let mut out: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in &report.findings {
        let Some(by) = finding.parameter.as_deref().and_then(division) else { continue };
        match out.iter_mut().find(|(known, _)| *known == by) {
            Some((_, findings)) => findings.push(finding),
            None => out.push((by, vec![finding])),
        }
    }
    out
}

/// The observable, with its stream where there are several.
pub(crate) fn name(finding: &Finding, several_streams: bool) -> String {
    let stream = if several_streams { format!("{} ", clean(&finding.stream)) } else { String::new() };
    stream + &clean(&finding.observable)
}

/// How many pass everywhere, in words.
pub(crate) fn tally(by: &str, findings: &[&Finding]) -> String {
    let of = |verdict| findings.iter().filter(|f| f.verdict == verdict).count();
    let judged = findings.len() - of(FindingVerdict::NotApplicable);
    let none = findings.iter().find(|f| f.verdict == FindingVerdict::NotApplicable).filter(|_| judged == 0);
    match none {
        Some(finding) => format!("by {by}: {}", clean(&finding.reason)),
        None => format!(
            "by {by}: {} of {judged} tests pass in every stratum, {} fail in one",
            of(FindingVerdict::Pass),
            of(FindingVerdict::Fail)
        ),
    }
}

/// The table of what does not pass in every stratum, the worst first, and the tally of each division.
pub(crate) fn strata_text(report: &Report, style: &TextStyle) -> String {
    let divisions = divisions(report);
    let mut open: Vec<&Finding> = divisions.iter().flat_map(|(_, findings)| findings.iter().copied()).collect();
    open.retain(|f| !matches!(f.verdict, FindingVerdict::Pass | FindingVerdict::NotApplicable));
    open.sort_by(|a, b| {
        let is_failed = |f: &Finding| f.verdict != FindingVerdict::Inconclusive;
        is_failed(b).cmp(&is_failed(a)).then(outline::excess(b).total_cmp(&outline::excess(a)))
    });
    let several_streams = report.streams.len() > 1;
    let row = |f: &&Finding| {
        Row::Cells(vec![
            Cell::new(name(f, several_streams)),
            Cell::new(test(f)),
            Cell::new(clean(&f.stratum)),
            Cell::new(optional(f.effect)),
            Cell::new(f.interval.map_or_else(|| "-".to_owned(), interval)),
            Cell::new(optional(f.margin)),
            Cell::styled(outline::verdict_label(f), verdict_style(f.verdict)),
        ])
    };
    let rows: Vec<Row> = open.iter().take(ROWS_MAX).map(row).collect();
    let mut out = if rows.is_empty() { String::new() } else { table(&COLUMNS, &rows, style.width, style.colour) };
    if let Some(more @ 1..) = open.len().checked_sub(ROWS_MAX) {
        out.push_str(&format!("  and {more} more\n"));
    }
    for (by, findings) in &divisions {
        out.push_str(&crate::layout::wrap(&tally(by, findings), "  ", style.width));
    }
    out
}
