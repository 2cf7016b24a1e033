//! The catalogue: every observable, every test and every check, with its formula and source.

mod checks;
mod lattice_spec;
mod microstructure;
mod observable;
mod observables;
mod panel_tests;
mod panels;
mod patterns;
mod plugins;
mod test_id;
mod tests_table;

pub use checks::{CHECKS, CheckInfo, check};
pub use lattice_spec::{LatticeSpec, Split};
pub use observable::{Class, Display, Grid, Kind, ObservableInfo, PanelColumn, Sampling, Source};
#[cfg(test)]
pub(crate) use observables::MARKET;
pub use observables::{OBSERVABLES, all_observables, observable};
pub use plugins::{MAX_PLUGINS, Metric, PanelPlan, PluginError, Reads, add_metric, add_observable, metric};
pub use test_id::TestId;
pub use tests_table::{DefaultMargin, LAW_TESTS, MarginUnit, TESTS, TestInfo, all_tests};

/// The known name nearest to `name` by edit distance, if it is near enough to be what was meant: at most a third of the
/// letters differ, and at least one may.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|k| (edit_distance(name, k), k))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, k)| k)
}

/// Levenshtein distance with transpositions of neighbours (optimal string alignment), over characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let substitution = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitution.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_typos_and_refuses_strangers() {
        let ids = || OBSERVABLES.iter().map(|o| o.id);
        assert_eq!(nearest("spraed", ids()), Some("spread"));
        assert_eq!(nearest("mid_log_returns_1s", ids()), Some("mid_log_return_1s"));
        assert_eq!(nearest("depth_bid", ids()), Some("depth_bid_l1"));
        assert_eq!(nearest("volume", ids()), None);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("ab", "ba"), 1);
    }

    #[test]
    fn ids_are_unique_and_every_observable_has_a_test() {
        let mut ids: Vec<_> = OBSERVABLES.iter().map(|o| o.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), OBSERVABLES.len());
        for o in OBSERVABLES {
            assert!(!o.tests.is_empty() && !o.formula.is_empty() && !o.reference.is_empty(), "{}", o.id);
            assert!(observable(o.id).is_some());
        }
        let mut checks: Vec<_> = CHECKS.iter().map(|c| c.id).collect();
        checks.sort_unstable();
        checks.dedup();
        assert_eq!(checks.len(), CHECKS.len());
    }
}
