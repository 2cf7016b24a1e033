//! Serial dependence: autocorrelations, together, and the tests of Box, Pierce and Ljung.

use super::means::{Means, empty_reading};
use super::spacing::{Series, Spacing};
use super::{Undefined, on_both, scaled};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};
use crate::special::gamma_q;

/// Pairs below which nothing is said.
const PAIRS_MIN: usize = 20;
/// The most lags of one statistic.
const LAGS_MAX: usize = 1_000;

/// The Ljung-Box test up to one lag.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LjungBox {
    /// The last lag.
    pub lag: usize,
    /// `Q = n (n + 2) sum_k r_k^2 / (n - k)`.
    pub statistic: f64,
    /// P of a larger Q without serial dependence: chi-square, of as many degrees of freedom as lags less fitted parameters; none
    /// where that leaves none.
    pub p_value: Option<f64>,
}

/// The Ljung-Box test from the autocorrelations of lags 1, 2, ... of `n` observations, up to each of those lags. `fitted` parameters of
/// an ARMA model whose residuals they are take degrees of freedom away.
///
/// # Errors
/// [`Undefined`] for no lags, a lag not below `n`, autocorrelations that are not finite.
///
/// # Source
/// Ljung and Box (1978). As `acorr_ljungbox` of statsmodels.
pub fn ljung_box(autocorrelations: &[f64], n: u64, fitted: usize) -> Result<Vec<LjungBox>, Undefined> {
    if autocorrelations.is_empty() || autocorrelations.len() as u64 >= n {
        return Err(Undefined("lags must be 1 to n - 1"));
    }
    if autocorrelations.iter().any(|r| !r.is_finite()) {
        return Err(Undefined("an autocorrelation is not finite"));
    }
    let n = n as f64;
    let mut sum = 0.0;
    let test = |(k, r): (usize, &f64)| {
        let lag = k + 1;
        sum += r * r / (n - lag as f64);
        let statistic = n * (n + 2.0) * sum;
        let degrees = lag.saturating_sub(fitted);
        let p_value = (degrees > 0).then(|| gamma_q(0.5 * degrees as f64, 0.5 * statistic));
        LjungBox { lag, statistic, p_value }
    };
    Ok(autocorrelations.iter().enumerate().map(test).collect())
}

/// Autocorrelations of lags 1 to `lags` of values in order, `sum (x_t - m)(x_(t-k) - m) / sum (x_t - m)^2`.
///
/// # Errors
/// [`Undefined`] for values that are not finite or all equal, `lags` of 0 or not below their number.
///
/// # Source
/// Box and Jenkins (1970); as `acf` of statsmodels without its `adjusted`.
pub fn autocorrelations(values: &[f64], lags: usize) -> Result<Vec<f64>, Undefined> {
    if lags == 0 || lags >= values.len() {
        return Err(Undefined("lags must be 1 to n - 1"));
    }
    if values.iter().any(|v| !v.is_finite()) {
        return Err(Undefined("a value is not finite"));
    }
    let centred = centred(values)?;
    let square: f64 = centred.iter().map(|d| d * d).sum();
    let product = |lag: usize| centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>();
    Ok((1..=lags).map(|lag| product(lag) / square).collect())
}

/// Values about their mean over their reach; NaN stays. An origin of their own keeps the digits.
fn centred(values: &[f64]) -> Result<Vec<f64>, Undefined> {
    let Some(origin) = values.iter().copied().find(|v| !v.is_nan()) else {
        return Err(Undefined("no value is defined"));
    };
    let moved: Vec<f64> = values.iter().map(|v| v - origin).collect();
    let (moved, _) = scaled(&moved).map_err(|_| Undefined("its values have no spread, or exceed the range of f64"))?;
    let count = moved.iter().filter(|v| !v.is_nan()).count() as f64;
    let mean = moved.iter().filter(|v| !v.is_nan()).sum::<f64>() / count;
    Ok(moved.iter().map(|v| v - mean).collect())
}

/// Autocorrelations of a series of a column, lag by lag; the effect is the largest difference. Each lag has the mean and the variance
/// of the values in its own pairs, as [`crate::judging::Functional::Autocorrelation`]; a pair with a hole counts for the other lags.
///
/// # Source
/// As [`autocorrelations`], whose mean is that of all values. With z the values about their mean in standard deviations, the influence
/// of a pair is `z_t z_(t-k) - r (z_t^2 + z_(t-k)^2) / 2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autocorrelations {
    column: usize,
    series: Series,
    spacing: Spacing,
    lags: Vec<usize>,
}

impl Autocorrelations {
    /// At these lags, in steps, up to 1,000.
    pub fn new(column: usize, series: Series, spacing: Spacing, lags: Vec<usize>) -> Self {
        Self { column, series, spacing, lags }
    }

    /// The lags, in order of the numbers read.
    pub fn lags(&self) -> &[usize] {
        &self.lags
    }

    fn of_side(&self, rows: &Rows) -> Result<Reading, Undefined> {
        if self.lags.is_empty() || self.lags.iter().any(|lag| !(1..=LAGS_MAX).contains(lag)) {
            return Err(Undefined("lags must be 1 to 1,000"));
        }
        let x = centred(&self.series.of(rows, self.column, self.spacing))?;
        let mut reading = empty_reading(rows, vec![0.0; self.lags.len()]);
        for (number, lag) in self.lags.iter().enumerate() {
            let back = self.spacing.back(rows, *lag);
            let earlier = |i: usize| back[i].map_or(f64::NAN, |j| x[j]);
            let mean = Means::of(rows, PAIRS_MIN, "fewer than 20 pairs", |i| [0.5 * (x[i] + earlier(i))])?.values[0];
            let moments = Means::of(rows, PAIRS_MIN, "fewer than 20 pairs", |i| {
                let (a, b) = (x[i] - mean, earlier(i) - mean);
                [a * b, 0.5 * (a * a + b * b)]
            })?;
            let [product, variance] = moments.values;
            // Rounding of the mean leaves a little where all values are equal.
            if variance <= 1e-28 {
                return Err(Undefined("its values have no spread"));
            }
            reading.values[number] = product / variance;
            moments.add_influence(&mut reading, number, [1.0 / variance, -product / (variance * variance)]);
        }
        Ok(reading)
    }
}

impl PanelStatistic for Autocorrelations {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        on_both(golden, candidate, |rows| self.of_side(rows))
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Largest
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        155
    }
}
