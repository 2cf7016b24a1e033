//! Reads the tables of one symbol as one sequence of rows.

use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use verismo_market::event::{Event, NO_ID, NO_TIME, Side};
use verismo_stats::state::{Carry, DecodeError};

use super::chunk::{Chunk, next_chunk};
use super::sniff::{each_name, names_of_file};
use super::tables::{Columns, SYMBOL, Table};
use crate::assemble::{Assembler, Place, Update, blank};
use crate::batch;
use crate::block::{Block, EventReader, Rest, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::epoch::EpochUnit;
use crate::error::FeedError;
use crate::inventory::{Source, UNKNOWN_SYMBOL};
use crate::merge::By;
use crate::parquet::Footer;
use crate::parquet::footer::{self, guarded};
use crate::parquet::values::BAD;
use crate::rests::Rests;

/// Rows decoded at a time.
const CHUNK_ROWS: usize = 8192;

/// Reads an ordered group of files, merged row by row; each is opened when its first row is due.
pub struct LakeReader {
    sources: Vec<Source>,
    labels: Vec<Arc<str>>,
    /// Symbol of rows and files that tell none.
    symbol: String,
    /// The table of each source that can be read.
    columns: Vec<Option<Columns>>,
    by: By,
    /// Whether there are changes of the stream.
    has_deltas: Vec<bool>,
    next: usize,
    cursors: Vec<Cursor>,
    assembler: Assembler,
    /// Whether the stream has had its snapshot.
    is_anchored: Vec<bool>,
    /// The snapshot that is being read.
    anchor: Option<Anchor>,
    unit: Option<EpochUnit>,
    counters: FeedCounters,
    rows: u64,
    bytes: u64,
    bytes_reported: u64,
    done: bool,
    /// Whether readers of these files may rest between them.
    may_rest: bool,
    rests: Rests,
}

/// The first book row of a stream. Changes of its number and time that follow at once are its deeper levels.
struct Anchor {
    place: Place,
    event: Event,
    /// Bids and asks: price and quantity.
    sides: [Vec<(i64, i64)>; 2],
}

/// One open file.
struct Cursor {
    source: u32,
    columns: Columns,
    /// Exchange and symbol of rows that tell none.
    names: (String, String),
    reader: ParquetRecordBatchReader,
    chunk: Chunk,
    row: usize,
    rows_before: u64,
    /// The time of the latest row that had one: a row without stays with the row before it.
    key_ns: i64,
    /// The stream of the latest row, and its names.
    stream: Option<(String, String, usize)>,
}

/// Where a row goes among those of other files.
type Key = (i64, Table, u32);

impl LakeReader {
    /// A reader of the files of one symbol; `symbol` is that of files that tell none.
    pub fn new(mut sources: Vec<Source>, symbol: Option<&str>) -> Self {
        let (by, may_rest) = (By::of(&sources), may_rest(&sources));
        let columns = |s: &Source| match &s.problem {
            Some(_) => None,
            None => Footer::read(&s.path).ok().and_then(|footer| Columns::of(&footer.schema)),
        };
        let mut known: Vec<(Source, Option<Columns>)> = sources.drain(..).map(|s| (s.clone(), columns(&s))).collect();
        known.sort_by_key(|(s, c)| (by.start_ns(s), c.as_ref().map(|c| c.table), s.first, s.bytes));
        let (sources, columns): (Vec<Source>, Vec<Option<Columns>>) = known.into_iter().unzip();
        let mut reader = Self {
            labels: sources.iter().map(|s| Arc::from(s.path.display().to_string())).collect(),
            symbol: symbol.unwrap_or(UNKNOWN_SYMBOL).to_owned(),
            has_deltas: Vec::new(),
            assembler: Assembler::new(&sources),
            sources,
            columns,
            by,
            next: 0,
            cursors: Vec::new(),
            is_anchored: Vec::new(),
            anchor: None,
            unit: None,
            counters: FeedCounters::default(),
            rows: 0,
            bytes: 0,
            bytes_reported: 0,
            done: false,
            may_rest,
            rests: Rests::new(),
        };
        reader.find_deltas();
        reader
    }

    /// The same, resting between files, and going on at the rest before file `next`.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that no such reader has handed on.
    pub fn resting(mut self, next: usize, carry: &[u8]) -> Result<Self, DecodeError> {
        self.next = next;
        let Self { rests, counters, unit, assembler, .. } = &mut self;
        rests.go_on(next, carry, counters, |input| {
            unit.load(input)?;
            assembler.load_names(input)
        })?;
        Ok(self)
    }

    /// Whether a reader that rested with this carry rests before source `next` of these.
    pub(crate) fn rests_before(sources: &[Source], next: usize, carry: &[u8]) -> bool {
        let by = By::of(sources);
        sources.get(next).is_none_or(|s| may_rest(sources) && Rests::was_over_before(carry, by.start_ns(s)))
    }

    /// Whether it stands between two files that do not overlap, or behind all.
    fn is_between(&self) -> bool {
        let is_over = |source: &Source| self.may_rest && self.rests.is_over_before(self.by.start_ns(source));
        self.cursors.is_empty() && self.sources.get(self.next).is_none_or(is_over)
    }

    /// Notes the streams that have changes: of one symbol, one venue may have them and another not.
    fn find_deltas(&mut self) {
        let is_of = |columns: &Option<Columns>, table| columns.as_ref().is_some_and(|c| c.table == table);
        if !self.columns.iter().any(|c| is_of(c, Table::Book)) {
            return;
        }
        for index in (0..self.sources.len()).filter(|&i| is_of(&self.columns[i], Table::Delta)).collect::<Vec<_>>() {
            let (venue, symbol) = self.names_of(index, Table::Delta);
            let path = &self.sources[index].path;
            let assembler = &mut self.assembler;
            let has_deltas = &mut self.has_deltas;
            // A file that breaks off has told its streams up to there; the break is counted when its rows are read.
            let _ = each_name(path, |own_venue, own_symbol| {
                let own_symbol = own_symbol.filter(|symbol| !symbol.is_empty());
                let stream = assembler.stream(own_venue.unwrap_or(&venue), own_symbol.unwrap_or(&symbol));
                if let Some(stream) = stream {
                    set(has_deltas, stream);
                }
            });
        }
    }

    /// Exchange and symbol of rows of the file that tell none.
    fn names_of(&self, index: usize, table: Table) -> (String, String) {
        let source = &self.sources[index];
        let names = names_of_file(&source.path, table);
        names.unwrap_or_else(|| (String::new(), source.symbol.clone().unwrap_or_else(|| self.symbol.clone())))
    }

    /// Opens the next file if its first row is due at `key_ns`, or unconditionally; `false` if none was opened.
    fn open_due(&mut self, key_ns: Option<i64>) -> bool {
        let Some(source) = self.sources.get(self.next) else {
            return false;
        };
        if key_ns.is_some_and(|key_ns| self.by.start_ns(source) > key_ns) {
            return false;
        }
        let index = self.next;
        self.next += 1;
        self.bytes += source.bytes;
        match self.open(index) {
            Ok(Some(cursor)) => {
                self.unit.get_or_insert(cursor.chunk.unit);
                self.report_stamps_and_ids(&cursor);
                self.cursors.push(cursor);
            }
            Ok(None) => {}
            Err(error) => self.broken(index as u32, 0, &error),
        }
        true
    }

    fn open(&self, index: usize) -> Result<Option<Cursor>, FeedError> {
        let source = &self.sources[index];
        if let Some(problem) = &source.problem {
            return Err(problem.clone());
        }
        let Some(columns) = self.columns[index].clone() else {
            return Err(FeedError::corrupt(&source.path, "the footer", "it could be read before, and cannot now"));
        };
        let path = &source.path;
        let mut reader = guarded(path, "row 1", || footer::open(path, &columns.wanted(), CHUNK_ROWS, None))?;
        let Some(chunk) = next_chunk(path, &columns, &mut reader, 0, self.unit)? else {
            return Ok(None);
        };
        let names = self.names_of(index, columns.table);
        let key_ns = self.by.start_ns(source);
        let source = index as u32;
        Ok(Some(Cursor { source, columns, names, reader, chunk, row: 0, rows_before: 0, key_ns, stream: None }))
    }

    fn broken(&mut self, source: u32, position: u64, error: &FeedError) {
        self.counters.hit(checks::TRUNCATED_FILE, &self.labels[source as usize], position, || error.to_string());
    }

    /// Counts what is odd about the stamps and ids of the rows that were decoded last.
    fn report_stamps_and_ids(&mut self, cursor: &Cursor) {
        let first = self.unit.unwrap_or(cursor.chunk.unit);
        for &(row, unit) in &cursor.chunk.odd_units {
            let position = cursor.rows_before + row as u64 + 1;
            self.counters.hit(checks::TIME_UNIT, &self.labels[cursor.source as usize], position, || {
                let name = &cursor.columns.origin;
                let value = cursor.chunk.shown(name, row);
                format!("{name} {value} is in another unit ({unit:?}) than the first ({first:?})")
            });
        }
        let name = cursor.columns.id.as_deref().unwrap_or_default();
        for &row in &cursor.chunk.bad_ids {
            let position = cursor.rows_before + row as u64 + 1;
            self.counters.hit(checks::INVALID_VALUE, &self.labels[cursor.source as usize], position, || {
                format!("{name} is {}", cursor.chunk.shown(name, row))
            });
        }
    }

    fn key(&self, cursor: &Cursor) -> Key {
        (cursor.key_at(cursor.row, self.by), cursor.columns.table, cursor.source)
    }

    /// Handles a run of rows of one file; `false` at the end of all files.
    fn step(&mut self) -> bool {
        // Bounded by the number of files.
        while self.cursors.is_empty() {
            if !self.open_due(None) {
                return false;
            }
        }
        let earliest = |reader: &Self| (0..reader.cursors.len()).min_by_key(|&i| reader.key(&reader.cursors[i]));
        let mut at = earliest(self).unwrap_or(0);
        while self.open_due(Some(self.key(&self.cursors[at]).0)) {
            at = earliest(self).unwrap_or(0);
        }
        let mut cursor = self.cursors.swap_remove(at);
        let others = self.cursors.iter().map(|c| self.key(c));
        let unopened = self.sources.get(self.next).map(|s| (self.by.start_ns(s), Table::Trades, 0));
        let bound = others.chain(unopened).min();
        // The first row is due; the others as long as no other file's row is before them.
        loop {
            self.row(&mut cursor);
            cursor.advance(self.by);
            self.rests.see(cursor.key_ns);
            if cursor.row >= cursor.chunk.len() || bound.is_some_and(|bound| self.key(&cursor) >= bound) {
                break;
            }
        }
        let path = self.sources[cursor.source as usize].path.clone();
        match cursor.refill(&path, self.unit) {
            Ok(Refill::Same) => self.cursors.push(cursor),
            Ok(Refill::New) => {
                self.report_stamps_and_ids(&cursor);
                self.cursors.push(cursor);
            }
            Ok(Refill::End) => {}
            Err(error) => self.broken(cursor.source, cursor.position(), &error),
        }
        true
    }

    /// Turns the row at the cursor into events.
    fn row(&mut self, cursor: &mut Cursor) {
        self.rows += 1;
        let (row, position) = (cursor.row, cursor.position());
        let Some(stream) = self.stream(cursor) else {
            self.counters.hit(checks::INVALID_VALUE, &self.labels[cursor.source as usize], position, || {
                format!(
                    "{SYMBOL} {} is empty, too long, not text, or one more than --max-streams allows",
                    cursor.chunk.shown(SYMBOL, row)
                )
            });
            return;
        };
        let place = Place { stream, source: cursor.source, position };
        if cursor.columns.table == Table::Delta && self.deepen(cursor, place) {
            return;
        }
        self.release_anchor();
        match cursor.columns.table {
            Table::Trades => self.trade(cursor, place),
            Table::Book => self.book(cursor, place),
            Table::Delta => self.delta(cursor, place),
        }
        self.assembler.flush_if_full(stream);
    }

    /// The stream of the row; rows of one file are nearly always of one.
    fn stream(&mut self, cursor: &mut Cursor) -> Option<usize> {
        let venue = cursor.chunk.exchange(cursor.row).unwrap_or(&cursor.names.0);
        let symbol = cursor.chunk.symbol(cursor.row).unwrap_or(&cursor.names.1);
        if let Some((last_venue, last_symbol, stream)) = &cursor.stream
            && last_venue == venue
            && last_symbol == symbol
        {
            return Some(*stream);
        }
        let stream = self.assembler.stream(venue, symbol)?;
        cursor.stream = Some((venue.to_owned(), symbol.to_owned(), stream));
        Some(stream)
    }

    fn trade(&mut self, cursor: &Cursor, place: Place) {
        let (chunk, row) = (&cursor.chunk, cursor.row);
        let (price, qty) = (chunk.price[row], chunk.qty[row]);
        if price <= BAD || qty <= BAD {
            return self.invalid_row(cursor, place);
        }
        // A trade without a known aggressor is still a trade.
        let side = chunk.side[row].unwrap_or_else(|| {
            self.invalid_value(cursor, &cursor.columns.side, place);
            Side::None
        });
        self.assembler.trade(place, Event { price, qty, side, ..event(cursor, place.position) });
    }

    fn delta(&mut self, cursor: &Cursor, place: Place) {
        let (chunk, row) = (&cursor.chunk, cursor.row);
        let (price, qty) = (chunk.price[row], chunk.qty[row]);
        if price <= BAD || qty <= BAD {
            return self.invalid_row(cursor, place);
        }
        let Some(side) = chunk.side[row] else {
            return self.invalid_value(cursor, &cursor.columns.side, place);
        };
        let Event { t_exchange_ns, t_receive_ns, id: last_id, .. } = event(cursor, place.position);
        let update = Update {
            is_snapshot: false,
            t_exchange_ns,
            t_receive_ns,
            first_id: NO_ID,
            last_id,
            prev_id: NO_ID,
            group: (t_receive_ns != NO_TIME).then_some(t_receive_ns),
        };
        self.assembler.level(place, update, Some((side, price, qty)));
    }

    /// Whether the row is a deeper level of the snapshot that is being read; it is then added to it.
    fn deepen(&mut self, cursor: &Cursor, place: Place) -> bool {
        let (chunk, row) = (&cursor.chunk, cursor.row);
        let (price, qty, side) = (chunk.price[row], chunk.qty[row], chunk.side[row]);
        let Some(anchor) = &mut self.anchor else { return false };
        let is_same = anchor.place.stream == place.stream
            && anchor.event.id != NO_ID
            && anchor.event.id == chunk.ids[row]
            && anchor.event.t_exchange_ns == chunk.t_exchange_ns[row];
        let levels = match side {
            Some(Side::Bid) => &mut anchor.sides[0],
            Some(Side::Ask) => &mut anchor.sides[1],
            _ => return false,
        };
        // A level that the book row shows stays as it shows it.
        let is_level = price > BAD && qty > 0;
        if is_same && is_level && !levels.iter().any(|level| level.0 == price) {
            levels.push((price, qty));
        }
        is_same && is_level
    }

    fn release_anchor(&mut self) {
        if let Some(Anchor { place, event, sides: [bids, asks] }) = self.anchor.take() {
            self.assembler.message(place, |out| batch::push_snapshot(event, &bids, &asks, out));
        }
    }

    fn book(&mut self, cursor: &Cursor, place: Place) {
        let mut sides: [Vec<(i64, i64)>; 2] = [Vec::new(), Vec::new()];
        for (i, side) in sides.iter_mut().enumerate() {
            for (level, (prices, sizes)) in cursor.chunk.levels[i].iter().enumerate() {
                let (price, qty) = (prices[cursor.row], sizes[cursor.row]);
                if price > BAD && qty > BAD {
                    side.push((price, qty));
                    continue;
                }
                let (price_name, size_name) = &cursor.columns.levels[i][level];
                let is_absent = |name: &str| matches!(cursor.chunk.shown(name, cursor.row).as_str(), "null" | "NaN");
                // A book with fewer levels has nothing in the others.
                if !(is_absent(price_name) && is_absent(size_name)) {
                    let name = if price <= BAD { price_name } else { size_name };
                    self.invalid_value(cursor, name, place);
                }
            }
            side.retain(|(_, qty)| *qty != 0);
        }
        let [bids, asks] = sides;
        let event = event(cursor, place.position);
        let has_deltas = self.has_deltas.get(place.stream).is_some_and(|has| *has);
        if has_deltas && set(&mut self.is_anchored, place.stream) {
            match (bids.first(), asks.first()) {
                (Some(&bid), Some(&ask)) => {
                    self.assembler.message(place, |out| batch::push_quotes(event, bid, ask, out));
                }
                _ => self.counters.hit(
                    checks::INVALID_VALUE,
                    &self.labels[place.source as usize],
                    place.position,
                    || "a book with an empty side".to_owned(),
                ),
            }
            return;
        }
        self.anchor = Some(Anchor { place, event, sides: [bids, asks] });
    }

    fn invalid_row(&mut self, cursor: &Cursor, place: Place) {
        let name = if cursor.chunk.price[cursor.row] <= BAD { &cursor.columns.price } else { &cursor.columns.qty };
        self.invalid_value(cursor, name, place);
    }

    fn invalid_value(&mut self, cursor: &Cursor, name: &str, place: Place) {
        self.counters.hit(checks::INVALID_VALUE, &self.labels[place.source as usize], place.position, || {
            format!("{name} is {}", cursor.chunk.shown(name, cursor.row))
        });
    }
}

/// Sets the truth of the stream; gives what it was.
fn set(truths: &mut Vec<bool>, stream: usize) -> bool {
    if truths.len() <= stream {
        truths.resize(stream + 1, false);
    }
    std::mem::replace(&mut truths[stream], true)
}

/// The row's times and id.
fn event(cursor: &Cursor, position: u64) -> Event {
    let (chunk, row) = (&cursor.chunk, cursor.row);
    Event {
        t_exchange_ns: chunk.t_exchange_ns[row],
        t_receive_ns: chunk.receive_ns(row),
        id: chunk.ids[row],
        ..blank(position)
    }
}

enum Refill {
    Same,
    New,
    End,
}

impl Cursor {
    fn position(&self) -> u64 {
        self.rows_before + self.row as u64 + 1
    }

    fn key_at(&self, row: usize, by: By) -> i64 {
        let ns = if by.is_receive() { self.chunk.receive_ns(row) } else { self.chunk.t_exchange_ns[row] };
        if ns == NO_TIME { self.key_ns } else { ns }
    }

    fn advance(&mut self, by: By) {
        self.key_ns = self.key_at(self.row, by);
        self.row += 1;
    }

    /// Decodes the next rows once the current ones are used.
    fn refill(&mut self, path: &Path, unit: Option<EpochUnit>) -> Result<Refill, FeedError> {
        if self.row < self.chunk.len() {
            return Ok(Refill::Same);
        }
        let rows = self.rows_before + self.chunk.len() as u64;
        match next_chunk(path, &self.columns, &mut self.reader, rows, unit)? {
            Some(chunk) => {
                self.chunk = chunk;
                self.row = 0;
                self.rows_before = rows;
                Ok(Refill::New)
            }
            None => Ok(Refill::End),
        }
    }
}

impl EventReader for LakeReader {
    fn streams(&self) -> &[StreamName] {
        self.assembler.names()
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        block.clear();
        // Bounded by the number of rows.
        while !self.assembler.is_ready() && !self.done && !self.rests.is_resting() {
            let is_over = !self.step();
            if is_over || self.is_between() {
                // An update ends with the files that tell of it, whether somebody rests there or not.
                self.release_anchor();
                self.assembler.finish();
                self.done = is_over;
                if !is_over {
                    self.rests.pause();
                }
            }
        }
        self.counters.set_totals(self.rests.since(self.rows));
        let more = self.assembler.pop(block, &self.labels);
        block.bytes = self.bytes - self.bytes_reported;
        self.bytes_reported = self.bytes;
        Ok(more)
    }

    fn counters(&self) -> &FeedCounters {
        &self.counters
    }

    fn messages(&self) -> u64 {
        self.rows
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn rest(&mut self) -> Option<Rest> {
        let Self { rests, counters, unit, assembler, .. } = self;
        rests.rest((self.next, self.rows), counters, |carry| {
            unit.save(carry);
            assembler.save_names(carry);
        })
    }
}

/// Whether files may be read one by one: in the order of the inventory, and not with books that stand back where any file tells changes.
fn may_rest(sources: &[Source]) -> bool {
    let kinds: Option<Vec<&str>> =
        sources.iter().filter(|s| s.problem.is_none()).map(|s| s.clock_kind.as_deref()).collect();
    let has = |table: Table| kinds.as_ref().is_none_or(|kinds| kinds.contains(&table.name()));
    By::of(sources).rests() && !(has(Table::Book) && has(Table::Delta))
}
