//! One market seen twice is one market: in two formats, and a file against itself.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use common::{applicable, assert_verdict, digest_of, market, market_with_snapshots, run, run_with};
use common::{write_events, write_golden};
use verismo_suite::{FindingVerdict, Verdict};

#[test]
fn golden_jsonl_and_events_parquet_of_one_seed_have_no_difference() {
    let dir = tempfile::tempdir().unwrap();
    let (golden, candidate) = (dir.path().join("golden"), dir.path().join("candidate"));
    write_golden(&golden, market(1, 150_000));
    write_events(&candidate, market_with_snapshots(1, 150_000));
    let report = run(&golden, &candidate);
    assert_verdict(&report, Verdict::Pass);
    assert!(applicable(&report).count() >= 40, "{}", digest_of(&report));
    for finding in applicable(&report) {
        assert_eq!(finding.effect, Some(0.0), "{} {:?}\n{}", finding.observable, finding.test, digest_of(&report));
        assert_eq!(finding.interval, Some([0.0, 0.0]), "{}", finding.observable);
    }
    for finding in report.findings.iter().filter(|f| f.verdict == FindingVerdict::NotApplicable) {
        assert!(!finding.reason.is_empty(), "{} is not applicable for no reason", finding.observable);
    }
    assert_eq!(report.streams[0].clock_ns, 1_000_000, "the golden's clock is the coarser one");
}

#[test]
fn a_file_against_itself_passes_also_when_it_is_minutes_long() {
    // About 40 messages a second: one, three and sixteen minutes.
    for n in [2_400, 7_200, 40_000] {
        let dir = tempfile::tempdir().unwrap();
        write_golden(dir.path(), market(7, n));
        let report = run(dir.path(), dir.path());
        assert_verdict(&report, Verdict::Pass);
        for finding in applicable(&report) {
            assert_eq!(finding.effect, Some(0.0), "{n}: {} {:?}", finding.observable, finding.test);
        }
    }
}

#[test]
fn the_microstructure_of_one_market_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let (golden, events, other) = (dir.path().join("golden"), dir.path().join("events"), dir.path().join("other"));
    write_golden(&golden, market(1, 150_000));
    write_events(&events, market_with_snapshots(1, 150_000));
    write_golden(&other, market(2, 150_000));
    let report = run_with("microstructure", &golden, &events);
    assert_verdict(&report, Verdict::Pass);
    assert!(applicable(&report).filter(|finding| finding.deciding).count() >= 50, "{}", digest_of(&report));
    // Another stretch of the same process: nothing is said to differ.
    let report = run_with("microstructure", &golden, &other);
    let failed: Vec<_> = report.findings.iter().filter(|f| f.deciding && f.verdict == FindingVerdict::Fail).collect();
    assert!(failed.is_empty(), "{failed:?}");
}
