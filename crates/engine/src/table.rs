//! Tables: any rows with a time column, every numeric column an observable.
//!
//! The golden is read twice: once to freeze the lattice of each column that the suite leaves open, once to count. The
//! lattice is chosen from the whole golden (a sample by hash and the decimal places of all values), so cuts do not matter.

mod observer;

use std::collections::BTreeMap;

use verismo_feed::FeedError;
use verismo_feed::table::{TableBatch, TableOptions, TableReader};
use verismo_market::observe::WINDOW_SHORT_NS;
use verismo_stats::column::{ColumnProfile, ColumnProfiler, choose_lattice, time_hash};
use verismo_stats::lattice::Lattice;
use verismo_suite::catalogue::LatticeSpec;
use verismo_suite::suite::Suite;

use crate::census::Census;
use crate::convert;
use crate::error::EngineError;
use crate::execute::ObservedSide;
use crate::meter::Meter;
use crate::plan::{Plan, SidePlan};
use crate::validate::{SideResult, ValidateRequest};
use observer::{TIME_RANGE_NS, TableObserver, window_ns_of_times};

/// Observes both sides; also gives the suite with the lattices that were frozen.
pub(crate) fn observe_both(
    plan: &Plan,
    request: &ValidateRequest,
    suite: &Suite,
    meter: &Meter,
) -> Result<(SideResult, SideResult, Suite), EngineError> {
    let options = TableOptions::with_time(request.time.clone());
    let suite = freeze(&plan.golden, &options, suite, meter, |_| {}).map_err(EngineError::feed("golden"))?;
    let lattices = lattices(&suite)?;
    let window_ns = suite.window_ns.unwrap_or(WINDOW_SHORT_NS);
    let observe = |side: &'static str, part: &SidePlan| observe(side, part, &options, &lattices, window_ns, meter);
    let (golden, candidate) = if request.threads > 1 {
        std::thread::scope(|scope| {
            let golden = scope.spawn(|| observe("golden", &plan.golden));
            let candidate = observe("candidate", &plan.candidate);
            let golden = golden.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (golden, candidate)
        })
    } else {
        (observe("golden", &plan.golden), observe("candidate", &plan.candidate))
    };
    Ok((golden?, candidate?, suite))
}

/// Observes one table alone; its rows and their times are counted in `census`.
pub(crate) fn observe_one(
    side: &'static str,
    plan: &Plan,
    request: &ValidateRequest,
    suite: &Suite,
    census: &mut Census,
    meter: &Meter,
) -> Result<(SideResult, Suite), EngineError> {
    let options = TableOptions::with_time(request.time.clone());
    let count = |batch: &TableBatch| {
        for &t_ns in batch.t_ns.iter().filter(|t_ns| TIME_RANGE_NS.contains(t_ns)) {
            census.message(t_ns);
        }
    };
    let suite = freeze(&plan.golden, &options, suite, meter, count).map_err(EngineError::feed(side))?;
    let result =
        observe(side, &plan.golden, &options, &lattices(&suite)?, suite.window_ns.unwrap_or(WINDOW_SHORT_NS), meter)?;
    Ok((result, suite))
}

/// The suite with a lattice for every column of the golden; `look` is shown every batch.
fn freeze(
    part: &SidePlan,
    options: &TableOptions,
    suite: &Suite,
    meter: &Meter,
    look: impl FnMut(&TableBatch),
) -> Result<Suite, FeedError> {
    let columns: Vec<(String, LatticeSpec)> = profile(part, options, meter, look)?
        .iter()
        .map(|(name, profile)| (name.clone(), LatticeSpec::from_lattice(&choose_lattice(profile))))
        .collect();
    Ok(suite.with_columns(&columns))
}

/// What the golden's columns look like, by name.
fn profile(
    part: &SidePlan,
    options: &TableOptions,
    meter: &Meter,
    mut look: impl FnMut(&TableBatch),
) -> Result<BTreeMap<String, ColumnProfile>, FeedError> {
    let mut profilers: BTreeMap<String, ColumnProfiler> = BTreeMap::new();
    let mut reader = TableReader::new(part.inventory.sources.clone(), options.clone());
    let (mut hashes, mut valid): (Vec<u64>, (Vec<u64>, Vec<f64>)) = Default::default();
    while !meter.is_cancelled()
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
    Ok(profilers.into_iter().map(|(name, profiler)| (name, profiler.finish())).collect())
}

fn lattices(suite: &Suite) -> Result<BTreeMap<String, Lattice>, EngineError> {
    let mut lattices = BTreeMap::new();
    for rule in &suite.observables {
        if let Some(spec) = &rule.lattice {
            let lattice = spec.to_lattice().map_err(|error| EngineError::Internal { detail: error.to_string() })?;
            lattices.insert(rule.id.clone(), lattice);
        }
    }
    Ok(lattices)
}

/// Counts the columns of a side per window.
fn observe(
    side: &'static str,
    part: &SidePlan,
    options: &TableOptions,
    lattices: &BTreeMap<String, Lattice>,
    window_ns: i64,
    meter: &Meter,
) -> Result<SideResult, EngineError> {
    // What is numeric in the golden has to be so in the candidate.
    let mut options = options.clone();
    options.numeric = lattices.keys().cloned().collect();
    let open = || TableReader::new(part.inventory.sources.clone(), options.clone());
    let mut reader = open();
    // Windows of their final length need not be merged.
    let stated_ns = reader.stated_span_ns().map_or(window_ns, |(first, last)| window_ns_of_times(first, last));
    let mut table = TableObserver::new(lattices, stated_ns.max(window_ns));
    let mut told = |reader: &TableReader, rows, bytes| meter.add(reader.rows() - rows, reader.bytes() - bytes);
    read_into(&mut table, &mut reader, meter, &mut told).map_err(EngineError::feed(side))?;
    if table.window_ns() > table.window_ns_of_span().max(window_ns) {
        // The footer was wrong, and windows cannot be cut.
        reader = open();
        table = TableObserver::new(lattices, window_ns);
        read_into(&mut table, &mut reader, meter, &mut |_, _, _| {}).map_err(EngineError::feed(side))?;
    }
    let (rows, bytes) = (reader.rows(), reader.bytes());
    let counters = reader.counters().clone();
    let part = ObservedSide { streams: Vec::new(), counters, messages: rows, bytes, unread: None };
    let mut states = convert::side_states(vec![part], Vec::new())?;
    states.streams.push(table.finish());
    Ok(SideResult { states, messages: rows, bytes, ..SideResult::default() })
}

/// Observes all that a reader reads; `tell` is told rows and bytes before each batch.
fn read_into(
    table: &mut TableObserver,
    reader: &mut TableReader,
    meter: &Meter,
    tell: &mut dyn FnMut(&TableReader, u64, u64),
) -> Result<(), FeedError> {
    let (mut rows, mut bytes) = (0, 0);
    while !meter.is_cancelled()
        && let Some(batch) = reader.next_batch()?
    {
        table.observe(&batch);
        tell(reader, rows, bytes);
        (rows, bytes) = (reader.rows(), reader.bytes());
    }
    Ok(())
}
