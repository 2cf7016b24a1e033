//! What changed between two reports, schema `verismo.comparison/1`.

use serde::{Deserialize, Serialize};

use crate::catalogue::TestId;
use crate::report::Side;
use crate::verdict::{FindingVerdict, Severity, Verdict};

/// The schema of a comparison.
pub const SCHEMA: &str = "verismo.comparison/1";

/// How something stands now, against before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Its verdict got worse: PASS, then INCONCLUSIVE, FAIL, ERROR.
    Worse,
    /// It was judged before and is not any more.
    Gone,
    /// Its verdict got better.
    Better,
    /// It was not judged before.
    New,
    /// The same verdict, another number.
    Moved,
    /// Verdict and numbers are the same.
    Unchanged,
}

impl Change {
    /// All changes, those that matter most first.
    pub const ALL: [Self; 6] = [Self::Worse, Self::Gone, Self::Better, Self::New, Self::Moved, Self::Unchanged];

    /// The word in comparisons.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Gone => "gone",
            Self::Better => "better",
            Self::New => "new",
            Self::Moved => "moved",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Two reports against each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Whether the second report is worse: its verdict is; or with the same verdict something that decides it is worse, a deciding
    /// finding is gone, or a deciding check is new and fails.
    pub is_worse: bool,
    /// A sentence for people.
    pub summary: String,
    /// The first report.
    pub before: Facts,
    /// The second report.
    pub after: Facts,
    /// What makes the two hard to compare: another suite, another scope, another golden.
    pub warnings: Vec<String>,
    /// Findings by stream, observable, test and parameter; those that matter most first.
    pub findings: Vec<FindingChange>,
    /// Integrity rows by side, stream and check; those that matter most first.
    pub integrity: Vec<IntegrityChange>,
}

/// What a comparison says of a report as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The name it goes by, its path.
    pub name: String,
    /// Verdict of the run.
    pub verdict: Verdict,
    /// Digest of the run.
    pub digest: String,
    /// Name of the suite.
    pub suite: String,
    /// Digest of the suite.
    pub suite_digest: String,
    /// Version of verismo.
    pub version: String,
}

/// A finding, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingChange {
    /// What became of it.
    pub change: Change,
    /// Stream.
    pub stream: String,
    /// Observable.
    pub observable: String,
    /// Test.
    pub test: TestId,
    /// `lag=5`, `p=0.95`; null for most.
    pub parameter: Option<String>,
    /// Whether it decides the run in either report.
    pub decides: bool,
    /// In the first report.
    pub before: Option<FindingState>,
    /// In the second report.
    pub after: Option<FindingState>,
}

/// What a comparison says of a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingState {
    /// Verdict.
    pub verdict: FindingVerdict,
    /// Effect.
    pub effect: Option<f64>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
    /// Margin.
    pub margin: Option<f64>,
    /// Unit of the observable.
    pub unit: String,
    /// Why.
    pub reason: String,
}

/// An integrity row, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntegrityChange {
    /// What became of it.
    pub change: Change,
    /// Side.
    pub side: Side,
    /// Stream; empty for a whole side.
    pub stream: String,
    /// Check.
    pub check: String,
    /// Whether it decides the run in either report.
    pub decides: bool,
    /// In the first report.
    pub before: Option<IntegrityState>,
    /// In the second report.
    pub after: Option<IntegrityState>,
}

/// What a comparison says of an integrity row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntegrityState {
    /// Verdict.
    pub verdict: FindingVerdict,
    /// Its weight.
    pub severity: Severity,
    /// What was counted.
    pub count: u64,
    /// Out of how many; 0 when there is no whole.
    pub total: u64,
}

impl Comparison {
    /// The comparison as JSON text with a final newline.
    ///
    /// # Errors
    /// When a number is not finite, which no report holds.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}
