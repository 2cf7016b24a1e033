//! How a reader rests between files that follow each other in time.

use verismo_market::event::NO_TIME;
use verismo_stats::state::{Carry, DecodeError, Reader};

use crate::block::{Rest, Spot};
use crate::counters::FeedCounters;

/// Whether a reader rests, and what every carry of one starts with: the latest time that was read, and the unknown streams.
#[derive(Debug)]
pub(crate) struct Rests {
    is_wanted: bool,
    is_resting: bool,
    /// The latest time that was read.
    last_ns: i64,
    /// Messages before the last rest.
    before: u64,
}

impl Rests {
    pub(crate) fn new() -> Self {
        Self { is_wanted: false, is_resting: false, last_ns: NO_TIME, before: 0 }
    }

    /// Rests from now on, and goes on before file `next`; where that is not the first, `load` takes up what the reader saved there.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that [`Self::rest`] has not given.
    pub(crate) fn go_on(
        &mut self,
        next: usize,
        carry: &[u8],
        counters: &mut FeedCounters,
        load: impl FnOnce(&mut Reader<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.is_wanted = true;
        if next == 0 {
            return Ok(());
        }
        let mut input = carry_of(carry);
        self.last_ns.load(&mut input)?;
        counters.load_names(&mut input)?;
        load(&mut input)?;
        input.finish()
    }

    /// Whether all that was read up to the rest with this carry lies before a file of this first time.
    pub(crate) fn was_over_before(carry: &[u8], start_ns: i64) -> bool {
        let mut last_ns = NO_TIME;
        last_ns.load(&mut carry_of(carry)).is_ok() && last_ns < start_ns
    }

    /// The same of all that was read by now.
    pub(crate) fn is_over_before(&self, start_ns: i64) -> bool {
        self.last_ns < start_ns
    }

    /// A message of this time was read.
    #[inline]
    pub(crate) fn see(&mut self, t_ns: i64) {
        self.last_ns = self.last_ns.max(t_ns);
    }

    /// The files that were opened are over: rests, if that is wanted.
    pub(crate) fn pause(&mut self) {
        self.is_resting = self.is_wanted;
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.is_resting
    }

    /// How many of so many messages came since the last rest.
    pub(crate) fn since(&self, messages: u64) -> u64 {
        messages - self.before
    }

    /// Takes the rest that a reader of so many messages stands at, before file `next`; `save` appends what it goes on with.
    pub(crate) fn rest(
        &mut self,
        (next, messages): (usize, u64),
        counters: &mut FeedCounters,
        save: impl FnOnce(&mut Vec<u8>),
    ) -> Option<Rest> {
        if !self.is_resting {
            return None;
        }
        (self.is_resting, self.before) = (false, messages);
        let mut carry = Vec::new();
        self.last_ns.save(&mut carry);
        counters.save_names(&mut carry);
        save(&mut carry);
        Some(Rest { spot: Spot::before(next), carry, counters: counters.rest() })
    }
}

fn carry_of(bytes: &[u8]) -> Reader<'_> {
    Reader::new("carry of a reader/1", bytes)
}
