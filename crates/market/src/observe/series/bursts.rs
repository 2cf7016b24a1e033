//! Bursts: runs of bins with far more events than usual, and trades that run through price levels at once.

use super::machine::{self, Machine, Out};
use super::running::Running;
use crate::observe::frame::Frame;
use crate::observe::registry::Observable;
use crate::observe::{SECOND_NS, SILENCE_MAX_NS};
use verismo_stats::carry;

const BIN_NS: i64 = SECOND_NS / 10;
/// A bin is busy when it holds more than so many times the running mean of bins, and than so many events.
const TIMES_MEAN: f64 = 5.0;
/// The running mean remembers five minutes.
const MEMORY_BINS: u32 = 3_000;
/// Bins that must have been seen: ten seconds.
const BINS_MIN: u32 = 100;

/// How long each run of busy bins lasts, at its last bin's start.
pub fn burst_length(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("burst_length", window_ns, Bursts::new(Answer::Length))
}

/// How long it is calm between two runs of busy bins, at the start of the second.
pub fn burst_gap(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("burst_gap", window_ns, Bursts::new(Answer::Gap))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Length,
    Gap,
}

struct Bursts {
    answer: Answer,
    mean: Running,
    /// The bin being counted; none before the first event.
    bin: Option<i64>,
    count: i64,
    /// Busy bins in a row up to the bin before.
    n_busy: i64,
    /// The bin after the last burst.
    calm_since: Option<i64>,
}

impl Bursts {
    fn new(answer: Answer) -> Self {
        Self { answer, mean: Running::new(MEMORY_BINS), bin: None, count: 0, n_busy: 0, calm_since: None }
    }

    /// All events of a bin have come.
    fn close(&mut self, bin: i64, count: i64, out: &mut Out<'_>) {
        let is_busy = self.mean.known(BINS_MIN).is_some_and(|mean| count as f64 > TIMES_MEAN * mean.max(1.0));
        self.mean.push(count as f64);
        if is_busy {
            if let (0, Answer::Gap, Some(since)) = (self.n_busy, self.answer, self.calm_since) {
                out.key(bin * BIN_NS, (bin - since) * BIN_NS);
            }
            self.n_busy += 1;
        } else if self.n_busy > 0 {
            if self.answer == Answer::Length {
                out.key((bin - 1) * BIN_NS, self.n_busy * BIN_NS);
            }
            (self.n_busy, self.calm_since) = (0, Some(bin));
        }
    }

    /// Closes the bins from the open one up to `bin`; after too long a silence nothing is known of what lies between.
    fn advance(&mut self, open: i64, bin: i64, out: &mut Out<'_>) {
        let count = std::mem::take(&mut self.count);
        self.close(open, count, out);
        let (n_empty, n_max) = (bin - open - 1, SILENCE_MAX_NS / BIN_NS);
        for empty in (open + 1)..(open + 1 + n_empty.min(n_max)) {
            self.close(empty, 0, out);
        }
        if n_empty > n_max {
            self.calm_since = None;
        }
    }
}

carry!(Bursts: mean, bin, count, n_busy, calm_since);

impl Machine for Bursts {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for (&t_ns, &continues) in frame.events.t_ns.iter().zip(&frame.events.continues) {
            if !continues {
                *self = Self::new(self.answer);
            }
            let bin = t_ns.div_euclid(BIN_NS);
            if let Some(open) = self.bin
                && bin != open
            {
                self.advance(open, bin, out);
            }
            self.bin = Some(bin);
            self.count += 1;
        }
    }
}

/// How long a run of trades by one side may last.
const RUN_NS: i64 = SECOND_NS / 10;

/// Prices that each run of trades by one side within 100 ms went through, each beyond all before, at the time of its last trade.
pub fn sweep_levels(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("sweep_levels", window_ns, Sweeps { run: None })
}

#[derive(Debug, Clone, Copy, Default)]
struct Run {
    sign: i64,
    first_ns: i64,
    last_ns: i64,
    /// The price furthest in the direction of the trades.
    price: i64,
    n_levels: i64,
}

carry!(Run: sign, first_ns, last_ns, price, n_levels);

struct Sweeps {
    run: Option<Run>,
}

carry!(Sweeps: run);

impl Machine for Sweeps {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        let trades = &frame.trades;
        for (i, (&t_ns, &sign)) in trades.t_ns.iter().zip(&trades.sign).enumerate() {
            let price = trades.price[i];
            // A run that a break cuts short has no value.
            let before = self.run.take().filter(|_| trades.continues[i]);
            let goes_on = before.filter(|run| run.sign == sign && t_ns - run.first_ns <= RUN_NS);
            if let Some(run) = goes_on {
                let is_beyond = sign * price > sign * run.price;
                let price = if is_beyond { price } else { run.price };
                self.run = Some(Run { last_ns: t_ns, price, n_levels: run.n_levels + i64::from(is_beyond), ..run });
                continue;
            }
            if let Some(run) = before {
                out.key(run.last_ns, run.n_levels);
            }
            self.run = (sign != 0).then_some(Run { sign, first_ns: t_ns, last_ns: t_ns, price, n_levels: 1 });
        }
    }
}
