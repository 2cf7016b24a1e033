//! What is computed on a short way is what the long way gives.

use super::comparison::Comparison;
use super::edges::add_combination;
use super::effect::Band;
use super::gram::largest_eigenvalue;
use super::noise::Matrix;
use super::{Design, Effect, Options, Outcome, Window};
use crate::histogram::Cells;

/// Windows of `values` values each: a slow walk and a scatter about it, so that most keys are seen once.
fn windows(windows: u64, values: u64, scatter: i64, shift: i64, seed: u64) -> Vec<Cells> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64
    };
    let mut level = 0;
    let one = |_| {
        level += next() % 41 - 20;
        let mut keys: Vec<i64> =
            (0..values).map(|_| shift + level + (next() % scatter + next() % scatter) / 2).collect();
        keys.sort_unstable();
        let runs = keys.chunk_by(|a, b| a == b);
        Cells::pack(&runs.map(|run| (run[0], run.len() as u64)).collect::<Vec<_>>())
    };
    (0..windows).map(one).collect()
}

fn compare(golden: &[Cells], candidate: &[Cells], design: Design) -> Comparison {
    compare_with(golden, candidate, design, &Options { replicates: 199, ..Options::default() })
}

fn compare_with(golden: &[Cells], candidate: &[Cells], design: Design, options: &Options) -> Comparison {
    let side = |cells: &[Cells]| -> Vec<Window<'static>> {
        let window = |(w, cells): (usize, &Cells)| Window {
            id: w as i64,
            stratum: w as u32 / 24,
            block: 0,
            cells: std::borrow::Cow::Owned(cells.clone()),
        };
        cells.iter().enumerate().map(window).collect()
    };
    Comparison::new(&side(golden), &side(candidate), design, options).unwrap()
}

/// All rows of the noise at every edge, part after part.
fn rows_everywhere(comparison: &Comparison) -> Vec<Matrix> {
    let noise = comparison.noise.as_ref().unwrap();
    let rows = noise.parts.iter().map(|part| {
        let mut rows = Matrix::zeros(part.model.degrees, comparison.keys.len());
        for k in 0..part.model.degrees {
            let mut u = vec![0.0; part.model.degrees];
            u[k] = 1.0;
            add_combination(&comparison.signed(part.source), &part.model, &u, rows.row_mut(k));
        }
        rows
    });
    rows.collect()
}

const DESIGNS: [Design; 4] = [Design::Independent, Design::Paired, Design::Strata, Design::PairedStrata];

#[test]
fn variances_are_the_sums_of_squared_rows() {
    for design in DESIGNS {
        let comparison = compare(&windows(72, 30, 900, 0, 1), &windows(72, 25, 1_000, 7, 2), design);
        let noise = comparison.noise.as_ref().unwrap();
        for (part, rows) in noise.parts.iter().zip(rows_everywhere(&comparison)) {
            for (x, variance) in part.variance.iter().enumerate() {
                let want: f64 = (0..rows.rows()).map(|k| rows.row(k)[x] * rows.row(k)[x]).sum();
                assert!((variance - want).abs() <= 1e-10 * want + 1e-24, "{design:?} edge {x}: {variance} {want}");
            }
        }
    }
}

#[test]
fn cosines_of_many_strata_share_rows_and_tell_the_same_variance() {
    for design in [Design::Strata, Design::PairedStrata] {
        let comparison = compare(&windows(120 * 24, 12, 900, 0, 1), &windows(120 * 24, 10, 1_000, 7, 2), design);
        let noise = comparison.noise.as_ref().unwrap();
        for (part, everywhere) in noise.parts.iter().zip(rows_everywhere(&comparison)) {
            assert_eq!(part.model.degrees, 128, "{design:?}");
            let edges = |side, windows| comparison.side(side).0.cumulative(&comparison.coarse, windows);
            let rows = comparison.project(part, comparison.coarse.len(), edges);
            let (mut found, mut wanted) = (0.0, 0.0);
            for (i, &x) in comparison.coarse.iter().enumerate() {
                let squares = |m: &Matrix, x: usize| (0..m.rows()).map(|k| m.row(k)[x] * m.row(k)[x]).sum::<f64>();
                let (long, short) = (squares(&rows, i), squares(&everywhere, x));
                assert!((long - short).abs() <= 1e-9 * long + 1e-24, "{design:?} edge {x}: {long} {short}");
                // So many squares scatter by an eighth.
                let share = short / part.variance[x];
                assert!(part.variance[x] < 1e-12 || (0.45..1.8).contains(&share), "{design:?} edge {x}: {share}");
                found += short;
                wanted += part.variance[x];
            }
            assert!((found / wanted - 1.0).abs() < 0.1, "{design:?}: {found} {wanted}");
        }
    }
}

/// The spread of an upper end in the mean square, and the largest eigenvalue of all rows at every edge.
fn spread_and_exact(comparison: &Comparison, effect: Effect, mass: &[f64]) -> (f64, f64) {
    let noise = comparison.noise.as_ref().unwrap();
    let shape = comparison.shape(effect, &|key| key as f64).unwrap();
    let rows = comparison.shape_rows(noise, &shape);
    let Band::Additive(spreads) = comparison.band(noise, &shape, &rows) else { panic!("a sum") };
    let everywhere = rows_everywhere(comparison);
    let all: Vec<&Matrix> = everywhere.iter().collect();
    let mut mass = mass.to_vec();
    mass.resize(comparison.keys.len(), 0.0);
    (spreads[0].1, libm::sqrt(largest_eigenvalue(&all, &mass)))
}

fn golden_masses(comparison: &Comparison) -> Vec<f64> {
    let mut below = 0.0;
    comparison.golden_law.iter().map(|f| f - core::mem::replace(&mut below, *f)).collect()
}

#[test]
fn the_largest_eigenvalue_is_found_from_averages_over_cells() {
    for design in DESIGNS {
        for (scatter, seed) in [(40, 3), (2_000, 4), (40_000, 5)] {
            let comparison =
                compare(&windows(72, 60, scatter, 0, seed), &windows(72, 60, scatter, 2, 9 + seed), design);
            let (spread, exact) = spread_and_exact(&comparison, Effect::Cvm, &golden_masses(&comparison));
            let error = spread / exact - 1.0;
            assert!((-1e-4..=1e-9).contains(&error), "{design:?} scatter {scatter}: {error}");
        }
    }
}

/// The golden is two atoms, and all that varies lies in one of its cells.
#[test]
fn mass_that_the_cells_do_not_follow_has_cells_of_its_own() {
    let golden: Vec<Cells> = (0..72_u64).map(|w| Cells::pack(&[(0, 30 + w % 7), (1, 30)])).collect();
    let comparison = compare(&golden, &windows(72, 60, 5_000, 1_000, 6), Design::Strata);
    let law: Vec<f64> = {
        let (g, c) = comparison.messages();
        let share = c as f64 / (g + c) as f64;
        let laws = comparison.golden_law.iter().zip(&comparison.candidate_law);
        laws.map(|(g, c)| g + share * (c - g)).collect()
    };
    let mut below = 0.0;
    let mass: Vec<f64> = law.iter().map(|h| h - core::mem::replace(&mut below, *h)).collect();
    let (spread, exact) = spread_and_exact(&comparison, Effect::SquaredCvm, &mass);
    let error = spread / exact - 1.0;
    assert!((-1e-4..=1e-9).contains(&error), "{error}");
}

/// What is lost at the edges is lost by the error too: lower ends of a shift are as high on 63 edges as on 255.
#[test]
fn few_edges_find_a_shift_as_well_as_many() {
    let on = |most: usize, effect: Effect| -> f64 {
        let lower = |seed: u64| {
            let (golden, candidate) = (windows(144, 60, 4_000, 0, 70 + seed), windows(144, 60, 4_000, 700, 170 + seed));
            let options = Options { replicates: 999, coarse_edges_max: most, ..Options::default() };
            let comparison = compare_with(&golden, &candidate, Design::Strata, &options);
            let Outcome::Judged(judged) = comparison.judge(effect, 0.05, &|key| key as f64).unwrap() else { panic!() };
            judged.lower
        };
        (0..12).map(lower).sum::<f64>() / 12.0
    };
    for effect in [Effect::Ks, Effect::W1, Effect::SquaredAd] {
        let (few, many) = (on(63, effect), on(255, effect));
        assert!(few > 0.0 && (few / many - 1.0).abs() < 0.02, "{effect:?}: {few} on 63 edges, {many} on 255");
    }
}

#[test]
fn heterogeneity_that_ends_early_is_the_same() {
    let value_of = |key: i64| key as f64;
    let mut above_zero = 0;
    for seed in 0..12 {
        let mut golden = windows(72, 40, 600, 0, 20 + seed);
        if seed % 3 == 0 {
            let other = windows(12, 40, 600, 400, 50 + seed);
            golden[24..36].clone_from_slice(&other);
        }
        let comparison = compare(&golden, &windows(72, 40, 600, 0, 90 + seed), DESIGNS[seed as usize % 4]);
        for effect in [Effect::Ks, Effect::SquaredAd, Effect::W1] {
            let whole = comparison.heterogeneity(effect, &value_of).unwrap().unwrap();
            let early = comparison.heterogeneity_beyond_noise(effect, &value_of).unwrap().unwrap();
            assert_eq!(early.to_bits(), whole.h.to_bits(), "seed {seed} {effect:?}: {early} {whole:?}");
            above_zero += usize::from(early > 0.0);
        }
    }
    assert!(above_zero > 0, "some golden differs from itself");
}
