//! Counts the columns of a part of a table per window, and adds up parts.

use std::collections::BTreeMap;
use std::ops::Range;

use verismo_feed::table::{TableBatch, TableColumn};
use verismo_judge::input::{Counter, Example, StreamStates};
use verismo_market::observe::{
    SECOND_NS, Series, SeriesSum, SeriesWindows, WINDOW_SHORT_NS, WindowCells, merge_cells, window_ns_of_span,
};
use verismo_stats::carry;
use verismo_stats::histogram::ValueTally;
use verismo_stats::lattice::Lattice;
use verismo_stats::state::MergeError;

use crate::convert;

/// Examples kept per counter.
const EXAMPLES_MAX: usize = 8;
/// Years 1990 to 2100, the times a market table can hold.
pub(super) const TIME_RANGE_NS: Range<i64> = 631_152_000 * SECOND_NS..4_102_444_800 * SECOND_NS;

/// Rows that a check finds something in: how many, the worst, and the first of them by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hits {
    count: u64,
    worst: i64,
    examples: Vec<(u64, String)>,
}

carry!(Hits: count, worst, examples);

impl Hits {
    fn hit(&mut self, row: u64, detail: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push((row, detail()));
        }
    }
}

/// The times of the rows of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) rows: u64,
    span_ns: Option<(i64, i64)>,
    /// The first time that a table can have, and its row.
    first: Option<(i64, u64)>,
    last_ns: Option<i64>,
    out_of_order: Hits,
    out_of_range: Hits,
}

carry!(Times: rows, span_ns, first, last_ns, out_of_order, out_of_range);

impl Times {
    /// The length of the windows of these rows where none is shorter than this.
    pub(super) fn window_ns(&self, at_least_ns: i64) -> i64 {
        self.span_ns.map_or(WINDOW_SHORT_NS, |(first, last)| window_ns_of_times(first, last)).max(at_least_ns)
    }
}

/// What a part has of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ColumnPart {
    pub(super) series: Series,
    /// Values that are null or have no key.
    pub(super) invalid: Hits,
}

/// A part of a file, observed: in windows of the length that its times and the start earn.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TablePart {
    pub(super) times: Times,
    pub(super) columns: BTreeMap<String, ColumnPart>,
}

/// Observes a part of a file: times in windows, columns as series.
pub(super) struct TableObserver {
    columns: BTreeMap<String, Column>,
    window_ns: i64,
    times: Times,
    stretches: Vec<Stretch>,
}

/// Rows of a batch that follow each other in one window, by its index.
struct Stretch {
    window: i64,
    rows: Range<usize>,
}

/// A column, its values counted per window. Time may step back: cells of one window are merged at the end.
struct Column {
    open: i64,
    values: ValueTally,
    done: Vec<WindowCells>,
    /// Values of a stretch without its nulls.
    there: Vec<f64>,
    invalid: Hits,
}

impl TableObserver {
    /// In windows of `window_ns` at first, which earn to be longer where the rows span much.
    pub(super) fn new<'a>(columns: impl IntoIterator<Item = (&'a String, &'a Lattice)>, window_ns: i64) -> Self {
        Self {
            columns: columns.into_iter().map(|(name, lattice)| (name.clone(), Column::new(lattice))).collect(),
            window_ns,
            times: Times::default(),
            stretches: Vec::new(),
        }
    }

    pub(super) fn observe(&mut self, batch: &TableBatch) {
        self.times.rows += batch.len() as u64;
        self.observe_times(batch);
        for column in &batch.columns {
            let Some(own) = self.columns.get_mut(&column.name) else { continue };
            let is_complete = column.is_complete();
            let n_unused: usize = self.stretches.iter().map(|part| own.count(part, column, is_complete)).sum();
            if n_unused > 0 {
                let rows = self.stretches.iter().flat_map(|stretch| stretch.rows.clone());
                own.report_unused(batch, column, rows);
            }
        }
        self.widen();
    }

    /// Counts what is wrong with times, and finds the stretches of the rows whose times are right.
    fn observe_times(&mut self, batch: &TableBatch) {
        self.stretches.clear();
        let times = &mut self.times;
        let mut window = 0..0;
        for (row, &t_ns) in batch.t_ns.iter().enumerate() {
            let position = batch.first_row + row as u64;
            if !TIME_RANGE_NS.contains(&t_ns) {
                times.out_of_range.hit(position, || format!("{t_ns} ns is outside 1990 to 2100"));
                // The next row begins a stretch.
                window = 0..0;
                continue;
            }
            match times.last_ns {
                Some(last_ns) if t_ns < last_ns => step_back(&mut times.out_of_order, position, last_ns - t_ns),
                Some(_) => {}
                None => times.first = Some((t_ns, position)),
            }
            times.last_ns = Some(t_ns);
            let (first, last) = times.span_ns.unwrap_or((t_ns, t_ns));
            times.span_ns = Some((first.min(t_ns), last.max(t_ns)));
            match self.stretches.last_mut() {
                Some(stretch) if window.contains(&t_ns) => stretch.rows.end = row + 1,
                _ => {
                    let index = t_ns.div_euclid(self.window_ns);
                    window = index * self.window_ns..(index + 1) * self.window_ns;
                    self.stretches.push(Stretch { window: index, rows: row..row + 1 });
                }
            }
        }
    }

    /// As streams do: short windows for short tables only.
    fn widen(&mut self) {
        let window_ns = self.times.window_ns(self.window_ns);
        if window_ns > self.window_ns {
            for column in self.columns.values_mut() {
                column.widen(window_ns / self.window_ns);
            }
            self.window_ns = window_ns;
        }
    }

    pub(super) fn finish(self) -> TablePart {
        let columns = self.columns.into_iter().map(|(name, column)| (name, column.finish())).collect();
        TablePart { times: self.times, columns }
    }
}

/// A time before the one of the row before it.
fn step_back(out_of_order: &mut Hits, row: u64, back_ns: i64) {
    out_of_order.worst = out_of_order.worst.max(back_ns);
    out_of_order.hit(row, || format!("{back_ns} ns before the row before"));
}

/// The parts of a table, added up in their order.
pub(super) struct TableSum {
    start_ns: i64,
    times: Times,
    columns: BTreeMap<String, SeriesSum>,
    counters: [Counter; 3],
}

impl TableSum {
    /// Of parts that were observed in windows of `start_ns` at first.
    pub(super) fn new(lattices: &BTreeMap<String, Lattice>, start_ns: i64) -> Self {
        let empty = |lattice: &Lattice| Series { lattice: lattice.clone(), windows: SeriesWindows::Cells(Vec::new()) };
        let none = |(name, lattice): (&String, &Lattice)| (name.clone(), SeriesSum::new(start_ns, empty(lattice)));
        Self {
            start_ns,
            times: Times::default(),
            columns: lattices.iter().map(none).collect(),
            counters: ["out_of_order", "time_out_of_range", "invalid_value"].map(|check| Counter::new(check, 0, 0)),
        }
    }

    /// The next part, of the file of this name.
    ///
    /// # Errors
    /// Where a column lies on another lattice.
    pub(super) fn add(&mut self, part: TablePart, source: &str) -> Result<(), MergeError> {
        let TablePart { times, columns } = part;
        let window_ns = times.window_ns(self.start_ns);
        let Times { rows, span_ns, first, last_ns, out_of_order, out_of_range } = times;
        let [of_order, of_range, of_values] = &mut self.counters;
        if let (Some((t_ns, row)), Some(before_ns)) = (first, self.times.last_ns)
            && t_ns < before_ns
        {
            let mut at_the_cut = Hits::default();
            step_back(&mut at_the_cut, row, before_ns - t_ns);
            count(of_order, at_the_cut, source);
        }
        count(of_order, out_of_order, source);
        count(of_range, out_of_range, source);
        [&mut *of_order, &mut *of_range].into_iter().for_each(|counter| counter.total += rows);
        let mut invalid = Hits::default();
        for (name, ColumnPart { series, invalid: own }) in columns {
            of_values.total += rows;
            invalid.count += own.count;
            invalid.examples.extend(own.examples);
            if let Some(sum) = self.columns.get_mut(&name) {
                sum.add(SeriesSum::new(window_ns, series))?;
            }
        }
        // Row by row, as one reads them; in a row the columns are in order.
        invalid.examples.sort_by_key(|(row, _)| *row);
        count(of_values, invalid, source);
        self.times.rows += rows;
        self.times.last_ns = last_ns.or(self.times.last_ns);
        self.times.span_ns = match (self.times.span_ns, span_ns) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        Ok(())
    }

    /// Whether the parts were observed in longer windows than the table earns, which cannot be cut.
    pub(super) fn is_too_coarse(&self, window_ns: i64) -> bool {
        self.start_ns > self.times.window_ns(window_ns)
    }

    pub(super) fn finish(self) -> StreamStates {
        let window_ns = self.times.window_ns(self.start_ns);
        let mut stream = StreamStates::new("", "table", 1, window_ns);
        stream.span_ns = self.times.span_ns;
        stream.messages = self.times.rows;
        stream.events = self.times.rows;
        for (name, sum) in self.columns {
            // A column is what it is: its values have no definition that could change.
            let series = convert::convert_series(0, sum.finish(window_ns));
            stream.series.insert(name, series);
        }
        stream.counters = self.counters.into();
        stream
    }
}

/// Adds what a check found in a part of a file.
fn count(counter: &mut Counter, hits: Hits, source: &str) {
    counter.count += hits.count;
    counter.worst = counter.worst.max(hits.worst);
    let room = EXAMPLES_MAX.saturating_sub(counter.examples.len());
    let example = |(position, detail)| Example { source: source.to_owned(), position, detail };
    counter.examples.extend(hits.examples.into_iter().take(room).map(example));
}

impl Column {
    fn new(lattice: &Lattice) -> Self {
        Self {
            open: 0,
            values: ValueTally::new(lattice.clone()),
            done: Vec::new(),
            there: Vec::new(),
            invalid: Hits::default(),
        }
    }

    /// Counts the values of a stretch; returns how many are null or have no key.
    fn count(&mut self, stretch: &Stretch, column: &TableColumn, is_complete: bool) -> usize {
        if stretch.window != self.open {
            self.close();
            self.open = stretch.window;
        }
        let values = &column.values[stretch.rows.clone()];
        if is_complete {
            return self.values.extend(values);
        }
        let valid = &column.valid[stretch.rows.clone()];
        self.there.clear();
        self.there.extend(values.iter().zip(valid).filter(|(_, valid)| **valid).map(|(value, _)| value));
        values.len() - self.there.len() + self.values.extend(&self.there)
    }

    fn close(&mut self) {
        let cells = self.values.drain();
        if !cells.is_empty() {
            self.done.push((self.open, cells));
        }
    }

    /// Merges each `factor` windows into one, exactly.
    fn widen(&mut self, factor: i64) {
        self.close();
        for (index, _) in &mut self.done {
            *index = index.div_euclid(factor);
        }
        self.open = self.open.div_euclid(factor);
        self.done = merge_cells(std::mem::take(&mut self.done));
    }

    /// Counts the rows whose value is null or has no key, with examples.
    fn report_unused(&mut self, batch: &TableBatch, column: &TableColumn, rows: impl Iterator<Item = usize>) {
        let name = &column.name;
        let lattice = self.values.lattice();
        for row in rows {
            let (value, is_there) = (column.values[row], column.valid[row]);
            if is_there && lattice.key(value).is_some() {
                continue;
            }
            self.invalid.hit(batch.first_row + row as u64, || {
                let found = format!("{value} is not finite, or off the column's grid");
                format!("column {name}: {}", if is_there { &found } else { "null" })
            });
        }
    }

    fn finish(mut self) -> ColumnPart {
        self.close();
        let (lattice, windows) = (self.values.lattice().clone(), SeriesWindows::Cells(merge_cells(self.done)));
        ColumnPart { series: Series { lattice, windows }, invalid: self.invalid }
    }
}

/// The length of windows of a table from `first` to `last`; the shortest where a table cannot have such times.
pub(super) fn window_ns_of_times(first: i64, last: i64) -> i64 {
    let can_be = TIME_RANGE_NS.contains(&first) && TIME_RANGE_NS.contains(&last) && first <= last;
    if can_be { window_ns_of_span(last - first) } else { WINDOW_SHORT_NS }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_NS: i64 = 1_700_000_000 * SECOND_NS;

    /// A row a second, with a null and a value off the lattice now and then, and a step back where parts may begin.
    fn batch(rows: Range<i64>) -> TableBatch {
        let value = |i: i64| if i % 97 == 5 { f64::NAN } else { (i % 13) as f64 / 7.0 };
        let column = TableColumn {
            name: "x".to_owned(),
            values: rows.clone().map(value).collect(),
            valid: rows.clone().map(|i| i % 89 != 3).collect(),
        };
        let time = |i: i64| FIRST_NS + (i - if i % 500 == 0 { 5 } else { 0 }) * SECOND_NS;
        let t_ns = rows.clone().map(|i| if i % 1000 == 999 { 0 } else { time(i) }).collect();
        TableBatch { t_ns, columns: vec![column], first_row: rows.start as u64 + 1, source: "t".to_owned() }
    }

    /// Observed in parts of so many batches.
    fn observed(window_ns: i64, rows: i64, (batch_rows, batches): (i64, i64)) -> StreamStates {
        let lattices = BTreeMap::from([("x".to_owned(), Lattice::float(10))]);
        let mut sum = TableSum::new(&lattices, window_ns);
        for first in (0..rows).step_by((batch_rows * batches) as usize) {
            let end = rows.min(first + batch_rows * batches);
            let mut table = TableObserver::new(&lattices, window_ns);
            for first in (first..end).step_by(batch_rows as usize) {
                table.observe(&batch(first..end.min(first + batch_rows)));
            }
            sum.add(table.finish(), "t").unwrap();
        }
        assert!(!sum.is_too_coarse(SECOND_NS));
        sum.finish()
    }

    #[test]
    fn windows_of_their_final_length_from_the_start_change_nothing() {
        for (rows, final_ns) in [(600, SECOND_NS), (3_000, 10 * SECOND_NS), (33_000, 60 * SECOND_NS)] {
            let grown = observed(SECOND_NS, rows, (1_000, 100));
            assert_eq!(grown.window_ns, final_ns);
            assert_eq!(observed(final_ns, rows, (777, 100)), grown, "{rows} rows");
            for parts in [1, 2, 7] {
                assert_eq!(observed(final_ns, rows, (500, parts)), grown, "{rows} rows");
                assert_eq!(observed(SECOND_NS, rows, (500, parts)), grown, "{rows} rows");
            }
        }
    }

    #[test]
    fn rows_without_a_key_are_counted_once_with_their_position() {
        let stream = observed(SECOND_NS, 2_000, (500, 3));
        let invalid = stream.counters.iter().find(|counter| counter.check == "invalid_value");
        let is_timed = |i: &i64| i % 1000 != 999;
        let bad: Vec<i64> = (0..2_000).filter(is_timed).filter(|i| i % 97 == 5 || i % 89 == 3).collect();
        let positions =
            invalid.map(|invalid| invalid.examples.iter().map(|e| e.position as i64 - 1).collect::<Vec<_>>());
        assert_eq!(invalid.map(|invalid| (invalid.count, invalid.total)), Some((bad.len() as u64, 2_000)));
        assert_eq!(positions.as_deref(), Some(&bad[..EXAMPLES_MAX]));
    }

    #[test]
    fn times_that_a_table_cannot_have_ask_for_the_shortest_windows() {
        let hour_ns = 3_600 * SECOND_NS;
        assert_eq!(window_ns_of_times(FIRST_NS, FIRST_NS + 9 * hour_ns), 60 * SECOND_NS);
        for (first, last) in [(0, FIRST_NS), (FIRST_NS, i64::MAX), (i64::MIN, i64::MAX), (FIRST_NS, FIRST_NS - 1)] {
            assert_eq!(window_ns_of_times(first, last), WINDOW_SHORT_NS);
        }
    }
}
