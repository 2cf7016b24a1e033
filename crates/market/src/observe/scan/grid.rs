//! Samples of the book on the absolute time grid.

use super::prevailing::Prevailing;
use super::tape::Tape;
use crate::book::{Book, Knowledge, Touch};
use crate::event::Side;
use crate::observe::SILENCE_MAX_NS;
use crate::observe::frame::{Frame, Near, TapeRow, TapeSample, TapeTrade, TapeUpdate};
use crate::observe::registry::Needs;
use verismo_stats::carry;

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
    /// None where no observable reads it.
    tape: Option<Box<Tape>>,
    needs_updates: bool,
    needs_reach: bool,
    needs_near: bool,
    n_undefined: u64,
}

carry!(Grid: next_ns, stands_until_ns, updated_ns, prevailing);

impl Grid {
    pub(super) fn new(grid_ns: i64, needs: Needs) -> Self {
        Self {
            grid_ns,
            next_ns: None,
            stands_until_ns: 0,
            updated_ns: None,
            prevailing: Prevailing::new(grid_ns),
            tape: (needs.tape || needs.updates).then(Box::default),
            needs_updates: needs.updates,
            needs_reach: needs.reach,
            needs_near: needs.near,
            n_undefined: 0,
        }
    }

    /// Whether what levels lose in updates is asked for.
    pub(super) fn needs_updates(&self) -> bool {
        self.needs_updates
    }

    /// Takes the number of rows that the tape could not hold, or that came too late for it.
    pub(super) fn forgotten(&mut self) -> u64 {
        self.tape.as_mut().map_or(0, |tape| tape.forgotten())
    }

    /// Takes the number of grid times that were not sampled.
    pub(super) fn n_undefined(&mut self) -> u64 {
        std::mem::take(&mut self.n_undefined)
    }

    /// The tape, which goes on apart from the rest: only some observables read it.
    pub(super) fn tape(&mut self) -> Option<&mut Tape> {
        self.tape.as_deref_mut()
    }

    /// Forgets the grid: the next update starts it anew, and what lies between is not sampled.
    pub(super) fn stop(&mut self, frame: &mut Frame) {
        self.next_ns = None;
        self.updated_ns = None;
        self.prevailing.stop();
        self.break_tape(frame);
    }

    /// Nothing that reads trades with the book continues from here.
    pub(super) fn break_tape(&mut self, frame: &mut Frame) {
        if let Some(tape) = &mut self.tape {
            tape.end(&mut frame.tape);
            frame.tape.push(TapeRow::Break);
        }
    }

    /// The stream ends: what the tape holds leaves.
    pub(super) fn finish(&mut self, frame: &mut Frame) {
        if let Some(tape) = &mut self.tape {
            tape.end(&mut frame.tape);
        }
    }

    /// A trade, to be compared with the book that stands before it.
    #[inline]
    pub(super) fn trade(&mut self, trade: TapeTrade, frame: &mut Frame) {
        if self.next_ns.is_none() {
            return;
        }
        if trade.sign != 0 {
            self.prevailing.trade(trade.t_ns, trade.price, trade.sign, &mut frame.beyond_touch);
        }
        if let Some(tape) = &mut self.tape {
            tape.trade(trade, &mut frame.tape);
        }
    }

    /// An update ended at `t_ns` and left these best levels; levels lost `decreased` in it. For whoever asks for updates.
    pub(super) fn end_update(&mut self, t_ns: i64, touch: Option<Touch>, decreased: i64, frame: &mut Frame) {
        if let Some(tape) = &mut self.tape {
            let (bid, ask) = touch.map_or((0, 0), |touch| (touch.bid.price, touch.ask.price));
            tape.book(TapeRow::Update(TapeUpdate { t_ns, bid, ask, decreased }), t_ns, &mut frame.tape);
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
        if let Some(tape) = &mut self.tape {
            tape.advance(t_ns, &mut out.tape);
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
        let reach = self.needs_reach.then(|| [book.top(Side::Bid).reach(), book.top(Side::Ask).reach()]);
        let near = self.needs_near.then(|| [Side::Bid, Side::Ask].map(|side| Near::of(&book.top(side))));
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
            samples.reach.extend(reach);
            samples.near.extend(near);
            self.prevailing.sample(t_ns, &touch, &mut out.beyond_touch);
            if let Some(tape) = &mut self.tape {
                let Touch { bid, ask } = touch;
                let sample = TapeSample {
                    t_ns,
                    bid: bid.price,
                    ask: ask.price,
                    bid_qty: bid.qty,
                    ask_qty: ask.qty,
                    bid_qty_5: bids.qty_5,
                    ask_qty_5: asks.qty_5,
                };
                tape.book(TapeRow::Sample(sample), t_ns, &mut out.tape);
            }
        }
        self.n_undefined += (n_due - n_sampled) as u64;
    }
}
