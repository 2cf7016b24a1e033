//! A Parquet file whose pages are read into buffers that are used again.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::reader::{ChunkReader, Length};
use bytes::Bytes;

/// Buffers kept for later; a column holds one page at a time.
const SPARE_MAX: usize = 4;
/// A buffer of more bytes is not kept.
const SPARE_BYTES_MAX: usize = 8 << 20;

/// Fresh memory for a page costs as much as reading it.
#[derive(Debug)]
pub(super) struct PageFile {
    file: File,
    spare: Spare,
}

type Spare = Arc<Mutex<Vec<Vec<u8>>>>;

impl PageFile {
    pub(super) fn new(file: File) -> Self {
        Self { file, spare: Spare::default() }
    }

    /// The same file with the same buffers, for another reader when this one is through.
    pub(super) fn again(&self) -> std::io::Result<Self> {
        Ok(Self { file: self.file.try_clone()?, spare: Arc::clone(&self.spare) })
    }
}

/// The bytes of a page, whose buffer goes back when they are no longer used.
struct PageBytes {
    buffer: Vec<u8>,
    spare: Spare,
}

impl AsRef<[u8]> for PageBytes {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for PageBytes {
    fn drop(&mut self) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_MAX && self.buffer.capacity() <= SPARE_BYTES_MAX {
            spare.push(std::mem::take(&mut self.buffer));
        }
    }
}

impl Length for PageFile {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for PageFile {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffer = spare.unwrap_or_default();
        buffer.clear();
        // A header may promise more than the file has.
        let in_file = usize::try_from(self.len().saturating_sub(start)).unwrap_or(usize::MAX);
        buffer.reserve_exact(length.min(in_file));
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start))?;
        let n = file.take(length as u64).read_to_end(&mut buffer)?;
        if n < length {
            return Err(ParquetError::EOF(format!("{length} bytes wanted, {n} left")));
        }
        Ok(Bytes::from_owner(PageBytes { buffer, spare: Arc::clone(&self.spare) }))
    }
}
