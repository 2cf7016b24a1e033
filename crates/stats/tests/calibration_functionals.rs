//! Calibration of the numbers of one law on windows of an AR(1): how often an interval misses the truth, what it detects, and how
//! often it is refused because a few windows carry it.
//!
//! The quick tier runs always; the full run counts by `VERISMO_SLOW=full cargo test --release --test calibration_functionals --
//! --nocapture --test-threads 1`. Bounds are the nominal rate plus three standard errors, or as stated.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod simulate;

use simulate::{Cells, Rng, bound, options, runs, share, windows};
use verismo_stats::classic::{self, BINS, Tail};
use verismo_stats::histogram::Histogram;
use verismo_stats::judging::{Comparison, Design, Effect, JudgingError, LawFunctional, Outcome};
use verismo_stats::lattice::Lattice;
use verismo_stats::special::normal_cdf;

/// Gaussian values are rounded to this many standard deviations, within this many steps.
const STEP: f64 = 0.02;
const REACH: i64 = 300;

/// The marginal law of a side.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Normal,
    /// `exp(0.5 x)`.
    LogNormal,
    /// Symmetric, with Pareto tails of this index.
    Heavy(f64),
    /// From 1 on, a power law with this tail index.
    Pareto(f64),
    /// From 0 to 1.
    Uniform,
    /// The cube of a uniform value: skewed, without tails.
    Lean,
}

impl Shape {
    fn value(self, x: f64) -> f64 {
        let tail = |x: f64, index: f64| libm::exp(-libm::log(normal_cdf(-x)) / index);
        match self {
            Shape::Normal => x,
            Shape::LogNormal => libm::exp(0.5 * x),
            Shape::Heavy(index) => x.signum() * (tail(x.abs(), index) / tail(0.0, index) - 1.0),
            Shape::Pareto(index) => tail(x, index),
            Shape::Uniform => normal_cdf(x),
            Shape::Lean => normal_cdf(x) * normal_cdf(x) * normal_cdf(x),
        }
    }

    /// Key and share of each step.
    fn law(self, lattice: &Lattice, scale: f64) -> Vec<(i64, f64)> {
        let edge = |key: i64| if key == REACH { 1.0 } else { normal_cdf((key as f64 + 0.5) * STEP) };
        let below = |key: i64| if key == -REACH { 0.0 } else { edge(key - 1) };
        // Symmetric differences keep the digits of both tails.
        let mass = |key: i64| if key > 0 { below(1 - key) - below(-key) } else { edge(key) - below(key) };
        let value = |key: i64| lattice.key(scale * self.value(STEP * key as f64)).unwrap();
        (-REACH..=REACH).map(|key| (value(key), mass(key).max(0.0))).collect()
    }
}

/// How one side comes about: an AR(1) of unit variance, through a shape, times a scale.
#[derive(Clone, Copy)]
struct Series {
    phi: f64,
    windows: usize,
    messages: usize,
    shape: Shape,
    scale: f64,
}

impl Series {
    fn simulate(&self, lattice: &Lattice, rng: &mut Rng) -> Cells {
        let keys: Vec<i64> = self.shape.law(lattice, self.scale).iter().map(|(key, _)| *key).collect();
        let innovation = (1.0 - self.phi * self.phi).sqrt();
        let mut x = rng.normal();
        (0..self.windows)
            .map(|_| {
                let mut drawn: Vec<i64> = (0..self.messages)
                    .map(|_| {
                        x = self.phi * x + innovation * rng.normal();
                        let step = (libm::round(x / STEP) as i64).clamp(-REACH, REACH);
                        keys[(step + REACH) as usize]
                    })
                    .collect();
                Histogram::from_keys(lattice.clone(), &mut drawn).cells().to_vec()
            })
            .collect()
    }

    /// The law with so many counts that it is the law itself.
    fn exact(&self, lattice: &Lattice) -> Histogram {
        let cells = self.shape.law(lattice, self.scale).into_iter();
        let counts = cells.map(|(key, p)| (key, (p * 1e17) as u64)).filter(|(_, n)| *n > 0).collect();
        Histogram::from_cells(lattice.clone(), counts).unwrap()
    }
}

const NAMES: [&str; 9] =
    ["skewness", "ln kurtosis", "l_scale", "l_skew", "l_kurtosis", "pareto", "power_law", "energy", "kl"];

/// The effects, with thresholds of this golden.
fn effects(golden: &Histogram) -> Vec<Option<Effect>> {
    let tail = Tail::Upper;
    let value = |key| golden.lattice().value(key);
    let threshold = classic::pareto_threshold(golden, tail).unwrap();
    let start = classic::power_law_start(golden, tail).ok();
    let functional = |functional| Some(Effect::Functional(functional));
    vec![
        functional(LawFunctional::Skewness),
        functional(LawFunctional::LnKurtosis),
        functional(LawFunctional::LnLScale),
        functional(LawFunctional::LSkew),
        functional(LawFunctional::LKurtosis),
        functional(LawFunctional::ParetoShape { tail, threshold, from: value(threshold) }),
        start.map(|start| Effect::Functional(LawFunctional::PowerLaw { tail, start, from: value(start) })),
        Some(Effect::Energy),
        Some(Effect::KullbackLeibler { bins: BINS }),
    ]
}

/// The true effects between two laws, at the thresholds of a golden.
fn truths(golden: &Histogram, candidate: &Histogram, thresholds_of: &Histogram) -> Vec<Option<f64>> {
    let tail = Tail::Upper;
    let threshold = classic::pareto_threshold(thresholds_of, tail).unwrap();
    let start = classic::power_law_start(thresholds_of, tail).ok();
    vec![
        classic::skewness(golden, candidate).ok().map(|c| c.effect),
        classic::kurtosis(golden, candidate).ok().map(|c| c.effect),
        classic::l_scale(golden, candidate).ok().map(|c| c.effect),
        classic::l_skew(golden, candidate).ok().map(|c| c.effect),
        classic::l_kurtosis(golden, candidate).ok().map(|c| c.effect),
        classic::pareto(golden, candidate, tail, threshold).ok().map(|c| c.statistic),
        start.and_then(|start| classic::power_law(golden, candidate, tail, start).ok()).map(|c| c.statistic),
        classic::energy(golden, candidate).ok().map(|e| e.effect),
        classic::kl(golden, candidate).ok().map(|d| d.statistic),
    ]
}

/// What became of one effect in one run. What was refused misses nothing.
#[derive(Clone, Copy, Default)]
struct End {
    /// The interval was refused, or the number is undefined.
    refused: bool,
    above: bool,
    below: bool,
    zero_excluded: bool,
}

struct Case {
    name: String,
    golden: Series,
    candidate: Series,
    design: Design,
    per_stratum: usize,
    /// Effects that must be found in most of the runs.
    found: &'static [&'static str],
    /// A law without variance: no moment or L-moment of a sample tells the truth, and mostly none is judged. Only distances of
    /// shares and fits of tails are held to their rate.
    no_variance: bool,
}

/// What needs a variance, or more.
const MOMENTS: [&str; 5] = ["skewness", "ln kurtosis", "l_scale", "l_skew", "l_kurtosis"];

impl Case {
    fn is_null(&self) -> bool {
        let (g, c) = (self.golden, self.candidate);
        format!("{:?} {}", g.shape, g.scale) == format!("{:?} {}", c.shape, c.scale)
    }
}

/// Shares of all runs.
#[derive(Clone, Copy, Debug, Default)]
struct Rates {
    /// The interval lies above, or below, the truth.
    above: f64,
    below: f64,
    excluded: f64,
    refused: f64,
}

fn rates(case: &Case, seed: u64, count: usize, threads: usize) -> Vec<Rates> {
    let lattice = Lattice::exact();
    let (law_g, law_c) = (case.golden.exact(&lattice), case.candidate.exact(&lattice));
    let found = runs(seed, count, threads, |run| {
        let mut rng = Rng::new(run);
        let golden = case.golden.simulate(&lattice, &mut rng);
        let candidate = case.candidate.simulate(&lattice, &mut rng);
        let cells = golden.iter().flatten();
        let mut keys: Vec<i64> = cells.flat_map(|(key, n)| std::iter::repeat_n(*key, *n as usize)).collect();
        let pooled = Histogram::from_keys(lattice.clone(), &mut keys);
        let truths = if case.is_null() { vec![Some(0.0); NAMES.len()] } else { truths(&law_g, &law_c, &pooled) };
        let (golden, candidate) = (windows(&golden, case.per_stratum), windows(&candidate, case.per_stratum));
        let comparison = Comparison::new(&golden, &candidate, case.design, &options(run, 199)).unwrap();
        let ends = effects(&pooled).into_iter().zip(truths).map(|(effect, truth)| {
            let refused = End { refused: true, ..End::default() };
            let (Some(effect), Some(truth)) = (effect, truth) else { return refused };
            match comparison.judge(effect, 0.0, &|key| lattice.value(key)) {
                Ok(Outcome::Judged(judged)) => End {
                    refused: false,
                    above: judged.lower > truth + 1e-9,
                    below: judged.upper < truth - 1e-9,
                    zero_excluded: judged.lower > 0.0 || (judged.signed && judged.upper < 0.0),
                },
                Err(JudgingError::Undefined { .. }) => refused,
                other => panic!("{effect:?}: {other:?}"),
            }
        });
        ends.collect::<Vec<End>>()
    });
    let rate = |e: usize, pick: &dyn Fn(&End) -> bool| share(found.iter().map(|ends| pick(&ends[e])));
    let rates = (0..NAMES.len()).map(|e| Rates {
        above: rate(e, &|end| end.above),
        below: rate(e, &|end| end.below),
        excluded: rate(e, &|end| end.zero_excluded),
        refused: rate(e, &|end| end.refused),
    });
    rates.collect()
}

fn null(name: &str, series: Series) -> Case {
    let name = format!("{name}, {:?} phi {} W {}x{}", series.shape, series.phi, series.windows, series.messages);
    Case {
        name,
        golden: series,
        candidate: series,
        design: Design::Independent,
        per_stratum: 0,
        found: &[],
        no_variance: false,
    }
}

/// Differences that must be found, and whose size the intervals must hold.
fn planted(phi: f64, windows: usize, messages: usize) -> Vec<Case> {
    let series = |shape, scale| Series { phi, windows, messages, shape, scale };
    let pairs: [(Series, Series, &'static [&'static str]); 6] = [
        (series(Shape::Normal, 1.0), series(Shape::Normal, 1.5), &["l_scale", "energy", "kl"]),
        (series(Shape::Uniform, 1.0), series(Shape::Lean, 1.0), &["skewness", "l_skew", "energy", "kl"]),
        (series(Shape::Normal, 1.0), series(Shape::Uniform, 1.0), &["ln kurtosis", "l_scale", "energy"]),
        (series(Shape::Normal, 1.0), series(Shape::Heavy(4.0), 1.0), &["l_kurtosis"]),
        (series(Shape::Pareto(5.0), 1.0), series(Shape::Pareto(2.5), 1.0), &["power_law", "l_scale"]),
        (series(Shape::Normal, 1.0), series(Shape::Pareto(1.5), 1.0), &["pareto"]),
    ];
    let case = |(golden, candidate, found): (Series, Series, &'static [&'static str])| {
        let name = format!("{:?} x {} against {:?} x {}", golden.shape, golden.scale, candidate.shape, candidate.scale);
        let no_variance = matches!(candidate.shape, Shape::Pareto(index) if index < 2.0);
        Case { name, golden, candidate, design: Design::Independent, per_stratum: 0, found, no_variance }
    };
    pairs.into_iter().map(case).collect()
}

fn cases(slow: bool) -> Vec<Case> {
    let series = |phi, windows, messages, shape| Series { phi, windows, messages, shape, scale: 1.0 };
    let mut cases = Vec::new();
    if !slow {
        for (phi, shape) in [(0.0, Shape::Normal), (0.5, Shape::LogNormal), (0.9, Shape::Heavy(3.0))] {
            cases.push(null("equal laws", series(phi, 60, 100, shape)));
        }
        cases.extend(planted(0.5, 60, 200));
        return cases;
    }
    for shape in [
        Shape::Normal,
        Shape::LogNormal,
        Shape::Uniform,
        Shape::Heavy(3.0),
        Shape::Heavy(5.0),
        Shape::Heavy(9.0),
        Shape::Pareto(2.5),
    ] {
        for phi in [0.0, 0.5, 0.9] {
            for (windows, messages) in [(12, 500), (60, 100), (200, 100)] {
                cases.push(null("equal laws", series(phi, windows, messages, shape)));
            }
        }
    }
    for phi in [0.0, 0.5, 0.9] {
        cases.extend(planted(phi, 60, 200));
        for shape in [Shape::Normal, Shape::Heavy(3.0)] {
            let strata = null("strata", series(phi, 4 * 30, 60, shape));
            cases.push(Case { design: Design::Strata, per_stratum: 30, ..strata });
            let uneven = null("golden 10 times as large", series(phi, 60, 100, shape));
            cases.push(Case { golden: series(phi, 60, 1_000, shape), ..uneven });
        }
    }
    cases
}

/// The largest share of intervals that lie wrong. The nominal rate plus three standard errors; a generalised Pareto law of some
/// hundred values that come in clusters (phi .9) has an estimate whose law is skewed, and is allowed two hundredths more.
fn limit(name: &str, count: usize) -> f64 {
    bound(if name == "pareto" { 0.07 } else { 0.05 }, count)
}

fn check(slow: bool, count: usize, threads: usize) {
    let mut failures = Vec::new();
    let mut worst = vec![(0.0_f64, String::new()); NAMES.len()];
    for (i, case) in cases(slow).iter().enumerate() {
        println!("{}:", case.name);
        let found = rates(case, 40_000 + 1_000 * u64::from(slow) + i as u64, count, threads);
        for ((name, rates), worst) in NAMES.iter().zip(found).zip(&mut worst) {
            let Rates { above, below, excluded, refused } = rates;
            println!("  {name}: above {above:.3}, below {below:.3}; 0 excluded {excluded:.3}; refused {refused:.2}");
            if case.no_variance && MOMENTS.contains(name) {
                continue;
            }
            let most = above.max(below);
            if most > worst.0 {
                *worst = (most, case.name.clone());
            }
            if most > limit(name, count) {
                failures.push(format!("{name}, {}: {above:.3} {below:.3}", case.name));
            }
            // Six thousand values of which neighbours agree to nine tenths tell less.
            let wanted = if case.golden.phi < 0.9 { 0.8 } else { 0.5 };
            if case.found.contains(name) && excluded < wanted {
                failures.push(format!("{name}, {}: found in {excluded:.3} of the runs only", case.name));
            }
        }
    }
    for (name, (most, case)) in NAMES.iter().zip(worst) {
        println!("{name}: worst of all cells {most:.3} ({case})");
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn quick_tier() {
    check(false, 150, 1);
}

#[test]
fn slow_tier() {
    if std::env::var_os("VERISMO_SLOW").is_none_or(|value| value != "full") {
        println!("skipped: set VERISMO_SLOW=full");
        return;
    }
    check(true, 1_000, 2);
}

/// Kurtosis of a law without eight moments rests on a few extremes, and skewness without six: mostly no interval is given. That of a
/// normal law in sixty windows is given, and so are L-moments of either.
#[test]
fn intervals_that_would_not_hold_are_refused() {
    let of =
        |shape, seed| rates(&null("", Series { phi: 0.5, windows: 60, messages: 100, shape, scale: 1.0 }), seed, 60, 1);
    let (heavy, normal) = (of(Shape::Heavy(3.0), 50_000), of(Shape::Normal, 50_001));
    let refused = |rates: &[Rates], name: &str| rates[NAMES.iter().position(|n| *n == name).unwrap()].refused;
    println!("heavy {heavy:?}\nnormal {normal:?}");
    assert!(refused(&heavy, "ln kurtosis") >= 0.9 && refused(&heavy, "skewness") >= 0.8);
    assert!(refused(&normal, "ln kurtosis") <= 0.4 && refused(&normal, "skewness") <= 0.1);
    for name in ["l_scale", "l_skew", "l_kurtosis"] {
        assert!(refused(&heavy, name) <= 0.1 && refused(&normal, name) <= 0.0, "{name}");
    }
    for name in ["energy", "kl"] {
        assert!(refused(&heavy, name) + refused(&normal, name) <= 0.0, "{name}");
    }
}
