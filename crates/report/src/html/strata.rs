//! Strata as a page shows them: an observable a row, a stratum a column.

use verismo_suite::report::{Finding, Report, StratumResult};

use super::page::{chip, escape, folded, mark, paragraph, section, table};
use crate::number::{interval, measured, optional};
use crate::outline;
use crate::strata::{divisions, name, tally, test};

/// Cells of a division, at most, about 200 bytes each; a page must stay a page.
const CELLS_MAX: usize = 1_000;

/// The section, or nothing where no strata were asked for.
pub(super) fn strata(report: &Report) -> String {
    let divisions = divisions(report);
    if divisions.is_empty() {
        return String::new();
    }
    let mut body = paragraph(
        "Every deciding test again, stratum by stratum. The verdict of a row is that of its worst stratum, its p-value corrected for the \
         number of strata; cells show the effect, with the sign of what the stratum would be by itself.",
    );
    for (i, (by, findings)) in divisions.iter().enumerate() {
        body.push_str(&folded(&escape(&tally(by, findings)), &division(findings, report.streams.len() > 1), i == 0));
    }
    section("strata", "By stratum", &body)
}

fn division(findings: &[&Finding], several_streams: bool) -> String {
    let mut labels: Vec<&str> = Vec::new();
    for result in findings.iter().flat_map(|f| &f.strata) {
        if !labels.contains(&result.label.as_str()) {
            labels.push(&result.label);
        }
    }
    labels.sort_by_key(|label| first_place(findings, label));
    let short = |label: &str| format!(">{}", label.split_once('=').map_or(label, |(_, name)| name));
    let mut titles = vec!["observable".to_owned(), "test".to_owned(), "verdict".to_owned()];
    titles.extend(labels.iter().map(|label| short(label)));
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let mut shown: Vec<&&Finding> = findings.iter().filter(|f| !f.strata.is_empty()).collect();
    // What does not pass comes first, and is cut last.
    shown.sort_by_key(|f| f.verdict == verismo_suite::FindingVerdict::Pass);
    let rows_max = CELLS_MAX / (labels.len() + 3);
    let left_out = shown.len().saturating_sub(rows_max);
    let rows: Vec<Vec<String>> = shown
        .into_iter()
        .take(rows_max)
        .map(|f| {
            let head = [
                format!("<b>{}</b>", escape(&name(f, several_streams))),
                escape(&format!("{} / {}", test(f), optional(f.margin))),
                chip(f.verdict, &outline::verdict_label(f)),
            ];
            let of = |label: &&str| f.strata.iter().find(|s| s.label == **label).map_or_else(String::new, cell);
            head.into_iter().chain(labels.iter().map(of)).collect()
        })
        .collect();
    let mut out = if rows.is_empty() { String::new() } else { table("Effects by stratum", &titles, &rows) };
    if left_out > 0 {
        out.push_str(&paragraph(&format!("{left_out} more rows are in report.json.")));
    }
    out
}

/// Where a label stands first: strata of one finding are in order.
fn first_place(findings: &[&Finding], label: &str) -> usize {
    let place = |f: &&Finding| f.strata.iter().position(|s| s.label == label);
    findings.iter().filter_map(place).max().unwrap_or(usize::MAX)
}

fn cell(result: &StratumResult) -> String {
    let (class, sign) = mark(result.verdict);
    let ends = result.interval.map_or_else(|| "no interval".to_owned(), interval);
    let title = format!(
        "{}: {}, {ends}, {} and {} windows",
        result.label, result.verdict, result.windows[0], result.windows[1]
    );
    format!(
        "<span title=\"{}\">{} <span class=\"sg {class}\">{sign}</span></span>",
        escape(&title),
        escape(&result.effect.map_or_else(|| "-".to_owned(), measured))
    )
}
