//! Files that lie under other names than their own, such as in a cache by content, shown under theirs: a folder of links.
//!
//! Readers learn symbols, venues and dates from names, and find the files beside. A view of the same files lies at the same place each
//! time, so that what is remembered of files by their paths is found again; it can be removed at any time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Listing;
use crate::error::VersionError;

/// Makes the view of a listing in a home, or finds it; the folder that the listing's paths are relative to.
///
/// # Errors
/// Where a link cannot be made.
pub fn view(home: &Path, listing: &Listing) -> Result<PathBuf, VersionError> {
    let mut key = blake3::Hasher::new_derive_key("verismo.version.view/1");
    let mut targets = Vec::with_capacity(listing.files.len());
    for file in &listing.files {
        let target = fs::canonicalize(&file.place).map_err(VersionError::io("find", &file.place))?;
        for text in [file.path.as_bytes(), target.as_os_str().as_encoded_bytes()] {
            key.update(&(text.len() as u64).to_le_bytes()).update(text);
        }
        targets.push(target);
    }
    let key = key.finalize().to_hex();
    let base = home.join("versions").join("views").join(&key.as_str()[..24]).join(&listing.base_inside);
    for (file, target) in listing.files.iter().zip(&targets) {
        let path = base.join(&file.path);
        if fs::read_link(&path).is_ok_and(|there| there == *target) {
            continue;
        }
        let folder = path.parent().unwrap_or(&base);
        fs::create_dir_all(folder).map_err(VersionError::io("make", folder))?;
        link(target, &path).map_err(VersionError::io("link", &path))?;
    }
    Ok(base)
}

/// Another process may make the same link at the same time: it gets its name when it is there.
fn link(target: &Path, path: &Path) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(name);
    let _gone_or_never_there = fs::remove_file(&temporary);
    #[cfg(unix)]
    std::os::unix::fs::symlink(target, &temporary)?;
    #[cfg(not(unix))]
    fs::hard_link(target, &temporary).or_else(|_| fs::copy(target, &temporary).map(|_| ()))?;
    fs::rename(&temporary, path)
}
