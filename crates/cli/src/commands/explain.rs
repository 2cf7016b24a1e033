//! `verismo explain`.

use std::io::Write;

use verismo_report::{ExplainError, TextStyle, Wish};

use super::report;
use crate::args::{ExplainArgs, ExplainFormat};
use crate::{CliError, Context, Exit};

/// Tells the story of a finding or of an integrity check.
///
/// # Errors
/// `not-a-report`, `unknown-name`, `unknown-stream`, `unknown-test`, each with what there is instead.
pub fn run(args: &ExplainArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let named = report::named(&args.report, &args.home)?;
    let wish =
        Wish { name: args.name.clone(), stream: args.stream.clone(), test: args.test, report: named.name.clone() };
    let explanation = verismo_report::explain(&named.report, &wish).map_err(refused)?;
    let text = match args.format.unwrap_or_default() {
        ExplainFormat::Text => {
            let style =
                TextStyle { colour: context.console.colour, width: context.console.width, ..TextStyle::default() };
            verismo_report::explain_text(&explanation, &style)
        }
        ExplainFormat::Json => explanation.to_json().map_err(|e| {
            CliError::unusable("internal", format_args!("the explanation has a number that JSON cannot hold: {e}"))
        })?,
    };
    out.write_all(text.as_bytes())?;
    Ok(Exit::Pass)
}

fn refused(error: ExplainError) -> CliError {
    let (code, known) = match &error {
        ExplainError::UnknownName { near, .. } if near.is_empty() => {
            return CliError::usage("unknown-name", &error).help("report.md lists what was judged");
        }
        ExplainError::UnknownName { near, .. } => {
            let names = near.join(", ");
            return CliError::usage("unknown-name", &error).help(format_args!("did you mean {names}?"));
        }
        ExplainError::NotJudged { name, .. } => {
            let help = format!("`verismo metrics {name}` says what it is");
            return CliError::usage("not-judged", &error).help(help);
        }
        ExplainError::UnknownStream { known, .. } => ("unknown-stream", known),
        ExplainError::UnknownTest { known, .. } => ("unknown-test", known),
        _ => return CliError::usage("unknown-name", &error),
    };
    let known: Vec<&str> = known.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    let refused = CliError::usage(code, &error);
    if known.is_empty() { refused } else { refused.help(format_args!("there are: {}", known.join(", "))) }
}
