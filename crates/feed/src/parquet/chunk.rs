//! A run of rows as plain columns, ready to be merged and turned into events.

use std::path::Path;

use arrow::array::{Array, RecordBatch, StringArray};
use verismo_market::event::{NO_ID, NO_TIME, Side};

use super::columns;
use super::values::{self, NULL};
use crate::epoch::EpochUnit;
use crate::error::FeedError;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Trade,
    Delta,
    Snapshot,
    Unknown,
}

/// The columns a reader asks for.
pub(super) const WANTED: [&str; 12] = [
    columns::TIME,
    columns::TYPE,
    columns::UPDATE_ID,
    columns::TRADE_ID,
    columns::TRADE_PRICE,
    columns::TRADE_QTY,
    columns::TRADE_SIDE,
    columns::BIDS,
    columns::ASKS,
    columns::DELTA_SIDE,
    columns::DELTA_PRICE,
    columns::DELTA_QTY,
];

/// Decoded rows of one file.
pub(super) struct Chunk {
    pub(super) t_ns: Vec<i64>,
    /// Order keys: times, with the time before in place of a missing one; empty if no time is missing.
    keys: Vec<i64>,
    pub(super) unit: EpochUnit,
    pub(super) odd_units: Vec<(usize, EpochUnit)>,
    pub(super) kind: Vec<RowKind>,
    /// Rows whose id was not one, and the name of its column.
    pub(super) bad_ids: Vec<(usize, &'static str)>,
    update_id: Vec<i64>,
    trade_id: Vec<i64>,
    trade_price: Vec<i64>,
    trade_qty: Vec<i64>,
    delta_price: Vec<i64>,
    delta_qty: Vec<i64>,
    side: Vec<Option<Side>>,
    bids: Option<StringArray>,
    asks: Option<StringArray>,
    batch: RecordBatch,
}

impl Chunk {
    pub(super) fn decode(
        path: &Path,
        batch: RecordBatch,
        first_unit: Option<EpochUnit>,
        key_before: i64,
    ) -> Result<Self, FeedError> {
        let n = batch.num_rows();
        let times = values::times(path, &batch, columns::TIME, first_unit)?;
        let mut keys = Vec::new();
        if times.ns.contains(&NO_TIME) {
            let mut key = key_before;
            keys.extend(times.ns.iter().map(|t| {
                key = if *t == NO_TIME { key } else { *t };
                key
            }));
        }
        let kind = kinds(values::texts(path, &batch, columns::TYPE)?.as_ref(), n);
        let mut bad_ids = Vec::new();
        let mut ids = |name, is_trade| {
            let Some(ids) = values::integers(path, &batch, name)? else {
                return Ok(vec![NO_ID; n]);
            };
            let bad = ids.bad.into_iter().filter(|&row| (kind[row] == RowKind::Trade) == is_trade);
            bad_ids.extend(bad.map(|row| (row, name)));
            Ok(ids.values)
        };
        let update_id = ids(columns::UPDATE_ID, false)?;
        let trade_id = ids(columns::TRADE_ID, true)?;
        let prices = |name| Ok(values::decimals(path, &batch, name)?.unwrap_or_else(|| vec![NULL; n]));
        let trade_side = values::texts(path, &batch, columns::TRADE_SIDE)?;
        let delta_side = values::texts(path, &batch, columns::DELTA_SIDE)?;
        let side = (0..n).map(|row| match kind[row] {
            RowKind::Trade => text_at(trade_side.as_ref(), row).and_then(|t| one_of(t, b"BUY", b"SELL")),
            RowKind::Delta => text_at(delta_side.as_ref(), row).and_then(|t| one_of(t, b"BID", b"ASK")),
            _ => Some(Side::None),
        });
        let side = side.collect();
        Ok(Self {
            t_ns: times.ns,
            keys,
            unit: times.unit,
            odd_units: times.odd,
            side,
            kind,
            bad_ids,
            update_id,
            trade_id,
            trade_price: prices(columns::TRADE_PRICE)?,
            trade_qty: prices(columns::TRADE_QTY)?,
            delta_price: prices(columns::DELTA_PRICE)?,
            delta_qty: prices(columns::DELTA_QTY)?,
            bids: values::texts(path, &batch, columns::BIDS)?,
            asks: values::texts(path, &batch, columns::ASKS)?,
            batch,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.t_ns.len()
    }

    /// The key by which files are merged.
    #[inline]
    pub(super) fn key(&self, row: usize) -> i64 {
        if self.keys.is_empty() { self.t_ns[row] } else { self.keys[row] }
    }

    /// The first row from `from` whose key is not below `bound`.
    pub(super) fn run_end(&self, from: usize, bound: i64) -> usize {
        let keys = if self.keys.is_empty() { &self.t_ns } else { &self.keys };
        keys[from..].iter().position(|k| *k >= bound).map_or(keys.len(), |i| from + i)
    }

    #[inline]
    pub(super) fn id(&self, row: usize) -> i64 {
        if self.kind[row] == RowKind::Trade { self.trade_id[row] } else { self.update_id[row] }
    }

    /// Price and quantity of a trade or level change; [`values::NULL`] and [`values::BAD`] are still in them.
    #[inline]
    pub(super) fn price_qty(&self, row: usize) -> (i64, i64) {
        if self.kind[row] == RowKind::Trade {
            (self.trade_price[row], self.trade_qty[row])
        } else {
            (self.delta_price[row], self.delta_qty[row])
        }
    }

    #[inline]
    pub(super) fn side(&self, row: usize) -> Option<Side> {
        self.side[row]
    }

    /// The JSON texts of a snapshot's sides; empty where null.
    pub(super) fn snapshot(&self, row: usize) -> [&[u8]; 2] {
        [&self.bids, &self.asks].map(|side| text_at(side.as_ref(), row).unwrap_or_default())
    }

    /// A value of the row as found, for people.
    pub(super) fn shown(&self, name: &str, row: usize) -> String {
        values::shown(&self.batch, name, row)
    }
}

fn text_at(array: Option<&StringArray>, row: usize) -> Option<&[u8]> {
    array.filter(|a| a.is_valid(row)).map(|a| a.value(row).as_bytes())
}

fn kinds(types: Option<&StringArray>, n: usize) -> Vec<RowKind> {
    (0..n)
        .map(|row| match text_at(types, row) {
            Some(b"BOOK_DELTA") => RowKind::Delta,
            Some(b"TRADE") => RowKind::Trade,
            Some(b"BOOK_SNAPSHOT") => RowKind::Snapshot,
            _ => RowKind::Unknown,
        })
        .collect()
}

/// Upper case is what the schema says; lower case comes from feeds that pass their own spelling through.
#[inline]
fn one_of(text: &[u8], bid: &[u8], ask: &[u8]) -> Option<Side> {
    if text.eq_ignore_ascii_case(bid) {
        Some(Side::Bid)
    } else if text.eq_ignore_ascii_case(ask) {
        Some(Side::Ask)
    } else {
        None
    }
}
