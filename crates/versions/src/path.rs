//! Paths that come from manifests: relative, and nowhere but below their root.

/// More folders in each other than any data set has; what walks a tree of them may recurse.
pub(crate) const DEPTH_MAX: usize = 64;
/// Longer than file systems take.
const BYTES_MAX: usize = 4096;

/// Whether a path is one of a file below a root: relative, `/` between its parts, none of them empty, `.` or `..`.
///
/// # Errors
/// What is wrong with it.
pub fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("it is empty");
    }
    if path.len() > BYTES_MAX {
        return Err("it is too long");
    }
    if path.starts_with('/') || is_of_a_drive(path) {
        return Err("it is absolute");
    }
    if path.contains('\0') || (cfg!(windows) && path.contains('\\')) {
        return Err("it has a character that no path may have");
    }
    let mut depth = 0;
    for part in path.split('/') {
        match part {
            ".." => return Err("it leads out of the data set"),
            "" | "." => return Err("a part of it is empty"),
            _ => depth += 1,
        }
    }
    if depth > DEPTH_MAX { Err("it is too deep") } else { Ok(()) }
}

/// `C:` at the start, which would leave the root on some systems.
fn is_of_a_drive(path: &str) -> bool {
    cfg!(windows) && path.as_bytes().get(1) == Some(&b':')
}

/// The folder of a path; empty for one without.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_root_are_taken() {
        for good in ["a", "a/b.parquet", "date=2026-11-30/part 1", "..a/b..", "ü/@"] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        let deep = "a/".repeat(DEPTH_MAX) + "a";
        let long = "a".repeat(BYTES_MAX + 1);
        for bad in ["", "/etc/passwd", "..", "../a", "a/../../b", "a//b", "a/", "./a", "a/./b", "a\0b", &deep, &long] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }
}
