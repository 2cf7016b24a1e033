//! The log-linear grid of an f64's sign, exponent and top mantissa bits.
//!
//! **Keys.** [`ordered`] maps the finite f64 monotonically to integers, `ordered(-x) == -ordered(x)`. The edges of a
//! lattice are the multiples of 2^(52 - bits) of that integer, plus finer ones inside [`Split`] ranges. A value that lies
//! exactly on an edge e is an atom with key e; the values strictly between e and the next edge share the key e + 1. Keys of
//! every resolution thus live in one ordered space, and at 52 bits every value is its own key. Zero, one, minus one and
//! other round numbers are edges at every resolution, so atoms of a distribution carry no uncertainty.

use super::LatticeError;
use crate::state::{DecodeError, Reader, put_f64, put_i64, put_u64};
use std::sync::Arc;

const MANTISSA_BITS_MAX: u8 = 52;
/// `ordered(f64::INFINITY)`: finite values lie strictly inside +- this.
const INFINITE: i64 = 0x7ff0_0000_0000_0000;

/// The order-preserving integer of a finite f64. Both zeros map to 0.
#[inline]
#[must_use]
pub fn ordered(x: f64) -> i64 {
    let magnitude = (x.to_bits() & 0x7fff_ffff_ffff_ffff) as i64;
    let sign = x.to_bits() as i64 >> 63;
    (magnitude ^ sign) - sign
}

/// The f64 of an ordered integer, clamped to the finite ones: the inverse of [`ordered`].
#[inline]
#[must_use]
pub fn unordered(key: i64) -> f64 {
    let key = key.clamp(1 - INFINITE, INFINITE - 1);
    let magnitude = f64::from_bits(key.unsigned_abs());
    if key < 0 { -magnitude } else { magnitude }
}

/// A range with finer cells: `lo <= ordered(x - origin) < hi`, cells of `bits` mantissa bits. Its ends become edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Split {
    /// First ordered integer of the range.
    pub lo: i64,
    /// First ordered integer after the range.
    pub hi: i64,
    /// Mantissa bits inside, more than the lattice's.
    pub bits: u8,
}

/// Cells of `x - origin`, see the module's documentation.
///
/// With an origin other than zero the difference is rounded to f64 before it is placed. Near the origin it is exact
/// (Sterbenz); far from it, values closer than its rounding share a key. Bounds of cells hold up to that rounding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FloatLattice {
    mantissa_bits: u8,
    /// Bits of the origin, so that equality is exact; -0.0 is stored as 0.0.
    origin_bits: u64,
    splits: Arc<[Split]>,
    index: Arc<Index>,
}

/// Where among the splits to look for an ordered integer. Below and above zero apart: between them lie two thousand powers of two,
/// in which there is hardly a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Index {
    n_below_zero: usize,
    below_zero: Stretches,
    above_zero: Stretches,
}

impl Index {
    fn of(splits: &[Split]) -> Self {
        let (below, above) = splits.split_at(splits.partition_point(|split| split.lo < 0));
        Self { n_below_zero: below.len(), below_zero: Stretches::of(below), above_zero: Stretches::of(above) }
    }

    /// How many of the splits begin at or below `full`.
    #[inline]
    fn begun(&self, splits: &[Split], full: i64) -> usize {
        let (below, above) = splits.split_at(self.n_below_zero.min(splits.len()));
        if full < 0 { self.below_zero.begun(below, full) } else { below.len() + self.above_zero.begun(above, full) }
    }
}

/// Equal stretches of the range that splits cover.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Stretches {
    first: i64,
    shift: u32,
    /// Per stretch, how many splits begin before its end of lower integers; one more entry than stretches.
    begun: Vec<u32>,
}

/// Stretches of the index at most; a column that was refined has some hundred splits.
const STRETCHES: u64 = 4096;

impl Stretches {
    fn of(splits: &[Split]) -> Self {
        let (Some(first), Some(last)) = (splits.first(), splits.last()) else { return Self::default() };
        let range = last.lo.wrapping_sub(first.lo) as u64;
        let shift = (64 - range.leading_zeros()).saturating_sub(STRETCHES.trailing_zeros());
        let n = (range >> shift) + 1;
        let begin = |stretch: u64| i128::from(first.lo) + (i128::from(stretch) << shift);
        let begun = (0..=n).map(|i| splits.partition_point(|split| i128::from(split.lo) < begin(i)) as u32).collect();
        Self { first: first.lo, shift, begun }
    }

    /// How many of the splits begin at or below `full`.
    #[inline]
    fn begun(&self, splits: &[Split], full: i64) -> usize {
        if full < self.first {
            return 0;
        }
        let stretch = (full.wrapping_sub(self.first) as u64 >> self.shift) as usize;
        match self.begun.get(stretch..stretch.saturating_add(2)) {
            Some(&[from, to]) => {
                let (from, to) = (from as usize, to as usize);
                from + splits[from..to].partition_point(|split| split.lo <= full)
            }
            _ => splits.len(),
        }
    }
}

impl FloatLattice {
    /// A lattice without splits.
    ///
    /// # Panics
    /// When `mantissa_bits` is not in 1..=52 or `origin` is not finite.
    #[must_use]
    pub fn new(mantissa_bits: u8, origin: f64) -> Self {
        assert!((1..=MANTISSA_BITS_MAX).contains(&mantissa_bits), "mantissa bits are 1 to 52, not {mantissa_bits}");
        assert!(origin.is_finite(), "the origin of a lattice is finite, not {origin}");
        Self {
            mantissa_bits,
            origin_bits: unordered(ordered(origin)).to_bits(),
            splits: Arc::new([]),
            index: Arc::default(),
        }
    }

    /// Mantissa bits outside the splits.
    #[must_use]
    pub fn mantissa_bits(&self) -> u8 {
        self.mantissa_bits
    }

    /// The value that is subtracted before a value is placed.
    #[must_use]
    pub fn origin(&self) -> f64 {
        f64::from_bits(self.origin_bits)
    }

    /// The ranges with finer cells, ascending and disjoint.
    #[must_use]
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// The same lattice with these finer ranges instead of its own.
    ///
    /// # Errors
    /// [`LatticeError::InvalidSplit`] or [`LatticeError::UnorderedSplits`].
    pub fn with_splits(&self, splits: &[Split]) -> Result<Self, LatticeError> {
        let mut end = -INFINITE;
        for (index, split) in splits.iter().enumerate() {
            let finer = split.bits > self.mantissa_bits && split.bits <= MANTISSA_BITS_MAX;
            if !finer || split.lo >= split.hi || split.lo <= -INFINITE || split.hi > INFINITE {
                return Err(LatticeError::InvalidSplit { index });
            }
            if split.lo < end {
                return Err(LatticeError::UnorderedSplits { index });
            }
            end = split.hi;
        }
        Ok(Self { index: Arc::new(Index::of(splits)), splits: splits.into(), ..self.clone() })
    }

    #[inline]
    pub(super) fn key(&self, x: f64) -> Option<i64> {
        let shifted = x - self.origin();
        // A finite value minus a finite origin may overflow: the ends of the range stand for it.
        x.is_finite().then(|| self.key_of_ordered(ordered(shifted.clamp(f64::MIN, f64::MAX))))
    }

    pub(super) fn keys(&self, values: &[f64], out: &mut Vec<i64>) {
        if !self.splits.is_empty() || self.origin_bits != 0 {
            out.extend(values.iter().filter_map(|&x| self.key(x)));
            return;
        }
        let mask = mask(self.mantissa_bits);
        out.extend(values.iter().filter(|x| x.is_finite()).map(|&x| {
            let full = ordered(x);
            (full & !mask) + i64::from(full & mask != 0)
        }));
    }

    #[inline]
    fn key_of_ordered(&self, full: i64) -> i64 {
        let edge = self.edge(full);
        edge + i64::from(full != edge)
    }

    /// The splits that hold any of the ordered integers from `lo` to `lo + length`.
    pub(crate) fn splits_within(&self, lo: i64, length: i64) -> &[Split] {
        let from = self.splits.partition_point(|split| split.hi <= lo);
        let to = self.splits.partition_point(|split| split.lo <= lo.saturating_add(length));
        self.splits.get(from..to).unwrap_or_default()
    }

    /// The greatest edge not above `full`.
    #[inline]
    pub(crate) fn edge(&self, full: i64) -> i64 {
        let coarse = full & !mask(self.mantissa_bits);
        let index = self.index.begun(&self.splits, full);
        let Some(split) = index.checked_sub(1).map(|i| self.splits[i]) else {
            return coarse;
        };
        if full < split.hi { (full & !mask(split.bits)).max(split.lo) } else { coarse.max(split.hi) }
    }

    /// The least edge above the edge `edge`.
    fn next_edge(&self, edge: i64) -> i64 {
        let index = self.splits.partition_point(|split| split.lo <= edge);
        let next_split = self.splits.get(index).map_or(INFINITE, |split| split.lo);
        let inside = index.checked_sub(1).map(|i| self.splits[i]).filter(|split| edge < split.hi);
        let (bits, end) = inside.map_or((self.mantissa_bits, next_split), |split| (split.bits, split.hi));
        (edge & !mask(bits)).saturating_add(mask(bits) + 1).min(end).min(INFINITE)
    }

    #[inline]
    pub(super) fn is_point(&self, key: i64) -> bool {
        if self.edge(key) == key {
            return true;
        }
        // The only value between an edge and the one two above it.
        self.next_edge(key.saturating_sub(1)) == key.saturating_add(1)
    }

    pub(super) fn is_key(&self, key: i64) -> bool {
        if key <= -INFINITE || key >= INFINITE {
            return false;
        }
        let edge = self.edge(key);
        edge == key || edge == key - 1
    }

    /// Bounds of the values with this key.
    pub(super) fn bounds(&self, key: i64) -> (f64, f64) {
        let origin = self.origin();
        if self.is_point(key) {
            let value = unordered(key) + origin;
            return (value, value);
        }
        let edge = self.edge(key);
        (unordered(edge) + origin, unordered(self.next_edge(edge)) + origin)
    }

    pub(super) fn value(&self, key: i64) -> f64 {
        middle(self.bounds(key))
    }

    pub(super) fn id(&self) -> String {
        let mut id = format!("float b={}", self.mantissa_bits);
        if self.origin_bits != 0 {
            id.push_str(&format!(" origin={}", self.origin()));
        }
        if !self.splits.is_empty() {
            id.push_str(&format!(" splits={}", self.splits.len()));
        }
        id
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.mantissa_bits);
        put_f64(out, self.origin());
        put_u64(out, self.splits.len() as u64);
        let mut end = 0_i64;
        for split in self.splits.iter() {
            put_i64(out, split.lo.wrapping_sub(end));
            put_u64(out, split.hi.wrapping_sub(split.lo) as u64);
            out.push(split.bits);
            end = split.hi;
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mantissa_bits = reader.u8("mantissa bits")?;
        if !(1..=MANTISSA_BITS_MAX).contains(&mantissa_bits) {
            return Err(reader.invalid("mantissa bits"));
        }
        let origin = reader.f64("origin")?;
        if !origin.is_finite() || (origin.to_bits() << 1 == 0 && origin.is_sign_negative()) {
            return Err(reader.invalid("origin"));
        }
        let n_splits = reader.length("splits", 3)?;
        let mut splits = Vec::with_capacity(n_splits);
        let mut end = 0_i64;
        for _ in 0..n_splits {
            let lo = end.wrapping_add(reader.i64("split start")?);
            let hi = lo.wrapping_add(reader.u64("split length")? as i64);
            splits.push(Split { lo, hi, bits: reader.u8("split bits")? });
            end = hi;
        }
        Self::new(mantissa_bits, origin).with_splits(&splits).map_err(|_| reader.invalid("splits"))
    }
}

/// The middle of a cell.
pub(crate) fn middle((lower, upper): (f64, f64)) -> f64 {
    // Halving first keeps the widest cells from overflowing; for a point both halves give the value back, except below the
    // normal range, where halving would lose the last bit.
    if lower.to_bits() == upper.to_bits() { lower } else { lower / 2.0 + upper / 2.0 }
}

/// The bits of the ordered integer below the lattice's resolution.
#[inline]
fn mask(bits: u8) -> i64 {
    (1_i64 << (MANTISSA_BITS_MAX - bits.min(MANTISSA_BITS_MAX))) - 1
}
