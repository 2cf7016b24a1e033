//! Statistics in order of time on every degenerate input: a reason or a number, never a panic or NaN; and what offsets and units do.
// What is exact is asserted exactly.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

mod common;

use common::uniform;
use proptest::collection::vec;
use proptest::prelude::*;
use verismo_stats::judging::{JudgingError, PanelStatistic, Rows};
use verismo_stats::temporal::{self as t, Series, Spacing};

const SECOND: i64 = 1_000_000_000;

/// Every statistic of a panel of two columns, a price and what moves it.
fn statistics() -> Vec<Box<dyn PanelStatistic>> {
    let grid = Spacing::Time(SECOND);
    let mut all: Vec<Box<dyn PanelStatistic>> = Vec::new();
    for spacing in [Spacing::Time(0), Spacing::Time(-1), Spacing::Rows(-1)] {
        all.push(Box::new(t::RealisedVariance::new(0, spacing, vec![1, 2, 10])));
        all.push(Box::new(t::SignChanges::new(0, Series::Difference, spacing)));
        all.push(Box::new(t::Regression::new(0, 1, spacing, 1, t::RegressionNumber::Slope)));
    }
    for spacing in [grid, Spacing::Rows(SECOND)] {
        all.push(Box::new(t::RealisedVariance::new(0, spacing, vec![1, 2, 10])));
        all.push(Box::new(t::JumpShare::new(0, spacing, 1)));
        all.push(Box::new(t::SignChanges::new(0, Series::Difference, spacing)));
        for series in
            [Series::Level, Series::Difference, Series::AbsDifference, Series::SquaredDifference, Series::Sign]
        {
            all.push(Box::new(t::Autocorrelations::new(1, series, spacing, vec![1, 5])));
        }
        for number in [t::TwoScalesNumber::LnVariance, t::TwoScalesNumber::LnNoise, t::TwoScalesNumber::LnNoiseToSignal]
        {
            all.push(Box::new(t::TwoScales::new(0, spacing, 5, number)));
        }
        for number in [
            t::RegressionNumber::Slope,
            t::RegressionNumber::RelativeSlope,
            t::RegressionNumber::Correlation,
            t::RegressionNumber::RSquared,
        ] {
            all.push(Box::new(t::Regression::new(0, 1, spacing, 0, number)));
            all.push(Box::new(t::Regression::new(0, 1, spacing, 2, number)));
        }
    }
    for step in [SECOND, 0, -SECOND, i64::MAX] {
        all.push(Box::new(t::Garch::new(0, step, t::GarchNumber::LnHalfLife)));
        all.push(Box::new(t::Garch::new(0, step, t::GarchNumber::Alpha)));
    }
    for gap in [60 * SECOND, 0, -1, i64::MAX] {
        for number in [t::HawkesNumber::BranchingRatio, t::HawkesNumber::LnDecay, t::HawkesNumber::LnBaseRate] {
            all.push(Box::new(t::Hawkes::new(gap, number)));
        }
    }
    for number in [t::MutualHawkesNumber::Branching, t::MutualHawkesNumber::SpectralRadius] {
        for gap in [60 * SECOND, 0, -1, i64::MAX] {
            all.push(Box::new(t::MutualHawkes::new([0, 1], gap, number)));
        }
        all.push(Box::new(t::MutualHawkes::new([1, 9], i64::MAX, number)));
        all.push(Box::new(t::MutualHawkes::new([1, 1], i64::MAX, number)));
    }
    for (lead, bins) in [(1, 5), (0, 0), (3, usize::MAX), (usize::MAX, 2)] {
        all.push(Box::new(t::UpCurve::new(0, 1, grid, lead, bins)));
    }
    all.push(Box::new(t::UpCurve::new(0, 9, grid, 1, 5)));
    // Columns and steps that are not there.
    all.push(Box::new(t::RealisedVariance::new(9, grid, vec![1, 2])));
    for steps in [vec![], vec![0], vec![1], vec![0, 1], vec![1, 0], vec![usize::MAX, 1], vec![1, usize::MAX]] {
        all.push(Box::new(t::RealisedVariance::new(0, grid, steps.clone())));
        all.push(Box::new(t::Autocorrelations::new(0, Series::Level, grid, steps)));
    }
    all.push(Box::new(t::TwoScales::new(0, grid, 0, t::TwoScalesNumber::LnVariance)));
    all.push(Box::new(t::JumpShare::new(0, grid, 0)));
    all.push(Box::new(t::Regression::new(0, 0, grid, usize::MAX, t::RegressionNumber::Slope)));
    all
}

fn sound(statistic: &dyn PanelStatistic, golden: &Rows, candidate: &Rows, name: &str) -> usize {
    match statistic.read(golden, candidate) {
        Ok(readings) => {
            for (reading, rows) in readings.iter().zip([golden, candidate]) {
                assert_eq!(reading.scores.len(), reading.values.len() * rows.len(), "{name}");
                assert!(!reading.values.is_empty(), "{name}");
                for (k, value) in reading.values.iter().enumerate() {
                    assert!(!value.is_nan(), "{name}: a number is NaN, domain {}", statistic.domain());
                    let scores: Vec<f64> =
                        (0..rows.len()).map(|i| reading.scores[i * reading.values.len() + k]).collect();
                    let mean: f64 = scores.iter().zip(&rows.weights).map(|(s, w)| s * w).sum();
                    let size: f64 = scores.iter().zip(&rows.weights).map(|(s, w)| s.abs() * w).sum();
                    assert!(
                        !mean.is_nan() && mean.abs() <= 1e-8 * size + 1e-12,
                        "{name}: {mean} of {size}, domain {}",
                        statistic.domain()
                    );
                }
            }
            1
        }
        Err(JudgingError::Undefined { .. }) => 0,
        Err(other) => panic!("{name}: {other}"),
    }
}

/// A price that moves with a second column, both from values in (0, 1).
fn market(n: u64) -> Rows {
    let mut price = 0.0;
    let values = uniform(7_000, n).zip(uniform(7_001, n)).flat_map(|(u, v)| {
        price += (u - 0.5) + 0.5 * (v - 0.5);
        [price, v - 0.5]
    });
    Rows::of_values(2, values.collect(), SECOND)
}

/// A price whose moves are a multiple of the second column: no residual but rounding.
fn on_a_line() -> Rows {
    let mut price = 0.0;
    let values = uniform(7_002, 400).flat_map(|v| {
        price += v / 3.0;
        [price, v]
    });
    Rows::of_values(2, values.collect(), SECOND)
}

/// One row of which both columns are out of proportion, between others that are not all alike.
fn one_row_outweighs(base: &Rows) -> Rows {
    mapped(base, |i, v| if i < 2 * 399 { v } else { v * [1e117, -5e258][i % 2] })
}

/// A line that fits exactly is one row's where that row outweighs the others; a market in which flow alone moves the price is not refused.
#[test]
fn only_a_line_of_one_row_has_no_noise() {
    let (market, line) = (market(400), on_a_line());
    for number in [t::RegressionNumber::Slope, t::RegressionNumber::Correlation, t::RegressionNumber::RSquared] {
        let regression = t::Regression::new(0, 1, Spacing::Time(SECOND), 0, number);
        let [_, exact] = regression.read(&market, &line).unwrap();
        assert!((exact.values[0] - if number == t::RegressionNumber::Slope { 1.0 / 3.0 } else { 1.0 }).abs() < 1e-12);
        let refused =
            regression.read(&market, &one_row_outweighs(&market)).map(drop).map_err(|error| error.to_string());
        assert!(refused.as_ref().is_err_and(|error| error.contains("one row outweighs")), "{refused:?}");
    }
}

fn mapped(rows: &Rows, of: impl Fn(usize, f64) -> f64) -> Rows {
    Rows { values: rows.values.iter().enumerate().map(|(i, v)| of(i, *v)).collect(), ..rows.clone() }
}

fn timed(rows: &Rows, of: impl Fn(usize, i64) -> i64) -> Rows {
    Rows { t_ns: rows.t_ns.iter().enumerate().map(|(i, t)| of(i, *t)).collect(), ..rows.clone() }
}

#[test]
fn degenerate_panels_give_a_reason_or_a_number() {
    let base = market(400);
    let inputs: Vec<(&str, Rows)> = vec![
        ("base", base.clone()),
        ("empty", Rows::of_values(2, vec![], SECOND)),
        ("one row", market(1)),
        ("two rows", market(2)),
        ("constant", mapped(&base, |_, _| 3.25)),
        ("zero", mapped(&base, |_, _| 0.0)),
        ("constant price", mapped(&base, |i, v| if i % 2 == 0 { 1.1 } else { v })),
        ("constant volume", mapped(&base, |i, v| if i % 2 == 1 { 0.1 } else { v })),
        ("ties", mapped(&base, |_, v| (2.0 * v).round())),
        ("undefined", mapped(&base, |_, _| f64::NAN)),
        ("undefined price", mapped(&base, |i, v| if i % 2 == 0 { f64::NAN } else { v })),
        ("holes", mapped(&base, |i, v| if i % 22 == 0 { f64::NAN } else { v })),
        ("every other undefined", mapped(&base, |i, v| if i / 2 % 2 == 0 { f64::NAN } else { v })),
        ("infinite", mapped(&base, |i, v| if i == 100 { f64::INFINITY } else { v })),
        ("offset", mapped(&base, |_, v| v + 1e18)),
        ("denormal", mapped(&base, |_, v| v * 1e-310)),
        ("least", mapped(&base, |_, v| if v > 0.0 { 5e-324 } else { 0.0 })),
        ("faint price", mapped(&base, |i, v| if i % 2 == 0 { v * 1e-200 } else { v })),
        ("huge price", mapped(&base, |i, v| if i % 2 == 0 { v * 1e200 } else { v })),
        ("huge", mapped(&base, |_, v| v * 1e305)),
        ("largest", mapped(&base, |i, _| if i % 4 < 2 { f64::MAX } else { f64::MIN })),
        ("one outlier", mapped(&base, |i, v| if i == 300 { 1e200 } else { v })),
        ("one step", mapped(&base, |i, _| if i < 300 { 0.0 } else { 1.0 })),
        ("line", mapped(&base, |i, _| i as f64)),
        ("alternating", mapped(&base, |i, _| if i / 2 % 2 == 0 { 1.0 } else { -1.0 })),
        ("growing", mapped(&base, |i, v| v * 1.5_f64.powi(i as i32 / 2))),
        ("on a line", on_a_line()),
        ("one row outweighs", one_row_outweighs(&base)),
        ("one time", timed(&base, |_, _| 5)),
        ("descending", timed(&base, |_, t| -t)),
        ("ends of time", timed(&base, |i, _| if i < 200 { i64::MIN } else { i64::MAX })),
        ("gaps", timed(&base, |i, t| t * (i as i64 + 1))),
        ("ever larger gaps", timed(&base, |i, _| 1.1_f64.powi(i as i32) as i64)),
        ("nanoseconds", timed(&base, |i, _| i as i64)),
        ("off the grid", timed(&base, |_, t| t + 1)),
        ("no weight", Rows { weights: vec![0.0; 400], ..base.clone() }),
        (
            "weight on few",
            Rows { weights: (0..400).map(|i| f64::from(u8::from(i < 20)) / 20.0).collect(), ..base.clone() },
        ),
    ];
    let mut defined = 0;
    for statistic in statistics() {
        for (name, rows) in &inputs {
            defined += sound(&*statistic, rows, rows, name);
            sound(&*statistic, &base, rows, name);
            sound(&*statistic, rows, &base, name);
        }
    }
    assert!(defined > 200, "only {defined} are defined");
}

/// Numbers without a unit stay the same to the last bits if the unit changes by a power of two, and almost with an offset of a million.
#[test]
fn units_and_offsets_change_nothing() {
    let base = market(600);
    let grid = Spacing::Time(SECOND);
    let free: Vec<Box<dyn PanelStatistic>> = vec![
        Box::new(t::RealisedVariance::new(0, grid, vec![1, 2, 10])),
        Box::new(t::TwoScales::new(0, grid, 5, t::TwoScalesNumber::LnNoiseToSignal)),
        Box::new(t::JumpShare::new(0, grid, 1)),
        Box::new(t::Autocorrelations::new(0, Series::AbsDifference, grid, vec![1, 5])),
        Box::new(t::Autocorrelations::new(0, Series::SquaredDifference, grid, vec![1, 5])),
        Box::new(t::Autocorrelations::new(1, Series::Level, grid, vec![1, 5])),
        Box::new(t::Regression::new(0, 1, grid, 0, t::RegressionNumber::Slope)),
        Box::new(t::Regression::new(0, 1, grid, 0, t::RegressionNumber::RSquared)),
    ];
    for statistic in free {
        let read = |rows: &Rows| statistic.read(rows, rows).unwrap()[0].values.clone();
        let plain = read(&base);
        for power in [-900, -300, -20, 10, 400] {
            let unit = 2.0_f64.powi(power);
            let found = read(&mapped(&base, |_, v| v * unit));
            for (a, b) in found.iter().zip(&plain) {
                assert!((a - b).abs() <= 1e-13 * (1.0 + b.abs()), "domain {}: {a} {b}", statistic.domain());
            }
        }
        let found = read(&mapped(&base, |_, v| v + 1_048_576.0));
        for (a, b) in found.iter().zip(&plain) {
            assert!((a - b).abs() <= 1e-7 * (1.0 + b.abs()), "domain {}: {a} {b}", statistic.domain());
        }
    }
}

/// What a function of a series says of any series: a reason, or numbers that are not NaN.
fn functions(x: &[f64], times: &[i64], counts: &[u64]) {
    let fine = |name: &str, values: &[f64]| assert!(values.iter().all(|v| !v.is_nan()), "{name} of {x:?}: {values:?}");
    for step in [0, 1, 3, usize::MAX] {
        fine("realised", &t::realised_variance(x, step).into_iter().collect::<Vec<_>>());
        fine("two scales", &t::two_scales_variance(x, step).into_iter().collect::<Vec<_>>());
        if let Ok(h) = t::hausman(x, step) {
            fine("hausman", &[h.statistic, h.p_value, h.ratio]);
        }
        if let Ok(test) = t::cusum(x, step) {
            fine("cusum", &[test.statistic, test.p_value, test.shift]);
        }
        if let Ok(jumps) = t::lee_mykland(x, step.min(40), 0.05) {
            jumps.iter().for_each(|jump| fine("lee mykland", &[jump.size, jump.statistic]));
        }
        if let Ok(acf) = t::autocorrelations(x, step) {
            fine("acf", &acf);
            t::ljung_box(&acf, x.len() as u64, 1).unwrap().iter().for_each(|test| fine("box", &[test.statistic]));
        }
        let reversed: Vec<f64> = x.iter().rev().copied().collect();
        if let Ok(fit) = t::ols_hac(x, &reversed, step) {
            fine("ols", &[fit.slope, fit.intercept, fit.r_squared, fit.standard_error, fit.t, fit.p_value]);
        }
    }
    fine("noise", &t::noise_variance(x).into_iter().collect::<Vec<_>>());
    fine("bipower", &t::bipower_variation(x).into_iter().collect::<Vec<_>>());
    if let Ok(test) = t::bns_test(x) {
        fine("bns", &[test.share, test.z, test.p_value]);
    }
    if let Ok(test) = t::wald_wolfowitz(x) {
        fine("runs", &[test.z, test.p_value]);
    }
    for (tolerance, threshold) in [(0.0, 1.0), (0.1, f64::INFINITY), (-1.0, 1.0), (f64::NAN, f64::NAN)] {
        if let Ok(test) = t::page_hinkley(x, tolerance, threshold) {
            fine("page", &[test.largest.0, test.largest.1]);
        }
    }
    if let Ok(fit) = t::fit_garch(x) {
        fine("garch", &[fit.omega, fit.alpha, fit.beta, fit.log_likelihood, fit.half_life]);
    }
    for gap in [-1, 0, SECOND, i64::MAX] {
        if let Ok(fit) = t::fit_hawkes(times, gap) {
            fine("hawkes", &[fit.base_rate, fit.branching_ratio, fit.decay, fit.log_likelihood, fit.ks_distance]);
        }
    }
    let kinds: Vec<[bool; 2]> = (0..times.len()).map(|i| [i % 3 > 0, i % 5 > 2]).collect();
    for gap in [-1, 0, SECOND, i64::MAX] {
        if let Ok(fit) = t::fit_mutual_hawkes(times, &kinds, gap) {
            fine("mutual hawkes", fit.branching.as_flattened());
            fine("mutual hawkes", &[fit.decay, fit.spectral_radius, fit.log_likelihood]);
        }
    }
    assert!(t::fit_mutual_hawkes(times, &[], 1).is_err());
    fine("dispersion", &t::branching_ratio_of_dispersion(counts).into_iter().collect::<Vec<_>>());
}

#[test]
fn degenerate_series_give_a_reason_or_a_number() {
    let n = 300;
    let base: Vec<f64> = uniform(7_100, n).collect();
    let of = |f: &dyn Fn(usize, f64) -> f64| base.iter().enumerate().map(|(i, v)| f(i, *v)).collect::<Vec<f64>>();
    let times = |f: &dyn Fn(i64) -> i64| (0..n as i64).map(f).collect::<Vec<i64>>();
    let series = [
        vec![],
        vec![1.0],
        vec![1.0, 2.0],
        base.clone(),
        of(&|_, _| 0.0),
        of(&|_, _| 7.7),
        of(&|_, v| v.round()),
        of(&|_, _| f64::NAN),
        of(&|i, v| if i == 9 { f64::NAN } else { v }),
        of(&|i, v| if i == 9 { f64::NEG_INFINITY } else { v }),
        of(&|_, v| v + 1e18),
        of(&|_, v| v * 1e-310),
        of(&|_, v| if v > 0.5 { 5e-324 } else { 0.0 }),
        of(&|_, v| v * 1e308),
        of(&|i, _| if i % 2 == 0 { f64::MAX } else { f64::MIN }),
        of(&|i, _| i as f64),
        of(&|i, _| if i % 2 == 0 { 1.0 } else { -1.0 }),
        of(&|i, _| if i < 150 { 0.0 } else { 1.0 }),
        of(&|i, v| if i == 150 { 1e150 } else { v }),
        of(&|i, _| 2.0_f64.powi(i as i32)),
    ];
    let streams = [
        times(&|i| i),
        times(&|_| 0),
        times(&|i| -i),
        times(&|i| i * SECOND),
        times(&|i| i * i * i * i * 1_000_000),
        times(&|i| if i < 100 { i64::MIN } else { i64::MAX }),
        times(&|i| i / 50 * SECOND + i % 50),
        vec![],
        vec![3],
    ];
    for (i, x) in series.iter().enumerate() {
        functions(x, &streams[i % streams.len()], [[].as_slice(), &[0], &[0, 0], &[5, 5, 5], &[u64::MAX, 0]][i % 5]);
    }
    for stream in &streams {
        functions(&[], stream, &[1, 100, 3]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn any_series_gives_a_reason_or_a_number(
        x in vec(prop_oneof![8 => -2.0..2.0_f64, 1 => Just(0.0), 1 => any::<f64>()], 0..320),
        steps in vec(0..2_000_000_000_i64, 0..320),
    ) {
        let mut at = 0_i64;
        let times: Vec<i64> = steps.iter().map(|step| { at += step; at }).collect();
        functions(&x, &times, &[3, 4]);
        let n = x.len() / 2;
        let mut rows = Rows::of_values(2, x[..2 * n].to_vec(), SECOND);
        let grid = rows.clone();
        rows.t_ns.iter_mut().zip(&times).for_each(|(t, at)| *t = *at);
        for statistic in statistics() {
            sound(&*statistic, &rows, &grid, "any");
        }
    }
}
