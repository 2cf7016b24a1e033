//! The book on the time grid: spread, depth, imbalance, microprice. A sample on the grid stands for the time until the
//! next, so these series are time-weighted.

use super::{Column, Pointwise};
use crate::book::Depths;
use crate::event::SCALE;
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use verismo_stats::lattice::Lattice;

/// Units of 10^-8 in one.
pub(super) const ONE: f64 = 10_u64.pow(SCALE as u32) as f64;
/// Basis points in one.
pub(super) const BP: f64 = 10_000.0;

pub(super) fn times(frame: &Frame) -> &[i64] {
    &frame.samples.t_ns
}

/// Best ask minus best bid, in price units of 10^-8; negative when crossed.
pub fn spread(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("spread", window_ns, times, |_, frame, keys| {
        keys.extend(frame.samples.ask.iter().zip(&frame.samples.bid).map(|(ask, bid)| ask - bid));
    })
}

/// The spread in basis points of the mid: 10^4 (a - b) / ((a + b) / 2), from exact integers.
pub fn spread_bps(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("spread_bps", window_ns, times, |lattice, frame, keys| {
        for (&ask, &bid) in frame.samples.ask.iter().zip(&frame.samples.bid) {
            keys.push(float_key(lattice, 20_000.0 * (ask - bid) as f64 / (ask + bid) as f64));
        }
    })
}

/// Time since the book update before each sample.
pub fn book_age(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("book_age", window_ns, times, |_, frame, keys| {
        keys.extend(
            frame.samples.t_ns.iter().zip(&frame.samples.updated_ns).map(|(t_ns, updated_ns)| t_ns - updated_ns),
        );
    })
}

/// Quantity at the best bid.
pub fn depth_bid_l1(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Column::boxed("depth_bid_l1", window_ns, |frame| (&frame.samples.t_ns, &frame.samples.bid_qty))
}

/// Quantity at the best ask.
pub fn depth_ask_l1(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Column::boxed("depth_ask_l1", window_ns, |frame| (&frame.samples.t_ns, &frame.samples.ask_qty))
}

/// (V_b - V_a) / (V_b + V_a) at the best prices.
pub fn imbalance_l1(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("imbalance_l1", window_ns, times, |lattice, frame, keys| {
        let key = |(&bid, &ask): (&i64, &i64)| float_key(lattice, imbalance(bid, ask));
        keys.extend(frame.samples.bid_qty.iter().zip(&frame.samples.ask_qty).map(key));
    })
}

/// (V_b - V_a) / (V_b + V_a) over the best five levels of each side.
pub fn imbalance_l5(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("imbalance_l5", window_ns, times, |lattice, frame, keys| {
        let key = |(bids, asks): (&Depths, &Depths)| float_key(lattice, imbalance(bids.qty_5, asks.qty_5));
        keys.extend(frame.samples.bids.iter().zip(&frame.samples.asks).map(key));
    })
}

/// Microprice minus mid, in price: (V_a p_b + V_b p_a) / (V_b + V_a) - (p_b + p_a) / 2, which is half the spread times the
/// imbalance; that form does not cancel.
pub fn microprice_offset(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("microprice_offset", window_ns, times, |lattice, frame, keys| {
        let samples = &frame.samples;
        for i in 0..samples.t_ns.len() {
            let half_spread = (samples.ask[i] - samples.bid[i]) as f64 / (2.0 * ONE);
            let imbalance = imbalance(samples.bid_qty[i], samples.ask_qty[i]);
            keys.push(float_key(lattice, half_spread * imbalance));
        }
    })
}

/// Quantities are above zero, so that the ratio is defined and within (-1, 1).
#[inline]
pub(super) fn imbalance(bid_qty: i64, ask_qty: i64) -> f64 {
    // Rounded to f64 each: no overflow, and the same bits everywhere.
    let (bid, ask) = (bid_qty as f64, ask_qty as f64);
    (bid - ask) / (bid + ask)
}

#[inline]
pub(super) fn float_key(lattice: &Lattice, x: f64) -> i64 {
    let key = lattice.key(x);
    debug_assert!(key.is_some(), "{x} has no key");
    key.unwrap_or_default()
}
