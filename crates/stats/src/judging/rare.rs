//! Events too rare for a law: the share of windows in which they occur.
//!
//! What is seen in a handful of windows has no central limit theorem: their scatter does not tell the noise of a law. In how many
//! windows it is seen is a number of successes, whose interval is exact where windows are independent. They are not, so as
//! many are counted as independent ones would be worth: one in `(1 + rho) / (1 - rho)`, rho the autocorrelation of "is seen".

use super::noise::pessimistic_rho;
use super::quantile::smallest_alpha;
use super::resolution::needs;
use super::{Judged, JudgingError, Needs, Resolution, Side};
use crate::classic::clopper_pearson;

/// The windows of a side as independent trials.
struct Trials {
    share: f64,
    trials: u64,
    /// Successes, rounded down and up.
    least: u64,
    most: u64,
}

impl Trials {
    fn of(seen: &[bool]) -> Self {
        let windows = seen.len() as f64;
        let count = seen.iter().filter(|s| **s).count() as f64;
        let share = count / windows;
        let about = |s: &bool| f64::from(u8::from(*s)) - share;
        let square: f64 = seen.iter().map(|s| about(s) * about(s)).sum();
        let lag: f64 = seen.windows(2).map(|pair| about(&pair[0]) * about(&pair[1])).sum();
        let r1 = if square > 0.0 { lag / square } else { 0.0 };
        let rho = pessimistic_rho(r1, windows, windows).1;
        let worth = (1.0 - rho) / (1.0 + rho);
        let trials = libm::floor(windows * worth).max(1.0) as u64;
        let [least, most] = [libm::floor(count * worth), libm::ceil(count * worth)].map(|k| (k as u64).min(trials));
        Self { share, trials, least, most }
    }

    /// Both ends, each wrong at a rate of `alpha / 2`.
    fn ends(&self, alpha: f64) -> [f64; 2] {
        [clopper_pearson(self.least, self.trials, alpha)[0], clopper_pearson(self.most, self.trials, alpha)[1]]
    }

    fn variance(&self) -> f64 {
        self.share * (1.0 - self.share) / self.trials as f64
    }
}

/// The difference of the shares of windows in which an event is seen, as a distance. Windows are in order of time, those without
/// the event included; the margin is a difference of shares.
///
/// # Errors
/// A side without windows, a margin that is negative or no number, an alpha outside (0, 0.5).
pub fn compare_occurrence(
    golden: &[bool],
    candidate: &[bool],
    margin: f64,
    alpha: f64,
) -> Result<Judged, JudgingError> {
    super::effect::check_margin(margin)?;
    if !(alpha > 0.0 && alpha < 0.5) {
        let value = alpha.to_string();
        return Err(JudgingError::Parameter { parameter: "alpha", value, domain: "(0, 0.5)" });
    }
    for (side, seen) in [(Side::Golden, golden), (Side::Candidate, candidate)] {
        if seen.is_empty() {
            return Err(JudgingError::EmptySide { side });
        }
    }
    let (g, c) = (Trials::of(golden), Trials::of(candidate));
    // Two ends of two sides: each may be wrong at half the rate that an end of the difference may, and either direction counts.
    let ends = |alpha: f64| {
        let (g, c) = (g.ends(0.5 * alpha), c.ends(0.5 * alpha));
        let (low, high) = (c[0] - g[1], c[1] - g[0]);
        (low.max(-high).max(0.0), high.max(-low))
    };
    let estimate = (c.share - g.share).abs();
    let (lower, upper) = ends(alpha);
    let half_width = (upper - estimate).max(estimate - lower);
    let gap = (margin - estimate).abs();
    let decided = lower > margin || upper < margin;
    Ok(Judged {
        estimate,
        lower,
        upper,
        signed: false,
        margin,
        p_fail: smallest_alpha(|alpha| ends(alpha).0 > margin),
        p_pass: smallest_alpha(|alpha| ends(alpha).1 < margin),
        needs: if decided {
            Needs::Nothing
        } else {
            needs(candidate.len(), g.variance(), c.variance(), half_width, gap)
        },
        resolution: Resolution { detectable: margin + 1.5 * half_width, resolvable_margin: 1.9 * half_width },
        half_width,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(windows: usize, every: usize) -> Vec<bool> {
        (0..windows).map(|w| w % every == every / 2).collect()
    }

    #[test]
    fn an_event_that_one_side_hardly_knows_differs() {
        let judged = compare_occurrence(&seen(300, 100), &seen(300, 2), 0.05, 0.05).unwrap();
        assert!((judged.estimate - (0.5 - 0.01)).abs() < 1e-12);
        assert!(judged.is_outside(0.05) && judged.p_fail < 1e-6, "{judged:?}");
        let swapped = compare_occurrence(&seen(300, 2), &seen(300, 100), 0.05, 0.05).unwrap();
        assert_eq!((judged.lower, judged.upper), (swapped.lower, swapped.upper));
        let equal = compare_occurrence(&seen(300, 100), &seen(300, 60), 0.05, 0.05).unwrap();
        assert!(equal.lower <= 0.0 && equal.p_fail > 0.4, "{equal:?}");
    }

    /// One burst is one event, however many windows it fills.
    #[test]
    fn windows_that_come_together_count_less() {
        let burst: Vec<bool> = (0..300).map(|w| (100..130).contains(&w)).collect();
        let spread = seen(300, 10);
        let none = vec![false; 300];
        let [together, apart] = [burst, spread].map(|seen| compare_occurrence(&none, &seen, 0.0, 0.05).unwrap());
        assert!(apart.lower > 0.02 && together.lower <= 0.0, "{apart:?} {together:?}");
    }

    #[test]
    fn nothing_to_compare_is_an_error() {
        assert_eq!(
            compare_occurrence(&[], &[true], 0.1, 0.05).unwrap_err(),
            JudgingError::EmptySide { side: Side::Golden }
        );
        assert!(compare_occurrence(&[true], &[true], -1.0, 0.05).is_err());
        assert!(compare_occurrence(&[true], &[true], 0.1, f64::NAN).is_err());
        let one = compare_occurrence(&[true], &[false], 0.1, 0.05).unwrap();
        assert!(one.lower <= 0.0 && one.upper >= 1.0 - 1e-12, "{one:?}");
    }
}
