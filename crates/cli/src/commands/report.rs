//! `verismo report`: a report once more, from its JSON or from the ledger.

use std::fs;
use std::io::Write;
use std::path::Path;

use verismo_report::TextStyle;
use verismo_suite::report::{Report, SCHEMA};

use super::validate;
use crate::args::{HomeArgs, ReportArgs, ReportFormat};
use crate::ledger::{self, Named};
use crate::{CliError, Context, Exit, files};

/// Renders the report in one format, or writes all its files.
///
/// # Errors
/// `no-such-path`, `not-a-report` for a file that is none, `no-such-run`, `cannot-write`.
pub fn run(args: &ReportArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let named = named(&args.run, &args.home)?;
    render(&named, args.out.as_deref(), args.format, context, out)
}

/// Writes the report in one format to `out`, or all its files to a directory.
///
/// # Errors
/// `cannot-write`.
pub(crate) fn render(
    named: &Named,
    directory: Option<&Path>,
    format: Option<ReportFormat>,
    context: Context<'_>,
    out: &mut impl Write,
) -> Result<Exit, CliError> {
    let report = &named.report;
    if let Some(directory) = directory {
        files::create_dir(directory)?;
        validate::write_reports(report, directory, None)?;
        for name in validate::REPORT_FILES {
            writeln!(out, "{}", directory.join(name).display())?;
        }
        return Ok(Exit::Pass);
    }
    let text = match format.unwrap_or_default() {
        ReportFormat::Text => {
            let style = TextStyle {
                colour: context.console.colour,
                width: context.console.width,
                name: named.name.clone(),
                ..TextStyle::default()
            };
            verismo_report::text(report, &style)
        }
        ReportFormat::Html => verismo_report::html(report),
        ReportFormat::Md => verismo_report::markdown(report),
        ReportFormat::Junit => verismo_report::junit(report)
            .map_err(|e| CliError::unusable("internal", format_args!("cannot build JUnit XML: {e}")))?,
        ReportFormat::Json => named.json.clone(),
    };
    out.write_all(text.as_bytes())?;
    Ok(Exit::Pass)
}

/// The report of a file, of the report.json in a directory, or of a recorded run; a path that exists is taken as one.
///
/// # Errors
/// `no-such-path`, `not-a-report` with what the file is instead, or as [`ledger::run`].
pub(crate) fn named(name: &Path, home: &HomeArgs) -> Result<Named, CliError> {
    match name.to_str() {
        Some(run) if !name.exists() && verismo_ledger::may_name_a_run(run) => ledger::run(run, home),
        _ => read(name),
    }
}

/// Reads a report of the schema this version writes.
fn read(run: &Path) -> Result<Named, CliError> {
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
    let report = Report::from_json(&text).map_err(|e| not_a_report(&e))?;
    Ok(Named { name: run.display().to_string(), report, json: text })
}

/// What every file of ours begins with.
#[derive(serde::Deserialize)]
struct Head {
    schema: Option<String>,
}
