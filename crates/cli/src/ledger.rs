//! The ledger as commands meet it: runs recorded and looked up. Recording never ends a run, it warns.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use verismo_ledger::{Ledger, LedgerError};
use verismo_suite::report::Report;
use verismo_suite::trace::Trace;

use crate::CliError;
use crate::args::{HomeArgs, RecordArgs};
use crate::commands::validate;
use crate::data::Homes;

/// Where a run will be recorded, and since when it runs.
#[derive(Debug)]
pub struct Recording {
    home: Option<PathBuf>,
    started: SystemTime,
    /// The run that it continues.
    parent: Option<String>,
}

impl Recording {
    /// Begins the recording of a run that starts now; `suite_file` is the file of its suite.
    pub fn start(args: &RecordArgs, suite_file: Option<&Path>) -> Self {
        let home = if args.no_store { None } else { verismo_engine::home(args.store.as_deref(), suite_file) };
        if home.is_none() && !args.no_store {
            warn("there is no cache directory of the user");
        }
        Self { home, started: SystemTime::now(), parent: None }
    }

    /// Begins the recording, in this home, of a run that continues another one.
    pub fn of_child(home: PathBuf, parent: &str) -> Self {
        Self { home: Some(home), started: SystemTime::now(), parent: Some(parent.to_owned()) }
    }

    /// Keeps the report, which gets the name of its run, and the trace of the run; where it cannot be kept it gets none, and a warning says
    /// why.
    pub fn keep(&self, report: &mut Report, trace: Option<&Trace>) {
        let Some(home) = &self.home else { return };
        match self.record(home, report, trace) {
            Ok(notes) => say(&notes),
            Err(why) => {
                report.provenance.run = None;
                warn(&why);
            }
        }
    }

    fn record(&self, home: &Path, report: &mut Report, trace: Option<&Trace>) -> Result<Vec<String>, String> {
        let stamp = verismo_ledger::stamp(self.started, self.parent.clone());
        report.provenance.run = Some(stamp.map_err(|e| e.to_string())?);
        let json = validate::json(report).map_err(|e| e.to_string())?;
        let trace = trace.map(Trace::to_json).transpose().map_err(|e| e.to_string())?;
        verismo_ledger::record(home, report, &json, trace.as_deref()).map_err(|e| e.to_string())
    }

    /// What to say of a recorded run under its report: its name, and its home where `verismo runs` would not look by itself.
    pub fn footer(&self, report: &Report) -> Option<String> {
        let (home, run) = (self.home.as_ref()?, report.provenance.run.as_ref()?);
        let elsewhere = verismo_engine::home(None, None).is_none_or(|usual| usual != *home);
        let place = if elsewhere { format!(" in {}", home.display()) } else { String::new() };
        Some(format!("Run:     {}{place}", run.id))
    }
}

fn warn(why: &str) {
    tracing::warn!("this run is not recorded: {why} (another place: --store DIR or VERISMO_STORE; none: --no-store)");
}

/// Says what the ledger found wrong with itself.
fn say(notes: &[String]) {
    for note in notes {
        tracing::warn!("{note}");
    }
}

/// The ledger in which runs are looked up.
///
/// # Errors
/// `newer-ledger`, or one that cannot be read.
pub fn open(home: &HomeArgs, suite_file: Option<&Path>) -> Result<Ledger, CliError> {
    let path = verismo_engine::home(home.store.as_deref(), suite_file).ok_or_else(|| {
        CliError::usage("no-home", "there is no cache directory of the user").help("name a place with --store DIR")
    })?;
    let ledger = Ledger::open(&path).map_err(ledger_error)?;
    say(ledger.notes());
    Ok(ledger)
}

/// Makes the index of runs again from their reports.
///
/// # Errors
/// `no-home`; where it cannot be written.
pub fn rebuild(home: &HomeArgs, suite_file: Option<&Path>) -> Result<(), CliError> {
    let path = verismo_engine::home(home.store.as_deref(), suite_file).ok_or_else(|| {
        CliError::usage("no-home", "there is no cache directory of the user").help("name a place with --store DIR")
    })?;
    say(&verismo_ledger::rebuild(&path).map_err(ledger_error)?);
    Ok(())
}

/// A report, and the name that commands have for it.
#[derive(Debug)]
pub struct Named {
    /// Its path, or the id of its run.
    pub name: String,
    /// The report.
    pub report: Report,
    /// The same as the text that was written.
    pub json: String,
}

/// The report of a recorded run.
///
/// # Errors
/// `no-such-run`, `ambiguous-run`, `damaged-run`, and as [`open`].
pub fn run(name: &str, home: &HomeArgs) -> Result<Named, CliError> {
    let mut ledger = open(home, None)?;
    let id = ledger.find(name).map_err(ledger_error)?;
    let (report, json) = (ledger.report(&id).map_err(ledger_error)?, ledger.report_json(&id).map_err(ledger_error)?);
    Ok(Named { name: id.to_string(), report, json })
}

/// A recorded run with what it left.
#[derive(Debug)]
pub struct Recorded {
    /// The home that it is in.
    pub home: PathBuf,
    /// Its report.
    pub named: Named,
    /// What it read and left in the store; `None` of runs that left nothing.
    pub trace: Option<Trace>,
}

/// A recorded run, in the first of these homes that has it.
///
/// # Errors
/// `no-home`; as [`run`], of the first home.
pub fn recorded(name: &str, homes: &Homes) -> Result<Recorded, CliError> {
    homes.first()?;
    let mut first: Option<CliError> = None;
    for home in homes.all() {
        let found = Ledger::open(home).and_then(|mut ledger| {
            say(ledger.notes());
            let id = ledger.find(name)?;
            let named = Named { name: id.to_string(), report: ledger.report(&id)?, json: ledger.report_json(&id)? };
            Ok(Recorded { home: home.clone(), named, trace: ledger.trace(&id)? })
        });
        match found {
            Ok(found) => return Ok(found),
            Err(error @ LedgerError::NoSuchRun { .. }) => _ = first.get_or_insert_with(|| ledger_error(error)),
            // Another home's run of that name is another run.
            Err(error) => return Err(ledger_error(error)),
        }
    }
    Err(first.unwrap_or_else(|| CliError::usage("no-such-run", name)))
}

/// An error of the ledger as an error of the command.
pub fn ledger_error(error: LedgerError) -> CliError {
    let code = error.code();
    match &error {
        LedgerError::NoSuchRun { near, .. } if near.is_empty() => {
            CliError::usage(code, &error).help("there are no runs there; --store DIR looks elsewhere")
        }
        LedgerError::NoSuchRun { near, .. } => {
            let near = near.join(", ");
            CliError::usage(code, &error).help(format_args!("nearest: {near}; `verismo runs` lists all"))
        }
        LedgerError::Ambiguous { .. } => CliError::usage(code, &error).help("give more of the id"),
        LedgerError::DamagedRun { .. } => {
            CliError::unusable(code, &error).help("remove the file: the run is lost, the others are not")
        }
        _ => CliError::unusable(code, &error),
    }
}
