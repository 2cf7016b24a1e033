//! States from a store: whatever is found there, and whatever was done to it, the report is that of a run without one.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{request, write_events, write_golden};
use verismo_engine::{Meter, StoreRequest, ValidateRequest, validate};
use verismo_feed::Format;
use verismo_feed::write::WriteOptions;
use verismo_market::event::Side;
use verismo_market::message::{Body, Message};
use verismo_sim::{Market, MarketConfig};
use verismo_suite::Suite;
use verismo_suite::report::{Cache, Report};

const HOUR_NS: i64 = 3_600_000_000_000;

/// A market of half a day and more, in a file for each hour that begins with the book, as a reconstruction writes them.
fn hours(seed: u64) -> Vec<Message> {
    slowed(Market::new(MarketConfig::new(seed)).with_snapshots(HOUR_NS / SLOWER))
}

const SLOWER: i64 = 180;

fn slowed(market: impl Iterator<Item = Message>) -> Vec<Message> {
    let start = 1_753_056_000_000_000_000;
    let stretched = |mut message: Message| {
        message.t_exchange_ns = start + (message.t_exchange_ns - start) * SLOWER;
        message
    };
    market.take(12_000).map(stretched).collect()
}

struct Bench {
    dir: tempfile::TempDir,
    suite: Suite,
}

impl Bench {
    /// A golden and a candidate in files of an hour.
    fn new(suite: &str) -> Self {
        let mut suite = Suite::builtin(suite).unwrap();
        // A few of each kind: what is kept at a cut differs by observable, and tests of observables try all of them.
        if suite.name == "market" {
            let few = [
                "mid_log_return_1s",
                "aggressor_sign_acf",
                "inter_event_time",
                "event_count_1s",
                "spread",
                "trade_through",
            ];
            suite.observables.retain(|rule| few.contains(&rule.id.as_str()));
        }
        // States are what is looked at: they are judged, but not at length.
        suite.replicates = 99;
        for rule in &mut suite.observables {
            rule.margins.retain(|test, _| *test == rule.decide);
        }
        let bench = Self { dir: tempfile::tempdir().unwrap(), suite };
        write_events(&bench.path("golden"), hours(5).into_iter());
        write_events(&bench.path("candidate"), hours(6).into_iter());
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn request(&self) -> ValidateRequest {
        let suite = Some(self.suite.clone());
        ValidateRequest { suite, ..request(&self.path("golden"), &self.path("candidate")) }
    }

    /// With the store, compared with a run without.
    fn run(&self) -> Cache {
        let store = Some(StoreRequest::in_folder(self.path("store")));
        let with = validate(&ValidateRequest { store, ..self.request() }, &Meter::default()).unwrap();
        let without = validate(&self.request(), &Meter::default()).unwrap();
        assert_same(&with, &without);
        with.cache.unwrap()
    }

    fn objects(&self) -> Vec<PathBuf> {
        files(&self.path("store/states"))
    }

    /// Files of the candidate, in the order of their hours.
    fn hours(&self) -> Vec<PathBuf> {
        self.files_of("candidate")
    }

    fn files_of(&self, side: &str) -> Vec<PathBuf> {
        files(&self.path(side)).into_iter().filter(|p| p.extension().is_some_and(|e| e == "parquet")).collect()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = entries.flat_map(|p| if p.is_dir() { files(&p) } else { vec![p] }).collect();
    all.sort();
    all
}

fn assert_same(with: &Report, without: &Report) {
    assert_eq!(with.digest, without.digest);
    assert_eq!(with.inputs, without.inputs);
    // Text shows every bit, and a number that is none is equal to itself.
    assert_eq!(format!("{:?}", with.findings), format!("{:?}", without.findings));
    assert_eq!(format!("{:?}", with.integrity), format!("{:?}", without.integrity));
}

#[test]
fn a_second_run_computes_nothing_and_says_the_same() {
    for suite in ["market", "comprehensive"] {
        let bench = Bench::new(suite);
        let n_files = bench.hours().len() + bench.files_of("golden").len();
        let n_files = n_files as u64;
        assert!(n_files >= 20, "{n_files} files");
        let cold = bench.run();
        assert_eq!((cold.states_reused, cold.pieces), (0, n_files), "{suite}");
        assert!(cold.misses.iter().all(|miss| miss.why == "nothing was stored of this file"), "{:?}", cold.misses);
        let warm = bench.run();
        assert_eq!((warm.states_computed, warm.states_reused), (0, cold.states_computed), "{suite}: {:?}", warm.misses);
        assert_eq!(warm.problems, Vec::<String>::new());
    }
}

#[test]
fn a_changed_file_is_read_and_those_behind_it_only_until_the_book_is_the_same_again() {
    let bench = Bench::new("market");
    let cold = bench.run();
    let mut messages = hours(6);
    let change = |messages: &mut Vec<Message>, hour: i64| {
        let start = messages[0].t_exchange_ns;
        let trade = messages
            .iter_mut()
            .find(|m| matches!(m.body, Body::Trade { .. }) && m.t_exchange_ns > start + hour * HOUR_NS + HOUR_NS / 2);
        let Body::Trade { qty, .. } = &mut trade.unwrap().body else { panic!("a trade") };
        *qty += 1_000;
    };
    change(&mut messages, 5);
    fs::remove_dir_all(bench.path("candidate")).unwrap();
    write_events(&bench.path("candidate"), messages.into_iter());
    let changed = bench.run();
    let observables = cold.states_computed / cold.pieces;
    assert_eq!(changed.states_computed, observables, "{:?}", changed.misses);
    assert_eq!(changed.states_reused, cold.states_computed - observables);
    assert!(changed.misses[0].why.starts_with("the bytes of"), "{:?}", changed.misses);
}

#[test]
fn files_come_and_go() {
    let bench = Bench::new("market");
    let cold = bench.run();
    let observables = cold.states_computed / cold.pieces;
    let all = bench.hours();
    // The last one goes: nothing is computed, though the data end elsewhere.
    let aside = bench.path("aside.parquet");
    fs::rename(all.last().unwrap(), &aside).unwrap();
    assert_eq!(bench.run().states_computed, 0);
    // It comes back, by another name in another folder.
    let elsewhere = bench.path("candidate/BTCUSDT/2099/01/01/00");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::rename(&aside, elsewhere.join("late.parquet")).unwrap();
    let back = bench.run();
    assert_eq!(back.states_computed, 0, "{:?}", back.misses);
    // One in the middle goes: the one behind it goes on from another book.
    fs::remove_file(&all[4]).unwrap();
    let holed = bench.run();
    assert!((observables..=2 * observables).contains(&holed.states_computed), "{holed:?}");
    assert!(holed.misses[0].why.starts_with("what goes on"), "{:?}", holed.misses);
    // A copy of all elsewhere is the same.
    fs::rename(bench.path("golden"), bench.path("moved")).unwrap();
    fs::create_dir(bench.path("golden")).unwrap();
    fs::rename(bench.path("moved"), bench.path("golden/deeper")).unwrap();
    assert_eq!(bench.run().states_computed, 0);
}

#[test]
fn an_observable_that_is_added_is_the_only_one_computed() {
    let mut bench = Bench::new("market");
    let cold = bench.run();
    let whole = bench.suite.clone();
    let comprehensive = Suite::builtin("comprehensive").unwrap();
    // One that reads what is always there, one that reads the tape, one that reads updates on it.
    for id in ["realised_vol_1m", "effective_spread", "cancel_share_1s"] {
        let rule = comprehensive.observables.iter().find(|rule| rule.id == id).unwrap();
        bench.suite.observables.push(rule.clone());
        let added = bench.run();
        // With updates on it, the tape is another one.
        let n = if id == "cancel_share_1s" { 2 } else { 1 };
        assert_eq!(added.states_computed, n * cold.pieces, "{id}: {:?}", added.misses.first());
        assert_eq!(bench.run().states_computed, 0, "{id}");
    }
    bench.suite = whole;
    assert_eq!(bench.run().states_computed, 0, "those before are still there");
}

#[test]
fn nothing_damaged_is_used() {
    let bench = Bench::new("market");
    bench.run();
    for (round, object) in bench.objects().into_iter().enumerate().filter(|(i, _)| i % 5 == 0) {
        let bytes = fs::read(&object).unwrap();
        match round % 4 {
            0 => fs::write(&object, &bytes[..bytes.len() / 2]).unwrap(),
            1 => fs::write(&object, b"").unwrap(),
            2 => fs::remove_file(&object).unwrap(),
            _ => {
                let mut bytes = bytes;
                let at = bytes.len() / 3;
                bytes[at] ^= 0x10;
                fs::write(&object, bytes).unwrap();
            }
        }
    }
    let damaged = bench.run();
    assert!(damaged.states_computed > 0 && damaged.states_reused > 0, "{damaged:?}");
    assert!(damaged.problems.iter().any(|problem| problem.contains("is damaged")), "{:?}", damaged.problems);
    let mended = bench.run();
    assert_eq!((mended.states_computed, mended.problems), (0, Vec::new()));
}

#[test]
fn a_store_that_cannot_be_written_is_said_and_does_not_matter() {
    let bench = Bench::new("market");
    fs::write(bench.path("store"), b"a file").unwrap();
    let cache = bench.run();
    assert!(cache.problems[0].contains("cannot be opened"), "{:?}", cache.problems);
}

#[test]
fn a_capture_of_json_lines_is_kept_file_by_file() {
    let bench = Bench::new("market");
    let golden = bench.path("golden");
    fs::remove_dir_all(&golden).unwrap();
    let messages: Vec<Message> = Market::new(MarketConfig::new(5)).take(7_500).collect();
    let parts: Vec<&[Message]> = messages.chunks(2_500).collect();
    let write = |name: &str, messages: &[Message]| {
        let by_hour = tempfile::tempdir().unwrap();
        write_golden(by_hour.path(), messages.iter().cloned());
        let lines: Vec<String> = files(by_hour.path()).iter().map(|p| fs::read_to_string(p).unwrap()).collect();
        fs::create_dir_all(&golden).unwrap();
        fs::write(golden.join(name), lines.concat()).unwrap();
    };
    let states = |cache: &Cache| cache.states_computed;
    let read = |cache: &Cache| -> BTreeSet<String> {
        let name = |file: &str| file.rsplit_once('/').unwrap().1.to_owned();
        cache.misses.iter().map(|miss| name(&miss.file)).collect()
    };
    // Names say nothing: files are ordered by what they hold.
    write("c.jsonl", parts[0]);
    bench.run();
    assert_eq!(states(&bench.run()), 0);
    for (name, part) in [("b.jsonl", parts[1]), ("a.jsonl", parts[2])] {
        write(name, part);
        let grown = bench.run();
        assert_eq!(read(&grown), BTreeSet::from([name.to_owned()]), "{:?}", grown.misses);
        assert_eq!(states(&bench.run()), 0);
    }
    // A trade in the middle is another one: nothing goes on from it.
    let mut changed = parts[1].to_vec();
    let trade = changed.iter_mut().filter(|m| matches!(m.body, Body::Trade { .. })).nth(400).unwrap();
    if let Body::Trade { qty, .. } = &mut trade.body {
        *qty += 100_000;
    }
    write("b.jsonl", &changed);
    assert_eq!(read(&bench.run()), BTreeSet::from(["b.jsonl".to_owned()]));
    // The last file goes, and then the one in the middle comes back as it was.
    fs::remove_file(golden.join("a.jsonl")).unwrap();
    assert_eq!(states(&bench.run()), 0);
    write("b.jsonl", parts[1]);
    assert_eq!(states(&bench.run()), 0);
    // Without the first one the second has another start.
    fs::remove_file(golden.join("c.jsonl")).unwrap();
    assert_eq!(read(&bench.run()), BTreeSet::from(["b.jsonl".to_owned()]));
}

#[test]
fn ids_that_were_seen_before_are_counted_wherever_they_come_again() {
    let bench = Bench::new("market");
    let original = hours(6);
    let observed = |messages: &[Message]| {
        fs::remove_dir_all(bench.path("candidate")).unwrap();
        write_events(&bench.path("candidate"), messages.iter().cloned());
        (bench.run(), bench.run().states_computed)
    };
    // A trade of the third hour comes again in the seventh: there it is a duplicate, unless the third hour lacks it.
    let at = |hour: i64| {
        let from = original[0].t_exchange_ns + hour * HOUR_NS + HOUR_NS / 2;
        original.iter().position(|m| m.t_exchange_ns > from && matches!(m.body, Body::Trade { .. })).unwrap()
    };
    let mut twice = original.clone();
    twice.insert(at(6), Message { t_exchange_ns: original[at(6)].t_exchange_ns, ..original[at(2)].clone() });
    let mut late = twice.clone();
    late.remove(at(2));
    observed(&late);
    let (changed, again) = observed(&twice);
    let whys: Vec<&str> = changed.misses.iter().map(|miss| miss.why.as_str()).collect();
    assert_eq!(whys.len(), 2, "{whys:?}");
    assert!(whys[0].starts_with("the bytes of") && whys[1] == "the trade ids before it changed", "{whys:?}");
    assert_eq!(again, 0);
    assert_eq!(observed(&late).0.states_computed, 0, "what was before is still there");
}

/// Where no file begins with the book, a level stands until it is changed.
#[test]
fn a_change_reaches_as_far_as_it_matters() {
    let bench = Bench::new("market");
    let mut messages = slowed(Market::new(MarketConfig::new(6)));
    let candidate = |messages: &[Message]| {
        fs::remove_dir_all(bench.path("candidate")).unwrap();
        write_events(&bench.path("candidate"), messages.iter().cloned());
        bench.run()
    };
    candidate(&messages);
    // The last update of the third hour holds a level more, far from the touch; the hour ends at the same time as before.
    let end_ns = messages[0].t_exchange_ns / HOUR_NS * HOUR_NS + 3 * HOUR_NS;
    let update = messages.iter_mut().rfind(|m| m.t_exchange_ns < end_ns && matches!(m.body, Body::Depth { .. }));
    let Body::Depth { bids, .. } = &mut update.unwrap().body else { panic!("an update") };
    bids.push((100_000_000, 100_000_000));
    let changed = candidate(&messages);
    let behind =
        changed.misses.iter().filter(|miss| miss.why == "what goes on from the file before it changed").count();
    assert!(behind >= 2, "the level is never taken away: {:?}", changed.misses);
}

#[test]
fn what_one_observable_remembers_costs_it_alone() {
    let bench = Bench::new("market");
    bench.run();
    let mut messages = hours(6);
    let end_ns = messages[0].t_exchange_ns / HOUR_NS * HOUR_NS + 3 * HOUR_NS;
    let trade = messages.iter_mut().rfind(|m| m.t_exchange_ns < end_ns && matches!(m.body, Body::Trade { .. }));
    let Body::Trade { side, .. } = &mut trade.unwrap().body else { panic!("a trade") };
    *side = if *side == Side::Bid { Side::Ask } else { Side::Bid };
    fs::remove_dir_all(bench.path("candidate")).unwrap();
    write_events(&bench.path("candidate"), messages.into_iter());
    let changed = bench.run();
    let observables: Vec<&[String]> = changed.misses.iter().map(|miss| &miss.observables[..]).collect();
    let all: &[String] = &[];
    assert_eq!(observables, [all, &["aggressor_sign_acf".to_owned()]], "{:?}", changed.misses);
}

/// What a name tells is no part of the bytes.
#[test]
fn a_file_of_another_name_is_another_day() {
    let bench = Bench::new("light");
    for side in ["golden", "candidate"] {
        fs::remove_dir_all(bench.path(side)).unwrap();
        let mut writer = Format::Lobster.writer(&bench.path(side), &WriteOptions::default()).unwrap();
        let market = Market::new(MarketConfig::new(7).in_shares()).with_orders();
        market.with_snapshots(HOUR_NS).take(3_000).for_each(|message| writer.write(&message).unwrap());
        writer.finish().unwrap();
    }
    bench.run();
    assert_eq!(bench.run().states_computed, 0);
    for file in files(&bench.path("candidate")) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(name.contains("2025-07-2"), "{name}");
        fs::rename(&file, file.with_file_name(name.replace("2025-07-2", "2025-08-2"))).unwrap();
    }
    assert!(bench.run().states_computed > 0);
}
