//! Times: the range that is believed, clocks that never run backwards, and the merge of trades with book updates.

use super::frame::Events;
use super::{SECOND_NS, SILENCE_MAX_NS};
use std::collections::VecDeque;
use verismo_stats::carry;

/// 1990-01-01 UTC, ns.
pub const TIME_MIN_NS: i64 = 631_152_000 * SECOND_NS;
/// 2100-01-01 UTC, ns; not included.
pub const TIME_MAX_NS: i64 = 4_102_444_800 * SECOND_NS;

/// Consecutive rows far behind the clock after which the clock, not the rows, is held to be wrong. One stamp that jumps
/// ahead must not pin everything after it to its time.
const RESTART_ROWS: u32 = 64;

/// How far arrival order may differ from time order between trades and updates before it shows in merged series, ns.
const MERGE_SLACK_NS: i64 = SECOND_NS;
/// Most events held back for the merge.
const MERGE_ROWS_MAX: usize = 65_536;

/// The time floored to the clock, if it lies in the believed range.
#[inline]
pub(super) fn usable_time(t_ns: i64, clock_ns: i64) -> Option<i64> {
    let is_usable = (TIME_MIN_NS..TIME_MAX_NS).contains(&t_ns);
    is_usable.then(|| if clock_ns == 1 { t_ns } else { t_ns - t_ns % clock_ns })
}

/// The clock of one kind of rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KindClock {
    now_ns: Option<i64>,
    n_behind: u32,
}

/// One step of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// The time to observe the row at.
    pub(super) t_ns: i64,
    /// The clock was set back: nothing continues across this row.
    pub(super) restarted: bool,
}

carry!(KindClock: now_ns, n_behind);

impl KindClock {
    /// The time of the last row, if any.
    pub(super) fn now_ns(&self) -> Option<i64> {
        self.now_ns
    }

    /// Starts anew: the next row sets the clock.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    #[inline]
    pub(super) fn step(&mut self, t_ns: i64) -> Step {
        let now = self.now_ns.unwrap_or(t_ns);
        if t_ns >= now {
            self.now_ns = Some(t_ns);
            self.n_behind = 0;
            return Step { t_ns, restarted: false };
        }
        if now - t_ns <= SILENCE_MAX_NS {
            self.n_behind = 0;
            return Step { t_ns: now, restarted: false };
        }
        self.n_behind += 1;
        if self.n_behind < RESTART_ROWS {
            return Step { t_ns: now, restarted: false };
        }
        *self = Self { now_ns: Some(t_ns), n_behind: 0 };
        Step { t_ns, restarted: true }
    }
}

/// Merges the times of trades and book updates.
///
/// Each kind arrives in order of its own clock, but one may lag the other: a venue's depth message of 12.100 s can arrive
/// before the trade of 12.098 s, and in a file sorted by time it does not. Times are therefore held back for one second of
/// event time and leave in order, so that both tellings of the market give one series. A time later than that by more than
/// the slack leaves at the time of the last one that left.
#[derive(Debug, Clone, Default)]
pub struct EventMerge {
    held: VecDeque<i64>,
    left_ns: Option<i64>,
}

carry!(EventMerge: held, left_ns);

impl EventMerge {
    /// Adds one event; those that can no longer be overtaken are appended to `out`.
    #[inline]
    pub fn push(&mut self, t_ns: i64, out: &mut Events) {
        match self.held.back() {
            Some(&last) if t_ns < last => {
                let at = self.held.partition_point(|&held| held <= t_ns);
                self.held.insert(at, t_ns);
            }
            _ => self.held.push_back(t_ns),
        }
        let newest = self.held.back().copied().unwrap_or(t_ns);
        while let Some(&first) = self.held.front()
            && (first < newest - MERGE_SLACK_NS || self.held.len() > MERGE_ROWS_MAX)
        {
            self.held.pop_front();
            self.emit(first, out);
        }
    }

    /// Lets everything leave; the next event starts a new run.
    pub fn end_run(&mut self, out: &mut Events) {
        while let Some(t_ns) = self.held.pop_front() {
            self.emit(t_ns, out);
        }
        self.left_ns = None;
    }

    #[inline]
    fn emit(&mut self, t_ns: i64, out: &mut Events) {
        let t_ns = self.left_ns.map_or(t_ns, |left| t_ns.max(left));
        out.continues.push(self.left_ns.is_some());
        out.t_ns.push(t_ns);
        self.left_ns = Some(t_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_outside_the_range_are_not_believed() {
        assert_eq!(usable_time(TIME_MIN_NS - 1, 1), None);
        assert_eq!(usable_time(TIME_MAX_NS, 1), None);
        assert_eq!(usable_time(i64::MIN, 1_000), None);
        assert_eq!(usable_time(TIME_MIN_NS + 1_234, 1_000), Some(TIME_MIN_NS + 1_000));
    }

    #[test]
    fn a_clock_waits_for_late_rows_and_gives_up_on_a_wrong_jump() {
        let mut clock = KindClock::default();
        assert_eq!(clock.step(100), Step { t_ns: 100, restarted: false });
        assert_eq!(clock.step(90), Step { t_ns: 100, restarted: false });
        let jump = 100 + 86_400 * SECOND_NS;
        assert_eq!(clock.step(jump).t_ns, jump);
        for _ in 1..RESTART_ROWS {
            assert_eq!(clock.step(110), Step { t_ns: jump, restarted: false });
        }
        assert_eq!(clock.step(111), Step { t_ns: 111, restarted: true });
    }

    proptest! {
        #[test]
        fn the_merge_sorts_whatever_lags_by_less_than_the_slack(
            steps in proptest::collection::vec((0i64..400_000_000, 0i64..900_000_000), 1..200),
        ) {
            let mut merge = EventMerge::default();
            let mut out = Events::default();
            let mut now = 0;
            let mut all: Vec<i64> = Vec::new();
            for (step, lag) in steps {
                now += step;
                all.push(now - lag);
                merge.push(now - lag, &mut out);
            }
            merge.end_run(&mut out);
            all.sort_unstable();
            prop_assert_eq!(&out.t_ns, &all);
            prop_assert_eq!(out.continues.iter().filter(|c| !**c).count(), 1);
        }
    }

    #[test]
    fn an_event_beyond_the_slack_leaves_at_the_last_time() {
        let mut merge = EventMerge::default();
        let mut out = Events::default();
        for t in [0, 5 * SECOND_NS, 10 * SECOND_NS, SECOND_NS] {
            merge.push(t, &mut out);
        }
        merge.end_run(&mut out);
        assert_eq!(out.t_ns, [0, 5 * SECOND_NS, 5 * SECOND_NS, 10 * SECOND_NS]);
    }
}
