//! What is seen in too few windows for a law.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{PLAN, Plan, SUITE, deciding, judged, side};
use verismo_judge::{SeriesWindows, SideStates};
use verismo_suite::Suite;
use verismo_suite::report::Finding;
use verismo_suite::verdict::FindingVerdict;

/// A side that shows trade sizes in one of so many windows.
fn one_in(every: i64, seed: u64) -> SideStates {
    let mut side = side(Plan { seed, ..PLAN });
    let series = side.streams[0].series.get_mut("trade_size").unwrap();
    let SeriesWindows::Cells(windows) = &mut series.windows else { panic!("cells") };
    windows.retain(|(index, _)| index % every == 0);
    side
}

fn finding(golden: &SideStates, candidate: &SideStates) -> Finding {
    deciding(&judged(golden, candidate, &Suite::parse(SUITE).unwrap()), "trade_size").clone()
}

#[test]
fn what_the_golden_hardly_shows_must_not_fill_the_candidate() {
    for (golden, candidate) in [(one_in(45, 1), side(Plan { seed: 2, ..PLAN })), (one_in(1, 1), one_in(45, 2))] {
        let found = finding(&golden, &candidate);
        assert_eq!(found.verdict, FindingVerdict::Fail, "{}", found.reason);
        assert!(found.notes.iter().any(|n| n.contains("4 of 180 windows")), "{:?}", found.notes);
        assert!(found.p_fail.unwrap() < 1e-6 && found.interval.unwrap()[0] > 0.8, "{found:?}");
        assert!(found.needs.is_none());
    }
}

/// The law of a rare event stays open, however alike the windows are.
#[test]
fn what_is_as_rare_on_both_sides_stays_open() {
    let found = finding(&one_in(45, 1), &one_in(30, 2));
    assert_eq!(found.verdict, FindingVerdict::Inconclusive, "{}", found.reason);
    assert!(found.interval.is_none() && found.needs.is_some());
    let seen = found.notes.iter().find(|n| n.starts_with("seen in")).unwrap();
    assert_eq!(seen, "seen in 4 of 180 windows of the golden, 6 of 180 windows of the candidate");
}
