//! Sums over windows at every edge, a noise block at a time.
//!
//! Between the keys that a block's windows hold nothing changes, and a block holds few of the keys of all: sums are formed at
//! its own keys alone and handed on as runs of edges with one value.

use core::ops::Range;

use fearless_simd::{Level, dispatch};

use super::arrange::{Arm, Arrangement};
use super::noise::{Block, Cosines, NoiseModel};
use super::table::Table;

/// Windows of one side with the sign they count with: 1, or candidate minus golden for pairs.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) sign: f64,
    pub(crate) table: &'a Table,
    pub(crate) arm: &'a Arm,
}

/// A set of columns, read in ascending order.
pub(crate) struct Touched(Vec<u64>);

impl Touched {
    pub(crate) fn new(columns: usize) -> Self {
        Self(vec![0; columns.div_ceil(64)])
    }

    #[inline(always)]
    pub(crate) fn insert(&mut self, column: usize) {
        self.0[column / 64] |= 1 << (column % 64);
    }

    /// Removes all columns and hands them to `visit`, ascending.
    #[inline(always)]
    pub(crate) fn drain(&mut self, mut visit: impl FnMut(usize)) {
        for (i, word) in self.0.iter_mut().enumerate() {
            let mut bits = core::mem::take(word);
            while bits != 0 {
                visit(64 * i + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }
}

/// What windows add at one column: to their law, and to each projection.
#[derive(Clone, Copy)]
struct Added<const L: usize> {
    law: f64,
    lanes: [f64; L],
}

/// Room for the sums of one block after the other.
pub(crate) struct BlockSums<const L: usize> {
    touched: Touched,
    /// One array a side; all zero between blocks.
    added: Vec<Vec<Added<L>>>,
}

impl<const L: usize> BlockSums<L> {
    pub(crate) fn new(sides: usize, columns: usize) -> Self {
        let nothing = Added { law: 0.0, lanes: [0.0; L] };
        Self { touched: Touched::new(columns), added: vec![vec![nothing; columns]; sides] }
    }

    /// `sum_w c(w) r_w(x)` of one block, `r_w` the residuals about the block's law, for `L` weightings `c` at once; each run of
    /// edges with its values. Edges before the block's first key are left out: there the sums are 0. Every lane adds in the
    /// same order, whatever lies beside it.
    pub(crate) fn visit(
        &mut self,
        sides: &[Signed<'_>],
        block: Range<usize>,
        weights: impl Fn(usize) -> [f64; L],
        visit: impl FnMut(Range<usize>, [f64; L]),
    ) {
        // Wider registers hold more lanes; what is added, and in which order, is the same.
        dispatch!(Level::new(), _ => self.visit_block(sides, block, weights, visit));
    }

    #[inline(always)]
    fn visit_block(
        &mut self,
        sides: &[Signed<'_>],
        block: Range<usize>,
        weights: impl Fn(usize) -> [f64; L],
        mut visit: impl FnMut(Range<usize>, [f64; L]),
    ) {
        let totals: Vec<(f64, [f64; L])> =
            sides.iter().enumerate().map(|(i, side)| self.add(i, side, block.clone(), &weights)).collect();
        let columns = self.added.first().map_or(0, Vec::len);
        // Law and sums of each side up to the edge; two sides at most.
        let mut sums = [Added { law: 0.0, lanes: [0.0; L] }; 2];
        let (mut from, mut values) = (columns, [0.0; L]);
        let added = &mut self.added;
        self.touched.drain(
            #[inline(always)]
            |column| {
                if from < column {
                    visit(from..column, values);
                }
                from = column;
                values = [0.0; L];
                for (((side, (share, messages)), added), sum) in
                    sides.iter().zip(&totals).zip(added.iter_mut()).zip(&mut sums)
                {
                    let Some(here) = added.get_mut(column) else { continue };
                    let here = core::mem::replace(here, Added { law: 0.0, lanes: [0.0; L] });
                    sum.law += here.law;
                    let law = (sum.law / share).min(1.0);
                    for lane in 0..L {
                        sum.lanes[lane] += here.lanes[lane];
                        values[lane] += side.sign * (sum.lanes[lane] - law * messages[lane]);
                    }
                }
            },
        );
        if from < columns {
            visit(from..columns, values);
        }
    }

    /// Adds a side's windows; returns the block's share of the side's law, and its messages in each weighting.
    #[inline(always)]
    fn add(
        &mut self,
        i: usize,
        side: &Signed<'_>,
        block: Range<usize>,
        weights: &impl Fn(usize) -> [f64; L],
    ) -> (f64, [f64; L]) {
        let (added, touched) = (&mut self.added[i], &mut self.touched);
        let (mut share, mut messages) = (0.0, [0.0; L]);
        for (offset, w) in block.enumerate() {
            let placed = &side.arm.windows[w];
            let weights = weights(offset).map(|weight| weight * placed.omega);
            for (column, count) in side.table.cells(w) {
                let count = count as f64;
                let here = &mut added[column];
                here.law += placed.omega * count;
                for (sum, weight) in here.lanes.iter_mut().zip(weights) {
                    *sum += weight * count;
                }
                touched.insert(column);
            }
            share += placed.omega * placed.count as f64;
            for (sum, weight) in messages.iter_mut().zip(weights) {
                *sum += weight * placed.count as f64;
            }
        }
        (share, messages)
    }
}

/// Cosines of a block that are projected in one pass over its cells.
const LANES: usize = 4;

/// `sum_k E_k(x)^2` at every edge but the last: the variance of a part of the error.
pub(crate) fn variances(sides: &[Signed<'_>], model: &NoiseModel, columns: usize) -> Vec<f64> {
    let mut variance = StepSum::new(columns);
    let mut sums = BlockSums::<LANES>::new(sides.len(), columns);
    for block in &model.blocks {
        let table = Cosines::new(block.windows.len());
        for (group, first) in block.scales.chunks(LANES).zip((block.first..).step_by(LANES)) {
            let at = |w| core::array::from_fn(|lane| if lane < group.len() { table.at(first + lane, w) } else { 0.0 });
            sums.visit(sides, block.windows.clone(), at, |run, values| {
                let scaled = values.iter().zip(group).map(|(v, scale)| v * scale);
                variance.add(run, scaled.fold(0.0, |sum, v| sum + v * v));
            });
            variance.end();
        }
    }
    let mut variance = variance.finish();
    variance.truncate(columns.saturating_sub(1));
    variance
}

/// Columns of a tile, which the fastest memory holds.
const TILE: usize = 4096;
/// Steps that are held back.
const STEPS_MAX: usize = 1 << 20;

/// The sum of step functions of the columns, one after the other, each from its first step to the last column. Where the columns are
/// many, functions are held back and added a tile of columns at a time, in the same order: what is added at a column is the same.
struct StepSum {
    sum: Vec<f64>,
    /// Where steps begin, and the values from there on.
    steps: Vec<(u32, f64)>,
    /// Where the steps of each function end.
    ends: Vec<usize>,
}

impl StepSum {
    fn new(columns: usize) -> Self {
        Self { sum: vec![0.0; columns], steps: Vec::new(), ends: Vec::new() }
    }

    /// The next step of a function.
    #[inline(always)]
    fn add(&mut self, run: Range<usize>, value: f64) {
        match u32::try_from(run.start) {
            Ok(start) if self.sum.len() > TILE => self.steps.push((start, value)),
            _ => self.sum[run].iter_mut().for_each(|sum| *sum += value),
        }
    }

    /// The end of a function.
    fn end(&mut self) {
        if self.sum.len() > TILE {
            self.ends.push(self.steps.len());
        }
        if self.steps.len() >= STEPS_MAX {
            self.add_held();
        }
    }

    fn add_held(&mut self) {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        // Of each function the next step, and the value before it.
        let mut states: Vec<(usize, f64)> = starts.zip(&self.ends).map(|(start, _)| (start, 0.0)).collect();
        let mut first = 0;
        for tile in self.sum.chunks_mut(TILE) {
            let last = first + tile.len();
            for ((at, value), end) in states.iter_mut().zip(&self.ends) {
                let mut from = first;
                while let Some(&(start, next)) = self.steps[..*end].get(*at).filter(|step| (step.0 as usize) < last) {
                    let start = start as usize;
                    tile[from - first..start - first].iter_mut().for_each(|sum| *sum += *value);
                    (from, *value) = (start, next);
                    *at += 1;
                }
                tile[from - first..].iter_mut().for_each(|sum| *sum += *value);
            }
            first = last;
        }
        self.steps.clear();
        self.ends.clear();
    }

    fn finish(mut self) -> Vec<f64> {
        self.add_held();
        self.sum
    }
}

/// Adds `sum_k u_k E_k(x)` over the rows of the error at every edge to `out`.
///
/// That is a weighed sum of the windows' `S_w`: what a block's law takes off is itself one. So all blocks are summed at once.
pub(crate) fn add_combination(sides: &[Signed<'_>], model: &NoiseModel, u: &[f64], out: &mut [f64]) {
    let mut added = vec![0.0; out.len()];
    let mut of_cosines = model.places().map(|(row, sign)| sign * u.get(row).copied().unwrap_or(0.0));
    let mut own = Vec::new();
    for Block { windows: block, first, scales, .. } in &model.blocks {
        let table = Cosines::new(block.len());
        own.clear();
        own.extend(of_cosines.by_ref().take(scales.len()));
        let cosines = || (*first..).zip(scales).zip(&own);
        let weight = |w| cosines().fold(0.0, |sum, ((k, scale), u)| sum + u * scale * table.at(k, w));
        let weights: Vec<f64> = (0..block.len()).map(weight).collect();
        for side in sides {
            let windows = || side.arm.windows[block.clone()].iter().zip(&weights);
            let share: f64 = windows().map(|(placed, _)| placed.omega * placed.count as f64).sum();
            let messages: f64 = windows().map(|(placed, weight)| weight * placed.omega * placed.count as f64).sum();
            for ((placed, weight), w) in windows().zip(block.clone()) {
                let factor = side.sign * placed.omega * (weight - messages / share);
                for (column, count) in side.table.cells(w) {
                    added[column] += factor * count as f64;
                }
            }
        }
    }
    let mut sum = 0.0;
    for (value, added) in out.iter_mut().zip(added) {
        sum += added;
        *value += sum;
    }
}

/// How often both sides hold each key, and their laws.
pub(crate) struct Laws {
    /// Per column, golden and candidate.
    pub(crate) counts: [Vec<u64>; 2],
    /// At every edge but the last.
    pub(crate) golden: Vec<f64>,
    pub(crate) candidate: Vec<f64>,
    /// Candidate minus golden.
    pub(crate) delta: Vec<f64>,
}

impl Laws {
    /// Both laws, standardised to the golden's mix of labels, and their difference. The difference is taken label by label, so that
    /// equal strata give exactly 0.
    pub(crate) fn new(arrangement: &Arrangement, tables: [&Table; 2], columns: usize) -> Self {
        let arms = [&arrangement.golden, &arrangement.candidate];
        let mut totals = [(); 2].map(|()| vec![0_u64; columns]);
        let [mut golden, mut candidate, mut delta] = [(); 3].map(|()| vec![0.0; columns]);
        let mut touched = Touched::new(columns);
        let mut counts = vec![[0_u64; 2]; columns];
        for (label, weight) in arrangement.label_weights.iter().enumerate() {
            for (side, (table, arm)) in tables.iter().zip(arms).enumerate() {
                for (w, _) in arm.windows.iter().enumerate().filter(|(_, placed)| placed.label == label) {
                    for (column, count) in table.cells(w) {
                        counts[column][side] += count;
                        touched.insert(column);
                    }
                }
            }
            let [n_g, n_c] = arms.map(|arm| arm.label_counts[label] as f64);
            let mut fill = |run: Range<usize>, sums: [u64; 2]| {
                let (law_g, law_c) = (sums[0] as f64 / n_g, sums[1] as f64 / n_c);
                let (add_g, add_c, add_d) = (weight * law_g, weight * law_c, weight * (law_c - law_g));
                for ((g, c), d) in golden[run.clone()].iter_mut().zip(&mut candidate[run.clone()]).zip(&mut delta[run])
                {
                    *g += add_g;
                    *c += add_c;
                    *d += add_d;
                }
            };
            let (mut from, mut sums) = (0, [0_u64; 2]);
            touched.drain(|column| {
                fill(from..column, sums);
                from = column;
                let here = core::mem::take(&mut counts[column]);
                sums = [sums[0] + here[0], sums[1] + here[1]];
                for (total, here) in totals.iter_mut().zip(here) {
                    total[column] += here;
                }
            });
            fill(from..columns, sums);
        }
        let edges = columns.saturating_sub(1);
        for law in [&mut golden, &mut candidate, &mut delta] {
            law.truncate(edges);
        }
        Self { counts: totals, golden, candidate, delta }
    }

    /// The laws of sides whose windows are pairs of equal ones: the labels weigh both alike, so that what is left is the law of all.
    pub(crate) fn of_equal(counts: Vec<u64>) -> Self {
        let total: u64 = counts.iter().sum();
        let mut below = 0_u64;
        let law = counts.iter().map(|n| {
            below += n;
            below as f64 / total as f64
        });
        let mut law: Vec<f64> = law.collect();
        law.pop();
        let nothing = vec![0.0; law.len()];
        Self { counts: [counts.clone(), counts], golden: law.clone(), candidate: law, delta: nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Functions of few and many steps, over several tiles, beside a sum column by column.
    #[test]
    fn step_functions_add_up_at_every_column() {
        for columns in [1, 7, TILE, TILE + 1, 3 * TILE + 17] {
            let (mut sum, mut want) = (StepSum::new(columns), vec![0.0; columns]);
            for f in 0..40_usize {
                let stride = 1 + (f * f * 37) % 900;
                let starts: Vec<usize> = (f * 13 % columns..columns).step_by(stride).collect();
                for (i, start) in starts.iter().enumerate() {
                    let run = *start..starts.get(i + 1).copied().unwrap_or(columns);
                    let value = 1.0 / (1 + f + i) as f64;
                    want[run.clone()].iter_mut().for_each(|want| *want += value);
                    sum.add(run, value);
                }
                sum.end();
                if f % 11 == 10 {
                    sum.add_held();
                }
            }
            let found = sum.finish();
            assert_eq!(
                found.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
                want.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
            );
        }
    }
}
