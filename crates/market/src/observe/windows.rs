//! Tumbling windows of event time: keys or values go in, one state per window comes out.

use super::Series;
use super::frame::Runs;
use super::observed::SeriesWindows;
use verismo_stats::histogram::{Cells, Tally};
use verismo_stats::lags::{LagCarry, LagMoments};
use verismo_stats::lattice::Lattice;
use verismo_stats::state::{Carry, DecodeError, Reader, State};

/// A window: its index and its counted keys.
pub type WindowCells = (i64, Cells);

/// Values a lag series holds back before it sums them: a batch copies the sums once.
const LAG_BATCH: usize = 4096;

/// The window that is open, as a half-open interval of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenWindow {
    length_ns: i64,
    pub(super) index: i64,
    start_ns: i64,
    end_ns: i64,
}

impl OpenWindow {
    /// No window is open: the interval is empty.
    pub(super) fn none(length_ns: i64) -> Self {
        Self { length_ns, index: 0, start_ns: 0, end_ns: 0 }
    }

    #[inline]
    pub(super) fn holds(&self, t_ns: i64) -> bool {
        t_ns < self.end_ns && t_ns >= self.start_ns
    }

    fn at(length_ns: i64, t_ns: i64) -> Self {
        let index = t_ns.div_euclid(length_ns);
        let start_ns = index * length_ns;
        Self { length_ns, index, start_ns, end_ns: start_ns + length_ns }
    }

    /// The window of that length which holds a time.
    pub(super) fn at_time(&self, t_ns: i64) -> Self {
        Self::at(self.length_ns, t_ns)
    }

    pub(super) fn widened(&self, factor: i64) -> Self {
        Self::none(self.length_ns * factor)
    }
}

/// Counts keys per window.
///
/// Windows are finished as soon as an observation lies outside the open one. Time may step back (a clock was restarted):
/// states of one window are then merged at the end.
#[derive(Debug)]
pub struct WindowTally {
    open: OpenWindow,
    tally: Tally,
    done: Vec<WindowCells>,
}

impl WindowTally {
    /// No window yet.
    pub fn new(window_ns: i64) -> Self {
        Self { open: OpenWindow::none(window_ns), tally: Tally::new(), done: Vec::new() }
    }

    /// Counts one key at its time.
    #[inline]
    pub fn push(&mut self, t_ns: i64, key: i64) {
        if !self.open.holds(t_ns) {
            self.turn_to(t_ns);
        }
        self.tally.push(key);
    }

    /// Counts a column of keys at their times.
    pub fn extend(&mut self, t_ns: &[i64], keys: &[i64]) {
        let mut from = 0;
        while let Some(&t) = t_ns.get(from) {
            if !self.open.holds(t) {
                self.turn_to(t);
            }
            let open = self.open;
            let n = t_ns[from..].iter().take_while(|&&t| open.holds(t)).count();
            self.tally.extend(&keys[from..from + n]);
            // The first time is inside the open window, so that n is at least 1.
            from += n;
        }
    }

    /// Counts runs of keys, each at one time.
    pub fn extend_runs(&mut self, runs: &Runs) {
        let mut from = 0;
        let mut to = 0;
        for (&t_ns, &end) in runs.t_ns.iter().zip(&runs.ends) {
            if !self.open.holds(t_ns) {
                self.tally.extend(&runs.value[from..to]);
                from = to;
                self.turn_to(t_ns);
            }
            to = end;
        }
        self.tally.extend(&runs.value[from..to]);
    }

    /// Merges each `factor` windows into one, exactly.
    pub fn widen(&mut self, factor: i64) {
        self.close();
        self.open = self.open.widened(factor);
        for (index, _) in &mut self.done {
            *index = index.div_euclid(factor);
        }
        self.done = merge_cells(std::mem::take(&mut self.done));
    }

    /// Takes the series so far out; what comes next begins it anew, and both together are the series without a cut.
    pub fn cut(&mut self, lattice: Lattice) -> Series {
        self.close();
        self.open = self.open.widened(1);
        Series { lattice, windows: SeriesWindows::Cells(merge_cells(std::mem::take(&mut self.done))) }
    }

    #[cold]
    fn turn_to(&mut self, t_ns: i64) {
        self.close();
        self.open = self.open.at_time(t_ns);
    }

    fn close(&mut self) {
        if !self.tally.is_empty() {
            self.done.push((self.open.index, self.tally.drain()));
        }
    }
}

/// Sorts by index and adds up states of equal index.
pub fn merge_cells(mut windows: Vec<WindowCells>) -> Vec<WindowCells> {
    windows.sort_by_key(|&(index, _)| index);
    let merge = |group: &mut [WindowCells]| match group {
        [(index, one)] => (*index, std::mem::take(one)),
        _ => (group.first().map_or(0, |w| w.0), Cells::sum(group.iter().map(|(_, cells)| cells))),
    };
    windows.chunk_by_mut(|a, b| a.0 == b.0).map(merge).collect()
}

/// Sums a series and its lagged products per window.
#[derive(Debug)]
pub struct WindowLags {
    open: OpenWindow,
    carry: LagCarry,
    sums: LagMoments,
    empty: LagMoments,
    /// Values of the open window that are not yet in `sums`.
    held: Vec<i64>,
    done: Vec<(i64, LagMoments)>,
}

impl WindowLags {
    /// No window yet.
    ///
    /// # Panics
    /// When the lags are not ascending from 1: the registry names them.
    pub fn new(lags: &[u32], window_ns: i64) -> Self {
        let (Ok(empty), Ok(carry)) = (LagMoments::new(lags), LagCarry::new(lags)) else {
            panic!("lags ascend from 1, {lags:?} do not");
        };
        Self {
            open: OpenWindow::none(window_ns),
            carry,
            sums: empty.clone(),
            empty,
            held: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Adds one value at its time; `continues` if the value before is its predecessor in the series.
    #[inline]
    pub fn push(&mut self, t_ns: i64, value: i64, continues: bool) {
        if !self.open.holds(t_ns) {
            self.close();
            self.open = self.open.at_time(t_ns);
        }
        if !continues || self.held.len() == LAG_BATCH {
            self.sum_up();
        }
        if !continues {
            self.carry.reset();
        }
        self.held.push(value);
    }

    /// Merges each `factor` windows into one, exactly.
    pub fn widen(&mut self, factor: i64) {
        self.close();
        self.open = self.open.widened(factor);
        for (index, _) in &mut self.done {
            *index = index.div_euclid(factor);
        }
        self.done = merge_lags(std::mem::take(&mut self.done));
    }

    /// Takes the series so far out, as [`WindowTally::cut`] does.
    pub fn cut(&mut self, lattice: Lattice) -> Series {
        self.close();
        self.open = self.open.widened(1);
        Series { lattice, windows: SeriesWindows::Lags(merge_lags(std::mem::take(&mut self.done))) }
    }

    fn close(&mut self) {
        self.sum_up();
        if self.sums != self.empty {
            self.done.push((self.open.index, std::mem::replace(&mut self.sums, self.empty.clone())));
        }
    }

    fn sum_up(&mut self) {
        if self.held.is_empty() {
            return;
        }
        // Values are bounded by 10^12 and windows by 2^63 of them, so that 128 bits cannot overflow.
        let summed = self.carry.feed(&self.held, &mut self.sums);
        debug_assert!(summed.is_ok(), "lag sums failed: {summed:?}");
        self.held.clear();
    }
}

/// Values that are not summed up yet go with the cut before: sums are up to date whenever something is saved.
impl Carry for WindowLags {
    fn save(&self, out: &mut Vec<u8>) {
        debug_assert!(self.held.is_empty(), "saved before it was cut");
        self.carry.save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.carry.load(input)
    }
}

pub(super) fn merge_lags(mut windows: Vec<(i64, LagMoments)>) -> Vec<(i64, LagMoments)> {
    windows.sort_by_key(|&(index, _)| index);
    windows.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        // Lags are equal by construction and sums far from 128 bits; a failed merge would keep both windows, visibly.
        same && kept.1.merge(&next.1).is_ok()
    });
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(series: Series) -> Vec<WindowCells> {
        match series.windows {
            SeriesWindows::Cells(windows) => windows,
            _ => panic!("not cells"),
        }
    }

    #[test]
    fn windows_are_absolute_and_half_open() {
        let mut windows = WindowTally::new(10);
        windows.extend(&[-1, 0, 9, 10, 25], &[7, 1, 1, 2, 3]);
        let got = cells(windows.cut(Lattice::ticks(0)));
        let want: Vec<WindowCells> = vec![
            (-1, Cells::pack(&[(7, 1)])),
            (0, Cells::pack(&[(1, 2)])),
            (1, Cells::pack(&[(2, 1)])),
            (2, Cells::pack(&[(3, 1)])),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn widening_at_any_point_gives_the_windows_of_a_wide_start() {
        let t: Vec<i64> = (0..100).map(|i| i * 7).collect();
        let keys: Vec<i64> = (0..100).map(|i| i % 5).collect();
        let mut wide = WindowTally::new(100);
        wide.extend(&t, &keys);
        let wide = cells(wide.cut(Lattice::ticks(0)));
        for cut in [0, 1, 13, 50, 100] {
            let mut narrow = WindowTally::new(10);
            narrow.extend(&t[..cut], &keys[..cut]);
            narrow.widen(10);
            narrow.extend(&t[cut..], &keys[cut..]);
            assert_eq!(cells(narrow.cut(Lattice::ticks(0))), wide, "widened after {cut}");
        }
    }

    #[test]
    fn time_that_steps_back_merges_into_its_window() {
        let mut windows = WindowTally::new(10);
        for (t, key) in [(5, 1), (15, 2), (6, 1), (16, 3)] {
            windows.push(t, key);
        }
        let got = cells(windows.cut(Lattice::ticks(0)));
        let want: Vec<WindowCells> = vec![(0, Cells::pack(&[(1, 2)])), (1, Cells::pack(&[(2, 1), (3, 1)]))];
        assert_eq!(got, want);
    }

    #[test]
    fn lags_reach_across_windows_and_not_across_holes() {
        let mut lags = WindowLags::new(&[1], 10);
        for (t, value, continues) in [(1, 2, false), (11, 3, true), (12, 5, true), (13, 7, false)] {
            lags.push(t, value, continues);
        }
        let SeriesWindows::Lags(got) = lags.cut(Lattice::ticks(0)).windows else { panic!("not lags") };
        assert_eq!(
            got.iter().map(|(index, m)| (*index, m.count(), m.sum())).collect::<Vec<_>>(),
            [(0, 1, 2), (1, 3, 15)]
        );
        assert_eq!((got[0].1.pairs()[0].n_pairs, got[1].1.pairs()[0].n_pairs), (0, 2));
        assert_eq!(got[1].1.pairs()[0].sum_product, 2 * 3 + 3 * 5);
    }
}
