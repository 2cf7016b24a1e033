//! `tests`: tests that inform beside those with a margin.

use std::collections::BTreeMap;

use super::Reader;
use crate::catalogue::{TestId, all_tests};
use crate::yaml::{Node, Value};

/// What `tests` asks for.
pub(super) enum Asked {
    /// The key is absent, or wrong.
    Nothing,
    /// Every test that applies.
    All,
    /// These, where they apply.
    Named(Vec<TestId>),
}

impl Asked {
    /// Gives the tests asked for their default margins; those with a margin keep it, those not `allowed` are left out.
    pub(super) fn add_to(&self, margins: &mut BTreeMap<TestId, f64>, allowed: &[TestId]) {
        let ks = margins.get(&TestId::Ks).copied();
        let wanted = |test: &&TestId| match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Named(named) => named.contains(test),
        };
        for test in allowed.iter().filter(wanted) {
            let (low, high) = test.info().margin_range;
            margins.entry(*test).or_insert_with(|| test.info().default_margin.value(ks).clamp(low, high));
        }
    }
}

impl Reader {
    /// Reads `tests: all` or `tests: [kuiper, ad]`. With `allowed` every named test must be one of them.
    pub(super) fn asked(&mut self, node: &Node, of: &str, allowed: Option<&[TestId]>) -> Asked {
        match &node.value {
            Value::Text(word) if word == "all" => Asked::All,
            Value::List(items) => {
                let every: Vec<TestId> = all_tests().map(|t| t.id).collect();
                let allowed = allowed.unwrap_or(&every);
                let named = items.iter().filter_map(|item| {
                    let name = self.text(item, "a test")?;
                    self.test(&name, item.place, of, allowed)
                });
                Asked::Named(named.collect())
            }
            other => {
                let message = format!("`tests` must be `all` or a list of tests, this is {}", other.kind());
                self.problem(node.place, "wrong-type", message, "write `tests: all` or `tests: [kuiper, ad]`");
                Asked::Nothing
            }
        }
    }
}
