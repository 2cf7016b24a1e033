//! Order flow at the best prices.

use super::{lags, lattice};
use crate::observe::frame::{Frame, Samples, TapeSample};
use crate::observe::registry::Observable;
use crate::observe::{SECOND_NS, Series, WindowLags, WindowTally};
use verismo_stats::carry;

/// Order flow imbalance per second of the grid, in units of 10^-8 of the base asset, at the end of the second.
pub fn ofi_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    PerSecond::boxed("ofi_1s", grid_ns, window_ns, TapeSample::flow_since)
}

/// Steps of the grid within each second over which the best prices or quantities changed, at the end of the second.
pub fn best_quote_changes_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    PerSecond::boxed("best_quote_changes_1s", grid_ns, window_ns, |best, before| {
        i64::from(
            (best.bid, best.bid_qty, best.ask, best.ask_qty)
                != (before.bid, before.bid_qty, before.ask, before.ask_qty),
        )
    })
}

/// What the steps of the grid within each second add up to.
struct Seconds {
    /// What one step adds, from the state after it and the state before it.
    of_step: fn(&TapeSample, &TapeSample) -> i64,
    grid_ns: i64,
    last: Option<TapeSample>,
    sum: i64,
    n_steps: i64,
}

carry!(Seconds: last, sum, n_steps);

impl Seconds {
    fn new(grid_ns: i64, of_step: fn(&TapeSample, &TapeSample) -> i64) -> Self {
        Self { of_step, grid_ns, last: None, sum: 0, n_steps: 0 }
    }

    /// Reads sample `i`; the time and the sum of the second that ends there, if all its steps are defined.
    #[inline]
    fn next(&mut self, samples: &Samples, i: usize) -> Option<(i64, i64)> {
        let best = samples.tape_row(i);
        match self.last {
            Some(last) if last.t_ns + self.grid_ns == best.t_ns => {
                self.sum = self.sum.saturating_add((self.of_step)(&best, &last));
                self.n_steps += 1;
            }
            // A hole: the second it lies in has no sum.
            _ => (self.sum, self.n_steps) = (0, 0),
        }
        self.last = Some(best);
        if best.t_ns % SECOND_NS != 0 {
            return None;
        }
        let (sum, n_steps) = (std::mem::take(&mut self.sum), std::mem::take(&mut self.n_steps));
        (n_steps == SECOND_NS / self.grid_ns).then_some((best.t_ns, sum))
    }
}

struct PerSecond {
    id: &'static str,
    seconds: Seconds,
    windows: WindowTally,
}

impl PerSecond {
    fn boxed(
        id: &'static str,
        grid_ns: i64,
        window_ns: i64,
        of_step: fn(&TapeSample, &TapeSample) -> i64,
    ) -> Box<dyn Observable> {
        Box::new(Self { id, seconds: Seconds::new(grid_ns, of_step), windows: WindowTally::new(window_ns) })
    }
}

carry!(PerSecond: seconds);

impl Observable for PerSecond {
    fn id(&self) -> &'static str {
        self.id
    }

    fn observe(&mut self, frame: &Frame) {
        for i in 0..frame.samples.t_ns.len() {
            if let Some((t_ns, sum)) = self.seconds.next(&frame.samples, i) {
                self.windows.push(t_ns, sum);
            }
        }
    }

    fn widen_windows(&mut self, factor: i64) {
        self.windows.widen(factor);
    }

    fn cut(&mut self) -> Series {
        self.windows.cut(lattice(self.id))
    }
}

/// Units of 10^-8 in one of the lag series: flows are rounded towards zero to 10^-4 of the base asset.
const FLOW_UNIT: i64 = 10_000;
/// Largest flow of the lag series, in those units: sums of products stay far below 2^127.
const FLOW_MAX: i64 = 1_000_000_000_000;

/// Lag products of the order flow imbalance per second, lags in seconds.
pub fn ofi_1s_acf(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    let seconds = Seconds::new(grid_ns, TapeSample::flow_since);
    Box::new(FlowAcf { seconds, last_ns: None, lags: WindowLags::new(lags("ofi_1s_acf"), window_ns) })
}

struct FlowAcf {
    seconds: Seconds,
    last_ns: Option<i64>,
    lags: WindowLags,
}

carry!(FlowAcf: seconds, last_ns, lags);

impl Observable for FlowAcf {
    fn id(&self) -> &'static str {
        "ofi_1s_acf"
    }

    fn observe(&mut self, frame: &Frame) {
        for i in 0..frame.samples.t_ns.len() {
            let Some((t_ns, sum)) = self.seconds.next(&frame.samples, i) else { continue };
            let flow = (sum / FLOW_UNIT).clamp(-FLOW_MAX, FLOW_MAX);
            self.lags.push(t_ns, flow, self.last_ns == Some(t_ns - SECOND_NS));
            self.last_ns = Some(t_ns);
        }
    }

    fn widen_windows(&mut self, factor: i64) {
        self.lags.widen(factor);
    }

    fn cut(&mut self) -> Series {
        self.lags.cut(lattice("ofi_1s_acf"))
    }
}
