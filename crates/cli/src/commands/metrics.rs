//! `verismo metrics`: the catalogue, listed or explained.

use std::io::{self, Write};

use verismo_report::layout::{cut, wrap};
use verismo_report::reference::{above_limit, limit};
use verismo_suite::catalogue::{CHECKS, CheckInfo, ObservableInfo, TestInfo, all_observables, all_tests, nearest};

use crate::args::MetricsArgs;
use crate::{CliError, Context, Exit};

/// Columns of the labels in an explanation.
const LABEL_WIDTH: usize = 12;

/// Lists the observables, tests and checks, or explains one.
///
/// # Errors
/// `unknown-metric` for an id that is none of them.
pub fn run(args: &MetricsArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let width = context.console.width;
    let Some(id) = args.id.as_deref() else {
        list(width, out)?;
        return Ok(Exit::Pass);
    };
    if let Some(observable) = all_observables().find(|o| o.id == id) {
        explain_observable(observable, width, out)?;
    } else if let Some(test) = all_tests().find(|t| t.name == id) {
        explain_test(test, width, out)?;
    } else if let Some(check) = CHECKS.iter().find(|c| c.id == id) {
        explain_check(check, width, out)?;
    } else {
        return Err(unknown(id));
    }
    Ok(Exit::Pass)
}

fn ids() -> impl Iterator<Item = &'static str> {
    let observables = all_observables().map(|o| o.id);
    observables.chain(all_tests().map(|t| t.name)).chain(CHECKS.iter().map(|c| c.id))
}

fn unknown(id: &str) -> CliError {
    let error = CliError::usage("unknown-metric", format_args!("no observable, test or check is called {id:?}"));
    match nearest(id, ids()) {
        Some(near) => error.help(format_args!("did you mean {near}?")),
        None => error.help("`verismo metrics` lists them all"),
    }
}

fn list(width: usize, out: &mut impl Write) -> io::Result<()> {
    let column = ids().map(str::len).max().unwrap_or(0) + 2;
    let room = width.saturating_sub(column + 2);
    writeln!(out, "Observables: series that are compared")?;
    for o in all_observables() {
        let text = if o.unit.is_empty() { o.description.to_owned() } else { format!("{} [{}]", o.description, o.unit) };
        writeln!(out, "  {:column$}{}", o.id, cut(&text, room))?;
    }
    writeln!(out, "\nTests: how two series are compared")?;
    for t in all_tests() {
        writeln!(out, "  {:column$}{}", t.id, cut(t.title, room))?;
    }
    writeln!(out, "\nChecks: what is counted on each side")?;
    for c in CHECKS {
        writeln!(out, "  {:column$}{}", c.id, cut(c.description, room))?;
    }
    writeln!(out, "\n`verismo metrics ID` explains one of them.")
}

fn field(out: &mut impl Write, width: usize, label: &str, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    out.write_all(wrap(text, &format!("  {label:LABEL_WIDTH$}"), width).as_bytes())
}

fn explain_observable(o: &ObservableInfo, width: usize, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}: an observable", o.id)?;
    let tests: Vec<&str> = o.all_tests().into_iter().map(|t| t.as_str()).collect();
    field(out, width, "what", o.description)?;
    field(out, width, "unit", if o.unit.is_empty() { "none" } else { o.unit })?;
    field(out, width, "definition", o.formula)?;
    field(out, width, "reference", o.reference)?;
    field(out, width, "needs", o.source.phrase())?;
    field(out, width, "sampled", o.sampling.phrase())?;
    field(out, width, "lattice", &o.lattice_text())?;
    field(out, width, "states", o.class.phrase())?;
    field(out, width, "tests", &tests.join(", "))?;
    field(out, width, "proxy", o.proxy)?;
    field(out, width, "requirement", o.number)?;
    if o.depends_on_cadence {
        let note = "depends on how book updates are aggregated: NOT_APPLICABLE between feeds of different cadence";
        field(out, width, "note", note)?;
    }
    Ok(())
}

fn explain_test(t: &TestInfo, width: usize, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}: a test", t.id)?;
    let (low, high) = t.margin_range;
    let applies: Vec<&str> = all_observables().filter(|o| o.all_tests().contains(&t.id)).map(|o| o.id).collect();
    field(out, width, "what", t.title)?;
    field(out, width, "definition", t.formula)?;
    field(out, width, "reference", t.reference)?;
    field(out, width, "margin in", t.margin_unit.phrase())?;
    field(out, width, "margins", &format!("{low} to {high}"))?;
    field(out, width, "applies to", &applies.join(", "))
}

fn explain_check(c: &CheckInfo, width: usize, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}: an integrity check", c.id)?;
    field(out, width, "counts", c.description)?;
    field(out, width, "limit", &format!("{} (a suite may set another)", limit(c)))?;
    field(out, width, "above it", above_limit(c))?;
    field(out, width, "severity", c.severity.as_str())?;
    field(out, width, "requirement", c.number)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::console::Console;

    fn shown(id: Option<&str>, width: usize) -> Result<String, CliError> {
        let args = MetricsArgs { id: id.map(str::to_owned) };
        let console = Console::plain(width);
        let mut out = Vec::new();
        run(&args, Context { console: &console, cancel: &AtomicBool::new(false) }, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn every_listed_id_can_be_explained() {
        let list = shown(None, 80).unwrap();
        let mut explained = 0;
        for line in list.lines().filter_map(|l| l.strip_prefix("  ")) {
            let id = line.split_whitespace().next().unwrap();
            let text = shown(Some(id), 80).unwrap();
            assert!(text.starts_with(&format!("{id}: ")), "{text}");
            assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
            explained += 1;
        }
        assert_eq!(explained, ids().count());
        assert!(list.lines().all(|l| l.chars().count() <= 80), "{list}");
    }

    #[test]
    fn a_misspelt_id_gets_a_proposal() {
        let error = shown(Some("spred"), 80).unwrap_err();
        assert_eq!((error.code, error.exit()), ("unknown-metric", Exit::Usage));
        assert_eq!(error.help.as_deref(), Some("did you mean spread?"));
    }
}
