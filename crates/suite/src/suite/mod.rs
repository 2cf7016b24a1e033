//! The suite: what is measured, with which margins and limits, and what decides.

mod duration;
mod parse;
mod policy;
mod problem;
mod strata;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::{self, CHECKS, LatticeSpec, TestId};
use crate::verdict::Severity;

pub use duration::{format_duration, parse_duration};
pub use policy::{Multiplicity, Policy};
pub use problem::{SuiteProblem, render_problems};
pub use strata::{Session, Strata, StrataBy};
pub use write::{Proposal, ProposedMargin, table_suite_text, with_proposed_margins};

/// The schema this crate reads and writes.
pub const SCHEMA: &str = "verismo.suite/1";

/// The text of the built-in suite `market`; `verismo init` writes it.
pub const MARKET_TEXT: &str = include_str!("../builtin/market.yaml");

/// The text of the built-in suite `microstructure`.
pub const MICROSTRUCTURE_TEXT: &str = include_str!("../builtin/microstructure.yaml");

/// The text of the built-in suite `table`.
pub const TABLE_TEXT: &str = include_str!("../builtin/table.yaml");

/// The text of the built-in suite `joint`.
const JOINT_TEXT: &str = include_str!("../builtin/joint.yaml");
/// The text of the built-in suite `comprehensive`.
const COMPREHENSIVE_TEXT: &str = include_str!("../builtin/comprehensive.yaml");

/// The text of the built-in suite `lob-bench`.
const LOB_BENCH_TEXT: &str = include_str!("../builtin/lob-bench.yaml");

/// The text of the built-in suite `integrity`.
const INTEGRITY_TEXT: &str = include_str!("../builtin/integrity.yaml");

/// The text of the built-in suite `light`.
const LIGHT_TEXT: &str = include_str!("../builtin/light.yaml");

/// Names of the built-in suites.
pub const BUILTIN_NAMES: [&str; 8] =
    ["comprehensive", "integrity", "joint", "light", "lob-bench", "market", "microstructure", "table"];

/// The kind of data a suite is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// Order book streams; observables come from the catalogue.
    Market,
    /// Any table; observables are its numeric columns.
    Table,
}

/// What a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Whether these two stretches agree; nothing is said about another day.
    TheseStretches,
    /// What another stretch of the same process would show; often INCONCLUSIVE, rightly.
    Population,
}

/// How windows of the two sides are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// Aligned when at least 90 % of the common ids agree on time, price and size, else distributional.
    Auto,
    /// Window by window, by time.
    Aligned,
    /// Law against law.
    Distributional,
}

impl Scope {
    /// The word in suites and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TheseStretches => "these-stretches",
            Self::Population => "population",
        }
    }

    /// The scope of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::TheseStretches, Self::Population].into_iter().find(|s| s.as_str() == name)
    }
}

impl Pairing {
    /// The word in suites and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Aligned => "aligned",
            Self::Distributional => "distributional",
        }
    }

    /// The pairing of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Auto, Self::Aligned, Self::Distributional].into_iter().find(|s| s.as_str() == name)
    }
}

/// A limit on a check: passes while the count and the ratio stay at or below what is given; with neither, always.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Largest count that passes.
    pub max_count: Option<u64>,
    /// Largest count / total that passes.
    pub max_ratio: Option<f64>,
    /// Whether going over it decides the run.
    pub severity: Severity,
}

/// How one observable is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservableRule {
    /// Observable of the catalogue, or column of the table.
    pub id: String,
    /// The test that decides; it has a margin.
    pub decide: TestId,
    /// Margins by test. Only these tests run.
    pub margins: BTreeMap<TestId, f64>,
    /// Whether its deciding finding decides the run.
    pub severity: Severity,
    /// What PASS and FAIL claim.
    #[serde(default, skip_serializing_if = "Policy::is_usual")]
    pub policy: Policy,
    /// The lattice of a column, frozen; `None` for catalogued observables, and for columns whose lattice is chosen from the golden.
    pub lattice: Option<LatticeSpec>,
}

/// The rule for every numeric column that has none of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDefaults {
    /// The test that decides.
    pub decide: TestId,
    /// Margins by test.
    pub margins: BTreeMap<TestId, f64>,
    /// Severity of the deciding finding.
    pub severity: Severity,
    /// What PASS and FAIL claim.
    #[serde(default, skip_serializing_if = "Policy::is_usual")]
    pub policy: Policy,
}

/// What readers take at most; what is not said is left to the command line and the defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Bytes of a line of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_bytes: Option<u64>,
    /// Times its packed size that a packed file may unpack to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpack_ratio: Option<u64>,
    /// Streams of a side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<u64>,
    /// Columns of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<u64>,
}

impl Reading {
    /// Highest values of the four limits, in the order of the fields; the lowest is 1.
    pub const MAX: [u64; 4] = [1 << 34, 1_000_000_000, 1 << 24, 1_000_000];

    fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// A parsed, validated suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suite {
    /// Its name; not part of what is digested.
    #[serde(skip)]
    pub name: String,
    /// The kind of data.
    pub data: DataKind,
    /// What a verdict is about.
    pub scope: Scope,
    /// How windows are matched.
    pub pairing: Pairing,
    /// Error rate per end of an interval.
    pub alpha: f64,
    /// How p-values are corrected for the number of findings.
    #[serde(default, skip_serializing_if = "Multiplicity::is_usual")]
    pub multiplicity: Multiplicity,
    /// Simulated copies of the estimation error per finding; raised by the judge when Holm's correction needs more.
    pub replicates: u32,
    /// The shortest base window in ns: 1 s, 10 s or 60 s; `None` leaves it to the length of the capture.
    pub window_ns: Option<i64>,
    /// How long after its start a stream without a snapshot has no book, ns.
    pub warmup_ns: i64,
    /// Step of the common time grid, ns.
    pub grid_ns: i64,
    /// What readers take at most.
    #[serde(default, skip_serializing_if = "Reading::is_silent")]
    pub reading: Reading,
    /// Limits by check, one for every check of the catalogue.
    pub checks: BTreeMap<String, Limit>,
    /// Strata in which the deciding tests are judged again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strata: Option<Strata>,
    /// The rule for columns without one; `None` leaves them out.
    pub columns: Option<ColumnDefaults>,
    /// Rules by observable, enabled ones only, sorted by id.
    pub observables: Vec<ObservableRule>,
}

/// What is digested of a suite.
#[derive(Serialize)]
struct Canonical<'a> {
    schema: &'static str,
    suite: &'a Suite,
}

impl Suite {
    /// Reads a suite; on failure all problems found, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<SuiteProblem>> {
        parse::suite(text)
    }

    /// The built-in suite of that name, one of [`BUILTIN_NAMES`].
    pub fn builtin(name: &str) -> Option<Self> {
        let text = Self::builtin_text(name)?;
        // The texts are parsed by a test; a build whose texts are broken has no built-in suites.
        Self::parse(text).ok()
    }

    /// The commented text of the built-in suite of that name.
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        match name {
            "comprehensive" => Some(COMPREHENSIVE_TEXT),
            "joint" => Some(JOINT_TEXT),
            "integrity" => Some(INTEGRITY_TEXT),
            "light" => Some(LIGHT_TEXT),
            "lob-bench" => Some(LOB_BENCH_TEXT),
            "market" => Some(MARKET_TEXT),
            "microstructure" => Some(MICROSTRUCTURE_TEXT),
            "table" => Some(TABLE_TEXT),
            _ => None,
        }
    }

    /// Whether no law is compared, so that integrity alone decides.
    pub fn is_checks_alone(&self) -> bool {
        self.observables.is_empty() && self.columns.is_none()
    }

    /// The rule of an observable; for a column without one, the suite's defaults for columns.
    pub fn rule(&self, id: &str) -> Option<ObservableRule> {
        if let Some(rule) = self.observables.iter().find(|r| r.id == id) {
            return Some(rule.clone());
        }
        let defaults = self.columns.as_ref().filter(|_| self.data == DataKind::Table)?;
        Some(ObservableRule {
            id: id.to_owned(),
            decide: defaults.decide,
            margins: defaults.margins.clone(),
            severity: defaults.severity,
            policy: defaults.policy,
            lattice: None,
        })
    }

    /// A table suite with a rule and a lattice for each given column: what a run froze before it read a value. Columns that
    /// already have a lattice keep it; without defaults only columns with a rule are taken.
    #[must_use]
    pub fn with_columns(&self, columns: &[(String, LatticeSpec)]) -> Self {
        let mut suite = self.clone();
        for (id, lattice) in columns {
            let Some(mut rule) = self.rule(id) else {
                continue;
            };
            rule.lattice.get_or_insert_with(|| lattice.clone());
            suite.observables.retain(|r| r.id != *id);
            suite.observables.push(rule);
        }
        suite.observables.sort_by(|a, b| a.id.cmp(&b.id));
        suite
    }

    /// The limit of a check; checks unknown to the catalogue have none.
    pub fn limit(&self, check: &str) -> Option<Limit> {
        self.checks.get(check).copied()
    }

    /// Unit, for people, of an observable of this suite; empty for columns.
    pub fn unit(&self, id: &str) -> &'static str {
        match self.data {
            DataKind::Market => catalogue::observable(id).map_or("", |o| o.unit),
            DataKind::Table => "",
        }
    }

    /// What the suite says, without formatting, comments and name: the bytes its digest is taken of.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        // Maps are ordered and keys are text, so this cannot fail; an empty digest input would be seen by the tests.
        serde_json::to_vec(&Canonical { schema: SCHEMA, suite: self }).unwrap_or_default()
    }

    /// The suite of these canonical bytes, under a name; `None` where they are not exactly what this version writes of it.
    pub fn from_canonical(bytes: &[u8], name: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Owned {
            suite: Suite,
        }
        let Owned { suite } = serde_json::from_slice(bytes).ok()?;
        (suite.canonical_bytes() == bytes).then(|| Self { name: name.to_owned(), ..suite })
    }

    /// The limits used when a suite names none.
    fn default_checks() -> BTreeMap<String, Limit> {
        CHECKS
            .iter()
            .map(|c| (c.id.to_owned(), Limit { max_count: c.max_count, max_ratio: c.max_ratio, severity: c.severity }))
            .collect()
    }

    /// Ids of the observables that need computing, sorted.
    pub fn observable_ids(&self) -> Vec<String> {
        self.observables.iter().map(|r| r.id.clone()).collect()
    }
}

/// Whether the id names an observable of the catalogue.
pub fn is_catalogued(id: &str) -> bool {
    catalogue::observable(id).is_some()
}

#[cfg(test)]
mod tests;
