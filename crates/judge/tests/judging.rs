//! From states to verdicts.
// Equal windows have an effect of exactly 0, and judging again gives the same bits: these are compared exactly.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

mod common;

use common::{PLAN, Plan, SECOND_NS, SUITE, deciding, judged, side, stream};
use verismo_judge::{Counter, JudgeOptions, Judgement, SeriesWindows, SideStates};
use verismo_stats::lags::LagMoments;
use verismo_suite::Suite;
use verismo_suite::catalogue::TestId;
use verismo_suite::report::{IntegrityRow, Side};
use verismo_suite::suite::{Pairing, Scope};
use verismo_suite::verdict::{FindingVerdict, Severity, Verdict};

fn suite() -> Suite {
    Suite::parse(SUITE).unwrap()
}

fn row<'a>(judgement: &'a Judgement, check: &str, side: Side) -> &'a IntegrityRow {
    judgement.integrity.iter().find(|r| r.check == check && r.side == side).unwrap()
}

#[test]
fn identical_sides_pass_with_effect_zero_however_short() {
    for windows in [3, 180] {
        let golden = side(Plan { windows, ..PLAN });
        let judgement = judged(&golden, &golden.clone(), &suite());
        assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.summary);
        assert!(judgement.summary.starts_with("On these stretches of data"), "{}", judgement.summary);
        assert_eq!(judgement.streams[0].pairing, Pairing::Aligned);
        assert_eq!(judgement.findings.len(), 5 + 2 + 1 + 2 + 3);
        for f in &judgement.findings {
            assert_eq!(f.effect.map(f64::abs), Some(0.0), "{} {}", f.observable, f.test);
            assert_eq!(f.interval.map(|[l, u]| [l.abs(), u.abs()]), Some([0.0, 0.0]), "{} {}", f.observable, f.test);
            assert_eq!(f.verdict, FindingVerdict::Pass);
            assert_eq!(f.stratum, "paired");
        }
        assert_eq!(row(&judgement, "missing_id", Side::Candidate).count, 0);
        assert_eq!(row(&judgement, "id_agreement", Side::Both).verdict, FindingVerdict::Pass);
    }
}

#[test]
fn another_stretch_of_the_same_process_passes_and_a_shift_fails() {
    let golden = side(PLAN);
    let same = judged(&golden, &side(Plan { seed: 2, ..PLAN }), &suite());
    assert_eq!(same.streams[0].pairing, Pairing::Distributional);
    assert_eq!(same.verdict, Verdict::Pass, "{}", same.summary);
    let finding = deciding(&same, "mid_log_return_1s");
    let [low, high] = finding.interval.unwrap();
    assert_eq!(finding.stratum, "half-hours");
    assert!(low <= 0.0 && high < 0.05 && finding.effect.unwrap() > 0.0);
    assert!(finding.n_eff.unwrap() > 1000.0 && finding.n_eff.unwrap() < 18_000.0);
    assert!(finding.resolution.unwrap() < 0.05 && finding.mde.unwrap() > 0.05);
    let [certified_low, certified_high] = finding.certified.unwrap();
    assert!(certified_low <= finding.statistic.unwrap() && finding.statistic.unwrap() <= certified_high);
    assert!(certified_high - certified_low < 1e-3);

    let shifted = judged(&golden, &side(Plan { seed: 2, shift: 0.5, ..PLAN }), &suite());
    assert_eq!(shifted.verdict, Verdict::Fail);
    let finding = deciding(&shifted, "mid_log_return_1s");
    assert_eq!(finding.verdict, FindingVerdict::Fail, "{}", finding.reason);
    // D of two normals half a deviation apart is 2 Phi(1/4) - 1 = .197.
    assert!((finding.effect.unwrap() - 0.197).abs() < 0.02, "{:?}", finding.effect);
    assert!(finding.p_fail.unwrap() <= 0.05 && finding.p_fail_raw.unwrap() <= finding.p_fail.unwrap());
    let range = finding.evidence.worst_range.as_ref().unwrap();
    assert!((range.candidate_share - range.golden_share).abs() > 0.001 && !range.text.is_empty());
    let gap = finding.evidence.largest_gap.as_ref().unwrap();
    assert!((gap.at - 0.25e-4).abs() < 0.3e-4, "{}", gap.at);
    let mean = shifted.findings.iter().find(|f| f.test == TestId::Mean).unwrap();
    assert_eq!(mean.verdict, FindingVerdict::Fail);
    assert!((mean.effect.unwrap() - 0.5e-4).abs() < 0.1e-4);
    // The spread did not change: the log ratio of deviations is near 0 and informs so.
    let std = shifted.findings.iter().find(|f| f.test == TestId::Std).unwrap();
    assert!(std.effect.unwrap().abs() < 0.05 && std.verdict == FindingVerdict::Pass);
}

#[test]
fn short_data_are_inconclusive_and_say_what_is_missing() {
    let plan = |seed, windows| Plan { seed, windows, ..PLAN };
    let judgement = judged(&side(plan(1, 180)), &side(plan(2, 9)), &suite());
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{}", judgement.summary);
    let needs = deciding(&judgement, "mid_log_return_1s").needs.as_ref().unwrap();
    assert_eq!((needs.candidate_windows, needs.golden_windows), (Some(3), Some(0)));
    assert_eq!(needs.text, "3 more windows of the candidate (30 s)");

    // D is .08 here, next to the margin of .075, and 260 dependent values know it to a tenth.
    let few = Plan { shift: 0.2, per_window: 20, ..plan(2, 13) };
    let judgement = judged(&side(plan(1, 180)), &side(few), &suite());
    let finding = deciding(&judgement, "trade_size");
    assert_eq!(finding.verdict, FindingVerdict::Inconclusive, "{}", finding.reason);
    let needs = finding.needs.as_ref().unwrap();
    assert!(needs.candidate_windows.unwrap() > 0 && needs.text.starts_with("about "), "{needs:?} {finding:?}");
    assert!(finding.interval.unwrap()[1] > finding.margin.unwrap());
    let mde = judgement.mde.iter().find(|m| m.observable == "trade_size").unwrap();
    assert!(mde.out_of_reach && mde.text.contains("one minute resolves"), "{}", mde.text);
}

#[test]
fn a_value_now_and_then_needs_the_time_that_passes_between_its_windows() {
    let thinned = |seed| {
        let mut side = side(Plan { seed, ..PLAN });
        let series = side.streams[0].series.get_mut("mid_log_return_1s").unwrap();
        let SeriesWindows::Cells(windows) = &mut series.windows else { panic!("cells") };
        windows.retain(|(index, _)| index % 18 == 0);
        side
    };
    let judgement = judged(&thinned(1), &thinned(2), &suite());
    let finding = deciding(&judgement, "mid_log_return_1s");
    assert_eq!((finding.windows, finding.seconds), ([10, 10], [1800.0, 1800.0]));
    let needs = finding.needs.as_ref().unwrap();
    assert_eq!(needs.text, "2 more windows of the golden and 2 of the candidate (6 min)");
    assert_eq!(deciding(&judgement, "trade_size").seconds, [1800.0, 1800.0]);
}

#[test]
fn lost_memory_fails_although_the_marginals_agree() {
    // The same marginal law with another memory: only the autocorrelation can tell.
    let golden = side(Plan { phi: 0.8, ..PLAN });
    let mut candidate = golden.clone();
    let other = stream(Plan { phi: 0.0, seed: 5, ..PLAN });
    candidate.streams[0].series.insert("aggressor_sign_acf".into(), other.series["aggressor_sign_acf"].clone());
    let judgement = judged(&golden, &candidate, &suite());
    let lag = |parameter: &str| {
        judgement.findings.iter().find(|f| f.test == TestId::Acf && f.parameter.as_deref() == Some(parameter)).unwrap()
    };
    // The sign of a Gaussian AR(1) has autocorrelation (2 / pi) asin(phi^k): .590 at lag 1 for phi = .8.
    assert_eq!(lag("lag=1").verdict, FindingVerdict::Fail);
    assert!((lag("lag=1").effect.unwrap() + 0.590).abs() < 0.03, "{:?}", lag("lag=1").effect);
    assert_eq!(lag("lag=20").verdict, FindingVerdict::Pass, "{}", lag("lag=20").reason);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(deciding(&judgement, "mid_log_return_1s").verdict, FindingVerdict::Pass);
}

#[test]
fn a_missing_observable_fails_and_what_cannot_be_shared_is_not_applicable() {
    let golden = side(PLAN);
    let mut candidate = golden.clone();
    candidate.streams[0].series.remove("trade_size");
    let judgement = judged(&golden, &candidate, &suite());
    let finding = deciding(&judgement, "trade_size");
    assert_eq!(finding.verdict, FindingVerdict::Fail);
    assert!(finding.reason.starts_with("missing: "), "{}", finding.reason);
    assert_eq!((finding.n_golden, finding.n_candidate), (18_000, 0));
    assert_eq!(judgement.verdict, Verdict::Fail);

    candidate.streams[0].carries_trades = false;
    let judgement = judged(&golden, &candidate, &suite());
    let finding = deciding(&judgement, "trade_size");
    assert_eq!(finding.verdict, FindingVerdict::NotApplicable);
    assert_eq!(finding.reason, "the candidate's source carries no trades");
    assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.summary);

    let mut candidate = golden.clone();
    candidate.streams[0].book_cadence_ns = Some(1_000_000);
    let judgement = judged(&golden, &candidate, &suite());
    let finding = deciding(&judgement, "event_count_1s");
    assert_eq!(finding.verdict, FindingVerdict::NotApplicable);
    assert_eq!(
        finding.reason,
        "book updates come every 100 ms on the golden and every 1 ms on the candidate: another granularity"
    );
    assert_eq!(row(&judgement, "message_mix", Side::Both).verdict, FindingVerdict::NotApplicable);
}

#[test]
fn observables_of_orders_need_orders_on_both_sides() {
    const ORDERS: &str = "\
schema: verismo.suite/1
observables:
  - {id: mid_log_return_1s, decide: ks, margins: {ks: 0.05}}
  - {id: order_event_size, decide: ks, margins: {ks: 0.075}}
";
    let suite = Suite::parse(ORDERS).unwrap();
    let levels = side(PLAN);
    let mut orders = levels.clone();
    let stream = &mut orders.streams[0];
    stream.carries_orders = true;
    stream.series.insert("order_event_size".into(), stream.series["trade_size"].clone());
    for (golden, candidate, who) in [(&levels, &orders, "golden"), (&orders, &levels, "candidate")] {
        let judgement = judged(golden, candidate, &suite);
        let finding = deciding(&judgement, "order_event_size");
        assert_eq!(finding.verdict, FindingVerdict::NotApplicable);
        assert_eq!(finding.reason, format!("the {who}'s source shows price levels, not single orders"));
        assert_eq!(judgement.verdict, Verdict::Pass, "{}", judgement.summary);
    }
    let judgement = judged(&orders, &orders, &suite);
    assert_eq!(deciding(&judgement, "order_event_size").verdict, FindingVerdict::Pass);
    let mut broken = orders.clone();
    broken.streams[0].series.remove("order_event_size");
    let judgement = judged(&orders, &broken, &suite);
    assert_eq!(deciding(&judgement, "order_event_size").verdict, FindingVerdict::Fail);
    assert_ne!(verismo_judge::digest::side_digest(&levels), verismo_judge::digest::side_digest(&orders));
}

#[test]
fn a_side_shorter_than_its_warm_up_is_no_reason_to_fail() {
    for windows in [5, PLAN.windows] {
        let whole = side(Plan { windows, ..PLAN });
        let mut without = whole.clone();
        without.streams[0].series.remove("mid_log_return_1s");
        let want = if windows == 5 { FindingVerdict::Inconclusive } else { FindingVerdict::Fail };
        for (golden, candidate, name) in [(&without, &whole, "the golden"), (&whole, &without, "the candidate")] {
            let judgement = judged(golden, candidate, &suite());
            let finding = deciding(&judgement, "mid_log_return_1s");
            assert_eq!(finding.verdict, want, "{}", finding.reason);
            assert!(finding.reason.contains(name), "{}", finding.reason);
        }
    }
}

#[test]
fn windows_that_tell_no_variance_leave_an_autocorrelation_open() {
    let golden = side(PLAN);
    let mut candidate = side(Plan { seed: 2, ..PLAN });
    let series = candidate.streams[0].series.get_mut("aggressor_sign_acf").unwrap();
    let SeriesWindows::Lags(windows) = &mut series.windows else { panic!("lags") };
    // The one value that differs stands in no pair at lag 20: the series varies, its pairs do not.
    let mut values = [1_000_i64; 30];
    values[15] = 0;
    windows.iter_mut().for_each(|(_, moments)| *moments = LagMoments::from_series(&[1, 5, 20], &values).unwrap());
    let judgement = judged(&golden, &candidate, &suite());
    let lag = |lag: &str| judgement.findings.iter().find(|f| f.parameter.as_deref() == Some(lag)).unwrap();
    let finding = lag("lag=20");
    assert_eq!(finding.verdict, FindingVerdict::Inconclusive, "{}", finding.reason);
    assert!(finding.reason.contains("Candidate"), "{}", finding.reason);
    assert_ne!(lag("lag=5").verdict, FindingVerdict::Error, "{}", lag("lag=5").reason);
}

#[test]
fn a_series_that_varies_on_one_side_alone_leaves_its_autocorrelation_open() {
    let golden = side(PLAN);
    let mut constant = golden.clone();
    let series = constant.streams[0].series.get_mut("aggressor_sign_acf").unwrap();
    let SeriesWindows::Lags(windows) = &mut series.windows else { panic!("lags") };
    windows.iter_mut().for_each(|(_, moments)| *moments = LagMoments::from_series(&[1, 5, 20], &[1; 30]).unwrap());
    for (golden, candidate, name) in [(&golden, &constant, "candidate"), (&constant, &golden, "golden")] {
        let judgement = judged(golden, candidate, &suite());
        let finding = deciding(&judgement, "aggressor_sign_acf");
        assert_eq!(finding.verdict, FindingVerdict::Inconclusive, "{}", finding.reason);
        assert!(finding.reason.starts_with(&format!("the {name} does not vary")), "{}", finding.reason);
        assert_ne!(judgement.verdict, Verdict::Pass);
    }
}

#[test]
fn another_version_of_an_observable_is_another_digest() {
    let golden = side(PLAN);
    let mut newer = golden.clone();
    newer.streams[0].series.get_mut("trade_size").unwrap().version += 1;
    assert_ne!(verismo_judge::digest::side_digest(&golden), verismo_judge::digest::side_digest(&newer));
    let mut both = golden.clone();
    let error = both.merge(newer).unwrap_err().to_string();
    assert!(error.contains("the version of an observable is 1 in one and 2 in another"), "{error}");
}

#[test]
fn damage_to_ids_is_seen_when_aligned() {
    let golden = side(PLAN);
    let mut candidate = golden.clone();
    let runs = &mut candidate.streams[0].trade_runs;
    *runs = verismo_stats::sample::IdRuns::new(1000);
    for id in (1..=18_000).filter(|id| !(500..=700).contains(id)) {
        runs.insert(id);
    }
    let judgement = judged(&golden, &candidate, &suite());
    let missing = row(&judgement, "missing_id", Side::Candidate);
    assert_eq!((missing.count, missing.total, missing.verdict), (201, 18_000, FindingVerdict::Fail));
    assert_eq!(missing.examples[0].detail, "trade ids 500 to 700");
    assert_eq!(judgement.verdict, Verdict::Fail);
    let apart = Suite { pairing: Pairing::Distributional, ..suite() };
    let judgement = judged(&golden, &candidate, &apart);
    assert!(!judgement.integrity.iter().any(|r| r.check == "missing_id" && r.severity == Severity::Critical));
}

#[test]
fn unusable_or_absent_data_are_errors_and_never_pass() {
    let golden = side(PLAN);
    let mut candidate = golden.clone();
    candidate.counters[0].count = 500;
    assert_eq!(judged(&golden, &candidate, &suite()).verdict, Verdict::Error);

    let judgement = judged(&golden, &SideStates::default(), &suite());
    assert_eq!(judgement.verdict, Verdict::Fail.worst(Verdict::Error));
    assert_eq!(row(&judgement, "no_events", Side::Candidate).verdict, FindingVerdict::Error);
    assert_eq!(row(&judgement, "missing_stream", Side::Candidate).verdict, FindingVerdict::Fail);
    assert!(judgement.findings.is_empty());

    let judgement = judged(&SideStates::default(), &SideStates::default(), &suite());
    assert_eq!(judgement.verdict, Verdict::Error);

    // Nothing that decides could be compared: not a pass.
    let mut bare = golden.clone();
    bare.streams[0].series.clear();
    let judgement = judged(&bare, &bare.clone(), &suite());
    assert_eq!(judgement.verdict, Verdict::Error, "{}", judgement.summary);
    assert!(judgement.findings.iter().all(|f| f.verdict == FindingVerdict::NotApplicable));
}

#[test]
fn a_test_that_cannot_be_computed_hides_no_other() {
    let golden = side(PLAN);
    let mut candidate = golden.clone();
    let lags = candidate.streams[0].series["aggressor_sign_acf"].clone();
    candidate.streams[0].series.insert("trade_size".into(), lags);
    let judgement = judged(&golden, &candidate, &suite());
    assert_eq!(deciding(&judgement, "trade_size").verdict, FindingVerdict::Error);
    assert_eq!(deciding(&judgement, "mid_log_return_1s").verdict, FindingVerdict::Pass);
    assert_eq!(judgement.verdict, Verdict::Error);
}

#[test]
fn constant_series_pass_and_undefined_numbers_have_reasons() {
    let constant = |windows| {
        let mut side = side(Plan { windows, ..PLAN });
        let plan = Plan { windows, ..PLAN };
        let ones = vec![1.0; windows * plan.per_window];
        let lattice = verismo_stats::lattice::Lattice::float(10);
        side.streams[0].series.insert("mid_log_return_1s".into(), common::cells(lattice, &ones, plan));
        side
    };
    let apart = Suite { pairing: Pairing::Distributional, ..suite() };
    let judgement = judged(&constant(180), &constant(170), &apart);
    let of = |test| judgement.findings.iter().find(|f| f.observable == "mid_log_return_1s" && f.test == test).unwrap();
    assert_eq!(of(TestId::Ks).verdict, FindingVerdict::Pass);
    assert_eq!(of(TestId::Ks).interval.unwrap().map(f64::abs), [0.0, 0.0]);
    assert_eq!(of(TestId::Std).verdict, FindingVerdict::NotApplicable);
    assert!(of(TestId::Std).undefined.contains_key("statistic"));
    for f in &judgement.findings {
        let numbers = [f.statistic, f.effect, f.resolution, f.n_eff, f.p_value, f.p_fail, f.mde];
        assert!(numbers.into_iter().flatten().all(f64::is_finite), "{} {}", f.observable, f.test);
    }
}

#[test]
fn streams_pair_and_strangers_are_named() {
    let mut golden = side(PLAN);
    let mut candidate = golden.clone();
    candidate.streams[0].symbol = "XBTUSD".into();
    let judgement = judged(&golden, &candidate, &suite());
    assert_eq!(row(&judgement, "symbol_mismatch", Side::Both).severity, Severity::Info);
    assert_eq!(judgement.verdict, Verdict::Pass);
    let mut second = golden.streams[0].clone();
    second.symbol = "ETHUSDT".into();
    golden.streams.push(second);
    let judgement = judged(&golden, &candidate, &suite());
    assert_eq!(judgement.verdict, Verdict::Fail);
    let missing = judgement.integrity.iter().filter(|r| r.check == "missing_stream").count();
    assert_eq!((missing, row(&judgement, "extra_stream", Side::Candidate).severity), (2, Severity::Info));
    let options = JudgeOptions { map: vec![("BTC-USDT".into(), "xbtusd".into())] };
    let judgement = verismo_judge::judge(&golden, &candidate, &suite(), &options);
    assert_eq!(judgement.findings.len(), 13);
}

#[test]
fn the_digest_does_not_depend_on_order_cuts_or_positions() {
    let plan = Plan { windows: 40, ..PLAN };
    let whole = side(plan);
    let want = judged(&whole, &whole.clone(), &suite());
    // The same stream in two parts, odd and even windows, merged in both orders.
    let part = |keep: fn(i64) -> bool| {
        let mut part = whole.clone();
        for series in part.streams[0].series.values_mut() {
            match &mut series.windows {
                SeriesWindows::Cells(w) => w.retain(|(i, _)| keep(*i)),
                SeriesWindows::Lags(w) => w.retain(|(i, _)| keep(*i)),
                SeriesWindows::Panels(w) => w.retain(|(i, _)| keep(*i)),
            }
        }
        part
    };
    let (mut odd, mut even) = (part(|i| i % 2 == 1), part(|i| i % 2 == 0));
    // Counts belong to one part; ids merge as sets.
    odd.counters[0].total = 0;
    odd.streams[0].counters.iter_mut().for_each(|c| (c.count, c.total) = (0, 0));
    (odd.streams[0].events, odd.streams[0].messages) = (0, 0);
    odd.streams[0].trade_runs = verismo_stats::sample::IdRuns::new(verismo_stats::sample::IdRuns::DEFAULT_RUNS_MAX);
    let example = verismo_judge::Example { source: "b.parquet".into(), position: 7, detail: "late".into() };
    even.streams[0].counters[0].examples.push(example);
    let merged = |first: &SideStates, second: &SideStates| {
        let mut out = first.clone();
        out.merge(second.clone()).unwrap();
        out
    };
    for candidate in [merged(&odd, &even), merged(&even, &odd)] {
        let got = judged(&whole, &candidate, &suite());
        assert_eq!((&got.digest, &got.candidate_digest), (&want.digest, &want.golden_digest));
        assert_eq!(got.findings, want.findings);
    }
    let mut renamed = suite();
    renamed.name = "other".into();
    assert_eq!(judged(&whole, &whole.clone(), &renamed).digest, want.digest);
    let mut strict = suite();
    strict.alpha = 0.01;
    let other = judged(&whole, &whole.clone(), &strict);
    assert_ne!(other.digest, want.digest);
    assert_eq!(other.golden_digest, want.golden_digest);
    let mut more = whole.clone();
    more.streams[0].counters.push(Counter::new("duplicate", 1, 18_000));
    assert_ne!(judged(&whole, &more, &suite()).candidate_digest, want.candidate_digest);
}

#[test]
fn windows_roll_up_exactly() {
    let coarse = stream(PLAN);
    let mut fine = stream(Plan { windows: 1800, per_window: 10, ..PLAN });
    // Ten windows of one second, indexed from the same start.
    fine.window_ns = SECOND_NS;
    for series in fine.series.values_mut() {
        let start = PLAN.start_s - PLAN.start_s / 10;
        match &mut series.windows {
            SeriesWindows::Cells(w) => w.iter_mut().for_each(|(i, _)| *i += start),
            SeriesWindows::Lags(w) => w.iter_mut().for_each(|(i, _)| *i += start),
            SeriesWindows::Panels(w) => w.iter_mut().for_each(|(i, _)| *i += start),
        }
    }
    let (a, b) = (fine.clone(), coarse.clone());
    fine.roll_up(10 * SECOND_NS).unwrap();
    assert_eq!(fine.series, coarse.series);
    assert!(fine.roll_up(SECOND_NS).is_err());
    let side = |stream| SideStates { streams: vec![stream], counters: Vec::new() };
    assert_eq!(judged(&side(a), &side(b), &suite()).verdict, Verdict::Pass);
}

#[test]
fn a_new_margin_is_judged_from_the_same_states() {
    let (golden, candidate) = (side(PLAN), side(Plan { seed: 2, shift: 0.2, ..PLAN }));
    let first = judged(&golden, &candidate, &suite());
    assert_eq!(deciding(&first, "mid_log_return_1s").verdict, FindingVerdict::Inconclusive);
    let text = SUITE.replace("{ks: 0.05, w1: 0.1,", "{ks: 0.2, w1: 0.1,");
    let second = judged(&golden, &candidate, &Suite::parse(&text).unwrap());
    let (a, b) = (deciding(&first, "mid_log_return_1s"), deciding(&second, "mid_log_return_1s"));
    assert_eq!(b.verdict, FindingVerdict::Pass);
    assert_eq!((a.statistic, a.interval), (b.statistic, b.interval));
    assert_eq!(first.golden_digest, second.golden_digest);
    assert_ne!(first.suite_digest, second.suite_digest);
}

#[test]
fn the_population_scope_is_named_first_and_keeps_the_guard() {
    // Memory of about 30 windows: the guard sees what the strata take for their own law.
    let (golden, candidate) = (side(Plan { phi: 0.9997, ..PLAN }), side(Plan { phi: 0.9997, seed: 2, ..PLAN }));
    let wide = Suite { scope: Scope::Population, ..suite() };
    let judgement = judged(&golden, &candidate, &wide);
    assert!(judgement.summary.starts_with("For the population"), "{}", judgement.summary);
    let finding = deciding(&judgement, "mid_log_return_1s");
    assert_eq!(finding.stratum, "population");
    let narrow = judged(&golden, &candidate, &suite());
    let (wide, narrow) = (finding.interval.unwrap(), deciding(&narrow, "mid_log_return_1s").interval.unwrap());
    assert!(wide[1] - wide[0] > narrow[1] - narrow[0], "{wide:?} {narrow:?}");
    assert_eq!(finding.verdict, FindingVerdict::Inconclusive);
    assert!(finding.notes.iter().any(|n| n.contains("memory")), "{:?}", finding.notes);
}

#[test]
fn margins_are_proposed_from_what_the_golden_resolves() {
    let suite = suite();
    let long = verismo_judge::propose_margins(&side(PLAN), &suite);
    let short = verismo_judge::propose_margins(&side(Plan { windows: 24, phi: 0.9, ..PLAN }), &suite);
    let of = |proposals: &[verismo_suite::suite::Proposal], test| {
        let returns = proposals.iter().find(|p| p.observable == "mid_log_return_1s").unwrap();
        returns.margins.iter().find(|m| m.test == test).unwrap().clone()
    };
    let margin = of(&long, TestId::Ks);
    assert!(!margin.out_of_reach && (margin.margin - 0.05).abs() < 1e-12, "{margin:?}");
    assert!(margin.resolvable.unwrap() < 0.05);
    for test in [TestId::Ks, TestId::W1] {
        let margin = of(&short, test);
        assert!(margin.out_of_reach && margin.margin > margin.resolvable.unwrap(), "{margin:?}");
    }
    let text = verismo_suite::suite::with_proposed_margins(&short);
    assert!(Suite::parse(&text).is_ok() && text.contains("out of reach"));
    // Too short for any interval: nothing is claimed.
    let none = verismo_judge::propose_margins(&side(Plan { windows: 4, ..PLAN }), &suite);
    assert_eq!(of(&none, TestId::Ks).resolvable, None);
}

#[test]
fn spreads_are_shown_in_ticks_and_a_widened_one_is_found() {
    // Ticks of 0.01; the candidate's spread is one tick wider in a third of the rows.
    let spread = |seed, widen: bool| {
        let mut side = side(Plan { seed, ..PLAN });
        let keys: Vec<f64> = common::series(Plan { seed: seed + 10, ..PLAN })
            .iter()
            .map(|x| 0.01 * f64::from(1 + u8::from(*x > 0.5) + u8::from(*x > 1.5) + u8::from(widen && *x < -0.43)))
            .collect();
        let lattice = verismo_stats::lattice::Lattice::ticks(8);
        let keys: Vec<f64> = keys.iter().map(|x| (x * 1e8).round() / 1e8).collect();
        side.streams[0].series.insert("spread".into(), common::cells(lattice, &keys, PLAN));
        side
    };
    let text = "schema: verismo.suite/1\nobservables:\n  - {id: spread, decide: ks, margins: {ks: 0.15, w1: 0.25, quantile: 0.5}}\n";
    let suite = Suite::parse(text).unwrap();
    let judgement = judged(&spread(1, false), &spread(2, true), &suite);
    let finding = deciding(&judgement, "spread");
    assert_eq!((finding.verdict, finding.unit.as_str()), (FindingVerdict::Fail, "ticks"), "{}", finding.reason);
    assert!((finding.effect.unwrap() - 1.0 / 3.0).abs() < 0.03);
    let gap = finding.evidence.largest_gap.as_ref().unwrap();
    assert!((gap.at - 1.0).abs() < 1e-12, "{}", gap.at);
    let w1 = judgement.findings.iter().find(|f| f.test == TestId::W1).unwrap();
    assert!((w1.statistic.unwrap() - 1.0 / 3.0).abs() < 0.03 && (w1.margin.unwrap() - 0.25).abs() < 1e-9, "{w1:?}");
    let quantiles: Vec<_> = judgement.findings.iter().filter(|f| f.test == TestId::Quantile).collect();
    assert_eq!(quantiles.len(), 3);
    assert!(judgement.findings.iter().filter(|f| f.deciding).count() == 1);
}

#[test]
fn a_report_holds_the_judgement_and_reads_back() {
    let golden = side(Plan { windows: 20, ..PLAN });
    let judgement = judged(&golden, &side(Plan { windows: 20, seed: 2, ..PLAN }), &suite());
    let report = judgement.clone().into_report(&suite(), Vec::new(), Default::default(), Default::default());
    assert_eq!(report.provenance.recipe, verismo_stats::judging::RECIPE);
    let text = report.to_json().unwrap();
    assert!(!text.contains("NaN"));
    let read = verismo_suite::report::Report::from_json(&text).unwrap();
    assert_eq!(read, report);
    // A verdict can be taken from the rows alone.
    assert_eq!(verismo_judge::run_verdict(&read.findings, &read.integrity, false), judgement.verdict);
}

#[test]
fn checks_alone_decide_where_no_law_is_compared() {
    let suite = Suite::builtin("integrity").unwrap();
    let golden = side(PLAN);
    let same = judged(&golden, &golden.clone(), &suite);
    assert_eq!((same.verdict, same.findings.len()), (Verdict::Pass, 0), "{}", same.summary);
    assert!(same.summary.contains("no law was compared"), "{}", same.summary);
    let mut broken = golden.clone();
    broken.streams[0].counters.push(Counter::new("duplicate", 3, 1_000));
    let judgement = judged(&golden, &broken, &suite);
    assert_eq!(judgement.verdict, Verdict::Fail, "{}", judgement.summary);
    assert!(judgement.summary.starts_with("1 of "), "{}", judgement.summary);
    let nothing = SideStates::default();
    assert_eq!(judged(&golden, &nothing, &suite).verdict, Verdict::Error, "nothing is never whole");
}
