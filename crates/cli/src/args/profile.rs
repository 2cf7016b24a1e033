//! `verismo profile`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{DayArgs, HomeArgs, InputFormat, LimitArgs, parse_threads};

const PROFILE_EXAMPLES: &str = "\
Examples:
  verismo profile capture/
  verismo profile trades.csv --time ts
  verismo profile capture/ --symbol BTCUSDT --format json | jq '.streams[0].rate'
  verismo profile capture/ --format html > capture.html

Exit codes: 0 profiled, whatever is wrong with the data; 2 usage, 4 nothing can be read, 130 interrupted.";

/// Say what a data set is.
#[derive(Debug, Clone, Args)]
#[command(after_help = PROFILE_EXAMPLES)]
pub struct ProfileArgs {
    /// The data set: files, directories, glob patterns or versions (DATA@VERSION)
    #[arg(value_name = "PATH", required = true, num_args = 1..)]
    pub paths: Vec<PathBuf>,
    /// Write this format to standard output [default: text]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<ProfileFormat>,
    /// Format of the input files
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        env = "VERISMO_FORMAT",
        hide_env_values = true,
        help_heading = "Data"
    )]
    pub input_format: InputFormat,
    /// The time column of a table
    #[arg(long, value_name = "COLUMN", env = "VERISMO_TIME", hide_env_values = true, help_heading = "Data")]
    pub time: Option<String>,
    /// Profile this symbol only
    #[arg(long, value_name = "S", help_heading = "Data")]
    pub symbol: Option<String>,
    /// What makes a time of day a time.
    #[command(flatten)]
    pub day: DayArgs,
    /// What readers take at most.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// A suite file, or the name of a built-in suite (comprehensive, integrity, joint, light, lob-bench, market, microstructure, table): what is measured, and the margins to reach
    #[arg(long, value_name = "FILE|NAME", env = "VERISMO_SUITE", hide_env_values = true, help_heading = "Judging")]
    pub suite: Option<String>,
    /// Threads to use [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads, env = "VERISMO_THREADS", hide_env_values = true, help_heading = "Running")]
    pub threads: Option<usize>,
    /// Where versions are looked up.
    #[command(flatten)]
    pub home: HomeArgs,
}

/// Formats of a profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProfileFormat {
    /// For a terminal.
    #[default]
    Text,
    /// Schema verismo.profile/1.
    Json,
    /// One self-contained page.
    Html,
}
