//! `verismo runs`, `verismo show` and `verismo explain-cache`.

use std::io::Write;

use verismo_engine::{AuditRequest, Meter};
use verismo_ledger::{Filter, Ledger};
use verismo_suite::Verdict;
use verismo_suite::catalogue::nearest;
use verismo_suite::runs::Trend;

use super::judge::Run;
use super::{report, validate};
use crate::args::{ExplainCacheArgs, RunPlaceArgs, RunsArgs, ShowArgs};
use crate::ledger::{self, ledger_error};
use crate::{CliError, Context, Exit, files, progress, suites};

/// Lists the runs, or one finding over them.
///
/// # Errors
/// `unknown-observable`, `unknown-test`, a suite that is none, or a ledger that cannot be read.
pub fn list(args: &RunsArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let suite_file = args.suite.as_deref().and_then(suites::file);
    if args.rebuild {
        ledger::rebuild(&args.home, suite_file)?;
    }
    let mut ledger = ledger::open(&args.home, suite_file)?;
    let filter = Filter {
        suite: match (&args.suite, suite_file) {
            (Some(name), Some(_)) => Some(suites::load(name)?.name),
            (name, _) => name.clone(),
        },
        verdict: args.verdict.map(Verdict::from),
        since_ms: args.since,
        limit: Some(args.limit),
    };
    let internal =
        |e| CliError::unusable("internal", format_args!("the ledger has a number that JSON cannot hold: {e}"));
    if let Some(wanted) = &args.trend {
        let trend = trend(&mut ledger, wanted, &filter)?;
        let none = format!("No such finding in these runs of {}.\n", ledger.home().display());
        let text = |style: &_| if trend.series.is_empty() { none } else { verismo_report::trend_text(&trend, style) };
        files::json_or_text(args.json.as_deref(), trend.to_json().map_err(internal)?, text, context, out)?;
        return Ok(Exit::Pass);
    }
    let list = ledger.runs(&filter).map_err(ledger_error)?;
    let none = format!("No such runs in {}.\n", ledger.home().display());
    let text = |style: &_| if list.runs.is_empty() { none } else { verismo_report::runs_text(&list, style) };
    files::json_or_text(args.json.as_deref(), list.to_json().map_err(internal)?, text, context, out)?;
    Ok(Exit::Pass)
}

/// The trend of `OBSERVABLE` or `OBSERVABLE:TEST`; columns of tables may have a colon in their names.
fn trend(ledger: &mut Ledger, wanted: &str, filter: &Filter) -> Result<Trend, CliError> {
    let known = ledger.observables().map_err(ledger_error)?;
    let is_known = |name: &str| known.iter().any(|(observable, _)| observable == name);
    let (observable, test) = match wanted.rsplit_once(':') {
        Some((observable, test)) if !is_known(wanted) => (observable, Some(test)),
        _ => (wanted, None),
    };
    if !is_known(observable) {
        let message = format!("no run in {} has findings of {observable}", ledger.home().display());
        let error = CliError::usage("unknown-observable", message);
        return Err(match nearest(observable, known.iter().map(|(name, _)| name.as_str())) {
            Some(near) => error.help(format_args!("did you mean {near}?")),
            None => error,
        });
    }
    let mut tests = known.iter().filter(|(name, _)| name == observable).map(|(_, test)| test.as_str());
    if let Some(test) = test.filter(|test| !tests.clone().any(|known| known == *test)) {
        let tests: Vec<&str> = tests.by_ref().collect();
        let message = format!("no run has the test {test} of {observable}");
        return Err(CliError::usage("unknown-test", message).help(format_args!("there are: {}", tests.join(", "))));
    }
    ledger.trend(observable, test, filter).map_err(ledger_error)
}

/// Shows the report of a run in one format, or writes all its files.
///
/// # Errors
/// `no-such-run`, `ambiguous-run`, `damaged-run`, `cannot-write`.
pub fn show(args: &ShowArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let named = ledger::run(&args.run, &args.home)?;
    report::render(&named, args.out.as_deref(), args.format, context, out)
}

/// Says how much of a run came from the store of states.
///
/// # Errors
/// `no-store` for a run without one, and as [`show`].
pub fn explain_cache(args: &ExplainCacheArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    if let Some(share) = args.canary {
        return canary(args, share, context, out);
    }
    let named = ledger::run(&args.run, &args.home)?;
    let Some(cache) = &named.report.cache else {
        let message = format!("run {} kept no states", named.name);
        return Err(CliError::usage("no-store", message).help("`verismo validate` keeps them, `verismo demo` does not"));
    };
    let internal = |e| CliError::unusable("internal", format_args!("the cache cannot be written as JSON: {e}"));
    let text = |style: &_| verismo_report::cache_text(cache, style);
    files::json_or_text(args.json.as_deref(), cache.to_json().map_err(internal)?, text, context, out)?;
    Ok(Exit::Pass)
}

/// Says what this version of verismo would change in the states of a run.
fn canary(args: &ExplainCacheArgs, share: f64, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let place =
        RunPlaceArgs { store: args.home.store.clone(), timeout: args.timeout.clone(), ..RunPlaceArgs::default() };
    let Run { recorded, trace, store, .. } = Run::find(&args.run, &place, None)?;
    if trace.pieces() == 0 {
        let message = format!("run {} kept no pieces of states", recorded.named.name);
        return Err(CliError::usage("no-states", message).help("earlier versions kept none of tables: validate again"));
    }
    let seed = trace.root.clone().unwrap_or_default();
    let threads = validate::threads(None);
    let request = AuditRequest { run: recorded.named.name, trace, store, seed, share, threads };
    let meter = Meter::default();
    let found = progress::watch(context, &meter, "canary", || verismo_engine::canary(&request, &meter));
    if crate::interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    let canary = found.map_err(validate::engine_error)?;
    let json = canary.to_json().map_err(|e| CliError::unusable("internal", e))?;
    files::json_or_text(args.json.as_deref(), json, |style| verismo_report::canary_text(&canary, style), context, out)?;
    Ok(match (canary.states_changed + canary.replays_changed, canary.unchecked.is_empty()) {
        (1.., _) => Exit::Fail,
        (0, false) => Exit::Inconclusive,
        (0, true) => Exit::Pass,
    })
}
