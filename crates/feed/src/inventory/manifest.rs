//! A tree's manifest against its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Source, order};
use crate::counters::{FeedCounters, checks};
use crate::input::{self, Compression, LINE_BYTES_MAX, Line, LineReader};
use crate::parquet::Footer;

/// One line of `manifest.jsonl`; unknown fields are fine.
#[derive(Debug, Deserialize)]
struct Entry {
    partition_path: String,
    file_name: String,
    row_count: Option<u64>,
    file_size_bytes: Option<u64>,
    timestamp_min: Option<i64>,
    timestamp_max: Option<i64>,
}

/// Compares every manifest with the sources below its directory.
///
/// Counted under `manifest`: lines that cannot be read, entries given twice (the last one counts), files that are missing, files that no
/// entry names, and entries whose rows, size or time range differ from the file. The total is the number of rows in the files.
pub(super) fn reconcile(
    manifests: &[PathBuf],
    sources: &[Source],
    counters: &mut FeedCounters,
    notes: &mut Vec<String>,
) {
    if manifests.is_empty() {
        return;
    }
    counters.set_total(checks::MANIFEST, sources.iter().filter_map(|s| s.rows).sum());
    for manifest in manifests {
        let root = manifest.parent().unwrap_or(Path::new(""));
        // A file belongs to the nearest manifest above it.
        let mine = |s: &&Source| {
            let nearest = manifests.iter().filter_map(|m| m.parent()).filter(|r| s.path.starts_with(r));
            nearest.max_by_key(|r| r.components().count()) == Some(root)
        };
        let mine: Vec<&Source> = sources.iter().filter(mine).collect();
        one(manifest, root, &mine, counters, notes);
    }
}

fn one(manifest: &Path, root: &Path, mine: &[&Source], counters: &mut FeedCounters, notes: &mut Vec<String>) {
    let label = manifest.display().to_string();
    let entries = read(manifest, &label, counters);
    let by_path: BTreeMap<&Path, &Source> = mine.iter().map(|s| (s.path.as_path(), *s)).collect();
    let symbols: BTreeSet<&str> = mine.iter().filter_map(|s| s.symbol.as_deref()).collect();
    let mut named: BTreeSet<&Path> = BTreeSet::new();
    let mut redirected = 0u64;
    for (line, entry) in entries.values() {
        let Some((source, direct)) = resolve(entry, root, &by_path, &symbols) else {
            counters.hit(checks::MANIFEST, &label, *line, || {
                format!("missing file: {}/{}", entry.partition_path, entry.file_name)
            });
            continue;
        };
        redirected += u64::from(!direct);
        named.insert(&source.path);
        compare(entry, source, *line, &label, counters);
    }
    for source in mine {
        if !named.contains(source.path.as_path()) {
            counters.hit(checks::MANIFEST, &source.path.display().to_string(), 0, || {
                "no manifest entry names this file".to_owned()
            });
        }
    }
    if redirected > 0 {
        notes.push(format!(
            "{label}: {redirected} entries give another partition path than where the file is; found by symbol and date"
        ));
    }
}

/// Entries by (partition path, file name) with their line; a later line replaces an earlier one, and is counted.
fn read(manifest: &Path, label: &str, counters: &mut FeedCounters) -> BTreeMap<(String, String), (u64, Entry)> {
    let mut entries = BTreeMap::new();
    let opened = match input::open(manifest, Compression::Plain, Default::default()) {
        Ok(opened) => opened,
        Err(error) => {
            counters.hit(checks::MANIFEST, label, 0, || format!("cannot be read: {error}"));
            return entries;
        }
    };
    let mut lines = LineReader::new(opened, LINE_BYTES_MAX);
    let mut position = 0;
    // Bounded by the number of lines.
    loop {
        position += 1;
        let range = match lines.next_line() {
            Line::Whole(range) | Line::Unterminated(range) => range,
            Line::TooLong(bytes) => {
                counters.hit(checks::MANIFEST, label, position, || format!("a line of {bytes} bytes"));
                continue;
            }
            Line::Broken(detail) => {
                counters.hit(checks::MANIFEST, label, position, || detail);
                return entries;
            }
            Line::End => return entries,
        };
        let line = &lines.bytes()[range];
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Entry>(line) {
            Ok(entry) => {
                let key = (entry.partition_path.clone(), entry.file_name.clone());
                if let Some((earlier, _)) = entries.insert(key, (position, entry)) {
                    counters.hit(checks::MANIFEST, label, position, || {
                        format!("names the same file as line {earlier}: it was overwritten, the earlier rows are lost")
                    });
                }
            }
            Err(error) => counters.hit(checks::MANIFEST, label, position, || format!("not a manifest entry: {error}")),
        }
    }
}

/// The file an entry means: at its path, else under the tree's real symbol (writers are known to put one fixed symbol into every path),
/// else the only file of that name and date; and whether it was at its path.
fn resolve<'a>(
    entry: &Entry,
    root: &Path,
    by_path: &BTreeMap<&Path, &'a Source>,
    symbols: &BTreeSet<&str>,
) -> Option<(&'a Source, bool)> {
    let direct = root.join(&entry.partition_path).join(&entry.file_name);
    if let Some(source) = by_path.get(direct.as_path()) {
        return Some((source, true));
    }
    let tail: PathBuf = Path::new(&entry.partition_path).components().skip(1).collect();
    // The manifest may stand inside the symbol's directory.
    let inside = root.join(&tail).join(&entry.file_name);
    if let Some(source) = by_path.get(inside.as_path()) {
        return Some((source, false));
    }
    let wanted = order::normal_symbol(entry.partition_path.split('/').next().unwrap_or_default());
    let mut same_symbol_first: Vec<&&str> = symbols.iter().collect();
    same_symbol_first.sort_by_key(|s| order::normal_symbol(s) != wanted);
    for symbol in same_symbol_first {
        if let Some(source) = by_path.get(root.join(symbol).join(&tail).join(&entry.file_name).as_path()) {
            return Some((source, false));
        }
    }
    let end = tail.join(&entry.file_name);
    let mut matching = by_path.values().filter(|s| s.path.ends_with(&end));
    match (matching.next(), matching.next()) {
        (Some(source), None) => Some((source, false)),
        _ => None,
    }
}

fn compare(entry: &Entry, source: &Source, line: u64, label: &str, counters: &mut FeedCounters) {
    let name = source.path.display();
    let mut differ = |what: &str, said: i128, is: i128| {
        if said != is {
            counters.hit(checks::MANIFEST, label, line, || format!("{name}: {what} is {is}, the manifest says {said}"));
        }
    };
    if let (Some(said), Ok(metadata)) = (entry.file_size_bytes, fs::metadata(&source.path)) {
        differ("size in bytes", said.into(), metadata.len().into());
    }
    let Ok(footer) = Footer::read(&source.path) else {
        return; // counted as truncated_file when its turn comes
    };
    if let Some(said) = entry.row_count {
        differ("number of rows", said.into(), footer.rows.into());
    }
    if let Some((min, max)) = footer.time_range_ns {
        if let Some(said) = entry.timestamp_min {
            differ("smallest event_timestamp", said.into(), min.into());
        }
        if let Some(said) = entry.timestamp_max {
            differ("largest event_timestamp", said.into(), max.into());
        }
    }
}
