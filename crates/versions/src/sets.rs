//! Data sets: where they lie, their branches and tags. A small file each, `versions/sets/NAME.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::VersionError;
use crate::merkle::{Digest, hex, unhex};

pub(crate) const SCHEMA: &str = "verismo.data-set/1";
/// Fewer hex digits name no version: too many words are hex.
const PREFIX_MIN: usize = 4;

/// A version as it was recorded on a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version, hex.
    pub version: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// What was said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What told the files where that was not the folder: `dvc`, `delta:12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Where its files lay; those of versions recorded by older programs where those of the data set do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Where files of a version lay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Absolute.
    pub root: PathBuf,
    /// Whether that is a single file.
    pub is_file: bool,
}

impl Place {
    /// The folder that paths of the manifest are relative to, where the place goes by that path.
    pub(crate) fn base<'a>(&self, root: &'a Path) -> &'a Path {
        if self.is_file { root.parent().unwrap_or(Path::new("")) } else { root }
    }
}

/// What a tag names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The version, hex.
    pub version: String,
    /// Since when, RFC 3339 in UTC.
    pub at: String,
}

/// A data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSet {
    pub(crate) schema: String,
    /// Its name.
    pub name: String,
    /// Where it lay when it was last recorded, absolute.
    pub root: PathBuf,
    /// Whether that is a single file.
    pub is_file: bool,
    /// Versions of each branch, the earliest first; the version before one is its parent.
    pub branches: BTreeMap<String, Vec<Record>>,
    /// Tags.
    pub tags: BTreeMap<String, Tag>,
}

impl DataSet {
    pub(crate) fn new(name: &str, root: &Path, is_file: bool) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            name: name.to_owned(),
            root: root.to_owned(),
            is_file,
            branches: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }

    pub(crate) fn to_text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)? + "\n")
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let set: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if set.schema != SCHEMA {
            return Err(format!("its schema is {:?}, this verismo knows {SCHEMA}", set.schema));
        }
        if let Some(bad) = set.digests().find(|text| unhex(text).is_none()) {
            return Err(format!("{bad:?} is no version"));
        }
        Ok(set)
    }

    fn digests(&self) -> impl Iterator<Item = &str> {
        let records = self.branches.values().flatten().map(|record| record.version.as_str());
        records.chain(self.tags.values().map(|tag| tag.version.as_str()))
    }

    /// The latest version of a branch.
    pub fn head(&self, branch: &str) -> Option<&Record> {
        self.branches.get(branch)?.last()
    }

    /// Tags of a version, sorted.
    pub fn tags_of(&self, version: &str) -> Vec<String> {
        self.tags.iter().filter(|(_, tag)| tag.version == version).map(|(name, _)| name.clone()).collect()
    }

    /// Where the data set lay last.
    pub(crate) fn place(&self) -> Place {
        Place { root: self.root.clone(), is_file: self.is_file }
    }

    /// From now on the data set lies there; versions that were recorded before stay where they were.
    pub(crate) fn move_to(&mut self, place: &Place) {
        let before = self.place();
        if before == *place {
            return;
        }
        for record in self.branches.values_mut().flatten() {
            record.place.get_or_insert_with(|| before.clone());
        }
        (self.root, self.is_file) = (place.root.clone(), place.is_file);
    }

    /// Whether a version was recorded from that root.
    pub(crate) fn lay_at(&self, root: &Path) -> bool {
        let mut places = self.branches.values().flatten().filter_map(|record| record.place.as_ref());
        self.root == root || places.any(|place| place.root == root)
    }

    /// Where the files of a version lay: at that root if it was recorded from there, else where it was recorded last.
    pub(crate) fn place_of(&self, version: &str, root: Option<&Path>) -> Place {
        let records = self.branches.values().flatten().filter(|record| record.version == version);
        let mut found: Vec<(&str, Place)> =
            records.map(|record| (record.at.as_str(), record.place.clone().unwrap_or_else(|| self.place()))).collect();
        found.sort_by(|a, b| a.0.cmp(b.0));
        let here = found.iter().position(|(_, place)| Some(place.root.as_path()) == root);
        let at = here.or(found.len().checked_sub(1));
        at.map_or_else(|| self.place(), |at| found.swap_remove(at).1)
    }

    /// The version of that name: a tag, a branch (its latest), the start of a digest.
    ///
    /// # Errors
    /// [`VersionError::NoSuchVersion`], [`VersionError::Ambiguous`].
    pub fn find(&self, name: &str) -> Result<Digest, VersionError> {
        if let (Some(tag), Some(head)) = (self.tags.get(name), self.head(name)) {
            let short = |version: &str| version.chars().take(12).collect::<String>();
            let among =
                vec![format!("the tag ({})", short(&tag.version)), format!("the branch ({})", short(&head.version))];
            return Err(VersionError::Ambiguous { name: name.to_owned(), among });
        }
        let tag = self.tags.get(name).map(|tag| tag.version.as_str());
        let named = tag.or_else(|| self.head(name).map(|record| record.version.as_str()));
        if let Some(digest) = named.and_then(unhex) {
            return Ok(digest);
        }
        let name_lower = name.to_ascii_lowercase();
        let is_prefix = name.len() >= PREFIX_MIN && name.bytes().all(|b| b.is_ascii_hexdigit());
        let matches = self.digests().filter(|digest| is_prefix && digest.starts_with(&name_lower));
        let matches: BTreeSet<&str> = matches.collect();
        match matches.len() {
            1 => matches.first().and_then(|digest| unhex(digest)).ok_or_else(|| self.no_such_version(name)),
            0 => Err(self.no_such_version(name)),
            _ => {
                let among = matches.iter().map(|digest| digest.chars().take(16).collect()).collect();
                Err(VersionError::Ambiguous { name: name.to_owned(), among })
            }
        }
    }

    fn no_such_version(&self, name: &str) -> VersionError {
        let heads = self.branches.keys().cloned();
        VersionError::NoSuchVersion {
            set: self.name.clone(),
            version: name.to_owned(),
            known: self.tags.keys().cloned().chain(heads).collect(),
        }
    }

    /// Puts a version on a branch, unless it is its latest. Whether something changed.
    pub(crate) fn push(&mut self, branch: &str, record: Record) -> bool {
        let records = self.branches.entry(branch.to_owned()).or_default();
        if let Some(last) = records.last_mut().filter(|last| last.version == record.version) {
            // The same files, and at hand there.
            last.place = record.place;
            return false;
        }
        records.push(record);
        true
    }

    /// Names a version. Whether something changed.
    pub(crate) fn tag(&mut self, name: &str, version: &Digest, at: &str, moves: bool) -> Result<bool, VersionError> {
        let version = hex(version);
        match self.tags.get(name) {
            Some(tag) if tag.version == version => return Ok(false),
            Some(tag) if !moves => {
                let taken = tag.version.chars().take(12).collect();
                return Err(VersionError::TagTaken { tag: name.to_owned(), set: self.name.clone(), version: taken });
            }
            _ => {}
        }
        self.tags.insert(name.to_owned(), Tag { version, at: at.to_owned() });
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(digest: &Digest) -> Record {
        Record { version: hex(digest), at: "2026-11-30T00:00:00Z".to_owned(), message: None, source: None, place: None }
    }

    #[test]
    fn a_version_is_a_tag_a_branch_or_the_start_of_a_digest() {
        let mut set = DataSet::new("x", Path::new("/x"), false);
        let digests = [[0xab; 32], [0xac; 32], {
            let mut d = [0xab; 32];
            d[2] = 0;
            d
        }];
        for digest in &digests {
            assert!(set.push("main", record(digest)));
        }
        assert!(!set.push("main", record(&digests[2])));
        assert!(set.tag("v1", &digests[0], "", false).unwrap());
        assert!(!set.tag("v1", &digests[0], "", false).unwrap());
        assert!(matches!(set.tag("v1", &digests[1], "", false), Err(VersionError::TagTaken { .. })));
        assert!(set.tag("v1", &digests[1], "", true).unwrap());
        assert_eq!(set.find("v1").unwrap(), digests[1]);
        assert_eq!(set.find("main").unwrap(), digests[2]);
        assert_eq!(set.find("ABAB00").unwrap(), digests[2]);
        assert_eq!(set.find("acac").unwrap(), digests[1]);
        assert!(matches!(set.find("abab"), Err(VersionError::Ambiguous { .. })));
        for none in ["aca", "abac", "v2", ""] {
            assert!(matches!(set.find(none), Err(VersionError::NoSuchVersion { .. })), "{none}");
        }
        set.tags.insert("main".to_owned(), Tag { version: hex(&digests[0]), at: String::new() });
        assert!(matches!(set.find("main"), Err(VersionError::Ambiguous { .. })), "a tag and a branch");
        assert_eq!(DataSet::parse(&set.to_text().unwrap()), Ok(set));
    }
}
