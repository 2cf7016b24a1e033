//! Rules that all faults keep, on the inputs that there are: captures and reconstructions, one symbol and several, and rubbish.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod common;

use std::collections::BTreeMap;

use common::Replay;
use proptest::prelude::*;
use verismo_market::event::{NO_ID, NO_TIME, Side};
use verismo_market::message::{Body, Message};
use verismo_sim::{Fault, FaultKind, FaultKind as K, Record, Venue, apply, apply_bytes};

fn message_kinds() -> impl Iterator<Item = FaultKind> {
    FaultKind::all().filter(|kind| !kind.is_byte_level())
}

/// As read back from a golden capture: millisecond clock, no snapshots.
fn golden(symbols: usize, n: usize) -> Vec<Message> {
    let floor = |mut m: Message| {
        m.t_exchange_ns = m.t_exchange_ns.div_euclid(1_000_000) * 1_000_000;
        m
    };
    Venue::new(3, symbols).take(n).map(floor).collect()
}

/// As read back from a tree of events: snapshots, no first update ids, no receive times.
fn events(symbols: usize, n: usize) -> Vec<Message> {
    let strip = |mut m: Message| {
        m.t_receive_ns = NO_TIME;
        if let Body::Depth { first_id, .. } = &mut m.body {
            *first_id = NO_ID;
        }
        m
    };
    Venue::with_snapshots(3, symbols, 600_000_000_000).take(n).map(strip).collect()
}

/// Books by symbol; asserts that each snapshot but the first of a stream shows the book that the messages before it
/// built, and that no book is ever crossed.
fn books(messages: &[Message]) -> BTreeMap<String, Replay> {
    let mut books: BTreeMap<String, Replay> = BTreeMap::new();
    for m in messages {
        let is_snapshot = matches!(m.body, Body::Snapshot { .. });
        let before = if is_snapshot { books.get(&m.symbol).cloned() } else { None };
        let book = books.entry(m.symbol.clone()).or_default();
        book.apply(&m.body);
        if let Some(before) = before {
            assert_eq!(*book, before, "{} at {}", m.symbol, m.t_exchange_ns);
        }
        if let Some([bid, ask]) = book.best() {
            assert!(bid.0 < ask.0);
        }
    }
    books
}

#[test]
fn results_depend_on_the_seed_alone() {
    let clean = golden(2, 30_000);
    let has_no_chance = [K::SmoothSizes, K::RoundPrices, K::WidenSpread, K::RemoveFleeting];
    for kind in message_kinds() {
        let run = |seed| apply(clean.clone(), &[Fault::default_of(kind)], seed);
        let (first, again, other) = (run(1), run(1), run(2));
        assert!(first == again, "{kind}");
        assert!(first.0 != clean, "{kind} changes something");
        assert!(first.1.faults[0].affected > 0);
        assert_eq!(first.0 == other.0, has_no_chance.contains(&kind), "{kind}");
    }
}

#[test]
fn faults_that_rewrite_books_keep_them_whole_in_every_form() {
    for kind in [K::RoundPrices, K::WidenSpread, K::BlockShuffle, K::RemoveFleeting, K::StaleBook, K::SmoothSizes] {
        for clean in [golden(1, 30_000), golden(2, 30_000), events(1, 60_000), events(2, 60_000)] {
            let (messages, _) = apply(clean.clone(), &[Fault::default_of(kind)], 5);
            let (before, after) = (books(&clean), books(&messages));
            assert!(before.keys().eq(after.keys()));
            if matches!(kind, K::StaleBook | K::SmoothSizes) {
                assert_eq!(before, after, "{kind}");
            }
            let snapshots =
                |messages: &[Message]| messages.iter().filter(|m| matches!(m.body, Body::Snapshot { .. })).count();
            assert_eq!(snapshots(&clean), snapshots(&messages));
        }
    }
}

#[test]
fn the_shuffled_price_is_back_on_its_path_after_each_run() {
    let clean = events(1, 60_000);
    let (messages, _) = apply(clean.clone(), &[Fault::default_of(K::BlockShuffle)], 5);
    let run_ns = 600_000_000_000;
    let (mut a, mut b, mut ends) = (Replay::default(), Replay::default(), 0);
    for (before, after) in clean.iter().zip(&messages) {
        a.apply(&before.body);
        b.apply(&after.body);
        if before.t_exchange_ns % run_ns == 0 && matches!(before.body, Body::Depth { .. }) {
            assert_eq!(a.best().unwrap()[0].0, b.best().unwrap()[0].0);
            ends += 1;
        }
    }
    assert_eq!(ends, 2);
}

#[test]
fn wrong_symbol_uses_the_other_stream_if_there_is_one() {
    let (messages, record) = apply(golden(2, 10_000), &[Fault::default_of(K::WrongSymbol)], 5);
    let symbols: std::collections::BTreeSet<&str> = messages.iter().map(|m| m.symbol.as_str()).collect();
    assert_eq!(symbols.into_iter().collect::<Vec<_>>(), ["BTCUSDT", "ETHUSDT"]);
    let first = &record.faults[0].first[0];
    assert_eq!(first.symbol.as_deref(), Some("BTCUSDT"));
}

#[test]
fn faults_are_applied_in_order_and_recorded() {
    let faults: Vec<Fault> =
        ["drop:0.5", "corrupt-bytes", "duplicate:0.5"].iter().map(|t| t.parse().unwrap()).collect();
    let (messages, record) = apply(golden(1, 10_000), &faults, 5);
    let kinds: Vec<FaultKind> = record.faults.iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [K::Drop, K::Duplicate]);
    assert_eq!(record.faults[0].items_after, record.faults[1].items_before);
    assert_eq!(record.faults[1].items_after, messages.len() as u64);
    let json = serde_json::to_string(&record).unwrap();
    assert!(json.contains(r#""schema":"verismo.faults/1""#) && json.contains(r#""kind":"drop""#));
    assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
}

#[test]
fn bytes_are_overwritten_or_cut() {
    let clean: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8).collect();
    let mut bytes = clean.clone();
    let record = apply_bytes(&mut bytes, &["corrupt-bytes:0.001".parse().unwrap()], 5);
    let changed: Vec<usize> = (0..bytes.len()).filter(|&i| bytes[i] != clean[i]).collect();
    assert_eq!((bytes.len(), changed.len() as u64), (clean.len(), record.faults[0].affected));
    assert!((90..=100).contains(&changed.len()));
    assert_eq!(record.faults[0].first[0].id, changed[0] as i64);

    let mut bytes = clean.clone();
    let record = apply_bytes(&mut bytes, &["truncate".parse().unwrap(), "drop".parse().unwrap()], 5);
    assert_eq!(bytes[..], clean[..90_000]);
    assert_eq!((record.faults.len(), record.faults[0].affected, record.faults[0].first[0].id), (1, 10_000, 90_000));

    for kind in [K::CorruptBytes, K::Truncate] {
        let mut one = vec![7];
        apply_bytes(&mut one, &[Fault::default_of(kind)], 5);
        assert_ne!(one, [7]);
        let mut none = Vec::new();
        assert_eq!(apply_bytes(&mut none, &[Fault::default_of(kind)], 5).faults[0].affected, 0);
        assert!(none.is_empty());
    }
}

/// Any integer, the extremes often.
fn any_i64() -> impl Strategy<Value = i64> {
    prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), -5..5i64, 0..2_000_000_000_000i64, any::<i64>()]
}

fn any_message() -> impl Strategy<Value = Message> {
    let side = prop_oneof![Just(Side::None), Just(Side::Bid), Just(Side::Ask)];
    let levels = || prop::collection::vec((any_i64(), any_i64()), 0..4);
    let trade =
        (any_i64(), any_i64(), any_i64(), side).prop_map(|(id, price, qty, side)| Body::Trade { id, price, qty, side });
    let depth = (any_i64(), any_i64(), levels(), levels()).prop_map(|(first_id, last_id, bids, asks)| Body::Depth {
        first_id,
        last_id,
        bids,
        asks,
    });
    let snapshot =
        (any_i64(), levels(), levels()).prop_map(|(last_id, bids, asks)| Body::Snapshot { last_id, bids, asks });
    let body = prop_oneof![2 => trade, 3 => depth, 1 => snapshot];
    (any_i64(), any_i64(), prop_oneof![Just("A"), Just("B")], body).prop_map(
        |(t_exchange_ns, t_receive_ns, symbol, body)| Message {
            t_exchange_ns,
            t_receive_ns,
            symbol: symbol.to_owned(),
            body,
        },
    )
}

proptest! {
    #[test]
    fn rubbish_is_damaged_without_panic(messages in prop::collection::vec(any_message(), 0..40), large in any::<bool>()) {
        for kind in message_kinds() {
            let amount = match kind.unit() {
                unit if unit.starts_with("ticks") => if large { 100_000.0 } else { 1.0 },
                unit if unit.starts_with("ms") || unit.starts_with('s') && !unit.starts_with("share") => if large { 86_400.0 } else { 1e-3 },
                _ => if large { 1.0 } else { 0.5 },
            };
            let (out, record) = apply(messages.clone(), &[Fault::new(kind, amount).unwrap()], 1);
            let changes_length = [K::Drop, K::Duplicate, K::StaleBook].contains(&kind);
            prop_assert!(changes_length || out.len() == messages.len());
            prop_assert_eq!(record.faults[0].items_after, out.len() as u64);
        }
    }
}
