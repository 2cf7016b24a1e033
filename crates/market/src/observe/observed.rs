//! What an observer hands on: states and counters of one stream.

use super::Counter;
use super::panels::merged as merge_panels;
use super::windows::{WindowCells, merge_cells, merge_lags};
use std::collections::BTreeMap;
use verismo_stats::lags::LagMoments;
use verismo_stats::lattice::Lattice;
use verismo_stats::panel::Panel;
use verismo_stats::sample::{IdRuns, IdSample};
use verismo_stats::state::MergeError;

/// The states and counters of one stream. Content only: no path, no file count; positions only in examples.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The clock times were floored to, ns.
    pub clock_ns: i64,
    /// Window length of every series, ns.
    pub window_ns: i64,
    /// The span did not earn windows this long, which they were from the start because a longer one was expected: nothing here can be
    /// compared with streams of the same span, and the stream is to be observed again without expecting anything.
    pub is_shorter_than_expected: bool,
    /// First and last floored time of a normal event.
    pub span_ns: Option<(i64, i64)>,
    /// Messages: rows with `FIRST_OF_MESSAGE`.
    pub messages: u64,
    /// Normal events observed: trades and book updates, without snapshots, duplicates and late updates.
    pub events: u64,
    /// Trades among them.
    pub trades: u64,
    /// Book updates among them.
    pub updates: u64,
    /// Snapshots applied.
    pub snapshots: u64,
    /// Order-level rows: a source without any shows levels only.
    pub order_rows: u64,
    /// Orders that were not told apart because too many rested at once, or that had no id.
    pub orders_untracked: u64,
    /// Rows of kinds that nothing here reads (status).
    pub rows_unobserved: u64,
    /// Greatest common divisor of all valid prices, 10^-8; 0 if none.
    pub price_tick: i64,
    /// Greatest common divisor of all valid quantities, 10^-8; 0 if none.
    pub qty_lot: i64,
    /// Median time between book updates, ns: exact up to 4,096 clock steps, else the lower end of a cell 1.6 % wide.
    pub book_cadence_ns: Option<i64>,
    /// By observable id.
    pub series: BTreeMap<&'static str, Series>,
    /// One counter per [`super::Check`], also those at zero; those about orders only where there were order-level rows.
    pub counters: Vec<Counter>,
    /// Gaps of book update ids by size: up to 10, up to 1,000, more.
    pub gap_sizes: [u64; 3],
    /// Quotes of the venue against the replayed book.
    pub quotes: QuoteCheck,
    /// Levels forgotten by the cap of the book.
    pub levels_dropped: u64,
    /// Grid times at which the book was undefined although updates came before and after.
    pub grid_undefined: u64,
    /// Sampled trades: id, time, content (price, quantity, side).
    pub trade_ids: IdSample,
    /// Sampled book updates: id, time, content (best prices and quantities after the update).
    pub book_ids: IdSample,
    /// All trade ids.
    pub trade_runs: IdRuns,
    /// Observables asked for that the registry does not know.
    pub unknown_observables: Vec<String>,
}

/// How often the venue's own best quote agrees with the replayed book at the same update id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuoteCheck {
    /// Quotes that had the id of a book update.
    pub compared: u64,
    /// Those whose prices or quantities differ from the book's.
    pub mismatched: u64,
}

/// An observable's states per window.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// How values became keys.
    pub lattice: Lattice,
    /// Ascending, distinct window indices; index = floor(t / window).
    pub windows: SeriesWindows,
}

/// The states of a series.
#[derive(Debug, Clone, PartialEq)]
pub enum SeriesWindows {
    /// Histograms.
    Cells(Vec<WindowCells>),
    /// Lag moments.
    Lags(Vec<(i64, LagMoments)>),
    /// Rows of several numbers.
    Panels(Vec<(i64, Panel)>),
}

impl Series {
    /// Adds the windows of the next piece of the stream; [`Self::settle`] adds up those of one index.
    pub(in crate::observe) fn append(&mut self, later: Self) -> Result<(), MergeError> {
        let (ours, theirs) = (self.lattice.id(), later.lattice.id());
        if self.lattice != later.lattice {
            return Err(mismatch("the lattice", ours, theirs));
        }
        match (&mut self.windows, later.windows) {
            (SeriesWindows::Cells(own), SeriesWindows::Cells(later)) => own.extend(later),
            (SeriesWindows::Lags(own), SeriesWindows::Lags(later)) => own.extend(later),
            (SeriesWindows::Panels(own), SeriesWindows::Panels(later)) => own.extend(later),
            _ => return Err(mismatch("the kind of state", ours, theirs)),
        }
        Ok(())
    }

    /// Merges each `factor` windows into one, exactly.
    pub(in crate::observe) fn widen(&mut self, factor: i64) {
        let coarse = |index: &mut i64| *index = index.div_euclid(factor);
        match &mut self.windows {
            SeriesWindows::Cells(windows) => windows.iter_mut().for_each(|(index, _)| coarse(index)),
            SeriesWindows::Lags(windows) => windows.iter_mut().for_each(|(index, _)| coarse(index)),
            SeriesWindows::Panels(windows) => windows.iter_mut().for_each(|(index, _)| coarse(index)),
        }
        self.settle();
    }

    /// Adds up windows of one index: each is there once then, ascending.
    pub(in crate::observe) fn settle(&mut self) {
        match &mut self.windows {
            SeriesWindows::Cells(windows) => *windows = merge_cells(std::mem::take(windows)),
            SeriesWindows::Lags(windows) => *windows = merge_lags(std::mem::take(windows)),
            SeriesWindows::Panels(windows) => *windows = merge_panels(std::mem::take(windows)),
        }
    }
}

fn mismatch(parameter: &'static str, left: String, right: String) -> MergeError {
    MergeError::ParameterMismatch { state: "series", parameter, left, right }
}

impl SeriesWindows {
    /// The number of observations in all windows.
    pub fn count(&self) -> u64 {
        use verismo_stats::state::State;
        match self {
            Self::Cells(windows) => windows.iter().map(|(_, cells)| cells.count()).sum(),
            Self::Lags(windows) => windows.iter().map(|(_, moments)| moments.count()).sum(),
            Self::Panels(windows) => windows.iter().map(|(_, panel)| panel.count()).sum(),
        }
    }

    /// The number of windows with observations.
    pub fn len(&self) -> usize {
        match self {
            Self::Cells(windows) => windows.len(),
            Self::Lags(windows) => windows.len(),
            Self::Panels(windows) => windows.len(),
        }
    }

    /// Whether nothing was observed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
