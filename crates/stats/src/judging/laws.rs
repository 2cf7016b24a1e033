//! What judging asks of a statistic, as checks that panic with the broken law: for tests of this crate and of plug-ins.

use super::{LawStatistic, PanelStatistic, Reading, Rows, ValueLaw};

/// Step of the differences that stand for derivatives.
const STEP: f64 = 1e-5;

/// A stream of numbers in [0, 1).
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Rows of three numbers that depend on each other and follow no model, a second apart; some of the third are undefined.
#[must_use]
pub fn some_rows(n: usize) -> Rows {
    let mut uniform = Uniform(1);
    let mut values = Vec::new();
    for i in 0..n {
        let (a, b, c) = (uniform.next(), uniform.next(), uniform.next());
        values.extend([a, 0.6 * a * a + b, if i % 17 == 3 { f64::NAN } else { c - 0.5 * b }]);
    }
    Rows::of_values(3, values, 1_000_000_000)
}

/// The influence of every row is what a little more of its weight does, on both sides; a statistic that is not ordered gives the same
/// numbers for rows in any order.
///
/// # Panics
/// When a law is broken.
pub fn check_panel_statistic(statistic: &dyn PanelStatistic, golden: &Rows, candidate: &Rows, tolerance: f64) {
    check_first_numbers(statistic, golden, candidate, tolerance, usize::MAX);
}

/// The same of the first `count` numbers alone.
///
/// # Panics
/// When a law is broken.
pub fn check_first_numbers(
    statistic: &dyn PanelStatistic,
    golden: &Rows,
    candidate: &Rows,
    tolerance: f64,
    count: usize,
) {
    let read = |golden: &Rows, candidate: &Rows| match statistic.read(golden, candidate) {
        Ok(readings) => readings,
        Err(error) => panic!("the statistic has no number here: {error}"),
    };
    let readings = read(golden, candidate);
    for (side, (rows, reading)) in [golden, candidate].into_iter().zip(&readings).enumerate() {
        let numbers = reading.values.len();
        assert_eq!(reading.scores.len(), rows.len() * numbers, "side {side}: a score for each row and number");
        for k in 0..numbers.min(count) {
            let mean: f64 = (0..rows.len()).map(|i| rows.weights[i] * reading.scores[i * numbers + k]).sum();
            assert!(mean.abs() < 1e-9, "side {side}, number {k}: influences have mean {mean}");
        }
        for at in [0, rows.len() / 3, rows.len() - 1] {
            let moved = |by: f64| {
                let mut rows = rows.clone();
                rows.weights.iter_mut().for_each(|weight| *weight *= 1.0 - by);
                rows.weights[at] += by;
                if side == 0 { read(&rows, candidate) } else { read(golden, &rows) }
            };
            let (up, down): ([Reading; 2], [Reading; 2]) = (moved(STEP), moved(-STEP));
            for k in 0..numbers.min(count) {
                // What a row of this side does to the other side's number counts here too.
                let of = |moved: &[Reading; 2]| moved[side].values[k] - moved[1 - side].values[k];
                let slope = (of(&up) - of(&down)) / (2.0 * STEP);
                let score = reading.scores[at * numbers + k];
                let is_right = (slope - score).abs() <= tolerance * (1.0 + slope.abs());
                assert!(is_right, "side {side}, number {k}, row {at}: a little more weight adds {slope}, not {score}");
            }
        }
    }
    if !statistic.is_ordered() {
        let shuffled = read(&shuffled(golden), &shuffled(candidate));
        for (reading, other) in readings.iter().zip(&shuffled) {
            for (value, other) in reading.values.iter().zip(&other.values) {
                let is_same = (value - other).abs() <= 1e-9 * (1.0 + value.abs());
                assert!(
                    is_same,
                    "rows in another order give {other}, not {value}, though the statistic is not ordered"
                );
            }
        }
    }
}

/// The same numbers at other times.
fn shuffled(rows: &Rows) -> Rows {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    let mut uniform = Uniform(7);
    for i in (1..places.len()).rev() {
        places.swap(i, (uniform.next() * (i + 1) as f64) as usize);
    }
    let mut out = Rows { values: Vec::new(), weights: Vec::new(), window: Vec::new(), ..rows.clone() };
    for place in places {
        out.values.extend_from_slice(rows.row(place));
        out.weights.push(rows.weights[place]);
        out.window.push(rows.window[place]);
    }
    out
}

/// The influence of every value is what a little more of its mass does, at laws that follow no model; counts in proportion are one law,
/// and values that only the other side has change nothing.
///
/// # Panics
/// When a law is broken.
pub fn check_law_statistic(statistic: &dyn LawStatistic, tolerance: f64) {
    let read = |values: &[f64], masses: &[f64], times: u64| {
        let counts: Vec<u64> = masses.iter().map(|mass| times * (mass * 1e6) as u64).collect();
        match statistic.read(&ValueLaw { values, masses, counts: &counts }) {
            Ok(found) => found,
            Err(reason) => panic!("{}: no number here: {reason}", statistic.id()),
        }
    };
    for n in [40, 7] {
        let place = |i: usize| i as f64 - 0.48 * n as f64;
        let values: Vec<f64> = (0..n).map(|i| place(i) + 0.004 * place(i) * place(i) * place(i)).collect();
        let masses: Vec<f64> =
            (0..n).map(|i| libm::exp(-0.1 * place(i).abs()) * (1.0 + 0.2 * (i % 3) as f64)).collect();
        let total: f64 = masses.iter().sum();
        let masses: Vec<f64> = masses.iter().map(|mass| mass / total).collect();
        let (number, scores) = read(&values, &masses, 1);
        assert_eq!(scores.len(), n, "{}: an influence for each value", statistic.id());
        let mean: f64 = scores.iter().zip(&masses).map(|(score, mass)| score * mass).sum();
        assert!(mean.abs() < 1e-9, "{}: influences have mean {mean}", statistic.id());
        assert!((read(&values, &masses, 3).0 - number).abs() < 1e-9, "{}: only shares count", statistic.id());
        for at in [0, n / 3, n - 1] {
            let moved = |by: f64| {
                let mut masses: Vec<f64> = masses.iter().map(|mass| mass * (1.0 - by)).collect();
                masses[at] += by;
                read(&values, &masses, 1).0
            };
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let is_right = (slope - scores[at]).abs() <= tolerance * (1.0 + slope.abs());
            assert!(is_right, "{}: value {at} adds {slope}, not {}", statistic.id(), scores[at]);
        }
        // A value of the other side's alone.
        let (mut wider, mut shares) = (values.clone(), masses);
        wider.insert(n / 2, 0.5 * (values[n / 2 - 1] + values[n / 2]));
        shares.insert(n / 2, 0.0);
        assert!(
            (read(&wider, &shares, 1).0 - number).abs() < 1e-9,
            "{}: a value without mass changes it",
            statistic.id()
        );
    }
}
