//! Smooth functions of window sums.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod simulate;

use simulate::{Rng, bound, options, runs, share};
use std::borrow::Cow;
use verismo_stats::histogram;
use verismo_stats::judging::{
    Comparison, Design, Effect, Functional, Judged, JudgingError, MomentWindow, Options, Outcome, Side, Window,
    compare_moments,
};

fn judge(
    golden: &[MomentWindow],
    candidate: &[MomentWindow],
    functional: Functional,
    design: Design,
    options: &Options,
) -> Judged {
    match compare_moments(golden, candidate, functional, design, 0.05, options).unwrap() {
        Outcome::Judged(judged) => *judged,
        other => panic!("{other:?}"),
    }
}

/// AR(1) values of unit variance times `scale`, `messages` in each of `windows` windows.
fn series(rng: &mut Rng, phi: f64, scale: f64, windows: usize, messages: usize) -> Vec<Vec<f64>> {
    let mut x = rng.normal();
    (0..windows)
        .map(|_| {
            (0..messages)
                .map(|_| {
                    x = phi * x + (1.0 - phi * phi).sqrt() * rng.normal();
                    scale * x
                })
                .collect()
        })
        .collect()
}

fn summed(values: &[Vec<f64>], functional: Functional) -> Vec<MomentWindow> {
    let mut previous: Option<f64> = None;
    values
        .iter()
        .enumerate()
        .map(|(w, values)| {
            let mut window =
                MomentWindow { id: w as i64, stratum: (w / 10) as u32, block: 0, count: 0, sums: [0.0; 3] };
            for x in values {
                let terms = match functional {
                    Functional::Mean => Some([*x, 0.0, 0.0]),
                    Functional::LnStd => Some([*x, x * x, 0.0]),
                    // Counts in intervals: the square stands for a positive count.
                    Functional::LnFano => Some([x * x, x * x * x * x, 0.0]),
                    _ => previous.map(|y| [0.5 * (x + y), 0.5 * (x * x + y * y), x * y]),
                };
                previous = Some(*x);
                if let Some(terms) = terms {
                    window.count += 1;
                    for (sum, term) in window.sums.iter_mut().zip(terms) {
                        *sum += term;
                    }
                }
            }
            window
        })
        .collect()
}

const FUNCTIONALS: [Functional; 4] =
    [Functional::Mean, Functional::LnStd, Functional::Autocorrelation, Functional::LnFano];

#[test]
fn estimates_are_the_definitions() {
    let mut rng = Rng::new(5);
    let (a, b) = (series(&mut rng, 0.6, 1.0, 20, 30), series(&mut rng, 0.3, 2.0, 20, 30));
    let stats = |side: &[Vec<f64>]| {
        let all: Vec<f64> = side.concat();
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let variance = |v: &[f64]| v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>() / v.len() as f64;
        let squares: Vec<f64> = all.iter().map(|x| x * x).collect();
        let both: Vec<f64> = all.windows(2).flat_map(|p| [p[0], p[1]]).collect();
        let m = mean(&both);
        let lagged = all.windows(2).map(|p| (p[0] - m) * (p[1] - m)).sum::<f64>() / (all.len() - 1) as f64;
        let rho = lagged / variance(&both);
        [mean(&all), 0.5 * variance(&all).ln(), rho, (variance(&squares) / mean(&squares)).ln()]
    };
    let (sa, sb) = (stats(&a), stats(&b));
    for (i, functional) in FUNCTIONALS.into_iter().enumerate() {
        let judged = judge(
            &summed(&a, functional),
            &summed(&b, functional),
            functional,
            Design::Independent,
            &Options::default(),
        );
        assert!((judged.estimate - (sb[i] - sa[i])).abs() < 1e-12, "{functional:?}: {judged:?}");
        assert!(judged.signed && judged.lower < judged.estimate && judged.estimate < judged.upper);
    }
}

#[test]
fn the_mean_of_sums_agrees_with_the_mean_of_histograms() {
    let cells: Vec<Vec<(i64, u64)>> =
        (0..24_u64).map(|w| (0..6).map(|j| (j, 1 + (w * 5 + j as u64 * 3) % 7)).collect()).collect();
    let other: Vec<Vec<(i64, u64)>> =
        (0..24_u64).map(|w| (0..6).map(|j| (j, 1 + (w * 3 + j as u64 * 5) % 6)).collect()).collect();
    let windows = |cells: &'static [Vec<(i64, u64)>]| -> Vec<Window<'static>> {
        cells
            .iter()
            .enumerate()
            .map(|(w, c)| Window { id: w as i64, stratum: 0, block: 0, cells: Cow::Owned(histogram::Cells::pack(c)) })
            .collect()
    };
    let sums = |cells: &[Vec<(i64, u64)>]| -> Vec<MomentWindow> {
        let window = |(w, cells): (usize, &Vec<(i64, u64)>)| MomentWindow {
            id: w as i64,
            stratum: 0,
            block: 0,
            count: cells.iter().map(|(_, n)| n).sum(),
            sums: [cells.iter().map(|(key, n)| *key as f64 * *n as f64).sum(), 0.0, 0.0],
        };
        cells.iter().enumerate().map(window).collect()
    };
    let (cells, other): (&'static [_], &'static [_]) = (cells.leak(), other.leak());
    let comparison =
        Comparison::new(&windows(cells), &windows(other), Design::Independent, &Options::default()).unwrap();
    let Outcome::Judged(from_cells) = comparison.judge(Effect::Mean, 0.05, &|key| key as f64).unwrap() else {
        panic!()
    };
    let from_sums = judge(&sums(cells), &sums(other), Functional::Mean, Design::Independent, &Options::default());
    assert!((from_cells.estimate - from_sums.estimate).abs() < 1e-12);
}

#[test]
fn equal_pairs_are_exact_and_undefined_functionals_are_refused() {
    let mut rng = Rng::new(6);
    let side = summed(&series(&mut rng, 0.5, 1.0, 14, 20), Functional::LnStd);
    for design in [Design::Paired, Design::PairedStrata] {
        let judged = judge(&side, &side, Functional::LnStd, design, &Options::default());
        assert!(judged.lower.abs() <= 0.0 && judged.upper.abs() <= 0.0);
    }
    for design in [Design::Independent, Design::Strata] {
        let judged = judge(&side, &side, Functional::LnStd, design, &Options::default());
        assert!(judged.estimate.abs() <= 0.0 && judged.upper > 0.0);
    }
    let constant: Vec<MomentWindow> =
        (0..14).map(|id| MomentWindow { id, stratum: 0, block: 0, count: 5, sums: [0.0; 3] }).collect();
    let refused = compare_moments(&side, &constant, Functional::LnStd, Design::Independent, 0.1, &Options::default());
    assert!(matches!(refused, Err(JudgingError::NoVariance { side: Side::Candidate })), "{refused:?}");
    let few = compare_moments(&side, &side[..11], Functional::Mean, Design::Independent, 0.1, &Options::default());
    assert!(matches!(few, Ok(Outcome::TooFewWindows { candidate_needed: 1, .. })), "{few:?}");
}

#[test]
fn both_ends_hold_their_rate() {
    let count = 400;
    for functional in FUNCTIONALS {
        for design in [Design::Independent, Design::Strata] {
            let ends = runs(77, count, 1, |run| {
                let mut rng = Rng::new(run);
                let make = |rng: &mut Rng| summed(&series(rng, 0.6, 1.0, 60, 40), functional);
                let (golden, candidate) = (make(&mut rng), make(&mut rng));
                let judged = judge(&golden, &candidate, functional, design, &options(run, 1));
                (judged.lower > 0.0, judged.upper < 0.0)
            });
            let (low, high) = (share(ends.iter().map(|e| e.0)), share(ends.iter().map(|e| e.1)));
            println!("{functional:?} {design:?}: below {low:.3}, above {high:.3}");
            assert!(low.max(high) <= bound(0.05, count), "{functional:?} {design:?}: {low} {high}");
        }
    }
}
