//! A classifier that tries to tell the sides apart.

use super::logistic::{LogisticRows, logistic_ridge, predictor};
use super::scale::{Points, check_columns, finite, parameter};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Rows below which nothing is said.
const ROWS_MIN: usize = 16;
/// Rows of a side and fold that a model is fitted to; of more, every second, third, .. one.
const TRAINING_MAX: usize = 2_048;
/// Golden deviations at which columns are cut: squares of heavy tails would be all that is fitted.
const CUT: f64 = 4.0;
/// Penalty of the coefficients, where the weights of each side sum to 1/2.
const PENALTY: f64 = 0.01;
/// Share of a fold in the mean, times the root of 2 for folds that tell the same.
const FOLDS: f64 = core::f64::consts::FRAC_1_SQRT_2;
/// The most columns: 152 features.
const CLASSIFIER_DIMS_MAX: usize = 16;
/// Most blocks of time of a side, and windows that each should have.
const BLOCKS_MAX: usize = 8;
const BLOCK_WINDOWS: usize = 6;

/// Classifier two-sample test: the area under the ROC curve, less 1/2, of a logistic regression that takes a row for the candidate's; 0
/// for equal joint laws, 1/2 where every row tells its side. The number of the golden is 0 by definition.
///
/// Features are the columns in golden deviations, cut at 4, their squares and products of pairs. Each side is cut into an even number
/// of blocks of time; a model fitted on the even blocks of both sides scores the odd ones, and one fitted on the odd ones the even
/// ones; the number is the mean of both areas. Windows near a block that is scored fit nothing: a fifth of a block at each end. For a model
/// that saw other data the area is an average over pairs of rows, one of each side (the Mann-Whitney statistic), so the influence of a
/// row is the share of the other side's rows it stands above, or below, about its mean, times `sqrt 2`: for equal laws both areas tell
/// nearly the same, how far the chance differences of the two folds agree, so that their mean has the variance of one and not half of it.
/// Where the laws differ the areas err by themselves, and the interval is wider than it need be.
///
/// The number is what this classifier finds with this much data. A better one, or more data, may find more.
/// It sees what the features see: means, spreads and correlations, not the shape of dependence in tails.
///
/// # Source
/// Friedman (2003); Lopez-Paz and Oquab (2017); placement values: DeLong, DeLong and Clarke-Pearson (1988).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classifier {
    columns: Vec<usize>,
}

impl Classifier {
    /// Of these columns.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for no column, one twice, or more than 16.
    pub fn new(columns: Vec<usize>) -> Result<Self, JudgingError> {
        check_columns(&columns, 1)?;
        if columns.len() > CLASSIFIER_DIMS_MAX {
            return Err(parameter("columns", columns.len(), "at most 16"));
        }
        Ok(Self { columns })
    }
}

impl PanelStatistic for Classifier {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let points = Points::both(golden, candidate, &self.columns, ROWS_MIN)?;
        let sides =
            [Folded::of(golden, &points[0], Side::Golden)?, Folded::of(candidate, &points[1], Side::Candidate)?];
        let mut readings = [golden, candidate].map(|rows| Reading { values: vec![0.0], scores: vec![0.0; rows.len()] });
        for fold in 0..2 {
            let model = fit(&sides, fold).ok_or(JudgingError::Undefined {
                side: Side::Candidate,
                reason: "no logistic regression fits the two sides",
            })?;
            let [own, other] = [0, 1].map(|side: usize| sides[side].scored(&model, 1 - fold));
            let area = area(&own, &other);
            readings[1].values[0] += 0.5 * (area.value - 0.5);
            // The golden's own number stays 0: its rows move the candidate's.
            for (scored, placement) in own.rows.iter().zip(&area.first) {
                readings[0].scores[scored.row] = -FOLDS * (placement - area.value) / own.share;
            }
            for (scored, placement) in other.rows.iter().zip(&area.second) {
                readings[1].scores[scored.row] = FOLDS * (placement - area.value) / other.share;
            }
        }
        finite(readings)
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Signed
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        111
    }
}

/// One side's rows in two folds of time.
struct Folded<'a> {
    rows: &'a Rows,
    points: &'a Points,
    side: Side,
    /// For each complete row its fold.
    fold: Vec<usize>,
    /// And whether it is far enough from the other fold to fit a model.
    fits: Vec<bool>,
}

impl<'a> Folded<'a> {
    fn of(rows: &'a Rows, points: &'a Points, side: Side) -> Result<Self, JudgingError> {
        let windows = rows.window.iter().max().map_or(0, |last| last + 1);
        // Of too few windows rows are taken one by one.
        let by_window = windows >= 4;
        let units = if by_window { windows } else { points.len() };
        let blocks = (units / BLOCK_WINDOWS / 2 * 2).clamp(2, BLOCKS_MAX);
        let block = |unit: usize| unit * blocks / units;
        let gap = (units / blocks / 5).max(1);
        let parity = |unit: usize| block(unit) % 2;
        let fits = |unit: usize| {
            let near = unit.saturating_sub(gap)..=(unit + gap).min(units - 1);
            near.into_iter().all(|other| parity(other) == parity(unit))
        };
        let units_of: Vec<usize> = (points.complete.places.iter().enumerate())
            .map(|(at, &i)| if by_window { rows.window[i] } else { at })
            .collect();
        let fits_of_unit: Vec<bool> = (0..units).map(fits).collect();
        let folded = Self {
            rows,
            points,
            side,
            fold: units_of.iter().map(|unit| parity(*unit)).collect(),
            fits: units_of.iter().map(|unit| fits_of_unit[*unit]).collect(),
        };
        for fold in 0..2 {
            let few = |rows: usize| rows < ROWS_MIN / 4;
            if few(folded.training(fold).len()) || few(folded.fold.iter().filter(|f| **f == fold).count()) {
                let reason = "too few rows define all numbers in half of the blocks of time";
                return Err(JudgingError::Undefined { side: folded.side, reason });
            }
        }
        Ok(folded)
    }

    /// Complete rows that fit the model of a fold.
    fn training(&self, fold: usize) -> Vec<usize> {
        let all: Vec<usize> = (0..self.fold.len()).filter(|at| self.fold[*at] == fold && self.fits[*at]).collect();
        let step = all.len().div_ceil(TRAINING_MAX).max(1);
        all.into_iter().step_by(step).collect()
    }

    /// The rows of a fold with a model's score.
    fn scored(&self, model: &[f64], fold: usize) -> Scored {
        let mut out = Scored { rows: Vec::new(), share: 0.0 };
        let mut features = Vec::new();
        for ((at, z), i) in (0..).zip(self.points.z.chunks_exact(self.points.dims)).zip(&self.points.complete.places) {
            let at: usize = at;
            if self.fold[at] != fold {
                continue;
            }
            features.clear();
            expand(z, &mut features);
            let weight = self.rows.weights[*i];
            out.share += weight;
            out.rows.push(ScoredRow { row: *i, weight, score: predictor(model, &features) });
        }
        out
    }
}

/// Columns, their squares and products of pairs.
fn expand(z: &[f64], out: &mut Vec<f64>) {
    let cut = |z: f64| z.clamp(-CUT, CUT);
    out.extend(z.iter().map(|z| cut(*z)));
    out.extend(z.iter().map(|z| core::f64::consts::FRAC_1_SQRT_2 * (cut(*z) * cut(*z) - 1.0)));
    for (k, a) in z.iter().enumerate() {
        out.extend(z[k + 1..].iter().map(|b| cut(*a) * cut(*b)));
    }
}

/// Fits the model of a fold.
fn fit(sides: &[Folded<'_>; 2], fold: usize) -> Option<Vec<f64>> {
    let dims = sides[0].points.dims;
    let count = 2 * dims + dims * (dims - 1) / 2;
    let (mut features, mut is_second, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for (second, side) in [false, true].into_iter().zip(sides) {
        let training = side.training(fold);
        let weight = |at: &usize| side.rows.weights[side.points.complete.places[*at]];
        let total: f64 = training.iter().map(weight).sum();
        for at in &training {
            expand(side.points.row(*at), &mut features);
            is_second.push(second);
            weights.push(0.5 * weight(at) / total);
        }
    }
    logistic_ridge(&LogisticRows { features: &features, count, is_second: &is_second, weights: &weights }, PENALTY)
}

/// Rows of a side and fold with their scores.
struct Scored {
    rows: Vec<ScoredRow>,
    share: f64,
}

struct ScoredRow {
    /// Among the rows of the side.
    row: usize,
    weight: f64,
    score: f64,
}

/// The area under the curve and the placement of each row among the other side's.
struct Area {
    value: f64,
    /// For each of the first, the share of the second above it, ties by half.
    first: Vec<f64>,
    /// For each of the second, the share of the first below it.
    second: Vec<f64>,
}

fn area(first: &Scored, second: &Scored) -> Area {
    let ascending = |side: &Scored| {
        let mut sorted: Vec<(f64, f64)> = side.rows.iter().map(|row| (row.score, row.weight)).collect();
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut sum = 0.0;
        let below: Vec<f64> = core::iter::once(0.0)
            .chain(sorted.iter().map(|(_, w)| {
                sum += w;
                sum
            }))
            .collect();
        (sorted, below)
    };
    // The share of a side below a score, and of what equals it half.
    let below = |(sorted, below): &(Vec<(f64, f64)>, Vec<f64>), score: f64| {
        let (from, to) = (sorted.partition_point(|(s, _)| *s < score), sorted.partition_point(|(s, _)| *s <= score));
        0.5 * (below[from] + below[to]) / below[sorted.len()]
    };
    let (of_first, of_second) = (ascending(first), ascending(second));
    let first: Vec<f64> = first.rows.iter().map(|row| 1.0 - below(&of_second, row.score)).collect();
    let placed: Vec<f64> = second.rows.iter().map(|row| below(&of_first, row.score)).collect();
    let weighed: f64 = second.rows.iter().zip(&placed).map(|(row, p)| row.weight * p).sum();
    Area { value: weighed / second.share, first, second: placed }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For a fixed model: the area moves with a row's weight by its placement about the mean.
    #[test]
    fn placements_are_derivatives_of_the_area() {
        let side = |n: usize, shift: f64| {
            let row = |i: usize| ScoredRow {
                row: i,
                weight: 1.0 + (i % 3) as f64,
                score: libm::floor(((i * 7) % 23) as f64 / 2.0) + shift,
            };
            let rows: Vec<ScoredRow> = (0..n).map(row).collect();
            Scored { share: rows.iter().map(|row| row.weight).sum(), rows }
        };
        let (first, second) = (side(40, 0.0), side(60, 1.0));
        let found = area(&first, &second);
        let mut naive = 0.0;
        for a in &first.rows {
            for b in &second.rows {
                let wins = if b.score > a.score {
                    1.0
                } else if b.score < a.score {
                    0.0
                } else {
                    0.5
                };
                naive += a.weight * b.weight * wins / (first.share * second.share);
            }
        }
        assert!((found.value - naive).abs() < 1e-14 && naive > 0.55);
        for at in [0, 7, 39] {
            let moved = |by: f64| {
                let mut first = side(40, 0.0);
                first.rows.iter_mut().for_each(|row| row.weight *= 1.0 - by);
                first.rows[at].weight += by * first.share;
                area(&first, &second).value
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - (found.first[at] - found.value)).abs() < 1e-8, "{slope}");
            let moved = |by: f64| {
                let mut second = side(60, 1.0);
                second.rows.iter_mut().for_each(|row| row.weight *= 1.0 - by);
                second.rows[at].weight += by * second.share;
                area(&first, &second).value
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - (found.second[at] - found.value)).abs() < 1e-8, "{slope}");
        }
    }

    #[test]
    fn windows_near_the_other_fold_fit_nothing() {
        let mut rows = Rows::of_values(1, (0..480).map(|i| f64::from(i * 7 % 31)).collect(), 1);
        (0..480).for_each(|i| rows.window[i] = i / 10);
        let points = Points::both(&rows, &rows, &[0], 8).unwrap();
        let folded = Folded::of(&rows, &points[0], Side::Golden).unwrap();
        let window = |w: usize| (folded.fold[10 * w], folded.fits[10 * w]);
        // Eight blocks of six windows.
        let want = [(0, true), (0, true), (0, true), (0, true), (0, true), (0, false), (1, false), (1, true)];
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(window), want);
        assert_eq!(window(47), (1, true));
    }
}
