//! The book below its best prices, its changes and its age, and trades against it, on streams small enough to be computed by hand.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{Feed, ONE, keys};
use verismo_market::event::Side;
use verismo_market::observe::series::lattice;

/// Bids 100, 99, ... with 1, 2, 3, ... on them; asks 102, 104, ... with 10, 20, ...; `n` levels a side.
fn ladder(n: i64) -> Feed {
    let mut feed = Feed::new();
    let bids: Vec<(i64, i64)> = (0..n).map(|i| (100 - i, i + 1)).collect();
    let asks: Vec<(i64, i64)> = (0..n).map(|i| (102 + 2 * i, 10 * (i + 1))).collect();
    feed.snapshot(0, &bids, &asks);
    feed.depth(0, &[(100, 1)], &[]);
    feed
}

fn float_key(id: &str, x: f64) -> i64 {
    lattice(id).key(x).unwrap()
}

#[test]
fn levels_five_ten_and_twenty() {
    let observed = ladder(25).observe();
    let sum = |n: i64| n * (n + 1) / 2 * ONE;
    for (id, want) in [
        ("spread_l5", (110 - 96) * ONE),
        ("spread_l10", (120 - 91) * ONE),
        ("depth_bid_l5", sum(5)),
        ("depth_bid_l10", sum(10)),
        ("depth_bid_l20", sum(20)),
        ("depth_ask_l5", 10 * sum(5)),
        ("depth_ask_l10", 10 * sum(10)),
        ("depth_ask_l20", 10 * sum(20)),
        ("imbalance_l10", float_key("imbalance_l10", (55.0 - 550.0) / 605.0)),
        ("spread_bps", float_key("spread_bps", 1e4 * 2.0 / 101.0)),
    ] {
        assert_eq!(keys(&observed, id), [(want, 1)], "{id}");
    }
}

#[test]
fn a_book_without_as_many_levels_has_no_such_depth() {
    let observed = ladder(9).observe();
    assert_eq!(keys(&observed, "depth_bid_l5"), [(15 * ONE, 1)]);
    for id in ["depth_bid_l10", "depth_ask_l10", "depth_bid_l20", "spread_l10", "imbalance_l10"] {
        assert_eq!(keys(&observed, id), [], "{id}");
    }
}

#[test]
fn changes_of_levels_count_what_moved() {
    let mut feed = ladder(5);
    // 1 -> 4 is 3, 99 loses its 2, 105 is new with 6, 98 keeps its 3.
    feed.depth(200, &[(100, 4), (99, 0), (98, 3)], &[(105, 6)]);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "level_change_size"), [(2 * ONE, 1), (3 * ONE, 1), (6 * ONE, 1)]);
}

#[test]
fn the_book_ages_from_update_to_update() {
    let mut feed = ladder(3);
    feed.depth(250, &[(100, 2)], &[]);
    feed.depth(400, &[(100, 3)], &[]);
    // Samples at 0, 100, 200, 300, 400 ms: ages 0, 100, 200, 50, 0 ms.
    let ms = |ms: i64| ms * 1_000_000;
    let want = [(0, 2), (ms(50), 1), (ms(100), 1), (ms(200), 1)];
    assert_eq!(keys(&feed.observe(), "book_age"), want);
}

#[test]
fn snapshots_do_not_make_the_book_younger() {
    let mut feed = ladder(3);
    feed.snapshot(250, &[(100, 2)], &[(102, 2)]);
    feed.depth(400, &[(100, 3)], &[]);
    // Samples at 0, 100, 200, 300, 400 ms: ages 0, 100, 200, 300, 0 ms.
    let ms = |ms: i64| ms * 1_000_000;
    let want = [(0, 2), (ms(100), 1), (ms(200), 1), (ms(300), 1)];
    assert_eq!(keys(&feed.observe(), "book_age"), want);
}

#[test]
fn best_quotes_change_at_most_once_a_step() {
    let mut feed = ladder(3);
    // Within (0, 1 s]: two changes in one step, one deeper change that is none, one change in another step.
    feed.depth(110, &[(100, 2)], &[]);
    feed.depth(150, &[(100, 3)], &[]);
    feed.depth(350, &[(99, 7)], &[]);
    feed.depth(520, &[], &[(101, 1)]);
    feed.depth(1_000, &[], &[]);
    feed.depth(1_100, &[], &[]);
    assert_eq!(keys(&feed.observe(), "best_quote_changes_1s"), [(2, 1)]);
}

#[test]
fn trades_meet_the_sample_before_them() {
    let mut feed = ladder(3);
    feed.trade(50, 102, 1, Side::Bid); // at the ask of the sample at 0
    feed.trade(60, 104, 1, Side::Bid); // beyond it
    feed.trade(70, 101, 1, Side::Bid); // inside
    feed.trade(80, 100, 1, Side::Ask); // at the bid
    feed.trade(90, 99, 1, Side::Ask); // beyond it
    feed.depth(100, &[(101, 1)], &[]);
    feed.trade(100, 100, 1, Side::Ask); // a sample at the same time is not before it: at the old bid
    feed.trade(101, 100, 1, Side::Ask); // the new bid is 101: beyond it
    feed.trade(102, 100, 1, Side::None); // met nobody
    feed.depth(300, &[(101, 2)], &[]);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "trade_through"), [(0, 4), (1, 3)]);
    assert_eq!(keys(&observed, "trade_at_touch"), [(0, 4), (1, 3)]);
}

#[test]
fn one_wrong_stamp_does_not_stop_the_comparison() {
    let mut feed = ladder(3);
    feed.trade(86_400_000, 102, 1, Side::Bid);
    // After 64 trades far behind it the clock, not they, is held to be wrong.
    for _ in 0..64 {
        feed.trade(50, 102, 1, Side::Bid);
    }
    for i in 1..=20 {
        feed.depth(100 * i, &[(99, i)], &[]);
        feed.trade(100 * i + 50, 104, 1, Side::Bid);
    }
    feed.depth(2_100, &[(99, 1)], &[]);
    // The last of the 64 has its own time again.
    let observed = feed.observe();
    assert_eq!(keys(&observed, "trade_through"), [(0, 1), (1, 20)]);
    assert_eq!(keys(&observed, "trade_at_touch"), [(0, 20), (1, 1)]);
}

#[test]
fn a_trade_before_the_book_is_known_meets_nothing() {
    let mut feed = Feed::new();
    feed.trade(0, 102, 1, Side::Bid);
    feed.depth(50, &[(100, 1)], &[(101, 1)]);
    feed.trade(60, 101, 1, Side::Bid);
    feed.depth(150, &[(100, 2)], &[]);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "trade_through"), []);
}

#[test]
fn notional_is_price_times_quantity() {
    let mut feed = Feed::new();
    feed.trade(0, 102, 3, Side::Bid);
    assert_eq!(keys(&feed.observe(), "notional"), [(float_key("notional", 306.0), 1)]);
}

#[test]
fn a_minute_return_needs_both_ends_on_full_minutes() {
    // The stream starts 20 s after a full minute: minutes are full at 40 s and 100 s.
    let mut feed = ladder(3);
    for s in 1..=101 {
        // The best bid goes from 100 to 101 at 70 s: twice the mid from 202 to 203.
        feed.depth(s * 1_000, &[(if s < 70 { 100 } else { 101 }, s)], &[]);
    }
    let want = float_key("mid_log_return_1m", libm::log1p(1.0 / 202.0));
    assert_eq!(keys(&feed.observe(), "mid_log_return_1m"), [(want, 1)]);
}
