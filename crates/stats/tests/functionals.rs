//! Energy distance, skewness, kurtosis, L-moments, Kullback-Leibler, generalised Pareto and power-law fits against mpmath, on the
//! certified intervals, and on every degenerate input.
// What is exact is asserted exactly.
#![allow(clippy::unwrap_used, clippy::float_cmp, clippy::print_stdout, missing_docs)]

mod common;

use std::collections::BTreeMap;

use common::{rows, sample, uniform};
use proptest::collection::vec;
use proptest::prelude::*;
use verismo_stats::classic::{self, Tail, TestError};
use verismo_stats::histogram::Histogram;
use verismo_stats::lattice::Lattice;

/// Columns: see the header. mpmath, 40 digits. Regenerate: `python3 vectors/gen/functionals.py`.
const VECTORS: &str = include_str!("../vectors/functionals.csv");

/// Columns with the relative tolerance of each, and the absolute one.
///
/// Closed forms keep 1e-12; skewness, kurtosis and L-ratios are differences of two numbers of order 1, whose digits remain. The
/// parameters of fits lie where a smooth likelihood is flat: its rounding, 1e-16 of the likelihood, leaves 1e-8 of a parameter if one
/// looks at the likelihood alone. Here the derivative is solved, which leaves 1e-13 of it. P-values keep 1e-9. A cut
/// log-normal law near its limit, the power law, is worth nearly the same, so that their ratio keeps fewer digits: 1e-8.
const COLUMNS: [(&str, f64, f64); 21] = [
    ("energy", 1e-12, 0.0),
    ("coefficient", 1e-12, 0.0),
    ("effect", 1e-12, 0.0),
    ("skewness", 1e-12, 1e-13),
    ("kurtosis", 1e-12, 1e-13),
    ("ln_kurtosis", 1e-12, 1e-13),
    ("l_scale", 1e-12, 1e-15),
    ("l_skew", 1e-12, 1e-14),
    ("l_kurtosis", 1e-12, 1e-14),
    ("kl", 1e-12, 1e-30),
    ("pareto_shape", 1e-10, 1e-12),
    ("pareto_scale", 1e-10, 0.0),
    ("pareto_likelihood", 1e-12, 0.0),
    ("x_min", 1e-12, 0.0),
    ("alpha", 1e-12, 0.0),
    ("exponential_ratio", 1e-9, 0.0),
    ("exponential_z", 1e-9, 0.0),
    ("exponential_p", 1e-9, 0.0),
    ("log_normal_ratio", 1e-8, 0.0),
    ("log_normal_z", 1e-8, 0.0),
    ("log_normal_p", 1e-8, 0.0),
];

/// The numbers of [`COLUMNS`]; `None` where undefined.
fn numbers(x: &Histogram, y: &Histogram) -> [Option<f64>; 21] {
    let energy = classic::energy(x, y).ok();
    let kurtosis = classic::kurtosis(x, y).ok();
    let threshold = classic::pareto_threshold(x, Tail::Upper);
    let fit = threshold.and_then(|key| classic::fit_pareto(x, Tail::Upper, key).ok());
    let start = classic::power_law_start(x, Tail::Upper).ok();
    let law = start.and_then(|key| classic::fit_power_law(x, Tail::Upper, key).ok());
    let rivals = start.and_then(|key| classic::power_law_rivals(x, Tail::Upper, key).ok());
    let exponential = rivals.map(|r| r.exponential);
    let log_normal = rivals.and_then(|r| r.log_normal);
    [
        energy.map(|e| e.statistic),
        energy.map(|e| e.coefficient),
        energy.map(|e| e.effect),
        classic::skewness(x, y).ok().map(|c| c.statistic),
        kurtosis.map(|c| c.statistic),
        kurtosis.map(|c| c.effect),
        classic::l_scale(x, y).ok().map(|c| c.statistic),
        classic::l_skew(x, y).ok().map(|c| c.statistic),
        classic::l_kurtosis(x, y).ok().map(|c| c.statistic),
        classic::kl(x, y).ok().map(|d| d.statistic),
        fit.map(|f| f.shape),
        fit.map(|f| f.scale),
        fit.map(|f| f.log_likelihood),
        law.map(|l| l.x_min),
        law.map(|l| l.alpha),
        exponential.map(|r| r.ratio),
        exponential.map(|r| r.z),
        exponential.map(|r| r.p_value),
        log_normal.map(|r| r.ratio),
        log_normal.map(|r| r.z),
        log_normal.map(|r| r.p_value),
    ]
}

/// The first values of a sample.
fn head(kind: &str, stream: u64, n: u64) -> Histogram {
    let (lattice, x) = sample(kind, stream, n);
    Histogram::from_values(lattice, &x[..x.len().min(250)])
}

/// The samples of one row; those of fits as `vectors/gen/functionals.py` makes them, by operations that round alike everywhere.
fn samples(kind: &str, stream: u64, n: u64, m: u64) -> (Histogram, Histogram) {
    let Some(shape) = kind.strip_prefix("fit:") else {
        let (lattice, x) = sample(kind, stream, n);
        let (_, y) = sample(kind, stream + 1, m);
        return (Histogram::from_values(lattice.clone(), &x), Histogram::from_values(lattice, &y));
    };
    let value = |v: f64| match shape {
        "1" => 1.0 / v,
        "0.5" => 1.0 / v.sqrt(),
        "0.2" => 1.0 / v.sqrt().sqrt(),
        "-0.25" => 1.0 - v.sqrt().sqrt(),
        "0" => (1.0 - v) / (1.0 + v),
        _ => (2.0 - v) / (v + 0.125).sqrt(),
    };
    let values: Vec<f64> = uniform(stream, n).map(value).collect();
    (Histogram::from_values(Lattice::exact(), &values), Histogram::from_values(Lattice::exact(), &values[..140]))
}

#[test]
fn statistics_and_fits_agree_with_mpmath() {
    let mut worst: BTreeMap<&str, (f64, u32, String)> = BTreeMap::new();
    let mut failures = Vec::new();
    for row in rows(VECTORS).filter(|row| row[0] != "discrete") {
        let [kind, stream, n, m, want @ ..] = row.as_slice() else { panic!("short row {row:?}") };
        let (stream, n, m): (u64, u64, u64) = (stream.parse().unwrap(), n.parse().unwrap(), m.parse().unwrap());
        let (x, y) = samples(kind, stream, n, m);
        assert_eq!(want.len(), COLUMNS.len(), "{row:?}");
        let is_fit = kind.starts_with("fit:");
        let mut got = numbers(&x, &y);
        // Power laws of the first values: all places at which they may start are tried.
        let few = if is_fit { y } else { head(kind, stream, n) };
        got[13..].copy_from_slice(&numbers(&few, &few)[13..]);
        for (((name, relative, absolute), want), got) in COLUMNS.iter().zip(want).zip(got) {
            let what = format!("{name} of {kind} {n}x{m}");
            if want.is_empty() {
                // The references fit only some kinds and sizes.
                let fitted = matches!(*name, "pareto_shape" | "log_normal_ratio") && is_fit;
                let tested = !name.starts_with("pareto") && COLUMNS.iter().take(10).any(|c| c.0 == *name) && !is_fit;
                assert!(got.is_none() || !(fitted || tested), "{what}: {got:?} where it is undefined");
                continue;
            }
            let (want, got): (f64, f64) = (want.parse().unwrap(), got.unwrap_or_else(|| panic!("{what} is undefined")));
            let error = (got - want).abs();
            let size = if want.abs() <= *absolute { 0.0 } else { error / want.abs() };
            let entry = worst.entry(name).or_default();
            entry.1 += 1;
            if size > entry.0 {
                (entry.0, entry.2) = (size, what.clone());
            }
            if error > relative * want.abs() + *absolute {
                failures.push(format!("{what}: got {got:e}, want {want:e}, off by {size:.1e}"));
            }
        }
    }
    for (name, (error, rows, what)) in &worst {
        println!("{name}: {rows} rows, largest relative error {error:.1e} ({what})");
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(worst.len() == COLUMNS.len() && worst.values().all(|(_, rows, _)| *rows >= 8), "{worst:?}");
}

#[test]
fn discrete_power_laws_agree_with_mpmath() {
    let mut checked = 0;
    for row in rows(VECTORS).filter(|row| row[0] == "discrete") {
        let number = |i: usize| row[i].parse::<u64>().unwrap();
        let (_, values) = sample("heavy", number(1), number(2));
        let mut keys: Vec<i64> = values.iter().map(|v| v.abs() as i64 + 1).collect();
        let histogram = Histogram::from_keys(Lattice::ticks(0), &mut keys);
        let fit = classic::fit_power_law_discrete(&histogram, number(3) as i64).unwrap();
        let want = |i: usize| row[i].parse::<f64>().unwrap();
        let close = |got: f64, want: f64| (got - want).abs() <= 1e-12 * want.abs();
        assert!(close(fit.alpha, want(4)) && close(fit.log_likelihood, want(5)), "{row:?}: {fit:?}");
        assert_eq!(fit.k, number(6));
        checked += 1;
    }
    assert!(checked >= 10, "vector file too short: {checked} rows");
    let few = Histogram::from_keys(Lattice::ticks(0), &mut vec![1; 49]);
    assert!(matches!(classic::fit_power_law_discrete(&few, 1), Err(TestError::TooFewInTail { n: 49, .. })));
    let equal = Histogram::from_keys(Lattice::ticks(0), &mut vec![1; 90]);
    assert!(matches!(classic::fit_power_law_discrete(&equal, 1), Err(TestError::NoFit { .. })));
    assert!(matches!(classic::fit_power_law_discrete(&equal, 0), Err(TestError::NoTail { .. })));
    let far = Histogram::from_keys(Lattice::ticks(0), &mut vec![i64::MAX; 90]);
    assert!(classic::fit_power_law_discrete(&far, i64::MAX).is_err());
}

#[test]
fn starts_of_long_tails_are_near_the_best() {
    // 2,000 distinct values beyond zero: a hundred of the places at which the tail may start are tried.
    let values: Vec<f64> =
        uniform(7_001, 2_000).map(|v| if v < 0.5 { 1.0 + v } else { 1.5 * (1.0 - v).powf(-0.5) }).collect();
    let histogram = Histogram::from_values(Lattice::exact(), &values);
    let start = classic::power_law_start(&histogram, Tail::Upper).unwrap();
    let mirrored: Vec<f64> = values.iter().map(|v| -v).collect();
    let mirrored = Histogram::from_values(Lattice::exact(), &mirrored);
    let lower = classic::power_law_start(&mirrored, Tail::Lower).unwrap();
    let fit = classic::fit_power_law(&histogram, Tail::Upper, start).unwrap();
    assert_eq!(
        classic::fit_power_law(&mirrored, Tail::Lower, lower).unwrap(),
        fit,
        "the lower tail is the mirror image"
    );
    // The law has exponent 3 from 2.12 on, and no tail before 1.5.
    assert!(fit.x_min > 1.5 && (fit.alpha - 3.0).abs() < 0.35, "{fit:?}");
}

/// Values that share coarse cells: clusters, atoms, both signs, many magnitudes.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        3 => 1.0..1.01_f64,
        2 => -1.0..1.0_f64,
        2 => (-3..3_i32).prop_map(f64::from),
        1 => (-1000.0..1000.0_f64).prop_map(|x| x * x * x),
    ];
    vec(value, 4..80)
}

fn assert_within(exact: f64, (lower, upper): (f64, f64), what: &str) {
    let slack = 1e-12 * (1.0 + exact.abs());
    assert!(lower <= upper, "{what}: [{lower}, {upper}] is not an interval");
    assert!(lower <= exact + slack && exact <= upper + slack, "{what}: {exact} is not in [{lower}, {upper}]");
}

type Compare = fn(&Histogram, &Histogram) -> Result<classic::Contrast, TestError>;

const CONTRASTS: [(&str, Compare); 5] = [
    ("skewness", classic::skewness),
    ("kurtosis", classic::kurtosis),
    ("l_scale", classic::l_scale),
    ("l_skew", classic::l_skew),
    ("l_kurtosis", classic::l_kurtosis),
];

proptest! {
    #[test]
    fn certified_intervals_hold_the_exact_value(x in values(), y in values(), bits in 1..12_u8) {
        let at = |lattice: &Lattice, x: &[f64]| Histogram::from_values(lattice.clone(), x);
        let (exact, cells) = (Lattice::exact(), Lattice::float(bits));
        let (x_exact, y_exact, x_cells, y_cells) = (at(&exact, &x), at(&exact, &y), at(&cells, &x), at(&cells, &y));
        for (name, compare) in CONTRASTS {
            if let (Ok(exact), Ok(coarse)) = (compare(&x_exact, &y_exact), compare(&x_cells, &y_cells)) {
                assert_within(exact.statistic, coarse.certified, name);
                assert_within(exact.effect, coarse.effect_certified, name);
                assert_within(coarse.effect, coarse.effect_certified, name);
                prop_assert_eq!(exact.certified, (exact.statistic, exact.statistic));
            }
        }
        if let (Ok(exact), Ok(coarse)) = (classic::energy(&x_exact, &y_exact), classic::energy(&x_cells, &y_cells)) {
            assert_within(exact.effect, coarse.effect_certified, "energy");
            assert_within(exact.coefficient, coarse.coefficient_certified, "inhomogeneity");
            assert_within(coarse.coefficient, coarse.coefficient_certified, "inhomogeneity itself");
            prop_assert!((0.0..=1.0).contains(&exact.coefficient));
        }
    }

    /// From the same start; sizes from 1 on, so that a power law has one.
    #[test]
    fn certified_exponents_hold_the_exact_value(x in vec(0.0..8.0_f64, 60..120), bits in 1..12_u8) {
        let x: Vec<f64> = x.into_iter().map(|v| v.exp2()).collect();
        let (exact, cells) = (Lattice::exact(), Lattice::float(bits));
        let coarse = Histogram::from_values(cells.clone(), &x);
        let start = classic::power_law_start(&coarse, Tail::Upper).unwrap();
        let coarse = classic::fit_power_law(&coarse, Tail::Upper, start).unwrap();
        let start = exact.key(coarse.x_min).unwrap();
        let fit = classic::fit_power_law(&Histogram::from_values(exact, &x), Tail::Upper, start).unwrap();
        prop_assert_eq!(fit.k, coarse.k);
        assert_within(fit.alpha, coarse.certified, "alpha");
    }

    #[test]
    fn swapping_the_samples_mirrors_and_equal_samples_are_equal(x in values(), y in values()) {
        let (x, y) = (Histogram::from_values(Lattice::float(6), &x), Histogram::from_values(Lattice::float(6), &y));
        for (name, compare) in CONTRASTS {
            if let (Ok(there), Ok(back)) = (compare(&x, &y), compare(&y, &x)) {
                prop_assert!((there.effect + back.effect).abs() <= 1e-15 + 1e-12 * there.effect.abs(), "{}", name);
                prop_assert_eq!((there.first, there.second), (back.second, back.first));
                prop_assert_eq!(compare(&x, &x).unwrap().effect, 0.0);
            }
        }
        if let (Ok(there), Ok(back)) = (classic::energy(&x, &y), classic::energy(&y, &x)) {
            prop_assert!((there.statistic - back.statistic).abs() <= 1e-12 * there.statistic);
            prop_assert!((there.coefficient - back.coefficient).abs() <= 1e-12);
            prop_assert_eq!(classic::energy(&x, &x).unwrap().effect, 0.0);
        }
        if let Ok(kl) = classic::kl(&x, &y) {
            prop_assert!(kl.statistic >= 0.0);
            prop_assert_eq!(classic::kl(&x, &x).unwrap().statistic, 0.0);
        }
    }
}

/// Of 1 / sqrt(v), v uniform, the share q lies beyond 1 / sqrt(q).
#[test]
fn extreme_quantiles_of_a_fit_are_those_of_the_law() {
    let values: Vec<f64> = uniform(77, 60_000).map(|v| 1.0 / v.sqrt()).collect();
    for sign in [1.0, -1.0] {
        let tail = if sign > 0.0 { Tail::Upper } else { Tail::Lower };
        let x = Histogram::from_values(Lattice::exact(), &values.iter().map(|v| sign * v).collect::<Vec<f64>>());
        let key = classic::pareto_threshold(&x, tail).unwrap();
        let (fit, from) = (classic::fit_pareto(&x, tail, key).unwrap(), sign * Lattice::exact().value(key));
        for share in [0.005, 0.001, 0.0001] {
            let quantile = from + fit.excess_of(x.count(), share).unwrap();
            let want = 1.0 / share.sqrt();
            assert!((quantile / want - 1.0).abs() < 0.1, "{tail} {share}: {quantile}, not {want}");
        }
        let beyond = fit.k as f64 / x.count() as f64;
        assert_eq!(fit.excess_of(x.count(), beyond), Some(0.0));
        for share in [0.011, 0.0, -1.0, f64::NAN] {
            assert_eq!(fit.excess_of(x.count(), share), None, "{share}");
        }
        assert_eq!(fit.excess_of(0, 0.001), None);
    }
}

/// Every number of every statistic of two samples; an undefined one is its error.
fn outcomes(x: &Histogram, y: &Histogram) -> Vec<(&'static str, Result<Vec<f64>, TestError>)> {
    let mut all: Vec<(&'static str, Result<Vec<f64>, TestError>)> = CONTRASTS
        .iter()
        .map(|(name, compare)| (*name, compare(x, y).map(|c| vec![c.statistic, c.effect, c.first, c.second])))
        .collect();
    all.push(("energy", classic::energy(x, y).map(|e| vec![e.statistic, e.coefficient, e.effect])));
    all.push(("kl", classic::kl(x, y).map(|d| vec![d.statistic])));
    all.push((
        "l_moments",
        classic::l_moments(x).map(|l| [Some(l.l_scale), l.l_skew, l.l_kurtosis].into_iter().flatten().collect()),
    ));
    for (tail, pareto, law, rivals) in
        [(Tail::Upper, "pareto", "power_law", "rivals"), (Tail::Lower, "lower pareto", "lower law", "lower rivals")]
    {
        let missing = || TestError::TooFewObservations { side: classic::Side::First, n: 0, n_min: 1 };
        let threshold = classic::pareto_threshold(x, tail).ok_or_else(missing);
        let fits = threshold.and_then(|key| classic::pareto(x, y, tail, key));
        all.push((pareto, fits.map(|f| vec![f.statistic, f.first.shape, f.first.scale, f.first.log_likelihood])));
        let start = classic::power_law_start(x, tail);
        let fits = start.clone().and_then(|key| classic::power_law(x, y, tail, key));
        all.push((law, fits.map(|f| vec![f.statistic, f.first.alpha, f.second.alpha, f.first.x_min])));
        let ratios = start.and_then(|key| classic::power_law_rivals(x, tail, key));
        all.push((
            rivals,
            ratios.map(|r| {
                let found = [Some(r.exponential), r.log_normal].into_iter().flatten();
                found.flat_map(|l| [l.ratio, l.z, l.p_value]).collect()
            }),
        ));
    }
    all.push(("discrete", classic::fit_power_law_discrete(x, 1).map(|f| vec![f.alpha, f.log_likelihood])));
    all
}

/// What no statistic may turn into NaN. Repeated often enough that tails are fitted.
#[test]
fn no_input_gives_nan() {
    let often = |values: &[f64]| values.iter().copied().cycle().take(values.len() * 60).collect::<Vec<f64>>();
    let inputs: [(&str, Vec<f64>); 16] = [
        ("empty", vec![]),
        ("one", vec![3.5]),
        ("all equal", vec![2.25; 90]),
        ("ties", often(&[1.0, 1.0, 2.0, 2.0])),
        ("two", vec![1.0, 4.0]),
        ("three", vec![1.0, 4.0, 5.0]),
        ("NaN only", vec![f64::NAN, f64::INFINITY]),
        ("NaN among", vec![f64::NAN, 1.0, 7.0]),
        ("offset 1e18", often(&[1e18, 1e18 + 256.0, 1e18 + 1024.0])),
        ("denormal", often(&[5e-324, 1e-323, -5e-324, 3e-323])),
        ("both zeros", vec![0.0, -0.0]),
        ("largest", often(&[f64::MAX, f64::MIN, f64::MAX])),
        ("largest of one sign", often(&[f64::MAX, 1e308, 2e307])),
        ("smallest and largest", often(&[5e-324, f64::MAX, 1.0])),
        ("single cell", often(&[1.0001, 1.0002, 1.0003])),
        ("many", (0..9_000).map(|i| 1.0 / (f64::from(i) + 0.5)).collect()),
    ];
    let mut defined = BTreeMap::new();
    for lattice in [Lattice::exact(), Lattice::float(10), Lattice::float_at(3, 1e18)] {
        for (x_name, x) in &inputs {
            for (y_name, y) in &inputs {
                let (x, y) = (Histogram::from_values(lattice.clone(), x), Histogram::from_values(lattice.clone(), y));
                for (statistic, outcome) in outcomes(&x, &y) {
                    let what = format!("{statistic} of {x_name} against {y_name} on {}", lattice.id());
                    match outcome {
                        Ok(numbers) => {
                            assert!(numbers.iter().all(|v| v.is_finite()), "{what}: {numbers:?}");
                            *defined.entry(statistic).or_insert(0) += 1;
                        }
                        Err(error) => assert!(!error.to_string().contains("NaN"), "{what}: {error}"),
                    }
                }
            }
        }
    }
    // A table in which everything is an error would prove nothing. Keys of ticks only are integers of a discrete law.
    assert!(defined.len() >= 12 && defined.values().all(|n| *n >= 2), "{defined:?}");
}

#[test]
fn extreme_keys_and_counts_give_numbers_or_errors() {
    let cells = |cells: &[(i64, u64)]| Histogram::from_cells(Lattice::ticks(0), cells.to_vec()).unwrap();
    let inputs = [
        cells(&[(i64::MIN, 100), (i64::MAX, 100)]),
        cells(&[(0, u64::MAX - 1), (1, 1)]),
        cells(&[(0, 1), (1, u64::MAX - 1)]),
        cells(&[(1, u64::MAX / 2), (2, u64::MAX / 4), (900, u64::MAX / 8)]),
        cells(&[(i64::MIN, u64::MAX / 2), (0, 1), (i64::MAX, u64::MAX / 2)]),
        cells(&[(i64::MAX - 2, 60), (i64::MAX - 1, 60), (i64::MAX, 60)]),
        cells(&[(i64::MIN, 60), (i64::MIN + 1, 60), (i64::MIN + 2, 60)]),
        Histogram::new(Lattice::ticks(0)),
    ];
    for x in &inputs {
        for y in &inputs {
            for (statistic, outcome) in outcomes(x, y) {
                if let Ok(numbers) = outcome {
                    assert!(numbers.iter().all(|v| v.is_finite()), "{statistic} of {x:?} {y:?}: {numbers:?}");
                }
            }
        }
    }
    // Half of all values at either end: skewness 0, kurtosis 1, L-ratios 0 and, without two values between, 0.
    let ends = &inputs[0];
    let kurtosis = classic::kurtosis(ends, ends).unwrap();
    assert_eq!((kurtosis.first, classic::skewness(ends, ends).unwrap().first), (-2.0, 0.0));
    assert_eq!(classic::l_moments(ends).unwrap().l_skew, Some(0.0));
    // Neighbouring keys far from zero keep their digits: 1, 2 and 3 with another offset.
    let far = classic::l_moments(&inputs[5]).unwrap();
    assert_eq!(far.l_scale, classic::l_moments(&cells(&[(1, 60), (2, 60), (3, 60)])).unwrap().l_scale);
}

#[test]
fn what_is_missing_is_said() {
    let histogram = |values: &[f64]| Histogram::from_values(Lattice::exact(), values);
    let (one, few) = (histogram(&[1.0, 1.0]), histogram(&[1.0, 2.0, 3.0]));
    let said = |error: TestError| error.to_string();
    assert_eq!(said(classic::energy(&one, &few).unwrap_err()), "the first sample has no spread");
    assert_eq!(said(classic::skewness(&few, &one).unwrap_err()), "the second sample has no spread");
    assert_eq!(
        said(classic::l_kurtosis(&few, &few).unwrap_err()),
        "the first sample has 3 observations, the statistic needs 4"
    );
    let key = classic::pareto_threshold(&few, Tail::Upper).unwrap();
    assert_eq!(
        said(classic::pareto(&few, &few, Tail::Upper, key).unwrap_err()),
        "the first sample has 0 values in its upper tail, the statistic needs 50"
    );
    let tied = histogram(&[vec![1.0; 7_000], vec![2.0; 60]].concat());
    assert_eq!(
        said(classic::pareto(&tied, &tied, Tail::Upper, Lattice::exact().key(1.0).unwrap()).unwrap_err()),
        "the first sample's upper tail has no fit: no shape between -1/2 and 10 is the most likely one"
    );
    assert_eq!(
        said(classic::power_law_start(&histogram(&[2.0; 70]), Tail::Upper).unwrap_err()),
        "the first sample's upper tail has no fit: all of its values lie on its start"
    );
    assert_eq!(
        said(classic::power_law_start(&few, Tail::Lower).unwrap_err()),
        "the first sample has 0 values in its lower tail, the statistic needs 50"
    );
    assert!(classic::energy(&few, &Histogram::new(Lattice::ticks(0))).is_err(), "different lattices");
    assert!(classic::pareto(&few, &Histogram::new(Lattice::ticks(0)), Tail::Upper, 0).is_err(), "different lattices");
}
