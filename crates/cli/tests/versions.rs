//! Versions of data sets as a user meets them: recorded, named, compared, and those that DVC and Delta tables keep.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

fn verismo(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verismo"));
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("VERISMO_")) {
        command.env_remove(name);
    }
    command.env("VERISMO_STORE", home).env("XDG_CACHE_HOME", home.join("cache"));
    command
}

fn run(home: &Path, args: &[&str]) -> Output {
    verismo(home, args).output().unwrap()
}

fn all(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[track_caller]
fn ends(home: &Path, args: &[&str], code: i32) -> String {
    let output = run(home, args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", all(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Ends with that code, and says all of this.
#[track_caller]
fn says(home: &Path, args: &[&str], code: i32, words: &[&str]) {
    let output = run(home, args);
    let text = all(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{args:?}: {word:?} is not in: {text}");
    }
}

#[track_caller]
fn json(home: &Path, args: &[&str], code: i32) -> Value {
    serde_json::from_str(&ends(home, &[args, &["--json", "-"]].concat(), code)).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn simulate(format: &str, seed: &str, to: &Path) {
    let home = to.parent().unwrap();
    let args =
        ["simulate", "--format", format, "--events", "3000", "--symbols", "2", "--seed", seed, "--out", text(to)];
    ends(home, &args, 0);
}

/// A golden of two symbols and its reconstruction, made once.
fn data() -> &'static Path {
    static DATA: OnceLock<tempfile::TempDir> = OnceLock::new();
    DATA.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        simulate("golden-jsonl", "1", &dir.path().join("golden"));
        simulate("events-parquet", "1", &dir.path().join("rebuilt"));
        dir
    })
    .path()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { pending.push(entry) } else { found.push(entry) }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(&target, fs::read(&file).unwrap()).unwrap();
    }
}

/// A folder of its own with a copy of the reconstruction in `rebuilt`, and a home.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(&data().join("rebuilt"), &dir.path().join("rebuilt"));
        Self { dir }
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn rebuilt(&self) -> String {
        text(&self.dir.path().join("rebuilt")).to_owned()
    }

    fn named(&self, version: &str) -> String {
        format!("{}@{version}", self.rebuilt())
    }

    /// The first Parquet file.
    fn file(&self) -> PathBuf {
        files(&self.dir.path().join("rebuilt"))
            .into_iter()
            .find(|f| f.extension().is_some_and(|e| e == "parquet"))
            .unwrap()
    }
}

#[test]
fn the_same_content_is_the_same_version_and_other_content_another() {
    let place = Place::new();
    let home = place.home();
    let first = json(&home, &["snapshot", &place.rebuilt(), "--tag", "v1", "-m", "the first"], 0);
    assert_eq!((first["schema"].as_str(), first["is_new"].as_bool()), (Some("verismo.snapshot/1"), Some(true)));
    assert_eq!((first["name"].as_str(), first["branch"].as_str()), (Some("rebuilt"), Some("main")));
    assert!(
        first["rows"].as_u64().unwrap() > 3_000 && first["last_ns"].as_i64() > first["first_ns"].as_i64(),
        "{first}"
    );
    let again = json(&home, &["snapshot", &place.rebuilt()], 0);
    assert_eq!(again["version"], first["version"]);
    assert_eq!((again["is_new"].as_bool(), again["is_unchanged"].as_bool()), (Some(false), Some(true)));
    says(&home, &["snapshot", &place.rebuilt()], 0, &["recorded already", "v1"]);
    // Elsewhere, under another name, it is the same version, too.
    let copied = place.dir.path().join("copy");
    copy(Path::new(&place.rebuilt()), &copied);
    assert_eq!(json(&home, &["snapshot", text(&copied)], 0)["version"], first["version"]);

    let bytes = fs::read(place.file()).unwrap();
    simulate("events-parquet", "2", &place.dir.path().join("other"));
    let other =
        files(&place.dir.path().join("other")).into_iter().find(|f| f.extension().is_some_and(|e| e == "parquet"));
    fs::write(place.file(), fs::read(other.unwrap()).unwrap()).unwrap();
    let second = json(&home, &["snapshot", &place.rebuilt()], 0);
    assert_ne!(second["version"], first["version"]);
    assert_eq!(second["parent"], first["version"]);
    // Back to the first content: the same version again, after the second.
    fs::write(place.file(), bytes).unwrap();
    let third = json(&home, &["snapshot", &place.rebuilt()], 0);
    assert_eq!((&third["version"], &third["parent"]), (&first["version"], &second["version"]));
    assert_eq!((third["is_new"].as_bool(), third["is_unchanged"].as_bool()), (Some(false), Some(false)));
    let list = json(&home, &["versions", &place.rebuilt()], 0);
    let versions = list["sets"][0]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 3);
    assert_eq!((versions[0]["tags"][0].as_str(), versions[2]["message"].as_str()), (Some("v1"), Some("the first")));
    says(&home, &["versions"], 0, &["rebuilt in", "copy in", "main *"]);
    says(&home, &["snapshot", &place.rebuilt(), "--list"], 0, &["rebuilt in", "the first"]);
    says(&home, &["versions", "nothing"], 2, &["no-such-data-set", "there are: copy, rebuilt"]);
}

#[test]
fn a_run_on_a_version_is_the_run_on_its_files() {
    let place = Place::new();
    let (home, golden) = (place.home(), data().join("golden"));
    ends(&home, &["snapshot", &place.rebuilt(), "--tag", "v1"], 0);
    let out = place.dir.path().join("reports");
    let validate = |candidate: &str, code| -> Value {
        let args = ["validate", "--golden", text(&golden), "--candidate", candidate, "--out", text(&out), "-q"];
        json(&home, &args, code)
    };
    // So little data decides nothing.
    let plain = validate(&place.rebuilt(), 3);
    // What is beside the files of the version is left out.
    copy(&data().join("rebuilt"), &place.dir.path().join("rebuilt/more"));
    let version = validate(&place.named("v1"), 3);
    assert_eq!(version["digest"], plain["digest"]);
    assert_eq!(version["inputs"][1]["digest"], plain["inputs"][1]["digest"]);
    assert_eq!(version["integrity"], plain["integrity"]);
    assert_eq!(version["inputs"][1]["paths"][0].as_str(), Some(place.named("v1").as_str()));
    let settings = &version["provenance"]["settings"];
    assert!(settings["candidate-version"].as_str().unwrap().starts_with("rebuilt@"), "{settings}");
    says(&home, &["profile", "rebuilt@v1", "--symbol", "BTCUSDT"], 0, &["events-parquet", "rebuilt@v1"]);

    // A file that changed, one that is gone: named, and no verdict but ERROR.
    fs::OpenOptions::new()
        .append(true)
        .open(place.file())
        .and_then(|mut f| std::io::Write::write_all(&mut f, b"x"))
        .unwrap();
    fs::remove_file(place.dir.path().join("rebuilt/manifest.jsonl")).unwrap();
    let args = ["validate", "--golden", text(&golden), "--candidate", &place.named("v1"), "--out", text(&out)];
    says(&home, &args, 4, &["not-that-version", "has another content", "manifest.jsonl is gone", "verismo snapshot"]);
    let report: Value = serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["verdict"], "ERROR");
    says(&home, &["profile", &place.named("v2")], 2, &["no-such-version", "there are: v1, main"]);
    says(&home, &["profile", "nothing@v1"], 2, &["no such file or directory: nothing@v1", "there are: rebuilt"]);
}

#[test]
fn a_path_with_an_at_that_exists_is_a_path() {
    let place = Place::new();
    let with_at = place.dir.path().join("rebuilt@v1");
    copy(&data().join("golden"), &with_at);
    ends(&place.home(), &["snapshot", &place.rebuilt(), "--tag", "v1"], 0);
    says(&place.home(), &["profile", text(&with_at)], 0, &["golden-jsonl"]);
    says(&place.home(), &["profile", "rebuilt@v1"], 0, &["events-parquet"]);
    let named = format!("{}@main", text(&with_at));
    ends(&place.home(), &["snapshot", text(&with_at)], 0);
    says(&place.home(), &["profile", &named], 0, &["golden-jsonl"]);
}

#[test]
fn tags_and_branches_name_versions_and_stay_where_they_are() {
    let place = Place::new();
    let home = place.home();
    let first = json(&home, &["snapshot", &place.rebuilt(), "--name", "set", "--tag", "v1"], 0);
    fs::remove_file(place.file()).unwrap();
    let second = json(&home, &["snapshot", &place.rebuilt(), "--branch", "fix/a"], 0);
    assert_eq!((second["name"].as_str(), &second["parent"]), (Some("set"), &Value::Null));
    says(&home, &["snapshot", &place.rebuilt(), "--tag", "v1"], 2, &["tag-taken", "--force moves it"]);
    ends(&home, &["snapshot", &place.rebuilt(), "--branch", "fix/a", "--tag", "v1", "--force"], 0);
    let digest = &first["version"].as_str().unwrap()[..10];
    // A tag for what is recorded needs no file.
    fs::remove_dir_all(place.rebuilt()).unwrap();
    ends(&home, &["snapshot", &format!("set@{digest}"), "--tag", "old"], 0);
    says(&home, &["snapshot", "set@old"], 2, &["nothing-to-record"]);
    assert_eq!(json(&home, &["diff", "set@old", "@main"], 0)["is_equal"], true);
    assert_eq!(json(&home, &["diff", "set@v1", "set@fix/a"], 0)["is_equal"], true);
    assert_eq!(json(&home, &["diff", "set@old", "@v1"], 1)["files"][0]["change"], "removed");
    for bad in ["dvc", "a b", "../x", "-x"] {
        says(&home, &["snapshot", "set@old", &format!("--tag={bad}")], 2, &["bad-name"]);
    }
    says(&home, &["profile", "set@old"], 4, &["not-that-version", "is gone"]);
}

#[test]
fn differences_are_told_by_folder_and_file() {
    let place = Place::new();
    let home = place.home();
    ends(&home, &["snapshot", &place.rebuilt(), "--tag", "v1"], 0);
    assert_eq!(json(&home, &["diff", &place.named("v1"), &place.rebuilt()], 0)["is_equal"], true);
    let moved = place.dir.path().join("rebuilt/ELSEWHERE/2025/07/21/00/events_1.parquet");
    fs::create_dir_all(moved.parent().unwrap()).unwrap();
    fs::rename(place.file(), &moved).unwrap();
    fs::write(place.dir.path().join("rebuilt/manifest.jsonl"), "").unwrap();
    let diff = json(&home, &["diff", &place.named("v1"), &place.rebuilt()], 1);
    assert_eq!(diff["schema"], "verismo.diff/1");
    let files: Vec<(&str, &str)> = diff["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["change"].as_str().unwrap(), f["path"].as_str().unwrap()))
        .collect();
    assert_eq!(files, [("moved", "ELSEWHERE/2025/07/21/00/events_1.parquet"), ("changed", "manifest.jsonl")]);
    assert!(diff["files"][0]["rows_after"].as_u64().unwrap() > 0);
    assert_eq!(diff["distributions"]["known_from"], "unknown");
    says(
        &home,
        &["diff", &place.named("v1"), &place.rebuilt()],
        1,
        &["moved", "--distributions` compares them", "ELSEWHERE"],
    );
}

#[test]
fn distributions_are_told_from_a_recorded_run_or_compared() {
    let place = Place::new();
    let home = place.home();
    ends(&home, &["snapshot", &place.rebuilt(), "--tag", "v1"], 0);
    let damaged = place.dir.path().join("damaged");
    ends(&home, &["inject", "--in", &place.rebuilt(), "--out", text(&damaged), "--fault", "widen-spread:40"], 0);
    ends(&home, &["snapshot", text(&damaged), "--tag", "v2"], 0);
    let unknown = json(&home, &["diff", "rebuilt@v1", "damaged@v2"], 1);
    assert_eq!(unknown["distributions"]["known_from"], "unknown");
    let compared = json(&home, &["diff", "rebuilt@v1", "damaged@v2", "--distributions"], 1);
    let changed = compared["distributions"]["changed"].as_array().unwrap();
    assert_eq!(compared["distributions"]["known_from"], "compared");
    assert!(changed.iter().any(|d| d["observable"] == "spread" && d["effect"].as_f64() > Some(0.0)), "{changed:?}");
    let out = place.dir.path().join("reports");
    let validate = |golden: &str, candidate: &str| {
        let args = ["validate", "--golden", golden, "--candidate", candidate, "--out", text(&out)];
        run(&home, &args)
    };
    // States of both, by a run that was not on versions.
    validate(&place.rebuilt(), text(&damaged));
    let states = json(&home, &["diff", "rebuilt@v1", "damaged@v2"], 1);
    assert_eq!(states["distributions"]["known_from"], "states");
    assert_eq!(states["distributions"]["changed"], compared["distributions"]["changed"]);
    let other = json(&home, &["diff", "rebuilt@v1", "damaged@v2", "--suite", "comprehensive"], 1);
    assert_eq!(other["distributions"]["known_from"], "unknown", "not all states of that suite are there");
    validate("rebuilt@v1", "damaged@v2");
    let recorded = json(&home, &["diff", "rebuilt@v1", "damaged@v2"], 1);
    assert_eq!(recorded["distributions"]["known_from"], "run");
    assert_eq!(recorded["distributions"]["changed"], compared["distributions"]["changed"]);
    // Kept states are not made again.
    let kept = json(&home, &["diff", "rebuilt@v1", "damaged@v2", "--distributions"], 1);
    assert_eq!(kept["distributions"]["cached_share"].as_f64(), Some(1.0));
    assert_eq!(kept["distributions"]["changed"], compared["distributions"]["changed"]);
    says(&home, &["diff", "rebuilt@v1", "damaged@v2"], 1, &["As run", "spread"]);
}

#[test]
fn damaged_records_are_errors_and_never_used() {
    let place = Place::new();
    let home = place.home();
    let snapshot = json(&home, &["snapshot", &place.rebuilt(), "--tag", "v1"], 0);
    let manifest = PathBuf::from(snapshot["manifest"].as_str().unwrap());
    let set = home.join("versions/sets/rebuilt.json");
    for (path, code) in [(&manifest, 4), (&set, 4)] {
        let whole = fs::read(path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 4;
        for bytes in [&flipped[..], &whole[..whole.len() / 2], b""] {
            fs::write(path, bytes).unwrap();
            says(&home, &["profile", "rebuilt@v1"], code, &["damaged-version", text(path)]);
            says(&home, &["diff", "rebuilt@v1", &place.rebuilt()], code, &["damaged-version"]);
        }
        fs::write(path, &whole).unwrap();
    }
    // Another data set is not held up by it.
    let other = place.dir.path().join("other");
    copy(&data().join("golden"), &other);
    ends(&home, &["snapshot", text(&other)], 0);
    let whole = fs::read(&set).unwrap();
    fs::write(&set, "").unwrap();
    ends(&home, &["profile", "other@main"], 0);
    says(&home, &["versions"], 4, &["other in", "rebuilt.json is damaged"]);
    says(&home, &["snapshot", &place.rebuilt()], 4, &["damaged-version"]);
    fs::write(&set, whole).unwrap();
    // The list says which; where the data are, the manifest is written again.
    fs::write(&manifest, "").unwrap();
    says(&home, &["versions"], 0, &["damaged", "Problem"]);
    ends(&home, &["snapshot", &place.rebuilt()], 0);
    ends(&home, &["profile", "rebuilt@v1"], 0);
}

#[test]
fn a_version_that_is_recorded_can_only_be_tagged() {
    let place = Place::new();
    let home = place.home();
    ends(&home, &["snapshot", &place.rebuilt(), "-m", "one"], 0);
    for given in [["-m", "x"], ["--name", "x"], ["--branch", "x"], ["--format", "events-parquet"]] {
        let args = [&["snapshot", "rebuilt@main", "--tag", "v1"], &given[..]].concat();
        says(&home, &args, 2, &["recorded-already"]);
    }
    ends(&home, &["snapshot", "rebuilt@main", "--tag", "v1"], 0);
    says(&home, &["snapshot", &place.rebuilt(), "-m", "two"], 0, &["the message was not recorded"]);
    says(&home, &["snapshot", &place.rebuilt(), "--tag", "main"], 2, &["bad-name"]);
}

#[test]
fn a_home_among_the_data_is_none_of_them_and_links_are_followed() {
    let place = Place::new();
    let home = place.home();
    let first = json(&home, &["snapshot", &place.rebuilt()], 0);
    let inner = Path::new(&place.rebuilt()).join(".verismo");
    copy(&home, &inner);
    fs::create_dir_all(inner.join("x/_delta_log")).unwrap();
    assert_eq!(json(&home, &["snapshot", &place.rebuilt()], 0)["version"], first["version"]);
    fs::remove_dir_all(inner).unwrap();
    let table = place.dir.path().join("table");
    fixture("partitioned", &table);
    let partition = fs::read_dir(&table).unwrap().map(|entry| entry.unwrap().path());
    let partition = partition.into_iter().find(|path| path.is_dir() && !path.ends_with("_delta_log")).unwrap();
    std::os::unix::fs::symlink(&table, Path::new(&place.rebuilt()).join("linked")).unwrap();
    std::os::unix::fs::symlink(".", Path::new(&place.rebuilt()).join("round")).unwrap();
    for command in ["snapshot", "profile"] {
        says(&home, &[command, &place.rebuilt()], 2, &["versions-inside", "linked"]);
        says(&home, &[command, text(&partition)], 2, &["versions-inside", "name the table"]);
    }
}

#[test]
fn processes_that_record_at_the_same_time_lose_nothing() {
    let place = Place::new();
    let home = place.home();
    let children: Vec<_> = (0..8)
        .map(|i| {
            let args = ["snapshot", &place.rebuilt(), "--tag", &format!("t{i}"), "--branch", &format!("b{}", i % 3)];
            verismo(&home, &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let list = json(&home, &["versions", "rebuilt"], 0);
    let versions = list["sets"][0]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 3);
    assert_eq!(versions[0]["tags"].as_array().unwrap().len(), 8);
    let left: Vec<_> = files(&home).into_iter().filter(|f| f.extension().is_some_and(|e| e == "tmp")).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

fn fixture(name: &str, to: &Path) -> String {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/versions").join(name);
    copy(&from, to);
    text(to).to_owned()
}

#[test]
fn a_delta_table_is_the_live_files_of_a_version() {
    let dir = tempfile::tempdir().unwrap();
    let (home, table) = (dir.path().join("home"), fixture("delta", &dir.path().join("table")));
    let rows = |version: &str| json(&home, &["snapshot", &format!("{table}{version}")], 0)["rows"].as_u64().unwrap();
    let wanted = [
        ("@delta:0", 10),
        ("@delta:1", 20),
        ("@delta:2", 10),
        ("@delta:3", 20),
        ("@delta:4", 30),
        ("@delta", 30),
        ("", 30),
    ];
    for (version, want) in wanted {
        assert_eq!(rows(version), want, "{version}");
    }
    // Without the commits before it, from the checkpoint.
    let log = dir.path().join("table/_delta_log");
    for version in 0..3 {
        fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    assert_eq!((rows("@delta:3"), rows("@delta:4")), (20, 30));
    says(
        &home,
        &["profile", &format!("{table}@delta:2"), "--time", "ts"],
        4,
        &["version 2", "commits before it are gone"],
    );
    says(&home, &["profile", &format!("{table}@delta:9"), "--time", "ts"], 4, &["no version 9", "the latest is 4"]);
    says(&home, &["profile", &format!("{table}@delta:x"), "--time", "ts"], 4, &["numbers"]);
    says(&home, &["profile", &table, "--time", "ts"], 0, &["3 files"]);
    // Under a folder, removed files would be read, too.
    for command in ["profile", "snapshot"] {
        says(&home, &[command, text(dir.path())], 2, &["versions-inside", "one by one"]);
    }
    let diff = json(&home, &["diff", &format!("{table}@delta:3"), "@delta:4"], 1);
    assert_eq!((diff["unchanged"].as_u64(), diff["files"][0]["change"].as_str()), (Some(2), Some("added")));
    // Recorded, a version of the table is one of ours.
    ends(&home, &["snapshot", &format!("{table}@delta:3"), "--tag", "gold"], 0);
    says(&home, &["profile", &format!("{table}@gold"), "--time", "ts"], 0, &["2 files"]);
    let live = files(&dir.path().join("table")).into_iter().filter(|f| f.parent().unwrap().ends_with("table"));
    live.for_each(|file| fs::write(file, "short").unwrap());
    says(&home, &["profile", &table, "--time", "ts"], 4, &["not-that-version", "has 5 bytes"]);
}

#[test]
fn names_of_partitions_are_decoded_and_features_that_are_not_known_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (home, table) = (dir.path().join("home"), fixture("partitioned", &dir.path().join("table")));
    let present = json(&home, &["snapshot", &table], 0);
    assert_eq!((present["rows"].as_u64(), present["partitions"].as_u64()), (Some(10), Some(2)));
    says(&home, &["profile", &table, "--time", "ts"], 0, &["the columns symbol", "2 files"]);
    says(&home, &["profile", &format!("{table}@delta:0"), "--time", "ts"], 4, &["not-that-version", "is gone"]);
    let next = dir.path().join("table/_delta_log/00000000000000000005.json");
    for (action, want) in [
        (
            r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["catalogOwned"]}}"#,
            "the feature catalogOwned",
        ),
        (r#"{"add":{"path":"../../etc/passwd","size":1}}"#, "leads out"),
        (r#"{"add":{"path":"/etc/passwd","size":1}}"#, "absolute"),
        (r#"{"add":{"path":"file:///etc/passwd","size":1}}"#, "absolute"),
        (
            r#"{"add":{"path":"x","size":1,"deletionVector":{"storageType":"u","pathOrInlineDv":"a"}}}"#,
            "deletion vector",
        ),
        ("{\"add\":", "line 1"),
    ] {
        fs::write(&next, action).unwrap();
        says(&home, &["profile", &table, "--time", "ts"], 4, &["version-source", want]);
    }
}

#[test]
fn what_dvc_tracks_is_read_from_the_tree_or_the_cache_and_as_it_was_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("repository"));
    fixture("dvc", &root);
    let at = |path: &str| text(&root.join(path)).to_owned();
    let snapshot = |path: &str| json(&home, &["snapshot", &at(path)], 0);
    // In the tree one file of the folder has changed since, the single one is not there.
    let data = snapshot("data@dvc");
    assert_eq!(
        (data["files"].as_u64(), data["bytes"].as_u64(), data["source"].as_str()),
        (Some(2), Some(450), Some("dvc"))
    );
    assert_eq!(snapshot("data.dvc")["version"], data["version"]);
    assert_ne!(snapshot("data")["version"], data["version"]);
    assert_eq!(snapshot("data/day 1@dvc")["files"].as_u64(), Some(1));
    assert_eq!(snapshot("one.csv@dvc")["files"].as_u64(), Some(1));
    let set = fs::read_to_string(home.join("versions/sets/one.csv.json")).unwrap();
    assert!(set.contains("\"is_file\":true"), "a file that is in the cache only: {set}");
    assert_eq!(snapshot("work/made@dvc")["files"].as_u64(), Some(1));
    says(&home, &["profile", &at("data@dvc"), "--time", "ts"], 0, &["2 files", "the cache of DVC"]);
    says(&home, &["diff", &at("data@dvc"), &at("data")], 1, &["changed", "b.csv"]);
    says(&home, &["profile", &at("dvc.yaml@dvc")], 4, &["tracks it"]);
    says(&home, &["profile", &at("data@dvc:v1")], 4, &["git checkout"]);
    says(&home, &["profile", text(&root), "--time", "ts"], 2, &["versions-inside", ".dvc"]);

    // A content in the cache that is another, or gone.
    let cached = files(&root.join(".dvc/cache")).into_iter().filter(|f| f.extension().is_none());
    cached.for_each(|file| {
        fs::remove_file(&file).unwrap();
        fs::write(&file, "ts,x\n1,2\n").unwrap();
    });
    says(&home, &["profile", &at("data@dvc"), "--time", "ts"], 4, &["b.csv", "dvc fetch"]);
    says(&home, &["profile", &at("work/made@dvc"), "--time", "ts"], 0, &["1 file"]);
    fs::remove_dir_all(root.join(".dvc/cache")).unwrap();
    says(&home, &["profile", &at("data@dvc"), "--time", "ts"], 4, &["the list of data", "dvc fetch"]);
}

#[test]
fn what_was_recorded_before_dvc_3_and_caches_elsewhere_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("repository"));
    fixture("dvc", &root);
    let data = text(&root.join("data@dvc")).to_owned();
    let new = json(&home, &["snapshot", &data], 0);
    // The layout of then: objects at the top of the cache, no name of the digest. And a cache that is shared.
    let shared = dir.path().join("shared");
    fs::create_dir_all(&shared).unwrap();
    copy(&root.join(".dvc/cache/files/md5"), &shared);
    fs::remove_dir_all(root.join(".dvc/cache")).unwrap();
    fs::write(root.join(".dvc/config"), "[core]\n    no_scm = True\n[cache]\n    dir = ../../shared\n").unwrap();
    let record = fs::read_to_string(root.join("data.dvc")).unwrap().replace("  hash: md5\n", "");
    fs::write(root.join("data.dvc"), record).unwrap();
    assert_eq!(json(&home, &["snapshot", &data], 0)["version"], new["version"]);
    // Text was digested with the line ends of Unix.
    fs::write(root.join("old.csv"), "ts,x\r\n1,2\r\n2,3\r\n").unwrap();
    for (hash, code) in [("", 0), (", hash: md5", 4)] {
        let record = format!("outs:\n- {{md5: 2b897b16d976355ac0d8c32aae3bf4f0{hash}, path: old.csv}}\n");
        fs::write(root.join("old.csv.dvc"), record).unwrap();
        ends(&home, &["profile", text(&root.join("old.csv.dvc")), "--time", "ts"], code);
    }
}

#[test]
fn records_of_dvc_that_lead_elsewhere_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("repository"));
    fixture("dvc", &root);
    let md5 = "900150983cd24fb0d6963f7d28e17f72";
    let list = r#"[{"md5": "900150983cd24fb0d6963f7d28e17f72", "relpath": "../../../etc/passwd"}]"#;
    let cases = [
        (format!("outs:\n- {{md5: {md5}, hash: md5, path: ../../etc/passwd}}\n"), "out of the repository"),
        (format!("outs:\n- {{md5: {md5}, hash: md5, path: /etc/passwd}}\n"), "out of the repository"),
        ("outs:\n- {md5: ../../../x, hash: md5, path: a}\n".to_owned(), "is no MD5"),
        ("outs:\n- {etag: x, hash: etag, path: a}\n".to_owned(), "only MD5"),
        (format!("outs:\n- md5: {md5}.dir\n  path: a\n  files: {list}\n"), "leads out"),
        ("a: &a [*a, *a]\n".to_owned(), "version-source"),
        ("outs: [".to_owned(), "version-source"),
    ];
    for (record, want) in cases {
        fs::write(root.join("bad.dvc"), record).unwrap();
        says(&home, &["profile", text(&root.join("bad.dvc"))], 4, &[want]);
    }
    // A list that is what was recorded, and leads out.
    let object = root.join(".dvc/cache/files/md5/fd/eab3ace50fc7c7da0eaf5d4547b03f.dir");
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    fs::write(&object, list).unwrap();
    fs::write(root.join("bad.dvc"), "outs:\n- {md5: fdeab3ace50fc7c7da0eaf5d4547b03f.dir, hash: md5, path: a}\n")
        .unwrap();
    says(&home, &["profile", text(&root.join("bad.dvc"))], 4, &["leads out"]);
    fs::write(&object, "[]").unwrap();
    says(&home, &["profile", text(&root.join("bad.dvc"))], 4, &["it is damaged"]);
    fs::write(root.join("bad.dvc"), vec![b' '; 65 << 20]).unwrap();
    says(&home, &["profile", text(&root.join("bad.dvc"))], 4, &["bytes"]);
}
