//! Where the law of a series changed: cumulated sums.

use super::{Undefined, scaled};
use crate::classic::kolmogorov_sf;

/// Fewest values of a test.
const VALUES_MIN: usize = 8;

/// The largest excursion of the cumulated sums.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ChangePoint {
    /// `max_k |S_k - k/n S_n| / (s sqrt n)`, `s^2` the long-run variance.
    pub statistic: f64,
    /// P of a larger one without a change: Kolmogorov's law.
    pub p_value: f64,
    /// The most likely place of a change: the first index after it, 1 to n - 1.
    pub at: usize,
    /// Mean after it less mean before it.
    pub shift: f64,
}

/// Tests a series, such as the means of windows in order of time, for a change of its mean. The long-run variance has Bartlett weights
/// over `lags` autocovariances about the mean of the whole series; 0 for independent values, `4 (n/100)^(2/9)` is usual for others.
///
/// # Errors
/// [`Undefined`] for fewer than 8 values, values that are not finite or all equal, or `lags` not below a quarter of their number.
///
/// # Source
/// Page (1954); Ploberger and Kramer (1992): the cumulated residuals of a constant, a Brownian bridge in the limit. Long-run variance:
/// Newey and West (1987). For no lags as `breaks_cusumolsresid` of statsmodels.
pub fn cusum(values: &[f64], lags: usize) -> Result<ChangePoint, Undefined> {
    let n = values.len();
    if n < VALUES_MIN || lags >= n / 4 {
        return Err(Undefined("a change needs 8 values, and 4 for each lag"));
    }
    if values.iter().any(|v| !v.is_finite()) {
        return Err(Undefined("a value is not finite"));
    }
    let moved: Vec<f64> = values.iter().map(|v| v - values[0]).collect();
    let (moved, size) = scaled(&moved)?;
    let mean = moved.iter().sum::<f64>() / n as f64;
    let centred: Vec<f64> = moved.iter().map(|v| v - mean).collect();
    let variance = long_run_variance(&centred, lags);
    if variance <= 0.0 || variance.is_nan() {
        return Err(Undefined("the long-run variance is 0"));
    }
    let (mut sum, mut most, mut at) = (0.0, 0.0, 1);
    for (k, v) in centred[..n - 1].iter().enumerate() {
        sum += v;
        if sum * sum > most * most {
            (most, at) = (sum, k + 1);
        }
    }
    let statistic = libm::fabs(most) / libm::sqrt(variance * n as f64);
    // The sum before the change is `most`, that after it its negative.
    let shift = size * (-most / (n - at) as f64 - most / at as f64);
    Ok(ChangePoint { statistic, p_value: kolmogorov_sf(statistic), at, shift })
}

/// `g_0 + 2 sum_k (1 - k/(lags + 1)) g_k`, `g_k = 1/n sum e_t e_(t-k)`.
fn long_run_variance(centred: &[f64], lags: usize) -> f64 {
    let n = centred.len() as f64;
    let covariance = |lag: usize| centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / n;
    let weighted = |lag: usize| 2.0 * (1.0 - lag as f64 / (lags + 1) as f64) * covariance(lag);
    covariance(0) + (1..=lags).map(weighted).sum::<f64>()
}

/// What an online test for a change found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PageHinkley {
    /// The first index at which the test alarms, and 1 for a rise or -1 for a fall.
    pub alarm: Option<(usize, i8)>,
    /// The largest excursion upwards and downwards, in the values' unit, over the whole series.
    pub largest: (f64, f64),
}

/// Watches a series for a change of its mean: an alarm where `sum (x_t - m_t - tolerance)` exceeds its least value so far by
/// `threshold`, or `sum (x_t - m_t + tolerance)` falls below its largest by it; `m_t` is the mean up to and with t.
///
/// # Errors
/// [`Undefined`] for values that are not finite, or no values, a negative tolerance, or a threshold that is not above 0.
///
/// # Source
/// Page (1954), Hinkley (1971); the two-sided form of Mouss et al. (2004).
pub fn page_hinkley(values: &[f64], tolerance: f64, threshold: f64) -> Result<PageHinkley, Undefined> {
    if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
        return Err(Undefined("no values, or a value is not finite"));
    }
    if !(tolerance >= 0.0 && threshold > 0.0 && tolerance.is_finite()) {
        return Err(Undefined("the tolerance must be at least 0, and the threshold above 0"));
    }
    let origin = values[0];
    let (mut mean, mut up, mut down) = (0.0, (0.0, 0.0_f64), (0.0, 0.0_f64));
    let mut found = PageHinkley { alarm: None, largest: (0.0, 0.0) };
    for (t, v) in values.iter().enumerate() {
        let value = v - origin;
        mean += (value - mean) / (t + 1) as f64;
        up.0 += value - mean - tolerance;
        down.0 += value - mean + tolerance;
        up.1 = up.1.min(up.0);
        down.1 = down.1.max(down.0);
        let (rise, fall) = (up.0 - up.1, down.1 - down.0);
        if !(rise.is_finite() && fall.is_finite()) {
            return Err(Undefined("the sums exceed the range of f64"));
        }
        found.largest = (found.largest.0.max(rise), found.largest.1.max(fall));
        if found.alarm.is_none() && rise.max(fall) > threshold {
            found.alarm = Some((t, if rise > threshold { 1 } else { -1 }));
        }
    }
    Ok(found)
}
