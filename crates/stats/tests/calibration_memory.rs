//! Long memory: the guard of claims about another day, and what strata say of it. `VERISMO_SLOW=1` runs the full counts.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod simulate;

use simulate::{Cells, Grid, Process, Rng, bound, ks, median, options, runs, share, sides, simulate};
use verismo_stats::judging::{Design, Options, compare_occurrence};

const THREADS: usize = 2;
const REPLICATES: u32 = 299;

fn is_slow() -> bool {
    std::env::var_os("VERISMO_SLOW").is_some_and(|value| value == "1")
}

fn fractional(d: f64, windows: usize, messages: usize) -> Process {
    Process { memory: d, ..Process::ar(0.0, windows, messages) }
}

/// Processes that a claim about another stretch is held to.
fn processes(windows: usize, messages: usize) -> Vec<(String, Process)> {
    let short = [0.0, 0.5, 0.9, 0.98].map(|phi| (format!("AR {phi}"), Process::ar(phi, windows, messages)));
    let long = [0.1, 0.2, 0.3, 0.4].map(|d| (format!("d = {d}"), fractional(d, windows, messages)));
    short.into_iter().chain(long).collect()
}

/// What one run of a claim about another stretch says.
struct Run {
    fails: bool,
    passes: bool,
    upper: f64,
    margin: f64,
}

fn population(golden: &Process, candidate: &Process, seed: u64, count: usize, options: &Options) -> Vec<Run> {
    let grid = Grid::new();
    runs(seed, count, THREADS, |run| {
        let (g, plan) = sides(golden, candidate, &grid, run);
        let options = Options { seed: simulate::options(run, REPLICATES).seed, ..options.clone() };
        let judge = |c: &Cells, margin| ks(&g, c, Design::Independent, 0, &options, margin);
        let first = judge(&plan, 0.0);
        let margin = 2.0 * first.resolution.resolvable_margin;
        let faithful = simulate(candidate, &grid, &mut Rng::new(run + 500_000_000));
        let passes = judge(&faithful, margin).is_inside(margin);
        Run { fails: first.lower > 0.0 && first.p_fail <= 0.05, passes, upper: first.upper, margin: 0.5 * margin }
    })
}

/// (false FAIL at margin 0, PASS at twice the resolvable margin).
fn rates(name: &str, found: &[Run]) -> (f64, f64) {
    let fails = share(found.iter().map(|run| run.fails));
    let passes = share(found.iter().map(|run| run.passes));
    let upper = median(found.iter().map(|run| run.upper).collect());
    let margin = median(found.iter().map(|run| run.margin).collect());
    println!(
        "{name}: FAIL {fails:.3}, PASS at twice the resolvable margin {passes:.3}, U {upper:.3}, resolvable {margin:.3}"
    );
    (fails, passes)
}

#[test]
fn claims_about_another_stretch_hold_under_memory() {
    let plan: &[(usize, usize)] =
        if is_slow() { &[(30, 400), (60, 400), (200, 400), (1_000, 100)] } else { &[(60, 60)] };
    let mut failures = Vec::new();
    for (i, (windows, count)) in plan.iter().enumerate() {
        for (j, (name, process)) in processes(*windows, 100).into_iter().enumerate() {
            let seed = 21_000 + (10 * i + j) as u64;
            let found = population(&process, &process, seed, *count, &options(0, REPLICATES));
            let (fails, passes) = rates(&format!("{windows} windows, {name}"), &found);
            // The nominal rates and three standard errors.
            if fails > bound(0.05, *count) || 1.0 - passes > bound(0.05, *count) {
                failures.push(format!("{windows} windows, {name}: FAIL {fails} PASS {passes}"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Equal laws, but one side remembers and the other does not.
#[test]
fn a_side_that_remembers_more_is_not_taken_for_a_difference() {
    if !is_slow() {
        return;
    }
    let mut failures = Vec::new();
    for (i, windows) in [60, 200].into_iter().enumerate() {
        for (j, d) in [0.2, 0.3, 0.4].into_iter().enumerate() {
            let (short, long) = (Process::ar(0.0, windows, 100), fractional(d, windows, 100));
            let found = population(&short, &long, 22_000 + (10 * i + j) as u64, 400, &options(0, REPLICATES));
            let (fails, _) = rates(&format!("{windows} windows, golden independent, candidate d = {d}"), &found);
            if fails > bound(0.15, 400) {
                failures.push((windows, d, fails));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

/// A course of the day that both sides share: what is told from the faster cosines resolves more, and is as right.
#[test]
fn a_shared_course_of_the_day_is_no_noise() {
    let count = if is_slow() { 400 } else { 40 };
    let windows = 300;
    let mut failures = Vec::new();
    let cases = [("AR .9", Process::ar(0.9, windows, 50)), ("d = .2", fractional(0.2, windows, 50))];
    for (i, (name, process)) in cases.into_iter().enumerate() {
        let process = Process { sine: 0.5, ..process };
        let with = |slow_cosines| Options { slow_cosines, ..options(0, REPLICATES) };
        let all = population(&process, &process, 23_000 + i as u64, count, &with(0));
        let fast = population(&process, &process, 23_000 + i as u64, count, &with(8));
        rates(&format!("{name} and a sine, all cosines"), &all);
        let (fails, passes) = rates(&format!("{name} and a sine, the slowest 8 left out"), &fast);
        let upper = |found: &[Run]| median(found.iter().map(|run| run.upper).collect());
        if fails > bound(0.05, count) || 1.0 - passes > bound(0.05, count) || upper(&fast) > upper(&all) {
            failures.push(format!("{name}: FAIL {fails} PASS {passes}"));
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

/// Strata claim something about these stretches, and their intervals are about them. A FAIL says that one process made both, and
/// is held to memory beyond the strata.
#[test]
fn a_fail_of_strata_allows_for_memory() {
    let grid = Grid::new();
    let plan: &[(usize, usize, usize)] =
        if is_slow() { &[(13, 30, 400), (1, 180, 400), (13, 180, 100)] } else { &[(13, 30, 40)] };
    let mut failures = Vec::new();
    for (i, (strata, windows, count)) in plan.iter().enumerate() {
        for (j, (name, process)) in processes(strata * windows, 20).into_iter().enumerate() {
            let found = runs(24_000 + (10 * i + j) as u64, *count, THREADS, |run| {
                let (g, c) = sides(&process, &process, &grid, run);
                let guarded = options(run, REPLICATES);
                let bare = Options { memory_guard: false, ..guarded.clone() };
                let judge = |options: &Options| ks(&g, &c, Design::Strata, *windows, options, 0.0);
                let (judged, bare) = (judge(&guarded), judge(&bare));
                assert_eq!((judged.lower, judged.upper), (bare.lower, bare.upper), "intervals stay");
                (bare.lower > 0.0 && bare.p_fail <= 0.05, judged.lower > 0.0 && judged.p_fail <= 0.05)
            });
            let [bare, fails] = [0, 1].map(|k| share(found.iter().map(|f| [f.0, f.1][k])));
            println!("{strata} strata of {windows}, {name}: FAIL {bare:.3} without a guard, {fails:.3} with it");
            // .05 for .1, at d = .4 .1, and three standard errors.
            if fails > bound(if process.memory > 0.15 { 0.08 } else { 0.05 }, *count) {
                failures.push(format!("{strata} strata of {windows}, {name}: {fails}"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// The share of windows in which a rare event is seen, its windows in bursts.
#[test]
fn rare_events_seldom_differ_by_chance() {
    let count = if is_slow() { 2_000 } else { 300 };
    for (i, phi) in [0.0_f64, 0.5, 0.9].into_iter().enumerate() {
        let seen = |rng: &mut Rng, most: f64| -> Vec<bool> {
            let innovation = (1.0 - phi * phi).sqrt();
            let mut x = rng.normal();
            let step = |_| {
                x = phi * x + innovation * rng.normal();
                x > most
            };
            (0..200).map(step).collect()
        };
        let found = runs(25_000 + i as u64, count, THREADS, |run| {
            let mut rng = Rng::new(run);
            // Seen in .023 of the windows, or in .5.
            let (golden, equal, other) = (seen(&mut rng, 2.0), seen(&mut rng, 2.0), seen(&mut rng, 0.0));
            let judge = |c: &[bool], margin| compare_occurrence(&golden, c, margin, 0.05).unwrap();
            (judge(&equal, 0.0).lower > 0.0, judge(&other, 0.05).is_outside(0.05))
        });
        let [false_fail, fails] = [0, 1].map(|k| share(found.iter().map(|f| [f.0, f.1][k])));
        println!(
            "rare events, AR {phi}: FAIL {false_fail:.3} at margin 0 if equal, {fails:.3} at .05 if seen in half of all windows"
        );
        let least = if phi < 0.9 { 0.95 } else { 0.6 };
        assert!(false_fail <= bound(0.05, count) && fails >= least, "AR {phi}: {false_fail} {fails}");
    }
}
