//! Counts of a running validation, for a progress display, and the switch that stops it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared between a run and whoever watches it.
#[derive(Debug, Default)]
pub struct Meter {
    messages: AtomicU64,
    bytes: AtomicU64,
    bytes_total: AtomicU64,
    parts: AtomicU64,
    parts_total: AtomicU64,
    cancelled: AtomicBool,
    /// Whether the run is to stop rather than read data.
    reads_nothing: bool,
}

impl Meter {
    /// Of a run that is stopped as soon as it reads data: what it comes to is from stored states alone.
    pub fn reading_nothing() -> Self {
        Self { reads_nothing: true, ..Self::default() }
    }

    /// Says that data are about to be read that are not counted.
    pub(crate) fn reads(&self) {
        if self.reads_nothing {
            self.cancel();
        }
    }

    /// Adds what was read.
    pub fn add(&self, messages: u64, bytes: u64) {
        if bytes > 0 {
            self.reads();
        }
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Says how many bytes the whole run will read.
    pub fn set_bytes_total(&self, bytes: u64) {
        self.bytes_total.store(bytes, Ordering::Relaxed);
    }

    /// Messages read so far, both sides.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Bytes read so far, both sides.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the whole run; 0 while it is not known.
    pub fn bytes_total(&self) -> u64 {
        self.bytes_total.load(Ordering::Relaxed)
    }

    /// Says of how many comparisons the work consists, where it is more than one.
    pub fn set_parts_total(&self, parts: u64) {
        self.parts_total.store(parts, Ordering::Relaxed);
    }

    /// Says that one of them is done.
    pub fn add_part(&self) {
        self.parts.fetch_add(1, Ordering::Relaxed);
    }

    /// Comparisons done.
    pub fn parts(&self) -> u64 {
        self.parts.load(Ordering::Relaxed)
    }

    /// Comparisons of the whole work; 0 where it is one.
    pub fn parts_total(&self) -> u64 {
        self.parts_total.load(Ordering::Relaxed)
    }

    /// Asks the run to stop; it does so within a block of events.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked the run to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
