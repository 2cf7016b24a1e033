//! One side's windows as sparse rows over a shared grid of edges, and the dense features the recipe works on.

use core::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

use super::arrange::Arm;
use super::noise::{Cosines, Matrix, NoiseModel};
use super::{JudgingError, Side, Window};
use crate::histogram::{Cells, Slots, take};
use crate::state::put_u64;

/// Sparse counts of one side's placed windows; columns are indices into the sorted union of both sides' keys.
///
/// Packed, since a table of a busy stream would be the largest thing in memory: per cell the distance to the column before, less
/// one, and "count above one" in one varint, the count less two in another if so.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    starts: Vec<usize>,
    bytes: Vec<u8>,
}

/// Checks one side's windows and returns the message count of each.
pub(crate) fn window_counts(windows: &[Window<'_>], side: Side) -> Result<Vec<u64>, JudgingError> {
    let mut total = 0_u64;
    windows
        .iter()
        .map(|window| {
            let count = window.cells.count();
            let sum = total.checked_add(count).filter(|n| *n <= 1 << 53);
            total = sum.ok_or(JudgingError::TooManyMessages { side })?;
            Ok(count)
        })
        .collect()
}

/// The sorted union of the keys of both sides' placed windows, and how often each was seen.
pub(crate) struct Columns {
    slots: Arc<Slots>,
    /// Per column, golden and candidate.
    pub(crate) counts: [Vec<u64>; 2],
}

impl Columns {
    /// `identical`: the windows are pairs of equal ones, so that one side tells both.
    pub(crate) fn new(sides: [(&Arm, &[Window<'_>]); 2], identical: bool) -> Self {
        let sides = if identical { &sides[..1] } else { &sides[..] };
        let cells = sides.iter().flat_map(|(arm, windows)| arm.windows.iter().map(|p| &*windows[p.source].cells));
        let mut slots = Slots::over(cells);
        let mut counts: Vec<[u64; 2]> = Vec::new();
        for (side, (arm, windows)) in sides.iter().enumerate() {
            for placed in &arm.windows {
                for (key, count) in windows[placed.source].cells.iter() {
                    let slot = slots.slot(key);
                    if slot == counts.len() {
                        counts.push([0; 2]);
                    }
                    counts[slot][side] += count;
                }
            }
        }
        let order = slots.sort();
        let of = |side: usize| order.iter().map(|slot| counts[*slot as usize][side]).collect();
        let counts = [of(0), of(usize::from(!identical))];
        Self { slots: Arc::new(slots), counts }
    }

    /// The keys, ascending.
    pub(crate) fn keys(&self) -> &[i64] {
        self.slots.keys()
    }
}

/// A table that is made when it is first looked at: sides of equal windows are judged without one.
#[derive(Debug, Clone)]
pub(crate) struct LazyTable {
    table: OnceLock<Table>,
    windows: Vec<Cells>,
    slots: Arc<Slots>,
}

impl LazyTable {
    /// The placed windows of a side whose keys `columns` holds.
    pub(crate) fn new(arm: &Arm, windows: &[Window<'_>], columns: &Columns) -> Self {
        let windows = arm.windows.iter().map(|placed| windows[placed.source].cells.clone().into_owned()).collect();
        Self { table: OnceLock::new(), windows, slots: Arc::clone(&columns.slots) }
    }
}

impl Deref for LazyTable {
    type Target = Table;

    fn deref(&self) -> &Table {
        self.table.get_or_init(|| Table::new(self.windows.iter(), &self.slots))
    }
}

impl Table {
    fn new<'a>(windows: impl Iterator<Item = &'a Cells>, slots: &Slots) -> Self {
        let mut table = Self { starts: vec![0], bytes: Vec::new() };
        for cells in windows {
            let mut next = 0;
            for (key, count) in cells {
                let column = slots.known(key) as u64;
                // Keys ascend, and so do their columns.
                let code = (column - next) << 1 | u64::from(count > 1);
                next = column + 1;
                if code < 0x80 {
                    table.bytes.push(code as u8)
                } else {
                    put_u64(&mut table.bytes, code)
                }
                if count > 1 {
                    put_u64(&mut table.bytes, count - 2);
                }
            }
            table.starts.push(table.bytes.len());
        }
        table.bytes.shrink_to_fit();
        table
    }

    /// The non-empty cells of window `w`: (column, count), by column.
    #[inline]
    pub(crate) fn cells(&self, w: usize) -> impl Iterator<Item = (usize, u64)> + '_ {
        let mut rest = &self.bytes[self.starts[w]..self.starts[w + 1]];
        let mut next = 0;
        core::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let code = take(&mut rest);
            let column = next + (code >> 1) as usize;
            next = column + 1;
            Some((column, if code & 1 == 0 { 1 } else { take(&mut rest) + 2 }))
        })
    }

    /// Counts of each column over the windows `keep` selects.
    pub(crate) fn pooled(&self, columns: usize, keep: impl Fn(usize) -> bool) -> Vec<u64> {
        let mut sums = vec![0; columns];
        for w in (0..self.starts.len() - 1).filter(|w| keep(*w)) {
            for (column, count) in self.cells(w) {
                sums[column] += count;
            }
        }
        sums
    }

    /// `S_w(x)`: values of window `w` at or below each of the ascending `edges` (columns).
    pub(crate) fn cumulative(&self, edges: &[usize]) -> Matrix {
        let windows = self.starts.len() - 1;
        let mut out = Matrix::zeros(windows, edges.len());
        for w in 0..windows {
            let mut cells = self.cells(w).peekable();
            let mut sum = 0_u64;
            for (value, edge) in out.row_mut(w).iter_mut().zip(edges) {
                while let Some((_, count)) = cells.next_if(|(column, _)| column <= edge) {
                    sum += count;
                }
                *value = sum as f64;
            }
        }
        out
    }

    /// `sum over x in cell i of S_w(x) mu_x`, cells being runs of edges (`cell_of[x]`, ascending), for each window.
    pub(crate) fn integrals(&self, mass: &[f64], cell_of: &[usize], cells: usize) -> Matrix {
        let windows = self.starts.len() - 1;
        let mut cell_mass = vec![0.0; cells];
        // Mass of the rest of the cell from x on, x included.
        let mut rest = vec![0.0; mass.len()];
        for x in (0..mass.len()).rev() {
            cell_mass[cell_of[x]] += mass[x];
            rest[x] = cell_mass[cell_of[x]];
        }
        let mut out = Matrix::zeros(windows, cells);
        let mut inside = vec![0.0; cells];
        for w in 0..windows {
            inside.fill(0.0);
            let row = out.row_mut(w);
            for (column, count) in self.cells(w).filter(|(column, _)| *column < mass.len()) {
                inside[cell_of[column]] += count as f64;
                row[cell_of[column]] += count as f64 * rest[column];
            }
            let mut below = 0.0;
            for i in 0..cells {
                row[i] += below * cell_mass[i];
                below += inside[i];
            }
        }
        out
    }

    /// `sum count * score` of each window, scores per column.
    pub(crate) fn weighted(&self, scores: &[f64]) -> Matrix {
        let windows = self.starts.len() - 1;
        let data = (0..windows).map(|w| self.cells(w).map(|(x, n)| n as f64 * scores[x]).sum()).collect();
        Matrix { columns: 1, data }
    }

    /// Counts of each window in the bins `edges` cut: one more bin than edges.
    pub(crate) fn bins(&self, edges: &[usize]) -> Matrix {
        let windows = self.starts.len() - 1;
        let mut out = Matrix::zeros(windows, edges.len() + 1);
        for w in 0..windows {
            let row = out.row_mut(w);
            for (column, count) in self.cells(w) {
                row[edges.partition_point(|edge| *edge < column)] += count as f64;
            }
        }
        out
    }
}

/// Law of each noise block on every edge; one row a block.
struct BlockLaws(Matrix);

impl BlockLaws {
    fn new(table: &Table, arm: &Arm, columns: usize) -> Self {
        let mut laws = Matrix::zeros(arm.blocks.len(), columns);
        for (b, range) in arm.blocks.iter().enumerate() {
            let row = laws.row_mut(b);
            let mut weight = 0.0;
            for w in range.clone() {
                let omega = arm.windows[w].omega;
                for (column, count) in table.cells(w) {
                    row[column] += omega * count as f64;
                }
                weight += omega * arm.windows[w].count as f64;
            }
            cumulate(row);
            for v in row.iter_mut() {
                *v = (*v / weight).min(1.0);
            }
            if let Some(last) = row.last_mut() {
                *last = 1.0;
            }
        }
        Self(laws)
    }
}

fn cumulate(row: &mut [f64]) {
    let mut sum = 0.0;
    for v in row {
        sum += *v;
        *v = sum;
    }
}

/// Cosines of a block that are projected in one pass over its cells.
const LANES: usize = 4;
type Lanes = [f64; LANES];

/// `sum_w C_k(w) r_w(x)` of one noise block at every edge, for a few k at once: one pass over the block's cells and one
/// prefix sum. Every lane adds in the same order, whatever lies beside it.
fn edge_projection(
    (table, arm): (&Table, &Arm),
    law: &[f64],
    range: Range<usize>,
    cosines: impl Fn(usize) -> Lanes,
    out: &mut [Lanes],
) {
    out.fill([0.0; LANES]);
    let mut messages = [0.0; LANES];
    for (offset, w) in range.enumerate() {
        let placed = &arm.windows[w];
        let weights = cosines(offset).map(|cosine| cosine * placed.omega);
        for (column, count) in table.cells(w) {
            let count = count as f64;
            for (sum, weight) in out[column].iter_mut().zip(weights) {
                *sum += weight * count;
            }
        }
        for (sum, weight) in messages.iter_mut().zip(weights) {
            *sum += weight * placed.count as f64;
        }
    }
    let mut sums = [0.0; LANES];
    for (at_edge, law) in out.iter_mut().zip(law) {
        for lane in 0..LANES {
            sums[lane] += at_edge[lane];
            at_edge[lane] = sums[lane] - law * messages[lane];
        }
    }
}

/// All rows `E_k(x)` at every edge, one after the other, handed to `visit`. `signed` lists the tables that make up the
/// residual: one side with sign 1, or candidate minus golden for pairs.
pub(crate) fn visit_edge_rows(
    signed: &[(f64, &Table, &Arm)],
    model: &NoiseModel,
    columns: usize,
    mut visit: impl FnMut(&[f64]),
) {
    let laws: Vec<BlockLaws> = signed.iter().map(|(_, table, arm)| BlockLaws::new(table, arm, columns)).collect();
    let mut rows = vec![[0.0; LANES]; columns];
    let mut part = vec![[0.0; LANES]; columns];
    let mut row = vec![0.0; columns];
    for (block, (range, cosines, kappa)) in model.blocks.iter().enumerate() {
        let scale = libm::sqrt(kappa / *cosines as f64);
        let table_of_cosines = Cosines::new(range.len());
        for first in (1..=*cosines).step_by(LANES) {
            rows.fill([0.0; LANES]);
            for ((sign, table, arm), laws) in signed.iter().zip(&laws) {
                // Lanes beyond the last cosine are computed and not looked at.
                let at = |w| core::array::from_fn(|lane| table_of_cosines.at(first + lane, w));
                edge_projection((table, arm), laws.0.row(block), range.clone(), at, &mut part);
                for (total, value) in rows.iter_mut().zip(&part) {
                    for lane in 0..LANES {
                        total[lane] += sign * value[lane];
                    }
                }
            }
            for lane in 0..LANES.min(cosines + 1 - first) {
                for (value, lanes) in row.iter_mut().zip(&rows) {
                    *value = lanes[lane] * scale;
                }
                visit(&row);
            }
        }
    }
}

/// Residuals of additive window features about their noise block's law: `omega_w (f_w - law n_w)`.
pub(crate) fn residuals(features: &Matrix, arm: &Arm) -> Matrix {
    let mut out = Matrix::zeros(features.rows(), features.columns);
    let mut law = vec![0.0; features.columns];
    for range in &arm.blocks {
        law.fill(0.0);
        let mut weight = 0.0;
        for w in range.clone() {
            let placed = &arm.windows[w];
            for (total, value) in law.iter_mut().zip(features.row(w)) {
                *total += placed.omega * value;
            }
            weight += placed.omega * placed.count as f64;
        }
        for v in &mut law {
            *v /= weight;
        }
        for w in range.clone() {
            let placed = &arm.windows[w];
            let n = placed.count as f64;
            for ((r, value), centre) in out.row_mut(w).iter_mut().zip(features.row(w)).zip(&law) {
                *r = placed.omega * (value - centre * n);
            }
        }
    }
    out
}

/// Candidate minus golden, window by window.
pub(crate) fn paired_residuals(golden: &Matrix, candidate: &Matrix) -> Matrix {
    let data = candidate.data.iter().zip(&golden.data).map(|(c, g)| c - g).collect();
    Matrix { columns: golden.columns, data }
}
