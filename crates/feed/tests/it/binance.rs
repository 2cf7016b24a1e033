//! Real captures: every line reads, and the counts are those of the data's own description.

use std::collections::BTreeMap;

use verismo_market::event::{EventBatch, Kind, NO_TIME, Side, flags};

use crate::common::{read, real_data, starts};

/// File, lines, depth updates, quotes, trades, snapshots, symbol.
type Row = (&'static str, u64, usize, usize, usize, usize, &'static str);

const FILES: [Row; 5] = [
    ("spot_btcusdt_20240808.gz", 41_249, 3_451, 28_040, 9_757, 1, "BTCUSDT"),
    ("spot_btcusdt_20240809.gz", 58_325, 3_044, 45_134, 10_147, 0, "BTCUSDT"),
    ("usdm_btcusdt_20240808.gz", 93_954, 6_551, 66_089, 21_313, 1, "BTCUSDT"),
    ("cm_btcusd_perp_20240808.gz", 48_270, 26_847, 19_136, 2_286, 1, "BTCUSD_PERP"),
    ("cm_btcusd_perp_20240809.gz", 50_116, 17_948, 29_219, 2_949, 0, "BTCUSD_PERP"),
];

#[test]
fn every_line_reads_and_the_counts_are_known() {
    let Some(root) = real_data("binance") else { return };
    for (name, lines, depth, quotes, trades, snapshots, symbol) in FILES {
        let read = read(&[&root.join(name)]);
        assert_eq!(read.messages, lines, "{name}");
        assert_eq!(read.block_messages, lines, "{name}: every line gives events");
        for (check, counter) in read.counters.iter() {
            assert_eq!(counter.count, 0, "{name}: {check}: {:?}", counter.examples);
        }
        assert_eq!(read.inventory.clock_ns(), 1_000_000);
        let batch = &read.events[symbol];
        assert_eq!(starts(batch, Kind::Trade), trades, "{name}");
        assert_eq!(starts(batch, Kind::SnapshotStart), snapshots, "{name}");
        assert_eq!(starts(batch, Kind::LevelSet), depth, "{name}");
        assert_eq!(starts(batch, Kind::Quote), quotes, "{name}");
    }
}

/// What is not packed is read in segments, too: the harness holds what comes of them against the whole.
#[test]
fn captures_that_are_not_packed_are_the_same() {
    let Some(root) = real_data("binance") else { return };
    let unpacked = tempfile::tempdir().unwrap();
    let mut rows = 0;
    for (name, ..) in &FILES[..2] {
        let mut text = Vec::new();
        let packed = std::fs::File::open(root.join(name)).unwrap();
        std::io::copy(&mut flate2::read::MultiGzDecoder::new(packed), &mut text).unwrap();
        std::fs::write(unpacked.path().join(name.replace("gz", "jsonl")), text).unwrap();
        rows += read(&[&root.join(name)]).only().len();
    }
    let read = read(&[unpacked.path()]);
    assert_eq!(read.only().len(), rows);
    assert!(read.rests_inside > 1_000, "{}", read.rests_inside);
}

#[test]
fn two_days_of_one_recorder_are_one_session() {
    let Some(root) = real_data("binance") else { return };
    for (first, second) in [(0, 1), (3, 4)] {
        // Given in the wrong order: contents decide.
        let read = read(&[&root.join(FILES[second].0), &root.join(FILES[first].0)]);
        let batch = read.only();
        assert_eq!(starts(batch, Kind::Trade), FILES[first].4 + FILES[second].4);
        assert!(batch.flags.iter().all(|f| f & flags::NEW_SESSION == 0));
        assert!(times(batch, Kind::LevelSet).is_sorted());
        assert!(times(batch, Kind::Trade).is_sorted());
    }
}

fn times(batch: &EventBatch, kind: Kind) -> Vec<i64> {
    (0..batch.len()).filter(|&i| batch.kind[i] == kind).map(|i| batch.t_exchange_ns[i]).collect()
}

/// Replays the snapshot and the changes in the order given and compares the best levels with the quotes: a snapshot put after changes
/// that are newer than it would leave a crossed book.
#[test]
fn the_book_is_never_crossed_and_agrees_with_the_quotes() {
    let Some(root) = real_data("binance") else { return };
    for (name, symbol) in [(FILES[0].0, "BTCUSDT"), (FILES[2].0, "BTCUSDT"), (FILES[3].0, "BTCUSD_PERP")] {
        let read = read(&[&root.join(name)]);
        let batch = &read.events[symbol];
        let mut book: [BTreeMap<i64, i64>; 2] = Default::default();
        let (mut anchored, mut compared, mut agreed) = (false, 0u64, 0u64);
        // Best levels by update id, for quotes that name the very update.
        let mut at_update: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        for i in 0..batch.len() {
            match batch.kind[i] {
                Kind::SnapshotStart => {
                    book = Default::default();
                    anchored = true;
                }
                Kind::LevelSet => {
                    let side = &mut book[usize::from(batch.side[i] == Side::Ask)];
                    if batch.qty[i] == 0 {
                        side.remove(&batch.price[i]);
                    } else {
                        side.insert(batch.price[i], batch.qty[i]);
                    }
                    if anchored && batch.flags[i] & flags::LAST_OF_UPDATE != 0 {
                        let bid = *book[0].keys().next_back().unwrap();
                        let ask = *book[1].keys().next().unwrap();
                        assert!(bid < ask, "{name}: crossed at line {}", batch.position[i]);
                        at_update.insert(batch.id[i], (bid, ask));
                    }
                }
                _ => {}
            }
        }
        for i in (0..batch.len()).filter(|&i| batch.kind[i] == Kind::Quote && batch.side[i] == Side::Bid) {
            if let Some(&(bid, ask)) = at_update.get(&batch.id[i]) {
                compared += 1;
                agreed += u64::from(bid == batch.price[i] && ask == batch.price[i + 1]);
            }
        }
        assert!(anchored && compared > 20, "{name}: {compared} quotes with a matching update");
        assert!(agreed * 1000 >= compared * 999, "{name}: {agreed} of {compared} quotes agree with the book");
    }
}

#[test]
fn spot_quotes_have_no_time_and_everything_else_has() {
    let Some(root) = real_data("binance") else { return };
    let read = read(&[&root.join(FILES[0].0)]);
    let batch = read.only();
    for i in 0..batch.len() {
        assert_eq!(batch.t_exchange_ns[i] == NO_TIME, batch.kind[i] == Kind::Quote, "row {i}");
        assert_ne!(batch.t_receive_ns[i], NO_TIME);
    }
}
