//! What a run was asked, what it read and which states it left in the store, so that it can be judged again, schema `verismo.trace/1`.
//!
//! It lies beside the report of the run in the ledger. Readers ignore keys they do not know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::report::Side;

/// The schema of a trace.
pub const SCHEMA: &str = "verismo.trace/1";

/// Everything that a later command needs to judge a run again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The folder that the names of sources are relative to.
    #[serde(default)]
    pub folder: String,
    /// What was asked.
    pub asked: Asked,
    /// Golden and candidate.
    pub sides: Vec<TraceSide>,
    /// Merkle root, BLAKE3, hex, of all pieces and the digests of their states; null where some piece was not kept.
    pub root: Option<String>,
    /// Versions of the observables of the suite.
    #[serde(default)]
    pub versions: BTreeMap<String, u32>,
}

/// What was asked of a run, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asked {
    /// Format that both sides were said to have; null where the content told.
    pub format: Option<String>,
    /// Time column of tables.
    pub time: Option<String>,
    /// Time zone of times of day.
    pub tz: Option<String>,
    /// Date of times of day.
    pub date: Option<String>,
    /// The one symbol that was compared.
    pub symbol: Option<String>,
    /// Streams that were paired whatever their names, golden and candidate.
    #[serde(default)]
    pub maps: Vec<(String, String)>,
    /// What readers took at most.
    pub limits: AskedLimits,
    /// Bytes of the segments in which long files were read; 0 where they were read as a whole.
    #[serde(default)]
    pub segment_bytes: u64,
    /// The suite in its canonical form, which its digest is taken of.
    pub suite: String,
    /// Its name.
    pub suite_name: String,
}

/// What readers took at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AskedLimits {
    /// Bytes of a line of text.
    pub line_bytes: u64,
    /// Times its packed size that a packed file may unpack to.
    pub unpack_ratio: u64,
    /// Streams of a side.
    pub streams: u64,
    /// Columns of a table.
    pub columns: u64,
}

/// What was read of one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceSide {
    /// Golden or candidate.
    pub side: Side,
    /// Its format, as sniffed or given.
    pub format: String,
    /// What was named, as absolute paths; patterns and versions are expanded.
    pub paths: Vec<String>,
    /// Every file there whose content matters.
    pub files: Vec<TraceFile>,
    /// Counters of the inventory, as the engine encodes them, hex.
    #[serde(default)]
    pub counters: String,
    /// Groups of files that one reader each reads; of a table one.
    pub groups: Vec<TraceGroup>,
}

/// A file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceFile {
    /// Its absolute path.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its bytes, hex; null where they could not be read.
    pub digest: Option<String>,
}

/// Files that one reader read in a row, and the pieces in which they were observed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TraceGroup {
    /// How streams were observed.
    pub observed: ObservedHow,
    /// The files in the order in which they were read, by the names that examples have for them.
    pub sources: Vec<String>,
    /// The pieces, in order.
    pub pieces: Vec<TracePiece>,
    /// What the files of a table looked like; null where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TraceTable>,
}

/// What the columns of a table depend on beside its rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TraceTable {
    /// All columns but the time.
    pub columns: Vec<TraceColumn>,
    /// Of a golden the lattices of its numeric columns, as they would be frozen, encoded, hex.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lattices: Vec<(String, String)>,
}

/// A column of a table, as its files showed it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TraceColumn {
    /// Its name.
    pub name: String,
    /// How many of the values looked at are there.
    pub there: u64,
    /// How many of those are numbers.
    pub numbers: u64,
}

/// How the streams of a group were observed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ObservedHow {
    /// Digest, hex, of the versions of decoder and replay.
    pub code: String,
    /// Resolution of times, ns.
    pub clock_ns: i64,
    /// Step of the common grid, ns.
    pub grid_ns: i64,
    /// How long a stream without a snapshot has no book, ns.
    pub warmup_ns: i64,
    /// The shortest window, ns.
    pub window_min_ns: i64,
    /// The span that the files were expected to have, ns; of a table the length that windows started with.
    pub expected_span_ns: i64,
    /// Whether trades and book updates come in one sequence.
    pub is_single_feed: bool,
}

/// A piece: what was observed between two places at which the reader rested, mostly a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracePiece {
    /// How many files end in it.
    pub files: u64,
    /// Whether it ends inside the file behind those.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_inside: bool,
    /// The name of its base in the store, which holds the key of the piece; null where it was not kept.
    pub base: Option<String>,
    /// Digest of its states, BLAKE3, hex; null where it was not kept.
    pub states: Option<String>,
}

impl TracePiece {
    /// How many files it has something of.
    pub fn touched(&self) -> usize {
        usize::try_from(self.files).unwrap_or(usize::MAX).saturating_add(usize::from(self.is_inside))
    }
}

impl Trace {
    /// The trace as JSON text.
    ///
    /// # Errors
    /// None is known: it holds texts and integers.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a trace; unknown keys are ignored.
    ///
    /// # Errors
    /// When the text is not a trace of this schema.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let trace: Self = serde_json::from_str(text)?;
        if trace.schema == SCHEMA {
            return Ok(trace);
        }
        Err(serde::de::Error::custom(format_args!("its schema is {}, not {SCHEMA}", trace.schema)))
    }

    /// What was read of a side.
    pub fn side(&self, side: Side) -> Option<&TraceSide> {
        self.sides.iter().find(|own| own.side == side)
    }

    /// The absolute path of a source.
    pub fn path_of(&self, source: &str) -> String {
        let path = std::path::Path::new(&self.folder).join(source);
        path.components().collect::<std::path::PathBuf>().display().to_string()
    }

    /// Pieces of both sides.
    pub fn pieces(&self) -> u64 {
        let groups = self.sides.iter().flat_map(|side| &side.groups);
        groups.map(|group| group.pieces.len() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_back_and_another_schema_is_refused() {
        let trace = Trace {
            schema: SCHEMA.to_owned(),
            folder: "/here".to_owned(),
            asked: Asked { maps: vec![("A".into(), "B".into())], suite: "{}".into(), ..Asked::default() },
            sides: vec![TraceSide {
                side: Side::Golden,
                format: "table".into(),
                paths: vec!["/data".into()],
                files: vec![TraceFile { path: "/data/a".into(), bytes: 3, digest: None }],
                counters: String::new(),
                groups: vec![TraceGroup {
                    pieces: vec![TracePiece { files: 1, is_inside: true, base: Some("pieces/x".into()), states: None }],
                    ..TraceGroup::default()
                }],
            }],
            root: None,
            versions: BTreeMap::from([("spread".to_owned(), 1)]),
        };
        let json = trace.to_json().unwrap();
        assert_eq!(Trace::from_json(&json).unwrap(), trace);
        assert_eq!((trace.pieces(), trace.side(Side::Candidate)), (1, None));
        assert_eq!([trace.path_of("./a/b"), trace.path_of("/a")], ["/here/a/b", "/a"]);
        assert!(Trace::from_json(&json.replace("trace/1", "trace/2")).is_err());
        let more = json.replacen("\"asked\":{", "\"later\":1,\"asked\":{\"new\":[],", 1);
        assert_eq!(Trace::from_json(&more).unwrap(), trace, "keys of later versions are ignored");
    }
}
