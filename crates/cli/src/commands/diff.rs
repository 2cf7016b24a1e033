//! `verismo diff`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use verismo_engine::{Meter, Store, StoreRequest, ValidateRequest};
use verismo_feed::SEGMENT_BYTES;
use verismo_ledger::{Filter, Ledger};
use verismo_suite::report::Report;
use verismo_suite::versions::{Diff, DistributionDiff, Distributions};
use verismo_versions::Manifest;

use super::snapshot::{Looking, present};
use super::{cache, validate};
use crate::args::DiffArgs;
use crate::data::{self, Homes, Named, version_error};
use crate::{CliError, Context, Exit, files, progress, suites};

/// Setting of a report that says which version its golden was.
pub(crate) const GOLDEN_VERSION: &str = "golden-version";
/// The same of its candidate.
pub(crate) const CANDIDATE_VERSION: &str = "candidate-version";
/// Recorded runs that are looked through for both versions.
const RUNS_MAX: u32 = 200;

/// Says what changed between two versions; [`Exit::Fail`] if something did.
///
/// # Errors
/// Versions and data that are not there or cannot be read, and what `validate` may end with where distributions are compared.
pub fn run(args: &DiffArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let suite_file = args.suite.as_deref().and_then(suites::file);
    let homes = Homes::of(args.home.store.as_deref(), suite_file);
    let (before, after) = (args.before.clone(), of_same(&args.before, &args.after));
    let old = side(&before, args, &homes, context)?;
    let new = side(&after, args, &homes, context)?;
    let shown = [before.display().to_string(), after.display().to_string()];
    let mut diff = verismo_versions::diff((&shown[0], &old), (&shown[1], &new));
    diff.distributions = if diff.is_equal {
        Distributions {
            known_from: "equal".to_owned(),
            note: "The contents are the same, and so is every distribution.".to_owned(),
            ..Distributions::default()
        }
    } else if args.distributions {
        compared(args, (&before, &after), &homes, context)?
    } else {
        let known = recorded(args, &diff, &homes);
        let known = known.or_else(|| from_states(args, (&before, &after), &homes, context));
        known.unwrap_or_else(|| unknown(&shown))
    };
    let json = diff.to_json().map_err(|e| {
        CliError::unusable("internal", format_args!("the difference has a number that JSON cannot hold: {e}"))
    })?;
    let text = |style: &_| verismo_report::diff_text(&diff, args.all, style);
    files::json_or_text(args.json.as_deref(), json, text, context, out)?;
    Ok(if diff.is_equal { Exit::Pass } else { Exit::Fail })
}

/// `@VERSION` is one of the data set that the first names.
fn of_same(before: &Path, after: &Path) -> PathBuf {
    let version = after.to_str().filter(|text| text.starts_with('@') && !after.exists());
    let Some(version) = version else { return after.to_owned() };
    let data = match Named::of(before) {
        Named::Recorded { data, .. } | Named::Source { data, .. } => data.to_owned(),
        Named::Plain => before.display().to_string(),
    };
    PathBuf::from(data + version)
}

/// A recorded version, which needs none of its files, or data as they are now.
fn side(data: &Path, args: &DiffArgs, homes: &Homes, context: Context<'_>) -> Result<Manifest, CliError> {
    if let Named::Recorded { data, version } = Named::of(data) {
        let (archive, found) = homes.find(data, version)?;
        return archive.manifest(&found.version).map_err(version_error);
    }
    let options = Looking { format: args.format, threads: validate::threads(args.threads), verifies: false };
    Ok(present(data, &options, homes, context)?.manifest)
}

/// What a run of the ledger over just these versions came to.
fn recorded(args: &DiffArgs, diff: &Diff, homes: &Homes) -> Option<Distributions> {
    // By its name, not by what it says: that of a run may have been another then.
    if args.suite.as_deref().is_some_and(|suite| suites::file(suite).is_some()) {
        return None;
    }
    // A ledger that cannot be read tells nothing; `verismo runs` says why.
    let mut ledger = Ledger::open(homes.first().ok()?).ok()?;
    let filter = Filter { limit: Some(RUNS_MAX), suite: args.suite.clone(), ..Filter::default() };
    let runs = ledger.runs(&filter).ok()?.runs;
    let has_versions = |paths: &[String]| paths.iter().any(|path| path.contains('@'));
    for run in runs.iter().filter(|run| has_versions(&run.golden) && has_versions(&run.candidate)) {
        let Some(report) = ledger.find(&run.id).ok().and_then(|id| ledger.report(&id).ok()) else { continue };
        let is_one = run.golden.len() == 1 && run.candidate.len() == 1;
        if is_one && is_of(&report.provenance.settings, [&diff.before.version, &diff.after.version]) {
            let note = format!("As run {} found them, with the suite {}.", run.id, run.suite);
            return Some(Distributions {
                known_from: "run".to_owned(),
                run: Some(run.id.clone()),
                note,
                ..of(&report)
            });
        }
    }
    None
}

/// Whether a run with these settings judged just these versions, and all of them.
fn is_of(settings: &BTreeMap<String, String>, versions: [&str; 2]) -> bool {
    const NAMED: [&str; 2] = [GOLDEN_VERSION, CANDIDATE_VERSION];
    // Any other says what was read of the data, or how.
    let is_plain =
        settings.keys().all(|key| NAMED.contains(&key.as_str()) || ["suite", "threads"].contains(&key.as_str()));
    let is_one = |(setting, version): (&str, &str)| {
        let named = settings.get(setting).filter(|named| !named.contains(", "));
        named.and_then(|named| named.rsplit_once('@')).is_some_and(|(_, digest)| digest == version)
    };
    is_plain && NAMED.into_iter().zip(versions).all(is_one)
}

fn unknown(shown: &[String; 2]) -> Distributions {
    let [before, after] = shown;
    let note = format!(
        "Which distributions changed is not known: `verismo diff {before} {after} --distributions` compares them."
    );
    Distributions { known_from: "unknown".to_owned(), note, ..Distributions::default() }
}

/// Judges the second against the first; states that are kept are not made again.
fn compared(
    args: &DiffArgs,
    sides: (&Path, &Path),
    homes: &Homes,
    context: Context<'_>,
) -> Result<Distributions, CliError> {
    let report = validate::judge(&request(args, sides, homes)?, context, "diff")?;
    let note = format!("Compared now, with the suite {}.", report.suite);
    let cached_share = report.timing.cached_share;
    Ok(Distributions { known_from: "compared".to_owned(), note, cached_share, ..of(&report) })
}

/// The same from kept states alone; `None` unless those of both are there.
fn from_states(args: &DiffArgs, sides: (&Path, &Path), homes: &Homes, context: Context<'_>) -> Option<Distributions> {
    // Why they cannot be told is no news for who asked for files only: --distributions says it.
    let request = request(args, sides, homes).ok().filter(|request| request.store.is_some())?;
    let meter = Meter::reading_nothing();
    let judged = progress::watch(context, &meter, "diff", || verismo_engine::validate(&request, &meter));
    let report = judged.ok().filter(is_from_store)?;
    let note = format!("From kept states, with the suite {}.", report.suite);
    Some(Distributions { known_from: "states".to_owned(), note, cached_share: Some(1.0), ..of(&report) })
}

fn is_from_store(report: &Report) -> bool {
    report
        .cache
        .as_ref()
        .is_some_and(|cache| cache.is_report_reused || (cache.states_computed == 0 && cache.states_reused > 0))
}

/// What to ask of the engine for the distributions of both.
fn request(args: &DiffArgs, (before, after): (&Path, &Path), homes: &Homes) -> Result<ValidateRequest, CliError> {
    let golden = data::expand("BEFORE", &[before.to_owned()], homes)?;
    let candidate = data::expand("AFTER", &[after.to_owned()], homes)?;
    let suite = args.suite.as_deref().map(suites::load).transpose()?;
    let home = homes.first()?;
    // Only where a store is already: a question leaves nothing behind.
    let keeps = home.join(Store::FOLDER).is_dir();
    let max_bytes = cache::max_default()?;
    Ok(ValidateRequest {
        limits: args.limits.limits(suite.as_ref()),
        golden: golden.paths,
        candidate: candidate.paths,
        suite,
        format: validate::format(args.format),
        time: args.time.clone(),
        tz: args.day.tz.clone(),
        date: args.day.date.clone(),
        symbol: None,
        maps: Vec::new(),
        threads: validate::threads(args.threads),
        settings: BTreeMap::new(),
        store: keeps.then(|| StoreRequest {
            program: std::env::current_exe().ok(),
            max_bytes,
            ..StoreRequest::in_folder(home)
        }),
        segment_bytes: SEGMENT_BYTES,
    })
}

/// The deciding findings that are not 0, those furthest beyond their margin first.
fn of(report: &Report) -> Distributions {
    let deciding = report.findings.iter().filter(|finding| finding.deciding);
    let (changed, same): (Vec<_>, Vec<_>) = deciding.partition(|finding| finding.effect != Some(0.0));
    let mut changed: Vec<DistributionDiff> = changed
        .into_iter()
        .map(|finding| DistributionDiff {
            stream: finding.stream.clone(),
            observable: finding.observable.clone(),
            test: finding.test.as_str().to_owned(),
            effect: finding.effect,
            interval: finding.interval,
            margin: finding.margin,
            unit: finding.unit.clone(),
            verdict: finding.verdict,
        })
        .collect();
    let beyond = |d: &DistributionDiff| match (d.effect, d.margin) {
        (Some(effect), Some(margin)) if margin > 0.0 => effect.abs() / margin,
        (Some(effect), _) => effect.abs(),
        _ => -1.0,
    };
    changed.sort_by(|a, b| beyond(b).total_cmp(&beyond(a)));
    Distributions { changed, unchanged: same.len() as u64, ..Distributions::default() }
}

/// The settings of a report that say which versions were judged.
pub(crate) fn settings(golden: &data::Data, candidate: &data::Data) -> impl Iterator<Item = (String, String)> {
    let named = [(GOLDEN_VERSION, golden.version()), (CANDIDATE_VERSION, candidate.version())];
    named.into_iter().filter_map(|(name, version)| Some((name.to_owned(), version?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_tells_of_versions_if_it_judged_them_alone_and_whole() {
        let settings = |more: &[(&str, &str)]| {
            let own = [(GOLDEN_VERSION, "g@aa"), (CANDIDATE_VERSION, "c@bb")];
            own.iter()
                .chain(more)
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        assert!(is_of(&settings(&[]), ["aa", "bb"]));
        assert!(is_of(&settings(&[("suite", "market"), ("threads", "2")]), ["aa", "bb"]));
        assert!(!is_of(&settings(&[]), ["aa", "aa"]));
        assert!(!is_of(&settings(&[("time", "09:00-10:00")]), ["aa", "bb"]));
        assert!(!is_of(&settings(&[(GOLDEN_VERSION, "x@cc, g@aa")]), ["aa", "bb"]));
        assert!(!is_of(&BTreeMap::new(), ["aa", "bb"]));
    }

    #[test]
    fn an_at_alone_is_of_the_same_data_set() {
        for (before, after, want) in [
            ("gold@v1", "@v2", "gold@v2"),
            ("t@delta:1", "@delta:2", "t@delta:2"),
            ("no/such/dir", "@v2", "no/such/dir@v2"),
            ("gold@v1", "other@v2", "other@v2"),
        ] {
            assert_eq!(of_same(Path::new(before), Path::new(after)), Path::new(want));
        }
    }
}
