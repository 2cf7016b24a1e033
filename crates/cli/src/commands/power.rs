//! `verismo power`.

use std::io::Write;
use std::path::PathBuf;

use verismo_engine::{Meter, PowerRequest, Source, power};
use verismo_feed::{Inventory, ReaderOptions};
use verismo_market::message::Message;
use verismo_report::TextStyle;
use verismo_sim::{Fault, FaultKind};
use verismo_suite::Suite;
use verismo_suite::suite::DataKind;

use super::{inject, validate};
use crate::args::PowerArgs;
use crate::data::{self, Homes};
use crate::datasets::feed_error;
use crate::messages::{Collected, collect};
use crate::{CliError, Context, Exit, files, interrupt, progress, suites};

/// Amounts of a fault that is named without any: these parts of its default.
const PARTS: [f64; 6] = [0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0];

/// Puts faults into markets and says which were seen.
///
/// # Errors
/// Usage, data of which nothing can be read, files that cannot be written, or an interrupt.
pub fn run(args: &PowerArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let suite = suite(args)?;
    let faults = faults(&args.fault)?;
    let source = match args.golden.is_empty() {
        true => Source::Simulated { messages: args.events, is_replay: args.replay },
        false => Source::Given(messages(&args.golden, context)?),
    };
    let request = PowerRequest {
        suite,
        source,
        faults,
        runs: args.runs,
        pairs: args.pairs,
        seed: args.seed,
        threads: validate::threads(args.threads),
    };
    let meter = Meter::default();
    let studied = progress::watch(context, &meter, "power", || power(&request, &meter));
    if interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    let mut study = studied.map_err(validate::engine_error)?;
    study.market.paths = args.golden.iter().map(|p| p.display().to_string()).collect();
    let json = study.to_json().map_err(|e| CliError::unusable("internal", e))?;
    if let Some(path) = &args.html {
        files::write_all(&[(path.clone(), verismo_report::power_html(&study).into_bytes())])?;
    }
    let text = |style: &TextStyle| verismo_report::power_text(&study, style);
    files::json_or_text(args.json.as_deref(), json, text, context, out)?;
    Ok(Exit::Pass)
}

fn suite(args: &PowerArgs) -> Result<Suite, CliError> {
    let suite = suites::load(args.suite.as_deref().unwrap_or("market"))?;
    if suite.data != DataKind::Market {
        let message = format!("the suite {} is for tables: faults are put into markets", suite.name);
        return Err(CliError::usage("suite-kind", message).help("name a suite of market data, such as `market`"));
    }
    Ok(suite)
}

/// Faults with all their amounts.
fn faults(texts: &[String]) -> Result<Vec<Fault>, CliError> {
    if texts.is_empty() {
        let kinds = FaultKind::all().filter(|kind| !kind.is_byte_level());
        return Ok(kinds.flat_map(amounts).collect());
    }
    let mut out = Vec::new();
    for text in texts {
        let (name, given) = match text.split_once(':') {
            Some((name, amounts)) => (name, amounts.split(',').map(|amount| format!("{name}:{amount}")).collect()),
            None => (text.as_str(), vec![text.clone()]),
        };
        let parsed = inject::parse(&given)?;
        if let Some(fault) = parsed.iter().find(|f| f.kind().is_byte_level()) {
            let message = format!("{} damages the bytes of files, and no files are written here", fault.kind());
            return Err(CliError::usage("fault-of-bytes", message).help("see what `verismo demo` says of it"));
        }
        match parsed.first() {
            Some(fault) if name == text => out.extend(amounts(fault.kind())),
            _ => out.extend(parsed),
        }
    }
    Ok(out)
}

/// The amounts of a kind: parts of its default; whole ones where there are no others, of ticks.
fn amounts(kind: FaultKind) -> Vec<Fault> {
    let default = kind.default_amount();
    let are_whole = Fault::new(kind, 0.5).is_err();
    let mut amounts: Vec<f64> =
        if are_whole { vec![1.0, 2.0, 4.0, default] } else { PARTS.map(|p| p * default).to_vec() };
    amounts.sort_by(f64::total_cmp);
    amounts.dedup();
    amounts.into_iter().filter_map(|amount| Fault::new(kind, amount).ok()).collect()
}

/// The messages of a data set.
fn messages(paths: &[PathBuf], context: Context<'_>) -> Result<Vec<Message>, CliError> {
    let paths = data::expand("--golden", paths, &Homes::of(None, None))?.paths;
    let inventory = Inventory::scan(&paths, None).map_err(feed_error)?;
    let readers = inventory.readers(&ReaderOptions::default()).map_err(feed_error)?;
    let meter = Meter::default();
    meter.set_bytes_total(inventory.bytes());
    let collected = progress::watch(context, &meter, "read", || collect(readers, &meter)).map_err(feed_error)?;
    if interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    let Collected { messages, .. } = collected;
    if messages.is_empty() {
        return Err(CliError::unusable("no-messages", "--golden: there is no message in the data"));
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_ascending_and_allowed() {
        for kind in FaultKind::all().filter(|kind| !kind.is_byte_level()) {
            let amounts: Vec<f64> = amounts(kind).iter().map(Fault::amount).collect();
            assert!(amounts.len() >= 3 && amounts.is_sorted(), "{kind}: {amounts:?}");
            assert!(amounts.contains(&kind.default_amount()), "{kind}: {amounts:?}");
        }
        let of = |text: &str| faults(&[text.to_owned()]).map(|f| f.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of("drop:0.1%,0.2").unwrap(), ["drop:0.001", "drop:0.2"]);
        assert_eq!(of("widen-spread").unwrap(), ["widen-spread:1", "widen-spread:2", "widen-spread:4"]);
        assert_eq!(of("truncate").unwrap_err().code, "fault-of-bytes");
        assert_eq!(of("drop:x").unwrap_err().code, "bad-fault-amount");
    }
}
