//! What the scores of a benchmark come to.

/// Means over scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The median.
    pub median: f64,
    /// The mean of the scores from the lower to the upper quartile, both included.
    pub interquartile_mean: f64,
}

/// The summary of some numbers; `None` of none.
pub fn summary(values: &[f64]) -> Option<Summary> {
    let mut ascending = values.to_vec();
    ascending.sort_by(f64::total_cmp);
    let n = ascending.len();
    if n == 0 {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let quantile = |p: f64| {
        let place = (n - 1) as f64 * p;
        let low = libm::floor(place) as usize;
        super::between(ascending[low], ascending[(low + 1).min(n - 1)], place - low as f64)
    };
    let (lower, upper) = (quantile(0.25), quantile(0.75));
    let inner: Vec<f64> = ascending.iter().copied().filter(|x| (lower..=upper).contains(x)).collect();
    // Two numbers have nothing between their quartiles.
    let interquartile_mean = if inner.is_empty() { mean(&ascending) } else { mean(&inner) };
    Some(Summary { mean: mean(&ascending), median: quantile(0.5), interquartile_mean })
}
