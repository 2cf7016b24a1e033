//! Per trade: size, aggressor, waiting time.

use super::{Pointwise, lattice};
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use crate::observe::{Series, WindowLags, WindowTally};
use verismo_stats::lattice::Lattice;

/// Quantity of each trade.
pub fn trade_size(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed(
        "trade_size",
        window_ns,
        |frame| &frame.trades.t_ns,
        |_, frame, keys| {
            keys.extend_from_slice(&frame.trades.qty);
        },
    )
}

/// The aggressor's sign of each trade that has one.
pub fn aggressor_sign(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    let id = "aggressor_sign";
    Box::new(Sign { lattice: lattice(id), windows: WindowTally::new(window_ns) })
}

struct Sign {
    lattice: Lattice,
    windows: WindowTally,
}

impl Observable for Sign {
    fn id(&self) -> &'static str {
        "aggressor_sign"
    }

    fn observe(&mut self, frame: &Frame) {
        for (&t_ns, &sign) in frame.trades.t_ns.iter().zip(&frame.trades.sign) {
            if sign != 0 {
                self.windows.push(t_ns, sign);
            }
        }
    }

    fn widen_windows(&mut self, factor: i64) {
        self.windows.widen(factor);
    }

    fn finish(self: Box<Self>) -> Series {
        self.windows.finish(self.lattice)
    }
}

/// Lag products of the aggressor's sign, lags in trades. A trade without side ends the run: its sign is not known to be
/// anything.
pub fn aggressor_sign_acf(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    let lags = super::lags("aggressor_sign_acf");
    Box::new(SignAcf { lags: WindowLags::new(lags, window_ns), is_broken: true })
}

struct SignAcf {
    lags: WindowLags,
    is_broken: bool,
}

impl Observable for SignAcf {
    fn id(&self) -> &'static str {
        "aggressor_sign_acf"
    }

    fn observe(&mut self, frame: &Frame) {
        let trades = &frame.trades;
        for (i, &sign) in trades.sign.iter().enumerate() {
            self.is_broken |= !trades.continues[i] || sign == 0;
            if sign != 0 {
                self.lags.push(trades.t_ns[i], sign, !self.is_broken);
                self.is_broken = false;
            }
        }
    }

    fn widen_windows(&mut self, factor: i64) {
        self.lags.widen(factor);
    }

    fn finish(self: Box<Self>) -> Series {
        self.lags.finish(lattice("aggressor_sign_acf"))
    }
}

/// Time since the trade before, at the time of the later trade.
pub fn inter_trade_time(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    super::waiting_time("inter_trade_time", window_ns, |frame| (&frame.trades.t_ns, &frame.trades.continues))
}
