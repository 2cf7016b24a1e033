//! Recognises a file by its content.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use verismo_market::event::{NO_ID, NO_TIME};

use super::{FirstKey, Format, Onset, Source, file_name};
use crate::epoch::{self, EpochUnit};
use crate::error::FeedError;
use crate::input::{self, Compression, LINE_BYTES_MAX, Line, LineReader};
use crate::json::frame::{self, Class, Scratch};
use crate::json::scan::Num;
use crate::{parquet, table};

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sniffed {
    /// The format.
    pub format: Format,
    /// The compression.
    pub compression: Compression,
    /// Resolution of its times in ns.
    pub clock_ns: i64,
}

/// Recognises one file.
///
/// # Errors
/// [`FeedError::WrongFormat`] if the content is nothing we read, or the file's problem.
pub fn sniff(path: &Path) -> Result<Sniffed, FeedError> {
    match source(path, None)? {
        Verdict::Source(source) => match source.problem {
            Some(problem) => Err(problem),
            None => Ok(Sniffed { format: source.format, compression: source.compression, clock_ns: source.clock_ns }),
        },
        Verdict::Ignored(found) => {
            Err(FeedError::WrongFormat { path: path.display().to_string(), expected: "a data file", found })
        }
    }
}

pub(super) enum Verdict {
    Source(Box<Source>),
    Ignored(String),
}

/// Lines looked at before a text is called unknown, and before its first stamps are given up.
const LINES_MAX: usize = 2_000;
/// Bytes looked at in the same search.
const SNIFF_BYTES_MAX: u64 = 8 * 1024 * 1024;

pub(super) fn source(path: &Path, wish: Option<Format>) -> Result<Verdict, FeedError> {
    let bytes = fs::metadata(path).map_err(|e| FeedError::io(path, "look at", &e))?.len();
    let mut source = Source {
        path: path.to_owned(),
        format: wish.unwrap_or(Format::Table),
        compression: Compression::Plain,
        bytes,
        symbol: None,
        clock_ns: 1,
        session: 0,
        first: FirstKey { t_receive_ns: NO_TIME, t_exchange_ns: NO_TIME, id: NO_ID },
        onset: None,
        clock_offset_ns: None,
        rows: None,
        problem: None,
    };
    if bytes == 0 {
        return Ok(Verdict::Ignored("empty file".to_owned()));
    }
    let mut magic = Vec::new();
    let opened = fs::File::open(path).and_then(|f| f.take(4).read_to_end(&mut magic));
    opened.map_err(|e| FeedError::io(path, "read", &e))?;
    if magic == b"PAR1" || (wish == Some(Format::EventsParquet) && has_extension(path, "parquet")) {
        return Ok(parquet_source(source, wish));
    }
    source.compression = Compression::of(&magic);
    if wish == Some(Format::EventsParquet) {
        return Ok(Verdict::Ignored("not Parquet".to_owned()));
    }
    Ok(text_source(source, wish))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension))
}

fn parquet_source(mut source: Source, wish: Option<Format>) -> Verdict {
    if wish == Some(Format::GoldenJsonl) {
        return Verdict::Ignored("Parquet, not JSON lines".to_owned());
    }
    let footer = match parquet::Footer::read(&source.path) {
        Ok(footer) => footer,
        Err(problem) => {
            // Without a readable footer nothing tells a table from events; the name of the tree's files does.
            source.format = wish.unwrap_or(if file_name(&source.path).starts_with("events_") {
                Format::EventsParquet
            } else {
                Format::Table
            });
            source.symbol = parquet::symbol_of_path(&source.path);
            source.problem = Some(problem);
            return Verdict::Source(Box::new(source));
        }
    };
    source.rows = Some(footer.rows);
    source.format = wish.unwrap_or(if footer.is_events() { Format::EventsParquet } else { Format::Table });
    if source.format == Format::EventsParquet {
        source.symbol = parquet::symbol_of_path(&source.path);
        if footer.rows == 0 {
            return Verdict::Ignored("no rows".to_owned());
        }
        match footer.first_row(&source.path) {
            Ok(first) => {
                source.clock_ns = first.clock_ns;
                source.first = FirstKey { t_receive_ns: NO_TIME, t_exchange_ns: first.t_exchange_ns, id: first.id };
            }
            Err(problem) => source.problem = Some(problem),
        }
    } else {
        table_facts(&mut source);
    }
    Verdict::Source(Box::new(source))
}

/// The first time of a table, where one is found without being told the column.
fn table_facts(source: &mut Source) {
    if let Some((t_ns, clock_ns)) = table::first_time(source) {
        source.first.t_exchange_ns = t_ns;
        source.clock_ns = clock_ns;
    }
}

fn text_source(mut source: Source, wish: Option<Format>) -> Verdict {
    let bytes = match input::open(&source.path, source.compression, Arc::default()) {
        Ok(bytes) => bytes,
        Err(error) => {
            source.problem = Some(FeedError::io(&source.path, "open", &error));
            source.format = wish.unwrap_or(Format::GoldenJsonl);
            return Verdict::Source(Box::new(source));
        }
    };
    let start = read_start(LineReader::new(Box::new(bytes.take(SNIFF_BYTES_MAX)), LINE_BYTES_MAX));
    if let (Some(detail), None) = (&start.broken, &start.first_text) {
        return broken_text(source, wish, detail);
    }
    let has_header = start.first_text.as_deref().and_then(table::header_of).is_some();
    let is_capture = start.stamps.is_some();
    if wish == Some(Format::Table) || (!is_capture && has_header) {
        return table_source(source, wish, has_header);
    }
    if let Some(stamps) = start.stamps {
        stamps.apply(&mut source);
        source.format = Format::GoldenJsonl;
        return Verdict::Source(Box::new(source));
    }
    let is_named_parquet = has_extension(&source.path, "parquet");
    if looks_like_capture(&source.path) || is_named_parquet {
        source.format = if is_named_parquet { Format::EventsParquet } else { Format::GoldenJsonl };
        source.symbol = parquet::symbol_of_path(&source.path);
        source.problem = Some(FeedError::corrupt(&source.path, "the start", "the content is not what the name says"));
        return Verdict::Source(Box::new(source));
    }
    Verdict::Ignored(match start.first_text {
        None => "no text in it".to_owned(),
        Some(text) => format!("unknown content, starts with {:?}", text.chars().take(40).collect::<String>()),
    })
}

/// What the first lines of a text are.
#[derive(Default)]
struct Start {
    /// The first line that is not blank, or its beginning.
    first_text: Option<String>,
    /// Set once a frame of a capture was seen.
    stamps: Option<Stamps>,
    /// Why the bytes end, if they break off.
    broken: Option<String>,
}

fn read_start(mut lines: LineReader) -> Start {
    let mut start = Start::default();
    let mut scratch = Scratch::default();
    for _ in 0..LINES_MAX {
        let line = match lines.next_line() {
            Line::Whole(range) | Line::Unterminated(range) => &lines.bytes()[range],
            Line::TooLong(_) => continue,
            Line::Broken(detail) => {
                start.broken = Some(detail);
                break;
            }
            Line::End => break,
        };
        if line.trim_ascii().is_empty() {
            continue;
        }
        if start.first_text.is_none() {
            start.first_text = Some(String::from_utf8_lossy(&line[..line.len().min(4096)]).into_owned());
        }
        let Some(frame) = frame::parse(line, &mut scratch).ok().filter(is_frame) else {
            continue;
        };
        if start.stamps.get_or_insert_default().note(&frame) {
            break;
        }
    }
    start
}

fn broken_text(mut source: Source, wish: Option<Format>, detail: &str) -> Verdict {
    source.format = wish.unwrap_or(Format::GoldenJsonl);
    source.problem = Some(FeedError::corrupt(&source.path, "the first block", detail));
    Verdict::Source(Box::new(source))
}

fn table_source(mut source: Source, wish: Option<Format>, has_header: bool) -> Verdict {
    if wish == Some(Format::GoldenJsonl) {
        return Verdict::Ignored("a table, not JSON lines".to_owned());
    }
    if !has_header {
        return Verdict::Ignored("no CSV header in its first line".to_owned());
    }
    source.format = Format::Table;
    table_facts(&mut source);
    Verdict::Source(Box::new(source))
}

/// A file named like a capture that does not read like one is damaged, not foreign.
fn looks_like_capture(path: &Path) -> bool {
    let name = file_name(path);
    [".jsonl", ".jsonl.gz", ".jsonl.zst"].iter().any(|end| name.ends_with(end))
}

fn is_frame(frame: &frame::Frame<'_>) -> bool {
    frame.stream.is_some() || frame.class() != Class::Unknown
}

/// Frames whose clocks are compared: the median of their offsets is not moved by a single wrong stamp.
const OFFSETS: usize = 15;

/// Frames whose stamps tell when a capture starts: with up to 32 late messages the median still lies after the start.
const KEYS: usize = 33;

/// The stamps of the first frames of a capture.
#[derive(Default)]
struct Stamps {
    /// What each frame is merged by.
    keys: Vec<i64>,
    first_receive: Option<i64>,
    first_exchange: Option<i64>,
    first_id: Option<i64>,
    unit: Option<EpochUnit>,
    offsets: Vec<i64>,
}

impl Stamps {
    /// Takes the stamps of a frame; `true` once there are enough.
    fn note(&mut self, frame: &frame::Frame<'_>) -> bool {
        let receive = match frame.receive {
            Num::Value(ns) => Some(ns),
            _ => None,
        };
        self.first_receive = self.first_receive.or(receive);
        self.keys.extend(receive);
        if frame.class() == Class::Unknown {
            return false;
        }
        let Num::Value(stamp) = frame.exchange_stamp(frame.class() == Class::Trade) else {
            return false;
        };
        let (exchange_ns, unit) = epoch::to_ns(stamp);
        if exchange_ns == NO_TIME {
            return false;
        }
        self.unit.get_or_insert(unit);
        if receive.is_none() {
            self.keys.push(exchange_ns);
        }
        if self.first_exchange.is_none() {
            self.first_exchange = Some(exchange_ns);
            self.first_id = match (frame.trade_id, frame.last_id) {
                (Num::Value(id), _) | (_, Num::Value(id)) => Some(id),
                _ => None,
            };
        }
        self.offsets.extend(receive.map(|receive| exchange_ns.saturating_sub(receive)));
        self.keys.len() >= KEYS && (receive.is_none() || self.offsets.len() >= OFFSETS)
    }

    fn apply(mut self, source: &mut Source) {
        self.keys.truncate(KEYS);
        self.keys.sort_unstable();
        source.onset =
            self.keys.first().map(|&earliest_ns| Onset { earliest_ns, typical_ns: self.keys[self.keys.len() / 2] });
        self.offsets.sort_unstable();
        let offset = self.offsets.get(self.offsets.len() / 2).copied();
        // With both clocks the start is where the receive stamp says, told in exchange time.
        let start = offset.zip(self.first_receive).map(|(offset, receive)| receive.saturating_add(offset));
        source.clock_offset_ns = offset;
        source.clock_ns = self.unit.map_or(1, EpochUnit::ns);
        source.first = FirstKey {
            t_receive_ns: self.first_receive.unwrap_or(NO_TIME),
            t_exchange_ns: start.or(self.first_exchange).unwrap_or(NO_TIME),
            id: self.first_id.unwrap_or(NO_ID),
        };
    }
}
