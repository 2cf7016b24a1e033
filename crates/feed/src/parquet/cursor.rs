//! One open file: decoded rows and the place in them.

use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::chunk::{Chunk, WANTED};
use super::direct::{Direct, Shared, Unsure};
use super::footer;
use crate::epoch::EpochUnit;
use crate::error::FeedError;

/// Rows decoded at a time.
const CHUNK_ROWS: usize = 8192;

pub(super) struct Cursor {
    pub(super) source: u32,
    rows: Rows,
    pub(super) chunk: Chunk,
    pub(super) row: usize,
    /// Rows of the chunks before this one.
    pub(super) rows_before: u64,
    unit: EpochUnit,
}

/// Where rows come from.
enum Rows {
    Direct(Box<Direct>),
    Arrow(Box<ParquetRecordBatchReader>),
}

impl Rows {
    fn open(path: &Path) -> Result<Self, FeedError> {
        let shared = Arc::new(Shared::open(path).map_err(|e| FeedError::io(path, "open", &e))?);
        let metadata = shared.metadata().map_err(|e| FeedError::corrupt(path, "the footer", e))?;
        match Direct::open(path, shared, &metadata) {
            Ok(direct) => Ok(Self::Direct(Box::new(direct))),
            Err(Unsure) => {
                let builder = footer::builder_with(path, metadata)?;
                footer::build(path, builder, &WANTED, CHUNK_ROWS).map(|rows| Self::Arrow(Box::new(rows)))
            }
        }
    }

    fn next_chunk(
        &mut self,
        path: &Path,
        rows: u64,
        unit: Option<EpochUnit>,
        key: i64,
    ) -> Result<Option<Chunk>, FeedError> {
        if let Self::Direct(direct) = self {
            if let Ok(chunk) = direct.next_chunk(CHUNK_ROWS, unit, key) {
                return Ok(chunk);
            }
            let first = usize::try_from(rows).unwrap_or(usize::MAX);
            *self = Self::Arrow(Box::new(footer::open_from(path, &WANTED, CHUNK_ROWS, first)?));
        }
        let Self::Arrow(reader) = self else { return Ok(None) };
        match reader.next() {
            None => Ok(None),
            Some(Ok(batch)) if batch.num_rows() == 0 => Ok(None),
            Some(Ok(batch)) => Chunk::decode(path, batch, unit, key).map(Some),
            Some(Err(error)) => Err(FeedError::corrupt(path, format!("after row {rows}"), error)),
        }
    }
}

impl Cursor {
    /// Opens a file and decodes its first rows; `None` if it has none.
    pub(super) fn open(path: &Path, source: u32, unit: Option<EpochUnit>, key: i64) -> Result<Option<Self>, FeedError> {
        let mut rows = footer::guarded(path, "row 1", || Rows::open(path))?;
        let Some(chunk) = next_chunk(path, &mut rows, 0, unit, key)? else {
            return Ok(None);
        };
        let unit = unit.unwrap_or(chunk.unit);
        Ok(Some(Self { source, rows, chunk, row: 0, rows_before: 0, unit }))
    }

    /// Decodes the next rows once the current ones are used; `false` at the end of the file.
    pub(super) fn refill(&mut self, path: &Path) -> Result<bool, FeedError> {
        // Bounded: every turn reads a batch; empty batches are not expected, but harmless.
        while self.row >= self.chunk.len() {
            let rows = self.rows_before + self.chunk.len() as u64;
            let key = if self.chunk.len() > 0 { self.chunk.key(self.chunk.len() - 1) } else { i64::MIN };
            match next_chunk(path, &mut self.rows, rows, Some(self.unit), key)? {
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
    from: &mut Rows,
    rows: u64,
    unit: Option<EpochUnit>,
    key: i64,
) -> Result<Option<Chunk>, FeedError> {
    footer::guarded(path, &format!("after row {rows}"), || from.next_chunk(path, rows, unit, key))
}
