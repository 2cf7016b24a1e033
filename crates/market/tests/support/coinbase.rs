//! An order-level book and the Coinbase full channel (open, done, match), enough to be an oracle.

use super::decimal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use verismo_market::book::Book;
use verismo_market::event::Side;

/// One resting order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub side: Side,
    pub price: i64,
    pub qty: i64,
}

/// Orders by id.
pub type Orders = BTreeMap<String, Order>;

/// Orders and the price levels they add up to.
#[derive(Default)]
pub struct OrderBook {
    pub orders: Orders,
    pub book: Book,
}

impl OrderBook {
    pub fn new(orders: Orders) -> Self {
        let mut own = Self::default();
        for (id, order) in orders {
            own.add(id, order);
        }
        own
    }

    fn add(&mut self, id: String, order: Order) {
        self.change_level(order.side, order.price, order.qty);
        assert!(self.orders.insert(id, order).is_none(), "an order is added twice");
    }

    fn reduce(&mut self, id: &str, by: i64) {
        let order = self.orders.get_mut(id).expect("a match names a resting maker");
        order.qty -= by;
        let Order { side, price, qty } = *order;
        assert!(qty >= 0, "a match takes no more than rests");
        self.change_level(side, price, -by);
        if qty == 0 {
            self.orders.remove(id);
        }
    }

    fn remove(&mut self, id: &str) {
        if let Some(order) = self.orders.remove(id) {
            self.change_level(order.side, order.price, -order.qty);
        }
    }

    fn change_level(&mut self, side: Side, price: i64, by: i64) {
        let qty = self.book.qty_at(side, price);
        self.book.set(side, price, qty + by);
    }

    /// Applies one message; received orders do not rest yet.
    pub fn apply(&mut self, message: &Value) {
        let text = |key: &str| message[key].as_str().unwrap();
        match text("type") {
            "open" => {
                let side = side(text("side"));
                let order = Order { side, price: decimal(text("price")), qty: decimal(text("remaining_size")) };
                self.add(text("order_id").to_owned(), order);
            }
            "done" => self.remove(text("order_id")),
            "match" => self.reduce(text("maker_order_id"), decimal(text("size"))),
            "received" => {}
            other => panic!("unexpected message {other}"),
        }
    }
}

fn side(text: &str) -> Side {
    if text == "buy" { Side::Bid } else { Side::Ask }
}

/// The text of a zstd file.
pub fn text(path: &Path) -> String {
    let mut text = String::new();
    zstd::Decoder::new(File::open(path).unwrap()).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// A level-3 book: [price, size, order id] per order.
pub fn orders(path: &Path) -> Orders {
    let value: Value = serde_json::from_str(&text(path)).unwrap();
    let mut orders = Orders::new();
    for (side, key) in [(Side::Bid, "bids"), (Side::Ask, "asks")] {
        for entry in value[key].as_array().unwrap() {
            let field = |i: usize| entry[i].as_str().unwrap();
            let order = Order { side, price: decimal(field(0)), qty: decimal(field(1)) };
            orders.insert(field(2).to_owned(), order);
        }
    }
    orders
}
