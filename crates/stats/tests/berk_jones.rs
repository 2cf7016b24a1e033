//! The Berk-Jones statistic and its p-value against mpmath, on the certified interval, and what it sees that Kolmogorov-Smirnov does not.
// What is exact is asserted exactly.
#![allow(clippy::unwrap_used, clippy::float_cmp, clippy::print_stdout, missing_docs)]

mod common;

use common::{raw, rows, sample};
use proptest::collection::vec;
use proptest::prelude::*;
use verismo_stats::classic::{self, exact_berk_jones_sf};
use verismo_stats::histogram::Histogram;
use verismo_stats::lattice::Lattice;

/// Columns: see the header. mpmath, 40 digits. Regenerate: `python3 vectors/gen/berk_jones.py`.
const VECTORS: &str = include_str!("../vectors/berk_jones.csv");

#[test]
fn statistics_and_p_values_agree_with_mpmath() {
    let (mut n_rows, mut n_located, mut n_p) = (0, 0, 0);
    let (mut worst, mut worst_p) = (0.0_f64, 0.0_f64);
    for row in rows(VECTORS) {
        let number = |i: usize| row[i].parse::<f64>().unwrap();
        let (kind, stream, n, m) = (row[0], number(1) as u64, number(2) as u64, number(3) as u64);
        let (lattice, x) = sample(kind, stream, n);
        let (_, y) = sample(kind, stream + 1, m);
        let (x, y) = (Histogram::from_values(lattice.clone(), &x), Histogram::from_values(lattice, &y));
        let got = classic::berk_jones(&x, &y).unwrap();
        // Differences of order 1e-6 of the samples keep their digits; what is zero is zero.
        let error = (got.statistic - number(4)).abs() / number(4).max(1e-30);
        worst = worst.max(error);
        assert!(error <= 2e-13, "{row:?}: {got:?}");
        assert_eq!(got.certified, (got.statistic, got.statistic), "an exact lattice leaves nothing open");
        if !row[5].is_empty() {
            assert_eq!(got.location, number(5), "{row:?}");
            n_located += 1;
        }
        let p_value = got.p_value.unwrap();
        assert!((0.0..=1.0).contains(&p_value));
        if !row[6].is_empty() {
            let error = (p_value - number(6)).abs() / number(6);
            worst_p = worst_p.max(error);
            assert!(error <= 1e-12, "{row:?}: {got:?}");
            n_p += 1;
        }
        n_rows += 1;
    }
    println!("{n_rows} rows, worst relative errors {worst:e} and {worst_p:e}");
    assert!(n_rows >= 90 && n_located >= 50 && n_p >= 70, "vector file too short: {n_rows}, {n_located}, {n_p}");
}

#[test]
fn p_values_at_the_ends_and_beyond_what_is_counted() {
    for statistic in [f64::NAN, 0.0, -1.0] {
        assert_eq!(exact_berk_jones_sf(10, 10, statistic), Some(1.0));
    }
    // One of each: the smaller one comes first either way.
    assert_eq!(exact_berk_jones_sf(1, 1, 2.0 * 2.0_f64.ln()), Some(1.0));
    // All of one before all of the other: two paths of twenty, and nothing goes beyond.
    let most = 6.0 * 2.0_f64.ln();
    assert!((exact_berk_jones_sf(3, 3, most).unwrap() - 0.1).abs() < 1e-15);
    assert_eq!(exact_berk_jones_sf(3, 3, 2.0 * most), Some(0.0));
    // Beside Kolmogorov-Smirnov's small samples, large ones; beyond, none.
    let p = exact_berk_jones_sf(20_000, 15_000, 6.0).unwrap();
    assert!((0.02..0.2).contains(&p), "{p}");
    assert_eq!(exact_berk_jones_sf(1_000_000, 1_000_000, 6.0), None);
    assert_eq!(exact_berk_jones_sf(200_000, 200_000, 6.0), None);
    assert_eq!(exact_berk_jones_sf(u64::MAX, 1, 6.0), None);
    // Empty samples have one path.
    assert_eq!(exact_berk_jones_sf(0, 0, 6.0), Some(0.0));
    // It falls with the statistic.
    let falls: Vec<f64> = (1..40).map(|k| exact_berk_jones_sf(70, 90, f64::from(k) / 4.0).unwrap()).collect();
    assert!(falls.windows(2).all(|pair| pair[0] >= pair[1]), "{falls:?}");
}

/// Continuous laws: the exact p-value holds its level; ties make it conservative.
#[test]
fn the_p_value_holds_its_level() {
    for (kinds, low, high) in [(1_u64 << 31, 0.035, 0.065), (5, 0.0, 0.055)] {
        let draw = |stream: u64, n: u64| {
            let mut keys: Vec<i64> = raw(stream, n).map(|u| ((u * kinds) >> 31) as i64).collect();
            Histogram::from_keys(Lattice::ticks(0), &mut keys)
        };
        let is_low = |run: &u64| {
            let found = classic::berk_jones(&draw(70_000 + 2 * run, 60), &draw(70_001 + 2 * run, 45)).unwrap();
            found.p_value.unwrap() < 0.05
        };
        let share = (0..2_000_u64).filter(is_low).count() as f64 / 2_000.0;
        assert!((low..=high).contains(&share), "{kinds} values: {share}");
    }
}

/// Two of a hundred values lie far out: the likelihood ratio of the tail is large where distribution functions are close.
#[test]
fn it_sees_a_tail_that_kolmogorov_smirnov_does_not() {
    let cells = |cells: &[(i64, u64)]| Histogram::from_cells(Lattice::ticks(0), cells.to_vec()).unwrap();
    let body: Vec<(i64, u64)> = (0..100).map(|key| (2 * key, 10)).collect();
    let (x, y) = (cells(&body), cells(&[&body[..], &[(1_000, 20)]].concat()));
    let (ks, found) = (classic::ks(&x, &y).unwrap(), classic::berk_jones(&x, &y).unwrap());
    assert!(ks.p_value > 0.9 && found.p_value.unwrap() < 0.001, "{ks:?} {found:?}");
    assert_eq!(found.location_key, 198);
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    vec(prop_oneof![3 => 1.0..1.01_f64, 2 => -1.0..1.0_f64, 2 => (-3..3_i32).prop_map(f64::from)], 1..60)
}

proptest! {
    #[test]
    fn certified_intervals_hold_the_exact_value(x in values(), y in values(), bits in 1..12_u8) {
        let of = |lattice: Lattice| {
            let (x, y) = (Histogram::from_values(lattice.clone(), &x), Histogram::from_values(lattice, &y));
            (classic::berk_jones(&x, &y).unwrap(), classic::berk_jones(&y, &x).unwrap())
        };
        let ((exact, swapped), (coarse, _)) = (of(Lattice::exact()), of(Lattice::float(bits)));
        let slack = 1e-12 * exact.statistic;
        prop_assert!(coarse.certified.0 <= exact.statistic + slack && exact.statistic <= coarse.certified.1 + slack);
        prop_assert!((exact.statistic - swapped.statistic).abs() <= slack);
        prop_assert!((exact.p_value.unwrap() - swapped.p_value.unwrap()).abs() <= 1e-11);
    }

    #[test]
    fn equal_samples_have_no_ratio(x in values()) {
        let x = Histogram::from_values(Lattice::float(6), &x);
        let found = classic::berk_jones(&x, &x).unwrap();
        prop_assert_eq!((found.statistic, found.p_value), (0.0, Some(1.0)));
    }
}
