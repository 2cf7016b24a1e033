//! The Coinbase full channel: a real recording to its real ending book, and hand-made lines.

use std::collections::BTreeMap;
use std::path::Path;

use verismo_feed::{Format, coinbase_order_id};
use verismo_market::event::{EventBatch, Kind, Side, flags};

use crate::common::{read, real_data, starts};

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
