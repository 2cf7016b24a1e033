//! Which bytes files hold, for versions of data sets: digests that are remembered, else read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::identity::{Identities, Stamp};
use crate::meter::Meter;
use crate::store::Digest;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its bytes.
    pub digest: [u8; 32],
}

/// Contents of files, as remembered in a home.
pub struct Contents {
    identities: Identities,
    /// What this process has looked at.
    seen: Mutex<HashMap<PathBuf, (Stamp, Content)>>,
}

impl Contents {
    /// Those remembered in a home, which need not exist; with `verifies` every file is read.
    pub fn open(home: &Path, verifies: bool) -> Self {
        Self { identities: Identities::open(Some(home), verifies), seen: Mutex::default() }
    }

    /// The content of a file; `None` if it cannot be read, or changes while it is.
    pub fn of(&self, path: &Path) -> Option<Content> {
        // By one name, whatever it was called: links are followed.
        let path = std::fs::canonicalize(path).ok()?;
        let now = || Stamp::of_path(&path);
        let seen = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen().get(&path).cloned();
        if let Some((stamp, content)) = before.filter(|(stamp, _)| now().as_ref() == Some(stamp)) {
            debug_assert_eq!(stamp.bytes, content.bytes);
            return Some(content);
        }
        let (stamp, digest): (Stamp, Digest) = self.identities.look(&path)?;
        let content = Content { bytes: stamp.bytes, digest };
        if now().as_ref() != Some(&stamp) {
            return None;
        }
        seen().insert(path, (stamp, content));
        Some(content)
    }

    /// The contents of files, on threads, in their order. What a cancelled meter leaves out is `None`.
    pub fn of_all(&self, paths: &[PathBuf], threads: usize, meter: &Meter) -> Vec<Option<Content>> {
        let one = |path: &PathBuf| {
            let content = if meter.is_cancelled() { None } else { self.of(path) };
            meter.add(0, content.map_or(0, |content| content.bytes));
            content
        };
        // Where no pool can be made, the threads of the process do.
        match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => pool.install(|| paths.par_iter().map(one).collect()),
            Err(_) => paths.iter().map(one).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_told_and_change_with_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = ["a", "b", "c"].map(|name| folder.path().join(name)).to_vec();
        for path in &paths[..2] {
            std::fs::write(path, "abc").unwrap();
        }
        let contents = Contents::open(folder.path(), false);
        let want = Content { bytes: 3, digest: *blake3::hash(b"abc").as_bytes() };
        assert_eq!(contents.of_all(&paths, 2, &Meter::default()), [Some(want), Some(want), None]);
        std::fs::write(&paths[0], "abcd").unwrap();
        assert_eq!(contents.of(&paths[0]).unwrap().digest, *blake3::hash(b"abcd").as_bytes());
    }
}
