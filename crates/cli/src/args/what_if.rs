//! `verismo what-if`.

use clap::{Args, ValueEnum, value_parser};

use super::{CompareFormat, PairingArg, RunPlaceArgs, ScopeArg, parse_threads};

const WHAT_IF_EXAMPLES: &str = "\
Examples:
  verismo what-if --run last --drop-window 2025-07-21T14:05:00..2025-07-21T14:10:00
  verismo what-if --run last --drop-window 14:05..14:10 --drop-hours 22:00-02:00
      times are UTC; a time alone is of the day of the run, if it has one day
  verismo what-if --run last --drop-symbol ETHUSDT --format json | jq .after
  verismo what-if --run last --find
      few windows without which what fails passes
  verismo what-if --run last --find --observable spread --unit stretch --goal no-fail

What is left out is left out of both sides; a window that lies in part in what is named goes as a whole.
Counters of checks, ids and spans are not kept by window: they stay those of the run, unless a symbol is
left out. Nothing is recorded.

Exit codes: 0 shown, whatever the verdict; with --find 0 found, 1 not found; 2 usage, or nothing fails;
4 files that have changed since, or states that are gone; 130 interrupted.";

/// Judge a recorded run without a part of its data.
#[derive(Debug, Clone, Args)]
#[command(after_help = WHAT_IF_EXAMPLES)]
pub struct WhatIfArgs {
    /// The run: its id or the start of it, `last`, or `last~1` for the one before
    #[arg(long, value_name = "RUN", help_heading = "Data")]
    pub run: String,
    /// Judge what was recorded, although files of the run have changed or are gone since
    #[arg(long, help_heading = "Data")]
    pub as_recorded: bool,
    /// Leave out what lies in a range of time, of one symbol or of all; may be repeated
    #[arg(long, value_name = "[SYMBOL@]FROM..TO", help_heading = "Data")]
    pub drop_window: Vec<String>,
    /// Leave out a part of each day, UTC; may be repeated
    #[arg(long, value_name = "HH:MM-HH:MM", help_heading = "Data")]
    pub drop_hours: Vec<String>,
    /// Leave out a symbol; may be repeated
    #[arg(long, value_name = "S", help_heading = "Data")]
    pub drop_symbol: Vec<String>,
    /// Look for few windows, in what is left, without which what fails does not
    #[arg(long, required_unless_present_any = ["drop_window", "drop_hours", "drop_symbol"], help_heading = "Finding")]
    pub find: bool,
    /// Only for the findings of this observable [default: all that decide the run]
    #[arg(long, value_name = "O", requires = "find", help_heading = "Finding")]
    pub observable: Option<String>,
    /// What is left out at a time
    #[arg(long, value_enum, default_value_t, requires = "find", help_heading = "Finding")]
    pub unit: UnitArg,
    /// What has to become of what fails
    #[arg(long, value_enum, default_value_t, requires = "find", help_heading = "Finding")]
    pub goal: GoalArg,
    /// Judgements at most
    #[arg(
        long,
        value_name = "N",
        default_value_t = 200,
        value_parser = value_parser!(u64).range(1..=100_000),
        requires = "find",
        help_heading = "Finding"
    )]
    pub tries: u64,
    /// Share of the windows that may be left out, in percent
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 50,
        value_parser = value_parser!(u32).range(1..=90),
        requires = "find",
        help_heading = "Finding"
    )]
    pub most: u32,
    /// A suite file, or the name of a built-in suite [default: the suite of the run]
    #[arg(long, value_name = "FILE|NAME", help_heading = "Judging")]
    pub suite: Option<String>,
    /// What the verdict claims [default: the suite's]
    #[arg(long, value_enum, help_heading = "Judging")]
    pub scope: Option<ScopeArg>,
    /// How the two sides are matched [default: the suite's]
    #[arg(long, value_enum, help_heading = "Judging")]
    pub pairing: Option<PairingArg>,
    /// Write this format to standard output [default: text]; json is schema verismo.what-if/1
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<CompareFormat>,
    /// Threads to use [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads, env = "VERISMO_THREADS", hide_env_values = true, help_heading = "Running")]
    pub threads: Option<usize>,
    /// Where the run and its states are.
    #[command(flatten)]
    pub place: RunPlaceArgs,
}

/// What is left out at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum UnitArg {
    /// Single windows of the judgement, wherever they lie.
    #[default]
    Windows,
    /// One contiguous stretch of windows.
    Stretch,
}

/// What has to become of what fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum GoalArg {
    /// It passes.
    #[default]
    Pass,
    /// It does not fail any more: it may be open.
    NoFail,
}
