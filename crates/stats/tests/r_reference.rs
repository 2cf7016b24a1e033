//! Statistics and p-values against R: a second implementation beside SciPy's and the definitions in mpmath.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::collections::BTreeMap;

use common::rows;
use verismo_stats::classic::{self, Ddof, KsMethod, MwuMethod, kolmogorov_sf};
use verismo_stats::histogram::Histogram;
use verismo_stats::joint::{Correlation, RankCorrelation, RankDependence};
use verismo_stats::judging::{PanelStatistic, Rows};
use verismo_stats::lattice::Lattice;
use verismo_stats::special::{gamma_q, normal_sf, student_t_sf};
use verismo_stats::temporal::{autocorrelations, ljung_box, ols_hac};

/// Columns: see the header. R. Regenerate: `Rscript vectors/gen/r_reference.R`.
const VECTORS: &str = include_str!("../vectors/r_reference.csv");

/// Park and Miller's generator, as the R script has it.
fn uniform(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = 16_807 * state % 2_147_483_647;
        state as f64 / 2_147_483_647.0
    };
    (0..n).map(|_| next()).collect()
}

fn sample(kind: &str, seed: u64, n: usize, is_second: bool) -> Vec<f64> {
    let (wide, higher) = if is_second { (1.25, 0.125) } else { (1.0, 0.0) };
    let u = uniform(seed, n);
    match kind {
        "smooth" => u.iter().map(|u| (u - 0.5) * wide + higher).collect(),
        "heavy" => u.iter().map(|u| (u - 0.5) / (u * (1.0 - u)) * wide).collect(),
        "ties" => u.iter().map(|u| (u * 8.0 * wide).floor()).collect(),
        "walk" => {
            let mut last = 0.0;
            let step = |u: &f64| {
                last = 0.5 * last + (u - 0.5);
                last * wide
            };
            u.iter().map(step).collect()
        }
        other => panic!("no kind {other}"),
    }
}

fn law(values: &[f64]) -> Histogram {
    Histogram::from_values(Lattice::exact(), values)
}

/// A number with its relative and absolute tolerance.
type Number = (f64, f64, f64);

/// Of two samples.
fn of_two(x: &[f64], y: &[f64], statistic: &str, number: &str) -> Number {
    let (first, second) = (law(x), law(y));
    let (n, m) = (x.len() as f64, y.len() as f64);
    match (statistic, number) {
        ("ks", "statistic") => (classic::ks(&first, &second).unwrap().statistic, 1e-13, 0.0),
        // R ends its series where terms are below 1e-6.
        ("ks", "limit_p") => {
            let d = classic::ks(&first, &second).unwrap().statistic;
            (kolmogorov_sf((n * m / (n + m)).sqrt() * d), 0.0, 1e-6)
        }
        ("ks", "exact_p") => {
            let test = classic::ks(&first, &second).unwrap();
            assert_eq!(test.method, KsMethod::Exact);
            (test.p_value, 1e-10, 0.0)
        }
        ("mwu", "statistic") => (classic::mwu(&first, &second).unwrap().statistic, 1e-14, 0.0),
        // R's law without ties goes on to 50 values; ours, as SciPy's, to 8.
        ("mwu", "p") => {
            let test = classic::mwu(&first, &second).unwrap();
            if test.method == MwuMethod::Exact { (f64::NAN, 0.0, 0.0) } else { (test.p_value, 1e-10, 0.0) }
        }
        ("mwu", "exact_p") => {
            let test = classic::mwu(&first, &second).unwrap();
            assert_eq!(test.method, MwuMethod::Exact);
            (test.p_value, 1e-12, 0.0)
        }
        ("mean", _) => {
            let test = classic::mean(&first, &second).unwrap();
            let (t, degrees) = test.welch_t.unwrap();
            match number {
                "difference" => (test.statistic, 1e-12, 1e-15),
                "t" => (t, 1e-11, 0.0),
                "df" => (degrees, 1e-11, 0.0),
                "p" => (test.p_value.unwrap(), 1e-10, 0.0),
                other => panic!("no number {other}"),
            }
        }
        ("std", "ln_ratio") => (classic::std(&first, &second, Ddof::Sample).unwrap().statistic, 1e-11, 1e-14),
        // kSamples rounds to five digits.
        ("ad", "standardised") => (classic::ad(&first, &second).unwrap().statistic, 1e-4, 1e-5),
        ("ad", "a2") => (classic::ad(&first, &second).unwrap().a2, 1e-2, 0.0),
        other => panic!("no statistic {other:?}"),
    }
}

/// Of one sample, and of one beside it that has some of it.
fn of_one(x: &[f64], y: &[f64], statistic: &str, number: &str) -> Number {
    let columns = || Rows::of_values(2, x.iter().zip(y).flat_map(|(x, y)| [*x, *y]).collect(), 1);
    let read = |statistic: &dyn PanelStatistic| statistic.read(&columns(), &columns()).unwrap()[0].values[0];
    let ranks = |kind| read(&RankDependence::new(kind, vec![(0, 1)]).unwrap());
    let acf = autocorrelations(x, 10).unwrap();
    match (statistic, number) {
        ("acf", lag) => (acf[lag[1..].parse::<usize>().unwrap() - 1], 1e-12, 1e-13),
        ("pearson", _) => (read(&Correlation::of_all(2)), 1e-12, 0.0),
        ("spearman", _) => (ranks(RankCorrelation::Spearman), 1e-12, 0.0),
        ("kendall", _) => (ranks(RankCorrelation::KendallTauB), 1e-12, 0.0),
        ("l_moments", _) => {
            let found = classic::l_moments(&law(x)).unwrap();
            match number {
                "scale" => (found.l_scale, 1e-12, 0.0),
                "skew" => (found.l_skew.unwrap(), 1e-11, 1e-13),
                "kurtosis" => (found.l_kurtosis.unwrap(), 1e-11, 1e-13),
                other => panic!("no number {other}"),
            }
        }
        (box_test, _) if box_test.starts_with("ljung_box_") => {
            let (lag, fitted) = match &box_test["ljung_box_".len()..] {
                "fitted" => (10, 2),
                lag => (lag.parse().unwrap(), 0),
            };
            let test = ljung_box(&acf, x.len() as u64, fitted).unwrap()[lag - 1];
            // R takes the law below from 1.
            if number == "p" { (test.p_value.unwrap(), 1e-10, 1e-15) } else { (test.statistic, 1e-11, 0.0) }
        }
        (ols, _) if ols.starts_with("ols_") => {
            let fit = ols_hac(x, y, ols["ols_".len()..].parse().unwrap()).unwrap();
            match number {
                "slope" => (fit.slope, 1e-12, 0.0),
                "intercept" => (fit.intercept, 1e-11, 1e-13),
                "r2" => (fit.r_squared, 1e-12, 0.0),
                "error" => (fit.standard_error, 1e-11, 0.0),
                "p" => (fit.p_value, 1e-9, 0.0),
                other => panic!("no number {other}"),
            }
        }
        other => panic!("no statistic {other:?}"),
    }
}

/// An upper tail; the kind holds its parameter.
fn tail(kind: &str, x: f64) -> Number {
    let value = match kind.split_once(':') {
        None => normal_sf(x),
        Some(("t", nu)) => student_t_sf(x, nu.parse().unwrap()),
        Some(("gamma", a)) => gamma_q(a.parse().unwrap(), x),
        Some(other) => panic!("no law {other:?}"),
    };
    (value, 2e-13, 0.0)
}

#[test]
fn statistics_and_p_values_agree_with_r() {
    let (mut checked, mut worst) = (BTreeMap::new(), BTreeMap::new());
    let mut failures = Vec::new();
    for fields in rows(VECTORS) {
        let [kind, seed, n, m, statistic, number, want] = fields[..] else { panic!("{fields:?}") };
        let [n, m]: [usize; 2] = [n, m].map(|size| size.parse().unwrap());
        let (seed, want): (u64, f64) = (seed.parse().unwrap(), want.parse().unwrap());
        let (got, relative, absolute) = if statistic == "sf" {
            tail(kind, number.parse().unwrap())
        } else if m > 0 {
            of_two(&sample(kind, seed, n, false), &sample(kind, seed + 1, m, true), statistic, number)
        } else {
            let x = sample(kind, seed, n, false);
            let y: Vec<f64> = x.iter().zip(sample(kind, seed + 7, n, false)).map(|(x, own)| 0.5 * x + own).collect();
            of_one(&x, &y, statistic, number)
        };
        if got.is_nan() {
            continue;
        }
        *checked.entry(statistic).or_insert(0) += 1;
        let error = (got - want).abs();
        let most: &mut f64 = worst.entry((statistic, number.to_owned())).or_insert(0.0);
        *most = most.max(error / want.abs().max(1e-300));
        if error.is_nan() || error > relative * want.abs() + absolute {
            failures.push(format!("{statistic} {number} of {kind} {n}x{m}: {got:e}, R has {want:e}, off by {error:e}"));
        }
    }
    println!("{worst:#?}");
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(checked.len() == 17 && checked.values().all(|rows| *rows >= 8), "{checked:?}");
}
