//! `verismo cache`.

use std::io::Write;
use std::time::Duration;

use verismo_engine::GcPolicy;
use verismo_suite::cache::{CacheStats, GC_SCHEMA, GcReport, STATS_SCHEMA};

use crate::args::{CacheArgs, CacheCommand, GcArgs, Size, StatsArgs, parse_size};
use crate::{CliError, Context, Exit, files, store};

/// What may stay unless it is said otherwise, as for `verismo validate`.
const MAX_DEFAULT: u64 = 20 << 30;
const MAX_VARIABLE: &str = "VERISMO_STORE_MAX";

/// Says what a store holds, or makes it smaller.
///
/// # Errors
/// `bad-store`, `no-home`, and `store` where it cannot be read or swept.
pub fn run(args: &CacheArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    match &args.command {
        CacheCommand::Stats(args) => stats(args, context, out),
        CacheCommand::Gc(args) => gc(args, context, out),
    }
}

fn stats(args: &StatsArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let stats = match store::open(&args.place)? {
        Some(store) => store.stats().map_err(store::error)?,
        None => {
            CacheStats { schema: STATS_SCHEMA.to_owned(), place: store::place(&args.place), ..CacheStats::default() }
        }
    };
    let text = |style: &_| verismo_report::cache_stats_text(&stats, style);
    files::json_or_text(args.json.as_deref(), stats.to_json().map_err(internal)?, text, context, out)?;
    Ok(Exit::Pass)
}

fn gc(args: &GcArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let max_bytes = match (args.max_size, args.older_than) {
        (Some(Size(max)), _) => max,
        (None, Some(_)) => None,
        (None, None) if store::is_remote(&args.place) => {
            let message = "a store at a URL may be shared: nothing is removed from it unless it is said what";
            return Err(CliError::usage("no-limit", message).help("add --max-size SIZE or --older-than TIME"));
        }
        (None, None) => max_default()?,
    };
    let older_than = args.older_than.map(|ms| Duration::from_millis(ms.unsigned_abs()));
    let report = match store::open(&args.place)? {
        Some(store) => store.gc(&GcPolicy { max_bytes, older_than, is_dry: args.dry_run }).map_err(store::error)?,
        None => GcReport {
            schema: GC_SCHEMA.to_owned(),
            place: store::place(&args.place),
            is_dry: args.dry_run,
            ..GcReport::default()
        },
    };
    let text = |style: &_| verismo_report::cache_gc_text(&report, style);
    files::json_or_text(args.json.as_deref(), report.to_json().map_err(internal)?, text, context, out)?;
    Ok(Exit::Pass)
}

/// What states in a folder may take where nothing else is said.
pub(crate) fn max_default() -> Result<Option<u64>, CliError> {
    let Some(text) = std::env::var_os(MAX_VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(Some(MAX_DEFAULT));
    };
    let size = parse_size(&text.to_string_lossy());
    size.map(|Size(max)| max).map_err(|e| CliError::usage("bad-size", format_args!("{MAX_VARIABLE}: {e}")))
}

fn internal(error: serde_json::Error) -> CliError {
    CliError::unusable("internal", format_args!("it cannot be written as JSON: {error}"))
}
