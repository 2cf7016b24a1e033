//! The book on the time grid: spread, depth, imbalance, microprice. A sample on the grid stands for the time until the
//! next, so these series are time-weighted.

use super::Pointwise;
use crate::event::SCALE;
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use verismo_stats::lattice::Lattice;

/// Units of 10^-8 in one.
const ONE: f64 = 10_u64.pow(SCALE as u32) as f64;

fn times(frame: &Frame) -> &[i64] {
    &frame.samples.t_ns
}

/// Best ask minus best bid, in price units of 10^-8; negative when crossed.
pub fn spread(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("spread", window_ns, times, |_, frame, keys| {
        keys.extend(frame.samples.ask.iter().zip(&frame.samples.bid).map(|(ask, bid)| ask - bid));
    })
}

/// Quantity at the best bid.
pub fn depth_bid_l1(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("depth_bid_l1", window_ns, times, |_, frame, keys| keys.extend_from_slice(&frame.samples.bid_qty))
}

/// Quantity at the best ask.
pub fn depth_ask_l1(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("depth_ask_l1", window_ns, times, |_, frame, keys| keys.extend_from_slice(&frame.samples.ask_qty))
}

/// (V_b - V_a) / (V_b + V_a) at the best prices.
pub fn imbalance_l1(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("imbalance_l1", window_ns, times, |lattice, frame, keys| {
        push_imbalances(lattice, &frame.samples.bid_qty, &frame.samples.ask_qty, keys);
    })
}

/// (V_b - V_a) / (V_b + V_a) over the best five levels of each side.
pub fn imbalance_l5(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("imbalance_l5", window_ns, times, |lattice, frame, keys| {
        push_imbalances(lattice, &frame.samples.bid_qty_5, &frame.samples.ask_qty_5, keys);
    })
}

fn push_imbalances(lattice: &Lattice, bid_qty: &[i64], ask_qty: &[i64], keys: &mut Vec<i64>) {
    let key = |(&bid, &ask): (&i64, &i64)| float_key(lattice, imbalance(bid, ask));
    keys.extend(bid_qty.iter().zip(ask_qty).map(key));
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
fn imbalance(bid_qty: i64, ask_qty: i64) -> f64 {
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
