//! Epoch stamps: the unit is recognised by magnitude.

use verismo_market::event::NO_TIME;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// Unit of an epoch stamp.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum EpochUnit {
    /// Seconds.
    #[default]
    Second,
    /// Milliseconds.
    Milli,
    /// Microseconds.
    Micro,
    /// Nanoseconds.
    Nano,
}

impl EpochUnit {
    /// All units, the longest first.
    pub const ALL: [Self; 4] = [Self::Second, Self::Milli, Self::Micro, Self::Nano];

    /// The unit in which `stamp` is a plausible time.
    ///
    /// The limits 10^11, 10^14 and 10^17 are the same instant-free gaps for every unit: for years 1990 to 2100 seconds stay below
    /// 4.2 * 10^9, milliseconds lie within 6.3 * 10^11 to 4.2 * 10^12, and so on, so the classes are two decades apart.
    pub fn of(stamp: i64) -> Self {
        match stamp.unsigned_abs() {
            0..100_000_000_000 => Self::Second,
            100_000_000_000..100_000_000_000_000 => Self::Milli,
            100_000_000_000_000..100_000_000_000_000_000 => Self::Micro,
            _ => Self::Nano,
        }
    }

    /// Length of the unit in ns.
    pub fn ns(self) -> i64 {
        match self {
            Self::Second => 1_000_000_000,
            Self::Milli => 1_000_000,
            Self::Micro => 1_000,
            Self::Nano => 1,
        }
    }
}

/// As its place among all units.
impl Carry for EpochUnit {
    fn save(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let at = input.u8("the unit of times")?;
        *self = *Self::ALL.get(usize::from(at)).ok_or_else(|| input.invalid("the unit of times"))?;
        Ok(())
    }
}

/// `stamp` in ns, with the unit it was recognised in; [`NO_TIME`] if it does not fit.
pub fn to_ns(stamp: i64) -> (i64, EpochUnit) {
    let unit = EpochUnit::of(stamp);
    (stamp.checked_mul(unit.ns()).unwrap_or(NO_TIME), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_recognised_by_magnitude() {
        for (stamp, unit) in [
            (1_723_161_255, EpochUnit::Second),
            (1_723_161_255_208, EpochUnit::Milli),
            (1_723_161_255_208_123, EpochUnit::Micro),
            (1_723_161_255_208_123_456, EpochUnit::Nano),
            (631_152_000, EpochUnit::Second),
            (4_102_444_800_000_000_000, EpochUnit::Nano),
        ] {
            assert_eq!(EpochUnit::of(stamp), unit, "{stamp}");
        }
        assert_eq!(to_ns(1_723_161_255_208), (1_723_161_255_208_000_000, EpochUnit::Milli));
        assert_eq!(to_ns(99_999_999_999).0, NO_TIME);
        assert_eq!(to_ns(i64::MIN), (i64::MIN, EpochUnit::Nano));
    }
}
