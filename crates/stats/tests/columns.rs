//! Profiles and the lattices chosen from them: exact decimals become ticks, everything else stays certified to 1e-3.
// What is exact is asserted exactly.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

mod common;

use common::uniform;
use proptest::collection::vec;
use proptest::prelude::*;
use verismo_stats::classic;
use verismo_stats::column::{ColumnProfile, ColumnProfiler, choose_lattice, time_hash, value_hash};
use verismo_stats::histogram::Histogram;
use verismo_stats::lattice::Lattice;
use verismo_stats::special::normal_quantile;
use verismo_stats::state::{State, laws};
use verismo_stats::state_laws;

fn profile(values: &[f64]) -> ColumnProfile {
    let mut profile = ColumnProfile::new(ColumnProfile::DEFAULT_CAPACITY);
    (0..).zip(values).for_each(|(time_ns, &x)| profile.push(value_hash(time_ns, x), x));
    profile
}

fn of_cells(cells: &[(i64, f64)]) -> ColumnProfile {
    let mut profile = ColumnProfile::new(12);
    for &(time_ns, x) in cells {
        if time_ns == 0 { profile.push_null() } else { profile.push(value_hash(time_ns, x), x) }
    }
    profile
}

fn cells() -> impl Strategy<Value = Vec<Vec<(i64, f64)>>> {
    let value = prop_oneof![
        3 => (-400..400_i32).prop_map(|k| f64::from(k) / 100.0),
        2 => (0..4_i32).prop_map(f64::from),
        1 => any::<f64>(),
        1 => Just(f64::NAN),
    ];
    vec(vec((0..6_i64, value), 0..30), 0..8)
}

proptest! {
    #[test]
    fn batches_make_the_profile_of_single_values(batches in cells(), capacity in 1..40_u32) {
        let mut profile = ColumnProfile::new(capacity);
        let mut profiler = ColumnProfiler::new(capacity);
        for batch in batches {
            let there: Vec<(i64, f64)> = batch.iter().copied().filter(|(time_ns, _)| *time_ns != 0).collect();
            there.iter().for_each(|&(time_ns, x)| profile.push(value_hash(time_ns, x), x));
            (there.len()..batch.len()).for_each(|_| profile.push_null());
            let (hashes, values): (Vec<u64>, Vec<f64>) = there.iter().map(|&(t, x)| (time_hash(t), x)).unzip();
            profiler.extend(&hashes, &values);
            profiler.extend_nulls((batch.len() - there.len()) as u64);
        }
        prop_assert_eq!(profiler.finish(), profile);
    }
}

state_laws!(column_profile, ColumnProfile, cells(), of_cells, refuses: [ColumnProfile::new(13)]);

const N: u64 = 200_000;

type Shape = fn(f64, f64) -> f64;

fn shapes() -> Vec<(&'static str, Shape)> {
    // Quantile functions of a uniform v; w is an independent uniform.
    vec![
        ("normal", |v, _| normal_quantile(v)),
        ("exponential", |v, _| -libm::log(1.0 - v)),
        ("log-normal", |v, _| libm::exp(2.0 * normal_quantile(v))),
        // Student's t with 2 degrees of freedom: tails heavier than t with 3.
        ("t2", |v, _| (2.0 * v - 1.0) / (2.0 * v * (1.0 - v)).sqrt()),
        ("atoms", |v, w| {
            if w < 0.3 {
                0.0
            } else if w < 0.4 {
                1.0
            } else if w < 0.5 {
                0.1
            } else {
                v * v
            }
        }),
        // Mass piles up at both ends like beta(0.05, 0.05): half of it near 0, half near 1, as |log| uniform.
        ("U-shape", |v, w| if w < 0.5 { libm::pow(v, 20.0) } else { 1.0 - libm::pow(v, 20.0) }),
        ("cluster", |v, _| 1e9 + normal_quantile(v)),
        ("imbalance", |v, w| {
            if w < 0.2 {
                1.0
            } else if w < 0.4 {
                -1.0
            } else {
                1.0 - 2.0 * v * v * v
            }
        }),
    ]
}

fn column(shape: Shape, stream: u64) -> Vec<f64> {
    uniform(stream, N).zip(uniform(stream + 1000, N)).map(|(v, w)| shape(v, w)).collect()
}

#[test]
fn default_lattices_certify_to_a_thousandth() {
    for (index, (name, shape)) in (0..).zip(shapes()) {
        let (golden, same) = (column(shape, 10 * index), column(shape, 10 * index + 1));
        let lattice = choose_lattice(&profile(&golden));
        assert!(matches!(lattice, Lattice::Float(_)), "{name}: {}", lattice.id());
        let other: Vec<f64> = same.iter().map(|x| x + x * 1e-4).collect();
        for (candidate, values) in [("same law", &same), ("stretched", &other)] {
            let at = |lattice: &Lattice, values: &[f64]| Histogram::from_values(lattice.clone(), values);
            let got = classic::ks(&at(&lattice, &golden), &at(&lattice, values)).unwrap();
            let exact = classic::ks(&at(&Lattice::exact(), &golden), &at(&Lattice::exact(), values)).unwrap();
            let (lower, upper) = got.certified;
            assert!(lower <= exact.statistic && exact.statistic <= upper, "{name} {candidate}: {got:?} {exact:?}");
            assert!(upper - lower <= 1e-3, "{name} {candidate}: width {} on {}", upper - lower, lattice.id());
        }
        let n_cells = Histogram::from_values(lattice.clone(), &golden).cells().len();
        let Lattice::Float(float) = &lattice else { unreachable!() };
        assert!(float.splits().len() < 4096 && n_cells < 80_000, "{name}: {} has {n_cells} cells", lattice.id());
    }
}

#[test]
fn without_splits_the_dense_shapes_are_not_certified() {
    for (name, shape) in shapes().into_iter().filter(|(name, _)| ["U-shape", "cluster", "atoms"].contains(name)) {
        let (golden, same) = (column(shape, 500), column(shape, 501));
        let at = |values: &[f64]| Histogram::from_values(Lattice::float(10), values);
        let (lower, upper) = classic::ks(&at(&golden), &at(&same)).unwrap().certified;
        assert!(upper - lower > 0.02, "{name}: the rule would not be needed, width {}", upper - lower);
    }
}

#[test]
fn decimals_become_ticks() {
    let scale = |values: &[f64]| profile(values).decimal_scale();
    assert_eq!(scale(&[0.1, 0.25, -7.0]), Some(2));
    assert_eq!(scale(&[3.0, -0.0, 1e15]), Some(0));
    assert_eq!(scale(&[123.456_789_012]), Some(9));
    assert_eq!(scale(&[0.1 + 0.2]), None, "0.30000000000000004 is not 0.3");
    assert_eq!(scale(&[0.1, 1e16]), None, "beyond 2^53 integers are no decimals");
    assert_eq!(scale(&[]), None);
    assert_eq!(scale(&[f64::NAN]), None);
    assert_eq!(scale(&[1e-10]), None);
    assert_eq!(choose_lattice(&profile(&[0.1, f64::NAN, 0.25])), Lattice::ticks(2));
    assert_eq!(choose_lattice(&profile(&[])), Lattice::float(10));
}

#[test]
fn a_heavy_value_becomes_a_point() {
    let values: Vec<f64> =
        uniform(77, 100_000).zip(uniform(78, 100_000)).map(|(v, w)| if w < 0.1 { 1.0 / 3.0 } else { v }).collect();
    let lattice = choose_lattice(&profile(&values));
    assert!(lattice.is_point(lattice.key(1.0 / 3.0).unwrap()));
    assert!(!Lattice::float(10).is_point(Lattice::float(10).key(1.0 / 3.0).unwrap()));
}

#[test]
fn a_value_on_an_edge_does_not_make_its_cell_dense() {
    // 60,000 values: a cell may hold 14. The atom at 1 has 12, the open cell above it 8; the rest is far and wide.
    let atom = std::iter::repeat_n(1.0, 12);
    let inside = uniform(5, 8).map(|v| 1.0 + v / 2000.0);
    let wide = (10..).zip(uniform(6, 59_980)).map(|(k, v)| (1.0 + v) * 2_f64.powi(10 + k % 500));
    let values: Vec<f64> = atom.chain(inside).chain(wide).collect();
    assert_eq!(choose_lattice(&profile(&values)), Lattice::float(10));
    // Eight more inside, and it is split.
    let more: Vec<f64> = values.iter().copied().chain(uniform(7, 8).map(|v| 1.0 + v / 2000.0)).collect();
    assert_ne!(choose_lattice(&profile(&more)), Lattice::float(10));
}

#[test]
fn the_choice_does_not_depend_on_the_cut() {
    let values = column(|v, _| 1e9 + normal_quantile(v), 900);
    let whole = profile(&values);
    let mut merged = ColumnProfile::new(ColumnProfile::DEFAULT_CAPACITY);
    let cut = 123_456;
    // Later part first.
    for part in [cut..values.len(), 0..cut] {
        let mut state = ColumnProfile::new(ColumnProfile::DEFAULT_CAPACITY);
        part.for_each(|i| state.push(value_hash(i as i64, values[i]), values[i]));
        merged.merge(&state).unwrap();
    }
    laws::assert_same(&merged, &whole, "cut and merged");
    assert_eq!(choose_lattice(&merged), choose_lattice(&whole));
}

#[test]
fn what_is_no_number_is_counted() {
    let mut column = profile(&[1.0, f64::NAN, f64::INFINITY, 2.5]);
    column.push_null();
    assert_eq!((column.count(), column.n_non_finite(), column.n_null()), (2, 2, 1));
    assert_eq!(column.sampled_values(), [(1.0, 1), (2.5, 1)]);
}
