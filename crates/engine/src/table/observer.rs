//! Counts the columns of a table per window.

use std::collections::BTreeMap;
use std::ops::Range;

use verismo_feed::table::{TableBatch, TableColumn};
use verismo_judge::input::{Counter, Example, Series, SeriesWindows, StreamStates};
use verismo_market::observe::{SECOND_NS, WINDOW_SHORT_NS, WindowCells, merge_cells, window_ns_of_span};
use verismo_stats::histogram::ValueTally;
use verismo_stats::lattice::Lattice;

/// Examples kept per counter.
const EXAMPLES_MAX: usize = 8;
/// Years 1990 to 2100, the times a market table can hold.
pub(super) const TIME_RANGE_NS: Range<i64> = 631_152_000 * SECOND_NS..4_102_444_800 * SECOND_NS;

/// One table as a stream: times in windows, columns as series.
pub(super) struct TableObserver {
    columns: BTreeMap<String, Column>,
    window_ns: i64,
    span_ns: Option<(i64, i64)>,
    rows: u64,
    last_ns: i64,
    out_of_order: Counter,
    invalid: Counter,
    time_out_of_range: Counter,
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
}

impl TableObserver {
    pub(super) fn new(lattices: &BTreeMap<String, Lattice>, window_ns: i64) -> Self {
        Self {
            columns: lattices.iter().map(|(name, lattice)| (name.clone(), Column::new(lattice))).collect(),
            window_ns,
            span_ns: None,
            rows: 0,
            last_ns: i64::MIN,
            out_of_order: Counter::new("out_of_order", 0, 0),
            invalid: Counter::new("invalid_value", 0, 0),
            time_out_of_range: Counter::new("time_out_of_range", 0, 0),
            stretches: Vec::new(),
        }
    }

    pub(super) fn observe(&mut self, batch: &TableBatch) {
        self.rows += batch.len() as u64;
        self.observe_times(batch);
        for column in &batch.columns {
            let Some(own) = self.columns.get_mut(&column.name) else { continue };
            let is_complete = column.is_complete();
            let n_unused: usize = self.stretches.iter().map(|part| own.count(part, column, is_complete)).sum();
            self.invalid.total += batch.len() as u64;
            if n_unused > 0 {
                let lattice = own.values.lattice();
                let rows = self.stretches.iter().flat_map(|stretch| stretch.rows.clone());
                report_unused(&mut self.invalid, batch, column, lattice, rows);
            }
        }
        self.widen();
    }

    /// Counts what is wrong with times, and finds the stretches of the rows whose times are right.
    fn observe_times(&mut self, batch: &TableBatch) {
        self.stretches.clear();
        let mut window = 0..0;
        for (row, &t_ns) in batch.t_ns.iter().enumerate() {
            let position = batch.first_row + row as u64;
            if !TIME_RANGE_NS.contains(&t_ns) {
                hit(&mut self.time_out_of_range, batch, position, || format!("{t_ns} ns is outside 1990 to 2100"));
                // The next row begins a stretch.
                window = 0..0;
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

    /// The length of windows now.
    pub(super) fn window_ns(&self) -> i64 {
        self.window_ns
    }

    /// The length of windows by the times seen.
    pub(super) fn window_ns_of_span(&self) -> i64 {
        self.span_ns.map_or(WINDOW_SHORT_NS, |(first, last)| window_ns_of_times(first, last))
    }

    /// As streams do: short windows for short tables only.
    fn widen(&mut self) {
        let window_ns = self.window_ns_of_span();
        if window_ns > self.window_ns {
            for column in self.columns.values_mut() {
                column.widen(window_ns / self.window_ns);
            }
            self.window_ns = window_ns;
        }
    }

    pub(super) fn finish(self) -> StreamStates {
        let mut stream = StreamStates::new("", "table", 1, self.window_ns);
        stream.span_ns = self.span_ns;
        stream.messages = self.rows;
        stream.events = self.rows;
        for (name, column) in self.columns {
            let lattice = column.values.lattice().clone();
            let windows = SeriesWindows::Cells(column.finish());
            // A column is what it is: its values have no definition that could change.
            stream.series.insert(name, Series { version: 0, lattice, windows });
        }
        let totals = [(self.out_of_order, self.rows), (self.time_out_of_range, self.rows)];
        stream.counters = totals.into_iter().map(|(counter, total)| Counter { total, ..counter }).collect();
        stream.counters.push(self.invalid);
        stream
    }
}

impl Column {
    fn new(lattice: &Lattice) -> Self {
        Self { open: 0, values: ValueTally::new(lattice.clone()), done: Vec::new(), there: Vec::new() }
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

    fn finish(mut self) -> Vec<WindowCells> {
        self.close();
        merge_cells(self.done)
    }
}

/// The length of windows of a table from `first` to `last`; the shortest where a table cannot have such times.
pub(super) fn window_ns_of_times(first: i64, last: i64) -> i64 {
    let can_be = TIME_RANGE_NS.contains(&first) && TIME_RANGE_NS.contains(&last) && first <= last;
    if can_be { window_ns_of_span(last - first) } else { WINDOW_SHORT_NS }
}

/// Counts the rows whose value is null or has no key, with examples.
fn report_unused(
    invalid: &mut Counter,
    batch: &TableBatch,
    column: &TableColumn,
    lattice: &Lattice,
    rows: impl Iterator<Item = usize>,
) {
    let name = &column.name;
    for row in rows {
        let (value, is_there) = (column.values[row], column.valid[row]);
        if is_there && lattice.key(value).is_some() {
            continue;
        }
        hit(invalid, batch, batch.first_row + row as u64, || {
            let found = format!("{value} is not finite, or off the column's grid");
            format!("column {name}: {}", if is_there { &found } else { "null" })
        });
    }
}

fn hit(counter: &mut Counter, batch: &TableBatch, position: u64, detail: impl FnOnce() -> String) {
    counter.count += 1;
    if counter.examples.len() < EXAMPLES_MAX {
        counter.examples.push(Example { source: batch.source.clone(), position, detail: detail() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_NS: i64 = 1_700_000_000 * SECOND_NS;

    /// A row a second, with a null and a value off the lattice now and then.
    fn batch(rows: Range<i64>) -> TableBatch {
        let value = |i: i64| if i % 97 == 5 { f64::NAN } else { (i % 13) as f64 / 7.0 };
        let column = TableColumn {
            name: "x".to_owned(),
            values: rows.clone().map(value).collect(),
            valid: rows.clone().map(|i| i % 89 != 3).collect(),
        };
        let t_ns = rows.clone().map(|i| if i % 1000 == 999 { 0 } else { FIRST_NS + i * SECOND_NS }).collect();
        TableBatch { t_ns, columns: vec![column], first_row: rows.start as u64 + 1, source: "t".to_owned() }
    }

    fn observed(window_ns: i64, rows: i64, batch_rows: i64) -> StreamStates {
        let lattices = BTreeMap::from([("x".to_owned(), Lattice::float(10))]);
        let mut table = TableObserver::new(&lattices, window_ns);
        for first in (0..rows).step_by(batch_rows as usize) {
            table.observe(&batch(first..rows.min(first + batch_rows)));
        }
        assert!(table.window_ns() >= table.window_ns_of_span());
        table.finish()
    }

    #[test]
    fn windows_of_their_final_length_from_the_start_change_nothing() {
        for (rows, final_ns) in [(600, SECOND_NS), (3_000, 10 * SECOND_NS), (33_000, 60 * SECOND_NS)] {
            let grown = observed(SECOND_NS, rows, 1_000);
            assert_eq!(grown.window_ns, final_ns);
            assert_eq!(observed(final_ns, rows, 777), grown, "{rows} rows");
        }
    }

    #[test]
    fn rows_without_a_key_are_counted_once_with_their_position() {
        let stream = observed(SECOND_NS, 2_000, 500);
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
