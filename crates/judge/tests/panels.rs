//! Rows of several numbers: from states to findings, in parts and in windows of any length.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

mod common;

use common::{Noise, SECOND_NS, deciding, judged};
use verismo_judge::{Counter, Series, SeriesWindows, SideStates, StreamStates};
use verismo_stats::lattice::Lattice;
use verismo_stats::panel::{Panel, PanelRows, UNDEFINED};
use verismo_suite::Suite;
use verismo_suite::report::Finding;
use verismo_suite::verdict::FindingVerdict;

const SUITE: &str = "\
schema: verismo.suite/1
name: rows
data: market
observables:
  - {id: dependence_1s, decide: correlation, margins: {correlation: 0.2}}
";

/// An hour of seconds in which volume follows the number of trades as told, in windows of so many seconds.
fn side(seed: u64, correlation: f64, window_s: i64) -> SideStates {
    seconds(3_600, seed, correlation, window_s)
}

fn seconds(count: i64, seed: u64, correlation: f64, window_s: i64) -> SideStates {
    let mut noise = Noise::new(seed);
    let mut windows: Vec<(i64, PanelRows)> = Vec::new();
    for second in 0..count {
        let mut row: Vec<i64> = (0..7).map(|_| (1e6 * noise.normal()) as i64).collect();
        row[5] = (correlation * row[6] as f64 + (1.0 - correlation * correlation).sqrt() * row[5] as f64) as i64;
        if second % 40 == 7 {
            row[0] = UNDEFINED;
        }
        let index = second / window_s;
        if windows.last().is_none_or(|(last, _)| *last != index) {
            windows.push((index, PanelRows::new(7)));
        }
        windows.last_mut().unwrap().1.push(second * SECOND_NS, &row);
    }
    let windows = windows.into_iter().map(|(index, rows)| (index, Panel::pack(rows))).collect();
    let series = Series { version: 1, lattice: Lattice::ticks(8), windows: SeriesWindows::Panels(windows) };
    let mut stream = StreamStates::new("binance", "BTCUSDT", 1_000_000, window_s * SECOND_NS);
    (stream.carries_trades, stream.carries_book) = (true, true);
    stream.span_ns = Some((0, count * SECOND_NS));
    stream.series.insert("dependence_1s".to_owned(), series);
    SideStates { streams: vec![stream], counters: vec![Counter::new("unreadable", 0, 1000)] }
}

#[test]
fn equal_dependence_passes_and_another_fails_and_the_pair_is_named() {
    let suite = Suite::parse(SUITE).unwrap();
    let same = judged(&side(1, 0.6, 10), &side(2, 0.6, 10), &suite);
    let finding = deciding(&same, "dependence_1s");
    assert_eq!(finding.verdict, FindingVerdict::Pass, "{finding:?}");
    assert_eq!((finding.n_golden, finding.n_candidate), (3_600, 3_600));
    assert!(finding.interval.unwrap()[1] < 0.2 && finding.resolution.unwrap() < 0.2 && finding.p_value.is_none());
    let other = judged(&side(1, 0.6, 10), &side(2, 0.1, 10), &suite);
    let finding = deciding(&other, "dependence_1s");
    assert_eq!(finding.verdict, FindingVerdict::Fail, "{finding:?}");
    assert!((finding.effect.unwrap() - 0.5).abs() < 0.1 && finding.p_fail.unwrap() < 0.05);
    assert!(finding.notes.iter().any(|note| note.starts_with("farthest apart: volume and trades, golden 0.6")));
    let itself = judged(&side(1, 0.6, 10), &side(1, 0.6, 10), &suite);
    let finding = deciding(&itself, "dependence_1s");
    assert_eq!((finding.interval, finding.verdict), (Some([0.0, 0.0]), FindingVerdict::Pass));
}

#[test]
fn a_column_that_one_side_lacks_is_inconclusive_and_says_why() {
    let suite = Suite::parse(SUITE).unwrap();
    let mut candidate = side(2, 0.6, 10);
    for series in candidate.streams[0].series.values_mut() {
        let SeriesWindows::Panels(windows) = &mut series.windows else { panic!("panels") };
        for (_, panel) in windows {
            let mut rows = panel.rows();
            rows.values.iter_mut().skip(3).step_by(7).for_each(|value| *value = UNDEFINED);
            *panel = Panel::pack(rows);
        }
    }
    let judgement = judged(&side(1, 0.6, 10), &candidate, &suite);
    let finding = deciding(&judgement, "dependence_1s");
    assert_eq!(finding.verdict, FindingVerdict::Inconclusive);
    assert!(finding.reason.contains("Candidate") && finding.reason.contains("rows"), "{}", finding.reason);
}

#[test]
fn parts_in_any_order_and_shorter_windows_are_the_whole() {
    let suite = Suite::parse(SUITE).unwrap();
    let (golden, candidate) = (side(1, 0.6, 10), side(2, 0.3, 10));
    let want = judged(&golden, &candidate, &suite);
    let part = |states: &SideStates, keep: fn(i64) -> bool| {
        let mut part = states.clone();
        for series in part.streams[0].series.values_mut() {
            let SeriesWindows::Panels(windows) = &mut series.windows else { panic!("panels") };
            windows.retain(|(i, _)| keep(*i));
        }
        part.counters.clear();
        part
    };
    let fine = side(2, 0.3, 1);
    let thirds: [fn(i64) -> bool; 2] = [|i| i % 3 == 1, |i| i % 3 != 1];
    let halves: [fn(i64) -> bool; 2] = [|i| i >= 1_777, |i| i < 1_777];
    for [first, second] in [thirds, halves] {
        // Cut inside windows of 10 s: a part has seconds of each.
        let (mut a, mut b) = (part(&fine, first), part(&fine, second));
        for states in [&mut a, &mut b] {
            let mut coarse = side(9, 0.0, 10);
            coarse.streams[0].series.values_mut().for_each(|series| series.windows = SeriesWindows::Panels(Vec::new()));
            coarse.counters.clear();
            states.merge(coarse).unwrap();
        }
        for (mut left, right) in [(a.clone(), b.clone()), (b, a)] {
            left.merge(right).unwrap();
            left.counters.clone_from(&candidate.counters);
            let got = judged(&golden, &left, &suite);
            assert_eq!(got.candidate_digest, want.candidate_digest);
            assert_eq!(format!("{:?}", got.findings), format!("{:?}", want.findings));
        }
    }
}

/// Windows of a stratum leave gaps in time, which would be gaps between events.
#[test]
fn what_follows_events_is_not_judged_by_strata() {
    let text = "\
schema: verismo.suite/1
name: rows
data: market
strata: {by: [hour]}
observables:
  - {id: dependence_1s, decide: correlation, margins: {correlation: 0.2}}
  - {id: trade_arrivals, decide: hawkes_branching, margins: {hawkes_branching: 0.2}}
";
    let suite = Suite::parse(text).unwrap();
    let with_trades = |seed: u64| {
        let mut side = side(seed, 0.6, 10);
        let mut noise = Noise::new(seed);
        let mut t = 0.0;
        let mut windows: Vec<(i64, PanelRows)> = Vec::new();
        while t < 3_599.0 {
            // Two in three trades come at once after the one before.
            t += if noise.uniform() < 0.67 { 0.02 } else { 1.5 } * -noise.uniform().max(1e-9).ln();
            let index = (t / 10.0) as i64;
            if windows.last().is_none_or(|(last, _)| *last != index) {
                windows.push((index, PanelRows::new(2)));
            }
            let is_buy = noise.uniform() < 0.5;
            let row = if is_buy { [100_000_000, UNDEFINED] } else { [UNDEFINED, 100_000_000] };
            windows.last_mut().unwrap().1.push((t * 1e9) as i64, &row);
        }
        let windows = windows.into_iter().map(|(index, rows)| (index, Panel::pack(rows))).collect();
        let series = Series { version: 1, lattice: Lattice::ticks(8), windows: SeriesWindows::Panels(windows) };
        side.streams[0].series.insert("trade_arrivals".to_owned(), series);
        side
    };
    let judgement = judged(&with_trades(1), &with_trades(2), &suite);
    let of = |id: &str| judgement.findings.iter().filter(|f| f.observable == id).count();
    assert_eq!(deciding(&judgement, "trade_arrivals").verdict, FindingVerdict::Pass, "{:?}", judgement.findings);
    assert_eq!(of("trade_arrivals"), 1);
    assert!(of("dependence_1s") > 1, "the others are judged by strata");
}

/// More rows than are judged at once: the same stretches of both sides are, and what lies between makes no PASS.
#[test]
fn of_too_many_rows_equal_stretches_are_taken_and_the_rest_is_not_taken_for_equal() {
    let suite = Suite::parse(SUITE).unwrap();
    let golden = seconds(250_000, 1, 0.6, 60);
    let judgement = judged(&golden, &seconds(250_000, 2, 0.6, 60), &suite);
    let finding = deciding(&judgement, "dependence_1s");
    assert_eq!(finding.verdict, FindingVerdict::Pass, "{finding:?}");
    // 417 of 834 stretches of 300 s, the last one cut short.
    assert_eq!((finding.n_golden, finding.n_candidate), (417 * 300, 417 * 300));
    assert!(finding.notes.iter().any(|note| note.contains("one in 2 stretches")), "{:?}", finding.notes);

    let itself = judged(&golden, &golden.clone(), &suite);
    assert_eq!(deciding(&itself, "dependence_1s").verdict, FindingVerdict::Pass);
    let mut candidate = golden.clone();
    let series = candidate.streams[0].series.get_mut("dependence_1s").unwrap();
    let SeriesWindows::Panels(windows) = &mut series.windows else { panic!("panels") };
    // Second 360 lies in a stretch that is left out.
    windows[6].1 = windows[7].1.clone();
    let judgement = judged(&golden, &candidate, &suite);
    let finding = deciding(&judgement, "dependence_1s");
    assert_eq!(finding.stratum, "paired");
    assert_eq!(finding.verdict, FindingVerdict::Inconclusive, "{finding:?}");
    assert!(finding.reason.contains("left out"), "{}", finding.reason);
}

#[test]
fn what_is_open_says_what_it_needs() {
    let suite = Suite::parse(SUITE).unwrap();
    let judgement = judged(&side(1, 0.6, 10), &side(2, 0.4, 10), &suite);
    let finding = deciding(&judgement, "dependence_1s");
    assert_eq!(finding.verdict, FindingVerdict::Inconclusive, "{finding:?}");
    assert!(finding.needs.is_some() && finding.mde.unwrap() > 0.2, "{finding:?}");
    // Three times the data, a smaller interval.
    let longer = judged(&seconds(10_800, 1, 0.6, 10), &seconds(10_800, 2, 0.4, 10), &suite);
    let width = |finding: &Finding| finding.interval.map_or(f64::NAN, |[low, high]| high - low);
    assert!(width(deciding(&longer, "dependence_1s")) < 0.8 * width(finding));
}
