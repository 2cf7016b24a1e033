//! The rules of the house, as tests: floors, what a crate may know, what may not land.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A crate may depend only on crates of lower floors.
const FLOORS: &[(&str, u32)] = &[
    ("stats", 0),
    ("suite", 1),
    ("judge", 2),
    ("ledger", 2),
    ("market", 2),
    ("versions", 2),
    ("feed", 3),
    ("sim", 3),
    ("engine", 4),
    ("report", 5),
    ("cli", 7),
];

/// Crates that must not touch files, network, clock or threads: what they compute depends on their arguments alone.
const PURE: &[&str] = &["stats", "suite", "judge", "market", "sim", "report"];

const LINES_MAX: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut stack = vec![dir.to_path_buf()];
    while let Some(dir) = stack.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                stack.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut all = files(&root().join("crates"), "rs");
    all.extend(files(&root().join("xtask"), "rs"));
    assert!(all.len() > 30, "found only {} source files", all.len());
    all.into_iter().map(|p| (p.clone(), fs::read_to_string(&p).unwrap())).collect()
}

/// The names in `[section]` of a manifest.
fn dependencies(manifest: &str, section: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim() == format!("[{section}]");
        } else if inside
            && let Some(name) = line.split(['.', ' ', '=']).next().filter(|n| !n.is_empty() && !n.starts_with('#'))
        {
            names.push(name.to_string());
        }
    }
    names
}

#[test]
fn crates_depend_only_on_lower_floors() {
    let floors: BTreeMap<&str, u32> = FLOORS.iter().copied().collect();
    let mut seen = 0;
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let dir = entry.unwrap().path();
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        let floor = floors
            .get(name.as_str())
            .unwrap_or_else(|| panic!("crate {name} has no floor: add it to FLOORS and ARCHITECTURE.md"));
        let manifest = fs::read_to_string(dir.join("Cargo.toml")).unwrap();
        for section in ["dependencies", "dev-dependencies"] {
            for dependency in dependencies(&manifest, section) {
                if let Some(other) = dependency.strip_prefix("verismo-") {
                    assert!(
                        floors[other] < *floor,
                        "{name} (floor {floor}) must not depend on {other} (floor {})",
                        floors[other]
                    );
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 15, "saw only {seen} dependencies between crates");
}

#[test]
fn only_feed_knows_file_formats_and_states_are_never_serde() {
    for (name, _) in FLOORS {
        let manifest = fs::read_to_string(root().join(format!("crates/{name}/Cargo.toml"))).unwrap();
        let dependencies = dependencies(&manifest, "dependencies");
        for format in ["arrow", "parquet", "csv", "flate2", "zstd", "rusqlite"] {
            // The ledger packs the reports that it keeps, the store of the engine its states.
            let may_know = match *name {
                "feed" => format != "rusqlite",
                "ledger" => ["zstd", "rusqlite"].contains(&format),
                "engine" => format == "zstd",
                _ => false,
            };
            assert!(may_know || !dependencies.iter().any(|d| d == format), "{name} must not know {format}");
        }
        if ["stats", "judge", "market"].contains(name) {
            assert!(!dependencies.iter().any(|d| d.starts_with("serde")), "{name} must not know serde");
        }
    }
}

#[test]
fn pure_crates_touch_no_file_network_clock_or_thread() {
    let banned = ["std::fs", "std::net", "std::thread", "SystemTime", "Instant::now", "std::env"];
    for name in PURE {
        for path in files(&root().join(format!("crates/{name}/src")), "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let library = text.split("#[cfg(test)]").next().unwrap();
            for word in banned {
                assert!(!library.contains(word), "{} uses {word}", path.display());
            }
        }
    }
}

#[test]
fn no_transcendental_of_the_platform_on_the_way_to_a_key() {
    let banned =
        [".ln()", ".exp()", ".powf(", ".sin()", ".cos()", ".log10()", ".log2()", ".mul_add(", ".tanh()", ".cbrt()"];
    for name in ["stats", "judge", "market", "sim"] {
        for path in files(&root().join(format!("crates/{name}/src")), "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let library = text.split("#[cfg(test)]").next().unwrap();
            for word in banned {
                assert!(!library.contains(word), "{} uses {word}: take it from libm", path.display());
            }
        }
    }
}

#[test]
fn every_state_passes_the_laws() {
    let mut states = 0;
    let all: Vec<_> = sources();
    let laws: String = all.iter().flat_map(|(_, text)| text.lines()).filter(|l| l.contains("state_laws!")).collect();
    let everything: String = all.iter().map(|(_, text)| text.as_str()).collect();
    assert!(!laws.is_empty(), "no state_laws! line at all");
    for (path, text) in &all {
        if !path.components().any(|c| c.as_os_str() == "src") {
            continue;
        }
        for line in text.lines() {
            if let Some(state) = line.trim_start().strip_prefix("impl State for ") {
                let state = state.split([' ', '{', '<']).next().unwrap();
                states += 1;
                let call = everything
                    .match_indices("state_laws!")
                    .any(|(i, _)| everything[i..].chars().take(200).collect::<String>().contains(state));
                assert!(call, "{}: {state} has no state_laws! line", path.display());
            }
        }
    }
    assert!(states >= 3, "saw only {states} states");
}

#[test]
fn nothing_unfinished_lands() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ig", "nore"),
    ];
    for (path, text) in sources() {
        for word in words {
            assert!(!text.contains(word), "{} contains {word}", path.display());
        }
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines: is there a second idea in it?", path.display());
    }
}
