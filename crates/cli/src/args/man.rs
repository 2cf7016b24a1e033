//! `verismo man`.

use std::path::PathBuf;

use clap::Args;

const MAN_EXAMPLES: &str = "\
Examples:
  verismo man | man -l -
  verismo man --out ~/.local/share/man/man1";

/// Write the manual pages.
#[derive(Debug, Clone, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// Write a page for the command and each of its subcommands to this directory; without it the page of the command is printed
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
