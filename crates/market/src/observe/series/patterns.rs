//! What looks like a strategy that moves a price for its own sake, counted by the minute. None of it shows an intention: owners of orders
//! are not in the data, and honest orders leave the same traces.

use super::machine::{self, Machine, Out};
use super::running::{Minutes, Running};
use crate::observe::SECOND_NS;
use crate::observe::frame::{Frame, TapeRow, TapeSample, TapeTrade};
use crate::observe::registry::Observable;
use std::collections::VecDeque;
use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// Large is so many times the running mean.
const TIMES_MEAN: f64 = 5.0;

/// Depth near the touch that comes in one large piece, goes untraded within 1 s and is followed by a trade on the other side.
pub fn spoof_like_1m(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("spoof_like_1m", window_ns, Spoofs::new(grid_ns))
}

/// The running mean of rises remembers so many.
const MEMORY_RISES: u32 = 1_000;
const RISES_MIN: u32 = 50;
/// How soon the depth must be gone, and the trade after it must come.
const SOON_NS: i64 = SECOND_NS;

/// What is waited for on a side.
#[derive(Debug, Clone, Copy)]
enum Watch {
    /// A large rise.
    Nothing,
    /// It came at `since_ns`; while the best price stays `price`, will the depth be back at `base` plus a quarter of `rise`?
    Rise { since_ns: i64, price: i64, base: i64, rise: i64 },
    /// It was gone at `since_ns`: will there be a trade on the other side?
    Trade { since_ns: i64 },
}

impl Carry for Watch {
    fn save(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Nothing => out.push(0),
            Self::Rise { since_ns, price, base, rise } => {
                out.push(1);
                [since_ns, price, base, rise].save(out);
            }
            Self::Trade { since_ns } => {
                out.push(2);
                since_ns.save(out);
            }
        }
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let kind = input.u8("what is waited for")?;
        let mut fields = [0; 4];
        let n = match kind {
            0 => 0,
            1 => 4,
            2 => 1,
            _ => return Err(input.invalid("what is waited for")),
        };
        fields[..n].iter_mut().try_for_each(|field| field.load(input))?;
        let [since_ns, price, base, rise] = fields;
        *self = match kind {
            0 => Self::Nothing,
            1 => Self::Rise { since_ns, price, base, rise },
            _ => Self::Trade { since_ns },
        };
        Ok(())
    }
}

struct Spoofs {
    minutes: Minutes,
    last: Option<TapeSample>,
    /// What depth grows by in a step of the grid, where it grows.
    rises: Running,
    /// Bids, asks.
    watches: [Watch; 2],
}

impl Spoofs {
    fn new(grid_ns: i64) -> Self {
        let rises = Running::new(MEMORY_RISES);
        Self { minutes: Minutes::new(grid_ns), last: None, rises, watches: [Watch::Nothing; 2] }
    }

    fn trade(&mut self, trade: &TapeTrade) {
        // Sellers meet bids.
        let (met, other) = match trade.sign {
            -1 => (0, 1),
            1 => (1, 0),
            _ => return,
        };
        if let Watch::Rise { .. } = self.watches[met] {
            self.watches[met] = Watch::Nothing;
        }
        if let Watch::Trade { since_ns } = self.watches[other] {
            self.watches[other] = Watch::Nothing;
            if trade.t_ns - since_ns <= SOON_NS {
                self.minutes.count();
            }
        }
    }

    fn sample(&mut self, sample: &TapeSample, out: &mut Out<'_>) {
        let last = self.last.replace(*sample).filter(|_| self.minutes.continues(sample.t_ns));
        if let Some(last) = last {
            let bids = [(last.bid, last.bid_qty_5), (sample.bid, sample.bid_qty_5)];
            let asks = [(last.ask, last.ask_qty_5), (sample.ask, sample.ask_qty_5)];
            for (i, [(price_before, before), (price, now)]) in [bids, asks].into_iter().enumerate() {
                // Where the best price moves, the five levels are others.
                let rise = if price == price_before { now.saturating_sub(before) } else { 0 };
                self.watches[i] = self.watches[i].after(sample.t_ns, price, now);
                if rise > 0 {
                    let is_large = self.rises.known(RISES_MIN).is_some_and(|mean| rise as f64 >= TIMES_MEAN * mean);
                    if let (true, Watch::Nothing) = (is_large, self.watches[i]) {
                        self.watches[i] = Watch::Rise { since_ns: sample.t_ns, price, base: before, rise };
                    }
                    self.rises.push(rise as f64);
                }
            }
        } else {
            self.watches = [Watch::Nothing; 2];
        }
        self.minutes.sample(sample.t_ns, out);
    }
}

impl Watch {
    /// What is waited for after a sample with this best price and depth.
    fn after(self, t_ns: i64, price_now: i64, depth: i64) -> Self {
        match self {
            Self::Rise { price, .. } if price != price_now => Self::Nothing,
            Self::Rise { base, rise, .. } if depth.saturating_sub(base) <= rise / 4 => Self::Trade { since_ns: t_ns },
            Self::Rise { since_ns, .. } | Self::Trade { since_ns } if t_ns - since_ns >= SOON_NS => Self::Nothing,
            other => other,
        }
    }
}

carry!(Spoofs: minutes, last, rises, watches);

impl Machine for Spoofs {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => self.trade(trade),
                TapeRow::Sample(sample) => self.sample(sample, out),
                TapeRow::Update(_) => {}
                TapeRow::Break => *self = Self::new(self.minutes.grid_ns()),
            }
        }
    }
}

/// Moves of the mid within a second, driven by trades of one side, half of which is undone within 5 s.
pub fn ignition_1m(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("ignition_1m", window_ns, Ignitions::new(grid_ns))
}

/// A move is large from so many spreads on.
const SPREADS: i64 = 3;
/// The running mean of moves remembers ten minutes of seconds.
const MEMORY_MOVES: u32 = 600;
const MOVES_MIN: u32 = 30;
/// How soon it must be undone.
const UNDONE_NS: i64 = 5 * SECOND_NS;

/// The mid at a grid time, and what was traded up to it.
#[derive(Debug, Clone, Copy, Default)]
struct Point {
    t_ns: i64,
    mid_2: i64,
    spread: i64,
    /// Buys minus sells, 10^-8.
    net: i128,
    /// Buys plus sells, 10^-8.
    all: i128,
}

carry!(Point: t_ns, mid_2, spread, net, all);

/// A large move that is not undone yet.
#[derive(Debug, Clone, Copy, Default)]
struct Move {
    since_ns: i64,
    sign: i64,
    /// Twice the mid before it, and where it was furthest.
    from: i64,
    to: i64,
}

carry!(Move: since_ns, sign, from, to);

struct Ignitions {
    minutes: Minutes,
    /// What was traded since a moment of the last two seconds: only differences matter, and what is long past must not go on.
    net: i128,
    all: i128,
    /// The grid times of the last second.
    points: VecDeque<Point>,
    /// Twice the size of moves over each full second.
    moves: Running,
    large: Option<Move>,
}

impl Ignitions {
    fn new(grid_ns: i64) -> Self {
        let (minutes, moves) = (Minutes::new(grid_ns), Running::new(MEMORY_MOVES));
        Self { minutes, net: 0, all: 0, points: VecDeque::new(), moves, large: None }
    }

    fn sample(&mut self, sample: &TapeSample, out: &mut Out<'_>) {
        let (t_ns, mid_2) = (sample.t_ns, sample.mid_2());
        if !self.minutes.continues(t_ns) {
            self.points.clear();
            (self.net, self.all, self.large) = (0, 0, None);
        }
        let point = Point { t_ns, mid_2, spread: sample.spread(), net: self.net, all: self.all };
        // At most one point leaves for each that came.
        while self.points.front().is_some_and(|first| first.t_ns < t_ns - SECOND_NS) {
            self.points.pop_front();
        }
        let before = self.points.front().copied().filter(|first| first.t_ns == t_ns - SECOND_NS);
        match self.large {
            Some(large) => self.large = self.follow(large, &point),
            None => self.large = before.and_then(|before| self.large_move(&before, &point)),
        }
        if let (Some(before), 0) = (before, t_ns % SECOND_NS) {
            self.moves.push((mid_2 - before.mid_2).abs() as f64);
        }
        self.points.push_back(point);
        if t_ns % SECOND_NS == 0 {
            self.forget();
        }
        self.minutes.sample(t_ns, out);
    }

    /// Counts what was traded from the oldest point on.
    fn forget(&mut self) {
        let Some(&Point { net, all, .. }) = self.points.front() else { return };
        for point in &mut self.points {
            (point.net, point.all) = (point.net - net, point.all - all);
        }
        (self.net, self.all) = (self.net - net, self.all - all);
    }

    /// The move between two grid times, if it is large and three quarters of what was traded meanwhile went its way.
    fn large_move(&self, before: &Point, now: &Point) -> Option<Move> {
        let moved = now.mid_2 - before.mid_2;
        let (size, sign) = (moved.abs(), moved.signum());
        let mean = self.moves.known(MOVES_MIN)?;
        let is_large =
            size > 0 && size >= before.spread.saturating_mul(2 * SPREADS) && size as f64 >= TIMES_MEAN * mean;
        let (net, all) = (now.net - before.net, now.all - before.all);
        let is_driven = all > 0 && 2 * net * i128::from(sign) >= all;
        let found = Move { since_ns: now.t_ns, sign, from: before.mid_2, to: now.mid_2 };
        (is_large && is_driven).then_some(found)
    }

    /// What is left of a large move after another grid time; counts it if half of it is undone.
    fn follow(&mut self, large: Move, now: &Point) -> Option<Move> {
        let Move { since_ns, sign, from, to } = large;
        let back = i128::from(sign) * (i128::from(to) - i128::from(now.mid_2));
        if back > 0 && 2 * back >= i128::from(sign) * (i128::from(to) - i128::from(from)) {
            self.minutes.count();
            return None;
        }
        let to = if back < 0 { now.mid_2 } else { to };
        (now.t_ns - since_ns < UNDONE_NS).then_some(Move { to, ..large })
    }
}

carry!(Ignitions: minutes, net, all, points, moves, large);

impl Machine for Ignitions {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => {
                    if trade.sign != 0 {
                        self.net += i128::from(trade.sign * trade.qty);
                        self.all += i128::from(trade.qty);
                    }
                }
                TapeRow::Sample(sample) => self.sample(sample, out),
                TapeRow::Update(_) => {}
                TapeRow::Break => *self = Self::new(self.minutes.grid_ns()),
            }
        }
    }
}
