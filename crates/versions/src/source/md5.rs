//! MD5 of contents, which is how DVC names them. What a content's MD5 is never changes: it is remembered by the content's BLAKE3.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use md5::{Digest as _, Md5};

use crate::merkle::{Digest, hex, unhex};

/// MD5s that are remembered in a file.
#[derive(Debug)]
pub struct Md5s {
    log: PathBuf,
    known: Mutex<HashMap<Digest, String>>,
}

impl Md5s {
    /// Those remembered in a home.
    pub fn open(home: &Path) -> Self {
        let log = home.join("versions").join("md5.log");
        let known = std::fs::read_to_string(&log).map(|text| parse(&text)).unwrap_or_default();
        Self { log, known: Mutex::new(known) }
    }

    /// MD5 of a file whose content has that BLAKE3 digest; `None` if it cannot be read.
    pub fn of(&self, path: &Path, digest: &Digest) -> Option<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(md5) = known.get(digest) {
            return Some(md5.clone());
        }
        let (md5, read) = of_file(path)?;
        // A file that changed since its digest was taken has another content.
        if read == *digest {
            self.remember(digest, &md5);
            known.insert(*digest, md5.clone());
        }
        Some(md5)
    }

    /// In one write, so that lines of several processes do not mix. What cannot be remembered is read again.
    fn remember(&self, digest: &Digest, md5: &str) {
        let line = format!("{} {md5}\n", hex(digest));
        let folder = self.log.parent().map_or(Ok(()), std::fs::create_dir_all);
        if folder.is_ok()
            && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(&self.log)
        {
            let _not_remembered = file.write_all(line.as_bytes());
        }
    }
}

fn parse(text: &str) -> HashMap<Digest, String> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let entry = |line: &str| {
        let (digest, md5) = line.split_once(' ')?;
        Some((unhex(digest)?, md5.to_owned())).filter(|_| is_md5(md5))
    };
    whole.lines().filter_map(entry).collect()
}

/// Whether a text is an MD5 in lower case.
pub(super) fn is_md5(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// MD5 of bytes.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    hex_of(&Md5::digest(bytes))
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// MD5 and BLAKE3 of the same bytes of a file.
fn of_file(path: &Path) -> Option<(String, Digest)> {
    let mut file = File::open(path).ok()?;
    let (mut md5, mut blake3) = (Md5::new(), blake3::Hasher::new());
    let mut buffer = vec![0; 1 << 20];
    // Bounded by the length of the file.
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Some((hex_of(&md5.finalize()), *blake3.finalize().as_bytes())),
            Ok(n) => {
                md5.update(&buffer[..n]);
                blake3.update(&buffer[..n]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5s_are_right_and_remembered_by_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        let digest = *blake3::hash(b"abc").as_bytes();
        assert_eq!(Md5s::open(folder.path()).of(&path, &digest).unwrap(), "900150983cd24fb0d6963f7d28e17f72");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Md5s::open(folder.path()).of(&path, &digest).unwrap(), of_bytes(b"abc"));
        assert_eq!(Md5s::open(folder.path()).of(&path, &[0; 32]), None);
        std::fs::write(&path, "abcd").unwrap();
        Md5s::open(folder.path()).of(&path, &[1; 32]).unwrap();
        assert_eq!(Md5s::open(folder.path()).known.into_inner().unwrap().len(), 1, "another content is not remembered");
    }
}
