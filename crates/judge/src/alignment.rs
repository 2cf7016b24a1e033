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
    let mut alignment = Alignment { aligned: false, reason: String::new(), trades, book, common_ns };
    (alignment.aligned, alignment.reason) = match wish {
        Pairing::Aligned => (true, "as asked".to_owned()),
        Pairing::Distributional => (false, "as asked".to_owned()),
        Pairing::Auto => automatic(golden, candidate, &alignment),
    };
    alignment
}

fn automatic(golden: &StreamStates, candidate: &StreamStates, alignment: &Alignment) -> (bool, String) {
    let Some(common_ns) = alignment.common_ns else {
        return (false, "the sides share no time".to_owned());
    };
    let shorter = [golden, candidate].into_iter().filter_map(|s| s.span_ns).map(|(a, b)| b - a).min().unwrap_or(0);
    if 2 * (common_ns.1 - common_ns.0) < shorter {
        return (false, "the sides share less than half of the shorter one's time".to_owned());
    }
    for (kind, agreement) in [("trades", alignment.trades), ("book updates", alignment.book)] {
        if agreement.common > 0 && agreement.same_both as f64 >= AGREEING_MIN * agreement.common as f64 {
            let reason = format!(
                "{} of {} sampled {kind} with common ids agree on time, price and size",
                agreement.same_both, agreement.common
            );
            return (true, reason);
        }
    }
    if alignment.common_ids() > 0 {
        let reason = format!(
            "only {} of {} sampled common ids agree on time, price and size",
            alignment.agreeing_ids(),
            alignment.common_ids()
        );
        return (false, reason);
    }
    let (equal, common) = equal_windows(golden, candidate);
    if common > 0 && equal as f64 >= AGREEING_MIN * common as f64 {
        return (true, format!("no common ids, but {equal} of {common} common windows are equal"));
    }
    (false, "the sides share no ids".to_owned())
}

/// Windows that both sides have, over all observables that both share, and how many of them have equal states.
fn equal_windows(golden: &StreamStates, candidate: &StreamStates) -> (usize, usize) {
    let (mut equal, mut common) = (0, 0);
    if golden.window_ns != candidate.window_ns {
        return (0, 0);
    }
    for (id, series) in &golden.series {
        let is_shared = observable(id).is_none_or(|info| not_shared(golden, candidate, info).is_none());
        let Some(other) = candidate.series.get(id).filter(|_| is_shared) else { continue };
        let (e, c) = match (&series.windows, &other.windows) {
            (SeriesWindows::Cells(a), SeriesWindows::Cells(b)) => compare(a, b),
            (SeriesWindows::Lags(a), SeriesWindows::Lags(b)) => compare(a, b),
            (SeriesWindows::Panels(a), SeriesWindows::Panels(b)) => compare(a, b),
            _ => (0, 0),
        };
        equal += e;
        common += c;
    }
    (equal, common)
}

fn compare<T: PartialEq>(golden: &[(i64, T)], candidate: &[(i64, T)]) -> (usize, usize) {
    let common = golden.iter().filter_map(|(index, state)| {
        candidate.binary_search_by_key(index, |(i, _)| *i).ok().map(|at| candidate[at].1 == *state)
    });
    common.fold((0, 0), |(equal, n), same| (equal + usize::from(same), n + 1))
}
