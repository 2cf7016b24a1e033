//! What tests of the command share.
#![allow(unreachable_pub)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A home for whatever a test does not say, of this process alone: nothing of an earlier run changes what is measured here, and the home of
/// whoever runs the tests is not touched.
pub fn home() -> &'static Path {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    HOME.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("homes").join(std::process::id().to_string());
        // Of a process that had the same number.
        let _none = std::fs::remove_dir_all(&home);
        home
    })
}
