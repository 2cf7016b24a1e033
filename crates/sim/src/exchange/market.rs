//! The market: order flow meets the book, the feed goes out.

use std::collections::VecDeque;

use verismo_market::event::{NO_ID, Side};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent};

use super::book::{Cancelled, Fill, OrderBook};
use super::config::MarketConfig;
use super::flow::{DEPTH_TICKS, Flow, Quote};
use super::orders::{Tape, resting};
use super::publish::{GRID_NS, Publisher};
use crate::rng::{Rng, mix};

/// Ticks of the book. The price stays within a few hundred ticks of the anchor in the middle (see [`Flow::aggressor`]).
const WIDTH: usize = 8_192;
const ANCHOR: usize = WIDTH / 2;
/// An aggressor does not chase the price further than this from the best one, ticks.
const CHASE_TICKS: usize = 5;
/// The venue stamps nothing earlier than this after a depth message, ns: on any clock of up to 1 ms, a stamp then says whether
/// the message includes it, and the feeds of levels and of orders tell of one book at every grid time.
const SETTLE_NS: i64 = 1_000_000;
/// One hour, ns: the period after which a reconstruction starts a new file.
pub const HOUR_NS: i64 = 3_600_000_000_000;
/// Bounds the work of one interval; its mean is about 35 events.
const EVENTS_PER_INTERVAL_MAX: usize = 20_000;

/// A simulated market: an endless iterator of messages in time order, as a subscriber would see them.
///
/// Trades carry ns times and consecutive ids, one trade per resting order hit. Depth messages come on the 100 ms grid, after
/// the trades of their interval, with the final quantities of all levels that changed in it. The book is empty at the start,
/// so the depth messages alone determine it. The receive time is a session clock of arbitrary origin, and increases.
/// [`Market::with_orders`] tells the same market order by order.
///
/// The iterator ends only where times leave the range of i64.
#[derive(Debug, Clone)]
pub struct Market {
    symbol: String,
    lot: i64,
    now_ns: i64,
    book: OrderBook,
    flow: Flow,
    publisher: Publisher,
    network: Network,
    next_trade_id: i64,
    next_quote_ns: i64,
    fills: Vec<Fill>,
    cancelled: Vec<Cancelled>,
    ready: VecDeque<Message>,
    is_open: bool,
    snapshots: Option<Schedule>,
    /// Where every order is told of; levels are, otherwise.
    tape: Option<Tape>,
}

/// When snapshots are due: before the first message of each period of the epoch.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    every_ns: i64,
    period: Option<i64>,
}

impl Schedule {
    /// Whether a message at `t_ns` would be the first of its period.
    fn is_due(&self, t_ns: i64) -> bool {
        self.period != Some(t_ns.div_euclid(self.every_ns))
    }
}

impl Market {
    /// A market that has not opened yet.
    pub fn new(config: MarketConfig) -> Self {
        let start_ns = config.start_ns.div_euclid(GRID_NS).saturating_mul(GRID_NS);
        // Trade ids from [1e9, 4e9), update ids from [1e10, 1.3e11): unrelated for different seeds and symbols.
        let trade_base = 1_000_000_000 + (mix(config.seed ^ 0x7261_6465) % 3_000_000_000) as i64;
        let update_base = 10_000_000_000 + (mix(config.seed ^ 0x6465_7074) % 120_000_000_000) as i64;
        let order_base = 1_000_000_000 + (mix(config.seed ^ 0x6f72_6472) % 3_000_000_000) as i64;
        let base_tick = config.anchor_price / config.tick - ANCHOR as i64;
        Self {
            lot: config.lot,
            now_ns: start_ns,
            book: OrderBook::new(WIDTH, order_base),
            flow: Flow::new(&config),
            publisher: Publisher::new(WIDTH, base_tick, config.tick, config.lot, update_base),
            network: Network::new(config.seed, start_ns),
            next_trade_id: trade_base,
            next_quote_ns: start_ns,
            fills: Vec::new(),
            cancelled: Vec::new(),
            ready: VecDeque::new(),
            is_open: false,
            snapshots: None,
            tape: None,
            symbol: config.symbol,
        }
    }

    /// Adds to the messages a snapshot before the first message of each period of `every_ns` of the epoch (and so before the
    /// first message of all), as the files of a reconstruction start with one.
    ///
    /// A snapshot is the book as published so far: it has the update id of the last depth message and the times of the
    /// message it precedes. The first one is empty, since the market starts with an empty book. The other messages are those
    /// of the market without snapshots.
    pub fn with_snapshots(mut self, every_ns: i64) -> Self {
        self.snapshots = Some(Schedule { every_ns: every_ns.max(1), period: None });
        self
    }

    /// Tells the same market order by order: instead of trades and depth messages, a message for every order that begins to
    /// rest, becomes smaller, is deleted or executed.
    ///
    /// Orders have consecutive ids and keep them. An execution carries the id and time that its trade has in the feed of
    /// levels. Whatever happens in an interval of the 100 ms grid is told at or before its end, and at least 1 ms after its
    /// start, so that at every grid time the book is the one of the feed of levels, on clocks of up to 1 ms. Some orders, chosen by their id, are taken
    /// back in two steps, a reduction and a deletion. A snapshot is one of all orders, just before the message that follows.
    pub fn with_orders(mut self) -> Self {
        self.tape = Some(Tape::default());
        self
    }

    /// Simulates one interval of the grid; false at the end of time.
    fn advance(&mut self) -> bool {
        let Some(end_ns) = self.now_ns.checked_add(GRID_NS) else { return false };
        self.flow.begin_interval(self.now_ns);
        if self.is_open {
            self.trade_until(end_ns);
        } else {
            self.open(end_ns);
        }
        let wanted = self.flow.levels_wanted();
        // Most deep quotes touch a new level, so 3 * 57 of them reach any wanted number.
        for _ in 0..3 * wanted {
            if self.publisher.touched_count() >= wanted {
                break;
            }
            let (side, distance) = self.flow.deep_quote();
            self.quote_level(end_ns, side, distance);
        }
        // The snapshot that goes before this message is of the book before it.
        let snapshot = self.snapshot_due(end_ns);
        if let Some(body) = self.publisher.publish(&self.book)
            && self.tape.is_none()
        {
            self.send(end_ns, snapshot, body);
        }
        self.now_ns = end_ns;
        true
    }

    /// Fills the empty book on both sides of the anchor.
    fn open(&mut self, t_ns: i64) {
        for distance in 1..DEPTH_TICKS {
            for (side, tick) in [(Side::Bid, ANCHOR + 1 - distance), (Side::Ask, ANCHOR + distance)] {
                for _ in 0..self.flow.opening_orders(distance) {
                    let lots = self.flow.limit_order_lots();
                    self.place(t_ns, side, tick, lots);
                }
            }
        }
        self.is_open = true;
        self.next_quote_ns = self.now_ns + GRID_NS;
    }

    /// Lets quotes and market orders happen, in time order, until `end_ns`.
    fn trade_until(&mut self, end_ns: i64) {
        let mut next_order_ns = self.next_order_ns(self.now_ns, end_ns);
        for _ in 0..EVENTS_PER_INTERVAL_MAX {
            if self.next_quote_ns < next_order_ns {
                if self.next_quote_ns >= end_ns {
                    return;
                }
                self.quote(self.stamp(self.next_quote_ns));
                self.next_quote_ns = self.next_quote_ns.saturating_add(self.flow.quote_gap_ns());
            } else {
                if next_order_ns >= end_ns {
                    return;
                }
                self.market_order(self.stamp(next_order_ns));
                next_order_ns = self.next_order_ns(next_order_ns, end_ns);
            }
        }
    }

    /// The time that the venue gives to what happens at `t_ns`.
    fn stamp(&self, t_ns: i64) -> i64 {
        t_ns.max(self.now_ns.saturating_add(SETTLE_NS))
    }

    fn next_order_ns(&mut self, since_ns: i64, end_ns: i64) -> i64 {
        self.flow.market_order_gap_ns(end_ns - since_ns).map_or(i64::MAX, |gap| since_ns + gap)
    }

    /// How far the mid price is above the anchor, ticks; 0 while a side is empty.
    fn distance_from_anchor(&self) -> f64 {
        match (self.book.best_bid(), self.book.best_ask()) {
            (Some(bid), Some(ask)) => 0.5 * (bid + ask) as f64 - ANCHOR as f64,
            _ => 0.0,
        }
    }

    fn quote(&mut self, t_ns: i64) {
        match self.flow.quote(self.distance_from_anchor()) {
            Quote::Level(side, distance) => self.quote_level(t_ns, side, distance),
            Quote::Withdrawal(side) => self.withdraw(t_ns, side),
        }
    }

    /// An order comes to, or leaves, the level `distance` ticks from the best price opposite to `side`.
    fn quote_level(&mut self, t_ns: i64, side: Side, distance: usize) {
        let tick = match side {
            Side::Bid => self.book.best_ask().and_then(|ask| ask.checked_sub(distance)),
            _ => self.book.best_bid().map(|bid| bid + distance),
        };
        let Some(tick) = tick.filter(|&t| t < WIDTH) else { return };
        let length = self.book.level(tick).orders().len();
        if let Some(ordinal) = self.flow.leaving(length, distance) {
            self.look_ahead(t_ns);
            if let Some(order) = self.book.cancel(tick, ordinal) {
                self.publisher.touch(tick);
                self.tell_cancelled(t_ns, order);
            }
        } else if self.flow.attracts(distance) {
            let lots = self.flow.limit_order_lots();
            self.place(t_ns, side, tick, lots);
        }
    }

    /// All orders at the best price of `side` leave, and the other side follows into the gap: the price moves by a tick or
    /// more without a trade.
    fn withdraw(&mut self, t_ns: i64, side: Side) {
        let (best, follower) = match side {
            Side::Bid => (self.book.best_bid(), Side::Ask),
            _ => (self.book.best_ask(), Side::Bid),
        };
        let Some(tick) = best else { return };
        self.look_ahead(t_ns);
        let mut cancelled = core::mem::take(&mut self.cancelled);
        self.book.cancel_all(tick, &mut cancelled);
        if !cancelled.is_empty() {
            self.publisher.touch(tick);
        }
        for order in cancelled.drain(..) {
            self.tell_cancelled(t_ns, order);
        }
        self.cancelled = cancelled;
        let lots = self.flow.limit_order_lots();
        self.place(t_ns, follower, tick, lots);
    }

    fn place(&mut self, t_ns: i64, side: Side, tick: usize, lots: i64) {
        self.look_ahead(t_ns);
        if let Some(id) = self.book.place(side, tick, lots) {
            self.publisher.touch(tick);
            self.tell(t_ns, OrderAction::Add, Cancelled { side, tick, lots, id }, NO_ID);
        }
    }

    /// Keeps the orders as they are before a change at `t_ns`, if a snapshot is due before it.
    fn look_ahead(&mut self, t_ns: i64) {
        if self.tape.is_some()
            && let Some(schedule) = self.snapshots
            && schedule.is_due(t_ns)
        {
            let orders = resting(&self.book, |tick| self.publisher.price(tick), self.lot);
            let snapshot = Body::OrderSnapshot { last_id: NO_ID, orders };
            self.tape.get_or_insert_default().snapshot.get_or_insert(snapshot);
        }
    }

    fn tell_cancelled(&mut self, t_ns: i64, order: Cancelled) {
        let mut order = order;
        if let Some(reduction) = Tape::first_step(&order) {
            self.tell(t_ns, OrderAction::Reduce, reduction, NO_ID);
            order.lots -= reduction.lots;
        }
        self.tell(t_ns, OrderAction::Delete, order, NO_ID);
    }

    /// A message about `lots` of an order, where orders are told of.
    fn tell(&mut self, t_ns: i64, action: OrderAction, order: Cancelled, trade_id: i64) {
        let Some(tape) = &mut self.tape else { return };
        let snapshot = tape.snapshot.take();
        let Cancelled { side, tick, lots, id } = order;
        let (price, qty) = (self.publisher.price(tick), lots * self.lot);
        self.send(t_ns, snapshot, Body::Order(OrderEvent { action, id, side, price, qty, trade_id }));
    }

    /// A market order at `t_ns`: immediate-or-cancel, at most [`CHASE_TICKS`] beyond the best price.
    fn market_order(&mut self, t_ns: i64) {
        let side = self.flow.aggressor(self.distance_from_anchor());
        let lots = self.flow.market_order_lots();
        let limit = match side {
            Side::Bid => self.book.best_ask().map_or(0, |ask| ask + CHASE_TICKS),
            _ => self.book.best_bid().map_or(WIDTH, |bid| bid.saturating_sub(CHASE_TICKS)),
        };
        self.look_ahead(t_ns);
        let mut fills = core::mem::take(&mut self.fills);
        self.book.execute(side, lots, limit, &mut fills);
        for fill in fills.drain(..) {
            self.publisher.touch(fill.tick);
            let id = self.next_trade_id;
            self.next_trade_id += 1;
            let Fill { tick, lots, id: order_id } = fill;
            if self.tape.is_some() {
                let order = Cancelled { side: side.opposite(), tick, lots, id: order_id };
                self.tell(t_ns, OrderAction::Exec, order, id);
                continue;
            }
            let (price, qty) = (self.publisher.price(tick), lots * self.lot);
            let snapshot = self.snapshot_due(t_ns);
            self.send(t_ns, snapshot, Body::Trade { id, price, qty, side });
        }
        self.fills = fills;
    }

    /// The snapshot that a message at `t_ns` must follow, if it is the first of its period.
    fn snapshot_due(&self, t_ns: i64) -> Option<Body> {
        self.snapshots.filter(|schedule| schedule.is_due(t_ns)).map(|_| self.publisher.snapshot())
    }

    fn send(&mut self, t_exchange_ns: i64, snapshot: Option<Body>, body: Body) {
        let t_receive_ns = self.network.deliver(t_exchange_ns);
        if let Some(schedule) = &mut self.snapshots {
            schedule.period = Some(t_exchange_ns.div_euclid(schedule.every_ns));
        }
        for body in snapshot.into_iter().chain([body]) {
            self.ready.push_back(Message { t_exchange_ns, t_receive_ns, symbol: self.symbol.clone(), body });
        }
    }
}

impl Iterator for Market {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        // An interval without any message is possible only in theory; a thousand in a row mean that time has ended.
        for _ in 0..1_000 {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            if !self.advance() {
                return None;
            }
        }
        None
    }
}

/// The way from the venue to the recorder: latency with jitter and rare hiccups, in order.
#[derive(Debug, Clone)]
struct Network {
    rng: Rng,
    offset_ns: i64,
    last_ns: i64,
}

impl Network {
    /// A monotonic clock such as `perf_counter` reads: its origin is arbitrary, below four months ago.
    fn new(seed: u64, start_ns: i64) -> Self {
        let mut rng = Rng::new(seed, 2);
        let origin_ns = 1_000_000_000_000 + rng.below(10_000_000_000_000_000) as i64;
        Self { rng, offset_ns: origin_ns.saturating_sub(start_ns), last_ns: 0 }
    }

    fn deliver(&mut self, t_exchange_ns: i64) -> i64 {
        let mut latency_ns = 3_000_000 + (2_000_000.0 * self.rng.exponential()) as i64;
        if self.rng.below(400) == 0 {
            latency_ns += (40_000_000.0 * self.rng.exponential()) as i64;
        }
        let arrival_ns = t_exchange_ns.saturating_add(self.offset_ns).saturating_add(latency_ns);
        self.last_ns = arrival_ns.max(self.last_ns.saturating_add(1_000));
        self.last_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggressors_trade_at_the_best_resting_price_and_then_away_from_it() {
        let mut market = Market::new(MarketConfig::new(11));
        assert!(market.advance());
        let mut trades = 0;
        for _ in 0..3_000 {
            for _ in 0..20 {
                market.quote(market.now_ns);
            }
            let best = [market.book.best_ask().unwrap(), market.book.best_bid().unwrap()];
            assert!(best[1] < best[0], "the book is crossed");
            market.ready.clear();
            market.market_order(market.now_ns);
            let mut last = None;
            for message in &market.ready {
                let Body::Trade { price, qty, side, .. } = message.body else { panic!("not a trade") };
                assert!(qty > 0 && qty % market.lot == 0);
                let sign = if side == Side::Bid { 1 } else { -1 };
                let start = if side == Side::Bid { best[0] } else { best[1] };
                let (first, chase) = (market.publisher.price(start), CHASE_TICKS as i64 * 10_000_000);
                let before = last.replace(price).unwrap_or(first);
                assert!((price - before) * sign >= 0 && (price - first) * sign <= chase);
                trades += 1;
            }
            let first = market.ready.front().map(|m| m.body.clone());
            if let Some(Body::Trade { price, side, .. }) = first {
                let start = if side == Side::Bid { best[0] } else { best[1] };
                assert_eq!(price, market.publisher.price(start), "the first fill is at the best price");
            }
            assert!(market.advance());
        }
        assert!(trades > 3_000);
    }

    #[test]
    fn the_market_ends_with_time() {
        let mut config = MarketConfig::new(1);
        config.start_ns = i64::MAX - 3 * GRID_NS;
        let messages: Vec<Message> = Market::new(config).take(1_000).collect();
        assert!(!messages.is_empty() && messages.len() < 200);
        let mut config = MarketConfig::new(1);
        config.start_ns = i64::MIN;
        assert_eq!(Market::new(config).take(100).count(), 100);
    }
}
