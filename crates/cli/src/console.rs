//! What the terminal can do, and a standard output that may be closed at any time.

use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Stdout, Write};

use crate::args::{Colour, GlobalArgs};

/// Columns where nothing says how wide the output is.
const WIDTH_DEFAULT: usize = 100;
/// Narrower than this no table is readable.
const WIDTH_MIN: usize = 60;
/// Wider than this no line is readable.
const WIDTH_MAX: usize = 160;

/// What the output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Console {
    /// Whether standard output takes colours.
    pub colour: bool,
    /// Whether standard error takes colours.
    pub colour_errors: bool,
    /// Columns of standard output.
    pub width: usize,
    /// Whether to draw a progress bar on standard error.
    pub progress: bool,
}

impl Console {
    /// No colour, no bar, a fixed width: what tests use.
    pub fn plain(width: usize) -> Self {
        Self { colour: false, colour_errors: false, width, progress: false }
    }

    /// Looks at the flags, the environment (`NO_COLOR`, `CLICOLOR_FORCE`, `TERM`, `COLUMNS`) and the terminal, in this order.
    pub fn detect(global: &GlobalArgs) -> Self {
        let colour_allowed = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        // <https://bixense.com/clicolors>: NO_COLOR wins, and 0 forces nothing.
        let colour_forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| !v.is_empty() && v != "0");
        let colour = |is_terminal: bool| match global.colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => colour_allowed && (is_terminal || colour_forced),
        };
        let stderr_is_terminal = io::stderr().is_terminal();
        Self {
            colour: colour(io::stdout().is_terminal()),
            colour_errors: colour(stderr_is_terminal),
            width: width(),
            // Logs and a bar on one terminal overwrite each other; who asks for logs gets logs.
            progress: stderr_is_terminal && global.verbose == 0 && !global.quiet,
        }
    }
}

fn width() -> usize {
    let from_environment = std::env::var("COLUMNS").ok().and_then(|c| c.parse::<usize>().ok());
    let from_terminal = || terminal_size::terminal_size().map(|(w, _)| usize::from(w.0));
    from_environment.or_else(from_terminal).unwrap_or(WIDTH_DEFAULT).clamp(WIDTH_MIN, WIDTH_MAX)
}

/// Standard output that takes a closed pipe for a reader who has seen enough: what follows is discarded, and the run goes
/// on to its reports and its exit code.
#[derive(Debug)]
pub struct QuietStdout {
    inner: BufWriter<Stdout>,
    closed: bool,
}

impl QuietStdout {
    /// Standard output, buffered.
    pub fn new() -> Self {
        Self { inner: BufWriter::new(io::stdout()), closed: false }
    }

    fn forgive<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

impl Default for QuietStdout {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for QuietStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let result = self.inner.write(bytes);
        self.forgive(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let result = self.inner.flush();
        self.forgive(result, ())
    }
}
