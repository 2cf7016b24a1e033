//! Synthetic sides: autocorrelated series in memory, no file and no clock.
#![allow(dead_code, unreachable_pub)]

use verismo_judge::{Cells, Counter, JudgeOptions, Judgement, Series, SeriesWindows, SideStates, StreamStates};
use verismo_stats::lags::{LagCarry, LagMoments};
use verismo_stats::lattice::Lattice;
use verismo_stats::sample::mix64;
use verismo_suite::Suite;
use verismo_suite::report::Finding;

pub const SECOND_NS: i64 = 1_000_000_000;
/// 2024-08-08 12:00:00 UTC.
pub const START_S: i64 = 1_723_118_400;

/// A seeded generator of nearly normal numbers: the sum of twelve uniforms less six.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(mix64(seed))
    }

    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mix64(self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// What to simulate.
#[derive(Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub windows: usize,
    pub per_window: usize,
    pub phi: f64,
    /// Added to every value, in standard deviations.
    pub shift: f64,
    pub start_s: i64,
}

pub const PLAN: Plan = Plan { seed: 1, windows: 180, per_window: 100, phi: 0.5, shift: 0.0, start_s: START_S };

/// Values of a Gaussian AR(1) with unit variance plus the shift.
pub fn series(plan: Plan) -> Vec<f64> {
    let mut noise = Noise::new(plan.seed);
    let mut x = noise.normal();
    let scale = (1.0 - plan.phi * plan.phi).sqrt();
    (0..plan.windows * plan.per_window)
        .map(|_| {
            x = plan.phi * x + scale * noise.normal();
            x + plan.shift
        })
        .collect()
}

pub fn histogram_windows(lattice: &Lattice, values: &[f64], plan: Plan) -> Vec<(i64, Cells)> {
    let first = plan.start_s / 10;
    let windows = values.chunks(plan.per_window).enumerate().map(|(w, chunk)| {
        let mut keys = Vec::new();
        lattice.keys(chunk, &mut keys);
        keys.sort_unstable();
        let mut cells: Vec<(i64, u64)> = Vec::new();
        for key in keys {
            match cells.last_mut() {
                Some((last, n)) if *last == key => *n += 1,
                _ => cells.push((key, 1)),
            }
        }
        (first + w as i64, Cells::pack(&cells))
    });
    windows.collect()
}

pub fn cells(lattice: Lattice, values: &[f64], plan: Plan) -> Series {
    let windows = histogram_windows(&lattice, values, plan);
    Series { version: 1, lattice, windows: SeriesWindows::Cells(windows) }
}

pub fn lags(lags: &[u32], values: &[i64], plan: Plan) -> Series {
    let mut carry = LagCarry::new(lags).unwrap();
    let first = plan.start_s / 10;
    let windows = values.chunks(plan.per_window).enumerate().map(|(w, chunk)| {
        let mut moments = LagMoments::new(lags).unwrap();
        carry.feed(chunk, &mut moments).unwrap();
        (first + w as i64, moments)
    });
    Series { version: 1, lattice: Lattice::ticks(0), windows: SeriesWindows::Lags(windows.collect()) }
}

/// A stream with mid log-returns, trade sizes and the memory of signs, and trade ids from 1.
pub fn stream(plan: Plan) -> StreamStates {
    let mut stream = StreamStates::new("binance", "BTCUSDT", 1_000_000, 10 * SECOND_NS);
    stream.carries_trades = true;
    stream.carries_book = true;
    let values = series(plan);
    let n = values.len() as u64;
    stream.messages = n;
    stream.events = n;
    stream.price_tick = 1_000_000;
    stream.qty_lot = 1000;
    stream.book_cadence_ns = Some(100_000_000);
    let start_ns = plan.start_s * SECOND_NS;
    let step_ns = 10 * SECOND_NS / plan.per_window as i64;
    stream.span_ns = Some((start_ns, start_ns + step_ns * (n as i64 - 1)));
    let returns: Vec<f64> = values.iter().map(|x| 1e-4 * x).collect();
    stream.series.insert("mid_log_return_1s".into(), cells(Lattice::float(10), &returns, plan));
    let sizes: Vec<f64> = values.iter().map(|x| (100.0 * (3.0 + 0.5 * x).max(0.01)).round() / 100.0).collect();
    stream.series.insert("trade_size".into(), cells(Lattice::ticks(8), &sizes, plan));
    let signs: Vec<i64> = values.iter().map(|x| if *x > 0.0 { 1 } else { -1 }).collect();
    stream.series.insert("aggressor_sign_acf".into(), lags(&[1, 5, 20], &signs, plan));
    let counts: Vec<f64> = values.iter().map(|x| (10.0 + 3.0 * x).round().max(0.0)).collect();
    stream.series.insert("event_count_1s".into(), cells(Lattice::ticks(0), &counts, plan));
    for (i, value) in sizes.iter().enumerate() {
        let id = i as i64 + 1;
        stream.trade_ids.push(id, start_ns + step_ns * i as i64, value.to_bits());
        stream.trade_runs.insert(id);
    }
    stream.counters.push(Counter::new("out_of_order", 0, n));
    stream.counters.push(Counter::new("message_mix", n / 2, n));
    stream
}

pub fn side(plan: Plan) -> SideStates {
    SideStates { streams: vec![stream(plan)], counters: vec![Counter::new("unreadable", 0, 1000)] }
}

/// A suite of the observables above.
pub const SUITE: &str = "\
schema: verismo.suite/1
observables:
  - {id: mid_log_return_1s, decide: ks, margins: {ks: 0.05, w1: 0.1, mean: 0.1, std: 0.1, quantile: 0.15}}
  - {id: trade_size, decide: ks, margins: {ks: 0.075}}
  - {id: event_count_1s, decide: ks, margins: {ks: 0.05, fano: 0.2}}
  - {id: aggressor_sign_acf, decide: acf, margins: {acf: 0.1}}
";

pub fn judged(golden: &SideStates, candidate: &SideStates, suite: &Suite) -> Judgement {
    verismo_judge::judge(golden, candidate, suite, &JudgeOptions::default())
}

/// The finding that decides an observable, the first of several.
pub fn deciding<'a>(judgement: &'a Judgement, id: &str) -> &'a Finding {
    judgement.findings.iter().find(|f| f.observable == id && f.deciding).unwrap()
}
