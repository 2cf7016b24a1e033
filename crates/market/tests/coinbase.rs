//! The replay of a real full-channel capture reaches the real ending book exactly.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod support;

use serde_json::Value;
use support::coinbase::{OrderBook, Orders, orders, text};
use verismo_market::book::BookLevel;
use verismo_market::event::Side;

/// Price levels of an order list, best first.
fn levels(orders: &Orders, side: Side) -> Vec<BookLevel> {
    let mut sums = std::collections::BTreeMap::new();
    for order in orders.values().filter(|order| order.side == side) {
        *sums.entry(order.price).or_insert(0) += order.qty;
    }
    let mut levels: Vec<BookLevel> = sums.into_iter().map(|(price, qty)| BookLevel { price, qty }).collect();
    if side == Side::Bid {
        levels.reverse();
    }
    levels
}

#[test]
fn the_replay_reaches_the_ending_book_exactly() {
    let Some(data) = support::data("coinbase") else { return };
    let mut book = OrderBook::new(orders(&data.join("beginning_level_3.json.zst")));
    assert_eq!(book.orders.len(), 66_811);
    let mut n_crossed = 0;
    for line in text(&data.join("messages.jsonl.zst")).lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        book.apply(&message);
        n_crossed += u32::from(book.book.touch().unwrap().is_crossed());
    }
    let ending = orders(&data.join("ending_level_3.json.zst"));
    assert_eq!(ending.len(), 66_833);
    assert!(book.orders == ending, "orders differ");
    for side in [Side::Bid, Side::Ask] {
        let want = levels(&ending, side);
        assert_eq!(book.book.len(side), want.len());
        assert!(book.book.levels(side).eq(want.iter().copied()), "{side:?} levels differ");
    }
    assert_eq!((n_crossed, book.book.levels_dropped()), (0, 0));
    println!("{} orders on {} + {} levels", ending.len(), book.book.len(Side::Bid), book.book.len(Side::Ask));
}
