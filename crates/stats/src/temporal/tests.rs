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
    market_of(n, seed, 2.0)
}

fn market_of(n: usize, seed: u64, impact: f64) -> Rows {
    let mut uniform = uniforms(seed);
    let (mut price, mut h, mut last, mut volume) = (0.0, 1.0, 0.0_f64, 0.0);
    let mut values = Vec::new();
    for i in 0..n {
        h = 0.08 + 0.12 * last * last + 0.8 * h;
        volume = 0.6 * volume + uniform() - 0.5;
        last = libm::sqrt(h) * (2.2 * (uniform() + uniform() - 1.0)) + impact * volume;
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
    let (golden, candidate) = (market_of(2_500, 1, 0.5), market_of(2_000, 7, 0.5));
    for number in [GarchNumber::LnHalfLife, GarchNumber::Alpha] {
        check_influences(&Garch::new(0, SECOND, number), &golden, &candidate, 2e-5);
        let (golden, candidate) = (market_of(6_000, 1, 0.0), market_of(7_500, 2, 0.0));
        check_influences(&Garch::new(0, 3 * SECOND, number), &golden, &candidate, 2e-5);
    }
}

#[test]
fn hawkes() {
    for number in [HawkesNumber::BranchingRatio, HawkesNumber::LnDecay, HawkesNumber::LnBaseRate] {
        check_influences(&Hawkes::new(60 * SECOND, number), &bursts(600, 1), &bursts(500, 2), 2e-5);
    }
}

/// Events of two kinds in bursts, each burst mostly of one; some at one time, two sessions.
fn sided_bursts(n: usize, seed: u64) -> Rows {
    let mut uniform = uniforms(seed + 1_000);
    let mut rows = Rows { columns: 2, values: Vec::new(), ..bursts(n, seed) };
    let mut is_first = true;
    for _ in 0..n {
        is_first ^= uniform() < 0.3;
        let (own, other) = (1.0, if uniform() < 0.05 { 1.0 } else { f64::NAN });
        rows.values.extend(if is_first { [own, other] } else { [other, own] });
    }
    // A trade whose side is not known is no event.
    rows.values[10..12].fill(f64::NAN);
    rows
}

#[test]
fn mutual_hawkes() {
    for number in [MutualHawkesNumber::Branching, MutualHawkesNumber::SpectralRadius] {
        let statistic = MutualHawkes::new([0, 1], 60 * SECOND, number);
        check_influences(&statistic, &sided_bursts(1_500, 1), &sided_bursts(1_200, 2), 2e-5);
    }
    // Both kinds in one: no more than the process of one kind, which excites either alike.
    let mut rows = sided_bursts(1_500, 1);
    rows.weights = vec![1.0 / 1_500.0; 1_500];
    let read = |number| MutualHawkes::new([0, 1], 60 * SECOND, number).read(&rows, &rows).unwrap()[0].values.clone();
    let matrix = read(MutualHawkesNumber::Branching);
    let kinds: Vec<[bool; 2]> = (0..1_500).map(|i| [0, 1].map(|c| !rows.row(i)[c].is_nan())).collect();
    let fit = fit_mutual_hawkes(&rows.t_ns, &kinds, 60 * SECOND).unwrap();
    for (found, want) in matrix.iter().zip(fit.branching.as_flattened()) {
        close(*found, *want, 1e-10);
    }
    close(read(MutualHawkesNumber::SpectralRadius)[0], fit.spectral_radius, 1e-10);
}

/// A number of few values, whose edges lie on values that many rows have.
#[test]
fn up_curves_of_few_values() {
    let few = |n: usize, seed: u64| {
        let mut rows = market(n, seed);
        rows.values.chunks_exact_mut(3).for_each(|row| row[1] = libm::floor(3.0 * row[1]));
        rows
    };
    for (lead, bins) in [(1, 5), (2, 3)] {
        let curve = UpCurve::new(0, 1, GRID, lead, bins);
        check_influences(&curve, &few(900, 1), &few(700, 2), 1e-6);
    }
}

/// Where values are many, an edge moves with the weight of rows near it: right on the mean over many rows.
#[test]
fn edges_of_up_curves_move_with_the_golden() {
    let (golden, candidate) = (market(200_000, 1), market_of(200_000, 2, 0.3));
    let curve = UpCurve::new(0, 1, GRID, 1, 4);
    let [reading, _] = curve.read(&golden, &candidate).unwrap();
    for (low, high) in [(-0.6, -0.2), (-0.1, 0.05), (0.3, 0.9)] {
        // The rows whose number before them lies there.
        let is_in = |i: usize| i > 0 && (low..high).contains(&golden.row(i - 1)[1]);
        let count = (0..golden.len()).filter(|i| is_in(*i)).count() as f64;
        assert!(count > 15_000.0, "{count}");
        let moved = |by: f64| {
            let mut moved = golden.clone();
            for i in 0..golden.len() {
                moved.weights[i] = moved.weights[i] * (1.0 - by) + if is_in(i) { by / count } else { 0.0 };
            }
            let [g, c] = curve.read(&moved, &candidate).unwrap();
            g.values.iter().zip(&c.values).map(|(g, c)| g - c).collect::<Vec<f64>>()
        };
        let (up, down) = (moved(0.05), moved(-0.05));
        for k in 0..4 {
            let slope = (up[k] - down[k]) / 0.1;
            let score = (0..golden.len()).filter(|i| is_in(*i)).map(|i| reading.scores[4 * i + k]).sum::<f64>() / count;
            assert!(
                (slope - score).abs() < 0.05 + 0.1 * slope.abs(),
                "{low} to {high}, bin {k}: {slope} is not {score}"
            );
        }
    }
}

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs(), "{a} is not {b}");
}

/// Panels without holes and with equal weights.
#[test]
fn panels_find_what_functions_of_series_find() {
    let n = 2_500;
    let mut uniform = uniforms(5);
    let (mut price, mut h, mut last) = (0.0, 1.0, 0.0_f64);
    let mut values = Vec::new();
    for _ in 0..n {
        h = 0.05 + 0.12 * last * last + 0.83 * h;
        last = libm::sqrt(h) * (2.2 * (uniform() + uniform() - 1.0));
        price += last;
        values.extend([price, last + uniform() - 0.5]);
    }
    let rows = Rows::of_values(2, values, SECOND);
    let prices: Vec<f64> = rows.column(0).collect();
    let returns: Vec<f64> = prices.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let read = |statistic: &dyn PanelStatistic| statistic.read(&rows, &rows).unwrap()[0].values.clone();

    let mean_square = |step: usize| realised_variance(&prices, step).unwrap() * step as f64 / (n - step) as f64;
    let ratios = read(&RealisedVariance::new(0, GRID, vec![1, 5, 20]));
    close(ratios[0], libm::log(20.0 * mean_square(1) / mean_square(20)), 1e-11);
    close(ratios[1], libm::log(4.0 * mean_square(5) / mean_square(20)), 1e-11);
    let noise = read(&TwoScales::new(0, GRID, 10, TwoScalesNumber::LnNoise))[0];
    close(noise, libm::log(noise_variance(&prices).unwrap()), 1e-11);
    let variance = libm::exp(read(&TwoScales::new(0, GRID, 10, TwoScalesNumber::LnVariance))[0]);
    close(variance * n as f64, two_scales_variance(&prices, 10).unwrap() / 0.9, 0.02);
    close(1.0 + read(&JumpShare::new(0, GRID, 1))[0], 1.0 + bns_test(&prices).unwrap().share, 2e-3);

    let fit = fit_garch(&returns).unwrap();
    close(read(&Garch::new(0, SECOND, GarchNumber::Alpha))[0], fit.alpha, 1e-10);
    close(read(&Garch::new(0, SECOND, GarchNumber::LnHalfLife))[0], libm::log(fit.half_life), 1e-10);
    let acf = autocorrelations(&returns, 3).unwrap();
    let joint = read(&Autocorrelations::new(0, Series::Difference, GRID, vec![1, 3]));
    assert!((joint[0] - acf[0]).abs() < 3e-3 && (joint[1] - acf[2]).abs() < 3e-3, "{joint:?} {acf:?}");
    let signs = wald_wolfowitz(&returns).unwrap();
    let share = signs.signs.0 as f64 / (signs.signs.0 + signs.signs.1) as f64;
    let changes = (signs.runs - 1) as f64 / (n - 2) as f64;
    close(read(&SignChanges::new(0, Series::Difference, GRID))[0], changes / (2.0 * share * (1.0 - share)), 1e-5);
    let x: Vec<f64> = rows.column(1).collect();
    let line = ols_hac(&x[1..], &returns, 0).unwrap();
    close(read(&Regression::new(0, 1, GRID, 0, RegressionNumber::Slope))[0], line.slope, 1e-10);
    close(read(&Regression::new(0, 1, GRID, 0, RegressionNumber::RSquared))[0], line.r_squared, 1e-10);
    let ahead = ols_hac(&x[..n - 1], &returns, 0).unwrap();
    close(read(&Regression::new(0, 1, GRID, 1, RegressionNumber::Slope))[0], ahead.slope, 1e-9);

    let mut events = bursts(600, 3);
    events.weights = vec![1.0 / 600.0; 600];
    let fit = fit_hawkes(&events.t_ns, 60 * SECOND).unwrap();
    let of = |number| Hawkes::new(60 * SECOND, number).read(&events, &events).unwrap()[0].values[0];
    close(of(HawkesNumber::BranchingRatio), fit.branching_ratio, 1e-10);
    close(of(HawkesNumber::LnDecay), libm::log(fit.decay), 1e-10);
    close(libm::exp(of(HawkesNumber::LnBaseRate)), fit.base_rate, 1e-10);
    let residuals = hawkes_residuals(&events.t_ns, 60 * SECOND, &fit);
    assert_eq!(residuals.len() as u64, fit.gaps);
    // At the largest likelihood the integrals sum to the number of events.
    close(residuals.iter().sum::<f64>(), fit.gaps as f64, 1e-9);
}
