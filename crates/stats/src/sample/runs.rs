//! The exact set of integer ids as runs of consecutive ones.

use crate::state::{Carry, DecodeError, MergeError, Reader, State, load_state, put_i64, put_u64, save_state};

/// The exact set of ids seen, as disjoint runs, with the number of sightings.
///
/// # Laws
/// A commutative monoid as long as no intermediate union has more than `runs_max` runs. One that has becomes *saturated*:
/// it drops its runs, keeps the number of sightings and the span, and answers no question about gaps any more. Saturation
/// depends on the order in which gaps are filled, hence choose `runs_max` far above what a healthy stream has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdRuns {
    runs_max: u32,
    n_seen: u64,
    /// Smallest and largest id.
    span: Option<(i64, i64)>,
    /// Ascending, inclusive, at least one missing id between neighbours; empty when saturated.
    runs: Vec<(i64, i64)>,
    is_saturated: bool,
}

/// What an insertion found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inserted {
    /// The id was not in the set.
    New,
    /// The id was in the set.
    Duplicate,
    /// The set is saturated and does not know.
    Unknown,
}

impl IdRuns {
    /// The default bound: 1 MiB of runs.
    pub const DEFAULT_RUNS_MAX: u32 = 65_536;

    /// The empty set, which saturates when it would need more than `runs_max` runs.
    ///
    /// # Panics
    /// When `runs_max` is zero.
    #[must_use]
    pub fn new(runs_max: u32) -> Self {
        assert!(runs_max > 0, "a set of runs holds at least one");
        Self { runs_max, n_seen: 0, span: None, runs: Vec::new(), is_saturated: false }
    }

    /// Adds one id; constant time at the end of the last run or after it.
    #[inline]
    pub fn insert(&mut self, id: i64) -> Inserted {
        self.n_seen = self.n_seen.saturating_add(1);
        self.span = Some(self.span.map_or((id, id), |(first, last)| (first.min(id), last.max(id))));
        if self.is_saturated {
            return Inserted::Unknown;
        }
        match self.runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(id) => {
                *last = id;
                Inserted::New
            }
            Some(&mut (_, last)) if id <= last => self.insert_inside(id),
            _ => {
                self.runs.push((id, id));
                self.check_saturation();
                Inserted::New
            }
        }
    }

    /// What was added since `earlier`, which this set contains: ids that are new, and all sightings. Of a saturated set nothing is known but
    /// that.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let n_seen = self.n_seen.saturating_sub(earlier.n_seen);
        if self.is_saturated {
            return Self { n_seen, ..self.clone() };
        }
        let mut runs = Vec::new();
        let mut before = earlier.runs.iter().copied().peekable();
        for &(first, last) in &self.runs {
            let mut from = first;
            // Each run of the earlier set lies in one of this.
            while let Some((start, end)) = before.next_if(|(start, _)| *start <= last) {
                if from < start {
                    runs.push((from, start - 1));
                }
                from = end.saturating_add(1).max(from);
                if end == i64::MAX {
                    return Self { n_seen, span: span_of(&runs), runs, ..*self };
                }
            }
            if from <= last {
                runs.push((from, last));
            }
        }
        Self { n_seen, span: span_of(&runs), runs, ..*self }
    }

    /// True when there were too many gaps to keep: gaps and duplicates are then unknown.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        self.is_saturated
    }

    /// The number of different ids; `None` when saturated.
    #[must_use]
    pub fn n_distinct(&self) -> Option<u64> {
        (!self.is_saturated).then(|| self.runs.iter().fold(0, |n: u64, &run| n.saturating_add(length(run))))
    }

    /// Sightings of ids beyond their first; `None` when saturated.
    #[must_use]
    pub fn n_duplicates(&self) -> Option<u64> {
        self.n_distinct().map(|n| self.n_seen.saturating_sub(n))
    }

    /// Smallest and largest id; `None` when empty.
    #[must_use]
    pub fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// Ids between the smallest and the largest that were not seen; `None` when saturated.
    #[must_use]
    pub fn n_missing(&self) -> Option<u64> {
        (!self.is_saturated).then(|| self.gaps().fold(0, |n: u64, gap| n.saturating_add(length(gap))))
    }

    /// The gaps between the runs, as inclusive ranges of missing ids, ascending; none when saturated.
    pub fn gaps(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.runs.windows(2).map(|pair| (pair[0].1 + 1, pair[1].0 - 1))
    }

    /// The runs, inclusive, ascending; empty when saturated.
    #[must_use]
    pub fn runs(&self) -> &[(i64, i64)] {
        &self.runs
    }

    /// Inserts an id that is not above the last run.
    fn insert_inside(&mut self, id: i64) -> Inserted {
        // The first run that ends at or after id; there is one.
        let at = self.runs.partition_point(|&(_, last)| last < id);
        let (first, _) = self.runs[at];
        if first <= id {
            return Inserted::Duplicate;
        }
        let joins_right = first - 1 == id;
        let joins_left = at > 0 && self.runs[at - 1].1 + 1 == id;
        match (joins_left, joins_right) {
            (true, true) => {
                self.runs[at - 1].1 = self.runs[at].1;
                self.runs.remove(at);
            }
            (true, false) => self.runs[at - 1].1 = id,
            (false, true) => self.runs[at].0 = id,
            (false, false) => {
                self.runs.insert(at, (id, id));
                self.check_saturation();
            }
        }
        Inserted::New
    }

    fn check_saturation(&mut self) {
        if self.runs.len() > self.runs_max as usize {
            self.is_saturated = true;
            self.runs = Vec::new();
        }
    }
}

/// Sightings beyond the first go apart: those of a difference may be of ids that it does not hold.
impl Carry for IdRuns {
    fn save(&self, out: &mut Vec<u8>) {
        let n_again = self.n_duplicates().unwrap_or(0);
        n_again.save(out);
        save_state(&Self { n_seen: self.n_seen - n_again, ..self.clone() }, out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut n_again = 0;
        n_again.load(input)?;
        *self = load_state(input)?;
        self.n_seen = self.n_seen.checked_add(n_again).ok_or_else(|| input.invalid("number of ids"))?;
        Ok(())
    }
}

impl State for IdRuns {
    const FORMAT: &'static str = "id-runs/1";

    /// The number of sightings.
    fn count(&self) -> u64 {
        self.n_seen
    }

    fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if self.runs_max != other.runs_max {
            return Err(MergeError::ParameterMismatch {
                state: Self::FORMAT,
                parameter: "the greatest number of runs",
                left: self.runs_max.to_string(),
                right: other.runs_max.to_string(),
            });
        }
        let overflow = MergeError::Overflow { state: Self::FORMAT, quantity: "the number of ids" };
        self.n_seen = self.n_seen.checked_add(other.n_seen).ok_or(overflow)?;
        self.span = match (self.span, other.span) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        self.is_saturated |= other.is_saturated;
        self.runs = if self.is_saturated { Vec::new() } else { union(&self.runs, &other.runs) };
        self.check_saturation();
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, u64::from(self.runs_max));
        put_u64(out, self.n_seen);
        out.push(u8::from(self.is_saturated));
        if self.is_saturated {
            let (first, last) = self.span.unwrap_or_default();
            put_i64(out, first);
            put_u64(out, last.wrapping_sub(first) as u64);
            return;
        }
        put_u64(out, self.runs.len() as u64);
        let mut end = 0_i64;
        for &(first, last) in &self.runs {
            put_i64(out, first.wrapping_sub(end));
            put_u64(out, last.wrapping_sub(first) as u64);
            end = last;
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(Self::FORMAT, bytes);
        let runs_max = u32::try_from(reader.u64("greatest number of runs")?).ok().filter(|&n| n > 0);
        let mut set = Self::new(runs_max.ok_or_else(|| reader.invalid("greatest number of runs"))?);
        set.n_seen = reader.u64("number of ids")?;
        let read_run = |reader: &mut Reader<'_>, end: i64| {
            let first = end.wrapping_add(reader.i64("run start")?);
            let length = reader.u64("run length")?;
            let last = first.checked_add_unsigned(length).ok_or_else(|| reader.invalid("run length"))?;
            Ok((first, last))
        };
        match reader.u8("saturation")? {
            0 => {}
            1 => {
                set.is_saturated = true;
                set.span = Some(read_run(&mut reader, 0)?);
                // The smallest saturated set has one id more than runs.
                if set.n_seen <= u64::from(set.runs_max) {
                    return Err(reader.invalid("number of ids"));
                }
                reader.finish()?;
                return Ok(set);
            }
            _ => return Err(reader.invalid("saturation")),
        }
        let n_runs = reader.length("runs", 2)?;
        let mut end = 0;
        for _ in 0..n_runs {
            let run = read_run(&mut reader, end)?;
            let apart = set.runs.last().is_none_or(|&(_, last)| last.checked_add(1).is_some_and(|next| next < run.0));
            if !apart {
                return Err(reader.invalid("order of runs"));
            }
            set.runs.push(run);
            end = run.1;
        }
        set.span = span_of(&set.runs);
        let is_possible = set.n_distinct().is_some_and(|n| n <= set.n_seen) && (n_runs > 0 || set.n_seen == 0);
        if n_runs > set.runs_max as usize || !is_possible {
            return Err(reader.invalid("runs"));
        }
        reader.finish()?;
        Ok(set)
    }
}

fn span_of(runs: &[(i64, i64)]) -> Option<(i64, i64)> {
    runs.first().zip(runs.last()).map(|(first, last)| (first.0, last.1))
}

/// The number of ids of an inclusive range, saturating for the whole of i64.
fn length((first, last): (i64, i64)) -> u64 {
    (last.wrapping_sub(first) as u64).saturating_add(1)
}

/// The union of two ascending lists of runs.
fn union(left: &[(i64, i64)], right: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut runs: Vec<(i64, i64)> = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a <= b => left.next(),
            (Some(_), None) => left.next(),
            _ => right.next(),
        };
        let Some(&(first, last)) = next else {
            return runs;
        };
        match runs.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
            _ => runs.push((first, last)),
        }
    }
}
