//! Samples that the Python generators make too: integers from a counter, then single correctly rounded operations.
// Each test binary uses some of them.
#![allow(dead_code)]

use verismo_stats::lattice::Lattice;
use verismo_stats::sample::mix64;

/// 31 random bits per element of a stream.
pub(crate) fn raw(stream: u64, n: u64) -> impl Iterator<Item = u64> {
    (1..=n).map(move |i| mix64((stream << 32) + i) >> 33)
}

/// Uniform in (0, 1).
pub(crate) fn uniform(stream: u64, n: u64) -> impl Iterator<Item = f64> {
    raw(stream, n).map(|u| (u as f64 + 0.5) / 2_147_483_648.0)
}

/// The rows of a vector file, without its head.
pub(crate) fn rows(csv: &str) -> impl Iterator<Item = Vec<&str>> {
    csv.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(',').collect())
}

/// A sample of one of the kinds of `vectors/gen/two_sample.py`.
pub(crate) fn sample(kind: &str, stream: u64, n: u64) -> (Lattice, Vec<f64>) {
    let is_odd = stream % 2 == 1;
    let odd = if is_odd { 1.0 } else { 0.0 };
    let uniform = || uniform(stream, n);
    let values = match kind {
        "uniform" => uniform().map(|v| v + odd * 0.01).collect(),
        "heavy" => uniform().map(|v| (v - 0.5) / (v * (1.0 - v)) + odd * 0.05).collect(),
        "atoms" => raw(stream, n)
            .zip(uniform())
            .map(|(u, v)| match u % 10 {
                0..3 => 0.0,
                3 => 1.0,
                _ => (v - 0.5) * (2.0 + odd),
            })
            .collect(),
        "tiny" => uniform().map(|v| (v + odd * 0.25) * 1e-300).collect(),
        "cluster" => uniform().map(|v| 1e9 + (v - 0.5) * (1.0 + odd * 0.125)).collect(),
        ticks => {
            let fields: Vec<i64> = ticks.split(':').skip(1).map(|field| field.parse().unwrap()).collect();
            let (scale, span, offset) = (u8::try_from(fields[0]).unwrap(), fields[1], fields[2]);
            let shift = if is_odd { offset + span / 10 } else { offset };
            let power = 10_f64.powi(i32::from(scale));
            let keys = raw(stream, n).map(|u| (u as i64 % span) + shift);
            return (Lattice::ticks(scale), keys.map(|key| key as f64 / power).collect());
        }
    };
    (Lattice::exact(), values)
}
