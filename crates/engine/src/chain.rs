//! A group of files observed piece by piece: pieces that a store holds are not read again.
//!
//! A piece ends where the reader rests: mostly a file. What it yields depends on its bytes, on what goes on from the piece before it (its
//! carry), and on how it is observed; the digest of all that is its key. So after a change the changed piece is read, and from the piece
//! on at which the carry is again what it was nothing is.

mod key;
mod piece;
mod tally;

use std::collections::{BTreeMap, BTreeSet};

use verismo_feed::checks::TRUNCATED_FILE;
use verismo_feed::{EventReader, FeedCounters, FeedError, ReaderGroup, Rest, StreamName};
use verismo_market::observe::{Carries, History, ObserveOptions, Part, StreamObserver};

use crate::execute::{ObservedSide, Read, decode, same_symbol};
use crate::identity::Identities;
use crate::meter::Meter;
use crate::store::{Digest, Store};
use key::Keys;
use piece::{Missing, Piece, StreamPiece};

pub(crate) use tally::Tally;

/// What the chains of a run share.
pub(crate) struct Vault<'a> {
    pub(crate) store: &'a Store,
    pub(crate) identities: &'a Identities,
    pub(crate) tally: &'a Tally,
}

/// Where a chain is: everything that the pieces before can mean to those behind.
#[derive(Default)]
struct At {
    /// The next source.
    next: usize,
    /// What the reader goes on with.
    reader: Vec<u8>,
    streams: BTreeMap<StreamName, StreamAt>,
    counters: FeedCounters,
    messages: u64,
    bytes: u64,
    pieces: usize,
}

/// A stream up to where the chain is.
struct StreamAt {
    carries: Carries,
    history: History,
    total: Part,
}

/// A reader between two rests, and the observers of some observables.
struct Live {
    reader: Box<dyn EventReader>,
    observables: Vec<String>,
    observers: BTreeMap<StreamName, StreamObserver>,
    read: Read,
}

pub(crate) struct Chain<'a> {
    pub(crate) group: &'a ReaderGroup,
    pub(crate) options: ObserveOptions,
    /// Keep only streams of this symbol.
    pub(crate) symbol: Option<String>,
    /// Whether the decoder has a thread of its own.
    pub(crate) is_piped: bool,
    pub(crate) vault: &'a Vault<'a>,
    pub(crate) meter: &'a Meter,
}

impl Chain<'_> {
    /// Observes the group; a stream that turns out shorter than its files look is observed once more, expecting nothing.
    ///
    /// # Errors
    /// [`FeedError`] when a reader cannot go on.
    pub(crate) fn observe(&mut self) -> Result<ObservedSide, FeedError> {
        let observed = self.observe_as_expected();
        self.vault.store.release();
        observed
    }

    fn observe_as_expected(&mut self) -> Result<ObservedSide, FeedError> {
        self.options.expected_span_ns = self.group.expected_span_ns();
        let observed = self.once()?;
        let is_shorter = observed.streams.iter().any(|(_, observed)| observed.is_shorter_than_expected);
        if !is_shorter || self.meter.is_cancelled() {
            return Ok(observed);
        }
        self.options.expected_span_ns = 0;
        self.once()
    }

    fn once(&self) -> Result<ObservedSide, FeedError> {
        let mut at = At::default();
        let mut live: Option<Live> = None;
        // Every turn goes past a source.
        while at.next < self.group.sources().len() && !self.meter.is_cancelled() {
            let keys = Keys::new(self, &at);
            let (found, Missing { observables, why }) = piece::find(self, &at, keys.as_ref());
            self.vault.tally.looked(&self.label(at.next), &self.options.observables, &observables, why);
            let piece = match found {
                Some(found) if observables.is_empty() => {
                    live = None;
                    self.meter.add(found.piece.messages, 0);
                    found.piece
                }
                found => {
                    let mut current = match live.take().filter(|live| live.observables == observables) {
                        Some(current) => current,
                        None => self.start(&at, &observables)?,
                    };
                    let piece = self.read(&at, &mut current)?;
                    if self.meter.is_cancelled() {
                        break;
                    }
                    live = Some(current);
                    let base = found.as_ref().map(|found| found.base.as_str());
                    self.keep(&at, keys.as_ref(), (&piece, base), &observables);
                    match found {
                        Some(found) => found.piece.with(piece),
                        None => piece,
                    }
                }
            };
            self.go_on(&mut at, piece)?;
        }
        self.end(at)
    }

    fn digest_of(&self, at: usize) -> Option<Digest> {
        let source = self.group.sources().get(at)?;
        // Of bytes that came after the plan nothing is asked for, and nothing is stored.
        self.vault.identities.digest(source).filter(|_| self.vault.identities.is_still(source))
    }

    /// How a source is named in examples.
    fn label(&self, at: usize) -> String {
        self.group.sources().get(at).map_or_else(String::new, |source| source.path.display().to_string())
    }

    /// A reader and observers that take up what goes on.
    fn start(&self, at: &At, observables: &[String]) -> Result<Live, FeedError> {
        let reader = self.group.open_at(at.next, &at.reader)?;
        Ok(Live { reader, observables: observables.to_vec(), observers: BTreeMap::new(), read: Read::default() })
    }

    fn options_of(&self, observables: &[String], at: &At) -> ObserveOptions {
        // Files tell how long they are, not how long each of their streams is.
        let expected_span_ns = if at.streams.is_empty() { self.options.expected_span_ns } else { 0 };
        ObserveOptions { observables: observables.to_vec(), expected_span_ns, ..self.options.clone() }
    }

    /// Reads up to the next rest.
    fn read(&self, at: &At, live: &mut Live) -> Result<Piece, FeedError> {
        let mut touched: BTreeSet<StreamName> = BTreeSet::new();
        let mut options = self.options_of(&live.observables, at);
        let Live { reader, observers, read, .. } = live;
        let before = *read;
        decode(reader.as_mut(), read, self.is_piped, self.meter, |block, names| {
            let Some(name) = names.get(block.stream) else { return Ok(()) };
            if self.symbol.as_ref().is_some_and(|wanted| !same_symbol(wanted, &name.symbol)) {
                return Ok(());
            }
            if !touched.contains(name) {
                touched.insert(name.clone());
            }
            if !observers.contains_key(name) {
                let observer = match at.streams.get(name) {
                    Some(stream) => {
                        StreamObserver::resume(&options, &stream.carries, stream.history.clone()).map_err(carry)?
                    }
                    None => StreamObserver::new(&options),
                };
                options.expected_span_ns = 0;
                observers.insert(name.clone(), observer);
            }
            if let Some(observer) = observers.get_mut(name) {
                observer.observe(&block.batch, &block.source);
            }
            Ok(())
        })?;
        let rest = reader.rest().unwrap_or_else(|| Rest {
            sources: self.group.sources().len(),
            carry: Vec::new(),
            counters: reader.counters().clone(),
        });
        let cut = |name: StreamName| {
            let observer = observers.get_mut(&name)?;
            let part = observer.cut();
            Some((name, StreamPiece { part, carries: observer.carries() }))
        };
        Ok(Piece {
            sources: rest.sources.saturating_sub(at.next),
            reader: rest.carry,
            counters: rest.counters,
            messages: read.messages - before.messages,
            bytes: read.bytes - before.bytes,
            streams: touched.into_iter().filter_map(cut).collect(),
        })
    }

    /// Goes past a piece.
    fn go_on(&self, at: &mut At, piece: Piece) -> Result<(), FeedError> {
        at.next += piece.sources;
        at.pieces += 1;
        at.reader = piece.reader;
        at.counters.append(&piece.counters);
        at.messages += piece.messages;
        at.bytes += piece.bytes;
        for (name, StreamPiece { part, carries }) in piece.streams {
            match at.streams.get_mut(&name) {
                Some(stream) => {
                    stream.history.add(&part.scan);
                    stream.carries = carries;
                    stream.total.merge(part).map_err(carry)?;
                }
                None => {
                    let mut history = History::default();
                    history.add(&part.scan);
                    at.streams.insert(name, StreamAt { carries, history, total: part });
                }
            }
        }
        Ok(())
    }

    /// Stores a piece, unless what it was made of is not known for sure.
    fn keep(&self, at: &At, keys: Option<&Keys>, (piece, base): (&Piece, Option<&str>), observables: &[String]) {
        let Some(keys) = keys else { return };
        let digests: Option<Vec<Digest>> = (at.next..at.next + piece.sources).map(|i| self.digest_of(i)).collect();
        let Some(digests) = digests else { return };
        // A file that changed while it was read may have been read half old, half new.
        let mut sources = self.group.sources().iter().skip(at.next).take(piece.sources);
        let is_same = sources.all(|source| self.vault.identities.is_still(source) && source.problem.is_none());
        // What could not be read to its end may be readable the next time, with the same bytes.
        let is_whole = piece.counters.count(TRUNCATED_FILE) == 0;
        if is_same && is_whole && piece.streams.iter().all(|(_, stream)| stream.part.scan.is_storable()) {
            piece::keep(self, at, keys, (piece, base), &digests, observables);
        }
    }

    /// The streams as a whole: what still waits at the end of the group is observed.
    fn end(&self, at: At) -> Result<ObservedSide, FeedError> {
        let mut streams = Vec::new();
        for (name, StreamAt { carries, history, mut total }) in at.streams {
            let mut observer = StreamObserver::resume(&self.options, &carries, history).map_err(carry)?;
            observer.end();
            let last = observer.cut();
            total.unknown_observables.clone_from(&last.unknown_observables);
            total.merge(last).map_err(carry)?;
            streams.push((name, total.finish(self.options.window_min_ns)));
        }
        let mut counters = at.counters;
        if at.pieces > 1 {
            counters.set_totals(at.messages);
        }
        Ok(ObservedSide { streams, counters, messages: at.messages, bytes: at.bytes })
    }
}

fn carry(error: impl std::fmt::Display) -> FeedError {
    FeedError::Carry { detail: error.to_string() }
}
