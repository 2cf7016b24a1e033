//! Signals, full disks and closed streams: a command ends soon, says how, and leaves nothing half written.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// A second, and what a very busy machine adds to it: without the signal none of these would end for minutes.
const SOON: Duration = Duration::from_secs(20);

fn verismo(args: &[&str]) -> Command {
    command_of(env!("CARGO_BIN_EXE_verismo"), args)
}

/// The command run by a shell after a line of setting up.
fn after(setup: &str, args: &[&str]) -> Command {
    let script = format!("{setup}; exec \"$0\" \"$@\"");
    command_of("sh", &[&["-c", &script, env!("CARGO_BIN_EXE_verismo")], args].concat())
}

fn command_of(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("VERISMO_")) {
        command.env_remove(name);
    }
    command.env("VERISMO_STORE", common::home());
    command
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn simulate(format: &str, events: &str, target: &Path) {
    let args = ["simulate", "--format", format, "--events", events, "--out", path(target)];
    let output = verismo(&args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A process at work.
struct Started {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

/// Starts a command with `-v` and waits for its first log line, which comes after the handler is in place.
fn start(args: &[&str]) -> Started {
    let mut child = verismo(&[&["-v"], args].concat()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut String::new()).unwrap();
    Started { child, stderr }
}

/// Waits until a process has a handler for a signal to stop, where the system tells.
fn is_ready(child: &Child) {
    let status = format!("/proc/{}/status", child.id());
    // Bounded by the time.
    let start = Instant::now();
    while start.elapsed() < SOON {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let Some(caught) = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) else {
            return std::thread::sleep(Duration::from_millis(500));
        };
        // SIGINT is the second one.
        if caught & 0b10 != 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Started {
    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// The end within `limit`: exit code and the last words.
    #[track_caller]
    fn ends(mut self, limit: Duration) -> (Option<i32>, String) {
        let start = Instant::now();
        let status = self.child.wait().unwrap();
        let took = start.elapsed();
        let mut text = String::new();
        self.stderr.read_to_string(&mut text).unwrap();
        assert!(took < limit, "{took:?}: {text}");
        (status.code(), text)
    }
}

fn names_in(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_signal_to_stop_ends_a_simulation_with_a_word_and_without_files() {
    for signal in ["INT", "TERM"] {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("endless");
        let started =
            start(&["simulate", "--format", "golden-jsonl", "--events", "1000000000000", "--out", path(&target)]);
        started.signal(signal);
        let (code, text) = started.ends(SOON);
        assert_eq!(code, Some(130), "{signal}: {text}");
        assert!(text.contains("error[interrupted]: stopped before the end"), "{signal}: {text}");
        assert_eq!(text.matches("error[").count(), 1, "{text}");
        assert!(!target.exists());
    }
}

#[test]
fn a_run_that_cannot_look_up_is_made_to_stop_with_the_same_word() {
    let dir = tempfile::tempdir().unwrap();
    // One line of many gigabytes: the reader does not come back before its end.
    let file = dir.path().join("x.jsonl");
    fs::write(
        &file,
        "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":1723161255343,\"p\":\"1\",\"q\":\"1\"}}\n",
    )
    .unwrap();
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(1 << 40).unwrap();
    let report = dir.path().join("report");
    let args = ["validate", "--golden", path(&file), "--candidate", path(&file), "--out", path(&report)];
    let started = start(&args);
    std::thread::sleep(Duration::from_millis(300));
    started.signal("INT");
    let (code, text) = started.ends(SOON);
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("error[interrupted]: stopped before the end"), "{text}");
    assert_eq!(names_in(&report), Vec::<String>::new());
    // Asked twice, it stops at once: the time to come to an end by itself is not waited for. A busy machine may hide that now and then.
    let ends_at_once = || {
        let started = start(&args);
        std::thread::sleep(Duration::from_millis(300));
        started.signal("INT");
        std::thread::sleep(Duration::from_millis(100));
        let second = Instant::now();
        started.signal("INT");
        assert_eq!(started.ends(SOON).0, Some(130));
        second.elapsed() < Duration::from_millis(550)
    };
    assert!((0..10).any(|_| ends_at_once()));
}

#[test]
fn an_interrupt_while_thousands_of_files_are_looked_at_ends_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let line =
        "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":1723161255343,\"p\":\"1\",\"q\":\"1\"}}\n";
    for i in 0..20_000 {
        fs::write(data.join(format!("{i}.jsonl")), line).unwrap();
    }
    let report = dir.path().join("report");
    let started = start(&["validate", "--golden", path(&data), "--candidate", path(&data), "--out", path(&report)]);
    std::thread::sleep(Duration::from_millis(100));
    started.signal("TERM");
    let (code, text) = started.ends(SOON);
    assert_eq!(code, Some(130), "{text}");
    assert_eq!(names_in(&report), Vec::<String>::new());
}

#[test]
fn an_interrupted_inject_init_or_demo_leaves_no_half_result() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    simulate("golden-jsonl", "600000", &data);
    let damaged = dir.path().join("damaged");
    let suite = dir.path().join("suite.yaml");
    let demo = dir.path().join("demo");
    let inject = ["inject", "--in", path(&data), "--fault", "drop:0.1", "--out", path(&damaged)];
    let init = ["init", "--golden", path(&data), "--out", path(&suite)];
    let demo_args = ["demo", "--events", "1000000", "--out", path(&demo)];
    for (args, wait_ms) in [(&inject[..], 100), (&init, 50), (&demo_args, 500)] {
        let args = [&["-v"], args].concat();
        let mut child = verismo(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        is_ready(&child);
        std::thread::sleep(Duration::from_millis(wait_ms));
        let started = Started { child, stderr };
        started.signal("INT");
        let (code, text) = started.ends(SOON);
        assert_eq!(code, Some(130), "{args:?}: {text}");
        assert!(text.contains("error[interrupted]: stopped before the end"), "{args:?}: {text}");
    }
    assert!(!damaged.exists() && !suite.exists());
    assert_eq!(names_in(dir.path()), ["data", "demo"]);
    let reports = demo.join("reports");
    for name in names_in(&reports) {
        assert!(names_in(&reports.join(&name)).iter().all(|n| !n.ends_with(".tmp")), "{name}");
    }
}

#[test]
fn a_full_disk_is_said_with_the_path_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // A limit on the size of files stands for a full disk: the write fails in the same place.
    for format in ["golden-jsonl", "events-parquet", "crypto-lake", "binance-csv", "dbn", "bitstamp"] {
        let target = dir.path().join(format);
        let args = ["simulate", "--format", format, "--events", "40000", "--out", path(&target)];
        let output = after("ulimit -f 64", &args).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{format}: {text}");
        assert!(text.contains(path(&target)) && text.contains("ulimit -f"), "{format}: {text}");
        assert!(!target.exists(), "{format}");
    }
    let data = dir.path().join("data");
    simulate("golden-jsonl", "4000", &data);
    let report = dir.path().join("report");
    let args = ["validate", "--golden", path(&data), "--candidate", path(&data), "--out", path(&report)];
    let output = after("ulimit -f 8", &args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("error[cannot-write]: cannot write") && text.contains("report.html"), "{text}");
    assert_eq!(names_in(&report), Vec::<String>::new());
}

#[test]
fn a_file_system_without_space_is_said_plainly() {
    let dir = tempfile::tempdir().unwrap();
    let small = dir.path().join("small");
    fs::create_dir(&small).unwrap();
    // Only the superuser may mount one, and not in every container.
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs", path(&small)]).output();
    if mount.is_ok_and(|output| output.status.success()) {
        let target = small.join("data");
        let args = ["simulate", "--format", "golden-jsonl", "--events", "40000", "--out", path(&target)];
        let output = verismo(&args).output().unwrap();
        let is_gone = !target.exists();
        assert!(Command::new("umount").arg(&small).status().unwrap().success());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{text}");
        assert!(text.contains(path(&target)) && text.contains("free some space"), "{text}");
        assert!(is_gone);
    }
    let output = after("exec >/dev/full", &["metrics"]).stderr(Stdio::piped()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("error[stdout]: cannot write to standard output"), "{text}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for script in ["\"$0\" metrics | head -1", "\"$0\" --help | head -1", "\"$0\" man | head -c 1"] {
        let script = format!("{script} >/dev/null; echo end");
        let output = command_of("sh", &["-c", &script, env!("CARGO_BIN_EXE_verismo")]).output().unwrap();
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"end\n"[..], &b""[..]), "{script}");
    }
}

#[test]
fn closed_standard_streams_change_no_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    simulate("golden-jsonl", "4000", &data);
    let report = dir.path().join("report");
    let good = ["-vv", "validate", "--golden", path(&data), "--candidate", path(&data), "--out", path(&report)];
    let bad = ["-vv", "validate", "--golden", "/nowhere", "--candidate", path(&data), "--out", path(&report)];
    for (args, code) in [(&good[..], 0), (&bad, 2), (&["nonsense"], 2)] {
        // A pipe whose reader is gone; a full device; no stream at all.
        let mut child = verismo(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{args:?} without a reader");
        for setup in ["exec 2>/dev/full", "exec 2>&-", "exec >&- 2>&- <&-"] {
            assert_eq!(
                after(setup, args).stdout(Stdio::null()).status().unwrap().code(),
                Some(code),
                "{setup}: {args:?}"
            );
        }
    }
}

#[test]
fn an_interrupted_benchmark_ends_with_its_run_and_its_data() {
    let dir = tempfile::tempdir().unwrap();
    // First while it simulates or times stages, then with a process of its own under way.
    for (events, runs, wait_ms) in [("150000", "1000", 300), ("1000", "60", 2_500)] {
        let args = ["-v", "bench", "--events", events, "--runs", runs];
        let mut child =
            verismo(&args).env("TMPDIR", dir.path()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        is_ready(&child);
        std::thread::sleep(Duration::from_millis(wait_ms));
        let started = Started { child, stderr };
        started.signal("TERM");
        let (code, text) = started.ends(SOON);
        assert_eq!(code, Some(130), "{text}");
        assert_eq!(names_in(dir.path()), Vec::<String>::new(), "{text}");
    }
}
