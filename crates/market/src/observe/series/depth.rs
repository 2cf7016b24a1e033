//! The book below its best prices, on the time grid, and what changes in it.
//!
//! A sample counts where the side shows as many levels as asked: five levels of a book of three are not a thin book but an
//! unknown one.

use super::book::{float_key, imbalance, times};
use super::{Partial, lattice};
use crate::book::Depths;
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use crate::observe::{Series, WindowTally};
use verismo_stats::carry;

/// A value of a side where it shows at least `n` levels.
pub(super) fn where_deep<T>(side: &Depths, n: usize, value: T) -> Option<T> {
    (side.n_levels >= n).then_some(value)
}

/// Fifth best ask minus fifth best bid, in price units of 10^-8.
pub fn spread_l5(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("spread_l5", window_ns, times, |_, frame, i| {
        let (bids, asks) = (&frame.samples.bids[i], &frame.samples.asks[i]);
        Some(where_deep(asks, 5, asks.price_5)? - where_deep(bids, 5, bids.price_5)?)
    })
}

/// Tenth best ask minus tenth best bid, in price units of 10^-8.
pub fn spread_l10(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("spread_l10", window_ns, times, |_, frame, i| {
        let (bids, asks) = (&frame.samples.bids[i], &frame.samples.asks[i]);
        Some(where_deep(asks, 10, asks.price_10)? - where_deep(bids, 10, bids.price_10)?)
    })
}

/// Quantity of the best five bids.
pub fn depth_bid_l5(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_bid_l5", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.bids[i], 5, frame.samples.bids[i].qty_5)
    })
}

/// Quantity of the best five asks.
pub fn depth_ask_l5(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_ask_l5", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.asks[i], 5, frame.samples.asks[i].qty_5)
    })
}

/// Quantity of the best ten bids.
pub fn depth_bid_l10(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_bid_l10", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.bids[i], 10, frame.samples.bids[i].qty_10)
    })
}

/// Quantity of the best ten asks.
pub fn depth_ask_l10(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_ask_l10", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.asks[i], 10, frame.samples.asks[i].qty_10)
    })
}

/// Quantity of the best twenty bids.
pub fn depth_bid_l20(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_bid_l20", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.bids[i], 20, frame.samples.bids[i].qty_20)
    })
}

/// Quantity of the best twenty asks.
pub fn depth_ask_l20(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("depth_ask_l20", window_ns, times, |_, frame, i| {
        where_deep(&frame.samples.asks[i], 20, frame.samples.asks[i].qty_20)
    })
}

/// (V_b - V_a) / (V_b + V_a) over the best ten levels of each side.
pub fn imbalance_l10(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("imbalance_l10", window_ns, times, |lattice, frame, i| {
        let (bids, asks) = (&frame.samples.bids[i], &frame.samples.asks[i]);
        let (bid, ask) = (where_deep(bids, 10, bids.qty_10)?, where_deep(asks, 10, asks.qty_10)?);
        Some(float_key(lattice, imbalance(bid, ask)))
    })
}

/// By how much a level changed, at the time of the update.
pub fn level_change_size(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Box::new(LevelChanges(WindowTally::new(window_ns)))
}

struct LevelChanges(WindowTally);

carry!(LevelChanges:);

impl Observable for LevelChanges {
    fn id(&self) -> &'static str {
        "level_change_size"
    }

    fn observe(&mut self, frame: &Frame) {
        self.0.extend_runs(&frame.level_changes);
    }

    fn widen_windows(&mut self, factor: i64) {
        self.0.widen(factor);
    }

    fn cut(&mut self) -> Series {
        let lattice = lattice(self.id());
        self.0.cut(lattice)
    }
}
