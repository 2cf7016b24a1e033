//! The digest of a version: a Merkle tree in the shape of the folders.
//!
//! ```text
//! leaf of a file    = BLAKE3[verismo.version.file/1](length as u64 LE, BLAKE3 of the content)
//! node of a folder  = BLAKE3[verismo.version.folder/1](children in ascending order of the bytes of their names, each as
//!                         0 for a file or 1 for a folder, length of the name as u64 LE, the name in UTF-8, digest of the child)
//! version           = node of the data set's own folder
//! ```
//!
//! `BLAKE3[context]` is BLAKE3 in its mode for key derivation, so that a leaf is never taken for a node. Names are in the node of the folder
//! and not in the leaf: a moved file keeps its leaf. A file that changes changes its leaf and the nodes of the folders that it lies in, and
//! nothing else; the order in which files are listed changes nothing.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use crate::path::check_path;

/// A BLAKE3 digest.
pub type Digest = [u8; 32];

const FILE: &str = "verismo.version.file/1";
const FOLDER: &str = "verismo.version.folder/1";

enum Node<'a> {
    File(Digest),
    Folder(BTreeMap<&'a str, Node<'a>>),
}

/// The digest of files: path, length and digest of the content of each.
///
/// # Errors
/// A path that is none below a root, that is there twice, or that is a file and a folder.
pub fn root<'a>(files: impl IntoIterator<Item = (&'a str, u64, &'a Digest)>) -> Result<Digest, String> {
    let mut root = BTreeMap::new();
    for (path, bytes, content) in files {
        check_path(path).map_err(|why| format!("path {path:?}: {why}"))?;
        insert(&mut root, path, leaf(bytes, content)).ok_or_else(|| format!("path {path:?} is there twice"))?;
    }
    Ok(folder(&root))
}

fn insert<'a>(root: &mut BTreeMap<&'a str, Node<'a>>, path: &'a str, leaf: Digest) -> Option<()> {
    let mut here = root;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let slot = here.entry(part);
        if parts.peek().is_none() {
            let Slot::Vacant(slot) = slot else { return None };
            slot.insert(Node::File(leaf));
            return Some(());
        }
        let Node::Folder(next) = slot.or_insert_with(|| Node::Folder(BTreeMap::new())) else { return None };
        here = next;
    }
    None
}

fn leaf(bytes: u64, content: &Digest) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(FILE);
    hasher.update(&bytes.to_le_bytes()).update(content);
    *hasher.finalize().as_bytes()
}

/// As deep as a checked path may be.
fn folder(children: &BTreeMap<&str, Node<'_>>) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(FOLDER);
    for (name, child) in children {
        let (kind, digest) = match child {
            Node::File(leaf) => (0, *leaf),
            Node::Folder(children) => (1, folder(children)),
        };
        hasher.update(&[kind]).update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(&digest);
    }
    *hasher.finalize().as_bytes()
}

/// A digest as 64 hex digits.
pub fn hex(digest: &Digest) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}

/// The digest that [`hex`] wrote.
pub fn unhex(text: &str) -> Option<Digest> {
    let is_ours = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    blake3::Hash::from_hex(text).ok().filter(|_| is_ours).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, u64, u8)]) -> Digest {
        let contents: Vec<Digest> = files.iter().map(|(_, _, content)| [*content; 32]).collect();
        root(files.iter().zip(&contents).map(|((path, bytes, _), content)| (*path, *bytes, content))).unwrap()
    }

    #[test]
    fn the_digest_is_that_of_the_construction_written_out() {
        let file =
            |bytes: u64, content: u8| blake3::derive_key(FILE, &[&bytes.to_le_bytes()[..], &[content; 32]].concat());
        let child = |kind: u8, name: &str, digest: Digest| {
            [&[kind][..], &(name.len() as u64).to_le_bytes(), name.as_bytes(), &digest].concat()
        };
        let inner = blake3::derive_key(FOLDER, &[child(0, "x", file(3, 7)), child(0, "y", file(5, 9))].concat());
        // `a-b` sorts before `a` as a path, and after it as a name.
        let outer = [child(1, "a", inner), child(0, "a-b", file(0, 1))].concat();
        assert_eq!(of(&[("a-b", 0, 1), ("a/x", 3, 7), ("a/y", 5, 9)]), blake3::derive_key(FOLDER, &outer));
    }

    #[test]
    fn order_says_nothing_and_everything_else_something() {
        let base = of(&[("a/x", 3, 7), ("a/y", 5, 9), ("b", 1, 1)]);
        assert_eq!(base, of(&[("b", 1, 1), ("a/y", 5, 9), ("a/x", 3, 7)]));
        for other in [
            &[("a/x", 4, 7), ("a/y", 5, 9), ("b", 1, 1)][..],
            &[("a/x", 3, 8), ("a/y", 5, 9), ("b", 1, 1)],
            &[("a/x", 3, 7), ("a/z", 5, 9), ("b", 1, 1)],
            &[("a/x", 3, 7), ("y", 5, 9), ("b", 1, 1)],
            &[("a/x", 3, 7), ("a/y", 5, 9)],
            &[("a/y", 3, 7), ("a/x", 5, 9), ("b", 1, 1)],
        ] {
            assert_ne!(base, of(other), "{other:?}");
        }
    }

    #[test]
    fn two_of_one_path_or_a_file_that_is_a_folder_are_refused() {
        let content = [0; 32];
        for paths in [&["a", "a"][..], &["a", "a/b"], &["a/b", "a"], &["../a"], &["/a"]] {
            assert!(root(paths.iter().map(|path| (*path, 0, &content))).is_err(), "{paths:?}");
        }
    }

    #[test]
    fn hex_and_back() {
        let digest = of(&[("a", 1, 1)]);
        assert_eq!(unhex(&hex(&digest)), Some(digest));
        for bad in ["", "00", &hex(&digest).to_uppercase(), &"g".repeat(64)] {
            assert_eq!(unhex(bad), None);
        }
    }
}
