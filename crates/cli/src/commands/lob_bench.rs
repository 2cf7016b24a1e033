//! `verismo lob-bench`.

use std::io::Write;

use verismo_engine::{LobBenchRequest, Meter};
use verismo_report::TextStyle;
use verismo_suite::suite::Scope;

use super::validate;
use crate::args::{LobBenchArgs, ScopeArg};
use crate::{CliError, Context, Exit, files, interrupt, progress};

/// Scores generated sequences against real ones.
///
/// # Errors
/// Usage, sequences that cannot be read, a file that cannot be written, or an interrupt.
pub fn run(args: &LobBenchArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let request = LobBenchRequest {
        real: one("--real", &args.real)?,
        generated: one("--generated", &args.generated)?,
        levels: args.levels.map(usize::from),
        scope: match args.scope {
            ScopeArg::TheseStretches => Scope::TheseStretches,
            ScopeArg::Population => Scope::Population,
        },
        limits: args.limits.limits(None),
        threads: validate::threads(args.threads),
    };
    let meter = Meter::default();
    let scored = progress::watch(context, &meter, "lob-bench", || verismo_engine::lob_bench(&request, &meter));
    if interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    let scored = scored.map_err(validate::engine_error)?;
    let json = scored.to_json().map_err(|e| {
        CliError::unusable("internal", format_args!("the scores have a number that JSON cannot hold: {e}"))
    })?;
    let text = |style: &TextStyle| verismo_report::lob_bench_text(&scored, style);
    files::json_or_text(args.json.as_deref(), json, text, context, out)?;
    Ok(Exit::Pass)
}

/// The one path that a flag means.
fn one(flag: &str, path: &std::path::PathBuf) -> Result<std::path::PathBuf, CliError> {
    let mut found = files::expand(flag, std::slice::from_ref(path))?;
    match found.len() {
        1 => Ok(found.remove(0)),
        n => Err(CliError::usage("several-paths", format_args!("{flag}: {} matches {n} paths", path.display()))
            .help("name one folder of sequences")),
    }
}
