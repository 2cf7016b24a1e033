//! Which bytes a file holds, without reading them again: digests are remembered with what the file system says of the file.

use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use verismo_feed::Source;

use crate::store::{Digest, hex, unhex};

/// A file that was changed so shortly before it was read may be changed again without a new time.
const SETTLED: Duration = Duration::from_millis(50);

/// What the file system says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    modified_ns: u128,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Option<Self> {
        let modified = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Self { bytes: metadata.len(), modified_ns: modified.as_nanos(), inode: inode(metadata) })
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
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> u64 {
    0
}

/// Digests of files.
pub(crate) struct Identities {
    /// Where they are remembered.
    log: PathBuf,
    /// Read all files again.
    verifies: bool,
    known: Mutex<HashMap<PathBuf, (Stamp, Digest)>>,
    /// Digests of this run, with the stamp that the file had when it was read.
    fresh: Mutex<HashMap<PathBuf, Option<(Stamp, Digest)>>>,
}

impl Identities {
    /// Those remembered in a folder; with `verifies` none of them is believed.
    pub(crate) fn open(folder: &Path, verifies: bool) -> Self {
        let log = folder.join("files.log");
        let known = std::fs::read_to_string(&log).map(|text| parse(&text)).unwrap_or_default();
        Self { log, verifies, known: Mutex::new(known), fresh: Mutex::default() }
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

    /// Whether a source is still what it was when its digest was asked for.
    pub(crate) fn is_still(&self, source: &Source) -> bool {
        let now = Stamp::of_path(&source.path);
        let then = lock(&self.fresh).get(&source.path).cloned().flatten();
        then.map(|(stamp, _)| stamp) == now && now.is_some()
    }

    pub(crate) fn look(&self, path: &Path) -> Option<(Stamp, Digest)> {
        let stamp = Stamp::of_path(path)?;
        if !self.verifies
            && let Some((known, digest)) = lock(&self.known).get(path)
            && *known == stamp
        {
            return Some((stamp, *digest));
        }
        let read_at = SystemTime::now();
        let digest = read_digest(path)?;
        // What was changed a moment ago is read again next time.
        if stamp.is_settled_at(read_at) {
            self.remember(path, &stamp, &digest);
        }
        Some((stamp, digest))
    }

    /// Appends a line in one write, so that lines of several processes do not mix. What cannot be remembered is read again.
    fn remember(&self, path: &Path, stamp: &Stamp, digest: &Digest) {
        let Some(text) = path.to_str().filter(|text| !text.contains(['\n', '\r'])) else { return };
        let Stamp { bytes, modified_ns, inode } = stamp;
        let line = format!("{} {bytes} {modified_ns} {inode} {text}\n", hex(digest));
        if let Ok(mut file) = OpenOptions::new().create(true).append(true).open(&self.log) {
            let _not_remembered = file.write_all(line.as_bytes());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last line of each file counts; lines that are not whole do not.
fn parse(text: &str) -> HashMap<PathBuf, (Stamp, Digest)> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let entry = |line: &str| {
        let mut fields = line.splitn(5, ' ');
        let digest = unhex(fields.next()?)?;
        let bytes = fields.next()?.parse().ok()?;
        let modified_ns = fields.next()?.parse().ok()?;
        let inode = fields.next()?.parse().ok()?;
        Some((PathBuf::from(fields.next()?), (Stamp { bytes, modified_ns, inode }, digest)))
    };
    whole.lines().filter_map(entry).collect()
}

fn read_digest(path: &Path) -> Option<Digest> {
    let mut file = File::open(path).ok()?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    // Bounded by the length of the file, which the caller compares afterwards.
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Some(*hasher.finalize().as_bytes()),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
    }
}
