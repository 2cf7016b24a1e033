//! The book below its best prices, on the time grid, and what changes in it.
//!
//! A sample counts where the side shows as many levels as asked: five levels of a book of three are not a thin book but an
//! unknown one.

use super::book::{float_key, imbalance, times};
use super::{Partial, Pointwise};
use crate::observe::frame::Deep;
use crate::observe::registry::Observable;

/// The values of a column where there are at least `n` levels.
fn where_deep(side: &Deep, n: usize, column: &[i64], i: usize) -> Option<i64> {
    (side.n_levels[i] >= n).then(|| column[i])
}

/// Fifth best ask minus fifth best bid, in price units of 10^-8.
pub fn spread_l5(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("spread_l5", window_ns, times, |_, frame, i| {
        let (bids, asks) = (&frame.samples.bids, &frame.samples.asks);
        Some(where_deep(asks, 5, &asks.price_5, i)? - where_deep(bids, 5, &bids.price_5, i)?)
    })
}

/// Tenth best ask minus tenth best bid, in price units of 10^-8.
pub fn spread_l10(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("spread_l10", window_ns, times, |_, frame, i| {
        let (bids, asks) = (&frame.samples.bids, &frame.samples.asks);
        Some(where_deep(asks, 10, &asks.price_10, i)? - where_deep(bids, 10, &bids.price_10, i)?)
    })
}

/// Quantity of the best five bids.
pub fn depth_bid_l5(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_bid_l5", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.bids, 5, &frame.samples.bids.qty_5, i)
    })
}

/// Quantity of the best five asks.
pub fn depth_ask_l5(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_ask_l5", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.asks, 5, &frame.samples.asks.qty_5, i)
    })
}

/// Quantity of the best ten bids.
pub fn depth_bid_l10(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_bid_l10", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.bids, 10, &frame.samples.bids.qty_10, i)
    })
}

/// Quantity of the best ten asks.
pub fn depth_ask_l10(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_ask_l10", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.asks, 10, &frame.samples.asks.qty_10, i)
    })
}

/// Quantity of the best twenty bids.
pub fn depth_bid_l20(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_bid_l20", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.bids, 20, &frame.samples.bids.qty_20, i)
    })
}

/// Quantity of the best twenty asks.
pub fn depth_ask_l20(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_ask_l20", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.asks, 20, &frame.samples.asks.qty_20, i)
    })
}

/// (V_b - V_a) / (V_b + V_a) over the best ten levels of each side.
pub fn imbalance_l10(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("imbalance_l10", window_ns, times, |lattice, frame, i| {
        let (bids, asks) = (&frame.samples.bids, &frame.samples.asks);
        let (bid, ask) = (where_deep(bids, 10, &bids.qty_10, i)?, where_deep(asks, 10, &asks.qty_10, i)?);
        Some(float_key(lattice, imbalance(bid, ask)))
    })
}

/// By how much a level changed, at the time of the update.
pub fn level_change_size(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed(
        "level_change_size",
        window_ns,
        |frame| &frame.level_changes.t_ns,
        |_, frame, keys| keys.extend_from_slice(&frame.level_changes.value),
    )
}
