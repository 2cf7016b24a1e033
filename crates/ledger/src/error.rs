//! What a ledger could not do, and what it has to say besides.

use std::path::{Path, PathBuf};

/// Why a ledger has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A file or folder cannot be read or written.
    #[error("cannot {act} {}: {source}", path.display())]
    Io {
        /// `read`, `write`.
        act: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A later verismo has changed the index.
    #[error("{} has version {found} of its tables, this verismo knows {known}: update verismo", path.display())]
    Newer {
        /// The index.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version that is known here.
        known: i64,
    },
    /// SQLite refuses.
    #[error("{}: {source}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The report of a run is not what was written.
    #[error("{}: {reason}", path.display())]
    DamagedRun {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// No run goes by that name.
    #[error("no run {name} in {}", home.display())]
    NoSuchRun {
        /// What was asked for.
        name: String,
        /// The home that was looked in.
        home: PathBuf,
        /// Ids that are nearest to it, the latest first among equals.
        near: Vec<String>,
    },
    /// Several ids begin like that.
    #[error("{name} is the start of {}: {}", if *is_all { "several runs" } else { "many runs, the latest" }, among.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Whether `among` are all.
        is_all: bool,
        /// The ids, the latest first.
        among: Vec<String>,
    },
}

impl LedgerError {
    pub(crate) fn io(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { act, path: path.to_owned(), source }
    }

    /// A stable kebab-case name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "ledger-io",
            Self::Newer { .. } => "newer-ledger",
            Self::Index { .. } => "ledger-index",
            Self::DamagedRun { .. } => "damaged-run",
            Self::NoSuchRun { .. } => "no-such-run",
            Self::Ambiguous { .. } => "ambiguous-run",
        }
    }
}
