//! Objects of a folder of this machine, read without asking anybody else.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use object_store::path::Path as Name;

use super::line::Fetched;
use super::parts::{AT_FIRST, Told, head_end};

/// An object as a whole; `None` where there is none.
pub(super) fn read_whole(path: &Path) -> io::Result<Option<Fetched>> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let metadata = file.metadata()?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).map_err(io::Error::other)?);
    file.read_to_end(&mut bytes)?;
    Ok(Some(Fetched { length: bytes.len() as u64, bytes: bytes.into(), modified: metadata.modified()? }))
}

/// The names of the objects whose names begin with those of a folder, in order; none where there is none.
pub(super) fn list(root: &Path, folder: &Name) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(root.join(folder.as_ref())) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        // Followed where it is a link; whoever sweeps may have removed it meanwhile. What is being written has `#` in its name.
        let is_file = || fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file());
        let is_object = entry.file_type().is_ok_and(|kind| kind.is_file()) || is_file();
        if let Some(name) = entry.file_name().to_str().filter(|name| is_object && !name.contains('#')) {
            names.push(folder.clone().join(name).to_string());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        file => file.map(Some),
    }
}

/// The front of a file up to the end of its head at least; `None` where there is none.
pub(super) fn read_front(path: &Path) -> io::Result<Option<Fetched>> {
    let Some(file) = open(path)? else { return Ok(None) };
    let metadata = file.metadata()?;
    let length = metadata.len();
    let front = |n: u64| {
        (&file).seek(SeekFrom::Start(0))?;
        let mut bytes = vec![0; usize::try_from(n.min(length)).map_err(io::Error::other)?];
        (&file).read_exact(&mut bytes).map(|()| bytes)
    };
    let mut bytes = front(AT_FIRST)?;
    // A head that cannot be told is for whoever opens it to say.
    if let Ok(end) = head_end(&bytes)
        && end > bytes.len() as u64
    {
        bytes = front(end)?;
    }
    Ok(Some(Fetched { bytes: bytes.into(), length, modified: metadata.modified()? }))
}

/// The packed contents of some parts of an object.
pub(super) fn read_parts(path: &Path, wanted: &[&Told]) -> io::Result<Vec<Vec<u8>>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let read = |told: &&Told| {
        let place = &told.place;
        // No more is made room for than there is.
        if place.end > length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (&file).seek(SeekFrom::Start(place.start))?;
        let mut bytes = vec![0; usize::try_from(place.end - place.start).map_err(io::Error::other)?];
        (&file).read_exact(&mut bytes).map(|()| bytes)
    };
    wanted.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_listed_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let names = |folder: &str| list(root.path(), &Name::from(folder)).unwrap();
        assert_eq!(names("a/b"), [""; 0]);
        let folder = root.path().join("a/b");
        fs::create_dir_all(folder.join("c")).unwrap();
        for name in ["y.base", "x.parts", "x.parts#1"] {
            fs::write(folder.join(name), "bytes").unwrap();
        }
        assert_eq!(names("a/b"), ["a/b/x.parts", "a/b/y.base"]);
        #[cfg(unix)]
        {
            // A store may be laid out as links to another one.
            std::os::unix::fs::symlink(folder.join("y.base"), folder.join("z.base")).unwrap();
            std::os::unix::fs::symlink(folder.join("gone"), folder.join("w.base")).unwrap();
            assert_eq!(names("a/b"), ["a/b/x.parts", "a/b/y.base", "a/b/z.base"]);
            assert_eq!(&read_whole(&folder.join("z.base")).unwrap().unwrap().bytes[..], b"bytes");
        }
        assert!(read_whole(&folder.join("gone")).unwrap().is_none());
        assert!(list(root.path(), &Name::from("a/b/y.base")).is_err(), "a file is no folder");
    }
}
