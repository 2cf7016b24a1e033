//! `verismo init`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use verismo_engine::{Meter, ValidateRequest};
use verismo_judge::{SideStates, propose_margins};
use verismo_report::number::{count, measured};
use verismo_suite::Suite;
use verismo_suite::suite::{BUILTIN_NAMES, DataKind, Proposal, table_suite_text, with_proposed_margins};

use super::validate;
use crate::args::InitArgs;
use crate::data::{self, Homes};
use crate::{CliError, Context, Exit, files, interrupt, progress};

/// Writes a commented suite; with a golden, one with margins or lattices for it.
///
/// # Errors
/// Usage, a file that exists, a golden that cannot be read, or an interrupt.
pub fn run(args: &InitArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let is_printed = args.out == Path::new("-");
    if !is_printed && args.out.exists() && !args.force {
        let message = format!("--out: {} exists", args.out.display());
        return Err(CliError::usage("file-exists", message).help("--force replaces it"));
    }
    let proposed = if args.golden.is_empty() { builtin(args)? } else { from_golden(args, context)? };
    if is_printed {
        out.write_all(proposed.text.as_bytes())?;
        return Ok(Exit::Pass);
    }
    let file = args.out.display();
    files::write_all(&[(args.out.clone(), proposed.text.into_bytes())])?;
    writeln!(out, "{file}: written, {}", proposed.basis)?;
    for line in proposed.out_of_reach {
        writeln!(out, "  {line}")?;
    }
    writeln!(out, "Check it after editing: verismo check-suite {file}")?;
    writeln!(out, "Use it:                 verismo validate --suite {file} ...")?;
    Ok(Exit::Pass)
}

/// A suite text, and what is to be said about it.
struct Proposed {
    text: String,
    basis: String,
    out_of_reach: Vec<String>,
}

fn no_such_suite(name: &str) -> CliError {
    let names = BUILTIN_NAMES.join(", ");
    CliError::usage("no-such-suite", format_args!("--suite: there is no built-in suite {name}; there are: {names}"))
}

fn builtin(args: &InitArgs) -> Result<Proposed, CliError> {
    let name = args.suite.as_deref().unwrap_or("market");
    let text = Suite::builtin_text(name).ok_or_else(|| no_such_suite(name))?;
    Ok(Proposed { text: text.to_owned(), basis: format!("the built-in suite {name}"), out_of_reach: Vec::new() })
}

fn from_golden(args: &InitArgs, context: Context<'_>) -> Result<Proposed, CliError> {
    let suite = args.suite.as_deref().map(|name| Suite::builtin(name).ok_or_else(|| no_such_suite(name)));
    // Margins are written into the texts of these two; that of another suite would be thrown away.
    if let Some(name) =
        args.suite.as_deref().filter(|name| Suite::builtin(name).is_some() && !["market", "table"].contains(name))
    {
        let message = format!("--suite: margins are proposed for market and table, not for {name}");
        return Err(CliError::usage("no-proposals", message).help("propose them for market, and copy those you need"));
    }
    let request = ValidateRequest {
        golden: data::expand("--golden", &args.golden, &Homes::of(None, None))?.paths,
        candidate: Vec::new(),
        suite: suite.transpose()?,
        format: validate::format(args.format),
        time: args.time.clone(),
        tz: args.day.tz.clone(),
        date: args.day.date.clone(),
        symbol: None,
        maps: Vec::new(),
        limits: args.limits.limits(None),
        threads: validate::threads(args.threads),
        settings: BTreeMap::new(),
        store: None,
        segment_bytes: 0,
    };
    let meter = Meter::default();
    let observed = progress::watch(context, &meter, "init", || verismo_engine::observe_golden(&request, &meter));
    if interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    let (golden, suite) = observed.map_err(validate::engine_error)?;
    Ok(match suite.data {
        DataKind::Table => table_suite(&suite, &golden),
        DataKind::Market => market_suite(&suite, &golden),
    })
}

/// The columns found, each with the lattice chosen from the whole golden.
fn table_suite(suite: &Suite, golden: &SideStates) -> Proposed {
    let columns = suite.observables.iter().filter_map(|rule| Some((rule.id.clone(), rule.lattice.clone()?)));
    let columns: Vec<_> = columns.collect();
    let basis = format!("{} numeric columns of {} golden rows", columns.len(), count(messages(golden)));
    Proposed { text: table_suite_text(&columns), basis, out_of_reach: out_of_reach(&propose_margins(golden, suite)) }
}

/// The built-in suite with margins that the golden can resolve.
fn market_suite(suite: &Suite, golden: &SideStates) -> Proposed {
    let proposals = propose_margins(golden, suite);
    let basis = format!("its margins proposed from {} messages of golden", count(messages(golden)));
    let out_of_reach = out_of_reach(&proposals);
    Proposed { text: with_proposed_margins(&proposals), basis, out_of_reach }
}

fn messages(side: &SideStates) -> u64 {
    side.streams.iter().map(|s| s.messages).sum()
}

/// A line for every margin that this much data cannot resolve.
fn out_of_reach(proposals: &[Proposal]) -> Vec<String> {
    let mut lines = Vec::new();
    for Proposal { observable, margins } in proposals {
        for margin in margins.iter().filter(|m| m.out_of_reach) {
            let why = margin.resolvable.map_or_else(
                || "this golden is too short to say".to_owned(),
                |r| format!("this golden resolves {}; proposed {}", measured(r), measured(margin.margin)),
            );
            lines.push(format!("{observable} ({}): the default margin is out of reach, {why}", margin.test));
        }
    }
    lines
}
