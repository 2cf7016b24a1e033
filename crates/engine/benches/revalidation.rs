//! What validating again costs after a change: two simulated markets in hourly files, a store, and edits at random places.
//!
//! `VERISMO_BENCH_MESSAGES` sets the messages of both sides together; by default they are 50 million events (trades and changes of
//! levels) in several hundred files.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use verismo_engine::{Meter, StoreRequest, ValidateRequest, cpu_seconds, validate};
use verismo_feed::write::{EventsOptions, EventsWriter};
use verismo_market::message::{Body, Message};
use verismo_sim::{Market, MarketConfig};
use verismo_suite::Suite;
use verismo_suite::report::Report;
use verismo_suite::suite::Multiplicity;

const HOUR_NS: i64 = 3_600_000_000_000;
/// Simulated time passes that much slower than in the market as it is, so that an hour has about 80,000 messages.
const SLOWER: i64 = 20;
/// One file in so many is edited.
const EDITED: u64 = 100;
/// A message is eleven events in the mean.
const MESSAGES: u64 = 4_520_000;

struct Bench {
    dir: tempfile::TempDir,
    suite: Suite,
}

/// What a run took.
struct Cost {
    wall: f64,
    cpu: f64,
    report: Report,
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn request(&self, suite: &Suite, store: Option<StoreRequest>) -> ValidateRequest {
        let suite = Some(suite.clone());
        ValidateRequest {
            suite,
            store,
            ..ValidateRequest::new(vec![self.path("golden")], vec![self.path("candidate")])
        }
    }

    fn store(&self) -> StoreRequest {
        StoreRequest { program: std::env::current_exe().ok(), ..StoreRequest::in_folder(self.path("store")) }
    }

    fn run(&self, what: &str, suite: &Suite, store: Option<StoreRequest>) -> Cost {
        let (started, before) = (Instant::now(), cpu_seconds().unwrap());
        let report = validate(&self.request(suite, store), &Meter::default()).unwrap();
        let cost = Cost { wall: started.elapsed().as_secs_f64(), cpu: cpu_seconds().unwrap() - before, report };
        let cache = cost.report.cache.clone().unwrap_or_default();
        let read = cost.report.timing.bytes_read as f64 / 1e6;
        println!("{what:44} {:8.2} s {:8.2} CPU-s {read:9.1} MB read", cost.wall, cost.cpu);
        println!(
            "  {} states reused {} computed, {} observables reused {} judged",
            cache.states_reused, cache.states_computed, cache.observables_reused, cache.observables_judged
        );
        for problem in cache.problems {
            println!("  {problem}");
        }
        cost
    }
}

/// Writes a market, and some of its hours once more with a change in the middle: a trade of another size, or a level.
fn write(dir: &Path, edits: Option<&Path>, seed: u64, messages: u64) -> u64 {
    let start = 1_753_056_000_000_000_000;
    let market = Market::new(MarketConfig::new(seed)).with_snapshots(HOUR_NS / SLOWER);
    let mut writer = EventsWriter::create(dir, EventsOptions::default()).unwrap();
    let mut editor = edits.map(|dir| EventsWriter::create(dir, EventsOptions::default()).unwrap());
    let mut edited_hour = i64::MIN;
    for mut message in market.take(messages as usize) {
        message.t_exchange_ns = start + (message.t_exchange_ns - start) * SLOWER;
        writer.write(&message).unwrap();
        let (hour, at) = ((message.t_exchange_ns - start) / HOUR_NS, (message.t_exchange_ns - start) % HOUR_NS);
        // A number that looks random and is not.
        let draw = (hour as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        if let Some(editor) = editor.as_mut().filter(|_| draw.is_multiple_of(EDITED)) {
            if hour != edited_hour && at > HOUR_NS / 3 && edit(&mut message, draw.is_multiple_of(2 * EDITED)) {
                edited_hour = hour;
            }
            editor.write(&message).unwrap();
        }
    }
    if let Some(editor) = editor {
        editor.finish().unwrap();
    }
    writer.finish().unwrap();
    fs::remove_file(dir.join("manifest.jsonl")).unwrap();
    files(dir).len() as u64
}

fn edit(message: &mut Message, is_trade: bool) -> bool {
    match &mut message.body {
        Body::Trade { qty, .. } if is_trade => *qty += 100_000_000,
        Body::Depth { bids, .. } if !is_trade && !bids.is_empty() => bids[0].1 += 100_000_000,
        _ => return false,
    }
    true
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let all = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    all.filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect()
}

fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { size(&path) } else { fs::metadata(path).unwrap().len() }).sum()
}

fn main() {
    // What a run of the tests asks of benchmarks is to compile.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let messages = std::env::var("VERISMO_BENCH_MESSAGES").ok().map_or(MESSAGES, |text| text.parse().unwrap());
    let mut suite = Suite::builtin("market").unwrap();
    let added = suite.observables.pop().unwrap();
    let bench = Bench { dir: tempfile::tempdir().unwrap(), suite: suite.clone() };
    let started = Instant::now();
    let n_golden = write(&bench.path("golden"), None, 5, messages / 2);
    let n_candidate = write(&bench.path("candidate"), Some(&bench.path("edits")), 6, messages / 2);
    let raw = size(&bench.path("golden")) + size(&bench.path("candidate"));
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{messages} messages in {n_golden} + {n_candidate} files, {:.0} MB, written in {seconds:.0} s",
        raw as f64 / 1e6
    );
    // Files that were written a moment ago are read again the next time.
    std::thread::sleep(Duration::from_millis(200));

    bench.run("the first run, which warms up", &bench.suite, None);
    let plain = bench.run("cold, without a store", &bench.suite, None);
    let cold = bench.run("cold, with a store", &bench.suite, Some(bench.store()));
    println!("  the store costs {:.1} % of CPU time", 100.0 * (cold.cpu / plain.cpu - 1.0));
    let kept = size(&bench.path("store"));
    println!("  and holds {:.1} MB, {:.1} % of the data", kept as f64 / 1e6, 100.0 * kept as f64 / raw as f64);
    assert_eq!(cold.report.digest, plain.report.digest);
    let nothing = bench.run("nothing changed", &bench.suite, Some(bench.store()));
    assert_eq!((nothing.report.timing.bytes_read, &nothing.report.digest), (0, &plain.report.digest));
    let judged =
        bench.run("nothing changed, judged again", &bench.suite, Some(StoreRequest { program: None, ..bench.store() }));
    assert_eq!((judged.report.timing.bytes_read, &judged.report.digest), (0, &plain.report.digest));
    for rule in &mut suite.observables {
        rule.margins.values_mut().for_each(|margin| *margin *= 1.1);
    }
    let margins = bench.run("margins 10 % wider", &suite, Some(bench.store()));
    assert_eq!(margins.report.timing.bytes_read, 0);
    suite.observables[0].margins.values_mut().for_each(|margin| *margin *= 1.1);
    let margin = bench.run("margins of one observable 10 % wider", &suite, Some(bench.store()));
    assert_eq!(margin.report.timing.bytes_read, 0);
    suite.multiplicity = Multiplicity::Bh;
    let correction = bench.run("another correction for multiplicity", &suite, Some(bench.store()));
    assert_eq!(correction.report.timing.bytes_read, 0);

    let edits = files(&bench.path("edits"));
    for edited in &edits {
        let place = edited.strip_prefix(bench.path("edits")).unwrap();
        fs::copy(edited, bench.path("candidate").join(place)).unwrap();
    }
    std::thread::sleep(Duration::from_millis(200));
    let changed = bench.run(&format!("{} candidate files edited", edits.len()), &bench.suite, Some(bench.store()));
    println!("  {:.1} % of the cold run's CPU time", 100.0 * changed.cpu / cold.cpu);
    let plain = bench.run("  the same without a store", &bench.suite, None);
    assert_eq!(changed.report.digest, plain.report.digest);

    let mut larger = bench.suite.clone();
    larger.observables.push(added);
    let id = &larger.observables[larger.observables.len() - 1].id;
    let grown = bench.run(&format!("observable added: {id}"), &larger, Some(bench.store()));
    let fresh = bench.run("  the same without a store", &larger, None);
    assert_eq!(grown.report.digest, fresh.report.digest);
    println!("  its own share of a run without a store: {:.2} CPU-s", fresh.cpu - plain.cpu);

    fs::remove_dir_all(bench.path("golden")).unwrap();
    write(&bench.path("golden"), None, 7, messages / 2);
    std::thread::sleep(Duration::from_millis(200));
    let golden = bench.run("another golden", &bench.suite, Some(bench.store()));
    println!("  {:.0} % of the cold run's CPU time", 100.0 * golden.cpu / cold.cpu);
    fs::remove_dir_all(bench.path("candidate")).unwrap();
    fs::remove_dir_all(bench.path("golden")).unwrap();
    write(&bench.path("golden"), None, 8, messages / 2);
    write(&bench.path("candidate"), None, 9, messages / 2);
    std::thread::sleep(Duration::from_millis(200));
    let all = bench.run("every file changed", &bench.suite, Some(bench.store()));
    println!("  {:.0} % of the cold run's CPU time", 100.0 * all.cpu / cold.cpu);
}
