//! What an engine hands to the judge: mergeable states per stream and window, and integrity counters.

mod merge;

use std::collections::BTreeMap;

use verismo_stats::lags::LagMoments;
use verismo_stats::lattice::Lattice;
use verismo_stats::panel::Panel;
use verismo_stats::sample::{IdRuns, IdSample};
use verismo_stats::state::MergeError;

use crate::digest::{Digest, series_digest};
use crate::leave_out::runs;

pub use verismo_suite::report::Example;

/// Examples kept per counter.
pub const EXAMPLES_MAX: usize = 8;

/// One second in ns: the finest base window.
pub const SECOND_NS: i64 = 1_000_000_000;

pub use verismo_stats::histogram::Cells;

/// One side, golden or candidate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SideStates {
    /// Its streams, one entry per venue and symbol as given.
    pub streams: Vec<StreamStates>,
    /// Counters of the whole side: files, manifest, unreadable bytes.
    pub counters: Vec<Counter>,
}

/// One stream of a side.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamStates {
    /// Venue as given; may be empty.
    pub venue: String,
    /// Symbol as given; pairing normalises it.
    pub symbol: String,
    /// Resolution to which times were floored before any observable was computed, ns.
    pub clock_ns: i64,
    /// Length of a window, ns.
    pub window_ns: i64,
    /// Whether the source could carry trades at all.
    pub carries_trades: bool,
    /// Whether the source could carry a book at all.
    pub carries_book: bool,
    /// Whether the source shows single orders.
    pub carries_orders: bool,
    /// First and last exchange time, ns since the epoch.
    pub span_ns: Option<(i64, i64)>,
    /// Messages: lines, rows or frames.
    pub messages: u64,
    /// Events in normal form.
    pub events: u64,
    /// Greatest common divisor of the price keys seen, 10^-8; 0 if none.
    pub price_tick: i64,
    /// Greatest common divisor of the quantity keys seen, 10^-8; 0 if none.
    pub qty_lot: i64,
    /// Median time between book updates, ns.
    pub book_cadence_ns: Option<i64>,
    /// States by observable.
    pub series: BTreeMap<String, Series>,
    /// What is known of observables, whether their states are at hand or not.
    pub known: BTreeMap<String, Known>,
    /// Counters of the stream.
    pub counters: Vec<Counter>,
    /// Sampled trade ids with time and content.
    pub trade_ids: IdSample,
    /// Sampled book update ids with time and content.
    pub book_ids: IdSample,
    /// Trade ids as runs.
    pub trade_runs: IdRuns,
}

/// What is known of the states of an observable of a stream: enough to judge nothing, and to see whether it was judged before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Their digest, see [`series_digest`].
    pub digest: Digest,
    /// Indices of its windows as runs, first and last of each, ascending.
    pub windows: Vec<(i64, i64)>,
}

/// The states of one observable.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Version of the observable's definition: equal events may give other keys under another one.
    pub version: u32,
    /// The lattice of the keys.
    pub lattice: Lattice,
    /// States by window.
    pub windows: SeriesWindows,
}

/// States by window, sorted by index; window `i` covers `[i * window_ns, (i + 1) * window_ns)`.
#[derive(Debug, Clone, PartialEq)]
pub enum SeriesWindows {
    /// Histograms.
    Cells(Vec<(i64, Cells)>),
    /// Sums for autocorrelations.
    Lags(Vec<(i64, LagMoments)>),
    /// Rows of several numbers.
    Panels(Vec<(i64, Panel)>),
}

/// An integrity counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Check of the catalogue.
    pub check: String,
    /// How often it was seen.
    pub count: u64,
    /// Out of how many; 0 if there is no whole.
    pub total: u64,
    /// The worst case, in the unit the check says; 0 if it has none.
    pub worst: i64,
    /// First positions, at most [`EXAMPLES_MAX`]; never digested.
    pub examples: Vec<Example>,
}

/// Why states could not be combined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Parts of a stream were observed differently.
    #[error("parts of {stream} cannot be merged: {parameter} is {left} in one and {right} in another")]
    Mismatch {
        /// The stream.
        stream: String,
        /// What differs.
        parameter: &'static str,
        /// Its value in the first part.
        left: String,
        /// Its value in the second part.
        right: String,
    },
    /// The states themselves could not be merged.
    #[error("parts of {stream} cannot be merged, {observable}: {source}")]
    State {
        /// The stream.
        stream: String,
        /// The observable, or what else was merged.
        observable: String,
        /// Why.
        source: Box<MergeError>,
    },
    /// Windows can only be rolled up to a multiple of their length.
    #[error("windows of {from_ns} ns do not fill windows of {to_ns} ns")]
    RollUp {
        /// Length now.
        from_ns: i64,
        /// Length asked for.
        to_ns: i64,
    },
}

impl SideStates {
    /// Merges another part of the same side; streams are the same when venue and symbol are equal as given. The parts may
    /// come in any order.
    ///
    /// # Errors
    /// [`InputError`] when the parts were observed differently; `self` is then partly merged and must be dropped.
    pub fn merge(&mut self, other: Self) -> Result<(), InputError> {
        for stream in other.streams {
            let same = |s: &&mut StreamStates| s.venue == stream.venue && s.symbol == stream.symbol;
            match self.streams.iter_mut().find(same) {
                Some(own) => own.merge(stream)?,
                None => self.streams.push(stream),
            }
        }
        merge::counters(&mut self.counters, other.counters);
        self.streams.sort_by(|a, b| (&a.venue, &a.symbol).cmp(&(&b.venue, &b.symbol)));
        Ok(())
    }

    /// Events of all streams.
    pub fn events(&self) -> u64 {
        self.streams.iter().map(|s| s.events).sum()
    }
}

impl StreamStates {
    /// A stream without observations.
    pub fn new(venue: impl Into<String>, symbol: impl Into<String>, clock_ns: i64, window_ns: i64) -> Self {
        Self {
            venue: venue.into(),
            symbol: symbol.into(),
            clock_ns,
            window_ns,
            carries_trades: false,
            carries_book: false,
            carries_orders: false,
            span_ns: None,
            messages: 0,
            events: 0,
            price_tick: 0,
            qty_lot: 0,
            book_cadence_ns: None,
            series: BTreeMap::new(),
            known: BTreeMap::new(),
            counters: Vec::new(),
            trade_ids: IdSample::new(IdSample::DEFAULT_CAPACITY),
            book_ids: IdSample::new(IdSample::DEFAULT_CAPACITY),
            trade_runs: IdRuns::new(IdRuns::DEFAULT_RUNS_MAX),
        }
    }

    /// The name in reports: `venue:symbol`, whichever of the two there is, or `stream`.
    pub fn name(&self) -> String {
        match (self.venue.as_str(), self.symbol.as_str()) {
            ("", "") => "stream".to_owned(),
            ("", symbol) => symbol.to_owned(),
            (venue, "") => venue.to_owned(),
            (venue, symbol) => format!("{venue}:{symbol}"),
        }
    }

    /// The ids of all observables.
    pub fn observables(&self) -> impl Iterator<Item = &str> {
        let unread = self.known.keys().filter(|id| !self.series.contains_key(*id));
        self.series.keys().chain(unread).map(String::as_str)
    }

    /// Whether there are states of an observable that are not at hand.
    pub fn is_unread(&self, observable: &str) -> bool {
        self.known.contains_key(observable) && !self.series.contains_key(observable)
    }

    /// The counter of a check.
    pub fn counter(&self, check: &str) -> Option<&Counter> {
        self.counters.iter().find(|c| c.check == check)
    }
}

impl Known {
    /// Of the states of an observable of a stream, which are at hand.
    pub fn of(stream: &StreamStates, observable: &str) -> Option<Self> {
        let windows = runs(stream.series.get(observable)?.indices());
        Some(Self { digest: series_digest(stream, observable), windows })
    }

    /// The number of windows.
    pub(crate) fn n_windows(&self) -> usize {
        self.windows.iter().map(|(first, last)| last.abs_diff(*first) as usize + 1).sum()
    }
}

impl Series {
    /// Bytes of all cells: what there is to go through.
    pub(crate) fn bytes(&self) -> usize {
        match &self.windows {
            SeriesWindows::Cells(windows) => windows.iter().map(|(_, cells)| cells.as_bytes().len()).sum(),
            SeriesWindows::Lags(windows) => windows.len(),
            SeriesWindows::Panels(windows) => windows.iter().map(|(_, panel)| panel.bytes()).sum(),
        }
    }
}

impl SeriesWindows {
    /// Number of windows.
    pub fn len(&self) -> usize {
        match self {
            Self::Cells(w) => w.len(),
            Self::Lags(w) => w.len(),
            Self::Panels(w) => w.len(),
        }
    }

    /// Whether there is no window.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Counter {
    /// A counter without examples.
    pub fn new(check: impl Into<String>, count: u64, total: u64) -> Self {
        Self { check: check.into(), count, total, worst: 0, examples: Vec::new() }
    }
}
