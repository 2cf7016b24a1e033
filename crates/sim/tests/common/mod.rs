//! Observables and statistics computed as plainly as possible, to check the simulator and the faults against.
#![allow(dead_code)]

use std::collections::BTreeMap;

use verismo_market::event::Side;
use verismo_market::message::{Body, Message};
use verismo_sim::{Market, MarketConfig};

pub const GRID_NS: i64 = 100_000_000;

pub fn messages(seed: u64, n: usize) -> Vec<Message> {
    Market::new(MarketConfig::new(seed)).take(n).collect()
}

/// A book replayed from depth messages and snapshots.
#[derive(Default, Clone, PartialEq, Debug)]
pub struct Replay {
    pub bids: BTreeMap<i64, i64>,
    pub asks: BTreeMap<i64, i64>,
}

impl Replay {
    pub fn apply(&mut self, body: &Body) {
        let (bids, asks) = match body {
            Body::Trade { .. } | Body::Order(_) | Body::OrderSnapshot { .. } => return,
            Body::Depth { bids, asks, .. } => (bids, asks),
            Body::Snapshot { bids, asks, .. } => {
                self.bids.clear();
                self.asks.clear();
                (bids, asks)
            }
        };
        for (side, levels) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for &(price, qty) in levels {
                if qty == 0 {
                    side.remove(&price);
                } else {
                    side.insert(price, qty);
                }
            }
        }
    }

    pub fn best(&self) -> Option<[(i64, i64); 2]> {
        let bid = self.bids.last_key_value()?;
        let ask = self.asks.first_key_value()?;
        Some([(*bid.0, *bid.1), (*ask.0, *ask.1)])
    }

    fn top5(&self) -> (i64, i64) {
        (self.bids.values().rev().take(5).sum(), self.asks.values().take(5).sum())
    }
}

/// The observables of one stream, prices and quantities in 10^-8, ratios times 10^6, times in ns.
#[derive(Default)]
pub struct Observed {
    pub spread: Vec<i64>,
    pub depth_bid_l1: Vec<i64>,
    pub depth_ask_l1: Vec<i64>,
    pub imbalance_l1: Vec<i64>,
    pub imbalance_l5: Vec<i64>,
    pub microprice_offset: Vec<i64>,
    /// Twice the mid price at each second.
    pub mid2_1s: Vec<i64>,
    pub ofi_1s: Vec<i64>,
    pub return_1s: Vec<i64>,
    pub return_10s: Vec<i64>,
    pub trade_size: Vec<i64>,
    pub sign: Vec<i64>,
    pub inter_trade: Vec<i64>,
    pub inter_event: Vec<i64>,
    pub count_100ms: Vec<i64>,
    pub count_1s: Vec<i64>,
    pub crossed: usize,
    pub updates: usize,
    /// Trades further than a tick beyond the published best price of the side they hit, and all trades.
    pub incoherent: usize,
}

/// Observes messages of one symbol, which need not be in time order (the clock then holds).
pub fn observe(messages: &[Message]) -> Observed {
    observe_at(messages, 1)
}

/// Observes with all times floored to multiples of `clock_ns`.
pub fn observe_at(messages: &[Message], clock_ns: i64) -> Observed {
    let mut o = Observed::default();
    let mut book = Replay::default();
    let (mut last_event, mut last_trade) = (None, None);
    let mut grid: Option<i64> = None;
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    let mut ofi = (None, 0i64);
    for m in messages {
        let t = m.t_exchange_ns.div_euclid(clock_ns) * clock_ns;
        if matches!(m.body, Body::Snapshot { .. }) {
            book.apply(&m.body);
            continue;
        }
        // Sample the grid points before this message.
        let first = grid.get_or_insert(t.div_euclid(GRID_NS) + 1);
        let mut steps = 0;
        while *first * GRID_NS < t && steps < 100_000 {
            sample(&book, *first, &mut o, &mut ofi);
            *first += 1;
            steps += 1;
        }
        *counts.entry(t.div_euclid(GRID_NS)).or_default() += 1;
        if let Some(last) = last_event.replace(t) {
            o.inter_event.push(t - last);
        }
        if let Body::Trade { price, qty, side, .. } = m.body {
            o.trade_size.push(qty);
            o.sign.push(if side == Side::Bid { 1 } else { -1 });
            if let Some(last) = last_trade.replace(t) {
                o.inter_trade.push(t - last);
            }
            if let Some([bid, ask]) = book.best() {
                let beyond = if side == Side::Bid { price < bid.0 } else { price > ask.0 };
                o.incoherent += usize::from(beyond);
            }
        } else {
            book.apply(&m.body);
            o.updates += 1;
            o.crossed += usize::from(book.best().is_some_and(|[bid, ask]| bid.0 >= ask.0));
        }
    }
    if let (Some((&first, _)), Some((&last, _))) = (counts.first_key_value(), counts.last_key_value()) {
        o.count_100ms = (first..=last).map(|i| counts.get(&i).copied().unwrap_or(0)).collect();
        o.count_1s = o.count_100ms.chunks_exact(10).map(|c| c.iter().sum()).collect();
    }
    o.return_1s = o.mid2_1s.windows(2).map(|w| w[1] - w[0]).collect();
    o.return_10s =
        o.mid2_1s.chunks_exact(10).map(|c| c[0]).collect::<Vec<_>>().windows(2).map(|w| w[1] - w[0]).collect();
    o
}

type Best = [(i64, i64); 2];

fn sample(book: &Replay, grid: i64, o: &mut Observed, ofi: &mut (Option<Best>, i64)) {
    let Some([(bid, bid_qty), (ask, ask_qty)]) = book.best() else { return };
    o.spread.push(ask - bid);
    o.depth_bid_l1.push(bid_qty);
    o.depth_ask_l1.push(ask_qty);
    let ratio = |b: i64, a: i64| (1e6 * (b - a) as f64 / (a + b) as f64) as i64;
    o.imbalance_l1.push(ratio(bid_qty, ask_qty));
    let (b5, a5) = book.top5();
    o.imbalance_l5.push(ratio(b5, a5));
    let weight = bid_qty as f64 / (bid_qty + ask_qty) as f64 - 0.5;
    o.microprice_offset.push((weight * (ask - bid) as f64) as i64);
    if let Some([old_bid, old_ask]) = ofi.0.replace([(bid, bid_qty), (ask, ask_qty)]) {
        let buy = if bid >= old_bid.0 { bid_qty } else { 0 } - if bid <= old_bid.0 { old_bid.1 } else { 0 };
        let sell = if ask <= old_ask.0 { ask_qty } else { 0 } - if ask >= old_ask.0 { old_ask.1 } else { 0 };
        ofi.1 += buy - sell;
    }
    if grid % 10 == 0 {
        o.mid2_1s.push(bid + ask);
        o.ofi_1s.push(core::mem::take(&mut ofi.1));
    }
}

/// Kolmogorov-Smirnov distance of two samples.
pub fn ks(x: &[i64], y: &[i64]) -> f64 {
    let (mut x, mut y) = (x.to_vec(), y.to_vec());
    x.sort_unstable();
    y.sort_unstable();
    let (mut i, mut j, mut d) = (0usize, 0usize, 0f64);
    while i < x.len() && j < y.len() {
        let v = x[i].min(y[j]);
        i += x[i..].iter().take_while(|&&a| a == v).count();
        j += y[j..].iter().take_while(|&&a| a == v).count();
        d = d.max((i as f64 / x.len() as f64 - j as f64 / y.len() as f64).abs());
    }
    d
}

pub fn mean(x: &[i64]) -> f64 {
    x.iter().map(|&v| v as f64).sum::<f64>() / x.len() as f64
}

pub fn variance(x: &[i64]) -> f64 {
    let m = mean(x);
    x.iter().map(|&v| (v as f64 - m) * (v as f64 - m)).sum::<f64>() / x.len() as f64
}

pub fn fano(x: &[i64]) -> f64 {
    variance(x) / mean(x)
}

pub fn acf(x: &[i64], lag: usize) -> f64 {
    let m = mean(x);
    let c: f64 = x.iter().zip(&x[lag..]).map(|(&a, &b)| (a as f64 - m) * (b as f64 - m)).sum();
    c / (variance(x) * x.len() as f64)
}

pub fn abs(x: &[i64]) -> Vec<i64> {
    x.iter().map(|v| v.abs()).collect()
}

/// Named distances between the distributional observables of two streams.
pub fn distances(a: &Observed, b: &Observed) -> Vec<(&'static str, f64)> {
    vec![
        ("spread", ks(&a.spread, &b.spread)),
        ("depth_bid_l1", ks(&a.depth_bid_l1, &b.depth_bid_l1)),
        ("depth_ask_l1", ks(&a.depth_ask_l1, &b.depth_ask_l1)),
        ("imbalance_l1", ks(&a.imbalance_l1, &b.imbalance_l1)),
        ("imbalance_l5", ks(&a.imbalance_l5, &b.imbalance_l5)),
        ("microprice_offset", ks(&a.microprice_offset, &b.microprice_offset)),
        ("ofi_1s", ks(&a.ofi_1s, &b.ofi_1s)),
        ("mid_log_return_1s", ks(&a.return_1s, &b.return_1s)),
        ("mid_log_return_10s", ks(&a.return_10s, &b.return_10s)),
        ("trade_size", ks(&a.trade_size, &b.trade_size)),
        ("aggressor_sign", ks(&a.sign, &b.sign)),
        ("inter_trade_time", ks(&a.inter_trade, &b.inter_trade)),
        ("inter_event_time", ks(&a.inter_event, &b.inter_event)),
        ("event_count_100ms", ks(&a.count_100ms, &b.count_100ms)),
        ("event_count_1s", ks(&a.count_1s, &b.count_1s)),
    ]
}

pub fn distance(a: &Observed, b: &Observed, name: &str) -> f64 {
    distances(a, b).into_iter().find(|d| d.0 == name).unwrap().1
}
