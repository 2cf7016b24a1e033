//! Which bytes a file holds, without reading them again: digests are remembered with what the file system says of the file.

mod log;
mod segments;

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use verismo_feed::{SEGMENT_BYTES, Source};

use crate::store::{Digest, Store, hex};
use log::Log;
pub(crate) use segments::Segments;

/// A file that was changed so shortly before it was read may be changed again without a new time.
const SETTLED: Duration = Duration::from_millis(50);

/// What the file system says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    modified_ns: u128,
    /// When anything about it was changed last, which nobody can set back; 0 where the system does not say.
    changed_ns: i128,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Option<Self> {
        let modified = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let (inode, changed_ns) = inode_and_change(metadata);
        Some(Self { bytes: metadata.len(), modified_ns: modified.as_nanos(), changed_ns, inode })
    }

    /// When it was changed last.
    pub(crate) fn modified(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(self.modified_ns).unwrap_or(u64::MAX))
    }

    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        Self::of(&std::fs::metadata(path).ok()?)
    }

    /// Whether a file that had this stamp at that time cannot be changed any more without getting another one.
    pub(crate) fn is_settled_at(&self, time: SystemTime) -> bool {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        since.as_nanos() > self.modified_ns + SETTLED.as_nanos()
    }
}

#[cfg(unix)]
fn inode_and_change(metadata: &Metadata) -> (u64, i128) {
    use std::os::unix::fs::MetadataExt;
    (metadata.ino(), i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn inode_and_change(_metadata: &Metadata) -> (u64, i128) {
    (0, 0)
}

/// By file and length of a segment; `None` where they cannot be told.
type AskedSegments = HashMap<(PathBuf, u64), Option<Arc<Segments>>>;

/// Digests of files.
pub(crate) struct Identities {
    /// Where they are remembered, if there is a place for that.
    log: Option<Log>,
    /// Read all files again.
    verifies: bool,
    known: Mutex<HashMap<PathBuf, (Stamp, Digest)>>,
    /// Digests of this run, with the stamp that the file had when it was read.
    fresh: Mutex<HashMap<PathBuf, Option<(Stamp, Digest)>>>,
    /// Segments of long files that were read and not asked for yet, and those that were.
    segments_read: Mutex<HashMap<PathBuf, Segments>>,
    segments: Mutex<AskedSegments>,
}

impl Identities {
    /// Those remembered in a folder; with `verifies` none of them is believed.
    pub(crate) fn open(folder: Option<&Path>, verifies: bool) -> Self {
        let log = folder.map(Log::in_folder);
        let known = log.as_ref().map(Log::read).unwrap_or_default();
        Self {
            log,
            verifies,
            known: Mutex::new(known),
            fresh: Mutex::default(),
            segments_read: Mutex::default(),
            segments: Mutex::default(),
        }
    }

    /// The digest of the bytes of a source; `None` if it cannot be read.
    pub(crate) fn digest(&self, source: &Source) -> Option<Digest> {
        self.digest_of(&source.path)
    }

    /// The digest of the bytes of a file; `None` if it cannot be read.
    pub(crate) fn digest_of(&self, path: &Path) -> Option<Digest> {
        if let Some(known) = lock(&self.fresh).get(path) {
            return known.as_ref().map(|(_, digest)| *digest);
        }
        let digest = self.look(path);
        lock(&self.fresh).insert(path.to_owned(), digest.clone());
        digest.map(|(_, digest)| digest)
    }

    /// Whether a source is still what it was when the run was planned, and when its digest was asked for.
    pub(crate) fn is_still(&self, source: &Source) -> bool {
        let Some(now) = Stamp::of_path(&source.path) else { return false };
        let then = lock(&self.fresh).get(&source.path).cloned().flatten();
        let is_planned = now.bytes == source.bytes && source.modified == Some(now.modified());
        is_planned && then.is_some_and(|(stamp, _)| stamp == now)
    }

    /// The digest of a file with this stamp, as it is remembered.
    pub(crate) fn known(&self, path: &Path, stamp: &Stamp) -> Option<Digest> {
        let fresh = lock(&self.fresh).get(path).cloned().flatten();
        let of_log = || absolute(path).and_then(|path| lock(&self.known).get(&path).cloned());
        let found = if self.verifies { fresh } else { fresh.or_else(of_log) };
        found.filter(|(known, _)| known == stamp).map(|(_, digest)| digest)
    }

    pub(crate) fn look(&self, path: &Path) -> Option<(Stamp, Digest)> {
        let stamp = Stamp::of_path(path)?;
        if !self.verifies
            && let Some((known, digest)) = absolute(path).and_then(|path| lock(&self.known).get(&path).cloned())
            && known == stamp
        {
            return Some((stamp, digest));
        }
        let read_at = SystemTime::now();
        let (digest, segments) = read_digest(path, SEGMENT_BYTES)?;
        if let Some(segments) = segments {
            lock(&self.segments_read).insert(path.to_owned(), segments);
        }
        // What was changed a moment ago is read again next time.
        if stamp.is_settled_at(read_at) {
            self.remember(path, &stamp, &digest);
        }
        Some((stamp, digest))
    }

    /// The segments of a source that has several; `None` where its bytes are not known for sure. A store has them by the digest of the file,
    /// for whoever knows that without reading it.
    pub(crate) fn segments(&self, source: &Source, segment_bytes: u64, store: &Store) -> Option<Arc<Segments>> {
        let key = (source.path.clone(), segment_bytes);
        if let Some(known) = lock(&self.segments).get(&key) {
            return known.clone();
        }
        let segments = self.look_for_segments(source, segment_bytes, store).map(Arc::new);
        lock(&self.segments).insert(key, segments.clone());
        segments
    }

    fn look_for_segments(&self, source: &Source, segment_bytes: u64, store: &Store) -> Option<Segments> {
        let digest = self.digest(source).filter(|_| self.is_still(source))?;
        let fits = |segments: &Segments| segments.are_of(segment_bytes) && segments.whole() == digest;
        let name = format!("segments/{}-{segment_bytes}", hex(&digest));
        let read = lock(&self.segments_read).remove(&source.path).filter(fits);
        if read.is_none() && !self.verifies {
            let stored = store.get(&name).and_then(|bytes| Segments::decode(&bytes).ok()).filter(fits);
            if stored.is_some() {
                return stored;
            }
        }
        let segments = match read {
            Some(read) => read,
            None => read_digest(&source.path, segment_bytes)?.1.filter(fits)?,
        };
        store.put(&name, &segments.encode());
        Some(segments)
    }

    pub(crate) fn remember(&self, path: &Path, stamp: &Stamp, digest: &Digest) {
        if let Some(log) = &self.log {
            log.append(path, stamp, digest);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One log serves all working directories.
fn absolute(path: &Path) -> Option<PathBuf> {
    std::path::absolute(path).ok()
}

/// The digest of a file, and its segments if it has several.
fn read_digest(path: &Path, segment_bytes: u64) -> Option<(Digest, Option<Segments>)> {
    Segments::read(&mut File::open(path).ok()?, segment_bytes).ok()
}

#[cfg(test)]
mod tests {
    use verismo_feed::Inventory;

    use super::*;

    #[test]
    fn a_file_that_changed_since_it_was_looked_at_is_not_still_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        let rows = |value: u8| format!("time,x\n{}", format!("1723161255,{value}\n").repeat(50));
        let write = |text: String, age_s: u64| {
            std::fs::write(&path, text).unwrap();
            let time = SystemTime::now() - Duration::from_secs(age_s);
            File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        write(rows(1), 60);
        let planned = Inventory::scan(std::slice::from_ref(&path), None).unwrap().sources.remove(0);
        let identities = || Identities::open(None, false);
        let unchanged = identities();
        assert!(!unchanged.is_still(&planned), "nobody asked for its digest");
        assert!(unchanged.digest(&planned).is_some());
        assert!(unchanged.is_still(&planned));
        // Other bytes of the same length, and then of another, before their digest is asked for.
        for text in [rows(2), rows(3) + "1723161256,4\n"] {
            write(text, 30);
            assert!(!unchanged.is_still(&planned));
            let late = identities();
            assert!(late.digest(&planned).is_some());
            assert!(!late.is_still(&planned), "these are not the bytes that were planned");
        }
    }

    #[cfg(unix)]
    #[test]
    fn other_bytes_of_the_same_length_and_time_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("capture.jsonl");
        let time = SystemTime::now() - Duration::from_secs(60);
        let write = |text: &str| {
            std::fs::write(&path, text).unwrap();
            File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        let digest = || Identities::open(Some(folder.path()), false).digest_of(&path).unwrap();
        write("one");
        let before = digest();
        assert_eq!(digest(), before);
        // Change times are as coarse as the system's clock.
        std::thread::sleep(Duration::from_millis(50));
        write("two");
        assert_ne!(digest(), before, "written in place, and its time set back");
    }
}
