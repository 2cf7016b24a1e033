//! Book updates: ids, order, replay, grid.

mod orders;
mod piece;

use super::grid::Grid;
use super::measure::Cadence;
use super::quotes::Quotes;
use super::tape::Tape;
use super::{Row, Shared, VALUE_MAX, content};
use crate::book::{Book, Knowledge, Touch};
use crate::event::{Kind, NO_ID, NO_TIME, Side, flags};
use crate::observe::ObserveOptions;
use crate::observe::clock::KindClock;
use crate::observe::counters::Check;
use crate::observe::frame::{Frame, TapeTrade};
use crate::observe::registry::Needs;
use orders::OrderRows;
use std::collections::VecDeque;
use std::ops::Range;
use verismo_stats::sample::IdSample;

/// Update ids remembered to tell a repeated update from a late one.
const RECENT_IDS: usize = 4096;
/// Consecutive late updates after which the book's id, not theirs, is held to be wrong.
const RESTART_UPDATES: u32 = 64;
/// Sizes of id gaps up to which nothing is to be done, and up to which a snapshot repairs the book.
const GAP_SMALL: i64 = 10;
const GAP_MEDIUM: i64 = 1_000;

/// Rows read in one loop: the tables that they fill stay bounded.
const RUN_MAX: usize = 4096;

/// What to do with the rows of the update being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// No update is open.
    No,
    /// Its rows are applied. Without a time it is no event.
    Apply { is_snapshot: bool, own_ns: Option<i64>, t_ns: Option<i64>, id: i64 },
    /// It was applied before, or comes too late.
    Skip,
}

/// The book of a stream.
pub(super) struct Depth {
    book: Book,
    order_rows: OrderRows,
    known: Knowledge,
    grid: Grid,
    open: Open,
    clock: KindClock,
    last_raw_ns: Option<i64>,
    last_id: Option<i64>,
    /// The last ids applied, ascending.
    recent: VecDeque<i64>,
    n_late: u32,
    /// The last thing applied was a snapshot: the next update may reach back before it.
    after_snapshot: bool,
    in_new_session: bool,
    in_overlap: bool,
    /// What levels lost in the open update, 10^-8; counted only if it is asked for.
    decreased: i64,
    /// Time of the update before, for the cadence, if it continues.
    last_update_ns: Option<i64>,
    cadence: Cadence,
    sample: IdSample,
    gap_sizes: [u64; 3],
    n_rows: u64,
    n_begun: u64,
    n_with_id: u64,
    n_updates: u64,
    n_snapshots: u64,
}

impl Depth {
    pub(super) fn new(book: Book, grid: Grid, needs: Needs, options: &ObserveOptions) -> Self {
        Self {
            book,
            order_rows: OrderRows::new(options.orders_max, needs.queues),
            known: Knowledge::new(options.warmup_ns),
            grid,
            open: Open::No,
            clock: KindClock::default(),
            last_raw_ns: None,
            last_id: None,
            recent: VecDeque::new(),
            n_late: 0,
            after_snapshot: false,
            in_new_session: false,
            in_overlap: false,
            decreased: 0,
            last_update_ns: None,
            cadence: Cadence::new(options.clock_ns),
            sample: IdSample::new(IdSample::DEFAULT_CAPACITY),
            gap_sizes: [0; 3],
            n_rows: 0,
            n_begun: 0,
            n_with_id: 0,
            n_updates: 0,
            n_snapshots: 0,
        }
    }

    pub(super) fn start_session(&mut self) {
        self.in_new_session = true;
        self.in_overlap = true;
        self.last_raw_ns = None;
        self.open = Open::No;
    }

    /// The best levels, if the book is known by now.
    #[inline]
    pub(super) fn known_touch(&self) -> Option<Touch> {
        let now_ns = self.clock.now_ns().unwrap_or(NO_TIME);
        if self.known.is_known(now_ns) { self.book.touch() } else { None }
    }

    pub(super) fn last_id(&self) -> Option<i64> {
        self.last_id
    }

    pub(super) fn book(&self) -> &Book {
        &self.book
    }

    pub(super) fn order_rows(&self) -> &OrderRows {
        &self.order_rows
    }

    /// The tape, which goes on apart from the rest: only some observables read it.
    pub(super) fn tape(&mut self) -> Option<&mut Tape> {
        self.grid.tape()
    }

    /// Compares a trade with the book that stood before it.
    #[inline]
    pub(super) fn trade(&mut self, trade: TapeTrade, frame: &mut Frame) {
        self.grid.trade(trade, frame);
    }

    /// Nothing that reads trades with the book continues from here.
    pub(super) fn break_tape(&mut self, frame: &mut Frame) {
        self.grid.break_tape(frame);
    }

    /// Samples the grid up to and with the last update's time.
    pub(super) fn finish(&mut self, frame: &mut Frame) {
        if let Some(now_ns) = self.clock.now_ns() {
            self.grid.advance(now_ns + 1, &self.book, &self.known, frame);
        }
        self.grid.finish(frame);
    }

    #[inline]
    pub(super) fn row(&mut self, row: Row<'_>, shared: &mut Shared, quotes: &mut Quotes, frame: &mut Frame) {
        self.n_rows += 1;
        if self.open == Open::No || row.batch.kind[row.i] == Kind::SnapshotStart {
            self.begin(row, shared, frame);
        }
        if let Open::Apply { .. } = self.open
            && row.batch.kind[row.i] == Kind::LevelSet
        {
            let level = (row.batch.side[row.i], row.batch.price[row.i], row.batch.qty[row.i]);
            let changes_ns = self.changes_ns();
            if let Err(Invalid) = self.set_level(level, changes_ns.is_some(), shared, frame) {
                note_invalid(level, row, shared);
            }
            close_changes(changes_ns, frame);
        }
        self.close(row, shared, quotes, frame);
    }

    /// Reads the rows behind `row` that go on with its update of levels, in one loop, and the end of the update with them; returns how
    /// many there were, and how many of them start a message. None if it is not such a row.
    #[inline]
    pub(super) fn more_levels(
        &mut self,
        mut row: Row<'_>,
        shared: &mut Shared,
        quotes: &mut Quotes,
        frame: &mut Frame,
    ) -> (usize, u64) {
        let (batch, first) = (row.batch, row.i + 1);
        if !matches!(self.open, Open::Apply { .. }) || batch.kind[row.i] != Kind::LevelSet {
            return (0, 0);
        }
        let changes_ns = self.changes_ns();
        let last = batch.len().min(first + RUN_MAX);
        let (mut n, mut n_messages, mut is_end) = (0, 0, false);
        for (&kind, &flags) in batch.kind[first..last].iter().zip(&batch.flags[first..last]) {
            if kind != Kind::LevelSet || flags & flags::NEW_SESSION != 0 {
                break;
            }
            n += 1;
            n_messages += u64::from(flags & flags::FIRST_OF_MESSAGE != 0);
            is_end = flags & flags::LAST_OF_UPDATE != 0;
            if is_end {
                break;
            }
        }
        self.n_rows += n as u64;
        self.set_levels(row, first..first + n, changes_ns.is_some(), shared, frame);
        close_changes(changes_ns, frame);
        if is_end {
            row.move_to(first + n - 1);
            self.end(row, shared, quotes, frame);
        }
        (n, n_messages)
    }

    /// Sets the levels of these rows, of one update.
    #[inline]
    fn set_levels(
        &mut self,
        mut row: Row<'_>,
        rows: Range<usize>,
        counts_changes: bool,
        shared: &mut Shared,
        frame: &mut Frame,
    ) {
        let batch = row.batch;
        let (side, price, qty) = (&batch.side[rows.clone()], &batch.price[rows.clone()], &batch.qty[rows.clone()]);
        let are_valid = price.iter().zip(qty).fold(true, |are, (&price, &qty)| are & is_valid(price, qty));
        if !are_valid || side.contains(&Side::None) {
            for i in rows {
                let level = (batch.side[i], batch.price[i], batch.qty[i]);
                if let Err(Invalid) = self.set_level(level, counts_changes, shared, frame) {
                    row.move_to(i);
                    note_invalid(level, row, shared);
                }
            }
            return;
        }
        shared.tick.add_all(price);
        shared.lot.add_all(qty);
        let changes = &mut frame.level_changes.value;
        // Two loops, so that what levels lose costs nothing where nobody asks for it.
        if counts_changes && self.grid.needs_updates() {
            let decreased = &mut self.decreased;
            set_runs(&mut self.book, (side, price, qty), |before, after| {
                if before != after {
                    changes.push(change(before, after));
                    *decreased = decreased.saturating_add(before.saturating_sub(after).max(0));
                }
            });
            return;
        }
        set_runs(&mut self.book, (side, price, qty), |before, after| {
            if counts_changes && before != after {
                changes.push(change(before, after));
            }
        });
    }

    /// The time at which changes of levels by the open update are events; none in snapshots, or before the book is known.
    #[inline]
    fn changes_ns(&self) -> Option<i64> {
        match self.open {
            Open::Apply { is_snapshot: false, t_ns: Some(t_ns), .. } if self.known.is_known(t_ns) => Some(t_ns),
            _ => None,
        }
    }

    /// Ends the open update if the row is the last of its message.
    #[inline]
    pub(super) fn close(&mut self, row: Row<'_>, shared: &mut Shared, quotes: &mut Quotes, frame: &mut Frame) {
        if row.batch.flags[row.i] & flags::LAST_OF_UPDATE != 0 {
            self.end(row, shared, quotes, frame);
        }
    }

    #[inline]
    fn set_level(
        &mut self,
        (side, price, qty): Level,
        counts_changes: bool,
        shared: &mut Shared,
        frame: &mut Frame,
    ) -> Result<(), Invalid> {
        if !is_valid(price, qty) || side == Side::None {
            return Err(Invalid);
        }
        shared.tick.add(price);
        if qty > 0 {
            shared.lot.add(qty);
        }
        let before = self.book.set(side, price, qty);
        if counts_changes && before != qty {
            frame.level_changes.value.push(change(before, qty));
            self.decreased = self.decreased.saturating_add(before.saturating_sub(qty).max(0));
        }
        Ok(())
    }

    /// Decides what to do with an update of levels, or a snapshot.
    fn begin(&mut self, row: Row<'_>, shared: &mut Shared, frame: &mut Frame) {
        self.n_begun += 1;
        let is_snapshot = row.batch.kind[row.i] == Kind::SnapshotStart;
        let id = row.batch.id[row.i];
        if id != NO_ID {
            self.n_with_id += 1;
            if self.is_old(id, is_snapshot, row, shared, frame) {
                self.open = Open::Skip;
                return;
            }
        }
        if is_snapshot {
            self.enter_session_by_snapshot(id, shared, frame);
        } else {
            self.check_sequence(row, shared, frame);
        }
        self.open_at(is_snapshot, id, row, shared, frame);
    }

    /// Opens an update and moves the grid up to it.
    fn open_at(&mut self, is_snapshot: bool, id: i64, row: Row<'_>, shared: &mut Shared, frame: &mut Frame) {
        let own_ns = self.begin_time(is_snapshot, row, shared);
        let t_ns = own_ns.map(|own_ns| {
            let step = self.clock.step(own_ns);
            if step.restarted {
                self.grid.stop(frame);
                self.last_update_ns = None;
                self.order_rows.orders.forget_times();
                shared.merge.end_run(&mut frame.events);
            }
            self.grid.advance(step.t_ns, &self.book, &self.known, frame);
            self.grid.begin_update(step.t_ns, is_snapshot);
            step.t_ns
        });
        if is_snapshot {
            self.book.clear();
            self.order_rows.begin_snapshot(frame);
        }
        self.open = Open::Apply { is_snapshot, own_ns, t_ns, id };
        self.decreased = 0;
    }

    /// The update's own floored time, checked.
    fn begin_time(&mut self, is_snapshot: bool, row: Row<'_>, shared: &mut Shared) -> Option<i64> {
        let own_ns = row.time();
        if own_ns.is_some() {
            shared.check_order(row, &mut self.last_raw_ns);
        } else if !(is_snapshot && row.raw_time() == NO_TIME) {
            // A snapshot fetched beside the stream has no exchange time; everything else must have one.
            let raw = row.raw_time();
            shared.counters.note(Check::TimeOutOfRange, 0, row.place, || format!("book update at {raw} ns"));
        }
        own_ns
    }

    /// Whether an update was applied before or comes after a later one; counts it if so.
    fn is_old(&mut self, id: i64, is_snapshot: bool, row: Row<'_>, shared: &mut Shared, frame: &mut Frame) -> bool {
        let Some(last) = self.last_id else { return false };
        if is_snapshot {
            // Outside an overlap a snapshot is an anchor whatever its id.
            let is_old = self.in_overlap && id < last;
            if is_old {
                shared.counters.note(Check::SessionOverlap, 0, row.place, || format!("snapshot {id} after {last}"));
            }
            return is_old;
        }
        if id > last {
            self.n_late = 0;
            return false;
        }
        if self.in_overlap {
            shared.counters.note(Check::SessionOverlap, 0, row.place, || format!("update id {id} again"));
            return true;
        }
        let is_within = self.recent.front().is_some_and(|&oldest| id > oldest);
        if !is_within || self.recent.binary_search(&id).is_ok() {
            shared.counters.note(Check::Duplicate, 0, row.place, || format!("update id {id} again"));
            return true;
        }
        self.n_late += 1;
        if self.n_late >= RESTART_UPDATES {
            self.break_off(frame);
            shared.merge.end_run(&mut frame.events);
            return false;
        }
        shared.counters.of(Check::OutOfOrder).total += 1;
        shared.counters.note(Check::OutOfOrder, 0, row.place, || format!("update id {id} after {last}, not applied"));
        true
    }

    /// Compares the ids of an update with those of the one before.
    fn check_sequence(&mut self, row: Row<'_>, shared: &mut Shared, frame: &mut Frame) {
        let (first, prev) = (row.batch.first_id[row.i], row.batch.prev_id[row.i]);
        let gap = match self.last_id {
            Some(last) if prev != NO_ID => Some(prev.saturating_sub(last)),
            Some(last) if first != NO_ID => Some(first.saturating_sub(last).saturating_sub(1)),
            _ => None,
        };
        let is_new_session = std::mem::take(&mut self.in_new_session);
        self.in_overlap = false;
        if is_new_session && gap.is_none_or(|gap| gap > 0) {
            self.break_off(frame);
            shared.break_session(frame);
            return;
        }
        let Some(gap) = gap else { return };
        shared.counters.of(Check::SequenceGap).total += 1;
        shared.counters.of(Check::GapSeverity).total += 1;
        // The first update after a snapshot or into a new session may begin before what it continues.
        let may_reach_back = self.after_snapshot || is_new_session;
        if gap == 0 || (may_reach_back && gap < 0) {
            return;
        }
        let size = gap.saturating_abs();
        let last = self.last_id.unwrap_or_default();
        let text = || format!("{gap} ids between update {last} and the next");
        shared.counters.note(Check::SequenceGap, size, row.place, text);
        let bucket = usize::from(size > GAP_SMALL) + usize::from(size > GAP_MEDIUM);
        self.gap_sizes[bucket] += 1;
        if size > GAP_MEDIUM {
            shared.counters.note(Check::GapSeverity, size, row.place, text);
        }
    }

    /// A snapshot continues the session before if it is not behind it.
    fn enter_session_by_snapshot(&mut self, id: i64, shared: &mut Shared, frame: &mut Frame) {
        self.in_overlap = false;
        if std::mem::take(&mut self.in_new_session) {
            let continues = id != NO_ID && self.last_id == Some(id);
            if !continues {
                self.break_off(frame);
                shared.break_session(frame);
            }
        }
    }

    /// Nothing continues from here: the book is unknown, the clock and the grid start anew.
    fn break_off(&mut self, frame: &mut Frame) {
        self.book.clear();
        self.order_rows.clear(frame);
        self.known.reset();
        self.clock.reset();
        self.grid.stop(frame);
        self.last_id = None;
        self.recent.clear();
        self.n_late = 0;
        self.after_snapshot = false;
        self.last_update_ns = None;
    }

    fn end(&mut self, row: Row<'_>, shared: &mut Shared, quotes: &mut Quotes, frame: &mut Frame) {
        let open = std::mem::replace(&mut self.open, Open::No);
        let Open::Apply { is_snapshot, own_ns, t_ns, id } = open else { return };
        if id != NO_ID {
            self.remember(id, is_snapshot);
        }
        self.after_snapshot = is_snapshot;
        let touch = self.book.touch();
        if is_snapshot {
            self.n_snapshots += 1;
            self.order_rows.orders.end_snapshot();
            self.known.on_snapshot();
        } else if let Some(t_ns) = t_ns {
            self.known.on_update(t_ns, touch.is_some());
        }
        let known = touch.filter(|_| self.known.is_known(self.clock.now_ns().unwrap_or(NO_TIME)));
        if let Some(touch) = known {
            check_touch(touch, row, shared);
        }
        if id != NO_ID {
            quotes.on_update(id, known);
        }
        if let (false, Some(own_ns), Some(t_ns)) = (is_snapshot, own_ns, t_ns) {
            if let (Some(touch), true) = (known, id != NO_ID) {
                let parts = [touch.bid.price, touch.bid.qty, touch.ask.price, touch.ask.qty];
                self.sample.push(id, own_ns, content(&parts));
            }
            if let Some(last_ns) = self.last_update_ns.replace(t_ns) {
                self.cadence.add(t_ns - last_ns);
            }
            if self.grid.needs_updates() && self.known.is_known(t_ns) {
                self.grid.end_update(t_ns, touch, self.decreased, frame);
            }
            shared.merge.push(t_ns, &mut frame.events);
            shared.extend_span(own_ns);
            self.n_updates += 1;
        }
    }

    fn remember(&mut self, id: i64, is_snapshot: bool) {
        self.last_id = Some(id);
        if is_snapshot || self.recent.back().is_some_and(|&last| last >= id) {
            self.recent.clear();
        }
        if self.recent.len() == RECENT_IDS {
            self.recent.pop_front();
        }
        self.recent.push_back(id);
    }
}

/// Sets levels, side by side; `changed` hears the quantity before and after of each.
#[inline(always)]
fn set_runs(book: &mut Book, (side, price, qty): (&[Side], &[i64], &[i64]), mut changed: impl FnMut(i64, i64)) {
    let mut from = 0;
    for run in side.chunk_by(|a, b| a == b) {
        let to = from + run.len();
        book.set_many(run[0], &price[from..to], &qty[from..to], &mut changed);
        from = to;
    }
}

/// Side, price and quantity.
type Level = (Side, i64, i64);

#[inline(always)]
fn is_valid(price: i64, qty: i64) -> bool {
    (1..=VALUE_MAX).contains(&price) & (0..=VALUE_MAX).contains(&qty)
}

#[inline(always)]
fn change(before: i64, after: i64) -> i64 {
    before.abs_diff(after).try_into().unwrap_or(i64::MAX)
}

/// A level that no market has.
struct Invalid;

#[cold]
fn note_invalid((side, price, qty): Level, row: Row<'_>, shared: &mut Shared) {
    // No side, price or quantity at all is how an update without levels is written.
    if (side, price, qty) != (Side::None, 0, 0) {
        let text = || format!("level of {qty} at {price} (10^-8) on side {side:?}");
        shared.counters.note(Check::InvalidValue, 0, row.place, text);
    }
}

#[inline]
fn close_changes(changes_ns: Option<i64>, frame: &mut Frame) {
    if let Some(t_ns) = changes_ns {
        frame.level_changes.close(t_ns);
    }
}

/// Counts a crossed or locked book at the end of an update.
#[inline]
fn check_touch(touch: Touch, row: Row<'_>, shared: &mut Shared) {
    shared.counters.of(Check::CrossedBook).total += 1;
    shared.counters.of(Check::LockedBook).total += 1;
    if touch.bid.price < touch.ask.price {
        return;
    }
    let by = touch.bid.price - touch.ask.price;
    let check = if touch.is_locked() { Check::LockedBook } else { Check::CrossedBook };
    let text = || format!("bid {} and ask {} (10^-8)", touch.bid.price, touch.ask.price);
    shared.counters.note(check, by, row.place, text);
}
