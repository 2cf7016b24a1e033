//! Influence values are derivatives, for every statistic; what the panels find is what the functions of plain series find.

use super::*;
use crate::joint::tests::check_influences;
use crate::judging::PanelStatistic;

/// A stream of numbers in (0, 1).
fn uniforms(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

/// Three columns a second: a log price with clustered volatility and a little noise, signed volume that moves it, what has no price.
/// Some prices are undefined, and there is a hole.
fn market(n: usize, seed: u64) -> Rows {
    let mut uniform = uniforms(seed);
    let (mut price, mut h, mut last, mut volume) = (0.0, 1.0, 0.0_f64, 0.0);
    let mut values = Vec::new();
    for i in 0..n {
        h = 0.08 + 0.12 * last * last + 0.8 * h;
        volume = 0.6 * volume + uniform() - 0.5;
        last = libm::sqrt(h) * (2.2 * (uniform() + uniform() - 1.0)) + 2.0 * volume;
        price += last;
        values.extend([if i % 97 == 41 { f64::NAN } else { price + 0.3 * uniform() }, volume, uniform()]);
    }
    let mut rows = Rows::of_values(3, values, 1_000_000_000);
    for t in &mut rows.t_ns[2 * n / 3..] {
        *t += 7_000_000_000;
    }
    // Unequal weights, as strata have.
    let weights: Vec<f64> = (0..n).map(|i| if i < n / 4 { 2.0 } else { 1.0 }).collect();
    let total: f64 = weights.iter().sum();
    rows.weights = weights.iter().map(|w| w / total).collect();
    rows
}

/// Events that come in bursts, some at one time, in two sessions.
fn bursts(n: usize, seed: u64) -> Rows {
    let mut uniform = uniforms(seed);
    let (mut t, mut is_fast) = (0_i64, false);
    let mut rows = Rows::of_values(1, vec![0.0; n], 1);
    for i in 0..n {
        is_fast = if uniform() < 0.25 { !is_fast } else { is_fast };
        t += if i % 31 == 7 { 0 } else { ((if is_fast { 0.1 } else { 3.0 }) * 1e9 * uniform()) as i64 };
        t += if i == n / 2 { 1_000_000_000_000 } else { 0 };
        rows.t_ns[i] = t;
    }
    rows
}

const SECOND: i64 = 1_000_000_000;
const GRID: Spacing = Spacing::Time(SECOND);

fn check(statistic: &dyn PanelStatistic) {
    check_influences(statistic, &market(900, 1), &market(700, 2), 2e-5);
}

#[test]
fn realised_volatility() {
    check(&RealisedVariance::new(0, GRID, vec![1, 2, 5, 20]));
    for number in [TwoScalesNumber::LnVariance, TwoScalesNumber::LnNoise, TwoScalesNumber::LnNoiseToSignal] {
        check(&TwoScales::new(0, GRID, 10, number));
    }
    check(&JumpShare::new(0, GRID, 1));
    check(&JumpShare::new(0, GRID, 3));
}

#[test]
fn serial_dependence() {
    for series in [Series::Level, Series::Difference, Series::AbsDifference, Series::SquaredDifference] {
        check(&Autocorrelations::new(1, series, GRID, vec![1, 2, 10]));
    }
    check(&Autocorrelations::new(1, Series::Sign, Spacing::Rows(SECOND), vec![1, 3]));
    check(&SignChanges::new(1, Series::Level, GRID));
    check(&SignChanges::new(0, Series::Difference, Spacing::Rows(2 * SECOND)));
}

#[test]
fn regressions() {
    for number in [
        RegressionNumber::Slope,
        RegressionNumber::RelativeSlope,
        RegressionNumber::Correlation,
        RegressionNumber::RSquared,
    ] {
        check(&Regression::new(0, 1, GRID, 0, number));
        check(&Regression::new(0, 1, GRID, 1, number));
    }
}

#[test]
fn garch() {
    for number in [GarchNumber::LnHalfLife, GarchNumber::Alpha] {
        check(&Garch::new(0, SECOND, number));
    }
    let (golden, candidate) = (market(2_500, 1), market(2_000, 7));
    check_influences(&Garch::new(0, 5 * SECOND, GarchNumber::Alpha), &golden, &candidate, 2e-5);
}

#[test]
fn hawkes() {
    for number in [HawkesNumber::BranchingRatio, HawkesNumber::LnDecay, HawkesNumber::LnBaseRate] {
        check_influences(&Hawkes::new(60 * SECOND, number), &bursts(600, 1), &bursts(500, 2), 2e-5);
    }
}
