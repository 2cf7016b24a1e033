//! What a data set is, schema `verismo.profile/1`.
//!
//! Numbers that are undefined are null; `undefined` says why where a reader would ask. Readers ignore keys they do not know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::TestId;
use crate::report::{Ignored, IntegrityRow, Provenance, Timing};

/// The schema of a profile.
pub const SCHEMA: &str = "verismo.profile/1";

/// A whole data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Paths as given.
    pub paths: Vec<String>,
    /// Format, as sniffed or given.
    pub format: String,
    /// Files read.
    pub files: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Files found and not read, with the reason.
    #[serde(default)]
    pub ignored: Vec<Ignored>,
    /// Facts about the files worth showing.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Messages: lines, rows or frames.
    pub messages: u64,
    /// Events in normal form: trades and book updates; rows of a table.
    pub events: u64,
    /// Captures whose receive clocks can be compared are one session.
    pub sessions: u64,
    /// Resolution of the exchange times, by their unit, ns.
    pub clock_ns: i64,
    /// Name of the suite whose observables, margins and limits were used.
    pub suite: String,
    /// BLAKE3, hex, of what the suite says.
    pub suite_digest: String,
    /// BLAKE3, hex, of states and counters: equal for equal content.
    pub digest: String,
    /// Its streams, by venue and symbol.
    pub streams: Vec<StreamProfile>,
    /// One row per stream and check, held to the limits that a candidate is held to.
    pub integrity: Vec<IntegrityRow>,
    /// How long it took; not digested.
    pub timing: Timing,
    /// Versions and settings; not digested.
    pub provenance: Provenance,
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamProfile {
    /// Name in findings: `venue:symbol`, or what there is of it.
    pub name: String,
    /// Venue; empty where the format does not say it.
    pub venue: String,
    /// Symbol as the source writes it; empty for a table.
    pub symbol: String,
    /// First and last exchange time, ns since the epoch.
    pub span_ns: Option<(i64, i64)>,
    /// Length of the span, s.
    pub seconds: f64,
    /// Base window of the states, s.
    pub window_s: f64,
    /// Messages: lines, rows or frames.
    pub messages: u64,
    /// Events in normal form.
    pub events: u64,
    /// Rows by kind of event, `trade`, `level_set`, `quote`, ...; kinds that do not occur are absent.
    pub kinds: BTreeMap<String, u64>,
    /// Trades observed; without duplicates and late ones.
    pub trades: u64,
    /// Book updates observed.
    pub updates: u64,
    /// How often something comes.
    pub rate: Rate,
    /// Greatest common divisor of the exchange times, ns; at most one second. Null with fewer than two times.
    pub time_step_ns: Option<i64>,
    /// Whether rows carry a receive time.
    pub has_receive_time: bool,
    /// Greatest common divisor of the prices; null without any.
    pub price_tick: Option<f64>,
    /// Greatest common divisor of the quantities; null without any.
    pub qty_lot: Option<f64>,
    /// Lowest and highest price of a trade.
    pub trade_prices: Option<[f64; 2]>,
    /// The book; null where the stream has none.
    pub book: Option<BookProfile>,
    /// What can be measured on it.
    pub observables: Vec<ObservableProfile>,
}

/// How often messages come. Seconds are those of exchange time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rate {
    /// Messages per second over the span; null for a span of no length.
    pub mean_per_s: Option<f64>,
    /// Messages of the busiest second.
    pub peak_per_s: u64,
    /// Start of the busiest second, ns since the epoch; the first of equal ones.
    pub peak_at_ns: Option<i64>,
    /// Seconds of the span in which nothing came.
    pub silent_seconds: u64,
}

/// The book of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookProfile {
    /// Median time between updates, s.
    pub cadence_s: Option<f64>,
    /// Snapshots.
    pub snapshots: u64,
    /// When the book was first sampled, ns since the epoch; null where it never was.
    pub known_from_ns: Option<i64>,
    /// From the start of the stream until then, s: the wait for a snapshot, or the warm-up of the suite.
    pub warmup_s: Option<f64>,
    /// Share of the span's grid times at which the book had a bid below an ask.
    pub defined_share: Option<f64>,
    /// Gaps in the ids of updates: up to 10, up to 1,000, more ids missing.
    pub gaps: [u64; 3],
    /// Levels forgotten by the cap of the book.
    pub levels_dropped: u64,
}

/// One observable of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservableProfile {
    /// Observable of the catalogue, or column.
    pub observable: String,
    /// Unit of the values.
    pub unit: String,
    /// Observations.
    pub n: u64,
    /// Windows with observations.
    pub windows: u64,
    /// What the observations are worth as independent ones; at most `n`.
    pub n_eff: Option<f64>,
    /// Mean.
    pub mean: Option<f64>,
    /// Standard deviation, ddof 1.
    pub sd: Option<f64>,
    /// Smallest and largest value.
    pub range: Option<[f64; 2]>,
    /// Quantiles by level, type 1 of Hyndman and Fan: `p=0.05`, ...
    #[serde(default)]
    pub quantiles: BTreeMap<String, f64>,
    /// Autocorrelations by lag, where the observable is one.
    #[serde(default)]
    pub autocorrelations: BTreeMap<u32, f64>,
    /// By how much the data set differs from itself, block against the rest, noise removed: of the distance of `resolution`.
    pub heterogeneity: Option<f64>,
    /// What it can resolve, one row per deciding test; several for autocorrelations.
    #[serde(default)]
    pub resolution: Vec<ResolutionProfile>,
    /// Remarks on the noise.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Why numbers are null, by their key.
    #[serde(default)]
    pub undefined: BTreeMap<String, String>,
}

/// What a data set of this length resolves when it is compared with another of its length and law.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolutionProfile {
    /// The test that decides.
    pub test: TestId,
    /// `lag=5`; null for most.
    #[serde(default)]
    pub parameter: Option<String>,
    /// Unit of the numbers below; empty for pure numbers.
    pub unit: String,
    /// The suite's margin in that unit.
    pub margin: Option<f64>,
    /// A faithful candidate passes at this margin in about four runs of five.
    pub resolvable: Option<f64>,
    /// The same for one minute; noise falls with the square root of the length. Null where a minute resolves nothing.
    pub one_minute: Option<f64>,
    /// The same for one hour.
    pub one_hour: Option<f64>,
    /// Smallest effect called FAIL at the suite's margin in about four runs of five.
    pub detectable: Option<f64>,
    /// Length each side needs for the suite's margin, s; at least the twelve windows that an interval needs.
    pub needs_s: Option<f64>,
    /// Whether the margin is finer than what can be resolved.
    pub out_of_reach: bool,
    /// In words.
    pub text: String,
}

impl Profile {
    /// The profile as JSON text with a final newline.
    ///
    /// # Errors
    /// When a number is not finite; the judge yields null for those.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}
