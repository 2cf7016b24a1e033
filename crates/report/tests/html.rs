//! The HTML report: well formed, whole in one file, small, and of the structure it is meant to have.
#![allow(clippy::unwrap_used, missing_docs)]

mod fixture;
mod markup;

use expect_test::expect_file;
use fixture::pictures::{many, pictured};
use markup::{Token, attribute, tokens};
use verismo_report::html;
use verismo_report::html::BYTES_MAX;
use verismo_suite::report::Report;

fn reports() -> Vec<(&'static str, Report)> {
    vec![
        ("mixed", fixture::mixed()),
        ("pictured", pictured()),
        ("passing", fixture::passing()),
        ("open", fixture::open()),
        ("error", fixture::error()),
        ("many", many(3_000)),
        ("strata", fixture::stratified()),
        ("empty", Report { streams: Vec::new(), inputs: Vec::new(), integrity: Vec::new(), ..fixture::error() }),
    ]
}

#[test]
fn every_tag_is_closed_where_it_was_opened() {
    for (name, report) in reports() {
        markup::assert_well_formed(name, &html(&report));
    }
}

#[test]
fn nothing_is_asked_of_the_network() {
    for (name, report) in reports() {
        let text = html(&report);
        for word in [
            "http:", "https:", "//cdn", "@import", "url(", "<iframe", "<object", "<embed", "<base", "fetch(", "XMLHttp",
        ] {
            assert!(!text.contains(word), "{name}: {word}");
        }
        for token in tokens(&text) {
            let Token::Open { tag, attributes, .. } = token else { continue };
            assert!(attribute(attributes, "src").is_none(), "{name}: <{tag} {attributes}>");
            if let Some(link) = attribute(attributes, "href") {
                assert!(link.starts_with('#') || link == "data:,", "{name}: {link}");
            }
            assert!(!attributes.contains(" on") || attribute(attributes, "onclick").is_none(), "{name}: {attributes}");
        }
    }
}

#[test]
fn every_link_leads_somewhere_and_every_id_is_there_once() {
    for (name, report) in reports() {
        let text = html(&report);
        let mut ids: Vec<&str> = Vec::new();
        let mut links: Vec<&str> = Vec::new();
        for token in tokens(&text) {
            let Token::Open { attributes, .. } = token else { continue };
            ids.extend(attribute(attributes, "id"));
            links.extend(attribute(attributes, "href").and_then(|l| l.strip_prefix('#')));
        }
        ids.sort_unstable();
        assert!(ids.windows(2).all(|w| w[0] != w[1]), "{name}: an id is there twice");
        for link in links {
            assert!(ids.binary_search(&link).is_ok(), "{name}: #{link} leads nowhere");
        }
    }
}

#[test]
fn three_thousand_findings_stay_below_two_megabytes_and_say_what_was_left_out() {
    let report = many(3_000);
    assert!(report.findings.len() >= 3_000);
    let text = html(&report);
    assert!(text.len() < 2_000_000 && text.len() <= BYTES_MAX, "{} bytes", text.len());
    assert!(text.len() > BYTES_MAX / 2, "{} bytes: the figures that fit are drawn", text.len());
    assert!(text.contains("all figures are shown of the"), "says what was left out");
    let lines = text.matches("role=\"row\" data-v=").count();
    let listed = tokens(&text)
        .filter(|t| matches!(t, Token::Open { tag: "details", attributes, .. } if attributes.contains("obs")));
    assert!(lines > 300, "{lines} observables");
    assert_eq!(listed.count(), lines, "every observable keeps its numbers");
}

#[test]
fn three_thousand_deciding_findings_of_as_many_streams_stay_below_two_megabytes() {
    let one = fixture::passing().findings[0].clone();
    let mut report = fixture::passing();
    report.findings = (0..3_000)
        .map(|i| verismo_suite::report::Finding { observable: format!("column_{i}_of_a_wide_table"), ..one.clone() })
        .collect();
    let text = html(&report);
    assert!(text.len() < 2_000_000, "{} bytes", text.len());
    markup::assert_well_formed("wide", &text);
    assert!(text.contains("column_2999_of_a_wide_table"), "every observable is at least in the overview");
}

#[test]
fn names_from_the_data_cannot_become_markup() {
    let mut report = pictured();
    let hostile = "x\u{1b}[2J</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&";
    for finding in &mut report.findings {
        finding.stream = hostile.into();
        finding.observable = hostile.into();
        finding.reason = hostile.into();
        finding.unit = hostile.into();
        finding.parameter = Some(hostile.into());
        finding.notes = vec![hostile.into()];
    }
    for picture in &mut report.pictures {
        picture.stream = hostile.into();
        picture.observable = hostile.into();
        picture.unit = hostile.into();
    }
    report.summary = hostile.into();
    report.suite = hostile.into();
    let text = html(&report);
    markup::assert_well_formed("hostile", &text);
    let scripts = tokens(&text).filter(|t| matches!(t, Token::Open { tag: "script" | "img", .. })).count();
    assert_eq!(scripts, 1, "the page's own script only");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn numbers_no_figure_can_hold_draw_no_broken_figure() {
    let mut report = pictured();
    for picture in &mut report.pictures {
        if let Some(laws) = &mut picture.laws {
            laws.at = vec![f64::MIN, -1.0, 0.0, 1e-300, f64::MAX];
            laws.golden.truncate(2);
            laws.candidate = vec![f64::NAN; 5];
            laws.worst = Some(99);
            laws.jumps = vec![u32::MAX, 1];
        }
        if let Some(time) = &mut picture.time {
            (time.from_ns, time.step_ns) = (i64::MAX, i64::MAX);
            time.noise.truncate(1);
        }
        picture.counts = [0, u64::MAX];
    }
    let text = html(&report);
    markup::assert_well_formed("broken", &text);
    for token in tokens(&text) {
        let Token::Open { attributes, .. } = token else { continue };
        let path = attribute(attributes, "d").unwrap_or_default();
        assert!(path.chars().all(|c| c.is_ascii_digit() || "Mhvlz -".contains(c)), "{path}");
    }
}

#[test]
fn a_verdict_is_said_in_words_and_by_a_sign_not_by_a_colour_alone() {
    for (report, words) in [
        (fixture::passing(), "<b>PASS</b> The candidate agrees with the golden."),
        (fixture::open(), "<b>INCONCLUSIVE</b> These data do not decide."),
        (fixture::error(), "<b>ERROR</b> No verdict is possible on these data."),
    ] {
        let text = html(&report);
        assert!(text.contains(words), "{words}");
        let at = text.find("<h1").unwrap();
        assert!(at < text.find("<h2").unwrap_or(usize::MAX), "the verdict comes first");
    }
    let open = html(&fixture::open());
    assert!(open.contains("about 41 more windows of the candidate (7 min)"), "says how much more data would decide");
}

#[test]
fn the_worst_lag_stands_for_its_observable() {
    let text = html(&pictured());
    let line = text.lines().find(|l| l.contains("role=\"row\"") && l.contains("aggressor_sign_acf")).unwrap();
    assert!(line.contains("FAIL") && line.contains("acf lag=5"), "{line}");
}

#[test]
fn the_structure_of_the_page() {
    expect_file!["snapshots/pictured.html.txt"].assert_eq(&markup::outline(&html(&pictured())));
}

#[test]
fn a_study_of_power_is_a_whole_page() {
    use std::collections::BTreeMap;
    use verismo_suite::power::{Cell, FaultPower, Metric, Power};
    let cell = |amount: f64, seen: u64| Cell {
        amount,
        runs: 4,
        caught_interval: [0.1, 0.9],
        seen: BTreeMap::from([("spread ks".to_owned(), seen)]),
        ..Cell::default()
    };
    let mut fault = FaultPower {
        fault: "<drop>".to_owned(),
        unit: "share".to_owned(),
        cells: vec![cell(0.1, 1), cell(0.2, 4)],
        ..FaultPower::default()
    };
    fault.conclude(None);
    let metrics = BTreeMap::from([("spread ks".to_owned(), Metric { is_check: false, decides: true })]);
    let study = Power { suite: "a & b".to_owned(), faults: vec![fault], metrics, ..Power::default() };
    for study in [study, Power::default()] {
        markup::assert_well_formed("power", &verismo_report::html::power_html(&study));
    }
}

#[test]
fn strata_of_many_streams_are_cut_and_say_so() {
    let mut report = fixture::stratified();
    let hours: Vec<_> = (0..24)
        .map(|hour| {
            let mut result = report.findings[2].strata[0].clone();
            result.label = format!("hour={hour:02}");
            result
        })
        .collect();
    let row = verismo_suite::report::Finding { strata: hours, ..report.findings[2].clone() };
    report.findings.extend(
        (0..3_000).map(|i| verismo_suite::report::Finding { observable: format!("observable_{i}"), ..row.clone() }),
    );
    let text = html(&report);
    assert!(text.len() < BYTES_MAX + 100_000, "{}", text.len());
    assert!(text.contains("more rows are in report.json"));
}
