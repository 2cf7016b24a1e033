//! One module a command.

pub mod bench;
pub mod cache;
pub mod certificate;
pub mod check_suite;
pub mod compare;
pub mod completions;
pub mod demo;
pub mod diff;
pub mod explain;
pub mod init;
pub mod inject;
pub mod judge;
pub mod lob_bench;
pub mod man;
pub mod metrics;
pub mod power;
pub mod profile;
pub mod report;
pub mod runs;
pub mod simulate;
pub mod snapshot;
pub mod validate;
pub mod what_if;
