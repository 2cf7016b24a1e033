//! Real captures: the replayed book agrees with the venue's own best quotes, and clean captures count as clean.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use support::{binance, counter};
use verismo_market::event::{EventBatch, Kind};
use verismo_market::observe::{ObserveOptions, Observed, StreamObserver};
use verismo_suite::catalogue::Source;

fn observe(files: &[&str]) -> Option<(Observed, Vec<EventBatch>)> {
    let data = support::data("binance")?;
    let batches: Vec<EventBatch> = files.iter().map(|file| binance::read(&data.join(file))).collect();
    let mut observer = StreamObserver::new(&ObserveOptions::default());
    for (batch, file) in batches.iter().zip(files) {
        observer.observe(batch, file);
    }
    Some((observer.finish(), batches))
}

/// What holds of every one of these captures.
fn check(observed: &Observed, min_compared: u64) {
    let quotes = observed.quotes;
    let share = 1.0 - quotes.mismatched as f64 / quotes.compared as f64;
    println!("{} of {} quotes at equal ids agree ({share})", quotes.compared - quotes.mismatched, quotes.compared);
    for c in &observed.counters {
        println!("{:20} {:8} of {:8}, worst {} {:?}", c.check, c.count, c.total, c.worst, c.examples.first());
    }
    println!("cadence {:?} ns, tick {}, lot {}", observed.book_cadence_ns, observed.price_tick, observed.qty_lot);
    for (id, series) in &observed.series {
        println!("{id:22} {} windows, {} observations", series.windows.len(), series.windows.count());
        let needs_orders = verismo_suite::catalogue::observable(id).is_some_and(|o| o.source == Source::Orders);
        assert_eq!(series.windows.is_empty(), needs_orders, "{id} observed {} values", series.windows.count());
    }
    assert!(quotes.compared >= min_compared, "{quotes:?}");
    assert!(share >= 0.999, "{quotes:?}");
    for check in
        ["out_of_order", "sequence_gap", "gap_severity", "duplicate", "missing_id", "crossed_book", "locked_book"]
    {
        let c = counter(observed, check);
        assert_eq!(c.count, 0, "{c:?}");
    }
    for check in ["invalid_value", "time_out_of_range", "session_overlap"] {
        assert_eq!(counter(observed, check).count, 0, "{check}");
    }
    assert_eq!((observed.levels_dropped, observed.grid_undefined, observed.snapshots), (0, 0, 1));
    let n_grid = observed.series["spread"].windows.count() as i64;
    let (first, last) = observed.span_ns.unwrap();
    assert!((n_grid - (last - first) / 100_000_000).abs() <= 30, "{n_grid} samples");
}

#[test]
fn spot_agrees_with_book_ticker() {
    let Some((observed, _)) = observe(&["spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"]) else { return };
    check(&observed, 500);
    assert_eq!(
        (observed.trades, observed.updates),
        (9_757 + 10_147, 3_451 + 3_044 - dropped_before_snapshot(&observed))
    );
    assert_eq!(observed.price_tick, 1_000_000);
    assert_eq!(observed.book_cadence_ns, Some(100_000_000));
}

/// The diffs that the snapshot covers are no events.
fn dropped_before_snapshot(observed: &Observed) -> u64 {
    let n = 3_451 + 3_044 - observed.updates;
    assert!(n < 60, "{n} diffs lie before the snapshot");
    n
}

#[test]
fn usd_margined_futures_agree_with_book_ticker() {
    let Some((observed, batches)) = observe(&["usdm_btcusdt_20240808.gz"]) else { return };
    check(&observed, 500);
    let n_quotes = batches[0].kind.iter().filter(|kind| **kind == Kind::Quote).count();
    assert_eq!(n_quotes, 2 * 66_089);
}

#[test]
fn coin_margined_futures_agree_with_book_ticker() {
    let Some((observed, _)) = observe(&["cm_btcusd_perp_20240808.gz", "cm_btcusd_perp_20240809.gz"]) else { return };
    check(&observed, 500);
}
