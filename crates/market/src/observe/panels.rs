//! Rows of several numbers per window.

use super::observed::SeriesWindows;
use super::{Series, windows::OpenWindow};
use verismo_stats::lattice::Lattice;
use verismo_stats::panel::{Panel, PanelRows};

/// Decimals of every number of a panel: 10^-8 of its unit.
const SCALE: u8 = 8;

/// Collects rows per window.
///
/// As for [`super::WindowTally`], a window is finished as soon as a row lies outside it; panels of one window are merged at the end.
#[derive(Debug)]
pub struct WindowPanels {
    open: OpenWindow,
    rows: PanelRows,
    done: Vec<(i64, Panel)>,
}

impl WindowPanels {
    /// No window yet.
    pub fn new(columns: usize, window_ns: i64) -> Self {
        Self { open: OpenWindow::none(window_ns), rows: PanelRows::new(columns), done: Vec::new() }
    }

    /// Adds a row at its time; numbers in 10^-8 of their units, [`verismo_stats::panel::UNDEFINED`] where there is none.
    #[inline]
    pub fn push(&mut self, t_ns: i64, row: &[i64]) {
        if !self.open.holds(t_ns) {
            self.close();
            self.open = self.open.at_time(t_ns);
        }
        self.rows.push(t_ns, row);
    }

    /// Merges each `factor` windows into one, exactly.
    pub fn widen(&mut self, factor: i64) {
        self.close();
        self.open = self.open.widened(factor);
        for (index, _) in &mut self.done {
            *index = index.div_euclid(factor);
        }
        self.done = merged(std::mem::take(&mut self.done));
    }

    /// Takes the series so far out, as [`super::WindowTally::cut`] does.
    pub fn cut(&mut self) -> Series {
        self.close();
        self.open = self.open.widened(1);
        Series {
            lattice: Lattice::ticks(SCALE),
            windows: SeriesWindows::Panels(merged(std::mem::take(&mut self.done))),
        }
    }

    fn close(&mut self) {
        if !self.rows.is_empty() {
            let empty = PanelRows::new(self.rows.columns);
            let rows = std::mem::replace(&mut self.rows, empty);
            self.done.push((self.open.index, Panel::pack(rows)));
        }
    }
}

/// Sorts by index and merges panels of equal index.
pub(super) fn merged(mut windows: Vec<(i64, Panel)>) -> Vec<(i64, Panel)> {
    windows.sort_by_key(|&(index, _)| index);
    let merge = |group: &mut [(i64, Panel)]| -> Option<(i64, Panel)> {
        let (index, first) = group.first()?;
        match group.len() {
            1 => Some((*index, first.clone())),
            // Columns are equal by construction.
            _ => Some((*index, Panel::sum(first.columns(), group.iter().map(|(_, panel)| panel)).ok()?)),
        }
    };
    windows.chunk_by_mut(|a, b| a.0 == b.0).filter_map(merge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use verismo_stats::state::State;

    fn panels(mut windows: WindowPanels) -> Vec<(i64, Panel)> {
        match windows.cut().windows {
            SeriesWindows::Panels(windows) => windows,
            _ => panic!("not panels"),
        }
    }

    #[test]
    fn widening_at_any_point_and_steps_back_give_the_windows_of_a_wide_start() {
        let rows: Vec<(i64, [i64; 2])> = (0..60).map(|i| ((i * 7) % 301, [i, -i])).collect();
        let mut wide = WindowPanels::new(2, 100);
        rows.iter().for_each(|(t, row)| wide.push(*t, row));
        let wide = panels(wide);
        assert_eq!(wide.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(wide.iter().map(|(_, panel)| panel.count()).sum::<u64>(), 60);
        for cut in [0, 1, 13, 60] {
            let mut narrow = WindowPanels::new(2, 10);
            rows[..cut].iter().for_each(|(t, row)| narrow.push(*t, row));
            narrow.widen(10);
            rows[cut..].iter().for_each(|(t, row)| narrow.push(*t, row));
            assert_eq!(panels(narrow), wide, "widened after {cut}");
        }
    }
}
