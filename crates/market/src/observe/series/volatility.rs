//! Volatility, minute by minute, from the returns of the mid between full seconds.
//!
//! A minute counts where all its sixty returns are defined; ratios, where the price moved.

use super::book::BP;
use super::machine::{self, Machine, Out};
use super::returns::Returns;
use crate::observe::SECOND_NS;
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use verismo_stats::carry;

const MINUTE_NS: i64 = 60 * SECOND_NS;
/// Returns of a minute.
const N: u32 = 60;

/// The root of the sum of squared returns of a minute, in bp.
pub fn realised_vol_1m(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    boxed("realised_vol_1m", window_ns, |sums| Some(BP * sums.squares.sqrt()))
}

/// Bipower variation over realised variance: pi / 2 * n / (n - 1) * sum |r_i| |r_(i-1)| / sum r_i^2.
pub fn bipower_ratio_1m(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    boxed("bipower_ratio_1m", window_ns, |sums| {
        let scale = std::f64::consts::FRAC_PI_2 * f64::from(N) / f64::from(N - 1);
        (sums.squares > 0.0).then(|| scale * sums.neighbours / sums.squares)
    })
}

/// Realised variance of returns of 10 s over that of returns of 1 s.
pub fn variance_ratio_10s(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    boxed("variance_ratio_10s", window_ns, |sums| (sums.squares > 0.0).then(|| sums.squares_10s / sums.squares))
}

fn boxed(id: &'static str, window_ns: i64, of: fn(&Sums) -> Option<f64>) -> Box<dyn Observable> {
    let (returns, returns_10s) = (Returns::new(SECOND_NS), Returns::new(10 * SECOND_NS));
    machine::boxed(id, window_ns, Minutes { of, returns, returns_10s, last_ns: 0, sums: Sums::default() })
}

/// What the returns of a minute add up to.
#[derive(Debug, Default)]
struct Sums {
    n: u32,
    squares: f64,
    /// Products of the sizes of neighbours.
    neighbours: f64,
    squares_10s: f64,
    /// Size of the last return; 0 before the first, which has no neighbour before it.
    last: f64,
}

carry!(Sums: n, squares, neighbours, squares_10s, last);

struct Minutes {
    of: fn(&Sums) -> Option<f64>,
    returns: Returns,
    returns_10s: Returns,
    /// Time of the last return.
    last_ns: i64,
    sums: Sums,
}

impl Minutes {
    fn add(&mut self, t_ns: i64, log_return: f64) {
        // A hole, or the first return of a minute.
        if self.last_ns + SECOND_NS != t_ns || (t_ns - SECOND_NS) % MINUTE_NS == 0 {
            self.sums = Sums::default();
        }
        let sums = &mut self.sums;
        sums.squares += log_return * log_return;
        sums.neighbours += log_return.abs() * sums.last;
        sums.last = log_return.abs();
        sums.n += 1;
        self.last_ns = t_ns;
    }
}

carry!(Minutes: returns, returns_10s, last_ns, sums);

impl Machine for Minutes {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for i in 0..frame.samples.t_ns.len() {
            let Some(r) = self.returns.next(&frame.samples, i) else {
                // The first second after a hole may start a return of 10 s.
                self.returns_10s.next(&frame.samples, i);
                continue;
            };
            self.add(r.t_ns, r.log_return);
            if let Some(r) = self.returns_10s.next(&frame.samples, i) {
                self.sums.squares_10s += r.log_return * r.log_return;
            }
            if r.t_ns % MINUTE_NS == 0
                && self.sums.n == N
                && let Some(value) = (self.of)(&self.sums)
            {
                out.value(r.t_ns, value);
            }
        }
    }
}
