//! Hard limits of readers.

use crate::inventory::Source;

/// What a reader takes at most: what lies beyond is counted or refused in words, and never held in memory.
///
/// The defaults are beyond what honest data hold; they are there for damage and for files made to do harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a line of text without its end; a longer one is one unreadable line.
    pub line_bytes: usize,
    /// Times its packed size that a .gz or .zst file may unpack to, looked at after the first 64 MiB; where it is more, the file
    /// counts as broken off there.
    pub unpack_ratio: u64,
    /// Streams of one reader, and symbols of a tree; messages of further ones are counted as invalid values.
    pub streams: usize,
    /// Columns of a table; one with more is refused.
    pub columns: usize,
}

impl Limits {
    /// What holds where nothing else is asked for.
    ///
    /// A line of 16 MiB holds an order book of 400,000 levels. Order-book text packs to a tenth or a thirtieth of its size, rows that
    /// differ only in time to a hundredth. A stream of one message takes some 400 KiB in a validation, both sides and their findings.
    pub const DEFAULT: Self = Self { line_bytes: 16 * 1024 * 1024, unpack_ratio: 500, streams: 4_096, columns: 4_096 };
}

/// The limit on streams of a reader of these sources.
pub(crate) fn streams_max(sources: &[Source]) -> usize {
    sources.first().map_or(Limits::DEFAULT.streams, |s| s.limits.streams)
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
