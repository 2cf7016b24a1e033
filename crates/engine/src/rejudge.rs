//! A run judged again from the states that it left in the store: no file is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;
use verismo_feed::{FeedCounters, Format, Limits};
use verismo_judge::input::SideStates;
use verismo_market::observe::ObserveOptions;
use verismo_stats::state::{Carry as _, Reader};
use verismo_suite::report::{Cache, Input, Report, Side};
use verismo_suite::suite::{DataKind, Suite};
use verismo_suite::trace::{AskedLimits, Trace, TraceFile, TraceGroup, TraceSide};

use crate::chain::{Gone, Lost, Recorded, Walked};
use crate::convert;
use crate::error::EngineError;
use crate::identity::{Identities, Stamp};
use crate::judged::JudgedBefore;
use crate::memo;
use crate::meter::Meter;
use crate::store::{Digest, Store};
use crate::table::{self, RecordedTable};
use crate::trace;
use crate::validate::{
    Facts, Kept, SideResult, StoreRequest, Trouble, ValidateRequest, ended, observe_options, report_of,
    report_of_unread, side_result,
};

/// A file that is not what it was when a run read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Which side it is of.
    pub side: Side,
    /// Its path.
    pub path: String,
    /// What became of it.
    pub kind: FileChangeKind,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileChangeKind {
    /// It has another content.
    Changed,
    /// It is not there any more, or cannot be read.
    Gone,
    /// It was not there.
    New,
}

impl FileChangeKind {
    /// In words, after the path.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "has another content",
            Self::Gone => "is gone",
            Self::New => "is new",
        }
    }
}

/// Which files of a run have changed since. A file is read only where its time or size is not the one that is remembered in the folder; all are
/// with `verifies`.
pub fn changed_files(trace: &Trace, folder: Option<&Path>, verifies: bool) -> Vec<FileChange> {
    let identities = Identities::open(folder, verifies);
    trace.sides.iter().flat_map(|side| changed_of(side, &identities)).collect()
}

fn changed_of(side: &TraceSide, identities: &Identities) -> Vec<FileChange> {
    let change = |path: &str, kind| FileChange { side: side.side, path: path.to_owned(), kind };
    let kind_of = |file: &TraceFile| {
        let path = Path::new(&file.path);
        let Some(stamp) = Stamp::of_path(path) else { return Some(FileChangeKind::Gone) };
        if stamp.bytes != file.bytes {
            return Some(FileChangeKind::Changed);
        }
        match (&file.digest, identities.digest_of(path)) {
            (Some(then), Some(now)) => (crate::store::hex(&now) != *then).then_some(FileChangeKind::Changed),
            (Some(_), None) => Some(FileChangeKind::Gone),
            (None, _) => Some(FileChangeKind::Changed),
        }
    };
    let mut changes: Vec<FileChange> =
        side.files.par_iter().filter_map(|file| kind_of(file).map(|kind| change(&file.path, kind))).collect();
    let known: BTreeSet<&str> = side.files.iter().map(|file| file.path.as_str()).collect();
    let there: Vec<PathBuf> = side.paths.iter().map(PathBuf::from).filter(|path| path.exists()).collect();
    let listed = memo::list(&there).map(|listing| listing.files).unwrap_or_default();
    let listed = listed.iter().map(|path| path.display().to_string());
    changes.extend(listed.filter(|path| !known.contains(path.as_str())).map(|path| change(&path, FileChangeKind::New)));
    changes
}

/// A run to be taken up again.
#[derive(Debug, Clone)]
pub struct RecallRequest {
    /// What the run left.
    pub trace: Trace,
    /// The suite that its states are wanted for.
    pub suite: Suite,
    /// Where they are.
    pub store: StoreRequest,
    /// Threads that take them.
    pub threads: usize,
}

/// What came of it.
#[derive(Debug)]
pub enum Recalled {
    /// All states are there.
    States(Box<RunStates>),
    /// Some are not.
    Missing(MissingStates),
}

/// States that are not in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissingStates {
    /// The first place of each group of files at which something is not there: its file, why, and which observables; all if there is none.
    pub first: Vec<(String, String, Vec<String>)>,
    /// Files that would have to be read at most.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong with the store.
    pub problems: Vec<String>,
}

/// The states of a run.
#[derive(Debug)]
pub struct RunStates {
    sides: [SideResult; 2],
    /// Their trace, with the observables of the suite that was asked for.
    trace: Trace,
    cache: Cache,
    store: Store,
    /// The digest of the program, if it is known.
    program: Option<Digest>,
}

/// What a judgement of states needs besides them.
#[derive(Debug, Clone)]
pub struct JudgeAgain {
    /// The suite.
    pub suite: Suite,
    /// Streams to pair although their names differ.
    pub maps: Vec<(String, String)>,
    /// The inputs as the report of the run has them.
    pub inputs: Vec<Input>,
    /// Settings to show in the report's provenance.
    pub settings: BTreeMap<String, String>,
    /// Threads to judge on.
    pub threads: usize,
    /// When the work began.
    pub started: Instant,
}

/// The suite of a run, as it was.
pub fn suite_of(trace: &Trace) -> Option<Suite> {
    Suite::from_canonical(trace.asked.suite.as_bytes(), &trace.asked.suite_name)
}

/// Another suite for the states of a run: of tables with the lattices that a run of its golden freezes, where the suite leaves them open.
pub fn suite_for(trace: &Trace, suite: Suite) -> Suite {
    let golden = trace.side(Side::Golden).and_then(|side| side.groups.first());
    match golden.filter(|_| suite.data == DataKind::Table) {
        Some(golden) => table::suite_for(&suite, golden),
        None => suite,
    }
}

/// The request that runs the same validation again, under another suite.
pub fn request_of(trace: &Trace, suite: Suite, store: StoreRequest, threads: usize) -> ValidateRequest {
    let paths = |side| trace.side(side).map_or_else(Vec::new, |side| side.paths.iter().map(PathBuf::from).collect());
    let asked = &trace.asked;
    ValidateRequest {
        golden: paths(Side::Golden),
        candidate: paths(Side::Candidate),
        format: asked.format.as_deref().and_then(Format::from_name),
        time: asked.time.clone(),
        tz: asked.tz.clone(),
        date: asked.date.clone(),
        symbol: asked.symbol.clone(),
        maps: asked.maps.clone(),
        limits: trace::limits(&limits_for(asked.limits, suite_of(trace).as_ref(), &suite)),
        suite: Some(suite),
        threads,
        settings: BTreeMap::new(),
        store: Some(StoreRequest { wants_states: true, ..store }),
        segment_bytes: asked.segment_bytes,
    }
}

/// The limits of a run under another suite. One that the suite of the run did not make, or that the new one sets as that did, was given, and
/// stays; else the new suite's counts.
fn limits_for(then: AskedLimits, before: Option<&Suite>, suite: &Suite) -> AskedLimits {
    let (old, new) = (before.map(|suite| suite.reading).unwrap_or_default(), suite.reading);
    let default = trace::asked_limits(Limits::DEFAULT);
    let limit = |then: u64, old: Option<u64>, new: Option<u64>, default: u64| match new {
        _ if new == old || then != old.unwrap_or(default) => then,
        Some(new) => new,
        None => default,
    };
    AskedLimits {
        line_bytes: limit(then.line_bytes, old.line_bytes, new.line_bytes, default.line_bytes),
        unpack_ratio: limit(then.unpack_ratio, old.unpack_ratio, new.unpack_ratio, default.unpack_ratio),
        streams: limit(then.streams, old.streams, new.streams, default.streams),
        columns: limit(then.columns, old.columns, new.columns, default.columns),
    }
}

/// Takes the states of a run from the store, for the observables of a suite. No file of the run is asked for.
///
/// # Errors
/// [`EngineError::SuiteKind`], [`EngineError::Interrupted`].
pub fn recall_states(request: &RecallRequest, meter: &Meter) -> Result<Recalled, EngineError> {
    take(request, true, meter).map_err(ended)
}

/// Judges a run again from its states, of which those that were judged before are not read. With the report comes what the run left, with
/// the observables of the suite.
///
/// # Errors
/// As [`recall_states`].
pub fn judge_recorded(request: &RecallRequest, again: &JudgeAgain, meter: &Meter) -> Result<Rejudged, EngineError> {
    let mut problems = Vec::new();
    let mut judged = |reads: bool| match take(request, reads, meter)? {
        Recalled::States(mut states) => match states.judge_unread(again) {
            Ok(mut report) => {
                states.store.settle();
                if let Some(cache) = &mut report.cache {
                    cache.problems.splice(..0, problems.drain(..));
                }
                Ok(Rejudged::Report(Box::new(report), Box::new(states.trace)))
            }
            Err(gone) => {
                problems = states.problems();
                Err(Trouble::from(gone))
            }
        },
        Recalled::Missing(mut missing) => {
            missing.problems.splice(..0, problems.drain(..));
            Ok(Rejudged::Missing(missing))
        }
    };
    match judged(false) {
        // Which states are gone is found where all are read.
        Err(Trouble::Gone(Gone)) => judged(true),
        judged => judged,
    }
    .map_err(ended)
}

/// What came of judging a run again.
#[derive(Debug)]
pub enum Rejudged {
    /// Its report, and what it left.
    Report(Box<Report>, Box<Trace>),
    /// Some states are not there.
    Missing(MissingStates),
}

/// Takes the states of a run, all of them or as far as they are needed to say what goes on.
fn take(request: &RecallRequest, reads: bool, meter: &Meter) -> Result<Recalled, Trouble> {
    let RecallRequest { trace, suite, store, threads } = request;
    let is_table = trace.sides.iter().any(|side| trace::format(side).is_none_or(|format| format == Format::Table));
    let found = if is_table { DataKind::Table } else { DataKind::Market };
    if suite.data != found {
        let wanted = if suite.data == DataKind::Table { "table" } else { "market" };
        let format = trace.sides.first().and_then(trace::format).map_or("unknown", Format::name);
        return Err(EngineError::SuiteKind { suite: suite.name.clone(), wanted, found: format }.into());
    }
    let suite = &suite_for(trace, suite.clone());
    if let Some(why) = whole_misfit(trace, suite) {
        return Ok(Recalled::Missing(all_missing(trace, why)));
    }
    let without = |problem: String| {
        Ok(Recalled::Missing(MissingStates { problems: vec![problem], ..all_missing(trace, "there is no store") }))
    };
    let program = store.program.as_ref();
    let Some(Kept { store, identities, .. }) = Kept::open(store) else {
        return without("there is no store".to_owned());
    };
    let store = match store {
        Ok(store) => store,
        Err(error) => return without(error.to_string()),
    };
    let program = program.and_then(|path| identities.digest_of(path));
    let taken = if is_table {
        take_tables(trace, suite, &store, *threads)?
    } else {
        take_groups(trace, suite, (&store, reads), *threads)?
    };
    if meter.is_cancelled() {
        return Err(EngineError::Interrupted { messages: 0 }.into());
    }
    let (results, sides, states_reused) = match taken {
        Ok(taken) => taken,
        Err(missing) => {
            let problems = store.problems().iter().map(ToString::to_string).collect();
            return Ok(Recalled::Missing(MissingStates { problems, ..missing }));
        }
    };
    let pieces = sides.iter().flat_map(|side| &side.groups).map(|group| group.pieces.len() as u64).sum::<u64>();
    let cache = Cache { place: store.place().to_owned(), states_reused, pieces, ..Cache::default() };
    let mut results = results.into_iter();
    let (mut golden, mut candidate) = (results.next().unwrap_or_default(), results.next().unwrap_or_default());
    if reads {
        for SideResult { states, unread, .. } in [&mut golden, &mut candidate] {
            unread.read_all(states, Some(&store))?;
        }
    }
    let mut asked = trace.asked.clone();
    asked.suite = String::from_utf8(suite.canonical_bytes()).unwrap_or_default();
    asked.suite_name.clone_from(&suite.name);
    let versions = trace::versions(suite);
    let trace = trace::with_root(Trace { asked, sides, versions, ..trace.clone() });
    Ok(Recalled::States(Box::new(RunStates { sides: [golden, candidate], trace, cache, store, program })))
}

/// Both sides, and as a trace has them, with the number of their states; or what is not there.
type Taken = Result<(Vec<SideResult>, Vec<TraceSide>, u64), MissingStates>;

/// The streams of a run.
fn take_groups(trace: &Trace, suite: &Suite, stored: (&Store, bool), threads: usize) -> Result<Taken, Trouble> {
    let mut missing = MissingStates::default();
    let mut groups: [Vec<Walked>; 2] = [Vec::new(), Vec::new()];
    for (side, group, walked) in walk_all(trace, suite, stored, threads) {
        match walked {
            Ok(walked) => groups[side].push(walked),
            Err(lost) => add_lost(&mut missing, trace, &trace.sides[side], (group, lost)),
        }
    }
    if !missing.first.is_empty() {
        return Ok(Err(missing));
    }
    let mut sides = trace.sides.clone();
    let mut results = Vec::new();
    for (side, walked) in sides.iter_mut().zip(groups) {
        let (observed, groups): (Vec<_>, Vec<_>) = walked.into_iter().map(|w| (w.observed, w.group)).unzip();
        side.groups = groups;
        let result = side_result(observed, &counters(side)?, (Some(stored.0), threads))?;
        results.push(SideResult { bytes: 0, ..result });
    }
    if let Some(candidate) = results.get_mut(1) {
        convert::expect_everything(&mut candidate.states);
    }
    let pieces = sides.iter().flat_map(|side| &side.groups).map(|group| group.pieces.len()).sum::<usize>();
    let states = pieces * suite.observables.len();
    Ok(Ok((results, sides, states as u64)))
}

/// The tables of a run.
fn take_tables(trace: &Trace, suite: &Suite, store: &Store, threads: usize) -> Result<Taken, Trouble> {
    let mut missing = MissingStates::default();
    let mut sides = trace.sides.clone();
    let mut results = Vec::new();
    let groups = trace.sides.iter().filter_map(|side| Some((side, side.groups.first()?)));
    let groups: Vec<_> = groups
        .map(|(side, group)| Ok((side, group, RecordedTable::new(store, group, suite)?)))
        .collect::<Result<_, EngineError>>()?;
    let recall = |(_, _, table): &(_, _, RecordedTable<'_>)| table.recall(suite);
    let recalled: Vec<_> = match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(|| groups.par_iter().map(recall).collect()),
        Err(_) => groups.iter().map(recall).collect(),
    };
    for (((side, group, _), recalled), own) in groups.iter().zip(recalled).zip(&mut sides) {
        match recalled {
            Ok((result, group)) => {
                own.groups = vec![group];
                results.push(result);
            }
            Err(lost) => add_lost(&mut missing, trace, side, (group, lost)),
        }
    }
    let states = groups.iter().map(|(_, _, table)| table.states()).sum();
    Ok(if missing.first.is_empty() { Ok((results, sides, states)) } else { Err(missing) })
}

/// Why nothing of the run can serve.
fn whole_misfit(trace: &Trace, suite: &Suite) -> Option<&'static str> {
    if limits_for(trace.asked.limits, suite_of(trace).as_ref(), suite) != trace.asked.limits {
        return Some("the suite sets other limits of readers than those of the run");
    }
    let is_empty = trace.sides.len() != 2 || trace.sides.iter().any(|side| side.groups.is_empty());
    if is_empty {
        return Some("the run kept no states");
    }
    let golden = trace.side(Side::Golden).and_then(|side| side.groups.first());
    let is_known = suite.data != DataKind::Table || golden.is_none_or(table::is_whole);
    (!is_known).then_some("its record does not tell the lattices of all columns of the golden")
}

fn all_missing(trace: &Trace, why: &str) -> MissingStates {
    let mut missing = MissingStates::default();
    for side in &trace.sides {
        missing.first.push((side.paths.join(", "), why.to_owned(), Vec::new()));
        missing.files += side.files.len() as u64;
        missing.bytes += side.files.iter().map(|file| file.bytes).sum::<u64>();
    }
    missing
}

type WalkedGroup<'a> = (usize, &'a TraceGroup, Result<Walked, Lost>);

/// Every group of both sides, on threads, in order.
fn walk_all<'a>(
    trace: &'a Trace,
    suite: &Suite,
    (store, reads): (&Store, bool),
    threads: usize,
) -> Vec<WalkedGroup<'a>> {
    let then = suite_of(trace).map_or_else(Vec::new, |suite| suite.observable_ids());
    let groups: Vec<(usize, Format, &TraceGroup)> = trace
        .sides
        .iter()
        .enumerate()
        .filter_map(|(n, side)| Some((n, trace::format(side)?, side)))
        .flat_map(|(n, format, side)| side.groups.iter().map(move |group| (n, format, group)))
        .collect();
    let walk = |&(n, format, group): &(usize, Format, &'a TraceGroup)| {
        let options = options_of(group, suite);
        let recorded = Recorded { store, group, format, options, observables_then: &then, versions_then: None, reads };
        (n, group, recorded.walk(|_, _| {}))
    };
    // Where no pool can be made, the threads of the process do.
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(|| groups.par_iter().map(walk).collect()),
        Err(_) => groups.iter().map(walk).collect(),
    }
}

/// How a group is observed under a suite: with the clock and the span of the run.
pub(crate) fn options_of(group: &TraceGroup, suite: &Suite) -> ObserveOptions {
    let then = &group.observed;
    ObserveOptions {
        is_single_feed: then.is_single_feed,
        expected_span_ns: then.expected_span_ns,
        ..observe_options(suite, then.clock_ns)
    }
}

fn add_lost(missing: &mut MissingStates, trace: &Trace, side: &TraceSide, (group, lost): (&TraceGroup, Lost)) {
    let sources = group.sources.get(lost.source..).unwrap_or_default();
    let file = sources.first().or_else(|| group.sources.last()).cloned().unwrap_or_default();
    missing.first.push((file, lost.why, lost.observables));
    missing.files += sources.len() as u64;
    let sources: BTreeSet<String> = sources.iter().map(|source| trace.path_of(source)).collect();
    missing.bytes += side.files.iter().filter(|file| sources.contains(&file.path)).map(|file| file.bytes).sum::<u64>();
}

fn counters(side: &TraceSide) -> Result<FeedCounters, EngineError> {
    let broken = || EngineError::Internal { detail: "the counters of the trace of a run cannot be read".to_owned() };
    let bytes = trace::bytes_of(&side.counters).ok_or_else(broken)?;
    let mut counters = FeedCounters::default();
    let mut input = Reader::new("counters of a trace/1", &bytes);
    counters.load(&mut input).and_then(|()| input.finish()).map_err(|_| broken())?;
    Ok(counters)
}

impl RunStates {
    /// The states of golden and candidate.
    pub fn sides(&self) -> [&SideStates; 2] {
        self.sides.each_ref().map(|side| &side.states)
    }

    /// What these states are, for a later command.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Judges them, but for what was judged before.
    pub fn judge(&mut self, again: &JudgeAgain) -> Report {
        if let Ok(report) = self.judge_unread(again) {
            return report;
        }
        // All are at hand, so that none of them can be gone.
        let (facts, [golden, candidate]) = (facts(self.sides(), again), self.sides());
        let (report, observables) = report_of((golden, candidate), &again.suite, &again.maps, facts);
        self.told(report, observables)
    }

    fn problems(&self) -> Vec<String> {
        self.store.problems().iter().map(ToString::to_string).collect()
    }

    /// Judges them, but for what was judged before; states that are needed are read.
    fn judge_unread(&mut self, again: &JudgeAgain) -> Result<Report, Gone> {
        let before = self.program.map(|program| JudgedBefore { store: &self.store, program });
        let facts = facts(self.sides(), again);
        let stored = (Some(&self.store), before.as_ref());
        let (report, observables) = report_of_unread(&mut self.sides, &again.suite, &again.maps, facts, stored)?;
        Ok(self.told(report, observables))
    }

    /// The report with what only the run knows.
    fn told(&self, mut report: Report, [judged, recalled]: [u64; 2]) -> Report {
        for (input, side) in report.inputs.iter_mut().zip(&self.sides) {
            input.messages = side.messages;
        }
        report.timing.messages = self.sides.iter().map(|side| side.messages).sum();
        report.timing.messages_per_second =
            if report.timing.seconds > 0.0 { report.timing.messages as f64 / report.timing.seconds } else { 0.0 };
        report.cache = Some(Cache {
            observables_reused: recalled,
            observables_judged: judged - recalled,
            problems: self.problems(),
            ..self.cache.clone()
        });
        report.provenance.states = trace::kept_states(&self.trace);
        report
    }
}

/// Judges states as they are, or as they would be without a part.
pub(crate) fn judge_sides([golden, candidate]: [&SideStates; 2], again: &JudgeAgain) -> Report {
    report_of((golden, candidate), &again.suite, &again.maps, facts([golden, candidate], again)).0
}

fn facts(sides: [&SideStates; 2], again: &JudgeAgain) -> Facts {
    let mut inputs = again.inputs.clone();
    for (input, states) in inputs.iter_mut().zip(sides) {
        input.events = states.events();
    }
    Facts {
        inputs,
        bytes: 0,
        messages: 0,
        started: Some(again.started),
        stages: BTreeMap::from([("recall".to_owned(), again.started.elapsed().as_secs_f64())]),
        settings: again.settings.clone(),
        threads: again.threads,
    }
}
