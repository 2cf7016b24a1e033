//! Slow tier of the calibration, with full run counts: `VERISMO_SLOW=1 cargo test --release --test calibration_slow -- --nocapture
//! --test-threads 1`. Bounds are the nominal rate plus about three standard errors of 1,000 runs, or as stated.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod simulate;

use simulate::{Cells, Grid, Process, judged, ks, median, options, runs, share, shift_for, sides, simulate, windows};
use verismo_stats::judging::{Comparison, Design, Effect, Options, Outcome, holm};
use verismo_stats::special::normal_cdf;

const THREADS: usize = 2;
const REPLICATES: u32 = 299;

fn skipped() -> bool {
    let skip = std::env::var_os("VERISMO_SLOW").is_none_or(|value| value != "1");
    if skip {
        println!("skipped: set VERISMO_SLOW=1");
    }
    skip
}

fn low_rate(process: Process, design: Design, per_stratum: usize, seed: u64, count: usize, guard: bool) -> f64 {
    let grid = Grid::new();
    share(runs(seed, count, THREADS, |run| {
        let (g, c) = sides(&process, &process, &grid, run);
        let options = Options { memory_guard: guard, ..options(run, REPLICATES) };
        ks(&g, &c, design, per_stratum, &options, 0.0).lower > 0.0
    }))
}

#[test]
fn item_2_false_fail_under_autocorrelation() {
    if skipped() {
        return;
    }
    let mut failures = Vec::new();
    for (i, phi) in [0.0, 0.5, 0.9, 0.98].into_iter().enumerate() {
        for (j, w) in [12, 30, 60, 200].into_iter().enumerate() {
            let process = Process::ar(phi, w, 200);
            let rate = low_rate(process, Design::Independent, 0, 1_000 + (10 * i + j) as u64, 1_000, true);
            println!("H0 phi {phi} W {w}: L > 0 {rate:.3}");
            if rate > 0.07 || (w == 200 && i == 0 && rate < 0.01) {
                failures.push((phi, w, rate));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn item_3_shifts_are_covered() {
    if skipped() {
        return;
    }
    let grid = Grid::new();
    let mut failures = Vec::new();
    for (i, phi) in [0.0, 0.9].into_iter().enumerate() {
        for (j, d) in [0.05, 0.15].into_iter().enumerate() {
            for (k, w) in [30, 60, 200].into_iter().enumerate() {
                let process = Process::ar(phi, w, 200);
                let shift = shift_for(d);
                let truth = grid.truth(shift).iter().fold(0.0_f64, |most, v| most.max(v.abs()));
                let found = runs(2_000 + (100 * i + 10 * j + k) as u64, 1_000, THREADS, |run| {
                    let (g, c) = sides(&process, &process.shifted(shift), &grid, run);
                    let judged = ks(&g, &c, Design::Independent, 0, &options(run, REPLICATES), 0.05);
                    (judged.lower > truth, judged.upper < truth)
                });
                let low = share(found.iter().map(|found| found.0));
                let high = share(found.iter().map(|found| found.1));
                println!("D {d} phi {phi} W {w}: L > D {low:.3}, U < D {high:.3}");
                if low > 0.07 || high > 0.07 {
                    failures.push((phi, d, w, low, high));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn item_4_long_memory() {
    if skipped() {
        return;
    }
    let process = Process { memory: 0.3, ..Process::ar(0.0, 60, 50) };
    let guarded = low_rate(process, Design::Independent, 0, 3_000, 1_000, true);
    let bare = low_rate(process, Design::Independent, 0, 3_000, 1_000, false);
    println!("d .3 W 60: guard {guarded:.3}, no guard {bare:.3}");
    assert!(guarded <= 0.15 && bare > 0.20, "guard {guarded}, no guard {bare}");
}

#[test]
fn item_5_unequal_and_informative_sizes() {
    if skipped() {
        return;
    }
    let mut failures = Vec::new();
    for (i, w) in [30, 60, 200].into_iter().enumerate() {
        for (j, informative) in [0.0, 0.3].into_iter().enumerate() {
            let process = Process { size_sigma: 0.8, informative, ..Process::ar(0.9, w, 200) };
            let rate = low_rate(process, Design::Independent, 0, 4_000 + (10 * i + j) as u64, 1_000, true);
            println!("log-normal sizes, informative {informative}, W {w}: {rate:.3}");
            if rate > 0.07 {
                failures.push((w, informative, rate));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn item_6_short_and_slow() {
    if skipped() {
        return;
    }
    let grid = Grid::new();
    let process = Process::ar(0.995, 12, 50);
    let passes = share(runs(5_000, 500, THREADS, |run| {
        let (g, c) = sides(&process, &process, &grid, run);
        ks(&g, &c, Design::Independent, 0, &options(run, REPLICATES), 0.05).is_inside(0.05)
    }));
    let upper = |windows, seed| {
        let process = Process::ar(0.9, windows, 200);
        median(runs(seed, 1_000, THREADS, |run| {
            let (g, c) = sides(&process, &process, &grid, run);
            ks(&g, &c, Design::Independent, 0, &options(run, REPLICATES), 0.05).upper
        }))
    };
    let ratio = upper(240, 5_002) / upper(60, 5_001);
    println!("phi .995 W 12: PASS {passes:.3}; U ratio {ratio:.3}");
    // Short series tell less of their memory, so that more windows help by more than their root.
    assert!(passes <= 0.0 && (0.38..=0.60).contains(&ratio), "{passes} {ratio}");
}

#[test]
fn strata_hold_their_rate() {
    if skipped() {
        return;
    }
    let base = Process::ar(0.0, 13 * 30, 20);
    let cases = [
        ("phi 0", base),
        ("phi .5", Process { phi: 0.5, ..base }),
        ("phi .9", Process { phi: 0.9, ..base }),
        ("phi .98", Process { phi: 0.98, ..base }),
        ("phi .9 unequal", Process { phi: 0.9, size_sigma: 0.8, ..base }),
        ("phi .9 sine", Process { phi: 0.9, sine: 0.5, ..base }),
        ("phi .98 unequal sine", Process { phi: 0.98, size_sigma: 0.8, sine: 0.5, ..base }),
    ];
    let mut failures = Vec::new();
    for (i, (name, process)) in cases.into_iter().enumerate() {
        let rate = low_rate(process, Design::Strata, 30, 6_000 + i as u64, 1_000, true);
        println!("strata {name}: {rate:.3}");
        if rate > 0.07 {
            failures.push((name, rate));
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn many_strata_hold_their_rate_and_lose_nothing() {
    if skipped() {
        return;
    }
    let base = Process::ar(0.0, 130 * 30, 10);
    let cases = [
        ("phi 0", base),
        ("phi .9", Process { phi: 0.9, ..base }),
        ("phi .98", Process { phi: 0.98, ..base }),
        ("phi .9 unequal", Process { phi: 0.9, size_sigma: 0.8, ..base }),
    ];
    let mut failures = Vec::new();
    for (i, (name, process)) in cases.into_iter().enumerate() {
        let rate = low_rate(process, Design::Strata, 30, 6_100 + i as u64, 1_000, true);
        println!("130 strata {name}: {rate:.3}");
        if rate > 0.07 {
            failures.push((name, rate));
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

/// The upper edge of each cell in standard deviations; the open last cell is given 3.
fn value_of(grid: &Grid, key: i64) -> f64 {
    grid.edges.get(key as usize).copied().unwrap_or(3.0)
}

/// True effects of a shift on the lattice, in the order of [`EFFECTS`].
fn true_effects(grid: &Grid, shift: f64) -> [f64; 7] {
    let delta = grid.truth(shift);
    let values: Vec<f64> = (0..=delta.len()).map(|key| value_of(grid, key as i64)).collect();
    let gaps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let largest = delta.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    let w1 = delta.iter().zip(&gaps).map(|(d, gap)| d.abs() * gap).sum();
    let mean = -delta.iter().zip(&gaps).map(|(d, gap)| d * gap).sum::<f64>();
    let golden: Vec<f64> = grid.edges.iter().map(|e| normal_cdf(*e)).collect();
    let cvm = (delta.iter().map(|d| d * d).sum::<f64>() / (golden.len() + 1) as f64).sqrt();
    let pooled: Vec<f64> = golden.iter().zip(&delta).map(|(g, d)| g + 0.5 * d).collect();
    let mut previous = 0.0;
    let mut ad = 0.0;
    for (h, d) in pooled.iter().zip(&delta) {
        if *h > 0.01 && *h < 0.99 {
            ad += d * d * (h - previous) / (h * (1.0 - h));
        }
        previous = *h;
    }
    let at = |shift: f64| values[grid.edges.partition_point(|e| normal_cdf(e - shift) < QUANTILE)];
    [largest, largest, w1, cvm, ad.sqrt(), mean, at(shift) - at(0.0)]
}

/// Not a multiple of 1/64: there the quantile of the lattice would be a tie.
const QUANTILE: f64 = 0.603;

/// Effect, and the largest share of truth below L and above U: the measured rates plus .03. The quantile's rate counts both ends.
const EFFECTS: [(Effect, f64, f64); 7] = [
    (Effect::Ks, 0.073, 0.058),
    (Effect::Kuiper, 0.063, 0.040),
    (Effect::W1, 0.067, 0.045),
    (Effect::Cvm, 0.073, 0.060),
    (Effect::Ad, 0.070, 0.060),
    (Effect::Mean, 0.073, 0.073),
    (Effect::Quantile { p: QUANTILE }, 0.062, 0.062),
];

#[test]
fn item_7_other_effects() {
    if skipped() {
        return;
    }
    let grid = Grid::new();
    let count = 400;
    let mut failures = Vec::new();
    let mut worst = [(0.0_f64, 0.0_f64); 7];
    for (i, w) in [30, 120].into_iter().enumerate() {
        let processes = [Process::ar(0.9, w, 100), Process { size_sigma: 0.8, ..Process::ar(0.98, w, 100) }];
        for (j, process) in processes.into_iter().enumerate() {
            for (k, d) in [0.0, 0.05, 0.15].into_iter().enumerate() {
                let shift = shift_for(d);
                let truth = true_effects(&grid, shift);
                let found = runs(7_000 + (100 * i + 10 * j + k) as u64, count, THREADS, |run| {
                    let (g, c) = sides(&process, &process.shifted(shift), &grid, run);
                    let comparison = Comparison::new(
                        &windows(&g, 0),
                        &windows(&c, 0),
                        Design::Independent,
                        &options(run, REPLICATES),
                    )
                    .unwrap();
                    let mut ends = [(false, false); 7];
                    for ((end, (effect, ..)), truth) in ends.iter_mut().zip(EFFECTS).zip(truth) {
                        let outcome = comparison.judge(effect, 0.05, &|key| value_of(&grid, key)).unwrap();
                        let Outcome::Judged(judged) = outcome else { panic!("{outcome:?}") };
                        *end = (judged.lower > truth + 1e-12, judged.upper < truth - 1e-12);
                    }
                    ends
                });
                for (e, (effect, most_low, most_high)) in EFFECTS.into_iter().enumerate() {
                    let low = share(found.iter().map(|ends| ends[e].0));
                    let high = share(found.iter().map(|ends| ends[e].1));
                    worst[e] = (worst[e].0.max(low), worst[e].1.max(high));
                    if low > most_low || high > most_high {
                        failures.push(format!("{effect:?} W {w} process {j} D {d}: {low:.3} {high:.3}"));
                    }
                }
            }
        }
    }
    for ((effect, ..), (low, high)) in EFFECTS.iter().zip(worst) {
        println!("{effect:?}: worst of 12 cells, truth below L {low:.3}, truth above U {high:.3}");
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

fn heterogeneity(golden: &Cells, run: u64, design: Design, per_stratum: usize) -> f64 {
    let side = windows(golden, per_stratum);
    let comparison = Comparison::new(&side, &side, design, &options(run, REPLICATES)).unwrap();
    comparison.heterogeneity(Effect::Ks, &|key| key as f64).unwrap().unwrap().h
}

#[test]
fn item_8_heterogeneity() {
    if skipped() {
        return;
    }
    let grid = Grid::new();
    let positive = |process: Process, seed, design, per_stratum| {
        share(runs(seed, 500, THREADS, |run| {
            heterogeneity(&simulate(&process, &grid, &mut simulate::Rng::new(run)), run, design, per_stratum) > 0.0
        }))
    };
    let mut failures = Vec::new();
    for (i, phi) in [0.0, 0.9, 0.98].into_iter().enumerate() {
        let rate = positive(Process::ar(phi, 60, 500), 8_000 + i as u64, Design::Independent, 0);
        println!("h > 0, phi {phi} W 60: {rate:.3}");
        if rate > 0.07 {
            failures.push(format!("phi {phi}: {rate}"));
        }
    }
    let sine = Process { sine: 0.5, ..Process::ar(0.9, 60, 500) };
    let rate = positive(sine, 8_010, Design::Independent, 0);
    println!("h > 0, phi .9 W 60, sine .5 sd: {rate:.3}");
    if rate < 0.6 {
        failures.push(format!("sine: {rate}"));
    }
    // Inside strata: six strata of 60 windows, nothing but the sine between them.
    for (i, phi) in [0.0, 0.9].into_iter().enumerate() {
        let process = Process { sine: 0.5, ..Process::ar(phi, 360, 50) };
        let rate = positive(process, 8_020 + i as u64, Design::Strata, 60);
        println!("h > 0 within strata, phi {phi}, sine .5 sd: {rate:.3}");
    }
    for (i, phi) in [0.0, 0.9].into_iter().enumerate() {
        let rate = positive(Process::ar(phi, 360, 50), 8_030 + i as u64, Design::Strata, 60);
        println!("h > 0 within strata, phi {phi}: {rate:.3}");
        if rate > 0.07 {
            failures.push(format!("strata phi {phi}: {rate}"));
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn item_9_resolution() {
    if skipped() {
        return;
    }
    let grid = Grid::new();
    let mut failures = Vec::new();
    for (i, phi) in [0.0, 0.9, 0.98].into_iter().enumerate() {
        for (j, w) in [30, 60].into_iter().enumerate() {
            let process = Process::ar(phi, w, 200);
            let seed = 9_000 + (10 * i + j) as u64;
            // The numbers are about this golden: it is judged against a fresh candidate at its own resolution.
            let found = runs(seed, 400, THREADS, |run| {
                let (golden, plan) = sides(&process, &process, &grid, run);
                let judge = |candidate: &Cells, margin| {
                    ks(&golden, candidate, Design::Independent, 0, &options(run, REPLICATES), margin)
                };
                let plan = judge(&plan, 0.05).resolution;
                let mut rng = simulate::Rng::new(run + 500_000_000);
                let faithful = simulate(&process, &grid, &mut rng);
                let pass = judge(&faithful, plan.resolvable_margin).is_inside(plan.resolvable_margin);
                let shifted = process.shifted(shift_for(plan.detectable.min(0.99)));
                let fail = judge(&simulate(&shifted, &grid, &mut rng), 0.05).is_outside(0.05);
                (plan, pass, fail)
            });
            let detectable = median(found.iter().map(|(plan, ..)| plan.detectable).collect());
            let margin = median(found.iter().map(|(plan, ..)| plan.resolvable_margin).collect());
            let pass = share(found.iter().map(|(_, pass, _)| *pass));
            let fail = share(found.iter().map(|(.., fail)| *fail));
            println!("phi {phi} W {w}: margin {margin:.3} PASS {pass:.2}; detectable {detectable:.3} FAIL {fail:.2}");
            if !(0.55..=0.95).contains(&pass) || !(0.55..=0.95).contains(&fail) {
                failures.push(format!("phi {phi} W {w}: PASS {pass} FAIL {fail}"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn item_9_many_findings() {
    if skipped() {
        return;
    }
    let grid = Grid::new();
    let process = Process::ar(0.9, 60, 50);
    let outcomes = runs(9_500, 200, THREADS, |run| {
        let findings: Vec<(bool, f64)> = (0..50)
            .map(|finding| {
                let (g, c) = sides(&process, &process, &grid, run * 64 + finding);
                let comparison = Comparison::new(
                    &windows(&g, 0),
                    &windows(&c, 0),
                    Design::Independent,
                    &options(run * 64 + finding, 1_999),
                )
                .unwrap();
                let judged = judged(&comparison, Effect::Ks, 0.0);
                (judged.lower > 0.0, judged.p_fail)
            })
            .collect();
        let raw = findings.iter().any(|(outside, _)| *outside);
        let adjusted = holm(&findings.iter().map(|(_, p)| *p).collect::<Vec<_>>());
        (raw, adjusted.iter().zip(&findings).any(|(p, (outside, _))| *outside && *p <= 0.05))
    });
    let raw = share(outcomes.iter().map(|outcome| outcome.0));
    let adjusted = share(outcomes.iter().map(|outcome| outcome.1));
    println!("50 findings under H0: any FAIL raw {raw:.3}, Holm {adjusted:.3}");
    // The noise allows for memory that is not there, so a single finding is on the safe side; fifty of them still are not.
    assert!(raw > 0.10 && adjusted <= 0.09, "raw {raw}, Holm {adjusted}");
}
