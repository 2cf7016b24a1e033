//! Trades: ids, values, order, coherence with the book.

use super::depth::Depth;
use super::{Row, Shared, VALUE_MAX, content};
use crate::event::{NO_ID, Side};
use crate::observe::clock::KindClock;
use crate::observe::counters::Check;
use crate::observe::frame::{Frame, TapeTrade};
use crate::observe::part::{History, TradesPart, near};
use verismo_stats::carry;
use verismo_stats::sample::{IdRuns, IdSample, Inserted};

/// The trades of a stream.
pub(super) struct Trades {
    sample: IdSample,
    /// All ids so far, those before the last cut as well.
    runs: IdRuns,
    /// How many runs there were at the last cut, and the most there were since.
    n_runs: [usize; 2],
    /// The smallest id since the last cut.
    least_id: Option<i64>,
    clock: KindClock,
    last_raw_ns: Option<i64>,
    /// Largest id seen in this session.
    last_id: Option<i64>,
    /// First id of this run of ids.
    first_id: i64,
    /// Below zero where a hole that was counted before the last cut was filled.
    n_missing: i64,
    /// A session began and no trade of it was observed yet.
    in_new_session: bool,
    /// Ids of this session were all seen before so far: it still overlaps the one before.
    in_overlap: bool,
    /// Nothing continues from the trade before.
    is_broken: bool,
    n_rows: u64,
    n_with_id: u64,
    n_observed: u64,
}

impl Trades {
    pub(super) fn new() -> Self {
        Self {
            sample: IdSample::new(IdSample::DEFAULT_CAPACITY),
            runs: IdRuns::new(IdRuns::DEFAULT_RUNS_MAX),
            n_runs: [0; 2],
            least_id: None,
            clock: KindClock::default(),
            last_raw_ns: None,
            last_id: None,
            first_id: 0,
            n_missing: 0,
            in_new_session: false,
            in_overlap: false,
            is_broken: true,
            n_rows: 0,
            n_with_id: 0,
            n_observed: 0,
        }
    }

    pub(super) fn start_session(&mut self) {
        self.in_new_session = true;
        self.in_overlap = true;
        self.last_raw_ns = None;
    }

    /// Goes on after what was seen before.
    pub(super) fn go_on(&mut self, history: &History) {
        self.sample = history.trade_ids.continuation();
        self.runs.clone_from(&history.trade_runs);
        self.n_runs = [self.runs.runs().len(); 2];
    }

    /// Takes out what was counted since the last cut; the ids go on.
    pub(super) fn cut(&mut self, history: &History) -> TradesPart {
        let [before, most] = self.n_runs;
        self.n_runs = [self.runs.runs().len(); 2];
        TradesPart {
            ids: std::mem::replace(&mut self.sample, history.trade_ids.continuation()),
            runs: self.runs.since(&history.trade_runs),
            runs_grew: most - before,
            runs_near: near(&history.trade_runs, self.least_id),
            least_id: self.least_id.take(),
            n_missing: std::mem::take(&mut self.n_missing),
            n_rows: std::mem::take(&mut self.n_rows),
            n_with_id: std::mem::take(&mut self.n_with_id),
            n_observed: std::mem::take(&mut self.n_observed),
        }
    }

    #[inline]
    pub(super) fn row(&mut self, row: Row<'_>, shared: &mut Shared, depth: &mut Depth, frame: &mut Frame) {
        self.n_rows += 1;
        let (batch, i) = (row.batch, row.i);
        let (price, qty, side, id) = (batch.price[i], batch.qty[i], batch.side[i], batch.id[i]);
        if !self.is_new(id, row, shared) {
            return;
        }
        self.enter_session(id, shared, depth, frame);
        self.count_missing(id, row, shared);
        let is_valid = (1..=VALUE_MAX).contains(&price) && (1..=VALUE_MAX).contains(&qty);
        if !is_valid {
            shared.counters.note(Check::InvalidValue, 0, row.place, || format!("trade of {qty} at {price} (10^-8)"));
            return;
        }
        if side == Side::None {
            shared.counters.note(Check::InvalidValue, 0, row.place, || "trade without aggressor side".to_owned());
        }
        shared.tick.add(price);
        shared.lot.add(qty);
        let Some(own_ns) = row.time() else {
            let raw = row.raw_time();
            shared.counters.note(Check::TimeOutOfRange, 0, row.place, || format!("trade at {raw} ns"));
            return;
        };
        shared.check_order(row, &mut self.last_raw_ns);
        let step = self.clock.step(own_ns);
        if step.restarted {
            self.is_broken = true;
            shared.merge.end_run(&mut frame.events);
            depth.break_tape(frame);
        }
        check_coherence(price, row, shared, depth);
        if id != NO_ID {
            self.sample.push(id, own_ns, content(&[price, qty, side as i64]));
        }
        let sign = match side {
            Side::Bid => 1,
            Side::Ask => -1,
            Side::None => 0,
        };
        depth.trade(TapeTrade { t_ns: step.t_ns, price, qty, sign }, frame);
        frame.trades.t_ns.push(step.t_ns);
        frame.trades.price.push(price);
        frame.trades.qty.push(qty);
        frame.trades.sign.push(sign);
        frame.trades.continues.push(!self.is_broken);
        self.is_broken = false;
        shared.merge.push(step.t_ns, &mut frame.events);
        shared.extend_span(own_ns);
        self.n_observed += 1;
    }

    /// Whether the id was not seen before; counts it if it was.
    #[inline]
    fn is_new(&mut self, id: i64, row: Row<'_>, shared: &mut Shared) -> bool {
        if id == NO_ID {
            return true;
        }
        self.n_with_id += 1;
        self.least_id = Some(self.least_id.map_or(id, |least| least.min(id)));
        let was_seen = match self.runs.insert(id) {
            Inserted::New => {
                self.n_runs[1] = self.n_runs[1].max(self.runs.runs().len());
                false
            }
            Inserted::Duplicate => true,
            // Too many holes to remember all ids: what is not above all others is held to be seen.
            _ => self.last_id.is_some_and(|last| id <= last),
        };
        if was_seen {
            let check = if self.in_overlap { Check::SessionOverlap } else { Check::Duplicate };
            shared.counters.note(check, 0, row.place, || format!("trade id {id} again"));
        }
        !was_seen
    }

    /// The first new trade of a session continues the one before only if its id does.
    #[inline]
    fn enter_session(&mut self, id: i64, shared: &mut Shared, depth: &mut Depth, frame: &mut Frame) {
        self.in_overlap = false;
        if !self.in_new_session {
            return;
        }
        self.in_new_session = false;
        let continues = self.last_id.is_some_and(|last| id != NO_ID && last.checked_add(1) == Some(id));
        if !continues {
            self.is_broken = true;
            self.last_id = None;
            self.clock.reset();
            shared.break_session(frame);
            depth.break_tape(frame);
        }
    }

    #[inline]
    fn count_missing(&mut self, id: i64, row: Row<'_>, shared: &mut Shared) {
        if id == NO_ID {
            return;
        }
        let Some(last) = self.last_id else {
            (self.first_id, self.last_id) = (id, Some(id));
            return;
        };
        if id < last {
            // It fills a hole that was counted, unless it is from before this run.
            if id > self.first_id {
                self.n_missing -= 1;
            }
            return;
        }
        self.last_id = Some(id);
        let n_missing = id.abs_diff(last).saturating_sub(1);
        if n_missing > 0 {
            let severity = i64::try_from(n_missing).unwrap_or(i64::MAX);
            self.n_missing = self.n_missing.saturating_add(severity);
            let text = || format!("{n_missing} trade ids missing after {last}");
            shared.counters.note(Check::MissingId, severity, row.place, text);
        }
    }
}

// The ids are part of the history.
carry!(Trades: clock, last_raw_ns, last_id, first_id, in_new_session, in_overlap, is_broken);

/// A trade should lie within the prevailing best quotes, give or take a tick. On aggregated feeds the book lags, so that
/// some do not; the share is what two feeds of one market have in common.
#[inline]
fn check_coherence(price: i64, row: Row<'_>, shared: &mut Shared, depth: &Depth) {
    let Some(touch) = depth.known_touch() else { return };
    shared.counters.of(Check::PriceCoherence).total += 1;
    let tick = shared.tick.value();
    let below = touch.bid.price - tick - price;
    let above = price - touch.ask.price - tick;
    let beyond = below.max(above);
    if beyond > 0 {
        let text = || format!("trade at {price}, book {} to {} (10^-8)", touch.bid.price, touch.ask.price);
        shared.counters.note(Check::PriceCoherence, beyond, row.place, text);
    }
}
