//! The lattice: an order-preserving map from values to integer keys, fixed before any data are seen.
//!
//! Prices, sizes and spreads are integers of a decimal grid ([`Ticks`]). Every other value is placed on a log-linear grid
//! ([`FloatLattice`]): an f64 has an order-preserving integer form, and keeping the sign, the exponent and the top bits of
//! the mantissa gives cells of about constant relative width.

mod float;
mod ticks;

pub(crate) use float::middle;
pub use float::{FloatLattice, Split, ordered, unordered};
pub use ticks::Ticks;

use crate::state::{DecodeError, Reader};

/// The name under which errors and encodings of a lattice go.
const FORMAT: &str = "lattice/1";
const TAG_TICKS: u8 = 0;
const TAG_FLOAT: u8 = 1;

/// How the values of an observable become keys. Cheap to clone; equal lattices give equal keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Lattice {
    /// Key = value * 10^scale, for values on that decimal grid.
    Ticks(Ticks),
    /// Key = cell of value - origin.
    Float(FloatLattice),
}

/// Values that got no key. Nothing is dropped without being counted here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rejected {
    /// NaN and infinities.
    pub non_finite: u64,
    /// Finite values that are not on the decimal grid of the lattice.
    pub off_grid: u64,
}

/// Why a lattice cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LatticeError {
    /// Ticks have no finer cells.
    #[error("a lattice of ticks cannot be split")]
    TicksCannotSplit,
    /// A range is empty, out of the range of finite values, or not finer than the lattice.
    #[error("split {index} is empty, not finer than the lattice, or outside the finite values")]
    InvalidSplit {
        /// Position in the list given.
        index: usize,
    },
    /// Ranges are not in ascending order without overlap.
    #[error("split {index} does not start at or after the end of the one before it")]
    UnorderedSplits {
        /// Position in the list given.
        index: usize,
    },
}

impl Lattice {
    /// The default mantissa bits of a float lattice: cells about 0.1 % wide.
    pub const DEFAULT_BITS: u8 = 10;

    /// Integers of 10^-`scale`.
    ///
    /// # Panics
    /// When `scale` is above [`Ticks::SCALE_MAX`].
    #[must_use]
    pub fn ticks(scale: u8) -> Self {
        Self::Ticks(Ticks::new(scale))
    }

    /// Cells of `mantissa_bits` mantissa bits around zero.
    ///
    /// # Panics
    /// When `mantissa_bits` is not in 1..=52.
    #[must_use]
    pub fn float(mantissa_bits: u8) -> Self {
        Self::float_at(mantissa_bits, 0.0)
    }

    /// Cells of `mantissa_bits` mantissa bits around `origin`.
    ///
    /// # Panics
    /// When `mantissa_bits` is not in 1..=52 or `origin` is not finite.
    #[must_use]
    pub fn float_at(mantissa_bits: u8, origin: f64) -> Self {
        Self::Float(FloatLattice::new(mantissa_bits, origin))
    }

    /// Every finite f64 has its own key (`-0.0` is `0.0`).
    #[must_use]
    pub fn exact() -> Self {
        Self::float(52)
    }

    /// The same lattice with finer cells in the given ranges, replacing former ones.
    ///
    /// # Errors
    /// [`LatticeError`] when ranges overlap, are unsorted or not finer, or for ticks.
    pub fn with_splits(&self, splits: &[Split]) -> Result<Self, LatticeError> {
        match self {
            Self::Ticks(_) => Err(LatticeError::TicksCannotSplit),
            Self::Float(float) => Ok(Self::Float(float.with_splits(splits)?)),
        }
    }

    /// The key of `x`; `None` for NaN, infinities and values off a decimal grid.
    #[inline]
    #[must_use]
    pub fn key(&self, x: f64) -> Option<i64> {
        match self {
            Self::Ticks(ticks) => ticks.key(x),
            Self::Float(float) => float.key(x),
        }
    }

    /// Appends the keys of `values` to `out`, in their order, and counts the values that have none.
    pub fn keys(&self, values: &[f64], out: &mut Vec<i64>) -> Rejected {
        out.reserve(values.len());
        let n_before = out.len();
        match self {
            Self::Ticks(ticks) => out.extend(values.iter().filter_map(|&x| ticks.key(x))),
            Self::Float(float) => float.keys(values, out),
        }
        let n_rejected = values.len() - (out.len() - n_before);
        if n_rejected == 0 {
            return Rejected::default();
        }
        let non_finite = values.iter().filter(|x| !x.is_finite()).count() as u64;
        Rejected { non_finite, off_grid: n_rejected as u64 - non_finite }
    }

    /// True when all values with this key are equal.
    #[inline]
    #[must_use]
    pub fn is_point(&self, key: i64) -> bool {
        match self {
            Self::Ticks(_) => true,
            Self::Float(float) => float.is_point(key),
        }
    }

    /// The greatest lower bound of the values with this key; the value itself for a point.
    #[must_use]
    pub fn lower(&self, key: i64) -> f64 {
        match self {
            Self::Ticks(ticks) => ticks.value(key),
            Self::Float(float) => float.bounds(key).0,
        }
    }

    /// The least upper bound of the values with this key; the value itself for a point.
    #[must_use]
    pub fn upper(&self, key: i64) -> f64 {
        match self {
            Self::Ticks(ticks) => ticks.value(key),
            Self::Float(float) => float.bounds(key).1,
        }
    }

    /// [`Lattice::lower`] and [`Lattice::upper`] at once.
    #[must_use]
    pub fn bounds(&self, key: i64) -> (f64, f64) {
        match self {
            Self::Ticks(ticks) => (ticks.value(key), ticks.value(key)),
            Self::Float(float) => float.bounds(key),
        }
    }

    /// A value that stands for the key: the value of a point, the middle of a cell.
    #[must_use]
    pub fn value(&self, key: i64) -> f64 {
        match self {
            Self::Ticks(ticks) => ticks.value(key),
            Self::Float(float) => float.value(key),
        }
    }

    /// True when some value can have this key.
    #[must_use]
    pub fn is_key(&self, key: i64) -> bool {
        match self {
            Self::Ticks(_) => true,
            Self::Float(float) => float.is_key(key),
        }
    }

    /// True when every key is a point, so that statistics are those of the raw values.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        match self {
            Self::Ticks(_) => true,
            Self::Float(float) => float.mantissa_bits() == 52,
        }
    }

    /// A short text for reports, such as `ticks/1e-8` or `float b=10`.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Ticks(ticks) => format!("ticks/1e-{}", ticks.scale()),
            Self::Float(float) => float.id(),
        }
    }

    /// Appends the canonical encoding; it says its own length.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ticks(ticks) => out.extend_from_slice(&[TAG_TICKS, ticks.scale()]),
            Self::Float(float) => {
                out.push(TAG_FLOAT);
                float.encode(out);
            }
        }
    }

    /// Reads one encoded lattice that fills `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(FORMAT, bytes);
        let lattice = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(lattice)
    }

    /// Reads one encoded lattice off a reader.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes at the front are not a lattice.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8("lattice kind")? {
            TAG_TICKS => {
                let scale = reader.u8("scale")?;
                if scale > Ticks::SCALE_MAX {
                    return Err(reader.invalid("scale"));
                }
                Ok(Self::ticks(scale))
            }
            TAG_FLOAT => Ok(Self::Float(FloatLattice::read(reader)?)),
            _ => Err(reader.invalid("lattice kind")),
        }
    }
}
