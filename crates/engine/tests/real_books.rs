//! Real order books: one stretch of a market against the next.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use common::{digest_of, real_data, run};
use verismo_suite::{FindingVerdict, Verdict};

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
