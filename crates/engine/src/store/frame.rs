//! The bytes of an object: what they are, a checksum, and the content, packed.

use std::cell::RefCell;
use std::io;

pub(crate) use verismo_judge::digest::{Digest, hex};
use zstd::bulk::{Compressor, Decompressor};

/// The digest that [`hex`] wrote.
pub(crate) fn unhex(text: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// Length-prefixed fields into one digest, so that no two lists of fields give the same bytes.
#[derive(Debug, Clone)]
pub(crate) struct Hasher(blake3::Hasher);

impl Hasher {
    pub(crate) fn new(format: &str) -> Self {
        let mut hasher = Self(blake3::Hasher::new());
        hasher.text(format);
        hasher
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    pub(crate) fn finish(self) -> Digest {
        *self.0.finalize().as_bytes()
    }
}

/// What every object begins with; the last byte is the version.
const MAGIC: &[u8; 8] = b"verismo\x01";
/// Packs as fast as states are written; a higher level takes several times as long for a tenth less.
const LEVEL: i32 = 1;
/// No object unpacks to more: one of states of a day has some MiB.
const CONTENT_MAX: usize = 1 << 32;

/// The bytes of an object of that name.
pub(super) fn close(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    let packed = pack(content);
    bytes.extend_from_slice(&checksum(name, &packed));
    bytes.extend_from_slice(&packed);
    bytes
}

/// The content of an object of that name.
pub(super) fn open(name: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let Some((magic, rest)) = bytes.split_first_chunk::<8>() else {
        return Err("it ends in its first bytes".to_owned());
    };
    let Some((sum, packed)) = rest.split_first_chunk::<32>() else { return Err("it ends in its checksum".to_owned()) };
    if magic[..7] == MAGIC[..7] && magic[7] != MAGIC[7] {
        return Err(format!("it has version {} of the format, this verismo knows {}", magic[7], MAGIC[7]));
    }
    if magic != MAGIC {
        return Err("it is no object of a store".to_owned());
    }
    if *sum != checksum(name, packed) {
        return Err("its checksum does not fit its bytes".to_owned());
    }
    unpack(packed)
}

thread_local! {
    /// To set one up takes longer than what it does to the states of an observable in a file.
    static PACKER: RefCell<io::Result<Compressor<'static>>> = RefCell::new(Compressor::new(LEVEL));
    static UNPACKER: RefCell<io::Result<Decompressor<'static>>> = RefCell::new(Decompressor::new());
}

pub(super) fn pack(content: &[u8]) -> Vec<u8> {
    // Compression into memory cannot fail; were it to, the object could not be read, and would count as damaged.
    PACKER.with_borrow_mut(|packer| packer.as_mut().ok()?.compress(content).ok()).unwrap_or_default()
}

/// How much packed bytes say that they unpack to.
pub(super) fn size(packed: &[u8]) -> Result<usize, String> {
    let size = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let size = size.and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= CONTENT_MAX);
    size.ok_or_else(|| "it does not say how large it is".to_owned())
}

pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let size = size(packed)?;
    UNPACKER.with_borrow_mut(|unpacker| match unpacker {
        Ok(unpacker) => unpacker.decompress(packed, size).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    })
}

/// Of the packed bytes and the name, so that no object passes for another.
fn checksum(name: &str, packed: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(MAGIC).update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(packed);
    *hasher.finalize().as_bytes()
}
