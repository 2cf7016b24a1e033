//! Stretches of time, for figures: what each holds, and how far it is from the golden.

use super::Side;
use super::comparison::Comparison;
use super::edges::Touched;

/// Neighbouring windows of one side, pooled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PooledStretch {
    /// Its number, as the caller counts stretches.
    pub index: i64,
    /// Windows in it.
    pub windows: usize,
    /// (key, count), ascending.
    pub cells: Vec<(i64, u64)>,
}

/// Neighbouring windows of one side, and how far they are from the golden.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StretchDistance {
    /// Its number, as the caller counts stretches.
    pub index: i64,
    /// Windows in it.
    pub windows: usize,
    /// Observations in them.
    pub count: u64,
    /// Kolmogorov-Smirnov distance from the law of all of the golden's compared windows.
    pub distance: f64,
}

impl Comparison {
    /// The compared windows of a side pooled by stretch of time, ascending: `stretch_of` maps the id of a window.
    pub fn pooled_stretches(&self, side: Side, stretch_of: impl Fn(i64) -> i64) -> Vec<PooledStretch> {
        let mut stretches = Vec::new();
        self.pool(side, stretch_of, |index, windows, cells| {
            let mut own = Vec::new();
            cells.drain(|column, count| own.push((self.keys[column], count)));
            stretches.push(PooledStretch { index, windows: windows.len(), cells: own });
        });
        stretches
    }

    /// How far each stretch of a side is from all of the golden, ascending: as [`super::Law::distance`] has it.
    pub fn distances_of_stretches(&self, side: Side, stretch_of: impl Fn(i64) -> i64) -> Vec<StretchDistance> {
        // Share of the golden's observations below each column, and of all.
        let total = self.messages_of(Side::Golden);
        let mut sum = 0;
        let share = |count: u64| {
            sum += count;
            sum as f64 / total as f64
        };
        let below: Vec<f64> = core::iter::once(0).chain(self.counts[0].iter().copied()).map(share).collect();
        let arm = self.side(side).1;
        let mut stretches = Vec::new();
        self.pool(side, stretch_of, |index, windows, cells| {
            let count: u64 = windows.iter().map(|(_, w)| arm.windows[*w].count).sum();
            let (mut sum, mut before, mut distance) = (0, 0.0_f64, 0.0_f64);
            cells.drain(|column, n| {
                sum += n;
                let after = sum as f64 / count as f64;
                if let Some([left, right]) = below.get(column..column + 2) {
                    distance = distance.max((left - before).abs()).max((right - after).abs());
                }
                before = after;
            });
            stretches.push(StretchDistance { index, windows: windows.len(), count, distance });
        });
        stretches
    }

    /// Hands out each stretch: its number, its windows after their number, and what they hold together, which must be drained.
    fn pool(
        &self,
        side: Side,
        stretch_of: impl Fn(i64) -> i64,
        mut visit: impl FnMut(i64, &[(i64, usize)], &mut Pooled),
    ) {
        let (table, arm) = self.side(side);
        let mut order: Vec<(i64, usize)> =
            arm.windows.iter().enumerate().map(|(w, placed)| (stretch_of(placed.id), w)).collect();
        order.sort_unstable();
        let columns = self.keys.len();
        let mut pooled = Pooled { counts: vec![0; columns], touched: Touched::new(columns) };
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            for (_, w) in group {
                for (column, count) in table.cells(*w) {
                    pooled.counts[column] += count;
                    pooled.touched.insert(column);
                }
            }
            visit(group[0].0, group, &mut pooled);
        }
    }
}

/// Counts of a stretch by column.
struct Pooled {
    counts: Vec<u64>,
    touched: Touched,
}

impl Pooled {
    /// Hands out all (column, count), ascending, and starts anew.
    #[inline(always)]
    fn drain(&mut self, mut visit: impl FnMut(usize, u64)) {
        let counts = &mut self.counts;
        self.touched.drain(|column| visit(column, core::mem::take(&mut counts[column])));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Design, Law, Options, Window};
    use super::*;
    use crate::histogram::Cells;

    #[test]
    fn distances_are_those_of_pooled_stretches_from_the_golden() {
        let side = |seed: u64| -> Vec<Cells> {
            let cell = |w: u64, i: u64| ((7 * i * i + 3 * w * seed) as i64 % 41, 1 + (i * w + seed) % 9);
            let of_window = |w| (0..9).map(|i| cell(w, i)).collect::<std::collections::BTreeMap<_, _>>();
            (0..40).map(|w| Cells::pack(&of_window(w).into_iter().collect::<Vec<_>>())).collect()
        };
        let (golden, candidate) = (side(1), side(5));
        let windows =
            |cells: &'static [Cells]| (0..).zip(cells).map(|(id, cells)| Window::new(id, cells)).collect::<Vec<_>>();
        let (golden, candidate) = (windows(golden.leak()), windows(candidate.leak()));
        let comparison = Comparison::new(&golden, &candidate, Design::Independent, &Options::default()).unwrap();
        let whole = Law::new(&comparison.pooled(Side::Golden));
        for side in [Side::Golden, Side::Candidate] {
            let found = comparison.distances_of_stretches(side, |id| id.div_euclid(7));
            let pooled = comparison.pooled_stretches(side, |id| id.div_euclid(7));
            assert_eq!(found.len(), 6);
            for (found, pooled) in found.iter().zip(&pooled) {
                assert_eq!((found.index, found.windows), (pooled.index, pooled.windows));
                assert_eq!(found.count, pooled.cells.iter().map(|(_, n)| n).sum::<u64>());
                assert_eq!(Some(found.distance.to_bits()), whole.distance(&pooled.cells).map(f64::to_bits));
            }
        }
    }
}
