//! Who computes what: of several processes (and threads) that miss the same states one computes them, and the others wait for it.
//!
//! A claim is a lock of the operating system on a file, so that it ends with whoever holds it. A thread holds one at most, and waits only
//! while it holds none, so that nobody waits in a circle. Where files cannot be locked everybody computes.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// Files that stand for all claims. Two claims on one file are as if they were the same: somebody waits in vain.
const FILES: u64 = 1_024;
/// Whoever holds a claim and does not go on is waited for so long, once.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Between two looks at what the other does.
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Claims {
    folder: PathBuf,
    held: Mutex<HashMap<ThreadId, File>>,
    is_given_up: AtomicBool,
}

impl Claims {
    pub(super) fn beside(folder: &Path) -> Self {
        Self { folder: folder.with_file_name("claims"), held: Mutex::default(), is_given_up: AtomicBool::default() }
    }

    /// Claims what has that name for this thread; waits while it is somebody else's, unless that becomes `needless`.
    pub(super) fn claim(&self, name: &str, is_needless: impl Fn() -> bool) {
        self.release();
        if self.is_given_up.load(Ordering::Relaxed) {
            return;
        }
        let Some(file) = self.file(name) else { return };
        let start = Instant::now();
        let mut has_waited = false;
        // Bounded by the time.
        loop {
            match file.try_lock() {
                Ok(()) => {
                    self.held().insert(std::thread::current().id(), file);
                    return;
                }
                Err(TryLockError::WouldBlock) if start.elapsed() < WAIT_MAX => {
                    if !has_waited {
                        tracing::debug!("somebody else computes the same states: waiting for them");
                    }
                    has_waited = true;
                    if is_needless() {
                        return;
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    self.is_given_up.store(true, Ordering::Relaxed);
                    return;
                }
                Err(TryLockError::Error(_)) => return,
            }
        }
    }

    /// Ends the claim of this thread, if it has one.
    pub(super) fn release(&self) {
        self.held().remove(&std::thread::current().id());
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<ThreadId, File>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, name: &str) -> Option<File> {
        let hash = blake3::hash(name.as_bytes());
        let number = u64::from_le_bytes(*hash.as_bytes().first_chunk()?) % FILES;
        let path = self.folder.join(format!("{number:03x}"));
        let open = || OpenOptions::new().create(true).append(true).open(&path);
        match open() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                std::fs::create_dir_all(&self.folder).ok()?;
                open().ok()
            }
            opened => opened.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_computes_and_the_others_wait() {
        let home = tempfile::tempdir().unwrap();
        let computed = Mutex::new(0);
        let is_there = AtomicBool::default();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    // As in processes of their own.
                    let claims = Claims::beside(&home.path().join("states"));
                    claims.claim("a", || is_there.load(Ordering::SeqCst));
                    if !is_there.load(Ordering::SeqCst) {
                        std::thread::sleep(Duration::from_millis(50));
                        *computed.lock().unwrap() += 1;
                        is_there.store(true, Ordering::SeqCst);
                    }
                    claims.release();
                });
            }
        });
        assert_eq!(*computed.lock().unwrap(), 1);
    }

    /// Whether a claim finds somebody else's; then it does not wait longer.
    fn waits(claims: &Claims, name: &str) -> bool {
        let has_waited = std::cell::Cell::new(false);
        claims.claim(name, || {
            has_waited.set(true);
            true
        });
        has_waited.get()
    }

    #[test]
    fn a_claim_ends_with_the_next_one_and_with_its_holder() {
        let home = tempfile::tempdir().unwrap();
        let claims = || Claims::beside(&home.path().join("states"));
        let (one, other) = (claims(), claims());
        assert!(!waits(&one, "a") && waits(&other, "a"));
        assert!(!waits(&one, "b") && !waits(&other, "a"));
        drop(one);
        assert!(!waits(&other, "b"));
    }

    #[test]
    fn where_nothing_can_be_locked_nobody_waits() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("claims"), "").unwrap();
        let claims = Claims::beside(&home.path().join("states"));
        assert!(!waits(&claims, "a"));
    }
}
