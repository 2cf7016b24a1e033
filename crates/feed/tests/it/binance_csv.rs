//! Binance CSV: the archive's layouts, streams row by row, real and damaged data.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use verismo_feed::write::{GoldenCompression, WriteOptions};
use verismo_feed::{Format, Inventory};
use verismo_market::event::{Event, EventBatch, Kind, NO_ID, NO_TIME, Side, flags};
use verismo_market::message::{Body, Message};

use crate::common::{Dice, Read, assert_same_events, events_of, files, market, read, real_data, starts, try_read};

const ROWS: usize = 10_000;

fn trx(name: &str) -> Option<PathBuf> {
    Some(real_data("trx")?.join(format!("test_{name}_04-03-2025.csv.zst")))
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    zstd::stream::read::Decoder::new(file).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// Files of the positive set with their messages: rows with equal ids, times and stream that follow each other are one.
const POSITIVE: [(&str, &str, usize); 4] = [
    ("positive_binance_trade_stream_usd_m_futures_trxusdt", "TRXUSDT", ROWS),
    ("positive_binance_trade_stream_coin_m_futures_trxusd_perp", "TRXUSD_PERP", ROWS),
    ("positive_binance_difference_depth_stream_usd_m_futures_trxusdt", "TRXUSDT", 600),
    // 1,149 updates, and the last row with a time of its own.
    ("positive_binance_difference_depth_stream_coin_m_futures_trxusd_perp", "TRXUSD_PERP", 1_150),
];

/// The CSV text as the lines of a capture: `receive {"stream","data"}`.
fn as_capture(text: &str) -> String {
    let mut out = String::new();
    let mut open: Option<(Vec<&str>, [String; 2])> = None;
    let close = |open: &mut Option<(Vec<&str>, [String; 2])>, out: &mut String| {
        if let Some((f, [bids, asks])) = open.take() {
            writeln!(
                out,
                "{}000000 {{\"stream\":\"{}\",\"data\":{{\"e\":\"{}\",\"E\":{},\"T\":{},\"s\":\"{}\",\"U\":{},\"u\":{},\"pu\":{},\"b\":[{bids}],\"a\":[{asks}]}}}}",
                f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8]
            )
            .unwrap();
        }
    };
    for line in text.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        if f[2] == "trade" {
            let maker = f[9] == "1";
            writeln!(
                out,
                "{}000000 {{\"stream\":\"{}\",\"data\":{{\"e\":\"trade\",\"E\":{},\"T\":{},\"s\":\"{}\",\"t\":{},\"p\":\"{}\",\"q\":\"{}\",\"m\":{maker}}}}}",
                f[0], f[1], f[3], f[4], f[5], f[6], f[7], f[8]
            )
            .unwrap();
            continue;
        }
        if open.as_ref().is_none_or(|(first, _)| first[..9] != f[..9]) {
            close(&mut open, &mut out);
            open = Some((f.clone(), Default::default()));
        }
        let side = &mut open.as_mut().unwrap().1[usize::from(f[9] == "1")];
        let comma = if side.is_empty() { "" } else { "," };
        write!(side, "{comma}[\"{}\",\"{}\"]", f[10], f[11]).unwrap();
    }
    close(&mut open, &mut out);
    out
}

fn without_position(batch: &EventBatch) -> Vec<Event> {
    (0..batch.len()).map(|i| Event { position: 0, ..batch.row(i) }).collect()
}

#[test]
fn real_streams_give_the_events_that_their_json_gives() {
    for (name, symbol, messages) in POSITIVE {
        let Some(path) = trx(name) else { return };
        let csv = read(&[&path]);
        assert_eq!((csv.inventory.format, csv.inventory.clock_ns()), (Format::BinanceCsv, 1_000_000), "{name}");
        assert_eq!((csv.messages, csv.block_messages), (ROWS as u64, ROWS as u64), "{name}");
        assert!(csv.counters.iter().all(|(_, c)| c.count == 0), "{name}: {:?}", csv.counters);
        let batch = &csv.events[symbol];
        assert_eq!(batch.len(), ROWS);
        assert_eq!((0..ROWS).filter(|&i| batch.flags[i] & flags::FIRST_OF_MESSAGE != 0).count(), messages, "{name}");
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("x.jsonl"), as_capture(&unpacked(&path))).unwrap();
        let json = read(&[directory.path()]);
        assert_eq!(json.inventory.format, Format::GoldenJsonl);
        let (got, want) = (without_position(batch), without_position(&json.events[symbol]));
        let differs = got.iter().zip(&want).position(|(a, b)| a != b);
        assert_eq!((differs.map(|i| (got[i], want[i])), got.len()), (None, want.len()), "{name}");
    }
}

#[test]
fn update_ids_of_the_real_depth_follow_each_other() {
    for (name, symbol, _) in &POSITIVE[2..] {
        let Some(path) = trx(name) else { return };
        let read = read(&[&path]);
        let batch = &read.events[*symbol];
        let first_rows: Vec<usize> =
            (0..batch.len()).filter(|&i| batch.flags[i] & flags::FIRST_OF_MESSAGE != 0).collect();
        let gaps = first_rows.windows(2).filter(|w| batch.prev_id[w[1]] != batch.id[w[0]]).count();
        // The last row of the coin-margined file repeats the ids of the update it was cut from.
        assert_eq!(gaps, usize::from(symbol.ends_with("PERP")), "{name}");
    }
}

#[test]
fn faults_made_by_hand_are_counted_with_their_place() {
    let Some(path) = trx("negative_binance_difference_depth_stream_coin_m_futures_trxusd_perp") else { return };
    let read_one = read(&[&path]);
    // A foreign symbol and a side that is none.
    assert_eq!(read_one.count("invalid_value"), 2);
    let detail = read_one.detail("invalid_value");
    assert!(detail.contains("2: the symbol \"CBDC_PLN_PERP\": not that of its stream"), "{detail}");
    assert!(detail.contains("4: the side \"2\": no side"), "{detail}");
    assert_eq!(read_one.only().len(), ROWS - 1);
    let Some(path) = trx("negative_binance_trade_stream_usd_m_futures_trxusdt") else { return };
    let trades = read(&[&path]);
    assert_eq!(trades.only().price[0], -100_000_000, "a price below zero is for the market to judge");
}

#[test]
fn a_folder_of_two_symbols_is_merged_by_receive_time() {
    let Some(root) = real_data("trx") else { return };
    let directory = tempfile::tempdir().unwrap();
    for (i, (name, ..)) in POSITIVE.iter().enumerate() {
        // Names say nothing of the order.
        std::fs::copy(
            root.join(format!("test_{name}_04-03-2025.csv.zst")),
            directory.path().join(format!("{}.csv.zst", 9 - i)),
        )
        .unwrap();
    }
    let read = read(&[directory.path()]);
    assert_eq!(read.messages, 4 * ROWS as u64);
    for symbol in ["TRXUSDT", "TRXUSD_PERP"] {
        let batch = &read.events[symbol];
        assert_eq!(starts(batch, Kind::Trade), ROWS);
        assert!(batch.t_receive_ns.is_sorted(), "{symbol}");
    }
}

/// The trades of `messages` as rows of an archive: spot without a header, futures with one.
fn archive_trades(messages: &[Message], spot: bool) -> Vec<String> {
    let mut rows = Vec::new();
    for message in messages {
        let Body::Trade { id, price, qty, side } = message.body else { continue };
        let (price, qty) = (price as f64 / 1e8, qty as f64 / 1e8);
        let maker = side == Side::Ask;
        let ms = message.t_exchange_ns / 1_000_000;
        let (maker, best) = if spot {
            (if maker { "True" } else { "False" }, ",True")
        } else {
            (if maker { "true" } else { "false" }, "")
        };
        rows.push(format!("{id},{price:.8},{qty:.8},{:.8},{ms},{maker}{best}\n", price * qty));
    }
    rows
}

/// What an archive can tell of `messages`: trades without receive times.
fn trades_only(messages: &[Message]) -> Vec<Message> {
    let trades = messages.iter().filter(|m| matches!(m.body, Body::Trade { .. }));
    trades.map(|m| Message { t_receive_ns: NO_TIME, ..m.clone() }).collect()
}

#[test]
fn archives_of_trades_cut_anywhere_and_named_anyhow() {
    let messages = market("BTCUSDT", 3000, 31);
    let want = events_of(&trades_only(&messages));
    for spot in [true, false] {
        let rows = archive_trades(&messages, spot);
        for seed in 0..8 {
            let mut dice = Dice(seed);
            let directory = tempfile::tempdir().unwrap();
            let mut rest = &rows[..];
            while !rest.is_empty() {
                let n = (1 + dice.below(900) as usize).min(rest.len());
                let header = if spot { "" } else { "id,price,qty,quote_qty,time,is_buyer_maker\n" };
                let name = format!("BTCUSDT-trades-{:016x}.csv", dice.below(u64::MAX));
                std::fs::write(directory.path().join(name), header.to_owned() + &rest[..n].concat()).unwrap();
                rest = &rest[n..];
            }
            let read = read(&[directory.path()]);
            assert_same_events(&read, &want, true);
            assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{:?}", read.counters);
        }
    }
}

/// Rows of aggregated trades at these times, ids from 1.
fn archive_aggregated(times_ns: &[i64]) -> String {
    let row = |(i, t_ns): (usize, &i64)| format!("{},100.0,2,5,6,{},true\n", i + 1, t_ns / 1_000_000);
    times_ns.iter().enumerate().map(row).collect()
}

/// Times of the trades of `messages`.
fn trade_times(messages: &[Message]) -> Vec<i64> {
    trades_only(messages).iter().map(|m| m.t_exchange_ns).collect()
}

/// What was counted as aggregated trades that others tell.
fn stood_back(read: &Read) -> u64 {
    read.counters.unknown_streams().get("aggregated trades beside the trades themselves").copied().unwrap_or(0)
}

const DAY_NS: i64 = 24 * 3_600_000_000_000;

#[test]
fn aggregated_trades_stand_back_where_the_trades_are() {
    let messages = market("BTCUSDT", 50, 32);
    let times = trade_times(&messages);
    let (first, last) = (times[0], times[times.len() - 1]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("BTCUSDT-aggTrades-2024-08-08.csv");
    std::fs::write(&path, archive_aggregated(&times)).unwrap();
    let alone = read(&[directory.path()]);
    assert_eq!(alone.only().id.len(), times.len());
    assert_eq!((alone.only().t_exchange_ns.clone(), alone.only().side[0]), (times.clone(), Side::Ask));
    let rows = archive_trades(&messages, true).concat();
    std::fs::write(directory.path().join("BTCUSDT-trades-2024-08-08.csv"), rows).unwrap();
    let both = read(&[directory.path()]);
    assert_same_events(&both, &events_of(&trades_only(&messages)), true);
    assert_eq!(stood_back(&both), times.len() as u64);
    // A ms before and after the trades nothing else tells of them.
    std::fs::write(&path, archive_aggregated(&[first - 1_000_000, first, last, last + 1_000_000])).unwrap();
    let both = read(&[directory.path()]);
    let ids = &both.only().id;
    assert_eq!((ids.len(), ids[0], ids[ids.len() - 1]), (times.len() + 2, 1, 4));
    assert_eq!(stood_back(&both), 2);
}

#[test]
fn aggregated_trades_of_another_day_or_symbol_are_read() {
    let messages = market("BTCUSDT", 50, 32);
    let times = trade_times(&messages);
    let n = times.len();
    let day_after: Vec<i64> = times.iter().map(|t_ns| t_ns + DAY_NS).collect();
    let day_before: Vec<i64> = times.iter().map(|t_ns| t_ns - DAY_NS).collect();
    let trades = archive_trades(&messages, true).concat();
    for (name, times) in [
        ("BTCUSDT-aggTrades-2024-08-09.csv", &day_after),
        ("BTCUSDT-aggTrades-2024-08-07.csv", &day_before),
        // The date in a name says nothing.
        ("BTCUSDT-aggTrades-2024-08-08.csv", &day_after),
        ("ETHUSDT-aggTrades-2024-08-08.csv", &times),
    ] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("BTCUSDT-trades-2024-08-08.csv"), &trades).unwrap();
        std::fs::write(directory.path().join(name), archive_aggregated(times)).unwrap();
        let read = read(&[directory.path()]);
        assert_eq!(read.events.values().map(EventBatch::len).sum::<usize>(), 2 * n, "{name}");
        assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{name}: {:?}", read.counters);
    }
}

#[test]
fn aggregated_trades_stand_back_beside_a_stream_with_trades() {
    let mut messages = market("BTCUSDT", 300, 41);
    let times = trade_times(&messages);
    let (first, last) = (times[0], times[times.len() - 1]);
    let aggregated = [&[first - DAY_NS], &times[..], &[last + DAY_NS]].concat();
    // With a book before the first trade that is longer than what is looked at of a file's start, and without.
    let levels: Vec<(i64, i64)> = (1..2_000).map(|i| (i, i)).collect();
    let book = Message {
        t_exchange_ns: first - 5_000_000,
        body: Body::Snapshot { last_id: 1, bids: levels, asks: vec![] },
        ..messages[0].clone()
    };
    for has_book in [false, true] {
        if has_book {
            messages.insert(0, book.clone());
        }
        for (aggregated_symbol, want) in [("BTCUSDT", times.len()), ("ETHUSDT", 0)] {
            let directory = tempfile::tempdir().unwrap();
            write(directory.path(), &messages, GoldenCompression::Plain);
            let name = format!("{aggregated_symbol}-aggTrades-2024-08-08.csv");
            std::fs::write(directory.path().join(name), archive_aggregated(&aggregated)).unwrap();
            let read = read(&[directory.path()]);
            assert_eq!(stood_back(&read), want as u64, "{aggregated_symbol}, book: {has_book}");
            let n: usize = read.events.values().map(|batch| starts(batch, Kind::Trade)).sum();
            assert_eq!(n, times.len() + aggregated.len() - want, "{aggregated_symbol}, book: {has_book}");
        }
    }
    // A stream without trades tells none.
    messages.retain(|m| !matches!(m.body, Body::Trade { .. }));
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &messages, GoldenCompression::Plain);
    std::fs::write(directory.path().join("BTCUSDT-aggTrades-1.csv"), archive_aggregated(&aggregated)).unwrap();
    let read = read(&[directory.path()]);
    assert_eq!((stood_back(&read), starts(read.only(), Kind::Trade)), (0, aggregated.len()));
}

#[test]
fn best_quotes_and_depth_rows_of_the_futures_archive() {
    let directory = tempfile::tempdir().unwrap();
    let quotes = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n\
                  7,99.5,3,100.5,4,1723161255010,1723161255011\n";
    std::fs::write(directory.path().join("BTCUSDT-bookTicker-2024-08-08.csv"), quotes).unwrap();
    let depth = "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\n\
                 BTCUSDT,1723161255000,1,5,b,snap,99.5,3,-1\n\
                 BTCUSDT,1723161255000,1,5,a,snap,100.5,4,-1\n\
                 BTCUSDT,1723161255020,6,8,b,set,99.4,1,5\n\
                 BTCUSDT,1723161255020,6,8,a,set,100.5,0,5\n\
                 BTCUSDT,1723161255020,6,8,a,drop,100.5,0,5\n\
                 BTCUSDT,1723161255040,9,9,a,set,100.6,2,8\n";
    std::fs::write(directory.path().join("BTCUSDT_T_DEPTH_2024-08-08_depth_update.csv"), depth).unwrap();
    let read = read(&[directory.path()]);
    let batch = read.only();
    let rows: Vec<(Kind, Side, i64, i64)> =
        (0..batch.len()).map(|i| (batch.kind[i], batch.side[i], batch.price[i] / 10_000_000, batch.id[i])).collect();
    assert_eq!(
        rows,
        [
            (Kind::SnapshotStart, Side::None, 0, 5),
            (Kind::LevelSet, Side::Bid, 995, 5),
            (Kind::LevelSet, Side::Ask, 1005, 5),
            (Kind::Quote, Side::Bid, 995, 7),
            (Kind::Quote, Side::Ask, 1005, 7),
            (Kind::LevelSet, Side::Bid, 994, 8),
            (Kind::LevelSet, Side::Ask, 1005, 8),
            (Kind::LevelSet, Side::Ask, 1006, 9),
        ]
    );
    let last = flags::LAST_OF_UPDATE;
    assert_eq!(batch.flags.iter().map(|f| f & last).collect::<Vec<_>>(), [0, 0, last, 0, last, 0, last, last]);
    assert_eq!((batch.first_id[5], batch.prev_id[5], batch.prev_id[0]), (6, 5, NO_ID));
    assert_eq!(read.count("unknown_stream"), 1);
}

fn write(directory: &Path, messages: &[Message], compression: GoldenCompression) {
    let mut writer = Format::BinanceCsv.writer(directory, &WriteOptions::with_compression(compression)).unwrap();
    messages.iter().for_each(|m| writer.write(m).unwrap());
    assert_eq!(writer.finish().unwrap().messages, messages.len() as u64);
}

/// A market with what a capture may hold besides: a snapshot, an update that changes nothing, the same update twice.
fn mixed(symbol: &str, n: usize, seed: u64) -> Vec<Message> {
    let mut messages = market(symbol, n, seed);
    let snapshot = Body::Snapshot { last_id: 40_000, bids: vec![(99, 1), (98, 2)], asks: vec![(101, 3)] };
    messages.insert(0, Message { body: snapshot, ..messages[0].clone() });
    messages.insert(
        9,
        Message {
            body: Body::Depth { first_id: NO_ID, last_id: 45_000, bids: vec![], asks: vec![] },
            ..messages[9].clone()
        },
    );
    let doubled =
        messages.iter().position(|m| matches!(&m.body, Body::Depth { bids, .. } if !bids.is_empty())).unwrap();
    messages.insert(doubled, messages[doubled].clone());
    messages
}

#[test]
fn what_is_written_reads_back() {
    let mut messages = mixed("BTCUSDT", 2000, 33);
    let later =
        |(i, m): (usize, Message)| Message { t_exchange_ns: m.t_exchange_ns + if i < 250 { 0 } else { DAY_NS }, ..m };
    messages.extend(mixed("ETH-USD", 500, 34).into_iter().enumerate().map(later));
    for compression in [GoldenCompression::Plain, GoldenCompression::Gzip(6)] {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &messages, compression);
        assert_eq!(files(directory.path()).len(), 3, "two symbols, one of them on two days");
        let read = read(&[directory.path()]);
        assert_same_events(&read, &events_of(&messages), true);
        assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{:?}", read.counters);
        assert_eq!(read.inventory.format, Format::BinanceCsv);
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Format::BinanceCsv.writer(directory.path(), &WriteOptions::default()).unwrap();
    let good = market("BTCUSDT", 1, 35).remove(0);
    let orders = Body::OrderSnapshot { last_id: 1, orders: vec![] };
    for (bad, word) in [
        (Message { body: orders, ..good.clone() }, "order-level"),
        (Message { t_exchange_ns: NO_TIME, ..good.clone() }, "without exchange time"),
        (Message { symbol: "A,B".into(), ..good.clone() }, "the symbol"),
        (Message { symbol: String::new(), ..good.clone() }, "the symbol"),
    ] {
        let error = writer.write(&bad).unwrap_err();
        assert_eq!(error.code(), "not-expressible");
        assert!(error.to_string().contains(word), "{error}");
    }
    writer.write(&good).unwrap();
}

#[test]
fn an_update_longer_than_a_block_ends_once() {
    let levels: Vec<(i64, i64)> = (1..30_000).map(|i| (i, i)).collect();
    let mut messages = market("BTCUSDT", 20, 36);
    messages[10].body = Body::Depth { first_id: 0, last_id: 1, bids: levels, asks: vec![(50_000, 1)] };
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &messages, GoldenCompression::Plain);
    assert_same_events(&read(&[directory.path()]), &events_of(&messages), true);
}

#[test]
fn streams_cut_at_any_row_with_their_header() {
    let messages = mixed("BTCUSDT", 1500, 37);
    let whole = tempfile::tempdir().unwrap();
    // One day, so that there is one file to cut.
    let messages: Vec<Message> =
        messages.into_iter().map(|m| Message { t_exchange_ns: m.t_exchange_ns + 3_600_000_000_000, ..m }).collect();
    write(whole.path(), &messages, GoldenCompression::Plain);
    let text = std::fs::read_to_string(&files(whole.path())[0]).unwrap();
    let (header, rows) = text.split_at(text.find('\n').unwrap() + 1);
    let rows: Vec<&str> = rows.split_inclusive('\n').collect();
    for seed in 0..8 {
        let mut dice = Dice(seed);
        let directory = tempfile::tempdir().unwrap();
        let mut rest = &rows[..];
        while !rest.is_empty() {
            let n = (1 + dice.below(2000) as usize).min(rest.len());
            let name = format!("{:016x}.csv", dice.below(u64::MAX));
            std::fs::write(directory.path().join(name), format!("# part\n{header}{}", rest[..n].concat())).unwrap();
            rest = &rest[n..];
        }
        assert_same_events(&read(&[directory.path()]), &events_of(&messages), true);
    }
}

#[test]
fn rows_that_cannot_be_read_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let text = "1,100.0,2,200,1723161255000,True,True\n\
                2,1e-9,2,200,1723161255000,True,True\n\
                3,100.0,x,200,1723161255000,True,True\n\
                4,100.0,2\n\
                \n\
                5,100.0,2,200,soon,True,True\n\
                six,100.0,2,200,1723161255000,True,True\n\
                7,100.0,2,200,1723161255,True,True\n\
                8,100.0,2,200,1723161255000,maybe,True\n\
                9,100.0,2,200,17231612";
    std::fs::write(directory.path().join("BTCUSDT-trades-1.csv"), text).unwrap();
    let read = read(&[directory.path()]);
    assert_eq!(read.only().id, [1, 7, 8]);
    assert_eq!(read.only().side, [Side::Ask, Side::Ask, Side::None]);
    assert_eq!((read.count("invalid_value"), read.count("unreadable"), read.count("time_unit")), (5, 2, 1));
    let detail = read.detail("invalid_value");
    assert!(detail.contains("2: the price \"1e-9\": has digits below 10^-8"), "{detail}");
    assert!(detail.contains("6: the transaction time \"soon\": not an integer"), "{detail}");
    let detail = read.detail("unreadable");
    assert!(detail.contains("10: fewer than 6 columns, and the file ends inside this line: 9,100.0"), "{detail}");
    assert_eq!(read.counters.iter().find(|(c, _)| *c == "unreadable").unwrap().1.total, 9);
}

/// Reads damaged bytes; any answer but a panic is fine.
fn survives(bytes: &[u8], name: &str) -> Option<Read> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let asked = Inventory::scan(std::slice::from_ref(&path), Some(Format::BinanceCsv));
    assert!(asked.is_ok() || !asked.unwrap_err().to_string().is_empty());
    try_read(&[path]).ok()
}

#[test]
fn damage_anywhere_never_panics() {
    let messages = mixed("BTCUSDT", 300, 38);
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &messages, GoldenCompression::Plain);
    let stream = std::fs::read(&files(directory.path())[0]).unwrap();
    let archive = archive_trades(&messages, true).concat().into_bytes();
    let mut dice = Dice(39);
    let mut read_on = 0;
    for round in 0..300 {
        let whole = if round % 2 == 0 { &stream } else { &archive };
        let mut bytes = whole.clone();
        match dice.below(3) {
            0 => bytes.truncate(dice.below(bytes.len() as u64) as usize),
            _ => (0..1 + dice.below(20)).for_each(|_| {
                let at = dice.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << dice.below(8);
            }),
        }
        read_on += usize::from(survives(&bytes, "BTCUSDT-trades-1.csv").is_some_and(|r| !r.events.is_empty()));
    }
    assert!(read_on > 200, "only {read_on} of 300 damaged files gave events");
}
