//! `verismo man`.

use std::io::Write;
use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::args::{Cli, ManArgs};
use crate::{CliError, Exit, files};

/// Prints the manual page of the command, or writes a page for it and each subcommand.
///
/// # Errors
/// `cannot-write`, or where `out` cannot be written.
pub fn run(args: &ManArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let mut command = Cli::command();
    command.build();
    let Some(directory) = &args.out else {
        out.write_all(&page(command)?)?;
        return Ok(Exit::Pass);
    };
    files::create_dir(directory)?;
    let mut pages: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    // Building has given each subcommand the names of its page, `verismo-validate`, and of its line, `verismo validate`.
    for subcommand in command.get_subcommands().filter(|s| !s.is_hide_set() && s.get_name() != "help") {
        let name = format!("verismo-{}.1", subcommand.get_name());
        pages.push((directory.join(name), page(subcommand.clone())?));
    }
    pages.push((directory.join("verismo.1"), page(command)?));
    files::write_all(&pages)?;
    for (path, _) in &pages {
        writeln!(out, "{}", path.display())?;
    }
    Ok(Exit::Pass)
}

fn page(command: clap::Command) -> Result<Vec<u8>, CliError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|e| CliError::unusable("internal", format_args!("cannot write a manual page: {e}")))?;
    Ok(page)
}
