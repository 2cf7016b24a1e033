//! `verismo judge`: a recorded run judged again, from the states that it left.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Instant;

use verismo_engine::Meter;
use verismo_engine::{
    FileChange, JudgeAgain, MissingStates, RecallRequest, Recalled, Rejudged, RunStates, StoreRequest, changed_files,
    judge_recorded, recall_states, request_of, suite_for, suite_of,
};
use verismo_report::number::{bytes, count};
use verismo_suite::Suite;
use verismo_suite::report::Report;
use verismo_suite::trace::Trace;

use super::validate::{self, engine_error, value_name};
use crate::args::{JudgeArgs, PairingArg, RunPlaceArgs, ScopeArg};
use crate::data::Homes;
use crate::ledger::{self, Recorded, Recording};
use crate::{CliError, Context, Exit, files, progress, store, suites};

/// Files, or places, named one by one.
const NAMED_MAX: usize = 5;

/// Judges the states of a run under another suite, writes and records the report as `validate` does.
///
/// # Errors
/// `no-such-run`; `no-states`, `data-changed`, `states-gone`; with `--recompute` as `validate`.
pub fn run(args: &JudgeArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let started = Instant::now();
    let used_before = verismo_engine::cpu_seconds();
    let suite_file = args.suite.as_deref().and_then(suites::file);
    let run = Run::find(&args.run, &args.place, suite_file)?;
    let recording = Recording::of_child(run.recorded.home.clone(), &run.recorded.named.name);
    let suite = run.suite(args.suite.as_deref(), args.scope, args.pairing)?;
    run.check_files(args.as_recorded, context)?;
    let threads = validate::threads(args.threads);
    let maps = if args.map.is_empty() { run.trace.asked.maps.clone() } else { args.map.clone() };
    let settings = settings(&run.recorded.named.report, args);
    let inputs = run.recorded.named.report.inputs.clone();
    let again =
        JudgeAgain { suite: suite.clone(), maps: maps.clone(), inputs, settings: settings.clone(), threads, started };
    let judged = run.judge(&suite, &again, context)?;
    if let (Rejudged::Missing(missing), false) = (&judged, args.recompute) {
        return Err(gone(missing, args.as_recorded));
    }
    files::create_dir(&args.out)?;
    validate::remove_old_reports(&args.out)?;
    let missing = match judged {
        Rejudged::Report(mut report, trace) => {
            validate::measured(&mut report, used_before);
            let trace = with_maps(&trace, maps);
            recording.keep(&mut report, Some(&trace));
            return validate::show(&report, (&args.out, args.json.as_deref()), &recording, context, out);
        }
        Rejudged::Missing(missing) => missing,
    };
    tracing::info!(files = missing.files, bytes = missing.bytes, "reading again, at most");
    let mut request = request_of(&run.trace, suite, run.store.clone(), threads);
    request.settings = settings;
    request.maps = maps;
    let (mut report, trace) = validate::judge_traced(&request, context, "judge")?;
    for (input, before) in report.inputs.iter_mut().zip(&run.recorded.named.report.inputs) {
        // Shown as it was asked for then.
        input.paths.clone_from(&before.paths);
    }
    recording.keep(&mut report, trace.as_ref());
    validate::show(&report, (&args.out, args.json.as_deref()), &recording, context, out)
}

/// A recorded run whose states shall be taken up.
pub(crate) struct Run {
    pub(crate) recorded: Recorded,
    pub(crate) trace: Trace,
    pub(crate) store: StoreRequest,
    verifies: bool,
}

impl Run {
    /// Finds a run in the home of the suite file, or in the user's usual one.
    ///
    /// # Errors
    /// `no-such-run`; `no-states` for a run that left none.
    pub(crate) fn find(
        name: &str,
        place: &RunPlaceArgs,
        suite_file: Option<&std::path::Path>,
    ) -> Result<Self, CliError> {
        let homes = Homes::of(place.store.as_deref(), suite_file);
        let recorded = ledger::recorded(name, &homes)?;
        let Some(trace) = recorded.trace.clone() else {
            let message = format!("run {} left no states to judge again", recorded.named.name);
            return Err(CliError::usage("no-states", message).help(
                "runs of `verismo validate` with a store leave them; those of `demo`, with --no-store, that ended in ERROR or of \
                 earlier versions do not: validate again",
            ));
        };
        let asked = (place.store.as_deref(), &place.timeout);
        let store = store::of_run(asked, &recorded.home, place.verify_files)?;
        Ok(Self { recorded, trace, store, verifies: place.verify_files })
    }

    /// The suite that is asked for, else that of the run.
    ///
    /// # Errors
    /// As [`suites::load`]; `no-such-suite` where this version cannot read that of the run.
    pub(crate) fn suite(
        &self,
        asked: Option<&str>,
        scope: Option<ScopeArg>,
        pairing: Option<PairingArg>,
    ) -> Result<Suite, CliError> {
        let suite = match asked {
            Some(asked) => suites::load(asked)?,
            None => suite_of(&self.trace).ok_or_else(|| {
                let message = format!("the suite of run {} is of another version", self.recorded.named.name);
                CliError::usage("no-such-suite", message).help("name a suite with --suite")
            })?,
        };
        let none = || Err(CliError::unusable("internal", "a suite was lost"));
        let suite = validate::with_overrides(Some(suite), scope, pairing, none)?.map_or_else(none, Ok)?;
        Ok(suite_for(&self.trace, suite))
    }

    /// Looks whether the files of the run are what they were.
    ///
    /// # Errors
    /// `data-changed`, unless `may_differ`: that is a warning then.
    pub(crate) fn check_files(&self, may_differ: bool, context: Context<'_>) -> Result<(), CliError> {
        let meter = Meter::default();
        let changes = progress::watch(context, &meter, "looking", || {
            changed_files(&self.trace, self.store.folder.as_deref(), self.verifies)
        });
        if changes.is_empty() {
            return Ok(());
        }
        let message = format!("files of run {} have changed since: {}", self.recorded.named.name, named(&changes));
        if may_differ {
            tracing::warn!("{message}; judged is what was recorded");
            return Ok(());
        }
        Err(CliError::unusable("data-changed", message)
            .help("--as-recorded judges what was recorded; `verismo validate` judges the files as they are"))
    }

    /// Takes the states from the store.
    ///
    /// # Errors
    /// `suite-kind`, interrupted.
    pub(crate) fn recall(&self, suite: &Suite, threads: usize, context: Context<'_>) -> Result<Recalled, CliError> {
        let (request, meter) = (self.request(suite, threads), Meter::default());
        progress::watch(context, &meter, "states", || recall_states(&request, &meter)).map_err(engine_error)
    }

    /// Judges it again, as far as it was not judged before.
    fn judge(&self, suite: &Suite, again: &JudgeAgain, context: Context<'_>) -> Result<Rejudged, CliError> {
        let (request, meter) = (self.request(suite, again.threads), Meter::default());
        let judged = progress::watch(context, &meter, "judging", || judge_recorded(&request, again, &meter));
        if crate::interrupt::is_raised(context.cancel) {
            return Err(CliError::interrupted());
        }
        judged.map_err(engine_error)
    }

    fn request(&self, suite: &Suite, threads: usize) -> RecallRequest {
        RecallRequest { trace: self.trace.clone(), suite: suite.clone(), store: self.store.clone(), threads }
    }
}

/// Judges states with a progress bar.
pub(crate) fn judge(states: &mut RunStates, again: &JudgeAgain, context: Context<'_>) -> Result<Report, CliError> {
    let meter = Meter::default();
    let report = progress::watch(context, &meter, "judging", || states.judge(again));
    if crate::interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    Ok(report)
}

/// The error where states are not there and shall not be computed.
pub(crate) fn gone(missing: &MissingStates, as_recorded: bool) -> CliError {
    let place = |(file, why, observables): &(String, String, Vec<String>)| {
        let which = match &observables[..] {
            [] => String::new(),
            some if some.len() <= NAMED_MAX => format!(" ({})", some.join(", ")),
            some => format!(" ({} and {} more)", some[..NAMED_MAX].join(", "), some.len() - NAMED_MAX),
        };
        format!("{file}: {why}{which}")
    };
    let mut said: Vec<String> = missing.first.iter().take(NAMED_MAX).map(place).collect();
    if let Some(more @ 1..) = missing.first.len().checked_sub(NAMED_MAX) {
        said.push(format!("and {more} more"));
    }
    said.extend(missing.problems.iter().cloned());
    let files = if missing.files == 1 { "1 file".to_owned() } else { format!("{} files", count(missing.files)) };
    let size = bytes(missing.bytes);
    let message = format!("not all states are in the store: {}", said.join("; "));
    let error = CliError::unusable("states-gone", message);
    if as_recorded {
        return error.help("what is gone can only be read from files that have not changed: leave out --as-recorded");
    }
    error.help(format_args!("--recompute reads them again, at most {files} of {size}"))
}

/// The changed files by name.
fn named(changes: &[FileChange]) -> String {
    let one = |change: &FileChange| format!("{} {}", change.path, change.kind.as_str());
    let mut named: Vec<String> = changes.iter().take(NAMED_MAX).map(one).collect();
    if let Some(more @ 1..) = changes.len().checked_sub(NAMED_MAX) {
        named.push(format!("and {} more", count(more as u64)));
    }
    named.join(", ")
}

fn with_maps(trace: &Trace, maps: Vec<(String, String)>) -> Trace {
    let mut trace = trace.clone();
    trace.asked.maps = maps;
    trace
}

/// The settings of the run, but for those that are others now.
fn settings(report: &Report, args: &JudgeArgs) -> BTreeMap<String, String> {
    let mut settings = report.provenance.settings.clone();
    if args.suite.is_some() {
        // Of another suite scope and pairing are its own.
        settings.remove("scope");
        settings.remove("pairing");
    }
    settings.remove("threads");
    let maps: Vec<String> = args.map.iter().map(|(golden, candidate)| format!("{golden}={candidate}")).collect();
    let given = [
        ("suite", args.suite.clone()),
        ("scope", args.scope.map(|scope| value_name(&scope))),
        ("pairing", args.pairing.map(|pairing| value_name(&pairing))),
        ("map", (!maps.is_empty()).then(|| maps.join(", "))),
        ("threads", args.threads.map(|n| n.to_string())),
    ];
    settings.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    settings
}
