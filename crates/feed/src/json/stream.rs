//! What the reader knows of one stream: ids seen, times, whether it still waits for its snapshot.

use std::collections::VecDeque;

use verismo_market::event::{NO_ID, NO_TIME};
use verismo_stats::carry;

use super::snapshot::PendingSnapshot;
use crate::epoch::EpochUnit;

/// Message classes with an id sequence of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sequence {
    Trades,
    Depth,
    Quotes,
}

/// Messages a stream is held back at the start of a session while its REST snapshot may still come.
///
/// Recorders ask for the snapshot when they start; in the captures at hand it comes within 55 lines.
pub(crate) const HOLD_MESSAGES_MAX: usize = 2_000;
/// Rows held back at most.
pub(crate) const HOLD_ROWS_MAX: usize = 1 << 16;

/// Ids remembered to recognise what another capture has already delivered; the lag between two captures on one machine is far shorter.
const SEEN_MAX: usize = 4_096;
/// Those of them that are remembered when no file is open: the next ones may still deliver what came within their lag.
const SEEN_BETWEEN: usize = 256;

#[derive(Debug)]
pub(crate) struct StreamState {
    pub(crate) unit: Option<EpochUnit>,
    /// Exchange time of the latest message that had one.
    pub(crate) exchange_ns: i64,
    exchange_ns_max: i64,
    /// Set while the rows are held back for a snapshot; counts the messages held.
    pub(crate) held: Option<usize>,
    pub(crate) has_diffs: bool,
    /// First and latest update id of the book in this session.
    pub(crate) first_book_id: i64,
    pub(crate) book_id: i64,
    /// A snapshot of the stream that came before anything told its time.
    pub(crate) pending: Option<Box<PendingSnapshot>>,
    /// The next row starts a new session.
    pub(crate) starts_session: bool,
    pub(crate) has_events: bool,
    sequences: [SequenceState; 3],
    /// Everything up to this exchange time was covered by earlier sessions.
    covered_ns: i64,
}

#[derive(Debug, Default)]
struct SequenceState {
    id_max: i64,
    covered_id: i64,
    seen: VecDeque<(i64, i64, u32)>,
}

carry!(SequenceState: id_max, covered_id, seen);

// All but a snapshot that waits: with one there is no rest.
carry!(
    StreamState: unit, exchange_ns, exchange_ns_max, held, has_diffs, first_book_id, book_id, starts_session, has_events, sequences,
    covered_ns,
);

impl StreamState {
    pub(crate) fn new() -> Self {
        let sequence = || SequenceState { id_max: NO_ID, covered_id: NO_ID, seen: VecDeque::new() };
        Self {
            unit: None,
            exchange_ns: NO_TIME,
            exchange_ns_max: NO_TIME,
            held: Some(0),
            has_diffs: false,
            first_book_id: NO_ID,
            book_id: NO_ID,
            pending: None,
            starts_session: false,
            has_events: false,
            sequences: [sequence(), sequence(), sequence()],
            covered_ns: NO_TIME,
        }
    }

    /// Forgets most of what was delivered: no file is open.
    pub(crate) fn forget_most(&mut self) {
        for SequenceState { seen, .. } in &mut self.sequences {
            seen.drain(..seen.len().saturating_sub(SEEN_BETWEEN));
        }
    }

    pub(crate) fn start_session(&mut self) {
        self.starts_session = self.has_events;
        self.held = Some(0);
        self.has_diffs = false;
        self.first_book_id = NO_ID;
        self.book_id = NO_ID;
        self.covered_ns = self.exchange_ns_max;
        for sequence in &mut self.sequences {
            sequence.covered_id = sequence.id_max;
            sequence.seen.clear();
        }
    }

    /// Notes the ids of a book update.
    #[inline]
    pub(crate) fn see_update(&mut self, first_id: i64, last_id: i64) {
        if self.first_book_id == NO_ID {
            self.first_book_id = if first_id == NO_ID { last_id } else { first_id };
        }
        self.book_id = self.book_id.max(last_id);
    }

    /// Whether a snapshot of this id lies within the updates of this session.
    pub(crate) fn has_around(&self, id: i64) -> bool {
        self.first_book_id != NO_ID && self.first_book_id <= id.saturating_add(1) && id <= self.book_id
    }

    /// Notes the exchange time of a message.
    #[inline]
    pub(crate) fn see_time(&mut self, exchange_ns: i64) {
        if exchange_ns != NO_TIME {
            self.exchange_ns = exchange_ns;
            self.exchange_ns_max = self.exchange_ns_max.max(exchange_ns);
        }
    }

    /// Whether another capture has delivered this message already; if not, it is remembered.
    ///
    /// Two cases. A session on another clock comes after the earlier ones as a whole: what lies within their ids and their time is theirs.
    /// Captures on one clock are merged by receive time: what one of them has delivered goes when another, its `lineage` tells, delivers it
    /// again with another receive stamp. What a capture itself says twice stays, to be counted.
    #[inline]
    pub(crate) fn is_delivered(
        &mut self,
        which: Sequence,
        id: i64,
        exchange_ns: i64,
        receive_ns: i64,
        lineage: u32,
        remember: bool,
    ) -> bool {
        if id == NO_ID {
            return false;
        }
        let exchange_ns = if exchange_ns == NO_TIME { self.exchange_ns } else { exchange_ns };
        let sequence = &mut self.sequences[which as usize];
        if id <= sequence.covered_id && exchange_ns <= self.covered_ns {
            return true;
        }
        if !remember {
            sequence.id_max = sequence.id_max.max(id);
            return false;
        }
        let mut is_copy = false;
        if id > sequence.id_max {
            sequence.id_max = id;
        } else {
            let mut is_own = false;
            for &(_, at, from) in sequence.seen.iter().filter(|(seen, ..)| *seen == id) {
                is_own |= from == lineage;
                is_copy |= from != lineage && at != receive_ns;
            }
            is_copy &= !is_own;
        }
        if sequence.seen.len() == SEEN_MAX {
            sequence.seen.pop_front();
        }
        sequence.seen.push_back((id, receive_ns, lineage));
        is_copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_from_another_capture_goes_and_an_own_duplicate_stays() {
        let mut state = StreamState::new();
        let mut see = |id, receive, lineage| state.is_delivered(Sequence::Trades, id, 5, receive, lineage, true);
        assert!(!see(1, 100, 0));
        assert!(see(1, 101, 1), "another capture's copy");
        assert!(!see(1, 100, 1), "the same line cut into another file");
        assert!(!see(1, 102, 0), "the same file says it twice");
        assert!(!see(1, 103, 1), "so does the other");
        assert!(!see(3, 103, 0));
        assert!(!see(3, 103, 1), "the very same line dealt to another file");
        assert!(!see(2, 104, 1), "what the other capture missed is kept");
    }

    #[test]
    fn a_later_session_is_cut_where_the_earlier_one_ends() {
        let mut state = StreamState::new();
        for id in 1..=10 {
            state.see_time(id * 100);
            state.has_events = true;
            assert!(!state.is_delivered(Sequence::Depth, id, id * 100, NO_TIME, 0, false));
        }
        state.start_session();
        assert!(state.starts_session);
        assert!(state.is_delivered(Sequence::Depth, 10, 1000, NO_TIME, 1, false));
        assert!(!state.is_delivered(Sequence::Depth, 11, 1100, NO_TIME, 1, false));
        assert!(
            !state.is_delivered(Sequence::Depth, 3, 5000, NO_TIME, 1, false),
            "an id from before at a later time is no copy"
        );
        assert!(!state.is_delivered(Sequence::Trades, 3, 300, NO_TIME, 1, false), "trades have ids of their own");
    }
}
