//! Text files that know whether they are whole: the last line is a digest of all before it.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use crate::error::VersionError;
use crate::merkle::hex;

const CONTEXT: &str = "verismo.sealed-text/1";
const KEY: &str = "{\"check\":\"";
const END: &str = "\"}\n";

fn check_line(text: &str) -> String {
    format!("{KEY}{}{END}", hex(&blake3::derive_key(CONTEXT, text.as_bytes())))
}

/// Writes a text with its check: a reader, or a crash, sees it whole or not at all.
///
/// # Errors
/// More than `bytes_max`, with which it will be read, and what cannot be written.
pub(crate) fn write(path: &Path, text: &str, bytes_max: u64) -> Result<(), VersionError> {
    let check = check_line(text);
    let bytes = (text.len() + check.len()) as u64;
    if bytes > bytes_max {
        return Err(VersionError::TooLarge { path: path.to_owned(), bytes, bytes_max });
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(VersionError::io("make", folder))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Threads of one process may write the same.
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    let temporary = folder.join(format!(".{name}.{}.{thread}.tmp", std::process::id()));
    let written = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.write_all(check.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    written().map_err(|source| {
        // The first error is the one to tell.
        let _gone_or_never_there = fs::remove_file(&temporary);
        VersionError::io("write", path)(source)
    })
}

/// The text of a file; `None` where there is no file.
///
/// # Errors
/// A file that cannot be read, is longer than `bytes_max`, or is not what was written.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Result<Option<String>, VersionError> {
    match fs::metadata(path) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Ok(found) if !found.is_file() => return Err(VersionError::damaged(path, "it is no file".to_owned())),
        _ => {}
    }
    let file = File::open(path).map_err(VersionError::io("read", path))?;
    let mut bytes = Vec::new();
    let read = file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(VersionError::io("read", path))?;
    if read as u64 > bytes_max {
        return Err(VersionError::damaged(path, format!("it has more than {bytes_max} bytes")));
    }
    open(bytes).map(Some).map_err(|reason| VersionError::damaged(path, reason.to_owned()))
}

/// The text of sealed bytes.
pub(crate) fn open(bytes: Vec<u8>) -> Result<String, &'static str> {
    let mut text = String::from_utf8(bytes).map_err(|_| "it is no text")?;
    let body = text.strip_suffix('\n').ok_or("its end is missing")?;
    let at = body.rfind('\n').map_or(0, |at| at + 1);
    if check_line(&text[..at]) != text[at..] {
        return Err("its check does not fit its content");
    }
    text.truncate(at);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        assert_eq!(read(&path, 100).unwrap(), None);
        assert!(matches!(write(&path, "one\ntwo\n", 20), Err(VersionError::TooLarge { .. })));
        assert!(!path.exists());
        write(&path, "one\ntwo\n", 1000).unwrap();
        assert_eq!(read(&path, 1000).unwrap().unwrap(), "one\ntwo\n");
        assert!(read(&path, 20).is_err());
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            assert!(open(damaged).is_err(), "byte {at}");
            assert!(open(whole[..at].to_vec()).is_err(), "cut at {at}");
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
