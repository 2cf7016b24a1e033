//! `verismo validate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DayArgs, InputFormat, LimitArgs, StoreArgs, parse_map, parse_threads};

/// What the verdict claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScopeArg {
    /// Do these stretches of data agree?
    TheseStretches,
    /// Would other days agree too? Often INCONCLUSIVE, rightly.
    Population,
}

/// How golden and candidate are matched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PairingArg {
    /// Aligned where at least 90 % of the common ids agree, else distributional.
    #[default]
    Auto,
    /// The candidate replays the golden: the same windows are compared.
    Aligned,
    /// Only the distributions are compared.
    Distributional,
}

const VALIDATE_EXAMPLES: &str = "\
Examples:
  verismo validate --golden capture/ --candidate rebuilt/
  verismo validate --golden 'capture/*.jsonl.gz' --candidate rebuilt/ --suite strict.yaml
  verismo validate --golden a.csv --candidate b.csv --format table --time timestamp
  verismo validate --golden capture@gold --candidate rebuilt/
  verismo validate --golden g/ --candidate c/ --map BTCUSDT=BTC-PERP --json - | jq .verdict

Exit codes: 0 PASS, 1 FAIL, 2 usage, 3 INCONCLUSIVE, 4 ERROR, 130 interrupted.";

/// Judge a candidate stream against its golden capture.
#[derive(Debug, Clone, Args)]
#[command(after_help = VALIDATE_EXAMPLES)]
pub struct ValidateArgs {
    /// The reference capture: files, directories, glob patterns or versions (DATA@VERSION)
    #[arg(long, required = true, num_args = 1.., value_name = "PATH", help_heading = "Data")]
    pub golden: Vec<PathBuf>,
    /// The data under test: files, directories, glob patterns or versions
    #[arg(long, required = true, num_args = 1.., value_name = "PATH", help_heading = "Data")]
    pub candidate: Vec<PathBuf>,
    /// Format of the input files
    #[arg(long, value_enum, default_value_t, env = "VERISMO_FORMAT", hide_env_values = true, help_heading = "Data")]
    pub format: InputFormat,
    /// The time column of a table
    #[arg(long, value_name = "COLUMN", env = "VERISMO_TIME", hide_env_values = true, help_heading = "Data")]
    pub time: Option<String>,
    /// What makes a time of day a time.
    #[command(flatten)]
    pub day: DayArgs,
    /// What readers take at most.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Judge this symbol only
    #[arg(long, value_name = "S", help_heading = "Data")]
    pub symbol: Option<String>,
    /// Compare golden symbol GOLD with candidate symbol CAND; may be repeated
    #[arg(long, value_name = "GOLD=CAND", value_parser = parse_map, help_heading = "Data")]
    pub map: Vec<(String, String)>,
    /// A suite file, or the name of a built-in suite (comprehensive, integrity, joint, light, lob-bench, market, microstructure, table)
    #[arg(long, value_name = "FILE|NAME", env = "VERISMO_SUITE", hide_env_values = true, help_heading = "Judging")]
    pub suite: Option<String>,
    /// What the verdict claims [default: the suite's]
    #[arg(long, value_enum, env = "VERISMO_SCOPE", hide_env_values = true, help_heading = "Judging")]
    pub scope: Option<ScopeArg>,
    /// How the two sides are matched [default: the suite's, else auto]
    #[arg(long, value_enum, env = "VERISMO_PAIRING", hide_env_values = true, help_heading = "Judging")]
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
    /// Where the run is recorded, and its states are kept.
    #[command(flatten)]
    pub store: StoreArgs,
}
