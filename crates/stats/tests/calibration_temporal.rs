//! Calibration of statistics in order of time: how often an interval misses the truth where two sides follow one law, and whether a
//! difference is found.
//!
//! The quick tier runs always; the full run counts by `VERISMO_SLOW=full cargo test --release --test calibration_temporal -- --nocapture
//! --test-threads 1`; `VERISMO_ONLY="up curve,spectral radius"` counts some alone. Bounds are the nominal rate plus some standard errors, or as stated.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod simulate;

use simulate::{Rng, bound, options, runs, share};
use verismo_stats::judging::{Design, JudgingError, Outcome, PanelStatistic, PanelWindow, compare_panels};
use verismo_stats::panel::{Panel, PanelRows, UNDEFINED};
use verismo_stats::temporal::{
    Autocorrelations, Garch, GarchNumber, Hawkes, HawkesNumber, JumpShare, MutualHawkes, MutualHawkesNumber,
    RealisedVariance, Regression, RegressionNumber, Series, SignChanges, Spacing, TwoScales, TwoScalesNumber, UpCurve,
    branching_ratio_of_dispersion, fit_hawkes, fit_mutual_hawkes,
};

const SECOND: i64 = 1_000_000_000;
const UNIT: f64 = 1e-9;
const GRID: Spacing = Spacing::Time(SECOND);

/// How a side comes about.
#[derive(Clone, Copy, Debug)]
enum Law {
    /// A log price with GARCH(1,1) returns of variance 1 (alpha, beta), and noise of this standard deviation on each price.
    Price(f64, f64, f64),
    /// A log price that jumps by this once in 200 steps, and moves by a normal step of variance 1 else.
    Jumps(f64),
    /// Events of a self-exciting process: branching ratio, decay per second; one a second on the mean.
    Events(f64, f64),
    /// Events of two kinds: what one excites of its own and of the other kind, decay per second; two a second on the mean.
    Sides(f64, f64, f64),
    /// A mid price with steps of variance 1, and an AR(.5) of variance 1 that moves it by so much (with it, one step after).
    Flow(f64),
    /// Signs that repeat with this probability.
    Signs(f64),
}

/// Windows of `rows` rows (or seconds). `pull` is what a side shares with another: the same for both sides of a pair.
fn simulate(law: Law, windows: usize, rows: usize, rng: &mut Rng, shared: &[f64]) -> Vec<Panel> {
    if let Law::Events(ratio, decay) = law {
        return events([ratio, 0.0], decay, windows, rows, rng);
    }
    if let Law::Sides(own, other, decay) = law {
        return events([own, other], decay, windows, rows, rng);
    }
    let n = windows * rows;
    let mut normal = |i: usize| match shared.get(i) {
        Some(z) => 0.8 * z + 0.6 * rng.normal(),
        None => rng.normal(),
    };
    let (mut h, mut last, mut price, mut x) = (1.0, 0.0_f64, 0.0, normal(0));
    let mut values = Vec::with_capacity(n);
    for i in 0..n {
        let z = normal(i);
        values.push(match law {
            Law::Price(alpha, beta, noise) => {
                h = (1.0 - alpha - beta) + alpha * last * last + beta * h;
                last = libm::sqrt(h) * z;
                price += last;
                [price + noise * if noise > 0.0 { rng_of(&mut normal, n + i) } else { 0.0 }, 0.0]
            }
            Law::Jumps(size) => {
                let jump = rng_of(&mut normal, n + i);
                price += z + if jump > 2.575_829_3 { size } else { 0.0 };
                [price, 0.0]
            }
            Law::Flow(weight) => {
                let before = x;
                x = 0.5 * x + libm::sqrt(0.75) * rng_of(&mut normal, n + i);
                price += z + weight * x + 0.5 * weight * before;
                [price, x]
            }
            Law::Signs(repeat) => {
                let stays = verismo_stats::special::normal_cdf(z) < repeat;
                last = if last.abs() < 0.5 {
                    1.0
                } else if stays {
                    last
                } else {
                    -last
                };
                [last, 0.0]
            }
            Law::Events(..) | Law::Sides(..) => [0.0, 0.0],
        });
    }
    let panel = |w: usize| {
        let mut out = PanelRows::new(2);
        for (i, row) in values.iter().enumerate().skip(w * rows).take(rows) {
            out.push(i as i64 * SECOND, &row.map(|v| libm::round(v / UNIT) as i64));
        }
        Panel::pack(out)
    };
    (0..windows).map(panel).collect()
}

fn rng_of(normal: &mut impl FnMut(usize) -> f64, i: usize) -> f64 {
    normal(i)
}

/// By clusters: immigrants of each kind, one event a second on the mean, and a Poisson number of children of each event, of its own kind
/// and of the other, after exponential times. Of one kind only, if none excites the other.
fn events([own, other]: [f64; 2], decay: f64, windows: usize, seconds: usize, rng: &mut Rng) -> Vec<Panel> {
    let mut uniform = || ((rng.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
    let end = (windows * seconds) as f64;
    let mut times: Vec<(f64, bool)> = Vec::new();
    for kind in [true, false].into_iter().take(if other > 0.0 { 2 } else { 1 }) {
        let mut at = -100.0 / decay;
        while at < end {
            at -= libm::log(uniform()) / (1.0 - own - other);
            times.push((at, kind));
        }
    }
    let mut next = 0;
    while next < times.len() {
        let (at, kind) = times[next];
        for (ratio, kind) in [(own, kind), (other, !kind)] {
            // Children come while the product of uniforms stays above exp(-ratio).
            let mut left = if ratio > 0.0 { uniform() } else { 0.0 };
            while left > libm::exp(-ratio) {
                times.push((at - libm::log(uniform()) / decay, kind));
                left *= uniform();
            }
        }
        next += 1;
    }
    let mut panels = vec![PanelRows::new(2); windows];
    for (t, kind) in times.into_iter().filter(|(t, _)| *t >= 0.0 && *t < end) {
        let row = if kind { [0, UNDEFINED] } else { [UNDEFINED, 0] };
        panels[(t / seconds as f64) as usize].push((t * 1e9) as i64, &row);
    }
    panels.into_iter().map(Panel::pack).collect()
}

/// A statistic with its name.
struct Judge {
    name: &'static str,
    statistic: Box<dyn PanelStatistic>,
}

fn judge(name: &'static str, statistic: impl PanelStatistic + 'static) -> Judge {
    Judge { name, statistic: Box::new(statistic) }
}

/// What is asked of a law; of `VERISMO_ONLY` alone, if it is set.
fn statistics(law: Law) -> Vec<Judge> {
    let only = std::env::var("VERISMO_ONLY").unwrap_or_default();
    let mut all = every_statistic(law);
    all.retain(|judge| only.is_empty() || only.split(',').any(|wanted| wanted == judge.name));
    all
}

fn every_statistic(law: Law) -> Vec<Judge> {
    match law {
        Law::Price(..) | Law::Jumps(_) => vec![
            judge("signature", RealisedVariance::new(0, GRID, vec![1, 2, 5, 20])),
            judge("ln variance", TwoScales::new(0, GRID, 10, TwoScalesNumber::LnVariance)),
            judge("ln noise", TwoScales::new(0, GRID, 10, TwoScalesNumber::LnNoise)),
            judge("ln noise to signal", TwoScales::new(0, GRID, 10, TwoScalesNumber::LnNoiseToSignal)),
            judge("jump share", JumpShare::new(0, GRID, 1)),
            judge("|r| acf", Autocorrelations::new(0, Series::AbsDifference, GRID, vec![1, 2, 5, 10])),
            judge("garch ln half-life", Garch::new(0, SECOND, GarchNumber::LnHalfLife)),
            judge("garch alpha", Garch::new(0, SECOND, GarchNumber::Alpha)),
        ],
        Law::Events(..) => vec![
            judge("hawkes ratio", Hawkes::new(600 * SECOND, HawkesNumber::BranchingRatio)),
            judge("hawkes ln decay", Hawkes::new(600 * SECOND, HawkesNumber::LnDecay)),
            judge("hawkes ln base", Hawkes::new(600 * SECOND, HawkesNumber::LnBaseRate)),
        ],
        Law::Sides(..) => vec![
            judge("branching matrix", MutualHawkes::new([0, 1], 600 * SECOND, MutualHawkesNumber::Branching)),
            judge("spectral radius", MutualHawkes::new([0, 1], 600 * SECOND, MutualHawkesNumber::SpectralRadius)),
        ],
        Law::Flow(_) => vec![
            judge("impact slope", Regression::new(0, 1, GRID, 0, RegressionNumber::Slope)),
            judge("impact relative", Regression::new(0, 1, GRID, 0, RegressionNumber::RelativeSlope)),
            judge("impact r", Regression::new(0, 1, GRID, 0, RegressionNumber::Correlation)),
            judge("impact R2", Regression::new(0, 1, GRID, 0, RegressionNumber::RSquared)),
            judge("ahead slope", Regression::new(0, 1, GRID, 3, RegressionNumber::Slope)),
            judge("ahead R2", Regression::new(0, 1, GRID, 3, RegressionNumber::RSquared)),
            judge("up curve", UpCurve::new(0, 1, GRID, 1, UpCurve::BINS)),
            judge("flow acf", Autocorrelations::new(1, Series::Level, GRID, vec![1, 2, 5])),
        ],
        Law::Signs(_) => vec![
            judge("sign changes", SignChanges::new(0, Series::Level, GRID)),
            judge("sign acf", Autocorrelations::new(0, Series::Sign, GRID, vec![1, 2, 5])),
        ],
    }
}

#[derive(Clone, Copy, Default)]
struct End {
    refused: bool,
    above: bool,
    below: bool,
    zero_excluded: bool,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    golden: Law,
    candidate: Law,
    windows: usize,
    rows: usize,
    design: Design,
}

impl Case {
    /// The largest share of ends that lie wrong: the nominal rate plus four standard errors, as hundreds of ends are looked at. Volatility
    /// with a half-life of two windows makes windows depend on each other in a way that noise inside strata hardly sees: four
    /// hundredths more.
    fn limit(&self, count: usize) -> f64 {
        let slow =
            matches!(self.golden, Law::Price(alpha, beta, _) if alpha + beta > 0.98) && self.design == Design::Strata;
        let nominal: f64 = if slow { 0.09 } else { 0.05 };
        nominal + 4.0 * (nominal * (1.0 - nominal) / count as f64).sqrt()
    }
}

fn placed(panels: &[Panel], design: Design) -> Vec<PanelWindow<'_>> {
    let strata = matches!(design, Design::Strata);
    let stratum = |w: usize| if strata { (w * 4 / panels.len()) as u32 } else { 0 };
    let window = |(w, panel)| PanelWindow { id: w as i64, stratum: stratum(w), block: 0, panel };
    panels.iter().enumerate().map(window).collect()
}

/// One run: what became of each statistic, given its true effect (0 where none is given).
fn run(case: &Case, judges: &[Judge], seed: u64, truths: &[Option<f64>]) -> Vec<End> {
    let mut rng = Rng::new(seed);
    let shared: Vec<f64> = match case.design {
        Design::Paired => (0..2 * case.windows * case.rows).map(|_| rng.normal()).collect(),
        _ => Vec::new(),
    };
    let golden = simulate(case.golden, case.windows, case.rows, &mut rng, &shared);
    let candidate = simulate(case.candidate, case.windows, case.rows, &mut rng, &shared);
    let (golden, candidate) = (placed(&golden, case.design), placed(&candidate, case.design));
    let end = |(k, judge): (usize, &Judge)| {
        let options = options(seed, 199);
        let truth = truths.get(k).copied().flatten().unwrap_or(0.0);
        match compare_panels(&golden, &candidate, &[UNIT; 2], &*judge.statistic, (case.design, 0.0, &options)) {
            Ok(outcome) => match outcome.outcome {
                Outcome::Judged(j) => End {
                    refused: false,
                    above: j.lower > truth + 1e-12,
                    below: j.signed && j.upper < truth - 1e-12,
                    zero_excluded: j.lower > 0.0 || (j.signed && j.upper < 0.0),
                },
                Outcome::TooFewWindows { .. } => panic!("windows are enough"),
            },
            Err(JudgingError::Undefined { .. }) => End { refused: true, ..End::default() },
            Err(other) => panic!("{}: {other}", judge.name),
        }
    };
    judges.iter().enumerate().map(end).collect()
}

const PRICES: [Law; 4] =
    [Law::Price(0.1, 0.85, 0.3), Law::Price(0.15, 0.7, 0.0), Law::Price(0.05, 0.94, 0.5), Law::Jumps(6.0)];
const OTHERS: [Law; 8] = [
    Law::Events(0.6, 2.0),
    Law::Flow(0.5),
    Law::Signs(0.7),
    Law::Events(0.8, 0.5),
    Law::Flow(0.15),
    Law::Signs(0.5),
    Law::Sides(0.4, 0.2, 2.0),
    Law::Sides(0.6, 0.05, 1.0),
];

fn slow_cases(laws: &[Law]) -> Vec<Case> {
    let mut cases = Vec::new();
    for &law in laws {
        let case = |windows, rows, design| Case { golden: law, candidate: law, windows, rows, design };
        // GARCH needs a thousand returns.
        let few = if matches!(law, Law::Price(..)) { 20 } else { 10 };
        for (windows, rows) in [(60, few), (60, 60), (400, 10), (400, 30)] {
            cases.push(case(windows, rows, Design::Independent));
        }
        cases.push(case(120, 30, Design::Paired));
        cases.push(case(120, 30, Design::Strata));
    }
    cases
}

fn check(cases: &[Case], seed: u64, count: usize, threads: usize) {
    let mut failures = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let judges = statistics(case.golden);
        if judges.is_empty() {
            continue;
        }
        let found = runs(seed + i as u64, count, threads, |seed| run(case, &judges, seed, &[]));
        println!("{:?} W {}x{} {:?}:", case.golden, case.windows, case.rows, case.design);
        for (k, judge) in judges.iter().enumerate() {
            let judged: Vec<End> = found.iter().map(|ends| ends[k]).filter(|end| !end.refused).collect();
            let refused = 1.0 - judged.len() as f64 / count as f64;
            let (above, below) = (share(judged.iter().map(|e| e.above)), share(judged.iter().map(|e| e.below)));
            println!("  {}: above {above:.3}, below {below:.3}; refused {refused:.2}", judge.name);
            // What was refused misses nothing; shares of what was judged are printed.
            if above.max(below) * (1.0 - refused) > case.limit(count) {
                failures.push(format!("{}, {case:?}: {above:.3} {below:.3}", judge.name));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

fn is_slow() -> bool {
    let slow = std::env::var_os("VERISMO_SLOW").is_some_and(|value| value == "full");
    if !slow {
        println!("skipped: set VERISMO_SLOW=full");
    }
    slow
}

#[test]
fn quick_tier() {
    let case = |law| Case { golden: law, candidate: law, windows: 80, rows: 30, design: Design::Independent };
    check(&[PRICES[0], PRICES[1], OTHERS[0], OTHERS[1], OTHERS[2], OTHERS[6]].map(case), 60_000, 40, 1);
}

#[test]
fn slow_tier_of_prices() {
    if is_slow() {
        check(&slow_cases(&PRICES), 61_000, 400, 2);
    }
}

#[test]
fn slow_tier_of_others() {
    if is_slow() {
        check(&slow_cases(&OTHERS), 62_000, 400, 2);
    }
}

/// Differences that must be found, with the true one where it is known: intervals hold it.
type Planted = (Law, Law, &'static [(&'static str, Option<f64>)]);

const PLANTED: [Planted; 11] = [
    (
        Law::Price(0.05, 0.8, 0.2),
        Law::Price(0.05, 0.8, 0.8),
        &[("signature", None), ("ln noise", None), ("ln noise to signal", None)],
    ),
    (Law::Price(0.1, 0.86, 0.0), Law::Price(0.1, 0.6, 0.0), &[("garch ln half-life", Some(-2.167_60))]),
    (Law::Price(0.1, 0.8, 0.0), Law::Price(0.3, 0.6, 0.0), &[("garch alpha", Some(0.2)), ("|r| acf", None)]),
    (Law::Jumps(0.0), Law::Jumps(8.0), &[("jump share", None)]),
    (
        Law::Events(0.7, 2.0),
        Law::Events(0.4, 2.0),
        &[("hawkes ratio", Some(-0.3)), ("hawkes ln base", Some(std::f64::consts::LN_2))],
    ),
    (Law::Events(0.6, 2.0), Law::Events(0.6, 6.0), &[("hawkes ln decay", Some(1.098_612_288_668_11))]),
    (
        Law::Flow(0.5),
        Law::Flow(0.3),
        &[("impact slope", Some(-0.25)), ("impact relative", Some(-0.4)), ("impact r", None), ("impact R2", None)],
    ),
    (Law::Signs(0.7), Law::Signs(0.6), &[("sign changes", Some(0.2)), ("sign acf", None)]),
    (
        Law::Sides(0.5, 0.2, 2.0),
        Law::Sides(0.3, 0.2, 2.0),
        &[("branching matrix", Some(0.2)), ("spectral radius", Some(-0.2))],
    ),
    (Law::Sides(0.3, 0.4, 2.0), Law::Sides(0.6, 0.1, 2.0), &[("branching matrix", Some(0.3))]),
    (Law::Flow(0.5), Law::Flow(0.15), &[("up curve", None)]),
];

fn check_planted(count: usize, threads: usize) {
    let mut failures = Vec::new();
    for (i, (golden, candidate, wanted)) in PLANTED.iter().enumerate() {
        let case = Case { golden: *golden, candidate: *candidate, windows: 150, rows: 30, design: Design::Independent };
        let judges = statistics(*golden);
        let truths: Vec<Option<f64>> = judges
            .iter()
            .map(|judge| wanted.iter().find(|(name, _)| *name == judge.name).and_then(|(_, truth)| *truth))
            .collect();
        if judges.is_empty() {
            continue;
        }
        let found = runs(63_000 + i as u64, count, threads, |seed| run(&case, &judges, seed, &truths));
        println!("{golden:?} against {candidate:?}:");
        for (name, truth) in *wanted {
            let Some(k) = judges.iter().position(|judge| judge.name == *name) else { continue };
            let judged: Vec<End> = found.iter().map(|ends| ends[k]).filter(|end| !end.refused).collect();
            let seen = judged.iter().filter(|end| end.zero_excluded).count() as f64 / count as f64;
            let (above, below) = (share(judged.iter().map(|e| e.above)), share(judged.iter().map(|e| e.below)));
            println!("  {name}: found {seen:.3}; above the truth {above:.3}, below {below:.3}");
            if seen < 0.8 || (truth.is_some() && above.max(below) > bound(0.05, judged.len().max(1))) {
                failures.push(format!("{name}, {golden:?} {candidate:?}: {seen:.3} {above:.3} {below:.3}"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn planted_differences_are_found() {
    check_planted(30, 1);
}

/// A simulated process is found again, by its likelihood and by the dispersion of its counts, and its residuals are exponential.
#[test]
fn a_simulated_process_is_found_again() {
    for (seed, ratio, decay) in [(1, 0.5, 2.0), (2, 0.8, 1.0), (3, 0.3, 10.0)] {
        let mut rng = Rng::new(64_000 + seed);
        let panels = events([ratio, 0.0], decay, 400, 100, &mut rng);
        let counts: Vec<u64> = panels.iter().map(|panel| panel.rows().len() as u64).collect();
        let times: Vec<i64> = panels.iter().flat_map(|panel| panel.rows().t_ns).collect();
        let fit = fit_hawkes(&times, 600 * SECOND).unwrap();
        println!("{ratio} {decay}: {fit:?}");
        // About four standard errors of 40,000 events.
        assert!((fit.branching_ratio - ratio).abs() < 0.04, "{fit:?}");
        assert!((fit.decay / decay - 1.0).abs() < 0.25 && (fit.base_rate / (1.0 - ratio) - 1.0).abs() < 0.1, "{fit:?}");
        assert!(fit.ks_p_value > 0.01, "{fit:?}");
        let dispersion = branching_ratio_of_dispersion(&counts).unwrap();
        assert!((dispersion - ratio).abs() < 0.1, "{dispersion}");
    }
    // Twice as fast a decay for every other event is no such process.
    let mut rng = Rng::new(64_004);
    let mut times: Vec<i64> =
        events([0.5, 0.0], 0.5, 400, 50, &mut rng).iter().flat_map(|panel| panel.rows().t_ns).collect();
    times.extend(events([0.5, 0.0], 50.0, 400, 50, &mut rng).iter().flat_map(|panel| panel.rows().t_ns));
    times.sort_unstable();
    let fit = fit_hawkes(&times, 600 * SECOND).unwrap();
    assert!(fit.ks_p_value < 1e-4, "{fit:?}");
}

/// Both kinds are told apart, and residuals of each are exponential.
#[test]
fn a_simulated_process_of_two_kinds_is_found_again() {
    for (seed, own, other, decay) in [(1, 0.4, 0.2, 2.0), (2, 0.7, 0.0001, 1.0), (3, 0.1, 0.5, 10.0)] {
        let mut rng = Rng::new(64_100 + seed);
        let rows: Vec<PanelRows> =
            events([own, other], decay, 400, 60, &mut rng).iter().map(|panel| panel.rows()).collect();
        let times: Vec<i64> = rows.iter().flat_map(|rows| rows.t_ns.clone()).collect();
        let kinds: Vec<[bool; 2]> = rows
            .iter()
            .flat_map(|rows| (0..rows.len()).map(|i| [rows.row(i)[0] == 0, rows.row(i)[1] == 0]).collect::<Vec<_>>())
            .collect();
        let fit = fit_mutual_hawkes(&times, &kinds, 600 * SECOND).unwrap();
        println!("{own} {other} {decay}: {fit:?}");
        let want = [[own, other], [other, own]];
        for (found, want) in fit.branching.as_flattened().iter().zip(want.as_flattened()) {
            assert!((found - want).abs() < 0.04, "{fit:?}");
        }
        assert!((fit.decay / decay - 1.0).abs() < 0.15 && (fit.spectral_radius - own - other).abs() < 0.03, "{fit:?}");
        assert!(fit.ks_p_value.iter().all(|p| *p > 0.01), "{fit:?}");
    }
}

#[test]
fn slow_tier_of_planted_differences() {
    if is_slow() {
        check_planted(400, 2);
    }
}
