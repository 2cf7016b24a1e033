//! Faults of the bytes of a file.

use super::fault::Fault;
use super::kind::FaultKind;
use super::record::{Record, Tally};
use crate::rng::Rng;

/// Applies the byte-level faults among `faults` one after the other to the bytes of one file, and says what each did.
///
/// Message-level faults are left to [`super::apply`]. An empty file stays empty; any other loses or changes at least one byte.
pub fn apply_bytes(bytes: &mut Vec<u8>, faults: &[Fault], seed: u64) -> Record {
    let mut record = Record::new(seed);
    for (i, fault) in faults.iter().enumerate() {
        let items_before = bytes.len() as u64;
        let mut tally = Tally::default();
        let rng = &mut Rng::new(seed, 1_000 + i as u64);
        match fault.kind() {
            FaultKind::CorruptBytes => corrupt(bytes, fault.amount(), rng, &mut tally),
            FaultKind::Truncate => truncate(bytes, fault.amount(), &mut tally),
            _ => continue,
        }
        record.faults.push(tally.finish(fault, seed, items_before, bytes.len() as u64));
    }
    record
}

/// Number of bytes that are `share` of `len`, rounded up, so at least 1 of a file that has any.
fn share_of(len: usize, share: f64) -> usize {
    ((len as f64 * share).ceil() as usize).min(len)
}

/// Overwrites `share` of the bytes, at random places, each by a different value. A place may be hit twice.
fn corrupt(bytes: &mut [u8], share: f64, rng: &mut Rng, tally: &mut Tally) {
    let mut places: Vec<usize> =
        (0..share_of(bytes.len(), share)).map(|_| rng.below(bytes.len() as u64) as usize).collect();
    places.sort_unstable();
    places.dedup();
    for place in places {
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= 1 + rng.below(255) as u8;
            tally.note_bytes(place, 1);
        }
    }
}

/// Cuts off the last `share` of the bytes.
fn truncate(bytes: &mut Vec<u8>, share: f64, tally: &mut Tally) {
    let lost = share_of(bytes.len(), share);
    if lost > 0 {
        bytes.truncate(bytes.len() - lost);
        tally.note_bytes(bytes.len(), lost as u64);
    }
}
