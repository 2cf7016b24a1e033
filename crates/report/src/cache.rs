//! How much of a run came from the store of states, and why the rest did not.

use std::collections::BTreeMap;

use verismo_suite::cache::{CacheAge, CacheStats, GcReport};
use verismo_suite::report::{Cache, CacheMiss};

use crate::layout::{Align, Cell, Column, Row, clean, table, wrap};
use crate::number::{bytes, count, percent};
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
    let (recalled, judged) = (cache.observables_reused, cache.observables_judged);
    if recalled > 0 && !cache.is_report_reused {
        let all = count(recalled + judged);
        let why = format!(
            "{} of {all} observables had been judged before, from equal states by equal rules.",
            count(recalled)
        );
        out.push_str(&wrap(&why, "", style.width));
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

/// What a store holds, for a terminal.
pub fn cache_stats_text(stats: &CacheStats, style: &TextStyle) -> String {
    let head = format!("{} objects of {} in {}.", count(stats.objects), bytes(stats.bytes), clean(&stats.place));
    let mut out = wrap(&head, "", style.width);
    if stats.objects == 0 {
        return out;
    }
    let age = |age: &CacheAge, before: Option<u64>| match (age.days_max, before) {
        (Some(1), _) => "in the last day".to_owned(),
        (Some(days), _) => format!("in the last {days} days"),
        (None, Some(days)) => format!("more than {days} days ago"),
        (None, None) => "at any time".to_owned(),
    };
    let kinds = stats.kinds.iter().map(|kind| (clean(&kind.kind), kind.objects, kind.bytes));
    out.push('\n');
    out.push_str(&counted("kind", kinds, style));
    let mut before = None;
    let ages = stats.ages.iter().map(|row| {
        let text = age(row, before);
        before = row.days_max;
        (text, row.objects, row.bytes)
    });
    out.push('\n');
    out.push_str(&counted("last used", ages, style));
    out
}

fn counted(name: &'static str, rows: impl Iterator<Item = (String, u64, u64)>, style: &TextStyle) -> String {
    let column = |title, align| Column { title, align, width_min: 0, expendable: 0 };
    let columns = [column(name, Align::Left), column("objects", Align::Right), column("size", Align::Right)];
    let row = |(name, objects, size): (String, u64, u64)| {
        Row::Cells(vec![Cell::new(name), Cell::new(count(objects)), Cell::new(bytes(size))])
    };
    table(&columns, &rows.map(row).collect::<Vec<_>>(), style.width, style.colour)
}

/// What was removed from a store, for a terminal.
pub fn cache_gc_text(report: &GcReport, style: &TextStyle) -> String {
    let done = if report.is_dry { "Would remove" } else { "Removed" };
    let left = report.objects.saturating_sub(report.objects_removed);
    let left_bytes = report.bytes.saturating_sub(report.bytes_removed);
    let text = format!(
        "{done} {} of {} objects, {}, from {}; {} objects of {} stay.",
        count(report.objects_removed),
        count(report.objects),
        bytes(report.bytes_removed),
        clean(&report.place),
        count(left),
        bytes(left_bytes)
    );
    wrap(&text, "", style.width)
}

#[cfg(test)]
mod tests {
    use verismo_suite::cache::CacheKind;

    use super::*;

    fn miss(file: &str, why: &str, observables: &[&str]) -> CacheMiss {
        let observables = observables.iter().map(|id| (*id).to_owned()).collect();
        CacheMiss { file: file.to_owned(), why: why.to_owned(), observables }
    }

    #[test]
    fn a_store_is_told_by_kind_and_age_and_what_went_from_it() {
        let kind = |kind: &str, objects, bytes| CacheKind { kind: kind.to_owned(), objects, bytes };
        let age = |days_max, objects, bytes| CacheAge { days_max, objects, bytes };
        let stats = CacheStats {
            place: ".verismo".to_owned(),
            objects: 1_012,
            bytes: 12_345_678,
            kinds: vec![kind("observables", 12, 12_300_000), kind("trails", 1_000, 45_678)],
            ages: vec![age(Some(1), 1_000, 45_678), age(Some(7), 12, 12_300_000), age(None, 0, 0)],
            ..CacheStats::default()
        };
        let style = TextStyle { width: 100, ..TextStyle::default() };
        let text = cache_stats_text(&stats, &style);
        assert!(text.starts_with("1,012 objects of 12.3 MB in .verismo.\n\n"), "{text}");
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        for want in ["observables 12 12.3 MB", "in the last 7 days 12 12.3 MB", "more than 7 days ago 0 0 B"] {
            assert!(lines.iter().any(|line| line.join(" ") == want), "{want}: {text}");
        }
        let gone = GcReport {
            place: "s3://b".to_owned(),
            objects: 9,
            bytes: 900,
            objects_removed: 2,
            bytes_removed: 200,
            ..GcReport::default()
        };
        let told = cache_gc_text(&gone, &style);
        assert_eq!(told, "Removed 2 of 9 objects, 200 B, from s3://b; 7 objects of 700 B stay.\n");
        assert!(cache_gc_text(&GcReport { is_dry: true, ..gone }, &style).starts_with("Would remove 2"));
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
            observables_reused: 30,
            observables_judged: 8,
            misses: changed.into_iter().chain(added).collect(),
            problems: vec!["pieces/ab/base is damaged".to_owned()],
        };
        let text = cache_text(&cache, &TextStyle { width: 100, ..TextStyle::default() });
        assert!(
            text.starts_with("990 of 1,000 states (99 %) came from .verismo; 24 pieces were looked for.\n"),
            "{text}"
        );
        assert!(
            text.contains("30 of 38 observables had been judged before, from equal states by equal rules.\n"),
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
