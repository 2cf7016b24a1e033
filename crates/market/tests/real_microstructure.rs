//! Microstructure observables of a real capture agree with those that NumPy computes of it, apart from verismo.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use support::{binance, keys};
use verismo_market::observe::series::lattice;
use verismo_market::observe::{ObserveOptions, SeriesWindows, StreamObserver};
use verismo_stats::lattice::Lattice;

/// Columns: observable, count, mean, order statistics. Regenerate: `python3 crates/market/vectors/gen/microstructure.py`.
const VECTORS: &str = include_str!("../vectors/microstructure_binance.csv");
const QUANTILES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];

/// Whether `x` lies in the cell of the key, give or take the rounding of another route to it.
fn is_of(lattice: &Lattice, key: i64, x: f64) -> bool {
    let slack = 1e-8 * x.abs() + 1e-12;
    lattice.lower(key) - slack <= x && x <= lattice.upper(key) + slack
}

#[test]
fn quantiles_of_a_capture_are_those_of_numpy() {
    let Some(data) = support::data("binance") else { return };
    let mut observer = StreamObserver::new(&ObserveOptions::default());
    for file in ["spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"] {
        observer.observe(&binance::read(&data.join(file)), file);
    }
    let observed = observer.finish();
    let mut n_checked = 0;
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').collect();
        let want: Vec<f64> = fields[1..].iter().map(|field| field.parse().unwrap()).collect();
        let (id, lattice, cells) = (fields[0], lattice(fields[0]), keys(&observed, fields[0]));
        let n: u64 = cells.iter().map(|cell| cell.1).sum();
        assert_eq!(n, want[0] as u64, "{id}: count");
        let middle = |key: i64| f64::midpoint(lattice.lower(key), lattice.upper(key));
        let mean_of = |of: fn(f64) -> f64| {
            cells.iter().map(|&(key, count)| of(middle(key)) * count as f64).sum::<f64>() / n as f64
        };
        // Order statistics say it to the last bit of the lattice; the mean says that nothing between them is lost.
        let (mean, size) = (mean_of(|x| x), mean_of(f64::abs));
        assert!((mean - want[1]).abs() <= 1e-3 * size, "{id}: mean {mean}, not {}", want[1]);
        for (q, &x) in QUANTILES.iter().zip(&want[2..]) {
            let rank = (q * (n - 1) as f64) as u64;
            let mut below = 0;
            let at_rank = cells.iter().find(|cell| {
                below += cell.1;
                below > rank
            });
            let key = at_rank.unwrap().0;
            assert!(
                is_of(&lattice, key, x),
                "{id}: quantile {q} is in [{}, {}], not {x}",
                lattice.lower(key),
                lattice.upper(key)
            );
            n_checked += 1;
        }
        println!("{id}: {n} values, mean {mean}");
    }
    assert!(n_checked >= 100, "vector file too short: {n_checked} numbers");
}

/// A look at every observable that is not in the suite `market`: `cargo test --test real_microstructure -- --nocapture`.
#[test]
fn every_observable_of_a_capture_has_values_in_its_range() {
    let Some(data) = support::data("binance") else { return };
    for file in ["usdm_btcusdt_20240808.gz", "cm_btcusd_perp_20240808.gz"] {
        let mut observer = StreamObserver::new(&ObserveOptions::default());
        observer.observe(&binance::read(&data.join(file)), file);
        let observed = observer.finish();
        println!("{file}");
        for (id, series) in &observed.series {
            let SeriesWindows::Cells(_) = series.windows else { continue };
            let cells = keys(&observed, id);
            let n: u64 = cells.iter().map(|cell| cell.1).sum();
            let quantile = |q: f64| {
                let mut below = 0;
                let found = cells.iter().find(|cell| {
                    below += cell.1;
                    below > (q * n.saturating_sub(1) as f64) as u64
                });
                found.map_or(f64::NAN, |cell| f64::midpoint(series.lattice.lower(cell.0), series.lattice.upper(cell.0)))
            };
            let [min, q05, q50, q95, max] = [0.0, 0.05, 0.5, 0.95, 1.0].map(quantile);
            println!("{id:24} {n:7} {min:12.6} {q05:12.6} {q50:12.6} {q95:12.6} {max:12.6}");
            let (low, high) = match *id {
                "cancel_share_1s"
                | "flow_toxicity_50"
                | "depth_share_l1"
                | "fleeting_100ms"
                | "virtual_fill_10s"
                | "virtual_fill_share_10s"
                | "hidden_share" => (0.0, 1.0),
                "virtual_bid_fill_time" | "virtual_ask_fill_time" | "resilience_time" => (0.0, 60.0),
                "slippage_buy" | "slippage_sell" | "realised_vol_1m" | "bipower_ratio_1m" | "variance_ratio_10s"
                | "amihud_1m" | "order_to_trade_1s" | "best_bid_lifetime" | "best_ask_lifetime" => (0.0, f64::INFINITY),
                "refill_count" | "queue_traded_1s" | "queue_cancelled_1s" | "spoof_like_1m" | "layering_like_1m"
                | "ignition_1m" => (0.0, f64::INFINITY),
                "burst_length" | "burst_gap" => (0.099, f64::INFINITY),
                "trade_run_length" | "sweep_levels" => (0.99, f64::INFINITY),
                _ => continue,
            };
            assert!(n > 0 && low <= min + 1e-9 && max <= high + 1e-2, "{file}: {id} lies in [{min}, {max}]");
        }
    }
}
