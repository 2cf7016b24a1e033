//! Samples of the book on the absolute time grid.

use super::prevailing::Prevailing;
use crate::book::{Book, Knowledge};
use crate::event::Side;
use crate::observe::SILENCE_MAX_NS;
use crate::observe::frame::Frame;

/// The next grid time to sample.
#[derive(Debug)]
pub(super) struct Grid {
    grid_ns: i64,
    next_ns: Option<i64>,
    /// Until when the book stands unless an update comes.
    stands_until_ns: i64,
    /// Time of the last update; of the first snapshot, before there is one.
    updated_ns: Option<i64>,
    prevailing: Prevailing,
    n_undefined: u64,
}

impl Grid {
    pub(super) fn new(grid_ns: i64) -> Self {
        let prevailing = Prevailing::new(grid_ns);
        Self { grid_ns, next_ns: None, stands_until_ns: 0, updated_ns: None, prevailing, n_undefined: 0 }
    }

    pub(super) fn n_undefined(&self) -> u64 {
        self.n_undefined
    }

    /// Forgets the grid: the next update starts it anew, and what lies between is not sampled.
    pub(super) fn stop(&mut self) {
        self.next_ns = None;
        self.updated_ns = None;
        self.prevailing.stop();
    }

    /// A trade at `t_ns` by an aggressor of this sign, to be compared with the book that stands before it.
    #[inline]
    pub(super) fn trade(&mut self, t_ns: i64, price: i64, sign: i64, frame: &mut Frame) {
        if sign != 0 && self.next_ns.is_some() {
            self.prevailing.trade(t_ns, price, sign, &mut frame.beyond_touch);
        }
    }

    /// An update at `t_ns` is about to be applied: samples the standing book at all grid times before it.
    #[inline]
    pub(super) fn advance(&mut self, t_ns: i64, book: &Book, known: &Knowledge, out: &mut Frame) {
        match self.next_ns {
            // The first grid time that is not before the update.
            None => self.next_ns = Some(t_ns + (-t_ns).rem_euclid(self.grid_ns)),
            Some(next_ns) if next_ns < t_ns => self.sample(next_ns, t_ns, book, known, out),
            Some(_) => {}
        }
        self.stands_until_ns = t_ns + SILENCE_MAX_NS;
    }

    /// The book is set or changed at `t_ns`. A snapshot is no change: a source that repeats them must not look fresher.
    #[inline]
    pub(super) fn begin_update(&mut self, t_ns: i64, is_snapshot: bool) {
        if !is_snapshot || self.updated_ns.is_none() {
            self.updated_ns = Some(t_ns);
        }
    }

    /// Samples grid times from `next_ns`, before `end_ns`.
    fn sample(&mut self, next_ns: i64, end_ns: i64, book: &Book, known: &Knowledge, out: &mut Frame) {
        let n_due = (end_ns - next_ns + self.grid_ns - 1) / self.grid_ns;
        let stands_ns = self.stands_until_ns - next_ns;
        let n_standing = if stands_ns < 0 { 0 } else { stands_ns / self.grid_ns + 1 }.min(n_due);
        self.next_ns = Some(next_ns + n_due * self.grid_ns);
        let Some(touch) = book.touch() else {
            self.n_undefined += n_due as u64;
            return;
        };
        let (bids, asks) = (book.depths(Side::Bid), book.depths(Side::Ask));
        let updated_ns = self.updated_ns.unwrap_or(next_ns);
        let mut n_sampled = 0;
        for i in 0..n_standing {
            let t_ns = next_ns + i * self.grid_ns;
            if !known.is_known(t_ns) {
                continue;
            }
            n_sampled += 1;
            let samples = &mut out.samples;
            samples.t_ns.push(t_ns);
            samples.bid.push(touch.bid.price);
            samples.ask.push(touch.ask.price);
            samples.bid_qty.push(touch.bid.qty);
            samples.ask_qty.push(touch.ask.qty);
            samples.bids.push(bids);
            samples.asks.push(asks);
            samples.updated_ns.push(updated_ns);
            self.prevailing.sample(t_ns, &touch, &mut out.beyond_touch);
        }
        self.n_undefined += (n_due - n_sampled) as u64;
    }
}
