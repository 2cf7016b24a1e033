//! Keys keep order, atoms keep their point, and every key says where its values lie.
// What is exact is asserted exactly.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

use proptest::prelude::*;
use verismo_stats::lattice::{Lattice, LatticeError, Rejected, Split, Ticks, ordered, unordered};

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |x| x.is_finite()),
        -2.0..2.0_f64,
        (-40..40_i32).prop_map(|k| f64::from(k) / 8.0),
        Just(f64::MAX),
        Just(f64::MIN),
        Just(5e-324),
        Just(-5e-324),
    ]
}

fn splits() -> impl Strategy<Value = Vec<Split>> {
    let cut = prop_oneof![finite().prop_map(ordered), -20..20_i64, ordered(1.0) - 9..ordered(1.0) + 9];
    proptest::collection::vec((cut, 0..53_u8), 0..8).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts.dedup_by_key(|cut| cut.0);
        // Every other gap between cuts is a range.
        cuts.chunks_exact(2).map(|pair| Split { lo: pair[0].0, hi: pair[1].0, bits: pair[0].1 }).collect()
    })
}

fn lattices() -> impl Strategy<Value = Lattice> {
    let origin = prop_oneof![Just(0.0), Just(0.5), Just(-3.0)];
    (1..53_u8, origin, splits()).prop_map(|(bits, origin, mut splits)| {
        splits.retain(|split| split.bits > bits);
        Lattice::float_at(bits, origin).with_splits(&splits).unwrap()
    })
}

proptest! {
    #[test]
    fn ordered_integers_keep_order_and_mirror(x in finite(), y in finite()) {
        prop_assert_eq!(ordered(x).cmp(&ordered(y)), x.partial_cmp(&y).unwrap());
        prop_assert_eq!(ordered(-x), -ordered(x));
        prop_assert_eq!(unordered(ordered(x)), x);
    }

    #[test]
    fn keys_keep_order_and_bound_their_values(lattice in lattices(), x in finite(), y in finite()) {
        let (key_x, key_y) = (lattice.key(x).unwrap(), lattice.key(y).unwrap());
        prop_assert!(x > y || key_x <= key_y, "{x} {y} {key_x} {key_y}");
        for (value, key) in [(x, key_x), (y, key_y)] {
            prop_assert!(lattice.is_key(key));
            let Lattice::Float(float) = &lattice else { unreachable!() };
            let (lower, upper, middle) = (lattice.lower(key), lattice.upper(key), lattice.value(key));
            prop_assert!(lower <= middle && middle <= upper);
            // The origin rounds: values are compared as they are placed.
            let placed = (value - float.origin()) + float.origin();
            prop_assert!((lower <= placed && placed <= upper) || !placed.is_finite(), "{lower} {placed} {upper}");
            if float.origin() == 0.0 {
                prop_assert_eq!(lattice.key(middle), Some(key), "the middle lies in its own cell");
                prop_assert_eq!(lattice.is_point(key), lower == upper);
                // The outermost cells end at the largest values instead of infinity.
                let is_open = (lower < value || value == f64::MIN) && (value < upper || value == f64::MAX);
                prop_assert!(lattice.is_point(key) || is_open, "open cells are open");
            }
        }
    }

    #[test]
    fn splitting_only_refines(lattice in lattices(), x in finite(), y in finite()) {
        let Lattice::Float(float) = &lattice else { unreachable!() };
        let coarse = Lattice::float_at(float.mantissa_bits(), float.origin());
        let same_fine = lattice.key(x) == lattice.key(y);
        prop_assert!(!same_fine || coarse.key(x) == coarse.key(y));
        for split in lattice_splits(&lattice) {
            prop_assert!(lattice.is_point(split.lo), "the start of a range is an edge");
        }
    }

    #[test]
    fn batches_give_the_keys_of_single_values(lattice in lattices(), xs in proptest::collection::vec(finite(), 0..20)) {
        let mut keys = vec![7];
        let rejected = lattice.keys(&xs, &mut keys);
        prop_assert_eq!(rejected, Rejected::default());
        let single: Vec<i64> = xs.iter().map(|&x| lattice.key(x).unwrap()).collect();
        prop_assert_eq!(&keys[1..], &single);
    }

    #[test]
    fn encoding_is_exact_and_total(lattice in lattices(), at in any::<proptest::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = Vec::new();
        lattice.encode(&mut bytes);
        prop_assert_eq!(Lattice::decode(&bytes), Ok(lattice));
        let at = at.index(bytes.len());
        prop_assert!(Lattice::decode(&bytes[..at]).is_err());
        bytes[at] ^= 1_u8 << bit;
        if let Ok(other) = Lattice::decode(&bytes) {
            let mut again = Vec::new();
            other.encode(&mut again);
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn any_key_has_bounds_without_panic(lattice in lattices(), key in any::<i64>()) {
        prop_assert!(lattice.lower(key) <= lattice.upper(key));
        let _ = (lattice.value(key), lattice.is_point(key), lattice.is_key(key));
    }

    #[test]
    fn ticks_are_the_decimals_and_nothing_else(key in -(1_i64 << 52)..1 << 52, scale in 0..10_u8) {
        let ticks = Ticks::new(scale);
        let x = ticks.value(key);
        let back = ticks.key(x).unwrap();
        prop_assert_eq!(ticks.value(back), x);
        // Up to 2^51 neighbouring decimals differ in f64, hence the key itself comes back.
        prop_assert!(back == key || key.unsigned_abs() > 1 << 51);
        let off = f64::from_bits(x.to_bits() + 1);
        prop_assert!(key.unsigned_abs() > 1 << 50 || key == 0 || ticks.key(off).is_none());
    }
}

fn lattice_splits(lattice: &Lattice) -> &[Split] {
    match lattice {
        Lattice::Float(float) => float.splits(),
        _ => &[],
    }
}

#[test]
fn round_numbers_are_points_at_every_resolution() {
    for bits in 1..=52 {
        let lattice = Lattice::float(bits);
        for x in [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 1.5, -1.5, 1024.0, -0.25] {
            let key = lattice.key(x).unwrap();
            assert!(lattice.is_point(key), "{x} at {bits} bits");
            assert_eq!((lattice.lower(key), lattice.upper(key)), (x, x));
            assert_eq!(key, ordered(x), "the key of an atom does not depend on the resolution");
        }
    }
}

#[test]
fn cells_have_the_documented_width() {
    let lattice = Lattice::float(10);
    let key = lattice.key(1.000_01).unwrap();
    assert_eq!((lattice.lower(key), lattice.upper(key)), (1.0, 1.0 + 1.0 / 1024.0));
    let key = lattice.key(-1.000_01).unwrap();
    assert_eq!((lattice.lower(key), lattice.upper(key)), (-1.0 - 1.0 / 1024.0, -1.0));
    let top = lattice.key(f64::MAX).unwrap();
    assert_eq!(lattice.upper(top), f64::MAX);
    assert_eq!(lattice.lower(lattice.key(f64::MIN).unwrap()), f64::MIN);
}

#[test]
fn what_has_no_key_is_counted() {
    let values = [1.25, f64::NAN, 0.5, f64::INFINITY, f64::NEG_INFINITY, 0.001, 3e300];
    let mut keys = Vec::new();
    let rejected = Lattice::ticks(2).keys(&values, &mut keys);
    assert_eq!((keys.as_slice(), rejected), (&[125, 50][..], Rejected { non_finite: 3, off_grid: 2 }));
    keys.clear();
    let rejected = Lattice::float(10).keys(&values, &mut keys);
    assert_eq!((keys.len(), rejected), (4, Rejected { non_finite: 3, off_grid: 0 }));
    assert_eq!(Lattice::float_at(10, f64::MAX).key(f64::MIN), Lattice::float(10).key(f64::MIN));
}

#[test]
fn wrong_splits_are_refused() {
    let split = |lo, hi, bits| Split { lo, hi, bits };
    let lattice = Lattice::float(10);
    for wrong in [split(5, 5, 20), split(5, 9, 10), split(5, 9, 53), split(i64::MIN, 0, 20), split(0, i64::MAX, 20)] {
        assert_eq!(lattice.with_splits(&[wrong]), Err(LatticeError::InvalidSplit { index: 0 }), "{wrong:?}");
    }
    let unordered = lattice.with_splits(&[split(5, 9, 20), split(8, 11, 20)]);
    assert_eq!(unordered, Err(LatticeError::UnorderedSplits { index: 1 }));
    assert_eq!(Lattice::ticks(2).with_splits(&[]), Err(LatticeError::TicksCannotSplit));
}

#[test]
fn ids_say_what_the_lattice_is() {
    assert_eq!(Lattice::ticks(8).id(), "ticks/1e-8");
    assert_eq!(Lattice::float(10).id(), "float b=10");
    let split = Split { lo: 0, hi: 7, bits: 52 };
    assert_eq!(Lattice::float_at(4, 0.5).with_splits(&[split]).unwrap().id(), "float b=4 origin=0.5 splits=1");
}
