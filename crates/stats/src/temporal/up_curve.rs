//! How often a price rises, given where another number stood before.

use super::means::empty_reading;
use super::spacing::{Spacing, column_of};
use super::{Undefined, finite};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Rows of a bin below which nothing is said.
const ROWS_MIN: usize = 20;
const TOO_FEW: &str = "fewer than 20 rows of a bin tell the move after them";

/// P(the price rises over the next steps | bin of a number before them), bin by bin: of a price's column and one of order flow or of
/// imbalance. The effect is the largest difference.
///
/// The edges of the bins are quantiles of the golden, for both sides: at 1/K, 2/K, .. of its rows. Where many rows share a value, so that
/// a bin would hold less than half of its share, it goes into the next one, and its own number is 0 on both sides.
///
/// # Source
/// Gould and Bonart (2016), "Queue imbalance as a one-tick-ahead price predictor in a limit order book". The influence of a row on
/// `P(up | B)` is `(up - P(up | B)) / P(B)`; a row of the golden moves the edges too, by `(F(e) - 1{x <= e}) / f(e)`, and with them the
/// numbers of both sides, which cancels for equal laws. Densities at an edge are shares between the golden's quantiles a quarter of a bin
/// away; an edge on a value that holds half of that does not move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpCurve {
    price: usize,
    regressor: usize,
    spacing: Spacing,
    lead: usize,
    bins: usize,
}

/// Rows whose number and whose price some steps later are known.
struct Moves {
    /// Each row at which a move ends, the number before it, and whether it goes up.
    moves: Vec<(usize, f64, bool)>,
    /// Their weight among all rows.
    share: f64,
}

/// What one side finds in the bins.
struct Shares {
    /// P(bin).
    mass: Vec<f64>,
    /// P(up | bin).
    up: Vec<f64>,
}

/// An edge that a little more weight of a golden row moves: its value, the golden's share at or below it, the bins on both sides of it
/// and the quantiles around.
struct Edge {
    at: f64,
    below: f64,
    bins: [usize; 2],
    around: (f64, f64),
}

impl UpCurve {
    /// The bins where a suite gives no number.
    pub const BINS: usize = 5;

    /// Whether column `price` is higher `lead` steps after a row, given the row's column `regressor` in one of `bins` bins. At least
    /// one step and two bins are taken, and at most 32 bins.
    pub fn new(price: usize, regressor: usize, spacing: Spacing, lead: usize, bins: usize) -> Self {
        Self { price, regressor, spacing, lead: lead.max(1), bins: bins.clamp(2, 32) }
    }

    fn moves(&self, rows: &Rows) -> Result<Moves, Undefined> {
        let (prices, x) = (column_of(rows, self.price), column_of(rows, self.regressor));
        let back = self.spacing.back(rows, self.lead);
        let of = |(i, before): (usize, Option<usize>)| {
            let j = before?;
            let is_known = !(x[j].is_nan() || prices[i].is_nan() || prices[j].is_nan());
            is_known.then(|| (i, x[j], prices[i] > prices[j]))
        };
        let moves: Vec<_> = back.into_iter().enumerate().filter_map(of).collect();
        let share: f64 = moves.iter().map(|(i, ..)| rows.weights[*i]).sum();
        if share > 0.0 { Ok(Moves { moves, share }) } else { Err(Undefined(TOO_FEW)) }
    }

    /// Upper ends of all bins but the last, of the golden, and those of them that move.
    fn edges(&self, rows: &Rows, golden: &Moves) -> (Vec<f64>, Vec<Edge>) {
        let mut sorted: Vec<(f64, f64)> =
            golden.moves.iter().map(|(i, x, _)| (*x, rows.weights[*i] / golden.share)).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut below = 0.0;
        // Values in order, each with the share at or below it; what rounding leaves of a share stays on its side.
        let law: Vec<(f64, f64)> = sorted
            .iter()
            .map(|(x, weight)| {
                below += weight;
                (*x, below + 1e-12)
            })
            .collect();
        let quantile = |q: f64| law[law.partition_point(|(_, below)| *below < q).min(law.len() - 1)].0;
        let up_to = |x: f64| law.partition_point(|(v, _)| *v <= x).checked_sub(1).map_or(0.0, |i| law[i].1 - 1e-12);
        let width = 1.0 / self.bins as f64;
        let mut edges: Vec<f64> = (1..self.bins).map(|k| quantile(k as f64 * width)).collect();
        let mut last = (f64::NEG_INFINITY, 0.0);
        for edge in &mut edges {
            if up_to(*edge) - last.1 < 0.5 * width {
                *edge = last.0;
            }
            last = (*edge, up_to(*edge));
        }
        for edge in edges.iter_mut().rev() {
            if 1.0 - up_to(*edge) >= 0.5 * width {
                break;
            }
            *edge = f64::INFINITY;
        }
        let moving = |k: usize| {
            let (at, q) = (edges[k], up_to(edges[k]));
            let bin = |above: bool| edges.partition_point(|e| if above { *e <= at } else { *e < at });
            let half = 0.25 * width;
            let around = (quantile(q - half), quantile(q + half));
            let own = up_to(at) - up_to(at.next_down());
            let is_first = k == 0 || edges[k - 1] < at;
            (is_first && at.is_finite() && own < half).then(|| Edge {
                at,
                below: q,
                bins: [bin(false), bin(true)],
                around,
            })
        };
        let moving = (0..edges.len()).filter_map(moving).collect();
        (edges, moving)
    }

    /// The numbers of a side with the influence of its rows at fixed edges. A bin that the golden leaves empty has none.
    fn of_side(
        &self,
        rows: &Rows,
        moves: &Moves,
        edges: &[f64],
        is_empty: impl Fn(usize) -> bool,
    ) -> Result<(Reading, Shares), Undefined> {
        let mut counts = vec![0_usize; self.bins];
        let (mut mass, mut up) = (vec![0.0; self.bins], vec![0.0; self.bins]);
        for (i, x, is_up) in &moves.moves {
            let (bin, weight) = (bin_of(edges, *x), rows.weights[*i] / moves.share);
            counts[bin] += 1;
            mass[bin] += weight;
            up[bin] += if *is_up { weight } else { 0.0 };
        }
        for bin in 0..self.bins {
            if is_empty(bin) {
                (mass[bin], up[bin]) = (0.0, 0.0);
                continue;
            }
            if counts[bin] < ROWS_MIN || mass[bin] <= 0.0 {
                return Err(Undefined(TOO_FEW));
            }
            up[bin] /= mass[bin];
        }
        let mut reading = empty_reading(rows, up.clone());
        for (i, x, is_up) in &moves.moves {
            let bin = bin_of(edges, *x);
            if mass[bin] > 0.0 {
                let own = f64::from(u8::from(*is_up)) - up[bin];
                reading.scores[i * self.bins + bin] = own / (mass[bin] * moves.share);
            }
        }
        Ok((reading, Shares { mass, up }))
    }
}

fn bin_of(edges: &[f64], x: f64) -> usize {
    edges.partition_point(|edge| *edge < x)
}

/// What a share more of the golden at or below an edge adds to the numbers of a side in the bins below and above it.
fn slopes(rows: &Rows, moves: &Moves, shares: &Shares, edge: &Edge, near_golden: f64) -> [f64; 2] {
    let (near, near_up) = near(rows, moves, edge);
    edge.bins.map(|bin| {
        let sign = if bin == edge.bins[0] { 1.0 } else { -1.0 };
        if shares.mass[bin] > 0.0 {
            sign * (near_up - shares.up[bin] * near) / (near_golden * shares.mass[bin])
        } else {
            0.0
        }
    })
}

/// The share of a side between the quantiles around an edge, and of those that go up.
fn near(rows: &Rows, moves: &Moves, edge: &Edge) -> (f64, f64) {
    let (low, high) = edge.around;
    let mut sums = (0.0, 0.0);
    for (i, x, is_up) in &moves.moves {
        if *x > low && *x <= high {
            sums.0 += rows.weights[*i] / moves.share;
            sums.1 += if *is_up { rows.weights[*i] / moves.share } else { 0.0 };
        }
    }
    sums
}

impl PanelStatistic for UpCurve {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let at = |side| move |Undefined(reason)| JudgingError::Undefined { side, reason };
        let moves = self.moves(golden).map_err(at(Side::Golden))?;
        let others = self.moves(candidate).map_err(at(Side::Candidate))?;
        let (edges, moving) = self.edges(golden, &moves);
        let mut filled = vec![false; self.bins];
        moves.moves.iter().for_each(|(_, x, _)| filled[bin_of(&edges, *x)] = true);
        let is_empty = |bin: usize| !filled[bin];
        let (mut first, own) = self.of_side(golden, &moves, &edges, is_empty).map_err(at(Side::Golden))?;
        let (second, other) = self.of_side(candidate, &others, &edges, is_empty).map_err(at(Side::Candidate))?;
        for edge in &moving {
            let (near_golden, _) = near(golden, &moves, edge);
            if near_golden <= 0.0 {
                continue;
            }
            let own = slopes(golden, &moves, &own, edge, near_golden);
            let other = slopes(candidate, &others, &other, edge, near_golden);
            for (i, x, _) in &moves.moves {
                let moved = (edge.below - if *x <= edge.at { 1.0 } else { 0.0 }) / moves.share;
                for (k, bin) in edge.bins.into_iter().enumerate() {
                    first.scores[i * self.bins + bin] += (own[k] - other[k]) * moved;
                }
            }
        }
        Ok([finite(first).map_err(at(Side::Golden))?, finite(second).map_err(at(Side::Candidate))?])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn is_ordered(&self) -> bool {
        true
    }

    /// Curves of two numbers are judged with replicates of their own.
    fn domain(&self) -> u64 {
        300 + self.regressor as u64
    }
}
