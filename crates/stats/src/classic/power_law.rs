//! The continuous power law of a tail.

use super::pareto::TailContrast;
use super::tail::{Sizes, Tail, log_ratio};
use super::{Side, TAIL_MIN, TestError, check_pair};
use crate::histogram::Histogram;
use crate::sum::DoubleSum;

/// Places at which a tail may start that are tried, at most.
const STARTS_MAX: usize = 100;
/// Relative rounding of an exponent on a lattice with cells, generously.
const ROUNDING: f64 = 1e-12;

/// A power law fitted to a tail: density proportional to `x^-alpha` for x at or beyond the start.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct PowerLawFit {
    /// The exponent alpha, above 1.
    pub alpha: f64,
    /// The exponent of the raw values, from the same start, lies in this interval for sure.
    pub certified: (f64, f64),
    /// The smallest size of the tail, in the unit of the values: the near end of the start's cell.
    pub x_min: f64,
    /// Values at or beyond the start.
    pub k: u64,
}

/// Difference of the exponents of power laws fitted to what of either sample lies at or beyond one start.
///
/// # Errors
/// [`TestError::DifferentLattices`], and those of [`fit_power_law`] for either sample.
pub fn power_law(
    first: &Histogram,
    second: &Histogram,
    tail: Tail,
    start: i64,
) -> Result<TailContrast<PowerLawFit>, TestError> {
    check_pair(first, second, 0)?;
    let x = fit(first, tail, start, Side::First)?;
    let y = if second == first { x } else { fit(second, tail, start, Side::Second)? };
    Ok(TailContrast { statistic: y.alpha - x.alpha, first: x, second: y })
}

/// Maximum likelihood of the continuous power law, `alpha = 1 + k / sum ln(x / x_min)`, for the k values at or beyond the key
/// `start`, which stand at the middles of their cells.
///
/// # Errors
/// [`TestError::TooFewInTail`] for fewer than [`TAIL_MIN`] values there; [`TestError::NoTail`] when the start does not lie beyond
/// zero; [`TestError::NoFit`] when all values lie on the start.
///
/// # Source
/// Clauset, Shalizi and Newman (2009), "Power-law distributions in empirical data", equation 3.1; the `powerlaw` package.
pub fn fit_power_law(histogram: &Histogram, tail: Tail, start: i64) -> Result<PowerLawFit, TestError> {
    fit(histogram, tail, start, Side::First)
}

fn fit(histogram: &Histogram, tail: Tail, start: i64, side: Side) -> Result<PowerLawFit, TestError> {
    let lattice = histogram.lattice();
    let no_start = TestError::NoTail { side, tail, reason: "its start does not lie beyond zero" };
    let x_min = Sizes::of(lattice, start, tail).ok_or(no_start)?.inner;
    let (mut k, mut sums) = (0_u64, [DoubleSum::default(); 3]);
    for &(key, count) in histogram.cells() {
        let is_beyond = if tail == Tail::Upper { key >= start } else { key <= start };
        let Some(size) = Sizes::of(lattice, key, tail).filter(|_| is_beyond) else { continue };
        k += count;
        for (sum, x) in sums.iter_mut().zip([size.middle, size.inner, size.outer]) {
            sum.add_product(log_ratio(x, x_min), count);
        }
    }
    if k < TAIL_MIN {
        return Err(TestError::TooFewInTail { side, tail, n: k, n_min: TAIL_MIN });
    }
    let alpha = |sum: f64| if sum > 0.0 { 1.0 + k as f64 / sum } else { f64::INFINITY };
    let [middle, inner, outer] = sums.map(|sum| alpha(sum.value()));
    if !middle.is_finite() {
        return Err(TestError::NoFit { side, tail, reason: "all of its values lie on its start" });
    }
    let certified =
        if lattice.is_exact() { (middle, middle) } else { (outer * (1.0 - ROUNDING), inner * (1.0 + ROUNDING)) };
    Ok(PowerLawFit { alpha: middle, certified, x_min, k })
}

/// The key at which a power law fits the sample's tail best: the least Kolmogorov-Smirnov distance between the tail from there on and
/// the law fitted to it, of two equal ones the nearer to zero. At least [`TAIL_MIN`] values must lie at or beyond it; of more than
/// a hundred keys that would do a hundred are tried, evenly in the logarithm of the number of values beyond.
///
/// # Errors
/// [`TestError::TooFewInTail`] when fewer than [`TAIL_MIN`] values lie beyond zero; [`TestError::NoFit`] when they are all equal.
///
/// # Source
/// Clauset, Shalizi and Newman (2009), section 3.3. The distance is the one of their program and of the `powerlaw` package, of the
/// law from the shares of values before each.
pub fn power_law_start(histogram: &Histogram, tail: Tail) -> Result<i64, TestError> {
    let mut cells: Vec<Logs> = histogram.cells().iter().filter_map(|cell| Logs::of(histogram, *cell, tail)).collect();
    if tail == Tail::Lower {
        cells.reverse();
    }
    let k: u64 = cells.iter().map(|cell| cell.count).sum();
    let side = Side::First;
    if k < TAIL_MIN {
        return Err(TestError::TooFewInTail { side, tail, n: k, n_min: TAIL_MIN });
    }
    // Of the values from each cell on: how many, and the sum of their logarithms.
    let mut beyond = vec![(0_u64, 0.0); cells.len()];
    let (mut count, mut sum) = (0, DoubleSum::default());
    for (slot, cell) in beyond.iter_mut().zip(&cells).rev() {
        count += cell.count;
        sum.add_product(cell.middle, cell.count);
        *slot = (count, sum.value());
    }
    let mut best: Option<(f64, i64)> = None;
    for at in starts(&beyond) {
        let (count, sum) = beyond[at];
        let from = cells[at].inner;
        let excess = sum - count as f64 * from;
        // Equal values: the exponent would be infinite, or the rounding of nothing.
        if at + 1 >= cells.len() || excess <= 0.0 {
            continue;
        }
        let most = best.map_or(f64::INFINITY, |(distance, _)| distance);
        let exponent = count as f64 / excess;
        if let Some(distance) = distance(&cells[at..], (from, exponent, count as f64), most) {
            best = Some((distance, cells[at].key));
        }
    }
    let reason = "all of its values lie on its start";
    best.map(|(_, key)| key).ok_or(TestError::NoFit { side, tail, reason })
}

/// A cell with the logarithms of its sizes.
struct Logs {
    key: i64,
    count: u64,
    middle: f64,
    inner: f64,
}

impl Logs {
    fn of(histogram: &Histogram, (key, count): (i64, u64), tail: Tail) -> Option<Self> {
        let size = Sizes::of(histogram.lattice(), key, tail)?;
        Some(Self { key, count, middle: libm::log(size.middle), inner: libm::log(size.inner) })
    }
}

/// The places tried: all with enough values beyond, or a hundred of them.
fn starts(beyond: &[(u64, f64)]) -> Vec<usize> {
    let last = beyond.partition_point(|(count, _)| *count >= TAIL_MIN);
    if last <= STARTS_MAX {
        return (0..last).collect();
    }
    let span = libm::log(beyond[0].0 as f64 / TAIL_MIN as f64);
    let place = |i: usize| {
        let wanted = beyond[0].0 as f64 * libm::exp(-span * i as f64 / (STARTS_MAX - 1) as f64);
        beyond[..last].partition_point(|(count, _)| *count as f64 > wanted).min(last - 1)
    };
    let mut places: Vec<usize> = (0..STARTS_MAX).map(place).collect();
    places.dedup();
    places
}

/// The distance of the tail from its law, where it is below `most`.
fn distance(cells: &[Logs], (from, exponent, count): (f64, f64, f64), most: f64) -> Option<f64> {
    let (mut largest, mut below) = (0.0_f64, 0_u64);
    for cell in cells {
        let law = 1.0 - libm::exp(exponent * (from - cell.middle));
        let (before, last) = (below as f64 / count, (below + cell.count - 1) as f64 / count);
        largest = largest.max((law - before).abs()).max((law - last).abs());
        if largest >= most {
            return None;
        }
        below += cell.count;
    }
    Some(largest)
}
