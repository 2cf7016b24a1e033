//! `verismo runs` and `verismo show`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, value_parser};
use verismo_suite::Verdict;

use super::certificate::parse_share;
use super::{HomeArgs, ReportFormat, TimeoutArgs};

const RUNS_EXAMPLES: &str = "\
Examples:
  verismo runs
  verismo runs --verdict fail --since 7d
  verismo runs --suite strict.yaml --limit 100 --json - | jq -r '.runs[].id'
      of a suite file: those recorded beside it
  verismo runs --trend spread
  verismo runs --trend trade_size:quantile --json trend.json
  verismo runs --rebuild
      makes the index again from the reports, whatever it says

Exit codes: 0 listed, also where there is none; 2 an observable or a test that no run has; 4 a ledger that cannot be read.";

/// List the runs of the ledger, or one finding over them.
#[derive(Debug, Clone, Args)]
#[command(after_help = RUNS_EXAMPLES)]
pub struct RunsArgs {
    /// Only runs of this suite: a name, or the suite file, beside which its runs are looked for
    #[arg(long, value_name = "FILE|NAME")]
    pub suite: Option<String>,
    /// Only runs with this verdict
    #[arg(long, value_enum, value_name = "VERDICT", ignore_case = true)]
    pub verdict: Option<VerdictArg>,
    /// Only runs since then: 2026-11-30, 2026-11-30T08:00:00Z, 7d, 36h
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    pub since: Option<i64>,
    /// The latest N runs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Show what an observable came to in each run, by the test that decides it or by TEST
    #[arg(long, value_name = "OBSERVABLE[:TEST]")]
    pub trend: Option<String>,
    /// Make the index of runs again from the reports that are kept, which are the truth, before it is asked
    #[arg(long)]
    pub rebuild: bool,
    /// Also write JSON (verismo.runs/1, or verismo.trend/1) to FILE; `-` prints it instead of the text
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Where they are.
    #[command(flatten)]
    pub home: HomeArgs,
}

/// The verdicts of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerdictArg {
    /// Inside every margin.
    Pass,
    /// Undecided.
    Inconclusive,
    /// Outside a margin.
    Fail,
    /// Unusable.
    Error,
}

impl From<VerdictArg> for Verdict {
    fn from(verdict: VerdictArg) -> Self {
        match verdict {
            VerdictArg::Pass => Self::Pass,
            VerdictArg::Inconclusive => Self::Inconclusive,
            VerdictArg::Fail => Self::Fail,
            VerdictArg::Error => Self::Error,
        }
    }
}

const SHOW_EXAMPLES: &str = "\
Examples:
  verismo show last
  verismo show 01kb9n4 --format html > report.html
      the start of an id is enough
  verismo show last~1 --out before/

Exit codes: 0 shown, whatever the verdict; 2 no such run; 4 a report that cannot be read.";

/// Show the report of a recorded run again.
#[derive(Debug, Clone, Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub struct ShowArgs {
    /// The run: its id or the start of it, `last`, or `last~1` for the one before
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Write report.html, report.json, report.md and junit.xml to this directory
    #[arg(long, value_name = "DIR", conflicts_with = "format")]
    pub out: Option<PathBuf>,
    /// Write this one format to standard output [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<ReportFormat>,
    /// Where it is.
    #[command(flatten)]
    pub home: HomeArgs,
}

const EXPLAIN_CACHE_EXAMPLES: &str = "\
Examples:
  verismo validate --golden golden/ --candidate candidate/
  verismo explain-cache
  verismo explain-cache last~1 --json - | jq .states_computed
  verismo explain-cache last --canary 2%
      after an update of verismo: how many of the states would come out otherwise?

Exit codes: 0 explained, or a canary without a difference; 1 a canary that found other states; 2 no such run,
or a run that kept no states; 3 a canary that found none, and could not compute all that it chose; 4 a report
that cannot be read; 130 interrupted.";

/// Say how much of a run came from the store of states, and why the rest did not.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXPLAIN_CACHE_EXAMPLES)]
pub struct ExplainCacheArgs {
    /// The run: its id or the start of it, `last`, or `last~1` for the one before
    #[arg(value_name = "RUN", default_value = "last")]
    pub run: String,
    /// Compute this share of the pieces of the run, mostly files, again with this version of verismo, some of each group of files, and say what
    /// share of their states came out otherwise
    #[arg(long, value_name = "PERCENT", value_parser = parse_share)]
    pub canary: Option<f64>,
    /// Also write JSON (`cache` of the report, or verismo.canary/1) to FILE; `-` prints it instead of the text
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// How long a store that is not on this machine may take to answer.
    #[command(flatten)]
    pub timeout: TimeoutArgs,
    /// Where it is.
    #[command(flatten)]
    pub home: HomeArgs,
}

fn parse_since(text: &str) -> Result<i64, String> {
    let wanted = "expected a date (2026-11-30), a time (2026-11-30T08:00:00Z) or a stretch until now (7d, 36h)";
    verismo_ledger::parse_since(text).ok_or_else(|| wanted.to_owned())
}
