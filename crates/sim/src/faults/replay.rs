//! What the faults of the book need: streams, grids, and a book rebuilt from messages.

use std::collections::BTreeMap;

use verismo_market::message::{Body, Level, Message};

/// Places of each symbol's messages, in order.
pub(super) fn streams(messages: &[Message]) -> BTreeMap<String, Vec<usize>> {
    let mut streams: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, message) in messages.iter().enumerate() {
        match streams.get_mut(&message.symbol) {
            Some(stream) => stream.push(i),
            None => {
                streams.insert(message.symbol.clone(), vec![i]);
            }
        }
    }
    streams
}

/// Greatest common divisor of the absolute values; 0 is neutral.
pub(super) fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    // Euclid: at most 92 turns for 64 bits.
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i64::try_from(a).unwrap_or(i64::MAX)
}

/// Greatest common divisor of all prices of the stream at `places`, at least 1: its tick.
pub(super) fn price_tick(messages: &[Message], places: &[usize]) -> i64 {
    let mut tick = 0;
    for message in places.iter().filter_map(|&i| messages.get(i)) {
        match &message.body {
            Body::Trade { price, .. } => tick = gcd(tick, *price),
            Body::Depth { bids, asks, .. } | Body::Snapshot { bids, asks, .. } => {
                tick = bids.iter().chain(asks).fold(tick, |tick, level| gcd(tick, level.0));
            }
            Body::Order(order) => tick = gcd(tick, order.price),
            Body::OrderSnapshot { orders, .. } => {
                tick = orders.iter().fold(tick, |tick, order| gcd(tick, order.price));
            }
        }
    }
    tick.max(1)
}

/// One side of a book: quantity by price.
pub(super) type Ladder = BTreeMap<i64, i64>;

/// A book rebuilt from depth messages and snapshots.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Replay {
    pub(super) bids: Ladder,
    pub(super) asks: Ladder,
}

impl Replay {
    /// A book of the given levels.
    pub(super) fn of(bids: &[Level], asks: &[Level]) -> Self {
        let mut book = Self::default();
        book.update(bids, asks);
        book
    }

    /// Sets levels to new quantities; 0 removes.
    pub(super) fn update(&mut self, bids: &[Level], asks: &[Level]) {
        set_levels(&mut self.bids, bids);
        set_levels(&mut self.asks, asks);
    }

    pub(super) fn best_bid(&self) -> Option<i64> {
        self.bids.last_key_value().map(|(&price, _)| price)
    }

    pub(super) fn best_ask(&self) -> Option<i64> {
        self.asks.first_key_value().map(|(&price, _)| price)
    }

    /// All bids and asks, best first.
    pub(super) fn levels(&self) -> (Vec<Level>, Vec<Level>) {
        let level = |(&price, &qty): (&i64, &i64)| (price, qty);
        (self.bids.iter().rev().map(level).collect(), self.asks.iter().map(level).collect())
    }

    /// The book with all prices moved by `shift`.
    pub(super) fn shifted(&self, shift: i64) -> Self {
        let moved = |ladder: &Ladder| ladder.iter().map(|(&price, &qty)| (price.saturating_add(shift), qty)).collect();
        Self { bids: moved(&self.bids), asks: moved(&self.asks) }
    }

    /// The levels that must be set to turn this book into `next`, best first on each side.
    pub(super) fn changes_to(&self, next: &Self) -> (Vec<Level>, Vec<Level>) {
        let mut bids = ladder_changes(&self.bids, &next.bids);
        bids.reverse();
        (bids, ladder_changes(&self.asks, &next.asks))
    }
}

fn set_levels(ladder: &mut Ladder, levels: &[Level]) {
    for &(price, qty) in levels {
        if qty == 0 {
            ladder.remove(&price);
        } else {
            ladder.insert(price, qty);
        }
    }
}

/// Changes from `before` to `after`, by rising price.
fn ladder_changes(before: &Ladder, after: &Ladder) -> Vec<Level> {
    let gone = before.keys().filter(|&price| !after.contains_key(price)).map(|&price| (price, 0));
    let new = after.iter().filter(|&(price, qty)| before.get(price) != Some(qty)).map(|(&price, &qty)| (price, qty));
    let mut changes: Vec<Level> = gone.chain(new).collect();
    changes.sort_unstable();
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_lead_from_one_book_to_the_other() {
        let a = Replay::of(&[(10, 1), (9, 2), (8, 3)], &[(12, 1)]);
        let b = Replay::of(&[(10, 1), (9, 5), (7, 3)], &[(11, 4), (12, 1)]);
        let (bids, asks) = a.changes_to(&b);
        assert_eq!((&bids[..], &asks[..]), (&[(9, 5), (8, 0), (7, 3)][..], &[(11, 4)][..]));
        let mut moved = a.clone();
        moved.update(&bids, &asks);
        assert_eq!(moved, b);
        assert_eq!(b.shifted(3).best_bid(), Some(13));
        assert_eq!((gcd(0, 12), gcd(-18, 12), gcd(0, 0)), (12, 6, 0));
    }
}
