//! Reads the files of one or several symbols as sequences of rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use verismo_market::event::{Event, NO_ID, NO_TIME, Side};

use super::fields::{BadValue, Row, RowKind};
use super::layout::{Column, Layout, LayoutKind};
use super::sniff::{is_comment, layout_of};
use crate::assemble::{Assembler, Place, Update, blank};
use crate::batch;
use crate::block::{Block, EventReader, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::epoch::EpochUnit;
use crate::error::FeedError;
use crate::inventory::{Head, Source, UNKNOWN_SYMBOL};
use crate::json::reader_sample;
use crate::merge::{At, Keyed, LineMerge};

/// Reads an ordered group of files, merged row by row.
pub struct BinanceCsvReader {
    merge: LineMerge,
    labels: Vec<Arc<str>>,
    files: Vec<File>,
    by_receive: bool,
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
    layout: Option<Layout>,
    /// Symbol of rows that name none.
    symbol: String,
    /// Rows that another file tells better, by what they are.
    is_redundant: bool,
    seen_row: bool,
}

impl BinanceCsvReader {
    /// A reader of `sources`; `symbol` is that of files whose rows and names tell none.
    pub fn new(mut sources: Vec<Source>, symbol: Option<&str>) -> Self {
        let layout = |s: &Source| match &s.problem {
            Some(_) => None,
            None => Head::read(s).ok().and_then(|head| layout_of(head.lines())),
        };
        let layouts: Vec<Option<Layout>> = sources.iter().map(layout).collect();
        let readable = || sources.iter().zip(&layouts).filter(|(_, layout)| layout.is_some());
        let by_receive = readable().all(|(s, _)| s.first.t_receive_ns != NO_TIME);
        let mut files: Vec<(Source, Option<Layout>)> = sources.drain(..).zip(layouts).collect();
        for (source, _) in &mut files {
            // Lines are merged by this time: receive times are epoch stamps or all of one session.
            source.first.t_exchange_ns =
                if by_receive { source.first.t_receive_ns } else { source.first.t_exchange_ns };
        }
        files.sort_by_key(|(s, layout)| (s.first.t_exchange_ns, layout.map(|l| l.kind), s.first, s.bytes));
        let named = |s: &Source| {
            let name = s.symbol.as_deref().or(symbol).unwrap_or(UNKNOWN_SYMBOL);
            name.to_uppercase()
        };
        let with_trades: BTreeSet<String> = files
            .iter()
            .filter(|(_, layout)| layout.is_some_and(|l| l.kind == LayoutKind::Trades))
            .map(|(s, _)| named(s))
            .collect();
        let (sources, files) = files
            .into_iter()
            .map(|(source, layout)| {
                let symbol = named(&source);
                let is_aggregated = layout.is_some_and(|l| l.kind == LayoutKind::AggTrades);
                let is_redundant = is_aggregated && with_trades.contains(&symbol);
                (source, File { layout, symbol, is_redundant, seen_row: false })
            })
            .unzip();
        let merge = LineMerge::new(sources);
        Self {
            labels: merge.labels().to_vec(),
            merge,
            files,
            by_receive,
            assembler: Assembler::default(),
            units: Vec::new(),
            counters: FeedCounters::default(),
            bytes_reported: 0,
            done: false,
        }
    }

    /// Handles one line; `false` at the end of all files.
    fn step(&mut self) -> bool {
        let (files, by_receive) = (&mut self.files, self.by_receive);
        let mut key = |source: u32, line: &[u8]| keyed(&mut files[source as usize], by_receive, line);
        let Some(at) = self.merge.next_line(&mut self.counters, &mut key) else {
            return false;
        };
        let label = &self.labels[at.source as usize];
        let file = &self.files[at.source as usize];
        let Some(layout) = &file.layout else {
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
        if file.is_redundant {
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
}

/// Where a line goes among those of other files: by time, then trades, depth, quotes.
fn keyed(file: &mut File, by_receive: bool, line: &[u8]) -> Keyed {
    if !file.seen_row && (is_comment(line) || Layout::of_header(line).is_some()) {
        return Keyed::Header;
    }
    file.seen_row = true;
    let Some(layout) = &file.layout else { return Keyed::WithLineBefore };
    let row = Row::new(layout, line);
    let (rank, is_trade) = match row.kind() {
        RowKind::Trade | RowKind::AggTrade => (0, true),
        RowKind::SnapshotLevel => (1, false),
        RowKind::Level => (2, false),
        RowKind::Quote => (3, false),
        RowKind::Unknown(_) => return Keyed::WithLineBefore,
    };
    let time = if by_receive { row.receive_ns().ok() } else { row.exchange_ns(is_trade).ok().flatten().map(|t| t.0) };
    match time {
        Some(ns) if ns != NO_TIME => Keyed::At((ns, rank)),
        _ => Keyed::WithLineBefore,
    }
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
        let of_stream = row.text(Column::Stream).map(|s| s.split(|b| *b == b'@').next().unwrap_or(s));
        let own = row.text(Column::Symbol);
        if let (Some(of_stream), Some(own)) = (of_stream, own)
            && !of_stream.eq_ignore_ascii_case(own)
        {
            self.invalid(BadValue { column: Column::Symbol, text: own, reason: "not that of its stream" });
        }
        let Some(symbol) = of_stream.or(own) else {
            let bad = BadValue { column: Column::Symbol, text: b"", reason: "no name" };
            return self.assembler.stream("", symbol_of_file).ok_or(bad);
        };
        let bad = BadValue { column: Column::Symbol, text: symbol, reason: "empty, too long or not text" };
        let name = std::str::from_utf8(symbol).map_err(|_| bad)?;
        // Most names need no change, and then no memory.
        if name.bytes().any(|b| b.is_ascii_lowercase() || !b.is_ascii()) {
            self.assembler.stream("", &name.to_uppercase()).ok_or(bad)
        } else {
            self.assembler.stream("", name).ok_or(bad)
        }
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
        while !self.assembler.is_ready() && !self.done {
            if !self.step() {
                self.done = true;
                self.assembler.finish();
            }
        }
        self.counters.set_totals(self.merge.lines());
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
}
