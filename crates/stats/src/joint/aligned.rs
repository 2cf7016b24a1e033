//! Errors point by point, where both sides saw the same market at the same time: rows are joined by their times.
//!
//! Each number is of the candidate alone; the golden's is 0. What rows of the golden add to it stands, negated, in their scores.

use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows, Side};

/// Rows of both sides with equal times, in order: their places. A time that a side has twice pairs first with first.
fn joined(golden: &Rows, candidate: &Rows) -> Vec<(usize, usize)> {
    let (mut pairs, mut i, mut j) = (Vec::new(), 0, 0);
    while i < golden.len() && j < candidate.len() {
        match golden.t_ns[i].cmp(&candidate.t_ns[j]) {
            core::cmp::Ordering::Less => i += 1,
            core::cmp::Ordering::Greater => j += 1,
            core::cmp::Ordering::Equal => {
                pairs.push((i, j));
                (i, j) = (i + 1, j + 1);
            }
        }
    }
    pairs
}

/// A golden that adds nothing.
fn silent(golden: &Rows, numbers: usize) -> Reading {
    Reading { values: vec![0.0; numbers], scores: vec![0.0; golden.len() * numbers] }
}

const NO_PAIRS: JudgingError =
    JudgingError::Undefined { side: Side::Candidate, reason: "no row defines the number at a time of both sides" };

/// Means over joined rows of what a pair of rows gives; `None` where it gives nothing.
fn means(
    (golden, candidate): (&Rows, &Rows),
    numbers: usize,
    of: impl Fn(usize, &[f64], &[f64]) -> Option<f64>,
) -> Result<Reading, JudgingError> {
    let pairs = joined(golden, candidate);
    let mut reading = Reading { values: Vec::new(), scores: vec![0.0; candidate.len() * numbers] };
    for k in 0..numbers {
        let given: Vec<(usize, f64)> =
            pairs.iter().filter_map(|&(i, j)| Some((j, of(k, golden.row(i), candidate.row(j))?))).collect();
        let share: f64 = given.iter().map(|(j, _)| candidate.weights[*j]).sum();
        if given.is_empty() || share <= 0.0 {
            return Err(NO_PAIRS);
        }
        let mean = given.iter().map(|(j, x)| candidate.weights[*j] * x).sum::<f64>() / share;
        for (j, x) in given {
            reading.scores[j * numbers + k] = (x - mean) / share;
        }
        reading.values.push(mean);
    }
    Ok(reading)
}

/// Root mean square error of columns, each a number; the effect is the largest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointRmse {
    /// The columns.
    pub columns: Vec<usize>,
}

impl PanelStatistic for PointRmse {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let numbers = self.columns.len();
        let mut reading = means((golden, candidate), numbers, |k, g, c| {
            let error = c[self.columns[k]] - g[self.columns[k]];
            Some(error * error).filter(|square| square.is_finite())
        })?;
        for (k, value) in reading.values.iter_mut().enumerate() {
            *value = libm::sqrt(*value);
            // The root's slope; without errors there is nothing to scatter.
            let slope = if *value > 0.0 { 0.5 / *value } else { 0.0 };
            reading.scores.iter_mut().skip(k).step_by(numbers).for_each(|score| *score *= slope);
        }
        Ok([silent(golden, numbers), reading])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        200
    }
}

/// `1 - r` of each column, r being Pearson's correlation of the golden's with the candidate's numbers; the effect is the largest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointCorrelation {
    /// The columns.
    pub columns: Vec<usize>,
}

impl PanelStatistic for PointCorrelation {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let numbers = self.columns.len();
        let pairs = joined(golden, candidate);
        let mut reading = Reading { values: Vec::new(), scores: vec![0.0; candidate.len() * numbers] };
        for (k, &column) in self.columns.iter().enumerate() {
            let both = |&(i, j): &(usize, usize)| (j, golden.row(i)[column], candidate.row(j)[column]);
            let given: Vec<_> = pairs.iter().map(both).filter(|(_, x, y)| x.is_finite() && y.is_finite()).collect();
            let share: f64 = given.iter().map(|(j, ..)| candidate.weights[*j]).sum();
            if given.is_empty() || share <= 0.0 {
                return Err(NO_PAIRS);
            }
            let mean = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
                given.iter().map(|(j, x, y)| candidate.weights[*j] * of(*x, *y)).sum::<f64>() / share
            };
            let (mx, my) = (mean(&|x, _| x), mean(&|_, y| y));
            let (vx, vy) = (mean(&|x, _| (x - mx) * (x - mx)), mean(&|_, y| (y - my) * (y - my)));
            let r = if vx > 1e-24 * mx * mx && vy > 1e-24 * my * my {
                mean(&|x, y| (x - mx) * (y - my)) / libm::sqrt(vx * vy)
            } else if given.iter().all(|(_, x, y)| x.to_bits() == y.to_bits()) {
                1.0
            } else {
                return Err(JudgingError::Undefined { side: Side::Candidate, reason: "a column has no spread" });
            };
            for (j, x, y) in given {
                let (zx, zy) = ((x - mx) / libm::sqrt(vx), (y - my) / libm::sqrt(vy));
                let score = zx * zy - 0.5 * r * (zx * zx + zy * zy);
                reading.scores[j * numbers + k] = if score.is_finite() { -score / share } else { 0.0 };
            }
            reading.values.push((1.0 - r).max(0.0));
        }
        Ok([silent(golden, numbers), reading])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        201
    }
}

/// Shares of rows that differ: rows of the golden without a row of the candidate at their time, rows of the candidate without one of
/// the golden, and rows of the candidate whose numbers differ from the golden's at their time. The effect is their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointMismatch;

impl PanelStatistic for PointMismatch {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let pairs = joined(golden, candidate);
        let (mut missing, mut wrong) = (vec![1.0; golden.len()], vec![1.0; candidate.len()]);
        for &(i, j) in &pairs {
            missing[i] = 0.0;
            let same = |(x, y): (&f64, &f64)| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
            let equal = golden.row(i).iter().zip(candidate.row(j)).all(same);
            wrong[j] = if equal { 0.0 } else { 1.0 };
        }
        let share = |rows: &Rows, is: &[f64]| rows.weights.iter().zip(is).map(|(w, x)| w * x).sum::<f64>();
        let (lost, false_rows) = (share(golden, &missing), share(candidate, &wrong));
        Ok([
            Reading { values: vec![0.0], scores: missing.iter().map(|x| lost - x).collect() },
            Reading { values: vec![lost + false_rows], scores: wrong.iter().map(|x| x - false_rows).collect() },
        ])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        202
    }
}

/// Mean absolute relative error, in basis points, of the ratio of two columns: of volume-weighted average prices, as notional over
/// volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointRatioError {
    /// Column above.
    pub above: usize,
    /// Column below.
    pub below: usize,
}

impl PanelStatistic for PointRatioError {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let ratio = |row: &[f64]| row[self.above] / row[self.below];
        let error = |_: usize, g: &[f64], c: &[f64]| {
            let (g, c) = (ratio(g), ratio(c));
            Some(1e4 * ((c - g) / g).abs()).filter(|error| error.is_finite())
        };
        Ok([silent(golden, 1), means((golden, candidate), 1, error)?])
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        203
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::joint::tests::{check_influences, some_rows};

    /// The golden with errors, a row missing and one too many.
    fn sides() -> (Rows, Rows) {
        let golden = some_rows(60);
        let mut candidate = golden.clone();
        for i in 0..60 {
            candidate.values[3 * i] += if i % 4 == 0 { 0.25 } else { 0.0 };
            candidate.values[3 * i + 1] *= 1.0 + 0.05 * f64::from(i as u32 % 3);
        }
        candidate.t_ns[17] += 5;
        (golden, candidate)
    }

    #[test]
    fn errors_point_by_point() {
        let (golden, candidate) = sides();
        let value = |statistic: &dyn PanelStatistic| statistic.read(&golden, &candidate).unwrap()[1].values.clone();
        // 15 of the 59 joined rows are off by a quarter.
        let rmse = value(&PointRmse { columns: vec![0] });
        assert!((rmse[0] - 0.25 * libm::sqrt(15.0 / 59.0)).abs() < 1e-12, "{rmse:?}");
        // A row missing, one too many, and the 39 others in which a number differs.
        let differ = (0..60).filter(|i| *i != 17 && (i % 4 == 0 || i % 3 != 0)).count();
        let mismatch = value(&PointMismatch);
        assert!((mismatch[0] - (2.0 + differ as f64) / 60.0).abs() < 1e-12, "{mismatch:?}");
        let same = PointCorrelation { columns: vec![0, 2] }.read(&golden, &golden).unwrap();
        assert!(same[1].values.iter().all(|v| v.abs() < 1e-15), "{same:?}");
        let ratio = value(&PointRatioError { above: 1, below: 0 });
        assert!(ratio[0] > 100.0, "{ratio:?}");
    }

    #[test]
    fn influences() {
        let (golden, candidate) = sides();
        for statistic in [
            &PointRmse { columns: vec![0, 1] } as &dyn PanelStatistic,
            &PointCorrelation { columns: vec![0, 1, 2] },
            &PointMismatch,
            &PointRatioError { above: 1, below: 0 },
        ] {
            check_influences(statistic, &golden, &candidate, 1e-5);
        }
    }

    #[test]
    fn sides_without_a_common_time_have_no_error() {
        let golden = some_rows(20);
        let mut candidate = golden.clone();
        candidate.t_ns.iter_mut().for_each(|t| *t += 1);
        assert_eq!(PointRmse { columns: vec![0] }.read(&golden, &candidate), Err(NO_PAIRS));
        let all = PointMismatch.read(&golden, &candidate).unwrap()[1].values[0];
        assert!((all - 2.0).abs() < 1e-12, "{all}");
    }
}
