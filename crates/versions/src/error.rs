//! Why there is no answer about a version.

use std::path::{Path, PathBuf};

/// What went wrong with versions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// A file or folder cannot be read or written.
    #[error("cannot {act} {}: {source}", path.display())]
    Io {
        /// `read`, `write`, `make`, `lock`.
        act: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A manifest, or the branches of a data set, are not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// What a later verismo wrote.
    #[error("{} was written by a later verismo: its schema is {schema:?}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        schema: String,
    },
    /// A manifest, or the branches of a data set, that could not be read again.
    #[error("{} would have {bytes} bytes, and no more than {bytes_max} are read", path.display())]
    TooLarge {
        /// The file, which is not written.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// The most that is read.
        bytes_max: u64,
    },
    /// No data set goes by that name, or lies there.
    #[error("no versions of {name} are recorded in {}", home.display())]
    NoSuchSet {
        /// What was asked for.
        name: String,
        /// Where the data set of that name lies, if what was asked for is a path that exists.
        elsewhere: Option<PathBuf>,
        /// Where was looked.
        home: PathBuf,
        /// Names that there are.
        known: Vec<String>,
    },
    /// A data set has no version of that name.
    #[error("{set} has no version {version}")]
    NoSuchVersion {
        /// The data set.
        set: String,
        /// What was asked for.
        version: String,
        /// Branches and tags that there are.
        known: Vec<String>,
    },
    /// Several versions, or data sets, answer to it.
    #[error("{name} may be any of {}", among.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// What it may be.
        among: Vec<String>,
    },
    /// A name that cannot be used.
    #[error("{what} {name:?}: {why}")]
    BadName {
        /// `--name`, `--tag`, `--branch`.
        what: &'static str,
        /// As given.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A tag names another version already.
    #[error("tag {tag} of {set} names version {version} already")]
    TagTaken {
        /// The tag.
        tag: String,
        /// The data set.
        set: String,
        /// What it names.
        version: String,
    },
    /// The files are not those of the version any more.
    #[error("{name}: the files in {} are not those of version {version} any more: {}", root.display(), list(changed))]
    NotThatVersion {
        /// As asked for.
        name: String,
        /// The version.
        version: String,
        /// Where its files should be.
        root: PathBuf,
        /// Files and what is wrong with them.
        changed: Vec<String>,
    },
    /// What another tool recorded cannot be followed.
    #[error("{}: {reason}", path.display())]
    Source {
        /// The file that says it.
        path: PathBuf,
        /// What is wrong, or not understood.
        reason: String,
        /// What to do about it.
        help: Option<String>,
    },
}

/// Whether a file of an archive is that of a data set.
fn is_set(path: &Path) -> bool {
    path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "sets")
}

/// More names would not tell more.
const SHOWN_MAX: usize = 5;

fn list(items: &[String]) -> String {
    let shown = items.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl VersionError {
    pub(crate) fn io(act: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { act, path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, reason: String) -> Self {
        Self::Damaged { path: path.to_owned(), reason }
    }

    pub(crate) fn source(path: &Path, reason: impl Into<String>) -> Self {
        Self::Source { path: path.to_owned(), reason: reason.into(), help: None }
    }

    pub(crate) fn source_help(path: &Path, reason: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Source { path: path.to_owned(), reason: reason.into(), help: Some(help.into()) }
    }

    /// A stable kebab-case name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "versions-io",
            Self::Damaged { .. } => "damaged-version",
            Self::Newer { .. } => "newer-version-record",
            Self::TooLarge { .. } => "version-too-large",
            Self::NoSuchSet { .. } => "no-such-data-set",
            Self::NoSuchVersion { .. } => "no-such-version",
            Self::Ambiguous { .. } => "ambiguous-version",
            Self::BadName { .. } => "bad-name",
            Self::TagTaken { .. } => "tag-taken",
            Self::NotThatVersion { .. } => "not-that-version",
            Self::Source { .. } => "version-source",
        }
    }

    /// Whether something was asked for that is not there, as opposed to data that cannot be used.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoSuchSet { .. }
                | Self::NoSuchVersion { .. }
                | Self::Ambiguous { .. }
                | Self::BadName { .. }
                | Self::TagTaken { .. }
        )
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Damaged { path, .. } if is_set(path) => Some(
                "put back a copy of the file; removing it forgets branches and tags, not the manifests".to_owned(),
            ),
            Self::Newer { .. } => Some("use the verismo that wrote it, or a later one".to_owned()),
            Self::TooLarge { .. } => Some("record parts of the data as data sets of their own".to_owned()),
            Self::NoSuchSet { name, elsewhere: Some(place), .. } => Some(format!(
                "the path {name} is taken, since it exists; the data set of that name lies in {}: name it by that path",
                place.display()
            )),
            Self::Damaged { .. } => {
                Some("remove the file; where the data are still there, `verismo snapshot` writes it again".to_owned())
            }
            Self::NoSuchSet { known, .. } if known.is_empty() => {
                Some("`verismo snapshot DATA` records one; --store DIR looks elsewhere".to_owned())
            }
            Self::NoSuchSet { known, .. } => Some(format!("there are: {}", list(known))),
            Self::NoSuchVersion { known, .. } => {
                Some(format!("there are: {}; `verismo versions` lists all", list(known)))
            }
            Self::Ambiguous { .. } => Some("give more of it".to_owned()),
            Self::TagTaken { .. } => Some("--force moves it".to_owned()),
            Self::NotThatVersion { .. } => Some(
                "put the files of that version back, or name a version that they are: `verismo snapshot` records the present one"
                    .to_owned(),
            ),
            Self::Source { help, .. } => help.clone(),
            Self::Io { .. } | Self::BadName { .. } => None,
        }
    }
}
