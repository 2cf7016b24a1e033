//! Sequences for benchmarks: pairs of message and order book file read side by side, row by row, as they are.
//!
//! Names tell which files belong together: `orderbook` for `message`, packed alike or otherwise. `real_id_N` and `gen_id_M` in a name
//! put sequences in order. Unlike the event reader, nothing is replayed, and whatever is a whole number is taken: simulators write
//! prices and sizes that an exchange does not. What cannot be read ends the reading with file, line and value.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use verismo_market::lob_bench::{LEVELS_MAX, Row};

use super::{book_paths, columns, stem};
use crate::error::FeedError;
use crate::input::{self, Compression, Line, LineReader};
use crate::inventory::file_name;
use crate::limits::Limits;

/// A message file and the order book beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SequenceFiles {
    /// The real sequence it is, or was generated from: `real_id_N` in the name.
    pub real_id: Option<u64>,
    /// Which generated one: `gen_id_M`.
    pub gen_id: Option<u64>,
    /// The messages.
    pub messages: PathBuf,
    /// The order book after each message.
    pub book: PathBuf,
    /// Bytes on disk of both.
    pub bytes: u64,
}

/// The sequences of a folder, in order of their ids and names, or the one whose message file is given. Other files and folders
/// inside are not looked at.
///
/// # Errors
/// [`FeedError::PathNotFound`], [`FeedError::NoInput`] where there is no message file, [`FeedError::NoPartner`] for one file of a pair
/// alone, [`FeedError::WrongFormat`] for a pair that is there twice, [`FeedError::Io`].
pub fn sequences(path: &Path) -> Result<Vec<SequenceFiles>, FeedError> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(FeedError::PathNotFound { path: path.display().to_string() });
        }
        Err(error) => return Err(FeedError::io(path, "look at", &error)),
    };
    if !metadata.is_dir() {
        let messages =
            if is_book(path) { message_path(path).unwrap_or_else(|| path.to_owned()) } else { path.to_owned() };
        return Ok(vec![pair(&messages)?]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|e| FeedError::io(path, "list", &e))? {
        files.push(entry.map_err(|e| FeedError::io(path, "list", &e))?.path());
    }
    files.retain(|file| is_table(file) && file.is_file());
    files.sort();
    let mut found: Vec<SequenceFiles> = Vec::new();
    let mut stems: BTreeMap<String, PathBuf> = BTreeMap::new();
    for messages in files.iter().filter(|file| is_message(file)) {
        if let Some(other) = stems.insert(stem(messages), messages.clone()) {
            return Err(FeedError::WrongFormat {
                path: messages.display().to_string(),
                expected: "a sequence of its own",
                found: format!("{} is there too; keep one of them", file_name(&other)),
            });
        }
        found.push(pair(messages)?);
    }
    let is_alone =
        |file: &&PathBuf| is_book(file) && message_path(file).is_none_or(|own| !stems.contains_key(&stem(&own)));
    if let Some(book) = files.iter().find(is_alone) {
        return Err(FeedError::NoPartner { path: book.display().to_string(), partner: "message" });
    }
    if found.is_empty() {
        return Err(FeedError::NoInput {
            paths: path.display().to_string(),
            ignored:
                "LOBSTER sequences are pairs of files such as X_message_real_id_0.csv and X_orderbook_real_id_0.csv, \
                      or X_message_10.csv and X_orderbook_10.csv"
                    .to_owned(),
        });
    }
    found.sort();
    Ok(found)
}

fn is_table(path: &Path) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    [".csv", ".csv.gz", ".csv.zst"].iter().any(|ending| name.ends_with(ending)) && !name.starts_with('.')
}

fn is_book(path: &Path) -> bool {
    file_name(path).to_ascii_lowercase().contains("orderbook")
}

fn is_message(path: &Path) -> bool {
    !is_book(path) && file_name(path).to_ascii_lowercase().contains("message")
}

/// The message file that an order book belongs to, unpacked; whether or not it is there.
fn message_path(book: &Path) -> Option<PathBuf> {
    const BOOK: &str = "orderbook";
    let name = file_name(book);
    let at = name.to_ascii_lowercase().rfind(BOOK)?;
    // Lower case keeps the length of ASCII only; elsewhere the place may be inside a character.
    Some(book.with_file_name(format!("{}message{}", name.get(..at)?, name.get(at + BOOK.len()..)?)))
}

fn pair(messages: &Path) -> Result<SequenceFiles, FeedError> {
    let bytes = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.len());
    let own = bytes(messages).map_err(|e| FeedError::io(messages, "look at", &e))?;
    let books = book_paths(messages).into_iter();
    let Some((book, of_book)) =
        books.into_iter().find_map(|book| Some((bytes(&book).ok()?, book))).map(|(n, b)| (b, n))
    else {
        return Err(FeedError::NoPartner { path: messages.display().to_string(), partner: "orderbook" });
    };
    let name = file_name(messages);
    Ok(SequenceFiles {
        real_id: id_after(&name, "real_id_"),
        gen_id: id_after(&name, "gen_id_"),
        messages: messages.to_owned(),
        book,
        bytes: own + of_book,
    })
}

/// The number behind a word.
fn id_after(name: &str, word: &str) -> Option<u64> {
    let rest = name.split_once(word)?.1;
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

/// Reads a sequence.
pub struct SequenceReader {
    messages: Rows,
    book: Rows,
    /// The first row of the order book, which told how many levels there are.
    peeked: Option<Option<Range<usize>>>,
    /// Levels that the order book has.
    depth: usize,
    /// Levels that are read.
    levels: usize,
    rows: u64,
}

/// Lines of one of the files.
struct Rows {
    path: PathBuf,
    lines: LineReader,
    line: u64,
}

impl SequenceReader {
    /// Opens both files; `consumed` counts the bytes read from disk.
    ///
    /// # Errors
    /// [`FeedError::Io`], and [`FeedError::Corrupt`] where the first row of the order book is none.
    pub fn open(files: &SequenceFiles, limits: &Limits, consumed: &Arc<AtomicU64>) -> Result<Self, FeedError> {
        let messages = Rows::open(&files.messages, limits, consumed)?;
        let mut book = Rows::open(&files.book, limits, consumed)?;
        let first = book.next()?;
        let fields = first.as_ref().map_or(0, |range| columns::fields(&book.lines.bytes()[range.clone()]));
        if !fields.is_multiple_of(4) {
            let detail = format!("{fields} fields where a level has four: ask price, ask size, bid price, bid size");
            return Err(FeedError::corrupt(&book.path, "line 1", detail));
        }
        let depth = fields / 4;
        Ok(Self { messages, book, peeked: Some(first), depth, levels: depth.min(LEVELS_MAX), rows: 0 })
    }

    /// Levels of the order book; 0 of an empty file.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Reads only the best `levels`.
    pub fn limit_levels(&mut self, levels: usize) {
        self.levels = self.levels.min(levels);
    }

    /// Reads the next row; `false` at the end of both files.
    ///
    /// # Errors
    /// [`FeedError::Value`] and [`FeedError::Corrupt`] with the line, [`FeedError::RowCounts`] where one file ends before the other.
    pub fn next_row(&mut self, row: &mut Row) -> Result<bool, FeedError> {
        let message = self.messages.next()?;
        let book = match self.peeked.take() {
            Some(first) => first,
            None => self.book.next()?,
        };
        let (message, book) = match (message, book) {
            (Some(message), Some(book)) => (message, book),
            (None, None) => return Ok(false),
            (message, book) => return Err(self.row_counts(message.is_some(), book.is_some())),
        };
        columns::message(&self.messages.lines.bytes()[message], row).map_err(|bad| self.messages.error(&bad))?;
        let line = &self.book.lines.bytes()[book];
        columns::book(line, self.levels, self.depth, &mut row.book).map_err(|bad| self.book.error(&bad))?;
        self.rows += 1;
        Ok(true)
    }

    /// The error of files of unequal length; the longer one is counted to its end.
    fn row_counts(&mut self, has_message: bool, has_book: bool) -> FeedError {
        let mut count = |rows: fn(&mut Self) -> &mut Rows, has_one: bool| -> Result<u64, FeedError> {
            let mut n = self.rows + u64::from(has_one);
            while has_one && rows(self).next()?.is_some() {
                n += 1;
            }
            Ok(n)
        };
        match (count(|s| &mut s.messages, has_message), count(|s| &mut s.book, has_book)) {
            (Ok(messages), Ok(rows)) => FeedError::RowCounts {
                path: self.messages.path.display().to_string(),
                messages,
                book: file_name(&self.book.path),
                rows,
            },
            (Err(error), _) | (_, Err(error)) => error,
        }
    }
}

impl Rows {
    fn open(path: &Path, limits: &Limits, consumed: &Arc<AtomicU64>) -> Result<Self, FeedError> {
        let io = |error: std::io::Error| FeedError::io(path, "open", &error);
        let mut magic = Vec::new();
        let file = std::fs::File::open(path).map_err(io)?;
        std::io::Read::read_to_end(&mut std::io::Read::take(file, 4), &mut magic).map_err(io)?;
        let bytes = input::open_packed(path, Compression::of(&magic), Arc::clone(consumed), limits).map_err(io)?;
        Ok(Self { path: path.to_owned(), lines: LineReader::new(bytes, limits.line_bytes), line: 0 })
    }

    /// The next line with something in it, as a range of the reader's bytes.
    fn next(&mut self) -> Result<Option<Range<usize>>, FeedError> {
        // Bounded by the lines of the file.
        loop {
            self.line += 1;
            match self.lines.next_line() {
                Line::Whole(range) | Line::Unterminated(range) => {
                    if !range.is_empty() {
                        return Ok(Some(range));
                    }
                }
                Line::TooLong(bytes) => {
                    return Err(FeedError::corrupt(&self.path, self.place(), self.lines.too_long(bytes)));
                }
                Line::Broken(detail) => return Err(FeedError::corrupt(&self.path, self.place(), detail)),
                Line::End => return Ok(None),
            }
        }
    }

    fn place(&self) -> String {
        format!("line {}", self.line)
    }

    fn error(&self, bad: &columns::Bad) -> FeedError {
        match bad {
            columns::Bad::Fields { found, wanted } => {
                FeedError::corrupt(&self.path, self.place(), format!("{found} fields where there should be {wanted}"))
            }
            columns::Bad::Value { column, text, expected } => FeedError::Value {
                path: self.path.display().to_string(),
                place: self.place(),
                column: column.clone(),
                value: text.clone(),
                expected,
            },
        }
    }
}
