//! What a store of states holds, schema `verismo.cache-stats/1`, and what was removed from it, schema `verismo.cache-gc/1`.

use serde::{Deserialize, Serialize};

/// The schema of what a store holds.
pub const STATS_SCHEMA: &str = "verismo.cache-stats/1";
/// The schema of what was removed.
pub const GC_SCHEMA: &str = "verismo.cache-gc/1";

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheStats {
    /// Always [`STATS_SCHEMA`].
    pub schema: String,
    /// Where it is.
    pub place: String,
    /// Its objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the least recently used one was used, to a day; to a week where the store is not on this machine. Milliseconds since 1970.
    pub oldest_use_ms: Option<i64>,
    /// The same of the most recently used one.
    pub latest_use_ms: Option<i64>,
    /// By what they are.
    pub kinds: Vec<CacheKind>,
    /// By how long ago they were used.
    pub ages: Vec<CacheAge>,
}

/// Objects of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheKind {
    /// `replays` (what all observables of a file share), `observables`, `trails` (what tells why something was not found),
    /// `reports` (of runs of which nothing changed), or others.
    pub kind: String,
    /// How many.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Objects of one age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheAge {
    /// Used less than so many days ago, and not in the row before; null for all others.
    pub days_max: Option<u64>,
    /// How many.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was removed from a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcReport {
    /// Always [`GC_SCHEMA`].
    pub schema: String,
    /// Where it is.
    pub place: String,
    /// Whether nothing was removed, and it is only said what would be.
    #[serde(rename = "dry_run")]
    pub is_dry: bool,
    /// Objects before.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects removed.
    pub objects_removed: u64,
    /// Their bytes.
    pub bytes_removed: u64,
}

impl CacheStats {
    /// As JSON.
    ///
    /// # Errors
    /// None of its numbers can be one that JSON cannot hold.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

impl GcReport {
    /// As JSON.
    ///
    /// # Errors
    /// As [`CacheStats::to_json`].
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}
