//! Lag sums against sums by hand, however the series is cut.
#![allow(clippy::unwrap_used, missing_docs)]

use proptest::collection::vec;
use proptest::prelude::*;
use verismo_stats::lags::{LAG_MAX, LAGS_MAX, LagCarry, LagError, LagMoments};
use verismo_stats::state::{Group, State, laws};

const LAGS: [u32; 3] = [1, 5, 20];

/// The sums of one window: the values from `start` on, with pairs reaching back over the whole series.
fn by_hand(series: &[i64], start: usize) -> Vec<(u64, i128, i128, i128)> {
    let sums = |lag: u32| {
        let mut sums = (0, 0, 0, 0);
        for t in start.max(lag as usize)..series.len() {
            let (lead, lagged) = (i128::from(series[t]), i128::from(series[t - lag as usize]));
            sums = (sums.0 + 1, sums.1 + lead, sums.2 + lagged, sums.3 + lead * lagged);
        }
        sums
    };
    LAGS.map(sums).to_vec()
}

fn of_pairs(moments: &LagMoments) -> Vec<(u64, i128, i128, i128)> {
    moments.pairs().iter().map(|p| (p.n_pairs, p.sum_lead, p.sum_lagged, p.sum_product)).collect()
}

proptest! {
    #[test]
    fn windows_of_one_series_add_up_to_it(windows in vec(vec(-(1_i64 << 50)..1 << 50, 0..30), 0..6)) {
        let mut carry = LagCarry::new(&LAGS).unwrap();
        let mut sum = LagMoments::new(&LAGS).unwrap();
        let mut series: Vec<i64> = Vec::new();
        let mut last = sum.clone();
        for window in &windows {
            let start = series.len();
            series.extend(window);
            last = LagMoments::new(&LAGS).unwrap();
            carry.feed(window, &mut last).unwrap();
            prop_assert_eq!(of_pairs(&last), by_hand(&series, start), "pairs across windows belong to the later one");
            prop_assert_eq!(carry.values(), &series[series.len().saturating_sub(20)..]);
            sum.merge(&last).unwrap();
        }
        laws::assert_same(&sum, &LagMoments::from_series(&LAGS, &series).unwrap(), "windows add up to the series");
        prop_assert_eq!(sum.sum(), series.iter().map(|&x| i128::from(x)).sum::<i128>());
        prop_assert_eq!(sum.sum_squares(), series.iter().map(|&x| u128::from(x.unsigned_abs()).pow(2)).sum::<u128>());
        // Taking out the last window leaves the series before it.
        sum.subtract(&last).unwrap();
        let n_before = series.len() - windows.last().map_or(0, Vec::len);
        laws::assert_same(&sum, &LagMoments::from_series(&LAGS, &series[..n_before]).unwrap(), "subtraction");
    }

    #[test]
    fn autocorrelation_is_its_definition_and_ignores_offsets(
        series in vec(-1000..1000_i64, 8..60),
        offset in prop_oneof![Just(0), Just(1_i64 << 50), Just(-(1_i64 << 55))],
    ) {
        let shifted: Vec<i64> = series.iter().map(|x| x + offset).collect();
        let moments = LagMoments::from_series(&LAGS, &shifted).unwrap();
        let n = series.len() as f64;
        let mean = series.iter().sum::<i64>() as f64 / n;
        let centred: Vec<f64> = series.iter().map(|&x| x as f64 - mean).collect();
        let variance = centred.iter().map(|d| d * d).sum::<f64>() / n;
        for lag in [1_usize, 5] {
            let products: Vec<f64> = centred[lag..].iter().zip(&centred).map(|(a, b)| a * b).collect();
            let want = products.iter().sum::<f64>() / products.len() as f64 / variance;
            match moments.autocorrelation(lag as u32) {
                Some(got) => prop_assert!((got - want).abs() <= 1e-9, "lag {lag}: {got} {want}"),
                None => prop_assert!(variance == 0.0),
            }
        }
        prop_assert!((moments.variance().unwrap() - variance).abs() <= 1e-9 * variance.max(1.0));
    }
}

#[test]
fn known_autocorrelations() {
    let alternating: Vec<i64> = (0..1000).map(|t| if t % 2 == 0 { 7 } else { -7 }).collect();
    let moments = LagMoments::from_series(&[1, 2], &alternating).unwrap();
    assert_eq!(moments.autocorrelation(1), Some(-1.0));
    assert_eq!(moments.autocorrelation(2), Some(1.0));
    assert_eq!(moments.autocorrelation(3), None, "lag 3 was not recorded");
    assert_eq!(moments.variance(), Some(49.0));
    let constant = LagMoments::from_series(&[1], &[5; 10]).unwrap();
    assert_eq!(constant.autocorrelation(1), None, "a constant has none");
    assert_eq!(LagMoments::from_series(&[1], &[5]).unwrap().autocorrelation(1), None, "no pairs");
    assert_eq!(LagMoments::new(&[1]).unwrap().variance(), None);
}

#[test]
fn a_reset_forgets_the_past() {
    let mut carry = LagCarry::new(&[1]).unwrap();
    let mut moments = LagMoments::new(&[1]).unwrap();
    carry.feed(&[1, 2], &mut moments).unwrap();
    carry.reset();
    carry.feed(&[3, 4], &mut moments).unwrap();
    assert_eq!(of_pairs(&moments), [(2, 6, 4, 14)]);
    assert_eq!(moments.count(), 4);
}

#[test]
fn overflow_is_an_error_that_changes_nothing() {
    let mut carry = LagCarry::new(&[1]).unwrap();
    let mut moments = LagMoments::new(&[1]).unwrap();
    carry.feed(&[3], &mut moments).unwrap();
    let before = (carry.clone(), moments.clone());
    let too_large = [i64::MIN; 6];
    assert_eq!(carry.feed(&too_large, &mut moments), Err(LagError::Overflow { index: 3 }));
    assert_eq!((carry, moments), before);
}

#[test]
fn lags_are_checked() {
    let too_many: Vec<u32> = (1..=LAGS_MAX as u32 + 1).collect();
    for lags in [&[0][..], &[2, 2], &[3, 1], &[LAG_MAX + 1], &too_many] {
        assert_eq!(LagMoments::new(lags), Err(LagError::InvalidLags));
        assert_eq!(LagCarry::new(lags), Err(LagError::InvalidLags));
    }
    let mut moments = LagMoments::new(&[1]).unwrap();
    assert_eq!(LagCarry::new(&[2]).unwrap().feed(&[1], &mut moments), Err(LagError::DifferentLags));
}
