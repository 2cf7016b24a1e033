//! Few things out of many without which something is enough: greedy, not proven smallest.

use std::collections::BTreeSet;

/// Asks whether what is left, without these, is enough; `None` where nobody may ask any more.
pub(super) trait Ask<T> {
    fn is_enough(&mut self, without: &BTreeSet<T>) -> Option<bool>;
}

impl<T, F: FnMut(&BTreeSet<T>) -> Option<bool>> Ask<T> for F {
    fn is_enough(&mut self, without: &BTreeSet<T>) -> Option<bool> {
        self(without)
    }
}

/// A set without which it is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set<T> {
    pub(super) without: BTreeSet<T>,
    /// Whether each single one was tried to be put back, and is needed.
    pub(super) is_irreducible: bool,
}

/// Takes away twice as many at a time, each time those that `rank` puts first of what is left, until it is enough; halves the last step; puts
/// back what is not needed. At most `most` are taken away. `None` where that is not enough, or asking came to its end before.
pub(super) fn greedy<T: Ord + Clone>(
    mut rank: impl FnMut(&BTreeSet<T>) -> Vec<T>,
    ask: &mut impl Ask<T>,
    most: usize,
) -> Option<Set<T>> {
    let mut without: BTreeSet<T> = BTreeSet::new();
    // Every turn takes away one at least.
    while without.len() < most {
        let step = without.len().max(1).min(most - without.len());
        let taken: Vec<T> = rank(&without).into_iter().filter(|one| !without.contains(one)).take(step).collect();
        if taken.is_empty() {
            return None;
        }
        let with = |n: usize| without.iter().chain(&taken[..n]).cloned().collect::<BTreeSet<T>>();
        let all = with(taken.len());
        if ask.is_enough(&all)? {
            let first = first_enough(taken.len(), &mut |n| ask.is_enough(&with(n)));
            let enough = with(first);
            return Some(shrink(enough, ask));
        }
        without = all;
    }
    None
}

/// The shortest run of neighbours, of which `scores` are given in order, that is enough where runs of each length are those with the largest
/// sum; as long as asking goes on, and at most `most` long.
pub(super) fn stretch<T: Ord + Clone>(scores: &[(T, f64)], ask: &mut impl Ask<T>, most: usize) -> Option<Set<T>> {
    let best = |length: usize| -> BTreeSet<T> {
        let (mut best, mut best_sum) = (0, f64::NEG_INFINITY);
        let mut sum: f64 = scores.iter().take(length).map(|(_, score)| score).sum();
        for start in 0..=scores.len() - length {
            if start > 0 {
                sum += scores[start + length - 1].1 - scores[start - 1].1;
            }
            if sum > best_sum {
                (best, best_sum) = (start, sum);
            }
        }
        scores[best..best + length].iter().map(|(one, _)| one.clone()).collect()
    };
    let most = most.min(scores.len());
    let mut length = 1;
    let mut too_short = 0;
    loop {
        if most == 0 {
            return None;
        }
        if ask.is_enough(&best(length))? {
            break;
        }
        if length == most {
            return None;
        }
        too_short = length;
        length = (2 * length).min(most);
    }
    let more = first_enough(length - too_short, &mut |n| ask.is_enough(&best(too_short + n)));
    let mut run: Vec<T> = best(too_short + more).into_iter().collect();
    // Its ends may be longer than they need to be.
    let without = |part: &[T]| part.iter().cloned().collect::<BTreeSet<T>>();
    let left = first_enough(run.len(), &mut |n| ask.is_enough(&without(&run[run.len() - n..])));
    run.drain(..run.len() - left);
    let right = first_enough(run.len(), &mut |n| ask.is_enough(&without(&run[..n])));
    run.truncate(right);
    Some(Set { without: without(&run), is_irreducible: false })
}

/// The smallest number from 1 to `most` that is enough, where `most` is known to be and more is never less; a larger one that is enough where
/// asking came to its end.
fn first_enough(most: usize, is_enough: &mut dyn FnMut(usize) -> Option<bool>) -> usize {
    let (mut too_few, mut enough) = (0, most);
    // Every turn halves what lies between.
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        match is_enough(middle) {
            Some(true) => enough = middle,
            Some(false) => too_few = middle,
            None => break,
        }
    }
    enough
}

/// Puts back what is not needed: halves, then quarters, at last one at a time, until nothing can be put back or asking came to its end.
fn shrink<T: Ord + Clone>(mut without: BTreeSet<T>, ask: &mut impl Ask<T>) -> Set<T> {
    let mut size = without.len().div_ceil(2);
    // Every turn puts something back, or halves the size.
    while without.len() > 1 {
        let all: Vec<T> = without.iter().cloned().collect();
        let mut is_smaller = false;
        for part in all.chunks(size) {
            let fewer: BTreeSet<T> = without.iter().filter(|one| !part.contains(one)).cloned().collect();
            if fewer.is_empty() || fewer.len() == without.len() {
                continue;
            }
            match ask.is_enough(&fewer) {
                Some(true) => (without, is_smaller) = (fewer, true),
                Some(false) => {}
                None => return Set { without, is_irreducible: false },
            }
        }
        match (is_smaller, size) {
            (false, 1) => break,
            (false, _) => size = size.div_ceil(2),
            (true, _) => size = size.min(without.len().div_ceil(2)).max(1),
        }
    }
    Set { without, is_irreducible: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enough without at least `needed` of the bad ones.
    fn asker(bad: BTreeSet<u32>, needed: usize, tries: &mut usize) -> impl FnMut(&BTreeSet<u32>) -> Option<bool> {
        move |without| {
            *tries = tries.checked_sub(1)?;
            Some(without.intersection(&bad).count() >= needed)
        }
    }

    fn order(bad: &BTreeSet<u32>, n: u32, is_good: bool) -> Vec<u32> {
        let (mut first, rest): (Vec<u32>, Vec<u32>) = (0..n).partition(|i| bad.contains(i) == is_good);
        first.extend(rest);
        first
    }

    #[test]
    fn what_is_needed_is_found_and_nothing_else() {
        for bad in [BTreeSet::from([7]), (40..53).collect(), BTreeSet::from([3, 50, 99])] {
            for needed in [1, bad.len()] {
                let mut tries = 200;
                let all = order(&bad, 100, true);
                let found = greedy(|_| all.clone(), &mut asker(bad.clone(), needed, &mut tries), 50).unwrap();
                assert_eq!(found.without.len(), needed, "{bad:?}: {found:?}");
                assert!(found.is_irreducible && found.without.is_subset(&bad));
            }
        }
    }

    #[test]
    fn a_bad_order_costs_tries_and_limits_are_kept() {
        let bad = BTreeSet::from([1, 2]);
        let wrong = order(&bad, 40, false);
        let mut tries = 1_000;
        let found = greedy(|_| wrong.clone(), &mut asker(bad.clone(), 2, &mut tries), 40).unwrap();
        assert_eq!(found.without, bad, "the last two, and all before are put back");
        let mut tries = 1_000;
        assert_eq!(greedy(|_| wrong.clone(), &mut asker(bad.clone(), 2, &mut tries), 20), None, "too many");
        let mut tries = 3;
        assert_eq!(greedy(|_| wrong.clone(), &mut asker(bad.clone(), 2, &mut tries), 40), None, "too long");
        let mut tries = 8;
        let found = greedy(|_| wrong.clone(), &mut asker(bad.clone(), 2, &mut tries), 40).unwrap();
        assert!(!found.is_irreducible && bad.is_subset(&found.without), "enough, and not proven needed");
    }

    #[test]
    fn a_stretch_is_one() {
        let bad: BTreeSet<u32> = (20..29).collect();
        let scores: Vec<(u32, f64)> = (0..60).map(|i| (i, if bad.contains(&i) { 1.0 } else { 0.0 })).collect();
        for needed in [1, 5, 9] {
            let mut tries = 100;
            let found = stretch(&scores, &mut asker(bad.clone(), needed, &mut tries), 30).unwrap();
            let all: Vec<u32> = found.without.iter().copied().collect();
            assert_eq!(all.len(), needed);
            assert!(all.windows(2).all(|pair| pair[1] == pair[0] + 1) && found.without.is_subset(&bad));
        }
        let mut tries = 100;
        assert_eq!(stretch(&scores, &mut asker(bad.clone(), 9, &mut tries), 8), None);
        let mut tries = 100;
        assert_eq!(stretch::<u32>(&[], &mut asker(bad, 1, &mut tries), 8), None);
    }
}
