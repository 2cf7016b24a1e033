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
        // A few of each kind: what is kept at a cut differs by observable, and tests of observables try all of them.
        let few = [
            "mid_log_return_1s",
            "aggressor_sign_acf",
            "inter_event_time",
            "event_count_1s",
            "spread",
            "trade_through",
        ];
        let on_tapes = ["effective_spread", "impact_60s", "ignition_1m", "cancel_share_1s", "virtual_ask_fill_time"];
        let mut suite = match suite {
            "tapes" => {
                let mut suite = Suite::builtin("comprehensive").unwrap();
                suite.observables.retain(|rule| few.iter().chain(&on_tapes).any(|id| *id == rule.id));
                suite
            }
            suite => Suite::builtin(suite).unwrap(),
        };
        if suite.name == "market" {
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

/// One file of JSON lines that is read in segments, and the lines of it.
struct Long {
    bench: Bench,
    segment_bytes: u64,
    lines: Vec<String>,
}

impl Long {
    fn new(suite: &str, segment_bytes: u64, messages: usize) -> Self {
        let bench = Bench::new(suite);
        fs::remove_dir_all(bench.path("golden")).unwrap();
        write_golden(&bench.path("golden"), hours(5).into_iter().take(messages));
        let text = files(&bench.path("golden")).iter().map(|p| fs::read_to_string(p).unwrap()).collect::<String>();
        fs::remove_dir_all(bench.path("golden")).unwrap();
        fs::create_dir(bench.path("golden")).unwrap();
        let lines = text.split_inclusive('\n').map(str::to_owned).collect();
        Self { bench, segment_bytes, lines }
    }

    fn write(&self, lines: &[String]) {
        fs::write(self.bench.path("golden/capture.jsonl"), lines.concat()).unwrap();
    }

    fn request(&self) -> ValidateRequest {
        let store = Some(StoreRequest::in_folder(self.bench.path("store")));
        ValidateRequest { store, segment_bytes: self.segment_bytes, ..self.bench.request() }
    }

    /// With the store, compared with a run that reads the file as a whole.
    fn run(&self) -> Cache {
        let with = validate(&self.request(), &Meter::default()).unwrap();
        let without = validate(&ValidateRequest { segment_bytes: 0, ..self.bench.request() }, &Meter::default());
        assert_same(&with, &without.unwrap());
        with.cache.unwrap()
    }
}

#[test]
fn a_long_file_is_kept_segment_by_segment() {
    let mut long = Long::new("market", 1 << 16, 9_000);
    long.write(&long.lines[..8_000]);
    let others = long.bench.hours().len() as u64;
    let cold = long.run();
    let bytes: usize = long.lines[..8_000].iter().map(String::len).sum();
    let pieces = cold.pieces - others;
    assert!(pieces as usize >= bytes / (1 << 16) - 1 && pieces > 12, "{pieces} pieces of {bytes} bytes");
    assert_eq!(long.run().states_computed, 0);
    let observables = cold.states_computed / cold.pieces;
    let computed = |lines: &[String]| {
        long.write(lines);
        let cache = long.run();
        assert_eq!(long.run().states_computed, 0);
        cache.states_computed.div_ceil(observables)
    };
    // Lines more at its end: the last piece alone, which is now three at most.
    let n = computed(&long.lines[..8_200]);
    assert!((1..=3).contains(&n), "{n} of {pieces}");
    // A trade in the middle is another one: the piece that it is in, and the one that begins in its segment, if they go on from the same.
    let mut changed = long.lines.clone();
    let at = (4_000..).find(|at| changed[*at].contains("@trade")).unwrap();
    let digit = changed[at].rfind(|c: char| c.is_ascii_digit() && c != '0').unwrap();
    changed[at].replace_range(digit..=digit, "7");
    let n = computed(&changed[..8_200]);
    assert!((1..=3).contains(&n), "{n} of {pieces}");
    let segments = || files(&long.bench.path("store/states/segments")).len();
    assert_eq!(segments(), 3, "of each of the three files, whatever was computed of it");
    // Back, and shorter than ever: what was stored serves.
    assert_eq!(computed(&long.lines[..8_200]), 0);
    assert!(computed(&long.lines[..3_000]) <= 1);
    // A line less: what is behind it lies elsewhere.
    let mut shifted = long.lines[..8_000].to_vec();
    shifted.remove(at);
    let n = computed(&shifted);
    assert!(n > pieces / 4 && n < 3 * pieces / 4, "{n} of {pieces}");
    // An observable that is added is computed beside those that are there.
    let whole = Suite::builtin("market").unwrap();
    long.bench.suite.observables.extend(whole.observables.into_iter().filter(|rule| rule.id == "trade_size"));
    let added = long.run();
    assert_eq!(added.states_computed, added.pieces, "{:?}", added.misses);
    assert_eq!(long.run().states_computed, 0);
    // Packed, it is one piece, and the same.
    let packed = zstd::encode_all(long.lines[..8_000].concat().as_bytes(), 1).unwrap();
    fs::remove_file(long.bench.path("golden/capture.jsonl")).unwrap();
    fs::write(long.bench.path("golden/capture.jsonl.zst"), packed).unwrap();
    assert_eq!(long.run().pieces, 1 + others);
}

/// A file that was broken off where a segment ends has the same segments as before, and its last line is one of that segment.
#[test]
fn a_long_file_that_was_broken_off_where_a_segment_ends_goes_on_otherwise() {
    let segment_bytes = 1 << 14;
    let mut long = Long::new("market", segment_bytes, 3_000);
    let all = long.bench.suite.clone();
    let bytes: usize = long.lines.iter().map(String::len).sum();
    for segments in [3, 7, bytes / segment_bytes as usize / 2] {
        let cut = segments * segment_bytes as usize;
        // A line of a trade gets its line end just behind the segment, with blanks at the end of the line before it.
        let ends = long.lines.iter().scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        });
        let fits = |(i, end): &(usize, usize)| *i > 0 && *end <= cut && long.lines[*i].contains("@trade");
        let (at, end) = ends.enumerate().filter(fits).last().unwrap();
        let mut lines = long.lines.clone();
        let before = lines[at - 1].trim_end().to_owned();
        lines[at - 1] = format!("{before}{}\n", " ".repeat(cut + 1 - end));
        let whole = lines.concat();
        assert_eq!(whole.as_bytes()[cut], b'\n');
        long.bench.suite.observables.retain(|rule| rule.id != "event_count_1s");
        long.write(&lines);
        assert!(long.run().pieces > 10);
        // The line is there, but for its end. One observable is computed beside those that are there; then all are.
        fs::write(long.bench.path("golden/capture.jsonl"), &whole[..cut]).unwrap();
        long.bench.suite = all.clone();
        long.run();
        assert_eq!(long.run().states_computed, 0);
        // What was stored of the short one is not taken for the long one.
        long.write(&lines);
        long.run();
    }
}

/// Whatever is done to lines, whatever the segments are, in a suite of observables of every kind.
#[test]
fn segments_of_any_length_change_nothing() {
    let mut seed = 7_u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    for (segment_bytes, messages) in [(1 << 10, 300), (1 << 13, 1_200), (1 << 17, 2_500)] {
        let long = Long::new("tapes", segment_bytes, messages);
        let at_first = long.lines.len() / 4 * 3;
        let mut lines = long.lines[..at_first].to_vec();
        for round in 0..6 {
            let at = below(lines.len());
            match round {
                0 => {}
                1 => lines.extend_from_slice(&long.lines[at_first..]),
                2 => drop(lines.remove(at)),
                3 => lines.insert(at, "{ \n\n   \n".to_owned()),
                4 => lines.swap(at, below(at_first)),
                _ => lines[at] = format!("{}\n", "x".repeat(3 << 10)),
            }
            long.write(&lines);
            let cache = long.run();
            assert_eq!(long.run().states_computed, 0, "{segment_bytes} {round}: {cache:?}");
        }
        // The last line is half there.
        let half = lines.last().unwrap().len() / 2;
        lines.last_mut().unwrap().truncate(half);
        long.write(&lines);
        long.run();
    }
}

/// What a run that is ended leaves of a long file is not computed again.
#[test]
fn a_run_that_is_ended_inside_a_long_file_goes_on_there() {
    let long = Long::new("market", 1 << 14, 12_000);
    long.write(&long.lines);
    let request = ValidateRequest { threads: 1, ..long.request() };
    let meter = Meter::default();
    let ended = std::thread::scope(|scope| {
        let run = scope.spawn(|| validate(&request, &meter));
        // Bounded by the run.
        while meter.messages() < 6_000 && !run.is_finished() {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        meter.cancel();
        run.join().unwrap()
    });
    let next = long.run();
    assert!(next.states_reused > 0, "{next:?}");
    if ended.is_err() {
        assert!(next.states_computed > 0, "{next:?}");
    }
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
        changed.misses.iter().filter(|miss| miss.why == "what goes on from what was read before it changed").count();
    assert!(behind >= 2, "the level is never taken away: {:?}", changed.misses);
}

#[test]
fn what_one_observable_remembers_costs_it_alone() {
    for suite in ["market", "tapes"] {
        let bench = Bench::new(suite);
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
        let [first, behind] = observables[..] else { panic!("{suite}: {:?}", changed.misses) };
        assert_eq!(first, &[] as &[String], "{suite}: all of the file that changed");
        let one = "aggressor_sign_acf".to_owned();
        match suite {
            "market" => assert_eq!(behind, [one]),
            // Some of them read the tape, others do not.
            _ => assert!(behind.contains(&one) && behind.len() > 1, "{behind:?}"),
        }
    }
}

/// Observables that read the tape are there, and one that does not is not: what goes on holds a tape that it has no use for.
#[test]
fn an_observable_without_a_tape_is_computed_beside_those_with_one() {
    let mut bench = Bench::new("tapes");
    let all = bench.suite.clone();
    bench.suite.observables.retain(|rule| rule.id != "spread");
    bench.run();
    let before: BTreeSet<PathBuf> = bench.objects().into_iter().collect();
    bench.suite = all;
    let added = bench.run();
    assert_eq!(added.states_computed, added.pieces);
    let own: Vec<PathBuf> = bench.objects().into_iter().filter(|path| !before.contains(path)).collect();
    let lost = own.iter().filter(|path| path.extension().is_some_and(|e| e == "parts")).step_by(3);
    let lost: Vec<_> = lost.map(|path| fs::remove_file(path).unwrap()).collect();
    assert_eq!(bench.run().states_computed, lost.len() as u64);
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
