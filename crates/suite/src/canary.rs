//! What another version of the code would change in the states of a run, schema `verismo.canary/1`.

use serde::{Deserialize, Serialize};

use crate::audit::AuditedPiece;

/// The schema of a canary.
pub const SCHEMA: &str = "verismo.canary/1";

/// Some pieces of a run, computed again by this version of verismo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Canary {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The run.
    pub run: String,
    /// Whether decoders and replay are of the versions that the run had.
    pub is_same_code: bool,
    /// Pieces of the run.
    pub pieces: u64,
    /// Pieces that were chosen, some of each group of files.
    pub chosen: u64,
    /// Pieces that were computed again.
    pub computed: u64,
    /// Those whose replay (counters, books, ids) came to something else.
    pub replays_changed: u64,
    /// States, each an observable in a piece, that were computed again.
    pub states: u64,
    /// Those that came to something else.
    pub states_changed: u64,
    /// Observables with other states, or in another version.
    pub observables: Vec<CanaryObservable>,
    /// Chosen pieces that could not be computed again, and why.
    pub unchecked: Vec<AuditedPiece>,
}

/// An observable whose states or version are others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryObservable {
    /// Its id.
    pub id: String,
    /// Its version in the run; null where the run does not say.
    pub version_then: Option<u32>,
    /// Its version now.
    pub version_now: u32,
    /// Pieces in which it came to something else.
    pub changed: u64,
}

impl Canary {
    /// As JSON text with a final newline.
    ///
    /// # Errors
    /// None is known: it holds texts and integers.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
