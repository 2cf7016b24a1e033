//! From text to a [`Suite`], collecting every problem on the way.

mod asked;
mod extends;
mod strata;
mod values;

use std::collections::BTreeMap;

use asked::Asked;

use super::problem::SuiteProblem;
use super::{
    ColumnDefaults, DataKind, Limit, Multiplicity, ObservableRule, Pairing, Policy, Reading, SCHEMA, Scope, Suite,
};
use crate::catalogue::{self, CHECKS, LatticeSpec, Split, TestId};
use crate::verdict::Severity;
use crate::yaml::{self, Key, Node, Place, Value};

/// The tests that apply to a column of a table.
pub(super) fn column_tests() -> Vec<TestId> {
    catalogue::ObservableInfo { tests: catalogue::LAW_TESTS, ..catalogue::ObservableInfo::TEMPLATE }.all_tests()
}

const TOP_KEYS: &[&str] = &[
    "schema",
    "extends",
    "only",
    "name",
    "data",
    "scope",
    "pairing",
    "alpha",
    "multiplicity",
    "replicates",
    "window",
    "warmup",
    "grid",
    "reading",
    "checks",
    "columns",
    "observables",
    "tests",
    "strata",
];
const RULE_KEYS: &[&str] = &["id", "decide", "margins", "severity", "policy", "lattice", "enabled", "tests"];
const COLUMN_KEYS: &[&str] = &["decide", "margins", "severity", "policy", "tests"];
const READING_KEYS: &[&str] = &["line_bytes", "unpack_ratio", "streams", "columns"];
const LIMIT_KEYS: &[&str] = &["max_count", "max_ratio", "severity"];
const LATTICE_KEYS: &[&str] = &["ticks", "float", "origin", "splits"];
const SPLIT_KEYS: &[&str] = &["from", "to", "bits"];

/// Reads a suite; see [`Suite::parse`].
pub(super) fn suite(text: &str) -> Result<Suite, Vec<SuiteProblem>> {
    let root = yaml::parse(text).map_err(|e| {
        vec![SuiteProblem {
            line: e.place.line,
            column: e.place.column,
            code: "not-yaml",
            message: format!("this is not YAML: {}", e.message),
            help: String::new(),
        }]
    })?;
    let mut reader = Reader { problems: Vec::new(), everywhere: Asked::Nothing };
    let root = reader.extended(root);
    let suite = reader.root(&root);
    if reader.problems.is_empty() {
        return Ok(suite);
    }
    reader.problems.sort();
    Err(reader.problems)
}

struct Reader {
    problems: Vec<SuiteProblem>,
    /// Tests that run wherever they apply.
    everywhere: Asked,
}

/// The entries of a map whose keys are all known and single.
struct Entries<'a> {
    place: Place,
    entries: Vec<(&'a Key, &'a Node)>,
}

impl<'a> Entries<'a> {
    fn get(&self, name: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(k, _)| k.name == name).map(|(_, n)| *n)
    }
}

impl Reader {
    fn problem(&mut self, place: Place, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(SuiteProblem {
            line: place.line,
            column: place.column,
            code,
            message: message.into(),
            help: help.into(),
        });
    }

    fn root(&mut self, root: &Node) -> Suite {
        let map = self.map(root, "a suite", TOP_KEYS);
        if let (Some(only), None) = (map.get("only"), map.get("extends")) {
            self.problem(
                only.place,
                "only-of-nothing",
                "`only` keeps some of what is extended",
                "add `extends: market`",
            );
        }
        self.schema(&map);
        let data =
            self.word(&map, "data", &[("market", DataKind::Market), ("table", DataKind::Table)], DataKind::Market);
        let scopes = [Scope::TheseStretches, Scope::Population].map(|s| (s.as_str(), s));
        let pairings = [Pairing::Auto, Pairing::Aligned, Pairing::Distributional].map(|p| (p.as_str(), p));
        let corrections = Multiplicity::ALL.map(|m| (m.as_str(), m));
        let mut suite = Suite {
            name: map.get("name").and_then(|n| self.text(n, "name")).unwrap_or_else(|| "suite".to_owned()),
            data,
            scope: self.word(&map, "scope", &scopes, Scope::TheseStretches),
            pairing: self.word(&map, "pairing", &pairings, Pairing::Auto),
            alpha: map.get("alpha").and_then(|n| self.number(n, "alpha", 0.001, 0.2)).unwrap_or(0.05),
            multiplicity: self.word(&map, "multiplicity", &corrections, Multiplicity::Holm),
            replicates: self.whole(&map, "replicates", 199, 99_999).map_or(1999, |n| u32::try_from(n).unwrap_or(1999)),
            window_ns: self.window(&map),
            warmup_ns: self.duration(&map, "warmup", 0, 3_600_000_000_000).unwrap_or(60_000_000_000),
            grid_ns: self.duration(&map, "grid", 1_000_000, 1_000_000_000).unwrap_or(100_000_000),
            reading: self.reading(&map),
            checks: Suite::default_checks(),
            strata: None,
            columns: None,
            observables: Vec::new(),
        };
        if 1_000_000_000 % suite.grid_ns != 0
            && let Some(node) = map.get("grid")
        {
            self.problem(
                node.place,
                "grid-not-divisor",
                "the grid must divide one second",
                "use 100ms, 200ms, 500ms or 1s",
            );
        }
        if let Some(node) = map.get("checks") {
            self.checks(node, &mut suite.checks);
        }
        if let Some(node) = map.get("tests") {
            self.everywhere = self.asked(node, "the suite", None);
        }
        if let Some(node) = map.get("columns") {
            suite.columns = self.columns(node, data);
        }
        if let Some(node) = map.get("observables") {
            suite.observables = self.observables(node, data);
        }
        if let Some(node) = map.get("strata") {
            suite.strata = self.strata(node, data, &suite.observable_ids());
        }
        // An empty list says that checks alone are meant.
        let checks_alone =
            matches!(map.get("observables").map(|n| &n.value), Some(Value::List(items)) if items.is_empty());
        let nothing = suite.is_checks_alone() && !(checks_alone && data == DataKind::Market);
        if nothing && self.problems.is_empty() {
            let place = map.get("observables").map_or(map.place, |n| n.place);
            self.problem(
                place,
                "nothing-to-judge",
                "the suite judges nothing",
                "enable at least one observable, or write `observables: []` where checks are all you want",
            );
        }
        suite
    }

    fn reading(&mut self, map: &Entries<'_>) -> Reading {
        let Some(node) = map.get("reading") else { return Reading::default() };
        let map = self.map(node, "`reading`", READING_KEYS);
        let mut limit = |i: usize| {
            let limit = self.whole(&map, READING_KEYS[i], 1, i64::try_from(Reading::MAX[i]).unwrap_or(i64::MAX));
            limit.and_then(|n| u64::try_from(n).ok())
        };
        Reading { line_bytes: limit(0), unpack_ratio: limit(1), streams: limit(2), columns: limit(3) }
    }

    fn schema(&mut self, map: &Entries<'_>) {
        match map.get("schema") {
            None => {
                let help = format!("write `schema: {SCHEMA}` as the first line");
                self.problem(map.place, "missing-schema", "the suite does not say its schema", help);
            }
            Some(node) => match &node.value {
                Value::Text(text) if text == SCHEMA => {}
                _ => {
                    let help = format!("this version reads {SCHEMA}");
                    self.problem(node.place, "unknown-schema", "this schema is not known", help);
                }
            },
        }
    }

    fn window(&mut self, map: &Entries<'_>) -> Option<i64> {
        let second = 1_000_000_000;
        let choices = [("auto", None), ("1s", Some(second)), ("10s", Some(10 * second)), ("60s", Some(60 * second))];
        self.word(map, "window", &choices, None)
    }

    fn checks(&mut self, node: &Node, limits: &mut BTreeMap<String, Limit>) {
        let ids: Vec<&str> = CHECKS.iter().map(|c| c.id).collect();
        let map = self.map_of(node, "`checks`", &ids, "check", "unknown-check");
        for (key, node) in &map.entries {
            let Some(info) = catalogue::check(&key.name) else {
                continue;
            };
            let entry = self.map(node, "a limit", LIMIT_KEYS);
            let severity = self.severity(&entry, info.severity);
            let max_count = self.whole(&entry, "max_count", 0, i64::MAX).and_then(|n| u64::try_from(n).ok());
            let max_ratio = entry.get("max_ratio").and_then(|n| self.number(n, "max_ratio", 0.0, 1.0));
            let (max_count, max_ratio) = match (entry.get("max_count"), entry.get("max_ratio")) {
                (None, None) => (info.max_count, info.max_ratio),
                _ => (max_count, max_ratio),
            };
            limits.insert(key.name.clone(), Limit { max_count, max_ratio, severity });
        }
    }

    fn columns(&mut self, node: &Node, data: DataKind) -> Option<ColumnDefaults> {
        if data == DataKind::Market {
            let help = "write `data: table`, or name observables instead";
            self.problem(node.place, "columns-in-market", "`columns` belongs to suites for tables", help);
        }
        let map = self.map(node, "`columns`", COLUMN_KEYS);
        let severity = self.severity(&map, Severity::Critical);
        let (decide, margins) = self.tests(&map, "`columns`", &column_tests())?;
        let policy = self.policy(&map, decide);
        Some(ColumnDefaults { decide, margins, severity, policy })
    }

    fn observables(&mut self, node: &Node, data: DataKind) -> Vec<ObservableRule> {
        let Value::List(items) = &node.value else {
            let message = format!("`observables` must be a list, this is {}", node.value.kind());
            self.problem(node.place, "wrong-type", message, "start each observable with `- id: ...`");
            return Vec::new();
        };
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        let mut rules = Vec::new();
        for item in items {
            let map = self.map(item, "an observable", RULE_KEYS);
            let Some(id_node) = map.get("id") else {
                self.problem(
                    item.place,
                    "missing-id",
                    "this observable has no id",
                    "write `- id: spread`, for example",
                );
                continue;
            };
            let Some(id) = self.text(id_node, "id") else {
                continue;
            };
            if let Some(line) = seen.get(&id) {
                let message = format!("observable `{id}` is listed twice");
                self.problem(id_node.place, "duplicate-observable", message, format!("the first is on line {line}"));
                continue;
            }
            seen.insert(id.clone(), id_node.place.line);
            if let Some(rule) = self.rule(&map, id_node, id, data) {
                rules.push(rule);
            }
        }
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        rules
    }

    /// One observable; `None` when it is disabled or wrong.
    fn rule(&mut self, map: &Entries<'_>, id_node: &Node, id: String, data: DataKind) -> Option<ObservableRule> {
        let allowed = match data {
            DataKind::Table => column_tests(),
            DataKind::Market => match catalogue::observable(&id) {
                Some(info) => info.all_tests(),
                None => {
                    let near = catalogue::nearest(&id, catalogue::all_observables().map(|o| o.id));
                    let help =
                        near.map_or("`verismo metrics` lists them".to_owned(), |n| format!("did you mean `{n}`?"));
                    self.problem(id_node.place, "unknown-observable", format!("no observable is called `{id}`"), help);
                    return None;
                }
            },
        };
        let enabled = match map.get("enabled").map(|n| (n, &n.value)) {
            None | Some((_, Value::Bool(true))) => true,
            Some((_, Value::Bool(false))) => false,
            Some((node, other)) => {
                let message = format!("`enabled` must be true or false, this is {}", other.kind());
                self.problem(node.place, "wrong-type", message, "");
                true
            }
        };
        let severity = self.severity(map, Severity::Critical);
        let lattice = map.get("lattice").and_then(|n| self.lattice(n, data));
        let (decide, margins) = self.tests(map, &format!("observable `{id}`"), &allowed)?;
        let policy = self.policy(map, decide);
        enabled.then_some(ObservableRule { id, decide, margins, severity, policy, lattice })
    }

    /// What PASS and FAIL claim; a direction needs a deciding test whose effect has one.
    fn policy(&mut self, map: &Entries<'_>, decide: TestId) -> Policy {
        let policy = self.word(map, "policy", &Policy::ALL.map(|p| (p.as_str(), p)), Policy::Equivalence);
        if let Some(node) = map.get("policy")
            && policy.for_test(decide.info().signed) != policy
        {
            let message =
                format!("`{}` is about a direction, and `{decide}` is a distance without one", policy.as_str());
            self.problem(
                node.place,
                "policy-needs-sign",
                message,
                "decide by `mean`, `quantile` or another test with a sign",
            );
        }
        policy
    }

    /// `decide` and `margins` of an observable.
    fn tests(&mut self, map: &Entries<'_>, of: &str, allowed: &[TestId]) -> Option<(TestId, BTreeMap<TestId, f64>)> {
        let Some(margins_node) = map.get("margins") else {
            let help = format!("write `margins: {{{}: 0.05}}`", allowed.first().map_or("ks", |t| t.as_str()));
            self.problem(map.place, "no-margins", format!("{of} has no margins"), help);
            return None;
        };
        let mut margins = self.margins(margins_node, of, allowed);
        let Some(node) = map.get("decide") else {
            let choice: Vec<_> = margins.keys().map(|t| format!("`decide: {t}`")).collect();
            let help = if choice.is_empty() { String::new() } else { format!("write {}", choice.join(" or ")) };
            self.problem(map.place, "no-deciding-test", format!("{of} has no deciding test"), help);
            return None;
        };
        let name = self.text(node, "decide")?;
        let test = self.test(&name, node.place, of, allowed)?;
        let named = matches!(&margins_node.value, Value::Map(e) if e.iter().any(|(k, _)| k.name == name));
        if !named {
            let message = format!("`{name}` decides {of} but has no margin");
            self.problem(node.place, "deciding-test-without-margin", message, format!("add `{name}` to its margins"));
            return None;
        }
        let decides = margins.contains_key(&test);
        let own = map.get("tests").map_or(Asked::Nothing, |node| self.asked(node, of, Some(allowed)));
        for asked in [&self.everywhere, &own] {
            asked.add_to(&mut margins, allowed);
        }
        decides.then_some((test, margins))
    }

    fn margins(&mut self, node: &Node, of: &str, allowed: &[TestId]) -> BTreeMap<TestId, f64> {
        let mut margins = BTreeMap::new();
        let Value::Map(entries) = &node.value else {
            let message = format!("`margins` must be a map from test to number, this is {}", node.value.kind());
            self.problem(node.place, "wrong-type", message, "write `margins: {ks: 0.05}`");
            return margins;
        };
        for (key, node) in entries {
            let Some(test) = self.test(&key.name, key.place, of, allowed) else {
                continue;
            };
            let (low, high) = test.info().margin_range;
            let Some(margin) = self.number(node, &format!("the margin of `{test}`"), low, high) else {
                continue;
            };
            if margins.insert(test, margin).is_some() {
                self.problem(key.place, "duplicate-key", format!("`{test}` has two margins"), "keep one");
            }
        }
        margins
    }

    fn test(&mut self, name: &str, place: Place, of: &str, allowed: &[TestId]) -> Option<TestId> {
        let names = || allowed.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(", ");
        match TestId::from_name(name) {
            Some(test) if allowed.contains(&test) => Some(test),
            Some(test) => {
                let message = format!("the test `{test}` does not apply to {of}");
                self.problem(place, "test-does-not-apply", message, format!("one of {}", names()));
                None
            }
            None => {
                let near = catalogue::nearest(name, catalogue::all_tests().map(|t| t.name));
                let help = near.map_or_else(|| format!("one of {}", names()), |n| format!("did you mean `{n}`?"));
                self.problem(place, "unknown-test", format!("no test is called `{name}`"), help);
                None
            }
        }
    }

    fn lattice(&mut self, node: &Node, data: DataKind) -> Option<LatticeSpec> {
        if data == DataKind::Market {
            let help = "remove it; only columns of tables have lattices of their own";
            self.problem(
                node.place,
                "lattice-is-fixed",
                "market observables have their lattice from the catalogue",
                help,
            );
            return None;
        }
        let map = self.map(node, "a lattice", LATTICE_KEYS);
        match (map.get("ticks"), map.get("float")) {
            (Some(n), None) => {
                for extra in ["origin", "splits"] {
                    if let Some(node) = map.get(extra) {
                        self.problem(node.place, "bad-lattice", format!("`{extra}` belongs to float lattices"), "");
                    }
                }
                let scale = self.integer(n, "ticks", 0, 18)?;
                Some(LatticeSpec::Ticks { scale: u8::try_from(scale).ok()? })
            }
            (None, Some(n)) => {
                let bits = self.integer(n, "float", 1, 52)?;
                let origin = match map.get("origin") {
                    Some(n) => self.number(n, "origin", f64::MIN, f64::MAX)?,
                    None => 0.0,
                };
                let splits = match map.get("splits") {
                    Some(n) => self.splits(n, bits)?,
                    None => Vec::new(),
                };
                Some(LatticeSpec::Float { mantissa_bits: u8::try_from(bits).ok()?, origin, splits })
            }
            _ => {
                let help = "write `{ticks: 2}` or `{float: 10}`";
                self.problem(node.place, "bad-lattice", "a lattice is either `ticks` or `float`", help);
                None
            }
        }
    }

    fn splits(&mut self, node: &Node, bits: i64) -> Option<Vec<Split>> {
        let Value::List(items) = &node.value else {
            let message = format!("`splits` must be a list, this is {}", node.value.kind());
            self.problem(node.place, "wrong-type", message, "");
            return None;
        };
        let mut splits: Vec<Split> = Vec::new();
        for item in items {
            let map = self.map(item, "a split", SPLIT_KEYS);
            let (Some(from), Some(to), Some(fine)) = (map.get("from"), map.get("to"), map.get("bits")) else {
                self.problem(item.place, "bad-lattice", "a split has `from`, `to` and `bits`", "");
                return None;
            };
            let from = self.number(from, "from", f64::MIN, f64::MAX)?;
            let to = self.number(to, "to", f64::MIN, f64::MAX)?;
            let fine = self.integer(fine, "bits", bits + 1, 52)?;
            if from >= to || splits.last().is_some_and(|s| s.to > from) {
                self.problem(item.place, "bad-lattice", "splits must be non-empty, ascending and disjoint", "");
                return None;
            }
            splits.push(Split { from, to, mantissa_bits: u8::try_from(fine).ok()? });
        }
        Some(splits)
    }
}
