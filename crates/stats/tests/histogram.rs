//! Histograms and the hot accumulator against counting by hand.
// What is exact is asserted exactly.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

mod common;

use common::uniform;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use verismo_stats::histogram::{Cells, Histogram, Tally};
use verismo_stats::lattice::Lattice;
use verismo_stats::state::{DecodeError, State};

fn counted(keys: &[i64]) -> Vec<(i64, u64)> {
    let mut counts = BTreeMap::new();
    for &key in keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

/// Keys as lattices make them: clustered ticks, cells with the sticky bit, wide gaps, anything.
fn keys() -> impl Strategy<Value = Vec<i64>> {
    let shape = (0..64_u32, 0..3_i64, -9..9_i64).prop_map(|(shift, sticky, base)| (shift, sticky, base));
    prop_oneof![
        vec(-300..300_i64, 0..400),
        vec(any::<i64>(), 0..200),
        vec(-40_000_000..40_000_000_i64, 0..400),
        (shape, vec((-2000..2000_i64, 0..2_i64), 0..400)).prop_map(|((shift, sticky, base), cells)| {
            let key =
                |(cell, odd): (i64, i64)| (cell.wrapping_shl(shift)).wrapping_add(odd * sticky).wrapping_add(base);
            cells.into_iter().map(key).collect()
        }),
        vec(prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0)], 0..100),
    ]
}

proptest! {
    #[test]
    fn tally_counts_like_a_map(windows in vec(keys(), 1..4), cut in any::<proptest::sample::Index>()) {
        let mut tally = Tally::new();
        // One tally over several windows: nothing of a window may leak into the next.
        for window in &windows {
            let (one_by_one, at_once) = window.split_at(if window.is_empty() { 0 } else { cut.index(window.len()) });
            one_by_one.iter().for_each(|&key| tally.push(key));
            tally.extend(at_once);
            prop_assert_eq!(tally.is_empty(), window.is_empty());
            prop_assert_eq!(tally.drain().iter().collect::<Vec<_>>(), counted(window));
            prop_assert!(tally.is_empty());
        }
    }

    #[test]
    fn histogram_counts_like_a_map(keys in keys(), edges in vec(any::<i64>(), 0..5)) {
        let lattice = Lattice::ticks(0);
        let histogram = Histogram::from_keys(lattice.clone(), &mut keys.clone());
        prop_assert_eq!(histogram.cells(), counted(&keys));
        prop_assert_eq!(histogram.count(), keys.len() as u64);
        let single: Vec<(i64, u64)> = keys.iter().map(|&key| (key, 1)).chain([(5, 0)]).collect();
        prop_assert_eq!(&Histogram::from_cells(lattice, single).unwrap(), &histogram);
        let mut edges: Vec<i64> = edges.into_iter().chain(keys.iter().copied().take(5)).collect();
        edges.sort_unstable();
        let below: Vec<u64> = edges.iter().map(|&edge| keys.iter().filter(|&&key| key <= edge).count() as u64).collect();
        prop_assert_eq!(histogram.cumulative(&edges), below);
        prop_assert_eq!(histogram.key_sum(), Some(keys.iter().map(|&key| i128::from(key)).sum()));
    }

    #[test]
    fn quantile_is_the_inverse_of_the_distribution_function(keys in keys(), p in 0.0..=1.0_f64) {
        let histogram = Histogram::from_keys(Lattice::ticks(0), &mut keys.clone());
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        let rank = (p * keys.len() as f64).ceil() as usize;
        prop_assert_eq!(histogram.quantile_key(p), sorted.get(rank.max(1) - 1).copied());
    }

    #[test]
    fn pooled_parts_are_the_whole(parts in vec(keys(), 0..20)) {
        let lattice = Lattice::ticks(3);
        let pack = |keys: &Vec<i64>| Cells::pack(Histogram::from_keys(lattice.clone(), &mut keys.clone()).cells());
        let packed: Vec<Cells> = parts.iter().map(pack).collect();
        let whole = Histogram::from_keys(lattice.clone(), &mut parts.concat());
        prop_assert_eq!(Cells::sum(&packed), Cells::pack(whole.cells()));
        prop_assert_eq!(Histogram::pooled(lattice.clone(), &packed).unwrap(), whole);
    }

    #[test]
    fn cells_travel_without_their_lattice(x in vec(-2.0..2.0_f64, 0..100)) {
        let histogram = Histogram::from_values(Lattice::float(10), &x);
        let mut bytes = Vec::new();
        histogram.encode_cells(&mut bytes);
        prop_assert_eq!(Histogram::decode_cells(Lattice::float(10), &bytes), Ok(histogram.clone()));
        // Fewer bits have fewer keys: cells that they do not have are refused.
        let misplaced = histogram.cells().iter().any(|&(key, _)| !Lattice::float(3).is_key(key));
        prop_assert_eq!(Histogram::decode_cells(Lattice::float(3), &bytes).is_err(), misplaced);
    }
}

#[test]
fn long_windows_are_counted_across_buffers() {
    let lattice = Lattice::float(10);
    let values: Vec<f64> = uniform(3, 50_000).map(|v| (v - 0.5) / (v * (1.0 - v))).collect();
    let mut keys = Vec::new();
    lattice.keys(&values, &mut keys);
    let mut tally = Tally::new();
    tally.extend(&keys[..30_000]);
    keys[30_000..].iter().for_each(|&key| tally.push(key));
    let histogram = Histogram::pooled(lattice, [&tally.drain()]).unwrap();
    assert_eq!(histogram.cells(), counted(&keys));
    assert!(tally.drain().is_empty());
}

#[test]
fn windows_unlike_those_before_are_counted_too() {
    let lots = |n: i64| (0..n).map(|i| 1_000 * (i * i % 700)).collect::<Vec<i64>>();
    let windows = [
        lots(3_000),
        // More of one key, and of all keys, than 16 bits count.
        [vec![5_000; 70_000], lots(140_000)].concat(),
        // Some between two lots, then only such ones.
        [lots(3_000), (0..60).map(|i| 10 * i + 1).collect()].concat(),
        (0..30_000).map(|i| 1_000 * (i % 400) + 17 * (i % 5)).collect(),
        // Far away, below and above; cells of a float lattice; too few for a grid; the ends of the range.
        lots(5_000).iter().map(|key| key - (1 << 50)).collect(),
        (0..5_000).map(|i| ((i * i % 3_000) << 42) - (1_000 << 42) + i % 2).collect(),
        lots(5),
        (0..5_000).map(|i| if i % 2 == 0 { i64::MIN + i % 9 } else { i64::MAX - i % 9 }).collect(),
        (0..5_000).map(|i| i64::MIN + 7 * (i % 90)).collect(),
        (0..5_000).map(|i| i64::MAX - 7 * (i % 90)).collect(),
        lots(3_000),
    ];
    for rotated in 0..windows.len() {
        let mut tally = Tally::new();
        for window in windows.iter().cycle().skip(rotated).take(windows.len()) {
            for part in window.chunks(1_700) {
                tally.extend(part);
            }
            assert_eq!(tally.drain().iter().collect::<Vec<_>>(), counted(window), "rotated by {rotated}");
        }
    }
}

#[test]
fn ranges_around_the_limits_of_the_directory_are_counted() {
    for width in [1 << 15, (1 << 15) + 1, (1 << 23) - 2, (1 << 23) - 1, 1 << 23, (1 << 23) + 1] {
        // Many equal keys at both ends, so that few pages are needed.
        let keys: Vec<i64> =
            (0..4000).map(|i| if i % 2 == 0 { -7 } else { width - 7 }).chain([-6, width - 8]).collect();
        let mut tally = Tally::new();
        tally.extend(&keys);
        assert_eq!(tally.drain().iter().collect::<Vec<_>>(), counted(&keys), "width {width}");
    }
}

#[test]
fn encoding_is_short() {
    let values: Vec<f64> = uniform(5, 100_000).map(|v| (v - 0.5) / (v * (1.0 - v))).collect();
    let histogram = Histogram::from_values(Lattice::float(10), &values);
    let mut bytes = Vec::new();
    histogram.encode(&mut bytes);
    // A key step and a count of one or two bytes each.
    assert!(bytes.len() < 3 * histogram.cells().len(), "{} bytes, {} cells", bytes.len(), histogram.cells().len());
}

#[test]
fn value_sum_bounds_the_sum() {
    let values = [0.1, 0.2, 0.3, 1.0, -7.7, 1e6];
    let exact: f64 = values.iter().sum();
    let sum = Histogram::from_values(Lattice::float(10), &values).value_sum();
    assert!(sum.lower <= exact && exact <= sum.upper && sum.lower < sum.sum && sum.sum < sum.upper, "{sum:?}");
    let ticks = Histogram::from_values(Lattice::ticks(1), &values).value_sum();
    assert_eq!((ticks.sum, ticks.lower, ticks.upper), (999_993.9, 999_993.9, 999_993.9));
    let points = Histogram::from_values(Lattice::exact(), &[0.1; 10]).value_sum();
    assert_eq!(points.sum, 1.0, "ten times the double nearest 0.1, rounded once");
    assert_eq!(Histogram::new(Lattice::exact()).value_sum().sum, 0.0);
    // The double nearest 0.1 lies 2^-54 / 10 above it, which shows once the rest cancels.
    let cancelled = [&[0.1; 10][..], &[-1.0]].concat();
    let sum = Histogram::from_values(Lattice::exact(), &cancelled).value_sum().sum;
    assert_eq!(sum, 2_f64.powi(-54));
}

#[test]
fn quantile_needs_values_and_a_probability() {
    let one = Histogram::from_keys(Lattice::ticks(0), &mut [4]);
    assert_eq!(one.quantile_key(0.0), Some(4));
    assert_eq!(one.quantile_key(1.0), Some(4));
    for p in [-0.1, 1.1, f64::NAN] {
        assert_eq!(one.quantile_key(p), None);
    }
    assert_eq!(Histogram::new(Lattice::ticks(0)).quantile_key(0.5), None);
}

/// The bytes of version 2, for ever: a change of them needs a new version.
#[test]
fn encoding_of_version_2_is_fixed() {
    let ticks = Histogram::from_keys(Lattice::ticks(8), &mut [-3, 5, 5, 301]);
    let mut bytes = Vec::new();
    ticks.encode(&mut bytes);
    // Ticks, scale, cells, observations, no shift, -3, steps of 8; then steps less one with "more than one", counts less two.
    assert_eq!(bytes, [0, 8, 3, 4, 0, 5, 8, 0, 1, 0, 72]);
    let float = Histogram::from_values(Lattice::float(10), &[1.0, 1.000_01, -0.0]);
    bytes.clear();
    float.encode(&mut bytes);
    // Cells, observations, shift 52 (keys are k 2^52 or one more), 0, then 1.0 at 1023 * 2 and the open cell above it.
    let cells = [3, 3, 52, 0, 0, 0xfa, 0x1f, 0];
    assert_eq!(bytes, [&[1, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &cells].concat());
    let unknown = DecodeError::Invalid { state: "histogram/2", field: "lattice kind" };
    assert_eq!(Histogram::decode(&[9]), Err(unknown));
}
