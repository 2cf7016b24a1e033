//! The `verismo` command: arguments, logs, the interrupt and the exit code. Everything else is in the library.
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use verismo_cli::args::Cli;
use verismo_cli::console::Console;
use verismo_cli::{CliError, Exit, interrupt, logging};

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(&cli.global);
    let console = Console::detect(&cli.global);
    let global = cli.global.clone();
    let cancel = interrupt::install(move |error| logging::report_error(&global, &console, error));
    let mut out = verismo_cli::console::QuietStdout::new();
    let result = verismo_cli::run(&cli, &console, cancel, &mut out);
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
