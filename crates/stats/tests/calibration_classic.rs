//! Calibration of the classic effects on windows of an AR(1): how often the interval misses the truth, and what it detects.
//!
//! The quick tier runs always; the full run counts by `VERISMO_SLOW=1 cargo test --test calibration_classic -- --nocapture
//! --test-threads 1`. Bounds are the nominal rate plus about three standard errors, or as stated.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod simulate;

use simulate::{Cells, Process, Rng, bound, options, runs, share, shift_for, windows};
use verismo_stats::classic::{BINS, PSI_BINS, Tail, bin_edges};
use verismo_stats::histogram::Histogram;
use verismo_stats::judging::{Comparison, Design, Effect, Judged, Outcome};
use verismo_stats::lattice::Lattice;
use verismo_stats::special::normal_cdf;

/// Keys are steps of this many standard deviations.
const STEP: f64 = 0.04;
const REACH: i64 = 150;

const EFFECTS: [Effect; 9] = [
    Effect::Kuiper,
    Effect::SquaredCvm,
    Effect::SquaredAd,
    Effect::CramersV { bins: BINS },
    Effect::Psi { bins: PSI_BINS },
    Effect::JensenShannon { bins: BINS },
    Effect::MannWhitney,
    Effect::Hill { tail: Tail::Upper },
    Effect::TailRatio { tail: Tail::Upper },
];

/// Values are log-normal, so that the upper tail has a sign.
fn value_of(key: i64) -> f64 {
    libm::exp(0.5 * STEP * key as f64)
}

/// One side of AR(1) windows on the fine grid.
fn side(process: &Process, rng: &mut Rng) -> Cells {
    let innovation = (1.0 - process.phi * process.phi).sqrt();
    let (mut x, mut size) = (rng.normal(), rng.normal());
    (0..process.windows)
        .map(|w| {
            size = 0.8 * size + 0.6 * rng.normal();
            let factor = libm::exp(process.size_sigma * size - 0.5 * process.size_sigma * process.size_sigma);
            let count = ((process.messages as f64 * factor) as usize).max(1);
            let phase = 2.0 * core::f64::consts::PI * (w as f64 + 0.5) / process.windows as f64;
            let level = process.shift + process.sine * libm::sin(phase);
            let mut keys: Vec<i64> = (0..count)
                .map(|_| {
                    x = process.phi * x + innovation * rng.normal();
                    (libm::round((x + level) / STEP) as i64).clamp(-REACH, REACH)
                })
                .collect();
            Histogram::from_keys(Lattice::ticks(0), &mut keys).cells().to_vec()
        })
        .collect()
}

/// The shares of the keys when the candidate is shifted upwards by `shift`.
fn law(shift: f64) -> Vec<f64> {
    let edge = |key: i64| if key == REACH { 1.0 } else { normal_cdf((key as f64 + 0.5) * STEP - shift) };
    (-REACH..=REACH).map(|key| edge(key) - if key == -REACH { 0.0 } else { edge(key - 1) }).collect()
}

/// The true effects of a shift with equally many messages, in the order of [`EFFECTS`].
fn true_effects(shift: f64) -> [f64; 9] {
    let (golden, candidate) = (law(0.0), law(shift));
    let cumulate = |law: &[f64]| {
        let mut sum = 0.0;
        law.iter()
            .map(|p| {
                sum += p;
                sum
            })
            .collect::<Vec<f64>>()
    };
    let (f, g) = (cumulate(&candidate), cumulate(&golden));
    let delta: Vec<f64> = f.iter().zip(&g).map(|(f, g)| f - g).collect();
    let most = delta.iter().fold(0.0_f64, |most, d| most.max(*d));
    let least = delta.iter().fold(0.0_f64, |least, d| least.min(*d));
    let (mut cvm, mut ad, mut rank) = (0.0, 0.0, -0.5);
    for x in 0..delta.len() {
        let (mass, h) = (0.5 * (golden[x] + candidate[x]), 0.5 * (f[x] + g[x]));
        cvm += delta[x] * delta[x] * mass;
        if h > 0.01 && h < 0.99 {
            ad += 0.25 * delta[x] * delta[x] * mass / (h * (1.0 - h));
        }
        rank += candidate[x] * (g[x] - 0.5 * golden[x]);
    }
    let counts = golden.iter().enumerate().map(|(x, p)| (x as i64 - REACH, (p * 1e15) as u64 + 1)).collect();
    let exact = Histogram::from_cells(Lattice::ticks(0), counts).unwrap();
    let binned = |bins: u16, term: &dyn Fn(f64, f64) -> f64| {
        let mut below = (0.0, 0.0);
        let edges =
            bin_edges(&exact, bins).into_iter().map(|edge| (g[(edge + REACH) as usize], f[(edge + REACH) as usize]));
        edges
            .chain([(1.0, 1.0)])
            .map(|through| {
                let shares = (through.0 - below.0, through.1 - below.1);
                below = through;
                term(shares.0, shares.1)
            })
            .sum::<f64>()
    };
    let v = binned(BINS, &|p, q| 0.25 * (q - p) * (q - p) / (0.5 * (p + q)));
    let psi = binned(PSI_BINS, &|p, q| (q - p) * libm::log(q / p));
    let js = binned(BINS, &|p, q| 0.5 * (p * libm::log2(2.0 * p / (p + q)) + q * libm::log2(2.0 * q / (p + q))));
    let hill = |law: &[f64], masses: &[f64]| {
        let at = law.partition_point(|f| *f < 0.95);
        let beyond = at + 1..masses.len();
        let share: f64 = masses[beyond.clone()].iter().sum();
        share / beyond.map(|x| masses[x] * 0.5 * STEP * (x - at) as f64).sum::<f64>()
    };
    let ratio = |law: &[f64]| {
        let at = |p: f64| law.partition_point(|f| *f < p) as f64;
        0.5 * STEP * (at(0.99) - at(0.95))
    };
    [
        most - least,
        cvm,
        ad,
        v.sqrt(),
        psi,
        js.max(0.0).sqrt(),
        rank,
        hill(&f, &candidate) - hill(&g, &golden),
        ratio(&f) - ratio(&g),
    ]
}

fn judge_all(
    golden: &Cells,
    candidate: &Cells,
    design: Design,
    per_stratum: usize,
    run: u64,
    replicates: u32,
) -> Vec<Judged> {
    let options = options(run, replicates);
    let comparison =
        Comparison::new(&windows(golden, per_stratum), &windows(candidate, per_stratum), design, &options).unwrap();
    EFFECTS
        .iter()
        .map(|effect| match comparison.judge(*effect, 0.0, &value_of).unwrap() {
            Outcome::Judged(judged) => *judged,
            other => panic!("{other:?}"),
        })
        .collect()
}

struct Case {
    name: &'static str,
    process: Process,
    design: Design,
    per_stratum: usize,
    distance: f64,
    /// Messages of the golden for one of the candidate.
    ratio: usize,
}

/// Whether an effect is held to its rate where one side is twenty times as large. The Cramer-von Mises effect weighs by all
/// messages, so its truth there is another. Hill's index of some 60 strongly dependent values is skewed, which two equally large
/// sides cancel: here its lower end misses in .09 to .11 of runs (README, limits).
fn is_held_when_uneven(effect: Effect) -> bool {
    !matches!(effect, Effect::SquaredCvm | Effect::Hill { .. })
}

/// Shares of runs with the truth below L (distances) or outside on either side (signed), above U, and with 0 excluded.
fn rates(case: &Case, seed: u64, count: usize, threads: usize, replicates: u32) -> Vec<(f64, f64, f64)> {
    let shift = shift_for(case.distance);
    let truth = true_effects(shift);
    let found = runs(seed, count, threads, |run| {
        let mut rng = Rng::new(run);
        let messages = case.process.messages * case.ratio;
        let golden = side(&Process { messages, ..case.process }, &mut rng);
        let candidate = side(&case.process.shifted(shift), &mut rng);
        let judged = judge_all(&golden, &candidate, case.design, case.per_stratum, run, replicates);
        let ends = judged.iter().zip(truth).map(|(j, truth)| {
            (j.lower > truth + 1e-12, j.upper < truth - 1e-12, j.lower > 0.0 || (j.signed && j.upper < 0.0))
        });
        ends.collect::<Vec<_>>()
    });
    (0..EFFECTS.len())
        .map(|e| {
            let rate = |pick: &dyn Fn(&(bool, bool, bool)) -> bool| share(found.iter().map(|ends| pick(&ends[e])));
            (rate(&|end| end.0), rate(&|end| end.1), rate(&|end| end.2))
        })
        .collect()
}

fn cases(slow: bool) -> Vec<Case> {
    let case =
        |name, process, design, per_stratum, distance| Case { name, process, design, per_stratum, distance, ratio: 1 };
    let mut cases = Vec::new();
    if !slow {
        for (name, phi, w, distance) in
            [("phi 0 W 30", 0.0, 30, 0.0), ("phi .9 W 30", 0.9, 30, 0.0), ("phi .9 W 60, D .15", 0.9, 60, 0.15)]
        {
            cases.push(case(name, Process::ar(phi, w, 60), Design::Independent, 0, distance));
        }
        cases.push(case("strata phi .9", Process::ar(0.9, 4 * 30, 20), Design::Strata, 30, 0.0));
        let small = case(
            "phi .5 W 30, golden 20 times as large, D .15",
            Process::ar(0.5, 30, 20),
            Design::Independent,
            0,
            0.15,
        );
        cases.push(Case { ratio: 20, ..small });
        return cases;
    }
    for distance in [0.0, 0.05, 0.15] {
        for (name, process) in [
            ("phi 0 W 30", Process::ar(0.0, 30, 100)),
            ("phi .9 W 12", Process::ar(0.9, 12, 100)),
            ("phi .9 W 30", Process::ar(0.9, 30, 100)),
            ("phi .9 W 120", Process::ar(0.9, 120, 100)),
            ("phi .98 W 120 unequal", Process { size_sigma: 0.8, ..Process::ar(0.98, 120, 100) }),
        ] {
            cases.push(case(name, process, Design::Independent, 0, distance));
        }
        let strata = Process { sine: 0.5, ..Process::ar(0.9, 13 * 30, 20) };
        if distance <= 0.0 {
            cases.push(case("strata phi .9 sine", strata, Design::Strata, 30, distance));
        }
        let strata = Process { size_sigma: 0.8, ..Process::ar(0.9, 13 * 30, 20) };
        cases.push(case("strata phi .9 unequal", strata, Design::Strata, 30, distance));
        let small =
            case("phi .9 W 60, golden 20 times as large", Process::ar(0.9, 60, 20), Design::Independent, 0, distance);
        cases.push(Case { ratio: 20, ..small });
    }
    cases
}

/// Largest share of truth below L and above U: nominal .05 plus three standard errors of 1,000 runs, a little more where a cell
/// of unequal windows is the worst.
fn limits(count: usize) -> (f64, f64) {
    (bound(0.05, count), bound(0.05, count))
}

fn check(slow: bool, count: usize, threads: usize, replicates: u32) {
    let mut failures = Vec::new();
    let mut worst = vec![(0.0_f64, 0.0_f64); EFFECTS.len()];
    for (i, case) in cases(slow).iter().enumerate() {
        println!("{}, D {}:", case.name, case.distance);
        let found = rates(case, 20_000 + 100 * u64::from(slow) + i as u64, count, threads, replicates);
        for ((effect, (low, high, away)), worst) in EFFECTS.iter().zip(found).zip(&mut worst) {
            println!("  {effect:?}: truth below L {low:.3}, above U {high:.3}; 0 excluded {away:.3}");
            if case.ratio > 1 && !is_held_when_uneven(*effect) {
                continue;
            }
            *worst = (worst.0.max(low), worst.1.max(high));
            let (most_low, most_high) = limits(count);
            if low > most_low || high > most_high {
                failures.push(format!("{effect:?} {} D {}: {low:.3} {high:.3}", case.name, case.distance));
            }
        }
    }
    for (effect, (low, high)) in EFFECTS.iter().zip(worst) {
        println!("{effect:?}: worst of all cells, truth below L {low:.3}, above U {high:.3}");
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// A candidate with a tail a third longer in logarithms: both tail effects see it, and say in which direction.
#[test]
fn a_longer_tail_is_seen() {
    let process = Process::ar(0.5, 60, 200);
    let found = runs(30_000, 60, 1, |run| {
        let mut rng = Rng::new(run);
        let golden = side(&process, &mut rng);
        let stretched: Cells = side(&process, &mut rng)
            .into_iter()
            .map(|cells| cells.into_iter().map(|(key, n)| (key * 4 / 3 + key.signum(), n)).collect())
            .collect();
        let judged = judge_all(&golden, &stretched, Design::Independent, 0, run, 199);
        (judged[7].upper < 0.0, judged[8].lower > 0.0)
    });
    let (hill, ratio) = (share(found.iter().map(|f| f.0)), share(found.iter().map(|f| f.1)));
    println!("a tail longer by a third: Hill sees it in {hill:.2}, the ratio of quantiles in {ratio:.2} of runs");
    // Of 60 windows nobody can rule out a memory that widens the four quantiles of the ratio.
    assert!(hill >= 0.9 && ratio >= 0.3, "{hill} {ratio}");
}

#[test]
fn quick_tier() {
    check(false, 200, 1, 199);
}

#[test]
fn slow_tier() {
    if std::env::var_os("VERISMO_SLOW").is_none_or(|value| value != "1") {
        println!("skipped: set VERISMO_SLOW=1");
        return;
    }
    check(true, 1_000, 2, 299);
}
