//! Runs of signs.

use super::means::Means;
use super::spacing::{Series, Spacing};
use super::{Undefined, on_both};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};
use crate::special::normal_sf;

/// Pairs below which nothing is said.
const PAIRS_MIN: usize = 20;

/// The Wald-Wolfowitz test of "each order of these signs is equally likely".
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RunsTest {
    /// Runs of equal signs.
    pub runs: u64,
    /// Positive and negative signs.
    pub signs: (u64, u64),
    /// Runs less their mean, over their standard deviation: below 0 where equal signs cluster.
    pub z: f64,
    /// P of a larger |z|: normal, without continuity correction.
    pub p_value: f64,
}

/// Counts runs of signs of values in order; zeros and NaN are left out.
///
/// # Errors
/// [`Undefined`] for fewer than 2 of either sign, or 2^26 signs.
///
/// # Source
/// Wald and Wolfowitz (1940). As `runstest_1samp(values, cutoff=0, correction=False)` of statsmodels for values without zeros.
pub fn wald_wolfowitz(values: &[f64]) -> Result<RunsTest, Undefined> {
    let signs: Vec<bool> = values.iter().filter(|v| v.abs() > 0.0).map(|v| *v > 0.0).collect();
    let positive = signs.iter().filter(|s| **s).count();
    let negative = signs.len() - positive;
    // Products of two counts stay exact.
    if positive < 2 || negative < 2 || signs.len() >= 1 << 26 {
        return Err(Undefined("the test needs 2 positive and 2 negative values, and fewer than 2^26 in all"));
    }
    let runs = 1 + signs.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let (a, b, n) = (positive as f64, negative as f64, signs.len() as f64);
    let product = 2.0 * a * b;
    let mean = product / n + 1.0;
    let variance = product * (product - n) / (n * n * (n - 1.0));
    let z = (runs as f64 - mean) / libm::sqrt(variance);
    let signs = (positive as u64, negative as u64);
    Ok(RunsTest { runs: runs as u64, signs, z, p_value: 2.0 * normal_sf(z.abs()) })
}

/// How often neighbours differ in sign, over how often they would if signs came in any order: `P(s_t != s_(t-1)) / (2 q (1 - q))`, q the
/// share of positive signs among them. 1 without serial dependence, below 1 for runs longer than by chance; 1 less it is the
/// autocorrelation of the signs at one step. The effect is its difference.
///
/// # Source
/// The runs of Wald and Wolfowitz (1940) per sign, over their mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignChanges {
    column: usize,
    series: Series,
    spacing: Spacing,
}

impl SignChanges {
    /// Of the signs of a series of a column; zeros have none, and no neighbours.
    pub fn new(column: usize, series: Series, spacing: Spacing) -> Self {
        Self { column, series, spacing }
    }

    fn of_side(&self, rows: &Rows) -> Result<Reading, Undefined> {
        let values = self.series.of(rows, self.column, self.spacing);
        let back = self.spacing.back(rows, 1);
        let positive = |i: usize| (values[i].abs() > 0.0).then_some(values[i] > 0.0);
        let of = |is: bool| if is { 1.0 } else { 0.0 };
        let means = Means::of(rows, PAIRS_MIN, "fewer than 20 pairs of signs", |i| {
            match (positive(i), back[i].and_then(positive)) {
                (Some(now), Some(before)) => [of(now != before), 0.5 * (of(now) + of(before))],
                _ => [f64::NAN; 2],
            }
        })?;
        let [changes, share] = means.values;
        let expected = 2.0 * share * (1.0 - share);
        if expected <= 1e-12 || expected.is_nan() {
            return Err(Undefined("all signs are equal"));
        }
        let slope = -changes / (expected * expected) * 2.0 * (1.0 - 2.0 * share);
        Ok(means.reading(rows, changes / expected, [1.0 / expected, slope]))
    }
}

impl PanelStatistic for SignChanges {
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
        156
    }
}
