//! What a reader could not use: counted, with the first few positions.

use std::collections::BTreeMap;

use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// Check ids counted by this crate.
pub mod checks {
    /// Lines or rows that cannot be read at all.
    pub const UNREADABLE: &str = "unreadable";
    /// Values that have no exact form in the event model: null, NaN, off scale, unknown side.
    pub const INVALID_VALUE: &str = "invalid_value";
    /// Exchange stamps whose unit differs from the first one of their stream.
    pub const TIME_UNIT: &str = "time_unit";
    /// Files that could not be read to their end.
    pub const TRUNCATED_FILE: &str = "truncated_file";
    /// Messages of streams that carry nothing we read.
    pub const UNKNOWN_STREAM: &str = "unknown_stream";
    /// Messages that an overlapping capture had already delivered.
    pub const SESSION_OVERLAP: &str = "session_overlap";
    /// Records that say themselves that messages were lost before them.
    pub const SEQUENCE_GAP: &str = "sequence_gap";
    /// Disagreements between a manifest and the files.
    pub const MANIFEST: &str = "manifest";

    /// All of them.
    pub(super) const ALL: [&str; 8] =
        [UNREADABLE, INVALID_VALUE, TIME_UNIT, TRUNCATED_FILE, UNKNOWN_STREAM, SESSION_OVERLAP, SEQUENCE_GAP, MANIFEST];
}

/// Examples kept per check.
pub const EXAMPLES_MAX: usize = 8;

/// Where something was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedExample {
    /// The file.
    pub source: String,
    /// Line or row, from 1; 0 if the file as a whole.
    pub position: u64,
    /// What was seen, with the value.
    pub detail: String,
}

/// How often one check was hit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedCounter {
    /// Hits.
    pub count: u64,
    /// Out of how many lines or rows; does not depend on how the data are cut into files.
    pub total: u64,
    /// The first [`EXAMPLES_MAX`] hits in reading order.
    pub examples: Vec<FeedExample>,
}

/// Counters of one reader or inventory, by check id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedCounters {
    counters: BTreeMap<&'static str, FeedCounter>,
    unknown_streams: BTreeMap<String, u64>,
}

impl FeedCounters {
    /// Counts one hit; `detail` is only made while examples are still wanted.
    pub fn hit(&mut self, check: &'static str, source: &str, position: u64, detail: impl FnOnce() -> String) {
        let counter = self.counters.entry(check).or_default();
        counter.count += 1;
        if counter.examples.len() < EXAMPLES_MAX {
            counter.examples.push(FeedExample { source: source.to_owned(), position, detail: detail() });
        }
    }

    /// Says out of how many lines or rows `check` was counted.
    pub fn set_total(&mut self, check: &'static str, total: u64) {
        self.counters.entry(check).or_default().total = total;
    }

    /// Gives each file that an example names another name.
    pub fn rename_sources(&mut self, rename: &dyn Fn(&str) -> String) {
        for example in self.counters.values_mut().flat_map(|counter| &mut counter.examples) {
            example.source = rename(&example.source);
        }
    }

    /// Says out of how many lines or rows everything that was counted was counted; what makes data unusable has a total anyway.
    pub fn set_totals(&mut self, total: u64) {
        for check in [checks::UNREADABLE, checks::INVALID_VALUE] {
            self.set_total(check, total);
        }
        for (_, counter) in self.counters.iter_mut().filter(|(_, counter)| counter.count > 0) {
            counter.total = total;
        }
    }

    /// Counts a message of a stream nobody reads, by the stream's name; an example is kept per new name.
    pub fn unknown_stream(&mut self, name: &str, source: &str, position: u64) {
        let counter = self.counters.entry(checks::UNKNOWN_STREAM).or_default();
        counter.count += 1;
        if let Some(n) = self.unknown_streams.get_mut(name) {
            *n += 1;
        } else if self.unknown_streams.len() < UNKNOWN_NAMES_MAX {
            self.unknown_streams.insert(name.to_owned(), 1);
            if counter.examples.len() < EXAMPLES_MAX {
                counter.examples.push(FeedExample {
                    source: source.to_owned(),
                    position,
                    detail: format!("stream `{name}`"),
                });
            }
        }
    }

    /// Hands out what was counted since the last rest. Names of unknown streams stay known: each is an example once.
    pub(crate) fn rest(&mut self) -> Self {
        let names = self.unknown_streams.keys().map(|name| (name.clone(), 0)).collect();
        std::mem::replace(self, Self { counters: BTreeMap::new(), unknown_streams: names })
    }

    /// Saves the names of the unknown streams, and nothing else.
    pub(crate) fn save_names(&self, out: &mut Vec<u8>) {
        self.unknown_streams.keys().cloned().collect::<Vec<_>>().save(out);
    }

    /// Takes up names that were saved.
    pub(crate) fn load_names(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut names = Vec::<String>::new();
        names.load(input)?;
        self.unknown_streams = names.into_iter().map(|name| (name, 0)).collect();
        Ok(())
    }

    /// Messages of unknown streams, by name; at most 1000 names are kept.
    pub fn unknown_streams(&self) -> &BTreeMap<String, u64> {
        &self.unknown_streams
    }

    /// Hits of `check`.
    pub fn count(&self, check: &str) -> u64 {
        self.counters.get(check).map_or(0, |c| c.count)
    }

    /// All counters, sorted by check id.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &FeedCounter)> {
        self.counters.iter().map(|(check, counter)| (*check, counter))
    }

    /// Adds the hits, totals and examples of `other`; the smallest examples by (source, position) stay.
    pub fn merge(&mut self, other: &Self) {
        self.add(other, |examples| examples.sort());
    }

    /// Adds those of what was read next; the first examples stay.
    pub fn append(&mut self, next: &Self) {
        self.add(next, |_| ());
    }

    fn add(&mut self, other: &Self, order: impl Fn(&mut [FeedExample])) {
        for (check, theirs) in &other.counters {
            let ours = self.counters.entry(check).or_default();
            ours.count += theirs.count;
            ours.total += theirs.total;
            ours.examples.extend(theirs.examples.iter().cloned());
            order(&mut ours.examples);
            ours.examples.truncate(EXAMPLES_MAX);
        }
        for (name, n) in &other.unknown_streams {
            if let Some(ours) = self.unknown_streams.get_mut(name) {
                *ours += n;
            } else if self.unknown_streams.len() < UNKNOWN_NAMES_MAX {
                self.unknown_streams.insert(name.clone(), *n);
            }
        }
    }
}

carry!(FeedExample: source, position, detail);
carry!(FeedCounter: count, total, examples);

/// By check, then the unknown streams.
impl Carry for FeedCounters {
    fn save(&self, out: &mut Vec<u8>) {
        self.counters.len().save(out);
        for (check, counter) in &self.counters {
            (*check).to_owned().save(out);
            counter.save(out);
        }
        let streams: Vec<(String, u64)> = self.unknown_streams.iter().map(|(name, n)| (name.clone(), *n)).collect();
        streams.save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.counters.clear();
        for _ in 0..input.length("counters of a reader", 4)? {
            let (mut name, mut counter) = (String::new(), FeedCounter::default());
            name.load(input)?;
            counter.load(input)?;
            let check = checks::ALL.iter().find(|check| **check == name);
            self.counters.insert(check.ok_or_else(|| input.invalid("a check"))?, counter);
        }
        let mut streams: Vec<(String, u64)> = Vec::new();
        streams.load(input)?;
        self.unknown_streams = streams.into_iter().collect();
        Ok(())
    }
}

/// A hostile file may name a new stream on every line.
const UNKNOWN_NAMES_MAX: usize = 1000;
