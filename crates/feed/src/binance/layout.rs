//! Which column is which.

use super::fields::{FIELDS_MAX, Fields, truth};
use crate::decimal;
use crate::epoch::EpochUnit;

/// The columns that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Receive time, an epoch stamp.
    Receive,
    /// Receive time, ns of a session clock.
    CaptureNs,
    Stream,
    EventType,
    EventTime,
    TransactTime,
    Symbol,
    FirstId,
    LastId,
    PrevId,
    /// `1` or `a` for an ask.
    Side,
    UpdateType,
    Price,
    Qty,
    TradeId,
    BuyerIsMaker,
    BidPrice,
    BidQty,
    AskPrice,
    AskQty,
}

const COLUMNS: usize = Column::AskQty as usize + 1;

/// Names in lower case without `_` and blanks, with their column; the first column of a name counts.
const NAMES: [(&str, Column); 32] = [
    ("timestampofreceive", Column::Receive),
    ("capturens", Column::CaptureNs),
    ("stream", Column::Stream),
    ("eventtype", Column::EventType),
    ("eventtime", Column::EventTime),
    ("transactiontime", Column::TransactTime),
    ("transacttime", Column::TransactTime),
    ("tradetime", Column::TransactTime),
    ("time", Column::TransactTime),
    ("timestamp", Column::TransactTime),
    ("symbol", Column::Symbol),
    ("firstupdateid", Column::FirstId),
    ("finalupdateid", Column::LastId),
    ("lastupdateid", Column::LastId),
    ("updateid", Column::LastId),
    ("finalupdateidinlaststream", Column::PrevId),
    ("pu", Column::PrevId),
    ("isask", Column::Side),
    ("side", Column::Side),
    ("updatetype", Column::UpdateType),
    ("price", Column::Price),
    ("quantity", Column::Qty),
    ("qty", Column::Qty),
    ("tradeid", Column::TradeId),
    ("id", Column::TradeId),
    ("aggtradeid", Column::TradeId),
    ("isbuyermarketmaker", Column::BuyerIsMaker),
    ("isbuyermaker", Column::BuyerIsMaker),
    ("bestbidprice", Column::BidPrice),
    ("bestbidqty", Column::BidQty),
    ("bestaskprice", Column::AskPrice),
    ("bestaskqty", Column::AskQty),
];

/// What the rows of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LayoutKind {
    Trades,
    AggTrades,
    /// Each row says what it is.
    Stream,
    Levels,
    Quotes,
}

/// The columns of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) kind: LayoutKind,
    index: [Option<u8>; COLUMNS],
    n_needed: u8,
}

impl Layout {
    /// The layout that this header names.
    pub(super) fn of_header(line: &[u8]) -> Option<Self> {
        let mut index = [None; COLUMNS];
        let mut is_aggregated = false;
        for (i, text) in Fields::split(line).texts().iter().enumerate() {
            let name: String = String::from_utf8_lossy(text)
                .chars()
                .filter(|c| !matches!(c, '_' | ' '))
                .flat_map(char::to_lowercase)
                .take(FIELDS_MAX)
                .collect();
            is_aggregated |= name == "aggtradeid";
            let known = NAMES.iter().find(|(n, _)| *n == name);
            if let Some((_, column)) = known {
                index[*column as usize].get_or_insert(i as u8);
            }
        }
        let has = |columns: &[Column]| columns.iter().all(|c| index[*c as usize].is_some());
        let kind = if has(&[Column::EventType, Column::EventTime, Column::Price, Column::Qty])
            && (has(&[Column::Stream]) || has(&[Column::Symbol]))
        {
            LayoutKind::Stream
        } else if has(&[Column::BidPrice, Column::BidQty, Column::AskPrice, Column::AskQty, Column::LastId]) {
            LayoutKind::Quotes
        } else if has(&[Column::FirstId, Column::LastId, Column::Side, Column::UpdateType, Column::Price, Column::Qty])
        {
            LayoutKind::Levels
        } else if has(&[Column::TradeId, Column::Price, Column::Qty, Column::TransactTime, Column::BuyerIsMaker]) {
            if is_aggregated { LayoutKind::AggTrades } else { LayoutKind::Trades }
        } else {
            return None;
        };
        Some(Self::new(kind, index))
    }

    /// The layout of an archive file without a header, told by the forms of one row's values.
    pub(super) fn of_row(line: &[u8]) -> Option<Self> {
        let fields = Fields::split(line);
        let texts = fields.texts();
        let is_int = |i: usize| texts.get(i).is_some_and(|t| !t.is_empty() && t.iter().all(u8::is_ascii_digit));
        let is_number = |i: usize| texts.get(i).is_some_and(|t| decimal::parse(t).is_ok());
        let is_truth = |i: usize| texts.get(i).is_some_and(|t| !matches!(*t, b"0" | b"1") && truth(t).is_some());
        // Seconds are never used, and a number below 10^11 may be anything.
        let is_time = |i: usize| {
            let stamp = texts.get(i).and_then(|t| std::str::from_utf8(t).ok()).and_then(|t| t.parse::<i64>().ok());
            stamp.is_some_and(|s| s > 0 && EpochUnit::of(s) != EpochUnit::Second)
        };
        if !is_int(0) || !(1..=2).all(is_number) {
            return None;
        }
        let n = texts.len();
        let (kind, places): (LayoutKind, &[(Column, u8)]) =
            if (n == 6 || (n == 7 && is_truth(6))) && is_number(3) && is_time(4) && is_truth(5) {
                (
                    LayoutKind::Trades,
                    &[
                        (Column::TradeId, 0),
                        (Column::Price, 1),
                        (Column::Qty, 2),
                        (Column::TransactTime, 4),
                        (Column::BuyerIsMaker, 5),
                    ],
                )
            } else if (n == 7 || (n == 8 && is_truth(7))) && is_int(3) && is_int(4) && is_time(5) && is_truth(6) {
                (
                    LayoutKind::AggTrades,
                    &[
                        (Column::TradeId, 0),
                        (Column::Price, 1),
                        (Column::Qty, 2),
                        (Column::TransactTime, 5),
                        (Column::BuyerIsMaker, 6),
                    ],
                )
            } else if n == 7 && is_number(3) && is_number(4) && is_time(5) && is_time(6) {
                (
                    LayoutKind::Quotes,
                    &[
                        (Column::LastId, 0),
                        (Column::BidPrice, 1),
                        (Column::BidQty, 2),
                        (Column::AskPrice, 3),
                        (Column::AskQty, 4),
                        (Column::TransactTime, 5),
                        (Column::EventTime, 6),
                    ],
                )
            } else {
                return None;
            };
        let mut index = [None; COLUMNS];
        places.iter().for_each(|(column, i)| index[*column as usize] = Some(*i));
        Some(Self::new(kind, index))
    }

    fn new(kind: LayoutKind, index: [Option<u8>; COLUMNS]) -> Self {
        // Columns that are there for other tools may be cut off; the last one that is read may not.
        let n_needed = index.iter().flatten().max().map_or(0, |i| i + 1);
        Self { kind, index, n_needed }
    }

    #[inline]
    pub(super) fn index(&self, column: Column) -> Option<usize> {
        self.index[column as usize].map(usize::from)
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.index[column as usize].is_some()
    }

    pub(super) fn n_needed(&self) -> usize {
        usize::from(self.n_needed)
    }
}

impl Column {
    /// What it holds, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Receive | Self::CaptureNs => "the receive time",
            Self::Stream => "the stream",
            Self::EventType => "the event type",
            Self::EventTime => "the event time",
            Self::TransactTime => "the transaction time",
            Self::Symbol => "the symbol",
            Self::FirstId => "the first update id",
            Self::LastId => "the last update id",
            Self::PrevId => "the update id before",
            Self::Side => "the side",
            Self::UpdateType => "the update type",
            Self::Price => "the price",
            Self::Qty => "the quantity",
            Self::TradeId => "the trade id",
            Self::BuyerIsMaker => "the maker's side",
            Self::BidPrice => "the best bid",
            Self::BidQty => "the quantity at the best bid",
            Self::AskPrice => "the best ask",
            Self::AskQty => "the quantity at the best ask",
        }
    }
}
