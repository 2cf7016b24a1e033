//! Rests between the files of a capture and inside long ones: what goes on from what was read, and whether other files would have let it
//! rest there, too.

use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader, put_u64};

use super::cursor::{Bookmark, Cursor};
use super::message::Clock;
use super::reader::{JsonReader, earliest_stamps};
use super::stream::StreamState;
use crate::block::{Rest, Spot, StreamName};
use crate::counters::checks;
use crate::input::{self, LineReader};
use crate::inventory::{Source, segment_end};

/// What a reader that rests needs to know, and what its rest depended on.
#[derive(Debug, Default)]
pub(super) struct Resting {
    /// Whether there is somebody who asks for rests.
    pub(super) is_wanted: bool,
    /// Whether it rests now.
    is_now: bool,
    /// The first source since the last rest, and the lines up to there.
    first: usize,
    lines: u64,
    /// The latest stamp since the last rest by which sources were merged.
    pub(super) key_max: Option<i64>,
}

/// When a reader stops inside the file that is open.
#[derive(Debug)]
pub(super) struct Inside {
    segment_bytes: u64,
    /// Where in the file it was read from.
    start: u64,
    /// Before the first line that ends behind so many bytes.
    due: u64,
}

/// Streams for which a segment is long enough: what a piece holds of each is the same for a short one.
const STREAMS_A_SEGMENT: u64 = 64;
/// Where it may not stop, a reader looks again after so many parts of a segment, and not at every line.
const LOOKS: u64 = 16;

impl Default for Inside {
    fn default() -> Self {
        Self::every(0)
    }
}

impl Inside {
    pub(super) fn every(segment_bytes: u64) -> Self {
        Self { segment_bytes, start: 0, due: u64::MAX }
    }

    /// The file that is open is now read from here on.
    pub(super) fn begins(&mut self, source: &Source, offset: u64) {
        let bytes = source.segment_bytes(self.segment_bytes);
        (self.start, self.due) = (offset, bytes.map_or(u64::MAX, |bytes| segment_end(offset, bytes)));
    }

    /// It may not stop here.
    fn goes_on(&mut self, line_end: u64) {
        self.due = line_end.max(self.due).saturating_add(self.segment_bytes / LOOKS);
    }

    /// Whether a piece up to here is long enough for so many streams.
    fn is_worth_it(&self, line_end: u64, streams: usize) -> bool {
        let segments = (streams as u64).div_ceil(STREAMS_A_SEGMENT);
        segments < 2 || line_end.saturating_sub(self.start) >= self.segment_bytes.saturating_mul(segments)
    }

    #[inline]
    pub(super) fn is_due(&self, line_end: u64) -> bool {
        line_end > self.due
    }
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
    /// The same, resting between sources and inside them, from the rest at a place on.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that no reader has handed on.
    pub(crate) fn resting(mut self, at: Spot, carry: &[u8]) -> Result<Self, DecodeError> {
        self.rest = Resting { is_wanted: true, first: at.source, ..Resting::default() };
        if at > Spot::default() {
            self.next = at.source;
            let mut input = Reader::new("carry of a capture/1", carry);
            Terms::default().load(&mut input)?;
            self.load(&mut input)?;
            let mut bookmark = Bookmark::default();
            if at.offset > 0 {
                bookmark.load(&mut input)?;
            }
            input.finish()?;
            if at.offset > 0 {
                self.go_on_inside(at.offset, &bookmark);
            }
        }
        Ok(self)
    }

    /// Opens the next file at a line.
    fn go_on_inside(&mut self, offset: u64, bookmark: &Bookmark) {
        let index = self.next as u32;
        let Some(source) = self.sources.get(self.next) else { return };
        self.next += 1;
        self.session = source.session;
        self.inside.begins(source, offset);
        match input::open_source_at(source, offset, self.consumed.clone()) {
            Ok(bytes) => {
                let lines = LineReader::new(bytes, source.limits.line_bytes).behind(offset);
                let mut cursor = Cursor::at_bookmark(index, bookmark, lines);
                if cursor.advance(&mut self.counts(index)) {
                    self.cursors.push(cursor);
                }
            }
            Err(error) => {
                let detail = format!("cannot be opened: {error}");
                self.counters.hit(checks::TRUNCATED_FILE, &self.labels[index as usize], 0, || detail);
            }
        }
    }

    /// Whether a reader that rested with this carry at a place, and before or in source `first` last, does so with these sources.
    pub(crate) fn rests_at(sources: &[Source], first: usize, at: Spot, carry: &[u8]) -> bool {
        let mut then = Terms::default();
        let mut input = Reader::new("carry of a capture/1", carry);
        if then.load(&mut input).is_err() {
            return false;
        }
        let next = at.source + usize::from(at.offset > 0);
        // Without more it did not rest: it came to the end, and let go of the rows that waited.
        let is_allowed = at.source >= sources.len() || input.finish().is_err();
        is_allowed && then == Terms::of(sources, first, next, then.key_max)
    }

    /// Rests if it may: nothing is open, and nothing waits.
    pub(super) fn rest_if_due(&mut self) {
        if self.cursors.is_empty() && !self.is_waiting() {
            self.rest_now();
        }
    }

    /// Whether something that was read waits for what comes.
    fn is_waiting(&self) -> bool {
        let waits = |(stream, state): (usize, &StreamState)| {
            state.pending.is_some() || (state.held.is_some() && !self.outbox.is_empty(stream))
        };
        !self.nameless.is_empty() || self.states.iter().enumerate().any(waits)
    }

    /// Stops before the current line of the only open file if none behind it was due before, and rests there if that is wanted.
    pub(super) fn stop_inside_if_may(&mut self) {
        let [cursor] = &self.cursors[..] else { return };
        let index = cursor.source as usize;
        let rival = self.sources.get(self.next).zip(self.earliest_ns.get(self.next));
        let has_rival = rival
            .is_some_and(|(source, earliest)| source.session == self.session && Some(*earliest) <= self.rest.key_max);
        let line_end = cursor.end();
        let is_alone = index + 1 == self.next && !has_rival && self.inside.is_worth_it(line_end, self.states.len());
        let bookmark = cursor.bookmark().filter(|_| is_alone && !self.is_waiting());
        let Some((start, _)) = bookmark else { return self.inside.goes_on(line_end) };
        self.inside.begins(&self.sources[index], start);
        // As where no file is open, so that rests, and how long files are, change nothing.
        self.states.iter_mut().for_each(StreamState::forget_most);
        self.rest_now();
    }

    /// Rests if that is wanted; what depends on where it might have rested is the same if it is not.
    fn rest_now(&mut self) {
        self.rest.is_now = self.rest.is_wanted;
        if self.rest.is_now {
            self.outbox.flush_all();
        } else {
            self.rest.key_max = None;
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
        let mut spot = Spot::before(self.next);
        if is_now {
            self.save(&mut carry);
            if let Some((offset, bookmark)) = self.cursors.first().and_then(Cursor::bookmark) {
                spot = Spot { source: self.next - 1, offset };
                bookmark.save(&mut carry);
            }
        }
        self.rest = Resting { is_wanted: true, first: spot.source, lines: self.lines, ..Resting::default() };
        Some(Rest { spot, carry, counters })
    }
}

/// All that goes on where nothing waits, but for where in a file that is.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_may_not_stop_it_looks_again_later_and_many_streams_make_long_pieces() {
        let mut inside = Inside { segment_bytes: 1_600, start: 100, due: 1_600 };
        assert!(!inside.is_due(1_600) && inside.is_due(1_601));
        inside.goes_on(1_650);
        assert!(!inside.is_due(1_750) && inside.is_due(1_751), "a sixteenth of a segment later");
        inside.goes_on(1_700);
        assert_eq!(inside.due, 1_850);
        for (streams, segments) in [(0, 0), (64, 0), (65, 2), (1_000, 16)] {
            let least = 100 + 1_600 * segments;
            assert!(inside.is_worth_it(least, streams), "{streams}");
            assert_eq!(inside.is_worth_it(least - 1, streams), segments == 0, "{streams}");
        }
        assert!(!Inside::default().is_due(u64::MAX), "without segments never");
    }
}
