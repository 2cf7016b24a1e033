//! Ctrl-C: the run is asked to stop, and made to stop if it does not within a moment.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::Exit;

/// How long a run may take to stop by itself. Reports are written to temporary files and renamed, so the hard stop
/// that follows cannot leave a half-written report behind.
const GRACE: Duration = Duration::from_millis(700);

static CANCEL: AtomicBool = AtomicBool::new(false);
static INSTALLED: OnceLock<()> = OnceLock::new();

/// Installs the handler once and returns the flag that it raises.
///
/// The first Ctrl-C raises the flag; if the process still runs after 700 ms, it exits with code 130. Where no handler
/// can be installed, Ctrl-C ends the process as the operating system does by default, which also gives 130 in a shell.
pub fn install() -> &'static AtomicBool {
    INSTALLED.get_or_init(|| {
        let installed = ctrlc::set_handler(|| {
            CANCEL.store(true, Ordering::SeqCst);
            // The handler runs in a thread of its own: sleeping here delays nothing.
            std::thread::sleep(GRACE);
            crate::files::remove_temporaries();
            std::process::exit(i32::from(Exit::Interrupted.code()));
        });
        if let Err(error) = installed {
            tracing::debug!(%error, "no handler for Ctrl-C");
        }
    });
    &CANCEL
}

/// Whether the flag is up.
pub fn is_raised(cancel: &AtomicBool) -> bool {
    cancel.load(Ordering::Relaxed)
}
