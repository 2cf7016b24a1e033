//! How much of a run came from the store of states, and why the rest did not.

use std::collections::BTreeMap;

use verismo_suite::report::{Cache, CacheMiss};

use crate::layout::{clean, wrap};
use crate::number::{count, percent};
use crate::text::TextStyle;

/// Files named for each reason.
const FILES_MAX: usize = 5;
/// Observables named for each reason.
const OBSERVABLES_MAX: usize = 8;

/// The cache of a run for a terminal: reasons, most frequent first, each with its first files.
pub fn cache_text(cache: &Cache, style: &TextStyle) -> String {
    let all = cache.states_reused + cache.states_computed;
    let share = if all > 0 { cache.states_reused as f64 / all as f64 } else { 0.0 };
    let head = format!(
        "{} of {} states ({}) came from {}; {} pieces were looked for.",
        count(cache.states_reused),
        count(all),
        percent(share),
        clean(&cache.place),
        count(cache.pieces)
    );
    let mut out = wrap(&head, "", style.width);
    if cache.is_report_reused {
        let why = "Neither a file, nor the suite, nor the program had changed: the report is that of the run before.";
        out.push_str(&wrap(why, "", style.width));
    }
    let mut reasons: BTreeMap<&str, Vec<&CacheMiss>> = BTreeMap::new();
    for miss in &cache.misses {
        // The bytes of each file are a reason of its own.
        let why = if miss.why.starts_with("the bytes of") { "their bytes changed" } else { miss.why.as_str() };
        reasons.entry(why).or_default().push(miss);
    }
    let mut reasons: Vec<(&str, Vec<&CacheMiss>)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, misses)| std::cmp::Reverse(misses.len()));
    for (why, misses) in reasons {
        let pieces =
            if misses.len() == 1 { "1 piece".to_owned() } else { format!("{} pieces", count(misses.len() as u64)) };
        out.push_str(&wrap(&format!("{pieces}: {}.", clean(why)), "\n", style.width));
        let mut observables: Vec<&str> = misses.iter().flat_map(|m| &m.observables).map(String::as_str).collect();
        observables.sort_unstable();
        observables.dedup();
        if !observables.is_empty() {
            out.push_str(&wrap(&named(&observables, OBSERVABLES_MAX, ", "), "  observables: ", style.width));
        }
        for miss in misses.iter().take(FILES_MAX) {
            out.push_str(&format!("  {}\n", clean(&miss.file)));
        }
        if misses.len() > FILES_MAX {
            out.push_str(&format!("  and {} more\n", count((misses.len() - FILES_MAX) as u64)));
        }
    }
    for problem in &cache.problems {
        out.push_str(&wrap(&clean(problem), "\nProblem: ", style.width));
    }
    out
}

fn named(names: &[&str], most: usize, between: &str) -> String {
    let mut text = names.iter().take(most).map(|name| clean(name)).collect::<Vec<_>>().join(between);
    if let Some(more @ 1..) = names.len().checked_sub(most) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn miss(file: &str, why: &str, observables: &[&str]) -> CacheMiss {
        let observables = observables.iter().map(|id| (*id).to_owned()).collect();
        CacheMiss { file: file.to_owned(), why: why.to_owned(), observables }
    }

    #[test]
    fn reasons_are_grouped_and_the_most_frequent_is_first() {
        let added = (0..7).map(|i| miss(&format!("h{i}.parquet"), "these observables were not computed", &["spread"]));
        let changed = [miss("a.parquet", "the bytes of a.parquet changed", &[])];
        let cache = Cache {
            is_report_reused: false,
            place: ".verismo".to_owned(),
            states_reused: 990,
            states_computed: 10,
            pieces: 24,
            misses: changed.into_iter().chain(added).collect(),
            problems: vec!["pieces/ab/base is damaged".to_owned()],
        };
        let text = cache_text(&cache, &TextStyle { width: 100, ..TextStyle::default() });
        assert!(
            text.starts_with("990 of 1,000 states (99 %) came from .verismo; 24 pieces were looked for.\n"),
            "{text}"
        );
        let (added, changed) = (text.find("7 pieces: these").unwrap(), text.find("1 piece: their bytes").unwrap());
        assert!(
            added < changed && text.contains("  observables: spread\n") && text.contains("  and 2 more\n"),
            "{text}"
        );
        assert!(text.ends_with("Problem: pieces/ab/base is damaged\n"), "{text}");
    }
}
