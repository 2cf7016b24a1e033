//! `verismo completions`.

use std::io::Write;

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs};
use crate::{CliError, Exit};

/// Writes the completion script of a shell.
///
/// # Errors
/// Where `out` cannot be written.
pub fn run(args: &CompletionsArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    // Into memory first: the generator panics on a writer that fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "verismo", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Pass)
}
