//! Every fault of the injector, at its default amount, on 600 thousand messages, is caught.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::fs;

use common::{digest_of, market, market_suite, run, write_golden};
use verismo_engine::{judge_messages, observe_options};
use verismo_sim::{Fault, FaultKind, apply, apply_bytes};
use verismo_suite::Verdict;

const MESSAGES: usize = 600_000;

#[test]
fn every_fault_of_messages_is_caught() {
    let suite = market_suite();
    let options = observe_options(&suite, 1_000_000);
    let golden: Vec<_> = market(11, MESSAGES).collect();
    let mut missed = String::new();
    for kind in FaultKind::all().filter(|kind| !kind.is_byte_level()) {
        let (candidate, record) = apply(golden.clone(), &[Fault::default_of(kind)], 5);
        assert!(record.faults[0].affected > 0, "{} changed nothing", kind.name());
        let report = judge_messages(golden.clone().into_iter(), candidate.into_iter(), &suite, &options).unwrap();
        if !matches!(report.verdict, Verdict::Fail | Verdict::Error) {
            missed += &format!("{}: {}", kind.name(), digest_of(&report));
        }
    }
    assert!(missed.is_empty(), "not caught:\n{missed}");
}

#[test]
fn broken_bytes_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let (golden, candidate) = (dir.path().join("golden"), dir.path().join("candidate"));
    write_golden(&golden, market(11, MESSAGES));
    for kind in FaultKind::all().filter(|kind| kind.is_byte_level()) {
        fs::create_dir_all(&candidate).unwrap();
        for entry in fs::read_dir(&golden).unwrap() {
            let path = entry.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            apply_bytes(&mut bytes, &[Fault::default_of(kind)], 5);
            fs::write(candidate.join(path.file_name().unwrap()), bytes).unwrap();
        }
        let report = run(&golden, &candidate);
        assert!(matches!(report.verdict, Verdict::Error | Verdict::Fail), "{}: {}", kind.name(), digest_of(&report));
        fs::remove_dir_all(&candidate).unwrap();
    }
}
