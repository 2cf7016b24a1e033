//! Delta tables: the files of a version, told by the log in `_delta_log`.
//!
//! A version is the last checkpoint at or before it and the commits after that; what was added and not removed since is live. Reader
//! features that change which rows of a file count, or what its columns mean, are refused: data read without them would be wrong.

mod actions;
mod log;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::{Listed, Listing, Tools};
use crate::error::VersionError;
use crate::path::check_path;
use actions::Table;
use log::Log;

const FOLDER: &str = "_delta_log";

/// A folder with a log is a table: files beside it may be of other versions, or of none.
pub(super) fn claims(path: &Path) -> bool {
    path.join(FOLDER).is_dir()
}

pub(super) fn list(data: &Path, version: Option<&str>, tools: &dyn Tools) -> Result<Listing, VersionError> {
    let folder = data.join(FOLDER);
    if !folder.is_dir() {
        return Err(VersionError::source(data, format!("it is no Delta table: there is no folder {FOLDER}")));
    }
    let mut log = Log::read(&folder)?;
    let wanted = match version {
        None => log.latest(),
        Some(text) => text.parse().map_err(|_| {
            VersionError::source(data, format!("{text:?} is no version of a Delta table: those are numbers"))
        })?,
    };
    let table = log.replay(wanted, tools)?;
    table.check(&folder)?;
    let mut notes = Vec::new();
    if !table.partition_columns().is_empty() {
        let columns = table.partition_columns().join(", ");
        notes.push(format!(
            "{}: the columns {columns} are in the names of folders and not in the files; they are not read as columns",
            data.display()
        ));
    }
    Ok(Listing {
        source: format!("delta:{wanted}"),
        data: data.to_owned(),
        base: data.to_owned(),
        base_inside: String::new(),
        files: live(data, &folder, wanted, &table)?,
        notes,
    })
}

/// The live files, each there with the length that the log says.
fn live(data: &Path, folder: &Path, version: u64, table: &Table) -> Result<Vec<Listed>, VersionError> {
    let mut files: BTreeMap<String, Listed> = BTreeMap::new();
    let mut changed = Vec::new();
    for (raw, size) in table.live() {
        let path = decoded(raw).map_err(|why| VersionError::source(folder, format!("path {raw:?}: {why}")))?;
        let place: PathBuf = data.join(&path);
        match std::fs::metadata(&place) {
            Ok(found) if found.is_file() && size.is_none_or(|size| size == found.len()) => {
                let listed = Listed { path: path.clone(), place };
                if files.insert(path, listed).is_some() {
                    return Err(VersionError::source(folder, format!("path {raw:?} is there twice")));
                }
            }
            Ok(found) if found.is_file() => changed.push(format!("{path} has {} bytes", found.len())),
            _ => changed.push(format!("{path} is gone")),
        }
    }
    if !changed.is_empty() {
        let error = VersionError::NotThatVersion {
            name: data.display().to_string(),
            version: format!("delta:{version}"),
            root: data.to_owned(),
            changed,
        };
        return Err(error);
    }
    if files.is_empty() {
        return Err(VersionError::source(data, format!("version {version} of the table has no files")));
    }
    Ok(files.into_values().collect())
}

/// The path of a file as the file system has it.
fn decoded(raw: &str) -> Result<String, &'static str> {
    let has_scheme = raw.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    if has_scheme {
        return Err("it is absolute: files outside the table, as of a shallow clone, are not read");
    }
    let path = percent_decode_str(raw).decode_utf8().map_err(|_| "it is no text")?;
    check_path(&path)?;
    Ok(path.into_owned())
}

pub(super) fn check_bytes(bytes: &[u8]) {
    let mut table = Table::default();
    if table.commit(Path::new("0.json"), bytes).is_ok() && table.check(Path::new("")).is_ok() {
        for (raw, _) in table.live() {
            if let Ok(path) = decoded(raw) {
                assert_eq!(check_path(&path), Ok(()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_and_stay_in_the_table() {
        assert_eq!(decoded("a=1%202/x%2By.parquet"), Ok("a=1 2/x+y.parquet".to_owned()));
        assert_eq!(decoded("t=12%3A00/x.parquet"), Ok("t=12:00/x.parquet".to_owned()));
        for bad in [
            "../x",
            "%2e%2e/x",
            "/etc/passwd",
            "%2Fetc/passwd",
            "file:///etc/passwd",
            "s3://b/x",
            "a/%2e%2e/b",
            "%ff",
            "",
        ] {
            assert!(decoded(bad).is_err(), "{bad}");
        }
    }
}
