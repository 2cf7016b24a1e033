//! `verismo report`: a report once more, from its JSON.

use std::fs;
use std::io::Write;
use std::path::Path;

use verismo_report::TextStyle;
use verismo_suite::report::{Report, SCHEMA};

use super::validate;
use crate::args::{ReportArgs, ReportFormat};
use crate::{CliError, Context, Exit, files};

/// Renders the report in one format, or writes all its files.
///
/// # Errors
/// `no-such-path`, `not-a-report` for a file that is none, `cannot-write`.
pub fn run(args: &ReportArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let report = read(&args.run)?;
    if let Some(directory) = &args.out {
        files::create_dir(directory)?;
        validate::write_reports(&report, directory, None)?;
        for name in validate::REPORT_FILES {
            writeln!(out, "{}", directory.join(name).display())?;
        }
        return Ok(Exit::Pass);
    }
    let text = match args.format.unwrap_or_default() {
        ReportFormat::Text => {
            let style = TextStyle {
                colour: context.console.colour,
                width: context.console.width,
                name: args.run.display().to_string(),
                ..TextStyle::default()
            };
            verismo_report::text(&report, &style)
        }
        ReportFormat::Html => verismo_report::html(&report),
        ReportFormat::Md => verismo_report::markdown(&report),
        ReportFormat::Junit => verismo_report::junit(&report)
            .map_err(|e| CliError::unusable("internal", format_args!("cannot build JUnit XML: {e}")))?,
        ReportFormat::Json => validate::json(&report)?,
    };
    out.write_all(text.as_bytes())?;
    Ok(Exit::Pass)
}

/// Reads a report of the schema this version writes; of a directory the report.json in it.
///
/// # Errors
/// `no-such-path`, or `not-a-report` with what the file is instead.
pub(crate) fn read(run: &Path) -> Result<Report, CliError> {
    let path = if run.is_dir() { run.join("report.json") } else { run.to_owned() };
    let shown = path.display();
    let text = fs::read_to_string(&path)
        .map_err(|e| CliError::usage("no-such-path", format_args!("cannot read a report from {shown}: {e}")))?;
    let not_a_report = |why: &dyn std::fmt::Display| {
        CliError::usage("not-a-report", format_args!("{shown}: {why}")).help("expected the report.json of `validate`")
    };
    // The schema first: a file of another one is better named than by the first key it lacks.
    let head: Head = serde_json::from_str(&text).map_err(|e| not_a_report(&e))?;
    match head.schema.as_deref() {
        None => return Err(not_a_report(&"it names no schema")),
        Some(other) if other != SCHEMA => {
            return Err(not_a_report(&format_args!("its schema is {other}, not {SCHEMA}")));
        }
        Some(_) => {}
    }
    Report::from_json(&text).map_err(|e| not_a_report(&e))
}

/// What every file of ours begins with.
#[derive(serde::Deserialize)]
struct Head {
    schema: Option<String>,
}
