//! Whether two streams are the same market seen twice, so that their windows may be judged as pairs.

use verismo_stats::sample::Agreement;
use verismo_suite::catalogue::observable;
use verismo_suite::suite::Pairing;

use crate::applicable::not_shared;
use crate::input::{SeriesWindows, StreamStates};

/// Share of the common ids that must agree.
pub(crate) const AGREEING_MIN: f64 = 0.9;

/// What is known about the alignment of a pair of streams.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alignment {
    pub(crate) aligned: bool,
    pub(crate) reason: String,
    pub(crate) trades: Agreement,
    pub(crate) book: Agreement,
    /// The time both sides cover, ns.
    pub(crate) common_ns: Option<(i64, i64)>,
}

impl Alignment {
    pub(crate) fn common_ids(&self) -> u64 {
        self.trades.common + self.book.common
    }

    pub(crate) fn agreeing_ids(&self) -> u64 {
        self.trades.same_both + self.book.same_both
    }
}

/// Decides how a pair of streams is compared.
///
/// Trades and book updates are asked apart: where either kind agrees, the market is the same one, and disagreement of the
/// other kind is a fault to be shown, not a reason to look away. Without common ids, windows with equal states speak. A feed of
/// levels and a feed of orders number their messages each in its own way, so that equal numbers there say nothing.
pub(crate) fn detect(golden: &StreamStates, candidate: &StreamStates, wish: Pairing) -> Alignment {
    let mut alignment = by_ids(golden, candidate);
    (alignment.aligned, alignment.reason) = match wish {
        Pairing::Aligned => (true, "as asked".to_owned()),
        Pairing::Distributional => (false, "as asked".to_owned()),
        Pairing::Auto => told_by_ids(golden, candidate, &alignment).unwrap_or_else(|| {
            let counts = telling(golden, candidate).into_iter().map(|id| equal_windows(golden, candidate, id));
            told_by_windows(counts.fold((0, 0), |(equal, common), (e, c)| (equal + e, common + c)))
        }),
    };
    alignment
}

/// Whether only windows can tell how a pair of streams is.
pub(crate) fn needs_windows(golden: &StreamStates, candidate: &StreamStates, wish: Pairing) -> bool {
    wish == Pairing::Auto && told_by_ids(golden, candidate, &by_ids(golden, candidate)).is_none()
}

/// What ids and times say, and nothing decided.
fn by_ids(golden: &StreamStates, candidate: &StreamStates) -> Alignment {
    let common_ns = match (golden.span_ns, candidate.span_ns) {
        (Some(a), Some(b)) => Some((a.0.max(b.0), a.1.min(b.1))).filter(|(from, to)| from <= to),
        _ => None,
    };
    let (trades, book) = match common_ns {
        Some((from, to)) => (
            golden.trade_ids.agreement(&candidate.trade_ids, from..=to),
            if golden.carries_orders == candidate.carries_orders {
                golden.book_ids.agreement(&candidate.book_ids, from..=to)
            } else {
                Agreement::default()
            },
        ),
        None => (Agreement::default(), Agreement::default()),
    };
    Alignment { aligned: false, reason: String::new(), trades, book, common_ns }
}

/// Whether a pair is aligned, and why, where times and ids can tell.
fn told_by_ids(golden: &StreamStates, candidate: &StreamStates, alignment: &Alignment) -> Option<(bool, String)> {
    let Some(common_ns) = alignment.common_ns else {
        return Some((false, "the sides share no time".to_owned()));
    };
    let shorter = [golden, candidate].into_iter().filter_map(|s| s.span_ns).map(|(a, b)| b - a).min().unwrap_or(0);
    if 2 * (common_ns.1 - common_ns.0) < shorter {
        return Some((false, "the sides share less than half of the shorter one's time".to_owned()));
    }
    for (kind, agreement) in [("trades", alignment.trades), ("book updates", alignment.book)] {
        if agreement.common > 0 && agreement.same_both as f64 >= AGREEING_MIN * agreement.common as f64 {
            let reason = format!(
                "{} of {} sampled {kind} with common ids agree on time, price and size",
                agreement.same_both, agreement.common
            );
            return Some((true, reason));
        }
    }
    if alignment.common_ids() > 0 {
        let reason = format!(
            "only {} of {} sampled common ids agree on time, price and size",
            alignment.agreeing_ids(),
            alignment.common_ids()
        );
        return Some((false, reason));
    }
    None
}

/// The same by windows that both sides have, of all observables, and how many of them have equal states.
fn told_by_windows((equal, common): (u64, u64)) -> (bool, String) {
    if common > 0 && equal as f64 >= AGREEING_MIN * common as f64 {
        return (true, format!("no common ids, but {equal} of {common} common windows are equal"));
    }
    (false, "the sides share no ids".to_owned())
}

/// How a pair is that only its windows can tell, from their counts.
pub(crate) fn by_windows(golden: &StreamStates, candidate: &StreamStates, counts: (u64, u64)) -> Alignment {
    let (aligned, reason) = told_by_windows(counts);
    Alignment { aligned, reason, ..by_ids(golden, candidate) }
}

/// The observables whose windows tell: those that both sides share.
pub(crate) fn telling<'a>(golden: &'a StreamStates, candidate: &StreamStates) -> Vec<&'a str> {
    if golden.window_ns != candidate.window_ns {
        return Vec::new();
    }
    let is_shared = |id: &str| observable(id).is_none_or(|info| not_shared(golden, candidate, info).is_none());
    let has = |id: &str| candidate.series.contains_key(id) || candidate.known.contains_key(id);
    golden.observables().filter(|id| is_shared(id) && has(id)).collect()
}

/// Windows of an observable with equal states, and windows that both sides have.
pub(crate) fn equal_windows(golden: &StreamStates, candidate: &StreamStates, id: &str) -> (u64, u64) {
    let Some((one, other)) = golden.series.get(id).zip(candidate.series.get(id)) else { return (0, 0) };
    match (&one.windows, &other.windows) {
        (SeriesWindows::Cells(a), SeriesWindows::Cells(b)) => compare(a, b),
        (SeriesWindows::Lags(a), SeriesWindows::Lags(b)) => compare(a, b),
        (SeriesWindows::Panels(a), SeriesWindows::Panels(b)) => compare(a, b),
        _ => (0, 0),
    }
}

fn compare<T: PartialEq>(golden: &[(i64, T)], candidate: &[(i64, T)]) -> (u64, u64) {
    let common = golden.iter().filter_map(|(index, state)| {
        candidate.binary_search_by_key(index, |(i, _)| *i).ok().map(|at| candidate[at].1 == *state)
    });
    common.fold((0, 0), |(equal, n), same| (equal + u64::from(same), n + 1))
}
