//! Columns about their means in standard deviations, and what a row of the side that fixes the scale does through it.

use super::Complete;
use crate::judging::{JudgingError, Reading, Rows, Side};

/// A column about its mean, in standard deviations (of `n`, not `n - 1`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) column: usize,
    /// Values are taken about the middle of their range and over half of it: neither an offset nor a unit costs digits or range.
    origin: f64,
    reach: f64,
    mean: f64,
    deviation: f64,
}

impl Axis {
    /// # Errors
    /// [`JudgingError::Undefined`] for a column without spread.
    pub(crate) fn of(rows: &Rows, complete: &Complete, column: usize, side: Side) -> Result<Self, JudgingError> {
        let values = complete.places.iter().map(|&i| (rows.weights[i], rows.row(i)[column]));
        let none = JudgingError::Undefined { side, reason: NO_SPREAD };
        Self::fit(values, complete.share).map(|axis| Self { column, ..axis }).ok_or(none)
    }

    /// Of weights, which sum to `share`, and values; none without spread.
    pub(crate) fn fit(values: impl Iterator<Item = (f64, f64)> + Clone, share: f64) -> Option<Self> {
        let ends = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = values.clone().fold(ends, |(low, high), (_, v)| (low.min(v), high.max(v)));
        let (origin, half) = (0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low);
        // Half of the smallest number is none.
        let reach = if half > 0.0 { half } else { high - low };
        if !(reach > 0.0 && reach.is_finite() && origin.is_finite()) {
            return None;
        }
        let at = |v: f64| (v - origin) / reach;
        let mean = values.clone().map(|(w, v)| w * at(v)).sum::<f64>() / share;
        let variance = values.map(|(w, v)| w * (at(v) - mean) * (at(v) - mean)).sum::<f64>() / share;
        let deviation = libm::sqrt(variance);
        (variance > 0.0 && variance.is_finite()).then_some(Self { column: 0, origin, reach, mean, deviation })
    }

    /// Of several columns.
    pub(crate) fn of_all(
        rows: &Rows,
        complete: &Complete,
        columns: &[usize],
        side: Side,
    ) -> Result<Vec<Self>, JudgingError> {
        columns.iter().map(|column| Self::of(rows, complete, *column, side)).collect()
    }

    /// The standardised value.
    pub(crate) fn at(&self, value: f64) -> f64 {
        ((value - self.origin) / self.reach - self.mean) / self.deviation
    }

    /// How many deviations lie between two values.
    pub(crate) fn between(&self, from: f64, to: f64) -> f64 {
        (to - from) / self.reach / self.deviation
    }
}

pub(crate) const NO_SPREAD: &str = "a column has no spread";

/// The complete rows of a side, standardised.
pub(crate) struct Points {
    pub(crate) complete: Complete,
    pub(crate) dims: usize,
    /// Row-major, a row for each complete row.
    pub(crate) z: Vec<f64>,
}

impl Points {
    pub(crate) fn of(rows: &Rows, complete: Complete, axes: &[Axis]) -> Self {
        let mut z = Vec::with_capacity(complete.places.len() * axes.len());
        for &i in &complete.places {
            let row = rows.row(i);
            z.extend(axes.iter().map(|axis| axis.at(row[axis.column])));
        }
        Self { complete, dims: axes.len(), z }
    }

    /// Both sides on the golden's scale.
    pub(crate) fn both(
        golden: &Rows,
        candidate: &Rows,
        columns: &[usize],
        least: usize,
    ) -> Result<[Self; 2], JudgingError> {
        let complete = Complete::of(golden, columns, least, Side::Golden)?;
        let axes = Axis::of_all(golden, &complete, columns, Side::Golden)?;
        let other = Complete::of(candidate, columns, least, Side::Candidate)?;
        let both = [Self::of(golden, complete, &axes), Self::of(candidate, other, &axes)];
        for (points, side) in both.iter().zip([Side::Golden, Side::Candidate]) {
            if points.z.iter().any(|z| !z.is_finite()) {
                return Err(JudgingError::Undefined { side, reason: BEYOND });
            }
        }
        Ok(both)
    }

    pub(crate) fn len(&self) -> usize {
        self.complete.places.len()
    }

    pub(crate) fn row(&self, at: usize) -> &[f64] {
        &self.z[at * self.dims..(at + 1) * self.dims]
    }

    /// Complete rows: their place here, their place among all rows, and their standardised numbers.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, &[f64])> {
        self.complete.places.iter().copied().zip(self.z.chunks_exact(self.dims.max(1)))
    }
}

pub(crate) const BEYOND: &str = "the statistic exceeds the range of f64";

/// Refuses numbers that are not finite.
pub(crate) fn finite(readings: [Reading; 2]) -> Result<[Reading; 2], JudgingError> {
    for (reading, side) in readings.iter().zip([Side::Golden, Side::Candidate]) {
        if reading.values.iter().chain(&reading.scores).any(|v| !v.is_finite()) {
            return Err(JudgingError::Undefined { side, reason: BEYOND });
        }
    }
    Ok(readings)
}

/// A parameter outside its domain.
pub(crate) fn parameter(parameter: &'static str, value: impl ToString, domain: &'static str) -> JudgingError {
    JudgingError::Parameter { parameter, value: value.to_string(), domain }
}

/// Checks columns of a statistic: at least `least`, no more than [`DIMS_MAX`], none twice.
pub(crate) fn check_columns(columns: &[usize], least: usize) -> Result<(), JudgingError> {
    let mut distinct = columns.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < columns.len() || !(least..=DIMS_MAX).contains(&columns.len()) {
        return Err(parameter(
            "columns",
            format!("{columns:?}"),
            "distinct columns, at most 32, as many as the law needs",
        ));
    }
    Ok(())
}

/// Checks pairs of columns: at least one, of two different columns each.
pub(crate) fn check_pairs(pairs: &[(usize, usize)]) -> Result<(), JudgingError> {
    if pairs.is_empty() || pairs.len() > PAIRS_MAX || pairs.iter().any(|(x, y)| x == y) {
        return Err(parameter("pairs", format!("{pairs:?}"), "1 to 496 pairs of different columns"));
    }
    Ok(())
}

/// The most columns of one statistic: those of a panel.
pub(crate) const DIMS_MAX: usize = crate::panel::COLUMNS_MAX;
/// Every pair of them.
pub(crate) const PAIRS_MAX: usize = DIMS_MAX * (DIMS_MAX - 1) / 2;
