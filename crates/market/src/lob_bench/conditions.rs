//! Scores given another score: counted by pair, and the volatility of a sequence.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use verismo_stats::pooled::EqualBins;

use super::Row;

/// The hours of the benchmark: 23 equal parts of the day.
const TIMES: EqualBins = EqualBins { first: 0.0, last: 86_400.0, bins: 23 };
/// Returns are taken between ends of clock intervals this long.
const INTERVAL_NS: i64 = 100_000_000;

/// Counts of pairs of (condition, value), in a run of equal ones at a time.
#[derive(Debug, Clone)]
pub struct Joint<K> {
    counts: FxHashMap<(K, i64), u64>,
    run: Option<((K, i64), u64)>,
}

impl<K> Default for Joint<K> {
    fn default() -> Self {
        Self { counts: FxHashMap::default(), run: None }
    }
}

impl<K: Copy + Eq + Hash + Ord> Joint<K> {
    fn push(&mut self, pair: (K, i64)) {
        match &mut self.run {
            Some((known, count)) if *known == pair => *count += 1,
            _ => {
                self.close();
                self.run = Some((pair, 1));
            }
        }
    }

    fn close(&mut self) {
        if let Some((pair, count)) = self.run.take() {
            *self.counts.entry(pair).or_default() += count;
        }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: Self) {
        self.close();
        for (pair, count) in other.sorted() {
            *self.counts.entry(pair).or_default() += count;
        }
    }

    /// All pairs with their counts, ascending.
    pub fn sorted(mut self) -> Vec<((K, i64), u64)> {
        self.close();
        let mut all: Vec<((K, i64), u64)> = self.counts.into_iter().collect();
        all.sort_unstable();
        all
    }
}

/// Pairs of conditions and scores of the messages of a sequence, or of a side.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Size at the best ask, by spread.
    pub ask_size_by_spread: Joint<i64>,
    /// Spread, by part of the day: the number of its edges at or below the time.
    pub spread_by_time: Joint<u64>,
}

impl Conditions {
    pub(super) fn push(&mut self, row: &Row) {
        let [ask, ask_size, bid, _] = row.book.touch();
        let spread = ask - bid;
        self.ask_size_by_spread.push((spread, ask_size));
        let seconds = row.t_ns as f64 / 1e9;
        let part = if seconds < TIMES.first {
            0
        } else if seconds >= TIMES.last {
            TIMES.bins + 1
        } else {
            TIMES.bin_of(seconds)
        };
        self.spread_by_time.push((part, spread));
    }

    pub(super) fn finish(&mut self) {
        self.ask_size_by_spread.close();
        self.spread_by_time.close();
    }

    /// Adds those of another sequence.
    pub fn merge(&mut self, other: Self) {
        self.ask_size_by_spread.merge(other.ask_size_by_spread);
        self.spread_by_time.merge(other.spread_by_time);
    }
}

/// The last mid price of each clock interval that has one.
#[derive(Debug, Default)]
pub(super) struct Volatility(Vec<(i64, i64)>);

impl Volatility {
    pub(super) fn push(&mut self, t_ns: i64, twice_mid: i64) {
        let interval = t_ns.div_euclid(INTERVAL_NS);
        match self.0.last_mut() {
            Some(last) if last.0 == interval => last.1 = twice_mid,
            _ => self.0.push((interval, twice_mid)),
        }
    }

    /// Standard deviation (ddof 1) of the log returns between intervals that follow each other; 0 of fewer than two.
    pub(super) fn finish(mut self) -> f64 {
        // Messages out of order come back to an interval: the last one in the file stands.
        self.0.sort_by_key(|(interval, _)| *interval);
        let neighbours = self.0.windows(2).filter(|pair| pair[0].0 + 1 == pair[1].0);
        let log = |twice_mid: i64| if twice_mid > 0 { libm::log(0.5 * twice_mid as f64) } else { f64::NAN };
        let returns: Vec<f64> =
            neighbours.map(|pair| log(pair[1].1) - log(pair[0].1)).filter(|r| r.is_finite()).collect();
        if returns.len() < 2 {
            return 0.0;
        }
        let n = returns.len() as f64;
        let mean = returns.iter().sum::<f64>() / n;
        libm::sqrt(returns.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / (n - 1.0))
    }
}
