//! Crypto Lake tables: as the service writes them, as other tools spell them, damaged, and as we write them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use verismo_feed::write::WriteOptions;
use verismo_feed::{Block, Format, Inventory, ReaderOptions};
use verismo_market::event::{Kind, NO_ID, NO_TIME, Side, flags};
use verismo_market::message::{Body, Message};

use crate::common::{
    Dice, START_NS, assert_same_events, events_of, files, market, read, starts, try_read, write_events,
};

fn column(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

fn put(directory: &Path, name: &str, columns: Vec<(String, ArrayRef)>) -> PathBuf {
    put_batch(directory, name, &RecordBatch::try_from_iter(columns).unwrap())
}

fn put_batch(directory: &Path, name: &str, batch: &RecordBatch) -> PathBuf {
    let path = directory.join(name);
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    path
}

fn named(columns: Vec<(&str, ArrayRef)>) -> Vec<(String, ArrayRef)> {
    columns.into_iter().map(|(name, array)| (name.to_owned(), array)).collect()
}

fn category(values: &[&str]) -> ArrayRef {
    column(values.iter().copied().collect::<DictionaryArray<Int32Type>>())
}

const MS: i64 = 1_000_000;

/// Two trades as pandas writes them: categories, f64, timestamps in ns of ms clocks.
fn trades() -> Vec<(String, ArrayRef)> {
    named(vec![
        ("side", category(&["buy", "sell"])),
        ("quantity", column(Float64Array::from(vec![0.1 + 0.2, 1e-8]))),
        ("price", column(Float64Array::from(vec![61_837.63, 61_837.62]))),
        ("trade_id", column(Int64Array::from(vec![5, 6]))),
        ("origin_time", column(TimestampNanosecondArray::from(vec![START_NS, START_NS + 30 * MS]))),
        ("received_time", column(TimestampNanosecondArray::from(vec![START_NS + 7 * MS, START_NS + 40 * MS]))),
        ("exchange", category(&["BINANCE"; 2])),
        ("symbol", category(&["BTC-USDT"; 2])),
    ])
}

/// One update of three rows with two sequence numbers, then one of a single row.
fn deltas() -> Vec<(String, ArrayRef)> {
    let at = |ms: [i64; 4]| column(TimestampNanosecondArray::from(ms.map(|ms| START_NS + ms * MS).to_vec()));
    named(vec![
        ("received_time", at([20, 20, 20, 50])),
        ("origin_time", at([10, 10, 11, 45])),
        ("sequence_number", column(Int64Array::from(vec![100, 100, 104, 190]))),
        ("side_is_bid", column(BooleanArray::from(vec![true, false, false, true]))),
        ("price", column(Float64Array::from(vec![61_837.61, 61_837.7, 61_838.0, 61_837.61]))),
        ("size", column(Float64Array::from(vec![1.5, 0.0, 2.0, 0.25]))),
        ("exchange", category(&["BINANCE"; 4])),
        ("symbol", category(&["BTC-USDT"; 4])),
    ])
}

/// Book rows at these ms, with two bids and one ask of the 20 levels filled.
fn book(ms: &[i64]) -> Vec<(String, ArrayRef)> {
    let n = ms.len();
    let at =
        |shift: i64| column(TimestampNanosecondArray::from_iter_values(ms.iter().map(|t| START_NS + (t + shift) * MS)));
    let mut columns = named(vec![
        ("origin_time", at(-5)),
        ("received_time", at(0)),
        ("sequence_number", column(Int64Array::from_iter_values(ms.iter().map(|t| 50 + t)))),
        ("exchange", category(&vec!["BINANCE"; n])),
        ("symbol", category(&vec!["BTC-USDT"; n])),
    ]);
    for (side, filled) in [("bid", 2), ("ask", 1)] {
        for level in 0..20 {
            let price = if side == "bid" { 61_837.5 - level as f64 } else { 61_838.5 + level as f64 };
            let value =
                |value: f64| column(Float64Array::from(vec![if level < filled { Some(value) } else { None }; n]));
            columns.push((format!("{side}_{level}_price"), value(price)));
            columns.push((format!("{side}_{level}_size"), value(0.5 + level as f64)));
        }
    }
    columns
}

/// Trades at these exchange times; `None` where there is none.
fn trades_at(times: &[Option<i64>]) -> Vec<(String, ArrayRef)> {
    let n = times.len();
    named(vec![
        ("side", category(&vec!["buy"; n])),
        ("quantity", column(Float64Array::from(vec![1.0; n]))),
        ("price", column(Float64Array::from(vec![2.0; n]))),
        ("trade_id", column(Int64Array::from_iter_values(0..n as i64))),
        ("origin_time", column(times.iter().copied().collect::<TimestampNanosecondArray>())),
        (
            "received_time",
            column(TimestampNanosecondArray::from_iter_values((0..n as i64).map(|i| START_NS + 7 * MS * i))),
        ),
        ("exchange", category(&vec!["BINANCE"; n])),
        ("symbol", category(&vec!["BTC-USDT"; n])),
    ])
}

#[test]
fn the_clock_is_that_of_the_finest_piece_and_needs_a_stamp() {
    let (on_ms, on_us) = (vec![Some(START_NS); 3], vec![Some(START_NS + MS), Some(START_NS + MS + 5_000)]);
    let none = vec![None; 1500];
    for (pieces, clock_ns) in [
        (vec![on_ms.clone()], MS),
        (vec![on_ms.clone(), on_us.clone()], 1_000),
        (vec![[on_ms.clone(), on_us.clone()].concat()], 1_000),
        (vec![on_ms.clone(), none.clone()], MS),
        (vec![[none.clone(), on_us.clone()].concat()], 1_000),
        (vec![[none.clone(), on_us.clone()].concat(), on_ms.clone()], 1_000),
        (vec![none.clone()], 1),
    ] {
        let directory = tempfile::tempdir().unwrap();
        for (i, piece) in pieces.iter().enumerate() {
            put(directory.path(), &format!("{i}.parquet"), trades_at(piece));
        }
        let inventory = Inventory::scan(&[directory.path().to_owned()], None).unwrap();
        assert_eq!((inventory.format, inventory.clock_ns()), (Format::CryptoLake, clock_ns), "{pieces:?}");
    }
}

#[test]
fn the_tables_of_one_symbol_are_merged_by_receive_time() {
    let directory = tempfile::tempdir().unwrap();
    // Names say nothing of the order.
    put(directory.path(), "1.parquet", deltas());
    put(directory.path(), "2.parquet", trades());
    put(directory.path(), "0.parquet", book(&[15, 45]));
    let read = read(&[directory.path()]);
    assert_eq!((read.inventory.format, read.inventory.clock_ns()), (Format::CryptoLake, MS));
    assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{:?}", read.counters);
    assert_eq!((read.messages, read.block_messages), (8, 8));
    let batch = &read.events["BTC-USDT"];
    let rows: Vec<(Kind, Side, i64)> = (0..batch.len()).map(|i| (batch.kind[i], batch.side[i], batch.id[i])).collect();
    assert_eq!(
        rows,
        [
            (Kind::Trade, Side::Bid, 5),
            (Kind::SnapshotStart, Side::None, 65),
            (Kind::LevelSet, Side::Bid, 65),
            (Kind::LevelSet, Side::Bid, 65),
            (Kind::LevelSet, Side::Ask, 65),
            (Kind::LevelSet, Side::Bid, 100),
            (Kind::LevelSet, Side::Ask, 100),
            (Kind::LevelSet, Side::Ask, 104),
            (Kind::Trade, Side::Ask, 6),
            // Beside changes a later book row is a best quote.
            (Kind::Quote, Side::Bid, 95),
            (Kind::Quote, Side::Ask, 95),
            (Kind::LevelSet, Side::Bid, 190),
        ]
    );
    let (first, last) = (flags::FIRST_OF_MESSAGE, flags::LAST_OF_UPDATE);
    let marks: Vec<u8> = batch.flags.iter().map(|f| f & (first | last)).collect();
    assert_eq!(marks, [first, first, 0, 0, last, first, 0, last, first, first, last, first | last]);
    assert_eq!((batch.qty[0], batch.qty[8], batch.price[0]), (30_000_000, 1, 6_183_763_000_000));
    assert_eq!((batch.t_exchange_ns[7], batch.t_receive_ns[7]), (START_NS + 11 * MS, START_NS + 20 * MS));
    assert!(batch.first_id.iter().all(|id| *id == NO_ID), "sequence numbers tell no gap");
}

#[test]
fn book_rows_alone_are_snapshots() {
    let directory = tempfile::tempdir().unwrap();
    put(directory.path(), "a.parquet", book(&[10, 110, 210]));
    let read = read(&[directory.path()]);
    assert_eq!(starts(read.only(), Kind::SnapshotStart), 3);
    assert_eq!(read.only().len(), 3 * 4);
}

#[test]
fn a_venue_without_changes_keeps_its_books_beside_one_that_has_them() {
    let at = |venues: &[&str], columns: Vec<(String, ArrayRef)>| -> Vec<(String, ArrayRef)> {
        columns.into_iter().map(|(n, a)| if n == "exchange" { (n, category(venues)) } else { (n, a) }).collect()
    };
    let snapshots = |changed: &[&str; 4]| -> Vec<(String, usize)> {
        let directory = tempfile::tempdir().unwrap();
        put(directory.path(), "d.parquet", at(changed, deltas()));
        for venue in ["BINANCE", "KRAKEN", "OKX"] {
            put(directory.path(), &format!("{venue}.parquet"), at(&[venue; 3], book(&[10, 110, 210])));
        }
        let inventory = Inventory::scan(&[directory.path().to_owned()], None).unwrap();
        let mut readers = inventory.readers(&ReaderOptions::default()).unwrap();
        let mut found = std::collections::BTreeMap::new();
        let mut block = Block::default();
        while readers[0].next_block(&mut block).unwrap() {
            let venue = readers[0].streams()[block.stream].venue.clone();
            *found.entry(venue).or_insert(0) += starts(&block.batch, Kind::SnapshotStart);
        }
        found.into_iter().collect()
    };
    let want = |counts: [usize; 3]| {
        ["BINANCE", "KRAKEN", "OKX"].map(str::to_owned).into_iter().zip(counts).collect::<Vec<_>>()
    };
    assert_eq!(snapshots(&["BINANCE"; 4]), want([1, 3, 3]));
    // Of several venues in one file every one counts.
    assert_eq!(snapshots(&["BINANCE", "BINANCE", "OKX", "BINANCE"]), want([1, 3, 1]));
}

#[test]
fn streams_are_named_by_the_rows_else_by_the_file() {
    let names = |name: &str, drop: &[&str]| {
        let directory = tempfile::tempdir().unwrap();
        let columns = trades().into_iter().filter(|(n, _)| !drop.contains(&n.as_str())).collect();
        put(directory.path(), name, columns);
        let inventory = Inventory::scan(&[directory.path().to_owned()], None).unwrap();
        let mut readers = inventory.readers(&ReaderOptions::with_symbol(Some("ASKED".to_owned()))).unwrap();
        let mut block = Block::default();
        while readers[0].next_block(&mut block).unwrap() {}
        let stream = &readers[0].streams()[0];
        format!("{}:{}", stream.venue, stream.symbol)
    };
    let name = "BINANCE_FUTURES_ETH-USDT-PERP_trades_20240808_20240809.parquet";
    assert_eq!(names(name, &[]), "BINANCE:BTC-USDT");
    assert_eq!(names(name, &["exchange", "symbol"]), "BINANCE_FUTURES:ETH-USDT-PERP");
    assert_eq!(names("x.parquet", &["exchange", "symbol"]), ":ASKED");
}

#[test]
fn other_spellings_and_types_are_the_same_table() {
    let renamed = |columns: Vec<(String, ArrayRef)>, names: &[(&str, &str)]| -> Vec<(String, ArrayRef)> {
        let new =
            |name: String| names.iter().find(|(old, _)| *old == name).map_or(name.clone(), |(_, n)| (*n).to_owned());
        columns.into_iter().map(|(name, array)| (new(name), array)).collect()
    };
    let raw = [
        ("quantity", "amount"),
        ("trade_id", "id"),
        ("origin_time", "timestamp"),
        ("received_time", "receipt_timestamp"),
    ];
    let directory = tempfile::tempdir().unwrap();
    put(directory.path(), "a.parquet", trades());
    put(directory.path(), "b.parquet", deltas());
    let want = read(&[directory.path()]);
    let directory = tempfile::tempdir().unwrap();
    put(directory.path(), "a.parquet", renamed(trades(), &raw));
    let mut columns =
        renamed(deltas(), &[("sequence_number", "update_id"), ("size", "new_quantity"), ("side_is_bid", "side")]);
    for (name, array) in &mut columns {
        match name.as_str() {
            "side" => *array = column(StringArray::from(vec!["BID", "ask", "sell", "Buy"])),
            // Stamps by magnitude, and a declared unit.
            "origin_time" => *array = column(Int64Array::from([10, 10, 11, 45].map(|ms| START_NS / MS + ms).to_vec())),
            "received_time" => {
                let us = [20, 20, 20, 50].map(|ms| START_NS / 1_000 + ms * 1_000);
                *array = column(TimestampMicrosecondArray::from(us.to_vec()));
            }
            _ => {}
        }
    }
    put(directory.path(), "b.parquet", columns);
    let got = read(&[directory.path()]);
    // The integer stamps of one file are ms, those of the other are declared as ns: both are exact.
    let only_units = got.counters.iter().all(|(check, c)| c.count == 0 || check == "time_unit");
    assert!(only_units, "{:?}", got.counters);
    assert_same_events(&got, &want.events, true);
}

#[test]
fn values_without_a_meaning_are_counted_with_their_row() {
    let directory = tempfile::tempdir().unwrap();
    let mut columns = trades();
    columns[0].1 = category(&["up", "sell"]);
    columns[2].1 = column(Float64Array::from(vec![Some(1.0), Some(f64::NAN)]));
    put(directory.path(), "a.parquet", columns);
    let mut columns = deltas();
    columns[3].1 = column(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]));
    columns[5].1 = column(Float64Array::from(vec![Some(1.0), Some(1.0), None, Some(1.0 / 3.0)]));
    put(directory.path(), "b.parquet", columns);
    let read = read(&[directory.path()]);
    assert_eq!(read.only().kind, [Kind::Trade, Kind::LevelSet]);
    assert_eq!(read.only().side[0], Side::None, "a trade without a known aggressor is still a trade");
    assert_eq!(read.count("invalid_value"), 5);
    let detail = read.detail("invalid_value");
    for want in ["1: side is up", "2: price is NaN", "2: side_is_bid is null", "3: size is null", "4: size is 0.33"] {
        assert!(detail.contains(want), "{want}: {detail}");
    }
}

#[test]
fn ids_that_are_none_are_counted_with_their_row() {
    let directory = tempfile::tempdir().unwrap();
    let mut columns = trades();
    columns[3].1 = column(Float64Array::from(vec![5.5, 6.0]));
    put(directory.path(), "a.parquet", columns);
    let read = read(&[directory.path()]);
    assert_eq!(read.detail("invalid_value"), "1: trade_id is 5.5\n");
    assert_eq!(read.only().id, [NO_ID, 6]);
}

#[test]
fn a_column_that_cannot_be_read_is_the_files_problem() {
    let directory = tempfile::tempdir().unwrap();
    let mut columns = trades();
    columns[4].1 = category(&["noon", "midnight"]);
    put(directory.path(), "a.parquet", columns);
    let error = try_read(&[directory.path().to_owned()]).unwrap_err();
    assert_eq!(error.code(), "column-type");
    assert!(error.to_string().contains("origin_time"), "{error}");
    // A table of prices without the stamps of the service is a table.
    let columns = trades().into_iter().filter(|(name, _)| name != "origin_time" && name != "received_time").collect();
    let directory = tempfile::tempdir().unwrap();
    let plain = put(directory.path(), "a.parquet", columns);
    assert_eq!(Inventory::scan(&[plain], None).unwrap().format, Format::Table);
}

#[test]
fn event_trees_and_lake_tables_exclude_each_other() {
    let directory = tempfile::tempdir().unwrap();
    put(directory.path(), "a.parquet", trades());
    write_events(&directory.path().join("tree"), &market("BTCUSDT", 20, 41), Default::default());
    let error = try_read(&[directory.path().to_owned()]).unwrap_err();
    assert_eq!(error.code(), "mixed-formats");
    assert!(error.to_string().contains("crypto-lake"), "{error}");
}

fn write(directory: &Path, messages: &[Message]) {
    let mut writer = Format::CryptoLake.writer(directory, &WriteOptions::default()).unwrap();
    messages.iter().for_each(|m| writer.write(m).unwrap());
    assert_eq!(writer.finish().unwrap().messages, messages.len() as u64);
}

/// Messages with what the tables can hold: no first ids; receive times rise.
fn lake_market(n: usize, seed: u64) -> Vec<Message> {
    let mut messages = market("BTC-USDT", n, seed);
    for message in &mut messages {
        if let Body::Depth { first_id, .. } = &mut message.body {
            *first_id = NO_ID;
        }
    }
    let levels = |base: i64, step: i64| (0..20).map(|i| (base + i * step, 1_000_000 + i)).collect();
    let body =
        Body::Snapshot { last_id: 40_000, bids: levels(900_000_000, -1_000_000), asks: levels(901_000_000, 1_000_000) };
    messages.insert(0, Message { t_receive_ns: messages[0].t_receive_ns - 1, body, ..messages[0].clone() });
    messages
}

#[test]
fn what_is_written_reads_back() {
    let messages = lake_market(3000, 42);
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &messages);
    assert_eq!(files(directory.path()).len(), 3);
    let got = read(&[directory.path()]);
    assert!(got.counters.iter().all(|(_, c)| c.count == 0), "{:?}", got.counters);
    assert_same_events(&got, &events_of(&messages), true);
    // Without receive times the exchange's order them.
    let spaced: Vec<Message> = messages
        .into_iter()
        .enumerate()
        .map(|(i, m)| Message { t_exchange_ns: m.t_exchange_ns + i as i64 * 1_000, t_receive_ns: NO_TIME, ..m })
        .collect();
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &spaced);
    assert_same_events(&read(&[directory.path()]), &events_of(&spaced), true);
}

#[test]
fn levels_below_the_twentieth_follow_as_changes() {
    let bids: Vec<(i64, i64)> = (0..30).map(|i| (1_000 - i, 5 + i)).collect();
    let body = Body::Snapshot { last_id: 7, bids: bids.clone(), asks: vec![(1_001, 1)] };
    let message = Message { t_exchange_ns: START_NS, t_receive_ns: NO_TIME, symbol: "X".into(), body };
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[message]);
    let read = read(&[directory.path()]);
    let batch = read.only();
    let levels: Vec<(i64, i64)> =
        (0..batch.len()).filter(|&i| batch.side[i] == Side::Bid).map(|i| (batch.price[i], batch.qty[i])).collect();
    assert_eq!(levels, bids);
    assert_eq!(batch.len(), 32);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Format::CryptoLake.writer(directory.path(), &WriteOptions::default()).unwrap();
    let good = lake_market(1, 43).remove(1);
    let too_fine = Body::Trade { id: 1, price: (1 << 60) + 1, qty: 1, side: Side::Bid };
    for (bad, word) in [
        (Message { body: Body::OrderSnapshot { last_id: 1, orders: vec![] }, ..good.clone() }, "order-level"),
        (Message { body: too_fine, ..good.clone() }, "finer than f64"),
        (Message { t_exchange_ns: NO_TIME, ..good.clone() }, "without exchange time"),
        (Message { symbol: "a/b".into(), ..good.clone() }, "the symbol"),
    ] {
        let error = writer.write(&bad).unwrap_err();
        assert_eq!(error.code(), "not-expressible");
        assert!(error.to_string().contains(word), "{error}");
    }
}

/// The rows of a file.
fn rows_of(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    reader.with_batch_size(1 << 20).build().unwrap().next().unwrap().unwrap()
}

#[test]
fn tables_cut_at_any_rows_and_named_anyhow() {
    let messages = lake_market(3000, 44);
    let whole = tempfile::tempdir().unwrap();
    write(whole.path(), &messages);
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let directory = tempfile::tempdir().unwrap();
        for path in files(whole.path()) {
            let rows = rows_of(&path);
            let mut from = 0;
            while from < rows.num_rows() {
                let n = (1 + dice.below(1500) as usize).min(rows.num_rows() - from);
                put_batch(directory.path(), &format!("{:016x}.parquet", dice.below(u64::MAX)), &rows.slice(from, n));
                from += n;
            }
        }
        assert_same_events(&read(&[directory.path()]), &events_of(&messages), true);
    }
}

#[test]
fn a_reader_rests_between_days_where_no_book_stands_back_for_changes() {
    const DAY_MS: i64 = 24 * 3_600_000;
    type Columns = Vec<(String, ArrayRef)>;
    let later = |by_ms: i64, columns: Columns| -> Columns {
        let shifted = |array: &ArrayRef| {
            let times = array.as_any().downcast_ref::<TimestampNanosecondArray>().unwrap();
            column(TimestampNanosecondArray::from_iter_values(times.values().iter().map(|t| t + by_ms * MS)))
        };
        let is_time = |name: &str| name.ends_with("_time");
        columns.into_iter().map(|(n, a)| if is_time(&n) { (n, shifted(&a)) } else { (n, a) }).collect()
    };
    let given = |tables: &[fn() -> Columns]| {
        let directory = tempfile::tempdir().unwrap();
        for day in 0..4 {
            for (i, table) in tables.iter().enumerate() {
                put(directory.path(), &format!("{}-{i}.parquet", 9 - day), later(day * DAY_MS, table()));
            }
        }
        read(&[directory.path()])
    };
    let books: fn() -> _ = || book(&[10, 110, 210]);
    for (tables, rests) in
        [(&[trades as fn() -> _, books][..], 4), (&[trades, deltas], 4), (&[deltas], 4), (&[deltas, books], 1)]
    {
        let read = given(tables);
        assert_eq!(read.rests, rests);
        // Of a day with trades and changes: two trades, and two messages of four levels in all.
        if tables.len() == 1 {
            assert_eq!((read.only().len(), starts(read.only(), Kind::LevelSet)), (4 * 4, 4 * 2));
        }
    }
}

#[test]
fn a_day_in_another_unit_is_held_against_the_first_one() {
    let directory = tempfile::tempdir().unwrap();
    for (day, unit) in [(0, 1_000_000), (1, 1_000)] {
        let times: Vec<i64> = (0..10).map(|i| (START_NS + day * 86_400_000_000_000 + i * MS) / unit).collect();
        let columns = named(vec![
            ("side", category(&["buy"; 10])),
            ("quantity", column(Float64Array::from(vec![1.0; 10]))),
            ("price", column(Float64Array::from(vec![2.0; 10]))),
            ("trade_id", column(Int64Array::from_iter_values(day * 10..day * 10 + 10))),
            ("origin_time", column(Int64Array::from(times))),
            ("symbol", category(&["BTC-USDT"; 10])),
        ]);
        put(directory.path(), &format!("{day}.parquet"), columns);
    }
    let read = read(&[directory.path()]);
    assert_eq!((read.rests, read.count("time_unit")), (2, 10));
}

#[test]
fn damage_anywhere_never_panics() {
    let messages = lake_market(200, 45);
    let whole = tempfile::tempdir().unwrap();
    write(whole.path(), &messages);
    let contents: Vec<Vec<u8>> = files(whole.path()).iter().map(|p| std::fs::read(p).unwrap()).collect();
    let mut dice = Dice(46);
    let mut answered = 0;
    for round in 0..200 {
        let mut bytes = contents[round % contents.len()].clone();
        match dice.below(3) {
            0 => bytes.truncate(dice.below(bytes.len() as u64) as usize),
            _ => (0..1 + dice.below(8)).for_each(|_| {
                let at = dice.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << dice.below(8);
            }),
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x_trades_1.parquet");
        std::fs::write(&path, &bytes).unwrap();
        let asked = Inventory::scan(std::slice::from_ref(&path), Some(Format::CryptoLake));
        assert!(asked.is_ok() || !asked.unwrap_err().to_string().is_empty());
        match try_read(&[path]) {
            Ok(_) => answered += 1,
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    assert!(answered > 20, "only {answered} of 200 damaged files were read on");
}
