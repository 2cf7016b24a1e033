//! Names: of data sets, branches and tags, and `DATA@VERSION`.

use crate::error::VersionError;
use crate::merkle::unhex;
use crate::source;

/// Longer names help nobody.
const BYTES_MAX: usize = 100;

/// What a command line says of data: `DATA` or `DATA@VERSION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSpec<'a> {
    /// A path or the name of a data set.
    pub data: &'a str,
    /// What is behind the last `@`, if there is something.
    pub version: Option<&'a str>,
}

impl<'a> DataSpec<'a> {
    /// Cuts at the last `@`. Whether a path of that very name exists is for the caller to ask first.
    pub fn parse(text: &'a str) -> Self {
        match text.rsplit_once('@') {
            Some((data, version)) if !version.is_empty() && !version.contains(['/', '\\']) => {
                Self { data, version: Some(version) }
            }
            // Names of branches may have `/` in them; a path behind the `@` has its own file.
            Some((data, version)) if !version.is_empty() && !data.is_empty() && check_shape(version, true).is_ok() => {
                Self { data, version: Some(version) }
            }
            _ => Self { data: text, version: None },
        }
    }
}

fn check_shape(name: &str, may_have_slashes: bool) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.len() > BYTES_MAX {
        return Err("it has more than 100 bytes");
    }
    let is_good = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c) || (may_have_slashes && c == '/');
    if !name.chars().all(is_good) {
        return Err(match may_have_slashes {
            true => "letters, digits and . _ - + / only",
            false => "letters, digits and . _ - + only",
        });
    }
    if name.split('/').any(|part| part.is_empty() || part.starts_with(['.', '-'])) {
        return Err("it, and what follows a /, begins with a letter, a digit, _ or +");
    }
    Ok(())
}

/// Whether a data set may have that name.
///
/// # Errors
/// [`VersionError::BadName`].
pub fn check_name(what: &'static str, name: &str) -> Result<(), VersionError> {
    check_shape(name, false).map_err(|why| VersionError::BadName { what, name: name.to_owned(), why })
}

/// Whether a branch or tag may have that name.
///
/// # Errors
/// [`VersionError::BadName`]; also for names that say where a version is from, such as `dvc`, and for whole digests.
pub fn check_ref(what: &'static str, name: &str) -> Result<(), VersionError> {
    let why = match check_shape(name, true) {
        Err(why) => why,
        Ok(()) if source::is_reserved(name) => "it names a place that versions come from",
        Ok(()) if unhex(name).is_some() => "it is a digest",
        Ok(()) => return Ok(()),
    };
    Err(VersionError::BadName { what, name: name.to_owned(), why })
}

/// A name of a data set made from that of its folder.
pub(crate) fn name_from(folder: &str) -> String {
    let mut name: String = folder
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-+".contains(c) { c } else { '-' })
        .take(BYTES_MAX / 2)
        .collect();
    name = name.trim_start_matches(['.', '-']).to_owned();
    if name.is_empty() { "data".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_is_behind_the_last_at() {
        let cases = [
            ("data", "data", None),
            ("data@v1", "data", Some("v1")),
            ("a@b/data@v1", "a@b/data", Some("v1")),
            ("data@feature/x", "data", Some("feature/x")),
            ("table@delta:12", "table", Some("delta:12")),
            ("@v2", "", Some("v2")),
            ("data@", "data@", None),
            ("user@host/data.jsonl.gz", "user", Some("host/data.jsonl.gz")),
            ("a@../b", "a@../b", None),
        ];
        for (text, data, version) in cases {
            assert_eq!(DataSpec::parse(text), DataSpec { data, version }, "{text}");
        }
    }

    #[test]
    fn names_are_plain_and_do_not_name_a_source() {
        for good in ["v1", "main", "2026-11-30", "20261130", "feature/x", "a_b.c+d"] {
            assert!(check_ref("--tag", good).is_ok(), "{good}");
        }
        let digest = "0".repeat(64);
        for bad in ["", ".", "-x", "a//b", "/a", "a/", "a/..", "a b", "a:b", "a@b", "ü", "dvc", "delta", &digest] {
            assert!(check_ref("--tag", bad).is_err(), "{bad}");
        }
        assert!(check_name("--name", "a/b").is_err());
        for (folder, name) in [("golden", "golden"), (".cache x", "cache-x"), ("ü", "data"), ("", "data")] {
            assert_eq!(name_from(folder), name);
            assert!(check_name("--name", &name_from(folder)).is_ok());
        }
    }
}
