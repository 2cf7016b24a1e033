//! The market told order by order is the market told by levels.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{GRID_NS, Replay};
use verismo_market::event::{EventBatch, Side};
use verismo_market::message::{Body, Message, OrderAction};
use verismo_market::observe::{ObserveOptions, Observed, StreamObserver};
use verismo_sim::exchange::DEFAULT_START_NS;
use verismo_sim::{Market, MarketConfig, Venue};
use verismo_suite::catalogue::{OBSERVABLES, ObservableInfo, Sampling, Source};

const SECOND_NS: i64 = 10 * GRID_NS;

fn until(market: Market, end_ns: i64) -> Vec<Message> {
    market.take_while(|m| m.t_exchange_ns <= end_ns).collect()
}

fn observe(messages: &[Message], clock_ns: i64) -> Observed {
    let mut observer = StreamObserver::new(&ObserveOptions { clock_ns, ..ObserveOptions::default() });
    let mut batch = EventBatch::default();
    for (i, message) in messages.iter().enumerate() {
        message.push_events(i as u64 + 1, &mut batch);
    }
    observer.observe(&batch, "test");
    observer.finish()
}

/// Messages of both feeds up to a grid time, `seconds` after the start or soon after. The feed of orders goes on to the first message after it, so that it too has said
/// that nothing more happened until then; that message is no trade.
fn both(seed: u64, seconds: i64, snapshots_ns: Option<i64>) -> [Vec<Message>; 2] {
    let market = || {
        let market = Market::new(MarketConfig::new(seed));
        if let Some(every_ns) = snapshots_ns { market.with_snapshots(every_ns) } else { market }
    };
    let mut end_ns = DEFAULT_START_NS + seconds * SECOND_NS;
    let mut told: Vec<Message> = Vec::new();
    for message in market().with_orders() {
        let is_trade = matches!(message.body, Body::Order(order) if order.action == OrderAction::Exec);
        let is_after = message.t_exchange_ns > end_ns;
        told.push(message);
        if is_after && !is_trade {
            break;
        }
        // A trade comes first: the next grid time may do.
        end_ns += if is_after { GRID_NS } else { 0 };
    }
    [until(market(), end_ns), told]
}

/// Observables that both feeds must share to the last bit.
fn shared() -> impl Iterator<Item = &'static str> {
    let is_shared = |o: &&ObservableInfo| {
        o.source == Source::Trades
            || (o.source == Source::Book && o.sampling == Sampling::Grid && !o.depends_on_cadence)
            || (o.source == Source::BookAndTrades && o.sampling != Sampling::PerEvent)
    };
    OBSERVABLES.iter().filter(is_shared).map(|o| o.id)
}

#[test]
fn trades_and_grid_books_are_those_of_the_feed_of_levels() {
    // Without and with snapshots, on the clocks of all formats.
    let cases = [
        (21, 200, None, 1),
        (22, 40, Some(15 * SECOND_NS + 7), 1_000),
        (23, 30, Some(GRID_NS), 1_000_000),
        (24, 90, None, 1_000_000),
    ];
    let mut seen = BTreeSet::new();
    for (seed, seconds, snapshots_ns, clock_ns) in cases {
        let [levels, orders] = both(seed, seconds, snapshots_ns);
        let (levels, orders) = (observe(&levels, clock_ns), observe(&orders, clock_ns));
        for id in shared() {
            let (of_levels, of_orders) = (&levels.series[id], &orders.series[id]);
            if of_levels.windows.count() > 0 {
                seen.insert(id);
            }
            assert!(
                of_levels == of_orders,
                "{id} of seed {seed}: {} and {} values",
                of_levels.windows.count(),
                of_orders.windows.count()
            );
        }
        assert_eq!(levels.trade_ids, orders.trade_ids);
        assert_eq!((levels.trades, levels.price_tick), (orders.trades, orders.price_tick));
        for check in [
            "unknown_order",
            "duplicate_order",
            "order_overdrawn",
            "crossed_book",
            "locked_book",
            "price_coherence",
            "invalid_value",
            "out_of_order",
            "duplicate",
            "missing_id",
        ] {
            let counter = orders.counters.iter().find(|c| c.check == check).unwrap();
            assert!(counter.count == 0 && counter.total > 0, "{counter:?}");
        }
        for id in ["order_event_size", "order_lifetime", "time_to_cancel", "queue_ahead"] {
            assert!(orders.series[id].windows.count() > 1_000 && levels.series[id].windows.is_empty(), "{id}");
        }
        // The exchange serves who came first: what is filled had a queue, and that was not all of it.
        let places = &orders.series["queue_error"].windows;
        assert!(places.count() > 20 && levels.series["queue_error"].windows.is_empty(), "{}", places.count());
        assert_eq!((levels.order_rows, orders.orders_untracked), (0, 0));
    }
    assert!(shared().all(|id| seen.contains(id)), "only {seen:?}");
}

#[test]
fn every_level_is_equal_at_every_grid_time() {
    let [levels, orders] = both(5, 20, None);
    let mut observer = StreamObserver::new(&ObserveOptions::default());
    let mut next = orders.iter().enumerate().peekable();
    let (mut replay, mut compared) = (Replay::default(), 0);
    for message in levels.iter().filter(|m| matches!(m.body, Body::Depth { .. })) {
        replay.apply(&message.body);
        let mut batch = EventBatch::default();
        while let Some((i, order)) = next.next_if(|(_, order)| order.t_exchange_ns <= message.t_exchange_ns) {
            order.push_events(i as u64 + 1, &mut batch);
        }
        observer.observe(&batch, "test");
        let side =
            |side| observer.book().levels(side).map(|level| (level.price, level.qty)).collect::<BTreeMap<_, _>>();
        assert_eq!(side(Side::Bid), replay.bids);
        assert_eq!(side(Side::Ask), replay.asks);
        compared += 1;
    }
    assert!(compared >= 200, "{compared}");
}

#[test]
fn snapshots_are_the_orders_at_rest_and_the_other_messages_those_without_them() {
    let [_, with] = both(9, 30, Some(SECOND_NS));
    let [_, without] = both(9, 30, None);
    let mut observer = StreamObserver::new(&ObserveOptions::default());
    let mut snapshots = 0;
    for (i, message) in with.iter().enumerate() {
        if let Body::OrderSnapshot { orders, .. } = &message.body {
            assert_eq!(&observer.orders().resting(), orders);
            assert_eq!(orders.is_empty(), snapshots == 0, "the market starts with an empty book");
            let next = &with[i + 1];
            assert_eq!((next.t_exchange_ns, next.t_receive_ns), (message.t_exchange_ns, message.t_receive_ns));
            snapshots += 1;
        }
        let mut batch = EventBatch::default();
        message.push_events(i as u64 + 1, &mut batch);
        observer.observe(&batch, "test");
    }
    assert!(snapshots >= 31, "{snapshots}");
    let rest: Vec<&Message> = with.iter().filter(|m| !m.body.is_snapshot()).collect();
    assert!(rest.into_iter().eq(&without));
}

#[test]
fn orders_live_as_their_rules_say() {
    let [_, orders] = both(4, 40, None);
    let (mut left, mut seen, mut last_ns) = (BTreeMap::new(), [0_u32; 4], i64::MIN);
    let mut last_trade = None;
    for message in &orders {
        let Body::Order(order) = message.body else { panic!("{message:?}") };
        assert!(message.t_exchange_ns >= last_ns, "time runs backwards");
        last_ns = message.t_exchange_ns;
        match order.action {
            OrderAction::Add => assert!(left.insert(order.id, order.qty).is_none(), "an id is used twice"),
            OrderAction::Delete => assert_eq!(left.remove(&order.id), Some(order.qty), "what was left is said"),
            OrderAction::Reduce | OrderAction::Exec => {
                let rest = left.get_mut(&order.id).unwrap();
                *rest -= order.qty;
                assert!(*rest >= i64::from(order.action == OrderAction::Reduce));
                if *rest == 0 {
                    left.remove(&order.id);
                }
            }
            OrderAction::ExecHidden => panic!("the market has no hidden orders"),
        }
        if order.action == OrderAction::Exec {
            assert_eq!(order.trade_id, last_trade.replace(order.trade_id).map_or(order.trade_id, |last: i64| last + 1));
        }
        seen[order.action as usize] += 1;
    }
    assert!(seen.iter().all(|&n| n > 300), "adds, reductions, deletions, executions: {seen:?}");
}

#[test]
fn a_venue_tells_several_markets_in_time_order() {
    let venue: Vec<Message> = Venue::with_orders(3, 2, Some(GRID_NS)).take(20_000).collect();
    assert!(venue.windows(2).all(|w| w[0].t_exchange_ns <= w[1].t_exchange_ns));
    let of = |symbol: &str| venue.iter().filter(|m| m.symbol == symbol).cloned().collect::<Vec<_>>();
    let eth = of("ETHUSDT");
    let alone = Market::new(MarketConfig::for_symbol(3, 1)).with_snapshots(GRID_NS).with_orders();
    assert!(eth.len() > 1_000 && eth.into_iter().eq(alone.take(of("ETHUSDT").len())));
    assert!(Venue::with_orders(3, 1, None).take(1_000).all(|m| matches!(m.body, Body::Order(_))));
}
