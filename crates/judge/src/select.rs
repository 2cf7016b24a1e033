//! Which windows of the two sides are compared, and how.

use std::collections::{BTreeMap, BTreeSet};

use verismo_stats::judging::{Design, WINDOWS_MIN};
use verismo_suite::suite::Scope;

use crate::input::SECOND_NS;

/// Half an hour, the length of a stratum.
const HALF_HOUR_NS: i64 = 1800 * SECOND_NS;
/// A day.
pub(crate) const DAY_NS: i64 = 86_400 * SECOND_NS;

/// A window that takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Position in the side's list of windows.
    pub(crate) at: usize,
    /// Index of the window.
    pub(crate) id: i64,
    /// Matching label.
    pub(crate) stratum: u32,
    /// Recurrence of the label.
    pub(crate) block: u32,
}

/// The windows compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selection {
    pub(crate) golden: Vec<Placed>,
    pub(crate) candidate: Vec<Placed>,
    pub(crate) design: Design,
    /// `paired`, `half-hours`, `unmatched`, `population`.
    pub(crate) stratum: &'static str,
    /// Share of the golden's windows that take part.
    pub(crate) coverage: f64,
}

/// Chooses windows from the non-empty ones: (position, index), ascending.
pub(crate) fn select(
    golden: &[(usize, i64)],
    candidate: &[(usize, i64)],
    window_ns: i64,
    aligned: bool,
    scope: Scope,
) -> Selection {
    let mut selection = match (aligned, scope) {
        (true, Scope::Population) => {
            whole(common(golden, candidate), common(candidate, golden), Design::Paired, "paired")
        }
        (false, Scope::Population) => whole(all(golden), all(candidate), Design::Independent, "population"),
        (true, Scope::TheseStretches) => {
            let (golden, candidate) = (common(golden, candidate), common(candidate, golden));
            strata(golden, candidate, window_ns, Design::PairedStrata, "paired")
        }
        (false, Scope::TheseStretches) => strata(all(golden), all(candidate), window_ns, Design::Strata, "half-hours"),
    };
    selection.coverage = if golden.is_empty() { 0.0 } else { selection.golden.len() as f64 / golden.len() as f64 };
    selection
}

fn placed(at: usize, id: i64) -> Placed {
    Placed { at, id, stratum: 0, block: 0 }
}

fn all(windows: &[(usize, i64)]) -> Vec<Placed> {
    windows.iter().map(|&(at, id)| placed(at, id)).collect()
}

fn common(own: &[(usize, i64)], other: &[(usize, i64)]) -> Vec<Placed> {
    let mut out = all(own);
    out.retain(|p| other.binary_search_by_key(&p.id, |&(_, id)| id).is_ok());
    out
}

fn whole(golden: Vec<Placed>, candidate: Vec<Placed>, design: Design, stratum: &'static str) -> Selection {
    Selection { golden, candidate, design, stratum, coverage: 0.0 }
}

/// Labels windows by the half hour of the day. Labels with fewer than twelve windows on a side are joined to the neighbour
/// nearest in time. Where less than half of the smaller side finds as many windows of the same half hours on the other, the
/// laws are compared as they are: a second of overlap must not stand for both captures.
fn strata(
    mut golden: Vec<Placed>,
    mut candidate: Vec<Placed>,
    window_ns: i64,
    design: Design,
    stratum: &'static str,
) -> Selection {
    let label = |p: &Placed| half_hour_of_day(p.id, window_ns);
    let count = |side: &[Placed]| {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for p in side {
            *counts.entry(label(p)).or_default() += 1;
        }
        counts
    };
    let (golden_counts, candidate_counts) = (count(&golden), count(&candidate));
    let shared: Vec<(u32, usize)> = golden_counts
        .iter()
        .filter_map(|(label, &g)| candidate_counts.get(label).map(|&c| (*label, g.min(c))))
        .collect();
    let matched: usize = shared.iter().map(|(_, n)| n).sum();
    if 2 * matched < golden.len().min(candidate.len()) || shared.is_empty() {
        // Labels of a side's own, so that nothing is shared and nothing is dropped: pooled laws, noise by day and half hour.
        for (side, counts, base) in [(&mut golden, &golden_counts, 0), (&mut candidate, &candidate_counts, 48)] {
            let group = join_small(&counts.iter().map(|(&label, &n)| (label, n)).collect::<Vec<_>>());
            for p in side.iter_mut() {
                p.stratum = base + group.get(&label(p)).copied().unwrap_or(0);
                p.block = day(p.id, window_ns);
            }
        }
        return whole(golden, candidate, design, "unmatched");
    }
    let group = join_small(&shared);
    for side in [&mut golden, &mut candidate] {
        side.retain(|p| group.contains_key(&label(p)));
        for p in side.iter_mut() {
            p.stratum = group.get(&half_hour_of_day(p.id, window_ns)).copied().unwrap_or(0);
            p.block = day(p.id, window_ns);
        }
    }
    whole(golden, candidate, design, stratum)
}

/// From (label, smaller number of windows), ascending labels, to the label each is judged under. The smallest group joins its
/// nearer neighbour until all have twelve windows or one group is left.
fn join_small(labels: &[(u32, usize)]) -> BTreeMap<u32, u32> {
    let mut groups: Vec<(Vec<u32>, usize)> = labels.iter().map(|&(label, n)| (vec![label], n)).collect();
    // Each round removes a group: at most 47 rounds.
    while groups.len() > 1 {
        let Some(small) = (0..groups.len()).filter(|&i| groups[i].1 < WINDOWS_MIN).min_by_key(|&i| (groups[i].1, i))
        else {
            break;
        };
        let first = |i: usize| groups[i].0.first().copied().unwrap_or(0);
        let last = |i: usize| groups[i].0.last().copied().unwrap_or(0);
        let before = small.checked_sub(1).map(|i| (first(small) - last(i), i));
        let after = Some(small + 1).filter(|&i| i < groups.len()).map(|i| (first(i) - last(small), i));
        let Some((_, into)) = before.into_iter().chain(after).min() else { break };
        let (left, right) = (small.min(into), small.max(into));
        let (labels, n) = groups.remove(right);
        groups[left].0.extend(labels);
        groups[left].1 += n;
    }
    let mut out = BTreeMap::new();
    for (labels, _) in groups {
        let name = labels.first().copied().unwrap_or(0);
        out.extend(labels.into_iter().map(|label| (label, name)));
    }
    out
}

/// The course of a day is told by cosines with half a period of so long, and by eight of them.
const COURSE_NS: i64 = 2700 * SECOND_NS;
const COURSE_MAX: usize = 8;
/// Share of a side's windows that lie in half hours which the other side covers, for the course of the day to be common to both.
const COMMON_HOURS: f64 = 0.9;

/// Slow cosines of each side that tell the course of the day and not its noise: those of sides that cover the same hours of one day
/// each.
pub(crate) fn slow_cosines(selection: &Selection, window_ns: i64) -> usize {
    if selection.design != Design::Independent {
        return 0;
    }
    let sides = [&selection.golden, &selection.candidate];
    let span = |side: &[Placed]| {
        let ends = side.first().zip(side.last());
        ends.map_or(0, |(a, b)| b.id.saturating_sub(a.id).saturating_add(1).saturating_mul(window_ns))
    };
    let hours = sides.map(|side| side.iter().map(|p| half_hour_of_day(p.id, window_ns)).collect::<BTreeSet<u32>>());
    let is_common = (0..2).all(|i| {
        let shared = sides[i].iter().filter(|p| hours[1 - i].contains(&half_hour_of_day(p.id, window_ns))).count();
        shared as f64 >= COMMON_HOURS * sides[i].len() as f64
    });
    let spans = sides.map(|side| span(side));
    let (shorter, longer) = (spans[0].min(spans[1]), spans[0].max(spans[1]));
    if !is_common || longer > DAY_NS {
        return 0;
    }
    usize::try_from(shorter / COURSE_NS).unwrap_or(0).min(COURSE_MAX)
}

/// Half hour of the UTC day, 0 to 47, in which a window starts.
pub(crate) fn half_hour_of_day(index: i64, window_ns: i64) -> u32 {
    let half_hour = index.saturating_mul(window_ns).div_euclid(HALF_HOUR_NS).rem_euclid(48);
    u32::try_from(half_hour).unwrap_or(0)
}

/// Days since the epoch, wrapped into u32.
fn day(index: i64, window_ns: i64) -> u32 {
    let day = index.saturating_mul(window_ns).div_euclid(DAY_NS).rem_euclid(i64::from(u32::MAX));
    u32::try_from(day).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW_NS: i64 = 10 * SECOND_NS;

    fn windows(from_s: i64, to_s: i64) -> Vec<(usize, i64)> {
        (from_s / 10..to_s / 10).enumerate().collect()
    }

    #[test]
    fn matched_half_hours_drop_what_the_other_side_lacks() {
        let golden = windows(0, 7200);
        let candidate = windows(86_400 + 1800, 86_400 + 5400);
        let s = select(&golden, &candidate, WINDOW_NS, false, Scope::TheseStretches);
        assert_eq!((s.design, s.stratum), (Design::Strata, "half-hours"));
        assert_eq!((s.golden.len(), s.candidate.len()), (360, 360));
        assert!((s.coverage - 0.5).abs() < 1e-12);
        let mut labels: Vec<_> = s.golden.iter().map(|p| (p.stratum, p.block)).collect();
        labels.dedup();
        assert_eq!(labels, [(1, 0), (2, 0)]);
        assert!(s.candidate.iter().all(|p| p.block == 1));
    }

    #[test]
    fn only_sides_of_the_same_hours_share_the_course_of_a_day() {
        let of = |golden: &[(usize, i64)], candidate: &[(usize, i64)]| {
            slow_cosines(&select(golden, candidate, WINDOW_NS, false, Scope::Population), WINDOW_NS)
        };
        let day = windows(36_000, 57_600);
        assert_eq!(of(&day, &windows(86_400 + 36_000, 86_400 + 57_600)), 8);
        assert_eq!(of(&windows(36_000, 43_200), &windows(86_400 + 36_000, 86_400 + 43_200)), 2);
        assert_eq!(of(&day, &windows(86_400 + 36_000, 86_400 + 43_200)), 0, "a day and its morning");
        assert_eq!(of(&windows(36_000, 46_800), &windows(46_800, 57_600)), 0, "two halves");
        assert_eq!(of(&windows(0, 2 * 86_400), &windows(0, 2 * 86_400)), 0, "two days");
        let strata = select(&day, &day, WINDOW_NS, false, Scope::TheseStretches);
        assert_eq!(slow_cosines(&strata, WINDOW_NS), 0);
    }

    #[test]
    fn small_strata_join_their_nearer_neighbour() {
        let group = join_small(&[(3, 100), (4, 5), (9, 11), (10, 12), (40, 2)]);
        assert_eq!(group, [(3, 3), (4, 3), (9, 9), (10, 9), (40, 9)].into());
        assert_eq!(join_small(&[(7, 1)]), [(7, 7)].into());
    }

    #[test]
    fn without_a_common_half_hour_the_laws_are_compared_unmatched() {
        let s = select(&windows(0, 1800), &windows(3600, 5400), WINDOW_NS, false, Scope::TheseStretches);
        assert_eq!((s.stratum, s.golden.len(), s.candidate.len()), ("unmatched", 180, 180));
        assert!(s.golden.iter().all(|a| s.candidate.iter().all(|b| a.stratum != b.stratum)));
    }

    #[test]
    fn a_sliver_of_overlap_does_not_stand_for_both_captures() {
        let s = select(&windows(0, 1820), &windows(1800, 3600), WINDOW_NS, false, Scope::TheseStretches);
        assert_eq!((s.stratum, s.golden.len(), s.candidate.len()), ("unmatched", 182, 180));
        let day_against_its_part =
            select(&windows(0, 86_400), &windows(3600, 5400), WINDOW_NS, false, Scope::TheseStretches);
        assert_eq!((day_against_its_part.stratum, day_against_its_part.golden.len()), ("half-hours", 180));
    }

    #[test]
    fn pairs_are_the_windows_of_both_sides() {
        let at = |ids: &[i64]| ids.iter().copied().enumerate().collect::<Vec<_>>();
        let s = select(&at(&[1, 2, 3, 5]), &at(&[2, 3, 4, 5]), WINDOW_NS, true, Scope::TheseStretches);
        let ids = |side: &[Placed]| side.iter().map(|p| (p.at, p.id)).collect::<Vec<_>>();
        assert_eq!((ids(&s.golden), ids(&s.candidate)), (vec![(1, 2), (2, 3), (3, 5)], vec![(0, 2), (1, 3), (3, 5)]));
        assert!((s.coverage - 0.75).abs() < 1e-12);
        assert_eq!(s.design, Design::PairedStrata);
        let s = select(&at(&[1, 2]), &at(&[1, 2]), WINDOW_NS, true, Scope::Population);
        assert_eq!(s.design, Design::Paired);
    }
}
