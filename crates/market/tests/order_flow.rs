//! Order flow as a book of levels shows it, recovery after trades and virtual orders, computed by hand.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{Feed, MS, T0_S, keys, windows};
use verismo_market::event::{Side, flags};
use verismo_market::message::OrderAction;
use verismo_market::observe::series::lattice;
use verismo_market::observe::{ObserveOptions, Observed};

const BID: Side = Side::Bid;
const ASK: Side = Side::Ask;
const S: i64 = 1_000 * MS;

fn assert_values(observed: &Observed, id: &str, values: &[(f64, u64)]) {
    let lattice = lattice(id);
    let mut want: Vec<(i64, u64)> = values.iter().map(|&(x, n)| (lattice.key(x).unwrap(), n)).collect();
    want.sort_unstable();
    assert_eq!(keys(observed, id), want, "{id}");
}

#[test]
fn what_trades_do_not_explain_was_taken_back() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 50)], &[(102, 50), (103, 50)]).depth(500, &[], &[(102, 40)]);
    // Second 1: 10 + 5 are lost, 4 come back, 3 are traded.
    feed.depth(1_000, &[(100, 40)], &[]).depth(1_500, &[(100, 44)], &[(103, 45)]).trade(1_400, 100, 3, ASK);
    // Second 2: more is traded than levels lose; second 3: nothing is lost; second 4 is not over.
    feed.depth(2_100, &[], &[(102, 39)]).trade(2_200, 102, 4, BID).trade(2_200, 102, 5, BID);
    feed.depth(3_100, &[], &[(102, 60)]).depth(4_500, &[], &[(102, 1)]);
    let observed = feed.observe();
    assert_values(&observed, "cancel_share_1s", &[(1.0 - 3.0 / 15.0, 1), (0.0, 1)]);
    let at: Vec<_> = windows(&observed, "cancel_share_1s").iter().map(|window| window.0 - T0_S).collect();
    assert_eq!(at, [1, 2]);
    assert_values(&observed, "order_to_trade_1s", &[(2.0, 1), (0.5, 1)]);
}

#[test]
fn orders_that_leave_make_their_level_lose() {
    let mut feed = Feed::new();
    feed.order_snapshot(0, &[(1, BID, 100, 9), (2, ASK, 102, 9), (3, ASK, 103, 9)]);
    feed.order(100, OrderAction::Add, 4, BID, 100, 6);
    feed.order(1_100, OrderAction::Reduce, 1, BID, 100, 2).order(1_200, OrderAction::Delete, 4, BID, 100, 6);
    feed.order(1_300, OrderAction::Exec, 2, ASK, 102, 2);
    feed.order(2_300, OrderAction::Add, 5, BID, 99, 1);
    let observed = feed.observe();
    // 2 + 6 + 2 are lost, 2 are traded.
    assert_values(&observed, "cancel_share_1s", &[(0.8, 1)]);
    assert_values(&observed, "order_to_trade_1s", &[(3.0, 1)]);
}

#[test]
fn a_best_price_lives_from_the_update_that_makes_it_to_the_one_that_changes_it() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 5)], &[(102, 5)]).depth(10, &[(101, 1)], &[]).depth(30, &[(101, 7)], &[]);
    // The bid of 10 ms was there before anything was seen to change; that of 45 ms is gone after 15 ms.
    feed.depth(45, &[(101, 0)], &[]).depth(60, &[(100, 0), (99, 1)], &[]).depth(2_060, &[(99, 0)], &[]);
    // No bid is no price; the one that comes back lives 40 ms.
    feed.depth(2_100, &[(98, 1)], &[]).depth(2_140, &[(99, 1)], &[]);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "best_bid_lifetime"), [(15 * MS, 1), (40 * MS, 1), (2_000 * MS, 1)]);
    assert_eq!(windows(&observed, "best_bid_lifetime").iter().map(|w| w.0 - T0_S).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(keys(&observed, "best_ask_lifetime"), []);
    feed.depth_ids(2_200, 9_000, 9_000, &[(50, 1)], &[(60, 1)]).flag_last_message(flags::NEW_SESSION);
    feed.depth(2_300, &[(51, 1)], &[]);
    assert_eq!(keys(&feed.observe(), "best_bid_lifetime").len(), 3, "nothing lives across sessions");
    feed.snapshot(2_400, &[(51, 1)], &[(60, 1)]).depth(2_500, &[(52, 1)], &[]).depth(2_600, &[(53, 1)], &[]);
    feed.depth(2_700, &[(54, 1)], &[]);
    let lives = keys(&feed.observe(), "best_bid_lifetime");
    assert_eq!(lives, [(15 * MS, 1), (40 * MS, 1), (100 * MS, 1), (2_000 * MS, 1)], "not from the session before");
}

#[test]
fn improvements_that_vanish_untraded_are_fleeting() {
    let book = |feed: &mut Feed| {
        feed.snapshot(0, &[(100, 5), (99, 5)], &[(105, 5), (106, 5)]).depth(0, &[], &[]);
    };
    // Better at 0.1 s, gone at 0.2 s.
    let mut feed = Feed::new();
    book(&mut feed);
    feed.depth(50, &[(101, 1)], &[]).depth(150, &[(101, 0)], &[]).depth(350, &[], &[]);
    assert_eq!(keys(&feed.observe(), "fleeting_100ms"), [(1, 1)]);
    // The same, but a seller met it. A buyer, or a seller above it, does not.
    feed.trade(140, 102, 1, ASK).trade(140, 101, 1, BID);
    assert_eq!(keys(&feed.observe(), "fleeting_100ms"), [(1, 1)]);
    feed.trade(140, 101, 1, ASK);
    assert_eq!(keys(&feed.observe(), "fleeting_100ms"), [(0, 1)]);
    // Asks: one that stays, one that gives way to a better one, which goes.
    let mut feed = Feed::new();
    book(&mut feed);
    feed.depth(50, &[], &[(104, 1)]).depth(250, &[], &[(103, 1)]).trade(280, 104, 1, ASK);
    feed.depth(350, &[], &[(103, 0)]).depth(550, &[], &[]);
    assert_eq!(keys(&feed.observe(), "fleeting_100ms"), [(0, 1), (1, 1)]);
    // A finer grid sees more of them; a coarser one none.
    let grid = |grid_ns: i64| feed.observe_with(&ObserveOptions { grid_ns, ..ObserveOptions::default() });
    assert_eq!(keys(&grid(10 * MS), "fleeting_100ms"), [(0, 1), (1, 1)]);
    assert_eq!(keys(&grid(S), "fleeting_100ms"), []);
}

#[test]
fn the_spread_comes_back_after_a_trade_that_widened_it() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 5)], &[(102, 1), (104, 5)]).depth(0, &[], &[]);
    // The trade of 150 ms takes the best ask; the spread of 4 is 3 at 0.45 s, 2 at 0.95 s.
    feed.trade(150, 102, 1, BID).trade(160, 102, 1, BID).depth(170, &[], &[(102, 0)]);
    feed.depth(450, &[(101, 1)], &[]).trade(500, 104, 1, BID).depth(950, &[], &[(103, 1)]);
    // A trade that moves nothing, and one after which the spread stays wide for over a minute.
    feed.trade(2_050, 101, 1, ASK).depth(2_060, &[], &[]);
    feed.trade(3_050, 101, 1, ASK).depth(3_060, &[(101, 0)], &[]).depth(50_000, &[], &[]).depth(90_000, &[], &[]);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "resilience_time"), [(850 * MS, 1), (60 * S, 1)]);
    assert_eq!(windows(&observed, "resilience_time").iter().map(|w| w.0 - T0_S).collect::<Vec<_>>(), [1, 63]);
}

#[test]
fn a_hole_in_the_book_ends_what_was_waited_for() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 5)], &[(102, 1), (104, 5)]).depth(0, &[], &[]);
    feed.trade(150, 102, 1, BID).depth(170, &[], &[(102, 0)]).depth(1_000, &[], &[]);
    // Silent for over a minute, from 61 s on undefined: an order of 0 s is censored, the others are lost.
    feed.depth(100_000, &[], &[(102, 1)]).depth(101_000, &[], &[]);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "resilience_time"), [(60 * S, 1)]);
    assert_eq!(keys(&observed, "virtual_bid_fill_time"), [(60 * S, 1)]);
    assert_eq!(keys(&observed, "virtual_fill_10s"), [(0, 12)]);
    // A side is empty for a second, and nobody knows what the spread is.
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 5)], &[(102, 1), (104, 5)]).depth(0, &[], &[]);
    feed.trade(150, 102, 1, BID).depth(170, &[], &[(102, 0)]).depth(1_000, &[], &[(104, 0)]);
    feed.depth(2_000, &[], &[(102, 1)]).depth(3_000, &[], &[]);
    assert_eq!(keys(&feed.observe(), "resilience_time"), []);
}

#[test]
fn best_queues_shrink_by_trades_and_otherwise() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 9), (99, 5)], &[(102, 8), (103, 4)]).depth(0, &[], &[]);
    // Of 4 that the bid loses 3 were sold; 2 bought leave the ask as it was; sold at a price that is not the best.
    feed.trade(110, 100, 3, ASK).trade(120, 99, 1, ASK).trade(130, 102, 2, BID).depth(150, &[(100, 5)], &[]);
    // It grows; then the bid is gone, of which 2 were sold, and the ask is better, which loses nothing.
    feed.depth(250, &[(100, 6)], &[]).trade(320, 100, 2, ASK).depth(340, &[(100, 0)], &[(101, 1)]);
    // In the next second the ask of 1 is bought, and 5 bids leave.
    feed.trade(1_210, 101, 1, BID).depth(1_220, &[], &[(101, 0)]).depth(1_500, &[(99, 0), (98, 7)], &[]);
    feed.depth(2_500, &[], &[]);
    let observed = feed.observe();
    let units = |id: &str| -> Vec<(i64, i64)> {
        windows(&observed, id).iter().map(|(t, cells)| (t - T0_S, cells[0].0 / 100_000_000)).collect()
    };
    assert_eq!(units("queue_traded_1s"), [(0, 3 + 2), (1, 1)]);
    assert_eq!(units("queue_cancelled_1s"), [(0, 1 + 4), (1, 5)]);
}

#[test]
fn a_virtual_order_waits_for_the_queue_before_it() {
    let mut feed = Feed::new();
    // Orders of 0 s, 10 s and 20 s, behind 5 at 100 and 3 at 102.
    feed.snapshot(0, &[(100, 5)], &[(102, 3)]).depth(0, &[], &[]);
    // A trade at 0 s is before the first; buys do not meet bids; 5 are the queue, the sixth fills the order.
    feed.trade(0, 100, 9, ASK).trade(1_000, 100, 9, BID).trade(2_000, 100, 4, ASK).trade(3_000, 100, 1, ASK);
    feed.trade(4_000, 100, 1, ASK);
    // The order of 10 s is filled by a trade through its price, that of 20 s not at all.
    feed.trade(15_000, 99, 1, ASK).trade(15_000, 101, 1, ASK);
    for s in 1..=90 {
        feed.depth(s * 1_000, &[(99, s)], &[]);
    }
    let observed = feed.observe();
    // Placed at 0 s to 90 s: those of 20 s and 30 s are censored at 80 s and 90 s, later ones are still there.
    assert_eq!(keys(&observed, "virtual_bid_fill_time"), [(4 * S, 1), (5 * S, 1), (60 * S, 2)]);
    let at: Vec<_> = windows(&observed, "virtual_bid_fill_time").iter().map(|window| window.0 - T0_S).collect();
    assert_eq!(at, [4, 15, 80, 90]);
    // The buy of 9 at 100 is below the ask of 102 and does not meet it.
    assert_eq!(keys(&observed, "virtual_ask_fill_time"), [(60 * S, 4)]);
    assert_eq!(keys(&observed, "virtual_fill_10s"), [(0, 16), (1, 2)]);
    assert_eq!(windows(&observed, "virtual_fill_10s")[0], (T0_S + 10, vec![(0, 1), (1, 1)]));
}

#[test]
fn a_large_virtual_order_is_filled_in_part() {
    let mut feed = Feed::new();
    // Orders of 5 behind 5 at 100, of 4 behind 4 at 102. Of 8 sold in ten seconds 3 reach the bid; just the queue of the ask is bought.
    feed.snapshot(0, &[(100, 5)], &[(102, 4)]).depth(0, &[], &[]);
    feed.trade(1_000, 100, 6, ASK).trade(2_000, 100, 2, ASK).trade(3_000, 102, 4, BID);
    // 20 sold fill the bid and no more; 5 bought reach a quarter of the ask.
    feed.trade(11_000, 100, 20, ASK).trade(12_000, 102, 5, BID);
    // Orders of 20 s are filled by trades through their prices, however little.
    feed.trade(21_000, 99, 1, ASK).trade(21_000, 103, 1, BID);
    feed.depth(5_000, &[], &[]).depth(32_000, &[], &[]);
    let observed = feed.observe();
    let share = |x: f64| lattice("virtual_fill_share_10s").key(x).unwrap();
    let mut want = vec![
        (T0_S + 10, vec![(share(0.0), 1), (share(0.6), 1)]),
        (T0_S + 20, vec![(share(0.25), 1), (share(1.0), 1)]),
        (T0_S + 30, vec![(share(1.0), 2)]),
    ];
    want.iter_mut().for_each(|(_, cells)| cells.sort_unstable());
    assert_eq!(windows(&observed, "virtual_fill_share_10s"), want);
}

#[test]
fn a_buy_above_the_ask_fills_it_at_once() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 5)], &[(102, 3)]).depth(0, &[], &[]).trade(500, 103, 1, BID).depth(12_000, &[], &[]);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "virtual_ask_fill_time"), [(500 * MS, 1)]);
    assert_eq!(keys(&observed, "virtual_fill_10s"), [(0, 1), (1, 1)]);
}
