//! What a suite sees: faults are found by amount, the same on any number of threads, and nothing is found where nothing is.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{market, market_suite};
use verismo_engine::{EngineError, Meter, PowerRequest, Source, power};
use verismo_sim::Fault;
use verismo_suite::power::{FaultPower, Power};

const MESSAGES: u64 = 20_000;

fn request(is_replay: bool, faults: &[&str]) -> PowerRequest {
    PowerRequest {
        suite: market_suite(),
        source: Source::Simulated { messages: MESSAGES, is_replay },
        faults: faults.iter().map(|f| f.parse::<Fault>().unwrap()).collect(),
        runs: 2,
        pairs: 3,
        seed: 7,
        threads: 2,
    }
}

fn study(request: &PowerRequest) -> Power {
    let power = power(request, &Meter::default()).unwrap();
    Power { seconds: 0.0, ..power }
}

fn fault<'a>(power: &'a Power, name: &str) -> &'a FaultPower {
    power.faults.iter().find(|f| f.fault == name).unwrap()
}

#[test]
fn large_faults_are_seen_and_the_least_are_not() {
    let faults = ["widen-spread:8", "smooth-sizes:0.0001", "drop:0.2", "drop:0.00001"];
    let power = study(&request(false, &faults));
    assert_eq!(fault(&power, "widen-spread").smallest, Some(8.0));
    assert!(fault(&power, "widen-spread").smallest_by_metric.contains_key("spread ks"));
    assert_eq!(fault(&power, "smooth-sizes").smallest, None);
    let drop = fault(&power, "drop");
    let amounts: Vec<f64> = drop.cells.iter().map(|cell| cell.amount).collect();
    assert_eq!(amounts, [0.00001, 0.2]);
    assert_eq!(drop.smallest_by_metric.get("sequence_gap"), Some(&0.2));
    assert!((drop.cells[1].changed - 0.2).abs() < 0.01, "{}", drop.cells[1].changed);
    let pairs = power.false_alarms.as_ref().unwrap();
    assert_eq!((pairs.runs, pairs.caught()), (3, 0), "{pairs:?}");
    assert!(power.metrics["spread ks"].decides && power.metrics["sequence_gap"].is_check);
    assert!(!power.metrics.contains_key("queue_ahead ks"), "there are no single orders in this market");
}

#[test]
fn threads_change_nothing() {
    let request = request(true, &["widen-spread:1", "delay:0.2", "truncate"]);
    let one = study(&PowerRequest { threads: 1, ..request.clone() });
    assert_eq!(one, study(&PowerRequest { threads: 5, ..request }));
    assert!(one.market.is_replay && one.faults.len() == 2, "faults of bytes are left out");
}

#[test]
fn given_messages_are_their_own_market() {
    let given = Source::Given(market(3, MESSAGES as usize).collect());
    let power = study(&PowerRequest { source: given, ..request(false, &["duplicate:0.05"]) });
    assert!(power.false_alarms.is_none() && power.market.is_replay);
    // Over its limit in the data themselves.
    assert!(!power.faults[0].smallest_by_metric.contains_key("price_coherence"));
    assert_eq!(fault(&power, "duplicate").smallest_by_metric.get("duplicate"), Some(&0.05));
}

#[test]
fn a_cancelled_study_ends() {
    let meter = Meter::default();
    meter.cancel();
    assert!(matches!(power(&request(false, &["drop"]), &meter), Err(EngineError::Interrupted { .. })));
}
