//! Versions of data sets.
//!
//! A version is the digest of paths, lengths and contents of files (`merkle`). Its manifest is a file of its own, named by the digest,
//! written once and checked whenever it is read. A data set has a name, a place, branches of versions and tags; they are one small file a
//! data set, changed under a lock.
//!
//! Versions that other tools keep (DVC, Delta) are rows of [`source::SOURCES`]: each tells the files of a version, and nothing else knows
//! them one by one.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod archive;
mod diff;
mod error;
mod manifest;
mod merkle;
mod name;
mod path;
mod sealed;
mod sets;
pub mod source;

pub use archive::{Archive, Found, Request};
pub use diff::diff;
pub use error::VersionError;
pub use manifest::{Entry, Manifest, check_bytes};
pub use merkle::{Digest, hex, root, unhex};
pub use name::{DataSpec, check_name, check_ref};
pub use path::check_path;
pub use sets::{DataSet, Place, Record, Tag};
