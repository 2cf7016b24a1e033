//! Weighted means of terms, and the influence of rows on smooth functions of them.

use super::Undefined;
use crate::judging::{Reading, Rows};

/// Terms of rows and their weighted means.
pub(super) struct Means<const K: usize> {
    /// Rows that have a term, with it.
    terms: Vec<(usize, [f64; K])>,
    /// The weight of those rows.
    share: f64,
    pub(super) values: [f64; K],
}

impl<const K: usize> Means<K> {
    /// Of the terms whose numbers are all defined; at least `least` of them.
    pub(super) fn of(
        rows: &Rows,
        least: usize,
        reason: &'static str,
        term: impl Fn(usize) -> [f64; K],
    ) -> Result<Self, Undefined> {
        let defined = |i: usize| Some((i, term(i))).filter(|(_, term)| term.iter().all(|v| !v.is_nan()));
        let terms: Vec<(usize, [f64; K])> = (0..rows.len()).filter_map(defined).collect();
        let share: f64 = terms.iter().map(|(i, _)| rows.weights[*i]).sum();
        if terms.len() < least.max(1) || share <= 0.0 || share.is_nan() {
            return Err(Undefined(reason));
        }
        let mut values = [0.0; K];
        for (i, term) in &terms {
            for (mean, v) in values.iter_mut().zip(term) {
                *mean += rows.weights[*i] / share * v;
            }
        }
        Ok(Self { terms, share, values })
    }

    /// The number of terms.
    pub(super) fn len(&self) -> usize {
        self.terms.len()
    }

    /// How many equal rows would carry as much of a mean of terms of one sign: 1 where one row outweighs all others.
    pub(super) fn carrying(&self, rows: &Rows, k: usize) -> f64 {
        let added = |(i, term): &(usize, [f64; K])| rows.weights[*i] * term[k];
        let sum: f64 = self.terms.iter().map(added).sum();
        sum * sum / self.terms.iter().map(|row| added(row) * added(row)).sum::<f64>()
    }

    /// Adds to a number of a reading what rows do to it through these means.
    pub(super) fn add_influence(&self, reading: &mut Reading, number: usize, gradient: [f64; K]) {
        let numbers = reading.values.len();
        for (i, term) in &self.terms {
            let moved: f64 =
                gradient.iter().zip(term).zip(&self.values).map(|((slope, v), mean)| slope * (v - mean)).sum();
            reading.scores[i * numbers + number] += moved / self.share;
        }
    }

    /// A single number with its gradient.
    pub(super) fn reading(&self, rows: &Rows, value: f64, gradient: [f64; K]) -> Reading {
        let mut reading = empty_reading(rows, vec![value]);
        self.add_influence(&mut reading, 0, gradient);
        reading
    }
}

/// Numbers without influences yet.
pub(super) fn empty_reading(rows: &Rows, values: Vec<f64>) -> Reading {
    Reading { scores: vec![0.0; rows.len() * values.len()], values }
}
