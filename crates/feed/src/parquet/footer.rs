//! What a Parquet file says of itself before any row is read.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use ::parquet::file::statistics::Statistics;
use arrow::datatypes::SchemaRef;
use verismo_market::event::{NO_ID, NO_TIME};

use super::{columns, values};
use crate::epoch;
use crate::error::FeedError;

/// The footer's facts.
pub(crate) struct Footer {
    pub(crate) rows: u64,
    pub(crate) schema: SchemaRef,
    /// Smallest and largest `event_timestamp` by the row groups' statistics, in ns, where all groups have them.
    pub(crate) time_range_ns: Option<(i64, i64)>,
    metadata: ArrowReaderMetadata,
}

/// The first row's order.
pub(crate) struct FirstRow {
    pub(crate) t_exchange_ns: i64,
    pub(crate) id: i64,
    pub(crate) clock_ns: i64,
}

/// The Parquet library is written for valid files; where a damaged one makes it panic, that is the file's error.
pub(crate) fn guarded<T>(
    path: &Path,
    place: &str,
    work: impl FnOnce() -> Result<T, FeedError>,
) -> Result<T, FeedError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(FeedError::corrupt(path, place, "the Parquet library gave up on its bytes")))
}

fn builder(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, FeedError> {
    let file = File::open(path).map_err(|e| FeedError::io(path, "open", &e))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| FeedError::corrupt(path, "the footer", e))
}

/// A reader of a file whose footer has been read.
pub(super) fn builder_with(
    path: &Path,
    metadata: ArrowReaderMetadata,
) -> Result<ParquetRecordBatchReaderBuilder<File>, FeedError> {
    let file = File::open(path).map_err(|e| FeedError::io(path, "open", &e))?;
    Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata))
}

impl Footer {
    /// Reads the footer.
    pub(crate) fn read(path: &Path) -> Result<Self, FeedError> {
        guarded(path, "the footer", || {
            let file = File::open(path).map_err(|e| FeedError::io(path, "open", &e))?;
            let all = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
                .map_err(|e| FeedError::corrupt(path, "the footer", e))?;
            let metadata = all.metadata();
            let rows = u64::try_from(metadata.file_metadata().num_rows())
                .map_err(|_| FeedError::corrupt(path, "the footer", "a negative number of rows"))?;
            let mut range = None;
            for group in metadata.row_groups() {
                let column = group.columns().iter().find(|c| c.column_path().string() == columns::TIME);
                let Some(Statistics::Int64(stats)) = column.and_then(|c| c.statistics()) else {
                    range = None;
                    break;
                };
                let (Some(&min), Some(&max)) = (stats.min_opt(), stats.max_opt()) else {
                    range = None;
                    break;
                };
                let (low, high) = range.unwrap_or((min, max));
                range = Some((low.min(min), high.max(max)));
            }
            let time_range_ns = range.map(|(low, high)| (epoch::to_ns(low).0, epoch::to_ns(high).0));
            Ok(Self { rows, schema: all.schema().clone(), time_range_ns, metadata: all })
        })
    }

    /// Whether the columns are those of the event schema.
    pub(crate) fn is_events(&self) -> bool {
        let has = |name| self.schema.field_with_name(name).is_ok();
        has(columns::TIME) && has(columns::TYPE)
    }

    /// Time and id of the first row; checks the columns on the way.
    pub(crate) fn first_row(&self, path: &Path) -> Result<FirstRow, FeedError> {
        check_columns(path, &self.schema)?;
        guarded(path, "the first row", || {
            let wanted = [columns::TIME, columns::UPDATE_ID, columns::TRADE_ID];
            let builder = builder_with(path, self.metadata.clone())?.with_limit(1);
            let mut reader = build(path, builder, &wanted, 1)?;
            let batch = match reader.next() {
                Some(Ok(batch)) => batch,
                Some(Err(error)) => return Err(FeedError::corrupt(path, "the first row", error)),
                None => {
                    return Err(FeedError::corrupt(
                        path,
                        "the first row",
                        "the footer counts rows, but there are none",
                    ));
                }
            };
            let (time, unit) = values::first_time(path, &batch)?;
            let id = |name| -> Result<i64, FeedError> {
                Ok(values::integers(path, &batch, name)?.and_then(|ids| ids.values.first().copied()).unwrap_or(NO_ID))
            };
            let (update_id, trade_id) = (id(columns::UPDATE_ID)?, id(columns::TRADE_ID)?);
            Ok(FirstRow {
                t_exchange_ns: time,
                id: if update_id == NO_ID { trade_id } else { update_id },
                clock_ns: if time == NO_TIME { 1 } else { unit.ns() },
            })
        })
    }
}

/// A reader of the named columns (those that exist).
pub(crate) fn open(
    path: &Path,
    wanted: &[&str],
    batch_rows: usize,
    limit: Option<usize>,
) -> Result<ParquetRecordBatchReader, FeedError> {
    let builder = builder(path)?;
    let builder = match limit {
        Some(limit) => builder.with_limit(limit),
        None => builder,
    };
    build(path, builder, wanted, batch_rows)
}

/// As [`open`], from row `first` on.
pub(super) fn open_from(
    path: &Path,
    wanted: &[&str],
    batch_rows: usize,
    first: usize,
) -> Result<ParquetRecordBatchReader, FeedError> {
    build(path, builder(path)?.with_offset(first), wanted, batch_rows)
}

pub(super) fn build(
    path: &Path,
    builder: ParquetRecordBatchReaderBuilder<File>,
    wanted: &[&str],
    batch_rows: usize,
) -> Result<ParquetRecordBatchReader, FeedError> {
    let roots = builder.schema().fields().iter().enumerate();
    let roots: Vec<usize> = roots.filter(|(_, f)| wanted.contains(&f.name().as_str())).map(|(i, _)| i).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let builder = builder.with_projection(mask).with_batch_size(batch_rows);
    builder.build().map_err(|e| FeedError::corrupt(path, "the first row group", e))
}

/// A value of row `row` (from 0) as a person should see it, read from the file once more.
pub(super) fn shown(path: &Path, name: &str, row: usize) -> Result<String, FeedError> {
    guarded(path, "a value", || match open_from(path, &[name], 1, row)?.next() {
        Some(Ok(batch)) => Ok(values::shown(&batch, name, 0)),
        _ => Ok("unreadable".to_owned()),
    })
}

/// The text that each of the named columns has in all rows, by the statistics; `None` of a column that is absent.
///
/// `None` of all where a column may have several texts. A shortened smallest text is below the largest, so equal ones are whole.
pub(crate) fn same_texts<const N: usize>(
    path: &Path,
    names: [&str; N],
) -> Result<Option<[Option<String>; N]>, FeedError> {
    let builder = builder(path)?;
    let mut out = [const { None }; N];
    for (name, out) in names.iter().zip(&mut out) {
        if builder.schema().field_with_name(name).is_err() {
            continue;
        }
        for group in builder.metadata().row_groups() {
            let column = group.columns().iter().find(|c| c.column_path().string() == *name);
            let stats = column.and_then(|c| c.statistics()).filter(|s| s.null_count_opt() == Some(0));
            let text = stats.and_then(|s| s.min_bytes_opt().filter(|min| s.max_bytes_opt() == Some(*min)));
            let Some(text) = text.and_then(|bytes| std::str::from_utf8(bytes).ok()) else {
                return Ok(None);
            };
            if out.get_or_insert_with(|| text.to_owned()) != text {
                return Ok(None);
            }
        }
    }
    Ok(Some(out))
}

/// Either all of a trade's columns or all of a level change's must be there, and each needs a type that can be read.
fn check_columns(path: &Path, schema: &SchemaRef) -> Result<(), FeedError> {
    let has = |name: &str| schema.field_with_name(name).is_ok();
    let missing = |name: &str| FeedError::MissingColumn {
        path: path.display().to_string(),
        column: name.to_owned(),
        present: schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>().join(", "),
    };
    for name in [columns::TIME, columns::TYPE] {
        if !has(name) {
            return Err(missing(name));
        }
    }
    let trade = [columns::TRADE_PRICE, columns::TRADE_QTY, columns::TRADE_SIDE];
    let delta = [columns::DELTA_SIDE, columns::DELTA_PRICE, columns::DELTA_QTY];
    let snapshot = [columns::BIDS, columns::ASKS];
    let mut any = false;
    for group in [&trade[..], &delta[..], &snapshot[..]] {
        if group.iter().any(|name| has(name)) {
            any = true;
            if let Some(name) = group.iter().find(|name| !has(name)) {
                return Err(missing(name));
            }
        }
    }
    if any { Ok(()) } else { Err(missing(columns::TRADE_PRICE)) }
}
