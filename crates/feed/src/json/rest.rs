//! Rests between the files of a capture: what goes on from those before, and whether other files would have let it rest there, too.

use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader, put_u64};

use super::message::Clock;
use super::reader::{JsonReader, earliest_stamps};
use super::stream::StreamState;
use crate::block::{Rest, StreamName};
use crate::inventory::Source;

/// What a reader that rests needs to know, and what its rest depended on.
#[derive(Debug, Default)]
pub(super) struct Resting {
    /// Whether there is somebody who asks for rests.
    pub(super) is_wanted: bool,
    /// Whether it rests now.
    is_now: bool,
    /// The first source since the last rest, and the lines up to it.
    first: usize,
    lines: u64,
    /// The latest stamp since the last rest by which sources were merged.
    pub(super) key_max: Option<i64>,
}

/// What a rest depends on besides the bytes before it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Terms {
    key_max: Option<i64>,
    /// Whether each source since the last rest, but for the first, is of the session of the one before it.
    sessions: Vec<bool>,
    /// The next source, where it might have been merged with those before it: earliest and typical stamp, and whether it is broken.
    rival: Option<(i64, i64, bool)>,
}

carry!(Terms: key_max, sessions, rival);

impl Terms {
    /// Those on which a reader of these sources goes on from `first` to `next`.
    fn of(sources: &[Source], first: usize, next: usize, key_max: Option<i64>) -> Self {
        let read = sources.get(first..next).unwrap_or_default();
        let sessions = read.windows(2).map(|pair| pair[0].session == pair[1].session).collect();
        Self { key_max, sessions, rival: Self::rival(sources, next, key_max) }
    }

    fn rival(sources: &[Source], next: usize, key_max: Option<i64>) -> Option<(i64, i64, bool)> {
        let (before, behind) = sources.split_at_checked(next)?;
        let source = behind.first()?;
        let session = before.iter().rev().find(|source| source.problem.is_none())?.session;
        let earliest_ns = *earliest_stamps(behind).first()?;
        let is_rival = source.session == session && key_max.is_some_and(|key_max| earliest_ns <= key_max);
        is_rival.then_some((earliest_ns, source.onset().typical_ns, source.problem.is_some()))
    }
}

impl JsonReader {
    /// The same, resting between sources, from the rest before source `next` on.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that no reader has handed on.
    pub(crate) fn resting(mut self, next: usize, carry: &[u8]) -> Result<Self, DecodeError> {
        self.rest = Resting { is_wanted: true, first: next, ..Resting::default() };
        if next > 0 {
            self.next = next;
            let mut input = Reader::new("carry of a capture/1", carry);
            Terms::default().load(&mut input)?;
            self.load(&mut input)?;
            input.finish()?;
        }
        Ok(self)
    }

    /// Whether a reader that rested with this carry before source `next`, and before source `first` last, does so with these sources.
    pub(crate) fn rests_before(sources: &[Source], (first, next): (usize, usize), carry: &[u8]) -> bool {
        let mut then = Terms::default();
        let mut input = Reader::new("carry of a capture/1", carry);
        if then.load(&mut input).is_err() {
            return false;
        }
        // Without more it did not rest: it came to the end, and let go of the rows that waited.
        let is_allowed = next >= sources.len() || input.finish().is_err();
        is_allowed && then == Terms::of(sources, first, next, then.key_max)
    }

    /// Rests if it may: nothing is open, and nothing waits.
    pub(super) fn rest_if_due(&mut self) {
        let is_waiting = |(stream, state): (usize, &StreamState)| {
            state.pending.is_some() || (state.held.is_some() && !self.outbox.is_empty(stream))
        };
        self.rest.is_now = self.rest.is_wanted
            && self.cursors.is_empty()
            && self.nameless.is_empty()
            && !self.states.iter().enumerate().any(is_waiting);
        if self.rest.is_now {
            self.outbox.flush_all();
        }
    }

    pub(super) fn is_resting(&self) -> bool {
        self.rest.is_now
    }

    /// Lines since the last rest.
    pub(super) fn lines_since(&self) -> u64 {
        self.lines - self.rest.lines
    }

    /// Ends the rest; what it was.
    pub(super) fn take_rest(&mut self) -> Option<Rest> {
        let is_now = std::mem::take(&mut self.rest.is_now);
        if !self.rest.is_wanted || !(is_now || self.done) {
            return None;
        }
        let terms = Terms::of(&self.sources, self.rest.first, self.next, self.rest.key_max);
        let counters = self.counters.rest();
        let mut carry = Vec::new();
        terms.save(&mut carry);
        if is_now {
            self.save(&mut carry);
        }
        self.rest = Resting { is_wanted: true, first: self.next, lines: self.lines, ..Resting::default() };
        Some(Rest { sources: self.next, carry, counters })
    }
}

/// All that goes on while nothing is open and nothing waits.
impl Carry for JsonReader {
    fn save(&self, out: &mut Vec<u8>) {
        self.clock.save(out);
        put_u64(out, self.names.len() as u64);
        for (name, state) in self.names.iter().zip(&self.states) {
            name.symbol.save(out);
            state.save(out);
        }
        let mut streams: Vec<(&Vec<u8>, &usize)> = self.by_stream.iter().collect();
        streams.sort();
        put_u64(out, streams.len() as u64);
        for (name, index) in streams {
            put_u64(out, name.len() as u64);
            out.extend_from_slice(name);
            index.save(out);
        }
        self.counters.save_names(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.clock = Clock::default();
        self.clock.load(input)?;
        for index in 0..input.length("streams of a capture", 4)? {
            let mut symbol = String::new();
            symbol.load(input)?;
            let mut state = StreamState::new();
            state.load(input)?;
            self.by_symbol.insert(symbol.clone(), index);
            self.names.push(StreamName { venue: String::new(), symbol });
            self.states.push(state);
            self.outbox.add_stream();
        }
        for _ in 0..input.length("names of streams", 2)? {
            let n = input.length("the name of a stream", 1)?;
            let name = input.bytes("the name of a stream", n)?.to_vec();
            let mut index = 0_usize;
            index.load(input)?;
            if index >= self.names.len() {
                return Err(input.invalid("the stream of a name"));
            }
            self.by_stream.insert(name, index);
        }
        self.counters.load_names(input)
    }
}
