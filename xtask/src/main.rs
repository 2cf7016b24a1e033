//! Project tasks: `cargo xtask test` is the one command that runs every check.
#![allow(clippy::print_stdout, reason = "a task runner talks to a person")]

use std::env;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};

const HELP: &str = "\
Project tasks.

Usage: cargo xtask <TASK>

Tasks:
  test           every check: format, lints, unit, law, vector, fault and calibration tests, docs
  test --fast    the same without the slow tier (calibration with full run counts, many-seed runs)
  fuzz           every fuzz target on mutations of its seeds, ten minutes each; --minutes N for another time
  docs           writes the pages of docs/ that are made from the catalogue

Environment:
  VERISMO_DATA         folder of real captures (default: ../shared/data beside the workspace; tests say when they skip)
  VERISMO_REQUIRE_ALL  1 turns every such skip into a failure, and installs Chromium with apt-get where no browser is found
  VERISMO_SLOW         full, for `cargo test -p verismo-stats`, runs the longest calibrations, which no task runs
";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test"] => test(Tier::All),
        ["test", "--fast"] => test(Tier::Fast),
        ["docs"] => docs(),
        ["fuzz"] => fuzz("10"),
        ["fuzz", "--minutes", minutes] => fuzz(minutes),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => {
            println!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Tier {
    Fast,
    All,
}

/// Lets the test that compares the pages with the catalogue write them instead.
fn docs() -> Result<()> {
    let test = ["test", "-p", "verismo-report", "--test", "reference", "--locked"];
    cargo("pages", &test, &[("UPDATE_EXPECT", "1")])
}

/// Runs the fuzz targets without a fuzzer, each for so many minutes.
fn fuzz(minutes: &str) -> Result<()> {
    let minutes: u64 = minutes.parse().context("--minutes takes a whole number")?;
    let seconds = minutes.saturating_mul(60).to_string();
    let test = ["test", "--workspace", "--test", "fuzz", "--locked", "--no-fail-fast"];
    cargo("fuzz targets", &test, &[("VERISMO_FUZZ_SECONDS", &seconds)])
}

/// Runs the checks in the order in which they fail cheapest.
fn test(tier: Tier) -> Result<()> {
    cargo("format", &["fmt", "--all", "--check"], &[])?;
    cargo("lints", &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"], &[])?;
    browser();
    let slow = if tier == Tier::All { "1" } else { "0" };
    cargo("tests", &["test", "--workspace", "--locked", "--no-fail-fast"], &[("VERISMO_SLOW", slow)])?;
    cargo("docs", &["doc", "--workspace", "--no-deps", "--locked"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    Ok(())
}

/// Where nothing may be skipped, installs the browser that a test of pages needs, if there is none; where that fails, the test says so.
fn browser() {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = env::split_paths(&path).any(|folder| names.iter().any(|name| folder.join(name).is_file()));
    let is_wanted = env::var("VERISMO_REQUIRE_ALL").as_deref() == Ok("1") && env::var_os("VERISMO_CHROMIUM").is_none();
    if is_wanted && !is_there {
        println!("==> browser: apt-get install chromium");
        let apt = |args: &[&str]| Command::new("apt-get").args(args).status();
        if !apt(&["install", "-y", "-q", "chromium"]).is_ok_and(|status| status.success()) {
            let _untold = apt(&["update", "-q"]).and_then(|_| apt(&["install", "-y", "-q", "chromium"]));
        }
    }
}

fn cargo(what: &str, args: &[&str], vars: &[(&str, &str)]) -> Result<()> {
    println!("==> {what}: cargo {}", args.join(" "));
    let start = Instant::now();
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program)
        .args(args)
        .envs(vars.iter().copied())
        .status()
        .with_context(|| format!("cannot start cargo for {what}"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    println!("==> {what}: ok in {} s", start.elapsed().as_secs());
    Ok(())
}
