//! Reads the files of one or several symbols as sequences of rows.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use verismo_market::event::{Event, NO_ID, NO_TIME, Side};
use verismo_stats::state::{Carry, DecodeError};

use super::fields::{BadValue, Row, RowKind};
use super::layout::{Column, Layout};
use super::sniff::{is_comment, layout_of};
use super::told::Told;
use crate::assemble::{Assembler, Place, Update, blank};
use crate::batch;
use crate::block::{Block, EventReader, Rest, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::epoch::EpochUnit;
use crate::error::FeedError;
use crate::inventory::{Head, Source, UNKNOWN_SYMBOL};
use crate::json::reader_sample;
use crate::merge::{At, By, Keyed, LineMerge};
use crate::rests::Rests;

/// Reads an ordered group of files, merged row by row.
pub struct BinanceCsvReader {
    merge: LineMerge,
    sources: Arc<[Source]>,
    labels: Vec<Arc<str>>,
    files: Vec<File>,
    by: By,
    /// Where plain trades are told.
    told: Told,
    assembler: Assembler,
    /// Unit of the first exchange stamp of each stream.
    units: Vec<Option<EpochUnit>>,
    counters: FeedCounters,
    bytes_reported: u64,
    done: bool,
}

/// What is known of a file before its rows.
#[derive(Debug)]
struct File {
    /// Symbol of rows that name none.
    symbol: String,
    /// What its start tells; `None` until then.
    start: Option<Start>,
    seen_row: bool,
}

/// What the start of a file tells.
#[derive(Debug, Default)]
struct Start {
    layout: Option<Layout>,
    /// Symbols of the trades.
    traded: BTreeSet<String>,
}

impl BinanceCsvReader {
    /// A reader of `sources`; `symbol` is that of files whose rows and names tell none.
    pub fn new(sources: Vec<Source>, symbol: Option<&str>) -> Self {
        let by = By::of(&sources);
        let mut files: Vec<(Source, File)> = sources
            .into_iter()
            .map(|mut source| {
                // Lines are merged by this time: receive times are epoch stamps or all of one session.
                source.first.t_exchange_ns = by.start_ns(&source);
                let symbol = source.symbol.as_deref().or(symbol).unwrap_or(UNKNOWN_SYMBOL).to_uppercase();
                (source, File { symbol, start: None, seen_row: false })
            })
            .collect();
        let start_ns = |(source, _): &(Source, File)| source.first.t_exchange_ns;
        files.sort_by_key(start_ns);
        for together in files.chunk_by_mut(|a, b| start_ns(a) == start_ns(b)).filter(|files| files.len() > 1) {
            together.iter_mut().for_each(|(source, file)| file.look(source));
            together.sort_by_key(|(s, file)| (file.layout().map(|layout| layout.kind), s.first, s.bytes));
        }
        let (sources, files): (Vec<Source>, Vec<File>) = files.into_iter().unzip();
        let assembler = Assembler::new(&sources);
        let merge = LineMerge::new(sources);
        Self {
            labels: merge.labels().to_vec(),
            sources: Arc::clone(merge.sources()),
            merge,
            told: Told::new(files.len()),
            files,
            by,
            assembler,
            units: Vec::new(),
            counters: FeedCounters::default(),
            bytes_reported: 0,
            done: false,
        }
    }

    /// The same, resting between files, and going on at the rest before file `next`.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that no such reader has handed on.
    pub fn resting(mut self, next: usize, carry: &[u8]) -> Result<Self, DecodeError> {
        let Self { merge, counters, units, assembler, .. } = &mut self;
        merge.resting(next, carry, counters, |input| {
            units.load(input)?;
            assembler.load_names(input)
        })?;
        Ok(self)
    }

    /// Whether a reader that rested with this carry rests before source `next` of these.
    pub(crate) fn rests_before(sources: &[Source], next: usize, carry: &[u8]) -> bool {
        let by = By::of(sources);
        sources.get(next).is_none_or(|source| by.rests() && Rests::was_over_before(carry, by.start_ns(source)))
    }

    /// Handles one line; `false` at the end of all files.
    fn step(&mut self) -> bool {
        let keys = keys(&self.sources, &mut self.files, self.by, &mut self.told);
        let Some(at) = self.merge.next_line(&mut self.counters, &mut { keys }) else {
            return false;
        };
        let label = &self.labels[at.source as usize];
        let file = &self.files[at.source as usize];
        let Some(layout) = file.layout() else {
            self.counters.hit(checks::UNREADABLE, label, at.position, || {
                format!("no layout of columns known: {}", reader_sample(at.line))
            });
            return true;
        };
        let row = Row::new(layout, at.line);
        if !row.is_whole() {
            let half = if at.is_terminated { "" } else { ", and the file ends inside this line" };
            self.counters.hit(checks::UNREADABLE, label, at.position, || {
                format!("fewer than {} columns{half}: {}", layout.n_needed(), reader_sample(at.line))
            });
            return true;
        }
        if is_told(&mut self.told, &row, &file.symbol, self.by.is_receive(), at.source) {
            self.counters.unknown_stream("aggregated trades beside the trades themselves", label, at.position);
            return true;
        }
        let mut sink =
            Sink { assembler: &mut self.assembler, units: &mut self.units, counters: &mut self.counters, label, at };
        if let Err(bad) = sink.row(&row, &file.symbol) {
            sink.invalid(bad);
        }
        true
    }

    /// Whether it stands between two files that do not overlap, or behind all.
    fn is_between(&mut self) -> bool {
        let mut key = keys(&self.sources, &mut self.files, self.by, &mut self.told);
        self.merge.is_between(&mut self.counters, &mut key) && (self.by.rests() || self.merge.has_opened_all())
    }
}

impl File {
    /// Looks at the start of the file.
    fn look(&mut self, source: &Source) {
        let head = if source.problem.is_none() { Head::read(source).ok() } else { None };
        let layout = head.as_ref().and_then(|head| layout_of(head.lines()));
        let mut traded = BTreeSet::new();
        if let (Some(head), Some(layout)) = (&head, &layout) {
            let rows = head.lines().map(|line| Row::new(layout, line)).filter(Row::is_whole);
            for row in rows.filter(|row| row.kind() == RowKind::Trade) {
                let name = symbol_of(&row, &self.symbol);
                if !traded.contains(&*name) {
                    traded.insert(name.into_owned());
                }
            }
        }
        self.start = Some(Start { layout, traded });
    }

    fn layout(&self) -> Option<&Layout> {
        self.start.as_ref()?.layout.as_ref()
    }
}

/// Says where lines of files go, and notes which files tell of trades.
fn keys<'a>(
    sources: &'a [Source],
    files: &'a mut [File],
    by: By,
    told: &'a mut Told,
) -> impl FnMut(u32, &[u8]) -> Keyed + 'a {
    move |source, line| {
        let file = &mut files[source as usize];
        if file.start.is_none() {
            file.look(&sources[source as usize]);
        }
        let is_first = !file.seen_row;
        let keyed = keyed(file, by.is_receive(), line);
        if is_first && file.seen_row {
            file.start.iter().flat_map(|start| &start.traded).for_each(|symbol| told.add(symbol, source));
        }
        if let Keyed::At((t_ns, _)) = keyed {
            told.see(source, t_ns);
        }
        keyed
    }
}

/// The symbol of a row in upper case: its own, else the file's.
fn symbol_of<'a>(row: &Row<'a>, symbol_of_file: &'a str) -> Cow<'a, str> {
    match row.symbol() {
        None => Cow::Borrowed(symbol_of_file),
        Some(name) => upper(String::from_utf8_lossy(name)),
    }
}

/// Most names need no change, and then no memory.
fn upper(name: Cow<'_, str>) -> Cow<'_, str> {
    let is_other = name.bytes().any(|b| b.is_ascii_lowercase() || !b.is_ascii());
    if is_other { Cow::Owned(name.to_uppercase()) } else { name }
}

/// Whether a row is an aggregated trade whose fills a file with plain trades tells; of a plain trade it is noted that its file does.
fn is_told(told: &mut Told, row: &Row<'_>, symbol_of_file: &str, by_receive: bool, source: u32) -> bool {
    match row.kind() {
        RowKind::Trade => {
            told.add(&symbol_of(row, symbol_of_file), source);
            false
        }
        RowKind::AggTrade => {
            time_of(row, by_receive).is_some_and(|t_ns| told.covers(&symbol_of(row, symbol_of_file), t_ns))
        }
        _ => false,
    }
}

/// The time by which a row is merged.
fn time_of(row: &Row<'_>, by_receive: bool) -> Option<i64> {
    let is_trade = matches!(row.kind(), RowKind::Trade | RowKind::AggTrade);
    let t_ns = if by_receive { row.receive_ns().ok() } else { row.exchange_ns(is_trade).ok().flatten().map(|t| t.0) };
    t_ns.filter(|t_ns| *t_ns != NO_TIME)
}

/// Where a line goes among those of other files: by time, then trades, aggregated trades, depth, quotes.
fn keyed(file: &mut File, by_receive: bool, line: &[u8]) -> Keyed {
    if !file.seen_row && (is_comment(line) || Layout::of_header(line).is_some()) {
        return Keyed::Header;
    }
    file.seen_row = true;
    let Some(layout) = file.layout() else { return Keyed::WithLineBefore };
    let row = Row::new(layout, line);
    let rank = match row.kind() {
        RowKind::Trade => 0,
        RowKind::AggTrade => 1,
        RowKind::SnapshotLevel => 2,
        RowKind::Level => 3,
        RowKind::Quote => 4,
        RowKind::Unknown(_) => return Keyed::WithLineBefore,
    };
    time_of(&row, by_receive).map_or(Keyed::WithLineBefore, |t_ns| Keyed::At((t_ns, rank)))
}

/// Turns one row into events.
struct Sink<'a> {
    assembler: &'a mut Assembler,
    units: &'a mut Vec<Option<EpochUnit>>,
    counters: &'a mut FeedCounters,
    label: &'a str,
    at: At<'a>,
}

impl<'a> Sink<'a> {
    /// # Errors
    /// The first value that the row cannot do without and that has no exact form.
    fn row(&mut self, row: &Row<'a>, symbol_of_file: &str) -> Result<(), BadValue<'a>> {
        let kind = row.kind();
        if let RowKind::Unknown(name) = kind {
            let name = String::from_utf8_lossy(&name[..name.len().min(64)]).into_owned();
            self.counters.unknown_stream(&name, self.label, self.at.position);
            return Ok(());
        }
        let stream = self.stream(row, symbol_of_file)?;
        let place = Place { stream, source: self.at.source, position: self.at.position };
        let is_trade = matches!(kind, RowKind::Trade | RowKind::AggTrade);
        let exchange = row.exchange_ns(is_trade)?;
        if let Some((_, stamp, unit)) = exchange {
            self.check_unit(stream, stamp, unit);
        }
        let event = Event {
            t_exchange_ns: exchange.map_or(NO_TIME, |(ns, ..)| ns),
            t_receive_ns: row.receive_ns()?,
            ..blank(self.at.position)
        };
        match kind {
            RowKind::Trade | RowKind::AggTrade => self.trade(row, place, event)?,
            RowKind::Level | RowKind::SnapshotLevel => {
                self.level(row, place, event, kind == RowKind::SnapshotLevel)?;
            }
            RowKind::Quote => {
                let bid = (row.decimal(Column::BidPrice)?, row.decimal(Column::BidQty)?);
                let ask = (row.decimal(Column::AskPrice)?, row.decimal(Column::AskQty)?);
                let event = Event { id: row.id(Column::LastId)?, ..event };
                self.assembler.message(place, |out| batch::push_quotes(event, bid, ask, out));
            }
            RowKind::Unknown(_) => {}
        }
        self.assembler.flush_if_full(stream);
        Ok(())
    }

    fn trade(&mut self, row: &Row<'a>, place: Place, event: Event) -> Result<(), BadValue<'a>> {
        let (price, qty) = (row.decimal(Column::Price)?, row.decimal(Column::Qty)?);
        let id = row.id(Column::TradeId)?;
        // A trade without a known aggressor is still a trade.
        let side = row.aggressor().unwrap_or_else(|bad| {
            self.invalid(bad);
            Side::None
        });
        self.assembler.trade(place, Event { price, qty, id, side, ..event });
        Ok(())
    }

    fn level(&mut self, row: &Row<'a>, place: Place, event: Event, is_snapshot: bool) -> Result<(), BadValue<'a>> {
        let update = Update {
            is_snapshot,
            t_exchange_ns: event.t_exchange_ns,
            t_receive_ns: event.t_receive_ns,
            first_id: if is_snapshot { NO_ID } else { row.id(Column::FirstId)? },
            last_id: row.id(Column::LastId)?,
            prev_id: if is_snapshot { NO_ID } else { row.id(Column::PrevId)? },
            group: None,
        };
        let is_empty = [Column::Side, Column::Price, Column::Qty].iter().all(|c| row.text(*c).is_none());
        let level = match is_empty {
            true => None,
            false => Some((row.book_side()?, row.decimal(Column::Price)?, row.decimal(Column::Qty)?)),
        };
        self.assembler.level(place, update, level);
        Ok(())
    }

    /// The stream of the row: that of its stream name, else its symbol, else the file's.
    fn stream(&mut self, row: &Row<'a>, symbol_of_file: &str) -> Result<usize, BadValue<'a>> {
        let own = row.text(Column::Symbol);
        if let (Some(symbol), Some(own)) = (row.symbol(), own)
            && !symbol.eq_ignore_ascii_case(own)
        {
            self.invalid(BadValue { column: Column::Symbol, text: own, reason: "not that of its stream" });
        }
        let Some(symbol) = row.symbol() else {
            let bad = BadValue { column: Column::Symbol, text: b"", reason: "no name" };
            return self.assembler.stream("", symbol_of_file).ok_or(bad);
        };
        let bad = BadValue {
            column: Column::Symbol,
            text: symbol,
            reason: "empty, too long, not text, or one more than --max-streams allows",
        };
        let name = std::str::from_utf8(symbol).map_err(|_| bad)?;
        self.assembler.stream("", &upper(Cow::Borrowed(name))).ok_or(bad)
    }

    fn check_unit(&mut self, stream: usize, stamp: i64, unit: EpochUnit) {
        if self.units.len() <= stream {
            self.units.resize(stream + 1, None);
        }
        let first = *self.units[stream].get_or_insert(unit);
        if first != unit {
            self.counters.hit(checks::TIME_UNIT, self.label, self.at.position, || {
                format!("exchange time {stamp} is in another unit ({unit:?}) than the first ({first:?})")
            });
        }
    }

    fn invalid(&mut self, bad: BadValue<'_>) {
        self.counters.hit(checks::INVALID_VALUE, self.label, self.at.position, || {
            format!("{} {:?}: {}", bad.column.name(), reader_sample(bad.text), bad.reason)
        });
    }
}

impl EventReader for BinanceCsvReader {
    fn streams(&self) -> &[StreamName] {
        self.assembler.names()
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        block.clear();
        // Bounded by the number of lines.
        while !self.assembler.is_ready() && !self.done && !self.merge.is_resting() {
            if !self.step() {
                self.done = true;
                self.assembler.finish();
            } else if self.is_between() {
                // An update ends with the files that tell of it, whether somebody rests there or not. Trades of theirs are over for
                // aggregated ones of later files: the first row of such a file with a time would find them so.
                self.assembler.finish();
                self.told.end();
                self.merge.pause();
            }
        }
        self.counters.set_totals(self.merge.lines_since_rest());
        let more = self.assembler.pop(block, &self.labels);
        let bytes = self.bytes();
        block.bytes = bytes - self.bytes_reported;
        self.bytes_reported = bytes;
        Ok(more)
    }

    fn counters(&self) -> &FeedCounters {
        &self.counters
    }

    fn messages(&self) -> u64 {
        self.merge.lines()
    }

    fn bytes(&self) -> u64 {
        self.merge.bytes()
    }

    fn rest(&mut self) -> Option<Rest> {
        let Self { merge, counters, units, assembler, .. } = self;
        merge.rest(counters, |carry| {
            units.save(carry);
            assembler.save_names(carry);
        })
    }
}
