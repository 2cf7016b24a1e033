//! Messages -> an order-level format -> events equals the events of the messages; damage and hostile bytes.

use std::path::Path;

use proptest::prelude::*;
use verismo_feed::write::{GoldenCompression, WriteOptions};
use verismo_feed::{FeedError, Format, Inventory};
use verismo_market::event::{Event, EventBatch, Kind, NO_ID, NO_TIME, Side, flags};
use verismo_market::message::{Body, Level, Message, OrderAction, OrderEvent, RestingOrder};

use crate::common::{Dice, Read, START_NS, events_of, files, read, try_read};

const FORMATS: [Format; 3] = [Format::CoinbaseFull, Format::Bitstamp, Format::Dbn];
const UNIT: i64 = 100_000_000;

/// `n` changes of orders around 1,000 with whole quantities, none of which crosses the book; times in whole us. The first message is a
/// snapshot of 100 orders.
pub(crate) fn orders_market(symbol: &str, n: usize, seed: u64) -> Vec<Message> {
    let mut dice = Dice(seed);
    let mut resting: Vec<RestingOrder> = (1..=100)
        .map(|id| {
            let side = if id % 2 == 0 { Side::Bid } else { Side::Ask };
            let away = dice.below(40) as i64 * UNIT;
            let price = if side == Side::Bid { 999 * UNIT - away } else { 1001 * UNIT + away };
            RestingOrder { id, side, price, qty: (1 + dice.below(50) as i64) * UNIT }
        })
        .collect();
    // As a book is told: bids, then asks, best first.
    resting.sort_by_key(|o| (o.side, if o.side == Side::Bid { -o.price } else { o.price }, o.id));
    let mut t_ns = START_NS;
    let message =
        |t_ns, body| Message { t_exchange_ns: t_ns, t_receive_ns: t_ns + 70_000_000, symbol: symbol.into(), body };
    let mut out = vec![message(t_ns, Body::OrderSnapshot { last_id: 0, orders: resting.clone() })];
    let (mut next_id, mut trade_id) = (1000, 500);
    for _ in 0..n {
        t_ns += 1_000 * (1 + dice.below(3_000_000) as i64);
        let at = dice.below(resting.len() as u64) as usize;
        let RestingOrder { id, side, price, qty } = resting[at];
        let part = (1 + dice.below(50) as i64) * UNIT;
        let event = |action, qty| OrderEvent { action, id, side, price, qty, trade_id: NO_ID };
        let event = match dice.below(10) {
            0..=3 => {
                next_id += 1;
                let order = RestingOrder { id: next_id, side, price, qty: part };
                resting.push(order);
                OrderEvent { action: OrderAction::Add, id: next_id, side, price, qty: part, trade_id: NO_ID }
            }
            4..=5 if part < qty => {
                resting[at].qty -= part;
                event(OrderAction::Reduce, part)
            }
            6..=7 if resting.len() > 50 => {
                resting.swap_remove(at);
                event(OrderAction::Delete, qty)
            }
            _ => {
                let done = part.min(qty);
                resting[at].qty -= done;
                if done == qty {
                    resting.swap_remove(at);
                }
                trade_id += 1;
                OrderEvent { trade_id, ..event(OrderAction::Exec, done) }
            }
        };
        out.push(message(t_ns, Body::Order(event)));
    }
    out
}

pub(crate) fn write(format: Format, directory: &Path, messages: &[Message], compression: GoldenCompression) {
    let mut writer = format.writer(directory, &WriteOptions::with_compression(compression)).unwrap();
    messages.iter().for_each(|m| writer.write(m).unwrap());
    let written = writer.finish().unwrap();
    assert_eq!(written.messages, messages.len() as u64);
}

/// Rows without what a format cannot carry: positions and sequences; receive times for Coinbase; trade ids for DBN.
fn rows(batch: &EventBatch, format: Format) -> Vec<Event> {
    let strip = |i| {
        let e = Event { position: 0, first_id: NO_ID, prev_id: NO_ID, ..batch.row(i) };
        let is_start = e.kind == Kind::SnapshotStart;
        let loses_id = is_start || (format == Format::Dbn && e.kind == Kind::Trade);
        let loses_receive = format == Format::CoinbaseFull;
        // A snapshot of Coinbase has the time of the message after it.
        let time = if loses_receive && e.flags & flags::SNAPSHOT != 0 { NO_TIME } else { e.t_exchange_ns };
        Event {
            id: if loses_id { NO_ID } else { e.id },
            t_receive_ns: if loses_receive { NO_TIME } else { e.t_receive_ns },
            t_exchange_ns: time,
            ..e
        }
    };
    (0..batch.len()).map(strip).collect()
}

fn assert_same(read: &Read, messages: &[Message], format: Format) {
    assert_eq!(read.inventory.format, format);
    let want = events_of(messages);
    assert_eq!(read.events.keys().collect::<Vec<_>>(), want.keys().collect::<Vec<_>>());
    for (symbol, batch) in &want {
        let (got, want) = (rows(&read.events[symbol], format), rows(batch, format));
        let differs = got.iter().zip(&want).position(|(a, b)| a != b);
        assert!(
            differs.is_none() && got.len() == want.len(),
            "{format:?} {symbol}: {} rows, wanted {}; first difference at {differs:?}: {:?}",
            got.len(),
            want.len(),
            differs.map(|i| (got[i], want[i])),
        );
    }
}

#[test]
fn orders_of_two_symbols_survive_each_format_in_each_packing() {
    let messages = [orders_market("BTCUSD", 3000, 1), orders_market("ETHUSD", 2000, 2)].concat();
    for format in FORMATS {
        for compression in [GoldenCompression::Plain, GoldenCompression::Gzip(1)] {
            let directory = tempfile::tempdir().unwrap();
            write(format, directory.path(), &messages, compression);
            let read = read(&[directory.path()]);
            assert_same(&read, &messages, format);
            for (check, counter) in read.counters.iter() {
                assert_eq!(counter.count, 0, "{format:?} {check}: {}", read.detail(check));
            }
        }
    }
}

#[test]
fn each_product_of_coinbase_gets_its_own_book_whoever_speaks_first() {
    for seed in 1..8 {
        let messages = [orders_market("BTCUSD", 50, seed), orders_market("ETHUSD", 50, seed + 1)].concat();
        let directory = tempfile::tempdir().unwrap();
        write(Format::CoinbaseFull, directory.path(), &messages, GoldenCompression::Plain);
        assert_same(&read(&[directory.path()]), &messages, Format::CoinbaseFull);
    }
}

#[test]
fn executions_without_ids_survive_too() {
    let mut messages = orders_market("BTCUSD", 1000, 9);
    let mut n_executions = 0;
    for message in &mut messages {
        if let Body::Order(OrderEvent { action: OrderAction::Exec, trade_id, .. }) = &mut message.body {
            *trade_id = NO_ID;
            n_executions += 1;
        }
    }
    assert!(n_executions > 100);
    for format in FORMATS {
        let directory = tempfile::tempdir().unwrap();
        write(format, directory.path(), &messages, GoldenCompression::Plain);
        let read = read(&[directory.path()]);
        assert_same(&read, &messages, format);
        assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{format:?}: {:?}", read.counters);
    }
}

#[test]
fn names_say_nothing_and_a_second_writer_overwrites_nothing() {
    let messages = orders_market("BTCUSD", 500, 3);
    for format in FORMATS {
        let directory = tempfile::tempdir().unwrap();
        write(format, directory.path(), &messages, GoldenCompression::Plain);
        let n = files(directory.path()).len();
        write(format, &directory.path().join("second"), &messages, GoldenCompression::Plain);
        std::fs::remove_dir_all(directory.path().join("second")).unwrap();
        for (i, path) in files(directory.path()).into_iter().enumerate() {
            std::fs::rename(&path, directory.path().join(format!("{}", n - i))).unwrap();
        }
        let read = read(&[directory.path()]);
        let want: Vec<Message> = match format {
            // The name was all that told the symbol.
            Format::Bitstamp => messages.iter().map(|m| Message { symbol: "UNKNOWN".into(), ..m.clone() }).collect(),
            _ => messages.clone(),
        };
        assert_same(&read, &want, format);
    }
}

#[test]
fn coinbase_lines_cut_and_dealt_in_any_way_are_one_stream() {
    let messages = orders_market("BTCUSD", 1500, 4);
    let whole = tempfile::tempdir().unwrap();
    write(Format::CoinbaseFull, whole.path(), &messages, GoldenCompression::Plain);
    for hands in 2..5 {
        let mut dice = Dice(hands);
        let directory = tempfile::tempdir().unwrap();
        for path in files(whole.path()) {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut dealt = vec![String::new(); hands as usize];
            if path.extension().unwrap() == "json" {
                dealt[0] = text;
            } else {
                text.split_inclusive('\n').for_each(|line| dealt[dice.below(hands) as usize].push_str(line));
            }
            for part in dealt.iter().filter(|part| !part.is_empty()) {
                std::fs::write(directory.path().join(format!("{:016x}", dice.below(u64::MAX))), part).unwrap();
            }
        }
        let read = read(&[directory.path()]);
        assert_same(&read, &messages, Format::CoinbaseFull);
        assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{:?}", read.counters);
    }
}

#[test]
fn bitstamp_rows_cut_anywhere_are_one_stream() {
    let messages = orders_market("BTCUSD", 1500, 5);
    let whole = tempfile::tempdir().unwrap();
    write(Format::Bitstamp, whole.path(), &messages, GoldenCompression::Plain);
    for seed in 0..5 {
        let mut dice = Dice(seed);
        let directory = tempfile::tempdir().unwrap();
        for path in files(whole.path()) {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            // The snapshot is one instant of 100 rows: a cut through an instant of one receive stamp is a cut through nothing else here.
            let at = 150 + dice.below(lines.len() as u64 - 151) as usize;
            for (name, part) in [("z", &lines[1..at]), ("a", &lines[at..])] {
                let name = format!("btcusd_{name}{:x}", dice.below(u64::MAX));
                std::fs::write(directory.path().join(name), lines[0].to_owned() + &part.concat()).unwrap();
            }
        }
        assert_same(&read(&[directory.path()]), &messages, Format::Bitstamp);
    }
}

#[test]
fn what_a_format_cannot_hold_is_refused_in_words() {
    let message = |body| Message { t_exchange_ns: START_NS, t_receive_ns: NO_TIME, symbol: "BTCUSD".into(), body };
    let levels: Vec<Level> = vec![(1, 1)];
    let depth = message(Body::Depth { first_id: 1, last_id: 1, bids: levels.clone(), asks: levels });
    let event =
        OrderEvent { action: OrderAction::Add, id: 1, side: Side::Bid, price: UNIT, qty: UNIT, trade_id: NO_ID };
    let no_id = message(Body::Order(OrderEvent { id: NO_ID, ..event }));
    let no_time = Message { t_exchange_ns: NO_TIME, ..message(Body::Order(event)) };
    let bad_symbol = Message { symbol: "../x".into(), ..message(Body::Order(event)) };
    let trade = message(Body::Trade { id: 1, price: UNIT, qty: UNIT, side: Side::Bid });
    let half = message(Body::Order(OrderEvent { qty: UNIT / 2, ..event }));
    for format in FORMATS {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = format.writer(directory.path(), &WriteOptions::default()).unwrap();
        let mut refused = |m: &Message| writer.write(m).is_err_and(|e| e.code() == "not-expressible");
        assert!(refused(&depth) && refused(&no_id) && refused(&no_time) && refused(&bad_symbol), "{format:?}");
        assert_eq!(refused(&trade), format == Format::CoinbaseFull, "{format:?}");
        assert_eq!(refused(&half), format == Format::Dbn, "{format:?}");
    }
}

#[test]
fn a_side_that_is_not_known_is_refused_or_reads_back() {
    let message = |body| Message { t_exchange_ns: START_NS, t_receive_ns: START_NS, symbol: "BTCUSD".into(), body };
    let no_side = RestingOrder { id: 7, side: Side::None, price: UNIT, qty: UNIT };
    let snapshot = message(Body::OrderSnapshot { last_id: 0, orders: vec![no_side] });
    let RestingOrder { id, side, price, qty } = no_side;
    let event = |action| message(Body::Order(OrderEvent { action, id, side, price, qty, trade_id: NO_ID }));
    for format in [Format::CoinbaseFull, Format::Bitstamp] {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = format.writer(directory.path(), &WriteOptions::default()).unwrap();
        for message in [&snapshot, &event(OrderAction::Add), &event(OrderAction::Delete), &event(OrderAction::Exec)] {
            let error = writer.write(message).unwrap_err();
            assert_eq!(error.code(), "not-expressible");
            assert!(error.to_string().contains("an order without a side"), "{error}");
        }
    }
    let mut messages = orders_market("BTCUSD", 3, 10);
    for (i, side) in [Side::None, Side::Bid, Side::Ask].into_iter().enumerate() {
        let trade = Body::Trade { id: i as i64, price: 1000 * UNIT, qty: UNIT, side };
        let t_exchange_ns = messages[messages.len() - 1].t_exchange_ns + 1_000;
        messages.push(Message { t_exchange_ns, ..message(trade) });
    }
    let directory = tempfile::tempdir().unwrap();
    write(Format::Bitstamp, directory.path(), &messages, GoldenCompression::Plain);
    assert_same(&read(&[directory.path()]), &messages, Format::Bitstamp);
}

#[test]
fn a_dbn_file_that_ends_inside_a_record_is_truncated() {
    let messages = orders_market("BTCUSD", 300, 6);
    let directory = tempfile::tempdir().unwrap();
    write(Format::Dbn, directory.path(), &messages, GoldenCompression::Plain);
    let path = files(directory.path()).remove(0);
    let whole = std::fs::read(&path).unwrap();
    for (cut, truncated) in [(0, 0), (1, 1), (55, 1), (56, 0)] {
        std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let read = read(&[directory.path()]);
        assert_eq!(read.count("truncated_file"), truncated, "{cut} bytes less: {:?}", read.counters);
    }
    // A version that is not read.
    let mut newer = whole.clone();
    newer[3] = 4;
    std::fs::write(&path, newer).unwrap();
    let error = try_read(&[path]).unwrap_err();
    assert!(error.to_string().contains("DBN version 4"), "{error}");
}

#[test]
fn bad_lines_are_counted_with_their_place() {
    let messages = orders_market("BTCUSD", 50, 7);
    let directory = tempfile::tempdir().unwrap();
    write(Format::CoinbaseFull, directory.path(), &messages, GoldenCompression::Plain);
    let path = files(directory.path()).into_iter().find(|p| p.extension().unwrap() == "jsonl").unwrap();
    let mut text = std::fs::read_to_string(&path).unwrap();
    text += "not json\n{\"type\":\"heartbeat\",\"sequence\":90}\n{\"type\":\"open\",\"product_id\":\"BTCUSD\"}\n{\"type\":\"op";
    std::fs::write(&path, text).unwrap();
    let read = read(&[directory.path()]);
    assert_eq!((read.count("unreadable"), read.count("unknown_stream"), read.count("invalid_value")), (2, 1, 1));
    assert!(read.detail("unreadable").contains("the file ends inside this line"));
    let rows = "id,timestamp,exchange_timestamp,price,volume,action,direction\n1,1777689383201,1777689380521,x,1,created,bid\n1,1777689383201,1777689380521,3,1,created,bid\n7\n";
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("x"), rows).unwrap();
    let read = self::read(&[directory.path()]);
    assert_eq!((read.count("unreadable"), read.count("invalid_value"), read.only().len()), (1, 1, 1));
    assert!(read.detail("invalid_value").starts_with("2: price \"x\""), "{}", read.detail("invalid_value"));
}

fn survives(bytes: &[u8], name: &str) -> Result<(), FeedError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    for format in FORMATS {
        if let Ok(inventory) = Inventory::scan(std::slice::from_ref(&path), Some(format)) {
            for mut reader in inventory.readers(&Default::default())? {
                let mut block = Default::default();
                while reader.next_block(&mut block)? {}
            }
        }
    }
    let _ = try_read(&[path]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damaged_files_are_an_answer(
        which in 0usize..3,
        at in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..8),
        cut in 0usize..60,
    ) {
        let directory = tempfile::tempdir().unwrap();
        write(FORMATS[which], directory.path(), &orders_market("BTCUSD", 40, 8), GoldenCompression::Plain);
        for path in files(directory.path()) {
            let mut bytes = std::fs::read(&path).unwrap();
            let n = bytes.len();
            for (i, b) in &at {
                // Often in the header.
                let i = if i % 3 == 0 { *i as usize % n.min(300) } else { *i as usize % n };
                bytes[i] = *b;
            }
            bytes.truncate(if cut < 40 { n } else { n * (cut - 40) / 20 });
            let _ = survives(&bytes, "x");
        }
    }

    #[test]
    fn any_bytes_behind_a_beginning_are_an_answer(
        beginning in prop_oneof![
            Just(&b"DBN\x03"[..]),
            Just(&b"DBN\x01\x00\x00\x00\x00"[..]),
            Just(&b"id,exchange_timestamp,price,volume,action,direction\n"[..]),
            Just(&b"{\"bids\":[[\"1\",\"1\",\"x\"]],"[..]),
        ],
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = survives(&[beginning, &bytes].concat(), "x");
    }
}
