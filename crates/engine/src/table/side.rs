//! The files of a side, part by part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use verismo_feed::checks::TRUNCATED_FILE;
use verismo_feed::table::{ColumnVotes, TableLook, TableOutline, TableReader};
use verismo_feed::{FeedCounters, FeedError, Source};
use verismo_stats::lattice::Lattice;
use verismo_suite::trace::{ObservedHow, TraceColumn, TraceGroup, TracePiece, TraceTable};

use super::kept::{self, Found, Place, Shelf, States, Wanted, times_key};
use super::observer::{TableObserver, TablePart, TableSum, window_ns_of_times};
use super::{Run, recorded};
use crate::convert;
use crate::error::EngineError;
use crate::execute::ObservedSide;
use crate::store::{Digest, hex};
use crate::validate::SideResult;

/// The files of a side, and the parts that are read by themselves.
pub(super) struct Table<'a> {
    /// Its name in errors.
    pub(super) side: &'static str,
    pub(super) sources: &'a [Source],
    /// What each file said of itself, or why it did not.
    looks: Vec<Arc<Result<TableLook, FeedError>>>,
    /// In the order of the rows.
    pub(super) parts: Vec<PartAt>,
    /// Parts that broke off while lattices were chosen.
    broken: Mutex<BTreeSet<PartAt>>,
}

/// A part of a file of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PartAt {
    pub(super) source: usize,
    pub(super) part: usize,
}

impl<'a> Table<'a> {
    /// Looks at all files.
    ///
    /// # Errors
    /// [`EngineError::Interrupted`].
    pub(super) fn look(run: &Run<'_>, side: &'static str, sources: &'a [Source]) -> Result<Self, EngineError> {
        let look = |source: &Source| {
            let shelf = run.shelf.as_ref();
            let place = shelf.and_then(|shelf| Some((shelf, shelf.place(source, 0)?)));
            if let Some(look) = place.as_ref().and_then(|(shelf, place)| shelf.look(place)) {
                return Ok(look);
            }
            let look = TableLook::of(source, &run.options)?;
            if let Some((shelf, place)) = &place {
                shelf.keep_look(source, place, &look);
            }
            Ok(look)
        };
        let (looks, _) = run.each(sources.len(), |at, (): &mut ()| Ok(Arc::new(look(&sources[at]))))?;
        let parts = looks.iter().enumerate().flat_map(|(source, look)| {
            // One that cannot be opened says why when its turn comes.
            let parts = look.as_ref().as_ref().map_or(1, |look| look.parts().len());
            (0..parts).map(move |part| PartAt { source, part })
        });
        let parts = parts.collect();
        Ok(Self { side, sources, looks, parts, broken: Mutex::default() })
    }

    /// What all files look like, where these columns are numeric whatever they hold.
    pub(super) fn outline(&self, run: &Run<'_>, numeric: impl Iterator<Item = String>) -> TableOutline {
        let mut options = run.options.clone();
        options.numeric = numeric.collect();
        TableOutline::of(self.seen(), &options)
    }

    /// What the files say of themselves that can be opened.
    fn seen(&self) -> impl Iterator<Item = &TableLook> {
        self.looks.iter().filter_map(|look| look.as_ref().as_ref().ok())
    }

    /// A reader of these columns of a part.
    pub(super) fn open(&self, run: &Run<'_>, at: PartAt, columns: Vec<String>) -> TableReader {
        let (source, options) = (self.sources[at.source].clone(), run.options.clone());
        TableReader::of_part(source, options, columns, (Arc::clone(&self.looks[at.source]), at.part))
    }

    /// Where a store has a part; `None` of a file that could not be looked at, or whose bytes are not known.
    pub(super) fn place(&self, shelf: &Shelf<'_>, at: PartAt) -> Option<Place> {
        self.looks[at.source].as_ref().as_ref().ok()?;
        shelf.place(&self.sources[at.source], at.part)
    }

    /// Notes a part that broke off before its rows were counted.
    pub(super) fn broke_off(&self, at: PartAt) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).insert(at);
    }

    /// Whether what is known of a part comes from less than all of it: it is then neither taken from a store nor kept, and told.
    fn is_broken(&self, at: PartAt) -> bool {
        let look = self.looks[at.source].as_ref().as_ref();
        look.is_ok_and(|look| !look.is_whole())
            || self.broken.lock().unwrap_or_else(PoisonError::into_inner).contains(&at)
    }

    /// Its columns as a trace has them.
    fn traced(&self) -> TraceTable {
        let mut votes = ColumnVotes::default();
        self.seen().flat_map(TableLook::columns).for_each(|(name, of_file)| votes.add(name, of_file));
        let column = |(name, (there, numbers))| TraceColumn { name, there, numbers };
        TraceTable { columns: votes.0.into_iter().map(column).collect(), lattices: Vec::new() }
    }

    /// The part of a file, by their places.
    pub(super) fn part(&self, source: usize, part: usize) -> Option<PartAt> {
        self.parts.iter().copied().find(|at| (at.source, at.part) == (source, part))
    }

    /// Whether a part is the last of its file.
    fn is_last(&self, at: PartAt) -> bool {
        self.looks[at.source].as_ref().as_ref().map_or(true, |look| at.part + 1 == look.parts().len())
    }

    /// How a source is named in examples.
    pub(super) fn label(&self, at: PartAt) -> String {
        self.sources[at.source].path.display().to_string()
    }
}

/// A side as it was counted.
pub(super) struct Counted {
    sum: TableSum,
    counters: FeedCounters,
    rows: u64,
    bytes: u64,
    /// The same for a trace.
    group: TraceGroup,
}

impl Counted {
    pub(super) fn new(sum: TableSum) -> Self {
        Self { sum, counters: FeedCounters::default(), rows: 0, bytes: 0, group: TraceGroup::default() }
    }

    /// The next part, of the file of this name.
    ///
    /// # Errors
    /// [`EngineError::Internal`] where a column lies on another lattice.
    pub(super) fn add(&mut self, part: TablePart, counters: &FeedCounters, source: &str) -> Result<(), EngineError> {
        self.rows += part.times.rows;
        self.counters.append(counters);
        self.sum.add(part, source).map_err(|error| EngineError::Internal { detail: error.to_string() })
    }

    pub(super) fn into_side(self) -> Result<SideResult, EngineError> {
        let Self { sum, counters, rows, bytes, .. } = self;
        let part = ObservedSide { streams: Vec::new(), counters, messages: rows, bytes, unread: None };
        let mut states = convert::side_states(vec![part], Vec::new())?;
        states.streams.push(sum.finish());
        Ok(SideResult { states, messages: rows, bytes, ..SideResult::default() })
    }
}

/// What one part came to.
struct Came {
    part: TablePart,
    counters: FeedCounters,
    /// Bytes that were read for it.
    bytes: u64,
    /// Its name, and the digest of its states, where they are stored.
    kept: Option<(String, Digest)>,
}

/// Counts the columns of each table per window; the first is the one whose lattices were frozen.
///
/// # Errors
/// [`EngineError`] of the first part that cannot be read.
pub(super) fn count<const N: usize>(
    run: &Run<'_>,
    tables: &[Table<'_>; N],
    (lattices, frozen): (&BTreeMap<String, Lattice>, &BTreeMap<String, Lattice>),
    window_ns: i64,
) -> Result<[Counted; N], EngineError> {
    // What is numeric in the golden has to be so in the candidate.
    let outlines: [TableOutline; N] = std::array::from_fn(|side| tables[side].outline(run, lattices.keys().cloned()));
    // Windows of their final length need not be merged.
    let mut starts = outlines.each_ref().map(|outline| {
        outline.span_ns.map_or(window_ns, |(first, last)| window_ns_of_times(first, last)).max(window_ns)
    });
    let count_these = |sides: &[usize], starts: [i64; N]| {
        let parts = |side: usize| tables[side].parts.iter().map(move |part| (side, *part));
        let work: Vec<(usize, PartAt)> = sides.iter().flat_map(|&side| parts(side)).collect();
        let one = |i: usize, (): &mut ()| {
            let (side, at) = work[i];
            let came = part(run, &tables[side], at, &outlines[side], lattices, starts[side]);
            if let Some(shelf) = &run.shelf {
                shelf.release();
            }
            Ok((side, at, came.map_err(EngineError::feed(tables[side].side))?))
        };
        run.each(work.len(), one).map(|(came, _)| came)
    };
    let how = |side: usize, starts: [i64; N]| (lattices, starts[side], window_ns);
    let mut came = count_these(&Vec::from_iter(0..N), starts)?;
    let mut sides = Vec::with_capacity(N);
    for side in 0..N {
        let own: Vec<_> = came.extract_if(.., |(of, ..)| *of == side).collect();
        let mut counted = sum_of(&tables[side], own, how(side, starts))?;
        if counted.sum.is_too_coarse(window_ns) {
            // A footer was wrong, and windows cannot be cut.
            starts[side] = window_ns;
            let (own, bytes) = (count_these(&[side], starts)?, counted.bytes);
            counted = sum_of(&tables[side], own, how(side, starts))?;
            counted.bytes = counted.bytes.saturating_add(bytes);
        }
        if let (0, Some(table)) = (side, &mut counted.group.table) {
            table.lattices = recorded::encoded(frozen);
        }
        if let Some(shelf) = &run.shelf {
            shelf.went(side, std::mem::take(&mut counted.group));
        }
        sides.push(counted);
    }
    <[Counted; N]>::try_from(sides).map_err(|_| EngineError::Internal { detail: "a side is missing".to_owned() })
}

/// The parts of a side, in their order.
fn sum_of(
    table: &Table<'_>,
    came: Vec<(usize, PartAt, Came)>,
    (lattices, start_ns, window_ns): (&BTreeMap<String, Lattice>, i64, i64),
) -> Result<Counted, EngineError> {
    let mut counted = Counted::new(TableSum::new(lattices, start_ns));
    let sources = table.sources.iter().map(|source| source.path.display().to_string()).collect();
    counted.group = TraceGroup {
        observed: observed_how(start_ns, window_ns),
        sources,
        pieces: Vec::with_capacity(came.len()),
        table: Some(table.traced()),
    };
    for (_, at, Came { part, counters, bytes, kept }) in came {
        counted.bytes = counted.bytes.saturating_add(bytes);
        counted.add(part, &counters, &table.label(at))?;
        let is_last = table.is_last(at);
        let (base, states) = kept.map(|(base, states)| (base, hex(&states))).unzip();
        counted.group.pieces.push(TracePiece { files: u64::from(is_last), is_inside: !is_last, base, states });
    }
    Ok(counted)
}

/// How a trace says that a table was observed.
fn observed_how(start_ns: i64, window_ns: i64) -> ObservedHow {
    let code = hex(&kept::code());
    ObservedHow { code, expected_span_ns: start_ns, window_min_ns: window_ns, ..ObservedHow::default() }
}

/// The columns of a table that are counted.
pub(super) fn counted(columns: &[String], lattices: &BTreeMap<String, Lattice>) -> Vec<String> {
    lattices.keys().filter(|name| columns.contains(name)).cloned().collect()
}

/// A part as it was read.
pub(super) struct ReadPart {
    pub(super) part: TablePart,
    pub(super) counters: FeedCounters,
    bytes: u64,
}

/// Reads these columns of a part, and counts those of `counted`; what the meter breaks off is not all of it.
pub(super) fn read(
    run: &Run<'_>,
    (table, at): (&Table<'_>, PartAt),
    columns: &[String],
    counted: &[String],
    (lattices, start_ns): (&BTreeMap<String, Lattice>, i64),
) -> Result<ReadPart, FeedError> {
    let mut reader = table.open(run, at, columns.to_vec());
    let mut observer = TableObserver::new(lattices.iter().filter(|(name, _)| counted.contains(name)), start_ns);
    let (mut rows, mut bytes) = (0, 0);
    while !run.meter.is_cancelled()
        && let Some(batch) = reader.next_batch()?
    {
        observer.observe(&batch);
        run.meter.add(reader.rows() - rows, reader.bytes() - bytes);
        (rows, bytes) = (reader.rows(), reader.bytes());
    }
    run.meter.add(reader.rows() - rows, reader.bytes() - bytes);
    Ok(ReadPart { part: observer.finish(), counters: reader.counters().clone(), bytes: reader.bytes() })
}

/// A part, from the store as far as that has it.
fn part(
    run: &Run<'_>,
    table: &Table<'_>,
    at: PartAt,
    outline: &TableOutline,
    lattices: &BTreeMap<String, Lattice>,
    start_ns: i64,
) -> Result<Came, FeedError> {
    let columns = counted(&outline.columns, lattices);
    let wanted = Wanted { times: times_key(&outline.columns), columns: &columns, lattices, start_ns };
    let is_broken = table.is_broken(at);
    let place = run.shelf.as_ref().filter(|_| !is_broken).and_then(|shelf| table.place(shelf, at));
    let is_over = || run.meter.is_cancelled();
    let found = match &run.shelf {
        Some(shelf) => shelf.find(place.as_ref(), &wanted, &table.label(at), &is_over),
        None => Found::nothing(&wanted),
    };
    let named = |states: &States| place.as_ref().map(|place| (kept::base(place, &wanted), states.digest()));
    // Stores what was read of these to their end.
    let keep = |own: &ReadPart, counters: Option<&FeedCounters>| {
        let (shelf, place) = run.shelf.as_ref().zip(place.as_ref())?;
        let is_whole = own.counters.count(TRUNCATED_FILE) == 0 && !run.meter.is_cancelled();
        is_whole.then(|| shelf.keep(&table.sources[at.source], place, &wanted, (&own.part, counters)))?
    };
    let all = (&outline.columns[..], &columns[..]);
    let read =
        |(columns, counted): (&[String], &[String])| read(run, (table, at), columns, counted, (lattices, start_ns));
    let (is_all, mut bytes) = (found.is_all(), 0);
    let Found { mut part, counters, missing, mut states } = found;
    if let Some(counters) = counters {
        if is_all {
            run.meter.add(part.times.rows, 0);
            return Ok(Came { part, counters, bytes, kept: named(&states) });
        }
        let own = read((&missing, &missing))?;
        // What was found is of the bytes that the file had.
        let is_still = || run.shelf.as_ref().is_some_and(|shelf| table.place(shelf, at).is_some());
        if own.part.times == part.times && own.counters.count(TRUNCATED_FILE) == 0 && is_still() {
            let kept = keep(&own, None).and_then(|computed| {
                states.columns.extend(computed.columns);
                named(&states)
            });
            part.columns.extend(own.part.columns);
            return Ok(Came { part, counters, bytes: own.bytes, kept });
        }
        // It breaks off where it did not before, or is another file: what was found is of other rows than those that can be read now.
        bytes = own.bytes;
    }
    let mut own = read(all)?;
    if is_broken && own.counters.count(TRUNCATED_FILE) == 0 {
        let why = || "it could not be read to its end when its columns were looked at".to_owned();
        own.counters.hit(TRUNCATED_FILE, &table.label(at), 0, why);
    }
    let kept = keep(&own, Some(&own.counters)).and_then(|states| named(&states));
    let ReadPart { part, counters, bytes: read } = own;
    Ok(Came { part, counters, bytes: bytes.saturating_add(read), kept })
}
