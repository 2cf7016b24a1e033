//! The fuzz targets without a fuzzer: the seeds as they are, then mutations of them until the time is up.
//!
//! A failure names the input, which is kept. `cargo xtask fuzz --minutes 10` runs for longer, `UPDATE_EXPECT=1` writes the
//! seeds anew, and `cargo fuzz run TARGET` hands the same targets to libFuzzer.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/seeds.rs"]
mod seeds;
#[allow(dead_code)]
#[path = "../../../fuzz/targets.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use mutate::Mutator;
use targets::{TARGETS, Target};

/// What one input may take; the files are of some KiB.
const CASE_MAX: Duration = Duration::from_secs(20);
/// Memory of the whole test process, all targets side by side.
const MEMORY_MAX_KIB: u64 = 4 << 20;

/// Time of each target: all of them together take about a minute of one core.
fn budget() -> Duration {
    match std::env::var("VERISMO_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()) {
        Some(seconds) => Duration::from_secs(seconds),
        None if std::env::var("VERISMO_SLOW").as_deref() == Ok("1") => Duration::from_secs(8),
        None => Duration::from_secs(3),
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

/// The seeds of a target, by name.
fn seeds_of(name: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(corpus().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Runs one input; a panic is told with the place where the input is kept.
fn check(name: &str, target: Target, bytes: &[u8], what: &str) {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| target(bytes)));
    let took = start.elapsed();
    if outcome.is_ok() && took < CASE_MAX {
        return;
    }
    let kept = std::env::temp_dir().join(format!("verismo-fuzz-{name}-{}", std::process::id()));
    std::fs::write(&kept, bytes).unwrap();
    panic!("{name}: {what}, {} bytes, took {took:?}: kept as {}", bytes.len(), kept.display());
}

fn fuzz(name: &str) {
    let (_, target) = *TARGETS.iter().find(|(n, _)| *n == name).unwrap();
    seeds::write_if_asked(name, &corpus().join(name));
    let seeds = seeds_of(name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for (i, seed) in seeds.iter().enumerate() {
        check(name, target, seed, &format!("seed {i}"));
    }
    let (budget, start) = (budget(), Instant::now());
    let mut mutator = Mutator::new(&seeds);
    let mut cases: u64 = 0;
    // The n-th mutation is the same on every machine; how many there are depends on its speed.
    while start.elapsed() < budget {
        let bytes = mutator.case(cases);
        check(name, target, &bytes, &format!("mutation {cases}"));
        cases += 1;
    }
    let memory = memory_kib();
    assert!(memory < MEMORY_MAX_KIB, "{name}: {memory} KiB of memory");
    assert!(cases > 10, "{name}: {cases} mutations in {budget:?}");
}

/// The most memory that the process ever had, where the system tells.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The targets take turns: a case has the machine to itself, so that its time means something.
static TURN: Mutex<()> = Mutex::new(());

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                let turn = TURN.lock();
                fuzz(stringify!($name));
                drop(turn);
            }
        )*
    };
}

targets!(
    golden_jsonl,
    raw_frames,
    events_parquet,
    binance_csv,
    crypto_lake,
    coinbase_full,
    bitstamp,
    dbn,
    lobster,
    lob_bench,
    table_csv,
    table_parquet,
    sniff,
    histogram,
    lag_moments,
    panel,
    id_sample,
    id_runs,
    column_profile,
    suite_yaml,
    piece,
);

#[test]
fn every_target_is_tested_and_has_its_door_to_the_fuzzer() {
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, TESTED);
    let manifest = std::fs::read_to_string(corpus().with_file_name("Cargo.toml")).unwrap();
    for name in names {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        let door = std::fs::read_to_string(corpus().with_file_name(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(door.contains(&format!("targets::{name}(bytes)")), "{name}");
    }
}
