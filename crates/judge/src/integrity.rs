//! Integrity counters against the suite's limits.

use verismo_stats::sample::{Agreement, IdRuns};
use verismo_suite::catalogue::{self, CHECKS};
use verismo_suite::report::{IntegrityRow, Side};
use verismo_suite::suite::{Limit, Suite};
use verismo_suite::verdict::{FindingVerdict, Severity};

use crate::alignment::Alignment;
use crate::applicable::other_cadence;
use crate::draft::short;
use crate::input::{Counter, Example, StreamStates};

/// Share of the common ids with equal content from which both sides are plainly the same market.
const SAME_MARKET: f64 = 0.9;

/// What a row is about.
pub(crate) struct Subject<'a> {
    pub(crate) check: &'a str,
    pub(crate) side: Side,
    pub(crate) stream: &'a str,
}

/// The rows of a side, or of one of its streams. The candidate is held to the suite's limits, but not to more than the golden
/// itself keeps: what the venue does is no fault of a reconstruction. The golden's own faults are shown as warnings, and as
/// errors where the data are unusable.
pub(crate) fn side_rows(
    counters: &[Counter],
    golden: Option<&[Counter]>,
    side: Side,
    stream: &str,
    suite: &Suite,
) -> Vec<IntegrityRow> {
    let mut counters: Vec<&Counter> = counters.iter().collect();
    counters.sort_by_key(|c| (position(&c.check), c.check.clone()));
    let rows = counters.into_iter().map(|counter| {
        let subject = Subject { check: &counter.check, side, stream };
        match counter.check.as_str() {
            // What a side lacks in itself says little: venues skip ids. Both sides are compared when they are aligned.
            "missing_id" => unlimited(
                &subject,
                counter,
                "ids missing inside the side's own runs; judged against the other side when aligned",
            ),
            "message_mix" => unlimited(&subject, counter, "trades of all events; compared between the sides"),
            _ => limited(&subject, counter, golden, suite),
        }
    });
    rows.collect()
}

fn position(check: &str) -> usize {
    CHECKS.iter().position(|c| c.id == check).unwrap_or(CHECKS.len())
}

/// A row without a limit.
fn unlimited(subject: &Subject<'_>, counter: &Counter, reason: &str) -> IntegrityRow {
    let mut row = blank(subject, counter, None, Severity::Info);
    row.verdict = FindingVerdict::NotApplicable;
    row.reason = reason.to_owned();
    row
}

fn limited(subject: &Subject<'_>, counter: &Counter, golden: Option<&[Counter]>, suite: &Suite) -> IntegrityRow {
    let limit = suite.limit(subject.check);
    let info = catalogue::check(subject.check);
    let unusable = info.is_some_and(|i| i.unusable);
    let mut severity = limit.map_or(Severity::Info, |l| l.severity);
    if subject.side == Side::Golden && !unusable {
        severity = severity.min(Severity::Warn);
    }
    let mut row = blank(subject, counter, limit, severity);
    let Some(limit) = limit else {
        row.verdict = FindingVerdict::Pass;
        row.reason = "this check has no limit".to_owned();
        return row;
    };
    let over = excess(counter, limit);
    row.verdict = match (&over, unusable) {
        (None, _) => FindingVerdict::Pass,
        (Some(_), true) => FindingVerdict::Error,
        (Some(_), false) => FindingVerdict::Fail,
    };
    row.reason = over.unwrap_or_else(|| "within its limit".to_owned());
    let reference = golden.and_then(|g| g.iter().find(|c| c.check == counter.check));
    if row.verdict == FindingVerdict::Fail
        && let Some(reference) = reference.filter(|r| no_worse(counter, r))
    {
        row.verdict = FindingVerdict::Pass;
        let golden = count_text(reference);
        row.reason = format!("over its limit, but no worse than the golden ({golden})");
    }
    row
}

/// Whether the candidate's share is at most the golden's; counts, where there is no whole.
fn no_worse(candidate: &Counter, golden: &Counter) -> bool {
    if candidate.total == 0 || golden.total == 0 {
        return candidate.count <= golden.count;
    }
    u128::from(candidate.count) * u128::from(golden.total) <= u128::from(golden.count) * u128::from(candidate.total)
}

/// What is over the limit, in words.
fn excess(counter: &Counter, limit: Limit) -> Option<String> {
    if let Some(max) = limit.max_count.filter(|&max| counter.count > max) {
        return Some(format!("{} found, {max} allowed", counter.count));
    }
    let max = limit.max_ratio?;
    // Without a whole any count is all of it.
    let ratio = if counter.total == 0 { f64::from(u8::from(counter.count > 0)) } else { ratio(counter) };
    (ratio > max)
        .then(|| format!("{} are {} %, {} % allowed", count_text(counter), short(100.0 * ratio), short(100.0 * max)))
}

fn ratio(counter: &Counter) -> f64 {
    counter.count as f64 / counter.total as f64
}

fn count_text(counter: &Counter) -> String {
    match counter.total {
        0 => counter.count.to_string(),
        total => format!("{} of {total}", counter.count),
    }
}

fn blank(subject: &Subject<'_>, counter: &Counter, limit: Option<Limit>, severity: Severity) -> IntegrityRow {
    let limit = match limit.map(|l| (l.max_count, l.max_ratio)) {
        Some((Some(count), Some(ratio))) => format!("count <= {count}, ratio <= {ratio}"),
        Some((Some(count), None)) => format!("count <= {count}"),
        Some((None, Some(ratio))) => format!("ratio <= {ratio}"),
        _ => "none".to_owned(),
    };
    IntegrityRow {
        check: subject.check.to_owned(),
        side: subject.side,
        stream: subject.stream.to_owned(),
        count: counter.count,
        total: counter.total,
        ratio: (counter.total > 0).then(|| ratio(counter)),
        limit,
        severity,
        verdict: FindingVerdict::Pass,
        reason: String::new(),
        worst: Some(counter.worst).filter(|w| *w != 0),
        examples: counter.examples.clone(),
    }
}

/// A row about both sides, judged by its count and total.
pub(crate) fn row(subject: &Subject<'_>, count: u64, total: u64, reason: &str, suite: &Suite) -> IntegrityRow {
    let counter = Counter::new(subject.check, count, total);
    let mut row = limited(subject, &counter, None, suite);
    if !reason.is_empty() {
        row.reason =
            if row.verdict == FindingVerdict::Pass { reason.to_owned() } else { format!("{reason}: {}", row.reason) };
    }
    row
}

/// Rows that compare a pair of streams: agreement and completeness of ids when aligned, and the mix of messages.
pub(crate) fn pair_rows(
    golden: &StreamStates,
    candidate: &StreamStates,
    name: &str,
    alignment: &Alignment,
    suite: &Suite,
) -> Vec<IntegrityRow> {
    let mut rows = Vec::new();
    for (kind, agreement) in [("trades", alignment.trades), ("book updates", alignment.book)] {
        rows.extend(agreement_row(name, kind, agreement, alignment.aligned, suite));
    }
    if alignment.aligned {
        rows.extend(missing_trades(golden, candidate, name, alignment, suite));
        if other_cadence(golden, candidate).is_none() {
            rows.extend(missing_updates(golden, candidate, name, alignment, suite));
        }
    }
    rows.extend(mix_row(golden, candidate, name, suite));
    rows
}

fn agreement_row(name: &str, kind: &str, agreement: Agreement, aligned: bool, suite: &Suite) -> Option<IntegrityRow> {
    if agreement.common == 0 {
        return None;
    }
    let subject = Subject { check: "id_agreement", side: Side::Both, stream: name };
    let differing = agreement.common - agreement.same_both;
    let reason = format!(
        "{} of {} sampled {kind} with common ids differ in price or size, {} in time",
        agreement.common - agreement.same_content,
        agreement.common,
        agreement.common - agreement.same_time
    );
    let mut row = row(&subject, differing, agreement.common, &reason, suite);
    if !aligned {
        // Ids are often plain counters, so that disagreement alone says nothing about markets that are not the same.
        let same_market = agreement.same_content as f64 >= SAME_MARKET * agreement.common as f64;
        row.severity = row.severity.min(if same_market { Severity::Warn } else { Severity::Info });
        if same_market {
            row.reason = format!("{reason}; the same market with other times? --pairing aligned judges it so");
        } else {
            row.verdict = FindingVerdict::NotApplicable;
        }
    }
    Some(row)
}

/// Trade ids of the golden that the candidate lacks, in the range of ids both cover; exact while runs are.
fn missing_trades(
    golden: &StreamStates,
    candidate: &StreamStates,
    name: &str,
    alignment: &Alignment,
    suite: &Suite,
) -> Option<IntegrityRow> {
    if !golden.carries_trades || !candidate.carries_trades {
        return None;
    }
    let subject = Subject { check: "missing_id", side: Side::Candidate, stream: name };
    if let Some((missing, total, first)) = missing_in_runs(&golden.trade_runs, &candidate.trade_runs) {
        let mut row = row(&subject, missing, total, "trade ids of the golden that the candidate lacks", suite);
        if let Some((from, to)) = first {
            let detail = if from == to { format!("trade id {from}") } else { format!("trade ids {from} to {to}") };
            row.examples.push(Example { source: String::new(), position: 0, detail });
        }
        return Some(row);
    }
    let has_trades = candidate.counter("message_mix").is_some_and(|mix| mix.count > 0);
    if has_trades && candidate.trade_runs.span().is_none() {
        let counter = Counter::new("missing_id", 0, 0);
        return Some(unlimited(&subject, &counter, "the candidate's trades carry no ids"));
    }
    let (missing, total) =
        (alignment.trades.only_self_in_range, alignment.trades.only_self_in_range + alignment.trades.common);
    (total > 0)
        .then(|| row(&subject, missing, total, "sampled trade ids of the golden that the candidate lacks", suite))
}

/// (missing, ids of the golden, first missing run) over the ids both sides span; `None` when either set is not known.
#[allow(clippy::type_complexity)] // Three numbers of one answer, used once.
fn missing_in_runs(golden: &IdRuns, candidate: &IdRuns) -> Option<(u64, u64, Option<(i64, i64)>)> {
    if golden.is_saturated() || candidate.is_saturated() {
        return None;
    }
    let ((g_first, g_last), (c_first, c_last)) = (golden.span()?, candidate.span()?);
    let (low, high) = (g_first.max(c_first), g_last.min(c_last));
    let length = |from: i64, to: i64| if from > to { 0 } else { to.abs_diff(from) + 1 };
    let (mut total, mut found, mut first) = (0_u64, 0_u64, None);
    let held = candidate.runs();
    let mut at = 0;
    for &(from, to) in golden.runs() {
        let (from, to) = (from.max(low), to.min(high));
        if from > to {
            continue;
        }
        total += length(from, to);
        let mut next = from;
        while let Some(&(start, end)) = held.get(at).filter(|(start, _)| *start <= to) {
            if end >= from {
                if start > next && first.is_none() {
                    first = Some((next, start - 1));
                }
                found += length(start.max(from), end.min(to));
                next = next.max(end.saturating_add(1));
            }
            if end > to {
                break;
            }
            at += 1;
        }
        if next <= to && first.is_none() {
            first = Some((next, to));
        }
    }
    Some((total - found, total, first))
}

/// Sampled book update ids of the golden that the candidate lacks, after the warm-up of both.
fn missing_updates(
    golden: &StreamStates,
    candidate: &StreamStates,
    name: &str,
    alignment: &Alignment,
    suite: &Suite,
) -> Option<IntegrityRow> {
    // Levels number their updates, orders number their events: no id of one is an id of the other.
    if !golden.carries_book || !candidate.carries_book || golden.carries_orders != candidate.carries_orders {
        return None;
    }
    let (from, to) = alignment.common_ns?;
    let from = from.saturating_add(suite.warmup_ns);
    if from > to {
        return None;
    }
    let agreement = golden.book_ids.agreement(&candidate.book_ids, from..=to);
    let total = agreement.common + agreement.only_self_in_range;
    // Without any common id the sides number their updates differently; that is no loss.
    if agreement.common == 0 {
        return None;
    }
    let subject = Subject { check: "missing_id", side: Side::Candidate, stream: name };
    let reason = "sampled book updates of the golden that the candidate lacks";
    Some(row(&subject, agreement.only_self_in_range, total, reason, suite))
}

/// Difference of the share of trades among the events.
fn mix_row(golden: &StreamStates, candidate: &StreamStates, name: &str, suite: &Suite) -> Option<IntegrityRow> {
    let (g, c) = (golden.counter("message_mix")?, candidate.counter("message_mix")?);
    if g.total == 0 || c.total == 0 {
        return None;
    }
    let subject = Subject { check: "message_mix", side: Side::Both, stream: name };
    let limit = suite.limit("message_mix")?;
    let mut row = blank(&subject, c, Some(limit), limit.severity);
    row.examples.clear();
    let (share_g, share_c) = (ratio(g), ratio(c));
    let difference = (share_g - share_c).abs();
    row.ratio = Some(difference);
    row.reason = format!(
        "trades are {} % of the golden's events, {} % of the candidate's",
        short(100.0 * share_g),
        short(100.0 * share_c)
    );
    if let Some(reason) = other_cadence(golden, candidate) {
        row.verdict = FindingVerdict::NotApplicable;
        row.reason = reason;
    } else if limit.max_ratio.is_some_and(|max| difference > max) {
        row.verdict = FindingVerdict::Fail;
    }
    Some(row)
}

#[cfg(test)]
mod tests;
