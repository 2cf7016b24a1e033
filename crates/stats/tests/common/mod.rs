//! Samples that the Python generators make too: integers from a counter, then single correctly rounded operations.

use verismo_stats::sample::mix64;

/// 31 random bits per element of a stream.
pub(crate) fn raw(stream: u64, n: u64) -> impl Iterator<Item = u64> {
    (1..=n).map(move |i| mix64((stream << 32) + i) >> 33)
}

/// Uniform in (0, 1).
pub(crate) fn uniform(stream: u64, n: u64) -> impl Iterator<Item = f64> {
    raw(stream, n).map(|u| (u as f64 + 0.5) / 2_147_483_648.0)
}
