//! Trees against their manifests.

use std::path::Path;

use verismo_feed::write::EventsOptions;

use crate::common::{files, market, read, write_events};

fn tree() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut messages = market("ETHUSDT", 100, 41);
    for (i, message) in messages.iter_mut().enumerate() {
        message.t_exchange_ns += 3_600_000_000_000 * (i as i64 / 40);
    }
    write_events(directory.path(), &messages, EventsOptions::default());
    directory
}

fn edit(root: &Path, change: impl Fn(Vec<String>) -> Vec<String>) {
    let path = root.join("manifest.jsonl");
    let lines = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    std::fs::write(path, change(lines).join("\n") + "\n").unwrap();
}

#[test]
fn a_true_manifest_gives_no_finding() {
    let tree = tree();
    let read = read(&[tree.path()]);
    assert_eq!(read.count("manifest"), 0);
    assert!(read.counters.iter().any(|(c, n)| c == "manifest" && n.total > 100), "rows are the total");
    assert!(read.inventory.notes.is_empty());
}

#[test]
fn each_disagreement_is_named() {
    let tree = tree();
    edit(tree.path(), |lines| {
        let row = |l: &str| serde_json::from_str::<serde_json::Value>(l).unwrap();
        let mut first = row(&lines[0]);
        for field in ["row_count", "file_size_bytes", "timestamp_min", "timestamp_max"] {
            first[field] = serde_json::json!(first[field].as_i64().unwrap() + 1);
        }
        let missing = lines[1].replace("events_", "events_0");
        vec![lines[0].clone(), first.to_string(), missing, "no json".to_owned()]
    });
    let read = read(&[tree.path()]);
    // Doubled, four numbers, missing, unreadable, two orphans.
    assert_eq!(read.count("manifest"), 9);
    let detail = read.detail("manifest");
    for words in [
        "names the same file as line 1",
        "number of rows is",
        "missing file: ETHUSDT/2024/08/09/00/events_0",
        "not a manifest entry",
        "no manifest entry",
    ] {
        assert!(detail.contains(words), "{words} not in {detail}");
    }
}

#[test]
fn a_wrong_symbol_in_the_partition_path_is_seen_through() {
    let tree = tree();
    edit(tree.path(), |lines| lines.into_iter().map(|l| l.replace("ETHUSDT/", "BTCUSDT/")).collect());
    let read = read(&[tree.path()]);
    assert_eq!(read.count("manifest"), 0, "{}", read.detail("manifest"));
    assert!(read.inventory.notes[0].contains("3 entries give another partition path"), "{:?}", read.inventory.notes);
}

#[test]
fn a_manifest_beside_the_symbol_of_a_nested_tree_is_found() {
    let tree = tree();
    let outer = tempfile::tempdir().unwrap();
    // {out}/ETHUSDT/ETH-USDT/YYYY with the manifest in {out}/ETHUSDT.
    let inner = outer.path().join("ETHUSDT");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::rename(tree.path().join("ETHUSDT"), inner.join("ETH-USDT")).unwrap();
    std::fs::rename(tree.path().join("manifest.jsonl"), inner.join("manifest.jsonl")).unwrap();
    let read = read(&[outer.path()]);
    assert_eq!(read.count("manifest"), 0, "{}", read.detail("manifest"));
    assert_eq!(read.events.keys().collect::<Vec<_>>(), ["ETH-USDT"]);
    assert_eq!(files(outer.path()).len(), 4);
}
