//! Where runs are recorded and states are kept, and where they are looked up.

use clap::{Args, value_parser};

use super::cache::{Size, parse_size};

/// Whether and where a run is recorded.
#[derive(Debug, Clone, Default, Args)]
pub struct RecordArgs {
    /// Where verismo keeps its runs [env: VERISMO_STORE] [default: verismo in the user's cache directory]
    #[arg(long, value_name = "DIR", help_heading = "Running")]
    pub store: Option<String>,
    /// Record nothing
    #[arg(long, conflicts_with = "store", help_heading = "Running")]
    pub no_store: bool,
}

/// Whether and where a run is recorded, and the states of its files are kept for the next one.
#[derive(Debug, Clone, Default, Args)]
pub struct StoreArgs {
    /// Where verismo keeps runs, and states so that the next run does not read again what did not change: a folder, or for the states the
    /// URL of a bucket such as s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX [env: VERISMO_STORE] [default: .verismo beside the
    /// suite file, else verismo in the user's cache directory]
    #[arg(long, value_name = "DIR|URL", help_heading = "Running")]
    pub store: Option<String>,
    /// Record nothing, and neither use nor keep states
    #[arg(long, conflicts_with_all = ["store", "verify_files"], help_heading = "Running")]
    pub no_store: bool,
    /// Read all files to see whether they changed since their states were kept, whatever their times and sizes say
    #[arg(long, help_heading = "Running")]
    pub verify_files: bool,
    /// What the states in a folder may take, such as 500MB; the least recently used go; `none` for any size
    #[arg(
        long,
        value_name = "SIZE",
        value_parser = parse_size,
        default_value = "20GiB",
        env = "VERISMO_STORE_MAX",
        hide_env_values = true,
        hide_short_help = true,
        help_heading = "Running"
    )]
    pub store_max: Size,
    /// How long a store that is not on this machine may take to answer; after that the run goes on without it
    #[command(flatten)]
    pub timeout: TimeoutArgs,
}

/// How long a store may take.
#[derive(Debug, Clone, Args)]
pub struct TimeoutArgs {
    /// Seconds that a store at a URL may take to answer; a run then goes on without it
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = TIMEOUT_S,
        value_parser = value_parser!(u32).range(1..=3_600),
        env = "VERISMO_STORE_TIMEOUT",
        hide_env_values = true,
        hide_short_help = true,
        help_heading = "Running"
    )]
    pub store_timeout: u32,
}

/// Seconds that a store may take unless others are given.
const TIMEOUT_S: u32 = 30;

impl Default for TimeoutArgs {
    fn default() -> Self {
        Self { store_timeout: TIMEOUT_S }
    }
}

impl StoreArgs {
    /// The part that is about the record.
    pub fn record(&self) -> RecordArgs {
        RecordArgs { store: self.store.clone(), no_store: self.no_store }
    }
}

/// Where recorded runs are looked up.
#[derive(Debug, Clone, Default, Args)]
pub struct HomeArgs {
    /// Where verismo keeps its runs [env: VERISMO_STORE] [default: verismo in the user's cache directory]
    #[arg(long, value_name = "DIR")]
    pub store: Option<String>,
}
