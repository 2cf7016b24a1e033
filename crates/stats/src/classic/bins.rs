//! Tests on bins fixed from the first sample: chi-square of homogeneity, population stability index, Jensen-Shannon.
//!
//! The bins are made of whole keys, so on a lattice with cells they are exact too: what they hide is inside the bins, not a
//! rounding of the statistic.

use core::f64::consts::LN_2;

use super::{Gap, Side, TestError, check_pair, difference};
use crate::histogram::Histogram;
use crate::special::gamma_q;
use crate::sum::DoubleSum;

/// Bins of the chi-square test and of the Jensen-Shannon distance: twentieths of the first sample.
pub const BINS: u16 = 20;
/// Bins of the population stability index: its deciles.
pub const PSI_BINS: u16 = 10;

/// Chi-square of homogeneity of two samples over bins of the first.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ChiSquare {
    /// Chi-square of the 2 x B table of counts, without continuity correction: SciPy's `chi2_contingency(correction=False)`.
    pub statistic: f64,
    /// Cramer's V of two equally large samples with these shares p and q, `sqrt(sum (p - q)^2 / (2 (p + q)))`: 0 for equal
    /// shares, at most 1.
    pub effect: f64,
    /// B - 1.
    pub degrees: u64,
    /// Tail of chi-square for independent observations, for reference.
    pub p_value: f64,
    /// The counts of both samples in each bin.
    pub table: Vec<(u64, u64)>,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// A divergence of binned shares.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Divergence {
    /// The divergence, also the effect: 0 for equal shares.
    pub statistic: f64,
    /// The counts of both samples in each bin.
    pub table: Vec<(u64, u64)>,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// The upper edges (keys, included) of all bins but the last, which is open: for k = 1..bins the smallest key at which the
/// first sample's cumulative count reaches k/bins of all, equal keys once. A key that holds a bin's share by itself also closes
/// the bin before it. No bin holds less than a tenth of an equal share of the first sample: such edges are left out, so that
/// shares of all bins are well estimated. Empty where all of the sample falls into one bin.
#[must_use]
pub fn bin_edges(first: &Histogram, bins: u16) -> Vec<i64> {
    bin_edges_of(first.cells(), bins)
}

/// [`bin_edges`] of ascending (key, positive count).
pub(crate) fn bin_edges_of(cells: &[(i64, u64)], bins: u16) -> Vec<i64> {
    let (total, bins) = (cells.iter().map(|&(_, n)| u128::from(n)).sum::<u128>(), u128::from(bins));
    let mut edges = Vec::new();
    // Cumulative counts at the last edge and through the key before; the number of the next equal share.
    let (mut closed, mut below, mut next) = (0_u128, 0_u128, 1_u128);
    let mut before = None;
    let is_wide = |from: u128, to: u128| (to - from) * 10 * bins >= total;
    for &(key, count) in cells {
        let through = below + u128::from(count);
        if let Some(key_before) = before
            && u128::from(count) * bins >= total
            && is_wide(closed, below)
            && closed < below
        {
            edges.push(key_before);
            closed = below;
        }
        let reached = through * bins / total.max(1);
        if reached >= next && is_wide(closed, through) && is_wide(through, total) && through < total {
            edges.push(key);
            closed = through;
        }
        next = next.max(reached + 1);
        (below, before) = (through, Some(key));
    }
    edges
}

/// The counts of both samples in the bins of the first.
fn table(first: &Histogram, second: &Histogram, bins: u16) -> Result<Vec<(u64, u64)>, TestError> {
    check_pair(first, second, 1)?;
    let edges = bin_edges(first, bins);
    if edges.is_empty() {
        return Err(TestError::OneBin { side: Side::First });
    }
    let counts = |histogram: &Histogram| {
        let mut below = 0;
        let through = histogram.cumulative(&edges).into_iter().chain([histogram.count()]);
        through.map(|n| n - core::mem::replace(&mut below, n)).collect::<Vec<u64>>()
    };
    Ok(counts(first).into_iter().zip(counts(second)).collect())
}

/// Chi-square test of homogeneity over [`BINS`] bins of the first sample.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for an empty sample, [`TestError::OneBin`] when the
/// first sample falls into one bin.
///
/// # Source
/// Pearson (1900); Cramer (1946), ch. 21 for V. DIFFERENCE: V itself, `sqrt(statistic / (n + m))`, goes to 0 as one sample
/// outgrows the other; the effect weighs both alike, so that it is of the laws alone, and equals V where n = m.
pub fn chi2(first: &Histogram, second: &Histogram) -> Result<ChiSquare, TestError> {
    let table = table(first, second, BINS)?;
    let gap = Gap::of(first, second);
    let (n, m) = (gap.n as f64, gap.m as f64);
    let [mut sum, mut even] = [DoubleSum::default(); 2];
    for &(a, b) in &table {
        let share = gap.quotient(gap.absolute(a, b));
        sum.add(share * share / (a as f64 + b as f64));
        even.add(share * share / (a as f64 / n + b as f64 / m));
    }
    let statistic = n * m * sum.value();
    let degrees = table.len() as u64 - 1;
    Ok(ChiSquare {
        statistic,
        effect: (0.5 * even.value()).sqrt().min(1.0),
        degrees,
        p_value: gamma_q(0.5 * degrees as f64, 0.5 * statistic),
        table,
        n: gap.n,
        m: gap.m,
    })
}

/// Population stability index over [`PSI_BINS`] bins of the first sample, `sum (q - p) ln(q / p)`, in nats. A bin that the
/// second sample leaves empty counts as half an observation of it (the first sample's bins are never empty).
///
/// # Errors
/// As [`chi2`].
///
/// # Source
/// Lewis (1994), "An Introduction to Credit Scoring"; the symmetrised divergence of Jeffreys (1946).
pub fn psi(first: &Histogram, second: &Histogram) -> Result<Divergence, TestError> {
    let table = table(first, second, PSI_BINS)?;
    let (n, m) = (first.count(), second.count());
    let mut sum = DoubleSum::default();
    for &(a, b) in &table {
        sum.add(psi_term((a, n), (b, m)));
    }
    Ok(Divergence { statistic: sum.value(), table, n, m })
}

/// `(q - p) ln(q / p)` for shares p = a/n, q = b/m; the numerators are exact, so equal shares give exactly 0.
fn psi_term((a, n): (u64, u64), (b, m): (u64, u64)) -> f64 {
    if b == 0 {
        let (p, q) = (a as f64 / n as f64, 0.5 / m as f64);
        return (q - p) * libm::log(q / p);
    }
    let (an, bn) = (u128::from(a) * u128::from(m), u128::from(b) * u128::from(n));
    let excess = difference(bn, an);
    let ratio = excess / an as f64;
    let log = if ratio > -0.5 && ratio < 1.0 { libm::log1p(ratio) } else { libm::log(bn as f64 / an as f64) };
    excess / (u128::from(n) * u128::from(m)) as f64 * log
}

/// Kullback-Leibler divergence of the second sample from the first over [`BINS`] bins of the first, `sum q ln(q / p)` with p the
/// first sample's shares, in nats. The first sample's bins are never empty, and a bin that the second leaves empty adds nothing:
/// it is always finite.
///
/// # Errors
/// As [`chi2`].
///
/// # Source
/// Kullback and Leibler (1951); SciPy's `entropy(q, p)`. DIFFERENCE: SciPy sums terms of both signs and loses digits where the
/// samples agree; here each bin adds `q ln(q / p) - (q - p)`, which is never negative.
pub fn kl(first: &Histogram, second: &Histogram) -> Result<Divergence, TestError> {
    let table = table(first, second, BINS)?;
    let (n, m) = (first.count(), second.count());
    let mut sum = DoubleSum::default();
    for &(a, b) in &table {
        let (an, bn) = (u128::from(a) * u128::from(m), u128::from(b) * u128::from(n));
        let share = a as f64 / n as f64;
        sum.add(kl_term(share, difference(bn, an) / an as f64));
    }
    Ok(Divergence { statistic: sum.value(), table, n, m })
}

/// `q ln(q / p) - (q - p)` of shares p and `q = p (1 + excess)`.
pub(crate) fn kl_term(p: f64, excess: f64) -> f64 {
    let x = excess.max(-1.0);
    let bracket = if x.abs() < 0.05 {
        // (1 + x) ln(1 + x) - x = sum over k >= 2 of (-1)^k x^k / (k (k - 1)): 14 terms leave less than 1e-18 of the first.
        x * x * (2..=15).rev().fold(0.0, |tail, k| 1.0 / f64::from(k * (k - 1)) - x * tail)
    } else if x > -1.0 {
        (1.0 + x) * libm::log1p(x) - x
    } else {
        1.0
    };
    p * bracket
}

/// Jensen-Shannon distance over [`BINS`] bins of the first sample, the square root of the divergence in bits: between 0 and 1,
/// a metric; SciPy's `jensenshannon(p, q, base=2)`.
///
/// # Errors
/// As [`chi2`].
///
/// # Source
/// Lin (1991); Endres and Schindelin (2003) for the metric. DIFFERENCE: SciPy subtracts logarithms of nearly equal shares and
/// loses digits where the samples agree; here the divergence is a sum of positive terms.
pub fn js(first: &Histogram, second: &Histogram) -> Result<Divergence, TestError> {
    let table = table(first, second, BINS)?;
    let gap = Gap::of(first, second);
    let mut sum = DoubleSum::default();
    for &(a, b) in &table {
        let (p, q) = (a as f64 / gap.n as f64, b as f64 / gap.m as f64);
        sum.add(js_term(gap.quotient(gap.absolute(a, b)), p + q));
    }
    let statistic = sum.value().max(0.0).sqrt().min(1.0);
    Ok(Divergence { statistic, table, n: gap.n, m: gap.m })
}

/// `(p log2(p/h) + q log2(q/h)) / 2`, h the mean of two shares, from their absolute difference and their sum: with x =
/// difference/sum, `sum/4 ((1+x) ln(1+x) + (1-x) ln(1-x)) / ln 2`.
pub(crate) fn js_term(difference: f64, sum: f64) -> f64 {
    if difference <= 0.0 || sum <= 0.0 {
        return 0.0;
    }
    let x = (difference / sum).min(1.0);
    let square = x * x;
    let entropy = if x < 0.1 {
        // sum_k x^2k / (k (2k - 1)): ten terms leave less than 1e-20 of the first.
        (1..=10).rev().fold(0.0, |tail, k| square * (tail + 1.0 / f64::from(k * (2 * k - 1))))
    } else {
        let low = if x < 1.0 { (1.0 - x) * libm::log1p(-x) } else { 0.0 };
        (1.0 + x) * libm::log1p(x) + low
    };
    0.25 * sum * entropy / LN_2
}
