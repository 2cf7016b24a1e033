//! Trades against the book before them and after them.
//!
//! Before a trade is the last sample of the grid before its time, `tau` after it the first sample at or after its time plus `tau`. A
//! value stands at the time of its trade. A trade without side, or without the book at one of the two times, has none.

use super::book::BP;
use super::machine::{self, Machine, Out, Prevailing};
use crate::observe::SECOND_NS;
use crate::observe::frame::{Frame, TapeRow, TapeSample, TapeTrade};
use crate::observe::registry::Observable;
use std::collections::VecDeque;
use verismo_stats::carry;

/// Most trades that wait for the book after them; what comes on top is forgotten, and counted.
const WAITING_MAX: usize = 65_536;

/// 2 e (p - m) / m in bp; e is the aggressor's sign, m the mid before the trade.
pub fn effective_spread(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("effective_spread", window_ns, Effective { grid_ns, prevailing: Prevailing::default() })
}

/// 2 e (p - m(t + 1 s)) / m(t) in bp.
pub fn realised_spread_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    After::boxed("realised_spread_1s", grid_ns, window_ns, SECOND_NS, realised)
}

/// 2 e (p - m(t + 5 s)) / m(t) in bp.
pub fn realised_spread_5s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    After::boxed("realised_spread_5s", grid_ns, window_ns, 5 * SECOND_NS, realised)
}

/// -e (m(t + 1 s) - p) / p in bp.
pub fn markout_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    After::boxed("markout_1s", grid_ns, window_ns, SECOND_NS, markout)
}

/// -e (m(t + 10 s) - p) / p in bp.
pub fn markout_10s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    After::boxed("markout_10s", grid_ns, window_ns, 10 * SECOND_NS, markout)
}

/// e (m(t + 1 s) - m(t)) / m(t) in bp.
pub fn impact_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    After::boxed("impact_1s", grid_ns, window_ns, SECOND_NS, impact)
}

/// e (m(t + 10 s) - m(t)) / m(t) in bp.
pub fn impact_10s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    After::boxed("impact_10s", grid_ns, window_ns, 10 * SECOND_NS, impact)
}

/// e (m(t + 60 s) - m(t)) / m(t) in bp.
pub fn impact_60s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    After::boxed("impact_60s", grid_ns, window_ns, 60 * SECOND_NS, impact)
}

/// With m = s / 2, 2 (p - m') / m is 2 (2 p - s') / s: prices are below 2^61, so that differences are exact in 64 bits.
fn realised(trade: &Waiting, after: &TapeSample) -> f64 {
    2.0 * BP * (trade.sign * (2 * trade.price - after.mid_2())) as f64 / trade.mid_2 as f64
}

fn markout(trade: &Waiting, after: &TapeSample) -> f64 {
    BP * (trade.sign * (2 * trade.price - after.mid_2())) as f64 / (2 * trade.price) as f64
}

fn impact(trade: &Waiting, after: &TapeSample) -> f64 {
    BP * (trade.sign * (after.mid_2() - trade.mid_2)) as f64 / trade.mid_2 as f64
}

struct Effective {
    grid_ns: i64,
    prevailing: Prevailing,
}

carry!(Effective: prevailing);

impl Machine for Effective {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => {
                    if let Some(waiting) = Waiting::new(trade, &self.prevailing, self.grid_ns, 0) {
                        let excess = waiting.sign * (2 * waiting.price - waiting.mid_2);
                        out.value(trade.t_ns, 2.0 * BP * excess as f64 / waiting.mid_2 as f64);
                    }
                }
                TapeRow::Sample(sample) => self.prevailing.set(*sample),
                TapeRow::Update(_) => {}
                TapeRow::Break => self.prevailing.clear(),
            }
        }
    }
}

/// A trade that waits for the book after it.
#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    t_ns: i64,
    /// Grid time of the book that it waits for.
    due_ns: i64,
    price: i64,
    sign: i64,
    /// Twice the mid before it.
    mid_2: i64,
}

carry!(Waiting: t_ns, due_ns, price, sign, mid_2);

impl Waiting {
    #[inline]
    fn new(trade: &TapeTrade, prevailing: &Prevailing, grid_ns: i64, tau_ns: i64) -> Option<Self> {
        let before = prevailing.before(trade.t_ns, grid_ns).filter(|_| trade.sign != 0)?;
        let end_ns = trade.t_ns + tau_ns;
        let due_ns = end_ns + (-end_ns).rem_euclid(grid_ns);
        Some(Self { t_ns: trade.t_ns, due_ns, price: trade.price, sign: trade.sign, mid_2: before.mid_2() })
    }
}

/// A function of each trade, the book before it and the book `tau` after it.
struct After {
    grid_ns: i64,
    tau_ns: i64,
    of: fn(&Waiting, &TapeSample) -> f64,
    prevailing: Prevailing,
    /// Ascending in time.
    waiting: VecDeque<Waiting>,
    n_forgotten: u64,
}

impl After {
    fn boxed(
        id: &'static str,
        grid_ns: i64,
        window_ns: i64,
        tau_ns: i64,
        of: fn(&Waiting, &TapeSample) -> f64,
    ) -> Box<dyn Observable> {
        let (prevailing, waiting) = (Prevailing::default(), VecDeque::new());
        machine::boxed(id, window_ns, Self { grid_ns, tau_ns, of, prevailing, waiting, n_forgotten: 0 })
    }

    fn trade(&mut self, trade: &TapeTrade) {
        let Some(waiting) = Waiting::new(trade, &self.prevailing, self.grid_ns, self.tau_ns) else { return };
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(waiting);
        } else {
            self.n_forgotten += 1;
        }
    }

    fn sample(&mut self, sample: &TapeSample, out: &mut Out<'_>) {
        while let Some(trade) = self.waiting.front().filter(|trade| trade.due_ns <= sample.t_ns) {
            // A later sample: the book was undefined when it was due.
            if trade.due_ns == sample.t_ns {
                out.value(trade.t_ns, (self.of)(trade, sample));
            }
            self.waiting.pop_front();
        }
        self.prevailing.set(*sample);
    }
}

carry!(After: prevailing, waiting);

impl Machine for After {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => self.trade(trade),
                TapeRow::Sample(sample) => self.sample(sample, out),
                TapeRow::Update(_) => {}
                TapeRow::Break => {
                    self.prevailing.clear();
                    self.waiting.clear();
                }
            }
        }
    }

    fn forgotten(&mut self) -> u64 {
        std::mem::take(&mut self.n_forgotten)
    }
}

/// |return| of each minute per notional traded in it, in bp per million quote units, at the end of the minute.
pub fn amihud_1m(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("amihud_1m", window_ns, Amihud { last: None, notional: 0 })
}

const MINUTE_NS: i64 = 60 * SECOND_NS;

struct Amihud {
    /// Time and twice the mid at the last full minute.
    last: Option<(i64, i64)>,
    /// Price times quantity since then, 10^-16.
    notional: i128,
}

impl Amihud {
    fn minute(&mut self, sample: &TapeSample, out: &mut Out<'_>) {
        let notional = std::mem::take(&mut self.notional) as f64 / 1e16;
        let Some((last_ns, last_mid_2)) = self.last.replace((sample.t_ns, sample.mid_2())) else { return };
        if last_ns + MINUTE_NS == sample.t_ns && notional > 0.0 {
            let log_return = libm::log1p((sample.mid_2() - last_mid_2) as f64 / last_mid_2 as f64);
            out.value(sample.t_ns, log_return.abs() * BP / (notional / 1e6));
        }
    }
}

carry!(Amihud: last, notional);

impl Machine for Amihud {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => {
                    let product = i128::from(trade.price) * i128::from(trade.qty);
                    self.notional = self.notional.saturating_add(product);
                }
                TapeRow::Sample(sample) if sample.t_ns % MINUTE_NS == 0 => self.minute(sample, out),
                TapeRow::Sample(_) | TapeRow::Update(_) => {}
                TapeRow::Break => *self = Self { last: None, notional: 0 },
            }
        }
    }
}
