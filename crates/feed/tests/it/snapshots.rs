//! REST snapshots inside raw-frame captures, and partial books.

use std::path::Path;

use verismo_market::event::{EventBatch, Kind, NO_TIME, flags};

use crate::common::read;

fn depth(receive: u64, first: u64, last: u64) -> String {
    let at = receive / 1_000_000 + 1_000;
    format!(
        "{receive} {{\"stream\":\"btcusdt@depth@100ms\",\"data\":{{\"e\":\"depthUpdate\",\"E\":{at},\"s\":\"BTCUSDT\",\"U\":{first},\"u\":{last},\"b\":[[\"{last}\",\"1\"]],\"a\":[]}}}}\n"
    )
}

fn snapshot(receive: u64, id: u64) -> String {
    format!("{receive} {{\"lastUpdateId\":{id},\"bids\":[[\"5\",\"1\"],[\"4\",\"1\"]],\"asks\":[[\"6\",\"2\"]]}}\n")
}

const T: u64 = 1_723_161_254_000_000_000;

fn order(batch: &EventBatch) -> Vec<(Kind, i64)> {
    let starts = (0..batch.len()).filter(|&i| batch.flags[i] & flags::FIRST_OF_MESSAGE != 0);
    starts.map(|i| (batch.kind[i], batch.id[i])).collect()
}

fn write(directory: &Path, name: &str, lines: &[String]) {
    std::fs::write(directory.join(name), lines.concat()).unwrap();
}

#[test]
fn a_snapshot_goes_before_the_changes_that_are_newer() {
    let lines = [
        depth(T, 1, 5),
        depth(T + 1_000_000, 6, 9),
        depth(T + 2_000_000, 10, 12),
        snapshot(T + 3_000_000, 9),
        depth(T + 4_000_000, 13, 14),
    ];
    let want = [
        (Kind::LevelSet, 5),
        (Kind::LevelSet, 9),
        (Kind::SnapshotStart, 9),
        (Kind::LevelSet, 12),
        (Kind::LevelSet, 14),
    ];
    // Whole, and cut everywhere: files named against their order.
    for cut in 0..=lines.len() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "b.txt", &lines[..cut]);
        write(directory.path(), "a.txt", &lines[cut..]);
        let read = read(&[directory.path()]);
        let batch = read.only();
        assert_eq!(order(batch), want, "cut {cut}");
        assert!(batch.t_exchange_ns.is_sorted() && batch.t_receive_ns.is_sorted(), "cut {cut}");
        assert!(!batch.t_exchange_ns.contains(&NO_TIME), "the snapshot takes its neighbours' time");
        assert_eq!(read.block_messages, 5);
    }
}

#[test]
fn a_snapshot_before_everything_waits_for_its_stream() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a", &[snapshot(T, 9), depth(T + 1_000_000, 10, 12)]);
    let read = read(&[directory.path()]);
    let batch = read.only();
    assert_eq!(order(batch), [(Kind::SnapshotStart, 9), (Kind::LevelSet, 12)]);
    assert_eq!(batch.t_exchange_ns[0], batch.t_exchange_ns[4]);
}

#[test]
fn a_late_snapshot_that_is_older_than_the_book_is_counted_and_left_out() {
    let mut lines: Vec<String> = (0..3000).map(|i| depth(T + i * 1_000_000, i + 1, i + 1)).collect();
    lines.push(snapshot(T + 3_000_000_000, 2_990));
    lines.push(snapshot(T + 3_001_000_000, 3_000));
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a", &lines);
    let read = read(&[directory.path()]);
    assert_eq!(read.count("unknown_stream"), 1, "{:?}", read.counters);
    let order = order(read.only());
    assert_eq!((order.len(), order[3000]), (3001, (Kind::SnapshotStart, 3000)));
}

#[test]
fn the_end_of_a_short_capture_lets_go_of_everything() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a", &[depth(T, 1, 5)]);
    assert_eq!(order(read(&[directory.path()]).only()), [(Kind::LevelSet, 5)]);
}

#[test]
fn snapshots_without_a_symbol_go_to_the_book_with_the_nearest_ids() {
    let directory = tempfile::tempdir().unwrap();
    let lines =
        [depth(T, 1, 5), other(&depth(T + 1, 901, 905)), snapshot(T + 2_000_000, 906), snapshot(T + 3_000_000, 4)];
    write(directory.path(), "a", &lines);
    let read = read(&[directory.path()]);
    assert_eq!(order(&read.events["ETHUSDT"]), [(Kind::LevelSet, 905), (Kind::SnapshotStart, 906)]);
    assert_eq!(order(&read.events["BTCUSDT"]), [(Kind::SnapshotStart, 4), (Kind::LevelSet, 5)]);
}

fn other(line: &str) -> String {
    line.replace("btcusdt", "ethusdt").replace("BTCUSDT", "ETHUSDT")
}

fn named(receive: u64, id: u64) -> String {
    let line = snapshot(receive, id);
    let (stamp, body) = line.trim_end().split_once(' ').unwrap();
    format!("{stamp} {{\"stream\":\"btcusdt@snapshot\",\"data\":{body}}}\n")
}

#[test]
fn every_stream_has_a_snapshot_that_waits_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let lines =
        [named(T, 9), other(&named(T + 1, 909)), depth(T + 1_000_000, 10, 12), other(&depth(T + 1_000_001, 910, 912))];
    write(directory.path(), "a", &lines);
    let found = read(&[directory.path()]);
    assert_eq!(order(&found.events["BTCUSDT"]), [(Kind::SnapshotStart, 9), (Kind::LevelSet, 12)]);
    assert_eq!(order(&found.events["ETHUSDT"]), [(Kind::SnapshotStart, 909), (Kind::LevelSet, 912)]);
    assert_eq!((found.count("unknown_stream"), found.block_messages), (0, 4));
    // One of two that nothing is between is left out, and counted.
    write(directory.path(), "a", &[named(T, 8), named(T + 1, 9), depth(T + 1_000_000, 10, 12)]);
    let found = read(&[directory.path()]);
    assert_eq!(order(found.only()), [(Kind::SnapshotStart, 9), (Kind::LevelSet, 12)]);
    assert_eq!(found.count("unknown_stream"), 1);
}

#[test]
fn a_snapshot_without_a_symbol_waits_for_the_ids_that_fit() {
    let directory = tempfile::tempdir().unwrap();
    let eth = |first| other(&depth(T + 2_000_000, first, 955));
    // The other symbol speaks first; the ids meet, or have a gap between them.
    for (first, and_btc) in [(907, false), (950, false), (907, true), (950, true)] {
        let mut lines = vec![snapshot(T, 906), depth(T + 1_000_000, 1, 5), eth(first)];
        if and_btc {
            lines.insert(1, snapshot(T + 1, 4));
        }
        write(directory.path(), "a", &lines);
        let found = read(&[directory.path()]);
        let btc = &order(&found.events["BTCUSDT"])[..];
        assert_eq!(btc, &[(Kind::SnapshotStart, 4), (Kind::LevelSet, 5)][usize::from(!and_btc)..], "{first}");
        assert_eq!(order(&found.events["ETHUSDT"]), [(Kind::SnapshotStart, 906), (Kind::LevelSet, 955)], "{first}");
        assert!(found.events.values().all(|batch| !batch.t_exchange_ns.contains(&NO_TIME)));
        assert_eq!(found.count("unknown_stream"), 0);
    }
    // The update of one symbol comes before the snapshot of another.
    write(directory.path(), "a", &[depth(T, 1, 5), snapshot(T + 1_000_000, 906), eth(907)]);
    assert_eq!(order(&read(&[directory.path()]).events["ETHUSDT"])[0], (Kind::SnapshotStart, 906));
}

#[test]
fn the_start_of_a_stream_is_not_held_back_for_ever_for_its_snapshot() {
    let mut lines = vec![snapshot(T, 9)];
    lines.extend((0..3000).map(|i| depth(T + i * 1_000_000, 100 + i, 100 + i)));
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a", &lines);
    let found = read(&[directory.path()]);
    assert_eq!(order(found.only())[..2], [(Kind::SnapshotStart, 9), (Kind::LevelSet, 100)]);
    assert_eq!(found.count("unknown_stream"), 0);
}

#[test]
fn snapshots_of_nobody_are_counted() {
    let lines: Vec<String> = (0..300).map(|i| snapshot(T + i, 9 + i)).collect();
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a", &lines);
    let found = read(&[directory.path()]);
    assert_eq!((found.events.len(), found.count("unknown_stream")), (0, 300));
}

#[test]
fn partial_books_are_the_book_until_there_are_changes() {
    let partial = |receive: u64, id: u64| {
        format!(
            "{{\"capture_ns\":{receive},\"stream\":\"btcusdt@depth20@100ms\",\"data\":{{\"lastUpdateId\":{id},\"bids\":[[\"5\",\"1\"]],\"asks\":[[\"6\",\"2\"]]}}}}\n"
        )
    };
    let change = depth(T, 8, 9).replace(&format!("{T} {{"), "{\"capture_ns\":20,");
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a", &[partial(10, 7), change, partial(30, 10)]);
    let read = read(&[directory.path()]);
    assert_eq!(order(read.only()), [(Kind::SnapshotStart, 7), (Kind::LevelSet, 9), (Kind::Quote, 10)]);
}
