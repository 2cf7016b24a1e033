//! `profile`, `explain`, `compare`, `completions` and `man` as a user meets them.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

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

fn ok(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(code(&output), 0, "{args:?}: {}{}", out(&output), err(&output));
    assert!(output.stderr.is_empty(), "{args:?}: {}", err(&output));
    out(&output)
}

fn refused(args: &[&str], error: &str) -> String {
    let output = run(args);
    assert_eq!(code(&output), 2, "{args:?}: {}", out(&output));
    assert!(output.stdout.is_empty() && err(&output).contains(error), "{args:?}: {}", err(&output));
    err(&output)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `golden`, and the reports `good` (PASS) and `bad` (FAIL) against it, made once for all tests.
fn data() -> &'static Path {
    static DATA: OnceLock<tempfile::TempDir> = OnceLock::new();
    DATA.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let simulate = |format: &str, name: &str| {
            ok(&["simulate", "--format", format, "--events", "4000", "--seed", "1", "--out", &at(name)])
        };
        simulate("golden-jsonl", "golden");
        simulate("events-parquet", "faithful");
        ok(&[
            "inject",
            "--in",
            &at("faithful"),
            "--out",
            &at("damaged"),
            "--fault",
            "widen-spread:40",
            "--fault",
            "drop:0.3",
        ]);
        for (candidate, report, wanted) in [("faithful", "good", 0), ("damaged", "bad", 1)] {
            let args = ["validate", "--golden", &at("golden"), "--candidate", &at(candidate), "--out", &at(report)];
            assert_eq!(code(&run(&args)), wanted, "{report}");
        }
        dir
    })
    .path()
}

fn at(name: &str) -> PathBuf {
    data().join(name)
}

#[test]
fn a_profile_in_every_format() {
    let golden = at("golden");
    let shown = ok(&["profile", text(&golden)]);
    assert!(shown.starts_with("golden-jsonl  "), "{shown}");
    for part in ["\nBTCUSDT\n", "4,000 messages", "tick 0.1", "spread", "can resolve", "Integrity"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json: Value = serde_json::from_str(&ok(&["profile", text(&golden), "--format", "json"])).unwrap();
    assert_eq!(json["schema"], "verismo.profile/1");
    assert_eq!(json["messages"], 4000);
    assert_eq!(json["streams"][0]["symbol"], "BTCUSDT");
    let page = ok(&["profile", text(&golden), "--format", "html"]);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("BTCUSDT"), "{}", &page[..200]);
    let parquet = ok(&["profile", text(&at("damaged")), "--format", "json", "--input-format", "events-parquet"]);
    let parquet: Value = serde_json::from_str(&parquet).unwrap();
    assert_eq!(parquet["format"], "events-parquet");
}

#[test]
fn a_profile_of_a_table_and_what_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("t.csv");
    let rows: String = (0..100).map(|i| format!("{},{}\n", 1_723_118_400 + i, i % 7)).collect();
    fs::write(&file, format!("when,x\n{rows}")).unwrap();
    let shown = ok(&["profile", text(&file), "--time", "when"]);
    assert!(shown.starts_with("table  ") && shown.contains("\n  x "), "{shown}");
    refused(&["profile"], "PATH");
    refused(&["profile", text(&dir.path().join("missing"))], "error[no-such-path]: PATH");
    // As `validate` says it: the data are there, and cannot be used this way.
    let output = run(&["profile", text(&file), "--time", "nope"]);
    assert_eq!(code(&output), 4);
    assert!(err(&output).contains("nope") && output.stdout.is_empty(), "{}", err(&output));
    refused(&["profile", text(&at("golden")), "--symbol", "ETH"], "error[no-such-symbol]");
    refused(&["profile", text(&at("golden")), "--suite", "table"], "error[suite-kind]");
    refused(&["profile", text(&at("golden")), "--format", "xml"], "--format");
}

#[test]
fn a_story_of_a_finding_and_of_a_check() {
    let bad = at("bad");
    let shown = ok(&["explain", text(&bad), "spread"]);
    for part in ["spread (ks)", "What it is", "What was compared", "◆ effect", "What to do next"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    // A command of the text works as it stands.
    let command = shown.split("`verismo explain ").nth(1).and_then(|rest| rest.split('`').next()).unwrap();
    let command = command.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: Vec<&str> = command.split(' ').collect();
    ok(&[&["explain"][..], &words].concat());
    let gaps = ok(&["explain", text(&bad), "gap"]);
    assert!(gaps.contains("sequence_gap") && gaps.contains("gap_severity"), "{gaps}");
    let json = ok(&["explain", text(&bad.join("report.json")), "spread", "--test", "w1", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], "verismo.explanation/1");
    assert_eq!(json["stories"][0]["finding"]["test"], "w1");
}

#[test]
fn a_story_of_what_is_not_there_is_refused_with_what_is() {
    let bad = at("bad");
    assert!(refused(&["explain", text(&bad), "spred"], "error[unknown-name]").contains("did you mean spread?"));
    refused(&["explain", text(&bad), "spread", "--test", "nope"], "--test");
    assert!(refused(&["explain", text(&bad), "spread", "--test", "hill"], "error[unknown-test]").contains("ks"));
    assert!(refused(&["explain", text(&bad), "spread", "--stream", "ETH"], "error[unknown-stream]").contains("BTC"));
    refused(&["explain", text(&data().join("none")), "spread"], "error[no-such-path]");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.json");
    for (content, why) in [
        ("not json", "line 1"),
        ("{}", "no schema"),
        (r#"{"schema": "verismo.profile/1"}"#, "its schema is verismo.profile/1, not verismo.report/1"),
        (r#"{"schema": "verismo.report/1"}"#, "missing field"),
        (r#"{"schema": 7}"#, "invalid type"),
    ] {
        fs::write(&file, content).unwrap();
        assert!(refused(&["explain", text(&file), "spread"], "error[not-a-report]").contains(why), "{content}");
        refused(&["compare", text(&bad), text(&file)], "error[not-a-report]");
    }
}

#[test]
fn a_comparison_is_an_exit_code() {
    let (good, bad) = (at("good"), at("bad"));
    assert!(ok(&["compare", text(&good), text(&good)]).contains("nothing that decides it has changed"));
    assert!(ok(&["compare", text(&bad), text(&good)]).starts_with("FAIL -> PASS  better\n"));
    let worse = run(&["compare", text(&good), text(&bad.join("report.json"))]);
    assert_eq!(code(&worse), 1);
    assert!(out(&worse).starts_with("PASS -> FAIL  worse\n"), "{}", out(&worse));
    let json: Value =
        serde_json::from_str(&out(&run(&["compare", text(&good), text(&bad), "--format", "json"]))).unwrap();
    assert_eq!((&json["schema"], &json["is_worse"]), (&Value::from("verismo.comparison/1"), &Value::from(true)));
    let document = out(&run(&["compare", text(&good), text(&bad), "--format", "md"]));
    assert!(document.starts_with("# PASS → FAIL: worse\n"), "{document}");
}

#[test]
fn colours_follow_the_conventions() {
    let bad = at("bad");
    let args = ["explain", text(&bad), "spread"];
    let coloured = |flags: &[&str], variables: &[(&str, &str)]| {
        let mut command = verismo(&[&args, flags].concat());
        command.envs(variables.iter().copied());
        out(&command.output().unwrap()).contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "a pipe is no terminal");
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")]), "an empty NO_COLOR is none");
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]), "a flag says more than the environment");
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn lines_keep_to_the_width_of_the_terminal() {
    let (golden, good, bad) = (at("golden"), at("good"), at("bad"));
    // Paths are not broken, so these run where paths are short.
    let run_in = |args: &[&str], width: &str| {
        let output = verismo(args).env("COLUMNS", width).current_dir(data()).output().unwrap();
        out(&output)
    };
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let (golden, good, bad) = (name(&golden), name(&good), name(&bad));
    for width in [80, 100, 140] {
        for args in
            [&["profile", &golden][..], &["explain", &bad, "spread"], &["compare", &good, &bad], &["report", &bad]]
        {
            let shown = run_in(args, &width.to_string());
            assert!(shown.lines().count() > 5, "{args:?}");
            for line in shown.lines() {
                let wide = line.chars().count();
                let has_path = line.contains(".parquet") || line.contains(".jsonl");
                assert!(wide <= width || has_path, "{args:?} at {width}: {wide}: {line}");
            }
        }
    }
}

#[test]
fn completions_for_every_shell_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = ok(&["completions", shell]);
        for word in ["profile", "explain", "compare", "validate"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    refused(&["completions", "tcsh"], "possible values");
}

#[test]
fn manual_pages_for_the_command_and_every_subcommand() {
    let page = ok(&["man"]);
    assert!(page.contains(".TH verismo 1") && page.contains("Exit codes"), "{page}");
    let dir = tempfile::tempdir().unwrap();
    let listed = ok(&["man", "--out", text(&dir.path().join("man1"))]);
    let names: Vec<String> =
        listed.lines().map(|l| Path::new(l).file_name().unwrap().to_string_lossy().into_owned()).collect();
    let help = ok(&["--help"]);
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands: Vec<&str> =
        commands.lines().filter_map(|l| l.split_whitespace().next()).filter(|c| *c != "help").collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in &commands {
        let name = format!("verismo-{command}.1");
        assert!(names.contains(&name), "{name}: {names:?}");
        let page = fs::read_to_string(dir.path().join("man1").join(&name)).unwrap();
        assert!(page.contains(&format!(".TH verismo-{command} 1")), "{page}");
        assert!(page.contains("Examples:"), "{command}");
    }
    assert_eq!(names.len(), commands.len() + 1);
}

#[test]
fn power_tells_what_a_suite_sees() {
    let dir = tempfile::tempdir().unwrap();
    let (json, html) = (dir.path().join("power.json"), dir.path().join("power.html"));
    let small = ["--events", "20000", "--runs", "2", "--pairs", "2", "--threads", "2"];
    let mut args = vec!["power", "--fault", "widen-spread:1,8", "--json", text(&json), "--html", text(&html)];
    args.extend(small);
    let shown = ok(&args);
    for words in ["What the suite market sees", "pairs without a fault", "widen-spread", "spread ks", "Took"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let study: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(study["schema"], "verismo.power/1");
    assert_eq!(study["faults"][0]["cells"].as_array().unwrap().len(), 2);
    assert!(fs::read_to_string(&html).unwrap().contains("widen-spread"));
    let golden = data().join("golden");
    let mut args = vec!["power", "--golden", text(&golden), "--fault", "duplicate:0.05", "--runs", "1", "--json", "-"];
    args.extend(["--threads", "1"]);
    let study: Value = serde_json::from_str(&ok(&args)).unwrap();
    assert_eq!(study["faults"][0]["smallest_by_metric"]["duplicate"], 0.05);
    assert!(study.get("false_alarms").is_none());
    refused(&["power", "--fault", "truncate"], "fault-of-bytes");
    refused(&["power", "--fault", "dorp:0.1"], "unknown-fault");
    refused(&["power", "--fault", "drop:2"], "fault-amount-out-of-range");
    refused(&["power", "--suite", "table"], "suite-kind");
}

#[test]
fn margins_are_proposed_for_no_suite_that_would_be_thrown_away() {
    let golden = data().join("golden");
    refused(&["init", "--golden", text(&golden), "--suite", "light", "--out", "-"], "no-proposals");
    let plain = ok(&["init", "--suite", "light", "--out", "-"]);
    assert!(plain.contains("name: light") && plain.contains("extends: market"), "{plain}");
}
