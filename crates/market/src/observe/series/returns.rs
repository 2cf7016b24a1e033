//! Returns of the mid price on the grid.

use super::book::float_key;
use super::lattice;
use crate::observe::frame::{Frame, Samples};
use crate::observe::registry::Observable;
use crate::observe::{SECOND_NS, Series, WindowLags, WindowTally};
use verismo_stats::carry;
use verismo_stats::lattice::Lattice;

/// ln(mid_t / mid_(t-1s)) at every full second.
pub fn mid_log_return_1s(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    MidLogReturn::boxed("mid_log_return_1s", SECOND_NS, window_ns)
}

/// ln(mid_t / mid_(t-10s)) at every full ten seconds: the returns do not overlap.
pub fn mid_log_return_10s(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    MidLogReturn::boxed("mid_log_return_10s", 10 * SECOND_NS, window_ns)
}

/// ln(mid_t / mid_(t-60s)) at every full minute: the returns do not overlap.
pub fn mid_log_return_1m(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    MidLogReturn::boxed("mid_log_return_1m", 60 * SECOND_NS, window_ns)
}

/// The log-returns of the mid over steps of an absolute time grid.
#[derive(Debug)]
pub(super) struct Returns {
    step_ns: i64,
    /// Time and bid + ask of the last sample on the step grid.
    last: Option<(i64, i64)>,
}

/// A return, at the end of its step.
pub(super) struct Return {
    pub(super) t_ns: i64,
    pub(super) log_return: f64,
}

carry!(Returns: last);

impl Returns {
    pub(super) fn new(step_ns: i64) -> Self {
        Self { step_ns, last: None }
    }

    /// The return that ends at sample `i`, if both ends of the step are defined.
    ///
    /// ln(m / m') = log1p((s - s') / s') with s = bid + ask: the difference is exact in integers, so that small returns
    /// keep their digits and no move is exactly zero.
    #[inline]
    pub(super) fn next(&mut self, samples: &Samples, i: usize) -> Option<Return> {
        let t_ns = samples.t_ns[i];
        if t_ns % self.step_ns != 0 {
            return None;
        }
        let sum = samples.bid[i] + samples.ask[i];
        let (last_ns, last_sum) = self.last.replace((t_ns, sum))?;
        let log_return = libm::log1p((sum - last_sum) as f64 / last_sum as f64);
        (last_ns + self.step_ns == t_ns).then_some(Return { t_ns, log_return })
    }
}

struct MidLogReturn {
    id: &'static str,
    lattice: Lattice,
    returns: Returns,
    windows: WindowTally,
}

impl MidLogReturn {
    fn boxed(id: &'static str, step_ns: i64, window_ns: i64) -> Box<dyn Observable> {
        let (returns, windows) = (Returns::new(step_ns), WindowTally::new(window_ns));
        Box::new(Self { id, lattice: lattice(id), returns, windows })
    }
}

carry!(MidLogReturn: returns);

impl Observable for MidLogReturn {
    fn id(&self) -> &'static str {
        self.id
    }

    fn observe(&mut self, frame: &Frame) {
        for i in 0..frame.samples.t_ns.len() {
            if let Some(r) = self.returns.next(&frame.samples, i) {
                self.windows.push(r.t_ns, float_key(&self.lattice, r.log_return));
            }
        }
    }

    fn widen_windows(&mut self, factor: i64) {
        self.windows.widen(factor);
    }

    fn cut(&mut self) -> Series {
        self.windows.cut(self.lattice.clone())
    }
}

/// Lag products of round(|1 s log-return| * 10^9), lags in seconds.
pub fn abs_return_1s_acf(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    ReturnAcf::boxed("abs_return_1s_acf", window_ns, |r| libm::round(r.abs() * 1e9) as i64)
}

/// Lag products of round(1 s log-return * 10^9), lags in seconds.
pub fn return_1s_acf(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    ReturnAcf::boxed("return_1s_acf", window_ns, |r| libm::round(r * 1e9) as i64)
}

/// Lag products of round(squared 1 s log-return * 10^15), lags in seconds; 10^12, a move of 3 % in a second, is the most.
pub fn return_sq_1s_acf(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    ReturnAcf::boxed("return_sq_1s_acf", window_ns, |r| libm::round((r * r * 1e15).min(1e12)) as i64)
}

struct ReturnAcf {
    id: &'static str,
    /// Prices are below 2^61, so that |r| < 43: 10^9 times that is far below 2^53.
    value: fn(f64) -> i64,
    returns: Returns,
    /// Time of the last return.
    last_ns: Option<i64>,
    lags: WindowLags,
}

impl ReturnAcf {
    fn boxed(id: &'static str, window_ns: i64, value: fn(f64) -> i64) -> Box<dyn Observable> {
        let lags = WindowLags::new(super::lags(id), window_ns);
        Box::new(Self { id, value, returns: Returns::new(SECOND_NS), last_ns: None, lags })
    }
}

carry!(ReturnAcf: returns, last_ns, lags);

impl Observable for ReturnAcf {
    fn id(&self) -> &'static str {
        self.id
    }

    fn observe(&mut self, frame: &Frame) {
        for i in 0..frame.samples.t_ns.len() {
            let Some(r) = self.returns.next(&frame.samples, i) else { continue };
            let continues = self.last_ns == Some(r.t_ns - SECOND_NS);
            self.lags.push(r.t_ns, (self.value)(r.log_return), continues);
            self.last_ns = Some(r.t_ns);
        }
    }

    fn widen_windows(&mut self, factor: i64) {
        self.lags.widen(factor);
    }

    fn cut(&mut self) -> Series {
        self.lags.cut(lattice(self.id))
    }
}
