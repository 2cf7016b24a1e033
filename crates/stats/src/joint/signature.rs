//! Signatures of short paths of rows.

use super::Complete;
use super::scale::{Axis, check_columns, finite, parameter};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Paths below which nothing is said.
const PATHS_MIN: usize = 8;
/// Numbers of the largest form: three columns to depth 3 have 81.
const NUMBERS_MAX: usize = 128;
const ROWS_OF_PATH_MAX: usize = 1_024;

/// What a path of rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathOf {
    /// Through the values of the rows: for columns that are levels (spread, depth, imbalance). Where it starts does not count.
    Values,
    /// Through the sums of the rows so far, over the root of their number: for columns that are increments (returns, order flow).
    Sums,
    /// As [`Self::Values`], each column twice: first all columns go on to the next row, then their laggards follow. Half of the
    /// product of a column's steps with another's lies between them, so that depth 2 holds the variation of the steps and their
    /// correlations, which the path through the values does not have.
    LeadLag,
}

/// Means of the signature terms of short paths: consecutive rows of a window, one step apart in time, beside which time runs from 0 to
/// 1; the effect is the root of the mean square difference.
///
/// A term of a word `i1 .. im` is the iterated integral `m! integral dx_i1 .. dx_im` over ordered times along the straight lines between
/// rows, in golden deviations of the columns; for a straight line it is the product of its increments. Terms of time alone are left out.
/// Paths do not overlap; rows left over at the end of a window or before a hole are not used. A path has the mean weight of its rows
/// and each has its part of the influence. Through the golden's deviations every row of it moves the terms of both sides, in
/// proportion to how often a column is in the word.
///
/// Terms of depth 3 are judged by sixth moments: for heavy tails take 2.
///
/// # Source
/// Chen (1958); Lyons (1998); Chevyrev and Oberhauser (2022), "Signature moments".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    columns: Vec<usize>,
    kind: PathOf,
    rows_of_path: usize,
    step_ns: i64,
    words: Words,
}

impl Signature {
    /// Of paths of so many rows, `step_ns` apart, through these columns, to depth 1, 2 or 3.
    ///
    /// # Errors
    /// [`JudgingError::Parameter`] for no column, one twice, a depth beyond 3, more than 128 numbers, paths of fewer than 2 rows or more
    /// than 1,024, or a step that is not positive.
    pub fn new(
        columns: Vec<usize>,
        kind: PathOf,
        rows_of_path: usize,
        step_ns: i64,
        depth: usize,
    ) -> Result<Self, JudgingError> {
        check_columns(&columns, 1)?;
        if !(2..=ROWS_OF_PATH_MAX).contains(&rows_of_path) {
            return Err(parameter("rows_of_path", rows_of_path, "2 to 1,024"));
        }
        if step_ns <= 0 {
            return Err(parameter("step_ns", step_ns, "at least 1"));
        }
        if !(1..=3).contains(&depth) {
            return Err(parameter("depth", depth, "1 to 3"));
        }
        let letters = if kind == PathOf::LeadLag { 2 * columns.len() } else { columns.len() };
        let words = Words::new(letters, depth);
        if words.kept.len() > NUMBERS_MAX {
            return Err(parameter("columns", columns.len(), "at most 128 numbers"));
        }
        Ok(Self { columns, kind, rows_of_path, step_ns, words })
    }

    /// The words, in order of the numbers: 0 is time, `k` the k-th column from 1 on; behind them the laggards, if there are any.
    pub fn words(&self) -> &[Vec<usize>] {
        &self.words.kept
    }

    /// One side's numbers, with the influence of its rows at a fixed scale.
    fn of_side(&self, rows: &Rows, axes: &[Axis], side: Side) -> Result<Reading, JudgingError> {
        let numbers = self.words.kept.len();
        let starts = self.starts(rows);
        if starts.len() < PATHS_MIN {
            return Err(JudgingError::Undefined { side, reason: "too few paths of rows that define all numbers" });
        }
        let k = self.rows_of_path;
        let weight = |start: usize| rows.weights[start..start + k].iter().sum::<f64>() / k as f64;
        let share: f64 = starts.iter().map(|start| weight(*start)).sum();
        let mut values = vec![0.0; numbers];
        let mut terms = Vec::with_capacity(starts.len() * numbers);
        let mut tensor = Tensor::new(self.words.letters + 1, self.words.depth);
        for &start in &starts {
            self.path(rows, axes, start, &mut tensor);
            let w = weight(start) / share;
            for (value, place) in values.iter_mut().zip(&self.words.places) {
                let term = tensor.at(*place);
                terms.push(term);
                *value += w * term;
            }
        }
        let mut scores = vec![0.0; rows.len() * numbers];
        for (start, terms) in starts.iter().zip(terms.chunks_exact(numbers)) {
            for i in *start..start + k {
                let out = &mut scores[i * numbers..(i + 1) * numbers];
                for ((score, term), mean) in out.iter_mut().zip(terms).zip(&values) {
                    *score = (term - mean) / (k as f64 * share);
                }
            }
        }
        Ok(Reading { values, scores })
    }

    /// First rows of the paths: as many as fit one after the other into each run of complete rows of a window.
    fn starts(&self, rows: &Rows) -> Vec<usize> {
        let defined = |i: usize| self.columns.iter().all(|c| rows.row(i).get(*c).is_some_and(|v| v.is_finite()));
        let follows = |i: usize| {
            let (before, now) = (rows.t_ns[i - 1], rows.t_ns[i]);
            rows.window[i - 1] == rows.window[i] && before.checked_add(self.step_ns) == Some(now)
        };
        let (mut starts, mut run) = (Vec::new(), 0);
        for i in 0..rows.len() {
            run = match (defined(i), i > 0 && follows(i)) {
                (false, _) => 0,
                (true, true) => run + 1,
                (true, false) => 1,
            };
            if run == self.rows_of_path {
                starts.push(i + 1 - run);
                run = 0;
            }
        }
        starts
    }

    fn path(&self, rows: &Rows, axes: &[Axis], start: usize, tensor: &mut Tensor) {
        tensor.clear();
        let k = self.rows_of_path;
        let mut step = vec![0.0; self.words.letters + 1];
        let lines = match self.kind {
            PathOf::Values | PathOf::LeadLag => start + 1..start + k,
            PathOf::Sums => start..start + k,
        };
        let time = 1.0 / lines.len() as f64;
        let root = libm::sqrt(k as f64);
        for i in lines {
            let steps = axes.iter().map(|axis| {
                let value = rows.row(i)[axis.column];
                match self.kind {
                    PathOf::Values | PathOf::LeadLag => axis.between(rows.row(i - 1)[axis.column], value),
                    PathOf::Sums => axis.between(0.0, value) / root,
                }
            });
            let halves = if self.kind == PathOf::LeadLag { 2 } else { 1 };
            for half in 0..halves {
                step.fill(0.0);
                step[0] = time / halves as f64;
                step[1 + half * axes.len()..].iter_mut().zip(steps.clone()).for_each(|(out, step)| *out = step);
                tensor.extend(&step);
            }
        }
    }
}

impl PanelStatistic for Signature {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let complete = Complete::of(golden, &self.columns, PATHS_MIN, Side::Golden)?;
        let axes = Axis::of_all(golden, &complete, &self.columns, Side::Golden)?;
        let mut first = self.of_side(golden, &axes, Side::Golden)?;
        let second = self.of_side(candidate, &axes, Side::Candidate)?;
        // A deviation that grows by a part shrinks a term by as many parts as its column is in the word.
        let numbers = first.values.len();
        let gap: Vec<f64> = first.values.iter().zip(&second.values).map(|(a, b)| a - b).collect();
        for &i in &complete.places {
            let row = golden.row(i);
            let parts = axes.iter().map(|axis| axis.at(row[axis.column])).map(|z| 0.5 * (z * z - 1.0) / complete.share);
            let parts: Vec<f64> = parts.collect();
            let scores = &mut first.scores[i * numbers..(i + 1) * numbers];
            for ((score, gap), word) in scores.iter_mut().zip(&gap).zip(&self.words.kept) {
                *score -= gap * word.iter().filter(|i| **i > 0).map(|i| parts[(i - 1) % parts.len()]).sum::<f64>();
            }
        }
        finite([first, second])
    }

    fn norm(&self, golden: &Reading) -> PanelNorm {
        PanelNorm::Root(vec![1.0 / golden.values.len() as f64; golden.values.len()])
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        110
    }
}

/// Words of letters: time, and others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Words {
    /// Without time.
    letters: usize,
    depth: usize,
    kept: Vec<Vec<usize>>,
    /// Depth and place of each in a tensor.
    places: Vec<(usize, usize)>,
}

impl Words {
    fn new(letters: usize, depth: usize) -> Self {
        let mut out = Self { letters, depth, kept: Vec::new(), places: Vec::new() };
        let mut of_depth = vec![Vec::new()];
        for m in 1..=depth {
            of_depth = (of_depth.iter())
                .flat_map(|word: &Vec<usize>| (0..=letters).map(move |i| word.iter().copied().chain([i]).collect()))
                .collect();
            for (place, word) in of_depth.iter().enumerate().filter(|(_, word)| word.iter().any(|i| *i > 0)) {
                out.kept.push(word.clone());
                out.places.push((m, place));
            }
        }
        out
    }
}

/// A truncated signature: the terms of each depth, by the word as a number of as many digits.
struct Tensor {
    letters: usize,
    levels: [Vec<f64>; 3],
}

impl Tensor {
    fn new(letters: usize, depth: usize) -> Self {
        let level = |m: u32| vec![0.0; if m as usize <= depth { letters.pow(m) } else { 0 }];
        Self { letters, levels: [level(1), level(2), level(3)] }
    }

    fn clear(&mut self) {
        self.levels.iter_mut().for_each(|level| level.fill(0.0));
    }

    /// Goes on by a straight line: Chen's identity with the exponential of its step, the deepest terms first.
    fn extend(&mut self, step: &[f64]) {
        let n = self.letters;
        let [one, two, three] = &mut self.levels;
        for (at, term) in three.iter_mut().enumerate() {
            let (i, j, k) = (at / (n * n), at / n % n, at % n);
            *term += step[k] * (two[i * n + j] + step[j] * (0.5 * one[i] + step[i] / 6.0));
        }
        for (at, term) in two.iter_mut().enumerate() {
            *term += step[at % n] * (one[at / n] + 0.5 * step[at / n]);
        }
        one.iter_mut().zip(step).for_each(|(term, step)| *term += step);
    }

    /// Times the factorial of its depth.
    fn at(&self, (depth, place): (usize, usize)) -> f64 {
        let factorial = [1.0, 2.0, 6.0][depth - 1];
        factorial * self.levels[depth - 1][place]
    }
}
