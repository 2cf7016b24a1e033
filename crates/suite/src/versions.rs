//! Versions of data sets: what was recorded (`verismo.snapshot/1`), what there is (`verismo.versions/1`), what changed between two
//! (`verismo.diff/1`).

use serde::{Deserialize, Serialize};

use crate::verdict::FindingVerdict;

/// The schema of a recorded version.
pub const SNAPSHOT_SCHEMA: &str = "verismo.snapshot/1";
/// The schema of a list of versions.
pub const VERSIONS_SCHEMA: &str = "verismo.versions/1";
/// The schema of a difference.
pub const DIFF_SCHEMA: &str = "verismo.diff/1";

/// What is known of the content of a version without decoding it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Format of the data.
    pub format: String,
    /// Files.
    pub files: u64,
    /// Folders that files lie in.
    pub partitions: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Rows; null where a file does not say.
    pub rows: Option<u64>,
    /// Exchange time of the first event, ns since the epoch; null where no file says.
    pub first_ns: Option<i64>,
    /// Exchange time of the last event; null where a file does not say.
    pub last_ns: Option<i64>,
}

/// What `verismo snapshot` recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Always [`SNAPSHOT_SCHEMA`].
    pub schema: String,
    /// The version: the digest of paths, lengths and contents, hex.
    pub version: String,
    /// Whether this content was not recorded before, under any name.
    pub is_new: bool,
    /// Whether it was the latest version of the branch already.
    pub is_unchanged: bool,
    /// Name of the data set.
    pub name: String,
    /// Where it lies.
    pub root: String,
    /// The branch.
    pub branch: String,
    /// The version before it on the branch; null for the first.
    pub parent: Option<String>,
    /// Tags of the version, sorted.
    pub tags: Vec<String>,
    /// What told the files where that was not the folder: `dvc`, `delta:12`.
    pub source: Option<String>,
    /// The content.
    #[serde(flatten)]
    pub facts: Facts,
    /// The file that holds the manifest.
    pub manifest: String,
}

/// Data sets with their versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionList {
    /// Always [`VERSIONS_SCHEMA`].
    pub schema: String,
    /// By name.
    pub sets: Vec<SetVersions>,
}

/// A data set and its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetVersions {
    /// Its name.
    pub name: String,
    /// Where it lay when it was last recorded.
    pub root: String,
    /// By branch, the latest first.
    pub versions: Vec<Version>,
}

/// A version on a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its digest, hex.
    pub version: String,
    /// The branch.
    pub branch: String,
    /// Whether it is the branch's latest.
    pub is_head: bool,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// The version before it on the branch.
    pub parent: Option<String>,
    /// When it was recorded, RFC 3339 in UTC.
    pub at: String,
    /// What was said of it.
    pub message: Option<String>,
    /// What told the files where that was not the folder.
    pub source: Option<String>,
    /// The content; null where the manifest is damaged or gone.
    pub facts: Option<Facts>,
    /// What is wrong with the manifest.
    pub problem: Option<String>,
}

/// How a file or folder stands in the second version, against the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    /// It is not there any more.
    Removed,
    /// It was not there.
    Added,
    /// Another content.
    Changed,
    /// The same content under another path.
    Moved,
}

impl FileChange {
    /// The word in differences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Moved => "moved",
        }
    }
}

/// What changed between two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// Always [`DIFF_SCHEMA`].
    pub schema: String,
    /// Whether both hold the same paths with the same contents.
    pub is_equal: bool,
    /// A sentence for people.
    pub summary: String,
    /// The first version.
    pub before: DiffSide,
    /// The second version.
    pub after: DiffSide,
    /// How many files of both are the same.
    pub unchanged: u64,
    /// Folders whose files differ, by name.
    pub partitions: Vec<PartitionDiff>,
    /// Files that differ, by path.
    pub files: Vec<FileDiff>,
    /// Which distributions changed, where that is known.
    pub distributions: Distributions,
}

/// One of the two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffSide {
    /// As it was asked for.
    pub name: String,
    /// Its digest, hex.
    pub version: String,
    /// The content.
    pub facts: Facts,
}

/// Files of a folder, before or after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their rows; null where one does not say.
    pub rows: Option<u64>,
}

/// A folder whose files differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionDiff {
    /// The folder, relative to the data set; empty for the data set's own.
    pub partition: String,
    /// `added` and `removed` where all of it is new or gone, `moved` where all of it lies elsewhere now, else `changed`.
    pub change: FileChange,
    /// Before.
    pub before: Amount,
    /// After.
    pub after: Amount,
    /// Its files that changed: removed, added, changed, moved here.
    pub changes: [u64; 4],
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// What became of it.
    pub change: FileChange,
    /// Its path, relative to the data set.
    pub path: String,
    /// Where it was before it moved.
    pub from: Option<String>,
    /// Bytes before; null where it was not there.
    pub bytes_before: Option<u64>,
    /// Bytes after; null where it is gone.
    pub bytes_after: Option<u64>,
    /// Rows before, where known.
    pub rows_before: Option<u64>,
    /// Rows after, where known.
    pub rows_after: Option<u64>,
}

/// Which distributions changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Distributions {
    /// `equal` (the same content), `run` (of the ledger), `states` (kept, no data read), `compared` (now), `unknown`.
    pub known_from: String,
    /// The recorded run they are from.
    pub run: Option<String>,
    /// What would tell them, where they are unknown; else what the figures are.
    pub note: String,
    /// Share of the states that were there from an earlier run, where some were looked up.
    pub cached_share: Option<f64>,
    /// Distributions that differ at all, the largest effect against its margin first.
    pub changed: Vec<DistributionDiff>,
    /// How many were compared and are the same.
    pub unchanged: u64,
}

/// A distribution that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistributionDiff {
    /// Stream.
    pub stream: String,
    /// Observable.
    pub observable: String,
    /// The deciding test.
    pub test: String,
    /// Its effect; null where it could not be told.
    pub effect: Option<f64>,
    /// Interval of the effect.
    pub interval: Option<[f64; 2]>,
    /// The suite's margin.
    pub margin: Option<f64>,
    /// Unit of effect and margin.
    pub unit: String,
    /// What the suite says of the difference.
    pub verdict: FindingVerdict,
}

macro_rules! to_json {
    ($($schema:ty),*) => {$(
        impl $schema {
            /// As JSON text with a final newline.
            ///
            /// # Errors
            /// When a number is not finite, which none is.
            pub fn to_json(&self) -> Result<String, serde_json::Error> {
                Ok(serde_json::to_string_pretty(self)? + "\n")
            }
        }
    )*};
}
to_json!(Snapshot, VersionList, Diff);
