//! Samples and sets of ids against sets kept by hand.
#![allow(clippy::unwrap_used, missing_docs)]

use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use verismo_stats::sample::{IdRuns, IdSample, Inserted, mix64};
use verismo_stats::state::{Carry, Reader, State, laws};

fn sample(capacity: u32, events: &[(i64, i64, u64)]) -> IdSample {
    let mut sample = IdSample::new(capacity);
    events.iter().for_each(|&(id, time_ns, content)| sample.push(id, time_ns, content));
    sample
}

fn events() -> impl Strategy<Value = Vec<(i64, i64, u64)>> {
    vec((0..200_i64, 0..10_i64, 0..3_u64), 0..150)
}

/// The smallest payload of every id.
fn payloads(events: &[(i64, i64, u64)]) -> BTreeMap<i64, (i64, u64)> {
    let mut payloads: BTreeMap<i64, (i64, u64)> = BTreeMap::new();
    for &(id, time_ns, content) in events {
        let own = payloads.entry(id).or_insert((time_ns, content));
        *own = (*own).min((time_ns, content));
    }
    payloads
}

proptest! {
    #[test]
    fn the_sample_is_the_ids_of_smallest_hash(events in events(), capacity in 1..40_u32) {
        let sample = sample(capacity, &events);
        let ids: BTreeSet<i64> = events.iter().map(|event| event.0).collect();
        let mut ranked: Vec<i64> = ids.into_iter().collect();
        ranked.sort_by_key(|&id| mix64(id as u64));
        ranked.truncate(capacity as usize);
        prop_assert_eq!(sample.count(), ranked.len() as u64);
        let conflicting = ranked.iter().filter(|&&id| {
            let seen: BTreeSet<_> = events.iter().filter(|event| event.0 == id).map(|event| (event.1, event.2)).collect();
            seen.len() > 1
        });
        prop_assert_eq!(sample.conflicts(), conflicting.count() as u64);
        // An equal sample agrees with itself on all it holds: the ids are those, not just their number.
        let only_these: Vec<_> = events.iter().copied().filter(|event| ranked.contains(&event.0)).collect();
        laws::assert_same(&self::sample(capacity, &only_these), &sample, "the rest of the ids leaves no trace");
    }

    #[test]
    fn agreement_is_that_of_the_ids_below_both_thresholds(
        left in events(), right in events(), capacities in (1..60_u32, 1..60_u32), range in (0..10_i64, 0..10_i64),
    ) {
        let (a, b) = (sample(capacities.0, &left), sample(capacities.1, &right));
        let got = a.agreement(&b, range.0..=range.1);
        let (left, right) = (payloads(&left), payloads(&right));
        let threshold = |ids: &BTreeMap<i64, (i64, u64)>, capacity: u32| {
            let mut hashes: Vec<u64> = ids.keys().map(|&id| mix64(id as u64)).collect();
            hashes.sort_unstable();
            hashes.get(capacity as usize - 1).copied().unwrap_or(u64::MAX)
        };
        let limit = threshold(&left, capacities.0).min(threshold(&right, capacities.1));
        let in_range = |time_ns: i64| (range.0..=range.1).contains(&time_ns);
        let visible = |ids: &BTreeMap<i64, (i64, u64)>| -> Vec<(i64, (i64, u64))> {
            ids.iter().filter(|&(&id, own)| mix64(id as u64) <= limit && in_range(own.0)).map(|(&id, &own)| (id, own)).collect()
        };
        let common: Vec<_> = visible(&left).into_iter().filter_map(|(id, own)| Some((own, *right.get(&id)?))).collect();
        let count = |test: &dyn Fn((i64, u64), (i64, u64)) -> bool| common.iter().filter(|&&(a, b)| test(a, b)).count() as u64;
        prop_assert_eq!(got.common, common.len() as u64);
        prop_assert_eq!(got.same_time, count(&|a, b| a.0 == b.0));
        prop_assert_eq!(got.same_content, count(&|a, b| a.1 == b.1));
        prop_assert_eq!(got.same_both, count(&|a, b| a == b));
        prop_assert_eq!(got.only_self_in_range, visible(&left).iter().filter(|(id, _)| !right.contains_key(id)).count() as u64);
        prop_assert_eq!(got.only_other_in_range, visible(&right).iter().filter(|(id, _)| !left.contains_key(id)).count() as u64);
    }

    #[test]
    fn runs_are_the_set_of_ids(ids in vec(prop_oneof![0..60_i64, i64::MAX - 2..=i64::MAX, i64::MIN..i64::MIN + 2], 0..80)) {
        let mut runs = IdRuns::new(100);
        let mut set = BTreeSet::new();
        for &id in &ids {
            let want = if set.insert(id) { Inserted::New } else { Inserted::Duplicate };
            prop_assert_eq!(runs.insert(id), want);
        }
        prop_assert_eq!(runs.n_distinct(), Some(set.len() as u64));
        prop_assert_eq!(runs.n_duplicates(), Some((ids.len() - set.len()) as u64));
        prop_assert_eq!(runs.span(), set.first().copied().zip(set.last().copied()));
        let held: Vec<i64> = runs.runs().iter().flat_map(|&(first, last)| first..=last).collect();
        prop_assert_eq!(held, set.iter().copied().collect::<Vec<_>>());
        prop_assert!(runs.runs().windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "runs are maximal");
        let width = set.last().zip(set.first()).map_or(0, |(&last, &first)| i128::from(last) - i128::from(first) + 1);
        prop_assert_eq!(i128::from(runs.n_missing().unwrap()), width - set.len() as i128);
    }
}

/// The same through bytes.
fn carried<T: Carry>(value: &T, mut into: T) -> T {
    let mut bytes = Vec::new();
    value.save(&mut bytes);
    let mut input = Reader::new("test", &bytes);
    into.load(&mut input).unwrap();
    input.finish().unwrap();
    into
}

proptest! {
    /// A piece keeps only what can still enter, and so may pieces that were taken after other ones, as long as they took enough.
    #[test]
    fn samples_of_pieces_add_up_to_that_of_all(
        pieces in vec(vec((0..300_i64, 0..4_i64, 0..2_u64), 0..40), 1..6),
        others in vec((0..300_i64, 0..4_i64, 0..2_u64), 0..60),
        capacity in 1..30_u32,
    ) {
        let all: Vec<_> = pieces.iter().flatten().copied().collect();
        let mut history = IdSample::new(capacity);
        for (i, piece) in pieces.iter().enumerate() {
            let continuation = |history: &IdSample| {
                let mut part = history.continuation();
                piece.iter().for_each(|&(id, time_ns, content)| part.push(id, time_ns, content));
                carried(&part, IdSample::new(1))
            };
            let mut part = continuation(&history);
            prop_assert!(history.takes(&part));
            let elsewhere = continuation(&sample(capacity, &others));
            if history.takes(&elsewhere) {
                part = elsewhere;
            }
            history.merge(&part).unwrap();
            let so_far: Vec<_> = pieces[..=i].iter().flatten().copied().collect();
            laws::assert_same(&history, &sample(capacity, &so_far), "so far");
            prop_assert!(history.is_complete());
        }
        laws::assert_same(&history, &sample(capacity, &all), "at the end");
    }

    #[test]
    fn what_was_added_since_adds_up(
        before in vec(prop_oneof![0..60_i64, i64::MAX - 2..=i64::MAX, i64::MIN..i64::MIN + 2], 0..60),
        after in vec(prop_oneof![0..60_i64, i64::MAX - 2..=i64::MAX, i64::MIN..i64::MIN + 2], 0..60),
        runs_max in 1..40_u32,
    ) {
        let mut earlier = IdRuns::new(runs_max);
        before.iter().for_each(|id| _ = earlier.insert(*id));
        let mut all = earlier.clone();
        let new: BTreeSet<i64> = after.iter().copied().filter(|id| all.insert(*id) == Inserted::New).collect();
        let since = all.since(&earlier);
        prop_assert_eq!(since.count(), after.len() as u64);
        if !all.is_saturated() {
            let held: Vec<i64> = since.runs().iter().flat_map(|&(first, last)| first..=last).collect();
            prop_assert_eq!(held, new.into_iter().collect::<Vec<_>>());
            if since.runs().len() <= runs_max as usize {
                laws::assert_same(&carried(&since, IdRuns::new(1)), &since, "through bytes");
            }
        }
        earlier.merge(&since).unwrap();
        laws::assert_same(&earlier, &all, "added up");
    }
}

#[test]
fn mix64_is_the_published_function() {
    // First outputs of SplitMix64 seeded with 0: the finaliser of multiples of the golden gamma.
    let gamma = 0x9e37_79b9_7f4a_7c15_u64;
    let outputs = [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f];
    for (k, want) in (1..).zip(outputs) {
        assert_eq!(mix64(gamma.wrapping_mul(k)), want);
    }
}

#[test]
fn a_full_sample_estimates_shares() {
    // The second stream lacks every tenth id and shifts the time of every fifth.
    let id = |i: i64| 1_000_000 + 3 * i;
    let (mut a, mut b) = (IdSample::new(4096), IdSample::new(4096));
    for i in 0..100_000 {
        a.push(id(i), i, 7);
        if i % 10 != 0 {
            b.push(id(i), i + i64::from(i % 5 == 1), 7);
        }
    }
    let agreement = a.agreement(&b, 0..=i64::MAX);
    let share = |part: u64, whole: u64| part as f64 / whole as f64;
    let missing = share(agreement.only_self_in_range, agreement.common + agreement.only_self_in_range);
    assert!((missing - 0.1).abs() < 0.02, "{agreement:?}");
    let moved = 1.0 - share(agreement.same_time, agreement.common);
    assert!((moved - 2.0 / 9.0).abs() < 0.03, "{agreement:?}");
    assert_eq!((agreement.only_other_in_range, agreement.same_content), (0, agreement.common));
    assert!(agreement.common > 3000, "{agreement:?}");
}

#[test]
fn saturation_is_said_not_guessed() {
    let mut runs = IdRuns::new(3);
    for id in [0, 2, 4] {
        assert_eq!(runs.insert(id), Inserted::New);
    }
    assert!(!runs.is_saturated());
    assert_eq!(runs.insert(8), Inserted::New);
    assert!(runs.is_saturated());
    assert_eq!(runs.insert(8), Inserted::Unknown);
    assert_eq!((runs.n_distinct(), runs.n_duplicates(), runs.n_missing()), (None, None, None));
    assert_eq!((runs.count(), runs.span()), (5, Some((0, 8))));
    assert!(runs.runs().is_empty() && runs.gaps().next().is_none());
}

#[test]
fn gaps_are_the_missing_ids() {
    let mut runs = IdRuns::new(10);
    for id in [5, 6, 9, 20] {
        runs.insert(id);
    }
    assert_eq!(runs.gaps().collect::<Vec<_>>(), [(7, 8), (10, 19)]);
    assert_eq!(runs.n_missing(), Some(12));
}
