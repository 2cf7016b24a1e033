//! Trades against the book that stood before them.
//!
//! Trades and book updates reach us on different paths, so arrival does not tell which book a trade met. The last sample of the
//! book on the grid before the trade's time does not depend on it. Feeds that aggregate show there what they published last: they
//! agree with feeds that do not only if they publish at the grid times, which is why these observables depend on cadence.

use std::collections::VecDeque;

use crate::book::Touch;
use crate::observe::frame::Timed;
use verismo_stats::carry;

/// Samples remembered for trades that arrive late: 100 s of a grid of 100 ms.
const SAMPLES_MAX: usize = 1_024;
/// Trades that may wait for the sample before them; what comes on top is not compared.
const WAITING_MAX: usize = 65_536;

/// The last samples, and the trades that wait for theirs.
#[derive(Debug)]
pub(super) struct Prevailing {
    grid_ns: i64,
    /// Time, best bid and ask, ascending in time.
    samples: VecDeque<(i64, i64, i64)>,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    t_ns: i64,
    /// Time of the sample it is compared with.
    sample_ns: i64,
    price: i64,
    sign: i64,
}

carry!(Waiting: t_ns, sample_ns, price, sign);

impl Waiting {
    /// Buyers meet the ask, sellers the bid.
    fn beyond(self, bid: i64, ask: i64) -> i64 {
        if self.sign > 0 { self.price.saturating_sub(ask) } else { bid.saturating_sub(self.price) }
    }
}

carry!(Prevailing: samples, waiting);

impl Prevailing {
    pub(super) fn new(grid_ns: i64) -> Self {
        Self { grid_ns, samples: VecDeque::new(), waiting: VecDeque::new() }
    }

    /// What stood before stands no longer.
    pub(super) fn stop(&mut self) {
        self.samples.clear();
        self.waiting.clear();
    }

    #[inline]
    pub(super) fn trade(&mut self, t_ns: i64, price: i64, sign: i64, out: &mut Timed) {
        let sample_ns = (t_ns - 1).div_euclid(self.grid_ns) * self.grid_ns;
        let trade = Waiting { t_ns, sample_ns, price, sign };
        if self.samples.back().is_some_and(|last| last.0 >= sample_ns) {
            if let Ok(at) = self.samples.binary_search_by_key(&sample_ns, |sample| sample.0) {
                let (_, bid, ask) = self.samples[at];
                out.push(t_ns, trade.beyond(bid, ask));
            }
            return;
        }
        // The clock of trades was set back: what waits for a later sample had a wrong stamp, and would hold up all after it.
        while self.waiting.back().is_some_and(|last| last.sample_ns > sample_ns) {
            self.waiting.pop_back();
        }
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(trade);
        }
    }

    #[inline]
    pub(super) fn sample(&mut self, t_ns: i64, touch: &Touch, out: &mut Timed) {
        let (bid, ask) = (touch.bid.price, touch.ask.price);
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back((t_ns, bid, ask));
        while let Some(&trade) = self.waiting.front().filter(|trade| trade.sample_ns <= t_ns) {
            self.waiting.pop_front();
            if trade.sample_ns == t_ns {
                out.push(trade.t_ns, trade.beyond(bid, ask));
            }
        }
    }
}
