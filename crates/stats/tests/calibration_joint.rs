//! Calibration of the statistics of joint laws on windows of dependent rows: how often a lower end lies above 0 where both sides have one
//! law, how often an upper end lies below a known difference, and what is found.
//!
//! The quick tier runs always; the full run counts by `VERISMO_SLOW=full cargo test --release -p verismo-stats --test calibration_joint --
//! --nocapture --test-threads 1`; `VERISMO_ONLY=energy,mmd` counts some alone. Bounds are the nominal rate plus three standard errors, or as stated.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod simulate;

use simulate::{Rng, bound, options, runs, share};
use verismo_stats::classic::Tail;
use verismo_stats::joint::*;
use verismo_stats::judging::{Design, Outcome, PanelNorm, PanelStatistic, PanelWindow, Rows, compare_panels};
use verismo_stats::panel::{Panel, PanelRows};

const SECOND: i64 = 1_000_000_000;
/// Numbers are kept in steps of this.
const UNIT: f64 = 1e-6;
const DIMS: usize = 4;

/// How the rows of a side come about: four columns, each an AR(1) of unit variance before it is mixed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Law {
    phi: f64,
    /// Of the second column with the first.
    correlation: f64,
    /// Of the fourth column with the first one row before.
    lagged: f64,
    /// Deviation of the third column before it is rounded to whole steps.
    spread: f64,
    /// All columns are independent and of one law: equal eigenvalues.
    plain: bool,
}

impl Law {
    fn usual(phi: f64) -> Self {
        Self { phi, correlation: 0.5, lagged: 0.3, spread: 1.0, plain: false }
    }

    /// Innovations of the next row, mixed with what two sides share.
    fn row(&self, state: &mut [f64; DIMS], next: [f64; DIMS]) -> [f64; DIMS] {
        let innovation = (1.0 - self.phi * self.phi).sqrt();
        let before = state[0];
        for (x, e) in state.iter_mut().zip(next) {
            *x = self.phi * *x + innovation * e;
        }
        if self.plain {
            return *state;
        }
        let mix = |r: f64, a: f64, b: f64| r * a + (1.0 - r * r).sqrt() * b;
        let [a, b, c, d] = *state;
        // The third column is skewed and has ties.
        let skewed = libm::floor(2.0 * libm::exp(0.5 * self.spread * c));
        [a, mix(self.correlation, a, b), skewed, mix(self.lagged, before, d)]
    }
}

/// What is simulated.
#[derive(Clone, Copy, Debug)]
struct Case {
    golden: Law,
    candidate: Law,
    /// Windows of golden and candidate.
    windows: [usize; 2],
    rows: usize,
    design: Design,
    /// Windows of a stratum; their levels differ.
    per_stratum: usize,
}

impl Case {
    fn is_null(&self) -> bool {
        self.golden == self.candidate
    }

    fn is_paired(&self) -> bool {
        matches!(self.design, Design::Paired | Design::PairedStrata)
    }

    fn simulate(&self, rng: &mut Rng) -> [Vec<Panel>; 2] {
        let mut shared = Rng::new(rng.bits());
        let seed = shared.bits();
        [(self.golden, self.windows[0]), (self.candidate, self.windows[1])].map(|(law, windows)| {
            let mut common = Rng::new(seed);
            let mut state = [0; DIMS].map(|_| rng.normal());
            let mut draw = || {
                [0; DIMS].map(|_| {
                    let (own, other) = (rng.normal(), common.normal());
                    if self.is_paired() { 0.8 * other + 0.6 * own } else { own }
                })
            };
            for _ in 0..50 {
                law.row(&mut state, draw());
            }
            let panel = |w: usize| {
                let mut rows = PanelRows::new(DIMS);
                let level = w.checked_div(self.per_stratum).unwrap_or(0) as f64;
                for i in 0..self.rows {
                    let row = law.row(&mut state, draw()).map(|v| ((v + level) / UNIT).round() as i64);
                    rows.push((w * self.rows + i) as i64 * SECOND, &row);
                }
                Panel::pack(rows)
            };
            (0..windows).map(panel).collect()
        })
    }
}

fn statistics() -> Vec<(&'static str, Box<dyn PanelStatistic>)> {
    let all: Vec<usize> = (0..DIMS).collect();
    let pairs = vec![(0, 1), (0, 2), (1, 2)];
    let ranks = |kind| Box::new(RankDependence::new(kind, pairs.clone()).unwrap());
    let path = |kind| Box::new(Signature::new(vec![0, 1], kind, 5, SECOND, 2).unwrap());
    let tails = vec![(Tail::Upper, 0.9), (Tail::Lower, 0.9)];
    let found: Vec<(&'static str, Box<dyn PanelStatistic>)> = vec![
        ("pearson", Box::new(Correlation::of_all(DIMS))),
        ("spearman", ranks(RankCorrelation::Spearman)),
        ("kendall", ranks(RankCorrelation::KendallTauB)),
        ("tail", Box::new(TailDependence::new(pairs.clone(), tails).unwrap())),
        ("copula", Box::new(Copula::new(pairs.clone(), Copula::CELLS).unwrap())),
        ("spectrum", Box::new(CorrelationSpectrum::new(all.clone()).unwrap())),
        ("frobenius", Box::new(CorrelationDistance::new(&all).unwrap())),
        ("mean_corr", Box::new(MeanCorrelation::new(&all).unwrap())),
        ("squared_corr", Box::new(SquaredCorrelation::new(&all).unwrap())),
        ("lead_lag", Box::new(LeadLag::new(vec![(0, 3), (0, 1)], 3, SECOND).unwrap())),
        ("energy", Box::new(SlicedEnergy::new(all.clone(), SlicedEnergy::DIRECTIONS, SlicedEnergy::CELLS).unwrap())),
        (
            "anderson",
            Box::new(
                SlicedAndersonDarling::new(
                    all.clone(),
                    SlicedAndersonDarling::DIRECTIONS,
                    SlicedAndersonDarling::CELLS,
                )
                .unwrap(),
            ),
        ),
        ("mmd", Box::new(Mmd::new(all.clone(), Mmd::FREQUENCIES).unwrap())),
        ("path_values", path(PathOf::Values)),
        ("path_sums", path(PathOf::Sums)),
        ("path_lead", path(PathOf::LeadLag)),
        ("classifier", Box::new(Classifier::new(all).unwrap())),
    ];
    let only = std::env::var("VERISMO_ONLY").unwrap_or_default();
    found.into_iter().filter(|(name, _)| only.is_empty() || only.split(',').any(|wanted| wanted == *name)).collect()
}

/// What became of one statistic in one run.
#[derive(Clone, Copy, Debug)]
struct End {
    estimate: f64,
    lower: f64,
    upper: f64,
    signed: bool,
}

fn placed(panels: &[Panel], per_stratum: usize) -> Vec<PanelWindow<'_>> {
    let stratum = |w: usize| w.checked_div(per_stratum).unwrap_or(0) as u32;
    let window = |(w, panel)| PanelWindow { id: w as i64, stratum: stratum(w), block: 0, panel };
    panels.iter().enumerate().map(window).collect()
}

fn ends(case: &Case, seed: u64, count: usize, threads: usize) -> Vec<Vec<Option<End>>> {
    let statistics = statistics();
    runs(seed, count, threads, |run| {
        let [golden, candidate] = case.simulate(&mut Rng::new(run));
        let (golden, candidate) = (placed(&golden, case.per_stratum), placed(&candidate, case.per_stratum));
        let judge = |(_, statistic): &(&str, Box<dyn PanelStatistic>)| {
            let settings = (case.design, 0.0, &options(run, 199));
            let outcome = compare_panels(&golden, &candidate, &[UNIT; DIMS], statistic.as_ref(), settings).ok()?;
            let Outcome::Judged(judged) = outcome.outcome else { panic!("too few windows") };
            Some(End { estimate: judged.estimate, lower: judged.lower, upper: judged.upper, signed: judged.signed })
        };
        statistics.iter().map(judge).collect()
    })
}

/// The differences of two laws, from many rows.
fn truths(case: &Case, rows: usize) -> Vec<f64> {
    if case.is_null() {
        return vec![0.0; statistics().len()];
    }
    let large = Case { windows: [rows / 200; 2], rows: 200, design: Design::Independent, ..*case };
    let sides = large.simulate(&mut Rng::new(77)).map(|panels| {
        let unpacked: Vec<PanelRows> = panels.iter().map(Panel::rows).collect();
        let values = unpacked.iter().flat_map(|rows| rows.values.iter().map(|v| *v as f64 * UNIT)).collect();
        let mut rows = Rows::of_values(DIMS, values, SECOND);
        (0..rows.len()).for_each(|i| rows.window[i] = i / 200);
        rows
    });
    let of = |(_, statistic): &(&str, Box<dyn PanelStatistic>)| {
        let [g, c] = statistic.read(&sides[0], &sides[1]).unwrap();
        let differences = c.values.iter().zip(&g.values).map(|(c, g)| c - g);
        match statistic.norm(&g) {
            PanelNorm::Signed => c.values[0] - g.values[0],
            PanelNorm::Root(weights) => differences.zip(weights).map(|(d, w)| d * d * w).sum::<f64>().sqrt(),
            _ => differences.fold(0.0, |most: f64, d| most.max(d.abs())),
        }
    };
    statistics().iter().map(of).collect()
}

fn cases(slow: bool) -> Vec<Case> {
    let null = |phi, windows, rows, design| {
        let law = Law::usual(phi);
        Case { golden: law, candidate: law, windows: [windows; 2], rows, design, per_stratum: 0 }
    };
    let mut cases = Vec::new();
    let shapes: &[(usize, usize)] = if slow { &[(60, 20), (60, 60), (200, 20), (400, 10)] } else { &[(60, 20)] };
    let memories: &[f64] = if slow { &[0.0, 0.5, 0.9] } else { &[0.5] };
    for &phi in memories {
        for &(windows, rows) in shapes {
            cases.push(null(phi, windows, rows, Design::Independent));
            if slow && windows == 60 || rows == 10 {
                cases.push(null(phi, windows, rows, Design::Paired));
                cases.push(Case { per_stratum: 20, ..null(phi, windows, rows, Design::Strata) });
            }
        }
    }
    if !slow {
        cases.push(null(0.5, 60, 20, Design::Paired));
        cases.push(Case { per_stratum: 20, ..null(0.5, 60, 20, Design::Strata) });
        return cases;
    }
    for phi in [0.0, 0.9] {
        let plain = Law { plain: true, ..Law::usual(phi) };
        let equal = Case { golden: plain, candidate: plain, ..null(phi, 60, 20, Design::Independent) };
        cases.push(equal);
        // Uneven sides: what is not linear in the law has another bias on each.
        cases.push(Case { windows: [400, 60], ..equal });
        cases.push(Case { windows: [400, 60], ..null(phi, 60, 20, Design::Independent) });
        cases.push(Case { windows: [60, 400], ..null(phi, 60, 20, Design::Independent) });
    }
    cases
}

/// Differences that the named statistics find.
fn planted(phi: f64) -> Vec<(&'static str, Case, &'static [&'static str])> {
    let usual = Law::usual(phi);
    let case = |candidate| Case {
        golden: usual,
        candidate,
        windows: [100; 2],
        rows: 30,
        design: Design::Independent,
        per_stratum: 0,
    };
    vec![
        (
            "correlation .5 against 0",
            case(Law { correlation: 0.0, ..usual }),
            &[
                "pearson",
                "spearman",
                "kendall",
                "tail",
                "copula",
                "spectrum",
                "frobenius",
                "mean_corr",
                "squared_corr",
                "lead_lag",
                "energy",
                "anderson",
                "mmd",
                "path_sums",
                "classifier",
            ],
        ),
        ("lagged correlation .3 against 0", case(Law { lagged: 0.0, ..usual }), &["lead_lag"]),
        ("half the spread", case(Law { spread: 0.5, ..usual }), &["energy", "anderson", "mmd", "classifier"]),
        ("another memory", case(Law { phi: if phi > 0.0 { 0.0 } else { 0.5 }, ..usual }), &["path_sums", "path_lead"]),
    ]
}

fn check(slow: bool, count: usize, threads: usize) {
    let names: Vec<&str> = statistics().iter().map(|(name, _)| *name).collect();
    let mut failures = Vec::new();
    let mut worst = vec![(0.0_f64, String::new()); names.len()];
    let all = cases(slow).into_iter().map(|case| ("one law", case, &[][..]));
    let memories: &[f64] = if slow { &[0.0, 0.5, 0.9] } else { &[0.5] };
    let all = all.chain(memories.iter().flat_map(|phi| planted(*phi)));
    for (i, (what, case, found)) in all.enumerate() {
        let strata = if case.per_stratum > 0 { " in strata" } else { "" };
        let plain = if case.golden.plain { ", plain" } else { "" };
        let cell = format!(
            "{what}{plain}: phi {}, {:?} windows x {}, {:?}{strata}",
            case.golden.phi, case.windows, case.rows, case.design
        );
        println!("{cell}");
        let truths = truths(&case, if slow { 500_000 } else { 60_000 });
        let runs = ends(&case, 60_000 + 1_000 * u64::from(slow) + i as u64, count, threads);
        for (s, name) in names.iter().enumerate() {
            let judged: Vec<End> = runs.iter().filter_map(|ends| ends[s]).collect();
            let refused = 1.0 - judged.len() as f64 / count as f64;
            let above = share(judged.iter().map(|end| end.lower > 0.0));
            let apart = share(judged.iter().map(|end| end.lower > 0.0 || (end.signed && end.upper < 0.0)));
            let high = share(judged.iter().map(|end| end.lower > truths[s]));
            let low = share(judged.iter().map(|end| end.upper < truths[s]));
            let estimate = judged.iter().map(|end| end.estimate).sum::<f64>() / judged.len() as f64;
            println!(
                "  {name:11}: truth {:.4}, mean {estimate:.4}; 0 excluded {apart:.3}, above {high:.3}, below {low:.3}, refused {refused:.2}",
                truths[s]
            );
            let signed = judged.first().is_some_and(|end| end.signed);
            let most = if case.is_null() && !signed { above } else { high.max(low) };
            if most > worst[s].0 {
                worst[s] = (most, cell.clone());
            }
            // What a model finds depends on its training data: there is no one truth but 0.
            let held = case.is_null() || *name != "classifier";
            if refused > 0.0 || (held && most > bound(0.05, count)) {
                failures.push(format!("{name}, {cell}: {most:.3}, refused {refused:.2}"));
            }
            // Three thousand rows of which neighbours agree to nine tenths are worth some 160: too few for distances of four columns. Of a
            // hundred windows with neighbours alike a long memory cannot be ruled out, which such distances feel first.
            let wanted = match (case.golden.phi < 0.9, *name) {
                (true, "energy" | "anderson" | "mmd") if case.golden.phi > 0.0 => 0.25,
                (true, _) => 0.7,
                (false, "energy" | "anderson" | "mmd") => 0.0,
                // Nor for eigenvalues: .30 of the runs before memory was allowed for, .14 with it, the interval being as much wider.
                (false, "spectrum") => 0.07,
                (false, _) => 0.25,
            };
            if found.contains(name) && apart < wanted {
                failures.push(format!("{name}, {cell}: found in {apart:.3} of the runs only"));
            }
        }
    }
    for (name, (most, cell)) in names.iter().zip(worst) {
        println!("{name}: worst of all cells {most:.3} ({cell})");
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn quick_tier() {
    check(false, 40, 1);
}

#[test]
fn slow_tier() {
    if std::env::var_os("VERISMO_SLOW").is_none_or(|value| value != "full") {
        println!("skipped: set VERISMO_SLOW=full");
        return;
    }
    let number = |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    check(true, number("VERISMO_RUNS", 400), number("VERISMO_THREADS", 2));
}
