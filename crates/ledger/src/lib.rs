//! The record of runs.
//!
//! The report of a run is kept as a file of its own, written once and never changed. `ledger.sqlite` is an index over these
//! files: it can be lost, damaged or of another version without a loss, and is made again from them. A ledger never ends the
//! run that it records; what it has to say is in its notes.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod certificate;
mod error;
mod find;
mod id;
mod index;
mod query;
mod rows;
mod runs;
mod schema;
mod since;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use verismo_suite::report::{Report, RunStamp};
use verismo_suite::trace::Trace;

pub use error::LedgerError;
pub use find::may_name_a_run;
pub use id::{RunId, random_seed};
pub use query::Filter;
pub use since::parse_since;

use index::Index;

/// A name for a run that started then.
///
/// # Errors
/// Where the system has no random numbers.
pub fn stamp(started: SystemTime, parent: Option<String>) -> std::io::Result<RunStamp> {
    let started = Timestamp::try_from(started).unwrap_or_default();
    let id = RunId::new(started)?.to_string();
    Ok(RunStamp { id, started: stamp_text(started.as_millisecond()), parent })
}

/// A time as RFC 3339 in UTC with milliseconds; the epoch where the calendar ends.
fn stamp_text(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Keeps the report of a run, with the trace of the run if it left one: its files first, then its rows of the index. The notes say what is
/// wrong with the index, which does not matter for the run: whoever asks next gets it from the file.
///
/// # Errors
/// Where a file cannot be written, or the report has no stamp.
pub fn record(home: &Path, report: &Report, json: &str, trace: Option<&str>) -> Result<Vec<String>, LedgerError> {
    let stamp = report.provenance.run.as_ref();
    let Some((stamp, id)) = stamp.and_then(|stamp| Some((stamp, RunId::parse(&stamp.id)?))) else {
        let reason = "it has no stamp of a run".to_owned();
        return Err(LedgerError::DamagedRun { path: home.to_owned(), reason });
    };
    // Whoever finds the report finds the trace.
    if let Some(trace) = trace {
        runs::write_trace(home, &id, trace)?;
    }
    runs::write(home, &id, json)?;
    let indexed = Index::open(home).and_then(|mut index| {
        index.run(|connection| {
            let transaction = rows::change(connection)?;
            rows::insert(&transaction, stamp, report)?;
            transaction.commit()
        })?;
        Ok(index.notes)
    });
    Ok(indexed.unwrap_or_else(|error| vec![format!("run {id} is kept, but not listed yet: {error}")]))
}

/// Makes the index of a home again from its reports, whatever it holds now, which is set aside; the notes say so, and which reports are damaged.
/// Where there is no home nothing is made.
///
/// # Errors
/// Where it cannot be written, or is of a later version.
pub fn rebuild(home: &Path) -> Result<Vec<String>, LedgerError> {
    if !home.is_dir() {
        return Ok(Vec::new());
    }
    Ok(Index::made_again(home)?.notes)
}

/// The runs of a home, to ask.
#[derive(Debug)]
pub struct Ledger {
    home: PathBuf,
    index: Index,
}

impl Ledger {
    /// The ledger of a home; an empty one where there is none. Runs whose rows are missing get them now, and the rows of runs
    /// whose file is gone go.
    ///
    /// # Errors
    /// Where the index is of a later version, or cannot be read nor made again.
    pub fn open(home: &Path) -> Result<Self, LedgerError> {
        let mut index = Index::open_to_ask(home)?;
        index.follow_files()?;
        Ok(Self { home: home.to_owned(), index })
    }

    /// What was found wrong so far: a damaged index, damaged reports.
    pub fn notes(&self) -> &[String] {
        &self.index.notes
    }

    /// The home.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The report of a run.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what was written.
    pub fn report(&self, id: &RunId) -> Result<Report, LedgerError> {
        runs::read(&self.home, id)
    }

    /// What a run read and left in the store; `None` where it left nothing.
    ///
    /// # Errors
    /// As [`Ledger::report`].
    pub fn trace(&self, id: &RunId) -> Result<Option<Trace>, LedgerError> {
        runs::read_trace(&self.home, id)
    }

    /// The report of a run as JSON, byte for byte as `validate` wrote it.
    ///
    /// # Errors
    /// As [`Ledger::report`].
    pub fn report_json(&self, id: &RunId) -> Result<String, LedgerError> {
        runs::read_json(&self.home, id)
    }
}

#[cfg(test)]
mod tests;
