//! Judged observables in a store: one folder for a pair of streams, in it a pack for each run that judged something new.

use verismo_judge::Recall;
use verismo_judge::digest::Digest;

use crate::store::{Entry, Hasher, Pack, Store, hex};

/// Version of what is stored, and of what it is stored under.
const FORMAT: &str = "verismo.judged/1";

/// Packs that are looked into for a pair of streams; where there are as many, no more are written.
const PACKS_MAX: usize = 64;

/// The judged observables of one program, which alone is known to judge as it did.
pub(crate) struct JudgedBefore<'a> {
    pub(crate) store: &'a Store,
    /// The digest of the program.
    pub(crate) program: Digest,
}

impl JudgedBefore<'_> {
    fn folder(&self, pair: &Digest) -> String {
        let mut hasher = Hasher::new(FORMAT);
        hasher.bytes(&self.program);
        hasher.bytes(pair);
        let hex = hex(&hasher.finish());
        format!("judged/{}/{}", &hex[..2], &hex[2..])
    }
}

impl Recall for JudgedBefore<'_> {
    fn of_pair(&self, pair: &Digest) -> Vec<(Digest, Vec<u8>)> {
        let read = |name: &String| {
            let pack = Pack::decode(&self.store.get(name)?);
            pack.map_err(|error| self.store.report_damage(name, &error.to_string())).ok()
        };
        let packs = self.store.list(&self.folder(pair));
        let packs = packs.iter().take(PACKS_MAX).filter_map(read);
        packs.flat_map(|pack| pack.entries).map(|Entry { key, content }| (key, content)).collect()
    }

    fn keep(&self, pair: &Digest, judged: Vec<(Digest, Vec<u8>)>) {
        let folder = self.folder(pair);
        if self.store.list(&folder).len() >= PACKS_MAX {
            return;
        }
        let entries = judged.into_iter().map(|(key, content)| Entry { key, content }).collect();
        let pack = Pack { entries };
        let mut hasher = Hasher::new(FORMAT);
        pack.entries.iter().for_each(|entry| hasher.bytes(&entry.key));
        self.store.put(&format!("{folder}/{}", hex(&hasher.finish())), &pack.encode());
    }
}
