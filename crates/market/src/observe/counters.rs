//! Integrity counters.

use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// Most examples kept per counter.
pub const EXAMPLES_MAX: usize = 8;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Check {
    /// A trade or update whose exchange time is before the one before of its kind; worst = largest step back, ns.
    /// Updates that arrive after a later one by id count here too; they are not applied.
    OutOfOrder,
    /// An update that does not continue the ids of the one before; of all updates that say what they continue; worst = ids.
    SequenceGap,
    /// Gaps of more than 1,000 ids; of the same updates.
    GapSeverity,
    /// Trades or updates whose id was seen before; not observed again.
    Duplicate,
    /// Ids missing inside the runs of trade ids, of all that should be there; worst = longest gap.
    MissingId,
    /// Update ends with the best bid above the best ask, of all with a known two-sided book; worst = 10^-8 price units.
    CrossedBook,
    /// Update ends with the best bid equal to the best ask.
    LockedBook,
    /// Trades more than one tick outside the prevailing best quotes, of all with a known book; worst = price units beyond.
    PriceCoherence,
    /// Rows with a value no market has.
    InvalidValue,
    /// Rows without time, or outside the years 1990 to 2100.
    TimeOutOfRange,
    /// Seconds whose event count has a robust z above 12, and silences above 60 s; of all seconds; worst = largest count's
    /// distance from the median, events.
    RateAnomaly,
    /// Trades, of all normal events.
    MessageMix,
    /// Trades or updates seen before because a new session overlaps the one before; not observed again.
    SessionOverlap,
    /// Order-level: reductions, deletions and executions of orders that were never added, of all of them.
    UnknownOrder,
    /// Order-level: new orders with the id of one that still rests, of all new orders.
    DuplicateOrder,
    /// Order-level: reductions, deletions and executions of more than is left, of all of them; worst = excess, 10^-8.
    OrderOverdrawn,
    /// Levels that the cap of the book dropped, and orders that were not told apart because too many rested or had no id.
    Forgotten,
}

impl Check {
    /// Every check, in the order of [`super::Observed::counters`].
    pub const ALL: [Self; 17] = [
        Self::OutOfOrder,
        Self::SequenceGap,
        Self::GapSeverity,
        Self::Duplicate,
        Self::MissingId,
        Self::CrossedBook,
        Self::LockedBook,
        Self::PriceCoherence,
        Self::InvalidValue,
        Self::TimeOutOfRange,
        Self::RateAnomaly,
        Self::MessageMix,
        Self::SessionOverlap,
        Self::UnknownOrder,
        Self::DuplicateOrder,
        Self::OrderOverdrawn,
        Self::Forgotten,
    ];

    /// Its id in suites and reports.
    pub fn id(self) -> &'static str {
        match self {
            Self::OutOfOrder => "out_of_order",
            Self::SequenceGap => "sequence_gap",
            Self::GapSeverity => "gap_severity",
            Self::Duplicate => "duplicate",
            Self::MissingId => "missing_id",
            Self::CrossedBook => "crossed_book",
            Self::LockedBook => "locked_book",
            Self::PriceCoherence => "price_coherence",
            Self::InvalidValue => "invalid_value",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::RateAnomaly => "rate_anomaly",
            Self::MessageMix => "message_mix",
            Self::SessionOverlap => "session_overlap",
            Self::UnknownOrder => "unknown_order",
            Self::DuplicateOrder => "duplicate_order",
            Self::OrderOverdrawn => "order_overdrawn",
            Self::Forgotten => "forgotten",
        }
    }

    /// Whether it is about single orders, of which a source of levels says nothing.
    fn is_about_orders(self) -> bool {
        matches!(self, Self::UnknownOrder | Self::DuplicateOrder | Self::OrderOverdrawn)
    }
}

/// A count of something that should not be, or of something to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// Its id, see [`Check::id`].
    pub check: &'static str,
    /// How often.
    pub count: u64,
    /// Out of how many.
    pub total: u64,
    /// The largest severity seen, in the check's unit; 0 if it has none.
    pub worst: i64,
    /// The first occurrences, at most [`EXAMPLES_MAX`].
    pub examples: Vec<Example>,
}

/// Where something was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Example {
    /// The file, as given to the observer; empty where a time says more than a place.
    pub source: String,
    /// Line or row, from 1; 0 with an empty source.
    pub position: u64,
    /// What was seen.
    pub detail: String,
}

/// All counters of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counters(Vec<Counter>);

/// Each at its place, so that names need not go with them.
impl Carry for Counters {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|counter| counter.save(out));
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.0.iter_mut().try_for_each(|counter| counter.load(input))
    }
}

carry!(Counter: count, total, worst, examples);
carry!(Example: source, position, detail);

/// The place of the row being read.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) source: &'a str,
    pub(super) position: u64,
}

impl Counters {
    pub(super) fn new() -> Self {
        let zero = |check: Check| Counter { check: check.id(), count: 0, total: 0, worst: 0, examples: Vec::new() };
        Self(Check::ALL.map(zero).to_vec())
    }

    pub(super) fn of(&mut self, check: Check) -> &mut Counter {
        // `ALL` is in the order of declaration; a test holds that.
        &mut self.0[check as usize]
    }

    /// Counts one occurrence; the text is made only if it is kept.
    #[cold]
    pub(super) fn note(&mut self, check: Check, severity: i64, place: Place<'_>, detail: impl FnOnce() -> String) {
        let counter = self.of(check);
        counter.count += 1;
        counter.worst = counter.worst.max(severity);
        if counter.examples.len() < EXAMPLES_MAX {
            let source = place.source.to_owned();
            counter.examples.push(Example { source, position: place.position, detail: detail() });
        }
    }

    /// Takes what was counted.
    pub(super) fn cut(&mut self) -> Self {
        std::mem::replace(self, Self::new())
    }

    /// Adds what was counted later.
    pub(super) fn merge(&mut self, later: Self) {
        for (own, later) in self.0.iter_mut().zip(later.0) {
            own.count = own.count.saturating_add(later.count);
            own.total = own.total.saturating_add(later.total);
            own.worst = own.worst.max(later.worst);
            let room = EXAMPLES_MAX.saturating_sub(own.examples.len());
            own.examples.extend(later.examples.into_iter().take(room));
        }
    }

    /// Gives each file that an example names another name.
    pub(super) fn rename_sources(&mut self, rename: &dyn Fn(&str) -> String) {
        for example in self.0.iter_mut().flat_map(|counter| &mut counter.examples) {
            if !example.source.is_empty() {
                example.source = rename(&example.source);
            }
        }
    }

    /// All counters; those about orders if there were any.
    pub(super) fn into_vec(self, has_orders: bool) -> Vec<Counter> {
        let all = Check::ALL.into_iter().zip(self.0);
        all.filter(|(check, _)| has_orders || !check.is_about_orders()).map(|(_, counter)| counter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_found_by_their_check() {
        let mut counters = Counters::new();
        for (i, check) in Check::ALL.into_iter().enumerate() {
            assert_eq!(check as usize, i);
            assert_eq!(counters.of(check).check, check.id());
            assert!(verismo_suite::catalogue::check(check.id()).is_some(), "{} is not catalogued", check.id());
        }
    }

    #[test]
    fn only_the_first_examples_are_kept_and_the_worst_is_remembered() {
        let mut counters = Counters::new();
        for i in 0..20 {
            let place = Place { source: "a", position: i };
            counters.note(Check::OutOfOrder, 100 - (i as i64 - 10).abs(), place, || format!("{i}"));
        }
        let counter = counters.of(Check::OutOfOrder);
        assert_eq!((counter.count, counter.worst, counter.examples.len()), (20, 100, EXAMPLES_MAX));
        assert_eq!(counter.examples[7].position, 7);
    }
}
