//! Influence values that are found number by number, laid out row by row.

use crate::judging::Reading;

/// Numbers that are laid out at a time: as many as fill a cache line.
const STRIP: usize = 8;

/// Collects the influence values of one number after the other.
pub(crate) struct ByNumber {
    rows: usize,
    numbers: usize,
    values: Vec<f64>,
    /// Those of the last numbers, number by number.
    strip: Vec<f64>,
    /// Those of the numbers before, row by row.
    scores: Vec<f64>,
}

impl ByNumber {
    pub(crate) fn new(rows: usize, numbers: usize) -> Self {
        Self {
            rows,
            numbers,
            values: Vec::with_capacity(numbers),
            strip: vec![0.0; rows * STRIP.min(numbers)],
            scores: vec![0.0; rows * numbers],
        }
    }

    /// Lets `write` fill in the influence values of the next number, all 0 before, and say what it is.
    pub(crate) fn push<E>(&mut self, write: impl FnOnce(&mut [f64]) -> Result<f64, E>) -> Result<(), E> {
        debug_assert!(self.values.len() < self.numbers, "no more than {} numbers", self.numbers);
        let at = self.values.len() % STRIP;
        let column = &mut self.strip[at * self.rows..(at + 1) * self.rows];
        column.fill(0.0);
        self.values.push(write(column)?);
        if at + 1 == STRIP {
            self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) {
        let filled = (self.values.len() + STRIP - 1) % STRIP + 1;
        let first = self.values.len() - filled;
        for (i, row) in self.scores.chunks_exact_mut(self.numbers).enumerate() {
            for (k, score) in row[first..first + filled].iter_mut().enumerate() {
                *score = self.strip[k * self.rows + i];
            }
        }
    }

    pub(crate) fn finish(mut self) -> Reading {
        if !self.values.len().is_multiple_of(STRIP) {
            self.flush();
        }
        Reading { values: self.values, scores: self.scores }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_finds_its_row() {
        for numbers in [1, 7, 8, 9, 16, 21] {
            let mut all = ByNumber::new(5, numbers);
            for k in 0..numbers {
                let write = |out: &mut [f64]| {
                    assert!(out.iter().all(|v| v.abs() < 1e-300));
                    out.iter_mut().enumerate().skip(1).for_each(|(i, v)| *v = (100 * i + k) as f64);
                    Ok::<f64, ()>(k as f64)
                };
                all.push(write).unwrap();
            }
            let reading = all.finish();
            assert_eq!(reading.values, (0..numbers).map(|k| k as f64).collect::<Vec<f64>>());
            let want = |at: usize| if at < numbers { 0.0 } else { (at / numbers * 100 + at % numbers) as f64 };
            assert_eq!(reading.scores, (0..5 * numbers).map(want).collect::<Vec<f64>>());
        }
        assert!(ByNumber::new(0, 3).finish().scores.is_empty());
    }
}
