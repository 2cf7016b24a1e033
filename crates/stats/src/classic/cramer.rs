//! The two-sample Cramer-von Mises statistic.

use super::cramer_law::{TiedLaw, cramer_von_mises_sf, exact_cvm_sf};
use super::{Gap, TestError, check_pair, difference, steps};
use crate::histogram::Histogram;
use crate::sum::DoubleSum;

/// The mean squared difference of two distribution functions.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct CramerVonMises {
    /// T of Anderson (1962) with midranks, SciPy's `cramervonmises_2samp(first, second).statistic`. With ties it is no distance:
    /// see [`cvm`].
    pub statistic: f64,
    /// T of the raw values lies in this interval for sure.
    pub certified: (f64, f64),
    /// Integral of (F - G)^2 dH, H the law of both samples together: 0 for equal laws, below 1/3.
    pub effect: f64,
    /// The effect of the raw values lies in this interval for sure.
    pub effect_certified: (f64, f64),
    /// P-value for independent observations, for reference; corrected for ties.
    pub p_value: f64,
    /// How the p-value was found.
    pub method: CvmMethod,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// How a Cramer-von Mises p-value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CvmMethod {
    /// By counting lattice paths: no ties, at most 20 observations a side.
    Exact,
    /// By the limit law, T brought to its mean and variance: no ties. SciPy's `asymptotic`.
    Asymptotic,
    /// By the law of nm/N^2 sum l D^2 (D at mid-ranks) given the ties, matched in three moments.
    Ties,
}

/// Paths are counted up to this many observations a side, as SciPy's `method='auto'` does.
const EXACT_SIDE_MAX: u64 = 20;

/// Two-sample Cramer-von Mises test.
///
/// DIFFERENCE: the p-value where values tie. T with midranks equals nm/N^2 sum l D^2 plus a term that depends on the ties and
/// on the sizes alone; for unequal sizes it grows like N (n - m)^2 / (12 nm) sum p^3 over the shares p of tied values. SciPy takes
/// this T against the law without ties and rejects equal laws: with five equally frequent values, 200 against 100
/// observations, in all of 1,000 runs at 5 % (`vectors/gen/classic_tests.py` measures it and writes the rates into the head of
/// its file). Here T is reported as SciPy computes it, and with ties the p-value is that of nm/N^2 sum l D^2 given the ties.
///
/// # Errors
/// [`TestError::DifferentLattices`], [`TestError::TooFewObservations`] for fewer than two observations, as in SciPy.
///
/// # Source
/// Anderson (1962), "On the distribution of the two-sample Cramer-von Mises criterion". The certified interval: inside a cell
/// |F - G| lies between the bounds of its edges, and the tie terms of any order are bounded by their absolute values.
pub fn cvm(first: &Histogram, second: &Histogram) -> Result<CramerVonMises, TestError> {
    check_pair(first, second, 2)?;
    let (gap, lattice) = (Gap::of(first, second), first.lattice());
    let (n, m) = (gap.n as f64, gap.m as f64);
    let total = n + m;
    let mut sums = Sums::default();
    for step in steps(first, second) {
        let ((i0, j0), (i, j)) = (step.below, step.through);
        let (a, b) = (i - i0, j - j0);
        let l = a as f64 + b as f64;
        let (left, right) = (gap.signed(i0, j0), gap.signed(i, j));
        sums.middle.add(l * squared(0.5 * (left + right)));
        sums.right.add(l * squared(right));
        sums.jumps.add(l * squared(gap.signed(a, b)));
        sums.ties.add(&gap, a, b);
        let height = (i0 as f64 + j0 as f64 + 0.5 * l) / total;
        sums.law.add(l / total, height);
        sums.has_ties |= l > 1.5;
        let is_point = l < 1.5 || lattice.is_point(step.key);
        let (least, most) = if is_point { (0.0, 0.0) } else { gap.between((i0, j0), (i, j)) };
        let hidden = |exact: f64, bound: f64| if is_point { l * exact } else { l * bound };
        sums.least.add(hidden(squared(right), squared(least)));
        sums.most.add(hidden(squared(right), squared(most)));
        if is_point {
            sums.least_middle.add(l * squared(0.5 * (left + right)));
            sums.most_middle.add(l * squared(0.5 * (left + right)));
        } else {
            sums.least_middle.add(l * squared(least));
            sums.most_middle.add(l * squared(most));
            // The terms of the cell as one group are in T already; those of the raw values may be as large the other way.
            sums.slack += 2.0 * bound_of_ties(&gap, a, b);
        }
    }
    Ok(sums.finish(&gap))
}

/// What one pass adds up.
#[derive(Default)]
struct Sums {
    /// sum l D^2 with D at mid-ranks, and at the right ends.
    middle: DoubleSum,
    right: DoubleSum,
    /// sum l (a/n - b/m)^2.
    jumps: DoubleSum,
    ties: TieSum,
    law: TiedLaw,
    has_ties: bool,
    /// Bounds of `right` and of `middle` for raw values.
    least: DoubleSum,
    most: DoubleSum,
    least_middle: DoubleSum,
    most_middle: DoubleSum,
    /// Bound of what the tie terms may change.
    slack: f64,
}

impl Sums {
    /// T = nm/N^2 sum l D^2 + sum l nm (a/n - b/m)^2 / (12 N^2) + (sum l (a - b)(na - mb) - (n - m)^2) / (12 nm N), which is
    /// Anderson's U/(nmN) - (4nm - 1)/(6N) with midranks, without its cancellation of terms of the size of N.
    fn finish(&self, gap: &Gap) -> CramerVonMises {
        let (n, m) = (gap.n as f64, gap.m as f64);
        let total = n + m;
        let scale = n * m / (total * total);
        let rest = self.jumps.value() * scale / 12.0 + self.ties.value(gap) / (12.0 * n * m * total);
        let distance = scale * self.middle.value();
        let statistic = distance + rest;
        let (p_value, method) = if self.has_ties {
            (self.law.sf(distance * (total - 1.0) / total), CvmMethod::Ties)
        } else if gap.n.max(gap.m) <= EXACT_SIDE_MAX {
            let excess = libm::round(self.right.value() * (n * m) * (n * m)) as u128;
            (exact_cvm_sf(gap.n, gap.m, excess), CvmMethod::Exact)
        } else {
            (cramer_von_mises_sf(normalised(statistic, n, m)), CvmMethod::Asymptotic)
        };
        let effect = self.right.value() / total;
        CramerVonMises {
            statistic,
            certified: (
                (scale * self.least_middle.value() + rest - self.slack).min(statistic),
                (scale * self.most_middle.value() + rest + self.slack).max(statistic),
            ),
            effect,
            effect_certified: ((self.least.value() / total).min(effect), (self.most.value() / total).max(effect)),
            p_value,
            method,
            n: gap.n,
            m: gap.m,
        }
    }
}

/// T brought to the mean 1/6 and variance 1/45 of the limit law (Anderson 1962, eq. 11, 14, 15).
fn normalised(statistic: f64, n: f64, m: f64) -> f64 {
    let (total, pairs) = (n + m, n * m);
    let mean = (1.0 + 1.0 / total) / 6.0;
    let variance = (total + 1.0) * (4.0 * pairs * total - 3.0 * (n * n + m * m) - 2.0 * pairs)
        / (45.0 * total * total * 4.0 * pairs);
    1.0 / 6.0 + (statistic - mean) / (45.0 * variance).sqrt()
}

fn squared(x: f64) -> f64 {
    x * x
}

/// sum l (a - b)(na - mb), in integers while they fit: for very unequal sizes it nearly cancels against (n - m)^2.
struct TieSum {
    exact: Option<i128>,
    rounded: DoubleSum,
}

impl Default for TieSum {
    fn default() -> Self {
        Self { exact: Some(0), rounded: DoubleSum::default() }
    }
}

impl TieSum {
    /// Adds a group of `a` and `b` tied values.
    fn add(&mut self, gap: &Gap, a: u64, b: u64) {
        let product = |x: u64, y: u64| i128::from(x).checked_mul(i128::from(y));
        let spread = product(a, gap.n).zip(product(b, gap.m)).and_then(|(x, y)| x.checked_sub(y));
        let (sum, apart) = (i128::from(a) + i128::from(b), i128::from(a) - i128::from(b));
        let term = sum.checked_mul(apart).zip(spread).and_then(|(x, spread)| x.checked_mul(spread));
        self.exact = self.exact.zip(term).and_then(|(sum, term)| sum.checked_add(term));
        let an = u128::from(a) * u128::from(gap.n);
        let bm = u128::from(b) * u128::from(gap.m);
        let rounded = (a as f64 + b as f64) * (a as f64 - b as f64) * difference(an, bm);
        self.rounded.add(rounded);
    }

    /// The sum minus (n - m)^2.
    fn value(&self, gap: &Gap) -> f64 {
        let apart = i128::from(gap.n) - i128::from(gap.m);
        let exact = apart.checked_mul(apart).zip(self.exact).and_then(|(square, sum)| sum.checked_sub(square));
        exact.map_or_else(
            || {
                let mut sum = self.rounded;
                sum.add(-squared(apart as f64));
                sum.value()
            },
            |exact| exact as f64,
        )
    }
}

/// The largest size of the tie terms of `a` and `b` values in any order: both are superadditive, so one group bounds all.
fn bound_of_ties(gap: &Gap, a: u64, b: u64) -> f64 {
    let (a, b, n, m) = (a as f64, b as f64, gap.n as f64, gap.m as f64);
    let total = n + m;
    let l = a + b;
    l * squared(a / n + b / m) * n * m / (12.0 * total * total) + l * l * (a / m + b / n) / (12.0 * total)
}
