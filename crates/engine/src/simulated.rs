//! Messages in memory as a source of events: a simulator's output needs no files to be judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use verismo_feed::{BLOCK_EVENTS, Block, EventReader, FeedCounters, FeedError, StreamName};
use verismo_judge::input::SideStates;
use verismo_market::event::EventBatch;
use verismo_market::message::Message;
use verismo_market::observe::ObserveOptions;
use verismo_suite::report::Report;
use verismo_suite::suite::Suite;

use crate::convert;
use crate::error::EngineError;
use crate::execute::observe;
use crate::meter::Meter;
use crate::validate::{Facts, report_of};

/// Yields the events of messages, in blocks per stream.
pub struct MessageReader<I: Iterator<Item = Message>> {
    messages: std::iter::Peekable<I>,
    streams: Vec<StreamName>,
    indices: BTreeMap<String, usize>,
    source: Arc<str>,
    counters: FeedCounters,
    read: u64,
}

impl<I: Iterator<Item = Message>> MessageReader<I> {
    /// A reader of all messages of `messages`; the venue is empty, the stream is the symbol.
    pub fn new(messages: I) -> Self {
        Self {
            messages: messages.peekable(),
            streams: Vec::new(),
            indices: BTreeMap::new(),
            source: Arc::from("memory"),
            counters: FeedCounters::default(),
            read: 0,
        }
    }

    fn stream(&mut self, symbol: &str) -> usize {
        if let Some(&index) = self.indices.get(symbol) {
            return index;
        }
        let index = self.streams.len();
        self.streams.push(StreamName { venue: String::new(), symbol: symbol.to_owned() });
        self.indices.insert(symbol.to_owned(), index);
        index
    }
}

impl<I: Iterator<Item = Message> + Send> EventReader for MessageReader<I> {
    fn streams(&self) -> &[StreamName] {
        &self.streams
    }

    /// A block ends where the symbol changes, so that blocks stay in order.
    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        block.clear();
        let Some(first) = self.messages.peek() else { return Ok(false) };
        let symbol = first.symbol.clone();
        block.stream = self.stream(&symbol);
        block.source = Arc::clone(&self.source);
        while block.batch.len() < BLOCK_EVENTS
            && let Some(message) = self.messages.next_if(|message| message.symbol == symbol)
        {
            self.read += 1;
            block.messages += 1;
            push(&message, self.read, &mut block.batch);
        }
        Ok(true)
    }

    fn counters(&self) -> &FeedCounters {
        &self.counters
    }

    fn messages(&self) -> u64 {
        self.read
    }

    fn bytes(&self) -> u64 {
        0
    }
}

fn push(message: &Message, position: u64, batch: &mut EventBatch) {
    message.push_events(position, batch);
}

/// The states of messages.
///
/// # Errors
/// [`EngineError::Internal`] when equal streams cannot be merged, which is a bug.
pub fn observe_messages<I>(messages: I, options: &ObserveOptions) -> Result<SideStates, EngineError>
where
    I: Iterator<Item = Message> + Send + 'static,
{
    let observed = observe(Box::new(MessageReader::new(messages)), options, &Meter::default());
    let observed = observed.map_err(EngineError::feed("golden"))?;
    convert::side_states(vec![observed], Vec::new())
}

/// Judges two iterators of messages.
///
/// # Errors
/// As [`observe_messages`].
pub fn judge_messages<G, C>(
    golden: G,
    candidate: C,
    suite: &Suite,
    options: &ObserveOptions,
) -> Result<Report, EngineError>
where
    G: Iterator<Item = Message> + Send + 'static,
    C: Iterator<Item = Message> + Send + 'static,
{
    let (golden, candidate) = std::thread::scope(|scope| {
        let golden = scope.spawn(|| observe_messages(golden, options));
        let candidate = observe_messages(candidate, options);
        (golden.join(), candidate)
    });
    let golden = golden.map_err(|_| EngineError::Internal { detail: "an observer panicked".to_owned() })?;
    Ok(report_of((&golden?, &candidate?), suite, &[], Facts::default()).0)
}
