//! States without a part of them, and how much each window carries of a difference.
//!
//! Windows are states by themselves, so that leaving one out is exact for every kind of them. What was counted over a whole stream, its
//! span, its ids and its counters, stays as it was.

use std::collections::{BTreeMap, BTreeSet};

use crate::input::{Cells, Series, SeriesWindows, SideStates, StreamStates};

/// Edges at which laws are compared: enough to place a difference, few enough to be fast.
const EDGES_MAX: usize = 64;

impl SideStates {
    /// The states without the streams and windows that are not kept; a window is told by its stream and its start, ns.
    #[must_use]
    pub fn without(
        &self,
        keeps_stream: impl Fn(&StreamStates) -> bool,
        keeps_window: impl Fn(&StreamStates, i64) -> bool,
    ) -> Self {
        let left = |stream: &StreamStates| {
            let keeps = |index: i64| keeps_window(stream, index.saturating_mul(stream.window_ns));
            let series = stream.series.iter().map(|(id, series)| (id.clone(), series.keeping(&keeps))).collect();
            StreamStates { series, known: BTreeMap::new(), ..stream.clone() }
        };
        let streams = self.streams.iter().filter(|stream| keeps_stream(stream)).map(left).collect();
        Self { streams, counters: self.counters.clone() }
    }
}

impl StreamStates {
    /// Indices of the windows that any of these observables has a value in; of all observables where none is named.
    pub fn window_indices(&self, observables: &[String]) -> BTreeSet<i64> {
        let wanted =
            self.observables().filter(|id| observables.is_empty() || observables.iter().any(|other| other == id));
        self.runs_of(wanted).into_iter().flat_map(|(first, last)| first..=last).collect()
    }

    /// The windows that any observable has a value in, as runs: first and last of each, ascending.
    pub(crate) fn window_runs(&self) -> Vec<(i64, i64)> {
        self.runs_of(self.observables())
    }

    fn runs_of<'a>(&self, observables: impl Iterator<Item = &'a str>) -> Vec<(i64, i64)> {
        let mut all: Vec<(i64, i64)> = Vec::new();
        for id in observables {
            match (self.series.get(id), self.known.get(id)) {
                (Some(series), _) => all.extend(runs(series.indices())),
                (None, known) => all.extend(known.iter().flat_map(|known| &known.windows)),
            }
        }
        all.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::new();
        for (first, last) in all {
            match joined.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => joined.push((first, last)),
            }
        }
        joined
    }
}

/// Ascending indices as runs: first and last of each.
pub(crate) fn runs(indices: impl IntoIterator<Item = i64>) -> Vec<(i64, i64)> {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for index in indices {
        match runs.last_mut() {
            Some((_, last)) if *last == index.wrapping_sub(1) => *last = index,
            _ => runs.push((index, index)),
        }
    }
    runs
}

impl Series {
    pub(crate) fn indices(&self) -> Vec<i64> {
        match &self.windows {
            SeriesWindows::Cells(windows) => windows.iter().map(|(i, _)| *i).collect(),
            SeriesWindows::Lags(windows) => windows.iter().map(|(i, _)| *i).collect(),
            SeriesWindows::Panels(windows) => windows.iter().map(|(i, _)| *i).collect(),
        }
    }

    fn keeping(&self, keeps: &impl Fn(i64) -> bool) -> Self {
        fn kept<T: Clone>(windows: &[(i64, T)], keeps: &impl Fn(i64) -> bool) -> Vec<(i64, T)> {
            windows.iter().filter(|(i, _)| keeps(*i)).cloned().collect()
        }
        let windows = match &self.windows {
            SeriesWindows::Cells(windows) => SeriesWindows::Cells(kept(windows, keeps)),
            SeriesWindows::Lags(windows) => SeriesWindows::Lags(kept(windows, keeps)),
            SeriesWindows::Panels(windows) => SeriesWindows::Panels(kept(windows, keeps)),
        };
        Self { windows, ..self.clone() }
    }
}

/// By how much leaving out each window, on both sides, would bring the laws of an observable together, as a share of how far they are apart:
/// the first-order change of the Euclidean distance of the two distribution functions at quantiles of both. `None` where the observable has
/// no law, windows differ in length, or the laws are equal at all edges.
pub fn influences(golden: &StreamStates, candidate: &StreamStates, observable: &str) -> Option<BTreeMap<i64, f64>> {
    let law = |stream: &'_ StreamStates| match &stream.series.get(observable)?.windows {
        SeriesWindows::Cells(windows) => Some(windows.clone()),
        SeriesWindows::Lags(_) | SeriesWindows::Panels(_) => None,
    };
    let sides = [law(golden)?, law(candidate)?];
    if golden.window_ns != candidate.window_ns {
        return None;
    }
    let edges = edges(&sides);
    let sides = sides.map(|windows| Cumulated::new(&windows, &edges));
    let difference: Vec<f64> = (0..edges.len()).map(|e| sides[1].law(e) - sides[0].law(e)).collect();
    let distance = difference.iter().map(|d| d * d).sum::<f64>().sqrt();
    if distance <= 0.0 || !distance.is_finite() {
        return None;
    }
    let mut influences: BTreeMap<i64, f64> = BTreeMap::new();
    for (side, sign) in sides.iter().zip([-1.0, 1.0]) {
        for (index, counts) in &side.windows {
            let left = side.total - counts.last().copied().unwrap_or(0.0);
            if left <= 0.0 {
                continue;
            }
            // The law without the window, minus the law with it.
            let changes = counts.iter().zip(&side.sums).map(|(n, sum)| (sum - n) / left - sum / side.total);
            let along: f64 = difference.iter().zip(changes).map(|(d, change)| d * sign * change).sum();
            *influences.entry(*index).or_insert(0.0) -= along / (distance * distance);
        }
    }
    Some(influences)
}

/// Keys up to which about equal shares of both sides lie; the last is the largest of all.
fn edges(sides: &[Vec<(i64, Cells)>; 2]) -> Vec<i64> {
    let pooled = Cells::sum(sides.iter().flatten().map(|(_, cells)| cells));
    let total = pooled.count();
    let (mut edges, mut seen) = (Vec::new(), 0_u64);
    for (key, n) in pooled.iter() {
        let before = seen;
        seen += n;
        let place = |seen: u64| u128::from(seen) * EDGES_MAX as u128 / u128::from(total.max(1));
        if place(seen) > place(before) {
            edges.push(key);
        }
    }
    edges
}

/// Counts up to each edge, by window and in all.
struct Cumulated {
    windows: Vec<(i64, Vec<f64>)>,
    sums: Vec<f64>,
    total: f64,
}

impl Cumulated {
    fn new(windows: &[(i64, Cells)], edges: &[i64]) -> Self {
        let mut sums = vec![0.0; edges.len()];
        let mut out = Vec::with_capacity(windows.len());
        for (index, cells) in windows {
            let mut counts = vec![0.0; edges.len()];
            for (key, n) in cells.iter() {
                // The last edge is the largest key there is.
                if let Some(count) = counts.get_mut(edges.partition_point(|edge| *edge < key)) {
                    *count += n as f64;
                }
            }
            let mut sum = 0.0;
            for (count, all) in counts.iter_mut().zip(&mut sums) {
                sum += *count;
                *count = sum;
                *all += sum;
            }
            out.push((*index, counts));
        }
        let total = sums.last().copied().unwrap_or(0.0);
        Self { windows: out, sums, total }
    }

    fn law(&self, edge: usize) -> f64 {
        if self.total > 0.0 { self.sums[edge] / self.total } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use verismo_stats::lattice::Lattice;

    use super::*;

    fn stream(windows: &[(i64, &[i64])]) -> StreamStates {
        let cells = |keys: &[i64]| {
            let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
            keys.iter().for_each(|key| *counts.entry(*key).or_default() += 1);
            Cells::pack(&counts.into_iter().collect::<Vec<_>>())
        };
        let windows = SeriesWindows::Cells(windows.iter().map(|(i, keys)| (*i, cells(keys))).collect());
        let mut stream = StreamStates::new("v", "S", 1, 10);
        stream.series.insert("spread".to_owned(), Series { version: 1, lattice: Lattice::ticks(0), windows });
        stream
    }

    #[test]
    fn streams_and_windows_are_left_out_and_the_rest_stays() {
        let mut other = stream(&[(1, &[5])]);
        other.symbol = "T".to_owned();
        let side =
            SideStates { streams: vec![stream(&[(-1, &[1]), (0, &[2]), (3, &[3])]), other], counters: Vec::new() };
        let left = side.without(|stream| stream.symbol == "S", |_, from_ns| from_ns != 0);
        assert_eq!(left.streams.len(), 1);
        assert_eq!(left.streams[0].window_indices(&[]), BTreeSet::from([-1, 3]));
        assert_eq!(left.streams[0].window_indices(&["spread".to_owned()]).len(), 2);
        assert!(left.streams[0].window_indices(&["other".to_owned()]).is_empty());
        assert_eq!(side.without(|_| true, |_, _| true), side);
    }

    /// The influence is the derivative of what leaving out does, so that for small windows it is what leaving out does.
    #[test]
    fn an_influence_is_what_leaving_out_does() {
        let keys: Vec<Vec<i64>> = (0..60).map(|w| (0..40).map(|i| (i * 7 + w * 3) % 20).collect()).collect();
        let golden: Vec<(i64, &[i64])> = keys.iter().enumerate().map(|(w, keys)| (w as i64, &keys[..])).collect();
        let shifted: Vec<i64> = keys[7].iter().map(|key| key + 30).collect();
        let mut candidate = golden.clone();
        candidate[7].1 = &shifted;
        let (golden, candidate) = (stream(&golden), stream(&candidate));
        let found = influences(&golden, &candidate, "spread").unwrap();
        let worst = found.iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
        assert_eq!(*worst.0, 7);
        assert!((worst.1 - 1.0).abs() < 0.05, "all of the difference is there: {worst:?}");
        assert!(found.iter().filter(|(i, _)| **i != 7).all(|(_, x)| x.abs() < 0.05), "{found:?}");
        assert_eq!(influences(&golden, &golden, "spread"), None, "equal laws");
        assert_eq!(influences(&golden, &candidate, "other"), None);
        assert_eq!(influences(&stream(&[]), &stream(&[]), "spread"), None);
    }
}
