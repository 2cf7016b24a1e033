//! The scores of LOB-Bench (arXiv 2502.09172), schema `verismo.lob-bench/1`.
//!
//! `scores` is what a reader of that benchmark looks for: `{score: [l1, wasserstein]}`. Whatever has no number is null there and has
//! its reason in `undefined`. Readers ignore keys they do not know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::report::json::Lines;

/// The schema of the scores.
pub const SCHEMA: &str = "verismo.lob-bench/1";

/// A score of one sample of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreInfo {
    /// Its name in the benchmark.
    pub id: &'static str,
    /// Whether a bin is a value; else bins are equally wide.
    pub discrete: bool,
}

/// The unconditional scores, in the order of the benchmark.
pub const SCORES: [ScoreInfo; 21] = [
    discrete("spread"),
    continuous("orderbook_imbalance"),
    continuous("log_inter_arrival_time"),
    continuous("log_time_to_cancel"),
    continuous("ask_volume_touch"),
    continuous("bid_volume_touch"),
    continuous("ask_volume"),
    continuous("bid_volume"),
    continuous("limit_ask_order_depth"),
    continuous("limit_bid_order_depth"),
    continuous("ask_cancellation_depth"),
    continuous("bid_cancellation_depth"),
    discrete("limit_ask_order_levels"),
    discrete("limit_bid_order_levels"),
    discrete("ask_cancellation_levels"),
    discrete("bid_cancellation_levels"),
    continuous("vol_per_min"),
    continuous("ofi"),
    continuous("ofi_up"),
    continuous("ofi_stay"),
    continuous("ofi_down"),
];

/// The conditional scores.
pub const CONDITIONAL: [&str; 3] = ["ask_volume | spread", "spread | time", "spread | volatility"];

/// The events whose impact is followed: market orders, limit orders and cancellations that leave the best prices as they are (0) or
/// change them (1).
pub const IMPACT_EVENTS: [&str; 6] = ["MO_0", "MO_1", "LO_0", "LO_1", "CA_0", "CA_1"];

/// Events from the order to the price, in events at the touch; 3 is there twice.
pub const IMPACT_LAGS: [u32; 21] = [1, 2, 3, 3, 5, 6, 7, 10, 12, 15, 19, 25, 31, 39, 50, 63, 79, 100, 125, 158, 199];

const fn discrete(id: &'static str) -> ScoreInfo {
    ScoreInfo { id, discrete: true }
}

const fn continuous(id: &'static str) -> ScoreInfo {
    ScoreInfo { id, discrete: false }
}

/// Total variation and standardised Wasserstein distance; null where there is none.
pub type Pair = [Option<f64>; 2];

/// All scores of one pair of data sets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LobBench {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of verismo.
    pub version: String,
    /// `[l1, wasserstein]` of each score.
    pub scores: BTreeMap<String, Pair>,
    /// What the scores come to.
    pub summary: Summaries,
    /// The ends of each score, for dependent data.
    pub intervals: BTreeMap<String, Intervals>,
    /// Numbers behind each score, real and generated.
    pub counts: BTreeMap<String, [u64; 2]>,
    /// `[l1, wasserstein]` of each conditional score.
    pub conditional: BTreeMap<String, Pair>,
    /// Price after an event.
    pub impact: Impact,
    /// The real side.
    pub real: Side,
    /// The generated side.
    pub generated: Side,
    /// What the intervals claim: `these-stretches`, or `population`.
    pub scope: String,
    /// Levels of the order book that are scored.
    pub levels: usize,
    /// Why something is null or missing, by its place in this object: `intervals.spread.l1`.
    pub undefined: BTreeMap<String, String>,
    /// What a reader of the scores should know about these data.
    pub notes: Vec<String>,
}

/// Both summaries.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Summaries {
    /// Of the total variations.
    pub l1: Summary,
    /// Of the Wasserstein distances.
    pub wasserstein: Summary,
}

/// What the defined ones among the unconditional scores come to; null where none is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// The mean.
    pub mean: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// The mean from the lower to the upper quartile.
    pub interquartile_mean: Option<f64>,
}

/// Lower and upper end of each distance, each with an error rate of 5 %; null where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Intervals {
    /// Of the total variation.
    pub l1: Option<[f64; 2]>,
    /// Of the standardised Wasserstein distance, the pooled standard deviation taken as it is.
    pub wasserstein: Option<[f64; 2]>,
}

/// What was read of a side.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Side {
    /// The folder or file, as given.
    pub path: String,
    /// Sequences: pairs of message and order book file.
    pub sequences: u64,
    /// Messages in them.
    pub messages: u64,
    /// Windows of the intervals: sequences, or stretches of them where sequences are few.
    pub windows: u64,
    /// Values that are no finite numbers and are left out, by score.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, u64>,
    /// Rows of the order book without a best ask or bid; the benchmark scores their fill-in prices like any others.
    pub rows_without_touch: u64,
}

/// Response of the mid price to events, in ticks of 100 (a cent).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Impact {
    /// Mean of the six scores; null where one is.
    pub mean: Option<f64>,
    /// Sum over lags of the difference of the curves, by event.
    pub scores: BTreeMap<String, Option<f64>>,
    /// Events from the order to the price.
    pub lags: Vec<u32>,
    /// The curves, by event.
    pub curves: BTreeMap<String, Curves>,
}

/// Both curves of an event.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curves {
    /// Mean signed change of the mid price in ticks at each lag; null where no event has one so far away.
    pub real: Vec<Option<f64>>,
    /// The same of the generated side.
    pub generated: Vec<Option<f64>>,
    /// Events seen, real and generated.
    pub events: [u64; 2],
}

impl LobBench {
    /// The scores as JSON text with a final newline, a score a line.
    ///
    /// # Errors
    /// When a number is not finite.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, Lines::default());
        self.serialize(&mut serializer)?;
        out.push(b'\n');
        Ok(String::from_utf8_lossy(&out).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_a_pair_on_one_line_and_all_is_read_again() {
        let mut bench = LobBench { schema: SCHEMA.to_owned(), levels: 10, ..LobBench::default() };
        bench.scores.insert("spread".to_owned(), [Some(0.5), None]);
        bench.intervals.insert("spread".to_owned(), Intervals { l1: Some([0.25, 0.75]), wasserstein: None });
        let text = bench.to_json().unwrap();
        assert!(text.contains("  \"scores\": {\n    \"spread\": [0.5, null]\n  },\n"), "{text}");
        assert_eq!(serde_json::from_str::<LobBench>(&text).unwrap(), bench);
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<&str> = SCORES.iter().map(|score| score.id).collect();
        assert_eq!(names.len(), SCORES.len());
        assert!(IMPACT_LAGS.is_sorted());
    }
}
