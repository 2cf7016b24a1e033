//! The chapters of an integrity check.

use verismo_suite::catalogue;
use verismo_suite::explanation::Chapter;
use verismo_suite::report::{IntegrityRow, Report, Side};
use verismo_suite::{FindingVerdict, Severity};

use super::chapter;
use super::chapters::{first_upper, named};
use crate::number::{count, percent};
use crate::outline::{counted, ended, position, row_label};

/// Other rows named at most.
const OTHERS_MAX: usize = 8;

/// The chapters of `row`; `others` are the other rows of the same check.
pub(super) fn chapters(report: &Report, row: &IntegrityRow, others: &[&IntegrityRow]) -> Vec<Chapter> {
    let chapters = [
        chapter("what", "What it counts", what(row)),
        chapter("result", "What came out", result(row)),
        chapter("where", "Where it was seen first", row.examples.iter().map(position).collect()),
        chapter("others", "The same check elsewhere", elsewhere(others)),
        chapter("next", "What to do next", next(report, row)),
    ];
    chapters.into_iter().flatten().collect()
}

fn what(row: &IntegrityRow) -> Vec<String> {
    let Some(info) = catalogue::check(&row.check) else { return Vec::new() };
    let above =
        if info.unusable { "Over its limit the data cannot be judged: ERROR." } else { "Over its limit it is FAIL." };
    let mut said = vec![first_upper(&ended(info.description)), above.to_owned()];
    said.push(consequence(&row.check).to_owned());
    said
}

/// Why anybody should mind.
fn consequence(check: &str) -> &'static str {
    match check {
        "out_of_order" => {
            "Durations, returns and the book depend on the order of events: an agent would see effects before causes."
        }
        "sequence_gap" | "gap_severity" => {
            "After a gap the book is wrong until a snapshot mends it, and so is everything taken from it."
        }
        "duplicate" => "What is seen twice counts twice: rates, volumes and flow are too high.",
        "missing_id" => "What the golden has and the candidate lacks was lost on the way.",
        "crossed_book" | "locked_book" => {
            "A bid at or above an ask is no market: levels that should be gone are still there."
        }
        "price_coherence" => "Trades outside the book mean that trades and book are not of the same moment.",
        "unreadable" | "truncated_file" => "What cannot be read is not in any number of this report.",
        "invalid_value" => "Rows without a valid value are left out of every observable.",
        "time_out_of_range" | "time_unit" => "A wrong time puts an event into another window, or none.",
        "rate_anomaly" => {
            "Bursts or silences that the neighbourhood does not have: a replay that stalls, or a capture that lost its line."
        }
        "message_mix" => "The balance of trades and book updates tells whether one of both was thinned out.",
        "manifest" => "Files are not those that were written: something was lost, added or cut after the fact.",
        "id_agreement" => "The same id with another time, price or size: the candidate changed what it replays.",
        "missing_stream" => "A whole stream of the golden has no counterpart.",
        "no_events" => "A side without events cannot be compared.",
        _ => "",
    }
}

fn result(row: &IntegrityRow) -> Vec<String> {
    let side = match row.side {
        Side::Both => "Between both sides".to_owned(),
        side => format!("In the {}", side.as_str()),
    };
    let mut said = vec![format!("{}: {side}, {}: {}.", row_label(row), named(&row.stream), counted(row))];
    if !row.reason.is_empty() {
        said.push(first_upper(&ended(&row.reason)));
    }
    if let Some(worst) = row.worst {
        said.push(format!("Worst case: {} (unit as above).", count(worst.unsigned_abs())));
    }
    said.push(match (row.severity, row.verdict) {
        (Severity::Critical, FindingVerdict::Fail | FindingVerdict::Error) => "It decides the run.".to_owned(),
        (Severity::Critical, _) => "It would decide the run if it went over its limit.".to_owned(),
        (severity, _) => format!("Its severity is {severity}: the run does not depend on it."),
    });
    said
}

fn elsewhere(others: &[&IntegrityRow]) -> Vec<String> {
    let mut said: Vec<String> = others
        .iter()
        .take(OTHERS_MAX)
        .map(|row| format!("{}, {}: {} {}", row.side.as_str(), named(&row.stream), row_label(row), counted(row)))
        .collect();
    if let Some(more @ 1..) = others.len().checked_sub(OTHERS_MAX) {
        said.push(format!("and {more} more: see report.md"));
    }
    said
}

fn next(report: &Report, row: &IntegrityRow) -> Vec<String> {
    if !matches!(row.verdict, FindingVerdict::Fail | FindingVerdict::Error) {
        return vec!["Nothing.".to_owned()];
    }
    let mut said = Vec::new();
    match row.examples.first() {
        Some(example) if !example.source.is_empty() => {
            said.push(format!(
                "Look at the first place, {}; the next ones are above and in report.json.",
                position(example)
            ));
        }
        _ => {}
    }
    if row.side == Side::Golden {
        said.push("It is the golden's own: capture again, or accept it with a limit in the suite.".to_owned());
    }
    let failing = report.findings.iter().filter(|f| {
        f.deciding && f.verdict == FindingVerdict::Fail && (row.stream.is_empty() || f.stream == row.stream)
    });
    let failing = failing.count();
    if failing > 0 && row.side != Side::Golden {
        said.push(format!(
            "Mend this before the {} findings of this stream that fail: they may follow from it.",
            count(failing as u64)
        ));
    }
    if let Some(ratio) = row.ratio.filter(|r| *r > 0.0 && *r < 1.0) {
        said.push(format!(
            "If {} is acceptable, set the limit in the suite: `checks: {}:`.",
            percent(ratio),
            row.check
        ));
    }
    said
}
