//! One table: every classic statistic of every pair of difficult inputs is a number or says why not, and every public function is in it.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use verismo_stats::classic::{self, Ddof, Tail, TestError};
use verismo_stats::histogram::Histogram;
use verismo_stats::lattice::Lattice;

/// The number that counts, and all numbers as text.
type Outcome = Result<(f64, String), TestError>;
type Statistic = (&'static str, fn(&Histogram, &Histogram) -> Outcome);

/// A statistic with a field of that name, or that value itself.
macro_rules! of {
    ($name:literal, $x:ident, $y:ident, $result:expr) => {
        ($name, |$x, $y| ($result).map(|r| (r.statistic, format!("{r:?}"))))
    };
    ($name:literal, $x:ident, $y:ident, $result:expr, $r:ident => $number:expr) => {
        ($name, |$x, $y| ($result).map(|$r| ($number, format!("{:?}", $r))))
    };
}

fn missing() -> TestError {
    TestError::TooFewObservations { side: classic::Side::First, n: 0, n_min: 1 }
}

const STATISTICS: &[Statistic] = &[
    of!("ks", x, y, classic::ks(x, y)),
    of!("kuiper", x, y, classic::kuiper(x, y)),
    of!("cvm", x, y, classic::cvm(x, y)),
    of!("ad", x, y, classic::ad(x, y)),
    of!("mwu", x, y, classic::mwu(x, y)),
    of!("berk_jones", x, y, classic::berk_jones(x, y)),
    of!("w1", x, y, classic::w1(x, y)),
    of!("energy", x, y, classic::energy(x, y)),
    of!("mean", x, y, classic::mean(x, y)),
    of!("std", x, y, classic::std(x, y, Ddof::Population)),
    of!("std of samples", x, y, classic::std(x, y, Ddof::Sample)),
    of!("quantile", x, y, classic::quantile(x, y, 0.5)),
    of!("least", x, y, classic::quantile(x, y, 0.0)),
    of!("largest", x, y, classic::quantile(x, y, 1.0)),
    of!("chi2", x, y, classic::chi2(x, y)),
    of!("psi", x, y, classic::psi(x, y)),
    of!("js", x, y, classic::js(x, y)),
    of!("kl", x, y, classic::kl(x, y)),
    of!("hill", x, y, classic::hill(x, y, Tail::Upper)),
    of!("lower hill", x, y, classic::hill(x, y, Tail::Lower)),
    of!("tail_quantile", x, y, classic::tail_quantile(x, y, Tail::Upper)),
    of!("lower tail_quantile", x, y, classic::tail_quantile(x, y, Tail::Lower)),
    of!("skewness", x, y, classic::skewness(x, y)),
    of!("kurtosis", x, y, classic::kurtosis(x, y)),
    of!("l_scale", x, y, classic::l_scale(x, y)),
    of!("l_skew", x, y, classic::l_skew(x, y)),
    of!("l_kurtosis", x, y, classic::l_kurtosis(x, y)),
    of!("l_moments", x, _y, classic::l_moments(x), r => r.l_scale),
    of!("pareto", x, y, {
        let threshold = classic::pareto_threshold(x, Tail::Upper).ok_or_else(missing);
        threshold.and_then(|key| classic::pareto(x, y, Tail::Upper, key))
    }),
    of!("fit_pareto", x, _y, {
        let threshold = classic::pareto_threshold(x, Tail::Lower).ok_or_else(missing);
        threshold.and_then(|key| classic::fit_pareto(x, Tail::Lower, key))
    }, r => r.shape),
    of!("power_law", x, y, {
        classic::power_law_start(x, Tail::Upper).and_then(|key| classic::power_law(x, y, Tail::Upper, key))
    }),
    of!("fit_power_law", x, _y, {
        classic::power_law_start(x, Tail::Lower).and_then(|key| classic::fit_power_law(x, Tail::Lower, key))
    }, r => r.alpha),
    of!("power_law_rivals", x, _y, {
        classic::power_law_start(x, Tail::Upper).and_then(|key| classic::power_law_rivals(x, Tail::Upper, key))
    }, r => r.exponential.ratio),
    of!("fit_power_law_discrete", x, _y, classic::fit_power_law_discrete(x, 1), r => r.alpha),
];

/// Functions that are not of two samples, and what covers them.
const ELSEWHERE: [&str; 13] = [
    // Of numbers; their vectors have their ends too.
    "binomial_sf",
    "clopper_pearson",
    "cramer_von_mises_sf",
    "exact_berk_jones_sf",
    "exact_ks_sf",
    "kolmogorov_sf",
    "kuiper_sf",
    "pareto_isf",
    // Inside of `chi2`, `pareto` and `power_law`.
    "bin_edges",
    "pareto_threshold",
    "power_law_start",
    // From moments that `mean` and `std` take of the same histograms.
    "mean_from",
    "std_from",
];

fn inputs() -> Vec<(&'static str, Vec<f64>)> {
    let often = |values: &[f64]| values.iter().copied().cycle().take(values.len() * 60).collect::<Vec<f64>>();
    vec![
        ("empty", vec![]),
        ("one", vec![3.5]),
        ("two", vec![1.0, 4.0]),
        ("all equal", vec![2.25; 90]),
        ("ties", often(&[1.0, 1.0, 2.0, 2.0])),
        ("NaN only", vec![f64::NAN, f64::INFINITY]),
        ("NaN among", vec![f64::NAN, 1.0, 7.0]),
        ("infinite", vec![f64::NEG_INFINITY, 1.0, f64::INFINITY, 7.0, 8.0]),
        ("offset 1e18", often(&[1e18, 1e18 + 256.0, 1e18 + 1024.0])),
        ("without offset", often(&[0.0, 256.0, 1024.0])),
        ("denormal", often(&[5e-324, 1e-323, -5e-324, 3e-323])),
        ("both zeros", vec![0.0, -0.0]),
        ("largest", often(&[f64::MAX, f64::MIN, f64::MAX])),
        ("smallest and largest", often(&[5e-324, f64::MAX, 1.0])),
        ("many", (0..5_200).map(|i| 1.0 / (f64::from(i) + 0.5)).collect()),
        (
            "many tails",
            (0..10_400).map(|i| f64::from(1 - i % 2 * 2) * (10_400.0 / (f64::from(i) + 0.5)).sqrt()).collect(),
        ),
    ]
}

#[test]
fn every_statistic_of_every_input_is_a_number_or_a_reason() {
    let inputs = inputs();
    let mut defined: BTreeMap<&str, u32> = BTreeMap::new();
    for lattice in [Lattice::exact(), Lattice::float(10), Lattice::float_at(3, 1e18), Lattice::ticks(0)] {
        let histograms = inputs.iter().map(|(name, x)| (*name, Histogram::from_values(lattice.clone(), x)));
        let histograms: Vec<(&str, Histogram)> = histograms.collect();
        for (x_name, x) in &histograms {
            for (y_name, y) in &histograms {
                for (name, statistic) in STATISTICS {
                    let outcome = statistic(x, y);
                    let what = format!("{name} of {x_name} against {y_name} on {}: {outcome:?}", lattice.id());
                    match outcome {
                        Ok((number, text)) => {
                            assert!(number.is_finite() && !text.contains("NaN"), "{what}");
                            assert!(!x.is_empty(), "{what}: of nothing");
                            *defined.entry(name).or_default() += 1;
                        }
                        Err(error) => assert!(!error.to_string().contains("NaN"), "{what}"),
                    }
                }
            }
        }
    }
    // A table in which everything is an error would prove nothing.
    for (name, _) in STATISTICS {
        assert!(defined.get(name).is_some_and(|n| *n >= 2), "{name}: {defined:?}");
    }
}

/// What depends on ranks or on distances only is the same far from zero.
#[test]
fn an_offset_of_1e18_changes_nothing_but_what_is_of_the_place() {
    let of = |values: &[f64]| Histogram::from_values(Lattice::exact(), &values.repeat(60));
    let (x, y) = ([0.0, 256.0, 1024.0], [256.0, 512.0, 512.0, 2048.0]);
    let far = |values: &[f64]| of(&values.iter().map(|v| v + 1e18).collect::<Vec<f64>>());
    let (near_pair, far_pair) = ((of(&x), of(&y)), (far(&x), far(&y)));
    for (name, statistic) in STATISTICS {
        let is_of_place = ["hill", "tail_quantile", "power_law", "pareto"].iter().any(|of| name.contains(of));
        if is_of_place {
            continue;
        }
        let (near, far) = (statistic(&near_pair.0, &near_pair.1), statistic(&far_pair.0, &far_pair.1));
        match (near, far) {
            (Ok((near, _)), Ok((far, _))) => {
                assert!((near - far).abs() <= 1e-12 * near.abs(), "{name}: {near} and, far from zero, {far}");
            }
            (near, far) => assert_eq!(near.is_err(), far.is_err(), "{name}"),
        }
    }
}

/// Whoever adds a function to `classic` adds it here.
#[test]
fn every_public_function_is_in_the_table() {
    let source = include_str!("../src/classic.rs");
    let modules: Vec<&str> = source.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    let is_function = |name: &&str| name.starts_with(|c: char| c.is_lowercase());
    let mut n_functions = 0;
    for item in source.split("pub use ").skip(1).filter_map(|item| item.split(';').next()) {
        let (module, names) = item.split_once("::").unwrap();
        assert!(modules.contains(&module), "{module}");
        for name in names.split(['{', '}', ',', ' ', '\n']).filter(|name| !name.is_empty()).filter(is_function) {
            n_functions += 1;
            let is_there = STATISTICS.iter().any(|(there, _)| *there == name) || ELSEWHERE.contains(&name);
            assert!(is_there, "classic::{name} is not in the table");
        }
    }
    assert!(n_functions >= 40, "{n_functions}");
}
