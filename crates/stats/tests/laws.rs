//! The laws of every state, from data shaped like the real ones.
#![allow(clippy::unwrap_used, missing_docs)]

use proptest::collection::vec;
use proptest::prelude::*;
use verismo_stats::histogram::Histogram;
use verismo_stats::lags::LagMoments;
use verismo_stats::lattice::{Lattice, Split, ordered};
use verismo_stats::panel::{Panel, PanelRows, UNDEFINED};
use verismo_stats::sample::{IdRuns, IdSample};
use verismo_stats::{group_laws, idempotence_laws, state_laws};

/// Up to eight parts of up to forty items.
fn parts<T: std::fmt::Debug>(item: impl Strategy<Value = T> + Clone) -> impl Strategy<Value = Vec<Vec<T>>> {
    vec(vec(item, 0..40), 0..8)
}

fn tick_keys() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![
        -1000..1000_i64,
        1_700_000_000_000_000_000..1_700_000_000_000_001_000_i64,
        Just(i64::MIN),
        Just(i64::MAX)
    ]
}

fn floats() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![
        4 => -2.0..2.0_f64,
        2 => any::<f64>().prop_filter("finite", |x| x.is_finite()),
        2 => (-5..5_i32).prop_map(f64::from),
        1 => Just(-0.0),
        1 => Just(f64::MIN),
        1 => Just(f64::MAX),
        1 => Just(5e-324),
    ]
}

fn of_ticks(keys: &[i64]) -> Histogram {
    Histogram::from_keys(Lattice::ticks(8), &mut keys.to_vec())
}

fn of_floats(values: &[f64]) -> Histogram {
    let histogram = Histogram::from_values(Lattice::float(10), values);
    assert_eq!(histogram.cells().iter().map(|&(_, n)| n).sum::<u64>(), values.len() as u64);
    histogram
}

fn split_lattice() -> Lattice {
    let (one, two) = (ordered(1.0), ordered(2.0));
    let splits = [
        Split { lo: -5, hi: 7, bits: 52 },
        Split { lo: one + 3, hi: two, bits: 14 },
        Split { lo: two, hi: two + 1, bits: 52 },
    ];
    Lattice::float_at(4, 0.5).with_splits(&splits).unwrap()
}

fn of_split(values: &[f64]) -> Histogram {
    Histogram::from_values(split_lattice(), values)
}

state_laws!(tick_histogram, Histogram, parts(tick_keys()), of_ticks, refuses: [
    Histogram::from_keys(Lattice::ticks(7), &mut [1]),
    Histogram::from_keys(Lattice::exact(), &mut [1]),
]);
group_laws!(tick_histogram_group, parts(tick_keys()), of_ticks);
state_laws!(float_histogram, Histogram, parts(floats()), of_floats, refuses: [
    Histogram::from_values(Lattice::float(11), &[1.0]),
    Histogram::from_values(Lattice::float_at(10, 1.0), &[1.0]),
]);
group_laws!(float_histogram_group, parts(floats()), of_floats);
state_laws!(split_histogram, Histogram, parts(floats()), of_split, refuses: [
    Histogram::from_values(Lattice::float_at(4, 0.5), &[1.0]),
]);

/// A series with its position: parts of one series are windows that share no pair, so that sums add up.
fn of_series(values: &[i64]) -> LagMoments {
    let mut moments = LagMoments::new(&[1, 5, 20]).unwrap();
    // Each item is a window of its own here: pairs across windows are tested with the carry in `lags.rs`.
    for &x in values {
        let window = [x, x / 2, x / 3, 5, x / 7, 1, x];
        moments.merge(&LagMoments::from_series(&[1, 5, 20], &window).unwrap()).unwrap();
    }
    moments
}

fn prices() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![-1000..1000_i64, (1_i64 << 40)..(1_i64 << 40) + 1000, Just(1_i64 << 56)]
}

fn overflowing() -> LagMoments {
    let huge = LagMoments::from_series(&[1, 5, 20], &[i64::MIN; 2]).unwrap();
    let mut sum = huge.clone();
    while sum.merge(&huge).is_ok() && sum.count() < 8 {}
    assert_eq!(sum.count(), 2, "the sum of two products of 2^126 fits no more");
    sum
}

use verismo_stats::state::State;
state_laws!(lag_moments, LagMoments, parts(prices()), of_series, refuses: [
    LagMoments::new(&[1, 5]).unwrap(),
    LagMoments::new(&[]).unwrap(),
]);
group_laws!(lag_moments_group, parts(prices()), of_series);

#[test]
fn overflow_of_an_exact_sum_is_refused() {
    verismo_stats::state::laws::check_refusal(&overflowing(), &overflowing());
    let full = Histogram::from_cells(Lattice::ticks(8), vec![(3, u64::MAX)]).unwrap();
    verismo_stats::state::laws::check_refusal(&full, &of_ticks(&[1]));
    assert!(Histogram::from_cells(Lattice::ticks(8), vec![(3, u64::MAX), (4, 1)]).is_err());
}

fn events() -> impl Strategy<Value = (i64, i64, u64)> + Clone {
    // Few ids, times and contents, so that the same id comes with the same and with other payloads.
    (0..60_i64, 0..3_i64, 0..2_u64)
}

fn of_events(events: &[(i64, i64, u64)]) -> IdSample {
    let mut sample = IdSample::new(16);
    for &(id, time_ns, content) in events {
        sample.push(id, time_ns, content);
    }
    sample
}

state_laws!(id_sample, IdSample, parts(events()), of_events, refuses: [IdSample::new(17)]);
idempotence_laws!(id_sample_semilattice, parts(events()), of_events);

fn ids() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![8 => 0..200_i64, 1 => Just(i64::MIN), 1 => (i64::MAX - 3)..=i64::MAX]
}

fn of_ids(ids: &[i64]) -> IdRuns {
    let mut runs = IdRuns::new(IdRuns::DEFAULT_RUNS_MAX);
    for &id in ids {
        runs.insert(id);
    }
    runs
}

state_laws!(id_runs, IdRuns, parts(ids()), of_ids, refuses: [IdRuns::new(7)]);

fn of_even_ids(ids: &[i64]) -> IdRuns {
    let mut runs = IdRuns::new(5);
    for &id in ids {
        runs.insert(id * 2);
    }
    runs
}

// Gaps that nothing fills: saturation then depends on the union alone, and the laws hold through it.
state_laws!(saturating_id_runs, IdRuns, parts(0..100_i64), of_even_ids, refuses: [IdRuns::new(7)]);

fn rows() -> impl Strategy<Value = (i64, [i64; 3])> + Clone {
    let number = || prop_oneof![4 => -50..50_i64, 1 => Just(UNDEFINED), 1 => Just(i64::MAX), 1 => Just(i64::MIN + 1)];
    // Few times and numbers, so that times repeat, and rows as a whole.
    let time = prop_oneof![8 => 0..30_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    (time, number(), number(), 0..2_i64).prop_map(|(t, a, b, c)| (t, [a, b, c]))
}

fn of_rows(rows: &[(i64, [i64; 3])]) -> Panel {
    let mut panel = PanelRows::new(3);
    for (t_ns, row) in rows {
        panel.push(*t_ns, row);
    }
    Panel::pack(panel)
}

state_laws!(panel, Panel, parts(rows()), of_rows, refuses: [Panel::new(2)]);
group_laws!(panel_group, parts(rows()), of_rows);

#[test]
fn a_panel_gives_its_rows_back_in_time() {
    let panel = of_rows(&[(7, [1, UNDEFINED, -3]), (5, [i64::MAX, i64::MIN + 1, 0]), (7, [1, UNDEFINED, -4])]);
    let rows = panel.rows();
    assert_eq!(rows.t_ns, [5, 7, 7]);
    assert_eq!(rows.values, [i64::MAX, i64::MIN + 1, 0, 1, UNDEFINED, -4, 1, UNDEFINED, -3]);
    // Neighbours that are alike take a byte a number.
    let slow: Vec<_> = (0..1000).map(|i| (i, [1_000_000 + i % 3, i / 40, UNDEFINED])).collect();
    assert!(of_rows(&slow).bytes() < 4010, "{}", of_rows(&slow).bytes());
}
