//! Profiles, explanations and comparisons for a terminal.
#![allow(clippy::unwrap_used, missing_docs)]

mod fixture;

use std::collections::BTreeMap;

use expect_test::expect_file;
use unicode_width::UnicodeWidthStr as _;
use verismo_report::{
    ExplainError, TextStyle, Wish, compare, compare_markdown, compare_text, explain, explain_text, profile_html,
    profile_text,
};
use verismo_suite::catalogue::TestId;
use verismo_suite::comparison::Change;
use verismo_suite::profile::{BookProfile, ObservableProfile, Profile, Rate, ResolutionProfile, SCHEMA, StreamProfile};
use verismo_suite::report::{Provenance, Report, Timing};
use verismo_suite::suite::Scope;
use verismo_suite::{FindingVerdict, Severity, Verdict};

const NOON_NS: i64 = 1_723_118_400_000_000_000;

fn style(width: usize) -> TextStyle {
    TextStyle { width, ..TextStyle::default() }
}

fn wish(name: &str) -> Wish {
    Wish { name: name.into(), report: "verismo-report".into(), ..Wish::default() }
}

fn story(report: &Report, name: &str) -> String {
    explain_text(&explain(report, &wish(name)).unwrap(), &style(100))
}

/// Removes the escape sequences that set colours.
fn strip(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').unwrap().1);
    }
    plain
}

/// Lines fit, end without blanks, and say the same with colours.
fn check_shape(width_min: usize, render: impl Fn(&TextStyle) -> String) {
    for width in [60, 80, 100, 140].into_iter().filter(|w| *w >= width_min) {
        let plain = render(&style(width));
        for line in plain.lines() {
            assert!(line.width() <= width, "{width}: {line}");
            assert_eq!(line, line.trim_end(), "trailing blanks");
        }
        let coloured = render(&TextStyle { colour: true, ..style(width) });
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(strip(&coloured), plain);
    }
}

#[test]
fn the_story_of_a_failure() {
    expect_file!["snapshots/explain_fail.txt"].assert_eq(&story(&fixture::mixed(), "spread"));
}

#[test]
fn the_story_of_an_open_finding_says_what_would_decide() {
    expect_file!["snapshots/explain_open.txt"].assert_eq(&story(&fixture::open(), "mid_log_return_1s"));
}

#[test]
fn the_story_of_a_pass() {
    expect_file!["snapshots/explain_pass.txt"].assert_eq(&story(&fixture::passing(), "trade_size"));
}

#[test]
fn the_story_of_a_check() {
    expect_file!["snapshots/explain_check.txt"].assert_eq(&story(&fixture::mixed(), "invalid_value"));
}

#[test]
fn stories_keep_to_the_terminal() {
    for name in ["spread", "mid_log_return_1s", "invalid_value", "imbalance_l1", "inter_event_time", "板の厚み"] {
        let report = fixture::mixed();
        let explanation = explain(&report, &wish(name)).unwrap();
        if name == "板の厚み" {
            // Its stream has a name longer than a terminal, without a space to break at.
            let text = explain_text(&explanation, &style(160));
            assert!(text.lines().all(|l| l.width() <= 160), "{text}");
            continue;
        }
        // A path in it has 74 letters, and paths are not broken.
        check_shape(80, |style| explain_text(&explanation, style));
    }
}

#[test]
fn part_of_a_name_tells_the_stories_of_all_it_names_the_worst_first() {
    let explanation = explain(&fixture::mixed(), &wish("mid-log")).unwrap();
    let told: Vec<&str> = explanation.stories.iter().map(|s| s.subject.as_str()).collect();
    assert_eq!(told, ["mid_log_return_10s", "mid_log_return_1s"]);
    assert_eq!(explanation.verdict, Verdict::Error);
}

#[test]
fn a_test_or_a_stream_can_be_picked() {
    let report = fixture::mixed();
    let picked = explain(&report, &Wish { test: Some(TestId::W1), ..wish("spread") }).unwrap();
    assert_eq!(picked.stories[0].finding.as_ref().unwrap().test, TestId::W1);
    assert!(!picked.stories[0].decides);
    let by_part = explain(&report, &Wish { stream: Some("btcusdt".into()), ..wish("spread") }).unwrap();
    assert_eq!(by_part.stories[0].stream, "binance:BTCUSDT");
}

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let report = fixture::mixed();
    let refused = |wish: &Wish| explain(&report, wish).unwrap_err();
    let ExplainError::UnknownName { near, .. } = refused(&wish("spraed")) else { panic!() };
    assert_eq!(near, ["spread"]);
    let ExplainError::UnknownName { near, .. } = refused(&wish("nothing_like_it_at_all")) else { panic!() };
    assert!(near.is_empty(), "{near:?}");
    assert!(matches!(refused(&wish("trade_at_touch")), ExplainError::NotJudged { .. }));
    assert!(matches!(refused(&wish("")), ExplainError::UnknownName { .. }));
    let ExplainError::UnknownStream { known, .. } = refused(&Wish { stream: Some("ETH".into()), ..wish("spread") })
    else {
        panic!()
    };
    assert_eq!(known, ["binance:BTCUSDT"]);
    let ExplainError::UnknownTest { known, .. } = refused(&Wish { test: Some(TestId::Hill), ..wish("spread") }) else {
        panic!()
    };
    assert_eq!(known, ["ks", "w1", "quantile"]);
    assert!(matches!(refused(&Wish { test: Some(TestId::Ks), ..wish("duplicate") }), ExplainError::UnknownTest { .. }));
}

#[test]
fn a_report_against_a_better_one() {
    let comparison = compare(&fixture::passing(), "before/report.json", &fixture::mixed(), "now/report.json");
    expect_file!["snapshots/compare_worse.txt"].assert_eq(&compare_text(&comparison, &style(100)));
    expect_file!["snapshots/compare_worse.md"].assert_eq(&compare_markdown(&comparison));
    assert!(comparison.is_worse);
    let json: serde_json::Value = serde_json::from_str(&comparison.to_json().unwrap()).unwrap();
    assert_eq!(json["schema"], "verismo.comparison/1");
}

#[test]
fn a_report_against_a_worse_one() {
    let comparison = compare(&fixture::mixed(), "before", &fixture::passing(), "now");
    assert!(!comparison.is_worse);
    expect_file!["snapshots/compare_better.txt"].assert_eq(&compare_text(&comparison, &style(80)));
}

#[test]
fn comparisons_keep_to_the_terminal() {
    let (mixed, passing) = (fixture::mixed(), fixture::passing());
    for (before, after) in [(&mixed, &passing), (&passing, &mixed), (&mixed, &mixed)] {
        let comparison = compare(before, "before", after, "now");
        check_shape(60, |style| compare_text(&comparison, style));
    }
}

#[test]
fn a_report_against_itself_has_not_changed() {
    for report in [fixture::mixed(), fixture::passing(), fixture::open(), fixture::error()] {
        let comparison = compare(&report, "a", &report, "a");
        assert!(!comparison.is_worse && comparison.warnings.is_empty(), "{:?}", comparison.warnings);
        assert!(comparison.findings.iter().all(|f| f.change == Change::Unchanged), "{:?}", comparison.findings);
        assert!(comparison.integrity.iter().all(|r| r.change == Change::Unchanged));
    }
}

#[test]
fn with_the_same_verdict_what_decides_tells_what_is_worse() {
    let before = fixture::open();
    let mut after = before.clone();
    // One informing finding more, and worse: no worse as a whole.
    let mut informing = after.findings[1].clone();
    informing.test = TestId::W1;
    informing.deciding = false;
    informing.verdict = FindingVerdict::Fail;
    after.findings.push(informing);
    assert!(!compare(&before, "", &after, "").is_worse);
    // A deciding one is not judged any more.
    let lost = after.findings.remove(1);
    let comparison = compare(&before, "", &after, "");
    assert!(comparison.is_worse);
    assert_eq!(comparison.findings.iter().filter(|f| f.change == Change::Gone).count(), 1);
    // It is back, and got worse.
    after.findings.push(verismo_suite::report::Finding { verdict: FindingVerdict::Inconclusive, ..lost.clone() });
    assert!(compare(&before, "", &after, "").is_worse);
    // As a warning it would not decide, in either report.
    let (mut before, mut after) = (before, after);
    for report in [&mut before, &mut after] {
        for finding in &mut report.findings {
            finding.severity = Severity::Warn;
        }
    }
    assert!(!compare(&before, "", &after, "").is_worse);
}

#[test]
fn a_better_verdict_is_not_worse_whatever_moved() {
    let mut after = fixture::passing();
    after.findings[0].verdict = FindingVerdict::Pass;
    after.findings.remove(1);
    assert!(!compare(&fixture::mixed(), "", &after, "").is_worse);
}

#[test]
fn what_makes_two_reports_hard_to_compare_is_said() {
    let before = fixture::passing();
    let mut after = before.clone();
    after.suite_digest = "other".into();
    after.suite = "strict".into();
    after.scope = Scope::Population;
    after.inputs[0].digest = "other".into();
    after.provenance.recipe = "judging/2".into();
    let comparison = compare(&before, "a", &after, "b");
    assert_eq!(comparison.warnings.len(), 4, "{:?}", comparison.warnings);
    let text = compare_text(&comparison, &style(100));
    assert!(text.contains("the suites differ (market and strict)"), "{text}");
}

fn observable(name: &str, unit: &str, heterogeneity: Option<f64>, resolution: ResolutionProfile) -> ObservableProfile {
    let levels = ["p=0.01", "p=0.05", "p=0.25", "p=0.5", "p=0.75", "p=0.95", "p=0.99"];
    ObservableProfile {
        observable: name.into(),
        unit: unit.into(),
        n: 143_400,
        windows: 1_434,
        n_eff: Some(812.4),
        mean: Some(1.3812),
        sd: Some(0.7112),
        range: Some([1.0, 14.0]),
        quantiles: levels.iter().zip(1_i32..).map(|(p, i)| ((*p).to_owned(), f64::from(i))).collect(),
        autocorrelations: BTreeMap::new(),
        heterogeneity,
        resolution: vec![resolution],
        notes: Vec::new(),
        undefined: BTreeMap::new(),
    }
}

fn resolution(margin: f64, resolvable: Option<f64>, needs_s: Option<f64>) -> ResolutionProfile {
    ResolutionProfile {
        test: TestId::Ks,
        parameter: None,
        unit: String::new(),
        margin: Some(margin),
        resolvable,
        one_minute: resolvable.map(|r| r * 15.0).filter(|r| *r < 1.0),
        one_hour: resolvable.map(|r| r * 2.0),
        detectable: resolvable.map(|r| r + margin),
        needs_s,
        out_of_reach: resolvable.is_some_and(|r| r >= margin),
        text: if resolvable.is_some() { "in words".into() } else { "too few windows for an interval".into() },
    }
}

/// A data set with a book, a constant, an open column and a stream of a long name.
fn profile() -> Profile {
    let lags = ObservableProfile {
        autocorrelations: [(1, 0.52), (5, 0.143), (20, -0.08)].into(),
        quantiles: BTreeMap::new(),
        mean: None,
        sd: None,
        range: None,
        ..observable("aggressor_sign_acf", "", None, resolution(0.1, Some(0.03), Some(120.0)))
    };
    let absent = ObservableProfile {
        n: 0,
        resolution: Vec::new(),
        undefined: [("n".to_owned(), "the feed does not show single orders".to_owned())].into(),
        ..observable("order_lifetime", "s", None, resolution(0.1, None, None))
    };
    let stream = StreamProfile {
        name: "binance:BTCUSDT".into(),
        venue: "binance".into(),
        symbol: "BTCUSDT".into(),
        span_ns: Some((NOON_NS, NOON_NS + 14_400_000_000_000)),
        seconds: 14_400.0,
        window_s: 10.0,
        messages: 300_000,
        events: 299_990,
        kinds: [("level_set".to_owned(), 2_345_678), ("trade".to_owned(), 156_000)].into(),
        trades: 156_000,
        updates: 143_990,
        rate: Rate {
            mean_per_s: Some(20.83),
            peak_per_s: 412,
            peak_at_ns: Some(NOON_NS + 780_000_000_000),
            silent_seconds: 3,
        },
        time_step_ns: Some(1_000_000),
        has_receive_time: true,
        price_tick: Some(0.1),
        qty_lot: Some(0.00001),
        trade_prices: Some([59_012.3, 61_234.5]),
        book: Some(BookProfile {
            cadence_s: Some(0.1),
            snapshots: 0,
            known_from_ns: Some(NOON_NS + 60_000_000_000),
            warmup_s: Some(60.0),
            defined_share: Some(0.961),
            gaps: [3, 1, 1],
            levels_dropped: 0,
        }),
        observables: vec![
            observable("spread", "ticks", Some(0.0231), resolution(0.15, Some(0.021), Some(282.0))),
            observable("mid_log_return_10s", "", Some(0.0), resolution(0.05, Some(0.244), Some(34_000.0))),
            observable("trade_size", "base units", None, resolution(0.05, None, None)),
            lags,
            absent,
        ],
    };
    let mut second = stream.clone();
    second.name = "取引所:ETH-USDT-PERPETUAL-QUARTERLY".into();
    second.time_step_ns = Some(1_000);
    second.book = None;
    second.observables.truncate(1);
    Profile {
        schema: SCHEMA.into(),
        paths: vec!["capture".into()],
        format: "golden-jsonl".into(),
        files: 4,
        bytes: 123_456_789,
        ignored: fixture::passing().inputs[0].ignored.clone(),
        notes: vec!["paths in the manifest are relative to its folder".into()],
        messages: 600_000,
        events: 599_980,
        sessions: 2,
        clock_ns: 1_000_000,
        suite: "market".into(),
        suite_digest: "d4735e3a".into(),
        digest: "6b86b273".into(),
        streams: vec![stream, second],
        integrity: fixture::mixed().integrity,
        timing: Timing { messages: 600_000, seconds: 1.2, messages_per_second: 500_000.0, ..Timing::default() },
        provenance: Provenance { version: "0.1.0".into(), ..Provenance::default() },
    }
}

#[test]
fn a_profile_at_three_widths() {
    expect_file!["snapshots/profile_80.txt"].assert_eq(&profile_text(&profile(), &style(80)));
    expect_file!["snapshots/profile_100.txt"].assert_eq(&profile_text(&profile(), &style(100)));
    expect_file!["snapshots/profile_140.txt"].assert_eq(&profile_text(&profile(), &style(140)));
    check_shape(60, |style| profile_text(&profile(), style));
}

#[test]
fn a_profile_of_nothing_is_rendered() {
    let mut empty = profile();
    empty.streams.clear();
    empty.integrity.clear();
    assert!(profile_text(&empty, &style(80)).starts_with("golden-jsonl  capture\n"));
    assert!(profile_html(&empty).contains("There is no stream in it."));
}

#[test]
fn names_from_the_data_act_neither_on_a_terminal_nor_on_a_page() {
    let hostile = "x\u{1b}[2J<script>alert(1)</script>";
    let mut profile = profile();
    profile.paths = vec![hostile.into()];
    profile.notes = vec![hostile.into()];
    profile.streams[0].name = hostile.into();
    for o in &mut profile.streams[0].observables {
        o.observable = hostile.into();
    }
    for row in &mut profile.integrity {
        row.stream = hostile.into();
    }
    let text = profile_text(&profile, &style(100));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(!profile_html(&profile).contains("<script>alert"));
    let mut report = fixture::mixed();
    for finding in &mut report.findings {
        finding.stream = hostile.into();
        finding.reason = hostile.into();
    }
    let explanation = explain(&report, &wish("spread")).unwrap();
    let text = explain_text(&explanation, &style(100));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    let comparison = compare(&fixture::passing(), hostile, &report, hostile);
    let text = compare_text(&comparison, &style(100));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(!compare_markdown(&comparison).contains("<script>"));
}

#[test]
fn a_page_holds_every_fact_of_the_text() {
    let page = profile_html(&profile());
    for fact in
        ["binance:BTCUSDT", "mid_log_return_10s", "out of reach", "tick 0.1", "invalid_value", "0.52 at lag 1", "412"]
    {
        assert!(page.contains(fact), "{fact}");
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    for tag in ["table", "section", "svg", "details", "tr"] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}
