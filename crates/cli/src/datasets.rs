//! Data sets on disk: written whole into a directory of their own, or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use verismo_feed::write::{GoldenCompression, MessageWriter, WriteOptions, Written};
use verismo_feed::{FeedError, Format};
use verismo_market::message::Message;

use crate::{CliError, files};

/// Level of gzip: a good deal smaller than plain, and not slower than the rest of the work.
const GZIP_LEVEL: u32 = 6;

/// A directory that is being filled. Unless [`OutDir::keep`] is called, what was put into it is removed again.
#[derive(Debug)]
pub struct OutDir {
    path: PathBuf,
    is_new: bool,
    is_kept: bool,
}

impl OutDir {
    /// Makes `path`, or takes it if it is an empty directory.
    ///
    /// # Errors
    /// `out-not-empty` where something is there already, `cannot-write` where no directory can be made.
    pub fn create(path: &Path) -> Result<Self, CliError> {
        let is_new = !path.exists();
        files::create_dir(path)?;
        let mut entries = fs::read_dir(path).map_err(|e| CliError::write(path, &e))?;
        if entries.next().is_some() {
            let message = format!("--out: {} is not empty", path.display());
            return Err(CliError::usage("out-not-empty", message).help("name a new directory, nothing is overwritten"));
        }
        files::remember(path);
        Ok(Self { path: path.to_owned(), is_new, is_kept: false })
    }

    /// Says that the content is complete.
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for OutDir {
    fn drop(&mut self) {
        if self.is_kept {
            files::forget(&self.path);
            return;
        }
        // Best effort: the error that led here is the one to tell.
        let _ = fs::remove_dir_all(&self.path);
        if !self.is_new {
            let _ = fs::create_dir(&self.path);
        }
        files::forget(&self.path);
    }
}

/// A writer of one of the formats that are written.
pub struct DataWriter(Box<dyn MessageWriter>);

impl DataWriter {
    /// A writer into `directory`.
    ///
    /// # Errors
    /// Where the directory cannot be made; `cannot-write-format` for tables.
    pub fn create(directory: &Path, format: Format, gzip: bool) -> Result<Self, CliError> {
        if !format.has_events() {
            let message = format!("data in format {} cannot be written, only streams of events", format.name());
            return Err(CliError::usage("cannot-write-format", message));
        }
        let compression = if gzip { GoldenCompression::Gzip(GZIP_LEVEL) } else { GoldenCompression::Plain };
        format.writer(directory, &WriteOptions::with_compression(compression)).map(Self).map_err(feed_error)
    }

    /// Appends one message.
    ///
    /// # Errors
    /// Where the file cannot be written, or the format cannot express the message.
    pub fn write(&mut self, message: &Message) -> Result<(), CliError> {
        self.0.write(message).map_err(feed_error)
    }

    /// Completes all files.
    ///
    /// # Errors
    /// Where a file cannot be completed.
    pub fn finish(self) -> Result<Written, CliError> {
        self.0.finish().map_err(feed_error)
    }
}

/// An error of a reader or writer as an error of the command.
pub fn feed_error(error: FeedError) -> CliError {
    if error.is_usage() { CliError::usage(error.code(), error) } else { CliError::unusable(error.code(), error) }
}

/// Copies a file, or a directory with everything in it.
///
/// # Errors
/// `cannot-write` with the path.
pub fn copy_tree(from: &Path, to: &Path) -> Result<(), CliError> {
    let copied = |path: &Path, result: std::io::Result<()>| result.map_err(|e| CliError::write(path, &e));
    // A stack instead of recursion: depth is bounded by the tree, not by the stack of the thread.
    let mut pending = vec![(from.to_owned(), to.to_owned())];
    while let Some((source, target)) = pending.pop() {
        if !source.is_dir() {
            let target = if target.is_dir() { target.join(source.file_name().unwrap_or_default()) } else { target };
            copied(&target, fs::copy(&source, &target).map(|_| ()))?;
            continue;
        }
        files::create_dir(&target)?;
        let entries = fs::read_dir(&source).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries =
            entries.map_err(|e| CliError::unusable("cannot-read", format_args!("{}: {e}", source.display())))?;
        pending.extend(entries.into_iter().map(|e| (e.path(), target.join(e.file_name()))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_directory_is_empty_at_the_start_and_gone_after_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let out = OutDir::create(&path).unwrap();
        fs::write(path.join("half"), "x").unwrap();
        drop(out);
        assert!(!path.exists());
        let out = OutDir::create(&path).unwrap();
        fs::write(path.join("whole"), "x").unwrap();
        out.keep();
        assert!(path.join("whole").exists());
        let error = OutDir::create(&path).unwrap_err();
        assert_eq!((error.code, error.exit()), ("out-not-empty", crate::Exit::Usage));
        assert!(path.join("whole").exists());
    }

    #[test]
    fn trees_are_copied_whole() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("from/x/y")).unwrap();
        fs::write(dir.path().join("from/x/y/file"), "1").unwrap();
        fs::write(dir.path().join("from/top"), "2").unwrap();
        copy_tree(&dir.path().join("from"), &dir.path().join("to")).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("to/x/y/file")).unwrap(), "1");
        assert_eq!(fs::read_to_string(dir.path().join("to/top")).unwrap(), "2");
        copy_tree(&dir.path().join("from/top"), &dir.path().join("to/x")).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("to/x/top")).unwrap(), "2");
    }
}
