//! Judged observables in a store: one folder for a pair of streams, in it a pack for each run that judged something new. What is known of
//! observables without their states lies beside it.

use verismo_judge::Recall;
use verismo_judge::digest::Digest;

use crate::store::{Entry, Hasher, Pack, Store, hex};

/// Version of what is stored, and of what it is stored under.
const FORMAT: &str = "verismo.judged/1";

/// Packs in a folder; where there are as many, the next takes the place of one of them.
const PACKS_MAX: usize = 64;

/// The judged observables of one program, and what it knows of others, which alone is known to judge as it did.
pub(crate) struct JudgedBefore<'a> {
    pub(crate) store: &'a Store,
    /// The digest of the program.
    pub(crate) program: Digest,
}

impl JudgedBefore<'_> {
    fn folder(&self, top: &str, of: &Digest) -> String {
        let mut hasher = Hasher::new(FORMAT);
        hasher.bytes(&self.program);
        hasher.bytes(of);
        let hex = hex(&hasher.finish());
        format!("{top}/{}/{}", &hex[..2], &hex[2..])
    }

    /// What is known of observables of streams, each by the digest of all that it is made of.
    pub(crate) fn known(&self, streams: &Digest) -> Vec<(Digest, Vec<u8>)> {
        self.entries(&self.folder("known", streams))
    }

    /// Keeps what is known of observables of streams.
    pub(crate) fn keep_known(&self, streams: &Digest, known: Vec<(Digest, Vec<u8>)>) {
        self.add(&self.folder("known", streams), known);
    }

    fn entries(&self, folder: &str) -> Vec<(Digest, Vec<u8>)> {
        let read = |name: &String| {
            let pack = Pack::decode(&self.store.get(name)?);
            pack.map_err(|error| self.store.report_damage(name, &error.to_string())).ok()
        };
        let packs = self.store.list(folder);
        let packs = packs.iter().take(PACKS_MAX).filter_map(read);
        packs.flat_map(|pack| pack.entries).map(|Entry { key, content }| (key, content)).collect()
    }

    fn add(&self, folder: &str, entries: Vec<(Digest, Vec<u8>)>) {
        let entries = entries.into_iter().map(|(key, content)| Entry { key, content }).collect();
        let pack = Pack { entries };
        let mut hasher = Hasher::new(FORMAT);
        pack.entries.iter().for_each(|entry| hasher.bytes(&entry.key));
        let digest = hasher.finish();
        let packs = self.store.names(folder);
        let own = || format!("{folder}/{}", hex(&digest));
        let name = if packs.len() < PACKS_MAX { own() } else { packs[usize::from(digest[0]) % packs.len()].clone() };
        self.store.replace(&name, &pack.encode());
    }
}

impl Recall for JudgedBefore<'_> {
    fn of_pair(&self, pair: &Digest) -> Vec<(Digest, Vec<u8>)> {
        self.entries(&self.folder("judged", pair))
    }

    fn keep(&self, pair: &Digest, judged: Vec<(Digest, Vec<u8>)>) {
        self.add(&self.folder("judged", pair), judged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_stay_few_and_the_latest_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let before = JudgedBefore { store: &store, program: [1; 32] };
        let another = JudgedBefore { store: &store, program: [2; 32] };
        for i in 0..3 * PACKS_MAX as u64 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&i.to_le_bytes());
            before.keep(&[7; 32], vec![(key, i.to_string().into_bytes())]);
            let kept = before.of_pair(&[7; 32]);
            assert!(kept.contains(&(key, i.to_string().into_bytes())), "{i}");
            assert_eq!(kept.len() as u64, (i + 1).min(PACKS_MAX as u64));
        }
        assert_eq!((before.of_pair(&[8; 32]), another.of_pair(&[7; 32])), (Vec::new(), Vec::new()));
        assert_eq!(store.problems(), []);
    }
}
