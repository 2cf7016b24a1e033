//! Where a stream is cut into batches makes no difference, whatever is in it.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use support::{Feed, ONE, at_ms};
use verismo_market::event::{EventBatch, NO_ID, NO_TIME, Side, flags};
use verismo_market::message::{Body, Level, OrderAction, OrderEvent, RestingOrder};
use verismo_market::observe::{Crew, ObserveOptions, Observed, Part, ScanPart, Series, StreamObserver};
use verismo_stats::state::{Carry as _, Reader};

/// A trade a minute for nine hours.
fn nine_hours() -> EventBatch {
    let mut feed = Feed::new();
    for minute in 0..9 * 60 {
        feed.trade(minute * 60_000, 100 + minute % 7, 1 + minute % 3, Side::Bid);
    }
    feed.batch
}

#[test]
fn an_expected_span_changes_nothing_but_where_the_windows_start() {
    let batch = nine_hours();
    let observe = |expected_hours: i64, rows: usize| {
        let hour_ns = 3_600_000_000_000;
        let options = ObserveOptions { expected_span_ns: expected_hours * hour_ns, ..ObserveOptions::default() };
        let mut observer = StreamObserver::new(&options);
        let mut part = EventBatch::default();
        (0..rows).for_each(|i| part.push(batch.row(i)));
        observer.observe(&part, "test");
        observer.finish()
    };
    let whole = observe(0, batch.len());
    assert_eq!(whole.window_ns, 60_000_000_000);
    for hours in [1, 8, 9] {
        assert_eq!(observe(hours, batch.len()), whole, "{hours} hours expected");
    }
    // Six hours of it: windows of 10 s, and the observer says that those it had were too long.
    let part = observe(0, 6 * 60);
    assert_eq!((part.window_ns, part.is_shorter_than_expected), (10_000_000_000, false));
    assert_eq!(observe(5, 6 * 60), part);
    assert!(observe(9, 6 * 60).is_shorter_than_expected);
    assert!(observe(9, 0).is_shorter_than_expected);
}

/// One step of a random stream: ms since the step before, and what happens.
#[derive(Debug, Clone)]
struct Step {
    wait_ms: i64,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Trade {
        price: i64,
        qty: i64,
        side: u8,
        skipped_ids: i64,
    },
    Depth {
        levels: Vec<(bool, i64, i64)>,
        skipped_ids: i64,
    },
    Snapshot {
        levels: Vec<(bool, i64, i64)>,
    },
    Order {
        action: OrderAction,
        id: i64,
        is_bid: bool,
        away: i64,
        qty: i64,
    },
    OrderSnapshot {
        levels: Vec<(bool, i64, i64)>,
    },
    /// Many trades at once.
    Burst,
    Repeat {
        back: usize,
    },
    Back {
        ms: i64,
    },
    NoTime,
    NewSession,
    Invalid,
}

fn levels() -> impl Strategy<Value = Vec<(bool, i64, i64)>> {
    // A little below zero crosses or locks the book.
    proptest::collection::vec((any::<bool>(), -1i64..12, 0i64..5), 0..6)
}

fn order_action() -> impl Strategy<Value = OrderAction> {
    prop_oneof![
        6 => Just(OrderAction::Add),
        1 => Just(OrderAction::Reduce),
        2 => Just(OrderAction::Delete),
        2 => Just(OrderAction::Exec),
        1 => Just(OrderAction::ExecHidden),
    ]
}

/// Now and then a book of more than twenty levels a side.
fn snapshot_levels() -> impl Strategy<Value = Vec<(bool, i64, i64)>> {
    prop_oneof![3 => levels(), 1 => proptest::collection::vec((any::<bool>(), 0i64..60, 1i64..5), 0..120)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let what = prop_oneof![
        10 => (1i64..200, 1i64..50, 0u8..8, prop_oneof![9 => Just(0i64), 1 => 1i64..9])
            .prop_map(|(price, qty, side, skipped_ids)| What::Trade { price, qty, side, skipped_ids }),
        10 => (levels(), prop_oneof![9 => Just(0i64), 1 => 1i64..3_000])
            .prop_map(|(levels, skipped_ids)| What::Depth { levels, skipped_ids }),
        1 => snapshot_levels().prop_map(|levels| What::Snapshot { levels }),
        10 => (order_action(), 0i64..40, any::<bool>(), 0i64..12, 1i64..5)
            .prop_map(|(action, id, is_bid, away, qty)| What::Order { action, id, is_bid, away, qty }),
        1 => levels().prop_map(|levels| What::OrderSnapshot { levels }),
        1 => Just(What::Burst),
        1 => (1usize..6).prop_map(|back| What::Repeat { back }),
        1 => (1i64..90_000).prop_map(|ms| What::Back { ms }),
        1 => Just(What::NoTime),
        1 => Just(What::NewSession),
        1 => Just(What::Invalid),
    ];
    let wait = prop_oneof![20 => 0i64..300, 3 => 300i64..5_000, 1 => 50_000i64..200_000];
    let step = (wait, what).prop_map(|(wait_ms, what)| Step { wait_ms, what });
    proptest::collection::vec(step, 1..160)
}

fn split(levels: &[(bool, i64, i64)]) -> (Vec<Level>, Vec<Level>) {
    let side = |is_bid: bool| {
        let of_side = levels.iter().filter(move |level| level.0 == is_bid);
        of_side.map(|&(_, away, qty)| ((if is_bid { 100 - away } else { 100 + away }) * ONE, qty * ONE)).collect()
    };
    (side(true), side(false))
}

fn stream(steps: &[Step]) -> EventBatch {
    let mut feed = Feed::new();
    let (mut ms, mut trade_id, mut update_id) = (0, 0, 1_000);
    let mut sent: Vec<(i64, Body)> = Vec::new();
    for step in steps {
        ms += step.wait_ms;
        let mut t_ns = at_ms(ms) + 137 * ms;
        let mut flag = 0;
        let trade = |trade_id: &mut i64, price, qty, side| {
            *trade_id += 1;
            Body::Trade { id: *trade_id, price, qty, side }
        };
        let body = match &step.what {
            What::Trade { price, qty, side, skipped_ids } => {
                trade_id += skipped_ids;
                let side = [Side::None, Side::Bid, Side::Ask][usize::from(*side).min(2)];
                trade(&mut trade_id, price * ONE, qty * ONE, side)
            }
            What::Burst => {
                for i in 0..59 {
                    let side = if i % 7 < 3 { Side::Bid } else { Side::Ask };
                    feed.push(t_ns, trade(&mut trade_id, 100 * ONE, (1 + i % 5) * ONE, side));
                }
                trade(&mut trade_id, 100 * ONE, ONE, Side::Bid)
            }
            What::Depth { levels, skipped_ids } => {
                let (bids, asks) = split(levels);
                let first_id = update_id + 1 + skipped_ids;
                update_id = first_id + 2;
                Body::Depth { first_id, last_id: update_id, bids, asks }
            }
            What::Snapshot { levels } => {
                let (bids, asks) = split(levels);
                Body::Snapshot { last_id: update_id, bids, asks }
            }
            What::Order { action, id, is_bid, away, qty } => {
                let is_trade = matches!(action, OrderAction::Exec | OrderAction::ExecHidden);
                trade_id += i64::from(is_trade);
                let side = if *is_bid { Side::Bid } else { Side::Ask };
                let price = (if *is_bid { 100 - away } else { 100 + away }) * ONE;
                let (action, id, qty) = (*action, *id, qty * ONE);
                Body::Order(OrderEvent {
                    action,
                    id,
                    side,
                    price,
                    qty,
                    trade_id: if is_trade { trade_id } else { NO_ID },
                })
            }
            What::OrderSnapshot { levels } => {
                let order = |(id, &(is_bid, away, qty)): (usize, &(bool, i64, i64))| RestingOrder {
                    id: id as i64,
                    side: if is_bid { Side::Bid } else { Side::Ask },
                    price: (if is_bid { 100 - away } else { 100 + away }) * ONE,
                    qty: qty * ONE,
                };
                Body::OrderSnapshot { last_id: NO_ID, orders: levels.iter().enumerate().map(order).collect() }
            }
            What::Repeat { back } => match sent.iter().rev().nth(*back) {
                Some((then_ns, body)) => {
                    t_ns = *then_ns;
                    body.clone()
                }
                None => continue,
            },
            What::Back { ms } => {
                t_ns -= ms * 1_000_000;
                trade(&mut trade_id, 100 * ONE, ONE, Side::Bid)
            }
            What::NoTime => {
                t_ns = NO_TIME;
                update_id += 1;
                Body::Depth { first_id: update_id, last_id: update_id, bids: vec![(99 * ONE, ONE)], asks: vec![] }
            }
            What::NewSession => {
                flag = flags::NEW_SESSION;
                trade(&mut trade_id, 100 * ONE, ONE, Side::Ask)
            }
            What::Invalid => trade(&mut trade_id, -1, ONE, Side::Ask),
        };
        sent.push((t_ns, body.clone()));
        feed.push(t_ns, body).flag_last_message(flag);
    }
    feed.batch
}

/// Changes of flags, by row.
fn scars() -> impl Strategy<Value = Vec<(usize, u8)>> {
    proptest::collection::vec((0usize..600, 0u8..16), 0..20)
}

/// Messages and sessions that start in the middle of an update, and updates that do not end.
fn scarred(mut batch: EventBatch, scars: &[(usize, u8)]) -> EventBatch {
    for &(at, changed) in scars {
        if let Some(row) = batch.flags.get_mut(at) {
            *row ^= changed & !flags::SNAPSHOT;
        }
    }
    batch
}

/// Observes the rows in batches that end at the cuts.
fn observe_cut(batch: &EventBatch, cuts: &[usize], options: &ObserveOptions) -> Observed {
    observe_with(None, batch, cuts, options)
}

/// The same on more threads than one.
fn observe_on_threads(batch: &EventBatch, cuts: &[usize], options: &ObserveOptions) -> Observed {
    static CREW: LazyLock<Option<Arc<Crew>>> = LazyLock::new(|| {
        Crew::new(3, |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok()).map(Arc::new)
    });
    observe_with(CREW.clone(), batch, cuts, options)
}

fn observe_with(crew: Option<Arc<Crew>>, batch: &EventBatch, cuts: &[usize], options: &ObserveOptions) -> Observed {
    let mut observer = StreamObserver::new(options).with_crew(crew);
    let mut part = EventBatch::default();
    for i in 0..batch.len() {
        if cuts.contains(&i) {
            observer.observe(&part, "test");
            part.clear();
        }
        part.push(batch.row(i));
    }
    observer.observe(&part, "test");
    observer.finish()
}

/// Observes the rows in pieces that end at the cuts, each by an observer of its own, and adds the pieces up.
fn observe_in_pieces(batch: &EventBatch, cuts: &[usize], options: &ObserveOptions) -> Observed {
    let mut observer = StreamObserver::new(options);
    let mut pieces: Option<Part> = None;
    let mut rows = EventBatch::default();
    for i in 0..=batch.len() {
        let is_end = i == batch.len();
        if is_end || cuts.contains(&i) {
            observer.observe(&rows, "test");
            rows.clear();
            if is_end {
                observer.end();
            }
            let piece = stored(observer.cut());
            observer = StreamObserver::resume(options, &observer.carries(), observer.history().clone()).unwrap();
            match &mut pieces {
                Some(pieces) => pieces.merge(piece).unwrap(),
                None => pieces = Some(piece),
            }
        }
        if !is_end {
            rows.push(batch.row(i));
        }
    }
    pieces.unwrap().finish(options.window_min_ns)
}

/// The same through bytes.
fn stored(mut piece: Part) -> Part {
    let mut bytes = Vec::new();
    piece.scan.save(&mut bytes);
    let mut input = Reader::new("test", &bytes);
    piece.scan = ScanPart::decode(&mut input).unwrap();
    input.finish().unwrap();
    for part in piece.series.values_mut() {
        bytes.clear();
        part.series.save(&mut bytes);
        let mut input = Reader::new("test", &bytes);
        part.series = Series::load(&mut input).unwrap();
        input.finish().unwrap();
    }
    piece
}

fn options() -> impl Strategy<Value = ObserveOptions> {
    (prop_oneof![Just(1i64), Just(1_000_000)], prop_oneof![Just(0i64), Just(5_000_000_000)], any::<bool>()).prop_map(
        |(clock_ns, warmup_ns, is_single_feed)| ObserveOptions {
            clock_ns,
            warmup_ns,
            is_single_feed,
            levels_max: 4,
            orders_max: 6,
            ..ObserveOptions::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn cuts_do_not_matter(
        steps in steps(),
        options in options(),
        cuts in proptest::collection::vec(0usize..600, 0..12),
        scars in scars(),
    ) {
        let batch = scarred(stream(&steps), &scars);
        let whole = observe_cut(&batch, &[], &options);
        prop_assert_eq!(&observe_cut(&batch, &cuts, &options), &whole);
        prop_assert_eq!(&observe_on_threads(&batch, &cuts, &options), &whole);
    }

    #[test]
    fn pieces_add_up(
        steps in steps(),
        options in options(),
        cuts in proptest::collection::vec(0usize..600, 0..12),
        scars in scars(),
    ) {
        let batch = scarred(stream(&steps), &scars);
        let whole = observe_cut(&batch, &[], &options);
        prop_assert_eq!(&observe_in_pieces(&batch, &cuts, &options), &whole);
    }

    #[test]
    fn one_row_at_a_time_is_the_same(steps in steps(), options in options(), scars in scars()) {
        let batch = scarred(stream(&steps), &scars);
        let every: Vec<usize> = (0..batch.len()).collect();
        let whole = observe_cut(&batch, &[], &options);
        prop_assert_eq!(&observe_cut(&batch, &every, &options), &whole);
        prop_assert_eq!(&observe_in_pieces(&batch, &every, &options), &whole);
    }

    /// A live feed tells of a trade before or after the update of the same instant; a file sorted by time does not.
    #[test]
    fn the_order_of_arrival_between_trades_and_updates_does_not_matter(
        parts in proptest::collection::vec((0i64..400, any::<bool>(), 0i64..450, levels()), 1..150),
    ) {
        let (mut ms, mut messages) = (0, Vec::new());
        let (mut trade_id, mut update_id) = (0, 1_000);
        // Trades arrive late by a lag, updates do not; each kind stays in its own order.
        let mut arrives_ms = 0;
        for (wait_ms, is_trade, lag_ms, levels) in parts {
            ms += wait_ms;
            if is_trade {
                trade_id += 1;
                arrives_ms = (ms + lag_ms).max(arrives_ms);
                let body = Body::Trade { id: trade_id, price: 100 * ONE, qty: trade_id * ONE, side: Side::Bid };
                messages.push((arrives_ms, ms, body));
            } else {
                update_id += 1;
                let (bids, asks) = split(&levels);
                messages.push((ms, ms, Body::Depth { first_id: update_id, last_id: update_id, bids, asks }));
            }
        }
        let observe = |messages: &[(i64, i64, Body)]| {
            let mut feed = Feed::new();
            feed.snapshot(0, &[(50, 1)], &[(150, 1)]);
            for (_, ms, body) in messages {
                feed.push(at_ms(*ms), body.clone());
            }
            feed.observe()
        };
        let by_time = observe(&messages);
        messages.sort_by_key(|&(arrives_ms, _, _)| arrives_ms);
        let by_arrival = observe(&messages);
        prop_assert_eq!(&by_arrival.series, &by_time.series);
        prop_assert_eq!(support::counter(&by_arrival, "out_of_order").count, 0);
    }

    /// Any order of rows and any values: no panic, and every row is either observed, counted or of a kind not read.
    #[test]
    fn any_rows_are_survived(rows in proptest::collection::vec((0u8..10, 0u8..3, any::<u8>(), any::<[i64; 6]>()), 0..80)) {
        use verismo_market::event::{Event, Kind};
        let kinds = [
            Kind::Trade, Kind::LevelSet, Kind::SnapshotStart, Kind::Quote, Kind::OrderAdd, Kind::OrderReduce,
            Kind::OrderDelete, Kind::OrderExec, Kind::OrderExecHidden, Kind::Status,
        ];
        let sides = [Side::None, Side::Bid, Side::Ask];
        let mut batch = EventBatch::default();
        for (kind, side, flags, [t, price, qty, id, first_id, prev_id]) in rows {
            batch.push(Event {
                kind: kinds[usize::from(kind)],
                side: sides[usize::from(side)],
                flags,
                t_exchange_ns: t,
                t_receive_ns: t,
                price,
                qty,
                id,
                first_id,
                prev_id,
                position: 1,
            });
        }
        let observed = observe_cut(&batch, &[], &ObserveOptions::default());
        prop_assert_eq!(observed.counters.len(), if observed.order_rows > 0 { 17 } else { 14 });
        for c in &observed.counters {
            prop_assert!(c.count <= c.total, "{:?}", c);
        }
    }
}

#[test]
fn the_random_streams_reach_every_counter_and_both_window_lengths() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    let mut lengths = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        let options = ObserveOptions { warmup_ns: 0, orders_max: 6, ..ObserveOptions::default() };
        let observed = observe_cut(&stream(&steps), &[], &options);
        lengths.insert(observed.window_ns);
        for c in &observed.counters {
            *seen.entry(c.check).or_insert(0) += c.count;
        }
        for (id, series) in &observed.series {
            *seen.entry(id).or_insert(0) += series.windows.count();
        }
    }
    let unseen: Vec<_> = seen.iter().filter(|&(id, &count)| count == 0 && *id != "session_overlap").collect();
    assert!(unseen.is_empty(), "never seen: {unseen:?}");
    assert_eq!(lengths.len(), 2, "{lengths:?}");
}
