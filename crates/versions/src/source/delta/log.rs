//! The files of a Delta log: commits, checkpoints, and which of them make a version.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::{Tools, read_text};
use super::actions::{COLUMNS, Table};
use crate::error::VersionError;

/// No commit is longer: one of a million files has some 500 MB.
const COMMIT_BYTES_MAX: u64 = 1 << 30;
/// Digits of a version in the name of a file.
const DIGITS: usize = 20;

/// What a log holds.
#[derive(Debug, Default)]
pub(super) struct Log {
    folder: PathBuf,
    commits: BTreeSet<u64>,
    /// Parts that are there of each checkpoint, by how many it has.
    checkpoints: BTreeMap<u64, BTreeMap<u64, BTreeMap<u64, PathBuf>>>,
    /// Whether there are checkpoints of the second kind, which are not read.
    has_v2: bool,
    /// Checkpoints of the second kind under the name of the first.
    left_out: BTreeSet<u64>,
}

impl Log {
    /// Looks at the names of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, VersionError> {
        let mut log = Self { folder: folder.to_owned(), ..Self::default() };
        for entry in std::fs::read_dir(folder).map_err(VersionError::io("read", folder))? {
            let entry = entry.map_err(VersionError::io("read", folder))?;
            if let Some(name) = entry.file_name().to_str()
                && entry.path().is_file()
            {
                log.note(name, entry.path());
            }
        }
        if log.commits.is_empty() && log.checkpoints.is_empty() {
            return Err(VersionError::source(folder, "there are no commits"));
        }
        Ok(log)
    }

    fn note(&mut self, name: &str, path: PathBuf) {
        let Some((digits, rest)) = name.split_once('.') else { return };
        let Some(version) = number(digits, DIGITS) else { return };
        let parts: Vec<&str> = rest.split('.').collect();
        match parts[..] {
            ["json"] => drop(self.commits.insert(version)),
            ["checkpoint", "parquet"] => self.part(version, 1, 1, path),
            ["checkpoint", part, of, "parquet"] => {
                if let (Some(part), Some(of)) = (number(part, 10), number(of, 10)) {
                    self.part(version, part, of, path);
                }
            }
            ["checkpoint", _, "parquet" | "json"] => self.has_v2 = true,
            _ => {}
        }
    }

    fn part(&mut self, version: u64, part: u64, of: u64, path: PathBuf) {
        self.checkpoints.entry(version).or_default().entry(of).or_default().insert(part, path);
    }

    /// The latest version.
    pub(super) fn latest(&self) -> u64 {
        let checkpoint = self.checkpoints.keys().next_back();
        self.commits.last().max(checkpoint).copied().unwrap_or_default()
    }

    /// All parts of a checkpoint, if all are there.
    fn whole(&self, version: u64) -> Option<Vec<&PathBuf>> {
        let kinds = self.checkpoints.get(&version)?;
        let is_whole = |(of, parts): &(&u64, &BTreeMap<u64, PathBuf>)| {
            parts.len() as u64 == **of && parts.keys().zip(1..).all(|(part, want)| *part == want)
        };
        kinds.iter().find(is_whole).map(|(_, parts)| parts.values().collect())
    }

    /// Puts a version together.
    pub(super) fn replay(&mut self, version: u64, tools: &dyn Tools) -> Result<Table, VersionError> {
        // Each time round a checkpoint is left out that was not before.
        let (first, mut table) = loop {
            let (first, checkpoint) = self.start(version)?;
            match checkpointed(&checkpoint, tools)? {
                Some(table) => break (first, table),
                None => {
                    self.left_out.extend(first.checked_sub(1));
                    self.has_v2 = true;
                }
            }
        };
        for commit in self.commits.iter().filter(|commit| (first..=version).contains(*commit)) {
            let path = self.folder.join(format!("{commit:0DIGITS$}.json"));
            let text = read_text(&path, COMMIT_BYTES_MAX)?;
            table.commit(&path, text.as_bytes())?;
        }
        Ok(table)
    }

    /// The first commit to read, and what to read before it.
    fn start(&self, version: u64) -> Result<(u64, Vec<&PathBuf>), VersionError> {
        let is_there = |first: u64| {
            let commits = self.commits.iter().filter(|commit| (first..=version).contains(*commit)).count() as u64;
            first > version || commits.checked_sub(1) == Some(version - first)
        };
        let earlier = self.checkpoints.range(..=version).rev().map(|(at, _)| *at);
        for checkpoint in earlier.filter(|at| !self.left_out.contains(at)) {
            if let Some(parts) = self.whole(checkpoint) {
                // What is missing after this one is missing after all before, too.
                return match checkpoint.checked_add(1) {
                    Some(first) if is_there(first) => Ok((first, parts)),
                    _ => Err(self.no_version(version)),
                };
            }
        }
        if self.commits.contains(&version) && is_there(0) { Ok((0, Vec::new())) } else { Err(self.no_version(version)) }
    }

    fn no_version(&self, version: u64) -> VersionError {
        let latest = self.latest();
        if version > latest {
            let help = format!("the latest is {latest}");
            return VersionError::source_help(&self.folder, format!("the table has no version {version}"), help);
        }
        let v2 = if self.has_v2 { "; checkpoints of version 2 are not read" } else { "" };
        let reason = format!("version {version} cannot be put together any more: commits before it are gone{v2}");
        let first =
            (0..=latest).rev().take_while(|v| self.commits.contains(v) || self.checkpoints.contains_key(v)).last();
        let help = first.map_or_else(String::new, |first| format!("the log holds commits from {first} to {latest}"));
        VersionError::source_help(&self.folder, reason, help)
    }
}

/// The table that a checkpoint tells; `None` where it leaves files to others (sidecars), which are not read.
fn checkpointed(parts: &[&PathBuf], tools: &dyn Tools) -> Result<Option<Table>, VersionError> {
    let mut table = Table::default();
    for path in parts {
        let rows = tools.parquet_rows(path, COLUMNS, &mut |row| table.row(row));
        if table.has_sidecars() {
            return Ok(None);
        }
        rows.map_err(|why| VersionError::source(path, format!("the checkpoint cannot be read: {why}")))?;
    }
    Ok(Some(table))
}

/// A number written with that many digits.
fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(names: &[&str]) -> Log {
        let mut log = Log::default();
        names.iter().for_each(|name| log.note(name, PathBuf::from(name)));
        log
    }

    fn json(versions: impl IntoIterator<Item = u64>) -> Vec<String> {
        versions.into_iter().map(|v| format!("{v:020}.json")).collect()
    }

    fn started(names: &[String], version: u64) -> Option<(u64, usize)> {
        let log = log(&names.iter().map(String::as_str).collect::<Vec<_>>());
        log.start(version).ok().map(|(first, parts)| (first, parts.len()))
    }

    #[test]
    fn a_version_starts_from_the_last_whole_checkpoint() {
        let mut names = json(0..=12);
        assert_eq!(started(&names, 12), Some((0, 0)));
        assert_eq!(started(&names, 13), None);
        names.push(format!("{:020}.checkpoint.parquet", 10));
        assert_eq!(started(&names, 12), Some((11, 1)));
        assert_eq!(started(&names, 10), Some((11, 1)));
        assert_eq!(started(&names, 9), Some((0, 0)));
        names.push(format!("{:020}.checkpoint.{:010}.{:010}.parquet", 12, 1, 2));
        assert_eq!(started(&names, 12), Some((11, 1)), "half a checkpoint is none");
        names.push(format!("{:020}.checkpoint.{:010}.{:010}.parquet", 12, 2, 2));
        assert_eq!(started(&names, 12), Some((13, 2)));
    }

    #[test]
    fn a_gap_is_not_stepped_over() {
        let mut names = json([0, 1, 3]);
        assert_eq!(started(&names, 3), None);
        assert_eq!(started(&names, 1), Some((0, 0)));
        names = json([5, 7]);
        names.push(format!("{:020}.checkpoint.parquet", 5));
        assert_eq!(started(&names, 7), None);
        assert_eq!(started(&names, 5), Some((6, 1)));
        assert_eq!(started(&names, 4), None);
        let max = format!("{}.checkpoint.parquet", u64::MAX);
        assert_eq!(started(&[max], u64::MAX), None);
    }

    /// A checkpoint of an added file, of a sidecar, or of both.
    struct Rows(Vec<serde_json::Value>);

    impl Tools for Rows {
        fn parquet_rows(
            &self,
            _: &Path,
            columns: &[&str],
            each: &mut dyn FnMut(serde_json::Value) -> Result<(), String>,
        ) -> Result<(), String> {
            assert!(columns.contains(&"sidecar"));
            self.0.iter().cloned().try_for_each(each)
        }

        fn md5(&self, _: &Path) -> Option<String> {
            None
        }
    }

    #[test]
    fn a_checkpoint_that_leaves_files_to_others_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let commit = |version: u64| {
            let text = format!(r#"{{"add":{{"path":"{version}","size":1}}}}"#);
            std::fs::write(folder.path().join(format!("{version:020}.json")), text).unwrap();
        };
        let rows = |rows: &[&str]| Rows(rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect());
        let files = |tools: &Rows| {
            let table = Log::read(folder.path()).unwrap().replay(1, tools).map_err(|e| e.to_string())?;
            Ok::<_, String>(table.live().map(|(path, _)| path.to_owned()).collect::<Vec<_>>())
        };
        let classic = rows(&[r#"{"add":{"path":"x","size":1},"sidecar":null}"#]);
        let second = rows(&[r#"{"add":null}"#, r#"{"sidecar":{"path":"y.parquet","sizeInBytes":1}}"#]);
        std::fs::write(folder.path().join(format!("{:020}.checkpoint.parquet", 1)), "").unwrap();
        assert_eq!(files(&classic).unwrap(), ["x"]);
        let error = files(&second).unwrap_err();
        assert!(error.contains("checkpoints of version 2 are not read"), "{error}");
        commit(0);
        commit(1);
        assert_eq!(files(&classic).unwrap(), ["x"]);
        assert_eq!(files(&second).unwrap(), ["0", "1"]);
    }

    #[test]
    fn names_of_other_files_say_nothing() {
        let other =
            ["_last_checkpoint", "0.json", "x.json", "00000000000000000001.crc", ".tmp", "0000000000000000000a.json"];
        assert!(log(&other).commits.is_empty());
        assert!(log(&["00000000000000000001.checkpoint.0c9f.parquet"]).has_v2);
    }
}
