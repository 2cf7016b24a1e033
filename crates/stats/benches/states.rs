//! Nanoseconds a value on the hot path of a window, and milliseconds a comparison. Run: `cargo bench -p verismo-stats`.
#![allow(missing_docs)]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use verismo_stats::classic;
use verismo_stats::column::{ColumnProfile, ColumnProfiler, choose_lattice, time_hash};
use verismo_stats::histogram::{Cells, Histogram, Tally, ValueTally};
use verismo_stats::lattice::Lattice;
use verismo_stats::sample::mix64;
use verismo_stats::special::normal_quantile;

fn main() {
    divan::main();
}

fn uniform(n: usize) -> impl Iterator<Item = f64> {
    (1..=n as u64).map(|i| ((mix64(i) >> 33) as f64 + 0.5) / 2_147_483_648.0)
}

/// Log-returns of both signs over many magnitudes, with zeros.
fn returns(n: usize) -> Vec<f64> {
    uniform(n).map(|v| if v < 0.2 { 0.0 } else { 1e-6 * (v - 0.6) / (v * (1.0001 - v)) }).collect()
}

/// Prices within a hundred ticks.
fn prices(n: usize) -> Vec<f64> {
    uniform(n).map(|v| (6_543_210.0 + (v * 100.0).floor()) / 100.0).collect()
}

const WINDOWS: [usize; 4] = [100, 500, 1000, 5000];

fn keys(lattice: &Lattice, values: &[f64]) -> Vec<i64> {
    let mut keys = Vec::new();
    lattice.keys(values, &mut keys);
    keys
}

fn bench_tally(bencher: Bencher<'_, '_>, keys: &[i64]) {
    let mut tally = Tally::new();
    bencher.counter(ItemsCount::new(keys.len())).bench_local(|| {
        tally.extend(black_box(keys));
        tally.drain()
    });
}

#[divan::bench(args = WINDOWS)]
fn tally_float(bencher: Bencher<'_, '_>, n: usize) {
    bench_tally(bencher, &keys(&Lattice::float(10), &returns(n)));
}

#[divan::bench(args = WINDOWS)]
fn tally_ticks(bencher: Bencher<'_, '_>, n: usize) {
    bench_tally(bencher, &keys(&Lattice::ticks(2), &prices(n)));
}

/// Sizes in lots of 10^-5, a twentieth on average.
#[divan::bench(args = [500, 30_000])]
fn tally_lots(bencher: Bencher<'_, '_>, n: usize) {
    let keys: Vec<i64> = uniform(n).map(|v| 1_000 * (1.0 - 5_000.0 * v.ln()) as i64).collect();
    bench_tally(bencher, &keys);
}

#[divan::bench(args = WINDOWS)]
fn tally_scattered(bencher: Bencher<'_, '_>, n: usize) {
    bench_tally(bencher, &keys(&Lattice::exact(), &returns(n)));
}

/// Values to cells, as a column of a table is counted: seconds, ten seconds and minutes of rows every 5 ms.
#[divan::bench(args = [200, 2000, 12_000])]
fn values_float(bencher: Bencher<'_, '_>, n: usize) {
    let values: Vec<f64> = uniform(PROFILED).map(normal_quantile).collect();
    let mut tally = ValueTally::new(choose_lattice(&profile(&values)));
    // Other values every time, or their branches are learnt by heart.
    let mut windows = values.chunks_exact(n).cycle();
    bencher.counter(ItemsCount::new(n)).bench_local(|| {
        let n_rejected = tally.extend(black_box(windows.next().unwrap_or_default()));
        (n_rejected, tally.drain())
    });
}

#[divan::bench]
fn profile_float(bencher: Bencher<'_, '_>) {
    let values: Vec<f64> = uniform(PROFILED).map(normal_quantile).collect();
    bencher.counter(ItemsCount::new(PROFILED)).bench_local(|| profile(&values));
}

const PROFILED: usize = 1_000_000;

fn profile(values: &[f64]) -> ColumnProfile {
    let mut profiler = ColumnProfiler::new(ColumnProfile::DEFAULT_CAPACITY);
    let hashes: Vec<u64> = (0..values.len() as i64).map(time_hash).collect();
    profiler.extend(&hashes, values);
    profiler.finish()
}

#[divan::bench(args = [1000])]
fn keys_float(bencher: Bencher<'_, '_>, n: usize) {
    bench_keys(bencher, &Lattice::float(10), &returns(n));
}

#[divan::bench(args = [1000])]
fn keys_ticks(bencher: Bencher<'_, '_>, n: usize) {
    bench_keys(bencher, &Lattice::ticks(2), &prices(n));
}

fn bench_keys(bencher: Bencher<'_, '_>, lattice: &Lattice, values: &[f64]) {
    let mut out = Vec::new();
    bencher.counter(ItemsCount::new(values.len())).bench_local(|| {
        out.clear();
        lattice.keys(black_box(values), &mut out)
    });
}

/// Comparisons of two million values on the default lattice.
fn pair() -> (Histogram, Histogram) {
    let values = returns(2_000_000);
    let (x, y) = values.split_at(1_000_000);
    (Histogram::from_values(Lattice::float(10), x), Histogram::from_values(Lattice::float(10), y))
}

#[divan::bench]
fn ks(bencher: Bencher<'_, '_>) {
    let (x, y) = pair();
    bencher.bench(|| classic::ks(&x, &y).map(|ks| ks.statistic));
}

#[divan::bench]
fn w1(bencher: Bencher<'_, '_>) {
    let (x, y) = pair();
    bencher.bench(|| classic::w1(&x, &y).map(|w1| w1.statistic));
}

#[divan::bench]
fn merge(bencher: Bencher<'_, '_>) {
    let (x, y) = pair();
    let (x, y) = (Cells::pack(x.cells()), Cells::pack(y.cells()));
    bencher.bench(|| Histogram::pooled(Lattice::float(10), [&x, &y]));
}
