//! Statistics of joint laws on input that has no such number, and on input far from 1: an error or a right number, never NaN or a panic.
#![allow(clippy::unwrap_used, clippy::float_cmp, clippy::print_stdout, missing_docs)]

mod common;

use common::uniform;
use verismo_stats::classic::Tail;
use verismo_stats::joint::*;
use verismo_stats::judging::{JudgingError, PanelStatistic, Rows};

const PAIRS: [(usize, usize); 1] = [(0, 1)];

fn statistics() -> Vec<(&'static str, Box<dyn PanelStatistic>)> {
    let (two, pairs) = (vec![0, 1], PAIRS.to_vec());
    let ranks = |kind| Box::new(RankDependence::new(kind, PAIRS.to_vec()).unwrap());
    let path = |kind| Box::new(Signature::new(vec![0, 1], kind, 4, 1, 2).unwrap());
    vec![
        ("pearson", Box::new(Correlation::new(pairs.clone()))),
        ("spearman", ranks(RankCorrelation::Spearman)),
        ("kendall", ranks(RankCorrelation::KendallTauB)),
        ("tail", Box::new(TailDependence::new(pairs.clone(), vec![(Tail::Upper, 0.9), (Tail::Lower, 0.9)]).unwrap())),
        ("copula", Box::new(Copula::new(pairs.clone(), Copula::CELLS).unwrap())),
        ("spectrum", Box::new(CorrelationSpectrum::new(two.clone()).unwrap())),
        ("correlations", Box::new(CorrelationDistance::new(&two).unwrap())),
        ("mean correlation", Box::new(MeanCorrelation::new(&two).unwrap())),
        ("squared correlation", Box::new(SquaredCorrelation::new(&two).unwrap())),
        ("lead and lag", Box::new(LeadLag::new(pairs, 2, 1).unwrap())),
        ("energy", Box::new(SlicedEnergy::new(two.clone(), 4, 6).unwrap())),
        ("anderson", Box::new(SlicedAndersonDarling::new(two.clone(), 4, 6).unwrap())),
        ("mmd", Box::new(Mmd::new(two.clone(), 6).unwrap())),
        ("path", path(PathOf::Values)),
        ("sums", path(PathOf::Sums)),
        ("lead-lag path", path(PathOf::LeadLag)),
        ("classifier", Box::new(Classifier::new(two).unwrap())),
    ]
}

/// Two dependent columns through a map of their values.
fn rows(stream: u64, n: u64, of: impl Fn(f64) -> f64) -> Rows {
    let pairs = uniform(stream, n).zip(uniform(stream + 1, n));
    let values = pairs.flat_map(|(a, b)| [of(a), of(0.5 * a + b)]).collect();
    let mut rows = Rows::of_values(2, values, 1);
    (0..rows.len()).for_each(|i| rows.window[i] = i / 10);
    rows
}

/// What is read is finite, or an error says why there is nothing.
fn check(golden: &Rows, candidate: &Rows, what: &str) -> usize {
    let mut undefined = 0;
    for (name, statistic) in statistics() {
        match statistic.read(golden, candidate) {
            Ok(readings) => {
                for (reading, rows) in readings.iter().zip([golden, candidate]) {
                    assert_eq!(reading.scores.len(), rows.len() * reading.values.len(), "{name}, {what}");
                    let all = reading.values.iter().chain(&reading.scores);
                    assert!(all.clone().all(|v| v.is_finite()), "{name}, {what}: {:?}", reading.values);
                }
            }
            Err(JudgingError::Undefined { .. }) => undefined += 1,
            Err(other) => panic!("{name}, {what}: {other}"),
        }
    }
    undefined
}

#[test]
fn no_input_gives_nan_or_a_panic() {
    let usual = rows(1, 400, |v| v);
    let all = statistics().len();
    let of = |n: u64, map: &dyn Fn(f64) -> f64| rows(7, n, map);
    let empty = Rows { columns: 2, ..Rows::default() };
    let holes = |v: f64| if v < 0.3 { f64::NAN } else { v };
    let cases: Vec<(&str, Rows, bool)> = vec![
        ("no row", empty, true),
        ("one row", of(1, &|v| v), true),
        ("two rows", of(2, &|v| v), true),
        ("undefined columns", of(400, &|_| f64::NAN), true),
        ("infinite columns", of(400, &|_| f64::INFINITY), true),
        ("holes", of(400, &holes), false),
        ("constant columns", of(400, &|_| 3.0), false),
        ("one value that differs", of(400, &|v| if v < 0.005 { 1.0 } else { 0.0 }), false),
        ("two values", of(400, &|v| libm::floor(2.0 * v)), false),
        ("huge", of(400, &|v| (v - 0.5) * 1.7e308), false),
        ("denormal", of(400, &|v| libm::floor(v * 8.0) * 5e-324), false),
        ("both signs of zero", of(400, &|v| if v > 0.5 { 0.0 } else { -0.0 }), false),
        ("far away", of(400, &|v| 1e18 + libm::floor(v * 64.0) * 128.0), false),
        ("one outlier", of(400, &|v| if v > 0.99 { 1e300 } else { v }), false),
    ];
    for (what, case, none) in &cases {
        let undefined = check(case, &usual, what);
        assert!(!none || undefined == all, "{what}: {undefined} of {all}");
        check(&usual, case, what);
        let both = check(case, case, what);
        println!("{what}: {undefined} undefined as golden, {both} against itself");
    }
}

/// Numbers without unit do not change with the unit or the origin of the columns.
#[test]
fn units_and_origins_do_not_matter() {
    let whole = |v: f64| libm::floor(v * 64.0);
    let (x, y) = (rows(1, 400, whole), rows(3, 300, whole));
    type Map = fn(f64) -> f64;
    let maps: [(&str, Map); 4] = [
        ("far away", |v| 1e18 + libm::floor(v * 64.0) * 128.0),
        ("denormal", |v| libm::floor(v * 64.0) * 5e-324),
        ("tiny", |v| libm::floor(v * 64.0) * 1e-300),
        ("huge", |v| libm::floor(v * 64.0) * 1e305),
    ];
    for (what, map) in maps {
        let (far, other) = (rows(1, 400, map), rows(3, 300, map));
        for (name, statistic) in statistics() {
            // Sums of values far from 0 are large.
            if name == "sums" && what == "far away" {
                continue;
            }
            let (want, got) = (statistic.read(&x, &y).unwrap(), statistic.read(&far, &other).unwrap());
            for (want, got) in want.iter().zip(&got) {
                for (want, got) in want.values.iter().zip(&got.values) {
                    assert!((want - got).abs() <= 1e-12 * (1.0 + want.abs()), "{name}, {what}: {got} is not {want}");
                }
            }
        }
    }
}

/// A column is its own copy: correlations of 1, tails that always come together, no difference to itself.
#[test]
fn equal_columns_and_equal_sides() {
    let x = uniform(5, 400).flat_map(|a| [a, a]).collect();
    let mut x = Rows::of_values(2, x, 1);
    (0..x.len()).for_each(|i| x.window[i] = i / 10);
    for (name, statistic) in statistics() {
        let [golden, candidate] = match statistic.read(&x, &x) {
            Ok(readings) => readings,
            Err(error) => panic!("{name}: {error}"),
        };
        let one = match name {
            "pearson" | "spearman" | "kendall" | "correlations" | "mean correlation" => vec![1.0],
            "tail" => vec![1.0, 1.0],
            "spectrum" => vec![2.0, 0.0],
            _ => Vec::new(),
        };
        for (got, want) in golden.values.iter().zip(one) {
            assert!((got - want).abs() < 1e-12, "{name}: {got}");
        }
        // Half of the rows tell nothing of the other half's side.
        let slack = if name == "classifier" { 1e-9 } else { 0.0 };
        for (g, c) in golden.values.iter().zip(&candidate.values) {
            assert!((g - c).abs() <= slack, "{name}: {g} and {c}");
        }
    }
}

#[test]
fn parameters_are_checked() {
    let refused = |result: Option<JudgingError>| matches!(result, Some(JudgingError::Parameter { .. }));
    let tails = vec![(Tail::Upper, 0.95)];
    assert!(refused(RankDependence::new(RankCorrelation::Spearman, vec![]).err()));
    assert!(refused(RankDependence::new(RankCorrelation::Spearman, vec![(1, 1)]).err()));
    assert!(refused(TailDependence::new(PAIRS.to_vec(), vec![(Tail::Upper, 1.0)]).err()));
    assert!(refused(TailDependence::new(PAIRS.to_vec(), vec![(Tail::Upper, f64::NAN)]).err()));
    assert!(refused(TailDependence::new(PAIRS.to_vec(), vec![]).err()));
    assert!(refused(TailDependence::new(vec![(0, 1); 300], tails).err()));
    assert!(refused(Copula::new(PAIRS.to_vec(), 1).err()) && refused(Copula::new(PAIRS.to_vec(), usize::MAX).err()));
    assert!(
        refused(CorrelationSpectrum::new(vec![0]).err()) && refused(CorrelationSpectrum::new((0..17).collect()).err())
    );
    assert!(refused(CorrelationDistance::new(&[1, 1]).err()));
    assert!(
        refused(LeadLag::new(PAIRS.to_vec(), 1, 0).err()) && refused(LeadLag::new(PAIRS.to_vec(), usize::MAX, 1).err())
    );
    assert!(
        refused(SlicedEnergy::new(vec![0, 1], usize::MAX, 2).err()) && refused(SlicedEnergy::new(vec![], 1, 2).err())
    );
    assert!(refused(SlicedAndersonDarling::new(vec![0, 1], 1, 1).err()));
    assert!(refused(SlicedAndersonDarling::new(vec![0, 0], 1, 2).err()));
    assert!(refused(SquaredCorrelation::new(&[1, 1]).err()) && refused(SquaredCorrelation::new(&[0]).err()));
    assert!(refused(Mmd::new(vec![0], 2).err()) && refused(Mmd::new(vec![0, 0], 6).err()));
    assert!(refused(Signature::new(vec![0], PathOf::Values, 1, 1, 1).err()));
    assert!(refused(Signature::new((0..5).collect(), PathOf::Values, 4, 1, 3).err()));
    assert!(refused(Signature::new(vec![0], PathOf::Values, 4, 0, 3).err()));
    assert!(refused(Classifier::new((0..17).collect()).err()));
    let x = rows(1, 100, |v| v);
    assert!(refused(energy_exact(&x, &x, &[0], u32::MAX, 0).err()) && refused(copula_exact(&x, &x, &[0]).err()));
    // A column that the panel does not have is never defined.
    assert_eq!(check(&Rows::of_values(1, vec![1.0; 50], 1), &x, "one column"), statistics().len());
    // Lags beyond the range of time join nothing.
    let beyond = LeadLag::new(PAIRS.to_vec(), 3, i64::MAX / 2).unwrap();
    assert!(matches!(beyond.read(&x, &x), Err(JudgingError::Undefined { .. })));
}
