//! The actions of a Delta log, as far as they say which files are live and whether they can be read as they are.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::error::VersionError;

/// Features that change nothing for us, or something that is looked for itself.
const FEATURES: &[&str] = &["timestampNtz", "vacuumProtocolCheck", "columnMapping", "deletionVectors", "v2Checkpoint"];
/// The latest protocol in which features have names.
const READER_VERSION_MAX: u64 = 3;
/// More files than any table has.
const FILES_MAX: usize = 20_000_000;

const TOO_MANY: &str = "it has more files than any table";
/// Longer paths no file system takes, however each of their bytes is escaped.
const PATH_BYTES_MAX: usize = 3 * 4096;

/// Columns of a checkpoint that are read; of `sidecar` only whether there is one.
pub(super) const COLUMNS: &[&str] = &["add", "protocol", "metaData", "sidecar"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    add: Option<File>,
    remove: Option<File>,
    protocol: Option<Protocol>,
    meta_data: Option<Metadata>,
    sidecar: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    path: String,
    size: Option<u64>,
    deletion_vector: Option<DeletionVector>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeletionVector {
    storage_type: String,
    path_or_inline_dv: String,
    offset: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protocol {
    min_reader_version: u64,
    #[serde(default)]
    reader_features: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    format: Option<Provider>,
    #[serde(default)]
    partition_columns: Option<Vec<String>>,
    #[serde(default)]
    configuration: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Debug, Deserialize)]
struct Provider {
    provider: Option<String>,
}

/// A table up to a version.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Length of each live file by its path, as written, and its deletion vector.
    live: BTreeMap<(String, Option<DeletionVector>), Option<u64>>,
    protocol: Option<Protocol>,
    metadata: Option<Metadata>,
    /// Whether files are told by other files than those of the log, which are not read.
    has_sidecars: bool,
}

impl Table {
    /// Live files: path as written, length.
    pub(super) fn live(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        self.live.iter().map(|((path, _), size)| (path.as_str(), *size))
    }

    /// Columns that the files do not have.
    pub(super) fn partition_columns(&self) -> &[String] {
        self.metadata.as_ref().and_then(|m| m.partition_columns.as_deref()).unwrap_or_default()
    }

    /// Whether a checkpoint leaves files to others, so that those it tells are not all.
    pub(super) fn has_sidecars(&self) -> bool {
        self.has_sidecars
    }

    /// Goes past a commit: an action a line.
    pub(super) fn commit(&mut self, path: &Path, bytes: &[u8]) -> Result<(), VersionError> {
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        let mut is_empty = true;
        for (i, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
            let action: Action = serde_json::from_slice(line).map_err(|e| {
                VersionError::source(path, format!("line {}: it is damaged, or no commit of a Delta table: {e}", i + 1))
            })?;
            is_empty = false;
            if let Some(why) = action.add.iter().chain(&action.remove).find_map(unfit) {
                return Err(VersionError::source(path, format!("line {}: {why}", i + 1)));
            }
            removed.extend(action.remove);
            added.extend(action.add);
            if added.len().max(removed.len()) > FILES_MAX {
                return Err(VersionError::source(path, TOO_MANY));
            }
            self.take(action.protocol, action.meta_data);
        }
        if is_empty {
            return Err(VersionError::source(path, "it is empty: whoever wrote it was cut off"));
        }
        // A file that a commit removes and adds again is live.
        for file in removed {
            self.live.remove(&(file.path, file.deletion_vector));
        }
        added.into_iter().try_for_each(|file| self.add(file).map_err(|why| VersionError::source(path, why)))
    }

    /// Goes past a row of a checkpoint.
    pub(super) fn row(&mut self, row: Value) -> Result<(), String> {
        let action: Action = serde_json::from_value(row).map_err(|e| e.to_string())?;
        self.take(action.protocol, action.meta_data);
        if action.sidecar.is_some() {
            self.has_sidecars = true;
            return Err("it leaves files to others".to_owned());
        }
        match action.add.as_ref().and_then(unfit) {
            Some(why) => Err(why.to_owned()),
            None => action.add.map_or(Ok(()), |file| self.add(file).map_err(str::to_owned)),
        }
    }

    fn take(&mut self, protocol: Option<Protocol>, metadata: Option<Metadata>) {
        self.protocol = protocol.or(self.protocol.take());
        self.metadata = metadata.or(self.metadata.take());
    }

    fn add(&mut self, file: File) -> Result<(), &'static str> {
        self.live.insert((file.path, file.deletion_vector), file.size);
        if self.live.len() > FILES_MAX { Err(TOO_MANY) } else { Ok(()) }
    }

    /// Whether the files, read as they are, are the table.
    pub(super) fn check(&self, log: &Path) -> Result<(), VersionError> {
        let (Some(protocol), Some(metadata)) = (&self.protocol, &self.metadata) else {
            return Err(VersionError::source(log, "the log is damaged: it names no protocol or no schema"));
        };
        if let Some(provider) = metadata.format.as_ref().and_then(|f| f.provider.as_ref()).filter(|p| *p != "parquet") {
            return Err(VersionError::source(log, format!("its files are {provider}, not Parquet")));
        }
        self.check_protocol(protocol, log)?;
        let mapping = metadata.configuration.as_ref().and_then(|c| c.get("delta.columnMapping.mode")?.as_deref());
        if let Some(mode) = mapping.filter(|mode| *mode != "none") {
            return Err(unread(log, format!("it maps its columns to other names (column mapping by {mode})")));
        }
        match self.live.keys().find(|(_, vector)| vector.is_some()) {
            Some((path, _)) => Err(unread(log, format!("rows of {path} are deleted by a deletion vector"))),
            None => Ok(()),
        }
    }

    fn check_protocol(&self, protocol: &Protocol, log: &Path) -> Result<(), VersionError> {
        let version = protocol.min_reader_version;
        if version > READER_VERSION_MAX {
            return Err(unread(log, format!("it asks for readers of version {version}")));
        }
        let features = protocol.reader_features.as_deref().unwrap_or_default();
        match features.iter().find(|feature| !FEATURES.contains(&feature.as_str())) {
            Some(feature) => Err(unread(log, format!("it uses the feature {feature}"))),
            None => Ok(()),
        }
    }
}

/// What is wrong with a file's path, before it is kept.
fn unfit(file: &File) -> Option<&'static str> {
    (file.path.len() > PATH_BYTES_MAX).then_some("a path is longer than any file system takes")
}

fn unread(log: &Path, what: String) -> VersionError {
    const HELP: &str = "write the version as a table without it, and name that; or, if its files are right as they are, name them by a \
                        pattern: 'TABLE/*.parquet'";
    VersionError::source_help(log, format!("{what}, which verismo does not read"), HELP)
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: &str = r#"{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{}","partitionColumns":[],"configuration":{}}}"#;
    const V1: &str = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#;

    fn table(lines: &[&str]) -> Result<Vec<String>, String> {
        let mut table = Table::default();
        let done =
            table.commit(Path::new("0.json"), lines.join("\n").as_bytes()).and_then(|()| table.check(Path::new("log")));
        done.map_err(|e| e.to_string())?;
        Ok(table.live().map(|(path, _)| path.to_owned()).collect())
    }

    #[test]
    fn what_was_added_and_not_removed_is_live() {
        let mut table = Table::default();
        let commit =
            |table: &mut Table, lines: &[&str]| table.commit(Path::new("x"), lines.join("\n").as_bytes()).unwrap();
        commit(&mut table, &[META, V1, r#"{"add":{"path":"a","size":1}}"#, r#"{"add":{"path":"b","size":2}}"#]);
        commit(
            &mut table,
            &[r#"{"add":{"path":"a","size":1}}"#, r#"{"remove":{"path":"a"}}"#, r#"{"remove":{"path":"b"}}"#],
        );
        commit(&mut table, &[r#"{"add":{"path":"c","size":3}}"#, r#"{"txn":{"appId":"x","version":1}}"#, ""]);
        assert_eq!(table.live().collect::<Vec<_>>(), [("a", Some(1)), ("c", Some(3))]);
        assert!(table.check(Path::new("")).is_ok());
    }

    #[test]
    fn what_changes_the_meaning_of_files_is_refused() {
        let protocol = |text: &str| format!(r#"{{"protocol":{{"minWriterVersion":7,{text}}}}}"#);
        let good = [
            protocol(r#""minReaderVersion":2"#),
            protocol(r#""minReaderVersion":3,"readerFeatures":["timestampNtz","deletionVectors"]"#),
        ];
        for protocol in &good {
            assert_eq!(table(&[META, protocol, r#"{"add":{"path":"a","size":1}}"#]), Ok(vec!["a".to_owned()]));
        }
        let vector = r#"{"add":{"path":"a","size":1,"deletionVector":{"storageType":"u","pathOrInlineDv":"x","sizeInBytes":1,"cardinality":1}}}"#;
        let mapped = META.replace(r#""configuration":{}"#, r#""configuration":{"delta.columnMapping.mode":"name"}"#);
        let orc = META.replace(r#""provider":"parquet""#, r#""provider":"orc""#);
        for (lines, want) in [
            (vec![META, &good[1], vector], "deletion vector"),
            (vec![&mapped, &good[0]], "column mapping by name"),
            (vec![META, &protocol(r#""minReaderVersion":4"#)], "readers of version 4"),
            (
                vec![META, &protocol(r#""minReaderVersion":3,"readerFeatures":["typeWidening"]"#)],
                "feature typeWidening",
            ),
            (vec![&orc, V1], "orc"),
            (vec![META], "no protocol"),
            (vec![V1], "no schema"),
            (vec![""], "empty"),
            (
                vec![META, V1, &format!(r#"{{"add":{{"path":"{}"}}}}"#, "a".repeat(PATH_BYTES_MAX + 1))],
                "line 3: a path",
            ),
            (vec![META, V1, "{"], "line 3"),
            (vec![META, V1, r#"{"add":{"path":7}}"#], "line 3"),
            (vec![META, V1, r#"{"add":{"path":"a","size":-1}}"#], "line 3"),
        ] {
            let error = table(&lines).unwrap_err();
            assert!(error.contains(want), "{want}: {error}");
        }
    }
}
