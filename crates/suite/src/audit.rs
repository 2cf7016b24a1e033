//! States of a certified run held against its files, schema `verismo.audit/1`.

use serde::{Deserialize, Serialize};

/// The schema of an audit.
pub const SCHEMA: &str = "verismo.audit/1";

/// What an audit came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The run.
    pub run: String,
    /// Merkle root of its states, as certified.
    pub root: String,
    /// What the choice was made from: `--seed` of this makes it again.
    pub seed: String,
    /// Pieces of the run.
    pub pieces: u64,
    /// Pieces that were chosen.
    pub chosen: u64,
    /// Chosen ones that were computed again from their files, and are the same.
    pub equal: u64,
    /// Pieces that are not what was certified: their files changed, or their states are others.
    pub different: Vec<AuditedPiece>,
    /// Chosen ones that could not be held against their files: these, or states before them, are gone.
    pub unchecked: Vec<AuditedPiece>,
}

/// A piece, and what is the matter with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedPiece {
    /// Its files.
    pub files: Vec<String>,
    /// Why.
    pub why: String,
}

impl Audit {
    /// As JSON text with a final newline.
    ///
    /// # Errors
    /// None is known: it holds texts and integers.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
