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
    /// What the states come to, judged again; absent in audits of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<AuditedVerdict>,
}

/// The certified verdict, held against what the states of the run come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedVerdict {
    /// Whether verdict and digest are the same; absent where that could not be told.
    pub is_same: Option<bool>,
    /// What it came to, or why that could not be told.
    pub why: String,
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
    /// Whether anything is not what was certified.
    pub fn is_different(&self) -> bool {
        !self.different.is_empty() || self.judged.as_ref().is_some_and(|judged| judged.is_same == Some(false))
    }

    /// Whether something could not be told.
    pub fn is_incomplete(&self) -> bool {
        !self.unchecked.is_empty() || self.judged.as_ref().is_some_and(|judged| judged.is_same.is_none())
    }

    /// As JSON text with a final newline.
    ///
    /// # Errors
    /// None is known: it holds texts and integers.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
