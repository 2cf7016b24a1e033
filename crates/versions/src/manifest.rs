//! The manifest of a version: which files it has, and what is known of them.
//!
//! A line of JSON about the whole, a line for each file in ascending order of the path, and a check. Everything on it follows from the
//! contents; when, by whom and after what it was recorded is said by the data set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use verismo_suite::versions::{Amount, Facts};

use crate::merkle::{Digest, hex, root, unhex};
use crate::path::folder;

pub(crate) const SCHEMA: &str = "verismo.version/1";

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path, relative to the data set, with `/`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its content.
    #[serde(with = "as_hex")]
    pub digest: Digest,
    /// Whether it holds data; a list of the files beside it does not.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub is_data: bool,
    /// Rows, where the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Exchange time of its first event, ns, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_ns: Option<i64>,
    /// Exchange time of its last event, where the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ns: Option<i64>,
    /// Symbol, where its place says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}

fn yes() -> bool {
    true
}

mod as_hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::merkle::{Digest, hex, unhex};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(digest))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Digest, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        unhex(&text).ok_or_else(|| D::Error::custom("a digest has 64 hex digits"))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    schema: String,
    version: String,
    format: String,
    files: u64,
    bytes: u64,
}

/// The files of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    version: Digest,
    format: String,
    entries: Vec<Entry>,
}

impl Manifest {
    /// The version that these files are.
    ///
    /// # Errors
    /// A path that is none below a root or is there twice; no file at all.
    pub fn new(format: &str, mut entries: Vec<Entry>) -> Result<Self, String> {
        if entries.is_empty() {
            return Err("there are no files".to_owned());
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let version = root(entries.iter().map(|e| (e.path.as_str(), e.bytes, &e.digest)))?;
        Ok(Self { version, format: format.to_owned(), entries })
    }

    /// The digest of the version.
    pub fn version(&self) -> &Digest {
        &self.version
    }

    /// The files, by path.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What is known of the whole.
    pub fn facts(&self) -> Facts {
        let data = || self.entries.iter().filter(|e| e.is_data);
        Facts {
            format: self.format.clone(),
            files: self.entries.len() as u64,
            partitions: self.partitions().len() as u64,
            bytes: self.entries.iter().fold(0, |sum, e| e.bytes.saturating_add(sum)),
            rows: data().try_fold(0u64, |sum, e| sum.checked_add(e.rows?)),
            first_ns: data().filter_map(|e| e.first_ns).min(),
            last_ns: data().map(|e| e.last_ns).try_fold(i64::MIN, |last, t| t.map(|t| t.max(last))),
        }
    }

    /// What lies in each folder that files lie in.
    pub(crate) fn partitions(&self) -> BTreeMap<&str, Amount> {
        let mut partitions: BTreeMap<&str, Amount> = BTreeMap::new();
        for entry in &self.entries {
            let rows = if entry.is_data { entry.rows } else { Some(0) };
            let amount = partitions.entry(folder(&entry.path)).or_insert(Amount { files: 0, bytes: 0, rows: Some(0) });
            amount.files += 1;
            amount.bytes = amount.bytes.saturating_add(entry.bytes);
            amount.rows = amount.rows.zip(rows).and_then(|(sum, rows)| sum.checked_add(rows));
        }
        partitions
    }

    /// As text, without its check.
    pub(crate) fn to_text(&self) -> Result<String, serde_json::Error> {
        let head = Head {
            schema: SCHEMA.to_owned(),
            version: hex(&self.version),
            format: self.format.clone(),
            files: self.entries.len() as u64,
            bytes: self.facts().bytes,
        };
        let mut text = serde_json::to_string(&head)? + "\n";
        for entry in &self.entries {
            text.push_str(&serde_json::to_string(entry)?);
            text.push('\n');
        }
        Ok(text)
    }

    /// What [`Self::to_text`] wrote, checked to be the manifest of its version.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let head: Head = serde_json::from_str(lines.next().unwrap_or_default()).map_err(|e| format!("line 1: {e}"))?;
        if head.schema != SCHEMA {
            return Err(format!("its schema is {:?}, this verismo knows {SCHEMA}", head.schema));
        }
        let entry = |(i, line)| serde_json::from_str(line).map_err(|e| format!("line {}: {e}", i + 2));
        let entries: Vec<Entry> = lines.enumerate().map(entry).collect::<Result<_, _>>()?;
        let manifest = Self::new(&head.format, entries)?;
        let facts = manifest.facts();
        if unhex(&head.version) != Some(manifest.version) || head.files != facts.files || head.bytes != facts.bytes {
            return Err("its files are not those of the version that it names".to_owned());
        }
        Ok(manifest)
    }
}

/// Checks what no input may break: for the fuzzer.
#[doc(hidden)]
pub fn check_bytes(bytes: &[u8]) {
    let text = match crate::sealed::open(bytes.to_vec()) {
        Ok(text) => text,
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    };
    if let Ok(manifest) = Manifest::parse(&text) {
        let again = manifest.to_text().ok().map(|text| Manifest::parse(&text));
        assert_eq!(again, Some(Ok(manifest)), "a manifest is read as it was written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn entry(path: &str, bytes: u64, content: u8) -> Entry {
        Entry {
            path: path.to_owned(),
            bytes,
            digest: [content; 32],
            is_data: true,
            rows: Some(bytes * 2),
            first_ns: Some(i64::from(content)),
            last_ns: Some(i64::from(content) + 10),
            symbol: None,
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written_and_says_what_is_known() {
        let list = Entry { is_data: false, rows: None, first_ns: None, last_ns: None, ..entry("manifest.jsonl", 9, 3) };
        let manifest =
            Manifest::new("events-parquet", vec![entry("b/y", 2, 5), list, entry("b/x \"\n", 1, 4)]).unwrap();
        assert_eq!(Manifest::parse(&manifest.to_text().unwrap()), Ok(manifest.clone()));
        let facts = manifest.facts();
        assert_eq!((facts.files, facts.bytes, facts.rows, facts.partitions), (3, 12, Some(6), 2));
        assert_eq!((facts.first_ns, facts.last_ns), (Some(4), Some(15)));
        assert_eq!(manifest.partitions()["b"], Amount { files: 2, bytes: 3, rows: Some(6) });
    }

    #[test]
    fn facts_are_no_part_of_the_version_and_a_file_without_rows_leaves_them_open() {
        let bare = Entry { rows: None, first_ns: None, last_ns: None, ..entry("a", 1, 1) };
        let (with, without) = (Manifest::new("x", vec![entry("a", 1, 1)]), Manifest::new("y", vec![bare]));
        let (with, without) = (with.unwrap(), without.unwrap());
        assert_eq!(with.version(), without.version());
        assert_eq!((without.facts().rows, without.facts().first_ns), (None, None));
    }

    #[test]
    fn what_is_no_manifest_of_its_version_is_refused() {
        let text = Manifest::new("x", vec![entry("a", 1, 1), entry("b", 1, 2)]).unwrap().to_text().unwrap();
        let cases = [
            String::new(),
            text.replace("version/1", "version/2"),
            text.replace("\"a\"", "\"../a\""),
            text.replace("\"b\"", "\"a\""),
            text.replace("\"bytes\":1,\"digest\"", "\"bytes\":18446744073709551615,\"digest\""),
            text.lines().take(2).collect::<Vec<_>>().join("\n"),
            text.replace("0101", "0201"),
        ];
        for case in cases {
            assert!(Manifest::parse(&case).is_err(), "{case}");
        }
    }
}
