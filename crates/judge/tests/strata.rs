//! Strata: the worst one is found and named, and none cries wolf.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use common::{PLAN, Plan, SUITE, deciding, judged, side, stream};
use verismo_judge::{Judgement, SeriesWindows, SideStates};
use verismo_suite::Suite;
use verismo_suite::report::Finding;
use verismo_suite::verdict::{FindingVerdict, Severity, Verdict};

/// Three hours; in the middle one the returns of the candidate are larger by `shift` standard deviations.
fn hours(shift: f64) -> (SideStates, SideStates) {
    let plan = Plan { windows: 1_080, per_window: 40, ..PLAN };
    let (golden, mut candidate) = (side(plan), side(Plan { seed: 2, ..plan }));
    let shifted = stream(Plan { seed: 2, shift, ..plan });
    let windows = |series: &verismo_judge::Series| match &series.windows {
        SeriesWindows::Cells(windows) => windows.clone(),
        _ => Vec::new(),
    };
    let id = "mid_log_return_1s";
    let from = windows(&shifted.series[id]);
    let series = candidate.streams[0].series.get_mut(id).unwrap();
    let mut mixed = windows(series);
    mixed[360..720].clone_from_slice(&from[360..720]);
    series.windows = SeriesWindows::Cells(mixed);
    (golden, candidate)
}

fn by_strata<'a>(judgement: &'a Judgement, id: &str) -> Vec<&'a Finding> {
    let is_stratum = |f: &&Finding| f.observable == id && f.parameter.as_ref().is_some_and(|p| p.contains("by="));
    judgement.findings.iter().filter(is_stratum).collect()
}

#[test]
fn the_worst_stratum_is_found_and_named() {
    let suite = |by: &str, severity: &str| {
        Suite::parse(&format!("{SUITE}strata: {{by: [{by}], severity: {severity}}}\n")).unwrap()
    };
    let (golden, candidate) = hours(0.6);
    let judgement = judged(&golden, &candidate, &suite("hour", "warn"));
    let found = by_strata(&judgement, "mid_log_return_1s");
    let [worst] = found[..] else { panic!("{found:?}") };
    assert_eq!(worst.verdict, FindingVerdict::Fail, "{} {:?}", worst.reason, worst.strata);
    assert_eq!((worst.stratum.as_str(), worst.parameter.as_deref()), ("hour=13", Some("by=hour")));
    let verdicts: Vec<(&str, FindingVerdict)> = worst.strata.iter().map(|s| (s.label.as_str(), s.verdict)).collect();
    let want =
        [("hour=12", FindingVerdict::Pass), ("hour=13", FindingVerdict::Fail), ("hour=14", FindingVerdict::Pass)];
    assert_eq!(verdicts, want);
    assert!(!worst.deciding && worst.severity == Severity::Warn);
    // What is over all time stays as it was without strata.
    let without = judged(&golden, &candidate, &Suite::parse(SUITE).unwrap());
    let over_all: Vec<&Finding> = judgement.findings.iter().filter(|f| f.strata.is_empty()).collect();
    assert_eq!(over_all, without.findings.iter().collect::<Vec<_>>());
    assert_eq!(judgement.verdict, without.verdict);
    // An autocorrelation has a finding for each lag, and each its strata.
    let lags: Vec<_> =
        by_strata(&judgement, "aggressor_sign_acf").iter().map(|f| f.parameter.clone().unwrap()).collect();
    assert_eq!(lags, ["lag=1 by=hour", "lag=20 by=hour", "lag=5 by=hour"]);

    // Where one stratum alone differs a little, the whole may pass; a critical division decides.
    let (golden, candidate) = hours(0.3);
    let critical = judged(&golden, &candidate, &suite("hour", "critical"));
    let worst = by_strata(&critical, "mid_log_return_1s")[0].clone();
    assert!(worst.deciding && worst.verdict == FindingVerdict::Fail, "{}", worst.reason);
    assert_eq!(deciding(&critical, "mid_log_return_1s").verdict, FindingVerdict::Inconclusive);
    assert_eq!(critical.verdict, Verdict::Fail, "{}", critical.summary);
}

#[test]
fn equal_laws_pass_in_every_stratum_and_regimes_are_the_goldens() {
    let (golden, candidate) = hours(0.0);
    let text = "strata: {by: [hour, weekday, volatility, activity, sessions], sessions: [{name: noon, from: \"12:00\", to: \"13:00\"}]}\n";
    let suite = Suite::parse(&format!("{SUITE}{text}")).unwrap();
    let judgement = judged(&golden, &candidate, &suite);
    let found = by_strata(&judgement, "trade_size");
    let labels: Vec<Vec<&str>> = found.iter().map(|f| f.strata.iter().map(|s| s.label.as_str()).collect()).collect();
    let want: [&[&str]; 5] = [
        &["hour=12", "hour=13", "hour=14"],
        &["weekday=thursday"],
        &["volatility=low", "volatility=middle", "volatility=high"],
        &["activity=low", "activity=middle", "activity=high"],
        &["sessions=noon"],
    ];
    assert_eq!(labels, want);
    let failed = judgement.findings.iter().filter(|f| f.verdict == FindingVerdict::Fail).count();
    assert_eq!(failed, 0, "{}", judgement.summary);
    // A third of the golden's windows each.
    let windows: Vec<u64> = found[2].strata.iter().map(|s| s.windows[0]).collect();
    assert_eq!(windows, [360, 360, 360]);
    // Sides that are equal are equal in every stratum.
    let same = judged(&golden, &golden.clone(), &suite);
    assert_eq!(same.verdict, Verdict::Pass);
    assert!(same.findings.iter().all(|f| f.verdict == FindingVerdict::Pass), "{}", same.summary);
}

#[test]
fn sessions_may_overlap_and_a_window_counts_in_each() {
    let (golden, candidate) = hours(0.6);
    let sessions = "[{name: whole, from: \"12:00\", to: \"15:00\"}, {name: inner, from: \"13:00\", to: \"14:00\"}]";
    let suite = Suite::parse(&format!("{SUITE}strata: {{by: [sessions], sessions: {sessions}}}\n")).unwrap();
    let judgement = judged(&golden, &candidate, &suite);
    let worst = by_strata(&judgement, "mid_log_return_1s")[0];
    let windows: Vec<u64> = worst.strata.iter().map(|s| s.windows[0]).collect();
    assert_eq!((worst.stratum.as_str(), &windows[..]), ("sessions=inner", &[1_080, 360][..]));
}

#[test]
fn a_regime_that_the_candidate_does_not_know_is_no_pass() {
    // The golden has calm and wild stretches, the candidate calm ones alone.
    let (golden, candidate) = hours(0.0);
    let suite = Suite::parse(&format!("{SUITE}strata: {{by: [activity]}}\n")).unwrap();
    let by_activity = |golden: &SideStates, candidate: &SideStates| {
        by_strata(&judged(golden, candidate, &suite), "trade_size")[0].clone()
    };
    assert_eq!(by_activity(&golden, &candidate).strata.len(), 3);
    let mut calm = candidate.clone();
    let activity = calm.streams[0].series.get_mut("event_count_1s").unwrap();
    let SeriesWindows::Cells(windows) = &mut activity.windows else { panic!("counts are histograms") };
    let level = |cells: &verismo_judge::Cells| -> i64 { cells.iter().map(|(key, n)| key * n as i64).sum() };
    let mut levels: Vec<i64> = windows.iter().map(|(_, cells)| level(cells)).collect();
    levels.sort_unstable();
    windows.retain(|(_, cells)| level(cells) <= levels[levels.len() / 2]);
    let finding = by_activity(&golden, &calm);
    assert_eq!(finding.verdict, FindingVerdict::Inconclusive, "{}", finding.reason);
    assert!(finding.reason.contains("activity=high"), "{}", finding.reason);
}

#[test]
fn pairs_belong_to_the_regime_of_the_golden() {
    let (golden, _) = hours(0.0);
    // The same market with other counts of events: its own thirds would tear pairs apart.
    let mut candidate = golden.clone();
    let other = stream(Plan { windows: 1_080, per_window: 40, seed: 9, ..PLAN });
    candidate.streams[0].series.insert("event_count_1s".into(), other.series["event_count_1s"].clone());
    let suite = Suite::parse(&format!("{SUITE}strata: {{by: [activity]}}\n")).unwrap();
    let judgement = judged(&golden, &candidate, &suite);
    assert_eq!(judgement.streams[0].pairing, verismo_suite::suite::Pairing::Aligned);
    let finding = by_strata(&judgement, "trade_size")[0];
    assert_eq!(finding.verdict, FindingVerdict::Pass, "{}", finding.reason);
    let windows: Vec<[u64; 2]> = finding.strata.iter().map(|s| s.windows).collect();
    assert!(windows.len() == 3 && windows.iter().all(|w| w[0] == w[1] && w[0] >= 340), "{windows:?}");
}

#[test]
fn the_worst_stratum_pays_for_their_number() {
    // The p-value of each hour, as it is when that hour is the only session.
    let (golden, candidate) = hours(0.17);
    let p = |strata: &str| {
        let suite = Suite::parse(&format!("{SUITE}strata: {strata}\n")).unwrap();
        by_strata(&judged(&golden, &candidate, &suite), "mid_log_return_1s")[0].p_fail_raw.unwrap()
    };
    let one = p("{by: [sessions], sessions: [{name: a, from: \"13:00\", to: \"14:00\"}]}");
    let three = p("{by: [hour]}");
    assert!(one > 0.0 && one < 0.3, "{one}");
    // Replicates differ in number, so the p-values do by their own noise.
    assert!((three / one - 3.0).abs() < 0.9, "{one} {three}");
}

#[test]
fn strata_with_too_few_windows_are_named_and_no_pass() {
    let plan = Plan { windows: 40, per_window: 40, ..PLAN };
    let text = "strata: {by: [sessions, volatility], sessions: [{name: one, from: \"12:00\", to: \"12:01\"}]}\n";
    let suite = Suite::parse(&format!("{SUITE}{text}")).unwrap();
    let judgement = judged(&side(plan), &side(Plan { seed: 2, ..plan }), &suite);
    let found = by_strata(&judgement, "trade_size");
    assert_eq!(found[1].verdict, FindingVerdict::Inconclusive, "{}", found[1].reason);
    assert!(found[1].reason.contains("no stratum by sessions has 12 windows"), "{}", found[1].reason);
    let short = judged(&side(Plan { windows: 30, ..plan }), &side(plan), &suite);
    let found = by_strata(&short, "trade_size");
    assert_eq!(found[0].verdict, FindingVerdict::NotApplicable);
    assert!(found[0].reason.contains("too few windows"), "{}", found[0].reason);
}

#[test]
fn strata_told_by_regime_do_not_cry_wolf() {
    // Two draws of one dependent process, at a margin next to nothing: a third of the windows of each side, told by the very values that
    // are compared or by others, FAILs no more often than alpha.
    let text = "\
schema: verismo.suite/1
replicates: 299
observables:
  - {id: mid_log_return_1s, decide: ks, margins: {ks: 0.001}}
  - {id: trade_size, decide: mean, margins: {mean: 0.001}}
  - {id: event_count_1s, decide: ks, margins: {ks: 0.001}}
strata: {by: [volatility, activity]}
";
    let suite = Suite::parse(text).unwrap();
    let runs = 60;
    let mut failed = std::collections::BTreeMap::<String, u32>::new();
    for run in 0..runs {
        let plan = |seed| Plan { seed, windows: 360, per_window: 20, phi: 0.9, ..PLAN };
        let judgement = judged(&side(plan(5_000 + 2 * run)), &side(plan(5_001 + 2 * run)), &suite);
        for finding in judgement.findings.iter().filter(|f| !f.strata.is_empty()) {
            let name = format!("{} {}", finding.observable, finding.parameter.as_deref().unwrap_or_default());
            *failed.entry(name).or_default() += u32::from(finding.verdict == FindingVerdict::Fail);
        }
    }
    println!("{failed:?} of {runs}");
    // Nominal .05 and three standard errors: .134.
    assert!(failed.len() == 6 && failed.values().all(|n| f64::from(*n) <= 0.134 * runs as f64), "{failed:?} of {runs}");
}
