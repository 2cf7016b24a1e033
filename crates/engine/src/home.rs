//! Where verismo keeps its things: what it was told, else beside the suite, else where the user's caches are.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

/// The environment variable that names the home.
pub const HOME_VARIABLE: &str = "VERISMO_STORE";
/// The home beside a suite file.
const BESIDE_SUITE: &str = ".verismo";
/// The home in the user's cache directory.
const IN_CACHE: &str = "verismo";

/// The folder in which verismo keeps its things; it need not exist.
///
/// Of these the first that is there: `asked`, the environment variable [`HOME_VARIABLE`], `.verismo` beside `suite_file`,
/// `verismo` in the user's cache directory. A URL (`s3://bucket/prefix`) names a place for states only, see [`remote_url`]: what has to be
/// local stays in the cache directory then.
///
/// `None` where the user has no cache directory, which takes a system without a home directory.
pub fn home(asked: Option<&str>, suite_file: Option<&Path>) -> Option<PathBuf> {
    place(asked, std::env::var_os(HOME_VARIABLE), suite_file, || {
        etcetera::choose_base_strategy().ok().map(|base| base.cache_dir())
    })
}

fn place(
    asked: Option<&str>,
    variable: Option<OsString>,
    suite_file: Option<&Path>,
    cache: impl FnOnce() -> Option<PathBuf>,
) -> Option<PathBuf> {
    let given = asked.map(OsString::from).or(variable).filter(|text| !text.is_empty());
    match given {
        Some(given) => match folder_of(&given) {
            Some(folder) => Some(folder),
            None => Some(cache()?.join(IN_CACHE)),
        },
        None => match suite_file {
            Some(file) => Some(file.parent().unwrap_or(Path::new("")).join(BESIDE_SUITE)),
            None => Some(cache()?.join(IN_CACHE)),
        },
    }
}

/// The URL of a store of states that is not on this machine, if `asked`, else the environment variable, names one.
pub fn remote_url(asked: Option<&str>) -> Option<String> {
    let given =
        asked.map(OsString::from).or_else(|| std::env::var_os(HOME_VARIABLE)).filter(|text| !text.is_empty())?;
    if folder_of(&given).is_some() { None } else { given.into_string().ok() }
}

/// The folder that a text names: its path, or `file://` and its path. Other URLs name none.
fn folder_of(text: &OsStr) -> Option<PathBuf> {
    match text.to_str().filter(|text| is_url(text)) {
        None => Some(PathBuf::from(text)),
        Some(url) => url::Url::parse(url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok(),
    }
}

/// Whether the text begins like a URL: a scheme of two letters or more (one is a drive), then `://`.
fn is_url(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once("://") else { return false };
    scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_comes_first_and_the_cache_last() {
        let suite = Path::new("conf/strict.yaml");
        let cases = [
            (Some("a"), Some("b"), Some(suite), "a"),
            (None, Some("b"), Some(suite), "b"),
            (None, None, Some(suite), "conf/.verismo"),
            (None, None, Some(Path::new("strict.yaml")), ".verismo"),
            (None, None, None, "cache/verismo"),
            (None, Some(""), None, "cache/verismo"),
            (Some("s3://bucket/states"), Some("b"), Some(suite), "cache/verismo"),
            (None, Some("gs://bucket"), None, "cache/verismo"),
            (Some("file:///srv/my%20states"), None, None, "/srv/my states"),
            (Some("C://x"), None, None, "C://x"),
            (Some("odd name://x"), None, None, "odd name://x"),
        ];
        for (asked, variable, suite, want) in cases {
            let found = place(asked, variable.map(OsString::from), suite, || Some(PathBuf::from("cache")));
            assert_eq!(found, Some(PathBuf::from(want)), "{asked:?} {variable:?} {suite:?}");
        }
    }

    #[test]
    fn without_a_cache_directory_only_a_given_home_is_one() {
        assert_eq!(place(None, None, None, || None), None);
        assert_eq!(place(Some("s3://b"), None, None, || None), None);
        assert_eq!(place(Some("d"), None, None, || None), Some(PathBuf::from("d")));
    }
}
