//! Clustering of volatility between two sides: GARCH(1,1).

use super::garch_fit::Path;
use super::means::empty_reading;
use super::newton::solve;
use super::spacing::{Spacing, differences};
use super::{CARRYING_MIN, Undefined, on_both, scaled};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};

/// Returns below which no GARCH is compared: estimates of fewer are far from normal. With a persistence of .99 and noise, an end of an
/// interval missed in 8 % of all runs of 600 returns, in 6 % of 1,200 (where nearly half of the runs are refused) and in 4 % of 3,600
/// (`calibration_temporal`).
pub const GARCH_RETURNS_MIN: usize = 1_000;
const TOO_FEW: &str = "fewer than 1,000 returns";
/// Standard errors that alpha must be away from 0. Where nothing clusters the persistence means nothing, but the likelihood has a maximum
/// inside in a third of the cases; 2 % of them come so far.
const CLEAR: f64 = 2.0;

/// Which number of a GARCH(1,1) is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GarchNumber {
    /// `ln` of the half-life of a shock to the variance, in steps: `ln (ln (1/2) / ln (alpha + beta))`.
    LnHalfLife,
    /// The weight of the last squared return.
    Alpha,
}

/// A number of the GARCH(1,1) of a column of log prices. Returns are over a number of steps that ends on the steps' own grid: on a
/// grid in time, at multiples of their length; they do not overlap. After a hole the variance begins at the mean square again.
///
/// # Source
/// As [`super::fit_garch`]. The influence of a row is `-H^-1 (score + dscore/dm (r^2 - m))`, H the curvature of the mean likelihood, m the
/// mean square: the sandwich of Bollerslev and Wooldridge (1992).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garch {
    column: usize,
    step_ns: i64,
    number: GarchNumber,
}

impl Garch {
    /// Of returns of a column of log prices over `step_ns`, at multiples of it.
    pub fn new(column: usize, step_ns: i64, number: GarchNumber) -> Self {
        Self { column, step_ns, number }
    }

    /// Rows that end a return, with it and whether no return ends where it begins.
    fn returns(&self, rows: &Rows) -> Vec<(usize, f64, bool)> {
        let spacing = Spacing::Time(self.step_ns);
        if self.step_ns <= 0 {
            return Vec::new();
        }
        let mut moves = differences(rows, self.column, spacing, 1);
        for (r, t) in moves.iter_mut().zip(&rows.t_ns) {
            *r = if t.rem_euclid(self.step_ns) == 0 { *r } else { f64::NAN };
        }
        let back = spacing.back(rows, 1);
        let starts = |i: usize| back[i].is_none_or(|j| moves[j].is_nan());
        (0..rows.len()).filter(|i| !moves[*i].is_nan()).map(|i| (i, moves[i], starts(i))).collect()
    }

    fn of_side(&self, rows: &Rows) -> Result<Reading, Undefined> {
        let returns = self.returns(rows);
        let share: f64 = returns.iter().map(|(i, ..)| rows.weights[*i]).sum();
        if returns.len() < GARCH_RETURNS_MIN || share <= 0.0 || share.is_nan() {
            return Err(Undefined(TOO_FEW));
        }
        let (values, _) = scaled(&returns.iter().map(|(_, r, _)| *r).collect::<Vec<_>>())?;
        let mut path = Path::default();
        for ((i, _, is_start), r) in returns.iter().zip(values) {
            path.push(r, rows.weights[*i] / share, *is_start);
        }
        path.finish();
        let theta = path.maximum()?;
        let persistence = theta[1] + theta[2];
        let (value, gradient) = match self.number {
            GarchNumber::Alpha => (theta[1], [0.0, 1.0, 0.0]),
            GarchNumber::LnHalfLife => {
                let log = libm::log(persistence);
                let slope = -1.0 / (persistence * log);
                (libm::log(libm::log(0.5) / log), [0.0, slope, slope])
            }
        };
        let curvature = path.local(theta).hessian;
        let influences = |gradient: &[f64; 3]| {
            let direction = solve(&curvature, gradient).ok_or(Undefined("the likelihood of GARCH(1,1) is flat"))?;
            Ok(path.influences(theta, &direction))
        };
        let alphas = influences(&[0.0, 1.0, 0.0])?;
        if theta[1] < CLEAR * path.standard_error(&alphas) {
            return Err(Undefined("its volatility does not clearly cluster: alpha is within 2 standard errors of 0"));
        }
        let mut reading = empty_reading(rows, vec![value]);
        for ((i, ..), influence) in returns.iter().zip(influences(&gradient)?) {
            reading.scores[*i] = influence / share;
        }
        Ok(reading)
    }
}

impl PanelStatistic for Garch {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        on_both(golden, candidate, |rows| self.of_side(rows))
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Signed
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        165 + self.number as u64
    }

    fn carrying_min(&self) -> f64 {
        CARRYING_MIN
    }
}
