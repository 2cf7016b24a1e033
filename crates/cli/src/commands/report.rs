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
    let path = if args.run.is_dir() { args.run.join("report.json") } else { args.run.clone() };
    let report = read(&path)?;
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
            let style =
                TextStyle { colour: context.console.colour, width: context.console.width, ..TextStyle::default() };
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

/// Reads a report of the schema this version writes.
fn read(path: &Path) -> Result<Report, CliError> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|e| CliError::usage("no-such-path", format_args!("cannot read a report from {shown}: {e}")))?;
    let not_a_report = |why: &dyn std::fmt::Display| {
        CliError::usage("not-a-report", format_args!("{shown}: {why}")).help("expected the report.json of `validate`")
    };
    let report = Report::from_json(&text).map_err(|e| not_a_report(&e))?;
    if report.schema != SCHEMA {
        return Err(not_a_report(&format_args!("its schema is {}, not {SCHEMA}", report.schema)));
    }
    Ok(report)
}
