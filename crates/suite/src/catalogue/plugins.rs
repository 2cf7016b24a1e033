//! Observables and metrics that a user adds: registered when a program starts, and then as good as those of the catalogue.

use std::sync::{PoisonError, RwLock};

use verismo_stats::judging::{LawStatistic, PanelStatistic};

use super::{CHECKS, Kind, ObservableInfo, PanelColumn, TestId, TestInfo, all_tests, observable};

/// The most observables, and the most metrics, that can be added.
pub const MAX_PLUGINS: usize = 200;

static OBSERVABLES: RwLock<Vec<&'static ObservableInfo>> = RwLock::new(Vec::new());
static METRICS: RwLock<Vec<&'static Metric>> = RwLock::new(Vec::new());

/// A statistic made ready for the columns of an observable.
pub struct PanelPlan {
    /// The statistic.
    pub statistic: Box<dyn PanelStatistic>,
    /// What each of its numbers is called.
    pub names: Vec<String>,
}

/// What a metric reads.
#[derive(Clone, Copy)]
pub enum Reads {
    /// The law of one observable, on each side.
    Law(&'static dyn LawStatistic),
    /// Rows of several numbers: the statistic for these columns, or nothing where they lack what it needs.
    Panel(fn(&[PanelColumn]) -> Option<PanelPlan>),
}

impl Reads {
    /// Whether it can read such states.
    pub fn applies_to(&self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Law(_), Kind::Histogram) => true,
            (Self::Panel(plan), Kind::Panel(columns)) => plan(columns).is_some(),
            _ => false,
        }
    }
}

/// A metric that a user adds.
#[derive(Clone, Copy)]
pub struct Metric {
    /// What is said of it; the id is given when it is registered.
    pub info: TestInfo,
    /// What it reads.
    pub reads: Reads,
}

/// Why a plug-in is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The name is not one: lower-case letters, digits and underscores, beginning with a letter, at most 48.
    #[error(
        "{name:?} is no name for a plug-in: lower-case letters, digits and underscores, beginning with a letter, at most 48"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// Something else is called so.
    #[error("an observable, a test or a check is already called {name:?}")]
    Taken {
        /// The name.
        name: String,
    },
    /// A field without which nothing can be judged.
    #[error("the plug-in {name:?} lacks {field}")]
    Lacks {
        /// The plug-in.
        name: String,
        /// The field.
        field: &'static str,
    },
    /// There are [`MAX_PLUGINS`] already.
    #[error("there are {MAX_PLUGINS} plug-ins already")]
    TooMany,
}

fn checked(name: &'static str, said: [(&'static str, bool); 3]) -> Result<(), PluginError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let named = || name.to_owned();
    if name.len() > 48 || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
        return Err(PluginError::BadName { name: named() });
    }
    if observable(name).is_some() || all_tests().any(|t| t.name == name) || CHECKS.iter().any(|c| c.id == name) {
        return Err(PluginError::Taken { name: named() });
    }
    match said.into_iter().find(|(_, is_there)| !is_there) {
        Some((field, _)) => Err(PluginError::Lacks { name: named(), field }),
        None => Ok(()),
    }
}

/// Adds what is said of an observable. What computes it is added by `verismo_market::observe::plugin`, which calls this.
///
/// # Errors
/// [`PluginError`].
pub fn add_observable(info: ObservableInfo) -> Result<(), PluginError> {
    let said = [
        ("a description", !info.description.is_empty()),
        ("a formula", !info.formula.is_empty()),
        ("tests", has_tests(&info)),
    ];
    checked(info.id, said)?;
    let mut all = OBSERVABLES.write().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MAX_PLUGINS {
        return Err(PluginError::TooMany);
    }
    all.push(Box::leak(Box::new(info)));
    Ok(())
}

fn has_tests(info: &ObservableInfo) -> bool {
    !info.tests.is_empty() || matches!(info.kind, Kind::Panel(_))
}

/// Adds a metric; suites name it as they name a test, with a margin.
///
/// # Errors
/// [`PluginError`].
pub fn add_metric(metric: Metric) -> Result<TestId, PluginError> {
    let (low, high) = metric.info.margin_range;
    let said = [
        ("a title", !metric.info.title.is_empty()),
        ("a formula", !metric.info.formula.is_empty()),
        ("a range of margins", low > 0.0 && low < high && high.is_finite()),
    ];
    checked(metric.info.name, said)?;
    let mut all = METRICS.write().unwrap_or_else(PoisonError::into_inner);
    let number = u8::try_from(all.len()).ok().filter(|n| usize::from(*n) < MAX_PLUGINS).ok_or(PluginError::TooMany)?;
    let id = TestId::Plugin(number);
    all.push(Box::leak(Box::new(Metric { info: TestInfo { id, ..metric.info }, ..metric })));
    Ok(id)
}

/// The metric of a plug-in's test.
pub fn metric(test: TestId) -> Option<&'static Metric> {
    metrics().into_iter().find(|m| m.info.id == test)
}

pub(super) fn observables() -> Vec<&'static ObservableInfo> {
    OBSERVABLES.read().unwrap_or_else(PoisonError::into_inner).clone()
}

pub(super) fn metrics() -> Vec<&'static Metric> {
    METRICS.read().unwrap_or_else(PoisonError::into_inner).clone()
}

#[cfg(test)]
mod tests {
    use super::super::TESTS;
    use super::*;

    #[test]
    fn what_is_no_plug_in_is_refused() {
        let template = ObservableInfo { description: "d", formula: "f", ..ObservableInfo::TEMPLATE };
        let refused = |info: ObservableInfo| add_observable(info).unwrap_err();
        assert_eq!(refused(ObservableInfo { id: "spread", ..template }), PluginError::Taken { name: "spread".into() });
        assert_eq!(refused(ObservableInfo { id: "ks", ..template }), PluginError::Taken { name: "ks".into() });
        assert!(matches!(refused(ObservableInfo { id: "No", ..template }), PluginError::BadName { .. }));
        assert!(matches!(refused(template), PluginError::BadName { .. }));
        let lacking = refused(ObservableInfo { id: "mine", formula: "", ..template });
        assert_eq!(lacking.to_string(), "the plug-in \"mine\" lacks a formula");
        assert!(observable("mine").is_none());
        let info = TestInfo { name: "spread", ..TESTS[0] };
        let no_plan = |_: &[PanelColumn]| None;
        assert!(matches!(add_metric(Metric { info, reads: Reads::Panel(no_plan) }), Err(PluginError::Taken { .. })));
    }
}
