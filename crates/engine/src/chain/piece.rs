//! A piece of a chain: what observing it yields, and how that is stored.
//!
//! Of each piece there is a base, which every observable shares, and objects with a part for each observable (and for the tape that some
//! of them read) that was computed at one time. What goes on from a piece stands in their heads, so that a chain is walked without its
//! states: they are read where somebody needs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use verismo_feed::{FeedCounters, Spot, StreamName};
use verismo_market::observe::registry;
use verismo_market::observe::{Carries, History, Part, ScanPart, Series, SeriesPart};
use verismo_stats::state::{Carry, DecodeError, Reader, put_u64};

use super::key::{self, BASE, Keys, Why, reads_tape};
use super::shelf::{Wanted, take_observables};
use super::{At, Chain};
use crate::store::{Digest, Hasher, PARTS, Part as Stored, Store, Told, content_digest};

/// What a piece yields.
#[derive(Clone)]
pub(super) struct Piece {
    /// How many sources end in it.
    pub(super) sources: usize,
    /// Bytes of the next one that are in it, or were in pieces before; 0 where it ends with a source.
    pub(super) offset: u64,
    /// What the reader goes on with.
    pub(super) reader: Vec<u8>,
    pub(super) counters: FeedCounters,
    pub(super) messages: u64,
    /// Bytes read from disk for it.
    pub(super) bytes: u64,
    /// Those streams that it has rows of, by name.
    pub(super) streams: Vec<(StreamName, StreamPiece)>,
    /// Observables whose states are in the store, where what goes on from them is here.
    pub(super) unread: BTreeMap<&'static str, InStore>,
}

/// Where the states of an observable of a piece are.
#[derive(Debug, Clone)]
pub(super) struct InStore {
    /// The name of the object.
    pub(super) name: Arc<str>,
    pub(super) told: Told,
}

/// A stream in a piece.
#[derive(Clone)]
pub(super) struct StreamPiece {
    pub(super) part: Part,
    pub(super) carries: Carries,
    /// Values that observables which are not read gave up.
    pub(super) n_forgotten: u64,
}

/// What has to be computed, and why it was not found.
pub(super) struct Missing {
    pub(super) observables: Vec<String>,
    pub(super) why: Why,
}

impl Piece {
    /// Whether what goes on from it is what goes on from another one of the same start.
    pub(super) fn goes_on_as(&self, other: &Self) -> bool {
        (self.sources, self.offset, &self.reader) == (other.sources, other.offset, &other.reader)
    }

    /// Where it ends.
    fn end(&self, at: &At) -> Spot {
        Spot { source: at.next.saturating_add(self.sources), offset: self.offset }
    }

    /// How many sources it has something of.
    pub(super) fn touched(&self) -> usize {
        self.sources + usize::from(self.offset > 0)
    }

    /// With the observables that another one has of the same piece.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.bytes += other.bytes;
        let mut others: BTreeMap<StreamName, StreamPiece> = other.streams.into_iter().collect();
        for (name, stream) in &mut self.streams {
            let Some(other) = others.remove(name) else { continue };
            stream.part.series.extend(other.part.series);
            stream.carries.series.extend(other.carries.series);
            stream.carries.tape = other.carries.tape.or_else(|| stream.carries.tape.take());
        }
        self
    }

    /// What every observable shares. Files in examples are named by their place in the piece, since the same bytes may lie elsewhere later.
    fn encode(&self, digests: &[Digest], name_of: &dyn Fn(&str) -> String) -> Vec<u8> {
        let mut out = Vec::new();
        put_u64(&mut out, digests.len() as u64);
        digests.iter().for_each(|digest| out.extend_from_slice(digest));
        put_bytes(&mut out, &self.reader);
        let mut counters = self.counters.clone();
        counters.rename_sources(name_of);
        counters.save(&mut out);
        put_u64(&mut out, self.messages);
        put_u64(&mut out, self.streams.len() as u64);
        for (name, StreamPiece { part, carries, .. }) in &self.streams {
            name.venue.save(&mut out);
            name.symbol.save(&mut out);
            (part.clock_ns, part.window_ns).save(&mut out);
            let mut scan = part.scan.clone();
            scan.rename_sources(name_of);
            scan.save(&mut out);
            put_bytes(&mut out, &carries.scan);
        }
        if self.offset > 0 {
            put_u64(&mut out, self.offset);
        }
        out
    }

    /// The piece without observables, and the digests of its sources.
    fn decode(bytes: &[u8], label_of: &dyn Fn(&str) -> String) -> Result<(Self, Vec<Digest>), DecodeError> {
        let mut input = Reader::new("base of a piece/1", bytes);
        let n = input.length("sources", 32)?;
        let digest = |input: &mut Reader<'_>| {
            let bytes = input.bytes("the digest of a source", 32)?;
            Digest::try_from(bytes).map_err(|_| input.invalid("the digest of a source"))
        };
        let digests = (0..n).map(|_| digest(&mut input)).collect::<Result<Vec<_>, _>>()?;
        let reader = get_bytes(&mut input)?;
        let mut counters = FeedCounters::default();
        counters.load(&mut input)?;
        counters.rename_sources(label_of);
        let messages = input.u64("messages")?;
        let mut streams = Vec::new();
        for _ in 0..input.length("streams", 4)? {
            let mut name = (String::new(), String::new());
            name.load(&mut input)?;
            let mut lengths = (0, 0);
            lengths.load(&mut input)?;
            let mut scan = ScanPart::decode(&mut input)?;
            scan.rename_sources(label_of);
            let carries = Carries { scan: get_bytes(&mut input)?, ..Carries::default() };
            let (clock_ns, window_ns) = lengths;
            if clock_ns < 1 || window_ns < 1 {
                return Err(input.invalid("the length of a window"));
            }
            let part = Part { clock_ns, window_ns, scan, series: BTreeMap::new(), unknown_observables: Vec::new() };
            let (venue, symbol) = name;
            streams.push((StreamName { venue, symbol }, StreamPiece { part, carries, n_forgotten: 0 }));
        }
        // Only what ends inside a source says where.
        let offset = if input.remaining() > 0 { input.u64("where it ends in a source")? } else { 0 };
        input.finish()?;
        let sources = digests.len().saturating_sub(usize::from(offset > 0));
        Ok((Self { sources, offset, reader, counters, messages, bytes: 0, streams, unread: BTreeMap::new() }, digests))
    }

    /// An observable in all streams of the piece.
    fn encode_observable(&self, id: &str) -> Vec<u8> {
        let mut out = Vec::new();
        for (_, StreamPiece { part, carries, .. }) in &self.streams {
            let found = part.series.get(id).zip(carries.series.get(id));
            out.push(u8::from(found.is_some()));
            if let Some((SeriesPart { series, n_forgotten }, carry)) = found {
                put_u64(&mut out, *n_forgotten);
                series.save(&mut out);
                put_bytes(&mut out, carry);
            }
        }
        out
    }

    pub(super) fn decode_observable(&mut self, id: &'static str, bytes: &[u8]) -> Result<(), DecodeError> {
        let found = decode_observable(bytes, self.streams.len())?;
        for ((_, StreamPiece { part, carries, .. }), found) in self.streams.iter_mut().zip(found) {
            let Some((series, carry)) = found else { continue };
            part.series.insert(id, series);
            carries.series.insert(id, carry);
        }
        Ok(())
    }

    /// Of an observable in all streams of the piece what is needed even where its states are not.
    fn encode_note(&self, id: &str) -> Vec<u8> {
        let mut out = Vec::new();
        for (_, StreamPiece { part, carries, .. }) in &self.streams {
            let found = part.series.get(id).zip(carries.series.get(id));
            out.push(u8::from(found.is_some()));
            if let Some((SeriesPart { n_forgotten, .. }, carry)) = found {
                put_u64(&mut out, *n_forgotten);
                put_bytes(&mut out, carry);
            }
        }
        out
    }

    pub(super) fn decode_note(&self, bytes: &[u8]) -> Result<Note, DecodeError> {
        let mut input = Reader::new("note of an observable/1", bytes);
        let mut note = Note::new();
        for _ in &self.streams {
            let is_there = input.u8("whether a stream has it")? != 0;
            let mut of_stream = || Ok((input.u64("values that were given up")?, get_bytes(&mut input)?));
            note.push(if is_there { Some(of_stream()?) } else { None });
        }
        input.finish()?;
        Ok(note)
    }

    /// Takes what goes on from an observable, and leaves its states where they are.
    pub(super) fn leave(&mut self, id: &'static str, note: Note, unread: InStore) {
        for ((_, stream), note) in self.streams.iter_mut().zip(note) {
            let Some((n_forgotten, carry)) = note else { continue };
            stream.n_forgotten = stream.n_forgotten.saturating_add(n_forgotten);
            stream.carries.series.insert(id, carry);
        }
        self.unread.insert(id, unread);
    }

    fn encode_tape(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (_, StreamPiece { carries, .. }) in &self.streams {
            put_bytes(&mut out, carries.tape.as_deref().unwrap_or_default());
        }
        out
    }

    pub(super) fn decode_tape(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut input = Reader::new("tape of a piece/1", bytes);
        for (_, StreamPiece { carries, .. }) in &mut self.streams {
            carries.tape = Some(get_bytes(&mut input)?);
        }
        input.finish()
    }
}

/// Of an observable in each stream of a piece the values that it gave up, and what it remembers.
pub(super) type Note = Vec<Option<(u64, Vec<u8>)>>;

/// An observable in a stream of a piece, and what it remembers.
pub(super) type Remembering = (SeriesPart, Vec<u8>);

/// An observable in each stream of a piece.
pub(super) fn decode_observable(bytes: &[u8], n_streams: usize) -> Result<Vec<Option<Remembering>>, DecodeError> {
    let mut input = Reader::new("observable of a piece/1", bytes);
    let mut found = Vec::new();
    for _ in 0..n_streams {
        if input.u8("whether a stream has it")? == 0 {
            found.push(None);
            continue;
        }
        let n_forgotten = input.u64("values that were given up")?;
        let series = Series::load(&mut input)?;
        found.push(Some((SeriesPart { series, n_forgotten }, get_bytes(&mut input)?)));
    }
    input.finish()?;
    Ok(found)
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn get_bytes(input: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    let n = input.length("bytes", 1)?;
    input.bytes("bytes", n).map(<[u8]>::to_vec)
}

/// A piece as far as the store holds it.
pub(super) struct Found {
    pub(super) piece: Piece,
    /// The name of its base.
    pub(super) base: String,
    /// Digests of the observables that are stored.
    pub(super) states: States,
}

/// Digests of the states of a piece, by observable.
pub(super) type States = BTreeMap<String, Digest>;

/// The digest of all states of a piece.
pub(super) fn states_digest(states: &States) -> Digest {
    let mut hasher = Hasher::new("verismo.states/1");
    hasher.text("piece");
    for (id, digest) in states {
        hasher.text(id);
        hasher.bytes(digest);
    }
    hasher.finish()
}

/// What the store holds of the piece that begins here; where that is not all, after whoever else is computing the same.
pub(super) fn find(chain: &Chain<'_>, at: &At, keys: Option<&Keys>) -> (Option<Found>, Missing) {
    let Some(keys) = keys else {
        return (None, Missing { observables: chain.options.observables.clone(), why: Why::Unreadable });
    };
    let (store, folder) = (chain.vault.store, keys.folder());
    let names = store.list(&folder);
    let (found, missing) = look(chain, at, keys, &names);
    // States are written last: where there is only the base of a piece, somebody may be writing them now.
    let n_parts = |names: &[String]| names.iter().filter(|name| name.ends_with(PARTS)).count();
    let has_more = || n_parts(&store.names(&folder)) > n_parts(&names);
    if missing.observables.is_empty() || !store.claim(&format!("{folder} {:?}", missing.observables), has_more) {
        return (found, missing);
    }
    let again = store.list(&folder);
    if again == names {
        return (found, missing);
    }
    let (found, Missing { observables, .. }) = look(chain, at, keys, &again);
    if observables.is_empty() {
        store.release();
    }
    (found, Missing { observables, why: missing.why })
}

/// What objects of these names hold of the piece that begins here.
fn look(chain: &Chain<'_>, at: &At, keys: &Keys, names: &[String]) -> (Option<Found>, Missing) {
    let wanted = &chain.options.observables;
    let (mut found, mut why) = (None, None);
    for base in names.iter().filter(|name| name.ends_with(BASE)) {
        match read_base(chain, at, base) {
            Ok(piece) => {
                found = Some(Found { piece, base: base.clone(), states: States::new() });
                break;
            }
            Err(reason) => why = Some(reason),
        }
    }
    let Some(mut found) = found else {
        return (None, Missing { observables: wanted.clone(), why: why.unwrap_or_else(|| keys.why(chain, at)) });
    };
    let wanted =
        Wanted { observables: wanted, has_updates: key::has_updates(wanted), versions: None, reads: chain.vault.reads };
    let observables = take_observables(chain.vault.store, &wanted, at, &mut found, names);
    (Some(found), Missing { observables, why: Why::Observables })
}

/// The piece of a base, if it is the one that is wanted.
fn read_base(chain: &Chain<'_>, at: &At, base: &str) -> Result<Piece, Why> {
    let bytes = chain.vault.store.get(base).ok_or(Why::Damaged)?;
    let label_of = |name: &str| match name.parse::<usize>() {
        Ok(i) => chain.label(at.next + i),
        Err(_) => name.to_owned(),
    };
    let (piece, digests) = Piece::decode(&bytes, &label_of).map_err(|error| {
        chain.vault.store.report_damage(base, &error.to_string());
        Why::Damaged
    })?;
    // The first digest is part of the key, unless it is of a part of a file.
    let is_known = usize::from(chain.group.segment_bytes(at.next).is_none());
    let now = if digests.len() > is_known { chain.digests_of(at, &piece) } else { Some(digests.clone()) };
    if now.is_none_or(|now| now.get(is_known..) != digests.get(is_known..)) {
        return Err(Why::Neighbours);
    }
    let (from, to) = (Spot { source: at.next, offset: at.offset }, piece.end(at));
    if to <= from || !chain.group.rests_at(from.source, to, &piece.reader) {
        return Err(Why::Neighbours);
    }
    for (name, stream) in &piece.streams {
        let history = at.streams.get(name).map(|at| &at.history);
        history.unwrap_or(&History::default()).fits(&stream.part.scan).map_err(Why::Ids)?;
    }
    Ok(piece)
}

/// The piece of a base that a run left, its files named by `labels`; `None` where the base is gone or damaged.
pub(super) fn read_recorded(store: &Store, base: &str, labels: &[String]) -> Option<Piece> {
    let bytes = store.get(base)?;
    let label_of = |name: &str| match name.parse::<usize>().ok().and_then(|i| labels.get(i)) {
        Some(label) => label.clone(),
        None => name.to_owned(),
    };
    let decoded = Piece::decode(&bytes, &label_of);
    decoded.map(|(piece, _)| piece).map_err(|error| store.report_damage(base, &error.to_string())).ok()
}

/// Stores what was computed of a piece of files with these digests, beside the base that was found of it; the name of its base, and the
/// digests of what was computed.
pub(super) fn keep(
    chain: &Chain<'_>,
    at: &At,
    keys: &Keys,
    (piece, base): (&Piece, Option<&str>),
    digests: &[Digest],
    computed: &[String],
) -> (String, States) {
    let store = chain.vault.store;
    let base = base.map_or_else(
        || {
            let bytes = encoded_base(chain, at, piece, digests);
            let name = keys.base(&bytes);
            store.put(&name, &bytes);
            name
        },
        str::to_owned,
    );
    let has_updates = key::has_updates(&chain.options.observables);
    let part = |id: &String| {
        let version = registry::entry(id).map(|entry| entry.version);
        let key = version.and_then(|version| key::observable(at, &base, (id, version), has_updates))?;
        Some((id.clone(), Stored::new(key, piece.encode_note(id), &piece.encode_observable(id))))
    };
    let of_observables = match &chain.crew {
        Some(crew) => crew.map(computed, part),
        None => computed.iter().map(part).collect(),
    };
    let (mut states, mut parts) = (States::new(), Vec::new());
    for (id, part) in of_observables.into_iter().flatten() {
        states.insert(id, part.digest);
        parts.push(part);
    }
    if computed.iter().any(|id| reads_tape(id)) {
        parts.push(Stored::new(key::tape(at, &base, has_updates), piece.encode_tape(), &[]));
    }
    if !parts.is_empty() {
        store.put_parts(&keys.parts(&parts), &parts);
    }
    keys.remember(chain, at);
    store.release();
    (base, states)
}

/// What every observable of a piece of files with these digests shares, as it is stored.
fn encoded_base(chain: &Chain<'_>, at: &At, piece: &Piece, digests: &[Digest]) -> Vec<u8> {
    let labels: Vec<String> = (0..piece.touched()).map(|i| chain.label(at.next + i)).collect();
    piece.encode(digests, &|label| match labels.iter().position(|other| other == label) {
        Some(i) => i.to_string(),
        None => label.to_owned(),
    })
}

/// The name of the base, and the digests of the states, that a piece of files with these digests comes to.
pub(super) fn recomputed(
    chain: &Chain<'_>,
    at: &At,
    keys: &Keys,
    piece: &Piece,
    digests: &[Digest],
) -> (String, States) {
    let states = chain.options.observables.iter().filter(|id| registry::entry(id).is_some());
    let states = states.map(|id| (id.clone(), content_digest(&piece.encode_observable(id)))).collect();
    (keys.base(&encoded_base(chain, at, piece, digests)), states)
}
