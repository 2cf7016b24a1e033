//! A group of files observed piece by piece: pieces that a store holds are not read again.
//!
//! A piece ends where the reader rests: mostly a file, or a segment of a long one. What it yields depends on its bytes, on what goes on from the piece before it (its
//! carry), and on how it is observed; the digest of all that is its key. So after a change the changed piece is read, and from the piece
//! on at which the carry is again what it was nothing is.

mod key;
mod piece;
mod recorded;
mod shelf;
mod spines;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use verismo_feed::checks::TRUNCATED_FILE;
use verismo_feed::{EventReader, FeedCounters, FeedError, ReaderGroup, Rest, Spot, StreamName};
use verismo_market::observe::{Carries, Crew, History, ObserveOptions, Part, StreamObserver};
use verismo_suite::trace::{ObservedHow, TraceGroup, TracePiece};

use crate::execute::{ObservedSide, Read, decode, same_symbol};
use crate::identity::{Identities, Segments};
use crate::meter::Meter;
use crate::store::{Digest, Store, hex};
use key::Keys;
use piece::{Found, Missing, Piece, States, StreamPiece};

pub(crate) use key::Why;
pub(crate) use recorded::{Before, Compared, Lost, Recorded, Walked, is_code_of};
pub(crate) use spines::{Gone, Spines};
pub(crate) use tally::Tally;

/// What the chains of a run share.
pub(crate) struct Vault<'a> {
    pub(crate) store: &'a Store,
    pub(crate) identities: &'a Identities,
    pub(crate) tally: &'a Tally,
    pub(crate) trail: &'a Trail,
    /// Whether states are read at once, and not where somebody needs them.
    pub(crate) reads: bool,
}

/// What chains left in the store, by side and place of their group.
#[derive(Debug, Default)]
pub(crate) struct Trail(Mutex<BTreeMap<(usize, usize), TraceGroup>>);

impl Trail {
    pub(crate) fn went(&self, place: (usize, usize), group: TraceGroup) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place, group);
    }

    /// The groups of a side, in order.
    pub(crate) fn of_side(&self, side: usize) -> Vec<TraceGroup> {
        let groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        groups.range((side, 0)..(side + 1, 0)).map(|(_, group)| group.clone()).collect()
    }
}

/// Where a chain is: everything that the pieces before can mean to those behind.
#[derive(Default)]
struct At {
    /// The next source, and the bytes of it that the pieces before have.
    next: usize,
    offset: u64,
    /// What the reader goes on with.
    reader: Vec<u8>,
    streams: BTreeMap<StreamName, StreamAt>,
    counters: FeedCounters,
    messages: u64,
    bytes: u64,
    pieces: usize,
    spines: Spines,
}

/// A stream up to where the chain is.
struct StreamAt {
    carries: Carries,
    history: History,
    /// All but the series.
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
    /// Who its observables are shared among.
    pub(crate) crew: Option<Arc<Crew>>,
    pub(crate) vault: &'a Vault<'a>,
    pub(crate) meter: &'a Meter,
    /// Its side, and the place of the group among those of the run.
    pub(crate) place: (usize, usize),
}

impl<'a> Chain<'a> {
    /// One of a group that is looked at by itself, on the caller's thread: how it is observed, and the symbol that is kept.
    pub(crate) fn by_itself(
        group: &'a ReaderGroup,
        (options, symbol): (ObserveOptions, Option<String>),
        vault: &'a Vault<'a>,
        meter: &'a Meter,
    ) -> Self {
        Self { group, options, symbol, is_piped: false, crew: None, vault, meter, place: (0, 0) }
    }

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
        let mut pieces: Vec<TracePiece> = Vec::new();
        let mut restarts = 0;
        // Every turn goes further, or begins anew, once a source at most.
        while at.next < self.group.sources().len() && !self.meter.is_cancelled() {
            // One file is not put together of what it was and what it is now.
            let is_other = at.offset > 0 && live.is_none() && !self.is_still(at.next);
            if is_other && restarts < self.group.sources().len() {
                (at, pieces) = (At::default(), Vec::new());
                restarts += 1;
            }
            let keys = Keys::new(self, &at);
            let (found, Missing { observables, why }) = piece::find(self, &at, keys.as_ref());
            let label = self.label(at.next);
            let looked = |missing: &[String]| self.vault.tally.looked(&label, &self.options.observables, missing, why);
            let (piece, kept) = match found {
                Some(found) if observables.is_empty() => {
                    looked(&[]);
                    live = None;
                    self.meter.add(found.piece.messages, 0);
                    (found.piece, Some((found.base, found.states)))
                }
                found => {
                    let (piece, found, computed) = self.compute(&at, &mut live, found, observables)?;
                    if self.meter.is_cancelled() {
                        break;
                    }
                    looked(&computed);
                    let base = found.as_ref().map(|found| found.base.as_str());
                    let kept = self.keep(&at, keys.as_ref(), (&piece, base), &computed);
                    match found {
                        Some(found) => {
                            let all = |(base, computed)| (base, found.states.into_iter().chain(computed).collect());
                            (found.piece.with(piece), kept.map(all))
                        }
                        None => (piece, kept),
                    }
                }
            };
            let (sources, is_inside) = (piece.sources, piece.offset > 0);
            at.go_on(piece, &self.options, kept.as_ref().map(|(_, states)| states))?;
            pieces.push(recorded::piece(sources, is_inside, kept));
        }
        if !self.meter.is_cancelled() {
            self.vault.trail.went(self.place, self.trace(pieces));
        }
        at.end(&self.options)
    }

    /// Reads the piece that begins here for what is missing of it; what was found of it, and the observables that were computed.
    fn compute(
        &self,
        at: &At,
        live: &mut Option<Live>,
        found: Option<Found>,
        missing: Vec<String>,
    ) -> Result<(Piece, Option<Found>, Vec<String>), FeedError> {
        let piece = self.go_on(at, live, &missing)?;
        let is_same = found.as_ref().is_none_or(|found| found.piece.goes_on_as(&piece));
        if is_same || self.meter.is_cancelled() {
            return Ok((piece, found, missing));
        }
        // Its reader came to another end than the one that stored it: they are pieces of different bytes, and all of this one is computed.
        *live = None;
        let all = self.options.observables.clone();
        Ok((self.go_on(at, live, &all)?, None, all))
    }

    /// Reads on with the reader that is open if it is for these observables, else with another.
    fn go_on(&self, at: &At, live: &mut Option<Live>, observables: &[String]) -> Result<Piece, FeedError> {
        let mut current = match live.take().filter(|live| live.observables == observables) {
            Some(current) => current,
            None => self.start(at, observables)?,
        };
        let piece = self.read(at, &mut current)?;
        *live = Some(current);
        Ok(piece)
    }

    /// What a later command needs to take up these pieces.
    fn trace(&self, pieces: Vec<TracePiece>) -> TraceGroup {
        let ObserveOptions { clock_ns, grid_ns, warmup_ns, window_min_ns, expected_span_ns, is_single_feed, .. } =
            self.options;
        let code = hex(&key::code(self.group.format()));
        TraceGroup {
            observed: ObservedHow {
                code,
                clock_ns,
                grid_ns,
                warmup_ns,
                window_min_ns,
                expected_span_ns,
                is_single_feed,
            },
            sources: (0..self.group.sources().len()).map(|i| self.label(i)).collect(),
            pieces,
            table: None,
        }
    }

    /// Of a source that is read from a byte on, up to before another one or to its end, a digest of what that depends on.
    fn digest_between(&self, at: usize, offset: u64, end: Option<u64>) -> Option<Digest> {
        self.named(
            at,
            match self.group.segment_bytes(at) {
                Some(bytes) => Some(self.segments(at, bytes)?.between(offset, end)),
                None => self.digest_of(at),
            },
        )
    }

    /// The same of what begins there, as far as it is known before it is read.
    fn digest_from(&self, at: usize, offset: u64) -> Option<Digest> {
        self.named(
            at,
            match self.group.segment_bytes(at) {
                Some(bytes) => Some(self.segments(at, bytes)?.from(offset)),
                None => self.digest_of(at),
            },
        )
    }

    /// With the name of the source, where that tells what the content does not.
    fn named(&self, at: usize, digest: Option<Digest>) -> Option<Digest> {
        match self.group.sources().get(at).filter(|_| self.group.format().names_tell()) {
            Some(source) => Some(key::named(source, &digest?)),
            None => digest,
        }
    }

    fn segments(&self, at: usize, bytes: u64) -> Option<Arc<Segments>> {
        let source = self.group.sources().get(at)?;
        let segments = self.vault.identities.segments(source, bytes, self.vault.store);
        segments.filter(|_| self.is_still(at))
    }

    /// Digests of all sources of a piece, in order.
    fn digests_of(&self, at: &At, piece: &Piece) -> Option<Vec<Digest>> {
        let of = |i: usize| {
            let offset = if i == 0 { at.offset } else { 0 };
            let end = (i == piece.sources).then_some(piece.offset);
            self.digest_between(at.next + i, offset, end)
        };
        (0..piece.touched()).map(of).collect()
    }

    /// Whether a source is still what it was when its digest was asked for.
    fn is_still(&self, at: usize) -> bool {
        self.group.sources().get(at).is_some_and(|source| self.vault.identities.is_still(source))
    }

    fn digest_of(&self, at: usize) -> Option<Digest> {
        let source = self.group.sources().get(at)?;
        // Of bytes that came after the plan nothing is asked for, and nothing is stored.
        self.vault.identities.digest(source).filter(|_| self.is_still(at))
    }

    /// How a source is named in examples.
    fn label(&self, at: usize) -> String {
        self.group.sources().get(at).map_or_else(String::new, |source| source.path.display().to_string())
    }

    /// A reader and observers that take up what goes on.
    fn start(&self, at: &At, observables: &[String]) -> Result<Live, FeedError> {
        let reader = self.group.open_at(Spot { source: at.next, offset: at.offset }, &at.reader)?;
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
        let is_piped = self.is_piped || self.crew.as_ref().is_some_and(|crew| !crew.is_busy());
        decode(reader.as_mut(), read, is_piped, self.meter, |block, names| {
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
                observers.insert(name.clone(), observer.with_crew(self.crew.clone()));
            }
            if let Some(observer) = observers.get_mut(name) {
                observer.observe(&block.batch, &block.source);
            }
            Ok(())
        })?;
        let rest = reader.rest().unwrap_or_else(|| Rest {
            spot: Spot::before(self.group.sources().len()),
            carry: Vec::new(),
            counters: reader.counters().clone(),
        });
        let cut = |name: StreamName| {
            let observer = observers.get_mut(&name)?;
            let part = observer.cut();
            Some((name, StreamPiece { part, carries: observer.carries(), n_forgotten: 0 }))
        };
        Ok(Piece {
            sources: rest.spot.source.saturating_sub(at.next),
            offset: rest.spot.offset,
            reader: rest.carry,
            counters: rest.counters,
            messages: read.messages - before.messages,
            bytes: read.bytes - before.bytes,
            streams: touched.into_iter().filter_map(cut).collect(),
            unread: BTreeMap::new(),
        })
    }

    /// Stores a piece, unless what it was made of is not known for sure; the name of its base, and digests of what was computed.
    fn keep(
        &self,
        at: &At,
        keys: Option<&Keys>,
        (piece, base): (&Piece, Option<&str>),
        observables: &[String],
    ) -> Option<(String, States)> {
        let keys = keys?;
        let digests = self.digests_of(at, piece)?;
        // A file that changed while it was read may have been read half old, half new.
        let mut sources = self.group.sources().iter().skip(at.next).take(piece.touched());
        let is_same = sources.all(|source| self.vault.identities.is_still(source) && source.problem.is_none());
        // What could not be read to its end may be readable the next time, with the same bytes.
        let is_whole = piece.counters.count(TRUNCATED_FILE) == 0;
        let is_storable = piece.streams.iter().all(|(_, stream)| stream.part.scan.is_storable());
        (is_same && is_whole && is_storable).then(|| piece::keep(self, at, keys, (piece, base), &digests, observables))
    }
}

impl At {
    /// Goes past a piece; `states` are digests of what the store has of it.
    fn go_on(&mut self, mut piece: Piece, options: &ObserveOptions, states: Option<&States>) -> Result<(), FeedError> {
        self.spines.add(&mut piece, &options.observables, states).map_err(carry)?;
        self.next += piece.sources;
        self.offset = piece.offset;
        self.pieces += 1;
        self.reader = piece.reader;
        self.counters.append(&piece.counters);
        self.messages += piece.messages;
        self.bytes += piece.bytes;
        for (name, StreamPiece { mut part, carries, n_forgotten }) in piece.streams {
            part.add_forgotten(n_forgotten);
            match self.streams.get_mut(&name) {
                Some(stream) => {
                    stream.history.add(&part.scan);
                    stream.carries = carries;
                    stream.total.merge(part).map_err(carry)?;
                }
                None => {
                    let mut history = History::default();
                    history.add(&part.scan);
                    self.streams.insert(name, StreamAt { carries, history, total: part });
                }
            }
        }
        Ok(())
    }

    /// The streams as a whole: what still waits at the end of the group is observed.
    fn end(mut self, options: &ObserveOptions) -> Result<ObservedSide, FeedError> {
        let mut streams = Vec::new();
        for (name, StreamAt { carries, history, mut total }) in self.streams {
            let mut observer = StreamObserver::resume(options, &carries, history).map_err(carry)?;
            observer.end();
            let mut last = observer.cut();
            let n_forgotten = self.spines.end(&name, &mut last).map_err(carry)?;
            last.add_forgotten(n_forgotten);
            total.unknown_observables.clone_from(&last.unknown_observables);
            total.merge(last).map_err(carry)?;
            self.spines.settle(name.clone(), total.window_ns);
            streams.push((name, total.finish(options.window_min_ns)));
        }
        let mut counters = self.counters;
        if self.pieces > 1 {
            counters.set_totals(self.messages);
        }
        Ok(ObservedSide { streams, counters, messages: self.messages, bytes: self.bytes, unread: Some(self.spines) })
    }
}

fn carry(error: impl std::fmt::Display) -> FeedError {
    FeedError::Carry { detail: error.to_string() }
}
