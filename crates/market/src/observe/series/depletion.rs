//! How fast the queues at the best prices shrink: by trades, and by what trades do not explain.

use super::machine::{self, Machine, Out, Prevailing};
use crate::observe::SECOND_NS;
use crate::observe::frame::{Frame, TapeRow, TapeSample, TapeTrade};
use crate::observe::registry::Observable;
use verismo_stats::carry;

/// What the best queues lost to trades in each whole second, at its start.
pub fn queue_traded_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Queues::boxed("queue_traded_1s", grid_ns, window_ns, Cause::Trades)
}

/// What the best queues lost otherwise in each whole second, at its start.
pub fn queue_cancelled_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Queues::boxed("queue_cancelled_1s", grid_ns, window_ns, Cause::Rest)
}

/// Which losses are added up.
#[derive(Clone, Copy)]
enum Cause {
    Trades,
    Rest,
}

struct Queues {
    cause: Cause,
    grid_ns: i64,
    prevailing: Prevailing,
    /// What trades took at the best bid and ask since the last sample, 10^-8.
    taken: [i64; 2],
    /// Steps of the second of the last sample that were added up, and what was lost in them.
    steps: i64,
    lost: i64,
}

impl Queues {
    fn boxed(id: &'static str, grid_ns: i64, window_ns: i64, cause: Cause) -> Box<dyn Observable> {
        let prevailing = Prevailing::default();
        machine::boxed(id, window_ns, Self { cause, grid_ns, prevailing, taken: [0; 2], steps: 0, lost: 0 })
    }

    fn trade(&mut self, trade: &TapeTrade) {
        let Some(before) = self.prevailing.before(trade.t_ns, self.grid_ns) else { return };
        // Sellers meet the bid.
        let (i, price) = match trade.sign {
            -1 => (0, before.bid),
            1 => (1, before.ask),
            _ => return,
        };
        if trade.price == price {
            self.taken[i] = self.taken[i].saturating_add(trade.qty);
        }
    }

    fn sample(&mut self, sample: &TapeSample, out: &mut Out<'_>) {
        let before = self.prevailing.before(sample.t_ns, self.grid_ns).copied();
        let taken = std::mem::take(&mut self.taken);
        self.prevailing.set(*sample);
        let Some(before) = before else {
            (self.steps, self.lost) = (0, 0);
            return;
        };
        let start_ns = before.t_ns.div_euclid(SECOND_NS) * SECOND_NS;
        if before.t_ns == start_ns {
            (self.steps, self.lost) = (0, 0);
        }
        let queues = [
            (before.bid - sample.bid, before.bid_qty, sample.bid_qty),
            (sample.ask - before.ask, before.ask_qty, sample.ask_qty),
        ];
        for ((worse_by, was, is), taken) in queues.into_iter().zip(taken) {
            // A queue that another price stands before is not looked at.
            let lost = match worse_by {
                0 => (was - is).max(0),
                1.. => was,
                _ => continue,
            };
            let traded = lost.min(taken);
            let own = if let Cause::Trades = self.cause { traded } else { lost - traded };
            self.lost = self.lost.saturating_add(own);
        }
        self.steps += 1;
        if sample.t_ns == start_ns + SECOND_NS && self.steps * self.grid_ns == SECOND_NS {
            out.key(start_ns, self.lost);
        }
    }
}

carry!(Queues: prevailing, taken, steps, lost);

impl Machine for Queues {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => self.trade(trade),
                TapeRow::Sample(sample) => self.sample(sample, out),
                TapeRow::Update(_) => {}
                TapeRow::Break => {
                    self.prevailing.clear();
                    (self.taken, self.steps, self.lost) = ([0; 2], 0, 0);
                }
            }
        }
    }
}
