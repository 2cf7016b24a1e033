//! A comparison of 86,400 rows of eleven columns a side by each statistic of joint laws. Run: `cargo bench -p verismo-stats --bench joint`.
#![allow(clippy::unwrap_used, missing_docs)]

use divan::Bencher;
use verismo_stats::classic::Tail;
use verismo_stats::joint::*;
use verismo_stats::judging::{Design, Options, PanelStatistic, PanelWindow, Rows, compare_panels};
use verismo_stats::panel::{Panel, PanelRows};
use verismo_stats::sample::mix64;

const ROWS: usize = 86_400;
const COLUMNS: usize = 11;
const SECOND: i64 = 1_000_000_000;

fn main() {
    divan::main();
}

/// Ticks of many columns, some with a dozen values.
fn values(seed: u64) -> impl Iterator<Item = i64> {
    let spans = [3, 12, 1_000, 1_000_000];
    (0..(ROWS * COLUMNS) as u64).map(move |i| (mix64(seed + i) >> 33) as i64 % spans[i as usize % COLUMNS % 4])
}

fn rows(seed: u64) -> Rows {
    let values = values(seed).map(|v| v as f64).collect();
    let mut rows = Rows::of_values(COLUMNS, values, SECOND);
    (0..ROWS).for_each(|i| rows.window[i] = i / 60);
    rows
}

fn statistic(name: &str) -> Box<dyn PanelStatistic> {
    let all: Vec<usize> = (0..COLUMNS).collect();
    let pairs = vec![(0, 1), (2, 3), (1, 3), (4, 5), (6, 7)];
    let tails = vec![(Tail::Upper, 0.95), (Tail::Lower, 0.95)];
    match name {
        "pearson of all pairs" => Box::new(Correlation::of_all(COLUMNS)),
        "spearman of 5 pairs" => Box::new(RankDependence::new(RankCorrelation::Spearman, pairs).unwrap()),
        "kendall of 5 pairs" => Box::new(RankDependence::new(RankCorrelation::KendallTauB, pairs).unwrap()),
        "tails of 5 pairs" => Box::new(TailDependence::new(pairs, tails).unwrap()),
        "copula of 5 pairs" => Box::new(Copula::new(pairs, Copula::CELLS).unwrap()),
        "spectrum" => Box::new(CorrelationSpectrum::new(all).unwrap()),
        "lead and lag of 5 pairs" => Box::new(LeadLag::new(pairs, 10, SECOND).unwrap()),
        "energy" => Box::new(SlicedEnergy::new(all, SlicedEnergy::DIRECTIONS, SlicedEnergy::CELLS).unwrap()),
        "mmd" => Box::new(Mmd::new(all, Mmd::FREQUENCIES).unwrap()),
        "signature" => Box::new(Signature::new(vec![1, 2, 3], PathOf::LeadLag, 10, SECOND, 2).unwrap()),
        _ => Box::new(Classifier::new(all).unwrap()),
    }
}

const NAMES: [&str; 11] = [
    "pearson of all pairs",
    "spearman of 5 pairs",
    "kendall of 5 pairs",
    "tails of 5 pairs",
    "copula of 5 pairs",
    "spectrum",
    "lead and lag of 5 pairs",
    "energy",
    "mmd",
    "signature",
    "classifier",
];

#[divan::bench(args = NAMES, sample_count = 5)]
fn read(bencher: Bencher<'_, '_>, name: &str) {
    let (golden, candidate, statistic) = (rows(1), rows(1 << 40), statistic(name));
    bencher.bench_local(|| statistic.read(&golden, &candidate).unwrap());
}

#[divan::bench(args = NAMES, sample_count = 3)]
fn judge(bencher: Bencher<'_, '_>, name: &str) {
    let panels = |seed| -> Vec<Panel> {
        let all: Vec<i64> = values(seed).collect();
        let panel = |(w, chunk): (usize, &[i64])| {
            let mut rows = PanelRows::new(COLUMNS);
            for (i, row) in chunk.chunks_exact(COLUMNS).enumerate() {
                rows.push((w * 60 + i) as i64 * SECOND, row);
            }
            Panel::pack(rows)
        };
        all.chunks(60 * COLUMNS).enumerate().map(panel).collect()
    };
    let (golden, candidate, statistic) = (panels(1), panels(1 << 40), statistic(name));
    let placed = |panels| -> Vec<PanelWindow<'_>> {
        let windows: core::slice::Iter<'_, Panel> = <[Panel]>::iter(panels);
        windows.enumerate().map(|(w, panel)| PanelWindow { id: w as i64, stratum: 0, block: 0, panel }).collect()
    };
    let (golden, candidate) = (placed(&golden), placed(&candidate));
    let settings = (Design::Independent, 0.1, &Options::default());
    bencher.bench_local(|| compare_panels(&golden, &candidate, &[1.0; COLUMNS], statistic.as_ref(), settings).unwrap());
}
