//! What there is to read: paths are walked, contents sniffed, sources put in the order of their contents.

mod formats;
mod manifest;
mod order;
mod saved;
mod sniff;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use verismo_market::event::NO_TIME;

use crate::block::{EventReader, Spot};
use crate::counters::FeedCounters;
use crate::error::FeedError;
use crate::input::Compression;
use crate::limits::{Limits, streams_max};
use crate::lobster;

pub use formats::{Format, reader};
pub(crate) use sniff::{Head, Match, Probe};
pub use sniff::{Sniffed, sniff};

use formats::Grouping;

/// The first row or message of a source; sources are ordered by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FirstKey {
    /// Receive time of the first message, or [`NO_TIME`].
    pub t_receive_ns: i64,
    /// Exchange time of the first message that has one, or [`NO_TIME`].
    pub t_exchange_ns: i64,
    /// Its id, or `NO_ID`.
    pub id: i64,
}

impl FirstKey {
    /// The time by which sources of one session are merged: receive time, else exchange time.
    pub fn order_key(&self) -> i64 {
        if self.t_receive_ns == NO_TIME { self.t_exchange_ns } else { self.t_receive_ns }
    }
}

/// When a source starts, told by its first messages together: one wrong stamp does not move it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Onset {
    /// The smallest stamp among the first messages, ns.
    pub earliest_ns: i64,
    /// Their median, ns.
    pub typical_ns: i64,
}

/// One file of data.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub format: Format,
    /// Whether the content could not tell the format, so that the other files may.
    pub(crate) is_format_guessed: bool,
    /// How its bytes are packed.
    pub compression: Compression,
    /// Its size on disk.
    pub bytes: u64,
    /// When it was changed last before it was looked at, where the system tells.
    pub modified: Option<SystemTime>,
    /// Symbol told by the path of a Parquet tree.
    pub symbol: Option<String>,
    /// Resolution of its exchange times in ns: 1_000_000 for ms stamps, 1_000 for us, 1 for ns.
    pub clock_ns: i64,
    /// What it is one of, where its clock is guessed from stamps; `None` where the format tells the clock, or there were no stamps.
    pub(crate) clock_kind: Option<String>,
    /// Captures whose receive clocks can be compared share a session; numbered in order of exchange time.
    pub session: u32,
    /// The first message.
    pub first: FirstKey,
    /// When the first messages of a capture came; `None` for other formats.
    pub onset: Option<Onset>,
    /// Exchange time minus receive time at the start, where both are known.
    pub clock_offset_ns: Option<i64>,
    /// Rows, where the file says so itself.
    pub rows: Option<u64>,
    /// Exchange times of the first and the last event, ns, where the file says so itself.
    pub span_ns: Option<(i64, i64)>,
    /// What its reader takes at most.
    pub(crate) limits: Limits,
    /// Why it cannot be read, if so; it is then counted as `truncated_file` when its turn comes.
    pub problem: Option<FeedError>,
}

impl Source {
    /// When it starts, by the stamps that its session is merged by.
    pub fn onset(&self) -> Onset {
        let key = self.first.order_key();
        self.onset.unwrap_or(Onset { earliest_ns: key, typical_ns: key })
    }

    /// Bytes about every which a reader may rest inside it; `None` where it is read as a whole: too short for that, or packed.
    pub(crate) fn segment_bytes(&self, segment_bytes: u64) -> Option<u64> {
        let is_long = segment_bytes > 0 && self.bytes > segment_bytes;
        (is_long && self.compression == Compression::Plain).then_some(segment_bytes)
    }

    /// Guesses the clock of a source of this kind: the coarsest of the nested `units` that all `stamps` are whole multiples of, else 1 ns.
    pub(crate) fn guess_clock(&mut self, kind: &str, units: &[i64], stamps: impl Iterator<Item = i64>) {
        let unit_of = |t: i64| units.iter().copied().find(|unit| t % unit == 0).unwrap_or(1);
        if let Some(clock_ns) = stamps.filter(|t| *t != NO_TIME).map(unit_of).min() {
            (self.clock_ns, self.clock_kind) = (clock_ns, Some(kind.to_owned()));
        }
    }
}

/// A file that is not data, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ignored {
    /// The file.
    pub path: PathBuf,
    /// Why it is not read.
    pub reason: String,
}

/// The files under some paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// Files of which the content matters.
    pub files: Vec<PathBuf>,
    /// Files that are never data, by their names.
    pub ignored: Vec<Ignored>,
}

/// Everything found under the given paths.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Inventory {
    /// The one format of all sources.
    pub format: Format,
    /// The sources, in reading order: by group, session, first key.
    pub sources: Vec<Source>,
    /// Files that are not data, sorted by path.
    pub ignored: Vec<Ignored>,
    /// Manifests of trees, which are compared with the sources.
    pub manifests: Vec<PathBuf>,
    /// What the manifests say against the files (`manifest`).
    pub counters: FeedCounters,
    /// Facts worth showing that are no fault, such as how a manifest's paths had to be resolved.
    pub notes: Vec<String>,
}

/// Options of readers.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReaderOptions {
    /// Symbol of sources that do not tell theirs; also replaces the one told by a Parquet path.
    pub symbol: Option<String>,
    /// Time zone of times that are told as times of day, an IANA name; the format's own if absent.
    pub tz: Option<String>,
    /// Date of files that tell only times of day, `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Whether packed files may be unpacked on threads of their own, which pays where a core would be idle.
    pub unpacks_ahead: bool,
    /// Readers that can rest inside files do so about every so many bytes: a power of two, or 0 for never.
    pub segment_bytes: u64,
}

/// So much is read again where a file was changed at its end, or a run was ended inside of it.
pub const SEGMENT_BYTES: u64 = 64 << 20;
/// Segments are never shorter: subtrees of a digest begin at multiples of so many bytes.
pub const SEGMENT_BYTES_MIN: u64 = 1 << 10;

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { symbol: None, tz: None, date: None, unpacks_ahead: false, segment_bytes: SEGMENT_BYTES }
    }
}

/// Where the segment of a file ends that is read from a byte on: behind as many bytes as a whole number of segments has, and not sooner
/// than half a segment away.
pub fn segment_end(offset: u64, segment_bytes: u64) -> u64 {
    (offset.saturating_add(segment_bytes / 2) / segment_bytes).saturating_add(1).saturating_mul(segment_bytes)
}

impl ReaderOptions {
    /// Options with this symbol.
    pub fn with_symbol(symbol: Option<String>) -> Self {
        Self { symbol, ..Self::default() }
    }

    /// These options with a time zone and a date.
    #[must_use]
    pub fn with_day(self, tz: Option<String>, date: Option<String>) -> Self {
        Self { tz, date, ..self }
    }

    /// These options with [`Self::segment_bytes`], which becomes the next power of two that is not below [`SEGMENT_BYTES_MIN`].
    #[must_use]
    pub fn with_segments(self, segment_bytes: u64) -> Self {
        let bytes = |n: u64| n.max(SEGMENT_BYTES_MIN).next_power_of_two();
        Self { segment_bytes: if segment_bytes > 0 { bytes(segment_bytes) } else { 0 }, ..self }
    }

    /// These options with [`Self::unpacks_ahead`].
    #[must_use]
    pub fn with_unpacking_ahead(self, unpacks_ahead: bool) -> Self {
        Self { unpacks_ahead, ..self }
    }
}

/// Symbol of a Parquet source whose path tells none.
pub const UNKNOWN_SYMBOL: &str = "UNKNOWN";

impl Inventory {
    /// Walks `paths` (files and directories; globs are expanded by the caller), recognises contents, orders the sources.
    ///
    /// # Errors
    /// [`FeedError::PathNotFound`], [`FeedError::NoInput`], [`FeedError::MixedFormats`], [`FeedError::WrongFormat`], or the first
    /// problem if no source can be read.
    pub fn scan(paths: &[PathBuf], format: Option<Format>) -> Result<Self, FeedError> {
        let found = walk::walk(paths)?;
        let mut ignored = found.ignored;
        let mut sources = Vec::new();
        for path in &found.files {
            match sniff::source(path, format) {
                Ok(sniff::Verdict::Source(source)) => sources.push(*source),
                Ok(sniff::Verdict::Ignored(reason)) => ignored.push(Ignored { path: path.clone(), reason }),
                Err(error) => return Err(error),
            }
        }
        let format = choose_format(&mut sources, &mut ignored, format)?;
        ignored.sort();
        if sources.is_empty() {
            return Err(no_input(paths, &ignored));
        }
        if sources.iter().all(|s| s.problem.is_some())
            && let Some(problem) = sources.iter().find_map(|s| s.problem.clone())
        {
            return Err(problem);
        }
        if format == Format::Lobster {
            lobster::add_books(&mut sources, &mut ignored);
        }
        settle_clocks(&mut sources);
        order::order(&mut sources, format);
        let mut counters = FeedCounters::default();
        let mut notes = Vec::new();
        if format == Format::EventsParquet {
            manifest::reconcile(&found.manifests, &sources, &mut counters, &mut notes);
        }
        Ok(Self { format, sources, ignored, manifests: found.manifests, counters, notes })
    }

    /// What [`Inventory::scan`] would look at, without looking at it.
    ///
    /// # Errors
    /// [`FeedError::PathNotFound`], or what keeps a directory from being listed.
    pub fn list(paths: &[PathBuf]) -> Result<Listing, FeedError> {
        let walk::Found { mut files, manifests, ignored } = walk::walk(paths)?;
        let companions: Vec<PathBuf> = files.iter().flat_map(|path| Self::companions(path)).collect();
        files.extend(manifests);
        files.extend(companions);
        files.sort();
        files.dedup();
        Ok(Listing { files, ignored })
    }

    /// The files beside a file that are read with it although only it is named: the order book of LOBSTER messages.
    pub fn companions(path: &Path) -> Vec<PathBuf> {
        lobster::book_paths(path).into_iter().filter(|path| path.is_file()).collect()
    }

    /// The same under other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        for source in &mut self.sources {
            source.limits = limits;
        }
        self
    }

    /// The coarsest resolution of any source, in ns; sources whose clock was guessed have the finest of their kind.
    pub fn clock_ns(&self) -> i64 {
        self.sources.iter().map(|s| s.clock_ns).max().unwrap_or(1)
    }

    /// Bytes on disk of all sources.
    pub fn bytes(&self) -> u64 {
        self.sources.iter().map(|s| s.bytes).sum()
    }

    /// The sources in groups that can be read independently: all of a capture, or one symbol of a Parquet tree.
    pub fn groups(&self) -> Vec<Vec<Source>> {
        let is_whole = match self.format.row().grouping {
            Grouping::Capture => true,
            Grouping::BySymbol => false,
            Grouping::BySymbolIfKnown => self.sources.iter().any(|s| s.symbol.is_none() && s.problem.is_none()),
        };
        if is_whole {
            let mut all = self.sources.clone();
            if self.format.row().grouping != Grouping::Capture {
                all.sort_by_key(|s| (s.first, s.bytes));
            }
            return vec![all];
        }
        let mut groups: Vec<(Option<String>, Vec<Source>)> = Vec::new();
        for source in &self.sources {
            let key = source.symbol.as_deref().map(order::normal_symbol);
            match groups.last_mut() {
                Some((last, group)) if *last == key => group.push(source.clone()),
                _ => groups.push((key, vec![source.clone()])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// One reader per group, see [`Inventory::groups`].
    ///
    /// # Errors
    /// As [`Inventory::reader_groups`] and [`ReaderGroup::open`].
    pub fn readers(&self, options: &ReaderOptions) -> Result<Vec<Box<dyn EventReader>>, FeedError> {
        self.reader_groups(options)?.iter().map(ReaderGroup::open).collect()
    }

    /// What each reader reads, see [`Inventory::groups`].
    ///
    /// # Errors
    /// [`FeedError::TooMany`] where there are more symbols than streams may be.
    pub fn reader_groups(&self, options: &ReaderOptions) -> Result<Vec<ReaderGroup>, FeedError> {
        let groups = self.groups();
        let (count, limit) = (groups.len() as u64, streams_max(&self.sources) as u64);
        if count > limit {
            let path = self.sources.first().map_or_else(String::new, |s| s.path.display().to_string());
            let path = format!("{path} and others");
            return Err(FeedError::TooMany { path, what: "symbols", count, limit, option: "--max-streams" });
        }
        let group = |sources| ReaderGroup { format: self.format, sources, options: options.clone() };
        Ok(groups.into_iter().map(group).collect())
    }
}

/// Sources that one reader reads; it can be opened again.
#[derive(Debug, Clone)]
pub struct ReaderGroup {
    format: Format,
    sources: Vec<Source>,
    options: ReaderOptions,
}

impl ReaderGroup {
    /// A reader at the start.
    ///
    /// # Errors
    /// [`FeedError::WrongFormat`] for tables, which have no events: read them with [`crate::table::TableReader`].
    pub fn open(&self) -> Result<Box<dyn EventReader>, FeedError> {
        reader(self.format, self.sources.clone(), &self.options)
    }

    /// A reader that rests where it can, from a rest on, with what goes on there.
    ///
    /// # Errors
    /// As [`Self::open`]; [`FeedError::Carry`] for a carry that no reader of the format has handed on.
    pub fn open_at(&self, at: Spot, carry: &[u8]) -> Result<Box<dyn EventReader>, FeedError> {
        formats::resting_reader(self.format, self.sources.clone(), &self.options, at, carry)
    }

    /// Whether a reader that went from a rest before or in source `first` to this one, and had this carry there, would do the same with
    /// these sources.
    pub fn rests_at(&self, first: usize, at: Spot, carry: &[u8]) -> bool {
        self.format.rests_at(&self.sources, first, at, carry)
    }

    /// Bytes about every which a reader rests inside a source; `None` where it reads it as a whole.
    pub fn segment_bytes(&self, source: usize) -> Option<u64> {
        let source = self.sources.get(source).filter(|_| self.format.rests_inside())?;
        source.segment_bytes(self.options.segment_bytes)
    }

    /// Format of the sources.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The sources, in the order in which they are read.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// What its reader takes at most.
    pub fn limits(&self) -> Limits {
        self.sources.first().map(|source| source.limits).unwrap_or_default()
    }

    /// How they are read.
    pub fn options(&self) -> &ReaderOptions {
        &self.options
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.sources.iter().map(|s| s.bytes).sum()
    }

    /// How far the first event of the first source and that of the last one lie apart, ns, as far as their starts tell: the events of a
    /// single stream span at least that, if its sources are what they seem.
    pub fn expected_span_ns(&self) -> i64 {
        let times = self.sources.iter().filter(|s| s.problem.is_none()).map(|s| s.first.t_exchange_ns);
        let times = times.filter(|t| *t != NO_TIME);
        let (first, last) = times.fold((i64::MAX, i64::MIN), |(first, last), t| (first.min(t), last.max(t)));
        if first < last { last.saturating_sub(first) } else { 0 }
    }
}

/// Few stamps can all lie on whole seconds by chance: sources of one kind have the finest clock that one of them shows, so that it does not
/// depend on how they are cut.
fn settle_clocks(sources: &mut [Source]) {
    let mut finest: BTreeMap<String, i64> = BTreeMap::new();
    for source in sources.iter() {
        if let Some(kind) = source.clock_kind.clone() {
            let clock_ns = finest.entry(kind).or_insert(source.clock_ns);
            *clock_ns = source.clock_ns.min(*clock_ns);
        }
    }
    for source in sources {
        if let Some(clock_ns) = source.clock_kind.as_ref().and_then(|kind| finest.get(kind)) {
            source.clock_ns = *clock_ns;
        }
    }
}

/// Without a wish: streams of events win over tables beside them, and exclude each other. A file that does not tell its format is of the
/// one that the others have.
fn choose_format(
    sources: &mut Vec<Source>,
    ignored: &mut Vec<Ignored>,
    wish: Option<Format>,
) -> Result<Format, FeedError> {
    if let Some(format) = wish {
        return Ok(format);
    }
    let has_events = |s: &&Source| s.format.has_events();
    let is_known = |s: &&Source| s.format.has_events() && !s.is_format_guessed;
    let knows = sources.iter().any(|s| is_known(&s));
    let votes = sources.iter().filter(|s| if knows { is_known(s) } else { has_events(s) });
    let mut first_of: Vec<(Format, &Path)> = Vec::new();
    for source in votes {
        if first_of.iter().all(|(format, _)| *format != source.format) {
            first_of.push((source.format, &source.path));
        }
    }
    first_of.sort();
    let chosen = match first_of[..] {
        [] => return Ok(Format::Table),
        [(format, _)] => format,
        [(first, first_path), (second, second_path), ..] => {
            return Err(FeedError::MixedFormats {
                first_path: first_path.display().to_string(),
                first: first.name(),
                second_path: second_path.display().to_string(),
                second: second.name(),
            });
        }
    };
    for source in sources.iter_mut().filter(|s| s.is_format_guessed) {
        source.format = chosen;
    }
    let (kept, others): (Vec<_>, Vec<_>) = std::mem::take(sources).into_iter().partition(|s| s.format == chosen);
    *sources = kept;
    ignored.extend(
        others.into_iter().map(|s| Ignored { path: s.path, reason: format!("a table beside {} data", chosen.name()) }),
    );
    Ok(chosen)
}

fn no_input(paths: &[PathBuf], ignored: &[Ignored]) -> FeedError {
    const SHOWN_MAX: usize = 5;
    let shown: Vec<String> =
        ignored.iter().take(SHOWN_MAX).map(|i| format!("{}: {}", file_name(&i.path), i.reason)).collect();
    let more = ignored.len().saturating_sub(SHOWN_MAX);
    let ignored = match (shown.is_empty(), more) {
        (true, _) => "there are no files".to_owned(),
        (false, 0) => format!("seen: {}", shown.join("; ")),
        (false, n) => format!("seen: {}; and {n} more", shown.join("; ")),
    };
    let paths = paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
    FeedError::NoInput { paths: if paths.is_empty() { "no path".to_owned() } else { paths }, ignored }
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
}
