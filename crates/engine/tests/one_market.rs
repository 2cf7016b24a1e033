//! One market seen twice is one market: in two formats, and a file against itself.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use common::{applicable, assert_verdict, digest_of, market, market_with_snapshots, request, run, run_with};
use common::{write_events, write_golden};
use verismo_engine::{Meter, ValidateRequest, validate};
use verismo_market::message::{Body, Message};
use verismo_suite::suite::Pairing;
use verismo_suite::{FindingVerdict, Suite, Verdict};

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

#[test]
fn rows_of_one_market_are_one_and_errors_point_by_point_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let [golden, events, other, moved] = ["golden", "events", "other", "moved"].map(|name| dir.path().join(name));
    write_golden(&golden, market(1, 150_000));
    write_events(&events, market_with_snapshots(1, 150_000));
    write_golden(&other, market(2, 150_000));
    let report = run_with("joint", &golden, &events);
    assert_verdict(&report, Verdict::Pass);
    assert_eq!(applicable(&report).filter(|finding| finding.deciding).count(), 7, "{}", digest_of(&report));
    for finding in applicable(&report) {
        assert_eq!(finding.effect, Some(0.0), "{} {:?}", finding.observable, finding.test);
    }
    // Another market is not wrong at any point; its numbers hang together as the golden's do.
    let report = run_with("joint", &golden, &other);
    for finding in report.findings.iter().filter(|f| ["quotes_1s", "bars_1m"].contains(&f.observable.as_str())) {
        assert_eq!(finding.verdict, FindingVerdict::NotApplicable);
    }
    assert!(report.findings.iter().all(|f| f.verdict != FindingVerdict::Fail), "{}", digest_of(&report));
    // Every price three ticks higher: laws of changes are equal, the points are not.
    // A tick is 0.1.
    let higher = market_with_snapshots(1, 150_000).map(move |message| shifted(message, 30_000_000));
    write_events(&moved, higher);
    // Ids agree and contents do not, so that it has to be said that these are the same events.
    let suite = Suite::builtin("joint").map(|suite| Suite { pairing: Pairing::Aligned, ..suite });
    let request = ValidateRequest { suite, ..request(&golden, &moved) };
    let report = validate(&request, &Meter::default()).unwrap();
    let of = |id: &str| report.findings.iter().find(|f| f.observable == id && f.deciding).unwrap();
    assert!((of("quotes_1s").effect.unwrap() - 3.0).abs() < 1e-9, "{}", digest_of(&report));
    assert_eq!(of("quotes_1s").verdict, FindingVerdict::Fail);
    assert!((of("bars_1m").effect.unwrap() - 1.0).abs() < 1e-9);
    assert_eq!(of("bars_1m").verdict, FindingVerdict::Fail);
    assert_eq!(of("dependence_1s").verdict, FindingVerdict::Pass);
}

fn shifted(mut message: Message, by: i64) -> Message {
    match &mut message.body {
        Body::Trade { price, .. } => *price += by,
        Body::Depth { bids, asks, .. } | Body::Snapshot { bids, asks, .. } => {
            bids.iter_mut().chain(asks).for_each(|(price, _)| *price += by);
        }
        _ => {}
    }
    message
}
