//! How large a store is, about, without looking at a million objects in every run: each run appends what it wrote to a file, and only
//! when their sum is too much the objects are looked at, and the least recently used go.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use super::Store;
use super::sweep::GcPolicy;

/// The file beside the folder of the objects.
const FILE: &str = "states.size";
/// Of what is allowed so much is left, so that not every run has to remove something.
const LEFT_PERCENT: u64 = 90;
/// Notes beyond so many bytes are summed up.
const NOTES_MAX: u64 = 64 << 10;

/// Notes what was written, and removes what is too much. What goes wrong here is left to a later run.
pub(super) fn keep_below(store: &Store, folder: &Path, written: u64, max_bytes: u64) {
    let path = folder.with_file_name(FILE);
    let is_new = !path.exists();
    let opened = OpenOptions::new().create(true).read(true).append(true).open(&path);
    let Ok(mut file) = opened else { return };
    // In one write, so that notes of several processes do not mix.
    let noted = file.write_all(format!("{written}\n").as_bytes());
    let (Ok(()), Ok(sum)) = (noted, sum(&mut file)) else { return };
    let has_many = file.metadata().is_ok_and(|metadata| metadata.len() > NOTES_MAX);
    if !(is_new || has_many || sum > max_bytes) {
        return;
    }
    // One process does it; the others need not wait.
    if matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)) {
        return;
    }
    if let Some(left) = sweep(store, max_bytes)
        && file.set_len(0).is_ok()
    {
        let _noted_next_time = file.write_all(format!("{left}\n").as_bytes());
    }
}

/// The bytes that are left.
fn sweep(store: &Store, max_bytes: u64) -> Option<u64> {
    let bytes = store.stats().ok()?.bytes;
    if bytes <= max_bytes {
        return Some(bytes);
    }
    let max_bytes = Some(max_bytes / 100 * LEFT_PERCENT);
    match store.gc(&GcPolicy { max_bytes, ..GcPolicy::default() }) {
        Ok(report) => {
            tracing::info!(
                place = store.place(),
                bytes = report.bytes_removed,
                "removed the least recently used states"
            );
            Some(report.bytes.saturating_sub(report.bytes_removed))
        }
        Err(error) => {
            tracing::warn!("{error}");
            None
        }
    }
}

/// Of all notes; what is no number counts nothing.
fn sum(file: &mut File) -> std::io::Result<u64> {
    let mut text = String::new();
    file.rewind()?;
    file.take(4 * NOTES_MAX).read_to_string(&mut text)?;
    Ok(text.lines().filter_map(|line| line.parse::<u64>().ok()).fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_stays_below_its_limit_and_is_looked_at_only_then() {
        let home = tempfile::tempdir().unwrap();
        let run = |names: std::ops::Range<u64>| {
            let store = Store::open(home.path()).unwrap();
            // Content that does not pack.
            for i in names {
                let content: Vec<u8> =
                    (0..100_u64).flat_map(|j| *blake3::hash(&(i * 1_000 + j).to_le_bytes()).as_bytes()).collect();
                store.put(&format!("pieces/{i}"), &content);
            }
            store.finish(Some(40_000));
            store.stats().unwrap().objects
        };
        let notes = || std::fs::read_to_string(home.path().join(FILE)).unwrap().lines().count();
        assert_eq!((run(0..5), notes()), (5, 1));
        assert_eq!((run(5..10), notes()), (10, 2));
        // 15 objects are some 48 kB; 36 kB stay.
        assert_eq!((run(10..15), notes()), (11, 1));
        assert_eq!((run(15..15), notes()), (11, 1), "nothing was written");
        std::fs::write(home.path().join(FILE), "no number\n99999999999999999999999\n7\n").unwrap();
        assert_eq!((run(15..16), notes()), (12, 4));
    }
}
