//! The states of a table that an earlier run left: from the store alone, or held against the files.

use std::collections::BTreeMap;

use verismo_feed::table::{ColumnVotes, TableOptions, TableOutline};
use verismo_feed::{FeedError, Source};
use verismo_market::observe::WINDOW_SHORT_NS;
use verismo_stats::lattice::Lattice;
use verismo_suite::suite::Suite;
use verismo_suite::trace::{Asked, TraceGroup, TracePiece};

use super::kept::{self, Found, States, Wanted, of_base, times_key};
use super::observer::TableSum;
use super::side::{self, Counted, Table};
use super::{Run, lattices, with_lattices};
use crate::chain::{Compared, Lost, Why};
use crate::error::EngineError;
use crate::meter::Meter;
use crate::store::{Digest, Store, hex};
use crate::trace::{bytes_of, hex_of};
use crate::validate::SideResult;

/// Lattices as a trace has them.
pub(super) fn encoded(lattices: &BTreeMap<String, Lattice>) -> Vec<(String, String)> {
    lattices.iter().map(|(name, lattice)| (name.clone(), hex_of(&kept::encoded(lattice)))).collect()
}

/// Whether a golden tells the lattice of every column that a run of it freezes.
pub(crate) fn is_whole(golden: &TraceGroup) -> bool {
    let Some(table) = &golden.table else { return false };
    let is_lattice = |text: &String| bytes_of(text).is_some_and(|bytes| Lattice::decode(&bytes).is_ok());
    let frozen = table.lattices.iter().filter(|(_, text)| is_lattice(text)).map(|(name, _)| name);
    frozen.eq(&votes(golden).numeric(|_| false))
}

fn votes(group: &TraceGroup) -> ColumnVotes {
    let mut votes = ColumnVotes::default();
    for column in group.table.iter().flat_map(|table| &table.columns) {
        votes.add(&column.name, (column.there, column.numbers));
    }
    votes
}

/// A suite with the lattices that a run of this golden would freeze, where it leaves them open.
pub(crate) fn suite_for(suite: &Suite, golden: &TraceGroup) -> Suite {
    let frozen = golden.table.iter().flat_map(|table| &table.lattices);
    let lattice = |(name, text): &(String, String)| Some((name.clone(), Lattice::decode(&bytes_of(text)?).ok()?));
    with_lattices(suite, &frozen.filter_map(lattice).collect())
}

/// Whether the states of a table are of this version of the code.
pub(crate) fn is_code_of(group: &TraceGroup) -> bool {
    group.observed.code == hex(&kept::code())
}

/// A side as an earlier run left it.
pub(crate) struct RecordedTable<'a> {
    store: &'a Store,
    group: &'a TraceGroup,
    /// All columns that a run under the suite reads, and those that it counts.
    all: Vec<String>,
    columns: Vec<String>,
    lattices: BTreeMap<String, Lattice>,
}

impl<'a> RecordedTable<'a> {
    /// What a run under this suite, which knows all lattices, takes of it.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for a lattice that is none.
    pub(crate) fn new(store: &'a Store, group: &'a TraceGroup, suite: &Suite) -> Result<Self, EngineError> {
        let lattices = lattices(suite)?;
        let all = votes(group).numeric(|name| lattices.contains_key(name));
        let columns = side::counted(&all, &lattices);
        Ok(Self { store, group, all, columns, lattices })
    }

    /// How many states it is of.
    pub(crate) fn states(&self) -> u64 {
        (self.group.pieces.len() * self.columns.len()) as u64
    }

    /// The side from the store, and what it is of this suite.
    ///
    /// # Errors
    /// [`Lost`] where something is not there.
    pub(crate) fn recall(&self, suite: &Suite) -> Result<(SideResult, TraceGroup), Lost> {
        let observed = &self.group.observed;
        let lost = |piece: usize, source: usize, why: String| Lost { piece, source, why, observables: Vec::new() };
        if observed.window_min_ns != suite.window_ns.unwrap_or(WINDOW_SHORT_NS) {
            return Err(lost(0, 0, Why::Options.text()));
        }
        if !is_code_of(self.group) {
            return Err(lost(0, 0, Why::Code.text()));
        }
        let mut counted = Counted::new(TableSum::new(&self.lattices, observed.expected_span_ns));
        let mut pieces = Vec::with_capacity(self.group.pieces.len());
        for (i, (source, _, recorded)) in self.places().enumerate() {
            let Some(base) = &recorded.base else {
                return Err(lost(i, source, "its states were not kept".to_owned()));
            };
            let Some((_, times)) = of_base(base).filter(|(_, times)| *times == times_key(&self.all)) else {
                return Err(lost(i, source, Why::Columns.text()));
            };
            let Found { part, counters, missing, states } = self.find(base, times);
            let why = if counters.is_some() { Why::Observables } else { Why::Gone };
            let Some(mut own) = counters.filter(|_| missing.is_empty()) else {
                let observables = if missing.len() == self.columns.len() { Vec::new() } else { missing };
                return Err(Lost { piece: i, source, why: why.text(), observables });
            };
            let label = self.group.sources.get(source).map_or("", String::as_str);
            own.rename_sources(&|_| label.to_owned());
            counted.add(part, &own, label).map_err(|error| lost(i, source, error.to_string()))?;
            pieces.push(TracePiece { states: Some(hex(&states.digest())), ..recorded.clone() });
        }
        let group = TraceGroup { pieces, ..self.group.clone() };
        let side = counted.into_side();
        side.map(|side| (side, group)).map_err(|error| lost(0, 0, error.to_string()))
    }

    /// Each part with the places of its source and of it in that.
    fn places(&self) -> impl Iterator<Item = (usize, usize, &'a TracePiece)> {
        let mut at = (0, 0);
        self.group.pieces.iter().map(move |piece| {
            let (source, part) = at;
            at = if piece.is_inside { (source, part + 1) } else { (source + 1, 0) };
            (source, part, piece)
        })
    }

    fn find(&self, base: &str, times: Digest) -> Found {
        let start_ns = self.group.observed.expected_span_ns;
        let wanted = Wanted { times, columns: &self.columns, lattices: &self.lattices, start_ns };
        let folder = of_base(base).map_or("", |(folder, _)| folder);
        kept::find_in(self.store, &self.store.list(folder), &wanted)
    }

    /// All that the store has of a part; `None` where something is not there.
    fn whole(&self, recorded: &TracePiece) -> Option<Found> {
        let base = recorded.base.as_deref()?;
        let (_, times) = of_base(base)?;
        Some(self.find(base, times)).filter(Found::is_all)
    }

    /// The place of the source of each part, and what tells whether what the store has of it is what the run left: `None` where it lacks some.
    pub(crate) fn states_of_parts(&self) -> impl Iterator<Item = (usize, impl Fn() -> Option<bool>)> {
        self.places().map(move |(source, _, recorded)| {
            let is_as_recorded = move || {
                let found = self.whole(recorded)?;
                Some(recorded.states == Some(hex(&found.states.digest())))
            };
            (source, is_as_recorded)
        })
    }

    /// Reads parts again from the files, which are those of the side, and holds each against what the store has of it. `None` where they have no
    /// such part, or look otherwise as a whole.
    pub(crate) fn compare(
        &self,
        pieces: &[usize],
        (sources, asked): (&[Source], &Asked),
        meter: &Meter,
    ) -> Vec<Result<Option<Compared>, FeedError>> {
        let mut options = TableOptions::with_time(asked.time.clone());
        options.part_bytes = asked.segment_bytes;
        let run = Run { options, threads: 1, shelf: None, meter };
        let Ok(table) = Table::look(&run, "table", sources) else { return Vec::new() };
        // Columns are told by all files together.
        let outline = table.outline(&run, self.lattices.keys().cloned());
        let places: Vec<_> = self.places().collect();
        let one = |piece: &usize| match places.get(*piece) {
            Some(place) => self.compare_part(&run, (&table, &outline), *place),
            None => Ok(None),
        };
        pieces.iter().map(one).collect()
    }

    fn compare_part(
        &self,
        run: &Run<'_>,
        (table, outline): (&Table<'_>, &TableOutline),
        (source, part, recorded): (usize, usize, &TracePiece),
    ) -> Result<Option<Compared>, FeedError> {
        let times = recorded.base.as_deref().and_then(of_base).map(|(_, times)| times);
        let found = self.whole(recorded).filter(|_| times == Some(times_key(&outline.columns)));
        let Some((at, found)) = table.part(source, part).zip(found) else { return Ok(None) };
        let start_ns = self.group.observed.expected_span_ns;
        let read = side::read(run, (table, at), &outline.columns, &self.columns, (&self.lattices, start_ns))?;
        let States { times, columns } = States::of(&read.part, &read.counters);
        let is_same = times == found.states.times;
        let changed = columns.into_iter().filter(|(name, digest)| found.states.columns.get(name) != Some(digest));
        let changed = changed.map(|(name, _)| name).collect();
        Ok(Some(Compared { is_same_key: is_same, is_same_replay: is_same, changed }))
    }
}
