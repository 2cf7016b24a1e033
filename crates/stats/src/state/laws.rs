//! The laws of [`State`] as checks that panic with the broken law, for tests of this crate and of others.
//!
//! [`state_laws!`](crate::state_laws), [`group_laws!`](crate::group_laws) and
//! [`idempotence_laws!`](crate::idempotence_laws) turn them into property tests; the crate that uses them needs `proptest`
//! among its dev-dependencies.

use super::{Group, State};

/// Most bytes of an encoding that are truncated or flipped one by one; longer encodings are sampled at a stride.
const MUTATIONS_MAX: usize = 256;

/// The canonical bytes of a state.
#[must_use]
pub fn encoded<S: State>(state: &S) -> Vec<u8> {
    let mut out = Vec::new();
    state.encode(&mut out);
    out
}

/// Asserts that two states are equal and have equal bytes.
///
/// # Panics
/// When they differ; `law` is in the message.
pub fn assert_same<S: State>(left: &S, right: &S, law: &str) {
    let (a, b) = (encoded(left), encoded(right));
    assert!(a == b, "{}: {law}: encodings differ\n  left  {a:02x?}\n  right {b:02x?}", S::FORMAT);
    assert!(left == right, "{}: {law}: equal bytes, but PartialEq says they differ", S::FORMAT);
}

/// Merges `states` from left to right onto the first.
///
/// # Panics
/// When a merge fails or there is no state.
#[must_use]
pub fn merged<'a, S: State>(states: impl IntoIterator<Item = &'a S>) -> S {
    let mut states = states.into_iter();
    let mut sum = states.next().expect("at least one state to merge").clone();
    for state in states {
        sum.merge(state).expect("states of equal parameters merge");
    }
    sum
}

/// Merging partitions equals one pass, in any grouping and order.
///
/// # Panics
/// When the law is broken.
pub fn check_partitions<I: Clone, S: State>(parts: &[Vec<I>], order: &[usize], build: impl Fn(&[I]) -> S) {
    let whole = build(&parts.concat());
    let mut states: Vec<S> = parts.iter().map(|part| build(part)).collect();
    if states.is_empty() {
        states.push(build(&[]));
    }
    assert_same(&merged(&states), &whole, "parts merged from the left equal one pass");
    assert_same(&merged(states.iter().rev()), &whole, "parts merged in reverse order equal one pass");
    let from_the_right = states.iter().rev().cloned().reduce(|sum, state| merged([&state, &sum]));
    assert_same(&from_the_right.expect("not empty"), &whole, "parts merged from the right equal one pass");
    // `order` is any list of numbers: sorting by them is any permutation.
    let mut permuted: Vec<(usize, &S)> =
        states.iter().enumerate().map(|(i, s)| (order.get(i).copied().unwrap_or(i), s)).collect();
    permuted.sort_by_key(|&(rank, _)| rank);
    assert_same(&merged(permuted.into_iter().map(|(_, s)| s)), &whole, "parts merged in any order equal one pass");
    assert_same(&merged_pairwise(states), &whole, "parts merged as a tree equal one pass");
}

/// Merges neighbours until one state is left: at most 64 levels, since each halves the number.
fn merged_pairwise<S: State>(mut states: Vec<S>) -> S {
    for _ in 0..64 {
        if states.len() == 1 {
            break;
        }
        states = states.chunks(2).map(merged).collect();
    }
    states.swap_remove(0)
}

/// The empty state changes nothing, from either side.
///
/// # Panics
/// When the law is broken.
pub fn check_identity<S: State>(empty: &S, state: &S) {
    assert_eq!(empty.count(), 0, "{}: an empty state counts nothing", S::FORMAT);
    assert_same(&merged([empty, state]), state, "empty + state == state");
    assert_same(&merged([state, empty]), state, "state + empty == state");
}

/// Decoding inverts encoding; truncated and flipped bytes are refused or are the encoding of another state.
///
/// # Panics
/// When the law is broken.
pub fn check_encoding<S: State>(state: &S) {
    let bytes = encoded(state);
    let back = S::decode(&bytes).expect("an encoding decodes");
    assert_same(&back, state, "decode(encode(state)) == state");
    assert_eq!(back.count(), state.count(), "{}: the count survives", S::FORMAT);
    let stride = bytes.len().div_ceil(MUTATIONS_MAX).max(1);
    for at in (0..bytes.len()).step_by(stride) {
        check_bytes::<S>(&bytes[..at]);
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            check_bytes::<S>(&flipped);
        }
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(S::decode(&longer).is_err(), "{}: a byte after the end is refused", S::FORMAT);
}

/// Any bytes either fail to decode or are the one encoding of what they decode to.
///
/// # Panics
/// When the law is broken.
pub fn check_bytes<S: State>(bytes: &[u8]) {
    if let Ok(state) = S::decode(bytes) {
        let again = encoded(&state);
        assert!(again == bytes, "{}: {bytes:02x?} decodes but encodes as {again:02x?}", S::FORMAT);
    }
}

/// A merge that fails leaves the state as it was, from either side.
///
/// # Panics
/// When the merge succeeds or the state changes.
pub fn check_refusal<S: State>(state: &S, incompatible: &S) {
    for (left, right) in [(state, incompatible), (incompatible, state)] {
        let mut changed = left.clone();
        assert!(changed.merge(right).is_err(), "{}: incompatible states do not merge", S::FORMAT);
        assert_same(&changed, left, "a failed merge leaves the state unchanged");
    }
}

/// Subtraction inverts merging; subtracting what is not contained fails and changes nothing.
///
/// # Panics
/// When the law is broken.
pub fn check_group<S: Group>(empty: &S, a: &S, b: &S) {
    let mut sum = merged([a, b]);
    sum.subtract(b).expect("a part can be taken out");
    assert_same(&sum, a, "(a + b) - b == a");
    sum.subtract(a).expect("all can be taken out");
    assert_same(&sum, empty, "a - a == empty");
    if a.count() > 0 {
        assert!(sum.subtract(a).is_err(), "{}: more than all cannot be taken out", S::FORMAT);
        assert_same(&sum, empty, "a failed subtraction leaves the state unchanged");
    }
}

/// Merging a state with a part of itself changes nothing.
///
/// # Panics
/// When the law is broken.
pub fn check_idempotence<S: State>(a: &S, b: &S) {
    let sum = merged([a, b]);
    assert_same(&merged([&sum, a]), &sum, "(a + b) + a == a + b");
    assert_same(&merged([b, &sum]), &sum, "b + (a + b) == a + b");
}

/// Property tests of every law of [`State`] for one type.
///
/// `state_laws!(name, Type, parts, build, refuses: [states])` declares the test module `name`. `parts` is a proptest
/// strategy of `Vec<Vec<Item>>`, data shaped like the real ones; `build: fn(&[Item]) -> Type` makes a state of items, and
/// the empty state of none; `refuses` lists states with other parameters, which must not merge (often `[]`).
#[macro_export]
macro_rules! state_laws {
    ($name:ident, $state:ty, $parts:expr, $build:expr, refuses: [$($other:expr),* $(,)?]) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            use $crate::state::{State as _, laws};
            use proptest::prelude::{Strategy as _, any};
            use proptest::collection::vec;

            proptest::proptest! {
                #[test]
                fn merging_partitions_equals_one_pass(parts in $parts, order in vec(any::<usize>(), 8)) {
                    laws::check_partitions(&parts, &order, $build);
                }

                #[test]
                fn empty_is_the_identity(state in ($parts).prop_map(|parts| ($build)(&parts.concat()))) {
                    laws::check_identity(&($build)(&[]), &state);
                }

                #[test]
                fn encoding_is_exact_and_canonical(state in ($parts).prop_map(|parts| ($build)(&parts.concat()))) {
                    laws::check_encoding::<$state>(&state);
                }

                #[test]
                fn decode_is_total(bytes in vec(any::<u8>(), 0..96)) {
                    laws::check_bytes::<$state>(&bytes);
                }

                #[test]
                fn a_failed_merge_changes_nothing(state in ($parts).prop_map(|parts| ($build)(&parts.concat()))) {
                    $(laws::check_refusal::<$state>(&state, &$other);)*
                    proptest::prop_assert_eq!(state.clone().merge(&state.clone()).is_ok(), true);
                }
            }
        }
    };
}

/// Property tests of the laws of [`Group`]; the arguments are those of [`state_laws!`](crate::state_laws).
#[macro_export]
macro_rules! group_laws {
    ($name:ident, $parts:expr, $build:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            proptest::proptest! {
                #[test]
                fn subtraction_inverts_merging(left in $parts, right in $parts) {
                    let (a, b) = (($build)(&left.concat()), ($build)(&right.concat()));
                    $crate::state::laws::check_group(&($build)(&[]), &a, &b);
                }
            }
        }
    };
}

/// Property test that a state is a semilattice; the arguments are those of [`state_laws!`](crate::state_laws).
#[macro_export]
macro_rules! idempotence_laws {
    ($name:ident, $parts:expr, $build:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            proptest::proptest! {
                #[test]
                fn merging_a_part_again_changes_nothing(left in $parts, right in $parts) {
                    let (a, b) = (($build)(&left.concat()), ($build)(&right.concat()));
                    $crate::state::laws::check_idempotence(&a, &b);
                }
            }
        }
    };
}
