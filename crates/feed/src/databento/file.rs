//! One DBN file: its header and its records.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use verismo_market::event::NO_TIME;

use super::layout::{self, F, HEADER_BYTES, METADATA_BYTES, PRELUDE_BYTES, VERSION_MAX};

/// Longest metadata; a header that names all symbols of a venue has some MiB.
const METADATA_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Longest record: its length is a byte that counts 4 bytes.
const RECORD_BYTES_MAX: usize = 255 * 4;

/// A price level of both sides as the record has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) bid: (i64, u32),
    pub(super) ask: (i64, u32),
}

/// What a record holds beside the common fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    Order {
        id: u64,
    },
    Levels(Vec<Pair>),
    Trade,
    /// A trade of `tbbo`; its quote is not read.
    TradeOfTop,
}

/// How much records tell of an instrument, the richest first: each tells all that those behind it tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Schema {
    Mbo,
    Mbp10,
    Mbp1,
    Trades,
    Tbbo,
}

impl Body {
    pub(super) fn schema(&self) -> Schema {
        match self {
            Self::Order { .. } => Schema::Mbo,
            Self::Levels(pairs) if pairs.len() > 1 => Schema::Mbp10,
            Self::Levels(_) => Schema::Mbp1,
            Self::Trade => Schema::Trades,
            Self::TradeOfTop => Schema::Tbbo,
        }
    }
}

impl Schema {
    /// All of them, in order.
    pub(super) const ALL: [Self; 5] = [Self::Mbo, Self::Mbp10, Self::Mbp1, Self::Trades, Self::Tbbo];

    /// What its records are called where they are left out.
    pub(super) fn as_poorer(self) -> &'static str {
        match self {
            Self::Mbo => "mbo beside a richer schema",
            Self::Mbp10 => "mbp-10 beside a richer schema",
            Self::Mbp1 => "mbp-1 beside a richer schema",
            Self::Trades => "trades beside a richer schema",
            Self::Tbbo => "tbbo beside a richer schema",
        }
    }

    /// Whether its records tell a book.
    pub(super) fn has_book(self) -> bool {
        self < Self::Trades
    }
}

/// One record of the schemas that are read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) publisher: u16,
    pub(super) instrument: u32,
    pub(super) t_event_ns: i64,
    pub(super) t_receive_ns: i64,
    pub(super) action: u8,
    pub(super) side: u8,
    pub(super) flags: u8,
    /// 10^-9.
    pub(super) price: i64,
    pub(super) size: u32,
    pub(super) body: Body,
}

/// What comes next in a file.
pub(super) enum Next {
    Record(Box<Record>),
    /// A record of another schema, by its type.
    Other(u8),
    /// The file ends early or is damaged; nothing follows.
    Broken(String),
    End,
}

/// An open file.
pub(super) struct DbnFile {
    input: BufReader<Box<dyn Read + Send>>,
    header: Header,
    record: [u8; RECORD_BYTES_MAX],
}

/// What the metadata say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Header {
    pub(super) dataset: String,
    /// Only the trades of the records are meant.
    is_tbbo: bool,
    symbols: Symbols,
}

/// Symbols of instruments by their first day; with the day after the last one. Days are counted from 1970, and no two spans of an
/// instrument share one.
type Symbols = BTreeMap<(u32, i32), (i32, Arc<str>)>;

/// Whether a file starts like DBN.
pub(super) fn is_dbn(start: &[u8]) -> bool {
    matches!(start, [b'D', b'B', b'N', 1..=9, _, _, _, _, ..])
}

impl DbnFile {
    /// Reads the header of the unpacked bytes `input`.
    ///
    /// # Errors
    /// In words: what is wrong with the header.
    pub(super) fn open(input: Box<dyn Read + Send>) -> Result<Self, String> {
        let mut input = BufReader::with_capacity(1 << 16, input);
        let mut prelude = [0; PRELUDE_BYTES];
        input.read_exact(&mut prelude).map_err(|e| format!("the header cannot be read: {e}"))?;
        if !is_dbn(&prelude) {
            return Err("not DBN".to_owned());
        }
        let version = prelude[3];
        let length = F(&prelude).u32(4);
        if version > VERSION_MAX {
            return Err(format!("DBN version {version}; versions up to {VERSION_MAX} are read"));
        }
        if length > METADATA_BYTES_MAX {
            return Err(format!("a header of {length} bytes; the limit is {METADATA_BYTES_MAX}"));
        }
        let mut metadata = Vec::new();
        let read = input.by_ref().take(u64::from(length)).read_to_end(&mut metadata);
        read.map_err(|e| format!("the header cannot be read: {e}"))?;
        if metadata.len() < length as usize {
            return Err(format!("the file ends in its header, {} of {length} bytes are there", metadata.len()));
        }
        let header = Header::parse(version, &metadata)?;
        Ok(Self { input, header, record: [0; RECORD_BYTES_MAX] })
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Next {
        let (first, rest) = self.record.split_at_mut(1);
        match self.input.read(first) {
            Ok(0) => return Next::End,
            Ok(_) => {}
            Err(error) => return Next::Broken(error.to_string()),
        }
        let size = usize::from(first[0]) * 4;
        if size < HEADER_BYTES {
            return Next::Broken(format!("a record of {size} bytes; its header alone has {HEADER_BYTES}"));
        }
        if let Err(error) = self.input.read_exact(&mut rest[..size - 1]) {
            return Next::Broken(format!("inside a record of {size} bytes: {error}"));
        }
        let record = &self.record[..size];
        layout::record(record, self.header.is_tbbo)
            .map_or_else(|| Next::Other(record[1]), |record| Next::Record(Box::new(record)))
    }
}

impl Header {
    /// The symbol of an instrument on a day, or its id where the header has none, and the days that it is known to be so.
    pub(super) fn symbol(&self, instrument: u32, day: i32) -> (String, Range<i32>) {
        let found = self.symbols.range((instrument, i32::MIN)..=(instrument, day)).next_back();
        match found {
            Some(((_, from), (until, symbol))) if day < *until => (symbol.to_string(), *from..*until),
            _ => (instrument.to_string(), day..day.saturating_add(1)),
        }
    }

    /// # Errors
    /// In words: what is wrong with the metadata.
    fn parse(version: u8, bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() < METADATA_BYTES {
            return Err(format!("a header of {} bytes; it has at least {METADATA_BYTES}", bytes.len()));
        }
        let fixed = layout::metadata(version, F(bytes));
        let mut rest = Rest { bytes: &bytes[METADATA_BYTES..], symbol_bytes: fixed.symbol_bytes };
        let layout_bytes = rest.count(1)?;
        rest.take(layout_bytes)?;
        // The symbols asked for, those found in part, and those not found.
        for _ in 0..3 {
            let n = rest.count(rest.symbol_bytes)?;
            rest.take(n * rest.symbol_bytes)?;
        }
        let mut symbols = Symbols::new();
        for _ in 0..rest.count(rest.symbol_bytes)? {
            let raw: Arc<str> = rest.symbol()?.into();
            for _ in 0..rest.count(rest.symbol_bytes)? {
                let (from, until) = (rest.day()?, rest.day()?);
                let mapped: Arc<str> = rest.symbol()?.into();
                let (id, symbol) = if fixed.maps_to_ids { (mapped, raw.clone()) } else { (raw.clone(), mapped) };
                // An empty symbol says that there is none on these days.
                if let Ok(id) = id.parse::<u32>()
                    && from < until
                    && !symbol.is_empty()
                {
                    map(&mut symbols, id, from..until, symbol);
                }
            }
        }
        Ok(Self { dataset: fixed.dataset, is_tbbo: fixed.is_tbbo, symbols })
    }
}

/// Maps an instrument on these days; of what was told before of the same days the last told is kept.
fn map(symbols: &mut Symbols, id: u32, days: Range<i32>, symbol: Arc<str>) {
    // Bounded: each turn takes a span away, and only the outermost leave a rest.
    while let Some(((_, from), (until, before))) = symbols
        .range((id, i32::MIN)..(id, days.end))
        .next_back()
        .filter(|(_, (until, _))| *until > days.start)
        .map(|(span, told)| (*span, told.clone()))
    {
        symbols.remove(&(id, from));
        if until > days.end {
            symbols.insert((id, days.end), (until, before.clone()));
        }
        if from < days.start {
            symbols.insert((id, from), (days.start, before));
        }
    }
    symbols.insert((id, days.start), (days.end, symbol));
}

/// The lists at the end of the metadata.
struct Rest<'a> {
    bytes: &'a [u8],
    symbol_bytes: usize,
}

impl<'a> Rest<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.bytes.split_at_checked(n).ok_or("the lists of symbols end early")?;
        self.bytes = rest;
        Ok(taken)
    }

    /// A number of items of at least `item_bytes` each; it cannot be more than fit in what is left.
    fn count(&mut self, item_bytes: usize) -> Result<usize, String> {
        let n = F(self.take(4)?).u32(0) as usize;
        let fits = self.bytes.len() / item_bytes.max(1);
        if n > fits { Err(format!("{n} symbols where {fits} have room")) } else { Ok(n) }
    }

    fn symbol(&mut self) -> Result<String, String> {
        self.take(self.symbol_bytes).map(layout::text)
    }

    /// A date written as the number YYYYMMDD, in days from 1970.
    fn day(&mut self) -> Result<i32, String> {
        let number = F(self.take(4)?).u32(0);
        let part = |n: u32| i8::try_from(n % 100).ok();
        let date = i16::try_from(number / 10_000).ok().zip(part(number / 100)).zip(part(number));
        date.and_then(|((year, month), day)| Date::new(year, month, day).ok())
            .map(|date| (date - Date::constant(1970, 1, 1)).get_days())
            .ok_or_else(|| format!("{number} where the date of a symbol stands"))
    }
}

/// Stands for a record before the first.
pub(super) const NO_RECORD: Record = Record {
    publisher: 0,
    instrument: 0,
    t_event_ns: NO_TIME,
    t_receive_ns: NO_TIME,
    action: b'N',
    side: b'N',
    flags: 0,
    price: 0,
    size: 0,
    body: Body::Trade,
};
