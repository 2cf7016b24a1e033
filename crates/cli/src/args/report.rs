//! `verismo report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::HomeArgs;

const REPORT_EXAMPLES: &str = "\
Examples:
  verismo report verismo-report/report.json --out again/
  verismo report verismo-report/report.json --format html > report.html
  verismo report runs/42 --format md >> \"$GITHUB_STEP_SUMMARY\"

Exit codes: 0 rendered, whatever the verdict; 2 not a report.";

/// Render a report again from its JSON.
#[derive(Debug, Clone, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub struct ReportArgs {
    /// The report.json of a run, the directory it is in, or a recorded run: an id, the start of one, `last`, `last~1`
    #[arg(value_name = "RUN.json")]
    pub run: PathBuf,
    /// Write report.html, report.json, report.md and junit.xml to this directory
    #[arg(long, value_name = "DIR", conflicts_with = "format")]
    pub out: Option<PathBuf>,
    /// Write this one format to standard output [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<ReportFormat>,
    /// Where recorded runs are.
    #[command(flatten)]
    pub home: HomeArgs,
}

/// Formats of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// The summary that `validate` prints.
    #[default]
    Text,
    /// One self-contained page.
    Html,
    /// Markdown with the tables of GitHub.
    #[value(alias = "markdown")]
    Md,
    /// JUnit XML.
    Junit,
    /// The report itself.
    Json,
}
