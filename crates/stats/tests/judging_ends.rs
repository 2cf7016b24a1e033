//! Ends of distances without a margin: those of the judgement, and how often they miss.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod simulate;

use simulate::{Cells, Grid, Process, bound, judged, options, runs, share, shift_for, sides, windows};
use verismo_stats::judging::{Comparison, Design, Effect, Ends, WINDOWS_MIN};

/// Keys of a bin.
const WIDTH: i64 = 4;

fn compare(golden: &Cells, candidate: &Cells, run: u64) -> Comparison {
    Comparison::new(&windows(golden, 0), &windows(candidate, 0), Design::Independent, &options(run, 199)).unwrap()
}

fn known(ends: Ends) -> (f64, f64, f64) {
    let Ends::Known { estimate, lower, upper } = ends else { panic!("{ends:?}") };
    (estimate, lower, upper)
}

#[test]
fn the_ends_of_w1_are_those_of_the_judgement() {
    let grid = Grid::new();
    let process = Process::ar(0.5, 30, 60);
    let (g, c) = sides(&process, &process.shifted(0.2), &grid, 1);
    let comparison = compare(&g, &c, 1);
    let (estimate, lower, upper) = known(comparison.w1_ends(&|key| key as f64).unwrap());
    let judged = judged(&comparison, Effect::W1, 0.0);
    for (got, want) in [(estimate, judged.estimate), (lower, judged.lower), (upper, judged.upper)] {
        assert_eq!(got.to_bits(), want.to_bits());
    }
}

#[test]
fn ends_of_bins_hold_at_no_difference_and_at_some() {
    let grid = Grid::new();
    let count = 400;
    for (case, (phi, shift)) in
        [(0.0, 0.0), (0.9, 0.0), (0.0, shift_for(0.1)), (0.9, shift_for(0.15))].into_iter().enumerate()
    {
        let process = Process::ar(phi, 30, 60);
        let at_edges = grid.truth(shift);
        let mut truth = 0.0;
        let mut before = 0.0;
        for edge in at_edges.iter().skip(WIDTH as usize - 1).step_by(WIDTH as usize).chain([&0.0]) {
            truth += 0.5 * f64::abs(edge - before);
            before = *edge;
        }
        let found = runs(900 + case as u64, count, 1, |run| {
            let (g, c) = sides(&process, &process.shifted(shift), &grid, run);
            known(compare(&g, &c, run).bin_ends(&|key| (key / WIDTH) as u64))
        });
        assert!(found.iter().all(|(estimate, lower, upper)| lower <= estimate && estimate <= upper));
        let low = share(found.iter().map(|(_, lower, _)| *lower > truth + 1e-12));
        let high = share(found.iter().map(|(_, _, upper)| *upper < truth));
        println!("phi {phi} truth {truth:.3}: lower beyond it {low:.3}, upper short of it {high:.3}");
        assert!(low <= bound(0.05, count) && high <= bound(0.05, count), "phi {phi} truth {truth}: {low} {high}");
    }
}

#[test]
fn swapped_sides_have_one_estimate_and_too_few_windows_are_told() {
    let grid = Grid::new();
    let (g, c) = sides(&Process::ar(0.0, 12, 30), &Process::ar(0.5, 14, 30), &grid, 3);
    let [there, back] = [compare(&g, &c, 3), compare(&c, &g, 3)].map(|both| known(both.bin_ends(&|key| key as u64)).0);
    assert!((there - back).abs() < 1e-12, "{there} {back}");
    let few = compare(&g[..9].to_vec(), &c, 3);
    let want = Ends::TooFewWindows { golden_needed: WINDOWS_MIN - 9, candidate_needed: 0 };
    assert_eq!((few.bin_ends(&|key| key as u64), few.w1_ends(&|key| key as f64).unwrap()), (want, want));
}

#[test]
fn many_bins_are_grouped_for_the_lower_end_only() {
    // A thousand bins, each seen in some windows; the candidate has another thousand beside them.
    let wide = |first: i64| -> Cells {
        (0..20).map(|w| (0..1000).map(|k| (first + k, 1 + (k as u64 * 7 + w) % 3)).collect()).collect()
    };
    let (same, apart) = (compare(&wide(0), &wide(0), 1), compare(&wide(0), &wide(1000), 1));
    let (estimate, lower, upper) = known(same.bin_ends(&|key| key as u64));
    assert!(estimate == 0.0 && lower == 0.0 && upper > 0.0 && upper < 0.2, "{upper}");
    let (estimate, lower, upper) = known(apart.bin_ends(&|key| key as u64));
    assert!((estimate - 1.0).abs() < 1e-9 && lower > 0.9 && (upper - 1.0).abs() < 1e-9, "{estimate} {lower} {upper}");
}
