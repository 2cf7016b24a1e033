//! Broken, empty and odd input: a clear error or a counted row, never a panic, never a silent pass.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::fs;
use std::path::Path;

use common::{digest_of, market, request, run, write_golden};
use verismo_engine::{EngineError, Meter, ValidateRequest, validate};
use verismo_suite::report::Report;
use verismo_suite::{FindingVerdict, Verdict};

fn golden_text(n: usize) -> String {
    let dir = tempfile::tempdir().unwrap();
    write_golden(dir.path(), market(9, n));
    let mut files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.iter().map(|f| fs::read_to_string(f).unwrap()).collect()
}

fn attempt(golden: &Path, candidate: &Path) -> Result<Report, EngineError> {
    validate(&request(golden, candidate), &Meter::default())
}

fn count(report: &Report, check: &str) -> u64 {
    report.integrity.iter().filter(|r| r.check == check).map(|r| r.count).sum()
}

#[test]
fn what_cannot_be_read_at_all_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let golden = dir.path().join("golden.jsonl");
    fs::write(&golden, golden_text(3_000)).unwrap();
    let missing = attempt(&golden, &dir.path().join("nowhere")).unwrap_err();
    assert_eq!(missing.code(), "path-not-found", "{missing}");
    let empty = dir.path().join("empty.jsonl");
    fs::write(&empty, "").unwrap();
    let text = attempt(&golden, &empty).unwrap_err().to_string();
    assert!(text.contains("candidate") && text.contains("empty"), "{text}");
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    assert!(attempt(&golden, &folder).is_err());
    let noise = dir.path().join("noise.bin");
    fs::write(&noise, (0..10_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>())
        .unwrap();
    assert!(attempt(&golden, &noise).is_err());
}

#[test]
fn bad_lines_are_counted_with_their_position_and_decide_above_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let (golden, candidate) = (dir.path().join("golden.jsonl"), dir.path().join("candidate.jsonl"));
    let text = golden_text(6_000);
    fs::write(&golden, &text).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(100, "{\"capture_ns\":17,\"stream\":");
    fs::write(&candidate, lines.join("\n")).unwrap();
    let report = run(&golden, &candidate);
    let row = report.integrity.iter().find(|r| r.check == "unreadable" && r.count == 1).unwrap();
    assert_eq!(row.examples[0].position, 101);
    assert_eq!(row.verdict, FindingVerdict::Pass, "one line of six thousand is inside the limit");
    for i in 0..60 {
        lines.insert(200 + 7 * i, "not json");
    }
    fs::write(&candidate, lines.join("\n")).unwrap();
    assert_eq!(run(&golden, &candidate).verdict, Verdict::Error);
}

#[test]
fn a_truncated_archive_is_an_error_and_its_whole_lines_are_used() {
    let dir = tempfile::tempdir().unwrap();
    let golden = dir.path().join("golden.jsonl");
    fs::write(&golden, golden_text(6_000)).unwrap();
    let packed = std::process::Command::new("gzip").arg("-c").arg(&golden).output().unwrap().stdout;
    let candidate = dir.path().join("candidate.jsonl.gz");
    fs::write(&candidate, &packed[..packed.len() / 2]).unwrap();
    let report = run(&golden, &candidate);
    assert_eq!(report.verdict, Verdict::Error, "{}", digest_of(&report));
    assert_eq!(count(&report, "truncated_file"), 1);
    assert!(report.inputs[1].messages > 1_000);
}

#[test]
fn a_wrong_epoch_unit_and_impossible_values_are_caught() {
    let dir = tempfile::tempdir().unwrap();
    let (golden, candidate) = (dir.path().join("golden.jsonl"), dir.path().join("candidate.jsonl"));
    let text = golden_text(6_000);
    fs::write(&golden, &text).unwrap();
    // Half of the stamps in another unit.
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(i, l)| {
            if i % 2 == 0 {
                l.replace("\"T\":1753", "\"T\":1000001753").replace("\"E\":1753", "\"E\":1000001753")
            } else {
                l.to_owned()
            }
        })
        .collect();
    fs::write(&candidate, lines.join("\n")).unwrap();
    let report = run(&golden, &candidate);
    assert!(matches!(report.verdict, Verdict::Fail | Verdict::Error), "{}", digest_of(&report));
    let negative = text.replacen("\"p\":\"", "\"p\":\"-", 3);
    fs::write(&candidate, negative).unwrap();
    let report = run(&golden, &candidate);
    assert!(count(&report, "invalid_value") >= 3, "{}", digest_of(&report));
    assert_eq!(report.verdict, Verdict::Fail);
}

fn csv(rows: usize, shift: f64) -> String {
    let mut text = "time,price_change,volume\n".to_owned();
    let mut state = 12_345_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    for i in 0..rows {
        let t_ns = 1_753_056_000_000_000_000_i64 + i as i64 * 100_000_000;
        let change = uniform() + uniform() + uniform() - 1.5 + shift;
        text += &format!("{t_ns},{change},{}\n", (uniform() * 100.0).floor());
    }
    text
}

#[test]
fn a_table_passes_against_itself_and_fails_when_shifted() {
    let dir = tempfile::tempdir().unwrap();
    let (golden, candidate) = (dir.path().join("golden.csv"), dir.path().join("candidate.csv"));
    fs::write(&golden, csv(30_000, 0.0)).unwrap();
    let report = run(&golden, &golden);
    assert_eq!(report.verdict, Verdict::Pass, "{}", digest_of(&report));
    assert!(report.findings.iter().any(|f| f.observable == "volume" && f.deciding));
    fs::write(&candidate, csv(30_000, 0.4)).unwrap();
    let report = run(&golden, &candidate);
    assert_eq!(report.verdict, Verdict::Fail, "{}", digest_of(&report));
    let failed: Vec<_> = report.findings.iter().filter(|f| f.deciding && f.verdict == FindingVerdict::Fail).collect();
    assert!(failed.iter().all(|f| f.observable == "price_change"), "{}", digest_of(&report));
}

#[test]
fn a_table_with_nan_null_and_a_missing_column_is_no_pass() {
    let dir = tempfile::tempdir().unwrap();
    let (golden, candidate) = (dir.path().join("golden.csv"), dir.path().join("candidate.csv"));
    let text = csv(30_000, 0.0);
    fs::write(&golden, &text).unwrap();
    let holes = text.lines().enumerate().map(|(i, l)| match i % 100 {
        50 => l.rsplit_once(',').map_or(String::new(), |(head, _)| format!("{head},NaN")),
        51 => l.rsplit_once(',').map_or(String::new(), |(head, _)| format!("{head},")),
        _ => l.to_owned(),
    });
    fs::write(&candidate, holes.collect::<Vec<_>>().join("\n")).unwrap();
    let report = run(&golden, &candidate);
    assert_eq!(report.verdict, Verdict::Fail, "{}", digest_of(&report));
    assert!(count(&report, "invalid_value") >= 590);
    let narrow = text.lines().map(|l| l.rsplit_once(',').unwrap().0).collect::<Vec<_>>().join("\n");
    fs::write(&candidate, narrow).unwrap();
    let report = run(&golden, &candidate);
    assert_eq!(report.verdict, Verdict::Fail, "{}", digest_of(&report));
    assert!(report.findings.iter().any(|f| f.observable == "volume" && f.verdict == FindingVerdict::Fail));
}

#[test]
fn a_bad_cell_is_counted_wherever_the_files_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    let golden = dir.path().join("golden.csv");
    let text = csv(30_000, 0.0);
    fs::write(&golden, &text).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let header = lines.remove(0);
    lines[10_004] = lines[10_004].rsplit_once(',').map(|(head, _)| format!("{head},-")).unwrap();
    let digests = [30_000, 10_000].map(|rows| {
        let candidate = tempfile::tempdir().unwrap();
        for (i, part) in lines.chunks(rows).enumerate() {
            fs::write(candidate.path().join(format!("{}.csv", 9 - i)), format!("{header}\n{}\n", part.join("\n")))
                .unwrap();
        }
        let report = run(&golden, candidate.path());
        assert!(count(&report, "invalid_value") >= 1, "{}", digest_of(&report));
        assert!(report.findings.iter().all(|f| f.n_candidate == 30_000 - u64::from(f.observable == "volume")));
        digest_of(&report)
    });
    assert_eq!(digests[0], digests[1]);
    // Words in place of every value are bad cells, not a column less.
    let words = lines.iter().map(|l| l.rsplit_once(',').map(|(head, _)| format!("{head},none")).unwrap());
    let candidate = dir.path().join("candidate.csv");
    fs::write(&candidate, format!("{header}\n{}\n", words.collect::<Vec<_>>().join("\n"))).unwrap();
    assert!(count(&run(&golden, &candidate), "invalid_value") >= 30_000);
}

#[test]
fn a_table_and_a_market_are_not_compared() {
    let dir = tempfile::tempdir().unwrap();
    let (golden, candidate) = (dir.path().join("golden.jsonl"), dir.path().join("candidate.csv"));
    fs::write(&golden, golden_text(1_000)).unwrap();
    fs::write(&candidate, csv(1_000, 0.0)).unwrap();
    assert_eq!(attempt(&golden, &candidate).unwrap_err().code(), "different-kinds");
}

#[test]
fn a_cancelled_run_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let golden = dir.path().join("golden.jsonl");
    fs::write(&golden, golden_text(1_000)).unwrap();
    let meter = Meter::default();
    meter.cancel();
    let request = ValidateRequest { threads: 1, ..request(&golden, &golden) };
    assert_eq!(validate(&request, &meter).unwrap_err().code(), "interrupted");
}
