//! Trades and the book in one sequence by time.
//!
//! Each kind arrives in the order of its own clock, and one may lag the other. Rows are held back until nothing that belongs before
//! them can come any more, so that arrival makes no difference: a trade waits until the book has reached its time, the book
//! waits for trades, for five seconds of event time at most.

use crate::observe::SECOND_NS;
use crate::observe::frame::{TapeRow, TapeTrade};
use std::collections::VecDeque;
use verismo_stats::carry;

/// How long the book waits for trades of its time.
const SLACK_NS: i64 = 5 * SECOND_NS;
/// Most rows of a kind that wait; a trade on top is forgotten, and the book goes on without waiting.
const WAITING_MAX: usize = 65_536;

/// What waits to leave in the order of time.
#[derive(Debug)]
pub(super) struct Tape {
    trades: VecDeque<TapeTrade>,
    /// Time and row, ascending.
    book: VecDeque<(i64, TapeRow)>,
    /// All of the book before this time has come.
    book_ns: i64,
    /// All trades before this time have come.
    trades_ns: i64,
    /// Time of the last row of the book that left.
    left_ns: i64,
    forgotten: u64,
}

impl Default for Tape {
    fn default() -> Self {
        let none = i64::MIN;
        let (trades, book) = (VecDeque::new(), VecDeque::new());
        Self { trades, book, book_ns: none, trades_ns: none, left_ns: none, forgotten: 0 }
    }
}

carry!(Tape: trades, book, book_ns, trades_ns, left_ns);

impl Tape {
    /// Takes the number of trades that could not be held, or that came too late.
    pub(super) fn forgotten(&mut self) -> u64 {
        std::mem::take(&mut self.forgotten)
    }

    #[inline]
    pub(super) fn trade(&mut self, trade: TapeTrade, out: &mut Vec<TapeRow>) {
        if trade.t_ns <= self.left_ns || self.trades.len() >= WAITING_MAX {
            self.forgotten += 1;
            return;
        }
        self.trades_ns = trade.t_ns;
        self.trades.push_back(trade);
        self.drain(out);
    }

    /// A row of the book, not before any other of it.
    #[inline]
    pub(super) fn book(&mut self, row: TapeRow, t_ns: i64, out: &mut Vec<TapeRow>) {
        self.book.push_back((t_ns, row));
        if self.book.len() > WAITING_MAX {
            self.drain(out);
        }
    }

    /// All of the book before this time has come.
    #[inline]
    pub(super) fn advance(&mut self, t_ns: i64, out: &mut Vec<TapeRow>) {
        self.book_ns = t_ns;
        self.drain(out);
    }

    /// Lets everything leave; what comes next may have any time.
    pub(super) fn end(&mut self, out: &mut Vec<TapeRow>) {
        (self.book_ns, self.trades_ns) = (i64::MAX, i64::MAX);
        self.drain(out);
        *self = Self { forgotten: self.forgotten, ..Self::default() };
    }

    /// Every turn lets a row leave.
    fn drain(&mut self, out: &mut Vec<TapeRow>) {
        loop {
            let (trade_ns, book_ns) = (self.trades.front().map(|trade| trade.t_ns), self.book.front().map(|row| row.0));
            let is_trade = match (trade_ns, book_ns) {
                (Some(trade_ns), Some(book_ns)) => trade_ns <= book_ns,
                (Some(trade_ns), None) if trade_ns <= self.book_ns => true,
                (None, Some(book_ns)) if self.cannot_wait(book_ns) => false,
                _ => return,
            };
            if is_trade {
                out.extend(self.trades.pop_front().map(TapeRow::Trade));
            } else if let Some((t_ns, row)) = self.book.pop_front() {
                self.left_ns = t_ns;
                out.push(row);
            }
        }
    }

    /// No trade can come before this row of the book, or it has waited long enough.
    #[inline]
    fn cannot_wait(&self, book_ns: i64) -> bool {
        book_ns < self.trades_ns || book_ns < self.book_ns.saturating_sub(SLACK_NS) || self.book.len() > WAITING_MAX
    }
}
