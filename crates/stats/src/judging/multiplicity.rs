//! Multiplicity.

/// Holm's step-down adjusted p-values, in the order given: a finding may FAIL if its value is at most alpha, whatever the
/// dependence between findings (Holm, 1979). NaN counts as 1.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let clean: Vec<f64> = p_values.iter().map(|p| if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }).collect();
    let mut order: Vec<usize> = (0..clean.len()).collect();
    order.sort_by(|a, b| clean[*a].total_cmp(&clean[*b]));
    let mut adjusted = vec![0.0; clean.len()];
    let mut largest = 0.0_f64;
    for (rank, index) in order.iter().enumerate() {
        let left = (clean.len() - rank) as f64;
        largest = largest.max((clean[*index] * left).min(1.0));
        adjusted[*index] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's adjusted p-values (1995), in the order given: of the findings at most alpha, the expected share of false ones
/// is at most alpha where findings are independent or positively dependent. NaN counts as 1.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    step_up(p_values, 1.0)
}

/// The same whatever the dependence (Benjamini and Yekutieli, 2001): larger by the harmonic number of the findings.
pub fn benjamini_yekutieli(p_values: &[f64]) -> Vec<f64> {
    step_up(p_values, (1..=p_values.len()).map(|i| 1.0 / i as f64).sum())
}

fn step_up(p_values: &[f64], factor: f64) -> Vec<f64> {
    let clean: Vec<f64> = p_values.iter().map(|p| if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }).collect();
    let mut order: Vec<usize> = (0..clean.len()).collect();
    order.sort_by(|a, b| clean[*b].total_cmp(&clean[*a]));
    let mut adjusted = vec![0.0; clean.len()];
    let mut smallest = 1.0_f64;
    for (rank, index) in order.iter().enumerate() {
        // The largest p-value comes first and has the rank of them all.
        let place = (clean.len() - rank) as f64;
        smallest = smallest.min(clean[*index] * clean.len() as f64 * factor / place);
        adjusted[*index] = smallest;
    }
    adjusted
}

/// Replicates that let Holm over `findings` reach `alpha`: `max(1999, ceil(2 G / alpha) - 1)`.
pub fn replicates_for(findings: usize, alpha: f64) -> u32 {
    let wanted = libm::ceil(2.0 * findings as f64 / alpha - 1e-9) - 1.0;
    wanted.clamp(1999.0, 10_000_000.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_of_a_worked_example() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        let want = [0.03, 0.06, 0.06, 0.02];
        assert!(adjusted.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-15), "{adjusted:?}");
        // SciPy 1.17.1, stats.false_discovery_control.
        let near = |got: Vec<f64>, want: &[f64]| got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-15);
        let five = [0.01, 0.04, 0.03, 0.005, 0.5];
        assert!(near(benjamini_hochberg(&five), &[0.025, 0.05, 0.05, 0.025, 0.5]));
        let by = [
            0.057_083_333_333_333_33,
            0.114_166_666_666_666_67,
            0.114_166_666_666_666_67,
            0.057_083_333_333_333_33,
            1.0,
        ];
        assert!(near(benjamini_yekutieli(&five), &by));
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
        assert!((benjamini_hochberg(&[f64::NAN])[0] - 1.0).abs() < 1e-15);
        assert!((holm(&[f64::NAN])[0] - 1.0).abs() < 1e-15);
        assert_eq!(replicates_for(10, 0.05), 1999);
        assert_eq!(replicates_for(100, 0.05), 3999);
    }
}
