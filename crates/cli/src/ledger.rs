//! The ledger as commands meet it: runs recorded and looked up. Recording never ends a run, it warns.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use verismo_ledger::{Ledger, LedgerError};
use verismo_suite::report::Report;

use crate::CliError;
use crate::args::{HomeArgs, RecordArgs};
use crate::commands::validate;

/// Where a run will be recorded, and since when it runs.
#[derive(Debug)]
pub struct Recording {
    home: Option<PathBuf>,
    started: SystemTime,
}

impl Recording {
    /// Begins the recording of a run that starts now; `suite_file` is the file of its suite.
    pub fn start(args: &RecordArgs, suite_file: Option<&Path>) -> Self {
        let home = if args.no_store { None } else { verismo_engine::home(args.store.as_deref(), suite_file) };
        if home.is_none() && !args.no_store {
            warn("there is no cache directory of the user");
        }
        Self { home, started: SystemTime::now() }
    }

    /// Keeps the report, which gets the name of its run; where it cannot be kept it gets none, and a warning says why.
    pub fn keep(&self, report: &mut Report) {
        let Some(home) = &self.home else { return };
        match self.record(home, report) {
            Ok(notes) => say(&notes),
            Err(why) => {
                report.provenance.run = None;
                warn(&why);
            }
        }
    }

    fn record(&self, home: &Path, report: &mut Report) -> Result<Vec<String>, String> {
        report.provenance.run = Some(verismo_ledger::stamp(self.started, None).map_err(|e| e.to_string())?);
        let json = validate::json(report).map_err(|e| e.to_string())?;
        verismo_ledger::record(home, report, &json).map_err(|e| e.to_string())
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
