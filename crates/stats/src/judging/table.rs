//! One side's windows as sparse rows over a shared grid of edges, and the dense features the recipe works on.

use core::ops::{Deref, Range};
use std::sync::OnceLock;

use super::arrange::Arm;
use super::noise::Matrix;
use super::{JudgingError, Side, Window};
use crate::histogram::{Cells, Ranks, Rows};

/// Sparse counts of one side's placed windows; columns are indices into the sorted union of both sides' keys.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    rows: Rows,
    /// `S_w` at some edges that are asked for again and again, of all windows.
    steps: OnceLock<Steps>,
}

/// `S_w` at ascending edges, a row a window.
#[derive(Debug, Clone)]
struct Steps {
    edges: Vec<usize>,
    sums: Matrix,
}

/// Numbers of steps that are kept: 8 MiB a side. More would not fit into fast memory, and are counted where they are needed.
const STEPS_MOST: usize = 1 << 20;

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

/// The sorted union of the keys of both sides' placed windows, with the tables of both.
pub(crate) fn tables(sides: [(&Arm, &[Window<'_>]); 2]) -> (Vec<i64>, [LazyTable; 2]) {
    let (keys, rows) = Rows::of(sides.map(|(arm, windows)| placed(arm, windows)));
    (keys, rows.map(|rows| LazyTable { table: OnceLock::from(Table::new(rows)), windows: Vec::new() }))
}

/// Those of pairs of equal windows, with how often each key was seen: one side tells both, and its table is seldom looked at.
pub(crate) fn table_of_equal(arm: &Arm, windows: &[Window<'_>]) -> (Vec<i64>, Vec<u64>, LazyTable) {
    let (keys, counts) = Ranks::count(placed(arm, windows)).into_iter().unzip();
    let windows = placed(arm, windows).cloned().collect();
    (keys, counts, LazyTable { table: OnceLock::new(), windows })
}

/// The cells of a side's placed windows.
fn placed<'a>(arm: &'a Arm, windows: &'a [Window<'_>]) -> impl Iterator<Item = &'a Cells> + Clone {
    arm.windows.iter().map(|placed| &*windows[placed.source].cells)
}

/// A table; for sides of equal windows, which are judged without one, it is made when it is first looked at.
#[derive(Debug, Clone)]
pub(crate) struct LazyTable {
    table: OnceLock<Table>,
    /// Empty where the table was made at once.
    windows: Vec<Cells>,
}

impl Deref for LazyTable {
    type Target = Table;

    fn deref(&self) -> &Table {
        self.table.get_or_init(|| {
            let (_, [rows]) = Rows::of([self.windows.iter()]);
            Table::new(rows)
        })
    }
}

impl Steps {
    /// The same at some of the edges, of some windows; `None` where one is not among them.
    fn at(&self, edges: &[usize], windows: Range<usize>) -> Option<Matrix> {
        let columns = self.edges.len();
        let rows = &self.sums.data[windows.start * columns..windows.end * columns];
        if edges == self.edges {
            return Some(Matrix { columns, data: rows.to_vec() });
        }
        let mut all = self.edges.iter().enumerate();
        let places: Vec<usize> =
            edges.iter().map(|edge| all.find(|(_, own)| *own == edge).map(|(at, _)| at)).collect::<Option<_>>()?;
        let data = rows.chunks_exact(columns.max(1)).flat_map(|row| places.iter().map(|at| row[*at])).collect();
        Some(Matrix { columns: places.len(), data })
    }
}

impl Table {
    fn new(rows: Rows) -> Self {
        Self { rows, steps: OnceLock::new() }
    }

    /// The windows.
    pub(crate) fn windows(&self) -> usize {
        self.rows.len()
    }

    /// Counts the steps at these ascending edges at once, since they, or some of them, will be asked for several times.
    pub(crate) fn keep_steps(&self, edges: &[usize]) {
        if self.windows() * edges.len() <= STEPS_MOST {
            self.steps.get_or_init(|| Steps { edges: edges.to_vec(), sums: self.steps(edges, 0..self.windows()) });
        }
    }

    /// The non-empty cells of window `w`: (column, count), by column.
    #[inline(always)]
    pub(crate) fn cells(&self, w: usize) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.rows.cells(w)
    }

    /// `S_w(x)`: values of each of some windows at or below each of the ascending `edges` (columns).
    pub(crate) fn cumulative(&self, edges: &[usize], windows: Range<usize>) -> Matrix {
        let kept = self.steps.get().and_then(|steps| steps.at(edges, windows.clone()));
        kept.unwrap_or_else(|| self.steps(edges, windows))
    }

    fn steps(&self, edges: &[usize], windows: Range<usize>) -> Matrix {
        let mut out = Matrix::zeros(windows.len(), edges.len());
        for (i, w) in windows.enumerate() {
            let row = out.row_mut(i);
            let (mut sum, mut next) = (0_u64, 0);
            for (column, count) in self.cells(w) {
                while edges.get(next).is_some_and(|edge| *edge < column) {
                    row[next] = sum as f64;
                    next += 1;
                }
                sum += count;
            }
            row[next..].fill(sum as f64);
        }
        out
    }

    /// `sum over x in cell i of S_w(x) mu_x` for each of some windows.
    pub(crate) fn integrals(&self, measure: &Measure, windows: Range<usize>) -> Matrix {
        let Measure { cell_of, cell_mass, rest, .. } = measure;
        let cells = cell_mass.len();
        let mut out = Matrix::zeros(windows.len(), cells);
        let mut inside = vec![0.0; cells];
        for (i, w) in windows.enumerate() {
            inside.fill(0.0);
            let row = out.row_mut(i);
            for (column, count) in self.cells(w) {
                let (Some(cell), Some(rest)) = (cell_of.get(column), rest.get(column)) else { break };
                let (Some(inside), Some(sum)) = (inside.get_mut(*cell), row.get_mut(*cell)) else { break };
                *inside += count as f64;
                *sum += count as f64 * rest;
            }
            let mut below = 0.0;
            for i in 0..cells {
                row[i] += below * cell_mass[i];
                below += inside[i];
            }
        }
        out
    }

    /// `sum count * score` of each of some windows, scores per column.
    pub(crate) fn weighted(&self, scores: &[f64], windows: Range<usize>) -> Matrix {
        let data = windows.map(|w| self.cells(w).map(|(x, n)| n as f64 * scores[x]).sum()).collect();
        Matrix { columns: 1, data }
    }

    /// Counts of each of some windows in the bins `edges` cut: one more bin than edges.
    pub(crate) fn bins(&self, edges: &[usize], windows: Range<usize>) -> Matrix {
        let mut out = Matrix::zeros(windows.len(), edges.len() + 1);
        for (i, w) in windows.enumerate() {
            let row = out.row_mut(i);
            let mut bin = 0;
            for (column, count) in self.cells(w) {
                while edges.get(bin).is_some_and(|edge| *edge < column) {
                    bin += 1;
                }
                row[bin] += count as f64;
            }
        }
        out
    }
}

/// A mass for every edge, in cells that are runs of edges.
#[derive(Debug, Clone)]
pub(crate) struct Measure {
    pub(crate) mass: Vec<f64>,
    /// The cell of each edge, ascending.
    pub(crate) cell_of: Vec<usize>,
    pub(crate) cell_mass: Vec<f64>,
    /// Mass of the rest of the cell from each edge on, it included.
    rest: Vec<f64>,
}

impl Measure {
    /// In the cells that ascending edges cut, each with its last.
    pub(crate) fn new(mass: Vec<f64>, edges: &[usize]) -> Self {
        let mut cell = 0;
        let cell_of = (0..mass.len()).map(|x| {
            while edges.get(cell).is_some_and(|edge| *edge < x) {
                cell += 1;
            }
            cell
        });
        let cell_of: Vec<usize> = cell_of.collect();
        let (mut cell_mass, mut rest) = (vec![0.0; edges.len() + 1], vec![0.0; mass.len()]);
        for x in (0..mass.len()).rev() {
            cell_mass[cell_of[x]] += mass[x];
            rest[x] = cell_mass[cell_of[x]];
        }
        Self { mass, cell_of, cell_mass, rest }
    }
}

/// Residuals of additive window features about their noise block's law: `omega_w (f_w - law n_w)`.
pub(crate) fn residuals(features: &Matrix, arm: &Arm) -> Matrix {
    let mut out = features.clone();
    for block in &arm.blocks {
        let rows = block.start * out.columns..block.end * out.columns;
        let columns = out.columns;
        centre(&mut out.data[rows], columns, arm, block);
    }
    out
}

/// Turns features of a block's windows, row after row, into residuals about its law.
pub(crate) fn centre(features: &mut [f64], columns: usize, arm: &Arm, block: &Range<usize>) {
    let placed = &arm.windows[block.clone()];
    let mut law = vec![0.0; columns];
    let mut weight = 0.0;
    for (placed, row) in placed.iter().zip(features.chunks_exact(columns.max(1))) {
        for (total, value) in law.iter_mut().zip(row) {
            *total += placed.omega * value;
        }
        weight += placed.omega * placed.count as f64;
    }
    for v in &mut law {
        *v /= weight;
    }
    for (placed, row) in placed.iter().zip(features.chunks_exact_mut(columns.max(1))) {
        let n = placed.count as f64;
        for (value, centre) in row.iter_mut().zip(&law) {
            *value = placed.omega * (*value - centre * n);
        }
    }
}

/// Candidate minus golden, window by window.
pub(crate) fn paired_residuals(golden: &Matrix, candidate: &Matrix) -> Matrix {
    let data = candidate.data.iter().zip(&golden.data).map(|(c, g)| c - g).collect();
    Matrix { columns: golden.columns, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_steps_are_those_that_would_be_counted() {
        let windows: Vec<Cells> = [vec![(1, 2), (4, 1), (9, 5)], vec![(2, 7)], vec![(1, 1), (2, 2), (5, 3), (9, 1)]]
            .iter()
            .map(|c| Cells::pack(c))
            .collect();
        let (keys, [rows]) = Rows::of([windows.iter()]);
        assert_eq!(keys, [1, 2, 4, 5, 9]);
        let (plain, kept) = (Table::new(rows.clone()), Table::new(rows));
        kept.keep_steps(&[0, 2, 3]);
        // All of the edges, some, none, and others.
        for edges in [&[0, 2, 3][..], &[2], &[0, 3], &[], &[1, 2], &[0, 2, 3, 4]] {
            for range in [0..3, 1..2, 2..3, 1..1] {
                let [want, got] = [&plain, &kept].map(|table| table.cumulative(edges, range.clone()));
                assert_eq!((want.columns, &want.data), (got.columns, &got.data), "{edges:?} {range:?}");
            }
        }
        assert_eq!(kept.cumulative(&[0, 3], 0..3).data, [2.0, 3.0, 0.0, 7.0, 1.0, 6.0]);
    }
}
