//! Liquidity over time: how soon the spread recovers from a trade, how soon an order at the back of the queue would be filled.

use super::machine::{self, Machine, Out, Prevailing};
use crate::observe::SECOND_NS;
use crate::observe::frame::{Frame, TapeRow, TapeSample, TapeTrade};
use crate::observe::registry::Observable;
use std::collections::VecDeque;
use verismo_stats::carry;

/// What takes longer counts as this long.
const CENSORED_NS: i64 = 60 * SECOND_NS;

/// Time from a trade that widened the spread until the spread is back, at most 60 s, at its end.
pub fn resilience_time(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    let prevailing = Prevailing::default();
    machine::boxed("resilience_time", window_ns, Resilience { grid_ns, prevailing, trade_ns: None, wide: None })
}

struct Resilience {
    grid_ns: i64,
    prevailing: Prevailing,
    /// Time of the first trade since the last sample.
    trade_ns: Option<i64>,
    /// Time of the trade that widened the spread, and the spread before it; until it is back no other is watched.
    wide: Option<(i64, i64)>,
}

impl Resilience {
    fn trade(&mut self, trade: &TapeTrade) {
        if self.prevailing.before(trade.t_ns, self.grid_ns).is_some() {
            self.trade_ns.get_or_insert(trade.t_ns);
        }
    }

    fn sample(&mut self, sample: &TapeSample, out: &mut Out<'_>) {
        let before = self.prevailing.before(sample.t_ns, self.grid_ns).map(TapeSample::spread);
        let trade_ns = self.trade_ns.take();
        self.prevailing.set(*sample);
        let Some(before) = before else {
            // The book was undefined in between.
            self.wide = None;
            return;
        };
        match self.wide {
            Some((since_ns, spread)) => {
                let waited_ns = (sample.t_ns - since_ns).min(CENSORED_NS);
                if sample.spread() <= spread || waited_ns == CENSORED_NS {
                    out.key(sample.t_ns, waited_ns);
                    self.wide = None;
                }
            }
            None => self.wide = trade_ns.filter(|_| sample.spread() > before).map(|trade_ns| (trade_ns, before)),
        }
    }
}

carry!(Resilience: prevailing, trade_ns, wide);

impl Machine for Resilience {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => self.trade(trade),
                TapeRow::Sample(sample) => self.sample(sample, out),
                TapeRow::Update(_) => {}
                TapeRow::Break => {
                    self.prevailing.clear();
                    (self.trade_ns, self.wide) = (None, None);
                }
            }
        }
    }
}

/// Time until a virtual bid is filled, at most 60 s, at its end.
pub fn virtual_bid_fill_time(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Virtual::boxed("virtual_bid_fill_time", grid_ns, window_ns, &[1], Answer::Time)
}

/// Time until a virtual ask is filled, at most 60 s, at its end.
pub fn virtual_ask_fill_time(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Virtual::boxed("virtual_ask_fill_time", grid_ns, window_ns, &[-1], Answer::Time)
}

/// 1 for a virtual order that is filled within 10 s, else 0, 10 s after it began.
pub fn virtual_fill_10s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Virtual::boxed("virtual_fill_10s", grid_ns, window_ns, &[1, -1], Answer::Within(10 * SECOND_NS))
}

/// The share of a virtual order, as large as the queue that it joins, that is filled within 10 s, 10 s after it began.
pub fn virtual_fill_share_10s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    Virtual::boxed("virtual_fill_share_10s", grid_ns, window_ns, &[1, -1], Answer::Share(10 * SECOND_NS))
}

/// A virtual order begins on each side at every full ten seconds.
const PLACED_EVERY_NS: i64 = 10 * SECOND_NS;

/// What is asked of virtual orders.
#[derive(Clone, Copy)]
enum Answer {
    /// How long they wait.
    Time,
    /// Whether they are filled so soon.
    Within(i64),
    /// How much of them is filled so soon.
    Share(i64),
}

/// An order at the back of the best queue. Trades at its price take from the queue before it, whatever is cancelled does not; a trade
/// through its price fills it. There are at most seven a side, for they live for 60 s.
#[derive(Debug, Clone, Copy, Default)]
struct Order {
    since_ns: i64,
    /// +1 a bid, -1 an ask.
    side: i64,
    price: i64,
    /// The quantity before it; below zero what is filled of it.
    ahead: i64,
    /// Its own quantity; 0 is the smallest there is.
    size: i64,
    is_filled: bool,
}

carry!(Order: since_ns, side, price, ahead, size, is_filled);

impl Order {
    /// The share that is filled, 0 to 1.
    fn filled(&self) -> f64 {
        match (self.is_filled, self.size) {
            (true, _) => 1.0,
            (false, 0) => 0.0,
            (false, size) => self.ahead.min(0).unsigned_abs() as f64 / size as f64,
        }
    }
}

struct Virtual {
    grid_ns: i64,
    sides: &'static [i64],
    answer: Answer,
    last_ns: Option<i64>,
    orders: VecDeque<Order>,
}

impl Virtual {
    fn boxed(
        id: &'static str,
        grid_ns: i64,
        window_ns: i64,
        sides: &'static [i64],
        answer: Answer,
    ) -> Box<dyn Observable> {
        machine::boxed(id, window_ns, Self { grid_ns, sides, answer, last_ns: None, orders: VecDeque::new() })
    }

    fn trade(&mut self, trade: &TapeTrade, out: &mut Out<'_>) {
        // Sellers meet bids.
        for order in self.orders.iter_mut().filter(|order| order.side == -trade.sign && !order.is_filled) {
            let through = order.side * (order.price - trade.price);
            if through == 0 {
                order.ahead = order.ahead.saturating_sub(trade.qty);
            }
            order.is_filled = through > 0 || order.ahead < 0 && order.ahead <= -order.size;
            if let (true, Answer::Time) = (order.is_filled, self.answer) {
                out.key(trade.t_ns, trade.t_ns - order.since_ns);
            }
        }
        if let Answer::Time = self.answer {
            self.orders.retain(|order| !order.is_filled);
        }
    }

    fn sample(&mut self, sample: &TapeSample, out: &mut Out<'_>) {
        if self.last_ns.replace(sample.t_ns).is_none_or(|last_ns| last_ns + self.grid_ns != sample.t_ns) {
            // Nobody knows what was traded at which best price in a hole.
            self.orders.clear();
        }
        let lives_ns = match self.answer {
            Answer::Time => CENSORED_NS,
            Answer::Within(within_ns) | Answer::Share(within_ns) => within_ns,
        };
        while let Some(order) = self.orders.front().filter(|order| sample.t_ns - order.since_ns >= lives_ns) {
            match self.answer {
                Answer::Time => out.key(sample.t_ns, CENSORED_NS),
                Answer::Within(_) => out.key(sample.t_ns, i64::from(order.is_filled)),
                Answer::Share(_) => out.value(sample.t_ns, order.filled()),
            }
            self.orders.pop_front();
        }
        if sample.t_ns % PLACED_EVERY_NS == 0 {
            for &side in self.sides {
                let (price, ahead) = if side > 0 { (sample.bid, sample.bid_qty) } else { (sample.ask, sample.ask_qty) };
                let size = if let Answer::Share(_) = self.answer { ahead } else { 0 };
                self.orders.push_back(Order { since_ns: sample.t_ns, side, price, ahead, size, is_filled: false });
            }
        }
    }
}

carry!(Virtual: last_ns, orders);

impl Machine for Virtual {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => self.trade(trade, out),
                TapeRow::Sample(sample) => self.sample(sample, out),
                TapeRow::Update(_) => {}
                TapeRow::Break => {
                    self.last_ns = None;
                    self.orders.clear();
                }
            }
        }
    }
}
