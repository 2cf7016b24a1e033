//! The values of one window in, packed cells out: a [`Tally`] that makes the keys itself.

use super::grid::Grid;
use super::{Cells, Tally};
use crate::lattice::Lattice;

/// Counts the values of one window on a lattice, then hands out their cells.
///
/// What comes out is what the keys of the values give, one by one; most values of a float lattice are counted without a key.
#[derive(Debug, Clone)]
pub struct ValueTally {
    lattice: Lattice,
    grid: Option<Grid>,
    /// What the grid handed out when it was full.
    runs: Vec<(i64, u64)>,
    /// Values that the grid does not take.
    rest: Vec<f64>,
    keys: Vec<i64>,
    tally: Tally,
}

impl ValueTally {
    /// Nothing counted.
    #[must_use]
    pub fn new(lattice: Lattice) -> Self {
        let grid = match &lattice {
            Lattice::Float(float) => Grid::new(float),
            Lattice::Ticks(_) => None,
        };
        let (runs, rest, keys) = (Vec::new(), Vec::new(), Vec::new());
        Self { lattice, grid, runs, rest, keys, tally: Tally::new() }
    }

    /// The lattice of the keys.
    #[must_use]
    pub fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    /// Counts the values that have a key; returns the number of those that have none.
    pub fn extend(&mut self, values: &[f64]) -> usize {
        let Some(grid) = &mut self.grid else {
            return self.count_keys(values);
        };
        let mut left = values;
        self.rest.clear();
        while !left.is_empty() {
            if grid.room() == 0 {
                super::merge_cells(&mut self.runs, grid.hand_out());
            }
            let (now, later) = left.split_at(left.len().min(grid.room()));
            grid.count(now, &mut self.rest);
            left = later;
        }
        if self.rest.is_empty() {
            return 0;
        }
        let rest = std::mem::take(&mut self.rest);
        let n_rejected = self.count_keys(&rest);
        self.rest = rest;
        n_rejected
    }

    /// Hands out what was counted, packed, and starts anew, keeping its buffers.
    pub fn drain(&mut self) -> Cells {
        if let Some(grid) = &mut self.grid {
            if self.runs.is_empty() && self.tally.is_empty() {
                return Cells::pack(grid.hand_out());
            }
            super::merge_cells(&mut self.runs, grid.hand_out());
        }
        self.tally.drain_into(&mut self.runs);
        let cells = Cells::pack(&self.runs);
        self.runs.clear();
        cells
    }

    fn count_keys(&mut self, values: &[f64]) -> usize {
        self.keys.clear();
        self.lattice.keys(values, &mut self.keys);
        self.tally.extend(&self.keys);
        values.len() - self.keys.len()
    }
}
