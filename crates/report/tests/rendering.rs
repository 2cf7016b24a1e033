//! Every format of a hand-made report that holds every verdict, long names and characters of every width.
#![allow(clippy::unwrap_used, missing_docs)]

mod fixture;

use expect_test::expect_file;
use unicode_width::UnicodeWidthStr as _;
use verismo_report::{TextStyle, json, junit, markdown, text};
use verismo_suite::report::Report;
use verismo_suite::{FindingVerdict, Severity, Verdict};

fn style(width: usize) -> TextStyle {
    TextStyle { width, reports: vec!["verismo-report/report.json".into(), "report.md".into()], ..TextStyle::default() }
}

#[test]
fn text_at_100_columns() {
    expect_file!["snapshots/mixed_100.txt"].assert_eq(&text(&fixture::mixed(), &style(100)));
}

#[test]
fn text_at_80_columns() {
    expect_file!["snapshots/mixed_80.txt"].assert_eq(&text(&fixture::mixed(), &style(80)));
}

#[test]
fn text_of_a_pass() {
    expect_file!["snapshots/pass.txt"].assert_eq(&text(&fixture::passing(), &style(100)));
}

#[test]
fn text_of_an_open_verdict_says_what_would_decide() {
    expect_file!["snapshots/inconclusive.txt"].assert_eq(&text(&fixture::open(), &style(100)));
}

#[test]
fn text_of_strata_names_the_worst_one() {
    expect_file!["snapshots/strata.txt"].assert_eq(&text(&fixture::stratified(), &style(100)));
}

#[test]
fn text_of_an_error() {
    expect_file!["snapshots/error.txt"].assert_eq(&text(&fixture::error(), &style(100)));
}

#[test]
fn markdown_of_everything() {
    expect_file!["snapshots/mixed.md"].assert_eq(&markdown(&fixture::mixed()));
}

#[test]
fn junit_of_everything() {
    expect_file!["snapshots/mixed.xml"].assert_eq(&junit(&fixture::mixed()).unwrap());
}

#[test]
fn json_is_indented_ends_with_a_newline_and_reads_back() {
    let report = fixture::mixed();
    let written = json(&report).unwrap();
    assert!(written.starts_with("{\n  \"") && written.ends_with("}\n"), "{written}");
    assert_eq!(Report::from_json(&written).unwrap(), report);
}

#[test]
fn no_line_is_wider_than_the_terminal_and_colours_change_no_text() {
    for report in [fixture::mixed(), fixture::passing(), fixture::open(), fixture::error(), fixture::stratified()] {
        for width in [80, 100, 140] {
            let plain = text(&report, &style(width));
            for line in plain.lines() {
                assert!(line.width() <= width, "{width}: {line}");
                assert_eq!(line, line.trim_end(), "trailing blanks");
            }
            let coloured = text(&report, &TextStyle { colour: true, ..style(width) });
            assert!(coloured.contains("\u{1b}["));
            assert_eq!(strip(&coloured), plain);
        }
    }
}

/// Removes the escape sequences that set colours.
fn strip(text: &str) -> String {
    let mut plain = String::new();
    let mut parts = text.split("\u{1b}[");
    plain.push_str(parts.next().unwrap());
    for part in parts {
        let (_, rest) = part.split_once('m').unwrap();
        plain.push_str(rest);
    }
    plain
}

#[test]
fn names_from_the_data_cannot_act_on_a_terminal_or_break_a_table() {
    let mut report = fixture::mixed();
    for finding in &mut report.findings {
        finding.stream = "x\u{1b}[2J|y\n# z".into();
        finding.observable = "a|b\u{7}<script>".into();
    }
    let shown = text(&report, &style(100));
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    let document = markdown(&report);
    assert!(!document.contains("<script>") && document.contains("a\\|b &lt;script>"), "{document}");
    let columns: Vec<usize> = document
        .lines()
        .skip_while(|l| !l.starts_with("| stream | observable | test | effect"))
        .take_while(|l| l.starts_with('|'))
        .map(|l| l.replace("\\|", "").matches('|').count())
        .collect();
    assert!(columns.len() > 5 && columns.windows(2).all(|w| w[0] == w[1]), "{columns:?}");
    assert!(junit(&report).unwrap().contains("a|b &lt;script&gt;/ks"));
}

#[test]
fn junit_is_red_exactly_if_the_verdict_is_not_pass() {
    let is_red = |report: &Report| {
        let xml = junit(report).unwrap();
        xml.contains("<failure") || xml.contains("<error")
    };
    assert!(!is_red(&fixture::passing()));
    for report in [fixture::mixed(), fixture::open(), fixture::error()] {
        assert!(is_red(&report), "{}", report.verdict);
    }
    // A passing run in which everything that does not decide has failed.
    let mut report = fixture::mixed();
    report.verdict = Verdict::Pass;
    for finding in &mut report.findings {
        finding.verdict = FindingVerdict::Fail;
        finding.deciding = false;
    }
    for row in &mut report.integrity {
        row.severity = Severity::Warn;
    }
    assert!(!is_red(&report), "{}", junit(&report).unwrap());
    // A verdict that no row explains.
    let mut report = fixture::passing();
    report.verdict = Verdict::Error;
    report.findings.clear();
    report.integrity.clear();
    assert!(is_red(&report));
}

#[test]
fn a_report_without_rows_is_rendered() {
    let mut report = fixture::passing();
    report.findings.clear();
    report.integrity.clear();
    report.inputs.clear();
    report.streams.clear();
    assert!(text(&report, &style(80)).starts_with("PASS"));
    assert!(markdown(&report).starts_with("# PASS"));
}
