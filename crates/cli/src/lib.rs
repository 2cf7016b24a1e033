//! The commands of `verismo`, as functions of their arguments and a writer.
//!
//! A command writes its product to the writer and returns how the process shall end; it reads no flags of its own, touches
//! no standard stream, and can be tested without a process. [`process`] adds the process.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod args;
pub mod commands;
pub mod console;
pub mod data;
pub mod datasets;
pub mod files;
pub mod interrupt;
pub mod ledger;
pub mod logging;
pub mod messages;
pub mod process;
pub mod progress;
pub mod store;
pub mod suites;

mod exit;

use std::io::Write;
use std::sync::atomic::AtomicBool;

pub use exit::{CliError, Exit};

use args::{Cli, Command};
use console::Console;

/// What every command gets besides its own arguments.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What the terminal can do.
    pub console: &'a Console,
    /// Raised when the user wants the run to stop.
    pub cancel: &'a AtomicBool,
}

/// Runs the command; its product goes to `out`.
///
/// # Errors
/// [`CliError`] where the command could not do its work; what the data say is in the [`Exit`].
pub fn run(cli: &Cli, console: &Console, cancel: &AtomicBool, out: &mut impl Write) -> Result<Exit, CliError> {
    let context = Context { console, cancel };
    match &cli.command {
        Command::Validate(args) => commands::validate::run(args, context, out),
        Command::Demo(args) => commands::demo::run(args, context, out),
        Command::Simulate(args) => commands::simulate::run(args, context, out),
        Command::Inject(args) => commands::inject::run(args, context, out),
        Command::Init(args) => commands::init::run(args, context, out),
        Command::CheckSuite(args) => commands::check_suite::run(args, out),
        Command::Metrics(args) => commands::metrics::run(args, context, out),
        Command::Completions(args) => commands::completions::run(args, out),
        Command::Report(args) => commands::report::run(args, context, out),
        Command::Judge(args) => commands::judge::run(args, context, out),
        Command::WhatIf(args) => commands::what_if::run(args, context, out),
        Command::Runs(args) => commands::runs::list(args, context, out),
        Command::Show(args) => commands::runs::show(args, context, out),
        Command::ExplainCache(args) => commands::runs::explain_cache(args, context, out),
        Command::Cache(args) => commands::cache::run(args, context, out),
        Command::Certify(args) => commands::certificate::certify(args, out),
        Command::Verify(args) => commands::certificate::verify(args, context, out),
        Command::Keygen(args) => commands::certificate::keygen(args, out),
        Command::Bench(args) => commands::bench::run(args, context, out),
        Command::Power(args) => commands::power::run(args, context, out),
        Command::Profile(args) => commands::profile::run(args, context, out),
        Command::Explain(args) => commands::explain::run(args, context, out),
        Command::Compare(args) => commands::compare::run(args, context, out),
        Command::LobBench(args) => commands::lob_bench::run(args, context, out),
        Command::Snapshot(args) => commands::snapshot::run(args, context, out),
        Command::Versions(args) => commands::snapshot::versions(args, context, out),
        Command::Diff(args) => commands::diff::run(args, context, out),
        Command::Man(args) => commands::man::run(args, out),
    }
}
