//! `verismo snapshot` and `verismo versions`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use verismo_engine::{Contents, Meter};
use verismo_feed::{Inventory, Source};
use verismo_suite::versions::{SetVersions, Snapshot, VERSIONS_SCHEMA, Version, VersionList};
use verismo_versions::source;
use verismo_versions::{Archive, DataSet, Entry, Manifest, Record, Request, VersionError, unhex};

use super::validate;
use crate::args::{InputFormat, SnapshotArgs, VersionsArgs};
use crate::data::{self, Homes, Named, version_error};
use crate::datasets::feed_error;
use crate::{CliError, Context, Exit, files, interrupt, progress};

/// Records which files a data set consists of.
///
/// # Errors
/// Usage, data of which nothing can be read, a home that cannot be written, or an interrupt.
pub fn run(args: &SnapshotArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let homes = Homes::of(args.home.store.as_deref(), None);
    if args.list {
        let data = Some(args.data.display().to_string());
        let list = VersionsArgs { data, json: args.json.clone(), home: args.home.clone() };
        return versions(&list, context, out);
    }
    let snapshot = match Named::of(&args.data) {
        Named::Recorded { data, version } => {
            let Some(tag) = &args.tag else {
                let message = format!("{}: the version is recorded already", args.data.display());
                return Err(CliError::usage("nothing-to-record", message).help("--tag names it"));
            };
            refuse_for_recorded(args)?;
            let (archive, found) = homes.find(data, version)?;
            archive.tag(&found, tag, args.force, SystemTime::now()).map_err(version_error)?
        }
        _ => record(args, &homes, context)?,
    };
    let json = snapshot.to_json().map_err(internal)?;
    let text = |style: &_| verismo_report::snapshot_text(&snapshot, style);
    files::json_or_text(args.json.as_deref(), json, text, context, out)?;
    Ok(Exit::Pass)
}

/// A version that is recorded already gets a tag, and keeps the rest.
fn refuse_for_recorded(args: &SnapshotArgs) -> Result<(), CliError> {
    // What the environment says is said for all commands.
    let has_format = args.format != InputFormat::default() && std::env::var_os("VERISMO_FORMAT").is_none();
    let given = [
        ("--message", args.message.is_some()),
        ("--name", args.name.is_some()),
        ("--branch", args.branch != "main"),
        ("--format", has_format),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => {
            let message = format!("{flag}: {} is recorded already, and can only be tagged", args.data.display());
            Err(CliError::usage("recorded-already", message).help("name the data without @VERSION to record them"))
        }
        None => Ok(()),
    }
}

fn internal(error: impl std::fmt::Display) -> CliError {
    CliError::unusable("internal", format_args!("a version cannot be written as JSON: {error}"))
}

fn record(args: &SnapshotArgs, homes: &Homes, context: Context<'_>) -> Result<Snapshot, CliError> {
    let home = homes.first()?;
    files::create_dir(home)?;
    let options =
        Looking { format: args.format, threads: validate::threads(args.threads), verifies: args.verify_files };
    let present = present(&args.data, &options, homes, context)?;
    let request = Request {
        data: &present.data,
        is_file: present.is_file,
        name: args.name.as_deref(),
        branch: &args.branch,
        tag: args.tag.as_deref(),
        moves_tag: args.force,
        message: args.message.as_deref(),
        source: present.source.as_deref(),
        now: SystemTime::now(),
    };
    let snapshot = Archive::new(home).record(&request, &present.manifest).map_err(version_error)?;
    if snapshot.is_unchanged && args.message.is_some() {
        tracing::warn!("the message was not recorded: the version is the latest of its branch already");
    }
    Ok(snapshot)
}

/// How a data set is looked at.
pub(crate) struct Looking {
    pub(crate) format: InputFormat,
    pub(crate) threads: usize,
    pub(crate) verifies: bool,
}

/// A data set as it is now.
pub(crate) struct Present {
    /// Where it lies.
    pub(crate) data: PathBuf,
    /// Whether that is a single file; one that a tool keeps need not be there itself.
    pub(crate) is_file: bool,
    /// What told its files, where that was not the folder.
    pub(crate) source: Option<String>,
    pub(crate) manifest: Manifest,
}

/// Looks at a data set as it is, or as a tool says that it is.
pub(crate) fn present(
    data: &Path,
    options: &Looking,
    homes: &Homes,
    context: Context<'_>,
) -> Result<Present, CliError> {
    let listing = match Named::of(data) {
        Named::Source { source, data, version } => Some(data::listing(source, Path::new(data), version, homes)?),
        _ => match source::of_path(data) {
            Some(source) => Some(data::listing(source, data, None, homes)?),
            None => None,
        },
    };
    let (base, paths, data, source, is_file) = match &listing {
        Some(listing) => {
            let base = data::base_of(listing, homes)?;
            let paths = listing.files.iter().map(|file| base.join(&file.path)).collect();
            (base, paths, listing.data.clone(), Some(listing.source.clone()), listing.base != listing.data)
        }
        None => {
            // One place, not what a pattern finds: a version has one root.
            if !data.exists() {
                files::expand("DATA", &[data.to_owned()])?;
                let message = format!("DATA: {} is a pattern", data.display());
                return Err(CliError::usage("pattern", message).help("name a directory or a file"));
            }
            data::refuse_inner(data)?;
            let base = if data.is_file() { data.parent().unwrap_or(Path::new("")) } else { data };
            (base.to_owned(), without_home(data), data.to_owned(), None, data.is_file())
        }
    };
    let inventory = Inventory::scan(&paths, validate::format(options.format)).map_err(feed_error)?;
    let manifest = manifest(&base, &inventory, options, homes, context)?;
    Ok(Present { data, is_file, source, manifest })
}

/// What to look at of data: a home that lies among them is none of them.
fn without_home(data: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data).ok().filter(|_| data.join(data::HOME).is_dir());
    let Some(entries) = entries else { return vec![data.to_owned()] };
    let others = entries.filter_map(Result::ok).filter(|entry| entry.file_name() != data::HOME);
    others.map(|entry| entry.path()).filter(|path| path.exists()).collect()
}

fn manifest(
    base: &Path,
    inventory: &Inventory,
    options: &Looking,
    homes: &Homes,
    context: Context<'_>,
) -> Result<Manifest, CliError> {
    let mut known: BTreeMap<&Path, Option<&Source>> =
        inventory.manifests.iter().map(|path| (path.as_path(), None)).collect();
    known.extend(inventory.sources.iter().map(|source| (source.path.as_path(), Some(source))));
    known.retain(|path, _| {
        let inside = path.strip_prefix(base).unwrap_or(path);
        !inside.components().any(|part| part.as_os_str() == data::HOME)
    });
    let paths: Vec<PathBuf> = known.keys().map(|path| (*path).to_owned()).collect();
    let contents = Contents::open(homes.first()?, options.verifies);
    let meter = Meter::default();
    meter.set_bytes_total(inventory.bytes());
    let present = progress::watch(context, &meter, "snapshot", || contents.of_all(&paths, options.threads, &meter));
    if interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    let mut entries = Vec::with_capacity(known.len());
    for ((path, source), content) in known.into_iter().zip(present) {
        let content = content.ok_or_else(|| {
            let message = format!("{} cannot be read, or is being written", path.display());
            CliError::unusable("cannot-read", message).help("record the version when nobody writes")
        })?;
        let is_data = source.is_some();
        let source = source.filter(|source| source.problem.is_none());
        let first = source.map(|source| source.first.t_exchange_ns).filter(|t| *t != i64::MIN);
        let span = source.and_then(|source| source.span_ns);
        entries.push(Entry {
            path: relative(base, path)?,
            bytes: content.bytes,
            digest: content.digest,
            is_data,
            rows: source.and_then(|source| source.rows),
            first_ns: span.map(|(first, _)| first).or(first),
            last_ns: span.map(|(_, last)| last),
            symbol: source.and_then(|source| source.symbol.clone()),
        });
    }
    Manifest::new(inventory.format.name(), entries).map_err(|why| CliError::unusable("cannot-record", why))
}

/// The path of a file of a data set, with `/`.
fn relative(base: &Path, path: &Path) -> Result<String, CliError> {
    let inside = path.strip_prefix(base).unwrap_or(path);
    let text = inside.to_str().ok_or_else(|| {
        let message = format!("the name of {} is no text", path.display());
        CliError::unusable("cannot-record", message).help("rename it: versions hold paths in UTF-8")
    })?;
    Ok(text.replace(std::path::MAIN_SEPARATOR, "/"))
}

/// Lists the versions of data sets.
///
/// # Errors
/// `no-such-data-set`, or a record that is damaged.
pub fn versions(args: &VersionsArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let homes = Homes::of(args.home.store.as_deref(), None);
    let archive = Archive::new(homes.first()?);
    let (sets, damaged) = match &args.data {
        Some(data) => (vec![archive.find_set(data).map_err(version_error)?], Vec::new()),
        None => archive.sets().map_err(version_error)?,
    };
    let sets = sets.iter().map(|set| listed(set, &archive)).collect();
    let list = VersionList { schema: VERSIONS_SCHEMA.to_owned(), sets };
    let none = format!("No versions are recorded in {}.\n", archive.home().display());
    let text = |style: &_| if list.sets.is_empty() { none } else { verismo_report::versions_text(&list, style) };
    files::json_or_text(args.json.as_deref(), list.to_json().map_err(internal)?, text, context, out)?;
    match damaged.into_iter().next() {
        // What can be listed is, and the rest is not passed over.
        Some(error) => Err(version_error(error)),
        None => Ok(Exit::Pass),
    }
}

fn listed(set: &DataSet, archive: &Archive) -> SetVersions {
    let mut versions = Vec::new();
    for (branch, records) in &set.branches {
        for (i, record) in records.iter().enumerate().rev() {
            let parent = i.checked_sub(1).and_then(|i| records.get(i));
            versions.push(version(set, archive, branch, record, parent, i + 1 == records.len()));
        }
    }
    SetVersions { name: set.name.clone(), root: set.root.display().to_string(), versions }
}

fn version(
    set: &DataSet,
    archive: &Archive,
    branch: &str,
    record: &Record,
    parent: Option<&Record>,
    is_head: bool,
) -> Version {
    let digest = unhex(&record.version);
    let manifest: Option<Result<Manifest, VersionError>> = digest.map(|digest| archive.manifest(&digest));
    let (facts, problem) = match manifest {
        Some(Ok(manifest)) => (Some(manifest.facts()), None),
        Some(Err(error)) => (None, Some(error.to_string())),
        None => (None, Some("it has no digest".to_owned())),
    };
    Version {
        version: record.version.clone(),
        branch: branch.to_owned(),
        is_head,
        tags: set.tags_of(&record.version),
        parent: parent.map(|record| record.version.clone()),
        at: record.at.clone(),
        message: record.message.clone(),
        source: record.source.clone(),
        facts,
        problem,
    }
}
