//! The hot accumulator of one window: keys in, packed cells out, no allocation per value.

use super::pages::Pages;
use super::{Cells, merge_cells};

/// Keys held back before they are looked at together: 16 KiB, half of a level-1 cache.
const CHUNK: usize = 2048;
/// Below this many keys sorting is at least as fast as counting on a grid that is to be found first.
const SORT_BELOW: usize = 48;

/// Counts the keys of one window, then hands them out as sorted (key, count) runs.
///
/// The first keys are held back until a grid is found that they lie on; from then on, and in the windows that follow, keys are counted
/// as they come, in pages of counters that are found through a directory and whose entries in use are marked in bitmaps, so that
/// counting, handing out and clearing cost a few nanoseconds a value. Keys too scattered for that are sorted. Memory stays below 1 MiB
/// beside the runs.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Keys not yet looked at.
    held: Vec<i64>,
    /// Keys that do not lie on the grid.
    others: Vec<i64>,
    /// What is counted and no longer in the pages.
    runs: Vec<(i64, u64)>,
    pages: Pages,
}

impl Tally {
    /// Nothing counted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one key.
    #[inline]
    pub fn push(&mut self, key: i64) {
        if self.held.len() == CHUNK {
            self.look();
        }
        self.held.push(key);
    }

    /// Counts many keys.
    pub fn extend(&mut self, keys: &[i64]) {
        if self.pages.has_grid() {
            self.pages.count(keys, &mut self.others, &mut self.runs);
            self.check_others();
            return;
        }
        let mut rest = keys;
        while !rest.is_empty() {
            if self.held.len() == CHUNK {
                self.look();
            }
            let (now, later) = rest.split_at(rest.len().min(CHUNK - self.held.len()));
            self.held.extend_from_slice(now);
            rest = later;
        }
    }

    /// True when nothing was counted since the last drain.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.others.is_empty() && self.runs.is_empty() && self.pages.n_counted() == 0
    }

    /// Hands out what was counted, packed, and starts anew, keeping its buffers and its grid.
    pub fn drain(&mut self) -> Cells {
        self.settle();
        let cells = Cells::pack(&self.runs);
        self.runs.clear();
        cells
    }

    /// Merges what was counted into ascending runs, and starts anew.
    pub(super) fn drain_into(&mut self, runs: &mut Vec<(i64, u64)>) {
        self.settle();
        merge_cells(runs, &self.runs);
        self.runs.clear();
    }

    /// Brings all that was counted into the runs.
    fn settle(&mut self) {
        self.look();
        // A grid that many keys miss, or that few keys spread over, is not kept.
        let is_poor = self.others.len() >= SORT_BELOW || self.pages.is_scattered();
        self.pages.empty_into(&mut self.runs);
        if is_poor {
            self.pages.forget_grid();
        }
        sort_and_merge(&mut self.others, &mut self.runs);
    }

    /// Counts the keys held back.
    fn look(&mut self) {
        if self.held.is_empty() {
            return;
        }
        if self.pages.has_grid() || (self.held.len() >= SORT_BELOW && self.pages.fit(&self.held)) {
            self.pages.count(&self.held, &mut self.others, &mut self.runs);
            self.held.clear();
            self.check_others();
        } else {
            sort_and_merge(&mut self.held, &mut self.runs);
        }
    }

    /// Where the grid no longer fits, another one is looked for.
    fn check_others(&mut self) {
        if self.others.len() >= CHUNK {
            self.pages.empty_into(&mut self.runs);
            self.pages.forget_grid();
            sort_and_merge(&mut self.others, &mut self.runs);
        }
    }
}

/// Sorts `keys` and merges their run lengths into `runs`; no key is left.
fn sort_and_merge(keys: &mut Vec<i64>, runs: &mut Vec<(i64, u64)>) {
    if runs.is_empty() {
        sort_into_runs(keys, runs);
    } else if !keys.is_empty() {
        let mut later = Vec::new();
        sort_into_runs(keys, &mut later);
        merge_cells(runs, &later);
    }
    keys.clear();
}

/// Sorts `keys` and appends their run lengths to `runs`.
pub(super) fn sort_into_runs(keys: &mut [i64], runs: &mut Vec<(i64, u64)>) {
    keys.sort_unstable();
    runs.extend(keys.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)));
}
