//! Every observable on streams small enough to be computed by hand.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{Feed, ONE, T0_S, at_ms, keys, windows};
use verismo_market::event::{Side, flags};
use verismo_market::message::Body;
use verismo_market::observe::series::lattice;
use verismo_market::observe::{ObserveOptions, Observed, SeriesWindows};
use verismo_stats::lags::LagMoments;

const BID: Side = Side::Bid;
const ASK: Side = Side::Ask;

/// Samples at 0, 100, 200 ms see the snapshot, 300 ms a better bid, 400 ms a worse ask.
fn small_book() -> Feed {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 3), (99, 5)], &[(102, 1), (103, 4), (104, 7)]);
    feed.depth(250, &[(101, 2)], &[]);
    feed.push(
        at_ms(400) + 900_000,
        Body::Depth { first_id: 1_001, last_id: 1_001, bids: vec![], asks: vec![(102 * ONE, 0)] },
    );
    feed
}

/// Keys of a float observable, from values and counts.
fn float_keys(id: &str, values: &[(f64, u64)]) -> Vec<(i64, u64)> {
    let lattice = lattice(id);
    let mut keys: Vec<(i64, u64)> = values.iter().map(|&(x, n)| (lattice.key(x).unwrap(), n)).collect();
    keys.sort_unstable();
    keys
}

fn units(values: &[(i64, u64)]) -> Vec<(i64, u64)> {
    values.iter().map(|&(x, n)| (x * ONE, n)).collect()
}

#[test]
fn spread_and_depth_are_sampled_on_the_grid_after_updates_at_the_same_time() {
    let observed = small_book().observe();
    // 400.9 ms is floored to 400 ms, so that the sample at 400 ms is after it.
    assert_eq!(keys(&observed, "spread"), units(&[(1, 1), (2, 4)]));
    assert_eq!(keys(&observed, "depth_bid_l1"), units(&[(2, 2), (3, 3)]));
    assert_eq!(keys(&observed, "depth_ask_l1"), units(&[(1, 4), (4, 1)]));
    assert_eq!(windows(&observed, "spread").iter().map(|w| w.0).collect::<Vec<_>>(), [T0_S]);
}

#[test]
fn imbalances_compare_the_sides_at_one_and_five_levels() {
    let observed = small_book().observe();
    let l1 = [((3.0 - 1.0) / 4.0, 3), ((2.0 - 1.0) / 3.0, 1), ((2.0 - 4.0) / 6.0, 1)];
    assert_eq!(keys(&observed, "imbalance_l1"), float_keys("imbalance_l1", &l1));
    // Bids 3 + 5, then 2 + 3 + 5; asks 1 + 4 + 7, then 4 + 7.
    let l5 = [((8.0 - 12.0) / 20.0, 3), ((10.0 - 12.0) / 22.0, 1), ((10.0 - 11.0) / 21.0, 1)];
    assert_eq!(keys(&observed, "imbalance_l5"), float_keys("imbalance_l5", &l5));
}

#[test]
fn the_fifth_level_counts_and_the_sixth_does_not() {
    let mut feed = Feed::new();
    let bids: Vec<(i64, i64)> = (0..7).map(|i| (100 - i, 1 << i)).collect();
    feed.snapshot(0, &bids, &[(101, 1)]);
    feed.depth(0, &[], &[(101, 1)]);
    let x = (31.0 - 1.0) / 32.0;
    assert_eq!(keys(&feed.observe(), "imbalance_l5"), float_keys("imbalance_l5", &[(x, 1)]));
}

#[test]
fn the_microprice_leans_to_the_thin_side() {
    let observed = small_book().observe();
    // (V_a p_b + V_b p_a) / (V_a + V_b) - mid: (1*100 + 3*102)/4 - 101, (1*101 + 2*102)/3 - 101.5, (4*101 + 2*103)/6 - 102.
    let want = [(0.5, 3), (0.5 / 3.0, 1), (-1.0 / 3.0, 1)];
    assert_eq!(keys(&observed, "microprice_offset"), float_keys("microprice_offset", &want));
}

#[test]
fn trades_give_sizes_signs_and_waiting_times() {
    let mut feed = Feed::new();
    feed.trade(0, 100, 5, BID).trade(0, 100, 5, ASK).trade(30, 101, 7, ASK).trade(1_030, 101, 5, BID);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "trade_size"), units(&[(5, 3), (7, 1)]));
    assert_eq!(keys(&observed, "aggressor_sign"), [(-1, 2), (1, 2)]);
    assert_eq!(keys(&observed, "inter_trade_time"), [(0, 1), (30_000_000, 1), (1_000_000_000, 1)]);
    // The waiting time of 1 s belongs to the window in which it ends.
    assert_eq!(windows(&observed, "inter_trade_time")[1], (T0_S + 1, vec![(1_000_000_000, 1)]));
    assert_eq!((observed.price_tick, observed.qty_lot), (ONE, ONE));
    assert_eq!(observed.span_ns, Some((at_ms(0), at_ms(1_030))));
}

#[test]
fn times_are_floored_to_the_clock_before_anything_else() {
    let trade = |id| Body::Trade { id, price: ONE, qty: ONE, side: BID };
    let mut fine = Feed::new();
    fine.push(at_ms(1) + 999_999, trade(1)).push(at_ms(3) + 1, trade(2));
    assert_eq!(keys(&fine.observe(), "inter_trade_time"), [(2_000_000, 1)]);
    let exact = ObserveOptions { clock_ns: 1, ..ObserveOptions::default() };
    assert_eq!(keys(&fine.observe_with(&exact), "inter_trade_time"), [(1_000_002, 1)]);
}

#[test]
fn events_are_trades_and_updates_but_not_snapshots() {
    let mut feed = Feed::new();
    feed.depth(0, &[(100, 1)], &[(101, 1)]).trade(40, 100, 1, ASK);
    feed.snapshot(50, &[(100, 1)], &[(101, 1)]).depth(1_250, &[], &[]);
    let observed = feed.observe();
    assert_eq!((observed.events, observed.updates, observed.trades, observed.snapshots), (3, 2, 1, 1));
    assert_eq!(observed.messages, 4);
    assert_eq!(keys(&observed, "inter_event_time"), [(40_000_000, 1), (1_210_000_000, 1)]);
    // Bins 0 (two events) to 12 (one); the eleven between are empty.
    assert_eq!(keys(&observed, "event_count_100ms"), [(0, 11), (1, 1), (2, 1)]);
    assert_eq!(keys(&observed, "event_count_1s"), [(1, 1), (2, 1)]);
    assert_eq!(observed.book_cadence_ns, Some(1_250_000_000));
}

#[test]
fn trades_and_updates_of_one_market_are_merged_by_time_whatever_order_they_arrive_in() {
    let mut arrival = Feed::new();
    arrival.depth(100, &[(100, 1)], &[(101, 1)]).trade(98, 100, 1, ASK).trade(104, 100, 1, ASK).depth(199, &[], &[]);
    let mut sorted = Feed::new();
    sorted.trade(98, 100, 1, ASK).depth(100, &[(100, 1)], &[(101, 1)]).trade(104, 100, 1, ASK).depth(199, &[], &[]);
    let (arrival, sorted) = (arrival.observe(), sorted.observe());
    assert_eq!(keys(&arrival, "inter_event_time"), [(2_000_000, 1), (4_000_000, 1), (95_000_000, 1)]);
    assert_eq!(arrival.series, sorted.series);
}

#[test]
fn a_book_without_snapshot_is_observed_after_the_warm_up() {
    let mut feed = Feed::new();
    feed.depth(0, &[(100, 1)], &[]);
    feed.depth(5_000, &[], &[(101, 1)]);
    for s in 6..=70 {
        feed.depth(s * 1_000, &[(99, s)], &[]);
    }
    let observed = feed.observe();
    // Two-sided since 5 s, so known from 65 s on: 65.0, 65.1, ..., 70.0.
    assert_eq!(keys(&observed, "spread"), units(&[(1, 51)]));
    assert_eq!(windows(&observed, "spread")[0].0, T0_S + 65);
    feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(101, 1)]).depth(1_000, &[], &[]);
    assert_eq!(keys(&feed.observe(), "spread"), units(&[(1, 11)]), "a snapshot needs no warm-up");
}

#[test]
fn a_snapshot_replaces_the_book() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(103, 1)]).depth(50, &[(101, 1)], &[]);
    feed.snapshot(100, &[(99, 2)], &[(104, 1)]).depth(200, &[], &[]);
    assert_eq!(keys(&feed.observe(), "spread"), units(&[(3, 1), (5, 2)]));
}

#[test]
fn a_silent_book_stands_for_a_minute_and_is_then_undefined() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(101, 1)]).depth(0, &[], &[]).depth(100_000, &[(100, 2)], &[]);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "depth_bid_l1"), units(&[(1, 601), (2, 1)]));
    assert_eq!(observed.grid_undefined, 1_000 - 601);
    assert_eq!(keys(&observed, "event_count_100ms"), [(0, 600), (1, 2)]);
    assert_eq!(keys(&observed, "inter_event_time"), [(100_000_000_000, 1)]);
    assert_eq!(support::counter(&observed, "rate_anomaly").count, 1);
}

/// One update per 50 ms for `n` updates, best prices and sizes from `state(i)`.
fn walk(n: i64, state: impl Fn(i64) -> [(i64, i64); 2]) -> Feed {
    let mut feed = Feed::new();
    let [mut bid, mut ask] = state(0);
    feed.snapshot(0, &[bid], &[ask]);
    for i in 0..n {
        let [new_bid, new_ask] = state(i);
        feed.depth(i * 50, &[(bid.0, 0), new_bid], &[(ask.0, 0), new_ask]);
        (bid, ask) = (new_bid, new_ask);
    }
    feed
}

fn wandering(i: i64) -> [(i64, i64); 2] {
    let mid = 500 + (i * i * 7 + i * 3) % 11;
    [(mid - 1 - (i % 5) / 4, 1 + (i * 13) % 17), (mid + 1 + (i % 3) / 2, 1 + (i * 5) % 19)]
}

/// The state that the grid sees `k` steps of 100 ms after the start: updates come every 50 ms.
fn on_grid(k: i64) -> [(i64, i64); 2] {
    wandering(2 * k)
}

#[test]
fn ofi_is_the_formula_of_cont_kukanov_and_stoikov_summed_over_each_second() {
    let observed = walk(20 * 7 + 1, wandering).observe();
    let one = |is: bool| i64::from(is);
    let mut want: Vec<i64> = (0..7)
        .map(|second| {
            let steps = (second * 10 + 1)..=(second * 10 + 10);
            steps
                .map(|k| {
                    let ([b, a], [b0, a0]) = (on_grid(k), on_grid(k - 1));
                    one(b.0 >= b0.0) * b.1 - one(b.0 <= b0.0) * b0.1 - one(a.0 <= a0.0) * a.1 + one(a.0 >= a0.0) * a0.1
                })
                .sum::<i64>()
                * ONE
        })
        .collect();
    want.sort_unstable();
    let got: Vec<i64> =
        keys(&observed, "ofi_1s").into_iter().flat_map(|(key, n)| std::iter::repeat_n(key, n as usize)).collect();
    assert_eq!(got, want);
    assert!(want.iter().any(|&x| x != 0));
}

#[test]
fn ofi_by_hand() {
    // The bid rises by a tick with 4 (adds 4), the ask stays and shrinks from 9 to 7 (takes 7, gives 9 back).
    let states = |i: i64| if i < 2 { [(100, 3), (105, 9)] } else { [(101, 4), (105, 7)] };
    let observed = walk(21, states).observe();
    assert_eq!(keys(&observed, "ofi_1s"), units(&[(4 - 7 + 9, 1)]));
}

#[test]
fn returns_are_taken_between_full_seconds() {
    let observed = walk(20 * 31 + 1, wandering).observe();
    let mid = |second: i64| {
        let [bid, ask] = on_grid(second * 10);
        (bid.0 + ask.0) as f64 / 2.0
    };
    for (id, step, n) in [("mid_log_return_1s", 1, 31), ("mid_log_return_10s", 10, 3)] {
        let lattice = lattice(id);
        // Another route to the same number; a key must hold it up to its rounding.
        let want: Vec<f64> = (0..n).map(|k| (mid((k + 1) * step) / mid(k * step)).ln()).collect();
        let got = keys(&observed, id);
        assert_eq!(got.iter().map(|&(_, n)| n as i64).sum::<i64>(), n, "{id}");
        for x in want {
            let is_in = |&(key, _): &(i64, u64)| lattice.lower(key) - 1e-15 <= x && x <= lattice.upper(key) + 1e-15;
            assert!(got.iter().any(is_in), "{id}: {x} has no key");
        }
    }
}

#[test]
fn a_return_needs_both_ends_of_its_second() {
    let mut feed = Feed::new();
    feed.snapshot(500, &[(100, 1)], &[(102, 1)]);
    feed.depth(500, &[], &[]).depth(2_500, &[], &[]).depth(90_000, &[], &[]).depth(92_000, &[], &[]);
    let observed = feed.observe();
    // Seconds 1 to 62 stand (2.5 s + 60 s), then 90 to 92: 61 + 2 returns, all exactly zero.
    assert_eq!(keys(&observed, "mid_log_return_1s"), [(lattice("mid_log_return_1s").key(0.0).unwrap(), 63)]);
}

fn lag_sums(observed: &Observed, id: &str) -> LagMoments {
    use verismo_stats::state::State;
    let SeriesWindows::Lags(windows) = &observed.series[id].windows else { panic!("{id} is no lag series") };
    let mut sum = windows[0].1.clone();
    for (_, moments) in &windows[1..] {
        sum.merge(moments).unwrap();
    }
    sum
}

#[test]
fn sign_products_run_over_all_trades_across_windows() {
    let signs: Vec<i64> = (0..300).map(|i| if (i * i) % 7 < 3 { 1 } else { -1 }).collect();
    let mut feed = Feed::new();
    for (i, sign) in signs.iter().enumerate() {
        feed.trade(i as i64 * 37, 100, 1, if *sign == 1 { BID } else { ASK });
    }
    let observed = feed.observe();
    assert!(observed.series["aggressor_sign_acf"].windows.len() > 5);
    assert_eq!(lag_sums(&observed, "aggressor_sign_acf"), LagMoments::from_series(&[1, 5, 20], &signs).unwrap());
}

#[test]
fn absolute_returns_are_counted_in_units_of_1e_9() {
    let observed = walk(20 * 40 + 1, wandering).observe();
    let mid = |second: i64| on_grid(second * 10).map(|level| level.0).iter().sum::<i64>() as f64;
    let series: Vec<i64> = (0..40).map(|k| ((mid(k + 1) / mid(k)).ln().abs() * 1e9).round() as i64).collect();
    assert_eq!(lag_sums(&observed, "abs_return_1s_acf"), LagMoments::from_series(&[1, 5, 10], &series).unwrap());
}

#[test]
fn windows_become_ten_seconds_long_after_a_quarter_of_an_hour() {
    let mut short = Feed::new();
    short.trade(0, 100, 1, BID).trade(15 * 60_000, 100, 1, BID);
    let short = short.observe();
    assert_eq!((short.window_ns, windows(&short, "trade_size").len()), (1_000_000_000, 2));
    let mut long = Feed::new();
    long.trade(0, 100, 1, BID).trade(9_000, 100, 2, BID).trade(15 * 60_000 + 1, 100, 1, BID);
    let long = long.observe();
    assert_eq!(long.window_ns, 10_000_000_000);
    let want = [(T0_S / 10, units(&[(1, 1), (2, 1)])), (T0_S / 10 + 90, units(&[(1, 1)]))];
    assert_eq!(windows(&long, "trade_size"), want);
}

#[test]
fn nothing_continues_across_a_session_that_does_not_continue_the_ids() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(101, 1)]).depth(0, &[], &[]).trade(0, 100, 1, BID);
    feed.trade_id(5_000, 100).flag_last_message(flags::NEW_SESSION);
    feed.depth_ids(5_000, 9_000, 9_000, &[(50, 1)], &[(60, 1)]).depth(5_100, &[], &[]).trade_id(5_200, 101);
    let observed = feed.observe();
    assert_eq!(keys(&observed, "inter_trade_time"), [(200_000_000, 1)]);
    assert_eq!(keys(&observed, "inter_event_time"), [(0, 2), (100_000_000, 2)]);
    // The second session has no snapshot, so that its book is not known yet.
    assert_eq!(keys(&observed, "spread"), []);
    assert_eq!(support::counter(&observed, "missing_id").count, 0);
    assert_eq!(support::counter(&observed, "sequence_gap").count, 0);
}

#[test]
fn only_what_is_asked_for_is_observed_and_unknown_names_are_said() {
    let observables = vec!["spread".to_owned(), "spraed".to_owned()];
    let observed = small_book().observe_with(&ObserveOptions { observables, ..ObserveOptions::default() });
    assert_eq!(observed.series.keys().collect::<Vec<_>>(), [&"spread"]);
    assert_eq!(observed.unknown_observables, ["spraed"]);
}

#[test]
fn an_empty_stream_has_empty_series() {
    let observed = Feed::new().observe();
    assert_eq!((observed.events, observed.span_ns, observed.book_cadence_ns), (0, None, None));
    assert!(observed.series.values().all(|series| series.windows.is_empty()));
    assert!(observed.counters.iter().all(|c| c.count == 0));
}
