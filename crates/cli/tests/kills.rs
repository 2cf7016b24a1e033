//! Runs that are killed at any instant: what they had stored is used, what they had not is computed, and the answer is the same.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Kills of the fast tier, and of the slow one.
const KILLS: [u64; 2] = [12, 200];

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { dir: tempfile::tempdir().unwrap() };
        for (side, seed) in [("golden", "5"), ("candidate", "6")] {
            let out = bench.path(side);
            let args =
                ["simulate", "--format", "events-parquet", "--events", "90000", "--symbols", "6", "--seed", seed];
            let made = bench.verismo(&args).arg("--out").arg(&out).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn verismo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verismo"));
        command.args(args).stdin(Stdio::null()).current_dir(self.dir.path());
        for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("VERISMO_")) {
            command.env_remove(name);
        }
        // What is not told where to keep its things keeps them here.
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    fn validate(&self, store: &[&str]) -> Command {
        let mut command = self.verismo(&[
            "validate",
            "--golden",
            "golden",
            "--candidate",
            "candidate",
            "--suite",
            "light",
            "--json",
            "-",
            "-q",
        ]);
        command.args(store);
        command
    }

    fn report(&self, store: &[&str]) -> Value {
        report(&self.validate(store).output().unwrap())
    }

    /// Pieces that are kept as a whole.
    fn packs(&self) -> u64 {
        count(&self.path("store/states"), ".pack")
    }
}

fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn count(folder: &Path, ending: &str) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let of = |path: PathBuf| {
        if path.is_dir() { count(&path, ending) } else { u64::from(path.to_string_lossy().ends_with(ending)) }
    };
    entries.map(|entry| of(entry.unwrap().path())).sum()
}

fn number(report: &Value, name: &str) -> u64 {
    report["cache"][name].as_u64().unwrap()
}

#[test]
fn a_run_that_is_killed_loses_no_more_than_what_it_was_at() {
    let bench = Bench::new();
    let started = Instant::now();
    let wanted = bench.report(&["--no-store"])["digest"].clone();
    let whole = started.elapsed();
    let is_slow = std::env::var_os("VERISMO_SLOW").is_some_and(|v| v == "1");
    let kills = KILLS[usize::from(is_slow)];
    let store = ["--store", "store"];
    let mut state = 17_u64;
    for kill in 0..kills {
        // Every other time all is to be computed again; the next goes on from where it was killed.
        if kill % 2 == 0 {
            let _nothing_yet = fs::remove_dir_all(bench.path("store"));
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = (state >> 40) as f64 / (1_u64 << 24) as f64;
        let mut child = bench.validate(&store).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.mul_f64(share * 0.7).min(Duration::from_secs(20)));
        let _may_have_ended = child.kill();
        child.wait().unwrap();
        if kill % 2 == 1 {
            let kept = bench.packs();
            let found = bench.report(&store);
            assert_eq!(found["digest"], wanted, "kill {kill}");
            let (reused, computed) = (number(&found, "states_reused"), number(&found, "states_computed"));
            let in_piece = (reused + computed) / number(&found, "pieces").max(1);
            assert!(reused >= kept * in_piece, "kill {kill}: {kept} pieces were kept, {reused} states used");
            assert_eq!(found["cache"]["problems"].as_array().unwrap().len(), 0, "{}", found["cache"]);
            let again = bench.report(&store);
            assert_eq!((&again["digest"], number(&again, "states_computed")), (&wanted, 0), "kill {kill}");
            eprintln!("kill {kill}: {kept} pieces kept, {reused} states reused, {computed} computed");
        }
    }
}
