use super::*;
use verismo_stats::pooled::Cell;

const S: i64 = 1_000_000_000;
const MS: i64 = 1_000_000;

/// A book of two levels a side, 100 apart.
fn book(ask: i64, ask_size: i64, bid: i64, bid_size: i64) -> Book {
    let mut book = Book::default();
    for level in 0..2 {
        let away = 100 * level as i64;
        (book.ask_prices[level], book.ask_sizes[level]) = (ask + away, ask_size + away);
        (book.bid_prices[level], book.bid_sizes[level]) = (bid - away, bid_size + away);
    }
    book
}

fn row(t_ns: i64, kind: i64, order: i64, size: i64, price: i64, direction: i64, book: Book) -> Row {
    Row { t_ns, kind, order, size, price, direction, book }
}

fn scored(rows: &[Row]) -> Scored {
    let mut scorer = Scorer::new(2);
    rows.iter().for_each(|row| scorer.push(row));
    scorer.finish()
}

/// The values of a score by its name, in one window.
fn of(rows: &[Row], score: &str) -> Vec<Cell> {
    let (windows, _) = scored(rows).windows(1);
    windows[0][SCORES.iter().position(|s| s.id == score).unwrap()].clone()
}

fn values(rows: &[Row], score: &str) -> Vec<f64> {
    of(rows, score).into_iter().flat_map(|(x, n)| std::iter::repeat_n(x, n as usize)).collect()
}

fn near(found: &[f64], want: &[f64]) {
    assert!(
        found.len() == want.len() && found.iter().zip(want).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs()),
        "{found:?}, want {want:?}"
    );
}

#[test]
fn the_book_shows_spread_imbalance_and_volumes() {
    let rows =
        [row(0, 1, 1, 5, 9_900, 1, book(10_100, 30, 9_900, 10)), row(S, 5, 0, 1, 9, 1, book(10_100, 0, 9_800, 0))];
    near(&values(&rows, "spread"), &[200.0, 300.0]);
    // Nothing at the touch has no imbalance.
    near(&values(&rows, "orderbook_imbalance"), &[-0.5]);
    near(&values(&rows, "ask_volume_touch"), &[0.0, 30.0]);
    near(&values(&rows, "bid_volume"), &[100.0, 120.0]);
    let (_, left_out) = scored(&rows).windows(1);
    assert_eq!((left_out[1], left_out.iter().sum::<u64>()), (1, 1));
    assert_eq!(scored(&rows).rows_without_touch, 1);
}

#[test]
fn times_are_logarithms_and_no_time_is_tiny() {
    let b = book(10_100, 1, 9_900, 1);
    let rows = [
        row(0, 1, 7, 1, 1, 1, b),
        row(0, 1, 8, 1, 1, 1, b),
        row(5 * MS, 3, 7, 1, 1, 1, b),
        row(6 * MS, 3, 9, 1, 1, 1, b),
        // Executions are no lives; the second message counts, not the third.
        row(7 * MS, 4, 8, 1, 1, 1, b),
        row(8 * MS, 2, 8, 1, 1, 1, b),
        row(9 * MS, 3, 8, 1, 1, 1, b),
        // Known before it is new: the time between its first two messages.
        row(19 * MS, 1, 9, 1, 1, 1, b),
    ];
    let ln = libm::log;
    near(&values(&rows, "log_inter_arrival_time"), &[ln(1e-9), 0.0, 0.0, 0.0, 0.0, ln(5.0), ln(10.0)]);
    near(&values(&rows, "log_time_to_cancel"), &[ln(0.005), ln(0.008), ln(0.013)]);
    near(&values(&[rows[0], row(0, 3, 7, 1, 1, 1, b)], "log_time_to_cancel"), &[ln(1e-9)]);
    // Backwards in time there is no logarithm.
    let (_, left_out) = scored(&[rows[7], rows[0]]).windows(1);
    assert_eq!(left_out[at::INTER_ARRIVAL], 1);
}

#[test]
fn depths_are_beside_the_book_after_and_cancelled_levels_in_the_book_before() {
    let (first, second) = (book(10_100, 1, 9_900, 1), book(10_200, 1, 9_900, 1));
    let rows = [
        row(0, 3, 1, 1, 10_100, -1, first),
        row(1, 1, 2, 1, 10_200, -1, first),
        row(2, 1, 3, 1, 9_800, 1, first),
        row(3, 1, 4, 1, 10_000, 1, first),
        row(4, 3, 5, 1, 10_100, -1, second),
        row(5, 2, 6, 1, 10_100, -1, second),
    ];
    // A price at the mid has no side; a cancellation at the start has a depth, and no book before it.
    near(&values(&rows, "limit_ask_order_depth"), &[200.0]);
    near(&values(&rows, "limit_bid_order_depth"), &[200.0]);
    near(&values(&rows, "ask_cancellation_depth"), &[50.0, 50.0, 100.0]);
    near(&values(&rows, "limit_ask_order_levels"), &[2.0]);
    near(&values(&rows, "limit_bid_order_levels"), &[2.0]);
    // Of the last two the first price was the best ask before, the other stands nowhere then.
    near(&values(&rows, "ask_cancellation_levels"), &[1.0]);
    assert!(values(&rows, "bid_cancellation_levels").is_empty());
}

#[test]
fn a_price_on_both_sides_of_a_crossed_book_has_two_levels() {
    let crossed = book(9_900, 1, 10_000, 1);
    let rows = [row(0, 1, 1, 1, 9_900, 1, crossed)];
    near(&values(&rows, "limit_ask_order_levels"), &[1.0]);
    near(&values(&rows, "limit_bid_order_levels"), &[2.0]);
}

#[test]
fn volume_is_that_of_clock_seconds_and_of_parts_at_the_ends() {
    let b = book(10_100, 1, 9_900, 1);
    let trades = |all: &[(i64, i64)]| {
        let rows: Vec<Row> = all.iter().map(|(t_ns, size)| row(*t_ns, 4, 1, *size, 1, 1, b)).collect();
        values(&rows, "vol_per_min")
    };
    near(&trades(&[]), &[]);
    near(&trades(&[(100 * MS, 5)]), &[300.0]);
    near(&trades(&[(100 * MS, 5), (350 * MS, 5)]), &[2_400.0]);
    near(&trades(&[(100 * MS, 5), (199 * MS, 5)]), &[]);
    // The first second is left out unless it is nearly over, the last unless a tenth of it has passed.
    near(&trades(&[(899 * MS, 1), (S, 2), (2 * S + 50 * MS, 3)]), &[120.0]);
    near(&trades(&[(950 * MS, 1), (S, 2), (2 * S + 500 * MS, 3)]), &[120.0, 360.0, 1_200.0]);
    near(&trades(&[(950 * MS, 1), (2 * S + 50 * MS, 3)]), &[1_200.0]);
    // Microseconds are cut off, and messages out of order come back to their second.
    near(&trades(&[(950 * MS + 999, 1), (3 * S, 2), (2 * S, 4), (3 * S + 500 * MS, 2)]), &[240.0, 480.0, 1_200.0]);
}

#[test]
fn order_flow_is_a_mean_of_a_hundred_and_sorted_by_the_next_move() {
    let mut rows = vec![row(0, 1, 1, 1, 1, 1, book(10_100, 50, 9_900, 50))];
    // The bid grows by one at every message: each flow is 1.
    for i in 1..=101 {
        rows.push(row(i * MS, 1, 1, 1, 1, 1, book(10_100, 50, 9_900, 50 + i)));
    }
    assert_eq!(of(&rows[..100], "ofi"), []);
    assert_eq!(of(&rows, "ofi"), [(1.0, 2)]);
    assert_eq!(of(&rows, "ofi_stay"), [(1.0, 1)]);
    // A better bid brings all of its size, and the flow before goes to the moves up.
    rows.push(row(S, 1, 1, 1, 1, 1, book(10_100, 50, 9_950, 11)));
    assert_eq!(of(&rows, "ofi_up"), [(1.0, 1)]);
    assert_eq!(of(&rows, "ofi"), [(1.0, 2), (1.1, 1)]);
    // A worse ask takes the size of the one before.
    rows.push(row(2 * S, 3, 1, 1, 1, 1, book(10_400, 50, 9_950, 11)));
    assert_eq!(of(&rows, "ofi"), [(1.0, 2), (1.1, 1), (1.59, 1)]);
}

#[test]
fn windows_hold_neighbouring_messages_and_all_of_them() {
    let rows: Vec<Row> = (0..2_600)
        .map(|i| row(i * 700 * MS, if i % 3 == 0 { 4 } else { 1 }, i, 1, 9_900, 1, book(10_000 + i, 1, 9_900, 1)))
        .collect();
    let all = scored(&rows);
    assert_eq!(all.blocks(), 5);
    let whole = scored(&rows).windows(1).0;
    for most in [2, 3, 5, 90] {
        let (windows, left_out) = scored(&rows).windows(most);
        assert_eq!((windows.len(), left_out), (most.min(5), [0; SCORE_COUNT]));
        for score in 0..SCORE_COUNT {
            let parts = verismo_stats::pooled::merge(windows.iter().map(|window| window[score].as_slice()));
            assert_eq!(parts, whole[0][score], "{}", SCORES[score].id);
        }
        let ends: Vec<f64> = windows.iter().map(|window| window[at::SPREAD].last().unwrap().0).collect();
        assert!(ends.is_sorted(), "{ends:?}");
    }
    // Trades of two seconds a message: those of a window are its own.
    let windows = scored(&rows).windows(5).0;
    let trades: Vec<u64> = windows.iter().map(|w| w[at::VOLUME_PER_MINUTE].iter().map(|(_, n)| n).sum()).collect();
    assert!(trades.iter().all(|n| (160..=210).contains(n)), "{trades:?}");
}

#[test]
fn impact_follows_the_mid_price_from_before_an_event() {
    let at = |mid: i64, size: i64| book(mid + 100, size, mid - 100, 1);
    let rows = [
        row(0, 1, 1, 1, 1, 1, at(10_000, 1)),
        // Nothing at the touch changes: no event.
        row(MS, 1, 2, 1, 1, 1, at(10_000, 1)),
        row(2 * MS, 1, 3, 1, 1, 1, at(10_000, 2)),
        // A sell order is hit by a buyer, in two executions of one price: one event, the price goes up.
        row(3 * MS, 4, 4, 1, 10_100, -1, at(10_000, 3)),
        row(3 * MS + 900, 4, 5, 1, 10_100, -1, at(10_200, 3)),
        // A bid goes: its sign is down.
        row(4 * MS, 3, 6, 1, 1, 1, at(10_150, 3)),
        row(5 * MS, 5, 7, 1, 1, 1, at(10_150, 9)),
        row(6 * MS, 3, 7, 1, 1, 0, at(10_150, 8)),
        row(7 * MS, 1, 8, 1, 1, -1, at(10_150, 7)),
    ];
    let impact = scored(&rows).impact;
    // The first event counts as a change of price.
    assert_eq!(impact.events, [0, 1, 2, 1, 0, 1]);
    // One event later is the price after the event itself.
    assert_eq!((impact.sums[1][0], impact.counts[1][0]), (200, 1));
    assert_eq!((impact.sums[5][0], impact.counts[5][0]), (50, 1));
    assert_eq!(impact.mean(1, 1), Some(1.5));
    assert_eq!((impact.counts[2][0], impact.sums[2][0], impact.mean(2, 6)), (2, 0, None));
}

#[test]
fn conditions_are_counted_by_pair_and_volatility_between_neighbours() {
    let b = |ask: i64, size: i64| book(ask, size, 10_000, 1);
    let rows = [
        row(34_200 * S, 1, 1, 1, 1, 1, b(10_100, 5)),
        row(34_200 * S, 1, 1, 1, 1, 1, b(10_100, 5)),
        row(34_200 * S + 150 * MS, 1, 1, 1, 1, 1, b(10_200, 5)),
        row(34_200 * S + 250 * MS, 1, 1, 1, 1, 1, b(10_100, 5)),
        row(34_201 * S, 1, 1, 1, 1, 1, b(10_900, 6)),
    ];
    let found = scored(&rows);
    let pairs = found.conditions.ask_size_by_spread.clone().sorted();
    assert_eq!(pairs, [((100, 5), 3), ((200, 5), 1), ((900, 6), 1)]);
    // 34,200 s is beyond ten of 24 edges of a day.
    let times = found.conditions.spread_by_time.clone().sorted();
    assert_eq!(times, [((10, 100), 3), ((10, 200), 1), ((10, 900), 1)]);
    // Two returns, up and down by as much; the last price has no neighbour.
    let step = libm::log(10_100.0 / 10_050.0);
    assert!((found.volatility - step * 2.0_f64.sqrt()).abs() < 1e-12, "{}", found.volatility);
    assert!(scored(&rows[..2]).volatility == 0.0);
    let mut both = found.conditions.clone();
    both.merge(found.conditions);
    assert_eq!(both.ask_size_by_spread.sorted()[0], ((100, 5), 6));
}
