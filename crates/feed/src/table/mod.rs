//! Tables: any Parquet or CSV file with a time column, as batches of numbers.

mod csv;
mod pages;
mod parquet;
mod time;

use std::collections::BTreeMap;

use crate::counters::{FeedCounters, checks};
use crate::error::FeedError;
use crate::inventory::{Match, Probe, Source};

pub(crate) use csv::header_of;

/// Rows of one batch at most.
pub const TABLE_ROWS: usize = 8192;

/// A column of numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableColumn {
    /// Name in the header.
    pub name: String,
    /// Values; 0 where null. NaN and infinities are kept as the source has them.
    pub values: Vec<f64>,
    /// Whether each value is there.
    pub valid: Vec<bool>,
}

impl TableColumn {
    /// Whether no value is null.
    pub fn is_complete(&self) -> bool {
        // Without an early end the loop takes many rows at a time.
        self.valid.iter().fold(true, |all, valid| all & valid)
    }

    /// A column of `n` nulls.
    fn nulls(name: &str, n: usize) -> Self {
        Self { name: name.to_owned(), values: vec![0.0; n], valid: vec![false; n] }
    }
}

/// Rows of a table: their times and their numeric columns, all of equal length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableBatch {
    /// Time of each row, ns since the Unix epoch.
    pub t_ns: Vec<i64>,
    /// The numeric columns of the table but the time, by name; one that the file lacks is all nulls.
    pub columns: Vec<TableColumn>,
    /// Number of the first row in its file, from 1 (the header is not counted).
    pub first_row: u64,
    /// The file.
    pub source: String,
}

impl TableBatch {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.t_ns.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.t_ns.is_empty()
    }
}

/// Options of [`TableReader`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TableOptions {
    /// Name of the time column; recognised by type and name if absent.
    pub time_column: Option<String>,
    /// Columns that are numeric whatever their values look like, where the table has them.
    pub numeric: Vec<String>,
}

impl TableOptions {
    /// Options with this time column.
    pub fn with_time(time_column: Option<String>) -> Self {
        Self { time_column, numeric: Vec::new() }
    }
}

/// One open file.
pub(crate) trait TableFile: Send {
    /// Adds what its columns look like; the file has to be opened anew after it.
    fn sample(&mut self, seen: &mut Seen);

    /// First and last time by what the file says of itself, right or not.
    fn span_ns(&self) -> Option<(i64, i64)> {
        None
    }

    /// Says which columns the batches have.
    fn choose(&mut self, columns: &[String]);

    /// The next rows; `None` at the end.
    fn next_batch(&mut self, counters: &mut FeedCounters) -> Result<Option<TableBatch>, FeedError>;
}

/// Rows of a file looked at to tell numbers from text.
const SAMPLE_ROWS: usize = 1000;

/// What the columns of the files look like: how many values are there, and how many of them are numbers.
#[derive(Debug, Default)]
pub(crate) struct Seen(BTreeMap<String, (u64, u64)>);

impl Seen {
    fn add(&mut self, name: &str, there: u64, numbers: u64) {
        let sums = self.0.entry(name.to_owned()).or_default();
        *sums = (sums.0 + there, sums.1 + numbers);
    }

    /// The columns most of whose values are numbers, and those of `asked`.
    fn numeric(self, asked: &[String]) -> Vec<String> {
        let is_numeric = |(name, (there, numbers)): &(String, (u64, u64))| 2 * numbers > *there || asked.contains(name);
        self.0.into_iter().filter(is_numeric).map(|(name, _)| name).collect()
    }
}

/// Reads the files of a table one after the other.
///
/// Whether a column is numeric is decided once for all files: a value that is no number is then a value to be counted, wherever it stands.
pub struct TableReader {
    sources: std::vec::IntoIter<Source>,
    options: TableOptions,
    /// What the files say of themselves, once they have been looked at.
    outline: Option<Outline>,
    open: Option<(Box<dyn TableFile>, Source)>,
    counters: FeedCounters,
    rows: u64,
    bytes: u64,
}

impl TableReader {
    /// A reader of `sources` (see [`crate::Inventory`]).
    pub fn new(sources: Vec<Source>, options: TableOptions) -> Self {
        let counters = FeedCounters::default();
        Self { sources: sources.into_iter(), options, outline: None, open: None, counters, rows: 0, bytes: 0 }
    }

    /// The next rows; `None` at the end of all files.
    ///
    /// # Errors
    /// A missing or unreadable time column, or a time that cannot be read: the file, row and column are named. A file that breaks off is
    /// counted as `truncated_file`, and reading goes on with the next.
    pub fn next_batch(&mut self) -> Result<Option<TableBatch>, FeedError> {
        let batch = self.read_batch();
        self.counters.set_total(checks::INVALID_VALUE, self.rows);
        self.counters.set_total(checks::UNREADABLE, self.rows + self.counters.count(checks::UNREADABLE));
        batch
    }

    fn read_batch(&mut self) -> Result<Option<TableBatch>, FeedError> {
        self.outline();
        // Bounded: every turn opens a file, ends one, or returns rows.
        loop {
            let Some((file, source)) = &mut self.open else {
                let Some(source) = self.sources.next() else {
                    return Ok(None);
                };
                self.bytes += source.bytes;
                match open(&source, &self.options) {
                    Ok(mut file) => {
                        file.choose(self.outline.as_ref().map_or(&[], |outline| &outline.columns));
                        self.open = Some((file, source));
                    }
                    Err(error @ FeedError::Corrupt { .. }) => self.broken(&source, &error),
                    Err(error) => return Err(error),
                }
                continue;
            };
            match file.next_batch(&mut self.counters) {
                Ok(Some(batch)) => {
                    self.rows += batch.len() as u64;
                    return Ok(Some(batch));
                }
                Ok(None) => self.open = None,
                Err(error @ FeedError::Corrupt { .. }) => {
                    let source = source.clone();
                    self.open = None;
                    self.broken(&source, &error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The first and last time of all files by what they say of themselves, where all do, in ns. It may be wrong.
    pub fn stated_span_ns(&mut self) -> Option<(i64, i64)> {
        self.outline().span_ns
    }

    fn outline(&mut self) -> &Outline {
        self.outline.get_or_insert_with(|| Outline::of(self.sources.as_slice(), &self.options))
    }

    fn broken(&mut self, source: &Source, error: &FeedError) {
        self.counters.hit(checks::TRUNCATED_FILE, &source.path.display().to_string(), 0, || error.to_string());
    }

    /// What was counted so far.
    pub fn counters(&self) -> &FeedCounters {
        &self.counters
    }

    /// Rows read so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes on disk of the files opened so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What all files together look like.
struct Outline {
    /// The numeric columns.
    columns: Vec<String>,
    span_ns: Option<(i64, i64)>,
}

impl Outline {
    /// A file that cannot be opened says so when its turn comes.
    fn of(sources: &[Source], options: &TableOptions) -> Self {
        let mut seen = Seen::default();
        let mut spans = Vec::with_capacity(sources.len());
        for source in sources {
            if let Ok(mut file) = open(source, options) {
                file.sample(&mut seen);
                spans.push(file.span_ns());
            }
        }
        let join = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        let spans: Option<Vec<(i64, i64)>> = spans.into_iter().collect();
        let span_ns = spans.and_then(|spans| spans.into_iter().reduce(join));
        Self { columns: seen.numeric(&options.numeric), span_ns }
    }
}

fn open(source: &Source, options: &TableOptions) -> Result<Box<dyn TableFile>, FeedError> {
    if let Some(problem) = &source.problem {
        return Err(problem.clone());
    }
    // A table of events is a Parquet file too, so the content decides.
    if is_parquet(source) {
        return Ok(Box::new(parquet::ParquetTable::open(source, options)?));
    }
    Ok(Box::new(csv::CsvTable::open(source, options)?))
}

/// Every numeric column is an observable with states of its own.
fn limit_columns(source: &Source, columns: usize) -> Result<(), FeedError> {
    let limit = source.limits.columns;
    if columns <= limit {
        return Ok(());
    }
    let path = source.path.display().to_string();
    Err(FeedError::TooMany {
        path,
        what: "columns",
        count: columns as u64,
        limit: limit as u64,
        option: "--max-columns",
    })
}

fn is_parquet(source: &Source) -> bool {
    use std::io::Read as _;
    let mut magic = [0u8; 4];
    std::fs::File::open(&source.path).and_then(|mut f| f.read_exact(&mut magic)).is_ok() && &magic == b"PAR1"
}

/// Any Parquet file, and a text whose first line is a header.
pub(crate) fn sniff(probe: &Probe<'_>, source: &mut Source) -> Match {
    if let Some(head) = probe.head()
        && head.first_text().as_deref().and_then(header_of).is_none()
    {
        let is_text = head.first_text().is_some();
        return if probe.is_wished && is_text {
            Match::Ignored("no CSV header in its first line".to_owned())
        } else {
            Match::No
        };
    }
    // The first time of a table, where one is found without being told the column.
    if let Some((t_ns, clock_ns)) = first_time(source) {
        source.first.t_exchange_ns = t_ns;
        source.clock_ns = clock_ns;
    }
    Match::Yes
}

/// The first time and its resolution, where a time column is recognised.
fn first_time(source: &Source) -> Option<(i64, i64)> {
    let mut file = open(source, &TableOptions::default()).ok()?;
    let batch = file.next_batch(&mut FeedCounters::default()).ok()??;
    let clock_ns = [1_000_000_000, 1_000_000, 1_000].into_iter().find(|unit| batch.t_ns.iter().all(|t| t % unit == 0));
    Some((*batch.t_ns.first()?, clock_ns.unwrap_or(1)))
}
