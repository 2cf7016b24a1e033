//! `verismo compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::HomeArgs;

const COMPARE_EXAMPLES: &str = "\
Examples:
  verismo compare last~1 last
      the two latest recorded runs; a file or directory of that name comes first
  verismo compare old/report.json verismo-report/report.json
  verismo compare main/ branch/ --format md >> \"$GITHUB_STEP_SUMMARY\"
  verismo compare old/ now/ --format json | jq '.findings[] | select(.change == \"worse\")'

Exit codes: 0 the second report is the same or better, 1 it is worse, 2 a file that is no report of this schema, or no such run.
Worse: its verdict is; or the verdict stayed, and something that decides it got worse, a deciding finding is not judged any
more, or a deciding check fails that was not there before.";

/// Say what changed between two reports.
#[derive(Debug, Clone, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareArgs {
    /// The report.json of the earlier run, the directory it is in, or a recorded run: an id, the start of one, `last`, `last~1`
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// The report.json of the later run, the directory it is in, or a recorded run
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
    /// Write this format to standard output [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<CompareFormat>,
    /// Where recorded runs are.
    #[command(flatten)]
    pub home: HomeArgs,
}

/// Formats of a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For a terminal.
    #[default]
    Text,
    /// Markdown with the tables of GitHub.
    #[value(alias = "markdown")]
    Md,
    /// Schema verismo.comparison/1.
    Json,
}
