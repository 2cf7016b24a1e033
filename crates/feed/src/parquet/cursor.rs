//! One open file: decoded rows and the place in them.

use std::path::Path;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::chunk::{Chunk, WANTED};
use super::footer;
use crate::epoch::EpochUnit;
use crate::error::FeedError;

/// Rows decoded at a time.
const CHUNK_ROWS: usize = 8192;

pub(super) struct Cursor {
    pub(super) source: u32,
    reader: ParquetRecordBatchReader,
    pub(super) chunk: Chunk,
    pub(super) row: usize,
    /// Rows of the chunks before this one.
    pub(super) rows_before: u64,
    unit: EpochUnit,
}

impl Cursor {
    /// Opens a file and decodes its first rows; `None` if it has none.
    pub(super) fn open(path: &Path, source: u32, unit: Option<EpochUnit>, key: i64) -> Result<Option<Self>, FeedError> {
        let mut reader = footer::guarded(path, "row 1", || footer::open(path, &WANTED, CHUNK_ROWS, None))?;
        let Some(chunk) = next_chunk(path, &mut reader, 0, unit, key)? else {
            return Ok(None);
        };
        let unit = unit.unwrap_or(chunk.unit);
        Ok(Some(Self { source, reader, chunk, row: 0, rows_before: 0, unit }))
    }

    /// Decodes the next rows once the current ones are used; `false` at the end of the file.
    pub(super) fn refill(&mut self, path: &Path) -> Result<bool, FeedError> {
        // Bounded: every turn reads a batch; empty batches are not expected, but harmless.
        while self.row >= self.chunk.len() {
            let rows = self.rows_before + self.chunk.len() as u64;
            let key = if self.chunk.len() > 0 { self.chunk.key(self.chunk.len() - 1) } else { i64::MIN };
            match next_chunk(path, &mut self.reader, rows, Some(self.unit), key)? {
                Some(chunk) => {
                    self.chunk = chunk;
                    self.row = 0;
                    self.rows_before = rows;
                }
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    pub(super) fn key(&self) -> i64 {
        self.chunk.key(self.row)
    }

    /// Number of the row at the cursor, from 1.
    pub(super) fn position(&self) -> u64 {
        self.rows_before + self.row as u64 + 1
    }
}

fn next_chunk(
    path: &Path,
    reader: &mut ParquetRecordBatchReader,
    rows: u64,
    unit: Option<EpochUnit>,
    key: i64,
) -> Result<Option<Chunk>, FeedError> {
    let place = format!("after row {rows}");
    footer::guarded(path, &place, || match reader.next() {
        None => Ok(None),
        Some(Ok(batch)) if batch.num_rows() == 0 => Ok(None),
        Some(Ok(batch)) => Chunk::decode(path, batch, unit, key).map(Some),
        Some(Err(error)) => Err(FeedError::corrupt(path, place.clone(), error)),
    })
}
