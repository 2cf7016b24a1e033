//! What was judged before is recalled as it was, and nothing else is.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::sync::Mutex;

use common::{PLAN, Plan, SUITE, judged, side};
use verismo_judge::digest::Digest;
use verismo_judge::{
    JudgeOptions, Judgement, Known, Lacking, Recall, Series, SeriesWindows, SideStates, judge, judge_recalling,
};
use verismo_suite::Suite;
use verismo_suite::report::Side;
use verismo_suite::suite::{Multiplicity, Pairing};

/// What is kept of each pair of streams.
type Kept = BTreeMap<Digest, Vec<(Digest, Vec<u8>)>>;
type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

/// A place in memory.
#[derive(Default)]
struct Place(Mutex<Kept>);

impl Recall for Place {
    fn of_pair(&self, pair: &Digest) -> Vec<(Digest, Vec<u8>)> {
        self.0.lock().unwrap().get(pair).cloned().unwrap_or_default()
    }

    fn keep(&self, pair: &Digest, judged: Vec<(Digest, Vec<u8>)>) {
        self.0.lock().unwrap().entry(*pair).or_default().extend(judged);
    }
}

impl Place {
    /// Judges with this place and without it, which must come to the same; how many observables were recalled.
    /// It is the same where states are at hand, and where they are read as they are wanted: exactly those that are judged.
    fn recalled(&self, golden: &SideStates, candidate: &SideStates, suite: &Suite) -> u64 {
        let apart = Place(Mutex::new(self.0.lock().unwrap().clone()));
        let (with, read) = apart.judged_unread([golden, candidate], suite);
        let mut sides = [golden.clone(), candidate.clone()];
        let at_hand = judge_recalling(each(&mut sides), suite, &JudgeOptions::default(), self, |_, lacking| {
            Err(format!("{lacking:?}"))
        });
        assert_eq!(format!("{:?}", at_hand.unwrap()), format!("{with:?}"));
        let judged_ids = with.observables[0] - with.observables[1];
        assert_eq!(read.len() as u64, 2 * judged_ids, "{read:?}");
        let without = judged(golden, candidate, suite);
        let [all, recalled] = with.observables;
        assert_eq!(all, 4);
        assert_eq!(format!("{:?}", Judgement { observables: without.observables, ..with }), format!("{without:?}"));
        recalled
    }

    /// Judges sides of which digests alone are known at first; with it what was read, by side and observable.
    fn judged_unread(&self, sides: [&SideStates; 2], suite: &Suite) -> (Judgement, Vec<(Side, String)>) {
        let mut unread = sides.map(without_states);
        let mut all = Vec::new();
        let judged = judge_recalling(each(&mut unread), suite, &JudgeOptions::default(), self, |own, lacking| {
            for Lacking { side, stream, observables } in lacking {
                let n = usize::from(*side == Side::Candidate);
                for id in observables {
                    let series = sides[n].streams[*stream].series[id].clone();
                    assert!(own[n].streams[*stream].series.insert(id.clone(), series).is_none(), "{id} is read once");
                    all.push((*side, id.clone()));
                }
            }
            Ok::<(), ()>(())
        });
        all.sort();
        (judged.unwrap(), all)
    }
}

fn each(sides: &mut [SideStates; 2]) -> [&mut SideStates; 2] {
    let [golden, candidate] = sides;
    [golden, candidate]
}

/// The side as it is known where nothing was read.
fn without_states(side: &SideStates) -> SideStates {
    let mut side = side.clone();
    for stream in &mut side.streams {
        let ids: Vec<String> = stream.series.keys().cloned().collect();
        stream.known = ids.into_iter().map(|id| (id.clone(), Known::of(stream, &id).unwrap())).collect();
        stream.series.clear();
    }
    side
}

#[test]
fn nothing_changed_and_nothing_is_judged() {
    let suite = Suite::parse(SUITE).unwrap();
    let golden = side(PLAN);
    for candidate in [side(PLAN), side(Plan { seed: 2, ..PLAN }), side(Plan { seed: 3, windows: 4, ..PLAN })] {
        let place = Place::default();
        assert_eq!(place.recalled(&golden, &candidate, &suite), 0);
        assert_eq!(place.recalled(&golden, &candidate, &suite), 4);
    }
}

#[test]
fn only_what_changed_is_judged_again() {
    let suite = Suite::parse(SUITE).unwrap();
    let (golden, candidate) = (side(PLAN), side(Plan { seed: 2, shift: 0.2, ..PLAN }));
    let place = Place::default();
    place.recalled(&golden, &candidate, &suite);
    let with = |change: &dyn Fn(&mut Suite)| {
        let mut changed = suite.clone();
        change(&mut changed);
        place.recalled(&golden, &candidate, &changed)
    };
    // Of the suite.
    let margin = |suite: &mut Suite| suite.observables[0].margins.values_mut().for_each(|margin| *margin *= 1.5);
    assert_eq!(with(&margin), 3, "a margin");
    assert_eq!(with(&margin), 4, "the same margin again");
    assert_eq!(with(&|suite| suite.multiplicity = Multiplicity::By), 4, "verdicts are made of what is recalled");
    assert_eq!(with(&|suite| suite.name = "another".to_owned()), 4);
    assert_eq!(
        with(&|suite| suite.checks.values_mut().for_each(|limit| limit.max_count = Some(1))),
        4,
        "limits of checks"
    );
    assert_eq!(with(&|suite| suite.alpha = 0.01), 0, "the error rate");
    assert_eq!(with(&|suite| suite.scope = verismo_suite::suite::Scope::Population), 0, "the scope");
    assert_eq!(with(&|suite| suite.replicates *= 3), 0, "replicates");
    assert_eq!(with(&|suite| suite.warmup_ns += 1), 0, "the warm-up");
    let apart = Suite { pairing: Pairing::Distributional, ..suite.clone() };
    assert_eq!(place.recalled(&golden, &golden, &suite), 0);
    assert_eq!(place.recalled(&golden, &golden, &apart), 0, "the same windows, or the same laws");
    // Of the states.
    let mut changed = candidate.clone();
    let other = side(Plan { seed: 9, ..PLAN });
    let series = other.streams[0].series["trade_size"].clone();
    changed.streams[0].series.insert("trade_size".to_owned(), series);
    assert_eq!(place.recalled(&golden, &changed, &suite), 3, "one observable");
    assert_eq!(place.recalled(&changed, &golden, &suite), 0, "the sides are not the same");
    let mut later = candidate.clone();
    later.streams[0].price_tick *= 10;
    assert_eq!(place.recalled(&golden, &later, &suite), 0, "the tick in which values are shown");
    assert_eq!(place.recalled(&golden, &candidate, &suite), 4, "and as it was");
}

/// What is seen in few windows is judged by their share of all, those of other observables too.
#[test]
fn what_is_rare_depends_on_the_windows_of_all() {
    let suite = Suite::parse(SUITE).unwrap();
    let rare = |plan: Plan, windows: &[usize]| {
        let mut side = side(plan);
        let stream = &mut side.streams[0];
        let SeriesWindows::Cells(all) = &stream.series["trade_size"].windows else { panic!("cells") };
        let few = windows.iter().map(|w| all[*w].clone()).collect();
        let series = stream.series.get_mut("trade_size").unwrap();
        *series = Series { windows: SeriesWindows::Cells(few), ..series.clone() };
        side
    };
    let golden = rare(PLAN, &(0..100).collect::<Vec<_>>());
    let candidate = rare(Plan { seed: 2, ..PLAN }, &[1, 2, 3]);
    let place = Place::default();
    assert_eq!(place.recalled(&golden, &candidate, &suite), 0);
    assert_eq!(place.recalled(&golden, &candidate, &suite), 4);
    // Another observable loses a window at one end and wins one at the other: the most windows of any are as many as before.
    let mut moved = candidate.clone();
    for id in ["mid_log_return_1s", "event_count_1s"] {
        let SeriesWindows::Cells(windows) = &mut moved.streams[0].series.get_mut(id).unwrap().windows else {
            panic!("cells")
        };
        windows.last_mut().unwrap().0 += 40;
    }
    assert_eq!(place.recalled(&golden, &moved, &suite), 0);
}

#[test]
fn strata_depend_on_how_time_is_divided() {
    let text = format!("{SUITE}strata: {{by: [hour]}}\n");
    let suite = Suite::parse(&text).unwrap();
    let (golden, candidate) = (side(PLAN), side(Plan { seed: 2, ..PLAN }));
    let place = Place::default();
    assert_eq!(place.recalled(&golden, &candidate, &suite), 0);
    assert_eq!(place.recalled(&golden, &candidate, &suite), 4);
    let corrected = Suite { multiplicity: Multiplicity::By, ..suite.clone() };
    assert_eq!(place.recalled(&golden, &candidate, &corrected), 0, "the worst stratum is found after the correction");
}

#[test]
fn what_is_damaged_is_judged_again() {
    let suite = Suite::parse(SUITE).unwrap();
    let (golden, candidate) = (side(PLAN), side(Plan { seed: 2, ..PLAN }));
    let place = Place::default();
    place.recalled(&golden, &candidate, &suite);
    let whole = place.0.lock().unwrap().clone();
    let damages: [Damage<'_>; 4] = [
        &|bytes| bytes.clear(),
        &|bytes| bytes.truncate(bytes.len() / 2),
        &|bytes| *bytes = b"{\"findings\": [], \"open\": [], \"picture\": null}".to_vec(),
        &|bytes| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            *bytes = text.replacen("\"open\":[[", "\"open\":[[7,", 1).into_bytes();
        },
    ];
    for damage in damages {
        let mut damaged = whole.clone();
        damaged.values_mut().flatten().for_each(|(_, bytes)| damage(bytes));
        let place = Place(Mutex::new(damaged));
        assert_eq!(place.recalled(&golden, &candidate, &suite), 0);
    }
}

/// Windows that are rolled up, or that tell strata, have to be at hand; those that tell whether the sides are aligned are compared once.
#[test]
fn what_is_needed_before_anything_is_recalled_is_read() {
    let plain = Suite::parse(SUITE).unwrap();
    let by_volatility = Suite::parse(&format!("{SUITE}strata: {{by: [volatility]}}\n")).unwrap();
    let (golden, candidate) = (side(PLAN), side(Plan { seed: 2, ..PLAN }));
    let mut finer = candidate.clone();
    finer.streams[0].roll_up(2 * candidate.streams[0].window_ns).unwrap();
    let mut nameless = [golden.clone(), candidate.clone()];
    for side in &mut nameless {
        let ids = verismo_stats::sample::IdSample::new(1);
        (side.streams[0].trade_ids, side.streams[0].book_ids) = (ids.clone(), ids);
    }
    let all = golden.streams[0].series.len();
    // Nothing but their windows says that these are one market.
    let twin = nameless[0].clone();
    let cases: [(&SideStates, &SideStates, &Suite, usize); 5] = [
        (&nameless[0], &twin, &plain, 0),
        (&golden, &candidate, &plain, 0),
        (&golden, &finer, &plain, 2 * all),
        (&nameless[0], &nameless[1], &plain, 0),
        (&golden, &candidate, &by_volatility, 2),
    ];
    for (i, (golden, candidate, suite, n)) in cases.into_iter().enumerate() {
        let place = Place::default();
        let expected = format!("{:?}", judge(golden, candidate, suite, &JudgeOptions::default()).findings);
        for read_at_least in [2 * all, n] {
            let (judged, read) = place.judged_unread([golden, candidate], suite);
            assert_eq!((read.len(), format!("{:?}", judged.findings)), (read_at_least, expected.clone()), "case {i}");
        }
    }
}

/// States that nobody read are an error, never a verdict.
#[test]
fn states_that_are_not_at_hand_are_not_judged() {
    let suite = Suite::parse(SUITE).unwrap();
    let unread = without_states(&side(PLAN));
    let judged = judge(&unread, &side(PLAN), &suite, &JudgeOptions::default());
    assert!(judged.findings.iter().all(|f| f.verdict == verismo_suite::verdict::FindingVerdict::Error));
    assert!(judged.findings[0].reason.contains("not read"), "{}", judged.findings[0].reason);
    assert_eq!(judged.golden_digest, judge(&side(PLAN), &side(PLAN), &suite, &JudgeOptions::default()).golden_digest);
}
