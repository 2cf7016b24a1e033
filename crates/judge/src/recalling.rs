//! A judgement of which as much as can be is recalled, from states of which as few as can be are read.

use verismo_suite::suite::Suite;

use crate::alignment::{self, Alignment};
use crate::input::SideStates;
use crate::judgement::{
    How, JudgeOptions, Judgement, Prepared, SideDigests, digests, for_each_pair, judge_with, rules,
};
use crate::lacking::{self, Lacking};
use crate::pairing::{self, PairedBy};
use crate::recall::{Memory, Recall};

/// The judgement of [`judge`](crate::judge), of which observables that were judged before are recalled, and those that were not are kept.
/// States that are not at hand are [`known`](crate::StreamStates::known) by their digests; `read` adds those that are wanted.
///
/// # Errors
/// Those of `read`.
pub fn judge_recalling<E>(
    [golden, candidate]: [&mut SideStates; 2],
    suite: &Suite,
    options: &JudgeOptions,
    recall: &dyn Recall,
    mut read: impl FnMut([&mut SideStates; 2], &[Lacking]) -> Result<(), E>,
) -> Result<Judgement, E> {
    let pairs = pairing::pair(golden, candidate, &options.map);
    let mut add = |sides: [&mut SideStates; 2], lacking: Vec<Lacking>| match lacking.is_empty() {
        true => Ok(()),
        false => read(sides, &lacking),
    };
    let at_first = lacking::at_first([golden, candidate], &pairs, suite);
    add([golden, candidate], at_first)?;
    let digests = digests([golden, candidate]);
    let comparison = |pair| Comparison::of([golden, candidate], pair, suite, &digests, recall);
    let comparisons: Vec<Comparison<'_>> = pairs.pairs.iter().map(comparison).collect();
    let to_compare = lacking::to_compare([golden, candidate], &pairs, |n, id| comparisons[n].is_open(id));
    add([golden, candidate], to_compare)?;
    let alignments = comparisons.into_iter().zip(&pairs.pairs);
    let alignments = alignments.map(|(comparison, pair)| comparison.finish([golden, candidate], pair, &digests));
    let prepared = Prepared { alignments: alignments.collect(), digests, pairs };
    let how = How::of((golden, candidate), suite, &prepared.pairs);
    let mut remembered = Vec::new();
    // What was kept of one pair is dropped before that of the next is read.
    for_each_pair((golden, candidate), suite, &prepared, |_, pair, _| {
        let memory = Memory::of(pair.golden, pair.candidate, recall);
        remembered.push(memory.remember(pair, (suite, &rules(pair, suite)), (how.replicates, how.detail)));
    });
    let for_the_rest = lacking::for_the_rest([golden, candidate], &prepared.pairs, &remembered);
    add([golden, candidate], for_the_rest)?;
    Ok(judge_with((golden, candidate), suite, &prepared, Some(remembered)))
}

type IndexPair = (usize, usize, PairedBy);

/// The windows of a pair of streams, compared to see whether the sides are aligned where nothing else tells.
struct Comparison<'a> {
    /// What was compared before; none where something else tells.
    memory: Option<Memory<'a>>,
    /// Windows with equal states, and windows that both sides have, of observables that were compared before.
    counts: (u64, u64),
    /// Observables that were not.
    open: Vec<String>,
}

impl<'a> Comparison<'a> {
    fn of(
        sides: [&SideStates; 2],
        &(g, c, _): &IndexPair,
        suite: &Suite,
        digests: &SideDigests,
        recall: &'a dyn Recall,
    ) -> Self {
        let (golden, candidate) = (&sides[0].streams[g], &sides[1].streams[c]);
        // Of windows that are rolled up all states are at hand.
        let is_rolled =
            golden.window_ns != candidate.window_ns || suite.window_ns.is_some_and(|w| w > golden.window_ns);
        let is_wanted = !is_rolled && alignment::needs_windows(golden, candidate, suite.pairing);
        let memory = is_wanted.then(|| Memory::of_windows(golden, candidate, recall));
        let (mut counts, mut open) = ((0, 0), Vec::new());
        if let Some(memory) = &memory {
            for id in alignment::telling(golden, candidate) {
                match memory.equal_windows([&digests[0][g][id], &digests[1][c][id]]) {
                    Some(more) => counts = sum(counts, more),
                    None => open.push(id.to_owned()),
                }
            }
        }
        Self { memory, counts, open }
    }

    fn is_open(&self, id: &str) -> bool {
        self.open.iter().any(|open| open == id)
    }

    fn finish(self, sides: [&SideStates; 2], &(g, c, _): &IndexPair, digests: &SideDigests) -> Option<Alignment> {
        let (golden, candidate) = (&sides[0].streams[g], &sides[1].streams[c]);
        let counts: Vec<(u64, u64)> =
            self.open.iter().map(|id| alignment::equal_windows(golden, candidate, id)).collect();
        let all = counts.iter().fold(self.counts, |all, more| sum(all, *more));
        let digests = self.open.iter().map(|id| [&digests[0][g][id], &digests[1][c][id]]);
        self.memory?.keep_windows(digests.zip(counts));
        Some(alignment::by_windows(golden, candidate, all))
    }
}

fn sum((equal, common): (u64, u64), (e, c): (u64, u64)) -> (u64, u64) {
    (equal + e, common + c)
}
