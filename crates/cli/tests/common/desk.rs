//! Runs that a test may judge again, and the data that they are of.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

pub fn verismo(home: &Path, args: &[&str]) -> Output {
    command(home, args).output().unwrap()
}

pub fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verismo"));
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("VERISMO_")) {
        command.env_remove(name);
    }
    command.env("XDG_CACHE_HOME", crate::common::home()).env("VERISMO_STORE", home);
    command
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs a command that has to end so, without a word on standard error.
#[track_caller]
pub fn ends(home: &Path, args: &[&str], code: i32) -> String {
    let output = verismo(home, args);
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(code), ""), "{args:?}: {}", out(&output));
    out(&output)
}

/// Runs a command that has to end so with an error; what it says.
#[track_caller]
pub fn refused(home: &Path, args: &[&str], code: i32, error: &str) -> String {
    let output = verismo(home, args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}{}", out(&output), err(&output));
    assert!(err(&output).contains(&format!("error[{error}]")), "{args:?}: {}", err(&output));
    err(&output)
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Data that a test may change: `golden` and `faithful`, of two symbols, and `scattered`, the golden with other sizes of trades in every fourth
/// second.
pub struct Desk {
    dir: tempfile::TempDir,
    again: String,
}

impl Desk {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(made(), dir.path());
        // What was changed a moment ago is read again.
        std::thread::sleep(Duration::from_millis(100));
        let again = text(&dir.path().join("again")).to_owned();
        Self { dir, again }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub fn validate(&self, candidate: &str, more: &[&str]) -> Output {
        let (golden, candidate, reports) = (self.path("golden"), self.path(candidate), self.path("reports"));
        let args = ["validate", "--golden", text(&golden), "--candidate", text(&candidate), "--out", text(&reports)];
        verismo(&self.home(), &[&args[..], &["--json", "-"], more].concat())
    }

    /// The report of a validation that has to end so.
    #[track_caller]
    pub fn validated(&self, candidate: &str, more: &[&str], code: i32) -> Value {
        let output = self.validate(candidate, more);
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(code), ""), "{}", out(&output));
        json(&out(&output))
    }

    /// A command line that judges a run again; its files go to `again`.
    pub fn judge<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["judge", "--json", "-", "--out", &self.again], more].concat()
    }

    /// The report of a judgement that has to end so.
    #[track_caller]
    pub fn judged(&self, more: &[&str], code: i32) -> Value {
        json(&ends(&self.home(), &self.judge(more), code))
    }

    pub fn suite(&self) -> PathBuf {
        let suite = self.path("few.yaml");
        // Sizes differ at equal ids, which is what is to be found, not what shall fail.
        let text = "schema: verismo.suite/1\ndata: market\nname: few\nextends: light\nchecks:\n  id_agreement: {max_ratio: 1}\n";
        fs::write(&suite, text).unwrap();
        suite
    }
}

pub fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

pub fn made() -> &'static Path {
    static DATA: OnceLock<tempfile::TempDir> = OnceLock::new();
    DATA.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        for (format, name) in [("golden-jsonl", "golden"), ("events-parquet", "faithful")] {
            let to = dir.path().join(name);
            let args = ["simulate", "--format", format, "--events", "16000", "--symbols", "2", "--seed", "1", "--out"];
            ends(dir.path(), &[&args[..], &[text(&to)]].concat(), 0);
        }
        let golden: Vec<PathBuf> =
            fs::read_dir(dir.path().join("golden")).unwrap().map(|entry| entry.unwrap().path()).collect();
        fs::create_dir(dir.path().join("scattered")).unwrap();
        for file in golden {
            let lines = fs::read_to_string(&file).unwrap();
            let changed: String = lines.lines().map(|line| changed(line) + "\n").collect();
            fs::write(dir.path().join("scattered").join(file.file_name().unwrap()), changed).unwrap();
        }
        fs::remove_dir_all(dir.path().join("home")).unwrap_or_default();
        dir
    })
    .path()
}

/// The line, its trade of another size if it is of the first symbol in a second that four divides.
pub fn changed(line: &str) -> String {
    let after = |key: &str| line.split_once(key).map(|(before, after)| (before.len() + key.len(), after));
    let time = after("\"T\":").and_then(|(_, rest)| rest.get(..10)?.parse::<u64>().ok());
    let is_trade = line.contains("@trade") && line.contains(FIRST);
    match after("\"q\":\"").filter(|_| is_trade && time.is_some_and(|second| second.is_multiple_of(4))) {
        Some((at, rest)) => format!("{}7.77700000{}", &line[..at], &rest[rest.find('"').unwrap()..]),
        None => line.to_owned(),
    }
}

/// The first of two simulated symbols.
pub const FIRST: &str = "\"BTCUSDT\"";
