//! The `verismo` command: arguments, logs, the interrupt and the exit code. Everything else is in the library.
#![allow(clippy::print_stderr)] // The door to the terminal: the last word on an error is said here.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use verismo_cli::args::Cli;
use verismo_cli::console::Console;
use verismo_cli::{Exit, interrupt, logging};

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(&cli.global);
    let cancel = interrupt::install();
    let console = Console::detect(&cli.global);
    let mut out = verismo_cli::console::QuietStdout::new();
    let result = verismo_cli::run(&cli, &console, cancel, &mut out);
    let flushed = out.flush();
    let exit = match (result, flushed) {
        (Ok(exit), Ok(())) => exit,
        (Err(error), _) => {
            logging::report_error(&cli.global, &console, &error);
            error.exit()
        }
        (Ok(_), Err(error)) => {
            eprintln!("error[stdout]: cannot write to standard output: {error}");
            Exit::Error
        }
    };
    ExitCode::from(exit.code())
}
