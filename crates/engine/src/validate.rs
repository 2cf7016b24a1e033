//! A whole validation: plan, observe, judge, report.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use verismo_feed::{FeedCounters, Format, Inventory, Limits, ReaderOptions, SEGMENT_BYTES};
use verismo_judge::input::SideStates;
use verismo_judge::{JudgeOptions, Judgement, judge};
use verismo_market::observe::{ObserveOptions, WINDOW_SHORT_NS};
use verismo_suite::report::{Cache, Ignored, Input, Provenance, Report, Side, Timing};
use verismo_suite::suite::{DataKind, Suite};
use verismo_suite::trace::Trace;

use crate::chain::{Gone, Tally, Trail, Vault};
use crate::convert;
use crate::error::EngineError;
use crate::execute::{Job, ObservedSide, run_jobs, same_symbol};
use crate::identity::Identities;
use crate::judged::JudgedBefore;
use crate::known::{UnreadSide, judge_unread};
use crate::memo::Memo;
use crate::memory::peak_memory_bytes;
use crate::meter::Meter;
use crate::plan::{Plan, SidePlan};
use crate::store::{Remote, Store, StoreError};
use crate::{table, trace};

/// What to validate, and how.
#[derive(Debug, Clone)]
pub struct ValidateRequest {
    /// Files, directories or patterns of the golden.
    pub golden: Vec<PathBuf>,
    /// Files, directories or patterns of the candidate.
    pub candidate: Vec<PathBuf>,
    /// What to measure and how to judge it; `None` takes the built-in one for the data found.
    pub suite: Option<Suite>,
    /// Format of both sides; `None` recognises it from the content.
    pub format: Option<Format>,
    /// Time column of tables.
    pub time: Option<String>,
    /// Time zone of times that are told as times of day; `None` takes the format's own.
    pub tz: Option<String>,
    /// Date of files that tell only times of day.
    pub date: Option<String>,
    /// Compare only this symbol.
    pub symbol: Option<String>,
    /// Streams to pair although their names differ: (golden, candidate).
    pub maps: Vec<(String, String)>,
    /// What readers take at most.
    pub limits: Limits,
    /// Threads that observe; at least 1.
    pub threads: usize,
    /// Settings to show in the report's provenance.
    pub settings: BTreeMap<String, String>,
    /// Where states are kept between runs, if they are.
    pub store: Option<StoreRequest>,
    /// Bytes of the segments in which the states of long files are kept: a power of two, or 0 to keep those of whole files.
    pub segment_bytes: u64,
}

/// A store of states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreRequest {
    /// The folder for what has to be on this machine, and for the states unless they are elsewhere. Without one digests of files are
    /// not remembered, so that all files are read to see whether they changed.
    pub folder: Option<PathBuf>,
    /// Where the states are, if not in the folder.
    pub remote: Option<Remote>,
    /// Read all files again to see whether they changed, whatever the file system says.
    pub verifies: bool,
    /// Bytes that the states in the folder may take; the least recently used go. Any number if there is none.
    pub max_bytes: Option<u64>,
    /// All states have to be there afterwards: the report of an equal run is not enough.
    pub wants_states: bool,
    /// The file of the program that validates: while it is the same, and everything else is, reports are kept as a whole.
    pub program: Option<PathBuf>,
}

impl StoreRequest {
    /// States in a folder, as many as there are.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..Self::default() }
    }
}

/// Facts about a run that are no part of its digest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) inputs: Vec<Input>,
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
    pub(crate) started: Option<Instant>,
    pub(crate) stages: BTreeMap<String, f64>,
    pub(crate) settings: BTreeMap<String, String>,
    /// Threads to judge on; 0 for one per core.
    pub(crate) threads: usize,
}

impl ValidateRequest {
    /// These two, with all that is usual: the built-in suite, formats that their content tells, every stream, a thread a core, no store.
    pub fn new(golden: Vec<PathBuf>, candidate: Vec<PathBuf>) -> Self {
        Self {
            golden,
            candidate,
            suite: None,
            format: None,
            time: None,
            tz: None,
            date: None,
            symbol: None,
            maps: Vec::new(),
            limits: Limits::DEFAULT,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            settings: BTreeMap::new(),
            store: None,
            segment_bytes: SEGMENT_BYTES,
        }
    }

    /// Whether nothing that was remembered of files is to be believed.
    fn verifies(&self) -> bool {
        self.store.as_ref().is_some_and(|store| store.verifies)
    }
}

/// Runs a validation.
///
/// # Errors
/// [`EngineError`] when there is nothing to judge; damage inside the data is part of the report instead.
pub fn validate(request: &ValidateRequest, meter: &Meter) -> Result<Report, EngineError> {
    validate_traced(request, meter).map(|(report, _)| report)
}

/// Runs a validation, and says what it read and which states it left in the store, if it had one and its files could be listed.
///
/// # Errors
/// As [`validate`].
pub fn validate_traced(request: &ValidateRequest, meter: &Meter) -> Result<(Report, Option<Trace>), EngineError> {
    let started = Instant::now();
    let kept = request.store.as_ref().and_then(Kept::open);
    let memo =
        request.store.as_ref().zip(kept.as_ref()).and_then(|(store, kept)| Memo::of(request, store, &kept.identities));
    let may_recall = !request.verifies() && !request.store.as_ref().is_some_and(|store| store.wants_states);
    if let Some((report, trace)) =
        kept.as_ref().filter(|_| may_recall).and_then(|kept| kept.recall(memo.as_ref()?, request, started))
    {
        return Ok((report, Some(trace)));
    }
    let opened = kept.as_ref().and_then(|kept| Some((&kept.identities, kept.store.as_ref().ok()?)));
    let plan = match memo.as_ref().zip(opened).filter(|_| !request.verifies()) {
        Some((memo, (identities, store))) => memo.plan(request, identities, store)?,
        None => Plan::new(&request.golden, &request.candidate, request.format)?,
    };
    let plan = plan.with_limits(request.limits);
    meter.set_bytes_total(plan.bytes());
    let suite = suite_for(request, &plan)?;
    let mut stages = BTreeMap::from([("plan".to_owned(), started.elapsed().as_secs_f64())]);
    let before = memo.as_ref().zip(opened).map(|(memo, (_, store))| JudgedBefore { store, program: memo.program });
    let mut attempt = |reads: bool| {
        let observing = Instant::now();
        let vault = kept.as_ref().and_then(|kept| kept.vault(reads));
        let ObservedSides { mut sides, suite } = observe_sides(&plan, request, &suite, vault.as_ref(), meter)?;
        stages.insert("observe".to_owned(), observing.elapsed().as_secs_f64());
        let [golden, candidate] = &sides;
        let facts = Facts {
            inputs: vec![input(Side::Golden, &plan.golden, golden), input(Side::Candidate, &plan.candidate, candidate)],
            bytes: golden.bytes + candidate.bytes,
            messages: golden.messages + candidate.messages,
            started: Some(started),
            stages: stages.clone(),
            settings: request.settings.clone(),
            threads: request.threads,
        };
        let stored = (opened.map(|(_, store)| store), before.as_ref());
        let (report, observables) = report_of_unread(&mut sides, &suite, &request.maps, facts, stored)?;
        Ok((report, observables, suite))
    };
    let wants_states = request.store.as_ref().is_some_and(|store| store.wants_states);
    let judged = match attempt(wants_states) {
        // Something that the store had a moment ago cannot be read: everything is looked at once more, and computed where it is not there.
        Err(Trouble::Gone(Gone)) => {
            if let Some(kept) = &kept {
                kept.tally.clear();
            }
            attempt(true)
        }
        judged => judged,
    };
    let (report, [judged, recalled], suite) = judged.map_err(ended)?;
    let cache = kept.as_ref().map(Kept::report);
    let cache = cache.map(|c| Cache { observables_reused: recalled, observables_judged: judged - recalled, ..c });
    let mut report = Report { cache, ..report };
    let Some((identities, store)) = opened else { return Ok((report, None)) };
    let trail = kept.as_ref().map(|kept| &kept.trail);
    let trace = trail.and_then(|trail| trace::of_run(request, &plan, &suite, memo.as_ref(), identities, trail));
    report.provenance.states = trace.as_ref().and_then(trace::kept_states);
    if let Some((memo, trace)) = memo.zip(trace.as_ref()) {
        memo.keep(request, (identities, store), &plan, (&report, trace));
    }
    store.finish(kept.as_ref().and_then(|kept| kept.max_bytes));
    Ok((report, trace))
}

/// The store of a run, or why there is none.
pub(crate) struct Kept {
    pub(crate) store: Result<Store, StoreError>,
    pub(crate) identities: Identities,
    pub(crate) tally: Tally,
    trail: Trail,
    place: String,
    max_bytes: Option<u64>,
}

impl Kept {
    /// None where there is no place for states.
    pub(crate) fn open(request: &StoreRequest) -> Option<Self> {
        let StoreRequest { folder, remote, verifies, max_bytes, .. } = request;
        let (store, place) = match (remote, folder) {
            (Some(remote), _) => (Store::open_remote(remote), remote.url().to_owned()),
            (None, Some(folder)) => (Store::open(folder), folder.display().to_string()),
            (None, None) => return None,
        };
        let identities = Identities::open(folder.as_deref(), *verifies);
        let (tally, trail) = (Tally::default(), Trail::default());
        Some(Self { store, identities, tally, trail, place, max_bytes: *max_bytes })
    }

    /// For chains whose states are read at once, or where somebody needs them.
    pub(crate) fn vault(&self, reads: bool) -> Option<Vault<'_>> {
        let store = self.store.as_ref().ok()?;
        Some(Vault { store, identities: &self.identities, tally: &self.tally, trail: &self.trail, reads })
    }

    /// The report of an equal run, with what this one took, and its trace.
    fn recall(&self, memo: &Memo, request: &ValidateRequest, started: Instant) -> Option<(Report, Trace)> {
        let (mut report, trace) = memo.find(request, &self.identities, self.store.as_ref().ok()?)?;
        let trace = trace::relocated(trace, request, memo, &self.identities);
        let Timing { messages, events, .. } = report.timing;
        let seconds = started.elapsed().as_secs_f64();
        let stages = BTreeMap::from([("recall".to_owned(), seconds)]);
        report.timing = Timing {
            bytes_read: 0,
            stages,
            peak_memory_bytes: peak_memory_bytes(),
            ..timing(messages, events, seconds)
        };
        let before = report.cache.take().unwrap_or_default();
        report.cache = Some(Cache {
            is_report_reused: true,
            states_reused: before.states_reused + before.states_computed,
            observables_reused: before.observables_reused + before.observables_judged,
            pieces: before.pieces,
            ..self.report()
        });
        Some((report, trace))
    }

    /// What came of the store, once everything is written.
    pub(crate) fn report(&self) -> Cache {
        let problems = match &self.store {
            Ok(store) => {
                store.settle();
                store.problems()
            }
            Err(error) => vec![error.clone()],
        };
        let told = |problem: &StoreError| match problem {
            StoreError::Io { action: "written", .. } => format!("{problem}; states are not kept"),
            StoreError::Io { .. } | StoreError::Late { .. } => {
                format!("{problem}; it is not asked again in this run, states are computed")
            }
            _ => problem.to_string(),
        };
        self.tally.report(&self.place, problems.iter().map(told).collect())
    }
}

/// Why there is no report of what was observed.
pub(crate) enum Trouble {
    Ended(EngineError),
    Gone(Gone),
}

/// The error where states were read at once, so that none can be gone.
pub(crate) fn ended(trouble: Trouble) -> EngineError {
    match trouble {
        Trouble::Ended(error) => error,
        Trouble::Gone(Gone) => EngineError::Internal { detail: "states that were read are gone".to_owned() },
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        Self::Ended(error)
    }
}

impl From<Gone> for Trouble {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

/// Golden and candidate as observed, and the suite with the lattices that were frozen from the golden.
struct ObservedSides {
    sides: [SideResult; 2],
    suite: Suite,
}

/// The states of a side, and what they cost.
#[derive(Debug, Default)]
pub(crate) struct SideResult {
    pub(crate) states: SideStates,
    /// Observables that are not among them.
    pub(crate) unread: UnreadSide,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

/// Judges states and fills in a report. With it the observables that were judged, and those of them that were recalled.
pub(crate) fn report_of(
    (golden, candidate): (&SideStates, &SideStates),
    suite: &Suite,
    maps: &[(String, String)],
    facts: Facts,
) -> (Report, [u64; 2]) {
    let judging = Instant::now();
    let options = JudgeOptions { map: maps.to_vec() };
    let judgement = in_pool(facts.threads, || judge(golden, candidate, suite, &options));
    filled((golden, candidate), suite, facts, (judgement, judging))
}

/// The same of sides whose states may not be read yet.
///
/// # Errors
/// [`Gone`].
pub(crate) fn report_of_unread(
    [golden, candidate]: &mut [SideResult; 2],
    suite: &Suite,
    maps: &[(String, String)],
    facts: Facts,
    stored: (Option<&Store>, Option<&JudgedBefore<'_>>),
) -> Result<(Report, [u64; 2]), Gone> {
    let judging = Instant::now();
    let options = JudgeOptions { map: maps.to_vec() };
    let judgement = in_pool(facts.threads, || {
        let sides = [&mut *golden, &mut *candidate].map(|side| (&mut side.states, &mut side.unread));
        judge_unread(sides, (suite, &options), stored)
    })?;
    Ok(filled((&golden.states, &candidate.states), suite, facts, (judgement, judging)))
}

/// Works on so many threads, 0 for one per core; where no pool can be made, on those of the process.
fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// The report of a judgement that began then.
fn filled(
    (golden, candidate): (&SideStates, &SideStates),
    suite: &Suite,
    facts: Facts,
    (judgement, judging): (Judgement, Instant),
) -> (Report, [u64; 2]) {
    let mut stages = facts.stages;
    stages.insert("judge".to_owned(), judging.elapsed().as_secs_f64());
    let seconds = facts.started.unwrap_or(judging).elapsed().as_secs_f64();
    let events = golden.events() + candidate.events();
    let mut inputs = facts.inputs;
    for (input, digest) in inputs.iter_mut().zip([&judgement.golden_digest, &judgement.candidate_digest]) {
        input.digest.clone_from(digest);
    }
    let timing = Timing {
        bytes_read: facts.bytes,
        stages,
        peak_memory_bytes: peak_memory_bytes(),
        ..timing(facts.messages, events, seconds)
    };
    let provenance =
        Provenance { version: env!("CARGO_PKG_VERSION").to_owned(), settings: facts.settings, ..Provenance::default() };
    let observables = judgement.observables;
    (judgement.into_report(suite, inputs, timing, provenance), observables)
}

fn timing(messages: u64, events: u64, seconds: f64) -> Timing {
    let rate = |n: u64| if seconds > 0.0 { n as f64 / seconds } else { 0.0 };
    let (messages_per_second, events_per_second) = (rate(messages), rate(events));
    Timing { messages, events, seconds, messages_per_second, events_per_second, ..Timing::default() }
}

/// The states of a golden alone, and the suite with the lattices frozen from it: what margins are proposed from.
///
/// # Errors
/// As [`validate`].
pub fn observe_golden(request: &ValidateRequest, meter: &Meter) -> Result<(SideStates, Suite), EngineError> {
    let plan = Plan::golden_only(&request.golden, request.format)?.with_limits(request.limits);
    meter.set_bytes_total(plan.bytes());
    let suite = suite_for(request, &plan)?;
    let ObservedSides { sides: [golden, _], suite } =
        observe_sides(&plan, request, &suite, None, meter).map_err(ended)?;
    Ok((golden.states, suite))
}

pub(crate) fn suite_for(request: &ValidateRequest, plan: &Plan) -> Result<Suite, EngineError> {
    let format = plan.golden.inventory.format;
    let found = if format == Format::Table { DataKind::Table } else { DataKind::Market };
    let suite = match &request.suite {
        Some(suite) => suite.clone(),
        None => builtin(if found == DataKind::Table { "table" } else { "market" })?,
    };
    if suite.data != found {
        let wanted = if suite.data == DataKind::Table { "table" } else { "market" };
        return Err(EngineError::SuiteKind { suite: suite.name, wanted, found: format.name() });
    }
    Ok(suite)
}

fn builtin(name: &str) -> Result<Suite, EngineError> {
    Suite::builtin(name)
        .ok_or_else(|| EngineError::Internal { detail: format!("the built-in suite {name} is missing") })
}

/// Observes both sides; the suite comes back with the lattices that were frozen from the golden.
fn observe_sides(
    plan: &Plan,
    request: &ValidateRequest,
    suite: &Suite,
    vault: Option<&Vault<'_>>,
    meter: &Meter,
) -> Result<ObservedSides, Trouble> {
    let (golden, candidate, suite) = if suite.data == DataKind::Table {
        table::observe_both(plan, request, suite, vault, meter)?
    } else {
        let (golden, candidate) = observe_streams(plan, request, suite, vault, meter)?;
        (golden, candidate, suite.clone())
    };
    if meter.is_cancelled() {
        return Err(EngineError::Interrupted { messages: meter.messages() }.into());
    }
    Ok(ObservedSides { sides: [golden, candidate], suite })
}

fn observe_streams(
    plan: &Plan,
    request: &ValidateRequest,
    suite: &Suite,
    vault: Option<&Vault<'_>>,
    meter: &Meter,
) -> Result<(SideResult, SideResult), Trouble> {
    let mut jobs = Vec::new();
    let days = ReaderOptions::default().with_day(request.tz.clone(), request.date.clone());
    // The sides are read side by side: with a thread for each no core is idle.
    let days = days.with_unpacking_ahead(request.threads > 2).with_segments(request.segment_bytes);
    for (side, part) in [&plan.golden, &plan.candidate].into_iter().enumerate() {
        for group in part.inventory.reader_groups(&days).map_err(EngineError::feed(side_name(side)))? {
            jobs.push(Job {
                side,
                bytes: group.bytes(),
                options: options_for(suite, plan.clock_ns(), &part.inventory),
                symbol: request.symbol.clone(),
                reader: group.open().map_err(EngineError::feed(side_name(side)))?,
                again: Some(group),
            });
        }
    }
    let mut parts: [Vec<ObservedSide>; 2] = [Vec::new(), Vec::new()];
    for (side, observed) in run_jobs(jobs, request.threads, vault, meter) {
        parts[side].push(observed.map_err(EngineError::feed(side_name(side)))?);
    }
    let [golden, candidate] = parts;
    let stored = (vault.map(|vault| vault.store), request.threads);
    let golden = side_result(golden, &plan.golden.inventory.counters, stored)?;
    let mut candidate = side_result(candidate, &plan.candidate.inventory.counters, stored)?;
    convert::expect_everything(&mut candidate.states);
    if let Some(symbol) = &request.symbol {
        for (side, part, result) in [("golden", &plan.golden, &golden), ("candidate", &plan.candidate, &candidate)] {
            // A golden alone has nothing on the other side.
            if !part.inventory.sources.is_empty() {
                check_symbol(side, symbol, &result.states)?;
            }
        }
    }
    Ok((golden, candidate))
}

/// How streams are observed under a suite.
pub(crate) fn options_for(suite: &Suite, clock_ns: i64, inventory: &Inventory) -> ObserveOptions {
    ObserveOptions { is_single_feed: inventory.format.is_single_feed(), ..observe_options(suite, clock_ns) }
}

/// The observer's options for a suite.
pub fn observe_options(suite: &Suite, clock_ns: i64) -> ObserveOptions {
    ObserveOptions {
        clock_ns,
        grid_ns: suite.grid_ns,
        warmup_ns: suite.warmup_ns,
        window_min_ns: suite.window_ns.unwrap_or(WINDOW_SHORT_NS),
        observables: suite.observables.iter().map(|rule| rule.id.clone()).collect(),
        ..ObserveOptions::default()
    }
}

/// The states of a side from its parts, with counters of the side itself.
pub(crate) fn side_result(
    mut parts: Vec<ObservedSide>,
    counters: &FeedCounters,
    (store, threads): (Option<&Store>, usize),
) -> Result<SideResult, Trouble> {
    let messages = parts.iter().map(|part| part.messages).sum();
    let bytes = parts.iter().map(|part| part.bytes).sum();
    let unread = in_pool(threads, || UnreadSide::of(&mut parts, store))?;
    let states = convert::side_states(parts, vec![counters.clone()])?;
    Ok(SideResult { states, unread, messages, bytes })
}

pub(crate) fn check_symbol(side: &'static str, symbol: &str, states: &SideStates) -> Result<(), EngineError> {
    if states.streams.iter().any(|stream| same_symbol(symbol, &stream.symbol)) {
        return Ok(());
    }
    let present = if states.streams.is_empty() { "none of that name" } else { "others" };
    Err(EngineError::NoSuchSymbol { side, symbol: symbol.to_owned(), present: present.to_owned() })
}

fn side_name(side: usize) -> &'static str {
    if side == 0 { "golden" } else { "candidate" }
}

fn input(side: Side, plan: &SidePlan, result: &SideResult) -> Input {
    let ignored = plan.inventory.ignored.iter();
    Input {
        side,
        paths: plan.paths.iter().map(|path| path.display().to_string()).collect(),
        format: plan.inventory.format.name().to_owned(),
        files: plan.inventory.sources.len() as u64,
        bytes: plan.inventory.bytes(),
        messages: result.messages,
        events: result.states.events(),
        digest: String::new(),
        ignored: ignored.map(|i| Ignored { path: i.path.display().to_string(), reason: i.reason.clone() }).collect(),
    }
}
