//! What the store holds of the observables of a piece.

use std::collections::BTreeMap;
use std::sync::Arc;

use verismo_market::observe::registry;
use verismo_stats::state::DecodeError;

use super::At;
use super::key::{self, PACK, reads_tape};
use super::piece::{Found, InStore, Note, Piece};
use crate::store::{Digest, Head, PARTS, Pack, Store, Told, content_digest};

/// What is wanted of a piece.
pub(super) struct Wanted<'a> {
    pub(super) observables: &'a [String],
    /// Whether they lie on a tape with book updates.
    pub(super) has_updates: bool,
    /// Their versions, if not those of now.
    pub(super) versions: Option<&'a BTreeMap<String, u32>>,
    /// Whether states are read at once.
    pub(super) reads: bool,
}

/// All that was stored of the observables of a piece.
struct Shelf<'a> {
    store: &'a Store,
    names: &'a [String],
    heads: Vec<(Arc<str>, Head)>,
    /// Read where the heads do not have it all.
    packs: Option<Vec<(String, Pack)>>,
}

impl<'a> Shelf<'a> {
    fn of(store: &'a Store, names: &'a [String]) -> Self {
        let heads = names.iter().filter(|name| name.ends_with(PARTS));
        let heads = heads.filter_map(|name| Some((Arc::from(name.as_str()), store.head(name)?))).collect();
        Self { store, names, heads, packs: None }
    }

    fn packs(&mut self) -> &mut Vec<(String, Pack)> {
        let Self { store, names, .. } = *self;
        let pack = |name: &String| {
            let pack = Pack::decode(&store.get(name)?);
            Some((name.clone(), pack.map_err(|error| store.report_damage(name, &error.to_string())).ok()?))
        };
        let packs = || names.iter().filter(|name| name.ends_with(PACK)).filter_map(pack).collect();
        self.packs.get_or_insert_with(packs)
    }

    /// The object and the part of that key.
    fn told(&self, key: &Digest) -> Option<(usize, &Told)> {
        self.heads
            .iter()
            .enumerate()
            .find_map(|(i, (_, head))| Some((i, head.parts.iter().find(|told| told.key == *key)?)))
    }

    /// Hands the entry of that key in a pack to `read`; whether there is one that can be read.
    fn take(&mut self, key: &Digest, mut read: impl FnMut(&[u8]) -> Result<(), DecodeError>) -> bool {
        let entry = self.packs().iter_mut().find_map(|(name, pack)| Some((name.clone(), pack.take(key)?)));
        let Some((name, bytes)) = entry else { return false };
        read(&bytes).map_err(|error| self.store.report_damage(&name, &error.to_string())).is_ok()
    }

    /// What goes on from an observable, and where its states are.
    fn note(&self, of: usize, told: &Told, piece: &Piece) -> Option<(Note, InStore)> {
        let (name, _) = &self.heads[of];
        let note = piece.decode_note(&told.note);
        let note = note.map_err(|error| self.store.report_damage(name, &error.to_string())).ok()?;
        Some((note, InStore { name: Arc::clone(name), told: Told { note: Vec::new(), ..told.clone() } }))
    }

    fn is_whole(&self, of: usize, read: Result<(), DecodeError>) -> bool {
        read.map_err(|error| self.store.report_damage(&self.heads[of].0, &error.to_string())).is_ok()
    }
}

/// Adds those of the wanted observables that are stored to the piece; those that have to be computed.
pub(super) fn take_observables(
    store: &Store,
    wanted: &Wanted<'_>,
    at: &At,
    found: &mut Found,
    names: &[String],
) -> Vec<String> {
    let Found { piece, base, states } = found;
    let Wanted { observables, has_updates, versions, reads } = *wanted;
    let mut shelf = Shelf::of(store, names);
    let has_tape = observables.iter().any(|id| reads_tape(id)) && {
        let key = key::tape(at, base, has_updates);
        match shelf.told(&key) {
            Some((of, told)) => shelf.is_whole(of, piece.decode_tape(&told.note)),
            None => shelf.take(&key, |bytes| piece.decode_tape(bytes)),
        }
    };
    let (mut missing, mut told): (Vec<String>, Vec<(&'static str, usize, Told)>) = (Vec::new(), Vec::new());
    for id in observables {
        // What the registry does not know is not computed either.
        let Some(entry) = registry::entry(id) else { continue };
        let version = versions.and_then(|versions| versions.get(id)).copied().unwrap_or(entry.version);
        let key = key::observable(at, base, (id, version), has_updates);
        let is_found = key.is_some_and(|key| match shelf.told(&key) {
            Some((of, part)) => {
                told.push((entry.id, of, part.clone()));
                true
            }
            None => shelf.take(&key, |bytes| {
                piece.decode_observable(entry.id, bytes)?;
                states.insert(id.clone(), content_digest(bytes));
                Ok(())
            }),
        });
        if !is_found || (reads_tape(id) && !has_tape) {
            missing.push(id.clone());
        }
    }
    // What cannot be read is told before anything is taken: those that read the tape share it, and all of them are computed again, or none.
    let mut notes: Vec<(&'static str, Note, InStore)> = Vec::new();
    if reads {
        missing.extend(read(&shelf, &told, piece));
    } else {
        for (id, of, told) in &told {
            match shelf.note(*of, told, piece) {
                Some((note, unread)) => notes.push((id, note, unread)),
                None => missing.push((*id).to_owned()),
            }
        }
    }
    let shares_tape = missing.iter().any(|id| reads_tape(id));
    let is_missing = |id: &str| missing.iter().any(|other| other == id) || (shares_tape && reads_tape(id));
    for (id, _, told) in told.iter().filter(|(id, ..)| !is_missing(id)) {
        states.insert((*id).to_owned(), told.digest);
    }
    for (id, note, unread) in notes.into_iter().filter(|(id, ..)| !is_missing(id)) {
        piece.leave(id, note, unread);
    }
    observables.iter().filter(|id| is_missing(id)).cloned().collect()
}

/// Reads the states of the observables; those that cannot be read.
fn read(shelf: &Shelf<'_>, told: &[(&'static str, usize, Told)], piece: &mut Piece) -> Vec<String> {
    let mut missing = Vec::new();
    for (i, (name, head)) in shelf.heads.iter().enumerate() {
        let own: Vec<&(&'static str, usize, Told)> = told.iter().filter(|(_, of, _)| *of == i).collect();
        if own.is_empty() {
            continue;
        }
        let wanted: Vec<&Told> = own.iter().map(|(_, _, told)| told).collect();
        let contents = shelf.store.parts(name, head.whole.as_ref(), &wanted);
        for (k, (id, ..)) in own.iter().enumerate() {
            let content = contents.as_ref().and_then(|contents| contents.get(k));
            if !content.is_some_and(|content| shelf.is_whole(i, piece.decode_observable(id, content))) {
                missing.push((*id).to_owned());
            }
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use verismo_feed::write::{EventsOptions, EventsWriter};
    use verismo_sim::{Market, MarketConfig};
    use verismo_suite::Suite;
    use verismo_suite::report::Report;

    use super::*;
    use crate::store::Entry;
    use crate::{Meter, StoreRequest, ValidateRequest, validate};

    /// Packs, as earlier versions wrote them, are read as ever.
    #[test]
    fn packs_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventsWriter::create(&dir.path().join("data"), EventsOptions::default()).unwrap();
        Market::new(MarketConfig::new(5)).take(2_000).for_each(|message| writer.write(&message).unwrap());
        writer.finish().unwrap();
        let data = vec![dir.path().join("data")];
        let request = ValidateRequest {
            suite: Some(Suite { replicates: 99, ..Suite::builtin("microstructure").unwrap() }),
            store: Some(StoreRequest::in_folder(dir.path().join("store"))),
            ..ValidateRequest::new(data.clone(), data)
        };
        let run = || -> Report { validate(&request, &Meter::default()).unwrap() };
        let first = run();
        let store = Store::open(&dir.path().join("store")).unwrap();
        let mut n = 0;
        let pieces = dir.path().join("store/states/pieces");
        let below = |path: &std::path::Path| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        for folder in below(&pieces).flat_map(|path| below(&path).collect::<Vec<_>>()) {
            let folder = folder.strip_prefix(dir.path().join("store/states")).unwrap().to_str().unwrap().to_owned();
            for name in store.list(&folder).iter().filter(|name| name.ends_with(PARTS)) {
                let head = store.head(name).unwrap();
                let contents = store.parts(name, None, &head.parts.iter().collect::<Vec<_>>()).unwrap();
                // Of the tape the note is all there is, and was the content.
                let content =
                    |(told, content): (&Told, Vec<u8>)| if content.is_empty() { told.note.clone() } else { content };
                let entries = head.parts.iter().zip(contents);
                let entries = entries.map(|(told, bytes)| Entry { key: told.key, content: content((told, bytes)) });
                store.put(&name.replace(PARTS, PACK), &Pack { entries: entries.collect() }.encode());
                std::fs::remove_file(dir.path().join("store/states").join(name)).unwrap();
                n += 1;
            }
        }
        let again = run();
        assert_eq!((again.digest, again.timing.bytes_read), (first.digest, 0));
        let cache = again.cache.unwrap();
        assert!(n > 0 && cache.states_computed == 0 && cache.states_reused > 0, "{n} {cache:?}");
    }
}
