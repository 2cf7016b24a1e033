//! From events to states: one pass over a stream's rows.
//!
//! A [`StreamObserver`] takes the batches of one stream in arrival order. Rows are checked and replayed one by one;
//! what observables read is written to columns, the [`frame::Frame`]; each observable then maps its columns to
//! keys and counts them per window ([`series`], [`registry`]). Where a stream is cut into batches makes no difference.
//!
//! # Time
//! Every exchange time is floored to `clock_ns` before anything is computed. Trades and book updates each have a clock of
//! their own that never runs backwards: a row behind the clock of its kind counts as `out_of_order` and is observed at the
//! clock's time. Trades and book updates are not ordered against each other by arrival, since venues stamp and send them
//! on different paths; series over both kinds see them merged by time (see [`clock::EventMerge`]).
//!
//! # Orders
//! Where a source shows single orders, each order-level row changes the level the order rests at, so that the book, its
//! samples and everything made of them are those of a source of levels. What is said of orders that are not known (they
//! rested before the stream began) takes from the quantity of the level that no known order accounts for; see
//! [`crate::orders`].
//!
//! # The grid
//! Book observables are sampled on an absolute grid: the sample at grid time g is the book after all updates with floored
//! time at or before g. Between updates the book stands, for at most [`SILENCE_MAX_NS`]; after that it is undefined until
//! the next update. Snapshots set the book and are no events: a source that repeats them must not look busier.

pub mod clock;
mod counters;
mod crew;
pub mod frame;
mod observed;
mod panels;
mod part;
pub mod plugin;
mod rate;
pub mod registry;
mod scan;
pub mod series;
mod stored;
mod windows;

pub use counters::{Check, Counter, EXAMPLES_MAX, Example};
pub use crew::{Busy, Crew};
pub use observed::{Observed, QuoteCheck, Series, SeriesWindows};
pub use panels::WindowPanels;
pub use part::{History, Misfit, Part, ScanPart, SeriesPart, SeriesSum};
pub use windows::{WindowCells, WindowLags, WindowTally, merge_cells};

use crate::book::Book;
use crate::event::EventBatch;
use crate::orders::Orders;
use frame::Frame;
use registry::{Needs, Observable, REGISTRY};
use scan::Scan;
use std::collections::BTreeMap;
use std::sync::Arc;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// One second in ns.
pub const SECOND_NS: i64 = 1_000_000_000;
/// How long a silent book, or a silent stream's zero counts, are taken for real.
pub const SILENCE_MAX_NS: i64 = 60 * SECOND_NS;
/// Window length at the start of a stream.
pub const WINDOW_SHORT_NS: i64 = SECOND_NS;
/// Spans, and the window length of streams that are longer.
const WINDOWS_BY_SPAN_NS: [(i64, i64); 2] =
    [(15 * 60 * SECOND_NS, 10 * SECOND_NS), (8 * 3_600 * SECOND_NS, 60 * SECOND_NS)];

/// Version of the scan: raised whenever equal rows may give other tables, counters or samples.
pub const SCAN_VERSION: u32 = 1;

/// The name of what is handed on, and the version of its bytes.
const CARRY: &str = "carry/1";
/// No window is longer than a day.
const LONGEST_WINDOW_NS: i64 = 86_400 * SECOND_NS;

/// The window length of a stream of this span: 1 s, beyond 15 minutes 10 s, beyond 8 hours 60 s. Each is a multiple of the one
/// before, so that windows merge exactly; none is longer, since half an hour must hold at least twelve.
pub fn window_ns_of_span(span_ns: i64) -> i64 {
    let longest = WINDOWS_BY_SPAN_NS.iter().rev().find(|(span, _)| span_ns > *span);
    longest.map_or(WINDOW_SHORT_NS, |(_, window_ns)| *window_ns)
}

/// What to observe and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObserveOptions {
    /// Resolution that times are floored to, ns, at least 1; the coarser of the two sides'.
    pub clock_ns: i64,
    /// Distance of the samples of the book, ns; divides one second.
    pub grid_ns: i64,
    /// The shortest window, ns: [`WINDOW_SHORT_NS`] or a multiple of it that divides or is a multiple of every longer one.
    pub window_min_ns: i64,
    /// What the first and the last event of the stream are expected to lie apart at least, ns, or 0: windows then have the length that
    /// such a span earns from the start and need not be merged later. [`Observed::is_shorter_than_expected`] tells whether they lie closer.
    pub expected_span_ns: i64,
    /// Event time after which a book without snapshot is taken for known, ns.
    pub warmup_ns: i64,
    /// Ids of the observables wanted, see [`registry::REGISTRY`].
    pub observables: Vec<String>,
    /// The source orders trades and book updates in one sequence by time, so that their order against each other is checked
    /// too. Files sorted by time are such; a live feed is not.
    pub is_single_feed: bool,
    /// Most levels a side of the book may hold.
    pub levels_max: usize,
    /// Most resting orders that are told apart, of a source that shows them.
    pub orders_max: usize,
}

impl Default for ObserveOptions {
    /// Every observable, ms clock, grid of 100 ms, warm-up of 60 s.
    fn default() -> Self {
        Self {
            clock_ns: 1_000_000,
            grid_ns: SECOND_NS / 10,
            window_min_ns: WINDOW_SHORT_NS,
            expected_span_ns: 0,
            warmup_ns: 60 * SECOND_NS,
            observables: REGISTRY.iter().map(|entry| entry.id.to_owned()).collect(),
            is_single_feed: false,
            levels_max: crate::book::MAX_LEVELS,
            orders_max: crate::orders::MAX_ORDERS,
        }
    }
}

/// Observes one stream.
pub struct StreamObserver {
    scan: Scan,
    frame: Frame,
    observables: Vec<Box<dyn Observable>>,
    unknown_observables: Vec<String>,
    window_ns: i64,
    window_min_ns: i64,
    clock_ns: i64,
    history: History,
    crew: Option<Arc<Crew>>,
}

/// What an observer hands on to the next piece of its stream: with the ids so far it is all that the pieces before can mean to those behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carries {
    /// The book, the clocks and whatever else every observable depends on.
    pub scan: Vec<u8>,
    /// The tape, which observables depend on that need it.
    pub tape: Option<Vec<u8>>,
    /// What each observable remembers itself, by id.
    pub series: BTreeMap<&'static str, Vec<u8>>,
}

impl StreamObserver {
    /// An observer at the start of a stream.
    ///
    /// # Panics
    /// When `clock_ns` is below 1 or `grid_ns` does not divide one second: programmer errors.
    pub fn new(options: &ObserveOptions) -> Self {
        assert!(options.clock_ns >= 1, "the clock is at least 1 ns, not {}", options.clock_ns);
        let grid_ns = options.grid_ns;
        assert!(grid_ns >= 1 && SECOND_NS % grid_ns == 0, "the grid divides one second, {grid_ns} ns does not");
        let is_wanted = |id: &str| options.observables.iter().any(|wanted| wanted == id);
        let wanted: Vec<_> = registry::all().into_iter().filter(|entry| is_wanted(entry.id)).collect();
        let needs = wanted.iter().fold(Needs::NONE, |needs, entry| needs.or(entry.needs));
        let unknown = options.observables.iter().filter(|id| registry::entry(id).is_none());
        let window_ns = options.window_min_ns.max(window_ns_of_span(options.expected_span_ns));
        Self {
            scan: Scan::new(options, needs),
            frame: Frame::default(),
            observables: wanted.iter().map(|entry| (entry.build)(grid_ns, window_ns)).collect(),
            unknown_observables: unknown.cloned().collect(),
            window_ns,
            window_min_ns: options.window_min_ns,
            clock_ns: options.clock_ns,
            history: History::default(),
            crew: None,
        }
    }

    /// With threads to share its observables among.
    #[must_use]
    pub fn with_crew(self, crew: Option<Arc<Crew>>) -> Self {
        Self { crew, ..self }
    }

    /// An observer that goes on where another one with the same options was cut.
    ///
    /// # Errors
    /// [`DecodeError`] for carries that no such observer has handed on, or that lack those of an observable.
    pub fn resume(options: &ObserveOptions, carries: &Carries, history: History) -> Result<Self, DecodeError> {
        let mut observer = Self::new(options);
        let mut input = Reader::new(CARRY, &carries.scan);
        observer.window_ns.load(&mut input)?;
        observer.scan.load(&mut input)?;
        if observer.window_ns < 1 || observer.window_ns > LONGEST_WINDOW_NS {
            return Err(input.invalid("the length of a window"));
        }
        input.finish()?;
        observer.scan.go_on(&history);
        observer.history = history;
        // Others may need a tape where these observables do not.
        if let Some(tape) = observer.scan.tape() {
            let mut input = Reader::new(CARRY, carries.tape.as_deref().unwrap_or_default());
            tape.load(&mut input)?;
            input.finish()?;
        }
        let wanted = registry::all();
        let wanted = wanted.iter().filter(|entry| observer.observables.iter().any(|o| o.id() == entry.id));
        observer.observables = wanted.map(|entry| (entry.build)(options.grid_ns, observer.window_ns)).collect();
        for observable in &mut observer.observables {
            let bytes = carries.series.get(observable.id());
            let mut input = Reader::new(CARRY, bytes.map_or(&[], Vec::as_slice));
            if bytes.is_none() {
                return Err(input.invalid("the carry of an observable"));
            }
            observable.load(&mut input)?;
            input.finish()?;
        }
        Ok(observer)
    }

    /// Takes out what was observed since the last cut. What is observed next begins anew, and the parts add up to the stream without cuts.
    pub fn cut(&mut self) -> Part {
        let series = self.observables.iter_mut();
        let series = series.map(|o| (o.id(), SeriesPart { series: o.cut(), n_forgotten: o.forgotten() })).collect();
        Part {
            clock_ns: self.clock_ns,
            window_ns: self.window_ns,
            scan: self.scan.cut(&mut self.history),
            series,
            unknown_observables: self.unknown_observables.clone(),
        }
    }

    /// What goes on, right after a cut.
    pub fn carries(&mut self) -> Carries {
        let saved = |carry: &dyn Carry| {
            let mut bytes = Vec::new();
            carry.save(&mut bytes);
            bytes
        };
        let mut scan = saved(&self.window_ns);
        self.scan.save(&mut scan);
        Carries {
            scan,
            tape: self.scan.tape().map(|tape| saved(&*tape)),
            series: self.observables.iter().map(|o| (o.id(), saved(&**o))).collect(),
        }
    }

    /// The ids so far, up to the last cut.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Observes the next rows. `source` names their file in examples.
    ///
    /// # Panics
    /// When the columns of the batch differ in length.
    pub fn observe(&mut self, batch: &EventBatch, source: &str) {
        batch.assert_rectangular();
        let mut next = 0;
        // Every turn reads a row at least.
        while next < batch.len() {
            next = self.scan.rows(batch, next, source, &mut self.frame);
            if self.frame.is_full() {
                self.flush();
            }
        }
        self.flush();
    }

    /// The book as of the last row.
    pub fn book(&self) -> &Book {
        self.scan.book()
    }

    /// The known orders as of the last row; none where the source shows only levels.
    pub fn orders(&self) -> &Orders {
        self.scan.orders()
    }

    /// Ends a stream that was never cut.
    pub fn finish(mut self) -> Observed {
        self.end();
        self.cut().finish(self.window_min_ns)
    }

    /// Ends the stream: what still waits is observed, and is in the next cut, the last one.
    pub fn end(&mut self) {
        self.scan.finish(&mut self.frame);
        self.flush();
        self.observables.iter_mut().for_each(|observable| observable.end());
    }

    /// The window length that the span so far earns, ns.
    fn earned_window_ns(&self) -> i64 {
        self.scan.span_ns().map_or(WINDOW_SHORT_NS, |(first, last)| window_ns_of_span(last - first))
    }

    fn flush(&mut self) {
        self.scan.watch_rate(&self.frame);
        match &self.crew {
            Some(crew) => crew.observe(&mut self.observables, &self.frame),
            None => self.observables.iter_mut().for_each(|observable| observable.observe(&self.frame)),
        }
        self.frame.clear();
        let window_ns = self.earned_window_ns();
        if window_ns > self.window_ns {
            for observable in &mut self.observables {
                observable.widen_windows(window_ns / self.window_ns);
            }
            self.window_ns = window_ns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_with_the_span_and_merge_exactly() {
        let minute = 60 * SECOND_NS;
        for (span_ns, want_s) in [
            (0, 1),
            (15 * minute, 1),
            (15 * minute + 1, 10),
            (8 * 60 * minute, 10),
            (8 * 60 * minute + 1, 60),
            (i64::MAX, 60),
        ] {
            assert_eq!(window_ns_of_span(span_ns), want_s * SECOND_NS, "{span_ns} ns");
        }
        let lengths = WINDOWS_BY_SPAN_NS.map(|(_, window_ns)| window_ns);
        assert!(lengths.windows(2).all(|pair| pair[1] % pair[0] == 0));
    }
}
