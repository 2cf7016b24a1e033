//! Plans and runs a validation: files in, judged report out.
//!
//! A run scans both sides, settles on the coarser clock, reads and observes the streams of both sides on threads, and hands
//! the states to the judge. What comes out depends on the content and the suite only; threads change how long it takes.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod audit;
mod bench;
mod census;
mod chain;
mod contents;
mod convert;
mod error;
mod execute;
mod home;
mod identity;
mod judged;
mod known;
mod lob_bench;
mod memo;
mod memory;
mod meter;
mod plan;
mod power;
mod profile;
mod rejudge;
mod simulated;
mod store;
mod table;
mod trace;
mod validate;
mod what_if;

pub use audit::{AuditRequest, CertifiedVerdict, audit, canary};
pub use bench::bench_stages;
pub use contents::{Content, Contents};
pub use error::EngineError;
pub use execute::{ObservedSide, observe};
pub use home::{HOME_VARIABLE, home, remote_url};
pub use lob_bench::{LobBenchRequest, lob_bench};
pub use memory::{cpu_seconds, peak_memory_bytes};
pub use meter::Meter;
pub use plan::{Plan, SidePlan};
pub use power::{PowerRequest, Source, power};
pub use profile::{ProfileOptions, profile};
pub use rejudge::{
    FileChange, FileChangeKind, JudgeAgain, MissingStates, RecallRequest, Recalled, Rejudged, RunStates, changed_files,
    judge_recorded, recall_states, request_of, suite_for, suite_of,
};
pub use simulated::{MessageReader, judge_messages, observe_messages};
pub use store::{GcPolicy, Remote, Store, StoreError};
pub use trace::states_root;
pub use validate::{StoreRequest, ValidateRequest, observe_golden, observe_options, validate, validate_traced};
pub use what_if::{Cut, FindRequest, FoundCuts, Left, failing_checks, find_cuts, window_counts, without};
