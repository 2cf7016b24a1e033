//! How much of a run came from the store, and why the rest did not.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};

use verismo_suite::report::{Cache, CacheMiss};

use super::key::Why;

/// Misses told one by one; more are counted.
const MISSES_MAX: usize = 1_000;

/// Counts of states, a state being an observable in a piece.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    reused: u64,
    computed: u64,
    pieces: u64,
    misses: BTreeMap<(String, Why), Vec<String>>,
}

impl Tally {
    /// A piece was looked for, and these of its observables were not there.
    pub(crate) fn looked(&self, file: &str, wanted: &[String], missing: &[String], why: Why) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.pieces += 1;
        counts.reused += (wanted.len() - missing.len()) as u64;
        counts.computed += missing.len() as u64;
        if !missing.is_empty() && counts.misses.len() < MISSES_MAX {
            let own = if missing.len() == wanted.len() { &[] } else { missing };
            match counts.misses.entry((file.to_owned(), why)) {
                Entry::Vacant(entry) => drop(entry.insert(own.to_vec())),
                // Of several pieces of a file what any of them misses; nothing named stands for all.
                Entry::Occupied(entry) => {
                    let told = entry.into_mut();
                    if own.is_empty() || told.is_empty() {
                        told.clear();
                    } else {
                        told.extend(own.iter().filter(|id| !told.contains(id)).cloned().collect::<Vec<_>>());
                    }
                }
            }
        }
    }

    /// Forgets everything: it is counted anew.
    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Counts::default();
    }

    /// As reports say it.
    pub(crate) fn report(&self, place: &str, problems: Vec<String>) -> Cache {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let miss = |((file, why), observables): (&(String, Why), &Vec<String>)| CacheMiss {
            file: file.clone(),
            why: why.text(),
            observables: observables.clone(),
        };
        Cache {
            place: place.to_owned(),
            states_reused: counts.reused,
            states_computed: counts.computed,
            pieces: counts.pieces,
            misses: counts.misses.iter().map(miss).collect(),
            problems,
            ..Cache::default()
        }
    }
}
