//! The replay of orders: streams small enough to be computed by hand, and any stream against a naive order book.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use proptest::prelude::*;
use std::collections::BTreeMap;
use support::{Feed, MS, ONE, at_ms, counter, keys, windows};
use verismo_market::book::Book;
use verismo_market::event::{Event, Kind, NO_ID, NO_TIME, Side, flags};
use verismo_market::message::OrderAction::{Add, Delete, Exec, ExecHidden, Reduce};
use verismo_market::message::{Body, OrderAction, OrderEvent, RestingOrder};
use verismo_market::observe::{ObserveOptions, Observed, StreamObserver};
use verismo_market::orders::{Applied, Orders};

const BID: Side = Side::Bid;
const ASK: Side = Side::Ask;

/// The observer as it stands after all rows.
fn after(feed: &Feed) -> StreamObserver {
    let mut observer = StreamObserver::new(&ObserveOptions::default());
    observer.observe(&feed.batch, "test");
    observer
}

/// Levels of a side, best first, whole units.
fn levels(observer: &StreamObserver, side: Side) -> Vec<(i64, i64)> {
    observer.book().levels(side).map(|level| (level.price / ONE, level.qty / ONE)).collect()
}

/// Orders: (id, side, price, remaining), whole units.
fn resting(observer: &StreamObserver) -> Vec<(i64, Side, i64, i64)> {
    observer.orders().resting().into_iter().map(|o| (o.id, o.side, o.price / ONE, o.qty / ONE)).collect()
}

fn counts(observed: &Observed) -> [(u64, u64, i64); 3] {
    ["unknown_order", "duplicate_order", "order_overdrawn"].map(|check| {
        let c = counter(observed, check);
        (c.count, c.total, c.worst)
    })
}

fn units(values: &[(i64, u64)]) -> Vec<(i64, u64)> {
    values.iter().map(|&(x, n)| (x * ONE, n)).collect()
}

/// An empty snapshot makes the book known from the start.
fn from_empty() -> Feed {
    let mut feed = Feed::new();
    feed.order_snapshot(0, &[]);
    feed
}

#[test]
fn orders_add_up_to_levels_and_leave_them_again() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 5).order(10, Add, 2, BID, 99, 7).order(20, Add, 3, ASK, 101, 4);
    feed.order(30, Add, 4, BID, 98, 1).order(40, Reduce, 1, BID, 99, 2).order(50, Exec, 2, BID, 99, 3);
    let observer = after(&feed);
    assert_eq!(levels(&observer, BID), [(99, 7), (98, 1)]);
    assert_eq!(levels(&observer, ASK), [(101, 4)]);
    assert_eq!(resting(&observer), [(1, BID, 99, 3), (2, BID, 99, 4), (4, BID, 98, 1), (3, ASK, 101, 4)]);
    feed.order(60, Delete, 2, BID, 99, 4).order(70, Exec, 1, BID, 99, 3).order(80, Delete, 3, ASK, 101, 0);
    let observer = after(&feed);
    assert_eq!(levels(&observer, BID), [(98, 1)], "what is left of a deleted order goes, said or not");
    assert_eq!((levels(&observer, ASK), observer.orders().len()), (vec![], 1));
    let observed = observer.finish();
    assert_eq!(counts(&observed), [(0, 5, 0), (0, 4, 0), (0, 5, 0)]);
    // Two trades, nine changes of the book.
    assert_eq!((observed.trades, observed.updates, observed.order_rows, observed.messages), (2, 9, 9, 10));
    assert_eq!(keys(&observed, "trade_size"), units(&[(3, 2)]));
    assert_eq!(keys(&observed, "aggressor_sign"), [(-1, 2)], "a bid was hit: the aggressor sold");
}

#[test]
fn sizes_lifetimes_cancellations_and_queues_are_those_of_the_orders() {
    let mut feed = from_empty();
    feed.order(100, Add, 1, BID, 99, 5);
    feed.order(200, Add, 2, BID, 99, 7); // behind 5
    feed.order(300, Reduce, 2, BID, 99, 1); // first taken back after 100 ms
    feed.order(350, Add, 3, BID, 99, 1); // behind 11
    feed.order(1_400, Reduce, 2, BID, 99, 2); // not the first time
    feed.order(1_500, Exec, 1, BID, 99, 5); // gone after 1,400 ms, never taken back
    feed.order(1_600, Delete, 2, BID, 99, 4); // gone after 1,400 ms
    feed.order(1_700, Delete, 3, BID, 99, 1); // gone and taken back after 1,350 ms
    let observed = feed.observe();
    assert_eq!(keys(&observed, "order_event_size"), units(&[(1, 1), (5, 1), (7, 1)]));
    assert_eq!(keys(&observed, "queue_ahead"), units(&[(0, 1), (5, 1), (11, 1)]));
    assert_eq!(keys(&observed, "order_lifetime"), [(1_350 * MS, 1), (1_400 * MS, 2)]);
    assert_eq!(keys(&observed, "time_to_cancel"), [(100 * MS, 1), (1_350 * MS, 1)]);
    // A life belongs to the window in which it ends.
    assert_eq!(windows(&observed, "order_lifetime").len(), 1);
    assert_eq!(windows(&observed, "time_to_cancel").len(), 2);
}

#[test]
fn places_in_queues_are_inferred_and_told_at_the_first_fill() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 10).order(10, Add, 2, BID, 99, 10).order(20, Add, 3, BID, 99, 20);
    // 40 stand there, 20 of them before order 3: the cancel of 10 leaves 3/4 of that, 15, though it was all before it.
    feed.order(30, Delete, 1, BID, 99, 10);
    // Order 2, which knew of 10, now of 7.5, is first.
    feed.order(40, Exec, 2, BID, 99, 10);
    // After that trade 5 of 20 are left before order 3, says the book of levels; only the first fill tells.
    feed.order(50, Exec, 3, BID, 99, 4).order(60, Exec, 3, BID, 99, 16);
    // On the other side: what stood behind goes, and the order waits for longer than inferred.
    feed.order(100, Add, 4, ASK, 101, 10).order(110, Add, 5, ASK, 101, 5).order(120, Add, 6, ASK, 101, 25);
    feed.order(130, Delete, 6, ASK, 101, 25).order(140, Exec, 4, ASK, 101, 10).order(150, Exec, 5, ASK, 101, 5);
    // An order alone has no queue, one that is taken back is no fill, and a changed price is another queue.
    feed.order(200, Add, 7, BID, 98, 5).order(210, Exec, 7, BID, 98, 5);
    feed.order(220, Add, 8, BID, 97, 5).order(230, Add, 9, BID, 97, 5).order(240, Delete, 9, BID, 97, 5);
    feed.order(250, Add, 10, BID, 96, 4).order(260, Add, 8, BID, 96, 2).order(270, Exec, 8, BID, 96, 2);
    // An order that comes once more leaves, and has no part in what it leaves behind: 70 of 110.
    feed.order(300, Add, 11, BID, 95, 40).order(310, Add, 12, BID, 95, 60).order(320, Add, 13, BID, 95, 10);
    feed.order(330, Add, 11, BID, 95, 50).order(340, Exec, 13, BID, 95, 10);
    let observed = feed.observe();
    // 7.5/10; 5/20; 10 * 15/40 - 10 = -6.25 of 10; all of 4; 63.6 of 100.
    assert_eq!(keys(&observed, "queue_error"), [(-625, 1), (250, 1), (636, 1), (750, 1), (1_000, 1)]);
}

#[test]
fn what_a_snapshot_shows_has_no_place_and_ends_what_was_known() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 10).order(10, Add, 2, BID, 99, 10);
    feed.order_snapshot(20, &[(1, BID, 99, 10), (2, BID, 99, 10)]);
    feed.order(30, Exec, 1, BID, 99, 10).order(40, Exec, 2, BID, 99, 10);
    assert!(feed.observe().series["queue_error"].windows.is_empty());
}

#[test]
fn a_changed_price_is_one_update_and_a_new_order() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 5).order(0, Add, 2, ASK, 103, 5);
    feed.order(150, Delete, 1, BID, 99, 5).order(150, Add, 1, BID, 101, 5).join_last_two();
    let observer = after(&feed);
    assert_eq!((levels(&observer, BID), resting(&observer).len()), (vec![(101, 5)], 2));
    let observed = observer.finish();
    assert_eq!((observed.updates, counts(&observed)[1]), (3, (0, 3, 0)));
    assert_eq!(keys(&observed, "order_lifetime"), [(150 * MS, 1)]);
    // The grid time 100 ms sees the old book; the bid was never absent.
    assert_eq!(keys(&observed, "spread"), units(&[(4, 2)]));
}

#[test]
fn unknown_orders_take_from_what_no_known_order_accounts_for() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(99, 10), (98, 3)], &[(101, 10)]);
    feed.order(10, Add, 1, BID, 99, 5).order(20, Delete, 77, BID, 99, 4);
    let observer = after(&feed);
    assert_eq!(levels(&observer, BID), [(99, 11), (98, 3)]);
    // Six anonymous are left, whatever is said; the known five stay.
    feed.order(30, Exec, 78, BID, 99, 8).order(40, Reduce, 79, BID, 98, 1).order(50, Delete, 80, ASK, 105, 9);
    let observer = after(&feed);
    assert_eq!((levels(&observer, BID), levels(&observer, ASK)), (vec![(99, 5), (98, 2)], vec![(101, 10)]));
    // Nothing is said of how much was left: nothing can be taken.
    feed.order(60, Delete, 81, ASK, 101, 0);
    assert_eq!(levels(&after(&feed), ASK), [(101, 10)]);
    let observed = feed.observe();
    assert_eq!(counts(&observed), [(5, 5, 0), (0, 1, 0), (0, 5, 0)]);
    assert_eq!(keys(&observed, "queue_ahead"), units(&[(10, 1)]), "anonymous quantity stands in the queue too");
    assert!(observed.series["order_lifetime"].windows.is_empty());
}

#[test]
fn a_level_set_within_a_stream_of_orders_is_the_total_there() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 5).order(10, Add, 2, ASK, 101, 5);
    feed.push(
        at_ms(20),
        Body::Depth {
            first_id: NO_ID,
            last_id: NO_ID,
            bids: vec![(95 * ONE, 8 * ONE), (99 * ONE, 6 * ONE)],
            asks: vec![],
        },
    );
    assert_eq!(levels(&after(&feed), BID), [(99, 6), (95, 8)]);
    // One anonymous unit at 99 and eight at 95.
    feed.order(30, Delete, 70, BID, 95, 3).order(40, Delete, 71, BID, 99, 2);
    assert_eq!(levels(&after(&feed), BID), [(99, 5), (95, 5)]);
    // Less than the known orders say: the level is right, and what leaves later leaves no less than nothing.
    feed.push(
        at_ms(50),
        Body::Depth { first_id: NO_ID, last_id: NO_ID, bids: vec![(99 * ONE, 2 * ONE)], asks: vec![] },
    );
    feed.order(60, Delete, 72, BID, 99, 1);
    assert_eq!(levels(&after(&feed), BID), [(99, 2), (95, 5)]);
    feed.order(70, Delete, 1, BID, 99, 5);
    assert_eq!(levels(&after(&feed), BID), [(95, 5)]);
    let observed = feed.observe();
    assert_eq!(counts(&observed)[0], (3, 4, 0));
    assert_eq!(counter(&observed, "sequence_gap").total, 0, "ids of orders are no ids of updates");
}

#[test]
fn repeated_ids_replace_and_overdrawn_orders_end() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 5).order(100, Add, 1, BID, 98, 7);
    let observer = after(&feed);
    assert_eq!((levels(&observer, BID), resting(&observer)), (vec![(98, 7)], vec![(1, BID, 98, 7)]));
    feed.order(200, Exec, 1, BID, 98, 9).order(300, Add, 2, BID, 97, 3).order(400, Delete, 2, BID, 97, 4);
    let observer = after(&feed);
    assert!(observer.book().is_empty() && observer.orders().is_empty());
    let observed = observer.finish();
    assert_eq!(counts(&observed), [(0, 2, 0), (1, 3, 0), (2, 2, 2 * ONE)]);
    // The second order with the id lived from 100 to 200 ms.
    assert_eq!(keys(&observed, "order_lifetime"), [(100 * MS, 2)]);
}

#[test]
fn hidden_executions_are_trades_and_change_no_book() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 5).order(0, Add, 2, ASK, 101, 5).order(50, ExecHidden, NO_ID, ASK, 100, 3);
    let observer = after(&feed);
    assert_eq!((levels(&observer, BID), levels(&observer, ASK)), (vec![(99, 5)], vec![(101, 5)]));
    let observed = observer.finish();
    assert_eq!((observed.trades, observed.updates, observed.order_rows), (1, 2, 3));
    assert_eq!(keys(&observed, "aggressor_sign"), [(1, 1)]);
    assert_eq!(counts(&observed)[0], (0, 0, 0));
}

#[test]
fn a_snapshot_of_orders_is_the_book_and_keeps_what_it_shows_again() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 5).order(0, Add, 2, BID, 98, 5).order(0, Add, 3, ASK, 101, 5);
    // Order 1 is smaller, 2 is elsewhere, 3 is gone, 9 is new.
    feed.order_snapshot(500, &[(1, BID, 99, 4), (2, BID, 97, 5), (9, ASK, 102, 6)]);
    let observer = after(&feed);
    assert_eq!(resting(&observer), [(1, BID, 99, 4), (2, BID, 97, 5), (9, ASK, 102, 6)]);
    assert_eq!((levels(&observer, BID), levels(&observer, ASK)), (vec![(99, 4), (97, 5)], vec![(102, 6)]));
    let of = |id| observer.orders().get(id).unwrap().t_added_ns;
    assert_eq!((of(1), of(2), of(9)), (at_ms(0), NO_TIME, NO_TIME));
    feed.order(700, Delete, 1, BID, 99, 4).order(700, Delete, 2, BID, 97, 5).order(700, Delete, 9, ASK, 102, 6);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "order_lifetime"), [(700 * MS, 1)], "only order 1 is known to have begun");
    assert_eq!(keys(&observed, "order_event_size"), units(&[(5, 3)]), "orders of snapshots are not new");
    assert_eq!((observed.snapshots, counts(&observed)[0].0), (2, 0));
}

#[test]
fn a_new_session_starts_with_no_orders() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 5).order(0, Add, 2, ASK, 101, 5);
    feed.order(1_000, Add, 3, BID, 98, 1).flag_last_message(flags::NEW_SESSION).order(1_100, Delete, 1, BID, 99, 5);
    let observer = after(&feed);
    assert_eq!(resting(&observer), [(3, BID, 98, 1)]);
    let observed = observer.finish();
    assert_eq!(counts(&observed)[0], (1, 1, 0));
    assert!(observed.series["order_lifetime"].windows.is_empty());
}

#[test]
fn lives_across_a_clock_that_was_set_back_are_not_measured() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 5).order(86_400_000, Add, 2, BID, 98, 5);
    // 64 rows a day behind the clock: they are right, the clock was wrong.
    for i in 0..64 {
        feed.order(100 + i, Add, 100 + i, BID, 90, 1);
    }
    feed.order(500, Delete, 2, BID, 98, 5).order(600, Delete, 163, BID, 90, 1);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "order_lifetime"), [(437 * MS, 1)]);
}

#[test]
fn the_table_is_bounded_and_what_it_cannot_hold_is_anonymous() {
    let mut feed = from_empty();
    for id in 1..=5 {
        feed.order(id, Add, id, BID, 99, 10);
    }
    feed.order(10, Delete, 5, BID, 99, 10).order(20, Delete, 1, BID, 99, 10).order(30, Add, 6, BID, 99, 1);
    let options = ObserveOptions { orders_max: 3, ..ObserveOptions::default() };
    let mut observer = StreamObserver::new(&options);
    observer.observe(&feed.batch, "test");
    assert_eq!(levels(&observer, BID), [(99, 31)], "the book is right all the same");
    assert_eq!(resting(&observer), [(2, BID, 99, 10), (3, BID, 99, 10), (6, BID, 99, 1)]);
    let observed = observer.finish();
    assert_eq!((observed.orders_untracked, counts(&observed)[0]), (2, (1, 2, 0)));
}

#[test]
fn rows_no_market_has_are_counted_and_not_applied() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, BID, 99, 5);
    feed.order(1, Add, 2, Side::None, 99, 5).order(1, Add, 3, BID, 0, 5).order(1, Add, 4, BID, 99, 0);
    feed.order(1, Exec, 1, BID, 99, -1).order(1, Reduce, 1, BID, 99, -1);
    let observer = after(&feed);
    assert_eq!(resting(&observer), [(1, BID, 99, 5)]);
    // A deletion says that the order is gone, whatever else it says.
    feed.order(2, Delete, 1, BID, 99, -4);
    assert!(after(&feed).book().is_empty());
    let observed = feed.observe();
    // Five order rows, the deletion, and the trade of -1.
    assert_eq!(counter(&observed, "invalid_value").count, 7);
}

#[test]
fn a_message_that_ends_with_a_trade_ends_the_update() {
    let mut feed = from_empty();
    feed.order(0, Add, 1, ASK, 101, 5).order(0, Add, 2, BID, 99, 5).trade(0, 101, 1, BID).join_last_two();
    let n = feed.batch.len();
    feed.batch.flags[n - 1] |= flags::LAST_OF_UPDATE;
    assert_eq!((feed.observe().updates, feed.observe().trades), (2, 1));
}

#[test]
fn orders_are_observed_at_the_coarser_clock() {
    let mut feed = from_empty();
    let order = |action| Body::Order(OrderEvent { action, id: 1, side: BID, price: ONE, qty: ONE, trade_id: NO_ID });
    feed.push(at_ms(1) + 999_999, order(Add)).push(at_ms(3) + 1, order(Delete));
    assert_eq!(keys(&feed.observe(), "order_lifetime"), [(2 * MS, 1)]);
    let exact = ObserveOptions { clock_ns: 1, ..ObserveOptions::default() };
    assert_eq!(keys(&feed.observe_with(&exact), "order_lifetime"), [(MS + 2, 1)]);
}

#[test]
fn level_streams_have_no_counters_and_no_values_of_orders() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(99, 1)], &[(101, 1)]).depth(500, &[(98, 1)], &[]);
    let observed = feed.observe();
    let about_orders = ["unknown_order", "duplicate_order", "order_overdrawn"];
    assert!(observed.counters.iter().all(|c| !about_orders.contains(&c.check)));
    assert!(observed.series["queue_ahead"].windows.is_empty() && observed.order_rows == 0);
}

/// The rules, as plainly as possible: a list of orders in arrival order, and anonymous quantity by level.
#[derive(Default)]
struct Naive {
    orders: Vec<RestingOrder>,
    anonymous: BTreeMap<(Side, i64), i64>,
}

impl Naive {
    fn total(&self, side: Side, price: i64) -> i64 {
        let known: i64 = self.orders.iter().filter(|o| (o.side, o.price) == (side, price)).map(|o| o.qty).sum();
        known + self.anonymous.get(&(side, price)).copied().unwrap_or(0)
    }

    fn apply(&mut self, event: &OrderEvent) -> Option<RestingOrder> {
        let &OrderEvent { action, id, side, price, qty, .. } = event;
        let at = self.orders.iter().position(|o| o.id == id);
        let before = at.map(|at| self.orders[at]);
        match (action, at) {
            (Add, _) => {
                self.orders.retain(|o| o.id != id);
                self.orders.push(RestingOrder { id, side, price, qty });
            }
            (ExecHidden, _) => {}
            (_, None) => {
                if let Some(left) = self.anonymous.get_mut(&(side, price)) {
                    *left = (*left - qty).max(0);
                }
            }
            (_, Some(at)) => {
                let order = &mut self.orders[at];
                order.qty = if action == Delete { 0 } else { (order.qty - qty).max(0) };
                self.orders.retain(|o| o.qty > 0);
            }
        }
        before
    }
}

fn events() -> impl Strategy<Value = Vec<(u8, i64, bool, i64, i64)>> {
    proptest::collection::vec((0u8..12, 0i64..30, any::<bool>(), 1i64..12, 0i64..9), 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_stream_agrees_with_a_naive_order_book(events in events()) {
        let (mut book, mut orders, mut naive) = (Book::default(), Orders::default(), Naive::default());
        for price in 1..6 {
            book.set(BID, price, 10);
            naive.anonymous.insert((BID, price), 10);
        }
        for (i, &(what, id, is_bid, price, qty)) in events.iter().enumerate() {
            let side = if is_bid { BID } else { ASK };
            let action = match what {
                0..=5 => Add,
                6 => Reduce,
                7 | 8 => Delete,
                9 | 10 => Exec,
                _ => ExecHidden,
            };
            let qty = if action == Add { qty + 1 } else { qty };
            let event = OrderEvent { action, id, side, price, qty, trade_id: NO_ID };
            let ahead = naive.total(side, price);
            let before = naive.apply(&event);
            let is_known = before.is_some();
            let left = before.map_or(0, |b| b.qty);
            match orders.apply(&mut book, &event, i as i64) {
                Applied::Added { queue_ahead, replaced } => {
                    prop_assert_eq!(action, OrderAction::Add);
                    let same_level = before.filter(|b| (b.side, b.price) == (side, price)).map_or(0, |b| b.qty);
                    prop_assert_eq!(queue_ahead, ahead - same_level);
                    prop_assert_eq!(replaced.map(|o| o.remaining), before.map(|b| b.qty));
                }
                Applied::Taken { before, taken, excess, is_gone } => {
                    prop_assert!(is_known && before.remaining == left);
                    prop_assert_eq!(taken, if action == Delete { left } else { qty.min(left) });
                    prop_assert_eq!((excess, is_gone), ((qty - left).max(0), taken == left));
                }
                Applied::Unknown => prop_assert!(!is_known && matches!(action, Reduce | Delete | Exec)),
                Applied::Nothing => prop_assert_eq!(action, ExecHidden),
            }
            for price in 1..12 {
                for side in [BID, ASK] {
                    prop_assert_eq!(book.qty_at(side, price), naive.total(side, price));
                }
            }
        }
        let mut want = naive.orders.clone();
        want.sort_by_key(|o| (o.side, if o.side == BID { -o.price } else { o.price }));
        prop_assert_eq!(orders.resting(), want);
    }

    /// Whatever the rows say, a level never holds less than nothing, and orders never more than the limit.
    #[test]
    fn any_order_rows_are_survived(
        rows in proptest::collection::vec((1u8..9, 0u8..3, any::<u8>(), 0i64..6, any::<[i64; 2]>(), any::<bool>()), 0..200),
    ) {
        let kinds = [Kind::LevelSet, Kind::SnapshotStart, Kind::OrderAdd, Kind::OrderAdd, Kind::OrderReduce,
            Kind::OrderDelete, Kind::OrderExec, Kind::OrderExecHidden];
        let mut feed = Feed::new();
        for (i, (kind, side, flags, id, [price, qty], is_small)) in rows.into_iter().enumerate() {
            let small = |x: i64| if is_small { x.rem_euclid(5) } else { x };
            feed.batch.push(Event {
                kind: kinds[usize::from(kind) - 1],
                side: [Side::None, BID, ASK][usize::from(side)],
                flags,
                t_exchange_ns: at_ms(i as i64),
                t_receive_ns: NO_TIME,
                price: small(price),
                qty: small(qty),
                id,
                first_id: NO_ID,
                prev_id: NO_ID,
                position: 1,
            });
        }
        let mut observer = StreamObserver::new(&ObserveOptions { orders_max: 4, ..ObserveOptions::default() });
        observer.observe(&feed.batch, "test");
        prop_assert!(observer.orders().len() <= 4);
        for side in [BID, ASK] {
            prop_assert!(observer.book().levels(side).all(|level| level.qty > 0));
        }
        prop_assert!(observer.orders().resting().iter().all(|order| order.qty > 0));
        for c in &observer.finish().counters {
            prop_assert!(c.count <= c.total, "{:?}", c);
        }
    }
}
