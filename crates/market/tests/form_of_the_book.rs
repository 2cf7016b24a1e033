//! How the quantity of a book lies, what orders that walk it pay, and volatility by the minute, computed by hand.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{Feed, ONE, T0_S, keys, windows};
use verismo_market::observe::series::lattice;
use verismo_market::observe::{Observed, SeriesWindows};
use verismo_stats::lags::LagMoments;

/// The keys of an observable are those of these values, but for the rounding of another route to them.
fn assert_values(observed: &Observed, id: &str, values: &[(f64, u64)]) {
    let (lattice, got) = (lattice(id), keys(observed, id));
    assert_eq!(got.iter().map(|cell| cell.1).sum::<u64>(), values.iter().map(|value| value.1).sum::<u64>(), "{id}");
    for &(x, n) in values {
        let slack = 1e-12 * x.abs();
        let near = |&&(key, _): &&(i64, u64)| lattice.lower(key) - slack <= x && x <= lattice.upper(key) + slack;
        let found: u64 = got.iter().filter(near).map(|cell| cell.1).sum();
        assert!(found >= n, "{id}: {x} is there {found} times, not {n}: {got:?}");
    }
}

fn levels(best: i64, step: i64, qtys: &[i64]) -> Vec<(i64, i64)> {
    qtys.iter().enumerate().map(|(i, &qty)| (best + step * i as i64, qty)).collect()
}

fn one_sample(bids: &[i64], asks: &[i64]) -> Observed {
    let mut feed = Feed::new();
    feed.snapshot(0, &levels(100, -1, bids), &levels(102, 1, asks)).depth(0, &[], &[]);
    feed.observe()
}

#[test]
fn twenty_levels_count_where_there_are_twenty() {
    let observed = one_sample(&[1; 20], &[&[3; 20][..], &[100]].concat());
    assert_values(&observed, "imbalance_l20", &[((20.0 - 60.0) / 80.0, 1)]);
    assert_eq!(keys(&one_sample(&[1; 19], &[3; 21]), "imbalance_l20"), []);
}

#[test]
fn the_volume_adjusted_mid_weighs_each_side_with_the_quantity_of_the_other() {
    // Mean prices 98 and 104, quantities 5 and 10: (98 * 10 + 104 * 5) / 15 = 100, the mid is 101.
    let observed = one_sample(&[1, 1, 1, 1, 1, 9], &[2, 2, 2, 2, 2, 7]);
    assert_values(&observed, "vamp_offset_l5", &[(-1.0, 1)]);
    // Mean prices (100 + 4 * 96) / 5 and 102 + (1 + 4) / 6, quantities 5 and 6.
    let observed = one_sample(&[1, 0, 0, 0, 4, 1, 1, 1], &[3, 1, 0, 0, 2, 0, 1]);
    assert_eq!(keys(&observed, "vamp_offset_l5"), [], "four asks");
    let observed = one_sample(&[1, 1, 1, 1, 6], &[5, 1, 1, 1, 2]);
    let (bid, ask) =
        ((100.0 + 99.0 + 98.0 + 97.0 + 6.0 * 96.0) / 10.0, (5.0 * 102.0 + 103.0 + 104.0 + 105.0 + 2.0 * 106.0) / 10.0);
    assert_values(&observed, "vamp_offset_l5", &[((bid + ask) / 2.0 - 101.0, 1)]);
}

#[test]
fn an_order_that_walks_the_book_pays_level_by_level() {
    // Half of 28 asks: 1 at 102, 3 each at 103 to 106, 1 at 107, in the mean 104.5; half of 20 bids: five levels, in the mean 98.
    let observed = one_sample(&[2; 10], &[1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 50]);
    assert_values(&observed, "slippage_buy", &[(10_000.0 * 3.5 / 101.0, 1)]);
    assert_values(&observed, "slippage_sell", &[(10_000.0 * 3.0 / 101.0, 1)]);
    assert_values(&observed, "depth_share_l1", &[(3.0 / 48.0, 1)]);
    let observed = one_sample(&[2; 9], &[1; 10]);
    assert_eq!(keys(&observed, "slippage_sell"), []);
    assert_eq!(keys(&observed, "slippage_buy").len(), 1);
    assert_eq!(keys(&observed, "depth_share_l1"), []);
}

/// One update per second for `n` seconds, best prices from `state(i)`.
fn seconds(n: i64, state: impl Fn(i64) -> (i64, i64)) -> Feed {
    let mut feed = Feed::new();
    let (mut bid, mut ask) = state(0);
    feed.snapshot(0, &[(bid, 1)], &[(ask, 1)]);
    for i in 0..n {
        let (new_bid, new_ask) = state(i);
        feed.depth(i * 1_000, &[(bid, 0), (new_bid, 1 + i % 3)], &[(ask, 0), (new_ask, 2 + i % 5)]);
        (bid, ask) = (new_bid, new_ask);
    }
    feed
}

fn wandering(i: i64) -> (i64, i64) {
    let mid = 5_000 + (i * i * 7 + i * 3) % 23;
    (mid - 1 - i % 2, mid + 1 + (i % 5) / 3)
}

#[test]
fn the_spread_changes_from_second_to_second() {
    let observed = seconds(100, wandering).observe();
    let spread = |i: i64| wandering(i).1 - wandering(i).0;
    let mut want: Vec<i64> = (1..100).map(|i| (spread(i) - spread(i - 1)) * ONE).collect();
    want.sort_unstable();
    let got = keys(&observed, "spread_change_1s").into_iter();
    assert_eq!(got.flat_map(|(key, n)| std::iter::repeat_n(key, n as usize)).collect::<Vec<_>>(), want);
}

#[test]
fn seconds_on_both_ends_of_a_hole_are_no_neighbours() {
    let mut feed = Feed::new();
    feed.snapshot(0, &[(100, 1)], &[(102, 1)]).depth(0, &[], &[]).depth(200_000, &[(101, 1)], &[]).depth(
        201_000,
        &[],
        &[],
    );
    // Seconds 0 to 60, and 200 and 201.
    assert_eq!(keys(&feed.observe(), "spread_change_1s"), [(0, 61)]);
}

#[test]
fn squares_of_jumps_are_cut_off() {
    use verismo_stats::state::State;
    let observed = seconds(3, |i| if i < 1 { (100, 102) } else { (200, 202) }).observe();
    let SeriesWindows::Lags(windows) = &observed.series["return_sq_1s_acf"].windows else { panic!("no lag series") };
    assert_eq!(windows.iter().map(|(_, m)| (m.count(), m.sum())).collect::<Vec<_>>(), [(1, 1_000_000_000_000), (1, 0)]);
}

#[test]
fn lag_series_are_products_of_all_seconds_across_windows() {
    let observed = seconds(150, wandering).observe();
    let log_return = |i: i64| {
        let mid_2 = |(bid, ask): (i64, i64)| (bid + ask) as f64;
        libm::log1p((mid_2(wandering(i)) - mid_2(wandering(i - 1))) / mid_2(wandering(i - 1)))
    };
    let check = |id: &str, lags: &[u32], series: Vec<i64>| {
        use verismo_stats::state::State;
        let SeriesWindows::Lags(windows) = &observed.series[id].windows else { panic!("{id} is no lag series") };
        let mut sum = windows[0].1.clone();
        windows[1..].iter().for_each(|(_, moments)| sum.merge(moments).unwrap());
        assert!(series.iter().any(|&x| x != 0));
        assert_eq!(sum, LagMoments::from_series(lags, &series).unwrap(), "{id}");
    };
    check("return_1s_acf", &[1, 5, 10], (1..150).map(|i| libm::round(1e9 * log_return(i)) as i64).collect());
    let square = |i: i64| libm::round(1e15 * log_return(i) * log_return(i)) as i64;
    let squares: Vec<i64> = (1..150).map(square).collect();
    check("return_sq_1s_acf", &[1, 5, 10], squares);
    let spread = |i: i64| (wandering(i).1 - wandering(i).0) * ONE;
    check("spread_acf", &[1, 10, 60], (0..150).map(spread).collect());
    let flow = |i: i64| {
        let ((b, a), (b0, a0)) = (wandering(i), wandering(i - 1));
        let one = |is: bool| i64::from(is);
        let (q_b, q_b0) = (1 + i % 3, 1 + (i - 1) % 3);
        let (q_a, q_a0) = (2 + i % 5, 2 + (i - 1) % 5);
        10_000 * (one(b >= b0) * q_b - one(b <= b0) * q_b0 - one(a <= a0) * q_a + one(a >= a0) * q_a0)
    };
    check("ofi_1s_acf", &[1, 5, 10], (1..150).map(flow).collect());
}

#[test]
fn volatility_is_summed_over_absolute_minutes() {
    // Full minutes are at 40 s, 100 s, 160 s.
    let observed = seconds(165, wandering).observe();
    let mid = |s: i64| (wandering(s).0 + wandering(s).1) as f64 / 2.0;
    let r = |s: i64, step: i64| (mid(s) / mid(s - step)).ln();
    let minute = |end: i64| {
        let rv: f64 = (end - 59..=end).map(|s| r(s, 1) * r(s, 1)).sum();
        let bv: f64 = (end - 58..=end).map(|s| r(s, 1).abs() * r(s - 1, 1).abs()).sum();
        let rv_10: f64 = (0..6).map(|k| r(end - 10 * k, 10) * r(end - 10 * k, 10)).sum();
        (rv.sqrt() * 1e4, std::f64::consts::FRAC_PI_2 * 60.0 / 59.0 * bv / rv, rv_10 / rv)
    };
    let (a, b) = (minute(100), minute(160));
    assert_values(&observed, "realised_vol_1m", &[(a.0, 1), (b.0, 1)]);
    assert_values(&observed, "bipower_ratio_1m", &[(a.1, 1), (b.1, 1)]);
    assert_values(&observed, "variance_ratio_10s", &[(a.2, 1), (b.2, 1)]);
    assert_eq!(windows(&observed, "realised_vol_1m").iter().map(|w| w.0 - T0_S).collect::<Vec<_>>(), [100, 160]);
}

#[test]
fn a_price_that_bounces_has_volatility_and_no_variance_over_ten_seconds() {
    let observed = seconds(101, |s| (100 + s % 2, 102 + s % 2)).observe();
    let r = (102.0f64 / 101.0).ln();
    assert_values(&observed, "realised_vol_1m", &[(1e4 * r * 60.0f64.sqrt(), 1)]);
    assert_values(&observed, "bipower_ratio_1m", &[(std::f64::consts::FRAC_PI_2, 1)]);
    assert_values(&observed, "variance_ratio_10s", &[(0.0, 1)]);
    // One that stands has none, and no ratios.
    let observed = seconds(101, |_| (100, 102)).observe();
    assert_values(&observed, "realised_vol_1m", &[(0.0, 1)]);
    assert_eq!(keys(&observed, "bipower_ratio_1m"), []);
    assert_eq!(keys(&observed, "variance_ratio_10s"), []);
}

#[test]
fn a_minute_with_a_hole_is_left_out() {
    let mut feed = seconds(50, wandering);
    // Silent for longer than a book stands, so that the minute to 160 s has a hole; that to 220 s has none.
    feed.depth(130_000, &[], &[]).depth(170_000, &[], &[]).depth(225_000, &[], &[]);
    let observed = feed.observe();
    assert_eq!(windows(&observed, "realised_vol_1m").iter().map(|w| w.0 - T0_S).collect::<Vec<_>>(), [100, 220]);
}
