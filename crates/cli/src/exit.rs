//! Exit codes and errors of the command.

use std::fmt::Display;
use std::io::ErrorKind;

use verismo_report::number::count;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: the verdict is PASS, or the command did what it was asked.
    Pass,
    /// 1: the verdict is FAIL.
    Fail,
    /// 2: usage: a wrong flag, a path that does not exist, a bad suite.
    Usage,
    /// 3: the verdict is INCONCLUSIVE.
    Inconclusive,
    /// 4: the verdict is ERROR: the data are there but unusable.
    Error,
    /// 130: stopped by Ctrl-C or SIGTERM.
    Interrupted,
}

impl Exit {
    /// The number the operating system gets.
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::Error => 4,
            Self::Interrupted => 130,
        }
    }
}

/// Why a command could not do its work. What the data say (FAIL, ERROR as a verdict) is no error of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CliError {
    /// A stable kebab-case name, e.g. `no-such-path`.
    pub code: &'static str,
    /// What is wrong, where, with which value.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
    exit: Exit,
}

impl CliError {
    /// A mistake in what was asked: exit code 2.
    pub fn usage(code: &'static str, message: impl Display) -> Self {
        Self { code, message: message.to_string(), help: None, exit: Exit::Usage }
    }

    /// Data or a file system that cannot be used: exit code 4.
    pub fn unusable(code: &'static str, message: impl Display) -> Self {
        Self { code, message: message.to_string(), help: None, exit: Exit::Error }
    }

    /// Stopped by Ctrl-C or SIGTERM: exit code 130.
    pub fn interrupted() -> Self {
        let message = match crate::interrupt::noted() {
            0 => "stopped before the end; there is no result".to_owned(),
            n => format!("stopped before the end, after {} messages; there is no result", count(n)),
        };
        Self { code: "interrupted", message, help: None, exit: Exit::Interrupted }
    }

    /// A file that cannot be written: exit code 4.
    pub fn write(path: &std::path::Path, error: &std::io::Error) -> Self {
        let result = Self::unusable("cannot-write", format_args!("cannot write {}: {error}", path.display()));
        match error.kind() {
            ErrorKind::StorageFull => {
                result.help("the disk is full: free some space, or name another place with --out")
            }
            ErrorKind::QuotaExceeded => {
                result.help("the quota is used up: free some space, or name another place with --out")
            }
            ErrorKind::FileTooLarge => result.help("files may not be that large here: see ulimit -f"),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                result.help("this place cannot be written to: name another one with --out")
            }
            _ => result,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// The exit code of the process.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl From<std::io::Error> for CliError {
    /// The one writer that is handed to commands is standard output.
    fn from(error: std::io::Error) -> Self {
        Self::unusable("stdout", format_args!("cannot write to standard output: {error}"))
    }
}
