//! `lob-bench` as a user meets it.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn verismo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verismo"));
    command.args(args).stdin(Stdio::null());
    // Settings of whoever runs the tests must not reach the command.
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("VERISMO_")) {
        command.env_remove(name);
    }
    command.env("VERISMO_STORE", common::home());
    for name in ["COLUMNS", "NO_COLOR", "CLICOLOR_FORCE", "TERM"] {
        command.env_remove(name);
    }
    command
}

fn run(args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = verismo(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn ok(args: &[&str]) -> String {
    let (code, out, err) = run(args);
    assert_eq!((code, err.as_str()), (0, ""), "{args:?}: {out}");
    out
}

/// A simulated day, cut into sequences of 400 messages under the names of the benchmark.
fn sequences(dir: &Path, seed: &str, suffix: &str) -> PathBuf {
    let (day, folder) = (dir.join(format!("day{seed}")), dir.join(format!("sequences{seed}")));
    let day_path = day.to_str().unwrap();
    ok(&["simulate", "--format", "lobster", "--shares", "--events", "6000", "--seed", seed, "--out", day_path]);
    fs::create_dir_all(&folder).unwrap();
    for path in fs::read_dir(&day).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let kind = if name.contains("message") { "message" } else { "orderbook" };
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (n, part) in lines.chunks_exact(400).enumerate() {
            fs::write(folder.join(format!("X_2024-08-08_{kind}_real_id_{n}{suffix}.csv")), part.join("\n") + "\n")
                .unwrap();
        }
    }
    folder
}

#[test]
fn from_folders_to_scores_in_text_and_json() {
    let dir = tempfile::tempdir().unwrap();
    let [real, generated] = [("1", ""), ("2", "_gen_id_0")].map(|(seed, suffix)| sequences(dir.path(), seed, suffix));
    let args = ["lob-bench", "--real", real.to_str().unwrap(), "--generated", generated.to_str().unwrap()];
    let shown = ok(&args);
    for part in
        ["real  ", "sequences, ", "wasserstein", "bid_cancellation_levels", "spread | volatility", "MO_1", "median"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains('\u{1b}') && shown.lines().skip(3).all(|line| line.chars().count() <= 100), "{shown}");
    let json: Value = serde_json::from_str(&ok(&[&args[..], &["--json", "-"]].concat())).unwrap();
    assert_eq!(json["schema"], "verismo.lob-bench/1");
    let scores = json["scores"].as_object().unwrap();
    assert_eq!(scores.len(), 21);
    for (name, pair) in scores {
        let pair: Vec<f64> = pair.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        assert!(pair.len() == 2 && pair[0] <= 1.0 && pair[1] < 3.0, "{name}: {pair:?}");
        let ends = &json["intervals"][name]["l1"];
        let reason = &json["undefined"][format!("intervals.{name}.l1")];
        assert!(ends.as_array().is_some_and(|ends| ends.len() == 2) || reason.as_str().is_some(), "{name}: {ends}");
    }
    assert!(json["intervals"]["spread"]["wasserstein"][1].as_f64().unwrap() > 0.0);
    assert_eq!(json["conditional"].as_object().unwrap().len(), 3);
    assert_eq!(json["impact"]["curves"]["LO_0"]["real"].as_array().unwrap().len(), 21);
    // Both at once, to a file and to the terminal; the claim is a setting.
    let file = dir.path().join("scores.json");
    let written = ok(&[&args[..], &["--json", file.to_str().unwrap(), "--threads", "1"]].concat());
    assert_eq!(written, shown);
    let again: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(again, json);
    let population: Value =
        serde_json::from_str(&ok(&[&args[..], &["--json", "-", "--scope", "population"]].concat())).unwrap();
    assert_eq!((&population["scope"], &population["scores"]), (&Value::from("population"), &json["scores"]));
}

#[test]
fn a_whole_day_and_what_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = sequences(dir.path(), "3", "");
    let day = dir.path().join("day3");
    let (day, folder_path) = (day.to_str().unwrap(), folder.to_str().unwrap());
    let shown = ok(&["lob-bench", "--real", folder_path, "--generated", day]);
    assert!(shown.contains("1 sequence, "), "{shown}");
    let refused = |args: &[&str], wanted: i32, words: &[&str]| {
        let (code, out, err) = run(&[&["lob-bench"], args].concat());
        assert_eq!((code, out.as_str()), (wanted, ""), "{args:?}: {err}");
        assert!(words.iter().all(|word| err.contains(word)), "{args:?}: {err}");
    };
    let missing = dir.path().join("missing");
    refused(&["--real", day], 2, &["--generated"]);
    refused(&["--real", missing.to_str().unwrap(), "--generated", day], 2, &["error[no-such-path]", "--real"]);
    refused(&["--real", day, "--generated", day, "--levels", "11"], 2, &["--levels"]);
    let empty = dir.path().join("empty");
    fs::create_dir_all(&empty).unwrap();
    refused(
        &["--real", day, "--generated", empty.to_str().unwrap()],
        2,
        &["error[no-input]", "generated: ", "message"],
    );
    let cut = folder.join("X_2024-08-08_orderbook_real_id_0.csv");
    let text = fs::read_to_string(&cut).unwrap();
    fs::write(&cut, &text[..text.len() / 2]).unwrap();
    refused(&["--real", folder_path, "--generated", day], 4, &["real: ", "orderbook_real_id_0.csv: line "]);
    fs::remove_file(&cut).unwrap();
    refused(&["--real", folder_path, "--generated", day], 4, &["error[no-partner]", "copy it there"]);
    let pattern = format!("{}/day*", dir.path().display());
    ok(&["lob-bench", "--real", &pattern, "--generated", day]);
}
