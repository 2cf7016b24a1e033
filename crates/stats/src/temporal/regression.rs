//! Regression of a price's move on what comes before it, or with it: order flow imbalance, signed volume.

use super::means::Means;
use super::spacing::{Spacing, column_of};
use super::{CARRYING_MIN, Undefined, finite, on_both};
use crate::judging::{JudgingError, PanelNorm, PanelStatistic, Reading, Rows};
use crate::special::student_t_sf;

/// Rows below which nothing is said.
const ROWS_MIN: usize = 20;
const TOO_FEW: &str = "fewer than 20 rows define the move and what it is regressed on";
/// Standard errors, as if rows were independent, that the golden's slope must be away from 0 to be a unit.
const UNIT_MIN: f64 = 5.0;
/// Share of the response's variance off the line, up to which it is rounding.
const EXACT: f64 = 1e-12;
/// Rows that carry the regressor's variance, below which one outweighs all others.
const FEW: f64 = 2.0;

/// Ordinary least squares with one regressor.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct OlsFit {
    /// In units of y per unit of x.
    pub slope: f64,
    /// In units of y.
    pub intercept: f64,
    /// Share of the variance of y that the line explains.
    pub r_squared: f64,
    /// Standard error of the slope, with `lags` autocovariances.
    pub standard_error: f64,
    /// The slope over it.
    pub t: f64,
    /// P of a larger |t| for a slope of 0, from Student's law of n - 2 degrees of freedom.
    pub p_value: f64,
}

/// Regresses y on x, both in order of time, with Newey-West standard errors: Bartlett weights over `lags` autocovariances of
/// `(x_t - mean) e_t`, without correction for small samples.
///
/// # Errors
/// [`Undefined`] for fewer than 3 pairs, lengths that differ, values that are not finite, an x without spread, `lags` not below n.
///
/// # Source
/// Newey and West (1987). As `OLS(y, add_constant(x)).fit(cov_type="HAC", cov_kwds={"maxlags": lags}, use_t=True)` of statsmodels.
pub fn ols_hac(x: &[f64], y: &[f64], lags: usize) -> Result<OlsFit, Undefined> {
    let n = x.len();
    if n < 3 || n != y.len() || lags >= n {
        return Err(Undefined("it needs 3 pairs, as many of x as of y, and fewer lags"));
    }
    if x.iter().chain(y).any(|v| !v.is_finite()) {
        return Err(Undefined("a value is not finite"));
    }
    let rows = Rows::of_values(2, x.iter().zip(y).flat_map(|(x, y)| [*x, *y]).collect(), 1);
    let line = Line::of(&rows, 3, |i| [x[i], y[i]])?;
    let scores: Vec<f64> = (0..n).map(|i| line.pair(x[i], y[i])).map(|[dx, dy]| dx * (dy - line.slope * dx)).collect();
    let product = |lag: usize| scores.iter().zip(&scores[lag..]).map(|(a, b)| a * b).sum::<f64>();
    let weighted = |lag: usize| 2.0 * (1.0 - lag as f64 / (lags + 1) as f64) * product(lag);
    let sum = product(0) + (1..=lags).map(weighted).sum::<f64>();
    let standardised = libm::sqrt(sum.max(0.0)) / (n as f64 * line.moments.values[0]);
    let [_, variance_y, covariance] = line.moments.values;
    let slope = line.slope * line.unit;
    let standard_error = standardised * line.unit;
    let fit = OlsFit {
        slope,
        intercept: line.centre(1) - slope * line.centre(0),
        r_squared: if variance_y > 0.0 { line.slope * covariance / variance_y } else { 0.0 },
        standard_error,
        t: slope / standard_error,
        p_value: 2.0 * student_t_sf((slope / standard_error).abs(), n as f64 - 2.0),
    };
    let finite = [fit.slope, fit.intercept, fit.r_squared, fit.t].iter().all(|v| v.is_finite());
    if finite { Ok(fit) } else { Err(Undefined("the line fits exactly, or exceeds the range of f64")) }
}

/// A line through pairs, both columns about their means and over their reach.
struct Line {
    /// A pair among them.
    origin: [f64; 2],
    /// The means, in reaches from the origin.
    mean: [f64; 2],
    reach: [f64; 2],
    /// Variance of x, of y, and covariance.
    moments: Means<3>,
    /// In reaches.
    slope: f64,
    /// What a slope of 1 in reaches is in units.
    unit: f64,
}

impl Line {
    fn of(rows: &Rows, least: usize, pair: impl Fn(usize) -> [f64; 2]) -> Result<Self, Undefined> {
        // An origin among the values, then the mean about it: offsets cost no digits.
        let defined = || (0..rows.len()).map(&pair).filter(|pair| pair.iter().all(|v| !v.is_nan()));
        let Some(origin) = defined().next() else { return Err(Undefined(TOO_FEW)) };
        let reach_of = |c: usize| defined().map(|pair| (pair[c] - origin[c]).abs()).fold(0.0_f64, f64::max);
        let reach = [reach_of(0), reach_of(1)];
        if !(reach[0] > 0.0 && reach.iter().all(|r| r.is_finite())) {
            return Err(Undefined("what it is regressed on has no spread, or exceeds the range of f64"));
        }
        let over = |c: usize| if reach[c] > 0.0 { reach[c] } else { 1.0 };
        let reach = [over(0), over(1)];
        let moved = |i: usize| [0, 1].map(|c| (pair(i)[c] - origin[c]) / reach[c]);
        let mean = Means::of(rows, least, TOO_FEW, moved)?.values;
        let moments = Means::of(rows, least, TOO_FEW, |i| {
            let [x, y] = moved(i);
            let (x, y) = (x - mean[0], y - mean[1]);
            [x * x, y * y, x * y]
        })?;
        let [variance_x, _, covariance] = moments.values;
        // Rounding of the mean leaves a little where all values are equal.
        if variance_x <= 1e-28 {
            return Err(Undefined("what it is regressed on has no spread"));
        }
        Ok(Self { origin, mean, reach, slope: covariance / variance_x, unit: reach[1] / reach[0], moments })
    }

    /// A pair about the means, in reaches.
    fn pair(&self, x: f64, y: f64) -> [f64; 2] {
        let of = |c: usize, v: f64| (v - self.origin[c]) / self.reach[c] - self.mean[c];
        [of(0, x), of(1, y)]
    }

    /// The mean of a column, in its unit.
    fn centre(&self, c: usize) -> f64 {
        self.origin[c] + self.mean[c] * self.reach[c]
    }

    fn correlation(&self) -> Result<f64, Undefined> {
        let [x, y, product] = self.moments.values;
        if y <= 1e-28 {
            return Err(Undefined("the price does not move"));
        }
        Ok(product / libm::sqrt(x * y))
    }
}

/// Which number of a regression is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegressionNumber {
    /// The slope, in units of the response per unit of the regressor: Kyle's lambda, if that is signed volume.
    Slope,
    /// The slope over the size of the golden's: the effect is how much of the golden's slope the candidate's differs by. Undefined where
    /// the golden's is not clearly different from 0.
    RelativeSlope,
    /// The correlation: the root of R^2, with the sign of the slope. For weak relations, whose R^2 is close to 0.
    Correlation,
    /// R^2. Its noise is known to first order only: the correlation should be some standard errors away from 0.
    RSquared,
}

/// Regression of the move of one column (a mid price) on another (order flow imbalance, signed volume) by least squares.
///
/// # Source
/// Cont, Kukanov and Stoikov (2014) for order flow imbalance, Kyle (1985) for lambda. With e the residual the influence of a row on the
/// slope is `(x - mean) e / var x`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regression {
    price: usize,
    regressor: usize,
    spacing: Spacing,
    lead: usize,
    number: RegressionNumber,
}

impl Regression {
    /// The move of column `price` on column `regressor`. With `lead` 0 the move over the step that ends at a row on the row's regressor
    /// (impact); else the move over the `lead` steps that follow a row (prediction). Moves over several steps overlap.
    pub fn new(price: usize, regressor: usize, spacing: Spacing, lead: usize, number: RegressionNumber) -> Self {
        Self { price, regressor, spacing, lead, number }
    }

    fn line(&self, rows: &Rows) -> Result<Line, Undefined> {
        let (prices, x) = (column_of(rows, self.price), column_of(rows, self.regressor));
        let back = self.spacing.back(rows, self.lead.max(1));
        let impact = self.lead == 0;
        Line::of(rows, ROWS_MIN, |i| {
            let Some(j) = back[i] else { return [f64::NAN; 2] };
            [if impact { x[i] } else { x[j] }, prices[i] - prices[j]]
        })
    }

    fn of_side(&self, rows: &Rows) -> Result<Reading, Undefined> {
        let line = self.line(rows)?;
        let [x, y, product] = line.moments.values;
        // A line goes through one row and the rest of them: what it misses them by is rounding, and tells of no noise.
        if product * product >= (1.0 - EXACT) * x * y && y > 0.0 && line.moments.carrying(rows, 0) < FEW {
            return Err(Undefined("one row outweighs all others: nothing is left to tell the noise by"));
        }
        if matches!(self.number, RegressionNumber::Slope | RegressionNumber::RelativeSlope) {
            let unit = line.unit;
            return Ok(line.moments.reading(rows, unit * line.slope, [-unit * product / (x * x), 0.0, unit / x]));
        }
        let r = line.correlation()?;
        let gradient = [-0.5 * r / x, -0.5 * r / y, r_slope(x, y)];
        if self.number == RegressionNumber::Correlation {
            return Ok(line.moments.reading(rows, r, gradient));
        }
        Ok(line.moments.reading(rows, r * r, gradient.map(|g| 2.0 * r * g)))
    }

    /// Both slopes in sizes of the golden's.
    fn relative(&self, golden: &Rows, [mut g, mut c]: [Reading; 2]) -> Result<[Reading; 2], Undefined> {
        let line = self.line(golden)?;
        let r = line.correlation()?;
        let degrees = (line.moments.len() as f64 - 2.0).max(1.0);
        if r * r * degrees < UNIT_MIN * UNIT_MIN * (1.0 - r * r) {
            return Err(Undefined("its slope is not clearly different from 0: no unit for another"));
        }
        let (slope, other) = (g.values[0], c.values[0]);
        let size = slope.abs();
        // The golden's own number is 1 whatever its slope; its slope is the unit of the candidate's.
        let through = slope.signum() * (other / size) / size;
        g.scores.iter_mut().for_each(|score| *score *= through);
        c.scores.iter_mut().for_each(|score| *score /= size);
        (g.values, c.values) = (vec![slope.signum()], vec![other / size]);
        Ok([finite(g)?, finite(c)?])
    }
}

/// Derivative of a correlation to the covariance.
fn r_slope(x: f64, y: f64) -> f64 {
    1.0 / libm::sqrt(x * y)
}

impl PanelStatistic for Regression {
    fn read(&self, golden: &Rows, candidate: &Rows) -> Result<[Reading; 2], JudgingError> {
        let readings = on_both(golden, candidate, |rows| self.of_side(rows))?;
        if self.number != RegressionNumber::RelativeSlope {
            return Ok(readings);
        }
        let undefined = |Undefined(reason)| JudgingError::Undefined { side: crate::judging::Side::Golden, reason };
        self.relative(golden, readings).map_err(undefined)
    }

    fn norm(&self, _: &Reading) -> PanelNorm {
        PanelNorm::Signed
    }

    fn is_ordered(&self) -> bool {
        true
    }

    fn domain(&self) -> u64 {
        157 + self.number as u64
    }

    fn carrying_min(&self) -> f64 {
        CARRYING_MIN
    }
}
