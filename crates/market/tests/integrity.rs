//! Every integrity counter on a stream that has exactly the fault it counts.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{Feed, ONE, at_ms, counter, keys};
use verismo_market::event::{Event, Kind, NO_ID, NO_TIME, Side, flags};
use verismo_market::message::Body;
use verismo_market::observe::{Check, ObserveOptions, Observed, QuoteCheck};

const BID: Side = Side::Bid;
const ASK: Side = Side::Ask;

fn counts(observed: &Observed, check: &str) -> (u64, u64, i64) {
    let c = counter(observed, check);
    (c.count, c.total, c.worst)
}

/// Every counter but those named is zero (message mix is no fault).
fn assert_clean_but(observed: &Observed, faults: &[&str]) {
    let unexpected = observed
        .counters
        .iter()
        .filter(|c| c.count > 0 && c.check != Check::MessageMix.id() && !faults.contains(&c.check))
        .collect::<Vec<_>>();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

#[test]
fn trades_and_updates_are_ordered_each_among_themselves() {
    let mut feed = Feed::new();
    feed.depth(100, &[], &[])
        .trade(90, 100, 1, BID)
        .depth(200, &[], &[])
        .trade(150, 100, 1, BID)
        .trade(149, 100, 1, BID);
    let observed = feed.observe();
    assert_eq!(counts(&observed, "out_of_order"), (1, 5, 1_000_000));
    assert_eq!(counter(&observed, "out_of_order").examples[0].position, 5);
    assert_clean_but(&observed, &["out_of_order"]);
    let single = ObserveOptions { is_single_feed: true, ..ObserveOptions::default() };
    assert_eq!(counts(&feed.observe_with(&single), "out_of_order"), (3, 5, 50_000_000));
}

#[test]
fn a_row_that_goes_back_is_observed_at_the_running_maximum() {
    let mut feed = Feed::new();
    feed.trade(100, 100, 1, BID).trade(40, 100, 1, BID).trade(130, 100, 1, BID);
    assert_eq!(keys(&feed.observe(), "inter_trade_time"), [(0, 1), (30_000_000, 1)]);
}

#[test]
fn gaps_are_counted_by_size() {
    let mut feed = Feed::new();
    feed.depth_ids(0, 1, 10, &[], &[]);
    for (i, gap) in [0, 3, 10, 11, 1_000, 1_001].into_iter().enumerate() {
        let first = 10 + 5_000 * i as i64 + gap + 1;
        feed.depth_ids(100 + i as i64, first, 10 + 5_000 * (i as i64 + 1), &[], &[]);
    }
    let observed = feed.observe();
    assert_eq!(counts(&observed, "sequence_gap"), (5, 6, 1_001));
    assert_eq!(counts(&observed, "gap_severity"), (1, 6, 1_001));
    assert_eq!(observed.gap_sizes, [2, 2, 1]);
    assert_clean_but(&observed, &["sequence_gap", "gap_severity"]);
}

#[test]
fn updates_that_overlap_are_gaps_below_zero() {
    let mut feed = Feed::new();
    feed.depth_ids(0, 1, 10, &[], &[]).depth_ids(1, 6, 20, &[], &[]);
    assert_eq!(counts(&feed.observe(), "sequence_gap"), (1, 1, 5));
}

#[test]
fn the_first_update_after_a_snapshot_may_begin_before_it() {
    let mut feed = Feed::new();
    feed.push(at_ms(0), Body::Snapshot { last_id: 15, bids: vec![], asks: vec![] });
    feed.depth_ids(1, 10, 20, &[], &[]).depth_ids(2, 21, 22, &[], &[]);
    let observed = feed.observe();
    assert_eq!(counts(&observed, "sequence_gap"), (0, 2, 0));
    assert_clean_but(&observed, &[]);
}

#[test]
fn the_previous_id_decides_where_the_venue_gives_it() {
    let update = |id, first_id, prev_id| Event {
        kind: Kind::LevelSet,
        side: Side::None,
        flags: flags::FIRST_OF_MESSAGE | flags::LAST_OF_UPDATE,
        t_exchange_ns: at_ms(id),
        t_receive_ns: NO_TIME,
        price: 0,
        qty: 0,
        id,
        first_id,
        prev_id,
        position: 1,
    };
    let mut feed = Feed::new();
    // Ids jump as futures' do; the third says that something is missing.
    for event in [update(100, 90, 80), update(250, 200, 100), update(400, 390, 380)] {
        feed.batch.push(event);
    }
    assert_eq!(counts(&feed.observe(), "sequence_gap"), (1, 2, 130));
}

#[test]
fn repeated_messages_are_counted_and_not_observed_again() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(101, 1)]);
    feed.trade_id(10, 1).trade_id(20, 2);
    feed.depth_ids(20, 1_000, 1_000, &[(100, 5)], &[]).depth_ids(120, 1_001, 1_001, &[(100, 7)], &[]);
    let once = feed.observe();
    feed.trade_id(10, 1).depth_ids(20, 1_000, 1_000, &[(100, 5)], &[]);
    let twice = feed.observe();
    assert_eq!(counts(&twice, "duplicate"), (2, 7, 0));
    assert_eq!(counter(&twice, "duplicate").examples[1].detail, "update id 1000 again");
    assert_clean_but(&twice, &["duplicate"]);
    assert_eq!(once.series, twice.series);
    assert_eq!((once.events, once.span_ns), (twice.events, twice.span_ns));
}

#[test]
fn a_late_update_is_out_of_order_and_not_applied() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(101, 1)]);
    feed.depth_ids(100, 1_000, 1_000, &[(100, 2)], &[]);
    feed.depth_ids(300, 1_002, 1_002, &[(100, 9)], &[]).depth_ids(200, 1_001, 1_001, &[(100, 5)], &[]);
    feed.depth_ids(400, 1_003, 1_003, &[], &[]);
    let observed = feed.observe();
    assert_eq!(counts(&observed, "out_of_order").0, 1);
    assert_eq!(counts(&observed, "sequence_gap").0, 1);
    assert_eq!(counts(&observed, "duplicate").0, 0);
    assert_eq!(keys(&observed, "depth_bid_l1"), [(ONE, 1), (2 * ONE, 2), (9 * ONE, 2)]);
}

#[test]
fn one_wrong_id_does_not_freeze_the_book_for_ever() {
    let mut feed = Feed::new();
    feed.depth_ids(0, 1, 1, &[], &[]).depth_ids(1, 1 << 40, 1 << 40, &[], &[]);
    for i in 2..200 {
        feed.depth_ids(i, i, i, &[(10, i)], &[]);
    }
    let observed = feed.observe();
    assert!(observed.updates > 130, "{} updates of 200 were applied", observed.updates);
    assert!(counts(&observed, "out_of_order").0 >= 60);
}

#[test]
fn one_wrong_time_does_not_pin_the_stream_to_it() {
    let mut feed = Feed::new();
    feed.trade(0, 100, 1, BID).trade(86_400_000, 100, 1, BID);
    for i in 0..1_000 {
        feed.trade(10 + i * 10, 100, 1, BID);
    }
    let observed = feed.observe();
    let waiting = keys(&observed, "inter_trade_time");
    let tens = waiting.iter().find(|(key, _)| *key == 10_000_000).unwrap();
    assert!(tens.1 > 900, "{waiting:?}");
    assert_eq!(counts(&observed, "out_of_order").0, 1);
}

#[test]
fn overlapping_sessions_are_counted_once_and_continue() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(101, 1)]);
    for i in 0..10 {
        feed.depth_ids(i * 100, 1_000 + i, 1_000 + i, &[(100, 1 + i)], &[]).trade_id(i * 100 + 50, i + 1);
    }
    for i in 5..15 {
        feed.depth_ids(i * 100, 1_000 + i, 1_000 + i, &[(100, 1 + i)], &[]);
        if i == 5 {
            feed.flag_last_message(flags::NEW_SESSION);
        }
        feed.trade_id(i * 100 + 50, i + 1);
    }
    let observed = feed.observe();
    let mut whole = Feed::new();
    whole.snapshot(0, &[(100, 1)], &[(101, 1)]);
    for i in 0..15 {
        whole.depth_ids(i * 100, 1_000 + i, 1_000 + i, &[(100, 1 + i)], &[]).trade_id(i * 100 + 50, i + 1);
    }
    let whole = whole.observe();
    assert_eq!(counts(&observed, "session_overlap"), (10, 41, 0));
    assert_clean_but(&observed, &["session_overlap"]);
    assert_eq!(observed.series, whole.series);
    assert_eq!((observed.events, observed.span_ns), (whole.events, whole.span_ns));
}

#[test]
fn ids_missing_inside_a_run_of_trades_are_counted_unless_they_come_late() {
    let mut feed = Feed::new();
    for (i, id) in [10, 11, 15, 16, 13, 17].into_iter().enumerate() {
        feed.trade_id(i as i64, id);
    }
    let observed = feed.observe();
    // 12, 13, 14 were missing, 13 came: two of eight.
    assert_eq!(counts(&observed, "missing_id"), (2, 8, 3));
    assert_clean_but(&observed, &["missing_id"]);
}

#[test]
fn crossed_and_locked_books_are_told_apart() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(102, 1)]);
    feed.depth(10, &[(102, 1)], &[]).depth(20, &[(104, 1)], &[]).depth(30, &[(102, 0), (104, 0)], &[]);
    let observed = feed.observe();
    assert_eq!(counts(&observed, "locked_book"), (1, 4, 0));
    assert_eq!(counts(&observed, "crossed_book"), (1, 4, 2 * ONE));
    assert_clean_but(&observed, &["locked_book", "crossed_book"]);
}

#[test]
fn a_crossed_state_inside_an_update_is_not_observed() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(102, 1)]);
    feed.depth(10, &[(103, 1), (100, 0)], &[(102, 0), (104, 1)]);
    assert_clean_but(&feed.observe(), &[]);
}

#[test]
fn trades_more_than_a_tick_outside_the_book_are_incoherent() {
    let mut feed = Feed::new();
    feed.trade(0, 50, 1, BID); // no book yet
    feed.snapshot(1, &[(100, 1)], &[(102, 1)]).depth(1, &[], &[]);
    for price in [99, 103, 98, 106] {
        feed.trade(2, price, 1, BID);
    }
    let observed = feed.observe();
    assert_eq!(counts(&observed, "price_coherence"), (2, 4, 3 * ONE));
    assert_clean_but(&observed, &["price_coherence"]);
}

#[test]
fn values_no_market_has_are_counted_and_not_applied() {
    let trade = |id, price, qty, side| Body::Trade { id, price, qty, side };
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(102, 1)]);
    for (id, price, qty) in [(1, 0, ONE), (2, -ONE, ONE), (3, ONE, 0), (4, ONE, -1), (5, i64::MAX, ONE)] {
        feed.push(at_ms(1), trade(id, price, qty, ASK));
    }
    feed.push(at_ms(1), trade(6, 100 * ONE, ONE, Side::None));
    let bids = vec![(0, ONE), (-ONE, ONE), (101 * ONE, -1), (101 * ONE, ONE)];
    feed.push(at_ms(2), Body::Depth { first_id: 1_000, last_id: 1_000, bids, asks: vec![] });
    let observed = feed.observe();
    assert_eq!(counts(&observed, "invalid_value"), (9, 6 + 3 + 4, 0));
    assert_eq!(keys(&observed, "trade_size"), [(ONE, 1)]);
    assert_eq!(keys(&observed, "aggressor_sign"), []);
    assert_clean_but(&observed, &["invalid_value"]);
}

#[test]
fn impossible_times_are_counted_and_the_book_still_follows() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(102, 1)]).depth(0, &[], &[]);
    let year_1985 = 500_000_000 * 1_000_000_000;
    for (i, t_ns) in [NO_TIME, year_1985, i64::MAX].into_iter().enumerate() {
        let i = i as i64;
        feed.push(t_ns, Body::Trade { id: i + 1, price: 100 * ONE, qty: ONE, side: ASK });
        let bids = vec![(100 * ONE, (i + 2) * ONE)];
        feed.push(t_ns, Body::Depth { first_id: 1_001 + i, last_id: 1_001 + i, bids, asks: vec![] });
    }
    feed.depth_ids(100, 1_004, 1_004, &[], &[]);
    let observed = feed.observe();
    assert_eq!(counts(&observed, "time_out_of_range"), (6, 9, 0));
    assert_eq!((observed.trades, observed.updates), (0, 2));
    assert_eq!(keys(&observed, "depth_bid_l1"), [(4 * ONE, 2)]);
    assert_clean_but(&observed, &["time_out_of_range"]);
}

#[test]
fn the_mix_is_the_share_of_trades() {
    let mut feed = Feed::new();
    feed.trade(0, 1, 1, BID).depth(0, &[], &[]).trade(0, 1, 1, BID);
    assert_eq!(counts(&feed.observe(), "message_mix"), (2, 3, 0));
}

#[test]
fn quotes_are_compared_at_equal_ids_whichever_comes_first() {
    let mut feed = Feed::new();
    let quote = |feed: &mut Feed, id, bid: (i64, i64), ask: (i64, i64)| {
        for (side, (price, qty), flags) in [(BID, bid, flags::FIRST_OF_MESSAGE), (ASK, ask, flags::LAST_OF_UPDATE)] {
            feed.batch.push(Event {
                kind: Kind::Quote,
                side,
                flags,
                t_exchange_ns: NO_TIME,
                t_receive_ns: NO_TIME,
                price: price * ONE,
                qty: qty * ONE,
                id,
                first_id: NO_ID,
                prev_id: NO_ID,
                position: 1,
            });
        }
    };
    feed.snapshot(0, &[(100, 1)], &[(102, 1)]);
    quote(&mut feed, 1_000, (101, 2), (102, 1)); // before its update, right
    quote(&mut feed, 1_001, (100, 1), (102, 1)); // before its update, wrong
    feed.depth_ids(1, 1_000, 1_000, &[(101, 2)], &[]).depth_ids(2, 1_001, 1_001, &[(101, 3)], &[]);
    feed.depth_ids(3, 1_002, 1_003, &[], &[(102, 5)]);
    quote(&mut feed, 1_002, (1, 1), (2, 1)); // the book never stood at this id
    quote(&mut feed, 1_003, (101, 3), (102, 5)); // after its update, right
    let observed = feed.observe();
    assert_eq!(observed.quotes, QuoteCheck { compared: 3, mismatched: 1 });
    assert_clean_but(&observed, &[]);
}

#[test]
fn the_samples_hold_what_identifies_an_event() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(102, 1)])
        .depth(10, &[(100, 2)], &[])
        .trade(20, 100, 1, BID)
        .trade(30, 101, 1, ASK);
    let one = feed.observe();
    let mut other = Feed::new();
    other
        .snapshot(0, &[(100, 1)], &[(102, 1)])
        .depth(10, &[(100, 3)], &[])
        .trade(20, 100, 1, BID)
        .trade(30, 101, 1, BID);
    let other = other.observe();
    let trades = one.trade_ids.agreement(&other.trade_ids, i64::MIN..=i64::MAX);
    assert_eq!((trades.common, trades.same_time, trades.same_content), (2, 2, 1), "the side differs");
    let books = one.book_ids.agreement(&other.book_ids, i64::MIN..=i64::MAX);
    assert_eq!((books.common, books.same_time, books.same_content), (1, 1, 0), "the quantity differs");
    assert_eq!(one.trade_runs.runs(), [(1, 2)]);
}

#[test]
fn levels_and_orders_beyond_the_caps_are_counted() {
    use verismo_market::message::OrderAction;
    let mut feed = Feed::new();
    feed.snapshot(0, &[(99, 1), (98, 1), (97, 1)], &[(101, 1), (102, 1)]);
    let capped = ObserveOptions { levels_max: 2, orders_max: 1, ..ObserveOptions::default() };
    assert_eq!(counts(&feed.observe_with(&capped), "forgotten"), (1, 0, 0));
    feed.order(1, OrderAction::Add, 1, BID, 99, 1).order(2, OrderAction::Add, 2, BID, 99, 1);
    let observed = feed.observe_with(&capped);
    assert_eq!((counts(&observed, "forgotten").0, observed.levels_dropped, observed.orders_untracked), (2, 1, 1));
    assert_eq!(counts(&feed.observe(), "forgotten"), (0, 0, 0));
}
