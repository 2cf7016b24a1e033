//! The lattices of a golden's columns.

use std::collections::BTreeMap;

use verismo_feed::FeedError;
use verismo_feed::table::TableBatch;
use verismo_stats::column::{ColumnProfile, ColumnProfiler, DecimalGrid, choose_lattice, time_hash};
use verismo_stats::lattice::Lattice;
use verismo_stats::state::State;

use super::Run;
use super::side::{PartAt, Table};
use crate::error::EngineError;

/// The decimal grids of the columns of a part.
pub(super) type Grids = Vec<(String, DecimalGrid)>;

/// Is shown every batch that is read, on whatever thread.
pub(super) type Look<'a> = dyn Fn(&TableBatch) + Sync + 'a;

/// Profiles of columns, by name.
type Profilers = BTreeMap<String, ColumnProfiler>;

/// The lattice of every numeric column of a golden; `look` is shown every batch where nothing is kept.
///
/// Where all values are decimals their places say all. Other columns are sampled, and their lattices remembered of the golden as a whole.
pub(super) fn lattices(
    run: &Run<'_>,
    golden: &Table<'_>,
    look: &Look<'_>,
) -> Result<BTreeMap<String, Lattice>, EngineError> {
    let columns = golden.outline(run, std::iter::empty()).columns;
    let shelf = run.shelf.as_ref();
    let place = |at: &PartAt| shelf?.place(&golden.sources[at.source], at.part);
    let known = |i: usize| shelf?.grids(&place(&golden.parts[i])?, &columns);
    let (mut grids, _) = run.each(golden.parts.len(), |i, (): &mut ()| Ok(known(i)))?;
    let unknown: Vec<PartAt> =
        golden.parts.iter().zip(&grids).filter(|(_, grids)| grids.is_none()).map(|(at, _)| *at).collect();
    let is_all = unknown.len() == grids.len();
    let (fresh, mut profiles) = profile(run, golden, &unknown, &columns, look)?;
    if let Some(shelf) = shelf {
        for (at, grids) in unknown.iter().zip(&fresh) {
            if let Some(place) = place(at) {
                shelf.keep_grids(&golden.sources[at.source], &place, &columns, grids);
            }
        }
    }
    let mut fresh = fresh.into_iter();
    for slot in grids.iter_mut().filter(|grids| grids.is_none()) {
        *slot = fresh.next();
    }
    let mut joined: BTreeMap<&String, DecimalGrid> =
        columns.iter().map(|name| (name, DecimalGrid::default())).collect();
    for (name, grid) in grids.iter().flatten().flatten() {
        if let Some(joined) = joined.get_mut(name) {
            joined.join(*grid);
        }
    }
    let sampled: Vec<String> = joined
        .iter()
        .filter(|(_, grid)| grid.n_finite() > 0 && grid.scale().is_none())
        .map(|(name, _)| (*name).clone())
        .collect();
    let mut lattices: BTreeMap<String, Lattice> = BTreeMap::new();
    for (name, grid) in &joined {
        let lattice = grid.scale().map_or_else(|| choose_lattice(&ColumnProfile::new(1)), Lattice::ticks);
        lattices.insert((*name).clone(), lattice);
    }
    if sampled.is_empty() {
        return Ok(lattices);
    }
    let remembered = shelf.map(|shelf| (shelf, shelf.of_golden(golden, &sampled)));
    if let Some((shelf, Some(name))) = &remembered
        && let Some(found) = shelf.lattices(name)
    {
        lattices.extend(found);
        return Ok(lattices);
    }
    if !is_all {
        profiles = profile(run, golden, &golden.parts, &sampled, &|_| {})?.1;
    }
    let found: Vec<(String, Lattice)> = sampled
        .into_iter()
        .filter_map(|name| {
            let lattice = choose_lattice(profiles.get(&name)?);
            Some((name, lattice))
        })
        .collect();
    if let Some((shelf, Some(name))) = &remembered {
        shelf.keep_lattices(golden, name, &found);
    }
    lattices.extend(found);
    Ok(lattices)
}

/// What columns of these parts look like: their decimal grids part by part, and their profiles in all of them.
fn profile(
    run: &Run<'_>,
    golden: &Table<'_>,
    parts: &[PartAt],
    columns: &[String],
    look: &Look<'_>,
) -> Result<(Vec<Grids>, BTreeMap<String, ColumnProfile>), EngineError> {
    let one = |i: usize, profilers: &mut Profilers| {
        let grids = profile_part(run, golden, parts[i], (columns, look), profilers);
        grids.map_err(EngineError::feed(golden.side))
    };
    let (grids, gathered) = run.each(parts.len(), one)?;
    let mut profiles: BTreeMap<String, ColumnProfile> = BTreeMap::new();
    for (name, profiler) in gathered.into_iter().flatten() {
        let profile = profiler.finish();
        match profiles.get_mut(&name) {
            Some(own) => {
                own.merge(&profile).map_err(|error| EngineError::Internal { detail: error.to_string() })?;
            }
            None => drop(profiles.insert(name, profile)),
        }
    }
    Ok((grids, profiles))
}

fn profile_part(
    run: &Run<'_>,
    golden: &Table<'_>,
    at: PartAt,
    (columns, look): (&[String], &Look<'_>),
    profilers: &mut Profilers,
) -> Result<Grids, FeedError> {
    run.meter.reads();
    let mut reader = golden.open(run, at, columns.to_vec());
    let (mut hashes, mut valid): (Vec<u64>, (Vec<u64>, Vec<f64>)) = Default::default();
    while !run.meter.is_cancelled()
        && let Some(batch) = reader.next_batch()?
    {
        look(&batch);
        hashes.clear();
        hashes.extend(batch.t_ns.iter().map(|&t_ns| time_hash(t_ns)));
        for column in &batch.columns {
            let profiler = profilers
                .entry(column.name.clone())
                .or_insert_with(|| ColumnProfiler::new(ColumnProfile::DEFAULT_CAPACITY));
            if column.is_complete() {
                profiler.extend(&hashes, &column.values);
                continue;
            }
            let there = || column.valid.iter().enumerate().filter(|(_, valid)| **valid).map(|(row, _)| row);
            valid.0.clear();
            valid.0.extend(there().map(|row| hashes[row]));
            valid.1.clear();
            valid.1.extend(there().map(|row| column.values[row]));
            profiler.extend(&valid.0, &valid.1);
            profiler.extend_nulls((batch.len() - valid.1.len()) as u64);
        }
    }
    let grids = profilers.iter_mut().map(|(name, profiler)| (name.clone(), profiler.take_grid()));
    Ok(grids.collect())
}
