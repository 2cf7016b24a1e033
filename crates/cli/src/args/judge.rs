//! `verismo judge`.

use std::path::PathBuf;

use clap::Args;

use super::{PairingArg, ScopeArg, TimeoutArgs, parse_map, parse_threads};

const JUDGE_EXAMPLES: &str = "\
Examples:
  verismo validate --golden golden/ --candidate candidate/
  verismo judge --run last --suite strict.yaml
      the same data under other margins: no file of them is read
  verismo judge --run 01kb9n4 --scope population --json - | jq .verdict
  verismo judge --run last --suite comprehensive --recompute
      reads what the run did not observe

Exit codes: those of `validate`: 0 PASS, 1 FAIL, 2 usage, 3 INCONCLUSIVE, 4 ERROR, also where files have
changed since or states are gone, 130 interrupted.";

/// Judge a recorded run again, from its states.
#[derive(Debug, Clone, Args)]
#[command(after_help = JUDGE_EXAMPLES)]
pub struct JudgeArgs {
    /// The run: its id or the start of it, `last`, or `last~1` for the one before
    #[arg(long, value_name = "RUN", help_heading = "Data")]
    pub run: String,
    /// Judge what was recorded, although files of the run have changed or are gone since
    #[arg(long, conflicts_with = "recompute", help_heading = "Data")]
    pub as_recorded: bool,
    /// Read the files again where states are not in the store any more, or were never made
    #[arg(long, help_heading = "Data")]
    pub recompute: bool,
    /// Compare golden symbol GOLD with candidate symbol CAND; may be repeated [default: as in the run]
    #[arg(long, value_name = "GOLD=CAND", value_parser = parse_map, help_heading = "Data")]
    pub map: Vec<(String, String)>,
    /// A suite file, or the name of a built-in suite [default: the suite of the run]
    #[arg(long, value_name = "FILE|NAME", help_heading = "Judging")]
    pub suite: Option<String>,
    /// What the verdict claims [default: the suite's]
    #[arg(long, value_enum, help_heading = "Judging")]
    pub scope: Option<ScopeArg>,
    /// How the two sides are matched [default: the suite's]
    #[arg(long, value_enum, help_heading = "Judging")]
    pub pairing: Option<PairingArg>,
    /// Where report.html, report.json, report.md and junit.xml go
    #[arg(
        long,
        value_name = "DIR",
        default_value = "verismo-report",
        env = "VERISMO_OUT",
        hide_env_values = true,
        help_heading = "Output"
    )]
    pub out: PathBuf,
    /// Also write the JSON report to FILE; `-` prints it instead of the text report
    #[arg(long, value_name = "FILE|-", help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Threads to use [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads, env = "VERISMO_THREADS", hide_env_values = true, help_heading = "Running")]
    pub threads: Option<usize>,
    /// Where the run and its states are.
    #[command(flatten)]
    pub place: RunPlaceArgs,
}

/// Where a recorded run and its states are.
#[derive(Debug, Clone, Default, Args)]
pub struct RunPlaceArgs {
    /// Where the run is recorded and its states are kept, as for `validate` [env: VERISMO_STORE] [default: .verismo beside the suite file, else
    /// verismo in the user's cache directory]
    #[arg(long, value_name = "DIR|URL", help_heading = "Running")]
    pub store: Option<String>,
    /// Read all files to see whether they changed, whatever their times and sizes say
    #[arg(long, help_heading = "Running")]
    pub verify_files: bool,
    /// How long a store that is not on this machine may take to answer.
    #[command(flatten)]
    pub timeout: TimeoutArgs,
}
