//! Where versions are kept: `versions/` in the home, with a manifest a version and a file a data set.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use verismo_suite::versions::{SNAPSHOT_SCHEMA, Snapshot};

use crate::error::VersionError;
use crate::manifest::{self, Manifest};
use crate::merkle::{Digest, hex};
use crate::name::{check_name, check_ref, name_from};
use crate::sealed;
use crate::sets::{self, DataSet, Place, Record};

const FOLDER: &str = "versions";
/// The manifest of some five million files.
const MANIFEST_BYTES_MAX: u64 = 1 << 30;
/// Branches with some hundred thousand versions.
const SET_BYTES_MAX: u64 = 64 << 20;

/// The versions of a home.
#[derive(Debug, Clone)]
pub struct Archive {
    home: PathBuf,
}

/// What to record.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The data set as given: it need not be absolute.
    pub data: &'a Path,
    /// Whether that is a single file, which need not be there itself.
    pub is_file: bool,
    /// Its name; `None` takes the one it has, or one after its folder.
    pub name: Option<&'a str>,
    /// The branch.
    pub branch: &'a str,
    /// A tag to put on it.
    pub tag: Option<&'a str>,
    /// Whether the tag may be taken from another version.
    pub moves_tag: bool,
    /// What to say of it.
    pub message: Option<&'a str>,
    /// What told the files where that was not the folder.
    pub source: Option<&'a str>,
    /// The present.
    pub now: SystemTime,
}

/// A version that was looked up.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its data set.
    pub set: DataSet,
    /// The version.
    pub version: Digest,
    /// The folder that its files should be in.
    pub base: PathBuf,
}

impl Archive {
    /// The versions of a home; it need not exist.
    pub fn new(home: &Path) -> Self {
        Self { home: home.to_owned() }
    }

    /// The home.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where the manifest of a version is.
    pub fn manifest_path(&self, version: &Digest) -> PathBuf {
        self.home.join(FOLDER).join("manifests").join(format!("{}.jsonl", hex(version)))
    }

    fn set_path(&self, name: &str) -> PathBuf {
        self.home.join(FOLDER).join("sets").join(format!("{name}.json"))
    }

    /// The manifest of a version.
    ///
    /// # Errors
    /// Where it is damaged, gone, or cannot be read.
    pub fn manifest(&self, version: &Digest) -> Result<Manifest, VersionError> {
        let path = self.manifest_path(version);
        let text = sealed::read(&path, MANIFEST_BYTES_MAX)?
            .ok_or_else(|| VersionError::damaged(&path, "it is gone".to_owned()))?;
        refuse_newer(&path, &text, manifest::SCHEMA)?;
        let manifest = Manifest::parse(&text).map_err(|reason| VersionError::damaged(&path, reason))?;
        if manifest.version() != version {
            return Err(VersionError::damaged(&path, "it is the manifest of another version".to_owned()));
        }
        Ok(manifest)
    }

    /// All data sets, by name, and what is wrong with those that are damaged.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn sets(&self) -> Result<(Vec<DataSet>, Vec<VersionError>), VersionError> {
        let folder = self.home.join(FOLDER).join("sets");
        let entries = match fs::read_dir(&folder) {
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Default::default());
            }
            other => other.map_err(VersionError::io("read", &folder))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(VersionError::io("read", &folder))?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(".json"));
            names.extend(name.filter(|name| check_name("", name).is_ok()).map(str::to_owned));
        }
        names.sort_unstable();
        let (mut sets, mut damaged) = (Vec::new(), Vec::new());
        for name in &names {
            match self.set(name) {
                Ok(set) => sets.extend(set),
                Err(error) => damaged.push(error),
            }
        }
        Ok((sets, damaged))
    }

    fn set(&self, name: &str) -> Result<Option<DataSet>, VersionError> {
        let path = self.set_path(name);
        let Some(text) = sealed::read(&path, SET_BYTES_MAX)? else { return Ok(None) };
        refuse_newer(&path, &text, sets::SCHEMA)?;
        let set = DataSet::parse(&text).map_err(|reason| VersionError::damaged(&path, reason))?;
        if set.name != name {
            return Err(VersionError::damaged(&path, format!("it is the data set {:?}", set.name)));
        }
        Ok(Some(set))
    }

    /// The data set that lies at a path, else the one of that name.
    ///
    /// # Errors
    /// [`VersionError::NoSuchSet`], [`VersionError::Ambiguous`], or a damaged one.
    pub fn find_set(&self, data: &str) -> Result<DataSet, VersionError> {
        let (sets, damaged) = self.sets()?;
        let root = absolute(Path::new(data));
        let here = root.as_deref().map(|root| at(&sets, root)).unwrap_or_default();
        match here[..] {
            [set] => return Ok(set.clone()),
            [] => {}
            _ => {
                let among = here.iter().map(|set| set.name.clone()).collect();
                return Err(VersionError::Ambiguous { name: data.to_owned(), among });
            }
        }
        let named = sets.iter().find(|set| set.name == data);
        // A path that exists wins: its data are not those of a data set elsewhere.
        let is_path = Path::new(data).exists();
        if let Some(set) = named.filter(|_| !is_path) {
            return Ok(set.clone());
        }
        // It may be one of those.
        if let Some(error) = damaged.into_iter().next() {
            return Err(error);
        }
        let elsewhere = named.map(|set| set.root.clone());
        let known = sets.into_iter().map(|set| set.name).collect();
        Err(VersionError::NoSuchSet { name: data.to_owned(), elsewhere, home: self.home.clone(), known })
    }

    /// The version of a data set.
    ///
    /// # Errors
    /// As [`Self::find_set`] and [`DataSet::find`].
    pub fn find(&self, data: &str, version: &str) -> Result<Found, VersionError> {
        let set = self.find_set(data)?;
        let digest = set.find(version)?;
        let path = Path::new(data);
        // Named by its path, the data set is told with paths as they were given.
        let root = absolute(path);
        let place = set.place_of(&hex(&digest), root.as_deref());
        let is_here = root.is_some_and(|root| root == place.root) && path.exists();
        let base = place.base(if is_here { path } else { &place.root }).to_owned();
        Ok(Found { version: digest, base, set })
    }

    /// Records a version. The same content is the same version, however often it is recorded.
    ///
    /// # Errors
    /// Bad names, a tag that names another version, and what cannot be read or written.
    pub fn record(&self, request: &Request<'_>, manifest: &Manifest) -> Result<Snapshot, VersionError> {
        check_ref("--branch", request.branch)?;
        request.tag.map_or(Ok(()), |tag| check_ref("--tag", tag))?;
        request.name.map_or(Ok(()), |name| check_name("--name", name))?;
        if request.tag == Some(request.branch) {
            let name = request.branch.to_owned();
            return Err(VersionError::BadName { what: "--tag", name, why: "the branch has that name" });
        }
        let root = absolute(request.data)
            .ok_or_else(|| VersionError::io("find", request.data)(std::io::Error::from(ErrorKind::NotFound)))?;
        let folder = self.home.join(FOLDER);
        fs::create_dir_all(&folder).map_err(VersionError::io("make", &folder))?;
        let _lock = lock(&folder)?;
        let mut set = self.set_for(request, &root)?;
        let before = set.clone();
        let place = Place { root, is_file: request.is_file };
        set.move_to(&place);
        let (version, at) = (hex(manifest.version()), time(request.now));
        let record = Record {
            version: version.clone(),
            at: at.clone(),
            message: request.message.map(str::to_owned),
            source: request.source.map(str::to_owned),
            place: Some(place),
        };
        if set.tags.contains_key(request.branch) || request.tag.is_some_and(|tag| set.branches.contains_key(tag)) {
            let name = request.tag.unwrap_or(request.branch).to_owned();
            return Err(VersionError::BadName { what: "--tag or --branch", name, why: "the other has that name" });
        }
        let is_unchanged = !set.push(request.branch, record);
        if let Some(tag) = request.tag {
            set.tag(tag, manifest.version(), &at, request.moves_tag)?;
        }
        let is_new = self.put(manifest)?;
        if set != before {
            self.write_set(&set)?;
        }
        let records = set.branches.get(request.branch).map(Vec::as_slice).unwrap_or_default();
        let parent = records.len().checked_sub(2).and_then(|i| records.get(i));
        Ok(Snapshot {
            schema: SNAPSHOT_SCHEMA.to_owned(),
            is_new,
            is_unchanged,
            branch: request.branch.to_owned(),
            parent: parent.map(|record| record.version.clone()),
            tags: set.tags_of(&version),
            source: request.source.map(str::to_owned),
            facts: manifest.facts(),
            manifest: self.manifest_path(manifest.version()).display().to_string(),
            root: set.root.display().to_string(),
            name: set.name,
            version,
        })
    }

    /// Puts a tag on a version that is recorded already; its files are not looked at.
    ///
    /// # Errors
    /// As [`Self::find`] and [`Self::record`].
    pub fn tag(&self, found: &Found, tag: &str, moves: bool, now: SystemTime) -> Result<Snapshot, VersionError> {
        check_ref("--tag", tag)?;
        let manifest = self.manifest(&found.version)?;
        let folder = self.home.join(FOLDER);
        let _lock = lock(&folder)?;
        let mut set = self.set(&found.set.name)?.unwrap_or_else(|| found.set.clone());
        if set.branches.contains_key(tag) {
            return Err(VersionError::BadName { what: "--tag", name: tag.to_owned(), why: "a branch has that name" });
        }
        if set.tag(tag, &found.version, &time(now), moves)? {
            self.write_set(&set)?;
        }
        let version = hex(&found.version);
        let mut places = set.branches.iter().flat_map(|(branch, records)| {
            records.iter().rposition(|record| record.version == version).map(|i| (branch, records, i))
        });
        let (branch, parent) = places.next().map_or_else(Default::default, |(branch, records, i)| {
            (branch.clone(), i.checked_sub(1).and_then(|i| records.get(i)).map(|record| record.version.clone()))
        });
        Ok(Snapshot {
            schema: SNAPSHOT_SCHEMA.to_owned(),
            is_new: false,
            is_unchanged: true,
            branch,
            parent,
            tags: set.tags_of(&version),
            source: None,
            facts: manifest.facts(),
            manifest: self.manifest_path(&found.version).display().to_string(),
            root: set.root.display().to_string(),
            name: set.name,
            version,
        })
    }

    fn write_set(&self, set: &DataSet) -> Result<(), VersionError> {
        let path = self.set_path(&set.name);
        let text = set.to_text().map_err(|e| VersionError::damaged(&path, e.to_string()))?;
        sealed::write(&path, &text, SET_BYTES_MAX)
    }

    /// Writes a manifest, unless it is there. Whether it is new.
    fn put(&self, manifest: &Manifest) -> Result<bool, VersionError> {
        let path = self.manifest_path(manifest.version());
        match self.manifest(manifest.version()) {
            Ok(_) => return Ok(false),
            // What is gone or damaged is at hand, and written again.
            Err(VersionError::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
        let is_new = !path.exists();
        let text = manifest.to_text().map_err(|e| VersionError::damaged(&path, e.to_string()))?;
        sealed::write(&path, &text, MANIFEST_BYTES_MAX)?;
        Ok(is_new)
    }

    /// The data set of that name, else the one that lies there, else a new one.
    fn set_for(&self, request: &Request<'_>, root: &Path) -> Result<DataSet, VersionError> {
        let is_file = request.is_file;
        if let Some(name) = request.name {
            return Ok(self.set(name)?.unwrap_or_else(|| DataSet::new(name, root, is_file)));
        }
        let (sets, damaged) = self.sets()?;
        let here = at(&sets, root);
        if let [set] = here[..] {
            return Ok(set.clone());
        }
        if let Some(error) = damaged.into_iter().next() {
            return Err(error);
        }
        if !here.is_empty() {
            let among = here.iter().map(|set| format!("--name {}", set.name)).collect();
            return Err(VersionError::Ambiguous { name: request.data.display().to_string(), among });
        }
        let mut name = name_from(&root.file_name().map(|name| name.to_string_lossy()).unwrap_or_default());
        if sets.iter().any(|set| set.name.eq_ignore_ascii_case(&name)) {
            let place = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex();
            name = format!("{name}-{}", &place.as_str()[..6]);
        }
        Ok(DataSet::new(&name, root, is_file))
    }
}

/// The data sets that lie there, else those that lay there once.
fn at<'a>(sets: &'a [DataSet], root: &Path) -> Vec<&'a DataSet> {
    let here: Vec<&DataSet> = sets.iter().filter(|set| set.root == root).collect();
    if here.is_empty() { sets.iter().filter(|set| set.lay_at(root)).collect() } else { here }
}

/// What a later program wrote is not damaged, and not to be written over.
fn refuse_newer(path: &Path, text: &str, known: &str) -> Result<(), VersionError> {
    #[derive(serde::Deserialize)]
    struct Head {
        schema: String,
    }
    let cut =
        |schema: &str| schema.rsplit_once('/').and_then(|(name, n)| Some((name.to_owned(), n.parse::<u32>().ok()?)));
    let schema = serde_json::from_str::<Head>(text.lines().next().unwrap_or_default()).map(|head| head.schema);
    let newer = schema.ok().filter(|schema| match (cut(schema), cut(known)) {
        (Some((name, its)), Some((known, own))) => name == known && its > own,
        _ => false,
    });
    newer.map_or(Ok(()), |schema| Err(VersionError::Newer { path: path.to_owned(), schema }))
}

/// A lock over all data sets, held until it is dropped; whoever ends without a word lets it go, too.
fn lock(folder: &Path) -> Result<File, VersionError> {
    let path = folder.join("lock");
    let file = File::options().create(true).append(true).open(&path).map_err(VersionError::io("open", &path))?;
    file.lock().map_err(VersionError::io("lock", &path))?;
    Ok(file)
}

/// The absolute path with all links followed; of what is gone, that of its folder and its name.
fn absolute(path: &Path) -> Option<PathBuf> {
    if let Ok(path) = fs::canonicalize(path) {
        return Some(path);
    }
    let path = std::path::absolute(path).ok()?;
    Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?))
}

/// RFC 3339 in UTC with milliseconds; the epoch where the calendar ends.
fn time(at: SystemTime) -> String {
    Timestamp::try_from(at).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Entry;

    fn manifest(content: u8) -> Manifest {
        let entry = Entry {
            path: "a".to_owned(),
            bytes: 1,
            digest: [content; 32],
            is_data: true,
            rows: None,
            first_ns: None,
            last_ns: None,
            symbol: None,
        };
        Manifest::new("x", vec![entry]).unwrap()
    }

    fn request<'a>(data: &'a Path, tag: Option<&'a str>) -> Request<'a> {
        Request {
            data,
            is_file: false,
            name: Some("set"),
            branch: "main",
            tag,
            moves_tag: false,
            message: None,
            source: None,
            now: SystemTime::UNIX_EPOCH,
        }
    }

    /// A home, and two folders that data may lie in.
    fn places() -> (tempfile::TempDir, Archive, [PathBuf; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let roots = ["a", "b"].map(|name| fs::canonicalize(folder.path()).unwrap().join(name));
        roots.iter().for_each(|root| fs::create_dir(root).unwrap());
        let archive = Archive::new(&folder.path().join("home"));
        (folder, archive, roots)
    }

    #[test]
    fn a_tag_that_is_the_branch_is_refused_before_anything_is_written() {
        let (_folder, archive, [a, _]) = places();
        let error = archive.record(&request(&a, Some("main")), &manifest(1)).unwrap_err();
        assert!(matches!(error, VersionError::BadName { .. }), "{error}");
        assert!(!archive.home().exists());
        archive.record(&request(&a, Some("v1")), &manifest(1)).unwrap();
        let taken = archive.record(&request(&a, Some("v1")), &manifest(2)).unwrap_err();
        assert!(matches!(taken, VersionError::TagTaken { .. }), "{taken}");
        assert!(!archive.manifest_path(manifest(2).version()).exists());
    }

    #[test]
    fn a_version_stays_where_it_was_recorded() {
        let (_folder, archive, [a, b]) = places();
        archive.record(&request(&a, Some("v1")), &manifest(1)).unwrap();
        let file = Request { is_file: true, ..request(&b, Some("v2")) };
        archive.record(&file, &manifest(2)).unwrap();
        assert_eq!(archive.find("set", "v1").unwrap().base, a);
        assert_eq!(archive.find("set", "v2").unwrap().base, b.parent().unwrap());
        assert_eq!(archive.find(a.to_str().unwrap(), "v1").unwrap().base, a);
        assert_eq!(archive.find_set(a.to_str().unwrap()).unwrap().name, "set");
        // What was recorded without its place lies where the data set did.
        let path = archive.set_path("set");
        let mut set = archive.set("set").unwrap().unwrap();
        set.branches.values_mut().flatten().for_each(|record| record.place = None);
        archive.write_set(&set).unwrap();
        archive.record(&request(&a, Some("v3")), &manifest(3)).unwrap();
        assert_eq!(archive.find("set", "v2").unwrap().base, b.parent().unwrap(), "{}", path.display());
    }

    #[test]
    fn a_path_that_exists_wins_over_a_name() {
        let (folder, archive, [a, _]) = places();
        let other = folder.path().to_str().unwrap();
        archive.record(&request(&a, None), &manifest(1)).unwrap();
        let mut set = archive.set("set").unwrap().unwrap();
        assert!(archive.find_set("set").is_ok());
        // The tests' own folder has one of that name.
        set.name = "src".to_owned();
        archive.write_set(&set).unwrap();
        let error = archive.find_set("src").unwrap_err();
        assert!(matches!(error, VersionError::NoSuchSet { elsewhere: Some(_), .. }), "{other}: {error}");
        assert!(error.help().unwrap().contains(a.to_str().unwrap()));
    }

    #[test]
    fn what_a_later_program_wrote_is_not_written_over() {
        let (_folder, archive, [a, _]) = places();
        archive.record(&request(&a, None), &manifest(1)).unwrap();
        let paths = [archive.manifest_path(manifest(1).version()), archive.set_path("set")];
        for path in paths {
            let before = sealed::read(&path, SET_BYTES_MAX).unwrap().unwrap();
            let later = before.replacen("/1\"", "/2\"", 1);
            sealed::write(&path, &later, SET_BYTES_MAX).unwrap();
            let error = archive.record(&request(&a, None), &manifest(1)).unwrap_err();
            assert!(matches!(error, VersionError::Newer { .. }) && !error.is_usage(), "{error}");
            assert_eq!(sealed::read(&path, SET_BYTES_MAX).unwrap().unwrap(), later);
            sealed::write(&path, &before, SET_BYTES_MAX).unwrap();
        }
        fs::write(archive.set_path("set"), "x").unwrap();
        let help = archive.find_set("set").unwrap_err().help().unwrap();
        assert!(help.contains("put back a copy"), "{help}");
    }
}
