//! Samples of the book on the absolute time grid.

use crate::book::{Book, Knowledge};
use crate::event::Side;
use crate::observe::SILENCE_MAX_NS;
use crate::observe::frame::Samples;

/// Levels of a side in the wider sums.
const LEVELS: usize = 5;

/// The next grid time to sample.
#[derive(Debug)]
pub(super) struct Grid {
    grid_ns: i64,
    next_ns: Option<i64>,
    /// Until when the book stands unless an update comes.
    stands_until_ns: i64,
    n_undefined: u64,
}

impl Grid {
    pub(super) fn new(grid_ns: i64) -> Self {
        Self { grid_ns, next_ns: None, stands_until_ns: 0, n_undefined: 0 }
    }

    pub(super) fn n_undefined(&self) -> u64 {
        self.n_undefined
    }

    /// Forgets the grid: the next update starts it anew, and what lies between is not sampled.
    pub(super) fn stop(&mut self) {
        self.next_ns = None;
    }

    /// An update at `t_ns` is about to be applied: samples the standing book at all grid times before it.
    #[inline]
    pub(super) fn advance(&mut self, t_ns: i64, book: &Book, known: &Knowledge, out: &mut Samples) {
        match self.next_ns {
            // The first grid time that is not before the update.
            None => self.next_ns = Some(t_ns + (-t_ns).rem_euclid(self.grid_ns)),
            Some(next_ns) if next_ns < t_ns => self.sample(next_ns, t_ns, book, known, out),
            Some(_) => {}
        }
        self.stands_until_ns = t_ns + SILENCE_MAX_NS;
    }

    /// Samples grid times from `next_ns`, before `end_ns`.
    fn sample(&mut self, next_ns: i64, end_ns: i64, book: &Book, known: &Knowledge, out: &mut Samples) {
        let n_due = (end_ns - next_ns + self.grid_ns - 1) / self.grid_ns;
        let stands_ns = self.stands_until_ns - next_ns;
        let n_standing = if stands_ns < 0 { 0 } else { stands_ns / self.grid_ns + 1 }.min(n_due);
        self.next_ns = Some(next_ns + n_due * self.grid_ns);
        let Some(touch) = book.touch() else {
            self.n_undefined += n_due as u64;
            return;
        };
        let (bid_qty_5, ask_qty_5) = (book.top_qty(Side::Bid, LEVELS), book.top_qty(Side::Ask, LEVELS));
        let mut n_sampled = 0;
        for i in 0..n_standing {
            let t_ns = next_ns + i * self.grid_ns;
            if !known.is_known(t_ns) {
                continue;
            }
            n_sampled += 1;
            out.t_ns.push(t_ns);
            out.bid.push(touch.bid.price);
            out.ask.push(touch.ask.price);
            out.bid_qty.push(touch.bid.qty);
            out.ask_qty.push(touch.ask.qty);
            out.bid_qty_5.push(bid_qty_5);
            out.ask_qty_5.push(ask_qty_5);
        }
        self.n_undefined += (n_due - n_sampled) as u64;
    }
}
