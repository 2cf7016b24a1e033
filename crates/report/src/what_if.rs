//! A run judged without a part of its data, for people.

use verismo_suite::what_if::{LeftOut, Search, WhatIf};

use crate::compare::{compare_markdown, compare_text};
use crate::layout::{clean, wrap};
use crate::number::count;
use crate::text::TextStyle;

/// Parts named one by one.
const PARTS_MAX: usize = 12;

/// The answer for a terminal: what is left out, how it was found, and what changed.
pub fn what_if_text(told: &WhatIf, style: &TextStyle) -> String {
    let what = told.summary.split_once(": ").map_or(told.summary.as_str(), |(_, what)| what);
    let mut out = wrap(&clean(&format!("Run {}, {what}", told.run)), "", style.width);
    for line in parts(&told.left_out) {
        out.push_str(&format!("  {line}\n"));
    }
    if let Some(search) = &told.search {
        for line in searched(search) {
            out.push_str(&wrap(&clean(&line), "", style.width));
        }
    }
    for note in &told.notes {
        out.push_str(&wrap(&clean(note), "Note: ", style.width));
    }
    out.push('\n');
    out.push_str(&compare_text(&told.comparison, style));
    out
}

/// The answer as Markdown.
pub fn what_if_markdown(told: &WhatIf) -> String {
    let mut out = format!("# What if: {} → {}\n\n{}\n\n", told.before, told.after, clean(&told.summary));
    for line in parts(&told.left_out) {
        out.push_str(&format!("- `{line}`\n"));
    }
    let searched = told.search.iter().flat_map(searched);
    for line in searched.chain(told.notes.iter().cloned()) {
        out.push_str(&format!("\n{}\n", clean(&line)));
    }
    out.push('\n');
    out.push_str(&compare_markdown(&told.comparison));
    out
}

fn parts(left_out: &[LeftOut]) -> Vec<String> {
    let mut lines: Vec<String> = left_out
        .iter()
        .take(PARTS_MAX)
        .map(|part| {
            let [golden, candidate] = part.windows;
            let windows = if golden == 1 { "1 window".to_owned() } else { format!("{} windows", count(golden)) };
            format!("{}  ({windows} of the golden, {} of the candidate)", clean(&part.text), count(candidate))
        })
        .collect();
    if let Some(more @ 1..) = left_out.len().checked_sub(PARTS_MAX) {
        lines.push(format!("and {} more", count(more as u64)));
    }
    lines
}

fn searched(search: &Search) -> Vec<String> {
    let mut lines = Vec::new();
    if !search.targets.is_empty() {
        let become_of = if search.goal == "pass" { "to pass" } else { "not to fail" };
        lines.push(format!("Looked for {become_of}: {}.", search.targets.join(", ")));
    }
    lines.push(search.method.clone());
    lines
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use verismo_suite::Verdict;
    use verismo_suite::comparison::{Comparison, Facts};
    use verismo_suite::what_if::SCHEMA;

    use super::*;

    #[test]
    fn an_answer_says_what_is_left_out_and_how_it_was_found() {
        let facts = |name: &str, verdict| Facts {
            name: name.to_owned(),
            verdict,
            digest: String::new(),
            suite: "market".to_owned(),
            suite_digest: String::new(),
            version: String::new(),
        };
        let told = WhatIf {
            schema: SCHEMA.to_owned(),
            run: "01jd0000000ab".to_owned(),
            before: Verdict::Fail,
            after: Verdict::Pass,
            summary: "FAIL -> PASS: without 2 of 600 windows.".to_owned(),
            left_out: vec![LeftOut {
                kind: "window".to_owned(),
                symbol: None,
                from_ns: Some(0),
                to_ns: Some(20),
                text: "--drop-window 1970-01-01T00:00:00Z..1970-01-01T00:00:20\u{1b}Z".to_owned(),
                windows: [2, 1_000],
            }],
            windows_left_out: [2, 2],
            windows: [600, 600],
            notes: vec!["checks fail".to_owned()],
            search: Some(Search {
                unit: "windows".to_owned(),
                goal: "pass".to_owned(),
                observable: None,
                targets: vec!["BTC spread ks".to_owned()],
                is_found: true,
                units: 2,
                of: 600,
                tries: 7,
                tries_max: 200,
                is_irreducible: true,
                method: "Greedy (7 of at most 200 judgements).".to_owned(),
            }),
            comparison: Comparison {
                schema: verismo_suite::comparison::SCHEMA.to_owned(),
                is_worse: false,
                summary: "Better.".to_owned(),
                before: facts("01jd0000000ab", Verdict::Fail),
                after: facts("without what is left out", Verdict::Pass),
                warnings: Vec::new(),
                findings: Vec::new(),
                integrity: Vec::new(),
            },
        };
        expect![[r#"
            Run 01jd0000000ab, without 2 of 600 windows.
              --drop-window 1970-01-01T00:00:00Z..1970-01-01T00:00:20 Z  (2 windows of the golden, 1,000 of the candidate)
            Looked for to pass: BTC spread ks.
            Greedy (7 of at most 200 judgements).
            Note: checks fail

            FAIL -> PASS  better
            Better.
              before  01jd0000000ab
              now     without what is left out

            0 findings and 0 checks are unchanged.
        "#]]
        .assert_eq(&what_if_text(&told, &TextStyle::default()));
        let markdown = what_if_markdown(&told);
        assert!(
            markdown.starts_with("# What if: FAIL → PASS\n") && markdown.contains("- `--drop-window"),
            "{markdown}"
        );
        assert_eq!(serde_json::from_str::<WhatIf>(&told.to_json().unwrap()).unwrap(), told);
    }
}
