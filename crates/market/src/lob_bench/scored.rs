//! The scores of one sequence, cut into windows.

use verismo_stats::pooled::{Cell, count};

use super::{Conditions, ImpactSums, SCORE_COUNT};

/// Messages of a block: windows are made of whole ones. It is the length of the benchmark's own sequences.
pub const BLOCK_ROWS: u64 = 500;

/// The scores of some neighbouring messages: for each score its distinct values with their counts.
pub type Window = Vec<Vec<Cell>>;

/// All scores of one sequence.
#[derive(Debug)]
pub struct Scored {
    /// Messages.
    pub rows: u64,
    /// Rows whose best ask or bid is not there.
    pub rows_without_touch: u64,
    /// Standard deviation of the returns of the mid price.
    pub volatility: f64,
    /// Scores by condition.
    pub conditions: Conditions,
    /// Responses of the mid price.
    pub impact: ImpactSums,
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) marks: Vec<[usize; SCORE_COUNT]>,
}

impl Scored {
    /// Blocks of [`BLOCK_ROWS`] messages: the windows it can be cut into; 1 where there are fewer messages.
    pub fn blocks(&self) -> usize {
        usize::try_from(self.rows / BLOCK_ROWS).unwrap_or(usize::MAX).max(1)
    }

    /// Cuts the sequence into equal stretches of messages, at most one a block, and counts the values of each; also how many
    /// values of each score were no finite numbers and are left out.
    pub fn windows(self, most: usize) -> (Vec<Window>, [u64; SCORE_COUNT]) {
        let blocks = self.blocks();
        let windows = most.clamp(1, blocks);
        let mut left_out = [0; SCORE_COUNT];
        let mut out = vec![Window::with_capacity(SCORE_COUNT); windows];
        let mut values = Vec::new();
        for (score, column) in self.columns.iter().enumerate() {
            // Where block `i` begins; what follows the last whole block belongs to it.
            let start = |block: usize| match block {
                0 => 0,
                i if i == blocks => column.len(),
                i => self.marks.get(i - 1).map_or(column.len(), |marks| marks[score]),
            };
            for (w, window) in out.iter_mut().enumerate() {
                values.clear();
                values.extend_from_slice(&column[start(w * blocks / windows)..start((w + 1) * blocks / windows)]);
                let all = values.len();
                window.push(count(&mut values));
                left_out[score] += (all - values.len()) as u64;
            }
        }
        (out, left_out)
    }

    /// Puts values in a column that were not known row by row, each with its row.
    pub(super) fn place(&mut self, score: usize, mut values: Vec<(u64, f64)>) {
        values.sort_by_key(|(row, _)| *row);
        for (block, marks) in (1..).zip(&mut self.marks) {
            marks[score] = values.partition_point(|(row, _)| *row < block * BLOCK_ROWS);
        }
        self.columns[score] = values.into_iter().map(|(_, value)| value).collect();
    }
}
