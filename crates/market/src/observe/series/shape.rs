//! The form of the book on the time grid: how its quantity lies behind the best prices, and what orders that walk it pay.

use super::book::{BP, ONE, float_key, imbalance, times};
use super::depth::where_deep;
use super::machine::{self, Machine, Out};
use super::{Partial, lags, lattice};
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use crate::observe::{SECOND_NS, Series, WindowLags};
use verismo_stats::carry;

/// Largest value of a lag series: sums of products stay far below 2^127.
const LAG_VALUE_MAX: i64 = 1_000_000_000_000;

/// (V_b - V_a) / (V_b + V_a) over the best twenty levels of each side.
pub fn imbalance_l20(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("imbalance_l20", window_ns, times, |lattice, frame, i| {
        let (bids, asks) = (&frame.samples.bids[i], &frame.samples.asks[i]);
        let (bid, ask) = (where_deep(bids, 20, bids.qty_20)?, where_deep(asks, 20, asks.qty_20)?);
        Some(float_key(lattice, imbalance(bid, ask)))
    })
}

/// The volume-adjusted mid of five levels minus the mid, in price. With h half the spread and g the mean distance of the five levels
/// from the best price it is ((h + g_a) V_b - (h + g_b) V_a) / (V_b + V_a).
pub fn vamp_offset_l5(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("vamp_offset_l5", window_ns, times, |lattice, frame, i| {
        let samples = &frame.samples;
        let (bids, asks) = (&samples.bids[i], &samples.asks[i]);
        let (bid_qty, ask_qty) = (where_deep(bids, 5, bids.qty_5)? as f64, where_deep(asks, 5, asks.qty_5)? as f64);
        let [bid_reach, ask_reach] = samples.reach.get(i)?;
        let half_spread = (samples.ask[i] - samples.bid[i]) as f64 / 2.0;
        let up = (half_spread + ask_reach.mean_5) * bid_qty;
        let down = (half_spread + bid_reach.mean_5) * ask_qty;
        Some(float_key(lattice, (up - down) / (bid_qty + ask_qty) / ONE))
    })
}

/// (mean price paid - mid) / mid in bp of a purchase of half the best ten asks.
pub fn slippage_buy(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("slippage_buy", window_ns, times, |lattice, frame, i| {
        let walk = where_deep(&frame.samples.asks[i], 10, frame.samples.reach.get(i)?[1].walk_half_10)?;
        Some(float_key(lattice, slippage(frame, i, walk)))
    })
}

/// (mid - mean price got) / mid in bp of a sale into half the best ten bids.
pub fn slippage_sell(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("slippage_sell", window_ns, times, |lattice, frame, i| {
        let walk = where_deep(&frame.samples.bids[i], 10, frame.samples.reach.get(i)?[0].walk_half_10)?;
        Some(float_key(lattice, slippage(frame, i, walk)))
    })
}

/// (h + g) / m with h = (a - b) / 2 and m = (a + b) / 2.
fn slippage(frame: &Frame, i: usize, walk: f64) -> f64 {
    let (bid, ask) = (frame.samples.bid[i], frame.samples.ask[i]);
    BP * ((ask - bid) as f64 + 2.0 * walk) / (ask + bid) as f64
}

/// The share of the quantity of the best ten levels that stands at the best, both sides together.
pub fn depth_share_l1(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_share_l1", window_ns, times, |lattice, frame, i| {
        let samples = &frame.samples;
        let (bids, asks) = (&samples.bids[i], &samples.asks[i]);
        let all = where_deep(bids, 10, bids.qty_10)? as f64 + where_deep(asks, 10, asks.qty_10)? as f64;
        Some(float_key(lattice, (samples.bid_qty[i] as f64 + samples.ask_qty[i] as f64) / all))
    })
}

/// The spread minus the spread a second before, at every full second, in price units of 10^-8.
pub fn spread_change_1s(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("spread_change_1s", window_ns, SpreadChange { last: None })
}

struct SpreadChange {
    /// Time and spread at the last full second.
    last: Option<(i64, i64)>,
}

carry!(SpreadChange: last);

impl Machine for SpreadChange {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        let samples = &frame.samples;
        for (i, &t_ns) in samples.t_ns.iter().enumerate().filter(|(_, t_ns)| *t_ns % SECOND_NS == 0) {
            let spread = samples.ask[i] - samples.bid[i];
            let last = self.last.replace((t_ns, spread));
            if let Some((_, before)) = last.filter(|(last_ns, _)| last_ns + SECOND_NS == t_ns) {
                out.key(t_ns, spread - before);
            }
        }
    }
}

/// Lag products of the spread at full seconds, lags in seconds.
pub fn spread_acf(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Box::new(SpreadAcf { last_ns: None, lags: WindowLags::new(lags("spread_acf"), window_ns) })
}

struct SpreadAcf {
    last_ns: Option<i64>,
    lags: WindowLags,
}

carry!(SpreadAcf: last_ns, lags);

impl Observable for SpreadAcf {
    fn id(&self) -> &'static str {
        "spread_acf"
    }

    fn observe(&mut self, frame: &Frame) {
        let samples = &frame.samples;
        for (i, &t_ns) in samples.t_ns.iter().enumerate().filter(|(_, t_ns)| *t_ns % SECOND_NS == 0) {
            let spread = (samples.ask[i] - samples.bid[i]).clamp(-LAG_VALUE_MAX, LAG_VALUE_MAX);
            self.lags.push(t_ns, spread, self.last_ns == Some(t_ns - SECOND_NS));
            self.last_ns = Some(t_ns);
        }
    }

    fn widen_windows(&mut self, factor: i64) {
        self.lags.widen(factor);
    }

    fn cut(&mut self) -> Series {
        self.lags.cut(lattice("spread_acf"))
    }
}
