//! Keys on a grid as small numbers: multiples of a step, or cells of a coarse float lattice.

use crate::divisor::Divisor;

/// A grid that keys lie on: `base + step * q`, or on a sticky one perhaps one more (the lowest bit of a float lattice's open cells).
/// Positions ascend with their keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Positions {
    base: i64,
    /// 1 on a sticky grid, where each step has two positions.
    odd: u64,
    step: Divisor,
    /// Steps from the base that have positions. None of them leaves 64 bits, so that quotients below are those of multiples.
    limit: u64,
}

impl Positions {
    /// At most `most` positions from `base` on, or on a sticky grid from the even number below; `step` is above zero, and above one
    /// on a sticky grid.
    pub(super) fn new(base: i64, step: u64, is_sticky: bool, most: u64) -> Self {
        let odd = u64::from(is_sticky);
        let base = base & !(odd as i64);
        let last = i64::MAX.wrapping_sub(base) as u64 / step;
        let limit = (most >> odd).min(last.saturating_add(1));
        Self { base, odd, step: Divisor::new(step), limit }
    }

    /// The same grid with fewer positions.
    pub(super) fn at_most(self, most: u64) -> Self {
        Self { limit: self.limit.min(most >> self.odd), ..self }
    }

    /// Positions, all below this number.
    #[inline]
    pub(super) fn end(self) -> u64 {
        self.limit << self.odd
    }

    /// How far the positions of two keys are apart whose distance is this multiple of the step; none if it is no multiple.
    #[inline]
    pub(super) fn stride(self, distance: u64) -> Option<u64> {
        self.step.divides(distance).then(|| self.step.quotient(distance) << self.odd)
    }

    /// Whether its positions are those of packed cells with this shift, but for where they begin.
    #[inline]
    pub(super) fn has_cells_of(self, shift: u8) -> bool {
        self.odd == 1 && self.step.value() == 1 << (shift % 64)
    }

    /// The position of a key; none if it is not on the grid, or beyond the last position.
    #[inline(always)]
    pub(super) fn of(self, key: i64) -> Option<usize> {
        let distance = key.wrapping_sub(self.base) as u64;
        let sticky = distance & self.odd;
        let steps = self.step.quotient(distance - sticky);
        (steps < self.limit).then_some((steps << self.odd | sticky) as usize)
    }

    /// The key at a position.
    #[inline]
    pub(super) fn key(self, position: usize) -> i64 {
        let position = position as u64;
        let distance = self.step.value() * (position >> self.odd) + (position & self.odd);
        self.base.wrapping_add(distance as i64)
    }
}
