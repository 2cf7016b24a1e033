//! What `verismo bench` can be asked.

use std::path::PathBuf;

use clap::{Args, ValueEnum, value_parser};

const EXAMPLES: &str = "\
Examples:
  verismo bench
  verismo bench --format events-parquet --events 800000 --runs 5
  verismo bench --golden capture/ --candidate rebuilt/ --json bench.json

Times are medians; files come from the cache of the system after the first run. Exit codes: 0 measured, 2 usage, 4 ERROR.";

/// Measure what a validation costs on this machine.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    /// The golden: files, directories or glob patterns; simulated if not given
    #[arg(long, num_args = 1.., value_name = "PATH", help_heading = "Data")]
    pub golden: Vec<PathBuf>,
    /// The candidate [default: the golden itself]
    #[arg(long, num_args = 1.., value_name = "PATH", requires = "golden", help_heading = "Data")]
    pub candidate: Vec<PathBuf>,
    /// Format of the simulated data
    #[arg(long, value_enum, default_value_t, conflicts_with = "golden", help_heading = "Data")]
    pub format: BenchFormat,
    /// Messages of the simulated data, a side
    #[arg(
        long,
        value_name = "N",
        default_value_t = 500_000,
        value_parser = value_parser!(u64).range(1_000..),
        conflicts_with = "golden",
        help_heading = "Data"
    )]
    pub events: u64,
    /// Compress simulated text with gzip
    #[arg(long, conflicts_with = "golden", help_heading = "Data")]
    pub gzip: bool,
    /// Seed of the simulated data
    #[arg(long, value_name = "S", default_value_t = 1, conflicts_with = "golden", help_heading = "Data")]
    pub seed: u64,
    /// A suite file, or the name of a built-in suite
    #[arg(long, value_name = "FILE|NAME", env = "VERISMO_SUITE", hide_env_values = true, help_heading = "Data")]
    pub suite: Option<String>,
    /// The time column of a table
    #[arg(long, value_name = "COLUMN", env = "VERISMO_TIME", hide_env_values = true, help_heading = "Data")]
    pub time: Option<String>,
    /// How often everything is run
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u16).range(1..=1_000))]
    pub runs: u16,
    /// Threads of the fast runs [default: one per core]
    #[arg(long, value_name = "N", value_parser = super::parse_threads, env = "VERISMO_THREADS", hide_env_values = true)]
    pub threads: Option<usize>,
    /// Also write the figures as JSON to FILE; `-` prints them instead of the text
    #[arg(long, value_name = "FILE|-", help_heading = "Output")]
    pub json: Option<PathBuf>,
}

/// Formats that are simulated for a benchmark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum BenchFormat {
    /// Captured exchange messages, a JSON object a line.
    #[default]
    GoldenJsonl,
    /// Unified market events in hourly Parquet files.
    EventsParquet,
}
