//! Two-sample statistics against SciPy, on the certified intervals, and on every degenerate input.
// What is exact is asserted exactly.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

mod common;

use common::{rows, sample};
use proptest::collection::vec;
use proptest::prelude::*;
use verismo_stats::classic::{self, Ddof, KsMethod, Side, TestError};
use verismo_stats::histogram::Histogram;
use verismo_stats::lattice::Lattice;

/// Columns: see the header. SciPy's numbers. Regenerate: `python3 vectors/gen/two_sample.py`.
const TWO_SAMPLE: &str = include_str!("../vectors/two_sample.csv");
/// Columns: x, P(K > x). mpmath, 50 digits. Regenerate: `python3 vectors/gen/kolmogorov.py`.
const KOLMOGOROV: &str = include_str!("../vectors/kolmogorov_sf.csv");

/// Relative 1e-12, plus what the reference's own inputs are rounded by when they lie far from zero.
fn assert_close(got: f64, want: &str, magnitude: f64, what: &str) {
    let want: f64 = want.parse().unwrap();
    let tolerance = 1e-12 * want.abs() + 4.0 * f64::EPSILON * magnitude;
    assert!((got - want).abs() <= tolerance, "{what}: got {got:e}, SciPy has {want:e}");
}

#[test]
fn statistics_agree_with_scipy() {
    let (mut checked, mut located) = (0, 0);
    for row in rows(TWO_SAMPLE) {
        let [kind, stream, n, m, want @ ..] = row.as_slice() else { panic!("short row {row:?}") };
        let (stream, n, m): (u64, u64, u64) = (stream.parse().unwrap(), n.parse().unwrap(), m.parse().unwrap());
        let (lattice, x) = sample(kind, stream, n);
        let (_, y) = sample(kind, stream + 1, m);
        let [ks, sign, location, p_ks, w1, mean, t, p_welch, std0, std_x, std_y, q10, q50, q99] = want else {
            panic!("short row {row:?}")
        };
        let (first, second) = (Histogram::from_values(lattice.clone(), &x), Histogram::from_values(lattice, &y));
        assert_eq!((first.count(), second.count()), (n, m), "{kind}: every value has a key");
        let is_far = kind.starts_with("ticks") || *kind == "cluster";
        let magnitude = if is_far { x.iter().chain(&y).fold(0.0, |most: f64, v| most.max(v.abs())) } else { 0.0 };
        let what = |statistic: &str| format!("{statistic} of {kind} {n}x{m}");

        let got = classic::ks(&first, &second).unwrap();
        assert_close(got.statistic, ks, 0.0, &what("ks"));
        assert_eq!(got.certified, (got.statistic, got.statistic), "an exact lattice leaves nothing open");
        if !sign.is_empty() {
            assert_eq!(f64::from(got.sign), sign.parse::<f64>().unwrap(), "{}", what("sign"));
            assert_eq!(got.location, location.parse::<f64>().unwrap(), "{}", what("location"));
            located += 1;
        }
        let p_tolerance = 1e-10 * p_ks.parse::<f64>().unwrap();
        assert!((got.p_value - p_ks.parse::<f64>().unwrap()).abs() <= p_tolerance, "{} {got:?}", what("ks p"));
        assert_eq!(got.method == KsMethod::Exact, n * m <= 1 << 20);

        let got = classic::w1(&first, &second).unwrap();
        assert_close(got.statistic, w1, magnitude, &what("w1"));
        assert_eq!(got.certified, (got.statistic, got.statistic));
        let got = classic::mean(&first, &second).unwrap();
        assert_close(got.statistic, mean, magnitude, &what("mean"));
        assert_eq!(got.welch_t.is_none(), t.is_empty());
        if let (Some((got_t, _)), Some(p)) = (got.welch_t, got.p_value) {
            // Both inherit the rounding of the reference's means.
            let (want_t, want_p): (f64, f64) = (t.parse().unwrap(), p_welch.parse().unwrap());
            let slack = 1e-10 + 8.0 * f64::EPSILON * magnitude / got.statistic.abs();
            assert!((got_t - want_t).abs() <= slack * want_t.abs(), "{} {got_t} {want_t}", what("Welch t"));
            assert!(
                (p - want_p).abs() <= slack * (10.0 + want_t * want_t) * want_p,
                "{} {p} {want_p}",
                what("Welch p")
            );
        }
        if !std0.is_empty() {
            let got = classic::std(&first, &second, Ddof::Population).unwrap();
            assert_close(got.statistic, std0, magnitude, &what("std ddof 0"));
            let got = classic::std(&first, &second, Ddof::Sample).unwrap();
            assert_close(got.std_first, std_x, magnitude, &what("std ddof 1"));
            assert_close(got.std_second, std_y, magnitude, &what("std ddof 1"));
        }
        for (p, want) in [(0.1, q10), (0.5, q50), (0.99, q99)] {
            let got = classic::quantile(&first, &second, p).unwrap();
            assert_close(got.statistic, want, magnitude, &what("quantile"));
        }
        checked += 1;
    }
    assert!(checked >= 80 && located >= 40, "vector file too short: {checked} rows, {located} with a location");
}

#[test]
fn survival_function_agrees_with_mpmath() {
    let mut checked = 0;
    for row in rows(KOLMOGOROV) {
        let (x, want): (f64, f64) = (row[0].parse().unwrap(), row[1].parse().unwrap());
        let relative = ((classic::kolmogorov_sf(x) - want) / want).abs();
        assert!(relative <= 4e-14, "x={x}: relative error {relative:e}");
        checked += 1;
    }
    assert!(checked >= 40, "vector file too short: {checked} rows");
    for x in [-1.0, 0.0, f64::MIN_POSITIVE, 1e-160, f64::NAN] {
        assert_eq!(classic::kolmogorov_sf(x), 1.0, "x={x}");
    }
    for x in [20.0, 1e300, f64::INFINITY] {
        let p = classic::kolmogorov_sf(x);
        assert!((0.0..1e-300).contains(&p), "x={x}: {p}");
    }
}

/// Values that share coarse cells: clusters, atoms, both signs, many magnitudes.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        3 => 1.0..1.01_f64,
        2 => -1.0..1.0_f64,
        2 => (-3..3_i32).prop_map(f64::from),
        1 => (-1000.0..1000.0_f64).prop_map(|x| x * x * x),
    ];
    vec(value, 2..60)
}

fn assert_within(exact: f64, (lower, upper): (f64, f64), what: &str) {
    assert!(lower <= upper, "{what}: [{lower}, {upper}] is not an interval");
    assert!(lower <= exact && exact <= upper, "{what}: {exact} is not in [{lower}, {upper}]");
}

proptest! {
    #[test]
    fn certified_intervals_hold_the_exact_value(x in values(), y in values(), bits in 1..12_u8, p in 0.0..=1.0_f64) {
        let at = |lattice: &Lattice| {
            (Histogram::from_values(lattice.clone(), &x), Histogram::from_values(lattice.clone(), &y))
        };
        let (x_exact, y_exact) = at(&Lattice::exact());
        let (x_coarse, y_coarse) = at(&Lattice::float(bits));
        let exact = classic::ks(&x_exact, &y_exact).unwrap().statistic;
        let coarse = classic::ks(&x_coarse, &y_coarse).unwrap();
        assert_within(exact, coarse.certified, "ks");
        assert_within(coarse.statistic, coarse.certified, "ks itself");
        let exact = classic::w1(&x_exact, &y_exact).unwrap().statistic;
        let coarse = classic::w1(&x_coarse, &y_coarse).unwrap();
        assert_within(exact, coarse.certified, "w1");
        assert_within(coarse.statistic, coarse.certified, "w1 itself");
        let exact = classic::mean(&x_exact, &y_exact).unwrap().statistic;
        assert_within(exact, classic::mean(&x_coarse, &y_coarse).unwrap().certified, "mean");
        let exact = classic::quantile(&x_exact, &y_exact, p).unwrap().statistic;
        assert_within(exact, classic::quantile(&x_coarse, &y_coarse, p).unwrap().certified, "quantile");
        let stds = |ddof| (classic::std(&x_exact, &y_exact, ddof), classic::std(&x_coarse, &y_coarse, ddof));
        for ddof in [Ddof::Population, Ddof::Sample] {
            if let (Ok(exact), Ok(coarse)) = stds(ddof) {
                assert_within(exact.statistic, coarse.certified, "std");
            }
        }
    }

    #[test]
    fn swapping_the_samples_mirrors_every_statistic(x in values(), y in values()) {
        let (x, y) = (Histogram::from_values(Lattice::float(6), &x), Histogram::from_values(Lattice::float(6), &y));
        let (forward, backward) = (classic::ks(&x, &y).unwrap(), classic::ks(&y, &x).unwrap());
        prop_assert_eq!(forward.certified, backward.certified);
        prop_assert!((forward.p_value - backward.p_value).abs() <= 1e-12);
        prop_assert_eq!(classic::w1(&x, &y).unwrap().certified, classic::w1(&y, &x).unwrap().certified);
        prop_assert_eq!(classic::mean(&x, &y).unwrap().statistic, -classic::mean(&y, &x).unwrap().statistic);
        prop_assert_eq!(classic::ks(&x, &x).unwrap().statistic, 0.0);
        prop_assert_eq!(classic::ks(&x, &x).unwrap().p_value, 1.0);
        prop_assert_eq!(classic::w1(&x, &x).unwrap().statistic, 0.0);
    }
}

/// The certified interval is the tightest: these two samples reach its ends.
#[test]
fn certified_interval_is_reached_at_both_ends() {
    let lattice = Lattice::float(1);
    // All inside the open cell (1, 1.5).
    let low = [1.1, 1.11, 1.12];
    let high = [1.3, 1.31, 1.32];
    let histogram = |values: &[f64]| Histogram::from_values(lattice.clone(), values);
    let apart = classic::ks(&histogram(&low), &histogram(&high)).unwrap();
    assert_eq!(apart.certified, (0.0, 1.0));
    assert_eq!(apart.statistic, 0.0);
    let distance = classic::w1(&histogram(&low), &histogram(&high)).unwrap();
    assert!(distance.certified.0 == 0.0 && (0.5..0.500_001).contains(&distance.certified.1), "{distance:?}");
    // An atom on the edge carries no uncertainty.
    let atoms = classic::ks(&histogram(&[1.0, 1.0]), &histogram(&[1.0, 1.5])).unwrap();
    assert_eq!(atoms.certified, (0.5, 0.5));
}

#[test]
fn a_tie_of_both_signs_counts_as_positive() {
    let histogram = |values: &[f64]| Histogram::from_values(Lattice::ticks(0), values);
    let ks = classic::ks(&histogram(&[1.0, 4.0]), &histogram(&[2.0, 3.0])).unwrap();
    assert_eq!((ks.statistic, ks.sign, ks.location), (0.5, 1, 1.0));
}

#[test]
fn large_keys_keep_their_digits() {
    // Epoch-like offsets: differences of one key at 1.7e18 drown in f64 values.
    let base = 1_700_000_000_000_000_000_i64;
    let histogram = |keys: &[i64]| Histogram::from_keys(Lattice::ticks(0), &mut keys.to_vec());
    let (x, y) = (histogram(&[base, base + 2, base + 4]), histogram(&[base + 1, base + 3, base + 5]));
    assert_eq!(classic::w1(&x, &y).unwrap().statistic, 1.0);
    assert_eq!(classic::mean(&x, &y).unwrap().statistic, 1.0);
    assert_eq!(classic::std(&x, &y, Ddof::Population).unwrap().statistic, 0.0);
    let std = classic::std(&x, &y, Ddof::Sample).unwrap().std_first;
    assert!((std - 2.0).abs() < 1e-15, "{std}");
    assert_eq!(classic::quantile(&x, &y, 0.5).unwrap().statistic, 1.0);
    let extremes = classic::w1(&histogram(&[i64::MIN]), &histogram(&[i64::MAX])).unwrap();
    assert_eq!(extremes.statistic, 2_f64.powi(64));
}

#[test]
fn counts_near_the_limit_do_not_overflow() {
    let cells = |cells: &[(i64, u64)]| Histogram::from_cells(Lattice::ticks(0), cells.to_vec()).unwrap();
    let (x, y) = (cells(&[(0, u64::MAX - 1), (1, 1)]), cells(&[(0, 1), (1, u64::MAX - 1)]));
    let ks = classic::ks(&x, &y).unwrap();
    assert!((ks.statistic - 1.0).abs() < 1e-15 && ks.sign == 1 && ks.p_value == 0.0, "{ks:?}");
    assert!((classic::mean(&x, &y).unwrap().statistic - 1.0).abs() < 1e-15);
    assert!((classic::w1(&x, &y).unwrap().statistic - 1.0).abs() < 1e-15);
}

/// Every statistic on one input; an undefined one is its error.
fn outcomes(x: &Histogram, y: &Histogram) -> Vec<(&'static str, Result<f64, TestError>)> {
    vec![
        ("ks", classic::ks(x, y).map(|r| r.statistic)),
        ("w1", classic::w1(x, y).map(|r| r.statistic)),
        ("mean", classic::mean(x, y).map(|r| r.statistic)),
        ("std0", classic::std(x, y, Ddof::Population).map(|r| r.statistic)),
        ("std1", classic::std(x, y, Ddof::Sample).map(|r| r.statistic)),
        ("quantile", classic::quantile(x, y, 0.5).map(|r| r.statistic)),
    ]
}

#[test]
fn no_input_gives_nan() {
    let inputs: [(&str, &[f64]); 10] = [
        ("empty", &[]),
        ("one", &[3.5]),
        ("all equal", &[2.25; 9]),
        ("ties", &[1.0, 1.0, 2.0, 2.0]),
        ("NaN only", &[f64::NAN, f64::INFINITY]),
        ("NaN among", &[f64::NAN, 1.0, 7.0]),
        ("offset 1e18", &[1e18, 1e18 + 256.0]),
        ("denormal", &[5e-324, 1e-323, -5e-324]),
        ("both zeros", &[0.0, -0.0]),
        ("largest", &[f64::MAX, f64::MIN, f64::MAX]),
    ];
    for lattice in [Lattice::exact(), Lattice::float(10), Lattice::float_at(3, 1e18)] {
        for (x_name, x) in inputs {
            for (y_name, y) in inputs {
                let (x, y) = (Histogram::from_values(lattice.clone(), x), Histogram::from_values(lattice.clone(), y));
                for (statistic, outcome) in outcomes(&x, &y) {
                    let what = format!("{statistic} of {x_name} against {y_name} on {}", lattice.id());
                    match outcome {
                        Ok(value) => assert!(value.is_finite(), "{what} is {value}"),
                        Err(TestError::TooFewObservations { n, n_min, .. }) => {
                            assert!(n < n_min, "{what}")
                        }
                        Err(TestError::NoSpread { .. }) => {
                            assert!(statistic.starts_with("std"), "{what}")
                        }
                        Err(TestError::Overflow { .. }) => {
                            assert!(x_name == "largest" || y_name == "largest", "{what}");
                        }
                        Err(error) => panic!("{what}: {error}"),
                    }
                    let is_empty = x.is_empty() || y.is_empty();
                    assert!(!is_empty || outcomes(&x, &y).iter().all(|(_, outcome)| outcome.is_err()), "{what}");
                }
            }
        }
    }
}

#[test]
fn errors_name_the_side_and_the_lattices() {
    let (empty, one) = (Histogram::new(Lattice::exact()), Histogram::from_values(Lattice::exact(), &[1.0]));
    let few = |side, n_min| TestError::TooFewObservations { side, n: n_min - 1, n_min };
    assert_eq!(classic::ks(&empty, &one), Err(few(Side::First, 1)));
    assert_eq!(classic::w1(&one, &empty), Err(few(Side::Second, 1)));
    assert_eq!(classic::std(&one, &one, Ddof::Sample), Err(few(Side::First, 2)));
    assert_eq!(classic::quantile(&one, &one, 1.5), Err(TestError::InvalidProbability));
    assert_eq!(classic::quantile(&one, &one, f64::NAN), Err(TestError::InvalidProbability));
    let other = Histogram::from_values(Lattice::ticks(2), &[1.0]);
    let lattices = TestError::DifferentLattices { first: "float b=52".into(), second: "ticks/1e-2".into() };
    assert_eq!(classic::mean(&one, &other), Err(lattices));
    let equal = Histogram::from_values(Lattice::exact(), &[1.0, 1.0]);
    assert_eq!(classic::std(&equal, &equal, Ddof::Sample), Err(TestError::NoSpread { side: Side::First }));
    assert_eq!(classic::mean(&equal, &equal).unwrap().p_value, None);
}
