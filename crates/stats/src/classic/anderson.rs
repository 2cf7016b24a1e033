//! The two-sample Anderson-Darling statistic.

use core::f64::consts::PI;

use super::{Gap, Side, TestError, are_equal, check_pair, steps};
use crate::histogram::Histogram;
use crate::sum::DoubleSum;

/// The squared difference of two distribution functions over its variance: sensitive in the tails.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AndersonDarling {
    /// (A2 - 1) / sigma_N, A2 with midranks: SciPy's `anderson_ksamp([first, second], variant='midrank').statistic`.
    pub statistic: f64,
    /// The statistic of the raw values lies in this interval for sure.
    pub certified: (f64, f64),
    /// A2 itself, at least 0, with mean 1 for independent samples of one law.
    pub a2: f64,
    /// A quarter of the integral of (F - G)^2 / (H (1 - H)) dH over 0.01 < H < 0.99, H = (F + G)/2: what A2/N tends to for
    /// equally large samples, without the last 2 %. 0 for equal laws, and of the laws alone: A2/N itself goes to 0 as one sample
    /// outgrows the other.
    pub effect: f64,
    /// The effect of the raw values lies in this interval for sure.
    pub effect_certified: (f64, f64),
    /// P-value for independent observations, for reference: SciPy's, from a table that ends at 0.25 and 0.001 and knows no ties.
    /// At 5 % it rejects equal laws of two values in 12 % of runs, of twenty in 6.5 %.
    pub p_value: f64,
    /// Where in the table the statistic lies.
    pub method: AdMethod,
    /// Size of the first sample.
    pub n: u64,
    /// Size of the second sample.
    pub m: u64,
}

/// How an Anderson-Darling p-value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdMethod {
    /// By the parabola through the logarithms of Scholz and Stephens' levels.
    Interpolated,
    /// Below the table: the true value is at least the one given, 0.25.
    Capped,
    /// Above the table: the true value is at most the one given, 0.001.
    Floored,
}

/// Smallest and largest H of the effect.
pub(crate) const TRIM: (f64, f64) = (0.01, 0.99);

/// Two-sample Anderson-Darling test with midranks.
///
/// # Errors
/// [`TestError::DifferentLattices`]; [`TestError::TooFewObservations`] for an empty sample, or for fewer than four observations
/// in all, below which sigma_N is not defined; [`TestError::NoSpread`] when all values of both samples share a key.
///
/// # Source
/// Scholz and Stephens (1987), "K-sample Anderson-Darling tests", eq. 7 and table 1, with k = 2. The certified interval: each
/// term of a cell is bounded by the extremes of |F - G| and of H inside it.
pub fn ad(first: &Histogram, second: &Histogram) -> Result<AndersonDarling, TestError> {
    check_pair(first, second, 1)?;
    let (gap, lattice) = (Gap::of(first, second), first.lattice());
    let (n, m) = (gap.n as f64, gap.m as f64);
    let total = n + m;
    if total < 3.5 {
        let (side, n) = if gap.n < gap.m { (Side::First, gap.n) } else { (Side::Second, gap.m) };
        return Err(TestError::TooFewObservations { side, n, n_min: 2 });
    }
    let [mut a2, mut least, mut most] = [DoubleSum::default(); 3];
    let [mut trimmed, mut trimmed_least, mut trimmed_most] = [DoubleSum::default(); 3];
    // Samples of points that are the same differ by nothing: their terms are zeros.
    let is_nothing = lattice.is_exact() && are_equal(first, second);
    // The mean of both laws, for the effect.
    let even = |i: u64, j: u64| 0.5 * (i as f64 / n + j as f64 / m);
    let mut before = (0.0, 0.0);
    for step in steps(first, second) {
        let ((i0, j0), (i, j)) = (step.below, step.through);
        let l = (i - i0) as f64 + (j - j0) as f64;
        if l > total - 0.5 {
            return Err(TestError::NoSpread { side: Side::First });
        }
        if is_nothing {
            continue;
        }
        let (below, through) = (i0 as f64 + j0 as f64, i as f64 + j as f64);
        let (right, high) = (gap.signed(i, j), even(i, j));
        // A cell begins where the one before it ends.
        let (left, low) = core::mem::replace(&mut before, (right, high));
        let middle = 0.5 * (left + right);
        // Counts beyond 2^53 may leave no room after rounding, next to nearly all of both samples.
        let own_room = room(below, through, total);
        let own = if own_room > 0.0 { l * middle * middle / own_room } else { 0.0 };
        a2.add(own);
        let mass = high - low;
        let is_inside = high > TRIM.0 && high < TRIM.1;
        let own_trimmed = if is_inside { mass * right * right / (high * (1.0 - high)) } else { 0.0 };
        trimmed.add(own_trimmed);
        if l < 1.5 || lattice.is_point(step.key) {
            least.add(own);
            most.add(own);
            trimmed_least.add(own_trimmed);
            trimmed_most.add(own_trimmed);
            continue;
        }
        let (small, large) = gap.between((i0, j0), (i, j));
        // The room of groups inside the cell is concave in their ends: its minimum lies at a corner, its maximum below a
        // quarter of N^2 at the height nearest to the middle.
        let corners = [(below, below + 1.0), (below, through), (through - 1.0, through)];
        let room_min = corners.into_iter().map(|(u, v)| room(u, v, total)).fold(f64::INFINITY, f64::min);
        let nearest = (0.5 * total).clamp(below, through);
        least.add(l * small * small / (nearest * (total - nearest)));
        let pooled = (below / total, through / total);
        most.add((l * large * large / room_min).min(tail_bound(pooled, l, &gap)));
        let touches = high > TRIM.0 && low < TRIM.1;
        if touches {
            let (h, widest) = (low.max(TRIM.0), 0.5_f64.clamp(low, high));
            let spread_min = (h * (1.0 - h)).min(high.min(TRIM.1) * (1.0 - high.min(TRIM.1)));
            trimmed_most.add(mass * large * large / spread_min);
            // A cell that straddles an end of the range may hold nothing inside it.
            let whole = low > TRIM.0 && high < TRIM.1;
            trimmed_least.add(if whole { mass * small * small / (widest * (1.0 - widest)) } else { 0.0 });
        }
    }
    let scale = (total - 1.0) * n * m / total;
    let sigma = sigma(n, m);
    let standard = |sum: f64| (scale * sum - 1.0) / sigma;
    let statistic = standard(a2.value());
    let effect = 0.25 * trimmed.value();
    let (p_value, method) = p_value(statistic);
    Ok(AndersonDarling {
        statistic,
        certified: (standard(least.value()).min(statistic), standard(most.value()).max(statistic)),
        a2: scale * a2.value(),
        effect,
        effect_certified: ((0.25 * trimmed_least.value()).min(effect), (0.25 * trimmed_most.value()).max(effect)),
        p_value,
        method,
        n: gap.n,
        m: gap.m,
    })
}

/// B (N - B) - N l / 4 of a group of tied values with `below` values before it and `through` up to its end, B its middle.
fn room(below: f64, through: f64, total: f64) -> f64 {
    let middle = 0.5 * (below + through);
    middle * (total - middle) - 0.25 * total * (through - below)
}

/// Another bound of a cell's term where it lies in one half: |F - G| is at most H N / min(n, m), and the room of a group at
/// least a third of B (N - B).
fn tail_bound((low, high): (f64, f64), l: f64, gap: &Gap) -> f64 {
    let (n, m) = (gap.n as f64, gap.m as f64);
    let total = n + m;
    let unequal = total / n.min(m);
    let odds = if high <= 0.5 {
        high / (1.0 - high)
    } else if low >= 0.5 {
        (1.0 - low) / low
    } else {
        return f64::INFINITY;
    };
    3.0 * l * unequal * unequal * odds / (total * total)
}

/// The standard deviation of A2 for k = 2 (Scholz and Stephens 1987, eq. 4). SciPy adds the sums g and h up term by term; both
/// have closed forms in harmonic numbers: h = H_(N-1), g = H2_N - 2 H_N / N + 1/N^2.
fn sigma(n: f64, m: f64) -> f64 {
    let total = n + m;
    let (harmonic, squares) = harmonics(total);
    let h = harmonic - 1.0 / total;
    let g = squares - 2.0 * harmonic / total + 1.0 / (total * total);
    let (k, inverse) = (2.0, 1.0 / n + 1.0 / m);
    let a = (4.0 * g - 6.0) * (k - 1.0) + (10.0 - 6.0 * g) * inverse;
    let b = (2.0 * g - 4.0) * k * k + 8.0 * h * k + (2.0 * g - 14.0 * h - 4.0) * inverse - 8.0 * h + 4.0 * g - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * k * k + (4.0 * h - 4.0 * g + 6.0) * k + (2.0 * h - 6.0) * inverse + 4.0 * h;
    let d = (2.0 * h + 6.0) * k * k - 4.0 * h * k;
    let top = ((a * total + b) * total + c) * total + d;
    (top / ((total - 1.0) * (total - 2.0) * (total - 3.0))).sqrt()
}

/// The sums of 1/i and of 1/i^2 for i = 1..=N; from 64 on by the Euler-Maclaurin formula, whose first term left out is below
/// 1e-17.
fn harmonics(total: f64) -> (f64, f64) {
    const EULER: f64 = 0.577_215_664_901_532_9;
    if total < 64.5 {
        let count = libm::round(total) as u32;
        let inverse = |i: u32| 1.0 / f64::from(i);
        return ((1..=count).rev().map(inverse).sum(), (1..=count).rev().map(|i| inverse(i) * inverse(i)).sum());
    }
    let x = 1.0 / total;
    let square = x * x;
    let first = libm::log(total) + EULER + 0.5 * x
        - square * (1.0 / 12.0 - square * (1.0 / 120.0 - square * (1.0 / 252.0 - square / 240.0)));
    let second = PI * PI / 6.0 - x + 0.5 * square
        - x * square * (1.0 / 6.0 - square * (1.0 / 30.0 - square * (1.0 / 42.0 - square / 30.0)));
    (first, second)
}

/// Scholz and Stephens' critical values for k = 2 (b0 + b1 + b2 of their table 2), at these levels.
#[allow(clippy::approx_constant, reason = "a critical value that happens to be near e")]
const CRITICAL: [f64; 7] = [0.325, 1.226, 1.961, 2.718, 3.752, 4.592, 6.546];
const LEVELS: [f64; 7] = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];

/// SciPy's rule: outside the table its end, inside the least-squares parabola through the logarithms of the levels.
fn p_value(statistic: f64) -> (f64, AdMethod) {
    if statistic < CRITICAL[0] {
        return (LEVELS[0], AdMethod::Capped);
    }
    if statistic > CRITICAL[6] {
        return (LEVELS[6], AdMethod::Floored);
    }
    // Orthogonal polynomials of degree 0, 1, 2 over the seven points.
    let mean = CRITICAL.iter().sum::<f64>() / 7.0;
    let centred = CRITICAL.map(|x| x - mean);
    let second = centred.iter().map(|x| x * x).sum::<f64>();
    let third = centred.iter().map(|x| x * x * x).sum::<f64>();
    let parabola = |x: f64| x * x - third / second * x - second / 7.0;
    let norm = centred.iter().map(|&x| parabola(x) * parabola(x)).sum::<f64>();
    let project = |basis: &dyn Fn(f64) -> f64| {
        centred.iter().zip(LEVELS).map(|(&x, level)| basis(x) * libm::log(level)).sum::<f64>()
    };
    let x = statistic - mean;
    let log = project(&|_| 1.0) / 7.0 + project(&|x| x) / second * x + project(&parabola) / norm * parabola(x);
    (libm::exp(log), AdMethod::Interpolated)
}
