//! The exact binomial law: shares of runs and of windows.

use crate::special::beta_inc;

/// P(X >= k) of `n` trials that succeed with probability `p`: the incomplete beta function `I_p(k, n - k + 1)`.
pub fn binomial_sf(k: u64, n: u64, p: f64) -> f64 {
    match k {
        0 => 1.0,
        k if k > n => 0.0,
        k => beta_inc(k as f64, (n - k + 1) as f64, p),
    }
}

/// The exact interval of a probability from `k` successes of `n` trials that misses it with probability at most `alpha`, half of
/// that at each end (Clopper & Pearson, 1934). Without trials it is [0, 1].
pub fn clopper_pearson(k: u64, n: u64, alpha: f64) -> [f64; 2] {
    let k = k.min(n);
    let half = 0.5 * alpha;
    let lower = if k == 0 { 0.0 } else { smallest(|p| binomial_sf(k, n, p) >= half) };
    let upper = if k == n { 1.0 } else { smallest(|p| 1.0 - binomial_sf(k + 1, n, p) <= half) };
    [lower, upper]
}

/// The smallest probability that a rising condition holds for. Halving ends when the ends are neighbours, which 1,100 steps
/// reach for any two numbers.
fn smallest(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..1_100 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// mpmath, 50 digits, held against SciPy's `binom.sf(k - 1, n, p)` and `binomtest(k, n).proportion_ci(1 - alpha)`. Regenerate:
    /// `python3 vectors/gen/binomial.py`.
    const VECTORS: &str = include_str!("../../vectors/binomial.csv");

    #[test]
    fn intervals_and_tails_are_those_of_the_field() {
        let mut rows = [0, 0];
        for line in VECTORS.lines().filter(|l| !l.starts_with('#')) {
            let fields: Vec<&str> = line.split(',').collect();
            let whole = |i: usize| fields[i].parse::<u64>().unwrap();
            let real = |i: usize| fields[i].parse::<f64>().unwrap();
            let near = |got: f64, want: f64| (got - want).abs() <= 1e-12 * want.abs();
            if fields[0] == "sf" {
                let got = binomial_sf(whole(1), whole(2), real(3));
                assert!(near(got, real(4)), "{line}: {got}");
                rows[0] += 1;
            } else {
                let got = clopper_pearson(whole(1), whole(2), real(3));
                assert!(near(got[0], real(4)) && near(got[1], real(5)), "{line}: {got:?}");
                rows[1] += 1;
            }
        }
        assert!(rows.iter().all(|n| *n >= 8), "{rows:?}");
    }

    #[test]
    fn without_trials_nothing_is_known() {
        let [low, high] = clopper_pearson(0, 0, 0.05);
        assert!(low <= 0.0 && high >= 1.0);
        assert!((binomial_sf(0, 0, 0.5) - 1.0).abs() < 1e-15 && binomial_sf(3, 2, 0.5) <= 0.0);
    }
}
