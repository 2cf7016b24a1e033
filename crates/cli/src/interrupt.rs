//! Ctrl-C and the request to terminate: the run is asked to stop, and made to stop if it does not within a moment.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::{CliError, Exit, files};

/// How long a run may take to stop by itself. Reports are written to temporary files and renamed, so the hard stop
/// that follows cannot leave a half-written report behind.
const GRACE: Duration = Duration::from_millis(700);

static CANCEL: AtomicBool = AtomicBool::new(false);
static INSTALLED: OnceLock<()> = OnceLock::new();
/// Whether somebody says the last word already.
static ENDING: AtomicBool = AtomicBool::new(false);
/// Messages read or written so far.
static MESSAGES: AtomicU64 = AtomicU64::new(0);

/// Installs the handler once and returns the flag that it raises.
///
/// The first Ctrl-C, or SIGTERM, raises the flag; if the process still runs after 700 ms, or on a second one, `last_word` is
/// called with the error, what is half written is removed, and the process exits with code 130. Where no handler can be
/// installed, the operating system ends the process as it does by default, which also gives 130 in a shell.
pub fn install(last_word: impl Fn(&CliError) + Clone + Send + 'static) -> &'static AtomicBool {
    INSTALLED.get_or_init(|| {
        let handler = move || {
            if CANCEL.swap(true, Ordering::SeqCst) {
                stop(&last_word);
            }
            let last_word = last_word.clone();
            std::thread::spawn(move || {
                std::thread::sleep(GRACE);
                stop(&last_word);
            });
        };
        if let Err(error) = listen(handler) {
            tracing::debug!(%error, "no handler for Ctrl-C");
        }
    });
    &CANCEL
}

#[cfg(unix)]
fn listen(handler: impl Fn() + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
    // A file beyond the size that `ulimit -f` allows is an error of the write, not the end of the process.
    signal_hook::flag::register(SIGXFSZ, std::sync::Arc::default())?;
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || signals.forever().for_each(|_| handler()));
    Ok(())
}

#[cfg(not(unix))]
fn listen(handler: impl Fn() + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(handler)
}

/// The hard stop. Leaves the last word to the run where that is at it.
fn stop(last_word: &impl Fn(&CliError)) {
    files::remove_unfinished();
    if take_last_word() {
        last_word(&CliError::interrupted());
    }
    std::process::exit(i32::from(Exit::Interrupted.code()));
}

/// Whether the caller shall say how the run ended; true for one caller only.
pub fn take_last_word() -> bool {
    !ENDING.swap(true, Ordering::SeqCst)
}

/// Notes how many messages were read or written so far, for whoever has to say where the run was stopped.
pub fn note(messages: u64) {
    MESSAGES.store(messages, Ordering::Relaxed);
}

/// Messages of the latest note.
pub fn noted() -> u64 {
    MESSAGES.load(Ordering::Relaxed)
}

/// Whether the flag is up.
pub fn is_raised(cancel: &AtomicBool) -> bool {
    cancel.load(Ordering::Relaxed)
}
