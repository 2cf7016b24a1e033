//! Parquet tables.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use ::parquet::file::statistics::Statistics;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, TimeUnit};

use super::pages::PageFile;
use super::{
    SAMPLE_ROWS, TABLE_ROWS, TableBatch, TableColumn, TableFile, TableLook, TableOptions, limit_columns, time,
};
use crate::counters::FeedCounters;
use crate::epoch;
use crate::error::FeedError;
use crate::inventory::Source;

/// Values of a batch, so that wide tables take no more memory, down to this many rows.
const BATCH_VALUES: usize = 1 << 18;
const BATCH_ROWS_MIN: usize = 1024;

pub(super) struct ParquetTable {
    path: PathBuf,
    pages: PageFile,
    footer: Footer,
    /// The row groups that are still to be read, one by one: what is damaged in one costs that one.
    groups: Range<usize>,
    reader: Option<ParquetRecordBatchReader>,
    /// The columns that are read, by their places, and rows of a batch.
    used: Vec<usize>,
    batch_rows: usize,
    time_name: String,
    columns: Vec<String>,
    /// Rows of the file before the next one.
    rows: u64,
    /// The same at the start of its row group.
    rows_before: u64,
}

/// The footer of a file, and what the file was when it was read: all parts of a file are read by one.
#[derive(Debug, Clone)]
pub(super) struct Footer {
    metadata: ArrowReaderMetadata,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl ParquetTable {
    /// Row groups of a file that looked so, see [`cuts`], and these columns of it.
    pub(super) fn open(
        source: &Source,
        options: &TableOptions,
        columns: &[String],
        of: (&TableLook, usize),
    ) -> Result<Self, FeedError> {
        let opened = catch_unwind(AssertUnwindSafe(|| open(source, options, columns, of)));
        opened.unwrap_or_else(|_| Err(given_up(&source.path)))
    }
}

/// What the footer says.
pub(super) fn look(source: &Source, options: &TableOptions) -> Result<TableLook, FeedError> {
    let looked = catch_unwind(AssertUnwindSafe(|| {
        let footer = Footer::read(source, open_file(source)?)?.0;
        let (schema, metadata) = (footer.metadata.schema(), footer.metadata.metadata());
        let time = time_column(source, schema, options)?;
        // The types say it: what is no number in one file is null beside numbers in another.
        let n = |field: &Field| if field.data_type().is_numeric() { SAMPLE_ROWS as u64 } else { 0 };
        let others = schema.fields().iter().enumerate().filter(|(i, _)| *i != time).map(|(_, field)| field);
        let columns = others.map(|field| (field.name().clone(), (n(field), n(field)))).collect();
        let cuts = cuts(metadata, options.part_bytes, footer.bytes);
        let mut parts: Vec<u64> = cuts.into_iter().map(|(_, bytes)| bytes).collect();
        // Whatever belongs to no row group is read with the first.
        if let Some((first, others)) = parts.split_first_mut() {
            *first = footer.bytes.saturating_sub(others.iter().sum());
        }
        let is_empty = metadata.row_groups().iter().all(|group| group.num_rows() <= 0);
        let span_ns = span_ns(metadata, schema.field(time));
        // Of a file of one part nobody asks again.
        let kept = if parts.len() > 1 { OnceLock::from(footer) } else { OnceLock::new() };
        Ok(TableLook { columns, span_ns, is_empty, parts, footer: kept, ..TableLook::default() })
    }));
    looked.unwrap_or_else(|_| Err(given_up(&source.path)))
}

fn given_up(path: &Path) -> FeedError {
    FeedError::corrupt(path, "the footer", "the Parquet library gave up on its bytes")
}

fn open_file(source: &Source) -> Result<std::fs::File, FeedError> {
    std::fs::File::open(&source.path).map_err(|e| FeedError::io(&source.path, "open", &e))
}

/// How long a file is, and when it was changed.
fn stamp(source: &Source, file: &std::fs::File) -> Result<(u64, Option<SystemTime>), FeedError> {
    let metadata = file.metadata().map_err(|e| FeedError::io(&source.path, "read", &e))?;
    Ok((metadata.len(), metadata.modified().ok()))
}

impl Footer {
    fn read(source: &Source, file: std::fs::File) -> Result<(Self, PageFile), FeedError> {
        let (bytes, modified) = stamp(source, &file)?;
        let pages = PageFile::new(file);
        let metadata = ArrowReaderMetadata::load(&pages, ArrowReaderOptions::new());
        let metadata = metadata.map_err(|e| FeedError::corrupt(&source.path, "the footer", e))?;
        limit_columns(source, metadata.schema().fields().len())?;
        Ok((Self { metadata, bytes, modified }, pages))
    }
}

fn open(
    source: &Source,
    options: &TableOptions,
    columns: &[String],
    (look, part): (&TableLook, usize),
) -> Result<ParquetTable, FeedError> {
    let path = &source.path;
    let file = open_file(source)?;
    let now = stamp(source, &file)?;
    let (footer, pages) = match look.footer.get() {
        Some(footer) => (footer.clone(), PageFile::new(file)),
        None => Footer::read(source, file)?,
    };
    let is_one = look.parts.len() == 1;
    let footer = if is_one { footer } else { look.footer.get_or_init(|| footer).clone() };
    // Parts of what it was and of what it is now are no file.
    let is_still = (footer.bytes, footer.modified) == now && look.parts.iter().sum::<u64>() == footer.bytes;
    let cuts = cuts(footer.metadata.metadata(), options.part_bytes, footer.bytes);
    let is_cut_so = cuts.len() == look.parts.len() && (is_one || is_still);
    let Some((groups, _)) = cuts.get(part).cloned().filter(|_| is_cut_so) else {
        return Err(FeedError::corrupt(path, "the footer", "it changed while it was read; validate it again"));
    };
    let schema = footer.metadata.schema().clone();
    let time = time_column(source, &schema, options)?;
    let name = |i: usize| schema.field(i).name();
    let is_used = |i: &usize| *i == time || (schema.field(*i).data_type().is_numeric() && columns.contains(name(*i)));
    let used: Vec<usize> = (0..schema.fields().len()).filter(is_used).collect();
    let batch_rows = (BATCH_VALUES / used.len().max(1)).clamp(BATCH_ROWS_MIN, TABLE_ROWS);
    let before = footer.metadata.metadata().row_groups()[..groups.start].iter();
    let rows = before.map(rows_of).fold(0, u64::saturating_add);
    let (path, time_name) = (path.clone(), name(time).clone());
    let columns = columns.to_vec();
    let rows_before = rows;
    Ok(ParquetTable {
        path,
        pages,
        footer,
        groups,
        reader: None,
        used,
        batch_rows,
        time_name,
        columns,
        rows,
        rows_before,
    })
}

fn rows_of(group: &RowGroupMetaData) -> u64 {
    u64::try_from(group.num_rows()).unwrap_or(0)
}

fn group_reader(
    (path, pages): (&Path, &PageFile),
    metadata: &ArrowReaderMetadata,
    (used, batch_rows, group): (&[usize], usize, usize),
) -> Result<ParquetRecordBatchReader, FeedError> {
    let pages = pages.again().map_err(|e| FeedError::io(path, "open", &e))?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(pages, metadata.clone());
    let mask = ProjectionMask::roots(builder.parquet_schema(), used.iter().copied());
    let reader = builder.with_projection(mask).with_batch_size(batch_rows).with_row_groups(vec![group]).build();
    reader.map_err(|e| FeedError::corrupt(path, format!("row group {group}"), e))
}

/// The row groups of each part of a file of so many bytes, and theirs; one part where they tell of more than the file has.
fn cuts(metadata: &ParquetMetaData, part_bytes: u64, file_bytes: u64) -> Vec<(Range<usize>, u64)> {
    let told_of = |column: &ColumnChunkMetaData| u64::try_from(column.compressed_size()).unwrap_or(0);
    let bytes_of = |group: &RowGroupMetaData| group.columns().iter().map(told_of).fold(0, u64::saturating_add);
    let told = metadata.row_groups().iter().map(bytes_of).fold(0, u64::saturating_add);
    let part_bytes = if told <= file_bytes { part_bytes } else { 0 };
    let mut cuts = Vec::new();
    let (mut start, mut bytes) = (0, 0_u64);
    for (i, group) in metadata.row_groups().iter().enumerate() {
        bytes = bytes.saturating_add(bytes_of(group));
        if part_bytes > 0 && bytes >= part_bytes {
            cuts.push((start..i + 1, bytes));
            (start, bytes) = (i + 1, 0);
        }
    }
    if start < metadata.num_row_groups() || cuts.is_empty() {
        cuts.push((start..metadata.num_row_groups(), bytes));
    }
    cuts
}

/// The first and last time that the row groups tell of, where all do.
fn span_ns(metadata: &ParquetMetaData, time: &Field) -> Option<(i64, i64)> {
    let DataType::Timestamp(unit, _) = time.data_type() else { return None };
    let unit_ns = unit_ns(*unit);
    let leaves = metadata.file_metadata().schema_descr().columns();
    let at = leaves.iter().position(|leaf| leaf.path().parts() == [time.name().as_str()])?;
    let mut span: Option<(i64, i64)> = None;
    for group in metadata.row_groups().iter().filter(|group| group.num_rows() > 0) {
        let Some(Statistics::Int64(of_group)) = group.columns().get(at)?.statistics() else { return None };
        let first = of_group.min_opt()?.checked_mul(unit_ns)?;
        let last = of_group.max_opt()?.checked_mul(unit_ns)?;
        span = Some(span.map_or((first, last), |span| (span.0.min(first), span.1.max(last))));
    }
    span
}

fn unit_ns(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// The column asked for, else the first timestamp by name, else the first timestamp, else a number or text named like a time.
fn time_column(source: &Source, schema: &Schema, options: &TableOptions) -> Result<usize, FeedError> {
    let present = || schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>().join(", ");
    let path = source.path.display().to_string();
    if let Some(wanted) = &options.time_column {
        return schema.index_of(wanted).map_err(|_| FeedError::MissingColumn {
            path,
            column: wanted.clone(),
            present: present(),
        });
    }
    let is_timestamp = |t: &DataType| matches!(t, DataType::Timestamp(..));
    let fields: Vec<_> = schema.fields().iter().enumerate().collect();
    let timestamps: Vec<usize> = fields.iter().filter(|(_, f)| is_timestamp(f.data_type())).map(|(i, _)| *i).collect();
    let named = time::by_name(timestamps.iter().map(|&i| schema.field(i).name().as_str())).map(|i| timestamps[i]);
    named
        .or(timestamps.first().copied())
        .or_else(|| time::by_name(fields.iter().map(|(_, f)| f.name().as_str())))
        .ok_or_else(|| FeedError::NoTimeColumn { path, present: present() })
}

impl TableFile for ParquetTable {
    fn goes_on(&self) -> bool {
        !self.groups.is_empty()
    }

    fn next_batch(&mut self, _: &mut FeedCounters) -> Result<Option<TableBatch>, FeedError> {
        // Bounded by the row groups.
        let batch = loop {
            if self.reader.is_none() && self.groups.is_empty() {
                return Ok(None);
            }
            match self.next_of_group() {
                Ok(Some(batch)) => break batch,
                Ok(None) => match self.end_group() {
                    (_, read, told) if read == told => {}
                    (group, read, told) => {
                        let detail = format!("{read} rows could be read, and the footer tells of {told}");
                        return Err(FeedError::corrupt(&self.path, format!("row group {group}"), detail));
                    }
                },
                Err(error) => {
                    self.end_group();
                    return Err(error);
                }
            }
        };
        let first_row = self.rows + 1;
        self.rows = self.rows.saturating_add(batch.num_rows() as u64);
        let mut out = TableBatch {
            t_ns: self.times(&batch, first_row)?,
            columns: Vec::new(),
            first_row,
            source: self.path.display().to_string(),
        };
        for name in &self.columns {
            let array = batch.column_by_name(name).filter(|_| *name != self.time_name);
            out.columns.push(match array {
                Some(array) => self.numbers(name, array)?,
                None => TableColumn::nulls(name, batch.num_rows()),
            });
        }
        Ok(Some(out))
    }
}

impl ParquetTable {
    /// The next rows of the row group that is open, or of the next one.
    fn next_of_group(&mut self) -> Result<Option<RecordBatch>, FeedError> {
        let place = format!("after row {}", self.rows);
        let next = catch_unwind(AssertUnwindSafe(|| {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                none => none.insert(group_reader(
                    (&self.path, &self.pages),
                    &self.footer.metadata,
                    (&self.used, self.batch_rows, self.groups.start),
                )?),
            };
            reader.next().transpose().map_err(|error| FeedError::corrupt(&self.path, &place, error))
        }));
        next.unwrap_or_else(|_| {
            Err(FeedError::corrupt(&self.path, place.clone(), "the Parquet library gave up on its bytes"))
        })
    }

    /// Goes to the next row group, whether all rows of this one could be read or not; gives its place, and its rows that were read and that
    /// the footer tells of.
    fn end_group(&mut self) -> (usize, u64, u64) {
        self.reader = None;
        let ended = self.groups.next().unwrap_or_default();
        let told = self.footer.metadata.metadata().row_groups().get(ended).map_or(0, rows_of);
        let read = self.rows.saturating_sub(self.rows_before);
        self.rows_before = self.rows_before.saturating_add(told);
        self.rows = self.rows_before;
        (ended, read, told)
    }

    fn times(&self, batch: &RecordBatch, first_row: u64) -> Result<Vec<i64>, FeedError> {
        let Some(array) = batch.column_by_name(&self.time_name) else {
            return Err(FeedError::corrupt(&self.path, "the schema", "the time column is gone"));
        };
        let value = |row: usize| -> Option<i64> {
            if array.is_null(row) {
                return None;
            }
            match array.data_type() {
                DataType::Float64 => time::from_f64(array.as_primitive::<Float64Type>().value(row)),
                DataType::Utf8 => time::parse(array.as_string::<i32>().value(row)),
                _ => None,
            }
        };
        let times: Vec<Option<i64>> = match array.data_type() {
            DataType::Timestamp(unit, _) => {
                let scale = unit_ns(*unit);
                let stamps = self.cast(array, &DataType::Int64)?;
                stamps.as_primitive::<Int64Type>().iter().map(|s| s.and_then(|s| s.checked_mul(scale))).collect()
            }
            DataType::Float64 | DataType::Utf8 => (0..array.len()).map(value).collect(),
            DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
                let texts = self.cast(array, &DataType::Utf8)?;
                texts.as_string::<i32>().iter().map(|t| t.and_then(time::parse)).collect()
            }
            other if other.is_integer() || matches!(other, DataType::Date32 | DataType::Date64) => {
                let is_date = !other.is_integer();
                let array = if is_date {
                    self.cast(array, &DataType::Timestamp(TimeUnit::Millisecond, None))?
                } else {
                    array.clone()
                };
                let stamps = self.cast(&array, &DataType::Int64)?;
                let read = |s: i64| if is_date { s.checked_mul(1_000_000) } else { Some(epoch::to_ns(s).0) };
                stamps.as_primitive::<Int64Type>().iter().map(|s| s.and_then(read)).collect()
            }
            other => {
                return Err(FeedError::ColumnType {
                    path: self.path.display().to_string(),
                    column: self.time_name.clone(),
                    found: other.to_string(),
                    expected: "a timestamp, an epoch number or ISO 8601 text",
                });
            }
        };
        let mut out = Vec::with_capacity(times.len());
        for (row, time) in times.into_iter().enumerate() {
            out.push(time.filter(|t| *t != verismo_market::event::NO_TIME).ok_or_else(|| FeedError::Value {
                path: self.path.display().to_string(),
                place: format!("row {}", first_row + row as u64),
                column: self.time_name.clone(),
                value: crate::parquet::shown(batch, &self.time_name, row),
                expected: time::EXPECTED,
            })?);
        }
        Ok(out)
    }

    fn numbers(&self, name: &str, array: &ArrayRef) -> Result<TableColumn, FeedError> {
        let floats = self.cast(array, &DataType::Float64)?;
        let floats = floats.as_primitive::<Float64Type>();
        if floats.null_count() == 0 {
            let (values, valid) = (floats.values().to_vec(), vec![true; floats.len()]);
            return Ok(TableColumn { name: name.to_owned(), values, valid });
        }
        let valid: Vec<bool> = (0..floats.len()).map(|row| floats.is_valid(row)).collect();
        let values = floats.values().iter().zip(&valid).map(|(v, valid)| if *valid { *v } else { 0.0 }).collect();
        Ok(TableColumn { name: name.to_owned(), values, valid })
    }

    fn cast(&self, array: &ArrayRef, to: &DataType) -> Result<ArrayRef, FeedError> {
        cast(array, to).map_err(|e| FeedError::corrupt(&self.path, "a column", e))
    }
}
