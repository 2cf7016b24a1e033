//! The report, schema `verismo.report/1`.
//!
//! Numbers that are undefined are null, with the reason beside them. Readers ignore keys they do not know.

pub(crate) mod json;
mod kept;
mod pictures;

use serde::{Deserialize, Serialize};

use crate::catalogue::TestId;
use crate::suite::{Pairing, Policy, Scope};
use crate::verdict::{FindingVerdict, Severity, Verdict};

pub use kept::KeptObservable;
pub use pictures::{Against, LagBar, LawCurves, Picture, Stretch, TimeStrip, rounded};

/// The schema of the report.
pub const SCHEMA: &str = "verismo.report/1";

/// A side of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The reference.
    Golden,
    /// The data under test.
    Candidate,
    /// The comparison itself.
    Both,
}

impl Side {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Golden => "golden",
            Self::Candidate => "candidate",
            Self::Both => "both",
        }
    }
}

/// A whole report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The verdict of the run.
    pub verdict: Verdict,
    /// Sentences for people; the first names the scope.
    pub summary: String,
    /// What the verdict is about.
    pub scope: Scope,
    /// BLAKE3, hex, of states, counters, suite and verdicts: equal for equal content and suite.
    pub digest: String,
    /// BLAKE3, hex, of what the suite says.
    pub suite_digest: String,
    /// Name of the suite.
    #[serde(default)]
    pub suite: String,
    /// What was read.
    pub inputs: Vec<Input>,
    /// How the streams were paired.
    #[serde(default)]
    pub streams: Vec<StreamPair>,
    /// One row per stream, observable and test.
    pub findings: Vec<Finding>,
    /// One row per side, stream and check.
    pub integrity: Vec<IntegrityRow>,
    /// What the golden at hand can resolve, by observable.
    #[serde(default)]
    pub mde: Vec<MdeRow>,
    /// What figures are drawn from, by stream and observable; not digested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Picture>,
    /// How long it took; not digested.
    pub timing: Timing,
    /// Versions and settings; not digested.
    pub provenance: Provenance,
    /// How much came from a store of states, where one was used; not digested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
}

/// One input of a side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Golden or candidate.
    pub side: Side,
    /// Paths as given.
    pub paths: Vec<String>,
    /// Format, as sniffed or given.
    pub format: String,
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Messages: lines, rows or frames.
    pub messages: u64,
    /// Events.
    pub events: u64,
    /// BLAKE3, hex, of this side's states and counts.
    #[serde(default)]
    pub digest: String,
    /// Files found and not read, with the reason.
    #[serde(default)]
    pub ignored: Vec<Ignored>,
}

/// A file that was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ignored {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// A golden stream and its partner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamPair {
    /// Name used in findings.
    pub name: String,
    /// Venue and symbol of the golden stream as given; absent for an extra candidate stream.
    pub golden: Option<String>,
    /// Venue and symbol of the candidate stream; absent for a missing one.
    pub candidate: Option<String>,
    /// Whether windows were judged as pairs.
    pub pairing: Pairing,
    /// Why: the share of common ids that agree, or the suite.
    pub pairing_reason: String,
    /// Common ids in the sample, and how many agree.
    pub common_ids: u64,
    /// See `common_ids`.
    pub agreeing_ids: u64,
    /// Base window, s.
    pub window_s: f64,
    /// Clock at which both are observed, ns.
    pub clock_ns: i64,
    /// First and last exchange time of the golden, ns since the epoch.
    pub golden_span_ns: Option<(i64, i64)>,
    /// First and last exchange time of the candidate.
    pub candidate_span_ns: Option<(i64, i64)>,
    /// Share of the golden's windows in which the candidate has any observation; 1 is complete.
    pub overlap: Option<f64>,
    /// Events of the golden.
    pub golden_events: u64,
    /// Events of the candidate.
    pub candidate_events: u64,
}

/// One judged comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Observable or column.
    pub observable: String,
    /// Its unit.
    pub unit: String,
    /// The test.
    pub test: TestId,
    /// What the test is taken at: `lag=5`, `p=0.95`; null for most.
    #[serde(default)]
    pub parameter: Option<String>,
    /// Stream, `venue:symbol` or what the sides call it.
    pub stream: String,
    /// How windows were matched: `paired`, `half-hours`, `unmatched`.
    pub stratum: String,
    /// The field's number.
    pub statistic: Option<f64>,
    /// 0 for equal samples.
    pub effect: Option<f64>,
    /// Lower and upper end.
    pub interval: Option<[f64; 2]>,
    /// Where the statistic of the raw values lies, given the cells of the lattice; both ends equal on exact lattices.
    pub certified: Option<[f64; 2]>,
    /// Margin in the effect's unit.
    pub margin: Option<f64>,
    /// What this much data can resolve: a faithful candidate passes at this margin in about four runs of five.
    pub resolution: Option<f64>,
    /// By how much the golden differs from itself, noise removed; raises the bar for FAIL only.
    pub heterogeneity: Option<f64>,
    /// Observations.
    pub n_golden: u64,
    /// Observations.
    pub n_candidate: u64,
    /// What they are worth as independent ones: the smaller side's.
    pub n_eff: Option<f64>,
    /// Classical p-value for independent samples, for reference; decides nothing.
    pub p_value: Option<f64>,
    /// p-value of "the effect is at most the margin" (of what FAIL rejects, under another policy), corrected over its family: the findings that decide the run,
    /// those that decide an observable of lower severity, those that inform, and each further test by itself.
    pub p_fail: Option<f64>,
    /// Smallest effect that these data call FAIL in about four runs of five.
    pub mde: Option<f64>,
    /// From the suite.
    pub severity: Severity,
    /// Whether this test decides its observable.
    pub deciding: bool,
    /// What PASS and FAIL claim; absent for the usual equivalence.
    #[serde(default, skip_serializing_if = "Policy::is_usual")]
    pub policy: Policy,
    /// The verdict.
    pub verdict: FindingVerdict,
    /// Why, in a sentence; also why numbers are null.
    pub reason: String,
    /// Windows used a side.
    #[serde(default)]
    pub windows: [u64; 2],
    /// Time that the windows used stand for, in seconds a side: longer than the windows themselves where only some of a
    /// stream's windows have a value.
    #[serde(default)]
    pub seconds: [f64; 2],
    /// Share of the golden's windows used.
    #[serde(default)]
    pub coverage: Option<f64>,
    /// What would decide an open finding.
    #[serde(default)]
    pub needs: Option<Needs>,
    /// Where the difference sits.
    #[serde(default)]
    pub evidence: Evidence,
    /// Remarks on the noise: memory, too few windows.
    #[serde(default)]
    pub notes: Vec<String>,
    /// `p_fail` before the correction for the number of findings.
    #[serde(default)]
    pub p_fail_raw: Option<f64>,
    /// The strata of which this finding is the worst one, in order; empty for findings over all time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strata: Vec<StratumResult>,
    /// Why numbers are null, by their key.
    #[serde(default)]
    pub undefined: std::collections::BTreeMap<String, String>,
}

/// What one stratum shows, before any correction for the number of strata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StratumResult {
    /// Its label, `hour=13`.
    pub label: String,
    /// Windows a side.
    pub windows: [u64; 2],
    /// The effect.
    pub effect: Option<f64>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
    /// What it would be by itself.
    pub verdict: FindingVerdict,
}

/// How much more data would decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Needs {
    /// More windows on the candidate's side; null when the golden is the limit or nothing helps.
    pub candidate_windows: Option<u64>,
    /// More windows on the golden's side.
    #[serde(default)]
    pub golden_windows: Option<u64>,
    /// Seconds that pass for each window with a value.
    pub window_s: f64,
    /// In words.
    pub text: String,
}

/// Where a difference sits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Where the distribution functions are farthest apart.
    #[serde(default)]
    pub largest_gap: Option<LargestGap>,
    /// The range of values whose share differs most.
    #[serde(default)]
    pub worst_range: Option<WorstRange>,
    /// Windows or half hours whose removal changes the finding most.
    #[serde(default)]
    pub blame: Vec<Blame>,
}

/// The value at which the distribution functions are farthest apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LargestGap {
    /// The value, in the observable's unit.
    pub at: f64,
    /// Share of the golden at or below it.
    pub golden_share: f64,
    /// Share of the candidate at or below it.
    pub candidate_share: f64,
}

/// A range of values in which the two sides hold different shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstRange {
    /// Left end, in the observable's unit.
    pub from: f64,
    /// Right end, included.
    pub to: f64,
    /// Share of the golden in the range.
    pub golden_share: f64,
    /// Share of the candidate in the range.
    pub candidate_share: f64,
    /// In words.
    pub text: String,
}

/// A stretch of time whose removal changes a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blame {
    /// Start, ns since the epoch.
    pub from_ns: i64,
    /// End, ns since the epoch.
    pub to_ns: i64,
    /// Which side's windows were left out.
    pub side: Side,
    /// The effect without it.
    pub effect_without: f64,
    /// Whether the effect without it lies inside the margin.
    pub inside_margin_without: bool,
    /// In words.
    pub text: String,
}

/// One integrity row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntegrityRow {
    /// Check of the catalogue.
    pub check: String,
    /// Golden, candidate or both.
    pub side: Side,
    /// Stream; empty for a whole side.
    pub stream: String,
    /// What was counted.
    pub count: u64,
    /// Out of how many; 0 when there is no whole.
    #[serde(default)]
    pub total: u64,
    /// count / total; null when there is no whole.
    pub ratio: Option<f64>,
    /// The limit, in words of the suite: `count <= 0`, `ratio <= 0.001`, `none`.
    pub limit: String,
    /// From the suite.
    pub severity: Severity,
    /// PASS, FAIL, ERROR or NOT_APPLICABLE.
    pub verdict: FindingVerdict,
    /// Why, in a sentence.
    #[serde(default)]
    pub reason: String,
    /// The worst case seen, in the unit the check says; null where it has none.
    #[serde(default)]
    pub worst: Option<i64>,
    /// First positions.
    pub examples: Vec<Example>,
}

/// A position in the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// File.
    pub source: String,
    /// Line or row, from 1.
    pub position: u64,
    /// What was found there.
    pub detail: String,
}

/// What a golden of this length can resolve, for one observable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MdeRow {
    /// Stream.
    pub stream: String,
    /// Observable.
    pub observable: String,
    /// The deciding test.
    pub test: TestId,
    /// Unit of the numbers below.
    pub unit: String,
    /// Margin in the effect's unit.
    pub margin: f64,
    /// A faithful candidate passes at this margin in about four runs of five.
    pub resolvable_margin: Option<f64>,
    /// Smallest effect called FAIL in about four runs of five.
    pub mde: Option<f64>,
    /// Whether the margin is below what can be resolved.
    pub out_of_reach: bool,
    /// In words: "at this rate, one minute resolves D >= x".
    pub text: String,
}

/// How long a run took. Never digested.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Timing {
    /// Messages of both sides.
    pub messages: u64,
    /// Events of both sides.
    pub events: u64,
    /// Wall time.
    pub seconds: f64,
    /// messages / seconds.
    pub messages_per_second: f64,
    /// events / seconds.
    pub events_per_second: f64,
    /// Bytes of both sides.
    pub bytes_read: u64,
    /// Seconds by stage.
    pub stages: std::collections::BTreeMap<String, f64>,
    /// Most memory that the process has held until then; where the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// Processor time over all threads; where the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// Share of the bytes whose states were there from an earlier run; null where nothing was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_share: Option<f64>,
}

/// What produced the report. Never digested.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of verismo.
    pub version: String,
    /// Version of the judging recipe.
    #[serde(default)]
    pub recipe: String,
    /// Settings that differ from the defaults, and where they came from.
    #[serde(default)]
    pub settings: std::collections::BTreeMap<String, String>,
    /// The run in the ledger; absent where none was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunStamp>,
    /// The states that the run left in a store; absent where it kept none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<KeptStates>,
}

/// The states of a run in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptStates {
    /// Pieces, mostly files, of both sides.
    pub pieces: u64,
    /// Merkle root, BLAKE3, hex, of all pieces and the digests of their states; null where some piece was not kept.
    pub root: Option<String>,
}

/// What the ledger calls a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStamp {
    /// Its id: says when it started and nothing of what it was about; ids sort by time.
    pub id: String,
    /// When it started, RFC 3339 in UTC with milliseconds.
    pub started: String,
    /// The run it continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// How much of a run came from a store of states.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cache {
    /// Where the store is.
    pub place: String,
    /// Whether nothing had changed, so that the report of an earlier run was taken as a whole.
    #[serde(default)]
    pub is_report_reused: bool,
    /// States that were not computed: an observable in a piece, mostly a file, is one.
    pub states_reused: u64,
    /// States that were computed.
    pub states_computed: u64,
    /// Pieces that were looked for.
    pub pieces: u64,
    /// Observables that were not judged, since their states and their rules were judged before.
    #[serde(default)]
    pub observables_reused: u64,
    /// Observables that were judged, each once for every pair of streams.
    #[serde(default)]
    pub observables_judged: u64,
    /// What was computed, and why.
    #[serde(default)]
    pub misses: Vec<CacheMiss>,
    /// What could not be read or written, and what was damaged.
    #[serde(default)]
    pub problems: Vec<String>,
}

impl Cache {
    /// As JSON of its own, `verismo.cache/1`.
    ///
    /// # Errors
    /// None is known: it holds texts and integers.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Schemed<'a> {
            schema: &'static str,
            #[serde(flatten)]
            cache: &'a Cache,
        }
        serde_json::to_string_pretty(&Schemed { schema: "verismo.cache/1", cache: self }).map(|text| text + "\n")
    }
}

/// A piece that was not in the store as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheMiss {
    /// Its first file.
    pub file: String,
    /// What changed, in words.
    pub why: String,
    /// The observables that were computed; all if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observables: Vec<String>,
}

impl Report {
    /// The report as indented JSON text with a final newline; lists of numbers take one line.
    ///
    /// # Errors
    /// When a number is not finite; the judge yields null for those.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut bytes = Vec::new();
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, json::Lines::default()))?;
        bytes.push(b'\n');
        String::from_utf8(bytes).map_err(serde::ser::Error::custom)
    }

    /// Reads a report; unknown keys are ignored.
    ///
    /// # Errors
    /// When the text is not a report of this schema.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests;
