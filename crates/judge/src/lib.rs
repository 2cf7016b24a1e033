//! States and a suite in, findings and verdicts out. No I/O: a verdict can be recomputed from stored states alone.
//!
//! [`input`] is what an engine hands in; [`judge`] pairs streams, chooses windows, runs every test of the suite, judges
//! integrity counters, and yields the verdict with its digests. One test that cannot be computed becomes an ERROR finding
//! and never hides the others.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod digest;
pub mod input;

mod alignment;
mod applicable;
mod draft;
mod edges;
mod histogram;
mod integrity;
mod judgement;
mod lacking;
mod lags;
mod leave_out;
mod mde;
mod observe;
mod pairing;
mod panels;
mod picture;
mod policy;
mod profile;
mod propose;
mod rare;
mod recall;
mod recalling;
mod select;
mod strata;
mod summary;

pub use input::{Cells, Counter, Example, InputError, Known, Series, SeriesWindows, SideStates, StreamStates};
pub use judgement::{JudgeOptions, Judgement, judge};
pub use lacking::Lacking;
pub use leave_out::influences;
pub use pairing::normalised;
pub use profile::{QUANTILES, profile_integrity, profile_stream, sampled_from_ns};
pub use propose::propose_margins;
pub use recall::Recall;
pub use recalling::judge_recalling;
pub use summary::run_verdict;
