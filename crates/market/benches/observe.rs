//! Nanoseconds a row of replay and observables, and a book update alone: `cargo bench -p verismo-market`.
#![allow(missing_docs)]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use verismo_market::book::Book;
use verismo_market::event::{EventBatch, NO_TIME, Side};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent};
use verismo_market::observe::{ObserveOptions, StreamObserver};

fn main() {
    divan::main();
}

/// SplitMix64: the benchmark needs the same market each time, not a good one.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> i64 {
        (self.next() % n) as i64
    }
}

const TICK: i64 = 1_000_000;
const LOT: i64 = 1_000;

/// Ticks from the touch: half within 8, a tail to thousands.
fn distance(random: &mut Random) -> i64 {
    let octave = random.below(12) as u32;
    random.below(1 << octave.max(3))
}

/// Batches of `rows` rows or a little more: three trades a depth message of `levels` levels, 28 ms apart.
fn batches(n_batches: usize, rows: usize, levels: usize) -> Vec<EventBatch> {
    let mut random = Random(7);
    let (mut t_ms, mut id, mut update_id, mut mid) = (1_700_000_000_000_i64, 0, 0, 6_000_000);
    let mut all = Vec::new();
    for _ in 0..n_batches {
        let mut batch = EventBatch::default();
        while batch.len() < rows {
            t_ms += random.below(56);
            id += 1;
            let body = if id % 4 != 0 {
                let side = if random.below(2) == 0 { Side::Bid } else { Side::Ask };
                let qty = (1 + random.below(10_000)) * LOT;
                Body::Trade { id: id - id / 4, price: mid * TICK, qty, side }
            } else {
                mid += random.below(3) - 1;
                let (mut bids, mut asks) = (Vec::new(), Vec::new());
                for _ in 0..levels {
                    let qty = if random.below(3) == 0 { 0 } else { (1 + random.below(100_000)) * LOT };
                    let away = 1 + distance(&mut random);
                    if random.below(2) == 0 {
                        bids.push(((mid - away) * TICK, qty));
                    } else {
                        asks.push(((mid + away) * TICK, qty));
                    }
                }
                let first_id = update_id + 1;
                update_id += levels as i64;
                Body::Depth { first_id, last_id: update_id, bids, asks }
            };
            let t_exchange_ns = t_ms * 1_000_000;
            let message = Message { t_exchange_ns, t_receive_ns: NO_TIME, symbol: String::new(), body };
            message.push_events(id as u64, &mut batch);
        }
        all.push(batch);
    }
    all
}

/// Batches of order-level rows, 3 ms apart: additions and deletions around `resting` orders at rest, one execution in twenty.
fn order_batches(n_batches: usize, rows: usize, resting: usize) -> Vec<EventBatch> {
    let mut random = Random(9);
    let (mut t_us, mut id, mut position, mut mid) = (1_700_000_000_000_000_i64, 0, 0, 6_000_000);
    let mut orders: Vec<OrderEvent> = Vec::new();
    let mut all = Vec::new();
    for n in 0..n_batches {
        let mut batch = EventBatch::default();
        while batch.len() < rows {
            t_us += random.below(6_000);
            position += 1;
            mid += i64::from(position % 64 == 0) * (random.below(3) - 1);
            let wants_more = n == 0 && orders.len() < resting;
            let order = if wants_more || orders.is_empty() || random.below(2 * resting as u64) >= orders.len() as i64 {
                id += 1;
                let (is_bid, away) = (random.below(2) == 0, 1 + distance(&mut random));
                let (side, price) = if is_bid { (Side::Bid, mid - away) } else { (Side::Ask, mid + away) };
                let qty = (1 + random.below(10_000)) * LOT;
                let order = OrderEvent { action: OrderAction::Add, id, side, price: price * TICK, qty, trade_id: id };
                orders.push(order);
                order
            } else {
                let order = orders.swap_remove(random.below(orders.len() as u64) as usize);
                let action = if position % 10 == 0 { OrderAction::Exec } else { OrderAction::Delete };
                OrderEvent { action, ..order }
            };
            let (t_exchange_ns, body) = (t_us * 1_000, Body::Order(order));
            let message = Message { t_exchange_ns, t_receive_ns: NO_TIME, symbol: String::new(), body };
            message.push_events(position, &mut batch);
        }
        all.push(batch);
    }
    all
}

/// Everything, of a stream of orders: per message (one change of one order), by the number of orders at rest.
#[divan::bench(args = [1_000, 30_000], sample_count = 10)]
fn observe_orders(bencher: Bencher<'_, '_>, resting: usize) {
    let batches = order_batches(120, 8_192, resting);
    let n_messages = batches.iter().map(|b| b.position[b.len() - 1]).max().unwrap_or(0);
    bencher.counter(ItemsCount::new(n_messages)).bench_local(|| observe(&batches, &ObserveOptions::default()));
}

/// Integrity and replay of orders without observables; per message.
#[divan::bench(args = [1_000, 30_000], sample_count = 10)]
fn replay_orders(bencher: Bencher<'_, '_>, resting: usize) {
    let batches = order_batches(120, 8_192, resting);
    let n_messages = batches.iter().map(|b| b.position[b.len() - 1]).max().unwrap_or(0);
    let options = ObserveOptions { observables: Vec::new(), ..ObserveOptions::default() };
    bencher.counter(ItemsCount::new(n_messages)).bench_local(|| observe(&batches, &options));
}

/// Everything: integrity, replay, all observables, windows; per row.
#[divan::bench(args = [1, 8, 45], sample_count = 10)]
fn observe_rows(bencher: Bencher<'_, '_>, levels: usize) {
    let batches = batches(120, 8_192, levels);
    let n_rows: usize = batches.iter().map(EventBatch::len).sum();
    bencher.counter(ItemsCount::new(n_rows)).bench_local(|| observe(&batches, &ObserveOptions::default()));
}

/// The same per message: one trade or one book update.
#[divan::bench(args = [1, 8, 45], sample_count = 10)]
fn observe_messages(bencher: Bencher<'_, '_>, levels: usize) {
    let batches = batches(120, 8_192, levels);
    let n_messages = batches.iter().map(|b| b.position[b.len() - 1]).max().unwrap_or(0);
    bencher.counter(ItemsCount::new(n_messages)).bench_local(|| observe(&batches, &ObserveOptions::default()));
}

/// Integrity and replay without observables; per row.
#[divan::bench(args = [1, 8, 45], sample_count = 10)]
fn replay_rows(bencher: Bencher<'_, '_>, levels: usize) {
    let batches = batches(120, 8_192, levels);
    let n_rows: usize = batches.iter().map(EventBatch::len).sum();
    let options = ObserveOptions { observables: Vec::new(), ..ObserveOptions::default() };
    bencher.counter(ItemsCount::new(n_rows)).bench_local(|| observe(&batches, &options));
}

fn observe(batches: &[EventBatch], options: &ObserveOptions) -> u64 {
    let mut observer = StreamObserver::new(options);
    for batch in batches {
        observer.observe(black_box(batch), "bench");
    }
    observer.finish().events
}

/// The book alone; per level set.
#[divan::bench(sample_count = 20)]
fn book_set(bencher: Bencher<'_, '_>) {
    let batches = batches(120, 8_192, 45);
    let n_rows: usize = batches.iter().map(EventBatch::len).sum();
    bencher.counter(ItemsCount::new(n_rows)).bench_local(|| {
        let mut book = Book::default();
        for batch in &batches {
            for i in 0..batch.len() {
                book.set(batch.side[i], batch.price[i], batch.qty[i]);
            }
        }
        book.touch()
    });
}
