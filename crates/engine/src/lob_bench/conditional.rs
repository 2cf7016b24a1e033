//! Scores given another score: the mean, over bins of the condition, of the distance inside each.

use std::collections::BTreeMap;

use verismo_market::lob_bench::Joint;
use verismo_stats::pooled::{Bins, Cell, Pooled, count, merge};
use verismo_suite::lob_bench::Pair;

use super::sides::ReadSide;

/// Why a conditional score lacks a Wasserstein distance.
pub(super) const NONE_SHARED: &str =
    "no bin of the condition has values of both sides that differ among each other; the benchmark says 0";
/// Why none has an interval.
pub(super) const NO_INTERVAL: &str = "a conditional score weighs each condition by what both sides have of it together: no seminorm of a difference of laws, and not judged";

/// The values of both sides under one condition.
type Group = [Vec<Cell>; 2];

/// The conditional scores, in the order of the benchmark.
pub(super) fn scores(real: &ReadSide, generated: &ReadSide) -> [Pair; 3] {
    let sides = [real, generated];
    let by_spread = grouped(sides.map(|side| side.conditions.ask_size_by_spread.clone()));
    let by_time = grouped(sides.map(|side| side.conditions.spread_by_time.clone()));
    [mean(&by_spread, &Bins::Deciles), mean(&by_time, &Bins::Deciles), mean(&by_volatility(sides), &Bins::Values)]
}

/// Values by condition.
fn grouped<K: Copy + Eq + Ord + std::hash::Hash>(joint: [Joint<K>; 2]) -> Vec<Group> {
    let mut groups: BTreeMap<K, Group> = BTreeMap::new();
    for (side, joint) in joint.into_iter().enumerate() {
        // Ascending by condition, then by value.
        for ((condition, value), n) in joint.sorted() {
            groups.entry(condition).or_default()[side].push((value as f64, n));
        }
    }
    groups.into_values().collect()
}

/// Spreads by decile of the volatility of their sequence, over the messages of both sides.
fn by_volatility(sides: [&ReadSide; 2]) -> Vec<Group> {
    let cells = sides.map(|side| {
        let weighed = side.volatility.iter().map(|(volatility, rows, _)| (*volatility, *rows));
        let single: Vec<Vec<Cell>> =
            weighed.map(|(x, n)| count(&mut vec![x]).into_iter().map(|(x, _)| (x, n)).collect()).collect();
        merge(single.iter().map(Vec::as_slice))
    });
    let Ok(pooled) = Pooled::new(&cells[0], &cells[1]) else { return Vec::new() };
    let edges = pooled.deciles();
    let mut groups: BTreeMap<usize, [Vec<&[Cell]>; 2]> = BTreeMap::new();
    for (side, read) in sides.into_iter().enumerate() {
        for (volatility, _, spreads) in &read.volatility {
            groups.entry(edges.partition_point(|edge| edge <= volatility)).or_default()[side].push(spreads);
        }
    }
    groups.into_values().map(|group| group.map(merge)).collect()
}

/// The mean distances over groups, by the values of both sides in each. A group that one side lacks has total variation 1 and, as the
/// benchmark has it, adds nothing to the Wasserstein distance; so does a group of one value.
fn mean(groups: &[Group], bins: &Bins) -> Pair {
    let weight = |group: &Group| group.iter().flatten().map(|(_, n)| n).sum::<u64>() as f64;
    let total: f64 = groups.iter().map(weight).sum();
    let (mut sums, mut is_shared) = ([0.0; 2], false);
    for group in groups {
        let share = weight(group) / total;
        let Ok(pooled) = Pooled::new(&group[0], &group[1]) else {
            sums[0] += share;
            continue;
        };
        if let Ok(bins) = pooled.bins(bins) {
            sums[0] += share * pooled.total_variation(&bins);
        }
        if let Ok((_, std)) = pooled.moments() {
            sums[1] += share * pooled.w1() / std;
            is_shared = true;
        }
    }
    [(!groups.is_empty()).then_some(sums[0]), is_shared.then_some(sums[1])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_one_side_is_wholly_different_and_has_no_distance() {
        let groups: [Group; 2] = [[vec![(1.0, 2)], vec![(1.0, 1), (2.0, 1)]], [vec![(5.0, 4)], Vec::new()]];
        let [l1, w1] = mean(&groups, &Bins::Values);
        // Half of the values in each group: (0.5 + 1) / 2; the distance 0.5 over the deviation of 1, 1, 1, 2.
        assert!((l1.unwrap() - 0.75).abs() < 1e-15, "{l1:?}");
        assert!((w1.unwrap() - 0.5 * 0.5 / 0.5).abs() < 1e-15, "{w1:?}");
        assert_eq!(mean(&groups[1..], &Bins::Values), [Some(1.0), None]);
        assert_eq!(mean(&[], &Bins::Values), [None, None]);
    }
}
