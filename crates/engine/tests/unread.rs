//! States are read where an observable has to be judged, and nowhere else; what comes of it is what reading all comes to, to the bit.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{request, write_events};
use verismo_engine::{
    JudgeAgain, Meter, RecallRequest, Rejudged, StoreRequest, ValidateRequest, judge_recorded, validate,
    validate_traced,
};
use verismo_market::message::{Body, Message};
use verismo_sim::{Market, MarketConfig};
use verismo_suite::Suite;
use verismo_suite::report::{Cache, Report};
use verismo_suite::suite::Multiplicity;

const HOUR_NS: i64 = 3_600_000_000_000;
const SLOWER: i64 = 180;

/// A market of half a day, which begins each hour, and each file, with the book; one trade of hour 3 is larger.
fn hours(seed: u64, is_edited: bool) -> impl Iterator<Item = Message> {
    let start = 1_753_056_000_000_000_000;
    let mut left = is_edited;
    Market::new(MarketConfig::new(seed)).with_snapshots(HOUR_NS / SLOWER).take(10_000).map(move |mut message| {
        message.t_exchange_ns = start + (message.t_exchange_ns - start) * SLOWER;
        if let Body::Trade { qty, .. } = &mut message.body
            && message.t_exchange_ns > start + 3 * HOUR_NS
            && std::mem::take(&mut left)
        {
            *qty += 1_000_000;
        }
        message
    })
}

struct Bench {
    dir: tempfile::TempDir,
    suite: Suite,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_events(&dir.path().join("golden"), hours(5, false));
        write_events(&dir.path().join("candidate"), hours(6, false));
        // States are what is looked at: they are judged, but not at length.
        let mut suite = Suite { replicates: 99, ..Suite::builtin("market").unwrap() };
        suite.observables.iter_mut().for_each(|rule| rule.margins.retain(|test, _| *test == rule.decide));
        Self { dir, suite }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn request(&self, suite: &Suite) -> ValidateRequest {
        let program = Some(std::env::current_exe().unwrap());
        let store = Some(StoreRequest { program, ..StoreRequest::in_folder(self.path("store")) });
        let request = request(&self.path("golden"), &self.path("candidate"));
        ValidateRequest { store, suite: Some(suite.clone()), ..request }
    }

    /// A run, which is that of a run without a store.
    fn run(&self, suite: &Suite) -> Report {
        same_as_plain(&self.request(suite))
    }

    fn with_correction(&self) -> Suite {
        Suite { multiplicity: Multiplicity::By, ..self.suite.clone() }
    }

    /// With another margin for one observable.
    fn with_margin(&self, id: &str) -> Suite {
        let mut suite = self.suite.clone();
        let rule = suite.observables.iter_mut().find(|rule| rule.id == id).unwrap();
        rule.margins.values_mut().for_each(|margin| *margin *= 1.1);
        suite
    }

    /// Makes what follows the heads of objects of observables, so many at most, unreadable; how many there are.
    fn spoil_states(&self, most: usize) -> usize {
        let mut n = 0;
        for path in files(&self.path("store/states/pieces")) {
            if path.extension().is_some_and(|end| end == "parts") && n < most {
                let mut bytes = fs::read(&path).unwrap();
                let head = u32::from_le_bytes(bytes[40..44].try_into().unwrap()) as usize;
                bytes[44 + head..].iter_mut().for_each(|byte| *byte = !*byte);
                fs::write(&path, bytes).unwrap();
                n += 1;
            }
        }
        n
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn same_as_plain(request: &ValidateRequest) -> Report {
    let report = validate(request, &Meter::default()).unwrap();
    assert_same(&report, &validate(&ValidateRequest { store: None, ..request.clone() }, &Meter::default()).unwrap());
    report
}

fn assert_same(one: &Report, other: &Report) {
    assert_eq!((&one.digest, &one.inputs), (&other.digest, &other.inputs));
    assert_eq!(
        format!("{:?} {:?}", one.findings, one.integrity),
        format!("{:?} {:?}", other.findings, other.integrity)
    );
}

fn cache(report: &Report) -> &Cache {
    report.cache.as_ref().unwrap()
}

fn observables(report: &Report) -> [u64; 2] {
    [cache(report).observables_reused, cache(report).observables_judged]
}

#[test]
fn states_that_nobody_needs_are_not_read() {
    let bench = Bench::new();
    let cold = bench.run(&bench.suite);
    let n = bench.suite.observables.len() as u64;
    assert_eq!(observables(&cold), [0, n]);
    let pieces = bench.spoil_states(usize::MAX);
    assert!(pieces > 20, "{pieces}");
    let correction = bench.run(&bench.with_correction());
    assert_eq!((observables(&correction), cache(&correction).states_computed), ([n, 0], 0));
    assert_eq!((&cache(&correction).problems[..], correction.timing.bytes_read), (&[][..], 0));
    // The observable that has to be judged cannot be read: it is said, and everything is looked at again.
    let margin = bench.run(&bench.with_margin("spread"));
    let told = &cache(&margin).problems;
    assert!(told.iter().any(|problem| problem.contains("is damaged")), "{told:?}");
    assert_eq!(cache(&margin).states_computed, n * pieces as u64);
    assert_eq!(cache(&margin).states_computed + cache(&margin).states_reused, n * cache(&margin).pieces);
    let again = bench.run(&bench.with_margin("trade_size"));
    assert_eq!((observables(&again), &cache(&again).problems[..]), ([n - 1, 1], &[][..]));
    assert_eq!(again.timing.bytes_read, 0);
}

#[test]
fn a_small_change_leaves_alone_what_it_does_not_touch() {
    let bench = Bench::new();
    let n = bench.suite.observables.len() as u64;
    bench.run(&bench.suite);
    fs::remove_dir_all(bench.path("candidate")).unwrap();
    write_events(&bench.path("candidate"), hours(6, true));
    let edited = bench.run(&bench.suite);
    let [reused, judged] = observables(&edited);
    assert!(judged >= 1 && judged <= n / 2 && reused + judged == n, "{reused} {judged}");
    // Another golden and the old one again: what was known is known still.
    let other = ValidateRequest { golden: vec![bench.path("candidate")], ..bench.request(&bench.suite) };
    same_as_plain(&other);
    let correction = bench.run(&bench.with_correction());
    assert_eq!((observables(&correction), correction.timing.bytes_read), ([n, 0], 0));
    // Observables added and left out.
    let mut fewer = bench.suite.clone();
    fewer.observables.truncate(20);
    bench.run(&fewer);
    let more = Suite { observables: Suite::builtin("microstructure").unwrap().observables, ..bench.suite.clone() };
    bench.run(&more);
    let corrected = Suite { multiplicity: Multiplicity::By, ..more };
    assert_eq!(observables(&bench.run(&corrected))[1], 0);
}

/// A stream of which several groups of files have a part, and a side with several streams.
#[test]
fn streams_in_parts_and_side_by_side_are_what_they_are_at_once() {
    let bench = Bench::new();
    let lone = |symbol: &str| ValidateRequest { symbol: Some(symbol.to_owned()), ..bench.request(&bench.suite) };
    same_as_plain(&lone("BTCUSDT"));
    for side in ["golden", "candidate"] {
        let seed = if side == "golden" { 8 } else { 9 };
        let other = |message: Message| Message { symbol: "ETHUSDT".into(), ..message };
        write_events(&bench.path(side).join("more"), hours(seed, false).map(other));
    }
    let cold = bench.run(&bench.suite);
    assert_eq!(cold.streams.len(), 2);
    let correction = bench.run(&bench.with_correction());
    assert_eq!(observables(&correction), [2 * bench.suite.observables.len() as u64, 0]);
    let margin = bench.run(&bench.with_margin("spread"));
    assert_eq!(observables(&margin)[1], 2);
    same_as_plain(&lone("ETHUSDT"));
}

#[test]
fn a_recorded_run_is_judged_again_without_its_states() {
    let bench = Bench::new();
    let (first, trace) = validate_traced(&bench.request(&bench.suite), &Meter::default()).unwrap();
    let (trace, n) = (trace.unwrap(), bench.suite.observables.len() as u64);
    let judge = |suite: Suite| {
        let store = bench.request(&suite).store.unwrap();
        let request = RecallRequest { trace: trace.clone(), suite: suite.clone(), store, threads: 2 };
        let again = JudgeAgain {
            suite,
            maps: Vec::new(),
            inputs: first.inputs.clone(),
            settings: Default::default(),
            threads: 2,
            started: std::time::Instant::now(),
        };
        judge_recorded(&request, &again, &Meter::default()).unwrap()
    };
    let plain = |suite: Suite| validate(&ValidateRequest { store: None, ..bench.request(&suite) }, &Meter::default());
    bench.spoil_states(1);
    let Rejudged::Report(report, _) = judge(bench.with_correction()) else { panic!("nothing is missing") };
    assert_eq!(observables(&report), [n, 0]);
    assert_same(&report, &plain(bench.with_correction()).unwrap());
    let Rejudged::Missing(missing) = judge(bench.with_margin("spread")) else { panic!("its states are unreadable") };
    assert!(missing.files > 0 && missing.problems.iter().any(|p| p.contains("is damaged")), "{missing:?}");
}
