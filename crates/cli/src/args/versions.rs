//! `verismo snapshot`, `verismo versions` and `verismo diff`.

use std::path::PathBuf;

use clap::Args;

use super::{DayArgs, HomeArgs, InputFormat, LimitArgs, parse_threads};

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  verismo snapshot capture/
  verismo snapshot capture/ --tag gold-2026-11 --message \"after the gap of 14:05 was filled\"
  verismo snapshot rebuilt/ --branch new-parser
  verismo snapshot table@delta:12 --tag gold
      what DVC or a Delta table say are the files of a version
  verismo snapshot capture@3f2a --tag gold
      a tag for a version that is recorded already

A version is named DATA@VERSION: its tag, its branch (the latest there), or the first digits of its digest.
Exit codes: 0 recorded, or recorded already; 2 usage, 4 data or a home that cannot be used, 130 interrupted.";

/// Record which files a data set consists of now.
#[derive(Debug, Clone, Args)]
#[command(after_help = SNAPSHOT_EXAMPLES)]
pub struct SnapshotArgs {
    /// The data set: a directory or a file, DATA@dvc, DATA@delta:VERSION, or DATA@VERSION to tag
    #[arg(value_name = "DATA")]
    pub data: PathBuf,
    /// Name of the data set [default: the one it has, else that of its directory]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Branch that the version is put on
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    pub branch: String,
    /// Tag for the version
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Move the tag if it names another version
    #[arg(long, requires = "tag")]
    pub force: bool,
    /// What to remember of it
    #[arg(long, short, value_name = "TEXT")]
    pub message: Option<String>,
    /// Show what is recorded of the data set instead, as `verismo versions` does
    #[arg(long, conflicts_with_all = ["name", "tag", "message"])]
    pub list: bool,
    /// Format of the files
    #[arg(long, value_enum, default_value_t, env = "VERISMO_FORMAT", hide_env_values = true)]
    pub format: InputFormat,
    /// Read all files, whatever their times and sizes say
    #[arg(long)]
    pub verify_files: bool,
    /// Also write JSON (verismo.snapshot/1) to FILE; `-` prints it instead of the text
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Threads to use [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads, env = "VERISMO_THREADS", hide_env_values = true)]
    pub threads: Option<usize>,
    /// Where it is recorded.
    #[command(flatten)]
    pub home: HomeArgs,
}

const VERSIONS_EXAMPLES: &str = "\
Examples:
  verismo versions
  verismo versions capture/
  verismo versions capture --json - | jq -r '.sets[0].versions[] | select(.tags != []) | .version'

Exit codes: 0 listed, also where there is none; 2 no such data set; 4 the record of a data set is damaged.";

/// List the recorded versions of data sets.
#[derive(Debug, Clone, Args)]
#[command(after_help = VERSIONS_EXAMPLES)]
pub struct VersionsArgs {
    /// Only of this data set: its place or its name
    #[arg(value_name = "DATA|NAME")]
    pub data: Option<String>,
    /// Also write JSON (verismo.versions/1) to FILE; `-` prints it instead of the text
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Where they are.
    #[command(flatten)]
    pub home: HomeArgs,
}

const DIFF_EXAMPLES: &str = "\
Examples:
  verismo diff capture@gold capture/
      what changed since the tag
  verismo diff capture@gold @main
      two versions of one data set; the files need not be there any more
  verismo diff table@delta:3 table@delta:7 --json - | jq '.files[] | select(.change == \"changed\")'
  verismo diff capture@gold capture/ --distributions
      also judges the second against the first, from kept states where there are some

Exit codes: 0 the same files with the same contents, 1 they differ, 2 usage, 4 a version that cannot be read, 130 interrupted.";

/// Say what changed between two versions, or two data sets.
#[derive(Debug, Clone, Args)]
#[command(after_help = DIFF_EXAMPLES)]
pub struct DiffArgs {
    /// The first: a version DATA@VERSION, or a data set as it is now
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// The second; @VERSION is one of the same data set
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
    /// Name every file that differs
    #[arg(long)]
    pub all: bool,
    /// Also compare the distributions of both, as `verismo validate` does; without it only if that takes no data to be read
    #[arg(long)]
    pub distributions: bool,
    /// A suite file, or the name of a built-in suite: which distributions
    #[arg(long, value_name = "FILE|NAME")]
    pub suite: Option<String>,
    /// Format of the files
    #[arg(long, value_enum, default_value_t, env = "VERISMO_FORMAT", hide_env_values = true)]
    pub format: InputFormat,
    /// The time column of a table
    #[arg(long, value_name = "COLUMN", env = "VERISMO_TIME", hide_env_values = true)]
    pub time: Option<String>,
    /// What makes a time of day a time.
    #[command(flatten)]
    pub day: DayArgs,
    /// What readers take at most.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Also write JSON (verismo.diff/1) to FILE; `-` prints it instead of the text
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
    /// Threads to use [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads, env = "VERISMO_THREADS", hide_env_values = true)]
    pub threads: Option<usize>,
    /// Where versions are recorded.
    #[command(flatten)]
    pub home: HomeArgs,
}
