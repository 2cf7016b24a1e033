//! Recognises a file by its content.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use verismo_market::event::{NO_ID, NO_TIME};

use super::formats::FORMATS;
use super::{FirstKey, Format, Source, file_name};
use crate::error::FeedError;
use crate::input::{self, Compression};
use crate::limits::Limits;
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

/// What a format says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Match {
    /// Not this format.
    No,
    /// This format; the facts of the source are filled in.
    Yes,
    /// This format or one of its companions, but nothing to read by itself, and why.
    Ignored(String),
}

/// What a format sees of a file.
pub(crate) struct Probe<'a> {
    /// The file; its name may tell a symbol or a date, never an order.
    pub(crate) path: &'a Path,
    /// Whether the caller asked for this very format: what is doubtful is then a problem to report, not another format.
    pub(crate) is_wished: bool,
    /// Its start.
    pub(crate) content: Content,
}

pub(crate) enum Content {
    /// The footer of a Parquet file.
    Parquet(parquet::Footer),
    /// The first unpacked bytes of anything else.
    Bytes(Head),
}

impl Probe<'_> {
    /// The start of a file that is not Parquet.
    pub(crate) fn head(&self) -> Option<&Head> {
        match &self.content {
            Content::Bytes(head) => Some(head),
            Content::Parquet(_) => None,
        }
    }

    /// The footer of a Parquet file.
    pub(crate) fn footer(&self) -> Option<&parquet::Footer> {
        match &self.content {
            Content::Parquet(footer) => Some(footer),
            Content::Bytes(_) => None,
        }
    }
}

/// Unpacked bytes every format may look at.
const HEAD_BYTES: u64 = 64 * 1024;

/// The first unpacked bytes of a file, at most 64 KiB.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) bytes: Vec<u8>,
    /// Whether that is all of it.
    pub(crate) is_whole: bool,
    /// Why the bytes end, if they break off.
    broken: Option<String>,
}

impl Head {
    pub(crate) fn read(source: &Source) -> std::io::Result<Self> {
        let opened = input::open(&source.path, source.compression, Arc::default())?;
        let mut head = Self::default();
        head.broken = opened.take(HEAD_BYTES).read_to_end(&mut head.bytes).err().map(|e| e.to_string());
        head.is_whole = head.broken.is_none() && (head.bytes.len() as u64) < HEAD_BYTES;
        Ok(head)
    }

    /// Lines that are whole and not blank, without their ends and the byte order mark.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes);
        let end = if self.is_whole { bytes.len() } else { memchr::memrchr(b'\n', bytes).unwrap_or(0) };
        bytes[..end]
            .split(|b| *b == b'\n')
            .map(|l| l.strip_suffix(b"\r").unwrap_or(l))
            .filter(|l| !l.trim_ascii().is_empty())
    }

    /// The beginning of the first line that is not blank.
    pub(crate) fn first_text(&self) -> Option<String> {
        const SHOWN_BYTES: usize = 4096;
        let shown = |line: &[u8]| String::from_utf8_lossy(&line[..line.len().min(SHOWN_BYTES)]).into_owned();
        match self.lines().next() {
            Some(line) => Some(shown(line)),
            // A first line longer than the head is a line all the same, unless the bytes break off inside it.
            None if self.broken.is_none() => Some(shown(self.bytes.trim_ascii_start())).filter(|s| !s.is_empty()),
            None => None,
        }
    }
}

pub(super) fn source(path: &Path, wish: Option<Format>) -> Result<Verdict, FeedError> {
    let metadata = fs::metadata(path).map_err(|e| FeedError::io(path, "look at", &e))?;
    let bytes = metadata.len();
    let mut source = Source {
        path: path.to_owned(),
        format: wish.unwrap_or(Format::Table),
        is_format_guessed: false,
        compression: Compression::Plain,
        bytes,
        modified: metadata.modified().ok(),
        symbol: None,
        clock_ns: 1,
        clock_kind: None,
        session: 0,
        first: FirstKey { t_receive_ns: NO_TIME, t_exchange_ns: NO_TIME, id: NO_ID },
        onset: None,
        clock_offset_ns: None,
        rows: None,
        span_ns: None,
        limits: Limits::DEFAULT,
        problem: None,
    };
    if bytes == 0 {
        return Ok(Verdict::Ignored("empty file".to_owned()));
    }
    let wished = wish.map(Format::row);
    let mut magic = Vec::new();
    let opened = fs::File::open(path).and_then(|f| f.take(4).read_to_end(&mut magic));
    opened.map_err(|e| FeedError::io(path, "read", &e))?;
    if magic == b"PAR1" || (wished.is_some_and(|w| w.is_parquet) && has_extension(path, "parquet")) {
        return Ok(parquet_source(source, wish));
    }
    source.compression = Compression::of(&magic);
    if wished.is_some_and(|w| w.is_parquet) {
        return Ok(Verdict::Ignored("not Parquet".to_owned()));
    }
    Ok(bytes_source(source, wish))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension))
}

/// The first format of the table that knows the content; only the wished one is asked if there is a wish.
fn recognise(source: &mut Source, content: Content, wish: Option<Format>) -> Option<Verdict> {
    let path = source.path.clone();
    let probe = Probe { path: &path, is_wished: wish.is_some(), content };
    for row in FORMATS.iter().filter(|row| wish.is_none_or(|w| w == row.format)) {
        match (row.sniff)(&probe, source) {
            Match::No => {}
            Match::Yes => {
                source.format = row.format;
                return Some(Verdict::Source(Box::new(source.clone())));
            }
            Match::Ignored(reason) => return Some(Verdict::Ignored(reason)),
        }
    }
    None
}

fn parquet_source(mut source: Source, wish: Option<Format>) -> Verdict {
    let footer = match parquet::Footer::read(&source.path) {
        Ok(footer) => footer,
        Err(problem) => {
            // Without a readable footer nothing tells a table from events; the name of the tree's files does.
            let is_tree = file_name(&source.path).starts_with("events_");
            source.format = wish.unwrap_or(if is_tree { Format::EventsParquet } else { Format::Table });
            source.symbol = parquet::symbol_of_path(&source.path);
            source.problem = Some(problem);
            return Verdict::Source(Box::new(source));
        }
    };
    source.rows = Some(footer.rows);
    source.span_ns = footer.time_range_ns;
    recognise(&mut source, Content::Parquet(footer), wish).unwrap_or_else(|| {
        Verdict::Ignored(match wish {
            Some(wish) => format!("Parquet, not {}", wish.row().content),
            None => "Parquet, but neither events nor a table".to_owned(),
        })
    })
}

fn bytes_source(mut source: Source, wish: Option<Format>) -> Verdict {
    let head = match Head::read(&source) {
        Ok(head) => head,
        Err(error) => {
            let problem = FeedError::io(&source.path, "open", &error);
            return guessed(source, wish, problem);
        }
    };
    if is_utf16(&head.bytes) {
        return not_utf8(source, wish);
    }
    let first_text = head.first_text();
    if let (Some(detail), None) = (&head.broken, &first_text) {
        let problem = FeedError::corrupt(&source.path, "the first block", detail);
        return guessed(source, wish, problem);
    }
    if let Some(verdict) = recognise(&mut source, Content::Bytes(head), wish) {
        return verdict;
    }
    if let Some(wish) = wish
        && first_text.as_deref().and_then(table::header_of).is_some()
    {
        return Verdict::Ignored(format!("a table, not {}", wish.row().content));
    }
    let is_named_parquet = has_extension(&source.path, "parquet");
    if is_named_parquet || looks_like_capture(&source.path) {
        let problem = FeedError::corrupt(&source.path, "the start", "the content is not what the name says");
        source.format = if is_named_parquet { Format::EventsParquet } else { Format::GoldenJsonl };
        source.is_format_guessed = !is_named_parquet;
        source.symbol = parquet::symbol_of_path(&source.path);
        source.problem = Some(problem);
        return Verdict::Source(Box::new(source));
    }
    Verdict::Ignored(match first_text {
        None => "no text in it".to_owned(),
        Some(text) => format!("unknown content, starts with {:?}", text.chars().take(40).collect::<String>()),
    })
}

/// A text of two bytes a character, told by its mark or by the zeros between Latin letters.
fn is_utf16(bytes: &[u8]) -> bool {
    let is_latin = |c: u8| c == b'\n' || c == b'\r' || c == b'\t' || (b' '..0x7f).contains(&c);
    let pairs = bytes.as_chunks::<2>().0.get(..8).unwrap_or_default();
    bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || (!pairs.is_empty()
            && (pairs.iter().all(|p| p[0] == 0 && is_latin(p[1])) || pairs.iter().all(|p| p[1] == 0 && is_latin(p[0]))))
}

/// A text that has to be converted first: a problem where it would be data, else a file to leave alone.
fn not_utf8(source: Source, wish: Option<Format>) -> Verdict {
    const FOUND: &str = "UTF-16; convert it first, e.g. iconv -f UTF-16 -t UTF-8";
    if wish.is_none() && !looks_like_capture(&source.path) {
        return Verdict::Ignored(format!("not UTF-8 text: {FOUND}"));
    }
    let path = source.path.display().to_string();
    guessed(source, wish, FeedError::WrongFormat { path, expected: "UTF-8 text", found: FOUND.to_owned() })
}

/// A file whose content cannot be seen: of the wished format, else of the one of the files around it.
fn guessed(mut source: Source, wish: Option<Format>, problem: FeedError) -> Verdict {
    source.format = wish.unwrap_or(Format::GoldenJsonl);
    source.is_format_guessed = wish.is_none() && !looks_like_capture(&source.path);
    source.problem = Some(problem);
    Verdict::Source(Box::new(source))
}

/// A file named like a capture that does not read like one is damaged, not foreign.
fn looks_like_capture(path: &Path) -> bool {
    let name = file_name(path);
    [".jsonl", ".jsonl.gz", ".jsonl.zst"].iter().any(|end| name.ends_with(end))
}
