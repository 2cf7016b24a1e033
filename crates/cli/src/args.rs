//! The command line: what can be asked, with its help.

mod bench;
mod cache;
mod certificate;
mod compare;
mod explain;
mod home;
mod judge;
mod limits;
mod lob_bench;
mod man;
mod power;
mod profile;
mod report;
mod runs;
mod validate;
mod versions;
mod what_if;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, value_parser};

pub use bench::{BenchArgs, BenchFormat};
pub use cache::{CacheArgs, CacheCommand, GcArgs, PlaceArgs, Size, StatsArgs, parse_size};
pub use certificate::{CertifyArgs, KeygenArgs, VerifyArgs};
pub use compare::{CompareArgs, CompareFormat};
pub use explain::{ExplainArgs, ExplainFormat};
pub use home::{HomeArgs, RecordArgs, StoreArgs, TimeoutArgs};
pub use judge::{JudgeArgs, RunPlaceArgs};
pub use limits::LimitArgs;
pub use lob_bench::LobBenchArgs;
pub use man::ManArgs;
pub use power::PowerArgs;
pub use profile::{ProfileArgs, ProfileFormat};
pub use report::{ReportArgs, ReportFormat};
pub use runs::{ExplainCacheArgs, RunsArgs, ShowArgs, VerdictArg};
pub use validate::{PairingArg, ScopeArg, ValidateArgs};
pub use versions::{DiffArgs, SnapshotArgs, VersionsArgs};
pub use what_if::{GoalArg, UnitArg, WhatIfArgs};

const EXAMPLES: &str = "\
Examples:
  verismo demo
      simulate a small exchange, damage its reconstruction in known ways, judge each
  verismo validate --golden capture/ --candidate rebuilt/
      judge a reconstruction against the capture it was built from
  verismo validate --golden day1.parquet --candidate day2.parquet --time ts
      compare every numeric column of two tables

Exit codes: 0 PASS, 1 FAIL, 2 usage, 3 INCONCLUSIVE, 4 ERROR (data there but unusable), 130 interrupted.
Every option with an environment variable takes its value from there when the flag is absent.";

/// Is this event stream still true to the golden capture, well enough to train on it?
#[derive(Debug, Parser)]
#[command(name = "verismo", version, after_help = EXAMPLES, arg_required_else_help = true, max_term_width = 110)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct GlobalArgs {
    /// Say more on standard error: -v what is done, -vv details
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
    /// Say errors only: no warnings, no progress bar
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// How logs are written to standard error: text or json
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true,
        env = "VERISMO_LOG_FORMAT",
        hide_env_values = true,
        help_heading = "Output"
    )]
    pub log_format: LogFormat,
    /// When to use colours: always, never, or auto (on a terminal or with CLICOLOR_FORCE, unless NO_COLOR is set)
    #[arg(
        long = "color",
        alias = "colour",
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true,
        env = "VERISMO_COLOR",
        hide_env_values = true,
        help_heading = "Output"
    )]
    pub colour: Colour,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line of words.
    #[default]
    Text,
    /// A line of JSON.
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge a candidate stream against its golden capture
    ///
    /// Reads both sides, compares every observable of the suite with its margin, and counts broken rows, gaps and other
    /// damage. Writes report.html, report.json, report.md and junit.xml to --out and a summary to standard output.
    Validate(Box<ValidateArgs>),
    /// Show what verismo does, on a simulated market with known faults
    ///
    /// Simulates a small exchange, writes a golden capture, a faithful reconstruction and several damaged ones, judges each
    /// against the golden, and shows the verdicts with the reason for each.
    Demo(DemoArgs),
    /// Write a data set of a seeded simulated exchange
    ///
    /// A matching order book with clustered arrivals, heavy-tailed sizes and a daily rhythm. golden-jsonl is what a capture of
    /// the exchange would hold (100 ms depth messages, millisecond clock), events-parquet what a reconstruction would write
    /// (one row per level, nanosecond clock, hourly files, each starting with the full book).
    Simulate(SimulateArgs),
    /// Damage a data set in a known way
    ///
    /// Reads a data set, applies the faults in the order given, writes it in the same format, and says in inject.json what
    /// was done.
    Inject(InjectArgs),
    /// Write a commented suite file to start from
    ///
    /// With --golden, margins are proposed from what that much data can resolve, and those out of its reach are marked.
    Init(InitArgs),
    /// Check a suite file, with the line of every problem
    ///
    /// Prints a summary and ends with 0 if the suite is good; else prints every problem as file:line:column and ends with 2.
    CheckSuite(CheckSuiteArgs),
    /// List what can be measured, or explain one observable, check or test
    Metrics(MetricsArgs),
    /// Write the completion script of a shell
    Completions(CompletionsArgs),
    /// Render a report again from its report.json: text, HTML, Markdown, JUnit
    Report(ReportArgs),
    /// Say what a data set is: streams, rates, laws, and what it can resolve
    ///
    /// Reads the data once (tables twice) and shows format, streams, spans, rates, tick and lot, the book, every observable of
    /// the suite, by how much the data set differs from itself, which margins it can resolve, and what is wrong with it.
    Profile(Box<ProfileArgs>),
    /// Tell the story of one finding or one integrity check of a report
    ///
    /// What it is, what was compared, the effect against its margin, where and when the sides differ, what the numbers mean and
    /// what to do next.
    Explain(ExplainArgs),
    /// Say what changed between two reports
    ///
    /// Which findings and checks got worse, better, newly covered or lost. Ends with 1 if the second report is worse.
    Compare(CompareArgs),
    /// List the runs of the ledger, or one finding over them
    ///
    /// Every run of `validate` is recorded with its report. Filters choose among them; --trend shows what an observable came to
    /// in each, with its interval and margin.
    Runs(RunsArgs),
    /// Show the report of a recorded run again: text, HTML, Markdown, JUnit, JSON
    Show(ShowArgs),
    /// Judge a recorded run again, under another suite, from its stored states
    ///
    /// Takes the states that the run left in the store: no file of it is read, unless --recompute is given and states are gone or were never
    /// made. Writes and records what `validate` does; the record names the run that was judged again.
    Judge(Box<JudgeArgs>),
    /// Judge a recorded run without a part of its data, or find what it fails by
    ///
    /// Leaves windows, hours or symbols out of the stored states, judges what is left, and shows what changed. With --find it looks for few
    /// windows without which a FAIL is none.
    WhatIf(Box<WhatIfArgs>),
    /// Say how much of a run came from the store of states, and why the rest did not
    ///
    /// For each piece that was computed: whether its bytes changed, what goes on from what was before, how it is observed, the code,
    /// or which observables were asked for.
    ExplainCache(ExplainCacheArgs),
    /// Say what the store of states holds, or make it smaller
    Cache(CacheArgs),
    /// Sign what a run came to, as JSON to send on
    ///
    /// The certificate holds the verdict, the digests of run, suite and inputs, the versions and the digest of the report, with
    /// an Ed25519 signature over all of it.
    Certify(CertifyArgs),
    /// Check a certificate, its report, and with --audit its states against the files
    Verify(Box<VerifyArgs>),
    /// Make a key for certificates
    Keygen(KeygenArgs),
    /// Measure what a validation costs on this machine
    ///
    /// Takes data or simulates some, times every stage on one thread, then the whole command in processes of their own on one
    /// thread and on all, and says how near the run is to what decoding alone costs.
    Bench(BenchArgs),
    /// Score generated order-book data as LOB-Bench does (arXiv 2502.09172)
    ///
    /// Reads sequences of LOBSTER files, real and generated, and gives the benchmark's 21 scores (total variation and standardised
    /// Wasserstein distance), the three conditional ones and the six of price impact, with intervals that hold for dependent data.
    LobBench(Box<LobBenchArgs>),
    /// Find the smallest fault that a suite sees, and how often it cries wolf
    ///
    /// Puts faults of rising amounts into simulated markets, or into your data, judges each against its golden, and shows for every
    /// fault from which amount on the run and each metric sees it. Pairs of markets without a fault give the rate of false alarms.
    Power(PowerArgs),
    /// Record which files a data set consists of now
    ///
    /// The version is the digest of paths and contents: the same content is the same version. `validate`, `profile` and `diff` then
    /// take DATA@VERSION, and say so if the files are no longer those.
    Snapshot(SnapshotArgs),
    /// List the recorded versions of data sets
    Versions(VersionsArgs),
    /// Say what changed between two versions, or two data sets
    ///
    /// Files that were added, removed, changed and moved, by folder, and which distributions changed where that is known.
    Diff(Box<DiffArgs>),
    /// Write the manual pages
    Man(ManArgs),
}

/// Formats of input; `auto` looks into the files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// Told from the content of the files.
    #[default]
    Auto,
    /// Captured exchange messages, a JSON object a line, plain, .gz or .zst.
    GoldenJsonl,
    /// Unified market events, a row per trade or level, a tree of Parquet files.
    EventsParquet,
    /// Any Parquet or CSV table with numeric columns.
    Table,
    /// Messages of the Coinbase full channel and level-3 books, JSON.
    CoinbaseFull,
    /// Bitstamp order events and trades, CSV.
    Bitstamp,
    /// Databento binary encoding: orders, price levels or trades.
    Dbn,
    /// Binance archives (trades, aggTrades, bookTicker, depth) and streams row by row, CSV.
    BinanceCsv,
    /// Crypto Lake tables: trades, book and book_delta_v2, Parquet.
    CryptoLake,
    /// LOBSTER messages and order books, CSV.
    Lobster,
}

/// What makes a time of day a time.
#[derive(Debug, Clone, Default, Args)]
pub struct DayArgs {
    /// Time zone of files that tell times of day (lobster) [default: America/New_York]
    #[arg(long, value_name = "ZONE", env = "VERISMO_TZ", hide_env_values = true, help_heading = "Data")]
    pub tz: Option<String>,
    /// Date of files that tell times of day and whose name tells no date (lobster) [default: 2000-01-01]
    #[arg(long, value_name = "YYYY-MM-DD", env = "VERISMO_DATE", hide_env_values = true, help_heading = "Data")]
    pub date: Option<String>,
}

/// Formats that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Captured exchange messages, a JSON object a line.
    GoldenJsonl,
    /// Unified market events in hourly Parquet files with a manifest.
    EventsParquet,
    /// Binance streams as CSV, a row per trade or level.
    BinanceCsv,
    /// Crypto Lake tables, Parquet.
    CryptoLake,
    /// Messages of the Coinbase full channel and level-3 books: the market order by order.
    CoinbaseFull,
    /// Bitstamp order events and trades: the market order by order.
    Bitstamp,
    /// Databento binary encoding: the market order by order, always in whole shares.
    Dbn,
    /// LOBSTER messages and order books: the market order by order, always in whole shares.
    Lobster,
}

const DEMO_EXAMPLES: &str = "\
Examples:
  verismo demo
  verismo demo --events 1000000 --seed 7 --out /tmp/demo

Exit codes: 0 the faithful reconstruction passes and every fault is caught, 1 otherwise.";

/// Show what verismo does, on a simulated market with known faults.
#[derive(Debug, Clone, Args)]
#[command(after_help = DEMO_EXAMPLES)]
pub struct DemoArgs {
    /// Where the data sets and the reports go
    #[arg(long, value_name = "DIR", default_value = "verismo-demo")]
    pub out: PathBuf,
    /// Messages of the simulated capture
    #[arg(long, value_name = "N", default_value_t = 300_000, value_parser = value_parser!(u64).range(1_000..))]
    pub events: u64,
    /// Seed of the market and of the faults
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Threads to use [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads, env = "VERISMO_THREADS", hide_env_values = true)]
    pub threads: Option<usize>,
    /// Where the runs are recorded.
    #[command(flatten)]
    pub record: RecordArgs,
}

const SIMULATE_EXAMPLES: &str = "\
Examples:
  verismo simulate --format golden-jsonl --events 1000000 --seed 1 --out golden/ --gzip
  verismo simulate --format events-parquet --events 1000000 --seed 1 --out candidate/

The same seed gives the same market in every format.";

/// Write a data set of a seeded simulated exchange.
#[derive(Debug, Clone, Args)]
#[command(after_help = SIMULATE_EXAMPLES)]
pub struct SimulateArgs {
    /// An empty or new directory for the data set
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Format of the data set
    #[arg(long, value_enum)]
    pub format: OutputFormat,
    /// Messages to write, over all symbols
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub events: u64,
    /// Seed of the market
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Number of symbols, each a market of its own
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = value_parser!(u32).range(1..=1_000))]
    pub symbols: u32,
    /// Compress text files with gzip
    #[arg(long)]
    pub gzip: bool,
    /// Quantities in whole shares and prices in cents, as Databento and LOBSTER need them
    #[arg(long)]
    pub shares: bool,
}

const INJECT_EXAMPLES: &str = "\
Examples:
  verismo inject --list
  verismo inject --in candidate/ --out damaged/ --fault drop:0.01 --seed 1
  verismo inject --in candidate/ --out damaged/ --fault jitter --fault widen-spread --seed 1";

/// Damage a data set in a known way.
#[derive(Debug, Clone, Args)]
#[command(after_help = INJECT_EXAMPLES)]
pub struct InjectArgs {
    /// List the faults with their default amounts, one a line
    #[arg(long)]
    pub list: bool,
    /// The data set: a file or a directory
    #[arg(long = "in", value_name = "PATH", required_unless_present = "list")]
    pub input: Option<PathBuf>,
    /// An empty or new directory for the damaged data set
    #[arg(long, value_name = "DIR", required_unless_present = "list")]
    pub out: Option<PathBuf>,
    /// A fault, with its amount if not the default; may be repeated
    #[arg(long, value_name = "KIND[:AMOUNT]", num_args = 1.., required_unless_present = "list")]
    pub fault: Vec<String>,
    /// Seed of the damage
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
}

const INIT_EXAMPLES: &str = "\
Examples:
  verismo init
  verismo init --golden capture/ --out market.yaml";

/// Write a commented suite file to start from.
#[derive(Debug, Clone, Args)]
#[command(after_help = INIT_EXAMPLES)]
pub struct InitArgs {
    /// The file to write; `-` prints it
    #[arg(long, value_name = "FILE", default_value = "verismo.yaml")]
    pub out: PathBuf,
    /// A golden capture to propose margins from: files, directories or glob patterns
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub golden: Vec<PathBuf>,
    /// The built-in suite to start from [default: market, or table when --golden is a table]
    #[arg(long, value_name = "NAME")]
    pub suite: Option<String>,
    /// Format of the golden files
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
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
    /// Threads to use [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads, env = "VERISMO_THREADS", hide_env_values = true)]
    pub threads: Option<usize>,
}

const CHECK_SUITE_EXAMPLES: &str = "\
Examples:
  verismo check-suite verismo.yaml

Exit codes: 0 the suite is good, 2 it is not.";

/// Check a suite file, with the line of every problem.
#[derive(Debug, Clone, Args)]
#[command(after_help = CHECK_SUITE_EXAMPLES)]
pub struct CheckSuiteArgs {
    /// The suite file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

const METRICS_EXAMPLES: &str = "\
Examples:
  verismo metrics
  verismo metrics spread
  verismo metrics sequence_gap";

/// List what can be measured, or explain one observable, check or test.
#[derive(Debug, Clone, Args)]
#[command(after_help = METRICS_EXAMPLES)]
pub struct MetricsArgs {
    /// The observable, integrity check or test to explain; all are listed without it
    #[arg(value_name = "ID")]
    pub id: Option<String>,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  verismo completions bash > ~/.local/share/bash-completion/completions/verismo
  verismo completions zsh > ~/.zfunc/_verismo
  verismo completions fish > ~/.config/fish/completions/verismo.fish";

/// Write the completion script of a shell.
#[derive(Debug, Clone, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

fn parse_map(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((golden, candidate)) if !golden.is_empty() && !candidate.is_empty() => {
            Ok((golden.to_owned(), candidate.to_owned()))
        }
        _ => Err("expected GOLD=CAND, e.g. BTCUSDT=BTC-PERP".to_owned()),
    }
}

fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(n) if (1..=1024).contains(&n) => Ok(n),
        _ => Err("expected a number from 1 to 1024".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn several_paths_per_flag_and_repeated_flags_are_one_list() {
        let line = "verismo validate --golden a b --candidate c --golden d --map A=B --map C=D";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Validate(args) = cli.command else { panic!("wrong command") };
        assert_eq!(args.golden, ["a", "b", "d"].map(PathBuf::from));
        assert_eq!(args.map, [("A".into(), "B".into()), ("C".into(), "D".into())]);
    }

    #[test]
    fn a_broken_map_thread_count_or_contradiction_is_refused() {
        for extra in [
            "--map A",
            "--map =B",
            "--threads 0",
            "--threads many",
            "--store x --no-store",
            "--no-store --verify-files",
            "-v -q",
            "--scope day",
            "--store-max much",
        ] {
            let line = format!("verismo validate --golden a --candidate b {extra}");
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{extra}");
        }
    }
}
