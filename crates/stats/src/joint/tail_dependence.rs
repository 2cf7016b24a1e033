//! How often two columns are extreme together.

use super::Complete;
use super::by_number::ByNumber;
use super::ranks::Ranks;
use super::scale::{check_pairs, parameter};
use crate::classic::Tail;
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Rows that must lie beyond a quantile, were they spread evenly.
const TAIL_ROWS_MIN: f64 = 20.0;
const NUMBERS_MAX: usize = 256;

/// `lambda_U(q) = P(V > q | U > q)` and `lambda_L(q) = P(V <= 1 - q | U <= 1 - q)` of pairs of columns, U and V their places in the
/// law of their own side; the effect is the largest difference. Independent columns have `1 - q`, equal ones 1.
///
/// Equal values share their places evenly (the checkerboard copula), so that where the quantile lies on a value taken by many rows
/// they count in part, and `P(U > q)` is `1 - q` whatever the ties; a column of one value is independent of all. The influence of a
/// row has a term for each quantile, whose slope `P(V > q | U = q)` is taken over `q - h` to `q + h`, `h = (1 - q) / 2`.
///
/// # Source
/// Joe (1997), section 2.1.10; Schmidt and Stadtmueller (2006). Checkerboard: Genest, Neslehova and Remillard (2014).
#[derive(Debug, Clone, PartialEq)]
pub struct TailDependence {
    pairs: Vec<(usize, usize)>,
    /// Tail and q.
    tails: Vec<(Tail, f64)>,
}

impl TailDependence {
    /// Of these pairs of columns, in these tails. Numbers are read pair by pair, then tail by tail.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for pairs as in [`super::RankDependence::new`], a q outside 0.5 to 1, or more than 256 numbers.
    pub fn new(pairs: Vec<(usize, usize)>, tails: Vec<(Tail, f64)>) -> Result<Self, JudgingError> {
        check_pairs(&pairs)?;
        if let Some((_, q)) = tails.iter().find(|(_, q)| !(*q >= 0.5 && *q < 1.0)) {
            return Err(parameter("q", q, "0.5 <= q < 1"));
        }
        if tails.is_empty() || pairs.len() * tails.len() > NUMBERS_MAX {
            return Err(parameter("tails", tails.len(), "at least one tail, at most 256 numbers"));
        }
        Ok(Self { pairs, tails })
    }

    fn of_side(&self, rows: &Rows, side: Side) -> Result<Reading, JudgingError> {
        let numbers = self.pairs.len() * self.tails.len();
        let mut reading = ByNumber::new(rows.len(), numbers);
        for &(x, y) in &self.pairs {
            let complete = Complete::of(rows, &[x, y], 1, side)?;
            let (x, y) = (Ranks::of(rows, &complete, x), Ranks::of(rows, &complete, y));
            for &(tail, q) in &self.tails {
                if complete.places.len() as f64 * (1.0 - q) < TAIL_ROWS_MIN - 1e-6 {
                    return Err(JudgingError::Undefined { side, reason: "too few rows lie beyond the quantile" });
                }
                let weights: Vec<f64> = complete.places.iter().map(|i| rows.weights[*i] / complete.share).collect();
                let (value, scores) = lambda(&weights, (&x, &y), tail, q);
                reading.push(|out| {
                    complete.places.iter().zip(scores).for_each(|(i, score)| out[*i] = score / complete.share);
                    Ok(value)
                })?;
            }
        }
        Ok(reading.finish())
    }
}

impl PanelStatistic for TailDependence {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        Ok([self.of_side(golden, Side::Golden)?, self.of_side(candidate, Side::Candidate)?])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn domain(&self) -> u64 {
        103
    }
}

/// Both tails as an upper one: the places of a group, counted from the other end for a lower tail.
fn places(ranks: &Ranks, group: usize, tail: Tail) -> (f64, f64) {
    let (low, high) = ranks.interval(group);
    if tail == Tail::Upper { (low, high) } else { (1.0 - high, 1.0 - low) }
}

/// The share of each row's places that lies between two places.
fn within(ranks: &Ranks, tail: Tail, from: f64, to: f64) -> Vec<f64> {
    let share = |group: usize| {
        let (low, high) = places(ranks, group, tail);
        if high > low { ((high.min(to) - low.max(from)) / (high - low)).clamp(0.0, 1.0) } else { 0.0 }
    };
    let of_groups: Vec<f64> = (0..ranks.spans.len()).map(share).collect();
    ranks.group.iter().map(|group| of_groups[*group]).collect()
}

/// The number and each row's influence.
fn lambda(weights: &[f64], (x, y): (&Ranks, &Ranks), tail: Tail, q: f64) -> (f64, Vec<f64>) {
    let (beyond, half) = (1.0 - q, 0.5 * (1.0 - q));
    let (u, v) = (within(x, tail, q, 1.0), within(y, tail, q, 1.0));
    let mean = |a: &[f64], b: &[f64]| -> f64 { weights.iter().zip(a.iter().zip(b)).map(|(w, (a, b))| w * a * b).sum() };
    let joint = mean(&u, &v);
    let slope = |near: Vec<f64>, other: &[f64]| (mean(&near, other) / (2.0 * half)).clamp(0.0, 1.0);
    let slope_x = slope(within(x, tail, q - half, q + half), &v);
    let slope_y = slope(within(y, tail, q - half, q + half), &u);
    // The weighted means of u and v are 1 - q exactly, so that of the scores is 0.
    let scores =
        u.iter().zip(&v).map(|(u, v)| (u * v - joint - slope_x * (u - beyond) - slope_y * (v - beyond)) / beyond);
    ((joint / beyond).clamp(0.0, 1.0), scores.collect())
}
