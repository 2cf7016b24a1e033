//! Paths from the command line, and files that are either there whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use verismo_report::TextStyle;

use crate::{CliError, Context};

/// Temporary files and unfinished directories that exist now; a hard stop removes them.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
/// Held while files get their names, so that a hard stop comes before or after.
static RENAMING: Mutex<()> = Mutex::new(());

/// Expands globs and checks that every path exists.
///
/// A path that exists is taken as it is, even with `*` or `[` in its name. `flag` names the option in messages.
///
/// # Errors
/// `no-such-path` for a path that does not exist or a pattern that matches nothing, `bad-pattern` for a broken pattern.
pub fn expand(flag: &str, paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut expanded = Vec::with_capacity(paths.len());
    for path in paths {
        if path.exists() {
            expanded.push(path.clone());
            continue;
        }
        let text = path.to_string_lossy();
        if !text.contains(['*', '?', '[']) {
            let error = CliError::usage("no-such-path", format_args!("{flag}: no such file or directory: {text}"));
            return Err(match nearest_existing(path) {
                Some(parent) => error.help(format_args!("{} exists", parent.display())),
                None => error,
            });
        }
        let before = expanded.len();
        let pattern = |e: &dyn std::fmt::Display| CliError::usage("bad-pattern", format_args!("{flag}: {text}: {e}"));
        for found in glob::glob(&text).map_err(|e| pattern(&e))? {
            expanded.push(found.map_err(|e| pattern(&e))?);
        }
        if expanded.len() == before {
            return Err(CliError::usage("no-such-path", format_args!("{flag}: nothing matches {text}")));
        }
    }
    expanded.sort();
    expanded.dedup();
    Ok(expanded)
}

/// The nearest ancestor that exists, for a hint; none if that is only the current directory or the root.
fn nearest_existing(path: &Path) -> Option<&Path> {
    let parent = path.ancestors().skip(1).find(|p| p.exists())?;
    (parent.components().count() > 1).then_some(parent)
}

/// Makes a directory with its parents.
///
/// # Errors
/// `cannot-write` where that fails.
pub fn create_dir(path: &Path) -> Result<(), CliError> {
    fs::create_dir_all(path).map_err(|e| CliError::write(path, &e))
}

/// Writes several files so that a reader, or a crash, sees each either as it was before or whole: all are written beside
/// their targets first, and renamed only when every byte of every one is on the disk.
///
/// # Errors
/// `cannot-write` with the path; no target has changed then, unless a rename failed half way.
pub fn write_all(files: &[(PathBuf, Vec<u8>)]) -> Result<(), CliError> {
    let mut renames = Vec::with_capacity(files.len());
    let result = files.iter().try_for_each(|(path, bytes)| {
        let temporary = temporary_beside(path);
        remember(&temporary);
        renames.push((temporary.clone(), path));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|e| CliError::write(path, &e))
    });
    let result = result.and_then(|()| {
        let _guard = RENAMING.lock();
        renames
            .iter()
            .try_for_each(|(temporary, path)| fs::rename(temporary, path).map_err(|e| CliError::write(path, &e)))
    });
    for (temporary, _) in &renames {
        if result.is_err() {
            let _gone_or_renamed = fs::remove_file(temporary);
        }
        forget(temporary);
    }
    result
}

/// Removes what is unfinished now. For the hard stop only, which follows at once: what gets its names at the moment is
/// finished first, and nothing gets a name after this.
pub fn remove_unfinished() {
    /// A directory may be written to while it is removed; the writer ends with the process.
    const ATTEMPTS: u32 = 5;
    std::mem::forget(RENAMING.lock());
    let paths = UNFINISHED.lock().map(|t| t.clone()).unwrap_or_default();
    for path in paths {
        for _ in 0..ATTEMPTS {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if removed.is_ok() || !path.exists() {
                break;
            }
        }
    }
}

fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// Says that a file or directory is unfinished.
pub(crate) fn remember(path: &Path) {
    if let Ok(mut unfinished) = UNFINISHED.lock() {
        unfinished.push(path.to_owned());
    }
}

/// Says that a file or directory is finished, or gone.
pub(crate) fn forget(path: &Path) {
    if let Ok(mut unfinished) = UNFINISHED.lock() {
        unfinished.retain(|t| t != path);
    }
}

/// What a command has measured: the text for people to `out` and JSON to a file, or JSON alone where the path is `-`.
///
/// # Errors
/// Where one of them cannot be written.
pub fn json_or_text(
    path: Option<&Path>,
    json: String,
    text: impl FnOnce(&TextStyle) -> String,
    context: Context<'_>,
    out: &mut impl Write,
) -> Result<(), CliError> {
    if path == Some(Path::new("-")) {
        out.write_all(json.as_bytes())?;
        return Ok(());
    }
    if let Some(path) = path {
        write_all(&[(path.to_owned(), json.into_bytes())])?;
    }
    let console = context.console;
    let style = TextStyle { colour: console.colour, width: console.width, ..TextStyle::default() };
    out.write_all(text(&style).as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_expanded_and_a_literal_name_with_a_star_is_not() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.jsonl", "a.jsonl", "c*.jsonl", "cc.jsonl"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let found = expand("--golden", &[dir.path().join(pattern)]).unwrap();
            found.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names("?.jsonl"), ["a.jsonl", "b.jsonl"]);
        assert_eq!(names("c*.jsonl"), ["c*.jsonl"]);
        assert_eq!(names("[ab].jsonl"), ["a.jsonl", "b.jsonl"]);
    }

    #[test]
    fn what_does_not_exist_is_a_usage_error_that_names_flag_and_path() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("no/such.jsonl");
        let error = expand("--golden", std::slice::from_ref(&missing)).unwrap_err();
        assert_eq!((error.code, error.exit()), ("no-such-path", crate::Exit::Usage));
        assert!(error.message.contains("--golden") && error.message.contains("such.jsonl"), "{error}");
        let error = expand("--candidate", &[dir.path().join("*.parquet")]).unwrap_err();
        assert_eq!(error.code, "no-such-path");
        let error = expand("--candidate", &[dir.path().join("[")]).unwrap_err();
        assert_eq!(error.code, "bad-pattern");
    }

    #[test]
    fn a_failed_write_leaves_the_old_files_and_no_temporary() {
        let dir = tempfile::tempdir().unwrap();
        let good = dir.path().join("good");
        fs::write(&good, "old").unwrap();
        let bad = dir.path().join("missing-directory/bad");
        let error = write_all(&[(good.clone(), b"new".to_vec()), (bad, b"x".to_vec())]).unwrap_err();
        assert_eq!(error.code, "cannot-write");
        assert_eq!(fs::read_to_string(&good).unwrap(), "old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        write_all(&[(good.clone(), b"new".to_vec())]).unwrap();
        assert_eq!(fs::read_to_string(&good).unwrap(), "new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
