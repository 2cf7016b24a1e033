//! Tables: any Parquet or CSV file with a time column, as batches of numbers.

mod csv;
mod pages;
mod parquet;
mod time;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use verismo_stats::carry;

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
    /// Bytes that a part of a file has at least, see [`TableLook::parts`]; 0 to take files as a whole.
    pub part_bytes: u64,
}

impl TableOptions {
    /// Options with this time column.
    pub fn with_time(time_column: Option<String>) -> Self {
        Self { time_column, ..Self::default() }
    }
}

/// One open part of a file.
pub(crate) trait TableFile: Send {
    /// The next rows; `None` at the end.
    fn next_batch(&mut self, counters: &mut FeedCounters) -> Result<Option<TableBatch>, FeedError>;

    /// Whether there may be rows behind what could not be read.
    fn goes_on(&self) -> bool {
        false
    }
}

/// Rows of a file looked at to tell numbers from text.
const SAMPLE_ROWS: usize = 1000;

/// What a file says of itself before it is read.
#[derive(Debug, Clone, Default)]
pub struct TableLook {
    /// By column, how many of the values looked at are there, and how many of those are numbers.
    columns: Vec<(String, (u64, u64))>,
    /// First and last time in ns, right or not.
    span_ns: Option<(i64, i64)>,
    /// Whether it says that it has no rows.
    is_empty: bool,
    /// Bytes of the parts that can be read by themselves, one at least.
    parts: Vec<u64>,
    /// Whether it broke off while it was looked at.
    is_broken: bool,
    /// The footer that all parts of a file are read by.
    footer: OnceLock<parquet::Footer>,
}

carry!(TableLook: columns, span_ns, is_empty, parts);

impl TableLook {
    /// Looks at a file.
    ///
    /// # Errors
    /// [`FeedError`] where it cannot be opened, or has no time column.
    pub fn of(source: &Source, options: &TableOptions) -> Result<Self, FeedError> {
        if let Some(problem) = &source.problem {
            return Err(problem.clone());
        }
        // A table of events is a Parquet file too, so the content decides.
        if is_parquet(source) { parquet::look(source, options) } else { csv::look(source, options) }
    }

    /// Bytes on disk of the parts that can be read by themselves, in order: row groups of a long Parquet file, else the file. They do not
    /// depend on who reads them.
    pub fn parts(&self) -> &[u64] {
        &self.parts
    }

    /// Whether all that was looked at could be read, so that the same bytes look the same again.
    pub fn is_whole(&self) -> bool {
        !self.is_broken
    }

    /// By column, how many of the values looked at are there, and how many of those are numbers.
    pub fn columns(&self) -> impl Iterator<Item = (&str, (u64, u64))> {
        self.columns.iter().map(|(name, votes)| (name.as_str(), *votes))
    }
}

/// What all files of a table together look like.
///
/// Whether a column is numeric is decided once for all files: a value that is no number is then a value to be counted, wherever it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableOutline {
    /// The columns most of whose values are numbers, and those that [`TableOptions::numeric`] asks for.
    pub columns: Vec<String>,
    /// First and last time in ns by what all files say of themselves, where all do. It may be wrong.
    pub span_ns: Option<(i64, i64)>,
}

impl TableOutline {
    /// Of the files that can be opened. One that cannot be says so when it is read.
    pub fn of<'a>(looks: impl IntoIterator<Item = &'a TableLook>, options: &TableOptions) -> Self {
        let (mut votes, mut spans) = (ColumnVotes::default(), Vec::new());
        for look in looks {
            look.columns().for_each(|(name, of_column)| votes.add(name, of_column));
            // Files without rows are as long as any.
            spans.extend((!look.is_empty).then_some(look.span_ns));
        }
        let join = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        let spans: Option<Vec<(i64, i64)>> = spans.into_iter().collect();
        let columns = votes.numeric(|name| options.numeric.iter().any(|asked| asked == name));
        Self { columns, span_ns: spans.and_then(|spans| spans.into_iter().reduce(join)) }
    }
}

/// Of the columns of several files, how many of the values looked at are there, and how many of those are numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnVotes(pub BTreeMap<String, (u64, u64)>);

impl ColumnVotes {
    /// Adds those of another file.
    pub fn add(&mut self, name: &str, (there, numbers): (u64, u64)) {
        let sums = self.0.entry(name.to_owned()).or_default();
        *sums = (sums.0 + there, sums.1 + numbers);
    }

    /// The columns most of whose values are numbers, and those that are asked for.
    pub fn numeric(&self, is_asked: impl Fn(&str) -> bool) -> Vec<String> {
        let is_numeric = |(name, (there, numbers)): &(&String, &(u64, u64))| 2 * numbers > *there || is_asked(name);
        self.0.iter().filter(is_numeric).map(|(name, _)| name.clone()).collect()
    }
}

/// Part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PartOf {
    source: usize,
    part: usize,
}

/// What a reader reads.
struct Plan {
    /// The columns that batches have.
    columns: Vec<String>,
    /// What each source said of itself, or why it did not.
    looks: Vec<Arc<Result<TableLook, FeedError>>>,
    parts: std::vec::IntoIter<PartOf>,
}

impl Plan {
    /// The columns of all files, and all their parts in order.
    fn of(sources: &[Source], options: &TableOptions) -> Self {
        let looks: Vec<_> = sources.iter().map(|source| Arc::new(TableLook::of(source, options))).collect();
        let columns = TableOutline::of(looks.iter().filter_map(|look| look.as_ref().as_ref().ok()), options).columns;
        let parts = looks.iter().enumerate().flat_map(|(source, look)| {
            // One that cannot be opened says why when its turn comes.
            let parts = look.as_ref().as_ref().map_or(1, |look| look.parts.len());
            (0..parts).map(move |part| PartOf { source, part })
        });
        let parts = parts.collect::<Vec<_>>().into_iter();
        Self { columns, looks, parts }
    }
}

/// Reads the files of a table one after the other, or a part of one.
pub struct TableReader {
    sources: Vec<Source>,
    options: TableOptions,
    /// What is to be read, once the files have been looked at.
    plan: Option<Plan>,
    open: Option<(Box<dyn TableFile>, usize)>,
    counters: FeedCounters,
    rows: u64,
    bytes: u64,
}

impl TableReader {
    /// A reader of `sources` (see [`crate::Inventory`]).
    pub fn new(sources: Vec<Source>, options: TableOptions) -> Self {
        let counters = FeedCounters::default();
        Self { sources, options, plan: None, open: None, counters, rows: 0, bytes: 0 }
    }

    /// A reader of one part (see [`TableLook::parts`]) of a file that looked so, and of these columns.
    pub fn of_part(
        source: Source,
        options: TableOptions,
        columns: Vec<String>,
        (look, part): (Arc<Result<TableLook, FeedError>>, usize),
    ) -> Self {
        let parts = vec![PartOf { source: 0, part }].into_iter();
        Self { plan: Some(Plan { columns, looks: vec![look], parts }), ..Self::new(vec![source], options) }
    }

    /// The next rows; `None` at the end of all files.
    ///
    /// # Errors
    /// A missing or unreadable time column, or a time that cannot be read: the file, row and column are named. A part that breaks off is
    /// counted as `truncated_file`, and reading goes on with the next.
    pub fn next_batch(&mut self) -> Result<Option<TableBatch>, FeedError> {
        let batch = self.read_batch();
        self.counters.set_total(checks::INVALID_VALUE, self.rows);
        self.counters.set_total(checks::UNREADABLE, self.rows + self.counters.count(checks::UNREADABLE));
        batch
    }

    fn read_batch(&mut self) -> Result<Option<TableBatch>, FeedError> {
        // Bounded: every turn opens a part, ends one, or returns rows.
        loop {
            let Some((file, source)) = &mut self.open else {
                let (sources, options) = (&self.sources, &self.options);
                let plan = self.plan.get_or_insert_with(|| Plan::of(sources, options));
                let Some(PartOf { source, part }) = plan.parts.next() else { return Ok(None) };
                let look = Arc::clone(&plan.looks[source]);
                let of = &self.sources[source];
                self.bytes += look.as_ref().as_ref().map_or(of.bytes, |look| look.parts[part]);
                let opened = match look.as_ref() {
                    Ok(look) => open(of, options, &plan.columns, (look, part)),
                    Err(error) => Err(error.clone()),
                };
                match opened {
                    Ok(file) => self.open = Some((file, source)),
                    Err(error @ FeedError::Corrupt { .. }) => self.broken(source, &error),
                    Err(error) => return Err(error),
                }
                continue;
            };
            let source = *source;
            match file.next_batch(&mut self.counters) {
                Ok(Some(batch)) => {
                    self.rows += batch.len() as u64;
                    return Ok(Some(batch));
                }
                Ok(None) => self.open = None,
                Err(error @ FeedError::Corrupt { .. }) => {
                    self.open = self.open.take().filter(|(file, _)| file.goes_on());
                    self.broken(source, &error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn broken(&mut self, source: usize, error: &FeedError) {
        let path = self.sources[source].path.display().to_string();
        self.counters.hit(checks::TRUNCATED_FILE, &path, 0, || error.to_string());
    }

    /// What was counted so far.
    pub fn counters(&self) -> &FeedCounters {
        &self.counters
    }

    /// Rows read so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes on disk of what was opened so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A part of a file, and these columns of it.
fn open(
    source: &Source,
    options: &TableOptions,
    columns: &[String],
    (look, part): (&TableLook, usize),
) -> Result<Box<dyn TableFile>, FeedError> {
    if is_parquet(source) {
        return Ok(Box::new(parquet::ParquetTable::open(source, options, columns, (look, part))?));
    }
    Ok(Box::new(csv::CsvTable::open(source, options, columns)?))
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
    let options = TableOptions::default();
    let look = TableLook::of(source, &options).ok()?;
    let mut file = open(source, &options, &[], (&look, 0)).ok()?;
    let batch = file.next_batch(&mut FeedCounters::default()).ok()??;
    let clock_ns = [1_000_000_000, 1_000_000, 1_000].into_iter().find(|unit| batch.t_ns.iter().all(|t| t % unit == 0));
    Some((*batch.t_ns.first()?, clock_ns.unwrap_or(1)))
}
