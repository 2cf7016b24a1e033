//! Where the fields of DBN versions 1 to 3 stand: little-endian, at fixed offsets.
//!
//! Source: the structures `RecordHeader`, `MboMsg`, `TradeMsg`, `Mbp1Msg`, `Mbp10Msg` and `BidAskPair`, and `MetadataEncoder`, of the crate
//! `dbn` 0.73. `tests/vectors/dbn` holds files written by that crate, which a test reads. The crate itself is not used: it brings a
//! second stack of procedural macros, does not tell a file that is cut inside a record from a whole one, and reads through raw pointers.

use verismo_market::event::NO_TIME;

use super::file::{Body, Pair, Record};

/// `DBN`, the version, the length of the metadata.
pub(crate) const PRELUDE_BYTES: usize = 8;
/// The metadata before their lists.
pub(crate) const METADATA_BYTES: usize = 100;
/// The newest version with these layouts.
pub(crate) const VERSION_MAX: u8 = 3;
/// The header of a record.
pub(crate) const HEADER_BYTES: usize = 16;
/// Bytes of a symbol in versions 2 and 3.
pub(crate) const SYMBOL_BYTES: usize = 71;
/// Bytes of a symbol in version 1.
const SYMBOL_BYTES_V1: usize = 22;
/// Bytes of the name of the data set.
pub(crate) const DATASET_BYTES: usize = 16;
/// The record of one order.
pub(crate) const MBO_BYTES: usize = 56;
const TRADE_BYTES: usize = 48;
const PAIR_BYTES: usize = 32;

/// Types of records.
pub(crate) const RTYPE_MBO: u8 = 0xa0;
const RTYPE_TRADE: u8 = 0x00;
const RTYPE_MBP_1: u8 = 0x01;
const RTYPE_MBP_10: u8 = 0x0a;

/// Schemas and kinds of symbols in the metadata.
pub(crate) const SCHEMA_MBO: u16 = 0;
const SCHEMA_TBBO: u16 = 3;
pub(crate) const STYPE_INSTRUMENT_ID: u8 = 0;
pub(crate) const STYPE_RAW_SYMBOL: u8 = 1;

/// Bits of a record's flags.
pub(crate) const F_LAST: u8 = 1 << 7;
pub(crate) const F_SNAPSHOT: u8 = 1 << 5;
pub(crate) const F_MAYBE_BAD_BOOK: u8 = 1 << 2;

/// No price.
pub(crate) const NO_PRICE: i64 = i64::MAX;

/// Fields of a record or header; beyond the end they are zero, callers check the length first.
#[derive(Clone, Copy)]
pub(super) struct F<'a>(pub(super) &'a [u8]);

impl F<'_> {
    fn array<const N: usize>(self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    fn u8(self, at: usize) -> u8 {
        self.array::<1>(at)[0]
    }

    fn u16(self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    pub(super) fn u32(self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    fn u64(self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    fn i64(self, at: usize) -> i64 {
        i64::from_le_bytes(self.array(at))
    }

    /// A time; the format's own sign for none is 2^64 - 1.
    fn time(self, at: usize) -> i64 {
        i64::try_from(self.u64(at)).unwrap_or(NO_TIME)
    }
}

/// A text with zeros behind it.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// The metadata before their lists, as far as they matter here.
pub(super) struct Metadata {
    pub(super) dataset: String,
    pub(super) is_tbbo: bool,
    /// Symbols are mapped to instrument ids, not ids to symbols.
    pub(super) maps_to_ids: bool,
    pub(super) symbol_bytes: usize,
}

/// Version 1 has a count of records after the limit and no length of symbols.
pub(super) fn metadata(version: u8, fields: F<'_>) -> Metadata {
    let (stype_out, symbol_bytes) = match version {
        1 => (51, SYMBOL_BYTES_V1),
        _ => (43, usize::from(fields.u16(45))),
    };
    Metadata {
        dataset: text(&fields.array::<DATASET_BYTES>(0)),
        is_tbbo: fields.u16(16) == SCHEMA_TBBO,
        maps_to_ids: fields.u8(stype_out) == STYPE_INSTRUMENT_ID,
        symbol_bytes,
    }
}

/// A record of the schemas that are read; `None` for others, and where it is shorter than its type demands.
pub(super) fn record(bytes: &[u8], is_tbbo: bool) -> Option<Record> {
    let f = F(bytes);
    let common = |price: usize, action: usize, side: usize, flags: usize, receive: usize, body| Record {
        publisher: f.u16(2),
        instrument: f.u32(4),
        t_event_ns: f.time(8),
        t_receive_ns: f.time(receive),
        action: f.u8(action),
        side: f.u8(side),
        flags: f.u8(flags),
        price: f.i64(price),
        size: f.u32(price + 8),
        body,
    };
    let by_price = |levels: usize, body: Body| {
        (bytes.len() >= TRADE_BYTES + levels * PAIR_BYTES).then(|| common(16, 28, 29, 30, 32, body))
    };
    match f.u8(1) {
        RTYPE_MBO if bytes.len() >= MBO_BYTES => Some(common(24, 38, 39, 36, 40, Body::Order { id: f.u64(16) })),
        RTYPE_TRADE => by_price(0, Body::Trade),
        RTYPE_MBP_1 if is_tbbo => by_price(1, Body::TradeOfTop),
        RTYPE_MBP_1 => by_price(1, Body::Levels(pairs(f, 1))),
        RTYPE_MBP_10 => by_price(10, Body::Levels(pairs(f, 10))),
        _ => None,
    }
}

fn pairs(f: F<'_>, n: usize) -> Vec<Pair> {
    let pair = |at: usize| Pair { bid: (f.i64(at), f.u32(at + 16)), ask: (f.i64(at + 8), f.u32(at + 20)) };
    (0..n).map(|i| pair(TRADE_BYTES + i * PAIR_BYTES)).collect()
}
