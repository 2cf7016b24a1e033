//! Correlation of one column with another some steps later.

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
        let numbers = self.pairs.len() * (2 * self.lags + 1);
        let mut reading = Reading { values: vec![0.0; numbers], scores: vec![0.0; rows.len() * numbers] };
        for (step_at, step) in self.steps().enumerate() {
            let joined = joined(rows, step, self.step_ns);
            for (pair_at, &(x, y)) in self.pairs.iter().enumerate() {
                let number = pair_at * (2 * self.lags + 1) + step_at;
                correlate(rows, &joined, (x, y), number, &mut reading)
                    .map_err(|reason| JudgingError::Undefined { side, reason })?;
            }
        }
        Ok(reading)
    }
}

impl PanelStatistic for LeadLag {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        finite([self.of_side(golden, Side::Golden)?, self.of_side(candidate, Side::Candidate)?])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
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

/// Writes the number and adds its influence to both rows of each joined pair.
fn correlate(
    rows: &Rows,
    joined: &[(usize, usize)],
    (x, y): (usize, usize),
    number: usize,
    reading: &mut Reading,
) -> Result<(), &'static str> {
    let value = |i: usize, column: usize| rows.row(i).get(column).copied().unwrap_or(f64::NAN);
    let complete = (joined.iter().copied())
        .map(|(i, j)| (i, j, 0.5 * (rows.weights[i] + rows.weights[j]), value(i, x), value(j, y)))
        .filter(|(.., a, b)| a.is_finite() && b.is_finite());
    let (count, share) = complete.clone().fold((0, 0.0), |(n, sum), (_, _, w, _, _)| (n + 1, sum + w));
    if count < ROWS_MIN {
        return Err("too few rows lie a number of steps apart");
    }
    let first = Axis::fit(complete.clone().map(|(_, _, w, a, _)| (w, a)), share).ok_or(NO_SPREAD)?;
    let second = Axis::fit(complete.clone().map(|(_, _, w, _, b)| (w, b)), share).ok_or(NO_SPREAD)?;
    let standard = complete.map(|(i, j, w, a, b)| (i, j, w, first.at(a), second.at(b)));
    let r = standard.clone().map(|(_, _, w, a, b)| w * a * b).sum::<f64>() / share;
    let numbers = reading.values.len();
    for (i, j, _, a, b) in standard {
        let half = 0.5 * (a * b - 0.5 * r * (a * a + b * b)) / share;
        reading.scores[i * numbers + number] += half;
        reading.scores[j * numbers + number] += half;
    }
    reading.values[number] = r.clamp(-1.0, 1.0);
    Ok(())
}
