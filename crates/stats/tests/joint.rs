//! Statistics of joint laws against SciPy, scikit-learn and NumPy, forms by features against exact ones, and degenerate input.
#![allow(clippy::unwrap_used, clippy::float_cmp, clippy::print_stdout, missing_docs)]

mod common;

use common::{rows, uniform};
use verismo_stats::classic::Tail;
use verismo_stats::joint::*;
use verismo_stats::judging::{PanelNorm, PanelStatistic, Rows};

/// Numbers of each sample: see the head of the generator. Regenerate: `python3 vectors/gen/joint.py`.
const JOINT: &str = include_str!("../vectors/joint.csv");

const SECOND: i64 = 1_000_000_000;
const PAIRS: [(usize, usize); 3] = [(0, 1), (0, 2), (2, 1)];

/// The sample of `vectors/gen/joint.py`: a row a second, ten a window.
fn sample(kind: &str, stream: u64, n: u64) -> Rows {
    let shift = if stream / 100 % 2 == 1 { 0.25 } else { 0.0 };
    let [first, second, third] = [0, 1, 2].map(|c| uniform(stream + c, n));
    let mut values = Vec::new();
    for ((x, y), z) in first.zip(second).zip(third) {
        let slope = (0.5 + shift) * x;
        let mut row = [x, y + slope, z - slope];
        match kind {
            "ties" => row.iter_mut().for_each(|v| *v = libm::floor(*v * 4.0)),
            "heavy" => row[0] = (x - 0.5) / (x * (1.0 - x)),
            "offset" => row.iter_mut().for_each(|v| *v = 1e15 + libm::floor(*v * 1024.0)),
            _ => (),
        }
        values.extend(row);
    }
    windows(Rows::of_values(3, values, SECOND), 10)
}

/// So many rows a window.
fn windows(mut rows: Rows, size: usize) -> Rows {
    (0..rows.len()).for_each(|i| rows.window[i] = i / size);
    rows
}

/// Rows whose place is kept.
fn kept(rows: &Rows, keep: impl Fn(usize) -> bool) -> Rows {
    let places: Vec<usize> = (0..rows.len()).filter(|i| keep(*i)).collect();
    let values = places.iter().flat_map(|i| rows.row(*i).to_vec()).collect();
    let mut out = Rows::of_values(rows.columns, values, 1);
    out.t_ns = places.iter().map(|i| rows.t_ns[*i]).collect();
    out
}

/// The golden's numbers.
fn golden(statistic: &dyn PanelStatistic, golden: &Rows, candidate: &Rows) -> Vec<f64> {
    statistic.read(golden, candidate).unwrap()[0].values.clone()
}

/// The effect of two readings.
fn effect(statistic: &dyn PanelStatistic, golden: &Rows, candidate: &Rows) -> f64 {
    let [g, c] = statistic.read(golden, candidate).unwrap();
    let differences = c.values.iter().zip(&g.values).map(|(c, g)| c - g);
    match statistic.norm(&g) {
        PanelNorm::Signed => c.values[0] - g.values[0],
        PanelNorm::Largest => differences.fold(0.0, |most, d| most.max(d.abs())),
        PanelNorm::Root(weights) => differences.zip(weights).map(|(d, w)| d * d * w).sum::<f64>().sqrt(),
        other => panic!("{other:?}"),
    }
}

/// The numbers of one line by our own hand, and the absolute error allowed beside the relative one of 1e-12: the rounding of what
/// cancels (1 for correlations and shares, the size of what is subtracted for distances).
fn found(name: &str, x: &Rows, y: &Rows) -> (Vec<f64>, f64) {
    let three = vec![0, 1, 2];
    let ranks = |kind| golden(&RankDependence::new(kind, PAIRS.to_vec()).unwrap(), x, y);
    let signature = |kind, depth| golden(&Signature::new(vec![0, 2], kind, 5, SECOND, depth).unwrap(), x, y);
    match name {
        "pearson" => (golden(&Correlation::new(PAIRS.to_vec()), x, y), 1e-14),
        "spearman" => (ranks(RankCorrelation::Spearman), 1e-14),
        "kendall" => (ranks(RankCorrelation::KendallTauB), 1e-14),
        "spectrum" => (golden(&CorrelationSpectrum::new(three).unwrap(), x, y)[..3].to_vec(), 1e-14),
        "lead_lag" => {
            let x = kept(x, |i| i % 7 != 3);
            (golden(&LeadLag::new(PAIRS.to_vec(), 3, SECOND).unwrap(), &x, &x), 1e-14)
        }
        "tail" => {
            let tails = [(Tail::Upper, 0.8), (Tail::Upper, 0.9), (Tail::Lower, 0.8), (Tail::Lower, 0.9)];
            // 1 - 0.9 rounds: places at the quantile move by that.
            (golden(&TailDependence::new(PAIRS.to_vec(), tails.to_vec()).unwrap(), x, y), 1e-11)
        }
        "copula_cells" => (golden(&Copula::new(PAIRS.to_vec(), 4).unwrap(), x, y), 1e-14),
        "copula_exact" => {
            let found = copula_exact(x, y, &three).unwrap();
            (vec![found.squared, found.statistic], 1e-13)
        }
        "energy" => {
            let found = energy_exact(x, y, &three, 0, 0).unwrap();
            (vec![found.squared, found.unbiased, found.across], 1e-12)
        }
        "breusch_pagan" => {
            // In one window nothing is taken off the mean square.
            let one = Rows { window: vec![0; x.len()], ..x.clone() };
            let square = golden(&SquaredCorrelation::new(&three).unwrap(), &one, &one)[0];
            (vec![square, 3.0 * x.len() as f64 * square], 1e-14 * x.len() as f64)
        }
        "sliced_anderson" | "sliced_anderson_coarse" => {
            let cells = if name == "sliced_anderson" { 20 } else { 3 };
            let statistic = SlicedAndersonDarling::new(three, 4, cells).unwrap();
            let mut found = vec![effect(&statistic, x, y)];
            found.extend(&golden(&statistic, x, y)[..2 * cells]);
            (found, 1e-12)
        }
        // Cells see less than values do: some hundredths of the distance.
        "whole_anderson" => {
            let fine = SlicedAndersonDarling::new(vec![0], 1, 500).unwrap();
            (vec![effect(&fine, x, y)], 0.005)
        }
        "mmd" => {
            let found = mmd_exact(x, y, &three, 0, 0).unwrap();
            (vec![found.squared, found.unbiased, found.across], 1e-13)
        }
        "signature_values" => (signature(PathOf::Values, 3), 1e-12),
        "signature_sums" => (signature(PathOf::Sums, 3), 1e-12),
        "signature_lead_lag" => (signature(PathOf::LeadLag, 2), 1e-12),
        "classifier" => {
            let [_, found] = Classifier::new(three).unwrap().read(x, y).unwrap();
            (found.values, 1e-14)
        }
        other => panic!("{other}"),
    }
}

#[test]
fn numbers_agree_with_scipy_scikit_learn_and_numpy() {
    let mut checked = 0;
    for row in rows(JOINT) {
        let [name, kind, stream, n, m, want @ ..] = row.as_slice() else { panic!("short row {row:?}") };
        if *name == "logistic" {
            continue;
        }
        let (stream, n, m): (u64, u64, u64) = (stream.parse().unwrap(), n.parse().unwrap(), m.parse().unwrap());
        let (x, y) = (sample(kind, stream, n), sample(kind, stream + 100, m));
        let (got, slack) = found(name, &x, &y);
        assert_eq!(got.len(), want.len(), "{name}");
        for (k, (got, want)) in got.iter().zip(want).enumerate() {
            let want: f64 = want.parse().unwrap();
            let tolerance = 1e-12 * want.abs() + slack;
            assert!((got - want).abs() <= tolerance, "{name} of {kind} {n}x{m}, number {k}: {got} is not {want}");
            checked += 1;
        }
    }
    assert!(checked > 900, "{checked}");
}

/// Both minimise the same function, scikit-learn until its gradient is 1e-14: 1e-9 of the coefficients.
#[test]
fn logistic_regression_agrees_with_scikit_learn() {
    let mut checked = 0;
    for row in rows(JOINT).filter(|row| row[0] == "logistic") {
        let [_, kind, stream, n, m, want @ ..] = row.as_slice() else { panic!("short row {row:?}") };
        let (stream, n, m): (u64, u64, u64) = (stream.parse().unwrap(), n.parse().unwrap(), m.parse().unwrap());
        let (x, y) = (sample(kind, stream, n), sample(kind, stream + 100, m));
        let moments = |c: usize| {
            let origin = x.row(0)[c];
            let mean = x.column(c).map(|v| v - origin).sum::<f64>() / n as f64;
            let variance = x.column(c).map(|v| (v - origin - mean) * (v - origin - mean)).sum::<f64>() / n as f64;
            (origin, mean, variance.sqrt())
        };
        let scale: Vec<_> = (0..3).map(moments).collect();
        let mut features = Vec::new();
        for side in [&x, &y] {
            for i in 0..side.len() {
                let at = |c: usize| (side.row(i)[c] - scale[c].0 - scale[c].1) / scale[c].2;
                let z: Vec<f64> = (0..3).map(|c| at(c).clamp(-4.0, 4.0)).collect();
                features.extend(&z);
                features.extend(z.iter().map(|z| (z * z - 1.0) / 2_f64.sqrt()));
                features.extend([z[0] * z[1], z[0] * z[2], z[1] * z[2]]);
            }
        }
        let is_second: Vec<bool> = (0..n + m).map(|i| i >= n).collect();
        let weights = vec![1.0; is_second.len()];
        let fitted = LogisticRows { features: &features, count: 9, is_second: &is_second, weights: &weights };
        let got = logistic_ridge(&fitted, 0.5).unwrap();
        for (got, want) in got.iter().zip(want) {
            let want: f64 = want.parse().unwrap();
            assert!((got - want).abs() <= 1e-9 * (1.0 + want.abs()), "{kind} {n}x{m}: {got} is not {want}");
            checked += 1;
        }
    }
    assert_eq!(checked, 60);
}

/// Many slices in fine cells are the energy distance of vectors; the form of default size lies near it.
#[test]
fn slices_near_the_energy_distance() {
    for (kind, stream) in [("smooth", 201), ("smooth", 401), ("ties", 801), ("heavy", 1001)] {
        let (x, y) = (sample(kind, stream, 1_200), sample(kind, stream + 100, 1_000));
        let exact = energy_exact(&x, &y, &[0, 1, 2], 0, 0).unwrap();
        let near = |directions, cells| {
            let e = effect(&SlicedEnergy::new(vec![0, 1, 2], directions, cells).unwrap(), &x, &y);
            SlicedEnergy::squared_distance(e, 3) / exact.squared
        };
        let (fine, default) = (near(8, 64), near(SlicedEnergy::DIRECTIONS, SlicedEnergy::CELLS));
        println!("{kind} {stream}: {} fine {fine:.3}, default {default:.3}", exact.squared);
        assert!((fine - 1.0).abs() < 0.1, "{kind}: {fine}");
        assert!(default > 0.6 && default < 1.1, "{kind}: {default}");
    }
    // The length of a vector over its mean absolute projection: 1, pi/2, 2.
    for (dims, want) in [(1, 1.0), (2, core::f64::consts::FRAC_PI_2), (3, 2.0)] {
        assert!((SlicedEnergy::slices_to_vectors(dims) - want).abs() < 1e-14);
    }
}

#[test]
fn waves_near_the_exact_discrepancy() {
    for (kind, stream) in [("smooth", 201), ("smooth", 401), ("ties", 801), ("heavy", 1001)] {
        let (x, y) = (sample(kind, stream, 1_200), sample(kind, stream + 100, 1_000));
        let exact = mmd_exact(&x, &y, &[0, 1, 2], 0, 0).unwrap().squared.sqrt();
        let near = |frequencies| effect(&Mmd::new(vec![0, 1, 2], frequencies).unwrap(), &x, &y) / exact;
        let (fine, default) = (near(255), near(Mmd::FREQUENCIES));
        println!("{kind} {stream}: {exact} fine {fine:.3}, default {default:.3}");
        assert!((fine - 1.0).abs() < 0.15, "{kind}: {fine}");
        assert!((default - 1.0).abs() < 0.35, "{kind}: {default}");
    }
}

#[test]
fn cells_near_the_exact_copula_distance() {
    let (x, y) = (sample("smooth", 401, 1_500), sample("smooth", 1101, 1_500));
    let exact = copula_exact(&x, &y, &[0, 1]).unwrap().squared.sqrt();
    let cells = |cells| effect(&Copula::new(vec![(0, 1)], cells).unwrap(), &x, &y) / exact;
    assert!((cells(15) - 1.0).abs() < 0.03 && (cells(5) - 1.0).abs() < 0.12, "{} {}", cells(15), cells(5));
    // Independent columns against equal ones: 1/90.
    let grid = |f: fn(usize) -> [f64; 2]| Rows::of_values(2, (0..1_600).flat_map(f).collect(), 1);
    let (apart, same) = (grid(|i| [(i / 40) as f64, (i % 40) as f64]), grid(|i| [i as f64, i as f64]));
    let squared = copula_exact(&apart, &same, &[0, 1]).unwrap().squared;
    assert!((squared * 90.0 - 1.0).abs() < 0.01, "{squared}");
}

/// What margins mean: the effects of known changes of normal columns, every row changed in place.
#[test]
fn sizes_of_effects() {
    let n = 4_000;
    for dims in [2, 4, 11] {
        let quantile = |u: f64| verismo_stats::special::normal_quantile(u);
        let columns: Vec<Vec<f64>> = (0..dims as u64).map(|c| uniform(3_000 + c, n).map(quantile).collect()).collect();
        let rows = |change: &dyn Fn(&mut [f64])| {
            let mut values = Vec::new();
            for i in 0..n as usize {
                let mut row: Vec<f64> = columns.iter().map(|column| column[i]).collect();
                change(&mut row);
                values.extend(row);
            }
            windows(Rows::of_values(dims, values, SECOND), 50)
        };
        let all: Vec<usize> = (0..dims).collect();
        let energy = SlicedEnergy::new(all.clone(), SlicedEnergy::DIRECTIONS, SlicedEnergy::CELLS).unwrap();
        let mmd = Mmd::new(all.clone(), Mmd::FREQUENCIES).unwrap();
        let classifier = Classifier::new(all.clone()).unwrap();
        let spectrum = CorrelationSpectrum::new(all.clone()).unwrap();
        let copula = Copula::new(vec![(0, 1)], Copula::CELLS).unwrap();
        let golden = rows(&|_| ());
        type Change = fn(&mut [f64]);
        let changes: [(&str, Change); 6] = [
            ("one column moves by a quarter of its deviation", |row| row[0] += 0.25),
            ("all columns move by a quarter", |row| row.iter_mut().for_each(|v| *v += 0.25)),
            ("one column is a quarter wider", |row| row[0] *= 1.25),
            ("all columns are a quarter wider", |row| row.iter_mut().for_each(|v| *v *= 1.25)),
            ("a correlation of 0.2", |row| row[1] = 0.2 * row[0] + 0.96_f64.sqrt() * row[1]),
            ("a correlation of 0.5", |row| row[1] = 0.5 * row[0] + 0.75_f64.sqrt() * row[1]),
        ];
        for (what, change) in changes {
            let candidate = rows(&change);
            let found: Vec<f64> = [&energy as &dyn PanelStatistic, &mmd, &classifier, &spectrum, &copula]
                .iter()
                .map(|statistic| effect(*statistic, &golden, &candidate))
                .collect();
            println!("{dims} columns, {what}: energy, mmd, classifier, spectrum, copula {found:.4?}");
            if what == "a correlation of 0.5" && dims == 2 {
                assert!((found[3] - 0.5).abs() < 0.03 && (found[4] - 0.045).abs() < 0.005, "{found:?}");
            }
        }
    }
}

#[test]
fn permutations_of_blocks() {
    let (x, y) = (sample("smooth", 201, 300), sample("smooth", 301, 250));
    let other = sample("smooth", 401, 250);
    for exact in [energy_exact, mmd_exact] {
        let far = exact(&x, &y, &[0, 1, 2], 199, 1).unwrap();
        assert_eq!(far.p_value, 1.0 / 200.0);
        let near = exact(&x, &other, &[0, 1, 2], 199, 1).unwrap();
        assert!(near.p_value > 0.02, "{near:?}");
        assert_eq!(near, exact(&x, &other, &[0, 1, 2], 199, 1).unwrap());
        assert_ne!(near.p_value, exact(&x, &other, &[0, 1, 2], 199, 2).unwrap().p_value);
        let same = exact(&x, &x, &[0, 1, 2], 19, 1).unwrap();
        assert!(same.squared < 1e-15 && same.p_value == 1.0, "{same:?}");
        // A bounded sample of many rows.
        let many = sample("smooth", 201, 4_500);
        assert_eq!(exact(&many, &x, &[0], 0, 0).unwrap().rows, [1_500, 300]);
    }
}
