//! The replay of a real full-channel capture reaches the real ending book exactly.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use support::coinbase::{Order, OrderBook, Orders, orders, text};
use support::{at_ms, decimal};
use verismo_market::book::BookLevel;
use verismo_market::event::{EventBatch, NO_ID, NO_TIME, Side};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent, RestingOrder};
use verismo_market::observe::{ObserveOptions, StreamObserver};

/// Price levels of an order list, best first.
fn levels(orders: &Orders, side: Side) -> Vec<BookLevel> {
    let mut sums = std::collections::BTreeMap::new();
    for order in orders.values().filter(|order| order.side == side) {
        *sums.entry(order.price).or_insert(0) += order.qty;
    }
    let mut levels: Vec<BookLevel> = sums.into_iter().map(|(price, qty)| BookLevel { price, qty }).collect();
    if side == Side::Bid {
        levels.reverse();
    }
    levels
}

#[test]
fn the_replay_reaches_the_ending_book_exactly() {
    let Some(data) = support::data("coinbase") else { return };
    let mut book = OrderBook::new(orders(&data.join("beginning_level_3.json.zst")));
    assert_eq!(book.orders.len(), 66_811);
    let mut n_crossed = 0;
    for line in text(&data.join("messages.jsonl.zst")).lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        book.apply(&message);
        n_crossed += u32::from(book.book.touch().unwrap().is_crossed());
    }
    let ending = orders(&data.join("ending_level_3.json.zst"));
    assert_eq!(ending.len(), 66_833);
    assert!(book.orders == ending, "orders differ");
    for side in [Side::Bid, Side::Ask] {
        let want = levels(&ending, side);
        assert_eq!(book.book.len(side), want.len());
        assert!(book.book.levels(side).eq(want.iter().copied()), "{side:?} levels differ");
    }
    assert_eq!((n_crossed, book.book.levels_dropped()), (0, 0));
    println!("{} orders on {} + {} levels", ending.len(), book.book.len(Side::Bid), book.book.len(Side::Ask));
}

/// The capture as messages of the event model, with numbers for the venue's ids.
#[derive(Default)]
struct Numbered {
    ids: BTreeMap<String, i64>,
    batch: EventBatch,
    position: u64,
}

impl Numbered {
    fn id(&mut self, name: &str) -> i64 {
        let next = self.ids.len() as i64;
        *self.ids.entry(name.to_owned()).or_insert(next)
    }

    fn push(&mut self, t_exchange_ns: i64, body: Body) {
        self.position += 1;
        let message = Message { t_exchange_ns, t_receive_ns: NO_TIME, symbol: "BTCUSD".to_owned(), body };
        message.push_events(self.position, &mut self.batch);
    }

    fn snapshot(&mut self, orders: &Orders) -> Vec<RestingOrder> {
        let resting = |(name, order): (&String, &Order)| {
            let (id, Order { side, price, qty }) = (self.id(name), *order);
            RestingOrder { id, side, price, qty }
        };
        orders.iter().map(resting).collect()
    }

    fn message(&mut self, message: &Value) {
        let text = |key: &str| message[key].as_str();
        // Quantity is not said of a market order, nor of what was deleted before it rested.
        let number = |key: &str| text(key).map_or(0, decimal);
        let (action, key, qty) = match text("type").unwrap() {
            "open" => (OrderAction::Add, "order_id", number("remaining_size")),
            "match" => (OrderAction::Exec, "maker_order_id", number("size")),
            "done" => (OrderAction::Delete, "order_id", number("remaining_size")),
            _ => return,
        };
        let id = self.id(text(key).unwrap());
        let side = if text("side") == Some("buy") { Side::Bid } else { Side::Ask };
        let trade_id = message["trade_id"].as_i64().unwrap_or(NO_ID);
        let t_ns = at_ms(self.position as i64);
        self.push(t_ns, Body::Order(OrderEvent { action, id, side, price: number("price"), qty, trade_id }));
    }
}

#[test]
fn the_observer_reaches_every_order_and_every_level_of_the_ending_book() {
    let Some(data) = support::data("coinbase") else { return };
    let mut capture = Numbered::default();
    let beginning = capture.snapshot(&orders(&data.join("beginning_level_3.json.zst")));
    capture.push(at_ms(0), Body::OrderSnapshot { last_id: NO_ID, orders: beginning });
    for line in text(&data.join("messages.jsonl.zst")).lines() {
        capture.message(&serde_json::from_str(line).unwrap());
    }
    let ending = orders(&data.join("ending_level_3.json.zst"));
    let mut observer = StreamObserver::new(&ObserveOptions::default());
    observer.observe(&capture.batch, "coinbase");
    let mut want = capture.snapshot(&ending);
    let mut got = observer.orders().resting();
    want.sort_by_key(|order| order.id);
    got.sort_by_key(|order| order.id);
    assert!(got == want, "{} orders, {} wanted", got.len(), want.len());
    for side in [Side::Bid, Side::Ask] {
        assert!(observer.book().levels(side).eq(levels(&ending, side)), "{side:?} levels differ");
    }
    let observed = observer.finish();
    for c in observed.counters.iter().filter(|c| c.check.contains("order") && c.check != "out_of_order") {
        println!("{:20} {:8} of {:8}, worst {} {:?}", c.check, c.count, c.total, c.worst, c.examples.first());
    }
    // A taker's order is done without ever having rested.
    let unknown = support::counter(&observed, "unknown_order");
    assert!(unknown.count > 0 && unknown.count < unknown.total);
    for check in ["duplicate_order", "order_overdrawn", "crossed_book", "locked_book"] {
        assert_eq!(support::counter(&observed, check).count, 0, "{check}");
    }
    println!(
        "{} order rows, {} untracked, {} levels dropped",
        observed.order_rows, observed.orders_untracked, observed.levels_dropped
    );
    assert_eq!((observed.orders_untracked, observed.levels_dropped), (0, 0));
}
