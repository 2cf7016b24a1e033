//! The catalogue as Markdown pages: one table and one section per entry, for observables, tests and checks.
//!
//! The pages lie in `docs/`; `cargo xtask docs` writes them anew, and a test fails when they differ from what is made here.

use std::fmt::Write as _;

use verismo_suite::catalogue::{
    CHECKS, CheckInfo, DefaultMargin, OBSERVABLES, ObservableInfo, TESTS, TestId, TestInfo,
};
use verismo_suite::suite::ObservableRule;
use verismo_suite::{Severity, Suite};

use crate::markdown::{code, header, prose, row};
use crate::number::percent;

const OBSERVABLES_INTRO: &str = "\
An observable is a named series of numbers derived from a stream: a property of each trade, of each event, or of the book on a
grid of absolute time. Each window of event time counts the series' values as keys of a lattice that is fixed before any data are
seen; every test is computed from those counts. What decides and with which margin is what the built-in suite `market` says, or
`microstructure` and `joint` of what `market` does not ask for; a suite of your own may say otherwise. What no suite asks for costs nothing.

- **Book observables** exist once the book is known: after a snapshot, or after the suite's warm-up where there is none. A silent
  book stands for 60 s. Depths and spreads of several levels need as many levels as they name, on each side they look at: a sample
  of a book that shows fewer is left out, not filled up.
- **Lattice**: `{ticks: n}` keeps values exactly, in units of 10^-n; `{float: b}` keeps sign, exponent and b bits of the mantissa, so that a
  value is known to 2^-b of itself; splits are ranges with more bits.
- **Trades against the book**: before a trade is the last sample of the grid before its time, after it the first sample at or after the
  time that is named. A trade that comes over 5 s later than the book of its time, or when 65,536 others wait, is left out and counted
  by the check `forgotten`.
- **Proxy**: what stands in for something that the data do not show, and why.
- **States**: how the counts of pieces of a stream combine to those of the whole.
";

const TESTS_INTRO: &str = "\
A test compares the two laws of one observable. Its effect is 0 for equal laws; PASS needs the whole interval of the effect inside
the margin. Margins below are those of a suite that asks for a test without giving one.
";

const CHECKS_INTRO: &str = "\
A check counts something on each side. Over its limit a check of severity critical makes the run FAIL, or ERROR where the data cannot
be judged at all; warn and info are shown.
";

fn page(title: &str, intro: &str) -> String {
    format!("# {title}\n\n{intro}\nThis page is made from the catalogue by `cargo xtask docs`.\n\n")
}

// Writing to a String cannot fail, here and below.
fn section(out: &mut String, id: &str, text: &str, fields: &[(&str, String)]) {
    let _ = write!(out, "\n## {id}\n\n{}\n\n", prose(text));
    for (label, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "- **{label}**: {value}");
    }
}

fn link(id: &str) -> String {
    format!("[{id}](#{id})")
}

/// `docs/OBSERVABLES.md`.
pub fn observables() -> String {
    let suites = ["market", "microstructure", "joint"].map(|name| (name, Suite::builtin(name)));
    let rule = |o: &ObservableInfo| {
        let mut rules = suites
            .iter()
            .flat_map(|(name, s)| s.iter().flat_map(move |s| s.observables.iter().map(move |r| (*name, r))));
        rules.find(|(_, rule)| rule.id == o.id)
    };
    let mut out = page("Observables", OBSERVABLES_INTRO);
    header(&mut out, &["observable", "unit", "what", "needs", "decided by", "severity", "suite"]);
    for o in OBSERVABLES {
        let rule = rule(o);
        let decided = rule.map_or(String::new(), |(_, r)| format!("{} {}", r.decide, margin(r, r.decide)));
        let (suite, severity) = rule.map_or(("none", ""), |(suite, r)| (suite, r.severity.as_str()));
        let cells = [link(o.id), prose(o.unit), prose(o.description), o.source.phrase().to_owned(), decided];
        row(&mut out, &[cells.as_slice(), &[severity.to_owned(), suite.to_owned()]].concat());
    }
    for o in OBSERVABLES {
        section(&mut out, o.id, o.description, &observable_fields(o, rule(o)));
    }
    out
}

fn observable_fields(o: &ObservableInfo, rule: Option<(&str, &ObservableRule)>) -> Vec<(&'static str, String)> {
    let tests: Vec<&str> = o.tests.iter().map(|t| t.as_str()).collect();
    let granularity = "its law depends on how book updates are aggregated; NOT_APPLICABLE between feeds whose cadences differ by \
                       four or more";
    vec![
        ("Definition", code(o.formula)),
        ("Unit", if o.unit.is_empty() { "none".to_owned() } else { prose(o.unit) }),
        ("Needs", o.source.phrase().to_owned()),
        ("Sampled", o.sampling.phrase().to_owned()),
        ("Lattice", code(&o.lattice_text())),
        ("States", o.class.phrase().to_owned()),
        ("Tests", tests.join(", ")),
        ("In the suite", rule.map_or(String::new(), |(suite, rule)| format!("`{suite}`: {}", rule_text(rule)))),
        ("Granularity", if o.depends_on_cadence { granularity.to_owned() } else { String::new() }),
        ("Proxy", prose(o.proxy)),
        ("Requirement", o.number.to_owned()),
        ("Reference", prose(o.reference)),
    ]
}

fn margin(rule: &ObservableRule, test: TestId) -> String {
    rule.margins.get(&test).map(f64::to_string).unwrap_or_default()
}

fn rule_text(rule: &ObservableRule) -> String {
    let others: Vec<String> = rule
        .margins
        .keys()
        .filter(|test| **test != rule.decide)
        .map(|&test| format!("{test} {}", margin(rule, test)))
        .collect();
    let informing = if others.is_empty() { String::new() } else { format!("; {} inform", others.join(", ")) };
    format!("{} decides at {}, severity {}{informing}", rule.decide, margin(rule, rule.decide), rule.severity)
}

/// `docs/TESTS.md`.
pub fn tests() -> String {
    let mut out = page("Tests", TESTS_INTRO);
    header(&mut out, &["test", "what", "effect", "margin", "default margin"]);
    for t in TESTS {
        let kind = if t.signed { "signed" } else { "distance" };
        let cells =
            [link(t.name), prose(t.title), kind.to_owned(), t.margin_unit.phrase().to_owned(), default_margin(t)];
        row(&mut out, &cells);
    }
    for t in TESTS {
        let (low, high) = t.margin_range;
        let applies: Vec<&str> = OBSERVABLES.iter().filter(|o| o.tests.contains(&t.id)).map(|o| o.id).collect();
        let applies = if applies.len() > OBSERVABLES.len() / 2 {
            let lacking: Vec<&str> = OBSERVABLES.iter().filter(|o| !o.tests.contains(&t.id)).map(|o| o.id).collect();
            format!("every observable but {}", lacking.join(", "))
        } else {
            applies.join(", ")
        };
        let fields = [
            ("Definition", code(t.formula)),
            ("Effect", if t.signed { "signed" } else { "a distance, not below 0" }.to_owned()),
            ("Margin in", t.margin_unit.phrase().to_owned()),
            ("Margins", format!("{low} to {high}; {} where a suite gives none", default_margin(t))),
            ("Applies to", applies),
            ("Reference", prose(t.reference)),
        ];
        section(&mut out, t.name, t.title, &fields);
    }
    out
}

fn default_margin(t: &TestInfo) -> String {
    match t.default_margin {
        DefaultMargin::LikeKs { .. } if t.id == TestId::Ks => t.default_margin.value(None).to_string(),
        DefaultMargin::LikeKs { factor, power: 2 } => format!("{factor} times the squared margin of ks"),
        DefaultMargin::LikeKs { factor, .. } => format!("{factor} times the margin of ks"),
        DefaultMargin::Fixed(margin) => margin.to_string(),
    }
}

/// `docs/CHECKS.md`.
pub fn checks() -> String {
    let mut out = page("Integrity checks", CHECKS_INTRO);
    header(&mut out, &["check", "limit", "severity", "above it"]);
    for c in CHECKS {
        row(&mut out, &[link(c.id), limit(c), c.severity.to_string(), above_limit(c).to_owned()]);
    }
    for c in CHECKS {
        let fields = [
            ("Limit", format!("{} (a suite may set another)", limit(c))),
            ("Above it", above_limit(c).to_owned()),
            ("Severity", c.severity.to_string()),
            ("Requirement", c.number.to_owned()),
        ];
        section(&mut out, c.id, &format!("Counts {}.", c.description), &fields);
    }
    out
}

/// The limit of a check, in words.
pub fn limit(c: &CheckInfo) -> String {
    match (c.max_count, c.max_ratio) {
        (None, None) => "none: it is shown, and passes".to_owned(),
        (Some(n), None) => format!("at most {n}"),
        (None, Some(r)) => format!("at most {} of the total", percent(r)),
        (Some(n), Some(r)) => format!("at most {n}, and at most {} of the total", percent(r)),
    }
}

/// What a run says when a check is over its limit.
pub fn above_limit(c: &CheckInfo) -> &'static str {
    match c.severity {
        _ if c.max_count.is_none() && c.max_ratio.is_none() => "nothing: there is no limit",
        _ if c.unusable => "ERROR: the data cannot be judged",
        Severity::Critical => "FAIL",
        _ => "its row is FAIL, the run is not",
    }
}
