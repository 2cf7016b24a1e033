//! DVC: the files that `DATA.dvc` or `dvc.lock` say belong to a path, from the working tree where they are as recorded, else from the cache.
//!
//! A folder is recorded as the MD5 of its list, a JSON file in the cache (`.dir`). A file is taken only if its MD5 is the recorded one.
//! Remotes are not asked: `dvc fetch` brings what is missing into the cache.

mod file;
mod repository;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Listed, Listing, Tools, md5, read_text};
use crate::error::VersionError;
use crate::path::check_path;
use file::{Listed as Row, Output, parse_list};
use repository::Repository;

/// The list of some two million files.
const LIST_BYTES_MAX: u64 = 256 << 20;
/// More outputs than anyone tracks by one file.
const FILES_MAX: usize = 5_000_000;

/// A file whose name ends in `.dvc` stands for what it tracks.
pub(super) fn claims(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "dvc") && path.is_file()
}

/// The cache of a repository.
pub(super) fn holds_others(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == ".dvc") && folder.join("cache").is_dir()
}

pub(super) fn list(data: &Path, version: Option<&str>, tools: &dyn Tools) -> Result<Listing, VersionError> {
    if let Some(version) = version {
        let reason = format!("@dvc:{version} is not known: DVC's versions are those of Git");
        return Err(VersionError::source_help(
            data,
            reason,
            "`git checkout` the commit with its .dvc files, then name DATA@dvc",
        ));
    }
    let repository = Repository::of(data)?;
    let (file, outputs) = if claims(data) { repository.tracked_by(data)? } else { repository.tracking(data)? };
    let mut gathered =
        Gathered { repository: &repository, tools, files: BTreeMap::new(), missing: Vec::new(), cached: 0 };
    for output in &outputs {
        gathered.output(&file, output)?;
    }
    // Several outputs of one file are told from the folder of that file.
    let (target, is_folder) = match (&outputs[..], claims(data)) {
        ([output], true) => (output.path.clone(), output.is_folder()),
        (_, true) => (repository.inside(file.parent().unwrap_or(Path::new("")))?, true),
        (_, false) => {
            let target = repository.inside(data)?;
            let is_folder = !gathered.files.contains_key(&target);
            (target, is_folder)
        }
    };
    let base = if is_folder { target.clone() } else { parent(&target).to_owned() };
    let prefix = if base.is_empty() { String::new() } else { format!("{base}/") };
    let is_wanted = |path: &str| if is_folder { path.starts_with(&prefix) } else { path == target };
    gathered.missing.retain(|path| is_wanted(path));
    let Gathered { files, missing, cached, .. } = gathered;
    if !missing.is_empty() {
        return Err(missing_error(&file, &missing));
    }
    let files = files.into_iter().filter(|(path, _)| is_wanted(path));
    let files: Vec<Listed> =
        files.map(|(path, place)| Listed { path: path[prefix.len()..].to_owned(), place }).collect();
    if files.is_empty() {
        return Err(VersionError::source(&file, format!("nothing of {} is tracked by it", data.display())));
    }
    let notes = match cached {
        0 => Vec::new(),
        n => vec![format!(
            "{}: {n} of its files are not in the working tree as recorded; the cache of DVC has them",
            data.display()
        )],
    };
    Ok(Listing {
        source: "dvc".to_owned(),
        data: repository.root.join(&target),
        base: repository.root.join(&base),
        base_inside: base,
        files,
        notes,
    })
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn missing_error(file: &Path, missing: &[String]) -> VersionError {
    const SHOWN_MAX: usize = 3;
    let shown = missing.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more =
        if missing.len() > SHOWN_MAX { format!(" and {} more", missing.len() - SHOWN_MAX) } else { String::new() };
    let reason = format!("{shown}{more}: neither the working tree nor the cache has the recorded content");
    VersionError::source_help(file, reason, "`dvc fetch` brings it into the cache")
}

/// Files by their paths from the root of the repository.
struct Gathered<'a> {
    repository: &'a Repository,
    tools: &'a dyn Tools,
    files: BTreeMap<String, PathBuf>,
    missing: Vec<String>,
    cached: u64,
}

impl Gathered<'_> {
    fn output(&mut self, file: &Path, output: &Output) -> Result<(), VersionError> {
        if let Some(rows) = &output.files {
            return self.rows(file, output, rows);
        }
        if !output.is_folder() {
            return self.file(file, output.path.clone(), &output.md5, output.is_legacy);
        }
        let place = self.repository.object(&output.md5, output.is_legacy);
        let Some(place) = place else {
            return Err(missing_error(file, &[format!("the list of {} ({})", output.path, output.md5)]));
        };
        let text = read_text(&place, LIST_BYTES_MAX)?;
        if format!("{}.dir", md5::of_bytes(text.as_bytes())) != output.md5 {
            return Err(VersionError::source_help(
                &place,
                "it is damaged: its content is not the recorded one",
                "`dvc fetch` after removing it",
            ));
        }
        let rows = parse_list(&text).map_err(|why| VersionError::source(&place, why))?;
        self.rows(file, output, &rows)
    }

    fn rows(&mut self, file: &Path, output: &Output, rows: &[Row]) -> Result<(), VersionError> {
        for row in rows {
            check_path(&row.relpath).map_err(|why| {
                VersionError::source(file, format!("the list of {}: path {:?}: {why}", output.path, row.relpath))
            })?;
            let path =
                if output.path.is_empty() { row.relpath.clone() } else { format!("{}/{}", output.path, row.relpath) };
            self.file(file, path, &row.md5, output.is_legacy)?;
        }
        Ok(())
    }

    fn file(&mut self, file: &Path, path: String, md5: &str, is_legacy: bool) -> Result<(), VersionError> {
        if !md5::is_md5(md5) {
            return Err(VersionError::source(file, format!("{path}: {md5:?} is no MD5")));
        }
        let here = self.repository.root.join(&path);
        let place = if here.is_file() && self.is(&here, md5, is_legacy) {
            here
        } else {
            let Some(cached) = self.repository.object(md5, is_legacy).filter(|cached| self.is(cached, md5, is_legacy))
            else {
                self.missing.push(path);
                return Ok(());
            };
            self.cached += 1;
            cached
        };
        if self.files.len() >= FILES_MAX {
            return Err(VersionError::source(file, "it tracks more files than anyone has"));
        }
        match self.files.insert(path, place) {
            None => Ok(()),
            Some(twice) => Err(VersionError::source(file, format!("{} is tracked twice", twice.display()))),
        }
    }

    /// Whether a file has that MD5. Before DVC 3 text was digested with the line ends of Unix.
    fn is(&self, place: &Path, md5: &str, is_legacy: bool) -> bool {
        /// Text that is larger was not written by hand on Windows.
        const TEXT_BYTES_MAX: u64 = 64 << 20;
        if self.tools.md5(place).as_deref() == Some(md5) {
            return true;
        }
        let text = is_legacy.then(|| read_text(place, TEXT_BYTES_MAX).ok()).flatten();
        text.is_some_and(|text| md5::of_bytes(text.replace("\r\n", "\n").as_bytes()) == md5)
    }
}

pub(super) fn check_bytes(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let root = Path::new("/root");
    let read = [file::parse_dvc(&text), file::parse_lock(&text, None)];
    for output in read.into_iter().flatten().flatten() {
        if let Ok(path) = file::confined(root, root, &output) {
            assert!(path.is_empty() || check_path(&path).is_ok(), "{path:?}");
        }
    }
    let _rows = parse_list(&text);
}
