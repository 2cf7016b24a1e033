//! The columns that observables read: filled by the scan, cleared after each pass.

/// Rows of a table at which the columns are handed to the observables.
const ROWS_MAX: usize = 16_384;

/// All tables.
#[derive(Debug, Default)]
pub struct Frame {
    /// One row per trade.
    pub trades: Trades,
    /// One row per normal event.
    pub events: Events,
    /// One row per grid time at which the book is defined.
    pub samples: Samples,
}

/// Trades, ascending in time within a run.
#[derive(Debug, Default)]
pub struct Trades {
    /// Floored time on the trades' clock, ns.
    pub t_ns: Vec<i64>,
    /// Quantity, 10^-8.
    pub qty: Vec<i64>,
    /// +1 the aggressor bought, -1 it sold, 0 unknown.
    pub sign: Vec<i64>,
    /// The trade before belongs to the same run: nothing is known to lie between, clocks and sessions are the same.
    pub continues: Vec<bool>,
}

/// Normal events, trades and book updates merged by time.
#[derive(Debug, Default)]
pub struct Events {
    /// Floored time, ns, ascending within a run.
    pub t_ns: Vec<i64>,
    /// The event before belongs to the same run.
    pub continues: Vec<bool>,
}

/// States of the book on the time grid, both sides non-empty. A missing grid time is a hole: the book was undefined.
#[derive(Debug, Default)]
pub struct Samples {
    /// Grid time, ns.
    pub t_ns: Vec<i64>,
    /// Best bid, 10^-8.
    pub bid: Vec<i64>,
    /// Best ask, 10^-8.
    pub ask: Vec<i64>,
    /// Quantity at the best bid, 10^-8.
    pub bid_qty: Vec<i64>,
    /// Quantity at the best ask, 10^-8.
    pub ask_qty: Vec<i64>,
    /// Quantity of the best five bids, 10^-8.
    pub bid_qty_5: Vec<i64>,
    /// Quantity of the best five asks, 10^-8.
    pub ask_qty_5: Vec<i64>,
}

impl Frame {
    /// Whether the observables should read now. One row of the scan adds at most one grid hole's worth of samples and one
    /// merge buffer's worth of events, so tables stay below a known multiple of this.
    pub fn is_full(&self) -> bool {
        self.trades.t_ns.len() >= ROWS_MAX || self.events.t_ns.len() >= ROWS_MAX || self.samples.t_ns.len() >= ROWS_MAX
    }

    /// Removes all rows, keeps the memory.
    pub fn clear(&mut self) {
        let Trades { t_ns, qty, sign, continues } = &mut self.trades;
        t_ns.clear();
        qty.clear();
        sign.clear();
        continues.clear();
        self.events.t_ns.clear();
        self.events.continues.clear();
        let Samples { t_ns, bid, ask, bid_qty, ask_qty, bid_qty_5, ask_qty_5 } = &mut self.samples;
        for column in [t_ns, bid, ask, bid_qty, ask_qty, bid_qty_5, ask_qty_5] {
            column.clear();
        }
    }
}
