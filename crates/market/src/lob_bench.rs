//! The scores of LOB-Bench (arXiv 2502.09172) of one sequence: messages of single orders and the best levels after each.
//!
//! A [`Scorer`] takes a row at a time; what it holds in the end, [`Scored`], can be cut into windows of neighbouring messages. Each
//! sequence is scored by itself: its first message has no message before it. Prices and sizes are those of the file, whole numbers of
//! at most 15 digits; what the benchmark divides or takes logarithms of are floats.

mod conditions;
mod impact;
mod life;
mod scored;
mod volume;

pub use conditions::{Conditions, Joint};
pub use impact::{ImpactSums, TICK};
pub use scored::{BLOCK_ROWS, Scored, Window};

use conditions::Volatility;
use impact::Events;
use life::Lives;
use verismo_suite::lob_bench::SCORES;
use volume::Volume;

/// Levels that are scored at most.
pub const LEVELS_MAX: usize = 10;

/// Number of unconditional scores.
pub const SCORE_COUNT: usize = SCORES.len();

/// Messages over which order flow imbalance is averaged.
const FLOW_WINDOW: usize = 100;

/// Logarithms of no time are those of this many milliseconds, or seconds.
const NO_TIME: f64 = 1e-9;

/// A message with the order book after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row {
    /// Since midnight.
    pub t_ns: i64,
    /// 1 new order, 2 partial cancellation, 3 deletion, 4 execution; any other is none of these.
    pub kind: i64,
    /// Order id.
    pub order: i64,
    /// Shares.
    pub size: i64,
    /// In the unit of the file.
    pub price: i64,
    /// Of the resting order: 1 buy, -1 sell.
    pub direction: i64,
    /// The best levels.
    pub book: Book,
}

/// The best levels of a book, as a file has them: also those that are not there, with their fill-in price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Book {
    /// Best first.
    pub ask_prices: [i64; LEVELS_MAX],
    /// Best first.
    pub ask_sizes: [i64; LEVELS_MAX],
    /// Best first.
    pub bid_prices: [i64; LEVELS_MAX],
    /// Best first.
    pub bid_sizes: [i64; LEVELS_MAX],
}

impl Book {
    /// Best ask price and size, best bid price and size.
    pub(crate) fn touch(&self) -> [i64; 4] {
        [self.ask_prices[0], self.ask_sizes[0], self.bid_prices[0], self.bid_sizes[0]]
    }

    /// Twice the mid price.
    fn twice_mid(&self) -> i64 {
        self.ask_prices[0] + self.bid_prices[0]
    }
}

/// Places of the scores in [`SCORES`].
mod at {
    pub(super) const SPREAD: usize = 0;
    pub(super) const IMBALANCE: usize = 1;
    pub(super) const INTER_ARRIVAL: usize = 2;
    pub(super) const TIME_TO_CANCEL: usize = 3;
    pub(super) const TOUCH_VOLUME: [usize; 2] = [4, 5];
    pub(super) const VOLUME: [usize; 2] = [6, 7];
    pub(super) const LIMIT_DEPTH: [usize; 2] = [8, 9];
    pub(super) const CANCEL_DEPTH: [usize; 2] = [10, 11];
    pub(super) const LIMIT_LEVEL: [usize; 2] = [12, 13];
    pub(super) const CANCEL_LEVEL: [usize; 2] = [14, 15];
    pub(super) const VOLUME_PER_MINUTE: usize = 16;
    pub(super) const FLOW: usize = 17;
    pub(super) const FLOW_UP: usize = 18;
    pub(super) const FLOW_STAY: usize = 19;
    pub(super) const FLOW_DOWN: usize = 20;
}

/// What the next message is held against.
#[derive(Debug, Clone, Copy)]
struct Before {
    t_ns: i64,
    touch: [i64; 4],
    prices: [[i64; LEVELS_MAX]; 2],
}

/// Scores one sequence, row by row.
#[derive(Debug)]
pub struct Scorer {
    levels: usize,
    rows: u64,
    rows_without_touch: u64,
    columns: Vec<Vec<f64>>,
    /// Lengths of the columns at the start of every block but the first.
    marks: Vec<[usize; SCORE_COUNT]>,
    before: Option<Before>,
    flow: Flow,
    lives: Lives,
    volume: Volume,
    conditions: Conditions,
    volatility: Volatility,
    events: Events,
}

impl Scorer {
    /// A scorer of the best `levels`, at most [`LEVELS_MAX`].
    pub fn new(levels: usize) -> Self {
        Self {
            levels: levels.min(LEVELS_MAX),
            rows: 0,
            rows_without_touch: 0,
            columns: vec![Vec::new(); SCORE_COUNT],
            marks: Vec::new(),
            before: None,
            flow: Flow::default(),
            lives: Lives::default(),
            volume: Volume::default(),
            conditions: Conditions::default(),
            volatility: Volatility::default(),
            events: Events::default(),
        }
    }

    /// Adds a message and the book after it.
    pub fn push(&mut self, row: &Row) {
        if self.rows > 0 && self.rows.is_multiple_of(BLOCK_ROWS) {
            self.marks.push(core::array::from_fn(|i| self.columns[i].len()));
        }
        self.book(row);
        self.order(row);
        let before = self.before.as_ref().map(|before| (before.t_ns, before.touch));
        if let Some((t_ns, touch)) = before {
            self.after_another(row, t_ns, touch);
        }
        self.conditions.push(row);
        self.volatility.push(row.t_ns, row.book.twice_mid());
        self.events.push(row, before.map(|(_, touch)| touch));
        let prices = [row.book.ask_prices, row.book.bid_prices];
        self.before = Some(Before { t_ns: row.t_ns, touch: row.book.touch(), prices });
        self.rows += 1;
    }

    /// The scores of all rows.
    pub fn finish(mut self) -> Scored {
        self.conditions.finish();
        let mut scored = Scored {
            rows: self.rows,
            rows_without_touch: self.rows_without_touch,
            volatility: self.volatility.finish(),
            conditions: self.conditions,
            impact: self.events.finish(),
            columns: self.columns,
            marks: self.marks,
        };
        scored.place(at::VOLUME_PER_MINUTE, self.volume.finish());
        scored
    }

    fn add(&mut self, score: usize, value: f64) {
        self.columns[score].push(value);
    }

    /// What the book shows by itself.
    fn book(&mut self, row: &Row) {
        let book = &row.book;
        let [ask, ask_size, bid, bid_size] = book.touch();
        self.rows_without_touch += u64::from(ask_size == 0 || bid_size == 0);
        self.add(at::SPREAD, (ask - bid) as f64);
        self.add(at::IMBALANCE, (bid_size - ask_size) as f64 / (bid_size + ask_size) as f64);
        for (side, sizes) in [&book.ask_sizes, &book.bid_sizes].into_iter().enumerate() {
            self.add(at::TOUCH_VOLUME[side], sizes[0] as f64);
            self.add(at::VOLUME[side], sizes[..self.levels].iter().sum::<i64>() as f64);
        }
    }

    /// What the message says, beside the book after it.
    fn order(&mut self, row: &Row) {
        match row.kind {
            1 => {
                self.depth(row, at::LIMIT_DEPTH);
                self.level(row.price, &[row.book.ask_prices, row.book.bid_prices], at::LIMIT_LEVEL);
            }
            2 | 3 => {
                self.depth(row, at::CANCEL_DEPTH);
                if let Some(before) = self.before {
                    self.level(row.price, &before.prices, at::CANCEL_LEVEL);
                }
            }
            4 => self.volume.push(row.t_ns, row.size, self.rows),
            _ => {}
        }
        if matches!(row.kind, 1..=3)
            && let Some(time_ns) = self.lives.push(row)
        {
            let seconds = time_ns as f64 / 1e9;
            self.add(at::TIME_TO_CANCEL, libm::log(if time_ns == 0 { NO_TIME } else { seconds }));
        }
    }

    /// Distance from the mid price: above it an ask, below it a bid, at it neither.
    fn depth(&mut self, row: &Row, score: [usize; 2]) {
        let twice = 2 * row.price - row.book.twice_mid();
        if twice != 0 {
            self.add(score[usize::from(twice < 0)], twice.abs() as f64 * 0.5);
        }
    }

    /// The levels at which a price stands, from 1; on both sides in a crossed book.
    fn level(&mut self, price: i64, prices: &[[i64; LEVELS_MAX]; 2], score: [usize; 2]) {
        for (side, prices) in prices.iter().enumerate() {
            for (level, _) in prices[..self.levels].iter().enumerate().filter(|(_, at)| **at == price) {
                self.columns[score[side]].push((level + 1) as f64);
            }
        }
    }

    /// What a message is beside the one before it.
    fn after_another(&mut self, row: &Row, t_ns: i64, touch: [i64; 4]) {
        let elapsed_ns = row.t_ns - t_ns;
        let elapsed_ms = elapsed_ns as f64 / 1e6;
        self.add(at::INTER_ARRIVAL, libm::log(if elapsed_ns == 0 { NO_TIME } else { elapsed_ms }));
        // The flow up to the message before, sorted by what the mid price does next.
        if let Some(flow) = self.flow.mean {
            let score = match row.book.twice_mid().cmp(&(touch[0] + touch[2])) {
                core::cmp::Ordering::Greater => at::FLOW_UP,
                core::cmp::Ordering::Equal => at::FLOW_STAY,
                core::cmp::Ordering::Less => at::FLOW_DOWN,
            };
            self.add(score, flow);
        }
        self.flow.push(touch, row.book.touch());
        if let Some(flow) = self.flow.mean {
            self.add(at::FLOW, flow);
        }
    }
}

/// Order flow imbalance at the touch (Cont, Kukanov and Stoikov 2014), averaged over the last messages.
#[derive(Debug)]
struct Flow {
    ring: [i64; FLOW_WINDOW],
    seen: usize,
    sum: i64,
    /// Once the window is full.
    mean: Option<f64>,
}

impl Default for Flow {
    fn default() -> Self {
        Self { ring: [0; FLOW_WINDOW], seen: 0, sum: 0, mean: None }
    }
}

impl Flow {
    fn push(&mut self, before: [i64; 4], after: [i64; 4]) {
        let [ask_0, ask_size_0, bid_0, bid_size_0] = before;
        let [ask, ask_size, bid, bid_size] = after;
        let when = |is: bool, size: i64| if is { size } else { 0 };
        let flow = when(bid >= bid_0, bid_size) - when(bid <= bid_0, bid_size_0) - when(ask <= ask_0, ask_size)
            + when(ask >= ask_0, ask_size_0);
        let slot = &mut self.ring[self.seen % FLOW_WINDOW];
        self.sum += flow - core::mem::replace(slot, flow);
        self.seen += 1;
        if self.seen >= FLOW_WINDOW {
            self.mean = Some(self.sum as f64 / FLOW_WINDOW as f64);
        }
    }
}

#[cfg(test)]
mod tests;
