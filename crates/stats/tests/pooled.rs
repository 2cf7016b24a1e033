//! Distances on pooled bins against NumPy and SciPy.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{rows, sample};
use verismo_stats::pooled::{Bins, Pooled, count};

/// Columns: see the header. Regenerate: `python3 vectors/gen/pooled.py`.
const POOLED: &str = include_str!("../vectors/pooled.csv");

#[test]
fn bins_and_distances_agree_with_numpy_and_scipy() {
    let mut checked = 0;
    for row in rows(POOLED) {
        let [kind, stream, n, m, want @ ..] = row.as_slice() else { panic!("short row {row:?}") };
        let (stream, n, m): (u64, u64, u64) = (stream.parse().unwrap(), n.parse().unwrap(), m.parse().unwrap());
        let want: Vec<f64> = want.iter().map(|field| field.parse().unwrap()).collect();
        let [first, last, bins, middle, tv_fd, tv_values, tv_deciles, mean, std, w1] = want[..] else {
            panic!("short row {row:?}")
        };
        let cells = |stream, n| count(&mut sample(kind, stream, n).1);
        let pooled = Pooled::new(&cells(stream, n), &cells(stream + 1, m)).unwrap();
        // The reference standardises first: far from zero its own inputs are rounded.
        let close = |got: f64, want: f64, slack: f64, what: &str| {
            let tolerance = 1e-12 * want.abs() + slack;
            assert!((got - want).abs() <= tolerance, "{what} of {kind} {n}x{m}: got {got:e}, want {want:e}");
        };
        let edges = pooled.freedman_diaconis().unwrap();
        assert_eq!(edges.bins, bins as u64, "{kind} {n}x{m}");
        close(edges.first, first, 0.0, "first edge");
        close(edges.last, last, 0.0, "last edge");
        close(edges.edge(edges.bins / 2), middle, 1e-12 * (last - first), "middle edge");
        for (bins, want, what) in [
            (Bins::FreedmanDiaconis, tv_fd, "on equal bins"),
            (Bins::Values, tv_values, "on values"),
            (Bins::Deciles, tv_deciles, "on deciles"),
        ] {
            close(pooled.total_variation(&pooled.bins(&bins).unwrap()), want, 1e-15, what);
        }
        let (got_mean, got_std) = pooled.moments().unwrap();
        close(got_mean, mean, 4.0 * f64::EPSILON * std, "mean");
        close(got_std, std, 0.0, "std");
        close(pooled.w1() / got_std, w1, 8.0 * f64::EPSILON * mean.abs() / std, "w1");
        checked += 1;
    }
    assert_eq!(checked, 35);
}
