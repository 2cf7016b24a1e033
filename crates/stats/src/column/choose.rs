//! The lattice of a column, from its profile.

use super::ColumnProfile;
use crate::lattice::{Lattice, Split};

/// A cell may hold 2^-12 of the golden.
const SHARE_SHIFT: u32 = 12;
const BITS_MAX: u8 = 52;

/// Chooses the lattice of a column.
///
/// A column whose finite values are all integers of 10^-k, k <= 9, becomes ticks. Otherwise a float lattice of ten
/// mantissa bits; a value that alone is more than 2^-12 of the sample becomes a point, and an open cell that holds more is
/// halved (one more mantissa bit) until none does or it is one value. The choice depends on the profile alone, so on the
/// whole column and not on how it was cut.
#[must_use]
pub fn choose_lattice(profile: &ColumnProfile) -> Lattice {
    if let Some(scale) = profile.decimal_scale() {
        return Lattice::ticks(scale);
    }
    let coarse = Lattice::float(Lattice::DEFAULT_BITS);
    let values = profile.sampled_ordered();
    let (points, ranges) = dense_places(&values);
    let splits = with_points(&ranges, &points);
    // Splits are disjoint and ascending by construction; were they not, the coarse lattice would still be a right one.
    coarse.with_splits(&splits).unwrap_or(coarse)
}

/// Heavy values, and the ranges of finer cells over which the rest is spread; `values` ascend.
fn dense_places(values: &[(i64, u64)]) -> (Vec<i64>, Vec<Split>) {
    let total: u128 = values.iter().map(|&(_, count)| u128::from(count)).sum();
    let is_dense = |mass: u128| mass << SHARE_SHIFT > total;
    let (heavy, light): (Vec<_>, Vec<_>) = values.iter().copied().partition(|&(_, count)| is_dense(u128::from(count)));

    // cumulative[i] is the mass of the first i light values.
    let mut cumulative = vec![0_u128];
    cumulative.extend(light.iter().scan(0, |sum, &(_, count)| {
        *sum += u128::from(count);
        Some(*sum)
    }));
    let mass_inside = |lo: i64, hi: i64| {
        // A value at the lower edge is an atom of the lattice, not of the open cell.
        let from = light.partition_point(|&(key, _)| key <= lo);
        let to = light.partition_point(|&(key, _)| key < hi);
        cumulative[to.max(from)] - cumulative[from]
    };

    let mut ranges: Vec<Split> = Vec::new();
    let step = width(Lattice::DEFAULT_BITS);
    let mut cells: Vec<i64> = light.iter().map(|&(key, _)| key & !(step - 1)).collect();
    cells.dedup();
    for lo in cells.into_iter().filter(|&lo| is_dense(mass_inside(lo, lo + step))) {
        refine(lo, &|lo, hi| is_dense(mass_inside(lo, hi)), &mut ranges);
    }
    (heavy.into_iter().map(|(key, _)| key).collect(), ranges)
}

/// Halves a dense cell of default bits, in ascending order; at most 42 levels deep, and each level has at most 2^12 dense
/// cells over the whole column.
fn refine(lo: i64, is_dense: &dyn Fn(i64, i64) -> bool, ranges: &mut Vec<Split>) {
    let mut pending = vec![(lo, Lattice::DEFAULT_BITS)];
    while let Some((lo, bits)) = pending.pop() {
        let hi = lo + width(bits);
        if bits < BITS_MAX && is_dense(lo, hi) {
            let middle = lo + width(bits + 1);
            pending.push((middle, bits + 1));
            pending.push((lo, bits + 1));
            continue;
        }
        match ranges.last_mut() {
            Some(last) if last.hi == lo && last.bits == bits => last.hi = hi,
            _ => ranges.push(Split { lo, hi, bits }),
        }
    }
}

/// The width of a cell of `bits` mantissa bits, in ordered integers.
fn width(bits: u8) -> i64 {
    1 << (BITS_MAX - bits)
}

/// Cuts the points out of the ranges and adds them as ranges of one value, unless they lie on an edge anyway.
fn with_points(ranges: &[Split], points: &[i64]) -> Vec<Split> {
    let mut splits = Vec::with_capacity(ranges.len() + 2 * points.len());
    let mut points = points.iter().copied().peekable();
    let point = |key: i64| Split { lo: key, hi: key + 1, bits: BITS_MAX };
    let is_edge = |key: i64, bits: u8| key & (width(bits) - 1) == 0;
    for &range in ranges {
        while let Some(key) = points.next_if(|&key| key < range.lo) {
            if !is_edge(key, Lattice::DEFAULT_BITS) {
                splits.push(point(key));
            }
        }
        let mut rest = range;
        while let Some(key) = points.next_if(|&key| key < range.hi) {
            if is_edge(key, range.bits) {
                continue;
            }
            if rest.lo < key {
                splits.push(Split { hi: key, ..rest });
            }
            splits.push(point(key));
            rest.lo = key + 1;
        }
        if rest.lo < rest.hi {
            splits.push(rest);
        }
    }
    splits.extend(points.filter(|&key| !is_edge(key, Lattice::DEFAULT_BITS)).map(point));
    splits
}
