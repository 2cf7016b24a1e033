//! Values counted without keys against their keys, one by one: the same cells to the bit.
// What is exact is asserted exactly.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::uniform;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use verismo_stats::column::{ColumnProfile, choose_lattice, value_hash};
use verismo_stats::histogram::{Cells, ValueTally};
use verismo_stats::lattice::{Lattice, Split, ordered, unordered};
use verismo_stats::special::normal_quantile;

/// The cells of the values that have a key, and the number of others.
fn one_by_one(lattice: &Lattice, values: &[f64]) -> (Cells, usize) {
    let mut counts = BTreeMap::new();
    let keys: Vec<i64> = values.iter().filter_map(|&x| lattice.key(x)).collect();
    for &key in &keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    (Cells::pack(&counts.into_iter().collect::<Vec<_>>()), values.len() - keys.len())
}

fn any_bits() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits)
}

/// Values at which something changes, and their neighbours.
fn special() -> impl Strategy<Value = f64> {
    let at = prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(f64::MAX),
        Just(f64::MIN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::NAN),
        Just(-f64::NAN),
        Just(f64::MIN_POSITIVE),
        Just(5e-324),
        (-1074..1024_i32).prop_map(|exponent| 2_f64.powi(exponent)),
        (-64..64_i32).prop_map(|k| f64::from(k) / 8.0),
        (-1000..1000_i32).prop_map(|k| f64::from(k) / 1000.0),
    ];
    (at, -2..3_i64).prop_map(|(x, ulps)| f64::from_bits(x.to_bits().wrapping_add_signed(ulps)))
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    vec(prop_oneof![special(), any_bits(), -2.0..2.0_f64, 1.0..1.01_f64], 0..300)
}

fn lattices() -> impl Strategy<Value = Lattice> {
    let cut = prop_oneof![
        special().prop_filter("finite", |x| x.is_finite()).prop_map(ordered),
        ordered(1.0) - 9..ordered(1.0) + 9,
        (0..2048_i64).prop_map(|cell| ordered(1.0) + (cell << 42)),
        (0..8192_i64).prop_map(|cell| ordered(-1.0) + (cell << 39)),
    ];
    let splits = vec((cut, prop_oneof![0..53_u8, 8..15_u8], any::<bool>()), 0..12).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts.dedup_by_key(|cut| cut.0);
        // Every other gap between cuts is a range, or its first integer is.
        let split = |pair: &[(i64, u8, bool)]| {
            let hi = if pair[0].2 { pair[0].0 + 1 } else { pair[1].0 };
            Split { lo: pair[0].0, hi, bits: if pair[0].2 { 52 } else { pair[0].1 } }
        };
        cuts.chunks_exact(2).map(split).collect::<Vec<_>>()
    });
    let float = (prop_oneof![Just(10_u8), 1..53_u8], prop_oneof![8 => Just(0.0), 1 => Just(0.5)], splits).prop_map(
        |(bits, origin, mut splits)| {
            splits.retain(|split| split.bits > bits);
            Lattice::float_at(bits, origin).with_splits(&splits).unwrap()
        },
    );
    prop_oneof![9 => float, 1 => (0..10_u8).prop_map(Lattice::ticks)]
}

/// The edges of splits and their neighbours, where cells begin and end.
fn around_splits(lattice: &Lattice) -> Vec<f64> {
    let Lattice::Float(float) = lattice else { return Vec::new() };
    let ends = float.splits().iter().flat_map(|split| [split.lo, split.hi]);
    ends.flat_map(|end| (-2..3).map(move |ulps| unordered(end + ulps))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn a_tally_of_values_is_the_tally_of_their_keys(
        lattice in lattices(),
        windows in vec(values(), 1..4),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut tally = ValueTally::new(lattice.clone());
        // One tally over several windows: nothing of a window may leak into the next.
        for mut window in windows {
            window.extend(around_splits(&lattice));
            let (first, second) = window.split_at(cut.index(window.len() + 1));
            let n_rejected = tally.extend(first) + tally.extend(second);
            prop_assert_eq!((tally.drain(), n_rejected), one_by_one(&lattice, &window));
        }
    }
}

#[test]
fn columns_on_their_own_lattices_are_counted_like_their_keys() {
    let normal = |stream: u64| uniform(stream, 100_000).map(normal_quantile);
    let columns: Vec<Vec<f64>> = vec![
        normal(1).collect(),
        normal(2).map(|x| 1e9 + x).collect(),
        normal(3).map(seventh_power).collect(),
        normal(4).zip(uniform(5, 100_000)).map(|(x, v)| if v < 0.3 { 1.0 / 3.0 } else { x }).collect(),
        normal(6).map(|x| 1.0 + x / 1000.0).collect(),
        normal(7).map(|x| (x * 50.0).round() / 7.0).collect(),
    ];
    for values in columns {
        let mut profile = ColumnProfile::new(ColumnProfile::DEFAULT_CAPACITY);
        (0..).zip(&values).for_each(|(time_ns, &x)| profile.push(value_hash(time_ns, x), x));
        let lattice = choose_lattice(&profile);
        let mut tally = ValueTally::new(lattice.clone());
        // More than counters hold, and windows of a few.
        for window in std::iter::once(values.as_slice()).chain(values.chunks(700).take(20)) {
            let n_rejected = tally.extend(window);
            assert_eq!((tally.drain(), n_rejected), one_by_one(&lattice, window), "{}", lattice.id());
        }
    }
}

/// Many magnitudes of both signs.
fn seventh_power(x: f64) -> f64 {
    x * x * x * x * x * x * x
}

#[test]
fn values_of_all_magnitudes_are_counted() {
    let lattice = Lattice::float(10);
    let mut tally = ValueTally::new(lattice.clone());
    let values: Vec<f64> =
        (-1074..1024).flat_map(|exponent| [2_f64.powi(exponent), -1.3 * 2_f64.powi(exponent)]).collect();
    for _ in 0..2 {
        let n_rejected = tally.extend(&values);
        assert_eq!((tally.drain(), n_rejected), one_by_one(&lattice, &values));
    }
}
