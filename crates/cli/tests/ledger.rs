//! The ledger as a user meets it: runs recorded, listed, shown again and compared; homes that cannot be written.
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
    // Whatever a test forgets to say lands here.
    command.env("XDG_CACHE_HOME", common::home());
    command
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn ends(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}{}", out(output), err(output));
    out(output)
}

/// Runs a command with a home; nothing may be said on standard error.
#[track_caller]
fn ok(home: &Path, args: &[&str]) -> String {
    let output = verismo(args).env("VERISMO_STORE", home).output().unwrap();
    assert_eq!(err(&output), "", "{args:?}");
    ends(&output, 0)
}

#[track_caller]
fn refused(home: &Path, args: &[&str], error: &str) -> String {
    let output = verismo(args).env("VERISMO_STORE", home).output().unwrap();
    assert!(output.stdout.is_empty() && err(&output).contains(error), "{args:?}: {}", err(&output));
    ends(&output, 2);
    err(&output)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A golden and two candidates, `faithful` (PASS) and `damaged` (FAIL), made once for all tests.
fn data() -> &'static Path {
    static DATA: OnceLock<tempfile::TempDir> = OnceLock::new();
    DATA.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        for (format, name) in [("golden-jsonl", "golden"), ("events-parquet", "faithful")] {
            ok(dir.path(), &["simulate", "--format", format, "--events", "4000", "--seed", "1", "--out", &at(name)]);
        }
        let faults = ["--fault", "widen-spread:40", "--fault", "drop:0.3"];
        ok(dir.path(), &[&["inject", "--in", &at("faithful"), "--out", &at("damaged")][..], &faults].concat());
        dir
    })
    .path()
}

/// A command that judges a candidate; its reports go to `reports` in `dir`.
fn validate(dir: &Path, candidate: &str, more: &[&str]) -> Command {
    let (golden, candidate, reports) = (data().join("golden"), data().join(candidate), dir.join("reports"));
    let args = ["validate", "--golden", text(&golden), "--candidate", text(&candidate), "--out", text(&reports)];
    verismo(&[&args[..], more].concat())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A home with a PASS, then a FAIL; made once.
fn home() -> &'static Path {
    static HOME: OnceLock<tempfile::TempDir> = OnceLock::new();
    HOME.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        for (candidate, code) in [("faithful", 0), ("damaged", 1)] {
            let output = validate(dir.path(), candidate, &[]).env("VERISMO_STORE", dir.path()).output().unwrap();
            ends(&output, code);
        }
        dir
    })
    .path()
}

fn ids(home: &Path) -> Vec<String> {
    let list = json(&ok(home, &["runs", "--json", "-"]));
    list["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn runs_are_listed_with_their_verdicts_the_latest_first() {
    let listed = ok(home(), &["runs"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines.len() == 3 && lines[0].contains("verdict"), "{listed}");
    assert!(lines[1].contains("FAIL") && lines[1].contains("damaged"), "{listed}");
    assert!(lines[2].contains("PASS") && lines[2].contains("faithful") && lines[2].contains("market"), "{listed}");
    let list = json(&ok(home(), &["runs", "--json", "-"]));
    assert_eq!(list["schema"], "verismo.runs/1");
    let run = &list["runs"][0];
    assert!(run["cpu_seconds"].as_f64().is_some() && run["messages"].as_u64() > Some(4_000), "{run}");
    assert_eq!(run["golden"][0], text(&data().join("golden")));
    for (filter, count) in [
        (&["--verdict", "PASS"][..], 1),
        (&["--suite", "market"], 2),
        (&["--suite", "other"], 0),
        (&["--limit", "1"], 1),
        (&["--since", "1h"], 2),
        (&["--since", "2999-01-01"], 0),
    ] {
        let list = json(&ok(home(), &[&["runs", "--json", "-"], filter].concat()));
        assert_eq!(list["runs"].as_array().unwrap().len(), count, "{filter:?}");
    }
    assert!(ok(home(), &["runs", "--suite", "other"]).starts_with("No such runs in "));
    refused(home(), &["runs", "--since", "yesterday"], "expected a date");
}

#[test]
fn a_run_is_shown_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let recorded = validate(dir.path(), "faithful", &[]).env("VERISMO_STORE", dir.path()).output().unwrap();
    let shown = ends(&recorded, 0);
    let id = ids(dir.path()).remove(0);
    assert!(shown.contains(&format!("\nRun:     {id}\n")), "{shown}");
    let written = fs::read(dir.path().join("reports/report.json")).unwrap();
    let show = |format: &str| ok(dir.path(), &["show", &id[..11], "--format", format]);
    assert_eq!(show("json").as_bytes(), written);
    assert_eq!(json(&show("json"))["provenance"]["run"]["id"], *id);
    assert_eq!(show("html").as_bytes(), fs::read(dir.path().join("reports/report.html")).unwrap());
    for (format, start) in [("text", "PASS"), ("md", "# "), ("junit", "<?xml")] {
        assert!(show(format).starts_with(start), "{format}");
        assert_eq!(ok(dir.path(), &["report", "last", "--format", format]), show(format));
    }
    let again = dir.path().join("again");
    assert_eq!(ok(dir.path(), &["show", "last", "--out", text(&again)]).lines().count(), 4);
    assert_eq!(fs::read(again.join("report.json")).unwrap(), written);
    assert!(ok(dir.path(), &["explain", "last", "spread"]).contains("spread"));
}

#[test]
fn runs_are_compared_by_name() {
    let [bad, good] = ids(home()).try_into().unwrap();
    let compare =
        |before: &str, after: &str| verismo(&["compare", before, after]).env("VERISMO_STORE", home()).output().unwrap();
    assert!(ends(&compare("last", "last~1"), 0).starts_with("FAIL -> PASS  better\n"));
    let worse = ends(&compare(&good, &bad), 1);
    assert!(worse.contains(&format!("now     {bad}")), "{worse}");
    // A report and a run; a path that exists comes first.
    let reports = home().join("reports");
    ends(&compare("last", text(&reports)), 0);
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("last")).unwrap();
    let output =
        verismo(&["compare", "last", "last~1"]).env("VERISMO_STORE", home()).current_dir(dir.path()).output().unwrap();
    assert!(err(&output).contains("no-such-path"), "{}", err(&output));
}

#[test]
fn a_run_that_is_not_there_is_refused_with_what_is() {
    let [bad, good] = ids(home()).try_into().unwrap();
    let both = refused(home(), &["show", &bad[..3]], "error[ambiguous-run]");
    assert!(both.contains(&bad) && both.contains(&good) && both.contains("more of the id"), "{both}");
    let none = refused(home(), &["show", &format!("{}{}", &good[..9], "uuuu")], "error[no-such-run]");
    assert!(none.contains(&format!("nearest: {good}")) || none.contains("nearest: "), "{none}");
    refused(home(), &["compare", "last", "last~2"], "error[no-such-run]");
    refused(home(), &["report", "verismo-report"], "error[no-such-path]");
    let empty = tempfile::tempdir().unwrap();
    let nowhere = empty.path().join("home");
    assert!(refused(&nowhere, &["show", "last"], "error[no-such-run]").contains("no runs there"));
    assert!(ok(&nowhere, &["runs"]).starts_with("No such runs in "));
    assert!(!nowhere.exists(), "asking makes no home");
}

#[test]
fn a_trend_shows_an_observable_over_runs() {
    let shown = ok(home(), &["runs", "--trend", "spread"]);
    assert!(shown.contains("◆") && shown.contains("┃"), "{shown}");
    let (pass, fail) = (shown.find("PASS").unwrap(), shown.find("FAIL").unwrap());
    assert!(pass < fail, "the earliest first: {shown}");
    let trend = json(&ok(home(), &["runs", "--trend", "spread:mwu", "--json", "-"]));
    assert_eq!(trend["schema"], "verismo.trend/1");
    let points = trend["series"][0]["points"].as_array().unwrap();
    assert_eq!((points.len(), &trend["series"][0]["test"]), (2, &Value::from("mwu")));
    assert!(refused(home(), &["runs", "--trend", "spred"], "unknown-observable").contains("did you mean spread?"));
    assert!(refused(home(), &["runs", "--trend", "spread:nope"], "unknown-test").contains("ks"));
}

#[test]
fn the_home_is_where_it_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    // Beside each report lies the trace of its run.
    let runs = |home: PathBuf| fs::read_dir(home.join("runs")).map_or(0, |files| files.count() / 2);
    let suite = at("conf/light.yaml");
    fs::create_dir(at("conf")).unwrap();
    fs::write(&suite, "schema: verismo.suite/1\ndata: market\nname: ours\nextends: light\n").unwrap();
    let judged = |more: &[&str], variable: Option<&Path>| {
        let mut command = validate(dir.path(), "faithful", more);
        command.env("XDG_CACHE_HOME", at("cache"));
        variable.map(|home| command.env("VERISMO_STORE", home));
        ends(&command.output().unwrap(), 0)
    };
    let suite = ["--suite", text(&suite)];
    let (flag, variable) = (at("flag"), at("variable"));
    judged(&[&suite[..], &["--store", text(&flag)]].concat(), Some(&variable));
    judged(&suite, Some(&variable));
    assert!(judged(&suite, None).contains("conf/.verismo\n"));
    let shown = judged(&[], None);
    assert!(shown.contains("\nRun: ") && !shown.contains("cache"), "{shown}");
    assert!(!judged(&["--no-store"], None).contains("\nRun: "));
    judged(&["--no-store"], Some(&variable));
    for home in [flag, variable, at("conf/.verismo"), at("cache/verismo")] {
        assert_eq!(runs(home.clone()), 1, "{}", home.display());
    }
    let listed = verismo(&[&["runs"], &suite[..]].concat()).output().unwrap();
    assert!(ends(&listed, 0).contains("ours"), "{}", out(&listed));
}

#[test]
fn a_home_that_cannot_be_written_costs_a_warning_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for (candidate, code) in [("faithful", 0), ("damaged", 1)] {
        let output = validate(dir.path(), candidate, &["--store", text(&file.join("home"))]).output().unwrap();
        assert!(!ends(&output, code).contains("\nRun: "));
        let said = err(&output);
        assert!(said.lines().count() == 2 && said.contains("not recorded") && said.contains("--no-store"), "{said}");
        assert!(said.contains("states are computed"), "{said}");
        let report = json(&fs::read_to_string(dir.path().join("reports/report.json")).unwrap());
        assert!(report["provenance"]["run"].is_null());
    }
}

#[test]
fn ten_processes_record_ten_runs() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let started: Vec<_> = (0..10)
        .map(|n| {
            let reports = dir.path().join(n.to_string());
            let mut command =
                validate(&reports, "faithful", &["--suite", "integrity", "--threads", "1", "--json", "-"]);
            command.env("VERISMO_STORE", &home).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut recorded: Vec<String> = started
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            assert_eq!(err(&output), "");
            json(&ends(&output, 0))["provenance"]["run"]["id"].as_str().unwrap().to_owned()
        })
        .collect();
    let mut listed = ids(&home);
    recorded.sort();
    listed.sort();
    assert_eq!(listed, recorded);
}

#[test]
fn damage_is_told_and_the_reports_bring_the_runs_back() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    for _ in 0..2 {
        ends(
            &validate(home, "faithful", &["--suite", "integrity", "-q"]).env("VERISMO_STORE", home).output().unwrap(),
            0,
        );
    }
    let [last, first] = ids(home).try_into().unwrap();
    fs::write(home.join("ledger.sqlite"), "no database".repeat(100)).unwrap();
    let output = verismo(&["runs"]).env("VERISMO_STORE", home).output().unwrap();
    let listed = ends(&output, 0);
    assert!(listed.contains(&first) && listed.contains(&last), "{listed}");
    assert!(err(&output).contains("ledger.sqlite.damaged-1"), "{}", err(&output));
    assert_eq!(ids(home).len(), 2);
    let report = home.join("runs").join(format!("{first}.json.zst"));
    let bytes = fs::read(&report).unwrap();
    fs::write(&report, &bytes[..bytes.len() / 2]).unwrap();
    let output = verismo(&["show", &first]).env("VERISMO_STORE", home).output().unwrap();
    ends(&output, 4);
    assert!(err(&output).contains("error[damaged-run]"), "{}", err(&output));
}

#[test]
fn a_certificate_tells_the_true_report_from_another() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (key, public, certificate) = (at("key.pem"), at("key.pem.pub"), at("certificate.json"));
    ok(home(), &["keygen", "--out", &key]);
    refused(home(), &["keygen", "--out", &key], "error[key-exists]");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o077, 0);
    }
    assert_eq!(ok(home(), &["certify", "last~1", "--key", &key, "--out", &certificate]), "");
    let verify = |more: &[&str]| {
        let args = [&["verify", &certificate, "--public-key", &public][..], more].concat();
        verismo(&args).env("VERISMO_STORE", home()).output().unwrap()
    };
    assert!(ends(&verify(&[]), 0).starts_with("GENUINE  PASS\n"));
    // The file of the report and the report in the ledger are the same bytes.
    ok(home(), &["show", "last~1", "--out", &at("shown")]);
    for report in ["last~1", &at("shown"), &at("shown/report.json")] {
        ends(&verify(&["--report", report]), 0);
    }
    let report = fs::read_to_string(at("shown/report.json")).unwrap();
    fs::write(at("shown/report.json"), report.replacen("\"margin\": 0.05", "\"margin\": 0.06", 1)).unwrap();
    let other = ends(&verify(&["--report", &at("shown")]), 1);
    assert!(other.starts_with("ANOTHER REPORT") && other.contains("digest of report.json"), "{other}");
    assert!(ends(&verify(&["--report", "last"]), 1).contains("verdict: \"PASS\", not \"FAIL\""));
    let printed = json(&ok(home(), &["certify", "last", "--key", &key]));
    assert_eq!(
        (&printed["schema"], &printed["statement"]["verdict"]),
        (&"verismo.certificate/2".into(), &"FAIL".into())
    );
    let honest = fs::read_to_string(&certificate).unwrap();
    fs::write(&certificate, printed.to_string()).unwrap();
    assert!(ends(&verify(&[]), 1).starts_with("GENUINE  FAIL\n"), "genuine, and nothing to train on");
    fs::write(&certificate, printed.to_string().replace("FAIL", "PASS")).unwrap();
    assert!(ends(&verify(&[]), 1).starts_with("NOT GENUINE"));
    fs::write(&certificate, honest.replacen("{", "{\"note\": 1,", 1)).unwrap();
    refused(home(), &["verify", &certificate, "--public-key", &public], "error[not-a-certificate]");
    refused(home(), &["certify", "last", "--key", &public], "error[bad-key]");
    refused(home(), &["certify", "last", "--key", &at("none")], "error[no-such-path]");
}
