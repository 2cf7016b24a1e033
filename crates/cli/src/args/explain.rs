//! `verismo explain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use verismo_suite::catalogue::TestId;

use super::HomeArgs;

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  verismo explain verismo-report spread
  verismo explain verismo-report/report.json trade_size --test quantile --stream BTCUSDT
  verismo explain verismo-report gap
      part of a name is enough: sequence_gap and gap_severity
  verismo explain verismo-report spread --format json | jq .stories[0].finding.evidence

Exit codes: 0 explained, whatever the verdict; 2 not a report, or a name it does not have.";

/// Tell the story of one finding or one integrity check of a report.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub struct ExplainArgs {
    /// The report.json of a run, the directory it is in, or a recorded run: an id, the start of one, `last`, `last~1`
    #[arg(value_name = "REPORT")]
    pub report: PathBuf,
    /// An observable, a column or an integrity check of the report, or part of its name
    #[arg(value_name = "OBSERVABLE")]
    pub name: String,
    /// On this stream only, by its name or part of it [default: where it matters most]
    #[arg(long, value_name = "S")]
    pub stream: Option<String>,
    /// By this test only, such as ks or quantile [default: the one that decides]
    #[arg(long, value_name = "T", value_parser = parse_test)]
    pub test: Option<TestId>,
    /// Write this format to standard output [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<ExplainFormat>,
    /// Where recorded runs are.
    #[command(flatten)]
    pub home: HomeArgs,
}

/// Formats of an explanation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// For a terminal.
    #[default]
    Text,
    /// Schema verismo.explanation/1.
    Json,
}

fn parse_test(text: &str) -> Result<TestId, String> {
    TestId::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = verismo_suite::catalogue::all_tests().map(|t| t.name).collect();
        format!("there is no such test; there are: {}", names.join(", "))
    })
}
