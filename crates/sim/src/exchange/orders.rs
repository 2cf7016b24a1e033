//! The market order by order.

use verismo_market::event::Side;
use verismo_market::message::{Body, RestingOrder};

use super::book::{Cancelled, OrderBook};
use crate::rng::mix;

/// One order in so many is taken back in two steps.
const IN_TWO_STEPS: u64 = 4;

/// What the feed of orders remembers.
#[derive(Debug, Clone, Default)]
pub(super) struct Tape {
    /// The snapshot to go before the next message.
    pub(super) snapshot: Option<Body>,
}

impl Tape {
    /// The part of a cancelled order that its owner took back first: half of it, for one order in four.
    pub(super) fn first_step(order: &Cancelled) -> Option<Cancelled> {
        let is_stepwise = mix(order.id as u64).is_multiple_of(IN_TWO_STEPS) && order.lots > 1;
        is_stepwise.then_some(Cancelled { lots: order.lots / 2, ..*order })
    }
}

/// All orders: bids then asks, best price first, oldest first.
pub(super) fn resting(book: &OrderBook, price: impl Fn(usize) -> i64, lot: i64) -> Vec<RestingOrder> {
    let bids = book.best_bid().into_iter().flat_map(|best| (0..=best).rev());
    let asks = book.best_ask().into_iter().flat_map(|best| best..book.width());
    let mut orders = Vec::new();
    for (side, tick) in bids.map(|tick| (Side::Bid, tick)).chain(asks.map(|tick| (Side::Ask, tick))) {
        let level = book.level(tick);
        let here = level.ids().iter().zip(level.orders());
        orders.extend(here.map(|(&id, &lots)| RestingOrder { id, side, price: price(tick), qty: lots * lot }));
    }
    orders
}
