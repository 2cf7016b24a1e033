//! The pages of `docs/` say what the catalogue says. `cargo xtask docs` writes them anew.
#![allow(clippy::unwrap_used, missing_docs)]

use expect_test::expect_file;
use verismo_report::reference;
use verismo_suite::catalogue::{CHECKS, OBSERVABLES, TESTS};

#[test]
fn the_committed_pages_are_current() {
    // After a change of the catalogue: `cargo xtask docs`.
    expect_file!["../../../docs/OBSERVABLES.md"].assert_eq(&reference::observables());
    expect_file!["../../../docs/TESTS.md"].assert_eq(&reference::tests());
    expect_file!["../../../docs/CHECKS.md"].assert_eq(&reference::checks());
}

#[test]
fn every_entry_has_a_row_that_leads_to_its_section() {
    let pages = [
        (reference::observables(), OBSERVABLES.iter().map(|o| o.id).collect::<Vec<_>>()),
        (reference::tests(), TESTS.iter().map(|t| t.name).collect()),
        (reference::checks(), CHECKS.iter().map(|c| c.id).collect()),
    ];
    for (page, ids) in pages {
        let titles: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(titles, ids);
        for id in ids {
            let is_row = |line: &&str| line.starts_with(&format!("| [{id}](#{id}) | "));
            assert_eq!(page.lines().filter(is_row).count(), 1, "{id}");
        }
    }
}

#[test]
fn tables_are_rectangular_and_nothing_is_left_empty() {
    for page in [reference::observables(), reference::tests(), reference::checks()] {
        let columns: Vec<usize> = page
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.replace("\\|", "").matches('|').count())
            .collect();
        assert!(columns.len() > 10 && columns.iter().all(|&n| n == columns[0]), "{columns:?}");
        assert!(page.lines().all(|line| !line.ends_with(": ") && !line.ends_with(":  ")), "a field without a value");
    }
}
