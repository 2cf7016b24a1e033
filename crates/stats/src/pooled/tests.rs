use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn cells(values: &[f64]) -> Vec<Cell> {
    count(&mut values.to_vec())
}

#[test]
fn a_sample_is_counted_without_what_is_no_number() {
    assert_eq!(cells(&[2.0, f64::NAN, -0.0, 0.0, f64::INFINITY, 2.0, -1.0]), [(-1.0, 1), (0.0, 2), (2.0, 2)]);
    assert_eq!(merge([&cells(&[1.0, 3.0])[..], &cells(&[1.0, 2.0])]), [(1.0, 2), (2.0, 1), (3.0, 1)]);
    assert_eq!(merge([]), []);
}

#[test]
fn what_is_undefined_has_a_reason() {
    let one = cells(&[5.0]);
    assert_eq!(Pooled::new(&[], &one), Err(PooledError::Empty("first")));
    assert_eq!(Pooled::new(&one, &[]), Err(PooledError::Empty("second")));
    let same = Pooled::new(&one, &one).unwrap();
    assert_eq!(same.moments(), Err(PooledError::NoSpread));
    assert_eq!(same.freedman_diaconis(), Ok(EqualBins { first: 4.5, last: 5.5, bins: 1 }));
    assert!(same.total_variation(&same.bins(&Bins::FreedmanDiaconis).unwrap()).abs() < f64::MIN_POSITIVE);
    assert!(same.w1().abs() < f64::MIN_POSITIVE);
    let wide = Pooled::new(&cells(&[-1e308, 0.0]), &cells(&[1e308])).unwrap();
    assert_eq!(wide.freedman_diaconis(), Err(PooledError::Overflow));
    // A million neighbours and one value far away.
    let near: Vec<f64> = (0..1000).map(f64::from).collect();
    let far = Pooled::new(&cells(&near), &cells(&[1e15])).unwrap();
    assert_eq!(far.freedman_diaconis(), Err(PooledError::TooManyBins));
}

#[test]
fn deciles_that_are_equal_are_kept_twice_and_set_apart() {
    let pooled = Pooled::new(&cells(&[1.0; 65]), &cells(&[2.0; 35])).unwrap();
    // Six deciles are 1, three are 2.
    let edges = pooled.deciles();
    let want = [1.0, 1.01, 2.0, 2.01];
    assert!(edges.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12) && edges.len() == 4, "{edges:?}");
    assert_eq!(pooled.bins(&Bins::Deciles).unwrap(), [1, 3]);
    assert_eq!(pooled.bins(&Bins::Edges(vec![1.5])).unwrap(), [0, 1]);
}

#[test]
fn a_summary_of_few_numbers() {
    assert_eq!(summary(&[]), None);
    let two = summary(&[1.0, 2.0]).unwrap();
    assert!((two.interquartile_mean - 1.5).abs() < 1e-15);
    let five = summary(&[5.0, 1.0, 2.0, 3.0, 100.0]).unwrap();
    assert!((five.median - 3.0).abs() < 1e-15 && (five.interquartile_mean - 10.0 / 3.0).abs() < 1e-15, "{five:?}");
}

proptest! {
    #[test]
    fn swapping_the_samples_changes_no_distance(
        x in vec(prop_oneof![-9.0..9.0_f64, (-4..4_i32).prop_map(f64::from)], 1..60),
        y in vec(prop_oneof![-9.0..9.0_f64, (-4..4_i32).prop_map(f64::from)], 1..60),
    ) {
        let there = Pooled::new(&cells(&x), &cells(&y)).unwrap();
        let back = Pooled::new(&cells(&y), &cells(&x)).unwrap();
        for bins in [Bins::Values, Bins::FreedmanDiaconis, Bins::Deciles] {
            let (a, b) = (there.bins(&bins), back.bins(&bins));
            prop_assert_eq!(&a, &b);
            if let (Ok(a), Ok(b)) = (a, b) {
                let l1 = there.total_variation(&a);
                prop_assert_eq!(l1.to_bits(), back.total_variation(&b).to_bits());
                prop_assert!((0.0..=1.0).contains(&l1), "{}", l1);
                prop_assert!(a.is_sorted());
            }
        }
        prop_assert_eq!(there.w1().to_bits(), back.w1().to_bits());
        prop_assert_eq!(there.moments(), back.moments());
    }

    #[test]
    fn the_bin_of_a_value_is_the_number_of_edges_up_to_it(
        first in -1e6..1e6_f64, width in 1e-6..1e9_f64, bins in 1..2000_u64, at in 0.0..=1.0_f64,
    ) {
        let bins = EqualBins { first, last: first + width, bins };
        let on_edge = bins.edge((at * bins.bins as f64) as u64);
        for x in [first + at * width, on_edge, bins.last, first] {
            if x <= bins.last {
                let edges = (0..=bins.bins).filter(|i| bins.edge(*i) <= x).count() as u64;
                prop_assert_eq!(bins.bin_of(x), edges);
            }
        }
    }

    #[test]
    fn any_numbers_are_an_answer(x in vec(any::<f64>(), 0..30), y in vec(any::<f64>(), 0..30)) {
        if let Ok(pooled) = Pooled::new(&cells(&x), &cells(&y)) {
            for bins in [Bins::Values, Bins::FreedmanDiaconis, Bins::Deciles] {
                if let Ok(bins) = pooled.bins(&bins) {
                    let l1 = pooled.total_variation(&bins);
                    prop_assert!((0.0..=1.0).contains(&l1), "{}", l1);
                }
            }
            let _ = (pooled.moments(), pooled.w1());
        }
    }
}
