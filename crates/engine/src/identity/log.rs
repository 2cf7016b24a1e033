//! Where digests of files are remembered: a line for each, the last one of a file counts. What cannot be remembered is read again, so
//! nothing here ends a run, and nobody waits for anybody.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::{Stamp, absolute};
use crate::store::{Digest, hex, unhex};

/// What is remembered.
pub(super) type Known = HashMap<PathBuf, (Stamp, Digest)>;

/// A log is made shorter from this length on.
const LONG: u64 = 1 << 20;
/// Files remembered at most where it is made shorter; the latest.
const FILES_MAX: usize = 50_000;

pub(super) struct Log {
    path: PathBuf,
}

impl Log {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join("files.log") }
    }

    /// What is remembered. A log with more lines that no longer count than lines that do is made shorter.
    pub(super) fn read(&self) -> Known {
        let mut bytes = Vec::new();
        if File::open(&self.path).and_then(|mut file| file.read_to_end(&mut bytes)).is_err() {
            return Known::new();
        }
        let text = String::from_utf8_lossy(&bytes);
        let known = parse(&text);
        if bytes.len() as u64 > LONG && (text.lines().count() > 2 * known.len() || known.len() > 2 * FILES_MAX) {
            self.shorten();
        }
        known
    }

    /// Appends a line in one write, so that lines of several processes do not mix.
    pub(super) fn append(&self, path: &Path, stamp: &Stamp, digest: &Digest) {
        let Some(path) = absolute(path) else { return };
        let Some(text) = path.to_str().filter(|text| !text.contains(['\n', '\r'])) else { return };
        let Stamp { bytes, modified_ns, changed_ns, inode } = stamp;
        let line = format!("{} {bytes} {modified_ns} {changed_ns} {inode} {text}\n", hex(digest));
        let Ok(mut file) = OpenOptions::new().create(true).append(true).open(&self.path) else { return };
        // Whoever makes it shorter would lose the line: it is not written then. Where files cannot be locked it may be lost.
        if !matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)) {
            let _not_remembered = file.write_all(line.as_bytes());
        }
    }

    /// Leaves out lines that do not count, in the same file, so that whoever has it open still appends to it.
    fn shorten(&self) {
        let Ok(mut file) = OpenOptions::new().read(true).append(true).open(&self.path) else { return };
        // While anybody appends, it is left to the next run.
        if file.try_lock().is_err() {
            return;
        }
        let mut bytes = Vec::new();
        if file.read_to_end(&mut bytes).is_ok() && file.set_len(0).is_ok() {
            // If this is not written, digests are forgotten.
            let _forgotten = file.write_all(latest(&String::from_utf8_lossy(&bytes)).as_bytes());
        }
    }
}

/// The last line of each file counts; lines that are not whole do not.
fn parse(text: &str) -> Known {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<(PathBuf, (Stamp, Digest))> {
    let mut fields = line.splitn(6, ' ');
    let digest = unhex(fields.next()?)?;
    let bytes = fields.next()?.parse().ok()?;
    let modified_ns = fields.next()?.parse().ok()?;
    let changed_ns = fields.next()?.parse().ok()?;
    let inode = fields.next()?.parse().ok()?;
    Some((PathBuf::from(fields.next()?), (Stamp { bytes, modified_ns, changed_ns, inode }, digest)))
}

/// The last line of each file, in the order of the lines.
fn latest(text: &str) -> String {
    let known = parse(text);
    let mut seen = std::collections::HashSet::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().rev() {
        let Some((path, entry)) = entry(line) else { continue };
        if known.get(&path) == Some(&entry) && seen.insert(path) {
            lines.push(line);
            if lines.len() == FILES_MAX {
                break;
            }
        }
    }
    lines.iter().rev().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(n: u64) -> Stamp {
        Stamp { bytes: n, modified_ns: 1, changed_ns: -3, inode: 2 }
    }

    #[test]
    fn a_long_log_is_made_shorter_while_others_append() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::in_folder(folder.path());
        let path = |i: u64| PathBuf::from(format!("/data/a folder/{i}.parquet"));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (log, path) = (&log, &path);
                scope.spawn(move || {
                    for n in 0..4_000 {
                        log.append(&path(thread * 10 + n % 5), &stamp(n), &[thread as u8; 32]);
                        if n % 100 == 0 {
                            let known = log.read();
                            assert!(known.len() <= 20);
                            assert!(known.values().all(|(_, digest)| digest.iter().all(|byte| *byte == digest[0])));
                        }
                    }
                });
            }
        });
        // 16,000 lines of some 113 bytes were written.
        let length = std::fs::metadata(&log.path).unwrap().len();
        assert!(length < LONG + (1 << 19), "{length}");
        let known = log.read();
        assert_eq!(known.len(), 20);
        log.append(&path(7), &stamp(77), &[7; 32]);
        log.shorten();
        assert_eq!(std::fs::read_to_string(&log.path).unwrap().lines().count(), 21);
        assert_eq!(log.read()[&path(7)], (stamp(77), [7; 32]));
    }

    #[test]
    fn what_is_no_entry_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::in_folder(folder.path());
        assert_eq!(log.read(), Known::new());
        log.append(Path::new("/a"), &stamp(1), &[1; 32]);
        log.append(Path::new("/a\nb"), &stamp(1), &[1; 32]);
        let mut bytes = std::fs::read(&log.path).unwrap();
        bytes.extend_from_slice(b"\xff\xfe what is this\n\n0 0 0 0 /b\n");
        bytes.extend_from_slice(&bytes.clone()[..40]);
        std::fs::write(&log.path, bytes).unwrap();
        assert_eq!(log.read().len(), 1);
        log.shorten();
        assert_eq!(std::fs::read_to_string(&log.path).unwrap().lines().count(), 1);
    }
}
