//! Whole reports from a store: taken where nothing changed, and never where something did.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use common::{request, write_golden};
use verismo_engine::{Meter, StoreRequest, ValidateRequest, validate};
use verismo_feed::write::{GoldenCompression, GoldenWriter};
use verismo_sim::{Market, MarketConfig};
use verismo_suite::Suite;
use verismo_suite::report::{Provenance, Report};

struct Bench {
    dir: tempfile::TempDir,
    request: ValidateRequest,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (golden, candidate) = (dir.path().join("golden"), dir.path().join("candidate"));
        write_golden(&golden, Market::new(MarketConfig::new(5)).take(3_000));
        write_golden(&candidate, Market::new(MarketConfig::new(6)).take(3_000));
        let store = StoreRequest { program: Some(program()), ..StoreRequest::in_folder(dir.path().join("store")) };
        let request = ValidateRequest { store: Some(store), ..request(&golden, &candidate) };
        let bench = Self { dir, request };
        bench.age();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file of the candidate.
    fn file(&self) -> PathBuf {
        fs::read_dir(self.path("candidate")).unwrap().next().unwrap().unwrap().path()
    }

    /// Makes all files so old that their times tell them.
    fn age(&self) {
        for side in ["golden", "candidate"] {
            for entry in fs::read_dir(self.path(side)).unwrap() {
                set_modified(&entry.unwrap().path(), SystemTime::now() - Duration::from_secs(60));
            }
        }
    }

    fn run(&self) -> Report {
        run(&self.request)
    }

    /// Whether the report was taken as a whole; in any case it is that of a run without a store.
    fn reuses(&self, request: &ValidateRequest) -> bool {
        let report = run(request);
        let without = run(&ValidateRequest { store: None, ..request.clone() });
        let cache = report.cache.clone().unwrap();
        assert_eq!(plain(&report), plain(&without));
        if cache.is_report_reused {
            assert_eq!((cache.states_computed, report.timing.bytes_read), (0, 0));
            assert_eq!(
                (report.timing.messages, report.timing.events),
                (without.timing.messages, without.timing.events)
            );
        }
        cache.is_report_reused
    }
}

fn run(request: &ValidateRequest) -> Report {
    validate(request, &Meter::default()).unwrap()
}

fn program() -> PathBuf {
    std::env::current_exe().unwrap()
}

fn set_modified(path: &Path, time: SystemTime) {
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

/// All that is not about the run itself.
fn plain(report: &Report) -> String {
    // Only a run with a store has states there.
    let provenance = Provenance { states: None, ..report.provenance.clone() };
    format!("{:?}", Report { timing: Default::default(), cache: None, provenance, ..report.clone() })
}

#[test]
fn nothing_changed_and_nothing_is_done() {
    let bench = Bench::new();
    let cold = bench.run();
    assert!(!cold.cache.as_ref().unwrap().is_report_reused);
    assert!(bench.reuses(&bench.request));
    let threads = ValidateRequest { threads: 1, ..bench.request.clone() };
    assert!(bench.reuses(&threads), "threads change nothing");
    let cache = bench.run().cache.unwrap();
    assert_eq!(cache.states_reused, cold.cache.unwrap().states_computed);
}

#[test]
fn what_changed_is_seen() {
    let bench = Bench::new();
    bench.run();
    let reuses = |what: &str, wanted: bool| assert_eq!(bench.reuses(&bench.request), wanted, "{what}");
    reuses("nothing", true);
    set_modified(&bench.file(), SystemTime::now() - Duration::from_secs(30));
    reuses("a time", false);
    reuses("nothing more", true);
    let moved = bench.file().with_file_name("another.jsonl");
    fs::rename(bench.file(), &moved).unwrap();
    reuses("a name", false);
    reuses("nothing more", true);
    fs::write(bench.path("candidate/notes.txt"), "no data").unwrap();
    bench.age();
    reuses("a file that is no data", false);
    reuses("nothing more", true);
    fs::write(bench.path("candidate/run.log"), "no data").unwrap();
    reuses("a file that is never data", false);
    reuses("nothing more", true);
    fs::write(bench.path("candidate/run.log"), "still no data").unwrap();
    reuses("what it holds does not matter", true);
    fs::remove_file(bench.path("candidate/run.log")).unwrap();
    reuses("as it was before", true);
    let text = fs::read_to_string(&moved).unwrap();
    let (head, _) = text.trim_end().rsplit_once('\n').unwrap();
    fs::write(&moved, format!("{head}\n")).unwrap();
    bench.age();
    reuses("bytes", false);
}

#[test]
fn another_margin_reads_no_byte() {
    let bench = Bench::new();
    bench.run();
    let mut suite = Suite::builtin("market").unwrap();
    for rule in &mut suite.observables {
        rule.margins.values_mut().for_each(|margin| *margin *= 2.0);
    }
    let other = ValidateRequest { suite: Some(suite), ..bench.request.clone() };
    let wanted = run(&ValidateRequest { store: None, ..other.clone() });
    let found = run(&other);
    let cache = found.cache.clone().unwrap();
    assert!(!cache.is_report_reused);
    assert_eq!((cache.states_computed, found.timing.bytes_read), (0, 0));
    assert_eq!(plain(&found), plain(&wanted));
}

#[test]
fn what_is_asked_for_is_part_of_it() {
    let bench = Bench::new();
    bench.run();
    let mut suite = Suite::builtin("market").unwrap();
    let other = |suite: &Suite| ValidateRequest { suite: Some(suite.clone()), ..bench.request.clone() };
    assert!(!bench.reuses(&other(&suite)), "the suite was not named before");
    assert!(bench.reuses(&other(&suite)));
    suite.replicates = 99;
    assert!(!bench.reuses(&other(&suite)));
    let program = bench.path("program");
    fs::write(&program, "another").unwrap();
    let store = bench.request.store.clone().unwrap();
    let with = |store: StoreRequest| ValidateRequest { store: Some(store), ..bench.request.clone() };
    assert!(!bench.reuses(&with(StoreRequest { program: Some(program), ..store.clone() })), "another program");
    assert!(!bench.reuses(&with(StoreRequest { program: None, ..store.clone() })), "no program");
    assert!(!bench.reuses(&with(StoreRequest { verifies: true, ..store })), "files are to be read");
}

#[test]
fn a_file_that_may_still_change_unseen_is_not_believed() {
    let bench = Bench::new();
    set_modified(&bench.file(), SystemTime::now() + Duration::from_secs(5));
    bench.run();
    assert!(!bench.reuses(&bench.request));
}

#[test]
fn what_could_not_be_read_to_its_end_is_tried_again() {
    let mut bench = Bench::new();
    let packed = bench.path("packed");
    let mut writer = GoldenWriter::create(&packed, GoldenCompression::Gzip(1)).unwrap();
    Market::new(MarketConfig::new(6)).take(3_000).for_each(|message| writer.write(&message).unwrap());
    writer.finish().unwrap();
    let file = fs::read_dir(&packed).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() * 3 / 4]).unwrap();
    set_modified(&file, SystemTime::now() - Duration::from_secs(60));
    bench.request.candidate = vec![packed];
    for _ in 0..3 {
        let report = bench.run();
        assert!(report.integrity.iter().any(|row| row.check == "truncated_file" && row.count > 0));
        let cache = report.cache.as_ref().unwrap();
        assert!(!cache.is_report_reused && cache.states_computed > 0, "{cache:?}");
        assert_eq!(plain(&report), plain(&run(&ValidateRequest { store: None, ..bench.request.clone() })));
    }
}

#[test]
fn a_look_that_believes_no_stamp_mends_what_was_kept() {
    let bench = Bench::new();
    let before = bench.run();
    // Other bytes of the same length and time.
    let file = bench.file();
    let modified = fs::metadata(&file).unwrap().modified().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let (head, rest) = text.split_at(text.len() / 2);
    fs::write(&file, head.to_owned() + &rest.replace('{', "(")).unwrap();
    set_modified(&file, modified);
    // Where the system says when anything about a file was changed, that tells them; reading them does everywhere.
    if cfg!(unix) {
        assert_ne!(plain(&bench.run()), plain(&before));
    }
    let store = StoreRequest { verifies: true, ..bench.request.store.clone().unwrap() };
    let looked = run(&ValidateRequest { store: Some(store), ..bench.request.clone() });
    assert_ne!(plain(&looked), plain(&before));
    assert!(bench.reuses(&bench.request), "what was found by looking is believed from now on");
}

#[test]
fn a_damaged_report_is_not_used() {
    let bench = Bench::new();
    bench.run();
    let mut objects = Vec::new();
    let folders = fs::read_dir(bench.path("store/states/reports")).unwrap();
    for folder in folders {
        objects.extend(fs::read_dir(folder.unwrap().path()).unwrap().map(|entry| entry.unwrap().path()));
    }
    let [object] = &objects[..] else { panic!("one report: {objects:?}") };
    let mut bytes = fs::read(object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(object, bytes).unwrap();
    let report = bench.run();
    let cache = report.cache.unwrap();
    assert!(!cache.is_report_reused);
    assert!(cache.problems[0].contains("damaged"), "{:?}", cache.problems);
    // It is not kept with a problem in it, but the next time.
    assert!(!bench.reuses(&bench.request));
    assert!(bench.reuses(&bench.request));
}

#[test]
fn an_observable_is_judged_again_only_if_its_states_or_its_rule_changed() {
    let bench = Bench::new();
    let counts = |request: &ValidateRequest| {
        let report = run(request);
        assert_eq!(plain(&report), plain(&run(&ValidateRequest { store: None, ..request.clone() })));
        let cache = report.cache.unwrap();
        assert_eq!(cache.problems, Vec::<String>::new());
        (cache.observables_reused, cache.observables_judged)
    };
    let (none, all) = counts(&bench.request);
    assert!(none == 0 && all > 20, "{none} {all}");
    assert_eq!(counts(&bench.request), (all, 0), "a report that is reused says so too");
    let mut suite = Suite::builtin("market").unwrap();
    suite.observables[0].margins.values_mut().for_each(|margin| *margin *= 2.0);
    let tuned = ValidateRequest { suite: Some(suite.clone()), ..bench.request.clone() };
    assert_eq!(counts(&tuned), (all - 1, 1));
    // A trade of another size: whatever does not look at sizes is as it was.
    let text = fs::read_to_string(bench.file()).unwrap();
    let at = text.find("\"q\":\"").unwrap() + 5;
    let changed = format!("{}{}{}", &text[..at], if &text[at..=at] == "1" { "2" } else { "1" }, &text[at + 1..]);
    fs::write(bench.file(), changed).unwrap();
    bench.age();
    let (reused, judged) = counts(&tuned);
    assert!(judged > 0 && reused > judged && reused + judged == all, "{reused} reused, {judged} judged");
    // Packs that are damaged are no help, and no harm.
    let folder = bench.path("store/states/judged");
    let mut damaged = 0;
    for pack in files(&folder) {
        let mut bytes = fs::read(&pack).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&pack, bytes).unwrap();
        damaged += 1;
    }
    assert!(damaged >= 3, "{damaged}");
    suite.observables[1].margins.values_mut().for_each(|margin| *margin *= 2.0);
    let report = run(&ValidateRequest { suite: Some(suite), ..bench.request.clone() });
    let cache = report.cache.unwrap();
    assert_eq!((cache.observables_reused, cache.observables_judged), (0, all));
    assert!(cache.problems.iter().all(|problem| problem.contains("damaged")) && !cache.problems.is_empty());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
