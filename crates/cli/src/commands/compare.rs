//! `verismo compare`.

use std::io::Write;

use verismo_report::TextStyle;

use super::report;
use crate::args::{CompareArgs, CompareFormat};
use crate::{CliError, Context, Exit};

/// Says what changed between two reports; [`Exit::Fail`] if the second is worse.
///
/// # Errors
/// `no-such-path`, `not-a-report` for a file of another schema, `no-such-run`.
pub fn run(args: &CompareArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let (before, after) = (report::named(&args.before, &args.home)?, report::named(&args.after, &args.home)?);
    let comparison = verismo_report::compare(&before.report, &before.name, &after.report, &after.name);
    let text = match args.format.unwrap_or_default() {
        CompareFormat::Text => {
            let style =
                TextStyle { colour: context.console.colour, width: context.console.width, ..TextStyle::default() };
            verismo_report::compare_text(&comparison, &style)
        }
        CompareFormat::Md => verismo_report::compare_markdown(&comparison),
        CompareFormat::Json => comparison.to_json().map_err(|e| {
            CliError::unusable("internal", format_args!("the comparison has a number that JSON cannot hold: {e}"))
        })?,
    };
    out.write_all(text.as_bytes())?;
    Ok(if comparison.is_worse { Exit::Fail } else { Exit::Pass })
}
