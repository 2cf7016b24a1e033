//! Real order books: two companies are not one, a simulation is not an exchange, a market is itself.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{assert_verdict, digest_of, real_data, run};
use verismo_suite::report::Report;
use verismo_suite::{FindingVerdict, Verdict};

/// The files of one ticker under the name of another, in a directory of their own.
fn lobster(ticker: &str, named: &str, dir: &Path) -> Option<PathBuf> {
    let from = real_data("lobster")?;
    fs::create_dir_all(dir).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(rest) = name.strip_prefix(ticker) {
            fs::copy(&path, dir.join(format!("{named}{rest}"))).unwrap();
        }
    }
    Some(dir.to_owned())
}

/// Observables of how orders come and go, which a mere change of price scale leaves alone.
const ORDER_FLOW: [&str; 12] = [
    "inter_event_time",
    "inter_trade_time",
    "order_event_size",
    "order_lifetime",
    "time_to_cancel",
    "queue_ahead",
    "trade_size",
    "aggressor_sign_acf",
    "event_count_100ms",
    "event_count_1s",
    "best_quote_changes_1s",
    "imbalance_l1",
];

fn failing(report: &Report) -> Vec<&str> {
    report.findings.iter().filter(|f| f.verdict == FindingVerdict::Fail).map(|f| f.observable.as_str()).collect()
}

#[test]
fn a_nasdaq_day_against_itself_passes() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(google) = lobster("GOOG", "GOOG", &scratch.path().join("goog")) else { return };
    let report = run(&google, &google);
    assert_verdict(&report, Verdict::Pass);
}

#[test]
fn two_companies_under_one_name_fail_on_order_flow() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(google) = lobster("GOOG", "GOOG", &scratch.path().join("goog")) else { return };
    let Some(amazon) = lobster("AMZN", "GOOG", &scratch.path().join("amzn")) else { return };
    let report = run(&google, &amazon);
    assert_verdict(&report, Verdict::Fail);
    let failing = failing(&report);
    let order_flow: Vec<&&str> = failing.iter().filter(|id| ORDER_FLOW.contains(id)).collect();
    assert!(order_flow.len() >= 3, "{failing:?}\n{}", digest_of(&report));
}

#[test]
fn an_agent_based_simulation_is_no_nasdaq() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(google) = lobster("GOOG", "GOOG", &scratch.path().join("goog")) else { return };
    let Some(abides) = real_data("abides") else { return };
    for name in ["rmsc04_seed1_message.csv.gz", "rmsc04_30min_seed2_message.csv.gz"] {
        let report = run(&google, &abides.join(name));
        assert_verdict(&report, Verdict::Fail);
    }
}

/// The rows of a CSV whose first number in column `at` lies in `from..to`, with its header.
fn rows_between(csv: &str, at: usize, from: i64, to: i64) -> String {
    let mut lines = csv.lines();
    let mut out = lines.next().unwrap().to_owned() + "\n";
    for line in lines {
        let stamp: i64 = line.split(',').nth(at).unwrap().parse().unwrap();
        if (from..to).contains(&stamp) {
            writeln!(out, "{line}").unwrap();
        }
    }
    out
}

#[test]
fn a_quarter_of_an_hour_and_the_next_are_judged_and_explained() {
    let Some(dir) = real_data("bitstamp") else { return };
    let packed = Command::new("gzip").arg("-dc").arg(dir.join("btcusd_2026-05-02_orders.csv.gz")).output().unwrap();
    let orders = String::from_utf8(packed.stdout).unwrap();
    // Column 1 is the receive stamp in ms, column 2 the exchange's.
    let start: i64 = orders.lines().nth(1).unwrap().split(',').nth(1).unwrap().parse().unwrap();
    let middle = start + 15 * 60 * 1_000;
    let scratch = tempfile::tempdir().unwrap();
    let (golden, candidate) = (scratch.path().join("first"), scratch.path().join("second"));
    for (path, from, to) in [(&golden, i64::MIN, middle), (&candidate, middle, i64::MAX)] {
        fs::create_dir_all(path).unwrap();
        let trades = fs::read_to_string(dir.join("btcusd_2026-05-02_trades.csv")).unwrap();
        fs::write(path.join("orders.csv"), rows_between(&orders, 2, from, to)).unwrap();
        fs::write(path.join("trades.csv"), rows_between(&trades, 2, from, to)).unwrap();
    }
    let report = run(&golden, &candidate);
    assert_ne!(report.verdict, Verdict::Error, "{}", digest_of(&report));
    for finding in &report.findings {
        assert_ne!(finding.verdict, FindingVerdict::Error, "{finding:?}");
        assert!(!finding.reason.is_empty(), "{finding:?}");
    }
}
