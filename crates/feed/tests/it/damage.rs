//! Hostile and damaged inputs: counted or refused with a clear word, never a panic.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use verismo_feed::write::{EventsOptions, GoldenCompression};
use verismo_feed::{Format, Inventory, ReaderOptions};
use verismo_market::event::{Kind, NO_TIME};

use crate::common::{Read, files, market, read, rows, starts, try_read, try_read_with, write_events, write_golden};

fn capture(lines: &[&str]) -> Read {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("x.jsonl"), lines.join("\n") + "\n").unwrap();
    read(&[directory.path()])
}

const TRADE: &str = r#"{"capture_ns":7,"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"p":"1.5","q":"2","T":1723161255342}}"#;

#[test]
fn lines_that_are_no_frames_are_counted_with_their_place() {
    let read = capture(&[TRADE, "5", "\"text\"", "null", "{\"a\":", "garbage", "", TRADE, "[1,2]"]);
    assert_eq!(read.count("unreadable"), 6);
    assert_eq!(starts(read.only(), Kind::Trade), 2);
    let detail = read.detail("unreadable");
    assert!(detail.starts_with("2: byte 1: not a JSON object: 5\n"), "{detail}");
    assert!(detail.contains("5: byte 6: the line ends inside the JSON text: {\"a\":"), "{detail}");
    assert_eq!(read.counters.iter().find(|(c, _)| *c == "unreadable").unwrap().1.total, 8);
}

#[test]
fn values_without_an_exact_form_are_counted_and_kept_out() {
    let bad = |p: &str, q: &str| {
        format!("{{\"stream\":\"btcusdt@trade\",\"data\":{{\"e\":\"trade\",\"E\":1723161255343,\"p\":{p},\"q\":{q}}}}}")
    };
    let lines = [
        bad("\"NaN\"", "\"1\""),
        bad("\"1\"", "\"0.000000001\""),
        bad("\"99999999999999\"", "\"1\""),
        bad("null", "\"1\""),
        bad("\"1E-8\"", "1"),
        r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":"soon","p":"1","q":"1","t":1.5}}"#.to_owned(),
        r#"{"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1723161255343,"u":5,"b":[["1","x"],["2","1"]],"a":[["3"]]}}"#.to_owned(),
        r#"{"stream":"btcusdt@depth","data":{"e":"depthUpdate","E":1723161255343,"u":5}}"#.to_owned(),
        r#"{"stream":"@trade","data":{"e":"trade","E":1723161255343,"p":"1","q":"1"}}"#.to_owned(),
    ];
    let read = capture(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(read.count("unreadable"), 0);
    assert_eq!(read.count("invalid_value"), 4 + 2 + 2 + 1 + 1, "{}", read.detail("invalid_value"));
    let batch = read.only();
    assert_eq!((starts(batch, Kind::Trade), starts(batch, Kind::LevelSet)), (2, 1));
    assert_eq!(batch.price[0], 1);
    assert_eq!(batch.t_exchange_ns[1], NO_TIME);
}

#[test]
fn unknown_streams_are_counted_by_name() {
    let other = |s: &str| format!("{{\"capture_ns\":8,\"stream\":\"{s}\",\"data\":{{\"e\":\"x\"}}}}");
    let (kline, mark) = (other("btcusdt@kline_1m"), other("btcusdt@markPrice"));
    let read = capture(&[TRADE, &kline, &mark, &kline]);
    assert_eq!(read.count("unknown_stream"), 3);
    assert_eq!(read.counters.unknown_streams()["btcusdt@kline_1m"], 2);
}

#[test]
fn an_exchange_time_in_another_unit_is_read_and_counted() {
    let micro = TRADE.replace("1723161255342}", "1723161255342000}");
    let read = capture(&[TRADE, &micro, TRADE]);
    assert_eq!(read.count("time_unit"), 1);
    let batch = read.only();
    assert!(batch.t_exchange_ns.iter().all(|t| *t == 1_723_161_255_342_000_000));
}

#[test]
fn carriage_returns_byte_order_mark_and_a_missing_line_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.jsonl");
    std::fs::write(&path, format!("\u{feff}{TRADE}\r\n{TRADE}\r\n{TRADE}")).unwrap();
    let whole = read(&[&path]);
    assert_eq!((whole.count("unreadable"), starts(whole.only(), Kind::Trade)), (0, 3));
    std::fs::write(&path, format!("{TRADE}\n{}", &TRADE[..50])).unwrap();
    let half = read(&[&path]);
    assert_eq!(half.count("unreadable"), 1);
    assert!(half.detail("unreadable").contains("the file ends inside this line"));
}

#[test]
fn a_line_beyond_the_limit_is_one_unreadable_line() {
    let long = format!("{{\"stream\":\"{}\"}}", "x".repeat(verismo_feed::LINE_BYTES_MAX + 10));
    let read = capture(&[TRADE, &long, TRADE]);
    assert_eq!((read.count("unreadable"), starts(read.only(), Kind::Trade)), (1, 2));
    assert!(read.detail("unreadable").contains("the limit is"));
}

#[test]
fn deep_nesting_is_unreadable_where_it_is_not_needed_either() {
    let deep = TRADE.replace("\"T\":", &format!("\"deep\":{}{},\"T\":", "[".repeat(100_000), "]".repeat(100_000)));
    assert_eq!(capture(&[TRADE, &deep]).count("unreadable"), 1);
}

/// Truncations of a packed capture at several places: the whole lines before the break are read.
#[test]
fn truncated_archives_give_their_whole_lines() {
    let messages = market("BTCUSDT", 3000, 31);
    let directory = tempfile::tempdir().unwrap();
    write_golden(directory.path(), &messages, GoldenCompression::Plain);
    let text = std::fs::read(&files(directory.path())[0]).unwrap();
    let whole = rows(read(&[directory.path()]).only(), true);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    gzip.write_all(&text).unwrap();
    for (name, packed) in
        [("x.jsonl.gz", gzip.finish().unwrap()), ("x.jsonl.zst", zstd::encode_all(&text[..], 1).unwrap())]
    {
        for share in [95, 60] {
            let cut = tempfile::tempdir().unwrap();
            let path = cut.path().join(name);
            std::fs::write(&path, &packed[..packed.len() * share / 100]).unwrap();
            let read = read(&[&path]);
            assert_eq!(read.count("truncated_file"), 1, "{name}");
            assert_eq!(read.count("unreadable"), 0, "{name}: the broken line belongs to the truncation");
            let got = rows(read.only(), true);
            assert!(got.len() > whole.len() * (share - 30) / 100, "{name}: {} of {}", got.len(), whole.len());
            assert_eq!(got, whole[..got.len()], "{name}");
        }
    }
}

#[test]
fn unpacking_ahead_changes_nothing() {
    let text: String = (0..40_000u64)
        .map(|i| {
            // Digits that do not pack well, so that the file is worth a thread.
            let digits = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            format!("{{\"capture_ns\":{i},\"stream\":\"btcusdt@trade\",\"data\":{{\"e\":\"trade\",\"T\":1723161255343,\"t\":{i},\"p\":\"{}.{}\",\"q\":\"0.{}\"}}}}\n", digits % 99_991, digits >> 40, digits >> 44)
        })
        .collect();
    let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in [("whole", &packed[..]), ("cut", &packed[..packed.len() * 3 / 4])] {
        assert!(bytes.len() > 256 * 1024, "{} bytes", bytes.len());
        let path = directory.path().join(format!("{name}.jsonl.zst"));
        std::fs::write(&path, bytes).unwrap();
        let [plain, ahead] = [false, true].map(|ahead| {
            let options = ReaderOptions::default().with_unpacking_ahead(ahead);
            try_read_with(std::slice::from_ref(&path), &options).unwrap()
        });
        assert_eq!(plain.only(), ahead.only());
        assert_eq!(plain.counters, ahead.counters);
        assert_eq!((plain.messages, plain.count("truncated_file")), (ahead.messages, u64::from(name == "cut")));
    }
}

#[test]
fn one_broken_file_among_good_ones_is_counted_and_the_rest_is_read() {
    let directory = tempfile::tempdir().unwrap();
    write_golden(directory.path(), &market("BTCUSDT", 50, 32), GoldenCompression::Gzip(1));
    std::fs::write(directory.path().join("b.jsonl.gz"), [0x1f, 0x8b, 8, 0, 1, 2, 3]).unwrap();
    std::fs::write(directory.path().join("c.jsonl"), "\u{0}\u{1}\u{2}").unwrap();
    let golden = read(&[directory.path()]);
    assert_eq!((golden.count("truncated_file"), golden.messages), (2, 50));

    let tree = tempfile::tempdir().unwrap();
    write_events(tree.path(), &market("BTCUSDT", 50, 33), EventsOptions::default());
    let good = files(tree.path()).into_iter().find(|p| p.extension().unwrap() == "parquet").unwrap();
    let bytes = std::fs::read(&good).unwrap();
    std::fs::write(good.with_file_name("events_9.parquet"), &bytes[..bytes.len() / 2]).unwrap();
    let events = read(&[tree.path()]);
    assert_eq!(events.count("truncated_file"), 1, "{:?}", events.counters);
    assert_eq!(starts(events.only(), Kind::Trade) + starts(events.only(), Kind::LevelSet), 50);
}

#[test]
fn nothing_to_read_is_said_with_reasons() {
    let directory = tempfile::tempdir().unwrap();
    let scan = |p: &Path| Inventory::scan(&[p.to_path_buf()], None).unwrap_err();
    let missing = scan(&directory.path().join("nowhere"));
    assert_eq!((missing.code(), missing.is_usage()), ("path-not-found", true));
    assert_eq!(
        scan(directory.path()).to_string(),
        format!("no data found in {}; there are no files", directory.path().display())
    );
    for (name, content) in [
        ("empty.jsonl", ""),
        ("a.tmp", "x"),
        ("b.jsonl.gz.incomplete", "x"),
        ("run.log", "x"),
        ("checksums.txt", "x"),
        ("metadata.json", "{}"),
        ("notes", "hello there"),
    ] {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let error = scan(directory.path());
    assert_eq!(error.code(), "no-input");
    let text = error.to_string();
    assert!(text.contains("a.tmp: still being written") && text.contains("empty.jsonl: empty file"), "{text}");
    assert!(Inventory::scan(&[], None).unwrap_err().to_string().contains("no path"));
}

#[test]
fn ignored_files_are_listed_and_links_are_followed_once() {
    let directory = tempfile::tempdir().unwrap();
    write_golden(&directory.path().join("data"), &market("BTCUSDT", 20, 34), GoldenCompression::Plain);
    std::fs::write(directory.path().join("data/capture.log"), "x").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(directory.path(), directory.path().join("data/loop")).unwrap();
    let read = read(&[directory.path(), &directory.path().join("data")]);
    assert_eq!(read.messages, 20);
    assert_eq!(read.inventory.ignored.len(), 1);
    assert_eq!(read.inventory.ignored[0].reason, "log file");
}

#[test]
fn two_formats_at_once_are_refused_and_a_wish_decides() {
    let directory = tempfile::tempdir().unwrap();
    write_golden(directory.path(), &market("BTCUSDT", 20, 35), GoldenCompression::Plain);
    write_events(directory.path(), &market("BTCUSDT", 20, 35), EventsOptions::default());
    let paths = [directory.path().to_path_buf()];
    assert_eq!(Inventory::scan(&paths, None).unwrap_err().code(), "mixed-formats");
    for format in [Format::GoldenJsonl, Format::EventsParquet] {
        let inventory = Inventory::scan(&paths, Some(format)).unwrap();
        assert_eq!((inventory.sources.len(), inventory.format, inventory.ignored.len()), (1, format, 1));
    }
}

fn with_bytes(name: &str, bytes: &[u8]) {
    let directory = tempfile::tempdir().unwrap();
    let path: PathBuf = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    for format in [None, Some(Format::GoldenJsonl), Some(Format::EventsParquet), Some(Format::Table)] {
        let _ = Inventory::scan(std::slice::from_ref(&path), format);
    }
    let _ = try_read(&[path]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_under_any_name_are_an_answer(
        name in prop_oneof![Just("x.jsonl"), Just("x.parquet"), Just("x.csv"), Just("x.jsonl.gz"), Just("x")],
        magic in prop_oneof![Just(&b""[..]), Just(&b"PAR1"[..]), Just(&[0x1f, 0x8b, 8][..]), Just(&[0x28, 0xb5, 0x2f, 0xfd][..]), Just(&b"time,x\n"[..])],
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        with_bytes(name, &[magic, &bytes].concat());
    }

    #[test]
    fn damaged_captures_are_an_answer(at in proptest::collection::vec((0usize..4000, any::<u8>()), 1..20), cut in 0usize..4000) {
        let directory = tempfile::tempdir().unwrap();
        write_golden(directory.path(), &market("BTCUSDT", 12, 36), GoldenCompression::Plain);
        let mut bytes = std::fs::read(&files(directory.path())[0]).unwrap();
        for (i, b) in at {
            let n = bytes.len();
            bytes[i % n] = b;
        }
        bytes.truncate(cut.max(1));
        with_bytes("x.jsonl", &bytes);
    }

    #[test]
    fn damaged_trees_are_an_answer(at in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..6), cut in 0usize..40) {
        let directory = tempfile::tempdir().unwrap();
        write_events(directory.path(), &market("BTCUSDT", 40, 37), EventsOptions::default());
        let file = files(directory.path()).into_iter().find(|p| p.extension().unwrap() == "parquet").unwrap();
        let mut bytes = std::fs::read(file).unwrap();
        for (i, b) in at {
            let n = bytes.len();
            bytes[4 + i as usize % (n - 4)] = b;
        }
        // Mostly whole, sometimes shorter.
        let keep = if cut < 30 { bytes.len() } else { bytes.len() * cut / 40 };
        with_bytes("events_1.parquet", &bytes[..keep]);
    }
}
