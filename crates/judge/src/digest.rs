//! Digests: equal for equal content and suite, whatever the paths, the cuts, the threads and the order.
//!
//! BLAKE3 over length-prefixed fields. Sorted before hashing: streams by venue and symbol, observables by id, windows by
//! index, counters by check. Positions, file names and timing never enter.

use verismo_stats::lags::LagMoments;
use verismo_stats::state::State;
use verismo_suite::Suite;

use crate::input::{Counter, SECOND_NS, SeriesWindows, SideStates, StreamStates};

/// A BLAKE3 digest.
pub type Digest = [u8; 32];

/// Name and version of what is hashed.
const FORMAT: &str = "verismo.digest/1";

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

/// Digest of all states and counters of a side.
pub fn side_digest(side: &SideStates) -> Digest {
    let mut hasher = Fields::new("side");
    let mut streams: Vec<&StreamStates> = side.streams.iter().collect();
    streams.sort_by(|a, b| (&a.venue, &a.symbol).cmp(&(&b.venue, &b.symbol)));
    hasher.number(streams.len() as u64);
    for stream in streams {
        hasher.bytes(&stream_digest(stream));
    }
    hasher.counters(&side.counters);
    hasher.finish()
}

/// Digest of the states and counters of a stream.
pub fn stream_digest(stream: &StreamStates) -> Digest {
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
    hasher.number(stream.series.len() as u64);
    for id in stream.series.keys() {
        hasher.bytes(&series_digest(stream, id));
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
                bytes.clear();
                for (key, count) in cells {
                    bytes.extend_from_slice(&key.to_le_bytes());
                    bytes.extend_from_slice(&count.to_le_bytes());
                }
                hasher.window(*index, stream.window_ns, &bytes);
            }
        }
        SeriesWindows::Lags(windows) => {
            hasher.text(LagMoments::FORMAT);
            hasher.number(windows.len() as u64);
            for (index, moments) in windows {
                bytes.clear();
                moments.encode(&mut bytes);
                hasher.window(*index, stream.window_ns, &bytes);
            }
        }
    }
    hasher.finish()
}

/// Length-prefixed fields into one hash, so that no two lists of fields give the same bytes.
pub(crate) struct Fields(blake3::Hasher);

impl Fields {
    pub(crate) fn new(kind: &str) -> Self {
        let mut fields = Self(blake3::Hasher::new());
        fields.text(FORMAT);
        fields.text(kind);
        fields
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    pub(crate) fn finish(&self) -> Digest {
        *self.0.finalize().as_bytes()
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
