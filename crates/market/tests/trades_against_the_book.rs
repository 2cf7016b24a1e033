//! Trades against the book before and after them, and how one-sided they are, on streams small enough to be computed by hand.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{Feed, ONE, T0_S, counter, keys, windows};
use verismo_market::event::{Side, flags};
use verismo_market::observe::Observed;
use verismo_market::observe::series::lattice;

const BID: Side = Side::Bid;
const ASK: Side = Side::Ask;

/// Keys of a float observable, from values and counts.
fn float_keys(id: &str, values: &[(f64, u64)]) -> Vec<(i64, u64)> {
    let lattice = lattice(id);
    let mut keys: Vec<(i64, u64)> = values.iter().map(|&(x, n)| (lattice.key(x).unwrap(), n)).collect();
    keys.sort_unstable();
    keys
}

fn assert_values(observed: &Observed, id: &str, values: &[(f64, u64)]) {
    assert_eq!(keys(observed, id), float_keys(id, values), "{id}");
}

/// The mid is 101, from 1.05 s on 102 and from 1.15 s on 104.
fn rising() -> Feed {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 3)], &[(102, 3)]).depth(0, &[], &[]);
    feed.trade(50, 102, 1, BID).trade(60, 100, 1, ASK).trade(70, 101, 1, BID).trade(80, 101, 1, Side::None);
    feed.depth(1_050, &[(101, 1)], &[(102, 0), (103, 1)]);
    feed.depth(1_150, &[(103, 1)], &[(103, 0), (105, 1)]).depth(1_300, &[], &[]);
    feed
}

#[test]
fn trades_are_compared_with_the_mid_before_and_after_them() {
    let observed = rising().observe();
    // Two at the touch, one at the mid, one without side.
    assert_values(&observed, "effective_spread", &[(20_000.0 / 101.0, 2), (0.0, 1)]);
    // Due at 1.05 to 1.07 s, met at 1.1 s, where the mid is 102.
    assert_values(
        &observed,
        "realised_spread_1s",
        &[(0.0, 1), (2.0 * 10_000.0 * 4.0 / 202.0, 1), (2.0 * 10_000.0 * -2.0 / 202.0, 1)],
    );
    assert_values(&observed, "markout_1s", &[(0.0, 1), (10_000.0 * 4.0 / 200.0, 1), (10_000.0 * -2.0 / 202.0, 1)]);
    assert_values(&observed, "impact_1s", &[(10_000.0 / 101.0, 2), (-10_000.0 / 101.0, 1)]);
    // Nobody knows the book 5 s later.
    assert_eq!(keys(&observed, "realised_spread_5s"), []);
    assert_eq!(counter(&observed, "forgotten").count, 0);
}

#[test]
fn the_book_before_a_trade_is_that_of_the_grid_time_before_it_and_never_that_of_its_own_time() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 3)], &[(102, 3)]).depth(0, &[], &[]).depth(100, &[(101, 1)], &[(102, 0), (103, 1)]);
    // The grid time 0 for the first, 0.1 s for the second; at 0.0 s there is none before.
    feed.trade(0, 103, 1, BID).trade(100, 103, 1, BID).trade(101, 103, 1, BID).depth(300, &[], &[]);
    let observed = feed.observe();
    assert_values(
        &observed,
        "effective_spread",
        &[(2.0 * 10_000.0 * 4.0 / 202.0, 1), (2.0 * 10_000.0 * 2.0 / 204.0, 1)],
    );
}

#[test]
fn a_value_stands_at_the_time_of_its_trade_and_needs_the_book_when_it_is_due() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 3)], &[(102, 3)]).depth(0, &[], &[]);
    feed.trade(100, 102, 1, BID).trade(49_950, 102, 1, BID).trade(59_960, 102, 1, BID);
    // The book is silent for 90 s: it stands for 60 s.
    feed.depth(90_000, &[(101, 1)], &[]).depth(200_000, &[], &[]);
    let observed = feed.observe();
    let at = |id: &str| {
        windows(&observed, id).into_iter().map(|(window, cells)| (window - T0_S, cells.len())).collect::<Vec<_>>()
    };
    assert_eq!(at("effective_spread"), [(0, 1), (49, 1), (59, 1)]);
    // Due at 10.1 s, 60.0 s and 70.0 s.
    assert_eq!(at("impact_10s"), [(0, 1), (49, 1)]);
    assert_values(&observed, "impact_10s", &[(0.0, 2)]);
    // Due at 60.1 s and 119.95 s: there the book stands again, half a unit up.
    assert_eq!(at("impact_60s"), [(49, 1), (59, 1)]);
    assert_values(&observed, "impact_60s", &[(10_000.0 * 0.5 / 101.0, 2)]);
}

#[test]
fn nothing_is_compared_across_sessions() {
    let mut feed = rising();
    feed.trade_id(1_310, 5_000).flag_last_message(flags::NEW_SESSION);
    feed.depth_ids(1_400, 9_000, 9_000, &[(50, 1)], &[(60, 1)]).depth(1_600, &[], &[]).depth(3_000, &[], &[]);
    let observed = feed.observe();
    // The trade of the new session has no book, and that of the old one does not stand until its end.
    assert_values(&observed, "effective_spread", &[(20_000.0 / 101.0, 2), (0.0, 1)]);
}

#[test]
fn a_trade_with_a_wrong_stamp_holds_up_none_after_it_for_long() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 3)], &[(102, 3)]).depth(0, &[], &[]);
    // A day ahead; after 64 trades that lie behind it the clock of trades is set back.
    feed.trade(86_400_000, 102, 1, BID);
    for i in 0..70 {
        feed.trade(1_000 + i, 102, 1, BID);
    }
    feed.depth(1_500, &[], &[]).depth(3_000, &[], &[]);
    let observed = feed.observe();
    // The 64th trade sets it back; it and the six after it are compared.
    assert_values(&observed, "effective_spread", &[(20_000.0 / 101.0, 7)]);
    assert_values(&observed, "impact_1s", &[(0.0, 7)]);
}

#[test]
fn trades_that_come_too_late_or_in_too_great_number_are_counted() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 3)], &[(102, 3)]).depth(0, &[], &[]);
    for s in 1..20 {
        feed.depth(s * 1_000, &[(99, s)], &[]);
    }
    // The book has reached 19 s: what is before 14 s has left, what is after waits.
    feed.trade(13_900, 102, 1, BID).trade(14_050, 102, 1, BID).depth(20_000, &[], &[]);
    let observed = feed.observe();
    assert_eq!(counter(&observed, "forgotten").count, 1);
    assert_eq!(keys(&observed, "effective_spread").iter().map(|cell| cell.1).sum::<u64>(), 1);
    // A book that does not go on: as many wait as are held.
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 3)], &[(102, 3)]).depth(0, &[], &[]);
    for i in 0..65_540 {
        feed.trade(1 + i / 1_000, 102, 1, BID);
    }
    feed.depth(3_000, &[], &[]);
    let observed = feed.observe();
    assert_eq!(counter(&observed, "forgotten").count, 4);
    assert_eq!(keys(&observed, "impact_1s").iter().map(|cell| cell.1).sum::<u64>(), 65_536);
}

#[test]
fn trades_that_wait_for_the_book_after_them_are_counted_beyond_a_number() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 3)], &[(102, 3)]).depth(0, &[], &[]);
    for i in 0..65_600 {
        feed.trade(1 + i * 50_000 / 65_600, 102, 1, BID);
        if i % 100 == 0 {
            feed.depth(1 + i * 50_000 / 65_600, &[(99, i + 1)], &[]);
        }
    }
    feed.depth(100_000, &[], &[]).depth(120_000, &[], &[]);
    let observed = feed.observe();
    let n = |id: &str| keys(&observed, id).iter().map(|cell| cell.1).sum::<u64>();
    // Only those of the last minute wait: of 60 s the first 65,536, of 10 s far fewer at a time.
    assert_eq!((n("impact_60s"), n("impact_10s"), counter(&observed, "forgotten").count), (65_536, 65_600, 64));
}

#[test]
fn what_no_observable_over_the_book_asks_for_is_not_counted_either() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 3)], &[(102, 3)]).depth(0, &[], &[]).depth(20_000, &[], &[]).trade(1_000, 102, 1, BID);
    let options = |id: &str| verismo_market::observe::ObserveOptions {
        observables: vec![id.to_owned()],
        ..verismo_market::observe::ObserveOptions::default()
    };
    assert_eq!(counter(&feed.observe_with(&options("trade_size")), "forgotten").count, 0);
    assert_eq!(counter(&feed.observe_with(&options("impact_1s")), "forgotten").count, 1);
}

#[test]
fn runs_are_counted_when_both_their_ends_were_seen() {
    let mut feed = Feed::new();
    for (i, side) in [BID, BID, ASK, ASK, ASK, BID, ASK, ASK].into_iter().enumerate() {
        feed.trade(i as i64 * 600, 100, 1, side);
    }
    let observed = feed.observe();
    assert_eq!(keys(&observed, "trade_run_length"), [(1, 1), (3, 1)]);
    // At their last trades, of 2.4 s and 3.0 s.
    assert_eq!(windows(&observed, "trade_run_length"), [(T0_S + 2, vec![(3, 1)]), (T0_S + 3, vec![(1, 1)])]);
    feed.trade(5_000, 100, 1, Side::None).trade(5_100, 100, 1, BID).trade(5_200, 100, 1, ASK).trade(5_300, 100, 1, BID);
    // After a trade without side nobody knows whether BID began a run; ASK did.
    assert_eq!(keys(&feed.observe(), "trade_run_length"), [(1, 2), (3, 1)]);
}

#[test]
fn toxicity_is_the_imbalance_of_fifty_trades() {
    let mut feed = Feed::new();
    for i in 0..50 {
        feed.trade(i, 100, if i < 30 { 2 } else { 1 }, if i < 30 { BID } else { ASK });
    }
    for i in 50..99 {
        feed.trade(i, 100, 1, ASK);
    }
    assert_values(&feed.observe(), "flow_toxicity_50", &[(40.0 / 80.0, 1)]);
    // A trade without side empties the bucket.
    feed.trade(100, 100, 1, Side::None).trade(101, 100, 1, ASK);
    assert_values(&feed.observe(), "flow_toxicity_50", &[(40.0 / 80.0, 1)]);
    for i in 102..151 {
        feed.trade(i, 100, 1, ASK);
    }
    assert_values(&feed.observe(), "flow_toxicity_50", &[(40.0 / 80.0, 1), (1.0, 1)]);
}

#[test]
fn signed_volume_is_summed_by_the_second_and_silence_is_zero() {
    let mut feed = Feed::new();
    feed.trade(100, 100, 5, BID).trade(200, 100, 2, ASK).trade(300, 100, 9, Side::None).trade(2_500, 100, 1, ASK);
    feed.trade(200_000, 100, 1, BID);
    let observed = feed.observe();
    // Second 1, and sixty seconds after the third.
    assert_eq!(keys(&observed, "signed_volume_1s"), [(-ONE, 1), (0, 61), (ONE, 1), (3 * ONE, 1)]);
    assert_eq!(windows(&observed, "signed_volume_1s")[0], (T0_S, vec![(3 * ONE, 1)]));
}

#[test]
fn illiquidity_is_the_return_of_a_minute_per_money_traded_in_it() {
    let mut feed = Feed::new();
    // Full minutes are at 40 s and 100 s; a trade at a full minute belongs to the minute that ends.
    feed.snapshot(0, &[(100, 3)], &[(102, 3)]).depth(0, &[], &[]).depth(39_000, &[(99, 1)], &[]);
    feed.trade(40_000, 100, 7, ASK).trade(40_001, 102, 3, BID).trade(99_000, 100, 4, ASK);
    feed.depth(60_000, &[(101, 1)], &[(102, 0), (103, 1)]).depth(110_000, &[], &[]).depth(170_000, &[], &[]);
    let observed = feed.observe();
    let want = libm::log1p(2.0 / 202.0) * 1e4 / (706.0 / 1e6);
    // The minute from 100 s to 160 s has no trade.
    assert_values(&observed, "amihud_1m", &[(want, 1)]);
    assert_eq!(windows(&observed, "amihud_1m")[0].0, T0_S + 100);
}
