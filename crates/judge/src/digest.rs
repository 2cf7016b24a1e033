//! Digests: equal for equal content and suite, whatever the paths, the cuts, the threads and the order.
//!
//! BLAKE3 over length-prefixed fields. Sorted before hashing: streams by venue and symbol, observables by id, windows by
//! index, counters by check. Positions, file names and timing never enter.

use std::collections::BTreeMap;

use rayon::prelude::*;
use verismo_stats::state::State;
use verismo_suite::Suite;

use crate::input::{Counter, SECOND_NS, SeriesWindows, SideStates, StreamStates};

/// A BLAKE3 digest.
pub type Digest = [u8; 32];

/// Name and version of what is hashed.
const FORMAT: &str = "verismo.digest/2";

/// Lower-case hexadecimal.
pub fn hex(digest: &Digest) -> String {
    use std::fmt::Write as _;
    digest.iter().fold(String::with_capacity(64), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Digest of what a suite says.
pub fn suite_digest(suite: &Suite) -> Digest {
    let mut hasher = Fields::new("suite");
    hasher.bytes(&suite.canonical_bytes());
    hasher.finish()
}

/// Digests of the states of each observable of a stream, by id.
pub(crate) type SeriesDigests = BTreeMap<String, Digest>;

/// The digest of each observable, on the threads of the caller's pool.
pub(crate) fn series_digests(stream: &StreamStates) -> SeriesDigests {
    let ids: Vec<&str> = stream.observables().collect();
    let digest = |id: &str| stream.known.get(id).map_or_else(|| series_digest(stream, id), |known| known.digest);
    ids.into_par_iter().map(|id| (id.to_owned(), digest(id))).collect()
}

/// Digest of all states and counters of a side.
pub fn side_digest(side: &SideStates) -> Digest {
    let digests: Vec<SeriesDigests> = side.streams.iter().map(series_digests).collect();
    side_digest_from(side, &digests)
}

/// The same from the digests of the streams' observables, one entry per stream.
pub(crate) fn side_digest_from(side: &SideStates, digests: &[SeriesDigests]) -> Digest {
    let mut hasher = Fields::new("side");
    let mut streams: Vec<(&StreamStates, &SeriesDigests)> = side.streams.iter().zip(digests).collect();
    streams.sort_by(|(a, _), (b, _)| (&a.venue, &a.symbol).cmp(&(&b.venue, &b.symbol)));
    hasher.number(streams.len() as u64);
    for (stream, digests) in streams {
        hasher.bytes(&stream_digest(stream, digests));
    }
    hasher.counters(&side.counters);
    hasher.finish()
}

/// Digest of the states and counters of a stream.
fn stream_digest(stream: &StreamStates, digests: &SeriesDigests) -> Digest {
    let mut hasher = Fields::new("stream");
    hasher.text(&stream.venue);
    hasher.text(&stream.symbol);
    let (first, last) = stream.span_ns.unwrap_or((0, -1));
    let kinds = [stream.carries_trades, stream.carries_book, stream.carries_orders];
    let carries = kinds.iter().rev().fold(0, |bits, &carries| bits << 1 | i64::from(carries));
    for number in [stream.clock_ns, stream.window_ns, carries, first, last, stream.price_tick, stream.qty_lot] {
        hasher.bytes(&number.to_le_bytes());
    }
    hasher.bytes(&stream.book_cadence_ns.unwrap_or(-1).to_le_bytes());
    hasher.number(stream.events);
    hasher.number(digests.len() as u64);
    for digest in digests.values() {
        hasher.bytes(digest);
    }
    let mut bytes = Vec::new();
    stream.trade_ids.encode(&mut bytes);
    hasher.bytes(&bytes);
    bytes.clear();
    stream.book_ids.encode(&mut bytes);
    hasher.bytes(&bytes);
    bytes.clear();
    stream.trade_runs.encode(&mut bytes);
    hasher.bytes(&bytes);
    hasher.counters(&stream.counters);
    hasher.finish()
}

/// Digest of the states of one observable of a stream: sorted (window, stratum, state bytes). A stream without it has a
/// digest too.
pub fn series_digest(stream: &StreamStates, observable: &str) -> Digest {
    let mut hasher = Fields::new("series");
    hasher.text(observable);
    hasher.bytes(&stream.window_ns.to_le_bytes());
    let Some(series) = stream.series.get(observable) else { return hasher.finish() };
    hasher.number(u64::from(series.version));
    let mut bytes = Vec::new();
    series.lattice.encode(&mut bytes);
    hasher.bytes(&bytes);
    match &series.windows {
        SeriesWindows::Cells(windows) => {
            hasher.text("cells");
            hasher.number(windows.len() as u64);
            for (index, cells) in windows {
                hasher.window(*index, stream.window_ns, cells.as_bytes());
            }
        }
        SeriesWindows::Lags(windows) => hasher.states(windows, stream.window_ns),
        SeriesWindows::Panels(windows) => hasher.states(windows, stream.window_ns),
    }
    hasher.finish()
}

/// Length-prefixed fields into one hash, so that no two lists of fields give the same bytes.
pub(crate) struct Fields {
    hasher: blake3::Hasher,
    /// Not hashed yet: BLAKE3 is several times faster on long inputs.
    held: Vec<u8>,
}

/// Bytes held back, enough for every lane of the hash.
const HELD: usize = 64 * 1024;

impl Fields {
    pub(crate) fn new(kind: &str) -> Self {
        let mut fields = Self { hasher: blake3::Hasher::new(), held: Vec::new() };
        fields.text(FORMAT);
        fields.text(kind);
        fields
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.held.extend_from_slice(bytes);
        if self.held.len() >= HELD {
            self.hasher.update(&self.held);
            self.held.clear();
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    pub(crate) fn finish(mut self) -> Digest {
        self.hasher.update(&self.held);
        *self.hasher.finalize().as_bytes()
    }

    fn states<T: State>(&mut self, windows: &[(i64, T)], window_ns: i64) {
        self.text(T::FORMAT);
        self.number(windows.len() as u64);
        let mut bytes = Vec::new();
        for (index, state) in windows {
            bytes.clear();
            state.encode(&mut bytes);
            self.window(*index, window_ns, &bytes);
        }
    }

    fn window(&mut self, index: i64, window_ns: i64, state: &[u8]) {
        let half_hour = index.saturating_mul(window_ns).div_euclid(1800 * SECOND_NS).rem_euclid(48);
        self.bytes(&index.to_le_bytes());
        self.bytes(&half_hour.to_le_bytes());
        self.bytes(state);
    }

    fn counters(&mut self, counters: &[Counter]) {
        let mut counters: Vec<&Counter> = counters.iter().collect();
        counters.sort_by(|a, b| a.check.cmp(&b.check));
        self.number(counters.len() as u64);
        for counter in counters {
            self.text(&counter.check);
            self.number(counter.count);
            self.number(counter.total);
            self.bytes(&counter.worst.to_le_bytes());
        }
    }
}
