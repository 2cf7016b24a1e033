//! Kuiper, Cramer-von Mises, Anderson-Darling, Mann-Whitney, chi-square, PSI, Jensen-Shannon, Hill and tail ratios against
//! SciPy and mpmath, on the certified intervals, and on every degenerate input.
// What is exact is asserted exactly.
#![allow(clippy::unwrap_used, clippy::float_cmp, clippy::print_stdout, missing_docs)]

mod common;

use std::collections::BTreeMap;

use common::{raw, rows, sample};
use proptest::collection::vec;
use proptest::prelude::*;
use verismo_stats::classic::{self, CvmMethod, MwuMethod, Tail, TestError};
use verismo_stats::histogram::Histogram;
use verismo_stats::lattice::Lattice;
use verismo_stats::special::gamma_q;

/// Columns: see the header. Regenerate: `python3 vectors/gen/classic_tests.py`.
const VECTORS: &str = include_str!("../vectors/classic_tests.csv");
/// Columns: function, arguments, value. mpmath, 50 digits. Regenerate: `python3 vectors/gen/tails.py`.
const TAILS: &str = include_str!("../vectors/tails.csv");

/// Columns with the relative tolerance of each, and the absolute one for values that pass through zero.
const COLUMNS: [(&str, f64, f64); 15] = [
    ("kuiper", 1e-12, 0.0),
    ("cvm", 1e-12, 0.0),
    ("cvm_p", 1e-9, 0.0),
    // (A2 - 1) / sigma: near A2 = 1 the digits of A2 remain.
    ("ad", 1e-12, 1e-12),
    ("ad_p", 1e-9, 0.0),
    ("mwu", 1e-12, 0.0),
    ("mwu_p", 1e-9, 0.0),
    ("chi2", 1e-12, 0.0),
    ("chi2_p", 1e-9, 0.0),
    ("psi", 1e-12, 0.0),
    ("js", 1e-12, 0.0),
    ("hill_upper", 1e-12, 1e-12),
    ("hill_lower", 1e-12, 1e-12),
    ("ratio_upper", 1e-12, 1e-12),
    ("ratio_lower", 1e-12, 1e-12),
];

/// The numbers of [`COLUMNS`]; `None` where undefined.
fn numbers(x: &Histogram, y: &Histogram) -> [Option<f64>; 15] {
    let cvm = classic::cvm(x, y).ok();
    let ad = classic::ad(x, y).ok();
    let mwu = classic::mwu(x, y).ok();
    let chi2 = classic::chi2(x, y).ok();
    let hill = |tail| classic::hill(x, y, tail).ok().map(|h| h.statistic);
    let ratio = |tail| classic::tail_quantile(x, y, tail).ok().map(|h| h.statistic);
    [
        classic::kuiper(x, y).ok().map(|k| k.statistic),
        cvm.map(|c| c.statistic),
        cvm.map(|c| c.p_value),
        ad.map(|a| a.statistic),
        ad.map(|a| a.p_value),
        mwu.map(|u| u.statistic),
        mwu.map(|u| u.p_value),
        chi2.as_ref().map(|c| c.statistic),
        chi2.as_ref().map(|c| c.p_value),
        classic::psi(x, y).ok().map(|d| d.statistic),
        classic::js(x, y).ok().map(|d| d.statistic),
        hill(Tail::Upper),
        hill(Tail::Lower),
        ratio(Tail::Upper),
        ratio(Tail::Lower),
    ]
}

#[test]
fn statistics_and_p_values_agree_with_the_references() {
    let mut worst: BTreeMap<&str, (f64, u32, String)> = BTreeMap::new();
    let mut failures = Vec::new();
    for row in rows(VECTORS) {
        let [kind, stream, n, m, want @ ..] = row.as_slice() else { panic!("short row {row:?}") };
        let (stream, n, m): (u64, u64, u64) = (stream.parse().unwrap(), n.parse().unwrap(), m.parse().unwrap());
        let (lattice, x) = sample(kind, stream, n);
        let (_, y) = sample(kind, stream + 1, m);
        let (x, y) = (Histogram::from_values(lattice.clone(), &x), Histogram::from_values(lattice, &y));
        assert_eq!((x.count(), y.count(), want.len()), (n, m, COLUMNS.len()));
        for (((name, relative, absolute), want), got) in COLUMNS.iter().zip(want).zip(numbers(&x, &y)) {
            let what = format!("{name} of {kind} {n}x{m}");
            if want.is_empty() {
                // The tie-corrected p-value of thousands of distinct values has no reference here: it needs their eigenvalues.
                assert!(got.is_none() || *name == "cvm_p", "{what}: {got:?} where it is undefined");
                continue;
            }
            let (want, got): (f64, f64) = (want.parse().unwrap(), got.unwrap_or_else(|| panic!("{what} is undefined")));
            let error = (got - want).abs();
            let size = if want == 0.0 { 0.0 } else { error / want.abs() };
            let entry = worst.entry(name).or_default();
            entry.1 += 1;
            if size > entry.0 {
                (entry.0, entry.2) = (size, what.clone());
            }
            if error > relative * want.abs() + *absolute {
                failures.push(format!("{what}: got {got:e}, want {want:e}"));
            }
        }
    }
    for (name, (error, rows, what)) in &worst {
        println!("{name}: {rows} rows, largest relative error {error:.1e} ({what})");
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(worst.len() == COLUMNS.len() && worst.values().all(|(_, rows, _)| *rows >= 12), "{worst:?}");
}

#[test]
fn tails_agree_with_mpmath() {
    let mut worst: BTreeMap<&str, (f64, u32)> = BTreeMap::new();
    for row in rows(TAILS) {
        let arg = |i: usize| row[i].parse::<f64>().unwrap();
        let (got, tolerance) = match row[0] {
            "kuiper_sf" => (classic::kuiper_sf(arg(1)), 1e-13),
            "cramer_von_mises_sf" => (classic::cramer_von_mises_sf(arg(1)), 1e-13),
            "pareto_isf" => (classic::pareto_isf(arg(1), arg(2)), 5e-14),
            "gamma_q" => (gamma_q(arg(1), arg(2)), 2e-13),
            other => panic!("unknown function {other}"),
        };
        let relative = ((got - arg(3)) / arg(3)).abs();
        let entry = worst.entry(row[0]).or_default();
        *entry = (entry.0.max(relative), entry.1 + 1);
        assert!(relative <= tolerance, "{row:?}: got {got:e}, relative error {relative:e}");
    }
    println!("{worst:?}");
    assert!(worst.len() == 4 && worst.values().all(|(_, rows)| *rows >= 20), "{worst:?}");
    for sf in [classic::kuiper_sf, classic::cramer_von_mises_sf] {
        for x in [-1.0, 0.0, f64::MIN_POSITIVE, 1e-160, f64::NAN] {
            assert_eq!(sf(x), 1.0, "x={x}");
        }
        for x in [200.0, 1e300, f64::INFINITY] {
            assert!((0.0..1e-300).contains(&sf(x)), "x={x}: {}", sf(x));
        }
    }
    assert!(gamma_q(-1.0, 1.0).is_nan() && gamma_q(1.0, -1.0).is_nan() && gamma_q(f64::NAN, 1.0).is_nan());
    assert_eq!((gamma_q(2.0, 0.0), gamma_q(2.0, f64::INFINITY)), (1.0, 0.0));
}

fn cells(cells: &[(i64, u64)]) -> Histogram {
    Histogram::from_cells(Lattice::ticks(0), cells.to_vec()).unwrap()
}

/// Two keys, n = m = 10^12, shares 1/2 against 1/4: every statistic has a closed form.
#[test]
fn huge_counts_agree_with_closed_forms() {
    const N: u64 = 1_000_000_000_000;
    let (x, y) = (cells(&[(1, N / 2), (9, N / 2)]), cells(&[(1, N / 4), (9, 3 * N / 4)]));
    let n = N as f64;
    let near = |got: f64, want: f64| assert!((got - want).abs() <= 1e-12 * want.abs(), "{got:e} {want:e}");
    near(classic::kuiper(&x, &y).unwrap().statistic, 0.25);
    let mwu = classic::mwu(&x, &y).unwrap();
    // P(X < Y) = 1/2 * 3/4 = 3/8 and P(X = Y) = 1/8 + 3/8: 3/8 + 1/4 - 1/2.
    near(mwu.effect, 0.125);
    near(mwu.statistic, 0.625 * n * n);
    let chi2 = classic::chi2(&x, &y).unwrap();
    // N^2 per side: (1/16)/(3/4) + (1/16)/(5/4), times n.
    near(chi2.statistic, n * (1.0 / 12.0 + 1.0 / 20.0));
    near(chi2.effect, ((1.0 / 12.0 + 1.0 / 20.0) / 2.0_f64).sqrt());
    near(classic::psi(&x, &y).unwrap().statistic, 0.25 * 2.0_f64.ln() + 0.25 * 1.5_f64.ln());
    let cvm = classic::cvm(&x, &y).unwrap();
    // Only the first key's right end differs, by 1/4, and it holds 3/8 of all.
    near(cvm.effect, 0.375 / 16.0);
    // D = 1/8 at both mid-ranks: n/128. Jumps of 1/4: n/384. Ties: l (a - b)^2 n / (24 n^3) with l = 3n/4, 5n/4: n/192.
    near(cvm.statistic, n / 64.0);
    let ad = classic::ad(&x, &y).unwrap();
    let term = |share: f64, middle: f64| share / 64.0 / (middle * (1.0 - middle) - share / 4.0);
    near(ad.a2, n / 2.0 * (term(0.375, 0.1875) + term(0.625, 0.6875)));
    near(ad.effect, 0.25 * 0.375 / 16.0 / (0.375 * 0.625));
    for p in [mwu.p_value, chi2.p_value, cvm.p_value] {
        assert!((0.0..1e-300).contains(&p));
    }
    assert_eq!(ad.p_value, 0.001);
}

#[test]
fn counts_near_the_limit_do_not_overflow() {
    let (x, y) = (cells(&[(0, u64::MAX - 1), (1, 1)]), cells(&[(0, 1), (1, u64::MAX - 1)]));
    let halves = cells(&[(0, u64::MAX / 2), (1, u64::MAX / 2 + 1)]);
    for (x, y, defined) in [(&x, &y, 7), (&y, &x, 7), (&x, &x, 7), (&halves, &x, 11)] {
        let all = numbers(x, y);
        assert!(all.iter().flatten().all(|v| v.is_finite()), "{all:?}");
        assert_eq!(all.iter().flatten().count(), defined, "{all:?}");
    }
    let mwu = classic::mwu(&x, &y).unwrap();
    assert!((mwu.effect - 0.5).abs() < 1e-15 && mwu.p_value == 0.0, "{mwu:?}");
}

/// Two samples of `kinds` equally frequent values: share of p-values below 5 %.
fn false_alarms(kinds: u64, n: u64, m: u64, p_value: impl Fn(&Histogram, &Histogram) -> f64) -> f64 {
    let runs = 2_000;
    let draw = |stream: u64, n: u64| {
        let mut keys: Vec<i64> = raw(stream, n).map(|u| ((u >> 3) % kinds) as i64).collect();
        Histogram::from_keys(Lattice::ticks(0), &mut keys)
    };
    let low = (0..runs).filter(|run| p_value(&draw(9_000 + 2 * run, n), &draw(9_001 + 2 * run, m)) < 0.05).count();
    low as f64 / runs as f64
}

/// The head of the vector file holds SciPy's rates on the same laws: 100 % for unequal sizes and few values.
#[test]
fn p_values_hold_their_level_on_ties() {
    assert!(VECTORS.contains("5 values, 200 against 100: 100.0 %"), "SciPy's rate was measured");
    for (kinds, n, m) in [(2, 200, 100), (3, 50, 400), (5, 200, 100), (5, 150, 150), (20, 1000, 200), (100, 1000, 100)]
    {
        let cvm = false_alarms(kinds, n, m, |x, y| {
            let cvm = classic::cvm(x, y).unwrap();
            assert_eq!(cvm.method, CvmMethod::Ties);
            cvm.p_value
        });
        let mwu = false_alarms(kinds, n, m, |x, y| classic::mwu(x, y).unwrap().p_value);
        let chi2 = false_alarms(kinds, n, m, |x, y| classic::chi2(x, y).unwrap().p_value);
        let ad = false_alarms(kinds, n, m, |x, y| classic::ad(x, y).unwrap().p_value);
        let kuiper = false_alarms(kinds, n, m, |x, y| classic::kuiper(x, y).unwrap().p_value);
        println!(
            "{kinds} values, {n} against {m}: cvm {cvm:.3} mwu {mwu:.3} chi2 {chi2:.3} ad {ad:.3} kuiper {kuiper:.3}"
        );
        // Three standard errors of 2,000 runs at 5 % are .0146.
        assert!((0.035..=0.066).contains(&cvm), "cvm of {kinds} values: {cvm}");
        assert!((0.03..=0.066).contains(&mwu), "mwu of {kinds} values: {mwu}");
        assert!(kuiper <= 0.066, "kuiper is conservative with ties: {kuiper}");
    }
}

#[test]
fn branches_of_the_p_values() {
    let distinct = |n: i64, shift: i64| {
        let mut keys: Vec<i64> = (0..n).map(|i| 2 * i + shift).collect();
        Histogram::from_keys(Lattice::ticks(0), &mut keys)
    };
    let method = |n, m| classic::cvm(&distinct(n, 0), &distinct(m, 1)).unwrap().method;
    assert_eq!(
        [method(20, 20), method(21, 5), method(2, 2)],
        [CvmMethod::Exact, CvmMethod::Asymptotic, CvmMethod::Exact]
    );
    let method = |n, m| classic::mwu(&distinct(n, 0), &distinct(m, 1)).unwrap().method;
    assert_eq!([method(8, 500), method(9, 500)], [MwuMethod::Exact, MwuMethod::Asymptotic]);
    assert_eq!(classic::mwu(&distinct(8, 0), &distinct(8, 0)).unwrap().method, MwuMethod::Asymptotic, "ties");
    // 1 against 3 without ties: U of 0 has probability 1/4, two-sided 1/2.
    assert_eq!(classic::mwu(&distinct(1, 50), &distinct(3, 1)).unwrap().p_value, 0.5);
}

/// Values that share coarse cells: clusters, atoms, both signs, many magnitudes.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        3 => 1.0..1.01_f64,
        2 => -1.0..1.0_f64,
        2 => (-3..3_i32).prop_map(f64::from),
        1 => (-1000.0..1000.0_f64).prop_map(|x| x * x * x),
    ];
    vec(value, 3..60)
}

fn assert_within(exact: f64, (lower, upper): (f64, f64), what: &str) {
    let slack = 1e-12 * exact.abs();
    assert!(lower <= upper, "{what}: [{lower}, {upper}] is not an interval");
    assert!(lower <= exact + slack && exact <= upper + slack, "{what}: {exact} is not in [{lower}, {upper}]");
}

proptest! {
    #[test]
    fn certified_intervals_hold_the_exact_value(x in values(), y in values(), bits in 1..12_u8) {
        let at = |lattice: &Lattice| {
            (Histogram::from_values(lattice.clone(), &x), Histogram::from_values(lattice.clone(), &y))
        };
        let (x_exact, y_exact) = at(&Lattice::exact());
        let (x_coarse, y_coarse) = at(&Lattice::float(bits));
        let (exact, coarse) = (classic::kuiper(&x_exact, &y_exact).unwrap(), classic::kuiper(&x_coarse, &y_coarse).unwrap());
        assert_within(exact.statistic, coarse.certified, "kuiper");
        prop_assert_eq!(exact.certified, (exact.statistic, exact.statistic));
        let (exact, coarse) = (classic::cvm(&x_exact, &y_exact).unwrap(), classic::cvm(&x_coarse, &y_coarse).unwrap());
        assert_within(exact.statistic, coarse.certified, "cvm");
        assert_within(exact.effect, coarse.effect_certified, "cvm effect");
        assert_within(exact.statistic, exact.certified, "cvm itself");
        let (exact, coarse) = (classic::ad(&x_exact, &y_exact), classic::ad(&x_coarse, &y_coarse));
        if let (Ok(exact), Ok(coarse)) = (exact, coarse) {
            assert_within(exact.statistic, coarse.certified, "ad");
            assert_within(exact.effect, coarse.effect_certified, "ad effect");
        }
        let (exact, coarse) = (classic::mwu(&x_exact, &y_exact).unwrap(), classic::mwu(&x_coarse, &y_coarse).unwrap());
        assert_within(exact.statistic, coarse.certified, "mwu");
        assert_within(exact.effect, coarse.effect_certified, "mwu effect");
        for tail in [Tail::Upper, Tail::Lower] {
            if let (Ok(exact), Ok(coarse)) = (classic::hill(&x_exact, &y_exact, tail), classic::hill(&x_coarse, &y_coarse, tail)) {
                assert_within(exact.statistic, coarse.certified, "hill");
            }
            let ratios = (classic::tail_quantile(&x_exact, &y_exact, tail), classic::tail_quantile(&x_coarse, &y_coarse, tail));
            if let (Ok(exact), Ok(coarse)) = ratios {
                assert_within(exact.statistic, coarse.certified, "tail ratio");
            }
        }
    }

    /// What is known of equal samples without summing is what sums say.
    #[test]
    fn a_sample_differs_from_itself_by_nothing(x in values(), bits in prop_oneof![Just(None), (1..12_u8).prop_map(Some)]) {
        let lattice = bits.map_or_else(Lattice::exact, Lattice::float);
        let (x, y) = (Histogram::from_values(lattice.clone(), &x), Histogram::from_values(lattice.clone(), &x));
        let cells = x.cells();
        let pairs_of = |i: usize, j: usize| (cells[i].1 * cells[j].1) as f64;
        let less: f64 = (0..cells.len()).flat_map(|j| (0..j).map(move |i| (i, j))).map(|(i, j)| pairs_of(i, j)).sum();
        let equal: f64 = (0..cells.len()).map(|i| pairs_of(i, i)).sum();
        let unsure: f64 = (0..cells.len()).filter(|i| !lattice.is_point(cells[*i].0)).map(|i| pairs_of(i, i)).sum();
        let (u, slack, pairs) = (less + 0.5 * equal, 0.5 * unsure, (x.count() * x.count()) as f64);
        let mwu = classic::mwu(&x, &y).unwrap();
        prop_assert_eq!((mwu.statistic, mwu.certified, mwu.effect), (u, (u - slack, u + slack), 0.0));
        prop_assert_eq!((mwu.effect_certified, mwu.p_value), ((-slack / pairs, slack / pairs), 1.0));
        let (ks, w1) = (classic::ks(&x, &y).unwrap(), classic::w1(&x, &y).unwrap());
        prop_assert_eq!((ks.statistic, ks.location_key, ks.sign, ks.p_value, w1.statistic), (0.0, cells[0].0, 1, 1.0, 0.0));
        match classic::ad(&x, &y) {
            Ok(ad) => prop_assert_eq!((ad.a2, ad.effect), (0.0, 0.0)),
            Err(error) => {
                let has_no_spread = matches!(error, TestError::NoSpread { .. });
                prop_assert!(has_no_spread && cells.len() == 1);
            }
        }
        if lattice.is_exact() {
            prop_assert_eq!((ks.certified, w1.certified), ((0.0, 0.0), (0.0, 0.0)));
        }
    }

    #[test]
    fn swapping_the_samples_mirrors_and_equal_samples_are_equal(x in values(), y in values()) {
        let (x, y) = (Histogram::from_values(Lattice::float(6), &x), Histogram::from_values(Lattice::float(6), &y));
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-11 * (1.0 + a.abs());
        prop_assert!(close(classic::kuiper(&x, &y).unwrap().statistic, classic::kuiper(&y, &x).unwrap().statistic));
        let (there, back) = (classic::cvm(&x, &y).unwrap(), classic::cvm(&y, &x).unwrap());
        prop_assert!(close(there.statistic, back.statistic) && close(there.p_value, back.p_value) && close(there.effect, back.effect));
        let (there, back) = (classic::mwu(&x, &y).unwrap(), classic::mwu(&y, &x).unwrap());
        prop_assert_eq!(there.effect, -back.effect);
        prop_assert!(close(there.p_value, back.p_value) && (0.0..=1.0).contains(&there.p_value));
        if let (Ok(there), Ok(back)) = (classic::ad(&x, &y), classic::ad(&y, &x)) {
            prop_assert!(close(there.statistic, back.statistic) && there.a2 >= 0.0);
        }
        for tail in [Tail::Upper, Tail::Lower] {
            if let Ok(there) = classic::hill(&x, &y, tail) {
                prop_assert_eq!(there.statistic, -classic::hill(&y, &x, tail).unwrap().statistic);
            }
        }
        prop_assert_eq!(classic::kuiper(&x, &x).unwrap().statistic, 0.0);
        prop_assert_eq!(classic::cvm(&x, &x).unwrap().effect, 0.0);
        prop_assert_eq!(classic::mwu(&x, &x).unwrap().effect, 0.0);
        for divergence in [classic::psi(&x, &x), classic::js(&x, &x)].into_iter().flatten() {
            prop_assert_eq!(divergence.statistic, 0.0);
            prop_assert!(divergence.table.iter().all(|&(a, _)| a > 0));
        }
        if let Ok(chi2) = classic::chi2(&x, &x) {
            prop_assert_eq!((chi2.statistic, chi2.p_value), (0.0, 1.0));
        }
    }
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
                let all = numbers(&x, &y);
                let what = format!("{x_name} against {y_name} on {}: {all:?}", lattice.id());
                assert!(all.iter().flatten().all(|v| v.is_finite()), "{what}");
                let is_empty = x.is_empty() || y.is_empty();
                assert_eq!(all.iter().all(Option::is_none), is_empty, "{what}");
            }
        }
    }
    let one = Histogram::from_values(Lattice::exact(), &[1.0, 1.0]);
    let two = Histogram::from_values(Lattice::exact(), &[-1.0, 1.0, 2.0]);
    assert!(matches!(classic::chi2(&one, &two), Err(TestError::OneBin { .. })));
    assert!(matches!(classic::ad(&one, &one), Err(TestError::NoSpread { .. })));
    let missing = classic::hill(&two, &one, Tail::Lower).unwrap_err();
    assert_eq!(missing.to_string(), "the first sample has no lower tail: no value lies beyond its threshold");
    let missing = classic::tail_quantile(&two, &one, Tail::Lower).unwrap_err();
    assert_eq!(missing.to_string(), "the second sample has no lower tail: its threshold does not lie beyond zero");
    assert!(classic::kuiper(&one, &Histogram::new(Lattice::ticks(0))).is_err(), "different lattices");
}
