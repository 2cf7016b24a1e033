//! What a piece of a stream holds: states and counters that add up to those of the whole, wherever it was cut.

use super::counters::{Check, Counter, Counters};
use super::observed::{Observed, QuoteCheck, Series};
use super::rate::Rates;
use super::scan::Cadence;
use super::{WINDOW_SHORT_NS, window_ns_of_span};
use std::collections::BTreeMap;
use verismo_stats::carry;
use verismo_stats::divisor::gcd;
use verismo_stats::sample::{IdRuns, IdSample};
use verismo_stats::state::{Carry, DecodeError, MergeError, Reader, State};

/// The ids of a stream so far: what is a duplicate, and what may still enter a sample, depends on them.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    pub(super) trade_ids: IdSample,
    pub(super) book_ids: IdSample,
    pub(super) trade_runs: IdRuns,
}

impl Default for History {
    fn default() -> Self {
        let ids = || IdSample::new(IdSample::DEFAULT_CAPACITY);
        Self { trade_ids: ids(), book_ids: ids(), trade_runs: IdRuns::new(IdRuns::DEFAULT_RUNS_MAX) }
    }
}

/// Why a piece that was observed after other pieces cannot stand where it is wanted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misfit {
    /// Trade ids before it: what of its trades were seen before may be another.
    TradeIds,
    /// Samples of ids that left out what could have entered now.
    Samples,
}

impl History {
    /// Whether a piece would be the same after this history as it was after its own, and why not.
    ///
    /// # Errors
    /// [`Misfit`].
    pub fn fits(&self, part: &ScanPart) -> Result<(), Misfit> {
        let trades = &part.trades;
        let runs = self.trade_runs.runs().len().saturating_add(trades.runs_grew);
        let is_saturated = self.trade_runs.is_saturated() || runs > IdRuns::DEFAULT_RUNS_MAX as usize;
        if is_saturated || trades.runs_near != near(&self.trade_runs, trades.least_id) {
            return Err(Misfit::TradeIds);
        }
        let are_enough = self.trade_ids.takes(&trades.ids) && self.book_ids.takes(&part.depth.ids);
        if are_enough { Ok(()) } else { Err(Misfit::Samples) }
    }

    /// Adds the ids of the next piece. Parameters are equal everywhere, and numbers of ids far from 64 bits.
    pub fn add(&mut self, part: &ScanPart) {
        let merged = self.trade_ids.merge(&part.trades.ids).and_then(|()| self.book_ids.merge(&part.depth.ids));
        let merged = merged.and_then(|()| self.trade_runs.merge(&part.trades.runs));
        debug_assert!(merged.is_ok(), "{merged:?}");
    }
}

/// Runs of ids that the ids from this one on can meet.
pub(super) fn near(runs: &IdRuns, least_id: Option<i64>) -> Vec<(i64, i64)> {
    let Some(from) = least_id.map(|id| id.saturating_sub(1)) else { return Vec::new() };
    let after = runs.runs().partition_point(|(_, last)| *last < from);
    runs.runs().iter().skip(after).map(|(first, last)| ((*first).max(from), *last)).collect()
}

/// The part of the trades.
#[derive(Debug, Clone)]
pub(super) struct TradesPart {
    pub(super) ids: IdSample,
    /// Ids that were new.
    pub(super) runs: IdRuns,
    /// By how many the runs of all ids so far grew at most.
    pub(super) runs_grew: usize,
    pub(super) least_id: Option<i64>,
    /// Runs of the ids before that its own can meet.
    pub(super) runs_near: Vec<(i64, i64)>,
    pub(super) n_missing: i64,
    pub(super) n_rows: u64,
    pub(super) n_with_id: u64,
    pub(super) n_observed: u64,
}

carry!(TradesPart: ids, runs, runs_grew, least_id, runs_near, n_missing, n_rows, n_with_id, n_observed);

/// The part of order-level rows.
#[derive(Debug, Clone, Default)]
pub(super) struct OrdersPart {
    pub(super) n_rows: u64,
    pub(super) n_added: u64,
    pub(super) n_taken: u64,
    pub(super) n_untracked: u64,
}

carry!(OrdersPart: n_rows, n_added, n_taken, n_untracked);

/// The part of the book.
#[derive(Debug, Clone)]
pub(super) struct DepthPart {
    pub(super) ids: IdSample,
    pub(super) cadence: Cadence,
    pub(super) gap_sizes: [u64; 3],
    pub(super) n_rows: u64,
    pub(super) n_begun: u64,
    pub(super) n_with_id: u64,
    pub(super) n_updates: u64,
    pub(super) n_snapshots: u64,
    pub(super) n_undefined: u64,
    pub(super) n_forgotten: u64,
    pub(super) levels_dropped: u64,
    pub(super) orders: OrdersPart,
}

carry!(
    DepthPart: ids, cadence, gap_sizes, n_rows, n_begun, n_with_id, n_updates, n_snapshots, n_undefined, n_forgotten, levels_dropped,
    orders,
);

/// What the scan of a piece counted.
#[derive(Debug, Clone)]
pub struct ScanPart {
    /// Of the stream so far.
    pub(super) span_ns: Option<(i64, i64)>,
    pub(super) messages: u64,
    pub(super) rows_unobserved: u64,
    pub(super) counters: Counters,
    pub(super) rate: Rates,
    /// Of the stream so far.
    pub(super) tick: i64,
    pub(super) lot: i64,
    pub(super) quotes: QuoteCheck,
    pub(super) trades: TradesPart,
    pub(super) depth: DepthPart,
}

carry!(ScanPart: span_ns, messages, rows_unobserved, counters, rate, tick, lot, quotes, trades, depth);
carry!(QuoteCheck: compared, mismatched);

impl ScanPart {
    /// Of nothing.
    fn new(clock_ns: i64) -> Self {
        let History { trade_ids, book_ids, trade_runs } = History::default();
        Self {
            span_ns: None,
            messages: 0,
            rows_unobserved: 0,
            counters: Counters::new(),
            rate: Rates::default(),
            tick: 0,
            lot: 0,
            quotes: QuoteCheck::default(),
            trades: TradesPart {
                ids: trade_ids,
                runs: trade_runs,
                runs_grew: 0,
                least_id: None,
                runs_near: Vec::new(),
                n_missing: 0,
                n_rows: 0,
                n_with_id: 0,
                n_observed: 0,
            },
            depth: DepthPart {
                ids: book_ids,
                cadence: Cadence::new(clock_ns),
                gap_sizes: [0; 3],
                n_rows: 0,
                n_begun: 0,
                n_with_id: 0,
                n_updates: 0,
                n_snapshots: 0,
                n_undefined: 0,
                n_forgotten: 0,
                levels_dropped: 0,
                orders: OrdersPart::default(),
            },
        }
    }

    /// Reads what was saved.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that were not.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut part = Self::new(1);
        part.load(input)?;
        Ok(part)
    }

    /// Whether it can be stored: not where there are too many holes between ids to remember them all, since what is seen again then depends
    /// on everything before.
    pub fn is_storable(&self) -> bool {
        let runs = &self.trades.runs;
        !runs.is_saturated() && runs.runs().len() <= IdRuns::DEFAULT_RUNS_MAX as usize
    }

    /// First and last floored time of a normal event of the stream up to the end of this piece.
    pub fn span_ns(&self) -> Option<(i64, i64)> {
        self.span_ns
    }

    /// Gives each file that an example names another name: that of the same content where it lies now.
    pub fn rename_sources(&mut self, rename: &dyn Fn(&str) -> String) {
        self.counters.rename_sources(rename);
    }

    /// Adds the next piece. Numbers may come from a store: none of them overflows.
    fn merge(&mut self, later: Self) -> Result<(), MergeError> {
        self.span_ns = match (self.span_ns, later.span_ns) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        self.messages = self.messages.saturating_add(later.messages);
        self.rows_unobserved = self.rows_unobserved.saturating_add(later.rows_unobserved);
        self.counters.merge(later.counters);
        self.rate.merge(later.rate);
        let gcd = |a: i64, b: i64| i64::try_from(gcd(a.unsigned_abs(), b.unsigned_abs())).unwrap_or(i64::MAX);
        (self.tick, self.lot) = (gcd(self.tick, later.tick), gcd(self.lot, later.lot));
        self.quotes.compared = self.quotes.compared.saturating_add(later.quotes.compared);
        self.quotes.mismatched = self.quotes.mismatched.saturating_add(later.quotes.mismatched);
        let (own, later_trades) = (&mut self.trades, later.trades);
        own.ids.merge(&later_trades.ids)?;
        own.runs.merge(&later_trades.runs)?;
        own.n_missing = own.n_missing.saturating_add(later_trades.n_missing);
        own.n_rows = own.n_rows.saturating_add(later_trades.n_rows);
        own.n_with_id = own.n_with_id.saturating_add(later_trades.n_with_id);
        own.n_observed = own.n_observed.saturating_add(later_trades.n_observed);
        let (own, later) = (&mut self.depth, later.depth);
        own.ids.merge(&later.ids)?;
        own.cadence.merge(later.cadence);
        own.gap_sizes.iter_mut().zip(later.gap_sizes).for_each(|(own, n)| *own = own.saturating_add(n));
        for (own, n) in [
            (&mut own.n_rows, later.n_rows),
            (&mut own.n_begun, later.n_begun),
            (&mut own.n_with_id, later.n_with_id),
            (&mut own.n_updates, later.n_updates),
            (&mut own.n_snapshots, later.n_snapshots),
            (&mut own.n_undefined, later.n_undefined),
            (&mut own.n_forgotten, later.n_forgotten),
            (&mut own.levels_dropped, later.levels_dropped),
            (&mut own.orders.n_rows, later.orders.n_rows),
            (&mut own.orders.n_added, later.orders.n_added),
            (&mut own.orders.n_taken, later.orders.n_taken),
            (&mut own.orders.n_untracked, later.orders.n_untracked),
        ] {
            *own = own.saturating_add(n);
        }
        Ok(())
    }

    /// The counters as they are reported.
    fn counters(&mut self, n_forgotten: u64) -> Vec<Counter> {
        let Self { counters, rate, trades, depth, .. } = self;
        std::mem::take(rate).report(counters);
        // Occurrences were gaps, until late trades filled some of them: the count is of ids.
        let missing = u64::try_from(trades.n_missing).unwrap_or(0);
        let counter = counters.of(Check::MissingId);
        counter.count = missing;
        counter.total = missing.saturating_add(trades.runs.n_distinct().unwrap_or(trades.n_observed));
        let orders = &depth.orders;
        counters.of(Check::UnknownOrder).total = orders.n_taken;
        counters.of(Check::OrderOverdrawn).total = orders.n_taken;
        counters.of(Check::DuplicateOrder).total = orders.n_added;
        let mix = counters.of(Check::MessageMix);
        (mix.count, mix.total) = (trades.n_observed, trades.n_observed.saturating_add(depth.n_updates));
        counters.of(Check::InvalidValue).total = trades.n_rows.saturating_add(depth.n_rows);
        counters.of(Check::TimeOutOfRange).total = trades.n_rows.saturating_add(depth.n_begun);
        let forgotten = [depth.levels_dropped, orders.n_untracked, depth.n_forgotten, n_forgotten];
        counters.of(Check::Forgotten).count = forgotten.into_iter().fold(0, u64::saturating_add);
        for check in [Check::Duplicate, Check::SessionOverlap] {
            counters.of(check).total = trades.n_with_id.saturating_add(depth.n_with_id);
        }
        counters.cut().into_vec(orders.n_rows > 0)
    }
}

/// The series of an observable in a piece, and what it gave up.
#[derive(Debug, Clone)]
pub struct SeriesPart {
    /// Its states.
    pub series: Series,
    /// Values that were given up because too many waited for what comes after them.
    pub n_forgotten: u64,
}

/// The states of one observable of a stream, piece after piece: what [`Part::merge`] and [`Part::finish`] make of them.
#[derive(Debug, Clone)]
pub struct SeriesSum {
    window_ns: i64,
    series: Series,
}

impl SeriesSum {
    /// Of the first piece.
    pub fn new(window_ns: i64, series: Series) -> Self {
        Self { window_ns, series }
    }

    /// Adds the next piece.
    ///
    /// # Errors
    /// [`MergeError`] when the pieces were observed differently.
    pub fn add(&mut self, later: Self) -> Result<(), MergeError> {
        let window_ns = self.window_ns.max(later.window_ns);
        self.widen(window_ns);
        let mut later = later;
        later.widen(window_ns);
        self.series.append(later.series)
    }

    fn widen(&mut self, window_ns: i64) {
        if window_ns != self.window_ns {
            self.series.widen(window_ns / self.window_ns);
            self.window_ns = window_ns;
        }
    }

    /// The series of the stream, whose windows are so long.
    #[must_use]
    pub fn finish(mut self, window_ns: i64) -> Series {
        self.widen(self.window_ns.max(window_ns));
        self.series.settle();
        self.series
    }
}

/// What a piece of a stream holds.
#[derive(Debug, Clone)]
pub struct Part {
    /// The clock times were floored to, ns.
    pub clock_ns: i64,
    /// Window length of every series, ns.
    pub window_ns: i64,
    /// What the scan counted.
    pub scan: ScanPart,
    /// By observable id.
    pub series: BTreeMap<&'static str, SeriesPart>,
    /// Observables asked for that the registry does not know.
    pub unknown_observables: Vec<String>,
}

impl Part {
    /// Adds the next piece of the stream, of the same observables. Windows of different length meet at the longer one.
    ///
    /// # Errors
    /// [`MergeError`] when the pieces were observed differently.
    pub fn merge(&mut self, mut later: Self) -> Result<(), MergeError> {
        let window_ns = self.window_ns.max(later.window_ns);
        self.widen(window_ns);
        later.widen(window_ns);
        self.scan.merge(later.scan)?;
        for (id, later) in later.series {
            match self.series.entry(id) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(later);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    let own = entry.get_mut();
                    own.series.append(later.series)?;
                    own.n_forgotten = own.n_forgotten.saturating_add(later.n_forgotten);
                }
            }
        }
        Ok(())
    }

    /// Counts values that were given up in series that are kept elsewhere.
    pub fn add_forgotten(&mut self, n_values: u64) {
        let n = &mut self.scan.depth.n_forgotten;
        *n = n.saturating_add(n_values);
    }

    /// Merges windows into longer ones.
    fn widen(&mut self, window_ns: i64) {
        if window_ns != self.window_ns {
            let factor = window_ns / self.window_ns;
            self.series.values_mut().for_each(|part| part.series.widen(factor));
            self.window_ns = window_ns;
        }
    }

    /// The stream as a whole, once no piece is to come, as an observer with this shortest window has seen it.
    pub fn finish(mut self, window_min_ns: i64) -> Observed {
        let n_forgotten = self.series.values().map(|part| part.n_forgotten).fold(0, u64::saturating_add);
        let counters = self.scan.counters(n_forgotten);
        let settled = |(id, SeriesPart { mut series, .. })| {
            series.settle();
            (id, series)
        };
        let series = self.series.into_iter().map(settled).collect();
        let earned_ns =
            self.scan.span_ns.map_or(WINDOW_SHORT_NS, |(first, last)| window_ns_of_span(last.saturating_sub(first)));
        let ScanPart { span_ns, messages, rows_unobserved, tick, lot, quotes, trades, depth, .. } = self.scan;
        Observed {
            clock_ns: self.clock_ns,
            window_ns: self.window_ns,
            is_shorter_than_expected: self.window_ns > window_min_ns.max(earned_ns),
            span_ns,
            messages,
            events: trades.n_observed.saturating_add(depth.n_updates),
            trades: trades.n_observed,
            updates: depth.n_updates,
            snapshots: depth.n_snapshots,
            order_rows: depth.orders.n_rows,
            orders_untracked: depth.orders.n_untracked,
            rows_unobserved,
            price_tick: tick,
            qty_lot: lot,
            book_cadence_ns: depth.cadence.median_ns(),
            series,
            counters,
            gap_sizes: depth.gap_sizes,
            quotes,
            levels_dropped: depth.levels_dropped,
            grid_undefined: depth.n_undefined,
            book_ids: depth.ids,
            trade_ids: trades.ids,
            trade_runs: trades.runs,
            unknown_observables: self.unknown_observables,
        }
    }
}
