//! CSV tables.

use std::io::Read;
use std::sync::Arc;

use ::csv::{ByteRecord, Reader, ReaderBuilder};

use super::{TABLE_ROWS, TableBatch, TableColumn, TableFile, TableOptions, time};
use crate::counters::{FeedCounters, checks};
use crate::error::FeedError;
use crate::input;
use crate::inventory::Source;

/// Rows looked at to tell numbers from text.
const SAMPLE_ROWS: usize = 1000;

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
    reader: Reader<Box<dyn Read + Send>>,
    source: Source,
    names: Vec<String>,
    time_column: usize,
    /// Indices of numeric columns.
    numeric: Vec<usize>,
    sample: std::collections::VecDeque<ByteRecord>,
    /// Set when the sample broke off: the error comes after its rows.
    failed: Option<FeedError>,
    rows: u64,
}

impl CsvTable {
    pub(super) fn open(source: &Source, options: &TableOptions) -> Result<Self, FeedError> {
        let path = &source.path;
        let open =
            || input::open(path, source.compression, Arc::default()).map_err(|e| FeedError::io(path, "open", &e));
        let (delimiter, names) = read_header(source, open()?)?;
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
        let reader = ReaderBuilder::new().delimiter(delimiter).has_headers(true).flexible(true).from_reader(open()?);
        let mut table = Self {
            reader,
            source: source.clone(),
            names,
            time_column,
            numeric: Vec::new(),
            sample: Default::default(),
            failed: None,
            rows: 0,
        };
        table.take_sample();
        Ok(table)
    }

    /// A column is numeric if every value of the sample that is there reads as a number.
    fn take_sample(&mut self) {
        for _ in 0..SAMPLE_ROWS {
            match self.read_record() {
                Ok(Some(record)) => self.sample.push_back(record),
                Ok(None) => break,
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        let is_numeric = |column: usize| {
            let mut values = self.sample.iter().filter_map(|r| r.get(column)).filter(|v| !is_null(v)).peekable();
            values.peek().is_some() && values.all(|v| number(v).is_some())
        };
        self.numeric = (0..self.names.len()).filter(|&c| c != self.time_column && is_numeric(c)).collect();
    }

    fn read_record(&mut self) -> Result<Option<ByteRecord>, FeedError> {
        let mut record = ByteRecord::new();
        let place = self.rows + self.sample.len() as u64 + 1;
        match self.reader.read_byte_record(&mut record) {
            Ok(true) => Ok(Some(record)),
            Ok(false) => Ok(None),
            Err(error) => Err(FeedError::corrupt(&self.source.path, format!("row {place}"), error)),
        }
    }

    fn next_record(&mut self) -> Result<Option<ByteRecord>, FeedError> {
        if let Some(record) = self.sample.pop_front() {
            return Ok(Some(record));
        }
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.read_record(),
        }
    }

    fn push(
        &self,
        record: &ByteRecord,
        row: u64,
        batch: &mut TableBatch,
        counters: &mut FeedCounters,
    ) -> Result<(), FeedError> {
        let text = record.get(self.time_column).unwrap_or_default();
        let t_ns = std::str::from_utf8(text).ok().and_then(time::parse).ok_or_else(|| FeedError::Value {
            path: self.source.path.display().to_string(),
            place: format!("row {row}"),
            column: self.names[self.time_column].clone(),
            value: String::from_utf8_lossy(text).into_owned(),
            expected: time::EXPECTED,
        })?;
        batch.t_ns.push(t_ns);
        for (column, &index) in batch.columns.iter_mut().zip(&self.numeric) {
            let text = record.get(index).unwrap_or_default();
            let value = number(text);
            if value.is_none() && !is_null(text) {
                counters.hit(checks::INVALID_VALUE, &batch.source, row, || {
                    format!("column `{}`: {:?} is not a number", column.name, String::from_utf8_lossy(text))
                });
            }
            column.values.push(value.unwrap_or(0.0));
            column.valid.push(value.is_some());
        }
        Ok(())
    }
}

impl TableFile for CsvTable {
    fn next_batch(&mut self, counters: &mut FeedCounters) -> Result<Option<TableBatch>, FeedError> {
        let columns =
            self.numeric.iter().map(|&i| TableColumn { name: self.names[i].clone(), ..TableColumn::default() });
        let mut batch = TableBatch {
            t_ns: Vec::new(),
            columns: columns.collect(),
            first_row: self.rows + 1,
            source: self.source.path.display().to_string(),
        };
        while batch.len() < TABLE_ROWS {
            let record = match self.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error) if batch.is_empty() => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            };
            self.push(&record, self.rows + 1, &mut batch, counters)?;
            self.rows += 1;
        }
        Ok((!batch.is_empty()).then_some(batch))
    }
}

/// The first line with text in it.
fn read_header(source: &Source, bytes: Box<dyn Read + Send>) -> Result<(u8, Vec<String>), FeedError> {
    let mut lines = input::LineReader::new(bytes, input::LINE_BYTES_MAX);
    // Blank lines before a header are skipped by the CSV reader too.
    for _ in 0..SAMPLE_ROWS {
        let range = match lines.next_line() {
            input::Line::Whole(range) | input::Line::Unterminated(range) => range,
            input::Line::Broken(detail) => return Err(FeedError::corrupt(&source.path, "the header", detail)),
            input::Line::TooLong(_) | input::Line::End => break,
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
