//! Text files that are renamed when complete.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;

use super::Written;
use crate::error::FeedError;

/// How text files are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoldenCompression {
    /// Not at all.
    Plain,
    /// As `.gz` at this level, 1 (fast) to 9 (small); the recorder's own level is 9.
    Gzip(u32),
}

/// A text file being written as `.tmp`.
pub(super) struct TextFile {
    output: Output,
    temporary: PathBuf,
    target: PathBuf,
}

enum Output {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

const BUFFER_BYTES: usize = 1 << 16;

impl TextFile {
    /// A new file `{stem}.{ending}` in `directory`, with `.gz` where it is packed; a name that is taken gets a number.
    pub(super) fn create(
        directory: &Path,
        stem: &str,
        ending: &str,
        compression: GoldenCompression,
    ) -> Result<Self, FeedError> {
        let packed = if compression == GoldenCompression::Plain { "" } else { ".gz" };
        let target = super::free_path(|n| match n {
            0 => directory.join(format!("{stem}.{ending}{packed}")),
            n => directory.join(format!("{stem}_{n:03}.{ending}{packed}")),
        })?;
        let temporary = super::temporary(&target);
        let file = File::create(&temporary).map_err(|e| FeedError::io(&temporary, "create", &e))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let output = match compression {
            GoldenCompression::Plain => Output::Plain(file),
            GoldenCompression::Gzip(level) => {
                Output::Gzip(Box::new(GzEncoder::new(file, flate2::Compression::new(level.clamp(1, 9)))))
            }
        };
        Ok(Self { output, temporary, target })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        let written = match &mut self.output {
            Output::Plain(file) => file.write_all(bytes),
            Output::Gzip(file) => file.write_all(bytes),
        };
        written.map_err(|e| FeedError::io(&self.temporary, "write", &e))
    }

    /// Completes the file and counts it.
    pub(super) fn close(self, written: &mut Written) -> Result<(), FeedError> {
        let done: io::Result<()> = match self.output {
            Output::Plain(mut file) => file.flush(),
            Output::Gzip(file) => file.finish().and_then(|mut file| file.flush()),
        };
        done.map_err(|e| FeedError::io(&self.temporary, "write", &e))?;
        written.bytes += super::rename(&self.temporary, &self.target)?;
        written.files += 1;
        Ok(())
    }
}
