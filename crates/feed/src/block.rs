//! What every reader yields: blocks of events of one stream.

use std::sync::Arc;

use verismo_market::event::EventBatch;

use crate::counters::FeedCounters;
use crate::error::FeedError;

/// Events a block aims at; a block may hold a few more so that it ends with a whole message, or fewer.
///
/// 140 KB: what the decoder wrote is still in a near cache when the observer reads it.
pub const BLOCK_EVENTS: usize = 2048;

/// The name of a stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName {
    /// Venue; empty where the format does not say it.
    pub venue: String,
    /// Symbol as the source writes it.
    pub symbol: String,
}

/// Consecutive events of one stream from one source. Buffers are reused: pass the same block again.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Index into [`EventReader::streams`].
    pub stream: usize,
    /// The events, in order; blocks of one stream follow each other in order.
    pub batch: EventBatch,
    /// The file all positions refer to.
    pub source: Arc<str>,
    /// Messages (lines, rows) the events come from.
    pub messages: u64,
    /// Bytes read from disk since the block before; bytes that gave no event are in the next block's number.
    pub bytes: u64,
}

impl Block {
    /// Empties the block, keeps its memory.
    pub fn clear(&mut self) {
        self.batch.clear();
        self.messages = 0;
        self.bytes = 0;
    }
}

/// A source of blocks. One reader serves one ordered group of files.
///
/// Damage inside a file is counted and the reader goes on, with the next line or the next file. `Err` is kept for what makes the whole
/// group unusable.
pub trait EventReader: Send {
    /// The streams seen so far; indices never change, new streams are appended.
    fn streams(&self) -> &[StreamName];

    /// Fills `block` with the next events; `false` at the end, the block is then empty.
    ///
    /// # Errors
    /// [`FeedError`] when no file of the group can be read on.
    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError>;

    /// What was counted up to now; complete once `next_block` has returned `false`.
    fn counters(&self) -> &FeedCounters;

    /// Messages read so far, whether they gave events or not.
    fn messages(&self) -> u64;

    /// Bytes read from disk so far.
    fn bytes(&self) -> u64;

    /// After `next_block` gave `false`: where the reader rests between two files or inside a long one, or how it came to the end of all. It
    /// goes on with the next call of `next_block`; without an answer it has ended.
    ///
    /// A reader rests where nothing but its carry is left of what it read: no row of that waits. Only readers opened with
    /// [`ReaderGroup::open_at`](crate::inventory::ReaderGroup::open_at) rest.
    fn rest(&mut self) -> Option<Rest> {
        None
    }
}

/// Where in a group of files a reader may rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Files that were read to their end.
    pub source: usize,
    /// Bytes of the next one that were read.
    pub offset: u64,
}

impl Spot {
    /// Before a source.
    pub const fn before(source: usize) -> Self {
        Self { source, offset: 0 }
    }
}

/// How a reader rests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rest {
    /// Where.
    pub spot: Spot,
    /// What goes on.
    pub carry: Vec<u8>,
    /// What was counted since the last rest.
    pub counters: FeedCounters,
}
