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
    let mut ids: Vec<_> = OBSERVABLES.iter().map(|o| o.id.to_owned()).collect();
    ids.sort();
    assert_eq!(market.observable_ids(), ids);
    assert_eq!(market.checks.len(), CHECKS.len());
    assert!(market.checks["unreadable"].max_ratio.is_some());
    assert_eq!(
        (market.grid_ns, market.warmup_ns, market.window_ns),
        (100_000_000, 60_000_000_000, None)
    );
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
    check(text, &expect![[""]]);
}

#[test]
fn short_suites_say_what_is_missing() {
    check("name: x\n", &expect![[""]]);
    check("", &expect![[""]]);
    check("schema: verismo.suite/2\nobservables: []\n", &expect![[""]]);
    check("schema: verismo.suite/1\nobservables: []\n", &expect![[""]]);
    check("- 1\n- 2\n", &expect![[""]]);
    check("schema: verismo.suite/1\nobservables: [\n", &expect![[""]]);
    check(
        "schema: verismo.suite/1\ncolumns: {decide: ks, margins: {ks: .05}}\n",
        &expect![[""]],
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
    check(text, &expect![[""]]);
}

#[test]
fn a_table_suite_is_written_and_read_back() {
    let float = LatticeSpec::Float {
        mantissa_bits: 10,
        origin: 0.1 + 0.2,
        splits: vec![catalogue::Split {
            from: -1.0,
            to: -0.9,
            mantissa_bits: 20,
        }],
    };
    let columns = vec![
        ("price".to_owned(), LatticeSpec::Ticks { scale: 2 }),
        ("no".to_owned(), LatticeSpec::float(10)),
        ("weird: \"name\" \\ #1\t".to_owned(), float.clone()),
        ("12".to_owned(), LatticeSpec::float(52)),
    ];
    let text = table_suite_text(&columns);
    let suite =
        Suite::parse(&text).unwrap_or_else(|p| panic!("{}", render_problems("table", &text, &p)));
    for (name, lattice) in &columns {
        assert_eq!(
            suite.rule(name).unwrap().lattice.as_ref(),
            Some(lattice),
            "{name}"
        );
        let built = lattice.to_lattice().unwrap();
        assert_eq!(&LatticeSpec::from_lattice(&built), lattice);
    }
    let frozen = Suite::builtin("table").unwrap().with_columns(&columns);
    assert_eq!(frozen.canonical_bytes(), suite.canonical_bytes());
    assert!(Suite::parse(&table_suite_text(&[])).is_ok());
}

#[test]
fn catalogued_lattices_are_valid() {
    for o in OBSERVABLES {
        let lattice = o.lattice().to_lattice().unwrap();
        assert_eq!(LatticeSpec::from_lattice(&lattice), o.lattice(), "{}", o.id);
    }
}

#[test]
fn proposed_margins_replace_the_defaults_and_say_what_is_out_of_reach() {
    let proposals = vec![Proposal {
        observable: "spread".to_owned(),
        margins: vec![
            ProposedMargin {
                test: TestId::Ks,
                margin: 0.25,
                resolvable: Some(0.21),
                out_of_reach: true,
            },
            ProposedMargin {
                test: TestId::W1,
                margin: 0.5,
                resolvable: None,
                out_of_reach: false,
            },
        ],
    }];
    let text = with_proposed_margins(&proposals);
    let suite = Suite::parse(&text).unwrap();
    let rule = suite.rule("spread").unwrap();
    assert_eq!(
        (rule.margins[&TestId::Ks], rule.margins[&TestId::W1]),
        (0.25, 0.5)
    );
    assert_eq!(
        rule.margins[&TestId::Mean],
        Suite::builtin("market")
            .unwrap()
            .rule("spread")
            .unwrap()
            .margins[&TestId::Mean]
    );
    assert!(text.contains("# ks: the default is out of reach, this golden resolves 0.21."));
    assert_eq!(with_proposed_margins(&[]), MARKET_TEXT);
}
