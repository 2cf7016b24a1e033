//! `verismo validate`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use verismo_engine::{EngineError, Meter, Plan, ValidateRequest};
use verismo_feed::{Format, SEGMENT_BYTES};
use verismo_report::TextStyle;
use verismo_suite::report::{IntegrityRow, Provenance, Report, SCHEMA, Side, Timing};
use verismo_suite::suite::{Pairing, Scope};
use verismo_suite::trace::Trace;
use verismo_suite::{FindingVerdict, Severity, Suite, Verdict};

use super::diff;
use crate::args::{InputFormat, PairingArg, ScopeArg, ValidateArgs};
use crate::data::{self, Data, Homes};
use crate::ledger::Recording;
use crate::{CliError, Context, Exit, files, progress, store, suites};

/// The files of a report, in the order in which they are named to the user.
pub(crate) const REPORT_FILES: [&str; 4] = ["report.html", "report.json", "report.md", "junit.xml"];

/// Judges the candidate, writes the reports, and prints the text report (or JSON with `--json -`).
///
/// # Errors
/// Usage, data of which nothing can be read, reports that cannot be written, or an interrupt. Damage that leaves something
/// to read is part of the report instead.
pub fn run(args: &ValidateArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let recording = Recording::start(&args.store.record(), args.suite.as_deref().and_then(suites::file));
    let Asked { request, golden, candidate, homes } = match request(args) {
        // A version whose files have changed, a table that cannot be followed.
        Err(error) if error.exit() == Exit::Error => return unjudged(args, None, &recording, error, out),
        other => other?,
    };
    files::create_dir(&args.out)?;
    remove_old_reports(&args.out)?;
    tracing::info!(golden = ?request.golden, candidate = ?request.candidate, threads = request.threads, "validating");
    let judged = judge_traced(&request, context, "validate");
    let judged = judged.and_then(|judged| {
        [&golden, &candidate].map(|data| data.check(&homes)).into_iter().collect::<Result<(), _>>().map(|()| judged)
    });
    let (mut report, trace) = match judged {
        Ok(judged) => judged,
        Err(error) if error.exit() == Exit::Error => {
            return unjudged(args, request.suite.as_ref(), &recording, error, out);
        }
        Err(error) => return Err(error),
    };
    for input in &mut report.inputs {
        // What a version expanded to is shown as it was asked for.
        let data = if input.side == Side::Golden { &golden } else { &candidate };
        if !data.versions.is_empty() {
            input.paths.clone_from(&data.asked);
        }
    }
    recording.keep(&mut report, trace.as_ref());
    show(&report, (&args.out, args.json.as_deref()), &recording, context, out)
}

/// Writes the reports of a run to a folder, and prints the text (or JSON where that is asked for); how the process ends.
///
/// # Errors
/// `cannot-write`.
pub(crate) fn show(
    report: &Report,
    (dir, json_file): (&Path, Option<&Path>),
    recording: &Recording,
    context: Context<'_>,
    out: &mut impl Write,
) -> Result<Exit, CliError> {
    write_reports(report, dir, json_file)?;
    if json_file == Some(Path::new("-")) {
        out.write_all(json(report)?.as_bytes())?;
    } else {
        let style = TextStyle {
            colour: context.console.colour,
            width: context.console.width,
            reports: report_paths(dir),
            ..TextStyle::default()
        };
        out.write_all(verismo_report::text(report, &style).as_bytes())?;
        if let Some(line) = recording.footer(report) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(exit(report.verdict))
}

/// Whoever reads the reports must find the ERROR there, too.
fn unjudged(
    args: &ValidateArgs,
    suite: Option<&Suite>,
    recording: &Recording,
    error: CliError,
    out: &mut impl Write,
) -> Result<Exit, CliError> {
    files::create_dir(&args.out)?;
    remove_old_reports(&args.out)?;
    let mut report = error_report(suite, settings(args), &error);
    recording.keep(&mut report, None);
    write_reports(&report, &args.out, args.json.as_deref())?;
    if args.json.as_deref() == Some(Path::new("-")) {
        out.write_all(json(&report)?.as_bytes())?;
    }
    Err(error)
}

/// The exit code that a verdict gives.
pub fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Pass => Exit::Pass,
        Verdict::Fail => Exit::Fail,
        Verdict::Inconclusive => Exit::Inconclusive,
        Verdict::Error => Exit::Error,
    }
}

/// Runs a request with a progress bar.
///
/// # Errors
/// Where the engine has no report.
pub fn judge(request: &ValidateRequest, context: Context<'_>, title: &str) -> Result<Report, CliError> {
    judge_traced(request, context, title).map(|(report, _)| report)
}

/// The same, with what the run read and left in its store.
///
/// # Errors
/// As [`judge`].
pub(crate) fn judge_traced(
    request: &ValidateRequest,
    context: Context<'_>,
    title: &str,
) -> Result<(Report, Option<Trace>), CliError> {
    let meter = Meter::default();
    let used_before = verismo_engine::cpu_seconds();
    let result = progress::watch(context, &meter, title, || verismo_engine::validate_traced(request, &meter));
    // An interrupt that comes while the judge is at work is honoured before anything is written.
    if crate::interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    let (mut report, trace) = result.map_err(engine_error)?;
    measured(&mut report, used_before);
    Ok((report, trace))
}

/// Fills in what the process has used since, and says what is wrong with the store.
pub(crate) fn measured(report: &mut Report, used_before: Option<f64>) {
    let used = verismo_engine::cpu_seconds().zip(used_before);
    report.timing.cpu_seconds = used.map(|(after, before)| after - before);
    if let Some(cache) = &report.cache {
        let all = cache.states_reused + cache.states_computed;
        report.timing.cached_share = (all > 0).then(|| cache.states_reused as f64 / all as f64);
        for problem in &cache.problems {
            tracing::warn!("{problem}");
        }
    }
}

/// What the engine could not do, as an error of the command.
pub fn engine_error(error: EngineError) -> CliError {
    let code = error.code();
    match &error {
        EngineError::Interrupted { .. } => CliError::interrupted(),
        EngineError::Feed { source, .. } if source.is_usage() => CliError::usage(code, error),
        EngineError::DifferentKinds { .. }
        | EngineError::SuiteKind { .. }
        | EngineError::NoSuchSymbol { .. }
        | EngineError::NothingFails { .. } => CliError::usage(code, error),
        _ => CliError::unusable(code, error),
    }
}

/// The report of a run that could read nothing: verdict ERROR, its one row says why. Nothing was digested.
fn error_report(suite: Option<&Suite>, settings: BTreeMap<String, String>, error: &CliError) -> Report {
    let row = IntegrityRow {
        check: "unreadable".to_owned(),
        side: Side::Both,
        stream: String::new(),
        count: 1,
        total: 0,
        ratio: None,
        limit: "count <= 0".to_owned(),
        severity: Severity::Critical,
        verdict: FindingVerdict::Error,
        reason: format!("{error} [{}]", error.code),
        worst: None,
        examples: Vec::new(),
    };
    Report {
        schema: SCHEMA.to_owned(),
        verdict: Verdict::Error,
        summary: format!("No verdict is possible: {error}."),
        scope: suite.map_or(Scope::TheseStretches, |s| s.scope),
        digest: String::new(),
        suite_digest: String::new(),
        suite: suite.map(|s| s.name.clone()).unwrap_or_default(),
        inputs: Vec::new(),
        streams: Vec::new(),
        findings: Vec::new(),
        integrity: vec![row],
        mde: Vec::new(),
        pictures: Vec::new(),
        timing: Timing::default(),
        provenance: Provenance { version: env!("CARGO_PKG_VERSION").to_owned(), settings, ..Provenance::default() },
        cache: None,
    }
}

/// Writes report.html, report.json, report.md and junit.xml to `dir`, and the JSON once more to `json_file` unless that is `-`.
///
/// # Errors
/// `cannot-write`; no file is half written then.
pub fn write_reports(report: &Report, dir: &Path, json_file: Option<&Path>) -> Result<(), CliError> {
    let json = json(report)?;
    let junit = verismo_report::junit(report)
        .map_err(|e| CliError::unusable("internal", format_args!("cannot build junit.xml: {e}")))?;
    let [html_path, json_path, markdown_path, junit_path] = REPORT_FILES.map(|name| dir.join(name));
    let mut contents = vec![
        (html_path, verismo_report::html(report).into_bytes()),
        (json_path, json.clone().into_bytes()),
        (markdown_path, verismo_report::markdown(report).into_bytes()),
        (junit_path, junit.into_bytes()),
    ];
    if let Some(path) = json_file.filter(|p| *p != Path::new("-")) {
        contents.push((path.to_owned(), json.into_bytes()));
    }
    files::write_all(&contents)
}

/// Where the reports are, for the last line of the text: the directory is said once.
fn report_paths(dir: &Path) -> Vec<String> {
    let mut paths: Vec<String> = REPORT_FILES.iter().map(|name| (*name).to_owned()).collect();
    if let Some(first) = paths.first_mut() {
        *first = dir.join(&*first).display().to_string();
    }
    paths
}

/// Removes the reports of an earlier run, so that a run which ends without a verdict does not leave one behind.
pub(crate) fn remove_old_reports(dir: &Path) -> Result<(), CliError> {
    for path in REPORT_FILES.map(|name| dir.join(name)) {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(CliError::write(&path, &error)),
            _ => {}
        }
    }
    Ok(())
}

/// The report as JSON.
///
/// # Errors
/// `internal` where it holds a number that JSON cannot hold.
pub(crate) fn json(report: &Report) -> Result<String, CliError> {
    verismo_report::json(report)
        .map_err(|e| CliError::unusable("internal", format_args!("the report has a number that JSON cannot hold: {e}")))
}

/// What is asked of the engine, and how its data were named.
struct Asked {
    request: ValidateRequest,
    golden: Data,
    candidate: Data,
    homes: Homes,
}

/// What is asked of the engine, with everything checked that can be before a byte of data is read.
fn request(args: &ValidateArgs) -> Result<Asked, CliError> {
    let homes = Homes::of(args.store.store.as_deref(), args.suite.as_deref().and_then(suites::file));
    let golden = data::expand("--golden", &args.golden, &homes)?;
    let candidate = data::expand("--candidate", &args.candidate, &homes)?;
    let format = format(args.format);
    let suite = args.suite.as_deref().map(suites::load).transpose()?;
    let suite =
        with_overrides(suite, args.scope, args.pairing, || builtin_for(&golden.paths, &candidate.paths, format))?;
    let request = ValidateRequest {
        golden: golden.paths.clone(),
        candidate: candidate.paths.clone(),
        format,
        time: args.time.clone(),
        tz: args.day.tz.clone(),
        date: args.day.date.clone(),
        symbol: args.symbol.clone(),
        maps: args.map.clone(),
        limits: args.limits.limits(suite.as_ref()),
        suite,
        threads: threads(args.threads),
        settings: settings(args).into_iter().chain(diff::settings(&golden, &candidate)).collect(),
        store: store::request(&args.store, args.suite.as_deref())?,
        segment_bytes: SEGMENT_BYTES,
    };
    Ok(Asked { request, golden, candidate, homes })
}

/// The suite with scope and pairing of the command line; a suite is only looked for where one of them needs it.
pub(crate) fn with_overrides(
    suite: Option<Suite>,
    scope: Option<ScopeArg>,
    pairing: Option<PairingArg>,
    builtin: impl FnOnce() -> Result<Suite, CliError>,
) -> Result<Option<Suite>, CliError> {
    if scope.is_none() && pairing.is_none() {
        return Ok(suite);
    }
    let mut suite = suite.map_or_else(builtin, Ok)?;
    suite.scope = match scope {
        Some(ScopeArg::TheseStretches) => Scope::TheseStretches,
        Some(ScopeArg::Population) => Scope::Population,
        None => suite.scope,
    };
    suite.pairing = match pairing {
        Some(PairingArg::Auto) => Pairing::Auto,
        Some(PairingArg::Aligned) => Pairing::Aligned,
        Some(PairingArg::Distributional) => Pairing::Distributional,
        None => suite.pairing,
    };
    Ok(Some(suite))
}

/// The built-in suite for the data found there.
fn builtin_for(golden: &[PathBuf], candidate: &[PathBuf], format: Option<Format>) -> Result<Suite, CliError> {
    let plan = Plan::new(golden, candidate, format).map_err(engine_error)?;
    let name = if plan.golden.inventory.format == Format::Table { "table" } else { "market" };
    suites::load(name)
}

/// The format asked for; none where the content shall tell.
pub fn format(format: InputFormat) -> Option<Format> {
    // Every name but `auto` is that of a format.
    Format::from_name(&value_name(&format))
}

/// The threads asked for, else one per core.
pub fn threads(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Settings that differ from the defaults, for the report's provenance.
fn settings(args: &ValidateArgs) -> BTreeMap<String, String> {
    let maps: Vec<String> = args.map.iter().map(|(golden, candidate)| format!("{golden}={candidate}")).collect();
    let format = format(args.format).map(|f| f.name().to_owned());
    let given = [
        ("suite", args.suite.clone()),
        ("format", format),
        ("time", args.time.clone()),
        ("tz", args.day.tz.clone()),
        ("date", args.day.date.clone()),
        ("symbol", args.symbol.clone()),
        ("map", (!maps.is_empty()).then(|| maps.join(", "))),
        ("scope", args.scope.map(|s| value_name(&s))),
        ("pairing", args.pairing.map(|p| value_name(&p))),
        ("threads", args.threads.map(|n| n.to_string())),
    ];
    given.into_iter().chain(args.limits.given()).filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The name of a choice on the command line.
pub fn value_name(value: &impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
}
