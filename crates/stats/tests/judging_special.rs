//! The special functions against mpmath (50 digits).
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use verismo_stats::special;

/// Columns: function, up to three arguments, value. Regenerate: `python3 vectors/gen/special.py`.
const VECTORS: &str = include_str!("../vectors/special.csv");

#[test]
fn special_functions_agree_with_mpmath() {
    let mut worst: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for line in VECTORS.lines().filter(|l| !l.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').collect();
        let arg = |i: usize| fields[i].parse::<f64>().unwrap();
        let want: f64 = fields[4].parse().unwrap();
        let got = match fields[0] {
            "ln_gamma" => special::ln_gamma(arg(1)),
            "gamma" => special::gamma(arg(1)),
            "ln_beta" => special::ln_beta(arg(1), arg(2)),
            "beta_inc" => special::beta_inc(arg(1), arg(2), arg(3)),
            "student_t_sf" => special::student_t_sf(arg(1), arg(2)),
            "student_t_quantile" => special::student_t_quantile(arg(1), arg(2)),
            "normal_quantile" => special::normal_quantile(arg(1)),
            "normal_sf" => special::normal_sf(arg(1)),
            // The logarithm of a value of 1e-290 has three digits before its point.
            "hurwitz_zeta" => special::hurwitz_zeta(arg(1), arg(2)),
            "hurwitz_slope" => special::ln_hurwitz_zeta(arg(1), arg(2)).1,
            other => panic!("unknown function {other}"),
        };
        let tolerance = if fields[0] == "hurwitz_zeta" { 3e-13 } else { 4e-14 };
        let relative = ((got - want) / want).abs();
        assert!(relative <= tolerance, "{line}: got {got:e}, relative error {relative:e}");
        let entry = worst.entry(fields[0]).or_default();
        *entry = (entry.0.max(relative), entry.1 + 1);
    }
    assert_eq!(worst.len(), 10, "functions covered: {worst:?}");
    assert!(worst.values().all(|(_, rows)| *rows >= 7), "vector file too short: {worst:?}");
}

#[test]
fn one_sided_t_table_of_the_recipe() {
    let table = [
        (1, 6.3137515147),
        (2, 2.9199855804),
        (3, 2.3533634348),
        (4, 2.1318467863),
        (5, 2.0150483733),
        (8, 1.8595480375),
        (11, 1.7958848187),
        (20, 1.7247182429),
        (54, 1.6735649064),
        (400, 1.6486719415),
    ];
    for (nu, want) in table {
        let got = special::student_t_quantile(0.95, f64::from(nu));
        assert!((got - want).abs() < 1e-10, "nu {nu}: {got}");
    }
}

#[test]
fn functions_are_total() {
    for x in [f64::NAN, f64::INFINITY, -1.0, 0.0, 2.0] {
        assert!(!special::student_t_quantile(x, 3.0).is_finite() || (x > 0.0 && x < 1.0));
        assert!(!special::normal_quantile(x).is_finite());
        let _ = special::beta_inc(x, x, x);
        let _ = special::student_t_sf(x, x);
        assert!(special::hurwitz_zeta(x, x).is_nan() || x > 1.0 && x.is_finite());
    }
    assert!(special::student_t_sf(f64::INFINITY, 3.0).abs() < f64::MIN_POSITIVE);
    assert!(special::student_t_sf(1e200, 2.0) >= 0.0);
}
