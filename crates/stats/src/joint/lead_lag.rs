//! Correlation of one column with another some steps later.

use super::by_number::ByNumber;
use super::scale::{Axis, NO_SPREAD, check_pairs, finite, parameter};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Joined rows below which nothing is said.
const ROWS_MIN: usize = 8;
const NUMBERS_MAX: usize = 512;

/// `corr(x_t, y_{t + k})` for `k` from `-K` to `K` steps, of pairs of columns; the effect is the largest difference.
///
/// Rows are joined by their times, so holes cost the pairs of rows they take and shift nothing; of rows at one time the first is
/// joined. Means and variances are those of the joined rows. A joined pair has the mean of the weights of its rows and half of its
/// influence goes to each. Pairs may reach across windows.
///
/// # Source
/// Cross-correlation: Box and Jenkins (1970), section 11.1. The influence of a pair is Pearson's: `z_x z_y - r (z_x^2 + z_y^2) / 2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadLag {
    pairs: Vec<(usize, usize)>,
    lags: usize,
    step_ns: i64,
}

impl LeadLag {
    /// Of these pairs of columns up to `lags` steps of `step_ns` to either side. Numbers are read pair by pair, from the most negative
    /// step on: at step `k > 0` the first column leads the second.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for no pair or too many, a step that is not positive, or more than 512 numbers. A column with itself
    /// (its autocorrelation) is none of the pairs allowed.
    pub fn new(pairs: Vec<(usize, usize)>, lags: usize, step_ns: i64) -> Result<Self, JudgingError> {
        check_pairs(&pairs)?;
        if step_ns <= 0 {
            return Err(parameter("step_ns", step_ns, "at least 1"));
        }
        if lags > NUMBERS_MAX || pairs.len() * (2 * lags + 1) > NUMBERS_MAX {
            return Err(parameter("lags", lags, "at most 512 numbers"));
        }
        Ok(Self { pairs, lags, step_ns })
    }

    /// The steps, in order of the numbers of a pair.
    pub fn steps(&self) -> impl Iterator<Item = i64> + use<> {
        let lags = self.lags as i64;
        -lags..=lags
    }

    fn of_side(&self, rows: &Rows, side: Side) -> Result<Reading, JudgingError> {
        let joined: Vec<_> = self.steps().map(|step| joined(rows, step, self.step_ns)).collect();
        let mut reading = ByNumber::new(rows.len(), self.pairs.len() * joined.len());
        for &pair in &self.pairs {
            for joined in &joined {
                reading
                    .push(|scores| correlate(rows, joined, pair, scores))
                    .map_err(|reason| JudgingError::Undefined { side, reason })?;
            }
        }
        Ok(reading.finish())
    }
}

impl PanelStatistic for LeadLag {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        finite([self.of_side(golden, Side::Golden)?, self.of_side(candidate, Side::Candidate)?])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        107
    }
}

/// Places of rows `step` steps apart in time: that of x first.
fn joined(rows: &Rows, step: i64, step_ns: i64) -> Vec<(usize, usize)> {
    let Some(gap) = step.unsigned_abs().try_into().ok().and_then(|steps: i64| steps.checked_mul(step_ns)) else {
        return Vec::new();
    };
    let mut later = 0;
    let mut out = Vec::with_capacity(rows.len());
    for (earlier, t) in rows.t_ns.iter().enumerate() {
        // Times that overflow are beyond every row.
        let Some(wanted) = t.checked_add(gap) else { break };
        while rows.t_ns.get(later).is_some_and(|t| *t < wanted) {
            later += 1;
        }
        // A row is joined with itself at step 0, whatever else lies at its time.
        let place = if gap == 0 { earlier } else { later };
        if rows.t_ns.get(place) == Some(&wanted) {
            out.push(if step >= 0 { (earlier, place) } else { (place, earlier) });
        }
    }
    out
}

/// A joined pair: its places, its weight and both numbers.
struct Pair {
    places: (usize, usize),
    weight: f64,
    x: f64,
    y: f64,
}

/// The number; adds its influence to both rows of each joined pair.
fn correlate(
    rows: &Rows,
    joined: &[(usize, usize)],
    (x, y): (usize, usize),
    scores: &mut [f64],
) -> Result<f64, &'static str> {
    let value = |i: usize, column: usize| rows.row(i).get(column).copied().unwrap_or(f64::NAN);
    let pair = |&(i, j): &(usize, usize)| {
        let weight = 0.5 * (rows.weights[i] + rows.weights[j]);
        Pair { places: (i, j), weight, x: value(i, x), y: value(j, y) }
    };
    let mut pairs: Vec<Pair> = joined.iter().map(pair).filter(|p| p.x.is_finite() && p.y.is_finite()).collect();
    if pairs.len() < ROWS_MIN {
        return Err("too few rows lie a number of steps apart");
    }
    let share: f64 = pairs.iter().map(|p| p.weight).sum();
    let first = Axis::fit(pairs.iter().map(|p| (p.weight, p.x)), share).ok_or(NO_SPREAD)?;
    let second = Axis::fit(pairs.iter().map(|p| (p.weight, p.y)), share).ok_or(NO_SPREAD)?;
    for p in &mut pairs {
        (p.x, p.y) = (first.at(p.x), second.at(p.y));
    }
    let r = pairs.iter().map(|p| p.weight * p.x * p.y).sum::<f64>() / share;
    for p in &pairs {
        let half = 0.5 * (p.x * p.y - 0.5 * r * (p.x * p.x + p.y * p.y)) / share;
        scores[p.places.0] += half;
        scores[p.places.1] += half;
    }
    Ok(r.clamp(-1.0, 1.0))
}
