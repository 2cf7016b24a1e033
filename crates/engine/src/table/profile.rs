//! The lattices of a golden's columns.

use std::collections::BTreeMap;

use verismo_feed::checks::TRUNCATED_FILE;
use verismo_feed::table::{TableBatch, TableColumn};
use verismo_stats::column::{ColumnProfile, ColumnProfiler, DecimalGrid, choose_lattice, time_hash};
use verismo_stats::lattice::Lattice;
use verismo_stats::state::State;

use super::Run;
use super::kept::Shelf;
use super::side::{PartAt, Table};
use crate::error::EngineError;

/// The decimal grids of the columns of a part.
pub(super) type Grids = BTreeMap<String, DecimalGrid>;

/// Is shown every batch that is read, on whatever thread.
pub(super) type Look<'a> = dyn Fn(&TableBatch) + Sync + 'a;

/// What one thread has of a column. Only columns that are no decimals are sampled.
#[derive(Default)]
struct Seen {
    is_float: bool,
    /// Whether there were values before that showed.
    is_partial: bool,
    profiler: Option<ColumnProfiler>,
}

/// By column.
type Gathered = BTreeMap<String, Seen>;

/// What was read of a part: its grids, and whether that is all of it.
type ReadGrids = (Grids, bool);

/// The lattice of every numeric column of a golden; `look` is shown every batch where nothing is kept.
///
/// Where all values are decimals their places say all. Other columns are sampled, and their lattices remembered of the golden as a whole.
pub(super) fn lattices(
    run: &Run<'_>,
    golden: &Table<'_>,
    look: &Look<'_>,
) -> Result<BTreeMap<String, Lattice>, EngineError> {
    let columns = golden.outline(run, std::iter::empty()).columns;
    let (grids, known, gathered) = all_grids(run, golden, &columns, look)?;
    let mut joined: BTreeMap<&String, DecimalGrid> =
        columns.iter().map(|name| (name, DecimalGrid::default())).collect();
    for (name, grid) in grids.iter().flatten() {
        if let Some(joined) = joined.get_mut(name) {
            joined.join(*grid);
        }
    }
    let of_grid = |grid: &DecimalGrid| match grid.scale() {
        Some(scale) => Lattice::ticks(scale),
        None => choose_lattice(&ColumnProfile::new(1)),
    };
    let mut lattices: BTreeMap<String, Lattice> =
        joined.iter().map(|(name, grid)| ((*name).clone(), of_grid(grid))).collect();
    let is_sampled = |(_, grid): &(&&String, &DecimalGrid)| grid.n_finite() > 0 && grid.scale().is_none();
    let sampled: Vec<String> = joined.iter().filter(is_sampled).map(|(name, _)| (*name).clone()).collect();
    if !sampled.is_empty() {
        lattices.extend(sampled_lattices(run, golden, (&columns, &sampled), (known, gathered))?);
    }
    Ok(lattices)
}

/// How much of the grids was found, and whether all else was read to its end.
#[derive(Clone, Copy)]
struct Known {
    none: bool,
    is_whole: bool,
}

/// The decimal grids of all parts, and what was gathered of those that were read for it.
fn all_grids(
    run: &Run<'_>,
    golden: &Table<'_>,
    columns: &[String],
    look: &Look<'_>,
) -> Result<(Vec<Grids>, Known, Vec<Gathered>), EngineError> {
    let shelf = run.shelf.as_ref();
    let place = |shelf: &Shelf<'_>, at: &PartAt| golden.place(shelf, *at);
    let known = |i: usize| shelf.and_then(|shelf| shelf.grids(&place(shelf, &golden.parts[i])?, columns));
    let (known, _) = run.each(golden.parts.len(), |i, (): &mut ()| Ok(known(i)))?;
    let unknown = golden.parts.iter().zip(&known).filter(|(_, grids)| grids.is_none());
    let unknown: Vec<PartAt> = unknown.map(|(at, _)| *at).collect();
    let (read, gathered) = read_parts(run, golden, &unknown, (columns, None), look)?;
    for (at, (grids, is_whole)) in unknown.iter().zip(&read) {
        if let (Some(shelf), true) = (shelf, is_whole)
            && let Some(place) = place(shelf, at)
        {
            shelf.keep_grids(&golden.sources[at.source], &place, columns, grids);
        }
    }
    let is = Known { none: unknown.len() == known.len(), is_whole: read.iter().all(|(_, is_whole)| *is_whole) };
    let grids = known.into_iter().flatten().chain(read.into_iter().map(|(grids, _)| grids));
    Ok((grids.collect(), is, gathered))
}

/// The lattices of columns that are no decimals.
fn sampled_lattices(
    run: &Run<'_>,
    golden: &Table<'_>,
    (columns, sampled): (&[String], &[String]),
    (known, mut gathered): (Known, Vec<Gathered>),
) -> Result<Vec<(String, Lattice)>, EngineError> {
    let remembered = run.shelf.as_ref().and_then(|shelf| Some((shelf, shelf.of_golden(golden, sampled)?)));
    if let Some((shelf, name)) = &remembered
        && let Some(found) = shelf.lattices(name)
    {
        return Ok(found);
    }
    let is_partial = |name: &String| gathered.iter().any(|own| own.get(name).is_some_and(|seen| seen.is_partial));
    let again: Vec<String> = sampled.iter().filter(|name| !known.none || is_partial(name)).cloned().collect();
    let mut is_whole = known.is_whole;
    if !again.is_empty() {
        let (read, anew) = read_parts(run, golden, &golden.parts, (columns, Some(&again)), &|_| {})?;
        is_whole &= read.iter().all(|(_, is_whole)| *is_whole);
        gathered.iter_mut().for_each(|own| own.retain(|name, _| !again.contains(name)));
        gathered.extend(anew);
    }
    let merged = |i: usize, (): &mut ()| {
        let mut all = gathered.iter().filter_map(|own| own.get(&sampled[i])?.profiler.clone());
        let mut profile = all.next().map_or_else(|| ColumnProfile::new(1), ColumnProfiler::finish);
        for other in all {
            let merged = profile.merge(&other.finish());
            merged.map_err(|error| EngineError::Internal { detail: error.to_string() })?;
        }
        Ok((sampled[i].clone(), choose_lattice(&profile)))
    };
    let (found, _) = run.each(sampled.len(), merged)?;
    if let (Some((shelf, name)), true) = (&remembered, is_whole) {
        shelf.keep_lattices(golden, name, &found);
    }
    Ok(found)
}

/// What columns of these parts look like, or those of them that are known to be no decimals. All columns are read in either case: where one of
/// them is damaged, the others' rows are gone, too.
fn read_parts(
    run: &Run<'_>,
    golden: &Table<'_>,
    parts: &[PartAt],
    (columns, floats): (&[String], Option<&[String]>),
    look: &Look<'_>,
) -> Result<(Vec<ReadGrids>, Vec<Gathered>), EngineError> {
    run.each(parts.len(), |i, gathered: &mut Gathered| {
        run.meter.reads();
        let mut reader = golden.open(run, parts[i], columns.to_vec());
        let wanted = floats.unwrap_or(columns).iter();
        let mut grids: Grids = wanted.map(|name| (name.clone(), DecimalGrid::default())).collect();
        let (mut hashes, mut valid): (Vec<u64>, (Vec<u64>, Vec<f64>)) = Default::default();
        while !run.meter.is_cancelled()
            && let Some(batch) = reader.next_batch().map_err(EngineError::feed(golden.side))?
        {
            look(&batch);
            hashes.clear();
            hashes.extend(batch.t_ns.iter().map(|&t_ns| time_hash(t_ns)));
            for column in &batch.columns {
                let Some(grid) = grids.get_mut(&column.name) else { continue };
                let seen = gathered.entry(column.name.clone()).or_default();
                seen.is_float |= floats.is_some();
                if column.is_complete() {
                    seen.add(grid, &hashes, &column.values);
                } else {
                    let (hashes, values) = there(column, &hashes, &mut valid);
                    seen.add(grid, hashes, values);
                }
            }
        }
        let is_whole = reader.counters().count(TRUNCATED_FILE) == 0;
        if !is_whole {
            golden.broke_off(parts[i]);
        }
        Ok((grids, is_whole))
    })
}

/// The values of a column that are there, with the hashes of their times.
fn there<'a>(column: &TableColumn, hashes: &[u64], room: &'a mut (Vec<u64>, Vec<f64>)) -> (&'a [u64], &'a [f64]) {
    let there = || column.valid.iter().enumerate().filter(|(_, valid)| **valid).map(|(row, _)| row);
    room.0.clear();
    room.0.extend(there().map(|row| hashes[row]));
    room.1.clear();
    room.1.extend(there().map(|row| column.values[row]));
    (&room.0, &room.1)
}

impl Seen {
    fn add(&mut self, grid: &mut DecimalGrid, hashes: &[u64], values: &[f64]) {
        grid.extend(values);
        self.is_float |= grid.n_finite() > 0 && grid.scale().is_none();
        if self.is_float {
            let profiler = self.profiler.get_or_insert_with(|| ColumnProfiler::new(ColumnProfile::DEFAULT_CAPACITY));
            profiler.extend(hashes, values);
        } else {
            self.is_partial |= grid.n_finite() > 0;
        }
    }
}
