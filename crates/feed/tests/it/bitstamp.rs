//! Bitstamp order events and trades: half a real hour, and what makes its book a book.

use std::collections::BTreeMap;
use std::path::Path;

use verismo_feed::Format;
use verismo_market::event::{EventBatch, Kind, NO_ID, Side, flags};

use crate::common::{read, real_data, starts};

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
