//! Tables: any rows with a time column, every numeric column an observable.
//!
//! The golden is read twice: once to freeze the lattice of each column that the suite leaves open, once to count. The
//! lattice is chosen from the whole golden (a sample by hash and the decimal places of all values), so cuts do not matter.

use std::collections::BTreeMap;

use verismo_feed::FeedError;
use verismo_feed::table::{TableBatch, TableOptions, TableReader};
use verismo_judge::input::{Counter, Example, Series, SeriesWindows, StreamStates};
use verismo_market::observe::{
    SECOND_NS, SeriesWindows as MarketWindows, WINDOW_SHORT_NS, WindowTally, window_ns_of_span,
};
use verismo_stats::column::{ColumnProfile, choose_lattice, value_hash};
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

/// Examples kept per counter.
const EXAMPLES_MAX: usize = 8;
/// Years 1990 to 2100, the times a market table can hold.
const TIME_RANGE_NS: std::ops::Range<i64> = 631_152_000 * SECOND_NS..4_102_444_800 * SECOND_NS;

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
    let mut profiles: BTreeMap<String, ColumnProfile> = BTreeMap::new();
    let mut reader = TableReader::new(part.inventory.sources.clone(), options.clone());
    while !meter.is_cancelled()
        && let Some(batch) = reader.next_batch()?
    {
        look(&batch);
        for column in &batch.columns {
            let profile = profiles
                .entry(column.name.clone())
                .or_insert_with(|| ColumnProfile::new(ColumnProfile::DEFAULT_CAPACITY));
            for ((&value, &valid), &t_ns) in column.values.iter().zip(&column.valid).zip(&batch.t_ns) {
                if valid {
                    profile.push(value_hash(t_ns, value), value);
                } else {
                    profile.push_null();
                }
            }
        }
    }
    Ok(profiles)
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
    let mut reader = TableReader::new(part.inventory.sources.clone(), options);
    let mut table = TableObserver::new(lattices, window_ns);
    let (mut rows, mut bytes) = (0, 0);
    while !meter.is_cancelled()
        && let Some(batch) = reader.next_batch().map_err(EngineError::feed(side))?
    {
        table.observe(&batch);
        meter.add(reader.rows() - rows, reader.bytes() - bytes);
        (rows, bytes) = (reader.rows(), reader.bytes());
    }
    let part = ObservedSide { streams: Vec::new(), counters: reader.counters().clone(), messages: rows, bytes };
    let mut states = convert::side_states(vec![part], Vec::new())?;
    states.streams.push(table.finish());
    Ok(SideResult { states, messages: rows, bytes })
}

/// One table as a stream: times in windows, columns as series.
struct TableObserver {
    columns: BTreeMap<String, (Lattice, WindowTally)>,
    window_ns: i64,
    span_ns: Option<(i64, i64)>,
    rows: u64,
    last_ns: i64,
    out_of_order: Counter,
    invalid: Counter,
    time_out_of_range: Counter,
    keys: Vec<i64>,
    times: Vec<i64>,
}

impl TableObserver {
    fn new(lattices: &BTreeMap<String, Lattice>, window_ns: i64) -> Self {
        let columns = lattices.iter();
        Self {
            columns: columns.map(|(name, l)| (name.clone(), (l.clone(), WindowTally::new(window_ns)))).collect(),
            window_ns,
            span_ns: None,
            rows: 0,
            last_ns: i64::MIN,
            out_of_order: Counter::new("out_of_order", 0, 0),
            invalid: Counter::new("invalid_value", 0, 0),
            time_out_of_range: Counter::new("time_out_of_range", 0, 0),
            keys: Vec::new(),
            times: Vec::new(),
        }
    }

    fn observe(&mut self, batch: &TableBatch) {
        self.rows += batch.len() as u64;
        for (i, &t_ns) in batch.t_ns.iter().enumerate() {
            let position = batch.first_row + i as u64;
            if !TIME_RANGE_NS.contains(&t_ns) {
                hit(&mut self.time_out_of_range, batch, position, || format!("{t_ns} ns is outside 1990 to 2100"));
                continue;
            }
            if t_ns < self.last_ns {
                let back_ns = self.last_ns - t_ns;
                self.out_of_order.worst = self.out_of_order.worst.max(back_ns);
                hit(&mut self.out_of_order, batch, position, || format!("{back_ns} ns before the row before"));
            }
            self.last_ns = t_ns;
            let (first, last) = self.span_ns.unwrap_or((t_ns, t_ns));
            self.span_ns = Some((first.min(t_ns), last.max(t_ns)));
        }
        for column in &batch.columns {
            let Some((lattice, tally)) = self.columns.get_mut(&column.name) else { continue };
            self.keys.clear();
            self.times.clear();
            for (i, ((&value, &valid), &t_ns)) in column.values.iter().zip(&column.valid).zip(&batch.t_ns).enumerate() {
                if !TIME_RANGE_NS.contains(&t_ns) {
                    continue;
                }
                let key = if valid { lattice.key(value) } else { None };
                if let Some(key) = key {
                    self.keys.push(key);
                    self.times.push(t_ns);
                } else {
                    let name = &column.name;
                    let found = if valid {
                        format!("{value} is not finite, or off the column's grid")
                    } else {
                        "null".to_owned()
                    };
                    hit(&mut self.invalid, batch, batch.first_row + i as u64, || format!("column {name}: {found}"));
                }
            }
            self.invalid.total += batch.len() as u64;
            tally.extend(&self.times, &self.keys);
        }
        self.widen();
    }

    /// As streams do: short windows for short tables only.
    fn widen(&mut self) {
        let window_ns = self.span_ns.map_or(WINDOW_SHORT_NS, |(first, last)| window_ns_of_span(last - first));
        if window_ns > self.window_ns {
            for (_, tally) in self.columns.values_mut() {
                tally.widen(window_ns / self.window_ns);
            }
            self.window_ns = window_ns;
        }
    }

    fn finish(self) -> StreamStates {
        let mut stream = StreamStates::new("", "table", 1, self.window_ns);
        stream.span_ns = self.span_ns;
        stream.messages = self.rows;
        stream.events = self.rows;
        for (name, (lattice, tally)) in self.columns {
            let series = tally.finish(lattice);
            // A column is what it is: its values have no definition that could change.
            if let MarketWindows::Cells(windows) = series.windows {
                let windows = SeriesWindows::Cells(windows);
                stream.series.insert(name, Series { version: 0, lattice: series.lattice, windows });
            }
        }
        let totals = [(self.out_of_order, self.rows), (self.time_out_of_range, self.rows)];
        stream.counters = totals.into_iter().map(|(counter, total)| Counter { total, ..counter }).collect();
        stream.counters.push(self.invalid);
        stream
    }
}

fn hit(counter: &mut Counter, batch: &TableBatch, position: u64, detail: impl FnOnce() -> String) {
    counter.count += 1;
    if counter.examples.len() < EXAMPLES_MAX {
        counter.examples.push(Example { source: batch.source.clone(), position, detail: detail() });
    }
}
