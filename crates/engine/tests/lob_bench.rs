//! The scores of LOB-Bench: on real data those that LOB-Bench gives, on any data what must hold.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use common::real_data;
use verismo_engine::{EngineError, LobBenchRequest, Meter, lob_bench};
use verismo_suite::lob_bench::{LobBench, SCORES};
use verismo_suite::suite::Scope;

fn request(real: &Path, generated: &Path) -> LobBenchRequest {
    LobBenchRequest {
        real: real.to_owned(),
        generated: generated.to_owned(),
        levels: None,
        scope: Scope::TheseStretches,
        limits: Default::default(),
        threads: 2,
    }
}

fn run(real: &Path, generated: &Path) -> LobBench {
    lob_bench(&request(real, generated), &Meter::default()).unwrap()
}

/// Measured by running LOB-Bench (commit 276baf3, pandas 2.2.3, SciPy 1.15.2, no bootstrap) on GOOG, 2012-06-21, 10 levels: thirty
/// sequences of 500 messages each from 36000 s on against thirty from 50400 s on. Four digits.
const REFERENCE: [(&str, [f64; 2]); 21] = [
    ("spread", [0.4205, 0.9099]),
    ("orderbook_imbalance", [0.1651, 0.1627]),
    ("log_inter_arrival_time", [0.1707, 0.1811]),
    ("log_time_to_cancel", [0.2399, 0.2598]),
    ("ask_volume_touch", [0.2754, 0.2412]),
    ("bid_volume_touch", [0.2426, 0.23]),
    ("ask_volume", [0.3457, 0.6587]),
    ("bid_volume", [0.1991, 0.1265]),
    ("limit_ask_order_depth", [0.3214, 0.6904]),
    ("limit_bid_order_depth", [0.3595, 0.7977]),
    ("ask_cancellation_depth", [0.303, 0.6033]),
    ("bid_cancellation_depth", [0.3495, 0.7867]),
    ("limit_ask_order_levels", [0.07218, 0.09913]),
    ("limit_bid_order_levels", [0.1069, 0.0648]),
    ("ask_cancellation_levels", [0.09615, 0.1892]),
    ("bid_cancellation_levels", [0.06405, 0.0471]),
    ("vol_per_min", [0.1744, 0.2122]),
    ("ofi", [0.2547, 0.2701]),
    ("ofi_up", [0.3326, 0.3621]),
    ("ofi_stay", [0.2404, 0.2702]),
    ("ofi_down", [0.2805, 0.2673]),
];

/// Of the same sequences by `benches/lob_bench.py` (NumPy 2.4.6, SciPy 1.17.1), which shares no code with verismo.
const GIVEN: [(&str, [f64; 2]); 2] = [
    ("ask_volume | spread", [0.4916014210742083, 0.4963367377046538]),
    ("spread | volatility", [0.7087566666666668, 0.7083954448536336]),
];
const IMPACT: [(&str, f64); 4] = [
    ("MO_1", 190.95793122437988),
    ("LO_0", 47.466034228469184),
    ("LO_1", 25.031726391344),
    ("CA_0", 52.52185439924317),
];

fn unzstd(path: &Path) -> String {
    let output = std::process::Command::new("zstd").arg("-dcq").arg(path).output().unwrap();
    assert!(output.status.success(), "zstd -dc {}", path.display());
    String::from_utf8(output.stdout).unwrap()
}

/// The messages and the order book of a day, line by line.
fn day(folder: &Path) -> [Vec<String>; 2] {
    let of = |kind: &str| unzstd(&folder.join(format!("GOOG_2012-06-21_34200000_57600000_{kind}_10.csv.zst")));
    ["message", "orderbook"].map(|kind| of(kind).lines().map(str::to_owned).collect())
}

/// Writes sequences of 500 messages, numbered, those that are `wanted`.
fn write(day: &[Vec<String>; 2], first: usize, wanted: impl Fn(usize) -> bool, folder: &Path, suffix: &str) {
    fs::create_dir_all(folder).unwrap();
    for (kind, lines) in ["message", "orderbook"].into_iter().zip(day) {
        for (n, sequence) in lines[first..].chunks_exact(500).enumerate().filter(|(n, _)| wanted(*n)) {
            let name = format!("GOOG_2012-06-21_{kind}_real_id_{n}{suffix}.csv");
            fs::write(folder.join(name), sequence.join("\n") + "\n").unwrap();
        }
    }
}

/// The first message at or after a second of the day.
fn at_second(day: &[Vec<String>; 2], second: f64) -> usize {
    let seconds = |line: &str| line.split_once(',').unwrap().0.parse::<f64>().unwrap();
    day[0].iter().position(|line| seconds(line) >= second).unwrap()
}

#[test]
fn every_digit_of_lob_bench_is_reproduced() {
    let Some(folder) = real_data("lobster") else { return };
    let (day, dir) = (day(&folder), tempfile::tempdir().unwrap());
    let [real, generated] = ["data_real", "data_gen"].map(|name| dir.path().join(name));
    write(&day, at_second(&day, 36_000.0), |n| n < 30, &real, "");
    write(&day, at_second(&day, 50_400.0), |n| n < 30, &generated, "_gen_id_0");
    let bench = run(&real, &generated);
    assert_eq!((bench.real.sequences, bench.generated.messages, bench.levels), (30, 15_000, 10));
    assert_eq!(bench.scores.len(), REFERENCE.len());
    for (score, want) in REFERENCE {
        let found = bench.scores[score].map(|x| format!("{:.3e}", x.unwrap()).parse::<f64>().unwrap());
        assert!(found.iter().zip(want).all(|(a, b)| a.to_bits() == b.to_bits()), "{score}: {found:?}, want {want:?}");
        // Both ends hold the estimate between them, and every one of thirty windows counts.
        let ends = bench.intervals[score];
        for (ends, value) in [ends.l1, ends.wasserstein].iter().zip(bench.scores[score]) {
            let ([low, high], value) = (ends.unwrap(), value.unwrap());
            assert!(low <= value && value <= high && low < high, "{score}: {low} {value} {high}");
        }
    }
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b;
    for (score, want) in GIVEN {
        let found = bench.conditional[score].map(Option::unwrap);
        assert!(found.iter().zip(want).all(|(a, b)| near(*a, b)), "{score}: {found:?}");
    }
    for (event, want) in IMPACT {
        let found = bench.impact.scores[event].unwrap();
        assert!(near(found, want), "{event}: {found}");
    }
    // The hours of both sides have nothing in common, and no sequence has some events twice so far apart.
    assert_eq!(bench.conditional["spread | time"], [Some(1.0), None]);
    assert_eq!((bench.impact.scores["MO_0"], bench.impact.mean), (None, None));
    assert!(bench.undefined["impact.scores.MO_0"].contains("events at the touch later"));
    // A claim about other sequences of this kind is wider.
    let population = LobBenchRequest { scope: Scope::Population, ..request(&real, &generated) };
    let population = lob_bench(&population, &Meter::default()).unwrap();
    let width = |bench: &LobBench| bench.intervals.values().map(|i| i.l1.map_or(1.0, |[a, b]| b - a)).sum::<f64>();
    assert!(width(&population) > 1.3 * width(&bench));
    assert_eq!(population.scores, bench.scores);
}

/// Lower ends above 0.
fn ends_above_zero(bench: &LobBench) -> usize {
    let ends = bench.intervals.values().flat_map(|i| [i.l1, i.wasserstein]);
    ends.filter(|ends| ends.is_some_and(|[low, _]| low > 0.0)).count()
}

#[test]
fn the_odd_sequences_of_a_day_are_as_the_even_ones_and_its_afternoon_is_not_as_its_morning() {
    let Some(folder) = real_data("lobster") else { return };
    let (day, dir) = (day(&folder), tempfile::tempdir().unwrap());
    let [odd, even, morning, afternoon] = ["odd", "even", "am", "pm"].map(|name| dir.path().join(name));
    let half = day[0].len() / 1_000;
    write(&day, 0, |n| n % 2 == 1, &odd, "");
    write(&day, 0, |n| n % 2 == 0, &even, "");
    write(&day, 0, |n| n < half, &morning, "");
    write(&day, 0, |n| n >= half, &afternoon, "");
    let same = run(&odd, &even);
    assert!(same.scores.values().flatten().all(|x| x.unwrap() > 0.0));
    assert_eq!(ends_above_zero(&same), 0, "{:?}", same.intervals);
    let other = ends_above_zero(&run(&morning, &afternoon));
    assert!(other >= 15, "{other}");
}

/// A small market without files of any exchange: prices walk, orders come and go.
fn write_sequence(folder: &Path, name: &str, rows: usize, seed: u64, levels: usize) -> [PathBuf; 2] {
    let mut state = seed;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let (mut messages, mut book) = (String::new(), String::new());
    let (mut t_ns, mut mid) = (36_000_000_000_000_u64, 1_000_000_i64);
    for row in 0..rows {
        t_ns += below(200_000_000);
        mid += 100 * (below(3) as i64 - 1);
        let (kind, side) = ([1, 1, 2, 3, 3, 4, 5][below(7) as usize], if below(2) == 0 { 1 } else { -1 });
        let spread = 100 * (1 + below(4) as i64);
        let price = mid - side * (spread + 100 * below(levels as u64) as i64);
        let order = row as u64 / 2 + 1;
        let (seconds, nanos) = (t_ns / 1_000_000_000, t_ns % 1_000_000_000);
        writeln!(messages, "{seconds}.{nanos:09},{kind},{order},{},{price},{side}", 1 + below(300)).unwrap();
        let level = |i: usize, size: u64| {
            let away = spread + 100 * i as i64;
            format!("{},{size},{},{}", mid + away, mid - away, size + 7)
        };
        let all: Vec<String> = (0..levels).map(|i| level(i, 1 + below(500))).collect();
        writeln!(book, "{}", all.join(",")).unwrap();
    }
    let paths = ["message", "orderbook"].map(|kind| folder.join(name.replace('*', kind)));
    fs::write(&paths[0], messages).unwrap();
    fs::write(&paths[1], book).unwrap();
    paths
}

/// Two folders of sequences, and one of a whole day.
fn folders(dir: &Path) -> [PathBuf; 3] {
    let folders = ["real", "gen", "day"].map(|name| dir.join(name));
    for folder in &folders {
        fs::create_dir_all(folder).unwrap();
    }
    for i in 0..14 {
        write_sequence(&folders[0], &format!("X_2024-01-02_*_real_id_{i}.csv"), 300, 2 * i + 1, 10);
        write_sequence(&folders[1], &format!("X_2024-01-02_*_real_id_{i}_gen_id_0.csv"), 250, 1000 + i, 10);
    }
    write_sequence(&folders[2], "X_2024-01-02_0_86400000_*_10.csv", 9_000, 5, 10);
    folders
}

#[test]
fn swapped_sides_have_the_same_scores_and_threads_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let [real, generated, _] = folders(dir.path());
    let (there, back) = (run(&real, &generated), run(&generated, &real));
    assert_eq!(there.scores, back.scores);
    assert_eq!(there.summary, back.summary);
    assert_eq!(there.impact.scores, back.impact.scores);
    for (score, pair) in &there.conditional {
        let close = pair.iter().zip(back.conditional[score]).all(|(a, b)| (a.unwrap() - b.unwrap()).abs() < 1e-12);
        assert!(close, "{score}");
    }
    for score in SCORES {
        let [real, generated] = there.counts[score.id];
        assert_eq!(back.counts[score.id], [generated, real], "{}", score.id);
    }
    let single = LobBenchRequest { threads: 1, ..request(&real, &generated) };
    assert_eq!(lob_bench(&single, &Meter::default()).unwrap(), there);
    let same = run(&real, &real);
    assert!(same.scores.values().flatten().all(|x| x.is_some_and(|x| x < 1e-300)), "{:?}", same.scores);
}

#[test]
fn a_day_is_cut_into_stretches_and_few_short_sequences_have_no_interval() {
    let dir = tempfile::tempdir().unwrap();
    let [real, generated, day] = folders(dir.path());
    let bench = run(&day, &generated);
    assert_eq!((bench.real.sequences, bench.real.windows, bench.generated.windows), (1, 18, 14));
    assert!(bench.intervals["spread"].l1.is_some());
    assert!(bench.notes[0].contains("the real side has 1 sequence, fewer than 12"), "{:?}", bench.notes);
    // The day alone, by its message file.
    let file = day.join("X_2024-01-02_0_86400000_message_10.csv");
    assert_eq!(run(&file, &generated).scores, bench.scores);
    for i in 3..14 {
        for kind in ["message", "orderbook"] {
            fs::remove_file(real.join(format!("X_2024-01-02_{kind}_real_id_{i}.csv"))).unwrap();
        }
    }
    let few = run(&real, &generated);
    assert!(few.intervals.values().all(|i| i.l1.is_none() && i.wasserstein.is_none()));
    let reason = &few.undefined["intervals.spread.l1"];
    assert!(reason.contains("3 real and 14 generated: 12 a side are needed"), "{reason}");
    assert!(few.notes.iter().any(|note| note.contains("11 generated sequences have a real_id")), "{:?}", few.notes);
}

#[test]
fn one_row_has_the_scores_that_one_row_can_have() {
    let dir = tempfile::tempdir().unwrap();
    let [real, generated] = ["a", "b"].map(|name| dir.path().join(name));
    for (folder, seed) in [(&real, 1), (&generated, 2)] {
        fs::create_dir_all(folder).unwrap();
        write_sequence(folder, "X_*_1.csv", 1, seed, 1);
    }
    let bench = run(&real, &generated);
    assert_eq!(bench.levels, 1);
    assert!(bench.scores["spread"][0].is_some());
    assert_eq!(bench.scores["ofi"], [None, None]);
    assert_eq!(bench.undefined["scores.ofi.l1"], "the real side has no value of this score");
    // The same row on both sides: nothing to standardise by.
    let same = run(&real, &real);
    assert_eq!(same.scores["spread"], [Some(0.0), None]);
    assert!(same.undefined["scores.spread.wasserstein"].contains("nothing to standardise by"));
}

#[test]
fn what_cannot_be_scored_is_said_with_file_line_and_value() {
    let dir = tempfile::tempdir().unwrap();
    let [real, generated, day] = folders(dir.path());
    let fails = |real: &Path, code: &str, words: &[&str]| {
        let error = lob_bench(&request(real, &generated), &Meter::default()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)) && text.starts_with("real: "), "{text}");
    };
    let [messages, book] = ["message", "orderbook"].map(|kind| real.join(format!("X_2024-01-02_{kind}_real_id_3.csv")));
    let [good_messages, good_book] = [&messages, &book].map(|path| fs::read_to_string(path).unwrap());
    let with = |path: &Path, text: &[u8], code: &str, words: &[&str]| {
        fs::write(path, text).unwrap();
        fails(&real, code, words);
        fs::write(&messages, &good_messages).unwrap();
        fs::write(&book, &good_book).unwrap();
    };
    let line = |text: &str, n: usize, new: &str| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines[n] = new;
        lines.join("\n").into_bytes()
    };
    with(
        &messages,
        &line(&good_messages, 6, "36000.1,1,x7,5,100,1"),
        "bad-value",
        &["message_real_id_3.csv: line 7: column `order id`: \"x7\""],
    );
    with(&book, &line(&good_book, 0, "1,2,3"), "corrupt-file", &["line 1: 3 fields"]);
    let cells = good_book.lines().nth(4).unwrap().replacen(',', ",z", 1);
    with(&book, &line(&good_book, 4, &cells), "bad-value", &["line 5: column `ask size 1`"]);
    with(&messages, &good_messages.as_bytes()[..5_000], "corrupt-file", &["message_real_id_3", "line "]);
    let shorter: String = good_book.split_inclusive('\n').take(299).collect();
    with(&book, shorter.as_bytes(), "row-counts", &["300 messages", "299 rows", "copy both files again"]);
    let longer = good_book.clone() + good_book.lines().next().unwrap();
    with(&book, longer.as_bytes(), "row-counts", &["300 messages", "301 rows"]);
    with(&messages, b"\x00\xff\xfe\x01junk\n\x00", "corrupt-file", &["line 1: 1 fields"]);
    with(&messages, b"", "row-counts", &["0 messages"]);
    fs::write(&book, b"").unwrap();
    with(&messages, b"\n\n", "wrong-format", &["it is empty"]);
    fs::remove_file(&book).unwrap();
    fails(&real, "no-partner", &["message_real_id_3.csv: no orderbook file of the same name"]);
    fs::rename(&messages, real.join("kept.txt")).unwrap();
    fs::write(&book, &good_book).unwrap();
    fails(&real, "no-partner", &["orderbook_real_id_3.csv: no message file"]);
    fs::remove_file(&book).unwrap();
    run(&real, &generated);
    fs::write(real.join("X_2024-01-02_message_real_id_4.csv.gz"), b"").unwrap();
    fails(&real, "wrong-format", &["keep one of them"]);
    fs::write(dir.path().join("gen/readme.csv"), "not looked at").unwrap();
    let empty = dir.path().join("empty");
    fs::create_dir_all(&empty).unwrap();
    fails(&empty, "no-input", &["pairs of files"]);
    fails(&dir.path().join("none"), "path-not-found", &[]);
    let few = dir.path().join("few");
    fs::create_dir_all(&few).unwrap();
    write_sequence(&few, "X_*_5.csv", 20, 1, 5);
    let error = lob_bench(&request(&day, &few), &Meter::default()).unwrap_err();
    assert!(error.to_string().contains("ask for fewer with --levels 5"), "{error}");
    let five = LobBenchRequest { levels: Some(5), ..request(&day, &few) };
    assert_eq!(lob_bench(&five, &Meter::default()).unwrap().levels, 5);
    let stopped = Meter::default();
    stopped.cancel();
    assert!(matches!(lob_bench(&request(&day, &few), &stopped), Err(EngineError::Interrupted { .. })));
}
