//! Ranks of a weighted sample with ties, as places on [0, 1].

use super::Complete;
use crate::judging::Rows;
use core::ops::Range;

/// The values of a column in order, equal ones as one group: group `g` holds the places from `ends[g - 1]` to `ends[g]` of the law.
pub(crate) struct Ranks {
    /// Complete rows in ascending order of the value.
    pub(crate) order: Vec<usize>,
    /// The group of each complete row.
    pub(crate) group: Vec<usize>,
    /// Where in `order` each group lies.
    pub(crate) spans: Vec<Range<usize>>,
    /// Weight up to and with each group; the last is 1.
    pub(crate) ends: Vec<f64>,
}

impl Ranks {
    /// Of the complete rows; zero has no sign.
    pub(crate) fn of(rows: &Rows, complete: &Complete, column: usize) -> Self {
        let value = |at: usize| rows.row(complete.places[at])[column] + 0.0;
        let n = complete.places.len();
        let mut keyed: Vec<(f64, usize)> = (0..n).map(|at| (value(at), at)).collect();
        keyed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut ranks = Self { order: Vec::with_capacity(n), group: vec![0; n], spans: Vec::new(), ends: Vec::new() };
        let mut below = 0.0;
        for chunk in keyed.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
            let start = ranks.order.len();
            for &(_, at) in chunk {
                ranks.group[at] = ranks.spans.len();
                ranks.order.push(at);
                below += rows.weights[complete.places[at]];
            }
            ranks.spans.push(start..ranks.order.len());
            ranks.ends.push(below);
        }
        // Shares of the law: what rounding leaves is put right once.
        let total = below;
        for end in &mut ranks.ends {
            *end /= total;
        }
        ranks
    }

    /// From where to where on [0, 1] a group lies.
    pub(crate) fn interval(&self, group: usize) -> (f64, f64) {
        let low = if group == 0 { 0.0 } else { self.ends[group - 1] };
        (low, self.ends[group])
    }

    /// The middle of the interval of each complete row: its mid-rank as a share.
    pub(crate) fn middles(&self) -> Vec<f64> {
        let middle = |group: &usize| {
            let (low, high) = self.interval(*group);
            0.5 * (low + high)
        };
        self.group.iter().map(middle).collect()
    }

    /// The share of its value of each complete row.
    pub(crate) fn masses(&self) -> Vec<f64> {
        let mass = |group: &usize| {
            let (low, high) = self.interval(*group);
            high - low
        };
        self.group.iter().map(mass).collect()
    }
}
