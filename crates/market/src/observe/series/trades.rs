//! Per trade: size, aggressor, waiting time.

use super::book::float_key;
use super::{Column, Partial, Pointwise, lattice};
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use crate::observe::{Series, WindowLags};
use verismo_stats::carry;
use verismo_stats::lattice::Lattice;

fn times(frame: &Frame) -> &[i64] {
    &frame.trades.t_ns
}

/// Quantity of each trade.
pub fn trade_size(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Column::boxed("trade_size", window_ns, |frame| (&frame.trades.t_ns, &frame.trades.qty))
}

/// The aggressor's sign of each trade that has one.
pub fn aggressor_sign(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Partial::boxed("aggressor_sign", window_ns, times, |_, frame, i| {
        Some(frame.trades.sign[i]).filter(|sign| *sign != 0)
    })
}

/// Price times quantity of each trade, in quote units.
pub fn notional(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Pointwise::boxed("notional", window_ns, times, |lattice, frame, keys| {
        for (&price, &qty) in frame.trades.price.iter().zip(&frame.trades.qty) {
            // The exact product needs 128 bits; it is rounded to f64, then scaled: the same bits everywhere.
            let product = i128::from(price) * i128::from(qty);
            keys.push(float_key(lattice, product as f64 / 1e16));
        }
    })
}

/// 1 for a trade at a price worse than the best that it met, else 0.
pub fn trade_through(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    against_touch("trade_through", window_ns, |_, frame, keys| {
        keys.extend(frame.beyond_touch.value.iter().map(|&beyond| i64::from(beyond > 0)));
    })
}

/// 1 for a trade at just the best price that it met, else 0.
pub fn trade_at_touch(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    against_touch("trade_at_touch", window_ns, |_, frame, keys| {
        keys.extend(frame.beyond_touch.value.iter().map(|&beyond| i64::from(beyond == 0)));
    })
}

fn against_touch(id: &'static str, window_ns: i64, map: fn(&Lattice, &Frame, &mut Vec<i64>)) -> Box<dyn Observable> {
    Pointwise::boxed(id, window_ns, |frame| &frame.beyond_touch.t_ns, map)
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

carry!(SignAcf: lags, is_broken);

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

    fn cut(&mut self) -> Series {
        self.lags.cut(lattice("aggressor_sign_acf"))
    }
}

/// Time since the trade before, at the time of the later trade.
pub fn inter_trade_time(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    super::waiting_time("inter_trade_time", window_ns, |frame| (&frame.trades.t_ns, &frame.trades.continues))
}
