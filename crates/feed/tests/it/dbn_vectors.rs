//! Files that the format's own crate wrote, see `tests/vectors/dbn/generate.rs`, read field by field.

use std::path::{Path, PathBuf};

use verismo_feed::Format;
use verismo_feed::write::WriteOptions;
use verismo_market::event::{EventBatch, Kind, NO_ID, Side, flags};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent, RestingOrder};

use crate::common::{Read, START_NS, files, read};

const UNIT: i64 = 100_000_000;

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/dbn").join(name)
}

/// (kind, side, id, price in cents, quantity, ns after the start) of each row.
fn rows(batch: &EventBatch) -> Vec<(Kind, Side, i64, i64, i64, i64)> {
    let row = |i| {
        let e = batch.row(i);
        assert_eq!(e.t_receive_ns, e.t_exchange_ns + 100);
        (e.kind, e.side, e.id, e.price * 100 / UNIT, e.qty / UNIT, e.t_exchange_ns - START_NS)
    };
    (0..batch.len()).map(row).collect()
}

fn read_one(name: &str) -> Read {
    let read = read(&[&vector(name)]);
    assert_eq!((read.inventory.format, read.inventory.clock_ns()), (Format::Dbn, 1));
    for check in ["unreadable", "invalid_value", "truncated_file", "unknown_stream"] {
        assert_eq!(read.count(check), 0, "{name}: {}", read.detail(check));
    }
    read
}

use Side::{Ask, Bid};

#[test]
fn market_by_order_in_three_versions() {
    for version in 1..=3 {
        let read = read_one(&format!("mbo_v{version}.dbn"));
        assert_eq!(read.messages, 9);
        assert_eq!(read.count("sequence_gap"), 1);
        let far = i64::MAX - 4;
        let want = [
            (Kind::SnapshotStart, Side::None, NO_ID, 0, 0, 0),
            (Kind::OrderAdd, Bid, 11, 22_400, 100, 0),
            (Kind::OrderAdd, Ask, far, 22_501, 50, 0),
            (Kind::Trade, Ask, NO_ID, 22_400, 30, 9),
            (Kind::OrderExec, Bid, 11, 22_400, 30, 9),
            (Kind::OrderReduce, Bid, 11, 22_400, 10, 12),
            (Kind::OrderDelete, Ask, far, 22_501, 50, 15),
        ];
        assert_eq!(rows(&read.events["AAPL"]), want, "version {version}");
        assert_eq!(rows(&read.events["MSFT"]), [(Kind::OrderAdd, Bid, 12, 40_000, 7, 5)]);
        // One message per event, the book observed at its end.
        let flags_of = |i: usize| read.events["AAPL"].flags[i];
        assert_eq!(flags_of(0), flags::SNAPSHOT | flags::FIRST_OF_MESSAGE);
        assert_eq!(flags_of(2), flags::SNAPSHOT | flags::LAST_OF_UPDATE);
        assert_eq!((flags_of(3), flags_of(4)), (flags::FIRST_OF_MESSAGE, flags::LAST_OF_UPDATE));
    }
}

#[test]
fn trades_have_the_aggressors_side() {
    let read = read_one("trades_v3.dbn");
    let want = [(Bid, 22_401, 1), (Ask, 22_402, 2), (Side::None, 22_403, 3)]
        .map(|(side, price, t)| (Kind::Trade, side, NO_ID, price, 5, t));
    assert_eq!(rows(&read.events["AAPL"]), want);
}

#[test]
fn levels_are_set_where_they_differ() {
    let read = read_one("mbp-1_v3.dbn");
    let want = [
        (Kind::SnapshotStart, Side::None, NO_ID, 0, 0, 1),
        (Kind::LevelSet, Bid, NO_ID, 22_400, 5, 1),
        (Kind::LevelSet, Ask, NO_ID, 22_500, 6, 1),
        (Kind::Trade, Ask, NO_ID, 22_400, 2, 2),
        (Kind::LevelSet, Bid, NO_ID, 22_400, 3, 2),
        (Kind::LevelSet, Bid, NO_ID, 22_400, 0, 3),
        (Kind::LevelSet, Bid, NO_ID, 22_300, 9, 3),
    ];
    assert_eq!(rows(&read.events["AAPL"]), want);
    let read = read_one("mbp-10_v3.dbn");
    let got = rows(&read.events["AAPL"]);
    // Nine levels a side, of which the bids change their quantities.
    assert_eq!((got.len(), got[0].0), (1 + 9 + 9 + 9, Kind::SnapshotStart));
    assert!(got[19..].iter().all(|r| (r.0, r.1, r.4, r.5) == (Kind::LevelSet, Bid, 2, 2)), "{got:?}");
}

#[test]
fn tops_with_trades_give_their_trades_only() {
    let mut bytes = std::fs::read(vector("mbp-1_v3.dbn")).unwrap();
    // The schema behind the prelude and the name of the data set: tbbo.
    bytes[8 + 16] = 3;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("x"), bytes).unwrap();
    let read = read(&[directory.path()]);
    assert_eq!(rows(&read.events["AAPL"]), [(Kind::Trade, Ask, NO_ID, 22_400, 2, 2)]);
}

#[test]
fn the_writer_writes_what_the_formats_own_crate_writes() {
    let order = |id, side, price: i64, qty: i64| RestingOrder { id, side, price: price * UNIT, qty: qty * UNIT };
    let event = |action, id, side, price, qty: i64| {
        Body::Order(OrderEvent { action, id, side, price, qty: qty * UNIT, trade_id: NO_ID })
    };
    let bodies = [
        Body::OrderSnapshot { last_id: NO_ID, orders: vec![order(1, Bid, 99, 5), order(2, Ask, 101, 6)] },
        event(OrderAction::Add, 3, Bid, 98 * UNIT + UNIT / 4, 7),
        event(OrderAction::Exec, 2, Ask, 101 * UNIT, 4),
        event(OrderAction::Delete, 1, Bid, 99 * UNIT, 5),
    ];
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Format::Dbn.writer(directory.path(), &WriteOptions::default()).unwrap();
    for (t, body) in (0..).step_by(10).map(|t| START_NS + t).zip(bodies) {
        let message = Message { t_exchange_ns: t, t_receive_ns: t + 70, symbol: "BTCUSD".to_owned(), body };
        writer.write(&message).unwrap();
    }
    writer.finish().unwrap();
    let written = std::fs::read(&files(directory.path())[0]).unwrap();
    let want = std::fs::read(vector("writer_v3.dbn")).unwrap();
    let differs = written.iter().zip(&want).position(|(a, b)| a != b);
    assert!(written == want, "{} bytes, wanted {}; first difference at {differs:?}", written.len(), want.len());
}
