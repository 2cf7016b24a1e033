//! What is known about ids: a comparable sample of identified events, and the exact set of ids as runs.

mod ids;
mod runs;

pub use ids::{Agreement, IdSample};
pub use runs::{IdRuns, Inserted};

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014; constants of David Stafford's variant 13): a bijection of 64 bits
/// whose output bits all depend on all input bits. It decides which ids and values are sampled, and is never changed.
#[inline]
#[must_use]
pub fn mix64(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
