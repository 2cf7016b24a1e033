//! Rows of several numbers, on streams small enough to be computed by hand.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{Feed, ONE, T0_S};
use verismo_market::event::Side;
use verismo_market::observe::{Observed, SeriesWindows};
use verismo_stats::panel::UNDEFINED;

const BID: Side = Side::Bid;
const ASK: Side = Side::Ask;

/// Rows of all windows: ms after T0, and the numbers.
fn rows(observed: &Observed, id: &str) -> Vec<(i64, Vec<i64>)> {
    let SeriesWindows::Panels(windows) = &observed.series[id].windows else { panic!("{id} is no panel") };
    let mut all = Vec::new();
    for (_, panel) in windows {
        let rows = panel.rows();
        all.extend((0..rows.len()).map(|i| (rows.t_ns[i] / 1_000_000 - T0_S * 1000, rows.row(i).to_vec())));
    }
    all
}

fn fixed(value: f64) -> i64 {
    (value * 1e8).round() as i64
}

/// Bid 100 x 3, ask 102 x 1; at 0.45 s the bid gains 2, at 1.25 s the ask moves to 104.
fn market() -> Feed {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 3)], &[(102, 1)]).depth(0, &[], &[]);
    feed.trade(350, 102, 5, BID).depth(450, &[(100, 5)], &[]);
    feed.depth(1_250, &[], &[(102, 0), (104, 1)]).trade(1_300, 104, 2, BID).trade(1_350, 100, 1, ASK);
    feed.depth(2_050, &[], &[]);
    feed
}

#[test]
fn a_second_holds_the_book_at_its_end_and_what_happened_in_it() {
    let observed = market().observe();
    let response = rows(&observed, "price_response_1s");
    assert_eq!(response.iter().map(|(ms, _)| *ms).collect::<Vec<_>>(), [0, 1_000, 2_000]);
    let log_mid = |mid: f64| fixed(1e4 * mid.ln());
    // Nothing is known before the first sample.
    let imbalance = |bid: f64, ask: f64| fixed((bid - ask) / (bid + ask));
    assert_eq!(response[0].1, [log_mid(101.0), UNDEFINED, UNDEFINED, imbalance(3.0, 1.0)]);
    assert_eq!(response[1].1, [log_mid(101.0), 2 * ONE, 5 * ONE, imbalance(5.0, 1.0)]);
    // The ask leaves: order flow gains the quantity that stood there.
    assert_eq!(response[2].1, [log_mid(102.0), ONE, ONE, imbalance(5.0, 1.0)]);

    let joint = rows(&observed, "joint_state_1s");
    assert_eq!(joint[0].1[0], UNDEFINED);
    let r = fixed(1e4 * (102.0_f64 / 101.0).ln());
    assert_eq!(joint[2].1, [r, fixed(4e4 / 102.0), imbalance(5.0, 1.0), 5 * ONE, ONE, ONE, 3 * ONE]);
    let dependence = rows(&observed, "dependence_1s");
    assert_eq!(dependence[2].1[3..], [ONE, ONE, 3 * ONE, 2 * ONE]);
}

#[test]
fn a_trade_is_a_row_under_its_side() {
    let mut feed = market();
    feed.trade(2_400, 100, 1, Side::None);
    let (buy, sell, none) = (vec![ONE, UNDEFINED], vec![UNDEFINED, ONE], vec![UNDEFINED, UNDEFINED]);
    let want = [(350, buy.clone()), (1_300, buy), (1_350, sell), (2_400, none)];
    assert_eq!(rows(&feed.observe(), "trade_arrivals"), want);
}

#[test]
fn after_a_hole_nothing_is_said_of_the_second_before() {
    let mut feed = market();
    // The book stands for 60 s; the next sample comes later.
    feed.depth(70_050, &[(100, 5)], &[]).depth(72_050, &[], &[]);
    let joint = rows(&feed.observe(), "joint_state_1s");
    let (_, row) = joint.iter().find(|(ms, _)| *ms == 71_000).unwrap();
    assert_eq!((row[0], row[5], row[6]), (UNDEFINED, UNDEFINED, UNDEFINED));
    let (_, row) = joint.iter().find(|(ms, _)| *ms == 72_000).unwrap();
    assert_eq!((row[0], row[5], row[6]), (0, 0, 0));
}

#[test]
fn quotes_hold_depths_where_there_are_levels_enough() {
    let mut feed = Feed::new();
    let bids: Vec<(i64, i64)> = (0..12).map(|i| (100 - i, 1 + i)).collect();
    feed.snapshot(0, &bids, &[(102, 1)]).depth(0, &[], &[]).depth(150, &[], &[]);
    let quotes = rows(&feed.observe(), "quotes_1s");
    let none = UNDEFINED;
    assert_eq!(quotes, [(0, vec![100 * ONE, 102 * ONE, ONE, ONE, 15 * ONE, none, 55 * ONE, none, none, none])]);
}

#[test]
fn bars_are_those_of_whole_minutes() {
    let mut feed = Feed::new();
    // T0 lies 40 s before a full minute.
    feed.trade(1_000, 7, 1, BID).trade(40_100, 10, 2, BID).trade(50_000, 12, 1, ASK).trade(70_000, 9, 1, BID);
    feed.trade(99_999, 11, 3, BID).trade(160_500, 5, 1, BID).trade(221_000, 6, 1, BID);
    let bars = rows(&feed.observe(), "bars_1m");
    let bar = |open, high, low, close, volume, notional, trades: i64| {
        [open, high, low, close, volume, notional, trades].map(|x| x * ONE).to_vec()
    };
    // The first minute may have begun before its first trade, the last may go on.
    assert_eq!(bars, [(40_000, bar(10, 12, 9, 11, 7, 74, 4)), (160_000, bar(5, 5, 5, 5, 1, 5, 1))]);
}
