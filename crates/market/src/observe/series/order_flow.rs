//! Order flow as a book of levels shows it: what is taken back, how long best prices stand, updates per trade.
//!
//! Levels do not say why they shrink: whatever no trade explains is taken for cancelled.

use super::machine::{self, Machine, Out};
use crate::observe::SECOND_NS;
use crate::observe::frame::{Frame, TapeRow, TapeSample, TapeTrade, TapeUpdate};
use crate::observe::registry::Observable;
use verismo_stats::carry;

/// The share of what levels lost in each whole second that trades of the second do not explain, at its start.
pub fn cancel_share_1s(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed(
        "cancel_share_1s",
        window_ns,
        Seconds::new(|second| {
            let (lost, traded) = (second.lost as f64, second.traded as f64);
            (second.lost > 0).then(|| (1.0 - traded / lost).max(0.0))
        }),
    )
}

/// Book updates per trade in each whole second with trades, at its start.
pub fn order_to_trade_1s(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed(
        "order_to_trade_1s",
        window_ns,
        Seconds::new(|second| (second.n_trades > 0).then(|| f64::from(second.n_updates) / f64::from(second.n_trades))),
    )
}

/// What happened in a second.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    n_updates: u32,
    n_trades: u32,
    /// What levels lost, 10^-8.
    lost: i128,
    /// What trades exchanged, 10^-8.
    traded: i128,
}

carry!(Second: n_updates, n_trades, lost, traded);

/// Adds up seconds. The first and the last of a run are parts of one only: they have no value.
struct Seconds {
    of: fn(&Second) -> Option<f64>,
    /// The second being added up, and whether it is whole.
    open: Option<(i64, bool)>,
    sums: Second,
}

impl Seconds {
    fn new(of: fn(&Second) -> Option<f64>) -> Self {
        Self { of, open: None, sums: Second::default() }
    }

    /// The sums of the second of `t_ns`; closes the one before.
    #[inline]
    fn at(&mut self, t_ns: i64, out: &mut Out<'_>) -> &mut Second {
        let second = t_ns.div_euclid(SECOND_NS);
        if self.open.is_none_or(|(open, _)| open != second) {
            let sums = std::mem::take(&mut self.sums);
            if let Some((open, true)) = self.open
                && let Some(value) = (self.of)(&sums)
            {
                out.value(open * SECOND_NS, value);
            }
            self.open = Some((second, self.open.is_some()));
        }
        &mut self.sums
    }
}

carry!(Seconds: open, sums);

impl Machine for Seconds {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => {
                    let second = self.at(trade.t_ns, out);
                    second.n_trades = second.n_trades.saturating_add(1);
                    second.traded += i128::from(trade.qty);
                }
                TapeRow::Update(update) => {
                    let second = self.at(update.t_ns, out);
                    second.n_updates = second.n_updates.saturating_add(1);
                    second.lost += i128::from(update.decreased);
                }
                TapeRow::Sample(_) => {}
                TapeRow::Break => *self = Self::new(self.of),
            }
        }
    }
}

/// How long each best bid stood until another price took its place, at its end.
pub fn best_bid_lifetime(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("best_bid_lifetime", window_ns, Lifetime::new(|update| update.bid))
}

/// How long each best ask stood until another price took its place, at its end.
pub fn best_ask_lifetime(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("best_ask_lifetime", window_ns, Lifetime::new(|update| update.ask))
}

struct Lifetime {
    price_of: fn(&TapeUpdate) -> i64,
    /// The best price, 0 where the side is empty; none before the first update.
    price: Option<i64>,
    /// Since when it stands, if its beginning was seen.
    since_ns: Option<i64>,
}

impl Lifetime {
    fn new(price_of: fn(&TapeUpdate) -> i64) -> Self {
        Self { price_of, price: None, since_ns: None }
    }

    fn update(&mut self, update: &TapeUpdate, out: &mut Out<'_>) {
        let price = (self.price_of)(update);
        let before = self.price.replace(price);
        if before == Some(price) {
            return;
        }
        if let Some(since_ns) = self.since_ns {
            out.key(update.t_ns, update.t_ns - since_ns);
        }
        self.since_ns = before.filter(|_| price > 0).map(|_| update.t_ns);
    }
}

carry!(Lifetime: price, since_ns);

impl Machine for Lifetime {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Update(update) => self.update(update, out),
                TapeRow::Break => *self = Self::new(self.price_of),
                TapeRow::Trade(_) | TapeRow::Sample(_) => {}
            }
        }
    }
}

/// 1 for a better best price that is gone within 100 ms without a trade at it, else 0, at the grid time that decides it.
pub fn fleeting_100ms(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("fleeting_100ms", window_ns, Fleeting { grid_ns, last: None, bid: None, ask: None })
}

const FLEETING_NS: i64 = SECOND_NS / 10;

/// A price that has become the best of its side.
#[derive(Debug, Clone, Copy, Default)]
struct Improved {
    since_ns: i64,
    price: i64,
    is_traded: bool,
}

carry!(Improved: since_ns, price, is_traded);

/// One improvement a side is watched at a time.
struct Fleeting {
    grid_ns: i64,
    last: Option<TapeSample>,
    bid: Option<Improved>,
    ask: Option<Improved>,
}

impl Fleeting {
    fn trade(&mut self, trade: &TapeTrade) {
        if let Some(bid) = &mut self.bid {
            bid.is_traded |= trade.sign < 0 && trade.price <= bid.price;
        }
        if let Some(ask) = &mut self.ask {
            ask.is_traded |= trade.sign > 0 && trade.price >= ask.price;
        }
    }

    fn sample(&mut self, sample: &TapeSample, out: &mut Out<'_>) {
        let last = self.last.replace(*sample).filter(|last| last.t_ns + self.grid_ns == sample.t_ns);
        let Some(last) = last else {
            (self.bid, self.ask) = (None, None);
            return;
        };
        let sides = [
            (&mut self.bid, sample.bid, sample.bid > last.bid, 1),
            (&mut self.ask, sample.ask, sample.ask < last.ask, -1),
        ];
        for (watched, price, is_better, sign) in sides {
            if let Some(improved) = *watched {
                let is_gone = sign * price < sign * improved.price;
                let age_ns = sample.t_ns - improved.since_ns;
                if age_ns > FLEETING_NS {
                    *watched = None;
                } else if is_gone || age_ns == FLEETING_NS {
                    out.key(sample.t_ns, i64::from(is_gone && !improved.is_traded));
                    *watched = None;
                }
            }
            if is_better && watched.is_none() {
                *watched = Some(Improved { since_ns: sample.t_ns, price, is_traded: false });
            }
        }
    }
}

carry!(Fleeting: last, bid, ask);

impl Machine for Fleeting {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => self.trade(trade),
                TapeRow::Sample(sample) => self.sample(sample, out),
                TapeRow::Update(_) => {}
                TapeRow::Break => (self.last, self.bid, self.ask) = (None, None, None),
            }
        }
    }
}
