//! Bitstamp order events and trades: half a real hour, and what makes its book a book.

use std::collections::BTreeMap;
use std::path::Path;

use verismo_feed::Format;
use verismo_market::event::{EventBatch, Kind, NO_ID, Side, flags};

use crate::common::{read, real_data, rows, starts};

/// Price levels and orders of a replay, and what went wrong.
#[derive(Default)]
struct Replay {
    orders: BTreeMap<i64, (Side, i64, i64)>,
    levels: [BTreeMap<i64, i64>; 2],
    n_unknown: u64,
    n_states: u64,
    n_crossed: u64,
}

impl Replay {
    fn change(&mut self, side: Side, price: i64, by: i64) {
        let levels = &mut self.levels[usize::from(side == Side::Ask)];
        let qty = levels.entry(price).or_default();
        *qty += by;
        assert!(*qty >= 0, "a level of {qty} at {price}");
        if *qty == 0 {
            levels.remove(&price);
        }
    }

    fn run(batch: &EventBatch) -> Self {
        let mut own = Self::default();
        for i in 0..batch.len() {
            let e = batch.row(i);
            match e.kind {
                Kind::OrderAdd => {
                    assert!(e.qty > 0, "row {i}");
                    assert_eq!(own.orders.insert(e.id, (e.side, e.price, e.qty)), None, "row {i}");
                    own.change(e.side, e.price, e.qty);
                }
                Kind::OrderReduce | Kind::OrderExec | Kind::OrderDelete => match own.orders.get_mut(&e.id) {
                    Some(order) => {
                        assert_eq!((order.0, order.1), (e.side, e.price), "row {i}");
                        order.2 -= e.qty;
                        assert!(order.2 >= 0 && (e.kind != Kind::OrderDelete || order.2 == 0), "row {i}: {order:?}");
                        if order.2 == 0 {
                            own.orders.remove(&e.id);
                        }
                        own.change(e.side, e.price, -e.qty);
                    }
                    None => own.n_unknown += 1,
                },
                Kind::Trade | Kind::SnapshotStart => {}
                other => panic!("row {i} is a {other:?}"),
            }
            if e.flags & flags::LAST_OF_UPDATE != 0
                && let (Some((bid, _)), Some((ask, _))) =
                    (own.levels[0].last_key_value(), own.levels[1].first_key_value())
            {
                own.n_states += 1;
                own.n_crossed += u64::from(bid >= ask);
            }
        }
        own
    }
}

fn trades(batch: &EventBatch) -> Vec<(i64, Side, i64, i64)> {
    let rows = (0..batch.len()).filter(|&i| batch.kind[i] == Kind::Trade).map(|i| batch.row(i));
    rows.map(|e| (e.t_exchange_ns, e.side, e.price, e.qty)).collect()
}

const ORDERS: &str = "btcusd_2026-05-02_orders.csv.gz";
const TRADES: &str = "btcusd_2026-05-02_trades.csv";

#[test]
fn half_an_hour_is_a_book_at_every_instant() {
    let Some(data) = real_data("bitstamp") else { return };
    let read = read(&[&data]);
    assert_eq!(read.inventory.format, Format::Bitstamp);
    assert_eq!(read.inventory.clock_ns(), 1_000_000);
    assert_eq!(read.messages, 314_057 + 284);
    let batch = read.only();
    assert_eq!(read.events.keys().next().unwrap(), "BTCUSD");
    for check in ["unreadable", "invalid_value", "time_unit", "truncated_file"] {
        assert_eq!(read.count(check), 0, "{}", read.detail(check));
    }
    let replay = Replay::run(batch);
    // Orders that were created before the recording or without a row: 13 deletions.
    assert_eq!(replay.n_unknown, 13);
    assert_eq!((replay.n_crossed, replay.n_states > 90_000), (0, true), "of {}", replay.n_states);
    // The two orders of the REST book that were gone already.
    let unknown = read.counters.unknown_streams();
    let of = |start: &str| unknown.iter().filter(|(name, _)| name.starts_with(start)).map(|(_, n)| n).sum::<u64>();
    assert_eq!(of("resting order that a later one crosses"), 2);
    assert_eq!(of("deletion made up"), 6_518);
    assert_eq!(starts(batch, Kind::SnapshotStart), 1);
    // Every trade once, with its execution.
    assert_eq!(trades(batch).len(), 284);
    let execs = (0..batch.len()).filter(|&i| batch.kind[i] == Kind::OrderExec).count();
    assert_eq!(execs, 284);
    eprintln!("{} rows, {} states, {:?}", batch.len(), replay.n_states, unknown);
}

#[test]
fn the_trades_without_their_file_are_the_same() {
    let Some(data) = real_data("bitstamp") else { return };
    let with = read(&[&data]);
    let without = read(&[&data.join(ORDERS)]);
    let (without_file, with_file) = (trades(without.only()), trades(with.only()));
    assert_eq!(without_file.len(), 284);
    assert!(without_file == with_file, "trades differ");
    assert!((0..without.only().len()).all(|i| without.only().kind[i] != Kind::Trade || without.only().id[i] == NO_ID));
}

#[test]
fn names_and_order_of_the_files_say_nothing() {
    let Some(data) = real_data("bitstamp") else { return };
    let directory = tempfile::tempdir().unwrap();
    let link = |name: &str, to: &str| std::fs::copy(data.join(name), directory.path().join(to)).unwrap();
    link(ORDERS, "b");
    link(TRADES, "a");
    let renamed = read(&[directory.path()]);
    assert_eq!(renamed.events.keys().next().unwrap(), "UNKNOWN");
    let strip = |b: &EventBatch| (0..b.len()).map(|i| b.row(i)).collect::<Vec<_>>();
    assert!(strip(renamed.only()) == strip(read(&[&data]).only()));
    assert!(Path::new(&data).exists());
}

/// Rows of orders and of trades: on each of `days`, `n` times a resting order loses 2 of 5 to an aggressor, a second apart.
fn days(days: std::ops::Range<i64>, n: i64) -> (String, String) {
    let mut orders = String::from("id,timestamp,exchange_timestamp,price,volume,action,direction\n");
    let mut trades =
        String::from("trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side\n");
    for (day, i) in days.flat_map(|day| (0..n).map(move |i| (day, i))) {
        let t_ms = 1_777_680_000_000 + day * 86_400_000 + i * 1_000;
        let (maker, taker) = (1_000 * day + 2 * i, 1_000 * day + 2 * i + 1);
        let mut order = |id: i64, t_ms: i64, rest: &str| orders.push_str(&format!("{id},{t_ms},{t_ms},100,{rest}\n"));
        order(maker, t_ms, "5,created,ask");
        for (id, rest) in [(taker, "2,created,bid"), (taker, "0,changed,bid"), (maker, "3,changed,ask")] {
            order(id, t_ms + 500, rest);
        }
        order(taker, t_ms + 500, "0,deleted,bid");
        let t_ms = t_ms + 500;
        trades.push_str(&format!("{taker},{t_ms},{t_ms},100,2,{taker},{maker},buy\n"));
    }
    (orders, trades)
}

#[test]
fn executions_are_told_where_no_trades_file_covers_the_time() {
    let (n_days, n) = (4, 10);
    let (orders, _) = days(0..n_days, n);
    // Trades of days 1 and 3; the names say nothing, nor does their order.
    for names in [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]] {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in names.iter().zip([&orders, &days(1..2, n).1, &days(3..4, n).1]) {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let read = read(&[directory.path()]);
        let batch = read.only();
        let rows: Vec<usize> = (0..batch.len()).filter(|&i| batch.kind[i] == Kind::Trade).collect();
        let ids: Vec<i64> = rows.iter().map(|&i| batch.id[i]).collect();
        let taker = |i: i64| if (i / n) % 2 == 1 { 1_000 * (i / n) + 2 * (i % n) + 1 } else { NO_ID };
        assert_eq!(ids, (0..n_days * n).map(taker).collect::<Vec<_>>(), "{names:?}");
        assert!(rows.iter().all(|&i| batch.kind[i + 1] == Kind::OrderExec && batch.side[i] == Side::Bid));
        assert!(!batch.kind.contains(&Kind::OrderReduce));
    }
}

#[test]
fn between_the_first_and_the_last_trade_of_a_file_its_word_counts() {
    let (n_days, n) = (1, 10);
    let (orders, trades) = days(0..n_days, n);
    let directory = tempfile::tempdir().unwrap();
    // Of the ten trades the second, fourth, and last are missing.
    let kept = trades.lines().enumerate().filter(|(i, _)| ![2, 4, 10].contains(i)).map(|(_, line)| format!("{line}\n"));
    std::fs::write(directory.path().join("a"), &orders).unwrap();
    std::fs::write(directory.path().join("b"), kept.collect::<String>()).unwrap();
    let read = read(&[directory.path()]);
    let batch = read.only();
    let reduced: Vec<i64> =
        (0..batch.len()).filter(|&i| batch.kind[i] == Kind::OrderReduce).map(|i| batch.id[i]).collect();
    assert_eq!(reduced, [2, 6], "in the span of the file");
    assert_eq!(starts(batch, Kind::Trade), 8, "the last one is behind it");
}

#[test]
fn a_reader_rests_after_each_day_with_the_orders_that_are_left() {
    let n_days = 4;
    // What rests since the first day goes on the last one.
    let deleted = "0,1777939300000,1777939300000,100,0,deleted,ask\n";
    let folder = |cut: &[std::ops::Range<i64>]| {
        let directory = tempfile::tempdir().unwrap();
        for (i, part) in cut.iter().enumerate() {
            let (mut orders, trades) = days(part.clone(), 10);
            if part.end == n_days {
                orders.push_str(deleted);
            }
            std::fs::write(directory.path().join(format!("{}", 9 - i)), orders).unwrap();
            std::fs::write(directory.path().join(format!("b{i}")), trades).unwrap();
        }
        directory
    };
    let by_day: Vec<_> = (0..n_days).map(|day| day..day + 1).collect();
    let (whole, parts) = (folder(std::slice::from_ref(&(0..n_days))), folder(&by_day));
    let (whole, parts) = (read(&[whole.path()]), read(&[parts.path()]));
    assert_eq!((whole.rests, parts.rests), (1, 4));
    let rows = |read: &crate::common::Read| rows(read.only(), true);
    assert!(rows(&whole) == rows(&parts));
    let last = parts.only().row(parts.only().len() - 1);
    assert_eq!((last.kind, last.id, last.qty), (Kind::OrderDelete, 0, 300_000_000));
}

/// Trades of a file that was read before cover their time, should a later file step back to it.
#[test]
fn what_trades_cover_outlasts_a_rest() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let header = "id,timestamp,exchange_timestamp,price,volume,action,direction\n";
    let order = |id: i64, t: i64, rest: &str| format!("{id},{t},1777680000{t:03},100,{rest}\n");
    write("a", &(header.to_owned() + &order(1, 100, "5,created,ask")));
    let trades = "trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side\n";
    write("t", &(trades.to_owned() + "7,500,1777680000500,100,2,8,9,buy\n"));
    let later =
        [(3, 900, "1,created,ask"), (2, 200, "2,created,bid"), (2, 200, "0,changed,bid"), (1, 200, "3,changed,ask")];
    write("b", &(header.to_owned() + &later.map(|(id, t, rest)| order(id, t, rest)).concat()));
    let read = read(&[directory.path()]);
    assert_eq!(read.rests, 3);
    let kinds = &read.only().kind;
    assert_eq!(kinds[..], [Kind::OrderAdd, Kind::Trade, Kind::OrderAdd, Kind::OrderReduce]);
}

#[test]
fn a_day_in_another_unit_is_held_against_the_first_one() {
    let directory = tempfile::tempdir().unwrap();
    for (day, unit) in [(0, ""), (1, "000")] {
        let mut text = String::from("id,timestamp,exchange_timestamp,price,volume,action,direction\n");
        for i in 0..10 {
            let t_ms = 1_777_680_000_000i64 + day * 86_400_000 + i;
            text.push_str(&format!("{},{t_ms},{t_ms}{unit},100,5,created,ask\n", 10 * day + i));
        }
        std::fs::write(directory.path().join(format!("{day}")), text).unwrap();
    }
    let read = read(&[directory.path()]);
    assert_eq!((read.rests, read.count("time_unit")), (2, 10));
}
