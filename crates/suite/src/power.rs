//! What a suite sees and how often it cries wolf, schema `verismo.power/1`.
//!
//! A metric is a test of an observable (`spread ks`, `trade_size quantile p=0.95`) or a check (`sequence_gap`). Readers ignore
//! keys they do not know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;

/// The schema of a power study.
pub const SCHEMA: &str = "verismo.power/1";

/// Share of runs in which a fault has to be seen to count as seen.
pub const SEEN_SHARE: f64 = 0.8;

/// Detection of faults by amount, and false alarms.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Power {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of verismo.
    pub version: String,
    /// Name of the suite.
    pub suite: String,
    /// The market that was damaged.
    pub market: Market,
    /// Pairs of markets without a fault; absent where there is no second market of the same law.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_alarms: Option<Cell>,
    /// The faults, as asked for.
    pub faults: Vec<FaultPower>,
    /// Every metric that had a verdict in a run: those that never applied are left out.
    pub metrics: BTreeMap<String, Metric>,
    /// How long it took, s.
    pub seconds: f64,
}

/// What was damaged.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Market {
    /// Paths of the data; empty for a simulated market.
    pub paths: Vec<String>,
    /// Messages a side.
    pub messages: u64,
    /// Event time of a side, s.
    pub seconds: f64,
    /// Seed of the first run.
    pub seed: u64,
    /// Whether the candidate replays the golden's own market; else it is another draw of the same law.
    pub is_replay: bool,
}

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Metric {
    /// Whether it is an integrity check, not a test.
    pub is_check: bool,
    /// Whether its FAIL makes the run FAIL.
    pub decides: bool,
}

/// One fault at several amounts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FaultPower {
    /// Its name.
    pub fault: String,
    /// What the amount counts.
    pub unit: String,
    /// What it does.
    pub description: String,
    /// By amount, ascending.
    pub cells: Vec<Cell>,
    /// The smallest amount at which the run was FAIL or ERROR in at least [`SEEN_SHARE`] of the runs, and at all larger ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest: Option<f64>,
    /// The same for each metric that saw it; without those that cry wolf in more than a fifth of the pairs without a fault, or where
    /// the data are compared with themselves.
    pub smallest_by_metric: BTreeMap<String, f64>,
}

/// Runs under equal conditions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Cell {
    /// Amount of the fault; 0 for none.
    pub amount: f64,
    /// Mean share of the messages that the fault changed.
    pub changed: f64,
    /// How many.
    pub runs: u64,
    /// Verdicts of the runs.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Exact 95 % interval of the share of runs that are FAIL or ERROR (Clopper & Pearson 1934).
    pub caught_interval: [f64; 2],
    /// In how many runs each metric was FAIL or ERROR, where in any.
    pub seen: BTreeMap<String, u64>,
}

impl Cell {
    /// Runs that are FAIL or ERROR.
    pub fn caught(&self) -> u64 {
        [Verdict::Fail, Verdict::Error].iter().filter_map(|v| self.verdicts.get(v)).sum()
    }

    /// Share of the runs.
    pub fn share(&self, n: u64) -> f64 {
        if self.runs == 0 { 0.0 } else { n as f64 / self.runs as f64 }
    }

    /// Share of the runs in which a metric saw something.
    pub fn seen_by(&self, metric: &str) -> f64 {
        self.share(self.seen.get(metric).copied().unwrap_or(0))
    }
}

impl FaultPower {
    /// Whether the fault changed anything at any amount: some have nothing to change in data of another kind.
    pub fn changes_something(&self) -> bool {
        self.cells.iter().any(|cell| cell.changed > 0.0)
    }

    /// Fills in the smallest amounts from the cells, which are put in order. `without` are pairs without a fault.
    pub fn conclude(&mut self, without: Option<&Cell>) {
        self.cells.sort_by(|a, b| a.amount.total_cmp(&b.amount));
        self.smallest = self.smallest_where(|cell| cell.share(cell.caught()));
        let metrics: Vec<String> = self.cells.iter().flat_map(|cell| cell.seen.keys().cloned()).collect();
        for metric in metrics {
            if without.is_some_and(|cell| cell.seen_by(&metric) > 1.0 - SEEN_SHARE) {
                continue;
            }
            if let Some(amount) = self.smallest_where(|cell| cell.seen_by(&metric)) {
                self.smallest_by_metric.insert(metric, amount);
            }
        }
    }

    fn smallest_where(&self, share: impl Fn(&Cell) -> f64) -> Option<f64> {
        self.cells.iter().rev().take_while(|cell| share(cell) >= SEEN_SHARE).last().map(|cell| cell.amount)
    }
}

impl Power {
    /// The study as JSON text with a final newline.
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

    fn cell(amount: f64, caught: u64, seen: u64) -> Cell {
        Cell {
            amount,
            runs: 10,
            verdicts: BTreeMap::from([(Verdict::Fail, caught), (Verdict::Pass, 10 - caught)]),
            seen: BTreeMap::from([("spread ks".to_owned(), seen)]),
            ..Cell::default()
        }
    }

    #[test]
    fn the_smallest_amount_is_one_from_which_on_all_are_seen() {
        let cells = vec![cell(4.0, 10, 7), cell(1.0, 9, 9), cell(2.0, 7, 8), cell(8.0, 8, 10)];
        let mut fault = FaultPower { cells, ..FaultPower::default() };
        fault.conclude(None);
        assert_eq!(fault.smallest, Some(4.0));
        assert_eq!(fault.smallest_by_metric, BTreeMap::from([("spread ks".to_owned(), 8.0)]));
        fault.smallest_by_metric.clear();
        fault.conclude(Some(&cell(0.0, 0, 3)));
        assert!(fault.smallest_by_metric.is_empty(), "a metric that cries wolf sees nothing");
        let mut unseen = FaultPower { cells: vec![cell(1.0, 9, 0), cell(2.0, 0, 0)], ..FaultPower::default() };
        unseen.conclude(None);
        assert!(unseen.smallest.is_none() && unseen.smallest_by_metric.is_empty());
    }

    #[test]
    fn a_study_survives_json() {
        let power = Power { schema: SCHEMA.to_owned(), false_alarms: Some(cell(0.0, 1, 1)), ..Power::default() };
        let back: Power = serde_json::from_str(&power.to_json().unwrap()).unwrap();
        assert_eq!(back, power);
    }
}
