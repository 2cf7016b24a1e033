//! Whether two streams share an observable at all.

use verismo_suite::catalogue::{ObservableInfo, Source};
use verismo_suite::report::Side;

use crate::input::StreamStates;

/// Book updates this many times as frequent on one side are another granularity.
const CADENCE_RATIO: i64 = 4;

/// What can be done with an observable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Applicable {
    /// Both sides define it.
    Yes,
    /// They cannot be compared on it, for this reason.
    No(String),
    /// Both could carry it, this side does not define it.
    MissingOn(Side, String),
    /// A side could carry it but was too short to know its book.
    TooShort(String),
}

/// Whether both sides define the observable; `info` is `None` for columns of tables.
pub(crate) fn applicable(
    golden: &StreamStates,
    candidate: &StreamStates,
    id: &str,
    info: Option<&ObservableInfo>,
    warmup_ns: i64,
) -> Applicable {
    if let Some(info) = info
        && let Some(reason) = not_shared(golden, candidate, info)
    {
        return Applicable::No(reason);
    }
    let defined = |stream: &StreamStates| stream.series.get(id).is_some_and(|s| !s.windows.is_empty());
    let (lacking, name, other) = match (defined(golden), defined(candidate)) {
        (true, true) => return Applicable::Yes,
        (false, false) => {
            let why = if info.is_some_and(|i| needs_book(i.source)) { "; its book was never known" } else { "" };
            return Applicable::No(format!("neither side has a value of it{why}"));
        }
        (true, false) => (candidate, "candidate", "golden"),
        (false, true) => (golden, "golden", "candidate"),
    };
    let span = lacking.span_ns.map_or(0, |(from, to)| to - from);
    if info.is_some_and(|i| needs_book(i.source)) && span <= 2 * warmup_ns {
        let seconds = warmup_ns / crate::input::SECOND_NS;
        let reason =
            format!("the {name} starts without a snapshot and is hardly longer than its warm-up of {seconds} s");
        return Applicable::TooShort(reason);
    }
    let reason = format!("the {other} has values of it, the {name} has none although its source could carry them");
    Applicable::MissingOn(if name == "golden" { Side::Golden } else { Side::Candidate }, reason)
}

fn needs_book(source: Source) -> bool {
    matches!(source, Source::Book | Source::BookAndTrades)
}

/// Why the two sources cannot share the observable, if they cannot.
pub(crate) fn not_shared(golden: &StreamStates, candidate: &StreamStates, info: &ObservableInfo) -> Option<String> {
    for (name, stream) in [("golden", golden), ("candidate", candidate)] {
        match info.source {
            Source::Trades | Source::BookAndTrades if !stream.carries_trades => {
                return Some(format!("the {name}'s source carries no trades"));
            }
            Source::Orders if !stream.carries_orders => {
                return Some(format!("the {name}'s source shows price levels, not single orders"));
            }
            Source::Book | Source::BookAndTrades if !stream.carries_book => {
                return Some(format!("the {name}'s source carries no book"));
            }
            _ => {}
        }
    }
    let kinds = |s: &StreamStates| (s.carries_trades, s.carries_book);
    if info.source == Source::Events && kinds(golden) != kinds(candidate) {
        return Some("one side's source carries trades and book, the other's only one of them".to_owned());
    }
    if info.depends_on_cadence
        && let Some(reason) = other_cadence(golden, candidate)
    {
        return Some(reason);
    }
    if info.unit == "s" && golden.clock_ns != candidate.clock_ns {
        return Some(format!(
            "the sides were observed at different clocks, {} ns and {} ns",
            golden.clock_ns, candidate.clock_ns
        ));
    }
    None
}

/// Why the two books are not of one granularity, if they are not.
pub(crate) fn other_cadence(golden: &StreamStates, candidate: &StreamStates) -> Option<String> {
    let (g, c) = (golden.book_cadence_ns?.max(1), candidate.book_cadence_ns?.max(1));
    let ratio = g.max(c) / g.min(c);
    (ratio >= CADENCE_RATIO).then(|| {
        format!(
            "book updates come every {} on the golden and every {} on the candidate: another granularity",
            milliseconds(g),
            milliseconds(c)
        )
    })
}

fn milliseconds(ns: i64) -> String {
    format!("{} ms", ns as f64 / 1e6)
}
