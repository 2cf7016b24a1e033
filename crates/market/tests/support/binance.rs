//! Binance combined-stream frames, one a line: `<receive ns> <JSON>`, with the REST snapshot inline.

use super::decimal;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use verismo_market::event::{Event, EventBatch, Kind, NO_ID, NO_TIME, Side, flags};

/// All events of a file, in arrival order; diffs before the snapshot wait for it, those it covers are dropped.
pub fn read(path: &Path) -> EventBatch {
    let reader = BufReader::new(GzDecoder::new(File::open(path).unwrap()));
    let (mut batch, mut waiting) = (EventBatch::default(), Vec::new());
    let lines: Vec<String> = reader.lines().map(Result::unwrap).collect();
    let mut waits = lines.iter().any(|line| line.contains("lastUpdateId"));
    for (i, line) in lines.iter().enumerate() {
        let position = i as u64 + 1;
        let json = line.split_once(' ').unwrap().1;
        let value: Value = serde_json::from_str(json).unwrap();
        if let Some(id) = value["lastUpdateId"].as_i64() {
            push_book(&value, ["bids", "asks"], base(Kind::SnapshotStart, NO_TIME, id, position), &mut batch);
            for (position, diff) in waiting.drain(..) {
                push_diff(&diff, Some(id), position, &mut batch);
            }
            waits = false;
            continue;
        }
        let (stream, data) = (value["stream"].as_str().unwrap(), &value["data"]);
        if stream.contains("@depth") {
            if waits { waiting.push((position, data.clone())) } else { push_diff(data, None, position, &mut batch) }
        } else if stream.ends_with("@trade") {
            let side = if data["m"].as_bool().unwrap() { Side::Ask } else { Side::Bid };
            let event = base(Kind::Trade, ms(&data["T"]), data["t"].as_i64().unwrap(), position);
            batch.push(Event { side, price: text(&data["p"]), qty: text(&data["q"]), ..event });
        } else if stream.ends_with("@bookTicker") {
            let event = base(Kind::Quote, NO_TIME, data["u"].as_i64().unwrap(), position);
            batch.push(Event { side: Side::Bid, price: text(&data["b"]), qty: text(&data["B"]), ..event });
            let flags = flags::LAST_OF_UPDATE;
            batch.push(Event { side: Side::Ask, price: text(&data["a"]), qty: text(&data["A"]), flags, ..event });
        }
    }
    batch
}

fn push_diff(data: &Value, snapshot_id: Option<i64>, position: u64, out: &mut EventBatch) {
    let id = data["u"].as_i64().unwrap();
    if snapshot_id.is_some_and(|snapshot| id <= snapshot) {
        return;
    }
    let first_id = data["U"].as_i64().unwrap();
    let prev_id = data["pu"].as_i64().unwrap_or(NO_ID);
    let event = base(Kind::LevelSet, ms(&data["E"]), id, position);
    push_book(data, ["b", "a"], Event { first_id, prev_id, ..event }, out);
}

fn push_book(data: &Value, [bids, asks]: [&str; 2], first: Event, out: &mut EventBatch) {
    let snapshot = if first.kind == Kind::SnapshotStart { flags::SNAPSHOT } else { 0 };
    if snapshot != 0 {
        out.push(Event { flags: first.flags | snapshot, ..first });
    }
    let before = out.len();
    for (side, levels) in [(Side::Bid, &data[bids]), (Side::Ask, &data[asks])] {
        for level in levels.as_array().unwrap() {
            let (price, qty) = (text(&level[0]), text(&level[1]));
            out.push(Event { kind: Kind::LevelSet, side, price, qty, flags: snapshot, ..first });
        }
    }
    if out.len() == before && snapshot == 0 {
        out.push(first);
    }
    if snapshot == 0 {
        out.flags[before] |= flags::FIRST_OF_MESSAGE;
    }
    *out.flags.last_mut().unwrap() |= flags::LAST_OF_UPDATE;
}

fn base(kind: Kind, t_exchange_ns: i64, id: i64, position: u64) -> Event {
    Event {
        kind,
        side: Side::None,
        flags: flags::FIRST_OF_MESSAGE,
        t_exchange_ns,
        t_receive_ns: NO_TIME,
        price: 0,
        qty: 0,
        id,
        first_id: NO_ID,
        prev_id: NO_ID,
        position,
    }
}

fn ms(value: &Value) -> i64 {
    value.as_i64().unwrap() * super::MS
}

fn text(value: &Value) -> i64 {
    decimal(value.as_str().unwrap())
}
