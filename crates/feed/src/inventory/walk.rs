//! Walks files and directories; symbolic links are followed, each real directory once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Ignored, file_name};
use crate::error::FeedError;

/// Deepest directory; a deeper tree is a mistake.
const DEPTH_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Found {
    /// Candidate data files, sorted, each once.
    pub(super) files: Vec<PathBuf>,
    pub(super) manifests: Vec<PathBuf>,
    pub(super) ignored: Vec<Ignored>,
}

struct Walk {
    found: Found,
    seen: BTreeSet<PathBuf>,
}

pub(super) fn walk(paths: &[PathBuf]) -> Result<Found, FeedError> {
    let mut walk = Walk { found: Found::default(), seen: BTreeSet::new() };
    for path in paths {
        match fs::metadata(path) {
            Ok(_) => walk.visit(path, 0)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(FeedError::PathNotFound { path: path.display().to_string() });
            }
            Err(error) => return Err(FeedError::io(path, "look at", &error)),
        }
    }
    walk.found.files.sort();
    walk.found.manifests.sort();
    Ok(walk.found)
}

impl Walk {
    fn visit(&mut self, path: &Path, depth: usize) -> Result<(), FeedError> {
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if depth > 0 => {
                self.ignore(path, format!("cannot be resolved: {error}"));
                return Ok(());
            }
            Err(error) => return Err(FeedError::io(path, "resolve", &error)),
        };
        if !self.seen.insert(real.clone()) {
            return Ok(());
        }
        let metadata = fs::metadata(&real).map_err(|e| FeedError::io(path, "look at", &e))?;
        if metadata.is_dir() {
            // What verismo itself keeps beside a suite is no data.
            if depth > 0 && file_name(path) == ".verismo" {
                return Ok(());
            }
            return self.visit_directory(path, depth);
        }
        if !metadata.is_file() {
            self.ignore(path, "not a regular file".to_owned());
        } else if file_name(path) == "manifest.jsonl" {
            self.found.manifests.push(path.to_owned());
        } else if let Some(reason) = reason_to_ignore(path) {
            self.ignore(path, reason.to_owned());
        } else {
            self.found.files.push(path.to_owned());
        }
        Ok(())
    }

    fn visit_directory(&mut self, path: &Path, depth: usize) -> Result<(), FeedError> {
        if depth >= DEPTH_MAX {
            self.ignore(path, format!("deeper than {DEPTH_MAX} directories"));
            return Ok(());
        }
        let entries = fs::read_dir(path).map_err(|e| FeedError::io(path, "list", &e))?;
        let mut children = Vec::new();
        for entry in entries {
            children.push(entry.map_err(|e| FeedError::io(path, "list", &e))?.path());
        }
        children.sort();
        children.iter().try_for_each(|child| self.visit(child, depth + 1))
    }

    fn ignore(&mut self, path: &Path, reason: String) {
        self.found.ignored.push(Ignored { path: path.to_owned(), reason });
    }
}

/// Names that are never data, whatever they hold.
fn reason_to_ignore(path: &Path) -> Option<&'static str> {
    let name = file_name(path).to_ascii_lowercase();
    if name.starts_with('.') {
        return Some("hidden file");
    }
    match name.as_str() {
        "checksums.txt" => return Some("checksums"),
        "metadata.json" | "event_info.json" => return Some("capture metadata"),
        "capture.pid" => return Some("process id file"),
        _ => {}
    }
    match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("tmp" | "incomplete" | "partial") => Some("still being written"),
        Some("log") => Some("log file"),
        Some("lock" | "pid" | "done") => Some("process state file"),
        Some("md" | "sha256" | "md5") => Some("documentation or checksum"),
        _ => None,
    }
}
