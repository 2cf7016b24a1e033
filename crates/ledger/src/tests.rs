use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use verismo_suite::catalogue::TestId;
use verismo_suite::report::{Finding, Input, Report};
use verismo_suite::{FindingVerdict, Verdict};

use super::*;

/// A report of a suite with one finding, as any run could have.
pub(crate) fn report(suite: &str, verdict: Verdict, effect: f64) -> Report {
    let finding = serde_json::json!({
        "observable": "spread", "unit": "ticks", "test": "ks", "stream": "BTC", "stratum": "paired", "statistic": null,
        "effect": effect, "interval": [effect - 0.01, effect + 0.01], "certified": null, "margin": 0.05, "resolution": null,
        "heterogeneity": null, "n_golden": 10, "n_candidate": 10, "n_eff": null, "p_value": null, "p_fail": null, "mde": null,
        "severity": "critical", "deciding": true, "verdict": FindingVerdict::from(verdict), "reason": "",
    });
    let finding: Finding = serde_json::from_value(finding).unwrap();
    let told = Finding { deciding: false, test: TestId::from_name("w1").unwrap(), ..finding.clone() };
    let row = serde_json::json!({
        "check": "duplicate", "side": "candidate", "stream": "BTC", "count": 3, "total": 100, "ratio": 0.03,
        "limit": "count <= 0", "severity": "warn", "verdict": "FAIL", "examples": [],
    });
    let input = |side: &str| -> Input {
        let paths = [format!("data/{side} \"1\""), "more".to_owned()];
        let input = serde_json::json!({
            "side": side, "paths": paths, "format": "table", "files": 2, "bytes": 30, "messages": 5, "events": 6,
        });
        serde_json::from_value(input).unwrap()
    };
    let whole = serde_json::json!({
        "schema": "verismo.report/1", "verdict": verdict, "summary": "", "scope": "these-stretches", "digest": "d",
        "suite_digest": "s", "suite": suite, "inputs": [], "findings": [], "integrity": [row],
        "timing": {
            "messages": 10, "events": 12, "seconds": 1.5, "messages_per_second": 0.0, "events_per_second": 0.0, "bytes_read": 60,
            "stages": {}, "peak_memory_bytes": 1000, "cpu_seconds": 2.5,
        },
        "provenance": {"version": "0.1.0", "settings": {"threads": "2"}},
    });
    let report: Report = serde_json::from_value(whole).unwrap();
    Report { inputs: vec![input("golden"), input("candidate")], findings: vec![finding, told], ..report }
}

/// Records a report as that of a run that started so many seconds after 2026; its id.
fn record_at(home: &Path, seconds: u64, mut report: Report) -> String {
    let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + seconds);
    let stamp = stamp(started, None).unwrap();
    report.provenance.run = Some(stamp.clone());
    assert_eq!(record(home, &report, &report.to_json().unwrap(), None).unwrap(), Vec::<String>::new());
    stamp.id
}

/// Three runs: PASS and FAIL of `one`, PASS of `two`.
fn three() -> (tempfile::TempDir, [String; 3]) {
    let dir = tempfile::tempdir().unwrap();
    let reports =
        [report("one", Verdict::Pass, 0.02), report("one", Verdict::Fail, 0.2), report("two", Verdict::Pass, 0.03)];
    let mut seconds = 0;
    let ids = reports.map(|report| {
        seconds += 60;
        record_at(dir.path(), seconds, report)
    });
    (dir, ids)
}

fn listed(ledger: &mut Ledger, filter: &Filter) -> Vec<String> {
    ledger.runs(filter).unwrap().runs.into_iter().map(|run| run.id).collect()
}

#[test]
fn a_run_is_listed_with_what_it_was_and_its_report_is_kept_to_the_byte() {
    let (dir, [first, ..]) = three();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    assert!(ledger.notes().is_empty());
    let list = ledger.runs(&Filter::default()).unwrap();
    let run = list.runs.last().unwrap();
    assert_eq!((run.id.as_str(), run.started.as_str()), (first.as_str(), "2026-01-01T00:01:00.000Z"));
    assert_eq!(run.golden, ["data/golden \"1\"", "more"]);
    assert_eq!(run.candidate, ["data/candidate \"1\"", "more"]);
    assert_eq!((run.messages, run.events, run.bytes_read), (10, 12, 60));
    assert_eq!((run.cpu_seconds, run.peak_memory_bytes, run.cached_share), (Some(2.5), Some(1000), None));
    let id = RunId::parse(&first).unwrap();
    let read = ledger.report(&id).unwrap();
    assert_eq!(read.to_json().unwrap(), ledger.report_json(&id).unwrap());
    assert_eq!(read.provenance.run.unwrap().id, first);
}

#[test]
fn filters_and_their_union() {
    let (dir, [first, second, third]) = three();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    let all = [third.clone(), second.clone(), first.clone()];
    assert_eq!(listed(&mut ledger, &Filter::default()), all);
    let of_one = Filter { suite: Some("one".into()), ..Filter::default() };
    assert_eq!(listed(&mut ledger, &of_one), all[1..]);
    assert_eq!(listed(&mut ledger, &Filter { verdict: Some(Verdict::Pass), ..of_one.clone() }), [first]);
    assert_eq!(listed(&mut ledger, &Filter { limit: Some(1), ..of_one }), [second]);
    let since_ms = Some(1_767_225_600_000 + 180_000);
    assert_eq!(listed(&mut ledger, &Filter { since_ms, ..Filter::default() }), [third]);
}

#[test]
fn runs_are_found_by_id_prefix_and_place() {
    let (dir, [first, second, third]) = three();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    let mut found = |name: &str| ledger.find(name).map(|id| id.to_string());
    assert_eq!(found(&second).unwrap(), second);
    assert_eq!(found(&third[..9].to_uppercase()).unwrap(), third);
    for (name, want) in [("last", &third), ("last~0", &third), ("last~1", &second), ("last~2", &first)] {
        assert_eq!(&found(name).unwrap(), want, "{name}");
    }
    let common = &first[..4];
    let Err(LedgerError::Ambiguous { among, is_all, .. }) = found(common) else { panic!("{common}") };
    assert_eq!((among, is_all), (vec![third.clone(), second.clone(), first.clone()], true));
    for name in ["last~3", "zzzz", "last~99999999999", "", "%"] {
        let Err(LedgerError::NoSuchRun { near, .. }) = found(name) else { panic!("{name}") };
        assert_eq!(near.len(), 3, "{name}");
    }
    let Err(LedgerError::NoSuchRun { near, .. }) = found(&format!("{}zzzz", &second[..9])) else { panic!() };
    assert_eq!(near[0], second);
    for name in ["last", "last~12", "01kd", "LAST~1"] {
        assert_eq!(may_name_a_run(name), name != "LAST~1", "{name}");
    }
}

#[test]
fn a_trend_is_a_series_a_suite_in_order_of_time() {
    let (dir, [first, second, third]) = three();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    let trend = ledger.trend("spread", None, &Filter::default()).unwrap();
    let of = |suite: &str| trend.series.iter().find(|s| s.suite == suite).unwrap();
    let ids: Vec<&str> = of("one").points.iter().map(|p| p.run.as_str()).collect();
    assert_eq!((ids, of("one").test.as_str()), (vec![first.as_str(), second.as_str()], "ks"));
    assert_eq!(of("one").points[1].interval, Some([0.2 - 0.01, 0.2 + 0.01]));
    assert_eq!(of("two").points[0].run, third);
    let last = Filter { limit: Some(1), ..Filter::default() };
    assert_eq!(ledger.trend("spread", Some("w1"), &last).unwrap().series.len(), 1);
    assert!(ledger.trend("other", None, &Filter::default()).unwrap().series.is_empty());
    assert_eq!(ledger.observables().unwrap(), [("spread".into(), "ks".into()), ("spread".into(), "w1".into())]);
}

#[test]
fn many_writers_lose_no_run() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..10 {
            let home = dir.path();
            scope.spawn(move || {
                for n in 0..5 {
                    record_at(home, writer * 100 + n, report("one", Verdict::Pass, 0.01));
                }
            });
        }
    });
    let mut ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(listed(&mut ledger, &Filter::default()).len(), 50);
    assert!(ledger.notes().is_empty(), "{:?}", ledger.notes());
}

#[test]
fn a_damaged_index_is_set_aside_and_made_again() {
    let (dir, ids) = three();
    let index = dir.path().join("ledger.sqlite");
    let whole = fs::read(&index).unwrap();
    // Ends of the header, of the schema and of the rows; and what was never a database.
    let mut torn = whole.clone();
    torn[100..].fill(0xa5);
    let foreign = {
        let path = dir.path().join("foreign");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
        fs::read(path).unwrap()
    };
    let cases = [
        b"no database, but longer than a header of one hundred bytes would be, so that it is looked at".repeat(9),
        torn,
        foreign,
    ];
    for (n, bytes) in cases.into_iter().enumerate() {
        for end in ["-wal", "-shm"] {
            let _none = fs::remove_file(dir.path().join(format!("ledger.sqlite{end}")));
        }
        fs::write(&index, &bytes).unwrap();
        let mut ledger = Ledger::open(dir.path()).unwrap();
        let aside = format!("ledger.sqlite.damaged-{}", n + 1);
        assert!(ledger.notes()[0].contains(&aside) && ledger.notes()[0].contains("3 runs"), "{:?}", ledger.notes());
        assert!(fs::read(dir.path().join(aside)).unwrap() == bytes, "case {n}: what was there is kept");
        assert_eq!(listed(&mut ledger, &Filter::default()).len(), ids.len());
        drop(ledger);
        assert!(Ledger::open(dir.path()).unwrap().notes().is_empty());
    }
    // An index that is simply gone is made again without a word.
    fs::remove_file(&index).unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!((listed(&mut ledger, &Filter::default()).len(), ledger.notes().len()), (3, 0));
}

#[test]
fn a_damaged_report_is_told_and_left_out_of_a_rebuild() {
    let (dir, [first, second, third]) = three();
    let file = |id: &str| dir.path().join("runs").join(format!("{id}.json.zst"));
    let bytes = fs::read(file(&first)).unwrap();
    fs::write(file(&first), &bytes[..bytes.len() / 2]).unwrap();
    // The report of one run under the name of another.
    fs::copy(file(&third), file(&second)).unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(listed(&mut ledger, &Filter::default()).len(), 3, "its rows are good");
    let id = RunId::parse(&first).unwrap();
    assert_eq!(ledger.report(&id).unwrap_err().code(), "damaged-run");
    drop(ledger);
    fs::remove_file(dir.path().join("ledger.sqlite")).unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(listed(&mut ledger, &Filter::default()), [third]);
    let notes = ledger.notes().join("\n");
    assert!(notes.contains(&first) && notes.contains(&second) && notes.contains("another run"), "{notes}");
}

#[test]
fn a_run_whose_report_is_gone_is_no_run_any_more() {
    let (dir, [first, second, third]) = three();
    fs::remove_file(dir.path().join("runs").join(format!("{second}.json.zst"))).unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(listed(&mut ledger, &Filter::default()), [third, first]);
    let trend = ledger.trend("spread", None, &Filter::default()).unwrap();
    assert!(trend.series.iter().all(|series| series.points.iter().all(|point| point.run != second)));
}

#[test]
fn a_ledger_of_a_later_verismo_is_not_touched_and_loses_no_run() {
    let (dir, _) = three();
    let index = dir.path().join("ledger.sqlite");
    rusqlite::Connection::open(&index).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Ledger::open(dir.path()).unwrap_err();
    assert!(error.code() == "newer-ledger" && error.to_string().contains("update verismo"), "{error}");
    let mut report = report("one", Verdict::Pass, 0.0);
    report.provenance.run = Some(stamp(SystemTime::now(), None).unwrap());
    let notes = record(dir.path(), &report, &report.to_json().unwrap(), None).unwrap();
    assert!(notes.len() == 1 && notes[0].contains("is kept, but not listed yet"), "{notes:?}");
    rusqlite::Connection::open(&index).unwrap().pragma_update(None, "user_version", 1).unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(listed(&mut ledger, &Filter::default()).len(), 4);
}

#[test]
fn a_home_that_cannot_be_is_an_error_to_a_writer_and_empty_to_a_reader() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let home = file.join("home");
    let mut report = report("one", Verdict::Pass, 0.0);
    report.provenance.run = Some(stamp(SystemTime::now(), None).unwrap());
    assert_eq!(record(&home, &report, "{}", None).unwrap_err().code(), "ledger-io");
    for home in [home, dir.path().join("missing")] {
        let mut ledger = Ledger::open(&home).unwrap();
        assert!(listed(&mut ledger, &Filter::default()).is_empty());
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is made by asking");
}

#[test]
fn the_reports_answer_where_the_index_cannot_be_written() {
    let (dir, [.., third]) = three();
    // Not even an administrator writes into a folder.
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.lock"] {
        let _may_be_missing = fs::remove_file(dir.path().join(name));
    }
    fs::create_dir(dir.path().join("ledger.lock")).unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    assert_eq!(listed(&mut ledger, &Filter::default()).len(), 3);
    assert_eq!(ledger.find("last").unwrap().as_str(), third);
    assert!(!dir.path().join("ledger.sqlite").exists());
}

#[test]
fn an_index_that_says_something_else_than_the_reports_is_made_again_on_demand() {
    let (dir, ids) = three();
    let index = dir.path().join("ledger.sqlite");
    let changed = rusqlite::Connection::open(&index).unwrap();
    changed.execute_batch("UPDATE runs SET verdict = 'PASS'").unwrap();
    drop(changed);
    let failed = Filter { verdict: Some(Verdict::Fail), ..Filter::default() };
    assert!(listed(&mut Ledger::open(dir.path()).unwrap(), &failed).is_empty(), "the index is believed");
    let notes = rebuild(dir.path()).unwrap();
    assert!(notes[0].contains("3 runs") && notes[0].contains("damaged-1"), "{notes:?}");
    assert_eq!(listed(&mut Ledger::open(dir.path()).unwrap(), &failed), [ids[1].clone()]);
    let nowhere = dir.path().join("nowhere");
    assert!(rebuild(&nowhere).unwrap().is_empty() && !nowhere.exists());
    rusqlite::Connection::open(&index).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(rebuild(dir.path()).unwrap_err().code(), "newer-ledger");
}

#[test]
fn a_trace_is_kept_beside_its_report_and_is_no_run() {
    let (dir, [first, ..]) = three();
    let trace = Trace {
        schema: verismo_suite::trace::SCHEMA.to_owned(),
        folder: "/".to_owned(),
        asked: Default::default(),
        sides: Vec::new(),
        root: Some("r".to_owned()),
        versions: Default::default(),
    };
    let mut report = report("one", Verdict::Pass, 0.02);
    let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_226_000);
    report.provenance.run = Some(stamp(started, Some(first.clone())).unwrap());
    let json = trace.to_json().unwrap();
    record(dir.path(), &report, &report.to_json().unwrap(), Some(&json)).unwrap();
    fs::remove_file(dir.path().join("ledger.sqlite")).unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    let last = ledger.find("last").unwrap();
    assert_eq!(ledger.trace(&last).unwrap(), Some(trace));
    assert_eq!(ledger.trace(&RunId::parse(&first).unwrap()).unwrap(), None, "runs of earlier versions have none");
    let list = ledger.runs(&Filter::default()).unwrap();
    assert_eq!((list.runs.len(), list.runs[0].parent.as_ref()), (4, Some(&first)));
    let path = dir.path().join("runs").join(format!("{last}.trace.json.zst"));
    fs::write(path, "no trace").unwrap();
    assert_eq!(ledger.trace(&last).unwrap_err().code(), "damaged-run");
}
