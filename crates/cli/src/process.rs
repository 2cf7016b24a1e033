//! The process: arguments, logs, the interrupt and the exit code. Everything else is in the library.
//!
//! A program of a user's own registers plug-ins and then calls [`main`]: it is the whole command, with more observables and metrics.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::console::Console;
use crate::{CliError, Exit, interrupt, logging};

/// The `verismo` command.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(&cli.global);
    let console = Console::detect(&cli.global);
    let global = cli.global.clone();
    let cancel = interrupt::install(move |error| logging::report_error(&global, &console, error));
    let mut out = crate::console::QuietStdout::new();
    let result = crate::run(&cli, &console, cancel, &mut out);
    let flushed = out.flush();
    let exit = match (result, flushed) {
        (Ok(exit), Ok(())) => exit,
        (Err(error), _) => last_word(&cli, &console, &error),
        (Ok(_), Err(error)) => last_word(&cli, &console, &error.into()),
    };
    ExitCode::from(exit.code())
}

/// Says the error, unless the interrupt has done so.
fn last_word(cli: &Cli, console: &Console, error: &CliError) -> Exit {
    if interrupt::take_last_word() {
        logging::report_error(&cli.global, console, error);
    }
    error.exit()
}
