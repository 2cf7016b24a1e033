//! Where states stay between runs: named objects, each written once, checked whenever it is read.
//!
//! An object is named by the digest of everything that its content depends on, so that two writers of one name write the same, and
//! nothing is ever out of date. What is damaged counts as missing, and is reported.

mod frame;
mod pack;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use object_store::local::LocalFileSystem;
use object_store::path::Path as Name;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use tokio::runtime::Runtime;

pub(crate) use frame::{Digest, Hasher, hex, unhex};
pub(crate) use pack::{Entry, Pack};

/// What went wrong with a store; a run goes on without what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be opened or written.
    #[error("the store {place} cannot be {action}: {detail}; states are computed, and not kept")]
    Io {
        /// Where it is.
        place: String,
        /// `opened`, `read` or `written`.
        action: &'static str,
        /// What the system said.
        detail: String,
    },
    /// An object is not what was written.
    #[error("{object} in the store {place} is damaged: {detail}; it is not used, and computed again")]
    Damaged {
        /// Where the store is.
        place: String,
        /// The name of the object.
        object: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// A store of states. Many processes may use one at a time.
#[derive(Debug)]
pub struct Store {
    place: String,
    objects: Arc<dyn ObjectStore>,
    runtime: Runtime,
    problems: Mutex<Vec<StoreError>>,
}

/// Problems kept; a store that fails throughout says so once for each kind, not for each object.
const PROBLEMS_MAX: usize = 20;

impl Store {
    /// Opens the store in a folder, which is made if need be.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let place = folder.display().to_string();
        let failed = |detail: String| StoreError::Io { place: place.clone(), action: "opened", detail };
        let folder = folder.join("states");
        std::fs::create_dir_all(&folder).map_err(|e| failed(e.to_string()))?;
        let objects = LocalFileSystem::new_with_prefix(&folder).map_err(|e| failed(e.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
        let runtime = runtime.map_err(|e| failed(e.to_string()))?;
        Ok(Self { place, objects: Arc::new(objects), runtime, problems: Mutex::default() })
    }

    /// The object of that name; `None` if there is none, or if it cannot be used, which is then among the [`Self::problems`].
    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        let path = Name::from(name);
        let read = self.runtime.block_on(async { self.objects.get(&path).await?.bytes().await });
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(object_store::Error::NotFound { .. }) => return None,
            Err(error) => {
                self.report(self.failed("read", &error));
                return None;
            }
        };
        match frame::open(name, &bytes) {
            Ok(content) => Some(content),
            Err(detail) => {
                // Out of the way of the one that is about to be computed. If it stays, the next run says so again.
                self.report_damage(name, &detail);
                None
            }
        }
    }

    /// Names that begin with those of a folder.
    pub(crate) fn list(&self, folder: &str) -> Vec<String> {
        let listed = self.runtime.block_on(self.objects.list_with_delimiter(Some(&Name::from(folder))));
        match listed {
            Ok(found) => found.objects.into_iter().map(|object| object.location.to_string()).collect(),
            Err(object_store::Error::NotFound { .. }) => Vec::new(),
            Err(error) => {
                self.report(self.failed("read", &error));
                Vec::new()
            }
        }
    }

    /// Writes an object unless there is one of that name; the number of bytes written.
    pub(crate) fn put(&self, name: &str, content: &[u8]) -> u64 {
        self.write(name, content, PutMode::Create)
    }

    /// Writes an object over any other of that name: a note on the way to objects, never a state.
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> u64 {
        self.write(name, content, PutMode::Overwrite)
    }

    /// An object has the right checksum, and yet cannot be used.
    pub(crate) fn report_damage(&self, name: &str, detail: &str) {
        let (place, object) = (self.place.clone(), name.to_owned());
        self.report(StoreError::Damaged { place, object, detail: detail.to_owned() });
        let _stays = self.runtime.block_on(self.objects.delete(&Name::from(name)));
    }

    fn write(&self, name: &str, content: &[u8], mode: PutMode) -> u64 {
        let bytes = frame::close(name, content);
        let n = bytes.len() as u64;
        let options = PutOptions { mode, ..PutOptions::default() };
        match self.runtime.block_on(self.objects.put_opts(&Name::from(name), bytes.into(), options)) {
            Ok(_) => n,
            Err(object_store::Error::AlreadyExists { .. }) => 0,
            Err(error) => {
                self.report(self.failed("written", &error));
                0
            }
        }
    }

    /// What could not be read or written, and what was damaged.
    pub fn problems(&self) -> Vec<StoreError> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn failed(&self, action: &'static str, error: &object_store::Error) -> StoreError {
        // The innermost error is what the system said.
        let mut detail: &dyn std::error::Error = error;
        // Bounded: chains of errors are short, and end.
        while let Some(source) = detail.source() {
            detail = source;
        }
        StoreError::Io { place: self.place.clone(), action, detail: detail.to_string() }
    }

    pub(crate) fn report(&self, problem: StoreError) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.len() < PROBLEMS_MAX && !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn what_is_put_is_got_and_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.get("a/b"), None);
        assert!(store.put("a/b", b"states") > 0);
        assert_eq!(store.put("a/b", b"states"), 0, "it is there");
        assert_eq!(store.get("a/b").unwrap(), b"states");
        assert_eq!(store.problems(), []);
        assert_eq!(Store::open(folder.path()).unwrap().get("a/b").unwrap(), b"states", "by another process");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found_and_out_of_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.put("a/b", b"states of a window");
        let [file] = &files(folder.path())[..] else { panic!("one file") };
        let whole = std::fs::read(file).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            for bytes in [&damaged[..], &whole[..at]] {
                std::fs::write(file, bytes).unwrap();
                assert_eq!(store.get("a/b"), None, "byte {at}");
                assert!(!file.exists());
            }
        }
        assert!(!store.problems().is_empty());
        // One object under the name of another.
        std::fs::write(file.with_file_name("c"), &whole).unwrap();
        assert_eq!(store.get("a/c"), None);
        store.put("a/b", b"states of a window");
        assert_eq!(store.get("a/b").unwrap(), b"states of a window");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        assert!(matches!(Store::open(&file), Err(StoreError::Io { action: "opened", .. })));
        let store = Store::open(folder.path()).unwrap();
        std::fs::remove_dir_all(folder.path().join("states")).unwrap();
        std::fs::write(folder.path().join("states"), b"").unwrap();
        for i in 0..100 {
            assert_eq!(store.put(&format!("a/{i}"), b"x"), 0);
        }
        let problems = store.problems();
        assert!((1..=PROBLEMS_MAX).contains(&problems.len()), "{problems:?}");
    }
}
