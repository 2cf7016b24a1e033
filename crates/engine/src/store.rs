//! Where states stay between runs: named objects, each written once, checked whenever it is read.
//!
//! An object is named by the digest of everything that its content depends on, so that two writers of one name write the same, and
//! nothing is ever out of date. What is damaged counts as missing, and is reported. An object may be removed at any time by anybody:
//! whoever misses it computes it again.

mod ahead;
mod claims;
mod folder;
mod frame;
mod line;
mod pack;
mod parts;
mod place;
mod sweep;
mod usage;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use object_store::PutMode;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Name;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::Semaphore;

use ahead::Ahead;
use claims::Claims;
use line::{Fetched, Line, Trouble};

pub(crate) use frame::{Digest, Hasher, hex, unhex};
pub(crate) use pack::{Entry, Pack};
pub(crate) use parts::{Head, PARTS, Part, Told, content_digest};
pub use place::Remote;
pub use sweep::GcPolicy;

/// What went wrong with a store; a run goes on without what it asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be opened or written.
    #[error("the store {place} cannot be {action}: {detail}")]
    Io {
        /// Where it is.
        place: String,
        /// `opened`, `read` or `written`.
        action: &'static str,
        /// What the system said.
        detail: String,
    },
    /// It does not answer.
    #[error("the store {place} did not answer within {seconds} s{hint}")]
    Late {
        /// Where it is.
        place: String,
        /// How long it was waited for.
        seconds: f64,
        /// What may be the reason; empty if nothing is known.
        hint: String,
    },
    /// It is no place for a store.
    #[error("{url} is no store: {detail} (a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX)")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
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
    line: Arc<Line>,
    /// The folder of the objects, of a store on this machine.
    folder: Option<PathBuf>,
    /// Who computes what, of a store on this machine.
    claims: Option<Claims>,
    /// Objects that will be asked for.
    ahead: Ahead,
    /// Writes that may be under way while the run goes on.
    slots: Arc<Semaphore>,
    handle: Handle,
    /// Gone only while it is dropped.
    runtime: Option<Runtime>,
}

/// Objects that are read, or written, side by side where each takes its time.
const SIDE_BY_SIDE: u32 = 8;
/// What is used keeps its time up to this, so that the least recently used is known without a note for each use.
const TOUCHED: Duration = Duration::from_secs(24 * 3600);
/// The same where it takes a write of the object.
const TOUCHED_ELSEWHERE: Duration = Duration::from_secs(7 * 24 * 3600);

impl Store {
    /// The folder of the objects in the home.
    pub const FOLDER: &str = "states";

    /// Opens the store in a folder, which is made if need be.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(home: &Path) -> Result<Self, StoreError> {
        let place = home.display().to_string();
        let failed = |detail: String| StoreError::Io { place: place.clone(), action: "opened", detail };
        let folder = home.join(Self::FOLDER);
        std::fs::create_dir_all(&folder).map_err(|e| failed(e.to_string()))?;
        let objects = LocalFileSystem::new_with_prefix(&folder).map_err(|e| failed(e.to_string()))?;
        Self::on(Line::new(place.clone(), Box::new(objects)), Some(folder))
    }

    /// Opens a store that is not on this machine. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`StoreError::Io`] where what has to be set is not, or contradicts itself.
    pub fn open_remote(remote: &Remote) -> Result<Self, StoreError> {
        Self::on(remote.line()?, None)
    }

    fn on(line: Line, folder: Option<PathBuf>) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|e| StoreError::Io {
            place: line.place.clone(),
            action: "opened",
            detail: e.to_string(),
        })?;
        Ok(Self {
            line: Arc::new(line),
            claims: folder.as_deref().map(Claims::beside),
            folder,
            ahead: Ahead::default(),
            slots: Arc::new(Semaphore::new(SIDE_BY_SIDE as usize)),
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// How it is named to the user.
    pub fn place(&self) -> &str {
        &self.line.place
    }

    /// The object of that name; `None` if there is none, or if it cannot be used, which is then among the [`Self::problems`].
    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        if !self.line.reads() {
            return None;
        }
        let path = Name::from(name);
        let fetched = self.fetch(&path)?;
        match frame::open(name, &fetched.bytes) {
            Ok(content) => {
                self.touch(&path, fetched);
                Some(content)
            }
            Err(detail) => {
                // Out of the way of the one that is about to be computed. If it stays, the next run says so again.
                self.report_damage(name, &detail);
                None
            }
        }
    }

    fn fetch(&self, path: &Name) -> Option<Fetched> {
        if let Some(folder) = &self.folder {
            return folder::read_whole(&folder.join(path.as_ref()))
                .map_err(|error| self.unreadable(&error))
                .ok()
                .flatten();
        }
        if let Some(fetched) = self.ahead.take(path) {
            return Some(fetched);
        }
        let fetched = self.handle.block_on(self.line.fetch(path, None));
        fetched.map_err(|trouble| self.line.failed("read", &trouble)).ok().flatten()
    }

    /// Names that begin with those of a folder, of objects that are about to be read.
    pub(crate) fn list(&self, folder: &str) -> Vec<String> {
        let (folder, names) = (Name::from(folder), self.names(folder));
        if self.folder.is_none() && !names.is_empty() {
            let names: Vec<Name> = names.iter().map(|name| Name::from(name.as_str())).collect();
            self.handle.block_on(self.ahead.fetch(&self.line, folder, &names));
        }
        names
    }

    /// Names that begin with those of a folder.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        if !self.line.reads() {
            return Vec::new();
        }
        let folder = Name::from(folder);
        if let Some(root) = &self.folder {
            return folder::list(root, &folder).map_err(|error| self.unreadable(&error)).unwrap_or_default();
        }
        let listed = self.line.ask_again(|| self.line.objects.list_with_delimiter(Some(&folder)));
        match self.handle.block_on(listed) {
            Ok(found) => found.objects.into_iter().map(|object| object.location.to_string()).collect(),
            Err(Trouble::Refused(object_store::Error::NotFound { .. })) => Vec::new(),
            Err(trouble) => {
                self.line.failed("read", &trouble);
                Vec::new()
            }
        }
    }

    /// Writes an object unless there is one of that name; the number of bytes written.
    pub(crate) fn put(&self, name: &str, content: &[u8]) -> u64 {
        self.write(Name::from(name), frame::close(name, content).into(), PutMode::Create)
    }

    /// Writes an object over any other of that name: what may be forgotten, never a state.
    pub(crate) fn replace(&self, name: &str, content: &[u8]) -> u64 {
        self.write(Name::from(name), frame::close(name, content).into(), PutMode::Overwrite)
    }

    /// Says that this thread is about to compute what has that name, after whoever else is at it, who is waited for unless it becomes
    /// `needless`. Whether it may be there now: somebody may have ended between the look at it and this. Elsewhere than on this machine nobody
    /// waits.
    pub(crate) fn claim(&self, name: &str, is_needless: impl Fn() -> bool) -> bool {
        self.claims.as_ref().is_some_and(|claims| {
            claims.claim(name, is_needless);
            true
        })
    }

    /// Says that this thread is through with what it claimed.
    pub(crate) fn release(&self) {
        if let Some(claims) = &self.claims {
            claims.release();
        }
    }

    /// An object has the right checksum, and yet cannot be used.
    pub(crate) fn report_damage(&self, name: &str, detail: &str) {
        let (place, object) = (self.line.place.clone(), name.to_owned());
        self.line.report(StoreError::Damaged { place, object, detail: detail.to_owned() });
        if self.line.writes() {
            use object_store::ObjectStoreExt as _;
            let _stays = self.handle.block_on(self.line.ask(self.line.objects.delete(&Name::from(name))));
        }
    }

    /// Bytes that were written, or that are on their way to a store elsewhere.
    fn write(&self, name: Name, bytes: Bytes, mode: PutMode) -> u64 {
        if !self.line.writes() {
            return 0;
        }
        let n = bytes.len() as u64;
        if self.folder.is_some() {
            return if self.handle.block_on(self.line.put(&name, bytes, mode)) { n } else { 0 };
        }
        // The run goes on meanwhile. Where all slots are taken it waits, for as long as a write may take.
        let Ok(slot) = self.handle.block_on(Arc::clone(&self.slots).acquire_owned()) else { return 0 };
        let line = Arc::clone(&self.line);
        self.handle.spawn(async move {
            if line.writes() {
                line.put(&name, bytes, mode).await;
            }
            drop(slot);
        });
        n
    }

    /// Notes that an object was used, if it was not noted lately.
    fn touch(&self, name: &Name, object: Fetched) {
        let now = SystemTime::now();
        let age = now.duration_since(object.modified).unwrap_or_default();
        match &self.folder {
            Some(folder) if age > TOUCHED => {
                let file = std::fs::File::options().write(true).open(folder.join(name.as_ref()));
                let _not_noted = file.and_then(|file| file.set_modified(now));
            }
            None if age > TOUCHED_ELSEWHERE => {
                // What was read may be its front alone, and is not written over the whole.
                let is_whole = object.bytes.len() as u64 == object.length;
                if let Some(whole) = if is_whole { Some(object) } else { self.fetch(name) } {
                    self.write(name.clone(), whole.bytes, PutMode::Overwrite);
                }
            }
            _ => {}
        }
    }

    fn unreadable(&self, error: &std::io::Error) {
        let (place, detail) = (self.line.place.clone(), error.to_string());
        self.line.report(StoreError::Io { place, action: "read", detail });
    }

    /// Waits for what is on its way.
    pub(crate) fn settle(&self) {
        if self.folder.is_none() {
            let all = self.line.ask(async { Ok(self.slots.acquire_many(SIDE_BY_SIDE).await.is_ok()) });
            if let Err(trouble) = self.handle.block_on(all) {
                self.line.failed("written", &trouble);
            }
        }
    }

    /// Ends a run: what is on its way comes there, and a store on this machine stays below `max_bytes`.
    pub(crate) fn finish(&self, max_bytes: Option<u64>) {
        self.settle();
        let written = self.line.written.load(Ordering::Relaxed);
        if let (Some(folder), Some(max_bytes)) = (&self.folder, max_bytes)
            && written > 0
        {
            usage::keep_below(self, folder, written, max_bytes);
        }
    }

    /// What could not be read or written, and what was damaged.
    pub fn problems(&self) -> Vec<StoreError> {
        self.line.problems()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // A question without an answer, such as for the address of a server, must not hold up the end.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
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
        assert!((1..=line::PROBLEMS_MAX).contains(&problems.len()), "{problems:?}");
    }
}
