//! What several tests of this crate share: streams written by hand, real captures, an order-level book.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod binance;
pub mod coinbase;

use std::path::PathBuf;
use verismo_market::event::{EventBatch, NO_ID, NO_TIME, Side, flags};
use verismo_market::message::{Body, Level, Message, OrderAction, OrderEvent, RestingOrder};
use verismo_market::observe::{Counter, ObserveOptions, Observed, SeriesWindows, StreamObserver};

/// 2023-11-14 22:13:20 UTC, a multiple of 10 s.
pub const T0_S: i64 = 1_700_000_000;
/// One in units of 10^-8.
pub const ONE: i64 = 100_000_000;
pub const MS: i64 = 1_000_000;

pub fn at_ms(ms: i64) -> i64 {
    T0_S * 1_000_000_000 + ms * MS
}

/// A stream under construction. Times are ms after T0, prices and quantities whole units.
#[derive(Default)]
pub struct Feed {
    pub batch: EventBatch,
    position: u64,
    next_trade_id: i64,
    next_update_id: i64,
}

fn whole(levels: &[(i64, i64)]) -> Vec<Level> {
    levels.iter().map(|&(price, qty)| (price * ONE, qty * ONE)).collect()
}

impl Feed {
    pub fn new() -> Self {
        Self { next_trade_id: 1, next_update_id: 1_000, ..Self::default() }
    }

    pub fn push(&mut self, t_exchange_ns: i64, body: Body) -> &mut Self {
        self.position += 1;
        let message = Message { t_exchange_ns, t_receive_ns: NO_TIME, symbol: "TEST".to_owned(), body };
        message.push_events(self.position, &mut self.batch);
        self
    }

    pub fn trade(&mut self, ms: i64, price: i64, qty: i64, side: Side) -> &mut Self {
        let id = self.next_trade_id;
        self.next_trade_id += 1;
        self.push(at_ms(ms), Body::Trade { id, price: price * ONE, qty: qty * ONE, side })
    }

    pub fn trade_id(&mut self, ms: i64, id: i64) -> &mut Self {
        self.push(at_ms(ms), Body::Trade { id, price: 100 * ONE, qty: ONE, side: Side::Bid })
    }

    pub fn depth(&mut self, ms: i64, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> &mut Self {
        let id = self.next_update_id;
        self.depth_ids(ms, id, id, bids, asks)
    }

    pub fn depth_ids(&mut self, ms: i64, first: i64, last: i64, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> &mut Self {
        self.next_update_id = last + 1;
        let (bids, asks) = (whole(bids), whole(asks));
        self.push(at_ms(ms), Body::Depth { first_id: first, last_id: last, bids, asks })
    }

    pub fn snapshot(&mut self, ms: i64, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> &mut Self {
        let last_id = self.next_update_id - 1;
        let (bids, asks) = (whole(bids), whole(asks));
        self.push(at_ms(ms), Body::Snapshot { last_id, bids, asks })
    }

    /// A change of an order; an execution gets the next trade id.
    pub fn order(&mut self, ms: i64, action: OrderAction, id: i64, side: Side, price: i64, qty: i64) -> &mut Self {
        let mut trade_id = NO_ID;
        if matches!(action, OrderAction::Exec | OrderAction::ExecHidden) {
            trade_id = self.next_trade_id;
            self.next_trade_id += 1;
        }
        let order = OrderEvent { action, id, side, price: price * ONE, qty: qty * ONE, trade_id };
        self.push(at_ms(ms), Body::Order(order))
    }

    /// A snapshot of orders: (id, side, price, quantity).
    pub fn order_snapshot(&mut self, ms: i64, orders: &[(i64, Side, i64, i64)]) -> &mut Self {
        let order = |&(id, side, price, qty): &_| RestingOrder { id, side, price: price * ONE, qty: qty * ONE };
        let orders = orders.iter().map(order).collect();
        self.push(at_ms(ms), Body::OrderSnapshot { last_id: NO_ID, orders })
    }

    /// Makes one message of the last two: they are observed together.
    pub fn join_last_two(&mut self) -> &mut Self {
        let last = self.position;
        for i in (0..self.batch.len()).filter(|&i| self.batch.position[i] + 1 >= last) {
            let is_last = self.batch.position[i] == last;
            self.batch.flags[i] &= if is_last { !flags::FIRST_OF_MESSAGE } else { !flags::LAST_OF_UPDATE };
        }
        self
    }

    /// Marks the first row of the last message.
    pub fn flag_last_message(&mut self, flag: u8) -> &mut Self {
        let n = self.batch.len();
        let row = (0..n).rev().find(|&i| self.batch.position[i] != self.position).map_or(0, |i| i + 1);
        self.batch.flags[row] |= flag;
        self
    }

    pub fn observe(&self) -> Observed {
        self.observe_with(&ObserveOptions::default())
    }

    pub fn observe_with(&self, options: &ObserveOptions) -> Observed {
        let mut observer = StreamObserver::new(options);
        observer.observe(&self.batch, "test");
        observer.finish()
    }
}

/// Keys of a series over all windows: (key, count), ascending.
pub fn keys(observed: &Observed, id: &str) -> Vec<(i64, u64)> {
    let mut all: Vec<(i64, u64)> = windows(observed, id).into_iter().flat_map(|(_, cells)| cells).collect();
    all.sort_unstable();
    let mut sums: Vec<(i64, u64)> = Vec::new();
    for (key, count) in all {
        match sums.last_mut() {
            Some(last) if last.0 == key => last.1 += count,
            _ => sums.push((key, count)),
        }
    }
    sums
}

/// Windows of a histogram series.
pub fn windows(observed: &Observed, id: &str) -> Vec<(i64, Vec<(i64, u64)>)> {
    match &observed.series[id].windows {
        SeriesWindows::Cells(windows) => windows.iter().map(|(i, cells)| (*i, cells.iter().collect())).collect(),
        _ => panic!("{id} is no histogram series"),
    }
}

pub fn counter<'a>(observed: &'a Observed, check: &str) -> &'a Counter {
    observed.counters.iter().find(|c| c.check == check).unwrap_or_else(|| panic!("no counter {check}"))
}

/// A decimal of at most eight places as an integer of 10^-8.
pub fn decimal(text: &str) -> i64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(part.len() <= 8 || part[8..].bytes().all(|b| b == b'0'), "finer than 10^-8: {text}");
    let part = &format!("{part:0<8}")[..8];
    whole.parse::<i64>().unwrap() * ONE + part.parse::<i64>().unwrap()
}

/// A folder of real captures, or `None` after saying that the test is skipped.
pub fn data(folder: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("VERISMO_DATA") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    let must = std::env::var_os("VERISMO_REQUIRE_ALL").is_some_and(|v| v == "1");
    assert!(!must, "no real data at {}", path.display());
    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    {
        println!("skipped: no real data at {}", path.display());
    }
    None
}
