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
        assert!(holm(&[]).is_empty());
        assert!((holm(&[f64::NAN])[0] - 1.0).abs() < 1e-15);
        assert_eq!(replicates_for(10, 0.05), 1999);
        assert_eq!(replicates_for(100, 0.05), 3999);
    }
}
