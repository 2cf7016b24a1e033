//! A run of rows as plain columns.

use std::path::Path;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use arrow::array::{Array, RecordBatch, StringArray};
use verismo_market::event::{NO_ID, NO_TIME, Side};

use super::tables::{Columns, EXCHANGE, SYMBOL, Table};
use crate::epoch::EpochUnit;
use crate::error::FeedError;
use crate::parquet::footer::guarded;
use crate::parquet::values::{self, Ids, NULL};

/// Decoded rows of one file.
pub(super) struct Chunk {
    pub(super) t_exchange_ns: Vec<i64>,
    /// Empty where the file has no receive times.
    pub(super) t_receive_ns: Vec<i64>,
    pub(super) unit: EpochUnit,
    pub(super) odd_units: Vec<(usize, EpochUnit)>,
    /// Trade ids or sequence numbers, and the rows whose was not one.
    pub(super) ids: Vec<i64>,
    pub(super) bad_ids: Vec<usize>,
    /// Prices, quantities and sides of trades and changes; [`NULL`] and [`values::BAD`] are still in them.
    pub(super) price: Vec<i64>,
    pub(super) qty: Vec<i64>,
    pub(super) side: Vec<Option<Side>>,
    /// Prices and quantities of book rows: a pair of columns per level, bids then asks.
    pub(super) levels: [Vec<(Vec<i64>, Vec<i64>)>; 2],
    exchange: Option<StringArray>,
    symbol: Option<StringArray>,
    batch: RecordBatch,
}

impl Chunk {
    pub(super) fn decode(
        path: &Path,
        columns: &Columns,
        batch: RecordBatch,
        first_unit: Option<EpochUnit>,
    ) -> Result<Self, FeedError> {
        let n = batch.num_rows();
        let origin = values::times(path, &batch, &columns.origin, first_unit)?;
        let received = match &columns.received {
            Some(name) => values::times(path, &batch, name, None)?.ns,
            None => Vec::new(),
        };
        let ids = match &columns.id {
            Some(name) => values::integers(path, &batch, name)?,
            None => None,
        };
        let Ids { values: ids, bad: bad_ids } = ids.unwrap_or_else(|| Ids { values: vec![NO_ID; n], bad: Vec::new() });
        let decimals = |name: &str| Ok(values::decimals(path, &batch, name)?.unwrap_or_else(|| vec![NULL; n]));
        let mut chunk = Self {
            t_exchange_ns: origin.ns,
            t_receive_ns: received,
            unit: origin.unit,
            odd_units: origin.odd,
            ids,
            bad_ids,
            price: Vec::new(),
            qty: Vec::new(),
            side: Vec::new(),
            levels: [Vec::new(), Vec::new()],
            exchange: values::texts(path, &batch, EXCHANGE)?,
            symbol: values::texts(path, &batch, SYMBOL)?,
            batch: batch.clone(),
        };
        if columns.table == Table::Book {
            for (side, names) in chunk.levels.iter_mut().zip(&columns.levels) {
                for (price, size) in names {
                    side.push((decimals(price)?, decimals(size)?));
                }
            }
            return Ok(chunk);
        }
        chunk.price = decimals(&columns.price)?;
        chunk.qty = decimals(&columns.qty)?;
        chunk.side = sides(path, &batch, &columns.side)?;
        Ok(chunk)
    }

    pub(super) fn len(&self) -> usize {
        self.t_exchange_ns.len()
    }

    /// Receive time of a row, or [`NO_TIME`].
    #[inline]
    pub(super) fn receive_ns(&self, row: usize) -> i64 {
        self.t_receive_ns.get(row).copied().unwrap_or(NO_TIME)
    }

    /// The exchange, empty where the row does not say it; `None` where the file has no such column.
    pub(super) fn exchange(&self, row: usize) -> Option<&str> {
        self.exchange.as_ref().map(|_| text_at(self.exchange.as_ref(), row).unwrap_or_default())
    }

    pub(super) fn symbol(&self, row: usize) -> Option<&str> {
        text_at(self.symbol.as_ref(), row)
    }

    /// A value of the row as found, for people.
    pub(super) fn shown(&self, name: &str, row: usize) -> String {
        values::shown(&self.batch, name, row)
    }
}

pub(super) fn text_at(array: Option<&StringArray>, row: usize) -> Option<&str> {
    array.filter(|a| a.is_valid(row)).map(|a| a.value(row)).filter(|t| !t.is_empty())
}

/// `true`, `buy` and `bid` are the bid; `None` for what is no side.
fn sides(path: &Path, batch: &RecordBatch, name: &str) -> Result<Vec<Option<Side>>, FeedError> {
    if name == "side_is_bid" {
        let truths = values::truths(path, batch, name)?.unwrap_or_default();
        return Ok(truths.into_iter().map(|t| t.map(|is_bid| if is_bid { Side::Bid } else { Side::Ask })).collect());
    }
    let texts = values::texts(path, batch, name)?;
    let side = |text: &str| {
        let is = |words: [&str; 2]| words.iter().any(|w| w.eq_ignore_ascii_case(text));
        if is(["buy", "bid"]) {
            Some(Side::Bid)
        } else if is(["sell", "ask"]) {
            Some(Side::Ask)
        } else {
            None
        }
    };
    Ok((0..batch.num_rows()).map(|row| text_at(texts.as_ref(), row).and_then(side)).collect())
}

/// The next rows, at least one; `None` at the end of the file.
pub(super) fn next_chunk(
    path: &Path,
    columns: &Columns,
    reader: &mut ParquetRecordBatchReader,
    rows: u64,
    unit: Option<EpochUnit>,
) -> Result<Option<Chunk>, FeedError> {
    let place = format!("after row {rows}");
    guarded(path, &place, || match reader.next() {
        None => Ok(None),
        Some(Ok(batch)) if batch.num_rows() == 0 => Ok(None),
        Some(Ok(batch)) => Chunk::decode(path, columns, batch, unit).map(Some),
        Some(Err(error)) => Err(FeedError::corrupt(path, place.clone(), error)),
    })
}
