//! Data as command lines name them: paths, patterns, and versions of data sets.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use verismo_engine::{Contents, Meter};
use verismo_feed::Inventory;
use verismo_versions::source::{self, Listing, Md5s, Source, Tools};
use verismo_versions::{Archive, DataSpec, Found, Manifest, VersionError, hex};

use crate::{CliError, files};

/// Where versions are looked up and remembered: the home of the run first, then the user's usual one.
#[derive(Debug, Clone)]
pub struct Homes(Vec<PathBuf>);

impl Homes {
    /// The homes that a command with this store and suite file looks in.
    pub fn of(store: Option<&str>, suite_file: Option<&Path>) -> Self {
        let homes = [verismo_engine::home(store, suite_file), verismo_engine::home(store, None)];
        let mut homes: Vec<PathBuf> = homes.into_iter().flatten().collect();
        homes.dedup();
        Self(homes)
    }

    /// All of them, in order.
    pub(crate) fn all(&self) -> &[PathBuf] {
        &self.0
    }

    /// The one that is written to.
    ///
    /// # Errors
    /// `no-home` where the user has no cache directory.
    pub fn first(&self) -> Result<&Path, CliError> {
        self.0.first().map(PathBuf::as_path).ok_or_else(|| {
            CliError::usage("no-home", "there is no cache directory of the user").help("name a place with --store DIR")
        })
    }

    /// A recorded version, and the home that has it.
    ///
    /// # Errors
    /// Where no home has it.
    pub fn find(&self, data: &str, version: &str) -> Result<(Archive, Found), CliError> {
        self.first()?;
        let mut first: Option<VersionError> = None;
        for home in &self.0 {
            let archive = Archive::new(home);
            match archive.find(data, version) {
                Ok(found) => return Ok((archive, found)),
                // That one has the data set says more than that another has not.
                Err(error) if matches!(first, None | Some(VersionError::NoSuchSet { elsewhere: None, .. })) => {
                    first = Some(error)
                }
                Err(_) => {}
            }
        }
        match first {
            Some(error @ VersionError::NoSuchSet { .. }) if !Path::new(data).exists() => {
                let help = error.help().unwrap_or_default();
                let message = format!("no such file or directory: {data}@{version}; and {error}");
                Err(CliError::usage(error.code(), message).help(help))
            }
            Some(error) => Err(version_error(error)),
            None => Err(CliError::usage("no-such-version", version)),
        }
    }
}

/// What a command reads.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// Files and folders, each there.
    pub paths: Vec<PathBuf>,
    /// The same as it was asked for.
    pub asked: Vec<String>,
    /// Versions among it: `NAME@DIGEST`, `PATH@delta:12`.
    pub versions: Vec<String>,
    /// Recorded versions among it.
    recorded: Vec<Recorded>,
}

/// A recorded version as it was asked for.
#[derive(Debug, Clone)]
struct Recorded {
    asked: String,
    found: Found,
    manifest: Manifest,
}

impl Data {
    /// The versions for the settings of a report, if there are any.
    pub fn version(&self) -> Option<String> {
        (!self.versions.is_empty()).then(|| self.versions.join(", "))
    }

    /// Looks once more whether files are those of their versions: what changed while it was read is no version at all.
    ///
    /// # Errors
    /// `not-that-version`.
    pub fn check(&self, homes: &Homes) -> Result<(), CliError> {
        self.recorded.iter().try_for_each(|recorded| checked(recorded, homes).map(|_| ()))
    }
}

/// Expands patterns and versions to files that are there and are those versions. A path that exists is taken as it is.
///
/// # Errors
/// As [`files::expand`]; `no-such-data-set`, `no-such-version`; `not-that-version` where files have changed since.
pub fn expand(flag: &str, paths: &[PathBuf], homes: &Homes) -> Result<Data, CliError> {
    let mut data = Data { asked: paths.iter().map(|path| path.display().to_string()).collect(), ..Data::default() };
    for path in paths {
        match Named::of(path) {
            Named::Plain => {
                for found in files::expand(flag, std::slice::from_ref(path))? {
                    match source::of_path(&found) {
                        Some(source) => take(&mut data, &listing(source, &found, None, homes)?, homes)?,
                        None => {
                            refuse_inner(&found)?;
                            data.paths.push(found);
                        }
                    }
                }
            }
            Named::Source { source, data: place, version } => {
                take(&mut data, &listing(source, Path::new(place), version, homes)?, homes)?;
            }
            Named::Recorded { data: name, version } => {
                let (archive, found) = homes.find(name, version)?;
                let manifest = archive.manifest(&found.version).map_err(version_error)?;
                data.versions.push(format!("{}@{}", found.set.name, hex(&found.version)));
                let recorded = Recorded { asked: path.display().to_string(), found, manifest };
                let paths = checked(&recorded, homes)?;
                refuse_companions(&recorded.asked, &paths)?;
                data.paths.extend(paths);
                data.recorded.push(recorded);
            }
        }
    }
    data.paths.sort();
    data.paths.dedup();
    Ok(data)
}

/// A home beside the data, which is none of them.
pub(crate) const HOME: &str = ".verismo";

/// Refuses a folder that a table or a cache of a tool lies in, or that lies in one: files of other versions would be read as if they were
/// of this one. Links are followed, as by who reads.
///
/// # Errors
/// `versions-inside`.
pub(crate) fn refuse_inner(path: &Path) -> Result<(), CliError> {
    /// As deep as data are looked for.
    const DEPTH_MAX: usize = 64;
    if !path.is_dir() {
        return Ok(());
    }
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(outer) = real.ancestors().skip(1).find(|outer| source::holds_others(outer)) {
        let message = format!("{} lies in {}, which holds files of other versions", path.display(), outer.display());
        return Err(CliError::usage("versions-inside", message).help("name the table, or its files by a pattern"));
    }
    let mut seen = BTreeSet::from([real]);
    let mut pending = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = pending.pop() {
        // What cannot be read is the reader's to tell.
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let folders = entries.filter_map(Result::ok).filter(|entry| entry.file_name() != HOME);
        for inner in folders.map(|entry| entry.path()).filter(|path| path.is_dir()) {
            if source::holds_others(&inner) {
                let message =
                    format!("{} holds files of other versions, and lies in {}", inner.display(), path.display());
                return Err(CliError::usage("versions-inside", message)
                    .help("name the tables, or the folders of data, one by one"));
            }
            if depth < DEPTH_MAX && std::fs::canonicalize(&inner).is_ok_and(|real| seen.insert(real)) {
                pending.push((inner, depth + 1));
            }
        }
    }
    Ok(())
}

/// Refuses files that are none of the version's and would be read with them.
fn refuse_companions(asked: &str, paths: &[PathBuf]) -> Result<(), CliError> {
    let known: BTreeSet<&PathBuf> = paths.iter().collect();
    let companion = paths.iter().flat_map(|path| Inventory::companions(path)).find(|path| !known.contains(path));
    let Some(companion) = companion else { return Ok(()) };
    let message = format!("{} is no file of {asked} and would be read with it", companion.display());
    Err(CliError::unusable("not-that-version", message).help("move it away, or take a snapshot with it"))
}

/// How data are named.
#[derive(Clone, Copy)]
pub(crate) enum Named<'a> {
    /// By a path or pattern, which may belong to a tool.
    Plain,
    /// `PATH@delta:12`.
    Source { source: &'static Source, data: &'a str, version: Option<&'a str> },
    /// `DATA@VERSION`.
    Recorded { data: &'a str, version: &'a str },
}

impl<'a> Named<'a> {
    pub(crate) fn of(path: &'a Path) -> Self {
        let Some(text) = path.to_str().filter(|_| !path.exists()) else { return Self::Plain };
        let DataSpec { data, version: Some(version) } = DataSpec::parse(text) else { return Self::Plain };
        // A pattern with an `@` in it.
        if text.contains(['*', '?', '[']) && !Path::new(data).exists() {
            return Self::Plain;
        }
        match source::of_version(version) {
            Some((source, version)) => Self::Source { source, data, version },
            None => Self::Recorded { data, version },
        }
    }
}

/// The files of a version that a tool keeps.
pub(crate) fn listing(source: &Source, data: &Path, version: Option<&str>, homes: &Homes) -> Result<Listing, CliError> {
    let home = homes.first()?;
    let tools = Here { contents: Contents::open(home, false), md5s: Md5s::open(home) };
    let listing = (source.list)(data, version, &tools).map_err(version_error)?;
    for note in &listing.notes {
        tracing::warn!("{note}");
    }
    Ok(listing)
}

/// Where the files of a listing are to be read: where they lie, or in a view of them.
pub(crate) fn base_of(listing: &Listing, homes: &Homes) -> Result<PathBuf, CliError> {
    if listing.is_in_place() {
        return Ok(listing.base.clone());
    }
    source::view(homes.first()?, listing).map_err(version_error)
}

fn take(data: &mut Data, listing: &Listing, homes: &Homes) -> Result<(), CliError> {
    let base = base_of(listing, homes)?;
    data.paths.extend(listing.files.iter().map(|file| base.join(&file.path)));
    data.versions.push(format!("{}@{}", listing.data.display(), listing.source));
    Ok(())
}

/// The files of a recorded version, if they still are.
fn checked(recorded: &Recorded, homes: &Homes) -> Result<Vec<PathBuf>, CliError> {
    let Recorded { asked, found, manifest } = recorded;
    let entries = manifest.entries();
    let places: Vec<PathBuf> = entries.iter().map(|entry| found.base.join(&entry.path)).collect();
    let contents = Contents::open(homes.first()?, false);
    let present = contents.of_all(&places, super::commands::validate::threads(None), &Meter::default());
    let mut changed = Vec::new();
    for ((entry, place), content) in entries.iter().zip(&places).zip(present) {
        match content {
            Some(content) if content.digest == entry.digest && content.bytes == entry.bytes => {}
            Some(_) => changed.push(format!("{} has another content", entry.path)),
            None if place.exists() => changed.push(format!("{} cannot be read", entry.path)),
            None => changed.push(format!("{} is gone", entry.path)),
        }
    }
    if changed.is_empty() {
        return Ok(places);
    }
    let version = hex(&found.version).chars().take(12).collect();
    let name = asked.clone();
    Err(version_error(VersionError::NotThatVersion { name, version, root: found.base.clone(), changed }))
}

/// What tools need, from the other crates.
struct Here {
    contents: Contents,
    md5s: Md5s,
}

impl Tools for Here {
    fn parquet_rows(
        &self,
        path: &Path,
        columns: &[&str],
        each: &mut dyn FnMut(Value) -> Result<(), String>,
    ) -> Result<(), String> {
        verismo_feed::parquet_rows(path, columns, each).map_err(|e| e.to_string())
    }

    fn md5(&self, path: &Path) -> Option<String> {
        self.md5s.of(path, &self.contents.of(path)?.digest)
    }
}

/// An error of versions as an error of the command.
pub fn version_error(error: VersionError) -> CliError {
    let result =
        if error.is_usage() { CliError::usage(error.code(), &error) } else { CliError::unusable(error.code(), &error) };
    match error.help() {
        Some(help) => result.help(help),
        None => result,
    }
}
