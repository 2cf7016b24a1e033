//! The Coinbase full channel: a real recording to its real ending book, and hand-made lines.

use std::collections::BTreeMap;
use std::path::Path;

use verismo_feed::{Format, coinbase_order_id};
use verismo_market::event::{EventBatch, Kind, Side, flags};

use crate::common::{Read, read, real_data, rows, starts};

/// Orders by id: side, price, quantity.
type Orders = BTreeMap<i64, (Side, i64, i64)>;

/// Replays order rows from `range`; what names no known order is an error of the test.
fn replay(batch: &EventBatch, range: std::ops::Range<usize>, orders: &mut Orders) {
    for i in range {
        let e = batch.row(i);
        match e.kind {
            Kind::SnapshotStart => orders.clear(),
            Kind::OrderAdd => {
                assert_eq!(orders.insert(e.id, (e.side, e.price, e.qty)), None, "row {i} adds an order twice");
            }
            Kind::OrderReduce | Kind::OrderExec => {
                let order = orders.get_mut(&e.id).unwrap_or_else(|| panic!("row {i} names no known order"));
                assert_eq!((order.0, order.1), (e.side, e.price), "row {i}");
                order.2 -= e.qty;
                assert!(order.2 >= 0, "row {i} takes more than there is");
                if order.2 == 0 {
                    orders.remove(&e.id);
                }
            }
            Kind::OrderDelete => {
                assert_eq!(orders.remove(&e.id), Some((e.side, e.price, e.qty)), "row {i}");
            }
            Kind::Trade => {}
            other => panic!("row {i} is a {other:?}"),
        }
    }
}

/// A level-3 book as the venue gives it.
fn book(path: &Path) -> Orders {
    let text = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let mut orders = Orders::new();
    for (key, side) in [("bids", Side::Bid), ("asks", Side::Ask)] {
        for entry in value[key].as_array().unwrap() {
            let field = |i: usize| entry[i].as_str().unwrap().as_bytes();
            let number = |i| verismo_feed::parse_decimal(field(i)).unwrap();
            assert_eq!(
                orders.insert(coinbase_order_id(field(2)), (side, number(0), number(1))),
                None,
                "two ids are one"
            );
        }
    }
    orders
}

#[test]
fn the_recording_ends_in_the_ending_book_order_by_order() {
    let Some(data) = real_data("coinbase") else { return };
    // The messages' name says nothing, and comes first.
    let read = read(&[&data.join("messages.jsonl.zst"), &data.join("beginning_level_3.json.zst")]);
    assert_eq!(read.inventory.format, Format::CoinbaseFull);
    assert_eq!(read.inventory.clock_ns(), 1_000);
    assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{:?}", read.counters);
    assert_eq!(read.messages, 36_743);
    let batch = read.only();
    assert_eq!(starts(batch, Kind::SnapshotStart), 1);
    assert_eq!(starts(batch, Kind::Trade), 501);
    assert_eq!(starts(batch, Kind::OrderAdd), 11_825);
    let mut orders = Orders::new();
    replay(batch, 0..batch.len(), &mut orders);
    let ending = book(&data.join("ending_level_3.json.zst"));
    assert_eq!((orders.len(), ending.len()), (66_833, 66_833));
    assert!(orders == ending, "orders differ");
    // The ids of messages: nothing is missing.
    let mut last = None;
    for i in (0..batch.len()).filter(|&i| batch.flags[i] & flags::FIRST_OF_MESSAGE != 0) {
        if batch.kind[i] == Kind::SnapshotStart {
            last = Some(batch.id[i]);
        } else {
            assert_eq!(Some(batch.prev_id[i]), last, "row {i}");
            last = Some(batch.first_id[i]);
        }
    }
}

#[test]
fn the_whole_folder_anchors_at_both_books() {
    let Some(data) = real_data("coinbase") else { return };
    let read = read(&[&data]);
    let batch = read.only();
    let snapshots: Vec<usize> = (0..batch.len()).filter(|&i| batch.kind[i] == Kind::SnapshotStart).collect();
    let [first, second] = snapshots[..] else { panic!("{snapshots:?}") };
    assert_eq!((batch.id[first], batch.id[second]), (6_318_080_534, 6_318_117_277));
    let mut replayed = Orders::new();
    replay(batch, 0..second, &mut replayed);
    let mut anchored = Orders::new();
    replay(batch, second..batch.len(), &mut anchored);
    assert!(replayed == anchored, "the replay is not the second book");
    assert_eq!(batch.t_exchange_ns[second], *batch.t_exchange_ns[..second].last().unwrap());
}

/// The lines of a recording of `n` orders that come and go, sequences from 11.
fn lines(n: u32) -> Vec<String> {
    let line = |i: u32| {
        let (kind, order) = if i.is_multiple_of(2) { ("open", i / 2) } else { ("done", i / 2) };
        let (side, price) = if order.is_multiple_of(2) { ("buy", 99) } else { ("sell", 101) };
        format!(
            concat!(
                r#"{{"type":"{}","side":"{}","product_id":"A-B","sequence":{},"time":"2018-07-13T20:47:11.{:06}Z","#,
                r#""price":"{}","remaining_size":"1","order_id":"o{}","reason":"canceled"}}"#
            ),
            kind,
            side,
            11 + i,
            i,
            price,
            order
        )
    };
    (0..n).map(line).collect()
}

fn observe(lines: &[String], books: &[&str]) -> (verismo_feed::FeedCounters, verismo_market::observe::Observed) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("x"), lines.join("\n")).unwrap();
    for (i, book) in books.iter().enumerate() {
        std::fs::write(directory.path().join(format!("{i}")), book).unwrap();
    }
    let read = read(&[directory.path()]);
    let mut observer = verismo_market::observe::StreamObserver::new(&Default::default());
    observer.observe(read.only(), "x");
    (read.counters, observer.finish())
}

fn count(observed: &verismo_market::observe::Observed, check: &str) -> (u64, i64) {
    observed.counters.iter().find(|c| c.check == check).map(|c| (c.count, c.worst)).unwrap()
}

#[test]
fn missing_and_doubled_messages_are_counted_by_their_sequence() {
    let whole = lines(40);
    let (_, observed) = observe(&whole, &[]);
    for check in ["sequence_gap", "duplicate", "out_of_order", "unknown_order", "duplicate_order"] {
        assert_eq!(count(&observed, check).0, 0, "{check}");
    }
    let mut damaged = whole.clone();
    damaged.drain(10..14);
    let (_, observed) = observe(&damaged, &[]);
    assert_eq!(count(&observed, "sequence_gap"), (1, 4));
    let mut doubled = whole.clone();
    doubled.insert(21, whole[20].clone());
    let (_, observed) = observe(&doubled, &[]);
    assert_eq!(count(&observed, "duplicate").0, 1);
    assert_eq!(count(&observed, "duplicate_order").0, 0);
}

#[test]
fn messages_that_a_book_holds_already_are_skipped_and_counted() {
    let book = r#"{"bids":[["99","1","o2"]],"asks":[["101","1","o1000"]],"sequence":15}"#;
    let (counters, observed) = observe(&lines(40), &[book]);
    assert_eq!(counters.count("session_overlap"), 5);
    assert_eq!(observed.snapshots, 1);
    for check in ["sequence_gap", "unknown_order", "duplicate_order"] {
        assert_eq!(count(&observed, check).0, 0, "{check}");
    }
    // A book far away is another product's: it is told, and the stream begins without one.
    let (counters, observed) = observe(&lines(40), &[&book.replace("15}", "15000000000}")]);
    assert_eq!((counters.count("unknown_stream"), observed.snapshots), (1, 0));
}

#[test]
fn a_book_inside_a_gap_leaves_the_gap_counted() {
    let book = |sequence: u32| format!(r#"{{"bids":[],"asks":[],"sequence":{sequence}}}"#);
    let whole = lines(40);
    let mut damaged = whole.clone();
    damaged.drain(10..20);
    // Sequences 21 to 30 are missing; without them a book changes nothing.
    for (lines, at, want) in
        [(&damaged, 20, (1, 10)), (&damaged, 25, (1, 10)), (&damaged, 30, (1, 10)), (&whole, 30, (0, 0))]
    {
        let (counters, observed) = observe(lines, &[&book(10), &book(at)]);
        assert_eq!((count(&observed, "sequence_gap"), observed.snapshots), (want, 2), "book at {at}");
        assert!(counters.iter().all(|(_, c)| c.count == 0), "{counters:?}");
    }
}

#[test]
fn a_reader_rests_between_files_with_the_orders_and_the_books_that_are_left() {
    let book = |sequence: u32| {
        format!(r#"{{"bids":[["98","2","o7"]],"asks":[["102","1","o{sequence}"]],"sequence":{sequence}}}"#)
    };
    let whole = lines(40);
    let read_files = |cut: usize, books: &[u32]| {
        let directory = tempfile::tempdir().unwrap();
        for (i, part) in whole.chunks(cut).enumerate() {
            std::fs::write(directory.path().join(format!("{}", 9 - i)), part.join("\n")).unwrap();
        }
        for &sequence in books {
            std::fs::write(directory.path().join(format!("book{sequence}")), book(sequence)).unwrap();
        }
        read(&[directory.path()])
    };
    // Books at the start, between two files, inside of one, at the very end, and of no sequence of the messages: those of the end are told
    // when the last file is read, and there is no rest behind it.
    let far = 900_000_000;
    for (books, rests) in
        [(&[][..], 4), (&[10], 4), (&[10, 30, 44], 4), (&[10, 50], 3), (&[10, 20, far], 3), (&[25], 4), (&[far], 3)]
    {
        let (one, parts) = (read_files(40, books), read_files(11, books));
        let rows = |read: &Read| rows(read.only(), true);
        assert!(rows(&one) == rows(&parts), "{books:?}");
        for check in ["unknown_stream", "session_overlap"] {
            assert_eq!(one.count(check), parts.count(check), "{check}");
        }
        assert_eq!(parts.rests, rests, "{books:?}");
    }
}

#[test]
fn what_is_missing_or_received_goes_on_in_the_next_file() {
    let mut whole = lines(40);
    // Orders 4 and 5 are received and done and never open: nothing between the gap of four and message 23 gives a row.
    for at in [8, 10] {
        whole[at] = whole[at].replace("open", "received");
    }
    let (first, second) = ([&whole[..4], &whole[8..11]].concat(), &whole[11..]);
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("b"), first.join("\n")).unwrap();
    std::fs::write(directory.path().join("a"), second.join("\n")).unwrap();
    let read = read(&[directory.path()]);
    assert_eq!(read.rests, 2);
    let row = read.only().row(4);
    assert_eq!((row.kind, row.first_id, row.prev_id), (Kind::OrderAdd, 23, 18));
}

#[test]
fn a_trade_of_no_known_side_is_a_trade_and_counted() {
    let trade = |i: u32, side: &str| {
        format!(
            concat!(
                r#"{{"type":"match",{}"product_id":"A-B","sequence":{},"time":"2018-07-13T20:47:12Z","#,
                r#""price":"99","size":"1","trade_id":{},"maker_order_id":"o{}"}}"#
            ),
            side,
            51 + i,
            i,
            i
        )
    };
    let mut lines = lines(40);
    for (i, side) in [r#""side":"buy","#, "", r#""side":"up","#].into_iter().enumerate() {
        lines.push(trade(i as u32, side));
    }
    let (_, observed) = observe(&lines, &[]);
    assert_eq!((count(&observed, "invalid_value").0, observed.trades), (2, 3));
}
