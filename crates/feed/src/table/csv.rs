//! CSV tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::csv::{ByteRecord, ReaderBuilder};

use super::{
    SAMPLE_ROWS, TABLE_ROWS, TableBatch, TableColumn, TableFile, TableLook, TableOptions, limit_columns, time,
};
use crate::counters::{FeedCounters, checks};
use crate::error::FeedError;
use crate::input::{self, Line, LineReader};
use crate::inventory::Source;
use crate::json::reader_sample;

/// The header's delimiter and names; `None` if the line is no header.
pub(crate) fn header_of(line: &str) -> Option<(u8, Vec<String>)> {
    let line = line.trim_start_matches('\u{feff}').trim_end();
    if line.starts_with(['{', '[', '<']) || line.chars().any(|c| c.is_control() && c != '\t') {
        return None;
    }
    let delimiter =
        [b',', b'\t', b';', b'|'].into_iter().max_by_key(|d| (line.bytes().filter(|b| b == d).count(), u8::MAX - d))?;
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(line.as_bytes());
    let record = reader.records().next()?.ok()?;
    let names: Vec<String> = record.iter().map(|f| f.trim().to_owned()).collect();
    // A table needs a time and one more column; a header's fields are words.
    let is_word =
        |n: &String| n.parse::<f64>().is_err() && n.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    (names.len() >= 2 && names.iter().filter(|n| !n.is_empty()).all(is_word) && names.iter().any(is_word))
        .then_some((delimiter, names))
}

pub(super) struct CsvTable {
    lines: LineReader,
    delimiter: u8,
    source: Source,
    names: Vec<String>,
    time_column: usize,
    /// Names of the columns of a batch, and where they are in this file.
    columns: Vec<(String, Option<usize>)>,
    record: ByteRecord,
    /// A quoted field without its quotes.
    unquoted: Vec<u8>,
    /// The row before was cut off by a quote, so that this line may be its rest.
    after_quote: bool,
    /// Set when a batch broke off: the error comes after its rows.
    failed: Option<FeedError>,
    rows: u64,
}

/// What the next line is; its fields are in the record.
enum Row {
    Fields,
    Unreadable(String),
    End,
}

impl CsvTable {
    pub(super) fn open(source: &Source, options: &TableOptions, columns: &[String]) -> Result<Self, FeedError> {
        let path = &source.path;
        let bytes = input::open_source(source, Arc::default()).map_err(|e| FeedError::io(path, "open", &e))?;
        let mut lines = LineReader::new(bytes, source.limits.line_bytes);
        let (delimiter, names) = read_header(source, &mut lines)?;
        limit_columns(source, names.len())?;
        let time_column = match &options.time_column {
            Some(wanted) => names.iter().position(|n| n == wanted).ok_or_else(|| FeedError::MissingColumn {
                path: path.display().to_string(),
                column: wanted.clone(),
                present: names.join(", "),
            })?,
            None => time::by_name(names.iter().map(String::as_str)).ok_or_else(|| FeedError::NoTimeColumn {
                path: path.display().to_string(),
                present: names.join(", "),
            })?,
        };
        // Of columns of one name the first stands.
        let places: BTreeMap<&String, usize> = names.iter().enumerate().map(|(i, name)| (name, i)).rev().collect();
        let place = |name: &String| places.get(name).copied().filter(|&i| i != time_column);
        let columns = columns.iter().map(|name| (name.clone(), place(name))).collect();
        Ok(Self {
            lines,
            delimiter,
            source: source.clone(),
            names,
            time_column,
            columns,
            record: ByteRecord::new(),
            unquoted: Vec::new(),
            after_quote: false,
            failed: None,
            rows: 0,
        })
    }

    /// One line is one row: a quoted field ends in its line, or a stray quote would take in all rows up to the next one.
    fn read_row(&mut self) -> Result<Row, FeedError> {
        // Bounded by the lines of the file; empty lines are no rows.
        loop {
            let range = match self.lines.next_line() {
                Line::Whole(range) | Line::Unterminated(range) if range.is_empty() => continue,
                Line::Whole(range) | Line::Unterminated(range) => range,
                Line::TooLong(bytes) => return Ok(Row::Unreadable(self.lines.too_long(bytes))),
                Line::Broken(detail) => {
                    return Err(FeedError::corrupt(&self.source.path, format!("row {}", self.rows + 1), detail));
                }
                Line::End => return Ok(Row::End),
            };
            let line = &self.lines.bytes()[range];
            if split(line, self.delimiter, &mut self.record, &mut self.unquoted) {
                return Ok(Row::Fields);
            }
            self.after_quote = true;
            return Ok(Row::Unreadable(format!("a quote that is not closed in its line: {}", reader_sample(line))));
        }
    }

    fn time(&self) -> Result<i64, FeedError> {
        let text = self.record.get(self.time_column).unwrap_or_default();
        std::str::from_utf8(text).ok().and_then(time::parse).ok_or_else(|| FeedError::Value {
            path: self.source.path.display().to_string(),
            place: format!("row {}", self.rows + 1),
            column: self.names[self.time_column].clone(),
            value: String::from_utf8_lossy(text).into_owned(),
            expected: time::EXPECTED,
        })
    }

    fn push(&self, t_ns: i64, batch: &mut TableBatch, counters: &mut FeedCounters) {
        batch.t_ns.push(t_ns);
        for (column, (_, index)) in batch.columns.iter_mut().zip(&self.columns) {
            let text = index.and_then(|index| self.record.get(index)).unwrap_or_default();
            let value = number(text);
            if value.is_none() && !is_null(text) {
                counters.hit(checks::INVALID_VALUE, &batch.source, self.rows + 1, || {
                    format!("column `{}`: {:?} is not a number", column.name, String::from_utf8_lossy(text))
                });
            }
            column.values.push(value.unwrap_or(0.0));
            column.valid.push(value.is_some());
        }
    }

    /// Adds rows to the batch up to one that cannot be read, so that the rows of a batch follow each other.
    fn fill(&mut self, batch: &mut TableBatch, counters: &mut FeedCounters) -> Result<(), FeedError> {
        while batch.len() < TABLE_ROWS {
            let problem = match self.read_row()? {
                Row::End => return Ok(()),
                Row::Unreadable(problem) => problem,
                Row::Fields => match self.time() {
                    Ok(t_ns) => {
                        self.push(t_ns, batch, counters);
                        self.rows += 1;
                        self.after_quote = false;
                        continue;
                    }
                    Err(error) if self.after_quote => error.to_string(),
                    Err(error) => return Err(error),
                },
            };
            self.rows += 1;
            counters.hit(checks::UNREADABLE, &batch.source, self.rows, || problem);
            if !batch.is_empty() {
                return Ok(());
            }
            batch.first_row = self.rows + 1;
        }
        Ok(())
    }
}

/// What a file looks like in its first rows.
pub(super) fn look(source: &Source, options: &TableOptions) -> Result<TableLook, FeedError> {
    let mut file = CsvTable::open(source, options, &[])?;
    let (mut sums, mut is_broken) = (vec![(0, 0); file.names.len()], false);
    for _ in 0..SAMPLE_ROWS {
        match file.read_row() {
            Ok(Row::Fields) => {}
            Ok(Row::Unreadable(_)) => continue,
            Ok(Row::End) => break,
            Err(_) => {
                is_broken = true;
                break;
            }
        }
        for (text, (there, numbers)) in file.record.iter().zip(&mut sums).filter(|(text, _)| !is_null(text)) {
            *there += 1;
            *numbers += u64::from(number(text).is_some());
        }
    }
    let time_column = file.time_column;
    let columns = file.names.into_iter().zip(sums).enumerate();
    let columns = columns.filter(|(i, _)| *i != time_column).map(|(_, column)| column).collect();
    Ok(TableLook { columns, parts: vec![source.bytes], is_broken, ..TableLook::default() })
}

impl TableFile for CsvTable {
    fn next_batch(&mut self, counters: &mut FeedCounters) -> Result<Option<TableBatch>, FeedError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let columns = self.columns.iter().map(|(name, _)| TableColumn { name: name.clone(), ..TableColumn::default() });
        let mut batch = TableBatch {
            t_ns: Vec::new(),
            columns: columns.collect(),
            first_row: self.rows + 1,
            source: self.source.path.display().to_string(),
        };
        match self.fill(&mut batch, counters) {
            Err(error @ FeedError::Corrupt { .. }) if !batch.is_empty() => self.failed = Some(error),
            filled => filled?,
        }
        Ok((!batch.is_empty()).then_some(batch))
    }
}

/// Puts the fields of a line into `record`; `false` if a quoted one does not end in it.
fn split(line: &[u8], delimiter: u8, record: &mut ByteRecord, unquoted: &mut Vec<u8>) -> bool {
    record.clear();
    let mut rest = line;
    // Bounded by the fields of the line.
    loop {
        let mut at = 0;
        if rest.first() == Some(&b'"') {
            unquoted.clear();
            loop {
                at += 1;
                let Some(n) = memchr::memchr(b'"', &rest[at..]) else { return false };
                unquoted.extend_from_slice(&rest[at..at + n]);
                at += n + 1;
                if rest.get(at) != Some(&b'"') {
                    break;
                }
                // Two quotes are one.
                unquoted.push(b'"');
            }
        }
        let end = memchr::memchr(delimiter, &rest[at..]).map_or(rest.len(), |n| at + n);
        if at == 0 {
            record.push_field(&rest[..end]);
        } else {
            unquoted.extend_from_slice(&rest[at..end]);
            record.push_field(unquoted);
        }
        if end == rest.len() {
            return true;
        }
        rest = &rest[end + 1..];
    }
}

/// The first line with text in it.
fn read_header(source: &Source, lines: &mut LineReader) -> Result<(u8, Vec<String>), FeedError> {
    for _ in 0..SAMPLE_ROWS {
        let range = match lines.next_line() {
            Line::Whole(range) | Line::Unterminated(range) => range,
            Line::Broken(detail) => return Err(FeedError::corrupt(&source.path, "the header", detail)),
            Line::TooLong(_) | Line::End => break,
        };
        let line = String::from_utf8_lossy(&lines.bytes()[range]).into_owned();
        if line.trim().is_empty() {
            continue;
        }
        if let Some(header) = header_of(&line) {
            return Ok(header);
        }
        break;
    }
    Err(FeedError::WrongFormat {
        path: source.path.display().to_string(),
        expected: "a CSV table",
        found: "its first line is no header of at least two names".to_owned(),
    })
}

fn is_null(text: &[u8]) -> bool {
    matches!(text.trim_ascii(), b"" | b"null" | b"NULL" | b"None" | b"NA" | b"N/A" | b"\\N")
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}
