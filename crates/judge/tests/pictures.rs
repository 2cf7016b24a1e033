//! What figures are drawn from agrees with the findings, and shows when a difference began.
// Equal windows have an effect of exactly 0.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

mod common;

use common::{PLAN, Plan, SUITE, side};
use verismo_judge::{JudgeOptions, Judgement, SeriesWindows, SideStates};
use verismo_suite::Suite;
use verismo_suite::catalogue::TestId;
use verismo_suite::report::{Against, Picture, Stretch, rounded};

fn judged(golden: &SideStates, candidate: &SideStates) -> Judgement {
    verismo_judge::judge(golden, candidate, &Suite::parse(SUITE).unwrap(), &JudgeOptions::default())
}

fn picture<'a>(judgement: &'a Judgement, id: &str) -> &'a Picture {
    judgement.pictures.iter().find(|p| p.observable == id).unwrap()
}

fn stretches(picture: &Picture) -> Vec<Stretch> {
    let time = picture.time.as_ref().unwrap();
    (0..time.effects.len()).map(|i| time.stretch(i)).collect()
}

#[test]
fn the_curves_are_those_of_the_finding() {
    let judgement = judged(&side(PLAN), &side(Plan { seed: 2, shift: 0.5, ..PLAN }));
    assert_eq!(judgement.pictures.len(), 4, "one for each observable");
    for id in ["mid_log_return_1s", "trade_size", "event_count_1s"] {
        let finding = judgement.findings.iter().find(|f| f.observable == id && f.test == TestId::Ks).unwrap();
        let picture = picture(&judgement, id);
        let laws = picture.laws.as_ref().unwrap();
        let n = laws.at.len();
        assert!((20..140).contains(&n), "{id}: {n} points");
        assert!([&laws.golden, &laws.candidate, &laws.pointwise].iter().all(|column| column.len() == n));
        assert!(laws.at.windows(2).all(|w| w[0] < w[1]), "{id}: values ascend");
        for law in [&laws.golden, &laws.candidate] {
            assert!(law.windows(2).all(|w| w[0] <= w[1]) && *law.last().unwrap() == 1.0, "{id}");
        }
        let worst = laws.worst.unwrap() as usize;
        let gap = |i: usize| (laws.candidate[i] - laws.golden[i]).abs();
        assert!((gap(worst) - finding.effect.unwrap()).abs() < 2e-5, "{id}");
        assert!((0..n).all(|i| gap(i) <= gap(worst) + 2e-5));
        // What the finding says is what the bands show, at the listed values.
        let [low, high] = finding.interval.unwrap();
        assert!(low <= gap(worst) - laws.simultaneous.unwrap() + 1e-4, "{id}: {low}");
        let reach = (0..n).map(|i| gap(i) + laws.pointwise[i]).fold(0.0, f64::max);
        assert!(reach <= high + 1e-4 && reach > 0.9 * high, "{id}: {reach} {high}");
        assert_eq!(laws.margin, finding.margin.map(rounded));
        assert_eq!(picture.counts, [finding.n_golden, finding.n_candidate]);
        assert!(laws.golden_range[0] == laws.at[0] || laws.candidate_range[0] == laws.at[0]);
    }
    let lags = &picture(&judgement, "aggressor_sign_acf").lags;
    assert_eq!(lags.iter().map(|l| l.lag).collect::<Vec<_>>(), [1, 5, 20]);
    for bar in lags {
        let name = format!("lag={}", bar.lag);
        let finding = judgement.findings.iter().find(|f| f.parameter.as_ref() == Some(&name)).unwrap();
        let difference = bar.candidate.unwrap() - bar.golden.unwrap();
        assert!((difference - finding.statistic.unwrap()).abs() < 1e-4, "{name}");
        assert!(bar.half_width.unwrap() > 0.0 && bar.margin == finding.margin);
    }
}

#[test]
fn equal_sides_are_equal_at_all_times() {
    let golden = side(PLAN);
    let judgement = judged(&golden, &golden.clone());
    for p in &judgement.pictures {
        let time = p.time.as_ref().unwrap();
        assert_eq!((time.against, time.step_ns), (Against::SameStretch, 30_000_000_000), "{}", p.observable);
        assert_eq!(time.effects.len(), 60);
        assert!(time.effects.iter().all(|e| *e == Some(0.0)), "{}", p.observable);
        assert!(stretches(p).iter().all(|s| *s == Stretch::Noise), "{}", p.observable);
        assert!(p.laws.as_ref().is_none_or(|l| l.worst.is_none() && l.golden == l.candidate));
    }
}

#[test]
fn a_fault_of_the_second_half_shows_in_the_second_half_only() {
    let golden = side(PLAN);
    let mut candidate = golden.clone();
    let shifted = side(Plan { shift: 1.0, ..PLAN });
    let half = PLAN.windows / 2;
    for (id, series) in &mut candidate.streams[0].series {
        let (SeriesWindows::Cells(own), SeriesWindows::Cells(other)) =
            (&mut series.windows, &shifted.streams[0].series[id].windows)
        else {
            continue;
        };
        own[half..].clone_from_slice(&other[half..]);
        // Ten windows of the candidate are lost.
        own.drain(30..40);
    }
    let judgement = judged(&golden, &candidate);
    let picture = picture(&judgement, "mid_log_return_1s");
    let (time, kinds) = (picture.time.as_ref().unwrap(), stretches(picture));
    assert_eq!(kinds.len(), 60);
    assert!(kinds[..10].iter().chain(&kinds[14..30]).all(|k| *k == Stretch::Noise), "{kinds:?}");
    assert!(kinds[30..].iter().all(|k| *k == Stretch::Beyond), "{kinds:?}");
    // Windows 30 to 39 are stretches 10 to 12 and a third of 13.
    assert!(kinds[10..13].iter().all(|k| *k == Stretch::Empty) && (10..13).all(|i| time.is_one_sided(i)), "{kinds:?}");
    assert!(!time.is_one_sided(13) && time.candidate[13] == 200 && time.golden[13] == 300);
}

#[test]
fn another_stretch_of_the_same_process_is_seldom_beyond_at_any_time() {
    let mut beyond = 0;
    let mut all = 0;
    for seed in 2..8 {
        let judgement = judged(&side(PLAN), &side(Plan { seed, ..PLAN }));
        for p in &judgement.pictures {
            assert_eq!(p.time.as_ref().unwrap().against, Against::WholeGolden);
            let kinds = stretches(p);
            all += kinds.len();
            beyond += kinds.iter().filter(|k| **k == Stretch::Beyond).count();
        }
    }
    assert!(all > 1_000 && beyond * 200 < all, "{beyond} of {all}");
}

#[test]
fn many_pictures_hold_less_each() {
    let plan = Plan { windows: 180, ..PLAN };
    let (golden, candidate) = (side(plan), side(Plan { seed: 2, ..plan }));
    let several = |side: &SideStates| {
        let mut out = side.clone();
        for i in 0..29 {
            let mut stream = side.streams[0].clone();
            stream.symbol = format!("S{i}");
            out.streams.push(stream);
        }
        out
    };
    let few = judged(&golden, &candidate);
    let many = judged(&several(&golden), &several(&candidate));
    let size = |j: &Judgement| picture(j, "mid_log_return_1s").laws.as_ref().unwrap().at.len();
    assert_eq!(many.pictures.len(), 120);
    // The largest is judged first, and stands where its rule does.
    let rules = Suite::parse(SUITE).unwrap().observable_ids();
    let of_one = |j: &Judgement| {
        let mut ids: Vec<String> = j.findings.iter().map(|f| f.observable.clone()).collect();
        ids.dedup();
        ids
    };
    assert_eq!(of_one(&few), rules);
    assert!(few.pictures.iter().map(|p| &p.observable).eq(rules.iter()), "{rules:?}");
    assert!(size(&many) < size(&few), "{} {}", size(&many), size(&few));
    assert!(many.pictures.iter().all(|p| p.time.as_ref().unwrap().effects.len() <= 48));
}
