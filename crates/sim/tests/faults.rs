//! Every kind of fault, at its default amount on 600 thousand messages, moves what must notice it by well over the margin.
//!
//! Distances are taken as a validator takes them: on the millisecond clock that a golden capture and a reconstruction share.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod common;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use common::{Observed, Replay, abs, acf, distance, distances, messages, observe_at};
use verismo_market::message::{Body, Message};
use verismo_sim::{Fault, FaultKind, FaultKind as K, Record, apply};

const MESSAGES: usize = 600_000;
const SEED: u64 = 7;
static CLEAN: LazyLock<Vec<Message>> = LazyLock::new(|| messages(1, MESSAGES));
static CLEAN_OBSERVED: LazyLock<Observed> = LazyLock::new(|| observe_at(&CLEAN, MILLISECOND_NS));

const MILLISECOND_NS: i64 = 1_000_000;

fn damaged(kind: FaultKind) -> (Vec<Message>, Record) {
    let (messages, record) = apply(CLEAN.clone(), &[Fault::default_of(kind)], SEED);
    let fault = &record.faults[0];
    assert_eq!((fault.kind, fault.items_before, fault.items_after), (kind, MESSAGES as u64, messages.len() as u64));
    assert_eq!(fault.first.len(), 16);
    (messages, record)
}

/// Asserts that the damage moves each observable by at least so much; returns the damaged observables.
fn moves(messages: &[Message], wanted: &[(&str, f64)]) -> Observed {
    let observed = observe_at(messages, MILLISECOND_NS);
    for &(name, at_least) in wanted {
        let d = distance(&CLEAN_OBSERVED, &observed, name);
        assert!(d >= at_least, "{name}: {d} < {at_least}");
    }
    observed
}

/// Asserts that no distributional observable but the named ones moves by more than a hundredth.
fn spares_all_but(observed: &Observed, moved: &[&str]) {
    for (name, d) in distances(&CLEAN_OBSERVED, observed) {
        assert!(moved.contains(&name) || d < 0.01, "{name}: {d}");
    }
}

fn trade_id(m: &Message) -> Option<i64> {
    if let Body::Trade { id, .. } = m.body { Some(id) } else { None }
}

fn depth_ids(m: &Message) -> Option<(i64, i64)> {
    if let Body::Depth { first_id, last_id, .. } = m.body { Some((first_id, last_id)) } else { None }
}

/// Depth messages that do not begin where the one before ended, and trades whose id is not the next.
fn gaps(messages: &[Message]) -> (usize, usize) {
    let depth: Vec<(i64, i64)> = messages.iter().filter_map(depth_ids).collect();
    let trades: Vec<i64> = messages.iter().filter_map(trade_id).collect();
    let depth_gaps = depth.windows(2).filter(|w| w[1].0 != w[0].1 + 1).count();
    (depth_gaps, trades.windows(2).filter(|w| w[1] != w[0] + 1).count())
}

fn time_inversions(messages: &[Message]) -> usize {
    let ms = |m: &Message| m.t_exchange_ns.div_euclid(MILLISECOND_NS);
    messages.windows(2).filter(|w| ms(&w[1]) < ms(&w[0])).count()
}

fn final_book(messages: &[Message]) -> Replay {
    let mut book = Replay::default();
    messages.iter().for_each(|m| book.apply(&m.body));
    book
}

#[test]
fn the_clean_stream_has_none_of_this() {
    assert_eq!((gaps(&CLEAN), time_inversions(&CLEAN)), ((0, 0), 0));
    assert_eq!(CLEAN_OBSERVED.crossed, 0);
}

#[test]
fn drop_leaves_gaps_and_a_wrong_book() {
    let (messages, record) = damaged(K::Drop);
    let lost = MESSAGES - messages.len();
    assert_eq!(record.faults[0].affected, lost as u64);
    assert!((28_000..32_000).contains(&lost));
    let (depth, trades) = gaps(&messages);
    assert!(depth > 6_000 && trades > 20_000, "{depth} {trades}");
    let observed = moves(&messages, &[("spread", 0.4)]);
    assert!(observed.crossed * 2 > observed.updates);
}

#[test]
fn duplicate_repeats_messages() {
    let (messages, record) = damaged(K::Duplicate);
    let twins = messages.windows(2).filter(|w| w[0] == w[1]).count();
    assert_eq!(twins as u64, record.faults[0].affected);
    assert!((11_000..13_000).contains(&twins));
    let mut rest = messages;
    rest.dedup();
    assert!(rest == *CLEAN);
}

#[test]
fn reorder_breaks_the_order_and_loses_nothing() {
    let (messages, record) = damaged(K::Reorder);
    let inversions = time_inversions(&messages);
    assert!(inversions as f64 > 0.8 * record.faults[0].affected as f64, "{inversions}");
    assert!(gaps(&messages).0 > 4_000);
    let mut sorted = messages;
    sorted.sort_by_key(|m| (m.t_exchange_ns, trade_id(m).is_none(), trade_id(m)));
    assert!(sorted == *CLEAN);
}

#[test]
fn delay_keeps_times_in_order_and_ids_out_of_it() {
    let (messages, record) = damaged(K::Delay);
    assert_eq!(time_inversions(&messages), 0);
    assert!(messages.is_sorted_by_key(|m| m.t_receive_ns));
    assert!((115_000..125_000).contains(&record.faults[0].affected));
    let (depth, trades) = gaps(&messages);
    assert!(depth > 40_000 && trades > 50_000, "{depth} {trades}");
    moves(&messages, &[("inter_trade_time", 0.1), ("inter_event_time", 0.075), ("spread", 0.4)]);
}

#[test]
fn jitter_breaks_times_alone() {
    let (messages, _) = damaged(K::Jitter);
    assert!(time_inversions(&messages) > 100_000);
    moves(&messages, &[("inter_trade_time", 0.15), ("inter_event_time", 0.15)]);
    assert!(messages.iter().zip(CLEAN.iter()).all(|(a, b)| a.body == b.body && a.t_receive_ns == b.t_receive_ns));
}

#[test]
fn smooth_sizes_moves_trade_sizes_alone() {
    let (messages, _) = damaged(K::SmoothSizes);
    let observed = moves(&messages, &[("trade_size", 0.2)]);
    spares_all_but(&observed, &["trade_size"]);
    assert!(observed.trade_size.iter().all(|&q| q > 0 && q % 1_000 == 0), "sizes stay on the lot grid");
}

#[test]
fn thin_tail_moves_trade_sizes_alone() {
    let (messages, _) = damaged(K::ThinTail);
    let observed = moves(&messages, &[("trade_size", 0.15)]);
    spares_all_but(&observed, &["trade_size"]);
    assert!(observed.trade_size.iter().max().unwrap() * 10 < *CLEAN_OBSERVED.trade_size.iter().max().unwrap());
}

#[test]
fn round_prices_coarsens_a_book_that_still_rebuilds() {
    let (messages, _) = damaged(K::RoundPrices);
    let observed = moves(&messages, &[("spread", 0.9), ("depth_bid_l1", 0.3), ("mid_log_return_1s", 0.1)]);
    assert_eq!(observed.crossed, 0);
    assert!(observed.spread.iter().all(|&s| s % 100_000_000 == 0));
    // The coarse book is the fine one, level by level.
    let (fine, coarse) = (final_book(&CLEAN), final_book(&messages));
    let mut expected = Replay::default();
    for (&price, &qty) in &fine.bids {
        *expected.bids.entry(price / 100_000_000 * 100_000_000).or_default() += qty;
    }
    for (&price, &qty) in &fine.asks {
        *expected.asks.entry((price + 99_999_999) / 100_000_000 * 100_000_000).or_default() += qty;
    }
    assert_eq!(coarse, expected);
}

#[test]
fn widen_spread_moves_the_sides_apart() {
    let (messages, _) = damaged(K::WidenSpread);
    let observed = moves(&messages, &[("spread", 0.5), ("microprice_offset", 0.15)]);
    spares_all_but(&observed, &["spread", "microprice_offset"]);
    assert!(observed.spread.iter().zip(&CLEAN_OBSERVED.spread).all(|(wide, clean)| wide - clean == 20_000_000));
}

#[test]
fn block_shuffle_keeps_marginals_and_destroys_memory() {
    let (messages, record) = damaged(K::BlockShuffle);
    assert!(record.faults[0].affected > 550_000);
    let observed = moves(&messages, &[]);
    // Ten seconds are longer than a block, so their returns are dynamics.
    spares_all_but(&observed, &["mid_log_return_10s"]);
    assert_eq!(observed.crossed, 0);
    assert!(observed.incoherent * 10 < observed.sign.len(), "trades still print near the best prices");
    for lag in [1, 5] {
        let (before, after) = (acf(&CLEAN_OBSERVED.sign, lag), acf(&observed.sign, lag));
        assert!(before - after > 0.1 && after.abs() < 0.02, "sign, lag {lag}: {before} {after}");
    }
    let (before, after) = (acf(&abs(&CLEAN_OBSERVED.return_1s), 5), acf(&abs(&observed.return_1s), 5));
    assert!(before - after > 0.1 && after.abs() < 0.03, "|return|, lag 5: {before} {after}");
    for (a, b) in messages.iter().zip(CLEAN.iter()) {
        assert_eq!((a.t_exchange_ns, trade_id(a), depth_ids(a)), (b.t_exchange_ns, trade_id(b), depth_ids(b)));
    }
}

#[test]
fn remove_fleeting_leaves_only_levels_that_live() {
    let (messages, _) = damaged(K::RemoveFleeting);
    let observed = moves(&messages, &[("spread", 0.3), ("microprice_offset", 0.15)]);
    assert_eq!(observed.crossed, 0);
    let (mut born, mut book) = (std::collections::BTreeMap::new(), Replay::default());
    for m in &messages {
        let Body::Depth { bids, asks, .. } = &m.body else { continue };
        for (is_ask, levels, side) in [(false, bids, &book.bids), (true, asks, &book.asks)] {
            for &(price, qty) in levels {
                if qty > 0 && !side.contains_key(&price) {
                    born.insert((is_ask, price), m.t_exchange_ns);
                } else if qty == 0 {
                    let since = born.remove(&(is_ask, price)).expect("a level is removed that never was");
                    assert!(m.t_exchange_ns - since >= 500_000_000);
                }
            }
        }
        book.apply(&m.body);
    }
}

#[test]
fn stale_book_stands_still_and_catches_up() {
    let (messages, record) = damaged(K::StaleBook);
    let share = record.faults[0].affected as f64 / CLEAN_OBSERVED.updates as f64;
    assert!((0.25..0.35).contains(&share), "{share}");
    assert_eq!(gaps(&messages), (0, 0), "ids have no gap");
    let observed = moves(&messages, &[("mid_log_return_1s", 0.08), ("event_count_1s", 0.075)]);
    assert_eq!(observed.crossed, 0);
    assert!(observed.incoherent > 3 * CLEAN_OBSERVED.incoherent, "trades leave the book behind");
    assert_eq!(final_book(&messages), final_book(&CLEAN));
}

#[test]
fn wrong_symbol_moves_one_stretch_to_another_stream() {
    let (messages, record) = damaged(K::WrongSymbol);
    let (left, gone): (Vec<Message>, Vec<Message>) = messages.into_iter().partition(|m| m.symbol == "BTCUSDT");
    assert_eq!((gone.len(), record.faults[0].affected), (60_000, 60_000));
    assert_eq!(gaps(&left), (1, 1));
    assert_eq!(gaps(&gone), (0, 0));
    assert_eq!(gone.iter().map(|m| &m.symbol).collect::<BTreeSet<_>>().len(), 1);
}
