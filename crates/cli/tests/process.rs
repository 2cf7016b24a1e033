//! The binary as a user meets it: exit codes, streams, files, the interrupt.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Messages of the data sets: some two minutes of the simulated market.
const EVENTS: &str = "4000";

/// Without the signal none of these would end for minutes; a second, and what a very busy machine adds to it.
#[cfg(unix)]
const SOON: Duration = Duration::from_secs(20);

fn verismo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verismo"));
    command.args(args).stdin(Stdio::null());
    // Settings of whoever runs the tests must not reach the command.
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("VERISMO_")) {
        command.env_remove(name);
    }
    command.env("VERISMO_STORE", common::home());
    command.env_remove("COLUMNS");
    command
}

fn run(args: &[&str]) -> Output {
    verismo(args).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A golden capture and a faithful reconstruction, made once for all tests.
fn data() -> &'static Path {
    static DATA: OnceLock<tempfile::TempDir> = OnceLock::new();
    DATA.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        for (format, name) in [("golden-jsonl", "golden"), ("events-parquet", "faithful")] {
            let target = dir.path().join(name);
            let output =
                run(&["simulate", "--format", format, "--events", EVENTS, "--seed", "1", "--out", path(&target)]);
            assert_eq!(code(&output), 0, "{}", err(&output));
        }
        dir
    })
    .path()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn validate(golden: &Path, candidate: &Path, report: &Path, more: &[&str]) -> Output {
    let mut args = vec!["validate", "--golden", path(golden), "--candidate", path(candidate), "--out", path(report)];
    args.extend(more);
    run(&args)
}

fn reports_in(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn help_and_version_are_no_errors_and_a_wrong_flag_is_one() {
    for args in [&["--help"][..], &["-h"], &["--version"], &["validate", "--help"], &["help", "inject"]] {
        assert_eq!(code(&run(args)), 0, "{args:?}");
    }
    for args in [
        &[][..],
        &["nonsense"],
        &["validate"],
        &["validate", "--golden", "x"],
        &["simulate", "--out", "x", "--format", "table", "--events", "1"],
        &["inject", "--in", "x"],
        &["metrics", "spred"],
    ] {
        let output = run(args);
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn every_command_has_examples() {
    for command in [
        "validate",
        "demo",
        "simulate",
        "inject",
        "init",
        "check-suite",
        "metrics",
        "completions",
        "report",
        "runs",
        "show",
        "certify",
        "verify",
        "keygen",
        "profile",
        "explain",
        "compare",
        "lob-bench",
        "man",
    ] {
        assert!(out(&run(&[command, "--help"])).contains("Examples:\n  verismo "), "{command}");
    }
}

#[test]
fn a_faithful_reconstruction_is_pass_with_all_reports() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report");
    let output = validate(&data().join("golden"), &data().join("faithful"), &report, &[]);
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    assert!(out(&output).starts_with("PASS"), "{}", out(&output));
    assert!(output.stderr.is_empty(), "{}", err(&output));
    assert!(!out(&output).contains('\u{1b}'));
    assert_eq!(reports_in(&report), ["junit.xml", "report.html", "report.json", "report.md"]);
    let json: serde_json::Value = serde_json::from_slice(&fs::read(report.join("report.json")).unwrap()).unwrap();
    assert_eq!(json["verdict"], "PASS");
    assert_eq!(json["schema"], "verismo.report/1");
    for key in ["digest", "suite_digest", "inputs", "findings", "integrity", "timing", "provenance"] {
        assert!(!json[key].is_null(), "{key}");
    }
}

#[test]
fn a_damaged_reconstruction_is_fail() {
    let dir = tempfile::tempdir().unwrap();
    let damaged = dir.path().join("damaged");
    let faithful = data().join("faithful");
    let fault = ["--fault", "widen-spread:40", "--fault", "drop:0.3"];
    let output = run(&[&["inject", "--in", path(&faithful), "--out", path(&damaged)][..], &fault].concat());
    assert_eq!(code(&output), 0, "{}", err(&output));
    let record: serde_json::Value = serde_json::from_slice(&fs::read(damaged.join("inject.json")).unwrap()).unwrap();
    assert_eq!(record["faults"], serde_json::json!(["widen-spread:40", "drop:0.3"]));
    assert!(record["messages"][0]["affected"].as_u64().unwrap() > 100, "{record}");
    let output = validate(&data().join("golden"), &damaged, &dir.path().join("report"), &[]);
    assert_eq!(code(&output), 1, "{}{}", out(&output), err(&output));
    assert!(out(&output).starts_with("FAIL"), "{}", out(&output));
    assert!(fs::read_to_string(dir.path().join("report/junit.xml")).unwrap().contains("<failure"));
}

#[test]
fn a_report_is_rendered_again_from_its_json() {
    let dir = tempfile::tempdir().unwrap();
    let (first, again) = (dir.path().join("first"), dir.path().join("again"));
    let output = validate(&data().join("golden"), &data().join("faithful"), &first, &[]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let json = first.join("report.json");
    let output = run(&["report", path(&json), "--out", path(&again)]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(out(&output).lines().count(), 4, "{}", out(&output));
    for name in reports_in(&first) {
        assert_eq!(fs::read(first.join(&name)).unwrap(), fs::read(again.join(&name)).unwrap(), "{name}");
    }
    let page = fs::read(first.join("report.html")).unwrap();
    assert_eq!(run(&["report", path(&first), "--format", "html"]).stdout, page, "a directory stands for its report");
    assert!(page.starts_with(b"<!DOCTYPE html>") && page.len() < 1_000_000, "{} bytes", page.len());
    let text = out(&run(&["report", path(&json)]));
    assert!(text.starts_with("PASS"), "{text}");
    let summary = first.join("report.md");
    for args in [
        &["report", path(&summary)][..],
        &["report", path(&dir.path().join("none.json"))],
        &["report", path(&json), "--format", "pdf"],
        &["report", path(&json), "--format", "md", "--out", path(&again)],
    ] {
        let output = run(args);
        assert_eq!((code(&output), output.stdout.is_empty()), (2, true), "{args:?}: {}", err(&output));
    }
}

#[test]
fn too_few_data_are_inconclusive_and_say_what_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other");
    let made =
        run(&["simulate", "--format", "events-parquet", "--events", EVENTS, "--seed", "2", "--out", path(&other)]);
    assert_eq!(code(&made), 0, "{}", err(&made));
    let output = validate(&data().join("golden"), &other, &dir.path().join("report"), &[]);
    assert_eq!(code(&output), 3, "{}{}", out(&output), err(&output));
    assert!(out(&output).starts_with("INCONCLUSIVE"), "{}", out(&output));
    assert!(out(&output).contains("Next: "), "{}", out(&output));
}

#[test]
fn broken_bytes_are_error() {
    let dir = tempfile::tempdir().unwrap();
    let damaged = dir.path().join("damaged");
    let faithful = data().join("faithful");
    let output = run(&["inject", "--in", path(&faithful), "--out", path(&damaged), "--fault", "truncate"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let output = validate(&data().join("golden"), &damaged, &dir.path().join("report"), &[]);
    assert_eq!(code(&output), 4, "{}{}", out(&output), err(&output));
    let json = fs::read(dir.path().join("report/report.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["verdict"], "ERROR");
    assert!(fs::read_to_string(dir.path().join("report/junit.xml")).unwrap().contains("<error"));
}

#[test]
fn what_does_not_exist_or_is_no_suite_is_usage() {
    let dir = tempfile::tempdir().unwrap();
    let golden = data().join("golden");
    let report = dir.path().join("report");
    let missing = dir.path().join("missing");
    let output = validate(&golden, &missing, &report, &[]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("error[no-such-path]: --candidate: ") && err(&output).contains("missing"));
    let suite = dir.path().join("bad.yaml");
    fs::write(&suite, "schema: verismo.suite/1\ndata: market\nobservables:\n  - id: spred\n").unwrap();
    let output = validate(&golden, &golden, &report, &["--suite", path(&suite)]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("bad.yaml:4:9: "), "{}", err(&output));
    assert_eq!(code(&run(&["check-suite", path(&suite)])), 2);
    let output = validate(&golden, &golden, &report, &["--suite", "markt"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("did you mean market?"), "{}", err(&output));
    assert_eq!(reports_in(&report), Vec::<String>::new());
}

#[test]
fn json_on_standard_output_is_the_report_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let golden = data().join("golden");
    let output = validate(&golden, &golden, &dir.path().join("report"), &["--json", "-"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(output.stdout, fs::read(dir.path().join("report/report.json")).unwrap());
    let file = dir.path().join("copy.json");
    let output = validate(&golden, &golden, &dir.path().join("report"), &["--json", path(&file)]);
    assert_eq!(code(&output), 0);
    assert_eq!(fs::read(file).unwrap(), fs::read(dir.path().join("report/report.json")).unwrap());
}

#[test]
fn the_environment_sets_what_no_flag_sets() {
    let dir = tempfile::tempdir().unwrap();
    let golden = data().join("golden");
    let (by_variable, by_flag) = (dir.path().join("variable"), dir.path().join("flag"));
    let validate = ["validate", "--golden", path(&golden), "--candidate", path(&golden)];
    let output = verismo(&validate).env("VERISMO_OUT", &by_variable).output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(reports_in(&by_variable).len(), 4);
    fs::remove_dir_all(&by_variable).unwrap();
    let with_flag = [&validate[..], &["--out", path(&by_flag)]].concat();
    let output = verismo(&with_flag).env("VERISMO_OUT", &by_variable).output().unwrap();
    assert_eq!(code(&output), 0);
    assert!(!by_variable.exists() && by_flag.exists());
    let output = verismo(&validate).env("VERISMO_THREADS", "none").output().unwrap();
    assert_eq!(code(&output), 2);
}

#[test]
fn colours_come_when_asked_for_and_not_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let golden = data().join("golden");
    let output = validate(&golden, &golden, dir.path(), &["--color", "always"]);
    assert!(out(&output).contains("\u{1b}["));
    let golden = path(&golden);
    let args = ["validate", "--golden", golden, "--candidate", golden, "--out", path(dir.path())];
    let output = verismo(&args).env("NO_COLOR", "1").output().unwrap();
    assert!(!out(&output).contains('\u{1b}'));
}

#[test]
fn a_closed_standard_output_changes_neither_reports_nor_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let golden = data().join("golden");
    let golden = path(&golden);
    let args = ["validate", "--golden", golden, "--candidate", golden, "--out", path(dir.path())];
    let mut child = verismo(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(err(&output), "");
    assert_eq!(reports_in(dir.path()).len(), 4);
}

#[test]
fn nothing_is_overwritten_by_simulate_inject_and_init() {
    let dir = tempfile::tempdir().unwrap();
    let golden = data().join("golden");
    let simulate = ["simulate", "--format", "golden-jsonl", "--events", "10", "--out", path(&golden)];
    let inject = ["inject", "--in", path(&golden), "--fault", "drop", "--out", path(data())];
    let suite = dir.path().join("suite.yaml");
    assert_eq!(code(&run(&["init", "--out", path(&suite)])), 0);
    assert_eq!(code(&run(&["check-suite", path(&suite)])), 0);
    for args in [&simulate[..], &inject, &["init", "--out", path(&suite)]] {
        let output = run(args);
        assert_eq!(code(&output), 2, "{args:?}: {}", err(&output));
    }
    assert_eq!(code(&run(&["init", "--out", path(&suite), "--force"])), 0);
}

#[test]
fn init_proposes_margins_that_make_a_good_suite() {
    let dir = tempfile::tempdir().unwrap();
    let suite = dir.path().join("suite.yaml");
    let golden = data().join("golden");
    let output = run(&["init", "--golden", path(&golden), "--out", path(&suite)]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("proposed from 4,000 messages"), "{}", out(&output));
    let output = run(&["check-suite", path(&suite)]);
    assert_eq!(code(&output), 0, "{}", out(&output));
}

#[test]
fn one_market_in_other_formats_is_the_same_market() {
    let dir = tempfile::tempdir().unwrap();
    for format in ["binance-csv", "crypto-lake"] {
        let candidate = dir.path().join(format);
        let args = ["simulate", "--format", format, "--events", EVENTS, "--seed", "1", "--out", path(&candidate)];
        let output = run(&args);
        assert_eq!(code(&output), 0, "{}", err(&output));
        let report = dir.path().join(format!("{format}-report"));
        let output = validate(&data().join("golden"), &candidate, &report, &[]);
        assert_eq!(code(&output), 0, "{format}: {}", out(&output));
        let damaged = dir.path().join(format!("{format}-damaged"));
        let args = ["inject", "--in", path(&candidate), "--fault", "drop:0.05", "--out", path(&damaged)];
        let output = run(&args);
        assert_eq!(code(&output), 0, "{}", err(&output));
        assert_eq!(files_below(&damaged).len(), files_below(&candidate).len() + 1, "the same files, and the record");
        let output = validate(&data().join("golden"), &damaged, &report, &[]);
        assert_eq!(code(&output), 1, "{format}: {}", out(&output));
    }
}

#[test]
fn a_market_told_order_by_order_is_the_market_told_by_levels() {
    let dir = tempfile::tempdir().unwrap();
    let simulate = |format: &str, events: &str, more: &[&str]| {
        let target = dir.path().join(format!("{format}{}", more.concat()));
        let mut args = vec!["simulate", "--format", format, "--events", events, "--seed", "1", "--out", path(&target)];
        args.extend(more);
        let output = run(&args);
        assert_eq!(code(&output), 0, "{}", err(&output));
        target
    };
    let shares = simulate("golden-jsonl", EVENTS, &["--shares"]);
    // An aggregated message stands for about ten changes of orders.
    let levels = data().join("golden");
    for (format, golden) in [("coinbase-full", &levels), ("bitstamp", &levels), ("dbn", &shares), ("lobster", &shares)]
    {
        let candidate = simulate(format, "80000", &[]);
        let report = dir.path().join(format!("{format}-report"));
        let output = validate(golden, &candidate, &report, &[]);
        assert_eq!(code(&output), 0, "{format}: {}", out(&output));
        let damaged = dir.path().join(format!("{format}-damaged"));
        let output = run(&["inject", "--in", path(&candidate), "--fault", "drop:0.05", "--out", path(&damaged)]);
        assert_eq!(code(&output), 0, "{}", err(&output));
        assert_eq!(files_below(&damaged).len(), files_below(&candidate).len() + 1, "the same files, and the record");
        let output = validate(&candidate, &damaged, &report, &[]);
        assert_eq!(code(&output), 1, "{format}: {}", out(&output));
    }
}

#[test]
fn the_same_seed_gives_the_same_files() {
    let dir = tempfile::tempdir().unwrap();
    for format in ["golden-jsonl", "events-parquet", "binance-csv", "crypto-lake", "coinbase-full", "bitstamp", "dbn"] {
        let (a, b) = (dir.path().join(format!("{format}-a")), dir.path().join(format!("{format}-b")));
        for target in [&a, &b] {
            let args = ["simulate", "--format", format, "--events", "3000", "--symbols", "2", "--out", path(target)];
            assert_eq!(code(&run(&args)), 0);
        }
        let (first, second) = (files_below(&a), files_below(&b));
        assert!(first.len() >= 2, "{first:?}");
        assert_eq!(first.len(), second.len());
        for (x, y) in first.iter().zip(&second) {
            assert_eq!(x.strip_prefix(&a).unwrap(), y.strip_prefix(&b).unwrap());
            assert_eq!(fs::read(x).unwrap(), fs::read(y).unwrap(), "{}", x.display());
        }
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { pending.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[cfg(unix)]
fn interrupt(pid: u32) {
    let status = Command::new("kill").args(["-INT", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

/// Waits for the end of an interrupted process; its exit code and how long it took.
#[cfg(unix)]
fn interrupted(mut command: Command) -> (Option<i32>, Duration) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // The first log line comes after the handler is in place and before the work.
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let start = Instant::now();
    interrupt(child.id());
    let status = child.wait().unwrap();
    (status.code(), start.elapsed())
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_simulation_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("endless");
    let command =
        verismo(&["-v", "simulate", "--format", "golden-jsonl", "--events", "1000000000000", "--out", path(&target)]);
    let (code, took) = interrupted(command);
    assert_eq!(code, Some(130));
    assert!(took < SOON, "{took:?}");
    assert!(!target.exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_validation_leaves_no_report_not_even_an_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report");
    let big = dir.path().join("big");
    let made = run(&["simulate", "--format", "golden-jsonl", "--events", "400000", "--out", path(&big)]);
    assert_eq!(code(&made), 0);
    let golden = data().join("golden");
    assert_eq!(code(&validate(&golden, &golden, &report, &[])), 0);
    assert_eq!(reports_in(&report).len(), 4);
    let home = dir.path().join("home");
    let mut command =
        verismo(&["-v", "validate", "--golden", path(&big), "--candidate", path(&big), "--out", path(&report)]);
    command.env("VERISMO_STORE", &home);
    let (code, took) = interrupted(command);
    assert_eq!(code, Some(130));
    assert!(took < SOON, "{took:?}");
    assert_eq!(reports_in(&report), Vec::<String>::new());
    assert!(!home.join("runs").exists(), "and is recorded nowhere");
}

#[test]
fn a_benchmark_has_every_stage_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let scratch = dir.path().join("scratch");
    fs::create_dir(&scratch).unwrap();
    let file = dir.path().join("bench.json");
    let args = ["bench", "--format", "events-parquet", "--events", EVENTS, "--runs", "2", "--threads", "2"];
    let mut command = verismo(&[&args[..], &["--json", path(&file)]].concat());
    let output = command.env("TMPDIR", &scratch).env("VERISMO_STORE", &scratch).output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("Stages, on one thread"), "{}", out(&output));
    assert_eq!(reports_in(&scratch), Vec::<String>::new());
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(json["schema"], "verismo.bench/1");
    let names: Vec<&str> = json["stages"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["read", "decode", "replay", "observe", "update", "merge", "judge"]);
    // A message of each kind at least, twice: the data set is compared with itself.
    assert!(json["data"]["messages"].as_u64().unwrap() > 2 * EVENTS.parse::<u64>().unwrap(), "{}", json["data"]);
    assert_eq!(json["data"]["events"].as_u64(), Some(2 * EVENTS.parse::<u64>().unwrap()));
    let whole = json["whole"].as_array().unwrap();
    assert_eq!(whole.iter().map(|w| w["threads"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    for run in whole {
        assert!(run["seconds"].as_f64().unwrap() > 0.0 && run["judge_seconds"].as_f64().unwrap() > 0.0, "{run}");
    }
    let table = dir.path().join("t.csv");
    let rows: String = (0..500).map(|i| format!("{},{}\n", 1_700_000_000_000_i64 + i * 50, i % 7)).collect();
    fs::write(&table, format!("time,x\n{rows}")).unwrap();
    let output = run(&["bench", "--golden", path(&table), "--time", "time", "--runs", "1", "--json", "-"]);
    let json: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!((json["stages"].as_array().map(Vec::len), json["data"]["messages"].as_u64()), (Some(0), Some(1_000)));
    let missing = run(&["bench", "--golden", path(&dir.path().join("nothing"))]);
    assert_eq!(code(&missing), 2, "{}", err(&missing));
}
