//! Quantiles and tails read off the columns of a picture.

use verismo_suite::report::LawCurves;

/// Levels of the Q-Q figure: those whose quantiles every picture lists.
pub(super) const QQ_LEVELS: [f64; 25] = [
    0.01, 0.02, 0.035, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85,
    0.9, 0.95, 0.965, 0.98, 0.99,
];

/// The smallest listed value at or below which at least a share `p` lies: the exact quantile where the picture lists that of
/// `p`. 0 for empty columns.
pub(super) fn quantile(laws: &LawCurves, law: &[f64], p: f64) -> f64 {
    let at = law.partition_point(|f| *f < p).min(laws.at.len().saturating_sub(1));
    laws.at.get(at).copied().unwrap_or(0.0)
}

/// [`quantile`] at three levels.
pub(super) fn share_values(laws: &LawCurves, law: &[f64], levels: [f64; 3]) -> [f64; 3] {
    levels.map(|p| quantile(laws, law, p))
}

/// Whether the values between these ends need a logarithmic axis: none is negative and the top is far above the middle.
pub(super) fn is_heavy(laws: &LawCurves, low: f64, high: f64) -> bool {
    let middle = quantile(laws, &laws.golden, 0.5);
    let positive = laws.at.first().is_some_and(|x| *x >= 0.0);
    positive && high > 0.0 && (high > 12.0 * middle || (low > 0.0 && high > 200.0 * low))
}

/// Size of the value and share beyond it, where less than half lies beyond: above positive values, or below negative ones.
/// Ascending by size.
pub(super) fn tail(laws: &LawCurves, law: &[f64], is_upper: bool) -> Vec<(f64, f64)> {
    let points = laws.at.iter().copied().zip(law.iter().copied());
    if is_upper {
        let upper = points.filter(|(x, f)| *x > 0.0 && *f >= 0.5 && *f < 1.0);
        return upper.map(|(x, f)| (x, 1.0 - f)).collect();
    }
    let mut lower: Vec<_> = points.filter(|(x, f)| *x < 0.0 && *f <= 0.5 && *f > 0.0).map(|(x, f)| (-x, f)).collect();
    lower.reverse();
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laws() -> LawCurves {
        LawCurves {
            at: vec![-2.0, 0.0, 1.0, 10.0],
            golden: vec![0.2, 0.5, 0.9, 1.0],
            candidate: vec![0.0, 0.5, 0.5, 1.0],
            ..LawCurves::default()
        }
    }

    #[test]
    fn quantiles_invert_the_law() {
        let laws = laws();
        let of = |p| quantile(&laws, &laws.golden, p);
        for (p, want) in [(0.1, -2.0), (0.2, -2.0), (0.3, 0.0), (0.9, 1.0), (1.0, 10.0), (2.0, 10.0)] {
            assert!((of(p) - want).abs() < 1e-12, "{p}");
        }
        assert!((quantile(&LawCurves::default(), &[], 0.5)).abs() < 1e-300);
    }

    #[test]
    fn tails_hold_what_lies_beyond() {
        let laws = laws();
        let upper = tail(&laws, &laws.golden, true);
        assert_eq!(upper.len(), 1);
        assert!((upper[0].0 - 1.0).abs() < 1e-12 && (upper[0].1 - 0.1).abs() < 1e-12);
        assert_eq!(tail(&laws, &laws.golden, false), [(2.0, 0.2)]);
        assert!(!is_heavy(&laws, -2.0, 10.0));
        let positive = LawCurves { at: vec![0.0, 0.1, 1.0, 10.0], ..laws };
        assert!(is_heavy(&positive, 0.0, 10.0));
    }
}
