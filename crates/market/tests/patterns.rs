//! Hidden quantity, bursts, and what looks like a strategy that moves prices, computed by hand.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{Feed, MS, T0_S, keys, windows};
use verismo_market::event::Side;
use verismo_market::observe::series::lattice;
use verismo_market::observe::{ObserveOptions, Observed};

const BID: Side = Side::Bid;
const ASK: Side = Side::Ask;
/// The first whole minute of a feed ends here: it begins 20 s into one.
const MINUTE_END_MS: i64 = 100_000;

fn assert_values(observed: &Observed, id: &str, values: &[(f64, u64)]) {
    let lattice = lattice(id);
    let mut want: Vec<(i64, u64)> = values.iter().map(|&(x, n)| (lattice.key(x).unwrap(), n)).collect();
    want.sort_unstable();
    assert_eq!(keys(observed, id), want, "{id}");
}

/// Where the values of an observable stand, seconds after the start.
fn seconds(observed: &Observed, id: &str) -> Vec<i64> {
    windows(observed, id).iter().map(|window| window.0 - T0_S).collect()
}

#[test]
fn what_trades_take_beyond_what_leaves_the_display_was_hidden() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 10), (99, 5)], &[(102, 10)]).depth(0, &[], &[]);
    // 3 + 2 are taken, 5 leave the display; 4 are taken, 1 leaves; 2 are taken, and more is there than before.
    feed.trade(110, 100, 3, ASK).trade(150, 100, 2, ASK).depth(180, &[(100, 5)], &[]);
    feed.trade(410, 100, 4, ASK).depth(450, &[(100, 4)], &[]);
    feed.trade(710, 100, 2, ASK).depth(750, &[(100, 6)], &[]);
    // Not at the best price of its side.
    feed.trade(1_010, 99, 7, ASK).trade(1_020, 100, 7, BID);
    // 9 are taken of a price that displayed 6 and is gone.
    feed.trade(1_110, 100, 9, ASK).depth(1_150, &[(100, 0)], &[]);
    // The next best price: one refill, one plain burst, one that a better price hides.
    feed.trade(1_210, 99, 1, ASK);
    feed.trade(1_450, 99, 2, ASK).depth(1_500, &[(99, 3)], &[]);
    feed.trade(1_650, 99, 1, ASK).depth(1_680, &[(100, 1)], &[]);
    feed.trade(1_710, 102, 4, BID).depth(2_100, &[], &[]);
    let observed = feed.observe();
    assert_values(&observed, "hidden_share", &[(0.0, 2), (0.75, 1), (1.0, 3), (1.0 / 3.0, 1)]);
    // The bid of 100 was there before anything was seen, and the ask stands yet.
    assert_eq!(keys(&observed, "refill_count"), [(1, 1)]);
    assert_eq!(seconds(&observed, "refill_count"), [1]);
}

#[test]
fn nothing_is_hidden_where_the_book_is_not_known() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 10)], &[(102, 10)]).depth(0, &[], &[]);
    feed.trade(110, 100, 3, ASK).depth(120, &[(100, 0)], &[]).depth(500, &[(100, 7)], &[]);
    // Without a book before it, without a side, and of a price whose beginning was not seen.
    feed.trade(510, 100, 3, ASK).trade(710, 100, 3, Side::None).depth(2_000, &[(100, 0), (99, 1)], &[]);
    feed.depth(2_200, &[], &[]);
    let observed = feed.observe();
    // What the trade of 510 ms took is not gone; the first one met a hole.
    assert_values(&observed, "hidden_share", &[(1.0, 1)]);
    assert_eq!(keys(&observed, "refill_count"), []);
}

type Levels<'a> = &'a [(i64, i64)];
/// When, and which bids and asks change.
type Change<'a> = (i64, Levels<'a>, Levels<'a>);

/// Levels of both sides, five each, and a bid that grows by 1 every 200 ms until the minute is over. `at` says what changes at a time
/// before the book of that time: levels of the bids and the asks.
fn ticking(trades: &[(i64, i64, Side)], at: &[Change<'_>]) -> Observed {
    let mut feed = Feed::new();
    let side = |best: i64, sign: i64| (0..5).map(|i| (best - sign * i, 10)).collect::<Vec<_>>();
    feed.snapshot(0, &side(100, 1), &side(102, -1)).depth(0, &[], &[]);
    let mut trades = trades.iter().peekable();
    for k in 1..=MINUTE_END_MS / 100 + 1 {
        while let Some(&(ms, price, side)) = trades.next_if(|trade| trade.0 <= k * 100) {
            feed.trade(ms, price, 1, side);
        }
        let (mut bids, mut asks) = (vec![(100, 10 + k % 2)], vec![]);
        if let Some((_, more_bids, more_asks)) = at.iter().find(|at| at.0 == k * 100) {
            bids.extend_from_slice(more_bids);
            asks.extend_from_slice(more_asks);
        }
        feed.depth(k * 100, &bids, &asks);
    }
    feed.observe()
}

#[test]
fn a_large_rise_that_vanishes_untraded_before_a_trade_on_the_other_side_is_spoof_like() {
    let large: Levels<'_> = &[(98, 30)];
    let small: Levels<'_> = &[(98, 10)];
    let (large_ask, left_ask): (Levels<'_>, Levels<'_>) = (&[(103, 30)], &[(103, 14)]);
    let at = [
        // Before fifty rises were seen nothing is large.
        (3_000, large, &[][..]),
        (3_200, small, &[][..]),
        // Gone after 0.3 s, a buyer comes 0.4 s later.
        (50_000, large, &[][..]),
        (50_300, small, &[][..]),
        // A seller meets it.
        (60_000, large, &[][..]),
        (60_300, small, &[][..]),
        // The buyer comes too late.
        (70_000, large, &[][..]),
        (70_300, small, &[][..]),
        // It stays too long.
        (75_000, large, &[][..]),
        (76_100, small, &[][..]),
        // Asks: gone at the last moment but for a fifth of it, and the seller comes at the last moment.
        (80_000, &[][..], large_ask),
        (81_000, &[][..], left_ask),
        // In pieces that are not large.
        (90_000, &[(98, 13)][..], &[][..]),
        (90_200, small, &[][..]),
    ];
    let trades = [
        (3_250, 102, BID),
        (50_700, 102, BID),
        (60_100, 100, ASK),
        (60_400, 102, BID),
        (71_400, 102, BID),
        (76_150, 102, BID),
        (82_000, 100, ASK),
        (90_300, 102, BID),
    ];
    let observed = ticking(&trades, &at);
    assert_eq!(keys(&observed, "spoof_like_1m"), [(2, 1)]);
    assert_eq!(seconds(&observed, "spoof_like_1m"), [MINUTE_END_MS / 1_000]);
    assert_eq!(keys(&ticking(&trades[..1], &at), "spoof_like_1m"), [(0, 1)], "nobody trades after it");
}

#[test]
fn neighbouring_levels_that_grow_and_shrink_together_are_layers() {
    let all = |price: i64, step: i64, n: i64, qty: i64| (0..n).map(|i| (price - step * i, qty)).collect::<Vec<_>>();
    let (three, back) = (all(99, 1, 3, 40), all(99, 1, 3, 10));
    let (two, two_back) = (all(99, 1, 2, 40), all(99, 1, 2, 10));
    let apart = vec![(99, 40), (98, 40), (96, 40)];
    let (asks_again, asks_left) = (all(103, -1, 4, 40), all(103, -1, 4, 24));
    let doubled = all(99, 1, 3, 25);
    let (asks, asks_back) = (all(103, -1, 4, 35), all(103, -1, 4, 14));
    let at: &[Change<'_>] = &[
        // Before fifty steps were seen nothing is usual.
        (2_000, &three, &[]),
        (2_100, &back, &[]),
        (50_000, &three, &[]),
        (50_500, &back, &[]),
        // Two are too few, and three that are no neighbours too.
        (55_000, &two, &[]),
        (55_500, &two_back, &[]),
        (57_000, &apart, &[]),
        (57_500, &[(99, 10), (98, 10), (96, 10)], &[]),
        // One after the other, and too late.
        (60_000, &three, &[]),
        (60_100, &back[..1], &[]),
        (60_200, &back, &[]),
        (70_000, &three, &[]),
        (71_100, &back, &[]),
        // Four asks, at the last moment, less than a quarter of what came is left.
        (80_000, &[], &asks),
        (81_000, &[], &asks_back),
        // Not twice what a level usually holds.
        (90_000, &doubled, &[]),
        (90_100, &back, &[]),
        // Two fifths of what came are left.
        (95_000, &[], &asks_again),
        (95_500, &[], &asks_left),
        (96_200, &[], &asks_back),
    ];
    let observed = ticking(&[], at);
    assert_eq!(keys(&observed, "layering_like_1m"), [(2, 1)]);
    assert_eq!(seconds(&observed, "layering_like_1m"), [MINUTE_END_MS / 1_000]);
}

#[test]
fn minutes_that_are_not_seen_as_a_whole_have_no_count() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 10)], &[(102, 10)]).depth(0, &[], &[]);
    // The minute from 40 s on has a hole: a side is empty for a moment. That from 100 s on has none.
    for (second, bids) in [(30, 1), (60, 0), (61, 1), (90, 1), (120, 1), (150, 1), (159, 1)] {
        feed.depth(second * 1_000, &[(100, bids)], &[]);
    }
    let ids = ["spoof_like_1m", "layering_like_1m", "ignition_1m"];
    for id in ids {
        assert_eq!(keys(&feed.observe(), id), [], "{id}");
    }
    feed.depth(160_000, &[], &[]);
    for id in ids {
        let observed = feed.observe();
        assert_eq!((keys(&observed, id), seconds(&observed, id)), (vec![(0, 1)], vec![160]), "{id}");
    }
}

/// The best bid and the best ask move, two apart.
fn move_bid(feed: &mut Feed, ms: i64, from: i64, to: i64) {
    feed.depth(ms, &[(from, 0), (to, 5)], &[(from + 2, 0), (to + 2, 5)]);
}

#[test]
fn a_driven_move_that_is_undone_is_an_ignition() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 5)], &[(102, 5)]).depth(0, &[], &[]);
    // Too early: fewer than thirty seconds tell what is usual.
    feed.trade(10_050, 102, 5, BID);
    move_bid(&mut feed, 10_100, 100, 106);
    move_bid(&mut feed, 11_000, 106, 100);
    feed.depth(41_000, &[(90, 1)], &[]);
    // Three spreads up with a buyer, on to four, half of it back after 1.9 s.
    feed.trade(50_050, 102, 5, BID);
    move_bid(&mut feed, 50_100, 100, 106);
    move_bid(&mut feed, 50_300, 106, 108);
    move_bid(&mut feed, 51_900, 108, 105);
    move_bid(&mut feed, 52_000, 105, 104);
    // Nobody trades.
    move_bid(&mut feed, 60_100, 104, 110);
    move_bid(&mut feed, 61_000, 110, 104);
    // Sellers, and it is undone too late.
    feed.trade(70_050, 104, 5, ASK);
    move_bid(&mut feed, 70_100, 104, 98);
    move_bid(&mut feed, 75_200, 98, 104);
    // Sellers, and it is undone at the last moment.
    feed.trade(80_050, 104, 5, ASK);
    move_bid(&mut feed, 80_100, 104, 98);
    move_bid(&mut feed, 85_100, 98, 101);
    // Buyers and sellers; a smaller move.
    feed.trade(90_050, 103, 3, BID).trade(90_060, 101, 2, ASK);
    move_bid(&mut feed, 90_100, 101, 107);
    move_bid(&mut feed, 91_000, 107, 101);
    feed.trade(95_050, 103, 3, BID);
    move_bid(&mut feed, 95_100, 101, 106);
    move_bid(&mut feed, 96_000, 106, 101);
    feed.depth(100_000, &[], &[]);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "ignition_1m"), [(2, 1)]);
    assert_eq!(seconds(&observed, "ignition_1m"), [MINUTE_END_MS / 1_000]);
    // A coarse grid sees the moves between full seconds only.
    let coarse = feed.observe_with(&ObserveOptions { grid_ns: 1_000 * MS, ..ObserveOptions::default() });
    assert_eq!(keys(&coarse, "ignition_1m").iter().map(|cell| cell.1).sum::<u64>(), 1);
}

#[test]
fn runs_of_busy_bins_are_bursts() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 5)], &[(102, 5)]);
    // An event every 100 ms, and trades on top: too early, three bins, one bin, fewer than five times the mean.
    let busy = [(5_000, 20), (20_000, 10), (20_100, 10), (20_200, 10), (25_000, 10), (27_000, 4)];
    for k in 0..300 {
        feed.depth(k * 100, &[(100, 5 + k % 2)], &[]);
        let more = busy.iter().find(|busy| busy.0 == k * 100).map_or(0, |busy| busy.1);
        for i in 0..more {
            feed.trade(k * 100 + i, 100, 1, ASK);
        }
    }
    let observed = feed.observe();
    assert_eq!(keys(&observed, "burst_length"), [(100 * MS, 1), (300 * MS, 1)]);
    assert_eq!(seconds(&observed, "burst_length"), [20, 25]);
    assert_eq!(keys(&observed, "burst_gap"), [(4_700 * MS, 1)]);
    assert_eq!(seconds(&observed, "burst_gap"), [25]);
}

#[test]
fn silence_ends_a_burst_and_an_outage_ends_the_calm_after_it() {
    let mut feed = Feed::new();
    let burst = |feed: &mut Feed, ms: i64| {
        for i in 0..8 {
            feed.trade(ms + i, 100, 1, BID);
        }
    };
    feed.trade(0, 100, 1, BID);
    burst(&mut feed, 15_000);
    burst(&mut feed, 16_000);
    burst(&mut feed, 90_000);
    burst(&mut feed, 95_000);
    feed.trade(96_000, 100, 1, BID);
    burst(&mut feed, 97_000);
    let observed = feed.observe();
    // The last one has no end, and so it is not known that it began.
    assert_eq!(keys(&observed, "burst_length"), [(100 * MS, 4)]);
    assert_eq!(keys(&observed, "burst_gap"), [(900 * MS, 1), (4_900 * MS, 1)]);
}

#[test]
fn a_sweep_goes_through_prices_within_a_tenth_of_a_second() {
    let mut feed = Feed::new();
    feed.trade(0, 100, 1, BID).trade(10, 101, 1, BID).trade(20, 101, 1, BID).trade(90, 103, 1, BID);
    // 101 ms after the first.
    feed.trade(101, 104, 1, BID);
    feed.trade(102, 99, 1, ASK).trade(150, 98, 1, ASK).trade(160, 100, 1, ASK).trade(202, 97, 1, ASK);
    feed.trade(210, 90, 1, Side::None).trade(300, 100, 1, BID);
    assert_eq!(keys(&feed.observe(), "sweep_levels"), [(1, 1), (3, 2)]);
}
