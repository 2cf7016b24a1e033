//! What to measure and how to judge it: the catalogue of observables and checks, the suite file, verdicts, and the schemas
//! of the report, the profile of a data set, the comparison of two reports, the explanation of a finding, the cost of a run, what a
//! suite sees, the scores of LOB-Bench, the runs of a ledger and their traces, what-ifs, certificates with their audits, canaries, and the versions of data sets.
//!
//! This crate holds the one serde schema of the product. It does no I/O: texts come in and go out as strings.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod audit;
pub mod benchmark;
pub mod cache;
pub mod canary;
pub mod catalogue;
pub mod certificate;
pub mod comparison;
pub mod explanation;
pub mod lob_bench;
pub mod power;
pub mod profile;
pub mod report;
pub mod runs;
pub mod suite;
pub mod trace;
pub mod verdict;
pub mod versions;
pub mod what_if;
mod yaml;

pub use suite::{Suite, SuiteProblem};
pub use verdict::{FindingVerdict, Severity, Verdict};
