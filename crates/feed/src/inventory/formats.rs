//! The table of formats.
//!
//! A new format is a variant of [`Format`], a row of [`FORMATS`], and a module with its `sniff`, its reader and its writer. Nothing else
//! in this crate knows formats one by one.

use std::path::Path;

use super::sniff::{Match, Probe};
use super::{ReaderOptions, Source};
use crate::binance::{self, BinanceCsvReader};
use crate::bitstamp::{self, BitstampReader};
use crate::block::{EventReader, Spot};
use crate::coinbase::{self, CoinbaseReader};
use crate::databento::{self, DbnReader};
use crate::error::FeedError;
use crate::json::{self, JsonReader};
use crate::lake::{self, LakeReader};
use crate::lobster::{self, LobsterReader};
use crate::parquet::{self, ParquetReader};
use crate::table;
use crate::write::{
    BinanceCsvWriter, BitstampWriter, CoinbaseWriter, DbnWriter, EventsOptions, EventsWriter, GoldenWriter, LakeWriter,
    LobsterWriter, MessageWriter, WriteOptions,
};

/// The formats of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// A golden capture: JSON lines.
    GoldenJsonl,
    /// The unified market event Parquet tree.
    EventsParquet,
    /// Any Parquet or CSV file with a time column.
    Table,
    /// The full channel of Coinbase, with its level-3 books.
    CoinbaseFull,
    /// Bitstamp order events and trades.
    Bitstamp,
    /// Databento binary encoding.
    Dbn,
    /// CSV files of Binance data: the public archive's, and streams row by row.
    BinanceCsv,
    /// Crypto Lake tables: Parquet files of trades, book snapshots and book changes.
    CryptoLake,
    /// LOBSTER messages and order books.
    Lobster,
}

/// How the sources of one format are dealt to readers, see [`super::Inventory::groups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    /// All sources are one sequence of messages; sources may share a receive clock, see `order`.
    Capture,
    /// The sources of each symbol are one sequence.
    BySymbol,
    /// As `BySymbol` where every source tells its symbol, else as one sequence: rows may then be of any.
    BySymbolIfKnown,
}

/// What a format tells of a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Trades and price levels, or numbers of any kind.
    Levels,
    /// Every order.
    Orders,
    /// Every order, in whole shares.
    OrdersInShares,
}

/// What the inventory needs to know of a format.
pub(super) struct FormatRow {
    pub(super) format: Format,
    /// The name on the command line.
    pub(super) name: &'static str,
    /// What its files are, for messages such as "Parquet, not JSON lines".
    pub(super) content: &'static str,
    /// Whether its files are Parquet and nothing else.
    pub(super) is_parquet: bool,
    pub(super) grouping: Grouping,
    /// Whether trades and book changes come in one order, so that their times may be compared with each other.
    pub(super) is_single_feed: bool,
    pub(super) told: Told,
    /// Recognises a file by its start and fills the facts of its source: first key, clock, symbol, problem.
    pub(super) sniff: fn(&Probe<'_>, &mut Source) -> Match,
    /// Version of the reader: raised whenever equal files may give other events.
    pub(super) version: u32,
    /// Opens one group of sources; `None` where the format has no events.
    pub(super) reader: Option<OpenReader>,
    /// How readers rest between sources; `None` where they never do.
    pub(super) resting: Option<Resting>,
    /// Whether names of files tell what their content does not: symbols, venues, dates.
    pub(super) names_tell: bool,
    /// Opens a writer into a directory; `None` where the format is not written.
    pub(super) writer: Option<OpenWriter>,
}

type OpenReader = fn(Vec<Source>, &ReaderOptions) -> Result<Box<dyn EventReader>, FeedError>;
type OpenAtRest = fn(Vec<Source>, &ReaderOptions, Spot, &[u8]) -> Result<Box<dyn EventReader>, FeedError>;

type RestsAt = fn(&[Source], usize, Spot, &[u8]) -> bool;

/// A reader that rests between sources.
#[derive(Clone, Copy)]
pub(super) struct Resting {
    /// Opens a group at a rest, with what goes on there.
    open: OpenAtRest,
    /// Whether a reader of these sources that went from a rest before or in a source to another one may have had this carry there.
    is_at: RestsAt,
    /// Whether it rests inside sources, too.
    is_inside: bool,
}

type OpenWriter = fn(&Path, &WriteOptions) -> Result<Box<dyn MessageWriter>, FeedError>;

/// In the order in which files are tried; a table is what nothing else is.
pub(super) const FORMATS: &[FormatRow] = &[
    FormatRow {
        format: Format::EventsParquet,
        name: "events-parquet",
        content: "an event tree",
        is_parquet: true,
        grouping: Grouping::BySymbol,
        is_single_feed: true,
        told: Told::Levels,
        sniff: parquet::sniff,
        version: 1,
        reader: Some(|group, options| Ok(Box::new(ParquetReader::new(group, options.symbol.as_deref())))),
        resting: Some(Resting {
            open: |group, options, at, carry| {
                let reader = ParquetReader::new(group, options.symbol.as_deref()).resting(at.source, carry);
                reader.map(|reader| Box::new(reader) as _).map_err(FeedError::carry)
            },
            is_at: |sources, _, at, carry| ParquetReader::rests_before(sources, at.source, carry),
            is_inside: false,
        }),
        names_tell: false,
        writer: Some(|directory, _| Ok(Box::new(EventsWriter::create(directory, EventsOptions::default())?))),
    },
    FormatRow {
        format: Format::GoldenJsonl,
        name: "golden-jsonl",
        content: "JSON lines",
        is_parquet: false,
        grouping: Grouping::Capture,
        is_single_feed: false,
        told: Told::Levels,
        sniff: json::sniff,
        version: 1,
        reader: Some(|group, options| Ok(Box::new(JsonReader::of(group, options)))),
        resting: Some(Resting {
            open: |group, options, at, carry| {
                let reader = JsonReader::of(group, options).resting(at, carry);
                reader.map(|reader| Box::new(reader) as _).map_err(FeedError::carry)
            },
            is_at: JsonReader::rests_at,
            is_inside: true,
        }),
        names_tell: false,
        writer: Some(|directory, options| Ok(Box::new(GoldenWriter::create(directory, options.compression)?))),
    },
    FormatRow {
        format: Format::CoinbaseFull,
        name: "coinbase-full",
        content: "messages of the Coinbase full channel",
        is_parquet: false,
        grouping: Grouping::Capture,
        is_single_feed: true,
        told: Told::Orders,
        sniff: coinbase::sniff,
        version: 1,
        reader: Some(|group, _| Ok(Box::new(CoinbaseReader::new(group)))),
        resting: Some(Resting {
            open: |group, _, at, carry| {
                let reader = CoinbaseReader::new(group).resting(at.source, carry);
                reader.map(|reader| Box::new(reader) as _).map_err(FeedError::carry)
            },
            is_at: |sources, _, at, carry| CoinbaseReader::rests_before(sources, at.source, carry),
            is_inside: false,
        }),
        names_tell: false,
        writer: Some(|directory, options| Ok(Box::new(CoinbaseWriter::create(directory, options.compression)?))),
    },
    FormatRow {
        format: Format::Bitstamp,
        name: "bitstamp",
        content: "Bitstamp order events or trades",
        is_parquet: false,
        grouping: Grouping::BySymbol,
        is_single_feed: true,
        told: Told::Orders,
        sniff: bitstamp::sniff,
        version: 2,
        reader: Some(|group, options| Ok(Box::new(BitstampReader::new(group, options.symbol.as_deref())))),
        resting: Some(Resting {
            open: |group, options, at, carry| {
                let reader = BitstampReader::new(group, options.symbol.as_deref()).resting(at.source, carry);
                reader.map(|reader| Box::new(reader) as _).map_err(FeedError::carry)
            },
            is_at: |sources, _, at, carry| BitstampReader::rests_before(sources, at.source, carry),
            is_inside: false,
        }),
        names_tell: true,
        writer: Some(|directory, options| Ok(Box::new(BitstampWriter::create(directory, options.compression)?))),
    },
    FormatRow {
        format: Format::Dbn,
        name: "dbn",
        content: "Databento binary encoding",
        is_parquet: false,
        grouping: Grouping::Capture,
        is_single_feed: false,
        told: Told::OrdersInShares,
        sniff: databento::sniff,
        version: 1,
        reader: Some(|group, _| Ok(Box::new(DbnReader::new(group)))),
        resting: Some(Resting {
            open: |group, _, at, carry| {
                let reader = DbnReader::new(group).resting(at.source, carry);
                reader.map(|reader| Box::new(reader) as _).map_err(FeedError::carry)
            },
            is_at: |sources, _, at, carry| DbnReader::rests_before(sources, at.source, carry),
            is_inside: false,
        }),
        names_tell: false,
        writer: Some(|directory, options| Ok(Box::new(DbnWriter::create(directory, options.compression)?))),
    },
    FormatRow {
        format: Format::BinanceCsv,
        name: "binance-csv",
        content: "Binance CSV",
        is_parquet: false,
        grouping: Grouping::BySymbolIfKnown,
        is_single_feed: false,
        told: Told::Levels,
        sniff: binance::sniff,
        version: 2,
        reader: Some(|group, options| Ok(Box::new(BinanceCsvReader::new(group, options.symbol.as_deref())))),
        resting: Some(Resting {
            open: |group, options, at, carry| {
                let reader = BinanceCsvReader::new(group, options.symbol.as_deref()).resting(at.source, carry);
                reader.map(|reader| Box::new(reader) as _).map_err(FeedError::carry)
            },
            is_at: |sources, _, at, carry| BinanceCsvReader::rests_before(sources, at.source, carry),
            is_inside: false,
        }),
        names_tell: true,
        writer: Some(|directory, options| Ok(Box::new(BinanceCsvWriter::create(directory, options.compression)?))),
    },
    FormatRow {
        format: Format::CryptoLake,
        name: "crypto-lake",
        content: "Crypto Lake tables",
        is_parquet: true,
        grouping: Grouping::BySymbol,
        is_single_feed: false,
        told: Told::Levels,
        sniff: lake::sniff,
        version: 2,
        reader: Some(|group, options| Ok(Box::new(LakeReader::new(group, options.symbol.as_deref())))),
        resting: Some(Resting {
            open: |group, options, at, carry| {
                let reader = LakeReader::new(group, options.symbol.as_deref()).resting(at.source, carry);
                reader.map(|reader| Box::new(reader) as _).map_err(FeedError::carry)
            },
            is_at: |sources, _, at, carry| LakeReader::rests_before(sources, at.source, carry),
            is_inside: false,
        }),
        names_tell: true,
        writer: Some(|directory, _| Ok(Box::new(LakeWriter::create(directory)?))),
    },
    FormatRow {
        format: Format::Lobster,
        name: "lobster",
        content: "LOBSTER messages",
        is_parquet: false,
        grouping: Grouping::BySymbol,
        is_single_feed: true,
        told: Told::OrdersInShares,
        sniff: lobster::sniff,
        version: 1,
        reader: Some(|group, options| Ok(Box::new(LobsterReader::new(group, options)?))),
        resting: Some(Resting {
            open: |group, options, at, carry| {
                let reader = LobsterReader::new(group, options)?.resting(at.source, carry);
                reader.map(|reader| Box::new(reader) as _).map_err(FeedError::carry)
            },
            is_at: |sources, _, at, _| LobsterReader::rests_before(sources, at.source),
            is_inside: false,
        }),
        names_tell: true,
        writer: Some(|directory, options| Ok(Box::new(LobsterWriter::create(directory, options.compression)?))),
    },
    FormatRow {
        format: Format::Table,
        name: "table",
        content: "a table",
        is_parquet: false,
        grouping: Grouping::BySymbol,
        is_single_feed: false,
        told: Told::Levels,
        sniff: table::sniff,
        version: 1,
        reader: None,
        resting: None,
        names_tell: false,
        writer: None,
    },
];

impl Format {
    pub(super) fn row(self) -> &'static FormatRow {
        // Every variant has a row: a test goes through them all.
        FORMATS.iter().find(|row| row.format == self).unwrap_or(&FORMATS[FORMATS.len() - 1])
    }

    /// All formats, in the order in which a file is tried.
    pub fn all() -> impl Iterator<Item = Self> {
        FORMATS.iter().map(|row| row.format)
    }

    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|f| f.name() == name)
    }

    /// Whether it holds events; a table does not.
    pub fn has_events(self) -> bool {
        self.row().reader.is_some()
    }

    /// Whether it tells every order: its writer takes such messages, and no levels.
    pub fn is_by_orders(self) -> bool {
        self.row().told != Told::Levels
    }

    /// Whether it knows no parts of a share.
    pub fn is_in_shares(self) -> bool {
        self.row().told == Told::OrdersInShares
    }

    /// Whether a reader of these sources that went from a rest before or in a source to another one may have had this carry there. Those that
    /// never rest go to the end.
    pub(super) fn rests_at(self, sources: &[Source], first: usize, at: Spot, carry: &[u8]) -> bool {
        match self.row().resting {
            Some(resting) if at.offset == 0 || resting.is_inside => (resting.is_at)(sources, first, at, carry),
            Some(_) => false,
            None => at.source >= sources.len(),
        }
    }

    /// Whether its readers rest inside long files.
    pub(super) fn rests_inside(self) -> bool {
        self.row().resting.is_some_and(|resting| resting.is_inside)
    }

    /// Whether names of files tell what their content does not: symbols, venues, dates.
    pub fn names_tell(self) -> bool {
        self.row().names_tell
    }

    /// Version of its reader: raised whenever equal files may give other events.
    pub fn version(self) -> u32 {
        self.row().version
    }

    /// Whether trades and book changes come in one order, so that their times may be compared with each other.
    pub fn is_single_feed(self) -> bool {
        self.row().is_single_feed
    }

    /// A writer of this format into `directory`, which is made if need be.
    ///
    /// # Errors
    /// [`FeedError::Io`]; [`FeedError::NotExpressible`] for a format that is not written.
    pub fn writer(self, directory: &Path, options: &WriteOptions) -> Result<Box<dyn MessageWriter>, FeedError> {
        match self.row().writer {
            Some(open) => open(directory, options),
            None => Err(FeedError::NotExpressible {
                path: directory.display().to_string(),
                what: "data in this format",
                value: self.name().to_owned(),
            }),
        }
    }
}

/// A reader of one group of sources that rests between them where it can, from the rest before source `next` on.
///
/// # Errors
/// As [`reader`]; [`FeedError::Carry`] for a carry that no reader of the format has handed on.
pub(super) fn resting_reader(
    format: Format,
    group: Vec<Source>,
    options: &ReaderOptions,
    at: Spot,
    carry: &[u8],
) -> Result<Box<dyn EventReader>, FeedError> {
    match format.row().resting {
        Some(resting) => (resting.open)(group, options, at, carry),
        None if at == Spot::default() => reader(format, group, options),
        None => Err(FeedError::Carry { detail: format!("readers of {} never rest", format.name()) }),
    }
}

/// A reader of one group of sources.
///
/// # Errors
/// [`FeedError::WrongFormat`] for tables; what the options do not allow.
pub fn reader(format: Format, group: Vec<Source>, options: &ReaderOptions) -> Result<Box<dyn EventReader>, FeedError> {
    match format.row().reader {
        Some(open) => open(group, options),
        None => Err(FeedError::WrongFormat {
            path: group.first().map_or_else(String::new, |s| s.path.display().to_string()),
            expected: "a stream of events",
            found: format.row().content.to_owned(),
        }),
    }
}
