//! The columns that observables read: filled by the scan, cleared after each pass.

use crate::book::{Depths, Reach, Top};
use crate::event::Side;
use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader};

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
    /// Values of single orders.
    pub orders: Orders,
    /// By how much each level of each book update changed, 10^-8, above zero, where the book is known.
    pub level_changes: Runs,
    /// How far each trade with a side lies beyond the best price that it met, 10^-8; below zero inside. Prevailing is the last
    /// sample of the book before the trade.
    pub beyond_touch: Timed,
    /// Trades, samples of the book and book updates, merged by time; empty unless an observable needs it.
    pub tape: Vec<TapeRow>,
}

/// A row of the tape: time ascends between breaks. Of equal times trades come first, then updates, then the sample, which is the
/// book after all updates of its time; a trade meets the book of the last sample before its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TapeRow {
    /// A trade.
    Trade(TapeTrade),
    /// The book at the end of an update, not of a snapshot, while it is known; only if an observable needs updates.
    Update(TapeUpdate),
    /// The book at a grid time at which it is defined. A missing grid time is a hole.
    Sample(TapeSample),
    /// Nothing continues from the rows before.
    #[default]
    Break,
}

carry!(TapeTrade: t_ns, price, qty, sign);
carry!(TapeUpdate: t_ns, bid, ask, decreased);
carry!(TapeSample: t_ns, bid, ask, bid_qty, ask_qty, bid_qty_5, ask_qty_5);

impl Carry for TapeRow {
    fn save(&self, out: &mut Vec<u8>) {
        match self {
            Self::Break => out.push(0),
            Self::Trade(trade) => {
                out.push(1);
                trade.save(out);
            }
            Self::Update(update) => {
                out.push(2);
                update.save(out);
            }
            Self::Sample(sample) => {
                out.push(3);
                sample.save(out);
            }
        }
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        fn row<T: Carry + Default>(input: &mut Reader<'_>) -> Result<T, DecodeError> {
            let mut row = T::default();
            row.load(input).map(|()| row)
        }
        *self = match input.u8("a row of the tape")? {
            0 => Self::Break,
            1 => Self::Trade(row(input)?),
            2 => Self::Update(row(input)?),
            3 => Self::Sample(row(input)?),
            _ => return Err(input.invalid("a row of the tape")),
        };
        Ok(())
    }
}

/// A trade of the tape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TapeTrade {
    /// Floored time on the trades' clock, ns.
    pub t_ns: i64,
    /// Price, 10^-8.
    pub price: i64,
    /// Quantity, 10^-8.
    pub qty: i64,
    /// +1 the aggressor bought, -1 it sold, 0 unknown.
    pub sign: i64,
}

/// A book update of the tape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TapeUpdate {
    /// Floored time on the book's clock, ns.
    pub t_ns: i64,
    /// Best bid after it, 10^-8; 0 if there is none.
    pub bid: i64,
    /// Best ask after it, 10^-8; 0 if there is none.
    pub ask: i64,
    /// What levels lost in it, 10^-8, summed over those that shrank.
    pub decreased: i64,
}

/// A sample of the book on the tape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TapeSample {
    /// Grid time, ns.
    pub t_ns: i64,
    /// Best bid, 10^-8.
    pub bid: i64,
    /// Best ask, 10^-8.
    pub ask: i64,
    /// Quantity at the best bid, 10^-8.
    pub bid_qty: i64,
    /// Quantity at the best ask, 10^-8.
    pub ask_qty: i64,
    /// Quantity of the best five bids, 10^-8.
    pub bid_qty_5: i64,
    /// Quantity of the best five asks, 10^-8.
    pub ask_qty_5: i64,
}

impl TapeSample {
    /// Twice the mid.
    #[inline]
    pub fn mid_2(&self) -> i64 {
        self.bid + self.ask
    }

    /// Best ask minus best bid.
    #[inline]
    pub fn spread(&self) -> i64 {
        self.ask - self.bid
    }

    /// e = 1{b >= b'} q_b - 1{b <= b'} q_b' - 1{a <= a'} q_a + 1{a >= a'} q_a', primes for the state before.
    ///
    /// Source: Cont, Kukanov and Stoikov (2014), The price impact of order book events, eq. (2)-(3). DIFFERENCE: between
    /// grid states instead of between single book events, since aggregated feeds do not show those.
    pub fn flow_since(&self, before: &Self) -> i64 {
        let gained = |is_counted: bool, qty: i64| if is_counted { qty } else { 0 };
        let bid =
            gained(self.bid >= before.bid, self.bid_qty).saturating_sub(gained(self.bid <= before.bid, before.bid_qty));
        let ask =
            gained(self.ask <= before.ask, self.ask_qty).saturating_sub(gained(self.ask >= before.ask, before.ask_qty));
        bid.saturating_sub(ask)
    }
}

/// What order-level rows say of single orders.
#[derive(Debug, Default)]
pub struct Orders {
    /// Quantity of each new order, 10^-8.
    pub size: Timed,
    /// Quantity at its price before each new order, 10^-8, where the book is known.
    pub queue_ahead: Timed,
    /// How long each order rested that is gone and whose beginning was seen, ns, at its end.
    pub lifetime: Timed,
    /// How long each order rested before its owner first took something away, ns, at that time.
    pub time_to_cancel: Timed,
    /// What happens to the queues at each price, in order; only where an observable asks for it.
    pub queues: Vec<QueueRow>,
    /// Order-level rows read since the tables were cleared: each adds at most one row to each of them.
    pub n_rows: usize,
}

/// Something that happens to the queue at a price. Times are floored, ns, or [`crate::event::NO_TIME`] where the row has none or the book
/// is not known; quantities are in 10^-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueRow {
    /// An order comes, behind what stands there.
    Joined {
        /// When.
        t_ns: i64,
        /// The order.
        id: i64,
        /// Where.
        level: (Side, i64),
        /// What stood there.
        ahead: i64,
    },
    /// Some quantity leaves.
    Left {
        /// When.
        t_ns: i64,
        /// Of which order; [`crate::event::NO_ID`] for one that is not known.
        id: i64,
        /// From where.
        level: (Side, i64),
        /// How much.
        qty: i64,
        /// What stands there now.
        rest: i64,
        /// Whether by a trade; else its owner took it away.
        by_trade: bool,
        /// Whether nothing is left of the order.
        is_gone: bool,
    },
    /// What was known of all queues is so no more.
    Lost,
}

/// Values, each at its time.
#[derive(Debug, Default)]
pub struct Timed {
    /// Floored time, ns.
    pub t_ns: Vec<i64>,
    /// The value.
    pub value: Vec<i64>,
}

impl Timed {
    /// Adds a value.
    #[inline]
    pub fn push(&mut self, t_ns: i64, value: i64) {
        self.t_ns.push(t_ns);
        self.value.push(value);
    }

    fn clear(&mut self) {
        self.t_ns.clear();
        self.value.clear();
    }
}

/// Values, several of them at one time.
#[derive(Debug, Default)]
pub struct Runs {
    /// Floored time, ns, of each run.
    pub t_ns: Vec<i64>,
    /// Where each run ends among the values.
    pub ends: Vec<usize>,
    /// The values.
    pub value: Vec<i64>,
}

impl Runs {
    /// Says that the values added since the last call belong to this time; none is fine.
    #[inline]
    pub fn close(&mut self, t_ns: i64) {
        let end = self.value.len();
        if self.ends.last().copied().unwrap_or(0) < end {
            self.t_ns.push(t_ns);
            self.ends.push(end);
        }
    }

    fn clear(&mut self) {
        self.t_ns.clear();
        self.ends.clear();
        self.value.clear();
    }
}

/// Trades, ascending in time within a run.
#[derive(Debug, Default)]
pub struct Trades {
    /// Floored time on the trades' clock, ns.
    pub t_ns: Vec<i64>,
    /// Price, 10^-8.
    pub price: Vec<i64>,
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
    /// How deep the bids are.
    pub bids: Vec<Depths>,
    /// How deep the asks are.
    pub asks: Vec<Depths>,
    /// Time of the book update before, ns.
    pub updated_ns: Vec<i64>,
    /// How far the bids and the asks reach behind their best; empty unless an observable needs it.
    pub reach: Vec<[Reach; 2]>,
    /// The bids and the asks near the touch; empty unless an observable needs it.
    pub near: Vec<[Near; 2]>,
}

/// Most levels of a side that [`Near`] holds.
pub const NEAR_LEVELS: usize = 5;

/// The best levels of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Near {
    levels: [(i64, i64); NEAR_LEVELS],
    n: usize,
}

impl Carry for Near {
    fn save(&self, out: &mut Vec<u8>) {
        (self.levels, self.n).save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut fields = ([(0, 0); NEAR_LEVELS], 0);
        fields.load(input)?;
        (self.levels, self.n) = fields;
        if self.n > NEAR_LEVELS { Err(input.invalid("near levels")) } else { Ok(()) }
    }
}

impl Near {
    /// The first levels of a side.
    pub fn of(top: &Top) -> Self {
        let mut near = Self { levels: [(0, 0); NEAR_LEVELS], n: top.levels().len().min(NEAR_LEVELS) };
        near.levels[..near.n].copy_from_slice(&top.levels()[..near.n]);
        near
    }

    /// Price and quantity of each, 10^-8, best first.
    #[inline]
    pub fn levels(&self) -> &[(i64, i64)] {
        &self.levels[..self.n]
    }

    /// What the side holds at a price, if these levels tell: not for a price beyond them. `sign` is +1 for bids, -1 for asks.
    #[inline]
    pub fn qty_at(&self, price: i64, sign: i64) -> Option<i64> {
        let levels = self.levels();
        match levels.iter().find(|level| level.0 == price) {
            Some(level) => Some(level.1),
            None if levels.len() < NEAR_LEVELS => Some(0),
            None => levels.last().filter(|last| sign * price > sign * last.0).map(|_| 0),
        }
    }
}

impl Samples {
    /// The best prices and quantities of row `i`.
    #[inline]
    pub fn tape_row(&self, i: usize) -> TapeSample {
        TapeSample {
            t_ns: self.t_ns[i],
            bid: self.bid[i],
            ask: self.ask[i],
            bid_qty: self.bid_qty[i],
            ask_qty: self.ask_qty[i],
            bid_qty_5: self.bids[i].qty_5,
            ask_qty_5: self.asks[i].qty_5,
        }
    }
}

impl Frame {
    /// Whether the observables should read now. One row of the scan adds at most one grid hole's worth of samples and one
    /// merge buffer's worth of events, so tables stay below a known multiple of this.
    pub fn is_full(&self) -> bool {
        let n_rows = [
            self.trades.t_ns.len(),
            self.events.t_ns.len(),
            self.samples.t_ns.len(),
            self.orders.n_rows,
            self.level_changes.value.len(),
            self.beyond_touch.t_ns.len(),
            self.tape.len(),
        ];
        n_rows.into_iter().any(|n| n >= ROWS_MAX)
    }

    /// Removes all rows, keeps the memory.
    pub fn clear(&mut self) {
        let Trades { t_ns, price, qty, sign, continues } = &mut self.trades;
        t_ns.clear();
        price.clear();
        qty.clear();
        sign.clear();
        continues.clear();
        self.events.t_ns.clear();
        self.events.continues.clear();
        let Samples { t_ns, bid, ask, bid_qty, ask_qty, bids, asks, updated_ns, reach, near } = &mut self.samples;
        for column in [t_ns, bid, ask, bid_qty, ask_qty, updated_ns] {
            column.clear();
        }
        bids.clear();
        asks.clear();
        reach.clear();
        near.clear();
        let Orders { size, queue_ahead, lifetime, time_to_cancel, queues, n_rows } = &mut self.orders;
        queues.clear();
        for table in [size, queue_ahead, lifetime, time_to_cancel] {
            table.clear();
        }
        *n_rows = 0;
        self.level_changes.clear();
        self.beyond_touch.clear();
        self.tape.clear();
    }
}
