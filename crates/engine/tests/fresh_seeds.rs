//! Fresh seeds of one market are the same law: rarely FAIL, and PASS once there is enough data.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use common::{digest_of, is_slow_tier, market, market_suite};
use verismo_engine::{judge_messages, observe_options};
use verismo_suite::Verdict;
use verismo_suite::report::Report;

fn compare(a: u64, b: u64, n: usize) -> Report {
    let suite = market_suite();
    let options = observe_options(&suite, 1_000_000);
    judge_messages(market(a, n), market(b, n), &suite, &options).unwrap()
}

#[test]
fn few_fresh_seeds_fail() {
    // Twelve pairs of an hour each; at the promised rate of 5 % three FAILs have probability 2 %.
    let reports: Vec<Report> = (0..12).map(|i| compare(1_000 + 2 * i, 1_001 + 2 * i, 150_000)).collect();
    let failed: Vec<&Report> =
        reports.iter().filter(|r| !matches!(r.verdict, Verdict::Pass | Verdict::Inconclusive)).collect();
    assert!(
        failed.len() <= 2,
        "{} of 12 fail\n{}",
        failed.len(),
        failed.iter().map(|r| digest_of(r)).collect::<String>()
    );
}

#[test]
fn at_most_five_of_a_hundred_fresh_seeds_fail() {
    if !is_slow_tier() {
        return;
    }
    let mut failed = 0;
    let mut text = String::new();
    for i in 0..100 {
        let report = compare(20_000 + 2 * i, 20_001 + 2 * i, 150_000);
        if !matches!(report.verdict, Verdict::Pass | Verdict::Inconclusive) {
            failed += 1;
            text += &digest_of(&report);
        }
    }
    eprintln!("fresh seeds, 150,000 messages a side: {failed} of 100 FAIL");
    assert!(failed <= 5, "{failed} of 100 fail\n{text}");
}

#[test]
fn five_million_messages_pass_in_four_of_five() {
    if !is_slow_tier() {
        return;
    }
    let mut passed = 0;
    let mut text = String::new();
    for i in 0..5 {
        let report = compare(30_000 + 2 * i, 30_001 + 2 * i, 5_000_000);
        if report.verdict == Verdict::Pass {
            passed += 1;
        } else {
            text += &digest_of(&report);
        }
    }
    eprintln!("fresh seeds, 5,000,000 messages a side: {passed} of 5 PASS");
    assert!(passed >= 4, "{passed} of 5 pass\n{text}");
}
