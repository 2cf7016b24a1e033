//! The empirical copula of pairs of columns, compared between two sides.

use super::Complete;
use super::by_number::ByNumber;
use super::ranks::Ranks;
use super::scale::{check_pairs, parameter};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Rows below which nothing is said.
const ROWS_MIN: usize = 8;
const NUMBERS_MAX: usize = 256;

/// Copulas of pairs of columns, each side's of its own marginals, as means over the cells of a grid; the effect is the root of the
/// mean square difference over cells and pairs.
///
/// It nears `sqrt(integral of (C - D)^2 du dv)` from below as cells shrink: the Cramer-von Mises distance of Remillard and Scaillet,
/// whose statistic is its square times `n m / (n + m)`. Equal values share their places evenly (the checkerboard copula). A cell mean
/// is smooth in the law, so the influence of a row, with what it does to both marginals, is exact: the term of a marginal is the
/// partial derivative of the copula, averaged over the cell. Independent columns against equal ones make 0.105 (the integral: 1/90).
///
/// # Source
/// Remillard and Scaillet (2009), "Testing for equality between two copulas"; Genest, Neslehova and Remillard (2014).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copula {
    pairs: Vec<(usize, usize)>,
    /// Cells in each direction.
    cells: usize,
}

impl Copula {
    /// Cells in each direction that are wide enough for some hundred rows and fine enough for tails of a tenth.
    pub const CELLS: usize = 5;

    /// Of these pairs of columns. Numbers are read pair by pair, then by the cell of the first and of the second column.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for pairs as in [`super::RankDependence::new`], fewer than 2 cells, or more than 256 numbers.
    pub fn new(pairs: Vec<(usize, usize)>, cells: usize) -> Result<Self, JudgingError> {
        check_pairs(&pairs)?;
        if !(2..=NUMBERS_MAX).contains(&cells) || pairs.len() * cells * cells > NUMBERS_MAX {
            return Err(parameter("cells", cells, "at least 2 cells a side, at most 256 numbers"));
        }
        Ok(Self { pairs, cells })
    }

    fn of_side(&self, rows: &Rows, side: Side) -> Result<Reading, JudgingError> {
        let cells = self.cells * self.cells;
        let numbers = self.pairs.len() * cells;
        let mut reading = ByNumber::new(rows.len(), numbers);
        for &(x, y) in &self.pairs {
            let complete = Complete::of(rows, &[x, y], ROWS_MIN, side)?;
            let weights: Vec<f64> = complete.places.iter().map(|i| rows.weights[*i] / complete.share).collect();
            let marginal = |column| Marginal::new(Ranks::of(rows, &complete, column), &weights, self.cells);
            let (x, y) = (marginal(x), marginal(y));
            for cell in 0..cells {
                let (c, d) = (cell / self.cells, cell % self.cells);
                let (a, b) = (x.below(c), y.below(d));
                let mean: f64 = weights.iter().zip(a.iter().zip(b)).map(|(w, (a, b))| w * a * b).sum();
                let (through_x, through_y) = (x.moved(c, b), y.moved(d, a));
                reading.push(|out| {
                    for (at, &i) in complete.places.iter().enumerate() {
                        let marginals = through_x[x.ranks.group[at]] + through_y[y.ranks.group[at]];
                        out[i] = (a[at] * b[at] - mean - marginals) / complete.share;
                    }
                    Ok(mean)
                })?;
            }
        }
        Ok(reading.finish())
    }
}

impl PanelStatistic for Copula {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        Ok([self.of_side(golden, Side::Golden)?, self.of_side(candidate, Side::Candidate)?])
    }

    fn norm(&self, golden: &Reading) -> PanelNorm {
        PanelNorm::Root(vec![1.0 / golden.values.len() as f64; golden.values.len()])
    }

    fn domain(&self) -> u64 {
        104
    }
}

/// A column's places and what share of each row lies below the cells.
struct Marginal<'a> {
    ranks: Ranks,
    weights: &'a [f64],
    cells: usize,
    /// Cell by cell, for each row the mean over the cell of the share of its places below.
    below: Vec<f64>,
}

impl<'a> Marginal<'a> {
    fn new(ranks: Ranks, weights: &'a [f64], cells: usize) -> Self {
        let mut below = Vec::with_capacity(cells * ranks.group.len());
        for cell in 0..cells {
            let (from, to) = bounds(cell, cells);
            let of_group = |group: usize| {
                let (low, high) = ranks.interval(group);
                if high > low { (ramp(high, from, to) - ramp(low, from, to)) / (high - low) } else { 0.0 }
            };
            let of_groups: Vec<f64> = (0..ranks.spans.len()).map(of_group).collect();
            below.extend(ranks.group.iter().map(|group| of_groups[*group]));
        }
        Self { ranks, weights, cells, below }
    }

    fn below(&self, cell: usize) -> &[f64] {
        let n = self.ranks.group.len();
        &self.below[cell * n..(cell + 1) * n]
    }

    /// What a row of each group takes from the number by lifting the places above its own and lowering those below: the mean over
    /// the cell of `(share of the row below s) - s` times `E[other | place s]`.
    fn moved(&self, cell: usize, other: &[f64]) -> Vec<f64> {
        let (from, to) = bounds(cell, self.cells);
        let groups = self.ranks.spans.len();
        let mut means = vec![0.0; groups];
        for (at, (group, w)) in self.ranks.group.iter().zip(self.weights).enumerate() {
            means[*group] += w * other[at];
        }
        // The integrals over the part of each group inside the cell: of 1, of s and of the share of the group below s.
        let (mut whole, mut own, mut centre) = (vec![0.0; groups], vec![0.0; groups], 0.0);
        for group in 0..groups {
            let (low, high) = self.ranks.interval(group);
            let (a, b) = (low.max(from), high.min(to));
            if !(b > a && high > low) {
                continue;
            }
            let mean = means[group] / (high - low);
            let middle = 0.5 * (a + b);
            whole[group] = mean * (b - a);
            own[group] = whole[group] * (middle - low) / (high - low);
            centre += whole[group] * middle;
        }
        let mut above = 0.0;
        for group in (0..groups).rev() {
            own[group] += above - centre;
            above += whole[group];
        }
        own.iter().map(|v| v / (to - from)).collect()
    }
}

fn bounds(cell: usize, cells: usize) -> (f64, f64) {
    (cell as f64 / cells as f64, (cell + 1) as f64 / cells as f64)
}

/// The integral from 0 to s of the mean over a cell of `1{s <= u}`: 1 before it, falling to 0 at its end.
fn ramp(s: f64, from: f64, to: f64) -> f64 {
    if s <= from {
        return s;
    }
    let inside = s.min(to) - from;
    from + inside - 0.5 * inside * inside / (to - from)
}

/// The most rows a side that the exact form takes: every `step`-th beyond.
const SAMPLE_MAX: usize = 2_000;

/// The Cramer-von Mises distance of two empirical copulas, exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct CopulaDistance {
    /// `integral of (C - D)^2`.
    pub squared: f64,
    /// Remillard and Scaillet's statistic, `squared / (1/n + 1/m)`.
    pub statistic: f64,
    /// Rows of each side.
    pub rows: [usize; 2],
}

/// The distance of the copulas of several columns from mid-ranks over `n + 1` (which ties share), `O(n m d)`; of more than 2,000 rows a
/// side every second, third, .. one. Weights of rows are not used.
///
/// # Errors
/// [`JudgingError::Undefined`] for fewer than 2 complete rows, [`JudgingError::Parameter`] for fewer than 2 columns or one twice.
pub fn copula_exact(golden: &Rows, candidate: &Rows, columns: &[usize]) -> Result<CopulaDistance, JudgingError> {
    super::scale::check_columns(columns, 2)?;
    let x = pseudo_observations(golden, columns, Side::Golden)?;
    let y = pseudo_observations(candidate, columns, Side::Candidate)?;
    let dims = columns.len();
    let overlap = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(1.0, |product, (a, b)| product * (1.0 - a.max(*b)));
    let mean = |a: &[f64], b: &[f64]| -> f64 {
        let rows = a.chunks_exact(dims).map(|r| b.chunks_exact(dims).map(|s| overlap(r, s)).sum::<f64>());
        rows.sum::<f64>() / (a.len() / dims) as f64 / (b.len() / dims) as f64
    };
    let squared = (mean(&x, &x) - 2.0 * mean(&x, &y) + mean(&y, &y)).max(0.0);
    let rows = [x.len() / dims, y.len() / dims];
    let statistic = squared / (1.0 / rows[0] as f64 + 1.0 / rows[1] as f64);
    Ok(CopulaDistance { squared, statistic, rows })
}

/// Row-major, of a bounded sample.
fn pseudo_observations(rows: &Rows, columns: &[usize], side: Side) -> Result<Vec<f64>, JudgingError> {
    let mut complete = Complete::of(rows, columns, 2, side)?;
    complete.thin(SAMPLE_MAX);
    let n = complete.places.len();
    let mut out = vec![0.0; n * columns.len()];
    let mut equal = rows.clone();
    equal.weights.fill(1.0);
    for (k, column) in columns.iter().enumerate() {
        let ranks = Ranks::of(&equal, &complete, *column);
        for (at, group) in ranks.group.iter().enumerate() {
            let span = &ranks.spans[*group];
            // Places are counted from 0: the mean rank of a group is the middle of its places, plus 1/2.
            out[at * columns.len() + k] = 0.5 * (span.start + span.end + 1) as f64 / (n + 1) as f64;
        }
    }
    Ok(out)
}
