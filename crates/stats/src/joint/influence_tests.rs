//! Influence values of the statistics of dependence and of distances against derivatives, with and without ties, holes and weights.

use super::tests::{check_first_influences, check_influences, some_rows};
use super::*;
use crate::classic::Tail;
use crate::judging::PanelStatistic;

/// Rows of few distinct values.
fn tied_rows(n: usize) -> Rows {
    let mut rows = some_rows(n);
    rows.values.iter_mut().for_each(|v| *v = libm::floor(*v * 4.0));
    rows
}

/// Uneven weights, several windows, a hole in time.
fn uneven(mut rows: Rows) -> Rows {
    let n = rows.len();
    let sum: f64 = (0..n).map(|i| 1.0 + (i % 3) as f64).sum();
    for i in 0..n {
        rows.weights[i] = (1.0 + (i % 3) as f64) / sum;
        rows.window[i] = i / 10;
        if i > n / 2 {
            rows.t_ns[i] += 1_000_000_000;
        }
    }
    rows
}

fn check_all(statistic: &dyn PanelStatistic, tolerance: f64) {
    for (golden, candidate) in [
        (some_rows(200), some_rows(130)),
        (tied_rows(200), tied_rows(130)),
        (uneven(some_rows(240)), uneven(tied_rows(180))),
    ] {
        check_influences(statistic, &golden, &candidate, tolerance);
    }
}

const PAIRS: [(usize, usize); 3] = [(0, 1), (0, 2), (2, 1)];

#[test]
fn rank_correlations() {
    for kind in [RankCorrelation::Spearman, RankCorrelation::KendallTauB] {
        check_all(&RankDependence::new(kind, PAIRS.to_vec()).unwrap(), 1e-6);
    }
}

#[test]
fn copulas() {
    check_all(&Copula::new(PAIRS.to_vec(), 3).unwrap(), 1e-5);
    check_all(&Copula::new(vec![(0, 1)], 5).unwrap(), 1e-5);
}

#[test]
fn spectra() {
    let statistic = CorrelationSpectrum::new(vec![0, 1, 2]).unwrap();
    for (golden, candidate) in [(some_rows(200), some_rows(130)), (tied_rows(200), uneven(tied_rows(130)))] {
        check_first_influences(&statistic, &golden, &candidate, 1e-6, 3);
    }
    check_all(&CorrelationDistance::new(&[2, 0, 1]).unwrap(), 1e-6);
    check_all(&MeanCorrelation::new(&[2, 0, 1]).unwrap(), 1e-6);
    // In one window no variance is taken off.
    let squared = SquaredCorrelation::new(&[2, 0, 1]).unwrap();
    for (golden, candidate) in [(some_rows(200), some_rows(130)), (tied_rows(200), tied_rows(130))] {
        check_influences(&squared, &golden, &candidate, 1e-6);
    }
}

#[test]
fn lead_and_lag() {
    check_all(&LeadLag::new(PAIRS.to_vec(), 3, 1_000_000_000).unwrap(), 1e-6);
}

#[test]
fn slices_and_waves() {
    check_all(&SlicedEnergy::new(vec![0, 2, 1], 5, 8).unwrap(), 1e-4);
    check_all(&SlicedEnergy::new(vec![1], 5, 8).unwrap(), 1e-4);
    check_all(&SlicedAndersonDarling::new(vec![0, 2, 1], 5, 8).unwrap(), 1e-4);
    check_all(&Mmd::new(vec![0, 2, 1], 8).unwrap(), 1e-6);
}

#[test]
fn signatures() {
    for kind in [PathOf::Values, PathOf::Sums] {
        check_all(&Signature::new(vec![0, 2], kind, 4, 1_000_000_000, 3).unwrap(), 1e-6);
    }
    check_all(&Signature::new(vec![0, 2], PathOf::LeadLag, 4, 1_000_000_000, 2).unwrap(), 1e-6);
}

/// Where a value held by many rows lies at the quantile the slope is that of the rows of this value: exact.
#[test]
fn tail_dependence_of_atoms() {
    let two = |n: usize| {
        let mut rows = some_rows(n);
        for row in rows.values.chunks_exact_mut(3) {
            row[0] = if row[0] + row[1] > 0.9 { 1.0 } else { 0.0 };
            row[1] = if row[1] > 0.5 { 1.0 } else { 0.0 };
        }
        rows
    };
    let tails = vec![(Tail::Upper, 0.9), (Tail::Lower, 0.9)];
    let statistic = TailDependence::new(vec![(0, 1)], tails).unwrap();
    check_influences(&statistic, &two(400), &uneven(two(300)), 1e-6);
}

/// Elsewhere it is a share of rows near the quantile: right on average over many rows, as for the mean of all rows far out in both.
#[test]
fn tail_dependence_of_many_values() {
    let rows = some_rows(60_000);
    let statistic = TailDependence::new(vec![(0, 1)], vec![(Tail::Upper, 0.9)]).unwrap();
    let [reading, _] = statistic.read(&rows, &rows).unwrap();
    let above = |i: usize| rows.row(i)[0] > 0.93 && rows.row(i)[1] > 1.25;
    let count = (0..rows.len()).filter(|i| above(*i)).count() as f64;
    let step = 0.02;
    let moved = |by: f64| {
        let mut moved = rows.clone();
        for i in 0..rows.len() {
            moved.weights[i] = moved.weights[i] * (1.0 - by) + if above(i) { by / count } else { 0.0 };
        }
        statistic.read(&moved, &rows).unwrap()[0].values[0]
    };
    let slope = (moved(step) - moved(-step)) / (2.0 * step);
    let score = (0..rows.len()).filter(|i| above(*i)).map(|i| reading.scores[i]).sum::<f64>() / count;
    assert!((slope - score).abs() < 0.1 * slope.abs(), "{slope} is not {score}");
}
