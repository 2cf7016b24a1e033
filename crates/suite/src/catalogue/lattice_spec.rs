//! The written form of a lattice, as suites hold it.

use serde::{Deserialize, Serialize};
use verismo_stats::lattice::{Lattice, LatticeError, Split as StatsSplit, Ticks, ordered, unordered};

/// A lattice as a suite writes it: `{ticks: 8}` or `{float: 10, origin: 0, splits: [...]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatticeSpec {
    /// Key = value * 10^scale, exact; `scale` 0 to 18.
    Ticks {
        /// Decimal digits after the point.
        scale: u8,
    },
    /// Sign, exponent and the top bits of the mantissa of value - origin.
    Float {
        /// Bits of the mantissa kept, 1 to 52; 52 is exact.
        mantissa_bits: u8,
        /// Subtracted before the cell is taken, in the observable's unit.
        origin: f64,
        /// Places where the cells are finer, disjoint, ascending.
        splits: Vec<Split>,
    },
}

/// A place on a float lattice with more mantissa bits than the rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Left end of value - origin, included.
    pub from: f64,
    /// Right end of value - origin, excluded.
    pub to: f64,
    /// Mantissa bits inside, 1 to 52.
    pub mantissa_bits: u8,
}

impl LatticeSpec {
    /// A float lattice without origin and splits.
    pub const fn float(mantissa_bits: u8) -> Self {
        Self::Float { mantissa_bits, origin: 0.0, splits: Vec::new() }
    }

    /// The lattice itself.
    ///
    /// # Errors
    /// [`LatticeError`] when splits overlap, are unsorted or not finer. Bits and scales out of range are clamped; a suite
    /// that parsed has none.
    pub fn to_lattice(&self) -> Result<Lattice, LatticeError> {
        match self {
            Self::Ticks { scale } => Ok(Lattice::ticks((*scale).min(Ticks::SCALE_MAX))),
            Self::Float { mantissa_bits, origin, splits } => {
                let origin = if origin.is_finite() { *origin } else { 0.0 };
                let lattice = Lattice::float_at((*mantissa_bits).clamp(1, 52), origin);
                if splits.is_empty() {
                    return Ok(lattice);
                }
                let splits: Vec<_> = splits
                    .iter()
                    .map(|s| StatsSplit { lo: ordered(s.from), hi: ordered(s.to), bits: s.mantissa_bits })
                    .collect();
                lattice.with_splits(&splits)
            }
        }
    }

    /// The written form of a lattice; [`Self::to_lattice`] gives it back.
    pub fn from_lattice(lattice: &Lattice) -> Self {
        match lattice {
            Lattice::Ticks(ticks) => Self::Ticks { scale: ticks.scale() },
            Lattice::Float(float) => Self::Float {
                mantissa_bits: float.mantissa_bits(),
                origin: float.origin(),
                splits: float
                    .splits()
                    .iter()
                    .map(|s| Split { from: unordered(s.lo), to: unordered(s.hi), mantissa_bits: s.bits })
                    .collect(),
            },
        }
    }
}

impl std::fmt::Display for LatticeSpec {
    /// The flow form that a suite file holds and [`crate::Suite::parse`] reads back.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ticks { scale } => write!(f, "{{ticks: {scale}}}"),
            Self::Float { mantissa_bits, origin, splits } => {
                write!(f, "{{float: {mantissa_bits}")?;
                if origin.to_bits() != 0 {
                    write!(f, ", origin: {origin:?}")?;
                }
                if !splits.is_empty() {
                    f.write_str(", splits: [")?;
                    for (i, s) in splits.iter().enumerate() {
                        let comma = if i == 0 { "" } else { ", " };
                        write!(f, "{comma}{{from: {:?}, to: {:?}, bits: {}}}", s.from, s.to, s.mantissa_bits)?;
                    }
                    f.write_str("]")?;
                }
                f.write_str("}")
            }
        }
    }
}
