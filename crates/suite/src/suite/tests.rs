//! Built-in texts, digests and messages of suites.

use expect_test::{Expect, expect};

use super::*;

#[test]
fn built_in_texts_parse_and_cover_the_catalogue() {
    for name in BUILTIN_NAMES {
        let text = Suite::builtin_text(name).unwrap();
        if let Err(problems) = Suite::parse(text) {
            panic!("{}", render_problems(name, text, &problems));
        }
    }
    let market = Suite::builtin("market").unwrap();
    let mut ids: Vec<_> = catalogue::MARKET.iter().map(|o| o.id.to_owned()).collect();
    ids.sort();
    assert_eq!(market.observable_ids(), ids);
    let [microstructure, joint] = ["microstructure", "joint"].map(|name| Suite::builtin(name).unwrap());
    for o in catalogue::OBSERVABLES {
        let asked = [&market, &microstructure, &joint].iter().any(|suite| suite.rule(o.id).is_some());
        assert!(asked, "no suite asks for {}", o.id);
    }
    // What both ask for has one margin, and both read alike.
    for rule in &microstructure.observables {
        let theirs = market.rule(&rule.id).map(|theirs| (theirs.decide, theirs.margins));
        assert!(theirs.is_none_or(|theirs| theirs == (rule.decide, rule.margins.clone())), "{}", rule.id);
    }
    let head = Suite { name: market.name.clone(), observables: market.observables.clone(), ..microstructure };
    assert_eq!(head, market);
    assert_eq!(market.checks.len(), CHECKS.len());
    assert!(market.checks["unreadable"].max_ratio.is_some());
    assert_eq!((market.grid_ns, market.warmup_ns, market.window_ns), (100_000_000, 60_000_000_000, None));
    let margin = |id: &str| market.rule(id).unwrap().margins[&TestId::Ks];
    let table: Vec<_> = [
        "mid_log_return_1s",
        "inter_event_time",
        "imbalance_l1",
        "microprice_offset",
        "trade_size",
        "depth_bid_l1",
        "spread",
    ]
    .map(margin)
    .to_vec();
    assert_eq!(table, [0.03, 0.05, 0.075, 0.075, 0.075, 0.10, 0.15]);
}

#[test]
fn the_canonical_form_ignores_formatting_comments_order_and_disabled_observables() {
    let a = "schema: verismo.suite/1\nname: a\nobservables:\n  - {id: spread, decide: ks, margins: {ks: 0.1, w1: 0.2}}\n  - {id: trade_size, decide: ks, margins: {ks: 1e-1}}\n";
    let b = "# a comment\nschema: verismo.suite/1\nname: b\nobservables:\n- id: trade_size\n  margins:\n    ks: 0.10\n  decide: ks\n\n- margins: {w1: 0.2, ks: 0.1}\n  id: spread   # the same\n  decide: ks\n  severity: critical\n- {id: ofi_1s, enabled: false, decide: ks, margins: {ks: 0.1}}\n";
    let (a, b) = (Suite::parse(a).unwrap(), Suite::parse(b).unwrap());
    assert_eq!(a.canonical_bytes(), b.canonical_bytes());
    assert!(!a.canonical_bytes().is_empty());
    let mut c = a.clone();
    c.alpha = 0.01;
    assert_ne!(a.canonical_bytes(), c.canonical_bytes());
}

#[test]
fn limits_of_readers_are_digested_where_they_are_said() {
    let text = "schema: verismo.suite/1\nobservables:\n  - {id: spread, decide: ks, margins: {ks: 0.1}}\n";
    let silent = Suite::parse(text).unwrap();
    assert_eq!(silent.reading, Reading::default());
    assert!(!String::from_utf8(silent.canonical_bytes()).unwrap().contains("reading"));
    let said = Suite::parse(&format!("{text}reading: {{streams: 9}}\n")).unwrap();
    assert_eq!(said.reading, Reading { streams: Some(9), ..Reading::default() });
    assert_ne!(silent.canonical_bytes(), said.canonical_bytes());
    let problems = Suite::parse(&format!("{text}reading: {{streams: 0, lines: 1}}\n")).unwrap_err();
    assert_eq!(
        problems.iter().map(|p| (p.line, p.code)).collect::<Vec<_>>(),
        [(4, "out-of-range"), (4, "unknown-key")]
    );
}

fn check(text: &str, want: &Expect) {
    let problems = Suite::parse(text).unwrap_err();
    want.assert_eq(&render_problems("suite.yaml", text, &problems));
}

#[test]
fn every_problem_is_reported_with_its_line() {
    let text = "\
schema: verismo.suite/1
data: market
scoop: population
pairing: alligned
alpha: 0.5
grid: 0.1
checks:
  out_of_ordr: {max_count: 0}
  duplicate: {max_count: -1, severity: fatal}
observables:
  - id: spraed
    decide: ks
    margins: {ks: 0.1}
  - id: spread
    decide: ks
    margins: {ks: 1.5}
  - id: trade_size
    margins: {ks: 0.1, w1: 0.2}
  - id: trade_size
    decide: ks
    margins: {ks: 0.1}
  - id: imbalance_l1
    decide: acf
    margins: {ks: 0.1}
  - id: ofi_1s
    decide: w1
    margins: {ks: 0.1, kss: 0.1}
  - decide: ks
    margins: {ks: 0.1}
  - id: depth_bid_l1
    decide: ks
    margins: 0.1
    lattice: {ticks: 8}
    margins: {ks: 0.1}
";
    check(
        text,
        &expect![[r#"
            suite.yaml:3:1: a suite has no key `scoop` [unknown-key]
              3 | scoop: population
                | ^
              help: known: schema, extends, only, name, data, scope, pairing, alpha, multiplicity, replicates, window, warmup, grid, reading, checks, columns, observables, tests, strata
            suite.yaml:4:10: `pairing` cannot be `alligned` [unknown-word]
              4 | pairing: alligned
                |          ^
              help: did you mean `aligned`?
            suite.yaml:5:8: alpha is 0.5, it must be from 0.001 to 0.2 [out-of-range]
              5 | alpha: 0.5
                |        ^
            suite.yaml:6:7: `grid` must be a duration [wrong-type]
              6 | grid: 0.1
                |       ^
              help: a whole number and ns, us, ms, s, m or h: `100ms`
            suite.yaml:8:3: `checks` has no check `out_of_ordr` [unknown-check]
              8 |   out_of_ordr: {max_count: 0}
                |   ^
              help: did you mean `out_of_order`?
            suite.yaml:9:26: max_count is -1, it must be at least 0 [out-of-range]
              9 |   duplicate: {max_count: -1, severity: fatal}
                |                          ^
            suite.yaml:9:40: `severity` cannot be `fatal` [unknown-word]
              9 |   duplicate: {max_count: -1, severity: fatal}
                |                                        ^
              help: one of critical, warn, info
            suite.yaml:11:9: no observable is called `spraed` [unknown-observable]
              11 |   - id: spraed
                 |         ^
              help: did you mean `spread`?
            suite.yaml:16:19: the margin of `ks` is 1.5, it must be from 0.001 to 0.9 [out-of-range]
              16 |     margins: {ks: 1.5}
                 |                   ^
            suite.yaml:17:5: observable `trade_size` has no deciding test [no-deciding-test]
              17 |   - id: trade_size
                 |     ^
              help: write `decide: ks` or `decide: w1`
            suite.yaml:19:9: observable `trade_size` is listed twice [duplicate-observable]
              19 |   - id: trade_size
                 |         ^
              help: the first is on line 17
            suite.yaml:23:13: the test `acf` does not apply to observable `imbalance_l1` [test-does-not-apply]
              23 |     decide: acf
                 |             ^
              help: one of `ks`, `w1`, `mean`, `std`, `quantile`, `kuiper`, `cvm`, `ad`, `mwu`, `chi2`, `psi`, `js`, `hill`, `tail_quantile`, `energy`, `kl`, `skewness`, `kurtosis`, `l_scale`, `l_skew`, `l_kurtosis`, `gpd`, `power_law`
            suite.yaml:26:13: `w1` decides observable `ofi_1s` but has no margin [deciding-test-without-margin]
              26 |     decide: w1
                 |             ^
              help: add `w1` to its margins
            suite.yaml:27:24: no test is called `kss` [unknown-test]
              27 |     margins: {ks: 0.1, kss: 0.1}
                 |                        ^
              help: did you mean `ks`?
            suite.yaml:28:5: this observable has no id [missing-id]
              28 |   - decide: ks
                 |     ^
              help: write `- id: spread`, for example
            suite.yaml:31:13: `ks` decides observable `depth_bid_l1` but has no margin [deciding-test-without-margin]
              31 |     decide: ks
                 |             ^
              help: add `ks` to its margins
            suite.yaml:32:14: `margins` must be a map from test to number, this is a number [wrong-type]
              32 |     margins: 0.1
                 |              ^
              help: write `margins: {ks: 0.05}`
            suite.yaml:33:14: market observables have their lattice from the catalogue [lattice-is-fixed]
              33 |     lattice: {ticks: 8}
                 |              ^
              help: remove it; only columns of tables have lattices of their own
            suite.yaml:34:5: `margins` is given twice [duplicate-key]
              34 |     margins: {ks: 0.1}
                 |     ^
              help: the first is on line 32
        "#]],
    );
}

#[test]
fn short_suites_say_what_is_missing() {
    check(
        "name: x\n",
        &expect![[r#"
        suite.yaml:1:1: the suite does not say its schema [missing-schema]
          1 | name: x
            | ^
          help: write `schema: verismo.suite/1` as the first line
    "#]],
    );
    check(
        "",
        &expect![[r#"
        suite.yaml:1:1: the suite does not say its schema [missing-schema]
          help: write `schema: verismo.suite/1` as the first line
        suite.yaml:1:1: a suite must be a map, this is nothing [wrong-type]
    "#]],
    );
    check(
        "schema: verismo.suite/2\nobservables: []\n",
        &expect![[r#"
        suite.yaml:1:9: this schema is not known [unknown-schema]
          1 | schema: verismo.suite/2
            |         ^
          help: this version reads verismo.suite/1
    "#]],
    );
    check(
        "schema: verismo.suite/1\nobservables: [{id: spread, enabled: false, decide: ks, margins: {ks: 0.1}}]\n",
        &expect![[r#"
            suite.yaml:2:14: the suite judges nothing [nothing-to-judge]
              2 | observables: [{id: spread, enabled: false, decide: ks, margins: {ks: 0.1}}]
                |              ^
              help: enable at least one observable, or write `observables: []` where checks are all you want
        "#]],
    );
    check(
        "- 1\n- 2\n",
        &expect![[r#"
        suite.yaml:1:1: the suite does not say its schema [missing-schema]
          1 | - 1
            | ^
          help: write `schema: verismo.suite/1` as the first line
        suite.yaml:1:1: a suite must be a map, this is a list [wrong-type]
          1 | - 1
            | ^
    "#]],
    );
    check(
        "schema: verismo.suite/1\nobservables: [\n",
        &expect![[r#"
        suite.yaml:2:14: this is not YAML: unclosed bracket '[' [not-yaml]
          2 | observables: [
            |              ^
    "#]],
    );
    check(
        "schema: verismo.suite/1\ncolumns: {decide: ks, margins: {ks: .05}}\n",
        &expect![[r#"
            suite.yaml:2:10: `columns` belongs to suites for tables [columns-in-market]
              2 | columns: {decide: ks, margins: {ks: .05}}
                |          ^
              help: write `data: table`, or name observables instead
        "#]],
    );
}

#[test]
fn lattices_of_columns_are_checked() {
    let text = "\
schema: verismo.suite/1
data: table
observables:
  - {id: a, decide: ks, margins: {ks: 0.1}, lattice: {ticks: 19}}
  - {id: b, decide: ks, margins: {ks: 0.1}, lattice: {float: 10, splits: [{from: 1, to: 0, bits: 20}]}}
  - {id: c, decide: ks, margins: {ks: 0.1}, lattice: {ticks: 1, float: 2}}
  - {id: d, decide: ks, margins: {ks: 0.1}, lattice: {float: 10, splits: [{from: 1, to: 2, bits: 9}]}}
  - {id: e, decide: fano, margins: {fano: 0.1}}
";
    check(
        text,
        &expect![[r#"
            suite.yaml:4:62: ticks is 19, it must be from 0 to 18 [out-of-range]
              4 |   - {id: a, decide: ks, margins: {ks: 0.1}, lattice: {ticks: 19}}
                |                                                              ^
            suite.yaml:5:75: splits must be non-empty, ascending and disjoint [bad-lattice]
              5 |   - {id: b, decide: ks, margins: {ks: 0.1}, lattice: {float: 10, splits: [{from: 1, to: 0, bits: 20}]}}
                |                                                                           ^
            suite.yaml:6:54: a lattice is either `ticks` or `float` [bad-lattice]
              6 |   - {id: c, decide: ks, margins: {ks: 0.1}, lattice: {ticks: 1, float: 2}}
                |                                                      ^
              help: write `{ticks: 2}` or `{float: 10}`
            suite.yaml:7:98: bits is 9, it must be from 11 to 52 [out-of-range]
              7 |   - {id: d, decide: ks, margins: {ks: 0.1}, lattice: {float: 10, splits: [{from: 1, to: 2, bits: 9}]}}
                |                                                                                                  ^
            suite.yaml:8:21: the test `fano` does not apply to observable `e` [test-does-not-apply]
              8 |   - {id: e, decide: fano, margins: {fano: 0.1}}
                |                     ^
              help: one of `ks`, `w1`, `mean`, `std`, `quantile`, `kuiper`, `cvm`, `ad`, `mwu`, `chi2`, `psi`, `js`, `hill`, `tail_quantile`, `energy`, `kl`, `skewness`, `kurtosis`, `l_scale`, `l_skew`, `l_kurtosis`, `gpd`, `power_law`
            suite.yaml:8:37: the test `fano` does not apply to observable `e` [test-does-not-apply]
              8 |   - {id: e, decide: fano, margins: {fano: 0.1}}
                |                                     ^
              help: one of `ks`, `w1`, `mean`, `std`, `quantile`, `kuiper`, `cvm`, `ad`, `mwu`, `chi2`, `psi`, `js`, `hill`, `tail_quantile`, `energy`, `kl`, `skewness`, `kurtosis`, `l_scale`, `l_skew`, `l_kurtosis`, `gpd`, `power_law`
        "#]],
    );
}

#[test]
fn a_table_suite_is_written_and_read_back() {
    let float = LatticeSpec::Float {
        mantissa_bits: 10,
        origin: 0.1 + 0.2,
        splits: vec![catalogue::Split { from: -1.0, to: -0.9, mantissa_bits: 20 }],
    };
    let columns = vec![
        ("price".to_owned(), LatticeSpec::Ticks { scale: 2 }),
        ("no".to_owned(), LatticeSpec::float(10)),
        ("weird: \"name\" \\ #1\t".to_owned(), float.clone()),
        ("12".to_owned(), LatticeSpec::float(52)),
    ];
    let text = table_suite_text(&columns);
    let suite = Suite::parse(&text).unwrap_or_else(|p| panic!("{}", render_problems("table", &text, &p)));
    for (name, lattice) in &columns {
        assert_eq!(suite.rule(name).unwrap().lattice.as_ref(), Some(lattice), "{name}");
        let built = lattice.to_lattice().unwrap();
        assert_eq!(&LatticeSpec::from_lattice(&built), lattice);
    }
    let frozen = Suite::builtin("table").unwrap().with_columns(&columns);
    assert_eq!(frozen.canonical_bytes(), suite.canonical_bytes());
    assert!(Suite::parse(&table_suite_text(&[])).is_ok());
}

#[test]
fn catalogued_lattices_are_valid() {
    for o in catalogue::OBSERVABLES {
        let lattice = o.lattice().to_lattice().unwrap();
        assert_eq!(LatticeSpec::from_lattice(&lattice), o.lattice(), "{}", o.id);
    }
}

#[test]
fn tests_are_asked_for_by_name_or_all_at_once() {
    let suite = |text: &str| Suite::parse(&format!("schema: verismo.suite/1\n{text}")).unwrap();
    let rule = |suite: &Suite, id: &str| suite.rule(id).unwrap().margins;
    let spread = "observables:\n- {id: spread, decide: ks, margins: {ks: 0.1, cvm: 0.02}, tests: TESTS}\n- {id: aggressor_sign_acf, decide: acf, margins: {acf: 0.1}}\n";
    let named = suite(&spread.replace("TESTS", "[mwu, cvm]"));
    let margins = rule(&named, "spread");
    assert_eq!(margins.keys().map(|t| t.as_str()).collect::<Vec<_>>(), ["ks", "cvm", "mwu"]);
    // A margin that is given stays; the others are as large a shift as the observable's own distance.
    assert_eq!((margins[&TestId::Cvm], margins[&TestId::Mwu]), (0.02, 0.071));
    let all = suite(&spread.replace("TESTS", "all"));
    assert_eq!(rule(&all, "spread").len(), catalogue::LAW_TESTS.len());
    assert_eq!(rule(&all, "aggressor_sign_acf").len(), 1);
    let everywhere = suite(&format!("tests: [psi]\n{}", spread.replace("TESTS", "[]")));
    assert!(rule(&everywhere, "spread").contains_key(&TestId::Psi));
    assert_eq!(rule(&everywhere, "aggressor_sign_acf").len(), 1, "where it applies");
    check(
        "schema: verismo.suite/1\ntests: [kuipr, fano]\nobservables:\n- {id: spread, decide: ks, margins: {ks: 0.1}, tests: [acf]}\n- {id: ofi_1s, decide: ks, margins: {ks: 0.1}, tests: 3}\n",
        &expect![[r#"
            suite.yaml:2:9: no test is called `kuipr` [unknown-test]
              2 | tests: [kuipr, fano]
                |         ^
              help: did you mean `kuiper`?
            suite.yaml:4:56: the test `acf` does not apply to observable `spread` [test-does-not-apply]
              4 | - {id: spread, decide: ks, margins: {ks: 0.1}, tests: [acf]}
                |                                                        ^
              help: one of `ks`, `w1`, `mean`, `std`, `quantile`, `kuiper`, `cvm`, `ad`, `mwu`, `chi2`, `psi`, `js`, `hill`, `tail_quantile`, `energy`, `kl`, `skewness`, `kurtosis`, `l_scale`, `l_skew`, `l_kurtosis`, `gpd`, `power_law`
            suite.yaml:5:55: `tests` must be `all` or a list of tests, this is a number [wrong-type]
              5 | - {id: ofi_1s, decide: ks, margins: {ks: 0.1}, tests: 3}
                |                                                       ^
              help: write `tests: all` or `tests: [kuiper, ad]`
        "#]],
    );
}

#[test]
fn proposed_margins_replace_the_defaults_and_say_what_is_out_of_reach() {
    let proposals = vec![Proposal {
        observable: "spread".to_owned(),
        margins: vec![
            ProposedMargin { test: TestId::Ks, margin: 0.25, resolvable: Some(0.21), out_of_reach: true },
            ProposedMargin { test: TestId::W1, margin: 0.5, resolvable: None, out_of_reach: false },
        ],
    }];
    let text = with_proposed_margins(&proposals);
    let suite = Suite::parse(&text).unwrap();
    let rule = suite.rule("spread").unwrap();
    assert_eq!((rule.margins[&TestId::Ks], rule.margins[&TestId::W1]), (0.25, 0.5));
    let default = Suite::builtin("market").unwrap().rule("spread").unwrap();
    assert_eq!(rule.margins[&TestId::Mean].to_bits(), default.margins[&TestId::Mean].to_bits());
    assert!(text.contains("# ks: the default is out of reach, this golden resolves 0.21."));
    assert_eq!(with_proposed_margins(&[]), MARKET_TEXT);
}

#[test]
fn policies_and_corrections_are_digested_where_they_are_unusual() {
    let text = |policy: &str, decide: &str| {
        format!(
            "schema: verismo.suite/1\nobservables:\n  - {{id: spread, decide: {decide}, margins: {{ks: 0.1, mean: 0.1}}{policy}}}\n"
        )
    };
    let usual = Suite::parse(&text("", "mean")).unwrap();
    let said = Suite::parse(&format!("{}multiplicity: holm\n", text(", policy: equivalence", "mean"))).unwrap();
    assert_eq!(usual.canonical_bytes(), said.canonical_bytes());
    let above = Suite::parse(&text(", policy: not_above", "mean")).unwrap();
    assert_eq!(above.rule("spread").unwrap().policy, Policy::NotAbove);
    assert_ne!(usual.canonical_bytes(), above.canonical_bytes());
    let bh = Suite::parse(&format!("{}multiplicity: bh\n", text("", "mean"))).unwrap();
    assert_ne!(usual.canonical_bytes(), bh.canonical_bytes());
    let problems = Suite::parse(&text(", policy: above", "ks")).unwrap_err();
    assert_eq!(problems.iter().map(|p| (p.line, p.code)).collect::<Vec<_>>(), [(3, "policy-needs-sign")]);
    assert_eq!(
        Suite::parse(&text(", policy: difference", "ks")).unwrap().rule("spread").unwrap().policy,
        Policy::Difference
    );
}

#[test]
fn strata_are_read_and_their_mistakes_named() {
    let head = "schema: verismo.suite/1\nobservables:\n  - {id: spread, decide: ks, margins: {ks: 0.1}}\n";
    let read = |text: &str| Suite::parse(&format!("{head}{text}\n"));
    let suite =
        read("strata: {by: [sessions, hour], sessions: [{name: open, from: \"13:30\", to: \"14:00\"}]}").unwrap();
    let strata = suite.strata.clone().unwrap();
    assert_eq!(strata.by, [StrataBy::Hour, StrataBy::Sessions]);
    assert_eq!((strata.sessions[0].from_min, strata.sessions[0].to_min, strata.severity), (810, 840, Severity::Warn));
    assert_ne!(suite.canonical_bytes(), read("").unwrap().canonical_bytes());
    assert!(!String::from_utf8(read("").unwrap().canonical_bytes()).unwrap().contains("strata"));
    for (text, codes) in [
        ("strata: [hour]", vec!["no-strata", "wrong-type"]),
        ("strata: {severity: warn}", vec!["no-strata"]),
        ("strata: {by: hour}", vec!["wrong-type"]),
        ("strata: {by: [hours]}", vec!["unknown-word"]),
        ("strata: {by: [volatility]}", vec!["strata-need-observable"]),
        ("strata: {by: [sessions]}", vec!["no-sessions"]),
        (
            "strata: {by: [sessions], sessions: [{name: a, from: \"9\", to: \"10:00\"}]}",
            vec!["no-sessions", "bad-time-of-day"],
        ),
        ("strata: {by: [hour], sessions: [{name: a, from: \"09:00\"}]}", vec!["incomplete-session"]),
        ("strata: {by: [hour], sessions: [{name: a, from: \"09:00\", to: \"09:00\"}]}", vec!["empty-session"]),
        (
            "strata: {by: [hour], sessions: [{name: a, from: \"09:00\", to: \"10:00\"}, {name: a, from: \"11:00\", to: \"12:00\"}]}",
            vec!["duplicate-session"],
        ),
    ] {
        let found: Vec<&str> = read(text).unwrap_err().iter().map(|p| p.code).collect();
        assert_eq!(found, codes, "{text}");
    }
}

#[test]
fn a_suite_may_start_from_a_built_in_one() {
    let market = Suite::builtin("market").unwrap();
    let read = |text: &str| Suite::parse(&format!("schema: verismo.suite/1\n{text}"));
    let same = read("extends: market\n").unwrap();
    assert_eq!(same.canonical_bytes(), market.canonical_bytes());
    assert_eq!(same.name, "suite", "a name is not taken over");
    let text = "extends: market\nalpha: 0.01\nchecks: {duplicate: {max_count: 7}}\nobservables:\n  - {id: spread, severity: warn}\n  - {id: trade_size, margins: {ks: 0.2}}\n";
    let changed = read(text).unwrap();
    assert_eq!(changed.observable_ids(), market.observable_ids());
    let spread = changed.rule("spread").unwrap();
    assert_eq!((spread.severity, &spread.margins), (Severity::Warn, &market.rule("spread").unwrap().margins));
    assert!((changed.rule("trade_size").unwrap().margins[&TestId::Ks] - 0.2).abs() < 1e-12);
    assert_eq!(changed.checks["duplicate"].max_count, Some(7));
    assert_eq!(changed.checks["crossed_book"], market.checks["crossed_book"]);
    assert!((changed.alpha - 0.01).abs() < 1e-12);
    let few = read("extends: market\nonly: [spread]\nobservables:\n  - {id: ofi_1s, decide: ks, margins: {ks: 0.2}}\n")
        .unwrap();
    assert_eq!(few.observable_ids(), ["ofi_1s", "spread"]);
    for (text, place, code) in [
        ("extends: markt\nobservables: []\n", (2, 10), "unknown-suite"),
        ("extends: [market, 3]\n", (2, 19), "wrong-type"),
        ("extends: market\nonly: [sprad]\n", (3, 8), "unknown-observable"),
        ("only: [spread]\nobservables: []\n", (2, 7), "only-of-nothing"),
        ("extends: market\nobservables:\n  - {id: spread, decide: mena}\n", (4, 26), "unknown-test"),
        (
            "extends: market\nobservables:\n  - {id: spread}\n  - {id: ofi_9s}\n  - {id: ofi_9s}\n",
            (5, 10),
            "unknown-observable",
        ),
    ] {
        let problems = read(text).unwrap_err();
        assert_eq!(((problems[0].line, problems[0].column), problems[0].code), (place, code), "{text} {problems:?}");
    }
}

#[test]
fn checks_alone_are_a_suite_and_light_is_a_part_of_market() {
    let integrity = Suite::builtin("integrity").unwrap();
    assert!(integrity.is_checks_alone() && integrity.checks == Suite::builtin("market").unwrap().checks);
    let (light, market) = (Suite::builtin("light").unwrap(), Suite::builtin("market").unwrap());
    assert!(light.observables.len() < 12 && !light.is_checks_alone());
    for rule in &light.observables {
        let whole = market.rule(&rule.id).unwrap();
        assert_eq!((rule.decide, rule.severity), (whole.decide, whole.severity));
        assert_eq!(rule.margins.len(), 1, "{}", rule.id);
        assert_eq!(rule.margins.get(&rule.decide), whole.margins.get(&whole.decide), "{}", rule.id);
    }
}

#[test]
fn comprehensive_is_market_microstructure_and_joint_with_every_test() {
    let [all, market, micro, joint] =
        ["comprehensive", "market", "microstructure", "joint"].map(|name| Suite::builtin(name).unwrap());
    let mut ids = market.observable_ids();
    ids.extend(micro.observable_ids());
    ids.extend(joint.observable_ids());
    ids.sort();
    ids.dedup();
    assert_eq!(all.observable_ids(), ids);
    assert!(all.rule("spread").unwrap().margins.len() > market.rule("spread").unwrap().margins.len());
    assert!(all.strata.is_some() && ids.len() > 60);
    let bench = Suite::builtin("lob-bench").unwrap();
    assert!(bench.observables.iter().all(|rule| rule.margins.contains_key(&TestId::W1)));
    assert_eq!(bench.rule("depth_ask_l10").unwrap().severity, Severity::Critical);
}

#[test]
fn a_suite_comes_back_from_its_canonical_form_and_from_nothing_else() {
    for name in BUILTIN_NAMES {
        let suite = Suite::builtin(name).unwrap();
        let bytes = suite.canonical_bytes();
        assert_eq!(Suite::from_canonical(&bytes, &suite.name).unwrap(), suite, "{name}");
        let spaced = String::from_utf8(bytes).unwrap().replacen(':', ": ", 1);
        assert_eq!(Suite::from_canonical(spaced.as_bytes(), name), None, "{name}");
    }
    // What the built-in suites do not have: lattices, limits of readers, sessions, policies.
    let columns = [("x".to_owned(), LatticeSpec::float(10)), ("y".to_owned(), LatticeSpec::Ticks { scale: 2 })];
    let table = Suite::builtin("table").unwrap().with_columns(&columns);
    let text = "schema: verismo.suite/1\ndata: market\nmultiplicity: bh\nreading: {streams: 9}\n\
                strata: {by: [hour, sessions], sessions: [{name: night, from: \"22:00\", to: \"02:00\"}]}\n\
                observables:\n  - {id: spread, decide: w1, margins: {w1: 0.25}}\n";
    let said = Suite::parse(text).unwrap_or_else(|problems| panic!("{problems:?}"));
    for suite in [table, said] {
        assert_eq!(Suite::from_canonical(&suite.canonical_bytes(), &suite.name).unwrap(), suite);
    }
}
