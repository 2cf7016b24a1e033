//! Simulated two-sided captures with known truth, and the share of runs in which something happened.
#![allow(dead_code, unreachable_pub)]

use std::borrow::Cow;
use verismo_stats::histogram;
use verismo_stats::judging::{Comparison, Design, Effect, Judged, Options, Outcome, Window};
use verismo_stats::special::{normal_cdf, normal_quantile};

/// Cells of the simulated lattice: equal-mass cells of the standard normal.
pub const CELLS: usize = 64;

/// Sequential SplitMix64.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        let mut rng = Self(seed.wrapping_mul(0xd134_2543_de82_ef95) ^ 0x5851_f42d_4c95_7f2d);
        rng.bits();
        rng
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub fn normal(&mut self) -> f64 {
        normal_quantile(((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64)
    }
}

/// Maps a value to its equal-mass cell.
pub struct Grid {
    pub edges: Vec<f64>,
    start: Vec<u8>,
}

impl Grid {
    pub fn new() -> Self {
        let edges: Vec<f64> = (1..CELLS).map(|i| normal_quantile(i as f64 / CELLS as f64)).collect();
        let start = (0..1024).map(|i| edges.partition_point(|e| *e < f64::from(i) / 128.0 - 4.0) as u8).collect();
        Self { edges, start }
    }

    pub fn cell(&self, x: f64) -> usize {
        let slot = ((x + 4.0) * 128.0).clamp(0.0, 1023.0) as usize;
        let mut cell = usize::from(self.start[slot]);
        while cell > 0 && x <= self.edges[cell - 1] {
            cell -= 1;
        }
        while cell < self.edges.len() && x > self.edges[cell] {
            cell += 1;
        }
        cell
    }

    /// True difference `F - G` at each edge when the candidate is shifted upwards by `shift` standard deviations.
    pub fn truth(&self, shift: f64) -> Vec<f64> {
        self.edges.iter().map(|e| normal_cdf(e - shift) - normal_cdf(*e)).collect()
    }
}

/// The shift of a standard normal that makes the Kolmogorov-Smirnov distance `distance`.
pub fn shift_for(distance: f64) -> f64 {
    2.0 * normal_quantile(0.5 * (1.0 + distance))
}

/// How one side's messages come about.
#[derive(Clone, Copy)]
pub struct Process {
    pub phi: f64,
    pub messages: usize,
    pub windows: usize,
    pub shift: f64,
    /// Amplitude of one sine over the whole side, in standard deviations.
    pub sine: f64,
    /// Log-normal window sizes with this sigma, autocorrelated .8 from window to window.
    pub size_sigma: f64,
    /// How far the mean of a window moves with its log size.
    pub informative: f64,
    /// Fractional noise with this memory instead of AR(1).
    pub memory: f64,
}

impl Process {
    pub fn ar(phi: f64, windows: usize, messages: usize) -> Self {
        Self { phi, messages, windows, shift: 0.0, sine: 0.0, size_sigma: 0.0, informative: 0.0, memory: 0.0 }
    }

    pub fn shifted(self, shift: f64) -> Self {
        Self { shift, ..self }
    }
}

pub type Cells = Vec<Vec<(i64, u64)>>;

/// Simulates one side.
pub fn simulate(process: &Process, grid: &Grid, rng: &mut Rng) -> Cells {
    let memory = if process.memory > 0.0 {
        fractional_noise(process.memory, process.windows * process.messages, rng)
    } else {
        Vec::new()
    };
    let innovation = (1.0 - process.phi * process.phi).sqrt();
    let (mut x, mut size) = (rng.normal(), rng.normal());
    let mut next = memory.iter();
    (0..process.windows)
        .map(|w| {
            size = 0.8 * size + 0.6 * rng.normal();
            let factor = libm::exp(process.size_sigma * size - 0.5 * process.size_sigma * process.size_sigma);
            let count = if process.size_sigma > 0.0 {
                ((process.messages as f64 * factor) as usize).max(1)
            } else {
                process.messages
            };
            let phase = 2.0 * core::f64::consts::PI * (w as f64 + 0.5) / process.windows as f64;
            let level = process.shift + process.sine * libm::sin(phase) + process.informative * size;
            let mut counts = [0_u64; CELLS];
            for _ in 0..count {
                x = match next.next() {
                    Some(value) => *value,
                    None => process.phi * x + innovation * rng.normal(),
                };
                counts[grid.cell(x + level)] += 1;
            }
            counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(cell, n)| (cell as i64, *n)).collect()
        })
        .collect()
}

/// Fractional Gaussian noise with Hurst exponent `d + 1/2` by circulant embedding (Davies and Harte, 1987).
fn fractional_noise(d: f64, length: usize, rng: &mut Rng) -> Vec<f64> {
    let half = length.next_power_of_two();
    let size = 2 * half;
    let power = 2.0 * d + 1.0;
    let at = |k: f64| libm::pow(k.abs(), power);
    let covariance = |k: usize| {
        let k = k as f64;
        0.5 * (at(k + 1.0) - 2.0 * at(k) + at(k - 1.0))
    };
    let mut spectrum: Vec<(f64, f64)> = (0..size).map(|i| (covariance(i.min(size - i)), 0.0)).collect();
    fft(&mut spectrum);
    let mut draws: Vec<(f64, f64)> = spectrum
        .iter()
        .map(|(eigenvalue, _)| {
            let scale = (eigenvalue.max(0.0) / size as f64).sqrt();
            (scale * rng.normal(), scale * rng.normal())
        })
        .collect();
    fft(&mut draws);
    draws.truncate(length);
    draws.into_iter().map(|(re, _)| re).collect()
}

/// In-place radix-2 transform of a power-of-two length.
fn fft(values: &mut [(f64, f64)]) {
    let n = values.len();
    let bits = n.trailing_zeros();
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            values.swap(i, j);
        }
    }
    let mut width = 2;
    while width <= n {
        let angle = -2.0 * core::f64::consts::PI / width as f64;
        let twiddles: Vec<(f64, f64)> =
            (0..width / 2).map(|k| (libm::cos(angle * k as f64), libm::sin(angle * k as f64))).collect();
        for chunk in values.chunks_exact_mut(width) {
            let (low, high) = chunk.split_at_mut(width / 2);
            for ((a, b), (c, s)) in low.iter_mut().zip(high).zip(&twiddles) {
                let t = (b.0 * c - b.1 * s, b.0 * s + b.1 * c);
                *b = (a.0 - t.0, a.1 - t.1);
                *a = (a.0 + t.0, a.1 + t.1);
            }
        }
        width *= 2;
    }
}

/// Windows of a side; every `per_stratum` windows make a stratum (0: no strata).
pub fn windows(cells: &Cells, per_stratum: usize) -> Vec<Window<'_>> {
    let stratum = |w: usize| w.checked_div(per_stratum).unwrap_or(0) as u32;
    let window = |(w, cells): (usize, &Vec<(i64, u64)>)| Window {
        id: w as i64,
        stratum: stratum(w),
        block: 0,
        cells: Cow::Owned(histogram::Cells::pack(cells)),
    };
    cells.iter().enumerate().map(window).collect()
}

pub fn options(run: u64, replicates: u32) -> Options {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&run.to_le_bytes());
    Options { replicates, seed, ..Options::default() }
}

/// Two sides of one run.
pub fn sides(golden: &Process, candidate: &Process, grid: &Grid, run: u64) -> (Cells, Cells) {
    let mut rng = Rng::new(run);
    (simulate(golden, grid, &mut rng), simulate(candidate, grid, &mut rng))
}

pub fn judged(comparison: &Comparison, effect: Effect, margin: f64) -> Box<Judged> {
    match comparison.judge(effect, margin, &|key| key as f64).unwrap() {
        Outcome::Judged(judged) => judged,
        other => panic!("{other:?}"),
    }
}

pub fn ks(
    golden: &Cells,
    candidate: &Cells,
    design: Design,
    per_stratum: usize,
    options: &Options,
    margin: f64,
) -> Box<Judged> {
    let comparison =
        Comparison::new(&windows(golden, per_stratum), &windows(candidate, per_stratum), design, options).unwrap();
    judged(&comparison, Effect::Ks, margin)
}

/// Runs `one(run)` for each run on `threads` threads; the results are in run order whatever the threads do.
pub fn runs<T: Send>(seed: u64, count: usize, threads: usize, one: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let mut out: Vec<Option<T>> = (0..count).map(|_| None).collect();
    let size = count.div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for (part, slots) in out.chunks_mut(size).enumerate() {
            let one = &one;
            scope.spawn(move || {
                for (i, slot) in slots.iter_mut().enumerate() {
                    *slot = Some(one(seed * 1_000_003 + (part * size + i) as u64));
                }
            });
        }
    });
    out.into_iter().flatten().collect()
}

/// Share of `true`.
pub fn share(outcomes: impl IntoIterator<Item = bool>) -> f64 {
    let (mut yes, mut all) = (0.0, 0.0);
    for outcome in outcomes {
        all += 1.0;
        yes += f64::from(u8::from(outcome));
    }
    yes / all
}

/// A nominal rate plus three binomial standard errors.
pub fn bound(nominal: f64, runs: usize) -> f64 {
    nominal + 3.0 * (nominal * (1.0 - nominal) / runs as f64).sqrt()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
