//! Faults of the book.

use std::collections::{BTreeMap, BTreeSet};

use verismo_market::event::Side;
use verismo_market::message::{Body, Level, Message};

use super::record::Tally;
use super::replay::{Ladder, Replay, price_tick, streams};
use crate::rng::Rng;

/// Length of a frozen stretch, ns.
const STRETCH_NS: i64 = 5_000_000_000;

/// Rounds prices to a grid of `ticks` ticks: bids down, asks up, trades with the side they hit.
///
/// The levels that fall together become one with the sum of their quantities, so the coarse book rebuilds exactly and never
/// crosses where the fine one does not.
pub(super) fn round_prices(messages: &mut [Message], ticks: f64, tally: &mut Tally) {
    for places in streams(messages).values() {
        let step = price_tick(messages, places).saturating_mul(ticks as i64).max(1);
        let mut book = Replay::default();
        for &i in places {
            let Some(message) = messages.get_mut(i) else { continue };
            let before = message.body.clone();
            match &mut message.body {
                Body::Trade { price, side, .. } => {
                    let rounded = if *side == Side::Ask { floor_to(*price, step) } else { ceil_to(*price, step) };
                    // A price of 0 is no price: the lowest step stands for it.
                    *price = rounded.max(step);
                }
                Body::Order(order) => order.price = round_order(order.side, order.price, step),
                Body::OrderSnapshot { orders, .. } => {
                    orders.iter_mut().for_each(|order| order.price = round_order(order.side, order.price, step));
                }
                Body::Depth { bids, asks, .. } => {
                    book.update(bids, asks);
                    *bids = coarse_levels(
                        &book.bids,
                        bids,
                        |price| floor_to(price, step),
                        |low| (low, low.saturating_add(step - 1)),
                    );
                    *asks = coarse_levels(
                        &book.asks,
                        asks,
                        |price| ceil_to(price, step),
                        |high| (high.saturating_sub(step - 1), high),
                    );
                    bids.reverse();
                }
                Body::Snapshot { bids, asks, .. } => {
                    book = Replay::of(bids, asks);
                    *bids = coarse_levels(
                        &book.bids,
                        bids,
                        |price| floor_to(price, step),
                        |low| (low, low.saturating_add(step - 1)),
                    );
                    *asks = coarse_levels(
                        &book.asks,
                        asks,
                        |price| ceil_to(price, step),
                        |high| (high.saturating_sub(step - 1), high),
                    );
                    bids.reverse();
                }
            }
            if message.body != before {
                let after = core::mem::replace(&mut message.body, before);
                tally.note(message);
                message.body = after;
            }
        }
    }
}

/// Orders move as the levels they make up; a price of 0 is no price, so the lowest step stands for it.
fn round_order(side: Side, price: i64, step: i64) -> i64 {
    let rounded = if side == Side::Ask { ceil_to(price, step) } else { floor_to(price, step) };
    rounded.max(step)
}

fn floor_to(price: i64, step: i64) -> i64 {
    price.div_euclid(step).saturating_mul(step)
}

fn ceil_to(price: i64, step: i64) -> i64 {
    floor_to(price.saturating_add(step - 1), step)
}

/// The coarse levels that contain `changed` ones, with the sums of their quantities in `ladder`, by rising price.
fn coarse_levels(
    ladder: &Ladder,
    changed: &[Level],
    round: impl Fn(i64) -> i64,
    range: impl Fn(i64) -> (i64, i64),
) -> Vec<Level> {
    let prices: BTreeSet<i64> = changed.iter().map(|level| round(level.0)).collect();
    let sum = |price: i64| {
        let (low, high) = range(price);
        ladder.range(low..=high).map(|(_, &qty)| qty).fold(0, i64::saturating_add)
    };
    prices.into_iter().map(|price| (price, sum(price))).collect()
}

/// Moves all bids down and all asks up by `ticks` ticks, in depth messages and snapshots; trades stay where they were, and so
/// print inside the spread. Bids that would fall to 0 or below are left out. Orders move like the levels they make up, and
/// their executions with them; bids that would fall to 0 or below then stay at the lowest price.
pub(super) fn widen_spread(messages: &mut [Message], ticks: f64, tally: &mut Tally) {
    for places in streams(messages).values() {
        let shift = price_tick(messages, places).saturating_mul(ticks as i64);
        for &i in places {
            let Some(message) = messages.get_mut(i) else { continue };
            if matches!(message.body, Body::Trade { .. }) {
                continue;
            }
            tally.note(message);
            match &mut message.body {
                Body::Trade { .. } => {}
                Body::Depth { bids, asks, .. } | Body::Snapshot { bids, asks, .. } => {
                    bids.retain(|level| level.0 > shift);
                    bids.iter_mut().for_each(|level| level.0 -= shift);
                    asks.iter_mut().for_each(|level| level.0 = level.0.saturating_add(shift));
                }
                Body::Order(order) => order.price = move_order(order.side, order.price, shift),
                Body::OrderSnapshot { orders, .. } => {
                    orders.iter_mut().for_each(|order| order.price = move_order(order.side, order.price, shift));
                }
            }
        }
    }
}

fn move_order(side: Side, price: i64, shift: i64) -> i64 {
    match side {
        Side::Ask => price.saturating_add(shift),
        _ => price.saturating_sub(shift).max(1),
    }
}

/// A level while it is young enough to be called fleeting: since when, and where it is mentioned.
struct Young {
    since_ns: i64,
    mentions: Vec<(usize, usize)>,
}

/// Leaves out price levels that live less than `life_ms`: every mention of the level from its appearance to its removal.
///
/// Messages that lose all their levels stay, with their ids: the recorder heard of the update and saw nothing in it.
pub(super) fn remove_fleeting(messages: &mut [Message], life_ms: f64, tally: &mut Tally) {
    let life_ns = (life_ms * 1e6) as i64;
    for places in streams(messages).values() {
        // By message and side, the mentions (numbers of levels) to leave out.
        let mut doomed: BTreeSet<(usize, Side, usize)> = BTreeSet::new();
        let mut young: [BTreeMap<i64, Young>; 2] = Default::default();
        let mut known: [BTreeSet<i64>; 2] = Default::default();
        for &i in places {
            let Some(message) = messages.get(i) else { continue };
            let (Body::Depth { bids, asks, .. } | Body::Snapshot { bids, asks, .. }) = &message.body else { continue };
            if matches!(message.body, Body::Snapshot { .. }) {
                // Whatever a snapshot shows lives on; what it does not show is gone.
                for (known, levels) in known.iter_mut().zip([bids, asks]) {
                    known.extend(levels.iter().map(|level| level.0));
                }
            }
            for (side, levels) in [(Side::Bid, bids), (Side::Ask, asks)] {
                let s = usize::from(side == Side::Ask);
                for (k, &(price, qty)) in levels.iter().enumerate() {
                    note_mention(&mut young[s], &mut known[s], price, qty, message.t_exchange_ns, life_ns, (i, k))
                        .into_iter()
                        .for_each(|(i, k)| {
                            doomed.insert((i, side, k));
                        });
                }
            }
        }
        leave_out(messages, &doomed, tally);
    }
}

/// Follows one level through one mention at `place`; returns the mentions of a life that has just ended too early.
fn note_mention(
    young: &mut BTreeMap<i64, Young>,
    known: &mut BTreeSet<i64>,
    price: i64,
    qty: i64,
    t_ns: i64,
    life_ns: i64,
    place: (usize, usize),
) -> Vec<(usize, usize)> {
    if qty == 0 {
        known.remove(&price);
        return match young.remove(&price) {
            Some(mut level) if t_ns.saturating_sub(level.since_ns) < life_ns => {
                level.mentions.push(place);
                level.mentions
            }
            _ => Vec::new(),
        };
    }
    if let Some(level) = young.get_mut(&price) {
        if t_ns.saturating_sub(level.since_ns) < life_ns {
            level.mentions.push(place);
        } else {
            young.remove(&price);
        }
    } else if known.insert(price) {
        young.insert(price, Young { since_ns: t_ns, mentions: vec![place] });
    }
    Vec::new()
}

fn leave_out(messages: &mut [Message], doomed: &BTreeSet<(usize, Side, usize)>, tally: &mut Tally) {
    let mut by_message: BTreeMap<usize, [BTreeSet<usize>; 2]> = BTreeMap::new();
    for &(i, side, k) in doomed {
        by_message.entry(i).or_default()[usize::from(side == Side::Ask)].insert(k);
    }
    for (i, [bid_numbers, ask_numbers]) in by_message {
        let Some(message) = messages.get_mut(i) else { continue };
        tally.note(message);
        if let Body::Depth { bids, asks, .. } | Body::Snapshot { bids, asks, .. } = &mut message.body {
            for (levels, numbers) in [(bids, bid_numbers), (asks, ask_numbers)] {
                let mut k = 0;
                levels.retain(|_| {
                    k += 1;
                    !numbers.contains(&(k - 1))
                });
            }
        }
    }
}

/// Depth messages withheld while the book stands still.
struct Withheld {
    message: Message,
    bids: Ladder,
    asks: Ladder,
}

/// Freezes the book for stretches of 5 s of the epoch, each frozen with probability `share`. Depth messages in a frozen stretch
/// are withheld; the first one after it also carries what they said, and their ids, so ids have no gap and the book is right
/// again. A snapshot, and the end of the stream, end the freeze too.
pub(super) fn stale(messages: Vec<Message>, share: f64, rng: &mut Rng, tally: &mut Tally) -> Vec<Message> {
    let salt = rng.next_u64();
    let mut withheld: BTreeMap<String, Withheld> = BTreeMap::new();
    let mut out = Vec::with_capacity(messages.len());
    for message in messages {
        match &message.body {
            Body::Trade { .. } | Body::Order(_) | Body::OrderSnapshot { .. } => out.push(message),
            Body::Snapshot { .. } => {
                if let Some(held) = withheld.remove(&message.symbol) {
                    out.push(held.release_at(message.t_exchange_ns, message.t_receive_ns));
                }
                out.push(message);
            }
            Body::Depth { .. } => {
                // The state of a stretch depends on its number alone, so several symbols freeze together.
                let stretch = message.t_exchange_ns.div_euclid(STRETCH_NS) as u64;
                let is_frozen = Rng::new(salt, stretch).chance(share);
                let (t_exchange_ns, t_receive_ns) = (message.t_exchange_ns, message.t_receive_ns);
                if is_frozen {
                    tally.note(&message);
                }
                match (withheld.remove(&message.symbol), is_frozen) {
                    (None, false) => out.push(message),
                    (None, true) => {
                        withheld.insert(message.symbol.clone(), Withheld::new(message));
                    }
                    (Some(mut held), true) => {
                        held.add(&message);
                        withheld.insert(message.symbol, held);
                    }
                    (Some(mut held), false) => {
                        held.add(&message);
                        out.push(held.release_at(t_exchange_ns, t_receive_ns));
                    }
                }
            }
        }
    }
    // The end of the stream: what is still withheld comes at the time of its last message.
    let mut rest: Vec<Message> = withheld
        .into_values()
        .map(|held| {
            let (t_exchange_ns, t_receive_ns) = (held.message.t_exchange_ns, held.message.t_receive_ns);
            held.release_at(t_exchange_ns, t_receive_ns)
        })
        .collect();
    rest.sort_by_key(|message| message.t_exchange_ns);
    merge_by_time(out, rest)
}

impl Withheld {
    fn new(message: Message) -> Self {
        let mut held = Self { bids: Ladder::new(), asks: Ladder::new(), message };
        if let Body::Depth { bids, asks, .. } = &held.message.body {
            held.bids.extend(bids.iter().copied());
            held.asks.extend(asks.iter().copied());
        }
        held
    }

    fn add(&mut self, message: &Message) {
        let (t_exchange_ns, t_receive_ns) = (message.t_exchange_ns, message.t_receive_ns);
        (self.message.t_exchange_ns, self.message.t_receive_ns) = (t_exchange_ns, t_receive_ns);
        if let (Body::Depth { last_id, .. }, Body::Depth { last_id: newest, bids, asks, .. }) =
            (&mut self.message.body, &message.body)
        {
            *last_id = *newest;
            self.bids.extend(bids.iter().copied());
            self.asks.extend(asks.iter().copied());
        }
    }

    fn release_at(self, t_exchange_ns: i64, t_receive_ns: i64) -> Message {
        let mut message = self.message;
        (message.t_exchange_ns, message.t_receive_ns) = (t_exchange_ns, t_receive_ns);
        if let Body::Depth { bids, asks, .. } = &mut message.body {
            *bids = self.bids.into_iter().rev().collect();
            *asks = self.asks.into_iter().collect();
        }
        message
    }
}

/// Puts each message of `rest`, in time order, before the first of `out` that is later than it.
fn merge_by_time(out: Vec<Message>, rest: Vec<Message>) -> Vec<Message> {
    if rest.is_empty() {
        return out;
    }
    let mut merged = Vec::with_capacity(out.len() + rest.len());
    // Searched from the end, since that is where they belong, even if the stream is not in order.
    let mut cuts: Vec<(usize, Message)> = Vec::new();
    for message in rest {
        let at = out.iter().rposition(|m| m.t_exchange_ns <= message.t_exchange_ns).map_or(0, |i| i + 1);
        cuts.push((at, message));
    }
    let mut cuts = cuts.into_iter().peekable();
    for (i, message) in out.into_iter().enumerate() {
        while let Some((_, held)) = cuts.next_if(|&(at, _)| at <= i) {
            merged.push(held);
        }
        merged.push(message);
    }
    merged.extend(cuts.map(|(_, held)| held));
    merged
}
