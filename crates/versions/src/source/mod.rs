//! Versions that other tools keep, a row a tool.
//!
//! A tool tells the files of a version: the path that each goes by, and where its bytes are. A new one (Iceberg, Git LFS, lakeFS) is a
//! module with its `list`, and a row of [`SOURCES`]; nothing else knows tools one by one.

mod delta;
mod dvc;
mod md5;
mod view;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::VersionError;
pub use md5::Md5s;
pub use view::view;

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path, relative to the data set.
    pub path: String,
    /// Where its bytes are.
    pub place: PathBuf,
}

/// The files of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What told them: `dvc`, `delta:12`.
    pub source: String,
    /// The data set: a folder, or a file.
    pub data: PathBuf,
    /// The folder that paths are relative to.
    pub base: PathBuf,
    /// The same relative to what the tool looks after: names that tell something stay.
    pub base_inside: String,
    /// The files, by path.
    pub files: Vec<Listed>,
    /// What is worth saying and no error.
    pub notes: Vec<String>,
}

impl Listing {
    /// Whether every file lies where its path says.
    pub fn is_in_place(&self) -> bool {
        self.files.iter().all(|file| file.place == self.base.join(&file.path))
    }
}

/// What tools need that is not known here.
pub trait Tools {
    /// Hands on every row of a Parquet file, the columns asked for as a JSON object.
    ///
    /// # Errors
    /// What is wrong with the file, or what `each` returned.
    fn parquet_rows(
        &self,
        path: &Path,
        columns: &[&str],
        each: &mut dyn FnMut(Value) -> Result<(), String>,
    ) -> Result<(), String>;

    /// MD5 of a file, hex; `None` if it cannot be read.
    fn md5(&self, path: &Path) -> Option<String>;
}

/// A tool that keeps versions.
pub struct Source {
    /// What stands behind the `@`; a version of the tool's own may follow a `:`.
    pub name: &'static str,
    /// Whether a path is its by itself, so that the files must not be read in another way.
    pub claims: fn(&Path) -> bool,
    /// Whether a folder holds contents of other versions, so that what lies around it must not be read as a whole.
    pub holds_others: fn(&Path) -> bool,
    /// The files of a version of a data set; `None` for the present one.
    pub list: fn(&Path, Option<&str>, &dyn Tools) -> Result<Listing, VersionError>,
}

/// The tools.
pub const SOURCES: &[Source] = &[
    Source { name: "dvc", claims: dvc::claims, holds_others: dvc::holds_others, list: dvc::list },
    Source { name: "delta", claims: delta::claims, holds_others: delta::claims, list: delta::list },
];

/// Names that are kept free for tools to come.
const RESERVED: &[&str] = &["iceberg", "lfs", "lakefs", "hudi", "s3", "git"];

/// The tool that a version names, and the tool's own name of the version.
pub fn of_version(version: &str) -> Option<(&'static Source, Option<&str>)> {
    let (name, inner) = version.split_once(':').map_or((version, None), |(name, inner)| (name, Some(inner)));
    SOURCES.iter().find(|source| source.name == name).map(|source| (source, inner))
}

/// The tool that a path belongs to by itself.
pub fn of_path(path: &Path) -> Option<&'static Source> {
    SOURCES.iter().find(|source| (source.claims)(path))
}

/// Whether a folder holds contents of other versions, for any tool.
pub fn holds_others(folder: &Path) -> bool {
    SOURCES.iter().any(|source| (source.holds_others)(folder))
}

/// Whether no branch or tag may have that name.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || SOURCES.iter().any(|source| source.name == name)
}

/// Reads a file of a tool; what is longer than anything the tool writes is not taken into memory.
fn read_text(path: &Path, bytes_max: u64) -> Result<String, VersionError> {
    use std::io::Read as _;
    // What is no file, such as a pipe, might never end, or never begin.
    if !std::fs::metadata(path).map_err(VersionError::io("read", path))?.is_file() {
        return Err(VersionError::source(path, "it is no file"));
    }
    let file = std::fs::File::open(path).map_err(VersionError::io("read", path))?;
    let mut text = Vec::new();
    let read = file.take(bytes_max + 1).read_to_end(&mut text).map_err(VersionError::io("read", path))?;
    if read as u64 > bytes_max {
        return Err(VersionError::source(path, format!("it has more than {bytes_max} bytes")));
    }
    String::from_utf8(text).map_err(|_| VersionError::source(path, "it is no text"))
}

#[doc(hidden)]
pub mod fuzz {
    //! What no input may break.

    /// A commit of a Delta log.
    pub fn delta_commit(bytes: &[u8]) {
        super::delta::check_bytes(bytes);
    }

    /// A `.dvc` file, a `dvc.lock`, a list of a folder.
    pub fn dvc(bytes: &[u8]) {
        super::dvc::check_bytes(bytes);
    }
}
