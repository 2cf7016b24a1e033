//! Every statistic's influence values are what a little more weight of a row does.

use super::*;
use crate::judging::{PanelStatistic, Reading};
use crate::panel::{Panel, PanelRows};

/// Rows without model: three columns that depend on each other, some numbers undefined.
pub(crate) fn some_rows(n: usize) -> Rows {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut values = Vec::new();
    for i in 0..n {
        let (a, b, c) = (uniform(), uniform(), uniform());
        values.extend([a, 0.6 * a * a + b, if i % 17 == 3 { f64::NAN } else { c - 0.5 * b }]);
    }
    Rows::of_values(3, values, 1_000_000_000)
}

/// Checks the influence values of both sides at a few rows by differences of the weights.
pub(crate) fn check_influences(statistic: &dyn PanelStatistic, golden: &Rows, candidate: &Rows, tolerance: f64) {
    check_first_influences(statistic, golden, candidate, tolerance, usize::MAX);
}

/// The same of the first numbers.
pub(crate) fn check_first_influences(
    statistic: &dyn PanelStatistic,
    golden: &Rows,
    candidate: &Rows,
    tolerance: f64,
    count: usize,
) {
    let readings = statistic.read(golden, candidate).unwrap();
    for (side, (rows, reading)) in [golden, candidate].into_iter().zip(&readings).enumerate() {
        let numbers = reading.values.len();
        let other = &readings[1 - side];
        for k in 0..numbers.min(count) {
            let mean: f64 = (0..rows.len()).map(|i| rows.weights[i] * reading.scores[i * numbers + k]).sum();
            assert!(mean.abs() < 1e-9, "number {k}: influences have mean {mean}");
        }
        for at in [0, rows.len() / 3, rows.len() - 1] {
            let moved = |by: f64| {
                let mut rows = rows.clone();
                rows.weights.iter_mut().for_each(|weight| *weight *= 1.0 - by);
                rows.weights[at] += by;
                let sides = if side == 0 { [&rows, candidate] } else { [golden, &rows] };
                statistic.read(sides[0], sides[1]).unwrap()
            };
            let step = 1e-5;
            let (up, down): ([Reading; 2], [Reading; 2]) = (moved(step), moved(-step));
            for k in 0..numbers.min(count) {
                // What a row of this side does to the other side's number counts here too.
                let of = |moved: &[Reading; 2]| moved[side].values[k] - moved[1 - side].values[k] + other.values[k];
                let slope = (of(&up) - of(&down)) / (2.0 * step);
                let score = reading.scores[at * numbers + k];
                let error = (slope - score).abs();
                assert!(
                    error <= tolerance * (1.0 + slope.abs()),
                    "side {side}, number {k}, row {at}: {slope} is not {score}"
                );
            }
        }
    }
}

#[test]
fn correlations() {
    let (golden, candidate) = (some_rows(200), some_rows(130));
    check_influences(&Correlation::of_all(3), &golden, &candidate, 1e-6);
}

/// Windows of 20 rows of two numbers whose correlation is as asked.
fn windows(count: i64, correlation: f64, seed: u64) -> Vec<Panel> {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut panels = Vec::new();
    for w in 0..count {
        let mut rows = PanelRows::new(2);
        for i in 0..20 {
            let (a, b) = (uniform(), uniform());
            let y = correlation * a + libm::sqrt(1.0 - correlation * correlation) * b;
            rows.push(w * 20 + i, &[(a * 1e8) as i64, (y * 1e8) as i64]);
        }
        panels.push(Panel::pack(rows));
    }
    panels
}

fn judged(golden: f64, candidate: f64, margin: f64) -> crate::judging::Judged {
    use crate::judging::{Design, Options, Outcome, PanelWindow, compare_panels};
    let (golden, candidate) = (windows(60, golden, 1), windows(50, candidate, 2));
    let placed = |panels: &'static [Panel]| -> Vec<PanelWindow<'static>> {
        panels.iter().zip(0..).map(|(panel, id)| PanelWindow { id, stratum: 0, block: 0, panel }).collect()
    };
    let (golden, candidate) = (placed(golden.leak()), placed(candidate.leak()));
    let statistic = Correlation::of_all(2);
    let outcome =
        compare_panels(&golden, &candidate, &[1e-8; 2], &statistic, (Design::Independent, margin, &Options::default()));
    match outcome.unwrap().outcome {
        Outcome::Judged(judged) => *judged,
        Outcome::TooFewWindows { .. } => panic!("there are windows enough"),
    }
}

#[test]
fn a_difference_of_correlations_is_told_from_none() {
    let same = judged(0.5, 0.5, 0.2);
    assert!(same.is_inside(0.2) && same.lower <= 0.0, "{same:?}");
    let other = judged(0.5, 0.0, 0.2);
    assert!(other.is_outside(0.2) && other.p_fail < 0.01 && other.upper > 0.5, "{other:?}");
    assert!((other.estimate - 0.5).abs() < 0.1);
}
