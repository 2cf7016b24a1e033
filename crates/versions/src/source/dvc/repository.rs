//! A repository of DVC: where its root and its cache are, and what tracks a path.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::read_text;
use super::file::{Output, output, parse_dvc, parse_lock};
use crate::error::VersionError;

/// No file of DVC that people keep in Git is longer.
const FILE_BYTES_MAX: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Repository {
    /// The folder that `.dvc` is in, absolute.
    pub(super) root: PathBuf,
    cache: PathBuf,
}

impl Repository {
    /// The repository that a path lies in; the path itself need not exist.
    pub(super) fn of(path: &Path) -> Result<Self, VersionError> {
        let path = absolute(path)?;
        let root = path.ancestors().skip(1).find(|folder| folder.join(".dvc").is_dir());
        let root = root.ok_or_else(|| {
            VersionError::source(&path, "it is not in a repository of DVC: there is no folder .dvc in any folder above")
        })?;
        let mut repository = Self { root: root.to_owned(), cache: root.join(".dvc").join("cache") };
        for name in ["config", "config.local"] {
            let file = root.join(".dvc").join(name);
            if file.is_file()
                && let Some(folder) = cache_of(&read_text(&file, FILE_BYTES_MAX)?)
            {
                repository.cache = root.join(".dvc").join(folder);
            }
        }
        Ok(repository)
    }

    /// A path from the root.
    pub(super) fn inside(&self, path: &Path) -> Result<String, VersionError> {
        let absolute = absolute(path)?;
        let inside = absolute.strip_prefix(&self.root).ok().and_then(Path::to_str);
        let inside =
            inside.ok_or_else(|| VersionError::source(path, "it lies outside its repository, or is no text"))?;
        Ok(inside.replace(std::path::MAIN_SEPARATOR, "/"))
    }

    /// What a `.dvc` file tracks.
    pub(super) fn tracked_by(&self, file: &Path) -> Result<(PathBuf, Vec<Output>), VersionError> {
        let file = absolute(file)?;
        let written = parse_dvc(&read_text(&file, FILE_BYTES_MAX)?).map_err(|why| VersionError::source(&file, why))?;
        let outputs = self.outputs(&file, written)?;
        if outputs.is_empty() {
            return Err(VersionError::source(&file, "it tracks nothing"));
        }
        Ok((file, outputs))
    }

    /// The file that tracks a path, or a folder that the path lies in, and what it tracks there.
    pub(super) fn tracking(&self, path: &Path) -> Result<(PathBuf, Vec<Output>), VersionError> {
        let target = self.inside(path)?;
        let covers = |output: &Output| {
            let rest = target.strip_prefix(&output.path);
            rest.is_some_and(|rest| rest.is_empty() || output.path.is_empty() || rest.starts_with('/'))
        };
        let start = self.root.join(&target);
        for folder in start.ancestors().take_while(|folder| folder.starts_with(&self.root)) {
            let mut name = folder.as_os_str().to_owned();
            name.push(".dvc");
            let file = PathBuf::from(name);
            if *folder != self.root && file.is_file() {
                let (file, mut outputs) = self.tracked_by(&file)?;
                outputs.retain(covers);
                if !outputs.is_empty() {
                    return Ok((file, outputs));
                }
            }
            let lock = folder.join("dvc.lock");
            if lock.is_file() {
                let mut outputs = self.locked(&lock)?;
                outputs.retain(covers);
                if !outputs.is_empty() {
                    return Ok((lock, outputs));
                }
            }
        }
        let help = "`dvc add` tracks it; `verismo snapshot` records a version without DVC";
        Err(VersionError::source_help(path, "no .dvc file and no dvc.lock tracks it", help))
    }

    fn locked(&self, lock: &Path) -> Result<Vec<Output>, VersionError> {
        let text = read_text(lock, FILE_BYTES_MAX)?;
        let pipeline = lock.with_file_name("dvc.yaml");
        let pipeline = pipeline.exists().then(|| read_text(&pipeline, FILE_BYTES_MAX)).transpose()?;
        let written = parse_lock(&text, pipeline.as_deref()).map_err(|why| VersionError::source(lock, why))?;
        self.outputs(lock, written)
    }

    fn outputs(&self, file: &Path, written: Vec<super::file::Written>) -> Result<Vec<Output>, VersionError> {
        let folder = file.parent().unwrap_or(Path::new(""));
        let outputs = written.into_iter().map(|written| output(&self.root, folder, written));
        outputs.collect::<Result<_, _>>().map_err(|why| VersionError::source(file, why))
    }

    /// Where the cache has a content, if it has it; those recorded before DVC 3 lie in another place.
    pub(super) fn object(&self, md5: &str, is_legacy: bool) -> Option<PathBuf> {
        let bare = md5.strip_suffix(".dir").unwrap_or(md5);
        if !super::md5::is_md5(bare) {
            return None;
        }
        let (head, tail) = md5.split_at(2);
        let new = self.cache.join("files").join("md5").join(head).join(tail);
        let old = self.cache.join(head).join(tail);
        let places = if is_legacy { [old, new] } else { [new, old] };
        places.into_iter().find(|place| place.is_file())
    }
}

/// The absolute path with the links of its folder followed; it need not exist itself.
fn absolute(path: &Path) -> Result<PathBuf, VersionError> {
    let io = VersionError::io("find", path);
    let absolute = std::path::absolute(path).map_err(io)?;
    // The nearest folder that exists: a tracked folder may be in the cache only.
    for folder in absolute.ancestors().skip(1) {
        if let (Ok(real), Ok(rest)) = (fs::canonicalize(folder), absolute.strip_prefix(folder)) {
            return Ok(real.join(rest));
        }
    }
    Ok(absolute)
}

/// The folder of the cache that a configuration names.
fn cache_of(text: &str) -> Option<String> {
    let mut is_inside = false;
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_inside = line == "[cache]";
        } else if is_inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "dir"
        {
            found = Some(value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_where_the_configuration_says() {
        assert_eq!(
            cache_of("[core]\n    dir = x\n[cache]\n    dir = ../c\n['remote \"a\"']\n    url = y\n"),
            Some("../c".to_owned())
        );
        assert_eq!(cache_of("[core]\ndir = x\n"), None);
    }
}
