//! Laws of the comparison that hold for any data.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

use proptest::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use verismo_stats::classic::{self, BINS, PSI_BINS, Tail};
use verismo_stats::histogram::{self, Histogram};
use verismo_stats::judging::{
    Blame, Comparison, Design, Effect, Judged, JudgingError, LawFunctional, Options, Outcome, Side, Window,
};
use verismo_stats::lattice::Lattice;

type Cells = Vec<Vec<(i64, u64)>>;
/// Stratum label and the windows of it.
type Labelled = Vec<(u32, Cells)>;

const EFFECTS: [Effect; 15] = [
    Effect::Ks,
    Effect::Kuiper,
    Effect::W1,
    Effect::Cvm,
    Effect::Ad,
    Effect::TotalVariation { bins: 8 },
    Effect::Mean,
    Effect::Quantile { p: 0.4 },
    Effect::SquaredCvm,
    Effect::SquaredAd,
    Effect::CramersV { bins: BINS },
    Effect::Psi { bins: PSI_BINS },
    Effect::JensenShannon { bins: BINS },
    Effect::KullbackLeibler { bins: BINS },
    Effect::MannWhitney,
];
const FUNCTIONALS: [LawFunctional; 7] = [
    LawFunctional::Skewness,
    LawFunctional::LnKurtosis,
    LawFunctional::LnLScale,
    LawFunctional::LSkew,
    LawFunctional::LKurtosis,
    LawFunctional::ParetoShape { tail: Tail::Upper, threshold: 2, from: 2.0 },
    LawFunctional::PowerLaw { tail: Tail::Upper, start: 1, from: 1.0 },
];
const DESIGNS: [Design; 4] = [Design::Independent, Design::Paired, Design::Strata, Design::PairedStrata];

fn options() -> Options {
    Options { replicates: 99, seed: [3; 32], ..Options::default() }
}

fn side(cells: &Cells, per_stratum: usize) -> Vec<Window<'_>> {
    cells
        .iter()
        .enumerate()
        .map(|(w, cells)| Window { stratum: (w / per_stratum) as u32, ..window(w as i64, cells) })
        .collect()
}

fn window(id: i64, cells: &[(i64, u64)]) -> Window<'static> {
    Window { id, stratum: 0, block: 0, cells: Cow::Owned(histogram::Cells::pack(cells)) }
}

fn compare(golden: &Cells, candidate: &Cells, design: Design) -> Comparison {
    Comparison::new(&side(golden, 6), &side(candidate, 6), design, &options()).unwrap()
}

fn value_of(key: i64) -> f64 {
    key as f64 * 0.25
}

fn judge(comparison: &Comparison, effect: Effect) -> Judged {
    match comparison.judge(effect, 0.05, &value_of).unwrap() {
        Outcome::Judged(judged) => *judged,
        other => panic!("{other:?}"),
    }
}

fn distance(golden: &Cells, candidate: &Cells) -> f64 {
    let below = |cells: &Cells, edge: i64| {
        let count = |keep: &dyn Fn(i64) -> bool| {
            cells.iter().flatten().filter(|(key, _)| keep(*key)).map(|(_, n)| *n).sum::<u64>() as f64
        };
        count(&|key| key <= edge) / count(&|_| true)
    };
    let keys = golden.iter().chain(candidate).flatten().map(|(key, _)| *key);
    keys.fold(0.0, |most: f64, key| most.max((below(candidate, key) - below(golden, key)).abs()))
}

prop_compose! {
    fn windows(range: core::ops::Range<usize>)(
        raw in proptest::collection::vec(proptest::collection::btree_map(-6_i64..7, 1_u64..9, 1..6), range)
    ) -> Cells {
        raw.into_iter().map(|cells| cells.into_iter().collect()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_distance_is_the_two_sample_distance(golden in windows(12..30), candidate in windows(12..30)) {
        let judged = judge(&compare(&golden, &candidate, Design::Independent), Effect::Ks);
        prop_assert!((judged.estimate - distance(&golden, &candidate)).abs() < 1e-14);
        prop_assert!(judged.lower <= judged.estimate && judged.estimate <= judged.upper);
    }

    #[test]
    fn every_interval_is_ordered_and_finite(golden in windows(12..30), candidate in windows(12..30)) {
        for design in DESIGNS {
            let comparison = compare(&golden, &candidate, design);
            for effect in EFFECTS {
                let j = judge(&comparison, effect);
                prop_assert!(j.lower <= j.estimate + 1e-12 && j.estimate <= j.upper + 1e-12, "{design:?} {effect:?} {j:?}");
                for p in [j.p_fail, j.p_pass] {
                    prop_assert!((0.0..=1.0).contains(&p), "{design:?} {effect:?} {j:?}");
                }
                prop_assert!(j.resolution.detectable >= 0.05 && j.upper.is_finite());
                prop_assert!(!(j.is_inside(0.05) && j.is_outside(0.05)));
                prop_assert!(!j.is_inside(0.05) || j.p_pass <= 0.05 + 1e-6, "{design:?} {effect:?} {j:?}");
            }
        }
    }

    #[test]
    fn the_order_of_windows_and_empty_windows_do_not_matter(
        golden in windows(12..25), candidate in windows(12..25), turn in 1_usize..11,
    ) {
        for design in DESIGNS {
            let (mut g, mut c) = (side(&golden, 6), side(&candidate, 6));
            let plain = Comparison::new(&g, &c, design, &options()).unwrap();
            g.rotate_left(turn);
            c.reverse();
            g.push(window(1_000, &[]));
            let moved = Comparison::new(&g, &c, design, &options()).unwrap();
            for effect in EFFECTS {
                prop_assert_eq!(judge(&plain, effect), judge(&moved, effect));
            }
        }
    }

    #[test]
    fn only_the_order_of_keys_matters_to_distances(golden in windows(12..25), candidate in windows(12..25)) {
        let stretch = |cells: &Cells| -> Cells {
            cells.iter().map(|w| w.iter().map(|(key, n)| (key * 1_000 + key.pow(3), *n)).collect()).collect()
        };
        let plain = compare(&golden, &candidate, Design::Independent);
        let stretched = compare(&stretch(&golden), &stretch(&candidate), Design::Independent);
        for effect in [Effect::Ks, Effect::Kuiper, Effect::Cvm, Effect::Ad, Effect::SquaredCvm, Effect::SquaredAd] {
            prop_assert_eq!(judge(&plain, effect), judge(&stretched, effect));
        }
    }

    #[test]
    fn swapping_sides_keeps_distances_and_turns_signs(golden in windows(20..21), candidate in windows(20..21)) {
        // Coarse edges are the golden's: with the same keys on both sides they are the same both ways.
        let (mut golden, mut candidate) = (golden, candidate);
        golden[0] = (-6..7).map(|key| (key, 2)).collect();
        candidate[0] = (-6..7).map(|key| (key, 3)).collect();
        for design in [Design::Independent, Design::Paired] {
            let there = compare(&golden, &candidate, design);
            let back = compare(&candidate, &golden, design);
            for effect in [Effect::Ks, Effect::Kuiper, Effect::W1] {
                let (a, b) = (judge(&there, effect), judge(&back, effect));
                prop_assert!((a.estimate - b.estimate).abs() < 1e-12 && (a.upper - b.upper).abs() < 1e-9, "{a:?} {b:?}");
            }
            for effect in [Effect::Mean, Effect::Quantile { p: 0.4 }, Effect::MannWhitney] {
                let (a, b) = (judge(&there, effect), judge(&back, effect));
                prop_assert!((a.estimate + b.estimate).abs() < 1e-12, "{a:?} {b:?}");
                prop_assert!((a.lower + b.upper).abs() < 1e-9 && (a.upper + b.lower).abs() < 1e-9, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn effects_are_those_of_the_classic_statistics(golden in windows(12..25), candidate in windows(12..25)) {
        let pooled = |cells: &Cells| Histogram::from_cells(Lattice::ticks(0), cells.concat()).unwrap();
        let (x, y) = (pooled(&golden), pooled(&candidate));
        let comparison = compare(&golden, &candidate, Design::Independent);
        let check = |effect: Effect, want: f64| {
            let got = judge(&comparison, effect).estimate;
            prop_assert!((got - want).abs() <= 1e-12 * (1.0 + want.abs()), "{effect:?}: {got} {want}");
            Ok(())
        };
        check(Effect::Kuiper, classic::kuiper(&x, &y).unwrap().statistic)?;
        check(Effect::SquaredCvm, classic::cvm(&x, &y).unwrap().effect)?;
        check(Effect::MannWhitney, classic::mwu(&x, &y).unwrap().effect)?;
        if let Ok(ad) = classic::ad(&x, &y) {
            check(Effect::SquaredAd, ad.effect)?;
        }
        if let (Ok(chi2), Ok(psi), Ok(js)) = (classic::chi2(&x, &y), classic::psi(&x, &y), classic::js(&x, &y)) {
            check(Effect::CramersV { bins: BINS }, chi2.effect)?;
            check(Effect::Psi { bins: PSI_BINS }, psi.statistic)?;
            check(Effect::JensenShannon { bins: BINS }, js.statistic)?;
        }
        if let Ok(kl) = classic::kl(&x, &y) {
            check(Effect::KullbackLeibler { bins: BINS }, kl.statistic)?;
        }
        if let Ok(energy) = classic::energy(&x, &y) {
            check(Effect::Energy, energy.effect)?;
        }
        for tail in [Tail::Upper, Tail::Lower] {
            let judged = |effect| comparison.judge(effect, 0.05, &|key| key as f64).ok().map(|outcome| match outcome {
                Outcome::Judged(judged) => *judged,
                other => panic!("{other:?}"),
            });
            let pairs = [
                (judged(Effect::Hill { tail }), classic::hill(&x, &y, tail).ok().map(|h| h.statistic)),
                (judged(Effect::TailRatio { tail }), classic::tail_quantile(&x, &y, tail).ok().map(|h| h.statistic)),
            ];
            for (got, want) in pairs {
                prop_assert_eq!(got.is_some(), want.is_some());
                if let (Some(got), Some(want)) = (got, want) {
                    prop_assert!((got.estimate - want).abs() <= 1e-10 * (1.0 + want.abs()), "{tail}: {} {want}", got.estimate);
                    prop_assert!(got.lower <= got.estimate && got.estimate <= got.upper);
                    prop_assert!((0.0..=1.0).contains(&got.p_fail) && (0.0..=1.0).contains(&got.p_pass), "{got:?}");
                }
            }
        }
    }

    #[test]
    fn numbers_of_a_law_are_the_classic_ones(golden in windows(40..45), candidate in windows(40..45)) {
        let pooled = |cells: &Cells| Histogram::from_cells(Lattice::ticks(0), cells.concat()).unwrap();
        let (x, y) = (pooled(&golden), pooled(&candidate));
        // L-moments of samples are unbiased, those of laws are not.
        let n = x.count().min(y.count()) as f64;
        for (functional, want) in FUNCTIONALS.into_iter().zip([
            (classic::skewness(&x, &y).ok().map(|c| c.effect), 1e-10),
            (classic::kurtosis(&x, &y).ok().map(|c| c.effect), 1e-10),
            (classic::l_scale(&x, &y).ok().map(|c| c.effect), 9.0 / n),
            (classic::l_skew(&x, &y).ok().map(|c| c.effect), 9.0 / n),
            (classic::l_kurtosis(&x, &y).ok().map(|c| c.effect), 30.0 / n),
            (classic::pareto(&x, &y, Tail::Upper, 2).ok().map(|c| c.statistic), 1e-9),
            (classic::power_law(&x, &y, Tail::Upper, 1).ok().map(|c| c.statistic), 1e-10),
        ]) {
            let judge = |golden: &Cells, candidate: &Cells, design| {
                compare(golden, candidate, design).judge(Effect::Functional(functional), 0.05, &|key| key as f64)
            };
            let there = judge(&golden, &candidate, Design::Independent);
            if let Ok(Outcome::Judged(there)) = &there {
                let (want, tolerance) = (want.0.unwrap(), want.1);
                prop_assert!((there.estimate - want).abs() <= tolerance * (1.0 + want.abs()), "{functional:?}: {there:?} {want}");
                prop_assert!(there.signed && there.lower <= there.estimate && there.estimate <= there.upper);
                prop_assert!((0.0..=1.0).contains(&there.p_fail) && (0.0..=1.0).contains(&there.p_pass), "{there:?}");
                if let Ok(Outcome::Judged(back)) = judge(&candidate, &golden, Design::Independent) {
                    prop_assert!((back.estimate + there.estimate).abs() <= 1e-10 * (1.0 + want.abs()));
                }
            } else {
                prop_assert!(matches!(there, Err(JudgingError::Undefined { .. })), "{functional:?}: {there:?}");
            }
            let same = judge(&golden, &golden, Design::Paired).unwrap();
            prop_assert!(matches!(&same, Outcome::Judged(judged) if judged.lower == 0.0 && judged.upper == 0.0));
        }
    }

    #[test]
    fn a_bin_left_empty_counts_as_half_an_observation(rest in 2_u64..9, own in 1_u64..4, n in 1_u64..4) {
        let golden: Cells = vec![vec![(0, rest), (1, own)]; 12];
        let candidate: Cells = vec![vec![(0, n)]; 12];
        let (p, empty) = (own as f64 / (rest + own) as f64, 0.5 / (12 * n) as f64);
        let want = p * libm::log(1.0 / (1.0 - p)) + (p - empty) * libm::log(p / empty);
        let judged = judge(&compare(&golden, &candidate, Design::Independent), Effect::Psi { bins: PSI_BINS });
        prop_assert!((judged.estimate - want).abs() < 1e-12 && judged.lower <= judged.estimate, "{want} {judged:?}");
    }

    #[test]
    fn equal_sides_are_exactly_equal(golden in windows(12..30)) {
        for design in DESIGNS {
            let comparison = compare(&golden, &golden, design);
            let paired = matches!(design, Design::Paired | Design::PairedStrata);
            prop_assert_eq!(comparison.is_identical(), paired);
            for effect in EFFECTS {
                let j = judge(&comparison, effect);
                prop_assert!(j.estimate.abs() <= 0.0, "{:?} {:?}", design, j);
                prop_assert!(!j.is_outside(0.0));
                prop_assert!(!paired || (j.lower.abs() <= 0.0 && j.upper.abs() <= 0.0 && j.is_inside(1e-12)));
            }
        }
    }

    #[test]
    fn any_windows_are_judged_or_refused_without_panic(
        golden in windows(0..20), candidate in windows(0..20), strata in 1_usize..8, shift in -30_i64..30,
    ) {
        let moved: Cells = candidate.iter().map(|w| {
            let moved: BTreeMap<i64, u64> = w.iter().map(|(k, n)| (k.saturating_add(shift << 56), *n)).collect();
            moved.into_iter().collect()
        }).collect();
        for design in DESIGNS {
            if let Ok(comparison) = Comparison::new(&side(&golden, strata), &side(&moved, strata), design, &options()) {
                for effect in EFFECTS {
                    comparison.judge(effect, 0.0, &|key| key as f64).unwrap();
                }
                comparison.blame(Effect::Ks, 3, &|key| key as f64).unwrap();
                comparison.heterogeneity(Effect::W1, &|key| key as f64).unwrap();
            }
        }
    }
}

#[test]
fn few_equal_pairs_are_exact_and_few_unequal_ones_say_how_many() {
    let golden: Cells = (0..3).map(|w| vec![(w, 4), (9, 5)]).collect();
    let judged = judge(&compare(&golden, &golden, Design::Paired), Effect::Ks);
    assert!(judged.upper.abs() <= 0.0 && judged.is_inside(1e-9));
    let mut candidate = golden.clone();
    candidate[1][0].1 += 1;
    let outcome = compare(&golden, &candidate, Design::Paired).judge(Effect::Ks, 0.1, &value_of).unwrap();
    assert!(matches!(outcome, Outcome::TooFewWindows { golden_needed: 9, candidate_needed: 9, .. }), "{outcome:?}");
}

/// Two strata with different laws; the candidate has another mix of them.
fn strata(golden: [usize; 2], candidate: [usize; 2]) -> (Labelled, Labelled) {
    let make = |sizes: [usize; 2], phase: u64| {
        (0..2_u32)
            .map(|s| {
                let cells = (0..sizes[s as usize] as u64)
                    .map(|w| (0..5).map(|j| (j + 3 * i64::from(s), 10 + (7 * w + 3 * j as u64 + phase) % 5)).collect())
                    .collect();
                (s, cells)
            })
            .collect()
    };
    (make(golden, 0), make(candidate, 2))
}

fn stratified(sides: &[(u32, Cells)]) -> Vec<Window<'_>> {
    sides
        .iter()
        .flat_map(|(stratum, cells)| {
            cells.iter().enumerate().map(move |(w, cells)| Window {
                stratum: *stratum,
                ..window(i64::from(*stratum) * 1_000 + w as i64, cells)
            })
        })
        .collect()
}

#[test]
fn matched_strata_remove_a_difference_of_mix() {
    let (golden, candidate) = strata([20, 20], [30, 10]);
    let (g, c) = (stratified(&golden), stratified(&candidate));
    let plain = Comparison::new(&g, &c, Design::Independent, &options()).unwrap();
    let matched = Comparison::new(&g, &c, Design::Strata, &options()).unwrap();
    assert_eq!(matched.matched_strata(), [0, 1]);
    assert!(judge(&plain, Effect::Ks).estimate > 0.1);
    assert!(judge(&matched, Effect::Ks).estimate < 0.005, "{:?}", judge(&matched, Effect::Ks));
    let summary = matched.noise_summary().unwrap();
    assert_eq!((summary.golden.unwrap().degrees, summary.golden.unwrap().blocks), (8, 2));
}

#[test]
fn sides_without_a_common_stratum_are_compared_as_pooled_laws() {
    let (golden, candidate) = strata([20, 20], [30, 10]);
    let (g, mut c) = (stratified(&golden), stratified(&candidate));
    for window in &mut c {
        window.stratum += 10;
    }
    let plain = Comparison::new(&g, &c, Design::Independent, &options()).unwrap();
    let unmatched = Comparison::new(&g, &c, Design::Strata, &options()).unwrap();
    assert!(unmatched.matched_strata().is_empty());
    let (a, b) = (judge(&plain, Effect::Ks), judge(&unmatched, Effect::Ks));
    assert!((a.estimate - b.estimate).abs() < 1e-12);
    assert!(b.upper < a.upper, "noise is taken inside the blocks: {a:?} {b:?}");
}

fn blame(golden: &Cells, candidate: &Cells, design: Design) -> Blame {
    compare(golden, candidate, design).blame(Effect::Ks, 3, &value_of).unwrap()
}

#[test]
fn blame_names_the_planted_window_stratum_and_range() {
    let golden: Cells = (0..24).map(|w| (0..8).map(|j| (j, 10 + (w + j as u64) % 3)).collect()).collect();
    let mut candidate = golden.clone();
    candidate[14] = vec![(5, 200)];
    for design in [Design::Independent, Design::Paired, Design::Strata, Design::PairedStrata] {
        let blame = blame(&golden, &candidate, design);
        let first = blame.windows[0];
        let paired = matches!(design, Design::Paired | Design::PairedStrata);
        assert_eq!((first.side, first.id), (if paired { Side::Golden } else { Side::Candidate }, 14), "{design:?}");
        assert!(first.effect_without < 0.2 * blame.effect, "{design:?}: {blame:?}");
        let excess = blame.largest_excess.unwrap();
        assert_eq!((excess.low, excess.high), (5, 5));
        assert!(excess.difference > 0.0 && blame.largest_gap.unwrap().key == 4);
        if matches!(design, Design::Strata | Design::PairedStrata) {
            assert_eq!(blame.strata[0].stratum, 14 / 6);
            assert!(blame.strata[0].effect_without < 1e-12);
        }
    }
}

#[test]
fn sixteen_threads_give_the_same_bits_as_one() {
    let golden: Cells = (0..40).map(|w| (0..20).map(|j| (j, 1 + (w * w + 3 * j as u64) % 7)).collect()).collect();
    // Far enough from the golden for a lower end above 0.
    let more = |j: i64| if j < 6 { 12 } else { 0 };
    let candidate: Cells =
        (0..40).map(|w| (0..20).map(|j| (j, 1 + more(j) + (w + 5 * j as u64) % 6)).collect()).collect();
    let one = judge(&compare(&golden, &candidate, Design::Independent), Effect::Ks);
    let all: Vec<Judged> = std::thread::scope(|scope| {
        let work: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| judge(&compare(&golden, &candidate, Design::Independent), Effect::Ks)))
            .collect();
        work.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(all.iter().all(|judged| *judged == one));
    let other = Options { seed: [4; 32], ..options() };
    let reseeded = Comparison::new(&side(&golden, 6), &side(&candidate, 6), Design::Independent, &other).unwrap();
    assert_ne!(judge(&reseeded, Effect::Ks).lower.to_bits(), one.lower.to_bits(), "the seed reaches the lower end");
}

#[test]
fn bad_input_is_refused_by_name() {
    let good: Cells = (0..12).map(|w| vec![(w, 3)]).collect();
    let refuse = |windows: &[Window<'_>], options: &Options| {
        Comparison::new(windows, &side(&good, 6), Design::Independent, options).unwrap_err()
    };
    let twice = [window(5, &[(2, 1)]), window(5, &[(1, 1)])];
    assert_eq!(refuse(&twice, &options()), JudgingError::DuplicateWindow { side: Side::Golden, id: 5 });
    let huge = [window(0, &[(1, u64::MAX - 1), (2, 1)])];
    assert_eq!(refuse(&huge, &options()), JudgingError::TooManyMessages { side: Side::Golden });
    for bad in [
        Options { alpha: 0.5, ..options() },
        Options { replicates: 0, ..options() },
        Options { coarse_edges_max: 7, ..options() },
    ] {
        assert!(matches!(refuse(&side(&good, 6), &bad), JudgingError::Parameter { .. }));
    }
    let far: Vec<Window<'_>> = good.iter().map(|cells| window(cells[0].0 + 100, cells)).collect();
    let none = Comparison::new(&far, &side(&good, 6), Design::Paired, &options());
    assert_eq!(none.unwrap_err(), JudgingError::NoPairs);
    let comparison = compare(&good, &good, Design::Independent);
    for (effect, margin) in [
        (Effect::Ks, f64::NAN),
        (Effect::Ks, -0.1),
        (Effect::Quantile { p: 1.0 }, 0.1),
        (Effect::TotalVariation { bins: 1 }, 0.1),
        (Effect::Psi { bins: 1 }, 0.1),
        (Effect::MannWhitney, -0.1),
    ] {
        assert!(comparison.judge(effect, margin, &value_of).is_err(), "{effect:?} {margin}");
    }
    assert!(comparison.judge(Effect::W1, 0.1, &|_| f64::NAN).is_err());
}

#[test]
fn coarse_edges_keep_atoms_and_lose_no_large_gap() {
    // 4,000 distinct keys and one atom with a third of the mass: the lower end must still see a moved atom.
    let make = |atom: i64| -> Cells {
        (0..20_u64)
            .map(|w| {
                let mut cells: Vec<(i64, u64)> = (0..200).map(|j| (j * 200 + (w as i64 * 7) % 200, 1)).collect();
                cells.push((atom, 100));
                cells.sort_unstable();
                cells.dedup_by_key(|cell| cell.0);
                cells
            })
            .collect()
    };
    let judged = judge(&compare(&make(20_001), &make(20_003), Design::Independent), Effect::Ks);
    assert!((judged.estimate - 1.0 / 3.0).abs() < 0.01, "{judged:?}");
    assert!(judged.lower > 0.25, "{judged:?}");
}

/// Values as large, small, far and near as numbers go: an interval of numbers, or why there is none.
#[test]
fn numbers_of_a_law_take_any_value() {
    let make = |shift: u64| -> Cells {
        (0..24_u64).map(|w| (0..9).map(|j| (j, 1 + (w * 5 + j as u64 * 3 + shift) % 7)).collect()).collect()
    };
    let values: [(&str, &dyn Fn(i64) -> f64); 8] = [
        ("plain", &|key| key as f64),
        ("largest", &|key| f64::MAX / 9.0 * key as f64),
        ("both ends", &|key| f64::MAX * (key as f64 / 4.0 - 1.0)),
        ("denormal", &|key| 5e-324 * key as f64),
        ("offset", &|key| 1e18 + 256.0 * key as f64),
        ("one far out", &|key| if key == 8 { 1e300 } else { key as f64 }),
        ("equal", &|_| 3.5),
        ("equal but one", &|key| if key == 8 { 1.0 } else { 0.0 }),
    ];
    let mut judged = 0;
    for (name, value_of) in values {
        for design in DESIGNS {
            let comparison = compare(&make(0), &make(3), design);
            let effects = FUNCTIONALS.map(Effect::Functional).into_iter().chain([Effect::Energy]);
            for effect in effects {
                match comparison.judge(effect, 0.1, value_of) {
                    Ok(Outcome::Judged(found)) => {
                        let numbers = [found.estimate, found.lower, found.upper, found.p_fail, found.p_pass];
                        assert!(numbers.iter().all(|v| v.is_finite()), "{effect:?} {name} {design:?}: {found:?}");
                        judged += 1;
                    }
                    Err(error) => assert!(!error.to_string().contains("NaN"), "{effect:?} {name}: {error}"),
                    other => panic!("{effect:?} {name}: {other:?}"),
                }
            }
        }
    }
    assert!(judged > 60, "{judged} intervals");
    let comparison = compare(&make(0), &make(3), Design::Independent);
    for functional in FUNCTIONALS {
        assert!(comparison.judge(Effect::Functional(functional), 0.1, &|_| f64::NAN).is_err());
        assert!(comparison.judge(Effect::Functional(functional), f64::NAN, &|key| key as f64).is_err());
    }
    let few = compare(&make(0), &make(3)[..11].to_vec(), Design::Independent);
    let outcome = few.judge(Effect::Functional(LawFunctional::LSkew), 0.1, &|key| key as f64).unwrap();
    assert!(matches!(outcome, Outcome::TooFewWindows { candidate_needed: 1, .. }), "{outcome:?}");
}
