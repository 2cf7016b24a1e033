//! Bottom-k sample of identified events: which of the same events do two streams hold, and do they agree on them?

use super::mix64;
use crate::state::{Carry, DecodeError, MergeError, Reader, State, load_state, put_i64, put_u64, save_state};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The events whose ids have the `capacity` smallest hashes (bottom-k sample; Cohen and Kaplan 2007), with their time and a
/// digest of their content: a semilattice.
///
/// Two streams sample the same ids, since the hash depends on the id alone: below the smaller of their two thresholds each
/// holds every id it saw, so that missing ids are seen too. Why the union is lawful: an id leaves only when `capacity` ids
/// with smaller hashes are known, and those stay, so whatever was dropped is dropped in every grouping. Of several payloads
/// of one id the smallest is kept and a flag that there were several, which is a semilattice of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdSample {
    capacity: u32,
    /// By hash of the id; the hash is a bijection, so it is the id.
    events: BTreeMap<u64, Event>,
    /// An id with a larger hash cannot enter: the largest hash held once full, the ceiling before.
    threshold: u64,
    /// Larger hashes were not looked at; `u64::MAX` if all were, or if the sample is full, so that none of them could have entered.
    ceiling: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Event {
    id: i64,
    time_ns: i64,
    content: u64,
    /// The id was seen with several (time, content).
    is_conflicting: bool,
}

/// How far two samples agree, over the ids below the smaller threshold and within the time range asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreement {
    /// Ids in both samples.
    pub common: u64,
    /// Common ids with equal time.
    pub same_time: u64,
    /// Common ids with equal content.
    pub same_content: u64,
    /// Common ids with equal time and content.
    pub same_both: u64,
    /// Ids only in the first sample, with a time in the range.
    pub only_self_in_range: u64,
    /// Ids only in the second sample, with a time in the range.
    pub only_other_in_range: u64,
}

impl IdSample {
    /// The default number of ids kept: shares are known to about 1 / sqrt(4096) = 1.6 %.
    pub const DEFAULT_CAPACITY: u32 = 4096;

    /// An empty sample of at most `capacity` ids.
    ///
    /// # Panics
    /// When `capacity` is zero.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        assert!(capacity > 0, "a sample keeps at least one id");
        Self { capacity, events: BTreeMap::new(), threshold: u64::MAX, ceiling: u64::MAX }
    }

    /// An empty sample for what follows on this one: it keeps only what could still enter this one, and is incomplete by itself. It takes
    /// twice as much, so that it still serves where up to half of what came before is gone.
    #[must_use]
    pub fn continuation(&self) -> Self {
        let ceiling = self.threshold.saturating_mul(2);
        Self { events: BTreeMap::new(), ceiling, threshold: ceiling, ..*self }
    }

    /// Whether a continuation, of this sample or of another, holds all that could enter this one.
    #[must_use]
    pub fn takes(&self, continuation: &Self) -> bool {
        continuation.ceiling >= self.threshold
    }

    /// Whether it is what it would be had nothing been left out: what a continuation leaves out is made up for once the sample is full.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ceiling == u64::MAX
    }

    /// Offers one event. `content` is a digest of whatever must agree, for example price, quantity and side.
    #[inline]
    pub fn push(&mut self, id: i64, time_ns: i64, content: u64) {
        let hash = mix64(id as u64);
        if hash <= self.threshold {
            self.insert(hash, Event { id, time_ns, content, is_conflicting: false });
        }
    }

    /// The number of ids the sample keeps.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Ids held that were seen with more than one (time, content).
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        self.events.values().filter(|event| event.is_conflicting).count() as u64
    }

    /// Compares this sample with another over ids whose time lies in `range_ns`. A common id counts when its time in `self`
    /// does; an id that only one side has counts by its time there.
    #[must_use]
    pub fn agreement(&self, other: &Self, range_ns: RangeInclusive<i64>) -> Agreement {
        let threshold = self.threshold.min(other.threshold);
        let mut agreement = Agreement::default();
        for (hash, own) in self.events.range(..=threshold).filter(|(_, own)| range_ns.contains(&own.time_ns)) {
            let Some(theirs) = other.events.get(hash) else {
                agreement.only_self_in_range += 1;
                continue;
            };
            let (same_time, same_content) = (own.time_ns == theirs.time_ns, own.content == theirs.content);
            agreement.common += 1;
            agreement.same_time += u64::from(same_time);
            agreement.same_content += u64::from(same_content);
            agreement.same_both += u64::from(same_time && same_content);
        }
        let theirs = other.events.range(..=threshold).filter(|(_, theirs)| range_ns.contains(&theirs.time_ns));
        agreement.only_other_in_range = theirs.filter(|(hash, _)| !self.events.contains_key(hash)).count() as u64;
        agreement
    }

    #[cold]
    fn insert(&mut self, hash: u64, event: Event) {
        self.events.entry(hash).and_modify(|own| own.absorb(event)).or_insert(event);
        if self.events.len() > self.capacity as usize {
            self.events.pop_last();
        }
        self.update_threshold();
    }

    fn update_threshold(&mut self) {
        let is_full = self.events.len() == self.capacity as usize;
        let largest = self.events.last_key_value().map(|(&hash, _)| hash);
        if is_full {
            self.ceiling = u64::MAX;
        }
        self.threshold = largest.filter(|_| is_full).unwrap_or(self.ceiling);
    }
}

impl Event {
    fn absorb(&mut self, other: Self) {
        let (own, theirs) = ((self.time_ns, self.content), (other.time_ns, other.content));
        self.is_conflicting |= other.is_conflicting || own != theirs;
        (self.time_ns, self.content) = own.min(theirs);
    }
}

impl Carry for IdSample {
    fn save(&self, out: &mut Vec<u8>) {
        self.ceiling.save(out);
        save_state(self, out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut ceiling = 0;
        ceiling.load(input)?;
        *self = load_state(input)?;
        if self.events.last_key_value().is_some_and(|(&last, _)| last > ceiling) {
            return Err(input.invalid("the ceiling of a sample"));
        }
        self.ceiling = ceiling;
        self.update_threshold();
        Ok(())
    }
}

impl State for IdSample {
    const FORMAT: &'static str = "id-sample/1";

    /// The number of ids held.
    fn count(&self) -> u64 {
        self.events.len() as u64
    }

    fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if self.capacity != other.capacity {
            return Err(MergeError::ParameterMismatch {
                state: Self::FORMAT,
                parameter: "capacity",
                left: self.capacity.to_string(),
                right: other.capacity.to_string(),
            });
        }
        if other.ceiling < self.threshold {
            // A full sample below the ceiling stays as it is.
            self.ceiling = other.ceiling;
            self.events.retain(|hash, _| *hash <= other.ceiling);
            self.update_threshold();
        }
        for (&hash, &event) in &other.events {
            // Hashes ascend: the first that cannot enter ends the merge.
            if hash > self.threshold {
                break;
            }
            self.insert(hash, event);
        }
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, u64::from(self.capacity));
        put_u64(out, self.events.len() as u64);
        for event in self.events.values() {
            put_i64(out, event.id);
            put_i64(out, event.time_ns);
            out.extend_from_slice(&event.content.to_le_bytes());
            out.push(u8::from(event.is_conflicting));
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(Self::FORMAT, bytes);
        let capacity = u32::try_from(reader.u64("capacity")?).map_err(|_| reader.invalid("capacity"))?;
        let n_events = reader.length("events", 11)?;
        if capacity == 0 || n_events > capacity as usize {
            return Err(reader.invalid("capacity"));
        }
        let mut sample = Self::new(capacity);
        for _ in 0..n_events {
            let id = reader.i64("id")?;
            let time_ns = reader.i64("time")?;
            let content = reader.f64("content")?.to_bits();
            let is_conflicting = match reader.u8("conflict flag")? {
                0 => false,
                1 => true,
                _ => return Err(reader.invalid("conflict flag")),
            };
            let hash = mix64(id as u64);
            if sample.events.last_key_value().is_some_and(|(&last, _)| last >= hash) {
                return Err(reader.invalid("order of ids"));
            }
            sample.events.insert(hash, Event { id, time_ns, content, is_conflicting });
        }
        sample.update_threshold();
        reader.finish()?;
        Ok(sample)
    }
}
