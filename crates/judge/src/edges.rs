//! The ends of aligned series: windows that one side defines only in part.
//!
//! A golden without a snapshot has no book for its warm-up, so its first window of a book observable holds fewer samples than
//! the candidate's, and a lagged product needs values from before. Aligned sides are compared over the time in which both
//! define an observable, so such windows at the end where one side begins later, or ends earlier, are left out.

use verismo_stats::state::State;

use crate::input::{SECOND_NS, Series, SeriesWindows};

/// The longest stretch left out at an end: longer than any lag of the catalogue, far shorter than a stretch worth judging.
const EDGE_NS: i64 = 30 * SECOND_NS;

/// A side's series and its windows that hold observations: (position, index), ascending.
type Occupied<'a> = (&'a Series, &'a mut Vec<(usize, i64)>);

/// Removes windows at either end while one side is the later to begin (the earlier to end) and holds another number of
/// observations there; for at most [`EDGE_NS`], and three windows at least.
pub(crate) fn trim(golden: Occupied<'_>, candidate: Occupied<'_>, window_ns: i64) {
    let windows_max = usize::try_from(EDGE_NS / window_ns.max(1)).unwrap_or(0).max(3);
    let ((golden, in_golden), (candidate, in_candidate)) = (golden, candidate);
    let index = |windows: &[(usize, i64)], first: bool| {
        if first { windows.first().map(|w| w.1) } else { windows.last().map(|w| w.1) }
    };
    for first in [true, false] {
        if index(in_golden, first) == index(in_candidate, first) {
            continue;
        }
        for _ in 0..windows_max {
            let (Some(a), Some(b)) = (index(in_golden, first), index(in_candidate, first)) else { return };
            let edge = if first { a.max(b) } else { a.min(b) };
            let inside = |w: &(usize, i64)| if first { w.1 >= edge } else { w.1 <= edge };
            in_golden.retain(inside);
            in_candidate.retain(inside);
            let at = |windows: &[(usize, i64)]| windows.iter().find(|w| w.1 == edge).map(|w| w.0);
            if let (Some(a), Some(b)) = (at(in_golden), at(in_candidate))
                && size(golden, a) == size(candidate, b)
            {
                break;
            }
            in_golden.retain(|w| w.1 != edge);
            in_candidate.retain(|w| w.1 != edge);
        }
    }
}

/// Observations of the window at this position; with the pairs of lagged ones.
fn size(series: &Series, at: usize) -> (u64, u64) {
    match &series.windows {
        SeriesWindows::Cells(w) => (w.get(at).map_or(0, |(_, cells)| cells.count()), 0),
        SeriesWindows::Lags(w) => {
            w.get(at).map_or((0, 0), |(_, m)| (m.count(), m.pairs().iter().map(|p| p.n_pairs).sum()))
        }
        SeriesWindows::Panels(w) => (w.get(at).map_or(0, |(_, panel)| panel.count()), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use verismo_stats::lattice::Lattice;

    fn series(sizes: &[(i64, u64)]) -> Series {
        let windows = sizes.iter().map(|&(index, n)| (index, crate::input::Cells::pack(&[(1, n)]))).collect();
        Series { version: 1, lattice: Lattice::ticks(0), windows: SeriesWindows::Cells(windows) }
    }

    fn trimmed(golden: &[(i64, u64)], candidate: &[(i64, u64)]) -> (Vec<i64>, Vec<i64>) {
        let all = |s: &[(i64, u64)]| s.iter().enumerate().map(|(at, &(index, _))| (at, index)).collect::<Vec<_>>();
        let (mut g, mut c) = (all(golden), all(candidate));
        trim((&series(golden), &mut g), (&series(candidate), &mut c), 10 * SECOND_NS);
        let indices = |w: Vec<(usize, i64)>| w.into_iter().map(|(_, index)| index).collect();
        (indices(g), indices(c))
    }

    #[test]
    fn a_warm_up_drops_out_with_the_window_it_ends_in() {
        let golden = [(6, 99), (7, 100), (8, 100)];
        let candidate = [(4, 100), (5, 100), (6, 100), (7, 100), (8, 100)];
        assert_eq!(trimmed(&golden, &candidate), (vec![7, 8], vec![7, 8]));
        assert_eq!(trimmed(&candidate, &golden), (vec![7, 8], vec![7, 8]));
    }

    #[test]
    fn equal_ends_keep_their_differences() {
        let golden = [(4, 99), (5, 100), (6, 3)];
        let candidate = [(4, 100), (5, 100), (6, 100)];
        assert_eq!(trimmed(&golden, &candidate), (vec![4, 5, 6], vec![4, 5, 6]));
    }

    #[test]
    fn an_earlier_end_is_trimmed_likewise_and_never_without_bound() {
        assert_eq!(trimmed(&[(1, 5), (2, 5), (3, 2)], &[(1, 5), (2, 5), (3, 5), (4, 5)]), (vec![1, 2], vec![1, 2]));
        let short: Vec<(i64, u64)> = (1..20).map(|i| (i, 1)).collect();
        let long: Vec<(i64, u64)> = (0..20).map(|i| (i, 2)).collect();
        assert_eq!(trimmed(&short, &long).0.len(), 16, "three windows at most");
    }
}
