//! Block shuffle: keeps what a stream looks like at any one moment, destroys how moments follow each other.
//!
//! Times and ids stay where they are; content changes places, within runs of ten minutes of the epoch, so that the daily rhythm
//! stays too.
//!
//! * **Book.** A block is a number of consecutive depth messages (the block length over the median gap). Its content is the
//!   sequence of books it leads through, with prices relative to the best bid just before the block. Blocks of equal length are
//!   permuted; each is put on top of the best bid that the block now before it has left. So every book that is ever shown is
//!   one that the market had, moved as a whole: none is crossed, the laws of spread, depth and imbalance are exactly those of
//!   the original, and price changes within blocks are too. Price changes across the seams are those of the best bid. The first
//!   message of a block carries whatever leads from one book to the other, so the first messages of blocks are long.
//!   Since the moves of the best bid in a run are the same in every order, the price is back on its old path when the run ends.
//! * **Trades** are permuted one by one within the run: size, side, and distance from the best price of the side they hit, which
//!   is added to the shuffled book's best price. Size and side keep their laws exactly.
//!
//! Messages without a known book before them (the start of a stream without snapshot) keep their content.

use verismo_market::event::Side;
use verismo_market::message::{Body, Level, Message};

use super::record::Tally;
use super::replay::{Replay, streams};
use crate::rng::Rng;

/// Content is permuted within runs of this length, ns.
const RUN_NS: i64 = 600_000_000_000;

/// The changes of one depth message.
#[derive(Debug, Clone, Default)]
struct Change {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

/// The book before a block, and what its depth messages do to it.
#[derive(Debug, Clone, Default)]
struct Block {
    before: Replay,
    changes: Vec<Change>,
}

/// A trade, its price given by the distance from the published best price of the side it hit (positive: beyond it).
#[derive(Debug, Clone, Copy)]
struct Print {
    distance: i64,
    qty: i64,
    side: Side,
}

/// Shuffles every stream in blocks of `block_s` seconds of book history.
pub(super) fn block_shuffle(messages: &mut [Message], block_s: f64, rng: &mut Rng, tally: &mut Tally) {
    for places in streams(messages).values() {
        let per_block = messages_per_block(messages, places, block_s);
        let (mut source, mut shown) = (Replay::default(), Replay::default());
        let mut rest: &[usize] = places;
        // Each turn takes at least one message.
        while !rest.is_empty() {
            let (run, later) = rest.split_at(run_length(messages, rest, &source).max(1));
            shuffle_run(messages, run, per_block, &mut source, &mut shown, rng, tally);
            rest = later;
        }
    }
}

/// Depth messages in `block_s` seconds at the stream's median gap, at least 1.
fn messages_per_block(messages: &[Message], places: &[usize], block_s: f64) -> usize {
    let is_depth = |m: &&Message| matches!(m.body, Body::Depth { .. });
    let times: Vec<i64> =
        places.iter().filter_map(|&i| messages.get(i)).filter(is_depth).map(|m| m.t_exchange_ns).collect();
    let mut gaps: Vec<i64> = times.windows(2).map(|w| w[1].saturating_sub(w[0])).collect();
    gaps.sort_unstable();
    let median = gaps.get(gaps.len() / 2).copied().unwrap_or(1).max(1);
    ((block_s * 1e9 / median as f64).round() as usize).max(1)
}

/// How many of the messages at `places` belong to the run that begins with the first: those of the same ten minutes, a message
/// at the very end of them included; a snapshot that says something new begins a run of its own.
fn run_length(messages: &[Message], places: &[usize], before: &Replay) -> usize {
    let run_of = |m: &Message| m.t_exchange_ns.saturating_sub(1).div_euclid(RUN_NS);
    let mut book = before.clone();
    let mut first = None;
    for (length, message) in places.iter().filter_map(|&i| messages.get(i)).enumerate() {
        if *first.get_or_insert(run_of(message)) != run_of(message) {
            return length;
        }
        match &message.body {
            Body::Trade { .. } | Body::Order(_) | Body::OrderSnapshot { .. } => {}
            Body::Depth { bids, asks, .. } => book.update(bids, asks),
            Body::Snapshot { bids, asks, .. } => {
                let snapshot = Replay::of(bids, asks);
                if length > 0 && snapshot != book {
                    return length;
                }
                book = snapshot;
            }
        }
    }
    places.len()
}

/// Permutes the content of one run. `source` and `shown` are the original and the shuffled book before it, and are moved on.
fn shuffle_run(
    messages: &mut [Message],
    run: &[usize],
    per_block: usize,
    source: &mut Replay,
    shown: &mut Replay,
    rng: &mut Rng,
    tally: &mut Tally,
) {
    let (blocks, prints) = take_content(messages, run, per_block, source);
    let is_known = |b: &Block| b.before.best_bid().is_some() && b.before.best_ask().is_some();
    let whole = |b: &Block| b.changes.len() == per_block && is_known(b);
    let order = permutation(blocks.iter().map(whole), rng);
    let print_order = permutation(prints.iter().map(Option::is_some), rng);
    let mut prints_at = print_order.iter().enumerate();
    let mut depth_count = 0;
    let mut state = Replay::default();
    let mut shift = 0;
    for &i in run {
        let Some(message) = messages.get_mut(i) else { continue };
        let mut is_changed = false;
        let body = match &message.body {
            Body::Trade { id, price, qty, side } => {
                let from = prints_at.next();
                let print = from.and_then(|(_, &from)| prints.get(from).copied().flatten());
                is_changed = from.is_some_and(|(slot, &from)| slot != from);
                let (qty, side) = print.map_or((*qty, *side), |p| (p.qty, p.side));
                let price = print.and_then(|p| price_at(p, shown)).unwrap_or(*price);
                Body::Trade { id: *id, price, qty, side }
            }
            Body::Depth { first_id, last_id, .. } => {
                let (slot, step) = (depth_count / per_block, depth_count % per_block);
                depth_count += 1;
                let from = order.get(slot).copied().unwrap_or(slot);
                is_changed = from != slot;
                let Some(block) = blocks.get(from) else { continue };
                if step == 0 {
                    state = block.before.clone();
                    shift = match (shown.best_bid(), state.best_bid()) {
                        (Some(here), Some(there)) => here.saturating_sub(there),
                        _ => 0,
                    };
                }
                let Some(change) = block.changes.get(step) else { continue };
                let (bids, asks) = if step == 0 {
                    state.update(&change.bids, &change.asks);
                    shown.changes_to(&state.shifted(shift))
                } else {
                    (moved(&change.bids, shift), moved(&change.asks, shift))
                };
                shown.update(&bids, &asks);
                Body::Depth { first_id: *first_id, last_id: *last_id, bids, asks }
            }
            Body::Snapshot { last_id, bids, asks } => {
                if shown.best_bid().is_none() && shown.best_ask().is_none() {
                    *shown = Replay::of(bids, asks);
                }
                let (bids, asks) = shown.levels();
                Body::Snapshot { last_id: *last_id, bids, asks }
            }
            Body::Order(_) | Body::OrderSnapshot { .. } => continue,
        };
        if is_changed {
            tally.note(message);
        }
        message.body = body;
    }
}

/// Reads the run's content: its depth messages in blocks, and per trade a print, or none where the book is not known.
fn take_content(
    messages: &[Message],
    run: &[usize],
    per_block: usize,
    source: &mut Replay,
) -> (Vec<Block>, Vec<Option<Print>>) {
    let mut blocks: Vec<Block> = Vec::new();
    let mut prints = Vec::new();
    for message in run.iter().filter_map(|&i| messages.get(i)) {
        match &message.body {
            Body::Trade { price, qty, side, .. } => {
                let distance = match side {
                    Side::Ask => source.best_bid().map(|bid| bid.saturating_sub(*price)),
                    _ => source.best_ask().map(|ask| price.saturating_sub(ask)),
                };
                prints.push(distance.map(|distance| Print { distance, qty: *qty, side: *side }));
            }
            Body::Depth { bids, asks, .. } => {
                if blocks.last().is_none_or(|block| block.changes.len() == per_block) {
                    blocks.push(Block { before: source.clone(), changes: Vec::new() });
                }
                if let Some(block) = blocks.last_mut() {
                    block.changes.push(Change { bids: bids.clone(), asks: asks.clone() });
                }
                source.update(bids, asks);
            }
            Body::Snapshot { bids, asks, .. } => *source = Replay::of(bids, asks),
            Body::Order(_) | Body::OrderSnapshot { .. } => {}
        }
    }
    (blocks, prints)
}

/// Where the content of each place comes from: a random permutation of the places that are free to move, the others fixed.
fn permutation(is_free: impl Iterator<Item = bool>, rng: &mut Rng) -> Vec<usize> {
    let is_free: Vec<bool> = is_free.collect();
    let mut free: Vec<usize> = (0..is_free.len()).filter(|&i| is_free[i]).collect();
    rng.shuffle(&mut free);
    let mut next = free.into_iter();
    is_free.iter().enumerate().map(|(i, &is_free)| if is_free { next.next().unwrap_or(i) } else { i }).collect()
}

/// The price of a print on the given book, if it has the side.
fn price_at(print: Print, book: &Replay) -> Option<i64> {
    match print.side {
        Side::Ask => book.best_bid().map(|bid| bid.saturating_sub(print.distance)),
        _ => book.best_ask().map(|ask| ask.saturating_add(print.distance)),
    }
}

fn moved(levels: &[Level], shift: i64) -> Vec<Level> {
    levels.iter().map(|&(price, qty)| (price.saturating_add(shift), qty)).collect()
}
