//! The tests of two laws, from states to findings.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

mod common;

use common::{PLAN, Plan, side};
use verismo_judge::{Cells, JudgeOptions, Judgement, SideStates};
use verismo_suite::Suite;
use verismo_suite::catalogue::{LAW_TESTS, TestId};
use verismo_suite::report::Finding;
use verismo_suite::verdict::FindingVerdict;

const ALL: &str = "\
schema: verismo.suite/1
observables:
  - {id: mid_log_return_1s, decide: ks, margins: {ks: 0.05}, tests: all}
  - {id: trade_size, decide: ad, margins: {ad: 0.002}, tests: [hill, tail_quantile, mwu]}
";

fn judged(golden: &SideStates, candidate: &SideStates, suite: &str) -> Judgement {
    verismo_judge::judge(golden, candidate, &Suite::parse(suite).unwrap(), &JudgeOptions::default())
}

fn of<'a>(judgement: &'a Judgement, observable: &str, test: TestId) -> &'a Finding {
    judgement.findings.iter().find(|f| f.observable == observable && f.test == test).unwrap()
}

const RETURN: &str = "mid_log_return_1s";

#[test]
fn every_test_passes_another_stretch_of_the_same_process() {
    let judgement = judged(&side(PLAN), &side(Plan { seed: 2, ..PLAN }), ALL);
    for test in LAW_TESTS {
        let finding = of(&judgement, RETURN, *test);
        assert_ne!(finding.verdict, FindingVerdict::Error, "{test}: {}", finding.reason);
        assert_ne!(finding.verdict, FindingVerdict::Fail, "{test}: {}", finding.reason);
        let ([low, high], effect) = (finding.interval.unwrap(), finding.effect.unwrap());
        assert!(low <= effect && effect <= high && finding.resolution.unwrap() > 0.0, "{test}: {finding:?}");
        let Some([certified_low, certified_high]) = finding.certified else {
            assert!(*test == TestId::Gpd && finding.undefined["certified"].contains("no bound"), "{test}: {finding:?}");
            continue;
        };
        let statistic = finding.statistic.unwrap();
        assert!(certified_low <= statistic && statistic <= certified_high, "{test}: {finding:?}");
        assert!(test.info().signed || low.abs() <= 0.0, "{test}: 0 is not excluded");
    }
    // Both tails of returns have a sign, sizes have the upper one.
    let tails = |observable: &str, test| {
        let found = judgement.findings.iter().filter(|f| f.observable == observable && f.test == test);
        found.map(|f| f.parameter.clone().unwrap()).collect::<Vec<_>>()
    };
    for test in [TestId::Hill, TestId::TailQuantile, TestId::Gpd, TestId::PowerLaw] {
        assert_eq!(tails(RETURN, test), ["tail=lower", "tail=upper"]);
    }
    assert!(judgement.findings.iter().any(|f| f.observable == "trade_size" && f.test == TestId::Ad && f.deciding));
}

#[test]
fn a_shift_fails_every_test_that_sees_location_and_no_tail() {
    let judgement = judged(&side(PLAN), &side(Plan { seed: 2, shift: 0.5, ..PLAN }), ALL);
    use TestId::{Ad, Chi2, Cvm, Js, Kuiper, Mwu, Psi};
    for test in [Kuiper, Cvm, Ad, Mwu, Chi2, Psi, Js] {
        let finding = of(&judgement, RETURN, test);
        assert_eq!(finding.verdict, FindingVerdict::Fail, "{test}: {}", finding.reason);
        assert!(finding.p_fail.unwrap() <= 0.05, "{test}");
        assert_eq!(finding.heterogeneity.is_some(), !test.info().signed, "{test}: {:?}", finding.undefined);
    }
    let effect = |test| of(&judgement, RETURN, test).effect.unwrap();
    // Half a standard deviation between two normals: delta^2/(2 pi sqrt 3), Phi(delta/sqrt 2) - 1/2, about delta^2.
    assert!((effect(Cvm) - 0.25 * 0.0919).abs() < 0.006, "{}", effect(Cvm));
    assert!((effect(Mwu) - 0.138).abs() < 0.02, "{}", effect(Mwu));
    assert!((effect(Psi) - 0.24).abs() < 0.06, "{}", effect(Psi));
    let back = judged(&side(Plan { seed: 2, shift: 0.5, ..PLAN }), &side(PLAN), ALL);
    assert_eq!(of(&back, RETURN, Mwu).effect.unwrap(), -effect(Mwu));
    assert_eq!(of(&back, RETURN, Cvm).statistic.is_some(), of(&judgement, RETURN, Cvm).p_value.is_some());
}

/// A finding is that of its test alone: whichever tests run beside it, in whichever order, on however many threads.
#[test]
fn a_finding_does_not_depend_on_the_tests_beside_it() {
    // Eighteen half hours: more rows of noise than edges.
    let long = Plan { windows: 3_240, per_window: 30, ..PLAN };
    let (golden, candidate) = (side(long), side(Plan { seed: 2, shift: 0.2, ..long }));
    let suite = |tests: &[TestId]| {
        let names: Vec<&str> = tests.iter().map(|test| test.as_str()).collect();
        let observable = format!("{{id: {RETURN}, decide: ks, margins: {{ks: 0.05}}, tests: [{}]}}", names.join(", "));
        format!("schema: verismo.suite/1\nobservables:\n  - {observable}\n")
    };
    let findings = |tests: &[TestId], threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let judgement = pool.install(|| judged(&golden, &candidate, &suite(tests)));
        let mut found: Vec<(TestId, String)> = Vec::new();
        for mut finding in judgement.findings.into_iter().filter(|f| f.observable == RETURN) {
            // What is corrected for the number of findings depends on it.
            (finding.p_fail, finding.reason) = (None, String::new());
            found.push((finding.test, format!("{finding:?}")));
        }
        found.sort_unstable();
        found
    };
    let all = findings(LAW_TESTS, 1);
    let mut backwards = LAW_TESTS.to_vec();
    backwards.reverse();
    for threads in [1, 2, 7] {
        assert_eq!(findings(LAW_TESTS, threads), all, "{threads} threads");
        assert_eq!(findings(&backwards, threads), all, "{threads} threads, backwards");
    }
    let mut alone = 0;
    for test in LAW_TESTS {
        for finding in findings(&[*test], 1) {
            assert!(all.contains(&finding), "{test} alone: {}", finding.1);
            alone += usize::from(finding.0 != TestId::Ks);
        }
    }
    assert_eq!(alone + 1, all.len());
}

#[test]
fn equal_windows_pass_every_test_with_nothing() {
    for windows in [3, 40] {
        let golden = side(Plan { windows, ..PLAN });
        let judgement = judged(&golden, &golden.clone(), ALL);
        for finding in &judgement.findings {
            assert_eq!(finding.verdict, FindingVerdict::Pass, "{} {}", finding.test, finding.reason);
            assert_eq!(finding.effect.map(f64::abs), Some(0.0), "{}", finding.test);
            assert_eq!(finding.interval.map(|[l, u]| (l.abs(), u.abs())), Some((0.0, 0.0)), "{}", finding.test);
        }
    }
}

#[test]
fn few_windows_say_what_is_missing() {
    let judgement = judged(&side(PLAN), &side(Plan { seed: 2, windows: 9, ..PLAN }), ALL);
    for test in LAW_TESTS {
        let finding = of(&judgement, RETURN, *test);
        assert_eq!(finding.verdict, FindingVerdict::Inconclusive, "{test}: {}", finding.reason);
        // Tails of 900 values.
        if matches!(test, TestId::Gpd | TestId::PowerLaw) && finding.statistic.is_none() {
            let said = format!("{test} is undefined on the candidate alone");
            assert!(finding.reason.starts_with(&said), "{}", finding.reason);
            continue;
        }
        assert_eq!(finding.needs.as_ref().unwrap().candidate_windows, Some(3), "{test}");
        assert!(finding.effect.is_some() && finding.interval.is_none(), "{test}");
    }
}

/// What neither side has is not applicable, with its reason; what would be a distance of laws that differ stays open.
#[test]
fn undefined_tests_say_why() {
    let count =
        "schema: verismo.suite/1\nobservables:\n- {id: aggressor_sign, decide: ks, margins: {ks: 0.05}, tests: all}\n";
    let with = |values: &[i64], windows: i64| {
        let mut states = side(Plan { windows: 20, ..PLAN });
        let mut series = states.streams[0].series["trade_size"].clone();
        series.lattice = verismo_stats::lattice::Lattice::ticks(0);
        let cells = |w: i64| {
            let cells: Vec<(i64, u64)> = values.iter().map(|value| (*value, 20 + w as u64 % 3)).collect();
            Cells::pack(&cells)
        };
        series.windows =
            verismo_judge::SeriesWindows::Cells((0..windows).map(|w| (w + 172_311_840, cells(w))).collect());
        states.streams[0].series = [("aggressor_sign".to_owned(), series)].into();
        states
    };
    let judgement = judged(&with(&[1], 30), &with(&[-1], 31), count);
    assert_eq!(of(&judgement, "aggressor_sign", TestId::Ks).verdict, FindingVerdict::Fail);
    for test in [TestId::Chi2, TestId::Psi, TestId::Js, TestId::Hill] {
        let finding = of(&judgement, "aggressor_sign", test);
        let want = if test == TestId::Hill { FindingVerdict::NotApplicable } else { FindingVerdict::Inconclusive };
        assert_eq!(finding.verdict, want, "{test}: {}", finding.reason);
        assert!(finding.reason.starts_with(&format!("{test} is undefined on both sides")), "{}", finding.reason);
    }
    // One side alone has a tail: the sides differ, so the test may not be dropped.
    let many: Vec<i64> = (1..60).collect();
    for (golden, candidate, lacking) in [(&[1][..], &many[..], "golden"), (&many, &[1], "candidate")] {
        let judged = judged(&with(golden, 30), &with(candidate, 31), count);
        let finding = of(&judged, "aggressor_sign", TestId::Hill);
        assert_eq!(finding.verdict, FindingVerdict::Inconclusive, "{}", finding.reason);
        assert!(finding.reason.starts_with(&format!("hill is undefined on the {lacking} alone")), "{}", finding.reason);
    }
    for test in [TestId::Kuiper, TestId::Cvm, TestId::Ad] {
        let finding = of(&judgement, "aggressor_sign", test);
        assert!(finding.effect.unwrap() > 0.1, "{test}: {finding:?}");
    }
}

#[test]
fn one_more_test_changes_no_other_finding() {
    let suite = |tests: &str| {
        format!(
            "schema: verismo.suite/1\nobservables:\n- {{id: {RETURN}, decide: ks, margins: {{ks: 0.05, w1: 0.1, mean: 0.1}}, tests: {tests}}}\n"
        )
    };
    let (golden, candidate) = (side(PLAN), side(Plan { seed: 2, shift: 0.15, ..PLAN }));
    let few = judged(&golden, &candidate, &suite("[mwu]"));
    let all = judged(&golden, &candidate, &suite("all"));
    assert!(few.findings.len() < all.findings.len());
    for finding in &few.findings {
        assert_eq!(of(&all, RETURN, finding.test), finding);
    }
}

/// The candidate's returns are those of another stretch, each as `of` makes it from its standard deviations.
fn reshaped(of: impl Fn(f64) -> f64) -> SideStates {
    let plan = Plan { seed: 2, ..PLAN };
    let mut states = side(plan);
    let values: Vec<f64> = common::series(plan).into_iter().map(|x| 1e-4 * of(x)).collect();
    let lattice = states.streams[0].series[RETURN].lattice.clone();
    states.streams[0].series.insert(RETURN.to_owned(), common::cells(lattice, &values, plan));
    states
}

#[test]
fn numbers_of_a_law_say_what_differs() {
    use TestId::{Energy, Gpd, Kl, Kurtosis, LKurtosis, LScale, LSkew, PowerLaw, Skewness};
    let fails = |candidate: &SideStates, tests: &[TestId]| {
        let judgement = judged(&side(PLAN), candidate, ALL);
        for test in tests {
            let finding = of(&judgement, RETURN, *test);
            assert_eq!(finding.verdict, FindingVerdict::Fail, "{test}: {} {finding:?}", finding.reason);
            assert!(finding.p_fail.unwrap() <= 0.05, "{test}");
        }
        judgement
    };
    fails(&reshaped(|x| 1.5 * x), &[LScale, Energy, Kl]);
    // Leaning to the right, without long tails: skewness and its kin.
    fails(&reshaped(|x| 1.0 / (1.0 + (-1.7 * x - 1.5).exp())), &[Skewness, LSkew, Energy]);
    // Bounded: lighter tails.
    fails(&reshaped(f64::tanh), &[Kurtosis, LKurtosis]);
    // Heavy tails, upwards and downwards: a few windows carry the kurtosis, which says so; L-kurtosis and tails tell.
    let judgement = fails(&reshaped(|x| x * (0.35 * x * x).exp()), &[LKurtosis, Gpd]);
    let finding = of(&judgement, RETURN, Kurtosis);
    assert_eq!(finding.verdict, FindingVerdict::Inconclusive, "{}", finding.reason);
    assert!(finding.reason.contains("a few windows carry the statistic") && finding.statistic.unwrap() > 1.0);
    assert!(finding.interval.is_none() && finding.undefined.contains_key("interval"), "{finding:?}");
    let finding = of(&judgement, RETURN, Gpd);
    assert!(finding.effect.unwrap() > 0.2 && finding.notes.iter().any(|note| note.contains("beyond the golden's")));
    // Of the tail that is looked at: the candidate's extremes are several times the golden's.
    let note = finding.notes.iter().find_map(|note| note.split_once(" by the fits: golden ")).unwrap();
    let (golden, candidate) = note.1.split_once(", candidate ").unwrap();
    let (golden, candidate): (f64, f64) = (golden.parse().unwrap(), candidate.parse().unwrap());
    assert!(["P99.9", "P0.1"].contains(&note.0) && candidate.abs() > 1.5 * golden.abs(), "{note:?}");
    let finding = of(&judgement, RETURN, PowerLaw);
    assert!(finding.effect.unwrap() < 0.0, "{finding:?}");
    for side in ["golden: power law", "candidate: power law"] {
        assert!(finding.notes.iter().any(|note| note.starts_with(side)), "{:?}", finding.notes);
    }
}
