//! From what observers and decoders yield to what the judge takes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use verismo_feed::{FeedCounter, FeedCounters, StreamName};
use verismo_judge::input::{Counter, Example, Series, SeriesWindows, SideStates, StreamStates};
use verismo_market::observe::{self, Observed};

use crate::error::EngineError;
use crate::execute::ObservedSide;

/// The states of a side from its parts, in any order.
///
/// # Errors
/// [`EngineError::Internal`] when parts of one stream do not fit, which only a bug can cause: all are observed with one set of options.
pub(crate) fn side_states(parts: Vec<ObservedSide>, more: Vec<FeedCounters>) -> Result<SideStates, EngineError> {
    let mut streams: BTreeMap<(String, String), StreamStates> = BTreeMap::new();
    let mut counters = FeedCounters::default();
    for part in parts {
        counters.merge(&part.counters);
        for (name, observed) in part.streams {
            let states = stream_states(name, observed);
            match streams.entry((states.venue.clone(), states.symbol.clone())) {
                Entry::Vacant(place) => {
                    place.insert(states);
                }
                Entry::Occupied(mut own) => {
                    let merged = own.get_mut().merge(states);
                    merged.map_err(|error| EngineError::Internal { detail: error.to_string() })?;
                }
            }
        }
    }
    let mut side = SideStates { streams: streams.into_values().collect(), counters: Vec::new() };
    for other in &more {
        counters.merge(other);
    }
    side.counters = counters.iter().map(|(check, counter)| feed_counter(check, counter)).collect();
    Ok(side)
}

/// The name of a stream as its files have it.
pub(crate) fn name_of(stream: &StreamStates) -> StreamName {
    StreamName { venue: stream.venue.clone(), symbol: stream.symbol.clone() }
}

fn stream_states(name: StreamName, observed: Observed) -> StreamStates {
    let series = observed.series.into_iter().map(|(id, series)| (id.to_owned(), of_observable(id, series))).collect();
    StreamStates {
        venue: name.venue,
        symbol: name.symbol,
        clock_ns: observed.clock_ns,
        window_ns: observed.window_ns,
        carries_trades: observed.trades > 0,
        carries_book: observed.updates > 0 || observed.snapshots > 0,
        carries_orders: observed.order_rows > 0,
        span_ns: observed.span_ns,
        messages: observed.messages,
        events: observed.events,
        price_tick: observed.price_tick,
        qty_lot: observed.qty_lot,
        book_cadence_ns: observed.book_cadence_ns,
        series,
        known: BTreeMap::new(),
        counters: observed.counters.into_iter().map(stream_counter).collect(),
        trade_ids: observed.trade_ids,
        book_ids: observed.book_ids,
        trade_runs: observed.trade_runs,
    }
}

/// The series of an observable of this version of the code.
pub(crate) fn of_observable(id: &str, series: observe::Series) -> Series {
    convert_series(observe::registry::version(id), series)
}

pub(crate) fn convert_series(version: u32, series: observe::Series) -> Series {
    let windows = match series.windows {
        observe::SeriesWindows::Cells(windows) => SeriesWindows::Cells(windows),
        observe::SeriesWindows::Lags(windows) => SeriesWindows::Lags(windows),
        observe::SeriesWindows::Panels(windows) => SeriesWindows::Panels(windows),
    };
    Series { version, lattice: series.lattice, windows }
}

fn stream_counter(counter: observe::Counter) -> Counter {
    let examples = counter.examples.into_iter();
    let examples = examples.map(|e| Example { source: e.source, position: e.position, detail: e.detail }).collect();
    Counter {
        check: counter.check.to_owned(),
        count: counter.count,
        total: counter.total,
        worst: counter.worst,
        examples,
    }
}

fn feed_counter(check: &str, counter: &FeedCounter) -> Counter {
    let examples = counter.examples.iter();
    let examples = examples
        .map(|e| Example { source: e.source.clone(), position: e.position, detail: e.detail.clone() })
        .collect();
    Counter { check: check.to_owned(), count: counter.count, total: counter.total, worst: 0, examples }
}

/// A candidate could carry whatever its format can; the golden carries what it shows.
///
/// So a candidate without trades is a defect, and a golden without trades leaves trade observables not applicable. Whether single
/// orders are shown is a matter of the format: a candidate of price levels is not expected to.
pub(crate) fn expect_everything(candidate: &mut SideStates) {
    for stream in &mut candidate.streams {
        stream.carries_trades = true;
        stream.carries_book = true;
    }
}
