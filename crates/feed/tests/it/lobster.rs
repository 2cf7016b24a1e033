//! LOBSTER: two real days whose replay must be their order book files, and what the decoder and writer must keep.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use verismo_feed::write::{GoldenCompression, WriteOptions};
use verismo_feed::{Block, FeedError, Format, Inventory, ReaderOptions, sniff};
use verismo_market::book::Book;
use verismo_market::event::{Event, EventBatch, Kind, NO_ID, NO_TIME, Side, flags};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent, RestingOrder};
use verismo_market::orders::Orders;

use crate::common::{Read, START_NS, files, read, real_data, starts, try_read};
use crate::order_formats::{orders_market, write};

const UNIT: i64 = 100_000_000;

/// The market's own replay of a batch: `observe` sees the book at the end of each message, with its position.
fn replay(batch: &EventBatch, with_levels: bool, mut observe: impl FnMut(u64, &Book)) {
    let (mut book, mut orders) = (Book::default(), Orders::default());
    for i in 0..batch.len() {
        let e = batch.row(i);
        let mut apply = |action| {
            let event = OrderEvent { action, id: e.id, side: e.side, price: e.price, qty: e.qty, trade_id: NO_ID };
            orders.apply(&mut book, &event, e.t_exchange_ns);
        };
        match e.kind {
            Kind::OrderAdd => apply(OrderAction::Add),
            Kind::OrderReduce => apply(OrderAction::Reduce),
            Kind::OrderDelete => apply(OrderAction::Delete),
            Kind::OrderExec => apply(OrderAction::Exec),
            Kind::SnapshotStart => {
                orders.begin_snapshot();
                orders.end_snapshot();
                book.clear();
            }
            Kind::LevelSet if with_levels || e.flags & flags::SNAPSHOT != 0 => {
                book.set(e.side, e.price, e.qty);
            }
            _ => {}
        }
        let is_last = i + 1 == batch.len() || batch.flags[i + 1] & flags::FIRST_OF_MESSAGE != 0;
        if is_last && e.flags & flags::SNAPSHOT == 0 {
            observe(e.position, &book);
        }
    }
}

/// Levels of a row of an order book file: (side, level from 0, price and size in 10^-8 where there is a level).
type ShownLevel = (Side, usize, Option<(i64, i64)>);

fn levels(row: &str) -> Vec<ShownLevel> {
    let numbers: Vec<i64> = row.split(',').map(|field| field.parse().unwrap()).collect();
    let cell = |(i, pair): (usize, &[i64])| {
        let level = (pair[1] > 0).then_some((pair[0] * 10_000, pair[1] * UNIT));
        (if i % 2 == 0 { Side::Ask } else { Side::Bid }, i / 2, level)
    };
    numbers.chunks(2).enumerate().map(cell).collect()
}

/// Cells of the order book file, those that a replay has too, and those of them that are at the best prices.
#[derive(Debug, Default, PartialEq, Eq)]
struct Agreement {
    cells: u64,
    same: u64,
    best: u64,
    best_same: u64,
}

impl Agreement {
    fn of(batch: &EventBatch, rows: &[&str], with_levels: bool) -> Self {
        let mut own = Self::default();
        let mut n_rows = 0;
        replay(batch, with_levels, |position, book| {
            n_rows += 1;
            assert_eq!(position, n_rows, "a message for each row");
            let tops = [book.top(Side::Bid), book.top(Side::Ask)];
            for (side, level, want) in levels(rows[position as usize - 1]) {
                let top = &tops[usize::from(side == Side::Ask)];
                let is_same = top.levels().get(level).copied() == want;
                own.cells += 1;
                own.same += u64::from(is_same);
                own.best += u64::from(level == 0);
                own.best_same += u64::from(level == 0 && is_same);
            }
        });
        assert_eq!(n_rows as usize, rows.len());
        own
    }
}

fn unpacked(path: &Path) -> String {
    String::from_utf8(zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()).unwrap()
}

fn real_day(stem: &str, messages: u64, trades: usize, new_levels: std::ops::Range<usize>) {
    let Some(data) = real_data("lobster") else { return };
    let path = |kind: &str| data.join(stem.replace("KIND", kind));
    // The order book is found although only the messages are named.
    let read = read(&[&path("message")]);
    assert_eq!((read.inventory.format, read.inventory.clock_ns()), (Format::Lobster, 1));
    assert_eq!(read.inventory.sources.len(), 2, "messages and order book");
    assert!(read.inventory.ignored.is_empty());
    assert_eq!(read.messages, messages);
    for (check, counter) in read.counters.iter() {
        assert_eq!(counter.count, 0, "{check}: {}", read.detail(check));
    }
    let batch = read.only();
    assert_eq!(read.events.keys().next().unwrap(), &stem[..4]);
    let of = |kind| (0..batch.len()).filter(|&i| batch.kind[i] == kind).count();
    assert_eq!((starts(batch, Kind::SnapshotStart), of(Kind::SnapshotStart), of(Kind::Trade)), (1, 1, trades));
    assert_eq!(of(Kind::Trade), of(Kind::OrderExec) + of(Kind::OrderExecHidden));
    // 09:30 to 16:00 of New York in summer.
    let (first, last) = (batch.t_exchange_ns[0], *batch.t_exchange_ns.last().unwrap());
    let open_ns = 1_340_285_400_000_000_000;
    assert!((open_ns..open_ns + 1_000_000_000).contains(&first), "{first}");
    assert!((open_ns + 23_390_000_000_000..open_ns + 23_400_000_000_000).contains(&last), "{last}");

    let text = unpacked(&path("orderbook"));
    let rows: Vec<&str> = text.lines().collect();
    let all = Agreement::of(batch, &rows, true);
    assert_eq!(all.same, all.cells, "the replay is the order book");
    // Without the levels that come into view the messages alone, from the first book on.
    let alone = Agreement::of(batch, &rows, false);
    let is_set = |i: &usize| batch.kind[*i] == Kind::LevelSet && batch.flags[*i] & flags::SNAPSHOT == 0;
    let n_set = (0..batch.len()).filter(is_set).count();
    let share = |a: u64, b: u64| 100.0 * a as f64 / b as f64;
    eprintln!(
        "{stem}: {} cells, all equal; {n_set} of them set by LevelSet rows ({:.3} %); messages alone: {:.2} % of all, {:.2} % of the best",
        all.cells,
        share(n_set as u64, all.cells),
        share(alone.same, alone.cells),
        share(alone.best_same, alone.best),
    );
    assert!(new_levels.contains(&n_set), "{n_set} levels set");
    assert!(alone.same < alone.cells);
}

#[test]
fn a_real_day_of_amzn_replays_to_its_order_book() {
    real_day("AMZN_2012-06-21_34200000_57600000_KIND_5.csv.zst", 155_935, 8_974 + 2_445, 1_000..34_000);
}

#[test]
fn a_real_day_of_goog_replays_to_its_order_book() {
    real_day("GOOG_2012-06-21_34200000_57600000_KIND_10.csv.zst", 147_916, 7_765 + 3_913, 1_000..45_000);
}

#[test]
fn a_real_day_cut_in_two_is_the_same_day() {
    let Some(data) = real_data("lobster") else { return };
    let path = |kind: &str| data.join(format!("GOOG_2012-06-21_34200000_57600000_{kind}_10.csv.zst"));
    let whole = read(&[&path("message")]);
    let texts = ["message", "orderbook"].map(|kind| (kind, unpacked(&path(kind))));
    for at in [1, 70_001, 147_915] {
        let directory = tempfile::tempdir().unwrap();
        for (kind, text) in &texts {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            for (name, part) in [("9_9", &lines[..at]), ("1_1", &lines[at..])] {
                let name = format!("GOOG_2012-06-21_{name}_{kind}_10.csv");
                std::fs::write(directory.path().join(name), part.concat()).unwrap();
            }
        }
        let cut = read(&[directory.path()]);
        assert!(events(cut.only()) == events(whole.only()), "cut at {at}");
        assert!(cut.counters.iter().all(|(_, c)| c.count == 0), "{:?}", cut.counters);
    }
}

#[test]
fn simulated_messages_without_order_book_and_date() {
    let Some(data) = real_data("abides") else { return };
    let path = data.join("rmsc04_seed1_message.csv.gz");
    let read = read(&[&path]);
    assert_eq!((read.inventory.format, read.inventory.sources.len(), read.messages), (Format::Lobster, 1, 3_714));
    assert_eq!(read.events.keys().next().unwrap(), "rmsc04_seed1");
    let batch = read.only();
    let unwanted = [Kind::SnapshotStart, Kind::LevelSet];
    assert!(batch.kind.iter().all(|kind| !unwanted.contains(kind)), "the book starts empty");
    assert_eq!((0..batch.len()).filter(|&i| batch.kind[i] == Kind::OrderExec).count(), 1_837);
    assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{:?}", read.counters);
    // 2000-01-01 in New York, then a day that was told, elsewhere.
    assert_eq!(batch.t_exchange_ns[0], 946_702_800_000_000_000 + 34_201_700_639_559);
    let told = ReaderOptions::default().with_day(Some("Europe/Berlin".into()), Some("2021-02-05".into()));
    assert_eq!(read_with(&path, &told).unwrap().t_exchange_ns[0], 1_612_479_600_000_000_000 + 34_201_700_639_559);
    for (tz, date) in [(Some("Mars/Olympus"), None), (None, Some("yesterday"))] {
        let options = ReaderOptions::default().with_day(tz.map(str::to_owned), date.map(str::to_owned));
        let error = read_with(&path, &options).unwrap_err();
        assert!(error.code() == "bad-option" && error.is_usage(), "{error}");
    }
}

fn read_with(path: &Path, options: &ReaderOptions) -> Result<EventBatch, FeedError> {
    let inventory = Inventory::scan(&[path.to_owned()], None)?;
    let mut out = EventBatch::default();
    for mut reader in inventory.readers(options)? {
        let mut block = Block::default();
        while reader.next_block(&mut block)? {
            (0..block.batch.len()).for_each(|i| out.push(block.batch.row(i)));
        }
    }
    Ok(out)
}

/// Rows without their positions, which count lines of their file.
pub(crate) fn events(batch: &EventBatch) -> Vec<Event> {
    (0..batch.len()).map(|i| Event { position: 0, ..batch.row(i) }).collect()
}

/// Rows of messages without what the order book adds, and without what the format has no place for.
fn told(batch: &EventBatch) -> Vec<Event> {
    let is_told = |e: &Event| e.flags & flags::SNAPSHOT == 0 && e.kind != Kind::LevelSet;
    let strip = |e: Event| {
        let id = if e.kind == Kind::Trade { NO_ID } else { e.id };
        Event { t_receive_ns: NO_TIME, position: 0, flags: e.flags & flags::FIRST_OF_MESSAGE, id, ..e }
    };
    (0..batch.len()).map(|i| batch.row(i)).filter(is_told).map(strip).collect()
}

fn wanted(messages: &[Message]) -> BTreeMap<String, EventBatch> {
    crate::common::events_of(messages)
}

/// Reads what was written and holds it against the messages: the same rows, and after each the same ten best levels.
fn assert_same(read: &Read, messages: &[Message]) {
    assert_eq!(read.inventory.format, Format::Lobster);
    let want = wanted(messages);
    assert_eq!(read.events.keys().collect::<Vec<_>>(), want.keys().collect::<Vec<_>>());
    for (symbol, batch) in &want {
        let got = &read.events[symbol];
        assert!(told(got) == told(batch), "{symbol}: rows differ");
        let tops = |batch: &EventBatch| {
            let mut out = Vec::new();
            replay(batch, true, |_, book| {
                let ten = |side| book.top(side).levels().iter().take(10).copied().collect::<Vec<_>>();
                out.push((ten(Side::Bid), ten(Side::Ask)));
            });
            out
        };
        let (ours, theirs) = (tops(got), tops(batch));
        assert_eq!(ours.len(), theirs.len());
        assert!(ours == theirs, "{symbol}: books differ");
    }
    for (check, counter) in read.counters.iter() {
        assert_eq!(counter.count, 0, "{check}: {}", read.detail(check));
    }
}

#[test]
fn orders_of_two_symbols_come_back_with_their_books() {
    let messages = [orders_market("BTCUSD", 3000, 1), orders_market("BRK_B", 2000, 2)].concat();
    for compression in [GoldenCompression::Plain, GoldenCompression::Gzip(1)] {
        let directory = tempfile::tempdir().unwrap();
        write(Format::Lobster, directory.path(), &messages, compression);
        let read = read(&[directory.path()]);
        assert_eq!((read.inventory.sources.len(), read.inventory.ignored.len()), (4, 0));
        assert_same(&read, &messages);
    }
}

#[test]
fn hidden_executions_trades_and_midnight_come_back() {
    let order = |action, id, qty| OrderEvent {
        action,
        id,
        side: Side::Ask,
        price: 12_345 * UNIT / 100,
        qty: qty * UNIT,
        trade_id: NO_ID,
    };
    let trade = Body::Trade { id: NO_ID, price: 100 * UNIT, qty: UNIT, side: Side::Ask };
    // 23:59:59.5 and later, of New York.
    let night_ns = 1_723_176_000_000_000_000 - 500_000_000;
    let message = |i: i64, body| Message {
        t_exchange_ns: night_ns + i * 250_000_001,
        t_receive_ns: NO_TIME,
        symbol: "X".into(),
        body,
    };
    let bodies = [
        Body::Order(order(OrderAction::Add, 5, 7)),
        Body::Order(order(OrderAction::ExecHidden, NO_ID, 2)),
        trade,
        Body::Order(order(OrderAction::Reduce, 5, 1)),
        // Deleted without a word of what was left.
        Body::Order(order(OrderAction::Add, 6, 3)),
    ];
    let messages: Vec<Message> = bodies.into_iter().enumerate().map(|(i, body)| message(i as i64, body)).collect();
    let directory = tempfile::tempdir().unwrap();
    write(Format::Lobster, directory.path(), &messages, GoldenCompression::Plain);
    assert_eq!(files(directory.path()).len(), 4, "two days");
    let read = read(&[directory.path()]);
    assert_same(&read, &messages);
    let batch = read.only();
    let sessions: Vec<usize> = (0..batch.len()).filter(|&i| batch.flags[i] & flags::NEW_SESSION != 0).collect();
    assert_eq!(sessions.len(), 1, "a day is a session of its own");
    assert_eq!(batch.kind[sessions[0]], Kind::SnapshotStart);
}

#[test]
fn what_the_format_cannot_hold_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Format::Lobster.writer(directory.path(), &WriteOptions::default()).unwrap();
    let message = |body| Message { t_exchange_ns: START_NS, t_receive_ns: NO_TIME, symbol: "X".into(), body };
    let add = OrderEvent { action: OrderAction::Add, id: 1, side: Side::Bid, price: UNIT, qty: UNIT, trade_id: NO_ID };
    let resting = |qty| vec![RestingOrder { id: 1, side: Side::Bid, price: UNIT, qty }];
    let snapshot = |qty| message(Body::OrderSnapshot { last_id: NO_ID, orders: resting(qty) });
    writer.write(&message(Body::Order(add))).unwrap();
    // What is there already may be said again.
    writer.write(&snapshot(UNIT)).unwrap();
    for refused in [
        message(Body::Order(OrderEvent { qty: UNIT / 2, ..add })),
        message(Body::Order(OrderEvent { price: UNIT / 100_000, ..add })),
        message(Body::Order(OrderEvent { side: Side::None, ..add })),
        message(Body::Order(OrderEvent { action: OrderAction::Delete, id: 9, qty: 0, ..add })),
        message(Body::Depth { first_id: 1, last_id: 1, bids: vec![(1, 1)], asks: vec![] }),
        Message { t_exchange_ns: NO_TIME, ..message(Body::Order(add)) },
        Message { symbol: "../x".into(), ..message(Body::Order(add)) },
        snapshot(2 * UNIT),
    ] {
        assert!(writer.write(&refused).is_err_and(|e| e.code() == "not-expressible"), "{refused:?}");
    }
}

#[test]
fn a_snapshot_at_the_start_holds_only_what_rows_could_say() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = Format::Lobster.writer(directory.path(), &WriteOptions::default()).unwrap();
    let order = RestingOrder { id: 1, side: Side::Bid, price: UNIT, qty: UNIT };
    let snapshot = |order| Message {
        t_exchange_ns: START_NS,
        t_receive_ns: NO_TIME,
        symbol: "X".into(),
        body: Body::OrderSnapshot { last_id: NO_ID, orders: vec![RestingOrder { id: 2, ..order }, order] },
    };
    for (refused, words) in [
        (RestingOrder { qty: 3 * UNIT / 2, ..order }, "a size that is not whole"),
        (RestingOrder { qty: 0, ..order }, "a size that is not whole"),
        (RestingOrder { price: UNIT / 100_000, ..order }, "a price that is not a multiple"),
        (RestingOrder { side: Side::None, ..order }, "an order without a side"),
    ] {
        let error = writer.write(&snapshot(refused)).unwrap_err();
        assert!(error.code() == "not-expressible" && error.to_string().contains(words), "{error}");
    }
    writer.write(&snapshot(order)).unwrap();
}

/// A message file of 60 rows and its order book.
pub(crate) fn small() -> [String; 2] {
    let directory = tempfile::tempdir().unwrap();
    write(Format::Lobster, directory.path(), &orders_market("X", 60, 9), GoldenCompression::Plain);
    let texts: Vec<String> = files(directory.path()).iter().map(|p| std::fs::read_to_string(p).unwrap()).collect();
    texts.try_into().unwrap()
}

pub(crate) const NAMES: [&str; 2] = ["X_2024-08-08_0_1_message_10.csv", "X_2024-08-08_0_1_orderbook_10.csv"];

fn place(texts: &[String; 2]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in NAMES.iter().zip(texts) {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let paths = vec![directory.path().to_owned()];
    (directory, paths)
}

fn edited(texts: &[String; 2], which: usize, edit: impl FnOnce(&mut Vec<String>)) -> Read {
    let mut texts = texts.clone();
    let mut lines: Vec<String> = texts[which].lines().map(str::to_owned).collect();
    edit(&mut lines);
    texts[which] = lines.join("\n") + "\n";
    try_read(&place(&texts).1).unwrap()
}

#[test]
fn damage_is_counted_with_its_place() {
    let texts = small();
    let clean = edited(&texts, 0, |_| {});
    assert!(clean.counters.iter().all(|(_, c)| c.count == 0), "{:?}", clean.counters);
    // A message that cannot be read: the book goes on right, by level rows.
    let read = edited(&texts, 0, |lines| lines[30] = "1,2,3".into());
    assert_eq!((read.count("unreadable"), read.count("sequence_gap"), read.messages), (1, 0, 60));
    assert!(read.detail("unreadable").starts_with("31: 3 fields"), "{}", read.detail("unreadable"));
    let read = edited(&texts, 0, |lines| lines[30] = lines[30].replacen('.', "x", 1));
    assert_eq!((read.count("invalid_value"), read.count("sequence_gap")), (1, 0));
    // A message that is absent: the rows do not match from there on, and a row of the book is left over.
    let read = edited(&texts, 0, |lines| drop(lines.remove(30)));
    assert!(read.count("sequence_gap") > 10 && read.count("truncated_file") == 1, "{:?}", read.counters);
    // Absent from both: one row does not follow.
    let mut both = texts.clone();
    both[0] = texts[0].lines().enumerate().filter(|(i, _)| *i != 30).map(|(_, l)| format!("{l}\n")).collect();
    both[1] = texts[1].lines().enumerate().filter(|(i, _)| *i != 30).map(|(_, l)| format!("{l}\n")).collect();
    let read = try_read(&place(&both).1).unwrap();
    assert_eq!((read.count("sequence_gap"), read.count("truncated_file")), (1, 0), "{:?}", read.counters);
    assert!(read.detail("sequence_gap").starts_with("31: "));
    // An order book that ends early, one with a bad row, and one changed in a place that no message touches.
    let read = edited(&texts, 1, |lines| lines.truncate(20));
    assert_eq!((read.count("truncated_file"), read.messages), (1, 60));
    let read = edited(&texts, 1, |lines| lines[7] = "1,2,3,x".into());
    assert_eq!((read.count("invalid_value"), read.count("sequence_gap")), (1, 0));
    let read = edited(&texts, 1, |lines| {
        let mut fields: Vec<String> = lines[7].split(',').map(str::to_owned).collect();
        fields[1] = "7777".into();
        lines[7] = fields.join(",");
    });
    assert_eq!(read.count("sequence_gap"), 2, "into the row and out of it");
}

#[test]
fn an_order_book_alone_is_no_data_and_tables_are_tables() {
    let texts = small();
    let (directory, _) = place(&texts);
    let [messages, book] = NAMES.map(|name| directory.path().join(name));
    assert_eq!(sniff(&messages).unwrap().format, Format::Lobster);
    let error = try_read(&[book]).unwrap_err();
    assert!(error.to_string().contains("order book without its messages"), "{error}");
    // Beside its messages it is read whichever path is given, once.
    for paths in [vec![messages.clone()], vec![directory.path().to_owned()]] {
        assert_eq!(try_read(&paths).unwrap().inventory.sources.len(), 2);
    }
    std::fs::write(directory.path().join("table.csv"), "time,x\n1,2\n").unwrap();
    assert_eq!(try_read(&[directory.path().to_owned()]).unwrap().inventory.ignored.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damaged_files_are_an_answer(
        at in proptest::collection::vec((0usize..2, any::<u32>(), any::<u8>()), 1..12),
        cut in proptest::collection::vec(0usize..60, 2),
    ) {
        let mut bytes = small().map(String::into_bytes);
        for (which, i, b) in at {
            let n = bytes[which].len();
            bytes[which][i as usize % n] = b;
        }
        let directory = tempfile::tempdir().unwrap();
        for (i, mut bytes) in bytes.into_iter().enumerate() {
            let n = bytes.len();
            bytes.truncate(if cut[i] < 40 { n } else { n * (cut[i] - 40) / 20 });
            std::fs::write(directory.path().join(NAMES[i]), bytes).unwrap();
        }
        if let Ok(read) = try_read(&[directory.path().to_owned()]) {
            prop_assert!(read.events.values().all(|batch| !batch.is_empty()));
        }
    }
}
