//! Runs judged again from the states that they left: what comes of them is what a validation comes to, to the bit.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::Path;
use std::time::Instant;

use common::{request, write_events, write_golden};
use verismo_engine::{
    AuditRequest, JudgeAgain, Meter, RecallRequest, Recalled, StoreRequest, ValidateRequest, audit, canary,
    changed_files, recall_states, states_root, suite_of, validate, validate_traced,
};
use verismo_feed::Format;
use verismo_feed::write::WriteOptions;
use verismo_market::message::{Body, Message};
use verismo_sim::{Market, MarketConfig};
use verismo_suite::Suite;
use verismo_suite::report::Report;
use verismo_suite::trace::Trace;

const HOUR_NS: i64 = 3_600_000_000_000;
const SLOWER: i64 = 180;

/// A market of half a day and more, which begins each hour with the book.
fn hours(seed: u64) -> impl Iterator<Item = Message> {
    let start = 1_753_056_000_000_000_000;
    let market = Market::new(MarketConfig::new(seed)).with_snapshots(HOUR_NS / SLOWER);
    market.take(12_000).map(move |mut message| {
        message.t_exchange_ns = start + (message.t_exchange_ns - start) * SLOWER;
        message
    })
}

fn suite(name: &str) -> Suite {
    // States are what is looked at: they are judged, but not at length.
    let mut suite = Suite { replicates: 99, ..Suite::builtin(name).unwrap() };
    for rule in &mut suite.observables {
        rule.margins.retain(|test, _| *test == rule.decide);
    }
    suite
}

fn stored(request: &ValidateRequest, home: &Path, suite: &Suite) -> (Report, Trace) {
    let store = Some(StoreRequest::in_folder(home));
    let request = ValidateRequest { store, suite: Some(suite.clone()), ..request.clone() };
    let (report, trace) = validate_traced(&request, &Meter::default()).unwrap();
    (report, trace.unwrap())
}

fn again(trace: &Trace, report: &Report, home: &Path, suite: &Suite) -> (Report, Trace) {
    let request =
        RecallRequest { trace: trace.clone(), suite: suite.clone(), store: StoreRequest::in_folder(home), threads: 2 };
    let Recalled::States(mut states) = recall_states(&request, &Meter::default()).unwrap() else {
        panic!("states are gone")
    };
    let judge = JudgeAgain {
        suite: suite.clone(),
        maps: trace.asked.maps.clone(),
        inputs: report.inputs.clone(),
        settings: Default::default(),
        threads: 2,
        started: Instant::now(),
    };
    (states.judge(&judge), states.trace().clone())
}

fn assert_same(one: &Report, other: &Report) {
    assert_eq!((&one.digest, &one.suite_digest), (&other.digest, &other.suite_digest));
    assert_eq!(one.inputs, other.inputs);
    assert_eq!((one.timing.messages, one.timing.events), (other.timing.messages, other.timing.events));
    assert_eq!(format!("{:?}", one.findings), format!("{:?}", other.findings));
    assert_eq!(format!("{:?}", one.integrity), format!("{:?}", other.integrity));
}

#[test]
fn many_pieces_of_a_tree_are_judged_again_without_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    write_golden(&at("golden"), hours(5));
    write_events(&at("candidate"), hours(6));
    // The capture is in files of an hour, in pieces of each.
    let run = ValidateRequest { segment_bytes: 1 << 15, ..request(&at("golden"), &at("candidate")) };
    let home = at("store");
    let (first, trace) = stored(&run, &home, &suite("comprehensive"));
    assert!(trace.pieces() >= 30, "{} pieces", trace.pieces());
    assert!(trace.sides[0].groups[0].pieces.iter().filter(|piece| piece.is_inside).count() > 10);
    assert_eq!(trace.root, states_root(&trace));
    assert_eq!(suite_of(&trace).unwrap().canonical_bytes(), suite("comprehensive").canonical_bytes());
    let anew = ["market", "light", "joint"].map(|name| {
        let request = ValidateRequest { suite: Some(suite(name)), ..run.clone() };
        validate(&request, &Meter::default()).unwrap()
    });
    fs::rename(at("golden"), at("moved")).unwrap();
    fs::remove_dir_all(at("candidate")).unwrap();
    let (same, own) = again(&trace, &first, &home, &suite("comprehensive"));
    assert_same(&same, &first);
    assert_eq!(own, trace);
    let mut parts = Vec::new();
    for (name, anew) in ["market", "light", "joint"].into_iter().zip(&anew) {
        let (again_, part) = again(&trace, &first, &home, &suite(name));
        assert_same(&again_, anew);
        assert_ne!(part.root, trace.root, "other observables, other states");
        parts.push(part.clone());
        if name == "light" {
            // What was judged again serves as well as the first.
            let (third, _) = again(&part, &again_, &home, &suite(name));
            assert_same(&third, anew);
        }
        // Observables on a tape with updates for others are there for a suite without.
        assert!(
            matches!(
                recall_states(
                    &RecallRequest {
                        trace: part,
                        suite: suite("market"),
                        store: StoreRequest::in_folder(&home),
                        threads: 1
                    },
                    &Meter::default()
                )
                .unwrap(),
                Recalled::States(_)
            ),
            "{name}"
        );
    }
    assert!(changed_files(&trace, None, false).len() >= trace.sides.iter().map(|side| side.files.len()).sum());
    fs::rename(at("moved"), at("golden")).unwrap();
    write_events(&at("candidate"), hours(6));
    assert_eq!(changed_files(&trace, None, true), [], "the same bytes are the same files");
    // All of it is recomputed, and the same.
    let request = AuditRequest {
        run: "run".to_owned(),
        trace: trace.clone(),
        store: StoreRequest::in_folder(&home),
        seed: "seed".to_owned(),
        share: 1.0,
        threads: 2,
    };
    let audited = audit(&request, None, &Meter::default()).unwrap();
    assert_eq!((audited.equal, audited.pieces), (trace.pieces(), trace.pieces()), "{audited:?}");
    // A part of it was not observed by itself, which is said.
    let part = AuditRequest { trace: parts.swap_remove(0), share: 0.3, ..request.clone() };
    let audited = audit(&part, None, &Meter::default()).unwrap();
    assert!(audited.unchecked.len() as u64 == audited.chosen && audited.different.is_empty(), "{audited:?}");
    assert!(audited.unchecked[0].why.contains("together with other observables"), "{audited:?}");
    // Nor is it taken for different where a run of its own took the same states.
    let (_, by_itself) = stored(&run, &home, &suite("market"));
    let again_ = audit(&AuditRequest { trace: by_itself, ..part.clone() }, None, &Meter::default()).unwrap();
    assert_eq!(again_.different, [], "{again_:?}");
    // This version of the code against itself, and against one that only says to be another.
    let share = AuditRequest { share: 0.2, ..request.clone() };
    let same = canary(&share, &Meter::default()).unwrap();
    let groups: usize = trace.sides.iter().map(|side| side.groups.len()).sum();
    assert!(same.chosen >= groups as u64 && same.chosen < same.pieces && same.computed == same.chosen, "{same:?}");
    assert!(same.is_same_code && same.states > 100, "{same:?}");
    assert_eq!((same.states_changed, same.replays_changed, same.observables.len()), (0, 0, 0), "{same:?}");
    let mut other = share.clone();
    for group in other.trace.sides.iter_mut().flat_map(|side| &mut side.groups) {
        group.observed.code = "another".to_owned();
    }
    let recalled =
        RecallRequest { trace: other.trace.clone(), suite: suite("light"), store: other.store.clone(), threads: 1 };
    let Recalled::Missing(missing) = recall_states(&recalled, &Meter::default()).unwrap() else { panic!("other code") };
    assert!(missing.first[0].1.contains("another version of the decoder"), "{missing:?}");
    let compared = canary(&other, &Meter::default()).unwrap();
    assert_eq!((compared.is_same_code, compared.computed, compared.states_changed), (false, same.computed, 0));
    // Another candidate under the same names: every piece whose bytes are others differs, and none passes.
    fs::remove_dir_all(at("candidate")).unwrap();
    let larger = hours(6).map(|mut message| {
        if let Body::Trade { qty, .. } = &mut message.body {
            *qty += 1_000;
        }
        message
    });
    write_events(&at("candidate"), larger);
    let audited = audit(&request, None, &Meter::default()).unwrap();
    let candidate: u64 = trace.sides[1].groups.iter().map(|group| group.pieces.len() as u64).sum();
    assert_eq!(audited.equal, trace.pieces() - candidate, "{audited:?}");
    assert_eq!((audited.different.len() + audited.unchecked.len()) as u64, candidate, "{audited:?}");
    // Taken for what the run read, these files stand for a decoder that makes other events of the same bytes.
    let mut other = AuditRequest { share: 1.0, ..share };
    let files = &mut other.trace.sides[1].files;
    for file in files.iter_mut() {
        let bytes = fs::read(&file.path).unwrap_or_default();
        file.digest = Some(blake3_hex(&bytes));
    }
    let changed = canary(&other, &Meter::default()).unwrap();
    assert!(changed.states_changed > 0 && changed.replays_changed > 0, "{changed:?}");
    assert!(changed.observables.iter().any(|observable| observable.id == "trade_size" && observable.changed > 0));
}

fn blake3_hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

#[test]
fn a_run_in_every_format_is_judged_again() {
    let dir = tempfile::tempdir().unwrap();
    let formats: Vec<Format> = Format::all().filter(|format| format.has_events()).collect();
    let golden = dir.path().join("golden");
    let market = |by_orders: bool| {
        let market = Market::new(MarketConfig::new(7).in_shares()).with_snapshots(60_000_000_000);
        if by_orders { market.with_orders() } else { market }.take(2_500)
    };
    write_golden(&golden, market(false));
    for format in formats {
        let candidate = dir.path().join(format.name());
        fs::create_dir_all(&candidate).unwrap();
        let mut writer = format.writer(&candidate, &WriteOptions::default()).unwrap();
        market(format.is_by_orders()).for_each(|message| writer.write(&message).unwrap());
        writer.finish().unwrap();
        let home = dir.path().join("store");
        let mut request = request(&golden, &candidate);
        // The only stream, by one of its names: what is asked of the run is asked of its states.
        request.maps = vec![("BTCUSDT".to_owned(), "BTC-USD".to_owned())];
        let (first, trace) = stored(&request, &home, &suite("market"));
        let request = ValidateRequest { suite: Some(suite("light")), ..request };
        let anew = validate(&request, &Meter::default()).unwrap();
        let (judged, _) = again(&trace, &first, &home, &suite("light"));
        assert_same(&judged, &anew);
    }
}

/// What cannot be trusted to be the same is not kept, and then there is nothing to judge again.
#[test]
fn a_run_that_kept_only_a_part_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (golden, home) = (dir.path().join("golden"), dir.path().join("store"));
    write_golden(&golden, hours(5).take(3_000));
    let broken = dir.path().join("broken.jsonl.gz");
    // A packed file that ends in the middle.
    fs::write(&broken, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2]).unwrap();
    let mut request = request(&golden, &golden);
    request.candidate.push(broken);
    request.format = Some(Format::GoldenJsonl);
    let (report, trace) = stored(&request, &home, &suite("light"));
    assert_eq!(trace.root, None);
    assert_eq!(report.provenance.states.unwrap().root, None);
    let store = StoreRequest::in_folder(&home);
    let recalled = recall_states(&RecallRequest { trace, suite: suite("light"), store, threads: 1 }, &Meter::default());
    let Recalled::Missing(missing) = recalled.unwrap() else { panic!("a part was taken for the whole") };
    assert!(missing.first.iter().any(|(_, why, _)| why == "its states were not kept"), "{missing:?}");
    assert!(missing.files > 0 && missing.bytes > 0);
}
