//! Several entries in one object, each found by a digest.

use verismo_stats::state::{DecodeError, Reader, put_u64};

use super::Digest;

/// A part of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The digest of all that it depends on.
    pub(crate) key: Digest,
    /// What it holds.
    pub(crate) content: Vec<u8>,
}

/// Entries that were computed together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pack {
    pub(crate) entries: Vec<Entry>,
}

impl Pack {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_u64(&mut out, self.entries.len() as u64);
        for Entry { key, content } in &self.entries {
            out.extend_from_slice(key);
            put_u64(&mut out, content.len() as u64);
            out.extend_from_slice(content);
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new("pack/1", bytes);
        let mut pack = Self::default();
        for _ in 0..input.length("entries of a pack", 33)? {
            let key = input.bytes("the key of an entry", 32)?;
            let key = Digest::try_from(key).map_err(|_| input.invalid("the key of an entry"))?;
            let n = input.length("the length of an entry", 1)?;
            pack.entries.push(Entry { key, content: input.bytes("an entry", n)?.to_vec() });
        }
        input.finish()?;
        Ok(pack)
    }

    /// Takes the entry of that key.
    pub(crate) fn take(&mut self, key: &Digest) -> Option<Vec<u8>> {
        let at = self.entries.iter().position(|entry| entry.key == *key)?;
        Some(self.entries.swap_remove(at).content)
    }
}
