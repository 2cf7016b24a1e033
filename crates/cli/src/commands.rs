//! One module a command.

pub mod check_suite;
pub mod completions;
pub mod demo;
pub mod init;
pub mod inject;
pub mod metrics;
pub mod report;
pub mod simulate;
pub mod validate;
