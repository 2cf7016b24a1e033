//! The store of states as a user meets it: on by default, told, swept, and never in the way.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

fn verismo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verismo"));
    command.args(args).stdin(Stdio::null());
    set_up(&mut command);
    command
}

/// Settings of whoever runs the tests must not reach the command.
fn set_up(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["VERISMO_", "AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(&*name);
        }
    }
    command.env("XDG_CACHE_HOME", common::home());
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

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A golden and a candidate, made once for all tests.
fn data() -> &'static Path {
    static DATA: OnceLock<tempfile::TempDir> = OnceLock::new();
    DATA.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        for (format, name) in [("golden-jsonl", "golden"), ("events-parquet", "faithful")] {
            let out = dir.path().join(name);
            ok(dir.path(), &["simulate", "--format", format, "--events", "4000", "--seed", "1", "--out", text(&out)]);
        }
        // What was changed a moment ago is read again.
        std::thread::sleep(Duration::from_millis(100));
        dir
    })
    .path()
}

fn arguments(dir: &Path, more: &[&str]) -> Vec<String> {
    let (golden, candidate, reports) = (data().join("golden"), data().join("faithful"), dir.join("reports"));
    let args = ["validate", "--golden", text(&golden), "--candidate", text(&candidate), "--out", text(&reports)];
    let suite: &[&str] = if more.contains(&"--suite") { &[] } else { &["--suite", "light"] };
    args.iter().chain(suite).chain(&["--json", "-"]).chain(more).map(|arg| (*arg).to_owned()).collect()
}

/// Lets the states be asked for: the report of an equal run would be taken as a whole.
fn forget_reports(home: &Path) {
    let _none = fs::remove_dir_all(home.join("states/reports"));
}

/// A command that judges; its report goes to standard output, its files to `reports` in `dir`.
fn validate(dir: &Path, more: &[&str]) -> Command {
    let args = arguments(dir, more);
    verismo(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The digest of a run without a store.
fn digest() -> &'static str {
    static DIGEST: OnceLock<String> = OnceLock::new();
    DIGEST.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let report = json(&ends(&validate(dir.path(), &["--no-store"]).output().unwrap(), 0));
        assert!(report["cache"].is_null() && report["provenance"]["run"].is_null());
        report["digest"].as_str().unwrap().to_owned()
    })
}

/// Runs with a home, and the same result as without.
#[track_caller]
fn judged(home: &Path, more: &[&str]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let output = validate(dir.path(), more).env("VERISMO_STORE", home).output().unwrap();
    assert_eq!(err(&output), "");
    let report = json(&ends(&output, 0));
    assert_eq!(report["digest"], digest());
    report
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn states_are_kept_and_not_computed_again_and_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    judged(&home, &["--no-store"]);
    assert!(!home.exists());
    let (cold, warm) = (judged(&home, &[]), judged(&home, &["--verify-files"]));
    let share = |report: &Value| report["timing"]["cached_share"].as_f64();
    assert_eq!((share(&cold), share(&warm)), (Some(0.0), Some(1.0)));
    assert_eq!((warm["timing"]["bytes_read"].as_u64(), warm["cache"]["states_computed"].as_u64()), (Some(0), Some(0)));
    assert!(ok(&home, &["explain-cache", "last~1"]).contains("nothing was stored of this file"));
    assert!(ok(&home, &["explain-cache"]).contains("(100 %)"));
    let told = json(&ok(&home, &["explain-cache", "--json", "-"]));
    assert_eq!(
        (&told["schema"], &told["states_reused"]),
        (&"verismo.cache/1".into(), &cold["cache"]["states_computed"])
    );
    // Where it is by default: beside the suite file, else where the caches of the user are.
    let suite = dir.path().join("conf/ours.yaml");
    fs::create_dir(dir.path().join("conf")).unwrap();
    fs::write(&suite, "schema: verismo.suite/1\ndata: market\nname: ours\nextends: light\n").unwrap();
    ends(&validate(dir.path(), &["--suite", text(&suite)]).output().unwrap(), 0);
    ends(&validate(dir.path(), &[]).env("XDG_CACHE_HOME", dir.path().join("cache")).output().unwrap(), 0);
    for home in ["conf/.verismo", "cache/verismo"] {
        assert!(!files(&dir.path().join(home).join("states")).is_empty(), "{home}");
    }
}

#[test]
fn a_table_that_did_not_change_is_not_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("table.csv");
    let rows: String = (0..2_000).map(|i| format!("{},{}\n", 1_700_000_000_000_i64 + i * 1_000, i * i % 97)).collect();
    fs::write(&table, format!("time,price\n{rows}")).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let reports = dir.path().join("reports");
    let args =
        ["validate", "--golden", text(&table), "--candidate", text(&table), "--out", text(&reports), "--json", "-"];
    let home = dir.path().join("home");
    let read = |more: &[&str]| {
        let report = json(&ok(&home, &[&args[..], more].concat()));
        (report["digest"].clone(), report["timing"]["bytes_read"].as_u64().unwrap() > 0)
    };
    let (first, again, verified) = (read(&[]), read(&[]), read(&["--verify-files"]));
    assert_eq!((first.1, again.1, verified.1), (true, false, false));
    assert_eq!((&first.0, &first.0), (&again.0, &verified.0));
    // One column of one file on both sides.
    let told = ok(&home, &["explain-cache"]);
    assert!(told.starts_with("2 of 2 states"), "{told}");
    fs::write(&table, format!("time,price\n{}", rows.replacen(",4\n", ",5\n", 1))).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(read(&[]).1);
    let told = ok(&home, &["explain-cache"]);
    assert!(told.contains("table.csv") && told.contains("bytes changed"), "{told}");
}

#[test]
fn a_store_is_counted_and_swept() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    assert!(ok(&home, &["cache", "stats"]).starts_with("0 objects of 0 B in "));
    assert!(ok(&home, &["cache", "gc"]).starts_with("Removed 0 of 0 objects"));
    assert!(!home.exists(), "asking makes no home");
    judged(&home, &[]);
    let stats = json(&ok(&home, &["cache", "stats", "--json", "-"]));
    assert_eq!(stats["schema"], "verismo.cache-stats/1");
    let kinds: Vec<&str> = stats["kinds"].as_array().unwrap().iter().map(|k| k["kind"].as_str().unwrap()).collect();
    for kind in ["observables", "replays", "reports", "trails"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let (objects, bytes) = (stats["objects"].as_u64().unwrap(), stats["bytes"].as_u64().unwrap());
    assert!(objects == files(&home.join("states")).len() as u64 && bytes > 1_000, "{stats}");
    assert!(ok(&home, &["cache", "stats"]).contains("in the last day"));
    let gc = |args: &[&str]| json(&ok(&home, &[&["cache", "gc", "--json", "-"], args].concat()));
    let removed = |report: &Value| report["objects_removed"].as_u64().unwrap();
    assert_eq!(removed(&gc(&[])), 0);
    assert_eq!(removed(&gc(&["--older-than", "1d"])), 0);
    let half = (bytes / 2).to_string();
    let dry = gc(&["--max-size", &half, "--dry-run"]);
    assert!(removed(&dry) > 0 && dry["dry_run"] == true && gc(&[])["objects"] == objects, "{dry}");
    // Of objects that were used at one time any may go.
    assert!(gc(&["--max-size", &half])["bytes_removed"].as_u64() >= Some(bytes - bytes / 2));
    forget_reports(&home);
    let partly = judged(&home, &[]);
    assert!(partly["cache"]["states_computed"].as_u64() > Some(0), "{}", partly["cache"]);
    assert_eq!(judged(&home, &[])["cache"]["states_computed"], 0);
    // A limit of its own, and one from the environment.
    assert!(removed(&gc(&["--max-size", "0"])) > 0);
    judged(&home, &["--store-max", "1kB"]);
    assert!(files(&home.join("states")).len() < 4);
    assert_eq!(judged(&home, &["--store-max", "none"])["cache"]["states_reused"], 0);
    let output = verismo(&["cache", "gc"]).env("VERISMO_STORE", &home).env("VERISMO_STORE_MAX", "0").output().unwrap();
    assert!(ends(&output, 0).contains("0 objects of 0 B stay"), "{}", out(&output));
    let output = verismo(&["cache", "gc"]).env("VERISMO_STORE", &home).env("VERISMO_STORE_MAX", "x").output().unwrap();
    assert!(err(&output).contains("error[bad-size]"), "{}", err(&output));
    assert_eq!(ok(&home, &["runs", "--limit", "2"]).lines().count(), 3, "runs stay");
    refused(&home, &["cache", "gc", "--older-than", "2999-01-01"], "in the past");
}

#[test]
fn a_url_that_is_none_of_a_store_is_refused_and_one_that_does_not_answer_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    for url in ["s4://bucket/states", "https://example.org/states", "s3://"] {
        for command in [validate(dir.path(), &["--store", url]), verismo(&["cache", "stats", "--store", url])] {
            let mut command = command;
            let output = command.output().unwrap();
            assert!(err(&output).contains("error[bad-store]") && err(&output).contains("gs://"), "{}", err(&output));
            ends(&output, 2);
        }
    }
    // Nobody listens; and one who never answers.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let deaf_at = deaf.local_addr().unwrap();
    let late = "did not answer within 2 s";
    // On a machine that is busy, trying again takes until it is too late.
    let cases = [
        (deaf_at, true, [late, late]),
        (closed, true, ["refused", late]),
        (closed, false, ["AWS_ACCESS_KEY_ID", late]),
    ];
    for (at, has_keys, said) in cases {
        let start = Instant::now();
        let mut command = validate(dir.path(), &["--store", "s3://bucket/states", "--store-timeout", "2"]);
        command.env("AWS_ENDPOINT_URL", format!("http://{at}")).env("AWS_METADATA_ENDPOINT", format!("http://{at}"));
        if has_keys {
            command.env("AWS_ACCESS_KEY_ID", "k").env("AWS_SECRET_ACCESS_KEY", "s");
        }
        let output = command.output().unwrap();
        assert_eq!(json(&ends(&output, 0))["digest"], digest());
        assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
        let is_said = said.iter().any(|said| err(&output).contains(said));
        assert!(err(&output).contains("s3://bucket/states") && is_said, "{}", err(&output));
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    }
}

#[cfg(unix)]
#[test]
fn a_store_that_cannot_be_written_costs_a_warning_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let warned = |output: &Output, what: &str| {
        assert_eq!(json(&ends(output, 0))["digest"], digest());
        assert!(err(output).contains(what) && err(output).lines().count() <= 2, "{}", err(output));
    };
    // A file instead of a folder: neither record nor states.
    fs::write(&home, "").unwrap();
    warned(&validate(dir.path(), &["--store", text(&home)]).output().unwrap(), "cannot be opened");
    fs::remove_file(&home).unwrap();
    // The limit on the size of files stands for a full disk: small objects are written, large ones are not.
    let args = arguments(dir.path(), &["--no-store"]);
    let _whole = verismo(&args.iter().map(String::as_str).collect::<Vec<_>>()).output().unwrap();
    let largest = files(&dir.path().join("reports")).iter().map(|f| fs::metadata(f).unwrap().len()).max().unwrap();
    let large = dir.path().join("large");
    let states: Vec<u64> = {
        judged(&large, &[]);
        files(&large.join("states")).iter().map(|file| fs::metadata(file).unwrap().len()).collect()
    };
    let blocks = largest.div_ceil(512) + 2;
    if states.iter().any(|size| *size > blocks * 512) {
        let mut command = Command::new("sh");
        let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_verismo")])
            .args(arguments(dir.path(), &["--store", text(&home)]));
        set_up(&mut command);
        warned(&command.output().unwrap(), "cannot be written");
    }
    // What is there is read where nothing can be written. The superuser may write everywhere.
    let mount = |options: &[&str]| {
        let output = Command::new("mount").args(options).arg(&large).output();
        output.is_ok_and(|output| output.status.success())
    };
    if mount(&["--bind", text(&large)]) {
        let is_read_only = mount(&["-o", "remount,bind,ro"]);
        let output = validate(dir.path(), &["--store", text(&large)]).output().unwrap();
        assert!(Command::new("umount").arg(&large).status().unwrap().success());
        if is_read_only {
            warned(&output, "not recorded");
            assert_eq!(json(&out(&output))["cache"]["states_computed"], 0);
        }
    }
    // A full disk.
    let small = dir.path().join("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16k", "tmpfs", text(&small)]).output();
    if mounted.is_ok_and(|output| output.status.success()) {
        let output = validate(dir.path(), &["--store", text(&small)]).output().unwrap();
        assert!(Command::new("umount").arg(&small).status().unwrap().success());
        warned(&output, "space");
    }
}

#[cfg(unix)]
#[test]
fn a_run_without_a_home_directory_runs() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = validate(dir.path(), &[]);
    // No home, and none that the system knows of.
    let output = command.env_remove("XDG_CACHE_HOME").env("HOME", "/nowhere/at/all").output().unwrap();
    assert_eq!(json(&ends(&output, 0))["digest"], digest());
}

#[test]
fn ten_processes_with_one_store_compute_the_same_and_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let started = |home: &Path, more: &dyn Fn(usize) -> &'static [&'static str]| -> Vec<u64> {
        let start = |n: usize| {
            let mut command = validate(&dir.path().join(n.to_string()), &[&["--threads", "1"], more(n)].concat());
            command.env("VERISMO_STORE", home).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = (0..10).map(start).collect();
        let ended = children.into_iter().map(|child| {
            let output = child.wait_with_output().unwrap();
            assert_eq!(err(&output), "");
            let report = json(&ends(&output, 0));
            assert_eq!(report["digest"], digest());
            report["cache"]["states_computed"].as_u64().unwrap()
        });
        ended.collect()
    };
    let home = dir.path().join("home");
    let computed = started(&home, &|_| &[]);
    let warm = judged(&home, &["--verify-files"]);
    let states = warm["cache"]["states_reused"].as_u64().unwrap();
    assert_eq!(warm["cache"]["states_computed"], 0);
    // Whoever comes second waits for the first: each state is computed about once, not ten times.
    let about_once = states..=2 * states;
    assert!(about_once.contains(&computed.iter().sum()), "{states} states: {computed:?}");
    assert!(files(&home.join("states")).iter().all(|file| !text(file).contains('#')), "no halves are left");
    // Also where the pieces are there and their states are not: they are on their way, or were lost.
    for file in files(&home.join("states")).iter().filter(|file| text(file).ends_with(".parts")) {
        fs::remove_file(file).unwrap();
    }
    let computed = started(&home, &|_| &["--verify-files"]);
    assert!(about_once.contains(&computed.iter().sum()), "{states} states without parts: {computed:?}");
    // Some of them sweep meanwhile.
    let home = dir.path().join("swept");
    started(&home, &|n| if n % 4 == 3 { &["--store-max", "20kB"] } else { &[] });
    judged(&home, &[]);
    assert_eq!(judged(&home, &["--verify-files"])["cache"]["states_computed"], 0);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_ended_leaves_a_store_that_serves_the_next_one() {
    use std::io::{BufRead as _, BufReader};
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for (signal, wait_ms) in [("TERM", 40), ("KILL", 80), ("TERM", 120), ("KILL", 160)] {
        let mut command = validate(dir.path(), &["-v", "--threads", "1"]);
        command.env("VERISMO_STORE", &home).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut String::new()).unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        let killed = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        let start = Instant::now();
        let code = child.wait().unwrap().code();
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        assert!(!killed.success() || matches!(code, Some(130 | 0) | None), "{signal}: {code:?}");
    }
    judged(&home, &[]);
    let warm = judged(&home, &[]);
    assert_eq!((&warm["cache"]["states_computed"], &warm["cache"]["problems"]), (&0.into(), &Value::Array(Vec::new())));
}

/// LOBSTER messages have their order book in a file beside them, which is read with them whether it is named or not.
#[test]
fn a_file_that_is_read_with_another_is_part_of_what_may_change() {
    let dir = tempfile::tempdir().unwrap();
    let (home, day) = (dir.path().join("home"), dir.path().join("day"));
    let simulated = ["simulate", "--format", "lobster", "--events", "4000", "--seed", "1", "--shares"];
    ok(&home, &[&simulated[..], &["--out", text(&day)]].concat());
    let named = |part: &str| {
        let mut paths = fs::read_dir(&day).unwrap().map(|entry| entry.unwrap().path());
        paths.find(|path| path.to_string_lossy().contains(part)).unwrap()
    };
    let (messages, book) = (named("message"), named("orderbook"));
    std::thread::sleep(Duration::from_millis(100));
    let reports = dir.path().join("reports");
    let run = || {
        let args = ["validate", "--golden", text(&messages), "--candidate", text(&messages), "--out", text(&reports)];
        let output = verismo(&[&args[..], &["--json", "-"]].concat()).env("VERISMO_STORE", &home).output().unwrap();
        json(&out(&output))["cache"]["is_report_reused"].as_bool().unwrap()
    };
    assert_eq!([run(), run()], [false, true]);
    // Another book: the last level is gone.
    let shorter = fs::read_to_string(&book).unwrap().replace(",0\n", ",1\n");
    fs::write(&book, shorter + "1,1,1,1\n").unwrap();
    assert!(!run(), "the book is another one");
    fs::remove_file(&book).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!([run(), run()], [false, true], "without a book");
    ok(&home, &["snapshot", text(&day), "--tag", "gold"]);
    fs::write(&book, "1,1,1,1\n").unwrap();
    let version = format!("{}@gold", text(&day));
    let args = ["validate", "--golden", &version, "--candidate", &version, "--out", text(&reports)];
    let output = verismo(&args).env("VERISMO_STORE", &home).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(err(&output).contains("is no file of") && err(&output).contains("not-that-version"), "{}", err(&output));
}

#[test]
fn the_text_says_what_was_read_and_what_was_not() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let args = arguments(dir.path(), &[]);
    let args: Vec<&str> = args.iter().map(String::as_str).filter(|arg| !["--json", "-"].contains(arg)).collect();
    let said = |what: &str| {
        let text = ok(&home, &args);
        assert!(text.contains(what), "{what}: {text}");
    };
    said("messages/s.");
    said("Nothing changed since an earlier run");
    forget_reports(&home);
    said("Read nothing: the states of");
}
