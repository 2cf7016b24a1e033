//! The values of a row.

use verismo_market::event::{NO_ID, NO_TIME, Side};

use super::layout::{Column, Layout, LayoutKind};
use crate::decimal;
use crate::epoch::{self, EpochUnit};

/// Fields a line is split into; more are left alone.
pub(super) const FIELDS_MAX: usize = 32;

/// A line split at its commas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    texts: [&'a [u8]; FIELDS_MAX],
    n: usize,
}

impl<'a> Fields<'a> {
    #[inline]
    pub(super) fn split(line: &'a [u8]) -> Self {
        let mut fields = Self { texts: [b""; FIELDS_MAX], n: 0 };
        let mut start = 0;
        for end in memchr::memchr_iter(b',', line).chain([line.len()]) {
            if fields.n == FIELDS_MAX {
                break;
            }
            let text = line[start..end].trim_ascii();
            let text = text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(text);
            fields.texts[fields.n] = text;
            fields.n += 1;
            start = end + 1;
        }
        fields
    }

    pub(super) fn texts(&self) -> &[&'a [u8]] {
        &self.texts[..self.n]
    }
}

/// A line under its layout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    layout: &'a Layout,
    fields: Fields<'a>,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind<'a> {
    Trade,
    AggTrade,
    /// A level of a depth update, or a depth update without levels.
    Level,
    /// A level of a whole book.
    SnapshotLevel,
    Quote,
    Unknown(&'a [u8]),
}

/// Why a value cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadValue<'a> {
    pub(super) column: Column,
    pub(super) text: &'a [u8],
    pub(super) reason: &'static str,
}

impl<'a> Row<'a> {
    #[inline]
    pub(super) fn new(layout: &'a Layout, line: &'a [u8]) -> Self {
        Self { layout, fields: Fields::split(line) }
    }

    /// Whether the line has all the columns of its layout.
    pub(super) fn is_whole(&self) -> bool {
        self.fields.n >= self.layout.n_needed()
    }

    /// The text of a column; `None` where the layout has none or the text is empty.
    #[inline]
    pub(super) fn text(&self, column: Column) -> Option<&'a [u8]> {
        let index = self.layout.index(column)?;
        self.fields.texts().get(index).copied().filter(|t| !t.is_empty())
    }

    #[inline]
    pub(super) fn kind(&self) -> RowKind<'a> {
        match self.layout.kind {
            LayoutKind::Trades => RowKind::Trade,
            LayoutKind::AggTrades => RowKind::AggTrade,
            LayoutKind::Quotes => RowKind::Quote,
            LayoutKind::Levels => match self.text(Column::UpdateType) {
                Some(b"set") => RowKind::Level,
                Some(b"snap") => RowKind::SnapshotLevel,
                other => RowKind::Unknown(other.unwrap_or(b"no update type")),
            },
            LayoutKind::Stream => match self.text(Column::EventType) {
                Some(b"trade") => RowKind::Trade,
                Some(b"depthUpdate") => RowKind::Level,
                Some(b"bookTicker") => RowKind::Quote,
                Some(b"depthSnapshot") => RowKind::SnapshotLevel,
                other => RowKind::Unknown(other.unwrap_or(b"no event type")),
            },
        }
    }

    /// The symbol that the row names: that of its stream name, else its own.
    #[inline]
    pub(super) fn symbol(&self) -> Option<&'a [u8]> {
        let of_stream = self.text(Column::Stream).map(|s| s.split(|b| *b == b'@').next().unwrap_or(s));
        of_stream.or_else(|| self.text(Column::Symbol))
    }

    /// Receive time in ns, or [`NO_TIME`].
    #[inline]
    pub(super) fn receive_ns(&self) -> Result<i64, BadValue<'a>> {
        if let Some(ns) = self.integer(Column::CaptureNs)? {
            return Ok(ns);
        }
        Ok(self.integer(Column::Receive)?.map_or(NO_TIME, |stamp| epoch::to_ns(stamp).0))
    }

    /// Exchange time in ns with its stamp and unit: of a trade its own time, of anything else that of the event, else the other of the two.
    #[inline]
    pub(super) fn exchange_ns(&self, is_trade: bool) -> Result<Option<(i64, i64, EpochUnit)>, BadValue<'a>> {
        let (first, second) = if is_trade {
            (Column::TransactTime, Column::EventTime)
        } else {
            (Column::EventTime, Column::TransactTime)
        };
        let stamp = match self.integer(first)? {
            None => self.integer(second)?,
            given => given,
        };
        Ok(stamp.map(|stamp| {
            let (ns, unit) = epoch::to_ns(stamp);
            (ns, stamp, unit)
        }))
    }

    #[inline]
    pub(super) fn integer(&self, column: Column) -> Result<Option<i64>, BadValue<'a>> {
        let Some(text) = self.text(column) else { return Ok(None) };
        match std::str::from_utf8(text).ok().and_then(|t| t.parse::<i64>().ok()) {
            Some(value) => Ok(Some(value)),
            None => Err(BadValue { column, text, reason: "not an integer" }),
        }
    }

    #[inline]
    pub(super) fn id(&self, column: Column) -> Result<i64, BadValue<'a>> {
        Ok(self.integer(column)?.unwrap_or(NO_ID))
    }

    /// A decimal that must be there, in units of 10^-8.
    #[inline]
    pub(super) fn decimal(&self, column: Column) -> Result<i64, BadValue<'a>> {
        let text = self.text(column).unwrap_or_default();
        if text.is_empty() {
            return Err(BadValue { column, text, reason: "is missing" });
        }
        decimal::parse(text).map_err(|e| BadValue { column, text, reason: e.reason() })
    }

    /// Side of the aggressor; none where the row does not say it.
    #[inline]
    pub(super) fn aggressor(&self) -> Result<Side, BadValue<'a>> {
        let Some(text) = self.text(Column::BuyerIsMaker) else { return Ok(Side::None) };
        match truth(text) {
            Some(true) => Ok(Side::Ask),
            Some(false) => Ok(Side::Bid),
            None => Err(BadValue { column: Column::BuyerIsMaker, text, reason: "neither true nor false" }),
        }
    }

    /// Side of a level.
    #[inline]
    pub(super) fn book_side(&self) -> Result<Side, BadValue<'a>> {
        let text = self.text(Column::Side).unwrap_or_default();
        match text {
            b"a" | b"A" => Ok(Side::Ask),
            b"b" | b"B" => Ok(Side::Bid),
            _ => match truth(text) {
                Some(true) => Ok(Side::Ask),
                Some(false) => Ok(Side::Bid),
                None => Err(BadValue { column: Column::Side, text, reason: "no side" }),
            },
        }
    }
}

/// The forms in which truth is written in these files.
#[inline]
pub(super) fn truth(text: &[u8]) -> Option<bool> {
    match text {
        b"1" | b"true" | b"True" | b"TRUE" => Some(true),
        b"0" | b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}
