//! Reads and observes streams on threads.
//!
//! A job is one reader: an ordered group of files with streams of its own. Inside a job an observable sees the events of a stream in
//! order, so threads cannot change a state; jobs run side by side, and the decoder of a large job runs ahead of its observers by a
//! bounded number of blocks. Where there are more threads than jobs, the observables of a stream are shared among them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender, bounded};
use verismo_feed::{Block, EventReader, FeedCounters, FeedError, ReaderGroup, StreamName};
use verismo_market::observe::{Crew, ObserveOptions, Observed, StreamObserver};

use crate::chain::{Chain, Spines, Vault};
use crate::meter::Meter;

/// Blocks a decoder may be ahead of its observer: a few, so that memory stays flat.
const BLOCKS_AHEAD: usize = 6;

/// What was read from one reader.
#[derive(Debug)]
pub struct ObservedSide {
    /// States and counters of each stream; streams of one name stand once.
    pub streams: Vec<(StreamName, Observed)>,
    /// What the decoder could not use.
    pub counters: FeedCounters,
    /// Messages read.
    pub messages: u64,
    /// Bytes read from disk.
    pub bytes: u64,
    /// Series of the streams that are not among them yet.
    pub(crate) unread: Option<Spines>,
}

/// A reader, and the side it belongs to; the caller gives sides meaning.
pub(crate) struct Job {
    /// 0 for golden, 1 for candidate.
    pub(crate) side: usize,
    /// How its streams are observed.
    pub(crate) options: ObserveOptions,
    /// Keep only streams of this symbol.
    pub(crate) symbol: Option<String>,
    /// Bytes it will read, about; what is known of its share of the work.
    pub(crate) bytes: u64,
    /// Where the events come from.
    pub(crate) reader: Box<dyn EventReader>,
    /// The same from the start, if the reader may be opened twice: its events may then be taken for as long as its files look.
    pub(crate) again: Option<ReaderGroup>,
}

/// The side of a job and what came of it.
pub(crate) type JobResult = (usize, Result<ObservedSide, FeedError>);

/// Runs all jobs on at most `threads` threads and those of their decoders; the results come in the order of the jobs.
pub(crate) fn run_jobs(jobs: Vec<Job>, threads: usize, vault: Option<&Vault<'_>>, meter: &Meter) -> Vec<JobResult> {
    let count = jobs.len();
    // A job that is more than its thread's share of the work gets a second one for its decoder. Others do not: blocks that go from
    // one core to another cost more than they gain while every core has a job.
    let bytes: u64 = jobs.iter().map(|job| job.bytes).sum();
    let is_large = |job: &Job| threads > count || u128::from(job.bytes) * threads as u128 * 4 > u128::from(bytes) * 5;
    let queue: Vec<Mutex<Option<Job>>> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
    let results: Vec<Mutex<Option<JobResult>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let crew = Crew::new(threads, |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok());
    let crew = crew.map(Arc::new);
    let work = || {
        let _busy = crew.as_deref().map(Crew::work);
        // Each turn takes a job nobody has, so the loop ends after at most `count` turns.
        for _ in 0..count {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = queue.get(index) else { return };
            let Some(job) = slot.lock().ok().and_then(|mut slot| slot.take()) else { continue };
            let side = job.side;
            let is_piped = threads > 1 && is_large(&job);
            let observed = match (vault, &job.again) {
                (Some(vault), Some(group)) => {
                    let (options, symbol) = (job.options.clone(), job.symbol.clone());
                    let place = (side, index);
                    let crew = crew.clone();
                    Chain { group, options, symbol, is_piped, crew, vault, meter, place }.observe()
                }
                _ => observe_as_expected(job, (is_piped, crew.as_ref()), meter),
            };
            if let Ok(mut result) = results[index].lock() {
                *result = Some((side, observed));
            }
        }
    };
    if threads <= 1 {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..threads.min(count) {
                scope.spawn(work);
            }
        });
    }
    results.into_iter().filter_map(|result| result.into_inner().ok().flatten()).collect()
}

/// Observes everything a reader yields, on the calling thread.
///
/// # Errors
/// [`FeedError`] when the reader cannot go on.
pub fn observe(
    reader: Box<dyn EventReader>,
    options: &ObserveOptions,
    meter: &Meter,
) -> Result<ObservedSide, FeedError> {
    let job = Job { side: 0, options: options.clone(), symbol: None, bytes: 0, reader, again: None };
    observe_job(job, (false, None), meter)
}

/// Whether a job's decoder has a thread of its own, and who its observables are shared among.
type Threads<'a> = (bool, Option<&'a Arc<Crew>>);

/// Observes a job as long as its files look, and once more, expecting nothing, if it turns out shorter.
fn observe_as_expected(mut job: Job, threads: Threads<'_>, meter: &Meter) -> Result<ObservedSide, FeedError> {
    let Some(again) = job.again.take() else { return observe_job(job, threads, meter) };
    let (side, bytes, options, symbol) = (job.side, job.bytes, job.options.clone(), job.symbol.clone());
    job.options.expected_span_ns = again.expected_span_ns();
    let observed = observe_job(job, threads, meter)?;
    let is_shorter = observed.streams.iter().any(|(_, observed)| observed.is_shorter_than_expected);
    if !is_shorter || meter.is_cancelled() {
        return Ok(observed);
    }
    observe_job(Job { side, bytes, options, symbol, reader: again.open()?, again: None }, threads, meter)
}

fn observe_job(job: Job, (is_piped, crew): Threads<'_>, meter: &Meter) -> Result<ObservedSide, FeedError> {
    let Job { options, symbol, mut reader, .. } = job;
    let mut streams = Streams { options, symbol, crew: crew.cloned(), observers: BTreeMap::new() };
    let mut read = Read::default();
    decode(reader.as_mut(), &mut read, is_piped, meter, |block, names| {
        streams.observe(block, names);
        Ok(())
    })?;
    Ok(read.finish(reader.as_ref(), streams))
}

/// Hands out every block up to the end or the next rest, with the names of the streams; with the decoder on a thread of its own or not.
///
/// # Errors
/// [`FeedError`] when the reader cannot go on, or the error of `each`.
pub(crate) fn decode(
    reader: &mut dyn EventReader,
    read: &mut Read,
    is_piped: bool,
    meter: &Meter,
    mut each: impl FnMut(&Block, &[StreamName]) -> Result<(), FeedError>,
) -> Result<(), FeedError> {
    if is_piped {
        return decode_ahead(reader, read, meter, each);
    }
    let mut block = Block::default();
    while !meter.is_cancelled() && reader.next_block(&mut block)? {
        read.advance(reader, meter);
        each(&block, reader.streams())?;
    }
    read.advance(reader, meter);
    Ok(())
}

fn decode_ahead(
    reader: &mut dyn EventReader,
    read: &mut Read,
    meter: &Meter,
    mut each: impl FnMut(&Block, &[StreamName]) -> Result<(), FeedError>,
) -> Result<(), FeedError> {
    let (full_in, full_out): (Sender<(Block, Vec<StreamName>)>, Receiver<_>) = bounded(BLOCKS_AHEAD);
    let (empty_in, empty_out): (Sender<Block>, Receiver<Block>) = bounded(BLOCKS_AHEAD + 2);
    std::thread::scope(|scope| {
        let decoder = scope.spawn(move || {
            let mut known = 0;
            let mut block = Block::default();
            while !meter.is_cancelled() && reader.next_block(&mut block)? {
                read.advance(reader, meter);
                let fresh = reader.streams().get(known..).unwrap_or_default().to_vec();
                known += fresh.len();
                if full_in.send((block, fresh)).is_err() {
                    return Ok(());
                }
                block = empty_out.try_recv().unwrap_or_default();
            }
            read.advance(reader, meter);
            Ok(())
        });
        let mut names: Vec<StreamName> = Vec::new();
        let observe = || {
            for (block, fresh) in full_out {
                names.extend(fresh);
                each(&block, &names)?;
                // A full return channel only means that the decoder makes a new block.
                let _ = empty_in.try_send(block);
            }
            Ok(())
        };
        let observed = observe();
        match decoder.join() {
            Ok(decoded) => observed.and(decoded),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// What the meter has been told of a reader.
#[derive(Default, Clone, Copy)]
pub(crate) struct Read {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Read {
    pub(crate) fn advance(&mut self, reader: &dyn EventReader, meter: &Meter) {
        let (messages, bytes) = (reader.messages(), reader.bytes());
        meter.add(messages.saturating_sub(self.messages), bytes.saturating_sub(self.bytes));
        (self.messages, self.bytes) = (messages, bytes);
    }

    fn finish(self, reader: &dyn EventReader, streams: Streams) -> ObservedSide {
        ObservedSide {
            streams: streams.finish(),
            counters: reader.counters().clone(),
            messages: reader.messages(),
            bytes: reader.bytes(),
            unread: None,
        }
    }
}

/// The observers of a reader's streams.
struct Streams {
    options: ObserveOptions,
    symbol: Option<String>,
    crew: Option<Arc<Crew>>,
    observers: BTreeMap<StreamName, StreamObserver>,
}

impl Streams {
    fn observe(&mut self, block: &Block, names: &[StreamName]) {
        let Some(name) = names.get(block.stream) else { return };
        if self.symbol.as_ref().is_some_and(|wanted| !same_symbol(wanted, &name.symbol)) {
            return;
        }
        if let Some(observer) = self.observers.get_mut(name) {
            observer.observe(&block.batch, &block.source);
        } else {
            let mut observer = StreamObserver::new(&self.options).with_crew(self.crew.clone());
            observer.observe(&block.batch, &block.source);
            self.observers.insert(name.clone(), observer);
            // Files tell how long they are, not how long each of their streams is.
            self.options.expected_span_ns = 0;
        }
    }

    fn finish(self) -> Vec<(StreamName, Observed)> {
        self.observers.into_iter().map(|(name, observer)| (name, observer.finish())).collect()
    }
}

/// Whether two spellings name one symbol: `btc-usdt` is `BTCUSDT`.
pub(crate) fn same_symbol(a: &str, b: &str) -> bool {
    let plain = |s: &str| -> Vec<u8> {
        s.bytes().filter(|c| !matches!(c, b'-' | b'_' | b'/')).map(|c| c.to_ascii_uppercase()).collect()
    };
    plain(a) == plain(b)
}
