//! Suites by name or file.

use std::path::Path;

use verismo_suite::catalogue::nearest;
use verismo_suite::suite::{BUILTIN_NAMES, render_problems};
use verismo_suite::{Suite, SuiteProblem};

use crate::CliError;

/// Larger than any suite that a person has written; a data file given by mistake is not read into memory.
const SUITE_BYTES_MAX: u64 = 4 << 20;

/// The built-in suite of that name, else the suite in that file. A file named like a built-in suite is given as `./market`.
///
/// # Errors
/// `no-such-suite` when it is neither, `bad-suite` with every problem and its line when the file is not a valid suite.
pub fn load(name_or_path: &str) -> Result<Suite, CliError> {
    if let Some(suite) = Suite::builtin(name_or_path) {
        return Ok(suite);
    }
    let path = Path::new(name_or_path);
    if !path.exists() {
        let names = BUILTIN_NAMES.join(", ");
        let message = format!("{name_or_path} is neither a file nor a built-in suite ({names})");
        let error = CliError::usage("no-such-suite", message);
        return Err(match nearest(name_or_path, BUILTIN_NAMES) {
            Some(near) => error.help(format_args!("did you mean {near}?")),
            None => error,
        });
    }
    let text = read(path)?;
    Suite::parse(&text).map(|suite| named(suite, path)).map_err(|problems| bad_suite(path, &text, &problems))
}

/// The file that [`load`] takes for this name; none for a built-in suite.
pub fn file(name_or_path: &str) -> Option<&Path> {
    Some(Path::new(name_or_path)).filter(|path| Suite::builtin(name_or_path).is_none() && path.exists())
}

/// The suite with the name of its file where it has none of its own.
fn named(mut suite: Suite, path: &Path) -> Suite {
    if suite.name.is_empty() {
        suite.name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    }
    suite
}

/// The text of a suite file.
///
/// # Errors
/// `no-such-path`, `cannot-read`, or `bad-suite` for a file that is no text.
pub fn read(path: &Path) -> Result<String, CliError> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .map_err(|_| CliError::usage("no-such-path", format_args!("no such file: {shown}")))?
        .len();
    if size > SUITE_BYTES_MAX {
        return Err(CliError::usage("bad-suite", format_args!("{shown} has {size} bytes: this is no suite")));
    }
    let bytes = std::fs::read(path).map_err(|e| CliError::usage("cannot-read", format_args!("{shown}: {e}")))?;
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        CliError::usage("bad-suite", format_args!("{shown} is not UTF-8 text (byte {at}): a suite is a YAML file"))
    })
}

fn bad_suite(path: &Path, text: &str, problems: &[SuiteProblem]) -> CliError {
    let rendered = render_problems(&path.display().to_string(), text, problems);
    CliError::usage("bad-suite", format_args!("{}\n{}", counted(problems.len()), rendered.trim_end()))
}

/// `1 problem in the suite`, `2 problems in the suite`.
fn counted(n: usize) -> String {
    format!("{n} problem{} in the suite", if n == 1 { "" } else { "s" })
}
