//! What `verismo power` can be asked.

use std::path::PathBuf;

use clap::{Args, value_parser};

const EXAMPLES: &str = "\
Examples:
  verismo power
      every kind of fault at six amounts, and false alarms, with the suite market
  verismo power --suite strict.yaml --fault drop:0.001,0.01 --fault widen-spread --runs 20 --html power.html
  verismo power --golden capture/ --fault smooth-sizes
      the faults in your own data: every candidate is a damaged copy of them

Exit codes: 0 measured, whatever was found; 2 usage, 4 ERROR, 130 interrupted.";

/// Find the smallest fault that a suite sees, and how often it cries wolf.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct PowerArgs {
    /// A suite file, or the name of a built-in suite [default: market]
    #[arg(long, value_name = "FILE|NAME", env = "VERISMO_SUITE", hide_env_values = true, help_heading = "Judging")]
    pub suite: Option<String>,
    /// Fault with amounts, KIND[:AMOUNT,AMOUNT...]; may be repeated [default: all kinds of messages, at up to six amounts]
    #[arg(long, value_name = "FAULT", help_heading = "Judging")]
    pub fault: Vec<String>,
    /// Damage these data: files, directories or glob patterns; markets are simulated if not given
    #[arg(long, num_args = 1.., value_name = "PATH", conflicts_with_all = ["events", "replay", "pairs"], help_heading = "Data")]
    pub golden: Vec<PathBuf>,
    /// Messages of a simulated market
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = value_parser!(u64).range(1_000..), help_heading = "Data")]
    pub events: u64,
    /// The candidate replays the golden's own market; without it, it is another market of the same law
    #[arg(long, help_heading = "Data")]
    pub replay: bool,
    /// Seed of the first run
    #[arg(long, value_name = "S", default_value_t = 1, help_heading = "Data")]
    pub seed: u64,
    /// Runs for every fault and amount
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=100_000), help_heading = "Running")]
    pub runs: u32,
    /// Pairs of markets without a fault, for the rate of false alarms
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = value_parser!(u32).range(0..=100_000), help_heading = "Running")]
    pub pairs: u32,
    /// Threads to use [default: one per core]
    #[arg(long, value_name = "N", value_parser = super::parse_threads, env = "VERISMO_THREADS", hide_env_values = true, help_heading = "Running")]
    pub threads: Option<usize>,
    /// Also write the figures as JSON to FILE; `-` prints them instead of the text
    #[arg(long, value_name = "FILE|-", help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Also write a page with the detection curves
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
}
