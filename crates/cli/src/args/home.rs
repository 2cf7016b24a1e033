//! Where runs are recorded, and where they are looked up.

use clap::Args;

/// Whether and where a run is recorded.
#[derive(Debug, Clone, Default, Args)]
pub struct RecordArgs {
    /// Where verismo keeps its runs [env: VERISMO_STORE] [default: .verismo beside the suite file, else verismo in the user's cache directory]
    #[arg(long, value_name = "DIR", help_heading = "Running")]
    pub store: Option<String>,
    /// Record nothing
    #[arg(long, conflicts_with = "store", help_heading = "Running")]
    pub no_store: bool,
}

/// Where recorded runs are looked up.
#[derive(Debug, Clone, Default, Args)]
pub struct HomeArgs {
    /// Where verismo keeps its runs [env: VERISMO_STORE] [default: verismo in the user's cache directory]
    #[arg(long, value_name = "DIR")]
    pub store: Option<String>,
}
