//! The row by row part: integrity, replay, and the columns that observables read.

mod depth;
mod grid;
mod measure;
mod prevailing;
mod quotes;
mod tape;
mod trades;

pub(super) use measure::Cadence;

use super::ObserveOptions;
use super::clock::{EventMerge, usable_time};
use super::counters::{Check, Counters, Place};
use super::frame::Frame;
use super::part::{History, ScanPart};
use super::rate::RateWatch;
use super::registry::Needs;
use crate::book::Book;
use crate::event::{EventBatch, Kind, flags};
use crate::orders::Orders;
use depth::Depth;
use grid::Grid;
use measure::Gcd;
use quotes::Quotes;
use trades::Trades;
use verismo_stats::carry;
use verismo_stats::sample::mix64;
use verismo_stats::state::Carry;

/// Largest believable price and quantity: sums of two stay far from overflow. 2.3 * 10^10 units.
const VALUE_MAX: i64 = i64::MAX / 4;

/// What one stream's rows have told so far.
pub(super) struct Scan {
    clock_ns: i64,
    trades: Trades,
    depth: Depth,
    quotes: Quotes,
    shared: Shared,
    rows_unobserved: u64,
    messages: u64,
}

/// What trades and book updates both write to.
struct Shared {
    counters: Counters,
    merge: EventMerge,
    rate: RateWatch,
    /// The last exchange time of either kind, where both come in one sequence.
    single_feed_last_ns: Option<i64>,
    is_single_feed: bool,
    /// A session began, and no row has ended the run of merged events for it yet.
    may_end_run: bool,
    tick: Gcd,
    lot: Gcd,
    span_ns: Option<(i64, i64)>,
}

/// The row under the reader.
#[derive(Clone, Copy)]
struct Row<'a> {
    batch: &'a EventBatch,
    i: usize,
    place: Place<'a>,
    clock_ns: i64,
}

impl Row<'_> {
    /// Row `i` of the same batch.
    #[inline]
    fn move_to(&mut self, i: usize) {
        (self.i, self.place.position) = (i, self.batch.position[i]);
    }

    /// The floored time, if it can be believed.
    #[inline]
    fn time(&self) -> Option<i64> {
        usable_time(self.batch.t_exchange_ns[self.i], self.clock_ns)
    }

    #[inline]
    fn raw_time(&self) -> i64 {
        self.batch.t_exchange_ns[self.i]
    }
}

impl Scan {
    pub(super) fn new(options: &ObserveOptions, needs: Needs) -> Self {
        Self {
            clock_ns: options.clock_ns,
            trades: Trades::new(),
            depth: Depth::new(Book::new(options.levels_max), Grid::new(options.grid_ns, needs), needs, options),
            quotes: Quotes::default(),
            shared: Shared {
                counters: Counters::new(),
                merge: EventMerge::default(),
                rate: RateWatch::default(),
                single_feed_last_ns: None,
                is_single_feed: options.is_single_feed,
                may_end_run: false,
                tick: Gcd::default(),
                lot: Gcd::default(),
                span_ns: None,
            },
            rows_unobserved: 0,
            messages: 0,
        }
    }

    /// Reads row `i`, and with it the rows behind it that go on with its book update; returns the row behind those.
    #[inline]
    pub(super) fn rows(&mut self, batch: &EventBatch, i: usize, source: &str, frame: &mut Frame) -> usize {
        let flags = batch.flags[i];
        self.messages += u64::from(flags & flags::FIRST_OF_MESSAGE != 0);
        if flags & flags::NEW_SESSION != 0 {
            self.trades.start_session();
            self.depth.start_session();
            self.quotes.start_session();
            self.shared.single_feed_last_ns = None;
            self.shared.may_end_run = true;
        }
        let row = Row { batch, i, place: Place { source, position: batch.position[i] }, clock_ns: self.clock_ns };
        match batch.kind[i] {
            Kind::LevelSet | Kind::SnapshotStart => {
                self.depth.row(row, &mut self.shared, &mut self.quotes, frame);
                let (n, n_messages) = self.depth.more_levels(row, &mut self.shared, &mut self.quotes, frame);
                self.messages += n_messages;
                return i + 1 + n;
            }
            Kind::Trade => {
                self.trades.row(row, &mut self.shared, &mut self.depth, frame);
                // A message of an order-level feed may end with a trade.
                self.depth.close(row, &mut self.shared, &mut self.quotes, frame);
            }
            Kind::OrderAdd | Kind::OrderReduce | Kind::OrderDelete | Kind::OrderExec | Kind::OrderExecHidden => {
                frame.orders.n_rows += 1;
                self.depth.order_row(row, &mut self.shared, &mut self.quotes, frame);
            }
            Kind::Quote => self.quotes.row(row, &self.depth),
            _ => self.rows_unobserved += 1,
        }
        i + 1
    }

    /// The book.
    pub(super) fn book(&self) -> &Book {
        self.depth.book()
    }

    /// The orders it is made of.
    pub(super) fn orders(&self) -> &Orders {
        self.depth.order_rows().orders()
    }

    /// First and last floored time of a normal event.
    pub(super) fn span_ns(&self) -> Option<(i64, i64)> {
        self.shared.span_ns
    }

    /// Watches the events of a frame that is about to be cleared.
    pub(super) fn watch_rate(&mut self, frame: &Frame) {
        self.shared.rate.observe(&frame.events);
    }

    /// Samples the grid up to the last update and lets held events leave.
    pub(super) fn finish(&mut self, frame: &mut Frame) {
        self.depth.finish(frame);
        self.shared.merge.end_run(&mut frame.events);
    }

    /// Goes on after what was seen before.
    pub(super) fn go_on(&mut self, history: &History) {
        self.trades.go_on(history);
        self.depth.go_on(history);
    }

    /// Takes out what was counted since the last cut, and adds its ids to the history.
    pub(super) fn cut(&mut self, history: &mut History) -> ScanPart {
        let part = ScanPart {
            span_ns: self.shared.span_ns,
            messages: std::mem::take(&mut self.messages),
            rows_unobserved: std::mem::take(&mut self.rows_unobserved),
            counters: self.shared.counters.cut(),
            rate: self.shared.rate.cut(),
            tick: self.shared.tick.value(),
            lot: std::mem::take(&mut self.shared.lot).value(),
            quotes: self.quotes.check(),
            trades: self.trades.cut(history),
            depth: self.depth.cut(history),
        };
        history.add(&part);
        // What can still enter a sample depends on what has.
        self.go_on(history);
        part
    }

    /// The tape, which goes on apart from the rest: only some observables read it.
    pub(super) fn tape(&mut self) -> Option<&mut dyn Carry> {
        self.depth.tape().map(|tape| tape as &mut dyn Carry)
    }
}

carry!(Shared: merge, rate, single_feed_last_ns, may_end_run, tick, span_ns);
carry!(Scan: trades, depth, quotes, shared);

impl Shared {
    /// Counts a time that is before the one it should not be before. `own_last_ns` is the last time of the row's kind.
    #[inline]
    fn check_order(&mut self, row: Row<'_>, own_last_ns: &mut Option<i64>) {
        let t_ns = row.raw_time();
        let last_ns = if self.is_single_feed { &mut self.single_feed_last_ns } else { own_last_ns };
        let before = last_ns.replace(t_ns).filter(|&last| t_ns < last);
        self.counters.of(Check::OutOfOrder).total += 1;
        if let Some(last) = before {
            let back_ns = last - t_ns;
            self.counters.note(Check::OutOfOrder, back_ns, row.place, || format!("{back_ns} ns before the one before"));
        }
    }

    /// The rows of one kind do not continue those of the session before. Both kinds say so, but there is one break.
    fn break_session(&mut self, frame: &mut Frame) {
        if std::mem::take(&mut self.may_end_run) {
            self.merge.end_run(&mut frame.events);
        }
    }

    /// A normal event at its own floored time.
    #[inline]
    fn extend_span(&mut self, t_ns: i64) {
        self.span_ns = Some(self.span_ns.map_or((t_ns, t_ns), |(first, last)| (first.min(t_ns), last.max(t_ns))));
    }
}

/// A digest of what must agree about an event.
#[inline]
fn content(parts: &[i64]) -> u64 {
    parts.iter().fold(0, |digest, &part| mix64(digest.rotate_left(1) ^ mix64(part as u64)))
}
