//! The states of a chain as far as they are here, and as far as they are in the store and were not read.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use verismo_feed::StreamName;
use verismo_market::observe::registry;
use verismo_market::observe::{Part, Series, SeriesPart, SeriesSum};
use verismo_stats::state::MergeError;

use super::piece::{self, Piece, States};
use crate::store::{Digest, Hasher, Store, Told};

/// Version of what a digest of an observable along a chain is made of.
const FORMAT: &str = "verismo.chain/1";

/// An observable in the pieces of a chain, in order.
#[derive(Debug, Default)]
struct Spine {
    links: Vec<Link>,
    /// Of the contents of all pieces; none where that of one is not known.
    contents: Option<Hasher>,
}

#[derive(Debug)]
enum Link {
    /// Of pieces that follow each other.
    Here(Sums),
    /// Of one piece, in the object of that name.
    Stored(Arc<str>, Told, Arc<[(StreamName, i64)]>),
}

/// The observables of a group of files.
#[derive(Debug, Default)]
pub(crate) struct Spines {
    spines: BTreeMap<&'static str, Spine>,
    /// Window lengths of the streams, ns.
    windows: BTreeMap<StreamName, i64>,
    n_pieces: usize,
}

impl Spines {
    /// Adds the observables of a piece, whose parts are left without them; `states` are digests of what the store has of it.
    pub(super) fn add(
        &mut self,
        piece: &mut Piece,
        observables: &[String],
        states: Option<&States>,
    ) -> Result<(), MergeError> {
        let windows: Arc<[(StreamName, i64)]> =
            piece.streams.iter().map(|(name, stream)| (name.clone(), stream.part.window_ns)).collect();
        let mut hasher = Hasher::new(FORMAT);
        windows.iter().for_each(|(name, window_ns)| hash_stream(&mut hasher, name, *window_ns));
        let layout = hasher.finish();
        // What the registry does not know is not observed.
        for id in observables.iter().filter_map(|id| registry::entry(id)).map(|entry| entry.id) {
            let spine = self.spines.entry(id).or_default();
            if self.n_pieces == 0 {
                spine.contents = Some(Hasher::new(FORMAT));
            }
            match states.and_then(|states| states.get(id)).zip(spine.contents.as_mut()) {
                Some((digest, contents)) => {
                    contents.bytes(&layout);
                    contents.bytes(digest);
                }
                None => spine.contents = None,
            }
            match piece.unread.remove(id) {
                Some(piece::InStore { name, told }) => spine.links.push(Link::Stored(name, told, Arc::clone(&windows))),
                None => {
                    for (name, stream) in &mut piece.streams {
                        let Some(SeriesPart { series, n_forgotten }) = stream.part.series.remove(id) else { continue };
                        stream.n_forgotten = stream.n_forgotten.saturating_add(n_forgotten);
                        spine.add(name, stream.part.window_ns, series)?;
                    }
                }
            }
        }
        self.n_pieces += 1;
        Ok(())
    }

    /// Adds what a stream yields when no piece is to come; the values that it gave up.
    pub(super) fn end(&mut self, name: &StreamName, part: &mut Part) -> Result<u64, MergeError> {
        let mut forgotten = 0_u64;
        for (id, SeriesPart { series, n_forgotten }) in std::mem::take(&mut part.series) {
            forgotten = forgotten.saturating_add(n_forgotten);
            let spine = self.spines.entry(id).or_default();
            if let Some(contents) = &mut spine.contents {
                let mut bytes = Vec::new();
                series.save(&mut bytes);
                hash_stream(contents, name, part.window_ns);
                contents.bytes(&bytes);
            }
            spine.add(name, part.window_ns, series)?;
        }
        Ok(forgotten)
    }

    /// The windows of a stream are so long, in the end.
    pub(super) fn settle(&mut self, name: StreamName, window_ns: i64) {
        self.windows.insert(name, window_ns);
    }

    /// The names of the streams.
    pub(crate) fn streams(&self) -> impl Iterator<Item = &StreamName> {
        self.windows.keys()
    }

    /// The observables that are left, with a digest of all that they are made of; none where that is not known.
    pub(crate) fn observables(&self) -> Vec<(&'static str, Option<Digest>)> {
        let digest = |id: &str, spine: &Spine| {
            let mut hasher = spine.contents.clone()?;
            // Two that hold nothing hold the same, and are not the same.
            hasher.text(id);
            self.windows.iter().for_each(|(name, window_ns)| hash_stream(&mut hasher, name, *window_ns));
            Some(hasher.finish())
        };
        self.spines.iter().map(|(id, spine)| (*id, digest(id, spine))).collect()
    }

    /// Takes the series of some observables, by stream, on the threads of the caller's pool.
    ///
    /// # Errors
    /// [`Gone`] where one is not in the store any more, or is damaged.
    pub(crate) fn take(&mut self, store: &Store, wanted: &[&str]) -> Result<Vec<Taken>, Gone> {
        let spines: Vec<(&'static str, Spine)> = std::mem::take(&mut self.spines).into_iter().collect();
        let (taken, left): (Vec<_>, Vec<_>) = spines.into_iter().partition(|(id, _)| wanted.contains(id));
        self.spines = left.into_iter().collect();
        // What one object holds is read in one go.
        let mut objects: BTreeMap<Arc<str>, Vec<Place<'_>>> = BTreeMap::new();
        for (i, (_, spine)) in taken.iter().enumerate() {
            for (k, link) in spine.links.iter().enumerate() {
                if let Link::Stored(name, told, streams) = link {
                    objects.entry(Arc::clone(name)).or_default().push(Place { spine: i, link: k, told, streams });
                }
            }
        }
        let objects: Vec<(Arc<str>, Vec<Place<'_>>)> = objects.into_iter().collect();
        let read: Vec<Vec<Decoded>> =
            objects.par_iter().map(|(name, places)| read_object(store, name, places)).collect::<Result<_, Gone>>()?;
        let mut read: BTreeMap<(usize, usize), Sums> =
            read.into_iter().flatten().map(|(spine, link, sums)| ((spine, link), sums)).collect();
        let mut whole: Vec<(&'static str, Vec<Sums>)> = Vec::new();
        for (i, (id, spine)) in taken.into_iter().enumerate() {
            let links = spine.links.into_iter().enumerate();
            let parts = links.map(|(k, link)| match link {
                Link::Here(part) => Ok(part),
                Link::Stored(..) => read.remove(&(i, k)).ok_or(Gone),
            });
            whole.push((id, parts.collect::<Result<_, Gone>>()?));
        }
        let sum = |(id, parts): (&'static str, Vec<Sums>)| {
            let mut all = Sums::new();
            parts.into_iter().try_for_each(|part| add(&mut all, part)).map_err(|_| Gone)?;
            let finish = |(name, sum): (StreamName, SeriesSum)| {
                let window_ns = self.windows.get(&name).copied().unwrap_or_default();
                (name, sum.finish(window_ns))
            };
            Ok((id, all.into_iter().map(finish).collect()))
        };
        whole.into_par_iter().with_max_len(1).map(sum).collect()
    }
}

/// States that were in the store a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// An observable, and its series in each stream.
pub(crate) type Taken = (&'static str, Vec<(StreamName, Series)>);

/// An observable by stream.
type Sums = BTreeMap<StreamName, SeriesSum>;

/// A link that was read: its spine, its place there, and what it holds.
type Decoded = (usize, usize, Sums);

/// Where a part of an object belongs.
struct Place<'a> {
    spine: usize,
    link: usize,
    told: &'a Told,
    streams: &'a [(StreamName, i64)],
}

fn read_object(store: &Store, name: &str, places: &[Place<'_>]) -> Result<Vec<Decoded>, Gone> {
    let wanted: Vec<&Told> = places.iter().map(|place| place.told).collect();
    let contents = store.parts(name, None, &wanted).ok_or(Gone)?;
    let decode = |(place, content): (&Place<'_>, &Vec<u8>)| {
        let found = piece::decode_observable(content, place.streams.len());
        let found = found.map_err(|error| {
            store.report_damage(name, &error.to_string());
            Gone
        })?;
        let sum = |((name, window_ns), found): (&(StreamName, i64), Option<piece::Remembering>)| {
            found.map(|(part, _)| (name.clone(), SeriesSum::new(*window_ns, part.series)))
        };
        Ok((place.spine, place.link, place.streams.iter().zip(found).filter_map(sum).collect()))
    };
    places.iter().zip(&contents).map(decode).collect()
}

fn add(all: &mut Sums, part: Sums) -> Result<(), MergeError> {
    for (name, sum) in part {
        match all.get_mut(&name) {
            Some(own) => own.add(sum)?,
            None => {
                all.insert(name, sum);
            }
        }
    }
    Ok(())
}

fn hash_stream(hasher: &mut Hasher, name: &StreamName, window_ns: i64) {
    hasher.text(&name.venue);
    hasher.text(&name.symbol);
    hasher.bytes(&window_ns.to_le_bytes());
}

impl Spine {
    /// Adds the states of a stream that are here.
    fn add(&mut self, name: &StreamName, window_ns: i64, series: Series) -> Result<(), MergeError> {
        if !matches!(self.links.last(), Some(Link::Here(_))) {
            self.links.push(Link::Here(Sums::new()));
        }
        match self.links.last_mut() {
            Some(Link::Here(sums)) => add(sums, Sums::from([(name.clone(), SeriesSum::new(window_ns, series))])),
            _ => Ok(()),
        }
    }
}
