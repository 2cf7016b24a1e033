//! What a run costs on this machine, schema `verismo.bench/1`.
//!
//! Times are medians of the runs. Readers ignore keys they do not know.

use serde::{Deserialize, Serialize};

/// The schema of a benchmark.
pub const SCHEMA: &str = "verismo.bench/1";

/// A benchmark of one pair of data sets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Benchmark {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of verismo.
    pub version: String,
    /// Threads that the machine offers.
    pub cores: usize,
    /// How often everything was run.
    pub runs: usize,
    /// Both sides.
    pub data: Data,
    /// What the stages of a run cost, each on one thread; empty for tables.
    pub stages: Vec<Stage>,
    /// The whole command, by number of threads.
    pub whole: Vec<Whole>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Data {
    /// Paths of the golden.
    pub golden: Vec<String>,
    /// Paths of the candidate.
    pub candidate: Vec<String>,
    /// Format of the golden.
    pub format: String,
    /// Files of both sides.
    pub files: u64,
    /// Bytes on disk of both sides.
    pub bytes: u64,
    /// Messages (lines or rows) of both sides.
    pub messages: u64,
    /// Events of both sides: trades and book updates.
    pub events: u64,
}

/// A stage on one thread.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// What is timed.
    pub what: String,
    /// Median seconds.
    pub seconds: f64,
    /// The fastest and the slowest run, s.
    pub range: [f64; 2],
    /// What was worked on.
    pub items: u64,
    /// What an item is.
    pub item: String,
    /// ns per item.
    pub ns_per_item: f64,
    /// Bytes on disk gone through, 10^9 a second; where bytes are what counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gb_per_s: Option<f64>,
}

/// The whole command at one number of threads: a process of its own, from start to end by the clock.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Whole {
    /// Threads it was given.
    pub threads: usize,
    /// Median seconds.
    pub seconds: f64,
    /// The fastest and the slowest run, s.
    pub range: [f64; 2],
    /// Messages of both sides per second.
    pub messages_per_second: f64,
    /// Median seconds from the first byte to the last state.
    pub read_to_update_seconds: f64,
    /// Median seconds of judging.
    pub judge_seconds: f64,
    /// Time on one thread, over the threads times the time on them: 1 is perfect.
    pub efficiency: f64,
    /// The same from the first byte to the last state.
    pub read_to_update_efficiency: f64,
    /// Time that reading and decoding alone take on as many threads, of the time of the whole: the share of the floor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor_share: Option<f64>,
    /// Most memory held, bytes; where the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
}

/// Several measurements of one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The upper median.
    pub median: f64,
    /// The smallest and the largest.
    pub range: [f64; 2],
}

impl Spread {
    /// Of no measurement all are zero.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |i: usize| values.get(i).copied().unwrap_or(0.0);
        Self { median: at(values.len() / 2), range: [at(0), at(values.len().saturating_sub(1))] }
    }
}

impl Benchmark {
    /// The benchmark as JSON text with a final newline.
    ///
    /// # Errors
    /// When a number is not finite.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_median_and_ends() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Spread { median: 2.0, range: [1.0, 3.0] });
        assert_eq!(Spread::of([]), Spread { median: 0.0, range: [0.0, 0.0] });
    }
}
