//! A run of rows as plain columns, ready to be merged and turned into events.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StringArray};
use bytes::Bytes;
use verismo_market::event::{NO_ID, NO_TIME, Side};

use super::values::{self, NULL, Times};
use super::{columns, footer};
use crate::epoch::EpochUnit;
use crate::error::FeedError;
pub(super) use crate::runs::RowKind;
use crate::runs::Rows;

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

/// Where a value can be looked up once more as it was found.
pub(super) enum Origin {
    /// In the columns it was decoded from.
    Batch(RecordBatch),
    /// In the file; the number is that of the rows before the chunk.
    File(Arc<Path>, u64),
}

/// Rows and texts of a column that is mostly null.
pub(super) type Sparse = Vec<(usize, Bytes)>;

/// A column of the level changes and one of the trades.
pub(super) type Pair<T> = (Option<Vec<T>>, Option<Vec<T>>);

/// Columns of equal length; of each pair the level changes' one comes first, the trades' one second, absent ones are `None`.
pub(super) struct Parts {
    pub(super) kind: Vec<RowKind>,
    /// Rows whose id was not one, and the name of its column.
    pub(super) bad_ids: Vec<(usize, &'static str)>,
    pub(super) id: Pair<i64>,
    pub(super) price: Pair<i64>,
    pub(super) qty: Pair<i64>,
    pub(super) side: Pair<Option<Side>>,
    /// The JSON texts of bids and asks.
    pub(super) sides: [Sparse; 2],
}

/// Decoded rows of one file.
pub(super) struct Chunk {
    pub(super) t_ns: Vec<i64>,
    /// Order keys: times, with the time before in place of a missing one; empty if no time is missing.
    keys: Vec<i64>,
    pub(super) unit: EpochUnit,
    pub(super) odd_units: Vec<(usize, EpochUnit)>,
    pub(super) kind: Vec<RowKind>,
    pub(super) bad_ids: Vec<(usize, &'static str)>,
    /// Of trades the trade's, of other rows the update's.
    pub(super) id: Vec<i64>,
    /// Of trades and level changes; [`values::NULL`] and [`values::BAD`] are still in them.
    pub(super) price: Vec<i64>,
    pub(super) qty: Vec<i64>,
    pub(super) side: Vec<Option<Side>>,
    sides: [Sparse; 2],
    origin: Origin,
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
        let texts = |name| values::texts(path, &batch, name);
        let kind = texts(columns::TYPE)?.map_or_else(|| vec![RowKind::Unknown; n], |t| coded(&t, row_kind));
        let mut bad_ids = Vec::new();
        let mut ids = |name, is_trade| -> Result<_, FeedError> {
            let Some(ids) = values::integers(path, &batch, name)? else { return Ok(None) };
            let bad = ids.bad.into_iter().filter(|&row| (kind[row] == RowKind::Trade) == is_trade);
            bad_ids.extend(bad.map(|row| (row, name)));
            Ok(Some(ids.values))
        };
        let id = (ids(columns::UPDATE_ID, false)?, ids(columns::TRADE_ID, true)?);
        let prices = |name| values::decimals(path, &batch, name);
        let parts = Parts {
            kind,
            bad_ids,
            id,
            price: (prices(columns::DELTA_PRICE)?, prices(columns::TRADE_PRICE)?),
            qty: (prices(columns::DELTA_QTY)?, prices(columns::TRADE_QTY)?),
            side: (
                texts(columns::DELTA_SIDE)?.map(|t| coded(&t, bid_or_ask)),
                texts(columns::TRADE_SIDE)?.map(|t| coded(&t, buy_or_sell)),
            ),
            sides: [sparse(texts(columns::BIDS)?), sparse(texts(columns::ASKS)?)],
        };
        Ok(Self::new(times, parts, Origin::Batch(batch), key_before))
    }

    /// Puts the columns of trades and of level changes together.
    pub(super) fn new(times: Times, parts: Parts, origin: Origin, key_before: i64) -> Self {
        let mut keys = Vec::new();
        if times.has_nulls {
            let mut key = key_before;
            keys.extend(times.ns.iter().map(|t| {
                key = if *t == NO_TIME { key } else { *t };
                key
            }));
        }
        let Parts { kind, bad_ids, id, price, qty, side, sides } = parts;
        let trades = kind.iter().enumerate().filter(|(_, kind)| **kind == RowKind::Trade);
        let trades: Vec<usize> = trades.map(|(row, _)| row).collect();
        let n = kind.len();
        Self {
            t_ns: times.ns,
            keys,
            unit: times.unit,
            odd_units: times.odd,
            bad_ids,
            id: merged(id, &trades, n, NO_ID),
            price: merged(price, &trades, n, NULL),
            qty: merged(qty, &trades, n, NULL),
            side: merged(side, &trades, n, None),
            kind,
            sides,
            origin,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.t_ns.len()
    }

    /// The key by which files are merged.
    #[inline]
    pub(super) fn key(&self, row: usize) -> i64 {
        if self.keys.is_empty() { self.t_ns[row] } else { self.keys[row] }
    }

    /// Rows `range` as columns; `before` rows of the source stand before the chunk.
    pub(super) fn rows(&self, range: Range<usize>, source: u32, before: u64) -> Rows<'_> {
        let position = before + range.start as u64 + 1;
        Rows {
            kind: &self.kind[range.clone()],
            side: &self.side[range.clone()],
            t_exchange_ns: &self.t_ns[range.clone()],
            id: &self.id[range.clone()],
            price: &self.price[range.clone()],
            qty: &self.qty[range],
            bad: values::BAD,
            source,
            position,
        }
    }

    /// The first row from `from` whose key is not below `bound`.
    pub(super) fn run_end(&self, from: usize, bound: i64) -> usize {
        let keys = if self.keys.is_empty() { &self.t_ns } else { &self.keys };
        keys[from..].iter().position(|k| *k >= bound).map_or(keys.len(), |i| from + i)
    }

    /// The JSON texts of a snapshot's sides; empty where null.
    pub(super) fn snapshot(&self, row: usize) -> [Bytes; 2] {
        let text = |side: &Sparse| side.binary_search_by_key(&row, |(row, _)| *row).ok().map(|at| side[at].1.clone());
        [text(&self.sides[0]).unwrap_or_default(), text(&self.sides[1]).unwrap_or_default()]
    }

    /// A value of the row as found, for people.
    pub(super) fn shown(&self, name: &str, row: usize) -> String {
        match &self.origin {
            Origin::Batch(batch) => values::shown(batch, name, row),
            Origin::File(path, before) => {
                let row = usize::try_from(*before).unwrap_or(usize::MAX).saturating_add(row);
                footer::shown(path, name, row).unwrap_or_else(|_| "unreadable".to_owned())
            }
        }
    }
}

/// The trades' values in the rows of trades, the level changes' in all others.
fn merged<T: Copy>((delta, trade): Pair<T>, trades: &[usize], n: usize, null: T) -> Vec<T> {
    let mut out = delta.unwrap_or_else(|| vec![null; n]);
    for &row in trades {
        out[row] = trade.as_ref().map_or(null, |trade| trade[row]);
    }
    out
}

/// What each text stands for; `read` has the empty text for null.
fn coded<T>(texts: &StringArray, read: fn(&str) -> T) -> Vec<T> {
    (0..texts.len()).map(|row| read(if texts.is_valid(row) { texts.value(row) } else { "" })).collect()
}

fn sparse(texts: Option<StringArray>) -> Sparse {
    let Some(texts) = texts else { return Vec::new() };
    let rows = (0..texts.len()).filter(|&row| texts.is_valid(row));
    rows.map(|row| (row, Bytes::copy_from_slice(texts.value(row).as_bytes()))).collect()
}

/// What `event_type` says.
pub(super) fn row_kind(text: &str) -> RowKind {
    match text {
        "BOOK_DELTA" => RowKind::Delta,
        "TRADE" => RowKind::Trade,
        "BOOK_SNAPSHOT" => RowKind::Snapshot,
        _ => RowKind::Unknown,
    }
}

/// The side of a level change.
pub(super) fn bid_or_ask(text: &str) -> Option<Side> {
    one_of(text, "BID", "ASK")
}

/// The aggressor of a trade.
pub(super) fn buy_or_sell(text: &str) -> Option<Side> {
    one_of(text, "BUY", "SELL")
}

/// Upper case is what the schema says; lower case comes from feeds that pass their own spelling through.
fn one_of(text: &str, bid: &str, ask: &str) -> Option<Side> {
    if text.eq_ignore_ascii_case(bid) {
        Some(Side::Bid)
    } else if text.eq_ignore_ascii_case(ask) {
        Some(Side::Ask)
    } else {
        None
    }
}
