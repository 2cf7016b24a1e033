//! An object of several parts, of which each is read by itself: whoever needs one part of it pays for no other.
//!
//! Layout: what it is; a checksum of its name and head; the length of the head, packed; the head; the parts, packed one by one. The head
//! tells of each part its key, the digest of its content, a note, and how long it is. The digest is the part's checksum.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use object_store::PutMode;
use object_store::path::Path as Name;
use verismo_stats::state::{DecodeError, Reader, put_u64};

use super::folder::{read_front, read_parts};
use super::frame::{self, Hasher};
use super::line::Trouble;
use super::{Digest, Store};

/// What such an object begins with; the last byte is the version.
const MAGIC: &[u8; 8] = b"verismp\x01";
/// How the names of such objects end.
pub(crate) const PARTS: &str = ".parts";
/// Before the head: what it is, the checksum, and how long it is.
const BEFORE: usize = 8 + 32 + 4;
/// Read of an object at first: nearly every head ends before.
pub(super) const AT_FIRST: u64 = 16 << 10;

/// A part to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// The digest of all that it depends on.
    pub(crate) key: Digest,
    /// The digest of its content, see [`content_digest`].
    pub(crate) digest: Digest,
    /// What is needed of it even where its content is not.
    note: Vec<u8>,
    /// Bytes of its content.
    length: u64,
    packed: Vec<u8>,
}

/// A part as the head tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) key: Digest,
    /// The digest of its content, see [`content_digest`].
    pub(crate) digest: Digest,
    pub(crate) note: Vec<u8>,
    /// Bytes of its content.
    pub(crate) length: u64,
    pub(crate) place: Range<u64>,
}

/// The head of an object of parts.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) parts: Vec<Told>,
    /// The object, where it came as a whole.
    pub(crate) whole: Option<Bytes>,
}

impl Part {
    /// A part of that content, packed.
    pub(crate) fn new(key: Digest, note: Vec<u8>, content: &[u8]) -> Self {
        Self { key, digest: content_digest(content), note, length: content.len() as u64, packed: frame::pack(content) }
    }
}

impl Store {
    /// Writes an object of parts unless there is one of that name; the number of bytes written.
    pub(crate) fn put_parts(&self, name: &str, parts: &[Part]) -> u64 {
        self.write(Name::from(name), close(name, parts), PutMode::Create)
    }

    /// What the head of an object of parts tells; `None` as for [`Self::get`].
    pub(crate) fn head(&self, name: &str) -> Option<Head> {
        if !self.line.reads() {
            return None;
        }
        let path = Name::from(name);
        let mut fetched = match &self.folder {
            Some(folder) => read_front(&folder.join(name)).map_err(|error| self.unreadable(&error)).ok()??,
            None => self.fetch(&path)?,
        };
        if fetched.bytes.len() as u64 != fetched.length
            && head_end(&fetched.bytes).is_ok_and(|end| end > fetched.bytes.len() as u64)
        {
            // The front of it is what was read ahead.
            let whole = self.handle.block_on(self.line.fetch(&path, None));
            fetched = whole.map_err(|trouble| self.line.failed("read", &trouble)).ok()??;
        }
        let opened = open_head(name, &fetched.bytes, fetched.length).map(|parts| {
            let is_whole = self.folder.is_none() && fetched.bytes.len() as u64 == fetched.length;
            Head { parts, whole: is_whole.then(|| fetched.bytes.clone()) }
        });
        if opened.is_ok() {
            self.touch(&path, fetched);
        }
        opened.map_err(|detail| self.report_damage(name, &detail)).ok()
    }

    /// The contents of some parts of an object; `None` where one of them cannot be used, which is then among the [`Self::problems`].
    /// They are cut from the object where it came as a whole.
    pub(crate) fn parts(&self, name: &str, whole: Option<&Bytes>, wanted: &[&Told]) -> Option<Vec<Vec<u8>>> {
        let cut = |told: &&Told| {
            let place = &told.place;
            whole?.get(usize::try_from(place.start).ok()?..usize::try_from(place.end).ok()?).map(<[u8]>::to_vec)
        };
        let packed: Vec<Vec<u8>> = match (whole, &self.folder) {
            (Some(_), _) => wanted.iter().map(cut).collect::<Option<_>>()?,
            (None, Some(folder)) => {
                let read = read_parts(&folder.join(name), wanted);
                // An object may be removed at any time by anybody.
                let read =
                    read.map_err(|error| (error.kind() != io::ErrorKind::NotFound).then(|| self.unreadable(&error)));
                read.ok()?
            }
            (None, None) => {
                let (path, ranges) = (Name::from(name), wanted.iter().map(|told| told.place.clone()));
                let ranges: Vec<_> = ranges.collect();
                let asked = self.line.ask_again(|| self.line.objects.get_ranges(&path, &ranges));
                let found = self.handle.block_on(asked);
                let is_gone =
                    |trouble: &Trouble| matches!(trouble, Trouble::Refused(object_store::Error::NotFound { .. }));
                let found = found.map_err(|trouble| (!is_gone(&trouble)).then(|| self.line.failed("read", &trouble)));
                let found = found.ok()?;
                found.iter().map(|bytes| bytes.to_vec()).collect()
            }
        };
        let opened: Result<Vec<Vec<u8>>, String> =
            wanted.iter().zip(&packed).map(|(told, packed)| open_part(told, packed)).collect();
        opened.map_err(|detail| self.report_damage(name, &detail)).ok()
    }
}

/// The digest of what is stored of an observable, or of another part.
pub(crate) fn content_digest(content: &[u8]) -> Digest {
    let mut hasher = Hasher::new("verismo.states/1");
    hasher.text("observable");
    hasher.bytes(content);
    hasher.finish()
}

/// The bytes of an object of that name.
fn close(name: &str, parts: &[Part]) -> Bytes {
    let (mut head, mut rest) = (Vec::new(), Vec::new());
    put_u64(&mut head, parts.len() as u64);
    for Part { key, digest, note, length, packed } in parts {
        head.extend_from_slice(key);
        head.extend_from_slice(digest);
        put_u64(&mut head, note.len() as u64);
        head.extend_from_slice(note);
        put_u64(&mut head, *length);
        put_u64(&mut head, packed.len() as u64);
        rest.extend_from_slice(packed);
    }
    let head = frame::pack(&head);
    let mut bytes = Vec::with_capacity(BEFORE + head.len() + rest.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&checksum(name, &head));
    // A head has some KiB.
    bytes.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(&rest);
    bytes.into()
}

/// The bytes from the front of an object that its head ends in, once those before it are there.
pub(super) fn head_end(bytes: &[u8]) -> Result<u64, String> {
    let Some((magic, rest)) = bytes.split_first_chunk::<8>() else {
        return Err("it ends in its first bytes".to_owned());
    };
    if magic[..7] == MAGIC[..7] && magic[7] != MAGIC[7] {
        return Err(format!("it has version {} of the format, this verismo knows {}", magic[7], MAGIC[7]));
    }
    if magic != MAGIC {
        return Err("it is no object of parts".to_owned());
    }
    let n = rest.get(32..36).and_then(|n| n.first_chunk::<4>()).ok_or_else(|| "it ends before its head".to_owned())?;
    Ok(BEFORE as u64 + u64::from(u32::from_le_bytes(*n)))
}

/// What the head of an object of that name and length tells; `bytes` reach to its end at least.
fn open_head(name: &str, bytes: &[u8], length: u64) -> Result<Vec<Told>, String> {
    let end = head_end(bytes)?;
    let head = usize::try_from(end).ok().and_then(|end| bytes.get(BEFORE..end));
    let head = head.ok_or_else(|| "it ends in its head".to_owned())?;
    if bytes.get(8..40) != Some(&checksum(name, head)[..]) {
        return Err("the checksum of its head does not fit its bytes".to_owned());
    }
    let told = read_head(&frame::unpack(head)?, end).map_err(|error| error.to_string())?;
    if told.last().map_or(end, |last| last.place.end) != length {
        return Err("it does not end with its last part".to_owned());
    }
    Ok(told)
}

fn read_head(bytes: &[u8], mut at: u64) -> Result<Vec<Told>, DecodeError> {
    let mut input = Reader::new("head of parts/1", bytes);
    let mut told = Vec::new();
    for _ in 0..input.length("parts", 67)? {
        let mut digest = |field| {
            let bytes = input.bytes(field, 32)?;
            Digest::try_from(bytes).map_err(|_| input.invalid(field))
        };
        let (key, digest) = (digest("the key of a part")?, digest("the digest of a part")?);
        let n = input.length("the length of a note", 1)?;
        let note = input.bytes("a note", n)?.to_vec();
        let length = input.u64("the length of a content")?;
        let from = at;
        at = at.checked_add(input.u64("the length of a part")?).ok_or_else(|| input.invalid("the length of a part"))?;
        told.push(Told { key, digest, note, length, place: from..at });
    }
    input.finish()?;
    Ok(told)
}

/// The content of a part.
fn open_part(told: &Told, packed: &[u8]) -> Result<Vec<u8>, String> {
    // What it says by itself is no promise: nothing was checked yet.
    if frame::size(packed)? as u64 != told.length {
        return Err("the length of a part does not fit its bytes".to_owned());
    }
    let content = frame::unpack(packed)?;
    if content_digest(&content) != told.digest {
        return Err("the digest of a part does not fit its bytes".to_owned());
    }
    Ok(content)
}

/// Of the packed head and the name, so that no object passes for another.
fn checksum(name: &str, head: &[u8]) -> Digest {
    let mut hasher = Hasher::new("verismo.parts/1");
    hasher.text(name);
    hasher.bytes(head);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    const NAME: &str = "a/b.parts";

    fn content(i: u8) -> Vec<u8> {
        (0..2_000 * u32::from(i)).map(|k| (k % 251) as u8 ^ i).collect()
    }

    fn parts() -> Vec<Part> {
        (0..4).map(|i| Part::new([i; 32], vec![i; usize::from(i)], &content(i))).collect()
    }

    fn file(store: &Store) -> std::path::PathBuf {
        store.folder.as_ref().unwrap().join(NAME)
    }

    #[test]
    fn each_part_is_read_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert!(store.head(NAME).is_none());
        assert!(store.put_parts(NAME, &parts()) > 0);
        let head = store.head(NAME).unwrap();
        assert_eq!(head.parts.iter().map(|told| told.key[0]).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(head.parts[3].note, [3; 3]);
        assert_eq!(head.parts[2].digest, content_digest(&content(2)));
        let wanted = [&head.parts[3], &head.parts[0]];
        assert_eq!(store.parts(NAME, None, &wanted).unwrap(), [content(3), Vec::new()]);
        // A head that is longer than what is read at first.
        let noted = Part::new([9; 32], noise(60_000), &[7]);
        store.put_parts("a/c.parts", std::slice::from_ref(&noted));
        let head = store.head("a/c.parts").unwrap();
        assert!(head.parts[0].place.start > 2 * AT_FIRST, "{:?}", head.parts[0].place);
        assert_eq!(
            (&head.parts[0].note, store.parts("a/c.parts", None, &[&head.parts[0]])),
            (&noted.note, Some(vec![vec![7]]))
        );
        assert_eq!(store.problems(), []);
    }

    /// A store elsewhere, whose use is noted by writing what was used: all of it, though only its front was read.
    #[test]
    fn what_is_used_elsewhere_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        let objects = object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap();
        let store = Store::on(super::super::Line::new("elsewhere".to_owned(), Box::new(objects)), None).unwrap();
        let content = noise(100_000);
        let part = Part::new([1; 32], vec![2], &content);
        store.put_parts(NAME, &[part]);
        store.settle();
        let path = folder.path().join(NAME);
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.len() as u64 > 2 * AT_FIRST, "{} bytes", bytes.len());
        let long_ago = std::time::SystemTime::now() - 2 * super::super::TOUCHED_ELSEWHERE;
        File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(store.list("a"), [NAME]);
        let head = store.head(NAME).unwrap();
        store.settle();
        assert!(std::fs::read(&path).unwrap() == bytes, "it is another object now");
        assert!(std::fs::metadata(&path).unwrap().modified().unwrap() > long_ago + super::super::TOUCHED_ELSEWHERE);
        assert_eq!(store.parts(NAME, head.whole.as_ref(), &[&head.parts[0]]), Some(vec![content]));
        assert_eq!(store.problems(), []);
    }

    /// Bytes that nothing packs.
    fn noise(n: usize) -> Vec<u8> {
        (0_u64..).flat_map(|i| *blake3::hash(&i.to_le_bytes()).as_bytes()).take(n).collect()
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.put_parts(NAME, &parts());
        let whole = std::fs::read(file(&store)).unwrap();
        let known = store.head(NAME).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            for bytes in [&flipped[..], &whole[..at]] {
                std::fs::write(file(&store), bytes).unwrap();
                let head = store.head(NAME);
                let is_found = head.as_ref().is_none_or(|head| {
                    let wanted: Vec<&Told> = head.parts.iter().collect();
                    store.parts(NAME, None, &wanted).is_none()
                });
                assert!(is_found && !file(&store).exists(), "byte {at}");
                // The head was fine when it was read.
                std::fs::write(file(&store), bytes).unwrap();
                let wanted: Vec<&Told> = known.parts.iter().collect();
                let read = store.parts(NAME, None, &wanted);
                let contents: Vec<Vec<u8>> = (0..4).map(content).collect();
                assert!(read.is_none_or(|read| read == contents), "byte {at}");
            }
        }
        // One object under the name of another.
        std::fs::write(file(&store).with_file_name("c.parts"), &whole).unwrap();
        assert!(store.head("a/c.parts").is_none());
    }
}
