//! What an observable promises, as checks that panic with the broken law. [`observable_laws!`](crate::observable_laws) turns them into
//! tests.

use super::{Plugin, register};
use crate::event::{EventBatch, NO_TIME, Side};
use crate::message::{Body, Level, Message};
use crate::observe::{ObserveOptions, Part, SECOND_NS, Series, SeriesWindows, StreamObserver};
use verismo_stats::state::laws;
use verismo_suite::catalogue::{Class, PluginError};

/// Streams on which laws are checked: quick and slow ones, with trades, deep books, snapshots and silences.
#[must_use]
pub fn streams() -> Vec<EventBatch> {
    [(1, 40, 1_500), (2, 900, 1_200), (3, 31_000, 1_100)].map(|(seed, wait_ms, n)| stream(seed, wait_ms, n)).to_vec()
}

/// A market of whole prices around 1,000, a message every `wait_ms` on average.
fn stream(seed: u64, wait_ms: u64, messages: usize) -> EventBatch {
    let mut state = seed;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n.max(1)
    };
    const ONE: i64 = 100_000_000;
    let (mut batch, mut mid, mut t_ns) = (EventBatch::default(), 1_000_i64, 1_700_000_000 * SECOND_NS);
    for i in 0..messages {
        // Now and then minutes pass.
        let wait_ms = if below(150) == 0 { 90_000 } else { below(2 * wait_ms) };
        t_ns += wait_ms as i64 * 1_000_000;
        mid += below(3) as i64 - 1;
        let mut side = |sign: i64, least: u64| -> Vec<Level> {
            (1..=8).map(|depth| ((mid + sign * depth) * ONE, (least + below(5)) as i64 * ONE)).collect()
        };
        let body = match i {
            _ if i % 400 == 0 => Body::Snapshot { last_id: i as i64, bids: side(-1, 1), asks: side(1, 1) },
            _ if i % 3 == 0 => {
                let (side, price) = if below(2) == 0 { (Side::Bid, mid + 1) } else { (Side::Ask, mid - 1) };
                Body::Trade { id: i as i64, price: price * ONE, qty: (1 + below(9)) as i64 * ONE, side }
            }
            _ => Body::Depth { first_id: i as i64, last_id: i as i64, bids: side(-1, 0), asks: side(1, 0) },
        };
        let message = Message { t_exchange_ns: t_ns, t_receive_ns: NO_TIME, symbol: "LAW".to_owned(), body };
        message.push_events(i as u64, &mut batch);
    }
    batch
}

/// Adds the observable where it is not there yet, so that several tests of one process may ask for it.
fn ensure<P: Plugin>() {
    match register::<P>() {
        Ok(()) | Err(PluginError::Taken { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

/// The series of some rows, read in pieces that end at `cuts`.
fn observed<P: Plugin>(batch: &EventBatch, cuts: &[usize], options: &ObserveOptions) -> Series {
    windowed::<P>(batch, cuts, options).0
}

/// The same with the length of its windows.
fn windowed<P: Plugin>(batch: &EventBatch, cuts: &[usize], options: &ObserveOptions) -> (Series, i64) {
    ensure::<P>();
    let id = P::INFO.id;
    let mut observer = StreamObserver::new(&ObserveOptions { observables: vec![id.to_owned()], ..options.clone() });
    let mut from = 0;
    for to in cuts.iter().copied().chain([batch.len()]) {
        let mut part = EventBatch::default();
        (from..to).for_each(|i| part.push(batch.row(i)));
        observer.observe(&part, "laws");
        from = to;
    }
    let mut observed = observer.finish();
    let Some(series) = observed.series.remove(id) else { panic!("{id} gives no series") };
    (series, observed.window_ns)
}

/// The series of some rows in pieces that end at `cuts`, each by an observer that takes up what the one before it handed on.
fn resumed<P: Plugin>(batch: &EventBatch, cuts: &[usize], options: &ObserveOptions) -> Series {
    let id = P::INFO.id;
    let options = ObserveOptions { observables: vec![id.to_owned()], ..options.clone() };
    let mut observer = StreamObserver::new(&options);
    let mut pieces: Option<Part> = None;
    let mut from = 0;
    for to in cuts.iter().copied().chain([batch.len()]) {
        let mut rows = EventBatch::default();
        (from..to).for_each(|i| rows.push(batch.row(i)));
        observer.observe(&rows, "laws");
        from = to;
        if to == batch.len() {
            observer.end();
        }
        let piece = observer.cut();
        let goes_on = StreamObserver::resume(&options, &observer.carries(), observer.history().clone());
        observer = goes_on.unwrap_or_else(|error| panic!("{id} does not take up what it handed on: {error}"));
        match &mut pieces {
            Some(pieces) => pieces.merge(piece).unwrap_or_else(|error| panic!("{id}: {error}")),
            None => pieces = Some(piece),
        }
    }
    let mut observed = pieces.map(|pieces| pieces.finish(options.window_min_ns));
    let series = observed.as_mut().and_then(|observed| observed.series.remove(id));
    series.unwrap_or_else(|| panic!("{id} gives no series"))
}

/// Where a stream is cut into batches makes no difference, nor whether another observer goes on after a cut, nor how long its windows were at the start.
///
/// # Panics
/// When the law is broken.
pub fn check_cuts<P: Plugin>(batch: &EventBatch) {
    let options = ObserveOptions::default();
    let whole = observed::<P>(batch, &[], &options);
    let n = batch.len();
    for cuts in [(1..n).step_by(7).collect::<Vec<_>>(), vec![n / 2], (1..n.min(300)).collect()] {
        assert!(
            observed::<P>(batch, &cuts, &options) == whole,
            "{}: cut at {} places it differs",
            P::INFO.id,
            cuts.len()
        );
        assert!(
            resumed::<P>(batch, &cuts, &options) == whole,
            "{}: handed on at {} places it differs: is all that it remembers in its `Carry`?",
            P::INFO.id,
            cuts.len()
        );
    }
    // The observer starts with the shortest windows and widens them as the stream goes on.
    let coarse = observed::<P>(batch, &[], &ObserveOptions { window_min_ns: 60 * SECOND_NS, ..options.clone() });
    let (mut fine, window_ns) = windowed::<P>(batch, &[], &ObserveOptions { window_min_ns: SECOND_NS, ..options });
    fine.widen(60 * SECOND_NS / window_ns);
    assert!(fine == coarse, "{}: windows of {window_ns} ns make other minutes", P::INFO.id);
}

/// What its class says: pieces of a group, each observed by itself, add up to the whole, in any order. Of an ordered observable nothing
/// is asked beyond [`check_cuts`], which hands on what it remembers.
///
/// # Panics
/// When the law is broken, or for a class that no state of a plug-in has.
pub fn check_class<P: Plugin>(batch: &EventBatch) {
    let id = P::INFO.id;
    assert!(P::INFO.class != Class::Semilattice, "{id}: counts and rows add up, they are no semilattice");
    if P::INFO.class == Class::Ordered {
        return;
    }
    let options = ObserveOptions { window_min_ns: 60 * SECOND_NS, ..ObserveOptions::default() };
    let whole = observed::<P>(batch, &[], &options);
    let piece = |range: std::ops::Range<usize>| {
        let mut part = EventBatch::default();
        range.for_each(|i| part.push(batch.row(i)));
        observed::<P>(&part, &[], &options)
    };
    for cut in [batch.len() / 3, batch.len() / 2, batch.len() - 1] {
        let (first, second) = (piece(0..cut), piece(cut..batch.len()));
        for (mut left, right) in [(first.clone(), second.clone()), (second, first)] {
            left.append(right).unwrap_or_else(|error| panic!("{id}: {error}"));
            left.settle();
            assert!(left == whole, "{id} is declared a group, and pieces cut at row {cut} do not add up to the whole");
        }
    }
}

/// Its states are read back from their bytes as they were.
///
/// # Panics
/// When the law is broken.
pub fn check_encoding<P: Plugin>(batch: &EventBatch) {
    let series = observed::<P>(batch, &[], &ObserveOptions::default());
    match &series.windows {
        SeriesWindows::Cells(windows) => windows.iter().take(20).for_each(|(_, cells)| {
            let unpacked: Vec<(i64, u64)> = cells.iter().collect();
            assert!(verismo_stats::histogram::Cells::pack(&unpacked) == *cells, "{}: one encoding only", P::INFO.id);
        }),
        SeriesWindows::Lags(windows) => windows.iter().take(20).for_each(|(_, state)| laws::check_encoding(state)),
        SeriesWindows::Panels(windows) => windows.iter().take(20).for_each(|(_, state)| laws::check_encoding(state)),
    }
    assert!(series.windows.count() > 0, "{}: no value in a stream of laws: nothing was checked", P::INFO.id);
}

/// Tests of every law of an observable: `observable_laws!(name, MyObservable, streams)` declares the test module `name`; `streams` gives
/// the streams to check it on, [`streams`](crate::observe::plugin::laws::streams) or the user's own.
#[macro_export]
macro_rules! observable_laws {
    ($name:ident, $plugin:ty, $streams:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            use $crate::observe::plugin::laws;

            #[test]
            fn where_a_stream_is_cut_makes_no_difference() {
                $streams.iter().for_each(laws::check_cuts::<$plugin>);
            }

            #[test]
            fn pieces_combine_as_its_class_says() {
                $streams.iter().for_each(laws::check_class::<$plugin>);
            }

            #[test]
            fn states_have_one_encoding() {
                $streams.iter().for_each(laws::check_encoding::<$plugin>);
            }
        }
    };
}
