//! Limits, and what the candidate is held to.

use super::*;

fn suite() -> Suite {
    Suite::builtin("market").unwrap()
}

fn runs(ranges: &[(i64, i64)]) -> IdRuns {
    let mut runs = IdRuns::new(1000);
    for &(from, to) in ranges {
        for id in from..=to {
            runs.insert(id);
        }
    }
    runs
}

fn rows(candidate: Counter, golden: Counter) -> (IntegrityRow, IntegrityRow) {
    let (c, g) = ([candidate], [golden]);
    let candidate = side_rows(&c, Some(&g), Side::Candidate, "s", &suite()).remove(0);
    (candidate, side_rows(&g, None, Side::Golden, "s", &suite()).remove(0))
}

#[test]
fn a_candidate_may_be_as_bad_as_its_golden_but_not_worse() {
    let (candidate, golden) = rows(Counter::new("crossed_book", 5, 1000), Counter::new("crossed_book", 5, 1000));
    assert_eq!((candidate.verdict, candidate.severity), (FindingVerdict::Pass, Severity::Critical));
    assert!(candidate.reason.contains("no worse than the golden (5 of 1000)"), "{}", candidate.reason);
    assert_eq!((golden.verdict, golden.severity), (FindingVerdict::Fail, Severity::Warn));
    let (candidate, _) = rows(Counter::new("crossed_book", 6, 1000), Counter::new("crossed_book", 5, 1000));
    assert_eq!(candidate.verdict, FindingVerdict::Fail);
    assert_eq!(candidate.reason, "6 found, 0 allowed");
}

#[test]
fn unusable_data_are_an_error_on_either_side() {
    let (candidate, golden) = rows(Counter::new("unreadable", 20, 1000), Counter::new("unreadable", 20, 1000));
    assert_eq!((candidate.verdict, golden.verdict), (FindingVerdict::Error, FindingVerdict::Error));
    assert_eq!(golden.severity, Severity::Critical);
    let (candidate, _) = rows(Counter::new("unreadable", 1, 1000), Counter::new("unreadable", 0, 1000));
    assert_eq!((candidate.verdict, candidate.limit.as_str()), (FindingVerdict::Pass, "ratio <= 0.001"));
    let (candidate, _) = rows(Counter::new("truncated_file", 1, 0), Counter::new("truncated_file", 0, 0));
    assert_eq!(candidate.verdict, FindingVerdict::Error);
}

#[test]
fn missing_ids_are_found_exactly_in_the_common_range() {
    let golden = runs(&[(10, 20), (30, 40)]);
    assert_eq!(missing_in_runs(&golden, &runs(&[(10, 20), (30, 40)])), Some((0, 22, None)));
    assert_eq!(missing_in_runs(&golden, &runs(&[(0, 12), (15, 33), (36, 50)])), Some((4, 22, Some((13, 14)))));
    // Ids the golden does not have are no matter; outside the candidate's range nothing is missing.
    assert_eq!(missing_in_runs(&golden, &runs(&[(18, 35)])), Some((0, 9, None)));
    assert_eq!(missing_in_runs(&golden, &runs(&[(18, 18), (35, 35)])), Some((7, 9, Some((19, 20)))));
    assert_eq!(missing_in_runs(&golden, &runs(&[(100, 110)])), Some((0, 0, None)));
    assert_eq!(missing_in_runs(&golden, &runs(&[])), None);
}

#[test]
fn unknown_checks_are_shown_and_never_fail() {
    let (candidate, _) = rows(Counter::new("from_the_future", 7, 0), Counter::new("from_the_future", 0, 0));
    assert_eq!((candidate.verdict, candidate.severity), (FindingVerdict::Pass, Severity::Info));
}

/// Two streams of the same hour, the candidate without trade ids and with half of the golden's book updates.
fn aligned_pair() -> (StreamStates, StreamStates, Alignment) {
    let stream = |step: i64| {
        let mut stream = StreamStates::new("", "s", 1, 1);
        stream.carries_trades = true;
        stream.carries_book = true;
        (0..1_000).step_by(step as usize).for_each(|id| stream.book_ids.push(id, 100_000_000_000 + id, 7));
        stream.span_ns = Some((0, 200_000_000_000));
        stream
    };
    let (mut golden, candidate) = (stream(1), stream(2));
    golden.trade_runs = runs(&[(0, 99)]);
    let alignment = crate::alignment::detect(&golden, &candidate, verismo_suite::suite::Pairing::Aligned);
    (golden, candidate, alignment)
}

#[test]
fn updates_are_missing_only_where_both_sides_number_the_same_thing() {
    let (mut golden, mut candidate, alignment) = aligned_pair();
    let row = missing_updates(&golden, &candidate, "s", &alignment, &suite()).unwrap();
    assert_eq!((row.count, row.total, row.verdict), (500, 1_000, FindingVerdict::Fail));
    golden.carries_orders = true;
    assert_eq!(missing_updates(&golden, &candidate, "s", &alignment, &suite()), None);
    candidate.carries_orders = true;
    assert!(missing_updates(&golden, &candidate, "s", &alignment, &suite()).is_some());
}

#[test]
fn trades_without_ids_are_said_where_there_are_trades() {
    let (golden, mut candidate, alignment) = aligned_pair();
    for (trades, want) in [(0, None), (5, Some(FindingVerdict::NotApplicable))] {
        candidate.counters = vec![Counter::new("message_mix", trades, 500)];
        let row = missing_trades(&golden, &candidate, "s", &alignment, &suite());
        assert_eq!(row.map(|row| row.verdict), want, "{trades} trades");
    }
}
