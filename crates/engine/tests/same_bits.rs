//! The digest depends on the content and the suite alone.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{market, market_with_snapshots, request, run, write_events, write_golden};
use verismo_engine::{Meter, validate};

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn one_two_and_seven_threads_give_one_digest() {
    let dir = tempfile::tempdir().unwrap();
    let (golden, candidate) = (dir.path().join("golden"), dir.path().join("candidate"));
    write_golden(&golden, market(3, 30_000));
    write_events(&candidate, market_with_snapshots(4, 30_000));
    let digests: Vec<String> = [1, 2, 7]
        .into_iter()
        .map(|threads| {
            let request = verismo_engine::ValidateRequest { threads, ..request(&golden, &candidate) };
            validate(&request, &Meter::default()).unwrap().digest
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

#[test]
fn cutting_at_random_lines_and_shuffling_file_names_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, cut) = (dir.path().join("whole"), dir.path().join("cut"));
    write_golden(&whole, market(5, 30_000));
    let text: String = files(&whole).iter().map(|f| fs::read_to_string(f).unwrap()).collect();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 30_000);
    let reference = run(&whole, &whole).digest;
    for seed in 0..3_u64 {
        fs::create_dir_all(&cut).unwrap();
        // Cuts and names from a small generator, so that a failure can be replayed.
        let mut state = seed * 7_919 + 17;
        let mut next = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let mut cuts: Vec<usize> = (0..6).map(|_| next(lines.len() as u64) as usize).collect();
        cuts.extend([0, lines.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        for pair in cuts.windows(2) {
            let name = format!("{:08}.jsonl", next(100_000_000));
            fs::write(cut.join(name), lines[pair[0]..pair[1]].join("\n") + "\n").unwrap();
        }
        assert_eq!(run(&whole, &cut).digest, reference, "seed {seed}, cuts {cuts:?}");
        fs::remove_dir_all(&cut).unwrap();
    }
}

#[test]
fn another_message_gives_another_digest() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    write_golden(&a, market(5, 5_000));
    write_golden(&b, market(5, 5_001));
    assert_ne!(run(&a, &a).digest, run(&a, &b).digest);
}
