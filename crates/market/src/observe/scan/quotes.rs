//! The venue's own best quotes against the replayed book.

use super::Row;
use super::depth::Depth;
use crate::book::{BookLevel, Touch};
use crate::event::{NO_ID, Side, flags};
use crate::observe::QuoteCheck;
use std::collections::VecDeque;
use verismo_stats::carry;

/// Quotes held until the book reaches their id: some seconds of a busy feed.
const HELD_MAX: usize = 4096;

/// Compares quotes with the book where both have the same update id, whichever arrives first.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    bid: Option<BookLevel>,
    ask: Option<BookLevel>,
    /// Ids ahead of the book, ascending.
    held: VecDeque<(i64, Touch)>,
    check: QuoteCheck,
}

carry!(Quotes: bid, ask, held);

impl Quotes {
    pub(super) fn start_session(&mut self) {
        self.held.clear();
        (self.bid, self.ask) = (None, None);
    }

    /// Takes what was compared.
    pub(super) fn check(&mut self) -> QuoteCheck {
        std::mem::take(&mut self.check)
    }

    pub(super) fn row(&mut self, row: Row<'_>, depth: &Depth) {
        let (batch, i) = (row.batch, row.i);
        let level = BookLevel { price: batch.price[i], qty: batch.qty[i] };
        match batch.side[i] {
            Side::Bid => self.bid = Some(level),
            Side::Ask => self.ask = Some(level),
            Side::None => {}
        }
        if batch.flags[i] & flags::LAST_OF_UPDATE == 0 {
            return;
        }
        let (bid, ask) = (self.bid.take(), self.ask.take());
        let (Some(bid), Some(ask), id) = (bid, ask, batch.id[i]) else { return };
        if id == NO_ID {
            return;
        }
        let touch = Touch { bid, ask };
        match depth.last_id() {
            Some(last) if id < last => {}
            Some(last) if id == last => self.compare(touch, depth.known_touch()),
            _ => self.hold(id, touch),
        }
    }

    /// The book has reached `id`.
    #[inline]
    pub(super) fn on_update(&mut self, id: i64, book: Option<Touch>) {
        while let Some(&(held_id, touch)) = self.held.front()
            && held_id <= id
        {
            self.held.pop_front();
            if held_id == id {
                self.compare(touch, book);
            }
        }
    }

    fn hold(&mut self, id: i64, touch: Touch) {
        if self.held.back().is_some_and(|&(last, _)| id <= last) {
            return;
        }
        if self.held.len() == HELD_MAX {
            self.held.pop_front();
        }
        self.held.push_back((id, touch));
    }

    fn compare(&mut self, quote: Touch, book: Option<Touch>) {
        if let Some(book) = book {
            self.check.compared += 1;
            self.check.mismatched += u64::from(book != quote);
        }
    }
}
