//! Small mergeable measures: the common divisor of prices, the median gap of book updates.

use crate::observe::rate::COUNT_MAX;
use verismo_stats::divisor::Divisor;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// The greatest common divisor of the values seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gcd(Divisor);

impl Gcd {
    /// Adds a value above zero.
    #[inline]
    pub(super) fn add(&mut self, value: i64) {
        self.0 = self.0.gcd(value.unsigned_abs());
    }

    /// Adds values of at least zero; of zero everything is a divisor.
    #[inline]
    pub(super) fn add_all(&mut self, values: &[i64]) {
        let are_multiples = values.iter().fold(true, |are, value| are & self.0.divides(value.unsigned_abs()));
        if !are_multiples {
            values.iter().for_each(|&value| self.add(value));
        }
    }

    /// 0 if nothing was added.
    pub(super) fn value(&self) -> i64 {
        i64::try_from(self.0.value()).unwrap_or(i64::MAX)
    }
}

impl Carry for Gcd {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.value().save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut value = 0;
        value.load(input)?;
        self.0 = Divisor::new(value);
        Ok(())
    }
}

/// Gaps counted one by one; 4,096 ms cover every cadence of a public feed on a ms clock.
const EXACT: usize = 4096;
/// Cells per power of two beyond.
const CELLS: usize = 64;

/// The distribution of gaps between book updates, in steps of the clock.
#[derive(Debug, Clone)]
pub(in crate::observe) struct Cadence {
    clock_ns: i64,
    exact: Vec<u64>,
    coarse: Vec<u64>,
    n: u64,
}

impl Cadence {
    pub(in crate::observe) fn new(clock_ns: i64) -> Self {
        Self { clock_ns, exact: Vec::new(), coarse: Vec::new(), n: 0 }
    }

    /// Adds a gap of at least zero, a multiple of the clock.
    #[inline]
    pub(super) fn add(&mut self, gap_ns: i64) {
        let steps = if self.clock_ns == 1 { gap_ns } else { gap_ns / self.clock_ns }.unsigned_abs();
        self.n += 1;
        // Cells are made when they are needed: there may be thousands of streams without an update.
        let (cells, at, n_cells) = match usize::try_from(steps) {
            Ok(steps) if steps < EXACT => (&mut self.exact, steps, EXACT),
            _ => (&mut self.coarse, cell(steps), 64 * CELLS),
        };
        if cells.is_empty() {
            cells.resize(n_cells, 0);
        }
        cells[at] += 1;
    }

    /// Takes what was counted.
    pub(super) fn cut(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.clock_ns))
    }

    /// Adds what another has counted, with the same clock.
    pub(in crate::observe) fn merge(&mut self, other: Self) {
        self.n = self.n.saturating_add(other.n);
        for (own, theirs) in [(&mut self.exact, other.exact), (&mut self.coarse, other.coarse)] {
            if own.is_empty() {
                *own = theirs;
            } else {
                own.iter_mut().zip(theirs).for_each(|(own, n)| *own = own.saturating_add(n));
            }
        }
    }

    /// The lower median; beyond the exact range the lower end of its cell.
    pub(in crate::observe) fn median_ns(&self) -> Option<i64> {
        let mut n_below = 0;
        let is_median = |n: &u64| {
            n_below += n;
            *n > 0 && 2 * n_below >= self.n
        };
        let at = self.exact.iter().chain(&self.coarse).position(is_median)?;
        let steps = if at < self.exact.len() { at as u64 } else { lower_end(at - self.exact.len()) };
        i64::try_from(steps).ok()?.checked_mul(self.clock_ns)
    }
}

/// As the gaps that occurred, with their numbers.
impl Carry for Cadence {
    fn save(&self, out: &mut Vec<u8>) {
        let occurred = |cells: &[u64]| -> Vec<(usize, u64)> {
            cells.iter().copied().enumerate().filter(|(_, n)| *n > 0).collect()
        };
        (self.clock_ns, occurred(&self.exact), occurred(&self.coarse)).save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut fields = (0, Vec::<(usize, u64)>::new(), Vec::<(usize, u64)>::new());
        fields.load(input)?;
        *self = Self::new(fields.0);
        for (cells, occurred, n_cells) in [(&mut self.exact, fields.1, EXACT), (&mut self.coarse, fields.2, 64 * CELLS)]
        {
            if !occurred.is_empty() {
                cells.resize(n_cells, 0);
            }
            for (at, n) in occurred {
                *cells.get_mut(at).ok_or_else(|| input.invalid("a gap of updates"))? = n;
                let total = self.n.checked_add(n).filter(|n| *n <= COUNT_MAX);
                self.n = total.ok_or_else(|| input.invalid("a number of gaps"))?;
            }
        }
        Ok(())
    }
}

/// The log-linear cell of at least [`CELLS`] steps: exponent and the six bits after the leading one.
fn cell(steps: u64) -> usize {
    let exponent = 63 - steps.leading_zeros();
    exponent as usize * CELLS + ((steps >> (exponent - 6)) as usize & (CELLS - 1))
}

fn lower_end(cell: usize) -> u64 {
    let (exponent, mantissa) = (cell / CELLS, cell % CELLS);
    ((CELLS + mantissa) as u64) << exponent.saturating_sub(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_is_the_common_divisor() {
        let mut tick = Gcd::default();
        assert_eq!(tick.value(), 0);
        tick.add(6_000_000);
        tick.add(6_000_000);
        assert_eq!(tick.value(), 6_000_000);
        tick.add(9_000_000);
        assert_eq!(tick.value(), 3_000_000);
        tick.add(1);
        tick.add(500);
        assert_eq!(tick.value(), 1);
    }

    #[test]
    fn the_median_gap_is_exact_for_usual_cadences_and_near_for_others() {
        let mut cadence = Cadence::new(1_000_000);
        assert_eq!(cadence.median_ns(), None);
        for gap_ms in [100, 100, 101, 99, 5_000, 100] {
            cadence.add(gap_ms * 1_000_000);
        }
        assert_eq!(cadence.median_ns(), Some(100_000_000));
        let mut slow = Cadence::new(1);
        for gap_ns in [100_000_000, 250_000_000, 3_000_000_000] {
            slow.add(gap_ns);
        }
        let median = slow.median_ns().unwrap();
        assert!(median <= 250_000_000 && median as f64 > 250_000_000.0 * (1.0 - 1.0 / 64.0), "{median}");
    }

    #[test]
    fn a_cell_holds_its_lower_end() {
        for steps in [4096u64, 4097, 70_000, 1 << 40, u64::MAX] {
            let lower = lower_end(cell(steps));
            assert!(lower <= steps && cell(lower) == cell(steps), "{steps}: {lower}");
        }
    }
}
