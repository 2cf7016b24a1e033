//! What changed between two versions.

use std::collections::{BTreeMap, BTreeSet};

use verismo_suite::versions::{
    Amount, DIFF_SCHEMA, Diff, DiffSide, Distributions, FileChange, FileDiff, PartitionDiff,
};

use crate::manifest::{Entry, Manifest};
use crate::merkle::hex;
use crate::path::folder;

/// The difference of two versions, which go by these names; which distributions changed is not known to it.
pub fn diff(before: (&str, &Manifest), after: (&str, &Manifest)) -> Diff {
    let side = |(name, manifest): (&str, &Manifest)| DiffSide {
        name: name.to_owned(),
        version: hex(manifest.version()),
        facts: manifest.facts(),
    };
    let (files, unchanged) = files(before.1, after.1);
    Diff {
        schema: DIFF_SCHEMA.to_owned(),
        is_equal: before.1.version() == after.1.version(),
        summary: summary(&files, unchanged),
        partitions: partitions(before.1, after.1, &files),
        before: side(before),
        after: side(after),
        unchanged,
        files,
        distributions: Distributions::default(),
    }
}

/// Files that differ, by path, and how many are the same.
fn files(before: &Manifest, after: &Manifest) -> (Vec<FileDiff>, u64) {
    let by_path = |manifest: &'_ Manifest| -> BTreeMap<String, Entry> {
        manifest.entries().iter().map(|e| (e.path.clone(), e.clone())).collect()
    };
    let (old, new) = (by_path(before), by_path(after));
    let is_same = |a: &Entry, b: &Entry| a.digest == b.digest && a.bytes == b.bytes;
    let mut out = Vec::new();
    let mut unchanged = 0;
    let mut removed: BTreeMap<_, Vec<&Entry>> = BTreeMap::new();
    for entry in old.values().rev() {
        match new.get(&entry.path) {
            Some(now) if is_same(entry, now) => unchanged += 1,
            Some(now) => out.push(file(FileChange::Changed, Some(entry), Some(now))),
            // The last of a list is the first by path: the first that has gone is the first that has come.
            None => removed.entry((entry.digest, entry.bytes)).or_default().push(entry),
        }
    }
    for entry in new.values().filter(|entry| !old.contains_key(&entry.path)) {
        let from = removed.get_mut(&(entry.digest, entry.bytes)).and_then(Vec::pop);
        let change = if from.is_some() { FileChange::Moved } else { FileChange::Added };
        out.push(file(change, from, Some(entry)));
    }
    out.extend(removed.into_values().flatten().map(|entry| file(FileChange::Removed, Some(entry), None)));
    out.sort_by(|a, b| a.path.cmp(&b.path).then(a.change.cmp(&b.change)));
    (out, unchanged)
}

fn file(change: FileChange, before: Option<&Entry>, after: Option<&Entry>) -> FileDiff {
    let path = after.or(before).map(|entry| entry.path.clone()).unwrap_or_default();
    FileDiff {
        change,
        from: before.map(|entry| entry.path.clone()).filter(|from| *from != path),
        path,
        bytes_before: before.map(|entry| entry.bytes),
        bytes_after: after.map(|entry| entry.bytes),
        rows_before: before.and_then(|entry| entry.rows),
        rows_after: after.and_then(|entry| entry.rows),
    }
}

fn partitions(before: &Manifest, after: &Manifest, files: &[FileDiff]) -> Vec<PartitionDiff> {
    let (old, new) = (before.partitions(), after.partitions());
    let mut changes: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    let mut moved_away: BTreeSet<&str> = BTreeSet::new();
    for file in files {
        let counts = changes.entry(folder(&file.path)).or_default();
        counts[file.change as usize] += 1;
        if let Some(from) = &file.from {
            changes.entry(folder(from)).or_default();
            moved_away.insert(folder(from));
        }
    }
    let none = Amount { files: 0, bytes: 0, rows: Some(0) };
    let partition = |(name, changes): (&str, [u64; 4])| {
        let (old, new) = (old.get(name), new.get(name));
        let [removed, added, changed, _] = changes;
        let is_moved = removed + added + changed == 0;
        let change = match (old, new) {
            (_, None) if is_moved && moved_away.contains(name) => FileChange::Moved,
            (None, _) if is_moved => FileChange::Moved,
            (_, None) => FileChange::Removed,
            (None, _) => FileChange::Added,
            _ => FileChange::Changed,
        };
        let amount = |amount: Option<&Amount>| amount.copied().unwrap_or(none);
        PartitionDiff { partition: name.to_owned(), change, before: amount(old), after: amount(new), changes }
    };
    changes.into_iter().map(partition).collect()
}

fn summary(files: &[FileDiff], unchanged: u64) -> String {
    let count = |change| files.iter().filter(|file| file.change == change).count();
    let kinds = [FileChange::Added, FileChange::Removed, FileChange::Changed, FileChange::Moved];
    let words = kinds.map(|kind| (count(kind), kind.as_str()));
    let words: Vec<String> = words.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let of = |n: u64| if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
    match words.is_empty() {
        true => format!("No difference: {} with the same paths and contents.", of(unchanged)),
        false => format!(
            "{}; {} the same.",
            words.join(", "),
            if unchanged == 0 { "no file".to_owned() } else { of(unchanged) }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(files: &[(&str, u8)]) -> Manifest {
        let entry = |(path, content): &(&str, u8)| Entry {
            path: (*path).to_owned(),
            bytes: u64::from(*content),
            digest: [*content; 32],
            is_data: true,
            rows: Some(1),
            first_ns: None,
            last_ns: None,
            symbol: None,
        };
        Manifest::new("table", files.iter().map(entry).collect()).unwrap()
    }

    fn told(before: &[(&str, u8)], after: &[(&str, u8)]) -> (Vec<String>, Vec<String>) {
        let diff = diff(("a", &manifest(before)), ("b", &manifest(after)));
        assert_eq!(diff.is_equal, diff.files.is_empty());
        let file = |f: &FileDiff| format!("{} {} {}", f.change.as_str(), f.from.as_deref().unwrap_or(""), f.path);
        let part = |p: &PartitionDiff| format!("{} {} {:?}", p.change.as_str(), p.partition, p.changes);
        (diff.files.iter().map(file).collect(), diff.partitions.iter().map(part).collect())
    }

    #[test]
    fn files_are_added_removed_changed_and_moved() {
        let before = [("d1/a", 1), ("d1/b", 2), ("d2/a", 3), ("d3/a", 4), ("d4/a", 5)];
        let after = [("d1/a", 1), ("d1/b", 7), ("d2b/a", 3), ("d5/a", 9), ("d4/a", 5)];
        let (files, partitions) = told(&before, &after);
        assert_eq!(files, ["changed  d1/b", "moved d2/a d2b/a", "removed  d3/a", "added  d5/a"]);
        assert_eq!(
            partitions,
            [
                "changed d1 [0, 0, 1, 0]",
                "moved d2 [0, 0, 0, 0]",
                "moved d2b [0, 0, 0, 1]",
                "removed d3 [1, 0, 0, 0]",
                "added d5 [0, 1, 0, 0]"
            ]
        );
        assert_eq!(told(&before, &before), (vec![], vec![]));
    }

    #[test]
    fn of_equal_contents_each_moves_once() {
        let (files, _) = told(&[("a", 1), ("b", 1)], &[("b", 1), ("c", 1), ("d", 1)]);
        assert_eq!(files, ["moved a c", "added  d"]);
        let (files, _) = told(&[("a", 1), ("b", 1), ("c", 1)], &[("x", 1)]);
        assert_eq!(files, ["removed  b", "removed  c", "moved a x"]);
    }
}
