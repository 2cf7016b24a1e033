//! What statistics in order of time cost on a day of seconds, or on as many events: both sides read once.
#![allow(missing_docs)]

use divan::{Bencher, black_box};
use verismo_stats::judging::{PanelStatistic, Rows};
use verismo_stats::temporal::{
    Autocorrelations, Garch, GarchNumber, Hawkes, HawkesNumber, JumpShare, MutualHawkes, MutualHawkesNumber,
    RealisedVariance, Regression, RegressionNumber, Series, SignChanges, Spacing, TwoScales, TwoScalesNumber, UpCurve,
};

const ROWS: usize = 86_400;
const SECOND: i64 = 1_000_000_000;
const GRID: Spacing = Spacing::Time(SECOND);

fn main() {
    divan::main();
}

fn uniforms(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

/// A log price with clustered volatility and what moves it.
fn market(seed: u64) -> Rows {
    let mut uniform = uniforms(seed);
    let (mut price, mut h, mut last) = (0.0, 1.0, 0.0_f64);
    let mut values = Vec::new();
    for _ in 0..ROWS {
        h = 0.05 + 0.1 * last * last + 0.85 * h;
        last = libm::sqrt(h) * 2.449 * (uniform() + uniform() - 1.0);
        price += last;
        values.extend([price, last + uniform()]);
    }
    Rows::of_values(2, values, SECOND)
}

/// Bursts of events.
fn events(seed: u64) -> Rows {
    let mut uniform = uniforms(seed);
    let mut rows = Rows::of_values(1, vec![0.0; ROWS], 1);
    let (mut t, mut is_fast) = (0.0, false);
    for at in &mut rows.t_ns {
        is_fast ^= uniform() < 0.25;
        t -= libm::log(uniform()) * if is_fast { 0.1e9 } else { 2e9 };
        *at = t as i64;
    }
    rows
}

fn read(bencher: Bencher<'_, '_>, statistic: &dyn PanelStatistic, rows: fn(u64) -> Rows) {
    let (golden, candidate) = (rows(1), rows(2));
    bencher.bench(|| black_box(statistic.read(&golden, &candidate)));
}

#[divan::bench]
fn garch_of_seconds(bencher: Bencher<'_, '_>) {
    read(bencher, &Garch::new(0, SECOND, GarchNumber::LnHalfLife), market);
}

#[divan::bench]
fn garch_of_minutes(bencher: Bencher<'_, '_>) {
    read(bencher, &Garch::new(0, 60 * SECOND, GarchNumber::LnHalfLife), market);
}

#[divan::bench]
fn hawkes(bencher: Bencher<'_, '_>) {
    read(bencher, &Hawkes::new(600 * SECOND, HawkesNumber::BranchingRatio), events);
}

/// The same events, each of one of two kinds.
#[divan::bench]
fn mutual_hawkes(bencher: Bencher<'_, '_>) {
    fn sides(seed: u64) -> Rows {
        let mut uniform = uniforms(seed + 100);
        let sides = (0..ROWS).flat_map(|_| if uniform() < 0.5 { [1.0, f64::NAN] } else { [f64::NAN, 1.0] });
        Rows { columns: 2, values: sides.collect(), ..events(seed) }
    }
    read(bencher, &MutualHawkes::new([0, 1], 600 * SECOND, MutualHawkesNumber::Branching), sides);
}

#[divan::bench]
fn signature(bencher: Bencher<'_, '_>) {
    read(bencher, &RealisedVariance::new(0, GRID, vec![1, 5, 30, 300]), market);
}

#[divan::bench]
fn two_scales(bencher: Bencher<'_, '_>) {
    read(bencher, &TwoScales::new(0, GRID, 30, TwoScalesNumber::LnNoiseToSignal), market);
}

#[divan::bench]
fn jump_share(bencher: Bencher<'_, '_>) {
    read(bencher, &JumpShare::new(0, GRID, 60), market);
}

#[divan::bench]
fn autocorrelations(bencher: Bencher<'_, '_>) {
    let lags = vec![1, 2, 5, 10, 30, 60];
    read(bencher, &Autocorrelations::new(0, Series::AbsDifference, GRID, lags), market);
}

#[divan::bench]
fn sign_changes(bencher: Bencher<'_, '_>) {
    read(bencher, &SignChanges::new(0, Series::Difference, GRID), market);
}

#[divan::bench]
fn up_curve(bencher: Bencher<'_, '_>) {
    read(bencher, &UpCurve::new(0, 1, GRID, 1, UpCurve::BINS), market);
}

#[divan::bench]
fn regression(bencher: Bencher<'_, '_>) {
    read(bencher, &Regression::new(0, 1, GRID, 5, RegressionNumber::RSquared), market);
}
