//! `verismo what-if`: a recorded run judged without a part of its data.

mod cuts;

use std::io::Write;
use std::time::Instant;

use verismo_engine::{
    Cut, FindRequest, FoundCuts, JudgeAgain, Left, Meter, Recalled, RunStates, failing_checks, find_cuts,
    window_counts, without,
};
use verismo_report::TextStyle;
use verismo_report::number::count;
use verismo_suite::report::Report;
use verismo_suite::what_if::{SCHEMA, Search, WhatIf};

use super::judge::{Run, gone, judge};
use super::validate::{self, engine_error, value_name};
use crate::args::{CompareFormat, GoalArg, UnitArg, WhatIfArgs};
use crate::{CliError, Context, Exit, progress, suites};

/// Shows what a run would have come to, or finds by what it fails.
///
/// # Errors
/// As `judge`; `bad-window`, `no-such-window`, `no-such-symbol`, `nothing-fails`.
pub fn run(args: &WhatIfArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let suite_file = args.suite.as_deref().and_then(suites::file);
    let run = Run::find(&args.run, &args.place, suite_file)?;
    let suite = run.suite(args.suite.as_deref(), args.scope, args.pairing)?;
    let given = cuts::parse(args, &run.recorded.named.report)?;
    run.check_files(args.as_recorded, context)?;
    let threads = validate::threads(args.threads);
    let mut states = match run.recall(&suite, threads, context)? {
        Recalled::States(states) => states,
        Recalled::Missing(missing) => {
            let error = gone(&missing, args.as_recorded);
            let suite = args.suite.as_ref().map_or_else(String::new, |suite| format!(" --suite {suite}"));
            let again =
                format!("`verismo judge --run {}{suite} --recompute` reads them again; then ask of that run", args.run);
            return Err(if args.as_recorded { error } else { error.help(again) });
        }
    };
    let again = JudgeAgain {
        suite,
        maps: run.trace.asked.maps.clone(),
        inputs: run.recorded.named.report.inputs.clone(),
        settings: Default::default(),
        threads,
        started: Instant::now(),
    };
    let name = run.recorded.named.name.clone();
    // What this version of verismo said of these states under this suite need not be said again.
    let before = if is_of_now(&run.recorded.named.report, &states, &again) {
        run.recorded.named.report
    } else {
        judge(&mut states, &again, context)?
    };
    let part = without(&states, &given, &before);
    cuts::check(&given, &part.windows, &before)?;
    let found = if args.find { Some(find(args, (&states, &part), &before, &again, context)?) } else { None };
    let (is_found, told) = match found {
        Some((found, report)) => {
            told_of_search(args, &name, (&states, &given), (before, report), found, &again, context)?
        }
        None => {
            let after = judged(&part, &again, context)?;
            (true, told(&name, (&states, &given, &part), (&before, &after), None))
        }
    };
    let text = match args.format.unwrap_or_default() {
        CompareFormat::Text => {
            let style =
                TextStyle { colour: context.console.colour, width: context.console.width, ..TextStyle::default() };
            verismo_report::what_if_text(&told, &style)
        }
        CompareFormat::Md => verismo_report::what_if_markdown(&told),
        CompareFormat::Json => told.to_json().map_err(|e| {
            CliError::unusable("internal", format_args!("the answer has a number that JSON cannot hold: {e}"))
        })?,
    };
    out.write_all(text.as_bytes())?;
    Ok(if is_found { Exit::Pass } else { Exit::Fail })
}

fn is_of_now(report: &Report, states: &RunStates, again: &JudgeAgain) -> bool {
    let trace = states.trace();
    let suite: String = verismo_judge::digest::hex(&verismo_judge::digest::suite_digest(&again.suite));
    let is_same = report.suite_digest == suite && report.provenance.version == env!("CARGO_PKG_VERSION");
    let root = report.provenance.states.as_ref().and_then(|states| states.root.clone());
    // A run that was recalled or judged again has the states of its trace; counters and pairs come from there as well.
    is_same && root.is_some() && root == trace.root
}

fn judged(part: &Left, again: &JudgeAgain, context: Context<'_>) -> Result<Report, CliError> {
    let meter = Meter::default();
    let report = progress::watch(context, &meter, "judging", || part.judge(again));
    if crate::interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    Ok(report)
}

/// What was found, and the report that it was looked for from.
fn find(
    args: &WhatIfArgs,
    (states, part): (&RunStates, &Left),
    before: &Report,
    again: &JudgeAgain,
    context: Context<'_>,
) -> Result<(FoundCuts, Report), CliError> {
    let has_cuts = !part.windows.is_empty();
    let report = if has_cuts { judged(part, again, context)? } else { before.clone() };
    let sides = if has_cuts { part.sides() } else { states.sides() };
    let request = FindRequest {
        observable: args.observable.clone(),
        is_stretch: args.unit == UnitArg::Stretch,
        must_pass: args.goal == GoalArg::Pass,
        tries_max: args.tries,
        share_max: f64::from(args.most) / 100.0,
    };
    let meter = Meter::default();
    let found = progress::watch(context, &meter, "finding", || find_cuts(sides, &report, again, &request, &meter));
    if crate::interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    Ok((found.map_err(engine_error)?, report))
}

/// Judges without what was found, with all of the suite, and tells it.
fn told_of_search(
    args: &WhatIfArgs,
    name: &str,
    (states, given): (&RunStates, &[Cut]),
    (before, left): (Report, Report),
    found: FoundCuts,
    again: &JudgeAgain,
    context: Context<'_>,
) -> Result<(bool, WhatIf), CliError> {
    let has_cuts = !found.cuts.is_empty();
    let cuts: Vec<Cut> = given.iter().cloned().chain(found.cuts.iter().cloned()).collect();
    let part = without(states, &cuts, &before);
    let after = if has_cuts { judged(&part, again, context)? } else { left };
    // What was tried are the findings in question alone: with all others their correction may be another.
    let is_turned = has_cuts && found.are_turned(&after);
    let is_found = is_turned && (found.hopeless.is_empty() || args.observable.is_some());
    let search = Search {
        unit: value_name(&args.unit),
        goal: value_name(&args.goal),
        observable: args.observable.clone(),
        targets: found.targets.clone(),
        is_found,
        units: found.units,
        of: found.of,
        tries: found.tries,
        tries_max: args.tries,
        is_irreducible: found.is_irreducible,
        method: method(args, &found),
    };
    let mut told = told(name, (states, &cuts, &part), (&before, &after), Some(search));
    if has_cuts && !is_turned {
        told.notes.push("judged with all findings, and corrected for their number, it is not turned".to_owned());
    }
    if !found.hopeless.is_empty() {
        told.notes.push(format!("no window can turn what fails without numbers: {}", found.hopeless.join(", ")));
    }
    Ok((is_found, told))
}

/// What was done, and what it proves.
fn method(args: &WhatIfArgs, found: &FoundCuts) -> String {
    let tries = format!("{} of at most {} judgements", count(found.tries), count(args.tries));
    if found.cuts.is_empty() {
        let why = if found.tries >= args.tries {
            "the judgements came to their end: --tries allows more".to_owned()
        } else if found.targets.is_empty() {
            "what fails has no numbers".to_owned()
        } else {
            format!("no set was found of up to {} % of the {} windows", args.most, count(found.of))
        };
        return format!("Nothing found: {why} ({tries}). That there is none is not proven.");
    }
    match (args.unit, found.is_irreducible) {
        (UnitArg::Stretch, _) => format!(
            "Greedy: the stretches that carry most of the difference, longer and longer, then cut at both ends ({tries}). That none is shorter is \
             not proven."
        ),
        (UnitArg::Windows, true) => format!(
            "Greedy: the windows that carry most of the difference, then each was tried to be put back, and all are needed ({tries}). That no \
             other set is smaller is not proven."
        ),
        (UnitArg::Windows, false) => format!(
            "Greedy: the windows that carry most of the difference ({tries}). The judgements came to their end before each was tried to be put \
             back: fewer may do, --tries allows more."
        ),
    }
}

fn told(
    name: &str,
    (states, cuts, part): (&RunStates, &[Cut], &Left),
    (before, after): (&Report, &Report),
    search: Option<Search>,
) -> WhatIf {
    let mut comparison = verismo_report::compare(before, name, after, "without what is left out");
    // Both are of one run: of course the goldens differ where a part is left out.
    comparison.warnings.clear();
    let is_stretch = search.as_ref().is_some_and(|search| search.unit == value_name(&UnitArg::Stretch));
    let all = window_counts(states);
    let left = part.sides().map(|side| {
        let windows = side.streams.iter().map(|stream| stream.window_indices(&[]).len() as u64);
        windows.sum::<u64>()
    });
    let windows_left_out = [all[0].saturating_sub(left[0]), all[1].saturating_sub(left[1])];
    let mut notes = Vec::new();
    let checks = failing_checks(after);
    if !checks.is_empty() {
        notes.push(format!(
            "checks fail the run whatever windows are left out, since they are counted over whole streams: {}",
            checks.join(", ")
        ));
    }
    let what = match (&search, is_stretch) {
        (Some(search), _) if !search.is_found => "nothing was found to leave out".to_owned(),
        (Some(search), true) => format!("without a stretch of {} of {} windows", count(search.units), count(search.of)),
        (Some(search), false) => format!("without {} of {} windows", count(search.units), count(search.of)),
        (None, _) => format!(
            "without {} of {} windows of the golden and {} of {} of the candidate",
            count(windows_left_out[0]),
            count(all[0]),
            count(windows_left_out[1]),
            count(all[1])
        ),
    };
    WhatIf {
        schema: SCHEMA.to_owned(),
        run: name.to_owned(),
        before: before.verdict,
        after: after.verdict,
        summary: format!("{} -> {}: {what}.", before.verdict, after.verdict),
        left_out: cuts::told(cuts, &part.windows),
        windows_left_out,
        windows: all,
        notes,
        search,
        comparison,
    }
}
