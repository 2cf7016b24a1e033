//! The runs of a ledger, schema `verismo.runs/1`, and one finding over them, schema `verismo.trend/1`.

use serde::{Deserialize, Serialize};

use crate::verdict::{FindingVerdict, Verdict};

/// The schema of a list of runs.
pub const RUNS_SCHEMA: &str = "verismo.runs/1";
/// The schema of a trend.
pub const TREND_SCHEMA: &str = "verismo.trend/1";

/// Runs, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunList {
    /// Always [`RUNS_SCHEMA`].
    pub schema: String,
    /// The runs.
    pub runs: Vec<Run>,
}

/// A run as the ledger knows it; its report says the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// When it started, RFC 3339 in UTC.
    pub started: String,
    /// The run it continues.
    pub parent: Option<String>,
    /// Its verdict.
    pub verdict: Verdict,
    /// Digest of the run; empty where nothing could be read.
    pub digest: String,
    /// Name of the suite.
    pub suite: String,
    /// Digest of the suite.
    pub suite_digest: String,
    /// Version of verismo.
    pub version: String,
    /// The golden, as given.
    pub golden: Vec<String>,
    /// The candidate, as given.
    pub candidate: Vec<String>,
    /// Messages of both sides.
    pub messages: u64,
    /// Events of both sides.
    pub events: u64,
    /// Wall time.
    pub seconds: f64,
    /// Processor time; null where it was not measured.
    pub cpu_seconds: Option<f64>,
    /// Bytes of both sides.
    pub bytes_read: u64,
    /// Most memory held at once; null where it was not measured.
    pub peak_memory_bytes: Option<u64>,
    /// Share of the bytes whose states were there from an earlier run; null where nothing was looked up.
    pub cached_share: Option<f64>,
}

/// What one observable came to, run after run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Always [`TREND_SCHEMA`].
    pub schema: String,
    /// The observable.
    pub observable: String,
    /// A series for each suite, stream, test, parameter and way of matching windows.
    pub series: Vec<Series>,
}

/// One finding over the runs, the earliest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Name of the suite.
    pub suite: String,
    /// Stream.
    pub stream: String,
    /// The test, by name: an older or newer verismo may know others.
    pub test: String,
    /// `lag=5`, `p=0.95`; null for most.
    pub parameter: Option<String>,
    /// How windows were matched.
    pub stratum: String,
    /// Unit of the observable.
    pub unit: String,
    /// A point a run.
    pub points: Vec<Point>,
}

/// A finding of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The run.
    pub run: String,
    /// When it started, RFC 3339 in UTC.
    pub started: String,
    /// Effect.
    pub effect: Option<f64>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
    /// Margin.
    pub margin: Option<f64>,
    /// Verdict of the finding.
    pub verdict: FindingVerdict,
}

impl RunList {
    /// The list as JSON text with a final newline.
    ///
    /// # Errors
    /// When a number is not finite, which no ledger holds.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl Trend {
    /// The trend as JSON text with a final newline.
    ///
    /// # Errors
    /// When a number is not finite, which no ledger holds.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
