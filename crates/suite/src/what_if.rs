//! A run judged without a part of its data, schema `verismo.what-if/1`.

use serde::{Deserialize, Serialize};

use crate::comparison::Comparison;
use crate::verdict::Verdict;

/// The schema of a what-if.
pub const SCHEMA: &str = "verismo.what-if/1";

/// What a run would have come to without a part of its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhatIf {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The run.
    pub run: String,
    /// Its verdict.
    pub before: Verdict,
    /// The verdict without what is left out.
    pub after: Verdict,
    /// A sentence for people.
    pub summary: String,
    /// What is left out.
    pub left_out: Vec<LeftOut>,
    /// Windows that are left out, golden and candidate.
    pub windows_left_out: [u64; 2],
    /// Windows that there are, golden and candidate.
    pub windows: [u64; 2],
    /// What to know about it.
    pub notes: Vec<String>,
    /// How it was found; null where it was given.
    pub search: Option<Search>,
    /// The run against what it would have been.
    pub comparison: Comparison,
}

/// A part that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// `window`, `hours` or `symbol`.
    pub kind: String,
    /// The symbol, or the stream, that it is of; null for all.
    pub symbol: Option<String>,
    /// First time that is left out, ns since the epoch; null for hours and symbols.
    pub from_ns: Option<i64>,
    /// First time behind it.
    pub to_ns: Option<i64>,
    /// In words, as the command line takes it.
    pub text: String,
    /// Windows that it takes away, golden and candidate.
    pub windows: [u64; 2],
}

/// How a part was looked for without which a run does not fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// What is left out at a time: `windows` of the judgement, or one contiguous `stretch` of them.
    pub unit: String,
    /// `pass`, or `no-fail`.
    pub goal: String,
    /// The observable that it was for; null for the run.
    pub observable: Option<String>,
    /// The findings that fail, `stream observable test`.
    pub targets: Vec<String>,
    /// Whether leaving out what is named reaches the goal.
    pub is_found: bool,
    /// Units left out.
    pub units: u64,
    /// Units that there are.
    pub of: u64,
    /// Judgements that it took.
    pub tries: u64,
    /// Judgements that it might have taken.
    pub tries_max: u64,
    /// Whether each single unit of those left out was tried to be put back, and is needed. That no other set is smaller is not known.
    pub is_irreducible: bool,
    /// What was done, in words.
    pub method: String,
}

impl WhatIf {
    /// As JSON text with a final newline.
    ///
    /// # Errors
    /// When a number is not finite, which no report holds.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
