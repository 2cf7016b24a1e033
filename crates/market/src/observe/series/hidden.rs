//! Quantity that the book did not show: what trades take at a best price against what the price then shows.

use super::machine::{self, Machine, Out, Prevailing};
use crate::observe::SECOND_NS;
use crate::observe::frame::{Frame, TapeRow, TapeSample, TapeTrade};
use crate::observe::registry::Observable;
use verismo_stats::carry;

/// How long a burst of trades waits for another trade, and for the book to show what they took.
const SETTLED_NS: i64 = SECOND_NS / 10;

/// The share of what a burst of trades at a best price took that did not leave the display, at the grid time that decides it.
pub fn hidden_share(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Touches::boxed("hidden_share", grid_ns, window_ns, Answer::HiddenShare)
}

/// How often a best price that was traded at showed as much as before, over the time it stood, at its end.
pub fn refill_count(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Touches::boxed("refill_count", grid_ns, window_ns, Answer::Refills)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    HiddenShare,
    Refills,
}

/// Trades at one best price, none of them more than [`SETTLED_NS`] after the one before as far as the grid tells.
#[derive(Debug, Clone, Copy, Default)]
struct Burst {
    last_ns: i64,
    /// What the price showed at the last sample before the first trade.
    shown: i64,
    taken: i64,
}

carry!(Burst: last_ns, shown, taken);

/// A best price of a side as long as it stands.
#[derive(Debug, Clone, Copy, Default)]
struct Stand {
    price: i64,
    /// Its beginning was seen.
    is_whole: bool,
    n_bursts: u32,
    n_refills: u32,
    burst: Option<Burst>,
}

carry!(Stand: price, is_whole, n_bursts, n_refills, burst);

struct Touches {
    answer: Answer,
    grid_ns: i64,
    prevailing: Prevailing,
    /// The best bid and the best ask.
    stands: [Option<Stand>; 2],
}

impl Touches {
    fn boxed(id: &'static str, grid_ns: i64, window_ns: i64, answer: Answer) -> Box<dyn Observable> {
        let prevailing = Prevailing::default();
        machine::boxed(id, window_ns, Self { answer, grid_ns, prevailing, stands: [None; 2] })
    }

    fn trade(&mut self, trade: &TapeTrade) {
        let Some(before) = self.prevailing.before(trade.t_ns, self.grid_ns) else { return };
        // Sellers meet the bid.
        let (i, price, shown) = match trade.sign {
            -1 => (0, before.bid, before.bid_qty),
            1 => (1, before.ask, before.ask_qty),
            _ => return,
        };
        if let Some(stand) = &mut self.stands[i]
            && trade.price == price
        {
            let burst = stand.burst.get_or_insert(Burst { last_ns: trade.t_ns, shown, taken: 0 });
            burst.last_ns = trade.t_ns;
            burst.taken = burst.taken.saturating_add(trade.qty);
        }
    }

    fn sample(&mut self, sample: &TapeSample, out: &mut Out<'_>) {
        if self.prevailing.before(sample.t_ns, self.grid_ns).is_none() {
            self.stands = [None; 2];
        }
        self.prevailing.set(*sample);
        let sides = [(sample.bid, sample.bid_qty, 1), (sample.ask, sample.ask_qty, -1)];
        for (stand, (price, shows, sign)) in self.stands.iter_mut().zip(sides) {
            match stand {
                Some(standing) if standing.price == price => {
                    if standing.burst.is_some_and(|burst| sample.t_ns - burst.last_ns >= SETTLED_NS) {
                        settle(self.answer, standing, shows, sample.t_ns, out);
                    }
                }
                Some(standing) => {
                    // Behind a better price nobody knows here what it shows; where the best is worse, it shows nothing.
                    if sign * price < sign * standing.price {
                        settle(self.answer, standing, 0, sample.t_ns, out);
                    }
                    if self.answer == Answer::Refills && standing.is_whole && standing.n_bursts > 0 {
                        out.key(sample.t_ns, i64::from(standing.n_refills));
                    }
                    *stand = Some(Stand::new(price, true));
                }
                None => *stand = Some(Stand::new(price, false)),
            }
        }
    }
}

impl Stand {
    fn new(price: i64, is_whole: bool) -> Self {
        Self { price, is_whole, n_bursts: 0, n_refills: 0, burst: None }
    }
}

/// Ends the burst at a price, if there is one: the price now shows `shows`.
fn settle(answer: Answer, stand: &mut Stand, shows: i64, t_ns: i64, out: &mut Out<'_>) {
    let Some(burst) = stand.burst.take() else { return };
    stand.n_bursts = stand.n_bursts.saturating_add(1);
    stand.n_refills = stand.n_refills.saturating_add(u32::from(shows >= burst.shown));
    if answer == Answer::HiddenShare {
        let left_display = burst.shown.saturating_sub(shows).clamp(0, burst.taken);
        out.value(t_ns, (burst.taken - left_display) as f64 / burst.taken as f64);
    }
}

carry!(Touches: prevailing, stands);

impl Machine for Touches {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => self.trade(trade),
                TapeRow::Sample(sample) => self.sample(sample, out),
                TapeRow::Update(_) => {}
                TapeRow::Break => {
                    self.prevailing.clear();
                    self.stands = [None; 2];
                }
            }
        }
    }
}
