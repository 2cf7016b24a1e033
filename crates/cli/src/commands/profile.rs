//! `verismo profile`.

use std::collections::BTreeMap;
use std::io::Write;

use verismo_engine::{Meter, ProfileOptions};
use verismo_report::TextStyle;

use super::validate;
use crate::args::{ProfileArgs, ProfileFormat};
use crate::data::{self, Homes};
use crate::{CliError, Context, Exit, interrupt, progress, suites};

/// Says what a data set is.
///
/// # Errors
/// Usage, data of which nothing can be read, or an interrupt. Damage that leaves something to read is part of the profile.
pub fn run(args: &ProfileArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let homes = Homes::of(args.home.store.as_deref(), args.suite.as_deref().and_then(suites::file));
    let data = data::expand("PATH", &args.paths, &homes)?;
    let paths = &data.paths;
    let suite = args.suite.as_deref().map(suites::load).transpose()?;
    let options = ProfileOptions {
        format: validate::format(args.input_format),
        time: args.time.clone(),
        symbol: args.symbol.clone(),
        tz: args.day.tz.clone(),
        date: args.day.date.clone(),
        limits: args.limits.limits(suite.as_ref()),
        suite,
        threads: validate::threads(args.threads),
        settings: settings(args, data.version()),
    };
    let meter = Meter::default();
    let profiled = progress::watch(context, &meter, "profile", || verismo_engine::profile(paths, &options, &meter));
    if interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    let mut profile = profiled.map_err(validate::engine_error)?;
    // What a shell expanded is shown as it was asked for.
    profile.paths = args.paths.iter().map(|p| p.display().to_string()).collect();
    let text = match args.format.unwrap_or_default() {
        ProfileFormat::Text => {
            let style =
                TextStyle { colour: context.console.colour, width: context.console.width, ..TextStyle::default() };
            verismo_report::profile_text(&profile, &style)
        }
        ProfileFormat::Html => verismo_report::profile_html(&profile),
        ProfileFormat::Json => profile.to_json().map_err(|e| {
            CliError::unusable("internal", format_args!("the profile has a number that JSON cannot hold: {e}"))
        })?,
    };
    out.write_all(text.as_bytes())?;
    Ok(Exit::Pass)
}

/// Settings that differ from the defaults, for the profile's provenance.
fn settings(args: &ProfileArgs, version: Option<String>) -> BTreeMap<String, String> {
    let given = [
        ("suite", args.suite.clone()),
        ("format", validate::format(args.input_format).map(|f| f.name().to_owned())),
        ("time", args.time.clone()),
        ("version", version),
        ("symbol", args.symbol.clone()),
        ("threads", args.threads.map(|n| n.to_string())),
    ];
    given.into_iter().chain(args.limits.given()).filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
