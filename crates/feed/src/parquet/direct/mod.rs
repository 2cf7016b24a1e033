//! Event files of the usual layout, read from their pages without a detour over arrays.
//!
//! Only what is known for sure is read here: flat columns of the usual types and encodings, with all counts as they must be. Whatever
//! else a file holds, and whatever is wrong with it, is [`Unsure`], and the Parquet library's own reader takes over at the same row.

mod column;
mod hybrid;
mod pages;
#[cfg(test)]
mod tests;
mod unpack;
mod values;

use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use ::parquet::basic::{Encoding, Type};
use ::parquet::file::metadata::ParquetMetaData;
use arrow::datatypes::{DataType, TimeUnit};
use verismo_market::event::Side;

use self::column::{Column, Values};
use self::pages::Pages;
pub(super) use self::pages::Shared;
use self::values::{Codes, Numbers, Physical, Texts};
use super::chunk::{Chunk, Origin, Parts, RowKind, bid_or_ask, buy_or_sell, row_kind};
use super::columns;
use super::values::Times;
use crate::epoch::EpochUnit;

/// Not what this reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsure;

/// What is known for sure.
pub(super) type Sure<T> = Result<T, Unsure>;

/// The columns of one open file and the place in them.
pub(super) struct Direct {
    path: Arc<Path>,
    /// Rows read, and rows of the file.
    row: u64,
    rows: u64,
    declared: Option<EpochUnit>,
    time: Column<Numbers>,
    kind: Column<Codes<RowKind>>,
    /// Update ids, prices and quantities of level changes.
    delta: [Option<Column<Numbers>>; 3],
    delta_side: Option<Column<Codes<Option<Side>>>>,
    /// Trade ids, prices and quantities of trades.
    trade: [Option<Column<Numbers>>; 3],
    trade_side: Option<Column<Codes<Option<Side>>>>,
    sides: [Option<Column<Texts>>; 2],
}

/// What is needed to find the columns of a file.
struct Layout<'a> {
    shared: Arc<Shared>,
    metadata: &'a ArrowReaderMetadata,
}

impl Layout<'_> {
    /// Number and type of a column; `None` if it is absent.
    fn find(&self, name: &str) -> Sure<Option<(usize, &DataType)>> {
        let fields = self.metadata.schema().fields();
        let mut named = fields.iter().enumerate().filter(|(_, field)| field.name() == name);
        let Some((at, field)) = named.next() else { return Ok(None) };
        let leaves = self.metadata.parquet_schema().columns();
        // The fields are as many as the leaves where nothing is nested; then their numbers are the same.
        let leaf = leaves.get(at).filter(|leaf| leaf.name() == name && leaves.len() == fields.len()).ok_or(Unsure)?;
        if named.next().is_some() || leaf.max_rep_level() != 0 || leaf.max_def_level() > 1 {
            return Err(Unsure);
        }
        Ok(Some((at, field.data_type())))
    }

    fn column<V: Values>(&self, at: usize, values: V) -> Sure<Column<V>> {
        let metadata = self.metadata.metadata();
        let leaf = self.metadata.parquet_schema().column(at);
        let is_other = |e: Encoding| {
            use Encoding::{BYTE_STREAM_SPLIT, DELTA_BINARY_PACKED, DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY};
            matches!(e, DELTA_BINARY_PACKED | DELTA_LENGTH_BYTE_ARRAY | DELTA_BYTE_ARRAY | BYTE_STREAM_SPLIT)
        };
        for group in metadata.row_groups() {
            let chunk = group.columns().get(at).ok_or(Unsure)?;
            if chunk.file_path().is_some() || chunk.encodings().any(is_other) {
                return Err(Unsure);
            }
        }
        let pages = Pages::new(self.shared.clone(), metadata.clone(), at, leaf.max_def_level() == 1);
        Ok(Column::new(pages, values))
    }

    fn time(&self) -> Sure<(Column<Numbers>, Option<EpochUnit>)> {
        let (at, data_type) = self.find(columns::TIME)?.ok_or(Unsure)?;
        let unit = match data_type {
            DataType::Timestamp(TimeUnit::Millisecond, _) => Some(EpochUnit::Milli),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Some(EpochUnit::Micro),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Some(EpochUnit::Nano),
            DataType::Int64 => None,
            _ => return Err(Unsure),
        };
        self.is_stored_as(at, Type::INT64)?;
        Ok((self.column(at, Numbers::new(Physical::Long))?, unit))
    }

    fn is_stored_as(&self, at: usize, physical: Type) -> Sure<()> {
        if self.metadata.parquet_schema().column(at).physical_type() == physical { Ok(()) } else { Err(Unsure) }
    }

    fn ids(&self, name: &str) -> Sure<Option<Column<Numbers>>> {
        let Some((at, data_type)) = self.find(name)? else { return Ok(None) };
        if *data_type != DataType::Int64 {
            return Err(Unsure);
        }
        self.is_stored_as(at, Type::INT64)?;
        self.column(at, Numbers::new(Physical::Long)).map(Some)
    }

    fn decimals(&self, name: &str) -> Sure<Option<Column<Numbers>>> {
        let Some((at, data_type)) = self.find(name)? else { return Ok(None) };
        let leaf = self.metadata.parquet_schema().column(at);
        let physical = match (data_type, leaf.physical_type()) {
            (DataType::Decimal128(_, scale), Type::FIXED_LEN_BYTE_ARRAY) => {
                Physical::Fixed(usize::try_from(leaf.type_length()).map_err(|_| Unsure)?, *scale)
            }
            (DataType::Decimal128(_, scale), Type::INT64) => Physical::LongDecimal(*scale),
            (DataType::Decimal128(_, scale), Type::INT32) => Physical::IntDecimal(*scale),
            (DataType::Float64, Type::DOUBLE) => Physical::Double,
            _ => return Err(Unsure),
        };
        self.column(at, Numbers::new(physical)).map(Some)
    }

    /// A column of text, its values collected by `values`.
    fn texts<V: Values>(&self, name: &str, values: V) -> Sure<Option<Column<V>>> {
        let Some((at, data_type)) = self.find(name)? else { return Ok(None) };
        let is_text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        if !is_text(data_type) && !matches!(data_type, DataType::Dictionary(_, value) if is_text(value)) {
            return Err(Unsure);
        }
        self.is_stored_as(at, Type::BYTE_ARRAY)?;
        self.column(at, values).map(Some)
    }
}

fn rows_of(metadata: &ParquetMetaData) -> Sure<u64> {
    let count = |n: i64| u64::try_from(n).map_err(|_| Unsure);
    let mut rows = 0u64;
    for group in metadata.row_groups() {
        rows = rows.checked_add(count(group.num_rows())?).ok_or(Unsure)?;
    }
    if rows == count(metadata.file_metadata().num_rows())? { Ok(rows) } else { Err(Unsure) }
}

impl Direct {
    /// The file's columns, if all of them are of the usual kind.
    pub(super) fn open(path: &Path, shared: Arc<Shared>, metadata: &ArrowReaderMetadata) -> Sure<Self> {
        let layout = Layout { shared, metadata };
        let (time, declared) = layout.time()?;
        Ok(Self {
            path: path.into(),
            row: 0,
            rows: rows_of(metadata.metadata())?,
            declared,
            time,
            kind: layout.texts(columns::TYPE, Codes::new(RowKind::Unknown, row_kind))?.ok_or(Unsure)?,
            delta: [
                layout.ids(columns::UPDATE_ID)?,
                layout.decimals(columns::DELTA_PRICE)?,
                layout.decimals(columns::DELTA_QTY)?,
            ],
            delta_side: layout.texts(columns::DELTA_SIDE, Codes::new(None, bid_or_ask))?,
            trade: [
                layout.ids(columns::TRADE_ID)?,
                layout.decimals(columns::TRADE_PRICE)?,
                layout.decimals(columns::TRADE_QTY)?,
            ],
            trade_side: layout.texts(columns::TRADE_SIDE, Codes::new(None, buy_or_sell))?,
            sides: [layout.texts(columns::BIDS, Texts::default())?, layout.texts(columns::ASKS, Texts::default())?],
        })
    }

    /// The next rows, at most `rows_max`; `None` at the end. After an error nothing more can be read.
    pub(super) fn next_chunk(
        &mut self,
        rows_max: usize,
        first_unit: Option<EpochUnit>,
        key_before: i64,
    ) -> Sure<Option<Chunk>> {
        let n = (self.rows - self.row).min(rows_max as u64) as usize;
        if n == 0 {
            return Ok(None);
        }
        self.time.read(n)?;
        let nulls = self.time.values.nulls;
        let times = Times::of(self.time.values.take(), nulls, self.declared, first_unit).ok_or(Unsure)?;
        self.kind.read(n)?;
        let [update_id, delta_price, delta_qty] = read_all(&mut self.delta, n, Numbers::take)?;
        let [trade_id, trade_price, trade_qty] = read_all(&mut self.trade, n, Numbers::take)?;
        let [delta_side] = read_all(std::array::from_mut(&mut self.delta_side), n, Codes::take)?;
        let [trade_side] = read_all(std::array::from_mut(&mut self.trade_side), n, Codes::take)?;
        let sides = read_all(&mut self.sides, n, Texts::take)?.map(Option::unwrap_or_default);
        let parts = Parts {
            kind: self.kind.values.take(),
            bad_ids: Vec::new(),
            id: (update_id, trade_id),
            price: (delta_price, trade_price),
            qty: (delta_qty, trade_qty),
            side: (delta_side, trade_side),
            sides,
        };
        let origin = Origin::File(self.path.clone(), self.row);
        self.row += n as u64;
        Ok(Some(Chunk::new(times, parts, origin, key_before)))
    }
}

/// Reads `n` rows of each column that is there.
fn read_all<V: Values, T, const N: usize>(
    columns: &mut [Option<Column<V>>; N],
    n: usize,
    take: fn(&mut V) -> T,
) -> Sure<[Option<T>; N]> {
    let mut out = [const { None }; N];
    for (column, out) in columns.iter_mut().zip(&mut out) {
        if let Some(column) = column {
            column.read(n)?;
            *out = Some(take(&mut column.values));
        }
    }
    Ok(out)
}
