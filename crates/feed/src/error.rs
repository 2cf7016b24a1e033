//! What can go wrong while reading or writing data, said so that a person can act on it.

use std::io::ErrorKind;
use std::path::Path;

use parquet::errors::ParquetError;
use verismo_stats::state::DecodeError;

/// An error of a decoder, a writer or the inventory.
///
/// Every variant says what, where and with which value; [`FeedError::code`] is stable and meant for machines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// A path that was asked for does not exist.
    #[error("no such file or directory: {path}; check the spelling, or quote the glob")]
    PathNotFound {
        /// The path as given.
        path: String,
    },
    /// Nothing readable was found.
    #[error("no data found in {paths}; {ignored}")]
    NoInput {
        /// The paths as given, joined.
        paths: String,
        /// What was seen and why it was not used.
        ignored: String,
    },
    /// Files of two formats were found together.
    #[error("{first_path} is {first}, {second_path} is {second}; pass one kind, or choose with --format")]
    MixedFormats {
        /// A file of the first format.
        first_path: String,
        /// The first format.
        first: &'static str,
        /// A file of the second format.
        second_path: String,
        /// The second format.
        second: &'static str,
    },
    /// The content is not what the caller asked for.
    #[error("{path}: not {expected}: {found}")]
    WrongFormat {
        /// The file.
        path: String,
        /// The format that was asked for.
        expected: &'static str,
        /// What the content looks like.
        found: String,
    },
    /// The operating system refused.
    #[error("{path}: cannot {action}: {detail}")]
    Io {
        /// The file or directory.
        path: String,
        /// What was tried.
        action: &'static str,
        /// The system's words.
        detail: String,
    },
    /// The file ends early, or its bytes are not what its format demands.
    #[error("{path}: {place}: {detail}; the file is damaged or still being written, copy it again")]
    Corrupt {
        /// The file.
        path: String,
        /// Line, row group or byte position.
        place: String,
        /// What is wrong.
        detail: String,
    },
    /// A needed column is absent.
    #[error("{path}: column `{column}` is missing; the file has {present}")]
    MissingColumn {
        /// The file.
        path: String,
        /// The missing column.
        column: String,
        /// The columns that are there.
        present: String,
    },
    /// A column has a type that cannot be read as what is needed.
    #[error("{path}: column `{column}` is {found}, expected {expected}")]
    ColumnType {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// Types that would do.
        expected: &'static str,
    },
    /// No column looks like a time.
    #[error("{path}: no time column recognised among {present}; name it with --time")]
    NoTimeColumn {
        /// The file.
        path: String,
        /// The columns that are there.
        present: String,
    },
    /// A value that must be readable is not.
    #[error("{path}: {place}: column `{column}`: {value:?} is not {expected}")]
    Value {
        /// The file.
        path: String,
        /// Row or line.
        place: String,
        /// The column.
        column: String,
        /// The value as found.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// More of something than the limit allows.
    #[error("{path}: {count} {what}; the limit is {limit}, {option} raises it")]
    TooMany {
        /// The file or directory.
        path: String,
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        count: u64,
        /// How much there may be.
        limit: u64,
        /// The option that moves the limit.
        option: &'static str,
    },
    /// One of the two files of a sequence is alone.
    #[error("{path}: no {partner} file of the same name beside it; copy it there, or remove this one")]
    NoPartner {
        /// The file that is there.
        path: String,
        /// What the other one has in its name.
        partner: &'static str,
    },
    /// The two files of a sequence have different lengths.
    #[error(
        "{path} has {messages} messages and {book} has {rows} rows; each message needs its row, write or copy both files again"
    )]
    RowCounts {
        /// The message file.
        path: String,
        /// Its rows.
        messages: u64,
        /// Name of the order book.
        book: String,
        /// Its rows.
        rows: u64,
    },
    /// An option of a reader that means nothing.
    #[error("{option} {value:?} is not {expected}")]
    Option {
        /// Its name on the command line.
        option: &'static str,
        /// The value as given.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A message that the output format cannot express.
    #[error("{path}: cannot write {what}: {value}")]
    NotExpressible {
        /// The file or directory written to.
        path: String,
        /// What could not be written.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// A reader cannot go on from what it was given; whoever stored that should read from the start.
    #[error("a reader cannot go on here: {detail}")]
    Carry {
        /// What is wrong with it.
        detail: String,
    },
}

impl FeedError {
    /// A stable kebab-case code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PathNotFound { .. } => "path-not-found",
            Self::NoInput { .. } => "no-input",
            Self::MixedFormats { .. } => "mixed-formats",
            Self::WrongFormat { .. } => "wrong-format",
            Self::Io { .. } => "io",
            Self::Corrupt { .. } => "corrupt-file",
            Self::MissingColumn { .. } => "missing-column",
            Self::ColumnType { .. } => "column-type",
            Self::NoTimeColumn { .. } => "no-time-column",
            Self::Value { .. } => "bad-value",
            Self::TooMany { .. } => "too-many",
            Self::NoPartner { .. } => "no-partner",
            Self::RowCounts { .. } => "row-counts",
            Self::Option { .. } => "bad-option",
            Self::NotExpressible { .. } => "not-expressible",
            Self::Carry { .. } => "bad-carry",
        }
    }

    /// Whether the caller asked for something impossible (exit code 2), as opposed to data that are there but unusable (exit code 4).
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::PathNotFound { .. }
                | Self::NoInput { .. }
                | Self::MixedFormats { .. }
                | Self::NoTimeColumn { .. }
                | Self::Option { .. }
        )
    }

    pub(crate) fn io(path: &Path, action: &'static str, error: &std::io::Error) -> Self {
        let advice = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; free some space, or write to another place",
            ErrorKind::FileTooLarge => "; files may not be that large here, see ulimit -f",
            ErrorKind::PermissionDenied => "; look at the owner and the permissions",
            _ => "",
        };
        Self::Io { path: path.display().to_string(), action, detail: format!("{error}{advice}") }
    }

    /// A Parquet file that cannot be written: mostly what the operating system says.
    #[allow(clippy::needless_pass_by_value)] // for `map_err`
    pub(crate) fn carry(error: DecodeError) -> Self {
        Self::Carry { detail: error.to_string() }
    }

    pub(crate) fn parquet_write(path: &Path, error: &ParquetError) -> Self {
        if let ParquetError::External(inner) = error
            && let Some(error) = inner.downcast_ref::<std::io::Error>()
        {
            return Self::io(path, "write", error);
        }
        Self::Io { path: path.display().to_string(), action: "write", detail: error.to_string() }
    }

    pub(crate) fn corrupt(path: &Path, place: impl Into<String>, detail: impl ToString) -> Self {
        Self::Corrupt { path: path.display().to_string(), place: place.into(), detail: detail.to_string() }
    }
}
