//! Which states have to be at hand, where of most observables only their digests are.

use std::collections::BTreeSet;

use verismo_suite::report::Side;
use verismo_suite::suite::Suite;

use crate::input::{SideStates, StreamStates};
use crate::pairing::Pairs;
use crate::recall::Remembered;

/// Observables of a stream whose states are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Golden or candidate.
    pub side: Side,
    /// The place of the stream in its side.
    pub stream: usize,
    /// Their ids.
    pub observables: Vec<String>,
}

/// What is needed before it can be said what was judged before: windows that are rolled up, and those that tell strata.
pub(crate) fn at_first(sides: [&SideStates; 2], pairs: &Pairs, suite: &Suite) -> Vec<Lacking> {
    let of_strata: BTreeSet<&str> =
        suite.strata.iter().flat_map(|strata| &strata.by).filter_map(|by| by.observable()).collect();
    let wanted = |[golden, candidate]: [&StreamStates; 2], id: &str| {
        let window_ns = golden.window_ns.max(candidate.window_ns).max(suite.window_ns.unwrap_or(0));
        of_strata.contains(id) || [golden, candidate].iter().any(|stream| stream.window_ns != window_ns)
    };
    of_pairs(sides, pairs, |_, pair, id| wanted(pair, id))
}

/// What is needed to compare the windows of some observables, told by the number of their pair and their id.
pub(crate) fn to_compare(
    sides: [&SideStates; 2],
    pairs: &Pairs,
    is_open: impl Fn(usize, &str) -> bool,
) -> Vec<Lacking> {
    of_pairs(sides, pairs, |n, _, id| is_open(n, id))
}

/// What is needed to judge what was not judged before.
pub(crate) fn for_the_rest(sides: [&SideStates; 2], pairs: &Pairs, remembered: &[Remembered<'_>]) -> Vec<Lacking> {
    of_pairs(sides, pairs, |n, _, id| remembered.get(n).is_none_or(|remembered| remembered.needs(id)))
}

/// Unread observables of pairs of streams, of which the number of the pair, both streams and the id say whether they are wanted.
fn of_pairs(
    sides: [&SideStates; 2],
    pairs: &Pairs,
    is_wanted: impl Fn(usize, [&StreamStates; 2], &str) -> bool,
) -> Vec<Lacking> {
    let mut all = Vec::new();
    for (n, &(g, c, _)) in pairs.pairs.iter().enumerate() {
        let pair = [&sides[0].streams[g], &sides[1].streams[c]];
        for ((side, stream), place) in [Side::Golden, Side::Candidate].into_iter().zip(pair).zip([g, c]) {
            let unread = stream.known.keys().filter(|id| stream.is_unread(id));
            let observables: Vec<String> = unread.filter(|id| is_wanted(n, pair, id)).cloned().collect();
            if !observables.is_empty() {
                all.push(Lacking { side, stream: place, observables });
            }
        }
    }
    all
}
