//! What `verismo lob-bench` can be asked.

use std::path::PathBuf;

use clap::{Args, value_parser};

use super::{LimitArgs, ScopeArg, parse_threads};

const EXAMPLES: &str = "\
Examples:
  verismo lob-bench --real data/GOOG/data_real --generated data/GOOG/data_gen
  verismo lob-bench --real real/ --generated generated/ --json - | jq .scores
  verismo lob-bench --real monday/ --generated tuesday/ --levels 5

A sequence is a pair of LOBSTER files, X_message_real_id_0.csv and X_orderbook_real_id_0.csv,
generated ones with _gen_id_M behind, or a whole day, X_message_10.csv and X_orderbook_10.csv;
plain, .gz or .zst. Intervals need 12 sequences a side, or long ones, which are cut.

Exit codes: 0 scored, 2 usage, 4 ERROR (data there but unusable), 130 interrupted.";

/// Score generated order-book data as LOB-Bench does.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct LobBenchArgs {
    /// The real sequences: a folder of pairs of LOBSTER files, or one message file
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    pub real: PathBuf,
    /// The generated sequences: a folder of pairs of LOBSTER files, or one message file
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    pub generated: PathBuf,
    /// Levels of the order book that are scored [default: those of the first real sequence, at most 10]
    #[arg(long, value_name = "N", value_parser = value_parser!(u8).range(1..=10), help_heading = "Data")]
    pub levels: Option<u8>,
    /// What the intervals claim: these sequences, or (guarding against long memory, often saying little) others of their kind
    #[arg(
        long,
        value_enum,
        default_value = "these-stretches",
        hide_possible_values = true,
        env = "VERISMO_SCOPE",
        hide_env_values = true,
        help_heading = "Judging"
    )]
    pub scope: ScopeArg,
    /// What readers take at most.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Also write the scores as JSON to FILE; `-` prints them instead of the text
    #[arg(long, value_name = "FILE|-", help_heading = "Output")]
    pub json: Option<PathBuf>,
    /// Threads to use [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads, env = "VERISMO_THREADS", hide_env_values = true, help_heading = "Running")]
    pub threads: Option<usize>,
}
